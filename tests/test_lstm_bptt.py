"""The paper's network trained by full BPTT: compiled, against the readable gradient of `bptt`.

That gradient has an oracle of its own, see `test_gradient`. Here it is followed in NumPy.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_simple_rnn import apart, updated

from lstm_from_scratch.machine import bptt, training
from lstm_from_scratch.machine.gradient import cross_entropy
from lstm_from_scratch.machine.network import (
    Network,
    State,
    Topology,
    Voice,
    cleared,
    forward,
    record,
)
from lstm_from_scratch.machine.training import (
    RECOMMENDED,
    RECOMMENDED_2,
    Diverged,
    Learning,
    Recipe,
)
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.playing.composing import keeps_form, recall
from lstm_from_scratch.rivals import lstm_bptt

ROLL = CHORDS_ONLY.form_roll(TWELVE_BAR)


def never(_: Network) -> int:
    """A test that nobody passes."""
    return 0


def case(seed: int, **learning: object) -> tuple[Recipe, np.ndarray]:
    """A recipe for a network of any size and ranges, no bias 0, and a chorus to go with it."""
    rng = np.random.default_rng(seed)
    blocks = tuple(int(cells) for cells in rng.integers(1, 4, size=rng.integers(1, 5)))
    low = rng.uniform(-3, 0.5, size=2)
    high = low + rng.uniform(0.5, 4, size=2)
    ranges = {"g": (low[0], high[0]), "h": (low[1], high[1])}
    voice = Voice("any", int(rng.integers(1, 6)), blocks, **ranges)
    biases = {
        f"{gate}_gate_bias": tuple(rng.uniform(0.2, 2.0, len(blocks)) * rng.choice((-1, 1)))
        for gate in ("input", "forget", "output")
    }
    how = Learning(initial_range=0.8, output_bias=rng.uniform(0.2, 1.0), **biases, **learning)
    roll = (rng.random((rng.integers(2, 60), voice.inputs)) > 0.5).astype(float)
    length = len(roll)
    recipe = Recipe(
        Topology((voice,)), (how,), 0, seed, give_up_after=8 * length, test_every=8 * length
    )
    return recipe, roll


def first_network(recipe: Recipe) -> Network:
    """What training begins with."""
    return training.initial_network(recipe, np.random.default_rng(recipe.seed).spawn(2)[1:])


def test_the_same_seed_begins_as_in_online_training():
    # A voice with a learning rate of 0 stands still, online and here.
    learning = replace(RECOMMENDED.voices[0], learning_rate=0.0)
    recipe = replace(RECOMMENDED, voices=(learning,), seed=7, give_up_after=4_800)
    online = training.train(recipe, ROLL, never).network
    result = lstm_bptt.train(recipe, ROLL, never).network
    assert (result.hidden == online.hidden).all() and (result.output == online.output).all()
    assert (result.hidden == first_network(recipe).hidden).all()


@pytest.mark.parametrize("seed", range(12))
def test_one_update_follows_the_full_gradient(seed):
    recipe, roll = case(seed, learning_rate=1.0)
    recipe = replace(recipe, give_up_after=len(roll), test_every=len(roll))
    result = lstm_bptt.train(recipe, roll, never)
    before = first_network(recipe)
    wanted = bptt.full_gradient(before, roll, np.roll(roll, -1, axis=0))
    assert apart(before.hidden - result.network.hidden, wanted.hidden) < 1e-12
    assert apart(before.output - result.network.output, wanted.output) < 1e-12
    assert np.abs(wanted.hidden).max(axis=1).min() > 1e-6, (
        "a comparison with nothing proves nothing"
    )


def test_what_came_before_is_constant():
    # Against differences of the error: coarse, but all that is new is where the song starts.
    recipe, roll = case(3)
    network, targets = first_network(recipe), np.roll(roll, -1, axis=0)
    rng = np.random.default_rng(3)
    state = State(*rng.uniform(-1, 1, size=(2, recipe.topology.cells)))

    def error(hidden: np.ndarray) -> float:
        steps = record(Network(network.topology, hidden, network.output), roll, state)
        return cross_entropy(steps.prediction, targets)

    found = bptt.full_gradient(network, roll, targets, state).hidden
    wanted, h = np.zeros_like(found), 1e-6
    for place in np.ndindex(found.shape):
        step = np.zeros_like(found)
        step[place] = h
        wanted[place] = (error(network.hidden + step) - error(network.hidden - step)) / (2 * h)
    assert apart(found, wanted) < 1e-7
    assert apart(found, bptt.full_gradient(network, roll, targets).hidden) > 1e-3


def trained_in_numpy(recipe: Recipe, roll: np.ndarray) -> tuple[Network, float, int, int]:
    """`lstm_bptt.train` once more: network, nats a step, gross errors, resets."""
    t, (learning,) = recipe.topology, recipe.voices
    start = first_network(recipe)
    weights = np.concatenate([start.hidden, start.output])
    targets, memory = np.roll(roll, -1, axis=0), np.zeros((2, *weights.shape))
    state, error, wrongs, since, resets = cleared(t), 0.0, 0, 0, 0
    for updates in range(recipe.give_up_after // len(roll)):
        now = Network(t, weights[: t.hidden_units], weights[t.hidden_units :])
        gradient = np.concatenate(bptt.full_gradient(now, roll, targets, state))
        for heard, target in zip(roll, targets, strict=True):
            step = forward(now, state, heard)
            state = step.state
            error += cross_entropy(step.prediction, target)
            wrong = np.abs(step.prediction - target).max() > learning.wrong
            wrongs, since = wrongs + wrong, since + wrong
        weights = updated(learning, weights, gradient, memory, updates)
        if recipe.forgiven and since >= recipe.forgiven:
            state, since, resets = cleared(t), 0, resets + 1
    network = Network(t, weights[: t.hidden_units], weights[t.hidden_units :])
    return network, error / recipe.give_up_after, wrongs, resets


@pytest.mark.parametrize("optimiser", ["momentum", "adam"])
@pytest.mark.parametrize(
    ("clip", "forgiven", "wrong"), [(np.inf, 0, 0.5), (0.5, 100, 0.5), (2.0, 40, 0.8)]
)
@pytest.mark.parametrize("seed", [1, 4, 5])
def test_training_is_what_the_readable_form_says(optimiser, clip, forgiven, wrong, seed):
    how = {"optimiser": optimiser, "clip": clip, "wrong": wrong}
    recipe, roll = case(seed, learning_rate=3e-3, momentum=0.8, **how)
    recipe = replace(recipe, forgiven=forgiven)
    result = lstm_bptt.train(recipe, roll, never)
    network, error, wrongs, resets = trained_in_numpy(recipe, roll)
    assert apart(result.network.hidden, network.hidden) < 1e-12
    assert apart(result.network.output, network.output) < 1e-12
    assert result.curve.cross_entropy == pytest.approx([error], rel=1e-12)
    assert result.curve.gross_errors == [wrongs] and result.curve.resets == [resets]
    assert resets < 8 and (resets > 0) == (forgiven > 0)


def test_how_often_one_looks_changes_nothing():
    recipe, roll = case(5, learning_rate=3e-3, optimiser="adam")
    once = lstm_bptt.train(replace(recipe, forgiven=100), roll, never)
    often = replace(recipe, forgiven=100, test_every=len(roll))
    seen: list[Network] = []
    again = lstm_bptt.train(often, roll, never, seen.append)
    assert (again.network.hidden == once.network.hidden).all() and len(seen) == 8
    assert (seen[-1].hidden == once.network.hidden).all()
    assert (seen[0].hidden != once.network.hidden).any()
    assert again.curve.cross_entropy.mean() == pytest.approx(once.curve.cross_entropy[0], rel=1e-12)
    assert again.curve.gross_errors.sum() == once.curve.gross_errors[0] > 100
    assert again.curve.resets.sum() == once.curve.resets[0] > 0
    assert (again.curve.steps == len(roll) * np.arange(1, 9)).all()


def test_a_short_form_is_learned_and_played():
    roll = np.repeat(np.eye(4), 2, axis=0)
    (learning,) = RECOMMENDED.voices
    recipe = replace(
        RECOMMENDED,
        topology=Topology((replace(RECOMMENDED.topology.voices[0], inputs=4),)),
        voices=(replace(learning, learning_rate=3e-3, optimiser="adam", clip=1.0),),
        give_up_after=480_000,
    )
    result = lstm_bptt.train(recipe, roll, keeps_form(roll, recipe.choruses))
    assert result.learned and result.steps == result.curve.steps[-1] < 480_000
    assert result.method == recipe
    kept = recall(result.network, roll, 2_000)
    assert kept.period or kept.steps == 8 * 2_000


def test_divergence_is_told_with_the_last_good_network():
    learning = replace(RECOMMENDED.voices[0], learning_rate=1e308)
    recipe = replace(RECOMMENDED, voices=(learning,), give_up_after=9_600)
    with pytest.raises(Diverged, match="4800 the weights are not finite") as caught:
        lstm_bptt.train(recipe, ROLL, never)
    assert (caught.value.network.hidden == first_network(recipe).hidden).all()


def test_what_does_not_fit_is_refused():
    recipe = replace(RECOMMENDED, give_up_after=9_600)
    by_rmsprop = replace(recipe, voices=(replace(recipe.voices[0], optimiser="rmsprop"),))
    with pytest.raises(ValueError, match="momentum or Adam, got rmsprop"):
        lstm_bptt.train(by_rmsprop, ROLL, never)
    with pytest.raises(ValueError, match="one voice, the topology has 2"):
        lstm_bptt.train(RECOMMENDED_2, ROLL, never)
    voice = replace(recipe.topology.voices[0], choice="sample", activation="softmax")
    with pytest.raises(ValueError, match="logistic outputs"):
        lstm_bptt.train(replace(recipe, topology=Topology((voice,))), ROLL, never)
    with pytest.raises(ValueError, match="whole choruses"):
        lstm_bptt.train(replace(recipe, test_every=100), ROLL, never)
    with pytest.raises(ValueError, match=r"shape \(steps, 12\)"):
        lstm_bptt.train(recipe, ROLL[:, :5], never)
    with pytest.raises(ValueError, match=r"0\.0 and 1\.0"):
        lstm_bptt.train(recipe, ROLL * 0.5, never)
    with pytest.raises(ValueError, match="fresh=0"):
        lstm_bptt.train(replace(recipe, fresh=4), ROLL, never)
    with pytest.raises(ValueError, match="restart=0"):
        lstm_bptt.train(replace(recipe, restart=4), ROLL, never)
    going_on = replace(recipe.voices[0], until="plateau")
    with pytest.raises(ValueError, match="until='test'"):
        lstm_bptt.train(replace(recipe, voices=(going_on,)), ROLL, never)
