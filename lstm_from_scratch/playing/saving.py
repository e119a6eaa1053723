"""Pieces that a player improvised, in files: MIDI, sound, a score, a score on paper.

Chapter 8 (Experiment 2) writes what the network plays over the blues.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..arguments import checked, several
from ..arguments import path as a_path
from ..music.audio import synthesise, write_audio
from ..music.tunes import sheet
from ..music.tunes.writing import write

if TYPE_CHECKING:
    from .players import Piece


@checked(paths=several(a_path()))
def save(piece: Piece, paths: Sequence[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """See `players.Piece.save`. Chapter 8."""
    from .players import SUFFIXES

    wanted = [Path(path) for path in paths]
    for path in wanted:
        if path.suffix.lower() not in SUFFIXES:
            raise ValueError(
                f"paths: expected names that end in {', '.join(SUFFIXES)}, got {os.fspath(path)!r} "
                f"among {len(wanted)}"
            )
    return tuple(_written(piece, path) for path in wanted)


def _written(piece: Piece, path: Path) -> Path:
    tune, kind = piece.tune, path.suffix.lower()
    if kind == ".mid":
        return write(tune, path, music=piece.music, choruses=piece.choruses)
    if kind in (".mp3", ".wav"):
        swing = tune.swing if tune.grid == 8 else 0.5
        sound = synthesise(piece.music, tempo=tune.tempo * tune.grid / 8, swing=swing)
        return write_audio(sound, path)
    title = f"{tune.name}, improvised"
    write_score = sheet.pdf if kind == ".pdf" else sheet.write_musicxml
    return write_score(tune, path, music=piece.music, choruses=piece.choruses, title=title)
