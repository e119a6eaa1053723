"""Experiments: what is trained and how it is judged, one row of a table from one seed.

`questions` says which of them are put to many seeds, and in which settings; `study` runs them.

Chapters 7 and 8 train with the functions of this module.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from .. import briefly
from ..arguments import (
    Kind,
    Unfit,
    array,
    check,
    checked,
    either,
    function,
    none,
    real,
    whole,
)
from ..judging import measures
from ..machine.network import Network
from ..machine.training import Episode, Recipe, Result, train
from ..music.blues import TWELVE_BAR, Form, split
from ..music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from ..playing.composing import Composer, Soloist, keeps_form, recall
from ..rivals import concert, feed_forward, simple_rnn, todd

HELD_CHORUSES = 10_000
"""Choruses of free run that a network that has learned must play without a wrong note."""


@checked
def digest(
    network: Network
    | simple_rnn.SimpleNetwork
    | feed_forward.FeedForward
    | todd.SequentialNetwork
    | concert.Concert,
) -> str:
    """The first digits of a SHA-256 of a network's weights: the same only for the same bits."""
    return hashlib.sha256(network.hidden.tobytes() + network.output.tobytes()).hexdigest()[:16]


_COMPILED: set[tuple] = set()


@checked
def compiled(
    recipe: Recipe, heard: np.ndarray | list[Episode], test: Callable[[Network], int]
) -> None:
    """Have everything compiled that a training needs, so that no row is charged for it.

    The parameters are those of `training.train`, of which one step is made. Chapter 11.
    """
    needed = recipe.topology, tuple(learning.rule for learning in recipe.voices)
    if needed not in _COMPILED:
        still = (replace(it, learning_rate=0.0, until="test") for it in recipe.voices)
        short = replace(recipe, voices=tuple(still), give_up_after=1, test_every=1)
        train(short, heard, lambda network: min(test(network), 0), progress=False)
        _COMPILED.add(needed)


class Experiment1(NamedTuple):
    """A row of a study of Experiment 1.

    seed : of the training. learned : 1 if it passed its stopping test. steps : trained, to success
    or until it was given up. seconds : of processor time, tests included, compilation not.
    first_cycle : steps after which it first played one chorus right, the paper's stopping rule; 0
    if never.
    first_cycle_choruses : how many choruses it played right at that moment, at most what the
    stopping test asks. held_choruses : played without a wrong note after training, at most 10,000.
    It is fewer than it could play where period is not 0: the run stops at the proof that it goes on
    for ever. period : choruses after which its state came back bit for bit, that proof; 0 if it did
    not. weights : the first digits of a SHA-256 of the weights.
    """

    seed: int
    learned: int
    steps: int
    seconds: float
    first_cycle: int
    first_cycle_choruses: int
    held_choruses: int
    period: int
    weights: str


@checked
def experiment_1(recipe: Recipe, seed: int, form: Form = TWELVE_BAR) -> Experiment1:
    """Train Experiment 1 from one seed, then play what it has learned. Chapters 7 and 11."""
    roll = CHORDS_ONLY.form_roll(form)
    test = keeps_form(roll, recipe.choruses)
    compiled(recipe, roll, test)
    started = time.process_time()
    result = train(replace(recipe, seed=seed), roll, test, progress=False)
    seconds = time.process_time() - started
    cycles = np.flatnonzero(result.curve.choruses)
    first = cycles[0] if len(cycles) else None
    held = recall(result.network, roll, HELD_CHORUSES)
    return Experiment1(
        seed,
        int(result.learned),
        result.steps,
        round(seconds, 2),
        0 if first is None else int(result.curve.steps[first]),
        0 if first is None else int(result.curve.choruses[first]),
        held.steps // len(roll),
        held.period,
        digest(result.network),
    )


TRAINING_SET = 1024
"""Choruses that Experiment 2 is trained on; the other 3,072 are held out."""

COMPOSED_CHORUSES = 1_000
"""Choruses that a network of Experiment 2 improvises to be judged."""


class Choruses(NamedTuple):
    """The music of Experiment 2, the same for every seed of a network.

    training, held_out : numbers of choruses, each in the order in which they are used.
    """

    training: tuple[int, ...]
    held_out: tuple[int, ...]

    def __repr__(self) -> str:
        return f"Choruses({len(self.training):,} to train on, {len(self.held_out):,} held out)"


@checked(size=whole(1))
def choruses(size: int = TRAINING_SET) -> Choruses:
    """Draw the training set, and put the choruses that are held out into a random order.

    Section 2.3; chapter 8.
    """
    rng = np.random.default_rng(2002)
    training, held_out = split(size, rng)
    return Choruses(training, tuple(int(number) for number in rng.permutation(held_out)))


@checked
def rolls(numbers: tuple[int, ...], form: Form = TWELVE_BAR) -> np.ndarray:
    """Choruses as the network hears them, shape ``(choruses, form.steps, 25)``. Chapter 8."""
    chords = CHORDS_AND_MELODY.form_roll(form)
    heard = np.tile(chords, (len(numbers), 1, 1))
    melody = measures.chorus_lines(numbers, form)[..., None] == np.array(CHORDS_AND_MELODY.melody)
    heard[..., CHORDS_AND_MELODY.melody_units] = melody
    return heard


class Improviser(NamedTuple):
    """What a network of Experiment 2 can do, in numbers; see `measures` for the terms.

    wrong_steps : in `COMPOSED_CHORUSES` choruses of free composition, steps with a wrong chord.
    nats : surprise at held-out choruses, mean of a chorus. nats_bar, nats_beat, nats_held : the
    parts of it at first steps of bars, first steps of the other beats, second steps of beats.
    held_beats, in_scale, exact_bars, in_chord : shares in the free composition.
    in_training, in_source : shares of composed choruses that are in the training set, and among
    the other choruses that the form allows.
    longest_copy : steps that a composed chorus shares with one of the training set at the most,
    mean of the first hundred choruses.
    first_chorus : as exact_bars, in the first chorus alone of a hundred other compositions.
    """

    wrong_steps: int
    nats: float
    nats_bar: float
    nats_beat: float
    nats_held: float
    held_beats: float
    in_scale: float
    exact_bars: float
    in_chord: float
    in_training: float
    in_source: float
    longest_copy: float
    first_chorus: float


@checked
def judge(
    composer: Network | Composer,
    seed: int,
    music: Choruses | None = None,
    form: Form = TWELVE_BAR,
) -> Improviser:
    """Let a network of Experiment 2, or another composer, hear what was held out, then improvise.

    The composition begins with the first quarter note of the first chorus of the training set;
    ``seed`` is of the notes drawn in it. Chapters 8 and 10.
    """
    return judge_all(composer, seed, music, form)[0]


@checked
def judge_all(
    composer: Network | Composer,
    seed: int,
    music: Choruses | None = None,
    form: Form = TWELVE_BAR,
) -> tuple[Improviser, np.ndarray]:
    """As `judge`; also the roll that was judged, `COMPOSED_CHORUSES` choruses. Chapter 10."""
    music = choruses() if music is None else music
    composer = Soloist(composer) if isinstance(composer, Network) else composer
    rng = np.random.default_rng((2, seed))

    def play(number: int, length: int) -> np.ndarray:
        steps, start = length * form.steps, rolls((number,), form)[0, :2]
        roll = composer.go_on(start, steps, rng)
        return check("composer, what it plays", roll, array(steps, start.shape[1]))

    nats = measures.surprise(composer, rolls(music.held_out, form))
    by_beat = nats.mean(axis=0).reshape(form.bars, -1, 2)
    roll = play(music.training[0], COMPOSED_CHORUSES)
    wrong = wrong_chords(roll, form)
    first = [
        measures.exact_bars(measures.melody_lines(play(number, 1), form), form)
        for number in music.held_out[:100]
    ]
    judged = Improviser(
        int(wrong.sum()),
        round(float(by_beat.sum()), 4),
        round(float(by_beat[:, 0, 0].sum()), 4),
        round(float(by_beat[:, 1:, 0].sum()), 4),
        round(float(by_beat[:, :, 1].sum()), 4),
        *shares(measures.melody_lines(roll, form), music, form),
        round(float(np.mean(first)), 4),
    )
    return judged, roll


@checked
def wrong_chords(roll: np.ndarray, form: Form = TWELVE_BAR) -> np.ndarray:
    """At which steps the chords of a composition are not the form's: bool, ``(choruses, steps)``.

    Chapters 8 and 10.
    """
    chords = roll[:, CHORDS_AND_MELODY.chord_units]
    return measures.wrong_steps(chords, CHORDS_ONLY.form_roll(form))


@checked
def shares(
    lines: np.ndarray, music: Choruses | None = None, form: Form = TWELVE_BAR
) -> tuple[float, ...]:
    """What an `Improviser` tells of its composition, of any melody lines: seven numbers.

    From held_beats to longest_copy, in that order. Chapter 8.
    """
    music = choruses() if music is None else music
    numbers = measures.chorus_numbers(lines, form)
    known = np.isin(numbers, music.training)
    copied = measures.longest_copy(lines[:100], measures.chorus_lines(music.training, form))
    parts = (
        measures.held_beats(lines),
        measures.in_scale(lines, form),
        measures.exact_bars(lines, form),
        measures.in_chord(lines, form),
        known,
        (numbers >= 0) & ~known,
        copied,
    )
    return tuple(round(float(part.mean()), 4) for part in parts)


class Experiment2(NamedTuple):
    """A row of a study of Experiment 2: training, then the columns of `Improviser`.

    seed : of the training. learned : 1 if the chords passed their test. learned_at : after so many
    steps, 0 if they did not. steps : trained in all. seconds : of processor time, tests included,
    compilation not. weights : the first digits of a SHA-256 of the weights.
    """

    seed: int
    learned: int
    learned_at: int
    steps: int
    seconds: float
    wrong_steps: int
    nats: float
    nats_bar: float
    nats_beat: float
    nats_held: float
    held_beats: float
    in_scale: float
    exact_bars: float
    in_chord: float
    in_training: float
    in_source: float
    longest_copy: float
    first_chorus: float
    weights: str


@checked
def train_2(
    recipe: Recipe, music: Choruses | None = None, form: Form = TWELVE_BAR
) -> tuple[Result, float]:
    """Train Experiment 2; the result, and the seconds of processor time that its steps took.

    Chapter 8.
    """
    music = choruses() if music is None else music
    test = keeps_form(CHORDS_ONLY.form_roll(form), recipe.choruses, voice="chords")
    heard = rolls(music.training, form)
    compiled(recipe, heard, test)
    started = time.process_time()
    result = train(recipe, heard, test, progress=False)
    return result, time.process_time() - started


@checked
def experiment_2(recipe: Recipe, seed: int) -> Experiment2:
    """Train Experiment 2 from one seed, then judge what it has learned. Chapter 8."""
    result, seconds = train_2(replace(recipe, seed=seed))
    return Experiment2(
        seed,
        int(result.learned),
        result.learned_at,
        result.steps,
        round(seconds, 2),
        *judge(result.network, seed),
        digest(result.network),
    )


def _row(value: Any) -> type:
    if not (isinstance(value, type) and issubclass(value, tuple) and hasattr(value, "_fields")):
        raise Unfit
    return value


@checked(row=Kind("a class of named tuples", _row), needs=either(function(), none()), near=real(0))
@dataclass(frozen=True)
class Study:
    """A question put to many seeds, perhaps in several settings.

    about : what is asked. run : called with a setting's values and a seed; returns a row, which
    begins with the same values. row : the type of the rows. seeds : all. settings : what is varied
    besides the seed, nothing unless given. name : what its table is called, for a study of your own
    that is handed to `study.run`; the others are named in `questions.STUDIES`. needs : called
    before anything is run; raises an OSError or ImportError where something is missing that does
    not come with the package, such as a corpus. near : how far a real number of a run that is made
    again may lie from what is stored; 0 where it must be the same to the letter. With more, only
    columns of real numbers are compared: what BLAS has multiplied may be rounded otherwise
    elsewhere.

    Raises
    ------
    ValueError : for settings of several lengths, none at all, or a row with no room for one.
    """

    about: str
    run: Callable[..., NamedTuple]
    row: type
    seeds: range
    settings: tuple[tuple[str | int | float, ...], ...] = ((),)
    name: str = ""
    needs: Callable[[], object] | None = None
    near: float = 0.0

    def __post_init__(self) -> None:
        lengths = sorted({len(setting) for setting in self.settings})
        if len(lengths) != 1:
            raise ValueError(
                "settings: expected one at least, all of as many values, got "
                f"{' and '.join(map(str, lengths)) or 'no'} values"
            )
        if len(self.row._fields) <= lengths[0]:
            raise ValueError(
                f"row: expected a column for each of {briefly.counted(lengths[0], 'value')} of a "
                f"setting, and the seed, got {', '.join(self.row._fields) or 'none'}"
            )

    def missing(self) -> str:
        """What is not here that the study needs, in a sentence; empty if it can be run."""
        try:
            if self.needs is not None:
                self.needs()
        except (OSError, ImportError) as error:
            return str(error)
        return ""

    def __repr__(self) -> str:
        settings = briefly.counted(len(self.settings), "setting")
        return f"Study({self.about!r}, {settings}, {briefly.counted(len(self.seeds), 'seed')})"
