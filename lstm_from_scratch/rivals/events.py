"""Notes instead of steps: a roll as a row of events, each a pitch, a duration and a chord.

CONCERT takes a note of any length in one step. A roll can be read in the same way: as long as
neither note nor chord changes it is one event. Where the chord changes under a note that is held,
that is two events. A note that is played again can't be told from one that is held, as in any roll.

Chapter 15 (Older composers).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..arguments import array, checked
from ..music.encoding import CHORDS_AND_MELODY

LONGEST = 8
"""Steps of the longest event: a bar."""


class Event(NamedTuple):
    """What sounds until something changes.

    pitch : number of the melody note, 0 the lowest of the encoding. duration : in steps. chord :
    number of the chord in a list of chords.
    """

    pitch: int
    duration: int
    chord: int


@checked(rolls=array("choruses", "steps", CHORDS_AND_MELODY.units, some=True, dtype=float))
def chords_in(rolls: np.ndarray) -> np.ndarray:
    """The different chords of some choruses: zeros and ones, shape ``(chords, 12)``. Chapter 15."""
    chords = rolls[:, :, CHORDS_AND_MELODY.chord_units]
    return np.unique(chords.reshape(-1, chords.shape[2]), axis=0)


@checked(roll=array("steps", "units", dtype=float), chords=array("chords", 12, dtype=float))
def events(roll: np.ndarray, chords: np.ndarray) -> tuple[Event, ...]:
    """Read a roll as events; a chord that is not in the list is taken for the one nearest to it.

    Raises
    ------
    ValueError : for a roll that is not of `CHORDS_AND_MELODY`, or has a step without a note.

    Chapter 15.
    """
    pitch, chord = parts(roll, chords)
    starts = np.flatnonzero(np.diff(pitch, prepend=-1) | np.diff(chord, prepend=-1))
    lengths = np.diff(np.append(starts, len(pitch)))
    return tuple(
        Event(int(pitch[start]), int(length), int(chord[start]))
        for start, length in zip(starts, lengths, strict=True)
    )


@checked(roll=array("steps", "units", dtype=float), chords=array("chords", 12, dtype=float))
def parts(roll: np.ndarray, chords: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of the pitch and of the chord at each step, int, shape ``(steps,)`` each.

    Errors as of `events`. Chapter 15.
    """
    roll = CHORDS_AND_MELODY.check(roll)
    melody = roll[:, CHORDS_AND_MELODY.melody_units]
    if (melody.sum(axis=1) != 1).any():
        step = int(np.flatnonzero(melody.sum(axis=1) != 1)[0])
        raise ValueError(f"roll: expected one melody note at each step, got none or more at {step}")
    apart = np.abs(roll[:, None, CHORDS_AND_MELODY.chord_units] - chords).sum(axis=2)
    return melody.argmax(axis=1), apart.argmin(axis=1)


@checked(chords=array("chords", 12, dtype=float))
def roll_of(played: Sequence[Event], chords: np.ndarray) -> np.ndarray:
    """The roll of some events, shape ``(steps, 25)``. Chapter 15."""
    rows = np.zeros((len(played), CHORDS_AND_MELODY.units))
    for row, event in zip(rows, played, strict=True):
        row[CHORDS_AND_MELODY.chord_units] = chords[event.chord]
        row[CHORDS_AND_MELODY.melody_units.start + event.pitch] = 1.0
    return np.repeat(rows, [event.duration for event in played], axis=0)
