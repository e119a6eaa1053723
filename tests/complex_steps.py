"""Derivatives by complex steps, exact to machine precision, for whoever writes a forward pass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

H = 1e-30
"""So small that its square is nothing beside 1."""


def derivative(function: Callable[[np.ndarray], complex], at: np.ndarray) -> np.ndarray:
    """Of a function of an array, which takes complex numbers: shape of the array.

    f(w + ih) = f(w) + ih f'(w) + O(h²): the imaginary part over h is f'(w), without a difference.
    """
    found = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        moved = at.astype(complex)
        moved[index] += 1j * H
        found[index] = function(moved).imag / H
    return found


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two arrays, as a share of what is largest in the second."""
    return np.abs(a - b).max() / max(np.abs(b).max(), 1e-300)
