"""Build the book into _build/html, or say that it is there already.

    python tools/build_book.py
    python tools/build_book.py --without-solutions

The second is for classes: the exercises keep their hints and lose their solutions, in the pages and
in the notebooks that they offer, and the book goes to _build/html-no-solutions.

Beside the pages lies an archive of them all, to be unpacked and read where there is no network.

Pages are executed (see `execute`; from a cache where neither their cells nor the module have
changed), every warning is an error, and a failing cell stops the build. The page to open is printed
at the end.
A build that fails leaves no stamp, so the next one starts again and shows the same warnings.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import execute
import pieces
from fingerprint import BUILD, CODE, PAGES, ROOT, clean_stale, fingerprint, read

from lstm_from_scratch import commands


class Edition(NamedTuple):
    """A book to build: whether with solutions, and where it goes.

    stamp : a file that says what the finished book was made from. html : the finished book. work :
    where Jupyter Book puts it, with what it needs on the way.
    """

    solutions: bool
    stamp: Path
    html: Path
    work: Path


WHOLE = Edition(True, BUILD / "book.sha256", BUILD / "html", BUILD)
WITHOUT_SOLUTIONS = Edition(
    False,
    BUILD / "book-no-solutions.sha256",
    BUILD / "html-no-solutions",
    BUILD / "no-solutions" / "_build",
)

# Each kernel says this on a machine of any kind. It is about notebook servers that others can
# reach, and would hide the warnings that are about the book.
NOT_OURS = "[IPKernelApp] WARNING | Kernel is running over TCP without encryption"


def tell_nothing(lines: Iterable[str]) -> None:
    """Read Sphinx's long account of what it does to its end, or it would stop and wait."""
    for _ in lines:
        pass


def tell_warnings(lines: Iterable[str]) -> None:
    """Pass warnings and errors on."""
    for line in lines:
        if not line.startswith(NOT_OURS):
            print(line, end="", file=sys.stderr, flush=True)


def build(edition: Edition) -> int:
    """Build every page anew and return the exit code; executed notebooks come from the cache."""
    edition.stamp.unlink(missing_ok=True)
    # Pages are cheap to write. Keeping old ones would hide the warnings of a page that has not
    # changed, and would leave pages behind that are no longer in the table of contents.
    for folder in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(edition.work / folder, ignore_errors=True)
    shutil.rmtree(edition.html, ignore_errors=True)
    program = "from jupyter_book.cli.main import main; main(prog_name='jupyter-book')"
    options = ["-W", "--keep-going", "--path-output", str(edition.work.parent)]
    settings = {
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "SOLUTIONS": "yes" if edition.solutions else "no",
    }
    with subprocess.Popen(
        [sys.executable, "-c", program, "build", ".", *options],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        news = threading.Thread(target=tell_nothing, args=(process.stdout,))
        news.start()
        tell_warnings(process.stderr)
        news.join()
    if process.returncode == 0 and edition.html != edition.work / "html":
        (edition.work / "html").rename(edition.html)
    return process.returncode


ARCHIVE = "learning-the-blues.zip"
LINK = re.compile(rf'<a [^>]*href="[^"]*{re.escape(ARCHIVE)}"[^>]*>(.*?)</a>'.encode(), flags=re.S)
"""A link to the archive, which the pages inside of it can't have."""


def archive(html: Path, path: Path) -> Path:
    """Write the pages of a finished book into a zip file: the same pages, the same bytes."""
    unfinished = path.with_suffix(".part")
    files = sorted(file.relative_to(html) for file in html.rglob("*") if file.is_file())
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            if file.name == ARCHIVE or any(part.startswith(".") for part in file.parts):
                continue
            content = (html / file).read_bytes()
            if file.suffix == ".html":
                content = LINK.sub(rb"\1", content)
            name = f"{Path(ARCHIVE).stem}/{file.as_posix()}"
            entry = zipfile.ZipInfo(name)  # dated 1980, as ever
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            packed.writestr(entry, content)
    return unfinished.replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Build if anything has changed; print where the book is."""
    parser = argparse.ArgumentParser(description="Build the book, or say that it is there already.")
    parser.add_argument("--without-solutions", action="store_true", help="for classes")
    chosen = parser.parse_args(arguments)
    edition = WITHOUT_SOLUTIONS if chosen.without_solutions else WHOLE
    clean_stale()
    now, index = fingerprint(CODE + PAGES), edition.html / "index.html"
    page = index.relative_to(ROOT).as_posix()
    if read(edition.stamp) == now and index.exists():
        print(f"The book is up to date. Open {page}")
        return 0
    print("Building the book: executing the notebooks takes a while the first time", flush=True)
    start = time.monotonic()
    print(f"  pieces to download: {len(pieces.write_all())} files", flush=True)
    if failed := execute.execute(execute.pages()):
        print(f"The book was not built: {failed} pages failed, see above.", file=sys.stderr)
        return 1
    code = build(edition)
    if code != 0:
        print(f"The book was not built (exit code {code}); the reason is above.", file=sys.stderr)
        return code
    archive(edition.html, edition.html / ARCHIVE)
    edition.stamp.write_text(now, encoding="utf-8")
    print(f"The book was built in {time.monotonic() - start:.0f} s. Open {page}")
    return 0


if __name__ == "__main__":
    commands.run(main)
