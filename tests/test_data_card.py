"""The data card: every number in it, counted anew from the music."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lstm_from_scratch.judging import measures
from lstm_from_scratch.music import blues
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY
from lstm_from_scratch.studies import experiments


@pytest.fixture(scope="module")
def card(root: Path) -> str:
    return (root / "book" / "data_card.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def melodies() -> list[tuple[blues.Note, ...]]:
    """The melody of every chorus."""
    return [blues.chorus(number).melody for number in range(TWELVE_BAR.choruses)]


def row(card: str, label: str) -> list[str]:
    """What stands in the row of a table, after its label."""
    found = re.findall(rf"^\| {re.escape(label)} \|(.+)\|$", card, flags=re.M)
    assert len(found) == 1, label
    return [cell.strip() for cell in found[0].split("|")]


def test_the_counts(card: str, melodies: list[tuple[blues.Note, ...]]) -> None:
    form = TWELVE_BAR
    notes = [note for melody in melodies for note in melody]
    heard = {note.pitch for note in notes} | {note.pitch for note in blues.chord_notes(form)}
    tones = [{pitch % 12 for pitch in blues.chord_tones(symbol)} for symbol in form.chords]
    fits = [note.pitch % 12 in tones[note.onset // form.steps_per_bar] for note in notes]
    surprise = measures.source_surprise(range(form.choruses)).sum(axis=1)
    assert surprise.std() < 1e-12
    expected = {
        "choruses": f"{form.choruses:,}",
        "bars in a chorus": str(form.bars),
        "steps in a chorus, an eighth note each": str(form.steps),
        "melodies of one bar": str(len({s for choices in form.segments for s in choices})),
        "bars whose two melodies begin on the same note": str(
            sum(one[0] == other[0] for one, other in form.segments)
        ),
        "melody notes in a chorus": str(len(melodies[0])),
        "melody notes in all": f"{len(notes):,}",
        "chord notes in a chorus": str(len(blues.chord_notes(form))),
        "different chords": str(len(set(form.chords))),
        "units of a roll, 12 for chords and 13 for melody": str(CHORDS_AND_MELODY.units),
        "units that ever sound": str(len(heard)),
        "melody notes that belong to their chord": f"{100 * sum(fits) / len(fits):.0f} %",
        "entropy of a chorus": f"{surprise[0]:.2f} nats",
    }
    assert {label: row(card, label) for label in expected} == {
        label: [value] for label, value in expected.items()
    }
    assert {note.duration for note in notes} == {2}
    assert all(a.onset + 2 == b.onset for m in melodies for a, b in pairwise(m))


def test_the_shares(card: str, melodies: list[tuple[blues.Note, ...]]) -> None:
    pitches = Counter(note.pitch for melody in melodies for note in melody)
    moves = Counter(abs(b.pitch - a.pitch) for m in melodies for a, b in pairwise(m))
    names = [blues.pitch_name(p).replace("b", "♭") for p in sorted(pitches)]
    tables = re.findall(
        r"^\| (pitch|half steps[^|]*) \|(.+)\|\n\|[-|]+\n\| share \(%\) \|(.+)\|$", card, re.M
    )
    heads = [[cell.strip() for cell in head.split("|")] for _, head, _ in tables]
    shares = [[cell.strip() for cell in share.split("|")] for _, _, share in tables]
    assert heads == [names, [str(size) for size in sorted(moves)]]
    for counted, written in zip((pitches, moves), shares, strict=True):
        assert written == [f"{100 * counted[k] / counted.total():.1f}" for k in sorted(counted)]
    assert 0.6 < (moves[2] + moves[3]) / moves.total() < 0.7, "two thirds"


def test_the_split(card: str) -> None:
    music = experiments.choruses()
    training, held_out = blues.split(1024, np.random.default_rng(2002))
    assert music.training == training and sorted(music.held_out) == list(held_out)
    *first, last = map(str, training[:5])
    assert f"{len(training):,} choruses are for training and {len(held_out):,} are held out" in card
    assert f"The first five are {', '.join(first)} and {last}." in card
    apart = np.bitwise_count(np.array(held_out)[:, None] ^ np.array(training)[None, :])
    assert f"({(apart.min(axis=1) == 1).sum():,} of {len(held_out):,})" in card


def test_the_weak_spots(card: str) -> None:
    form, outside, apart, spots = TWELVE_BAR, 0, 0, []
    for bar, (symbol, pair) in enumerate(zip(form.chords, form.segments, strict=True), start=1):
        tones = {pitch % 12 for pitch in blues.chord_tones(symbol)}
        root = next(c for c in range(12) if name(c) == re.match("[A-G][#b]?", symbol)[0])
        for which, segment in zip(("first", "second"), pair, strict=True):
            for beat, pitch in enumerate(segment, start=1):
                if pitch % 12 in tones:
                    continue
                outside += 1
                above = {tone for tone in tones if (pitch - tone) % 12 == 1}
                below = {tone for tone in tones if (tone - pitch) % 12 == 1}
                apart += not above | below
                harsh = (above if beat in (1, 3) else set()) | (above | below) & {root}
                spots += [
                    [str(bar), signs(symbol), which, str(beat), signs(name(pitch)), signs(name(t))]
                    for t in harsh
                ]
    notes = sum(len(segment) for pair in form.segments for segment in pair)
    assert f"{outside} of the {notes} notes of the 24 melodies do not belong" in card
    assert apart == 1 and "All but one of these lie a half step" in card
    _, table = card.split(
        "| bar | chord | melody | beat | note | rubs against |\n|---|---|---|---|---|---|\n"
    )
    rows = table.split("\n\n")[0].splitlines()
    assert [[cell.strip() for cell in row.strip("|").split("|")] for row in rows] == spots
    named = {(row[1], row[4], row[3]) for row in spots}
    assert {("F♯dim7", "F", "4"), ("Dm7", "E♭", "2"), ("F7", "B♭", "3")} <= named


def test_the_leaps_between_bars(card: str) -> None:
    pairs = TWELVE_BAR.segments
    joins = [
        (bar + 1, i, (bar + 1) % 12 + 1, j, one[-1], other[0])
        for bar in range(12)
        for i, one in enumerate(pairs[bar])
        for j, other in enumerate(pairs[(bar + 1) % 12])
    ]
    assert f"there are {len(joins)} joins" in card
    leaps = [join for join in joins if abs(join[5] - join[4]) == 12]
    assert leaps == [(2, 1, 3, 1, 72, 60), (5, 0, 6, 0, 60, 72)]
    assert max(abs(join[5] - join[4]) for join in joins) == 12
    assert (
        "Two of them leap an octave: from C5, the end of the second melody of bar 2, to C4, the "
        "beginning of the second of bar 3; and from C4, the end of the first of bar 5, to C5, the "
        "beginning of the first of bar 6."
    ) in card


def name(pitch: int) -> str:
    """A pitch class as a letter with its sign."""
    return blues.pitch_name(pitch)[:-1] if pitch >= 12 else blues.pitch_name(pitch + 12)[:-1]


def signs(text: str) -> str:
    """Sharps and flats as they are printed."""
    return text.replace("b", "♭").replace("#", "♯")


def test_the_example_runs(card: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.+?)```", card, flags=re.S)
    names: dict[str, object] = {}
    exec(example, names)
    assert names["roll"].shape == (96, 25)
    assert {path.name for path in tmp_path.iterdir()} == {"1234.mid", "1234.musicxml"}
