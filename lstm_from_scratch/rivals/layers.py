"""A layer of units, forward and back, compiled: what BPTT is made of, whatever the network.

A plain recurrent network and an LSTM differ in what happens between net inputs and outputs of
their hidden units. Reading the sources, and going back from the net inputs to the weights and to
the outputs of the step before, is the same for both, and for their output units. Sources are
inputs x, outputs y of cells or hidden units, and the bias.

All weights of a network stand in one matrix, hidden units above output units, and ``across`` is
that matrix turned over: inner loops then run over neighbours, without a sum that would have an
order. Strict IEEE, the same numbers on every machine.

Chapter 3 (Why networks forget) trains with these pieces, chapter 11 (How sure are we?) compares
what they train; so do chapters 10 (Is it any good?) and 15 (Older composers).
"""

from __future__ import annotations

import numpy as np

from ..arguments import Kind, array, buffer, checked, real, whole
from ..machine import vectors
from ..machine.caching import njit

CHUNK = 4
"""Logistics computed at once; arrays that hold net inputs are longer than needed by this."""


_ROW = Kind("a row of numbers", array("in a row", dtype=float).take)


def _expect_layer(
    first: int = 0,
    count: int = 0,
    across: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    deltas: np.ndarray | None = None,
    x: np.ndarray | None = None,
    y: np.ndarray | None = None,
    net: np.ndarray | None = None,
    into: np.ndarray | None = None,
    **_: object,
) -> None:
    """See that compiled code, which does not look, stays within the arrays."""
    count = count if deltas is None else len(deltas)
    table = across if weights is None else weights.T
    if table is not None and table.shape[0] != len(x) + len(y) + 1:
        raise ValueError(
            f"x and y: expected {table.shape[0] - 1} sources together, and the bias, got {len(x)} "
            f"and {len(y)}"
        )
    if table is not None and first + count > table.shape[1]:
        raise ValueError(
            f"first and count, deltas: expected units up to {table.shape[1]}, got {count} from "
            f"{first} on"
        )
    room = count if x is not None else -(-count // CHUNK) * CHUNK
    if net is not None and len(net) < room:
        raise ValueError(f"net and count: expected room for {room} net inputs, got {len(net)}")
    if into is not None and len(into) != len(y):
        raise ValueError(f"into: expected one for each of {len(y)} outputs, got {len(into)}")


def _expect_outputs(p: np.ndarray, target: np.ndarray, deltas: np.ndarray) -> None:
    if not len(target) == len(deltas) <= len(p):
        raise ValueError(
            f"p, target and deltas: expected one delta for each of {len(target)} targets, and as "
            f"many outputs, got {len(deltas)} and {len(p)}"
        )


@checked(weights=array("units", "sources", dtype=float), across=buffer("sources", "units"))
@njit(cache=True, error_model="numpy", nogil=True)
def turn(weights: np.ndarray, across: np.ndarray) -> None:
    """Write weights, shape ``(units, sources)``, to ``across``, shape ``(sources, units)``.

    Chapter 3.
    """
    rows, sources = weights.shape
    for m in range(sources):
        for r in range(rows):
            across[m, r] = weights[r, m]


@checked(
    across=array("sources", "all units", dtype=float),
    first=whole(0),
    count=whole(0),
    x=_ROW,
    y=_ROW,
    net=buffer("net inputs"),
    also=_expect_layer,
)
@njit(cache=True, error_model="numpy", nogil=True)
def weigh(
    across: np.ndarray, first: int, count: int, x: np.ndarray, y: np.ndarray, net: np.ndarray
) -> None:
    """The net inputs of ``count`` units, those from column ``first`` of ``across`` on.

    ``x`` and ``y`` are what they read; the result is written to the beginning of ``net``.

    Chapter 3.
    """
    inputs, units = x.size, y.size
    for i in range(count):
        net[i] = across[inputs + units, first + i]
    for n in range(inputs):
        for i in range(count):
            net[i] += x[n] * across[n, first + i]
    for j in range(units):
        for i in range(count):
            net[i] += y[j] * across[inputs + j, first + i]


@checked(net=buffer("net inputs"), count=whole(0), stretch=real(as_float=True), also=_expect_layer)
@njit(cache=True, error_model="numpy", nogil=True)
def squash(net: np.ndarray, count: int, stretch: float) -> None:
    """The logistic of ``stretch`` times each of the first ``count`` net inputs, in place.

    Up to `CHUNK` - 1 numbers after them change too. Chapter 3.
    """
    for i in range(0, count, CHUNK):
        chunk = vectors.load(net, i, CHUNK)
        vectors.store(net, i, vectors.logistic(chunk * stretch))


@checked(
    weights=array("all units", "sources", dtype=float),
    first=whole(0),
    deltas=_ROW,
    x=_ROW,
    y=_ROW,
    gradient=buffer("all units", "sources"),
    into=buffer("units"),
    also=_expect_layer,
)
@njit(cache=True, error_model="numpy", nogil=True)
def back(
    weights: np.ndarray,
    first: int,
    deltas: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    gradient: np.ndarray,
    into: np.ndarray,
) -> None:
    """Go back through one step of a layer, that of the rows from ``first`` on.

    Parameters
    ----------
    weights : shape ``(all units, sources)``.
    deltas : the error's derivative with respect to the layer's net inputs, one for each unit.
    x, y : what the layer read.
    gradient : of the weights' shape; what this step adds to it is added.
    into : the error's derivative with respect to ``y``; the part by this layer is added.

    Chapter 3.
    """
    inputs, units = x.size, y.size
    for i in range(deltas.size):
        delta, row = deltas[i], first + i
        for n in range(inputs):
            gradient[row, n] += delta * x[n]
        for j in range(units):
            gradient[row, inputs + j] += delta * y[j]
            into[j] += delta * weights[row, inputs + j]
        gradient[row, inputs + units] += delta


@checked(
    across=array("sources", "all units", dtype=float),
    deltas=_ROW,
    x=_ROW,
    y=_ROW,
    gradient=buffer("sources", "all units"),
    into=buffer("units"),
    also=_expect_layer,
)
@njit(cache=True, error_model="numpy", nogil=True)
def back_across(
    across: np.ndarray,
    deltas: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    gradient: np.ndarray,
    into: np.ndarray,
) -> None:
    """As `back`, for a layer by itself whose weights are kept turned over.

    Parameters
    ----------
    across : shape ``(sources, units)``. gradient : of that shape; what this step adds is added.
    deltas, x, y, into : as in `back`.

    Chapter 10.
    """
    inputs, units = x.size, y.size
    for n in range(inputs):
        for k in range(deltas.size):
            gradient[n, k] += x[n] * deltas[k]
    for j in range(units):
        total = into[j]
        for k in range(deltas.size):
            gradient[inputs + j, k] += y[j] * deltas[k]
            total += deltas[k] * across[inputs + j, k]
        into[j] = total
    for k in range(deltas.size):
        gradient[inputs + units, k] += deltas[k]


@checked(p=_ROW, target=_ROW, deltas=buffer("outputs"), also=_expect_outputs)
@njit(cache=True, error_model="numpy", nogil=True)
def compare(p: np.ndarray, target: np.ndarray, deltas: np.ndarray) -> float:
    """The cross-entropy of a step's logistic outputs in nats, as `cross_entropy` has it.

    Parameters
    ----------
    p : outputs, as many as targets or more, which are not looked at. target : zeros and ones.
    deltas : becomes the derivative with respect to the outputs' net inputs, p - target.

    Chapter 10.
    """
    likelihood = 1.0
    for k in range(target.size):
        likelihood *= p[k] if target[k] > 0.5 else 1.0 - p[k]
        deltas[k] = p[k] - target[k]
    return -np.log(max(likelihood, 1e-300))
