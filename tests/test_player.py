"""The player: what it draws is the data, and in a real browser it keeps time with its sound.

The pages of the second half are built here and opened from disk, with no network; one test starts a
JupyterLab of its own. Without a browser they are skipped (in CI they fail), as in `test_book`.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
import pytest
import soundfile
from browsing import NARROW, PATIENCE, WIDE, watched
from playwright.sync_api import Browser, Locator, Page
from test_audio import loudest, onsets
from test_book import WIDEST

from lstm_from_scratch.machine.network import Network, Step, Topology, Voice, record
from lstm_from_scratch.music import audio, tunes
from lstm_from_scratch.music.blues import TWELVE_BAR, Form, Note, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY, Encoding
from lstm_from_scratch.music.midi import Music
from lstm_from_scratch.showing import figures
from lstm_from_scratch.showing.player import GATES, Performance, hear, watch

TWO_VOICES = Topology(
    (
        Voice("chords", 12, (2, 2, 2, 2), g=(-1, 1)),
        Voice("melody", 13, (2, 2, 2, 2), reads=("chords",), choice="sample"),
    )
)
TOGETHER = 0.05  # seconds that the step under the playhead and the sound may be apart


def random_network(topology: Topology, seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    return Network(
        topology,
        rng.normal(0, 1, topology.hidden_mask.shape) * topology.hidden_mask,
        rng.normal(0, 1, topology.output_mask.shape) * topology.output_mask,
    )


def whole_chorus(number: int = 1234) -> np.ndarray:
    return CHORDS_AND_MELODY.encode(chorus(number).notes, 96)


def random_roll(steps: int, seed: int = 0) -> np.ndarray:
    """Chords of the blues; a new melody note at each step, or sometimes none."""
    rng = np.random.default_rng(seed)
    roll = np.tile(CHORDS_AND_MELODY.form_roll(TWELVE_BAR), (-(-steps // 96), 1))[:steps]
    last = -1
    for step in np.flatnonzero(rng.random(steps) < 0.8):
        last = rng.choice([unit for unit in range(12, 25) if unit != last])
        roll[step, last] = 1.0
    return roll


class Elements(HTMLParser):
    """All elements of a piece of HTML: name, attributes, and the text directly inside."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attributes), []))

    def handle_data(self, data: str) -> None:
        if self.all:
            self.all[-1][2].append(data)

    def of(self, tag: str, kind: str = "") -> list[tuple[dict[str, str | None], str]]:
        return [
            (attributes, "".join(text))
            for name, attributes, text in self.all
            if name == tag and set(kind.split()) <= set((attributes.get("class") or "").split())
        ]


def stored(performance: Performance) -> dict:
    """What the script is given."""
    scripts = Elements(performance._repr_html_()).of("script")
    return json.loads(next(text for a, text in scripts if a.get("type") == "application/json"))


def staircase(path: str) -> np.ndarray:
    """The height of each stair of ``M0 base V.. H1 V.. H2 .. V base z``, upwards from its base."""
    base = float(re.match(r"M0 ([-\d.]+)", path)[1])
    stairs = re.findall(r"V([-\d.]+)H(\d+)", path)
    assert [int(to) for _, to in stairs] == list(range(1, len(stairs) + 1))
    return base - np.array([float(top) for top, _ in stairs])


# ---- What it draws -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def activations() -> Step:
    return record(random_network(TWO_VOICES), whole_chorus())


@pytest.fixture(scope="module")
def performance(activations: Step) -> Performance:
    return watch(whole_chorus(), steps=activations, topology=TWO_VOICES)


def test_a_chorus_is_small_beside_its_sound(performance: Performance) -> None:
    page = performance._repr_html_()
    sound = base64.b64encode(performance.mp3).decode()
    assert sound in page
    assert len(page.encode()) - len(sound) < 300_000


def test_it_asks_for_nothing(performance: Performance) -> None:
    page = performance._repr_html_()
    words = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search(r"https?:|[\"'(=]//|@import|url\(", words)
    addresses = [
        value
        for _, attributes, _ in Elements(page).all
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "xlink:href", "data")
    ]
    assert [address[:23] for address in addresses] == ["data:audio/mpeg;base64,"]


def test_the_same_music_gives_the_same_page(activations: Step, performance: Performance) -> None:
    again = watch(whole_chorus(), steps=activations, topology=TWO_VOICES)
    assert again._repr_html_() == performance._repr_html_()
    assert watch(whole_chorus(1235))._repr_html_() != watch(whole_chorus())._repr_html_()


def test_it_is_short_as_text() -> None:
    shown = watch(random_roll(16), title="Two bars")
    assert repr(shown) == "Performance('Two bars', 16 steps, 4.4 s)"


def test_a_player_saved_is_a_page_of_its_own(tmp_path: Path) -> None:
    shown = watch(CHORDS_AND_MELODY.encode(chorus(7).notes, 96), title="One & <two>")
    path = shown.save(tmp_path / "player.html")
    page = path.read_text(encoding="utf-8")
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert '<meta charset="utf-8">' in page and "<title>One &amp; &lt;two&gt;</title>" in page
    assert shown._repr_html_() in page
    asked = re.findall(r'(?:src|href)="([^"]{0,30})', page) + re.findall(r"url\(|@import", page)
    assert all(it.startswith("data:audio/mpeg;base64,") for it in asked) and len(asked) == 1
    assert page.rstrip().endswith("</html>") and page.count("<main>") == 1


def test_a_player_is_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    shown = watch(CHORDS_AND_MELODY.encode(chorus(7).notes, 96)[:8])
    with pytest.raises(
        ValueError, match=r"path .*player\.svg': expected a name that ends in \.html"
    ):
        shown.save(tmp_path / "player.svg")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        shown.save(tmp_path / "no" / "player.html")
    assert list(tmp_path.iterdir()) == []


def test_a_title_is_words_not_markup() -> None:
    title = "</script><b>{sound}\" & 'co'"
    page = Elements(watch(random_roll(8), title=title)._repr_html_())
    assert page.of("p", "title")[0][1].strip() == title
    assert page.of("figure")[0][0]["aria-label"] == title
    assert page.of("audio")[0][0]["aria-label"] == title
    assert Counter(tag for tag, *_ in page.all)["b"] == 1  # the word on the play button


def test_whatever_can_be_read_is_a_word_or_a_number(performance: Performance) -> None:
    markup = re.sub(r"(?s)<(style|script)\b.*?</\1>", "", performance._repr_html_())
    texts = [text.strip() for text in re.split(r"<[^>]*>", markup)]
    assert [text for text in texts if text and not re.search(r"\w", text)] == []


def test_names_of_voices_are_words_not_markup() -> None:
    topology = Topology((Voice('<i class="x">', 25, (1,)),))
    roll = random_roll(8)
    steps = record(random_network(topology), roll)
    page = Elements(watch(roll, steps=steps, topology=topology)._repr_html_())
    assert page.of("i", "x") == []
    assert [text for _, text in page.of("text", "heading")] == ['<i class="x">: block 1']


def test_no_place_is_named_twice(performance: Performance) -> None:
    elements = Elements(performance._repr_html_() * 2).all
    ids = Counter(attributes["id"] for _, attributes, _ in elements if "id" in attributes)
    assert [name for name, times in ids.items() if times > 1] == []


@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_drawn_is_what_happened(seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = tuple(int(n) for n in rng.integers(1, 4, size=3))
    topology = Topology((Voice("chords", 12, blocks[:1]), Voice("melody", 13, blocks[1:])))
    roll = random_roll(int(rng.integers(20, 60)), seed)
    steps = record(random_network(topology, seed), roll)
    shown = watch(roll, steps=steps, topology=topology)
    rows = Elements(shown._repr_html_()).of("path", "row")
    expected, kinds = [], []
    for block in range(3):
        for gate in GATES:
            expected.append(getattr(steps, gate)[:, block])
            kinds.append(gate)
        for cell in range(sum(blocks[:block]), sum(blocks[: block + 1])):
            expected.append(steps.cell_state[:, cell])
            kinds.append("cell_state")
    assert [a["class"].split()[1] for a, _ in rows] == kinds
    numbers = stored(shown)["rows"]
    assert len(numbers) == len(expected)
    for (attributes, _), kind, values, written in zip(rows, kinds, expected, numbers, strict=True):
        drawn = staircase(attributes["d"])
        scale = 7.5 / np.abs(values).max() if kind == "cell_state" else 11.0
        np.testing.assert_allclose(drawn, scale * values, atol=0.006)
        np.testing.assert_allclose(written, values, atol=0.00501)


def test_rows_do_not_overlap(performance: Performance) -> None:
    marks = [a for a, _ in Elements(performance._repr_html_()).of("rect", "mark")]
    keys = [a for a, _ in Elements(performance._repr_html_()).of("rect", "key")]
    spans = sorted((float(a["y"]), float(a["y"]) + float(a["height"])) for a in keys + marks)
    assert len(spans) == 25 + 8 * 3 + 16
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


def test_every_row_has_a_label(performance: Performance) -> None:
    words = [text for _, text in Elements(performance._repr_html_()).of("text")]
    assert Counter(words)["input gate"] == Counter(words)["output gate"] == 8
    assert sum(word.startswith("cell 1 (±") for word in words) == 8
    for pitch in CHORDS_AND_MELODY.pitches:
        assert figures.pitch_label(pitch) in words
    assert [word for word in words if word.startswith("block ")] == [
        f"block {number}" for number in range(1, 9)
    ]
    assert {"chords: blocks 1 to 4", "melody: blocks 5 to 8"} <= set(words)
    symbols = [t for _, t in Elements(performance._repr_html_()).of("text", "symbol")]
    assert symbols == [figures.chord_label(symbol) for symbol in TWELVE_BAR.chords]


def test_a_scale_says_how_much_a_cell_holds(activations: Step, performance: Performance) -> None:
    words = [text for _, text in Elements(performance._repr_html_()).of("text")]
    scales = [float(re.search(r"±(.*)\)", word)[1]) for word in words if "±" in word]
    np.testing.assert_allclose(scales, np.abs(activations.cell_state).max(axis=0), rtol=0.06)


def test_notes_are_where_the_roll_has_them() -> None:
    roll = random_roll(40, seed=3)
    page = Elements(watch(roll)._repr_html_())
    tops = {}
    for (key, _), pitch in zip(
        page.of("rect", "key"),
        sorted(CHORDS_AND_MELODY.pitches, reverse=True),
        strict=True,
    ):
        tops[float(key["y"])] = CHORDS_AND_MELODY.pitches.index(pitch)
    drawn = np.zeros_like(roll)
    for attributes, _ in page.of("path", "notes"):
        for onset, top, width in re.findall(r"M(\d+) (\d+)h([\d.]+)", attributes["d"]):
            start = int(onset)
            drawn[start : start + round(float(width)), tops[float(top) - 1]] = 1
    np.testing.assert_array_equal(drawn, roll)
    keys = np.array([[int(on) for on in key] for key in stored(watch(roll))["keys"]]).T
    np.testing.assert_array_equal(keys, roll[:, list(tops.values())])


def test_a_shade_is_what_the_step_before_expected(activations: Step) -> None:
    shown = watch(whole_chorus(), steps=activations, topology=TWO_VOICES)
    page = Elements(shown._repr_html_())
    order = sorted(CHORDS_AND_MELODY.pitches, reverse=True)
    tops = {
        float(key["y"]): CHORDS_AND_MELODY.pitches.index(pitch)
        for (key, _), pitch in zip(page.of("rect", "key"), order, strict=True)
    }
    shade = np.zeros((96, 25))
    for attributes, _ in page.of("path", "expected"):
        for step, top in re.findall(r"M(\d+) (\d+)h1", attributes["d"]):
            assert shade[int(step), tops[float(top)]] == 0
            shade[int(step), tops[float(top)]] = 2 * float(attributes["opacity"])
    assert not shade[0].any()
    prediction = activations.prediction[:-1]
    np.testing.assert_allclose(shade[1:], prediction, atol=0.0501)
    assert (shade[1:] > 0)[prediction >= 0.05].all()


def test_colours_are_the_books() -> None:
    style = Elements(watch(random_roll(8))._repr_html_()).of("figure")[0][0]["style"]
    for name, colour in figures.COLOURS.items():
        assert f"--{name.replace('_', '-')}:{colour};" in style


def test_words_say_where_one_is_and_what_sounds() -> None:
    data = stored(watch(whole_chorus(0)))
    assert data["where"][:3] == ["bar 1, beat 1", "bar 1, beat 1½", "bar 1, beat 2"]
    assert data["where"][95] == "bar 12, beat 4½"
    assert data["chord"][::8] == [figures.chord_label(symbol) for symbol in TWELVE_BAR.chords]
    first = [figures.pitch_label(pitch) for pitch in TWELVE_BAR.segments[0][0]]
    assert data["note"][:8:2] == first


def test_a_chord_that_is_not_the_forms_is_named_by_what_sounds() -> None:
    roll = CHORDS_ONLY.encode([Note(48, 0, 1), Note(51, 0, 1), *whole_f7(1)], 3)
    data = stored(watch(roll, encoding=CHORDS_ONLY))
    assert data["chord"] == ["C3 E♭3", "F7", ""]  # F7 where the form has C7, then silence
    assert data["note"] == ["", "", ""]


def whole_f7(onset: int) -> list[Note]:
    return [Note(pitch, onset, 1) for pitch in (48, 51, 53, 57)]


@pytest.mark.parametrize("steps", [1, 13, 96, 203])
def test_music_of_any_length(steps: int) -> None:
    roll = random_roll(steps)
    shown = watch(
        roll, steps=record(random_network(TWO_VOICES), roll), topology=TWO_VOICES, tempo=100
    )
    data = stored(shown)
    assert len(data["where"]) == len(data["chord"]) == shown.steps == steps
    assert shown.duration == pytest.approx(steps * 0.3 + audio.TAIL, abs=0.001)
    if steps > 96:
        assert data["where"][96 + 9] == "chorus 2, bar 2, beat 1½"
    symbols = [t for _, t in Elements(shown._repr_html_()).of("text", "symbol")]
    bars = -(-steps // 8)
    expected = [figures.chord_label(TWELVE_BAR.chords[bar % 12]) for bar in range(bars)]
    assert symbols == expected


def test_what_is_heard_is_drawn_as_it_is_written() -> None:
    """Every note as it is struck, on a row of its own; symbols where there is room for them."""
    piece = chorus(23)
    page = Elements(hear(piece)._repr_html_())
    drawn = {
        attributes["class"].split()[1]: re.findall(r"M(\d+) \d+h([\d.]+)", attributes["d"])
        for attributes, _ in page.of("path", "notes")
    }
    for name, notes in (("chords", piece.chords), ("melody", piece.melody)):
        found = sorted((int(onset), round(float(width))) for onset, width in drawn[name])
        assert found == sorted((note.onset, note.duration) for note in notes)
    assert len(page.of("text", "symbol")) == 12 and len(page.of("text", "number")) == 12
    scale = Elements(hear([Note(60, 0, 2), Note(90, 2, 2)], form=None)._repr_html_())
    assert scale.of("text", "symbol") == [] and len(scale.of("text", "number")) == 1
    twice = hear({"melody": [Note(60, 0, 192)]})
    assert Elements(twice._repr_html_()).of("text", "symbol") == []
    with pytest.raises(ValueError, match="music: expected a note at least"):
        hear([])


def test_over_a_tune_bars_and_beats_are_the_tunes() -> None:
    tune = tunes.read(tunes.EXAMPLES / "last_bus.musicxml")  # twelve steps a bar, three of a pickup
    shown = hear(tune.music, "Last Bus", form=tune)
    data, page = stored(shown), Elements(shown._repr_html_())
    assert (data["bar"], data["tempo"]) == (12, 112)
    assert data["times"][12] == pytest.approx(4 * 60 / 112)
    assert data["where"][:5] == [*["before bar 1"] * 3, "bar 1, beat 1", "bar 1, beat 1⅓"]
    assert data["where"][95] == "bar 8, beat 3⅔"
    assert data["chord"][0] == "A7" and data["chord"][3::12] == [
        "Dm", "Gm", "Dm", "A7", "Dm", "Gm", "A7", "Dm"
    ]  # fmt: skip
    (lines,) = page.of("path", "line bar")
    assert re.findall(r"M(\d+) ", lines[0]["d"]) == [str(it) for it in tune.bar_lines]
    assert [text for _, text in page.of("text", "number")] == [str(bar) for bar in range(1, 9)]
    assert len(page.of("text", "symbol")) == 9

    melody = [Note(60, at, 96) for at in (0, 96)]
    data = stored(hear({"melody": melody}, form=tune, tempo=56))
    assert data["where"][95:100] == [
        *["chorus 1, bar 8, beat 3⅔"], "chorus 1, bar 8, beat 4", "chorus 1, bar 8, beat 4⅓",
        "chorus 1, bar 8, beat 4⅔", "chorus 2, bar 1, beat 1",
    ]  # fmt: skip
    assert data["times"][12] == pytest.approx(8 * 60 / 112)
    assert stored(hear([Note(60, 0, 2)], form=tune))["where"] == ["before bar 1"] * 2


def test_another_form_and_encoding() -> None:
    form = Form(
        "three", ("Am7", "D7", "Bbmaj7"), steps_per_bar=6, chord_pitches=tuple(range(40, 64))
    )
    encoding = Encoding(chords=tuple(range(40, 64)), melody=())
    roll = encoding.form_roll(form)
    shown = watch(roll, encoding=encoding, form=form)
    data = stored(shown)
    assert data["chord"][::6] == ["Am7", "D7", "B♭maj7"]
    assert data["where"][17] == "bar 3, beat 3½"
    assert data["bar"] == 6
    assert 'data-part="1"' not in shown._repr_html_()  # there is no melody to be muted


def test_time_is_the_sounds(performance: Performance) -> None:
    for tempo, swing in ((120.0, 0.5), (93.0, 0.62)):
        shown = watch(random_roll(20), tempo=tempo, swing=swing)
        expected = [audio.seconds(step, tempo, swing) for step in range(21)]
        np.testing.assert_allclose(stored(shown)["times"], expected, atol=1e-6)


def test_its_mp3_is_the_music() -> None:
    piece, melody = chorus(77), melody_of(whole_chorus(77))
    shown = watch(CHORDS_AND_MELODY.encode(piece.notes, 96))
    heard, rate = soundfile.read(io.BytesIO(shown.mp3))
    assert (rate, heard.ndim) == (audio.RATE, 1)
    assert len(heard) == pytest.approx(shown.duration * rate, abs=1)
    expected = audio.synthesise({"chords": piece.chords, "melody": melody})
    difference = heard[: len(expected)] - expected
    assert np.sqrt((difference**2).mean()) < 0.1 * np.sqrt((expected**2).mean())  # MP3 loses some
    assert hear(piece).mp3 == audio.player(piece).mp3


def melody_of(roll: np.ndarray) -> list[Note]:
    """In a roll neighbouring notes of one pitch are one note."""
    return [note for note in CHORDS_AND_MELODY.decode(roll) if note.pitch >= 60]


def test_silence_is_played_as_well() -> None:
    shown = watch(np.zeros((8, 25)))
    heard, _ = soundfile.read(io.BytesIO(shown.mp3))
    assert not heard.any()
    assert stored(shown)["chord"] == [""] * 8


def altered(steps: Step, name: str, values: np.ndarray) -> Step:
    return steps._replace(**{name: values})


def test_bad_input_is_refused(activations: Step) -> None:
    roll = whole_chorus()
    a = activations
    gates, states = a.forget_gate.copy(), a.cell_state.copy()
    gates[3, 2], states[5, 1] = np.nan, np.inf
    open_wide = a.input_gate + 1
    one_voice = Topology((Voice("chords", 12, (2, 2, 2, 2)),))
    blocks_of_one = Topology((Voice("all", 25, (1,) * 16),))
    cases = [
        (roll[:, :12], {}, r"\(steps, 25\), got \(96, 12\)"),
        (roll + 0.5, {}, "0.0 and 1.0 only"),
        (roll[:0], {}, "no step"),
        (roll, {"tempo": -1}, "tempo: expected a number of beats a minute from 4"),
        (roll, {"swing": 0.9}, "swing: expected .*got 0.9"),
        (roll, {"steps": a}, "pass topology="),
        (roll, {"steps": a, "topology": one_voice}, "12 inputs does not match .* 25 units"),
        (roll[:95], {"steps": a, "topology": TWO_VOICES}, r"\(95, 8\) .* got \(96, 8\)"),
        (roll, {"steps": a, "topology": blocks_of_one}, r"input_gate: .* \(96, 16\)"),
        (roll, {"steps": altered(a, "forget_gate", gates)}, "forget_gate: .* finite"),
        (roll, {"steps": altered(a, "cell_state", states)}, "cell_state: .* finite"),
        (roll, {"steps": altered(a, "cell_state", states[:, 1:])}, r"cell_state: .* \(96, 15\)"),
        (roll, {"steps": altered(a, "prediction", a.prediction[:, 0])}, "prediction: expected"),
        (roll, {"steps": altered(a, "input_gate", open_wide)}, "input_gate: .* from 0 to 1"),
        (roll, {"steps": a, "topology": TWO_VOICES, "compact": True}, "leave steps out"),
    ]
    for given, options, message in cases:
        if "forget" in message or "cell" in message or "from 0" in message or "pred" in message:
            options = {"topology": TWO_VOICES} | options
        with pytest.raises(ValueError, match=message):
            watch(given, **options)


# ---- In a browser --------------------------------------------------------------------------------


class Stage(NamedTuple):
    """A page with players on it, and what went wrong there."""

    page: Page
    problems: list[str]

    def player(self, number: int = 0) -> Locator:
        return self.page.locator(".performance").nth(number)

    def press(self, button: str, number: int = 0) -> None:
        self.player(number).get_by_role("button", name=button).click()

    def step(self, number: int = 0) -> int:
        return int(self.player(number).get_attribute("data-step"))

    def until(self, condition: str, number: int = 0) -> None:
        """Wait until something is true of ``root``, the player, and ``audio``, its sound."""
        self.page.wait_for_function(
            f"""(number) => {{
                const root = document.querySelectorAll(".performance")[number];
                const audio = root.querySelector("audio");
                return {condition};
            }}""",
            arg=number,
            polling=20,  # milliseconds: some pages here have no frames
        )

    def ask(self, expression: str, number: int = 0) -> object:
        """What an expression of ``root`` and ``audio`` is."""
        return self.player(number).evaluate(
            f"""(root) => {{
                const audio = root.querySelector("audio");
                return {expression};
            }}"""
        )

    def sound(self, number: int = 0) -> np.ndarray:
        """The samples that are being played, from the player's own file."""
        stored = self.player(number).evaluate(
            """async (root) => {
                const bytes = await (await fetch(root.querySelector("audio").src)).blob();
                return new Promise((resolve) => {
                    const reader = new FileReader();
                    reader.onload = () => resolve(reader.result);
                    reader.readAsDataURL(bytes);
                });
            }"""
        )
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(stored.partition(",")[2])))
        assert rate == audio.RATE
        return samples


@pytest.fixture
def stage(browser: Browser, tmp_path: Path) -> Iterator[object]:
    """Opens pages that hold the given players, and refuses them the network."""
    contexts, noted = [], []

    def build(
        *shown: Performance,
        theme: str = "light",
        before: str = "",
        script: str = "",
        **options: object,
    ) -> Stage:
        page, problems = watched(browser, script, **options)
        contexts.append(page.context)
        noted.append(problems)
        path = tmp_path / f"page{len(contexts)}.html"
        body = "".join(performance._repr_html_() for performance in shown)
        path.write_text(
            f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>Players</title><body>{before}<main>{body}</main></body></html>",
            encoding="utf-8",
        )
        page.goto(path.as_uri())
        built = Stage(page, problems)
        if options.get("java_script_enabled", True):
            for number in range(len(shown)):  # who comes near has the sound made of the notes
                built.ask("root.dispatchEvent(new Event('pointerenter'))", number)
                built.until("audio.src.startsWith('blob:') && audio.readyState > 0", number)
        return built

    yield build
    for context in contexts:
        context.close()
    assert noted and not any(noted), noted


def heard_in(performance: Performance) -> np.ndarray:
    """The decoded MP3."""
    samples, rate = soundfile.read(io.BytesIO(performance.mp3))
    assert rate == audio.RATE
    return samples


def place_of(part: np.ndarray, whole: np.ndarray) -> float:
    """Where a piece of sound comes from, in seconds."""
    like = np.correlate(whole, part, "valid")
    power = np.convolve(whole**2, np.ones(len(part)), "valid")
    return int(np.argmax(like / np.sqrt(power + 1e-6))) / audio.RATE


def in_time(playing: np.ndarray, performance: Performance) -> bool:
    """Is the sound that is played the MP3's, not shifted by more than 2 ms?"""
    mixture = heard_in(performance)
    return abs(place_of(playing[20_000:40_000], mixture) - 20_000 / audio.RATE) < 0.002


# Notes in each frame, once the player has drawn it, the step shown and the clock of the sound. So
# the two are compared as the reader has them, and a busy machine that skips frames does no harm.
WATCH = """(root) => {
    const audio = root.querySelector("audio");
    root.seen = [];
    const note = () => {
        if (root.dataset.playing !== "true") return;
        root.seen.push([Number(root.dataset.step), audio.currentTime]);
        requestAnimationFrame(note);
    };
    new MutationObserver(note).observe(root, { attributeFilter: ["data-playing"] });
}"""

# Keeps what comes out of a player from now on, for so many milliseconds, in ``root.heard``.
CAPTURE = """async ([root, milliseconds]) => {
    const audio = root.querySelector("audio");
    root.context ??= new AudioContext({ sampleRate: 22050 });
    root.source ??= root.context.createMediaElementSource(audio);
    const recorder = root.context.createScriptProcessor(1024, 1, 1);
    root.heard = [];
    recorder.onaudioprocess = (e) => root.heard.push(...e.inputBuffer.getChannelData(0));
    root.source.connect(recorder);
    recorder.connect(root.context.destination);
    root.querySelector(".play-pause").click();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    root.querySelector(".play-pause").click();
    recorder.disconnect();
    root.source.disconnect();
    return root.heard;
}"""


def captured(built: Stage, milliseconds: int) -> np.ndarray:
    """What comes out of the first player after its play button is pressed, from the first sound."""
    handle = built.player().element_handle()
    samples = np.array(built.page.evaluate(CAPTURE, [handle, milliseconds]))
    return samples[np.flatnonzero(np.abs(samples) > 1e-4)[0] :]


@pytest.mark.parametrize("swing", [0.5, 0.62])
def test_the_playhead_is_where_the_sound_is(stage, swing: float) -> None:
    roll = random_roll(32, seed=5)
    steps = record(random_network(TWO_VOICES), roll)
    shown = watch(roll, steps=steps, topology=TWO_VOICES, tempo=150, swing=swing)
    built = stage(shown)
    built.player().evaluate(WATCH)
    built.press("Play")
    built.until("root.dataset.playing === 'false'")
    shown_step, clock = np.array(built.ask("root.seen")).T
    assert (np.diff(shown_step) >= 0).all()
    assert shown_step[-1] == 31

    melody = [note for note in CHORDS_AND_MELODY.decode(roll) if note.pitch >= 60]
    found = onsets(audio.synthesise({"melody": melody}, tempo=150, swing=swing))
    lines = np.vstack([np.zeros(13), roll[:, 12:]])
    begins = np.flatnonzero((lines[1:] != lines[:-1]).any(axis=1) & lines[1:].any(axis=1))
    assert len(found) == len(begins) > 15
    for onset, step in zip(found, begins, strict=True):
        before, after = clock < onset - TOGETHER, clock > onset + TOGETHER
        assert (shown_step[before] < step).all(), "the playhead runs ahead"
        assert (shown_step[after] >= step).all(), "the playhead is late"
    assert in_time(built.sound(), shown)


def test_what_sounds_after_a_jump_is_what_stands_under_the_playhead(stage) -> None:
    shown = watch(whole_chorus(), swing=0.6)
    built = stage(shown)
    mixture = heard_in(shown)
    box = built.player().locator(".across").bounding_box()
    for step in (0, 29, 50, 77):
        built.page.mouse.click(box["x"] + (step + 0.5) / 96 * box["width"], box["y"] + 150)
        assert built.step() == step
        assert built.ask("root.dataset.playing") == "false"
        samples = captured(built, 900)
        began = place_of(samples[1500:7500], mixture) - 1500 / audio.RATE
        assert began == pytest.approx(audio.seconds(step, 120, 0.6), abs=TOGETHER / 2)


def test_keys_move_it_and_only_it(stage) -> None:
    shown = watch(whole_chorus())
    before = '<textarea></textarea><div style="height: 40px">words</div>'
    built = stage(shown, before=before)
    keyboard = built.page.keyboard
    slider = built.player().get_by_role("slider", name="Position")
    slider.focus()
    moves = [
        ("ArrowRight", 1), ("ArrowUp", 9), ("ArrowRight", 10), ("ArrowDown", 2), ("ArrowLeft", 1),
        ("ArrowDown", 0), ("PageUp", 8), ("End", 95), ("ArrowRight", 95), ("PageDown", 87),
        ("Home", 0), ("ArrowLeft", 0),
    ]  # fmt: skip
    for key, step in moves:
        keyboard.press(key)
        assert built.step() == step, key
        assert slider.input_value() == str(step)
    keyboard.press("Space")
    built.until("root.dataset.playing === 'true' && !audio.paused && audio.currentTime > 0.3")
    keyboard.press("Space")
    built.until("root.dataset.playing === 'false' && audio.paused")
    stopped = built.ask("audio.currentTime")
    built.page.wait_for_timeout(200)
    assert built.ask("audio.currentTime") == stopped

    built.page.locator("textarea").focus()
    keyboard.type("a b")
    assert built.page.locator("textarea").input_value() == "a b"
    built.page.evaluate("document.activeElement.blur()")
    keyboard.press("Space")
    keyboard.press("ArrowRight")
    assert built.ask("audio.paused")
    assert built.ask("audio.currentTime") == stopped

    loop = built.player().get_by_role("button", name="Loop")
    loop.focus()
    keyboard.press("Space")  # on a button it does what the button does
    assert loop.get_attribute("aria-pressed") == "true"
    assert built.ask("audio.paused")
    tempo = built.player().get_by_role("slider", name="Tempo")
    tempo.focus()
    step = built.step()
    keyboard.press("ArrowRight")
    assert (built.step(), tempo.input_value()) == (step, "1.05")


def test_it_says_in_words_where_it_is(stage) -> None:
    shown = watch(whole_chorus(0))
    built = stage(shown)
    slider = built.player().get_by_role("slider", name="Position")
    slider.focus()
    for _ in range(4):
        built.page.keyboard.press("ArrowUp")
    for _ in range(3):
        built.page.keyboard.press("ArrowRight")
    note = stored(shown)["note"][35]
    assert slider.get_attribute("aria-valuetext") == f"bar 5, beat 2 and a half, F7, {note}"
    assert built.player().locator(".now").inner_text().split("\n") == ["F7", note, "bar 5, beat 2½"]
    assert built.page.locator("[aria-live], [role=status], [role=alert]").count() == 0
    # While the music plays under the slider, a screen reader is left in peace.
    built.page.keyboard.press("Space")
    built.until("root.dataset.step > 37")
    assert slider.get_attribute("aria-valuetext").startswith("bar 5, beat 2 and a half")
    built.page.keyboard.press("Space")
    where = stored(shown)["where"][built.step()].replace("½", " and a half")
    assert slider.get_attribute("aria-valuetext").startswith(where)


def test_every_control_has_a_name_and_shows_the_focus(stage) -> None:
    built = stage(watch(random_roll(8), title="Two bars"))
    names = []
    for _ in range(7):
        built.page.keyboard.press("Tab")
        names.append(
            built.page.evaluate(
                """() => {
                    const now = document.activeElement;
                    const outline = (e) => getComputedStyle(e).outlineStyle !== "none";
                    if (!outline(now) && !outline(now.parentElement)) return "no outline";
                    return now.ariaLabel ?? now.closest("label, button").innerText.trim();
                }"""
            )
        )
    assert [name.split("\n")[0].split(" ")[0] for name in names] == [
        "Play", "Loop", "Chords", "Melody", "Tempo", "Position", "Picture",
    ]  # fmt: skip
    assert built.page.get_by_role("figure", name="Two bars").count() == 1


def test_values_are_shown_beside_their_rows(stage, performance: Performance) -> None:
    built = stage(performance)
    built.player().get_by_role("slider", name="Position").focus()
    for _ in range(10):
        built.page.keyboard.press("ArrowRight")
    written = built.player().locator(".value").all_text_contents()
    shown = [float(text.replace("\N{MINUS SIGN}", "-")) for text in written]
    np.testing.assert_allclose(shown, [row[10] for row in stored(performance)["rows"]], atol=0.0501)
    lit = built.player().locator(".key").evaluate_all("all => all.map(k => k.matches('.on'))")
    order = np.argsort(CHORDS_AND_MELODY.pitches)[::-1]
    assert lit == [bool(on) for on in whole_chorus()[10, order]]


def test_chords_and_melody_can_be_muted(stage) -> None:
    built = stage(watch(whole_chorus(77)))
    melody = melody_of(whole_chorus(77))
    alone = {"Melody": {"chords": chorus(77).chords}, "Chords": {"melody": melody}}
    both = built.sound()
    built.press("Play")
    built.until("audio.currentTime > 0.5")
    left = []
    for muted, music in alone.items():
        built.press(muted)
        built.until("audio.readyState > 2 && !audio.paused")
        assert built.ask("root.dataset.heard") == ({"chords", "melody"} - {muted.lower()}).pop()
        assert built.ask("audio.currentTime") > 0.5  # it goes on where it was
        left.append(built.sound())
        expected = audio.synthesise(music)
        assert np.corrcoef(left[-1][: len(expected)], expected)[0, 1] > 0.99
        built.press(muted)
        built.until("audio.readyState > 2 && !audio.paused")
    np.testing.assert_allclose(sum(left), both, atol=0.0002)
    np.testing.assert_array_equal(built.sound(), both)
    built.press("Chords")
    built.press("Melody")
    assert not built.sound().any()
    assert built.ask("root.dataset.playing") == "true"


STRANGE = {
    "chords": [Note(30, 0, 3), Note(61, 1, 9), Note(61, 10, 2)],
    "melody": [Note(61, 0, 1), Note(61, 1, 1), Note(99, 2, 9)],
    "another": [Note(116, 3, 1)],
}


@pytest.mark.parametrize(
    ("music", "how"),
    [
        (chorus(1234), {}),
        (chorus(5), {"swing": 0.62, "tempo": 133.0, "brush": True}),
        ({"chords": chorus(7).chords}, {"brush": True}),
        ([Note(60, 0, 1)], {"form": None}),
        (STRANGE, {"tempo": 301.5}),
    ],
)
def test_the_sound_that_the_page_makes_is_the_modules(stage, music: Music, how: dict) -> None:
    built = stage(hear(music, **how))
    expected = audio.synthesise(music, **{name: how[name] for name in how if name != "form"})
    made = built.sound()
    assert len(made) == len(expected)
    np.testing.assert_allclose(made, expected, atol=0.0001)  # 16 bits, and the signs of numbers


def test_nothing_is_made_before_somebody_comes_near(stage) -> None:
    script = "URL.createObjectURL = new Proxy(URL.createObjectURL, { apply(f, on, given) {"
    script += " window.made = (window.made ?? 0) + 1; return f.apply(on, given); } });"
    built = stage(script=script)
    built.page.set_content(watch(whole_chorus(), compact=True)._repr_html_() * 3)
    built.page.evaluate("scrollTo(0, 1000)")
    assert built.page.evaluate("window.made") is None
    built.press("Play", 1)
    built.until("root.dataset.playing === 'true' && audio.currentTime > 0.3", 1)
    assert built.page.evaluate("window.made") == 1


@pytest.mark.parametrize("speed", [0.5, 1.5])
def test_another_tempo_keeps_the_pitch(stage, speed: float) -> None:
    roll = np.zeros((48, 25))
    roll[:, CHORDS_AND_MELODY.pitches.index(69)] = 1.0
    built = stage(watch(roll))
    tempo = built.player().get_by_role("slider", name="Tempo")
    tempo.fill(str(speed))
    assert tempo.get_attribute("aria-valuetext") == f"{120 * speed:.0f} beats a minute"
    assert built.player().locator("output").inner_text() == f"{120 * speed:.0f}"
    samples = captured(built, 1500)
    assert abs(1200 * np.log2(loudest(samples, 0.2, 1.0) / 440)) < 20
    assert built.ask("audio.playbackRate") == speed
    built.press("Melody")  # another sound is loaded: the tempo stays
    built.until("audio.readyState > 0")
    assert built.ask("audio.playbackRate") == speed


def test_it_stops_at_the_end_or_begins_again(stage) -> None:
    built = stage(watch(random_roll(8), tempo=240))
    built.press("Play")
    built.until("root.dataset.playing === 'false'")
    assert built.step() == 7
    built.player().evaluate(WATCH)
    built.press("Loop")
    built.press("Play")
    built.until("root.seen.filter(([step], i) => i && step < root.seen[i - 1][0]).length > 2")
    assert built.ask("root.dataset.playing") == "true"
    seen = np.array(built.ask("root.seen"))
    assert (np.diff(seen[:, 0]) < 0).sum() >= 3
    assert seen[:, 1].max() < 1.0 + audio.TAIL / 2  # the tail is not waited for
    built.press("Loop")
    built.until("root.dataset.playing === 'false'")


NO_FRAMES = "window.requestAnimationFrame = () => 0;"  # as in a tab behind others
NO_TIME = """
    addEventListener("timeupdate", (event) => event.stopImmediatePropagation(), true);"""


@pytest.mark.parametrize("script", [NO_FRAMES, NO_FRAMES + NO_TIME], ids=["frames", "nor time"])
def test_a_loop_is_shown_as_long_as_it_sounds(stage, script: str) -> None:
    """Without frames the sound may come to the end of its file before anybody turns it back."""
    built = stage(watch(random_roll(8), tempo=240), script=script)
    built.player().evaluate(
        """root => {
            const audio = root.querySelector("audio");
            root.begun = 0;  // times that the sound was sent back to its beginning
            audio.addEventListener("seeked", () => (root.begun += audio.currentTime < 0.5));
        }"""
    )
    built.press("Loop")
    built.press("Play")
    built.until("root.begun >= 3 && audio.currentTime > 0.1")
    assert built.ask("[root.dataset.playing, audio.paused]") == ["true", False]
    built.press("Pause")
    built.until("audio.paused && root.dataset.playing === 'false'")
    assert built.player().get_by_role("button", name="Play").count() == 1
    assert built.step() == built.ask("Math.min(7, Math.floor(audio.currentTime / 0.125 + 0.02))")
    built.press("Loop")
    built.press("Play")
    built.until("audio.ended && root.dataset.playing === 'false'")


def test_it_shows_what_the_sound_does_whoever_made_it_do_so(stage) -> None:
    """A key of the keyboard, a headset or the system starts and stops the sound, not our button."""
    built = stage(watch(random_roll(24)))
    for _ in range(2):
        built.player().evaluate("root => root.querySelector('audio').play()")
        built.until("root.dataset.playing === 'true' && Number(root.dataset.step) > 1")
        built.player().evaluate("root => root.querySelector('audio').pause()")
        built.until("root.dataset.playing === 'false'")
    built.player().evaluate("root => (root.querySelector('audio').currentTime = 0)")
    built.until("root.dataset.step === '0'")
    for stops in (False, True):  # while another sound is being loaded
        built.press("Play")
        built.until("audio.currentTime > 0.1")
        built.player().evaluate(
            """(root, stops) => {
                root.querySelector(".part").click();
                if (stops) root.querySelector("audio").pause();
            }""",
            stops,
        )
        built.until("audio.readyState > 2")
        built.until(f"audio.paused === {str(stops).lower()}")
        built.until(f"root.dataset.playing === '{str(not stops).lower()}'")
        if not stops:
            built.press("Pause")


def test_a_sound_that_can_not_be_played_is_not_shown_as_playing(stage) -> None:
    script = """
        HTMLMediaElement.prototype.play = () => Promise.reject(new DOMException("", "NotAllowed"));
    """
    built = stage(watch(random_roll(8)), script=script)
    built.press("Play")
    built.press("Chords")
    built.until("audio.readyState > 0 && root.dataset.playing === 'false'")
    built.player().evaluate("root => (root.querySelector('audio').src = 'data:audio/wav,nothing')")
    built.until("audio.error && root.dataset.playing === 'false'")


def test_players_take_turns(stage) -> None:
    first, second = watch(random_roll(16)), watch(random_roll(24, seed=2))
    plain = audio.player([Note(60, 0, 16)], "A plain one")._repr_html_()
    built = stage(first, second, first, before=plain)
    built.press("Play", 0)
    built.until("!audio.paused")
    built.press("Play", 1)
    built.until("root.dataset.playing === 'false' && audio.paused", 0)
    built.until("!audio.paused", 1)
    built.page.locator("audio").first.evaluate("audio => audio.play()")
    built.until("root.dataset.playing === 'false' && audio.paused", 1)
    built.press("Play", 2)
    built.until("!audio.paused && audio.currentTime > 0", 2)
    assert built.page.locator("audio").first.evaluate("audio => audio.paused")
    built.press("Melody", 2)
    assert [built.ask("root.dataset.heard", n) for n in range(3)] == [
        "chords melody", "chords melody", "chords",
    ]  # fmt: skip


def test_a_sound_that_gives_way_to_another_is_silent(stage) -> None:
    players = {name: audio.player([Note(60, 0, 16)], name) for name in ("first", "second")}
    built = stage(watch(random_roll(8)), before=audio.Choice("Which?", players)._repr_html_())
    sound = built.page.locator(".choice audio").first
    sound.evaluate("audio => audio.play()")
    built.page.get_by_role("radio", name="second").check()
    assert sound.evaluate("audio => audio.paused") and not sound.is_visible()


def test_without_a_script_there_are_sound_and_picture(stage, performance: Performance) -> None:
    built = stage(performance, java_script_enabled=False)
    sound = built.page.locator("audio")
    assert sound.is_visible()
    assert sound.get_attribute("controls") is not None
    assert sound.bounding_box()["width"] > 300
    assert built.page.locator("svg.steps").bounding_box()["height"] > 500
    assert built.page.locator("svg.labels").bounding_box()["width"] > 100
    for what in (".controls", ".now", ".seek", ".head", ".help"):
        assert not built.page.locator(what).is_visible()


def test_it_fits_a_phone_and_follows_the_playhead(stage, performance: Performance) -> None:
    built = stage(performance, viewport=NARROW, has_touch=True)
    page = built.page
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= NARROW["width"], page.evaluate(WIDEST)
    for button in built.player().get_by_role("button").all():
        assert button.bounding_box()["height"] >= 40
    slider = built.player().get_by_role("slider", name="Position")
    slider.focus()

    def playhead() -> float:
        box = built.player().locator(".scroll").bounding_box()
        head = built.player().locator(".head").bounding_box()
        return (head["x"] - box["x"]) / box["width"]

    for key in ("End", "ArrowLeft", "Home", "PageUp", "PageUp", "PageUp"):
        page.keyboard.press(key)
        assert -0.01 <= playhead() < 1, key
    box = built.player().locator(".scroll").bounding_box()
    before = built.step()
    page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + 120)
    assert built.step() > before
    page.keyboard.press("Space")
    built.until("root.querySelector('.scroll').scrollLeft > 400")
    assert 0 < playhead() < 0.8
    assert page.evaluate("scrollX") == 0


def test_a_compact_player_is_a_button_and_a_roll_that_is_the_slider(stage) -> None:
    roll = whole_chorus()
    built = stage(watch(roll, compact=True), watch(roll), viewport=NARROW)
    assert built.player().get_by_role("button").count() == 1
    assert built.player().locator(".labels").count() == 0
    small, full = (built.player(n).bounding_box() for n in (0, 1))
    assert small["height"] < 250 < full["height"]
    assert small["x"] + small["width"] <= NARROW["width"]

    place = built.player().locator(".across").bounding_box()
    assert place["width"] > 0.9 * small["width"]
    for step in (0, 40, 95):  # a press on the picture goes there
        x = place["x"] + place["width"] * (step + 0.5) / len(roll)
        built.page.mouse.click(x, place["y"] + place["height"] / 2)
        assert abs(built.step() - step) <= 1
        head = built.player().locator(".head").bounding_box()
        assert abs(head["x"] + head["width"] / 2 - x) < 2 * head["width"]
    built.page.keyboard.press("Home")
    built.page.keyboard.press("ArrowUp")
    assert built.step() == TWELVE_BAR.steps_per_bar

    built.press("Play", 1)
    built.until("root.dataset.playing === 'true' && !audio.paused", 1)
    built.press("Play")
    built.until("root.dataset.playing === 'true' && Number(root.dataset.step) > 9")
    built.until("root.dataset.playing === 'false' && audio.paused", 1)


def test_a_compact_player_without_a_script_still_sounds(stage) -> None:
    built = stage(watch(whole_chorus(), compact=True), java_script_enabled=False)
    assert built.page.locator("audio").bounding_box()["width"] > 300
    assert built.page.locator("svg.steps").is_visible()
    assert not built.page.locator(".controls").is_visible()


THEMES = [
    ({"theme": "dark"}, True),
    ({"theme": "light"}, False),
    ({"theme": "light", "color_scheme": "dark"}, False),
    ({"theme": "dark", "color_scheme": "light"}, True),
    ({"theme": "", "color_scheme": "dark"}, True),
    ({"theme": "", "color_scheme": "light"}, False),
]


@pytest.mark.parametrize(("options", "dark"), THEMES)
def test_it_is_dark_where_the_page_is(stage, options: dict, dark: bool) -> None:
    built = stage(watch(random_roll(8)), **options)

    def brightness(what: str) -> float:
        colour = built.ask(f"getComputedStyle(root).{what}")
        return float(np.mean([int(number) for number in re.findall(r"\d+", colour)[:3]]))

    assert (brightness("backgroundColor") < 60) == dark
    assert abs(brightness("color") - brightness("backgroundColor")) > 150
    built.page.evaluate("document.documentElement.removeAttribute('data-theme')")
    for lab in (True, False):  # JupyterLab has a mark of its own
        built.page.evaluate("light => document.body.dataset.jpThemeLight = light", lab)
        assert (brightness("backgroundColor") > 200) == lab


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_drawn_stands_out_from_its_ground(stage, performance: Performance, theme) -> None:
    """By 3 to 1 at least, as WCAG 2.2 asks of what is needed to understand a picture (1.4.11)."""
    built = stage(performance, theme=theme)

    def luminance(what: str, paint: str) -> float:
        colour = built.ask(f"getComputedStyle(root.querySelector('{what}')).{paint}")
        scale = 1 if colour.startswith("color(") else 255
        rgb = np.array([float(x) for x in re.findall(r"[\d.]+", colour)[:3]]) / scale
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    ground = luminance(".ground:not(.black)", "fill")
    rows = [f".row.{kind}" for kind in (*GATES, "cell_state")]
    for what in (".notes.chords", ".notes.melody", *rows):
        width = built.ask(f"getComputedStyle(root.querySelector('{what}')).strokeWidth")
        outlined = what in rows and float(width.removesuffix("px")) >= 1
        darker, lighter = sorted((ground, luminance(what, "stroke" if outlined else "fill")))
        assert (lighter + 0.05) / (darker + 0.05) >= 3, what


def test_labels_can_be_read_and_stay_in_their_column(stage, performance: Performance) -> None:
    built = stage(performance)
    size = "(text) => parseFloat(getComputedStyle(text).fontSize)"
    sizes = built.ask(f"[...root.querySelectorAll('.labels text')].map({size})")
    assert min(sizes) >= 11
    out = """(() => {
        const column = root.querySelector(".labels").getBoundingClientRect();
        return [...root.querySelectorAll(".labels text")].filter((text) => {
            const { left, right } = text.getBoundingClientRect();
            return left < column.left - 1 || right > column.right;
        }).map((text) => text.textContent);
    })()"""
    assert built.ask(out) == []


def test_who_wants_less_motion_sees_it_step(stage) -> None:
    built = stage(watch(whole_chorus()), reduced_motion="reduce", viewport=NARROW)
    built.player().evaluate(
        """root => {
            root.moved = new Set();
            const note = () => {
                root.moved.add(root.querySelector(".head i").style.left);
                requestAnimationFrame(note);
            };
            note();
        }"""
    )
    built.press("Play")
    built.until("root.dataset.step > 3")
    assert built.ask("[...root.moved]") == ["0px"]
    places = built.ask("root.querySelector('.scroll').scrollLeft")
    assert places == 0  # no page has been turned yet


# ---- In JupyterLab -------------------------------------------------------------------------------


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab that knows nothing of its user's settings."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = {
        name: str(tmp_path / name.lower())
        for name in (
            "HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
            "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR",
        )
    }  # fmt: skip
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
        "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}", "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    log = (tmp_path / "log").open("w")
    server = subprocess.Popen(command, env=os.environ | home, stdout=log, stderr=log)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/api", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                if server.poll() is not None:
                    break
                time.sleep(0.2)
        if server.poll() is not None:
            said = (tmp_path / "log").read_text(encoding="utf-8")[-500:]
            pytest.skip(f"JupyterLab does not start: {said}")
        yield address
    finally:
        server.terminate()
        server.wait(timeout=60)
        log.close()


def test_it_works_in_jupyterlab(browser: Browser, lab: str, tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell(
        "from lstm_from_scratch.music.blues import TWELVE_BAR\n"
        "from lstm_from_scratch.music.encoding import CHORDS_ONLY\n"
        "from lstm_from_scratch.showing.player import watch\n"
        "watch(CHORDS_ONLY.form_roll(TWELVE_BAR), encoding=CHORDS_ONLY)"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell, nbformat.v4.new_code_cell("1 + 1")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, tmp_path / "notebooks" / "player.ipynb")
    context = browser.new_context(viewport=WIDE)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.goto(f"{lab}/lab/tree/player.ipynb")
    page.get_by_text("| Idle").first.wait_for()  # the kernel is there
    page.locator(".jp-Notebook .jp-CodeCell").first.click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".performance[data-step]")
    built = Stage(page, problems)
    built.press("Play")
    built.until(
        "audio.src.startsWith('blob:') && audio.currentTime > 0.6 && Number(root.dataset.step) >= 2"
    )
    across = built.player().locator(".across")
    box = across.bounding_box()
    across.click(position={"x": 40.5 / 96 * box["width"], "y": 60})
    assert built.step() in (40, 41)
    page.keyboard.press("Space")
    built.until("root.dataset.playing === 'false' && audio.paused")
    step = built.step()
    for key, moved in (("ArrowRight", 1), ("ArrowUp", 9), ("ArrowDown", 1), ("ArrowLeft", 0)):
        page.keyboard.press(key)  # in JupyterLab arrows also choose cells: not from here
        assert built.step() == step + moved
    active = page.locator(".jp-Cell").evaluate_all(
        "all => all.map(c => c.matches('.jp-mod-active'))"
    )
    for key in ("b", "ArrowDown", "a", "m"):  # cells to be added, chosen, turned into text
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    now = page.locator(".jp-Cell").evaluate_all("all => all.map(c => c.matches('.jp-mod-active'))")
    assert (len(now), now) == (2, active)
    assert page.locator(".jp-MarkdownCell").count() == 0
    assert page.evaluate("document.activeElement.closest('.performance') !== null")
    assert problems == []
    context.close()
