"""Free run: the paper's test, against a slow loop over the readable forward pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.machine.kernel import Arena
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
from lstm_from_scratch.machine.training import RECOMMENDED, Result, stored, train
from lstm_from_scratch.music.blues import TWELVE_BAR, Form, Note, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY, Encoding
from lstm_from_scratch.playing.composing import (
    compose,
    free_run,
    hear,
    keeps_form,
    predict,
    recall,
)

FORM = CHORDS_ONLY.form_roll(TWELVE_BAR)


@pytest.fixture(scope="module")
def trained() -> Result:
    """A network that has learned the form and returns to one state every 9 choruses."""
    recipe = replace(RECOMMENDED, seed=10_052)
    return train(recipe, FORM, keeps_form(FORM, recipe.choruses), progress=False)


@pytest.fixture(scope="module")
def half_trained() -> Network:
    """A network that has not trained long enough: it fails somewhere in the first chorus."""
    recipe = replace(RECOMMENDED, seed=10_052, give_up_after=480_000, test_every=480_000)
    return train(recipe, FORM, keeps_form(FORM, 1), progress=False).network


def numpy_draws(outputs: np.ndarray, draw: float, temperature: float) -> int:
    """The unit that a draw falls on, by cumulative sums, as numpy's `Generator.choice` does it."""
    if temperature == 0:
        return int(np.argmax(outputs))
    sums = np.cumsum(outputs ** (1 / temperature))
    return int(np.searchsorted(sums / sums[-1], draw, side="right"))


def slowly(
    network: Network,
    seed: np.ndarray,
    steps: int,
    draws: np.ndarray | None = None,
    temperature: float = 1.0,
    state: State | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Play in plain NumPy: what was heard, and the prediction made at each step."""
    t = network.topology
    state = cleared(t) if state is None else state
    heard, predictions = list(seed), []
    for now in range(steps):
        step = forward(network, state, heard[now])
        state = step.state
        predictions.append(step.prediction)
        if len(seed) <= now + 1 < steps:
            following = (step.prediction > 0.5).astype(float)
            for number, voice in enumerate(t.voices):
                units = t.parts(voice.name)[0]
                if voice.choice == "sample":
                    outputs, draw = step.prediction[units], draws[now + 1, number]
                    following[units] = 0.0
                    following[units][numpy_draws(outputs, draw, temperature)] = 1.0
            heard.append(following)
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


@pytest.mark.parametrize("number", range(4))
def test_a_free_run_goes_on_from_the_state_it_is_given(number):
    """With blocks of different sizes, so that each cell must find its own place."""
    rng = np.random.default_rng(number)
    sizes = [tuple(int(n) for n in rng.integers(1, 4, size=rng.integers(1, 4))) for _ in range(2)]
    one, other = Voice("one", 3, sizes[0]), Voice("other", 2, sizes[1], reads=("one",))
    t = Topology((one, other))
    hidden = rng.normal(0, 2, t.hidden_mask.shape) * t.hidden_mask
    output = rng.normal(0, 2, t.output_mask.shape) * t.output_mask
    network = Network(t, hidden, output)
    state = State(rng.normal(0, 3, t.cells), rng.uniform(-1, 1, t.cells))
    seed = rng.integers(2, size=(2, 5)).astype(float)
    played = free_run(network, seed, 60, state=state)
    np.testing.assert_array_equal(played, slowly(network, seed, 60, state=state)[0])


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((1, 1)), [], 0.0, [np.nan]])
def test_a_state_that_is_not_of_the_network_is_refused(part, values):
    state = [np.zeros(1), np.zeros(1)]
    state[part] = values
    name = State._fields[part]
    with pytest.raises(ValueError, match=f"{name}: expected a finite number for each of 1 cells"):
        free_run(ALTERNATE, np.zeros((1, 2)), 3, state=State(*state))


def test_a_seed_may_be_all_there_is(trained):
    np.testing.assert_array_equal(free_run(trained.network, FORM, 96), FORM)


def test_a_free_run_begins_anew_each_time_and_leaves_its_seed_alone(half_trained):
    seed = FORM[:1].copy()
    seed.setflags(write=False)
    one = free_run(half_trained, seed, 200)
    again = free_run(network=half_trained, seed=seed.astype(int), steps=200)
    np.testing.assert_array_equal(one, again)


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
    recipe = replace(RECOMMENDED, seed=10_052, give_up_after=steps, test_every=steps)
    network = train(recipe, FORM, lambda network: 0, progress=False).network
    kept = recall(network, FORM, 3)
    assert kept.period == 0
    assert kept.steps == first_wrong(network, FORM, 3 * 96)


def test_a_network_that_first_slips_in_a_later_chorus_is_caught_there(trained):
    """The first network of that training that played one chorus right, and only one."""
    first = int(trained.curve.steps[np.flatnonzero(trained.curve.choruses)[0]])
    recipe = replace(trained.recipe, give_up_after=first, test_every=first)
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


# Notes that are drawn


def random_network(topology: Topology, seed: int) -> Network:
    """Weights that make every unit depend on what was heard; no bias is zero."""
    rng = np.random.default_rng(seed)
    masks = topology.hidden_mask, topology.output_mask
    return Network(topology, *(np.where(m, rng.normal(size=m.shape), 0.0) for m in masks))


# Voices that draw and one that does not, in an order that tells them apart.
DRAWING = random_network(
    Topology(
        (
            Voice("low", 3, (1, 2), reads=("high",), choice="sample", activation="softmax"),
            Voice("beat", 2, (2,), g=(-1.0, 2.0)),
            Voice("high", 5, (2, 1), ("beat", "low"), "sample", h=(-2.0, 1.0), peepholes=True),
        )
    ),
    seed=27,
)


@pytest.mark.parametrize("temperature", [0.0, 0.4, 1.0, 1, 3.0])
@pytest.mark.parametrize("given", [1, 7])
def test_a_free_run_that_draws_is_a_loop_over_the_forward_pass(given, temperature):
    seed = np.random.default_rng(3).integers(2, size=(given, 10)).astype(float)
    heard = free_run(DRAWING, seed, 400, np.random.default_rng(4), temperature=temperature)
    draws = np.random.default_rng(4).random((400, 3))
    np.testing.assert_array_equal(heard, slowly(DRAWING, seed, 400, draws, temperature)[0])
    np.testing.assert_array_equal(heard[:given], seed)
    own = heard[given:]
    assert (own[:, :3].sum(axis=1) == 1).all() and (own[:, 5:].sum(axis=1) == 1).all()
    assert len(set(own[:, 3:5].sum(axis=1))) > 1, "the voice between them draws nothing"


def test_temperature_is_one_unless_another_is_asked_for():
    seed = np.zeros((1, 10))
    plain = free_run(DRAWING, seed, 300, np.random.default_rng(5))
    one, cold = (
        free_run(DRAWING, seed, 300, np.random.default_rng(5), temperature=t) for t in (1.0, 0.5)
    )
    np.testing.assert_array_equal(plain, one)
    assert (plain != cold).any()


def test_the_same_seed_of_the_generator_gives_the_same_music_and_another_one_other():
    seed = np.zeros((1, 10))
    one, again, other = (free_run(DRAWING, seed, 200, np.random.default_rng(n)) for n in (6, 6, 7))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    # One generator goes on: what is played second is not what was played first.
    rng = np.random.default_rng(6)
    first, second = (free_run(DRAWING, seed, 200, rng) for _ in range(2))
    np.testing.assert_array_equal(first, one)
    assert (second != first).any()


def test_at_temperature_zero_chance_has_no_part():
    seed = np.ones((1, 10))
    one, other = (
        free_run(DRAWING, seed, 100, np.random.default_rng(n), temperature=0) for n in (8, 9)
    )
    np.testing.assert_array_equal(one, other)


def test_notes_are_drawn_as_often_as_the_outputs_say():
    """A network that hears nothing has the same outputs at each step: 0.2, 0.5 and 0.8."""
    weights = np.zeros((3, 4))
    weights[:, -1] = np.log([1 / 4, 1.0, 4.0])
    network = drawing(simple(weights))
    heard = free_run(network, np.zeros((1, 3)), 30_001, np.random.default_rng(10))[1:]
    for count, share in zip(heard.sum(axis=0), np.array([0.2, 0.5, 0.8]) / 1.5, strict=True):
        assert abs(count - 30_000 * share) < 5 * np.sqrt(30_000 * share * (1 - share))


def drawing(network: Network) -> Network:
    """The same network, its one voice drawing its notes."""
    voice = replace(network.topology.voices[0], choice="sample")
    return replace(network, topology=Topology((voice,)))


def test_outputs_that_are_not_finite_are_refused_and_the_step_is_named():
    """Both notes on together drive the sum of the output to infinity, and the cell pulls it back:
    a number that is none. One note alone does not."""
    topology = Topology((Voice("wild", 2, (1,), choice="sample", h=(9.0, 11.0)),))
    output = np.array([[1e308, 1e308, -1e308, 0.0], [0.0, 0.0, 0.0, 0.0]])
    network = Network(topology, np.zeros(topology.hidden_mask.shape), output)
    assert free_run(network, np.eye(2), 9, np.random.default_rng(11)).shape == (9, 2)
    seed = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    with pytest.raises(ValueError, match="step 3: the outputs of a voice sum to zero or are not"):
        free_run(network, seed, 9, np.random.default_rng(11))


@pytest.mark.parametrize("temperature", [-0.1, np.nan, np.inf])
def test_a_temperature_that_makes_no_sense_is_refused(temperature):
    for network in (DRAWING, ALTERNATE):
        message = f"temperature: expected a number of at least 0, got {temperature}"
        with pytest.raises(ValueError, match=message):
            seed = np.zeros((1, network.topology.inputs))
            free_run(network, seed, 5, np.random.default_rng(0), temperature=temperature)


# Composing


@pytest.fixture(scope="module")
def improviser() -> Network:
    return stored("experiment_2").network


@pytest.mark.parametrize("given", [1, 2, 3, 24, 48, 50, 96])
def test_a_piece_begins_with_what_is_given_and_goes_on_by_itself(improviser, given):
    piece = chorus(2002)
    roll = compose(improviser, piece, given, 2, np.random.default_rng(12))
    beginning = CHORDS_AND_MELODY.encode(piece.notes, 96)[:given]
    assert roll.shape == (192, 25) and roll.dtype == np.float64
    np.testing.assert_array_equal(roll[:given], beginning)
    expected = free_run(improviser, beginning, 192, np.random.default_rng(12))
    np.testing.assert_array_equal(roll, expected)
    assert (roll[:, 12:].sum(axis=1) == 1).all(), "one note of melody at each step"
    assert (
        roll[given:, 12:] != np.tile(CHORDS_AND_MELODY.encode(piece.notes, 96), (2, 1))[given:, 12:]
    ).any()


def test_the_chords_keep_the_form_below_the_melody(improviser):
    roll = compose(improviser, chorus(5), 2, 20, np.random.default_rng(14))
    np.testing.assert_array_equal(roll[:, :12], np.tile(FORM, (20, 1)))
    test = keeps_form(FORM, 1_000, voice="chords")
    assert test(improviser) == keeps_form(FORM, 1_000)(solo(improviser, "chords")) == 1_000


def test_a_beginning_may_be_any_music_of_the_encoding(improviser):
    rng = np.random.default_rng(15)
    notes = (Note(48, 0, 30), Note(55, 4, 2), Note(61, 0, 3), Note(72, 5, 40))
    roll = compose(improviser, notes, 20, 1, rng)
    np.testing.assert_array_equal(roll[:20], CHORDS_AND_MELODY.encode(notes, 45)[:20])
    parts = {"this": notes[:2], "that": notes[2:]}
    again = compose(improviser, parts, 20, 1, np.random.default_rng(15))
    np.testing.assert_array_equal(roll, again)


def test_another_encoding_form_and_temperature_are_passed_on():
    encoding = Encoding(chords=(40, 41, 42, 50, 51), melody=(60, 61, 62, 70, 71))
    form = Form("short", ("C",) * 3, steps_per_bar=4)
    notes = [Note(40, 0, 2), Note(71, 1, 3)]
    played = compose(
        DRAWING,
        notes,
        3,
        5,
        np.random.default_rng(16),
        encoding=encoding,
        form=form,
        temperature=0.5,
    )
    seed = encoding.encode(notes, 4)[:3]
    expected = free_run(DRAWING, seed, 60, np.random.default_rng(16), temperature=0.5)
    np.testing.assert_array_equal(played, expected)


def test_what_was_heard_before_is_brought_along(improviser):
    heard = hear(improviser, CHORDS_AND_MELODY.encode(chorus(3).notes, 96))
    rng = np.random.default_rng
    roll = compose(improviser, chorus(9), 2, 1, rng(17), state=heard)
    seed = CHORDS_AND_MELODY.encode(chorus(9).notes, 96)[:2]
    np.testing.assert_array_equal(roll, free_run(improviser, seed, 96, rng(17), state=heard))
    assert (roll != compose(improviser, chorus(9), 2, 1, rng(17))).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": ALTERNATE}, "the network has 2 inputs, the encoding 25 units"),
        ({"encoding": CHORDS_ONLY}, "the network has 25 inputs, the encoding 12 units"),
        ({"choruses": 0}, "choruses: expected a whole number from 1 to 1,000,000, got 0"),
        ({"given": 0}, "given: expected a whole number from 1 to 4,000,000, got 0"),
        ({"given": 97}, "given must be 1 to 96, the steps of the piece, got 97"),
        ({"music": [Note(60, 0, 4)], "given": 5}, "given must be 1 to 4, .* got 5"),
        ({"music": []}, "given must be 1 to 0, .* got 2"),
        ({"music": [Note(47, 0, 4)]}, "pitch 47 has no unit"),
        # Not even past what is given: the piece would not be what it says.
        ({"music": [Note(60, 0, 4), Note(73, 4, 1)]}, "pitch 73 has no unit"),
        ({"music": [Note(60, 0, 4), Note(60, 1, 1)]}, "overlaps another note"),
        ({"music": [(60, 0)]}, "is not a note"),
        ({"music": [Note(60, 0, 200)], "given": 100}, "100 steps are given, but only 96 are to be"),
        ({"rng": None}, "rng: expected a numpy Generator, or a whole number of at least 0 as its"),
        ({"temperature": -1.0}, r"temperature: expected a number of at least 0, got -1\.0"),
    ],
)
def test_what_can_not_be_composed_is_refused(improviser, changes, message):
    rng = np.random.default_rng(0)
    good = {"network": improviser, "music": chorus(0), "given": 2, "choruses": 1, "rng": rng}
    with pytest.raises(ValueError, match=message):
        compose(**(good | changes))


def test_the_whole_of_what_is_to_be_played_may_be_given(improviser):
    music = [Note(60, 0, 200)]
    roll = compose(improviser, music, 96, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(roll, CHORDS_AND_MELODY.encode(music, 200)[:96])


def test_one_voice_of_several_is_put_to_the_test():
    """The first voice alternates for ever, the other never plays the form."""
    topology = Topology((Voice("steady", 2, (1,)), Voice("lost", 2, (1,))))
    output = np.zeros(topology.output_mask.shape)
    output[0, 0], output[1, 1], output[:2, -1] = -20.0, -20.0, 10.0
    network = Network(topology, np.zeros(topology.hidden_mask.shape), output)
    form = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert keeps_form(form, 50, "steady")(network) == 50
    assert keeps_form(form, 50, "lost")(network) == 0


# What is refused


@pytest.mark.parametrize(
    ("roll", "message"),
    [
        (np.zeros((3, 5)), r"shape \(steps, 2\), got \(3, 5\)"),
        (np.zeros((3, 1)), r"shape \(steps, 2\), got \(3, 1\)"),
        (np.zeros((3, 2, 2)), r"of shape \(steps, inputs\), got shape \(3, 2, 2\)"),
        (np.zeros(2), r"of shape \(steps, inputs\), got shape \(2,\)"),
        (np.zeros((0, 2)), r"shape \(steps, 2\), got \(0, 2\)"),
        (np.zeros((1, 3, 2)), r"of shape \(steps, inputs\), got shape \(1, 3, 2\)"),
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
    with pytest.raises(ValueError, match=f"choruses: expected a whole number .*got {choruses}"):
        recall(ALTERNATE, np.zeros((4, 2)), choruses)


def test_a_voice_that_draws_its_notes_needs_chance_and_is_no_proof():
    network = drawing(ALTERNATE)
    with pytest.raises(ValueError, match="draws notes at random: it needs rng"):
        free_run(network, np.zeros((1, 2)), 3)
    with pytest.raises(ValueError, match="draws notes at random: recall needs threshold voices"):
        recall(network, np.zeros((2, 2)), 3)


def test_a_network_goes_on_from_what_it_has_heard():
    rng = np.random.default_rng(12)
    topology = Topology((Voice("a", 3, (2, 1)), Voice("b", 4, (1, 2), reads=("a",))))
    weights = [
        np.where(mask, rng.normal(size=mask.shape), 0.0)
        for mask in (topology.hidden_mask, topology.output_mask)
    ]
    network = Network(topology, *weights)
    roll = rng.integers(2, size=(30, 7)).astype(float)
    heard = hear(network, roll)
    expected = record(network, roll)
    np.testing.assert_allclose(heard.cell_state, expected.cell_state[-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(heard.cell_output, expected.cell_output[-1], rtol=0, atol=1e-12)
    # What follows is what follows in one long run.
    after = free_run(network, roll[:2], 40, state=heard)
    whole = free_run(network, np.concatenate([roll, roll[:2]]), 70)
    assert (after == whole[30:]).all()
    with pytest.raises(ValueError, match="roll of shape"):
        hear(network, roll[:, :5])
