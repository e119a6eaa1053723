"""From notes to vectors and back: one unit a pitch, one step an eighth note (section 2.2).

A roll is an array of shape ``(steps, units)`` that holds 1.0 where a note sounds and 0.0 where it
does not. The units are the chord notes from low to high, then the melody notes from low to high.
Chords get no special treatment: they are several units on at once.

Where nothing sounds, no unit is on. A voice that draws one note at each step can't play that; an
encoding with a ``rest`` has one more unit, the last, which is on where the melody is silent.

Chapter 2 (Notes as numbers) builds this module up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .. import limits
from ..arguments import array, checked, several, whole
from ..arrays import regular
from .blues import CHORD_PITCHES, MELODY_PITCHES, Form, Note, check_notes, chord_notes


@checked(chords=several(whole(0, 127)), melody=several(whole(0, 127)))
@dataclass(frozen=True)
class Encoding:
    """Which pitch belongs to which unit.

    Attributes
    ----------
    chords : pitches of the chord units, MIDI note numbers.
    melody : pitches of the melody units; ``()`` for the chords alone, as in Experiment 1.
    rest : whether a last unit is on where no melody unit is. Then one of them is on at each step.

    Raises
    ------
    ValueError : if there is no unit at all, a pitch has two, or there is a rest without a melody.
    """

    chords: tuple[int, ...] = CHORD_PITCHES
    melody: tuple[int, ...] = MELODY_PITCHES
    rest: bool = False

    def __repr__(self) -> str:
        rest = ", rest=True" if self.rest else ""
        return f"Encoding(chords={self.chords}, melody={self.melody}{rest})"

    def __post_init__(self) -> None:
        if not self.pitches:
            raise ValueError("an encoding needs at least one pitch")
        if self.rest and not self.melody:
            raise ValueError("rest: expected False where there is no melody, got True")
        if len(set(self.pitches)) != len(self.pitches):
            raise ValueError(f"each pitch needs a unit of its own, got {self.pitches}")

    @property
    def pitches(self) -> tuple[int, ...]:
        """The pitch of each unit that has one."""
        return self.chords + self.melody

    @property
    def units(self) -> int:
        """Units in a vector: 25 with melody, 12 without."""
        return len(self.pitches) + self.rest

    @property
    def chord_units(self) -> slice:
        """Where the chord notes stand in a vector."""
        return slice(0, len(self.chords))

    @property
    def melody_units(self) -> slice:
        """Where the melody notes stand in a vector, and after them the rest if there is one."""
        return slice(len(self.chords), self.units)

    @checked(steps=whole(1, limits.RUN))
    def encode(self, notes: Iterable[Note], steps: int) -> np.ndarray:
        """Write notes into a roll of shape ``(steps, units)``, float64, zeros and ones. Chapter 2.

        Raises
        ------
        ValueError : for a pitch that has no unit, an onset before 0, a duration below one step, a
            note that rings past the end, or two notes of one pitch that overlap.
        """
        if steps < 1:
            raise ValueError(f"a roll needs at least one step, got {steps}")
        unit_of = {pitch: unit for unit, pitch in enumerate(self.pitches)}
        roll = np.zeros((steps, self.units))
        for note in check_notes(notes):
            pitch, onset, duration = note
            if pitch not in unit_of:
                low, high = min(self.pitches), max(self.pitches)
                raise ValueError(f"{note}: pitch {pitch} has no unit (they are {low} to {high})")
            if onset + duration > steps:
                raise ValueError(f"{note}: ends at step {onset + duration}, the roll has {steps}")
            span = roll[onset : onset + duration, unit_of[pitch]]
            if span.any():
                raise ValueError(f"{note}: overlaps another note of the same pitch")
            span[:] = 1.0
        if self.rest:
            roll[:, -1] = ~roll[:, self.melody_units].any(axis=1)
        return roll

    @checked(roll=array("steps", "units"))
    def decode(self, roll: np.ndarray) -> tuple[Note, ...]:
        """Read the notes of a roll, in order of onset and pitch. Chapter 2.

        A unit that stays on is one long note: the representation can't tell four quarter notes of
        one pitch from a whole note (section 2.2), so a repeated note comes back as a held one.
        ``encode(decode(roll))`` is always ``roll``.

        Raises
        ------
        ValueError : if the roll does not have ``units`` columns or holds anything but 0 and 1.
        """
        roll = self.check(roll)
        padded = np.zeros((len(roll) + 2, self.units))
        padded[1:-1] = roll
        change = np.diff(padded, axis=0)
        notes = []
        for unit, pitch in enumerate(self.pitches):
            starts, ends = np.flatnonzero(change[:, unit] > 0), np.flatnonzero(change[:, unit] < 0)
            notes += [Note(pitch, int(a), int(b - a)) for a, b in zip(starts, ends, strict=True)]
        return tuple(sorted(notes, key=lambda note: (note.onset, note.pitch)))

    @checked(roll=array("steps", "units"))
    def voices(self, roll: np.ndarray) -> dict[str, tuple[Note, ...]]:
        """As `decode`, with the notes of ``"chords"`` and ``"melody"`` apart, as the units are.

        A voice without a note is left out. Chapter 2.
        """
        notes, below = self.decode(roll), set(self.chords)
        parts = {
            "chords": tuple(note for note in notes if note.pitch in below),
            "melody": tuple(note for note in notes if note.pitch not in below),
        }
        return {name: part for name, part in parts.items() if part}

    @checked(roll=array("steps", "units"))
    def check(self, roll: np.ndarray) -> np.ndarray:
        """Return the roll as float64 if it is one of this encoding.

        Raises
        ------
        ValueError : if it is not of shape ``(steps, units)`` or holds anything but 0 and 1.
        """
        roll = regular(roll, f"a roll of shape (steps, {self.units})")
        if roll.ndim != 2 or roll.shape[1] != self.units:
            raise ValueError(f"expected a roll of shape (steps, {self.units}), got {roll.shape}")
        if not np.isin(roll, (0.0, 1.0)).all():
            raise ValueError(f"a roll holds 0.0 and 1.0 only, got {_other(roll)}")
        return roll

    @checked
    def form_roll(self, form: Form) -> np.ndarray:
        """The chords of one chorus as a roll of shape ``(form.steps, units)``, melody silent."""
        return self.encode(chord_notes(form), form.steps)


def _other(roll: np.ndarray) -> float:
    """The first number of a roll that is neither 0 nor 1."""
    return float(roll[~np.isin(roll, (0.0, 1.0))][0])


CHORDS_ONLY = Encoding(melody=())
"""Experiment 1 sees these 12 units."""

CHORDS_AND_MELODY = Encoding()
"""Experiment 2 sees these 25 units."""
