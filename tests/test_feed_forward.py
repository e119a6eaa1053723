"""The feed-forward network against derivatives that know nothing of it, and against itself.

The oracle is a forward pass in loops, written out here for complex weights; its derivative by a
complex step is exact to machine precision.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from complex_steps import apart, derivative

from lstm_from_scratch.machine.training import RECOMMENDED_2, Diverged
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.rivals import feed_forward
from lstm_from_scratch.rivals.feed_forward import FeedForward, Method
from lstm_from_scratch.studies.experiments import choruses, rolls


def network_of(seed: int, inputs: int, window: int, units: int) -> FeedForward:
    return feed_forward.random_network(inputs, window, units, np.random.default_rng(seed), 0.8)


def songs(seed: int, choruses: int, steps: int, inputs: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((choruses, steps, inputs)) > 0.5).astype(float)


def error(hidden, output, roll, targets, window):
    """The summed cross-entropy of a song, in loops."""
    total = 0.0
    for now in range(len(roll)):
        units = []
        for row in hidden:
            net = row[-1]
            for lag in range(min(window, now + 1)):
                for n in range(len(roll[0])):
                    net = net + row[lag * len(roll[0]) + n] * roll[now - lag][n]
            units.append(np.tanh(net))
        for row, target in zip(output, targets[now], strict=True):
            net = sum(row[i] * units[i] for i in range(len(units))) + row[-1]
            p = 1 / (1 + np.exp(-net))
            total = total - target * np.log(p) - (1 - target) * np.log(1 - p)
    return total


@pytest.mark.parametrize(("inputs", "window", "units"), [(3, 1, 4), (2, 4, 3), (5, 9, 2)])
def test_the_gradient_is_that_of_the_forward_pass(inputs, window, units):
    network = network_of(units, inputs, window, units)
    roll, targets = songs(window, 2, 7, inputs)
    found = feed_forward.gradient(network, feed_forward.windows(roll, window), targets)
    hidden = derivative(lambda w: error(w, network.output, roll, targets, window), network.hidden)
    output = derivative(lambda w: error(network.hidden, w, roll, targets, window), network.output)
    assert apart(found.hidden, hidden) < 1e-12
    assert apart(found.output, output) < 1e-12


@pytest.mark.parametrize("window", [1, 3, 8])
def test_what_is_older_than_the_window_never_happened(window):
    network, roll = network_of(1, 4, window, 5), songs(2, 1, 30, 4)[0]
    changed = roll.copy()
    changed[10] = 1 - changed[10]
    same = (network.predict(roll) == network.predict(changed)).all(axis=1)
    assert same[:10].all() and same[10 + window :].all()
    assert not same[10 : 10 + window].any()


@pytest.mark.parametrize(("inputs", "window", "units"), [(25, 1, 31), (25, 16, 7), (3, 5, 2)])
def test_compiled_predictions_are_those_of_the_readable_half(inputs, window, units):
    network, roll = network_of(3, inputs, window, units), songs(4, 1, 40, inputs)[0]
    _, expected = feed_forward.forward(network, feed_forward.windows(roll, window))
    np.testing.assert_allclose(network.predict(roll), expected, rtol=1e-12)


def trained_in_numpy(method: Method, music: np.ndarray):
    """`feed_forward.train` once more, from the readable half of the module."""
    rng = np.random.default_rng(method.seed)
    inputs, length = music.shape[2], music.shape[1]
    network = feed_forward.random_network(inputs, method.window, method.units, rng, method.reach)
    hidden, output = network.hidden.copy(), network.output.copy()
    memory = [np.zeros_like(w) for w in (hidden, hidden, output, output)]
    now, heard, errors, updates = rng.integers(len(music)), np.zeros((0, inputs)), [], 0
    turns = method.max_steps // method.test_every
    for turn in range(turns):
        rate, total = method.learning_rate * min(1, 2 * (turns - turn) / turns), 0.0
        for following in rng.integers(len(music), size=method.test_every // length):
            heard = np.concatenate([heard if updates % method.fresh else heard[:0], music[now]])
            seen = feed_forward.windows(heard, method.window)[-length:]
            targets = np.concatenate([music[now][1:], music[following][:1]])
            network = FeedForward(hidden, output)
            _, p = feed_forward.forward(network, seen)
            total -= np.log(np.where(targets > 0.5, p, 1 - p)).sum()
            found = feed_forward.gradient(network, seen, targets)
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
    return FeedForward(hidden, output), errors


@pytest.mark.parametrize(("window", "fresh", "clip"), [(1, 4, 1.0), (5, 3, 0.5), (20, 100, 1e9)])
def test_compiled_training_is_what_the_readable_half_says(window, fresh, clip):
    music = songs(5, 6, 8, 5)
    method = Method(window=window, units=4, fresh=fresh, clip=clip, max_steps=160, test_every=32)
    network, errors = feed_forward.train(method, music)
    expected, expected_errors = trained_in_numpy(method, music)
    assert apart(network.hidden, expected.hidden) < 1e-9
    assert apart(network.output, expected.output) < 1e-9
    np.testing.assert_allclose(errors, expected_errors, rtol=1e-9)


def test_the_same_method_gives_the_same_bits():
    music, method = songs(6, 4, 8, 5), Method(window=3, units=4, max_steps=80, test_every=40)
    first, again = feed_forward.train(method, music)[0], feed_forward.train(method, music)[0]
    np.testing.assert_array_equal(first.hidden, again.hidden)
    other = feed_forward.train(replace(method, seed=1), music)[0]
    assert (first.hidden != other.hidden).all()


def test_a_window_that_is_long_enough_learns_what_a_shorter_one_can_not():
    """The next note is the one four steps ago: nothing nearer tells it."""
    rng = np.random.default_rng(7)
    music = np.tile(np.eye(3)[rng.integers(3, size=(30, 4))], (1, 6, 1))
    costs = {}
    for window in (3, 4):
        method = Method(window=window, units=12, max_steps=48_000, test_every=4_800)
        costs[window] = feed_forward.train(method, music)[1][-1]
    assert costs[4] < 1 < 1.7 < costs[3]  # the first four steps of a chorus stay a surprise


def test_one_step_takes_as_many_weights_as_the_network_of_memory_blocks():
    t = RECOMMENDED_2.topology
    sizes = [network_of(0, t.inputs, 1, units).weights for units in (30, feed_forward.UNITS)]
    assert sizes[0] < t.hidden_mask.sum() + t.output_mask.sum() == 1558 <= sizes[1] == 1606
    assert network_of(0, 25, 16, feed_forward.UNITS).weights == 13_231


def test_a_little_training_finds_the_notes_that_occur():
    music = rolls(choruses().training[:64])
    network, errors = feed_forward.train(Method(max_steps=96_000, test_every=9_600), music)
    assert errors[-1] < errors[0] / 2
    never = ~music.any(axis=(0, 1))
    assert network.predict(music[0])[:, never].max() < 0.05
    assert TWELVE_BAR.steps == music.shape[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window": 0}, "window: expected a whole number from 1 to 4,096,"),
        ({"units": 0}, "units: expected a whole number from 1 to 4,096,"),
        ({"learning_rate": 0.0}, r"learning_rate: expected a number above 0, got 0\.0"),
        ({"clip": np.nan}, "clip: expected a number above 0, got nan"),
        ({"fresh": 0}, "fresh: expected a whole number from 1 to"),
        ({"seed": -1}, "seed: expected a whole number of at least 0, got"),
    ],
)
def test_a_method_refuses_what_can_not_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        Method(**wrong)


def test_what_does_not_fit_is_refused():
    music, rng = songs(0, 2, 8, 5), np.random.default_rng(0)
    with pytest.raises(ValueError, match="not a bias and some whole steps of 3"):
        FeedForward(np.zeros((4, 6)), np.zeros((3, 5)))
    with pytest.raises(ValueError, match="4 hidden units and a bias, but there are 4"):
        FeedForward(np.zeros((4, 7)), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="finite"):
        FeedForward(np.full((4, 7), np.nan), np.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"expected choruses of shape .* got \(8, 5\)"):
        feed_forward.train(Method(), music[0])
    with pytest.raises(ValueError, match=r"0\.0 and 1\.0"):
        feed_forward.train(Method(max_steps=8, test_every=8), music / 2)
    with pytest.raises(ValueError, match="whole choruses of 8 steps"):
        feed_forward.train(Method(max_steps=20, test_every=8), music)
    with pytest.raises(ValueError, match=r"shape \(steps, 5\), got \(8, 4\)"):
        network_of(0, 5, 2, 3).predict(music[0, :, :4])
    with pytest.raises(ValueError, match=r"shape \(steps, 5\), got \(2, 25\)"):
        network_of(0, 5, 2, 3).go_on(rolls((0,))[0, :2], 96, rng)


def test_divergence_is_told_with_the_last_good_network():
    method = Method(units=4, learning_rate=1e308, max_steps=80, test_every=8)
    with pytest.raises(Diverged, match="the weights are not finite") as caught:
        feed_forward.train(method, songs(0, 2, 8, 5))
    assert np.isfinite(caught.value.network.hidden).all()
