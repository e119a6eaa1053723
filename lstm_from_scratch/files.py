"""Writing files so that an interruption never leaves half of one, and reading no endless ones.

Appendix A (The engine room) saves networks with it.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path

STALE_SECONDS = 3600
"""After so long a partial file belongs to no save that is still at work."""


def read_whole(path: str | os.PathLike[str], most: int) -> bytes:
    """Read a file, or what comes through a pipe, unless it is larger than any of its kind.

    Raises
    ------
    FileNotFoundError : if there is none.
    IsADirectoryError : if there is a folder of that name.
    OSError : whatever else the system says.
    ValueError : if there are more bytes than ``most``, of which no more is read then.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            parts, left = [], most + 1
            while left and (
                part := file.read(min(left, 1 << 20))
            ):  # read makes room for all it may
                parts.append(part)
                left -= len(part)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"there is no file {name!r} to read") from error
    except (IsADirectoryError, PermissionError) as error:  # Windows says the latter of a folder
        if not os.path.isdir(path):
            raise
        raise IsADirectoryError(f"{name!r} is a folder: name a file to read") from error
    if not left:
        raise ValueError(f"{name}: expected at most {most:,} bytes, got more")
    return b"".join(parts)


def write_whole(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file beside its final place, then rename it there: all of it or nothing.

    Whatever stops the writing (a full disk, an interrupt), a file that was there before stays whole
    and no partial file stays behind. Where the system can write a file that has no name yet, as
    Linux can, none stays behind a killed process either (a whole one does if the process is killed
    in the moment before it is renamed). What a killed process leaves, the next save to the same
    path removes after `STALE_SECONDS`. Two saves to one path don't meet: the later wins.

    A file that is replaced hands its mode and, where the system allows it, its owner on; a new one
    has the mode that any new file has. A link goes on pointing where it points. What is no file (a
    pipe, a device) is written into and stays what it is.

    Returns
    -------
    The path written.

    Raises
    ------
    FileNotFoundError : if there is no folder for it.
    IsADirectoryError : if there is a folder of that name.
    PermissionError : if the file, or the folder, is protected from writing.
    OSError : if the disk is full, and whatever else the system says; it names the path.
    TypeError, ValueError : for what is no path.
    """
    target = _target(path)
    real = Path(os.path.realpath(target))
    try:
        before = _before(target, real)
        if before is not None and not stat.S_ISREG(before.st_mode):
            with open(target, "wb", buffering=0) as pipe:
                _all(pipe.fileno(), data)
        else:
            _replace(real, data, before)
    except OSError as error:
        if error.errno is None or error.filename == os.fspath(target):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(target)) from error
    return target


def _target(path: str | os.PathLike[str]) -> Path:
    """What was handed in, as a path."""
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise TypeError(f"expected a path to write to, such as 'blues.mid'; got {path!r}")
    if "\0" in os.fspath(path):
        raise ValueError(f"expected a path to write to; got {path!r}, which has a NUL in it")
    return Path(path)


def _before(target: Path, real: Path) -> os.stat_result | None:
    """What is there now, None if nothing is; an error if nothing can be written there."""
    try:
        before = os.stat(target)
    except (FileNotFoundError, NotADirectoryError):
        before = None
    if before is None and not real.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {os.fspath(target.parent)!r} to write {target.name!r} into: make "
            "it first"
        )
    if before is not None and stat.S_ISDIR(before.st_mode):
        raise IsADirectoryError(f"{os.fspath(target)!r} is a folder: name a file to write")
    if before is not None and not os.access(target, os.W_OK):
        raise PermissionError(f"{os.fspath(target)!r} is protected from writing")
    return before


def _replace(real: Path, data: bytes, before: os.stat_result | None) -> None:
    """Write a file beside its place, then rename it there."""
    # The name is short, whatever the file's is, and tells what it is a part of.
    part_of = "." + hashlib.sha256(os.fsencode(real.name)).hexdigest()[:12]
    for left in real.parent.glob(f"{part_of}.*.part"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                left.unlink()
    beside = real.with_name(f"{part_of}.{secrets.token_hex(8)}.part")
    try:
        try:
            _write_unnamed(beside, data, before)
        except (OSError, AttributeError):  # not on this system, or not on this disk
            _write_named(beside, data, before)
        os.replace(beside, real)
    finally:
        beside.unlink(missing_ok=True)


def _write_unnamed(beside: Path, data: bytes, before: os.stat_result | None) -> None:
    """Write a file that has a name when it is whole: if this process is killed, it is gone."""
    file = os.open(beside.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
    try:
        _fill(file, data, before)
        # With a folder given, though none is needed, it is the system's linkat, which can do this.
        os.link(f"/proc/self/fd/{file}", beside, src_dir_fd=file)
    finally:
        os.close(file)


def _write_named(beside: Path, data: bytes, before: os.stat_result | None) -> None:
    """Write a file that has a name from the beginning."""
    binary = getattr(os, "O_BINARY", 0)  # Windows would change the ends of lines
    new = 0o666 if before is None else 0o600
    file = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | binary, new)
    try:
        _fill(file, data, before)
    finally:
        os.close(file)


def _fill(file: int, data: bytes, before: os.stat_result | None) -> None:
    """Write into an open file, make it what the one before was, and have it on the disk."""
    _all(file, data)
    if before is not None and hasattr(os, "fchmod"):
        with suppress(PermissionError):  # who may not give it away keeps it
            os.fchown(file, before.st_uid, before.st_gid)
        os.fchmod(file, stat.S_IMODE(before.st_mode))
    os.fsync(file)


def _all(file: int, data: bytes) -> None:
    """Write all of it: the system may take a part at a time."""
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
