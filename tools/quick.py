"""Test what you have touched, for at most a minute.

    python tools/quick.py [--seconds SECONDS] [--since COMMIT]

Touched is what differs from a commit (the last one, unless another is named), new files included.
Run are: tests that were touched; tests that import a room of the module that was touched; the
checks of notebooks and pages, if one of these was. The nearest tests come first, and when the time
is over the rest is left out and said. `make test` is what has to pass; this is for daily work.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import time
from pathlib import Path

import pytest
from fingerprint import ROOT

from lstm_from_scratch import commands

SECONDS = 60
PACKAGE = "lstm_from_scratch"
OF_PAGES = ("test_notebooks", "test_pages", "test_solutions", "test_terms")


def touched(since: str) -> list[str]:
    """The files that differ from a commit, or are new, by their path from the root."""
    commands = (
        ["diff", "--name-only", "--diff-filter=d", since],
        ["ls-files", "--others", "--exclude-standard"],
    )
    found: dict[str, None] = {}
    for command in commands:
        done = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"quick: git says: {done.stderr.strip()}")
        found |= dict.fromkeys(done.stdout.splitlines())
    return list(found)


def rooms(path: Path) -> set[str]:
    """The rooms and wings of the module that a test imports, like ``machine.network``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            inner = node.module.removeprefix(PACKAGE).lstrip(".")
            found |= {inner, *(f"{inner}.{alias.name}".lstrip(".") for alias in node.names)}
    return found


def chosen(files: list[str]) -> list[Path]:
    """The test files to run for touched files, the nearest first."""
    tests = {path: rooms(path) for path in sorted((ROOT / "tests").glob("test_*.py"))}
    tests = {path: found for path, found in tests.items() if not path.stem.startswith("test_book")}
    first, near, far = [], [], []
    for name in map(Path, files):
        if name.parts[0] == "tests":
            first += [path for path in tests if path.name == name.name]
        elif name.parts[0] == PACKAGE and name.suffix == ".py":
            room = ".".join(name.with_suffix("").parts[1:])
            near += [path for path in tests if path.stem == f"test_{name.stem}"]
            far += [path for path, found in tests.items() if room in found]
        elif name.parts[0] in ("notebooks", "book"):
            near += [path for path in tests if path.stem in OF_PAGES]
        elif name.parts[0] == "tools":
            near += [path for path in tests if path.stem == f"test_{name.stem}"]
    return list(dict.fromkeys([*first, *near, *far]))


class Deadline:
    """Ends the tests when the time is over."""

    def __init__(self, seconds: float) -> None:
        self.end, self.seconds = time.monotonic() + seconds, seconds
        self.left = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what there is to do."""
        self.left = len(session.items)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over."""
        self.left -= 1

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Begin another one only in time; True: it is dealt with."""
        if time.monotonic() <= self.end:
            return None
        item.session.shouldstop = f"{self.seconds:g} s are over, {self.left} tests are left out"
        return True


def main(arguments: list[str] | None = None) -> int:
    """Run what was chosen and return pytest's exit code; 0 if the time was over without a fault."""
    parser = argparse.ArgumentParser(description="Test what you have touched, for a minute.")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long (default: 60)")
    parser.add_argument("--since", default="HEAD", metavar="COMMIT", help="touched since when")
    options = parser.parse_args(arguments)
    files = touched(options.since)
    tests = chosen(files)
    if not tests:
        print(f"{len(files)} files touched, none of which a test is about. make test runs them all")
        return 0
    print(f"{len(files)} files touched: {', '.join(path.stem for path in tests)}", flush=True)
    deadline = Deadline(options.seconds)
    code = pytest.main(["-q", "-p", "no:cacheprovider", *map(str, tests)], plugins=[deadline])
    over = code == pytest.ExitCode.INTERRUPTED and deadline.left > 0
    return 0 if over else int(code)


if __name__ == "__main__":
    commands.run(main)
