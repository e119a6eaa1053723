"""Many episodes at once: the full gradient of a whole batch, by matrix products.

`bptt.full_gradient` goes through one episode, a step at a time, and is written to be read. With
hundreds of cells that is slow. Here the episodes of a batch lie side by side, the short ones filled
up with steps that nobody judges, and what does not depend on the step before is one product for all
steps. The equations are the same; a test holds both forms together on random topologies.

The products are those of BLAS, which may round otherwise on another processor: unlike `kernel`,
this room does not promise the same bits on every machine. It knows no peepholes.

Appendix A (The engine room) says what makes a step fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np

from .. import briefly
from ..arguments import anything, checked, instance
from .episodes import Episode, from_episodes
from .gradient import Gradient
from .network import Network, Topology


class Batch(NamedTuple):
    """Episodes side by side, each from a cleared state.

    inputs, targets : shapes ``(steps, episodes, inputs)`` and ``(steps, episodes, outputs)``, with
    as many steps as the longest has. judged : 1 where a prediction is held against its target, 0
    elsewhere and after an episode's end; shape ``(steps, episodes)``. Appendix A.
    """

    inputs: np.ndarray
    targets: np.ndarray
    judged: np.ndarray

    __repr__ = briefly.shapes


class Heard(NamedTuple):
    """What happens in a network that hears a batch. Axes: steps, episodes, units. Appendix A.

    gates : activations of all input, forget and output gates, in this order. candidate, cell_state,
    squashed_state, cell_output : of the cells, as in `network.Step`. net, prediction : net inputs
    and activations of the output units.
    """

    gates: np.ndarray
    candidate: np.ndarray
    cell_state: np.ndarray
    squashed_state: np.ndarray
    cell_output: np.ndarray
    net: np.ndarray
    prediction: np.ndarray

    __repr__ = briefly.shapes


@checked(episodes=anything())
def side_by_side(
    topology: Topology,
    episodes: Iterable[Episode],
    dtype: Literal["float64", "float32"] = "float64",
) -> Batch:
    """Put episodes of any lengths into a batch, the short ones filled up with zeros.

    ``dtype`` is the type of the batch, and so of what is computed from it.

    Raises
    ------
    ValueError : for what does not fit the topology, as `episodes.from_episodes`.

    Appendix A.
    """
    packed = from_episodes(topology, episodes)
    lengths = np.diff(packed.starts)
    steps, count = lengths.max(), len(lengths)
    batch = Batch(
        np.zeros((steps, count, topology.inputs), dtype),
        np.zeros((steps, count, topology.outputs), dtype),
        np.zeros((steps, count), dtype),
    )
    for number, (start, length) in enumerate(zip(packed.starts[:-1], lengths, strict=True)):
        for whole, part in zip(batch, packed[:3], strict=True):
            whole[:length, number] = part[start : start + length]
    return batch


@checked(batch=instance(Batch))
def listen(network: Network, batch: Batch) -> Heard:
    """Let a network hear a batch, every episode from a cleared state; the result has its type.

    Raises
    ------
    ValueError : for a batch that does not fit the network, or a network with peepholes.

    Appendix A.
    """
    _expect_fitting(network, batch)
    t, dtype = network.topology, batch.inputs.dtype
    hidden, output = network.hidden.astype(dtype), network.output.astype(dtype)
    block, (g_low, g_high), (h_low, h_high) = _by_cell(t, dtype)
    steps, episodes = batch.judged.shape
    candidate, states, squashed, outputs = np.empty((4, steps, episodes, t.cells), dtype)
    state, said = np.zeros((2, episodes, t.cells), dtype)

    # What no earlier step changes is one product for all steps; then each adds what it recalls.
    units = batch.inputs @ hidden[:, : t.inputs].T + hidden[:, -1]
    recurrent = np.ascontiguousarray(hidden[:, t.cell_sources].T)
    for step in range(steps):
        now = units[step]
        now += said @ recurrent
        _logistic(now)
        into, forget, out = (now[:, of][:, block] for of in _gates(t))
        candidate[step] = g_low + (g_high - g_low) * now[:, t.cell_rows]
        state = states[step] = forget * state + into * candidate[step]
        squashed[step] = h_low + (h_high - h_low) * _logistic(state.copy())
        said = outputs[step] = out * squashed[step]

    net = batch.inputs @ output[:, : t.inputs].T + output[:, -1]
    net += outputs @ output[:, t.cell_sources].T
    gates = units[..., : t.cell_rows.start]
    return Heard(gates, candidate, states, squashed, outputs, net, _activations(t, net))


@checked(batch=instance(Batch))
def batch_gradient(network: Network, batch: Batch) -> tuple[float, Gradient]:
    """The summed cross-entropy of a batch, in nats, and its derivative for every weight.

    Returns
    -------
    The error of all judged steps, and its full gradient: the sum of `bptt.full_gradient` over the
    episodes, float64.

    Raises
    ------
    ValueError : as `listen`.

    Williams and Zipser (1995); chapter 5.
    """
    run, t, dtype = listen(network, batch), network.topology, batch.inputs.dtype
    block, (g_low, g_high), (h_low, h_high) = _by_cell(t, dtype)
    steps, episodes = batch.judged.shape
    recurrent = network.hidden[:, t.cell_sources].astype(dtype)
    delta = (run.prediction - batch.targets) * batch.judged[..., None]
    from_outputs = delta @ network.output[:, t.cell_sources].astype(dtype)
    nothing = np.zeros((1, episodes, t.cells), dtype)

    # How far an error in a cell's state, or in its output, moves what; for all steps at once.
    into, forget, out = (run.gates[..., of][..., block] for of in _gates(t))
    before = np.concatenate([nothing, run.cell_state[:-1]])
    candidate, squashed = run.candidate, run.squashed_state
    through_h = out * (squashed - h_low) * (h_high - squashed) / (h_high - h_low)
    through_g = into * (candidate - g_low) * (g_high - candidate) / (g_high - g_low)
    to_into = candidate * into * (1 - into)
    to_forget = before * forget * (1 - forget)
    to_out = squashed * out * (1 - out)

    into_net = np.empty((steps, episodes, t.hidden_units), dtype)
    later_output, later_state = np.zeros((2, episodes, t.cells), dtype)
    for step in reversed(range(steps)):
        into_output = from_outputs[step] + later_output
        into_state = into_output * through_h[step] + later_state
        now = into_net[step]
        now[:, t.input_gates] = _of_blocks(t, into_state * to_into[step])
        now[:, t.forget_gates] = _of_blocks(t, into_state * to_forget[step])
        now[:, t.output_gates] = _of_blocks(t, into_output * to_out[step])
        now[:, t.cell_rows] = into_state * through_g[step]
        later_state = into_state * forget[step]
        later_output = now @ recurrent

    earlier = np.concatenate([nothing, run.cell_output[:-1]])
    error = float((_errors(t, run, batch.targets) * batch.judged).sum(dtype=float))
    hidden = _products(into_net, batch.inputs, earlier)
    output = _products(delta, batch.inputs, run.cell_output)
    return error, Gradient(hidden * t.hidden_mask, output * t.output_mask)


@checked(batch=instance(Batch))
def batch_error(network: Network, batch: Batch) -> tuple[float, int]:
    """How well a network predicts a batch: the summed cross-entropy in nats, and of how many steps.

    Raises
    ------
    ValueError : as `listen`.

    Chapter 10.
    """
    run = listen(network, batch)
    errors = _errors(network.topology, run, batch.targets) * batch.judged
    return float(errors.sum(dtype=float)), int(batch.judged.sum())


def _expect_fitting(network: Network, batch: Batch) -> None:
    """See that a batch and a network fit together."""
    t = network.topology
    if t.peepholes:
        raise ValueError("network: expected one without peepholes, see bptt.full_gradient")
    steps, episodes = np.shape(batch.judged)[:2] if np.ndim(batch.judged) == 2 else (0, 0)
    units = ((t.inputs,), (t.outputs,), ())
    for name, values, more in zip(Batch._fields, batch, units, strict=True):
        kind = getattr(values, "dtype", None)
        if not steps or np.shape(values) != (steps, episodes, *more) or kind not in _KINDS:
            wanted = ", ".join(map(str, ("steps", "episodes", *more)))
            raise ValueError(
                f"batch: expected {name} of shape ({wanted}), float64 or float32, got "
                f"{briefly.came(values)}"
            )


_KINDS = (np.float64, np.float32)


def _by_cell(t: Topology, dtype: np.dtype) -> tuple[slice | np.ndarray, list, list]:
    """Each cell's block, which needs no looking up if each has its own; the ranges of g and h."""
    block = slice(None) if t.blocks == t.cells else t.block_of_cell
    return block, *([end.astype(dtype) for end in t.cell_range(which)] for which in ("g", "h"))


def _gates(t: Topology) -> tuple[slice, slice, slice]:
    """Where input, forget and output gates stand."""
    return t.input_gates, t.forget_gates, t.output_gates


def _logistic(x: np.ndarray) -> np.ndarray:
    """`squashing.logistic` in place, without a look at each of many small arrays."""
    np.negative(x, out=x)
    with np.errstate(over="ignore"):
        np.exp(x, out=x)
    x += 1
    return np.reciprocal(x, out=x)


def _of_blocks(t: Topology, values: np.ndarray) -> np.ndarray:
    """What comes to gates: sums over the cells of each block."""
    if t.blocks == t.cells:
        return values
    starts = np.searchsorted(t.block_of_cell, np.arange(t.blocks))
    return np.add.reduceat(values, starts, axis=1)


def _products(into: np.ndarray, inputs: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """The gradient of the weights of some units: what comes into each, times what it has read."""
    flat = into.reshape(-1, into.shape[-1])
    parts = [flat.T @ read.reshape(len(flat), -1) for read in (inputs, shown)]
    return np.concatenate([*parts, flat.sum(axis=0)[:, None]], axis=1, dtype=float)


def _softmax_voices(t: Topology) -> list[slice]:
    return [t.outputs_of(voice.name) for voice in t.voices if voice.activation == "softmax"]


def _activations(t: Topology, net: np.ndarray) -> np.ndarray:
    """What output units make of their net inputs."""
    prediction = _logistic(net.copy())
    for own in _softmax_voices(t):
        powers = np.exp(net[..., own] - net[..., own].max(axis=-1, keepdims=True))
        prediction[..., own] = powers / powers.sum(axis=-1, keepdims=True)
    return prediction


def _errors(t: Topology, run: Heard, targets: np.ndarray) -> np.ndarray:
    """The cross-entropy of each step, shape ``(steps, episodes)``.

    Of net inputs instead of predictions, so that no logarithm of zero is met.
    """
    each = np.logaddexp(0, run.net) - targets * run.net
    for own in _softmax_voices(t):
        net = run.net[..., own]
        top = net.max(axis=-1, keepdims=True)
        each[..., own] = targets[..., own] * (top - net)
        whole = np.log(np.exp(net - top).sum(axis=-1))
        each[..., own.start] += whole * targets[..., own].sum(axis=-1)
    return each.sum(axis=-1)
