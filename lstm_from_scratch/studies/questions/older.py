"""What do the composers know that stood before the paper: Todd's network, and CONCERT? (chapter 15)

On the blues they are judged as all composers of chapter 10 are. CONCERT is also put to three small
tests like those of its author: scales, a random walk, and phrases that come back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from ...arguments import array, checked, one_of, whole
from ...playing.composing import Composer
from ...rivals import codes, concert, events, note_table, todd, transition_table
from ..experiments import Study, choruses, rolls
from .composers import Composed
from .composers import _judged as judged  # private there: it is no door

TODD = todd.Method(units=100, decay=0.5, fresh=4, max_steps=4_800_000, test_every=480_000)
"""How Todd's network learns the blues: as many steps as the windows of chapter 10."""

CONCERT = concert.Method(fresh=4, max_steps=20_000, test_every=2_000)
"""How CONCERT learns the blues, from choruses."""

SMALL = concert.Method(max_steps=20_000, test_every=2_000)
"""How CONCERT learns what it is tested on."""

OLDER = ("todd", "concert", "concert-even", "concert-local", "note-table-3")
"""Who plays the blues. ``even`` has no slow context units; ``local`` has one number of its own for
each pitch, duration and chord instead of the codes. ``note-table-3`` is a table of notes."""

TESTED = ("concert", "concert-even", "concert-local", "table-3")
"""Who is put to the small tests."""

SHARP = 2.0
"""What stands in a local code where the others have a distance: two alternatives lie ``SHARP``
times the root of two apart."""

LOW, HIGH = 48, 84
"""Pitches of the small tests: three octaves from C below middle C."""

MAJOR = (0, 2, 4, 5, 7, 9, 11, 12)
"""A major scale, in half steps from its first note."""

_WHO = one_of(*TESTED)
_LINES = array("pieces", "notes", dtype=int)
_ASKED = array("pieces asked", "notes", dtype=int)


@checked(who=one_of(*OLDER), seed=whole(0))
def make(who: str, seed: int) -> Composer:
    """Fit or train one of `OLDER` on the training set. Chapter 15."""
    music = rolls(choruses().training)
    if who == "note-table-3":
        return note_table.fit(music, 3)
    if who == "todd":
        pieces = np.array([todd.with_begins(roll) for roll in music])
        return todd.train(replace(TODD, seed=seed), pieces, np.ones((len(pieces), 1)))[0]
    chords = events.chords_in(music)
    tables, method = concert.blues_codes(chords), _method(who, replace(CONCERT, seed=seed))
    if who == "concert-local":
        tables = tuple(SHARP * np.eye(len(it)) for it in tables)
    network, _ = concert.train(method, tables, concert.pieces_of(music, chords))
    return concert.Improviser(network, chords)


def _method(who: str, method: concert.Method) -> concert.Method:
    return replace(method, keeps=(0.0,) * len(method.keeps)) if who == "concert-even" else method


@cache
def _compiled() -> None:
    """Have everything compiled that is needed, so that no row is charged for it."""
    music = rolls((0, 1))
    chords = events.chords_in(music)
    short = replace(TODD, max_steps=96, test_every=96)
    todd.train(short, np.array([todd.with_begins(it) for it in music]), np.ones((2, 1)))
    few = replace(CONCERT, max_steps=1, test_every=1)
    concert.train(few, concert.blues_codes(chords), concert.pieces_of(music, chords))


@checked(who=one_of(*OLDER), seed=whole(0))
def composed(who: str, seed: int) -> Composed:
    """Make a composer from one seed, then judge it as Experiment 2 is judged. Chapter 15."""
    _compiled()
    started = time.process_time()
    made = make(who, seed)
    return judged(who, seed, time.process_time() - started, made)


# ---- Small tests ---------------------------------------------------------------------------------


@checked(key=whole(0, HIGH - LOW - 12))
def scale(key: int, rises: bool = True) -> np.ndarray:
    """A major scale of eight notes, up or down, in pitches from `LOW` on. Chapter 15."""
    return key + np.array(MAJOR if rises else MAJOR[::-1])


@checked(seed=whole(0))
def scales(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Major scales up and down from 24 tones: of nine keys, and of the three others.

    Returns
    -------
    known, new : numbers of pitches, int, shape ``(scales, 8)`` each. Chapter 15.
    """
    keys = np.random.default_rng((seed, 151)).permutation(12)
    known, new = (
        np.array(
            [scale(int(k) + octave, up == 1) for k in some for octave in (0, 12) for up in (1, 0)]
        )
        for some in (keys[:9], keys[9:])
    )
    return known, new


@checked(pieces=whole(1, 100_000), seed=whole(0), notes=whole(1, 1_000))
def walks(pieces: int, seed: int, notes: int = 16) -> np.ndarray:
    """Walks that go up or down by a half step, as likely one as the other. Chapter 15.

    Numbers of pitches, int, shape ``(pieces, notes)``; at either end a walk turns back.
    """
    rng = np.random.default_rng((seed, 152))
    most = HIGH - LOW
    way = rng.integers(most, size=(pieces, 1)) + np.cumsum(
        rng.choice((-1, 1), size=(pieces, notes)), axis=1
    )
    return most - np.abs(most - way % (2 * most))


@checked(pieces=whole(1, 100_000), seed=whole(0))
def phrases(pieces: int, seed: int) -> np.ndarray:
    """Songs A A B A of phrases of four notes; A and B are any two of eight. Chapter 15.

    The eight are drawn anew for each seed. Numbers of pitches, int, shape ``(pieces, 16)``.
    """
    known = np.random.default_rng((seed, 153)).integers(12, 25, size=(8, 4))
    known[:, 0] = 12 + np.random.default_rng((seed, 154)).permutation(13)[:8]
    rng = np.random.default_rng((seed, pieces))
    a, b = np.array([rng.permutation(8)[:2] for _ in range(pieces)]).T
    return np.concatenate([known[a], known[a], known[b], known[a]], axis=1)


@checked(who=_WHO, music=_LINES, asked=_ASKED, seed=whole(0))
def surprises(who: str, music: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    """What one of `TESTED`, who learned some music, thinks of other music: nats at each note.

    Parameters
    ----------
    music, asked : numbers of pitches, shape ``(pieces, notes)``.

    Returns
    -------
    Array of shape ``(pieces asked, notes)``; infinite for what was thought to be impossible.

    Chapter 15.
    """
    if who == "table-3":
        return np.array([_of_table(transition_table.fit(music, 3), line) for line in asked])
    pitches = range(LOW, HIGH + 1)
    table = SHARP * np.eye(len(pitches)) if who.endswith("local") else codes.of_pitches(pitches)
    method = _method(who, replace(SMALL, seed=seed))
    network, _ = concert.train(method, (table,), list(music[:, :, None]))
    return np.array([concert.surprise(network, line[:, None])[:, 0] for line in asked])


def _of_table(table: transition_table.TransitionTable, line: Sequence[int]) -> np.ndarray:
    """What a table of pitches thinks of a piece, from silence."""
    known = {int(pitch): number for number, pitch in enumerate(table.steps)}
    numbers = [known.get(int(pitch), transition_table.STRANGE) for pitch in line]
    past, nats = [transition_table.SILENCE] * table.order, []
    for number in numbers:
        counts = table.following(past)
        likely = counts[number] / counts.sum() if number >= 0 else 0.0
        nats.append(-np.log(likely) if likely else np.inf)
        past = [*past[1:], number]
    return np.array(nats)


class Tested(NamedTuple):
    """A row of the study of small tests. From the third column on, nats a note. Chapter 15.

    who : one of `TESTED`. seed : of the music and of the training. known, new : scales of keys that
    were learned and of others, without their first note. walk : without its first note. repeated :
    the first note of a phrase that comes again at once. other : of the phrase that is another one.
    returned : of the first phrase when it comes back after another one.
    """

    who: str
    seed: int
    known: float
    new: float
    walk: float
    repeated: float
    other: float
    returned: float


@checked(who=_WHO, seed=whole(0))
def tested(who: str, seed: int) -> Tested:
    """Put one of `TESTED` to the three small tests. Chapter 15."""
    known, new = scales(seed)
    of_scales = surprises(who, known, np.concatenate([known, new]), seed)[:, 1:].mean(axis=1)
    both = walks(600, seed)
    of_walks = surprises(who, both[:500], both[500:], seed)[:, 1:].mean()
    of_phrases = surprises(who, phrases(500, seed), phrases(200, seed), seed).mean(axis=0)
    nats = of_scales[: len(known)].mean(), of_scales[len(known) :].mean(), of_walks
    return Tested(who, seed, *(round(float(it), 4) for it in (*nats, *of_phrases[[4, 8, 12]])))


STUDIES = {
    "older-composers": Study(
        "Todd's network and CONCERT on Experiment 2's music, judged as its networks are",
        composed,
        Composed,
        range(16),
        tuple((who,) for who in OLDER),
    ),
    "phrases": Study(
        "CONCERT on scales, walks and phrases that come back",
        tested,
        Tested,
        range(16),
        tuple((who,) for who in TESTED),
    ),
}
"""Studies by name."""
