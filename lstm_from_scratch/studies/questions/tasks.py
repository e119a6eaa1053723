"""Does the machine learn what LSTM was first known for? Chapter 12.

Reber strings with and without forget gates, counting and spikes with and without peepholes: the
recipes and the tests of `machine.tasks`, from many seeds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Literal, NamedTuple

import numpy as np

from ...arguments import checked, whole
from ...machine import tasks
from ...machine.episodes import Episode
from ...machine.network import Network
from ...machine.training import Recipe, Result, train
from ...playing.composing import keeps_form, recall
from ..experiments import Study, compiled, digest


def _timed(
    recipe: Recipe, heard: np.ndarray | list[Episode], test: Callable[[Network], int], seed: int
) -> tuple[Result, float]:
    """Train from a seed: the result, and the seconds of processor time that it took."""
    compiled(recipe, heard, lambda network: 0)
    started = time.process_time()
    result = train(replace(recipe, seed=seed), heard, test, progress=False)
    return result, round(time.process_time() - started, 2)


# ---- Reber strings without end -------------------------------------------------------------------

STREAMS, STREAM = 200, 2_000
"""Training streams, and symbols in each at the least: they are heard in random order."""

HELD_OUT = 1_000_000
"""Symbols of the stream that the test reads, as many as in Gers, Schmidhuber and Cummins (2000)."""

HEARD = 1_000
"""Symbols of the second stream that a network hears before it is judged, where nothing clears it:
one that was never cleared in training has begun from a cleared state but once."""

_SEEDS = {"first": 2_000, "second": 2_001}


@cache
def held_out(which: Literal["first", "second"] = "first") -> tasks.Stream:
    """The streams of the tests, the same for all. Chapter 12."""
    return tasks.reber_stream(HELD_OUT, _SEEDS[which])


class Reber(NamedTuple):
    """A row of the study of Reber strings.

    forget : ``learned``, or ``none``, forget gates that stay open for ever. cleared : when states
    are cleared: at each ``error``, at each error and each ``string``'s end, or ``never``. seed : of
    network and streams. learned : 1 if it predicted the held-out stream without an error. steps :
    symbols trained, to success or until it was given up. seconds : of processor time. symbols :
    predicted at the last test before the first error. best : the most at any test. second : symbols
    before the first error of a second stream, which no stopping test has seen; the first `HEARD` of
    them were only heard. weights : the first digits of a SHA-256 of the weights.
    """

    forget: str
    cleared: str
    seed: int
    learned: int
    steps: int
    seconds: float
    symbols: int
    best: int
    second: int
    weights: str


@checked
def reber_recipe(
    forget: Literal["learned", "none"], cleared: Literal["error", "string", "never"]
) -> Recipe:
    """The recipe of a setting of the study of Reber strings. Chapter 12."""
    recipe = tasks.REBER if forget == "learned" else tasks.without_forget_gates(tasks.REBER)
    if cleared == "never":
        return replace(recipe, forgiven=0)
    return replace(recipe, at_end="clear") if cleared == "string" else recipe


@checked(seed=whole(0))
def reber(
    forget: Literal["learned", "none"], cleared: Literal["error", "string", "never"], seed: int
) -> Reber:
    """Learn Reber strings. Gers, Schmidhuber and Cummins (2000), section 4; chapter 12."""
    recipe, rng = reber_recipe(forget, cleared), np.random.default_rng([seed, 12])
    streams = [tasks.reber_stream(STREAM, rng) for _ in range(STREAMS)]
    heard = [stream.episode for stream in streams]
    if cleared == "string":
        heard = [
            Episode(*(part[start:stop] for part in episode[:2]))
            for stream, episode in zip(streams, heard, strict=True)
            for start, stop in _strings(stream.ends)
        ]
    test = tasks.follows_grammar(held_out(), cleared=cleared == "string")
    result, seconds = _timed(recipe, heard, test, seed)
    symbols = result.curve.choruses
    return Reber(
        forget,
        cleared,
        seed,
        int(result.learned),
        result.steps,
        seconds,
        int(symbols[-1]),
        int(symbols.max()),
        tasks.follows_grammar(held_out("second"), cleared=cleared == "string", unjudged=HEARD)(
            result.network
        ),
        digest(result.network),
    )


def _strings(ends: np.ndarray) -> list[tuple[int, int]]:
    """Where each string of a stream begins and stops."""
    stops = np.flatnonzero(ends) + 1
    return list(zip([0, *stops[:-1]], stops, strict=True))


# ---- Counting ------------------------------------------------------------------------------------

TRAINED_TO = 10
"""Strings of training have n up to this, as in Gers and Schmidhuber (2001)."""


class Counting(NamedTuple):
    """A row of the study of counting.

    peepholes : 1 with, 0 without. seed : of the training. learned_at : the first test at which all
    strings of training were right, in steps; 0 if there was none. counts_then : up to which n all
    strings were right at that test. best : the most at any test. best_at : when that was. last : at
    the last test, after all steps. seconds : of processor time. weights : the first digits of a
    SHA-256 of the weights.
    """

    peepholes: int
    seed: int
    learned_at: int
    counts_then: int
    best: int
    best_at: int
    last: int
    seconds: float
    weights: str


@checked(peepholes=whole(0, 1), seed=whole(0))
def counting(peepholes: int, seed: int) -> Counting:
    """Learn a^n b^n c^n for n up to 10. Gers and Schmidhuber (2001); chapter 12."""
    recipe = tasks.COUNTING if peepholes else tasks.without_peepholes(tasks.COUNTING)
    heard = [tasks.counted(n) for n in range(1, TRAINED_TO + 1)]
    result, seconds = _timed(recipe, heard, tasks.counts_to(recipe.choruses), seed)
    steps, reached = result.curve.steps, result.curve.choruses
    right, best = reached >= TRAINED_TO, int(reached.argmax())
    first = int(right.argmax())
    return Counting(
        peepholes,
        seed,
        int(steps[first]) if right.any() else 0,
        int(reached[first]) if right.any() else 0,
        int(reached[best]),
        int(steps[best]),
        int(reached[-1]),
        seconds,
        digest(result.network),
    )


# ---- Spikes at intervals -------------------------------------------------------------------------

INTERVALS = (10, 25, 50)
"""Steps from a spike to the next."""


class Spikes(NamedTuple):
    """A row of the study of spikes.

    interval : steps from a spike to the next. peepholes : 1 with, 0 without. seed : of the
    training. learned : 1 if it went on for 100 intervals by itself. steps : trained, to success or
    until it was given up. seconds : of processor time. held : intervals that it keeps after
    training, at most 10,000; the run stops at the proof that it goes on for ever. period : after
    how many intervals its state came back bit for bit, that proof; 0 if it did not. weights : the
    first digits of a SHA-256 of the weights.
    """

    interval: int
    peepholes: int
    seed: int
    learned: int
    steps: int
    seconds: float
    held: int
    period: int
    weights: str


@checked(interval=whole(2, 1_000), peepholes=whole(0, 1), seed=whole(0))
def spikes(interval: int, peepholes: int, seed: int) -> Spikes:
    """Learn a spike at every so many steps. Gers and Schmidhuber (2000); chapter 12."""
    recipe = tasks.SPIKES if peepholes else tasks.without_peepholes(tasks.SPIKES)
    roll = tasks.spikes(interval)
    result, seconds = _timed(recipe, roll, keeps_form(roll, recipe.choruses), seed)
    kept = recall(result.network, roll, 10_000)
    return Spikes(
        interval,
        peepholes,
        seed,
        int(result.learned),
        result.steps,
        seconds,
        kept.steps // interval,
        kept.period,
        digest(result.network),
    )


STUDIES: dict[str, Any] = {
    "reber": Study(
        "endless Reber strings with and without forget gates, at most 3 million symbols",
        reber,
        Reber,
        range(1_200, 1_216),
        (
            ("learned", "error"),
            ("none", "error"),
            ("learned", "never"),
            ("learned", "string"),
            ("none", "string"),
        ),
    ),
    "counting": Study(
        "a^n b^n c^n with n up to 10, with and without peepholes, 5 million steps",
        counting,
        Counting,
        range(1_200, 1_216),
        ((1,), (0,)),
    ),
    "spikes": Study(
        "a spike every 10, 25 or 50 steps, with and without peepholes, at most 3 million steps",
        spikes,
        Spikes,
        range(1_200, 1_216),
        tuple((interval, peepholes) for interval in INTERVALS for peepholes in (1, 0)),
    ),
}
"""Studies by name."""
