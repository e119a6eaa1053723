"""CONCERT: note by note, in codes that know what sounds related, read as probabilities.

After Mozer's network of 1994. An event, such as a note with its duration and its chord, is heard in
one step, as the codes of its *features* side by side (see `codes`). Context units read the codes
and one another; some of them keep part of what they held, so that they change slowly. The outputs
are a point in the space of codes, and each alternative of a feature is the likelier, the nearer it
lies to that point. The network learns by going back through a whole piece (BPTT).

The module is long because the same steps stand in it twice: first in plain NumPy, to be read, then
compiled, to be run. A test holds the two together. How much of it is Mozer's own, chapter 15 says.

Chapter 15 (Older composers) builds this module up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .. import limits
from ..arguments import Kind, Unfit, array, checked, expect_shape, real, several, whole
from ..machine import vectors
from ..machine.bptt import adam_update, clip_norm
from ..machine.caching import njit
from ..machine.gradient import Gradient
from ..machine.kernel import draw_unit
from ..music.blues import MELODY_PITCHES
from ..music.encoding import CHORDS_AND_MELODY
from ..playing.composing import checked_seed
from . import codes as code
from .events import LONGEST, Event, events, parts, roll_of
from .layers import CHUNK, back_across, squash, weigh
from .rehearsal import stream

_MATRIX = replace(array("units", "sources", finite=True, some=True, dtype=float), axes=())
_KEEPS = array("units", finite=True, some=True, dtype=float)


def _tables(value: object) -> tuple[np.ndarray, ...]:
    """The codes of each feature, a table for each."""
    if not isinstance(value, (tuple, list)) or not value:
        raise Unfit
    try:
        tables = tuple(np.ascontiguousarray(it, dtype=float) for it in value)
    except (TypeError, ValueError):
        raise Unfit from None
    if any(it.ndim != 2 or not it.size or not np.isfinite(it).all() for it in tables):
        raise Unfit
    return tables


CODES = Kind("a table of codes for each feature, shape (alternatives, numbers)", _tables)
"""What `Concert.codes` may be."""


@checked(hidden=_MATRIX, output=_MATRIX, keeps=_KEEPS, codes=CODES)
@dataclass(frozen=True, eq=False)
class Concert:
    """The weights of a network that hears events, and the codes of what they are made of.

    Attributes
    ----------
    hidden : weights into the context units, shape ``(units, width + units + 1)``: from the codes of
        an event, ``width`` numbers in all, from the context before it, and the bias.
    output : weights into the outputs, shape ``(width, units + 1)``: from the context, and the bias.
    keeps : how much of what it held each context unit keeps, from 0 up to 1, shape ``(units,)``.
    codes : for each feature the codes of its alternatives, shape ``(alternatives, numbers)``.

    Raises
    ------
    ValueError : for what does not fit, or a number that is not finite.

    Chapter 15.
    """

    hidden: np.ndarray
    output: np.ndarray
    keeps: np.ndarray
    codes: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        width, units = sum(it.shape[1] for it in self.codes), len(self.keeps)
        for name, wanted in (("hidden", width + units + 1), ("output", units + 1)):
            shape = (units if name == "hidden" else width, wanted)
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name}: expected shape {shape} for {units} numbers in keeps and codes of "
                    f"{width}, got {getattr(self, name).shape}"
                )
        if not ((self.keeps >= 0) & (self.keeps < 1)).all():
            raise ValueError(f"keeps: expected numbers from 0 up to 1, got {self.keeps}")

    def __repr__(self) -> str:
        features = " + ".join(str(len(it)) for it in self.codes)
        return f"Concert({features} alternatives, {len(self.keeps)} context units)"

    @property
    def width(self) -> int:
        """Numbers in the codes of an event, and as many outputs."""
        return len(self.output)

    @property
    def weights(self) -> int:
        """Number of weights, biases included."""
        return self.hidden.size + self.output.size


def _expect_fitting(
    network: Concert,
    before: np.ndarray | None = None,
    context: np.ndarray | None = None,
    event: np.ndarray | None = None,
    piece: np.ndarray | None = None,
    **_: object,
) -> None:
    """See that what is handed in is of this network."""
    for name, values in (("before", before), ("context", context)):
        if values is not None:
            expect_shape(name, values, network.keeps.shape)
    for name, values in (("event", event), ("piece", piece)):
        if values is not None:
            _expect_alternatives(name, values, network.codes)


def _expect_alternatives(name: str, values: np.ndarray, codes: tuple[np.ndarray, ...]) -> None:
    expect_shape(name, values, (*values.shape[:-1], len(codes)))
    most = np.array([len(it) for it in codes])
    if ((values < 0) | (values >= most)).any():
        raise ValueError(f"{name}: expected numbers of alternatives, below {most.tolist()}")


_EVENT, _PIECE = array("features", dtype=int), array("events", "features", dtype=int)


@checked(codes=CODES, keeps=_KEEPS, reach=real(0, 1e6))
def random_network(
    codes: Sequence[np.ndarray],
    keeps: Sequence[float] | np.ndarray,
    rng: np.random.Generator | int,
    reach: float = 0.3,
) -> Concert:
    """Draw a network with all weights uniform in plus or minus ``reach``. Chapter 15."""
    rng = np.random.default_rng(rng)
    width, units = sum(it.shape[1] for it in codes), len(keeps)
    hidden = rng.uniform(-reach, reach, size=(units, width + units + 1))
    output = rng.uniform(-reach, reach, size=(width, units + 1))
    return Concert(hidden, output, np.asarray(keeps, dtype=float), tuple(codes))


# ---- Forward -------------------------------------------------------------------------------------


@checked(event=_EVENT, before=_KEEPS, also=_expect_fitting)
def hear(network: Concert, event: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The context after an event.

    Parameters
    ----------
    event : the number of the alternative of each feature, shape ``(features,)``.
    before : the context before it, shape ``(units,)``; zeros at the beginning.

    Chapter 15.
    """
    heard = np.concatenate([table[it] for table, it in zip(network.codes, event, strict=True)])
    new = np.tanh(network.hidden @ np.concatenate([heard, before, [1.0]]))
    return network.keeps * before + (1 - network.keeps) * new


@checked(context=_KEEPS, also=_expect_fitting)
def tell(network: Concert, context: np.ndarray) -> tuple[np.ndarray, ...]:
    """How likely each alternative of each feature is next: the nearer its code, the likelier.

    Returns
    -------
    For each feature probabilities, shape ``(alternatives,)``. Chapter 15.
    """
    point = network.output @ np.append(context, 1.0)
    told, start = [], 0
    for table in network.codes:
        apart = ((point[start : start + table.shape[1]] - table) ** 2).sum(axis=1)
        likely = np.exp(apart.min() - apart)
        told.append(likely / likely.sum())
        start += table.shape[1]
    return tuple(told)


@checked(piece=_PIECE, also=_expect_fitting)
def contexts(network: Concert, piece: np.ndarray) -> np.ndarray:
    """The context before each event of a piece and after the last, from silence.

    Parameters
    ----------
    piece : numbers of alternatives, int, shape ``(events, features)``.

    Returns
    -------
    Array of shape ``(events + 1, units)``. Chapter 15.
    """
    held = [np.zeros(len(network.keeps))]
    for event in piece:
        held.append(hear(network, event, held[-1]))
    return np.array(held)


@checked(piece=_PIECE, also=_expect_fitting)
def surprise(network: Concert, piece: np.ndarray) -> np.ndarray:
    """Minus the logarithm of what it thought of each event before it came, from silence.

    Returns
    -------
    Nats, shape ``(events, features)``; summed, minus the log-likelihood of the piece. Chapter 15.
    """
    told = [tell(network, it) for it in contexts(network, piece)[:-1]]
    likely = [
        [p[it] for p, it in zip(*both, strict=True)] for both in zip(told, piece, strict=True)
    ]
    return -np.log(np.array(likely).reshape(piece.shape))


@checked(piece=_PIECE, also=_expect_fitting)
def gradient(network: Concert, piece: np.ndarray) -> Gradient:
    """The derivative of a piece's summed surprise with respect to every weight, by BPTT.

    Parameters
    ----------
    piece : as for `contexts`. The network begins from silence.

    Chapter 15.
    """
    held = contexts(network, piece)
    units, keeps = len(network.keeps), network.keeps
    hidden, output = np.zeros_like(network.hidden), np.zeros_like(network.output)
    onto = np.zeros(units)  # the derivative with respect to the context
    for now in range(len(piece) - 1, -1, -1):
        both = zip(tell(network, held[now]), network.codes, piece[now], strict=True)
        off = np.concatenate([2 * (p @ table - table[it]) for p, table, it in both])
        output += np.outer(off, np.append(held[now], 1.0))
        onto += off @ network.output[:, :-1]
        if now:
            both = zip(network.codes, piece[now - 1], strict=True)
            heard = np.concatenate([table[it] for table, it in both])
            sources = np.concatenate([heard, held[now - 1], [1.0]])
            new = np.tanh(network.hidden @ sources)
            net = onto * (1 - keeps) * (1 - new**2)
            hidden += np.outer(net, sources)
            onto = keeps * onto + net @ network.hidden[:, network.width : -1]
    return Gradient(hidden, output)


@checked(given=_PIECE, events=whole(1, limits.RUN))
def compose(
    network: Concert, given: np.ndarray, events: int, rng: np.random.Generator | int
) -> np.ndarray:
    """Go on with a piece: each event is drawn feature by feature, as likely as it is told.

    Parameters
    ----------
    given : the beginning, int, shape ``(events, features)``; of no event, to begin from silence.
    events : how many to draw.

    Returns
    -------
    The beginning and what was drawn, int, shape ``(given + events, features)``. Chapter 15.
    """
    _expect_alternatives("given", given, network.codes)
    rng = np.random.default_rng(rng)
    context, played = contexts(network, given)[-1], [*given]
    for _ in range(events):
        told = tell(network, context)
        played.append(np.array([rng.choice(len(p), p=p) for p in told]))
        context = hear(network, played[-1], context)
    return np.array(played)


# ---- The blues -----------------------------------------------------------------------------------


@checked(chords=array("chords", 12, some=True, dtype=float))
def blues_codes(chords: np.ndarray) -> tuple[np.ndarray, ...]:
    """The codes of pitches, durations and chords of our music, one table each.

    Parameters
    ----------
    chords : zeros and ones, shape ``(chords, 12)``, from C up.

    Chapter 15.
    """
    durations = tuple(range(1, LONGEST + 1))
    return code.of_pitches(MELODY_PITCHES), code.of_durations(durations), code.of_chords(chords)


@checked(chords=array("chords", 12, some=True, dtype=float))
@dataclass(frozen=True, eq=False)
class Improviser:
    """A network that plays our music: a `composing.Composer`.

    Attributes
    ----------
    network : of three features, pitch, duration (a bar at the most) and chord.
    chords : what the alternatives of the third are, zeros and ones, shape ``(chords, 12)``.

    Raises
    ------
    ValueError : for a network of other features.

    Chapter 15.
    """

    network: Concert
    chords: np.ndarray

    def __post_init__(self) -> None:
        wanted = [len(MELODY_PITCHES), LONGEST, len(self.chords)]
        found = [len(it) for it in self.network.codes]
        if found != wanted:
            raise ValueError(f"network: expected {wanted} alternatives, got {found}")

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """See `composing.Composer`. A note goes on, or ends and another one comes. Chapter 15."""
        pitch, chord = parts(roll, self.chords)
        predictions = np.zeros((len(pitch), CHORDS_AND_MELODY.units))
        _follow(*_packed(self.network), pitch, chord, self.chords, predictions)
        return predictions

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """See `composing.Composer`. The note that sounds last may last longer. Chapter 15."""
        seed = checked_seed(seed, steps)
        begun = events(seed, self.chords)
        given = _numbers(begun)
        played = np.zeros((len(given) + steps, 3), dtype=np.int64)
        draws = np.random.default_rng(rng).random(played.shape)
        lasted = min(begun[-1].duration, LONGEST)
        most = steps - sum(it.duration for it in begun[:-1])
        count = _go_on(*_packed(self.network), given, lasted, most, draws, played)
        drawn = [Event(int(p), int(d) + 1, int(c)) for p, d, c in played[len(given) - 1 : count]]
        roll = roll_of([*begun[:-1], *drawn], self.chords)[:steps]
        roll[: len(seed)] = seed
        return roll


def _numbers(played: Sequence[Event]) -> np.ndarray:
    """Events as numbers of alternatives, shape ``(events, 3)``; none is longer than a bar."""
    rows = [(it.pitch, min(it.duration, LONGEST) - 1, it.chord) for it in played]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


@checked(rolls=array("choruses", "steps", CHORDS_AND_MELODY.units, some=True, dtype=float))
def pieces_of(rolls: np.ndarray, chords: np.ndarray) -> list[np.ndarray]:
    """Choruses as pieces for `train`: numbers of pitch, duration and chord. Chapter 15."""
    return [_numbers(events(roll, chords)) for roll in rolls]


# ---- Compiled ------------------------------------------------------------------------------------
#
# As in `feed_forward`, weights stand in matrices that are turned over. The alternatives of all
# features stand one below the other in one matrix of codes, each in the columns of its feature: the
# rows of feature f are those from rows[f] up to rows[f + 1], its columns from columns[f] on.


def _packed(network: Concert) -> tuple[np.ndarray, ...]:
    """A network as compiled code takes it: into, out, keeps, codes, columns, rows."""
    rows = np.cumsum([0, *(len(it) for it in network.codes)])
    columns = np.cumsum([0, *(it.shape[1] for it in network.codes)])
    codes = np.zeros((rows[-1], columns[-1]))
    for f, table in enumerate(network.codes):
        codes[rows[f] : rows[f + 1], columns[f] : columns[f + 1]] = table
    into, out = np.ascontiguousarray(network.hidden.T), np.ascontiguousarray(network.output.T)
    return into, out, network.keeps, codes, columns, rows


@njit(cache=True, error_model="numpy", nogil=True)
def _hear(into, keeps, codes, columns, rows, event, x, squashed, before, after):  # type: ignore[no-untyped-def]
    """Hear an event: x becomes its codes, then the tanh of net inputs, then the context after."""
    units = keeps.size
    for f in range(columns.size - 1):
        for n in range(columns[f], columns[f + 1]):
            x[n] = codes[rows[f] + event[f], n]
    weigh(into, 0, units, x, before, squashed)
    squash(squashed, units, 2.0)
    for i in range(units):
        squashed[i] = 2.0 * squashed[i] - 1.0  # tanh(z) = 2 logistic(2 z) - 1
    for i in range(units):
        after[i] = keeps[i] * before[i] + (1.0 - keeps[i]) * squashed[i]


@njit(cache=True, error_model="numpy", nogil=True)
def _tell(out, codes, columns, rows, context, point, p):  # type: ignore[no-untyped-def]
    """Say what may come: ``point`` becomes the outputs, p the probability of each alternative."""
    weigh(out, 0, point.size, context[:0], context, point)
    for f in range(columns.size - 1):
        nearest = -np.inf
        for r in range(rows[f], rows[f + 1]):
            p[r] = 0.0
            for n in range(columns[f], columns[f + 1]):
                p[r] -= (point[n] - codes[r, n]) * (point[n] - codes[r, n])
            nearest = max(nearest, p[r])
        for r in range(rows[f], rows[f + 1]):
            p[r] -= nearest
        # What is written past the end of a feature is made anew with the next one.
        for r in range(rows[f], rows[f + 1], CHUNK):
            vectors.store(p, r, vectors.exp(vectors.load(p, r, CHUNK)))
        total = 0.0
        for r in range(rows[f], rows[f + 1]):
            total += p[r]
        for r in range(rows[f], rows[f + 1]):
            p[r] /= total


@njit(cache=True, error_model="numpy", nogil=True)
def _off(codes, columns, rows, event, p, delta):  # type: ignore[no-untyped-def]
    """The derivative of an event's surprise with respect to the outputs; returns the surprise."""
    nats = 0.0
    for f in range(columns.size - 1):
        wanted = rows[f] + event[f]
        nats -= np.log(max(p[wanted], 1e-300))
        for n in range(columns[f], columns[f + 1]):
            mean = 0.0
            for r in range(rows[f], rows[f + 1]):
                mean += p[r] * codes[r, n]
            delta[n] = 2.0 * (mean - codes[wanted, n])
    return nats


@njit(cache=True, error_model="numpy", nogil=True)
def _back(into, keeps, x, squashed, before, onto, into_gradient):  # type: ignore[no-untyped-def]
    """Go back through the hearing of an event: ``onto`` becomes what it was one event before."""
    units = keeps.size
    net, heard = np.empty(units), np.zeros(units)
    for i in range(units):
        net[i] = onto[i] * (1.0 - keeps[i]) * (1.0 - squashed[i] * squashed[i])
        onto[i] *= keeps[i]
    back_across(into, net, x, before, into_gradient, heard)
    for j in range(units):
        onto[j] += heard[j]


@njit(cache=True, error_model="numpy", nogil=True)
def _train(weights, memory, carried, pieces, lengths, order, updates, how, packed):  # type: ignore[no-untyped-def]
    """Learn from whole pieces, one update each, by BPTT to the piece's beginning; return nats.

    ``weights`` holds both matrices. ``carried`` is the context at the end of the piece before, and
    stays between calls; ``updates`` counts.
    """
    fresh, rate, clip = how
    keeps, codes, columns, rows = packed
    longest, units, width = pieces.shape[1], keeps.size, codes.shape[1]
    size = (width + units + 1) * units
    into, out = weights[:size].reshape(-1, units), weights[size:].reshape(units + 1, width)
    gradient = np.zeros(weights.size)
    into_gradient = gradient[:size].reshape(-1, units)
    out_gradient = gradient[size:].reshape(units + 1, width)
    x, squashed = np.zeros((longest, width)), np.zeros((longest, units + CHUNK))
    context, delta = np.zeros((longest + 1, units)), np.zeros((longest, width))
    point, p, onto = np.zeros(width), np.zeros(codes.shape[0] + CHUNK), np.zeros(units)
    nats = 0.0
    for number in order:
        piece = pieces[number, : lengths[number]]
        if updates[0] % fresh == 0:
            carried[:] = 0.0
        context[0] = carried
        for t in range(len(piece)):
            _tell(out, codes, columns, rows, context[t], point, p)
            nats += _off(codes, columns, rows, piece[t], p, delta[t])
            after = context[t + 1]
            _hear(into, keeps, codes, columns, rows, piece[t], x[t], squashed[t], context[t], after)
        carried[:] = context[len(piece)]
        gradient[:] = 0.0
        onto[:] = 0.0
        for t in range(len(piece) - 1, -1, -1):
            back_across(out, delta[t], onto[:0], context[t], out_gradient, onto)
            if t > 0:
                _back(into, keeps, x[t - 1], squashed[t - 1], context[t - 1], onto, into_gradient)
        clip_norm(gradient, clip)
        adam_update(weights, memory[0], memory[1], gradient, rate, updates[0])
        updates[0] += 1
    return nats


@njit(cache=True, error_model="numpy", nogil=True)
def _follow(into, out, keeps, codes, columns, rows, pitch, chord, chords, predictions):  # type: ignore[no-untyped-def]
    """At each step of a roll that is given, say how likely each unit is to be on at the next."""
    units, width, notes = keeps.size, codes.shape[1], chords.shape[1]
    durations = rows[2] - rows[1]
    context, after = np.zeros(units), np.zeros(units)
    x, squashed, point = np.zeros(width), np.zeros(units + CHUNK), np.zeros(width)
    told, p = np.zeros(codes.shape[0] + CHUNK), np.zeros(codes.shape[0] + CHUNK)
    event = np.zeros(3, dtype=np.int64)
    lasted = 0
    _tell(out, codes, columns, rows, context, point, told)
    for t in range(pitch.size):
        if t > 0 and (pitch[t] != pitch[t - 1] or chord[t] != chord[t - 1]):
            context[:] = after
            told[:] = p
            lasted = 0
        lasted = min(lasted + 1, durations)
        event[0], event[1], event[2] = pitch[t], lasted - 1, chord[t]
        _hear(into, keeps, codes, columns, rows, event, x, squashed, context, after)
        _tell(out, codes, columns, rows, after, point, p)
        left = 0.0
        for k in range(lasted - 1, durations):
            left += told[rows[1] + k]
        ends = 1.0 if left == 0.0 else told[rows[1] + lasted - 1] / left
        row = predictions[t]
        for n in range(notes):
            row[n] = (1.0 - ends) * chords[chord[t], n]
            for c in range(chords.shape[0]):
                row[n] += ends * p[rows[2] + c] * chords[c, n]
        for k in range(rows[1]):
            row[notes + k] = ends * p[k]
        row[notes + pitch[t]] += 1.0 - ends


@njit(cache=True, error_model="numpy", nogil=True)
def _go_on(into, out, keeps, codes, columns, rows, given, lasted, most, draws, played):  # type: ignore[no-untyped-def]
    """Hear some events, of which the last has lasted some steps so far; then draw one by one.

    ``most`` steps in all from the beginning of the last one; returns how many events that made.
    """
    units, width = keeps.size, codes.shape[1]
    context, after = np.zeros(units), np.zeros(units)
    x, squashed, point = np.zeros(width), np.zeros(units + CHUNK), np.zeros(width)
    p = np.zeros(codes.shape[0] + CHUNK)
    steps, t = 0, 0
    while t < len(given) or steps < most:
        _tell(out, codes, columns, rows, context, point, p)
        if t < len(given):
            played[t] = given[t]
        else:
            for f in range(3):
                played[t, f] = draw_unit(p[rows[f] : rows[f + 1]], draws[t, f], 1.0)
        if t == len(given) - 1:
            # It has begun: how long it lasts in all is drawn of what is still possible.
            p[rows[1] : rows[1] + lasted - 1] = 0.0
            longer = draw_unit(p[rows[1] : rows[2]], draws[t, 1], 1.0)
            played[t, 1] = lasted - 1 if longer < 0 else longer
        if t >= len(given) - 1:
            steps += played[t, 1] + 1
        _hear(into, keeps, codes, columns, rows, played[t], x, squashed, context, after)
        context[:] = after
        t += 1
    return t


# ---- Training ------------------------------------------------------------------------------------

KEEPS = (0.0,) * 12 + (0.5,) * 6 + (0.8,) * 6
"""Of 24 context units: half of them are made anew at each event, the others change slowly."""


@checked(
    keeps=several(real(0, below=1), some=True),
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
    """How to train CONCERT: everything the outcome depends on but the music and its codes.

    Attributes
    ----------
    keeps : of each context unit, see `Concert`. reach : weights begin uniform in plus or minus
        this. seed : of them, and of the order of the pieces.
    learning_rate : of Adam, with the constants `bptt.ADAM`; one update after each piece. It falls
        as `rehearsal.stream` says.
    clip : the largest norm of a gradient; longer ones are shortened to it.
    fresh : each piece of this number begins after silence; 1 if every one does.
    max_steps : pieces to learn from. test_every : pieces between two looks at the error.

    Raises
    ------
    ValueError : for a number out of its range.

    Chapter 15.
    """

    keeps: tuple[float, ...] = KEEPS
    reach: float = 0.3
    seed: int = 0
    learning_rate: float = 3e-3
    clip: float = 1.0
    fresh: int = 1
    max_steps: int = 10_000
    test_every: int = 1_000


@checked(codes=CODES, pieces=several(_PIECE, some=True))
def train(
    method: Method, codes: Sequence[np.ndarray], pieces: Sequence[np.ndarray]
) -> tuple[Concert, np.ndarray]:
    """Train on pieces in random order, to the last.

    Parameters
    ----------
    method : how. codes : of each feature, see `Concert`.
    pieces : numbers of alternatives, int, shape ``(events, features)`` each.

    Returns
    -------
    The network, and the surprise of each ``method.test_every`` pieces in nats a piece.

    Raises
    ------
    ValueError : for other pieces.
    Diverged : if a weight is not finite any more; it has the last network that was.

    Chapter 15.
    """
    for piece in pieces:
        _expect_alternatives("pieces", piece, codes)
    lengths = np.array([len(it) for it in pieces])
    padded = np.zeros((len(pieces), lengths.max(), len(codes)), dtype=np.int64)
    for row, piece in zip(padded, pieces, strict=True):
        row[: len(piece)] = piece
    rng = np.random.default_rng(method.seed)
    start = random_network(codes, np.array(method.keeps), rng, method.reach)
    weights = np.concatenate([start.hidden.T.ravel(), start.output.T.ravel()])
    units, size, updates = len(method.keeps), start.hidden.size, np.zeros(1, dtype=np.int64)
    memory, carried = np.zeros((2, weights.size)), np.zeros(units)
    packed = _packed(start)[2:]

    def network() -> Concert:
        hidden, output = weights[:size].reshape(-1, units), weights[size:].reshape(units + 1, -1)
        return Concert(hidden.T.copy(), output.T.copy(), start.keeps, start.codes)

    def learn(order: np.ndarray, share: float) -> float:
        how = (method.fresh, float(share * method.learning_rate), float(method.clip))
        given = (weights, memory, carried, padded, lengths, order[:-1], updates)
        return _train(*given, how, packed)

    # To `stream` a piece is one step long.
    return stream(method, np.zeros((len(pieces), 1, 1)), weights, network, learn, rng)
