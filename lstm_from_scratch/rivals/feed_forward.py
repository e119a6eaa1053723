"""A feed-forward network: one layer of tanh units that read the last few steps, and nothing else.

It has no memory but its window: what is older than that never happened. With a window of one step
it is the network of which the paper says that it "would have no chance of composing music"
(section 1).

The first half of the module is plain NumPy, to be read; the second half is the same compiled, to be
run. A test holds the two together.

Chapter 10 (Is it any good?) measures it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .. import limits
from ..arguments import array, checked, expect_shape, real, whole
from ..machine.bptt import adam_update, clip_norm
from ..machine.caching import njit
from ..machine.gradient import Gradient
from ..machine.network import logistic
from ..music.encoding import CHORDS_AND_MELODY
from ..playing.composing import checked_seed, choose
from .layers import CHUNK, back_across, compare, squash, weigh
from .rehearsal import checked as checked_roll
from .rehearsal import checked_choruses, stream

_MATRIX = replace(array("units", "sources", finite=True, some=True, dtype=float), axes=())
_SEEN = array("steps", "window * inputs", dtype=float)


@checked(hidden=_MATRIX, output=_MATRIX)
@dataclass(frozen=True)
class FeedForward:
    """The weights of a feed-forward network, which is a `composing.Composer`. Chapter 10.

    Attributes
    ----------
    hidden : weights into the hidden units, shape ``(units, window * inputs + 1)``: from the inputs
        of this step, from those of the step before, and so on, and the bias.
    output : weights into the output units, shape ``(inputs, units + 1)``: from the hidden units,
        and the bias.

    Raises
    ------
    ValueError : for matrices that don't fit each other, or a number that is not finite.
    """

    hidden: np.ndarray
    output: np.ndarray

    def __post_init__(self) -> None:
        for name in ("hidden", "output"):
            weights = np.ascontiguousarray(getattr(self, name), dtype=float)
            object.__setattr__(self, name, weights)
        window, rest = divmod(self.hidden.shape[1] - 1, self.inputs)
        if rest or window < 1:
            raise ValueError(
                f"hidden: {self.hidden.shape[1]} columns are not a bias and some whole steps of "
                f"{self.inputs} inputs"
            )
        if self.output.shape[1] != len(self.hidden) + 1:
            raise ValueError(
                f"output: {len(self.hidden)} hidden units and a bias, but there are "
                f"{self.output.shape[1]} columns"
            )

    def __repr__(self) -> str:
        return f"FeedForward({self.inputs} in, window of {self.window}, {len(self.hidden)} units)"

    @property
    def inputs(self) -> int:
        """Inputs of one step, and as many outputs."""
        return len(self.output)

    @property
    def window(self) -> int:
        """Steps that it sees."""
        return self.hidden.shape[1] // self.inputs

    @property
    def weights(self) -> int:
        """Number of weights, biases included."""
        return self.hidden.size + self.output.size

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """See `composing.Composer`."""
        roll = checked_roll(roll, self.inputs)
        return _hear(self, roll, len(roll), np.zeros(len(roll)))[1]

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """See `composing.Composer`."""
        seed = checked_roll(checked_seed(seed, steps), self.inputs)
        roll = np.concatenate([seed, np.zeros((steps - len(seed), self.inputs))])
        return _hear(self, roll, len(seed), np.random.default_rng(rng).random(steps))[0]


@checked(
    inputs=whole(1, limits.UNITS),
    window=whole(1, limits.UNITS),
    units=whole(1, limits.UNITS),
    reach=real(0, 1e6),
)
def random_network(
    inputs: int, window: int, units: int, rng: np.random.Generator | int, reach: float = 0.3
) -> FeedForward:
    """Draw a network with all weights uniform in plus or minus ``reach``. Chapter 10."""
    rng = np.random.default_rng(rng)
    hidden = rng.uniform(-reach, reach, size=(units, window * inputs + 1))
    return FeedForward(hidden, rng.uniform(-reach, reach, size=(inputs, units + 1)))


def _expect_fitting(
    network: FeedForward, seen: np.ndarray, targets: np.ndarray | None = None
) -> None:
    """See that what is handed in is of this network."""
    expect_shape("seen", seen, (len(seen), network.window * network.inputs))
    if targets is not None:
        expect_shape("targets", targets, (len(seen), network.inputs))


@checked(roll=array("steps", "inputs", some=True), window=whole(1, limits.UNITS))
def windows(roll: np.ndarray, window: int) -> np.ndarray:
    """What a network sees at each step: this one, the one before, and so on; silence before all.

    Parameters
    ----------
    roll : shape ``(steps, inputs)``. window : how many steps are seen.

    Returns
    -------
    Array of shape ``(steps, window * inputs)``. Chapter 10.
    """
    silence = np.zeros((window - 1, roll.shape[1]))
    padded = np.concatenate([silence, roll])
    lags = [padded[window - 1 - lag : len(padded) - lag] for lag in range(window)]
    return np.concatenate(lags, axis=1)


@checked(seen=_SEEN, also=_expect_fitting)
def forward(network: FeedForward, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All steps at once, since none depends on another.

    Parameters
    ----------
    seen : what `windows` returns, shape ``(steps, window * inputs)``.

    Returns
    -------
    units, prediction : outputs of the hidden units, shape ``(steps, units)``, and the probability
        of each input at the next step, shape ``(steps, inputs)``. Chapter 10.
    """
    ones = np.ones((len(seen), 1))
    units = np.tanh(np.concatenate([seen, ones], axis=1) @ network.hidden.T)
    return units, logistic(np.concatenate([units, ones], axis=1) @ network.output.T)


@checked(seen=_SEEN, targets=array("steps", "inputs", dtype=float), also=_expect_fitting)
def gradient(network: FeedForward, seen: np.ndarray, targets: np.ndarray) -> Gradient:
    """The derivative of the summed cross-entropy with respect to every weight.

    Parameters
    ----------
    seen : as for `forward`. targets : what should have been predicted, shape ``(steps, inputs)``.

    Back-propagation (Rumelhart, Hinton and Williams, 1986); chapter 10.
    """
    ones = np.ones((len(seen), 1))
    units, prediction = forward(network, seen)
    delta = prediction - targets
    into_net = (delta @ network.output[:, :-1]) * (1 - units**2)
    return Gradient(
        into_net.T @ np.concatenate([seen, ones], axis=1),
        delta.T @ np.concatenate([units, ones], axis=1),
    )


# Compiled. Weights stand in matrices that are turned over: a row of `into` leads from one input to
# all hidden units, a row of `out` from one hidden unit to all outputs. Inner loops then run over
# neighbours, and inputs that are 0, nearly all of them, need not be looked at.


@njit(cache=True, error_model="numpy", nogil=True)
def _look(into, out, past, now, y, p):  # type: ignore[no-untyped-def]
    """One step forward: y becomes the outputs of the hidden units, p the prediction."""
    inputs, units = past.shape[1], out.shape[0] - 1
    window = into.shape[0] // inputs
    for i in range(units):
        y[i] = into[window * inputs, i]
    for lag in range(window):
        for n in range(inputs):
            if past[now - lag, n] != 0.0:
                for i in range(units):
                    y[i] += into[lag * inputs + n, i]
    squash(y, units, 2.0)
    for i in range(units):
        y[i] = 2.0 * y[i] - 1.0  # tanh(z) = 2 logistic(2 z) - 1
    weigh(out, 0, inputs, y[:0], y[:units], p)
    squash(p, inputs, 1.0)


@njit(cache=True, error_model="numpy", nogil=True)
def _back(out, past, now, y, delta, into_gradient, out_gradient):  # type: ignore[no-untyped-def]
    """Add the gradient of one step's error; ``delta`` is what the outputs were off."""
    inputs, units = past.shape[1], out.shape[0] - 1
    window = into_gradient.shape[0] // inputs
    net = np.zeros(units)
    back_across(out, delta, y[:0], y[:units], out_gradient, net)
    for i in range(units):
        net[i] *= 1.0 - y[i] * y[i]
    for lag in range(window):
        for n in range(inputs):
            if past[now - lag, n] != 0.0:
                for i in range(units):
                    into_gradient[lag * inputs + n, i] += net[i]
    for i in range(units):
        into_gradient[window * inputs, i] += net[i]


@njit(cache=True, error_model="numpy", nogil=True)
def _train(weights, memory, past, rolls, order, updates, fresh, rate, clip, parts):  # type: ignore[no-untyped-def]
    """Learn from whole choruses, one update each; return the error in nats.

    ``order`` says which, with the one that the last of them leads to. ``weights`` holds both
    matrices, the first ``parts[0]`` numbers of it that into the ``parts[1]`` hidden units.
    ``past`` holds what was heard before the chorus and then the chorus; ``updates`` counts.
    """
    length, inputs = rolls.shape[1:]
    size, units = parts
    into, out = weights[:size].reshape(-1, units), weights[size:].reshape(units + 1, inputs)
    gradient = np.zeros(weights.size)
    into_gradient = gradient[:size].reshape(-1, units)
    out_gradient = gradient[size:].reshape(units + 1, inputs)
    before = past.shape[0] - length
    y, p = np.zeros(units + CHUNK), np.zeros(inputs + CHUNK)
    delta = np.empty(inputs)
    error = 0.0
    for turn in range(order.size - 1):
        roll, following = rolls[order[turn]], rolls[order[turn + 1]]
        past[:before] = past[length:].copy()
        if updates[0] % fresh == 0:
            past[:before] = 0.0
        past[before:] = roll
        gradient[:] = 0.0
        for t in range(length):
            _look(into, out, past, before + t, y, p)
            target = roll[t + 1] if t + 1 < length else following[0]
            error += compare(p, target, delta)
            _back(out, past, before + t, y, delta, into_gradient, out_gradient)
        clip_norm(gradient, clip)
        adam_update(weights, memory[0], memory[1], gradient, rate, updates[0])
        updates[0] += 1
    return error


@njit(cache=True, error_model="numpy", nogil=True)
def _play(into, out, past, given, chords, draws, predictions):  # type: ignore[no-untyped-def]
    """Predict each step; from step ``given`` on, hear what was chosen instead."""
    steps, inputs = predictions.shape
    before = len(past) - steps
    y, p = np.zeros(into.shape[1] + CHUNK), np.zeros(inputs + CHUNK)
    for now in range(steps):
        _look(into, out, past, before + now, y, p)
        predictions[now] = p[:inputs]
        if given <= now + 1 < steps:
            choose(p[:inputs], chords, draws[now + 1], past[before + now + 1])


def _hear(
    network: FeedForward, roll: np.ndarray, given: int, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is heard, its own choices from step ``given`` on, and what is predicted."""
    before = network.window - 1
    past = np.concatenate([np.zeros((before, network.inputs)), roll])
    into, out = np.ascontiguousarray(network.hidden.T), np.ascontiguousarray(network.output.T)
    predictions = np.zeros(roll.shape)
    _play(into, out, past, given, len(CHORDS_AND_MELODY.chords), draws, predictions)
    return past[before:], predictions


UNITS = 31
"""Hidden units: with a window of one step 1,606 weights, the fewest units with no fewer weights
than the 1,558 of Experiment 2's network."""


@checked(
    window=whole(1, limits.UNITS),
    units=whole(1, limits.UNITS),
    reach=real(above=0, most=1e6),
    seed=whole(0),
    learning_rate=real(above=0),
    clip=real(above=0, finite=False),
    fresh=whole(1, limits.TRAINING),
    max_steps=whole(1, limits.TRAINING),
    test_every=whole(1, limits.BETWEEN_TESTS),
)
@dataclass(frozen=True)
class Method:
    """How to train a feed-forward network: everything the outcome depends on but the music.

    Attributes
    ----------
    window : steps that it sees. units : hidden units. reach : weights begin uniform in plus or
        minus this. seed : of them, and of the order of the choruses.
    learning_rate : of Adam, with the constants `bptt.ADAM`; one update after each chorus. It falls
        as `rehearsal.stream` says.
    clip : the largest norm of a gradient; longer ones are shortened to it.
    fresh : each chorus of this number begins after silence, as a composition does.
    max_steps : to train. test_every : steps between two looks at the error. Both whole choruses.

    Raises
    ------
    ValueError : for a number out of its range.
    """

    window: int = 1
    units: int = UNITS
    reach: float = 0.3
    seed: int = 0
    learning_rate: float = 3e-3
    clip: float = 1.0
    fresh: int = 8
    max_steps: int = 4_800_000
    test_every: int = 96_000


@checked
def train(method: Method, rolls: np.ndarray) -> tuple[FeedForward, np.ndarray]:
    """Train on choruses in random order, each leading to the next, to the last step.

    Parameters
    ----------
    method : how. rolls : the choruses, shape ``(choruses, steps, inputs)``, zeros and ones.

    Returns
    -------
    The network, and the cross-entropy of each ``method.test_every`` steps in nats a step.

    Raises
    ------
    ValueError : for other rolls, or steps that are not whole choruses.
    Diverged : if a weight is not finite any more; it has the last network that was.

    Chapter 10.
    """
    rolls = checked_choruses(rolls)
    length, inputs = rolls.shape[1:]
    rng = np.random.default_rng(method.seed)
    start = random_network(inputs, method.window, method.units, rng, method.reach)
    weights = np.concatenate([start.hidden.T.ravel(), start.output.T.ravel()])
    size, updates = start.hidden.size, np.zeros(1, dtype=np.int64)
    memory, past = np.zeros((2, weights.size)), np.zeros((method.window - 1 + length, inputs))

    def network() -> FeedForward:
        return FeedForward(
            weights[:size].reshape(-1, method.units).T, weights[size:].reshape(-1, inputs).T
        )

    def learn(order: np.ndarray, share: float) -> float:
        how = (method.fresh, float(share * method.learning_rate), float(method.clip))
        return _train(weights, memory, past, rolls, order, updates, *how, (size, method.units))

    return stream(method, rolls, weights, network, learn, rng)
