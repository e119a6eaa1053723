"""The figures to move, in the chapters of the built book: that they are there, light, and move.

What each does in detail is tested in `test_movable`, on pages of their own.
"""

from __future__ import annotations

import re

import engines
import pytest
from browsing import HTML, NARROW, open_page
from engines import found_by
from playwright.sync_api import Browser
from test_book_engines import engine, once_more  # noqa: F401 (a fixture)

CHAPTERS = {
    "notebooks/03_why_networks_forget.html": 1,
    "notebooks/04_the_memory_block.html": 1,
    "notebooks/05_learning_without_looking_back.html": 1,
    "notebooks/06_one_step_at_a_time.html": 2,
}
every = pytest.mark.parametrize("name", CHAPTERS)
ON_A_LINE = "picture => picture.getBoundingClientRect().right <= innerWidth"


@every
def test_a_chapter_of_the_machine_has_one_thing_to_move(name: str) -> None:
    text = (HTML / name).read_text(encoding="utf-8")
    figures = re.findall(r'<figure class="movable .*?</figure>', text, flags=re.S)
    assert len(figures) == CHAPTERS[name]
    assert all(len(figure.encode()) < 30_000 for figure in figures)


@every
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_moves_and_says_so_on_a_phone(browser: Browser, name: str, theme: str) -> None:
    opened = open_page(browser, name, viewport=NARROW, color_scheme=theme)
    for figure in opened.page.locator(".movable").all():
        picture = figure.locator("svg")
        before = picture.get_attribute("aria-label"), figure.locator(".controls").inner_text()
        slider, forward = figure.get_by_role("slider"), figure.get_by_role("button", name="Forward")
        if forward.count():
            forward.press("Enter")
        elif figure.get_by_role("button", name="Write").count():
            figure.get_by_role("button", name="Write").press("Enter")
        else:
            slider.first.press("ArrowRight")
        assert picture.evaluate(ON_A_LINE)
        ink, ground = picture.evaluate(
            """picture => [
                getComputedStyle(picture.querySelector("text")).fill,
                getComputedStyle(picture.closest(".movable")).backgroundColor,
            ]"""
        )
        light, dark = (sum(map(int, re.findall(r"\d+", it)[:3])) for it in (ground, ink))
        assert (light > dark) == (theme == "light")
        card = picture.evaluate("picture => getComputedStyle(picture).backgroundColor")
        assert card == "rgba(0, 0, 0, 0)", "a slab on the figure"
        for button in figure.get_by_role("button").all():
            assert button.bounding_box()["width"] < 200, "a button as wide as the page"
        after = picture.get_attribute("aria-label"), figure.locator(".controls").inner_text()
        assert before != after
    assert opened.problems == []
    opened.page.context.close()


@every
def test_without_a_script_it_is_a_picture(browser: Browser, name: str) -> None:
    opened = open_page(browser, name, java_script_enabled=False)
    for figure in opened.page.locator(".movable").all():
        assert figure.locator("svg").bounding_box()["height"] > 100
        assert not figure.locator(".controls").is_visible()
        assert figure.locator("figcaption").is_visible()
    opened.page.context.close()


@once_more
def test_another_engine_moves_it(engine: engines.Engine) -> None:  # noqa: F811
    engine.open(HTML / "notebooks/04_the_memory_block.html")
    said = f"{found_by('.movable .said')}.textContent"
    for button, words in ((".touch", "Write: step 1."), (".once", "One step: step 2.")):
        engine.press(f".movable {button}")
        engine.until(f"{said}.startsWith('{words}')")
    assert engine.problems() == []
