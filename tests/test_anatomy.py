"""What cells do: information against closed forms and a count by hand, cuts against the wiring,
pushes against networks whose fate is known."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from lstm_from_scratch.judging.anatomy import (
    cell_names,
    cells_of,
    disturb,
    entropy,
    freeze,
    knowledge,
    landmarks,
    mutual_information,
    place,
    silence,
)
from lstm_from_scratch.machine.network import (
    Network,
    State,
    Topology,
    Voice,
    cleared,
    forward,
    record,
    solo,
)
from lstm_from_scratch.machine.training import stored
from lstm_from_scratch.music.blues import TWELVE_BAR, Form
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.playing.composing import free_run

GATES = ("input_gate", "forget_gate", "output_gate")
FORM = CHORDS_ONLY.form_roll(TWELVE_BAR)


def random_network(rng: np.random.Generator, spread: float = 1.0) -> Network:
    """Two voices, the second of which reads the first, with blocks of any sizes and biases."""
    sizes = [tuple(int(n) for n in rng.integers(1, 4, size=rng.integers(1, 4))) for _ in range(2)]
    inputs = [int(n) for n in rng.integers(1, 4, size=2)]
    t = Topology(
        (Voice("one", inputs[0], sizes[0]), Voice("other", inputs[1], sizes[1], reads=("one",)))
    )
    hidden = rng.normal(0, spread, t.hidden_mask.shape) * t.hidden_mask
    output = rng.normal(0, spread, t.output_mask.shape) * t.output_mask
    return Network(t, hidden, output)


# Landmarks


def test_landmarks_say_where_one_is():
    marks = landmarks(TWELVE_BAR)
    assert set(marks) == {"bar", "beat", "step", "chord", "position"}
    for position in range(96):
        assert marks["position"][position] == position
        assert marks["bar"][position] == position // 8
        assert marks["step"][position] == position % 8
        assert marks["beat"][position] == position % 8 // 2
    for one in range(96):
        for other in range(96):
            same = TWELVE_BAR.chords[one // 8] == TWELVE_BAR.chords[other // 8]
            assert (marks["chord"][one] == marks["chord"][other]) == same


def test_landmarks_of_another_form():
    marks = landmarks(Form("waltz", ("F", "C", "F"), steps_per_bar=6))
    assert marks["bar"].tolist() == [0] * 6 + [1] * 6 + [2] * 6
    assert marks["beat"].tolist() == [0, 0, 1, 1, 2, 2] * 3
    assert marks["chord"].tolist() == [0] * 6 + [1] * 6 + [0] * 6


# Information


def by_hand(values, labels, bins):
    """Count pairs one by one; classes by rank, for values that are all different."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    classes = [0] * len(values)
    for rank, i in enumerate(order):
        classes[i] = rank * bins // len(values)
    pairs = Counter(zip(classes, labels, strict=True))
    rows, columns, n = Counter(classes), Counter(labels), len(values)
    plain = sum(
        count / n * math.log2(count * n / (rows[row] * columns[column]))
        for (row, column), count in pairs.items()
    )
    return plain - (len(pairs) - len(rows) - len(columns) + 1) / (2 * n * math.log(2))


@pytest.mark.parametrize("seed", range(8))
def test_information_is_a_count_of_pairs(seed):
    rng = np.random.default_rng(seed)
    bins = int(rng.integers(2, 9))
    samples = bins * int(rng.integers(5, 40))
    labels = rng.integers(rng.integers(2, 7), size=samples)
    values = labels * rng.random() + rng.random(samples)
    found = mutual_information(values, labels, bins=bins)
    assert math.isclose(found, by_hand(values.tolist(), labels.tolist(), bins), abs_tol=1e-12)


def test_what_has_nothing_to_do_with_a_label_tells_nothing():
    """Without the correction the average would be 0.10 bits."""
    rng = np.random.default_rng(1)
    found = [
        mutual_information(rng.random(800), rng.integers(8, size=800), bins=16) for _ in range(200)
    ]
    assert abs(np.mean(found)) < 0.02
    assert min(found) < 0, "not cut off at 0: that would leave a bias"


def test_what_determines_a_label_tells_all_of_it():
    rng = np.random.default_rng(2)
    values = (rng.permutation(8_000) + 0.5) / 8_000
    labels = np.digitize(values, (0.25, 0.5, 0.75))
    assert abs(mutual_information(values, labels, bins=16) - 2) < 0.01
    assert abs(mutual_information(np.cos(labels * 1.0), labels, bins=16) - 2) < 0.01
    assert math.isclose(entropy(np.repeat([0, 1, 2, 3], 100)), 2)


def test_a_noisy_bit_tells_what_shannon_says():
    rng = np.random.default_rng(3)
    for flipped in (0.05, 0.11, 0.3):
        label = rng.integers(2, size=200_000)
        value = label ^ (rng.random(len(label)) < flipped)
        expected = 1 + flipped * math.log2(flipped) + (1 - flipped) * math.log2(1 - flipped)
        assert abs(mutual_information(value, label, bins=2) - expected) < 0.01


def test_two_values_are_two_classes_however_rare_one_is():
    for share in (0.01, 0.05, 0.5, 0.96):
        bit = np.random.default_rng(4).random(40_000) < share
        expected = entropy(bit)
        for value in (bit, ~bit):
            assert abs(mutual_information(value, bit, bins=2) - expected) < 1e-3


def test_only_the_order_of_values_matters():
    rng = np.random.default_rng(4)
    values = rng.normal(size=960)
    labels = (values + rng.normal(size=960) > 0).astype(int)
    found = mutual_information(values, labels)
    assert found > 0.1
    assert math.isclose(mutual_information(np.tanh(values), labels), found)
    assert math.isclose(mutual_information(values, np.array(["no", "yes"])[labels]), found)


def test_a_constant_tells_nothing_and_equal_values_share_a_class():
    labels = np.arange(96) // 8
    assert mutual_information(np.ones(96), labels) == 0
    assert mutual_information(np.arange(96) % 2, labels, bins=7) < 0.01


@pytest.mark.parametrize(
    ("values", "labels", "options", "message"),
    [
        (
            np.zeros(3),
            np.zeros(4),
            {},
            r"labels: expected labels that can be sorted, shape \(samples,\), as values",
        ),
        (
            np.zeros((2, 2)),
            np.zeros((2, 2)),
            {},
            r"values: expected finite numbers of shape \(samples,\), got shape \(2, 2\)",
        ),
        (
            np.zeros(0),
            np.zeros(0),
            {},
            r"labels: expected labels that can be sorted, shape \(samples,\), got an array",
        ),
        (np.array([1.0, np.nan]), np.zeros(2), {}, "finite"),
        (
            np.zeros(2),
            np.zeros(2),
            {"bins": 1},
            "bins: expected a whole number from 2 to 10,000, got 1",
        ),
    ],
)
def test_information_about_nothing_is_refused(values, labels, options, message):
    with pytest.raises(ValueError, match=message):
        mutual_information(values, labels, **options)


@pytest.mark.parametrize("labels", [[], np.zeros((2, 2))])
def test_entropy_of_nothing_is_refused(labels):
    with pytest.raises(
        ValueError,
        match=r"labels: expected labels that can be sorted, .*got",
    ):
        entropy(labels)


def test_entropy_of_chords_is_what_their_frequencies_say():
    shares = np.array([5, 2, 1, 1, 1, 2]) / 12
    expected = -(shares * np.log2(shares)).sum()
    assert math.isclose(entropy(landmarks(TWELVE_BAR)["chord"]), expected)
    assert entropy(np.ones(5)) == 0


def test_knowledge_is_held_against_numbers_that_only_repeat():
    """Any numbers that come back in each chorus tell something: it must count as chance."""
    rng = np.random.default_rng(5)
    bar = landmarks(TWELVE_BAR)["bar"]
    repeated = np.tile(rng.random(96), (6, 1))
    counter = np.tile(bar + 0.0, (6, 1)) + rng.random((6, 96))
    fresh = rng.random((6, 96))
    found = knowledge(np.stack([repeated, counter, fresh], axis=2), bar, rng)
    assert found.bits.shape == found.chance.shape == found.reached.shape == (3,)
    assert found.bits[0] > 0.8 and abs(found.bits[0] - found.chance[0]) < 0.3
    assert 0.01 < found.reached[0] < 0.99
    assert found.bits[1] > 3 and found.bits[1] - found.chance[1] > 1.3
    assert found.reached[1] == 0
    assert abs(found.bits[2]) < 0.3 and abs(found.chance[2]) < 0.3
    for cell, values in enumerate((repeated, counter, fresh)):
        assert found.bits[cell] == mutual_information(values.ravel(), np.tile(bar, 6))


@pytest.mark.parametrize(
    ("values", "labels", "shuffles", "message"),
    [
        (
            np.zeros((2, 8)),
            np.zeros(8),
            3,
            r"values: expected finite numbers of shape \(choruses, steps, cells\), got",
        ),
        (
            np.zeros((2, 8, 1)),
            np.zeros(7),
            3,
            r"labels: expected labels that can be sorted, shape \(samples,\), as values",
        ),
        (np.full((2, 8, 1), np.inf), np.zeros(8), 3, "finite"),
        (
            np.zeros((2, 8, 1)),
            np.zeros(8),
            0,
            "shuffles: expected a whole number from 1 to 100,000, got 0",
        ),
    ],
)
def test_knowledge_of_what_does_not_fit_is_refused(values, labels, shuffles, message):
    with pytest.raises(ValueError, match=message):
        knowledge(values, labels, np.random.default_rng(0), shuffles=shuffles)


# Cuts


@pytest.mark.parametrize("seed", range(8))
def test_silenced_cells_are_heard_as_a_constant_by_those_who_read_them(seed):
    """Step by step beside the whole network, with the constant put where the outputs are read."""
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    t = network.topology
    cells = cells_of(t, int(rng.integers(t.blocks)))
    at = rng.normal(size=len(cells))
    to = ("one", "other", None)[int(rng.integers(3))]
    cut = silence(network, cells, at=at, to=to)
    rows = np.arange(t.hidden_units) if to is None else t.rows(to)
    outputs = np.arange(t.inputs) if to is None else np.r_[t.parts(to)[0]]
    connected = t.hidden_mask[np.ix_(rows, t.inputs + cells)].any(axis=1)
    for _ in range(5):
        state = State(rng.normal(size=t.cells), rng.normal(size=t.cells))
        instead = State(state.cell_state, state.cell_output.copy())
        instead.cell_output[cells] = at
        x = rng.integers(2, size=t.inputs).astype(float)
        wounded, whole, other = (
            forward(cut, state, x),
            forward(network, state, x),
            forward(network, instead, x),
        )

        def hidden(step):
            return np.concatenate(
                [step.input_gate, step.forget_gate, step.output_gate, step.candidate]
            )

        expected = hidden(whole)
        expected[rows[connected]] = hidden(other)[rows[connected]]
        np.testing.assert_allclose(hidden(wounded), expected, atol=1e-12)
        read = wounded.output_sources.copy()
        read[t.inputs + cells] = at
        plain = 1 / (1 + np.exp(-(network.output @ wounded.output_sources)))
        plain[outputs] = 1 / (1 + np.exp(-(network.output @ read)))[outputs]
        np.testing.assert_allclose(wounded.prediction, plain, atol=1e-12)


def test_a_cut_leaves_the_network_whole_and_what_reads_nothing_alone():
    rng = np.random.default_rng(9)
    network = random_network(rng)
    t = network.topology
    before = network.hidden.copy(), network.output.copy()
    of_other = np.arange(t.cells)[t.parts("other")[2]]
    cut = silence(network, of_other, at=rng.normal(size=len(of_other)))
    np.testing.assert_array_equal(cut.hidden[t.rows("one")], network.hidden[t.rows("one")])
    assert not cut.hidden[:, t.inputs + of_other].any()
    np.testing.assert_array_equal(silence(network, []).hidden, network.hidden)
    freeze(network, "forget_gate", 0, 0.3)
    np.testing.assert_array_equal(network.hidden, before[0])
    np.testing.assert_array_equal(network.output, before[1])


@pytest.mark.parametrize("seed", range(6))
def test_a_frozen_gate_stands_still_and_the_others_do_not(seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    t = network.topology
    roll = rng.integers(2, size=(20, t.inputs)).astype(float)
    for gate in GATES:
        block, value = int(rng.integers(t.blocks)), float(rng.uniform(0.02, 0.98))
        steps = record(freeze(network, gate, block, value), roll)
        for other in GATES:
            stands = np.ptp(getattr(steps, other), axis=0) < 1e-12
            assert stands.tolist() == [other == gate and b == block for b in range(t.blocks)]
        np.testing.assert_allclose(getattr(steps, gate)[:, block], value, atol=1e-12)


def test_cells_of_blocks_part_the_cells():
    t = Topology((Voice("one", 1, (2, 1)), Voice("other", 1, (3,))))
    assert [cells_of(t, block).tolist() for block in range(3)] == [[0, 1], [2], [3, 4, 5]]
    assert cell_names(t) == ["1.1", "1.2", "2.1", "3.1", "3.2", "3.3"]


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (lambda n: silence(n, [99]), r"cells \[99\]: there are 0 to"),
        (lambda n: silence(n, [-1]), r"cells \[-1\]: there are 0 to"),
        (lambda n: silence(n, [0], to="nobody"), "no voice 'nobody'"),
        (
            lambda n: silence(n, [0], at=np.nan),
            "at: expected one or more finite numbers, got nan among them",
        ),
        (lambda n: silence(n, [0, 1], at=[1.0]), "one for each of 2 cells"),
        (
            lambda n: freeze(n, "exit", 0, 0.5),
            "gate: expected 'input_gate' or 'forget_gate' or 'output_gate', got 'exit'",
        ),
        (lambda n: freeze(n, "input_gate", 99, 0.5), "no block 99: there are 0 to"),
        (
            lambda n: freeze(n, "input_gate", 0, 1.0),
            r"value: expected a number above 0 and below 1, got 1\.0",
        ),
        (
            lambda n: freeze(n, "input_gate", 0, np.nan),
            "value: expected a number above 0 and below 1, got nan",
        ),
        (
            lambda n: cells_of(n.topology, -1),
            "block: expected a whole number of at least 0, got -1",
        ),
    ],
)
def test_a_cut_that_can_not_be_made_is_refused(cut, message):
    with pytest.raises(ValueError, match=message):
        cut(random_network(np.random.default_rng(10)))


# Where in the form


def test_music_is_found_where_it_was_taken_from():
    for position in (0, 1, 8, 50, 95):
        assert place(np.roll(FORM, -position, axis=0), FORM) == (position, 1.0)
    assert place(np.tile(FORM, (3, 1))[70:200], FORM) == (70, 1.0)


def test_wrong_steps_are_counted_at_the_best_place():
    roll = np.roll(FORM, -30, axis=0)
    roll[[3, 40, 41], 0] = 1 - roll[[3, 40, 41], 0]
    assert place(roll, FORM) == (30, 93 / 96)
    assert place(np.zeros((5, 12)), FORM) == (0, 0.0)
    assert place(FORM[:1], FORM) == (0, 1.0), "of equal places the first"


@pytest.mark.parametrize(
    ("roll", "form", "message"),
    [
        (np.zeros((4, 3)), FORM, r"form: .* as roll has units 3, got shape \(96, 12\)"),
        (np.zeros(12), FORM, r"roll: .* shape \(played, units\), got shape \(12,\)"),
        (np.zeros((0, 12)), FORM, r"roll: .* got shape \(0, 12\)"),
        (FORM, FORM[:0], r"form: .* got shape \(0, 12\)"),
    ],
)
def test_what_has_no_place_is_refused(roll, form, message):
    with pytest.raises(ValueError, match=message):
        place(roll, form)


# Pushes


@pytest.fixture(scope="module")
def chords() -> Network:
    return stored("experiment_1").network


def test_who_is_not_pushed_plays_on(chords):
    outcome = disturb(chords, FORM, 0.0, np.random.default_rng(0), trials=20, choruses=3)
    assert not outcome.slipped.any()
    assert not outcome.displaced.any()
    assert (outcome.agreement == 1).all()
    assert len(set(outcome.at)) > 10
    none = disturb(chords, FORM, 1.0, np.random.default_rng(0), trials=5, choruses=2, cells=[])
    assert not none.slipped.any()


def test_a_push_is_what_a_slow_loop_says(chords):
    """The same pushes with the readable forward pass, and the ends compared with every shift."""
    trials, choruses, size, cells = 6, 3, 0.5, [1, 4]
    outcome = disturb(
        chords,
        FORM,
        size,
        np.random.default_rng(7),
        trials=trials,
        choruses=choruses,
        cells=cells,
    )
    rng, state, states = np.random.default_rng(7), cleared(chords.topology), []
    for now in range(40 * 96):
        state = forward(chords, state, FORM[now % 96]).state
        states.append(state)
    states = states[-96:]
    spread = np.std([s.cell_state for s in states], axis=0)
    for trial in range(trials):
        at = int(rng.integers(96))
        noise = rng.standard_normal(8)
        pushed = states[at].cell_state.copy()
        pushed[cells] += (size * spread * noise)[cells]
        state, heard = State(pushed, states[at].cell_output), [FORM[(at + 1) % 96]]
        while len(heard) < 96 * choruses:
            step = forward(chords, state, heard[-1])
            state = step.state
            heard.append((step.prediction > 0.5).astype(float))
        right = [(heard[t] == FORM[(at + 1 + t) % 96]).all() for t in range(len(heard))]
        last = heard[-96:]
        shifts = [
            np.mean([(last[t] == FORM[(at + 1 + shift + t) % 96]).all() for t in range(96)])
            for shift in range(96)
        ]
        assert outcome.at[trial] == at
        assert outcome.slipped[trial] == (not all(right))
        assert outcome.agreement[trial] == max(shifts)
        assert outcome.displaced[trial] == int(np.argmax(shifts))
    assert outcome.slipped.any()


def test_a_network_that_only_alternates_is_never_lost():
    """Its cells are not heard, so it is in its place again however hard they are pushed."""
    t = Topology((Voice("simple", 2, (1,)),))
    output = np.zeros(t.output_mask.shape)
    output[:, :2], output[:, -1] = np.diag([-20.0, -20.0]), 10.0
    form = np.array([[1.0, 0.0], [0.0, 1.0]])
    hidden = np.random.default_rng(3).normal(size=t.hidden_mask.shape)
    outcome = disturb(Network(t, hidden, output), form, 100.0, np.random.default_rng(0), trials=9)
    assert not outcome.slipped.any() and not outcome.displaced.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": -1.0}, r"size: expected a number of at least 0, got -1\.0"),
        ({"size": np.inf}, "size: expected a number of at least 0, got inf"),
        ({"trials": 0}, "trials: expected a whole number from 1 to 100,000, got 0"),
        ({"choruses": 1}, "choruses: expected a whole number from 2 to 1,000,000, got 1"),
        ({"cells": [8]}, r"cells \[8\]: there are 0 to 7"),
        ({"form": FORM[:, :5]}, "expected|inputs"),
    ],
)
def test_a_push_that_can_not_be_given_is_refused(chords, options, message):
    options = {"form": FORM, "size": 0.1, **options}
    form, size = options.pop("form"), options.pop("size")
    with pytest.raises(ValueError, match=message):
        disturb(chords, form, size, np.random.default_rng(0), **options)


def test_a_network_that_draws_is_not_pushed():
    with pytest.raises(ValueError, match="draws notes at random"):
        disturb(stored("experiment_2").network, FORM, 0.1, np.random.default_rng(0))


# The networks of the book


def test_both_experiments_have_the_same_chord_voice(chords):
    """Chapter 9 says so: what is measured on one is true of the other."""
    voice = solo(stored("experiment_2").network, "chords")
    np.testing.assert_array_equal(voice.hidden, chords.hidden)
    np.testing.assert_array_equal(voice.output, chords.output)


def test_a_silenced_voice_keeps_the_melody_from_the_chords():
    """Cut from the chord cells, the melody predicts the same whatever chord sounds."""
    network = stored("experiment_2").network
    t = network.topology
    deaf = silence(network, np.arange(t.cells)[t.parts("chords")[2]], to="melody")
    rng = np.random.default_rng(0)
    melody = np.eye(13)[rng.integers(13, size=96)]
    rolls = [np.hstack([chords, melody]) for chords in (FORM, np.roll(FORM, 8, axis=0))]
    units = t.parts("melody")[0]
    one, other = (record(deaf, roll).prediction[:, units] for roll in rolls)
    np.testing.assert_array_equal(one, other)
    whole, moved = (record(network, roll).prediction[:, units] for roll in rolls)
    assert np.abs(whole - moved).max() > 0.1
    np.testing.assert_array_equal(
        free_run(deaf, rolls[0][:1], 192, np.random.default_rng(1))[:, :12],
        np.tile(FORM, (2, 1)),
    )
