"""Notes onto a grid: which one, and how far each note had to move.

A grid is so many equal steps a whole note: 8 are eighth notes, as in the book, 12 triplets of them,
16 sixteenths. The coarsest grid that fits is taken. It fits *exactly* where no beginning is off by
more than a hundredth of a quarter note, as in files of notation programs; else it fits *loosely*
where at most 2 % of the beginnings are off by more than a ninth of a quarter note, and all of them
are nearer to its steps than half as far as chance would have them. Swung eighths, two notes a beat
of which the second comes late, are eighths: the swing is a matter of sound (`audio`).

Chapter 1 (Twelve bars) has the grid of the paper, eight steps a bar.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ...arguments import Kind, Unfit, checked, real, several, whole
from ..blues import Note
from .source import Played, Remarks

GRIDS = (8, 12, 16, 24, 32, 48)
"""Steps a whole note, from coarse to fine, that are tried."""

KNOWN = (4, *GRIDS, 64, 96)
"""Steps a whole note that may be asked for."""

NAMES = {
    4: "quarter notes",
    8: "eighth notes",
    12: "triplets of eighth notes",
    16: "sixteenth notes",
    24: "triplets of sixteenth notes",
    32: "thirty-second notes",
    48: "triplets of thirty-second notes",
    64: "sixty-fourth notes",
    96: "triplets of sixty-fourth notes",
}
"""What one step of each grid is called."""

EXACT, LOOSE = 0.0105, 0.11  # of a quarter note
_FEW = 0.02
_SWUNG = (0.56, 0.72)  # where in its beat a swung second eighth may come


_DIVISION = whole(1, 10**9)


def _played(value: Any) -> Played:
    """A note of a file, its times such as can be."""
    if not isinstance(value, tuple) or len(value) != 3:
        raise Unfit
    pitch, start, end = (whole(0, 10**12).take(it) for it in value)
    if pitch > 127 or end <= start:
        raise Unfit
    return Played(pitch, start, end)


_NOTES = several(
    Kind("a note: a pitch, the tick it begins at and a later one where it ends", _played)
)


class Fit(NamedTuple):
    """A grid that was found: its steps a whole note, how well it fits, and how it swings.

    swing : where in its beat the second eighth note comes, 0.5 where it is straight. how :
    ``"exactly"``, ``"loosely"`` or ``"badly"``, or ``"as asked"``.
    """

    grid: int
    how: str
    swing: float = 0.5


class Moved(NamedTuple):
    """How far notes were moved onto a grid, in steps.

    mean, largest : of their beginnings. ends : mean of their ends. at : the tick of the note that
    was moved farthest. merged : notes that came to begin at one step with another of their pitch.
    shortened : that were cut where their own pitch begins anew. lengthened : that would have lasted
    less than a step.
    """

    mean: float
    largest: float
    ends: float
    at: int
    merged: int
    shortened: int
    lengthened: int


@checked(notes=_NOTES, division=_DIVISION)
def fit(notes: Sequence[Played], division: int) -> Fit:
    """Find the coarsest grid that fits the beginnings of notes. Chapter 1.

    Ends are not asked: programs let notes end early, each in its way, and a player does.

    Parameters
    ----------
    division : ticks to a quarter note.
    """
    if not notes:
        return Fit(GRIDS[0], "exactly")
    starts = np.array(sorted({note.start for note in notes})) / division
    all_starts = np.array([note.start for note in notes]) / division
    swing = _swing(all_starts)
    for grid in GRIDS:
        if swing and grid > GRIDS[0]:
            break
        if _off(starts, grid).max() <= EXACT:
            return Fit(grid, "exactly")
    if swing:
        return Fit(GRIDS[0], "loosely", swing)
    for grid in GRIDS:
        off = _off(all_starts, grid)
        if (off > LOOSE).mean() <= _FEW and off.mean() <= 0.5 / grid:
            return Fit(grid, "loosely")
    return Fit(16, "badly")


def _off(times: np.ndarray, grid: int) -> np.ndarray:
    """How far times, in quarter notes, are from the nearest step."""
    steps = times * grid / 4
    return np.abs(steps - np.rint(steps)) * 4 / grid


def _swing(times: np.ndarray) -> float:
    """Where in the beat the second of two swung eighths comes; 0.0 if these are none."""
    place = times - np.floor(times + 0.12)  # a little early is still on the beat
    on, late = np.abs(place) <= 0.12, (place > _SWUNG[0] - 0.05) & (place < _SWUNG[1] + 0.05)
    if late.sum() < 4 or (on | late).mean() < 0.97:
        return 0.0
    found = float(np.median(place[late]))
    return round(found, 3) if _SWUNG[0] <= found <= _SWUNG[1] else 0.0


@checked(tick=whole(-(10**12), 10**12), division=_DIVISION)
def step_of(tick: int, division: int, found: Fit) -> Fraction | float:
    """Where a tick stands in steps of a grid, not rounded; swing is taken out. Chapter 1."""
    if found.swing == 0.5:
        return Fraction(tick * found.grid, 4 * division)
    beat, place = divmod(tick / division, 1.0)
    if place > 0.88:  # just before the next beat
        beat, place = beat + 1, place - 1.0
    s = found.swing
    straight = place / (2 * s) if place <= s else 0.5 + (place - s) / (2 * (1 - s))
    return (beat + straight) * found.grid / 4


@checked(step=real(-1e12, 1e12))
def rounded(step: Fraction | float) -> int:
    """The nearest step, the later one of two that are as near. Chapter 1."""
    return math.floor(step + Fraction(1, 2))


@checked(notes=_NOTES, division=_DIVISION)
def quantised(
    notes: Iterable[Played], division: int, found: Fit, remarks: Remarks, where: str
) -> tuple[tuple[Note, ...], Moved]:
    """Move the notes of one part onto a grid. Chapter 1.

    Parameters
    ----------
    remarks : is told what was merged, cut or lengthened. where : what the part is called there.
    """
    moves, moved_ends, at, merged, lengthened, shortened = [0.0], [0.0], 0, 0, 0, 0
    by_pitch: dict[int, list[Note]] = {}
    for pitch, start, end in notes:
        exact, exact_end = step_of(start, division, found), step_of(end, division, found)
        onset, stop = rounded(exact), rounded(exact_end)
        off = abs(float(exact - onset))
        if off > max(moves):
            at = start
        moves.append(off)
        moved_ends.append(abs(float(exact_end - stop)))
        lengthened += stop <= onset
        before = by_pitch.setdefault(pitch, [])
        note = Note(pitch, onset, max(1, stop - onset))
        if before and before[-1].onset == onset:
            merged += 1
            before[-1] = max(before[-1], note)
            continue
        if before and before[-1].onset + before[-1].duration > onset:
            shortened += before[-1].onset + before[-1].duration > onset + 1
            before[-1] = before[-1]._replace(duration=onset - before[-1].onset)
        before.append(note)
    for count, what in (
        (merged, "were merged with another of their pitch at the same step"),
        (lengthened, "lasted less than half a step and were given one"),
        (shortened, "were cut where their pitch begins anew"),
    ):
        if count:
            remarks.add(f"{count:,} notes of {where} {what}")
    number = max(1, len(moves) - 1)
    put = sorted((it for part in by_pitch.values() for it in part), key=lambda n: (n[1], n[0]))
    return tuple(put), Moved(
        sum(moves) / number,
        max(moves),
        sum(moved_ends) / number,
        at,
        merged,
        shortened,
        lengthened,
    )
