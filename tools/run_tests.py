"""Run the tests that need no built book, and compare every chapter with what it puts out.

    python tools/run_tests.py [NOTEBOOK ...]

All chapters, unless some are named, are executed if they have not been since their cells or the
module changed, as `execute` says: outside of the checkout, with the wheel of the module and nothing
that it does not ask for. What comes out of each cell is compared with what is stored, by nbval.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import execute
from fingerprint import ROOT, clean_stale

from lstm_from_scratch import commands

NEED_THE_BOOK = sorted(f"tests/{path.name}" for path in (ROOT / "tests").glob("test_book*.py"))
"""Tests of the built pages: `make test` runs them after the others, when there is a book."""


def main(arguments: list[str] | None = None) -> int:
    """Run everything and return pytest's exit code, or 1 if a chapter could not be executed."""
    parser = argparse.ArgumentParser(description="Run all tests but those of the built pages.")
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="which (default: all)")
    known = [path for path in execute.pages() if execute.chapter(path)]
    chapters = execute.some(parser.parse_args(arguments).notebooks, known)
    clean_stale()
    if execute.execute(chapters):
        return 1
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadscope"),
            *("-p", "replay", "--replay"),
            *("tests", *(f"--ignore={name}" for name in NEED_THE_BOOK), *chapters),
        ],
        cwd=ROOT,
    ).returncode


if __name__ == "__main__":
    commands.run(main)
