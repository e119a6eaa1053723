"""Do the stored results hold here? Some of their runs are made again and compared.

``python -m lstm_from_scratch.study --check``, which is ``make study``, does it for every table in
``results/`` and takes minutes where the studies took hours.

Chapter 11.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .. import briefly
from ..arguments import Kind, Unfit, checked, either, none, real, several, text
from . import parallel, tables
from .experiments import Study
from .parallel import JOBS, Call
from .questions import STUDIES
from .tables import ROW, StudyError

Row = Mapping[str, str]
"""A row of a table, text by the names of the columns."""

BUDGET = 300.0
"""Seconds of processor time, as the tables tell them, that a check may take unless told otherwise:
with what they do not tell (the tests of what was learned) some three minutes on two cores."""


class Difference(NamedTuple):
    """A value that came out differently when a run was made again. Chapter 11.

    run : which, like ``seed 3``. column : of the table. stored, now : the values, as text.
    """

    run: str
    column: str
    stored: str
    now: str


class Checked(NamedTuple):
    """What came of making some runs of a study again. Chapter 11.

    study : its name. stored : rows in the table. redone : runs made again. cheapest : seconds that
    the cheapest stored run took, NaN if there is none. differences : found. made_with : what the
    table says it was made with. problem : what is wrong with the table; empty if nothing is.
    missing : what is not here that the study needs; empty if nothing is.
    """

    study: str
    stored: int
    redone: int
    cheapest: float
    differences: tuple[Difference, ...]
    made_with: str
    problem: str = ""
    missing: str = ""

    @property
    def different(self) -> int:
        """How many of the runs came out differently."""
        return len({difference.run for difference in self.differences})

    @property
    def holds(self) -> bool:
        """Whether nothing was found that is not as it is stored."""
        return not (self.differences or self.problem)


@checked(row=ROW)
def cost(row: Row) -> float:
    """The processor time to make a run again: seconds, as the table tells, one at the least.

    Raises
    ------
    StudyError : if what the table tells is no time.
    """
    return max(1.0, *tables.column([row], "seconds")) if "seconds" in row else 1.0


def _tables(value: Any) -> dict[str, tuple[Row, ...]]:
    if not isinstance(value, Mapping):
        raise Unfit
    for name in value:
        if name not in STUDIES:
            raise Unfit(f"one of {briefly.came(name)}")
    return {name: several(ROW).take(rows) for name, rows in value.items()}


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise Unfit
    return several(text()).take(tuple(value))


@checked(rows=Kind("rows of tables by the names of their studies", _tables), budget=real(0))
def draw(rows: Mapping[str, list[Row]], budget: float) -> list[tuple[str, Row]]:
    """Choose the runs that are to be made again: cheap ones, of every table and every setting.

    Parameters
    ----------
    rows : of the tables, by the names of their studies. budget : seconds for all together, see
        `cost`.

    Returns
    -------
    The study and the row of each run.

    Each table offers the row that is the cheapest of a setting, of those that had their turn least
    often. First one row of every table is taken, the cheapest offer first; then always the offer of
    the table that, with it, will have had the fewest seconds. A table whose offer is more than what
    is left of the budget drops out.

    Chapter 11.
    """
    offers = {name: _in_turn(table, STUDIES[name]) for name, table in rows.items() if table}
    drawn: list[tuple[str, Row]] = []
    spent: dict[str, float] = defaultdict(float)
    while offers:
        name = min(offers, key=lambda one: (one in spent, spent.get(one, 0) + cost(offers[one][0])))
        row = offers[name].pop(0)
        if sum(spent.values()) + cost(row) > budget:
            del offers[name]
            continue
        drawn.append((name, row))
        spent[name] += cost(row)
        if not offers[name]:
            del offers[name]
    return drawn


def _in_turn(rows: list[Row], study: Study) -> list[Row]:
    """Rows, the cheapest of each setting, then the second of each, and so on."""
    turns: Counter[tuple[str, ...]] = Counter()
    turn = []
    ordered = sorted(rows, key=cost)
    for row in ordered:
        setting = tables.key(row, study)[:-1]
        turn.append(turns[setting])
        turns[setting] += 1
    return [ordered[number] for number in sorted(range(len(rows)), key=lambda one: turn[one])]


@checked(
    names=either(Kind("names of studies", _names), none()),
    budget=real(0),
    jobs=JOBS,
)
def check(
    names: Iterable[str] | None = None,
    folder: str | os.PathLike[str] = "results",
    *,
    budget: float = BUDGET,
    jobs: int = 1,
    scheduler: str | None = None,
    progress: bool | None = None,
) -> list[Checked]:
    """Make some of the stored runs again, and compare every column but ``seconds``.

    Where a study says how ``near`` its numbers come, columns of real numbers are compared so.

    Parameters
    ----------
    names : of studies; all that have a table, unless given. folder : where the tables are; those
        that belong to no study are left out. budget : see `draw`.
    jobs, scheduler, progress : as in `study.run`.

    Returns
    -------
    What was found, for each table. Nothing is written.

    Raises
    ------
    StudyError : for an unknown study, or if no table is there, or as in `study.run`.

    Chapter 11.
    """
    found: dict[str, tables.Table] = {}
    problems: dict[str, str] = {}
    for name in STUDIES if names is None else names:
        path = Path(folder) / f"{name}.csv"
        if name not in STUDIES:
            raise StudyError(f"unknown study {name!r}: there are {', '.join(STUDIES)}")
        if not path.exists():
            continue
        try:
            found[name] = tables.of(path, STUDIES[name])
        except StudyError as error:
            found[name], problems[name] = tables.Table([], [], [], []), str(error)
    if not found:
        wanted = "any study" if names is None else " or ".join(names)
        raise StudyError(f"{os.fspath(folder)}: there is no table of {wanted}")

    known: dict[str, list[Row]] = {}
    missing = {name: STUDIES[name].missing() for name in found}
    for name, table in found.items():
        cases = [_case(row, STUDIES[name]) for row in table.rows]
        known[name] = [row for row, case in zip(table.rows, cases, strict=True) if case]
        strange = [str(line) for line, case in zip(table.lines, cases, strict=True) if not case]
        if strange:
            problems[name] = f"the study has no runs like those in lines {', '.join(strange)}"
    # The long runs first, so that at the end no core waits for another.
    here = {name: rows for name, rows in known.items() if not missing[name]}
    drawn = sorted(draw(here, budget), key=lambda one: -cost(one[1]))
    calls = [Call(STUDIES[name].run, _case(row, STUDIES[name])) for name, row in drawn]
    differences = defaultdict(list)
    with parallel.workers(jobs, scheduler) as work:
        results = parallel.reported(work(calls), len(calls), name="check", progress=progress)
        for place, now in results:
            name, stored = drawn[place]
            differences[name] += _compare(stored, now, STUDIES[name])
    redone = Counter(name for name, _ in drawn)
    return [
        Checked(
            name,
            len(table.rows),
            redone[name],
            min(map(cost, table.rows), default=float("nan")),
            tuple(sorted(differences[name])),
            table.made_with,
            problems.get(name, ""),
            missing[name],
        )
        for name, table in found.items()
    ]


def _case(row: Row, study: Study) -> tuple | None:
    """What a stored run was called with; None if the study has no such run."""
    *setting, seed = tables.key(row, study)
    for known in study.settings:
        if [str(value) for value in known] == setting and seed.isdecimal():
            return (*known, int(seed))
    return None


def _compare(stored: Row, now: NamedTuple, study: Study) -> list[Difference]:
    """Find the columns, ``seconds`` apart, that are not the same text now, or not near enough."""
    key = tables.key(stored, study)
    run = ", ".join(f"{name} {value}" for name, value in zip(stored, key, strict=False))
    return [
        Difference(run, name, stored[name], str(value))
        for name, value in now._asdict().items()
        if name != "seconds" and _differ(stored[name], value, study.near)
    ]


def _differ(stored: str, now: object, near: float) -> bool:
    if not near:
        return stored != str(now)
    return isinstance(now, float) and not abs(float(stored) - now) <= near


@checked
def report(results: list[Checked]) -> str:
    """What `check` found, as a table in text and a line for each difference. Chapter 11."""
    wide = max((len(one.study) for one in results), default=5)
    lines = [f"{'study':{wide}}  rows stored  rows redone  equal  different"]
    lines += [
        f"{one.study:{wide}}  {one.stored:11}  {one.redone:11}  {one.redone - one.different:5}  "
        f"{one.different:9}"
        for one in results
    ]
    for one in results:
        if one.problem:
            lines.append(f"{one.study}: {one.problem}")
        elif not one.stored:
            lines.append(f"{one.study}: the table holds no run yet")
        elif one.missing:
            lines.append(f"{one.study}: nothing was redone, since {one.missing}")
        elif not one.redone:
            lines.append(
                f"{one.study}: nothing was redone, since the cheapest run takes {one.cheapest:.0f} "
                "s, more than --budget had left"
            )
        for run, name, stored, now in one.differences:
            lines.append(f"{one.study}, {run}: {name} was {stored} and is {now} now")
        if one.differences:
            lines.append(f"{one.study}: was made with {one.made_with}; here is {tables.versions()}")
    return "\n".join(lines)
