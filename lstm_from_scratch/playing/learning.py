"""From a tune to a player: a network is trained on the tune's own form.

The chords are learned as in Experiment 1, the melody beside them as in Experiment 2: it hears the
chords and draws one note, or a rest, at each step. The form and the encoding travel with the
network, so that a `players.Player` needs nothing else.

Chapters 7 (Experiment 1) and 8 (Experiment 2) train on the blues.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import limits
from ..arguments import checked, several, whole
from ..arguments import path as a_path
from ..machine.network import Topology, Voice
from ..machine.recipes import RECOMMENDED, RECOMMENDED_2, Recipe
from ..machine.training import train
from ..music.encoding import Encoding
from ..music.tunes.reading import SUFFIXES, read
from ..music.tunes.tune import Tune
from .composing import keeps_form
from .material import Material, Way, material
from .players import Player, as_json

GIVE_UP_AFTER = 10_000_000
"""Steps after which training ends if the chords are not learned by then: a minute or so."""

PATIENCE = 30_000
"""Times through the form that a network is given to learn the chords; then another seed is tried.

Which seeds learn soon is chance (chapter 11), and a short form is learned soon or late."""

_TUNES = 200  # in a folder, at most


@checked
def recipe_for(encoding: Encoding, form: Tune) -> Recipe:
    """The recipe for a tune's form: which network, and how it learns. Chapters 7 and 8.

    Today it is the recommended one of the experiment (`RECOMMENDED_2` with a melody), with as many
    forgiven errors as its length asks for: 8 for 96 steps, 2 for 32, 1 for 16. The melody's plateau
    is looked for in shorter windows, so that a tune is learned in seconds rather than minutes.
    """
    forgiven = max(1, form.steps * RECOMMENDED.forgiven // 96)
    voices, learning = [], []
    if encoding.chords:
        chords = RECOMMENDED.topology.voices[0]
        voices.append(replace(chords, inputs=len(encoding.chords)))
        learning.append(RECOMMENDED.voices[0])
    if encoding.melody:
        units = encoding.units - len(encoding.chords)
        reads = ("chords",) if encoding.chords else ()
        melody = RECOMMENDED_2.topology.voices[1]
        voices.append(Voice("melody", units, melody.blocks, reads=reads, choice="sample"))
        learning.append(RECOMMENDED_2.voices[1])
    every = max(1, 4_800 // form.steps) * form.steps
    return replace(
        RECOMMENDED,
        topology=Topology(tuple(voices)),
        voices=tuple(learning),
        forgiven=forgiven,
        test_every=every,
        window=every * min(40, max(10, 40 * form.steps // 96)),
        windows=30,
        gain=0.005,
    )


@checked(give_up_after=whole(1, limits.TRAINING), seed=whole(0))
def learn(
    tune: Tune | str | os.PathLike[str] | Sequence[Tune],
    *,
    melody: Way = "bars",
    seed: int = 1,
    give_up_after: int = GIVE_UP_AFTER,
    progress: bool | None = None,
) -> Player:
    """Train a network on a tune of your own, and hand out the player that it is.

    Parameters
    ----------
    tune : a `Tune`; several, of which the first has the form and the others lend their bars; or the
        name of a file, or of a folder of files, that `tunes.read` reads.
    melody : where the melodies come from: ``"bars"`` of its own, ``"variations"`` of them, or none
        but what is in the file, ``"by heart"``. See `material`.
    seed : of the network, and of the choruses that it hears. If the chords are not learned in
        `PATIENCE` times through the form, the next one is tried, as long as there are steps left.
    give_up_after : steps after which the chords are given up if they are not learned by then, those
        of all seeds together. The melody is learned all the same.
    progress : show a bar, and say what was learned; None shows the bar only on a terminal.

    Raises
    ------
    ValueError : for files that can't be read, tunes of different grids, a folder without a tune.

    Chapters 7 and 8.
    """
    wanted = material(_tunes(tune), melody)
    as_json(wanted)  # what could not be kept is not learned
    recipe = recipe_for(wanted.encoding, wanted.form)
    rolls = wanted.training(np.random.default_rng((seed, 1)))
    left = give_up_after
    while True:
        most = min(left, PATIENCE * wanted.form.steps)
        recipe = replace(recipe, seed=seed, give_up_after=most)
        result = train(recipe, rolls, _test(wanted, recipe), progress=progress)
        left, seed = left - most, seed + 1
        if result.learned or not left:
            break
    if not result.learned and wanted.encoding.melody:
        # The melody learns on over chords that are lent to it, as they will be when it plays.
        result = train(recipe, rolls, lambda network: recipe.choruses, progress=progress)
        result = replace(result, learned_at=0)
    player = Player(wanted, result)
    if progress is not False:
        print(player.report())
    return player


def _test(wanted: Material, recipe: Recipe):  # type: ignore[no-untyped-def]
    """Plays the chords without a wrong note; of a melody alone nothing is asked."""
    if not wanted.encoding.chords:
        return lambda network: recipe.choruses
    roll = wanted.chord_roll[:, wanted.encoding.chord_units]
    return keeps_form(roll, recipe.choruses, voice="chords")


def _tunes(given: Tune | str | os.PathLike[str] | Sequence[Tune]) -> list[Tune]:
    """What was handed in, as tunes."""
    if isinstance(given, Tune):
        return [given]
    return tunes_of([given]) if isinstance(given, (str, os.PathLike)) else list(given)


@checked(paths=several(a_path(), some=True))
def tunes_of(paths: Sequence[str | os.PathLike[str]], **how: Any) -> list[Tune]:
    """Read files, and folders of files, as tunes on one grid: the finest that one of them asks for.

    Parameters
    ----------
    paths : names of files and folders; those in a folder are taken in the order of their names.
    how : as `tunes.read` takes it.

    Raises
    ------
    ValueError : as `tunes.read`, and for a folder without a tune or with more than 200.

    Chapter 1.
    """
    there = [path for path in map(Path, paths) if path.exists()]
    if len(there) < len(paths):
        missing = next(path for path in map(Path, paths) if path not in there)
        raise FileNotFoundError(
            f"there is no file {os.fspath(missing)!r} to read: of {len(paths)} files or folders "
            f"{len(there)} are there"
        )
    files = [file for path in map(Path, paths) for file in _files(path)]
    found = [read(file, **how) for file in files]
    finest = int(np.lcm.reduce([tune.grid for tune in found]))
    again = how | {"grid": finest}
    return [
        tune if tune.grid == finest else read(file, **again)
        for tune, file in zip(found, files, strict=True)
    ]


def _files(path: Path) -> list[Path]:
    """A file, or the tunes in a folder."""
    if not path.is_dir():
        return [path]
    files = sorted(it for it in path.iterdir() if it.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(
            f"{path}: expected a folder with tunes, files in {', '.join(SUFFIXES)}; got none"
        )
    if len(files) > _TUNES:
        raise ValueError(f"{path}: expected at most {_TUNES} tunes, got {len(files):,}")
    return files
