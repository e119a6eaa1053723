"""Music as a musician reads it: a score as MusicXML, as a picture in the page, and on paper.

A piano score has the melody on a staff of its own, the chords on another below it, and the chord
symbols of the form above both, four bars a line. A lead sheet leaves the staff of the chords out:
it has the melody and the symbols. One step is an eighth note; what is not one notehead long is
tied. Nothing is lost on the way: the notes can be read back from the MusicXML as they were.

Spelling follows the harmony. A pitch that belongs to the chord of its bar is written as that chord
has it (the C sharp of A7, the E flat of F#dim7), any other as in the key of the form, with flats
rather than sharps: D flat, E flat, A flat and B flat in C.
The key is that of the form's first chord, and so is the key signature. A blues in C is therefore
written without one, as musicians write it, and each B flat and E flat has a sign of its own; two
flats at the beginning of the line would read as B flat major. Another signature can be asked for.

MusicXML needs the standard library alone; pictures and PDF need verovio (the extra ``score`` of
this package). A notebook that runs without it shows a note in the place of each picture.

Chapter 1 (Twelve bars) shows the first one.
"""

from __future__ import annotations

import html
import io
import math
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import matplotlib as mpl
import numpy as np
from fontTools.pens.recordingPen import RecordingPen
from fontTools.svgLib.path.parser import parse_path
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import IdentityTransform

from ..files import write_whole
from .blues import MELODY_PITCHES, TWELVE_BAR, Chorus, Form, Note
from .midi import INSTRUMENTS, Music, tracks

BARS_A_LINE = 4
"""Bars in a line, so that the twelve bars read as three lines."""

_NOTEHEADS = {
    1: ("eighth", 0),
    2: ("quarter", 0),
    3: ("quarter", 1),
    4: ("half", 0),
    6: ("half", 1),
    8: ("whole", 0),
    12: ("whole", 1),
}  # steps: what one notehead is called, and its dots
_GROUP = 4  # steps that are read as one: half a bar of four beats

# Notes are spelled on the line of fifths: ... B flat -2, F -1, C 0, G 1, D 2 ... F sharp 6 ...
_LETTERS = "FCGDAEB"
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SINGLE = range(-8, 13)  # from F flat to B sharp: what can be written without a double accidental
_ACCIDENTALS = {-1: "flat", 0: "natural", 1: "sharp"}

# Each quality in MusicXML's words, and its chord tones above the root in fifths.
_QUALITIES: dict[str, tuple[str, tuple[int, ...]]] = {
    "": ("major", (0, 4, 1)),
    "m": ("minor", (0, -3, 1)),
    "7": ("dominant", (0, 4, 1, -2)),
    "m7": ("minor-seventh", (0, -3, 1, -2)),
    "maj7": ("major-seventh", (0, 4, 1, 5)),
    "6": ("major-sixth", (0, 4, 1, 3)),
    "m6": ("minor-sixth", (0, -3, 1, 3)),
    "dim7": ("diminished-seventh", (0, -3, -6, -9)),
    "m7b5": ("half-diminished", (0, -3, -6, -2)),
}
_DRUMS = 10  # the percussion channel, counted from 1

_A4 = 210  # width of the paper in millimetres
_ENGRAVING = {
    "footer": "none",
    "header": "none",
    "minLastJustification": 0.5,  # a line at least half full is as wide as the others
    "smuflTextFont": "none",  # words become outlines
}
_SCREEN = {
    "adjustPageHeight": True,
    "breaks": "encoded",
    "pageWidth": 1400,  # narrow, so that notes are large enough on a phone
    "pageHeight": 60000,
    "pageMarginLeft": 45,
    "pageMarginRight": 5,
    "pageMarginTop": 5,
    "pageMarginBottom": 5,
}
_LOOSE = {
    "adjustPageHeight": True,
    "adjustPageWidth": True,
    "breaks": "encoded",
    "noJustification": True,
    "pageWidth": 100_000,
    "pageHeight": 60_000,
}
_TIGHT = 0.9  # how far notes may be pushed together
_PAPER = {
    "adjustPageHeight": False,
    "breaks": "line",  # lines as written, pages as they fit
    "pageWidth": 2100,
    "pageHeight": 2970,
    "pageMarginLeft": 170,
    "pageMarginRight": 150,
    "pageMarginTop": 300,
    "pageMarginBottom": 200,
}
_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
# What verovio takes from its music font within words.
_SYMBOLS = {"\uea64": "♭", "\uea65": "♮", "\uea66": "♯"}
_PATH = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}  # Matplotlib's codes in SVG's letters
_PEN = {"moveTo": 1, "lineTo": 2, "qCurveTo": 3, "curveTo": 4, "closePath": 79}


class _Spelling(NamedTuple):
    """A written note: letter, accidental (-1, 0 or 1 semitones) and octave (middle C has 4)."""

    letter: str
    alter: int
    octave: int


class _Head(NamedTuple):
    """One notehead, or several on one stem, or a rest if there are no notes: steps from, to."""

    start: int
    end: int
    notes: tuple[Note, ...]


def struck(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Strike all notes anew whenever one of them changes, as a pianist plays chords. Chapter 7.

    A roll does not tell a held note from a repeated one, so that what is decoded from it holds
    every note for as long as it can, through several chords. This is the other reading.

    Raises
    ------
    ValueError : as `musicxml`, for notes.
    """
    part = _one_part("chords", tracks({"chords": notes}).get("chords", ()))
    return tuple(
        Note(note.pitch, start, end - start)
        for start, end, sounding in _slices(part, ())
        for note in sounding
    )


def played(music: Music) -> dict[str, tuple[Note, ...]]:
    """Named tracks of music that came out of a roll, with chords that are struck (see `struck`).

    Raises
    ------
    ValueError : for anything that is not a note.

    Chapter 8.
    """
    parts = tracks(music)
    return {name: struck(part) if name == "chords" else part for name, part in parts.items()}


def musicxml(
    music: Music,
    *,
    form: Form = TWELVE_BAR,
    title: str | None = None,
    composer: str | None = None,
    tempo: float = 120.0,
    key: int | None = None,
    chord_staff: bool = True,
) -> str:
    """Write music as a score in MusicXML 4.0, for any notation program. Chapter 1.

    Parameters
    ----------
    music : a chorus, named tracks or plain notes (see `midi.tracks`), at least one note. The track
        ``"chords"`` has the lowest staff.
    form : bar length and chord symbols; begins anew each chorus. Whether the notes keep to it is
        not looked at: the symbols say what was meant, the staves what was played.
    title, composer : of the sheet; by default a chorus is called by its number.
    tempo : beats (quarter notes, two steps) a minute, for programs that play the sheet.
    key : sharps of the key signature, flats counted as negative (-2 is B flat and E flat); by
        default that of the form's first chord, which is none for a blues in C. It changes which
        notes have a sign of their own, never what they are called.
    chord_staff : whether the chords are written out. With them the sheet is a piano score, without
        them a lead sheet: the melody and the chord symbols.

    Raises
    ------
    ValueError : for no notes to write or one that can't be written, two notes of one pitch that
        overlap in one track, a tempo that is not above 0, a key outside -7 to 7, or a title with
        control characters.
    """
    if not (math.isfinite(tempo) and tempo > 0):
        raise ValueError(f"tempo {tempo}: expected a number of beats a minute above 0")
    if key is not None and key not in range(-7, 8):
        raise ValueError(f"key {key}: expected a number of sharps from -7 (seven flats) to 7")
    signature = _signature(form) if key is None else int(key)
    parts = _parts(music, chord_staff)
    bars = _bars(music, form)
    root = ET.Element("score-partwise", version="4.0")
    _add(_add(root, "work"), "work-title", _text(_title(music, title, chord_staff)))
    identification = _add(root, "identification")
    if composer:
        _add(identification, "creator", _text(composer), type="composer")
    encoding = _add(identification, "encoding")
    _add(encoding, "software", "lstm_from_scratch")
    _add(encoding, "supports", element="accidental", type="yes")
    _add(encoding, "supports", element="beam", type="yes")
    _add(
        encoding, "supports", element="print", attribute="new-system", type="yes", value="yes"
    )  # fmt: skip
    _add_part_list(root, parts)
    for number, notes in enumerate(parts.values()):
        part = _add(root, "part", id=f"P{number + 1}")
        _add_measures(part, notes, bars, form, signature, tempo=tempo if number == 0 else None)
    ET.indent(root)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN"'
        ' "http://www.musicxml.org/dtds/partwise.dtd">\n'
        f"{ET.tostring(root, encoding='unicode')}\n"
    )


def _title(music: Music, title: str | None, chord_staff: bool) -> str:
    if title is not None:
        return title
    if isinstance(music, Chorus):
        return f"Chorus {music.number}"
    return _kind(_parts(music, chord_staff)).capitalize()


def _kind(parts: Collection[str]) -> str:
    """What musicians call a sheet with these staves."""
    return "lead sheet" if len(parts) == 1 and "chords" not in parts else "piano score"


def _text(text: str) -> str:
    """Text that XML can hold."""
    if re.search("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text):
        raise ValueError(f"{text!r} has control characters: expected text that can be printed")
    return text


def _parts(music: Music, chord_staff: bool) -> dict[str, tuple[Note, ...]]:
    """The tracks in the order of their staves, the chords last or left out."""
    parts = {name: _one_part(name, notes) for name, notes in tracks(music).items()}
    if not parts:
        raise ValueError("no notes: a sheet needs at least one")
    if not chord_staff and not parts.keys() - {"chords"}:
        raise ValueError("no notes but those of the chords: a lead sheet needs a melody")
    written = [part for part in parts.items() if chord_staff or part[0] != "chords"]
    return dict(sorted(written, key=lambda part: part[0] == "chords"))


def _one_part(name: str, notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Notes that one staff can hold."""
    sounding_until: dict[int, int] = {}
    for note in notes:
        if note.onset < sounding_until.get(note.pitch, 0):
            raise ValueError(
                f"track {name!r}: {note} begins before the note of the same pitch ends; a staff "
                f"can't hold both"
            )
        sounding_until[note.pitch] = note.onset + note.duration
    return notes


def _bars(music: Music, form: Form) -> int:
    """Bars until the last note has ended, be it written or not."""
    last = max(note.onset + note.duration for notes in tracks(music).values() for note in notes)
    return -(-last // form.steps_per_bar)


# ---- Spelling ------------------------------------------------------------------------------------


def _position(letter: str, alter: int = 0) -> int:
    """Where a note stands on the line of fifths."""
    return _LETTERS.index(letter) - 1 + 7 * alter


def _spoken(symbol: str) -> str:
    """A chord symbol in words that can be read aloud: F#dim7 is "F sharp dim7"."""
    letter, alter, quality = _parse(symbol)
    return f"{letter}{('', ' sharp ', ' flat ')[alter]}{quality}".strip()


def _parse(symbol: str) -> tuple[str, int, str]:
    """Letter and accidental of a chord's root, and its quality; a `Form` has no other symbols."""
    match = re.fullmatch(r"([A-G])([#b]?)(.*)", symbol)
    return match[1], {"": 0, "#": 1, "b": -1}[match[2]], match[3]


@lru_cache(maxsize=256)
def _names(symbol: str, home: int) -> dict[int, int]:
    """Where each of the 12 pitch classes stands on the line of fifths while a chord sounds.

    Outside the chord the tonic's twelve neighbours are taken, five below it and six above: in C
    from D flat to F sharp.
    """
    names = {7 * place % 12: place for place in range(home - 5, home + 7)}
    letter, alter, quality = _parse(symbol)
    for fifths in _QUALITIES[quality][1]:
        place = _position(letter, alter) + fifths
        names[7 * place % 12] = place
    # Twelve fifths on is the same key of the piano: no double accidentals.
    return {
        pitch_class: place + 12 * ((place < _SINGLE.start) - (place >= _SINGLE.stop))
        for pitch_class, place in names.items()
    }


def _home(form: Form) -> tuple[int, bool]:
    """The tonic of a form on the line of fifths, and whether its key is a minor one.

    Taken from the first chord, with sevenths left aside: C7 stands for C major, Cm7 for C minor.
    A key of more than seven sharps or flats is called by its other name.
    """
    letter, alter, quality = _parse(form.chords[0])
    minor = -3 in _QUALITIES[quality][1]
    tonic = _position(letter, alter)
    signature = tonic - 3 * minor
    return tonic + 12 * ((signature < -7) - (signature > 7)), minor


def _signature(form: Form) -> int:
    """The key signature of a form, in sharps; flats are negative."""
    tonic, minor = _home(form)
    return tonic - 3 * minor


def _spell(note: Note, names: dict[int, int]) -> _Spelling:
    place = names[note.pitch % 12]
    letter, alter = _LETTERS[(place + 1) % 7], (place + 1) // 7
    octave = (note.pitch - alter - _NATURALS[letter]) // 12 - 1
    if not 0 <= octave <= 9:
        raise ValueError(f"{note} is too low to be written: expected a pitch above 12")
    return _Spelling(letter, alter, octave)


# ---- Rhythm --------------------------------------------------------------------------------------


def _slices(
    notes: tuple[Note, ...], cuts: Iterable[int]
) -> Iterator[tuple[int, int, tuple[Note, ...]]]:
    """Cut time wherever a note begins or ends and at the given steps: from, to, what sounds.

    Silence is left out where no cut bounds it on both sides.
    """
    times = sorted({*cuts, *(n.onset for n in notes), *(n.onset + n.duration for n in notes)})
    begins = {onset: tuple(run) for onset, run in groupby(notes, key=lambda note: note.onset)}
    sounding: tuple[Note, ...] = ()
    for start, end in pairwise(times):
        sounding = tuple(n for n in sounding if n.onset + n.duration > start)
        sounding = tuple(sorted(sounding + begins.get(start, ())))
        yield start, end, sounding


def _heads(notes: tuple[Note, ...], bars: int, length: int) -> list[list[_Head]]:
    """What is written in each bar, from its first step to its last without a gap."""
    written: list[list[_Head]] = [[] for _ in range(bars)]
    for start, end, sounding in _slices(notes, range(0, bars * length + 1, length)):
        bar, at = divmod(start, length)
        first = bar * length
        values = _note_values if sounding else _rest_values
        for a, b in values(at, end - first):
            written[bar].append(_Head(first + a, first + b, sounding))
    for bar, heads in enumerate(written):
        if not any(head.notes for head in heads):
            written[bar] = [_Head(bar * length, (bar + 1) * length, ())]
    return written


def _note_values(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Part a note, given by its steps within the bar, into noteheads.

    A notehead keeps to its half of the bar, so that the middle of the bar can be seen, unless it
    both begins and ends on a beat.
    """
    while start < end:
        inside = start // _GROUP == (end - 1) // _GROUP
        on_beats = start % 2 == 0 and end % 2 == 0
        whole = end - start in _NOTEHEADS and (inside or on_beats)
        stop = end if whole else (start // _GROUP + 1) * _GROUP
        yield start, stop
        start = stop


def _rest_values(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Part a rest within the bar; each begins where one of its kind may, and none has a dot."""
    while start < end:
        stop = start + next(v for v in (4, 2, 1) if start % v == 0 and start + v <= end)
        yield start, stop
        start = stop


def _beams(heads: list[_Head]) -> dict[int, str]:
    """Which heads of a bar are beamed, by their place in it: eighth notes of one half bar."""
    first = heads[0].start
    found = {}
    places = [i for i, head in enumerate(heads) if head.notes and head.end - head.start == 1]
    # Neighbours differ equally in place and in rank.
    for _, run in groupby(
        enumerate(places), key=lambda p: (p[1] - p[0], (heads[p[1]].start - first) // _GROUP)
    ):
        together = [place for _, place in run]
        if len(together) > 1:
            found |= dict.fromkeys(together, "continue")
            found |= {together[0]: "begin", together[-1]: "end"}
    return found


# ---- MusicXML ------------------------------------------------------------------------------------


def _add(parent: ET.Element, tag: str, text: object = None, /, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, {k.replace("_", "-"): v for k, v in attributes.items()})
    element.text = None if text is None else str(text)
    return element


def _add_part_list(root: ET.Element, parts: Collection[str]) -> None:
    """Name the parts and give them their instrument, which programs know by one of two names."""
    part_list = _add(root, "part-list")
    together = len(parts) > 1
    if together:
        group = _add(part_list, "part-group", number="1", type="start")
        _add(group, "group-symbol", "brace")
        _add(group, "group-barline", "yes")
    for number, name in enumerate(parts, start=1):
        part = _add(part_list, "score-part", id=f"P{number}")
        _add(part, "part-name", _text(name.capitalize()), print_object="no")
        instrument = _add(part, "score-instrument", id=f"P{number}-I1")
        _add(instrument, "instrument-name", "Electric Piano")
        _add(instrument, "instrument-sound", "keyboard.piano.electric")
        midi = _add(part, "midi-instrument", id=f"P{number}-I1")
        _add(midi, "midi-channel", number + (number >= _DRUMS))
        _add(midi, "midi-program", INSTRUMENTS["melody"] + 1)  # counted from 1 here
    if together:
        _add(part_list, "part-group", number="1", type="stop")


def _add_measures(
    part: ET.Element,
    notes: tuple[Note, ...],
    bars: int,
    form: Form,
    signature: int,
    *,
    tempo: float | None,
) -> None:
    """Write one staff, bar by bar; the top one has the chord symbols and the tempo."""
    length = form.steps_per_bar
    for bar, heads in enumerate(_heads(notes, bars, length)):
        measure = _add(part, "measure", number=str(bar + 1))
        in_form = bar % form.bars
        new_line = bar % BARS_A_LINE == 0
        if bar and new_line:
            _add(measure, "print", new_system="yes")
        if bar == 0:
            _add_attributes(measure, notes, length, signature)
        symbol = form.chords[in_form]
        if tempo is not None:
            if bar == 0:
                _add(measure, "sound", tempo=f"{tempo:g}")
            if new_line or symbol != form.chords[in_form - 1]:
                _add_symbol(measure, symbol)
        _add_notes(measure, heads, form, signature)
        if bar + 1 == bars or in_form + 1 == form.bars:
            line = _add(measure, "barline", location="right")
            _add(line, "bar-style", "light-heavy" if bar + 1 == bars else "light-light")


def _add_attributes(
    measure: ET.Element, notes: tuple[Note, ...], length: int, signature: int
) -> None:
    attributes = _add(measure, "attributes")
    _add(attributes, "divisions", 2)  # of a quarter note: a duration is a number of steps
    _add(_add(attributes, "key"), "fifths", signature)
    time = _add(attributes, "time")
    _add(time, "beats", length if length % 2 else length // 2)
    _add(time, "beat-type", 8 if length % 2 else 4)
    high = sum(note.pitch >= MELODY_PITCHES[0] for note in notes) * 2 >= len(notes)
    clef = _add(attributes, "clef")
    _add(clef, "sign", "G" if high else "F")
    _add(clef, "line", 2 if high else 4)


def _add_symbol(measure: ET.Element, symbol: str) -> None:
    letter, alter, quality = _parse(symbol)
    harmony = _add(measure, "harmony")
    root = _add(harmony, "root")
    _add(root, "root-step", letter)
    if alter:
        _add(root, "root-alter", alter)
    _add(harmony, "kind", _QUALITIES[quality][0], text=quality)


def _add_notes(measure: ET.Element, heads: list[_Head], form: Form, signature: int) -> None:
    """Write the notes and rests of a bar.

    An accidental holds for its line or space until the bar ends; a tied note needs none, and is no
    accidental for what follows it.
    """
    key = {
        _LETTERS[(place + 1) % 7]: (place + 1) // 7 for place in range(signature - 1, signature + 6)
    }
    in_force: dict[tuple[str, int], int | None] = {}
    beams = _beams(heads)
    for place, head in enumerate(heads):
        if not head.notes:
            _add_rest(measure, head, form.steps_per_bar)
            continue
        written = [_spell(note, _names_at(note.onset, form)) for note in head.notes]
        lines = [(spelling.letter, spelling.octave) for spelling in written]
        for i, (note, spelling) in enumerate(zip(head.notes, written, strict=True)):
            element = _add(measure, "note")
            if i:
                _add(element, "chord")
            pitch = _add(element, "pitch")
            _add(pitch, "step", spelling.letter)
            if spelling.alter:
                _add(pitch, "alter", spelling.alter)
            _add(pitch, "octave", spelling.octave)
            _add(element, "duration", head.end - head.start)
            ties = [
                kind
                for kind, tied in (
                    ("stop", note.onset < head.start),
                    ("start", note.onset + note.duration > head.end),
                )
                if tied
            ]
            for kind in ties:
                _add(element, "tie", type=kind)
            _add_type(element, head)
            line = lines[i]
            crowded = lines.count(line) > 1  # two notes on one line, such as E flat and E
            if "stop" not in ties:
                if crowded or in_force.get(line, key[spelling.letter]) != spelling.alter:
                    _add(element, "accidental", _ACCIDENTALS[spelling.alter])
                in_force[line] = None if crowded else spelling.alter
            elif not place and spelling.alter != key[spelling.letter]:
                in_force[line] = None  # whatever follows says what it is
            if place in beams and not i:
                _add(element, "beam", beams[place], number="1")
            if ties:
                notations = _add(element, "notations")
                for kind in ties:
                    _add(notations, "tied", type=kind)


def _names_at(step: int, form: Form) -> dict[int, int]:
    return _names(form.chords[step // form.steps_per_bar % form.bars], _home(form)[0])


def _add_rest(measure: ET.Element, head: _Head, length: int) -> None:
    element = _add(measure, "note")
    rest = _add(element, "rest")
    _add(element, "duration", head.end - head.start)
    if head.end - head.start == length:
        rest.set("measure", "yes")
        _add(element, "voice", 1)
    else:
        _add_type(element, head)


def _add_type(element: ET.Element, head: _Head) -> None:
    kind, dots = _NOTEHEADS[head.end - head.start]
    _add(element, "voice", 1)
    _add(element, "type", kind)
    for _ in range(dots):
        _add(element, "dot")


# ---- Pictures ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """A score that a notebook or the book shows as a drawing in the page.

    The drawing is made of shapes alone (no fonts, no ids, no scripts), is as wide as the page lets
    it be, and has the colour of the words around it.

    Attributes
    ----------
    title : what it is called.
    description : what is to be seen; what a screen reader says.
    svg : the drawing.
    """

    title: str
    description: str
    svg: str

    def __repr__(self) -> str:
        return f"Sheet({self.title!r})"

    def _repr_html_(self) -> str:
        return (
            f'<figure class="score" style="margin: 0.5em 0">'
            f"<figcaption>{html.escape(self.title)}</figcaption>{self.svg}</figure>"
        )


NEEDS_VEROVIO = (
    "drawing a score needs verovio: pip install 'lstm-from-scratch[score]'. "
    "MusicXML, MIDI and sound do without"
)
"""What is said where verovio is missing."""


@dataclass(frozen=True)
class Undrawn:
    """What a notebook shows in the place of a `Sheet` where verovio is missing: a note.

    Attributes
    ----------
    title, description : as those of a sheet.
    svg : not there; asking for it raises `ModuleNotFoundError`.
    """

    title: str
    description: str

    @property
    def svg(self) -> str:
        """The drawing that there is not."""
        raise ModuleNotFoundError(NEEDS_VEROVIO, name="verovio")

    def __repr__(self) -> str:
        return f"Undrawn({self.title!r}): {NEEDS_VEROVIO}."

    def _repr_html_(self) -> str:
        return (
            f'<figure class="score" style="margin: 0.5em 0">'
            f"<figcaption>{html.escape(self.title)}</figcaption>"
            f"<p><em>Not drawn here: {html.escape(NEEDS_VEROVIO, quote=False)}.</em></p>"
            f"<p>{html.escape(self.description)}</p></figure>"
        )


def svg(
    music: Music,
    title: str | None = None,
    *,
    form: Form = TWELVE_BAR,
    description: str | None = None,
    key: int | None = None,
    chord_staff: bool = True,
) -> Sheet | Undrawn:
    """Draw music as a score in the page; without verovio, put a note there. Chapter 1.

    Parameters
    ----------
    music, form, key, chord_staff : see `musicxml`.
    title : what is written above; by default a chorus is called by its number.
    description : what a screen reader says; by default the number of bars, the staves and the chord
        symbols.

    Raises
    ------
    ValueError : as `musicxml`.
    """
    title = _title(music, title, chord_staff)
    if description is None:
        description = _describe(music, form, chord_staff)
    description = _text(description)
    sheet = musicxml(music, form=form, title=title, key=key, chord_staff=chord_staff)
    try:
        ((width, height, shapes),) = _engrave(sheet, _SCREEN)
    except ModuleNotFoundError:
        return Undrawn(title, description)
    image = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width:g} {height:g}",
            "role": "img",
            "aria-label": description,
            "fill": "currentColor",
            "stroke": "currentColor",
            "stroke-width": "0",
            "style": "display: block; width: 100%; height: auto",
        },
    )
    image.extend(shape.element() for shape in shapes)
    return Sheet(title, description, ET.tostring(image, encoding="unicode"))


def pdf(
    music: Music,
    path: str | os.PathLike[str],
    *,
    form: Form = TWELVE_BAR,
    title: str | None = None,
    composer: str | None = None,
    key: int | None = None,
    chord_staff: bool = True,
) -> Path:
    """Write music as a score on A4 pages into a PDF file; the same bytes each time. Chapter 1.

    Parameters
    ----------
    music, form, title, composer, key, chord_staff : see `musicxml`.

    Raises
    ------
    ValueError : as `musicxml`.
    ModuleNotFoundError : without verovio.
    """
    title = _title(music, title, chord_staff)
    sheet = musicxml(
        music, form=form, title=title, composer=composer, key=key, chord_staff=chord_staff
    )
    pages = _engrave(sheet, _PAPER)
    # Matplotlib would write the time into the file.
    about = {"Title": title, "Author": composer, "Creator": None, "CreationDate": None}
    buffer = io.BytesIO()
    with PdfPages(buffer, metadata=about) as document:
        for number, (width, height, shapes) in enumerate(pages, start=1):
            middle, right, room = width / 2, 0.93 * width, 0.86 * width
            words = [
                (title, middle, 0.055, 0.03, "middle"),
                (composer or "", right, 0.078, 0.016, "end"),
                (f"{number} of {len(pages)}", middle, 0.97, 0.014, "middle"),
            ]
            shapes += [
                _words(text, x, down * height, size * width, anchor=anchor, room=room)
                for text, x, down, size, anchor in words[: 3 if len(pages) > 1 else 2]
                if text.strip()
            ]
            figure = Figure(figsize=(_A4 / 25.4, _A4 / 25.4 * height / width))
            for shape in shapes:
                figure.add_artist(shape.patch(height, _A4 / 25.4 * 72 / width))
            FigureCanvasPdf(figure).print_pdf(document)
    return write_whole(path, buffer.getvalue())


def write_musicxml(music: Music, path: str | os.PathLike[str], **sheet: Any) -> Path:
    """Write the score of `musicxml`, which takes the same arguments, into a file. Chapter 1.

    Raises
    ------
    ValueError : as `musicxml`.
    """
    return write_whole(path, musicxml(music, **sheet).encode())


def _describe(music: Music, form: Form, chord_staff: bool) -> str:
    """The sheet in a sentence, for those who do not see it."""
    parts = _parts(music, chord_staff)
    bars = _bars(music, form)
    staves = " and ".join(
        f"{len(notes)} notes on the {name} staff" for name, notes in parts.items()
    )
    symbols = [_spoken(form.chords[bar % form.bars]) for bar in range(min(bars, form.bars))]
    again = ", and so on from the beginning" if bars > form.bars else ""
    count = f"{bars} bar{'s' if bars > 1 else ''}"
    named = f"A {_kind(parts)} of {count}, {staves}"
    return f"{named}. The chord symbols read {', '.join(symbols)}{again}."


class _Shape(NamedTuple):
    """Something that is drawn: an SVG path in its own coordinates, moved and stretched.

    A line has a width, a filled shape has none, in units of the page (a thousandth of a cm).
    """

    kind: str
    outline: str
    x: float = 0
    y: float = 0
    stretch: tuple[float, float] = (1, 1)
    width: float = 0

    def element(self) -> ET.Element:
        """The shape in SVG."""
        attributes = {"class": self.kind, "d": self.outline}
        if (self.x, self.y, self.stretch) != (0, 0, (1, 1)):
            across, up = self.stretch
            attributes["transform"] = f"translate({self.x:g} {self.y:g}) scale({across:g} {up:g})"
        if self.width:
            attributes["stroke-width"] = f"{self.width:g}"
        return ET.Element("path", attributes)

    def patch(self, height: float, scale: float) -> PathPatch:
        """The shape for Matplotlib, counted from the lower left corner of a page of that height."""
        pen = RecordingPen()
        parse_path(self.outline, pen)
        points, codes = [], []
        for command, places in pen.value:
            if command in _PEN:
                places = places or points[-1:]  # closing needs a point, whichever
                points += places
                codes += [_PEN[command]] * len(places)
        place = np.array(points) * self.stretch + (self.x, self.y)
        place = (place * (1, -1) + (0, height)) * scale
        return PathPatch(
            mpl.path.Path(place, codes),
            facecolor="black",
            edgecolor="black",
            linewidth=self.width * scale,
            capstyle="butt",
            transform=IdentityTransform(),
        )


_Page: TypeAlias = tuple[float, float, list[_Shape]]  # width, height, and what is drawn on it


def _engrave(sheet: str, options: dict[str, Any]) -> list[_Page]:
    """Let verovio set a sheet of MusicXML, and take its pages apart into shapes."""
    try:
        import verovio
    except ImportError:
        raise ModuleNotFoundError(NEEDS_VEROVIO, name="verovio") from None
    toolkit = verovio.toolkit()
    breaks = {} if "<print " in sheet else {"breaks": "none"}  # a single line has none

    def pages(**more: Any) -> list[_Page]:
        toolkit.setOptions(_ENGRAVING | options | more | breaks)
        if not toolkit.loadData(sheet):
            raise RuntimeError("verovio can't read the sheet")
        return [_page(toolkit.renderToSVG(page + 1)) for page in range(toolkit.getPageCount())]

    # Where notes are many, the page is made larger (and shown as large as any other).
    loose = pages(**_LOOSE)
    larger = max(1.0, _TIGHT * max(width for width, _, _ in loose) / 10 / options["pageWidth"])
    return pages(
        pageWidth=round(larger * options["pageWidth"]),
        pageHeight=min(round(larger * options["pageHeight"]), _LOOSE["pageHeight"]),
        adjustPageWidth=False,
        noJustification=False,
    )


def _page(drawing: str) -> _Page:
    """Size and shapes of a page that verovio has drawn."""
    root = ET.fromstring(drawing)
    glyphs = {g.get("id"): g[0].get("d") for g in root.iterfind(f"{_SVG}defs/{_SVG}g")}
    scaled = root.find(f"{_SVG}svg")
    margin = scaled.find(f"{_SVG}g")
    x, y = _numbers(margin.get("transform"))
    _, _, width, height = _numbers(scaled.get("viewBox"))
    shapes = [shape._replace(x=shape.x + x, y=shape.y + y) for shape in _shapes(margin, "", glyphs)]
    return width, height, shapes


def _shapes(element: ET.Element, kind: str, glyphs: dict[str, str]) -> Iterator[_Shape]:
    """What an element of verovio's drawing and those inside it draw, each as one shape.

    Glyphs are named by ids there, which two drawings in one page would share; words are set in a
    font that every machine has another of. As outlines both look the same everywhere.
    """
    classes = element.get("class", "").split()
    if "placeholder" in classes:
        return
    kind = classes[0] if classes else kind
    tag = element.tag.removeprefix(_SVG)
    width = float(element.get("stroke-width", 0))
    if tag == "path":
        yield _Shape(kind, element.get("d"), width=width)
    elif tag == "polygon":
        yield _Shape(kind, f"M{element.get('points')}Z", width=width)
    elif tag == "ellipse":
        x, y, rx, ry = (float(element.get(name)) for name in ("cx", "cy", "rx", "ry"))
        half = f"a{rx:g} {ry:g} 0 1 0"
        yield _Shape(kind, f"M{-rx:g} 0{half} {2 * rx:g} 0{half} {-2 * rx:g} 0Z", x, y)
    elif tag == "use":
        x, y, across, up = _numbers(element.get("transform"))
        yield _Shape(kind, glyphs[element.get(_LINK)[1:]], x, y, (across, -up))
    elif tag == "text":
        words = "".join(_SYMBOLS.get(sign, sign) for sign in "".join(element.itertext()))
        sizes = [
            _numbers(part.get("font-size", "0"))[0]
            for part in element.iter()
            if not part.get("font-family")
        ]
        if kind == "harm":
            words = words.replace("b", "♭")
        if words.strip():
            place = float(element.get("x", 0)), float(element.get("y", 0))
            anchor = element.get("text-anchor", "start")
            yield _words("".join(words.split()), *place, max(sizes), anchor=anchor, kind=kind)
    else:
        for inner in element:
            yield from _shapes(inner, kind, glyphs)


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in re.findall(r"-?[\d.]+", text))


def _words(
    text: str,
    x: float,
    y: float,
    size: float,
    *,
    anchor: str = "start",
    kind: str = "words",
    room: float = math.inf,
) -> _Shape:
    """A line of text as an outline, in the font that comes with Matplotlib."""
    font = FontProperties(family="DejaVu Sans")
    path = TextPath((0, 0), text.replace("$", r"\$"), size=size, prop=font)  # $ begins a formula
    outline = "".join(
        _PATH[code] + " ".join(f"{value:.0f}" for value in places if _PATH[code] != "Z")
        for places, code in path.iter_segments(simplify=False)
    )
    length = path.get_extents().x1
    narrow = min(1.0, room / length)
    x -= {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * length * narrow
    return _Shape(kind, outline, x, y, (narrow, -narrow))
