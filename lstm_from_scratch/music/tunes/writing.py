"""Tunes, and what was played over them, into MIDI files: with metre, tempo, symbols and programs.

What is written is read back as it was.

Chapter 1 (Twelve bars) writes MIDI files of the book's music.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import mido

from ... import limits
from ...arguments import checked, flag, whole
from ..blues import Note
from ..midi import write_midi
from .source import Metre, Tempo
from .tune import Tune


@checked(choruses=whole(1, limits.CHORUSES), all_parts=flag())
def write(
    tune: Tune,
    path: str | os.PathLike[str],
    *,
    music: Mapping[str, tuple[Note, ...]] | None = None,
    choruses: int = 1,
    all_parts: bool = False,
) -> Path:
    """Write a tune, or music of its form, into a MIDI file. Chapter 1.

    Parameters
    ----------
    music : named tracks to write instead of the tune's melody and chords, on its grid, over so many
        ``choruses`` of its form.
    all_parts : write every part of the file that the tune came from, with its own instrument,
        instead of melody and chords.

    Raises
    ------
    ValueError : as `midi.write_midi`.
    """
    instruments: dict[str, int] = {}
    if all_parts:
        music = {}
        for number, part in enumerate(tune.parts, start=1):
            name = part.name if part.name not in music else f"{part.name} ({number})"
            music[name], instruments[name] = part.notes, part.program
    limits.expect_steps("choruses", tune.steps * choruses, limits.PIECE)
    return write_midi(
        tune.music if music is None else music,
        path,
        tempo=tune.tempo,
        grid=tune.grid,
        instruments=instruments,
        conductor=_conductor(tune, choruses),
    )


def _conductor(tune: Tune, choruses: int) -> list[tuple[int, mido.MetaMessage]]:
    """Metres, tempi and symbols of some times through the form."""
    found: list[tuple[int, mido.MetaMessage]] = []
    if tune.key is not None:
        found.append((0, mido.MetaMessage("key_signature", key=_KEYS[tune.key + 7])))
    found += _pickup(tune) if tune.pickup else [(0, _signature(tune.metres[0]))]
    for chorus in range(choruses):
        start = chorus * tune.steps
        if chorus:  # what the last chorus ended with is taken back
            if len(tune.metres) > 1:
                found.append((start + tune.pickup, _signature(tune.metres[0])))
            if len(tune.tempi) > 1:
                found.append((start, _pace(tune.tempi[0])))
        found += [(start + metre.at, _signature(metre)) for metre in tune.metres[1:]]
        found += [(start + tempo.at, _pace(tempo)) for tempo in tune.tempi[1:]]
        found += [
            (start + at, mido.MetaMessage("marker", text=said.encode().decode("latin-1")))
            for at, said in tune.symbols
        ]
    return found


def _pickup(tune: Tune) -> list[tuple[int, mido.MetaMessage]]:
    """A short first bar, as notation programs write a pickup."""
    length = Fraction(tune.pickup, tune.grid)
    unit = max(4, length.denominator)
    if unit & (unit - 1):  # a triplet before the bar line has no time signature
        return [(0, _signature(tune.metres[0]))]
    beats = int(length * unit)
    return [
        (0, _signature(Metre(0, beats, unit))),
        (tune.pickup, _signature(tune.metres[0])),
    ]


def _signature(metre: Metre) -> mido.MetaMessage:
    return mido.MetaMessage("time_signature", numerator=metre.beats, denominator=metre.unit)


def _pace(tempo: Tempo) -> mido.MetaMessage:
    return mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo.quarters))


_KEYS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
