"""What a page shows. Knows every other wing, and none of them knows it.

* `figures`, `drawings`: plots; a memory block and its wiring (chapters 2, 4, 9);
* `player`, `listening`: music to hear and watch; the blind test (chapters 1, 8 and 9);
* `stage`: a network that plays or learns in the page itself (chapters 6 and 8);
* `movable`: figures with one thing to move (chapters 3 to 6);
* `palette`: the colours that these share (chapter 1);
* `displays`: what a cell shows that ends in a chorus or a network (chapters 1 and 4);
* `source`: the module's own source in a chapter (chapter 1).
"""

from ..lazily import hand_out
from .displays import switch_on

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    (
        *("figures", "drawings", "player", "listening", "stage", "movable"),
        *("palette", "displays", "source"),
    ),
    {"piano_roll": "figures", "hear": "player", "watch": "player", "show": "source"},
)

switch_on()  # in a notebook; elsewhere it does nothing
