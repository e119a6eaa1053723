"""What the build takes out of a page of players, and that it is still there once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lstm_from_scratch.music import audio
from lstm_from_scratch.music.blues import Note
from lstm_from_scratch.showing import movable
from lstm_from_scratch.showing.player import hear


@pytest.fixture(scope="module")
def sounds(root: Path) -> Iterator[ModuleType]:
    """The extension of Sphinx."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "book" / "_ext"))
        import sounds

        yield sounds


def test_the_same_music_is_one_file(sounds: ModuleType, tmp_path: Path) -> None:
    low, high = hear([Note(60, 0, 2)], "low"), hear([Note(72, 0, 2)], "high")
    page = "".join(one._repr_html_() for one in (low, high, low, audio.player([Note(60, 0, 2)])))
    stored = sounds.store(page, tmp_path / "sounds", "../../")
    links = re.findall(r'src="([^"]+)"', stored)
    assert links[0] == links[2] == links[3] != links[1]
    assert "data:audio" not in stored
    assert stored.count('preload="none"') == stored.count("<audio") == 4
    files = sorted((tmp_path / "sounds").iterdir())
    assert len(files) == 2
    for link, one in zip(links, (low, high, low), strict=False):
        assert link.startswith("../../sounds/")
        assert (tmp_path / link.removeprefix("../../")).read_bytes() == one.mp3
    for words in ("<p>nothing to hear</p>", 'f"data:audio/mpeg;base64,{data}"'):
        assert sounds.store(words, tmp_path / "no", "") == words
    assert not (tmp_path / "no").exists()


def test_style_and_script_are_kept_once_and_in_time(sounds: ModuleType) -> None:
    players = [hear([Note(60, 0, 2)], name)._repr_html_() for name in ("first", "second", "third")]
    page = "<p>before</p>" + "<p>between</p>".join(players) + "<p>after</p>"
    light = sounds.once(page)
    style, script = light.index("<style>"), light.index("<script>// The sound")
    assert light.count("<style>") == light.count("<script>// The sound") == 1
    assert style < light.index("first</p>")
    assert script > light.index("third</p>"), "it starts the players that are there"
    assert light.count('type="application/json"') == light.count("<figure") == 3
    assert sounds.once(players[0]) == players[0]
    assert sounds.once("<p>none</p>") == "<p>none</p>"


def test_figures_to_move_bring_what_they_share_once(sounds: ModuleType) -> None:
    first, second = movable.rates().markup, movable.resets().markup
    light = sounds.once(f"{first}<p>between</p>{second}")
    assert light.count("<style>") == light.count("<script>") == 1
    assert light.index("<style>") < light.index("<p>between</p>") < light.index("<script>")
    other = sounds.once(movable.error_left(0.5 ** np.ones((2, 20)), 0.5).markup + first)
    assert other.count("<style>") == 1 and other.count("<script>") == 2  # of another kind
