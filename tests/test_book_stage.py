"""The pages of the built book on which the network is alive: it plays, learns, and asks nothing.

What the scenes do in detail is tested in `test_scenes` and `test_play_scene`, on pages of their
own; that they have Python's bits, in `test_stage`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import engines
import numpy as np
import pytest
from browsing import HTML, Visit, open_page
from engines import found_by
from playwright.sync_api import Browser
from test_book_engines import engine, once_more  # noqa: F401 (a fixture)
from test_stage import digest_of, taught

from lstm_from_scratch.machine import training
from lstm_from_scratch.machine.recipes import RECOMMENDED
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.playing import composing
from lstm_from_scratch.studies import experiments

ENDLESS, NOW = "book/endless.html", "book/learn_it_now.html"
TOGETHER = "book/play_with_it.html"
PAGES = ENDLESS, NOW, TOGETHER


@pytest.fixture(params=PAGES)
def alive(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    opened = open_page(browser, request.param)
    yield opened
    opened.page.context.close()
    assert opened.problems == []


def until(opened: Visit, condition: str) -> None:
    opened.page.wait_for_function(f"document.querySelector('.stage').{condition}")


def test_it_comes_alive_at_one_press(alive: Visit) -> None:
    name, count = ("Learn", "steps") if alive.name == NOW else ("Play", "step")
    alive.page.locator(".stage").get_by_role("button", name=name, exact=True).click()
    until(alive, f"dataset.{count} > 2")


def test_it_is_the_network_of_the_book_bit_for_bit(browser: Browser) -> None:
    """What plays on the page is chapter 8's network; what learns there learns as chapter 7's."""
    opened = open_page(browser, ENDLESS)
    rows = opened.page.evaluate(
        """async () => {
            const { stage } = document.querySelector(".stage");
            const rows = [];
            await stage.sound.start();
            stage.sound.strike = () => ({ end() {} });
            for (let step = 0; step < 960; step++) {
                rows.push([...stage.player.sounding]);
                stage.next(0);
            }
            return rows;
        }"""
    )
    music, network = experiments.choruses(), training.stored("experiment_2").network
    state = composing.hear(network, np.concatenate(experiments.rolls(music.training[:4])))
    beginning = experiments.rolls(music.training[:1])[0, :2]
    assert np.array_equal(rows, composing.free_run(network, beginning, 960, 1, state=state))
    assert opened.problems == []
    opened.page.context.close()

    opened = open_page(browser, NOW)
    opened.page.get_by_role("button", name="Learn", exact=True).click()
    until(opened, "dataset.steps > 4800")
    opened.page.get_by_role("button", name="Pause", exact=True).click()
    found = opened.page.evaluate(
        """() => new Promise((resolve) => {
            const root = document.querySelector(".stage");
            root.addEventListener("weights", ({ detail }) => resolve(detail), { once: true });
            root.stage.send({ kind: "weights" });
        })"""
    )
    expected = taught(RECOMMENDED, CHORDS_ONLY.form_roll(TWELVE_BAR), found["steps"]).network
    assert digest_of(found["weights"]) == experiments.digest(expected)
    assert opened.problems == []
    opened.page.context.close()


def test_a_key_plays_and_the_network_plays_its_chords_beside_it(browser: Browser) -> None:
    opened = open_page(browser, TOGETHER)
    opened.page.locator(".stage").get_by_role("button", name="Play", exact=True).click()
    opened.page.keyboard.down("d")
    until(opened, "stage.rows().length > 4")
    opened.page.keyboard.up("d")
    rows = np.array(opened.page.evaluate("document.querySelector('.stage').stage.rows()"))
    assert rows[2, 12:].nonzero()[0].tolist() == [4], "an E"
    assert np.array_equal(rows[:5, :12], CHORDS_ONLY.form_roll(TWELVE_BAR)[:5])
    assert opened.problems == []
    opened.page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_without_a_script_it_says_what_it_would_do_and_where_to_listen(
    browser: Browser, name: str
) -> None:
    opened = open_page(browser, name, java_script_enabled=False)
    article = opened.page.locator(".bd-article")
    assert "With a script" in article.locator(".stage").inner_text()
    told = article.locator("p", has_text=re.compile("^Without a script in your browser"))
    assert told.locator("a").get_attribute("href").endswith("by_ear.html")
    opened.page.context.close()


@once_more
def test_another_engine_plays_and_learns(engine: engines.Engine) -> None:  # noqa: F811
    engine.open(HTML / ENDLESS)
    engine.press(".play-pause")
    root = found_by(".stage")
    engine.until(f"Number({root}.dataset.step) > 2")
    engine.press(".play-pause")
    engine.until(f"{root}.dataset.playing === 'false'")
    assert engine.problems() == []
    engine.open(HTML / NOW)
    engine.press(".go")
    engine.until(f"Number({root}.dataset.steps) > 9600")
    engine.press(".go")
    assert engine.problems() == []


@once_more
def test_another_engine_plays_with_you(engine: engines.Engine) -> None:  # noqa: F811
    engine.open(HTML / TOGETHER)
    engine.press(".play-pause")
    root = found_by(".stage")
    engine.until(f"Number({root}.dataset.step) > 1")
    engine.press('.pad[data-units="4"]')
    engine.until(f"{root}.stage.rows().some((row) => row[16])")  # an E, on the grid
    engine.press(".play-pause")
    engine.until(f"{root}.dataset.playing === 'false' && {root}.stage.hands.held.size === 0")
    engine.press(".midi")
    engine.until(f"{root}.querySelector('.said').textContent.includes('MIDI')")
    assert engine.problems() == []
