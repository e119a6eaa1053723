"""Music as data, and its ways in and out. Knows nothing of networks; begin with `blues`.

* `blues`: notes, chords, the twelve bars, the 4,096 choruses (chapter 1);
* `encoding`: notes to vectors of zeros and ones, and back (chapter 2);
* `articulation`: where notes end and where they begin (chapter 13);
* `midi`, `audio`, `score`: files, sound, and music on paper (chapter 1);
* `tunes`: files of your own, MIDI or MusicXML, onto a grid (chapter 1);
* `beats`: where the beat is in a performance (chapter 18).
"""

from ..lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("blues", "encoding", "articulation", "midi", "audio", "score", "tunes", "beats"),
    {
        "Note": "blues",
        "Form": "blues",
        "FORMS": "blues",
        "TWELVE_BAR": "blues",
        "chorus": "blues",
        "Encoding": "encoding",
        "CHORDS_ONLY": "encoding",
        "CHORDS_AND_MELODY": "encoding",
        "Ends": "articulation",
        "Begins": "articulation",
        "Music": "midi",
        "read_midi": "midi",
        "read_tracks": "midi",
        "write_midi": "midi",
        "synthesise": "audio",
        "write_audio": "audio",
    },
)
