"""What all tests share: the checkout's root, and plots that need no screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Not through the environment: the kernels that run notebooks would inherit it and draw nothing.
matplotlib.use("Agg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests belong together when several processes share them (``--dist loadgroup``).

    Those that look at one page of the built book do, whatever file they stand in, so that it is
    opened once; else those of one file or one notebook.
    """
    for item in items:
        page = getattr(item, "callspec", None) and item.callspec.params.get("visit")
        group = f"{item.path.name}:{page}" if page else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """An installed browser; without one the test is skipped, or fails in CI."""
    from browsing import running_browser

    with running_browser() as running:
        yield running
