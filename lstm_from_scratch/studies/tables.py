"""Tables: the files that studies write, one row a training, and that chapters read.

A table is CSV text after some lines of comment, which say what it is, how to make it again and
what made it. `study` writes the tables in ``results/``, and `stored` reads those that come with
this package; chapters 3, 6, 7, 8, 10, 11 and appendix A do.
"""

from __future__ import annotations

import csv
import io
import math
import numbers
import os
import platform
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, get_type_hints

import numpy as np

from .. import __version__, briefly, limits
from ..arguments import Kind, Unfit, checked, several
from ..files import read_whole
from .experiments import Study

FORMAT = 1
"""Version of the tables."""

MADE_WITH = "# made with: "
"""How the comment begins that says what made the rows below it."""

FIELD_SIZE = 100_000
"""Characters that a value may have; what reads CSV gives up a little above."""

# Such as Python writes them, so that a run is known by the text of its setting and its seed.
WHOLE = re.compile(r"0|-?[1-9][0-9]{0,99}")
NUMBER = re.compile(r"-?[0-9]{1,99}(\.[0-9]{1,99})?(e[-+]?[0-9]{1,3})?|-?inf|nan")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


class StudyError(ValueError):
    """What was asked for can't be done; the message says why, and what to do about it."""


class MissingError(StudyError):
    """Something that a study needs is not here, such as a corpus that does not come along."""


class Rows(list[dict[str, str]]):
    """The rows of a table, as text, a mapping by columns each: a list with a short ``repr``.

    Chapter 3.
    """

    def __repr__(self) -> str:
        columns = f": {', '.join(self[0])}" if self else ""
        return f"Rows({briefly.counted(len(self), 'row')}{columns})"


class Table(NamedTuple):
    """A table as it was read. Chapter 11.

    comments : the lines that begin with #. columns : their names. rows : as text, a mapping by
    columns each. lines : for each row the number of its line in the file, counted from 1.
    """

    comments: list[str]
    columns: list[str]
    rows: list[dict[str, str]]
    lines: list[int]

    def __repr__(self) -> str:
        return f"Table({briefly.counted(len(self.rows), 'row')}: {', '.join(self.columns)})"

    @property
    def made_with(self) -> str:
        """What made the last rows; empty if the table does not say."""
        said = [line for line in self.comments if line.startswith(MADE_WITH)]
        return said[-1].removeprefix(MADE_WITH) if said else ""


def _row(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise Unfit
    for one in (*value, *value.values()):
        if not isinstance(one, str):
            raise Unfit(f"{briefly.came(one)} in it")
    return value


ROW = Kind("a row of a table, text by the names of columns", _row)
"""A row as an argument."""


def _line(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("#") or CONTROL.search(value):
        raise Unfit
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\w+", value):
        raise Unfit
    return value


def _open_file(value: Any) -> Any:
    # One with a buffer would try once more, when it is closed, what could not be written.
    if not isinstance(value, io.FileIO) or value.closed or "a" not in value.mode:
        raise Unfit
    return value


def _value(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > _BITS:
        raise Unfit
    if not isinstance(value, (str, numbers.Real, np.bool_, types.NoneType)):
        raise Unfit
    return value


_BITS = 1_000  # of a whole number; larger ones count nothing, and have no text
_VALUE = Kind("text or a number", _value)
_COMMENT = Kind("a line of comment, which begins with #", _line)
_COLUMN = Kind("the name of a column, of letters, digits and _", _name)
_TABLE = Kind("a table that `opened` has opened", _open_file)


def processor() -> str:
    """The name of this machine's processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration, IndexError):
        return platform.processor() or platform.machine()


def software() -> str:
    """What runs here: our version, Python's, those of the packages that numbers depend on."""
    packages = ", ".join(f"{package} {version(package)}" for package in ("numpy", "numba"))
    return f"lstm_from_scratch {__version__}, Python {platform.python_version()}, {packages}"


def versions() -> str:
    """What a table that is made now is made with: `software` and the processor."""
    return f"{software()}, {processor()}"


@checked
def parse(path: str | os.PathLike[str]) -> Table:
    """Read a table, and refuse one that could be misread.

    Raises
    ------
    StudyError : for a file that is no table, a table of another format, or a line that is not
        whole, which is named.
    FileNotFoundError : if there is none.

    Chapter 11.
    """
    place = os.fspath(path)
    try:
        text = read_whole(path, limits.TABLE).decode("utf-8-sig")  # an editor may put a mark first
    except UnicodeDecodeError as error:
        raise StudyError(f"{place}: not a table of a study, no text even; move it away") from error
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    comments = [line for line in lines if line.startswith("#")]
    if f"# format: {FORMAT}" not in comments:
        found = [line.removeprefix("# format: ") for line in comments if "format: " in line]
        but = f"but of format {found[0]}" if found else "since it does not say so"
        raise StudyError(
            f"{place}: not a table of format {FORMAT} {but}: it was made by another version or is "
            "none of ours. Move it away, or choose another --folder"
        )
    if lines.pop():
        raise StudyError(
            f"{place}: line {len(lines) + 1}, the last, is broken off: a study was stopped while "
            "it wrote. Delete that line; its run is then made again and no other"
        )
    data = [
        (number, _values(line, f"{place}: line {number}"))
        for number, line in enumerate(lines, start=1)
        if line and not line.startswith("#")
    ]
    if not data:
        raise StudyError(f"{place}: has no line that names the columns; delete it, it holds no row")
    columns = data[0][1]
    if len(set(columns)) < len(columns):
        raise StudyError(
            f"{place}: has the columns {','.join(columns)}, a name twice: the line that names them "
            "is missing or damaged. Move the table away, or choose another --folder"
        )
    for number, values in data[1:]:
        if len(values) != len(columns):
            raise StudyError(
                f"{place}: line {number} is not whole: {len(values)} values in {len(columns)} "
                "columns. Delete that line; its run is then made again and no other"
            )
    rows = Rows(dict(zip(columns, values, strict=True)) for _, values in data[1:])
    return Table(comments, columns, rows, [number for number, _ in data[1:]])


def _values(line: str, place: str) -> list[str]:
    """The values in a line of a table."""
    try:
        values = next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise StudyError(f"{place} can't be read: {error}. {_DELETE}") from error
    for value in values:
        if wrong := _strange(value):
            raise StudyError(f"{place} holds {wrong}. {_DELETE}")
    return values


_DELETE = "Delete that line; its run is then made again and no other"


def _strange(value: str) -> str:
    """What no value of a table can be; empty if it is none of it."""
    if found := CONTROL.search(value):
        return f"a character that is no text, {found[0]!r}"
    if len(value) > FIELD_SIZE:
        return f"a value of {len(value):,} characters, more than {FIELD_SIZE:,}"
    return ""


def as_text(value: object) -> str:
    """How a value of a row is written."""
    if value is None:
        return ""
    endless = isinstance(value, int) and value.bit_length() > _BITS
    return briefly.came(value) if endless else str(value)


def _expected(kind: object, name: str, text: str) -> str:
    """What should stand in a column instead of this text; empty if it may."""
    if kind is int:
        return "" if WHOLE.fullmatch(text) else "a whole number"
    if kind is not float:
        return ""
    if not NUMBER.fullmatch(text):
        return "a number"
    # Where a training diverged, what was measured may be NaN; the time it took is not.
    timed = name != "seconds" or (math.isfinite(float(text)) and float(text) >= 0)
    return "" if timed else "a time of 0 or more"


@checked(row=ROW)
def misfit(row: Mapping[str, str], study: Study) -> str:
    """What is wrong with the values of a row, as text; empty if nothing is. Chapter 11."""
    kinds = {}
    with suppress(NameError):  # a row of one's own may name types that are known elsewhere
        kinds = get_type_hints(study.row)
    for name, text in row.items():
        if expected := _expected(kinds.get(name), name, text):
            return f"{_short(text)} as {name}, expected {expected}"
    return ""


@checked(row=ROW)
def key(row: Mapping[str, str], study: Study) -> tuple[str, ...]:
    """What tells a row of a study from all others: the values of its setting, and its seed."""
    return tuple(row.values())[: len(study.settings[0]) + 1]


@checked
def of(path: str | os.PathLike[str], study: Study) -> Table:
    """Read the table of a study, and refuse that of another, or one that has a run twice.

    A value that is no number where the study has numbers is refused too.

    Raises `StudyError` for these, and what `parse` does. Chapter 11.
    """
    table, fields = parse(path), list(study.row._fields)
    if table.columns != fields:
        raise StudyError(
            f"{os.fspath(path)}: has the columns {','.join(table.columns)}, but this version of "
            f"the study has {','.join(fields)}. Move the table away, or choose another --folder"
        )
    first: dict[tuple[str, ...], int] = {}
    for number, row in zip(table.lines, table.rows, strict=True):
        if wrong := misfit(row, study):
            raise StudyError(f"{os.fspath(path)}: line {number} has {wrong}. {_DELETE}")
        before = first.setdefault(key(row, study), number)
        if before != number:
            raise StudyError(
                f"{os.fspath(path)}: lines {before} and {number} are of the same run. Delete one"
            )
    return table


@checked
def read(path: str | os.PathLike[str]) -> Rows:
    """Read a table: its rows, as text, by the names of the columns. Raises what `parse` does."""
    return parse(path).rows


def folder() -> Path:
    """Where the tables are that come with this package: in it, or in a checkout beside it."""
    package = Path(__file__).parent.parent
    inside = package / "results"
    return inside if inside.is_dir() else package.parent / "results"


@checked
def stored(name: str) -> Rows:
    """Read a table that comes with this package, such as ``"experiment-1"``: its rows, as `read`.

    Raises
    ------
    StudyError : if there is none of that name, or as `parse`.

    Chapter 3.
    """
    names = sorted(path.stem for path in folder().glob("*.csv"))
    if not names:
        raise StudyError(
            f"no table {name!r}, nor any other: this copy of lstm_from_scratch came without "
            "results/. Install it from a whole copy of the project; all but the tables works"
        )
    if name not in names:
        raise StudyError(f"no stored table {name!r}: there are {', '.join(names)}")
    return read(folder() / f"{name}.csv")


@checked
def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    """One column of a table as float64 numbers, shape ``(rows,)``; of rows as read, or just made.

    Raises
    ------
    StudyError : if there is no such column, or one of its values is no number.

    Chapter 11.
    """
    for number, row in enumerate(rows):
        if name not in row:
            raise StudyError(f"no column {name!r}: there are {', '.join(row)}")
        if not NUMBER.fullmatch(value := as_text(row[name])):
            raise StudyError(f"row {number} has {_short(value)} as {name}, expected a number")
    return np.array([float(row[name]) for row in rows])


def _short(text: str) -> str:
    """A text as it is quoted in an error: not all of it if it is long."""
    return repr(text if len(text) <= 40 else text[:40] + "…")


@checked
@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a table to append to it, for this process alone.

    The lock is the system's, on the open file, and ends with the process however that ends: what a
    killed study leaves behind locks nobody out.

    Raises
    ------
    StudyError : if another process has it open in this way, or the folder knows no locks.
    """
    with open(path, "ab", buffering=0) as file:  # what could not be written is not tried again
        try:
            _lock(file)
        except (BlockingIOError, PermissionError) as error:
            raise StudyError(
                f"{os.fspath(path)}: another process is at work on this table. Let it finish or "
                "stop it; what it has done is in the table"
            ) from error
        except OSError as error:
            raise StudyError(
                f"{os.fspath(path)}: can't be locked ({error.strerror}), so two studies could "
                "write at once; choose a --folder on another disk"
            ) from error
        yield file


def _lock(file: BinaryIO) -> None:
    """Lock an open file or raise an `OSError`, at once."""
    if os.name == "nt":
        import msvcrt

        # Windows keeps others from reading what is locked: so a byte far behind the end.
        os.lseek(file.fileno(), 1 << 30, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@checked(file=_TABLE, comments=several(_COMMENT), columns=several(_COLUMN, some=True))
def begin(file: BinaryIO, comments: Sequence[str], columns: Sequence[str]) -> None:
    """Write the first lines of a table, all at once. Raises as `append`."""
    _out(file, "".join(f"{line}\n" for line in comments) + ",".join(columns) + "\n")


@checked(file=_TABLE, text=_COMMENT)
def comment(file: BinaryIO, text: str) -> None:
    """Append a line of comment. Raises as `append`."""
    _out(file, text + "\n")


@checked(file=_TABLE, row=several(_VALUE, some=True))
def append(file: BinaryIO, row: Sequence) -> None:
    """Append a row, one whole line; when this returns it is on the disk.

    Raises
    ------
    StudyError : if it can't be written, to a full disk for one: the table then ends where it ended
        before. Also for a value that could not be read back.
    """
    values, line = [as_text(value) for value in row], io.StringIO()
    for value in values:
        if wrong := _strange(value):
            raise StudyError(f"a run returned {wrong}, which no table can hold: {_short(value)}")
    csv.writer(line, lineterminator="\n").writerow(values)
    if line.getvalue().startswith("#"):
        raise StudyError(f"a run returned a row that would be a comment: {_short(values[0])}")
    _out(file, line.getvalue())


def _out(file: BinaryIO, text: str) -> None:
    """Write lines at the end of a table and have them on the disk; all of them or none."""
    end = os.fstat(file.fileno()).st_size
    try:
        left = memoryview(text.encode())
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except BaseException as error:  # Ctrl-C too
        os.truncate(file.fileno(), end)
        if not isinstance(error, OSError):
            raise
        raise StudyError(f"{os.fspath(file.name)}: can't be written: {error.strerror}") from error
