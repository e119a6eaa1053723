"""The first page of the built book: heard at one press, light, at home on a phone; and its times.

Opened from disk in a real browser, as in `test_book`; without one these tests are skipped.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
import yaml
from browsing import HTML, NARROW, Visit, open_page
from playwright.sync_api import Browser, Locator, Page
from test_notebooks import tags, toc_files

from lstm_from_scratch.studies.tables import processor

ROOT = HTML.parent.parent
WELCOME, MADE_WITH = "book/welcome.html", "book/made_with.html"
PIECES = ("The network improvises", "A training chorus", "A random walk")
HEAVIEST = 1_200_000  # bytes that the first page may bring along
CHAPTERS = [
    name
    for name in toc_files(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    if name.startswith("notebooks/") or name == "book/by_ear"
]


@pytest.fixture(scope="module")
def welcome(browser: Browser) -> Iterator[Visit]:
    opened = open_page(browser, WELCOME)
    yield opened
    opened.page.context.close()


@pytest.fixture(scope="module")
def made_with(browser: Browser) -> Iterator[Page]:
    opened = open_page(browser, MADE_WITH)
    yield opened.page
    opened.page.context.close()


def rows(table: Locator) -> list[list[str]]:
    """The words of each row below the head."""
    cells = "all => all.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    return table.locator("tbody tr").evaluate_all(cells)


def minutes(words: str) -> int:
    """How long reading takes: of ``"read 1 h 20 min, run 8 s"`` 80."""
    hours, rest = re.match(r"(?:read\s)?(?:(\d+)\sh)?\s?(?:(\d+)\smin)?", words).groups(default="0")
    return 60 * int(hours) + int(rest)


# ---- To hear and to see --------------------------------------------------------------------------


def test_each_piece_plays_at_one_press_and_stops_the_one_before(welcome: Visit) -> None:
    players = welcome.page.locator(".performance.compact")
    assert tuple(players.locator(".title").all_inner_texts()) == PIECES
    for title in PIECES:
        player = welcome.page.locator(f'.performance.compact[aria-label="{title}"]')
        player.get_by_role("button", name="Play").click()
        welcome.page.wait_for_function(
            """(root) => {
                const audio = root.querySelector("audio");
                return !audio.paused && audio.currentTime > 0.5 && Number(root.dataset.step) > 1;
            }""",
            arg=player.element_handle(),
        )
        playing = "all => all.filter(a => !a.paused).map(a => a.getAttribute('aria-label'))"
        assert welcome.page.locator("audio").evaluate_all(playing) == [title]
    welcome.page.locator('.performance.compact[data-playing="true"] .play-pause').click()
    assert welcome.problems == []


def test_the_pieces_share_their_chords_and_not_their_melody(welcome: Visit) -> None:
    scripts = welcome.page.locator('.performance script[type="application/json"]')
    network, chorus, walk, inside = map(json.loads, scripts.all_text_contents())
    assert chorus["chord"] == walk["chord"] == network["chord"]
    assert len({str(piece["note"]) for piece in (chorus, walk, network)}) == 3
    assert (inside["keys"], inside["times"]) == (network["keys"], network["times"])
    assert len(inside["rows"]) == 8 * (3 + 2), "three gates and two cells in each of eight blocks"


def test_the_network_can_be_watched_from_the_inside(welcome: Visit) -> None:
    inside = welcome.page.locator("details .performance")
    assert not inside.is_visible()
    welcome.page.get_by_text("Watch the network from the inside").locator("visible=true").click()
    inside.get_by_role("button", name="Play").click()
    welcome.page.wait_for_function(
        "(root) => Number(root.dataset.step) > 1", arg=inside.element_handle()
    )
    assert inside.locator(".value").first.text_content() != ""
    inside.get_by_role("button", name="Pause").click()


def test_the_form_is_one_picture_that_can_be_read_in_the_dark(browser: Browser) -> None:
    opened = open_page(browser, WELCOME, color_scheme="dark")
    picture = opened.page.locator(".bd-article .cell_output svg.drawn")
    assert picture.count() == 1
    alt = picture.get_attribute("aria-label")
    assert len(re.findall(r"\b(?:C7|F7|A7|G7|D minor 7|F sharp diminished 7)", alt)) == 12 + 1
    assert picture.bounding_box()["width"] > 500
    assert picture.locator("text", has_text="F♯dim7").count() == 1
    words = picture.locator("text").evaluate_all("all => all.map(t => getComputedStyle(t).fill)")
    page = opened.page.locator("body").evaluate("b => getComputedStyle(b).color")
    assert page in words and "rgb(0, 0, 0)" not in words
    opened.page.context.close()


def test_what_why_and_where_to_are_seen_at_once(browser: Browser) -> None:
    opened = open_page(browser, WELCOME, viewport={"width": 1280, "height": 800})
    article = opened.page.locator(".bd-article")
    (lead,) = article.locator("p", has_text="twelve-bar blues").filter(has_text="2002").all()
    assert "sixteen memory cells" in lead.inner_text()
    first = article.locator(".performance").first
    links = [
        article.locator(".ways").get_by_role("link", name=n)
        for n in ("Begin", "By ear", "It plays live")
    ]
    for what in (lead, first, *links):
        box = what.bounding_box()
        assert box["y"] > 0 and box["y"] + box["height"] < 800
    assert first.locator(".title").inner_text() == PIECES[0]
    assert links[1].get_attribute("href").endswith("by_ear.html")
    assert links[2].get_attribute("href").endswith("endless.html")
    opened.page.context.close()


def test_without_a_script_a_title_stands_where_the_picture_begins(browser: Browser) -> None:
    opened = open_page(browser, WELCOME, java_script_enabled=False)
    player = opened.page.locator(".performance.compact").first
    title, picture = (player.locator(what).bounding_box() for what in (".title", ".view"))
    assert title["x"] == picture["x"]
    opened.page.context.close()


# ---- At home on a phone --------------------------------------------------------------------------


def test_it_is_light(browser: Browser) -> None:
    opened = open_page(browser, WELCOME)
    loaded = {HTML / WELCOME}
    opened.page.on(
        "request",
        lambda request: (
            loaded.add(Path(unquote(urlsplit(request.url).path)))
            if request.url.startswith("file:")
            else None
        ),
    )
    opened.page.reload(wait_until="load")
    opened.page.context.close()
    assert any(path.suffix == ".css" for path in loaded)
    sizes = {path.name: path.stat().st_size for path in loaded}
    assert sum(sizes.values()) < HEAVIEST, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def test_nothing_is_scrolled_sideways_on_a_phone(browser: Browser) -> None:
    for name in (WELCOME, MADE_WITH):
        opened = open_page(browser, name, viewport=NARROW)
        wide = """all => all.filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1)
            .map(e => e.className)"""
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        boxes = ".bd-article :is(.pst-scrollable-table-container, .cell_output, .compact .scroll)"
        assert opened.page.locator(boxes).evaluate_all(wide) == []
        if name == WELCOME:  # the first button is there before anything is scrolled
            button = opened.page.get_by_role("button", name="Play").first.bounding_box()
            assert button["y"] + button["height"] < NARROW["height"]
        opened.page.context.close()


# ---- Where to go, and how long it takes ----------------------------------------------------------


def test_it_leads_to_the_beginning_and_to_two_shorter_ways(welcome: Visit) -> None:
    article = welcome.page.locator(".bd-article")
    button = article.get_by_role("link", name="Begin with chapter 1")
    assert button.get_attribute("href").endswith("/01_twelve_bars.html")
    for words, pages in (("In a hurry?", ("07_", "08_")), ("Want to listen?", ("by_ear",))):
        links = article.locator("li", has_text=words).locator("a")
        targets = links.evaluate_all("all => all.map(a => a.href)")
        assert [page for page, target in zip(pages, targets, strict=True) if page in target] == [
            *pages
        ]


def test_every_chapter_is_in_the_table_with_both_times(welcome: Visit, made_with: Page) -> None:
    table = welcome.page.locator("table.chapters")
    links = table.locator("tbody a").evaluate_all("all => all.map(a => a.href)")
    pages = [Path(link).relative_to(HTML).with_suffix("").as_posix() for link in
             (unquote(urlsplit(link).path) for link in links)]  # fmt: skip
    assert [page for page in pages if page in CHAPTERS] == CHAPTERS
    measured = {page: run for page, _, run in rows(made_with.locator("table").first)}
    total = 0
    for page, (first, about) in zip(pages, rows(table), strict=True):
        title, said = first.split("\n")
        assert about
        if page not in CHAPTERS:
            continue
        match = re.fullmatch(r"read\s\d+\smin, run\s(\d+)\s(s|min)", said)
        assert match, said
        seconds = float(measured[title].split()[0])
        unit = {"s": 1, "min": 60}[match[2]]
        assert abs(int(match[1]) * unit - seconds) <= max(1, unit / 2), title
        total += minutes(said) if re.match(r"notebooks/\d", page) else 0
    (sum_of_all,) = re.findall(r"All chapters together, .+?: (.+?), run", welcome.page.content())
    said = minutes(re.sub(r"<[^>]+>", "", sum_of_all).replace("&nbsp;", " "))
    assert abs(said - total) <= len(CHAPTERS) / 2


@pytest.mark.parametrize("name", [name for name in CHAPTERS if name.startswith("notebooks/")])
def test_reading_takes_what_the_rule_says(welcome: Visit, name: str) -> None:
    cells = nbformat.read(ROOT / f"{name}.ipynb", nbformat.NO_CONVERT).cells
    cells = [cell for cell in cells if "solution" not in tags(cell)]
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    code = [cell for cell in cells if cell.cell_type == "code"]
    images = sum(
        any(mime.startswith("image/") for mime in output.get("data", {}))
        for cell in code
        for output in cell.outputs
    )
    equations = prose.count("$$") / 2
    words = len(re.sub(r"\$\$.+?\$\$", "", prose, flags=re.S).split())
    expected = words / 200 + (len(code) + images + equations) / 4
    row = welcome.page.locator("table.chapters tr", has=welcome.page.locator(f'a[href*="{name}"]'))
    said = minutes(row.locator(".times").inner_text())
    assert said == pytest.approx(expected, rel=0.1, abs=1)


def test_the_page_of_times_has_every_executed_page_and_their_sum(made_with: Page) -> None:
    *pages, (words, _, total) = rows(made_with.locator("table").first)
    assert words == "All of them"
    titles = [title for title, _, _ in pages]
    for name in CHAPTERS:
        heading = re.search(r"<title>(.+?) &#8212;", (HTML / f"{name}.html").read_text("utf-8"))[1]
        assert heading in titles
    times = [float(run.split()[0]) for _, _, run in pages]
    assert min(times) > 0
    assert sum(times) == pytest.approx(float(total.split()[0]), abs=0.1 * len(times))


def test_the_page_of_versions_has_what_is_installed(made_with: Page) -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n# What the packages")[0]
    packages = re.findall(r"^([\w.-]+)==", text, flags=re.M)
    assert {"numpy", "numba", "matplotlib", "mido", "jupyter-book", "verovio"} <= set(packages)
    said = {what: words for what, words, _ in rows(made_with.locator("table").nth(1))}
    for package in packages:
        assert said[package].split()[0] == version(package), package
    assert said["Python"] == platform.python_version()
    assert said["Processor"].startswith(processor())
