"""Todd's sequential network: plan units say which melody, a decaying trace how far it has come.

Peter Todd's network of 1989 is not told what was played one step ago and two steps ago. It reads a
*context*: one unit for each output, which holds a trace of what that output did and lets it decay.
Beside the context stand *plan* units, which don't change while a melody lasts. One layer of hidden
units makes the next step of both. One output says that a note begins. Between two plans lie plans
that the network never learned: it plays something there, too.

While it learns, the context is made of what should have been played, so that a step depends on no
prediction: the gradient is that of plain back-propagation.

The first half of the module is plain NumPy, to be read; the second half is the same compiled, to be
run. A test holds the two together. How much of it is Todd's own, chapter 15 says.

Chapter 15 (Older composers) builds this module up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import limits
from ..arguments import array, checked, expect_shape, real, several, whole
from ..machine.bptt import adam_update, clip_norm
from ..machine.caching import njit
from ..machine.gradient import Gradient
from ..machine.network import logistic
from ..music.blues import MELODY_PITCHES, Note
from ..music.encoding import CHORDS_AND_MELODY, Encoding
from ..playing.composing import checked_seed, choose
from .layers import CHUNK, back_across, compare, squash, weigh
from .rehearsal import checked as checked_roll
from .rehearsal import checked_choruses, stream

_MATRIX = replace(array("units", "sources", finite=True, some=True, dtype=float), axes=())
_SEEN = array("steps", "sources", dtype=float)
_DECAY = real(0, below=1, as_float=True)


@checked(hidden=_MATRIX, output=_MATRIX, decay=_DECAY)
@dataclass(frozen=True)
class SequentialNetwork:
    """The weights of a sequential network, which is a `composing.Composer` if it plays chords.

    Attributes
    ----------
    hidden : weights into the hidden units, shape ``(units, plans + outputs + 1)``: from the plan
        units, from the context, which has a unit for each output, and the bias.
    output : weights into the output units, shape ``(outputs, units + 1)``: from the hidden units,
        and the bias. The last output says that a note begins.
    decay : what is left of a trace after a step, from 0 up to 1.

    Raises
    ------
    ValueError : for matrices that don't fit each other, no plan, or a number that is not finite.

    Chapter 15.
    """

    hidden: np.ndarray
    output: np.ndarray
    decay: float

    def __post_init__(self) -> None:
        for name in ("hidden", "output"):
            weights = np.ascontiguousarray(getattr(self, name), dtype=float)
            object.__setattr__(self, name, weights)
        if self.plans < 1:
            raise ValueError(
                f"hidden: expected a plan, a context of {self.outputs} units and a bias, got "
                f"{self.hidden.shape[1]} columns"
            )
        if self.output.shape[1] != len(self.hidden) + 1:
            raise ValueError(
                f"output: {len(self.hidden)} hidden units and a bias, but there are "
                f"{self.output.shape[1]} columns"
            )

    def __repr__(self) -> str:
        sizes = f"{self.plans} plans, {len(self.hidden)} units, {self.outputs} out"
        return f"SequentialNetwork({sizes}, decay {self.decay:g})"

    @property
    def outputs(self) -> int:
        """Outputs, and as many context units."""
        return len(self.output)

    @property
    def plans(self) -> int:
        """Plan units."""
        return self.hidden.shape[1] - 1 - self.outputs

    @property
    def weights(self) -> int:
        """Number of weights, biases included."""
        return self.hidden.size + self.output.size

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """See `composing.Composer`. Every plan unit is on by the same share. Chapter 15."""
        lines = with_begins(CHORDS_AND_MELODY.check(roll))
        return _hear(self, lines, len(lines), np.zeros(len(lines)))[1][:, :-1]

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """See `composing.Composer`. Every plan unit is on by the same share. Chapter 15."""
        seed = with_begins(checked_seed(seed, steps))
        lines = np.concatenate([seed, np.zeros((steps - len(seed), seed.shape[1]))])
        draws = np.random.default_rng(rng).random(steps)
        return _hear(self, lines, len(seed), draws)[0][:, :-1]


def _expect_fitting(
    network: SequentialNetwork,
    seen: np.ndarray | None = None,
    targets: np.ndarray | None = None,
    plan: np.ndarray | None = None,
    **_: object,
) -> None:
    """See that what is handed in is of this network."""
    if seen is not None:
        expect_shape("seen", seen, (len(seen), network.plans + network.outputs))
    if targets is not None:
        expect_shape("targets", targets, (len(seen), network.outputs))
    if plan is not None:
        expect_shape("plan", plan, (network.plans,))


@checked(
    plans=whole(1, limits.UNITS),
    outputs=whole(1, limits.UNITS),
    units=whole(1, limits.UNITS),
    decay=_DECAY,
    reach=real(0, 1e6),
)
def random_network(
    plans: int,
    outputs: int,
    units: int,
    rng: np.random.Generator | int,
    decay: float = 0.8,
    reach: float = 0.3,
) -> SequentialNetwork:
    """Draw a network with all weights uniform in plus or minus ``reach``. Chapter 15."""
    rng = np.random.default_rng(rng)
    hidden = rng.uniform(-reach, reach, size=(units, plans + outputs + 1))
    output = rng.uniform(-reach, reach, size=(outputs, units + 1))
    return SequentialNetwork(hidden, output, decay)


# ---- Melodies ------------------------------------------------------------------------------------


@checked(steps=whole(1, limits.RUN), pitches=several(whole(0, 127), some=True))
def line(notes: Iterable[Note], steps: int, pitches: Sequence[int] = MELODY_PITCHES) -> np.ndarray:
    """A melody as a sequential network reads it: a unit for each pitch, and one for beginnings.

    So a note that is played again is not a longer one, as it would be in a roll.

    Returns
    -------
    Array of zeros and ones, shape ``(steps, pitches + 1)``. The last unit is on where a note
    begins.

    Raises
    ------
    ValueError : for notes that don't fit, or more than one at a step.

    Chapter 15.
    """
    notes = tuple(notes)
    roll = Encoding(chords=(), melody=tuple(pitches)).encode(notes, steps)
    if (roll.sum(axis=1) > 1).any():
        raise ValueError("notes: expected one melody, got two notes at once")
    begins = np.zeros((steps, 1))
    begins[[note.onset for note in notes]] = 1.0
    return np.concatenate([roll, begins], axis=1)


@checked(
    played=array("steps", "outputs", some=True, dtype=float),
    pitches=several(whole(0, 127), some=True),
)
def notes_of(played: np.ndarray, pitches: Sequence[int] = MELODY_PITCHES) -> tuple[Note, ...]:
    """The melody that a listener makes of outputs: always the pitch whose output is highest.

    A note begins where the last output is above 0.5, or the pitch is another one.

    Parameters
    ----------
    played : outputs, shape ``(steps, pitches + 1)``.

    Raises
    ------
    ValueError : for outputs that are not one for each pitch and one more.

    Chapter 15.
    """
    if played.shape[1] != len(pitches) + 1:
        raise ValueError(f"played: expected {len(pitches) + 1} outputs, got {played.shape[1]}")
    highest = played[:, :-1].argmax(axis=1)
    begins = (played[:, -1] > 0.5) | (np.diff(highest, prepend=-1) != 0)
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], len(played))
    return tuple(
        Note(int(pitches[highest[start]]), int(start), int(end - start))
        for start, end in zip(starts, ends, strict=True)
    )


@checked(roll=array("steps", CHORDS_AND_MELODY.units, dtype=float))
def with_begins(roll: np.ndarray) -> np.ndarray:
    """A roll of chords and melody, and a unit that is on where the melody note is another one.

    A roll does not say whether a note was played again, so that is all that can be marked. Shape
    ``(steps, 26)``. Chapter 15.
    """
    melody = roll[:, CHORDS_AND_MELODY.melody_units]
    before = np.concatenate([np.zeros((1, melody.shape[1])), melody[:-1]])
    begins = ((melody != before) & (melody > 0)).any(axis=1)
    return np.concatenate([roll, begins[:, None]], axis=1)


# ---- Forward and back ----------------------------------------------------------------------------


@checked(lines=array("steps", "outputs", dtype=float), decay=_DECAY)
def contexts(lines: np.ndarray, decay: float) -> np.ndarray:
    """The context before each step: all that was played before, the older the fainter.

    Row ``t`` is the sum of ``decay**k`` times row ``t - 1 - k`` of ``lines``. Of shape
    ``(steps, outputs)``; the first row is 0. Chapter 15.
    """
    traces = np.zeros(lines.shape)
    for step in range(1, len(lines)):
        traces[step] = decay * traces[step - 1] + lines[step - 1]
    return traces


@checked(seen=_SEEN, also=_expect_fitting)
def forward(network: SequentialNetwork, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All steps at once: given the contexts, none depends on another.

    Parameters
    ----------
    seen : plan and context at each step, side by side, shape ``(steps, plans + outputs)``.

    Returns
    -------
    units, prediction : outputs of the hidden units, shape ``(steps, units)``, and of the output
        units, shape ``(steps, outputs)``, all between 0 and 1. Chapter 15.
    """
    ones = np.ones((len(seen), 1))
    units = logistic(np.concatenate([seen, ones], axis=1) @ network.hidden.T)
    return units, logistic(np.concatenate([units, ones], axis=1) @ network.output.T)


@checked(seen=_SEEN, targets=array("steps", "outputs", dtype=float), also=_expect_fitting)
def gradient(network: SequentialNetwork, seen: np.ndarray, targets: np.ndarray) -> Gradient:
    """The derivative of the summed cross-entropy with respect to every weight.

    Parameters
    ----------
    seen : as for `forward`. targets : what should have been played, shape ``(steps, outputs)``.

    Back-propagation (Rumelhart, Hinton and Williams, 1986); chapter 15.
    """
    ones = np.ones((len(seen), 1))
    units, prediction = forward(network, seen)
    delta = prediction - targets
    into_net = (delta @ network.output[:, :-1]) * units * (1 - units)
    return Gradient(
        into_net.T @ np.concatenate([seen, ones], axis=1),
        delta.T @ np.concatenate([units, ones], axis=1),
    )


@checked(plan=array("plans", dtype=float), steps=whole(1, limits.RUN), also=_expect_fitting)
def play(network: SequentialNetwork, plan: np.ndarray, steps: int) -> np.ndarray:
    """Let a network play from silence, by a plan that it learned or by one between.

    What goes into the context are the outputs as they are, neither rounded nor drawn.

    Parameters
    ----------
    plan : how much each plan unit is on, shape ``(plans,)``. steps : how many to play.

    Returns
    -------
    Outputs, shape ``(steps, outputs)``; `notes_of` reads them. Chapter 15.
    """
    played = np.zeros((steps, network.outputs))
    context = np.zeros(network.outputs)
    for step in range(steps):
        seen = np.concatenate([plan, context])[None]
        played[step] = forward(network, seen)[1][0]
        context = network.decay * context + played[step]
    return played


# Compiled. As in `feed_forward`, weights stand in matrices that are turned over.


@njit(cache=True, error_model="numpy", nogil=True)
def _look(into, out, x, y, p):  # type: ignore[no-untyped-def]
    """One step forward from plan and context x: y the hidden units' outputs, p the prediction."""
    units, outputs = out.shape[0] - 1, out.shape[1]
    weigh(into, 0, units, x, x[:0], y)
    squash(y, units, 1.0)
    weigh(out, 0, outputs, y[:0], y[:units], p)
    squash(p, outputs, 1.0)


@njit(cache=True, error_model="numpy", nogil=True)
def _back(into, out, x, y, delta, into_gradient, out_gradient):  # type: ignore[no-untyped-def]
    """Add the gradient of one step's error; ``delta`` is what the outputs were off."""
    units, nothing = out.shape[0] - 1, x[:0]
    net = np.zeros(units)
    back_across(out, delta, nothing, y[:units], out_gradient, net)
    for i in range(units):
        net[i] = net[i] * y[i] * (1.0 - y[i])
    back_across(into, net, x, nothing, into_gradient, nothing)


@njit(cache=True, error_model="numpy", nogil=True)
def _train(weights, memory, x, pieces, plans, order, updates, fresh, rate, clip, decay, size):  # type: ignore[no-untyped-def]
    """Learn from whole pieces, one update each; return the error in nats.

    ``weights`` holds both matrices, the first ``size`` numbers of it that into the hidden units.
    ``x`` is plan and context, and stays between calls; ``updates`` counts.
    """
    length, outputs = pieces.shape[1:]
    planned = x.size - outputs
    units = size // (x.size + 1)
    into, out = weights[:size].reshape(-1, units), weights[size:].reshape(units + 1, outputs)
    gradient = np.zeros(weights.size)
    into_gradient = gradient[:size].reshape(-1, units)
    out_gradient = gradient[size:].reshape(units + 1, outputs)
    y, p, delta = np.zeros(units + CHUNK), np.zeros(outputs + CHUNK), np.empty(outputs)
    error = 0.0
    for number in order:
        piece = pieces[number]
        x[:planned] = plans[number]
        if updates[0] % fresh == 0:
            x[planned:] = 0.0
        gradient[:] = 0.0
        for t in range(length):
            _look(into, out, x, y, p)
            error += compare(p, piece[t], delta)
            _back(into, out, x, y, delta, into_gradient, out_gradient)
            for k in range(outputs):
                x[planned + k] = decay * x[planned + k] + piece[t, k]
        clip_norm(gradient, clip)
        adam_update(weights, memory[0], memory[1], gradient, rate, updates[0])
        updates[0] += 1
    return error


@njit(cache=True, error_model="numpy", nogil=True)
def _play(into, out, x, decay, given, chords, draws, lines, predictions):  # type: ignore[no-untyped-def]
    """Predict what follows each step; from step ``given`` on, hear what was chosen instead."""
    steps, outputs = lines.shape
    planned = x.size - outputs
    y, p = np.zeros(into.shape[1] + CHUNK), np.zeros(outputs + CHUNK)
    for now in range(steps):
        if now >= given:
            choose(p[: outputs - 1], chords, draws[now], lines[now, : outputs - 1])
            for k in range(chords, outputs - 1):
                if lines[now, k] > lines[now - 1, k]:
                    lines[now, outputs - 1] = 1.0
        for k in range(outputs):
            x[planned + k] = decay * x[planned + k] + lines[now, k]
        _look(into, out, x, y, p)
        predictions[now] = p[:outputs]


def _hear(
    network: SequentialNetwork, lines: np.ndarray, given: int, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is heard, its own choices from step ``given`` on, and what is predicted."""
    checked_roll(lines, network.outputs)
    into, out = np.ascontiguousarray(network.hidden.T), np.ascontiguousarray(network.output.T)
    x = np.concatenate([np.full(network.plans, 1 / network.plans), np.zeros(network.outputs)])
    predictions, chords = np.zeros(lines.shape), len(CHORDS_AND_MELODY.chords)
    _play(into, out, x, network.decay, given, chords, draws, lines, predictions)
    return lines, predictions


@checked(
    units=whole(1, limits.UNITS),
    decay=_DECAY,
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
    """How to train a sequential network: everything the outcome depends on but the music.

    Attributes
    ----------
    units : hidden units. decay : of the context. reach : weights begin uniform in plus or minus
        this. seed : of them, and of the order of the pieces.
    learning_rate : of Adam, with the constants `bptt.ADAM`; one update after each piece. It falls
        as `rehearsal.stream` says.
    clip : the largest norm of a gradient; longer ones are shortened to it.
    fresh : each piece of this number begins after silence; 1 if every one does.
    max_steps : to train. test_every : steps between two looks at the error. Both whole pieces.

    Raises
    ------
    ValueError : for a number out of its range.

    Chapter 15.
    """

    units: int = 50
    decay: float = 0.8
    reach: float = 0.3
    seed: int = 0
    learning_rate: float = 1e-2
    clip: float = 1.0
    fresh: int = 1
    max_steps: int = 480_000
    test_every: int = 48_000


@checked(
    pieces=array("pieces", "steps", "outputs", some=True),
    plans=array("pieces", "plans", finite=True),
)
def train(
    method: Method, pieces: np.ndarray, plans: np.ndarray
) -> tuple[SequentialNetwork, np.ndarray]:
    """Train on pieces in random order, each with its plan, to the last step.

    Parameters
    ----------
    method : how. pieces : shape ``(pieces, steps, outputs)``, zeros and ones.
    plans : how much each plan unit is on, shape ``(pieces, plans)``.

    Returns
    -------
    The network, and the cross-entropy of each ``method.test_every`` steps in nats a step.

    Raises
    ------
    ValueError : for other pieces or plans, or steps that are not whole pieces.
    Diverged : if a weight is not finite any more; it has the last network that was.

    Chapter 15.
    """
    strange = pieces[~np.isin(pieces, (0, 1))]
    if len(strange):
        raise ValueError(f"pieces: expected zeros and ones, got {strange[0]:g}")
    pieces, plans = checked_choruses(pieces), np.ascontiguousarray(plans, dtype=float)
    planned, outputs = plans.shape[1], pieces.shape[2]
    rng = np.random.default_rng(method.seed)
    start = random_network(planned, outputs, method.units, rng, method.decay, method.reach)
    weights = np.concatenate([start.hidden.T.ravel(), start.output.T.ravel()])
    size, updates = start.hidden.size, np.zeros(1, dtype=np.int64)
    memory, x = np.zeros((2, weights.size)), np.zeros(planned + outputs)

    def network() -> SequentialNetwork:
        hidden, output = weights[:size], weights[size:]
        return SequentialNetwork(
            hidden.reshape(-1, method.units).T, output.reshape(-1, outputs).T, method.decay
        )

    def learn(order: np.ndarray, share: float) -> float:
        how = (method.fresh, float(share * method.learning_rate), float(method.clip))
        at = (pieces, plans, order[:-1], updates)
        return _train(weights, memory, x, *at, *how, float(method.decay), size)

    return stream(method, pieces, weights, network, learn, rng)
