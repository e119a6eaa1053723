"""Rhythms, where listeners hear their beats, and performances of them with temporal noise.

The 35 rhythms are those that Povel and Essens (1985) let listeners tap back: nine intervals of one
to four units, the longest at the end, repeated without a break. Their model says which regular
clock a listener falls into: accents are heard at notes that stand alone, at the second of two in
a row, and at the first and last of three and more; the best clock is the one that has least against
it, a silent tick counting four times as much as one without an accent.

The paper asks for an "ability to deal with temporal noise found in real performed music" (section
5.1). Here a performance has three kinds of it: jitter, drift, and notes that are missing.

Chapter 18 (Finding the beat).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ... import limits
from ...arguments import Kind, Unfit, array, checked, either, real, whole
from ..blues import Note
from ..midi import TICKS_PER_WHOLE, Music, tracks

RHYTHMS: tuple[str, ...] = (
    *("111131224", "112211314", "211211314", "221111314", "312211114"),
    *("112112134", "211121314", "131111224", "132112114", "211211134"),
    *("112131214", "121112314", "121211134", "131212114", "311211214"),
    *("121112134", "121121134", "121131214", "131211124", "131211214"),
    *("111121234", "111231124", "113121124", "211321114", "231112114"),
    *("111223114", "121123114", "123112114", "211123114", "311112124"),
    *("111211324", "111312124", "121113124", "123111124", "231121114"),
)
"""The 35 rhythms of Povel and Essens (1985), five of each of their seven categories: in each row
the best clock has one more point against it, from none to six. An interval a digit, in units."""

UNIT = 0.2
"""Seconds of a unit, as Povel and Essens played them."""

BEAT = 4
"""Units of the clocks that are compared: the tapping rate, 0.8 s."""

_SILENT = 4  # what a silent tick counts, a tick without an accent being 1


def _rhythm(value: Any) -> str:
    if not isinstance(value, str) or not value or not set(value) <= set("123456789"):
        raise Unfit
    if len(value) > 200:
        raise Unfit
    return value


RHYTHM = Kind("a rhythm: digits from 1 to 9, an interval each, at most 200", _rhythm)


def _onsets(value: Any) -> np.ndarray:
    times = array("onsets", dtype=float).take(value)
    if not np.isfinite(times).all() or (times < 0).any() or (np.diff(times) < 0).any():
        raise Unfit
    return times


ONSETS = Kind("times in seconds, in order and none below 0", _onsets)


@checked(rhythm=RHYTHM)
def struck(rhythm: str) -> np.ndarray:
    """In which units of a rhythm a note begins: bool, shape ``(units,)``. Chapter 18."""
    places = np.cumsum([0, *map(int, rhythm)])
    found = np.zeros(places[-1], dtype=bool)
    found[places[:-1]] = True
    return found


@checked(rhythm=RHYTHM)
def accents(rhythm: str) -> np.ndarray:
    """What is heard in each unit: 0 nothing, 1 a note, 2 an accent; int, shape ``(units,)``.

    Povel and Essens (1985), after Povel and Okkerman; chapter 18.
    """
    notes = np.flatnonzero(struck(rhythm))
    found = struck(rhythm).astype(int)
    for cluster in np.split(notes, np.flatnonzero(np.diff(notes) > 1) + 1):
        if len(cluster) < 3:
            found[cluster[-1]] = 2
        else:
            found[cluster[[0, -1]]] = 2
    return found


@checked(rhythm=RHYTHM, beat=whole(1, 64))
def against(rhythm: str, beat: int = BEAT) -> np.ndarray:
    """What speaks against each clock of a beat: int, shape ``(beat,)``, by its first unit.

    Silent ticks count four, ticks without an accent one. Povel and Essens (1985); chapter 18.

    Raises
    ------
    ValueError : if the clock does not come out even with the rhythm.
    """
    heard = accents(rhythm)
    if len(heard) % beat:
        raise ValueError(
            f"rhythm, beat: expected a beat that divides the rhythm, got one of {beat} and one of "
            f"{len(heard)} units"
        )
    ticks = heard.reshape(-1, beat)
    return _SILENT * (ticks == 0).sum(axis=0) + (ticks == 1).sum(axis=0)


@checked(rhythm=RHYTHM, beat=whole(1, 64))
def downbeats(rhythm: str, beat: int = BEAT) -> tuple[int, ...]:
    """The first units of the best clock, or of several that are as good. Chapter 18.

    Eck (2002) calls the ticks of this clock downbeats; a musician would say: the beats.
    """
    costs = against(rhythm, beat)
    return tuple(int(at) for at in np.flatnonzero(costs == costs.min()))


class Noise(NamedTuple):
    """What a performance does to a rhythm.

    jitter : standard deviation of each note's time, in seconds. drift : how far the tempo swings
    around its mean, as a share: at 0.1 between 10 % slower and 10 % faster, once in `SWING`
    seconds. missing : the chance of each note to be left out.
    """

    jitter: float = 0.0
    drift: float = 0.0
    missing: float = 0.0


SWING = 20.0
"""Seconds in which a drifting tempo goes once from slow to fast and back."""


class Performance(NamedTuple):
    """A rhythm as it was played. onsets : seconds, in order. clock : when each unit began."""

    onsets: np.ndarray
    clock: np.ndarray


def _noise(value: Any) -> Noise:
    if not isinstance(value, tuple) or len(value) != 3:
        raise Unfit
    jitter, drift, missing = value
    share = real(0, below=1)
    return Noise(real(0, 10).take(jitter), share.take(drift), share.take(missing))


_NOISE = either(Kind("a Noise: jitter in seconds, drift and missing from 0 to below 1", _noise))
_UNIT = real(0.001, 60, of="seconds")


def _clock(units: int, unit: float, drift: float, rng: np.random.Generator) -> np.ndarray:
    """When each unit begins, and the last one ends, in seconds: shape ``(units + 1,)``."""
    phase, times = rng.uniform(0, 2 * np.pi), np.zeros(units + 1)
    for at in range(units):
        pace = 1 + drift * np.sin(2 * np.pi * times[at] / SWING + phase)
        times[at + 1] = times[at] + unit / pace
    return times


@checked(rhythm=RHYTHM, repetitions=whole(1, 1000), noise=_NOISE, unit=_UNIT)
def perform(
    rhythm: str,
    repetitions: int,
    noise: Noise,
    rng: np.random.Generator | int,
    unit: float = UNIT,
) -> Performance:
    """Play a rhythm over and over, with temporal noise. Chapter 18.

    Parameters
    ----------
    noise : see `Noise`. rng : where it is drawn from; an int is a seed. unit : seconds.
    """
    rng = np.random.default_rng(rng)
    notes = np.tile(struck(rhythm), repetitions)
    clock = _clock(len(notes), unit, noise.drift, rng)
    times = clock[:-1][notes]
    times = times + rng.normal(0, noise.jitter, len(times))
    kept = rng.random(len(times)) >= noise.missing
    return Performance(np.sort(times[kept]), clock)


_SHORTEST = 0.03  # seconds that a note sounds at the least


@checked(noise=_NOISE, tempo=real(*limits.TEMPO, of="beats a minute"), grid=whole(1, 96))
def play(
    music: Music,
    noise: Noise,
    rng: np.random.Generator | int,
    *,
    tempo: float = 120.0,
    grid: int = 8,
) -> dict[str, tuple[Note, ...]]:
    """Perform music with temporal noise: named tracks, times in ticks of 1/1920 of a whole note.

    The ticks are those of a file that says 120 quarter notes a minute, whatever the tempo is: so
    files come out of a recording to which nobody clicked. ``write_midi(..., grid=1920)`` writes it.

    Parameters
    ----------
    music : on a grid, see `midi.tracks`.
    noise : see `Noise`; each note of a chord has a jitter of its own.
    rng : where it is drawn from; an int is a seed.
    tempo : quarter notes a minute, in the mean. grid : steps of the music to a whole note.

    Chapter 18.
    """
    rng, parts = np.random.default_rng(rng), tracks(music)
    last = max((note.onset + note.duration for part in parts.values() for note in part), default=0)
    clock = _clock(last, 240 / (tempo * grid), noise.drift, rng)
    return {name: _played(part, clock, noise, rng) for name, part in parts.items()}


def _played(
    part: tuple[Note, ...], clock: np.ndarray, noise: Noise, rng: np.random.Generator
) -> tuple[Note, ...]:
    """The notes of a track in ticks, each pitch silent before it begins anew."""
    ticks, found, later = TICKS_PER_WHOLE / 2, [], {}
    kept = rng.random(len(part)) >= noise.missing
    off = rng.normal(0, noise.jitter, (len(part), 2))
    for note, keep, (early, long) in sorted(zip(part, kept, off, strict=True), key=_from_behind):
        if not keep:
            continue
        start = max(0.0, clock[note.onset] + early)
        stop = max(start + _SHORTEST, clock[note.onset + note.duration] + long)
        onset = round(start * ticks)
        end = min(round(stop * ticks), later.get(note.pitch, limits.RUN))
        if end <= onset:
            continue
        later[note.pitch] = onset
        found.append(Note(note.pitch, onset, end - onset))
    return tuple(sorted(found, key=lambda note: (note.onset, note.pitch)))


def _from_behind(item: tuple[Note, bool, np.ndarray]) -> tuple[int, int]:
    return -item[0].onset, item[0].pitch


@checked
def onsets_of(music: Mapping[str, tuple[Note, ...]]) -> tuple[np.ndarray, np.ndarray]:
    """When the notes of `play` begin, and how many at once: seconds, and counts. Chapter 18."""
    ticks = sorted(note.onset for part in tracks(music).values() for note in part)
    return together(np.array(ticks) / (TICKS_PER_WHOLE / 2))


SPREAD = 0.04
"""Seconds within which notes are struck together."""


@checked(times=ONSETS)
def together(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge what begins within `SPREAD` seconds: mean times, and how many. Chapter 18.

    Parameters
    ----------
    times : seconds, in order, shape ``(notes,)``.
    """
    if not len(times):
        return np.zeros(0), np.zeros(0)
    groups, first = [[times[0]]], times[0]
    for time in times[1:]:
        if time - first <= SPREAD:
            groups[-1].append(time)
        else:
            groups.append([time])
            first = time
    return np.array([np.mean(it) for it in groups]), np.array([float(len(it)) for it in groups])
