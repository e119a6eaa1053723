"""What objects say of themselves, and what is said to those who hand in the wrong ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_from_scratch import music, playing, rivals, studies
from lstm_from_scratch.arrays import regular
from lstm_from_scratch.files import write_whole
from lstm_from_scratch.judging import anatomy, statistics
from lstm_from_scratch.machine import gradient, network, training
from lstm_from_scratch.machine.kernel import Arena
from lstm_from_scratch.machine.network import Topology, Voice, cleared, forward
from lstm_from_scratch.machine.training import PAPER, PAPER_2, RECOMMENDED, Learning, Recipe
from lstm_from_scratch.rivals import feed_forward, random_walk, rehearsal, transition_table
from lstm_from_scratch.rivals import simple_rnn as simple
from lstm_from_scratch.showing import listening, player
from lstm_from_scratch.studies import tables
from lstm_from_scratch.studies.experiments import Study

FIRST = training.stored("experiment_1")
SECOND = training.stored("experiment_2")
ROLL = music.CHORDS_ONLY.form_roll(music.TWELVE_BAR)
SONGS = studies.rolls((1, 2, 3))
NOW = forward(SECOND.network, cleared(SECOND.network.topology), np.zeros(25))
ODD = Topology((Voice("odd", 3, (1, 2)), Voice("one", 2, (1,))))
NOT_YET = replace(FIRST, learned_at=0, steps=1)
PLAIN = rivals.stored("simple-network")

SAID = [
    (FIRST.network, "Network(chords: 12 in, 4 × 2 cells)"),
    (SECOND.network, "Network(chords: 12 in, 4 × 2 cells; melody: 13 in, 4 × 2 cells)"),
    (ODD, "Topology(odd: 3 in, blocks of 1, 2 cells; one: 2 in, 1 × 1 cell)"),
    (FIRST, f"Result(learned after {FIRST.steps:,} steps, seed 0)"),
    (SECOND, "Result(learned after 1,344,000 of 37,344,000 steps, seed 0)"),
    (NOT_YET, "Result(not learned after 1 step, seed 0)"),
    (SECOND.curve, "Curve(7,780 tests up to step 37,344,000)"),
    (Learning(), "Learning()"),
    (Learning(momentum=0.5, clip=1.0), "Learning(momentum=0.5, clip=1.0)"),
    (Voice("a", 2, (1,), h=(0.0, 1.0)), "Voice(name='a', inputs=2, blocks=(1,), h=(0.0, 1.0))"),
    (
        PAPER,
        "Recipe(chords: 12 in, 4 × 2 cells; give_up_after=400000000, test_every=19200)",
    ),
    (
        replace(RECOMMENDED, seed=3),
        "Recipe(chords: 12 in, 4 × 2 cells, g=(-1.0, 1.0), learning_rate=0.0002, "
        "initial_range=0.02, forget_gate_bias=(1.0, 2.0, 3.0, 4.0); seed=3)",
    ),
    (Arena(ODD, 2), "Arena(odd: 3 in, blocks of 1, 2 cells; one: 2 in, 1 × 1 cell; 2 lanes)"),
    (cleared(ODD), "State(cell_state 4, cell_output 4)"),
    (music.chorus(1234), "Chorus(1234: 44 notes of chords, 48 notes of melody)"),
    (music.TWELVE_BAR, "Form('twelve-bar blues', 12 bars of 8 steps, 4,096 choruses)"),
    (music.FORMS["eight bars"], "Form('eight-bar blues', 8 bars of 8 steps)"),
    (studies.choruses(), "Choruses(1,024 to train on, 3,072 held out)"),
    (PLAIN, "SimpleNetwork(25 in, 14 units)"),
    (rivals.stored("feed-forward-16"), "FeedForward(25 in, window of 16, 31 units)"),
    (transition_table.fit(SONGS, 2), "TransitionTable(order 2, 23 steps, 67 contexts)"),
    (statistics.survival([1, 2, 3], [1, 1, 0]), "Survival(3 runs, 33% not learned after 3)"),
    (
        Study("why", print, statistics.Survival, range(4), (("a",), ("b",))),
        "Study('why', 2 settings, 4 seeds)",
    ),
    (tables.Table([], ["seed", "steps"], [{}], [3]), "Table(1 row: seed, steps)"),
    (tables.Rows([{"seed": "0", "steps": "1"}] * 2), "Rows(2 rows: seed, steps)"),
    (tables.Rows(), "Rows(0 rows)"),
    (
        rehearsal.Result(
            PLAIN, simple.Method(), True, 4_800, 1.0, rehearsal.Curve(*np.zeros((5, 1)))
        ),
        "Result(learned after 4,800 steps, SimpleNetwork(25 in, 14 units))",
    ),
    (listening.Sample("a", 1, bytes(9)), "Sample('a', 1)"),
    (player.Row("cell_state", "cell 1", 0, 9, 1.0, np.zeros(9)), "Row('cell 1', 9 steps)"),
]


@pytest.mark.parametrize(("thing", "said"), SAID, ids=[said[:24] for _, said in SAID])
def test_what_an_object_says_of_itself(thing: object, said: str) -> None:
    assert repr(thing) == said


@pytest.mark.parametrize(
    "thing",
    [
        *(thing for thing, _ in SAID),
        NOW,
        network.record(FIRST.network, ROLL),
        gradient.no_partials(SECOND.network.topology),
        gradient.Gradient(SECOND.network.hidden, SECOND.network.output),
        anatomy.Knowledge(*np.zeros((3, 99))),
        anatomy.Outcome(*np.zeros((4, 99))),
        simple.Step(*np.zeros((4, 99))),
        simple.Method(),
        feed_forward.Method(),
        rehearsal.Curve(*np.zeros((5, 99))),
        random_walk.Walk(),
        transition_table.fit_two(SONGS, 2, 2),
        playing.Soloist(SECOND.network),
        music.CHORDS_AND_MELODY,
        *studies.STUDIES.values(),
        tables.parse(Path(tables.folder()) / "resets.csv"),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_no_object_fills_the_screen(thing: object) -> None:
    assert len(repr(thing)) <= 200


def test_a_recipe_says_what_sets_it_apart_and_is_no_longer_than_that() -> None:
    said = repr(SECOND.recipe)
    assert "momentum" not in said and "reads=('chords',)" in said and "decay=1e-07" in said
    assert len(said) < 260 and len(repr(PAPER_2)) < 220


# ---- One number for all blocks ----------------------------------------------------------------


def test_a_bias_may_be_one_number_for_all_blocks() -> None:
    one = Learning(input_gate_bias=-1.0, forget_gate_bias=2, output_gate_bias=np.float64(0.5))
    each = Learning(
        input_gate_bias=(-1.0,) * 4, forget_gate_bias=(2.0,) * 4, output_gate_bias=(0.5,) * 4
    )
    short, long = (Recipe(PAPER.topology, (learning,)) for learning in (one, each))
    assert short == long and hash(short) == hash(long) and repr(short) == repr(long)
    begun = [training.initial_network(it, [np.random.default_rng(1)]) for it in (short, long)]
    np.testing.assert_array_equal(begun[0].hidden, begun[1].hidden)
    with pytest.raises(
        ValueError, match="forget_gate_bias: expected a finite number, or a tuple of one for each"
    ):
        Learning(forget_gate_bias=float("nan"))


def test_such_a_recipe_is_saved_as_the_other(tmp_path: Path) -> None:
    learning = replace(FIRST.recipe.voices[0], forget_gate_bias=1.0)
    kept = replace(FIRST, recipe=replace(FIRST.recipe, voices=(learning,)))
    training.save(kept, tmp_path / "one.npz")
    assert training.load(tmp_path / "one.npz").recipe == kept.recipe
    assert kept.recipe.voices[0].forget_gate_bias == (1.0,) * 4


# ---- An int for rng ----------------------------------------------------------------------------


def test_an_int_is_as_good_as_a_generator() -> None:
    from numpy.random import default_rng

    seed, table = SONGS[0][:2], transition_table.fit(SONGS, 2)
    chord_voice = network.solo(SECOND.network, "chords")
    values, labels = np.random.default_rng(0).random((2, 8, 3)), np.arange(8) // 4
    for drawn in (
        lambda rng: music.blues.split(5, rng)[0],
        lambda rng: playing.compose(SECOND.network, music.chorus(1), 2, 1, rng),
        lambda rng: playing.free_run(SECOND.network, seed, 32, rng),
        lambda rng: playing.play_along(SECOND.network, SONGS[0][:8], ("melody",), rng),
        lambda rng: playing.Soloist(SECOND.network).go_on(seed, 32, rng),
        lambda rng: PLAIN.go_on(seed, 32, rng),
        lambda rng: rivals.stored("feed-forward-1").go_on(seed, 32, rng),
        lambda rng: table.go_on(seed, 32, rng),
        lambda rng: transition_table.fit_two(SONGS, 2, 2).go_on(seed, 32, rng),
        lambda rng: transition_table.compose(table, 1, 32, rng),
        lambda rng: random_walk.compose(1, rng),
        lambda rng: random_walk.Walk().go_on(seed, 32, rng),
        lambda rng: simple.random_network(2, 3, rng).hidden,
        lambda rng: feed_forward.random_network(2, 3, 4, rng).hidden,
        lambda rng: statistics.mean_interval([1.0, 2.0, 4.0], rng),
        lambda rng: anatomy.knowledge(values, labels, rng).chance,
        lambda rng: anatomy.disturb(chord_voice, ROLL, 0.5, rng, trials=2, choruses=2).at,
    ):
        np.testing.assert_array_equal(drawn(7), drawn(default_rng(7)))
    music_of = {"a": [music.chorus(1)], "b": [music.chorus(2)]}
    assert listening.blind_test(music_of, 7) == listening.blind_test(music_of, default_rng(7))


# ---- The sentence a person needs ---------------------------------------------------------------


def test_a_result_where_a_network_is_wanted() -> None:
    with pytest.raises(
        ValueError, match=r"network: expected a Network, got a Result: use result\.network"
    ):
        playing.compose(SECOND, music.chorus(1), 2, 1, 0)
    for call in (
        lambda: playing.free_run(FIRST, ROLL[:1], 8),
        lambda: playing.play_along(SECOND, SONGS[0], ("melody",), 0),
        lambda: playing.hear(FIRST, ROLL),
        lambda: playing.predict(FIRST, ROLL),
        lambda: playing.recall(FIRST, ROLL, 1),
        lambda: playing.Soloist(FIRST),
    ):
        with pytest.raises(
            ValueError, match="network: expected a Network, got a Result: use result"
        ):
            call()
    with pytest.raises(ValueError, match=r"network: expected a Network, got a SimpleNetwork$"):
        playing.predict(PLAIN, ROLL)


def test_a_result_says_where_its_network_is() -> None:
    for call in (
        lambda: forward(FIRST, cleared(FIRST.network.topology), ROLL[0]),
        lambda: network.solo(SECOND, "chords"),
        lambda: studies.judge(SECOND, 0),
        lambda: Arena(FIRST.network.topology).set_weights(FIRST),
    ):
        with pytest.raises(
            ValueError,
            match=r"(network|composer): .*got a Result: use result\.network",
        ):
            call()
    with pytest.raises(AttributeError, match="where a Network is wanted, use result"):
        _ = SECOND.topology


def test_a_file_or_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder '.*songs' to write 'a.mid' into: make"):
        music.write_midi(music.chorus(1), tmp_path / "songs" / "a.mid")
    with pytest.raises(IsADirectoryError, match="is a folder: name a file to write"):
        write_whole(tmp_path, b"")
    with pytest.raises(FileNotFoundError, match=r"no file '.*a.npz'; .* training.stored\('exp"):
        training.load(tmp_path / "a.npz")
    with pytest.raises(FileNotFoundError, match=r"no file '.*a.npz'; .* storing.stored\('simp"):
        rivals.load(tmp_path / "a.npz")
    with pytest.raises(FileNotFoundError, match=r"there is no file '.*a.mid' to read"):
        music.read_midi(tmp_path / "a.mid")
    assert list(tmp_path.iterdir()) == []


# ---- Rows that are not equally long ------------------------------------------------------------


def test_a_ragged_roll_is_refused_in_words_of_ours() -> None:
    ragged = [[0.0] * 12, [0.0] * 11]
    for call in (
        lambda: music.CHORDS_ONLY.check(ragged),
        lambda: playing.predict(FIRST.network, ragged),
        lambda: network.record(FIRST.network, ragged),
        lambda: training.train(RECOMMENDED, ragged, lambda _: 0),
        lambda: simple.train(simple.Method(), ragged),
        lambda: rehearsal.checked_choruses(ragged),
        lambda: transition_table.fit(ragged),
    ):
        with pytest.raises(ValueError, match="got rows of unequal length: 11 and 12"):
            call()
    with pytest.raises(ValueError, match="expected a roll, got what can't be an array of numbers"):
        regular("abc", "a roll")
