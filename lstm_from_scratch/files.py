"""Writing files so that an interruption never leaves half of one.

Appendix A (The engine room) saves networks with it.
"""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file beside its final place, then rename it there: all of it or nothing.

    Whatever stops the writing (a full disk, an interrupt), a file that was there before stays whole
    and no partial file stays behind.

    Returns
    -------
    The path written.

    Raises
    ------
    FileNotFoundError : if there is no folder for it.
    IsADirectoryError : if there is a folder of that name.
    """
    target = Path(path)
    real = target.resolve()  # a link goes on pointing where it points
    if not real.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {os.fspath(target.parent)!r} to write {target.name!r} into: make "
            "it first"
        )
    if real.is_dir():
        raise IsADirectoryError(f"{os.fspath(target)!r} is a folder: name a file to write")
    beside = real.with_name(f".{real.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, real)
    finally:
        beside.unlink(missing_ok=True)
    return target
