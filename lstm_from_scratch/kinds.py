"""Kinds: what an argument may be, each with the words for it and a look at what comes.

A kind takes a value and hands on the form in which one goes on with it, or says what is unfit about
it. `arguments` puts them in front of functions.

Chapter 6 (One step at a time) makes objects of many numbers, each of which is checked.
"""

from __future__ import annotations

import functools
import math
import numbers
import operator
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import briefly
from .arrays import row_lengths


class Unfit(Exception):
    """What a kind says of a value that is none of it: nothing, or what else there is to say of it.

    Never seen outside: `check` makes a ``ValueError`` of it. Chapter 6.
    """


@dataclass(frozen=True)
class Kind:
    """What an argument may be.

    expected : in words, after "expected". take : returns the value to go on with, or raises
    `Unfit`. axes : of an array, names or sizes; axes of one name must be equally long. Chapter 6.
    """

    expected: str
    take: Callable[[Any], Any]
    axes: tuple[Any, ...] = ()


SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character, as a broken file name or a wrong decoder leaves it: no file can hold it."""

_BITS = 127
"""Of a whole number: larger ones count nothing, and their digits would fill an error."""


def check(name: str, value: Any, kind: Kind) -> Any:
    """Return a value if it is of a kind, in the form in which one goes on with it. Chapter 6.

    Raises
    ------
    ValueError : if it is not; the message names the argument, what was expected and what came.
    """
    try:
        return kind.take(value)
    except Unfit as unfit:
        said = str(unfit) or briefly.came(value)
        raise ValueError(f"{name}: expected {kind.expected}, got {said}") from None


# ---- Kinds ---------------------------------------------------------------------------------------


def anything() -> Kind:
    """Whatever comes; the function looks for itself. Chapter 6."""
    return Kind("anything", lambda value: value)


def whole(least: int | None = None, most: int | None = None, *, of: str = "") -> Kind:
    """A whole number ``of`` something in a range, NumPy's too, never a bool. Chapter 6.

    It comes out as ``int``.
    """

    def take(value: Any) -> int:
        if isinstance(value, (bool, np.bool_)):
            raise Unfit
        try:
            found = operator.index(value)
        except TypeError:
            raise Unfit from None
        if (least is not None and found < least) or (most is not None and found > most):
            raise Unfit
        if found.bit_length() > _BITS:
            raise Unfit(f"{briefly.came(found)}, which is beyond all counting")
        return found

    return Kind(f"a whole number{_of(of)}{_range(least, most)}", take)


def real(
    least: float | None = None,
    most: float | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
    finite: bool = True,
    of: str = "",
    as_float: bool = False,
) -> Kind:
    """A real number ``of`` something that float64 can hold, in a range; never a bool. Chapter 6.

    ``as_float`` makes a float of a whole number, as compiled code wants.
    """

    def take(value: Any) -> Any:
        plain = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
        if isinstance(plain, (bool, np.bool_)) or not isinstance(plain, numbers.Real):
            raise Unfit
        try:
            size = float(plain)
        except OverflowError:
            raise Unfit from None
        outside = (
            math.isnan(size)
            or (finite and math.isinf(size))
            or (least is not None and size < least)
            or (most is not None and size > most)
            or (above is not None and not size > above)
            or (below is not None and not size < below)
        )
        if outside:
            raise Unfit
        # Neither compiled code nor NumPy takes whole numbers of any size.
        small = isinstance(plain, int) and abs(plain) < 2**53 and not as_float
        return plain if small or isinstance(plain, (float, np.floating)) else size

    what = "a finite number" if finite and least is most is above is below is None else "a number"
    return Kind(f"{what}{_of(of)}{_range(least, most, above, below)}", take)


def _of(what: str) -> str:
    return f" of {what}" if what else ""


def _range(
    least: float | None, most: float | None, above: float | None = None, below: float | None = None
) -> str:
    """A range in words."""
    if least is not None and most is not None:
        return f" from {least:,} to {most:,}"
    parts = (
        f"of at least {least:,}" if least is not None else "",
        f"above {above:,}" if above is not None else "",
        f"of at most {most:,}" if most is not None else "",
        f"below {below:,}" if below is not None else "",
    )
    words = " and ".join(filter(None, parts))
    return f" {words}" if words else ""


def flag() -> Kind:
    """True or False, NumPy's too. Chapter 6."""

    def take(value: Any) -> bool:
        if not isinstance(value, (bool, np.bool_)):
            raise Unfit
        return bool(value)

    return Kind("True or False", take)


def text(*, some: bool = False) -> Kind:
    """Text; with ``some`` it must not be empty or blank. Chapter 6."""

    def take(value: Any) -> str:
        if not isinstance(value, str) or (some and not value.strip()):
            raise Unfit
        if SURROGATE.search(value):
            raise Unfit(f"{briefly.came(value)}, half of a character")
        return value

    return Kind("text that is not empty" if some else "text", take)


def one_of(*values: Any) -> Kind:
    """One of a few values. Chapter 6."""

    def take(value: Any) -> Any:
        for known in values:
            if type(value) is type(known) and value == known:
                return known
        raise Unfit

    return Kind(" or ".join(map(repr, values)), take)


def path() -> Kind:
    """The name of a file, as text or a ``Path``. Chapter 6."""

    def take(value: Any) -> Any:
        if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
            raise Unfit
        if not os.fspath(value):
            raise Unfit("an empty name")
        if "\0" in os.fspath(value):
            raise Unfit("a name with a zero character")
        try:
            os.fsencode(value)
        except UnicodeEncodeError:
            raise Unfit(f"{briefly.came(os.fspath(value))}, half of a character") from None
        return value

    return Kind("a path", take)


def randomness() -> Kind:
    """A Generator of NumPy, or what its ``default_rng`` makes one of: the seed of one. Chapter 6.

    None is refused: randomness that nobody can repeat is not wanted anywhere.
    """
    sources = (np.random.Generator, np.random.BitGenerator, np.random.SeedSequence)

    def take(value: Any) -> Any:
        return value if isinstance(value, sources) else whole(0).take(value)

    return Kind("a numpy Generator, or a whole number of at least 0 as its seed", take)


def several(kind: Kind, *, some: bool = False, expected: str | None = None) -> Kind:
    """Several values of a kind, in a tuple, a list or an array; come out as a tuple. Chapter 6.

    One value alone is refused, and so is text. ``some``: at least one.
    """

    def take(value: Any) -> tuple:
        if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, (str, bytes)):
            raise Unfit
        if isinstance(value, np.ndarray) and value.ndim == 0:
            raise Unfit
        if some and not len(value):
            raise Unfit
        found = []
        for place, one in enumerate(value):
            try:
                found.append(kind.take(one))
            except Unfit:
                raise Unfit(f"{briefly.came(one)} at place {place}") from None
        return tuple(found)

    return Kind(expected or f"a tuple of which each is {kind.expected}", take)


def exactly(*kinds: Kind) -> Kind:
    """As many values as there are kinds, each of its own; come out as a tuple. Chapter 6."""

    def take(value: Any) -> tuple:
        if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, (str, bytes)):
            raise Unfit
        if np.ndim(value) == 0 if isinstance(value, np.ndarray) else len(value) != len(kinds):
            raise Unfit
        if len(value) != len(kinds):
            raise Unfit
        return tuple(kind.take(one) for kind, one in zip(kinds, value, strict=True))

    same = {kind.expected for kind in kinds}
    each = f"each {same.pop()}" if len(same) == 1 else ", ".join(kind.expected for kind in kinds)
    return Kind(f"a tuple of {len(kinds)}, {each}", take)


def array(
    *axes: str | int,
    finite: bool = False,
    some: bool = False,
    whole: bool = False,
    single: bool = False,
    imaginary: bool = False,
    dtype: type | None = None,
) -> Kind:
    """An array of real numbers, or rows that NumPy makes one of. Chapter 6.

    Parameters
    ----------
    axes : what they are called, or how long they are; none: of any shape. finite : neither infinite
        nor not a number. some : no axis is empty. whole : of a type of whole numbers.
        single : one number alone is taken as well. imaginary : complex numbers are taken as well,
        as a derivative by a complex step wants. dtype : it comes out as; else as it is.
    """

    def take(value: Any) -> np.ndarray:
        found = _numbers(value, "biufc" if imaginary else "biuf")
        if imaginary and found.dtype.kind == "b":
            found = found.astype(float)
        if whole and found.size and found.dtype.kind not in "iu":
            raise Unfit(f"{briefly.came(found)} and type {found.dtype}")
        if not (axes or single or found.ndim):
            raise Unfit
        if axes and found.ndim != len(axes):
            raise Unfit(f"shape {found.shape}" if found.ndim else briefly.came(value))
        sizes = zip(axes, found.shape, strict=False)
        if any(isinstance(axis, int) and axis != size for axis, size in sizes):
            raise Unfit(f"shape {found.shape}")
        if some and not found.size:
            raise Unfit(f"shape {found.shape}")
        if finite and not np.isfinite(found).all():
            raise Unfit(f"{found[~np.isfinite(found)].flat[0]} among them")
        return found if dtype is None else np.asarray(found, dtype=dtype)

    shape = f"({', '.join(map(str, axes))}{',' * (len(axes) == 1)})"
    words = f"{'one or more ' * single}{'finite ' * finite}{'whole ' * whole}numbers" + (
        f" of shape {shape}" if axes else ""
    )
    return Kind(words, take, axes)


def function() -> Kind:
    """What can be called. Chapter 6."""
    return Kind("a function", _called)


def buffer(*axes: Any, dtype: type = np.float64) -> Kind:
    """An array that is changed in place: of that type, contiguous, of that shape. Chapter 6.

    ``...`` as the last of the axes stands for any that other arguments have there as well.
    """

    def take(value: Any) -> np.ndarray:
        if not isinstance(value, np.ndarray):
            raise Unfit
        wanted = value.dtype == dtype and value.flags.c_contiguous and value.flags.writeable
        if not wanted:
            raise Unfit
        if axes and ... not in axes and value.ndim != len(axes):
            raise Unfit
        if ... in axes and value.ndim < len(axes):
            raise Unfit
        if any(
            isinstance(axis, int) and axis != size
            for axis, size in zip(axes, value.shape, strict=False)
        ):
            raise Unfit
        return value

    named = [axis for axis in axes if axis is not ...]
    shape = f" of shape ({', '.join(map(str, named))}{',' * (len(named) == 1)})" if named else ""
    return Kind(f"a contiguous {np.dtype(dtype)} array{shape} to change in place", take, axes)


def _numbers(value: Any, kinds: str) -> np.ndarray:
    """A value as an array of numbers of some kinds of NumPy's types."""
    if not isinstance(value, np.ndarray):
        if not isinstance(value, (Sequence, numbers.Number, np.generic)) and not hasattr(
            value, "__array__"
        ):
            raise Unfit
        try:
            value = np.asarray(value)
        except (TypeError, ValueError, OverflowError):
            lengths = row_lengths(value)
            if len(lengths) > 1:
                said = f"rows of unequal length: {lengths[0]} and {lengths[-1]}"
                raise Unfit(said) from None
            raise Unfit from None
    if value.dtype.kind not in kinds:
        raise Unfit
    return value


def instance(kind: type) -> Kind:
    """An instance of a class, or whatever has the methods of a protocol. Chapter 6."""
    name = kind.__name__
    if getattr(kind, "_is_protocol", False):
        wanted = [key for key in vars(kind) if not key.startswith("_")]

        def fits(value: Any) -> bool:
            return not isinstance(value, type) and all(hasattr(value, key) for key in wanted)
    else:

        def fits(value: Any) -> bool:
            return isinstance(value, kind)

    def take(value: Any) -> Any:
        if not fits(value):
            raise Unfit(briefly.came(value) + _where_it_is(value, fits))
        return value

    return Kind(f"a{'n' * (name[0] in 'AEIOU')} {name}", take)


def _where_it_is(value: Any, fits: Callable[[Any], bool]) -> str:
    """What to do with a value that is not wanted itself, but has what is."""
    inside = vars(value) if hasattr(value, "__dict__") and not isinstance(value, type) else {}
    for name, part in inside.items():
        if not name.startswith("_") and fits(part):
            return f": use {type(value).__name__.lower()}.{name}"
    return ""


def instance_named(name: str) -> Kind:
    """An instance of a class that is not imported where it is named. Chapter 6."""

    def take(value: Any) -> Any:
        if name not in {known.__name__ for known in type(value).__mro__}:
            raise Unfit
        return value

    return Kind(f"a{'n' * (name[0] in 'AEIOU')} {name}", take)


def able(*methods: str) -> Kind:
    """Anything that has methods of these names. Chapter 6."""

    def take(value: Any) -> Any:
        if isinstance(value, type) or not all(callable(getattr(value, it, None)) for it in methods):
            raise Unfit
        return value

    return Kind(f"something with {' and '.join(methods)}", take)


def either(*kinds: Kind) -> Kind:
    """What is of one of several kinds. Chapter 6."""

    def take(value: Any) -> Any:
        said = ""
        for kind in kinds:
            try:
                return kind.take(value)
            except Unfit as unfit:
                said = said or str(unfit)
        raise Unfit(said)

    return Kind(", or ".join(dict.fromkeys(kind.expected for kind in kinds)), take)


def none() -> Kind:
    """None, where an argument may be left out. Chapter 6."""
    return Kind("None", functools.partial(_same, None))


def _same(known: Any, value: Any) -> Any:
    if value is not known:
        raise Unfit
    return value


def _called(value: Any) -> Any:
    if not callable(value):
        raise Unfit
    return value
