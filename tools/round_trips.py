"""Read every tune in a folder, write it, read it again, and count what came back.

    python tools/round_trips.py FOLDER [--most N]

Each MIDI or MusicXML file goes two ways: all its parts into a MIDI file, melody and chords into a
score in MusicXML. Back come the same notes, metres, tempi, pickup, key and programs, or the file is
named. A file that is refused is counted with the reason. Ends with exit code 1 if any tune came
back otherwise than it went.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from lstm_from_scratch import commands
from lstm_from_scratch.music import tunes
from lstm_from_scratch.music.tunes import sheet
from lstm_from_scratch.music.tunes.reading import SUFFIXES
from lstm_from_scratch.music.tunes.tune import Tune


class Trip(NamedTuple):
    """What became of a file: why it was refused, or what came back otherwise, by the way it went.

    not_written : why a way is not open to it, such as a score of more pages than a sheet shows.
    """

    path: Path
    refused: str = ""
    differs: dict[str, str] = {}  # noqa: RUF012 - never changed
    not_written: dict[str, str] = {}  # noqa: RUF012


def trip(path: Path, folder: Path) -> Trip:
    """Take a file both ways, through files in a folder."""
    try:
        tune = tunes.read(path)
    except (ValueError, OSError) as error:
        return Trip(path, refused=str(error))
    differs, closed = {}, {}
    for way, back in (("MIDI", _as_midi), ("MusicXML", _as_score)):
        try:
            found = back(tune, folder)
        except ValueError as error:
            closed[way] = str(error)
        else:
            if found:
                differs[way] = ", ".join(found)
    return Trip(path, differs=differs, not_written=closed)


def _as_midi(tune: Tune, folder: Path) -> list[str]:
    """What of a tune is another after it was a MIDI file."""
    file = tunes.write(tune, folder / "again.mid", all_parts=True)
    again = tunes.read(file, grid=tune.grid)
    found = _other(tune, again)
    if [part[1:] for part in again.parts] != [part[1:] for part in tune.parts]:
        found.append("parts")
    return found


def _as_score(tune: Tune, folder: Path) -> list[str]:
    """What of a tune is another after it was a score."""
    file = sheet.write_musicxml(tune, folder / "again.musicxml")
    again = tunes.read(
        file, grid=tune.grid, harmony="as played", melody=_named(tune, "melody"),
        chords=_named(tune, "chords"),
    )  # fmt: skip
    return _other(tune, again) + [
        name for name in ("melody", "chords") if again.music.get(name) != tune.music.get(name)
    ]


def _named(tune: Tune, part: str) -> str:
    """The part to ask for: itself if the tune has it."""
    return part if part in tune.music else ""


def _other(tune: Tune, again: Tune) -> list[str]:
    """What of the frame is another: its length, metres, tempi, pickup and key."""
    found = [
        name
        for name in ("steps", "metres", "pickup")
        if getattr(tune, name) != getattr(again, name)
    ]
    paces = [[(it.at, round(it.quarters, 2)) for it in one.tempi] for one in (tune, again)]
    if paces[0] != paces[1]:
        found.append("tempi")
    if (tune.key or 0) != (again.key or 0):
        found.append("key")
    return found


def report(trips: Iterable[Trip]) -> tuple[str, int]:
    """The counts in words, and how many tunes came back otherwise."""
    trips = list(trips)
    read = [it for it in trips if not it.refused]
    lines = [f"{len(trips):,} files: {len(read):,} read, {len(trips) - len(read):,} refused"]
    why = Counter(_reason(it.path, it.refused) for it in trips if it.refused)
    lines += [f"  refused, {count}: {reason}" for reason, count in why.most_common(10)]
    for way in ("MIDI", "MusicXML"):
        written = [it for it in read if way not in it.not_written]
        same = sum(way not in it.differs for it in written)
        lines.append(f"{way}: {same:,} of {len(written):,} came back as they went")
        why = Counter(_reason(it.path, it.not_written[way]) for it in read if way in it.not_written)
        lines += [f"  not written, {count}: {reason}" for reason, count in why.most_common(5)]
        other = [it for it in written if way in it.differs]
        lines += [f"  {it.path.name}: {it.differs[way]}" for it in other[:20]]
    return "\n".join(lines), sum(bool(it.differs) for it in trips)


def _reason(path: Path, error: str) -> str:
    """An error without what is of one file."""
    return re.sub(r"\d[\d,]*", "N", error.replace(str(path), "").strip(":, "))[:90]


def main(arguments: list[str] | None = None) -> int:
    """Take all tunes of a folder there and back."""
    parser = argparse.ArgumentParser(description="Write and read back every tune of a folder.")
    parser.add_argument("folder", type=Path, help="of MIDI or MusicXML files, with all below it")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="of so many files only")
    options = parser.parse_args(arguments)
    paths = sorted(it for it in options.folder.rglob("*") if it.suffix.lower() in SUFFIXES)
    if not paths:
        parser.error(f"no tune in {options.folder}: expected files in {', '.join(SUFFIXES)}")
    with tempfile.TemporaryDirectory() as name:
        trips = [trip(path, Path(name)) for path in paths[: options.most or None]]
    said, other = report(trips)
    print(said)
    if other:
        print(f"{other} came back otherwise", file=sys.stderr)
    return int(other > 0)


if __name__ == "__main__":
    commands.run(main)
