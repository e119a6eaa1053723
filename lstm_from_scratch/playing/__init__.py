"""A trained network makes music. Knows `music` and `machine`, and brings them together.

* `composing`: free run, improvisation from a beginning, what a composer is (chapters 7, 8, 10).
"""

from ..lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("composing",),
    dict.fromkeys(
        ("Composer", "Soloist", "compose", "free_run", "hear", "play_along", "predict", "recall"),
        "composing",
    ),
)
