"""What compiled code asks of the compiler, and what it says while that is at work.

Parts of `kernel` and of `vectors` exist in compiled form alone: as Python, they are names without a
body. Where Numba is told not to compile, what is made of them can't run, and says so when it is
imported. Where it has to compile, which takes a while, a person at a terminal is told.

Appendix A (The engine room).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from multiprocessing import parent_process
from typing import Any

import numba.extending
from numba import config
from numba.core import event
from tqdm import tqdm

if config.DISABLE_JIT:
    raise RuntimeError(
        "NUMBA_DISABLE_JIT is set, so nothing is compiled; but training and free run exist in "
        "compiled form alone and can't work so. Unset it (in a shell: unset NUMBA_DISABLE_JIT) and "
        "start Python anew. To go through a step with a debugger, or to measure coverage, take "
        "machine.network and machine.gradient: the same steps in plain NumPy"
    )


def overload(stub: Callable[..., Any], **options: Any) -> Callable[[Callable], Callable]:
    """As Numba's, for a function without a body; called as Python, it raises from now on.

    So the ``None`` that an empty body returns can't pass for a result. ``options`` are Numba's.
    Appendix A.
    """
    stub.__code__ = _no_body.__code__
    # It is called from compiled code alone, and so needs no door for C.
    inner = {"no_cfunc_wrapper": True} | options.pop("jit_options", {})
    return numba.extending.overload(stub, jit_options=inner, **options)


def _no_body(*_: Any, **__: Any) -> None:
    """What a function without a body does; it may use no name of this module."""
    raise RuntimeError("this function exists in compiled form alone: it can't be called as Python")


class _Word(event.Listener):
    """Says once that the compiler is at work on what is ours; what is found on disk is not news."""

    said = False

    def on_start(self, event: Any) -> None:
        package = __name__.partition(".")[0]
        ours = event.data["dispatcher"].py_func.__module__.startswith(f"{package}.")
        if self.said or not ours or parent_process() or not sys.stderr.isatty():
            return
        self.said = True
        line = "compiling: this takes a while once, and is then found on the disk"
        tqdm.write(line, file=sys.stderr)  # above a bar, if there is one

    def on_end(self, event: Any) -> None:
        """Nothing: what was waited for begins."""


event.register("numba:compile", _Word())
