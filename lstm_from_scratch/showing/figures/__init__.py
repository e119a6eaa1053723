"""Pictures: roll, learning curve, form, gates and cells; one visual language for all.

Every helper takes ``ax`` (or makes a figure of the book's width), labels what it draws and returns
the axes. Colours mean the same thing in every figure of the book: see `COLOURS`. A chapter that
draws something of its own makes its axes ``with figures.style():``.

* `look`: colours, sizes, labels;
* `rolls`: notes over time, the form, where in the form something happens;
* `curves`: learning curves, learning times, tables of numbers;
* `cells`: what gates and cells do.

Chapter 2 (Notes as numbers) introduces the roll; every later chapter uses it.
"""

from ...lazily import hand_out

__getattr__, __dir__, __all__ = hand_out(
    __name__,
    ("look", "rolls", "curves", "cells"),
    {
        "COLOURS": "look",
        "STYLE": "look",
        "WIDTH": "look",
        "chord_label": "look",
        "pitch_label": "look",
        "style": "look",
        "form_chart": "rolls",
        "form_map": "rolls",
        "piano_roll": "rolls",
        "tune_roll": "rolls",
        "learning_curve": "curves",
        "learning_times": "curves",
        "number_table": "curves",
        "survival_curve": "curves",
        "activations": "cells",
    },
)
