"""All composers of chapter 10 by the same laws, and the row that each of them makes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lstm_from_scratch import rivals
from lstm_from_scratch.judging import measures
from lstm_from_scratch.machine import training
from lstm_from_scratch.music.blues import SHARED, TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.playing.composing import Composer, Soloist, choose
from lstm_from_scratch.rivals import feed_forward, simple_rnn, transition_table
from lstm_from_scratch.rivals.random_walk import Walk
from lstm_from_scratch.studies import experiments, study
from lstm_from_scratch.studies.questions import composers

MUSIC = experiments.choruses()
TRAINING = experiments.rolls(MUSIC.training)
FORM = CHORDS_ONLY.form_roll(TWELVE_BAR)


@cache
def composer(name: str) -> Composer:
    """Networks as they begin or are stored: the laws hold whatever they have learned."""
    rng = np.random.default_rng(1)
    if name == "lstm":
        return Soloist(training.stored("experiment_2").network)
    if name == "random-walk":
        return Walk()
    if name.startswith("table"):
        return transition_table.fit(TRAINING, int(name.partition("-")[2]))
    if name == "two-tables":
        return transition_table.fit_two(TRAINING, *composers.TWO_TABLES)
    if name.startswith("feed-forward"):
        return feed_forward.random_network(25, int(name.split("-")[2]), 5, rng, 1.5)
    return simple_rnn.random_network(25, 6, rng, 1.5)


EVERYONE = dict.fromkeys((*composers.COMPOSERS, *composers.SHARING))
every_composer = pytest.mark.parametrize("name", EVERYONE)
NETWORKS = ("feed-forward-1", "feed-forward-16", "simple-network", "lstm")


def some_music(seed: int, choruses: int = 3) -> np.ndarray:
    """Choruses one after another, some of their notes changed."""
    rng = np.random.default_rng(seed)
    roll = np.concatenate(experiments.rolls(tuple(rng.integers(4096, size=choruses).tolist())))
    at = rng.choice(len(roll), size=20, replace=False)
    roll[at, 12:] = np.eye(13)[rng.integers(13, size=20)]
    return roll


@every_composer
def test_what_comes_later_makes_no_difference_to_a_prediction(name):
    roll = some_music(1)
    expected = composer(name).predict(roll)
    assert expected.shape == roll.shape
    assert (expected >= 0).all() and (expected[:, 12:].sum(axis=1) > 0).all()
    for until in (1, 2, 50, 200):
        np.testing.assert_allclose(composer(name).predict(roll[:until]), expected[:until])


@every_composer
def test_a_composition_begins_with_what_is_given_and_has_one_note_a_step(name):
    for given, steps in ((1, 1), (2, 96), (7, 40), (100, 101)):
        seed = some_music(2)[:given]
        roll = composer(name).go_on(seed, steps, np.random.default_rng(3))
        assert roll.shape == (steps, 25) and np.isin(roll, (0, 1)).all()
        np.testing.assert_array_equal(roll[:given], seed)
        assert (roll[:, 12:].sum(axis=1) == 1).all()


@every_composer
def test_the_same_random_numbers_make_the_same_composition(name):
    seed = TRAINING[0, :2]
    first, again, other = (
        composer(name).go_on(seed, 200, np.random.default_rng(n)) for n in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@every_composer
def test_notes_are_drawn_as_likely_as_they_are_predicted(name):
    """The sum of p - (was it drawn?) over a run has mean 0 and the variance of sum p (1 - p)."""
    roll = composer(name).go_on(TRAINING[0, :2], 20_000, np.random.default_rng(6))
    notes = composer(name).predict(roll)[1:-1, 12:]
    notes = notes / notes.sum(axis=1, keepdims=True)
    off = (roll[2:, 12:] - notes).sum(axis=0)
    deviation = np.sqrt((notes * (1 - notes)).sum(axis=0))
    assert (np.abs(off) <= 4.5 * deviation + 1e-9).all()
    # And what was said to be impossible was not played.
    assert notes[roll[2:, 12:] == 1].min() > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_choose_chords_by_a_threshold(name):
    roll = composer(name).go_on(TRAINING[0, :2], 500, np.random.default_rng(7))
    chords = composer(name).predict(roll)[1:-1, :12] > 0.5
    np.testing.assert_array_equal(roll[2:, :12], chords)


@pytest.mark.parametrize("order", [1, 3])
def test_tables_play_chords_and_notes_that_were_heard_together(order):
    roll = composer(f"table-{order}").go_on(TRAINING[0, :2], 5_000, np.random.default_rng(8))
    heard = {step.tobytes() for step in TRAINING.reshape(-1, 25)}
    assert {step.tobytes() for step in roll} <= heard


def test_two_tables_keep_their_chords_whatever_the_melody_does():
    """The chords are those of a table of chords alone, and no melody reaches them."""
    two = composer("two-tables")
    alone = transition_table.fit(TRAINING[:, :, :12], 17)
    roll, other = some_music(9), some_music(9)
    other[:, 12:] = np.eye(13)[np.random.default_rng(10).integers(13, size=len(other))]
    chords = two.predict(roll)[:, :12]
    np.testing.assert_array_equal(chords, two.predict(other)[:, :12])
    assert (two.predict(roll)[:, 12:] != two.predict(other)[:, 12:]).any()
    # After a round of the form the next chord is certain, and it is the form's.
    np.testing.assert_array_equal(chords[95:], np.tile(FORM, (3, 1))[(np.arange(95, 288) + 1) % 96])
    assert {key for key in alone.counts if len(key) <= 17} == set(two.chords.counts)
    played = two.go_on(other[:100], 400, np.random.default_rng(11))
    np.testing.assert_array_equal(played[:, :12], np.tile(FORM, (5, 1))[:400])


def test_two_tables_play_the_notes_of_a_table_of_everything():
    """What is said of a note is what one table of chords and melody says of it."""
    two, whole = composer("two-tables"), composer("table-7")
    roll = some_music(12)
    np.testing.assert_array_equal(two.predict(roll)[:, 12:], whole.predict(roll)[:, 12:])
    with pytest.raises(ValueError, match=r"expected rolls of shape \(choruses, steps, 25\)"):
        transition_table.fit_two(TRAINING[:, :, :12], 3, 3)


def test_bars_5_to_8_share_the_segments_of_bars_1_to_4_and_nothing_else_is_changed():
    assert SHARED.segments[4:8] == SHARED.segments[:4] == TWELVE_BAR.segments[:4]
    assert SHARED.segments[8:] == TWELVE_BAR.segments[8:]
    assert (SHARED.chords, SHARED.choruses) == (TWELVE_BAR.chords, TWELVE_BAR.choruses)
    lines = measures.chorus_lines(range(4096), SHARED)
    assert len(np.unique(lines, axis=0)) == 4096
    np.testing.assert_array_equal(measures.chorus_numbers(lines, SHARED), np.arange(4096))


def test_shared_segments_hide_the_place_from_seven_steps_and_not_from_seventeen(monkeypatch):
    monkeypatch.setattr(experiments, "COMPOSED_CHORUSES", 50)
    seven, seventeen = (composers.sharing(f"table-{order}", 0) for order in (7, 17))
    assert seven.kept < 50 * 96 and seven.wrong_steps > 0
    assert (seventeen.kept, seventeen.wrong_steps, seventeen.exact_bars) == (50 * 96, 0, 1.0)


@every_composer
@pytest.mark.parametrize(
    ("seed", "steps", "message"),
    [
        (np.zeros((0, 25)), 5, "seed of 0 steps for 5"),
        (np.zeros((6, 25)), 5, "6 .*5"),
        (np.zeros((2, 24)), 5, r"seed: expected .*shape \(steps, 25\), got"),
        (np.full((2, 25), 0.5), 5, "0 and 1 only|0.0 and 1.0 only"),
    ],
)
def test_a_seed_that_is_none_is_refused(name, seed, steps, message):
    if name == "lstm" and not len(seed):
        message = r"expected a roll of shape \(steps, 25\), got \(0, 25\)"
    with pytest.raises(ValueError, match=message):
        composer(name).go_on(seed, steps, np.random.default_rng(0))


def test_a_choice_is_a_threshold_for_chords_and_one_drawn_note():
    outputs, chosen = np.array([0.6, 0.4, 0.5, 0.2, 0.1, 0.2]), np.full(6, np.nan)
    for draw, note in ((0.0, 3), (0.39, 3), (0.41, 4), (0.59, 4), (0.61, 5), (0.999, 5)):
        choose(outputs, 3, draw, chosen)
        np.testing.assert_array_equal(chosen, [1, 0, 0, *(np.arange(3, 6) == note)])


# The walk


def test_the_walk_expects_a_neighbour_at_each_beat_and_the_same_note_within():
    roll = TRAINING[0]
    scale = list(TWELVE_BAR.scale)
    predicted = Walk().predict(roll)
    for now, (row, heard) in enumerate(zip(predicted, roll, strict=True)):
        note = 60 + int(heard[12:].argmax())
        place = scale.index(note)
        near = [scale[n] for n in (place - 1, place + 1) if 0 <= n < len(scale)]
        expected = dict.fromkeys(near, 1 / len(near)) if now % 2 else {note: 1.0}
        found = {60 + unit: p for unit, p in enumerate(row[12:]) if p > 0}
        assert found == pytest.approx(expected)
        np.testing.assert_array_equal(row[:12], FORM[(now + 1) % 96])


def test_the_walk_goes_on_from_the_note_it_is_given():
    scale = np.array(TWELVE_BAR.scale)
    for given in (1, 2, 5, 6):
        roll = Walk().go_on(TRAINING[0, :given], 961, np.random.default_rng(given))
        beats = measures.melody_lines(roll[:960])[:, ::2].ravel()
        own = beats[(given - 1) // 2 :]
        assert (np.abs(np.diff(np.searchsorted(scale, own))) == 1).all()
        held = roll[given - given % 2 : 960, 12:].reshape(-1, 2, 13)
        np.testing.assert_array_equal(held[:, 0], held[:, 1])
        np.testing.assert_array_equal(roll[:, :12], np.tile(FORM, (11, 1))[:961])


def test_after_a_stranger_the_walk_begins_anywhere_in_the_scale():
    strange = TRAINING[0, :2].copy()
    strange[:, 12:] = np.eye(13)[1]
    first = [
        Walk().go_on(strange, 3, np.random.default_rng(n))[2, 12:].argmax() for n in range(200)
    ]
    assert set(first) == {0, 3, 5, 7, 10, 12}
    assert np.isinf(measures.surprise(Walk(), TRAINING[:2]).sum())


# Those that come with the package


@pytest.mark.parametrize(
    "name", ["feed-forward-1", "feed-forward-16", "feed-forward-17", "simple-network"]
)
def test_a_stored_network_is_that_of_seed_0_in_the_table(name, root):
    path = root / "results" / "composers.csv"
    if not path.exists():
        pytest.skip("the study of composers has not been run")
    rows = study.read(path)
    row = next(row for row in rows if (row["composer"], row["seed"]) == (name, "0"))
    network = rivals.stored(name)
    assert experiments.digest(network) == row["weights"]
    assert [str(value) for value in experiments.judge(network, 0)[:5]] == list(row.values())[7:12]


def test_a_network_is_read_as_it_was_written(tmp_path):
    for network in (composer("feed-forward-16"), composer("simple-network")):
        path = tmp_path / "network.npz"
        rivals.save(network, path)
        read = rivals.load(path)
        assert type(read) is type(network)
        np.testing.assert_array_equal(read.hidden, network.hidden)
        np.testing.assert_array_equal(read.output, network.output)


def test_what_is_no_network_of_ours_is_refused(tmp_path, root):
    with pytest.raises(ValueError, match="no stored network 'oracle': there are"):
        rivals.stored("oracle")
    with pytest.raises(FileNotFoundError):
        rivals.load(tmp_path / "none.npz")
    path = tmp_path / "network.npz"
    rivals.save(composer("simple-network"), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="not a network of ours"):
        rivals.load(path)
    with pytest.raises(ValueError, match="not a network of ours"):
        rivals.load(root / "lstm_from_scratch" / "machine" / "trained" / "experiment_1.npz")


# One judge for all


@pytest.mark.parametrize("seed", [0, 7])
def test_a_judge_of_a_network_and_of_a_composer_is_one(seed):
    network = training.stored("experiment_2").network
    assert experiments.judge(network, seed) == experiments.judge(Soloist(network), seed)


def test_the_stored_network_is_judged_as_the_table_says(root):
    """The numbers of Experiment 2 are the same as before there were other composers."""
    rows = study.read(root / "results" / "experiment-2.csv")
    row = next(row for row in rows if row["seed"] == "0")
    judged = experiments.judge(training.stored("experiment_2").network, 0)
    assert {name: row[name] for name in judged._fields} == {
        name: str(value) for name, value in judged._asdict().items()
    }


def test_a_row_tells_how_the_form_was_kept(monkeypatch):
    monkeypatch.setattr(experiments, "COMPOSED_CHORUSES", 20)
    row = composers.composed("table-3", 4)
    table = transition_table.fit(TRAINING, 3)
    roll = table.go_on(TRAINING[0, :2], 20 * 96, np.random.default_rng((2, 4)))
    wrong = (roll[:, :12] != np.tile(FORM, (20, 1))).any(axis=1)
    assert row.composer == "table-3" and row.seed == 4 and row.weights == ""
    assert row.kept == wrong.argmax() and row.wrong_steps == wrong.sum() > 0
    assert 0 <= row.in_form < 1 and row.in_chord < row.in_own_chord
    assert abs(row.nats - row.nats_training) < 0.5
    walk = composers.composed("random-walk", 4)
    assert (walk.kept, walk.wrong_steps, walk.in_form) == (20 * 96, 0, 1)
    assert np.isinf(walk.nats) and walk.in_own_chord == walk.in_chord


def test_trained_composers_are_made_by_their_methods(monkeypatch):
    short = {"max_steps": 9_600, "test_every": 4_800}
    monkeypatch.setattr(composers, "FEED_FORWARD", replace(composers.FEED_FORWARD, **short))
    monkeypatch.setattr(composers, "SIMPLE", replace(composers.SIMPLE, **short))
    seen = composers.make("feed-forward-16", 3)
    expected = feed_forward.train(
        feed_forward.Method(window=16, fresh=4, seed=3, **short), TRAINING
    )[0]
    np.testing.assert_array_equal(seen.hidden, expected.hidden)
    plain, other = composers.make("simple-network", 3), composers.make("simple-network", 4)
    assert plain.weights == 1560 and (plain.hidden != other.hidden).all()
    assert composers.make("table-2", 0).order == 2
    with pytest.raises(ValueError, match="unknown composer 'table-4': there are random-walk"):
        composers.make("table-4", 0)
