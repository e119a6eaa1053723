"""What a unit makes of its net input: the logistic function, and the same on another range.

Gates and outputs answer with a number between 0 and 1, cells with one in a range of their voice.
Chapter 4 (The memory block).
"""

from __future__ import annotations

import numpy as np

from ..arguments import array, checked

_X = array(single=True, imaginary=True)


def _expect_together(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
    for name, ends in (("low", low), ("high", high)):
        if np.shape(ends) not in ((), (1,), np.shape(x), np.shape(x)[-1:]):
            raise ValueError(
                f"{name}: expected one number, or one for each of x, of shape {np.shape(x)}, got "
                f"shape {np.shape(ends)}"
            )


@checked(x=_X)
def logistic(x: np.ndarray) -> np.ndarray:
    """The logistic sigmoid, 1 / (1 + exp(-x)), of each element. Chapter 4."""
    with np.errstate(over="ignore"):  # exp of a large number is infinite, and 1 over that is 0
        return 1.0 / (1.0 + np.exp(-x))


@checked(x=_X, low=array(single=True), high=array(single=True), also=_expect_together)
def squash(x: np.ndarray, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    """The logistic sigmoid stretched to the range from ``low`` to ``high``. Chapter 4.

    With -2 and 2 it is g, with -1 and 1 it is h of Gers, Schmidhuber and Cummins (2000).
    """
    return low + (high - low) * logistic(x)
