"""The commands ``learn`` and ``improvise``: from a tune of your own to what a network makes of it.

Chapter 8 (Experiment 2) composes over the blues.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import limits

if TYPE_CHECKING:
    from .music.tunes.tune import Tune

COMMAND = "python -m lstm_from_scratch"

_LEARN = """\
Read a tune, say what was understood of it, and train a network on its form.

The chords of the tune become the form: the network learns to play them by heart, round
and round. The melody is drawn note by note over them. A tune has one melody; what the
network can learn besides it, you choose with --melody-from:

  bars        any bar may have the melody of another bar over the same chords, of this
              tune or of the others that you name (the default)
  variations  as bars, and each bar also reversed, a step up and a step down
  by-heart    nothing else: it learns your melody, and will play it
"""

_LEARN_MORE = f"""\
examples:
  {COMMAND} learn mine.mid
  {COMMAND} learn mine.mid --only-read
      says which parts the file has, on which grid it is read and what was changed
  {COMMAND} learn song.mxl --bars 1-12 --melody-from variations -o song.npz
  {COMMAND} learn band.mid --melody sax --chords "track 2"
  {COMMAND} learn folder/
      a folder: the first tune in it has the form, the others lend their bars

A form of 12 bars takes a minute or so; one of two or four bars, seconds. The same
options train the same network, on every machine. Then:
  {COMMAND} improvise mine.npz --choruses 4 -o out.mid
"""

_IMPROVISE = """\
Let a network that `learn` trained improvise over the form of its tune, write what it plays,
and say how much of it is copied and how much is new.
"""

_IMPROVISE_MORE = f"""\
examples:
  {COMMAND} improvise mine.npz -o out.mid
  {COMMAND} improvise mine.npz --choruses 2 --seed 7 --temperature 1.3 -o wild.mp3
  {COMMAND} improvise mine.npz -o out.mid out.musicxml out.pdf
      the same notes as a MIDI file, a score, and a score on paper (needs verovio)
"""


def learn(arguments: list[str]) -> None:
    """Train a network on a tune and keep it. Chapter 8."""
    options = _learn_options(arguments)
    try:
        tunes = _read(options)
        for tune in tunes:
            print(tune.report(), flush=True)
        if options.only_read:
            return
        from .playing.learning import learn as train_on

        player = train_on(
            tunes,
            melody=options.melody_from.replace("-", " "),
            seed=options.seed,
            give_up_after=options.give_up_after,
        )
        player.save(options.output)
    except (ValueError, OSError) as error:
        sys.exit(f"learn: {error}")
    except KeyboardInterrupt:
        sys.exit("learn: stopped; nothing was written")
    print(f"{options.output}: written; `{COMMAND} improvise {options.output} -o out.mid` plays it")


def improvise(arguments: list[str]) -> None:
    """Let a player improvise, and write what it plays. Chapter 8."""
    options = _improvise_options(arguments)
    try:
        from .judging.novelty import judge
        from .playing.players import load

        player = load(options.player)
        piece = player.improvise(options.choruses, options.seed, temperature=options.temperature)
        written = piece.save(*options.output)
        print(judge(piece).report())
        if not piece.own_chords:
            print("The chords are those of the form: this network has not learned them.")
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(f"improvise: {error}")
    except KeyboardInterrupt:
        sys.exit("improvise: stopped")
    choruses = f"{options.choruses} chorus{'es' * (options.choruses > 1)}"
    for path in written:
        print(
            f"{path}: {choruses}, {len(piece.roll)} steps, by {options.player}, seed {piece.seed}"
        )


def _parser(name: str, about: str, more: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"{COMMAND} {name}",
        description=about,
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _learn_options(arguments: list[str]) -> argparse.Namespace:
    parser = _parser("learn", _LEARN, _LEARN_MORE)
    parser.add_argument(
        "tunes",
        nargs="+",
        metavar="TUNE",
        help="MIDI or MusicXML files (.mid, .musicxml, .mxl), or a folder of them; the first one "
        "has the form",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where the network is kept, a name in .npz (default: that of the tune)",
    )
    parser.add_argument(
        "--melody-from",
        choices=("bars", "variations", "by-heart"),
        default="bars",
        help="what melodies it learns from (default: bars)",
    )
    parser.add_argument("--melody", metavar="PART", help="the melody's part, by name or number")
    parser.add_argument("--chords", metavar="PART", help="the chords' part, by name or number")
    parser.add_argument(
        "--grid",
        type=int,
        metavar="N",
        help="steps a whole note: 8 for eighth notes, 12 for their triplets, 16 for sixteenths "
        "(default: the coarsest that fits)",
    )
    parser.add_argument(
        "--bars",
        type=_bars,
        metavar="A-B",
        help="the first and the last bar to take (default: all)",
    )
    parser.add_argument(
        "--pickup",
        type=float,
        metavar="Q",
        help="quarter notes before the first bar line, where the file does not say so",
    )
    parser.add_argument(
        "--beat",
        choices=("as-written", "follow", "oscillator"),
        default="as-written",
        help="of a performance to which nobody clicked: find the beats by looking at all of it "
        "(follow) or by oscillators (default: as-written)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of the network (default: 1)"
    )
    parser.add_argument(
        "--give-up-after",
        type=int,
        default=10_000_000,
        metavar="STEPS",
        help="steps of training after which it ends if the chords are not learned (default: ten "
        "million)",
    )
    parser.add_argument(
        "--only-read", action="store_true", help="say what was understood, and train nothing"
    )
    options = parser.parse_args(arguments)
    if options.output is None:
        first = Path(options.tunes[0])
        options.output = f"{first.name if first.is_dir() else first.stem}.npz"
    elif Path(options.output).suffix != ".npz":
        parser.error(f"argument -o/--output: expected a name in .npz, got {options.output!r}")
    if not Path(options.output).parent.is_dir():
        folder = os.fspath(Path(options.output).parent)
        parser.error(f"argument -o/--output: there is no folder {folder!r}; make it first")
    return options


def _bars(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isdecimal() and last.isdecimal() and len(text) < 12):
        raise argparse.ArgumentTypeError(f"{text[:20]!r}: expected two numbers, such as 1-12")
    return int(first), int(last)


def _read(options: argparse.Namespace) -> list[Tune]:
    """The tunes, read as the options say."""
    from .playing.learning import tunes_of

    return tunes_of(
        options.tunes,
        grid=options.grid,
        melody=options.melody,
        chords=options.chords,
        bars=options.bars,
        pickup=options.pickup,
        beat=options.beat.replace("-", " "),
    )


def _improvise_options(arguments: list[str]) -> argparse.Namespace:
    parser = _parser("improvise", _IMPROVISE, _IMPROVISE_MORE)
    parser.add_argument("player", metavar="PLAYER", help="the .npz that `learn` wrote")
    parser.add_argument(
        "-o",
        "--output",
        nargs="+",
        required=True,
        metavar="FILE",
        help="where to; the ending says as what: .mid, .mp3, .wav, .musicxml, .pdf",
    )
    parser.add_argument(
        "--choruses", type=int, default=4, metavar="N", help="how many (default: 4)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of the notes drawn (default: 1)"
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        metavar="T",
        help="1 is the paper's way; below, likely notes become likelier, 0 takes the likeliest",
    )
    options = parser.parse_args(arguments)
    if not 1 <= options.choruses <= limits.CHORUSES:
        parser.error(f"argument --choruses: expected at least 1, got {options.choruses}")
    return options
