"""Music as a musician reads it: a score as MusicXML, as a picture in the page, and on paper.

A piano score has the melody on a staff of its own, the chords on another below it, and the chord
symbols of the form above both, four bars a line. A lead sheet leaves the staff of the chords out:
it has the melody and the symbols.

* `staves`: what stands on the sheet; chords that are struck, not held;
* `spelling`, `rhythm`: with which signs, noteheads and rests;
* `writing`: MusicXML, for any notation program;
* `drawing`, `engraving`: pictures and PDF, which need verovio (the extra ``score``).

Chapter 1 (Twelve bars) shows the first one.
"""

from ...lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("staves", "spelling", "rhythm", "writing", "drawing", "engraving"),
    {
        "svg": "drawing",
        "pdf": "drawing",
        "musicxml": "writing",
        "write_musicxml": "writing",
        "struck": "staves",
        "played": "staves",
        "Sheet": "drawing",
        "Undrawn": "drawing",
        "BARS_A_LINE": "writing",
        "NEEDS_VEROVIO": "engraving",
    },
)
