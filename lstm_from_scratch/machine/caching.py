"""Where compiled code is kept, so that it is compiled once and not each time.

Numba keeps it beside the module or in a folder of the user's. Where it can write to neither, as in
an installation that is protected from writing and has no home folder, it refuses to go on; then it
is kept in a temporary folder, or not at all, and a line says so.

Appendix A (The engine room).
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

SAID = "LSTM_FROM_SCRATCH_SAID_WHERE_IT_CACHES"
"""What is in the environment of processes whose first one has said it."""


def njit(*, cache: bool = False, **options: Any) -> Callable[[Callable], Callable]:
    """As Numba's; what can't be kept where Numba would keep it is kept elsewhere, or is not.

    Parameters
    ----------
    cache : whether to keep what is compiled, where that is possible. options : Numba's.

    Appendix A.
    """

    def compiled(function: Callable) -> Callable:
        if not cache:
            return numba.njit(**options)(function)
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):
                raise
        place = _temporary()
        _say(place)
        if place is None:
            return numba.njit(**options)(function)
        numba.config.CACHE_DIR = os.fspath(place)
        return numba.njit(cache=True, **options)(function)

    return compiled


def _temporary() -> Path | None:
    """A folder for compiled code among the temporary ones, the same each time; None if none is.

    What is found there is run: so it has to be of this user, and closed to all others.
    """
    try:
        user = str(os.getuid()) if hasattr(os, "getuid") else "user"
        place = Path(tempfile.gettempdir(), f"{__name__.partition('.')[0]}-{user}")
        place.mkdir(mode=0o700, exist_ok=True)
        about = place.lstat()
        ours = not hasattr(os, "getuid") or about.st_uid == os.getuid()
        if not stat.S_ISDIR(about.st_mode) or not ours or about.st_mode & 0o022:
            return None
        tempfile.TemporaryFile(dir=place).close()
    except OSError:  # there is none, it is full, or a file is in the way
        return None
    return place


def _say(place: Path | None) -> None:
    """Say where compiled code is kept: once, and not again in processes that this one begins."""
    if os.environ.get(SAID):
        return
    os.environ[SAID] = "yes"
    kept = f"it is kept in {place}" if place else "it is compiled anew each time: wait a while"
    print(
        f"compiling: neither {Path(__file__).parents[1]} nor a home folder can be written to, so "
        f"{kept}; to choose a place for it, set NUMBA_CACHE_DIR to a folder",
        file=sys.stderr,
    )
