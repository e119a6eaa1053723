"""The built book in Firefox and in WebKit: a short round, since Chromium has seen all of it.

The welcome page, a chapter, the player and the blind test, opened from disk as in `test_book`. An
engine that a machine does not have is skipped. Where ``ENGINES`` in the environment names one, as
`.ci/run` does for those that it could install, it must be there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path

import engines
import numpy as np
import pytest
from browsing import HTML
from engines import PATIENCE, Crashed, Engine

from lstm_from_scratch.music.blues import chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY
from lstm_from_scratch.showing.player import watch

FIRST = "document.querySelector('.performance')"
BARS = "[...document.querySelectorAll('.listening .bar')]"
NO_FRAMES = "window.requestAnimationFrame = () => 0;"
NO_TIME = "addEventListener('timeupdate', (event) => event.stopImmediatePropagation(), true);"


@pytest.fixture(scope="module", params=["firefox", "webkit"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A running browser of another make than Chromium."""
    name = request.param
    if lacking := engines.missing(name):
        message = f"no {lacking} on this machine: the pages are not tested in {name}"
        if name in os.environ.get("ENGINES", "").split():
            pytest.fail(message)
        pytest.skip(message)
    with engines.running(name, tmp_path_factory.mktemp(name)) as started:
        yield started


@pytest.fixture(scope="module")
def two_bars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A page with a player of two bars, four seconds."""
    roll = CHORDS_AND_MELODY.encode(chorus(1234).notes, 96)[:16]
    return watch(np.asarray(roll), tempo=240.0).save(tmp_path_factory.mktemp("page") / "two.html")


def once_more(test: Callable[..., None]) -> Callable[..., None]:
    """Take a test again, once, in another browser where the first has crashed.

    WebKit under its driver does so now and then, whatever the page.
    """

    @wraps(test)
    def taken(engine: Engine, **more: object) -> None:
        try:
            test(engine, **more)
        except Crashed:
            engine.begin()
            test(engine, **more)

    return taken


def fits(engine: Engine) -> bool:
    return engine.ask("document.documentElement.scrollWidth <= innerWidth")


@once_more
def test_the_first_page_is_heard_at_one_press(engine: Engine) -> None:
    engine.open(HTML / "book" / "welcome.html")
    assert fits(engine)
    assert engine.ask("document.querySelectorAll('.performance.compact[data-step]').length") == 3
    for number in (0, 1):
        player = f"document.querySelectorAll('.performance.compact')[{number}]"
        title = engine.ask(f"{player}.querySelector('.title').textContent")
        engine.press(f'.performance.compact[aria-label="{title}"] .play-pause')
        engine.until(f"Number({player}.dataset.step) > 2")
        sounding = "[...document.querySelectorAll('audio')].filter((one) => !one.paused).length"
        assert engine.ask(sounding) == 1
    engine.press('.performance[data-playing="true"] .play-pause')
    engine.until("[...document.querySelectorAll('audio')].every((one) => one.paused)")
    assert engine.ask("document.querySelectorAll('[data-playing=\"true\"]').length") == 0
    assert engine.problems() == []


@once_more
def test_a_chapter_is_whole(engine: Engine) -> None:
    engine.open(HTML / "notebooks" / "04_the_memory_block.html")
    assert engine.ask("document.querySelectorAll('.math:not(:has(> math))').length") == 0
    sums = "[...document.querySelectorAll('math munder')].map((sum) => sum.getBoundingClientRect())"
    assert engine.ask(f"Math.max(...{sums}.map((box) => box.height))") > 10
    broken = "[...document.images].filter((one) => one.offsetParent && !one.naturalWidth).length"
    assert engine.ask(broken) == 0
    assert fits(engine)
    engine.press(".performance .play-pause")
    engine.until("document.querySelector('.performance audio').currentTime > 0.3")
    engine.press(".performance .play-pause")
    engine.until("document.querySelector('.performance').dataset.playing === 'false'")
    assert engine.problems() == []


@pytest.mark.parametrize("before", ["", NO_FRAMES, NO_FRAMES + NO_TIME], ids=["all", "few", "end"])
@once_more
def test_a_loop_is_shown_as_long_as_it_sounds(engine: Engine, two_bars: Path, before: str) -> None:
    """As in a tab behind others; where nothing calls, the sound comes to the end of its file."""
    engine.open(two_bars, before)
    audio = f"{FIRST}.querySelector('audio')"
    engine.ask(f"{FIRST}.dispatchEvent(new Event('pointerenter'))")  # now the sound is made
    engine.until(f"{audio}.src.startsWith('blob:')")
    counting = "() => (window.begun = (window.begun ?? 0) + 1)"
    engine.ask(f"{audio}.addEventListener('seeked', {counting})")
    engine.press(".loop")
    engine.press(".play-pause")
    if NO_TIME not in before:
        engine.until(f"Number({FIRST}.dataset.step) > 8")
    seen = set()
    end = time.monotonic() + PATIENCE
    while (engine.ask("window.begun") or 0) < 3:
        assert time.monotonic() < end, "it does not begin again"
        seen.add(engine.ask(f"{FIRST}.dataset.playing"))
        time.sleep(0.02)
    assert seen == {"true"}
    engine.until(f"!{audio}.paused")
    engine.press(".play-pause")
    engine.until(f"{audio}.paused && {FIRST}.dataset.playing === 'false'")
    assert engine.problems() == []


@once_more
def test_the_player_obeys(engine: Engine, two_bars: Path) -> None:
    engine.open(two_bars)
    audio = f"{FIRST}.querySelector('audio')"
    engine.ask(f"{FIRST}.dispatchEvent(new Event('pointerenter'))")  # now the sound is made
    engine.until(f"{audio}.src.startsWith('blob:') && {audio}.readyState > 0")
    length = engine.ask(f"{audio}.duration")
    engine.press(".part.melody")
    engine.until(f"{audio}.readyState > 0 && {FIRST}.dataset.heard === 'chords'")
    assert abs(engine.ask(f"{audio}.duration") - length) < 0.01
    engine.press(".across")  # in the middle
    assert abs(int(engine.ask(f"{FIRST}.dataset.step")) - 8) <= 1
    engine.press(".play-pause")
    engine.until(f"{audio}.ended && {FIRST}.dataset.playing === 'false'")
    assert engine.ask(f"{FIRST}.dataset.step") == "15"
    assert engine.problems() == []


@once_more
def test_the_blind_test_can_be_taken(engine: Engine) -> None:
    engine.open(HTML / "book" / "by_ear.html")
    assert fits(engine)
    assert engine.ask("document.querySelectorAll('.listening .piece').length") == 12
    engine.ask(
        "document.querySelectorAll('.listening input[value=\"4\"]').forEach((one) => one.click())"
    )
    engine.press(".listening .reveal")
    assert engine.ask("document.querySelectorAll('.listening .result tbody tr').length") == 16
    engine.press(".listening .result tbody button")
    engine.until("[...document.querySelectorAll('audio')].some((one) => one.currentTime > 0.3)")
    assert engine.ask(f"{BARS}.filter((bar) => !bar.hidden).length") == 1
    engine.press(".listening .again")
    engine.until("[...document.querySelectorAll('audio')].every((one) => one.paused)")
    engine.until(f"{BARS}.every((bar) => bar.hidden)")
    assert engine.problems() == []
