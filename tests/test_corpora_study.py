"""The studies of real music, on corpora that are made up and small."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from lstm_from_scratch.machine.episodes import Episode
from lstm_from_scratch.machine.fitting import first_network, nats
from lstm_from_scratch.machine.gradient import cross_entropy
from lstm_from_scratch.machine.network import Topology, record
from lstm_from_scratch.playing import corpora
from lstm_from_scratch.studies import study
from lstm_from_scratch.studies.experiments import Study
from lstm_from_scratch.studies.questions import corpora as questions

NAMES = ("jsb_chorales", "nottingham")


def tune(rng: np.random.Generator, frames: int) -> np.ndarray:
    """Chords of three keys that change every four frames, and a melody above."""
    roots = np.repeat(rng.choice((48, 50, 53), size=-(-frames // 4)), 4)[:frames]
    melody = rng.choice((72, 74, 76), size=frames)
    pairs = zip(roots.tolist(), melody.tolist(), strict=True)
    return corpora.roll_of([(a, a + 4, a + 7, b) for a, b in pairs])


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with corpora of a few tunes, and plans with a few cells."""
    rng = np.random.default_rng(8)
    for name in NAMES:
        sets = [tuple(tune(rng, int(n)) for n in rng.integers(6, 20, size=k)) for k in (6, 3, 3)]
        corpora.write(corpora.Corpus(name, *sets), tmp_path / f"{name}.npz")
    monkeypatch.setenv(corpora.PLACES, str(tmp_path))

    def fewer(plan):  # type: ignore[no-untyped-def]
        voices = (replace(voice, blocks=(1,) * 3) for voice in plan.topology.voices)
        return replace(plan, topology=Topology(tuple(voices)), epochs=3)

    monkeypatch.setattr(questions, "PLANS", {n: fewer(questions.PLANS[n]) for n in NAMES})
    monkeypatch.setattr(questions, "TWO_VOICES", fewer(questions.TWO_VOICES))
    monkeypatch.setattr(questions, "MOST", dict.fromkeys(NAMES, 3))
    for cached in (questions._corpus, questions._parts):
        cached.cache_clear()
    yield tmp_path
    for cached in (questions._corpus, questions._parts):
        cached.cache_clear()


@pytest.mark.parametrize("rule", ["bptt", "online"])
def test_a_row_tells_what_was_reached_and_from_which_data(rule: str, small: Path) -> None:
    row = questions.keys("jsb_chorales", rule, 3)
    assert row[:3] == ("jsb_chorales", rule, 3)
    assert row.data == corpora.read(small / "jsb_chorales.npz").digest
    sets = questions.parts("jsb_chorales", 1)
    first = first_network(replace(questions.PLANS["jsb_chorales"], seed=3))
    assert row.weights == first.weights
    assert row.valid < nats(first, sets[1]) and row.test < nats(first, sets[2])
    assert 1 <= row.epoch <= row.epochs <= 3
    assert questions.keys("jsb_chorales", rule, 3)._replace(seconds=row.seconds) == row


def test_the_paper_s_rule_begins_with_the_same_network_and_never_resets() -> None:
    plan = replace(questions.TWO_VOICES, seed=5)
    recipe = questions.online_recipe(plan, 100, 4)
    assert recipe.topology == plan.topology and recipe.seed == 5
    assert (recipe.forgiven, recipe.at_end) == (0, "clear")
    assert (recipe.test_every, recipe.give_up_after) == (100, 400)
    for learning in recipe.voices:
        assert (learning.optimiser, learning.momentum, learning.wrong) == ("momentum", 0.9, 1.0)
        assert learning.initial_range == plan.learning.initial_range


def test_two_voices_are_measured_apart(small: Path) -> None:
    row = questions.voices("bptt", 1)
    sets = questions.parts("nottingham", 2)
    assert {it.inputs.shape[1] for part in sets for it in part} == {corpora.TWO_VOICES.units}
    found = questions.reached(replace(questions.TWO_VOICES, seed=1), "bptt", sets, 3)
    assert found.network.weights == row.weights
    chords = melody = frames = 0.0
    for inputs, targets, _ in sets[2]:
        for said, target in zip(record(found.network, inputs).prediction, targets, strict=True):
            chords += cross_entropy(said[:12], target[:12])
            melody += cross_entropy(said[12:], target[12:], "softmax")
            frames += 1
    assert row.chords == pytest.approx(chords / frames, abs=1e-4)
    assert row.melody == pytest.approx(melody / frames, abs=1e-4)


def test_floors_are_counted_by_hand() -> None:
    heard = np.array([[1, 0], [1, 0], [0, 0], [1, 1.0]])
    train = [Episode(heard[:-1], heard[1:])]
    test = [Episode(np.array([[1, 0], [0, 1.0]]), np.array([[1, 0], [0, 0.0]]))]
    rates, held = questions.floors((train, test))
    # Key 0 is on in 2 of 3 predicted frames, key 1 in 1 of 3.
    by_rate = -(math.log(2 / 3) + math.log(2 / 3) + math.log(1 / 3) + math.log(2 / 3)) / 2
    assert rates == pytest.approx(by_rate)
    # After being on, key 0 is on in 1 of 2; after being off, in 1 of 1: all but sure, and wrong.
    # Key 1 was never on: no rate, kept off; after being off it is on in 1 of 3.
    by_before = -(math.log(1 / 2) + math.log(2 / 3) + math.log(1e-6) + math.log(1 - 1e-6)) / 2
    assert held == pytest.approx(by_before)


@pytest.mark.parametrize(
    ("name", "expected"), [("jsb_chorales", (11.09, 10.49)), ("nottingham", (10.26, 5.16))]
)
def test_the_floors_of_a_public_corpus(
    name: str, expected: tuple[float, float], root: Path
) -> None:
    path = root.parent / "shared" / "data" / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"there is no file {path}: the floor of the corpus is not counted")
    whole = corpora.read(path)
    sets = [[corpora.episode(roll) for roll in rolls] for rolls in (whole.train, whole.test)]
    assert questions.floors(sets) == pytest.approx(expected, abs=0.005)


def test_pytorch_s_lstm_goes_beside_ours(small: Path) -> None:
    pytest.importorskip("torch")
    row = questions.beside("jsb_chorales", 2)
    assert row.error_apart < 1e-12 and row.gradient_apart < 1e-12
    assert row.test == pytest.approx(questions.keys("jsb_chorales", "bptt", 2).test, abs=1e-3)


# ---- What is not here ----------------------------------------------------------------------------


def test_a_study_without_its_data_says_so_and_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv(corpora.PLACES, str(tmp_path / "nowhere"))
    for name in ("chorales", "nottingham", "nottingham-voices"):
        with pytest.raises(
            study.MissingError, match=rf"{name} can't be run here: there is no corpus"
        ):
            study.run(name, tmp_path)
        assert not (tmp_path / f"{name}.csv").exists()
    with pytest.raises(
        SystemExit, match=r"layout is described in lstm_from_scratch\.playing\.corpora"
    ):
        study.main(["chorales", "--folder", str(tmp_path)])
    monkeypatch.setattr(study, "STUDIES", {"chorales": study.STUDIES["chorales"]})
    study.main(["--all", "--folder", str(tmp_path)])
    assert "study: chorales can't be run here" in capsys.readouterr().err


def test_without_pytorch_its_study_names_the_extra(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(questions, "find_spec", lambda name: None)
    with pytest.raises(study.MissingError, match=r"pip install 'lstm-from-scratch\[torch\]'"):
        study.run("chorales-pytorch", small)


def test_a_study_is_checked_as_near_as_it_says(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lstm_from_scratch.studies import checking

    path = study.run("chorales", tmp_path, seeds=[0], progress=False)
    (one,) = checking.check(["chorales"], tmp_path, progress=False)
    assert one.holds and one.redone == 2

    text = path.read_text()
    row = next(line for line in text.splitlines() if line.startswith("jsb_chorales,bptt"))
    test = row.split(",")[5]

    def changed(by: float) -> None:
        cells = row.split(",")
        cells[5], cells[9] = f"{float(test) + by:.4f}", "0" * 16  # other bits, another figure
        path.write_text(text.replace(row, ",".join(cells)))

    changed(0.04)
    (one,) = checking.check(["chorales"], tmp_path, progress=False)
    assert one.holds
    changed(0.06)
    (one,) = checking.check(["chorales"], tmp_path, progress=False)
    assert [(it.column, it.now) for it in one.differences] == [("test", test)]

    monkeypatch.setenv(corpora.PLACES, str(tmp_path / "nowhere"))
    (one,) = checking.check(["chorales"], tmp_path, progress=False)
    assert one.holds and not one.redone and "there is no corpus" in one.missing
    assert "nothing was redone, since there is no corpus" in checking.report([one])


class Row(NamedTuple):
    """A row of a study of one's own."""

    seed: int
    value: int


def _row(seed: int) -> Row:
    return Row(seed, 2 * seed)


def test_what_a_study_needs_is_asked_only_where_something_is_left_to_do(tmp_path: Path) -> None:
    def gone() -> None:
        raise FileNotFoundError("it is gone")

    there = Study("about", _row, Row, range(2), name="mine")
    study.run(there, tmp_path, progress=False)
    now = replace(there, needs=gone)
    assert (there.missing(), now.missing()) == ("", "it is gone")
    study.run(now, tmp_path, progress=False)
    with pytest.raises(study.MissingError, match="mine can't be run here: it is gone"):
        study.run(now, tmp_path, seeds=range(3), progress=False)
