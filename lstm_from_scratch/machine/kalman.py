"""The Kalman filter: weights as something that is measured, a little at every step.

Gradient descent asks which way a weight should go. A Kalman filter also keeps an estimate of how
uncertain every weight still is, and of how the uncertainties of two weights belong together: their
*covariance*. A prediction error is then shared out among the weights in proportion to what is
uncertain about each, and what a step has told is not asked for again.

The covariance of all weights is a large matrix. *Decoupled*, the filter keeps only that of weights
in the same group, here those into one unit, and takes what lies between groups for zero. Extended
means that the network is taken as linear at the weights of the moment: what the filter needs of it
is the derivative of every output with respect to every weight. `gradient` gives it, truncated as
always, asked output by output.

Written in plain NumPy, to be read beside the derivation of chapter 16 (The Kalman filter);
`kalman_compiled` runs the same steps compiled, and `kalman_training` trains with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from .. import briefly, limits
from ..arguments import array, checked, expect_shape, real, several, whole
from .bptt import RMSPROP
from .gradient import Partials, advance, no_partials, step_gradient
from .network import Network, State, Step, Topology, cleared, forward

Grouping = Literal["unit", "all", "weight"]
"""Whose uncertainties are known to belong together: of the weights into one unit, as in
Pérez-Ortiz and others (2003); of all weights, the extended Kalman filter itself; of none."""

LOPSIDED = 1e-6
"""How far a covariance may be from symmetric, relative to its largest number."""


@checked(
    variance=real(above=0),
    measurement=real(above=0),
    measurement_last=real(above=0),
    process=real(0),
    process_last=real(0),
    annealed=whole(1, limits.TRAINING),
)
@dataclass(frozen=True)
class Filtering:
    """What a Kalman filter takes for granted before it begins.

    Attributes
    ----------
    variance : of every weight at the start: how far it may be from where it should be, squared.
    measurement, measurement_last : R, the variance of what an output is said to be off by although
        the weights are right, at the first step and when it has fallen. The larger it is, the less
        a single step is believed.
    process, process_last : Q, what is added to the variance of every weight at each step, at the
        first and when it has fallen. It keeps the filter from becoming too sure.
    annealed : steps in which both fall from their first value to the last, by the same factor at
        each step. After that they stay.
    grouping : see `Grouping`.

    Raises
    ------
    ValueError : for a number out of its range, or a process noise that falls to 0 or from it, to
        which no factor leads.

    Puskorius and Feldkamp (1994); chapter 16.
    """

    variance: float = 1.0
    measurement: float = 10.0
    measurement_last: float = 1.0
    process: float = 1e-4
    process_last: float = 1e-6
    annealed: int = 10_000
    grouping: Grouping = "unit"

    __repr__ = briefly.differing

    def __post_init__(self) -> None:
        if (self.process == 0) != (self.process_last == 0):
            raise ValueError(
                "process and process_last: expected both above 0 or both 0, got "
                f"{self.process:g} and {self.process_last:g}"
            )

    @checked(step=whole(0))
    def noise(self, step: int) -> tuple[float, float]:
        """Measurement and process noise at a step, counted from 0."""
        share = min(1.0, step / self.annealed)
        measurement = self.measurement * (self.measurement_last / self.measurement) ** share
        if self.process == 0:
            return measurement, 0.0
        return measurement, self.process * (self.process_last / self.process) ** share


# ---- All weights in a row ------------------------------------------------------------------------


@checked(
    hidden=array("hidden units", "sources", dtype=float),
    output=array("outputs", "sources", dtype=float),
)
def in_a_row(topology: Topology, hidden: np.ndarray, output: np.ndarray) -> np.ndarray:
    """What stands where the topology has weights, unit by unit, hidden units first.

    ``hidden`` and ``output`` are shaped as the weights of a `Network` are; the row has shape
    ``(weights,)``. Chapter 16.
    """
    expect_shape("hidden", hidden, topology.hidden_mask.shape)
    expect_shape("output", output, topology.output_mask.shape)
    return np.concatenate([hidden[topology.hidden_mask], output[topology.output_mask]])


@checked(row=array("weights", dtype=float))
def with_weights(topology: Topology, row: np.ndarray) -> Network:
    """The network that has these weights, in the order of `in_a_row`.

    Raises
    ------
    ValueError : for another number of weights, or one that is not finite.

    Chapter 16.
    """
    masks = topology.hidden_mask, topology.output_mask
    first = int(masks[0].sum())
    count = first + int(masks[1].sum())
    if len(row) != count:
        raise ValueError(f"row: expected the {count} weights of the topology, got {len(row)}")
    matrices = [np.zeros(mask.shape) for mask in masks]
    for matrix, mask, part in zip(matrices, masks, (row[:first], row[first:]), strict=True):
        matrix[mask] = part
    return Network(topology, *matrices)


@checked
def groups(topology: Topology, grouping: Grouping = "unit") -> tuple[slice, ...]:
    """Which weights of the row belong together, one slice a group. Chapter 16."""
    fan_in = np.concatenate([topology.hidden_mask.sum(axis=1), topology.output_mask.sum(axis=1)])
    sizes = {"unit": fan_in, "all": [fan_in.sum()], "weight": np.ones(fan_in.sum(), dtype=int)}
    stops = np.cumsum(sizes[grouping])
    return tuple(
        slice(int(stop - size), int(stop))
        for size, stop in zip(sizes[grouping], stops, strict=True)
    )


# ---- What the filter needs of the network --------------------------------------------------------


@checked
def jacobian(network: Network, partials: Partials, step: Step) -> np.ndarray:
    """The derivative of every output with respect to every weight, truncated.

    Parameters
    ----------
    partials : after the step, as `gradient.advance` returned them. step : what `forward` recorded.

    Returns
    -------
    One row for each output, in the order of `in_a_row`: shape ``(outputs, weights)``.

    Raises
    ------
    ValueError : for a voice with softmax outputs, of which none can be measured alone.

    `gradient.step_gradient` follows an error back to all weights. Here it is asked once for each
    output, with an error that is the slope of this output and 0 at all others: what comes back is
    the derivative of this output. Chapter 16.
    """
    t = network.topology
    expect_logistic(t)
    slopes = step.prediction * (1 - step.prediction)
    rows = np.zeros((t.outputs, network.weights))
    for unit, slope in enumerate(slopes):
        target = step.prediction.copy()
        target[unit] -= slope  # what is followed back is prediction minus target
        gradient = step_gradient(network, partials, step, target)
        rows[unit] = in_a_row(t, *gradient)
    return rows


@checked
def expect_logistic(topology: Topology) -> None:
    """See that every output can be measured by itself; raises ValueError. Chapter 16."""
    for voice in topology.voices:
        if voice.activation == "softmax":
            raise ValueError(
                f"voice {voice.name!r} has softmax outputs, which sum to 1; the filter measures "
                "each output by itself: expected logistic outputs"
            )


# ---- The filter ----------------------------------------------------------------------------------


class Lost(ValueError):
    """A covariance is none any more: it is not finite, not symmetric, or not positive.

    group : its number among the groups; -1 for that of the outputs. why : in a few words.
    """

    def __init__(self, group: int, why: str) -> None:
        super().__init__(f"the covariance {f'of group {group} ' * (group >= 0)}{why}")
        self.group, self.why = group, why


@checked
def uncertain(topology: Topology, filtering: Filtering) -> tuple[np.ndarray, ...]:
    """The covariance of each group before anything was measured: a variance and no more.

    Each has shape ``(weights of the group, weights of the group)``. Chapter 16.
    """
    return tuple(
        filtering.variance * np.eye(group.stop - group.start)
        for group in groups(topology, filtering.grouping)
    )


@checked(
    row=array("weights", finite=True, dtype=float),
    covariances=several(
        array("weights of a group", "weights of a group", some=True, dtype=float),
        some=True,
        expected="a covariance of each group, one at least",
    ),
    derivatives=array("outputs", "weights", finite=True, dtype=float),
    error=array("outputs", finite=True, dtype=float),
    measurement=real(above=0),
    process=real(0),
)
def measured(
    row: np.ndarray,
    covariances: tuple[np.ndarray, ...],
    derivatives: np.ndarray,
    error: np.ndarray,
    measurement: float,
    process: float = 0.0,
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Learn from one measurement: the weights and their covariances after it.

    Parameters
    ----------
    row : the weights. covariances : of each group of them, one after another.
    derivatives : of every output with respect to every weight, as `jacobian` has them.
    error : target minus prediction of each output.
    measurement, process : the noise, see `Filtering`.

    Raises
    ------
    ValueError : for shapes that don't belong together.
    Lost : if a covariance is none, before or after.

    Puskorius and Feldkamp (1994), the decoupled filter; with one group the extended Kalman filter.
    Chapter 16.
    """
    stops = np.cumsum([len(covariance) for covariance in covariances])
    _expect_together(row, covariances, derivatives, error, int(stops[-1]))
    parts = np.split(derivatives, stops[:-1], axis=1)

    # How uncertain the outputs are: by the noise, and by every group of weights.
    spread = measurement * np.eye(len(error))
    for part, covariance in zip(parts, covariances, strict=True):
        spread += part @ covariance @ part.T
    surprise = np.linalg.solve(spread, error)

    learned, known = row.copy(), []
    for stop, part, covariance in zip(stops, parts, covariances, strict=True):
        shared = covariance @ part.T  # how a weight and an output belong together
        learned[stop - len(covariance) : stop] += shared @ surprise
        less = shared @ np.linalg.solve(spread, shared.T)
        known.append(covariance - less + process * np.eye(len(covariance)))
    for group, covariance in enumerate(known):
        expect_covariance(covariance, group)
    return learned, tuple(known)


def _expect_together(
    row: np.ndarray,
    covariances: tuple[np.ndarray, ...],
    derivatives: np.ndarray,
    error: np.ndarray,
    grouped: int,
) -> None:
    if len(row) != grouped:
        raise ValueError(f"row: expected the {grouped} weights of the groups, got {len(row)}")
    if derivatives.shape != (len(error), len(row)):
        raise ValueError(
            f"derivatives: expected shape {(len(error), len(row))}, got {derivatives.shape}"
        )
    for group, covariance in enumerate(covariances):
        if covariance.shape[0] != covariance.shape[1]:
            raise ValueError(
                f"covariances: expected as many rows as columns, got {covariance.shape}"
            )
        expect_covariance(covariance, group)


@checked(covariance=array("weights", "weights", some=True), group=whole(0))
def expect_covariance(covariance: np.ndarray, group: int) -> None:
    """See that a matrix can be a covariance.

    Raises
    ------
    Lost : if a number of it is not finite, if it is not symmetric, or if some combination of
        weights has a variance of 0 or less.

    Chapter 16.
    """
    if not np.isfinite(covariance).all():
        raise Lost(group, "is not finite")
    if np.abs(covariance - covariance.T).max() > LOPSIDED * np.abs(covariance).max():
        raise Lost(group, "is not symmetric")
    try:
        np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise Lost(group, "is not positive: a variance has fallen to 0 or below") from None


# ---- For comparison ------------------------------------------------------------------------------

LEAST = RMSPROP[1]
"""What keeps RMSProp from dividing by nothing."""


@checked(learning_rate=real(above=0), decay=real(0, below=1))
@dataclass(frozen=True)
class RMSProp:
    """How weights learn by RMSProp: each at a pace of its own, and none knows of another.

    learning_rate : how far a weight goes whose gradient is as large as it mostly is. decay : share
    of the running mean of squares that is kept at each step. Tieleman and Hinton (2012); chapter
    16.
    """

    learning_rate: float = 1e-3
    decay: float = 0.9

    __repr__ = briefly.differing


@checked(
    row=array("weights", dtype=float),
    square=array("weights", dtype=float),
    gradient=array("weights", dtype=float),
)
def rmsprop(
    row: np.ndarray, square: np.ndarray, gradient: np.ndarray, how: RMSProp
) -> tuple[np.ndarray, np.ndarray]:
    """One step of RMSProp: the weights and the running mean of each gradient's square after it.

    Tieleman and Hinton (2012); chapter 16.
    """
    square = how.decay * square + (1 - how.decay) * gradient**2
    return row - how.learning_rate * gradient / (np.sqrt(square) + LEAST), square


# ---- One step ------------------------------------------------------------------------------------


class Mind(NamedTuple):
    """A network that learns by the filter, between two steps.

    network : its weights as they are estimated now. covariances : how uncertain they are, one
    matrix a group. state, partials : what was heard so far. steps : that it has learned from.
    """

    network: Network
    covariances: tuple[np.ndarray, ...]
    state: State
    partials: Partials
    steps: int = 0

    __repr__ = briefly.shapes


@checked
def beginning(network: Network, filtering: Filtering) -> Mind:
    """A network that has heard nothing yet and will learn by the filter. Chapter 16."""
    t = network.topology
    return Mind(network, uncertain(t, filtering), cleared(t), no_partials(t))


@checked(
    inputs=array("inputs", finite=True, dtype=float),
    target=array("outputs", finite=True, dtype=float),
)
def learn(
    mind: Mind, inputs: np.ndarray, target: np.ndarray, filtering: Filtering
) -> tuple[Mind, Step]:
    """One step: hear, predict, and correct the weights by what should have been predicted.

    Returns
    -------
    What has become of the network, and the step that it predicted with.

    Raises
    ------
    ValueError : for shapes that don't fit the network.
    Lost : if a covariance is none any more; ``mind`` is then the last good one.

    Chapter 16.
    """
    network, covariances, state, partials, steps = mind
    expect_shape("target", target, (network.topology.outputs,))
    step = forward(network, state, inputs)
    partials = advance(network, partials, state, step)
    row, covariances = measured(
        in_a_row(network.topology, network.hidden, network.output),
        covariances,
        jacobian(network, partials, step),
        target - step.prediction,
        *filtering.noise(steps),
    )
    network = with_weights(network.topology, row)
    return Mind(network, covariances, step.state, partials, steps + 1), step
