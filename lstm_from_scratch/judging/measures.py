"""Measures: what a roll or a network is worth, in numbers.

A melody is judged as *lines*: the pitch that sounds at each step, one row a chorus, so an array of
shape ``(choruses, steps)``. Shares are of steps, beats, bars or choruses, between 0 and 1.

Chapter 7 (Experiment 1) begins with the form; chapters 8 (Experiment 2) and 10 use the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import Kind, Unfit, array, check, checked, either, instance, several, whole
from ..arrays import regular
from ..machine.network import Network
from ..music.blues import TWELVE_BAR, Form, chord_tones, segment_choices
from ..music.encoding import CHORDS_AND_MELODY, Encoding
from ..playing.composing import Composer, Soloist

_ROLL = array("played", "units", some=True)
_CHORUS = array("steps", "units", some=True)
_LINES = array("choruses", "steps")
_NUMBERS = several(whole())


@checked(roll=_ROLL, form=_CHORUS)
def wrong_steps(roll: np.ndarray, form: np.ndarray) -> np.ndarray:
    """Find which steps of which chorus differ from the form.

    Parameters
    ----------
    roll : what was played, shape ``(choruses * steps, units)``.
    form : what should have been, one chorus, shape ``(steps, units)``.

    Returns
    -------
    bool, shape ``(choruses, steps)``: True where a unit is on that should be off, or off that
    should be on.

    Raises
    ------
    ValueError : if the roll is not some whole choruses of the form's units.

    Section 3.2; chapter 7.
    """
    roll, form = np.asarray(roll), np.asarray(form)
    if form.ndim != 2 or not len(form):
        raise ValueError(f"form: expected shape (steps, units), got {form.shape}")
    if roll.ndim != 2 or roll.shape[1] != form.shape[1] or not len(roll) or len(roll) % len(form):
        raise ValueError(
            f"roll: expected whole choruses of the form, shape (choruses * {len(form)}, "
            f"{form.shape[1]}), got {roll.shape}"
        )
    return (roll.reshape(-1, *form.shape) != form).any(axis=2)


@checked(roll=_ROLL, form=_CHORUS, length=whole(1))
def in_form(roll: np.ndarray, form: np.ndarray, length: int) -> np.ndarray:
    """At which steps the last ``length`` steps are a stretch of the form, wherever it stands there.

    One who has lost the place, and plays on from another, is forgiven; the form begins anew after
    its end.

    Parameters
    ----------
    roll : what was played, shape ``(steps, units)``.
    form : one chorus, shape ``(steps of a chorus, units)``.
    length : of the stretches, 1 to the steps of the roll.

    Returns
    -------
    bool, shape ``(steps - length + 1,)``: for the steps that end a stretch.

    Raises
    ------
    ValueError : for a roll of other units, or a length out of range.

    Chapter 10.
    """
    roll, form = np.asarray(roll), np.asarray(form)
    if form.ndim != 2 or not len(form):
        raise ValueError(f"form: expected shape (steps, units), got {form.shape}")
    if roll.ndim != 2 or roll.shape[1] != form.shape[1]:
        raise ValueError(f"expected a roll of shape (steps, {form.shape[1]}), got {roll.shape}")
    if not 1 <= length <= len(roll):
        raise ValueError(f"length must be 1 to {len(roll)}, the steps of the roll, got {length}")
    _, kind = np.unique(np.concatenate([form, roll]), axis=0, return_inverse=True)
    form_kinds, roll_kinds = np.split(kind.ravel(), [len(form)])
    found = np.zeros(len(roll) - length + 1, dtype=bool)
    for start in range(len(form)):
        same = roll_kinds == np.resize(np.roll(form_kinds, -start), len(roll))
        agreed = np.concatenate([[0], np.cumsum(same)])
        found |= agreed[length:] - agreed[:-length] == length
    return found


@checked
def in_own_chord(roll: np.ndarray, encoding: Encoding = CHORDS_AND_MELODY) -> np.ndarray:
    """At which steps the note, in any octave, belongs to the chord that sounds with it: bool.

    Of shape ``(steps,)``, for a roll of shape ``(steps, units)``; False in a rest. Where the chords
    are the form's, this is `in_chord`. Chapter 10.

    Raises
    ------
    ValueError : for a roll that is not of the encoding.
    """
    roll = encoding.check(roll)
    same = np.equal.outer(np.mod(encoding.melody, 12), np.mod(encoding.chords, 12))
    chords, melody = roll[:, encoding.chord_units], _pitched(roll, encoding)
    return ((melody @ same) * chords).any(axis=1)


@checked
def melody_lines(
    roll: np.ndarray, form: Form = TWELVE_BAR, encoding: Encoding = CHORDS_AND_MELODY
) -> np.ndarray:
    """Read the melody of a roll: the pitch at each step, 0 where there is none.

    Parameters
    ----------
    roll : whole choruses, shape ``(choruses * form.steps, units)``.

    Returns
    -------
    int array of shape ``(choruses, form.steps)``.

    Raises
    ------
    ValueError : for a roll that is not of the encoding or not of whole choruses, or two melody
        notes at once.

    Chapter 8.
    """
    roll = encoding.check(roll)
    if not len(roll) or len(roll) % form.steps:
        raise ValueError(
            f"roll: expected whole choruses of {form.steps} steps, got {len(roll)} steps"
        )
    melody = _pitched(roll, encoding)
    if (melody.sum(axis=1) > 1).any():
        raise ValueError("two melody notes at once are not one line")
    return (melody @ np.array(encoding.melody)).astype(int).reshape(-1, form.steps)


def _pitched(roll: np.ndarray, encoding: Encoding) -> np.ndarray:
    """The melody units of a roll that have a pitch; a rest has none."""
    return roll[:, len(encoding.chords) : len(encoding.pitches)]


@checked(numbers=_NUMBERS)
def chorus_lines(numbers: Sequence[int], form: Form = TWELVE_BAR) -> np.ndarray:
    """The melodies of choruses by their numbers, shape ``(choruses, form.steps)``. Chapter 8.

    Raises
    ------
    ValueError : if there is no chorus of one of the numbers.
    """
    segments = _segments(form)
    choices = np.array([segment_choices(number, form) for number in numbers], dtype=int)
    choices = choices.reshape(len(numbers), form.bars)
    bars = [segments[bar][choices[:, bar]] for bar in range(form.bars)]
    return np.concatenate(bars, axis=1)


@checked(lines=_LINES)
def chorus_numbers(lines: np.ndarray, form: Form = TWELVE_BAR) -> np.ndarray:
    """Which chorus of the form each melody is, or -1: int, shape ``(choruses,)``. Chapter 8."""
    numbers = np.zeros(len(lines), dtype=int)
    for bar, played in enumerate(_bars(lines, form).transpose(1, 0, 2)):
        same = (played[:, None] == _segments(form)[bar]).all(axis=2)
        choice = np.where(same.any(axis=1), same.argmax(axis=1), -1)
        known = (numbers >= 0) & (choice >= 0)
        numbers = np.where(known, numbers * same.shape[1] + choice, -1)
    return numbers


@checked(lines=_LINES)
def exact_bars(lines: np.ndarray, form: Form = TWELVE_BAR) -> np.ndarray:
    """Which bars are one of the form's melodies for that bar: bool, ``(choruses, bars)``."""
    played = _bars(lines, form)
    return np.stack(
        [
            (played[:, bar, None] == segments).all(axis=2).any(axis=1)
            for bar, segments in enumerate(_segments(form))
        ],
        axis=1,
    )


@checked(lines=_LINES)
def held_beats(lines: np.ndarray) -> np.ndarray:
    """Which beats (two steps each) are one note held: bool, ``(choruses, beats)``. Chapter 8.

    The training set has quarter notes alone (section 2.3), so there every beat is.
    """
    if lines.shape[1] % 2:
        raise ValueError(f"lines: expected whole beats of two steps, got shape {lines.shape}")
    return lines[:, ::2] == lines[:, 1::2]


@checked(lines=array(single=True))
def in_scale(lines: np.ndarray, form: Form = TWELVE_BAR) -> np.ndarray:
    """At which steps the note belongs to the form's scale: bool, shape of ``lines``. Chapter 8."""
    return np.isin(lines, form.scale)


@checked(lines=_LINES)
def in_chord(lines: np.ndarray, form: Form = TWELVE_BAR) -> np.ndarray:
    """At which steps the note, in any octave, belongs to the chord of its bar: bool. Chapter 8."""
    shares = np.zeros(_bars(lines, form).shape, dtype=bool)
    for bar, symbol in enumerate(form.chords):
        classes = [pitch % 12 for pitch in chord_tones(symbol, form.chord_pitches)]
        played = _bars(lines, form)[:, bar]
        shares[:, bar] = np.isin(played % 12, classes) & (played > 0)
    return shares.reshape(lines.shape)


@checked(lines=_LINES, originals=array("others", "steps"))
def longest_copy(lines: np.ndarray, originals: np.ndarray) -> np.ndarray:
    """How many steps in a row each melody shares with any one original, at the same place.

    Parameters
    ----------
    lines, originals : melodies, shapes ``(choruses, steps)`` and ``(others, steps)``.

    Returns
    -------
    int array of shape ``(choruses,)``, at most ``steps``. Chapter 8.
    """
    longest = np.zeros(len(lines), dtype=int)
    for number, line in enumerate(lines):
        run = np.zeros(len(originals), dtype=int)
        for same in (originals == line).T:
            run = np.where(same, run + 1, 0)
            longest[number] = max(longest[number], run.max(initial=0))
    return longest


def _who_predicts(value: Any) -> Any:
    """Whoever says what may come next; to be surprised one need not play."""
    if isinstance(value, type) or not callable(getattr(value, "predict", None)):
        raise Unfit
    return value


@checked(
    composer=either(instance(Network), Kind("a Composer, or who predicts as one", _who_predicts)),
    rolls=array("choruses", "steps", "units", dtype=float),
)
def surprise(composer: Network | Composer, rolls: np.ndarray, voice: str = "melody") -> np.ndarray:
    """How unexpected each note is to one who hears what came before (teacher forcing).

    Parameters
    ----------
    composer : a network with a voice that plays one note at a time, or another composer.
    rolls : choruses in the order in which they are heard, shape ``(choruses, steps, inputs)``;
        the first only prepares the others, since the form is a stream.
    voice : whose notes, if it is a network; of other composers, the melody.

    Returns
    -------
    float64 array of shape ``(choruses - 1, steps)``, in nats: minus the logarithm of the output
    of the note that came, after the voice's outputs were made to sum to 1 (section 4.2). Infinite
    for a note that was thought to be impossible.

    Raises
    ------
    ValueError : for fewer than two choruses, or a step at which not exactly one note sounds.

    Chapters 8 and 10.
    """
    rolls = regular(rolls, "choruses, shape (choruses, steps, units)")
    if rolls.ndim != 3 or len(rolls) < 2:
        raise ValueError(
            f"expected at least two choruses, shape (choruses, steps, units), got {rolls.shape}"
        )
    units = CHORDS_AND_MELODY.melody_units
    if isinstance(composer, Network):
        units, composer = composer.topology.parts(voice)[0], Soloist(composer)
    heard = rolls.reshape(-1, rolls.shape[2])
    notes = heard[:, units]
    if (notes.sum(axis=1) != 1).any():
        raise ValueError(f"voice {voice!r} must have exactly one note at each step")
    outputs = composer.predict(heard)
    if not isinstance(composer, Soloist):
        outputs = check("composer, what it predicts", outputs, array(*heard.shape))
    outputs = outputs[:-1, units]
    likelihood = (outputs * notes[1:]).sum(axis=1) / outputs.sum(axis=1)
    steps = rolls.shape[1]
    with np.errstate(divide="ignore"):
        return -np.log(likelihood[steps - 1 :]).reshape(-1, steps)


@checked(numbers=_NUMBERS)
def source_surprise(numbers: Sequence[int], form: Form = TWELVE_BAR) -> np.ndarray:
    """How unexpected each step of a chorus is to one who knows how choruses are made.

    In each bar a melody is chosen, all as likely; the note at which the chosen one parts from
    another is the surprise. Summed over a chorus this is the entropy of the source, 12 ln 2 = 8.32
    nats for the blues. Returns nats, shape ``(choruses, form.steps)``. Chapter 8.

    Raises
    ------
    ValueError : if there is no chorus of one of the numbers.
    """
    tables = []
    for segments in _segments(form):
        matching = np.array(
            [
                [(segments[:, :step] == segment[:step]).all(axis=1).sum() for segment in segments]
                for step in range(form.steps_per_bar + 1)
            ]
        )
        tables.append(np.log(matching[:-1] / matching[1:]).T)
    choices = [segment_choices(number, form) for number in numbers]
    return np.array(
        [np.concatenate([tables[bar][it] for bar, it in enumerate(one)]) for one in choices]
    )


def _segments(form: Form) -> list[np.ndarray]:
    """For each bar its melodies, step by step: shape ``(choices, steps_per_bar)``."""
    if not form.segments:
        raise ValueError(f"{form.name} has no melody")
    return [
        np.array([np.repeat(one, form.steps_per_bar // len(one)) for one in choices])
        for choices in form.segments
    ]


def _bars(lines: np.ndarray, form: Form) -> np.ndarray:
    """Lines parted into bars, shape ``(choruses, bars, steps_per_bar)``."""
    lines = np.asarray(lines)
    if lines.ndim != 2 or lines.shape[1] != form.steps:
        raise ValueError(f"expected lines of shape (choruses, {form.steps}), got {lines.shape}")
    return lines.reshape(len(lines), form.bars, form.steps_per_bar)
