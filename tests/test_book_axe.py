"""No barrier that axe-core can find, on any page of the built book, light or dark.

No rule is switched off and no element left out, and what is folded is opened first. The dark page
differs from the light one by its colours alone, so there the rules about colours are run again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from browsing import HTML, PAGES, Visit, open_page
from playwright.sync_api import Browser

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
# Pages of source code are many and made in one way: their index, and the two longest.
SOURCES = sorted((HTML / "_modules").rglob("*.html"), key=lambda path: path.stat().st_size)
SOURCE_PAGES = [path.relative_to(HTML).as_posix() for path in SOURCES[-2:]]

OPEN = """() => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    for (const animation of document.getAnimations()) animation.finish();
}"""
RUN = """async (options) => {
    const found = await axe.run(document, { resultTypes: ["violations"], ...options });
    return found.violations.map((rule) => {
        const places = rule.nodes.slice(0, 5).map((node) => node.target.join(" "));
        return `${rule.impact}: ${rule.id} (${rule.nodes.length}): ${places.join(" | ")}`;
    });
}"""
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


@pytest.fixture(scope="module", params=[*PAGES, "_modules/index.html", *SOURCE_PAGES])
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """One page of the book, light, with everything open and axe-core in it."""
    opened = open_page(browser, request.param, color_scheme="light")
    opened.page.evaluate(OPEN)
    opened.page.evaluate(AXE.read_text(encoding="utf-8"))
    yield opened
    opened.page.context.close()


def test_no_barrier_in_the_light(visit: Visit) -> None:
    assert visit.page.evaluate(RUN, {}) == []


def test_no_barrier_in_the_dark(visit: Visit) -> None:
    visit.page.emulate_media(color_scheme="dark")
    visit.page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    visit.page.evaluate(OPEN)  # some colours fade from one theme to the other
    assert visit.page.evaluate(RUN, COLOURS) == []
