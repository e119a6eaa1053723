"""Finer time: more steps a bar, notes that end, inputs around zero, notes instead of slices.

What the paper leaves open in sections 2.2 and 5.1, and chapter 13 (Finer time) measures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Literal, NamedTuple

import numpy as np

from ... import limits
from ...arguments import array, checked, expect_shape, one_of, real, several, whole
from ...machine import kernel
from ...machine.network import Network, Topology, Voice
from ...machine.training import RECOMMENDED, RECOMMENDED_2, Episode, Recipe, Result, train
from ...music.articulation import Begins, Ends
from ...music.blues import FORMS, MELODY_PITCHES, TWELVE_BAR, Note, chord_notes
from ...music.encoding import CHORDS_ONLY, Encoding
from ...playing.composing import free_run, hear, keeps_form
from ..experiments import Experiment1, Study, choruses, compiled, digest, experiment_1
from .controls import Hold, hold, shaped
from .crossed import BEST, OPTIMISERS

# ---- Sixteen and thirty-two steps a whole note ---------------------------------------------------

BLOCKS = 16
"""Blocks of one cell each, which learned all three sixteenths and all three songs with a bridge in
the study of shapes; gate biases as recommended, over and over."""

FINER_FORMS = ("our blues in sixteenths", "our blues in thirty-seconds")
"""Keys of `blues.FORMS`: 192 and 384 steps a chorus."""

FINER_STEPS = 100_000_000
"""Steps after which a learner of finer time is given up."""

Finer = NamedTuple("Finer", [("form", str), *Experiment1.__annotations__.items()])
"""A row of the study of finer time: the form, then the columns of `Experiment1`."""


@checked
def finer_recipe() -> Recipe:
    """The recommended recipe for sixteen blocks of one cell, with more time. Chapter 13."""
    return replace(shaped(BLOCKS, 1), give_up_after=FINER_STEPS)


@checked(form=one_of(*FINER_FORMS), seed=whole(0))
def finer(form: str, seed: int) -> Finer:
    """Train Experiment 1 in finer steps. Section 5.1; chapter 13."""
    return Finer(form, *experiment_1(finer_recipe(), seed, FORMS[form]))


# ---- Notes that end, notes that begin ------------------------------------------------------------

WAYS = {
    "ends": Ends(Encoding(rest=True), grid=16),
    "begins": Begins(grid=8, each="voice"),
}
"""How Experiment 2 hears where its notes end. Ends need sixteenths; beginnings can be marked on the
paper's grid of eighths."""

_WAY = one_of(*WAYS)
_NUMBERS = several(whole(0, TWELVE_BAR.choruses - 1), some=True)

AFTER = 6_000_000
"""Steps that the melody learns on after the chords are learned."""

JUDGED = 200
"""Choruses that are composed, and that are held out, to judge a network by."""

LISTENED = 4
"""Choruses that a network hears before it is judged."""


@cache
def _parts(way: str) -> tuple[np.ndarray, tuple[tuple[np.ndarray, ...], ...]]:
    """What the chords and their marks are in a chorus, and the melody's in each phrase of a bar."""
    how, bar = WAYS[way], TWELVE_BAR.steps_per_bar
    steps, chords = how.grid, chord_units(way)
    form = how.encode(chord_notes(TWELVE_BAR), TWELVE_BAR.bars * steps, grid=bar)[:, :chords]

    def phrase(pitches: Sequence[int]) -> np.ndarray:
        length = bar // len(pitches)
        notes = [Note(pitch, place * length, length) for place, pitch in enumerate(pitches)]
        return how.encode(notes, steps, grid=bar)[:, chords:]

    return form, tuple(tuple(map(phrase, choices)) for choices in TWELVE_BAR.segments)


@checked(way=_WAY)
def chord_units(way: str) -> int:
    """How many units, the first ones, are the chords' and their marks. Chapter 13."""
    how = WAYS[way]
    return how.encoding.chord_units.stop if isinstance(how, Ends) else how.chord_begins.stop


@checked(way=_WAY)
def marked_form(way: str) -> np.ndarray:
    """The chords of one chorus with their ends or beginnings, ``(steps, units)``. Chapter 13."""
    return _parts(way)[0]


@checked(way=_WAY, numbers=_NUMBERS)
def marked_rolls(way: str, numbers: Sequence[int]) -> np.ndarray:
    """Choruses with their ends or beginnings, shape ``(choruses, steps, units)``. Chapter 13."""
    form, phrases = _parts(way)
    steps, bars = WAYS[way].grid, TWELVE_BAR.bars
    heard = np.zeros((len(numbers), len(form), WAYS[way].units))
    heard[:, :, : form.shape[1]] = form
    for bar, choices in enumerate(phrases):
        chosen = (np.asarray(numbers) >> (bars - 1 - bar)) & 1
        heard[:, bar * steps : (bar + 1) * steps, form.shape[1] :] = np.stack(choices)[chosen]
    return heard


@checked(way=_WAY)
def marked_recipe(way: str) -> Recipe:
    """Experiment 2's recommended recipe for another encoding of the notes. Chapter 13.

    In sixteenths the chord voice is that of `finer_recipe`. Where beginnings are marked, the
    melody's mark has a small voice of its own: the melody draws one pitch a step, and the mark is
    on or off besides.
    """
    how, units = WAYS[way], chord_units(way)
    base = finer_recipe() if how.grid > TWELVE_BAR.steps_per_bar else RECOMMENDED
    melody, learning = RECOMMENDED_2.topology.voices[1], RECOMMENDED_2.voices[1]
    voices = [replace(base.topology.voices[0], inputs=units)]
    learns = [base.voices[0]]
    if isinstance(how, Ends):
        voices.append(replace(melody, inputs=how.units - units))
        learns.append(learning)
    else:
        mark = Voice("mark", 1, (1, 1), reads=("chords",))
        voices += [replace(melody, inputs=how.units - units - 1), mark]
        learns += [learning, replace(learning, **dict.fromkeys(_BIASES, (-0.5, -1.0)))]
    return replace(
        RECOMMENDED_2,
        topology=Topology(tuple(voices)),
        voices=tuple(learns),
        window=AFTER,
        windows=1,
    )


_BIASES = ("input_gate_bias", "forget_gate_bias", "output_gate_bias")


class NoteEnds(NamedTuple):
    """A row of the study of note ends.

    way : see `WAYS`. seed : of the training. learned : 1 if the chords, with their ends or
    beginnings, passed their test. learned_at : after so many steps, 0 if they did not. steps :
    trained in all. seconds : of processor time, tests included, compilation not. wrong_steps : in
    `JUDGED` choruses of free composition, steps with a wrong chord, or with a wrong end or
    beginning of one. wrong_bars : bars of it of which the melody is not, with its ends or
    beginnings, a phrase of that bar. nats : surprise at held-out choruses, mean of a chorus, marks
    included. weights : the first digits of a SHA-256 of the weights.
    """

    way: str
    seed: int
    learned: int
    learned_at: int
    steps: int
    seconds: float
    wrong_steps: int
    wrong_bars: int
    nats: float
    weights: str


@checked(way=_WAY, seed=whole(0))
def train_marked(way: str, seed: int) -> tuple[Result, float]:
    """Train Experiment 2 on marked notes: the result, and the seconds it took. Chapter 13."""
    recipe = marked_recipe(way)
    test = keeps_form(marked_form(way), recipe.choruses, voice="chords")
    heard = marked_rolls(way, choruses().training)
    compiled(recipe, heard, test)
    started = time.process_time()
    result = train(replace(recipe, seed=seed), heard, test, progress=False)
    return result, round(time.process_time() - started, 2)


@checked(way=_WAY, length=whole(1, limits.CHORUSES), seed=whole(0))
def compose_marked(way: str, network: Network, length: int, seed: int) -> np.ndarray:
    """Let a network hear some choruses, then improvise so many of its own. Chapter 13.

    Returns
    -------
    A roll, shape ``(length * steps, units)``: to be read by the way's ``decode``.
    """
    before = marked_rolls(way, choruses().training[:LISTENED])
    first = marked_rolls(way, choruses().training[LISTENED : LISTENED + 1])[0, :1]
    state = hear(network, np.concatenate(before))
    rng = np.random.default_rng((2, seed))
    return free_run(network, first, length * before.shape[1], rng, state=state)


@checked(way=_WAY, roll=array("steps", "units"))
def wrong_parts(way: str, roll: np.ndarray) -> tuple[int, int]:
    """Steps with wrong chords or marks, and bars that are no phrase. Chapter 13."""
    form, phrases = _parts(way)
    heard = roll.reshape(-1, TWELVE_BAR.bars, WAYS[way].grid, roll.shape[1])
    chords = heard[..., : form.shape[1]].reshape(-1, *form.shape)
    wrong = int((chords != form).any(axis=2).sum())
    no_phrase = 0
    for bar, choices in enumerate(phrases):
        bars = heard[:, bar, :, form.shape[1] :]
        no_phrase += int((~np.any([(bars == it).all(axis=(1, 2)) for it in choices], axis=0)).sum())
    return wrong, no_phrase


@checked(way=_WAY)
def marked_surprise(way: str, network: Network) -> float:
    """Surprise at held-out choruses, nats a chorus: notes and their marks. Chapter 13."""
    heard = marked_rolls(way, choruses().held_out[: JUDGED + 1])
    heard = heard.reshape(-1, heard.shape[2])
    said, came = kernel.predict(network, heard)[:-1], heard[1:]
    nats, start = np.zeros(len(came)), chord_units(way)
    for voice in network.topology.voices[1:]:
        chance, on = said[:, start : start + voice.inputs], came[:, start : start + voice.inputs]
        if voice.choice == "sample":
            nats -= np.log((chance * on).sum(axis=1) / chance.sum(axis=1))
        else:
            nats -= np.log(np.where(on > 0, chance, 1.0 - chance)).sum(axis=1)
        start += voice.inputs
    length = TWELVE_BAR.bars * WAYS[way].grid
    return round(float(nats[-JUDGED * length :].sum() / JUDGED), 4)


@checked(way=_WAY, seed=whole(0))
def note_ends(way: str, seed: int) -> NoteEnds:
    """Train Experiment 2 on notes whose ends can be told, then judge it. Chapter 13."""
    result, seconds = train_marked(way, seed)
    return NoteEnds(
        way,
        seed,
        int(result.learned),
        result.learned_at,
        result.steps,
        seconds,
        *wrong_parts(way, compose_marked(way, result.network, JUDGED, seed)),
        marked_surprise(way, result.network),
        digest(result.network),
    )


# ---- Inputs around zero --------------------------------------------------------------------------

SCALES = (
    ("zeros and ones", 2e-4),
    ("around zero", 2e-4),
    ("around zero", 5e-5),
)
"""What the network hears, and its learning rate: the recommended one, and a quarter of it, since
inputs with a deviation of 1 are two to four times as large."""

SCALED_STEPS = 10_000_000
"""Steps after which such a learner is given up."""


class Scaled(NamedTuple):
    """A row of the study of inputs around zero.

    inputs : ``zeros and ones``, or ``around zero``, with mean 0 and deviation 1 over a chorus.
    learning_rate : of the training. seed : of it. learned, steps, seconds, weights : as in
    `Experiment1`; the weights are those for zeros and ones, see `unscaled`.
    """

    inputs: str
    learning_rate: float
    seed: int
    learned: int
    steps: int
    seconds: float
    weights: str


@checked(mean=array("inputs", finite=True), deviation=array("inputs", finite=True))
def unscaled(network: Network, mean: np.ndarray, deviation: np.ndarray) -> Network:
    """The network that does with raw inputs what another does with ``(inputs - mean) / deviation``.

    Both are the same function: means go into the biases, deviations into the weights.

    Raises
    ------
    ValueError : if there is not one of each for every input, or a deviation is not above 0.

    Chapter 13.
    """
    t, parts = network.topology, []
    expect_shape("mean", mean, (t.inputs,))
    if not (deviation > 0).all():
        raise ValueError(f"deviation: expected numbers above 0, got {deviation.min():g}")
    for weights in (network.hidden, network.output):
        folded = weights.copy()
        folded[:, : t.inputs] /= deviation
        folded[:, -1] -= folded[:, : t.inputs] @ mean
        parts.append(folded)
    return Network(t, *parts)


@checked(learning_rate=real(0), seed=whole(0))
def scaled(
    inputs: Literal["zeros and ones", "around zero"], learning_rate: float, seed: int
) -> Scaled:
    """Train Experiment 1 on inputs around zero, or as they are. Section 2.2; chapter 13."""
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    mean, deviation = np.zeros(roll.shape[1]), np.ones(roll.shape[1])
    if inputs == "around zero":
        mean, deviation = roll.mean(axis=0), roll.std(axis=0)
        deviation[deviation == 0] = 1.0
    heard = [Episode((roll - mean) / deviation, np.roll(roll, -1, axis=0))]
    learning = replace(RECOMMENDED.voices[0], learning_rate=learning_rate)
    recipe = replace(RECOMMENDED, voices=(learning,), give_up_after=SCALED_STEPS)
    plays = keeps_form(roll, recipe.choruses)
    result, seconds = _timed(recipe, heard, lambda it: plays(unscaled(it, mean, deviation)), seed)
    return Scaled(
        inputs,
        learning_rate,
        seed,
        int(result.learned),
        result.steps,
        seconds,
        digest(unscaled(result.network, mean, deviation)),
    )


def _timed(
    recipe: Recipe, heard: np.ndarray | list[Episode], test: Callable[[Network], int], seed: int
) -> tuple[Result, float]:
    compiled(recipe, heard, test)
    started = time.process_time()
    result = train(replace(recipe, seed=seed), heard, test, progress=False)
    return result, round(time.process_time() - started, 2)


# ---- Slices of time, or notes --------------------------------------------------------------------

TRIPLETS = Ends(Encoding((), MELODY_PITCHES, rest=True), grid=24, shortest=12)
"""A grid that holds eighths, triplets of eighths and their ends."""

_C, _E, _F, _G, _B, _REST = 60, 63, 65, 67, 70, 0
_OPENING = ((_C, 6), (_E, 3), (_F, 3), (_G, 2), (_B, 2), (_G, 2), (_REST, 6))
LICK = (
    *_OPENING,
    *((_F, 6), (_E, 3), (_C, 3), (_REST, 6), (_C, 2), (_E, 2), (_F, 2)),
    *_OPENING,
    *((_G, 3), (_F, 3), (_E, 6), (_C, 12)),
)
"""Four bars with quarters, eighths, triplets and rests: pitches (0 for a rest), and durations in
steps of 1/24. Bars 1 and 3 are the same, and what follows them is not."""

DURATIONS = tuple(sorted({duration for _, duration in LICK}))


@checked
def lick_notes() -> tuple[Note, ...]:
    """The four bars as notes, in steps of 1/24. Chapter 13."""
    onsets = np.cumsum([0, *(duration for _, duration in LICK)])
    events = zip(LICK, onsets[:-1], strict=True)
    return tuple(Note(pitch, int(at), duration) for (pitch, duration), at in events if pitch)


@checked
def lick_roll(time_as: Literal["slices", "notes"]) -> np.ndarray:
    """The four bars, a row for each slice of time or for each note and rest. Chapter 13.

    Parameters
    ----------
    time_as : ``"slices"``: shape ``(96, 14)``, ends marked; or ``"notes"``: ``(25, 18)``, a unit
        for each pitch, one for the rest, and one for each of the four durations.
    """
    encoding = TRIPLETS.encoding
    if time_as == "slices":
        return TRIPLETS.encode(lick_notes(), sum(duration for _, duration in LICK))
    roll = np.zeros((len(LICK), encoding.units + len(DURATIONS)))
    for row, (pitch, duration) in zip(roll, LICK, strict=True):
        row[encoding.melody.index(pitch) if pitch else encoding.units - 1] = 1.0
        row[encoding.units + DURATIONS.index(duration)] = 1.0
    return roll


AS = (("slices", 8), ("notes", 8), ("notes", 1))
"""What a step is, and how many gross errors are forgiven: 25 notes are a short loop, in which eight
wrong ones are a third of it."""

AS_STEPS = 20_000_000
"""Steps after which a learner of the four bars is given up."""


class TimeAs(NamedTuple):
    """A row of the study of slices and notes.

    time_as : ``slices`` of a twenty-fourth, or ``notes`` with durations. forgiven : gross errors,
    the last of which resets. seed, learned, steps, seconds, weights : as in `Experiment1`.
    """

    time_as: str
    forgiven: int
    seed: int
    learned: int
    steps: int
    seconds: float
    weights: str


@checked(forgiven=whole(0), seed=whole(0))
def time_as(time_as: Literal["slices", "notes"], forgiven: int, seed: int) -> TimeAs:
    """Learn four bars in slices of time or note by note. Section 2.2; chapter 13."""
    roll = lick_roll(time_as)
    base = replace(finer_recipe(), forgiven=forgiven, give_up_after=AS_STEPS)
    voice = replace(base.topology.voices[0], name="melody", inputs=roll.shape[1])
    recipe = replace(base, topology=Topology((voice,)))
    result, seconds = _timed(recipe, roll, keeps_form(roll, recipe.choruses), seed)
    return TimeAs(
        time_as,
        forgiven,
        seed,
        int(result.learned),
        result.steps,
        seconds,
        digest(result.network),
    )


# ---- Plain networks in finer time ----------------------------------------------------------------

_BEST = OPTIMISERS[-1]
PLAIN = ("simple", "bptt", *_BEST, BEST["simple", "bptt"][OPTIMISERS.index(_BEST)])
"""Cell, rule, optimiser, clip and rate: the plain network that learned most often of all in the
studies of chapter 11."""

STUDIES = {
    "finer-time": Study(
        "Experiment 1 with sixteen blocks in finer steps, at most 100 million of them",
        finer,
        Finer,
        range(1_300, 1_316),
        tuple((form,) for form in FINER_FORMS),
    ),
    "finer-plain": Study(
        "plain networks on our blues in sixteenths, at most 12 million steps",
        hold,
        Hold,
        range(1_300, 1_316),
        ((FINER_FORMS[0], *PLAIN),),
    ),
    "note-ends": Study(
        "Experiment 2 with ends or beginnings of notes, 6 million steps after the chords",
        note_ends,
        NoteEnds,
        range(1_300, 1_316),
        tuple((way,) for way in WAYS),
    ),
    "around-zero": Study(
        "Experiment 1 with inputs of mean 0 and deviation 1, at most 10 million steps",
        scaled,
        Scaled,
        range(1_300, 1_316),
        SCALES,
    ),
    "slices-or-notes": Study(
        "four bars with triplets and rests in slices of time or note by note, at most 20 million "
        "steps",
        time_as,
        TimeAs,
        range(1_300, 1_316),
        AS,
    ),
}
"""Studies by name."""
