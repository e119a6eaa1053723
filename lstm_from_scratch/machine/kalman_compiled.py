"""The steps of `kalman`, compiled: the same filter, to be run.

Two things make it many times faster than matrices of derivatives would be.

*What reaches a unit is narrow.* By the truncated rule an output depends on the weights into a cell
or into an output gate in one way alone: through that unit. So the derivatives of all outputs with
respect to these weights are one row, of what the weights did to the unit, times a column, of what
the unit does to the outputs; for input and forget gates they are one such *part* for each cell of
the block. The filter multiplies covariances with these parts, of which there are one or two a
group, and never with as many rows as there are outputs.

*A covariance stays symmetric.* What a step takes from it is subtracted as columns times themselves.

The weights stand in one matrix, turned over: a row for each source, a column for each unit, hidden
units before outputs. Covariances stand one after another in one row of numbers, each of their rows
filled up with zeros to whole vectors. Strict IEEE, the same numbers on every machine.

Chapter 16 (The Kalman filter) trains with it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .. import briefly
from ..arguments import checked
from . import vectors
from .caching import njit
from .kalman import LEAST
from .network import Topology

WIDE = 8
"""Numbers in a whole vector."""

FINE, SPREAD_LOST, COVARIANCE_LOST, WEIGHTS_LOST = range(4)
"""How some steps ended."""

SONG, STEP, USED, ERRORS, WHOLE = range(5)
"""What cursors say: the episode that is heard, the step it is at, how many of those ordered are
used up, gross errors and whole episodes since it was last cleared."""


class Wiring(NamedTuple):
    """What compiled steps know of a topology.

    sizes : inputs, blocks, cells, outputs, and 1 with peepholes. block : of each cell. ranges : low
    end and width of g and of h for each cell, shape ``(4, cells)``. starts, columns : the sources
    of unit u are ``columns[starts[u]:starts[u + 1]]``. parts : for each part the kind, 0 to 4 for
    cell, input gate, forget gate, output gate and output, and which cell, block or output; shape
    ``(parts, 2)``, in the order of the units. first : where each unit's parts begin, shape ``(units
    + 1,)``. places : where each unit's covariance begins, shape ``(units + 1,)``.
    """

    sizes: np.ndarray
    block: np.ndarray
    ranges: np.ndarray
    starts: np.ndarray
    columns: np.ndarray
    parts: np.ndarray
    first: np.ndarray
    places: np.ndarray

    __repr__ = briefly.shapes


_CELL, _INPUT, _FORGET, _OUTPUT_GATE, _OUTPUT = range(5)


@checked
def wiring(topology: Topology) -> Wiring:
    """How a topology is wired, and what parts its derivatives have. Chapter 16."""
    t = topology
    masks = np.concatenate([t.hidden_mask, t.output_mask])
    fan_in = masks.sum(axis=1)
    of_block = [np.flatnonzero(t.block_of_cell == block) for block in range(t.blocks)]
    parts = [
        *([(_INPUT, cell) for cell in cells] for cells in of_block),
        *([(_FORGET, cell) for cell in cells] for cells in of_block),
        *([(_OUTPUT_GATE, block)] for block in range(t.blocks)),
        *([(_CELL, cell)] for cell in range(t.cells)),
        *([(_OUTPUT, output)] for output in range(t.outputs)),
    ]
    (g_low, g_high), (h_low, h_high) = t.cell_range("g"), t.cell_range("h")
    return Wiring(
        np.array([t.inputs, t.blocks, t.cells, t.outputs, int(t.peepholes)]),
        t.block_of_cell.astype(np.int64),
        np.array([g_low, g_high - g_low, h_low, h_high - h_low]),
        np.cumsum([0, *fan_in]),
        np.concatenate([np.flatnonzero(mask) for mask in masks]),
        np.array([part for unit in parts for part in unit], dtype=np.int64),
        np.cumsum([0, *map(len, parts)]),
        np.cumsum([0, *(fan_in * (-(-fan_in // WIDE) * WIDE))]),
    )


# ---- One step of the network ---------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True)
def _squash(net, count):
    """The logistic of the first ``count`` numbers and up to 7 more, in place."""
    for i in range(0, count, WIDE):
        vectors.store(net, i, vectors.logistic(vectors.load(net, i, WIDE)))


@njit(cache=True, error_model="numpy", nogil=True)
def _weigh(across, net, source, s, first, stop):
    """Add what a source brings to some units' net inputs."""
    for u in range(first, stop):
        net[u] += across[s, u] * source[s]


@njit(cache=True, error_model="numpy", nogil=True)
def _listen(wiring, across, x, state, output, before, sources, late, said, net, squashed):
    """One step forward. Sources of hidden units, of output gates and of outputs are written to
    three rows; ``net`` becomes the logistics of all units, ``squashed`` those of the states."""
    inputs, blocks, cells, outputs, peepholes = wiring.sizes
    low, width, h_low, h_width = wiring.ranges
    hidden, count = 3 * blocks + cells, 3 * blocks + cells + outputs
    last = sources.size - 1
    for n in range(inputs):
        sources[n] = x[n]
    for c in range(cells):
        sources[inputs + c] = output[c]
        before[c] = state[c]
        if peepholes:
            sources[inputs + cells + c] = state[c]
    sources[last] = 1.0
    late[:] = sources
    said[:] = sources

    net[:count] = 0.0
    for s in range(last + 1):
        early = s < inputs + cells or s == last
        _weigh(across, net, sources, s, 0, hidden if early else 2 * blocks)
    for g in range(0, 2 * blocks):
        squashed[g] = net[g]
    _squash(squashed, 2 * blocks)
    for g in range(0, 2 * blocks):
        net[g] = squashed[g]
    for c in range(cells):
        squashed[c] = net[3 * blocks + c]
    _squash(squashed, cells)
    for c in range(cells):
        net[3 * blocks + c] = squashed[c]
        b = wiring.block[c]
        state[c] = net[blocks + b] * state[c] + net[b] * (low[c] + width[c] * squashed[c])
        squashed[c] = state[c]
    _squash(squashed, cells)
    if peepholes:  # output gates look at what the cells hold by now
        for c in range(cells):
            late[inputs + cells + c] = said[inputs + cells + c] = state[c]
            _weigh(across, net, late, inputs + cells + c, 2 * blocks, 3 * blocks)
    rest = np.empty(blocks + WIDE)
    rest[:blocks] = net[2 * blocks : 3 * blocks]
    _squash(rest, blocks)
    net[2 * blocks : 3 * blocks] = rest[:blocks]
    for c in range(cells):
        output[c] = net[2 * blocks + wiring.block[c]] * (h_low[c] + h_width[c] * squashed[c])
        said[inputs + c] = output[c]
    for s in range(last + 1):
        _weigh(across, net, said, s, hidden, count)
    rest = np.empty(outputs + WIDE)
    rest[:outputs] = net[hidden:count]
    _squash(rest, outputs)
    net[hidden:count] = rest[:outputs]


@njit(cache=True, error_model="numpy", nogil=True)
def _advance(wiring, partials, net, before, sources):
    """Carry the partials over the step, see `gradient.advance`."""
    blocks, cells = wiring.sizes[1], wiring.sizes[2]
    low, width = wiring.ranges[0], wiring.ranges[1]
    for c in range(cells):
        b = wiring.block[c]
        i, f, offered = net[b], net[blocks + b], net[3 * blocks + c]
        gain_cell = i * (width[c] * (offered * (1.0 - offered)))
        gain_input = (low[c] + width[c] * offered) * (i * (1.0 - i))
        gain_forget = before[c] * (f * (1.0 - f))
        for s in range(sources.size):
            partials[0, c, s] = f * partials[0, c, s] + gain_cell * sources[s]
            partials[1, c, s] = f * partials[1, c, s] + gain_input * sources[s]
            partials[2, c, s] = f * partials[2, c, s] + gain_forget * sources[s]


# ---- What the filter needs of it -----------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True)
def _derive(wiring, across, partials, net, squashed, late, said, did, does):
    """The derivatives, in parts: ``did`` is what a unit's weights did to it, shape ``(parts,
    wide)``; ``does`` what that does to the net input of each output, ``(parts, outputs)``."""
    inputs, blocks, cells, outputs, _ = wiring.sizes
    h_low, h_width = wiring.ranges[2], wiring.ranges[3]
    hidden = 3 * blocks + cells
    does[:] = 0.0
    for u in range(hidden + outputs):
        begin, stop = wiring.starts[u], wiring.starts[u + 1]
        for part in range(wiring.first[u], wiring.first[u + 1]):
            kind, which = wiring.parts[part]
            if kind == _OUTPUT_GATE:
                row = late
            elif kind == _OUTPUT:
                row = said
            else:
                row = partials[kind, which]
            for n in range(stop - begin):
                did[part, n] = row[wiring.columns[begin + n]]
            if kind == _OUTPUT:
                does[part, which] = 1.0
                continue
            gate = net[2 * blocks + (which if kind == _OUTPUT_GATE else wiring.block[which])]
            for c in range(cells):
                if kind == _OUTPUT_GATE:
                    if wiring.block[c] != which:
                        continue
                    passed = (h_low[c] + h_width[c] * squashed[c]) * (gate * (1.0 - gate))
                else:
                    if c != which:
                        continue
                    passed = gate * (h_width[c] * (squashed[c] * (1.0 - squashed[c])))
                for k in range(outputs):
                    does[part, k] += passed * across[inputs + c, hidden + k]


@njit(cache=True, error_model="numpy", nogil=True)
def _sloped(does, net, hidden, outputs):
    """Go on from the net inputs of the outputs to the outputs themselves."""
    for k in range(outputs):
        slope = net[hidden + k] * (1.0 - net[hidden + k])
        for part in range(len(does)):
            does[part, k] *= slope


# ---- The filter ----------------------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True)
def _whole(count):
    """A number filled up to whole vectors."""
    return -(-count // WIDE) * WIDE


@njit(cache=True, error_model="numpy", nogil=True)
def _share(covariances, at, size, did, shared, part, most):
    """How each weight of a group and one of its parts belong together: covariance times part."""
    wide = _whole(size)
    for m in range(0, wide, WIDE):
        total = vectors.splat(0.0, WIDE)
        for n in range(size):
            total = total + vectors.load(covariances, at + n * wide + m, WIDE) * did[part, n]
        vectors.store(shared, part * most + m, total)


@njit(cache=True, error_model="numpy", nogil=True)
def _uncertainty(wiring, covariances, did, does, shared, measurement, spread, between):
    """How weights and parts belong together, and the covariance of the outputs."""
    outputs, most, across = wiring.sizes[3], did.shape[1], does.shape[1]
    spread[:] = 0.0
    for k in range(outputs):
        spread[k, k] = measurement
    out = spread.ravel()
    for u in range(wiring.first.size - 1):
        size = wiring.starts[u + 1] - wiring.starts[u]
        for part in range(wiring.first[u], wiring.first[u + 1]):
            _share(covariances, wiring.places[u], size, did, shared, part, most)
            between[:] = 0.0
            for other in range(wiring.first[u], wiring.first[u + 1]):
                together = 0.0
                for n in range(size):
                    together += did[other, n] * shared[part * most + n]
                for k in range(outputs):
                    between[k] += together * does[other, k]
            for k in range(outputs):
                effect = does[part, k]
                if effect != 0.0:
                    for j in range(0, across, WIDE):
                        at = k * across + j
                        more = vectors.load(between, j, WIDE) * effect
                        vectors.store(out, at, vectors.load(out, at, WIDE) + more)


@njit(cache=True, error_model="numpy", nogil=True)
def _root(matrix, size):
    """A lower triangle that times itself turned over is the matrix, in place; False if none is."""
    for k in range(size):
        for i in range(k):
            for j in range(k, size):
                matrix[j, k] -= matrix[j, i] * matrix[k, i]
        if not 0.0 < matrix[k, k] < math.inf:
            return False
        matrix[k, k] = math.sqrt(matrix[k, k])
        for j in range(k + 1, size):
            matrix[j, k] /= matrix[k, k]
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def _solve(root, error, does, surprise, reduced):
    """With the root of the outputs' covariance: its inverse times the error, and half of the way to
    its inverse times each part; ``reduced`` has the shape ``(outputs, parts)``."""
    outputs, parts = reduced.shape
    for k in range(outputs):
        surprise[k] = error[k]
        for part in range(parts):
            reduced[k, part] = does[part, k]
        for j in range(k):
            surprise[k] -= root[k, j] * surprise[j]
            for part in range(parts):
                reduced[k, part] -= root[k, j] * reduced[j, part]
        surprise[k] /= root[k, k]
        for part in range(parts):
            reduced[k, part] /= root[k, k]
    for k in range(outputs - 1, -1, -1):
        for j in range(k + 1, outputs):
            surprise[k] -= root[j, k] * surprise[j]
        surprise[k] /= root[k, k]


@njit(cache=True, error_model="numpy", nogil=True)
def _known(wiring, covariances, shared, reduced, process, told, less):
    """Take from every covariance what the step has told; the first group that is none, or -1."""
    outputs, most = wiring.sizes[3], less.shape[0] // told.shape[0]
    for u in range(wiring.first.size - 1):
        first, count = wiring.first[u], wiring.first[u + 1] - wiring.first[u]
        size = wiring.starts[u + 1] - wiring.starts[u]
        wide = _whole(size)
        for a in range(count):
            for b in range(count):
                told[a, b] = 0.0
            for k in range(outputs):
                for b in range(count):
                    told[a, b] += reduced[k, first + a] * reduced[k, first + b]
        _half(told, count)
        for b in range(count):
            for m in range(0, wide, WIDE):
                total = vectors.splat(0.0, WIDE)
                for a in range(b, count):
                    column = vectors.load(shared, (first + a) * most + m, WIDE)
                    total = total + column * told[a, b]
                vectors.store(less, b * most + m, total)
        at = wiring.places[u]
        for n in range(size):
            for m in range(0, wide, WIDE):
                row = vectors.load(covariances, at + m, WIDE)
                for b in range(count):
                    row = row - vectors.load(less, b * most + m, WIDE) * less[b * most + n]
                vectors.store(covariances, at + m, row)
            covariances[at + n] += process
            if not 0.0 < covariances[at + n] < math.inf:
                return u
            at += wide
    return -1


@njit(cache=True, error_model="numpy", nogil=True)
def _half(matrix, size):
    """As `_root`, of a matrix that may have variances of 0: these have columns of 0."""
    for k in range(size):
        for i in range(k):
            for j in range(k, size):
                matrix[j, k] -= matrix[j, i] * matrix[k, i]
        if matrix[k, k] > 0.0:
            matrix[k, k] = math.sqrt(matrix[k, k])
            for j in range(k + 1, size):
                matrix[j, k] /= matrix[k, k]
        else:
            for j in range(k, size):
                matrix[j, k] = 0.0


@njit(cache=True, error_model="numpy", nogil=True)
def _correct(wiring, across, shared, does, surprise):
    """Change the weights by their share of the error; False, and no change, if one were lost."""
    outputs, most = surprise.size, shared.size // len(does)
    before = across.copy()
    for u in range(wiring.first.size - 1):
        begin, size = wiring.starts[u], wiring.starts[u + 1] - wiring.starts[u]
        for part in range(wiring.first[u], wiring.first[u + 1]):
            share = 0.0
            for k in range(outputs):
                share += does[part, k] * surprise[k]
            for n in range(size):
                across[wiring.columns[begin + n], u] += shared[part * most + n] * share
        for n in range(size):
            if not abs(across[wiring.columns[begin + n], u]) < math.inf:
                across[:] = before
                return False
    return True


@njit(cache=True, error_model="numpy", nogil=True)
def _filter(wiring, across, covariances, error, did, does, room, measurement, process):
    """Learn from one step by the filter: how it ended, and at which group."""
    shared, spread, between, surprise, reduced, told, less = room
    _uncertainty(wiring, covariances, did, does, shared, measurement, spread, between)
    if not _root(spread, wiring.sizes[3]):
        return SPREAD_LOST, -1
    _solve(spread, error, does, surprise, reduced)
    group = _known(wiring, covariances, shared, reduced, process, told, less)
    if group >= 0:
        return COVARIANCE_LOST, group
    if not _correct(wiring, across, shared, does, surprise):
        return WEIGHTS_LOST, -1
    return FINE, -1


@njit(cache=True, error_model="numpy", nogil=True)
def _descend(wiring, across, square, error, did, does, rate, decay):
    """Learn from one step by RMSProp, see `kalman.rmsprop`: how it ended, and at which unit."""
    downhill = np.empty(did.shape[1])
    for u in range(wiring.first.size - 1):
        begin, size = wiring.starts[u], wiring.starts[u + 1] - wiring.starts[u]
        downhill[:] = 0.0
        for part in range(wiring.first[u], wiring.first[u + 1]):
            into = 0.0
            for k in range(error.size):
                into += does[part, k] * error[k]
            for n in range(size):
                downhill[n] += did[part, n] * into
        for n in range(size):
            of = square[begin + n] * decay + (1.0 - decay) * (downhill[n] * downhill[n])
            square[begin + n] = of
            change = rate * downhill[n] / (math.sqrt(of) + LEAST)
            after = across[wiring.columns[begin + n], u] + change
            if not abs(after) < math.inf:
                return WEIGHTS_LOST, u
            across[wiring.columns[begin + n], u] = after
    return FINE, -1


# ---- Many steps ----------------------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True)
def _train_steps(wiring, across, memory, state, output, partials, heard, order, cursors, filtering,
           numbers, wrong, forgiven, fresh, tally, steps):  # fmt: skip
    """Learn for some steps: how many, how it ended and at which group, and the error in nats.

    The order of things is that of `kernel`. ``memory`` holds covariances, or the mean squares of
    RMSProp; ``numbers`` has two for each step, see `kalman_training.Learner`. Chapter 16.
    """
    inputs, targets, judged, starts, ahead = heard
    units, sources_, parts = wiring.starts.size - 1, across.shape[0], len(wiring.parts)
    outputs = wiring.sizes[3]
    hidden = units - outputs
    most, together = 0, 0
    for u in range(units):
        most = max(most, _whole(wiring.starts[u + 1] - wiring.starts[u]))
        together = max(together, wiring.first[u + 1] - wiring.first[u])
    net, squashed = np.zeros(units + WIDE), np.zeros(2 * state.size + 2 * wiring.sizes[1] + WIDE)
    before, error = np.zeros(state.size), np.zeros(outputs)
    sources, late, said = np.zeros((3, sources_))
    did, does = np.zeros((parts, most)), np.zeros((parts, _whole(outputs)))
    room = (
        np.zeros(parts * most),
        np.zeros((outputs, _whole(outputs))),
        np.zeros(_whole(outputs)),
        np.zeros(outputs),
        np.zeros((outputs, parts)),
        np.zeros((together, together)),
        np.zeros(together * most),
    )
    nats = 0.0
    cursors[USED] = 0
    for done in range(steps):
        song, now, used = cursors[SONG], cursors[STEP], cursors[USED]
        if song < 0:
            return done, FINE, -1, nats
        row = starts[song] + now
        target = row + ahead
        if row + 1 < starts[song + 1]:
            cursors[STEP] = now + 1
        else:
            cursors[SONG] = order[used] if used < order.size else -1
            cursors[STEP] = 0
            cursors[USED] = used + 1
            cursors[WHOLE] += 1
            if ahead:
                target = starts[order[used]]
        _listen(wiring, across, inputs[row], state, output, before, sources, late, said, net,
                squashed)  # fmt: skip
        _advance(wiring, partials, net, before, sources)
        worst = 0.0
        if judged[row]:
            for k in range(outputs):
                p = net[hidden + k]
                error[k] = targets[target, k] - p
                worst = max(worst, abs(error[k]))
                nats -= targets[target, k] * math.log(max(p, 1e-300))
                nats -= (1.0 - targets[target, k]) * math.log(max(1.0 - p, 1e-300))
            _derive(wiring, across, partials, net, squashed, late, said, did, does)
            first, second = numbers[done]
            if filtering:
                _sloped(does, net, hidden, outputs)
                ended, group = _filter(
                    wiring, across, memory, error, did, does, room, first, second
                )
            else:
                ended, group = _descend(wiring, across, memory, error, did, does, first, second)
            if ended != FINE:
                return done, ended, group, nats
        if worst > wrong:
            tally[0] += 1
            cursors[ERRORS] += 1
            if cursors[ERRORS] >= forgiven:
                tally[1] += 1
                state[:] = 0.0
                output[:] = 0.0
                partials[:] = 0.0
                # In music a chorus that was to begin now has been asked for, and is over.
                if ahead or cursors[STEP] > 0:
                    used = cursors[USED]
                    cursors[SONG] = order[used] if used < order.size else -1
                    cursors[USED] += 1
                cursors[STEP] = 0
                cursors[ERRORS] = 0
                cursors[WHOLE] = 0
        if cursors[STEP] == 0 and cursors[WHOLE] >= fresh:
            state[:] = 0.0
            output[:] = 0.0
            partials[:] = 0.0
            cursors[WHOLE] = 0
    return steps, FINE, -1, nats
