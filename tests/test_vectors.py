"""Vectors in compiled code, against NumPy: each element by itself, sums in a fixed order."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from lstm_from_scratch.machine.vectors import (
    absolute,
    exp,
    fold_maximum,
    fold_product,
    fold_sum,
    load,
    logistic,
    splat,
    store,
    tile,
)

WIDTHS = (1, 3, 4, 12, 13)  # few of them powers of two, as in a network


@cache
def each(function, width):
    """Apply a function of one vector to an array, ``width`` elements at a time."""

    @njit
    def run(x, out):
        for at in range(0, len(x), width):
            store(out, at, function(load(x, at, width)))

    def applied(values):
        values = np.asarray(values, dtype=float)
        padded = np.zeros(-(-len(values) // width) * width)
        padded[: len(values)] = values
        out = np.zeros(len(padded))
        run(padded, out)
        return out[: len(values)]

    return applied


def ulps(got, expected):
    """By how many units in the last place numbers differ from those of higher precision."""
    spacing = np.spacing(np.abs(expected).astype(float))
    return np.abs((got.astype(np.longdouble) - expected) / spacing).astype(float)


def numbers(reach):
    """Many numbers up to a size: evenly spread, tiny, and all around multiples of ln 2."""
    rng = np.random.default_rng(seed=5)
    tiny = np.ldexp(1.0, np.arange(-1074, 4))
    corners = np.arange(-2 * reach, 2 * reach) / 2 * np.log(2)  # where the nearest integer changes
    found = np.concatenate(
        [
            rng.uniform(-reach, reach, 20_000),
            rng.normal(size=20_000),
            tiny,
            -tiny,
            corners,
            np.nextafter(corners, np.inf),
            np.nextafter(corners, -np.inf),
            [0.0, -0.0, reach, -reach],
        ]
    )
    return found[np.abs(found) <= reach]


def test_exp_is_right_to_its_last_digits():
    x = numbers(700)
    assert ulps(each(exp, 4)(x), np.exp(x.astype(np.longdouble))).max() <= 2.5


def test_logistic_is_right_to_its_last_digits():
    x = numbers(700)  # its exp, one sum and one division: each adds to the rounding
    expected = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    assert ulps(each(logistic, 4)(x), expected).max() <= 4.0


def test_logistic_at_the_extremes_is_a_probability():
    got = each(logistic, 4)([0.0, -0.0, 40.0, 701.0, 1e308, np.inf, -701.0, -1e308, -np.inf])
    assert got[:2].tolist() == [0.5, 0.5]
    assert got[2:6].tolist() == [1.0] * 4
    assert (got[6:] >= 0).all() and (got[6:] < 1e-300).all()


def test_exp_stays_finite_at_the_extremes():
    top, infinite, bottom, nothing = each(exp, 4)([710.0, np.inf, -750.0, -np.inf])
    assert top == infinite == each(exp, 4)([700.0])[0] and np.isfinite(top)
    assert bottom == nothing == each(exp, 4)([-700.0])[0] and bottom > 0


@pytest.mark.parametrize("function", [exp, logistic, absolute])
def test_not_a_number_stays_one_and_harms_no_neighbour(function):
    got = each(function, 3)([1.0, np.nan, 2.0])
    assert np.isnan(got).tolist() == [False, True, False]
    assert got[[0, 2]].tolist() == each(function, 3)([1.0, 0.0, 2.0])[[0, 2]].tolist()


def test_absolute_keeps_every_bit_but_the_sign():
    x = np.concatenate([numbers(700), [np.inf, -np.inf]])
    assert each(absolute, 3)(x).tobytes() == np.abs(x).tobytes()


@pytest.mark.parametrize("width", WIDTHS)
def test_an_element_does_not_depend_on_the_width_of_its_vector(width):
    x = numbers(700)[:1000]
    assert each(logistic, width)(x).tobytes() == each(logistic, 4)(x).tobytes()


@pytest.mark.parametrize("width", [3, 8])
def test_arithmetic_is_strict_elementwise_arithmetic(width):
    @njit
    def run(a, b, c, out):
        for at in range(0, len(a), width):
            x, y = load(a, at, width), load(b, at, width)
            store(out, at, x * y + load(c, at, width) - x)
            # A number on either side of an operator stands for itself in every element.
            store(out, len(a) + at, 1.0 - x * 0.1)
            store(out, 2 * len(a) + at, (0.1 + x) - 3.0)
            store(out, 3 * len(a) + at, x / y - 1.0 / y / 3.0)

    rng = np.random.default_rng(seed=6)
    a, b, c = rng.normal(size=(3, 240))
    out = np.zeros(4 * 240)
    run(a, b, c, out)
    # A fused multiply-add rounds once instead of twice and would differ here.
    expected = [a * b + c - a, 1.0 - a * 0.1, (0.1 + a) - 3.0, a / b - 1.0 / b / 3.0]
    assert out.tobytes() == np.concatenate(expected).tobytes()


def test_store_writes_nothing_beside_its_vector():
    @njit
    def run(x, out):
        store(out, 2, load(x, 1, 5))

    out = np.full(10, -1.0)
    run(np.arange(10.0), out)
    assert out.tolist() == [-1, -1, 1, 2, 3, 4, 5, -1, -1, -1]


def test_splat_and_tile_repeat():
    @njit
    def run(x, out):
        store(out, 0, splat(x[3], 5))
        store(out, 5, tile(load(x, 0, 3), 2))

    out = np.zeros(11)
    run(np.array([1.0, 2.0, 3.0, 4.0]), out)
    assert out.tolist() == [4, 4, 4, 4, 4, 1, 2, 3, 1, 2, 3]


@pytest.mark.parametrize(("width", "parts"), [(1, 12), (3, 4), (4, 3), (5, 1), (1, 13)])
def test_folds_go_from_first_to_last(width, parts):
    whole = width * parts

    @njit
    def run(x, out):
        store(out, 0, fold_sum(load(x, 0, whole), parts))
        store(out, width, fold_product(load(x, 0, whole), parts))
        store(out, 2 * width, fold_maximum(load(x, 0, whole), parts))

    rng = np.random.default_rng(seed=7)
    another_order_differs = False
    for _ in range(50):
        x = rng.normal(size=whole)
        out = np.zeros(3 * width)
        run(x, out)
        slices = x.reshape(parts, width)
        total, product, backwards = slices[0], slices[0], slices[-1]
        for part in slices[1:]:
            total, product = total + part, product * part
        for part in slices[-2::-1]:
            backwards = backwards + part
        expected = [total, product, slices.max(axis=0)]
        assert out.tobytes() == np.concatenate(expected).tobytes()
        another_order_differs |= backwards.tobytes() != total.tobytes()
    assert another_order_differs or parts < 3, "the numbers can't tell one order from another"


def test_a_width_must_be_known_when_compiling():
    @njit
    def run(x, width):
        return fold_sum(load(x, 0, width), 1)

    with pytest.raises(TypingError, match="a width must be known when the function is compiled"):
        run(np.zeros(4), 4)
