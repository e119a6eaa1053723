"""A random walk on the scale: what the paper's authors play beside their network (section 4.3).

It knows the notes and nothing else: neither the chords, nor the bar, nor where it is in the form.

Chapter 8 (Experiment 2) hears it, chapter 10 measures it.
"""

from __future__ import annotations

import numpy as np

from ..blues import TWELVE_BAR, Form


def compose(choruses: int, rng: np.random.Generator, form: Form = TWELVE_BAR) -> np.ndarray:
    """Walk over the scale in quarter notes, from each note to the one above or below it.

    The first note is any of the scale, as likely as the others; at either end the walk turns back.
    How the paper's walk moves is not said there: this is a reconstruction.

    Parameters
    ----------
    choruses : how many to play, one after another without a break.
    rng : the only source of randomness.
    form : gives the scale and the length of a chorus.

    Returns
    -------
    Melody lines, the pitch at each step: int, shape ``(choruses, form.steps)``.

    Raises
    ------
    ValueError : for no chorus, a scale of one note, or a form that does not consist of whole beats
        of two steps.

    Section 4.3; chapters 8 and 10.
    """
    if choruses < 1:
        raise ValueError(f"choruses must be at least 1, got {choruses}")
    if form.steps % 2 or len(form.scale) < 2:
        raise ValueError(f"{form.name}: a walk needs whole beats and a scale of at least two notes")
    highest = len(form.scale) - 1
    beats = choruses * form.steps // 2
    # Reflection at both ends is a walk on a circle of twice the size, folded.
    way = rng.integers(len(form.scale)) + np.cumsum([0, *rng.choice((-1, 1), size=beats - 1)])
    folded = np.abs((way + highest) % (2 * highest) - highest)
    return np.repeat(np.array(form.scale)[folded], 2).reshape(choruses, form.steps)
