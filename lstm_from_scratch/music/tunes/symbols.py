"""Chord symbols as musicians write them: ``C9``, ``Cmin7``, ``F#m7b5``, ``G7(b9,#11)``, ``C/E``.

A form of the book spells nine kinds of chords (`blues.chord_tones`). Lead sheets have some hundred
spellings, which are read here into pitch classes above a root, and perhaps a bass.

Chapter 1 (Twelve bars) has the chords of the blues.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ... import limits
from ...arguments import Kind, Unfit, checked, exactly, several, text, whole
from ..blues import NATURALS, Note

NO_CHORD = ("N.C.", "NC", "N.C", "no chord", "none")
"""What ends a chord and begins none."""

_MANY = 8
_SIGNS = str.maketrans({"♭": "b", "♯": "#", "Δ": "maj7", "△": "maj7", "ø": "m7b5", "°": "dim"})
_FAMILIES = (  # longest first; the third, fifth and seventh that each begins with
    (r"maj|Maj|MAJ|major|ma(?!dd)|M", "major"),
    (r"minor|min|Min|MIN|mi|m|-", "minor"),
    (r"dim|dim\.|o", "diminished"),
    (r"aug|\+", "augmented"),
)
_THIRD_AND_FIFTH = {
    "major": (4, 7),
    "dominant": (4, 7),
    "minor": (3, 7),
    "diminished": (3, 6),
    "augmented": (4, 8),
}
_SEVENTH = {"major": 11, "dominant": 10, "minor": 10, "diminished": 9, "augmented": 10}
_ABOVE = {2: 2, 4: 5, 5: 7, 6: 9, 7: 10, 9: 14, 11: 17, 13: 21}
"""Semitones of an interval of a major scale with a flat seventh, as alterations take it."""

_STEP = re.compile(
    r"(?P<add>add)(?P<added>b?#?\d+)|(?P<sus>sus)(?P<held>2|4|)|(?P<sign>[b#+-])(?P<altered>5|9|11|13)"
    r"|(?P<no>no|omit)(?P<left>3|5)|(?P<alt>alt)|(?P<majors>maj|Maj|ma|M)(?P<high>7|9|13)"
    r"|(?P<plain>69|6|7|9|11|13|5)|(?P<fifth>\+)|(?P<fourth>4)"
)


class Symbol(NamedTuple):
    """A chord symbol that was understood.

    text : as written. root : pitch class, 0 is C. tones : semitones above the root in rising order,
    the root among them. bass : pitch class of the lowest note, the root unless another is written.
    """

    text: str
    root: int
    tones: tuple[int, ...]
    bass: int

    @property
    def classes(self) -> frozenset[int]:
        """The pitch classes that sound, that of the bass among them."""
        return frozenset({self.bass, *((self.root + tone) % 12 for tone in self.tones)})


@checked(symbol=text())
def understood(symbol: str) -> Symbol | None:
    """Read a chord symbol; None for what is none, or one that is not known. Chapter 1."""
    written = symbol.strip().translate(_SIGNS)
    match = re.fullmatch(r"([A-G])([#b]{0,2})([^/]*|.*?6/9.*?)(?:/([A-G])([#b]{0,2}))?", written)
    if match is None:
        return None
    root = _class(match[1], match[2])
    tones = _tones(match[3].replace("6/9", "69"))
    if tones is None:
        return None
    bass = _class(match[4], match[5]) if match[4] else root
    return Symbol(symbol.strip(), root, tones, bass)


def _class(letter: str, signs: str) -> int:
    return (NATURALS[letter] + signs.count("#") - signs.count("b")) % 12


def _tones(quality: str) -> tuple[int, ...] | None:
    """Semitones above the root of what stands behind it; None for what is not known."""
    left = re.sub(r"[()\[\],\s]", "", quality)
    family = "dominant"
    for spelling, name in _FAMILIES:
        match = re.match(spelling, left)
        if match is not None and not (name == "augmented" and left[1:2] in ("9", "11")):
            family, left = name, left[match.end() :]
            break
    third, fifth = _THIRD_AND_FIFTH[family]
    tones = {0: 0, 3: third, 5: fifth}  # by their number in the scale
    while left:
        match = _STEP.match(left)
        if match is None or not _applied(match, tones, family):
            return None
        left = left[match.end() :]
    return tuple(sorted({semitones % 12 for semitones in tones.values() if semitones >= 0}))


def _applied(match: re.Match[str], tones: dict[int, int], family: str) -> bool:
    """Change the tones as one part of a symbol says."""
    if match["add"]:
        number = int(match["added"].lstrip("b#"))
        if number not in _ABOVE:
            return False
        sign = {"b": -1, "#": 1}.get(match["added"][0], 0)
        tones[number] = _ABOVE[number] + sign
    elif match["sus"]:
        tones[3] = 2 if match["held"] == "2" else 5
    elif match["sign"]:
        number = int(match["altered"])
        sharp = match["sign"] in "#+"
        if number == 9 and sharp:  # may stand beside a flat ninth
            tones[19] = 15
            if tones.get(9) == 14:
                del tones[9]
        else:
            tones[number] = _ABOVE[number] + (1 if sharp else -1)
    elif match["fifth"]:
        tones[5] = 8
    elif match["fourth"]:
        tones[3] = 5
    elif match["no"]:
        tones[int(match["left"])] = -1
    elif match["alt"]:
        tones.update({5: -1, 7: 10, 9: 13, 19: 15, 13: 20})
    elif match["majors"]:
        tones[7] = 11
        _stacked(int(match["high"]), tones)
    else:
        number = int(match["plain"])
        if number == 5:
            tones[3] = -1
        elif number in (6, 69):
            tones[6] = 9
            if number == 69:
                tones[9] = 14
        else:
            tones[7] = _SEVENTH[family]
            _stacked(number, tones)
    return True


def _stacked(number: int, tones: dict[int, int]) -> None:
    """Add the thirds up to a ninth, eleventh or thirteenth."""
    if number >= 9:
        tones[9] = 14
    if number == 11:
        tones[11] = 17
    if number == 13:
        tones[13] = 21


@checked(symbol=text())
def is_none(symbol: str) -> bool:
    """Does a text say that there is no chord? Chapter 1."""
    return symbol.strip().lower() in {it.lower() for it in NO_CHORD}


def _texts() -> Kind:
    """Texts with their ticks, by their kind."""
    each = several(exactly(whole(), text()))

    def take(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Unfit
        return {text().take(kind): each.take(found) for kind, found in value.items()}

    return Kind("a mapping of kinds to ticks and texts", take)


@checked(texts=_texts())
def among_texts(
    texts: Mapping[str, Iterable[tuple[int, str]]],
) -> tuple[tuple[tuple[int, str], ...], tuple[str, ...]]:
    """Chord symbols among the texts of a file, by their kind; and those that were left out.

    MIDI has no place for chord symbols; programs write them as texts, lyrics or markers. Those of a
    kind are taken for chords if four of five can be read as such, and one of them is more than a
    letter, as the names of sections are, or there are many. Chapter 1.
    """
    for kind in ("marker", "text", "lyric"):
        found = list(texts.get(kind, ()))
        known = [said for _, said in found if is_none(said) or understood(said) is not None]
        sure = len(known) >= _MANY or any(len(said) > 1 for said in known)
        if known and sure and len(known) >= 0.8 * len(found):
            kept = tuple(it for it in found if it[1] in known or re.match("[A-G]", it[1]))
            return kept, tuple(dict.fromkeys(said for at, said in found if (at, said) not in kept))
    return (), ()


@checked(steps=whole(0, limits.PIECE), low=whole(0, 116))
def sounding(symbols: tuple[tuple[int, str], ...], steps: int, low: int) -> tuple[Note, ...]:
    """Chord symbols as held notes within an octave, each until the next one begins. Chapter 1.

    Parameters
    ----------
    symbols : steps and symbols, in order. steps : where the last one ends. low : the lowest pitch
        of the octave that the chords are spelled in, in whatever inversion fits, as in the paper.
    """
    notes = []
    ends = [at for at, _ in symbols[1:]] + [steps]
    for (at, said), end in zip(symbols, ends, strict=False):
        found = understood(said)
        if found is not None and end > at:
            pitches = sorted(low + (one - low) % 12 for one in found.classes)
            notes += [Note(pitch, at, end - at) for pitch in pitches]
    return tuple(notes)
