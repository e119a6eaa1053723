"""The full gradient through time: what the paper's truncated rule is compared with.

Back-propagation through time (BPTT) records a whole sequence and then goes back over it from its
end, so that every path by which a weight can reach an error is counted, those through the cell
outputs of earlier steps among them. It needs fixed weights and the record of every step;
`gradient` needs neither.

Chapter 5 (Learning without looking back) sets the two side by side.
"""

from __future__ import annotations

import numpy as np

from .gradient import Gradient
from .network import Network, cleared, forward


def full_gradient(network: Network, inputs: np.ndarray, targets: np.ndarray) -> Gradient:
    """The derivative of a sequence's summed cross-entropy with respect to every weight.

    Parameters
    ----------
    network : topology and weights; it starts from a cleared state, and the weights stay.
    inputs, targets : what it hears and what it should predict at each step, both of shape
        ``(steps, inputs)``.

    Returns
    -------
    The sum over all steps, by every path; 0 where the topology has no connection.

    Raises
    ------
    ValueError : for inputs and targets of another shape than the topology wants, or of two.

    Williams and Zipser (1995); chapter 5.
    """
    return backward(network, inputs, targets, truncated=False)


def backward(
    network: Network, inputs: np.ndarray, targets: np.ndarray, *, truncated: bool
) -> Gradient:
    """Go back over a sequence, step by step, and collect the gradient on the way.

    Parameters
    ----------
    network, inputs, targets : as for `full_gradient`.
    truncated : cut the paths from gates and cells to the cell outputs of the step before, so that
        error goes back through the states alone. Then the result is the sum of
        `gradient.step_gradient` over the sequence, found by looking back.

    Returns
    -------
    The sum over all steps; 0 where the topology has no connection.

    Raises
    ------
    ValueError : as `full_gradient`.

    Chapter 5.
    """
    t = network.topology
    inputs, targets = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    for name, values in (("inputs", inputs), ("targets", targets)):
        if values.ndim != 2 or not len(values) or values.shape[1] != t.inputs:
            raise ValueError(f"{name}: expected shape (steps, {t.inputs}), got {values.shape}")
    if len(inputs) != len(targets):
        raise ValueError(f"{len(inputs)} steps of inputs, but {len(targets)} of targets")
    block = t.block_of_cell
    g_low, g_high = t.cell_range("g")
    h_low, h_high = t.cell_range("h")

    def of_blocks(values: np.ndarray, gate: np.ndarray) -> np.ndarray:
        """What the cells of each block want of their gate, through the gate's logistic."""
        return np.bincount(block, values, minlength=t.blocks) * gate * (1 - gate)

    state, record = cleared(t), []
    for heard in inputs:
        step = forward(network, state, heard)
        record.append((state.cell_state, step))
        state = step.state

    hidden, output = np.zeros((t.hidden_units, t.sources)), np.zeros((t.inputs, t.sources))
    later_output, later_state = np.zeros(t.cells), np.zeros(t.cells)
    for (state_before, step), target in zip(reversed(record), reversed(targets), strict=True):
        delta = step.prediction - target
        output += np.outer(delta, step.output_sources)

        # Into outputs and states of the cells: from this step's error, and from later steps.
        h_slope = (step.squashed_state - h_low) * (h_high - step.squashed_state) / (h_high - h_low)
        into_output = network.output[:, t.cell_sources].T @ delta + later_output
        into_state = into_output * step.output_gate[block] * h_slope + later_state

        # Into the net inputs of all hidden units, in the order of their rows.
        g_slope = (step.candidate - g_low) * (g_high - step.candidate) / (g_high - g_low)
        into_net = np.concatenate(
            [
                of_blocks(into_state * step.candidate, step.input_gate),
                of_blocks(into_state * state_before, step.forget_gate),
                of_blocks(into_output * step.squashed_state, step.output_gate),
                into_state * step.input_gate[block] * g_slope,
            ]
        )
        hidden += np.outer(into_net, step.sources)

        later_state = into_state * step.forget_gate[block]
        if not truncated:
            later_output = network.hidden[:, t.cell_sources].T @ into_net
    return Gradient(hidden * t.hidden_mask, output * t.output_mask)
