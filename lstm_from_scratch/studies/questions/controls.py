"""Which part decides? Controls to what chapters 3, 7 and 11 conclude.

Each study takes an explanation apart: what of the printed start makes learning slow, whether it is
blocks or cells that a form needs, which recipe learns forms of one bar to thirty-two, and whether
plain networks fail where the paper says they must.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ...arguments import checked
from ...machine.network import Topology
from ...machine.training import PAPER, RECOMMENDED, STAIRCASE, Recipe
from ...music.blues import FORMS, Form
from ...playing.recommending import recommend
from ..experiments import Experiment1, Study, experiment_1
from .crossed import BEST, CLIP, OPTIMISERS, Crossed, crossed

# ---- Why is the printed recipe slow? -------------------------------------------------------------

FORGET_BIASES = {
    "printed": STAIRCASE,
    "turned": tuple(-bias for bias in STAIRCASE),
    "open": RECOMMENDED.voices[0].forget_gate_bias,
}
"""Where the forget gates begin: as printed, with the sign turned, as we recommend."""

OPENED = (
    ("turned", 2.0, 0.1),
    ("turned", 1.0, 0.1),
    ("turned", 2.0, 0.02),
    ("turned", 1.0, 0.02),
    ("open", 2.0, 0.1),
    ("open", 1.0, 0.02),
)
CLOSED = (
    ("printed", 1.0, 0.1),
    ("printed", 2.0, 0.02),
    ("printed", 1.0, 0.02),
)
STARTS = OPENED + CLOSED
"""Forget biases, the range of g to either side, that of the first weights: each changed alone and
with the others. As printed ("printed", 2.0, 0.1) is the study ``experiment-1-paper``."""

Start = NamedTuple(
    "Start",
    [("forget", str), ("g", float), ("reach", float), *Experiment1.__annotations__.items()],
)
"""A row of the study of starts: what is varied, see `STARTS`, then `Experiment1`'s columns."""


@checked
def begun(forget: str, g: float, reach: float) -> Recipe:
    """The printed recipe, begun otherwise; rate, momentum and resets stay. Chapter 11."""
    (voice,), (learning,) = PAPER.topology.voices, PAPER.voices
    learning = replace(learning, forget_gate_bias=FORGET_BIASES[forget], initial_range=reach)
    return replace(PAPER, topology=Topology((replace(voice, g=(-g, g)),)), voices=(learning,))


@checked
def start(forget: str, g: float, reach: float, seed: int) -> Start:
    """Train Experiment 1 at the paper's learning rate from another start.

    Section 3.1; chapter 11.
    """
    return Start(forget, g, reach, *experiment_1(begun(forget, g, reach), seed))


# ---- Blocks or cells? ----------------------------------------------------------------------------

SHAPES = ((1, 8), (2, 4), (4, 2), (8, 1), (1, 16), (2, 7), (4, 3), (16, 1))
"""Blocks, and cells of each. The first four have eight cells in all; 1 x 16, 2 x 7 and 4 x 3 have
about as many weights as 8 x 1, which has a gate of each kind for every cell: 864 to 924."""

SHAPED_FORMS = (
    "our blues",
    "plain blues",
    "minor blues",
    "our blues in sixteenths",
    "song with bridge",
)
"""Forms that each of these networks is given; keys of `blues.FORMS`."""

Shape = NamedTuple(
    "Shape",
    [("form", str), ("blocks", int), ("cells", int), *Experiment1.__annotations__.items()],
)
"""A row of the study of shapes: the form, the network, then `Experiment1`'s columns."""


@checked
def shaped(blocks: int, cells: int) -> Recipe:
    """The recommended recipe for another number of blocks, of so many cells each.

    Gate biases are those of the recommended four blocks: over and over for more blocks, evenly
    spread between the first and the last for fewer, the middle for one. Chapter 11.
    """

    def stairs(biases: tuple[float, ...]) -> tuple[float, ...]:
        if blocks >= len(biases):
            return tuple(biases[block % len(biases)] for block in range(blocks))
        if blocks == 1:
            return (float(np.mean(biases)),)
        return tuple(float(bias) for bias in np.linspace(biases[0], biases[-1], blocks))

    (voice,), (learning,) = RECOMMENDED.topology.voices, RECOMMENDED.voices
    learning = replace(
        learning,
        input_gate_bias=stairs(learning.input_gate_bias),
        forget_gate_bias=stairs(learning.forget_gate_bias),
        output_gate_bias=stairs(learning.output_gate_bias),
    )
    voice = replace(voice, blocks=(cells,) * blocks)
    return replace(RECOMMENDED, topology=Topology((voice,)), voices=(learning,))


@checked
def shape(form: str, blocks: int, cells: int, seed: int) -> Shape:
    """Train Experiment 1 on a form with a network of another shape. Section 3.1; chapter 11."""
    return Shape(form, blocks, cells, *experiment_1(shaped(blocks, cells), seed, FORMS[form]))


# ---- A form of one's own -------------------------------------------------------------------------

OWN_FORMS = {
    "one chord": Form("one bar", ("C7",)),
    "two bars": Form("two bars", ("C7", "G7")),
    "three bars": Form("three bars", ("C", "G7", "C")),
    "four bars": Form("four bars", ("C", "Am", "F", "G")),
    "four bars, two chords": Form("four bars, two chords", ("C", "C", "F", "F")),
    "eight bars": FORMS["eight bars"],
    "eight bars, two a chord": Form(
        "eight bars, two a chord", ("Am", "Am", "Dm", "Dm", "G", "G", "C", "C")
    ),
    "two long chords": FORMS["two long chords"],
    "our blues": FORMS["our blues"],
    "plain blues": FORMS["plain blues"],
    "minor blues": FORMS["minor blues"],
    "sixteen bars": Form(
        "sixteen bars",
        ("C", "C", "Am", "Am", "F", "F", "G", "G", "C", "C", "Am", "Am", "F", "G", "C", "C"),
    ),
    "sixteen bars in C minor": Form(
        "sixteen bars in C minor",
        (
            *("Cm7", "Fm7", "Dm7", "G7", "Cm7", "Cm7", "Fm7", "Bb7"),
            *("Eb", "Ab", "Dm7", "G7", "Cm7", "Ab7", "G7", "Cm7"),
        ),
    ),
    "song with bridge": FORMS["song with bridge"],
}
"""Forms of one bar to thirty-two, as a reader may bring them."""

LONG, LONG_STEPS, OWN_STEPS = 192, 25_000_000, 10_000_000
"""Forms of at least the first number of steps are given up after the second, others after the
third."""

OWN_RECIPES = {
    "recommended": lambda form: RECOMMENDED,
    "recommend(form)": recommend,
    "never restarted": lambda form: replace(recommend(form), restart=0),
}
"""The recipe of the paper's form for all; one for any form; the same without beginning anew."""

OwnForm = NamedTuple(
    "OwnForm",
    [("form", str), ("recipe", str), *Experiment1.__annotations__.items()],
)
"""A row of the study of forms of one's own: form and recipe, then `Experiment1`'s columns."""


@checked
def own_form(form: str, recipe: str, seed: int) -> OwnForm:
    """Train Experiment 1 on a form that a reader may bring. Section 3.1; chapter 11."""
    own = OWN_FORMS[form]
    most = LONG_STEPS if own.steps >= LONG else OWN_STEPS
    learned_by = replace(OWN_RECIPES[recipe](own), give_up_after=most)
    return OwnForm(form, recipe, *experiment_1(learned_by, seed, own))


# ---- Long holds ----------------------------------------------------------------------------------

HOLD_STEPS = 12_000_000
"""Steps after which a learner of a form with long holds is given up."""

HOLD_FORMS = ("two long chords", "plain blues")
"""Forms in which a chord sounds for 32 steps in a row; keys of `blues.FORMS`."""

HOLD_LEARNERS = (
    ("lstm", "truncated", "momentum", float("inf")),
    ("lstm", "bptt", "momentum", CLIP),
    *(("simple", "bptt", *how) for how in OPTIMISERS),
)
"""Cell, rule, optimiser and clip; each learns at the rate that was its best on our own blues."""

Hold = NamedTuple("Hold", [("form", str), *Crossed.__annotations__.items()])
"""A row of the study of long holds: the form, then the columns of `Crossed`."""


@checked
def hold(
    form: str, cell: str, rule: str, optimiser: str, clip: float, rate: float, seed: int
) -> Hold:
    """Train an LSTM or a plain network on a form with long holds. Section 1; chapter 11."""
    return Hold(form, *crossed(cell, rule, optimiser, clip, rate, seed, HOLD_STEPS, FORMS[form]))


def _hold_settings() -> tuple[tuple[str, str, str, str, float, float], ...]:
    return tuple(
        (form, *learner, BEST[learner[:2]][OPTIMISERS.index(learner[2:])])
        for form in HOLD_FORMS
        for learner in HOLD_LEARNERS
    )


STUDIES = {
    "starts-open": Study(
        "Experiment 1 at the paper's rate, at most 400 million steps, forget gates begun open",
        start,
        Start,
        range(16),
        OPENED,
    ),
    "starts-closed": Study(
        "the same with the printed forget biases: other first weights, another range of g",
        start,
        Start,
        range(16),
        CLOSED,
    ),
    "shapes": Study(
        "Experiment 1 with other numbers of blocks and cells, on five forms, at most 25 million "
        "steps",
        shape,
        Shape,
        range(800, 816),
        tuple((form, *shape) for form in SHAPED_FORMS for shape in SHAPES),
    ),
    "own-forms": Study(
        "Experiment 1 on forms of one bar to thirty-two, by one recipe for all and by one made for "
        "any, at most 10 million steps (32 bars: 25)",
        own_form,
        OwnForm,
        range(600, 616),
        tuple((form, recipe) for form in OWN_FORMS for recipe in OWN_RECIPES),
    ),
    "holds": Study(
        "LSTM and plain networks on forms with chords of 32 steps, at most 12 million steps",
        hold,
        Hold,
        range(900, 916),
        _hold_settings(),
    ),
}
"""Studies by name."""
