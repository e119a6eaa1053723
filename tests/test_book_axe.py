"""No barrier that axe-core can find, on any page of the built book, light or dark.

No rule is switched off and no element left out, and what is folded is opened first. The dark page
differs from the light one by its colours alone, so there the rules about colours are run again.
"""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
from browsing import HTML, PAGES, Visit
from playwright.sync_api import Browser, Page

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
# Pages of source code are many and made in one way: their index, and the two longest.
SOURCES = sorted((HTML / "_modules").rglob("*.html"), key=lambda path: path.stat().st_size)
SOURCE_PAGES = [path.relative_to(HTML).as_posix() for path in SOURCES[-2:]]
VISITED = [*PAGES, "_modules/index.html", *SOURCE_PAGES]

# Most of the time of axe-core goes into colours: into the weak tables that keep the private parts
# of each one, for old browsers, and into reading the same few names of colours again and again. On
# a page that is closed afterwards the parts may stand in the objects; and a name is read once.
QUICK = """(() => {
    class Table {
        own = Symbol();
        has(key) { return Object.hasOwn(key, this.own); }
        get(key) { return this.has(key) ? key[this.own] : undefined; }
        set(key, value) { key[this.own] = value; return this; }
        add(key) { return this.set(key, true); }
        delete(key) { return this.has(key) && delete key[this.own]; }
    }
    const WeakMap = Table, WeakSet = Table;
    {AXE}
    const { Color } = axe.commons.color, { parseString } = Color.prototype, known = new Map();
    Color.prototype.parseString = function (name) {
        if (!known.has(name)) known.set(name, parseString.call(new Color(), name));
        const { r, g, b, alpha } = known.get(name);
        return Object.assign(this, { r, g, b, alpha });
    };
})();"""
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


def barriers(page: Page, options: dict[str, object]) -> list[str]:
    """What axe-core finds in a page as it is now, with everything open."""
    page.evaluate(OPEN)
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(QUICK.replace("{AXE}", AXE.read_text(encoding="utf-8")))
    return page.evaluate(RUN, options)


def test_no_barrier_in_the_light(visit: Visit) -> None:
    assert barriers(visit.page, {}) == []


def test_no_barrier_in_the_dark(visit: Visit) -> None:
    visit.page.emulate_media(color_scheme="dark")
    try:
        visit.page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        assert barriers(visit.page, COLOURS) == []
    finally:
        visit.page.emulate_media(color_scheme="light")
        visit.page.wait_for_function("document.documentElement.dataset.theme === 'light'")


BARRIERS = """<!doctype html><html><title>Barriers</title><main>
    <style>
        body { color: rgb(0 0 0 / 30%); background: linear-gradient(white, white) }
        main { background: color-mix(in srgb, gray, white) } i { opacity: 0.4 }
    </style>
    <p>faint <i>fainter <b style="color: hsl(0 0% 60%)">faintest</b></i> <a href="#x">link</a></p>
    <p style="mix-blend-mode: multiply; color: oklch(0.7 0 0)">blended</p>
    <img src="data:,"><button></button><input><ul><p>not an item</p></ul><div role="none1">?</div>
    <table><tr><td headers="y">cell</td></tr></table><h4>deep</h4><p id="x" tabindex="5">first</p>
    </main></html>"""
EVERYTHING = """async () => {
    const found = await axe.run(document);
    const kinds = ["violations", "incomplete", "passes"];
    return kinds.map((kind) => found[kind].map(({ id, nodes }) => [
        id, nodes.map(({ target, any, all, none }) => [target, [...any, ...all, ...none].map(
            ({ id, message, data }) => [id, message, JSON.stringify(data)]
        )]),
    ]));
}"""


def test_axe_finds_in_less_time_what_it_finds(browser: Browser) -> None:
    """The same elements, with the same colours and ratios, as without `QUICK`."""
    found = []
    for around in ("{AXE}", QUICK):
        page = browser.new_page()
        page.set_content(BARRIERS)
        page.evaluate(around.replace("{AXE}", AXE.read_text(encoding="utf-8")))
        found.append(page.evaluate(EVERYTHING))
        page.close()
    assert found[0] == found[1]
    violations = {name for name, _ in found[0][0]}
    assert {"color-contrast", "image-alt", "button-name", "html-has-lang"} <= violations
