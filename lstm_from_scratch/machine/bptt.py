"""The full gradient through time: what the paper's truncated rule is compared with.

Back-propagation through time (BPTT) records a whole sequence and then goes back over it from its
end, so that every path by which a weight can reach an error is counted, those through the cell
outputs of earlier steps among them. It needs fixed weights and the record of every step;
`gradient` needs neither.

Also what can be done with a gradient: momentum, Adam, and a limit to its norm, compiled, on arrays
of any shape that they change in place. Strict IEEE: the same numbers on every machine.

Chapter 5 (Learning without looking back) sets the two gradients side by side; chapter 3 (Why
networks forget) trains with the optimisers.
"""

from __future__ import annotations

import numpy as np

from ..arguments import buffer, checked, real, whole
from .caching import njit
from .extensions import check_one_unit_on, late_sources
from .gradient import Gradient
from .network import Network, State, Topology, cleared, forward


@checked
def full_gradient(
    network: Network, inputs: np.ndarray, targets: np.ndarray, state: State | None = None
) -> Gradient:
    """The derivative of a sequence's summed cross-entropy with respect to every weight.

    Parameters
    ----------
    network : topology and weights, which stay.
    inputs, targets : what it hears and what it should predict at each step, of shapes
        ``(steps, inputs)`` and ``(steps, outputs)``.
    state : what came before, which counts as constant; cleared unless given.

    Returns
    -------
    The sum over all steps, by every path; 0 where the topology has no connection.

    Raises
    ------
    ValueError : for inputs and targets of another shape than the topology wants, or of two; for
        targets of a voice with softmax outputs that don't sum to 1.

    Williams and Zipser (1995); chapter 5.
    """
    return backward(network, inputs, targets, state, truncated=False)


@checked
def backward(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    state: State | None = None,
    *,
    truncated: bool,
) -> Gradient:
    """Go back over a sequence, step by step, and collect the gradient on the way.

    Parameters
    ----------
    network, inputs, targets, state : as for `full_gradient`.
    truncated : cut the paths from gates and cells to the cell outputs of the step before, and those
        through peepholes, so that error goes back through the states alone. Then the result is the
        sum of `gradient.step_gradient` over the sequence, found by looking back.

    Returns
    -------
    The sum over all steps; 0 where the topology has no connection.

    Raises
    ------
    ValueError : as `full_gradient`.

    Chapter 5.
    """
    t = network.topology
    inputs, targets = _checked(t, inputs, targets)
    block = t.block_of_cell
    g_low, g_high = t.cell_range("g")
    h_low, h_high = t.cell_range("h")

    def of_blocks(values: np.ndarray, gate: np.ndarray) -> np.ndarray:
        """The derivatives at the net inputs of gates: a sum over the cells of each block."""
        return np.bincount(block, values, minlength=t.blocks) * gate * (1 - gate)

    state, record = cleared(t) if state is None else state, []
    for heard in inputs:
        step = forward(network, state, heard)
        record.append((state.cell_state, step))
        state = step.state

    peeping = t.peepholes and not truncated
    hidden, output = np.zeros((t.hidden_units, t.sources)), np.zeros((t.outputs, t.sources))
    later_output, later_state = np.zeros(t.cells), np.zeros(t.cells)
    for (state_before, step), target in zip(reversed(record), reversed(targets), strict=True):
        delta = step.prediction - target
        output += np.outer(delta, step.output_sources)

        # Into outputs and states of the cells: from this step's error, and from later steps.
        h_slope = (step.squashed_state - h_low) * (h_high - step.squashed_state) / (h_high - h_low)
        into_output = network.output[:, t.cell_sources].T @ delta + later_output
        into_state = into_output * step.output_gate[block] * h_slope + later_state
        into_late = of_blocks(into_output * step.squashed_state, step.output_gate)
        if peeping:  # output gates read the states of this step
            into_state += network.hidden[t.output_gates, t.state_sources].T @ into_late

        # Into the net inputs of all hidden units, in the order of their rows.
        g_slope = (step.candidate - g_low) * (g_high - step.candidate) / (g_high - g_low)
        into_net = np.concatenate(
            [
                of_blocks(into_state * step.candidate, step.input_gate),
                of_blocks(into_state * state_before, step.forget_gate),
                into_late,
                into_state * step.input_gate[block] * g_slope,
            ]
        )
        gained = np.outer(into_net, step.sources)
        gained[t.output_gates] = np.outer(into_late, late_sources(t, step.sources, step.cell_state))
        hidden += gained

        later_state = into_state * step.forget_gate[block]
        if peeping:  # and the others those of the step before
            early = slice(t.input_gates.start, t.forget_gates.stop)
            later_state += network.hidden[early, t.state_sources].T @ into_net[early]
        if not truncated:
            later_output = network.hidden[:, t.cell_sources].T @ into_net
    return Gradient(hidden * t.hidden_mask, output * t.output_mask)


def _checked(t: Topology, inputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets as arrays of numbers, if they fit the topology and each other."""
    inputs, targets = np.asarray(inputs, dtype=float), np.asarray(targets, dtype=float)
    for name, values, units in (("inputs", inputs, t.inputs), ("targets", targets, t.outputs)):
        if values.ndim != 2 or not len(values) or values.shape[1] != units:
            raise ValueError(f"{name}: expected shape (steps, {units}), got {values.shape}")
    if len(inputs) != len(targets):
        raise ValueError(f"{len(inputs)} steps of inputs, but {len(targets)} of targets")
    check_one_unit_on(t, targets)
    return inputs, targets


ADAM = (0.9, 0.999, 1e-8)
"""Adam's constants: how much of the running means of the gradient and of its square is kept at each
update, and what keeps a division from being one by zero."""

RMSPROP = (0.99, 1e-8)
"""RMSProp's constants: how much of the running mean of the gradient's square is kept at each
update, and what keeps a division from being one by zero."""


_RATE = real(0, as_float=True)


@checked(gradient=buffer(), limit=real(0, finite=False, as_float=True))
@njit(cache=True, error_model="numpy", nogil=True)
def clip_norm(gradient: np.ndarray, limit: float) -> float:
    """Shorten a gradient to the norm ``limit`` if it is longer; return the norm that it had.

    ``gradient`` is changed in place; infinity as the limit leaves it alone. Chapter 3.
    """
    flat = gradient.ravel()
    total = 0.0
    for n in range(flat.size):
        total += flat[n] * flat[n]
    norm = np.sqrt(total)
    if norm > limit:
        factor = limit / norm
        for n in range(flat.size):
            flat[n] *= factor
    return norm


@checked(
    weights=buffer(...),
    velocity=buffer(...),
    gradient=buffer(...),
    learning_rate=_RATE,
    momentum=_RATE,
)
@njit(cache=True, error_model="numpy", nogil=True)
def momentum_update(
    weights: np.ndarray,
    velocity: np.ndarray,
    gradient: np.ndarray,
    learning_rate: float,
    momentum: float,
) -> None:
    """Move against the gradient, and in part go on as before (Plaut et al., 1986).

    The three arrays are contiguous and of one shape; ``weights`` and ``velocity``, the last change
    of each weight, are changed in place. Section 3.1; chapters 3 and 5.
    """
    w, v, g = weights.ravel(), velocity.ravel(), gradient.ravel()
    for n in range(w.size):
        v[n] = momentum * v[n] - learning_rate * g[n]
        w[n] += v[n]


@njit(cache=True, error_model="numpy", nogil=True)
def _power(base: float, exponent: int) -> float:
    """By squaring, in plain multiplications: the platform's own pow may round otherwise."""
    power = 1.0
    while exponent > 0:
        if exponent & 1:
            power *= base
        base *= base
        exponent >>= 1
    return power


@checked(
    **dict.fromkeys(("weights", "mean", "square", "gradient"), buffer(...)),
    learning_rate=_RATE,
    updates=whole(0, 2**62),
)
@njit(cache=True, error_model="numpy", nogil=True)
def adam_update(
    weights: np.ndarray,
    mean: np.ndarray,
    square: np.ndarray,
    gradient: np.ndarray,
    learning_rate: float,
    updates: int,
) -> None:
    """Move every weight by about the learning rate, whatever the size of its gradient.

    The step is the running mean of the gradient over the root of the running mean of its square
    (Kingma and Ba, 2015), both corrected for having begun at 0.

    Parameters
    ----------
    weights, mean, square : changed in place; contiguous, all of the gradient's shape.
    updates : how many were made before this one.

    Chapter 3.
    """
    keep_mean, keep_square, least = ADAM
    w, m, s, g = weights.ravel(), mean.ravel(), square.ravel(), gradient.ravel()
    of_mean = 1.0 - _power(keep_mean, updates + 1)
    of_square = 1.0 - _power(keep_square, updates + 1)
    for n in range(w.size):
        m[n] = keep_mean * m[n] + (1.0 - keep_mean) * g[n]
        s[n] = keep_square * s[n] + (1.0 - keep_square) * g[n] * g[n]
        w[n] -= learning_rate * (m[n] / of_mean) / (np.sqrt(s[n] / of_square) + least)


@checked(
    **dict.fromkeys(("weights", "square", "gradient"), buffer(...)),
    learning_rate=_RATE,
)
@njit(cache=True, error_model="numpy", nogil=True)
def rmsprop_update(
    weights: np.ndarray, square: np.ndarray, gradient: np.ndarray, learning_rate: float
) -> None:
    """Move each weight by its gradient over the root of the running mean of its square.

    Adam without a mean of the gradient, and without a correction for having begun at 0 (Tieleman
    and Hinton, 2012). The three arrays are contiguous and of one shape; ``weights`` and ``square``
    are changed in place. `kalman.rmsprop` is the same in plain NumPy. Chapter 16.
    """
    keep, least = RMSPROP
    w, s, g = weights.ravel(), square.ravel(), gradient.ravel()
    for n in range(w.size):
        s[n] = keep * s[n] + (1.0 - keep) * g[n] * g[n]
        w[n] -= learning_rate * g[n] / (np.sqrt(s[n]) + least)


@checked(
    weights=buffer(...),
    gradient=buffer(...),
    memory=buffer(2, ...),
    learning_rate=_RATE,
    momentum=_RATE,
    clip=real(0, finite=False, as_float=True),
    updates=whole(0, 2**62),
)
@njit(cache=True, error_model="numpy", nogil=True)
def update(
    weights: np.ndarray,
    gradient: np.ndarray,
    memory: np.ndarray,
    adam: bool,
    learning_rate: float,
    momentum: float,
    clip: float,
    updates: int,
) -> None:
    """One update: a gradient is clipped, then followed with momentum or with Adam.

    Parameters
    ----------
    weights, gradient : contiguous, of one shape; both are changed in place.
    memory : what the optimiser remembers, two arrays of that shape: Adam's ``mean`` and ``square``,
        or the first the velocity and the second of no use. Changed in place.
    adam : or else momentum. learning_rate, momentum : Adam has `ADAM` instead of the latter.
    clip : the largest norm, see `clip_norm`. updates : how many were made before this one.

    Chapter 3.
    """
    clip_norm(gradient, clip)
    if adam:
        adam_update(weights, memory[0], memory[1], gradient, learning_rate, updates)
    else:
        momentum_update(weights, memory[0], gradient, learning_rate, momentum)
