"""What was played is worth what? Knows `music`, `machine` and `playing`.

* `measures`: is the form kept, what is expected, what is new (chapters 7, 8, 10);
* `novelty`: what of an improvised piece is copied from its tune (chapter 10);
* `anatomy`: what the cells of a trained network do (chapter 9);
* `statistics`: what many seeds say, and how surely (chapter 11).
"""

from ..lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("measures", "novelty", "anatomy", "statistics"),
    {
        "surprise": "measures",
        "interval": "statistics",
        "survival": "statistics",
        "fisher": "statistics",
        "holm": "statistics",
        "summary": "statistics",
    },
)
