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
