"""Episodes: inputs apart from targets, of any length, against plain NumPy; and bad ones refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.machine.episodes import BUFFERED, from_episodes, from_rolls
from lstm_from_scratch.machine.gradient import (
    advance,
    cross_entropy,
    no_partials,
    step_gradient,
)
from lstm_from_scratch.machine.kernel import Arena
from lstm_from_scratch.machine.network import Network, Topology, Voice, cleared, forward
from lstm_from_scratch.machine.training import (
    BrokenOff,
    Diverged,
    Episode,
    Learning,
    Recipe,
    initial_network,
    load,
    save,
    train,
)

TOPOLOGIES = {
    "more inputs": Topology((Voice("one", 5, (2, 1), outputs=2),)),
    "more outputs": Topology((Voice("one", 2, (1, 3), outputs=4, peepholes=True),)),
    "softmax beside logistic": Topology(
        (
            Voice("one", 2, (1, 2), outputs=3, choice="sample", activation="softmax"),
            Voice("two", 3, (2,), outputs=1, reads=("one",), g=(-1.0, 3.0), h=(0.0, 1.0)),
        )
    ),
}
LEARNING = (
    Learning(0.05, 0.8, 0.5, -0.3, 0.7, -0.2, 0.1, wrong=0.6),
    Learning(0.02, 0.5, 0.4, 0.1, 0.2, 0.3, -0.1, wrong=0.7),
)
ONE = Recipe(
    Topology((Voice("only", 3, (2, 1), outputs=2),)),
    (Learning(0.05, 0.5, 0.3, -0.5, 1.0, -0.5),),
    forgiven=0,
    give_up_after=2_000,
    test_every=500,
    choruses=1,
)


def recipe(topology: Topology, **changes: object) -> Recipe:
    voices = LEARNING[: len(topology.voices)]
    return replace(ONE, **{"topology": topology, "voices": voices, "seed": 3} | changes)


def random_episodes(topology: Topology, count: int, seed: int = 0) -> list[Episode]:
    """Inputs of mean 0 and deviation 1; some episodes of one step, some judged here and there."""
    rng, episodes = np.random.default_rng(seed), []
    for number in range(count):
        steps = int(rng.integers(1, 12))
        inputs = rng.normal(size=(steps, topology.inputs))
        targets = rng.integers(2, size=(steps, topology.outputs)).astype(float)
        for voice in topology.voices:
            if voice.activation == "softmax":
                own = topology.outputs_of(voice.name)
                targets[:, own] = np.eye(voice.outputs)[rng.integers(voice.outputs, size=steps)]
        judged = rng.random(steps) < 0.6
        judged[-1] = True
        episodes.append(Episode(inputs, targets, judged if number % 2 else None))
    return episodes


def plainly(
    how: Recipe, episodes: list[Episode], steps: int
) -> tuple[Network, np.ndarray, int, int]:
    """The online rule in plain NumPy: the network, nats of each voice, gross errors, resets."""
    t = how.topology
    _, *rngs = np.random.default_rng(how.seed).spawn(len(how.voices) + 1)
    network = initial_network(how, rngs)
    velocity = np.zeros_like(network.hidden), np.zeros_like(network.output)
    rate, keep = (
        by_row(t, [getattr(it, name) for it in how.voices])
        for name in ("learning_rate", "momentum")
    )
    wrong = np.concatenate(
        [np.full(v.outputs, it.wrong) for v, it in zip(t.voices, how.voices, strict=True)]
    )
    state, partials = cleared(t), no_partials(t)
    nats, gross, resets, errors, done = np.zeros(len(t.voices)), 0, 0, 0, 0
    for episode in episodes:
        judged = np.ones(len(episode.inputs)) if episode.judged is None else episode.judged
        for inputs, target, counts in zip(episode.inputs, episode.targets, judged, strict=True):
            if done == steps:
                return network, nats, gross, resets
            done += 1
            step = forward(network, state, inputs)
            partials = advance(network, partials, state, step)
            slope = step_gradient(network, partials, step, target)
            weights = []
            for table, of, change, r, k in zip(
                (network.hidden, network.output), slope, velocity, rate, keep, strict=True
            ):
                change[...] = k * change - r * (of if counts else 0.0 * of)
                weights.append(table + change)
            network, state = Network(t, *weights), step.state
            if counts:
                for n, voice in enumerate(t.voices):
                    own = t.outputs_of(voice.name)
                    nats[n] += cross_entropy(step.prediction[own], target[own], voice.activation)
            if counts and (np.abs(step.prediction - target) > wrong).any():
                gross, errors = gross + 1, errors + 1
                if how.forgiven and errors >= how.forgiven:
                    state, partials = cleared(t), no_partials(t)
                    resets, errors = resets + 1, 0
                    break
        else:
            if how.at_end == "clear":
                state, partials = cleared(t), no_partials(t)
    return network, nats, gross, resets


def by_row(t: Topology, values: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """A value for each row of both matrices, that of its voice; columns to multiply with."""
    hidden = np.zeros(t.hidden_units)
    for voice, value in zip(t.voices, values, strict=True):
        hidden[t.rows(voice.name)] = value
    output = np.repeat(values, [voice.outputs for voice in t.voices])
    return hidden[:, None], output[:, None]


def as_yielded(episodes: list[Episode]) -> Iterator[Episode]:
    yield from episodes


@pytest.mark.parametrize("forgiven", [0, 3])
@pytest.mark.parametrize("at_end", ["flow", "clear"])
@pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES.keys())
def test_training_on_episodes_is_the_online_rule_in_numpy(topology, at_end, forgiven):
    how = recipe(topology, forgiven=forgiven, at_end=at_end, give_up_after=900, test_every=300)
    episodes = random_episodes(topology, 1_200)
    result = train(how, as_yielded(episodes), lambda network: 0)
    network, nats, gross, resets = plainly(how, episodes, 900)
    for name in ("hidden", "output"):
        np.testing.assert_allclose(
            getattr(result.network, name), getattr(network, name), rtol=1e-9, atol=1e-12
        )
    np.testing.assert_allclose(300 * result.curve.cross_entropy.sum(axis=0), nats, rtol=1e-9)
    assert result.curve.gross_errors.sum() == gross > 50
    assert result.curve.resets.sum() == resets
    assert (resets > 15) == (forgiven > 0)


@pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES.keys())
def test_each_compiled_step_is_that_of_numpy(topology):
    episodes = random_episodes(topology, 40, seed=2)
    packed = from_episodes(topology, episodes)
    arena = Arena(topology)
    how = recipe(topology)
    _, *rngs = np.random.default_rng(5).spawn(len(how.voices) + 1)
    arena.set_weights(initial_network(how, rngs))
    for voice, it in enumerate(how.voices):
        arena.set_learning(voice, learning_rate=it.learning_rate, momentum=it.momentum)
    rate, keep = (
        by_row(topology, [getattr(it, name) for it in how.voices])
        for name in ("learning_rate", "momentum")
    )
    orders, never, used = np.arange(1, 40)[None], np.array([10**9]), 0
    for row in range(packed.starts[-1]):
        network, state = Network(topology, *arena.weights()), arena.state()
        partials = type(no_partials(topology))(*arena.partials())
        before = [table.copy() for table in arena.velocity()]
        tally = arena.train(packed, orders[:, used:], never, 1)
        used += arena.used
        step = forward(network, state, packed.inputs[row])
        partials = advance(network, partials, state, step)
        slope = step_gradient(network, partials, step, packed.targets[row])
        of_all = zip(arena.velocity(), before, slope, rate, keep, strict=True)
        for now, was, gradient, r, k in of_all:
            expected = k * was - r * gradient * packed.judged[row]
            np.testing.assert_allclose(now, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(arena.state().cell_state, step.cell_state, atol=1e-12)
        assert tally.steps == 1
        assert packed.judged[row] or tally.cross_entropy.sum() == 0.0
    assert arena.through and arena.train(packed, orders[:, used:], never, 1).steps == 0
    assert 0 < packed.judged.mean() < 1


def test_music_as_rolls_and_as_a_list_of_pieces_is_the_same():
    topology = Topology((Voice("only", 3, (2, 1)),))
    how = recipe(topology, voices=ONE.voices)
    rolls = np.random.default_rng(0).integers(2, size=(4, 7, 3)).astype(float)
    one = train(how, rolls, lambda network: 0)
    other = train(how, [*rolls], lambda network: 0)
    np.testing.assert_array_equal(one.network.hidden, other.network.hidden)


def test_rolls_of_tuples_are_rolls_and_episodes_of_lists_are_episodes():
    topology = Topology((Voice("only", 2, (2, 1)),))
    how = recipe(topology, voices=ONE.voices, give_up_after=500)
    rows = ((0, 1), (1, 0), (1, 1))
    results = [train(how, given, lambda network: 0) for given in (rows, (rows,), np.array([rows]))]
    for other in results[1:]:
        np.testing.assert_array_equal(results[0].network.hidden, other.network.hidden)
    lists = Episode([[0, 1], [1, 0]], [[1, 0], [1, 1]])
    arrays = Episode(*map(np.array, lists[:2]))
    one, other = (train(how, [given], lambda network: 0) for given in (lists, arrays))
    np.testing.assert_array_equal(one.network.hidden, other.network.hidden)


def test_rolls_may_be_handed_in_by_name():
    topology = Topology((Voice("only", 2, (2, 1)),))
    how = recipe(topology, voices=ONE.voices)
    assert train(how, rolls=np.eye(2), test=lambda network: 0).steps == 2_000


def test_pieces_of_unequal_length_flow_into_one_another():
    topology = Topology((Voice("only", 2, (1,)),))
    rolls = [np.array(it, dtype=float) for it in ([[0, 1], [1, 0]], [[1, 1], [0, 0], [0, 1]])]
    packed = from_rolls(rolls)
    assert packed.starts.tolist() == [0, 2, 5] and packed.ahead == 1
    arena = Arena(topology)
    room = arena.rooms[0]
    heard = []
    for used in range(3):
        arena.train(packed, np.array([[1, 1, 0, 0]])[:, min(used, 1) :], np.array([99]), 1)
        heard.append(
            (room.view(arena.data, "source")[:2, 0].tolist(), room.view(arena.data, "target")[:, 0])
        )
    assert heard[0][0] == [0.0, 1.0] and heard[1][0] == [1.0, 0.0] and heard[2][0] == [1.0, 1.0]


def test_listed_episodes_come_in_random_order_and_do_not_depend_on_how_often_one_looks():
    episodes = random_episodes(ONE.topology, 30)
    often, seldom = (
        train(replace(ONE, test_every=every), episodes, lambda network: 0) for every in (50, 1_000)
    )
    np.testing.assert_array_equal(often.network.hidden, seldom.network.hidden)
    other = train(replace(ONE, seed=1), episodes, lambda network: 0)
    assert (other.network.hidden != often.network.hidden).any()


def test_an_iterator_is_heard_in_its_order_however_it_is_buffered():
    episodes = random_episodes(ONE.topology, 4 * BUFFERED)
    long = replace(ONE, give_up_after=3 * BUFFERED, test_every=BUFFERED)
    one = train(long, as_yielded(episodes), lambda network: 0)
    other = train(replace(long, test_every=512), as_yielded(episodes), lambda network: 0)
    np.testing.assert_array_equal(one.network.hidden, other.network.hidden)


def test_an_iterator_that_ends_leaves_what_was_learned():
    episodes = random_episodes(ONE.topology, 200)
    steps = sum(len(episode.inputs) for episode in episodes)
    result = train(ONE, as_yielded(episodes), lambda network: 0)
    assert not result.learned and result.steps == steps < ONE.give_up_after
    assert result.curve.steps[-1] == steps
    passed = train(ONE, as_yielded(episodes), lambda network: 1)
    assert passed.learned_at == 500


def test_an_iterator_that_fails_leaves_the_network_as_it_was():
    episodes = random_episodes(ONE.topology, 2 * BUFFERED)

    def failing() -> Iterator[Episode]:
        yield from episodes
        raise OSError("the disk is gone")

    long, seen = replace(ONE, give_up_after=10**6, test_every=1_000), []
    with pytest.raises(
        BrokenOff, match=r"broke off after [\d,]+ steps: OSError: the disk is gone"
    ) as on:
        train(long, failing(), lambda network: 0, watch=lambda *it: seen.append(it))
    assert on.value.step == sum(len(it.inputs) for it in episodes) > seen[-1][0] > 0
    assert (on.value.network.hidden != seen[0][1].hidden).any()
    assert isinstance(on.value.__cause__, OSError)


@pytest.mark.parametrize("how", ["generator", "test", "by hand", "diverged"])
def test_what_was_learned_is_saved_if_training_breaks_off(tmp_path, how):
    episodes, seen = random_episodes(ONE.topology, 2 * BUFFERED), []
    recipe = replace(ONE, give_up_after=10**6, test_every=1_000)
    if how == "diverged":
        wild = replace(recipe.voices[0], learning_rate=5e306, momentum=0.9)
        recipe = replace(recipe, voices=(wild,), test_every=1)
    errors = {"generator": BrokenOff, "test": ZeroDivisionError, "diverged": Diverged}

    def failing():
        yield from episodes
        raise OSError("the disk is gone")

    def test(network):
        if len(seen) == 3 and how == "test":
            raise ZeroDivisionError
        if len(seen) == 3 and how == "by hand":
            raise KeyboardInterrupt
        return 0

    path = tmp_path / "so_far.npz"
    with pytest.raises(errors.get(how, KeyboardInterrupt)) as on:
        train(recipe, failing(), test, watch=lambda *it: seen.append(it), save_to=path)
    kept = load(path)
    assert not kept.learned and kept.recipe == recipe and kept.steps >= seen[-1][0] > 0
    assert len(kept.curve.steps) == len(seen)
    assert on.value.__notes__ == [f"what was learned in {kept.steps:,} steps is in {path}"]
    if how in errors and how != "test":
        assert (kept.network.hidden == on.value.network.hidden).all()
    else:
        assert np.isfinite(kept.network.hidden).all()


def test_a_result_is_saved_where_it_was_to_be(tmp_path):
    episodes = random_episodes(ONE.topology, 2_000)
    path = tmp_path / "all.npz"
    result = train(replace(ONE, give_up_after=2_000), episodes, lambda network: 0, save_to=path)
    kept = load(path)
    assert (kept.network.hidden == result.network.hidden).all() and kept.steps == result.steps
    with pytest.raises(ValueError, match="save_to: expected a path in a folder that is there"):
        train(ONE, episodes, lambda network: 0, save_to=tmp_path / "nowhere" / "all.npz")


def test_what_does_not_fit_in_mid_training_is_said_with_its_number():
    good = random_episodes(ONE.topology, BUFFERED)
    bad = Episode(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(BrokenOff, match=f"episode {BUFFERED}: 2 steps of inputs, but 3 of targets"):
        train(replace(ONE, give_up_after=10**6), as_yielded([*good, bad]), lambda network: 0)


X, Y = np.zeros((4, 3)), np.zeros((4, 2))


@pytest.mark.parametrize(
    ("episode", "said"),
    [
        (Episode(X[:, :2], Y), r"inputs of shape \(at least 1, 3\), got \(4, 2\)"),
        (Episode(X, X), r"targets of shape \(at least 1, 2\), got \(4, 3\)"),
        (Episode(X[:0], Y[:0]), r"inputs of shape \(at least 1, 3\), got \(0, 3\)"),
        (Episode(X, Y[:3]), "4 steps of inputs, but 3 of targets"),
        (Episode(X, Y + 1.5), "targets are probabilities, from 0 to 1"),
        (Episode(X + np.nan, Y), "inputs must be finite"),
        (Episode(X, Y, np.zeros(4, dtype=bool)), "no step of it is judged"),
        (Episode(X, Y, np.ones(3, dtype=bool)), r"judged as 4 times True or False, got .* \(3,\)"),
        (Episode(X, Y, np.full(4, 0.5)), "judged as 4 times True or False"),
        ((X,), r"expected Episode\(inputs, targets\)"),
    ],
)
def test_episodes_that_do_not_fit_are_refused(episode, said):
    for given in ([episode], as_yielded([episode])):
        with pytest.raises(ValueError, match=f"episode 0: .*{said}"):
            train(ONE, given, lambda network: 0)


def test_targets_of_a_softmax_voice_sum_to_1_where_they_are_judged():
    topology = Topology((Voice("one", 3, (1,), outputs=2, choice="sample", activation="softmax"),))
    how = recipe(topology)
    last = np.array([False, False, False, True])
    targets = np.zeros((4, 2))
    with pytest.raises(ValueError, match="targets must sum to 1"):
        train(how, [Episode(X, targets, last)], lambda network: 0)
    targets[3] = 0.25, 0.75
    assert train(how, [Episode(X, targets, last)], lambda network: 0).steps == 2_000


def test_rolls_need_an_output_for_each_input():
    with pytest.raises(ValueError, match="3 and 2: hand in episodes"):
        train(ONE, np.zeros((1, 4, 3)), lambda network: 0)
    with pytest.raises(ValueError, match="can't go on by itself"):
        Arena(ONE.topology).recall(np.zeros((4, 3)), 1)


def test_an_iterator_that_yields_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one episode"):
        train(ONE, iter(()), lambda network: 0)


def test_divergence_on_episodes_names_its_step():
    huge = replace(ONE, voices=(replace(ONE.voices[0], learning_rate=1e300, momentum=0.9),))
    episodes = random_episodes(ONE.topology, 400)
    with pytest.raises(Diverged, match=r"after step \d+ the") as on:
        train(huge, as_yielded(episodes), lambda network: 0)
    assert np.isfinite(on.value.network.hidden).all() and 0 < on.value.step < 500


def test_outputs_apart_from_inputs_are_saved_and_read(tmp_path):
    result = train(ONE, random_episodes(ONE.topology, 20), lambda network: 0)
    save(result, tmp_path / "apart.npz")
    again = load(tmp_path / "apart.npz")
    assert again.recipe == result.recipe and again.network.output.shape == (2, 7)
    np.testing.assert_array_equal(again.network.output, result.network.output)
