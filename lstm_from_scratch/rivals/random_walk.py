"""A random walk on the scale: what the paper's authors play beside their network (section 4.3).

It knows the notes and nothing else: neither the chords, nor the bar, nor where it is in the form.

Chapter 8 (Experiment 2) hears it, chapter 10 measures it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import limits
from ..arguments import checked, whole
from ..music.blues import TWELVE_BAR, Form
from ..music.encoding import CHORDS_AND_MELODY
from ..playing.composing import checked_seed


def _expect_a_run(choruses: int, form: Form = TWELVE_BAR, **_: object) -> None:
    limits.expect_steps(f"choruses, {choruses:,}", choruses * form.steps, limits.RUN)


@checked(choruses=whole(1, limits.CHORUSES), also=_expect_a_run)
def compose(choruses: int, rng: np.random.Generator | int, form: Form = TWELVE_BAR) -> np.ndarray:
    """Walk over the scale in quarter notes, from each note to the one above or below it.

    The first note is any of the scale, as likely as the others; at either end the walk turns back.
    How the paper's walk moves is not said there: this is a reconstruction.

    Parameters
    ----------
    choruses : how many to play, one after another without a break.
    rng : the only source of randomness; an int is a seed.
    form : gives the scale and the length of a chorus.

    Returns
    -------
    Melody lines, the pitch at each step: int, shape ``(choruses, form.steps)``.

    Raises
    ------
    ValueError : for no chorus, a scale of one note, or a form that does not consist of whole beats
        of two steps.

    Section 4.3; chapters 8 and 10.
    """
    if choruses < 1:
        raise ValueError(f"choruses must be at least 1, got {choruses}")
    _expect_beats_and_scale(form)
    rng = np.random.default_rng(rng)
    start = rng.integers(len(form.scale))
    notes = _wander(start, choruses * form.steps // 2, rng, form)
    return np.repeat(notes, 2).reshape(choruses, form.steps)


@checked
@dataclass(frozen=True)
class Walk:
    """The random walk as a `composing.Composer`. It has no chords of its own: the form lends them.

    form : gives the chords, the scale and the length of a chorus.

    Raises
    ------
    ValueError : for a form over which one can't walk, see `compose`.

    Section 4.3; chapter 10.
    """

    form: Form = TWELVE_BAR

    def __post_init__(self) -> None:
        _expect_beats_and_scale(self.form)

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """See `composing.Composer`. The roll begins with the form."""
        roll = CHORDS_AND_MELODY.check(roll)
        melody, scale = CHORDS_AND_MELODY.melody, self.form.scale
        # What follows each note at the end of a beat: neighbours of a note of the scale; after any
        # other, all notes of the scale.
        follow = np.full((len(melody), len(melody)), np.isin(melody, scale) / len(scale))
        places = [melody.index(pitch) for pitch in scale]
        for place, unit in enumerate(places):
            near = [places[n] for n in (place - 1, place + 1) if 0 <= n < len(places)]
            follow[unit] = 0.0
            follow[unit, near] = 1 / len(near)
        held = roll[:, CHORDS_AND_MELODY.melody_units]
        ends = np.arange(len(roll))[:, None] % 2 == 1
        return np.concatenate([self._lent(len(roll), 1), np.where(ends, held @ follow, held)], 1)

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """See `composing.Composer`. The seed begins with the form."""
        seed = checked_seed(seed, steps)
        rng = np.random.default_rng(rng)
        held = np.flatnonzero(seed[-1, CHORDS_AND_MELODY.melody_units])
        last = CHORDS_AND_MELODY.melody[held[0]] if len(held) else None
        beats = (steps - len(seed)) // 2 + 1
        if last in self.form.scale:
            notes = _wander(self.form.scale.index(last), beats + 1, rng, self.form)[1:]
        else:
            notes = _wander(rng.integers(len(self.form.scale)), beats, rng, self.form)
        line = np.repeat(notes, 2)
        if len(seed) % 2 and last is not None:
            line = np.concatenate([[last], line])  # the beat that has begun
        roll = np.zeros((steps, CHORDS_AND_MELODY.units))
        roll[:, CHORDS_AND_MELODY.chord_units] = self._lent(steps, 0)
        roll[: len(seed)] = seed
        units = len(CHORDS_AND_MELODY.chords) + np.searchsorted(CHORDS_AND_MELODY.melody, line)
        own = np.arange(len(seed), steps)
        roll[own, units[: len(own)]] = 1.0
        return roll

    def _lent(self, steps: int, start: int) -> np.ndarray:
        """Chords of the form, over and over, from a step of it."""
        chords = CHORDS_AND_MELODY.form_roll(self.form)[:, CHORDS_AND_MELODY.chord_units]
        return chords[np.arange(start, start + steps) % self.form.steps]


def _expect_beats_and_scale(form: Form) -> None:
    if form.steps % 2 or len(form.scale) < 2:
        raise ValueError(f"{form.name}: a walk needs whole beats and a scale of at least two notes")


def _wander(start: int, notes: int, rng: np.random.Generator, form: Form) -> np.ndarray:
    """Pitches of a walk that begins with note ``start`` of the scale, shape ``(notes,)``."""
    highest = len(form.scale) - 1
    # Reflection at both ends is a walk on a circle of twice the size, folded.
    way = start + np.cumsum([0, *rng.choice((-1, 1), size=notes - 1)])
    return np.array(form.scale)[np.abs((way + highest) % (2 * highest) - highest)]
