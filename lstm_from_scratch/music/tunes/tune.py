"""A tune: what was understood of a file of the reader's own, on a grid, as the network hears it.

One `Tune` is one time through: its steps are a whole number of bars, so that its end leads to its
beginning. It keeps all parts of the file as they were played, and beside them the two voices that
are learned, chords and melody.

Chapter 1 (Twelve bars) has a form that was written by hand; chapter 2 its units.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ... import briefly, limits
from ...arguments import (
    anything,
    check,
    checked,
    either,
    instance,
    none,
    real,
    several,
    text,
    whole,
)
from ..blues import Note, check_notes, pitch_name
from ..encoding import Encoding
from .grid import KNOWN, NAMES
from .source import Metre, Tempo
from .symbols import sounding, understood
from .voices import Part

_BOTTOM = 60
"""Chords stand in the octave below this pitch, or below a melody that goes lower."""


@checked(
    name=text(),
    metres=several(anything(), some=True),
    tempi=several(anything(), some=True),
    melody=several(anything()),
    chords=several(anything()),
    symbols=several(anything()),
    parts=several(anything()),
    steps=whole(1, limits.PIECE),
    pickup=whole(0, limits.PIECE),
    swing=real(0.5, 0.8),
    key=either(whole(-7, 7, of="sharps"), none()),
    remarks=several(text()),
)
@dataclass(frozen=True)
class Tune:
    """A tune on a grid.

    Attributes
    ----------
    name : what to call it.
    grid : steps a whole note: 8 are eighth notes.
    steps : of one time through, a whole number of bars.
    metres, tempi : `source.Metre` and `source.Tempo`, in steps; the first of each stands at 0.
    melody : one note at a time.
    chords : as they sound, several at once; the network hears them within an octave.
    symbols : steps and chord symbols, where the file has any.
    parts : every part of the file with its own name and instrument, `voices.Part`.
    pickup : steps before the first bar line; the last bar is shorter by them.
    key : sharps of the key signature, flats negative; None where none was given.
    swing : where in its beat the second eighth note was played, 0.5 if it was straight.
    remarks : what was moved, merged, repaired, dropped or left out on the way here.

    Raises
    ------
    ValueError : for a note that is none or ends after the last step, a melody of several notes at
        once, a metre whose bars are no whole steps.
    """

    name: str
    grid: int
    steps: int
    metres: tuple[Metre, ...] = (Metre(0, 4, 4),)
    tempi: tuple[Tempo, ...] = (Tempo(0, 120.0),)
    melody: tuple[Note, ...] = ()
    chords: tuple[Note, ...] = ()
    symbols: tuple[tuple[int, str], ...] = ()
    parts: tuple[Part, ...] = ()
    pickup: int = 0
    key: int | None = None
    swing: float = 0.5
    remarks: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.grid not in KNOWN:
            raise ValueError(f"grid: expected one of {KNOWN} steps a whole note, got {self.grid}")
        self._set("metres", _changes("metres", self.metres, Metre, _METRE))
        self._set("tempi", _changes("tempi", self.tempi, Tempo, _TEMPO))
        for metre in self.metres:
            if self.grid * metre.beats % metre.unit:
                raise ValueError(
                    f"metres: a bar of {metre} is no whole number of steps of a {self.grid}th of a "
                    "whole note: expected another grid"
                )
        for name in ("melody", "chords"):
            self._set(name, self._within(name, getattr(self, name)))
        for one, then in zip(self.melody, self.melody[1:], strict=False):
            if then.onset < one.onset + one.duration:
                raise ValueError(f"melody: {then} begins before {one} ends; expected one at a time")
        self._set("symbols", tuple(map(self._symbol, self.symbols)))
        self._set("parts", tuple(map(self._part, self.parts)))
        if self.pickup >= self.bar_steps:
            raise ValueError(
                f"pickup: expected less than a bar of {self.bar_steps} steps, got {self.pickup}"
            )

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _within(self, name: str, notes: Iterable[Note]) -> tuple[Note, ...]:
        try:
            found = check_notes(notes)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        for note in found:
            if note.onset + note.duration > self.steps:
                raise ValueError(f"{name}: {note} ends after the last step, {self.steps}")
        return found

    def _part(self, part: Part) -> Part:
        try:
            name, program, notes = part
        except (TypeError, ValueError):
            raise ValueError(
                f"parts: expected name, program and notes of each, got {briefly.came(part)}"
            ) from None
        return Part(
            check("parts, name", name, text()),
            check(f"parts, program of {name!r}", program, whole(0, 127)),
            self._within(f"parts, {name!r}", notes),
        )

    def _symbol(self, symbol: tuple[int, str]) -> tuple[int, str]:
        try:
            at, said = symbol
        except (TypeError, ValueError):
            raise ValueError(
                f"symbols: expected a step and a symbol of each, got {briefly.came(symbol)}"
            ) from None
        at = check("symbols, step", at, whole(0, self.steps - 1))
        return at, check("symbols, symbol", said, text())

    def __repr__(self) -> str:
        bars = briefly.counted(self.bars, "bar")
        voices = [f"{briefly.counted(len(n), 'note')} of {w}" for w, n in self.music.items()]
        return (
            f"Tune({self.name!r}, {bars} of {self.metres[0]}, {self.steps:,} steps of "
            f"1/{self.grid}, {', '.join(voices)})"
        )

    # ---- Time ----

    @property
    def tempo(self) -> float:
        """Quarter notes a minute at the beginning."""
        return self.tempi[0].quarters

    @property
    def bar_steps(self) -> int:
        """Steps of a bar, of the first metre if there are several."""
        return self.grid * self.metres[0].beats // self.metres[0].unit

    @property
    def bar_lines(self) -> tuple[int, ...]:
        """The step at which each bar begins; with a pickup the first of them is not step 0."""
        return bar_lines(self.metres, self.grid, self.pickup, self.steps)

    @property
    def bars(self) -> int:
        """Number of bars; a pickup and the bar at the end that it completes are one."""
        return len(self.bar_lines)

    # ---- Voices ----

    @property
    def music(self) -> dict[str, tuple[Note, ...]]:
        """Chords and melody as named tracks, to be heard, drawn or written; as they were played."""
        parts = {"chords": _apart(self.chords), "melody": self.melody}
        return {name: notes for name, notes in parts.items() if notes}

    @property
    def encoding(self) -> Encoding:
        """A unit for each pitch of the melody, one for its rests if it has any, 12 for chords.

        Chords are heard within an octave, in whatever inversion fits, as in the paper: below middle
        C, or right below a melody that goes lower.
        """
        return encoding_of([self])

    def roll(self, encoding: Encoding | None = None) -> np.ndarray:
        """One time through as the network hears it, shape ``(steps, units)``. Chapter 2.

        Parameters
        ----------
        encoding : `Tune.encoding` unless given. Where it has a unit for rests, a note that repeats
            the one before is set apart from it by a rest of one step, if that was longer.

        Raises
        ------
        ValueError : for a melody note that the encoding has no unit for, or a rest.
        """
        encoding = self.encoding if encoding is None else encoding
        melody = _parted(self.melody) if encoding.rest else self.melody
        roll = np.zeros((self.steps, encoding.units))
        roll[:, encoding.melody_units] = Encoding((), encoding.melody, encoding.rest).encode(
            melody, self.steps
        ) if encoding.melody else 0.0  # fmt: skip
        if encoding.melody and not encoding.rest and (roll.sum(axis=1) < 1).any():
            raise ValueError("encoding: expected one with a rest, since the melody has some")
        classes = {pitch % 12: unit for unit, pitch in enumerate(encoding.chords)}
        for note in self.chords if encoding.chords else ():
            if note.pitch % 12 not in classes:
                name = pitch_name(note.pitch)
                raise ValueError(f"encoding: expected a chord unit for each {name}, got none")
            roll[note.onset : note.onset + note.duration, classes[note.pitch % 12]] = 1.0
        return roll

    @checked(semitones=whole(-127, 127))
    def transposed(self, semitones: int) -> Tune:
        """The tune so many semitones higher; its symbols and its key move with it. Chapter 1.

        Raises
        ------
        ValueError : where a note would leave MIDI's 0 to 127.
        """

        def moved(notes: Iterable[Note]) -> tuple[Note, ...]:
            found = tuple(note._replace(pitch=note.pitch + semitones) for note in notes)
            if any(not 0 <= note.pitch <= 127 for note in found):
                raise ValueError(
                    f"semitones: {semitones} would move a note out of the pitches 0 to 127"
                )
            return found

        key = self.key
        if key is not None and semitones % 12:
            key = (key + 7 * semitones + 5) % 12 - 5
        return replace(
            self,
            melody=moved(self.melody),
            chords=moved(self.chords),
            parts=tuple(part._replace(notes=moved(part.notes)) for part in self.parts),
            symbols=tuple((at, _moved_symbol(said, semitones)) for at, said in self.symbols),
            key=key,
        )

    @checked(low=whole(0, 127), high=whole(0, 127))
    def within(self, low: int, high: int) -> Tune:
        """The tune with its melody in a range: by octaves if that is enough, else by semitones.

        Raises
        ------
        ValueError : if the melody spans more than the range.

        Chapter 1.
        """
        pitches = [note.pitch for note in self.melody] or [low]
        fitting = [
            by for by in range(-127, 128) if low <= min(pitches) + by and max(pitches) + by <= high
        ]
        if not fitting:
            raise ValueError(
                f"low, high: a melody from {min(pitches)} to {max(pitches)} does not fit into "
                f"{low} to {high}"
            )
        by = min(fitting, key=lambda by: (by % 12 != 0, abs(by)))
        return self.transposed(by)

    # ---- In words ----

    def report(self) -> str:
        """What was understood, in plain sentences, a line each. Chapter 1."""
        changes = f", with {len(self.metres) - 1} changes of metre" if len(self.metres) > 1 else ""
        tempi = f", with {len(self.tempi) - 1} changes" if len(self.tempi) > 1 else ""
        lines = [
            f"{self.name}: {briefly.counted(self.bars, 'bar')} of {self.metres[0]}{changes}, "
            f"{self.tempo:.4g} quarter notes a minute{tempi}.",
            f"Grid: {self.grid} steps a whole note ({NAMES[self.grid]}), {self.bar_steps} a bar, "
            f"{self.steps:,} in all.",
        ]
        if self.pickup:
            lines.append(
                f"Pickup: {briefly.counted(self.pickup, 'step')} before the first bar line; they "
                "complete the last bar, so that the end leads to the beginning."
            )
        if self.swing != 0.5:
            lines.append(
                f"Swing: the second eighth note comes at {self.swing:.2f} of its beat; on the grid "
                "it is straight."
            )
        return "\n".join([*lines, *self._voices_in_words(), *(f"{it}." for it in self.remarks)])

    def _voices_in_words(self) -> list[str]:
        lines = []
        if self.melody:
            pitches = [note.pitch for note in self.melody]
            silent = self.steps - sum(note.duration for note in self.melody)
            span = f"{pitch_name(min(pitches))} to {pitch_name(max(pitches))}"
            rests = f"{silent:,} of {self.steps:,} steps are rests" if silent else "no rests"
            lines.append(
                f"Melody: {briefly.counted(len(pitches), 'note')} from {span}, "
                f"{briefly.counted(len(set(pitches)), 'pitch', 'pitches')}; {rests}."
            )
            joined = _joined(self.melody)
            if joined:
                lines.append(
                    f"{briefly.counted(joined, 'note')} of the melody "
                    f"{'repeats' if joined == 1 else 'repeat'} the one before: the network hears a "
                    "rest of one step between them, or one long note if the first is a step long."
                )
        if self.chords:
            heard = encoding_of([replace(self, melody=(), parts=())])
            roll = replace(self, melody=(), parts=()).roll(heard)
            kinds = len(np.unique(roll, axis=0))
            changes = int((roll[1:] != roll[:-1]).any(axis=1).sum())
            lines.append(
                f"Chords: {briefly.counted(kinds, 'different one')}, "
                f"{briefly.counted(changes, 'change')} in a time through; heard within an octave."
            )
        if self.symbols:
            said = [symbol for _, symbol in self.symbols]
            lines.append(f"Symbols: {' '.join(said[:16])}{' …' if len(said) > 16 else ''}")
        return lines


_METRE = (whole(0, limits.PIECE), whole(1, 255), whole(1, 64))
_TEMPO = (whole(0, limits.PIECE), real(*limits.TEMPO, of="quarter notes a minute"))


def _changes(name: str, given: tuple, kind: type, kinds: tuple) -> tuple:
    """Metres or tempi, in order, the first at step 0."""
    found = []
    for change in given:
        try:
            values = tuple(change)
        except TypeError:
            values = ()
        if len(values) != len(kinds):
            raise ValueError(
                f"{name}: expected {', '.join(kind._fields)} of each, got {briefly.came(change)}"
            )
        named = zip(kind._fields, values, kinds, strict=True)
        found.append(kind(*(check(f"{name}, {label}", it, of) for label, it, of in named)))
    if found[0].at or any(a.at >= b.at for a, b in itertools.pairwise(found)):
        raise ValueError(f"{name}: expected the first at step 0 and the others in order")
    return tuple(found)


@checked(
    metres=several(instance(Metre), some=True),
    grid=whole(1, 96),
    pickup=whole(0, limits.PIECE),
    steps=whole(1, limits.PIECE),
)
def bar_lines(metres: tuple[Metre, ...], grid: int, pickup: int, steps: int) -> tuple[int, ...]:
    """The step at which each bar begins, up to the last one that does before the end. Chapter 1."""
    lines, at, now = [], pickup, 0
    while at < steps or not lines:
        lines.append(at)
        while now + 1 < len(metres) and metres[now + 1].at <= at:
            now += 1
        at += max(1, grid * metres[now].beats // metres[now].unit)
    return tuple(lines)


@checked(tunes=several(instance(Tune), some=True))
def encoding_of(tunes: Sequence[Tune]) -> Encoding:
    """The units that some tunes need together, see `Tune.encoding`. Chapter 2."""
    melody = sorted({note.pitch for tune in tunes for note in tune.melody})
    silent = any(
        sum(note.duration for note in tune.melody) < tune.steps or _joined(tune.melody)
        for tune in tunes
    )
    bottom = min([_BOTTOM, *melody])
    if bottom < 12:
        bottom = max(melody) + 13
    chords = range(bottom - 12, bottom) if any(tune.chords for tune in tunes) else ()
    return Encoding(tuple(chords), tuple(melody), bool(melody) and silent)


def _joined(melody: tuple[Note, ...]) -> int:
    """How many notes repeat the one right before them."""
    return sum(
        then.pitch == one.pitch and then.onset == one.onset + one.duration
        for one, then in itertools.pairwise(melody)
    )


def _parted(melody: tuple[Note, ...]) -> tuple[Note, ...]:
    """A melody in which a note that is struck again ends a step before, if it is long enough."""
    found = []
    for one, then in zip(melody, (*melody[1:], None), strict=True):
        again = then is not None and (then.pitch, then.onset) == (one.pitch, one[1] + one[2])
        found.append(one._replace(duration=one.duration - (again and one.duration > 1)))
    return tuple(found)


def _apart(chords: tuple[Note, ...]) -> tuple[Note, ...]:
    """Chords of which no pitch sounds twice at once, as a track wants them."""
    ends: dict[int, int] = {}
    found: dict[tuple[int, int], Note] = {}
    last: dict[int, tuple[int, int]] = {}
    for note in chords:
        key = note.pitch, note.onset
        if key in found:
            found[key] = max(found[key], note)
        else:
            if ends.get(note.pitch, 0) > note.onset:
                before = last[note.pitch]
                found[before] = found[before]._replace(duration=note.onset - before[1])
            found[key] = note
        last[note.pitch] = key
        ends[note.pitch] = note.onset + found[key].duration
    return tuple(sorted(found.values(), key=lambda it: (it.onset, it.pitch)))


_SHARP = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def _moved_symbol(said: str, semitones: int) -> str:
    """A chord symbol, so many semitones higher; one that is not known stays."""
    found = understood(said)
    if found is None:
        return said
    above, _, bass = said.partition("/") if found.bass != found.root else (said, "", "")
    skip = 1 + len(above[1:]) - len(above[1:].lstrip("#b♯♭"))
    moved = _SHARP[(found.root + semitones) % 12] + above[skip:]
    return moved + (f"/{_SHARP[(found.bass + semitones) % 12]}" if bass else "")


@checked(steps=whole(0, limits.PIECE))
def chords_of(symbols: tuple[tuple[int, str], ...], steps: int) -> tuple[Note, ...]:
    """The notes of chord symbols, in the octave below middle C. Chapter 1."""
    return sounding(symbols, steps, _BOTTOM - 12)
