"""Studies: many trainings, in parallel, resumable, their results in tables.

``python -m lstm_from_scratch.study NAME`` runs a study and writes each result to a CSV file as it
comes. What is in the file is done: a study that was stopped goes on where it was, with nothing
done twice and nothing lost. ``--list`` names the studies.

Chapters 3 and 7 draw the first of them.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from tqdm import tqdm

from . import __version__
from .baselines import simple_rnn
from .blues import TWELVE_BAR
from .composing import keeps_form, recall
from .encoding import CHORDS_ONLY
from .training import PAPER, RECOMMENDED, Diverged, Recipe, train

FORMAT = 1
"""Version of the tables."""

RESULTS = Path("results")
"""Where tables are written unless told otherwise: a folder of the checkout."""

HELD_CHORUSES = 10_000
"""Choruses of free run that a network that has learned must play without a wrong note."""


SIMPLE_STEPS = {"bptt": 5_001_600, "rtrl": 1_000_800}
"""Steps after which a plain recurrent network is given up, by rule; whole choruses. A step of RTRL
takes about ten times as long as one of BPTT."""


class Experiment1(NamedTuple):
    """A row of a study of Experiment 1.

    seed : of the training. learned : 1 if it passed its stopping test. steps : trained, to success
    or until it was given up. seconds : of processor time, tests included. first_cycle : steps after
    which it first played one chorus right, the paper's stopping rule; 0 if never.
    first_cycle_choruses : how many choruses it played right at that moment, at most what the
    stopping test asks. held_choruses : played without a wrong note after training, at most 10,000.
    period : choruses after which its state came back bit for bit, a proof that it goes on for ever;
    0 if it did not. weights : the first digits of a SHA-256 of the weights.
    """

    seed: int
    learned: int
    steps: int
    seconds: float
    first_cycle: int
    first_cycle_choruses: int
    held_choruses: int
    period: int
    weights: str


def experiment_1(recipe: Recipe, seed: int) -> Experiment1:
    """Train Experiment 1 from one seed, then play what it has learned. Chapter 7."""
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    test = keeps_form(roll, recipe.choruses)
    started = time.process_time()
    result = train(replace(recipe, seed=seed), roll, test, progress=False)
    seconds = time.process_time() - started
    cycles = np.flatnonzero(result.curve.choruses)
    first = cycles[0] if len(cycles) else None
    held = recall(result.network, roll, HELD_CHORUSES)
    digest = hashlib.sha256(result.network.hidden.tobytes() + result.network.output.tobytes())
    return Experiment1(
        seed,
        int(result.learned),
        result.steps,
        round(seconds, 2),
        0 if first is None else int(result.curve.steps[first]),
        0 if first is None else int(result.curve.choruses[first]),
        held.steps // len(roll),
        held.period,
        digest.hexdigest()[:16],
    )


class Resets(NamedTuple):
    """A row of the study of resets: the first column is varied, the others are `Experiment1`'s.

    forgiven : the gross error of this number since the last reset causes the next; 0: never.
    """

    forgiven: int
    seed: int
    learned: int
    steps: int
    seconds: float
    first_cycle: int


class SimpleNetwork(NamedTuple):
    """A row of the study of a plain recurrent network on Experiment 1's music.

    rule, optimiser, clip, learning_rate : the setting, see `simple_rnn.Method`. seed : of the first
    weights. learned, steps, seconds, held_choruses, period, weights : as in `Experiment1`.
    cross_entropy : nats a step before the last test; NaN if training diverged.
    """

    rule: str
    optimiser: str
    clip: float
    learning_rate: float
    seed: int
    learned: int
    steps: int
    seconds: float
    cross_entropy: float
    held_choruses: int
    period: int
    weights: str


def simple_network(
    rule: str, optimiser: str, clip: float, learning_rate: float, seed: int
) -> SimpleNetwork:
    """Train a plain recurrent network as far as its rule's budget goes, then play. Chapter 3."""
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    method = simple_rnn.Method(
        rule,
        optimiser,
        learning_rate,
        clip=clip,
        forgiven=RECOMMENDED.forgiven,
        seed=seed,
        max_steps=SIMPLE_STEPS[rule],
    )
    started = time.process_time()
    try:
        result = simple_rnn.train(method, roll)
    except Diverged as error:
        learned, steps, entropy, network = False, error.step, float("nan"), error.network
    else:
        learned, steps, network = result.learned, result.steps, result.network
        entropy = round(float(result.curve.cross_entropy[-1]), 4)
    seconds = time.process_time() - started
    held = simple_rnn.recall(network, roll, HELD_CHORUSES)
    digest = hashlib.sha256(network.hidden.tobytes() + network.output.tobytes())
    return SimpleNetwork(
        rule,
        optimiser,
        clip,
        learning_rate,
        seed,
        int(learned),
        steps,
        round(seconds, 2),
        entropy,
        held.steps // len(roll),
        held.period,
        digest.hexdigest()[:16],
    )


@dataclass(frozen=True)
class Study:
    """A question put to many seeds, perhaps in several settings.

    about : what is asked. run : called with a setting's values and a seed; returns a row, which
    begins with the same values. row : the type of the rows. seeds : all. settings : what is varied
    besides the seed, nothing unless given.
    """

    about: str
    run: Callable[..., NamedTuple]
    row: type
    seeds: range
    settings: tuple[tuple[str | int | float, ...], ...] = ((),)


def _recommended(seed: int) -> Experiment1:
    return experiment_1(RECOMMENDED, seed)


def _paper(seed: int) -> Experiment1:
    return experiment_1(PAPER, seed)


def _resets(forgiven: int, seed: int) -> Resets:
    row = experiment_1(replace(RECOMMENDED, forgiven=forgiven, max_steps=10_000_000), seed)
    return Resets(forgiven, seed, row.learned, row.steps, row.seconds, row.first_cycle)


STUDIES = {
    "experiment-1": Study(
        "Experiment 1, the recommended recipe, at most 25 million steps",
        _recommended,
        Experiment1,
        range(232),
    ),
    "experiment-1-development": Study(
        "the same on other seeds: those that the recipe was chosen with",
        _recommended,
        Experiment1,
        range(10_000, 10_060),
    ),
    "experiment-1-paper": Study(
        "Experiment 1, the paper's literal parameters, at most 400 million steps",
        _paper,
        Experiment1,
        range(8),
    ),
    "resets": Study(
        "Experiment 1 with other numbers of forgiven errors, at most 10 million steps",
        _resets,
        Resets,
        range(300, 316),
        tuple((forgiven,) for forgiven in (0, 1, 2, 4, 8, 16, 32)),
    ),
    "simple-network": Study(
        "a plain recurrent network on Experiment 1's music, at most 5 million steps (RTRL: 1)",
        simple_network,
        SimpleNetwork,
        range(4),
        (
            *(("bptt", "momentum", float("inf"), r) for r in (1e-6, 3e-6, 1e-5, 3e-5, 1e-4)),
            *(("bptt", "momentum", 1.0, r) for r in (3e-3, 1e-2, 3e-2)),
            *(("bptt", "adam", float("inf"), r) for r in (3e-4, 1e-3, 3e-3)),
            *(("bptt", "adam", 1.0, r) for r in (1e-4, 3e-4, 1e-3, 3e-3)),
            *(("rtrl", "momentum", float("inf"), r) for r in (3e-6, 1e-5, 3e-5, 1e-4)),
        ),
    ),
}
"""All studies by name."""


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
