"""How a command line of ours ends: quietly, if who was reading it has gone.

Chapter 11 (How sure are we?) gives the first commands.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import NoReturn

NOBODY_READS = 141
"""The exit code where the reader has gone: as a shell has it, 128 and the number of SIGPIPE."""

NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))
"""What the system says where nothing more can be written."""


def run(main: Callable[[], object]) -> NoReturn:
    """Run a command to its end, and end this process with the exit code that it gives.

    Where its output goes to a program that has read enough, like ``head``, it ends without a word;
    where that can't be written, to a full disk for one, it says so in a line. Chapter 11.

    Parameters
    ----------
    main : the command; it returns an exit code or None, or raises `SystemExit`.
    """
    try:
        try:
            code = main()
        except SystemExit as ended:
            code = ended.code
        if sys.stdout is not None:  # as it is where it was closed
            sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        code = NOBODY_READS
    except OSError as error:
        if error.filename is not None or error.errno not in NO_ROOM:
            raise
        _silence()
        code = f"the output could not be written: {error.strerror}"
    sys.exit(code)


def _silence() -> None:
    """Send what is still to be said nowhere: Python tries once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
