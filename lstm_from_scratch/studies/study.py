"""Studies: many trainings, in parallel, resumable, their results in tables.

``python -m lstm_from_scratch.study NAME`` runs a study and writes each result to a CSV file as it
comes. What is in the file is done: a study that was stopped goes on where it was, with nothing
done twice and nothing lost. ``--list`` names the studies; what they ask is in `questions`.
``--scheduler ADDRESS`` sends the work to a cluster, and ``--check`` makes some runs again and says
where they differ from what is stored.

Chapters 3, 7 and 8 draw the first of them; chapter 11 is about all.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from .. import briefly, commands, limits
from ..arguments import Kind, checked, either, none, several, whole
from ..judging.statistics import interval
from . import checking, parallel, tables
from .experiments import HELD_CHORUSES, Study
from .parallel import JOBS, Call
from .questions import STUDIES
from .tables import FORMAT, MissingError, StudyError, column, processor, read, stored, versions

__all__ = [
    "FORMAT",
    "HELD_CHORUSES",
    "STUDIES",
    "MissingError",
    "Study",
    "StudyError",
    "column",
    "interval",
    "processor",
    "read",
    "run",
    "stored",
    "versions",
]

RESULTS = Path("results")
"""Where tables are written unless told otherwise: a folder of the checkout."""

MOST_RUNS = 1_000_000
"""Runs that one table may hold: far more than anybody has waited for."""

GOES_ON = "What came is in the table, and the same command goes on from there"


@checked
def header(name: str, study: Study) -> list[str]:
    """The first lines of a table: what it is, how to make it again, what it was made with.

    A study of one's own has no command: its table names the function that makes a row. Chapter 11.
    """
    how = f"# command: python -m lstm_from_scratch.study {name}"
    if STUDIES.get(name) is not study:
        made = getattr(study.run, "func", study.run)  # a partial has no name of its own
        how = f"# no command: a study of one's own, {made.__module__}.{made.__qualname__}"
    about = " ".join(study.about.split())  # in one line, or the rest of it would be a row
    return [f"# {about}", f"# format: {FORMAT}", how, f"{tables.MADE_WITH}{versions()}"]


def _named(name: str | Study) -> tuple[str, Study]:
    """A study and what it is called, by either."""
    if not isinstance(name, Study):
        if name not in STUDIES:
            raise StudyError(f"unknown study {name!r}: there are {', '.join(STUDIES)}")
        return name, STUDIES[name]
    study, name = name, name.name
    if not re.fullmatch(r"[\w-]+", name):
        raise StudyError(
            f"a study of your own needs a name of letters, digits, - and _, for its table: "
            f"Study(..., name='mine'); got {name!r}"
        )
    if name in STUDIES and STUDIES[name] is not study:
        raise StudyError(f"there is a study {name!r} already: call yours otherwise")
    return name, study


def _seeds_of(value: Any) -> Sequence[int]:
    return value if isinstance(value, range) else several(whole(0)).take(value)


@checked(
    seeds=either(Kind("seeds such as range(8)", _seeds_of), none()),
    jobs=JOBS,
)
def run(
    name: str | Study,
    folder: str | os.PathLike[str] = RESULTS,
    *,
    seeds: Sequence[int] | None = None,
    jobs: int = 1,
    scheduler: str | None = None,
    progress: bool | None = None,
) -> Path:
    """Run a study, or what is left of it, and return the path of its table.

    Parameters
    ----------
    name : of the study; or a `Study` of your own that has a name.
    folder : where its table is, or will be. seeds : fewer or more of them.
    jobs : processes at once; -1 for as many as there are cores. scheduler : address of a Dask
        scheduler whose workers do it instead, see `parallel.workers`. progress : show a bar; None:
        on a terminal a bar, elsewhere a line now and then; see `parallel.reported`.

    Raises
    ------
    StudyError : for an unknown study, a table that can't be gone on with or that another process
        is at work on, workers that are not there. What is in the table stays as it is.
    MissingError : if runs are left of a study that needs what is not here.
    NotADirectoryError : if the folder is a file.

    Chapter 11.
    """
    name, study = _named(name)
    path = Path(folder) / f"{name}.csv"
    if path.parent.exists() and not path.parent.is_dir():
        raise NotADirectoryError(f"folder: expected a folder for tables, {str(folder)!r} is a file")
    seeds = study.seeds if seeds is None else seeds
    if seeds[MOST_RUNS // len(study.settings) :]:
        raise StudyError(f"{name}: more than {MOST_RUNS:,} runs; choose fewer seeds")
    cases = list(dict.fromkeys((*one, seed) for seed in seeds for one in study.settings))
    # A table that is no good, or data that are not here, are told before workers are asked for.
    done = _done(path, study)
    if any(tuple(map(str, case)) not in done for case in cases) and (why := study.missing()):
        raise MissingError(f"{name} can't be run here: {why}")
    with parallel.workers(jobs, scheduler) as work:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Only this process writes, one whole line at a time: what is in the file is done.
        with tables.opened(path) as file:
            done = _done(path, study)
            pending = [case for case in cases if tuple(map(str, case)) not in done]
            _declare(file, path, name, study, bool(pending))
            results = parallel.reported(
                work([Call(study.run, case) for case in pending]),
                len(cases),
                before=len(cases) - len(pending),
                name=name,
                progress=progress,
            )
            try:
                for number, row in results:
                    _belongs(row, pending[number], study)
                    tables.append(file, row)
            except StudyError as error:
                raise StudyError(f"{error}. {GOES_ON}") from error
    return path


def _done(path: Path, study: Study) -> set[tuple[str, ...]]:
    """The keys of the runs that are in a table, if there is one."""
    if not path.exists() or not path.stat().st_size:
        return set()
    return {tables.key(row, study) for row in tables.of(path, study).rows}


def _belongs(row: tuple, case: tuple, study: Study) -> None:
    """See that a row tells what run it is of, or the run would be made again each time.

    And that its columns hold what they say, or the table would be refused from then on.
    """
    if not isinstance(row, (tuple, list)):
        raise TypeError(
            f"the run of {case} returned {briefly.came(row)}, expected a {study.row.__name__}"
        )
    texts = [tables.as_text(value) for value in row]
    if texts[: len(case)] != list(map(str, case)):
        raise TypeError(f"the run of {case} returned a row that begins otherwise: {texts}")
    fields = study.row._fields
    if len(row) != len(fields):
        raise TypeError(f"the run of {case} returned {len(row)} values for {len(fields)} columns")
    if wrong := tables.misfit(dict(zip(fields, texts, strict=True)), study):
        raise TypeError(f"the run of {case} returned {wrong}")


def _declare(file: BinaryIO, path: Path, name: str, study: Study, more: bool) -> None:
    """Write what the table is, or what the rows that are to come are made with, if that is new."""
    if not path.stat().st_size:
        tables.begin(file, header(name, study), study.row._fields)
        return
    before, now = tables.parse(path).made_with, versions()
    if not more or before == now:
        return
    if before.split(",")[0] != now.split(",")[0]:
        see = f"See with --check {name}" if STUDIES.get(name) is study else "See with some runs"
        raise StudyError(
            f"{path}: was made with {before.split(',')[0]}, this is {now.split(',')[0]}, and rows "
            f"of both would stand side by side. {see} whether they agree, and if so write the new "
            "version into the line '# made with'; else move the table away"
        )
    tables.comment(file, f"{tables.MADE_WITH}{now}")


def _seeds(text: str) -> range:
    numbers = re.fullmatch(r"([0-9]{1,18}):([0-9]{1,18})", text)
    first, last = map(int, numbers.groups()) if numbers else (0, 0)
    if first >= last:
        raise argparse.ArgumentTypeError(f"{text!r}: expected FIRST:LAST, like 0:8 for 0 to 7")
    return range(first, last)


def _jobs(text: str) -> int:
    most = limits.PROCESSES
    if not re.fullmatch(r"-1|[1-9][0-9]{0,3}", text) or int(text) > most:
        raise argparse.ArgumentTypeError(f"{text!r}: expected 1 to {most:,}, or -1 for all cores")
    return int(text)


def _budget(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of seconds above 0")
    return seconds


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m lstm_from_scratch.study",
        description="Run a study, or what is left of it; or see whether stored results hold here.",
    )
    parser.add_argument("name", nargs="?", help="which study; see --list")
    parser.add_argument("--list", action="store_true", help="name all studies")
    parser.add_argument("--all", action="store_true", help="run every study")
    parser.add_argument(
        "--check",
        action="store_true",
        help="make some stored runs again, of NAME or of all, and say where they differ",
    )
    parser.add_argument(
        "--folder",
        help="where tables are (default: results, or for --check, where there is no such folder, "
        "those that come with the package)",
    )
    parser.add_argument(
        "--seeds", type=_seeds, help="FIRST:LAST, other seeds than the study's, LAST not with"
    )
    parser.add_argument("--jobs", type=_jobs, help="processes (default: as many as cores)")
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="let the workers of a Dask scheduler do it, like tcp://127.0.0.1:8786",
    )
    parser.add_argument(
        "--budget",
        type=_budget,
        help=f"seconds of processor time for --check (default: {checking.BUDGET:.0f})",
    )
    options = parser.parse_args(arguments)
    if options.name and options.all:
        parser.error("a NAME or --all, not both")
    if options.check and options.seeds:
        parser.error("--check takes its seeds from the tables, not from --seeds")
    if options.budget and not options.check:
        parser.error("--budget is for --check")
    if options.scheduler and options.jobs:
        parser.error("--jobs is for this machine; with --scheduler its workers count")
    if options.list or not (options.name or options.all or options.check):
        for name, study in STUDIES.items():
            print(f"{name:28} {study.about}")
        return
    where = {"jobs": options.jobs or -1, "scheduler": options.scheduler}
    try:
        if options.check:
            names = [options.name] if options.name else None
            budget = options.budget or checking.BUDGET
            folder = options.folder or (RESULTS if RESULTS.exists() else tables.folder())
            results = checking.check(names, folder, budget=budget, **where)
            print(checking.report(results))
            sys.exit(int(any(one.problem or one.differences for one in results)))
        for name in STUDIES if options.all else [options.name]:
            try:
                print(run(name, options.folder or RESULTS, seeds=options.seeds, **where))
            except MissingError as error:
                if not options.all:
                    raise
                print(f"study: {error}", file=sys.stderr)
    except BrokenPipeError:
        raise  # nobody reads what it says
    except (StudyError, OSError) as error:
        sys.exit(f"study: {error}")
    except KeyboardInterrupt:
        sys.exit("study: stopped" if options.check else f"study: stopped. {GOES_ON}")


if __name__ == "__main__":
    commands.run(main)
