"""What an object says of itself in a line: its kind, its size, and what sets it apart.

A network is thousands of numbers, which tell a reader nothing; what ``repr`` shows of it is who
reads whom. Of settings it shows those that differ from the defaults.

Chapter 6 (One step at a time) is the first to have such objects in hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any

import numpy as np


def cells(blocks: tuple[int, ...]) -> str:
    """Memory blocks by the numbers of their cells: ``4 × 2 cells``. Chapter 4."""
    if len(set(blocks)) == 1:
        return f"{len(blocks)} × {blocks[0]} cell{'s' * (blocks[0] > 1)}"
    return f"blocks of {', '.join(map(str, blocks))} cells"


def voices(voices: Iterable[Any]) -> str:
    """Voices of a network: ``chords: 12 in, 4 × 2 cells; melody: …``. Chapter 4."""
    said = []
    for voice in voices:
        out = f", {voice.outputs} out" if voice.outputs != voice.inputs else ""
        said.append(f"{voice.name}: {voice.inputs} in, {cells(voice.blocks)}{out}")
    return "; ".join(said)


def set_apart(settings: Any, *, known: Iterable[str] = ()) -> list[str]:
    """Those fields of a dataclass that differ from their defaults, as ``name=value``.

    ``known`` are names that are left out. The default of a field may be the value of another, which
    its metadata name under ``"as"``. Chapter 6.
    """
    apart = []
    for field in fields(settings):
        value = getattr(settings, field.name)
        usual = field.default
        if "as" in field.metadata:
            usual = getattr(settings, field.metadata["as"])
        if field.name not in known and (usual is MISSING or value != usual):
            apart.append(f"{field.name}={value!r}")
    return apart


def differing(settings: Any) -> str:
    """A dataclass as the call that makes it, without what it need not be told. Chapter 6."""
    return f"{type(settings).__name__}({', '.join(set_apart(settings))})"


def shapes(values: Any) -> str:
    """A named tuple of arrays: name and shape of each, ``cell_state 96×8``. Chapter 4."""
    sizes = {name: "×".join(map(str, np.shape(it))) for name, it in values._asdict().items()}
    parts = [f"{name} {size}".rstrip() for name, size in sizes.items()]
    return f"{type(values).__name__}({', '.join(parts)})"


def counted(number: int, what: str, many: str | None = None) -> str:
    """A number and what it is of: ``1 test``, ``2,400 tests``. Chapter 6."""
    return f"{number:,} {what if number == 1 else many or what + 's'}"


def large(number: int) -> str:
    """A whole number of any size in a few characters: ``4,096``, ``some 10^30``. Chapter 1."""
    digits = round(abs(number).bit_length() * 0.30103)
    return f"{number:,}" if digits <= 24 else f"some {'-' * (number < 0)}10^{digits}"


def came(value: Any) -> str:
    """What was handed in, for an error, in a few words, whatever its size. Chapter 6."""
    if isinstance(value, np.ndarray):
        kind = "" if value.dtype.kind in "biuf" else f" and type {value.dtype}"
        if value.ndim == 0 and not kind:
            return str(value)
        return f"an array of shape {value.shape}{kind}"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return large(value)
    if value is None or isinstance(value, (bool, int, float, complex, np.generic)):
        return repr(value)
    if isinstance(value, (str, bytes)):
        return repr(value) if len(value) <= 60 else f"{value[:50]!r} and so on"
    if isinstance(value, (tuple, list)) and not hasattr(value, "_fields"):
        parts = [came(one) for one in value[:4]] + ["…"] * (len(value) > 4)
        inside = ", ".join(parts) + "," * (isinstance(value, tuple) and len(value) == 1)
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"a{'n' * (name[0] in 'aeiouAEIOU')} {name}"
