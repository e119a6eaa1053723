"""The plain recurrent network against derivatives that know nothing of it, and against itself.

The oracle is a forward pass in loops, written out here for complex weights; its derivative by a
complex step is exact to machine precision.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from complex_steps import apart, derivative

from lstm_from_scratch.machine import bptt
from lstm_from_scratch.machine.gradient import Gradient
from lstm_from_scratch.machine.training import Diverged
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.rivals import simple_rnn
from lstm_from_scratch.rivals.simple_rnn import Method, SimpleNetwork

ROLL = CHORDS_ONLY.form_roll(TWELVE_BAR)


def network_of(seed: int, inputs: int = 3, units: int = 5, reach: float = 0.8) -> SimpleNetwork:
    return simple_rnn.random_network(inputs, units, np.random.default_rng(seed), reach)


def song(seed: int, steps: int, inputs: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (rng.random((2, steps, inputs)) > 0.5).astype(float)


def errors(hidden, output, inputs, targets, before, added=None):
    """The cross-entropy of each step, in loops; ``added`` is put on the units' first outputs."""
    units, ys, found = len(hidden), list(before), []
    for t in range(len(inputs)):
        x = list(inputs[t])
        nets = []
        for i in range(units):
            sources = [*x, *ys, 1.0]
            nets.append(sum(hidden[i, m] * sources[m] for m in range(len(sources))))
        ys = [np.tanh(net) for net in nets]
        if added is not None and t == 0:
            ys = [y + a for y, a in zip(ys, added, strict=True)]
        error = 0.0
        for k in range(len(output)):
            sources = [*x, *ys, 1.0]
            net = sum(output[k, m] * sources[m] for m in range(len(sources)))
            p = 1 / (1 + np.exp(-net))
            error = error - targets[t][k] * np.log(p) - (1 - targets[t][k]) * np.log(1 - p)
        found.append(error)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_full_gradient_is_that_of_the_forward_pass(seed):
    network, (inputs, targets) = network_of(seed), song(seed, 25)
    before = np.random.default_rng(seed).uniform(-1, 1, network.units)
    found = simple_rnn.full_gradient(network, simple_rnn.listen(network, inputs, before), targets)
    hidden = derivative(
        lambda w: sum(errors(w, network.output, inputs, targets, before)), network.hidden
    )
    output = derivative(
        lambda w: sum(errors(network.hidden, w, inputs, targets, before)), network.output
    )
    assert apart(found.hidden, hidden) < 1e-12
    assert apart(found.output, output) < 1e-12


def rtrl(network, inputs, targets) -> Gradient:
    """The sum of the gradients of all steps, carried forward with fixed weights."""
    influence = simple_rnn.no_influence(network)
    hidden, output = np.zeros_like(network.hidden), np.zeros_like(network.output)
    for step, target in zip(simple_rnn.listen(network, inputs), targets, strict=True):
        influence = simple_rnn.advance(network, influence, step)
        found = simple_rnn.step_gradient(network, influence, step, target)
        hidden, output = hidden + found.hidden, output + found.output
    return Gradient(hidden, output)


@pytest.mark.parametrize("seed", range(4))
def test_looking_back_and_carrying_forward_find_the_same(seed):
    network, (inputs, targets) = network_of(seed, 4, 6), song(seed, 120, 4)
    back = simple_rnn.full_gradient(network, simple_rnn.listen(network, inputs), targets)
    forward = rtrl(network, inputs, targets)
    assert apart(forward.hidden, back.hidden) < 1e-12
    assert apart(forward.output, back.output) < 1e-12


def test_error_flow_is_the_derivative_with_respect_to_earlier_outputs():
    network, (inputs, targets) = network_of(9), song(9, 12)
    flow = simple_rnn.error_flow(network, simple_rnn.listen(network, inputs), targets[-1])
    assert flow.shape == (12, network.units)
    for q in (0, 1, 5, 11):
        start = len(inputs) - 1 - q
        before = np.zeros(network.units)
        if start:
            before = simple_rnn.listen(network, inputs[:start])[-1].units
        by_step = derivative(
            lambda a, start=start, before=before: errors(
                network.hidden, network.output, inputs[start:], targets[start:], before, a
            )[-1],
            np.zeros(network.units),
        )
        assert apart(flow[q], by_step) < 1e-12


def updated(method: Method, weights, gradient, memory, updates):
    """One update, in NumPy."""
    norm = np.sqrt((gradient**2).sum())
    gradient = gradient * min(1.0, method.clip / norm)
    if method.optimiser == "momentum":
        memory[0] = method.momentum * memory[0] - method.learning_rate * gradient
        return weights + memory[0]
    memory[0] = 0.9 * memory[0] + 0.1 * gradient
    memory[1] = 0.999 * memory[1] + 0.001 * gradient**2
    mean, square = memory[0] / (1 - 0.9 ** (updates + 1)), memory[1] / (1 - 0.999 ** (updates + 1))
    return weights - method.learning_rate * mean / (np.sqrt(square) + 1e-8)


def trained_in_numpy(method: Method, roll: np.ndarray):
    """`simple_rnn.train` once more, from the readable half of the module."""
    rng = np.random.default_rng(method.seed)
    start = simple_rnn.random_network(roll.shape[1], method.units, rng, method.reach)
    weights = np.concatenate([start.hidden, start.output])
    targets, memory = np.roll(roll, -1, axis=0), np.zeros((2, *weights.shape))
    y, error, wrongs = np.zeros(method.units), 0.0, 0
    influence, resets, at = simple_rnn.no_influence(start), 0, 0

    def network():
        return SimpleNetwork(weights[: method.units], weights[method.units :])

    def judge(step, target):
        right = np.where(target > 0.5, step.prediction, 1 - step.prediction)
        return -np.log(right).sum(), (right < 0.5).any()

    for updates in range(method.max_steps // (len(roll) if method.rule == "bptt" else 1)):
        now = network()
        if method.rule == "bptt":
            steps = simple_rnn.listen(now, roll, y)
            found = simple_rnn.full_gradient(now, steps, targets)
            judged = [judge(*pair) for pair in zip(steps, targets, strict=True)]
        else:
            steps = simple_rnn.listen(now, roll[at : at + 1], y)
            influence = simple_rnn.advance(now, influence, steps[0])
            found = simple_rnn.step_gradient(now, influence, steps[0], targets[at])
            judged = [judge(steps[0], targets[at])]
            at = (at + 1) % len(roll)
        y = steps[-1].units
        error += sum(e for e, _ in judged)
        wrongs += sum(wrong for _, wrong in judged)
        weights = updated(method, weights, np.concatenate(found), memory, updates)
        if method.forgiven and wrongs >= method.forgiven:
            wrongs, resets, at = 0, resets + 1, 0
            y, influence = np.zeros(method.units), np.zeros_like(influence)
    return network(), error / method.max_steps, resets


@pytest.mark.parametrize("rule", ["bptt", "rtrl"])
@pytest.mark.parametrize("optimiser", ["momentum", "adam"])
@pytest.mark.parametrize(("clip", "forgiven"), [(np.inf, 0), (0.5, 8)])
@pytest.mark.parametrize("units", [3, 7])
def test_compiled_training_is_what_the_readable_half_says(rule, optimiser, clip, forgiven, units):
    roll = song(3, 12, 5)[0]
    method = Method(
        rule, optimiser, 3e-3, clip=clip, forgiven=forgiven, units=units, seed=units,
        max_steps=96, test_every=96,
    )  # fmt: skip
    result = simple_rnn.train(method, roll)
    network, error, resets = trained_in_numpy(method, roll)
    assert apart(result.network.hidden, network.hidden) < 1e-12
    assert apart(result.network.output, network.output) < 1e-12
    assert result.curve.cross_entropy == pytest.approx([error], rel=1e-12)
    assert result.curve.resets == [resets]
    assert (resets > 0) == (forgiven > 0)


def streamed_in_numpy(method: Method, rolls: np.ndarray, strict: int, fresh: int):
    """`simple_rnn.train_stream` once more, from the readable half of the module."""
    rng = np.random.default_rng(method.seed)
    start = simple_rnn.random_network(rolls.shape[2], method.units, rng, method.reach)
    weights = np.concatenate([start.hidden, start.output])
    memory, y, wrongs, updates = np.zeros((2, *weights.shape)), np.zeros(method.units), 0, 0
    now, errors, cleared = rng.integers(len(rolls)), [], []
    turns = method.max_steps // method.test_every
    for turn in range(turns):
        rate, total = method.learning_rate * min(1, 2 * (turns - turn) / turns), 0.0
        for following in rng.integers(len(rolls), size=method.test_every // rolls.shape[1]):
            network = SimpleNetwork(weights[: method.units], weights[method.units :])
            targets = np.concatenate([rolls[now][1:], rolls[following][:1]])
            steps = simple_rnn.listen(network, rolls[now], y)
            found = simple_rnn.full_gradient(network, steps, targets)
            for step, target in zip(steps, targets, strict=True):
                right = np.where(target > 0.5, step.prediction, 1 - step.prediction)
                total -= np.log(right).sum()
                wrongs += (right[:strict] < 0.5).any()
            how = replace(method, learning_rate=rate)
            weights = updated(how, weights, np.concatenate(found), memory, updates)
            updates, y, now = updates + 1, steps[-1].units, following
            if (method.forgiven and wrongs >= method.forgiven) or (fresh and updates % fresh == 0):
                cleared.append(updates)
                wrongs, y = 0, np.zeros(method.units)
        errors.append(total / method.test_every)
    network = SimpleNetwork(weights[: method.units], weights[method.units :])
    return network, errors, cleared


@pytest.mark.parametrize(
    ("strict", "forgiven", "fresh", "clears"),
    [(5, 0, 0, []), (5, 0, 3, [3, 6, 9, 12]), (2, 20, 0, None), (0, 1, 0, []), (2, 20, 5, None)],
)
def test_a_stream_of_choruses_is_learned_as_the_readable_half_says(strict, forgiven, fresh, clears):
    rolls = np.stack([song(n, 12, 5)[0] for n in range(4)])
    method = Method(
        "bptt", "adam", 3e-3, clip=0.5, forgiven=forgiven, units=4, seed=5,
        max_steps=144, test_every=36,
    )  # fmt: skip
    network, errors = simple_rnn.train_stream(method, rolls, strict=strict, fresh=fresh)
    expected, expected_errors, cleared = streamed_in_numpy(method, rolls, strict, fresh)
    assert apart(network.hidden, expected.hidden) < 1e-12
    assert apart(network.output, expected.output) < 1e-12
    np.testing.assert_allclose(errors, expected_errors, rtol=1e-12)
    if clears is None:
        assert 1 < len(cleared) < 12
    else:
        assert cleared == clears


def test_a_stream_of_one_chorus_is_that_chorus_over_and_over():
    method = Method(max_steps=9_600, test_every=4_800)
    by_stream, _ = simple_rnn.train_stream(method, ROLL[None], strict=12)
    # The stream draws its choruses after the weights, from the same source.
    np.testing.assert_array_equal(by_stream.hidden, simple_rnn.train(method, ROLL).network.hidden)


def test_predictions_are_those_of_the_readable_half():
    for inputs, units in ((3, 5), (25, 14)):
        network, roll = network_of(8, inputs, units), song(8, 60, inputs)[0]
        expected = [step.prediction for step in simple_rnn.listen(network, roll)]
        np.testing.assert_allclose(network.predict(roll), expected, rtol=1e-12)


def test_adam_moves_each_weight_by_the_rate_at_first_whatever_the_gradient():
    weights, gradient = np.zeros((2, 3)), np.array([[1e-3, -5.0, 1e4], [-1e-2, 7.0, 0.0]])
    bptt.adam_update(weights, np.zeros((2, 3)), np.zeros((2, 3)), gradient, 0.25, 0)
    np.testing.assert_allclose(weights, -0.25 * np.sign(gradient), rtol=2e-5)


def test_a_gradient_is_clipped_to_its_limit_and_keeps_its_direction():
    gradient = np.array([[3.0, 0.0], [0.0, 4.0]])
    assert bptt.clip_norm(gradient, 10.0) == 5.0
    np.testing.assert_array_equal(gradient, [[3.0, 0.0], [0.0, 4.0]])
    assert bptt.clip_norm(gradient, 1.0) == 5.0
    np.testing.assert_allclose(gradient, [[0.6, 0.0], [0.0, 0.8]], rtol=1e-15)


@pytest.fixture(scope="module")
def learned() -> simple_rnn.Result:
    """A training that succeeds: four different chords, short enough to be quick."""
    roll = np.repeat(np.eye(4), 2, axis=0)
    return simple_rnn.train(
        Method(units=6, learning_rate=3e-3, clip=1.0, forgiven=8, max_steps=480_000), roll
    )


def test_a_short_form_is_learned_and_played(learned):
    roll = np.repeat(np.eye(4), 2, axis=0)
    assert learned.learned
    assert learned.steps == learned.curve.steps[-1] < 480_000
    played = simple_rnn.free_run(learned.network, roll[:1], 8 * 20)
    np.testing.assert_array_equal(played, np.tile(roll, (20, 1)))
    kept = simple_rnn.recall(learned.network, roll, 5_000)
    assert kept.period > 0 or kept.steps == 8 * 5_000


def test_recall_counts_right_predictions_in_a_row(learned):
    # The same network asked for another song: what it plays agrees up to a known step.
    roll = np.repeat(np.eye(4), 2, axis=0)
    roll[6] = roll[0]
    assert simple_rnn.recall(learned.network, roll, 10) == (5, 0)


def test_a_state_that_returns_is_a_proof(learned):
    roll = np.repeat(np.eye(4), 2, axis=0)
    kept = simple_rnn.recall(learned.network, roll, 100_000)
    assert kept.period > 0
    y, seen = np.zeros(learned.network.units), [np.zeros(learned.network.units)]
    for _ in range(kept.steps // len(roll)):
        y = simple_rnn.listen(learned.network, roll, y)[-1].units
        seen.append(y)
    assert np.abs(seen[-1] - seen[-1 - kept.period]).max() < 1e-12
    assert np.abs(seen[-1] - seen[1]).max() > 1e-6  # it took some choruses to get there


def test_the_same_method_gives_the_same_bits():
    method = Method(max_steps=9_600)
    first, second = simple_rnn.train(method, ROLL), simple_rnn.train(method, ROLL)
    np.testing.assert_array_equal(first.network.hidden, second.network.hidden)
    other = simple_rnn.train(replace(method, seed=1), ROLL)
    assert (first.network.hidden != other.network.hidden).all()


def test_the_network_of_the_book_has_as_many_weights_as_the_lstm():
    sizes = [network_of(0, 12, units).weights for units in (13, simple_rnn.UNITS)]
    assert sizes[0] < 672 <= sizes[1] == 702


def test_divergence_is_told_with_the_last_good_network():
    method = Method("bptt", "momentum", 1e308, max_steps=9_600)
    with pytest.raises(Diverged, match="4800 the weights are not finite") as caught:
        simple_rnn.train(method, ROLL)
    assert np.isfinite(caught.value.network.hidden).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rule": "magic"}, "'bptt' or 'rtrl'"),
        ({"optimiser": "sgd"}, "'momentum' or 'adam'"),
        ({"learning_rate": 0.0}, "learning_rate: expected a number above 0"),
        ({"learning_rate": np.nan}, "learning_rate: expected a number above 0"),
        ({"momentum": 1.0}, "below 1"),
        ({"units": 0}, "units: expected a whole number from 1 to 4,096,"),
        ({"seed": -1}, "seed: expected a whole number of at least 0, got"),
    ],
)
def test_a_method_refuses_what_can_not_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        Method(**wrong)


def test_what_does_not_fit_is_refused():
    network = network_of(0)
    with pytest.raises(ValueError, match=r"inputs: expected shape \(4, 3\), got shape \(4, 2\)"):
        simple_rnn.listen(network, np.zeros((4, 2)))
    with pytest.raises(ValueError, match="9 sources"):
        SimpleNetwork(np.zeros((5, 9)), np.zeros((3, 8)))
    with pytest.raises(ValueError, match="finite"):
        SimpleNetwork(np.full((5, 9), np.nan), np.zeros((3, 9)))
    with pytest.raises(ValueError, match="whole choruses"):
        simple_rnn.train(Method(test_every=100), ROLL)
    with pytest.raises(ValueError, match=r"0\.0 and 1\.0"):
        simple_rnn.train(Method(), ROLL * 0.5)
    with pytest.raises(ValueError, match="seed of 0"):
        simple_rnn.free_run(network, np.zeros((0, 3)), 5)
    with pytest.raises(ValueError, match="choruses: expected a whole number from 1 to"):
        simple_rnn.recall(network, song(0, 4)[0], 0)
    with pytest.raises(ValueError, match=r"choruses of shape .* got \(96, 12\)"):
        simple_rnn.train_stream(Method(), ROLL, strict=12)
    with pytest.raises(ValueError, match="rule 'bptt', got 'rtrl'"):
        simple_rnn.train_stream(Method("rtrl"), ROLL[None], strict=12)
    with pytest.raises(ValueError, match="strict: expected at most all 12 units, got 13"):
        simple_rnn.train_stream(Method(), ROLL[None], strict=13)
    with pytest.raises(ValueError, match="whole choruses"):
        simple_rnn.train_stream(Method(test_every=100), ROLL[None], strict=12)
    with pytest.raises(ValueError, match="the network has 3 inputs, the music 25"):
        network.go_on(np.zeros((1, 25)), 4, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"expected a roll of shape \(steps, 3\)"):
        network.predict(np.zeros((4, 25)))
