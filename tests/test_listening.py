"""The blind test: fair pieces, equally loud, and a page that tells nothing before it is asked.

In the second half a real browser takes the test, on pages opened from disk with no network. Without
a browser those tests are skipped (in CI they fail), as in `test_book`.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from browsing import NARROW, PATIENCE, WIDE
from playwright.sync_api import Browser, Locator, Page, Request
from test_book import WIDEST

from lstm_from_scratch.judging import measures
from lstm_from_scratch.machine import training
from lstm_from_scratch.machine.kernel import draw_unit
from lstm_from_scratch.music import audio, blues
from lstm_from_scratch.music.audio import PEAK, RATE, TAIL
from lstm_from_scratch.music.blues import TWELVE_BAR, Note
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY
from lstm_from_scratch.playing import composing
from lstm_from_scratch.rivals import random_walk, transition_table
from lstm_from_scratch.showing import listening
from lstm_from_scratch.showing.listening import (
    BlindTest,
    blind_test,
    equally_loud,
    gap_by_dice,
    loudness,
)
from lstm_from_scratch.studies import experiments

SOURCES = ("Training set", "LSTM", "Transition table", "Random walk")
NONE = "\N{EN DASH}"  # in the table where there is no rating


def lines(music: tuple) -> np.ndarray:
    """The melody of each piece, the pitch at each step."""
    rolls = [CHORDS_AND_MELODY.encode([*m["chords"], *m["melody"]], 96) for m in music]
    return measures.melody_lines(np.concatenate(rolls))


def decoded(mp3: bytes) -> np.ndarray:
    samples, rate = soundfile.read(io.BytesIO(mp3))
    assert rate == RATE
    return samples


# ---- Which pieces --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pieces() -> dict:
    return listening.pieces()


@pytest.fixture(scope="module")
def page_test(pieces: dict) -> BlindTest:
    """The test of the page *By ear*."""
    return blind_test(pieces, np.random.default_rng(0))


def test_they_are_the_first_of_each_source(pieces: dict) -> None:
    more = listening.pieces(5)
    assert tuple(pieces) == tuple(more) == SOURCES
    for source in SOURCES:
        assert len(pieces[source]) == 3
        assert pieces[source] == more[source][:3]


def test_they_are_whose_they_are_said_to_be(pieces: dict) -> None:
    numbers = experiments.choruses().training
    np.testing.assert_array_equal(lines(pieces["Training set"]), measures.chorus_lines(numbers[:3]))
    walk = random_walk.compose(3, np.random.default_rng(0))
    np.testing.assert_array_equal(lines(pieces["Random walk"]), walk)
    # The network begins with the quarter note that it is given, knows the scale, and phrases.
    network = lines(pieces["LSTM"])
    assert (network[0, :2] == blues.chorus(numbers[0]).melody[0].pitch).all()
    assert measures.in_scale(network).mean() > 0.95
    assert measures.exact_bars(network).mean() > 0.5
    table = transition_table.fit(measures.chorus_lines(numbers))
    drawn = transition_table.compose(table, 10, 96, np.random.default_rng(0))
    ten = listening.pieces(10)["Transition table"]  # three alone could come from another set
    np.testing.assert_array_equal(lines(ten), drawn)


def test_the_network_heard_four_choruses_and_drew_every_note_but_the_first(pieces: dict) -> None:
    heard = np.concatenate(experiments.rolls(experiments.choruses().training[:4]))
    played = np.concatenate(
        [CHORDS_AND_MELODY.encode([*m["chords"], *m["melody"]], 96) for m in pieces["LSTM"]]
    )
    network = training.stored("experiment_2").network
    expected = composing.predict(network, np.concatenate([heard, played]))[len(heard) - 1 : -1]
    draws = np.random.default_rng(0).random((len(played), 2))[:, 1]  # of the second voice
    for step in range(2, len(played)):
        unit = draw_unit(expected[step, 12:], draws[step], 1.0)
        assert played[step, 12 + unit] == 1.0
    np.testing.assert_array_equal(played[2:, :12], expected[2:, :12] > 0.5)


def test_another_seed_gives_others(pieces: dict) -> None:
    other = listening.pieces(seed=1)
    assert other["Training set"] == pieces["Training set"]
    for source in SOURCES[1:]:
        assert (lines(other[source]) != lines(pieces[source])).any(axis=1).all()


def test_only_the_melody_differs(pieces: dict) -> None:
    played = [piece for source in SOURCES for piece in pieces[source]]
    assert all(set(piece) == {"chords", "melody"} for piece in played)
    assert len({piece["chords"] for piece in played}) == 1
    assert len({piece["melody"] for piece in played}) == 12
    for piece in played:
        assert max(note.onset + note.duration for note in piece["melody"]) == TWELVE_BAR.steps
        # A repeated note is one long one for all of them, as a roll has it: else it would tell.
        for one, other in itertools.pairwise(piece["melody"]):
            assert other.pitch != one.pitch or other.onset > one.onset + one.duration


@pytest.mark.parametrize("each", [0, -1, 1025])
def test_there_are_no_more_pieces_than_there_are(each: int) -> None:
    with pytest.raises(ValueError, match=rf"each: expected .*got {each}"):
        listening.pieces(each)


# ---- Loudness ------------------------------------------------------------------------------------


def sine(frequency: float, rate: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(rate) / rate)


def filtered(signal: np.ndarray, above: tuple, below: tuple) -> np.ndarray:
    """A filter of the second order, sample after sample."""
    out = np.zeros(len(signal))
    x1 = x2 = y1 = y2 = 0.0
    for n, x in enumerate(signal):
        y = above[0] * x + above[1] * x1 + above[2] * x2 - below[1] * y1 - below[2] * y2
        x1, x2, y1, y2 = x, x1, y, y1
        out[n] = y
    return out


def k_weighting(rate: int) -> list[tuple[tuple, tuple]]:
    """Both filters of BS.1770 from the analogue ones behind them, by the bilinear transform."""
    frequency, gain, quality = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k, high = math.tan(math.pi * frequency / rate), 10 ** (gain / 20)
    band, scale = high**0.4996667741545416, 1 + k / quality + k * k
    shelf = (
        (
            (high + band * k / quality + k * k) / scale,
            2 * (k * k - high) / scale,
            (high - band * k / quality + k * k) / scale,
        ),
        (1.0, 2 * (k * k - 1) / scale, (1 - k / quality + k * k) / scale),
    )
    frequency, quality = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * frequency / rate)
    scale = 1 + k / quality + k * k
    bass = ((1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / scale, (1 - k / quality + k * k) / scale))
    return [shelf, bass]


@pytest.mark.parametrize("rate", [RATE, 44_100, 48_000])
def test_a_full_sine_is_as_loud_as_the_standard_says(rate: int) -> None:
    assert loudness(sine(997, rate), rate) == pytest.approx(-3.01, abs=0.01)


def test_it_agrees_with_the_filters_of_the_standard() -> None:
    rng = np.random.default_rng(7)
    signal = np.zeros(48_000)  # silence around it, so that the filters can ring
    signal[4000:28_000] = np.cumsum(rng.normal(size=24_000)) / 20 + rng.normal(size=24_000)
    weighted = signal
    for above, below in k_weighting(48_000):
        weighted = filtered(weighted, above, below)
    expected = -0.691 + 10 * np.log10((weighted**2).mean())
    assert loudness(signal, 48_000) == pytest.approx(expected, abs=0.005)
    plain = 10 * np.log10((signal**2).mean())
    assert abs(plain - expected) > 1  # it is not the plain power


def test_half_the_amplitude_is_six_decibels_less() -> None:
    signal = np.random.default_rng(1).normal(size=5000)
    assert loudness(signal) - loudness(signal / 2) == pytest.approx(6.0206, abs=1e-4)


def test_sounds_become_equally_loud_and_none_louder() -> None:
    rng = np.random.default_rng(3)
    signals = [0.8 * sine(60), 0.3 * sine(3000), 0.1 * rng.normal(size=RATE), 0.5 * sine(440)]
    levelled = equally_loud(signals)
    levels = [loudness(signal) for signal in levelled]
    assert np.ptp(levels) < 1e-3
    assert min(levels) == pytest.approx(min(map(loudness, signals)), abs=1e-3)
    for before, after in zip(signals, levelled, strict=True):
        assert np.abs(after).max() <= np.abs(before).max() + 1e-6
        assert np.corrcoef(before, after)[0, 1] > 0.999999


def test_the_pieces_of_the_page_are_equally_loud_as_they_are_heard(page_test: BlindTest) -> None:
    sounds = [decoded(sample.mp3) for sample in page_test.samples]
    assert np.ptp([loudness(sound) for sound in sounds]) < 0.1
    assert np.ptp([10 * np.log10((sound**2).mean()) for sound in sounds]) < 0.2
    assert max(np.abs(sound).max() for sound in sounds) < 0.95 and PEAK < 0.95
    assert {len(sound) for sound in sounds} == {round(page_test.duration * RATE)}
    assert page_test.duration == pytest.approx(24 + TAIL, abs=1e-3)


def test_low_notes_are_no_softer_than_high_ones() -> None:
    """`synthesise` gives both the same power, which is not yet the same loudness."""
    low, high = ([Note(pitch + n, 2 * n, 2) for n in range(8)] for pitch in (24, 84))
    sounds = [audio.synthesise(notes) for notes in (low, high)]
    assert abs(loudness(sounds[0]) - loudness(sounds[1])) > 1
    test = blind_test({"low": [low], "high": [high]}, np.random.default_rng(0))
    assert np.ptp([loudness(decoded(sample.mp3)) for sample in test.samples]) < 0.1


@pytest.mark.parametrize(
    ("signal", "rate", "message"),
    [
        (np.zeros(100), RATE, "silence"),
        (np.zeros(0), RATE, "silence"),
        (np.ones((10, 2)), RATE, r"got shape \(10, 2\)"),
        (np.array([1.0, np.nan]), RATE, "finite"),
        (np.ones(10), 96_000, "rate: expected a whole number from 1 to 48,000,"),
        (np.ones(10), 0, "got 0"),
    ],
)
def test_what_has_no_loudness_is_refused(signal: np.ndarray, rate: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loudness(signal, rate)


def test_no_sound_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="no sound"):
        equally_loud([])


# ---- Chance --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sources", "each"), [(2, 1), (3, 1), (2, 2), (4, 1), (3, 2), (2, 3)])
def test_the_gap_by_dice_is_that_of_all_throws(sources: int, each: int) -> None:
    throws = np.array(list(itertools.product(range(1, 6), repeat=sources * each)))
    sums = throws.reshape(-1, sources, each).sum(axis=2)
    gaps = np.ptp(sums, axis=1)
    mean, rare = gap_by_dice(sources, each)
    assert mean == pytest.approx(gaps.mean() / each)
    assert np.mean(gaps >= round(rare * each)) <= 0.05
    assert np.mean(gaps >= round(rare * each) - 1) > 0.05


def test_more_pieces_bring_dice_together() -> None:
    means = [gap_by_dice(4, each).mean for each in (1, 3, 12, 60)]
    assert means == sorted(means, reverse=True)
    thrown = np.random.default_rng(0).integers(1, 6, size=(100_000, 4, 3)).mean(axis=2)
    assert gap_by_dice(4, 3).mean == pytest.approx(np.ptp(thrown, axis=1).mean(), abs=0.01)


@pytest.mark.parametrize(
    ("sources", "each", "message"),
    [(1, 3, "sources: .* from 2 to .*, got 1"), (4, 0, "each: .* from 1 to .*, got 0")],
)
def test_dice_need_something_to_rate(sources: int, each: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gap_by_dice(sources, each)


# ---- What is in the page -------------------------------------------------------------------------


def short_test(
    counts: tuple[int, ...] = (3, 3, 3, 3), names: tuple = SOURCES, tempo: float = 240
) -> BlindTest:
    """Pieces of two bars, all different; a bar lasts a second at the tempo of 240."""
    rng, made = np.random.default_rng(5), {}
    chords = tuple(Note(pitch, 0, 16) for pitch in (48, 52, 55))
    for name, count in zip(names, counts, strict=True):
        melodies = rng.integers(60, 73, size=(count, 8))
        made[name] = [
            {"chords": chords, "melody": [Note(int(p), 2 * n, 2) for n, p in enumerate(melody)]}
            for melody in melodies
        ]
    return blind_test(made, np.random.default_rng(1), tempo=tempo)


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

    def of(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, "".join(text)) for name, attributes, text in self.all if name == tag]


def sound_of(address: str) -> bytes:
    kind, _, data = address.partition(";base64,")
    assert kind == "data:audio/mpeg"
    return base64.b64decode(data)


def test_the_same_pieces_give_the_same_page(page_test: BlindTest) -> None:
    first = blind_test(listening.pieces(1), np.random.default_rng(0))
    again = blind_test(listening.pieces(1), np.random.default_rng(0))
    assert again._repr_html_() == first._repr_html_()
    assert repr(page_test) == "BlindTest(12 pieces of 4 sources, 24.4 s each)"
    assert (page_test.bar, page_test.bars, page_test.last) == (2.0, 12, 11)


def test_the_whole_test_is_small(page_test: BlindTest) -> None:
    page = page_test._repr_html_().encode()
    sounds = sum(len(base64.b64encode(sample.mp3)) for sample in page_test.samples)
    assert sounds < 1_800_000
    assert len(page) - sounds < 60_000


def test_each_piece_is_there_once_in_a_mixed_order(page_test: BlindTest) -> None:
    assert sorted(page_test.samples)[0].source == "LSTM"
    named = Counter((sample.source, sample.number) for sample in page_test.samples)
    assert named == Counter(itertools.product(SOURCES, (1, 2, 3)))
    order = [sample.source for sample in page_test.samples]
    assert sum(one == other for one, other in itertools.pairwise(order)) < 6
    sounds = [sound_of(a["src"]) for a, _ in Elements(page_test._repr_html_()).of("audio")]
    assert sounds == [sample.mp3 for sample in page_test.samples]


def test_it_asks_for_nothing_and_keeps_nothing(page_test: BlindTest) -> None:
    words = re.sub(r"base64,[^\"]*", "", page_test._repr_html_())
    assert not re.search(r"https?:|[\"'(=]//|@import|url\(|fetch|XMLHttp|sendBeacon", words)
    assert not re.search(r"(local|session)Storage|indexedDB|cookie", words)
    for _, attributes, _ in Elements(page_test._repr_html_()).all:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attributes.get(name, "data:audio/mpeg;").startswith("data:audio/mpeg;")


def test_ratings_are_native_and_each_question_is_one_group() -> None:
    page = Elements(short_test()._repr_html_())
    radios = [a for a, _ in page.of("input")]
    assert {a["type"] for a in radios} == {"radio"}
    groups = Counter(a["name"] for a in radios)
    assert len(groups) == 24 and set(groups.values()) == {5}
    assert [a["value"] for a in radios] == list("12345") * 24
    other = Elements(short_test((2, 2, 2, 2))._repr_html_())
    assert groups.keys().isdisjoint(a["name"] for a, _ in other.of("input"))


def test_names_are_words_not_markup() -> None:
    names = ("</script><b>'x'\" & co", "plain", "<!--", "\\u003c")
    text = short_test((1, 1, 1, 1), names)._repr_html_()
    page = Elements(text)
    assert Counter(tag for tag, *_ in page.all)["b"] == 2  # the names of the questions
    stored = next(t for a, t in page.of("script") if a.get("type") == "application/json")
    assert tuple(json.loads(stored)["sources"]) == names
    assert len(page.of("script")) == 2


@pytest.mark.parametrize(
    ("music", "message"),
    [
        ({}, "at least two sources, got 0"),
        ({"one": [[Note(60, 0, 8)]]}, "at least two sources, got 1"),
        (
            {"one": [[Note(60, 0, 8)]], " ": [[Note(60, 0, 8)]]},
            "music, the name of a source: expected text that",
        ),
        ({"one": [[Note(60, 0, 8)]], "two": []}, "music, two: expected a tuple of which each is"),
        ({"one": [[Note(60, 0, 8)]], "two": [[Note(60, 0, 6)]]}, "two 1: .* would tell"),
        ({"one": [[Note(60, 0, 8)], []], "two": [[Note(60, 0, 8)]]}, "one 2: .* would tell"),
        ({"one": [[]], "two": [[]]}, "one 1: .* silent"),
        ({"one": [[Note(60, 0, 8)]], "two": [[Note(600, 0, 8)]]}, "pitch from 0 to 127"),
    ],
)
def test_an_unfair_test_is_refused(music: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        blind_test(music, np.random.default_rng(0))


def test_a_bad_tempo_is_refused() -> None:
    music = {"one": [[Note(60, 0, 8)]], "two": [[Note(60, 0, 8)]]}
    with pytest.raises(ValueError, match="tempo: expected a number of beats a minute from 4"):
        blind_test(music, np.random.default_rng(0), tempo=0)


# ---- In a browser --------------------------------------------------------------------------------


class Sitting(NamedTuple):
    """A listener before a page with a test."""

    page: Page
    test: BlindTest
    requests: list[str]

    @property
    def root(self) -> Locator:
        return self.page.locator(".listening")

    def order(self) -> list[tuple[str, int]]:
        """Whose sound each place really has, by the sound itself."""
        names = {sample.mp3: (sample.source, sample.number) for sample in self.test.samples}
        sources = self.root.locator("audio").evaluate_all("all => all.map(a => a.src)")
        return [names[sound_of(source)] for source in sources]

    def rate(self, place: int, question: str, value: int) -> None:
        group = self.page.get_by_role("group", name=f"Piece {place + 1}: {question}", exact=True)
        group.get_by_role("radio", name=re.compile(rf"^{value}\b")).check()

    def rate_all(self, seed: int = 0) -> np.ndarray:
        """Rate everything at random, shape ``(places, 2)``."""
        values = np.random.default_rng(seed).integers(1, 6, size=(len(self.test.samples), 2))
        for place, (form, pleasure) in enumerate(values):
            self.rate(place, "Form", form)
            self.rate(place, "Pleasure", pleasure)
        return values

    @property
    def reveal(self) -> Locator:
        return self.root.get_by_role("button", name="Show which was which")

    def table(self) -> list[list[str]]:
        """The words of the reader's table, row by row, without its buttons."""
        return self.root.locator(".result tbody tr").evaluate_all(
            """rows => rows.map(row => [...row.cells].map(cell =>
                (cell.querySelector("span") ?? cell).innerText))"""
        )


@pytest.fixture
def sit(browser: Browser, tmp_path: Path) -> Iterator[object]:
    """Opens a page that holds a test, and notes everything that it asks for or complains of."""
    contexts, problems = [], []

    def build(test: BlindTest, theme: str = "light", **options: object) -> Sitting:
        context = browser.new_context(**{"viewport": WIDE} | options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        asked: list[str] = []

        def note(request: Request) -> None:
            if not request.url.startswith("data:audio/mpeg;base64,"):
                asked.append(request.url)

        page.on("request", note)
        page.on("console", lambda m: m.type == "error" and problems.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(
            f'<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>By ear</title><body><main>{test._repr_html_()}</main></body></html>",
            encoding="utf-8",
        )
        page.goto(path.as_uri())
        return Sitting(page, test, asked)

    yield build
    for context in contexts:
        context.close()
    assert problems == []


def test_the_order_is_new_each_time_and_every_piece_is_there_once(sit) -> None:
    here = sit(short_test())
    everything = sorted(itertools.product(SOURCES, (1, 2, 3)))
    seen = [here.order()]
    here.rate_all()
    here.reveal.click()
    here.root.get_by_role("button", name="Start again").click()
    seen.append(here.order())
    for _ in range(3):
        here.page.reload()
        seen.append(here.order())
    assert all(sorted(order) == everything for order in seen)
    assert len(set(map(tuple, seen))) == len(seen)
    assert [(s.source, s.number) for s in here.test.samples] not in seen


def test_no_place_has_a_favourite(sit) -> None:
    """Each sound comes to each place about as often as to any other."""
    here = sit(short_test((1, 1, 1, 1)))
    starts, counts = 400, np.zeros((4, 4))
    order = here.page.evaluate(
        """starts => {
            const again = document.querySelector(".again");
            const players = [...document.querySelectorAll(".piece audio")];
            const names = players.map(p => p.src).sort();
            return [...Array(starts)].map(() => {
                again.click();
                return players.map(p => names.indexOf(p.src));
            });
        }""",
        starts,
    )
    for places in order:
        counts[range(4), places] += 1
    assert (np.abs(counts - starts / 4) < 5 * np.sqrt(starts * 3 / 16)).all()


def test_a_start_begins_with_nothing_rated(sit) -> None:
    here = sit(short_test())
    here.rate_all()
    here.reveal.click()
    here.root.get_by_role("button", name="Start again").click()
    assert here.root.locator("input:checked").count() == 0
    assert here.root.locator("input:enabled").count() == 120
    assert here.reveal.is_disabled()
    assert not here.root.locator(".result").is_visible()
    assert here.page.evaluate("document.activeElement.textContent") == "Piece 1"
    here.rate(0, "Form", 2)
    here.page.reload()
    assert here.root.locator("input:checked").count() == 0


def test_nothing_tells_whose_a_piece_is(sit) -> None:
    here = sit(short_test())
    secret = re.compile("|".join(SOURCES), flags=re.I)
    here.rate_all()
    # What can be read, what a screen reader says, and what stands in the elements.
    said = here.root.aria_snapshot()
    assert "Piece 12" in said and "radio" in said
    assert not secret.search(said)
    assert not secret.search(here.root.inner_text())
    markup = here.root.evaluate(
        """root => {
            const copy = root.cloneNode(true);
            for (const inner of copy.querySelectorAll("style, script")) inner.remove();
            for (const audio of copy.querySelectorAll("audio")) audio.removeAttribute("src");
            return copy.outerHTML;
        }"""
    )
    assert not secret.search(markup)
    assert here.root.locator("details").count() == 0
    lengths = here.root.locator("audio").evaluate_all("all => all.map(a => a.duration)")
    assert len(set(lengths)) == 1
    here.reveal.click()
    for source in SOURCES:
        assert source in here.root.inner_text()


def test_the_table_is_what_was_rated(sit) -> None:
    here = sit(short_test((3, 2, 5, 1)))
    values = here.rate_all(seed=4)
    order = here.order()
    here.reveal.click()
    expected = []
    for source in SOURCES:
        places = [place for place, (whose, _) in enumerate(order) if whose == source]
        places.sort(key=lambda place: order[place][1])
        means = values[places].mean(axis=0)
        expected.append([source, *(f"{mean:.1f}" for mean in means)])
        expected += [[f"Piece {p + 1}", *map(str, values[p])] for p in places]
    assert here.table() == expected
    text = here.root.locator("textarea").input_value().split("\n")
    assert text[0].split("\t") == ["source", "number", "piece", "form", "pleasure"]
    assert sorted(map(tuple, (line.split("\t") for line in text[1:]))) == sorted(
        (*map(str, order[place]), str(place + 1), *map(str, given))
        for place, given in enumerate(values)
    )
    named = here.root.locator(".piece .was").all_inner_texts()
    assert named == [f"{source} {number}" for source, number in order]
    assert here.root.locator("input:enabled").count() == 0
    assert here.page.evaluate("document.activeElement.textContent") == "Which was which"
    # Sources with unequal numbers of pieces are not compared with one die.
    assert here.root.locator(".gap").inner_text() == ""


def test_the_distance_between_sources_is_told(sit) -> None:
    here = sit(short_test())
    order = here.order()
    for place, (source, number) in enumerate(order):
        here.rate(place, "Form", {"LSTM": 5, "Random walk": 1}.get(source, 3))
        here.rate(place, "Pleasure", 1 + number)
    here.reveal.click()
    assert here.root.locator(".gap").inner_text() == (
        "Your best and your worst source lie 4.0 points apart in form and 0.0 points apart in "
        "pleasure. If a die with five sides had rated, they would lie 1.7 apart on average, and "
        "3.3 or more in fewer than one case of twenty."
    )


def test_one_can_look_early_and_what_is_missing_is_left_out(sit) -> None:
    here = sit(short_test())
    done = here.root.get_by_role("status").first
    assert here.reveal.is_disabled()
    assert done.inner_text() == "0 of 12 pieces are rated."
    here.rate(4, "Form", 4)
    assert here.reveal.is_disabled()  # one of two questions is not a rating
    here.rate(4, "Pleasure", 2)
    here.rate(7, "Pleasure", 5)
    assert done.inner_text() == "1 of 12 pieces are rated."
    here.rate(4, "Form", 3)  # a change of mind
    order = here.order()
    here.reveal.click()
    rows = {row[0]: row[1:] for row in here.table()}
    assert rows["Piece 5"] == ["3", "2"]
    assert rows["Piece 8"] == [NONE, "5"]
    assert rows["Piece 1"] == [NONE, NONE]
    (mine, _), (other, _) = order[4], order[7]
    if mine == other:
        assert rows[mine] == ["3.0", "3.5"]
    else:
        assert (rows[mine], rows[other]) == (["3.0", "2.0"], [NONE, "5.0"])
    assert rows[next(s for s in SOURCES if s not in (mine, other))] == [NONE, NONE]
    assert f"{other}\t{order[7][1]}\t8\t\t5" in here.root.locator("textarea").input_value()
    assert here.root.locator(".gap").inner_text() == ""


def test_nothing_is_stored_and_nothing_is_asked_for(sit) -> None:
    here = sit(short_test())
    here.rate_all()
    here.root.locator("audio").first.evaluate("audio => { audio.muted = true; audio.play(); }")
    here.reveal.click()
    here.root.get_by_role("button", name="Copy").click()
    stored = here.page.evaluate(
        """async () => [
            localStorage.length, sessionStorage.length, document.cookie,
            (await indexedDB.databases()).length, location.search, location.hash,
            history.length, window.name,
        ]"""
    )
    assert stored == [0, 0, "", 0, "", "", stored[6], ""] and stored[6] <= 2
    assert here.page.context.cookies() == []
    assert here.page.context.storage_state() == {"cookies": [], "origins": []}
    assert here.requests == [here.page.url]


def test_the_keyboard_is_enough(sit) -> None:
    here = sit(short_test((1, 1, 1, 1)))
    keyboard = here.page.keyboard
    here.page.evaluate("() => { window.plays = 0; addEventListener('play', () => plays++, true); }")
    expected = {}

    def now(what: str) -> str:
        return here.page.evaluate(f"(() => {{ const e = document.activeElement; {what} }})()")

    for _ in range(80):
        keyboard.press("Tab")
        assert now("return e.dataset.lmSuppressShortcuts;") == "true"  # JupyterLab leaves it alone
        kind = now("return e.type ?? e.localName;")
        if kind == "radio":
            group = now("return e.closest('fieldset').querySelector('legend').textContent;")
            wanted = 1 + len(expected) % 5
            keyboard.press("Space")
            for _ in range(wanted - 1):
                keyboard.press("ArrowRight")
            assert now("return e.checked && e.value;") == str(wanted)
            expected[group] = str(wanted)
            outline = "return getComputedStyle(e.nextElementSibling).outlineStyle;"
            assert now(outline) == "solid"
        elif kind == "audio" and not here.page.evaluate("plays"):
            keyboard.press("Space")
            here.page.wait_for_function("plays === 1")
        elif now("return e.className;") == "reveal":
            keyboard.press("Enter")
            break
    assert len(expected) == 8
    assert now("return e.textContent;") == "Which was which"
    rows = {row[0]: row[1:] for row in here.table() if row[0].startswith("Piece")}
    for place in range(1, 5):
        given = [expected[f"Piece {place}: {question}"] for question in ("Form", "Pleasure")]
        assert rows[f"Piece {place}"] == given
    keyboard.press("Tab")
    assert now("return e.ariaLabel;").startswith("P")
    for _ in range(10):
        if now("return e.className;") == "again":
            break
        keyboard.press("Tab")
    keyboard.press("Space")
    assert now("return e.textContent;") == "Piece 1"


def test_one_piece_sounds_at_a_time(sit) -> None:
    here = sit(short_test(tempo=30))
    players, bars = here.root.locator("audio"), here.root.locator(".bar")
    here.root.evaluate("root => root.querySelectorAll('audio').forEach(a => a.muted = true)")
    assert not any(bar.is_visible() for bar in bars.all())
    players.nth(2).evaluate("audio => audio.play()")
    bars.nth(2).get_by_text("bar 1").wait_for()
    players.nth(5).evaluate("audio => audio.play()")
    here.page.wait_for_function("document.querySelectorAll('audio')[2].paused")
    assert not players.nth(2).evaluate("audio => audio.ended")
    bars.nth(5).get_by_text("bar 1").wait_for()
    assert [bar.is_visible() for bar in bars.all()] == [place == 5 for place in range(12)]


def test_the_bar_that_sounds_is_told(sit) -> None:
    here = sit(short_test())
    told = (
        here.root.locator(".piece")
        .nth(5)
        .evaluate(
            """piece => new Promise((resolve) => {
            const [player, bar] = [piece.querySelector("audio"), piece.querySelector(".bar")];
            const told = [];
            player.addEventListener("timeupdate", () => {
                if (!player.paused) told.push([player.currentTime, bar.textContent]);
            });
            player.addEventListener("ended", () => resolve(told));
            player.muted = true;
            player.play();
        })"""
        )
    )
    assert all((words == "bar 2") == (time >= 0.999) for time, words in told)
    assert {words for _, words in told} == {"bar 1", "bar 2"}
    here.root.locator(".bar").nth(5).wait_for(state="hidden")


def test_the_echo_is_not_a_bar_of_its_own(sit) -> None:
    here = sit(short_test())
    piece = here.root.locator(".piece").first
    piece.evaluate(
        """piece => {
            const player = piece.querySelector("audio");
            player.currentTime = 2.2;
            player.dispatchEvent(new Event("timeupdate"));
        }"""
    )
    assert piece.locator(".bar").text_content() == "bar 2"


def test_no_bar_is_told_of_a_piece_that_a_new_start_has_silenced(sit) -> None:
    here = sit(short_test(tempo=30))
    here.rate_all()
    here.reveal.click()
    here.root.get_by_role("button", name="Play piece 3").click()
    here.root.locator(".bar").nth(2).get_by_text("bar 1").wait_for()
    here.root.get_by_role("button", name="Start again").click()
    here.root.locator(".bar").nth(2).wait_for(state="hidden")
    assert here.root.locator("audio").evaluate_all("all => all.every(a => a.paused)")


def test_pieces_can_be_heard_again_from_the_table(sit) -> None:
    here = sit(short_test(tempo=30))
    here.root.evaluate("root => root.querySelectorAll('audio').forEach(a => a.muted = true)")
    here.rate_all()
    here.reveal.click()
    here.root.get_by_role("button", name="Play piece 7").click()
    here.page.wait_for_function("!document.querySelectorAll('audio')[6].paused")
    here.root.get_by_role("button", name="Play piece 2").click()
    here.page.wait_for_function("document.querySelectorAll('audio')[6].paused")
    here.root.get_by_role("button", name="Pause piece 2").click()
    here.page.wait_for_function("document.querySelectorAll('audio')[1].paused")
    here.root.get_by_role("button", name="Play piece 2").wait_for()
    assert here.root.get_by_role("button", name=re.compile("^Pause piece")).count() == 0
    assert here.root.get_by_role("button", name=re.compile("^Play piece")).count() == 12


@pytest.mark.parametrize("allowed", [True, False])
def test_the_table_can_be_copied(sit, allowed: bool) -> None:
    here = sit(short_test(), permissions=["clipboard-read", "clipboard-write"])
    if not allowed:  # as in a page that came over plain http
        here.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    here.rate_all()
    here.reveal.click()
    here.root.get_by_role("button", name="Copy the table").click()
    here.root.get_by_text("Copied.", exact=True).wait_for()
    here.page.evaluate(
        """document.body.insertAdjacentHTML("beforeend", "<textarea id='paste'></textarea>")"""
    )
    here.page.locator("#paste").focus()
    here.page.keyboard.press("Control+V")
    pasted = here.page.locator("#paste").input_value()
    assert pasted == here.root.locator("textarea").input_value()
    assert len(pasted.split("\n")) == 13


def test_a_table_that_can_not_be_copied_is_selected(sit) -> None:
    here = sit(short_test())
    here.page.evaluate(
        """Object.defineProperty(navigator, "clipboard", { value: undefined });
        document.execCommand = () => false;"""
    )
    here.rate_all()
    here.reveal.click()
    here.root.get_by_role("button", name="Copy the table").click()
    here.root.get_by_text("copy it by hand").wait_for()
    text = here.root.locator("textarea")
    selected = text.evaluate("t => t.value.slice(t.selectionStart, t.selectionEnd)")
    assert selected == text.input_value()


def test_without_a_script_there_are_the_pieces_and_a_folded_key(sit) -> None:
    test = short_test()
    here = sit(test, java_script_enabled=False)
    assert here.root.locator("audio").count() == 12
    for player in here.root.locator("audio").all():
        assert player.is_visible() and player.get_attribute("controls") is not None
    key = here.root.locator("details tbody tr")
    assert not key.first.is_visible()
    assert not here.reveal.is_visible()
    here.root.locator("summary").click()
    assert key.first.is_visible()
    told = [row.locator("th, td").all_inner_texts() for row in key.all()]
    assert told == [
        [f"Piece {place}", f"{sample.source} {sample.number}"]
        for place, sample in enumerate(test.samples, start=1)
    ]
    here.rate(3, "Form", 4)  # buttons can be used as notes
    assert here.root.locator("input:checked").count() == 1


def test_it_fits_a_phone(sit) -> None:
    here = sit(short_test(), viewport=NARROW, has_touch=True)

    def widest() -> float:
        return here.page.evaluate("document.documentElement.scrollWidth")

    assert widest() <= NARROW["width"], here.page.evaluate(WIDEST)
    sizes = here.root.locator("fieldset label").evaluate_all(
        "all => all.map(l => [l.offsetWidth, l.offsetHeight])"
    )
    assert np.array(sizes).shape == (120, 2) and np.min(sizes) >= 40
    tops = here.root.locator("fieldset label").evaluate_all("all => all.map(l => l.offsetTop)")
    assert (np.ptp(np.reshape(tops, (24, 5)), axis=1) == 0).all()  # a scale is one line
    here.root.locator("fieldset label").nth(2).tap()
    assert here.root.locator("input:checked").get_attribute("value") == "3"
    here.rate_all()
    here.reveal.tap()
    assert widest() <= NARROW["width"], here.page.evaluate(WIDEST)
    for button in here.root.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 40


def test_the_table_can_be_read_by_a_screen_reader(sit) -> None:
    here = sit(short_test())
    here.rate_all()
    here.reveal.click()
    table = here.root.get_by_role("table")
    assert table.locator("caption").inner_text().startswith("Your ratings")
    heads = table.locator("thead th")
    assert heads.all_inner_texts() == ["Piece", "Form", "Pleasure"]
    assert heads.evaluate_all("all => all.map(h => h.scope)") == ["col"] * 3
    scopes = table.locator("tbody th").evaluate_all("all => all.map(h => h.scope)")
    assert scopes == ["rowgroup", "row", "row", "row"] * 4
    assert table.locator("tbody").count() == 4
    assert here.root.get_by_role("radio", name="1 (lost)").count() == 12
    assert here.root.get_by_role("radio", name="5 (very much)").count() == 12


# The contrast of every word with what lies behind it, as the guidelines for web content count it.
CONTRAST = """root => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const [r, g, b] = numbers(colour).map((c) => {
            const part = c / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let up = element; up; up = up.parentElement) {
            const colour = getComputedStyle(up).backgroundColor;
            if (numbers(colour)[3] !== 0) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const words = [...root.querySelectorAll("*")].filter((element) =>
        element.checkVisibility() && !element.matches("style, script, :disabled, .unseen") &&
        [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()));
    return words.map((element) => {
        const [ink, paper] = [getComputedStyle(element).color, ground(element)].map(light);
        const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        return [`${element.localName}.${element.className} ${element.textContent}`, ratio];
    });
}"""

THEMES = [
    ({"theme": "dark"}, True),
    ({"theme": "light"}, False),
    ({"theme": "light", "color_scheme": "dark"}, False),
    ({"theme": "", "color_scheme": "dark"}, True),
]


@pytest.mark.parametrize(("options", "dark"), THEMES)
def test_it_is_dark_where_the_page_is_and_can_be_read(sit, options: dict, dark: bool) -> None:
    here = sit(short_test((1, 1, 1, 1)), **options)
    here.page.evaluate("dark => document.body.style.background = dark ? '#121212' : '#fff'", dark)
    card = here.root.locator(".piece").first
    colour = card.evaluate("card => getComputedStyle(card).backgroundColor")
    assert (np.mean([int(part) for part in re.findall(r"\d+", colour)[:3]]) < 60) == dark
    here.rate_all()
    here.root.locator(".bar").first.evaluate("b => { b.hidden = false; b.textContent = 'bar 1'; }")
    for _ in ("before", "after"):
        found = here.root.evaluate(CONTRAST)
        assert len(found) > 40
        assert [(words, ratio) for words, ratio in found if ratio < 4.5] == []
        if here.reveal.is_visible():
            here.reveal.click()
    assert here.root.locator(".result").is_visible()


def test_two_tests_on_a_page_do_not_disturb_each_other(sit, tmp_path: Path) -> None:
    first, second = short_test((1, 1, 1, 1)), short_test((2, 1, 1, 1))
    here = sit(first)
    path = tmp_path / "both.html"
    both = first._repr_html_() + second._repr_html_()
    path.write_text(f'<meta charset="utf-8"><title>Both</title>{both}', encoding="utf-8")
    here.page.goto(path.as_uri())
    one, other = here.root.all()
    one.locator("fieldset label").first.click()
    other.locator("fieldset label").nth(3).click()
    assert one.locator("input:checked").count() == other.locator("input:checked").count() == 1
