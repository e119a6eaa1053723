"""Corpora in the files that others made: MATLAB matrices and Python's pickles, read with care.

A pickle is a program that makes objects, and can be made to run anything; MATLAB's files are packed
and say of themselves how large they are. Of a pickle only the instructions that make numbers, text,
lists, tuples and dictionaries are followed, by this room and not by `pickle`. Of MATLAB's files,
those cells are read that hold matrices of numbers, and no more is unpacked than `limits` allow.

Begin with `corpora`, which reads them. Chapter 17 (Your own music) has what was learned of one.
"""

from __future__ import annotations

import math
import pickletools
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import briefly, limits
from ..arguments import checked

# ---- Pickles -------------------------------------------------------------------------------------

_MARK = object()
_PUSHED = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"),
    *("STRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE"),
}
_EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_ENOUGH = 20_000_000
"""Instructions that are followed, at most."""


@checked
def plain_pickle(data: bytes) -> Any:
    """What a pickle holds, if it is made of whole numbers, text, lists, tuples and dictionaries.

    Raises
    ------
    ValueError : for one that would make anything else, or that is damaged; nothing is executed.

    Chapter 17.
    """
    stack: list[Any] = []
    kept: dict[Any, Any] = {}
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if number > _ENOUGH:
                raise ValueError(f"expected at most {_ENOUGH:,} instructions")
            if opcode.name == "STOP":
                return stack.pop()
            _follow(opcode.name, argument, stack, kept)
        raise ValueError("it is cut short")
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"data: expected a pickle of plain values, got {briefly.came(data)}: {error}"
        ) from error


def _follow(name: str, argument: Any, stack: list[Any], kept: dict[Any, Any]) -> None:
    """One instruction: most push a value, or make a container of those above the last mark."""
    if name in ("PROTO", "FRAME"):
        return
    if name in _PUSHED:
        stack.append(argument)
    elif name in _EMPTY:
        stack.append(_EMPTY[name]())
    elif name == "MARK":
        stack.append(_MARK)
    elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
        kept[argument] = stack[-1]
    elif name == "MEMOIZE":
        kept[len(kept)] = stack[-1]
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        stack.append(kept[argument])
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        count = int(name[-1])
        if count > len(stack):
            raise IndexError("a tuple of more than there is")
        stack[-count:] = [tuple(stack[-count:])]
    elif name in ("TUPLE", "LIST", "DICT"):
        values = _above_mark(stack)
        stack.append(
            {"TUPLE": tuple, "LIST": list}[name](values) if name != "DICT" else _pairs(values)
        )
    elif name == "APPEND":
        value = stack.pop()
        _expect(stack[-1], list).append(value)
    elif name == "APPENDS":
        values = _above_mark(stack)
        _expect(stack[-1], list).extend(values)
    elif name == "SETITEM":
        value, key = stack.pop(), stack.pop()
        _expect(stack[-1], dict)[key] = value
    elif name == "SETITEMS":
        values = _above_mark(stack)
        _expect(stack[-1], dict).update(_pairs(values))
    else:
        raise ValueError(
            "it makes more than numbers, text, lists, tuples and dictionaries: its instruction "
            f"{name} is not followed"
        )


def _above_mark(stack: list[Any]) -> list[Any]:
    """What was pushed since the last mark; it is taken off, and the mark with it."""
    values: list[Any] = []
    while (value := stack.pop()) is not _MARK:
        values.append(value)
    return values[::-1]


def _pairs(values: list[Any]) -> dict[Any, Any]:
    return dict(zip(values[::2], values[1::2], strict=True))


def _expect(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"expected a {kind.__name__}, got {briefly.came(value)}")
    return value


# ---- MATLAB --------------------------------------------------------------------------------------

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _NUMBERS = 1, {6, 8, 9, 10, 11, 12, 13}  # double; int8 and uint8 up to int32 and uint32
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8"}


@checked
def matlab_cells(data: bytes) -> dict[str, tuple[np.ndarray, ...]]:
    """The cell arrays of matrices in a file of MATLAB 5, by name; all else is passed over.

    Each matrix has two axes and the type in which the file keeps its numbers.

    Raises
    ------
    ValueError : for another file, a damaged one, or one that unpacks to more than ten times
        `limits.FILE`.

    Chapter 17.
    """
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None or not data.startswith(b"MATLAB 5.0"):
        raise ValueError(f"data: expected a file of MATLAB 5, got {briefly.came(data)}")
    left, found = 10 * limits.FILE, {}
    try:
        for kind, body in _elements(data[_HEADER:], order):
            if kind == _COMPRESSED:
                body, left = _inflated(body, left)
                ((kind, body),) = _elements(body, order)
            if kind == _MATRIX:
                name, cells = _cells(body, order)
                if cells is not None:
                    found[name] = cells
    except (struct.error, zlib.error, TypeError) as error:
        raise ValueError(f"a damaged file of MATLAB: {error}") from error
    return found


def _inflated(body: bytes, most: int) -> tuple[bytes, int]:
    unpacker = zlib.decompressobj()
    if most < 1:  # which would mean: without an end
        raise ValueError(f"it unpacks to more than {10 * limits.FILE:,} bytes")
    whole = unpacker.decompress(body, most)
    if unpacker.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {10 * limits.FILE:,} bytes")
    return whole, most - len(whole)


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """The elements that stand one after another: of what type, and what is in them."""
    at = 0
    while at < len(data):
        (first,) = struct.unpack_from(f"{order}I", data, at)
        if first >> 16:  # a small one: length, type and at most four bytes, in eight
            kind, length, begin = first & 0xFFFF, first >> 16, at + 4
            if length > 4:
                raise ValueError(f"a small element of {length} bytes")
            after = at + 8
        else:
            kind, (length,), begin = first, struct.unpack_from(f"{order}I", data, at + 4), at + 8
            after = begin + length + (-length % 8) * (kind != _COMPRESSED)
        if begin + length > len(data):
            raise ValueError(
                f"cut short: an element of {length:,} bytes, {len(data) - begin:,} left"
            )
        yield kind, data[begin : begin + length]
        at = after


def _cells(body: bytes, order: str) -> tuple[str, tuple[np.ndarray, ...] | None]:
    """The name of an array, and its matrices if it is of cells."""
    flags, sizes, name, *rest = _elements(body, order)
    (kind,) = struct.unpack_from(f"{order}I", flags[1])
    text = name[1].decode("ascii", "replace")
    if kind & 0xFF != _CELL:
        return text, None
    wanted = math.prod(map(int, np.frombuffer(sizes[1], f"{order}i4")))
    if len(rest) != wanted or any(of != _MATRIX for of, _ in rest):
        raise ValueError(f"{text}: expected {wanted:,} cells, got {len(rest):,}")
    return text, tuple(_matrix(inside, order) for _, inside in rest)


def _matrix(body: bytes, order: str) -> np.ndarray:
    """A matrix of numbers, which MATLAB keeps column by column."""
    flags, sizes, _, *values = _elements(body, order)
    (kind,) = struct.unpack_from(f"{order}I", flags[1])
    shape = np.frombuffer(sizes[1], f"{order}i4")
    if kind & 0xFF not in _NUMBERS or kind & 0x0800 or len(values) != 1 or len(shape) != 2:
        raise ValueError("expected cells that hold matrices of real numbers")
    type_of, inside = values[0]
    if type_of not in _TYPES:
        raise ValueError(f"expected numbers, got an element of type {type_of}")
    numbers = np.frombuffer(inside, order + _TYPES[type_of])
    rows, columns = map(int, shape)
    if min(rows, columns) < 0 or rows * columns != len(numbers):
        raise ValueError(f"a matrix of {rows} times {columns}, but {len(numbers):,} numbers")
    return numbers.reshape(columns, rows).T
