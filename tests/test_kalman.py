"""The Kalman filter against what knows nothing of it.

Derivatives are held to those by a complex step, in `test_gradient`. The filter of one group is held
to its other form, in which precisions add up; on a linear problem it has to end where ridge
regression does. The decoupled filter is the large one, whose covariances between groups are made 0
before each step. The compiled steps are those of NumPy.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_gradient import (
    met_by,
    oracle_gradient,
    random_network,
    random_song,
    random_topology,
)

from lstm_from_scratch.machine import kalman, tasks
from lstm_from_scratch.machine.bptt import RMSPROP, rmsprop_update
from lstm_from_scratch.machine.episodes import Episode, Packed, from_episodes, from_rolls
from lstm_from_scratch.machine.gradient import Gradient, advance, no_partials, step_gradient
from lstm_from_scratch.machine.kalman import Filtering, Lost, RMSProp
from lstm_from_scratch.machine.kalman_training import Learner, named, train
from lstm_from_scratch.machine.kernel import Arena, predict
from lstm_from_scratch.machine.network import Network, Topology, Voice, cleared, forward
from lstm_from_scratch.machine.training import (
    RECOMMENDED_2,
    Diverged,
    Learning,
    Recipe,
    initial_network,
)

SEEDS = range(10)
FILTERING = Filtering(3.0, 2.0, 0.5, 1e-2, 1e-4, 5)
NEVER = np.array([10**9])


def case(seed: int, steps: int) -> tuple[Network, np.ndarray, np.ndarray]:
    """A network with logistic outputs, and a song of notes that are on or off."""
    rng = np.random.default_rng([seed, 16])
    voices = random_topology(rng).voices
    topology = Topology(tuple(replace(it, activation="logistic") for it in voices))
    inputs, targets = random_song(topology, 2 * steps, rng)
    return random_network(topology, rng), inputs[:steps], targets[:steps]


def row(network: Network, of: Network | Gradient | None = None) -> np.ndarray:
    of = network if of is None else of
    return kalman.in_a_row(network.topology, of.hidden, of.output)


def derivatives(network: Network, inputs: np.ndarray) -> np.ndarray:
    """The derivatives of the last step's outputs, by complex steps through the whole song.

    The error of an output is linear in its target, with its net input as the factor; so the errors
    by two targets tell the derivative of the net input.
    """
    frozen, outputs = met_by(network, inputs), network.topology.outputs
    targets, state = np.zeros((len(inputs), outputs)), cleared(network.topology)
    for heard in inputs:
        step = forward(network, state, heard)
        state = step.state
    off = row(network, oracle_gradient(network, inputs, targets, frozen))
    rows = []
    for unit, p in enumerate(step.prediction):
        targets[-1] = np.arange(outputs) == unit
        on = row(network, oracle_gradient(network, inputs, targets, frozen))
        rows.append(p * (1 - p) * (off - on))
    return np.array(rows)


def packed(inputs: np.ndarray, targets: np.ndarray, judged: np.ndarray | None = None) -> Packed:
    one = np.ones(len(inputs)) if judged is None else judged.astype(float)
    return Packed(inputs, targets, one, np.array([0, len(inputs)]), 0)


def close(ours: np.ndarray, wanted: np.ndarray, rtol: float) -> None:
    assert ours.shape == wanted.shape
    np.testing.assert_allclose(ours, wanted, rtol=rtol, atol=rtol * np.abs(wanted).max())


# ---- What the filter needs of the network --------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_each_output_has_the_derivatives_of_a_complex_step(seed: int) -> None:
    network, inputs, _ = case(seed, steps=4)
    partials, state = no_partials(network.topology), cleared(network.topology)
    for heard in inputs:
        step = forward(network, state, heard)
        partials, state = advance(network, partials, state, step), step.state
    ours, wanted = kalman.jacobian(network, partials, step), derivatives(network, inputs)
    assert np.abs(wanted).max() > 1e-4, "a comparison with nothing proves nothing"
    close(ours, wanted, 1e-9)


def test_weights_go_into_a_row_and_come_back() -> None:
    network, *_ = case(3, 1)
    again = kalman.with_weights(network.topology, row(network))
    assert (again.hidden == network.hidden).all() and (again.output == network.output).all()
    assert len(row(network)) == network.weights
    with pytest.raises(ValueError, match=f"expected the {network.weights} weights"):
        kalman.with_weights(network.topology, row(network)[1:])


def test_groups_are_units_or_all_or_none() -> None:
    topology = RECOMMENDED_2.topology
    units = kalman.groups(topology)
    sizes = [*topology.hidden_mask.sum(axis=1), *topology.output_mask.sum(axis=1)]
    assert [it.stop - it.start for it in units] == sizes
    assert [it.start for it in units] == [0, *(it.stop for it in units[:-1])]
    assert kalman.groups(topology, "all") == (slice(0, sum(sizes)),)
    assert [it.stop for it in kalman.groups(topology, "weight")] == list(range(1, sum(sizes) + 1))


def test_softmax_outputs_are_refused() -> None:
    topology = Topology((Voice("a", 2, (1,), choice="sample", activation="softmax"),))
    network = random_network(topology, np.random.default_rng(0))
    step = forward(network, cleared(topology), np.zeros(2))
    with pytest.raises(ValueError, match="'a' has softmax outputs"):
        kalman.jacobian(network, no_partials(topology), step)
    with pytest.raises(ValueError, match="'a' has softmax outputs"):
        Learner(network, FILTERING)


# ---- The filter ----------------------------------------------------------------------------------


def test_noise_falls_by_the_same_factor_and_then_stays() -> None:
    assert FILTERING.noise(0) == (2.0, 1e-2)
    (r1, q1), (r2, q2) = FILTERING.noise(1), FILTERING.noise(2)
    assert r1 / 2.0 == pytest.approx(r2 / r1) == pytest.approx((0.5 / 2.0) ** (1 / 5))
    assert q1 / 1e-2 == pytest.approx(q2 / q1) == pytest.approx((1e-4 / 1e-2) ** (1 / 5))
    assert FILTERING.noise(5) == FILTERING.noise(10**6) == pytest.approx((0.5, 1e-4))
    assert replace(FILTERING, process=0.0, process_last=0.0).noise(3)[1] == 0.0
    with pytest.raises(ValueError, match=r"both above 0 or both 0, got 0\.01 and 0"):
        Filtering(process=0.01, process_last=0.0)


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_linear_problem_ends_where_ridge_regression_does(outputs: int) -> None:
    rng = np.random.default_rng(outputs)
    designs, wanted = rng.normal(size=(40, outputs, 6)), rng.normal(size=(40, outputs))
    start, variance, noise = rng.normal(size=6), 2.5, 0.3
    ours, covariances = start, (variance * np.eye(6),)
    for design, target in zip(designs, wanted, strict=True):
        ours, covariances = kalman.measured(
            ours, covariances, design, target - design @ ours, noise
        )
    flat, targets = designs.reshape(-1, 6), wanted.reshape(-1)
    precision = flat.T @ flat / noise + np.eye(6) / variance
    ridge = start + np.linalg.solve(precision, flat.T @ (targets - flat @ start) / noise)
    close(ours, ridge, 1e-9)
    close(covariances[0], np.linalg.inv(precision), 1e-9)


def test_one_group_is_the_extended_kalman_filter() -> None:
    # Written with precisions, which add up; the derivatives are those of complex steps.
    topology = Topology((Voice("a", 2, (1, 2), outputs=2),))
    network = random_network(topology, np.random.default_rng(1))
    rng = np.random.default_rng(2)
    inputs, targets = rng.random((2, 6, 2)).round()
    filtering = replace(FILTERING, grouping="all")
    mind = kalman.beginning(network, filtering)
    weights, covariance = row(network), 3.0 * np.eye(network.weights)
    state, partials = cleared(topology), no_partials(topology)
    for now in range(6):
        mind, _ = kalman.learn(mind, inputs[now], targets[now], filtering)

        step = forward(network, state, inputs[now])
        partials, state = advance(network, partials, state, step), step.state
        measurement, process = filtering.noise(now)
        h = kalman.jacobian(network, partials, step)
        covariance = np.linalg.inv(np.linalg.inv(covariance) + h.T @ h / measurement)
        weights = weights + covariance @ h.T @ (targets[now] - step.prediction) / measurement
        covariance = covariance + process * np.eye(len(weights))
        network = kalman.with_weights(topology, weights)

        close(row(mind.network), weights, 1e-9)
        close(mind.covariances[0], covariance, 1e-9)
    assert mind.steps == 6


@pytest.mark.parametrize("seed", SEEDS)
def test_decoupled_is_the_large_filter_without_what_lies_between_groups(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, size=rng.integers(1, 5))
    count, outputs = sizes.sum(), int(rng.integers(1, 4))
    parts = [rng.normal(size=(size, size)) for size in sizes]
    parts = [part @ part.T + 0.1 * np.eye(len(part)) for part in parts]
    weights, h = rng.normal(size=count), rng.normal(size=(outputs, count))
    error = rng.normal(size=outputs)
    ours, known = kalman.measured(weights, tuple(parts), h, error, 0.7, 0.01)

    whole, start = np.zeros((count, count)), 0
    for part in parts:
        stop = start + len(part)
        whole[start:stop, start:stop], start = part, stop
    gain = whole @ h.T @ np.linalg.inv(h @ whole @ h.T + 0.7 * np.eye(outputs))
    after = whole - gain @ h @ whole + 0.01 * np.eye(count)
    close(ours, weights + gain @ error, 1e-9)
    start = 0
    for part in known:
        stop = start + len(part)
        close(part, after[start:stop, start:stop], 1e-9)
        start = stop


@pytest.mark.parametrize(
    ("covariance", "why"),
    [
        ([[1.0, 0.5], [0.4, 1.0]], "not symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], "not positive"),
        ([[1.0, 0.0], [0.0, 0.0]], "not positive"),
        ([[1.0, np.nan], [np.nan, 1.0]], "not finite"),
    ],
)
def test_what_is_no_covariance_is_named(covariance: list, why: str) -> None:
    with pytest.raises(Lost, match=f"the covariance of group 1 is {why}") as lost:
        kalman.measured(
            np.zeros(3), (np.eye(1), np.array(covariance)), np.ones((1, 3)), np.ones(1), 1.0
        )
    assert lost.value.group == 1


def test_a_step_that_can_not_be_learned_from_leaves_the_last_good_network() -> None:
    network, inputs, targets = case(1, 1)
    mind = kalman.beginning(network, FILTERING)
    spoiled = (*mind.covariances[:-1], -mind.covariances[-1])
    with pytest.raises(Lost, match=f"group {len(spoiled) - 1} is not positive"):
        kalman.learn(mind._replace(covariances=spoiled), inputs[0], targets[0], FILTERING)
    assert (row(mind.network) == row(network)).all()


def test_what_does_not_belong_together_is_refused() -> None:
    good = {
        "row": np.zeros(3),
        "covariances": (np.eye(1), np.eye(2)),
        "derivatives": np.ones((2, 3)),
        "error": np.ones(2),
        "measurement": 1.0,
    }
    kalman.measured(**good)
    for wrong, said in (
        ({"row": np.zeros(4), "derivatives": np.ones((2, 4))}, "the 3 weights of the groups"),
        ({"derivatives": np.ones((2, 2))}, r"derivatives"),
        ({"covariances": (np.eye(1), np.ones((2, 3)))}, "as many rows as columns"),
    ):
        with pytest.raises(ValueError, match=said):
            kalman.measured(**good | wrong)


# ---- Compiled ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_compiled_steps_are_those_of_numpy(seed: int) -> None:
    network, inputs, targets = case(seed, steps=5)
    judged = np.array([1, 1, 0, 1, 1])
    mind, learner = kalman.beginning(network, FILTERING), Learner(network, FILTERING, 2.0)
    learner.begin(0)
    of = packed(inputs, targets, judged)
    for now in range(5):
        learner.train(of, np.zeros((1, 0), int), NEVER, 1)
        if judged[now]:
            mind, _ = kalman.learn(mind._replace(steps=now), inputs[now], targets[now], FILTERING)
        else:
            step = forward(mind.network, mind.state, inputs[now])
            partials = advance(mind.network, mind.partials, mind.state, step)
            mind = mind._replace(state=step.state, partials=partials)
        close(row(learner.network()), row(mind.network), 1e-12)
        close(np.array(learner.state()), np.array(mind.state), 1e-12)
        for ours, wanted in zip(learner.covariances(), mind.covariances, strict=True):
            close(ours, wanted, 1e-12)
            assert (ours == ours.T).all(), "symmetric to the bit"
    assert learner.steps == 5 and learner.through


def by_rmsprop(
    network: Network, inputs: np.ndarray, targets: np.ndarray, how: RMSProp
) -> tuple[Network, np.ndarray]:
    """A network that has learned a song online, in NumPy, and its means of squares."""
    topology, square = network.topology, np.zeros(network.weights)
    state, partials = cleared(topology), no_partials(topology)
    for heard, target in zip(inputs, targets, strict=True):
        step = forward(network, state, heard)
        partials, state = advance(network, partials, state, step), step.state
        gradient = row(network, step_gradient(network, partials, step, target))
        new, square = kalman.rmsprop(row(network), square, gradient, how)
        network = kalman.with_weights(topology, new)
    return network, square


@pytest.mark.parametrize("seed", [0, 1])
def test_compiled_rmsprop_is_that_of_numpy(seed: int) -> None:
    network, inputs, targets = case(seed, steps=5)
    how = RMSProp(0.01, 0.8)
    learner = Learner(network, how, 2.0)
    learner.begin(0)
    learner.train(packed(inputs, targets), np.zeros((1, 0), int), NEVER, 5)
    network, _ = by_rmsprop(network, inputs, targets, how)
    close(row(learner.network()), row(network), 1e-12)
    assert learner.covariances() == ()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rule_rmsprop_of_a_recipe_is_that_of_numpy(seed: int) -> None:
    network, inputs, targets = case(seed, steps=6)
    topology, how = network.topology, RMSProp(0.01, RMSPROP[0])
    arena = Arena(topology, rules=("rmsprop",) * len(topology.voices))
    arena.set_weights(network)
    for voice in range(len(topology.voices)):
        arena.set_learning(voice, learning_rate=0.01, momentum=0.9)
    arena.train(packed(inputs, targets), np.zeros((1, 0), int), NEVER, 6)
    network, square = by_rmsprop(network, inputs, targets, how)
    close(row(arena.network()), row(network), 1e-12)
    close(row(network, Gradient(*arena.square())), square, 1e-12)


def test_rmsprop_goes_the_way_that_pytorch_goes() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(16)
    weights, square = rng.normal(size=(3, 4)), np.zeros((3, 4))
    theirs = torch.tensor(weights.copy(), requires_grad=True)
    keep, least = RMSPROP
    optimiser = torch.optim.RMSprop([theirs], lr=0.05, alpha=keep, eps=least)
    for size in (1e-9, 1.0, 1e3, 0.0, 1e-3):
        gradient = size * rng.normal(size=(3, 4))
        rmsprop_update(weights, square, gradient, 0.05)
        theirs.grad = torch.tensor(gradient)
        optimiser.step()
        close(weights, theirs.detach().numpy(), 1e-12)


def test_rmsprop_goes_by_the_rate_once_a_gradient_is_as_it_mostly_is() -> None:
    weights, square = np.zeros(3), np.zeros(3)
    gradient = np.array([1e-3, -5.0, 1e4])
    rmsprop_update(weights, square, gradient, 0.25)
    first = 0.25 / np.sqrt(1 - RMSPROP[0])
    np.testing.assert_allclose(weights, -first * np.sign(gradient), rtol=2e-4)
    for _ in range(3_000):
        before = weights.copy()
        rmsprop_update(weights, square, gradient, 0.25)
    np.testing.assert_allclose(weights - before, -0.25 * np.sign(gradient), rtol=2e-5)


@pytest.mark.parametrize("fresh", [None, np.array([2])])
@pytest.mark.parametrize("forgiven", [1, 3])
@pytest.mark.parametrize("ahead", [False, True])
def test_what_is_heard_is_what_an_arena_hears(
    ahead: bool, forgiven: int, fresh: np.ndarray | None
) -> None:
    # Neither learns; then states, gross errors and resets must be the same at every step.
    network, *_ = case(5, 1)
    topology = Topology((replace(network.topology.voices[0], reads=(), outputs=3, inputs=3),))
    rng = np.random.default_rng(4)
    network = random_network(topology, rng)
    songs = [rng.random((length, 3)).round() for length in (2, 5, 3)]
    heard = from_rolls(songs)
    if not ahead:
        heard = from_episodes(topology, [Episode(song, 1 - song) for song in songs])
    arena = Arena(topology)
    arena.set_weights(network)
    arena.set_learning(0, learning_rate=1e-300, momentum=0.0, wrong=0.5)
    learner = Learner(network, RMSProp(1e-300), 0.5)
    order = rng.integers(3, size=(1, 60))
    for one in (arena, learner):
        one.begin(1)
    used, resets, orders = 0, 0, order
    for _ in range(40):
        ours = learner.train(heard, orders, np.array([forgiven]), 1, fresh)
        wanted = arena.train(heard, orders, np.array([forgiven]), 1, fresh)
        assert ours.gross_errors == wanted.gross_errors and ours.resets == wanted.resets
        np.testing.assert_allclose(ours.cross_entropy, wanted.cross_entropy, rtol=1e-12)
        close(np.array(learner.state()), np.array(arena.state()), 1e-12)
        assert learner.used == arena.used
        used, resets = used + arena.used, resets + int(wanted.resets[0])
        orders = order[:, used:]
    assert resets > 1 and used > 5


def test_a_learner_refuses_what_it_could_not_find() -> None:
    network, inputs, targets = case(2, 3)
    learner = Learner(network, FILTERING)
    for heard, order, said in (
        (packed(inputs[:, :0], targets), [[]], "packed, inputs"),
        (packed(inputs, targets[:, :0]), [[]], "packed, targets"),
        (packed(inputs, targets), [[1]], "from 0 to 0, got 1 to 1"),
        (packed(inputs, targets)._replace(ahead=1), [[0]], "more than 1 choruses"),
    ):
        with pytest.raises(ValueError, match=said):
            learner.train(heard, np.array(order, dtype=int), NEVER, 1)
    with pytest.raises(ValueError, match="got grouping='all'"):
        Learner(network, replace(FILTERING, grouping="all"))


# ---- Training ------------------------------------------------------------------------------------

SONG = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]], dtype=float)
RECIPE = Recipe(
    Topology((Voice("song", 3, (1, 1)),)),
    (
        Learning(
            initial_range=0.2,
            input_gate_bias=0.0,
            forget_gate_bias=1.0,
            output_gate_bias=0.0,
            output_bias=0.0,
        ),
    ),
    give_up_after=6_000,
    test_every=200,
    choruses=50,
)
LIVELY = Filtering(10.0, 1.0, 0.1, 1e-5, 1e-6, 2_000)


def follows(network: Network) -> int:
    """Choruses in a row that it predicts without an error, the first five of sixty apart."""
    heard = np.tile(SONG, (60, 1))
    wrong = ((predict(network, heard) > 0.5) != (np.roll(heard, -1, axis=0) > 0.5)).any(axis=1)
    return 0 if wrong[25:].any() else 55


def test_it_learns_a_small_song() -> None:
    results = [
        train(replace(RECIPE, seed=seed), LIVELY, SONG, follows, progress=False)
        for seed in range(4)
    ]
    for result in results:
        assert result.learned and result.learned_at == result.steps <= 4_000
        assert (np.diff(result.curve.steps) == RECIPE.test_every).all()
        assert follows(result.network) == 55
    again = train(RECIPE, LIVELY, SONG, follows, progress=False)
    assert (again.network.hidden == results[0].network.hidden).all()
    short = train(replace(RECIPE, give_up_after=250), LIVELY, SONG, lambda _: 0, progress=False)
    assert not short.learned and list(short.curve.steps) == [200, 250]


def test_a_filter_that_diverges_says_where_and_keeps_the_last_good_network() -> None:
    good = []

    def spoil(steps: int, learner: Learner) -> None:
        good.append(learner.network())
        if steps == 400:
            learner._covariance(3)[0, 0] = -1e9

    with pytest.raises(Diverged, match=r"after step 400 the covariance .*is not") as it:
        train(RECIPE, LIVELY, SONG, lambda network: 0, watch=spoil, progress=False)
    assert it.value.step == 400 and len(good) == 2
    assert (it.value.network.hidden == good[-1].hidden).all()
    assert (it.value.network.output == good[-1].output).all()


def test_a_covariance_that_only_looks_like_one_is_found_at_the_test() -> None:
    def spoil(steps: int, learner: Learner) -> None:
        covariance = learner._covariance(5)  # its variances are those of a covariance
        covariance[0, 1] = covariance[1, 0] = 10 * np.sqrt(covariance[0, 0] * covariance[1, 1])

    quiet = replace(LIVELY, measurement=1e12, measurement_last=1e12)
    named_so = "after step 400 the covariance of the weights of output gate of block 1 is not pos"
    with pytest.raises(Diverged, match=named_so):
        train(RECIPE, quiet, SONG, lambda network: 0, watch=spoil, progress=False)


def test_a_covariance_that_is_spoiled_is_named_and_changes_no_weight() -> None:
    network, inputs, targets = case(0, 2)
    learner = Learner(network, FILTERING)
    learner.begin(0)
    learner._covariance(1)[0, 0] = -5.0
    with pytest.raises(Lost, match=r"group 1 is not positive|of the outputs is not positive"):
        learner.train(packed(inputs, targets), np.zeros((1, 0), int), NEVER, 2)
    assert (row(learner.network()) == row(network)).all() and learner.steps == 0


def test_units_have_names() -> None:
    topology = Topology((Voice("a", 2, (1, 2), outputs=2),))
    assert [named(topology, group) for group in range(11)] == [
        "input gate of block 0",
        "input gate of block 1",
        "forget gate of block 0",
        "forget gate of block 1",
        "output gate of block 0",
        "output gate of block 1",
        "cell 0",
        "cell 1",
        "cell 2",
        "output 0",
        "output 1",
    ]


def test_some_choruses_begin_from_a_cleared_state_though_nothing_went_wrong() -> None:
    recipe = replace(RECIPE, forgiven=0, give_up_after=600, restart=2)
    ours = train(recipe, LIVELY, SONG, lambda network: 0, progress=False).network
    # The same with a state that a second learner's hands clear, after two choruses each.
    (rng,) = np.random.default_rng(recipe.seed).spawn(2)[1:]
    learner = Learner(initial_network(recipe, [rng]), LIVELY)
    heard, once = from_rolls(SONG[None]), np.zeros((1, 2 * len(SONG) + 1), dtype=int)
    for _ in range(600 // (2 * len(SONG))):
        for part in (learner._state, learner._output, learner._partials):
            part[:] = 0.0
        learner.begin(0)
        learner.train(heard, once, NEVER, 2 * len(SONG))
    assert (row(ours) == row(learner.network())).all()
    on = train(replace(recipe, restart=0), LIVELY, SONG, lambda network: 0, progress=False)
    assert not (row(on.network) == row(ours)).all()


def test_only_one_voice_that_stops_is_trained() -> None:
    with pytest.raises(ValueError, match="expected one voice"):
        train(RECOMMENDED_2, LIVELY, SONG, lambda network: 0)
    goes_on = replace(RECIPE, voices=(replace(RECIPE.voices[0], until="plateau"),), window=200)
    with pytest.raises(ValueError, match="expected one voice"):
        train(goes_on, LIVELY, SONG, lambda network: 0)


def test_an_iterator_of_episodes_ends_training_and_an_empty_one_is_refused() -> None:
    recipe = replace(tasks.COUNTING, forgiven=0, give_up_after=10_000, test_every=50)
    episodes = [tasks.counted(n) for n in (1, 2, 3)]
    result = train(recipe, LIVELY, iter(episodes), lambda network: 0, progress=False)
    assert result.steps == sum(len(it.inputs) for it in episodes) and not result.learned
    with pytest.raises(ValueError, match="at least one episode"):
        train(recipe, LIVELY, iter([]), lambda network: 0, progress=False)
