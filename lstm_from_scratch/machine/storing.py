"""Archives of arrays, read with care: what their headers say is compared before anything is made.

A file of some kilobytes can say of itself that it holds an array of gigabytes, or a text where a
number belongs. An `Archive` hands out an array only if type and shape are those that are expected;
`made` compares what JSON left of a dataclass with what the dataclass has. Nothing is executed.

Appendix A (The engine room) saves networks; `training.load` and `rivals.storing.load` read them.
"""

from __future__ import annotations

import dataclasses
import io
import json
import math
import os
import zipfile
from collections.abc import Callable, Mapping
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .. import briefly, limits
from ..arguments import able, checked, one_of, text, whole

Made = TypeVar("Made")

ABOUT = 1_000_000
"""Characters of a text in an archive, at most."""

PARTS = 1_000
"""Arrays in an archive, at most."""

HEADER = 10_000
"""Bytes of what an array says of itself, at most, as for NumPy."""

_NPY = np.lib.format
_READ = {(1, 0): _NPY.read_array_header_1_0, (2, 0): _NPY.read_array_header_2_0}
_KINDS = {"f": "real numbers", "i": "whole numbers", "U": "text"}


class Header(NamedTuple):
    """What an archive says of one of its arrays: its type and its shape."""

    dtype: np.dtype
    shape: tuple[int, ...]

    def __str__(self) -> str:
        shape = ", ".join(briefly.large(size) for size in self.shape)
        return f"{self.dtype} of shape ({shape}{',' * (len(self.shape) == 1)})"


@checked
class Archive:
    """The arrays of an ``.npz`` file, each looked at before it is read. Appendix A.

    Parameters
    ----------
    path : of the file, or the file itself, open to be read as bytes.

    Raises
    ------
    ValueError : if it is no such archive. What else a damaged file makes of NumPy and zipfile comes
        through; who opens it says what it was to be.
    FileNotFoundError : if there is none.
    """

    def __init__(self, path: str | os.PathLike[str] | io.BytesIO) -> None:
        if isinstance(path, (str, os.PathLike)) and not os.path.exists(path):
            raise FileNotFoundError(f"path: expected a file, there is none called {path!r}")
        try:
            self._zip = zipfile.ZipFile(path)  # an array alone, which NumPy would read, is none
        except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"path: expected an archive of arrays, got {path!r}: {error}"
            ) from error
        parts = self._zip.namelist()
        if len(parts) > PARTS:
            raise ValueError(f"path: expected at most {PARTS:,} arrays, got {len(parts):,}")
        arrays = (part for part in parts if part.endswith(".npy"))
        self.names: tuple[str, ...] = tuple(part.removesuffix(".npy") for part in arrays)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def header(self, name: str) -> Header:
        """Type and shape of an array, without reading it.

        Raises
        ------
        ValueError : if there is none of that name.
        """
        return self._looked_at(name)[0]

    def _looked_at(self, name: str) -> tuple[Header, int]:
        """What an array says of itself, and how many bytes there are of it behind that."""
        if name not in self.names:
            raise ValueError(f"{name}: missing, there are {', '.join(self.names) or 'no arrays'}")
        part = self._zip.getinfo(f"{name}.npy")
        with self._zip.open(part) as file:
            version = _NPY.read_magic(file)
            if version not in _READ:
                raise ValueError(f"{name}: expected an array of NumPy, got version {version}")
            # The header says how long it is; NumPy would read one of gigabytes.
            digits = file.read(2 * version[0])
            length = int.from_bytes(digits, "little")
            if length > HEADER:
                raise ValueError(f"{name}: expected a header of at most {HEADER:,} bytes, got more")
            shape, _, dtype = _READ[version](io.BytesIO(digits + file.read(length)))
            return Header(dtype, shape), part.file_size - file.tell()

    @checked(kind=one_of(*_KINDS), most=whole(1))
    def array(
        self, name: str, kind: str, shape: tuple[int | None, ...], most: int = limits.WEIGHTS
    ) -> np.ndarray:
        """An array, if its header says that it is what is expected.

        Parameters
        ----------
        name : in the archive. kind : of its numbers, ``"f"`` or ``"i"``; an empty array may be of
            either. shape : None for a size that may be any. most : numbers in it, at most.

        Raises
        ------
        ValueError : if it is of another type or shape or has a number that is not finite; the
            message says what was expected and what came.
        """
        found, there = self._looked_at(name)
        fits = len(found.shape) == len(shape) and all(
            known in (None, size) for known, size in zip(shape, found.shape, strict=True)
        )
        size = math.prod(found.shape)
        of_kind = found.dtype.kind in ("iuf" if not size or kind == "f" else "iu")
        if not (fits and of_kind and size <= most):
            wanted = ", ".join("any" if known is None else str(known) for known in shape)
            raise ValueError(
                f"{name}: expected {_KINDS[kind]}, {most:,} at most, shape "
                f"({wanted}{',' * (len(shape) == 1)}), got {found}"
            )
        values = self._read(name, found, there)
        strange = values[~np.isfinite(values)]
        if len(strange):
            raise ValueError(f"{name}: expected finite numbers, got {strange[0]} among them")
        return values

    def text(self, name: str) -> str:
        """A text, if it is no longer than `ABOUT`.

        Raises
        ------
        ValueError : if it is longer, or something else.
        """
        found, there = self._looked_at(name)
        if found.dtype.kind != "U" or found.shape or found.dtype.itemsize > 4 * ABOUT:
            raise ValueError(f"{name}: expected a text of at most {ABOUT:,} signs, got {found}")
        return str(self._read(name, found, there))

    def _read(self, name: str, found: Header, there: int) -> np.ndarray:
        """An array that has been looked at, if there is as much of it as it says."""
        if there != math.prod(found.shape) * found.dtype.itemsize:
            raise ValueError(f"{name}: expected {found}, got {there:,} bytes")
        with self._zip.open(f"{name}.npy") as file:
            return _NPY.read_array(file, allow_pickle=False)


@checked
def json_object(name: str, text: str) -> dict[str, Any]:
    """A text as the JSON object that it is. Appendix A.

    Raises
    ------
    ValueError : if it is none, or holds a number of more digits than anything counts.
    """
    try:
        found = json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError):
        raise ValueError(f"{name}: expected JSON, got {briefly.came(text)}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{name}: expected a JSON object, got {briefly.came(found)}")
    return found


def _whole(digits: str) -> int:
    if len(digits) > 40:
        raise ValueError
    return int(digits)


@checked
def entry(name: str, values: Any, key: str) -> Any:
    """What stands under a key. Appendix A.

    Raises
    ------
    ValueError : if ``values`` is no JSON object, or has nothing under that key.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{name}: expected a JSON object, got {briefly.came(values)}")
    if key not in values:
        raise ValueError(f"{name}: {key} is missing, there are {', '.join(values) or 'no entries'}")
    return values[key]


@checked
def listed(name: str, values: Any) -> list[Any]:
    """What stands in a list. Appendix A.

    Raises
    ------
    ValueError : if it is no list.
    """
    if not isinstance(values, list):
        raise ValueError(f"{name}: expected a list, got {briefly.came(values)}")
    return values


@checked
def made(kind: type[Made], name: str, values: Any, **given: Any) -> Made:
    """A dataclass of what JSON left of it; its own door looks at each value. Appendix A.

    Parameters
    ----------
    kind : the dataclass. name : of what is read, for errors. values : by name. given :
        fields that are made already, instead of those of the values.

    Raises
    ------
    ValueError : for a field that is missing, one that there is not, or a value that is none.
    """
    if not dataclasses.is_dataclass(kind):
        raise ValueError(f"kind: expected a dataclass, got {briefly.came(kind)}")
    if not isinstance(values, Mapping):
        raise ValueError(f"{name}: expected a JSON object, got {briefly.came(values)}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    strange = sorted(set(map(str, values)) - fields.keys())
    if strange:
        raise ValueError(f"{name}: there is no {strange[0]}, expected {', '.join(fields)}")
    for field in fields.values():
        if field.default is dataclasses.MISSING and field.name not in given:
            entry(name, values, field.name)
    own = {key: _tuples(value) for key, value in values.items() if key not in given}
    try:
        return kind(**own, **given)
    except ValueError as error:
        raise ValueError(f"{name}, {error}") from None


@checked(place=able("iterdir"), name=text(), missing=text(some=True))
def shipped(
    place: Traversable,
    name: str,
    load: Callable[[Path], Made],
    *,
    missing: str = "no stored network",
) -> Made:
    """What comes with the module, read from its file. Appendix A.

    Parameters
    ----------
    place : the folder, such as ``importlib.resources.files("lstm_from_scratch.machine")``.
    name : of a file in it, without ``.npz``.
    load : reads the file.
    missing : how the error begins if there is none of that name.

    Raises
    ------
    ValueError : if there is none of that name; it says which there are.
    """
    there = {it.name.removesuffix(".npz"): it for it in place.iterdir() if it.name[-4:] == ".npz"}
    if name not in there:
        raise ValueError(f"{missing} {name!r}: there are {sorted(there)}")
    with as_file(there[name]) as path:
        return load(path)


def _tuples(value: Any) -> Any:
    """Lists as tuples, which JSON has not."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
