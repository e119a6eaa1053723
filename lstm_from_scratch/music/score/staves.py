"""What stands on a sheet: which track on which staff, under which title, and how it is described.

Chapter 1 (Twelve bars) shows the first score.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from ... import limits
from ...arguments import check, checked, text
from ..blues import Chorus, Form, Note
from ..midi import Music, tracks
from .rhythm import sliced
from .spelling import spoken


@checked
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
        for start, end, sounding in sliced(part, ())
        for note in sounding
    )


@checked
def played(music: Music) -> dict[str, tuple[Note, ...]]:
    """Named tracks of music that came out of a roll, with chords that are struck (see `struck`).

    Raises
    ------
    ValueError : for anything that is not a note.

    Chapter 8.
    """
    parts = tracks(music)
    return {name: struck(part) if name == "chords" else part for name, part in parts.items()}


@checked
def titled(music: Music, title: str | None, chord_staff: bool) -> str:
    """The title of a sheet: as given, or a chorus's number, or what musicians call such a sheet."""
    if title is not None:
        return title
    if isinstance(music, Chorus):
        return f"Chorus {music.number}"
    return kind_of(on_staves(music, chord_staff)).capitalize()


@checked
def kind_of(parts: Collection[str]) -> str:
    """What musicians call a sheet with these staves."""
    parts = [check("parts", part, text()) for part in parts]
    return "lead sheet" if len(parts) == 1 and "chords" not in parts else "piano score"


@checked
def printable(text: str) -> str:
    """Text that XML can hold."""
    if re.search("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text):
        raise ValueError(f"text {text!r} has control characters: expected text that can be printed")
    return text


@checked
def on_staves(music: Music, chord_staff: bool) -> dict[str, tuple[Note, ...]]:
    """The tracks in the order of their staves, the chords last or left out."""
    parts = {name: _one_part(name, notes) for name, notes in tracks(music).items()}
    if not parts:
        raise ValueError("music: a sheet needs at least one note, got no notes")
    if not chord_staff and not parts.keys() - {"chords"}:
        raise ValueError("music: a lead sheet needs a melody, got no notes but those of the chords")
    written = [part for part in parts.items() if chord_staff or part[0] != "chords"]
    if len(written) > limits.STAVES:
        raise ValueError(f"music: expected at most {limits.STAVES} staves, got {len(written)}")
    many = sum(len(notes) for _, notes in written)
    if many > limits.SHEET:
        raise ValueError(
            f"music: expected at most {limits.SHEET:,} notes on a sheet, got {many:,}: draw it in "
            "parts"
        )
    return dict(sorted(written, key=lambda part: part[0] == "chords"))


def _one_part(name: str, notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Notes that one staff can hold."""
    sounding_until: dict[int, int] = {}
    for note in notes:
        if note.onset < sounding_until.get(note.pitch, 0):
            raise ValueError(
                f"notes of track {name!r}: {note} begins before the note of the same pitch ends; "
                "a staff can't hold both"
            )
        sounding_until[note.pitch] = note.onset + note.duration
    return notes


@checked
def bars_of(music: Music, form: Form) -> int:
    """Bars until the last note has ended, be it written or not. Chapter 1.

    Raises
    ------
    ValueError : for more than a sheet shows, 100 choruses (`limits.PAGE`).
    """
    parts = tracks(music).values()
    last = max((note.onset + note.duration for notes in parts for note in notes), default=0)
    limits.expect_steps("music", last, limits.PAGE)
    return -(-last // form.steps_per_bar)


@checked
def describe(music: Music, form: Form, chord_staff: bool) -> str:
    """The sheet in a sentence, for those who do not see it."""
    parts = on_staves(music, chord_staff)
    bars = bars_of(music, form)
    staves = " and ".join(
        f"{len(notes)} notes on the {name} staff" for name, notes in parts.items()
    )
    symbols = [spoken(form.chords[bar % form.bars]) for bar in range(min(bars, form.bars))]
    again = ", and so on from the beginning" if bars > form.bars else ""
    count = f"{bars} bar{'s' if bars > 1 else ''}"
    named = f"A {kind_of(parts)} of {count}, {staves}"
    return f"{named}. The chord symbols read {', '.join(symbols)}{again}."
