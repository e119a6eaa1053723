"""Fingerprints of what the book is made of, so that caches are thrown away when they must be.

Two caches would otherwise outlive their truth. The cache of executed notebooks looks only at the
cells, not at the module that the cells import; numba's cache looks only at the file a function
stands in, not at the files it calls. Both are dropped here as soon as the sources have changed.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lstm_from_scratch import commands

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"

# What the output of a cell depends on, beside the cell itself.
CODE = ("lstm_from_scratch", "results", "requirements.txt", "pyproject.toml")
# What a page depends on, beside that.
PAGES = ("book", "notebooks", "tools", "_config.yml", "_toc.yml")
IGNORED_FOLDERS = {"__pycache__", ".ipynb_checkpoints"}


def files_below(names: Iterable[str]) -> Iterator[Path]:
    """The files of the given files and folders of the checkout, in a fixed order."""
    for name in names:
        top = ROOT / name
        found = [top] if top.is_file() else sorted(top.rglob("*"))
        for path in found:
            if path.is_file() and not IGNORED_FOLDERS.intersection(path.parts):
                yield path


def fingerprint(names: Iterable[str]) -> str:
    """A digest of the names and contents of files, and of the running Python's version."""
    digest = hashlib.sha256(sys.version.encode())
    for path in files_below(names):
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def read(stamp: Path) -> str:
    """What a stamp file holds; empty if there is none."""
    return stamp.read_text(encoding="utf-8") if stamp.exists() else ""


def drop_compiled_code() -> None:
    """Remove numba's compiled functions if the module's sources are not those they came from."""
    stamp = BUILD / "compiled.sha256"
    now = fingerprint(("lstm_from_scratch", "requirements.txt"))
    if read(stamp) == now:
        return
    for pattern in ("*.nbi", "*.nbc"):
        for path in (ROOT / "lstm_from_scratch").rglob(pattern):
            path.unlink(missing_ok=True)
    BUILD.mkdir(exist_ok=True)
    stamp.write_text(now, encoding="utf-8")


def drop_executed_notebooks() -> None:
    """Remove the cache of executed notebooks if anything that cells import or read has changed."""
    stamp = BUILD / "executed.sha256"
    now = fingerprint(CODE)
    if read(stamp) == now:
        return
    shutil.rmtree(BUILD / ".jupyter_cache", ignore_errors=True)
    BUILD.mkdir(exist_ok=True)
    stamp.write_text(now, encoding="utf-8")


def clean_stale() -> None:
    """Drop both caches where they are out of date."""
    drop_compiled_code()
    drop_executed_notebooks()


def main(arguments: list[str] | None = None) -> int:
    """Print the fingerprint of the book, or drop what is out of date."""
    parser = argparse.ArgumentParser(description="A digest of all that the book is made of.")
    parser.add_argument(
        "--clean-stale", action="store_true", help="drop caches out of date instead"
    )
    if parser.parse_args(arguments).clean_stale:
        clean_stale()
    else:
        print(fingerprint(CODE + PAGES))
    return 0


if __name__ == "__main__":
    commands.run(main)
