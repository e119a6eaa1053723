"""What all tests share: the checkout's root, and plots that need no screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import pytest

if TYPE_CHECKING:
    from browsing import Visit
    from playwright.sync_api import Browser

# Not through the environment: the kernels that run notebooks would inherit it and draw nothing.
matplotlib.use("Agg")


def together(test: str) -> str:
    """What a test belongs to, so that one process takes all of it: a page of the book, or a file.

    Whatever file the tests of a page stand in, it is opened once for them.
    """
    file, _, name = test.partition("::")
    page = re.search(r"\[([^\[\]]+\.html)\]$", name)
    return page[1] if page else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal out what belongs `together` to one process (``-n 2 --dist loadscope``).

    xdist's own way to say so, a mark for ``--dist loadgroup``, has no effect with pytest 9.
    """
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        _split_scope = staticmethod(together)

    return Together(config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take each test of a page for every page of the book, or for those in ``VISITED``."""
    if "visit" in metafunc.fixturenames:
        from browsing import PAGES

        names = getattr(metafunc.module, "VISITED", PAGES)
        lasts = how_long(config=metafunc.config)
        metafunc.parametrize("visit", names, indirect=True, scope=lasts)


def how_long(fixture_name: str = "", *, config: pytest.Config) -> str:
    """How long a browser lasts: one for all tests of pages, where no others run; else for a file.

    While there is one, an event loop is running, and others can't run theirs.
    """
    pages = [Path(name.partition("::")[0]).name.startswith("test_book") for name in config.args]
    return "session" if pages and all(pages) else "module"


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope=how_long)
def browser() -> Iterator[Browser]:
    """An installed browser; without one the test is skipped, or fails in CI."""
    from browsing import running_browser

    with running_browser() as running:
        yield running


@pytest.fixture(scope=how_long)
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """One page of the book, open in the browser for all tests that look at it, one by one.

    A test leaves it as wide and as light as it was; what is folded may be open or shut.
    """
    from browsing import open_page

    opened = open_page(browser, request.param, color_scheme="light")
    yield opened
    opened.page.context.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page that holds a scene, and refuses it the network."""
    from browsing import watched

    shown = []

    def opened(scene: Any, *, script: str = "", **options: Any) -> Any:
        page, problems = watched(browser, script, **options)
        shown.append((page, problems))
        path = tmp_path / f"page{len(shown)}.html"
        path.write_text(
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
            'content="width=device-width, initial-scale=1"><title>Scene</title></head><body><main>'
            f"<h1>Scene</h1>{scene._repr_html_()}</main></body></html>",
            encoding="utf-8",
        )
        page.goto(path.as_uri())
        return page

    yield opened
    for page, _ in shown:
        page.context.close()
    wrong = [problem for _, problems in shown for problem in problems]
    assert not wrong, wrong
