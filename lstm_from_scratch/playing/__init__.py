"""A trained network makes music. Knows `music` and `machine`, and brings them together.

* `composing`: free run, improvisation from a beginning, what a composer is (chapters 7, 8, 10);
* `recommending`: which network for a form of your own (chapter 11);
* `learning`, `material`: from a tune of your own to a player; what it learns from (chapter 17);
* `players`, `saving`: a network with the form that it knows; its pieces in files (chapter 17);
* `duets`, `live`, `ports`: with a person, step by step, in time, through MIDI ports (chapter 8);
* `corpora`, `foreign`: real music and its files; `chorales`: who plays it (chapter 17).
"""

from ..lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    (
        *("composing", "recommending", "learning", "material", "players", "saving"),
        *("duets", "live", "ports", "corpora", "foreign", "chorales"),
    ),
    dict.fromkeys(
        ("Composer", "Soloist", "compose", "free_run", "hear", "play_along", "predict", "recall"),
        "composing",
    )
    | {
        "recommend": "recommending",
        "learn": "learning",
        "Player": "players",
        "Piece": "players",
        "load": "players",
        "stored": "players",
    },
)
