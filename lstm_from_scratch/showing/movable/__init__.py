"""Movable figures: one thing to move beside a derivation, and what follows from it at once.

Each is drawn here, as an SVG that says what it shows also where no script runs. A small script
moves it then: with a mouse, a finger or the keys, and it says in words what is seen. Their numbers
are the module's.

* `decay`: what is left of an error, with the weight under your finger (chapter 3);
* `latch`: a memory block with a slider at each gate (chapter 4);
* `online`: one step of learning, line by line (chapter 5);
* `outcomes`: stored runs by learning rate and by resets (chapter 6);
* `page`: what all of them have around the picture.
"""

from ...lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("decay", "latch", "online", "outcomes", "page"),
    {
        "error_left": "decay",
        "memory_block": "latch",
        "online_step": "online",
        "rates": "outcomes",
        "resets": "outcomes",
    },
)
