"""Which noteheads and rests a bar is written with, and which of them are beamed.

One step is an eighth note; what is not one notehead long is tied.

Chapter 1 (Twelve bars) shows the first score.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from typing import NamedTuple

from ... import limits
from ...arguments import check, checked, whole
from ..blues import Note, check_notes

NOTEHEADS = {
    1: ("eighth", 0),
    2: ("quarter", 0),
    3: ("quarter", 1),
    4: ("half", 0),
    6: ("half", 1),
    8: ("whole", 0),
    12: ("whole", 1),
}  # steps: what one notehead is called, and its dots
"""For each length in steps, what one notehead of it is called, and its dots."""

_GROUP = 4  # steps that are read as one: half a bar of four beats


class Head(NamedTuple):
    """One notehead, or several on one stem, or a rest if there are no notes: steps from, to."""

    start: int
    end: int
    notes: tuple[Note, ...]


@checked
def sliced(
    notes: tuple[Note, ...], cuts: Iterable[int]
) -> Iterator[tuple[int, int, tuple[Note, ...]]]:
    """Cut time wherever a note begins or ends and at the given steps: from, to, what sounds.

    Silence is left out where no cut bounds it on both sides.
    """
    cuts = [check("cuts", cut, whole(0, limits.RUN)) for cut in cuts]
    notes = check_notes(notes)
    times = sorted({*cuts, *(n.onset for n in notes), *(n.onset + n.duration for n in notes)})
    begins = {onset: tuple(run) for onset, run in groupby(notes, key=lambda note: note.onset)}
    sounding: tuple[Note, ...] = ()
    for start, end in pairwise(times):
        sounding = tuple(n for n in sounding if n.onset + n.duration > start)
        sounding = tuple(sorted(sounding + begins.get(start, ())))
        yield start, end, sounding


@checked(bars=whole(1, limits.PAGE), length=whole(1, limits.PAGE))
def noteheads(notes: tuple[Note, ...], bars: int, length: int) -> list[list[Head]]:
    """What is written in each bar, from its first step to its last without a gap. Chapter 1.

    Raises
    ------
    ValueError : for notes that go on after the last bar.
    """
    notes = check_notes(notes)
    if any(note.onset + note.duration > bars * length for note in notes):
        raise ValueError(f"notes: expected none after {bars} bars of {length} steps, got one")
    written: list[list[Head]] = [[] for _ in range(bars)]
    for start, end, sounding in sliced(notes, range(0, bars * length + 1, length)):
        bar, at = divmod(start, length)
        first = bar * length
        values = _note_values if sounding else _rest_values
        for a, b in values(at, end - first):
            written[bar].append(Head(first + a, first + b, sounding))
    for bar, heads in enumerate(written):
        if not any(head.notes for head in heads):
            written[bar] = [Head(bar * length, (bar + 1) * length, ())]
    return written


def _note_values(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Part a note, given by its steps within the bar, into noteheads.

    A notehead keeps to its half of the bar, so that the middle of the bar can be seen, unless it
    both begins and ends on a beat.
    """
    while start < end:
        inside = start // _GROUP == (end - 1) // _GROUP
        on_beats = start % 2 == 0 and end % 2 == 0
        whole = end - start in NOTEHEADS and (inside or on_beats)
        stop = end if whole else (start // _GROUP + 1) * _GROUP
        yield start, stop
        start = stop


def _rest_values(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Part a rest within the bar; each begins where one of its kind may, and none has a dot."""
    while start < end:
        stop = start + next(v for v in (4, 2, 1) if start % v == 0 and start + v <= end)
        yield start, stop
        start = stop


@checked
def beamed(heads: list[Head]) -> dict[int, str]:
    """Which heads of a bar are beamed, by their place in it: eighth notes of one half bar."""
    first = heads[0].start if len(heads) else 0
    found = {}
    places = [i for i, head in enumerate(heads) if head.notes and head.end - head.start == 1]
    # Neighbours differ equally in place and in rank.
    for _, run in groupby(
        enumerate(places), key=lambda p: (p[1] - p[0], (heads[p[1]].start - first) // _GROUP)
    ):
        together = [place for _, place in run]
        if len(together) > 1:
            found |= dict.fromkeys(together, "continue")
            found |= {together[0]: "begin", together[-1]: "end"}
    return found
