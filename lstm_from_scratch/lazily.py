"""What lets a wing, or a room of several files, hand out what is in it when it is first asked for.

``import lstm_from_scratch`` takes no time, and reading a MIDI file needs no compiler: a room is
imported when it is first asked for.

Chapter 1 (Twelve bars) is the first to use what comes of it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def hand_out(
    package: str, rooms: tuple[str, ...], names: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Parameters
    ----------
    package : its ``__name__``. rooms : its modules, as they are to be listed. names : the room that
        each further name comes from.

    Chapter 1.
    """
    names = {} if names is None else dict(names)
    known = [*rooms, *names]

    def __getattr__(name: str) -> Any:
        if name in rooms:
            return importlib.import_module(f"{package}.{name}")
        if name in names:
            value = getattr(importlib.import_module(f"{package}.{names[name]}"), name)
            setattr(sys.modules[package], name, value)
            return value
        raise AttributeError(
            f"module {package!r} has no attribute {name!r}: it has {', '.join(known)}"
        )

    def __dir__() -> list[str]:
        return sorted(known)

    return __getattr__, __dir__, known
