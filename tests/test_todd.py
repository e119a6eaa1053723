"""Todd's sequential network against derivatives that know nothing of it, and against itself.

The oracle is a forward pass in loops that sums the whole past at each step, for complex weights;
its derivative by a complex step is exact to machine precision.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from complex_steps import apart, derivative

from lstm_from_scratch import rivals
from lstm_from_scratch.machine.training import Diverged
from lstm_from_scratch.music import blues
from lstm_from_scratch.music.blues import Note
from lstm_from_scratch.rivals import todd
from lstm_from_scratch.rivals.todd import Method, SequentialNetwork
from lstm_from_scratch.studies import experiments, study
from lstm_from_scratch.studies.experiments import choruses, rolls


def network_of(seed: int, plans: int, outputs: int, units: int, decay=0.7) -> SequentialNetwork:
    rng = np.random.default_rng(seed)
    return todd.random_network(plans, outputs, units, rng, decay, reach=0.8)


def pieces_of(seed: int, pieces: int, steps: int, outputs: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((pieces, steps, outputs)) > 0.5).astype(float)


def outputs_at(hidden, output, decay, plan, before):
    """What comes after some steps, in loops."""
    units = []
    for row in hidden:
        net = row[-1] + sum(row[n] * on for n, on in enumerate(plan))
        for age, past in enumerate(reversed(before)):
            for n, on in enumerate(past):
                net = net + row[len(plan) + n] * decay**age * on
        units.append(1 / (1 + np.exp(-net)))
    nets = [sum(row[i] * units[i] for i in range(len(units))) + row[-1] for row in output]
    return [1 / (1 + np.exp(-net)) for net in nets]


def error(hidden, output, decay, plan, piece):
    """The summed cross-entropy of a piece."""
    total = 0.0
    for now, targets in enumerate(piece):
        for p, target in zip(
            outputs_at(hidden, output, decay, plan, piece[:now]), targets, strict=True
        ):
            total = total - target * np.log(p) - (1 - target) * np.log(1 - p)
    return total


def seen_by(network: SequentialNetwork, plan: np.ndarray, piece: np.ndarray) -> np.ndarray:
    traces = todd.contexts(piece, network.decay)
    return np.concatenate([np.tile(plan, (len(piece), 1)), traces], axis=1)


@pytest.mark.parametrize(
    ("plans", "outputs", "units", "decay"), [(1, 3, 4, 0.7), (3, 2, 3, 0.0), (2, 5, 2, 0.95)]
)
def test_the_gradient_is_that_of_the_forward_pass(plans, outputs, units, decay):
    network = network_of(units, plans, outputs, units, decay)
    piece, plan = pieces_of(plans, 1, 6, outputs)[0], np.random.default_rng(1).random(plans)
    found = todd.gradient(network, seen_by(network, plan, piece), piece)
    for name in ("hidden", "output"):

        def wanted(weights, name=name):
            both = {"hidden": network.hidden, "output": network.output, name: weights}
            return error(both["hidden"], both["output"], decay, plan, piece)

        assert apart(getattr(found, name), derivative(wanted, getattr(network, name))) < 1e-12


def test_a_context_is_the_past_with_the_older_fainter():
    lines = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(
        todd.contexts(lines, 0.5), [[0, 0], [1, 0], [0.5, 1], [1.25, 1.5]], rtol=1e-15
    )
    assert (todd.contexts(lines, 0.0)[1:] == lines[:-1]).all()


def test_what_is_played_goes_into_the_context_as_it_is():
    network, plan = network_of(2, 2, 4, 5, 0.6), np.array([0.3, 0.9])
    played = todd.play(network, plan, 9)
    for now in range(9):
        expected = outputs_at(network.hidden, network.output, 0.6, plan, list(played[:now]))
        np.testing.assert_allclose(played[now], expected, rtol=1e-12)


def test_compiled_predictions_are_those_of_the_readable_half():
    network, roll = network_of(3, 2, 26, 7), rolls((77,))[0]
    lines = todd.with_begins(roll)
    expected = [
        outputs_at(network.hidden, network.output, 0.7, [0.5, 0.5], lines[: now + 1])[:-1]
        for now in range(30)
    ]
    np.testing.assert_allclose(network.predict(roll)[:30], expected, rtol=1e-11)


def test_the_composer_hears_its_own_choices_and_keeps_the_seed():
    network, seed = network_of(4, 1, 26, 9, 0.8), rolls((5,))[0, :3]
    roll = network.go_on(seed, 60, np.random.default_rng(0))
    np.testing.assert_array_equal(roll[:3], seed)
    assert (roll[:, 12:].sum(axis=1) == 1).all()
    # What it then predicts of its own piece is what it chose by.
    predicted, draws = network.predict(roll), np.random.default_rng(0).random(60)
    np.testing.assert_array_equal(roll[3:, :12], predicted[2:-1, :12] > 0.5)
    for now in range(3, 60):
        heap = np.cumsum(predicted[now - 1, 12:])
        assert roll[now, 12:].argmax() == np.searchsorted(heap, draws[now] * heap[-1], "right")


def trained_in_numpy(method: Method, pieces: np.ndarray, plans: np.ndarray):
    """`todd.train` once more, from the readable half of the module."""
    rng = np.random.default_rng(method.seed)
    length, outputs = pieces.shape[1:]
    drawn = (plans.shape[1], outputs, method.units, rng, method.decay, method.reach)
    network = todd.random_network(*drawn)
    hidden, output = network.hidden.copy(), network.output.copy()
    memory = [np.zeros_like(w) for w in (hidden, hidden, output, output)]
    heard, errors, updates = np.zeros((0, outputs)), [], 0
    now = rng.integers(len(pieces))
    turns = method.max_steps // method.test_every
    for turn in range(turns):
        rate, total = method.learning_rate * min(1, 2 * (turns - turn) / turns), 0.0
        for following in rng.integers(len(pieces), size=method.test_every // length):
            heard = np.concatenate([heard if updates % method.fresh else heard[:0], pieces[now]])
            network = SequentialNetwork(hidden, output, method.decay)
            seen = seen_by(network, plans[now], heard)[-length:]
            _, p = todd.forward(network, seen)
            total -= np.log(np.where(pieces[now] > 0.5, p, 1 - p)).sum()
            found = todd.gradient(network, seen, pieces[now])
            norm = np.sqrt(sum((part**2).sum() for part in found))
            updates += 1
            for which, (weights, part) in enumerate(zip((hidden, output), found, strict=True)):
                part = part * min(1.0, method.clip / norm)
                mean, square = memory[2 * which : 2 * which + 2]
                mean[:] = 0.9 * mean + 0.1 * part
                square[:] = 0.999 * square + 0.001 * part**2
                root = np.sqrt(square / (1 - 0.999**updates)) + 1e-8
                weights -= rate * mean / (1 - 0.9**updates) / root
            now = following
        errors.append(total / method.test_every)
    return SequentialNetwork(hidden, output, method.decay), errors


@pytest.mark.parametrize(("plans", "fresh", "clip"), [(1, 4, 1.0), (3, 1, 0.5), (2, 100, 1e9)])
def test_compiled_training_is_what_the_readable_half_says(plans, fresh, clip):
    pieces, given = pieces_of(5, 6, 8, 5), np.random.default_rng(6).random((6, plans))
    method = Method(units=4, fresh=fresh, clip=clip, max_steps=160, test_every=32)
    network, errors = todd.train(method, pieces, given)
    expected, expected_errors = trained_in_numpy(method, pieces, given)
    assert apart(network.hidden, expected.hidden) < 1e-9
    assert apart(network.output, expected.output) < 1e-9
    np.testing.assert_allclose(errors, expected_errors, rtol=1e-9)


def test_the_same_method_gives_the_same_bits():
    pieces, plans, method = pieces_of(6, 4, 8, 5), np.eye(4), Method(units=4, max_steps=80)
    method = replace(method, test_every=40)
    first, again = (todd.train(method, pieces, plans)[0] for _ in range(2))
    np.testing.assert_array_equal(first.hidden, again.hidden)
    other = todd.train(replace(method, seed=1), pieces, plans)[0]
    assert (first.hidden != other.hidden).all()


def test_plans_part_melodies_that_begin_alike():
    """Two melodies of the same four notes: only the plan says what follows."""
    up, down = (60, 64, 67, 72), (60, 64, 62, 60)
    lines = [
        todd.line([Note(p, 2 * n, 2) for n, p in enumerate(melody)], 8) for melody in (up, down)
    ]
    method = Method(units=10, max_steps=32_000, test_every=3_200)
    network, _ = todd.train(method, np.array(lines), np.eye(2))
    for plan, melody in zip(np.eye(2), (up, down), strict=True):
        assert tuple(it.pitch for it in todd.notes_of(todd.play(network, plan, 8))) == melody


def test_a_line_tells_a_repeated_note_from_a_long_one():
    twice, once = (Note(65, 0, 2), Note(65, 2, 2)), (Note(65, 0, 4),)
    lines = [todd.line(notes, 4) for notes in (twice, once)]
    np.testing.assert_array_equal(lines[0][:, :-1], lines[1][:, :-1])
    assert [todd.notes_of(it) for it in lines] == [twice, once]
    melody = blues.chorus(77).melody
    assert todd.notes_of(todd.line(melody, 96)) == melody


def test_in_a_roll_a_note_begins_where_it_is_another_one():
    roll = rolls((77,))[0]
    begins = todd.with_begins(roll)[:, -1]
    melody = roll[:, 12:].argmax(axis=1)
    expected = [1.0, *(np.diff(melody) != 0).astype(float)]
    np.testing.assert_array_equal(begins, expected)
    np.testing.assert_array_equal(todd.with_begins(np.zeros((3, 25)))[:, -1], 0)


def test_a_little_training_finds_the_notes_that_occur():
    music = rolls(choruses().training[:64])
    pieces = np.array([todd.with_begins(roll) for roll in music])
    method = Method(fresh=4, max_steps=96_000, test_every=9_600)
    network, errors = todd.train(method, pieces, np.ones((64, 1)))
    assert errors[-1] < errors[0] / 2
    never = ~music.any(axis=(0, 1))
    assert network.predict(music[0])[:, never].max() < 0.05


def test_the_stored_network_is_that_of_seed_0_in_the_table(root, tmp_path):
    path = root / "results" / "older-composers.csv"
    if not path.exists():
        pytest.skip("the study of older composers has not been run")
    rows = study.read(path)
    row = next(row for row in rows if (row["composer"], row["seed"]) == ("todd", "0"))
    network = rivals.stored("todd")
    assert experiments.digest(network) == row["weights"]
    rivals.save(network, tmp_path / "network.npz")
    again = rivals.load(tmp_path / "network.npz")
    np.testing.assert_array_equal(again.hidden, network.hidden)
    assert (again.decay, again.plans) == (network.decay, 1)


def test_what_does_not_fit_is_refused():
    pieces = pieces_of(0, 2, 8, 5)
    with pytest.raises(ValueError, match="a plan, a context of 3 units and a bias, got 4 col"):
        SequentialNetwork(np.zeros((4, 4)), np.zeros((3, 5)), 0.5)
    with pytest.raises(ValueError, match="4 hidden units and a bias, but there are 4"):
        SequentialNetwork(np.zeros((4, 7)), np.zeros((3, 4)), 0.5)
    with pytest.raises(ValueError, match="decay: expected a number of at least 0 and below 1"):
        SequentialNetwork(np.zeros((4, 7)), np.zeros((3, 5)), 1.0)
    with pytest.raises(ValueError, match="two notes at once"):
        todd.line([Note(60, 0, 2), Note(64, 1, 2)], 4)
    with pytest.raises(ValueError, match="expected 14 outputs, got 3"):
        todd.notes_of(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="whole choruses of 8 steps"):
        todd.train(Method(max_steps=20, test_every=8), pieces, np.eye(2))
    with pytest.raises(ValueError, match=r"plans.*pieces"):
        todd.train(Method(max_steps=8, test_every=8), pieces, np.eye(3))
    with pytest.raises(ValueError, match=r"plan: expected.*\(2,\)"):
        todd.play(network_of(0, 2, 3, 4), np.ones(3), 4)
    with pytest.raises(ValueError, match="a roll of shape"):
        network_of(0, 1, 5, 3).go_on(rolls((0,))[0, :2], 96, 0)


def test_divergence_is_told_with_the_last_good_network():
    method = Method(units=4, learning_rate=1e308, max_steps=80, test_every=8)
    with pytest.raises(Diverged, match="the weights are not finite") as caught:
        todd.train(method, pieces_of(0, 2, 8, 5), np.eye(2))
    assert np.isfinite(caught.value.network.hidden).all()
