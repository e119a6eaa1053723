"""Write the pieces that the book offers for download, each in five kinds of file.

    python tools/pieces.py

On paper a piece is a piano score: its chords are written out below the melody. The build of the
book does this too and copies the files from `FOLDER` into its own. What is offered is
named here and nowhere else; in a chapter, ``{downloads} NAME`` says where the links stand. The same
pieces give the same files each time.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from fingerprint import BUILD, ROOT

from lstm_from_scratch import commands
from lstm_from_scratch.machine import training
from lstm_from_scratch.music import audio, blues, midi, score
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from lstm_from_scratch.music.midi import Music
from lstm_from_scratch.playing import composing
from lstm_from_scratch.studies import experiments

FOLDER = BUILD / "extra" / "pieces"
TEMPO = 120.0
COMPOSER = "Learning the Blues"


class Piece(NamedTuple):
    """Something to download: what it is called, on the sheet too, and where its notes come from."""

    title: str
    music: Callable[[], Music]


def training_chorus() -> Music:
    """The first chorus that was drawn for the training set. Chapter 1."""
    return blues.chorus(experiments.choruses().training[0])


def experiment_1() -> Music:
    """What the stored network of Experiment 1 plays from the first step on. Chapter 7."""
    network = training.stored("experiment_1").network
    played = composing.free_run(network, CHORDS_ONLY.form_roll(TWELVE_BAR)[:1], TWELVE_BAR.steps)
    return {"chords": score.struck(CHORDS_ONLY.decode(played))}


def _improvised(music: Music, given: int, seed: int, choruses: int) -> Music:
    """What the stored network of Experiment 2 makes of a beginning, after four choruses."""
    network = training.stored("experiment_2").network
    heard = experiments.rolls(experiments.choruses().training[:4]).reshape(
        -1, network.topology.inputs
    )
    state, rng = composing.hear(network, heard), np.random.default_rng(seed)
    roll = composing.compose(network, music, given, choruses, rng, state=state)
    return score.played(CHORDS_AND_MELODY.decode(roll[-TWELVE_BAR.steps :]))


def improvisation() -> Music:
    """The second chorus after a single note, as chapter 8 shows it."""
    return _improvised(blues.chorus(experiments.choruses().training[0]), 2, 2, 2)


def from_six_bars() -> Music:
    """A chorus that was held out, from its seventh bar on improvised. Chapter 8."""
    return _improvised(blues.chorus(experiments.choruses().held_out[0]), 48, 3, 1)


PIECES: dict[str, Piece] = {
    "training-chorus": Piece("A chorus of the training set", training_chorus),
    "experiment-1": Piece("Chords by the network of Experiment 1", experiment_1),
    "improvisation": Piece("An improvisation by the network of Experiment 2", improvisation),
    "from-six-bars": Piece("Six bars given, six improvised by the network", from_six_bars),
}
"""The pieces by the name of their files."""


def write(folder: Path) -> list[Path]:
    """Write every piece in every kind of file into a folder and return the files."""
    written = []
    for name, (title, make) in PIECES.items():
        music, path = make(), folder / name
        sheet = {"title": title, "composer": COMPOSER}
        signal = audio.synthesise(music, tempo=TEMPO)
        written += [
            score.write_musicxml(music, path.with_suffix(".musicxml"), tempo=TEMPO, **sheet),
            score.pdf(music, path.with_suffix(".pdf"), **sheet),
            midi.write_midi(music, path.with_suffix(".mid"), tempo=TEMPO),
            audio.write_audio(signal, path.with_suffix(".mp3")),
            audio.write_audio(signal, path.with_suffix(".wav")),
        ]
    return written


def write_all() -> list[Path]:
    """Write every piece into `FOLDER`, in which nothing else is left."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    return write(FOLDER)


def main(arguments: list[str] | None = None) -> int:
    """Write all of them and say where."""
    argparse.ArgumentParser(description="Write the pieces to download.").parse_args(arguments)
    print(f"{len(write_all())} files in {FOLDER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    commands.run(main)
