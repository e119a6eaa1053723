"""The questions of chapter 11: what each study changes, and that it changes nothing else."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.judging import measures
from lstm_from_scratch.machine.network import Network, Topology, Voice
from lstm_from_scratch.machine.training import RECOMMENDED, RECOMMENDED_2
from lstm_from_scratch.music.blues import FORMS, TWELVE_BAR, chord_notes
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from lstm_from_scratch.playing import composing
from lstm_from_scratch.studies import experiments, study
from lstm_from_scratch.studies.questions import improvising, learning

FAST = 10_005
"""A seed that has learned the chords after 940,800 steps."""


def _random_network(topology: Topology, seed: int, reach: float = 1.0) -> Network:
    rng = np.random.default_rng(seed)
    return Network(
        topology,
        rng.uniform(-reach, reach, topology.hidden_mask.shape) * topology.hidden_mask,
        rng.uniform(-reach, reach, topology.output_mask.shape) * topology.output_mask,
    )


def test_every_question_has_a_row_for_each_setting_and_seed():
    for name, asked in study.STUDIES.items():
        assert len(set(asked.settings)) == len(asked.settings), name
        assert len({len(setting) for setting in asked.settings}) == 1, name
        # The key of a case is what stands first in its row.
        assert asked.row._fields[len(asked.settings[0])] == "seed", name


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_forms_can_be_sung_and_are_heard_as_they_are_written(form):
    roll = CHORDS_ONLY.form_roll(form)
    assert roll.shape == (form.steps, 12)
    assert form.steps == form.steps_per_bar * len(form.chords)
    assert (roll.sum(axis=1) >= 3).all()


def test_finer_time_is_the_same_music_more_slowly():
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    for name, times in (("our blues in sixteenths", 2), ("our blues in thirty-seconds", 4)):
        np.testing.assert_array_equal(
            CHORDS_ONLY.form_roll(FORMS[name]), np.repeat(roll, times, axis=0)
        )


def test_one_form_holds_a_chord_for_32_steps_and_one_has_a_bridge():
    longest = max(note.duration for note in chord_notes(FORMS["plain blues"]))
    assert longest == 32
    song = FORMS["song with bridge"].chords
    assert len(song) == 32
    assert song[:5] == song[8:13] == song[24:29]
    assert song[5:8] != song[13:16] == song[29:32]


def test_an_ingredient_changes_what_it_names_and_nothing_else():
    def parts(recipe):
        voice, learns = recipe.topology.voices[0], recipe.voices[0]
        return {**vars(voice), **vars(learns), "forgiven": recipe.forgiven}

    before = parts(RECOMMENDED)
    changed = {
        case: {name for name, value in parts(change(RECOMMENDED)).items() if value != before[name]}
        for case, change in learning.INGREDIENTS.items()
        if case[0] != "peepholes"
    }
    assert changed.pop(("recommended", "nothing changed")) == set()
    allowed = {
        "gross error": {"wrong", "forgiven"},
        "forget gates": {"forget_gate_bias"},
        "input and output gates": {"input_gate_bias", "output_gate_bias"},
        "first weights": {"initial_range"},
        "squashing": {"g", "h"},
        "size": {"blocks", "input_gate_bias", "forget_gate_bias", "output_gate_bias"},
    }
    for (ingredient, _), names in changed.items():
        assert names and names <= allowed[ingredient]
    recipes = [change(RECOMMENDED) for case, change in learning.INGREDIENTS.items()
               if case[0] != "peepholes"]  # fmt: skip
    assert len(set(recipes)) == len(recipes)


def test_the_stairs_go_on_for_other_numbers_of_blocks():
    recipe = learning.INGREDIENTS["size", "8 blocks of 1"](RECOMMENDED)
    assert recipe.topology.voices[0].blocks == (1,) * 8
    assert recipe.voices[0].input_gate_bias == (-0.5, -1.0, -1.5, -2.0, -2.5, -3.0, -3.5, -4.0)
    assert recipe.voices[0].forget_gate_bias == (1, 2, 3, 4, 5, 6, 7, 8)


def test_a_gate_that_never_forgets_does_not_learn_to(monkeypatch):
    recipe = learning.INGREDIENTS["forget gates", "none"](RECOMMENDED)
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    learned = learning.train(
        replace(recipe, give_up_after=4_800), roll, lambda _: 0, progress=False
    )
    t = recipe.topology
    gates = learned.network.hidden[t.forget_gates]
    assert (gates[:, -1] == learning.NEVER_FORGET).all()
    assert np.abs(gates[:, :-1]).max() <= recipe.voices[0].initial_range
    step = composing.forward(learned.network, composing.cleared(t), roll[0])
    assert (step.forget_gate == 1.0).all()


def test_an_attempt_that_diverges_says_so():
    row = learning.rates(1e200, 0.99, 3)
    assert (row.learning_rate, row.momentum, row.seed) == (1e200, 0.99, 3)
    assert (row.learned, row.diverged, row.choruses) == (0, 1, 0)
    assert 1 <= row.steps <= RECOMMENDED.test_every


def test_an_attempt_that_learns_says_when():
    row = learning.attempt(RECOMMENDED, FAST)
    assert (row.learned, row.diverged, row.steps) == (1, 0, 940_800)
    assert row.choruses >= 1_000


def test_stopping_rules_are_read_off_one_training():
    row = learning.cycles(FAST)
    played = [getattr(row, f"after_{asked}") for asked in learning.ASKED]
    assert (row.learned, row.steps) == (1, 940_800)
    assert all(choruses >= asked for choruses, asked in zip(played, learning.ASKED, strict=True))
    assert played == sorted(played)
    # The first entry is the moment that the study of Experiment 1 keeps too.
    assert min(played[0], 1_000) == experiments.experiment_1(RECOMMENDED, FAST).first_cycle_choruses


def test_other_chords_are_the_same_chords_elsewhere():
    assert Counter(improvising.ANOTHER_FORM.chords) == Counter(TWELVE_BAR.chords)
    pairs = zip(improvising.ANOTHER_FORM.chords, TWELVE_BAR.chords, strict=True)
    assert all(ours != theirs for ours, theirs in pairs)


def test_a_phrase_fits_its_place_or_the_chord_that_is_heard():
    rng = np.random.default_rng(1)
    lines = measures.chorus_lines(rng.integers(4096, size=50))
    assert improvising.fits_place(lines).all()
    assert improvising.fits_chord(lines, TWELVE_BAR).all()
    # Bars put where their chord is in the other form fit the chord and, mostly, not the place.
    other, bars = improvising.ANOTHER_FORM, lines.reshape(50, 12, 8)
    sources = [TWELVE_BAR.chords.index(symbol) for symbol in other.chords]
    moved = bars[:, sources].reshape(50, 96)
    assert improvising.fits_chord(moved, other).all()
    assert improvising.fits_place(moved).mean() < 0.1
    assert not improvising.fits_chord(moved + 40, other).any()


def test_a_deafened_network_hears_no_chords_and_is_else_the_same():
    network = _random_network(RECOMMENDED_2.topology, 4)
    deaf = improvising.deafened(network)
    t = network.topology
    melody, chords = t.parts("melody"), t.parts("chords")
    gone = np.zeros(network.hidden.shape, dtype=bool)
    gone[np.ix_(t.rows("melody"), np.r_[chords[2]] + t.inputs)] = True
    np.testing.assert_array_equal(deaf.hidden, np.where(gone, 0.0, network.hidden))
    np.testing.assert_array_equal(deaf.output, network.output)
    roll = (np.random.default_rng(5).random((40, 25)) > 0.5).astype(float)
    other = roll.copy()
    other[:, chords[0]] = 1 - other[:, chords[0]]
    units = melody[0]
    assert (
        composing.predict(deaf, roll)[:, units] == composing.predict(deaf, other)[:, units]
    ).all()
    assert (
        composing.predict(network, roll)[-1, units] != composing.predict(network, other)[-1, units]
    ).all()


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_playing_along_with_nothing_is_a_free_run(temperature):
    topology = Topology((Voice("low", 3, (2, 1)), Voice("high", 4, (1, 2), ("low",), "sample")))
    network = _random_network(topology, 6, reach=2.0)
    seed = np.zeros((1, 7))
    seed[0, [1, 4]] = 1.0
    free = composing.free_run(network, seed, 60, np.random.default_rng(7), temperature=temperature)
    roll = np.zeros((60, 7))
    roll[0] = seed
    # A free run sets aside a number for each voice and step, whether the voice draws or not.
    draws = np.random.default_rng(7).random((60, 2))[1:, 1]

    class Draws(np.random.Generator):
        numbers = iter(draws)

        def random(self) -> float:
            return next(self.numbers)

    along = composing.play_along(
        network, roll, ("high", "low"), Draws(np.random.PCG64()), temperature=temperature
    )
    np.testing.assert_array_equal(along, free)


def test_playing_along_keeps_what_is_given():
    network = _random_network(RECOMMENDED_2.topology, 8)
    rng = np.random.default_rng(9)
    roll = np.zeros((50, 25))
    roll[:, :12] = rng.random((50, 12)) > 0.6
    roll[0, 15] = 1.0
    heard = composing.play_along(network, roll, ("melody",), np.random.default_rng(1))
    np.testing.assert_array_equal(heard[:, :12], roll[:, :12])
    np.testing.assert_array_equal(heard[:, 12:].sum(axis=1), 1.0)
    warm = composing.play_along(
        network, roll, ("melody",), np.random.default_rng(1), temperature=1.0
    )
    np.testing.assert_array_equal(heard, warm)  # the paper's way unless told otherwise
    # What is given is listened to: other chords, other melody.
    roll[10:, :12] = 1.0 - roll[10:, :12]
    other = composing.play_along(network, roll, ("melody",), np.random.default_rng(1))
    np.testing.assert_array_equal(heard[:11, 12:], other[:11, 12:])
    assert (heard[:, 12:] != other[:, 12:]).any()
    with pytest.raises(ValueError, match="no voice 'bass'"):
        composing.play_along(network, roll, ("bass",), rng)
    with pytest.raises(ValueError, match="shape"):
        composing.play_along(network, roll[:, 1:], ("melody",), rng)
    network.output[12:] = 0.0
    network.output[12:, -1] = -1000.0  # the melody's outputs are 0 to the last bit
    with (
        np.errstate(over="ignore"),
        pytest.raises(ValueError, match="step 0: no note can be drawn"),
    ):
        composing.play_along(network, roll, ("melody",), rng)


SHORT = replace(RECOMMENDED_2, window=4_800, windows=1)


@pytest.fixture
def short(monkeypatch):
    """Studies of Experiment 2 whose melody learns for a moment and plays for a while."""
    monkeypatch.setattr(improvising, "RECOMMENDED_2", SHORT)
    monkeypatch.setattr(improvising, "HEARD_CHORUSES", 10)
    for module in (improvising, experiments):
        monkeypatch.setattr(module, "COMPOSED_CHORUSES", 40)
    improvising._improviser.cache_clear()
    yield
    improvising._improviser.cache_clear()


def test_the_cause_is_looked_for_with_and_without_chords(short):
    hears, deaf = improvising.cause(1, FAST), improvising.cause(0, FAST)
    assert hears.learned_at == deaf.learned_at == 940_800
    assert hears.nats != deaf.nats
    # Without connections nothing is lost when they are removed.
    assert (deaf.deaf_first, deaf.deaf_last) == (deaf.exact_first, deaf.exact_last)
    assert (hears.deaf_first, hears.deaf_last) != (hears.exact_first, hears.exact_last)


def test_all_of_the_source_leaves_nothing_to_hold_out(short):
    row = improvising.of_size(4096, FAST)
    assert CHORDS_AND_MELODY.units == 25
    assert (row.size, row.in_source) == (4096, 0.0)
    # Both surprises are of the training set, the second of a part of it.
    assert abs(row.nats - row.nats_training) < 0.5


def test_a_network_is_trained_once_for_all_temperatures(short):
    rows = [improvising.sampling("logistic", t, FAST) for t in (0.0, 1.0)]
    assert rows[0].nats == rows[1].nats
    assert improvising._improviser.cache_info().misses == 1
    greedy, drawn = rows
    assert greedy.different < drawn.different
