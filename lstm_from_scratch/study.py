"""Studies: many trainings, in parallel, resumable, their results in tables.

``python -m lstm_from_scratch.study NAME`` runs a study and writes each result to a CSV file as it
comes. What is in the file is done: a study that was stopped goes on where it was, with nothing
done twice and nothing lost. ``--list`` names the studies; what they ask is in `questions`.

Chapters 3, 7 and 8 draw the first of them.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from tqdm import tqdm

from . import __version__
from .experiments import HELD_CHORUSES, Study
from .questions import STUDIES

__all__ = ["HELD_CHORUSES", "STUDIES", "Study", "column", "interval", "read", "run"]

FORMAT = 1
"""Version of the tables."""

RESULTS = Path("results")
"""Where tables are written unless told otherwise: a folder of the checkout."""


def processor() -> str:
    """The name of this machine's processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        return platform.processor() or platform.machine()


def versions() -> str:
    """What a table was made with: our version, Python's, those of the packages, the processor."""
    packages = ", ".join(f"{package} {version(package)}" for package in ("numpy", "numba"))
    python = platform.python_version()
    return f"lstm_from_scratch {__version__}, Python {python}, {packages}, {processor()}"


def header(name: str) -> list[str]:
    """The first lines of a table: what it is, how to make it again, what it was made with."""
    return [
        f"# {STUDIES[name].about}",
        f"# format: {FORMAT}",
        f"# command: python -m lstm_from_scratch.study {name}",
        f"# made with: {versions()}",
    ]


def read(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Read a table: its rows, as text, by the names of the columns.

    Raises
    ------
    ValueError : for a table of another format, or a row that is not whole.
    FileNotFoundError : if there is none.
    """
    text = Path(path).read_text()
    comments = [line for line in text.splitlines() if line.startswith("#")]
    if f"# format: {FORMAT}" not in comments:
        raise ValueError(f"{os.fspath(path)}: not a table of format {FORMAT}; move it away")
    if not text.endswith("\n"):
        raise ValueError(f"{os.fspath(path)}: its last line is broken off; remove that line")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise ValueError(f"{os.fspath(path)}: row {number} is not whole")
    return rows


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    """One column of a table as float64 numbers, shape ``(rows,)``."""
    return np.array([float(row[name]) for row in rows])


def interval(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson's score interval). Chapter 7.

    Raises
    ------
    ValueError : unless 0 <= successes <= trials and there was a trial.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} successes of {trials}: that can't be")
    share, factor = successes / trials, z * z / trials
    middle = (share + factor / 2) / (1 + factor)
    half = z * np.sqrt(share * (1 - share) / trials + factor / (4 * trials)) / (1 + factor)
    return float(middle - half), float(middle + half)


def _results(study: Study, cases: list[tuple], jobs: int) -> Iterator[NamedTuple]:
    """Rows as they come, in whatever order."""
    if jobs == 1:
        yield from (study.run(*case) for case in cases)
        return
    try:
        from joblib import Parallel, delayed
    except ImportError as error:
        raise SystemExit(
            "several jobs need joblib: pip install 'lstm-from-scratch[study]'"
        ) from error
    work = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
    yield from work(delayed(study.run)(*case) for case in cases)


def _write(file: TextIO, values: list) -> None:
    csv.writer(file, lineterminator="\n").writerow(values)
    file.flush()
    os.fsync(file.fileno())


def run(
    name: str,
    folder: str | os.PathLike[str] = RESULTS,
    *,
    seeds: range | None = None,
    jobs: int = 1,
    progress: bool | None = None,
) -> Path:
    """Run a study, or what is left of it, and return the path of its table.

    Parameters
    ----------
    name : of the study. folder : where its table is, or will be. seeds : fewer or more of them.
    jobs : processes at once; -1 for as many as there are cores. progress : show a bar; None: only
        on a terminal.

    Raises
    ------
    ValueError : for an unknown study, or a table that can't be gone on with; it stays as it is.
    """
    if name not in STUDIES:
        raise ValueError(f"unknown study {name!r}: there are {', '.join(STUDIES)}")
    study = STUDIES[name]
    path = Path(folder) / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = list(study.row._fields)
    width = len(study.settings[0]) + 1
    done: set[tuple[str, ...]] = set()
    if path.exists():
        rows = read(path)
        if rows and list(rows[0]) != fields:
            raise ValueError(f"{path}: has columns {list(rows[0])}, expected {fields}")
        done = {tuple(row.values())[:width] for row in rows}
    seeds = study.seeds if seeds is None else seeds
    cases = [(*setting, seed) for seed in seeds for setting in study.settings]
    pending = [case for case in cases if tuple(map(str, case)) not in done]
    # Only this process writes, one whole line at a time: what is in the file is done.
    with open(path, "a") as file:
        if not done and file.tell() == 0:
            file.write("\n".join(header(name)) + "\n")
            _write(file, fields)
        silent = None if progress is None else not progress
        results = _results(study, pending, jobs)
        for row in tqdm(results, total=len(pending), desc=name, unit=" runs", disable=silent):
            _write(file, list(row))
    return path


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m lstm_from_scratch.study", description="Run a study, or what is left of it."
    )
    parser.add_argument("name", nargs="?", help="which study; see --list")
    parser.add_argument("--list", action="store_true", help="name all studies")
    parser.add_argument("--all", action="store_true", help="run every study")
    parser.add_argument("--folder", default=RESULTS, help="where tables are (default: results)")
    parser.add_argument("--seeds", help="FIRST:LAST, other seeds than the study's, LAST not with")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: all cores)")
    options = parser.parse_args(arguments)
    if options.list or not (options.name or options.all):
        for name, study in STUDIES.items():
            print(f"{name:28} {study.about}")
        return
    try:
        seeds = range(*map(int, options.seeds.split(":"))) if options.seeds else None
        for name in STUDIES if options.all else [options.name]:
            print(run(name, options.folder, seeds=seeds, jobs=options.jobs))
    except ValueError as error:
        sys.exit(f"study: {error}")


if __name__ == "__main__":
    main()
