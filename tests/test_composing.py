"""Free run: the paper's test, against a slow loop over the readable forward pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.blues import TWELVE_BAR
from lstm_from_scratch.composing import free_run, keeps_form, predict, recall
from lstm_from_scratch.encoding import CHORDS_ONLY
from lstm_from_scratch.kernel import Arena
from lstm_from_scratch.network import Network, Topology, Voice, cleared, forward
from lstm_from_scratch.training import RECOMMENDED, Result, train

FORM = CHORDS_ONLY.form_roll(TWELVE_BAR)


@pytest.fixture(scope="module")
def trained() -> Result:
    """A network that has learned the form and returns to one state every 9 choruses."""
    recipe = replace(RECOMMENDED, seed=10_052)
    return train(recipe, FORM, keeps_form(FORM, recipe.choruses), progress=False)


@pytest.fixture(scope="module")
def half_trained() -> Network:
    """A network that has not trained long enough: it fails somewhere in the first chorus."""
    recipe = replace(RECOMMENDED, seed=10_052, max_steps=480_000, test_every=480_000)
    return train(recipe, FORM, keeps_form(FORM, 1), progress=False).network


def slowly(network: Network, seed: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Play in plain NumPy: what was heard, and the prediction made at each step."""
    state, heard, predictions = cleared(network.topology), list(seed), []
    for now in range(steps):
        step = forward(network, state, heard[now])
        state = step.state
        predictions.append(step.prediction)
        if now + 1 >= len(seed):
            heard.append((step.prediction > 0.5).astype(float))
    return np.array(heard[:steps]), np.array(predictions)


def first_wrong(network: Network, form: np.ndarray, steps: int) -> int:
    """The number of predictions in a row, from the first step, that are right."""
    predictions = slowly(network, form[:1], steps)[1]
    target = np.tile(form, (steps // len(form) + 1, 1))[1 : steps + 1]
    wrong = np.flatnonzero(((predictions > 0.5) != (target > 0.5)).any(axis=1))
    return int(wrong[0]) if len(wrong) else steps


def states_after_choruses(network: Network, choruses: int) -> tuple[list[bytes], np.ndarray]:
    """The whole state, to the bit, after each chorus of a free run, and all that was played."""
    arena = Arena(network.topology)
    arena.set_weights(network)
    states, played, first = [], [], FORM[0]
    for _ in range(choruses):
        roll = np.zeros(FORM.shape)
        roll[0] = first
        heard, predictions = arena.run(roll, 1)
        played.append(heard)
        first = (predictions[-1] > 0.5).astype(float)
        states.append(b"".join(part.tobytes() for part in arena.state()))
    return states, np.concatenate(played)


# Playing


@pytest.mark.parametrize("given", [1, 5, 100])
def test_a_free_run_is_a_loop_over_the_forward_pass(trained, half_trained, given):
    seed = np.tile(FORM, (2, 1))[:given]
    for network in (trained.network, half_trained):
        heard = free_run(network, seed, 300)
        np.testing.assert_array_equal(heard, slowly(network, seed, 300)[0])
        assert heard.shape == (300, 12)
        np.testing.assert_array_equal(heard[:given], seed)


def test_a_network_that_has_learned_plays_the_form_from_its_first_step(trained):
    assert trained.learned
    np.testing.assert_array_equal(free_run(trained.network, FORM[:1], 960), np.tile(FORM, (10, 1)))


def test_a_network_that_has_not_plays_something_else(half_trained):
    assert not np.array_equal(free_run(half_trained, FORM[:1], 96), FORM)


def test_a_seed_may_be_all_there_is(trained):
    np.testing.assert_array_equal(free_run(trained.network, FORM, 96), FORM)


def test_a_free_run_begins_anew_each_time_and_leaves_its_seed_alone(half_trained):
    seed = FORM[:1].copy()
    seed.setflags(write=False)
    one = free_run(half_trained, seed, 200)
    np.testing.assert_array_equal(one, free_run(half_trained, seed.astype(int), 200))


def test_predictions_of_what_is_given_are_those_of_the_forward_pass(trained, half_trained):
    rng = np.random.default_rng(seed=1)
    noise = rng.integers(2, size=(96, 12)).astype(float)
    for network in (trained.network, half_trained):
        for roll in (FORM, noise):
            expected = slowly(network, roll, len(roll))[1]
            np.testing.assert_allclose(predict(network, roll), expected, rtol=1e-9, atol=1e-12)


# The paper's test


def test_a_returning_state_is_found_when_it_first_returns(trained):
    kept = recall(trained.network, FORM, 10_000)
    assert kept.period == 9 and kept.steps % 96 == 0
    states, played = states_after_choruses(trained.network, kept.steps // 96 + 50)
    np.testing.assert_array_equal(played, np.tile(FORM, (len(states), 1)))
    last = kept.steps // 96 - 1
    assert states[last] == states[last - kept.period], "the state that came back"
    for shorter in range(1, kept.period):
        assert states[last] != states[last - shorter], "it came back earlier"
    for later in range(last, len(states)):
        assert states[later] == states[later - kept.period], "and so on for ever"


def test_a_free_run_that_is_stopped_before_its_state_returns_is_a_count_and_no_proof(trained):
    full = recall(trained.network, FORM, 10_000).steps // 96
    assert recall(trained.network, FORM, 5) == (5 * 96, 0)
    assert recall(trained.network, FORM, full - 1) == ((full - 1) * 96, 0)
    assert recall(trained.network, FORM, full) == (full * 96, 9)


@pytest.mark.parametrize("steps", [480_000, 960_000, 1_200_000])
def test_a_network_fails_where_a_slow_loop_says(steps):
    recipe = replace(RECOMMENDED, seed=10_052, max_steps=steps, test_every=steps)
    network = train(recipe, FORM, lambda network: 0, progress=False).network
    kept = recall(network, FORM, 3)
    assert kept.period == 0
    assert kept.steps == first_wrong(network, FORM, 3 * 96)


def test_a_network_that_first_slips_in_a_later_chorus_is_caught_there(trained):
    """The first network of that training that played one chorus right, and only one."""
    first = int(trained.curve.steps[np.flatnonzero(trained.curve.choruses)[0]])
    recipe = replace(trained.recipe, max_steps=first, test_every=first)
    network = train(recipe, FORM, lambda network: 0, progress=False).network
    kept = recall(network, FORM, 1_000)
    assert kept.steps // 96 == trained.curve.choruses[trained.curve.choruses > 0][0] == 1
    assert kept.steps == first_wrong(network, FORM, 5 * 96)
    assert keeps_form(FORM, 1_000)(network) == 1


def test_the_last_prediction_of_a_chorus_is_the_first_step_of_the_next():
    """A form of three steps whose return to the beginning this network never foresees."""
    form = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    network = simple(np.array([[-20.0, -20.0, 10.0], [20.0, 20.0, -10.0]]))
    np.testing.assert_array_equal(free_run(network, form[:1], 3), form)
    assert recall(network, form, 10) == (2, 0)


# Networks whose cells do nothing: what they play can be worked out by hand.


def simple(weights: np.ndarray) -> Network:
    """A network of outputs that read nothing but inputs and the bias."""
    inputs = len(weights)
    topology = Topology((Voice("simple", inputs, (1,)),))
    output = np.zeros(topology.output_mask.shape)
    output[:, :inputs], output[:, -1] = weights[:, :-1], weights[:, -1]
    return Network(topology, np.zeros(topology.hidden_mask.shape), output)


ALTERNATE = simple(np.array([[-20.0, 0.0, 10.0], [0.0, -20.0, 10.0]]))


def test_a_network_without_memory_can_alternate_for_ever():
    form = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(free_run(ALTERNATE, form[:1], 5), np.tile(form, (3, 1))[:5])
    assert recall(ALTERNATE, form, 1) == (2, 0)  # one chorus proves nothing
    assert recall(ALTERNATE, form, 1_000) == (4, 1)  # its state is the same after each
    assert keeps_form(form, 1_000)(ALTERNATE) == 1_000


@pytest.mark.parametrize(
    ("form", "right"),
    [
        ([[1, 0], [1, 0]], 0),
        ([[1, 0], [0, 1], [1, 1]], 1),
        ([[1, 0], [0, 1], [1, 0], [0, 0]], 2),
        ([[1, 0], [0, 1], [1, 0]], 2),
    ],
)
def test_the_first_wrong_unit_ends_the_test(form, right):
    assert recall(ALTERNATE, np.array(form), 100) == (right, 0)
    assert keeps_form(np.array(form), 100)(ALTERNATE) == 0


def test_a_half_is_off():
    """The decision threshold is 0.5, and an output has to be above it."""
    undecided = simple(np.zeros((2, 3)))
    assert free_run(undecided, np.ones((1, 2)), 3).tolist() == [[1, 1], [0, 0], [0, 0]]


# What is refused


@pytest.mark.parametrize(
    ("roll", "message"),
    [
        (np.zeros((3, 5)), r"shape \(steps, 2\), got \(3, 5\)"),
        (np.zeros(2), r"shape \(steps, 2\), got \(2,\)"),
        (np.zeros((0, 2)), r"shape \(steps, 2\), got \(0, 2\)"),
        (np.zeros((1, 3, 2)), r"shape \(steps, 2\), got \(1, 3, 2\)"),
        (np.full((3, 2), 0.5), "0.0 and 1.0 only"),
        (np.full((3, 2), np.nan), "0.0 and 1.0 only"),
    ],
)
def test_a_roll_that_does_not_fit_is_refused(roll, message):
    for play in (
        lambda: free_run(ALTERNATE, roll, 10),
        lambda: predict(ALTERNATE, roll),
        lambda: recall(ALTERNATE, roll, 10),
        lambda: keeps_form(roll, 10)(ALTERNATE),
    ):
        with pytest.raises(ValueError, match=message):
            play()


def test_a_seed_must_fit_into_the_run():
    with pytest.raises(ValueError, match="a seed of 4 steps does not fit into 3"):
        free_run(ALTERNATE, np.zeros((4, 2)), 3)


@pytest.mark.parametrize("choruses", [0, -1])
def test_at_least_one_chorus_is_played(choruses):
    with pytest.raises(ValueError, match=f"choruses must be at least 1, got {choruses}"):
        recall(ALTERNATE, np.zeros((4, 2)), choruses)


def test_a_voice_that_draws_its_notes_is_refused():
    voice = replace(ALTERNATE.topology.voices[0], choice="sample")
    network = replace(ALTERNATE, topology=Topology((voice,)))
    with pytest.raises(ValueError, match="draws notes at random"):
        free_run(network, np.zeros((1, 2)), 3)
