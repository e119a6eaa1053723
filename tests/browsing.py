"""What the tests of the built book share: its pages, and how one is opened in a real browser.

A page is opened from disk. Any request that would leave the machine is refused and noted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import print_book
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

HTML = Path(__file__).resolve().parent.parent / "_build" / "html"
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if path != HTML / "index.html" and not path.relative_to(HTML).parts[0].startswith("_")
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
ELSEWHERE = re.compile(r"^(?!file:|data:|blob:|about:)")
PATIENCE = 120_000  # milliseconds that a page may take on a machine that is busy with other things
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


class Visit(NamedTuple):
    """An open page and what went wrong while it loaded."""

    name: str
    page: Page
    problems: list[str]


def find_browser() -> str:
    """The path of an installed browser; skips (or fails, in CI) if there is none."""
    if path := print_book.find_browser():
        return path
    message = "no Chromium or Chrome on this machine: the built pages are not tested"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def running_browser() -> Iterator[Browser]:
    """An installed browser, running without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        yield browser
        browser.close()


def watched(browser: Browser, script: str = "", **options: object) -> tuple[Page, list[str]]:
    """An empty page, which is refused the network, and a list of all that goes wrong in it.

    ``script`` is run before those of whatever is opened in it.
    """
    context = browser.new_context(**{"viewport": WIDE} | options)
    context.set_default_timeout(PATIENCE)
    problems: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            problems.append(f"console: {message.text}")

    def refuse(route: object) -> None:
        problems.append(f"asked the network for {route.request.url}")
        route.abort()

    context.route(ELSEWHERE, refuse)
    page = context.new_page()
    page.add_init_script(script)
    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    return page, problems


def open_page(browser: Browser, address: str, folder: Path = HTML, **options: object) -> Visit:
    """Open a page of the book (with ``?query`` if need be), noting everything that goes wrong."""
    page, problems = watched(browser, **options)
    page.on("requestfailed", lambda request: problems.append(f"failed: {request.url[:200]}"))
    path, _, query = address.partition("?")
    page.goto((folder / path).as_uri() + (f"?{query}" if query else ""), wait_until="load")
    return Visit(address, page, problems)
