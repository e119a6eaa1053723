"""Who finds the beat of a performance, and how much noise does the network stand? Chapter 18."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from ...arguments import checked, real, whole
from ...judging import measures
from ...machine.training import stored
from ...music.beats import finding, path, rhythms
from ...music.blues import TWELVE_BAR, Note, chorus
from ...music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from ...music.midi import TICKS_PER_WHOLE, write_midi
from ...music.tunes.reading import read
from ...music.tunes.timing import Beat
from ...music.tunes.tune import Tune
from ...playing.composing import free_run
from ..experiments import Study, choruses, wrong_chords

# ---- Who finds the beat? -------------------------------------------------------------------------

REPETITIONS, JUDGED = 8, 2
"""How often a rhythm is played, and how many of these, the last, are judged."""

UNITS = 16
"""Units of each of the rhythms."""

HINT = 0.25
"""How far the beat that is expected may be from the true one, in octaves: 16 % shorter to 19 %
longer. The lone oscillator is told the true one, as in Eck (2002)."""

FOUND = 0.75
"""What share of the true beats must be found, and of the found ones be true: three of four."""

LEVELS = (
    ("none", 0.0),
    *(("jitter", seconds) for seconds in (0.01, 0.02, 0.04)),
    *(("drift", share) for share in (0.05, 0.1, 0.2)),
    *(("missing", share) for share in (0.1, 0.2, 0.3)),
)
"""One kind of noise at a time, from little to much; see `rhythms.Noise`."""

Kind = Literal["none", "jitter", "drift", "missing"]


@checked(amount=real(0, below=1))
def noise(kind: Kind, amount: float) -> rhythms.Noise:
    """Noise of one kind. Chapter 18."""
    return rhythms.Noise(**({} if kind == "none" else {kind: amount}))


class Found(NamedTuple):
    """A row of the study of beats: of the 35 rhythms, in how many each finds the beats.

    noise, amount : see `LEVELS`. seed : of the performances, and of the oscillators. rhythms : 35.
    oscillator : `finding.by_oscillator`, told how long a beat is. locked : rhythms in which more
    than half of its twenty oscillators are on the beats. bank, path, autocorrelation, histogram :
    told how long a beat is about, see `HINT`.
    """

    noise: str
    amount: float
    seed: int
    rhythms: int
    oscillator: int
    locked: int
    bank: int
    path: int
    autocorrelation: int
    histogram: int


@checked
def is_found(beats: np.ndarray, rhythm: str, played: rhythms.Performance) -> bool:
    """Are beats those of the clock that listeners fall into, in the last repetitions? Chapter 18.

    Where several clocks are equally good, any of them counts.
    """
    start = len(played.clock) - 1 - JUDGED * UNITS

    def true(first: int) -> np.ndarray:
        return played.clock[start + first :: rhythms.BEAT]

    return any(finding.agree(beats, true(first)) >= FOUND for first in rhythms.downbeats(rhythm))


@checked(seed=whole(0), amount=real(0, below=1))
def found(kind: Kind, amount: float, seed: int) -> Found:
    """Let everyone look for the beats of the 35 rhythms, played with noise. Chapter 18."""
    rng = np.random.default_rng([seed, 13])
    played = [
        rhythms.perform(rhythm, REPETITIONS, noise(kind, amount), rng) for rhythm in rhythms.RHYTHMS
    ]
    onsets = [np.clip(one.onsets, 0, None) for one in played]
    beat = rhythms.BEAT * rhythms.UNIT
    about = [beat * 2.0**octaves for octaves in rng.uniform(-HINT, HINT, len(played))]
    each = finding.oscillators(onsets, beat, rng)

    def count(all_beats: list[np.ndarray]) -> int:
        return sum(map(is_found, all_beats, rhythms.RHYTHMS, played))

    def by(method: object) -> int:
        return count([method(one, usual=it) for one, it in zip(onsets, about, strict=True)])

    shares = [
        np.mean([is_found(beats, rhythm, one) for beats in all_beats])
        for all_beats, rhythm, one in zip(each, rhythms.RHYTHMS, played, strict=True)
    ]
    return Found(
        kind,
        amount,
        seed,
        len(played),
        count([finding.best(*it) for it in zip(each, onsets, strict=True)]),
        int(np.sum(np.array(shares) > 0.5)),
        count(finding.banks(onsets, usual=about, rng=rng)),
        by(path.by_path),
        by(finding.by_autocorrelation),
        by(finding.by_histogram),
    )


# ---- How much noise does the network stand? ------------------------------------------------------

CHORUSES = 2
"""Choruses that are performed for the network, held out from its training."""

ALONE = 10
"""Choruses that it then plays alone."""

STRETCH = 24
"""Steps of the stretches that must be the form's, wherever in it: three bars."""

HARDER = (
    ("none", 0.0),
    *(("jitter", seconds) for seconds in (0.02, 0.04, 0.08)),
    *(("drift", share) for share in (0.02, 0.05, 0.1, 0.2)),
    *(("missing", share) for share in (0.1, 0.2, 0.4)),
)
"""One kind of noise at a time. The tempo that the file says, 120, is right in the mean."""

READINGS: tuple[Beat, ...] = ("as written", "follow", "oscillator")
"""How the performance comes onto the grid, see `tunes.timing`."""


class Stood(NamedTuple):
    """A row of the study of what the network stands.

    noise, amount : see `HARDER`. reading : see `READINGS`. seed : of the choruses, the performance
    and the notes drawn. played : notes of melody and chords that were not left out. on_step : of
    these, how many are read at the step where they belong. steps : of what was read, 192 if all is
    well; the network hears 192 at the most. in_place : share of the 960 steps that it then plays
    whose chords are those of the form at the place where the player stopped. in_form : share of its
    steps at which the last `STRETCH` are a stretch of the form, wherever in it. returned : 1 if the
    last chorus is so throughout.
    """

    noise: str
    amount: float
    reading: str
    seed: int
    played: int
    on_step: int
    steps: int
    in_place: float
    in_form: float
    returned: int


@checked
def piece(numbers: tuple[int, ...]) -> dict[str, tuple[Note, ...]]:
    """Some choruses of the blues one after another, as chords and melody. Chapter 18."""
    found: dict[str, list[Note]] = {"chords": [], "melody": []}
    for place, number in enumerate(numbers):
        for name, notes in zip(found, chorus(number)[1:], strict=True):
            later = place * TWELVE_BAR.steps
            found[name] += [note._replace(onset=note.onset + later) for note in notes]
    return {name: tuple(notes) for name, notes in found.items()}


@checked
def read_back(music: dict[str, tuple[Note, ...]], beat: Beat) -> Tune:
    """A performance by `rhythms.play`, written into a MIDI file and read. Chapter 18."""
    with tempfile.TemporaryDirectory() as folder:
        file = write_midi(music, Path(folder) / "played.mid", grid=TICKS_PER_WHOLE)
        parts = {name: name if name in music else "" for name in ("melody", "chords")}
        return read(file, grid=8, harmony="as played", beat=beat, **parts)


@checked
def on_step(tune: Tune, music: dict[str, tuple[Note, ...]]) -> int:
    """How many notes of music a tune has at the steps where they belong. Chapter 18."""
    read_notes = {(note.pitch, note.onset) for part in tune.parts for note in part.notes}
    wanted = {(note.pitch, note.onset) for notes in music.values() for note in notes}
    return len(read_notes & wanted)


@checked
def as_heard(tune: Tune) -> np.ndarray:
    """A tune as the network of Experiment 2 hears it, a rest as a step without a note."""
    roll = np.zeros((tune.steps, CHORDS_AND_MELODY.units))
    low = CHORDS_AND_MELODY.chords[0]
    for note in tune.chords:
        roll[note.onset : note.onset + note.duration, (note.pitch - low) % 12] = 1.0
    first = CHORDS_AND_MELODY.melody_units.start - CHORDS_AND_MELODY.melody[0]
    for note in tune.melody:
        roll[note.onset : note.onset + note.duration, first + note.pitch] = 1.0
    return roll


@checked(seed=whole(0), amount=real(0, below=1))
def stood(kind: Kind, amount: float, reading: Beat, seed: int) -> Stood:
    """Perform choruses for the network, and see whether it goes on in the form. Chapter 18."""
    rng = np.random.default_rng([seed, 14])
    numbers = rng.choice(choruses().held_out, CHORUSES, replace=False)
    music = piece(tuple(int(number) for number in numbers))
    performed = rhythms.play(music, noise(kind, amount), rng)
    tune = read_back(performed, reading)
    heard = as_heard(tune)[: CHORUSES * TWELVE_BAR.steps]
    alone = ALONE * TWELVE_BAR.steps
    network = stored("experiment_2").network
    roll = free_run(network, heard, len(heard) + alone, np.random.default_rng([seed, 15]))
    roll = roll[len(heard) :]
    chords = roll[:, CHORDS_AND_MELODY.chord_units]
    right = measures.in_form(chords, CHORDS_ONLY.form_roll(TWELVE_BAR), STRETCH)
    return Stood(
        kind,
        amount,
        reading,
        seed,
        sum(map(len, performed.values())),
        on_step(tune, music),
        tune.steps,
        round(1 - float(wrong_chords(roll).mean()), 4),
        round(float(right.mean()), 4),
        int(right[-TWELVE_BAR.steps :].all()),
    )


STUDIES = {
    "beats": Study(
        "who finds the beats of 35 rhythms that are performed with temporal noise",
        found,
        Found,
        range(1_800, 1_803),
        LEVELS,
    ),
    "temporal-noise": Study(
        "a network of Experiment 2 hears choruses performed with temporal noise, and goes on alone",
        stood,
        Stood,
        range(1_800, 1_808),
        tuple((*level, reading) for level in HARDER for reading in READINGS),
    ),
}
"""Studies by name."""
