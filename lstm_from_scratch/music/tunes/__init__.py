"""A tune of the reader's own: from a MIDI or MusicXML file onto a grid, and back into files.

`read` makes a `Tune` of a file, and `Tune.report` says what it understood of it.

* `reading`: from a file to a tune; `tune`: what a tune is;
* `smf`, `musicxml`: what stands in the file; `source`: the same for both; `unpacking`, `repeats`:
  archives and XML with care, the order of bars;
* `timing`: a performance onto its beats; `grid`: notes onto a grid; `voices`: which part is what;
  `symbols`: chord symbols;
* `writing`, `sheet`: tunes into MIDI files, and as scores.

Chapter 1 (Twelve bars) has the music of the book; this room is for yours.
"""

from ...lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    (
        "reading",
        "tune",
        "smf",
        "musicxml",
        "source",
        "timing",
        "grid",
        "voices",
        "symbols",
        "writing",
        "sheet",
        "unpacking",
        "repeats",
    ),
    {
        "read": "reading",
        "EXAMPLES": "reading",
        "Tune": "tune",
        "Part": "voices",
        "Metre": "source",
        "Tempo": "source",
        "write": "writing",
    },
)
