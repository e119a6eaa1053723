"""What the melody depends on: the questions that chapter 11 puts to Experiment 2."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...arguments import checked
from ...judging import measures
from ...machine.network import Network, Topology
from ...machine.training import RECOMMENDED_2, Recipe, Result
from ...music.blues import TWELVE_BAR, Form, chorus
from ...music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from ...playing.composing import compose, play_along
from ..experiments import (
    COMPOSED_CHORUSES,
    Choruses,
    Experiment2,
    Study,
    choruses,
    digest,
    judge,
    rolls,
    shares,
    train_2,
)

# ---- "The chord changes always bring it back" ----------------------------------------------------

ANOTHER_FORM = Form(
    "the same chords in another order",
    ("F7", "C7", "G7", "Dm7", "C7", "F7", "A7", "C7", "G7", "C7", "F#dim7", "C7"),
    segments=TWELVE_BAR.segments,
)
"""The chords of `TWELVE_BAR`, each as often, but none in its bar; segments as there, bar by bar."""

HEARD_CHORUSES = 100
"""Choruses of another form that are played to a network, or at either end of a composition."""


@checked
def fits_chord(lines: np.ndarray, form: Form) -> np.ndarray:
    """Which bars are a phrase that `TWELVE_BAR` has for the chord which is heard, in any bar of it.

    Parameters
    ----------
    lines : melodies, shape ``(choruses, form.steps)``. form : the chords that were heard.

    Returns
    -------
    bool, shape ``(choruses, bars)``. Chapter 11.
    """
    phrases: dict[str, tuple[tuple[int, ...], ...]] = {}
    for symbol, choices in zip(TWELVE_BAR.chords, TWELVE_BAR.segments, strict=True):
        phrases[symbol] = phrases.get(symbol, ()) + choices
    heard = replace(form, segments=tuple(phrases[symbol] for symbol in form.chords))
    return measures.exact_bars(lines, heard)


@checked
def fits_place(lines: np.ndarray) -> np.ndarray:
    """Which bars are a phrase of `TWELVE_BAR` for that bar, whatever is heard. Chapter 11."""
    return measures.exact_bars(lines, TWELVE_BAR)


@checked
def deafened(network: Network) -> Network:
    """The network without its connections from the chords' cells to the melody. Chapter 11."""
    t = Topology(tuple(replace(voice, reads=()) for voice in network.topology.voices))
    return Network(t, network.hidden * t.hidden_mask, network.output)


class Cause(NamedTuple):
    """A row of the study of why the melody keeps to the form.

    reads : 1 if the melody was trained with connections from the chords, 0 without. seed,
    learned_at, steps, seconds : as in `Experiment2`. nats : surprise at held-out choruses, mean of
    a chorus. Then shares of bars that are phrases of their bar: exact_first, exact_last, in the
    first and last hundred of a thousand choruses composed; deaf_first, deaf_last, the same with the
    connections removed after training. Last, where the chords of another form are played: the share
    of bars with a phrase for the chord that is heard, and with one of the bar's own: other_chord,
    other_place.
    """

    reads: int
    seed: int
    learned_at: int
    steps: int
    seconds: float
    nats: float
    exact_first: float
    exact_last: float
    deaf_first: float
    deaf_last: float
    other_chord: float
    other_place: float


@checked
def ends(network: Network, seed: int, music: Choruses) -> tuple[float, float]:
    """Exact bars in the first and the last hundred choruses of a composition. Chapter 11."""
    rng = np.random.default_rng((2, seed))
    roll = compose(network, chorus(music.training[0]), 2, COMPOSED_CHORUSES, rng)
    exact = measures.exact_bars(measures.melody_lines(roll)).mean(axis=1)
    first, last = exact[:HEARD_CHORUSES], exact[-HEARD_CHORUSES:]
    return round(float(first.mean()), 4), round(float(last.mean()), 4)


@checked
def another_form(network: Network, seed: int) -> tuple[float, float]:
    """Phrases for the chord heard, and for the bar, over the chords of another form. Chapter 11."""
    chords = CHORDS_ONLY.form_roll(ANOTHER_FORM)
    roll = np.zeros((HEARD_CHORUSES * len(chords), CHORDS_AND_MELODY.units))
    roll[:, CHORDS_AND_MELODY.chord_units] = np.tile(chords, (HEARD_CHORUSES, 1))
    roll[0] = rolls(choruses().training[:1])[0, 0]
    heard = play_along(network, roll, ("melody",), np.random.default_rng((3, seed)))
    lines = measures.melody_lines(heard)
    shares = fits_chord(lines, ANOTHER_FORM).mean(), fits_place(lines).mean()
    return round(float(shares[0]), 4), round(float(shares[1]), 4)


@checked
def cause(reads: int, seed: int) -> Cause:
    """Train a melody that hears the chords or not, then take them away or change them.

    Section 4.3; chapter 11.
    """
    recipe, music = RECOMMENDED_2, choruses()
    if not reads:
        chords, melody = recipe.topology.voices
        recipe = replace(recipe, topology=Topology((chords, replace(melody, reads=()))))
    result, seconds = train_2(replace(recipe, seed=seed))
    nats = measures.surprise(result.network, rolls(music.held_out)).sum(axis=1).mean()
    return Cause(
        reads,
        seed,
        result.learned_at,
        result.steps,
        round(seconds, 2),
        round(float(nats), 4),
        *ends(result.network, seed, music),
        *ends(deafened(result.network), seed, music),
        *another_form(result.network, seed),
    )


# ---- How many choruses does it take? -------------------------------------------------------------

SIZES = (16, 64, 256, 2048, 4096)
"""Choruses of the training set; what 1,024 do is in the study of Experiment 2 itself."""

Size = NamedTuple(
    "Size", [("size", int), *Experiment2.__annotations__.items(), ("nats_training", float)]
)
"""A row of the study of the training set: its size, the columns of `Experiment2`, and the surprise
at the choruses of the training set itself (the first 512 of them), mean of a chorus in nats.

Where all 4,096 are in the training set nothing is held out: both surprises are then of it."""


@checked
def of_size(size: int, seed: int) -> Size:
    """Train Experiment 2 on fewer or more choruses. Section 2.3; chapter 11."""
    music = choruses(size)
    if not music.held_out:
        music = Choruses(music.training, music.training)
    result, seconds = train_2(replace(RECOMMENDED_2, seed=seed), music)
    heard = rolls(music.training[:512])
    # The first chorus prepares the others; two rounds, so that 16 choruses are enough.
    nats = measures.surprise(result.network, np.concatenate([heard, heard]))[-len(heard) :]
    return Size(
        size,
        seed,
        int(result.learned),
        result.learned_at,
        result.steps,
        round(seconds, 2),
        *judge(result.network, seed, music),
        digest(result.network),
        round(float(nats.sum(axis=1).mean()), 4),
    )


# ---- Drawing a note ------------------------------------------------------------------------------

TEMPERATURES = (0.0, 0.5, 0.8, 1.0, 1.25, 2.0)
"""How boldly notes are drawn: 0 takes the likeliest, 1 is the paper's way."""


class Sampling(NamedTuple):
    """A row of the study of drawing notes.

    outputs : how the melody was trained: "logistic", each output by itself, as in the paper, or
    "softmax". temperature : of the drawing. seed : of the training. nats : surprise at held-out
    choruses, mean of a chorus, notes as likely as they are drawn at temperature 1. held_beats to
    longest_copy : as in `Improviser`, at this temperature. different : choruses among the thousand
    composed that differ from all before them.
    """

    outputs: str
    temperature: float
    seed: int
    nats: float
    held_beats: float
    in_scale: float
    exact_bars: float
    in_chord: float
    in_training: float
    in_source: float
    longest_copy: float
    different: int


# Six temperatures are tried with each network, one after the other: it is trained once.
@lru_cache(maxsize=2)
def _improviser(outputs: str, seed: int) -> Result:
    chords, melody = RECOMMENDED_2.topology.voices
    topology = Topology((chords, replace(melody, activation=outputs)))
    recipe: Recipe = replace(RECOMMENDED_2, topology=topology, seed=seed)
    return train_2(recipe)[0]


@checked
def sampling(outputs: str, temperature: float, seed: int) -> Sampling:
    """Draw notes more or less boldly from outputs trained in two ways. Section 4.2; chapter 11."""
    network, music = _improviser(outputs, seed).network, choruses()
    nats = measures.surprise(network, rolls(music.held_out)).sum(axis=1).mean()
    rng = np.random.default_rng((2, seed))
    roll = compose(
        network, chorus(music.training[0]), 2, COMPOSED_CHORUSES, rng, temperature=temperature
    )
    lines = measures.melody_lines(roll)
    return Sampling(
        outputs,
        temperature,
        seed,
        round(float(nats), 4),
        *shares(lines, music),
        len(np.unique(lines, axis=0)),
    )


STUDIES = {
    "cause": Study(
        "Experiment 2 with and without connections from the chords to the melody",
        cause,
        Cause,
        range(16),
        ((1,), (0,)),
    ),
    "training-set": Study(
        "Experiment 2 on training sets of other sizes",
        of_size,
        Size,
        range(8),
        tuple((size,) for size in SIZES),
    ),
    "sampling": Study(
        "Experiment 2, notes drawn at other temperatures, outputs trained in two ways",
        sampling,
        Sampling,
        range(16),
        tuple((outputs, t) for outputs in ("logistic", "softmax") for t in TEMPERATURES),
    ),
}
"""Studies by name."""
