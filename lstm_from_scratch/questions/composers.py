"""The question that chapter 10 puts: is the network any good, and would something simpler do?"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .. import measures
from ..baselines import feed_forward, random_walk, simple_rnn, transition_table
from ..blues import STEPS_PER_BAR, TWELVE_BAR
from ..composing import Composer, Soloist
from ..encoding import CHORDS_AND_MELODY, CHORDS_ONLY
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
from ..training import RECOMMENDED_2

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
    "lstm",
)
"""Who is compared; the number is how many steps a table or a feed-forward network looks back."""


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
processor time to make it. kept : steps of the composition until the first wrong chord. in_form :
share of its steps at which the last `STRETCH` steps are a stretch of the form's chords, wherever in
it. in_own_chord : share of its steps at which the note belongs to the chord that the composer plays
with it. nats_training : as ``nats``, at the training set. weights : the first digits of a SHA-256
of the weights; nothing if there are none.
"""


def make(composer: str, seed: int) -> Composer:
    """Fit or train one of `COMPOSERS` on the training set. Chapter 10.

    Raises
    ------
    ValueError : for any other.
    """
    kind, _, steps = composer.rpartition("-")
    if composer not in COMPOSERS:
        raise ValueError(f"unknown composer {composer!r}: there are {', '.join(COMPOSERS)}")
    if composer == "random-walk":
        return random_walk.Walk()
    if composer == "lstm":
        return Soloist(train_2(replace(RECOMMENDED_2, seed=seed))[0].network)
    music = rolls(choruses().training)
    if kind == "table":
        return transition_table.fit(music, int(steps))
    if kind == "feed-forward":
        return feed_forward.train(replace(FEED_FORWARD, window=int(steps), seed=seed), music)[0]
    strict, fresh = len(CHORDS_ONLY.chords), FEED_FORWARD.fresh
    return simple_rnn.train_stream(replace(SIMPLE, seed=seed), music, strict=strict, fresh=fresh)[0]


def composed(composer: str, seed: int) -> Composed:
    """Make a composer from one seed, then judge it as Experiment 2 is judged. Chapter 10."""
    started = time.process_time()
    made = make(composer, seed)
    seconds = time.process_time() - started
    music, chords = choruses(), CHORDS_AND_MELODY.chord_units
    judged, roll = judge_all(made, seed, music)
    wrong = np.flatnonzero(wrong_chords(roll))
    stretches = measures.in_form(roll[:, chords], CHORDS_ONLY.form_roll(TWELVE_BAR), STRETCH)
    nats = measures.surprise(made, rolls(music.training)).sum(axis=1).mean()
    network = made.network if isinstance(made, Soloist) else made
    return Composed(
        composer,
        seed,
        round(seconds, 2),
        int(wrong[0]) if len(wrong) else len(roll),
        round(float(stretches.mean()), 4),
        round(float(measures.in_own_chord(roll).mean()), 4),
        round(float(nats), 4),
        *judged,
        digest(network) if hasattr(network, "hidden") else "",
    )


STUDIES = {
    "composers": Study(
        "Experiment 2's network and simpler composers, all judged alike",
        composed,
        Composed,
        range(16),
        tuple((composer,) for composer in COMPOSERS),
    ),
}
"""Studies by name."""
