"""The command ``python -m lstm_from_scratch.live``: you and the network, through MIDI ports.

Chapter 8 (Experiment 2) has the network that plays.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from . import commands, limits

if TYPE_CHECKING:
    from .playing.live import Jam

COMMAND = "python -m lstm_from_scratch live"

_ABOUT = """\
Play together with a network, through MIDI ports and in time with a click: you one voice,
the network the other. A bar of clicks counts in; Ctrl-C ends it, and no note hangs.

What you play sounds when you press it, in your keyboard or, with --thru, in the output.
The network hears it on the grid of eighth notes. It has never heard a rest: as long as you
play nothing new, it hears your last notes go on.

Its melody follows your chords only as far as it has learned what they mean: it reads the
cells that count the form. Its chords don't listen to your melody: they play the form.
"""

_MORE = f"""\
examples:
  {COMMAND} --list
      the MIDI ports of this machine
  {COMMAND} --in keystation --out fluidsynth
      you play the melody; parts of the names are enough
  {COMMAND} --in keystation --out fluidsynth --you chords --tempo 88 --swing 0.6
  {COMMAND} --in keystation --out fluidsynth --fours --thru -o jam.mid
      four bars you, four bars the network; what was played goes into a file
  {COMMAND} --virtual
      ports of our own that other programs connect to (not on Windows)

It needs python-rtmidi: pip install 'lstm-from-scratch[live]'.
"""


def main(arguments: list[str] | None = None) -> None:
    """The command line. Chapter 8."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    try:
        if options.list:
            _list()
        else:
            _play(options)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(f"live: {error}")
    except KeyboardInterrupt:  # before the first note: later it ends as `_ended_by_signals` says
        sys.exit("live: stopped")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=COMMAND,
        description=_ABOUT,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    ports = parser.add_argument_group("ports")
    ports.add_argument("--list", action="store_true", help="name the ports, and play nothing")
    ports.add_argument("--in", dest="input", metavar="NAME", help="where your notes come from")
    ports.add_argument("--out", dest="output", metavar="NAME", help="where notes go to")
    ports.add_argument("--virtual", action="store_true", help="ports of our own, in place of both")
    ports.add_argument("--thru", action="store_true", help="send your own notes out too")
    music = parser.add_argument_group("music")
    music.add_argument(
        "--you", choices=("melody", "chords"), default="melody", help="what you play (melody)"
    )
    music.add_argument("--fours", action="store_true", help="four bars you, four bars the network")
    music.add_argument(
        "--tempo", type=_number(30, 240), default=100.0, metavar="BPM", help="30 to 240 (100)"
    )
    music.add_argument(
        "--swing",
        type=_number(0.5, 0.75),
        default=0.5,
        metavar="S",
        help="0.5, straight, to 0.75 (0.5)",
    )
    music.add_argument("--no-click", action="store_true", help="no click, except to count in")
    music.add_argument("--bars", type=int, metavar="N", help="end after so many bars")
    music.add_argument("--seed", type=int, default=1, metavar="N", help="of the notes drawn (1)")
    music.add_argument(
        "--temperature", type=_number(0), default=1.0, metavar="T", help="see compose --help (1)"
    )
    music.add_argument(
        "--network",
        default="experiment_2",
        metavar="NAME",
        help="one that comes with the module, or a file in .npz that machine.save wrote",
    )
    music.add_argument("-o", "--save", metavar="FILE", help="what was played: a name in .mid")
    options = parser.parse_args(arguments)
    if options.virtual and (options.input or options.output):
        parser.error("--virtual takes the place of --in and --out")
    if not (options.list or options.virtual or (options.input and options.output)):
        parser.error("--in and --out are needed, or --virtual, or --list")
    if options.bars is not None and not 1 <= options.bars <= limits.PIECE // 8:
        parser.error(f"argument --bars: expected 1 to {limits.PIECE // 8:,}, got {options.bars}")
    if options.seed < 0:
        parser.error(f"argument --seed: expected a whole number of at least 0, got {options.seed}")
    if options.save is not None and (wrong := _cannot_be_saved(Path(options.save))):
        parser.error(f"argument -o/--save: {wrong}")
    return options


def _number(least: float, most: float = math.inf) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most):
            span = f"from {least:g} to {most:g}" if most < math.inf else f"of at least {least:g}"
            raise argparse.ArgumentTypeError(f"{text[:20]!r}: expected a number {span}")
        return value

    return read


def _cannot_be_saved(path: Path) -> str:
    """Why nothing can be written there, said before anything is played; empty if it can."""
    if path.suffix.lower() != ".mid":
        return f"expected a name in .mid, got {os.fspath(path)!r}"
    if path.is_dir():
        return f"{os.fspath(path)!r} is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {os.fspath(path.parent)!r}; make it first"
    return ""


def _list() -> None:
    from .playing import ports

    for kind, found in zip(("--in", "--out"), ports.names(), strict=True):
        print(f"{kind}:")
        print("\n".join(f"  {name}" for name in found) or "  none")


def _play(options: argparse.Namespace) -> None:
    """Open the ports, play until it ends, say what happened."""
    from .playing import ports

    names = (ports.VIRTUAL, ports.VIRTUAL)
    if not options.virtual:
        names = (options.input, options.output)
    with (
        ports.open_port("input", names[0]) as source,
        ports.open_port("output", names[1]) as sink,
    ):
        jam = _together(options, source, sink)
    print(jam.report())
    if options.save:
        _save(jam, options)


def _together(options: argparse.Namespace, source: object, sink: object) -> Jam:
    from .playing import live

    encoding, duet = _duet(options)
    with _ended_by_signals() as ended:
        print(f"In: {source.name}. Out: {sink.name}. Ctrl-C ends it.", flush=True)
        return live.play(
            duet,
            encoding,
            source,
            sink,
            tempo=options.tempo,
            swing=options.swing,
            click=not options.no_click,
            thru=options.thru,
            steps=options.bars * duet.bar if options.bars else limits.PIECE,
            stop=lambda: bool(ended),
            there=lambda: "" if options.virtual else _missing(source.name, sink.name),
        )


def _missing(source: str, sink: str) -> str:
    """What port is gone, in words."""
    from .playing import ports

    there = ports.names()
    if source not in there.inputs:
        return f"the input {source!r} is gone"
    return "" if sink in there.outputs else f"the output {sink!r} is gone"


@contextmanager
def _ended_by_signals() -> Iterator[list[int]]:
    """A list that is empty until somebody wants this process to end.

    Nothing is broken off in the middle: between the beginning of a note and the memory of it.
    """
    ended: list[int] = []
    kinds = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]
    before = {
        kind: signal.signal(kind, lambda number, _: ended.append(number)) for kind in kinds if kind
    }
    try:
        yield ended
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _duet(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    """The network, after it has heard four choruses, and who plays what."""
    import numpy as np

    from .__main__ import HEARD, stored_or_saved
    from .music.encoding import CHORDS_AND_MELODY
    from .playing.composing import hear
    from .playing.duets import Duet
    from .studies.experiments import rolls

    network = stored_or_saved(options.network)
    if network.topology.inputs != CHORDS_AND_MELODY.units:
        raise ValueError(
            f"{options.network} has {network.topology.inputs} inputs; this command plays networks "
            f"of {CHORDS_AND_MELODY.units}, chords and melody"
        )
    heard = rolls(HEARD)
    duet = Duet(
        network,
        heard[0, 0],
        options.seed,
        encoding=CHORDS_AND_MELODY,
        you=options.you,
        state=hear(network, np.concatenate(heard)),
        temperature=options.temperature,
        fours=options.fours,
    )
    return CHORDS_AND_MELODY, duet


def _save(jam: Jam, options: argparse.Namespace) -> None:
    from .music import midi, score
    from .music.encoding import CHORDS_AND_MELODY

    if not jam.roll.any():
        print("Nothing was played, and nothing is written.")
        return
    music = score.played(CHORDS_AND_MELODY.decode(jam.roll))
    midi.write_midi(music, options.save, tempo=options.tempo)
    print(f"{options.save}: written")


if __name__ == "__main__":
    commands.run(main)
