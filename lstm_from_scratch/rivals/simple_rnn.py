"""A plain recurrent network: one layer of tanh units that read the inputs and one another.

It has no gates and no cells. All that it knows of the past is the outputs y of its hidden units,
which are computed anew at every step. Inputs, sources and outputs are those of `network`, so that
the same music goes in and the same error comes out; where an LSTM has cell outputs, this network
has the outputs of its units.

Its gradient is found in two ways: by going back through time (BPTT) over a window, and by carrying
influences forward (RTRL) at every step, without truncation. Here both are plain NumPy, to be read;
what trains is the same compiled, see `simple_rnn_compiled`.

Chapter 3 (Why networks forget) builds this module up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from .. import briefly, limits
from ..arguments import (
    array,
    checked,
    expect_shape,
    instance,
    real,
    several,
    whole,
)
from ..machine.gradient import Gradient
from ..machine.kernel import Recall
from ..machine.network import logistic
from ..music.blues import CHORD_PITCHES
from ..playing.composing import checked_seed
from . import simple_rnn_compiled as compiled
from .rehearsal import Lesson, Result, checked_choruses, rehearse, stream
from .rehearsal import checked as checked_roll

_NEVER = np.iinfo(np.int64).max  # more than there can be gross errors or choruses

UNITS = 14
"""Hidden units: the fewest that give no fewer weights (702) than Experiment 1's LSTM has (672)."""


_MATRIX = replace(array("units", "sources", finite=True, some=True, dtype=float), axes=())


@checked(hidden=_MATRIX, output=_MATRIX)
@dataclass(frozen=True)
class SimpleNetwork:
    """The weights of a plain recurrent network. Chapter 3.

    Attributes
    ----------
    hidden : weights into the hidden units, shape ``(units, inputs + units + 1)``: from the inputs,
        from the units' outputs of the step before, and the bias.
    output : weights into the output units, shape ``(inputs, inputs + units + 1)``: from the inputs,
        from the units' outputs of this step, and the bias.

    Raises
    ------
    ValueError : for matrices that don't fit each other, or a number that is not finite.
    """

    hidden: np.ndarray
    output: np.ndarray

    def __repr__(self) -> str:
        return f"SimpleNetwork({len(self.output)} in, {len(self.hidden)} units)"

    def __post_init__(self) -> None:
        for name in ("hidden", "output"):
            weights = np.ascontiguousarray(getattr(self, name), dtype=float)
            object.__setattr__(self, name, weights)
        sources = self.units + self.inputs + 1
        for name in ("hidden", "output"):
            weights = getattr(self, name)
            if weights.shape[1] != sources:
                raise ValueError(
                    f"{name}: {self.units} units and {self.inputs} inputs are {sources} sources "
                    f"with the bias, but there are {weights.shape[1]} columns"
                )

    @property
    def inputs(self) -> int:
        """Inputs, and as many outputs."""
        return len(self.output)

    @property
    def units(self) -> int:
        """Hidden units."""
        return len(self.hidden)

    @property
    def weights(self) -> int:
        """Number of weights, biases included."""
        return self.hidden.size + self.output.size

    @property
    def recurrent(self) -> np.ndarray:
        """Weights from hidden units to hidden units, shape ``(units, units)``."""
        return self.hidden[:, self.inputs : -1]

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """See `composing.Composer`; also of a roll of other units. Chapter 10."""
        roll = checked_roll(roll, self.inputs)
        return _hear(self, roll, len(roll), np.zeros(len(roll)))[1]

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """See `composing.Composer`; for networks that hear chords and a melody. Chapter 10."""
        seed = checked_seed(seed, steps)
        if self.inputs != seed.shape[1]:
            raise ValueError(f"the network has {self.inputs} inputs, the music {seed.shape[1]}")
        roll = np.concatenate([seed, np.zeros((steps - len(seed), self.inputs))])
        return _hear(self, roll, len(seed), np.random.default_rng(rng).random(steps))[0]


def _expect_fitting(
    network: SimpleNetwork,
    before: np.ndarray | None = None,
    influence: np.ndarray | None = None,
    steps: object = None,
    step: Step | None = None,
    **arrays: np.ndarray,
) -> None:
    """See that what is handed in is of this network."""
    for name, values in arrays.items():
        expect_shape(name, values, (*np.shape(values)[:-1], network.inputs))
    if before is not None:
        expect_shape("before", before, (network.units,))
    if influence is not None:
        expect_shape("influence", influence, (network.units, *network.hidden.shape))
    record = steps if isinstance(steps, (list, tuple)) else [] if step is None else [step]
    for one in record:
        expect_shape("step, units", one.units, (network.units,))
        expect_shape("step, sources", one.sources, (network.hidden.shape[1],))
        expect_shape("step, prediction", one.prediction, (network.inputs,))
    if "targets" in arrays and len(arrays["targets"]) != len(record):
        raise ValueError(
            f"targets: expected one for each of {len(record)} steps, got shape "
            f"{arrays['targets'].shape}"
        )


class Step(NamedTuple):
    """Everything that happens in one step, by name.

    sources : what hidden units read, shape ``(inputs + units + 1,)``.
    units : what they put out, between -1 and 1, shape ``(units,)``.
    output_sources : what output units read, shape ``(inputs + units + 1,)``.
    prediction : the probability of each input at the next step, shape ``(inputs,)``.
    """

    sources: np.ndarray
    units: np.ndarray
    output_sources: np.ndarray
    prediction: np.ndarray

    __repr__ = briefly.shapes


@checked(
    inputs=whole(1, limits.UNITS),
    units=whole(1, limits.UNITS),
    reach=real(0, 1e6),
)
def random_network(
    inputs: int, units: int, rng: np.random.Generator | int, reach: float = 0.3
) -> SimpleNetwork:
    """Draw a network with all weights uniform in plus or minus ``reach``. Chapter 3."""
    sources = inputs + units + 1
    weights = np.random.default_rng(rng).uniform(-reach, reach, size=(units + inputs, sources))
    return SimpleNetwork(weights[:units], weights[units:])


@checked(
    before=array("units", dtype=float), inputs=array("inputs", dtype=float), also=_expect_fitting
)
def forward(network: SimpleNetwork, before: np.ndarray, inputs: np.ndarray) -> Step:
    """One step.

    Parameters
    ----------
    network : the weights. before : the units' outputs of the step before, shape ``(units,)``.
    inputs : what is heard now, shape ``(inputs,)``.

    Chapter 3.
    """
    sources = np.concatenate([inputs, before, [1.0]])
    units = np.tanh(network.hidden @ sources)
    output_sources = np.concatenate([inputs, units, [1.0]])
    return Step(sources, units, output_sources, logistic(network.output @ output_sources))


@checked(inputs=array("steps", "inputs", dtype=float), also=_expect_fitting)
def listen(
    network: SimpleNetwork, inputs: np.ndarray, before: np.ndarray | None = None
) -> list[Step]:
    """The record of every step of a song.

    Parameters
    ----------
    inputs : shape ``(steps, inputs)``.
    before : the units' outputs that the song finds; all 0 unless given.

    Raises
    ------
    ValueError : for inputs of another shape.

    Chapter 3.
    """
    inputs = np.asarray(inputs, dtype=float)
    if inputs.ndim != 2 or inputs.shape[1] != network.inputs:
        raise ValueError(f"expected inputs of shape (steps, {network.inputs}), got {inputs.shape}")
    units, steps = np.zeros(network.units) if before is None else before, []
    for heard in inputs:
        steps.append(forward(network, units, heard))
        units = steps[-1].units
    return steps


_RECORD = several(instance(Step), some=True, expected="the record of a step at least")


@checked(steps=_RECORD, target=array("inputs", dtype=float), also=_expect_fitting)
def error_flow(network: SimpleNetwork, steps: list[Step], target: np.ndarray) -> np.ndarray:
    """Follow the error of the last step of a record back to the first.

    Parameters
    ----------
    steps : the record that `listen` made. target : of its last step, shape ``(inputs,)``.

    Returns
    -------
    Row ``q`` is the derivative of that one error with respect to the units' outputs ``q`` steps
    before it, by every path; shape ``(steps, units)``.

    Chapter 3.
    """
    outgoing = network.output[:, network.inputs : -1]
    flow = [outgoing.T @ (steps[-1].prediction - target)]
    for step in reversed(steps[1:]):
        flow.append(network.recurrent.T @ (flow[-1] * (1 - step.units**2)))
    return np.array(flow)


@checked(steps=_RECORD, targets=array("steps", "inputs", dtype=float), also=_expect_fitting)
def full_gradient(network: SimpleNetwork, steps: list[Step], targets: np.ndarray) -> Gradient:
    """The derivative of the summed cross-entropy of a record, by going back over it (BPTT).

    Parameters
    ----------
    steps : the record that `listen` made. The outputs before its first step count as constants.
    targets : what should have been predicted, shape ``(steps, inputs)``.

    Williams and Zipser (1995); chapter 3.
    """
    hidden, output = np.zeros_like(network.hidden), np.zeros_like(network.output)
    outgoing, later = network.output[:, network.inputs : -1], np.zeros(network.units)
    for step, target in zip(reversed(steps), reversed(np.asarray(targets)), strict=True):
        delta = step.prediction - target
        output += np.outer(delta, step.output_sources)
        into_net = (outgoing.T @ delta + later) * (1 - step.units**2)
        hidden += np.outer(into_net, step.sources)
        later = network.recurrent.T @ into_net
    return Gradient(hidden, output)


@checked
def no_influence(network: SimpleNetwork) -> np.ndarray:
    """How a cleared network depends on its weights: not at all. See `advance`. Chapter 3."""
    return np.zeros((network.units, *network.hidden.shape))


@checked(influence=array("units", "units", "sources", dtype=float), also=_expect_fitting)
def advance(network: SimpleNetwork, influence: np.ndarray, step: Step) -> np.ndarray:
    """Carry the influence of every weight over one step (RTRL).

    Parameters
    ----------
    influence : element ``[i, j, m]`` is the derivative of unit i's output with respect to the
        weight from source m to unit j, by every path; shape ``(units, units, sources)``.
    step : the step that follows.

    Returns
    -------
    The influence after the step. It is exact as long as the weights do not change.

    Robinson and Fallside (1987), Williams and Zipser (1995); chapter 3.
    """
    through = np.tensordot(network.recurrent, influence, axes=1)
    own = np.arange(network.units)
    through[own, own] += step.sources
    return (1 - step.units**2)[:, None, None] * through


@checked(
    influence=array("units", "units", "sources", dtype=float),
    target=array("inputs", dtype=float),
    also=_expect_fitting,
)
def step_gradient(
    network: SimpleNetwork, influence: np.ndarray, step: Step, target: np.ndarray
) -> Gradient:
    """The derivative of one step's error with respect to every weight (RTRL).

    Parameters
    ----------
    influence : after this step, see `advance`. target : shape ``(inputs,)``.

    Chapter 3.
    """
    delta = step.prediction - target
    into_units = network.output[:, network.inputs : -1].T @ delta
    return Gradient(
        np.tensordot(into_units, influence, axes=1), np.outer(delta, step.output_sources)
    )


@checked(
    seed=array("steps", "inputs", dtype=float), steps=whole(1, limits.RUN), also=_expect_fitting
)
def free_run(network: SimpleNetwork, seed: np.ndarray, steps: int) -> np.ndarray:
    """Let a network play: its inputs are its own predictions, 1 where they are above 0.5.

    Parameters
    ----------
    seed : the steps that are given, shape ``(at least 1, inputs)``. steps : how many in all.

    Returns
    -------
    A roll of shape ``(steps, inputs)`` that begins with the seed.

    Raises
    ------
    ValueError : if the seed is empty or longer than ``steps``.

    Chapter 3.
    """
    if not 1 <= len(seed) <= steps:
        raise ValueError(f"a seed of {len(seed)} steps for {steps}: expected 1 to {steps}")
    roll, units = np.zeros((steps, network.inputs)), np.zeros(network.units)
    roll[: len(seed)] = seed
    for now in range(steps - 1):
        step = forward(network, units, roll[now])
        units = step.units
        if now + 1 >= len(seed):
            roll[now + 1] = step.prediction > 0.5
    return roll


def _hear(
    network: SimpleNetwork, roll: np.ndarray, given: int, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is heard, its own choices from step ``given`` on, and what is predicted."""
    roll, predictions = roll.copy(), np.zeros(roll.shape)
    weights, chords = np.concatenate([network.hidden, network.output]), len(CHORD_PITCHES)
    compiled.play(weights, network.units, roll, given, chords, draws, predictions)
    return roll, predictions


@checked(choruses=whole(1, limits.CHORUSES))
def recall(network: SimpleNetwork, roll: np.ndarray, choruses: int) -> Recall:
    """The test of Experiment 1, `composing.recall`, for this network.

    Parameters
    ----------
    roll : one chorus, shape ``(steps, inputs)``; its first step is given.
    choruses : how many to play at the most.

    Returns
    -------
    Recall : how many predictions were right in a row; or that the state came back bit for bit,
        and after how many choruses.

    Raises
    ------
    ValueError : for a roll of another shape, or no chorus.

    Section 3.2; chapter 3.
    """
    weights = np.concatenate([network.hidden, network.output])
    roll = checked_roll(roll, network.inputs)
    return Recall(*compiled.recall(weights, network.units, roll, choruses))


@checked(
    learning_rate=real(above=0),
    momentum=real(0, below=1),
    clip=real(above=0, finite=False),
    forgiven=whole(0, limits.TRAINING),
    units=whole(1, limits.UNITS),
    reach=real(above=0, most=1e6),
    seed=whole(0),
    max_steps=whole(1, limits.TRAINING),
    test_every=whole(1, limits.BETWEEN_TESTS),
    choruses=whole(1, limits.CHORUSES),
)
@dataclass(frozen=True)
class Method:
    """How to train a plain recurrent network: everything the outcome depends on but the music.

    Attributes
    ----------
    rule : ``"bptt"``: one update after each chorus, from the gradient of its summed error, the
        state flowing on from chorus to chorus; ``"rtrl"``: one update after each step.
    optimiser : ``"momentum"`` or ``"adam"``.
    learning_rate, momentum : of the optimiser; Adam has constants of its own, `bptt.ADAM`.
    clip : the largest norm of a gradient; longer ones are shortened to it.
    forgiven : gross errors (an output on the wrong side of 0.5) until the state is cleared and the
        chorus begins anew, as in `training.Recipe`; 0: never. BPTT clears between two choruses.
    units : hidden units. reach : weights begin uniform in plus or minus this. seed : of them.
    max_steps : give up after this many. test_every : steps between two tests, whole choruses.
    choruses : it has learned when it plays this many without a wrong note, or proves that it can.

    Raises
    ------
    ValueError : for an unknown rule or optimiser, or a number out of its range.
    """

    rule: Literal["bptt", "rtrl"] = "bptt"
    optimiser: Literal["momentum", "adam"] = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    clip: float = np.inf
    forgiven: int = 0
    units: int = UNITS
    reach: float = 0.3
    seed: int = 0
    max_steps: int = 5_001_600
    test_every: int = 4_800
    choruses: int = 1_000


@checked
def train(
    method: Method,
    roll: np.ndarray,
    look: Callable[[SimpleNetwork], object] | None = None,
) -> Result[SimpleNetwork, Method]:
    """Train on one chorus, over and over, until the free run holds or the steps are used up.

    Parameters
    ----------
    method : how. roll : the chorus, shape ``(steps, inputs)``, zeros and ones.
    look : called with the network at each test, if given.

    Raises
    ------
    ValueError : for another roll, or tests that don't fall between two choruses.
    Diverged : if a weight is not finite any more; it has the network of the last test, and its
        ``step`` is the first test at which that was seen.

    Section 3.2; chapter 3.
    """
    roll = checked_roll(roll)
    length, inputs = roll.shape
    start = random_network(inputs, method.units, np.random.default_rng(method.seed), method.reach)
    weights = np.concatenate([start.hidden, start.output])
    memory, y = np.zeros((2, *weights.shape)), np.zeros(method.units)
    influence = np.zeros((method.units, -(-start.hidden.size // compiled.WIDE) * compiled.WIDE))
    # Updates, gross errors since the last reset, gross errors, resets, and the step in the chorus.
    counts = np.zeros(5, dtype=np.int64)
    forgiven, how = method.forgiven or _NEVER, _how(method)

    def network() -> SimpleNetwork:
        return SimpleNetwork(weights[: method.units].copy(), weights[method.units :].copy())

    def learn(steps: int) -> Lesson:
        _, _, wrong, resets, _ = counts
        if method.rule == "bptt":
            order = np.zeros(steps // length + 1, dtype=np.int64)
            error = compiled.train_bptt(
                weights, memory, y, counts, roll[None], order, inputs, forgiven, _NEVER, *how
            )
        else:
            error = compiled.train_rtrl(
                weights, memory, y, influence, counts, roll, steps, forgiven, *how
            )
        return Lesson(error, counts[2] - wrong, counts[3] - resets)

    def test(network: SimpleNetwork) -> int:
        kept = recall(network, roll, method.choruses)
        return method.choruses if kept.period else kept.steps // length

    return rehearse(method, roll, weights, network, learn, test, look)


@checked(strict=whole(0), fresh=whole(0, limits.TRAINING))
def train_stream(
    method: Method, rolls: np.ndarray, *, strict: int, fresh: int = 0
) -> tuple[SimpleNetwork, np.ndarray]:
    """Train by BPTT on choruses in random order, each leading to the next, to the last step.

    Parameters
    ----------
    method : how, with a rate that falls as `rehearsal.stream` says. Its rule is BPTT, and what it
        says of a test for success is not used.
    rolls : the choruses, shape ``(choruses, steps, inputs)``, zeros and ones.
    strict : only the first so many units can make gross errors: those of the chords. What a melody
        plays is a choice.
    fresh : one in so many choruses begins from a cleared state, as a composition does, whatever the
        errors. 0: none does.

    Returns
    -------
    The network, and the cross-entropy of each ``method.test_every`` steps in nats a step.

    Raises
    ------
    ValueError : for other rolls or another rule, numbers of units or choruses that can't be, or
        steps that are not whole choruses.
    Diverged : as `train`.

    Section 4.2; chapter 10.
    """
    rolls = checked_choruses(rolls)
    inputs = rolls.shape[2]
    if method.rule != "bptt":
        raise ValueError(f"a stream of choruses is learned by rule 'bptt', got {method.rule!r}")
    if strict > inputs:
        raise ValueError(f"strict: expected at most all {inputs} units, got {strict}")
    rng = np.random.default_rng(method.seed)
    start = random_network(inputs, method.units, rng, method.reach)
    weights = np.concatenate([start.hidden, start.output])
    memory, y = np.zeros((2, *weights.shape)), np.zeros(method.units)
    counts = np.zeros(5, dtype=np.int64)
    limits = (strict, method.forgiven or _NEVER, fresh or _NEVER)

    def network() -> SimpleNetwork:
        return SimpleNetwork(weights[: method.units].copy(), weights[method.units :].copy())

    def learn(order: np.ndarray, share: float) -> float:
        how = _how(method, share)
        return compiled.train_bptt(weights, memory, y, counts, rolls, order, *limits, *how)

    return stream(method, rolls, weights, network, learn, rng)


def _how(method: Method, share: float = 1.0) -> tuple[bool, float, float, float]:
    """What the compiled trainings want to know of an optimiser, with a share of its rate."""
    return (
        method.optimiser == "adam",
        float(share * method.learning_rate),
        float(method.momentum),
        float(method.clip),
    )
