"""The plain recurrent network of `simple_rnn`, compiled: the same steps, to be run.

All weights stand in one matrix, hidden units above output units, and ``across`` is that matrix
turned over, see `layers`. ``counts`` has updates, gross errors since the last reset, gross errors,
resets, and the step in the chorus. A test checks that the readable form agrees.

Chapter 3 (Why networks forget) trains with it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .. import limits
from ..arguments import array, buffer, checked, flag, real, whole
from ..machine import vectors
from ..machine.bptt import update
from ..playing.composing import choose
from .layers import CHUNK, back, squash, turn, weigh

WIDE = 32
"""Influences advanced at once."""

_MOST = np.iinfo(np.int64).max
_WEIGHTS = array("all units", "sources", dtype=float)
_ROLL = array("steps", "inputs", some=True, dtype=float)
_LEARNING = {
    "weights": buffer(...),
    "memory": buffer(2, ...),
    "y": buffer("units"),
    "counts": buffer(5, dtype=np.int64),
    "forgiven": whole(1, _MOST),
    "adam": flag(),
    "rate": real(0, as_float=True),
    "momentum": real(0, below=1, as_float=True),
    "clip": real(0, finite=False, as_float=True),
}


def _expect_network(
    weights: np.ndarray,
    units: int | None = None,
    y: np.ndarray | None = None,
    roll: np.ndarray | None = None,
    rolls: np.ndarray | None = None,
    order: np.ndarray | None = None,
    influence: np.ndarray | None = None,
    counts: np.ndarray | None = None,
    strict: int = 0,
    chords: int = 0,
    given: int = 0,
    **_: object,
) -> None:
    """See that compiled code, which does not look, stays within the arrays."""
    units = len(y) if units is None else units
    heard = roll if rolls is None else rolls
    inputs = heard.shape[-1]
    if weights.shape != (units + inputs, units + inputs + 1):
        raise ValueError(
            f"weights, of {units} units (as y has) and {inputs} inputs (as {'roll'}s have): "
            f"expected shape {(units + inputs, units + inputs + 1)}, got shape {weights.shape}"
        )
    if counts is not None and not (counts.shape == (5,) and 0 <= counts[4] < heard.shape[-2]):
        raise ValueError(f"counts: expected five, the last a step of the chorus, got {counts}")
    if order is not None and order.size and not 0 <= order.min() <= order.max() < len(rolls):
        raise ValueError(f"order: expected numbers below {len(rolls)}, of rolls, got {order}")
    columns = -(-units * (units + inputs + 1) // WIDE) * WIDE
    if influence is not None and influence.shape != (units, columns):
        raise ValueError(
            f"influence: expected shape {(units, columns)}, got shape {influence.shape}"
        )
    if strict > inputs:
        raise ValueError(f"strict: expected at most {inputs} units, got {strict}")
    if chords >= inputs and given < len(heard):
        raise ValueError(f"chords: expected fewer than {inputs} units, got {chords}")


@njit(cache=True, error_model="numpy", nogil=True)
def _listen(across, x, y, net, p):  # type: ignore[no-untyped-def]
    """One step forward: y becomes the units' outputs of this step, p the prediction."""
    inputs, units = x.size, y.size
    weigh(across, 0, units, x, y, net)
    squash(net, units, 2.0)
    for i in range(units):
        y[i] = 2.0 * net[i] - 1.0  # tanh(z) = 2 logistic(2 z) - 1
    weigh(across, units, inputs, x, y, p)
    squash(p, inputs, 1.0)


@njit(cache=True, error_model="numpy", nogil=True)
def _judge(p, target):  # type: ignore[no-untyped-def]
    """Is an output on the wrong side of 0.5, and how likely was the target?"""
    wrong, likelihood = False, 1.0
    for k in range(target.size):
        likely = p[k] if target[k] > 0.5 else 1.0 - p[k]
        likelihood *= likely
        wrong = wrong or (p[k] > 0.5) != (target[k] > 0.5)
    return wrong, max(likelihood, 1e-300)


@njit(cache=True, error_model="numpy", nogil=True)
def _back(weights, x, ys, deltas, gradient):  # type: ignore[no-untyped-def]
    """Go back over a window: the gradient of its summed error. ``ys[0]`` is what it found."""
    units = ys.shape[1]
    gradient[:] = 0.0
    into, later, nets = np.zeros(units), np.zeros(units), np.empty(units)
    for t in range(len(x) - 1, -1, -1):
        into[:] = later
        later[:] = 0.0
        back(weights, units, deltas[t], x[t], ys[t + 1], gradient, into)
        for i in range(units):
            nets[i] = into[i] * (1.0 - ys[t + 1, i] * ys[t + 1, i])
        back(weights, 0, nets, x[t], ys[t], gradient, later)


@checked(
    **_LEARNING,
    rolls=array("choruses", "steps", "inputs", some=True, dtype=float),
    order=array("drawn", whole=True, dtype=np.int64),
    strict=whole(0, _MOST),
    fresh=whole(1, _MOST),
    also=_expect_network,
)
@njit(cache=True, error_model="numpy", nogil=True)
def train_bptt(
    weights, memory, y, counts, rolls, order, strict, forgiven, fresh, adam, rate, momentum, clip
):  # type: ignore[no-untyped-def]
    """Learn from whole choruses, one update each; return the error in nats.

    ``order`` says which choruses of ``rolls``, with the one that the last of them leads to. The
    first ``strict`` units can make gross errors, and each chorus of number ``fresh`` begins from a
    cleared state.
    """
    length, inputs = rolls.shape[1:]
    units, sources = y.size, weights.shape[1]
    across, gradient = np.empty((sources, units + inputs)), np.empty(weights.shape)
    ys, deltas = np.empty((length + 1, units)), np.empty((length, inputs))
    net, p = np.zeros(units + CHUNK), np.zeros(inputs + CHUNK)
    error = 0.0
    for window in range(order.size - 1):
        roll, following = rolls[order[window]], rolls[order[window + 1]]
        turn(weights, across)
        ys[0] = y
        for t in range(length):
            _listen(across, roll[t], y, net, p)
            target = roll[t + 1] if t + 1 < length else following[0]
            _, likelihood = _judge(p, target)
            wrong, _ = _judge(p, target[:strict])
            error -= np.log(likelihood)
            counts[1] += wrong
            counts[2] += wrong
            ys[t + 1] = y
            for k in range(inputs):
                deltas[t, k] = p[k] - target[k]
        _back(weights, roll, ys, deltas, gradient)
        update(weights, gradient, memory, adam, rate, momentum, clip, counts[0])
        counts[0] += 1
        if counts[1] >= forgiven or counts[0] % fresh == 0:
            counts[1] = 0
            counts[3] += 1
            y[:] = 0.0
    return error


@njit(cache=True, error_model="numpy", nogil=True)
def _advance(weights, x, y_before, y, influence, old):  # type: ignore[no-untyped-def]
    """Carry all influences over one step; ``influence`` has a row for each unit, padded.

    Some columns of all rows at a time are copied to ``old``, where they stay close at hand, and
    read for two rows at once; where the number of units is odd, the last row is written twice.
    """
    inputs, units = x.size, y.size
    sources, columns = weights.shape[1], influence.shape[1]
    new, w = influence.ravel(), weights.ravel()
    for c in range(0, columns, WIDE):
        for j in range(units):
            vectors.store(old, j * WIDE, vectors.load(new, j * columns + c, WIDE))
        for i in range(0, units, 2):
            k = min(i + 1, units - 1)
            # Where the weights from the units to these two stand, one after the other.
            to_i, to_k = i * sources + inputs, k * sources + inputs
            part = vectors.load(old, 0, WIDE)
            of_i = part * vectors.tile(vectors.load(w, to_i, 1), WIDE)
            of_k = part * vectors.tile(vectors.load(w, to_k, 1), WIDE)
            for j in range(1, units):
                part = vectors.load(old, j * WIDE, WIDE)
                of_i = of_i + part * vectors.tile(vectors.load(w, to_i + j, 1), WIDE)
                of_k = of_k + part * vectors.tile(vectors.load(w, to_k + j, 1), WIDE)
            vectors.store(new, i * columns + c, of_i * (1.0 - y[i] * y[i]))
            vectors.store(new, k * columns + c, of_k * (1.0 - y[k] * y[k]))
    for i in range(units):
        slope = 1.0 - y[i] * y[i]
        own = i * sources
        for n in range(inputs):
            influence[i, own + n] += slope * x[n]
        for j in range(units):
            influence[i, own + inputs + j] += slope * y_before[j]
        influence[i, own + inputs + units] += slope


@checked(
    **_LEARNING,
    influence=buffer("units", "columns"),
    roll=_ROLL,
    steps=whole(0, limits.BETWEEN_TESTS),
    also=_expect_network,
)
@njit(cache=True, error_model="numpy", nogil=True)
def train_rtrl(
    weights, memory, y, influence, counts, roll, steps, forgiven, adam, rate, momentum, clip
):  # type: ignore[no-untyped-def]
    """Learn online, one update after every step; return the error in nats."""
    length, inputs = roll.shape
    units, sources, columns = y.size, weights.shape[1], influence.shape[1]
    across, before = np.empty((sources, units + inputs)), np.empty(units)
    # The hidden part of the gradient is found in whole vectors, the last of which reaches beyond.
    flat, carried = np.empty(weights.size + WIDE), influence.ravel()
    gradient, old = flat[: weights.size].reshape(weights.shape), np.empty(units * WIDE)
    net, p = np.zeros(units + CHUNK), np.zeros(inputs + CHUNK)
    into = np.empty(units)
    error = 0.0
    for _ in range(steps):
        x, target = roll[counts[4]], roll[(counts[4] + 1) % length]
        before[:] = y
        turn(weights, across)
        _listen(across, x, y, net, p)
        _advance(weights, x, before, y, influence, old)
        wrong, likelihood = _judge(p, target)
        error -= np.log(likelihood)
        counts[1] += wrong
        counts[2] += wrong
        into[:] = 0.0
        for k in range(inputs):
            for i in range(units):
                into[i] += (p[k] - target[k]) * weights[units + k, inputs + i]
        for c in range(0, columns, WIDE):
            total = vectors.splat(0.0, WIDE)
            for i in range(units):
                total = total + vectors.load(carried, i * columns + c, WIDE) * into[i]
            vectors.store(flat, c, total)
        for k in range(inputs):
            delta = p[k] - target[k]
            for n in range(inputs):
                gradient[units + k, n] = delta * x[n]
            for j in range(units):
                gradient[units + k, inputs + j] = delta * y[j]
            gradient[units + k, inputs + units] = delta
        update(weights, gradient, memory, adam, rate, momentum, clip, counts[0])
        counts[0] += 1
        counts[4] = (counts[4] + 1) % length
        if counts[1] >= forgiven:
            counts[1] = counts[4] = 0
            counts[3] += 1
            y[:] = 0.0
            influence[:] = 0.0
    return error


@checked(
    weights=_WEIGHTS,
    units=whole(1, limits.UNITS),
    roll=buffer("steps", "inputs"),
    given=whole(1, _MOST),
    chords=whole(0, _MOST),
    draws=array("steps", dtype=float),
    predictions=buffer("steps", "inputs"),
    also=_expect_network,
)
@njit(cache=True, error_model="numpy", nogil=True)
def play(weights, units, roll, given, chords, draws, predictions):  # type: ignore[no-untyped-def]
    """Predict each step from the one before; from ``given`` on, hear what was chosen instead."""
    across = np.empty((weights.shape[1], weights.shape[0]))
    turn(weights, across)
    inputs, y = roll.shape[1], np.zeros(units)
    net, p = np.zeros(units + CHUNK), np.zeros(inputs + CHUNK)
    for now in range(len(roll)):
        _listen(across, roll[now], y, net, p)
        predictions[now] = p[:inputs]
        if given <= now + 1 < len(roll):
            choose(p[:inputs], chords, draws[now + 1], roll[now + 1])


@checked(
    weights=_WEIGHTS,
    units=whole(1, limits.UNITS),
    roll=_ROLL,
    choruses=whole(1, limits.CHORUSES),
    also=_expect_network,
)
@njit(cache=True, error_model="numpy", nogil=True)
def recall(weights, units, roll, choruses):  # type: ignore[no-untyped-def]
    """Free run until the first wrong note or the first return of a state; see `recall`."""
    length, inputs = roll.shape
    across = np.empty((weights.shape[1], units + inputs))
    turn(weights, across)
    y, snapshot = np.zeros(units), np.zeros(units)
    net, p = np.zeros(units + CHUNK), np.zeros(inputs + CHUNK)
    taken = 0
    for chorus in range(1, choruses + 1):
        for now in range(length):
            # As long as no note was wrong, the network's own output is the form itself.
            _listen(across, roll[now], y, net, p)
            if _judge(p, roll[(now + 1) % length])[0]:
                return (chorus - 1) * length + now, 0
        if taken > 0 and (y == snapshot).all():
            return chorus * length, chorus - taken
        if chorus & (chorus - 1) == 0:  # after 1, 2, 4, 8, ... choruses
            snapshot[:] = y
            taken = chorus
    return choruses * length, 0
