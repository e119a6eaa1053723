"""The sounds of the built book: one player for all, one file for each sound, loaded by none.

Opened from disk in a real browser, as in `test_book`; without one these tests are skipped.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import soundfile
from browsing import HTML, NARROW, PAGES, open_page
from playwright.sync_api import Browser

CHAPTERS = [name for name in PAGES if name.startswith("notebooks/")]
HEAVIEST_CHAPTER = 700_000  # bytes of a page without its pictures; its sounds are not in it
PARTS = {"style": "/* The player", "script": "<script>// The sound of the notes"}
PERFORMED = {"notebooks/18_finding_the_beat.html"}
"""Chapters that one hears performances in: these are on no grid, which the player's roll needs."""
FINER = {"notebooks/13_finer_time.html"}
"""Chapters that have music on finer grids besides, which the player's roll does not show either."""
SOUND = re.compile(r'src="([^"]+/sounds/[^"]+)"')


def text(name: str) -> str:
    return (HTML / name).read_text(encoding="utf-8")


def sounds(name: str) -> list[Path]:
    """The files that the sounds of a page are in."""
    return [((HTML / name).parent / link).resolve() for link in SOUND.findall(text(name))]


def test_each_sound_is_one_file_that_is_named_by_its_content() -> None:
    named = Counter(path for name in PAGES for path in sounds(name))
    stored = sorted((HTML / "sounds").iterdir())
    assert stored == sorted(named) and len(stored) > 40
    for path in stored:
        content = path.read_bytes()
        assert path.name == f"{hashlib.sha256(content).hexdigest()[:16]}.mp3"
        assert soundfile.info(io.BytesIO(content)).channels == 1
    assert max(named.values()) > 1, "no music is heard twice in this book?"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_sound_inside_and_each_part_of_the_player_once(name: str) -> None:
    page = text(name)
    assert "data:audio" not in page
    players = page.count('<figure class="performance')
    for part, mark in PARTS.items():
        assert page.count(mark) == (players > 0), part
    if name in CHAPTERS:
        assert len(page.encode()) < HEAVIEST_CHAPTER
        assert (players > 0) == (name not in PERFORMED)
        assert ('<figure class="player"' in page) == (name in PERFORMED | FINER)


@pytest.mark.parametrize("name", ["01_twelve_bars", "08_experiment_2", "10_is_it_any_good"])
def test_all_players_of_a_chapter_play_and_load_nothing(browser: Browser, name: str) -> None:
    opened = open_page(browser, f"notebooks/{name}.html")
    loaded: list[str] = []
    opened.page.on("request", lambda request: loaded.append(request.url))
    opened.page.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    players = opened.page.locator(".performance:visible")
    assert players.count() >= 6
    for number in range(players.count()):
        player = players.nth(number)
        player.get_by_role("button", name="Play").click()
        opened.page.wait_for_function(
            """(root) => {
                const audio = root.querySelector("audio");
                return !audio.paused && audio.currentTime > 0.1;
            }""",
            arg=player.element_handle(),
        )
        assert opened.page.evaluate(
            "[...document.querySelectorAll('audio')].filter((one) => !one.paused).length"
        ) == 1  # fmt: skip
    assert [url for url in loaded if ".mp3" in url] == []
    assert opened.problems == []
    opened.page.context.close()


def test_without_a_script_each_sound_is_there_and_its_roll_in_view(browser: Browser) -> None:
    opened = open_page(browser, "notebooks/01_twelve_bars.html", java_script_enabled=False)
    players = opened.page.locator(".performance:visible")
    assert players.count() >= 5
    for player in players.all():
        source = player.locator("audio").get_attribute("src")
        address = opened.page.evaluate("link => new URL(link, document.baseURI).href", source)
        assert Path(unquote(urlsplit(address).path)).stat().st_size > 5_000
        assert player.locator("audio").bounding_box()["width"] > 300
        assert player.locator("svg.steps").bounding_box()["height"] > 40
    opened.page.context.close()


def test_a_player_fits_a_phone(browser: Browser) -> None:
    opened = open_page(browser, "notebooks/01_twelve_bars.html", viewport=NARROW)
    for player in opened.page.locator(".performance:visible").all():
        box = player.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"]
        scroll = player.locator(".scroll").evaluate("e => e.scrollWidth - e.clientWidth")
        assert scroll <= 1
    opened.page.context.close()
