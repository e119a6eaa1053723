"""What learning the chords depends on: the questions that chapter 11 puts to Experiment 1.

Each study changes one thing in the recommended recipe and leaves the rest as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ...arguments import checked
from ...machine.network import Network
from ...machine.training import RECOMMENDED, STAIRCASE, Diverged, Recipe, train
from ...music.blues import FORMS, TWELVE_BAR, Form
from ...music.encoding import CHORDS_ONLY
from ...playing.composing import keeps_form, recall
from ..experiments import HELD_CHORUSES, Experiment1, Study, compiled, experiment_1


class Attempt(NamedTuple):
    """How one training of Experiment 1 ended.

    learned : 1 if it passed its stopping test. diverged : 1 if its weights did not stay finite.
    steps : trained, to success or until it was given up. seconds : of processor time, tests
    included, compilation not. choruses : played without a wrong note at the last test, at most
    what it asks.
    """

    learned: int
    diverged: int
    steps: int
    seconds: float
    choruses: int


@checked
def attempt(recipe: Recipe, seed: int) -> Attempt:
    """Train Experiment 1 from one seed, ready for what does not go well. Chapter 11."""
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    test = keeps_form(roll, recipe.choruses)
    compiled(recipe, roll, test)
    started = time.process_time()
    try:
        result = train(replace(recipe, seed=seed), roll, test, progress=False)
    except Diverged as error:
        return Attempt(0, 1, error.step, round(time.process_time() - started, 2), 0)
    seconds = round(time.process_time() - started, 2)
    return Attempt(int(result.learned), 0, result.steps, seconds, int(result.curve.choruses[-1]))


# ---- "Under a wide range of learning rates and momentum rates" -----------------------------------

RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
MOMENTA = (0.0, 0.5, 0.9, 0.97, 0.99)

SLOW, SLOW_STEPS, RATE_STEPS = 3e-5, 50_000_000, 25_000_000
"""Rates up to the first are given the second number of steps, larger ones the third."""

Rates = NamedTuple(
    "Rates",
    [
        ("learning_rate", float),
        ("momentum", float),
        ("seed", int),
        *Attempt.__annotations__.items(),
    ],
)
"""A row of the study of learning rates: what is varied, then `Attempt`'s columns."""


@checked
def rates(learning_rate: float, momentum: float, seed: int) -> Rates:
    """Train with another learning rate and momentum. Section 3.3; chapter 11."""
    voices = (replace(RECOMMENDED.voices[0], learning_rate=learning_rate, momentum=momentum),)
    steps = SLOW_STEPS if learning_rate <= SLOW else RATE_STEPS
    recipe = replace(RECOMMENDED, voices=voices, give_up_after=steps)
    return Rates(learning_rate, momentum, seed, *attempt(recipe, seed))


# ---- What matters? -------------------------------------------------------------------------------

INGREDIENT_STEPS = 10_000_000
"""Steps after which an attempt with another ingredient is given up."""

Change = Callable[[Recipe], Recipe]


def _learning(**changes: object) -> Change:
    """Change how every voice learns."""
    return lambda recipe: replace(
        recipe, voices=tuple(replace(voice, **changes) for voice in recipe.voices)
    )


def _machine(**changes: object) -> Change:
    """Change every voice of the network."""
    return lambda recipe: replace(
        recipe,
        topology=replace(
            recipe.topology,
            voices=tuple(replace(voice, **changes) for voice in recipe.topology.voices),
        ),
    )


def _blocks(number: int, cells: int) -> Change:
    """So many blocks of so many cells, biases going on in the same stairs."""

    def change(recipe: Recipe) -> Recipe:
        down = tuple(-0.5 * (block + 1) for block in range(number))
        learning = replace(
            recipe.voices[0],
            input_gate_bias=down,
            output_gate_bias=down,
            forget_gate_bias=tuple(1.0 + block for block in range(number)),
        )
        voice = replace(recipe.topology.voices[0], blocks=(cells,) * number)
        topology = replace(recipe.topology, voices=(voice,))
        return replace(recipe, topology=topology, voices=(learning,))

    return change


def _gross(wrong: float, forgiven: int) -> Change:
    """Another size of error counts as gross, and another number of them is forgiven."""
    return lambda recipe: _learning(wrong=wrong)(replace(recipe, forgiven=forgiven))


NEVER_FORGET = 1000.0
"""A forget gate with this bias is 1 to the last bit and its slope is 0: there is none."""

INGREDIENTS: dict[tuple[str, str], Change] = {
    ("recommended", "nothing changed"): lambda recipe: recipe,
    ("gross error", "off by 0.3: the 8th resets"): _gross(0.3, 8),
    ("gross error", "off by 0.7: the 8th resets"): _gross(0.7, 8),
    ("gross error", "off by 0.9: the 8th resets"): _gross(0.9, 8),
    ("gross error", "off by 0.9: the 3rd resets"): _gross(0.9, 3),
    ("gross error", "off by 0.9: the 1st resets"): _gross(0.9, 1),
    ("forget gates", "-0.5 to -2 (as printed)"): _learning(forget_gate_bias=STAIRCASE),
    ("forget gates", "all 0"): _learning(forget_gate_bias=(0.0,) * 4),
    ("forget gates", "+0.5 to +2"): _learning(forget_gate_bias=tuple(-b for b in STAIRCASE)),
    ("forget gates", "all +2.5"): _learning(forget_gate_bias=(2.5,) * 4),
    ("forget gates", "none"): _learning(forget_gate_bias=(NEVER_FORGET,) * 4),
    ("input and output gates", "all -1.25"): _learning(
        input_gate_bias=(-1.25,) * 4, output_gate_bias=(-1.25,) * 4
    ),
    ("input and output gates", "all 0"): _learning(
        input_gate_bias=(0.0,) * 4, output_gate_bias=(0.0,) * 4
    ),
    ("peepholes", "every gate sees its cells"): _machine(peepholes=True),
    ("first weights", "within 0.005"): _learning(initial_range=0.005),
    ("first weights", "within 0.05"): _learning(initial_range=0.05),
    ("first weights", "within 0.1"): _learning(initial_range=0.1),
    ("first weights", "within 0.3"): _learning(initial_range=0.3),
    ("squashing", "g to 2"): _machine(g=(-2.0, 2.0)),
    ("squashing", "g to 4"): _machine(g=(-4.0, 4.0)),
    ("squashing", "h to 2"): _machine(h=(-2.0, 2.0)),
    ("size", "1 block of 8"): _blocks(1, 8),
    ("size", "2 blocks of 2"): _blocks(2, 2),
    ("size", "2 blocks of 4"): _blocks(2, 4),
    ("size", "4 blocks of 1"): _blocks(4, 1),
    ("size", "8 blocks of 1"): _blocks(8, 1),
    ("size", "6 blocks of 2"): _blocks(6, 2),
    ("size", "8 blocks of 2"): _blocks(8, 2),
}
"""One change each to the recommended recipe, by what is changed and how."""

Ingredient = NamedTuple(
    "Ingredient",
    [("ingredient", str), ("change", str), ("seed", int), *Attempt.__annotations__.items()],
)
"""A row of the study of ingredients: what is varied, then `Attempt`'s columns."""


@checked
def ingredient(name: str, change: str, seed: int) -> Ingredient:
    """Train with one ingredient changed. Chapter 11."""
    recipe = replace(RECOMMENDED, give_up_after=INGREDIENT_STEPS)
    return Ingredient(name, change, seed, *attempt(INGREDIENTS[name, change](recipe), seed))


# ---- Other progressions --------------------------------------------------------------------------

OfForm = NamedTuple("OfForm", [("form", str), *Experiment1.__annotations__.items()])
"""A row of the study of forms: the key in `blues.FORMS`, then the columns of `Experiment1`."""


@checked
def of_form(name: str, seed: int) -> OfForm:
    """Train Experiment 1 on another progression. Section 2.3; chapter 11."""
    form: Form = FORMS[name]
    return OfForm(name, *experiment_1(RECOMMENDED, seed, form))


# ---- "Once it can play one cycle it can play any number" -----------------------------------------

ASKED = (1, 2, 3, 5, 10, 30, 100, 300, 1000)
"""Choruses in a row that training might have been stopped at."""

Cycles = NamedTuple(
    "Cycles",
    [("seed", int), ("learned", int), ("steps", int), ("seconds", float)]
    + [(f"after_{asked}", int) for asked in ASKED],
)
"""A row of the study of stopping tests.

seed, learned, steps, seconds : as in `Experiment1`. after_1 and so on : choruses that the network
plays without a wrong note, at most 10,000, at the first test at which it plays so many; 10,000 also
where its state is proven to return; 0 if there was no such test.
"""


@checked
def cycles(seed: int) -> Cycles:
    """Train until 1,000 choruses are right, and see what an earlier stop would have got.

    Training does not depend on when it is tested, so each stopping rule would have left the network
    as it was at the first test that passed it. Section 3.3; chapter 11.
    """
    roll, played = CHORDS_ONLY.form_roll(TWELVE_BAR), dict.fromkeys(ASKED, 0)

    def test(network: Network) -> int:
        kept = recall(network, roll, HELD_CHORUSES)
        choruses = HELD_CHORUSES if kept.period else kept.steps // len(roll)
        for asked in ASKED:
            if choruses >= asked and not played[asked]:
                played[asked] = choruses
        return choruses

    compiled(RECOMMENDED, roll, keeps_form(roll, 1))
    started = time.process_time()
    result = train(replace(RECOMMENDED, seed=seed), roll, test, progress=False)
    seconds = round(time.process_time() - started, 2)
    return Cycles(seed, int(result.learned), result.steps, seconds, *played.values())


# ---- Resets, or beginnings? ----------------------------------------------------------------------

RESTARTS = tuple((forgiven, restart) for forgiven in (0, 8) for restart in (0, 1, 3, 10, 30, 100))
"""Gross errors up to a reset (0: never reset), and choruses in a row before one begins anew."""

RESTART_STEPS = 10_000_000
"""Steps after which a training of this study is given up."""

Restarts = NamedTuple(
    "Restarts",
    [("forgiven", int), ("restart", int), ("seed", int), *Attempt.__annotations__.items()],
)
"""A row of the study of restarts: what is varied, then `Attempt`'s columns."""


@checked
def restarts(forgiven: int, restart: int, seed: int) -> Restarts:
    """Train with resets at errors, with beginnings now and then, with both or neither.

    Section 3.1; chapter 11.
    """
    recipe = replace(RECOMMENDED, forgiven=forgiven, restart=restart, give_up_after=RESTART_STEPS)
    return Restarts(forgiven, restart, seed, *attempt(recipe, seed))


STUDIES = {
    "rates": Study(
        "Experiment 1 with other learning rates and momenta, at most 25 million steps "
        "(rates up to 3e-5: 50)",
        rates,
        Rates,
        range(400, 404),
        tuple((rate, momentum) for rate in RATES for momentum in MOMENTA),
    ),
    "ingredients": Study(
        "Experiment 1 with one ingredient of the recipe changed, at most 10 million steps",
        ingredient,
        Ingredient,
        range(500, 532),
        tuple(INGREDIENTS),
    ),
    "restarts": Study(
        "Experiment 1 with resets at gross errors, with beginnings from a cleared state now and "
        "then, with both or neither, at most 10 million steps",
        restarts,
        Restarts,
        range(620, 636),
        RESTARTS,
    ),
    "forms": Study(
        "Experiment 1 on other progressions, at most 25 million steps",
        of_form,
        OfForm,
        range(600, 616),
        tuple((name,) for name in FORMS),
    ),
    "cycles": Study(
        "Experiment 1, stopped when it plays 1 to 1,000 choruses: how many more can it play?",
        cycles,
        Cycles,
        range(700, 800),
    ),
}
"""Studies by name."""
