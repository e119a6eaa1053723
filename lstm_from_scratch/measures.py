"""Measures: what a roll or a network is worth, in numbers.

Chapter 7 (Experiment 1) uses the first of them; more will follow where more is claimed.
"""

from __future__ import annotations

import numpy as np


def wrong_steps(roll: np.ndarray, form: np.ndarray) -> np.ndarray:
    """Find which steps of which chorus differ from the form.

    Parameters
    ----------
    roll : what was played, shape ``(choruses * steps, units)``.
    form : what should have been, one chorus, shape ``(steps, units)``.

    Returns
    -------
    bool, shape ``(choruses, steps)``: True where a unit is on that should be off, or off that
    should be on.

    Raises
    ------
    ValueError : if the roll is not some whole choruses of the form's units.

    Section 3.2; chapter 7.
    """
    roll, form = np.asarray(roll), np.asarray(form)
    if form.ndim != 2 or not len(form):
        raise ValueError(f"form: expected shape (steps, units), got {form.shape}")
    if roll.ndim != 2 or roll.shape[1] != form.shape[1] or not len(roll) or len(roll) % len(form):
        raise ValueError(
            f"expected whole choruses, shape (choruses * {len(form)}, {form.shape[1]}), "
            f"got {roll.shape}"
        )
    return (roll.reshape(-1, *form.shape) != form).any(axis=2)
