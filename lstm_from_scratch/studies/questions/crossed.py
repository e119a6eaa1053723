"""The question that chapter 11 puts: is it the cell, the rule or the optimiser?

Two networks of about as many weights learn Experiment 1's music, each by the rule that works online
and by full BPTT, each rule with four optimisers. All have the same number of steps to hear; what
that costs in seconds is in the tables too. Every setting is screened in the same way: four learning
rates on four seeds, and the best of them (see `best`) is then tried on sixteen others.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from ...arguments import checked
from ...machine.kernel import Recall
from ...machine.network import Network
from ...machine.training import RECOMMENDED, Diverged, train
from ...music.blues import TWELVE_BAR, Form
from ...music.encoding import CHORDS_ONLY
from ...playing import composing
from ...rivals import lstm_bptt, simple_rnn
from ..experiments import HELD_CHORUSES, Study, digest

STEPS = 3_004_800
"""Steps after which every learner is given up: 31,300 choruses. Full RTRL sets the bound: its step
takes three to fourteen times as long as one of another learner, and so all runs together take an
hour or two of one core. Of 232 runs of the recommended recipe (``experiment-1``) seven in ten have
learned by then."""

CLIP = 1.0
"""The largest norm of a gradient where it is limited, as in the study of the simple network: of one
step's gradient where every step makes an update, of a chorus's where every chorus does."""

LEARNERS = (("lstm", "truncated"), ("lstm", "bptt"), ("simple", "bptt"), ("simple", "rtrl"))
"""Cell and rule. ``lstm`` is Experiment 1's network as we recommend it, 672 weights, ``simple`` a
plain recurrent one of `simple_rnn.UNITS` tanh units, 702 weights: a unit less, and it would have
fewer than the LSTM. ``truncated`` is the paper's rule (truncated BPTT and RTRL) and ``rtrl`` the
full one, both with an update after every step; ``bptt`` makes one after every chorus."""

OPTIMISERS = (
    ("momentum", float("inf")),
    ("momentum", CLIP),
    ("adam", float("inf")),
    ("adam", CLIP),
)
"""Optimiser, and the limit to the gradient's norm."""


class Crossed(NamedTuple):
    """A row of the crossed study.

    cell, rule : see `LEARNERS`. optimiser, clip : see `OPTIMISERS`. learning_rate : of it. seed :
    of the first weights. learned : 1 if it passed the test, a free run of 1,000 choruses without a
    wrong note or a proof of it. steps : trained, to success or until it was given up: where learned
    is 0, a bound and no measurement. seconds : of processor time for these steps, tests included
    and compilation not. cross_entropy : nats a step before the last test; NaN if training diverged.
    held_choruses, period, weights : as in `Experiment1`.
    """

    cell: str
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


class Trained(NamedTuple):
    """What all four learners have in common when they are done."""

    network: Network | simple_rnn.SimpleNetwork
    learned: bool
    steps: int
    cross_entropy: float


@checked
def learn(
    cell: str,
    rule: str,
    optimiser: str,
    clip: float,
    learning_rate: float,
    seed: int,
    max_steps: int = STEPS,
    form: Form = TWELVE_BAR,
) -> Trained:
    """Train one network, see `Crossed`, on the chords of a form: Experiment 1's, unless given.

    The LSTM begins, and is reset, as in `training.RECOMMENDED` under both rules; the simple network
    begins as `simple_rnn.Method` says and is reset after as many gross errors.

    Raises
    ------
    ValueError : for a learner that is not in `LEARNERS`, or steps that are not whole choruses.
    Diverged : if a weight is not finite any more.

    Chapter 11.
    """
    if (cell, rule) not in LEARNERS:
        raise ValueError(f"no learner {cell!r} by {rule!r}: there are {LEARNERS}")
    roll = CHORDS_ONLY.form_roll(form)
    if cell == "simple":
        method = simple_rnn.Method(
            rule,
            optimiser,
            learning_rate,
            clip=clip,
            forgiven=RECOMMENDED.forgiven,
            seed=seed,
            max_steps=max_steps,
            test_every=RECOMMENDED.test_every,
            choruses=RECOMMENDED.choruses,
        )
        result = simple_rnn.train(method, roll)
    else:
        (voice,) = RECOMMENDED.voices
        voice = replace(voice, learning_rate=learning_rate, optimiser=optimiser, clip=clip)
        recipe = replace(RECOMMENDED, voices=(voice,), seed=seed, give_up_after=max_steps)
        test = composing.keeps_form(roll, recipe.choruses)
        if rule == "bptt":
            result = lstm_bptt.train(recipe, roll, test)
        else:
            result = train(recipe, roll, test, progress=False)
    entropy = float(np.sum(result.curve.cross_entropy[-1]))
    return Trained(result.network, result.learned, result.steps, entropy)


@checked
def play(network: Network | simple_rnn.SimpleNetwork, form: Form = TWELVE_BAR) -> Recall:
    """Let a trained network of either kind play, for `HELD_CHORUSES` at most. Chapter 11."""
    roll = CHORDS_ONLY.form_roll(form)
    recall = composing.recall if isinstance(network, Network) else simple_rnn.recall
    return recall(network, roll, HELD_CHORUSES)


@checked
@cache
def compiled(cell: str, rule: str, optimiser: str, clip: float) -> None:
    """Have everything compiled that a setting needs, so that no run is charged for it."""
    learn(cell, rule, optimiser, clip, 0.001, 0, TWELVE_BAR.steps)


@checked
def crossed(
    cell: str,
    rule: str,
    optimiser: str,
    clip: float,
    learning_rate: float,
    seed: int,
    max_steps: int = STEPS,
    form: Form = TWELVE_BAR,
) -> Crossed:
    """Train one network as far as the budget goes, then let it play. Chapter 11."""
    compiled(cell, rule, optimiser, clip)
    started = time.process_time()
    try:
        trained = learn(cell, rule, optimiser, clip, learning_rate, seed, max_steps, form)
    except Diverged as error:
        trained = Trained(error.network, False, error.step, float("nan"))
    seconds = time.process_time() - started
    held = play(trained.network, form)
    return Crossed(
        cell,
        rule,
        optimiser,
        clip,
        learning_rate,
        seed,
        int(trained.learned),
        trained.steps,
        round(seconds, 2),
        round(trained.cross_entropy, 4),
        held.steps // form.steps,
        held.period,
        digest(trained.network),
    )


Setting = tuple[str, str, str, float, float]
"""Cell, rule, optimiser, clip, learning rate."""

Rates = dict[tuple[str, str], tuple[float, ...]]
"""Learning rates of each learner, one for each of `OPTIMISERS` in their order."""

LADDER = tuple(float(f"{digit}e{power}") for power in range(-7, 1) for digit in (1, 3))
"""Learning rates that may be tried, about three times apart."""

TRIED = 4
"""How many of them are, for each learner and optimiser: neighbours, from the one in `LOWEST` on."""

LOWEST: Rates = {
    ("lstm", "truncated"): (3e-5, 3e-3, 3e-4, 3e-4),
    ("lstm", "bptt"): (3e-5, 1e-2, 3e-4, 1e-3),
    ("simple", "bptt"): (3e-7, 1e-3, 3e-4, 1e-3),
    ("simple", "rtrl"): (3e-6, 3e-4, 3e-5, 1e-4),
}
"""Where the rates begin that are tried. Found with other seeds, and such that the best one should
not stand at an end. It does with full RTRL and momentum alone, where no rate tried has learned."""

BEST: Rates = {
    ("lstm", "truncated"): (3e-4, 1e-2, 3e-3, 1e-3),
    ("lstm", "bptt"): (3e-4, 3e-2, 3e-3, 1e-2),
    ("simple", "bptt"): (3e-6, 1e-2, 3e-3, 3e-3),
    ("simple", "rtrl"): (3e-6, 3e-3, 3e-4, 3e-4),
}
"""What `best` says of the table of the screen: a test holds them together."""


def _screen() -> tuple[Setting, ...]:
    return tuple(
        (*learner, *how, rate)
        for learner in LEARNERS
        for how, lowest in zip(OPTIMISERS, LOWEST[learner], strict=True)
        for rate in LADDER[LADDER.index(lowest) :][:TRIED]
    )


def _chosen() -> tuple[Setting, ...]:
    return tuple(
        (*learner, *how, rate)
        for learner in LEARNERS
        for how, rate in zip(OPTIMISERS, BEST[learner], strict=True)
    )


SCREEN, CHOSEN = _screen(), _chosen()
"""The settings of the two studies; those that take longest come last."""


@checked
def best(rows: Iterable[dict[str, str]]) -> tuple[Setting, ...]:
    """The best learning rate of each cell, rule, optimiser and clip, by a table of the screen.

    The best has learned with most seeds. Of several, the one with the smallest median of steps is
    taken, where a run that has not learned counts with the whole budget, the most steps of any run;
    of several still, the one with the lowest median of cross-entropy, where one that diverged
    counts as infinite; then the smallest rate.

    Parameters
    ----------
    rows : of the table ``crossed-screen``, as `study.read` returns them.

    Returns
    -------
    One setting for each learner in the table and each optimiser, in the order of `SCREEN`.

    Raises
    ------
    ValueError : unless all settings of `SCREEN` were tried with a learner, or none of them, and all
        on the same seeds.

    Chapter 11.
    """
    rows = list(rows)
    budget = max((int(row["steps"]) for row in rows), default=0)
    runs: dict[Setting, dict[str, tuple[float, float, float]]] = {}
    for row in rows:
        how = float(row["clip"]), float(row["learning_rate"])
        learned, entropy = int(row["learned"]), float(row["cross_entropy"])
        runs.setdefault((row["cell"], row["rule"], row["optimiser"], *how), {})[row["seed"]] = (
            learned,
            int(row["steps"]) if learned else budget,
            np.inf if np.isnan(entropy) else entropy,
        )
    learners = [learner for learner in LEARNERS if any(it[:2] == learner for it in runs)]
    whole = {setting for setting in SCREEN if setting[:2] in learners}
    if set(runs) != whole or len({frozenset(seeds) for seeds in runs.values()}) != 1:
        raise ValueError("a screen needs all its settings, each tried on the same seeds")

    def demerits(setting: Setting) -> tuple[float, ...]:
        learned, steps, entropy = np.array(list(runs[setting].values())).T
        return -learned.sum(), np.median(steps), np.median(entropy), setting[-1]

    chosen: dict[tuple, Setting] = {}
    for setting in sorted(runs, key=demerits):
        chosen.setdefault(setting[:-1], setting)
    return tuple(chosen[(*learner, *how)] for learner in learners for how in OPTIMISERS)


STUDIES = {
    "crossed-screen": Study(
        "LSTM and simple network, by two rules and four optimisers, at four learning rates each",
        crossed,
        Crossed,
        range(20_000, 20_004),
        SCREEN,
    ),
    "crossed": Study(
        "LSTM and simple network, by two rules and four optimisers, each at its best learning rate",
        crossed,
        Crossed,
        range(16),
        CHOSEN,
    ),
}
"""Studies by name."""
