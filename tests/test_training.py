"""Training: a recipe is followed, what is saved comes back, and what fails says so."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import stat
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_from_scratch import briefly
from lstm_from_scratch.machine import training
from lstm_from_scratch.machine.bptt import RMSPROP, adam_update, clip_norm, momentum_update
from lstm_from_scratch.machine.gradient import (
    advance,
    cross_entropy,
    no_partials,
    step_gradient,
)
from lstm_from_scratch.machine.kalman import RMSProp, rmsprop
from lstm_from_scratch.machine.network import Network, Topology, Voice, cleared, forward, record
from lstm_from_scratch.machine.training import (
    PAPER,
    PAPER_2,
    RECOMMENDED,
    RECOMMENDED_2,
    Diverged,
    Learning,
    Recipe,
    initial_network,
    load,
    save,
    stored,
    train,
)
from lstm_from_scratch.music.blues import TWELVE_BAR, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from lstm_from_scratch.playing.composing import keeps_form, predict

TINY = Topology((Voice("only", 3, (2, 1)),))
TINY_LEARNING = Learning(
    learning_rate=0.02,
    momentum=0.8,
    initial_range=0.3,
    input_gate_bias=(-0.5, -1.0),
    forget_gate_bias=(1.0, 2.0),
    output_gate_bias=(-0.25, -0.75),
)
RECIPE = Recipe(TINY, (TINY_LEARNING,), forgiven=3, seed=4, give_up_after=400, test_every=100)
# A chorus in which some steps are a surprise: the same vector is followed by different ones.
ROLL = np.array(
    [[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 1]], dtype=float
)

ROLLS = np.stack([ROLL, ROLL[::-1], 1.0 - ROLL])


def never(network: Network) -> int:
    """A stopping test that nothing passes."""
    return 0


def trained(recipe: Recipe = RECIPE, rolls: np.ndarray = ROLL, test=never) -> training.Result:
    return train(recipe, rolls, test, progress=False)


def bits(network: Network) -> bytes:
    return network.hidden.tobytes() + network.output.tobytes()


def voice_of(network: Network, name: str) -> bytes:
    """The bits of one voice's weights, without those that the topology masks out."""
    t = network.topology
    rows, outputs = t.rows(name), t.parts(name)[0]
    own = network.hidden[rows][t.hidden_mask[rows]], network.output[outputs][t.output_mask[outputs]]
    return b"".join(part.tobytes() for part in own)


# What training begins with


def test_the_printed_recipe_is_the_papers():
    (learning,) = PAPER.voices
    (voice,) = PAPER.topology.voices
    assert voice.inputs == 12 and voice.blocks == (2, 2, 2, 2)
    assert learning.learning_rate == 0.00001 and learning.momentum == 0.9
    stairs = (-0.5, -1.0, -1.5, -2.0)
    assert learning.input_gate_bias == learning.forget_gate_bias == stairs
    assert learning.output_gate_bias == stairs
    assert learning.output_bias == 0.5
    # What the paper leaves open.
    assert voice.g == (-2.0, 2.0) and voice.h == (-1.0, 1.0)
    assert (learning.initial_range, learning.wrong, PAPER.forgiven) == (0.1, 0.5, 8)
    assert (learning.until, learning.decay, PAPER.choruses) == ("test", 0.0, 1_000)


def test_the_printed_recipe_of_experiment_2_is_the_papers():
    chords, melody = PAPER_2.topology.voices
    assert (chords,) == PAPER.topology.voices
    assert (melody.inputs, melody.blocks, melody.choice) == (13, (2, 2, 2, 2), "sample")
    assert melody.reads == ("chords",) and not chords.reads
    for learning in PAPER_2.voices:
        assert learning.until == "plateau"
        assert replace(learning, wrong=0.5, until="test") == PAPER.voices[0]
    assert [learning.wrong for learning in PAPER_2.voices] == [0.5, 1.0]


def test_the_chords_of_experiment_2_begin_as_in_experiment_1():
    assert RECOMMENDED_2.topology.voices[0] == RECOMMENDED.topology.voices[0]
    assert RECOMMENDED_2.topology.voices[1] == PAPER_2.topology.voices[1]
    assert RECOMMENDED_2.voices[0] == RECOMMENDED.voices[0]
    for name in ("forgiven", "seed", "give_up_after", "test_every", "choruses"):
        assert getattr(RECOMMENDED_2, name) == getattr(RECOMMENDED, name)
    one, two = (
        initial_network(recipe, np.random.default_rng(3).spawn(len(recipe.voices)))
        for recipe in (RECOMMENDED, RECOMMENDED_2)
    )
    assert voice_of(two, "chords") == bits(one)


def test_biases_begin_as_the_recipe_says_in_the_gates_that_it_names():
    learning = Learning(
        input_gate_bias=(-1.0, -2.0),
        forget_gate_bias=(-3.0, -4.0),
        output_gate_bias=(-5.0, -6.0),
        output_bias=7.0,
        initial_range=0.1,
    )
    other = replace(learning, input_gate_bias=(-8.0,), forget_gate_bias=(-9.0,), output_bias=-7.0)
    other = replace(other, output_gate_bias=(-10.0,))
    topology = Topology((Voice("a", 2, (1, 3)), Voice("b", 1, (2,), reads=("a",))))
    rngs = [np.random.default_rng(seed) for seed in (1, 2)]
    network = initial_network(Recipe(topology, (learning, other)), rngs)
    bias = network.hidden[:, -1]
    assert bias[topology.input_gates].tolist() == [-1.0, -2.0, -8.0]
    assert bias[topology.forget_gates].tolist() == [-3.0, -4.0, -9.0]
    assert bias[topology.output_gates].tolist() == [-5.0, -6.0, -10.0]
    assert (np.abs(bias[topology.cell_rows]) <= 0.1).all() and bias[topology.cell_rows].all()
    assert network.output[:, -1].tolist() == [7.0, 7.0, -7.0]


def test_weights_begin_uniform_in_the_range_of_their_voice():
    wide, narrow = (replace(TINY_LEARNING, initial_range=r) for r in (0.5, 0.02))
    voices = (Voice("wide", 30, (4, 4)), Voice("narrow", 30, (4, 4), reads=("wide",)))
    topology = Topology(voices)
    rngs = [np.random.default_rng(seed) for seed in (1, 2)]
    network = initial_network(Recipe(topology, (wide, narrow)), rngs)
    for voice, reach in zip(voices, (0.5, 0.02), strict=True):
        rows = topology.rows(voice.name)
        own = topology.hidden_mask[rows, :-1]
        outputs = topology.parts(voice.name)[0]
        drawn = np.concatenate(
            [
                network.hidden[rows, :-1][own],
                network.output[outputs, :-1][topology.output_mask[outputs, :-1]],
            ]
        )
        assert drawn.all(), "every connection gets a weight"
        assert np.abs(drawn).max() <= reach
        # Of a uniform distribution: mean 0, standard deviation reach / sqrt(3), no gap at the ends.
        assert abs(drawn.mean()) < 0.1 * reach
        assert drawn.std() == pytest.approx(reach / np.sqrt(3), rel=0.05)
        assert drawn.max() > 0.98 * reach and drawn.min() < -0.98 * reach


def test_peepholes_begin_uniform_and_change_nothing_else_of_the_beginning():
    voices = (Voice("wide", 3, (4, 4)), Voice("narrow", 3, (4, 3), reads=("wide",)))
    seeing = tuple(replace(voice, peepholes=True) for voice in voices)
    wide, narrow = (replace(TINY_LEARNING, initial_range=r) for r in (0.5, 0.02))
    plain, other, more = (
        initial_network(
            Recipe(Topology(pair), (wide, narrow)), list(np.random.default_rng(6).spawn(2))
        )
        for pair in (voices, seeing, (voices[0], seeing[1]))
    )
    t = other.topology
    without = np.delete(np.arange(t.sources), np.r_[t.state_sources])
    for network in (other, more):
        np.testing.assert_array_equal(network.hidden[:, without], plain.hidden)
        np.testing.assert_array_equal(network.output[:, without], plain.output)
    np.testing.assert_array_equal(other.hidden[t.rows("narrow")], more.hidden[t.rows("narrow")])
    for name, reach, count in (("wide", 0.5, 3 * 8), ("narrow", 0.02, 3 * 7)):
        rows = t.rows(name)
        drawn = other.hidden[rows][t.peephole_mask[rows]]
        assert len(set(drawn)) == count and 0.7 * reach < np.abs(drawn).max() <= reach
        assert drawn.min() < 0 < drawn.max()
    assert not other.hidden[:, t.state_sources][~t.peephole_mask[:, t.state_sources]].any()


def test_a_voice_begins_the_same_with_another_beside_it():
    voice = TINY.voices[0]
    pair = Topology((voice, Voice("more", 2, (1, 1), reads=("only",))))
    alone = initial_network(RECIPE, [np.random.default_rng(1)])
    both = initial_network(
        replace(RECIPE, topology=pair, voices=(TINY_LEARNING,) * 2),
        [np.random.default_rng(1), np.random.default_rng(2)],
    )
    rows = pair.rows("only")
    assert both.hidden[rows][pair.hidden_mask[rows]].tolist() == alone.hidden.ravel().tolist()


# What training does


def by_hand(
    recipe: Recipe,
    roll: np.ndarray,
    network: Network,
    *,
    anew_each_chorus: bool = False,
    learned_at: int | None = None,
    steps: int | None = None,
):
    """Train in plain NumPy: the loop of section 3.1, for one voice and one chorus.

    From ``learned_at`` on, after every test, the learning rate is what the recipe's decay says, and
    every ``recipe.fresh``-th chorus begins from a cleared state; before, after ``recipe.restart``
    choruses without a reset one does. With Adam, or with a limit to the
    gradient's norm, the weights change when the gradient of the step is complete.
    """
    (learning,) = recipe.voices
    hidden, output = network.hidden, network.output
    hidden_velocity, output_velocity = np.zeros_like(hidden), np.zeros_like(output)
    state, partials = cleared(recipe.topology), no_partials(recipe.topology)
    now = errors = gross_errors = resets = whole = 0
    entropy = 0.0
    rate = learning.learning_rate
    velocity, square = np.zeros((2, hidden.size + output.size))
    for done in range(steps or recipe.give_up_after):
        if learned_at is not None and done >= learned_at and done % recipe.test_every == 0:
            rate = learning.learning_rate / (1 + learning.decay * (done - learned_at))
        network = Network(recipe.topology, hidden, output)
        target = roll[(now + 1) % len(roll)]
        step = forward(network, state, roll[now])
        partials = advance(network, partials, state, step)
        gradient = step_gradient(network, partials, step, target)
        if learning.optimiser == "momentum" and learning.clip == np.inf:
            hidden_velocity = learning.momentum * hidden_velocity - rate * gradient.hidden
            output_velocity = learning.momentum * output_velocity - rate * gradient.output
            hidden, output = hidden + hidden_velocity, output + output_velocity
        else:
            weights, slope = (
                np.concatenate([a.ravel(), b.ravel()]) for a, b in ((hidden, output), gradient)
            )
            clip_norm(slope, learning.clip)
            if learning.optimiser == "adam":
                adam_update(weights, velocity, square, slope, rate, done)
            elif learning.optimiser == "rmsprop":
                how = RMSProp(rate, RMSPROP[0])
                weights, square = rmsprop(weights, square, slope, how)
            else:
                momentum_update(weights, velocity, slope, rate, learning.momentum)
            hidden = weights[: hidden.size].reshape(hidden.shape)
            output = weights[hidden.size :].reshape(output.shape)
        state, now = step.state, (now + 1) % len(roll)
        entropy += cross_entropy(step.prediction, target, recipe.topology.voices[0].activation)
        if anew_each_chorus and now == 0:
            errors = 0
        whole += now == 0
        if np.abs(step.prediction - target).max() > learning.wrong:
            errors, gross_errors = errors + 1, gross_errors + 1
            if recipe.forgiven and errors == recipe.forgiven:
                state, partials = cleared(recipe.topology), no_partials(recipe.topology)
                now, errors, resets, whole = 0, 0, resets + 1, 0
        later = learned_at is not None and done >= learned_at
        every = recipe.fresh if later else recipe.restart
        if every and now == 0 and whole >= every:
            state, partials, whole = cleared(recipe.topology), no_partials(recipe.topology), 0
    return Network(recipe.topology, hidden, output), entropy, gross_errors, resets


def first_network(recipe: Recipe, roll: np.ndarray = ROLL) -> Network:
    """The network that a training begins with: with a rate of 0 it stays as it is."""
    still = tuple(replace(learning, learning_rate=0.0) for learning in recipe.voices)
    return trained(replace(recipe, voices=still, give_up_after=1), roll).network


@pytest.mark.parametrize("forgiven", [0, 1, 3])
@pytest.mark.parametrize("wrong", [0.5, 0.6])
def test_training_is_the_loop_of_the_paper(forgiven, wrong):
    learning = replace(TINY_LEARNING, wrong=wrong)
    recipe = replace(RECIPE, voices=(learning,), forgiven=forgiven)
    network, entropy, gross_errors, resets = by_hand(recipe, ROLL, first_network(recipe))
    result = trained(recipe)
    np.testing.assert_allclose(result.network.hidden, network.hidden, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.network.output, network.output, rtol=1e-9, atol=1e-9)
    assert result.curve.gross_errors.sum() == gross_errors > 20
    assert result.curve.resets.sum() == resets
    assert (resets > 20) if forgiven else (resets == 0)
    total = (result.curve.cross_entropy[:, 0] * np.diff(result.curve.steps, prepend=0)).sum()
    assert total == pytest.approx(entropy, rel=1e-9)


ONE_ON = replace(
    RECIPE, topology=Topology((replace(TINY.voices[0], choice="sample", activation="softmax"),))
)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "adam"},
        {"optimiser": "adam", "clip": 0.4},
        {"clip": 0.4},
        {"optimiser": "adam", "momentum": 0.0},
        {"optimiser": "rmsprop"},
        {"optimiser": "rmsprop", "clip": 0.4, "momentum": 0.0},
    ],
    ids=["adam", "adam and clip", "clip", "adam without momentum", "rmsprop", "rmsprop and clip"],
)
def test_other_optimisers_change_the_weights_in_the_same_loop(changes):
    recipe = replace(RECIPE, voices=(replace(TINY_LEARNING, **changes),))
    network, _, gross_errors, resets = by_hand(recipe, ROLL, first_network(recipe))
    result = trained(recipe)
    np.testing.assert_allclose(result.network.hidden, network.hidden, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(result.network.output, network.output, rtol=1e-8, atol=1e-8)
    assert result.curve.gross_errors.sum() == gross_errors
    assert result.curve.resets.sum() == resets > 5
    # It is not the rule of the paper, and how often one looks does not change it.
    assert np.abs(trained().network.hidden - network.hidden).max() > 0.01
    looked = trained(replace(recipe, test_every=37))
    assert bits(looked.network) == bits(result.network)


def test_a_limit_that_no_gradient_reaches_is_none():
    """Only the rounding differs: the gradient is multiplied with the rate when it is complete."""
    recipe = replace(RECIPE, voices=(replace(TINY_LEARNING, clip=1e6),))
    wide, none = trained(recipe).network, trained().network
    np.testing.assert_allclose(wide.hidden, none.hidden, rtol=1e-9, atol=1e-9)


def test_peepholes_are_trained_by_the_same_loop():
    voice = replace(TINY.voices[0], peepholes=True)
    recipe = replace(RECIPE, topology=Topology((voice,)))
    start = first_network(recipe)
    network, _, gross_errors, resets = by_hand(recipe, ROLL, start)
    result = trained(recipe)
    np.testing.assert_allclose(result.network.hidden, network.hidden, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.network.output, network.output, rtol=1e-9, atol=1e-9)
    assert result.curve.gross_errors.sum() == gross_errors > 20
    assert result.curve.resets.sum() == resets > 5
    moved = (result.network.hidden - start.hidden)[recipe.topology.peephole_mask]
    assert len(moved) == 3 * 3 and moved.all()


@pytest.mark.parametrize("optimiser", ["momentum", "adam"])
@pytest.mark.parametrize("peepholes", [False, True])
def test_a_bias_of_a_thousand_is_a_network_without_forget_gates(optimiser, peepholes):
    """The gate is 1 and its slope 0, both exactly: cells keep what they have; it never learns."""
    topology = Topology((replace(TINY.voices[0], peepholes=peepholes),))
    learning = replace(TINY_LEARNING, forget_gate_bias=(1e3, 1e3), optimiser=optimiser)
    recipe = replace(RECIPE, topology=topology, voices=(learning,))
    before, after = first_network(recipe), trained(recipe).network
    forget = topology.forget_gates
    assert before.hidden[forget].all(where=topology.hidden_mask[forget])
    assert after.hidden[forget].tobytes() == before.hidden[forget].tobytes()
    assert (after.hidden != before.hidden)[topology.input_gates].any()
    played = record(after, np.tile(ROLL, (50, 1)))
    assert (played.forget_gate == 1.0).all()
    gained = played.input_gate[1:, topology.block_of_cell] * played.candidate[1:]
    np.testing.assert_array_equal(played.cell_state[1:], played.cell_state[:-1] + gained)


def test_softmax_outputs_are_trained_by_the_same_loop():
    notes = np.eye(3)[[0, 0, 1, 0, 2, 1, 2]]
    network, entropy, gross_errors, resets = by_hand(ONE_ON, notes, first_network(ONE_ON, notes))
    result = trained(ONE_ON, notes)
    np.testing.assert_allclose(result.network.hidden, network.hidden, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.network.output, network.output, rtol=1e-9, atol=1e-9)
    assert result.curve.gross_errors.sum() == gross_errors > 20
    assert result.curve.resets.sum() == resets > 5
    total = (result.curve.cross_entropy[:, 0] * np.diff(result.curve.steps, prepend=0)).sum()
    assert total == pytest.approx(entropy, rel=1e-9)
    assert result.curve.cross_entropy[0, 0] < 1.5 * np.log(3), "nats of one note among three"


def test_gross_errors_are_counted_across_choruses():
    recipe = replace(RECIPE, forgiven=6)
    start = first_network(recipe)
    resets = [by_hand(recipe, ROLL, start, anew_each_chorus=anew)[3] for anew in (False, True)]
    assert resets[0] != resets[1], "this recipe can't tell the difference"
    assert trained(recipe).curve.resets.sum() == resets[0]


def test_an_output_is_never_off_by_more_than_one():
    recipe = replace(RECIPE, voices=(replace(TINY_LEARNING, wrong=1.0),), forgiven=1)
    assert trained(recipe).curve.gross_errors.sum() == 0


def test_the_same_seed_gives_the_same_bits_and_another_one_others():
    rolls = np.stack([ROLL, ROLL[::-1], 1.0 - ROLL])
    one, again, other = (trained(replace(RECIPE, seed=s), rolls) for s in (4, 4, 5))
    assert bits(one.network) == bits(again.network) != bits(other.network)
    for name in (field.name for field in dataclasses.fields(one.curve)):
        np.testing.assert_array_equal(getattr(one.curve, name), getattr(again.curve, name))


def test_choruses_are_heard_in_random_order():
    """Of two choruses that call for opposite outputs, a network that knows neither hears both."""
    always_on, always_off = np.ones((2, 3)), np.zeros((2, 3))
    still = replace(TINY_LEARNING, learning_rate=0.0, output_bias=3.0, wrong=0.5)
    recipe = replace(RECIPE, voices=(still,), forgiven=0, give_up_after=4_000, test_every=4_000)
    errors = trained(recipe, np.stack([always_on, always_off])).curve.gross_errors[0]
    # Only steps before a silent one are gross errors: half of all, give or take 5 deviations.
    assert abs(errors - 2_000) < 5 * np.sqrt(4_000 / 2)
    halves = trained(replace(recipe, test_every=400), np.stack([always_on, always_off])).curve
    assert len(set(halves.gross_errors)) > 3, "an order that repeats is not random"


def test_every_chorus_is_drawn_anew_from_the_first_on():
    """Of two choruses each is as likely, whether it is heard first, second or ninth."""
    rolls = np.stack([np.ones((2, 3)), np.zeros((2, 3))])
    still = replace(TINY_LEARNING, learning_rate=0.0, output_bias=3.0, wrong=0.5)
    recipe = replace(RECIPE, voices=(still,), forgiven=0, give_up_after=18, test_every=1)
    silent = np.array(
        [trained(replace(recipe, seed=seed), rolls).curve.gross_errors for seed in range(200)]
    )
    # The step before a silent one is a gross error; a chorus is silent in both its steps.
    np.testing.assert_array_equal(silent[:, 1:-1:2], silent[:, 2::2])
    often = silent[:, ::2].sum(axis=0)
    assert (np.abs(often - 100) < 5 * np.sqrt(200 / 4)).all()


def test_training_does_not_change_what_it_is_given():
    roll = ROLL.copy()
    roll.setflags(write=False)
    one = trained(rolls=roll)
    assert bits(one.network) == bits(trained(rolls=roll[None].astype(int)).network)


# When training stops


def test_the_test_is_asked_again_and_again_until_it_says_enough():
    seen = []

    def test(network: Network) -> int:
        seen.append(network)
        return 5 if len(seen) == 3 else 4

    result = trained(replace(RECIPE, choruses=5), test=test)
    assert result.learned and result.steps == 300
    assert result.curve.steps.tolist() == [100, 200, 300]
    assert result.curve.choruses.tolist() == [4, 4, 5]
    assert len({bits(network) for network in seen}) == 3, "it is shown the network as it is then"
    assert bits(result.network) == bits(seen[-1]), "what passed the test is what is returned"


def test_training_gives_up_in_the_end_and_says_so():
    started = time.perf_counter()
    result = trained(replace(RECIPE, give_up_after=250))
    assert 0 < result.seconds < time.perf_counter() - started
    assert not result.learned and result.steps == 250
    assert result.curve.steps.tolist() == [100, 200, 250]
    assert result.recipe == replace(RECIPE, give_up_after=250)


@pytest.mark.parametrize("rolls", [ROLL, ROLLS], ids=["one chorus", "several"])
def test_how_often_one_looks_does_not_change_what_is_learned(rolls):
    often, sometimes, seldom = (trained(replace(RECIPE, test_every=n), rolls) for n in (1, 7, 400))
    assert bits(often.network) == bits(sometimes.network) == bits(seldom.network)
    for other in (often, sometimes):
        assert other.curve.resets.sum() == seldom.curve.resets.sum() > 20
        assert other.curve.gross_errors.sum() == seldom.curve.gross_errors.sum()
        every = np.diff(other.curve.steps, prepend=0)
        nats = (other.curve.cross_entropy[:, 0] * every).sum()
        assert nats == pytest.approx(400 * seldom.curve.cross_entropy.sum(), rel=1e-9)


def test_how_often_one_looks_does_not_change_what_is_learned_later():
    """Past the test too, as long as the learning rate stays."""
    on = replace(RECIPE, voices=(replace(TINY_LEARNING, until="plateau"),), window=400, windows=2)
    networks = []
    for test_every in (20, 200):
        asked = []

        def test(network: Network, asked=asked, test_every=test_every) -> int:
            asked.append(network)
            return RECIPE.choruses if test_every * len(asked) >= 200 else 0

        result = trained(replace(on, test_every=test_every), ROLLS, test)
        assert (result.learned_at, result.steps) == (200, 1_000)
        networks.append(bits(result.network))
    assert networks[0] == networks[1]


def test_a_test_can_not_spoil_the_training():
    def vandal(network: Network) -> int:
        network.hidden[:] = 0.0
        return 0

    assert bits(trained(test=vandal, recipe=RECIPE).network) == bits(trained().network)


def test_no_progress_is_shown_where_nobody_looks(capfd):
    train(RECIPE, ROLL, never)
    assert capfd.readouterr() == ("", "")
    train(RECIPE, ROLL, never, progress=True)
    assert "training" in capfd.readouterr().err


# Going on after the test is passed

PAIR = Topology((*TINY.voices, Voice("more", 2, (1, 2), reads=("only",), choice="sample")))
MORE = Learning(
    learning_rate=0.05,
    momentum=0.5,
    initial_range=0.2,
    input_gate_bias=(-0.25, -0.5),
    forget_gate_bias=(0.5, 1.0),
    output_gate_bias=(-0.5, -0.25),
    output_bias=-0.25,
    wrong=1.0,
    until="plateau",
)
PAIR_RECIPE = replace(
    RECIPE, topology=PAIR, voices=(TINY_LEARNING, MORE), window=200, windows=4, patience=2
)


def with_melodies(roll: np.ndarray, choruses: int) -> np.ndarray:
    """The same chords with another melody in each chorus."""
    notes = np.random.default_rng(7).integers(2, size=(choruses, len(roll)))
    melodies = np.stack([notes, 1 - notes], axis=2)
    return np.concatenate([np.tile(roll, (choruses, 1, 1)), melodies], axis=2).astype(float)


class Passing:
    """A stopping test that is passed at the call of this number, and remembers who came."""

    def __init__(self, call: int, choruses: int = RECIPE.choruses) -> None:
        self.call, self.choruses, self.seen = call, choruses, []

    def __call__(self, network: Network) -> int:
        self.seen.append(bits(network))
        return self.choruses if len(self.seen) == self.call else len(self.seen)


@pytest.mark.parametrize("choruses", [1, 5])
def test_a_voice_stops_when_the_test_is_passed_and_is_what_it_is_alone(choruses):
    alone = trained(RECIPE, ROLL, Passing(3))
    assert alone.steps == alone.learned_at == 300
    seen = {}
    result = train(
        PAIR_RECIPE,
        with_melodies(ROLL, choruses),
        Passing(3),
        watch=lambda steps, network: seen.update({steps: network}),
        progress=False,
    )
    assert (result.learned_at, result.steps) == (300, 300 + 4 * 200)
    assert list(seen) == result.curve.steps.tolist() == list(range(100, 1_101, 100))
    assert bits(seen[1_100]) == bits(result.network)
    # To the bit what it was when it passed, and what it becomes without a melody beside it.
    for steps, network in seen.items():
        same = voice_of(network, "only") == bits(alone.network)
        assert same == (steps >= 300), "it stops then, and not earlier"
    assert len({voice_of(network, "more") for network in seen.values()}) == len(seen)
    # It goes on being heard and judged.
    assert result.curve.gross_errors[3:].all() and result.curve.resets[3:].all()
    assert (result.curve.cross_entropy > 0).all()


def test_the_chords_of_experiment_2_are_those_of_experiment_1():
    form = CHORDS_ONLY.form_roll(TWELVE_BAR)
    seed = 10_005  # one that learns soon
    alone = train(replace(RECOMMENDED, seed=seed), form, keeps_form(form, 1_000), progress=False)
    assert alone.learned_at == 940_800
    recipe = replace(RECOMMENDED_2, seed=seed, window=48_000, windows=2)
    rolls = np.stack([CHORDS_AND_MELODY.encode(chorus(n).notes, 96) for n in (0, 4095, 1234)])
    test = keeps_form(form, 1_000, voice="chords")
    result = train(recipe, rolls, test, progress=False)
    assert (result.learned_at, result.steps) == (940_800, 940_800 + 2 * 48_000)
    assert voice_of(result.network, "chords") == bits(alone.network)
    tests = len(alone.curve.steps)
    for name in ("steps", "gross_errors", "resets", "choruses"):
        expected = getattr(alone.curve, name)
        np.testing.assert_array_equal(getattr(result.curve, name)[:tests], expected)
    np.testing.assert_array_equal(
        result.curve.cross_entropy[:tests, 0], alone.curve.cross_entropy[:, 0]
    )
    # What they have learned they hold from there on, though a melody still learns beside them.
    assert not result.curve.gross_errors[tests:].any()


def test_a_melody_with_softmax_outputs_learns_beside_the_same_chords():
    chords, melody = RECOMMENDED_2.topology.voices
    topology = Topology((chords, replace(melody, activation="softmax")))
    rolls = np.stack([CHORDS_AND_MELODY.encode(chorus(n).notes, 96) for n in (0, 4095, 1234)])
    short = replace(RECOMMENDED_2, give_up_after=48_000)
    one, other = (trained(r, rolls) for r in (short, replace(short, topology=topology)))
    assert voice_of(one.network, "chords") == voice_of(other.network, "chords")
    assert voice_of(one.network, "melody") != voice_of(other.network, "melody")
    first, *_, last = other.curve.cross_entropy[:, 1]
    assert last < 0.75 * first and first < np.log(13)
    outputs = predict(other.network, rolls[0])[:, topology.parts("melody")[0]]
    np.testing.assert_allclose(outputs.sum(axis=1), 1.0, rtol=1e-14)


def test_the_test_is_not_asked_again_where_a_voice_rests():
    test = Passing(3)
    result = trained(PAIR_RECIPE, with_melodies(ROLL, 1), test)
    assert len(test.seen) == 3 and len(result.curve.steps) == 11
    assert result.curve.choruses.tolist() == [1, 2] + 9 * [RECIPE.choruses]


def test_the_test_is_asked_again_where_all_go_on():
    test = Passing(3)
    both = replace(PAIR_RECIPE, voices=(replace(TINY_LEARNING, until="plateau"), MORE))
    result = trained(both, with_melodies(ROLL, 1), test)
    assert len(test.seen) == 11 == len(set(test.seen))
    assert result.curve.choruses.tolist() == [1, 2, RECIPE.choruses, *range(4, 12)]
    assert result.learned_at == 300, "when it passed first, whatever comes later"
    # Passing again changes nothing.
    again = trained(both, with_melodies(ROLL, 1), lambda network: RECIPE.choruses)
    assert again.learned_at == 100 and again.steps == 100 + 4 * 200


def test_more_than_enough_is_enough():
    result = trained(PAIR_RECIPE, with_melodies(ROLL, 1), Passing(2, RECIPE.choruses + 1))
    assert result.learned_at == 200


def test_a_test_that_is_never_passed_ends_a_long_training_too():
    result = trained(replace(PAIR_RECIPE, give_up_after=350), with_melodies(ROLL, 1))
    assert not result.learned and result.learned_at == 0 and result.steps == 350
    # Steps past the test don't count as tries; it may be passed at the last of them.
    late = trained(replace(PAIR_RECIPE, give_up_after=250), with_melodies(ROLL, 1), Passing(3))
    assert late.learned_at == 250 and late.steps == 250 + 4 * 200
    assert late.curve.steps.tolist() == [100, 200, *range(250, 1_051, 100)]


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_the_rate_falls_after_the_test_is_passed(decay):
    learning = replace(TINY_LEARNING, until="plateau", decay=decay)
    recipe = replace(RECIPE, voices=(learning,), test_every=50, window=100, windows=2)
    start = first_network(RECIPE)
    result = trained(recipe, ROLL, Passing(2))
    assert (result.learned_at, result.steps) == (100, 300)
    expected = by_hand(recipe, ROLL, start, learned_at=100, steps=300)[0]
    np.testing.assert_allclose(result.network.hidden, expected.hidden, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.network.output, expected.output, rtol=1e-9, atol=1e-9)
    if decay:
        constant = by_hand(recipe, ROLL, start, steps=300)[0]
        assert np.abs(constant.hidden - expected.hidden).max() > 1e-3


@pytest.mark.parametrize("fresh", [1, 2, 5])
@pytest.mark.parametrize("forgiven", [0, 9])
def test_after_the_test_every_so_many_choruses_begin_from_silence(fresh, forgiven):
    learning = replace(TINY_LEARNING, until="plateau")
    recipe = replace(
        RECIPE, voices=(learning,), forgiven=forgiven, test_every=50, window=100, windows=2
    )
    start, anew = first_network(RECIPE), replace(recipe, fresh=fresh)
    result = trained(anew, ROLL, Passing(2))
    assert (result.learned_at, result.steps) == (100, 300)
    expected = by_hand(anew, ROLL, start, learned_at=100, steps=300)[0]
    np.testing.assert_allclose(result.network.hidden, expected.hidden, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.network.output, expected.output, rtol=1e-9, atol=1e-9)
    if not forgiven:  # nothing else clears this network
        on = by_hand(recipe, ROLL, start, learned_at=100, steps=300)[0]
        assert np.abs(on.hidden - expected.hidden).max() > 1e-3


@pytest.mark.parametrize("restart", [1, 3])
@pytest.mark.parametrize("forgiven", [0, 40])
def test_until_the_test_some_choruses_begin_from_silence_without_a_reset(restart, forgiven):
    recipe = replace(RECIPE, forgiven=forgiven, give_up_after=400, test_every=50)
    start, again = first_network(RECIPE), replace(recipe, restart=restart)
    result = trained(again)
    expected, _, _, resets = by_hand(again, ROLL, start)
    np.testing.assert_allclose(result.network.hidden, expected.hidden, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(result.network.output, expected.output, rtol=1e-9, atol=1e-9)
    assert result.curve.resets.sum() == resets  # those that errors asked for
    without = by_hand(recipe, ROLL, start)[0]
    assert np.abs(without.hidden - expected.hidden).max() > 1e-3


def test_restarts_end_when_the_test_is_passed():
    learning = replace(TINY_LEARNING, until="plateau")
    recipe = replace(
        RECIPE, voices=(learning,), forgiven=0, test_every=50, window=100, windows=2, restart=2
    )
    result = trained(recipe, ROLL, Passing(2))
    expected = by_hand(recipe, ROLL, first_network(RECIPE), learned_at=100, steps=300)[0]
    np.testing.assert_allclose(result.network.hidden, expected.hidden, rtol=1e-9, atol=1e-9)


def windows_until_plateau(recipe: Recipe, errors: list[float]) -> int:
    """After how many windows a training with these mean errors ends, by the recipe's words."""
    for number in range(1, recipe.windows):
        best = min(errors[: max(0, number - recipe.patience)], default=None)
        latest = errors[max(0, number - recipe.patience) : number]
        if best is not None and not any(best - late > recipe.gain * best for late in latest):
            return number
    return recipe.windows


def test_training_ends_at_a_plateau_as_the_recipe_says():
    rng, ends = np.random.default_rng(8), []
    rolls = with_melodies(ROLL, 3)
    for _ in range(40):
        first = rng.choice(["test", "plateau"])
        window = int(rng.integers(1, 6)) * 50
        recipe = replace(
            PAIR_RECIPE,
            voices=(replace(TINY_LEARNING, until=str(first)), MORE),
            seed=int(rng.integers(1000)),
            test_every=50,
            window=window,
            windows=int(rng.integers(1, 15)),
            patience=int(rng.integers(1, 5)),
            gain=float(rng.choice([-0.05, 0.0, 0.01, 0.05, 0.3])),
        )
        result = trained(recipe, rolls, Passing(int(rng.integers(1, 5))))
        curve, errors = result.curve, []
        for start in range(result.learned_at, result.steps, window):
            inside = (start < curve.steps) & (curve.steps <= start + window)
            nats = curve.cross_entropy[inside]
            errors.append(nats.sum(axis=1).mean() if first == "plateau" else nats[:, 1].mean())
        assert result.steps == result.learned_at + len(errors) * window
        assert len(errors) == windows_until_plateau(recipe, errors)
        ends.append(len(errors) == recipe.windows)
    assert 5 < sum(ends) < 35, "most ended in one way: the other was hardly tried"


def test_only_voices_that_go_on_count_for_the_plateau():
    """The chords rest, often wrong; beside their errors the melody's progress would look small."""
    chords = replace(TINY_LEARNING, learning_rate=0.0, initial_range=0.0, output_bias=9.0)
    melody = replace(MORE, learning_rate=5e-3, initial_range=0.0)
    recipe = replace(PAIR_RECIPE, voices=(chords, melody), forgiven=0, windows=5, gain=0.05)
    recipe = replace(recipe, test_every=70, window=70, patience=1)
    always = np.tile([1.0, 0.0, 0.0, 1.0, 0.0], (7, 1))
    result = trained(recipe, always, lambda network: RECIPE.choruses)
    errors = result.curve.cross_entropy[1:]
    assert (errors[1:, 1] < 0.9 * errors[:-1, 1]).all()
    assert (errors[1:].sum(axis=1) > 0.95 * errors[:-1].sum(axis=1)).all()
    assert len(errors) == 5


def test_errors_that_stay_the_same_are_a_plateau():
    """Not lower than the best by more than nothing: equal is not lower."""
    still = replace(TINY_LEARNING, learning_rate=0.0, initial_range=0.0, until="plateau")
    recipe = replace(RECIPE, voices=(still,), forgiven=0, gain=0.0, patience=2, windows=9)
    recipe = replace(recipe, test_every=70, window=140)
    result = trained(recipe, ROLL, lambda network: RECIPE.choruses)
    assert len(set(result.curve.cross_entropy[1:, 0])) == 1
    assert result.steps == 70 + 3 * 140


# When numbers run away


# Logistic units saturate, and then nothing grows: it takes rates like these to overflow.
@pytest.mark.parametrize(("rate", "late"), [(1.6e307, False), (5e306, True)])
def test_a_training_that_diverges_says_where_and_keeps_the_last_good_network(rate, late):
    learning = replace(TINY_LEARNING, learning_rate=rate)
    recipe = replace(RECIPE, voices=(learning,), give_up_after=2_000, test_every=3)
    with pytest.raises(Diverged, match="training diverged: after step") as caught:
        trained(recipe)
    step, network = caught.value.step, caught.value.network
    assert f"after step {step} the" in str(caught.value)
    assert (step > recipe.test_every) == late, "before the first test, and after it"
    assert np.isfinite(network.hidden).all() and np.isfinite(network.output).all()
    # A training that ends one step earlier ends well, with that network.
    if step > 1:
        before = trained(replace(recipe, give_up_after=step - 1))
        assert bits(before.network) == bits(network)
    else:
        assert bits(network) == bits(first_network(recipe))
    with pytest.raises(Diverged) as again:
        trained(replace(recipe, give_up_after=step))
    assert again.value.step == step


def test_a_training_that_diverges_after_its_test_names_the_step_too():
    wild = replace(TINY_LEARNING, learning_rate=5e306, until="plateau")
    recipe = replace(RECIPE, voices=(wild,), give_up_after=2_000, test_every=3)
    with pytest.raises(Diverged) as expected:
        trained(recipe)
    on = replace(recipe, window=3_000)
    with pytest.raises(Diverged) as caught:
        trained(on, test=lambda network: RECIPE.choruses)
    assert caught.value.step == expected.value.step > 3
    assert bits(caught.value.network) == bits(expected.value.network)


def test_divergence_is_a_value_error():
    assert issubclass(Diverged, ValueError)


# What is refused at the door


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": -1e-5}, "learning_rate: expected a number of at least 0, got -1e-05"),
        ({"learning_rate": np.inf}, "learning_rate: .* got inf"),
        ({"learning_rate": np.nan}, "learning_rate: .* got nan"),
        ({"momentum": 1.0}, "momentum: expected a number of at least 0 and below 1, got 1.0"),
        ({"momentum": -0.1}, "momentum: .* got -0.1"),
        ({"initial_range": -0.1}, "initial_range: .* got -0.1"),
        ({"initial_range": np.inf}, "initial_range: .* got inf"),
        ({"wrong": -0.5}, "wrong: .* got -0.5"),
        ({"wrong": np.nan}, "wrong: .* got nan"),
        ({"input_gate_bias": (0.0, np.nan, 0.0, 0.0)}, "_bias: expected a finite number"),
        ({"forget_gate_bias": (np.inf,)}, "_bias: expected a finite number"),
        ({"output_gate_bias": (-np.inf,)}, "_bias: expected a finite number"),
        ({"output_bias": np.nan}, "_bias: expected a finite number"),
        ({"until": "never"}, "until: expected 'test' or 'plateau', got 'never'"),
        ({"decay": -1e-9}, "decay: expected a number of at least 0, got -1e-09"),
        ({"decay": np.inf}, "decay: .* got inf"),
        ({"optimiser": "sgd"}, "optimiser: expected 'momentum' or 'adam' or 'rmsprop', got 'sgd'"),
        ({"clip": 0.0}, "clip: expected a number above 0, got 0.0"),
        ({"clip": -1.0}, "clip: .* got -1.0"),
        ({"clip": np.nan}, "clip: .* got nan"),
    ],
)
def test_a_voice_can_not_learn_with_such_numbers(changes, message):
    with pytest.raises(ValueError, match=message):
        Learning(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"voices": ()}, "0 voices learn, the topology has 1"),
        ({"voices": (TINY_LEARNING,) * 2}, "2 voices learn, the topology has 1"),
        ({"voices": (Learning(),)}, "voice 'only': 4 input gate biases for 2 blocks"),
        (
            {"voices": (replace(TINY_LEARNING, forget_gate_bias=(1.0,)),)},
            "voice 'only': 1 forget gate biases for 2 blocks",
        ),
        (
            {"voices": (replace(TINY_LEARNING, output_gate_bias=(1.0,) * 3),)},
            "voice 'only': 3 output gate biases for 2 blocks",
        ),
        ({"forgiven": -1}, r"forgiven: expected a whole number .*, got -1"),
        ({"seed": -1}, r"seed: expected a whole number .*, got -1"),
        ({"give_up_after": 0}, r"give_up_after: expected a whole number .*, got 0"),
        ({"test_every": 0}, r"test_every: expected a whole number .*, got 0"),
        ({"choruses": 0}, r"choruses: expected a whole number .*, got 0"),
        ({"window": 0}, r"window: expected a whole number .*, got 0"),
        ({"patience": 0}, r"patience: expected a whole number .*, got 0"),
        ({"windows": 0}, r"windows: expected a whole number .*, got 0"),
        ({"windows": 2.0}, r"windows: expected a whole number .*, got 2.0"),
        ({"gain": 1.0}, "gain: expected a number below 1, got 1.0"),
        ({"gain": np.nan}, "gain: .* got nan"),
        ({"gain": -np.inf}, "gain: .* got -inf"),
        (
            {"voices": (replace(TINY_LEARNING, until="plateau"),), "window": 250},
            "a window of 250 steps is not some whole times 100",
        ),
        ({"give_up_after": 1e6}, r"give_up_after: expected a whole number .*, got 1000000.0"),
        ({"test_every": 10.5}, r"test_every: expected a whole number .*, got 10.5"),
        ({"forgiven": np.nan}, r"forgiven: expected a whole number .*, got nan"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(RECIPE, **changes)


@pytest.mark.parametrize(
    ("rolls", "message"),
    [
        (np.zeros((7, 4)), r"shape \(choruses, steps, 3\), got \(1, 7, 4\)"),
        (np.zeros(3), r"shape \(choruses, steps, 3\), got \(3,\)"),
        (np.zeros((0, 7, 3)), r"shape \(choruses, steps, 3\), got \(0, 7, 3\)"),
        (np.zeros((1, 1, 3)), "at least two steps"),
        (ROLL / 2, "0.0 and 1.0 only"),
        (np.where(ROLL == 1, np.nan, 0), "0.0 and 1.0 only"),
    ],
)
def test_choruses_that_do_not_fit_are_refused(rolls, message):
    with pytest.raises(ValueError, match=message):
        trained(rolls=rolls)


@pytest.mark.parametrize("answer", ["x", None, 2.5, 10**5000, np.zeros(3)], ids=briefly.came)
def test_a_test_that_does_not_count_is_refused(answer):
    with pytest.raises(ValueError, match=r"test, what it returns: expected a whole number.*, got"):
        trained(test=lambda network: answer)
    assert trained(test=lambda network: np.False_).learned_at == 0


def test_choruses_with_another_number_of_notes_than_one_are_refused_by_softmax_outputs():
    with pytest.raises(ValueError, match=r"'only' has softmax outputs: .* sum to 1, .* got 2"):
        trained(ONE_ON, ROLL)


# Saving and loading


@pytest.fixture(scope="module")
def result() -> training.Result:
    return trained(replace(RECIPE, choruses=3), test=lambda network: 3)


def test_what_is_saved_comes_back(result, tmp_path):
    save(result, tmp_path / "network.npz")
    back = load(str(tmp_path / "network.npz"))
    assert back.recipe == result.recipe and hash(back.recipe) == hash(result.recipe)
    assert bits(back.network) == bits(result.network)
    assert (back.learned_at, back.steps, back.seconds) == (100, 100, result.seconds)
    assert back.learned
    for name in (field.name for field in dataclasses.fields(result.curve)):
        got, expected = getattr(back.curve, name), getattr(result.curve, name)
        assert got.dtype == expected.dtype and got.tobytes() == expected.tobytes()
    # It can go on in another training: the recipe is whole.
    assert bits(trained(back.recipe, test=lambda network: 3).network) == bits(result.network)


def test_a_recipe_of_two_voices_comes_back(tmp_path):
    topology = Topology(
        (
            replace(TINY.voices[0], peepholes=True),
            Voice("more", 2, (1, 3), ("only",), "sample", g=(-1.0, 1.0), activation="softmax"),
        )
    )
    other = replace(TINY_LEARNING, wrong=0.9, until="plateau", decay=3e-7, optimiser="adam")
    assert other.clip == np.inf
    rule = {"window": 60, "gain": 0.25, "patience": 4, "windows": 7, "test_every": 20}
    recipe = Recipe(topology, (TINY_LEARNING, other), seed=2**40, **rule)
    network = initial_network(recipe, [np.random.default_rng(1), np.random.default_rng(2)])
    curve = training.Curve(*(np.zeros(0) for _ in dataclasses.fields(training.Curve)))
    save(training.Result(network, recipe, 0, 0, 0.0, curve), tmp_path / "two.npz")
    back = load(tmp_path / "two.npz")
    assert back.recipe == recipe and not back.learned
    assert bits(back.network) == bits(network)


def test_a_saved_file_is_like_any_other(result, tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    save(result, tmp_path / "network.npz")
    modes = [stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("plain", "network.npz")]
    assert modes[0] == modes[1], "others who may read my files may read this one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["network.npz", "plain"]


@pytest.mark.parametrize("moment", ["while writing", "before renaming"])
def test_an_interrupted_save_leaves_the_old_file_whole(result, tmp_path, monkeypatch, moment):
    path = tmp_path / "network.npz"
    save(result, path)
    old = path.read_bytes()
    other = trained(replace(RECIPE, seed=99))

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    def half(file, *args, **kwargs):
        file.write(b"half of it")
        raise KeyboardInterrupt

    if moment == "while writing":
        monkeypatch.setattr(np, "savez_compressed", half)
    else:
        monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        save(other, path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["network.npz"], "half a file stayed behind"


def test_a_truncated_file_is_refused(result, tmp_path):
    path = tmp_path / "network.npz"
    save(result, path)
    whole = path.read_bytes()
    for length in [0, 1, 3, 4, 100, *range(200, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=re.escape(f"{path}: not a trained network")):
            load(path)


def test_a_damaged_file_is_refused_or_still_right(result, tmp_path):
    path = tmp_path / "network.npz"
    save(result, path)
    whole = path.read_bytes()
    refused = 0
    for at in range(0, len(whole), 11):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            back = load(path)
        except ValueError as error:
            refused += 1
            assert str(error).startswith(f"{path}: not a trained network of ours: ")
        else:  # the byte is one that nothing depends on, such as a date
            assert bits(back.network) == bits(result.network) and back.recipe == result.recipe
    assert refused > 100


def rewritten(result, path, **changes):
    """Save a result, then write the file again with some of its parts changed or (None) gone."""
    save(result, path)
    with np.load(path) as archive:
        arrays = dict(archive)
    about = json.loads(str(arrays.pop("about")))
    for name, value in changes.items():
        place = arrays if name in arrays or name == "about" else about
        if value is None:
            del place[name]
        else:
            place[name] = value
    arrays.setdefault("about", json.dumps(about))
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 1}, "it has format 1, expected 4"),
        ({"format": 5}, "it has format 5, expected 4"),
        ({"format": None}, "format"),
        ({"hidden": None}, "hidden"),
        ({"hidden": np.zeros((3, 3))}, r"hidden: expected .* shape \(9, 7\), got .* \(3, 3\)"),
        ({"output": np.full((3, 7), np.nan)}, "output: expected finite numbers"),
        ({"curve_steps": None}, "curve_steps"),
        ({"learned_at": None}, "learned_at"),
        ({"steps": None}, "steps"),
        ({"recipe": None}, "recipe"),
        ({"recipe": {}}, "topology"),
        ({"recipe": []}, "not a trained network"),
        ({"recipe": {"topology": {"voices": ["only"]}, "voices": []}}, "not a trained network"),
        ({"about": "{"}, "not a trained network"),
        ({"about": "[]"}, "not a trained network"),
    ],
)
def test_a_file_of_another_kind_or_version_is_refused(result, tmp_path, changes, message):
    path = rewritten(result, tmp_path / "other.npz", **changes)
    with pytest.raises(ValueError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: not a trained network of ours: ")


def test_rewriting_a_file_does_not_by_itself_spoil_it(result, tmp_path):
    assert load(rewritten(result, tmp_path / "same.npz")).recipe == result.recipe


def an_array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def a_pickle() -> bytes:
    file = io.BytesIO()
    np.savez(file, about=np.array([{"format": 1}], dtype=object))
    return file.getvalue()


def an_archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("about.npy", "not an array")
    return file.getvalue()


def an_archive_of_arrays() -> bytes:
    file = io.BytesIO()
    np.savez(file, weights=np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"la la la\n", b"MThd\0\0\0\6", an_array(), a_pickle(), an_archive()],
    ids=["nothing", "text", "MIDI", "an array", "a pickle", "an archive"],
)
def test_a_file_of_something_else_is_refused(content, tmp_path):
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"{path}: not a trained network of ours")):
        load(path)


def test_arrays_of_another_program_are_refused(tmp_path):
    path = tmp_path / "foreign.npz"
    path.write_bytes(an_archive_of_arrays())
    with pytest.raises(ValueError, match="it holds no trained network"):
        load(path)


def test_nothing_in_a_file_is_executed(tmp_path):
    class Spell:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "it was cast"),)

    path = tmp_path / "cursed.npz"
    np.savez(path, about=np.array(Spell(), dtype=object))
    with pytest.raises(ValueError, match="not a trained network of ours"):
        load(path)
    assert [p.name for p in tmp_path.iterdir()] == ["cursed.npz"]
    np.load(path, allow_pickle=True)["about"]
    assert (tmp_path / "it was cast").exists(), "the spell would have worked"


def test_what_describes_a_training_can_not_be_changed_by_accident(result):
    for thing, name in (
        (TINY_LEARNING, "momentum"),
        (RECIPE, "seed"),
        (result, "steps"),
        (result.curve, "steps"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, 0)
    assert result != replace(result) and result.curve != replace(result.curve)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz")


def test_the_stored_network_is_what_its_recipe_makes():
    """The network inside the package, trained again from its seed: the same bits."""
    kept = stored("experiment_1")
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    assert kept.learned_at == kept.steps and kept.recipe == RECOMMENDED
    short = replace(kept.recipe, give_up_after=kept.steps)

    def test(network: Network) -> int:
        return 0

    again = train(short, roll, test, progress=False)
    assert bits(again.network) == bits(kept.network)
    np.testing.assert_array_equal(again.curve.resets, kept.curve.resets)


def test_the_stored_network_of_experiment_2_has_the_chords_of_experiment_1():
    one, two = stored("experiment_1"), stored("experiment_2")
    assert two.recipe == RECOMMENDED_2 and two.learned_at == one.learned_at
    assert voice_of(two.network, "chords") == bits(one.network)
    tests = len(one.curve.steps)
    np.testing.assert_array_equal(two.curve.resets[:tests], one.curve.resets)
    assert not two.curve.gross_errors[tests:].any()


def test_a_network_that_is_not_in_the_package_is_refused():
    with pytest.raises(ValueError, match=r"no stored network 'experiment_99': there are .*exper"):
        stored("experiment_99")


def test_a_file_of_version_2_is_read_and_saved_again_the_same(tmp_path):
    """The networks that come with the package are such files."""
    kept = training.stored("experiment_1")
    path = Path(training.__file__).parent / "trained" / "experiment_1.npz"
    with np.load(path) as archive:
        about = json.loads(str(archive["about"]))
    assert about["format"] == 2
    assert kept.recipe.give_up_after == about["recipe"]["max_steps"]
    training.save(kept, tmp_path / "again.npz")
    again = training.load(tmp_path / "again.npz")
    assert again.recipe == kept.recipe
    np.testing.assert_array_equal(again.network.hidden, kept.network.hidden)


def test_max_steps_bounds_all_steps():
    assert RECOMMENDED.max_steps == RECOMMENDED.give_up_after
    endless = replace(
        PAIR_RECIPE, give_up_after=350, test_every=50, window=100, windows=3, gain=-1e9
    )
    assert endless.max_steps == 650
    result = trained(endless, with_melodies(ROLL, 1), Passing(2))
    assert result.learned_at == 100
    assert result.steps == result.learned_at + 300 <= endless.max_steps
