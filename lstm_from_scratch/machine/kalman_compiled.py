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

from .. import briefly, limits
from ..arguments import array, checked, either, instance, none, whole
from . import vectors
from .caching import njit
from .episodes import Packed
from .gradient import Partials
from .kalman import Filtering, Lost, expect_logistic, groups
from .kernel import Tally
from .network import Network, State, Topology

WIDE = 8
"""Numbers in a whole vector."""

_SONG, _STEP, _USED, _ERRORS, _WHOLE = range(5)


class Wiring(NamedTuple):
    """What compiled steps know of a topology.

    sizes : inputs, blocks, cells, outputs, and 1 with peepholes. block : of each cell. ranges : low
    end and width of g and of h for each cell, shape ``(4, cells)``. starts, columns : the sources of
    unit u are ``columns[starts[u]:starts[u + 1]]``. parts : for each part the kind, 0 to 4 for cell,
    input gate, forget gate, output gate and output, and the cell, block or output; shape ``(parts,
    2)``, in the order of the units. first : where each unit's parts begin, shape ``(units + 1,)``.
    places : where each unit's covariance begins, shape ``(units + 1,)``.
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
    parts = [
        *([(_INPUT, cell) for cell in np.flatnonzero(t.block_of_cell == b)] for b in range(t.blocks)),
        *([(_FORGET, cell) for cell in np.flatnonzero(t.block_of_cell == b)] for b in range(t.blocks)),
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
    wide)``; ``does`` what that does to each output, shape ``(parts, outputs)``."""
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
                does[part, which] = net[hidden + which] * (1.0 - net[hidden + which])
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
                    p = net[hidden + k]
                    does[part, k] += passed * across[inputs + c, hidden + k] * (p * (1.0 - p))


# ---- The filter ----------------------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True)
def _uncertainty(wiring, covariances, did, does, shared, measurement, spread):
    """How weights and parts belong together, and the covariance of the outputs."""
    outputs = spread.shape[0]
    between = np.empty(outputs)
    spread[:] = 0.0
    for k in range(outputs):
        spread[k, k] = measurement
    for u in range(wiring.first.size - 1):
        size = wiring.starts[u + 1] - wiring.starts[u]
        wide = -(-size // WIDE) * WIDE
        for part in range(wiring.first[u], wiring.first[u + 1]):
            column = shared[part, :wide]
            column[:] = 0.0
            at = wiring.places[u]
            for n in range(size):
                row, factor = covariances[at : at + wide], did[part, n]
                for m in range(wide):
                    column[m] += row[m] * factor
                at += wide
            between[:] = 0.0
            for other in range(wiring.first[u], wiring.first[u + 1]):
                together = 0.0
                for n in range(size):
                    together += did[other, n] * column[n]
                for k in range(outputs):
                    between[k] += together * does[other, k]
            for k in range(outputs):
                if does[part, k] != 0.0:
                    for j in range(outputs):
                        spread[k, j] += does[part, k] * between[j]


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
def _known(wiring, covariances, shared, reduced, process):
    """Take from every covariance what the step has told; the first group that is none, or -1."""
    outputs = reduced.shape[0]
    most = 0
    for u in range(wiring.first.size - 1):
        most = max(most, wiring.first[u + 1] - wiring.first[u])
    told, less = np.empty((most, most)), np.empty((most, shared.shape[1]))
    for u in range(wiring.first.size - 1):
        first, count = wiring.first[u], wiring.first[u + 1] - wiring.first[u]
        size = wiring.starts[u + 1] - wiring.starts[u]
        wide = -(-size // WIDE) * WIDE
        for a in range(count):
            for b in range(count):
                told[a, b] = 0.0
            for k in range(outputs):
                for b in range(count):
                    told[a, b] += reduced[k, first + a] * reduced[k, first + b]
        _half(told, count)
        for b in range(count):
            less[b, :wide] = 0.0
            for a in range(b, count):
                for m in range(wide):
                    less[b, m] += shared[first + a, m] * told[a, b]
        at = wiring.places[u]
        for n in range(size):
            row = covariances[at : at + wide]
            for b in range(count):
                factor, column = less[b, n], less[b]
                for m in range(wide):
                    row[m] -= factor * column[m]
            row[n] += process
            if not 0.0 < row[n] < math.inf:
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
    outputs = surprise.size
    before = across.copy()
    for u in range(wiring.first.size - 1):
        begin, size = wiring.starts[u], wiring.starts[u + 1] - wiring.starts[u]
        for part in range(wiring.first[u], wiring.first[u + 1]):
            share = 0.0
            for k in range(outputs):
                share += does[part, k] * surprise[k]
            for n in range(size):
                across[wiring.columns[begin + n], u] += shared[part, n] * share
        for n in range(size):
            if not abs(across[wiring.columns[begin + n], u]) < math.inf:
                across[:] = before
                return False
    return True


# ---- Many steps ----------------------------------------------------------------------------------

FINE, SPREAD_LOST, COVARIANCE_LOST, WEIGHTS_LOST = range(4)
"""How some steps ended."""


@njit(cache=True, error_model="numpy", nogil=True)
def _train(wiring, across, covariances, state, output, partials, heard, order, cursors, noise,
           wrong, forgiven, fresh, tally, steps):  # fmt: skip
    """Learn for some steps, see `Filter.train`: how many, how it ended, where, and the error."""
    inputs, targets, judged, starts, ahead = heard
    units, sources_, parts = wiring.starts.size - 1, across.shape[0], len(wiring.parts)
    outputs = wiring.sizes[3]
    hidden = units - outputs
    most = 0
    for u in range(units):
        most = max(most, wiring.starts[u + 1] - wiring.starts[u])
    most = -(-most // WIDE) * WIDE
    net, squashed = np.zeros(units + WIDE), np.zeros(2 * state.size + 2 * wiring.sizes[1] + WIDE)
    before, error, surprise = np.zeros(state.size), np.zeros(outputs), np.zeros(outputs)
    sources, late, said = np.zeros((3, sources_))
    did, shared = np.zeros((2, parts, most))
    does, reduced = np.zeros((parts, outputs)), np.zeros((outputs, parts))
    spread = np.zeros((outputs, outputs))
    nats = 0.0
    cursors[_USED] = 0
    for done in range(steps):
        song, now, used = cursors[_SONG], cursors[_STEP], cursors[_USED]
        if song < 0:
            return done, FINE, -1, nats
        row = starts[song] + now
        target = row + ahead
        if row + 1 < starts[song + 1]:
            cursors[_STEP] = now + 1
        else:
            cursors[_SONG] = order[used] if used < order.size else -1
            cursors[_STEP] = 0
            cursors[_USED] = used + 1
            cursors[_WHOLE] += 1
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
            measurement, process = noise[done]
            _derive(wiring, across, partials, net, squashed, late, said, did, does)
            _uncertainty(wiring, covariances, did, does, shared, measurement, spread)
            if not _root(spread, outputs):
                return done, SPREAD_LOST, -1, nats
            _solve(spread, error, does, surprise, reduced)
            group = _known(wiring, covariances, shared, reduced, process)
            if group >= 0:
                return done, COVARIANCE_LOST, group, nats
            if not _correct(wiring, across, shared, does, surprise):
                return done, WEIGHTS_LOST, -1, nats
        if worst > wrong:
            tally[0] += 1
            cursors[_ERRORS] += 1
            if cursors[_ERRORS] >= forgiven:
                tally[1] += 1
                state[:] = 0.0
                output[:] = 0.0
                partials[:] = 0.0
                # In music a chorus that was to begin now has been asked for, and is over.
                if ahead or cursors[_STEP] > 0:
                    used = cursors[_USED]
                    cursors[_SONG] = order[used] if used < order.size else -1
                    cursors[_USED] += 1
                cursors[_STEP] = 0
                cursors[_ERRORS] = 0
                cursors[_WHOLE] = 0
        if cursors[_STEP] == 0 and cursors[_WHOLE] >= fresh:
            state[:] = 0.0
            output[:] = 0.0
            partials[:] = 0.0
            cursors[_WHOLE] = 0
    return steps, FINE, -1, nats


@checked
class Filter:
    """A network that learns by the filter, compiled; for `Lessons` it is what an `Arena` is.

    Parameters
    ----------
    network : it begins with. filtering : how it learns; groups are those of a unit each.
    wrong : an output that is farther than this from its target makes the step a gross error.

    Raises
    ------
    ValueError : for another grouping, or a voice with softmax outputs.

    Chapter 16.
    """

    def __init__(self, network: Network, filtering: Filtering, wrong: float = 0.5) -> None:
        expect_logistic(network.topology)
        if filtering.grouping != "unit":
            raise ValueError(
                f"filtering: compiled steps know groups of a unit each, got {filtering.grouping!r}"
            )
        self.topology, self.filtering, self.wrong = network.topology, filtering, wrong
        self.wiring = wiring(network.topology)
        self.across = np.ascontiguousarray(np.concatenate([network.hidden, network.output]).T)
        self.steps = 0
        self.cursors = np.zeros(5, dtype=np.int64)
        self._state, self._output = np.zeros((2, self.topology.cells))
        self._partials = np.zeros((3, self.topology.cells, self.topology.sources))
        self._covariances = np.zeros(self.wiring.places[-1])
        for number in range(len(self.wiring.starts) - 1):
            np.fill_diagonal(self._covariance(number), filtering.variance)

    def __repr__(self) -> str:
        after = briefly.counted(self.steps, "step")
        return f"Filter({briefly.voices(self.topology.voices)}; {after})"

    def _covariance(self, group: int) -> np.ndarray:
        """One group's covariance, sharing memory."""
        first, last = self.wiring.places[group : group + 2]
        size = self.wiring.starts[group + 1] - self.wiring.starts[group]
        return self._covariances[first:last].reshape(size, -1)[:, :size]

    def covariances(self) -> tuple[np.ndarray, ...]:
        """A copy of the covariance of each group, as `kalman.uncertain` orders them."""
        return tuple(self._covariance(n).copy() for n in range(len(self.wiring.starts) - 1))

    def network(self) -> Network:
        """A copy of the network as it is now."""
        rows = self.across.T.copy()
        hidden = self.topology.hidden_units
        return Network(self.topology, rows[:hidden], rows[hidden:])

    def state(self) -> State:
        """A copy of the state that the network is in."""
        return State(self._state.copy(), self._output.copy())

    def partials(self) -> Partials:
        """A copy of the partials; they are 0 where no weight needs them only in `Arena`."""
        return Partials(*self._partials.copy())

    @property
    def used(self) -> int:
        """How many of the episodes ordered the last training used up."""
        return int(self.cursors[_USED])

    @property
    def through(self) -> bool:
        """Has it heard all that was ordered?"""
        return bool(self.cursors[_SONG] < 0)

    @checked(episode=whole(0, limits.TRAINING))
    def begin(self, episode: int) -> None:
        """Go on at the beginning of an episode, in whatever state it is."""
        self.cursors[[_SONG, _STEP]] = episode, 0

    @checked(
        orders=array("one", "drawn", whole=True, dtype=np.int64),
        forgiven=array("one", whole=True, dtype=np.int64),
        steps=whole(0, limits.BETWEEN_TESTS),
        fresh=either(array("one", whole=True, dtype=np.int64), none()),
    )
    def train(
        self,
        packed: Packed,
        orders: np.ndarray,
        forgiven: np.ndarray,
        steps: int,
        fresh: np.ndarray | None = None,
    ) -> Tally:
        """Learn online for some steps, going on where the last call stopped; see `Arena.train`.

        Raises
        ------
        Lost : if a covariance is none any more, or a weight would not be finite; `network` is then
            the last good one, and ``steps`` says how many it has learned from.
        """
        noise = np.array([self.filtering.noise(self.steps + n) for n in range(steps)])
        tally = np.zeros(2, dtype=np.int64)
        done, ended, group, nats = _train(
            self.wiring, self.across, self._covariances, self._state, self._output,
            self._partials, tuple(packed), orders[0], self.cursors, noise.reshape(-1, 2),
            self.wrong, int(forgiven[0]),
            np.iinfo(np.int64).max if fresh is None else int(fresh[0]), tally, steps,
        )  # fmt: skip
        self.steps += done
        if ended != FINE:
            raise Lost(group, WHY[ended])
        return Tally(tally[:1], tally[1:], np.array([[nats]]), int(done))


WHY = {
    SPREAD_LOST: "of the outputs is not positive",
    COVARIANCE_LOST: "is not positive: a variance has fallen to 0 or below, or is not finite",
    WEIGHTS_LOST: "would make a weight that is not finite",
}
