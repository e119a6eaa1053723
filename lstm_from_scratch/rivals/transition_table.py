"""A transition table: the next step depends on the last few and nothing else (Mozer's baseline).

Counted from the training set, one step an eighth note, as the network hears it: of melodies alone,
or of all that sounds, chords and melody.

Chapter 8 (Experiment 2) hears it, chapter 10 (Is it any good?) measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import limits
from ..arguments import array, checked, whole
from ..arrays import regular
from ..music.encoding import CHORDS_AND_MELODY
from ..playing.composing import checked_seed

SILENCE = -1
"""Stands in a context for each step before a piece began."""

STRANGE = -2
"""Stands in a context for a step that is none of the table's."""


@checked(order=whole(1), steps=array(some=True))
@dataclass(frozen=True, eq=False)
class TransitionTable:
    """How often each step followed each context; with vectors for steps, a `composing.Composer`.

    Attributes
    ----------
    steps : the different steps that occur, in rising order: pitches, int, shape ``(different,)``,
        or vectors of zeros and ones, shape ``(different, units)``.
    order : how many steps of the past the next one depends on.
    counts : how often each step came after each context, float64, shape ``(different,)``. A context
        is a tuple of numbers of steps, the oldest first: ``order`` of them or fewer; and `SILENCE`
        for the missing ones of the first ``order - 1`` steps of a piece.
    """

    steps: np.ndarray
    order: int
    counts: dict[tuple[int, ...], np.ndarray]

    def __repr__(self) -> str:
        contexts = sum(len(context) == self.order for context in self.counts)
        return (
            f"TransitionTable(order {self.order}, {len(self.steps)} steps, {contexts:,} contexts)"
        )

    def following(self, context: Sequence[int]) -> np.ndarray:
        """How often each step came after a context, or after the longest end of it that was seen.

        The shortest end is the empty one: how often each step occurs. Shape ``(different,)``.
        """
        context = tuple(context)
        if () not in self.counts:
            raise ValueError("counts: expected one of each step, for the empty context, got none")
        while context not in self.counts:
            context = context[1:]
        return self.counts[context]

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """See `composing.Composer`."""
        numbers = self._numbers(CHORDS_AND_MELODY.check(roll))
        return self._expected(numbers)

    def _expected(self, numbers: np.ndarray) -> np.ndarray:
        """The mean of the steps that may follow each of some numbered ones, by those before it."""
        padded = np.concatenate([np.full(self.order - 1, SILENCE), numbers])
        contexts = np.lib.stride_tricks.sliding_window_view(padded, self.order)
        first, place, _ = _different(contexts)
        counts = np.array([self.following(context) for context in contexts[first].tolist()])
        return ((counts / counts.sum(axis=1, keepdims=True)) @ self.steps)[place]

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """See `composing.Composer`: chords and note of a step are drawn together."""
        seed = checked_seed(seed, steps)
        past = _past(self, self._numbers(seed))
        drawn = _drawn(self, past, np.random.default_rng(rng).random(steps - len(seed)))
        return np.concatenate([seed, self.steps[drawn]])

    def _numbers(self, roll: np.ndarray) -> np.ndarray:
        """Which of the steps each row of a roll is, or `STRANGE`: int, shape ``(steps,)``."""
        if self.steps.ndim != 2 or self.steps.shape[1] != roll.shape[1]:
            raise ValueError(
                f"a table of steps of shape {self.steps.shape[1:]} can't hear a roll of "
                f"{roll.shape[1]} units"
            )
        if not len(roll):
            raise ValueError(f"roll: expected at least one step, got shape {roll.shape}")
        number_of = {step.tobytes(): number for number, step in enumerate(self.steps)}
        return np.array([number_of.get(row.tobytes(), STRANGE) for row in roll])


@checked
@dataclass(frozen=True, eq=False)
class TwoTables:
    """Two tables wired as the voices of Experiment 2: a `composing.Composer`.

    One looks at the chords alone and says the next chord. The other looks at chords and melody and
    says the next note; of the chord that it would play nothing is asked. So what the melody does
    can't reach the chords, as in the network (section 4.1). Chapter 10.

    Attributes
    ----------
    chords : of rolls of the chord units. melody : of rolls of all units.
    """

    chords: TransitionTable
    melody: TransitionTable

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """See `composing.Composer`."""
        roll = CHORDS_AND_MELODY.check(roll)
        chords = self.chords._numbers(roll[:, CHORDS_AND_MELODY.chord_units])
        predicted = self.melody._expected(self.melody._numbers(roll))
        predicted[:, CHORDS_AND_MELODY.chord_units] = self.chords._expected(chords)
        return predicted

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """See `composing.Composer`: the chords are drawn first, then the notes over them."""
        seed = checked_seed(seed, steps)
        units, draws = (
            CHORDS_AND_MELODY.chord_units,
            np.random.default_rng(rng).random((2, steps - len(seed))),
        )
        chords, melody = self.chords, self.melody
        past = _past(chords, chords._numbers(seed[:, units]))
        played = chords.steps[_drawn(chords, past, draws[0])]
        number_of = {step.tobytes(): number for number, step in enumerate(melody.steps)}
        past, heaped = _past(melody, melody._numbers(seed)), {}
        rows = np.zeros((len(played), seed.shape[1]))
        rows[:, units] = played
        for row, draw in zip(rows, draws[1], strict=True):
            number = _draw(melody, tuple(past), draw, heaped)
            notes = CHORDS_AND_MELODY.melody_units
            row[notes] = melody.steps[number, notes]
            past = [*past[1:], number_of.get(row.tobytes(), STRANGE)]
        return np.concatenate([seed, rows])


@checked(chords=whole(1), melody=whole(1))
def fit_two(music: np.ndarray, chords: int, melody: int) -> TwoTables:
    """Count a table of the chords alone and one of all that sounds, each with its own order.

    Parameters and errors as of `fit`, for rolls of `CHORDS_AND_MELODY`. Chapter 10.
    """
    music = regular(music, "rolls of shape (choruses, steps, 25)", None)
    if music.ndim != 3 or music.shape[2] != CHORDS_AND_MELODY.units:
        raise ValueError(
            f"expected rolls of shape (choruses, steps, {CHORDS_AND_MELODY.units}), "
            f"got {music.shape}"
        )
    return TwoTables(fit(music[:, :, CHORDS_AND_MELODY.chord_units], chords), fit(music, melody))


@checked(order=whole(1))
def fit(music: np.ndarray, order: int = 1) -> TransitionTable:
    """Count the transitions of choruses; each is a round, its end leads to its beginning.

    Parameters
    ----------
    music : the pitch at each step, int, shape ``(choruses, steps)``; or rolls, zeros and ones,
        shape ``(choruses, steps, units)``.
    order : how many steps of the past to look at.

    Raises
    ------
    ValueError : for an order below 1 or of a chorus and more, or what is no music.

    Chapters 8 and 10.
    """
    music = regular(music, "choruses of one length", None)
    lines = music.ndim == 2 and np.issubdtype(music.dtype, np.integer)
    if not music.size or not (lines or (music.ndim == 3 and np.isin(music, (0, 1)).all())):
        raise ValueError(
            "expected pitches, whole numbers of shape (choruses, steps), or rolls of zeros and "
            f"ones, shape (choruses, steps, units): got {music.dtype}, shape {music.shape}"
        )
    if not 1 <= order < music.shape[1]:
        raise ValueError(f"order must be 1 to {music.shape[1] - 1}, got {order}")
    if lines:
        steps, numbers = np.unique(music, return_inverse=True)
    else:
        rows = music.reshape(-1, music.shape[2]).astype(float)
        steps, numbers = np.unique(rows, axis=0, return_inverse=True)
    numbers = numbers.reshape(music.shape[:2])
    counts: dict[tuple[int, ...], np.ndarray] = {}
    for length in range(order + 1):
        ages = [np.roll(numbers, age, axis=1) for age in range(length, -1, -1)]
        _count(np.stack(ages, axis=-1).reshape(-1, length + 1), counts, len(steps))
    for known in range(1, order):
        silence = np.full((len(numbers), order - known), SILENCE)
        _count(np.concatenate([silence, numbers[:, : known + 1]], axis=1), counts, len(steps))
    return TransitionTable(steps, order, counts)


def _count(
    sequences: np.ndarray, counts: dict[tuple[int, ...], np.ndarray], different: int
) -> None:
    """Add how often the last element of each row came after the others."""
    first, _, times = _different(sequences)
    for (*context, following), count in zip(sequences[first].tolist(), times, strict=True):
        counts.setdefault(tuple(context), np.zeros(different))[following] += count


def _different(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each different row stands first, which of these every row is, how often each occurs.

    As `np.unique` along an axis, column by column: many times as fast for long tables of numbers.
    """
    place, low = np.zeros(len(rows), dtype=int), rows.min()
    for column in rows.T:
        mixed = place * (rows.max() - low + 1) + column - low
        _, first, place, times = np.unique(
            mixed, return_index=True, return_inverse=True, return_counts=True
        )
    return first, place, times


@checked(choruses=whole(1, limits.CHORUSES), steps=whole(1, limits.RUN))
def compose(
    table: TransitionTable, choruses: int, steps: int, rng: np.random.Generator | int
) -> np.ndarray:
    """Draw step after step, each as often as it followed the same context in the training set.

    The first context is any that was counted, as likely as it was frequent.

    Parameters
    ----------
    table : from `fit`.
    choruses, steps : how many choruses of how many steps, without a break.
    rng : the only source of randomness; an int is a seed.

    Returns
    -------
    The pitch at each step, int, shape ``(choruses, steps)``, for a table of melodies; for one of
    rolls, shape ``(choruses, steps, units)``.

    Raises
    ------
    ValueError : for no chorus or no step.

    Chapters 8 and 10.
    """
    limits.expect_steps(f"choruses, {choruses:,} of {steps:,} steps", choruses * steps, limits.RUN)
    contexts = sorted(
        context
        for context in table.counts
        if len(context) == table.order and SILENCE not in context
    )
    times = np.array([table.counts[context].sum() for context in contexts])
    rng = np.random.default_rng(rng)
    past = contexts[rng.choice(len(contexts), p=times / times.sum())]
    drawn = _drawn(table, list(past), rng.random(choruses * steps))
    return table.steps[drawn].reshape(choruses, steps, *table.steps.shape[1:])


def _past(table: TransitionTable, numbers: np.ndarray) -> list[int]:
    """The context after some numbered steps, of which silence went before."""
    return [*[SILENCE] * (table.order - 1), *numbers.tolist()][-table.order :]


def _draw(
    table: TransitionTable, context: tuple[int, ...], draw: float, heaped: dict[tuple, np.ndarray]
) -> int:
    """The number of a step that follows a context; ``heaped`` keeps what was added up before."""
    if context not in heaped:
        heaped[context] = np.cumsum(table.following(context))
    passed = heaped[context]
    return int(np.searchsorted(passed, draw * passed[-1], side="right"))


def _drawn(table: TransitionTable, past: list[int], draws: np.ndarray) -> list[int]:
    """Numbers of the steps that follow a context, one for each uniform random number."""
    heaped: dict[tuple, np.ndarray] = {}
    drawn = []
    for draw in draws:
        drawn.append(_draw(table, tuple(past), draw, heaped))
        past = [*past[1:], drawn[-1]]
    return drawn
