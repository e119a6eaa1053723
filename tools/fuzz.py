"""Feed what nobody meant to the readers of the module and to all its public signatures.

    .venv/bin/python tools/fuzz.py                   # everything, a minute each
    .venv/bin/python tools/fuzz.py midi --seconds 600 --seed 7

Files are good ones with bytes changed, taken out or put in: MIDI files, networks, tables. Each is
read, or refused by an error of ours; nothing hangs, and no file asks for more memory than it could
be worth. Signatures are called with good arguments of which one or two are not. What goes wrong is
printed with the seed and the number of the run, which make it again. `make fuzz` does all; a few
hundred runs of each are among the unit tests.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import signatures
from signatures import HOUSE, TooLong, within

from lstm_from_scratch import commands

SECONDS = 10
"""How long one file may take to be read."""


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes changed, cut out, doubled, or replaced by those that mean much in headers."""
    found = bytearray(data)
    for _ in range(1 + rng.geometric(0.4)):
        at = int(rng.integers(len(found) + 1))
        length = int(rng.integers(1, 9))
        match int(rng.integers(6)):
            case 0 if at < len(found):
                found[at] ^= 1 << int(rng.integers(8))
            case 1:
                found[at : at + length] = rng.bytes(length)
            case 2:
                del found[at : at + length]
            case 3:
                found[at:at] = rng.bytes(length)
            case 4:
                found[at : at + length] = bytes([int(rng.choice([0, 0x7F, 0x80, 0xFF]))]) * length
            case _:
                start = int(rng.integers(len(found) + 1))
                found[at:at] = found[start : start + 40 * length]
    return bytes(found)


def mutated_text(text: str, rng: np.random.Generator) -> bytes:
    """A text with fields that are something else, and then perhaps with bytes that are."""
    lines = text.splitlines()
    strange = ("", "nan", "-1", "1e400", "9" * 5000, "\0", '"', "ü", "#", ",", "\ufeff", "x" * 99)
    for _ in range(rng.geometric(0.5)):
        at = int(rng.integers(len(lines)))
        fields = next(csv.reader([lines[at]]), [""]) or [""]
        fields[int(rng.integers(len(fields)))] = strange[int(rng.integers(len(strange)))]
        lines[at] = ",".join(fields)
    data = "\n".join(lines).encode()
    return mutated(data, rng) if rng.random() < 0.3 else data


def _read(read: Callable[[Path], Any], path: Path, data: bytes) -> str:
    """What goes wrong where these bytes are read; empty if nothing does."""
    path.write_bytes(data)
    try:
        with within(SECONDS):
            read(path)
    except TooLong:
        return f"took longer than {SECONDS} s"
    except ValueError as error:
        return _strange(error, path)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _strange(error: ValueError, path: Path) -> str:
    """Why a refusal is none of ours: it does not name the file, or speaks of what lies beneath."""
    if path.name not in str(error):
        return f"does not name the file: {type(error).__name__}: {error}"
    if "Exceeds the limit" in str(error):
        return f"speaks of Python: {error}"
    return ""


def _files(
    read: Callable[[Path], Any],
    originals: list[bytes],
    suffix: str,
    runs: Iterator[np.random.Generator],
    change: Callable[[bytes, np.random.Generator], bytes] = mutated,
) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"mutated{suffix}"
        for rng in runs:
            yield _read(read, path, change(originals[int(rng.integers(len(originals)))], rng))


def midi(runs: Iterator[np.random.Generator]) -> Iterator[str]:
    """Read MIDI files that were written by this module and changed."""
    from lstm_from_scratch import music

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "good.mid"
        files = []
        for piece in (music.chorus(7), [(60, 0, 2)], {"ü": [(64, 9, 100)], "b": [(1, 0, 1)]}):
            files.append(music.write_midi(piece, path).read_bytes())
    yield from _files(music.read_tracks, files, ".mid", runs)


def tunes(runs: Iterator[np.random.Generator]) -> Iterator[str]:
    """Read MIDI and MusicXML files as tunes, packed ones too; bytes or elements were changed."""
    from lstm_from_scratch import music
    from lstm_from_scratch.music import tunes as room

    tune = room.Tune(
        "ü", 12, 36, (room.Metre(0, 3, 4),), (room.Tempo(0, 90.0),),
        ((60, 0, 3), (64, 3, 1), (60, 9, 2), (72, 20, 9)), ((48, 0, 9), (52, 0, 9), (55, 9, 27)),
        ((0, "C9"), (9, "Bb7(b9)/D")), pickup=3, key=-2,
    )  # fmt: skip
    page = room.sheet.musicxml(tune).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "good.mid"
        files = [
            room.write(tune, path).read_bytes(),
            music.write_midi(music.chorus(7), path).read_bytes(),
            page,
            music.score.musicxml(music.chorus(7)).encode(),
            _packed(page),
        ]
    yield from _files(room.read, files, ".tune", runs, _changed_tune)


def _packed(page: bytes) -> bytes:
    """A score in an archive."""
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", page)
    return out.getvalue()


def _changed_tune(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes that were changed; in a score rather elements and what stands in them."""
    if data[:4] == b"PK\x03\x04":
        return _changed_archive(data, rng)
    if data[:1] != b"<" or rng.random() < 0.3:
        return mutated(data, rng)
    lines = data.splitlines()
    strange = (b"", b"-1", b"0", b"nan", b"1e400", b"9" * 50, b"1/0", b"zz", b"<rest/>", b"&amp;")
    for _ in range(1 + rng.geometric(0.3)):
        at = int(rng.integers(len(lines)))
        match int(rng.integers(4)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[int(rng.integers(len(lines)))])
            case _ if b">" in lines[at] and b"</" in lines[at]:
                head, _, rest = lines[at].partition(b">")
                tail = rest[rest.index(b"</") :] if b"</" in rest else rest
                lines[at] = head + b">" + strange[int(rng.integers(len(strange)))] + tail
    return b"\n".join(lines)


def networks(runs: Iterator[np.random.Generator]) -> Iterator[str]:
    """Read stored networks, as archives and as what stands in them, changed."""
    from lstm_from_scratch.machine import training

    file = signatures._stored("machine", "experiment_1").read_bytes()
    yield from _files(training.load, [file], ".npz", runs, _changed_archive)


def rivals(runs: Iterator[np.random.Generator]) -> Iterator[str]:
    """Read stored networks of the rivals."""
    from lstm_from_scratch.rivals import storing

    files = [
        signatures._stored("rivals", name).read_bytes()
        for name in ("simple-network", "feed-forward-1")
    ]
    yield from _files(storing.load, files, ".npz", runs, _changed_archive)


def _frames() -> dict[str, list]:
    """A small corpus as a pickle has it, notes of frames of pieces."""
    frames = [(60, 64), (21, 108), (), (60,)] * 3
    return {part: [frames, frames[:2]] for part in ("train", "valid", "test")}


def corpora(runs: Iterator[np.random.Generator]) -> Iterator[str]:
    """Read a corpus of piano rolls as an archive, changed."""
    from lstm_from_scratch.playing import corpora as room

    rolls = {part: tuple(map(room.roll_of, pieces)) for part, pieces in _frames().items()}
    with tempfile.TemporaryDirectory() as folder:
        file = room.write(room.Corpus("ü", **rolls), Path(folder) / "good.npz").read_bytes()
    yield from _files(room.read, [file], ".npz", runs, _changed_archive)


def pickles(runs: Iterator[np.random.Generator]) -> Iterator[str]:
    """Read a corpus as a pickle, changed."""
    import pickle

    from lstm_from_scratch.playing import corpora as room

    files = [pickle.dumps(_frames(), protocol) for protocol in (0, 2, 4)]
    yield from _files(room.read, files, ".pickle", runs)


def _changed_archive(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes of the archive, or of a part of it, whose sums are then right again."""
    import zipfile

    if rng.random() < 0.3:
        return mutated(data, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        names = old.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            part = old.read(name)
            if name == chosen:
                head = part[:128]  # where the header is, what is read first
                part = mutated(head, rng) + part[128:] if rng.random() < 0.5 else mutated(part, rng)
            new.writestr(name, part)
    return out.getvalue()


def tables(runs: Iterator[np.random.Generator]) -> Iterator[str]:
    """Read tables of studies of which fields were changed."""
    from lstm_from_scratch.studies import tables as rooms

    stored = sorted(rooms.folder().glob("*.csv"), key=lambda path: path.stat().st_size)[:4]
    texts = [path.read_text(encoding="utf-8").encode() for path in stored]

    def change(data: bytes, rng: np.random.Generator) -> bytes:
        return mutated_text(data.decode(), rng)

    yield from _files(rooms.read, texts, ".csv", runs, change)


def calls(runs: Iterator[np.random.Generator]) -> Iterator[str]:
    """Call public signatures with one argument that is wrong, drawn from many."""
    known = [
        one for one in signatures.signatures().values() if not one.name.startswith(signatures.LONG)
    ]
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for rng in runs:
                one = known[int(rng.integers(len(known)))]
                parameter = list(one.parameters)[int(rng.integers(len(one.parameters)))]
                value = strange(rng)
                wrong = signatures.fault(one, parameter, value, SECONDS, words=False)
                yield f"{one.name}({parameter}={_said(value)}) {wrong}" if wrong else ""
        finally:
            os.chdir(before)


def strange(rng: np.random.Generator, depth: int = 0) -> Any:
    """A value that hardly any argument may be: a plain one, or several in one another."""
    wrong = list(signatures.WRONG.values())
    if depth > 2 or rng.random() < 0.5:
        return wrong[int(rng.integers(len(wrong)))]()
    inside = [strange(rng, depth + 1) for _ in range(int(rng.integers(4)))]
    match int(rng.integers(5)):
        case 0:
            return tuple(inside)
        case 1:
            return inside
        case 2:
            return {f"k{n}": value for n, value in enumerate(inside)}
        case 3:
            shape = tuple(int(size) for size in rng.integers(0, 4, int(rng.integers(4))))
            return rng.choice([0.0, 1.0, -1.0, np.nan, np.inf, 0.5, 1e300], size=shape)
        case _:
            return float(rng.choice([-1, 1])) * 10.0 ** float(rng.integers(-300, 300))


def _said(value: Any) -> str:
    from lstm_from_scratch import briefly

    return briefly.came(value)


TARGETS: dict[str, Callable[[Iterator[np.random.Generator]], Iterator[str]]] = {
    "midi": midi,
    "tunes": tunes,
    "networks": networks,
    "rivals": rivals,
    "corpora": corpora,
    "pickles": pickles,
    "tables": tables,
    "calls": calls,
}
"""What can be fed, by name."""


def fuzz(
    target: str, seed: int, runs: int | None = None, seconds: float | None = None
) -> list[str]:
    """What went wrong in so many runs, or in all that so many seconds hold.

    Every run has a source of randomness of its own, made of the seed and its number.
    """
    ends, number = time.monotonic() + (seconds or 0), [-1]

    def sources() -> Iterator[np.random.Generator]:
        while (number[0] + 1 < runs) if runs is not None else (time.monotonic() < ends):
            number[0] += 1
            yield np.random.default_rng([seed, number[0]])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [
            f"{target}, seed {seed}, run {number[0]}: {wrong}"
            for wrong in TARGETS[target](sources())
            if wrong
        ]
    if seconds is not None:
        print(f"{target}: {number[0] + 1:,} runs, {len(found)} of them wrong", flush=True)
    return found


def main(arguments: list[str] | None = None) -> None:
    """Fuzz what is named, or everything, and end with exit code 1 if anything went wrong."""
    parser = argparse.ArgumentParser(
        prog="fuzz.py",
        description="Feed what nobody meant to readers of files and to all public signatures.",
        epilog=f"Of {HOUSE}; what goes wrong is printed with the run that makes it again.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all unless named"
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, metavar="N", help="for each target (60)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all changes (0)")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"no target {unknown[0]!r}: there are {', '.join(TARGETS)}")
    wrong = [
        said
        for target in options.targets or TARGETS
        for said in fuzz(target, options.seed, seconds=options.seconds)
    ]
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    commands.run(main)
