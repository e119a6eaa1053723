"""Execute the pages of the book, each of them once, side by side on all cores.

    python tools/execute.py [PAGE ...]

Chapters run as they do for someone who has downloaded one: see `downloaded`, in a folder outside of
the checkout. Pages of prose that have cells run with what the book is built with. What comes out is
kept in the cache from which Sphinx takes it, and with it the tests compare what is stored, so that
nothing is executed twice. A page is executed again when its cells or the module have changed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import downloaded
import drawn
import nbformat
import pictures
import yaml
from fingerprint import BUILD, ROOT, clean_stale
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from nbclient import NotebookClient
from nbformat import NotebookNode

from lstm_from_scratch import commands

CACHE = BUILD / ".jupyter_cache"
SECONDS_PER_CELL = 600


class Done(NamedTuple):
    """An executed page, and how many seconds it took; or what went wrong instead."""

    notebook: NotebookNode | None
    seconds: float
    problem: str = ""


def listed(entry: Any) -> Iterator[str]:
    """Every file that is named anywhere in the table of contents, in order."""
    if isinstance(entry, dict):
        yield from (entry[key] for key in ("root", "file") if key in entry)
        entry = list(entry.values())
    if isinstance(entry, list):
        for item in entry:
            yield from listed(item)


def pages() -> list[Path]:
    """The pages of the book that have cells, in the order of the table of contents."""
    names = listed(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    paths = [ROOT / f"{name}.{kind}" for name in names for kind in ("ipynb", "md")]
    return [path for path in paths if path.exists() and (chapter(path) or has_cells(path))]


def chapter(path: Path) -> bool:
    """Is a page a chapter, which a reader may download, and not a page of prose?"""
    return path.suffix == ".ipynb"


def has_cells(path: Path) -> bool:
    """Is a page of prose a notebook too?"""
    return is_myst_markdown_notebook(path.read_text(encoding="utf-8"))


def parse(path: Path) -> NotebookNode:
    """A page as a notebook, read as Sphinx will read it."""
    text = path.read_text(encoding="utf-8")
    if chapter(path):
        return nbformat.reads(text, as_version=4)
    return read_myst_markdown_notebook(text, add_source_map=True, path=str(path))


def cache() -> JupyterCacheAbstract:
    """Where executed pages are kept."""
    return get_cache(str(CACHE))


def executed(path: Path) -> NotebookNode:
    """A page with the outputs of its last execution.

    Raises
    ------
    KeyError : if it has not been executed as it is now.
    """
    return cache().merge_match_into_notebook(parse(path))[1]


NOT_STARTED = re.compile("Kernel (didn't respond|died before replying)")


def run(notebook: NotebookNode, kernel: str, folder: str, trials: int = 2) -> Done:
    """Execute a notebook in a folder; called in a process of its own.

    Kernels that begin at the same moment may choose the same port, and one of them dies before it
    has executed anything: then there is another trial.
    """
    start = time.monotonic()
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name=kernel,
        resources={"metadata": {"path": folder}},
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR", *drawn.OPTIONS],
    )
    try:
        client.execute()
    except Exception as error:  # of a cell, its time limit or the kernel: all end this page alone
        if trials > 1 and NOT_STARTED.match(str(error)):
            return run(notebook, kernel, folder, trials - 1)
        return Done(None, time.monotonic() - start, str(error))
    pictures.lighten(notebook)
    drawn.draw(notebook)
    return Done(notebook, time.monotonic() - start)


def execute(paths: Iterable[Path]) -> int:
    """Execute those pages that have not been, and return how many failed."""
    kept, waiting = cache(), []
    for path in paths:
        try:
            kept.match_cache_notebook(parse(path))
        except KeyError:
            waiting.append(path)
    if not waiting:
        return 0
    kernels, wheel = downloaded.kernel()
    found = os.pathsep.join(filter(None, [str(kernels), os.getenv("JUPYTER_PATH")]))
    os.environ["JUPYTER_PATH"] = found
    print(f"  chapters run with {wheel.name}, outside the checkout", flush=True)
    failed = 0
    with (
        tempfile.TemporaryDirectory() as outside,
        ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool,
    ):
        for path in filter(chapter, waiting):
            shutil.copy(path, outside)
        runs = {}
        # The chapters first, the last of them at the head: they are the longest.
        for path in sorted(waiting, key=lambda path: (chapter(path), path.name), reverse=True):
            how = (downloaded.KERNEL, outside) if chapter(path) else ("python3", str(path.parent))
            runs[pool.submit(run, parse(path), *how)] = path
        for finished in as_completed(runs):
            path, done = runs[finished], finished.result()
            name = path.relative_to(ROOT).as_posix()
            if done.notebook is None:
                failed += 1
                print(f"{name}: failed after {done.seconds:.1f} s\n{done.problem}", file=sys.stderr)
                continue
            data = {"execution_seconds": done.seconds}
            bundle = CacheBundleIn(done.notebook, str(path), data=data)
            kept.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            print(f"  {name}: executed in {done.seconds:.1f} s", flush=True)
    return failed


def some(names: list[str], known: list[Path]) -> list[Path]:
    """The named files, all that are known if none is named.

    Raises
    ------
    SystemExit : with exit code 2, for a name that is none of those.
    """
    paths = [Path(name).resolve() for name in names]
    for path, name in zip(paths, names, strict=True):
        if path not in known:
            places = ", ".join(one.relative_to(ROOT).as_posix() for one in known)
            print(f"there is no {name} among {places}", file=sys.stderr)
            raise SystemExit(2)
    return paths or known


def main(arguments: list[str] | None = None) -> int:
    """Execute the named pages, or all."""
    parser = argparse.ArgumentParser(description="Execute pages of the book, side by side.")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="which (default: all)")
    paths = some(parser.parse_args(arguments).pages, pages())
    clean_stale()
    return int(execute(paths) > 0)


if __name__ == "__main__":
    commands.run(main)
