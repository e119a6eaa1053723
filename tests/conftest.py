"""What all tests share: the checkout's root, and plots that need no screen."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest

# Not through the environment: the kernels that run notebooks would inherit it and draw nothing.
matplotlib.use("Agg")


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent
