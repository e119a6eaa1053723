"""A performance onto its own beats: time as it was played becomes time as it would be written.

Who plays without a click is late and early, faster and slower; the ticks of the recording know
nothing of it. `on_beats` looks for the beats (`beats`), makes each one a quarter note, and moves
all that is between two beats with them. Then the grid can be looked for.

Chapter 18 (Finding the beat).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import numpy as np

from ... import briefly, limits
from ...arguments import checked
from ..beats import finding, path, rhythms
from .source import Heard, Played, Remarks, Source, Tempo

Beat = Literal["as written", "follow", "oscillator"]
"""Where quarter notes are: where the file says; where `beats.path` finds beats; or `beats.by_bank`.
"""

DIVISION = 480
"""Ticks to a quarter note afterwards."""

FEWEST = 4
"""Onsets below which no beat is looked for."""

_AROUND = 4  # beats at either end that say how it goes on before and after
_BEAT = 0.15, 2.0  # seconds that a beat may last


@checked
def on_beats(source: Source, beat: Beat, remarks: Remarks) -> Source:
    """Make each beat of a performance a quarter note. Chapter 18.

    The first bar begins with the beat of the first note; the tempo is the mean one.

    Parameters
    ----------
    beat : how beats are found; as written nothing is done. remarks : is told what was done.
    """
    if beat == "as written":
        return source
    if not source.kind.startswith("MIDI"):
        remarks.add(f"{source.kind} is written music: its beats were left as written")
        return source
    seconds = _seconds(source)
    starts = sorted(note.start for part in source.parts for note in part.notes)
    onsets, notes = rhythms.together(seconds(np.array(starts, dtype=float)))
    if len(onsets) < FEWEST:
        remarks.add(
            f"{briefly.counted(len(onsets), 'onset')}, too few to find a beat in: left as written"
        )
        return source
    usual = float(np.clip(60 / source.tempi[0].quarters, *_BEAT))
    find = path.by_path if beat == "follow" else finding.by_bank
    beats = find(onsets - onsets[0], notes, usual=usual) + onsets[0]
    if len(beats) < FEWEST:
        remarks.add("No beat was found in it: left as written")
        return source
    remarks.add(_said(beats, beat))
    return _moved(source, _warp(beats, float(onsets[0])), seconds, beats)


def _seconds(source: Source) -> Callable[[np.ndarray], np.ndarray]:
    """A function from ticks to seconds, by the tempi of the file."""
    ticks = np.array([tempo.at for tempo in source.tempi], dtype=float)
    pace = 60 / np.array([tempo.quarters for tempo in source.tempi]) / source.division
    begins = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * pace[:-1])])

    def seconds(at: np.ndarray) -> np.ndarray:
        now = np.searchsorted(ticks, at, side="right") - 1
        return begins[now] + (at - ticks[now]) * pace[now]

    return seconds


def _warp(beats: np.ndarray, first: float) -> Callable[[np.ndarray], np.ndarray]:
    """A function from seconds to beats, counted from that of the first onset, never below 0."""
    before, after = np.diff(beats[: _AROUND + 1]).mean(), np.diff(beats[-_AROUND - 1 :]).mean()

    def place(at: np.ndarray) -> np.ndarray:
        inside = np.interp(at, beats, np.arange(len(beats)))
        early, late = np.minimum(0, at - beats[0]), np.maximum(0, at - beats[-1])
        return inside + early / before + late / after

    start = np.floor(place(np.array([first])) + 0.25)  # a little early is still on the beat

    return lambda at: np.maximum(0.0, place(at) - start)


def _moved(
    source: Source,
    place: Callable[[np.ndarray], np.ndarray],
    seconds: Callable[[np.ndarray], np.ndarray],
    beats: np.ndarray,
) -> Source:
    """A source in which all times are in beats."""

    def tick(at: int) -> int:
        return round(float(place(seconds(np.array([float(at)])))[0]) * DIVISION)

    def on_beat(at: int) -> int:
        return round(tick(at) / DIVISION) * DIVISION

    parts = []
    for part in source.parts:
        times = np.array([note[1:] for note in part.notes], dtype=float)
        ticks = np.rint(place(seconds(times.ravel())) * DIVISION).astype(int).reshape(-1, 2)
        notes = tuple(
            Played(note.pitch, int(start), max(int(start) + 1, int(end)))
            for note, (start, end) in zip(part.notes, ticks, strict=True)
        )
        parts.append(Heard(part.name, part.program, notes))
    first, *others = source.metres
    quarters = float(np.clip(60 / np.diff(beats).mean(), *limits.TEMPO))
    return source._replace(
        division=DIVISION,
        parts=tuple(parts),
        tempi=(Tempo(0, quarters),),
        metres=(first, *(metre._replace(at=on_beat(metre.at)) for metre in others)),
        symbols=tuple((on_beat(at), said) for at, said in source.symbols),
        pickup=round(source.pickup * DIVISION / source.division),
        end=tick(source.end),
    )


def _said(beats: np.ndarray, beat: Beat) -> str:
    """What was found, in a sentence."""
    lengths = [later - one for one, later in pairwise(beats)]
    smooth = np.convolve(lengths, np.ones(4) / 4, mode="valid") if len(lengths) > 4 else lengths
    slow, fast = 60 / np.max(smooth), 60 / np.min(smooth)
    how = "followed" if beat == "follow" else "found by oscillators"
    return (
        f"The beats were {how}, {len(beats):,} of them, from {slow:.0f} to {fast:.0f} a minute; "
        "each became a quarter note, and the first bar begins with that of the first note"
    )
