"""A score as MusicXML, for any notation program. It needs the standard library alone.

Nothing is lost on the way: the notes can be read back from the MusicXML as they were.

Chapter 1 (Twelve bars) shows the first score.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ... import limits
from ...arguments import checked, either, none, real, whole
from ...files import write_whole
from ..blues import MELODY_PITCHES, TWELVE_BAR, Form, Note
from ..midi import INSTRUMENTS, Music
from .rhythm import NOTEHEADS, Head, beamed, noteheads
from .spelling import LETTERS, QUALITIES, Spelling, key_signature, names_at, parse, spell
from .staves import bars_of, on_staves, printable, titled

BARS_A_LINE = 4
"""Bars in a line, so that the twelve bars read as three lines."""

ACCIDENTALS = {-1: "flat", 0: "natural", 1: "sharp"}
"""Accidentals as MusicXML calls them, by half steps up."""

_DRUMS = 10  # the percussion channel, counted from 1
_KEY = whole(-7, 7, of="sharps")  # sharps; flats are negative


@checked(tempo=real(*limits.TEMPO, of="beats a minute"), key=either(_KEY, none()))
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
    tempo : beats (quarter notes, two steps) a minute, 4 to 1000, for programs that play the sheet.
    key : sharps of the key signature, flats counted as negative (-2 is B flat and E flat); by
        default that of the form's first chord, which is none for a blues in C. It changes which
        notes have a sign of their own, never what they are called.
    chord_staff : whether the chords are written out. With them the sheet is a piano score, without
        them a lead sheet: the melody and the chord symbols.

    Raises
    ------
    ValueError : for no notes to write or one that can't be written, two notes of one pitch that
        overlap in one track, a tempo out of range, a key outside -7 to 7, a title with
        control characters, or more than 100 choruses (`limits.PAGE`).
    """
    signature = key_signature(form) if key is None else key
    parts = on_staves(music, chord_staff)
    bars = bars_of(music, form)
    root = ET.Element("score-partwise", version="4.0")
    _add(_add(root, "work"), "work-title", printable(titled(music, title, chord_staff)))
    identification = _add(root, "identification")
    if composer:
        _add(identification, "creator", printable(composer), type="composer")
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


@checked
def write_musicxml(music: Music, path: str | os.PathLike[str], **sheet: Any) -> Path:
    """Write the score of `musicxml`, which takes the same arguments, into a file. Chapter 1.

    Raises
    ------
    ValueError : as `musicxml`.
    """
    return write_whole(path, musicxml(music, **sheet).encode())


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
        _add(part, "part-name", printable(name.capitalize()), print_object="no")
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
    for bar, heads in enumerate(noteheads(notes, bars, length)):
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
    letter, alter, quality = parse(symbol)
    harmony = _add(measure, "harmony")
    root = _add(harmony, "root")
    _add(root, "root-step", letter)
    if alter:
        _add(root, "root-alter", alter)
    _add(harmony, "kind", QUALITIES[quality][0], text=quality)


def _add_notes(measure: ET.Element, heads: list[Head], form: Form, signature: int) -> None:
    """Write the notes and rests of a bar."""
    written = [[spell(note, names_at(note.onset, form)) for note in head.notes] for head in heads]
    signs, beams = _accidentals(heads, written, signature), beamed(heads)
    for place, head in enumerate(heads):
        if not head.notes:
            _add_rest(measure, head, form.steps_per_bar)
        for i, note in enumerate(head.notes):
            beam = None if i else beams.get(place)
            _add_note(measure, head, note, written[place][i], signs[place][i], i > 0, beam)


def _accidentals(
    heads: list[Head], written: list[list[Spelling]], signature: int
) -> list[list[int | None]]:
    """The accidental that each note of a bar has; None for one that needs none.

    An accidental holds for its line or space until the bar ends; a tied note needs none, and is no
    accidental for what follows it.
    """
    key = {
        LETTERS[(place + 1) % 7]: (place + 1) // 7 for place in range(signature - 1, signature + 6)
    }
    in_force: dict[tuple[str, int], int | None] = {}
    found: list[list[int | None]] = []
    for head, spellings in zip(heads, written, strict=True):
        lines = [(spelling.letter, spelling.octave) for spelling in spellings]
        signs: list[int | None] = [None] * len(lines)
        for i, (note, spelling) in enumerate(zip(head.notes, spellings, strict=True)):
            line = lines[i]
            crowded = lines.count(line) > 1  # two notes on one line, such as E flat and E
            if note.onset >= head.start:
                if crowded or in_force.get(line, key[spelling.letter]) != spelling.alter:
                    signs[i] = spelling.alter
                in_force[line] = None if crowded else spelling.alter
            elif not found and spelling.alter != key[spelling.letter]:
                in_force[line] = None  # whatever follows says what it is
        found.append(signs)
    return found


def _add_note(
    measure: ET.Element,
    head: Head,
    note: Note,
    spelling: Spelling,
    sign: int | None,
    above: bool,
    beam: str | None,
) -> None:
    """Write one note of a head: the first, or one that stands ``above`` it on the same stem."""
    element = _add(measure, "note")
    if above:
        _add(element, "chord")
    pitch = _add(element, "pitch")
    _add(pitch, "step", spelling.letter)
    if spelling.alter:
        _add(pitch, "alter", spelling.alter)
    _add(pitch, "octave", spelling.octave)
    _add(element, "duration", head.end - head.start)
    tied = {"stop": note.onset < head.start, "start": note.onset + note.duration > head.end}
    ties = [kind for kind in tied if tied[kind]]
    for kind in ties:
        _add(element, "tie", type=kind)
    _add_type(element, head)
    if sign is not None:
        _add(element, "accidental", ACCIDENTALS[sign])
    if beam is not None:
        _add(element, "beam", beam, number="1")
    if ties:
        notations = _add(element, "notations")
        for kind in ties:
            _add(notations, "tied", type=kind)


def _add_rest(measure: ET.Element, head: Head, length: int) -> None:
    element = _add(measure, "note")
    rest = _add(element, "rest")
    _add(element, "duration", head.end - head.start)
    if head.end - head.start == length:
        rest.set("measure", "yes")
        _add(element, "voice", 1)
    else:
        _add_type(element, head)


def _add_type(element: ET.Element, head: Head) -> None:
    kind, dots = NOTEHEADS[head.end - head.start]
    _add(element, "voice", 1)
    _add(element, "type", kind)
    for _ in range(dots):
        _add(element, "dot")
