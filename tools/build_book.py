"""Build the book into _build/html, or say that it is there already.

    python tools/build_book.py

Notebooks are executed (from a cache where neither their cells nor the module have changed), every
warning is an error, and a failing cell stops the build. The page to open is printed at the end.
A build that fails leaves no stamp, so the next one starts again and shows the same warnings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from fingerprint import BUILD, CODE, PAGES, ROOT, clean_stale, fingerprint, read

STAMP = BUILD / "book.sha256"
INDEX = BUILD / "html" / "index.html"

# Each kernel says this on a machine of any kind. It is about notebook servers that others can
# reach, and would hide the warnings that are about the book.
NOT_OURS = "[IPKernelApp] WARNING | Kernel is running over TCP without encryption"


def build() -> int:
    """Build every page anew and return the exit code; executed notebooks come from the cache."""
    STAMP.unlink(missing_ok=True)
    # Pages are cheap to write. Keeping old ones would hide the warnings of a page that has not
    # changed, and would leave pages behind that are no longer in the table of contents.
    for folder in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(BUILD / folder, ignore_errors=True)
    environment = os.environ | {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    program = "from jupyter_book.cli.main import main; main(prog_name='jupyter-book')"
    options = ["build", ".", "-W", "--keep-going"]
    command = [sys.executable, "-c", program, *options]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stderr:
            if not line.startswith(NOT_OURS):
                print(line, end="", file=sys.stderr, flush=True)
    return process.returncode


def main() -> int:
    """Build if anything has changed; print where the book is."""
    clean_stale()
    now = fingerprint(CODE + PAGES)
    page = INDEX.relative_to(ROOT).as_posix()
    if read(STAMP) == now and INDEX.exists():
        print(f"The book is up to date. Open {page}")
        return 0
    print("Building the book: executing the notebooks takes a while the first time", flush=True)
    start = time.monotonic()
    code = build()
    if code != 0:
        print(f"The book was not built (exit code {code}); the reason is above.", file=sys.stderr)
        return code
    STAMP.write_text(now, encoding="utf-8")
    print(f"The book was built in {time.monotonic() - start:.0f} s. Open {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
