"""The question that chapter 10 puts: is the network any good, and would something simpler do?"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from ...arguments import checked
from ...judging import measures
from ...machine.training import RECOMMENDED_2
from ...music.blues import SHARED, STEPS_PER_BAR, TWELVE_BAR, Form
from ...music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from ...playing.composing import Composer, Soloist, keeps_form
from ...rivals import feed_forward, random_walk, simple_rnn, transition_table
from .. import experiments
from ..experiments import (
    Improviser,
    Study,
    choruses,
    digest,
    judge_all,
    rolls,
    train_2,
    wrong_chords,
)

STRETCH = 3 * STEPS_PER_BAR
"""Steps of the stretches that `Composed.in_form` looks for: three bars."""

FEED_FORWARD = feed_forward.Method(fresh=4)
"""How the feed-forward networks learn."""

SIMPLE = simple_rnn.Method(
    units=14, learning_rate=3e-3, clip=1.0, forgiven=8, max_steps=19_200_000, test_every=96_000
)
"""How the plain recurrent network learns. Its 14 units make 1,560 weights."""

COMPOSERS = (
    "random-walk",
    "table-1",
    "table-2",
    "table-3",
    "table-7",
    "feed-forward-1",
    "feed-forward-16",
    "simple-network",
    "two-tables",
    "feed-forward-17",
)
"""Whom the network of memory blocks is compared with; its own rows are those of ``experiment-2``.
The number is how many steps a table or a feed-forward network looks back. ``two-tables`` is wired
as the network is, see `transition_table.TwoTables`: seventeen steps of chords tell the place in the
form, and seven of all that sounds were enough for the melody."""

TWO_TABLES = 17, 7
"""Orders of the two tables: of the chords, and of all that sounds."""

SHARING = ("lstm", "table-7", "table-17", "two-tables", "feed-forward-17", "simple-network")
"""Who is tried on melodies whose segments several bars share; ``lstm`` is Experiment 2's network,
trained by the recommended recipe."""


Composed = NamedTuple(
    "Composed",
    [
        ("composer", str),
        ("seed", int),
        ("seconds", float),
        ("kept", int),
        ("in_form", float),
        ("in_own_chord", float),
        ("nats_training", float),
        *Improviser.__annotations__.items(),
        ("weights", str),
    ],
)
"""A row of the study of composers: `Improviser`'s columns between others.

composer : one of `COMPOSERS`. seed : of its training, and of the notes it draws. seconds : of
processor time to make it, compilation not counted. kept : steps of the composition until the first
wrong chord. in_form : share of its steps at which the last `STRETCH` steps are a stretch of the
form's chords, wherever in it. in_own_chord : share of its steps at which the note belongs to the
chord that the composer plays with it. nats_training : as ``nats``, at the training set. weights :
the first digits of a SHA-256 of the weights; nothing if there are none.
"""


@checked
def make(composer: str, seed: int, form: Form = TWELVE_BAR) -> Composer:
    """Fit or train one of `COMPOSERS` or `SHARING` on the training set. Chapter 10.

    Raises
    ------
    ValueError : for any other.
    """
    kind, _, steps = composer.rpartition("-")
    known = dict.fromkeys((*COMPOSERS, *SHARING))
    if composer not in known:
        raise ValueError(f"unknown composer {composer!r}: there are {', '.join(known)}")
    if composer == "random-walk":
        return random_walk.Walk(form)
    if composer == "lstm":
        return Soloist(train_2(replace(RECOMMENDED_2, seed=seed), form=form)[0].network)
    music = rolls(choruses().training, form)
    if composer == "two-tables":
        return transition_table.fit_two(music, *TWO_TABLES)
    if kind == "table":
        return transition_table.fit(music, int(steps))
    if kind == "feed-forward":
        return feed_forward.train(replace(FEED_FORWARD, window=int(steps), seed=seed), music)[0]
    strict, fresh = len(CHORDS_ONLY.chords), FEED_FORWARD.fresh
    return simple_rnn.train_stream(replace(SIMPLE, seed=seed), music, strict=strict, fresh=fresh)[0]


@checked
@cache
def compiled(composer: str) -> None:
    """Have everything compiled that making a composer needs, so that no row is charged for it.

    Chapter 10.
    """
    kind, music = composer.rpartition("-")[0], rolls((0, 1))
    if composer == "lstm":
        test = keeps_form(CHORDS_ONLY.form_roll(TWELVE_BAR), 1, voice="chords")
        experiments.compiled(RECOMMENDED_2, music, test)
    elif kind == "feed-forward":
        feed_forward.train(replace(FEED_FORWARD, max_steps=96, test_every=96), music)
    elif composer == "simple-network":
        short, strict = replace(SIMPLE, max_steps=96, test_every=96), len(CHORDS_ONLY.chords)
        simple_rnn.train_stream(short, music, strict=strict, fresh=FEED_FORWARD.fresh)


@checked
def composed(composer: str, seed: int, form: Form = TWELVE_BAR) -> Composed:
    """Make a composer from one seed, then judge it as Experiment 2 is judged. Chapter 10."""
    compiled(composer)
    started = time.process_time()
    made = make(composer, seed, form)
    seconds = time.process_time() - started
    return _judged(composer, seed, seconds, made, form)


def _judged(
    name: str, seed: int, seconds: float, made: Composer, form: Form = TWELVE_BAR
) -> Composed:
    """The row of a composer that is judged as Experiment 2 is judged."""
    music, chords = choruses(), CHORDS_AND_MELODY.chord_units
    judged, roll = judge_all(made, seed, music, form)
    wrong = np.flatnonzero(wrong_chords(roll, form))
    stretches = measures.in_form(roll[:, chords], CHORDS_ONLY.form_roll(form), STRETCH)
    nats = measures.surprise(made, rolls(music.training, form)).sum(axis=1).mean()
    return Composed(
        name,
        seed,
        round(seconds, 2),
        int(wrong[0]) if len(wrong) else len(roll),
        round(float(stretches.mean()), 4),
        round(float(measures.in_own_chord(roll).mean()), 4),
        round(float(nats), 4),
        *judged,
        _weights(made),
    )


def _weights(made: Composer) -> str:
    network = getattr(made, "network", made)
    return digest(network) if hasattr(network, "hidden") else ""


@checked
def sharing(composer: str, seed: int) -> Composed:
    """The same on melodies whose segments several bars share. Chapter 10."""
    return composed(composer, seed, SHARED)


STUDIES = {
    "composers": Study(
        "simpler composers on Experiment 2's music, judged as its networks are",
        composed,
        Composed,
        range(16),
        tuple((composer,) for composer in COMPOSERS),
    ),
    "sharing": Study(
        "composers on melodies in which bars 5 to 8 have the segments of bars 1 to 4",
        sharing,
        Composed,
        range(16),
        tuple((composer,) for composer in SHARING),
    ),
}
"""Studies by name."""
