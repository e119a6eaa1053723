"""Arguments at the door: what came and what was expected, said before anything is done with it.

``@checked`` stands in front of a public function or a dataclass. What it expects of each argument
follows from the annotation: of ``int`` a whole number, of ``tuple[int, ...]`` several, of
``np.ndarray`` an array of numbers, of a class an instance of it. What an annotation can't say,
ranges and shapes, is handed to it by the argument's name::

    @checked(choruses=whole(1), roll=array("steps", "units"))
    def play(roll: np.ndarray, choruses: int) -> None: ...

What is refused is a ``ValueError``: ``choruses: expected a whole number of at least 1, got 0``.
``show`` in a chapter leaves these lines out: they belong to no idea.

Chapter 6 (One step at a time) makes objects of many numbers, each of which is checked.
"""

from __future__ import annotations

import collections.abc
import functools
import inspect
import os
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from .kinds import (  # handed on: who has a door wants them beside `checked`
    Kind,
    Unfit,
    able,
    anything,
    array,
    buffer,
    check,
    either,
    exactly,
    flag,
    function,
    instance,
    instance_named,
    none,
    one_of,
    path,
    randomness,
    real,
    several,
    text,
    whole,
)

__all__ = [
    "Kind",
    "Unfit",
    "able",
    "anything",
    "array",
    "buffer",
    "check",
    "checked",
    "either",
    "exactly",
    "expect_shape",
    "expected_by",
    "flag",
    "function",
    "instance",
    "instance_named",
    "none",
    "one_of",
    "path",
    "randomness",
    "real",
    "several",
    "text",
    "whole",
]

Door = TypeVar("Door", bound=Callable[..., Any])


# ---- From annotations ----------------------------------------------------------------------------

_PLAIN: dict[Any, Callable[[], Kind]] = {
    Any: anything,
    object: anything,
    int: whole,
    float: functools.partial(real, finite=False),
    bool: flag,
    str: text,
    None: none,
    types.NoneType: none,
    np.ndarray: array,
}


def expected_by(annotation: Any) -> Kind:
    """The kind that an annotation asks for. Chapter 6."""
    if isinstance(annotation, collections.abc.Hashable) and annotation in _PLAIN:
        return _PLAIN[annotation]()
    if isinstance(annotation, TypeVar):
        return expected_by(annotation.__bound__) if annotation.__bound__ else anything()
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _union(inner)
    if origin is typing.Literal:
        return one_of(*inner)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return several(expected_by(inner[0]))
        return exactly(*map(expected_by, inner))
    if origin is collections.abc.Sequence or origin is list:
        kept = several(expected_by(inner[0]))
        return Kind(kept.expected, lambda value: (kept.take(value), value)[1])
    if origin in (collections.abc.Iterable, collections.abc.Collection):
        return _container(origin, "several values")
    if origin in (collections.abc.Mapping, dict):
        return _container(collections.abc.Mapping, "a mapping by name")
    if origin is collections.abc.Callable:
        return function()
    if isinstance(origin or annotation, type):
        return instance(origin or annotation)
    return anything()


def _union(inner: tuple[Any, ...]) -> Kind:
    """One of several annotations."""
    if np.random.Generator in inner:
        rest = [it for it in inner if it not in (np.random.Generator, int)]
        return either(randomness(), *map(expected_by, rest)) if rest else randomness()
    if any(it is os.PathLike or typing.get_origin(it) is os.PathLike for it in inner):
        rest = [it for it in inner if it is not str and typing.get_origin(it) is not os.PathLike]
        return either(path(), *map(expected_by, rest)) if rest else path()
    if any("_SupportsArray" in str(it) for it in inner):  # NumPy's ArrayLike
        return array()
    return either(*map(expected_by, inner))


def _container(kind: type, expected: str) -> Kind:
    def take(value: Any) -> Any:
        if not isinstance(value, kind) or isinstance(value, (str, bytes)):
            raise Unfit
        if isinstance(value, np.ndarray) and value.ndim == 0:
            raise Unfit
        return value

    return Kind(expected, take)


def _by_name(annotations: Mapping[str, Any], room: Mapping[str, Any]) -> dict[str, Kind]:
    """The kind of each argument. Names that only a type checker imports are looked up as names."""
    found = {}
    for name, annotation in annotations.items():
        if isinstance(annotation, str):
            try:
                annotation = eval(annotation, dict(room))
            except (NameError, AttributeError):
                named = annotation.split(" | ")
                kinds = [instance_named(it.rpartition(".")[2]) for it in named if it != "None"]
                kinds += [none()] * ("None" in named)
                if any(not it.rpartition(".")[2].isidentifier() for it in named):
                    kinds = [anything()]
                found[name] = either(*kinds)
                continue
        found[name] = expected_by(annotation)
    return found


# ---- The door ------------------------------------------------------------------------------------


def expect_shape(name: str, values: Any, shape: tuple[int, ...]) -> None:
    """See that an array has a shape that depends on another argument. Chapter 6.

    Raises
    ------
    ValueError : if it has not.
    """
    if np.shape(values) != shape:
        raise ValueError(f"{name}: expected shape {shape}, got shape {np.shape(values)}")


def checked(
    thing: Any = None, /, *, also: Callable[..., object] | None = None, **kinds: Kind
) -> Any:
    """Put a door before a function, compiled or not, or before the making and methods of a class.

    Parameters
    ----------
    thing : the function or class; without it a decorator is returned.
    also : called with the arguments that were handed in, by name, when each by itself is right; it
        raises a ``ValueError`` where they don't go together.
    kinds : of arguments of which the annotation says too little, by their names.

    Raises
    ------
    ValueError : from then on, at each call with an argument that is of another kind.

    Chapter 6.
    """
    if thing is None:
        return functools.partial(checked, also=also, **kinds)
    if isinstance(thing, type):
        own = {name: it for name, it in vars(thing).items() if inspect.isfunction(it)}
        for name, method in own.items():
            if name == "__init__" or not (name.startswith("_") or hasattr(method, "door")):
                setattr(thing, name, _door(method, kinds if name == "__init__" else {}))
        return thing
    return _door(thing, kinds, also)


def _door(
    function: Door, kinds: Mapping[str, Kind], also: Callable[..., object] | None = None
) -> Door:
    plain = getattr(function, "py_func", function)  # of a compiled one, what it was compiled from
    names = list(inspect.signature(plain).parameters)
    known: dict[str, Kind] = {}
    with_axes: list[str] = []
    in_order: list[tuple[int, str, Kind]] = []  # those arguments that are looked at, by their place

    @functools.wraps(plain)
    def door(*given: Any, **named: Any) -> Any:
        if not known:
            annotations = {n: a for n, a in plain.__annotations__.items() if n != "return"}
            room = vars(sys.modules[plain.__module__])
            asked = _by_name(annotations, room) | dict(kinds)
            with_axes[:] = [name for name, kind in asked.items() if kind.axes]
            in_order[:] = [(n, name, asked[name]) for n, name in enumerate(names) if name in asked]
            known.update(asked or {"self": anything()})
        given = list(given)
        for place, name, kind in in_order:
            if place >= len(given):
                break
            given[place] = check(name, given[place], kind)
        for name, value in named.items():
            if name in known:
                named[name] = check(name, value, known[name])
        if with_axes or also is not None:
            together = dict(zip(names, given, strict=False)) | named
            _agree({name: known[name] for name in with_axes}, together)
            if also is not None:
                also(**together)
        return function(*given, **named)

    door.door = True
    if hasattr(function, "_numba_type_"):  # so that compiled code goes on without a door
        door._numba_type_ = function._numba_type_
        door.py_func = plain
    return door


def _agree(kinds: Mapping[str, Kind], values: Mapping[str, Any]) -> None:
    """See that axes of one name are equally long."""
    sizes: dict[Any, tuple[int, str]] = {}
    for name, kind in kinds.items():
        value, axes = values.get(name), kind.axes
        if value is None:
            continue
        shape = np.shape(value)
        if ... in axes:
            shape = *shape[: len(axes) - 1], shape[len(axes) - 1 :]
        for axis, size in zip(axes, shape, strict=False):
            before, where = sizes.setdefault(axis, (size, name))
            if size != before and not isinstance(axis, int):
                raise ValueError(
                    f"{name}: expected {kind.expected}, as {where} has "
                    f"{'shape' if axis is ... else axis} {before}, got shape {np.shape(value)}"
                )
