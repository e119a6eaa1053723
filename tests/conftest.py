"""What all tests share: the checkout's root, and plots that need no screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import pytest

if TYPE_CHECKING:
    from browsing import Visit
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
        item.add_marker(pytest.mark.xdist_group(page or str(item.path)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take each test of a page for every page of the book, or for those in ``VISITED``."""
    if "visit" in metafunc.fixturenames:
        from browsing import PAGES

        names = getattr(metafunc.module, "VISITED", PAGES)
        metafunc.parametrize("visit", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """An installed browser; without one the test is skipped, or fails in CI."""
    from browsing import running_browser

    with running_browser() as running:
        yield running


@pytest.fixture(scope="session")
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """One page of the book, open in the browser for all tests that look at it, one by one.

    A test leaves it as wide and as light as it was; what is folded may be open or shut.
    """
    from browsing import open_page

    opened = open_page(browser, request.param, color_scheme="light")
    yield opened
    opened.page.context.close()
