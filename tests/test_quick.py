"""Which tests are near to what was touched, and that they end in time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import quick

pytest_plugins = "pytester"


def stems(*files: str) -> list[str]:
    return [path.stem for path in quick.chosen(list(files))]


def test_the_nearest_tests_come_first(root: Path) -> None:
    found = stems("lstm_from_scratch/music/midi.py")
    assert found[0] == "test_midi" and "test_readme" in found
    assert "test_statistics" not in found
    assert stems("tests/test_audio.py", "lstm_from_scratch/music/midi.py")[:2] == [
        "test_audio",
        "test_midi",
    ]
    assert "test_notebooks" in stems("notebooks/01_twelve_bars.ipynb")
    assert stems("tools/quick.py") == ["test_quick"]
    assert stems("LICENSE", "results/rates.csv") == []
    assert not any(stem.startswith("test_book") for stem in stems("tests/test_book.py"))


def test_nothing_begins_after_the_deadline(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(): pass\ndef test_two(): pass\ndef test_three(): pass\n")
    deadline = quick.Deadline(3600)

    class Late:
        """The first test takes longer than there is time."""

        def pytest_runtest_logfinish(self) -> None:
            deadline.end = time.monotonic() - 1

    result = pytester.inline_run("-p", "no:xdist", plugins=[deadline, Late()])
    result.assertoutcome(passed=1)
    assert deadline.left == 2
