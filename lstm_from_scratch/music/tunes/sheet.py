"""A tune, or what was played over it, as a score in MusicXML: any grid, any metre, pickups.

`score` writes the music of the book, whose steps are eighth notes and whose bars are all alike.
Here a step may be a sixteenth or a note of a triplet, bars change, and a chord changes where it
likes. Accidentals are placed as there.

Chapter 1 (Twelve bars) shows the first score.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import groupby
from pathlib import Path

from ... import briefly, limits
from ...arguments import checked, either, none, text, whole
from ...files import write_whole
from ..blues import Note
from ..midi import INSTRUMENTS, tracks
from ..score import drawing
from ..score.rhythm import Head, sliced
from ..score.spelling import QUALITIES, spell, spoken
from ..score.spelling import _names as names_of  # private there, since a form has it all
from ..score.staves import printable
from ..score.writing import ACCIDENTALS
from ..score.writing import _accidentals as accidentals
from .musicxml import KINDS
from .source import Metre
from .symbols import is_none, understood
from .tune import Tune

BARS_A_LINE = 4
"""Bars in each line of a sheet."""

_TYPES = ("whole", "half", "quarter", "eighth", "16th", "32nd", "64th")

_LETTERS = tuple("ABCDEFG")
_KIND_OF = {quality: kind for kind, quality in reversed(KINDS.items())}
_MAJOR = (0, 2, 4, 5, 7, 9, 11)


@checked(choruses=whole(1, limits.CHORUSES), title=either(text(), none()))
def musicxml(
    tune: Tune,
    *,
    music: Mapping[str, tuple[Note, ...]] | None = None,
    choruses: int = 1,
    title: str | None = None,
) -> str:
    """Write a tune, or music over its form, as a score in MusicXML 4.0. Chapter 1.

    Parameters
    ----------
    music : named tracks on the tune's grid instead of its own melody and chords; the track
        ``"chords"`` has the lowest staff. choruses : how often they go through the form.

    Raises
    ------
    ValueError : for no notes, notes after the last bar, or more music than a sheet shows
        (`limits.PAGE`).
    """
    parts = tracks(tune.music if music is None else music)
    steps = tune.steps * choruses
    limits.expect_steps("choruses", steps, limits.PAGE)
    if not parts:
        raise ValueError("music: a sheet needs at least one note, got no notes")
    for name, notes in parts.items():
        if any(note.onset + note.duration > steps for note in notes):
            raise ValueError(f"music: track {name!r} goes on after the last of {steps:,} steps")
    page = _Page(tune, choruses)
    root = ET.Element("score-partwise", version="4.0")
    _add(_add(root, "work"), "work-title", printable(tune.name if title is None else title))
    encoding = _add(_add(root, "identification"), "encoding")
    _add(encoding, "software", "lstm_from_scratch")
    for element in ("accidental", "beam"):
        _add(encoding, "supports", element=element, type="yes")
    ordered = sorted(parts.items(), key=lambda part: part[0] == "chords")
    listed = _add(root, "part-list")
    for number, (name, _) in enumerate(ordered, start=1):
        part = _add(listed, "score-part", id=f"P{number}")
        _add(part, "part-name", printable(name))
        _add(_add(part, "score-instrument", id=f"P{number}-I1"), "instrument-name", "Piano")
        midi = _add(part, "midi-instrument", id=f"P{number}-I1")
        _add(midi, "midi-program", INSTRUMENTS.get(name, 0) + 1)
    for number, (_, notes) in enumerate(ordered, start=1):
        page.write(_add(root, "part", id=f"P{number}"), notes, first=number == 1)
    ET.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
        ' "http://www.musicxml.org/dtds/partwise.dtd">\n'
        f"{ET.tostring(root, encoding='unicode')}\n"
    )


@checked(choruses=whole(1, limits.CHORUSES), title=either(text(), none()))
def write_musicxml(
    tune: Tune,
    path: str | os.PathLike[str],
    *,
    music: Mapping[str, tuple[Note, ...]] | None = None,
    choruses: int = 1,
    title: str | None = None,
) -> Path:
    """Write the score of `musicxml`, which takes the same arguments, into a file. Chapter 1.

    Raises
    ------
    ValueError : as `musicxml`.
    """
    sheet = musicxml(tune, music=music, choruses=choruses, title=title)
    return write_whole(path, sheet.encode())


@checked(choruses=whole(1, limits.CHORUSES), title=either(text(), none()))
def pdf(
    tune: Tune,
    path: str | os.PathLike[str],
    *,
    music: Mapping[str, tuple[Note, ...]] | None = None,
    choruses: int = 1,
    title: str | None = None,
) -> Path:
    """Write the score of `musicxml`, which takes the same arguments, on A4 pages. Chapter 1.

    Raises
    ------
    ValueError : as `musicxml`.
    ModuleNotFoundError : without verovio, the extra ``score`` of this package.
    """
    title = tune.name if title is None else title
    sheet = musicxml(tune, music=music, choruses=choruses, title=title)
    return drawing.on_paper(sheet, path, title)


@checked(choruses=whole(1, limits.CHORUSES), title=either(text(), none()))
def svg(
    tune: Tune,
    *,
    music: Mapping[str, tuple[Note, ...]] | None = None,
    choruses: int = 1,
    title: str | None = None,
) -> drawing.Sheet | drawing.Undrawn:
    """Draw the score of `musicxml`, which takes the same arguments, as a picture in the page.

    Without verovio, the extra ``score`` of this package, it is a note that says so. Chapter 1.

    Raises
    ------
    ValueError : as `musicxml`.
    """
    title = printable(tune.name if title is None else title)
    sheet = musicxml(tune, music=music, choruses=choruses, title=title)
    parts = tracks(tune.music if music is None else music)
    staves = " and ".join(
        f"{briefly.counted(len(notes), 'note')} on the {name} staff"
        for name, notes in parts.items()
    )
    symbols = ", ".join(spoken(symbol) for _, symbol in tune.symbols[:16])
    said = f"A score of {briefly.counted(tune.bars * choruses, 'bar')}, {staves}."
    if symbols:
        more = ", and so on" if len(tune.symbols) > 16 or choruses > 1 else ""
        said += f" The chord symbols read {symbols}{more}."
    return drawing.in_page(sheet, title, printable(said))


def _add(parent: ET.Element, tag: str, text: object = None, /, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, {k.replace("_", "-"): v for k, v in attributes.items()})
    element.text = None if text is None else str(text)
    return element


# ---- Note values ---------------------------------------------------------------------------------


def _values(grid: int) -> dict[int, tuple[str, int, bool]]:
    """For each length in steps that one notehead has: its type, its dots, whether of a triplet."""
    found: dict[int, tuple[str, int, bool]] = {}
    for dots, triplet, factor in (
        (0, False, 1),
        (1, False, Fraction(3, 2)),
        (0, True, Fraction(2, 3)),
    ):
        for power, name in enumerate(_TYPES):
            length = Fraction(grid, 2**power) * factor
            if length.denominator == 1:
                found.setdefault(int(length), (name, dots, triplet))
    return found


def _parted(start: int, end: int, grid: int, bar: int) -> Iterator[tuple[int, int]]:
    """Part a stretch of a bar, in steps from its beginning, into noteheads or rests.

    What is longer than a beat begins on one, and what is of a triplet stays within its beat, so
    that the beats can be seen; on grids without triplets a note may cross a beat, not the middle
    of the bar.
    """
    values, beat = _values(grid), grid // 4
    straight = not grid % 8 and not grid & (grid - 1)
    half = bar // 2 if straight and bar == grid else beat
    while start < end:
        length = 1
        for value in sorted(values, reverse=True):
            if start + value > end:
                continue
            inside = start // beat == (start + value - 1) // beat
            in_half = straight and start // half == (start + value - 1) // half
            on_beat = start % beat == 0 and value % beat == 0
            if inside or (not values[value][2] and (on_beat or in_half)):
                length = value
                break
        yield start, start + length
        start += length


class _Page:
    """The bars of some times through a form, and what stands in each of them."""

    def __init__(self, tune: Tune, choruses: int) -> None:
        self.tune, self.grid = tune, tune.grid
        self.values = _values(tune.grid)
        steps = tune.steps * choruses
        self.bars: list[tuple[int, int, Metre]] = []
        starts = [0] * bool(tune.pickup)
        for chorus in range(choruses):
            starts += [chorus * tune.steps + line for line in tune.bar_lines]
        for start, end in zip(starts, [*starts[1:], steps], strict=True):
            place = max(0, start - tune.pickup) % tune.steps + tune.pickup
            metre = [it for it in tune.metres if it.at <= max(0, min(place, tune.steps - 1))][-1]
            self.bars.append((start, end, metre))
        self.symbols = {
            chorus * tune.steps + at: said
            for chorus in range(choruses)
            for at, said in tune.symbols
        }
        self.tempi = {tempo.at: tempo.quarters for tempo in tune.tempi}
        if len(tune.tempi) > 1:
            self.tempi |= {
                chorus * tune.steps + tempo.at: tempo.quarters
                for chorus in range(choruses)
                for tempo in tune.tempi
            }
        self.key = key_of(tune)

    def write(self, part: ET.Element, notes: tuple[Note, ...], *, first: bool) -> None:
        """Write the notes of one staff, bar by bar; the first has symbols and tempi as well."""
        high = sum(note.pitch >= 60 for note in notes) * 2 >= len(notes)
        cuts = {start for start, _, _ in self.bars} | {end for _, end, _ in self.bars}

        by_bar: dict[int, list[tuple[int, int, tuple[Note, ...]]]] = {}
        bar_of = {step: n for n, (a, b, _) in enumerate(self.bars) for step in range(a, b)}
        for start, end, sounding in sliced(notes, sorted(cuts)):
            by_bar.setdefault(bar_of[start], []).append((start, end, sounding))
        before: Metre | None = None
        for number, (start, end, metre) in enumerate(self.bars):
            short = number == 0 and self.tune.pickup
            measure = _add(part, "measure", number=str(number + (not self.tune.pickup)))
            if short:
                measure.set("implicit", "yes")
            number_in_line = number - bool(self.tune.pickup)
            if number_in_line > 0 and number_in_line % BARS_A_LINE == 0:
                _add(measure, "print", new_system="yes")
            if before is None or before[1:] != metre[1:]:
                self._attributes(measure, metre, high, first=before is None)
            before = metre
            heads = [
                Head(start + a, start + b, sounding)
                for at, until, sounding in by_bar.get(number, [(start, end, ())])
                for a, b in _parted(at - start, until - start, self.grid, end - start)
            ]
            self._heads(measure, heads, start, first=first)
            if number + 1 == len(self.bars):
                _add(_add(measure, "barline", location="right"), "bar-style", "light-heavy")

    def _attributes(self, measure: ET.Element, metre: Metre, high: bool, *, first: bool) -> None:
        attributes = _add(measure, "attributes")
        if first:
            _add(attributes, "divisions", self.grid // 4)
            _add(_add(attributes, "key"), "fifths", self.key)
        time = _add(attributes, "time")
        _add(time, "beats", metre.beats)
        _add(time, "beat-type", metre.unit)
        if first:
            clef = _add(attributes, "clef")
            _add(clef, "sign", "G" if high else "F")
            _add(clef, "line", 2 if high else 4)

    def _heads(self, measure: ET.Element, heads: list[Head], start: int, *, first: bool) -> None:
        """Write noteheads and rests, and what stands above them."""
        written = [[spell(note, self._names(head.start)) for note in head.notes] for head in heads]
        signs = accidentals(heads, written, self.key)
        beams, brackets = self._beams(heads, start), self._brackets(heads, start)
        for place, head in enumerate(heads):
            if first:
                self._above(measure, head)
            if not head.notes:
                element = _add(measure, "note")
                _add(element, "rest")
                self._value(element, head, place, {}, brackets)
            for i, note in enumerate(head.notes):
                element = _add(measure, "note")
                if i:
                    _add(element, "chord")
                spelling = written[place][i]
                pitch = _add(element, "pitch")
                _add(pitch, "step", spelling.letter)
                if spelling.alter:
                    _add(pitch, "alter", spelling.alter)
                _add(pitch, "octave", spelling.octave)
                ties = ["stop"] * (note.onset < head.start)
                ties += ["start"] * (note.onset + note.duration > head.end)
                self._value(
                    element, head, place, {} if i else beams, {} if i else brackets,
                    ties, signs[place][i],
                )  # fmt: skip

    def _value(
        self,
        element: ET.Element,
        head: Head,
        place: int,
        beams: dict[int, list[str]],
        brackets: dict[int, str],
        ties: list[str] | None = None,
        sign: int | None = None,
    ) -> None:
        """Duration, ties, type, accidental, beams of a notehead, in the order of the standard."""
        _add(element, "duration", head.end - head.start)
        for kind in ties or ():
            _add(element, "tie", type=kind)
        _add(element, "voice", 1)
        name, dots, triplet = self.values[head.end - head.start]
        _add(element, "type", name)
        for _ in range(dots):
            _add(element, "dot")
        if sign is not None:
            _add(element, "accidental", ACCIDENTALS[sign])
        if triplet:
            ratio = _add(element, "time-modification")
            _add(ratio, "actual-notes", 3)
            _add(ratio, "normal-notes", 2)
        for level, beam in enumerate(beams.get(place, ()), start=1):
            _add(element, "beam", beam, number=str(level))
        if ties or place in brackets:
            notations = _add(element, "notations")
            for kind in ties or ():
                _add(notations, "tied", type=kind)
            if place in brackets:
                _add(notations, "tuplet", type=brackets[place], bracket="yes")

    def _above(self, measure: ET.Element, head: Head) -> None:
        """Write tempi and symbols that stand at a head, or begin while it goes on."""
        if head.start in self.tempi:
            _add(measure, "sound", tempo=f"{self.tempi[head.start]:g}")
        for step in range(head.start, head.end):
            if step in self.symbols:
                self._harmony(measure, self.symbols[step], step - head.start)

    def _harmony(self, measure: ET.Element, said: str, offset: int) -> None:
        harmony = _add(measure, "harmony")
        if is_none(said) or said[:1] not in _LETTERS:
            _add(harmony, "kind", "none" if is_none(said) else "other", text=printable(said))
        else:
            found = understood(said)
            slashed = found is not None and found.bass != found.root
            above, _, bass = said.partition("/") if slashed else (said, "", "")
            root = _add(harmony, "root")
            sharps = above[1:].replace("♯", "#").replace("♭", "b")
            skip = len(sharps) - len(sharps.lstrip("#b"))
            alter = sharps[:skip].count("#") - sharps[:skip].count("b")
            _add(root, "root-step", above[0])
            if alter:
                _add(root, "root-alter", alter)
            quality = above[1 + skip :]
            _add(harmony, "kind", _KIND_OF.get(quality, "other"), text=printable(quality))
            if bass:
                low = _add(harmony, "bass")
                _add(low, "bass-step", bass[0])
                if bass[1:]:
                    _add(low, "bass-alter", bass[1:].count("#") - bass[1:].count("b"))
        if offset:
            _add(harmony, "offset", offset)

    def _names(self, step: int) -> dict[int, int]:
        """Where each pitch class stands on the line of fifths, by the chord that sounds."""
        at = max((it for it in self.symbols if it <= step), default=None)
        found = None if at is None else understood(self.symbols[at])
        if found is None:
            places = range(self.key - 5, self.key + 7)
            single = (it + 12 * ((it < -8) - (it > 12)) for it in places)
            return {7 * place % 12: place for place in single}
        return names_of(_plain(found.text, found.tones), self.key)

    def _beams(self, heads: list[Head], start: int) -> dict[int, list[str]]:
        """The beams of the noteheads of each beat, by their place: one of each level."""
        beat, found = self.grid // 4, {}
        level = {name: place - 2 for place, name in enumerate(_TYPES)}
        short = [
            (
                place,
                max(0, level[self.values[head.end - head.start][0]]),
                (head.start - start) // beat,
            )
            for place, head in enumerate(heads)
        ]
        groups = groupby(short, key=lambda it: (it[2], it[1] > 0 and bool(heads[it[0]].notes)))
        for (_, beamed), run in groups:
            group = list(run)
            if not beamed or len(group) < 2:
                continue
            for i, (place, levels, _) in enumerate(group):
                said = []
                for at in range(1, levels + 1):
                    left = i > 0 and group[i - 1][1] >= at
                    right = i + 1 < len(group) and group[i + 1][1] >= at
                    said.append(
                        "continue" if left and right else "end" if left else "begin" if right
                        else "forward hook" if i == 0 else "backward hook"
                    )  # fmt: skip
                found[place] = said
        return found

    def _brackets(self, heads: list[Head], start: int) -> dict[int, str]:
        """Where the triplets of each beat begin and end."""
        beat, found = self.grid // 4, {}
        of_triplets = [
            (place, (head.start - start) // beat)
            for place, head in enumerate(heads)
            if self.values[head.end - head.start][2]
        ]
        for _, run in groupby(of_triplets, key=lambda it: it[1]):
            places = [place for place, _ in run]
            if len(places) > 1:
                found |= {places[0]: "start", places[-1]: "stop"}
        return found


def _plain(symbol: str, tones: tuple[int, ...]) -> str:
    """A chord symbol with the nearest of the qualities that `score` can spell."""
    root = symbol[: 1 + (symbol[1:2] in ("#", "b"))].replace("♯", "#").replace("♭", "b")
    minor, flat_fifth = 3 in tones and 4 not in tones, 6 in tones and 7 not in tones
    if minor and flat_fifth:
        quality = "m7b5" if 10 in tones else "dim7"
    else:
        seventh = "7" if 10 in tones else "maj7" if 11 in tones else "6" if 9 in tones else ""
        quality = ("m" if minor else "") + seventh
    return root + (quality if quality in QUALITIES else "m" if minor else "")


@checked
def key_of(tune: Tune) -> int:
    """The key signature of a tune, in sharps: as given, else the one most of its notes are in."""
    if tune.key is not None:
        return tune.key
    weights = [0] * 12
    for note in (*tune.melody, *tune.chords):
        weights[note.pitch % 12] += note.duration

    def inside(sharps: int) -> int:
        return sum(weights[(7 * sharps + tone) % 12] for tone in _MAJOR)

    return max(range(-5, 7), key=lambda sharps: (inside(sharps), -abs(sharps)))
