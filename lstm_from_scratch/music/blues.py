"""The music: a twelve-bar blues as data, and the 4096 choruses that can be made of it.

Everything here is plain data about music and knows nothing of networks. Pitches are MIDI note
numbers (60 is middle C), times are counted in steps of one eighth note, eight steps to a bar.

The paper gives the chords, the scale and the melodies only as pictures (its Figures 1 to 3) that
did not survive in any text we could open. What stands here is a reconstruction; the form is a
parameter everywhere, so that another progression, length or scale is a value and not an edit.

Chapter 1 (Twelve bars) builds this module up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np

from .. import briefly, limits
from ..arguments import Unfit, checked, several, text, whole

STEPS_PER_BAR = 8
"""Eighth notes in a bar, the paper's quantisation (section 2.2)."""

CHORD_PITCHES: tuple[int, ...] = tuple(range(48, 60))
"""The 12 possible chord notes (Figure 1): the octave below middle C."""

MELODY_PITCHES: tuple[int, ...] = tuple(range(60, 73))
"""The 13 possible melody notes (Figure 1): from middle C to the C above."""

PENTATONIC: tuple[int, ...] = (60, 63, 65, 67, 70, 72)
"""C minor pentatonic within the melody notes (Figure 3): C, E flat, F, G, B flat and C again."""

NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Half steps from C up to each note without a sign."""

_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10),
}
"""What follows the root in a chord symbol, and the half steps of its notes above the root."""


class Note(NamedTuple):
    """One note: a pitch that starts at a step and lasts some steps.

    pitch: MIDI note number. onset: step at which it starts, from 0. duration: in steps, at least 1.
    """

    pitch: int
    onset: int
    duration: int


_PITCH = whole(0, 127)
_WHOLE = whole()


@checked
def check_notes(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Return the notes in order of onset and pitch, if each one is a note. Chapter 1.

    Raises
    ------
    ValueError : for anything but three whole numbers, a pitch outside MIDI's 0 to 127, an onset
        before 0 or a duration below one step.
    """
    checked = []
    for note in notes:
        if len(checked) == limits.NOTES:
            raise ValueError(f"notes: expected at most {limits.NOTES:,}, got more")
        try:
            pitch, onset, duration = (_WHOLE.take(value) for value in note)
        except (TypeError, ValueError, Unfit):
            raise ValueError(
                f"notes: {briefly.came(note)} is not a note: expected (pitch, onset, duration), "
                "three whole numbers"
            ) from None
        if not 0 <= pitch <= 127:
            raise ValueError(f"notes: {_shown(note)}: expected a pitch from 0 to 127")
        if onset < 0 or duration < 1:
            raise ValueError(
                f"notes: {_shown(note)}: expected an onset of at least 0 and a duration above 0"
            )
        limits.expect_steps("notes", onset + duration, limits.RUN)
        checked.append(Note(pitch, onset, duration))
    return tuple(sorted(checked, key=lambda note: (note.onset, note.pitch, note.duration)))


def _shown(note: Iterable[int]) -> str:
    """A note in an error, whatever the size of its numbers."""
    return f"Note({', '.join(map(briefly.came, note))})"


@checked(pitch=_PITCH)
def pitch_name(pitch: int) -> str:
    """Name a MIDI note number, such as ``"Eb4"`` for 63 (middle C is C4). Chapter 1."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


@checked(pitches=several(_PITCH, expected="pitches from 0 to 127"))
def chord_tones(symbol: str, pitches: Sequence[int] = CHORD_PITCHES) -> tuple[int, ...]:
    """Spell a chord within a range of pitches, in whatever inversion fits (Figure 2, chapter 1).

    Parameters
    ----------
    symbol : a root (``C``, ``Eb``, ``F#``) and a quality (``""``, ``m``, ``7``, ``m7``, ``maj7``,
        ``6``, ``m6``, ``dim7``, ``m7b5``), for example ``"F#dim7"``.
    pitches : the MIDI note numbers that may be used, at least one for each chord tone.

    Returns
    -------
    The sounding pitches in rising order. With the twelve chord notes each pitch class has one
    place, so the root need not be lowest: F7 comes out as C, E flat, F, A.

    Raises
    ------
    ValueError : for a symbol that is not a chord, or a chord tone that has no place in the range.
    """
    match = re.fullmatch(r"([A-G])([#b]?)(.*)", symbol)
    if match is None or match[3] not in QUALITIES:
        known = ", ".join(repr(q) for q in QUALITIES)
        raise ValueError(f"unknown chord {symbol!r}: expected a root A to G and one of {known}")
    root = NATURALS[match[1]] + {"": 0, "#": 1, "b": -1}[match[2]]
    classes = [(root + interval) % 12 for interval in QUALITIES[match[3]]]
    tones = [next((p for p in sorted(pitches) if p % 12 == c), None) for c in classes]
    if None in tones:
        raise ValueError(f"chord {symbol!r} does not fit into the pitches {tuple(pitches)}")
    return tuple(sorted(tones))


@checked(
    name=text(),
    chords=several(text(), expected="a chord symbol for each bar"),
    segments=several(several(several(_PITCH)), expected="melody segments for each bar"),
    scale=several(_PITCH),
    steps_per_bar=whole(1, limits.PAGE),
    chord_pitches=several(_PITCH),
)
@dataclass(frozen=True)
class Form:
    """A song form: a chord for each bar and, if there is a melody, the segments a bar may take.

    Attributes
    ----------
    name : what to call it.
    chords : one chord symbol a bar.
    segments : for each bar, the alternative one-bar melodies, each a row of pitches of equal length
        in time; empty for a form without melody. Within one form every bar has as many choices as
        it likes.
    scale : the pitches the melody is made of.
    steps_per_bar : steps in a bar.
    chord_pitches : the pitches chords may use.

    Raises
    ------
    ValueError : for a chord that can't be spelled, a number of bars with segments that differs from
        the number of chords, a segment that does not divide the bar, or a note outside the scale.
    """

    name: str
    chords: tuple[str, ...]
    segments: tuple[tuple[tuple[int, ...], ...], ...] = ()
    scale: tuple[int, ...] = PENTATONIC
    steps_per_bar: int = STEPS_PER_BAR
    chord_pitches: tuple[int, ...] = CHORD_PITCHES

    def __repr__(self) -> str:
        melodies = f", {briefly.large(self.choruses)} choruses" if self.segments else ""
        bars = briefly.counted(self.bars, "bar")
        return f"Form({self.name!r}, {bars} of {self.steps_per_bar} steps{melodies})"

    def __post_init__(self) -> None:
        if not self.chords:
            raise ValueError(f"chords: a form needs at least one bar, got {self.chords}")
        limits.expect_steps("chords", len(self.chords) * self.steps_per_bar, limits.RUN)
        for symbol in self.chords:
            chord_tones(symbol, self.chord_pitches)
        if self.segments and len(self.segments) != len(self.chords):
            raise ValueError(
                f"segments for {len(self.segments)} bars, but the form has {len(self.chords)}"
            )
        for bar, choices in enumerate(self.segments, start=1):
            if not choices:
                raise ValueError(f"bar {bar} has no melody segment to choose from")
            for segment in choices:
                if not segment or self.steps_per_bar % len(segment):
                    raise ValueError(
                        f"bar {bar}: a segment of {len(segment)} notes does not divide a bar of "
                        f"{self.steps_per_bar} steps"
                    )
                outside = [pitch for pitch in segment if pitch not in self.scale]
                if outside:
                    raise ValueError(f"bar {bar}: {outside} not in the scale {self.scale}")

    @property
    def bars(self) -> int:
        """Number of bars."""
        return len(self.chords)

    @property
    def steps(self) -> int:
        """Length of one chorus in steps: 96 for the twelve-bar blues."""
        return self.bars * self.steps_per_bar

    @property
    def choruses(self) -> int:
        """How many different choruses there are: 2**12 = 4096 for the twelve-bar blues."""
        return math.prod(len(choices) for choices in self.segments)


class Chorus(NamedTuple):
    """One time through the form: its number and its notes, chords and melody apart."""

    number: int
    chords: tuple[Note, ...]
    melody: tuple[Note, ...]

    def __repr__(self) -> str:
        parts = (("chords", self.chords), ("melody", self.melody))
        counts = [f"{briefly.counted(len(notes), 'note')} of {name}" for name, notes in parts]
        return f"Chorus({self.number}: {', '.join(counts)})"

    @property
    def notes(self) -> tuple[Note, ...]:
        """Chords and melody together, in order of onset and pitch."""
        return tuple(sorted(self.chords + self.melody, key=lambda note: (note.onset, note.pitch)))


@checked
def chord_notes(form: Form) -> tuple[Note, ...]:
    """The chords of one chorus as notes: a chord is nothing but several notes on (section 2.2).

    A chord that is held over several bars is one set of long notes. Chapter 1.
    """
    notes, bar = [], 0
    for symbol, run in groupby(form.chords):
        length = len(list(run))
        notes += [
            Note(pitch, bar * form.steps_per_bar, length * form.steps_per_bar)
            for pitch in chord_tones(symbol, form.chord_pitches)
        ]
        bar += length
    return tuple(notes)


@checked
def segment_choices(number: int, form: Form) -> tuple[int, ...]:
    """Which segment chorus ``number`` takes in each bar, the first bar varying slowest. Chapter 1.

    For the blues these are the twelve binary digits of the number, from 0 (always the first
    segment) to 4095 (always the second).

    Raises
    ------
    ValueError : if there is no chorus of that number.
    """
    if not 0 <= number < form.choruses:
        raise ValueError(
            f"no chorus {briefly.came(number)}: {form.name} has numbers 0 to "
            f"{briefly.came(form.choruses - 1)}"
        )
    choices = []
    for options in reversed(form.segments):
        number, choice = divmod(number, len(options))
        choices.append(choice)
    return tuple(reversed(choices))


@checked
def chorus(number: int, form: Form | None = None) -> Chorus:
    """Write out one of the choruses of a form (the blues, unless another is given). Chapter 1.

    Raises
    ------
    ValueError : if there is no chorus of that number.
    """
    form = TWELVE_BAR if form is None else form
    melody = []
    for bar, choice in enumerate(segment_choices(number, form)):
        segment = form.segments[bar][choice]
        length = form.steps_per_bar // len(segment)
        start = bar * form.steps_per_bar
        melody += [Note(p, start + i * length, length) for i, p in enumerate(segment)]
    return Chorus(number, chord_notes(form), tuple(melody))


@checked(size=whole())
def split(
    size: int, rng: np.random.Generator | int, form: Form | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Draw a training set of choruses at random, without repetition, and hold out the rest.

    Parameters
    ----------
    size : choruses to train on, 1 to ``form.choruses``.
    rng : the only source of randomness; an int is a seed.

    Returns
    -------
    training, held_out : chorus numbers; ``training`` in the order drawn, ``held_out`` rising.

    Raises
    ------
    ValueError : if ``size`` is not between 1 and the number of choruses.

    Section 2.3 ("choosing randomly from the space of unique complete pieces"); chapter 1.
    """
    form = TWELVE_BAR if form is None else form
    if not 1 <= size <= form.choruses:
        raise ValueError(
            f"a training set of {briefly.came(size)}: expected 1 to "
            f"{briefly.came(form.choruses)} choruses"
        )
    if form.choruses > limits.CHORUSES:
        raise ValueError(
            f"form: expected one of at most {limits.CHORUSES:,} choruses to draw from, got "
            f"{form.name} with {briefly.large(form.choruses)}"
        )
    training = tuple(
        int(n) for n in np.random.default_rng(rng).choice(form.choruses, size=size, replace=False)
    )
    drawn = set(training)
    return training, tuple(n for n in range(form.choruses) if n not in drawn)


def _melodies(lines: Iterable[str]) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """Read segments from letters: C, E(flat), F, G, B(flat), c are the six notes of the scale."""
    pitch = dict(zip("CEFGBc", PENTATONIC, strict=True))
    return tuple(tuple(tuple(pitch[n] for n in word) for word in line.split()) for line in lines)


TWELVE_BAR = Form(
    name="twelve-bar blues",
    chords=("C7", "F7", "C7", "C7", "F7", "F#dim7", "C7", "A7", "Dm7", "G7", "C7", "G7"),
    # Four quarter notes a bar, two choices each. C, E(flat), F, G, B(flat), c are the scale's
    # six notes from middle C up.
    segments=_melodies(
        (
            "CEFG cBGE",  # C7: up the scale, or down from the top
            "FECE FGBc",  # F7
            "GBGE CECG",  # C7
            "cBcG cGFE",  # C7
            "FFEC cBFE",  # F7
            "cBEC ECEF",  # F#dim7: its C and E flat are in the scale
            "GFEC GBcB",  # C7
            "GEGB BGEG",  # A7: its seventh, G, and flat notes around it
            "FEFC FcBF",  # Dm7
            "GFEF FGBG",  # G7
            "CGFE CGBc",  # C7
            "GBGF GFEG",  # G7: back to the top
        )
    ),
)
"""Our twelve-bar blues: twelve chords, 24 segments, 96 steps, 4096 choruses (a reconstruction)."""

SHARED = replace(
    TWELVE_BAR,
    name="twelve-bar blues with shared segments",
    segments=(*TWELVE_BAR.segments[:4], *TWELVE_BAR.segments[:4], *TWELVE_BAR.segments[8:]),
)
"""The same chords with melodies nearer to how a blues is built, A A B: bars 5 to 8 have the
segments of bars 1 to 4. So a bar no longer says by its melody where in the form it stands; the
choice in each bar is free, as it was. Chapter 10."""

FORMS = {
    "our blues": TWELVE_BAR,
    "plain blues": Form(
        "plain twelve-bar blues",
        ("C7", "C7", "C7", "C7", "F7", "F7", "C7", "C7", "G7", "F7", "C7", "C7"),
    ),
    "minor blues": Form(
        "minor blues",
        ("Cm7", "Cm7", "Cm7", "Cm7", "Fm7", "Fm7", "Cm7", "Cm7", "Ab7", "G7", "Cm7", "G7"),
    ),
    "eight bars": Form("eight-bar blues", ("C7", "G7", "F7", "F7", "C7", "G7", "C7", "G7")),
    "song with bridge": Form(
        "song of 32 bars",
        (
            *("C6", "Am7", "Dm7", "G7", "C6", "A7", "Dm7", "G7"),
            *("C6", "Am7", "Dm7", "G7", "C6", "G7", "C6", "C6"),
            *("E7", "E7", "A7", "A7", "D7", "D7", "G7", "G7"),
            *("C6", "Am7", "Dm7", "G7", "C6", "G7", "C6", "C6"),
        ),
    ),
    "two long chords": Form("two chords of four bars", ("C7",) * 4 + ("F7",) * 4),
    "our blues in sixteenths": Form("twelve-bar blues", TWELVE_BAR.chords, steps_per_bar=16),
    "our blues in thirty-seconds": Form("twelve-bar blues", TWELVE_BAR.chords, steps_per_bar=32),
}
"""Our blues and others, chords alone, to see what depends on the form and on the length of a step.

The plain blues holds its first chord for 32 steps, and with the end of the chorus before for 48:
the case that the paper begins with (section 1). The song's first five bars come back twice with
another ending, around a bridge: what comes next depends on what was heard 64 steps ago and more.
In thirty-seconds, the step size that the paper asks about (section 5.1), our blues has 384 steps.
Chapter 11.
"""
