"""The command ``python -m lstm_from_scratch``: let a network play, teach it a tune, run a study.

``compose`` writes what a trained network plays into a file; ``learn`` trains one on a tune of your
own and ``improvise`` lets it play; ``live`` plays with you through MIDI ports and is
``python -m lstm_from_scratch.live``; ``study`` is ``python -m lstm_from_scratch.study``. Without an
argument it says what can be done.

Chapter 8 (Experiment 2) composes, chapter 11 (How sure are we?) runs studies.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import commands, limits

if TYPE_CHECKING:
    from .machine.network import Network
    from .music.blues import Note

COMMAND = "python -m lstm_from_scratch"

ABOUT = f"""\
An LSTM that learned a twelve-bar blues (Eck and Schmidhuber, 2002).

  {COMMAND} compose -o blues.mid
      a network that comes with the module improvises four choruses: a MIDI file
      that any player or notation program reads; .mp3 or .wav to hear it at once,
      .musicxml to see it on paper
  {COMMAND} compose -o wild.mp3 --seed 7 --temperature 1.5 --choruses 2
      other notes, more daring ones, two choruses
  {COMMAND} compose -o mine.mid --network mine.npz
      a network of your own, saved with machine.save
  {COMMAND} learn mine.mid
      a tune of your own, from a MIDI or MusicXML file: says what it understood of
      it, trains a network on its form, and keeps it in mine.npz
  {COMMAND} improvise mine.npz --choruses 4 -o out.mid
      what that network plays over the form of your tune, and how much of it is new
  {COMMAND} live --list
      the MIDI ports through which `live --in NAME --out NAME` plays with you, you one
      voice, the network the other; in a browser the page Play with it does so
  {COMMAND} study --list
      what was asked of many seeds; `study NAME` runs one, `study --check` makes
      stored runs again and says where they differ

`compose --help`, `learn --help` and so on name all options. In Python,
help(lstm_from_scratch) is a map of the module; the book explains it, chapter by chapter.
"""

HEARD = 77, 1234, 2002, 4095
"""Choruses that a network which plays melodies hears first, unless it begins cold."""

_CHORUSES = limits.PIECE // 96  # of a piece that can be written

SUFFIXES = (".mid", ".mp3", ".wav", ".musicxml")
"""What the name of a file that is written ends in."""


def main(arguments: list[str] | None = None) -> None:
    """The command line. Chapters 8 and 11."""
    arguments = sys.argv[1:] if arguments is None else arguments
    command, *rest = arguments or ["--help"]
    if command in ("-h", "--help"):
        print(ABOUT, end="")
    elif command == "study":
        from .studies import study

        study.main(rest)
    elif command == "live":
        from . import live

        live.main(rest)
    elif command == "compose":
        _compose(_options(rest))
    elif command in ("learn", "improvise"):
        from . import tune_commands

        getattr(tune_commands, command)(rest)
    else:
        there = "there are compose, learn, improvise, live and study"
        print(f"{COMMAND}: no command {command!r}: {there}; --help says more", file=sys.stderr)
        sys.exit(2)


def _options(arguments: list[str]) -> argparse.Namespace:
    """What is to be composed, read and checked as far as it can be without a network."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} compose",
        description="Let a trained network improvise over the form, and write what it plays.",
        epilog="The same options give the same notes, on every machine.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "-o",
        "--output",
        type=_output,
        required=True,
        metavar="FILE",
        help=f"where to; its ending says what is written: {', '.join(SUFFIXES)}",
    )
    parser.add_argument(
        "--network",
        default="experiment_2",
        metavar="NAME",
        help="one that comes with the module (experiment_1 plays chords alone), or a file in .npz "
        "that machine.save wrote",
    )
    parser.add_argument(
        "--choruses", type=_whole(1, _CHORUSES), default=4, metavar="N", help="how many"
    )
    parser.add_argument("--seed", type=_whole(0), default=1, metavar="N", help="of the notes drawn")
    parser.add_argument(
        "--temperature",
        type=_temperature,
        default=1.0,
        metavar="T",
        help="1 is the paper's way; below, likely notes become likelier, and 0 takes the likeliest",
    )
    parser.add_argument(
        "--given",
        type=_whole(1),
        default=2,
        metavar="STEPS",
        help="steps it is given to begin with",
    )
    parser.add_argument(
        "--chorus", type=_whole(0), default=1234, metavar="N", help="the chorus they are taken from"
    )
    parser.add_argument(
        "--cold",
        action="store_true",
        help="begin from silence; else a network of melodies hears four choruses first",
    )
    return parser.parse_args(arguments)


def _output(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected a name that ends in {', '.join(SUFFIXES)}"
        )
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text!r}: there is no folder {os.fspath(path.parent)!r}; make it first"
        )
    return path


def _whole(least: int, most: int = 2**63) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > 20 or not least <= int(text) <= most:
            above = f", at most {most:,}" if most < 2**63 else ""
            raise argparse.ArgumentTypeError(
                f"{text[:20]!r}: expected a whole number, at least {least}{above}"
            )
        return int(text)

    return read


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of at least 0")
    return value


def _compose(options: argparse.Namespace) -> None:
    """Let the network play, write it, and say what was written."""
    try:
        network = stored_or_saved(options.network)
        notes, steps = _played(network, options)
        path = _written(notes, options.output)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(f"compose: {error}")
    except KeyboardInterrupt:
        sys.exit("compose: stopped; nothing was written")
    choruses = f"{options.choruses} chorus{'es' * (options.choruses > 1)}"
    print(f"{path}: {choruses}, {steps} steps, by {options.network}, seed {options.seed}")


def stored_or_saved(name: str) -> Network:
    """A network that comes with the module, or one in a file. Chapter 8."""
    from .machine import training

    load = training.load if name.endswith(".npz") or os.sep in name else training.stored
    return load(name).network


def _played(network: Network, options: argparse.Namespace) -> tuple[tuple[Note, ...], int]:
    """The notes that a network plays, and of how many steps."""
    import numpy as np

    from .music.blues import TWELVE_BAR, chord_notes, chorus
    from .music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
    from .playing.composing import compose, hear
    from .studies.experiments import rolls

    piece, known = chorus(options.chorus), (CHORDS_AND_MELODY, CHORDS_ONLY)
    fitting = [it for it in known if it.units == network.topology.inputs]
    if not fitting:
        raise ValueError(
            f"{options.network} has {network.topology.inputs} inputs; this command plays networks "
            "of 25 (chords and melody) or 12 (chords alone)"
        )
    (encoding,) = fitting
    state = None
    if encoding.melody and not options.cold:
        state = hear(network, np.concatenate(rolls(HEARD)))
    roll = compose(
        network,
        piece if encoding.melody else chord_notes(TWELVE_BAR),
        options.given,
        options.choruses,
        options.seed,
        encoding=encoding,
        temperature=options.temperature,
        state=state,
    )
    return encoding.decode(roll), len(roll)


def _written(notes: tuple[Note, ...], path: Path) -> Path:
    """Write notes as the ending of the name says, with chords that are struck."""
    from .music import score
    from .music.audio import synthesise, write_audio
    from .music.midi import write_midi

    music, kind = score.played(notes), path.suffix.lower()
    if kind == ".mid":
        return write_midi(music, path)
    if kind == ".musicxml":
        return score.write_musicxml(music, path)
    return write_audio(synthesise(music), path)


if __name__ == "__main__":
    commands.run(main)
