"""The questions that chapters 3, 6, 7 and 8 put: do the experiments work, and how often?"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...arguments import checked
from ...machine.training import PAPER, PAPER_2, RECOMMENDED, RECOMMENDED_2, Diverged, Recipe
from ...music.blues import TWELVE_BAR
from ...music.encoding import CHORDS_ONLY
from ...rivals import simple_rnn
from ..experiments import (
    HELD_CHORUSES,
    Experiment1,
    Experiment2,
    Study,
    digest,
    experiment_1,
    experiment_2,
    judge,
    train_2,
)
from .crossed import compiled

SIMPLE_STEPS = {"bptt": 5_001_600, "rtrl": 1_000_800}
"""Steps after which a plain recurrent network is given up, by rule; whole choruses. A step of RTRL
takes about ten times as long as one of BPTT."""


class Resets(NamedTuple):
    """A row of the study of resets: the first column is varied, the others are `Experiment1`'s.

    forgiven : the gross error of this number since the last reset causes the next; 0: never.
    """

    forgiven: int
    seed: int
    learned: int
    steps: int
    seconds: float
    first_cycle: int


class SimpleNetwork(NamedTuple):
    """A row of the study of a plain recurrent network on Experiment 1's music.

    rule, optimiser, clip, learning_rate : the setting, see `simple_rnn.Method`. seed : of the first
    weights. learned, steps, seconds, held_choruses, period, weights : as in `Experiment1`.
    cross_entropy : nats a step before the last test; NaN if training diverged.
    """

    rule: str
    optimiser: str
    clip: float
    learning_rate: float
    seed: int
    learned: int
    steps: int
    seconds: float
    cross_entropy: float
    held_choruses: int
    period: int
    weights: str


@checked
def simple_network(
    rule: str, optimiser: str, clip: float, learning_rate: float, seed: int
) -> SimpleNetwork:
    """Train a plain recurrent network as far as its rule's budget goes, then play. Chapter 3."""
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    method = simple_rnn.Method(
        rule,
        optimiser,
        learning_rate,
        clip=clip,
        forgiven=RECOMMENDED.forgiven,
        seed=seed,
        max_steps=SIMPLE_STEPS[rule],
    )
    compiled("simple", rule, optimiser, clip)
    started = time.process_time()
    try:
        result = simple_rnn.train(method, roll)
    except Diverged as error:
        learned, steps, entropy, network = False, error.step, float("nan"), error.network
    else:
        learned, steps, network = result.learned, result.steps, result.network
        entropy = round(float(result.curve.cross_entropy[-1]), 4)
    seconds = time.process_time() - started
    held = simple_rnn.recall(network, roll, HELD_CHORUSES)
    return SimpleNetwork(
        rule,
        optimiser,
        clip,
        learning_rate,
        seed,
        int(learned),
        steps,
        round(seconds, 2),
        entropy,
        held.steps // len(roll),
        held.period,
        digest(network),
    )


Course = NamedTuple("Course", [("more_steps", int), *Experiment2.__annotations__.items()])
"""A row of the study of how long to train: `Experiment2`'s columns after that which is varied.

more_steps : trained after the chords were learned.
"""


class ChordsGoOn(NamedTuple):
    """A row of the study in which chords do not stop learning.

    seed, learned_at, steps, seconds : as in `Experiment2`. tests : made after the chords were first
    learned. passed : tests of these that found the form whole. lost_at : steps from the first
    success to the first test that failed, 0 if none did. choruses : played right at the last test,
    at most what the test asks. wrong_steps, nats : as in `Improviser`.
    """

    seed: int
    learned_at: int
    steps: int
    seconds: float
    tests: int
    passed: int
    lost_at: int
    choruses: int
    wrong_steps: int
    nats: float


@checked
def chords_go_on(recipe: Recipe, seed: int) -> ChordsGoOn:
    """Train Experiment 2 with chords that learn on when they have passed their test. Chapter 8."""
    voices = tuple(replace(voice, until="plateau") for voice in recipe.voices)
    result, seconds = train_2(replace(recipe, voices=voices, seed=seed))
    curve, judged = result.curve, judge(result.network, seed)
    later = curve.steps > result.learned_at if result.learned else np.zeros(len(curve.steps), bool)
    passed = curve.choruses[later] >= recipe.choruses
    lost = curve.steps[later][~passed]
    return ChordsGoOn(
        seed,
        result.learned_at,
        result.steps,
        round(seconds, 2),
        len(passed),
        int(passed.sum()),
        int(lost[0] - result.learned_at) if len(lost) else 0,
        int(curve.choruses[-1]),
        judged.wrong_steps,
        judged.nats,
    )


def _recommended(seed: int) -> Experiment1:
    return experiment_1(RECOMMENDED, seed)


def _paper(seed: int) -> Experiment1:
    return experiment_1(PAPER, seed)


def _recommended_2(seed: int) -> Experiment2:
    return experiment_2(RECOMMENDED_2, seed)


def _paper_2(seed: int) -> Experiment2:
    return experiment_2(PAPER_2, seed)


def _course(more_steps: int, seed: int) -> Course:
    """Training is the same up to any point: only where it stops is varied."""
    recipe = replace(RECOMMENDED_2, window=more_steps, windows=1)
    return Course(more_steps, *experiment_2(recipe, seed))


def _chords_go_on(seed: int) -> ChordsGoOn:
    return chords_go_on(RECOMMENDED_2, seed)


def _resets(forgiven: int, seed: int) -> Resets:
    row = experiment_1(replace(RECOMMENDED, forgiven=forgiven, give_up_after=10_000_000), seed)
    return Resets(forgiven, seed, row.learned, row.steps, row.seconds, row.first_cycle)


STUDIES = {
    "experiment-1": Study(
        "Experiment 1, the recommended recipe, at most 25 million steps",
        _recommended,
        Experiment1,
        range(232),
    ),
    "experiment-1-development": Study(
        "the same on other seeds: those that the recipe was chosen with",
        _recommended,
        Experiment1,
        range(10_000, 10_060),
    ),
    "experiment-1-paper": Study(
        "Experiment 1, the paper's literal parameters, at most 400 million steps",
        _paper,
        Experiment1,
        range(16),
    ),
    "experiment-2": Study(
        "Experiment 2, the recommended recipe",
        _recommended_2,
        Experiment2,
        range(16),
    ),
    "experiment-2-paper": Study(
        "Experiment 2, the paper's literal parameters, at most 400 million steps to the chords",
        _paper_2,
        Experiment2,
        range(8),
    ),
    "experiment-2-course": Study(
        "Experiment 2, stopped at other moments after the chords are learned",
        _course,
        Course,
        range(6),
        tuple((48_000 * 3**power,) for power in range(7)),
    ),
    "experiment-2-chords-go-on": Study(
        "Experiment 2 with chords that learn on after they have passed their test",
        _chords_go_on,
        ChordsGoOn,
        range(16),
    ),
    "resets": Study(
        "Experiment 1 with other numbers of forgiven errors, at most 10 million steps",
        _resets,
        Resets,
        range(300, 316),
        tuple((forgiven,) for forgiven in (0, 1, 2, 4, 8, 16, 32)),
    ),
    "simple-network": Study(
        "a plain recurrent network on Experiment 1's music, at most 5 million steps (RTRL: 1)",
        simple_network,
        SimpleNetwork,
        range(4),
        (
            *(("bptt", "momentum", float("inf"), r) for r in (1e-6, 3e-6, 1e-5, 3e-5, 1e-4)),
            *(("bptt", "momentum", 1.0, r) for r in (3e-3, 1e-2, 3e-2)),
            *(("bptt", "adam", float("inf"), r) for r in (3e-4, 1e-3, 3e-3)),
            *(("bptt", "adam", 1.0, r) for r in (1e-4, 3e-4, 1e-3, 3e-3)),
            *(("rtrl", "momentum", float("inf"), r) for r in (3e-6, 1e-5, 3e-5, 1e-4)),
        ),
    ),
}
"""Studies by name."""
