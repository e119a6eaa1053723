"""Numbers that someone hands in, as an array; or what is wrong with them, in a sentence.

Chapter 2 (Notes as numbers) makes the arrays that this is for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def row_lengths(values: object) -> list[int]:
    """The different lengths of the rows of a list or tuple, in rising order. Chapter 2."""
    rows = values if isinstance(values, (list, tuple)) else ()
    several = (list, tuple, np.ndarray)
    return sorted(
        {len(row) for row in rows if isinstance(row, several) and getattr(row, "ndim", 1)}
    )


def regular(values: ArrayLike, expected: str, dtype: type | None = float) -> np.ndarray:
    """Numbers as an array, float64 unless another type is given.

    Parameters
    ----------
    values : anything that NumPy makes an array of. expected : what was wanted, for the error, such
        as ``"a roll of shape (steps, 25)"``. dtype : of the array; None: as NumPy finds.

    Raises
    ------
    ValueError : for rows that are not equally long, or what is no number.

    Chapter 2.
    """
    try:
        return np.asarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        lengths = row_lengths(values)
        if len(lengths) > 1:
            some = " and ".join(map(str, (lengths[0], lengths[-1])))
            raise ValueError(f"expected {expected}, got rows of unequal length: {some}") from error
        raise ValueError(
            f"expected {expected}, got what can't be an array of numbers: {error}"
        ) from error
