"""Networks of a corpus: how they draw their keys, and the files that they stand in."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from test_corpora import DIGESTS

from lstm_from_scratch.machine.fitting import nats
from lstm_from_scratch.machine.network import Network, Topology, Voice, record
from lstm_from_scratch.machine.storing import Archive
from lstm_from_scratch.music.midi import read_midi
from lstm_from_scratch.playing import chorales, corpora
from lstm_from_scratch.playing.chorales import Learned, draw_units, play

KEYS = Voice("keys", 6, (1,) * 4)
BOTH = (
    Voice("chords", 3, (1, 1)),
    Voice("melody", 4, (1, 2), reads=("chords",), choice="sample", activation="softmax"),
)


def some_network(*voices: Voice) -> Network:
    t, rng = Topology(voices), np.random.default_rng(1)
    return Network(
        t, *(rng.normal(size=mask.shape) * mask for mask in (t.hidden_mask, t.output_mask))
    )


@pytest.mark.parametrize(
    ("temperature", "count"), [*itertools.product((0.5, 1.0, 2.0), (None, 0, 2, 4))]
)
def test_units_are_drawn_as_often_as_all_choices_say(temperature: float, count: int | None) -> None:
    """Every choice of five units is written down with its probability."""
    chances = np.array([0.05, 0.5, 0.9, 0.2, 0.7])
    odds = (chances / (1 - chances)) ** (1 / temperature)
    choices = [it for it in itertools.product((0.0, 1.0), repeat=5) if count in (None, sum(it))]
    weights = np.array([np.prod(odds ** np.array(it)) for it in choices])
    rng, found = np.random.default_rng(7), dict.fromkeys(choices, 0)
    draws = 4_000
    for _ in range(draws):
        found[tuple(draw_units(chances, rng, temperature, count).tolist())] += 1
    expected = draws * weights / weights.sum()
    away = np.abs(np.array([*found.values()]) - expected)
    assert (away <= 5 * np.sqrt(expected) + 1).all()


def test_without_temperature_the_likeliest_are_on() -> None:
    chances = [0.1, 0.6, 0.4, 0.9]
    assert draw_units(chances, 1, 0.0).tolist() == [0, 1, 0, 1]
    assert draw_units(chances, 1, 0.0, 3).tolist() == [0, 1, 1, 1]


def test_chances_that_are_certain_stay_so() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        assert draw_units([0.0, 1.0, 0.0, 1.0], rng, 0.01).tolist() == [0, 1, 0, 1]
        assert draw_units([0.0, 1.0, 0.0, 1.0], rng, 0.01, 2).tolist() == [0, 1, 0, 1]


def test_a_piece_begins_as_given_and_goes_on_by_what_it_has_played() -> None:
    network, given = some_network(KEYS), np.eye(6)[:2]
    roll = play(network, given, 60, 5)
    assert np.array_equal(roll[:2], given) and roll.shape == (60, 6)
    assert np.array_equal(roll, play(network, given, 60, 5))
    assert not np.array_equal(roll, play(network, given, 60, 6))
    # Without temperature it is what the network itself predicts of the roll, step by step.
    sure = play(network, given, 60, 5, temperature=0.0)
    predicted = record(network, sure).prediction
    assert np.array_equal(sure[2:], predicted[1:-1] > 0.5)
    four = play(network, given, 30, 5, keys=4)
    assert (four[2:].sum(axis=1) == 4).all()


def test_a_voice_of_one_choice_has_one_unit_on() -> None:
    roll = play(some_network(*BOTH), np.eye(7)[[0]] + np.eye(7)[[3]], 80, 2)
    assert (roll[:, 3:].sum(axis=1) == 1).all() and len(np.unique(roll[:, :3].sum(axis=1))) > 1
    fixed = play(some_network(*BOTH), np.eye(7)[[0]] + np.eye(7)[[3]], 20, 2, keys=2)
    assert (fixed[1:, :3].sum(axis=1) == 2).all() and (fixed[:, 3:].sum(axis=1) == 1).all()


def test_what_can_not_be_played_is_refused() -> None:
    network = some_network(KEYS)
    with pytest.raises(ValueError, match="given: expected zeros and ones of shape"):
        play(network, np.ones((1, 5)), 8, 1)
    with pytest.raises(ValueError, match="given: expected zeros and ones of shape"):
        play(network, np.ones((9, 6)), 8, 1)
    with pytest.raises(ValueError, match="keys: expected at most 6, got 7"):
        play(network, np.ones((1, 6)), 8, 1, keys=7)
    with pytest.raises(ValueError, match="one that predicts its inputs"):
        play(some_network(Voice("apart", 3, (1,), outputs=2)), np.ones((1, 3)), 8, 1)
    with pytest.raises(ValueError, match="chances: expected numbers from 0 to 1"):
        draw_units([0.5, 1.5], 1)
    with pytest.raises(ValueError, match="count: expected at most 2, got 3"):
        draw_units([0.5, 0.5], 1, count=3)


# ---- Files ---------------------------------------------------------------------------------------


@pytest.fixture
def learned() -> Learned:
    return Learned(chorales.halved(some_network(*BOTH)), "made up", "0" * 64, 3.25, "by hand")


def test_a_network_comes_back_bit_for_bit(learned: Learned, tmp_path: Path) -> None:
    chorales.save(learned, tmp_path / "made.npz")
    found = chorales.load(tmp_path / "made.npz")
    assert found.network.topology == learned.network.topology and found[1:] == learned[1:]
    for name in ("hidden", "output"):
        assert np.array_equal(getattr(found.network, name), getattr(learned.network, name))
    with Archive(tmp_path / "made.npz") as archive:
        assert archive.header("hidden").dtype == np.float16


def test_half_precision_keeps_eleven_bits_and_refuses_what_is_too_large() -> None:
    network = some_network(KEYS)
    there = network.hidden != 0
    apart = np.abs(chorales.halved(network).hidden[there] / network.hidden[there] - 1)
    assert 0 < apart.max() <= 2**-11
    large = Network(network.topology, network.hidden * 1e6, network.output)
    with pytest.raises(ValueError, match="hidden: weights must be finite"):
        chorales.halved(large)


def test_a_damaged_file_is_refused(learned: Learned, tmp_path: Path) -> None:
    path = tmp_path / "made.npz"
    chorales.save(learned, path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(whole)
        del data[int(rng.integers(len(data))) :]
        path.write_bytes(data)
        with pytest.raises(ValueError, match="not a network of a corpus"):
            chorales.load(path)
    np.savez(path, about='{"format": 9}')
    with pytest.raises(ValueError, match="it has format 9, expected 1"):
        chorales.load(path)
    with pytest.raises(FileNotFoundError):
        chorales.load(tmp_path / "nowhere.npz")


def test_a_network_that_is_not_there_is_asked_for() -> None:
    with pytest.raises(
        ValueError, match=r"no stored network 'folder': there are \['jsb_chorales'\]"
    ):
        chorales.stored("folder")  # a player, which is no network of a corpus
    with pytest.raises(ValueError, match="no stored network 'nobody': there are"):
        chorales.stored("nobody")


def test_the_network_of_the_chorales_plays_in_four_parts_and_is_small() -> None:
    known = chorales.stored("jsb_chorales")
    assert known.network.topology.inputs == corpora.KEYS.units
    folder = Path(chorales.__file__).parent / "trained" / "corpora"
    assert (folder / "jsb_chorales.npz").stat().st_size < 500_000
    opening = corpora.roll_of([(48, 55, 64, 72)] * 2)
    roll = play(known.network, opening, 40, 1, keys=4)
    assert (roll.sum(axis=1) == 4).all()
    assert len(corpora.notes(roll, 2)) > 20


def test_the_program_of_its_page_writes_a_chorale(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (root / "book" / "real_music.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "real_music.md", "exec"), {})
    assert len(read_midi(tmp_path / "chorale.mid")) > 20


def test_its_page_names_the_digests_and_the_figure_of_its_network(root: Path) -> None:
    page = (root / "book" / "real_music.md").read_text(encoding="utf-8")
    for digest in DIGESTS.values():
        assert f"`{digest[:16]}`" in page
    known = chorales.stored("jsb_chorales")
    assert known.data == DIGESTS["jsb_chorales"]
    assert f"reaches {known.test:.2f} on the chorales" in page
    assert f"{known.network.weights:,} weights" in page


def test_the_stored_figure_is_what_the_test_set_says(root: Path) -> None:
    path = root.parent / "shared" / "data" / "jsb_chorales.npz"
    if not path.is_file():
        pytest.skip(f"there is no file {path}: the stored figure is not measured again")
    known = chorales.stored("jsb_chorales")
    episodes = [corpora.episode(roll) for roll in corpora.read(path).test]
    assert nats(known.network, episodes) == pytest.approx(known.test, abs=1e-4)
