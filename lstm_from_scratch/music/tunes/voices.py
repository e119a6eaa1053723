"""Which of a file's parts is the melody, and where its chords come from.

The melody is the part that is asked for; else one whose name says so (``melody``, ``lead``,
``vocal``, ``solo``, ``tune``, ``right``); else, of the parts that mostly play one note at a time,
the highest; else the highest part. Of a part that plays several notes at once it is the top line:
at each beginning the highest note, until the next one begins.

Chords are those of the part that is asked for; else of the symbols, where there are any; else of a
part whose name says so (``chord``, ``harmony``, ``comp``, ``pad``, ``piano``, ``guitar``, ``left``,
``accomp``); else of whatever plays several notes at once; else of what is left of the melody's
part below its top line. Where nothing is left, there are none.

Chapter 1 (Twelve bars) parts plain notes at middle C.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...arguments import Kind, Unfit, anything, checked, either, instance, none, several
from ..blues import Note, check_notes

MELODY_NAMES = re.compile(r"\b(melod\w*|lead|vocals?|voice|solo|tune|theme|right|singer)\b", re.I)
CHORD_NAMES = re.compile(
    r"\b(chords?|harmon\w*|comp\w*|pads?|piano|guitars?|left|accomp\w*|keys|rhythm)\b", re.I
)


CHORDS_ONLY = re.compile(r"\b(chords?|harmon\w*|comp\w*|pads?|accomp\w*)\b", re.I)


class Part(NamedTuple):
    """The notes of one part on the grid. name, program : as in its file, the program from 0."""

    name: str
    program: int
    notes: tuple[Note, ...]


_PARTS = several(instance(Part))


def _notes(value: Any) -> tuple[Note, ...]:
    try:
        return check_notes(value)
    except ValueError as error:
        raise Unfit(str(error)) from None


class Chosen(NamedTuple):
    """What was taken for melody and chords, and in words from where.

    left : sentences about what was not taken.
    """

    melody: tuple[Note, ...]
    chords: tuple[Note, ...]
    melody_from: str
    chords_from: str
    left: tuple[str, ...]


@checked(notes=anything())
def top_line(notes: Sequence[Note]) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
    """The top line of some notes, one at a time, and the notes that are not in it. Chapter 1.

    A note that begins below one that still sounds is not in the line.
    """
    line: list[Note] = []
    others: list[Note] = []
    for note in sorted(check_notes(notes), key=lambda it: (it.onset, -it.pitch)):
        if line and note.onset < line[-1].onset + line[-1].duration:
            if note.onset == line[-1].onset or note.pitch < line[-1].pitch:
                others.append(note)
                continue
            line[-1] = line[-1]._replace(duration=note.onset - line[-1].onset)
        line.append(note)
    return tuple(line), tuple(sorted(others, key=lambda it: (it.onset, it.pitch)))


@checked(parts=_PARTS)
def named(parts: Sequence[Part], wanted: str, what: str, where: str) -> Part:
    """The part of a name, or the only one that has it in its name, or by its number. Chapter 1.

    Raises
    ------
    ValueError : if there is none, or more than one; it says which there are.
    """
    known = ", ".join(f"{number} {part.name!r}" for number, part in enumerate(parts, start=1))
    if not parts:
        raise ValueError(f"{where}: {what}: expected a part called {wanted!r}, there is no part")
    exact = [part for part in parts if part.name.lower() == wanted.lower()]
    inside = [part for part in parts if wanted.lower() in part.name.lower()]
    by_number = [parts[int(wanted) - 1]] if wanted.isdecimal() and 0 < int(wanted[:6]) <= len(
        parts) else []  # fmt: skip
    for found in (exact, inside, by_number):
        if len(found) == 1:
            return found[0]
    raise ValueError(
        f"{where}: {what}: expected a part, by its name or number, got {wanted!r}; there are "
        f"{known}"
    )


@checked(parts=_PARTS, from_symbols=either(Kind("notes", _notes), none()))
def choose(
    parts: Sequence[Part],
    from_symbols: Sequence[Note] | None,
    melody: str | None,
    chords: str | None,
    where: str,
) -> Chosen:
    """Say which notes are the melody, and which the chords. Chapter 1.

    Parameters
    ----------
    from_symbols : the chords of the symbols, None where there are none. melody, chords : names of
        parts that are asked for; ``""`` for none of them.
    """
    sung = _melody_part(parts, melody, chords, where, symbols=bool(from_symbols))
    line: tuple[Note, ...] = ()
    below: tuple[Note, ...] = ()
    said, left = "no part", []
    if sung is not None:
        line, below = top_line(sung.notes)
        said = f"the top line of {sung.name!r}" if below else f"{sung.name!r}"
    others = [part for part in parts if part is not sung]
    found, chords_from, used = _chords(others, from_symbols, sung, below, chords, where)
    if below and sung not in used:
        left.append(f"{len(below):,} notes of {sung.name!r} below its top line were left out")
    left += [
        f"{len(part.notes):,} notes of {part.name!r} were left out"
        for part in others
        if part not in used
    ]
    return Chosen(line, found, said, chords_from, tuple(left))


def _melody_part(
    parts: Sequence[Part],
    melody: str | None,
    chords: str | None,
    where: str,
    *,
    symbols: bool,
) -> Part | None:
    if melody == "":
        return None
    if melody is not None:
        return named(parts, melody, "melody", where)
    free = [part for part in parts if part.name != chords] or list(parts)
    for part in free:
        if MELODY_NAMES.search(part.name):
            return part
    single = [part for part in free if not _is_harmony(part)]
    if not symbols and free and all(CHORDS_ONLY.search(part.name) for part in free):
        return None  # nothing but what is called chords
    return max(single or free, key=lambda part: _height(part.notes), default=None)


def _is_harmony(part: Part) -> bool:
    """Does a part play several notes at once, as a rule, or is it called so?"""
    return bool(CHORD_NAMES.search(part.name)) or _together(part.notes) > 0.3


def _together(notes: Sequence[Note]) -> float:
    """The share of beginnings at which more than one note sounds."""
    onsets = sorted({note.onset for note in notes})
    if not onsets:
        return 0.0
    line, _ = top_line(notes)
    alone = len(line) if len(line) == len(notes) else 0
    if alone:
        return 0.0
    several = sum(
        sum(note.onset <= at < note.onset + note.duration for note in notes) > 1
        for at in onsets[:400]
    )
    return several / min(len(onsets), 400)


def _height(notes: Sequence[Note]) -> float:
    return sum(note.pitch for note in notes) / max(1, len(notes))


def _chords(
    others: Sequence[Part],
    from_symbols: Sequence[Note] | None,
    sung: Part | None,
    below: tuple[Note, ...],
    chords: str | None,
    where: str,
) -> tuple[tuple[Note, ...], str, list[Part]]:
    """The notes that sound as chords, from where, and the parts they are of."""
    if chords == "":
        return (), "no part", []
    if chords is not None:
        part = named([*others, sung] if sung else others, chords, "chords", where)
        notes = below if part is sung else part.notes
        return notes, f"the notes of {part.name!r}", [part]
    if from_symbols:
        return tuple(from_symbols), "the chord symbols", []
    called = [part for part in others if CHORD_NAMES.search(part.name)]
    several = called or [part for part in others if _together(part.notes) > 0.3]
    if several:
        part = several[0]
        return part.notes, f"the notes of {part.name!r}", [part]
    if len(others) > 1:  # several lines that sound together
        notes = tuple(sorted({note for part in others for note in part.notes}))
        names = ", ".join(repr(part.name) for part in others[:4])
        return notes, f"what sounds together in {names}", list(others)
    if sung is not None and below:
        return below, f"what {sung.name!r} plays below its top line", [sung]
    if others:
        return others[0].notes, f"the notes of {others[0].name!r}", [others[0]]
    return (), "no part", []
