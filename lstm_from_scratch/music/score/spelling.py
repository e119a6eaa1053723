"""Which letter and accidental a pitch is written with, and the key that a form is in.

Spelling follows the harmony. A pitch that belongs to the chord of its bar is written as that chord
has it (the C sharp of A7, the E flat of F#dim7), any other as in the key of the form, with flats
rather than sharps: D flat, E flat, A flat and B flat in C.
The key is that of the form's first chord, and so is the key signature. A blues in C is therefore
written without one, as musicians write it, and each B flat and E flat has a sign of its own; two
flats at the beginning of the line would read as B flat major.

Notes are spelled on the *line of fifths*: ... B flat -2, F -1, C 0, G 1, D 2 ... F sharp 6 ...

Chapter 1 (Twelve bars) shows the first score.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from ... import briefly, limits
from ...arguments import checked, whole
from ..blues import NATURALS, Form, Note, check_notes

LETTERS = "FCGDAEB"
"""The letters as they follow one another on the line of fifths, from -1 on."""

_SINGLE = range(-8, 13)  # from F flat to B sharp: what can be written without a double accidental

QUALITIES: dict[str, tuple[str, tuple[int, ...]]] = {
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
"""Each quality in MusicXML's words, and its chord tones above the root in fifths."""


class Spelling(NamedTuple):
    """A written note: letter, accidental (-1, 0 or 1 semitones) and octave (middle C has 4)."""

    letter: str
    alter: int
    octave: int


def _position(letter: str, alter: int = 0) -> int:
    """Where a note stands on the line of fifths."""
    return LETTERS.index(letter) - 1 + 7 * alter


@checked
def spoken(symbol: str) -> str:
    """A chord symbol in words that can be read aloud: F#dim7 is "F sharp dim7"."""
    letter, alter, quality = parse(symbol)
    return f"{letter}{('', ' sharp ', ' flat ')[alter]}{quality}".strip()


@checked
def parse(symbol: str) -> tuple[str, int, str]:
    """Letter and accidental of a chord's root, and its quality; a `Form` has no other symbols.

    Raises
    ------
    ValueError : for what is not a chord symbol.
    """
    match = re.fullmatch(r"([A-G])([#b]?)(.*)", symbol)
    if match is None or match[3] not in QUALITIES:
        raise ValueError(f"symbol: expected a chord such as 'F#dim7', got {symbol!r}")
    return match[1], {"": 0, "#": 1, "b": -1}[match[2]], match[3]


@lru_cache(maxsize=256)
def _names(symbol: str, home: int) -> dict[int, int]:
    """Where each of the 12 pitch classes stands on the line of fifths while a chord sounds.

    Outside the chord the tonic's twelve neighbours are taken, five below it and six above: in C
    from D flat to F sharp.
    """
    names = {7 * place % 12: place for place in range(home - 5, home + 7)}
    letter, alter, quality = parse(symbol)
    for fifths in QUALITIES[quality][1]:
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
    letter, alter, quality = parse(form.chords[0])
    minor = -3 in QUALITIES[quality][1]
    tonic = _position(letter, alter)
    signature = tonic - 3 * minor
    return tonic + 12 * ((signature < -7) - (signature > 7)), minor


@checked
def key_signature(form: Form) -> int:
    """The key signature of a form, in sharps; flats are negative."""
    tonic, minor = _home(form)
    return tonic - 3 * minor


@checked
def spell(note: Note, names: dict[int, int]) -> Spelling:
    """Write a note by the place that its pitch class has on the line of fifths.

    Raises
    ------
    ValueError : for a note that is too low to be written.
    """
    if not set(range(12)) <= names.keys():
        raise ValueError(
            f"names: expected a place for each of 12 pitch classes, got {briefly.came(names)}"
        )
    check_notes([note])
    place = names[note.pitch % 12]
    letter, alter = LETTERS[(place + 1) % 7], (place + 1) // 7
    octave = (note.pitch - alter - NATURALS[letter]) // 12 - 1
    if not 0 <= octave <= 9:
        raise ValueError(f"note {note} is too low to be written: expected a pitch above 12")
    return Spelling(letter, alter, octave)


@checked(step=whole(0, limits.RUN))
def names_at(step: int, form: Form) -> dict[int, int]:
    """Where each pitch class stands on the line of fifths at a step of a form."""
    return _names(form.chords[step // form.steps_per_bar % form.bars], _home(form)[0])
