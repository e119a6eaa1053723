"""The learning rule: truncated back-propagation and truncated real-time recurrent learning.

The error of one step is followed back through the outputs into the cells of that same step
(truncated BPTT: outputs and output gates). What earlier steps contributed to a cell's state is not
sought by going back; it is carried forward, in one number for each weight into a cell, an input
gate or a forget gate: the partial derivative of the state with respect to that weight (truncated
RTRL). Truncated means that the cell outputs of earlier steps count as constants, and so do the cell
states that gates read through peepholes (chapter 11), of this step or the one before.

Written in plain NumPy, to be read beside the derivation of chapter 5 (Learning without looking
back); `kernel` runs the same steps compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from .. import briefly
from ..arguments import checked, expect_shape
from .extensions import extended_cross_entropy, extended_step_gradient, through
from .network import Network, State, Step, Topology


class Partials(NamedTuple):
    """How each cell's state depends on the weights that feed it: d s / d w, carried forward.

    Each has shape ``(cells, sources)``: row ``c`` holds the derivatives of cell c's state with
    respect to the weights into cell c itself, into the input gate of its block, and into the
    forget gate of its block.
    """

    cell: np.ndarray
    input_gate: np.ndarray
    forget_gate: np.ndarray

    __repr__ = briefly.shapes


class Gradient(NamedTuple):
    """The derivative of one step's error with respect to every weight.

    hidden : shape ``(hidden_units, sources)``. output : shape ``(outputs, sources)``.
    """

    hidden: np.ndarray
    output: np.ndarray

    __repr__ = briefly.shapes


def _expect_fitting(
    network: Network, partials: Partials, step: Step, state: State | None = None, **_: object
) -> None:
    """See that what is carried, and what was recorded, is of this network."""
    t = network.topology
    for name, values in zip(Partials._fields, partials, strict=True):
        expect_shape(f"partials, {name}", values, (t.cells, t.sources))
    for name, values in zip(State._fields, state or (), strict=state is not None):
        expect_shape(f"state, {name}", values, (t.cells,))
    sizes = dict.fromkeys(("input_gate", "forget_gate", "output_gate"), t.blocks)
    sizes |= dict.fromkeys(("candidate", "cell_state", "squashed_state"), t.cells)
    sizes |= {"sources": t.sources, "output_sources": t.sources, "prediction": t.outputs}
    for name, size in sizes.items():
        expect_shape(f"step, {name}", getattr(step, name), (size,))


@checked
def no_partials(topology: Topology) -> Partials:
    """The partials of a cleared state: nothing has been learned to depend on. Chapter 5."""
    return Partials(*(np.zeros((topology.cells, topology.sources)) for _ in range(3)))


@checked
def _check_shapes(
    onward: Callable[..., float],
    prediction: np.ndarray,
    target: np.ndarray,
    activation: Literal["logistic", "softmax"] = "logistic",
) -> float:
    """The door that sees whether a prediction and a target can be compared."""
    if np.shape(prediction) != np.shape(target):
        raise ValueError(
            f"prediction and target: shapes differ: {np.shape(prediction)} predicted, target "
            f"{np.shape(target)}"
        )
    return onward(prediction, target, activation)


@through(_check_shapes, extended_cross_entropy)
def cross_entropy(prediction: np.ndarray, target: np.ndarray) -> float:
    """The error of a step, in nats, summed over the outputs (equation 1). Chapter 5.

    Parameters
    ----------
    prediction, target : of the same shape; both are probabilities.
    activation : of the voice that predicts, see `Voice`. Units that are on or off each by itself
        (``"logistic"``) are right or wrong about both. For those of which one is on
        (``"softmax"``) see `extended_cross_entropy`.

    Raises
    ------
    ValueError : if the shapes differ.
    """
    prediction, target = np.asarray(prediction, dtype=float), np.asarray(target, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 log 0 counts as 0
        on = np.where(target > 0, target * np.log(prediction), 0.0)
        off = np.where(target < 1, (1 - target) * np.log(1 - prediction), 0.0)
    return float(-(on + off).sum())


@checked(also=_expect_fitting)
def advance(network: Network, partials: Partials, state: State, step: Step) -> Partials:
    """Carry the partials over one step (truncated RTRL).

    Parameters
    ----------
    partials : before the step.
    state : before the step.
    step : what `forward` recorded of it.

    Returns
    -------
    The partials after the step. A cell's state is s = f s' + i g, so each partial is kept or
    forgotten as the state itself is, and gains what the weight did in this step.

    Gers, Schmidhuber and Cummins (2000), equations 3.9 to 3.11; chapter 5.
    """
    t = network.topology
    block = t.block_of_cell
    low, high = t.cell_range("g")
    kept = step.forget_gate[block][:, None]
    g_slope = (step.candidate - low) * (high - step.candidate) / (high - low)
    input_slope = (step.input_gate * (1 - step.input_gate))[block]
    forget_slope = (step.forget_gate * (1 - step.forget_gate))[block]
    return Partials(
        kept * partials.cell + np.outer(step.input_gate[block] * g_slope, step.sources),
        kept * partials.input_gate + np.outer(step.candidate * input_slope, step.sources),
        kept * partials.forget_gate + np.outer(state.cell_state * forget_slope, step.sources),
    )


@checked(also=_expect_fitting)
def _check_target(
    onward: Callable[..., Gradient],
    network: Network,
    partials: Partials,
    step: Step,
    target: np.ndarray,
) -> Gradient:
    """The door that sees whether a target can be that of a step."""
    outputs = network.topology.outputs
    target = np.asarray(target, dtype=float)
    if target.shape != (outputs,):
        raise ValueError(f"target: expected shape ({outputs},), got {target.shape}")
    return onward(network, partials, step, target)


@through(_check_target, extended_step_gradient)
def step_gradient(network: Network, partials: Partials, step: Step, target: np.ndarray) -> Gradient:
    """The gradient of one step's cross-entropy, truncated.

    Parameters
    ----------
    partials : after the step, as `advance` returned them.
    step : what `forward` recorded.
    target : what should have been predicted, shape ``(outputs,)``.

    Returns
    -------
    The derivative for each weight; 0 where the topology has no connection. Learning goes against
    it.

    Raises
    ------
    ValueError : if ``target`` does not have the shape of the prediction, or if that of a voice
        with softmax outputs does not sum to 1.

    Section 3.2 of the paper (delta of the outputs); Gers, Schmidhuber and Cummins (2000), section
    3.2; chapter 5. With peepholes or softmax outputs it is reached by `extended_step_gradient`.
    """
    t = network.topology
    low, high = t.cell_range("h")

    # Through the outputs: cross-entropy and logistic outputs leave the plain difference.
    delta = step.prediction - target
    output = np.outer(delta, step.output_sources)
    # Into the cells' outputs, and from there to the output gates and the states.
    into_cell = network.output[:, t.cell_sources].T @ delta
    gate_error = np.bincount(t.block_of_cell, into_cell * step.squashed_state, minlength=t.blocks)
    gate_error *= step.output_gate * (1 - step.output_gate)
    h_slope = (step.squashed_state - low) * (high - step.squashed_state) / (high - low)
    state_error = into_cell * step.output_gate[t.block_of_cell] * h_slope

    hidden = np.zeros((t.hidden_units, t.sources))
    for cell, block in enumerate(t.block_of_cell):
        hidden[t.input_gates][block] += state_error[cell] * partials.input_gate[cell]
        hidden[t.forget_gates][block] += state_error[cell] * partials.forget_gate[cell]
    hidden[t.output_gates] = np.outer(gate_error, step.sources)
    hidden[t.cell_rows] = state_error[:, None] * partials.cell
    return Gradient(hidden * t.hidden_mask, output * t.output_mask)
