"""Where notes end and where they begin: two encodings that tell a repeated note from a held one.

In the rolls of `encoding` four quarter notes of one pitch look like a whole note. The paper names
two ways out and takes neither (section 2.2). Both are here, for chords and melody alike:

* `Ends`: steps are finer, and the last step of every note is a zero;
* `Begins`: more units are on where a note begins, as in Todd (1989): one for each pitch, or one for
  each voice.

A grid is a number of equal steps a whole note: 8 are the paper's eighth notes, 16 sixteenths.
Notes are counted in steps of a grid, so `regrid` moves them from one to another.

Chapter 13 (Finer time) builds this module up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from .. import limits
from ..arguments import array, checked, either, none, whole
from .blues import Note, check_notes
from .encoding import CHORDS_AND_MELODY, Encoding

_GRID = whole(1, limits.PAGE)
_OWN = either(_GRID, none())
_STEPS = whole(1, limits.RUN)

LEAST = 2
"""Steps of a note in `Ends`: one at least to sound, and one for its end."""


# ---- From grid to grid ---------------------------------------------------------------------------


@checked(grid=_GRID, onto=_GRID)
def regrid(notes: Iterable[Note], grid: int, onto: int) -> tuple[Note, ...]:
    """Write notes of one grid in the steps of another. Nothing is moved in time. Chapter 13.

    Parameters
    ----------
    notes : in steps of ``grid``.
    grid, onto : steps a whole note, before and after.

    Raises
    ------
    ValueError : for a note that begins or ends between two steps of the new grid; it says which
        note, which grid, and the nearest grid that would hold every note.
    """
    notes = check_notes(notes)
    moved = []
    for note in notes:
        times = (note.onset, note.onset + note.duration)
        start, stop = (Fraction(time * onto, grid) for time in times)
        for what, at in (("begins", start), ("ends", stop)):
            if at.denominator > 1:
                raise ValueError(
                    f"{note}, in steps of 1/{grid}: does not go onto a grid of 1/{onto}, where it "
                    f"{what} at step {at}; the nearest grid that holds every note has steps of "
                    f"1/{nearest_grid(notes, grid, onto)}"
                )
        moved.append(Note(note.pitch, int(start), int(stop - start)))
    return tuple(moved)


@checked(grid=_GRID, wanted=_GRID, least=whole(1, limits.PAGE))
def nearest_grid(notes: Sequence[Note], grid: int, wanted: int, least: int = 1) -> int:
    """The grid nearest to a wanted one that holds every note exactly. Chapter 13.

    Parameters
    ----------
    notes : in steps of ``grid``; of two grids that are as near, the finer one is taken.
    grid, wanted : steps a whole note.
    least : how many steps the shortest note must have.
    """
    notes = check_notes(notes)
    times = [time for note in notes for time in (note.onset, note.onset + note.duration)]
    coarsest = math.lcm(*(Fraction(time, grid).denominator for time in times))
    shortest = min((note.duration for note in notes), default=grid)
    enough = math.ceil(Fraction(least * grid, shortest * coarsest))
    return coarsest * max(enough, math.floor(Fraction(wanted, coarsest) + Fraction(1, 2)))


# ---- First way out: ends -------------------------------------------------------------------------


@checked(grid=_GRID, shortest=_GRID)
@dataclass(frozen=True)
class Ends:
    """Every note ends with a zero: a note of n steps is on for n - 1 of them.

    No unit is added. The melody is silent at the end of each note, so a voice that draws one unit a
    step needs an encoding with a rest, which is on there.

    Attributes
    ----------
    encoding : which pitch belongs to which unit.
    grid : steps a whole note of its rolls.
    shortest : the shortest note that it promises to hold, as a part of a whole note: 8 for eighths.

    Raises
    ------
    ValueError : if the shortest note has not two whole steps: one to sound, and one for its end.
    """

    encoding: Encoding = CHORDS_AND_MELODY
    grid: int = 16
    shortest: int = 8

    def __post_init__(self) -> None:
        if self.grid < LEAST * self.shortest or self.grid % self.shortest:
            raise ValueError(
                f"grid, shortest: notes of 1/{self.shortest} that end with a zero need steps of "
                f"1/{LEAST * self.shortest}, or of a third, a quarter of such a note and so on, "
                f"got a grid of 1/{self.grid}"
            )

    @property
    def units(self) -> int:
        """Units in a vector: those of the encoding."""
        return self.encoding.units

    @checked(steps=_STEPS, grid=_OWN)
    def encode(self, notes: Iterable[Note], steps: int, grid: int | None = None) -> np.ndarray:
        """Write notes into a roll of shape ``(steps, units)``. Section 2.2; chapter 13.

        Parameters
        ----------
        notes : in steps of ``grid``, by default those of the roll.
        steps : of the roll.

        Raises
        ------
        ValueError : as `regrid` and `Encoding.encode`; for a note of one step, whose end would
            leave nothing of it.
        """
        notes = regrid(notes, self.grid if grid is None else grid, self.grid)
        self.encoding.encode(notes, steps)
        for note in notes:
            if note.duration < LEAST:
                raise ValueError(
                    f"{note}, in steps of 1/{self.grid}: lasts one step, and its end takes that; "
                    "the nearest grid that holds every note and its end has steps of "
                    f"1/{nearest_grid(notes, self.grid, self.grid, LEAST)}"
                )
        sounding = [note._replace(duration=note.duration - 1) for note in notes]
        return self.encoding.encode(sounding, steps)

    @checked(roll=array("steps", "units"), grid=_OWN)
    def decode(self, roll: np.ndarray, grid: int | None = None) -> tuple[Note, ...]:
        """Read the notes of a roll, in order of onset and pitch. Chapter 13.

        ``decode(encode(notes, steps))`` is the notes, always, and ``encode(decode(roll), steps)``
        the roll if nothing sounds in its last step. What does sound there was cut off, as in a free
        run that stops; such a note ends with the roll, and only it has no zero.

        Parameters
        ----------
        roll : zeros and ones, shape ``(steps, units)``.
        grid : of the notes' steps, by default that of the roll.

        Raises
        ------
        ValueError : as `Encoding.decode`, and as `regrid` where the grid is another.
        """
        last = len(roll)
        notes = (
            note._replace(duration=min(note.duration + 1, last - note.onset))
            for note in self.encoding.decode(roll)
        )
        return regrid(notes, self.grid, self.grid if grid is None else grid)


# ---- Second way out: beginnings ------------------------------------------------------------------


@checked(grid=_GRID)
@dataclass(frozen=True)
class Begins:
    """More units, on where a note begins. Steps stay as they are.

    The units are those of the chords, the chords' beginnings, those of the melody (and its rest),
    the melody's beginnings.

    Attributes
    ----------
    encoding : which pitch belongs to which unit.
    grid : steps a whole note of its rolls.
    each : what has a unit for its beginnings. ``"pitch"``: every pitch, which holds any music, at
        twice the units. ``"voice"``: the chords together and the melody, as Todd (1989) had one for
        his melodies. It holds chords whose notes begin together: one unit can't tell which of the
        notes that sound has begun.
    """

    encoding: Encoding = CHORDS_AND_MELODY
    grid: int = 8
    each: Literal["pitch", "voice"] = "pitch"

    def _marks(self, pitches: int) -> int:
        return pitches if self.each == "pitch" else min(1, pitches)

    @property
    def chord_units(self) -> slice:
        """Where the chord notes stand in a vector."""
        return self.encoding.chord_units

    @property
    def chord_begins(self) -> slice:
        """Where the beginnings of chord notes stand."""
        start = self.chord_units.stop
        return slice(start, start + self._marks(len(self.encoding.chords)))

    @property
    def melody_units(self) -> slice:
        """Where the melody notes stand, and after them the rest if there is one."""
        start = self.chord_begins.stop
        return slice(start, start + len(self.encoding.melody) + self.encoding.rest)

    @property
    def melody_begins(self) -> slice:
        """Where the beginnings of melody notes stand."""
        start = self.melody_units.stop
        return slice(start, start + self._marks(len(self.encoding.melody)))

    @property
    def units(self) -> int:
        """Units in a vector: 50 with one for each pitch's beginning, 27 with one for each voice."""
        return self.melody_begins.stop

    @checked(steps=_STEPS, grid=_OWN)
    def encode(self, notes: Iterable[Note], steps: int, grid: int | None = None) -> np.ndarray:
        """Write notes into a roll of shape ``(steps, units)``. Section 2.2; chapter 13.

        Parameters
        ----------
        notes : in steps of ``grid``, by default those of the roll.
        steps : of the roll.

        Raises
        ------
        ValueError : as `regrid` and `Encoding.encode`; where a note sounds on while another of its
            voice begins, if one unit marks the beginnings of the voice.
        """
        notes = regrid(notes, self.grid if grid is None else grid, self.grid)
        sounding = self.encoding.encode(notes, steps)
        begins = np.zeros((steps, len(self.encoding.pitches)))
        unit_of = {pitch: unit for unit, pitch in enumerate(self.encoding.pitches)}
        for note in notes:
            begins[note.onset, unit_of[note.pitch]] = 1.0
        chords = len(self.encoding.chords)
        parts = [
            (sounding[:, :chords], begins[:, :chords]),
            (sounding[:, chords:], begins[:, chords:]),
        ]
        if self.each == "voice":
            for voice in (self.encoding.chords, self.encoding.melody):
                _expect_together([note for note in notes if note.pitch in voice])
            parts = [(sounds, marks.any(axis=1)[:, None]) for sounds, marks in parts]
        present = [part for part in parts if part[0].shape[1]]
        return np.concatenate([units for part in present for units in part], axis=1, dtype=float)

    @checked(roll=array("steps", "units"), grid=_OWN)
    def decode(self, roll: np.ndarray, grid: int | None = None) -> tuple[Note, ...]:
        """Read the notes of a roll, in order of onset and pitch. Chapter 13.

        ``decode(encode(notes, steps))`` is the notes, always. In a roll that a network made, a
        unit that goes on begins a note whether it is marked or not, and a mark where nothing
        sounds means nothing.

        Parameters
        ----------
        roll : zeros and ones, shape ``(steps, units)``.
        grid : of the notes' steps, by default that of the roll.

        Raises
        ------
        ValueError : if the roll does not have ``units`` columns or holds anything but 0 and 1, and
            as `regrid` where the grid is another.
        """
        roll, encoding = self._checked(roll), self.encoding
        sounding = np.concatenate([roll[:, self.chord_units], roll[:, self.melody_units]], axis=1)
        sounding = sounding[:, : len(encoding.pitches)] > 0
        marks = np.concatenate(
            [
                np.broadcast_to(roll[:, of], (len(roll), pitches)) if pitches else roll[:, of]
                for of, pitches in (
                    (self.chord_begins, len(encoding.chords)),
                    (self.melody_begins, len(encoding.melody)),
                )
            ],
            axis=1,
        )
        before = np.zeros_like(sounding)
        before[1:] = sounding[:-1]
        begins = sounding & (~before | (marks > 0))
        notes = []
        for unit, pitch in enumerate(encoding.pitches):
            silent = np.flatnonzero(~sounding[:, unit])
            starts = np.flatnonzero(begins[:, unit])
            stops = np.sort(np.concatenate([silent, starts, [len(roll)]]))
            after = stops[np.searchsorted(stops, starts, side="right")]
            notes += [Note(pitch, int(a), int(b - a)) for a, b in zip(starts, after, strict=True)]
        return regrid(notes, self.grid, self.grid if grid is None else grid)

    def _checked(self, roll: np.ndarray) -> np.ndarray:
        if roll.shape[1] != self.units:
            raise ValueError(f"expected a roll of shape (steps, {self.units}), got {roll.shape}")
        strange = roll[~np.isin(roll, (0.0, 1.0))]
        if len(strange):
            raise ValueError(f"a roll holds 0.0 and 1.0 only, got {strange[0]:g}")
        return roll


def _expect_together(notes: Sequence[Note]) -> None:
    """See that no note of a voice sounds on where another one begins."""
    sounding: list[Note] = []
    for note in notes:  # in order of onset
        sounding = [it for it in sounding if it.onset + it.duration > note.onset]
        for other in sounding:
            if other.onset < note.onset:
                raise ValueError(
                    f"{other}: sounds on where {note} begins, and one unit that marks the "
                    "beginnings of their voice can't tell which of them does; expected notes that "
                    "begin together, or each='pitch'"
                )
        sounding.append(note)
