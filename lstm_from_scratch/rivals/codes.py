"""Codes of notes and chords in which what sounds related lies close together.

CONCERT does not see one unit for each pitch. It sees a few numbers that place a note among others:
how high it is, where it stands on the circle of half steps and where on the circle of fifths, after
Shepard; how long it lasts, as a length and as places on circles that turn once in a fraction of a
beat; which chord sounds, as the pitch classes of its notes and of their harmonics, after Laden and
Keefe. What of this is theirs, and what we had to guess, chapter 15 says.

Chapter 15 (Older composers).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import limits
from ..arguments import array, checked, real, several, whole

HARMONICS = 5
"""Of each note of a chord: the fifth is the last that falls on a new pitch class nearby."""

BEAT = 12
"""Parts of a beat in which durations are counted, so that it can be halved, thirded, quartered."""

LENGTH = 3.0
"""How far apart two durations lie that differ by one beat."""

_PITCHES = several(whole(0, 127), some=True)


def _circle(places: np.ndarray, around: int) -> np.ndarray:
    """Points of the unit circle, ``around`` of them all the way, shape ``(places, 2)``."""
    angle = 2 * np.pi * (np.asarray(places) % around) / around
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


@checked(pitches=_PITCHES, middle=real(as_float=True))
def of_pitches(pitches: Sequence[int], middle: float = 66.0) -> np.ndarray:
    """Five numbers a pitch: height, and places on the circles of half steps and of fifths.

    Parameters
    ----------
    pitches : MIDI note numbers. middle : the pitch whose height is 0; an octave is 2 high.

    Returns
    -------
    Array of shape ``(pitches, 5)``: height, two numbers for the place on the circle of half steps,
    two for that on the circle of fifths. Both circles have radius 1. Chapter 15.
    """
    numbers = np.array(pitches)
    height = (numbers[:, None] - middle) / 6
    return np.concatenate([height, _circle(numbers, 12), _circle(7 * numbers, 12)], axis=1)


@checked(durations=several(whole(1, limits.PAGE), some=True), steps_per_beat=whole(1, limits.PAGE))
def of_durations(durations: Sequence[int], steps_per_beat: int = 2) -> np.ndarray:
    """Five numbers a duration: its length, and places on two circles of fractions of a beat.

    One circle turns once in a third of a beat, the other in a quarter; so all durations that are
    whole beats stand at one place of each, and only the length tells them apart.

    Parameters
    ----------
    durations : in steps. steps_per_beat : how many make a beat; a divisor of `BEAT`.

    Returns
    -------
    Array of shape ``(durations, 5)``.

    Raises
    ------
    ValueError : for a step that is not some whole twelfths of a beat.

    Chapter 15.
    """
    if BEAT % steps_per_beat:
        raise ValueError(f"steps_per_beat: expected a divisor of {BEAT}, got {steps_per_beat}")
    parts = np.array(durations) * (BEAT // steps_per_beat)
    length = LENGTH * parts[:, None] / BEAT
    return np.concatenate([length, _circle(parts, BEAT // 3), _circle(parts, BEAT // 4)], axis=1)


@checked(chords=array("chords", "notes", some=True, dtype=float), lowest=whole(0, 127))
def of_chords(chords: np.ndarray, lowest: int = 0) -> np.ndarray:
    """Twelve numbers a chord: how strongly each pitch class sounds in its notes and harmonics.

    The n-th harmonic of a note has n times its frequency; here it is 1/n as strong as the note.

    Parameters
    ----------
    chords : zeros and ones, shape ``(chords, notes)``: which notes are on.
    lowest : the pitch of the first column; each further one is half a step higher.

    Returns
    -------
    Array of shape ``(chords, 12)``, from C up. Chapter 15.
    """
    strength = np.zeros((chords.shape[1], 12))
    for note in range(chords.shape[1]):
        for harmonic in range(1, HARMONICS + 1):
            sounds = lowest + note + round(12 * np.log2(harmonic))
            strength[note, sounds % 12] += 1 / harmonic
    return chords @ strength
