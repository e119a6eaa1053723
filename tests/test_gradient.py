"""The learning rule against derivatives that know nothing of it.

The oracle is a forward pass written out here once more, for complex weights. Its derivative is
taken by a complex step: error(w + ih) = error(w) + ih error'(w) + O(h²), so the imaginary part over
h is the derivative to machine precision; nothing is subtracted, and h can be as small as one likes.

Given the recurrent inputs that the package's own forward pass met, the oracle takes them as
constants: that is what truncation means. Without them it computes its own. What gates read through
peepholes counts as recurrent inputs.
"""

from __future__ import annotations

import numpy as np
import pytest

from lstm_from_scratch.machine.bptt import backward, full_gradient
from lstm_from_scratch.machine.gradient import (
    Gradient,
    advance,
    cross_entropy,
    no_partials,
    step_gradient,
)
from lstm_from_scratch.machine.network import Network, Step, Topology, Voice, cleared, forward

SEEDS = range(24)


def random_topology(rng: np.random.Generator) -> Topology:
    """One to three voices with 1 to 5 blocks of 1 to 4 cells in all, who read whom they like."""
    count = int(rng.integers(1, 4))
    blocks: list[list[int]] = [[] for _ in range(count)]
    for block in range(max(count, int(rng.integers(1, 6)))):
        blocks[block % count].append(int(rng.integers(1, 5)))
    names = [f"voice {n}" for n in range(count)]
    low = rng.uniform(-3, 0.5, size=(count, 2))
    high = low + rng.uniform(0.5, 4, size=(count, 2))
    softmax, peepholes = rng.random((2, count)) < 0.3
    apart = rng.random(count) < 0.4  # outputs that are not as many as the inputs
    return Topology(
        tuple(
            Voice(
                name,
                inputs=int(rng.integers(1 + softmax[n], 5)),  # one unit of one is always on
                blocks=tuple(blocks[n]),
                reads=tuple(other for other in names if other != name and rng.random() < 0.5),
                g=(low[n, 0], high[n, 0]),
                h=(low[n, 1], high[n, 1]),
                **({"choice": "sample", "activation": "softmax"} if softmax[n] else {}),
                outputs=int(rng.integers(1 + softmax[n], 6)) if apart[n] else 0,
                peepholes=bool(peepholes[n]),
            )
            for n, name in enumerate(names)
        )
    )


def random_network(topology: Topology, rng: np.random.Generator, reach: float = 0.8) -> Network:
    """Every weight and every bias different from 0, where there is a connection."""
    hidden, output = (
        np.where(mask, rng.uniform(0.1, reach, mask.shape) * rng.choice((-1, 1), mask.shape), 0)
        for mask in (topology.hidden_mask, topology.output_mask)
    )
    return Network(topology, hidden, output)


def random_song(
    topology: Topology, steps: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets: notes on and off, or any numbers if ``steps`` is odd.

    The targets of a voice with softmax outputs are one note on, or any distribution.
    """
    inputs, targets = rng.random((steps, topology.inputs)), rng.random((steps, topology.outputs))
    if steps % 2 == 0:
        inputs, targets = np.round(inputs), np.round(targets)
    for voice in topology.voices:
        if voice.activation == "softmax":
            own = topology.outputs_of(voice.name)
            weights = rng.random((steps, voice.outputs))
            one = np.eye(voice.outputs)[weights.argmax(axis=1)]
            whole = weights.sum(axis=1, keepdims=True)
            targets[:, own] = weights / whole if steps % 2 else one
    return inputs, targets


def case(seed: int, steps: int | None = None) -> tuple[Network, np.ndarray, np.ndarray]:
    """A network and a song to go with it, of up to 200 steps."""
    rng = np.random.default_rng(seed)
    topology = random_topology(rng)
    steps = int(rng.integers(1, 201)) if steps is None else steps
    return random_network(topology, rng), *random_song(topology, steps, rng)


def error_of(topology: Topology, prediction: np.ndarray, target: np.ndarray) -> float:
    """The cross-entropy of a step, of each voice by the kind of its outputs."""
    own = [topology.outputs_of(voice.name) for voice in topology.voices]
    return sum(
        cross_entropy(prediction[place], target[place], voice.activation)
        for place, voice in zip(own, topology.voices, strict=True)
    )


def listen(network: Network, inputs: np.ndarray) -> list[Step]:
    """The steps of a song from a cleared state."""
    state, steps = cleared(network.topology), []
    for heard in inputs:
        steps.append(forward(network, state, heard))
        state = steps[-1].state
    return steps


def truncated_gradient(network: Network, inputs: np.ndarray, targets: np.ndarray) -> Gradient:
    """The sum of what the learning rule says at every step, weights fixed."""
    partials, state = no_partials(network.topology), cleared(network.topology)
    hidden, output = np.zeros_like(network.hidden), np.zeros_like(network.output)
    for heard, target in zip(inputs, targets, strict=True):
        step = forward(network, state, heard)
        partials = advance(network, partials, state, step)
        gradient = step_gradient(network, partials, step, target)
        hidden, output, state = hidden + gradient.hidden, output + gradient.output, step.state
    return Gradient(hidden, output)


def oracle_error(
    topology: Topology,
    hidden: np.ndarray,
    output: np.ndarray,
    inputs: np.ndarray,
    targets: np.ndarray,
    frozen: np.ndarray | None,
) -> np.ndarray:
    """The summed cross-entropy of a song, written block by block and cell by cell.

    ``hidden`` and ``output`` carry any number of weight matrices at once, in their last axis.
    ``frozen`` is what `met_by` says, or None.
    """

    def sigma(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    blocks = [(voice, cells) for voice in topology.voices for cells in voice.blocks]
    many = hidden.shape[-1]
    s = [np.zeros(many, complex) for _ in range(topology.cells)]
    y = [np.zeros(many, complex) for _ in range(topology.cells)]
    error = np.zeros(many, complex)
    for t, (x, d) in enumerate(zip(inputs, targets, strict=True)):
        x = [np.full(many, value, complex) for value in x]
        seen = s if topology.peepholes else []
        if frozen is not None:
            y, early, late = ([np.full(many, value, complex) for value in of] for of in frozen[t])
            seen = early if topology.peepholes else []
        read = np.array([*x, *y, *seen, np.ones(many)])
        net = np.einsum("rmw,mw->rw", hidden, read)
        before, s, cell = s, [], 0
        for b, (voice, cells) in enumerate(blocks):
            i, f = (sigma(net[kind * len(blocks) + b]) for kind in range(2))
            for _ in range(cells):
                z = net[3 * len(blocks) + cell]
                offered = voice.g[0] + (voice.g[1] - voice.g[0]) * sigma(z)
                s.append(f * before[cell] + i * offered)
                cell += 1
        seen = [] if not topology.peepholes else s if frozen is None else late
        read = np.array([*x, *y, *seen, np.ones(many)])
        net = np.einsum("rmw,mw->rw", hidden, read)
        y = []
        for b, (voice, cells) in enumerate(blocks):
            o = sigma(net[2 * len(blocks) + b])
            for state in s[len(y) : len(y) + cells]:
                y.append(o * (voice.h[0] + (voice.h[1] - voice.h[0]) * sigma(state)))
        unread = np.zeros((len(seen), many))
        read = np.array([*x, *y, *unread, np.ones(many)])
        nets = iter([np.einsum("mw,mw->w", weights, read) for weights in output])
        wanted = iter(d)
        for voice in topology.voices:
            own = [(next(nets), next(wanted)) for _ in range(voice.outputs)]
            whole = sum(np.exp(z) for z, _ in own)
            for z, target in own:
                if voice.activation == "softmax":
                    error -= target * (z - np.log(whole))
                else:
                    error -= target * np.log(sigma(z)) + (1 - target) * np.log(sigma(-z))
    return error


def oracle_gradient(
    network: Network, inputs: np.ndarray, targets: np.ndarray, frozen: np.ndarray | None = None
) -> Gradient:
    """The derivative for every weight that a topology connects, each by a complex step."""
    t, h = network.topology, 1e-30
    places = [np.argwhere(mask) for mask in (t.hidden_mask, t.output_mask)]
    many = sum(map(len, places))
    hidden = np.repeat(network.hidden[..., None], many, axis=-1).astype(complex)
    output = np.repeat(network.output[..., None], many, axis=-1).astype(complex)
    for n, (row, column) in enumerate(places[0]):
        hidden[row, column, n] += 1j * h
    for n, (row, column) in enumerate(places[1], start=len(places[0])):
        output[row, column, n] += 1j * h
    slopes = oracle_error(t, hidden, output, inputs, targets, frozen).imag / h
    gradient = Gradient(np.zeros_like(network.hidden), np.zeros_like(network.output))
    gradient.hidden[t.hidden_mask] = slopes[: len(places[0])]
    gradient.output[t.output_mask] = slopes[len(places[0]) :]
    return gradient


def met_by(network: Network, inputs: np.ndarray) -> np.ndarray:
    """What gates and cells read at each step that is not input, shape ``(steps, 3, cells)``.

    The cell outputs of the step before; through peepholes its cell states and those of the step.
    """
    steps = listen(network, inputs)
    before = [cleared(network.topology), *(step.state for step in steps)]
    return np.array(
        [
            (state.cell_output, state.cell_state, step.cell_state)
            for state, step in zip(before, steps, strict=False)
        ]
    )


def assert_same(ours: Gradient, expected: Gradient, rtol: float) -> None:
    """Equal, to a share of each element and of the largest one."""
    for found, wanted in zip(ours, expected, strict=True):
        assert found.shape == wanted.shape
        assert np.abs(wanted).max() > 1e-6, "a comparison with nothing proves nothing"
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=rtol * 1e-2 * abs(wanted).max())


def test_the_cases_are_of_every_kind() -> None:
    cases = [case(seed) for seed in SEEDS]
    topologies = [network.topology for network, *_ in cases]
    assert {t.blocks for t in topologies} == {1, 2, 3, 4, 5}
    assert {n for t in topologies for v in t.voices for n in v.blocks} == {1, 2, 3, 4}
    assert len({t.hidden_mask.all() for t in topologies}) == 2, "full ones and masked ones"
    softmax = [v for t in topologies for v in t.voices if v.activation == "softmax"]
    assert 4 < len(softmax) < sum(len(t.voices) for t in topologies) / 2
    lengths = [len(inputs) for _, inputs, _ in cases]
    assert min(lengths) < 40 and max(lengths) > 160
    for network, *_ in cases:
        assert network.hidden[:, -1].all() and network.output[:, -1].all(), "no bias is zero"


def test_the_oracle_hears_what_the_network_predicts() -> None:
    # Equal errors: what is differentiated below is the package's own forward pass.
    for seed in SEEDS:
        network, inputs, targets = case(seed, steps=20)
        steps = listen(network, inputs)
        error = sum(
            error_of(network.topology, step.prediction, target)
            for step, target in zip(steps, targets, strict=True)
        )
        weights = network.hidden[..., None], network.output[..., None]
        for frozen in (None, met_by(network, inputs)):
            expected = oracle_error(network.topology, *weights, inputs, targets, frozen)
            assert error == pytest.approx(expected[0].real, rel=1e-13)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_truncated_gradient_is_the_derivative_with_frozen_recurrent_inputs(seed: int) -> None:
    network, inputs, targets = case(seed)
    frozen = met_by(network, inputs)
    expected = oracle_gradient(network, inputs, targets, frozen)
    assert_same(truncated_gradient(network, inputs, targets), expected, rtol=1e-10)


@pytest.mark.parametrize("seed", [100, 101])
def test_the_truncated_gradient_stays_exact_over_200_steps(seed: int) -> None:
    network, inputs, targets = case(seed, steps=200)
    frozen = met_by(network, inputs)
    expected = oracle_gradient(network, inputs, targets, frozen)
    assert_same(truncated_gradient(network, inputs, targets), expected, rtol=1e-10)


def test_experiment_ones_own_network_over_a_chorus_length() -> None:
    rng = np.random.default_rng(7)
    network = random_network(Topology((Voice("chords", 12, (2, 2, 2, 2)),)), rng, reach=0.5)
    inputs, targets = random_song(network.topology, 96, rng)
    frozen = met_by(network, inputs)
    expected = oracle_gradient(network, inputs, targets, frozen)
    assert_same(truncated_gradient(network, inputs, targets), expected, rtol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_full_gradient_is_the_derivative_of_the_whole_forward_pass(seed: int) -> None:
    network, inputs, targets = case(seed)
    expected = oracle_gradient(network, inputs, targets)
    assert_same(full_gradient(network, inputs, targets), expected, rtol=1e-10)


@pytest.mark.parametrize("seed", [3, 4])
def test_the_full_gradient_agrees_with_finite_differences(seed: int) -> None:
    network, inputs, targets = case(seed, steps=8)
    gradient = full_gradient(network, inputs, targets)
    h = 1e-5

    def error(changed: Network) -> float:
        heard = listen(changed, inputs)
        return sum(
            error_of(network.topology, s.prediction, d) for s, d in zip(heard, targets, strict=True)
        )

    for name, found in gradient._asdict().items():
        slopes = np.zeros_like(found)
        for place in np.argwhere(getattr(network.topology, f"{name}_mask")):
            errors = []
            for sign in (1, -1):
                weights = {"hidden": network.hidden.copy(), "output": network.output.copy()}
                weights[name][tuple(place)] += sign * h
                errors.append(error(Network(network.topology, **weights)))
            slopes[tuple(place)] = (errors[0] - errors[1]) / (2 * h)
        np.testing.assert_allclose(found, slopes, atol=1e-8 * abs(slopes).max())


@pytest.mark.parametrize("seed", SEEDS)
def test_looking_back_with_the_paths_cut_gives_what_was_carried_forward(seed: int) -> None:
    network, inputs, targets = case(seed)
    back = backward(network, inputs, targets, truncated=True)
    assert_same(truncated_gradient(network, inputs, targets), back, rtol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_full_gradient_is_the_slope_in_any_direction(seed: int) -> None:
    """Over 200 steps there are too many weights to move one by one; all move at once."""
    network, inputs, targets = case(seed, steps=200)
    t, rng, h = network.topology, np.random.default_rng(seed), 1e-5
    gradient = full_gradient(network, inputs, targets)

    def error(hidden: np.ndarray, output: np.ndarray) -> float:
        heard = listen(Network(t, hidden, output), inputs)
        return sum(
            error_of(network.topology, s.prediction, d) for s, d in zip(heard, targets, strict=True)
        )

    for _ in range(3):
        way = Gradient(
            *(np.where(m, rng.normal(size=m.shape), 0.0) for m in (t.hidden_mask, t.output_mask))
        )
        ahead = error(network.hidden + h * way.hidden, network.output + h * way.output)
        behind = error(network.hidden - h * way.hidden, network.output - h * way.output)
        slope = sum((g * w).sum() for g, w in zip(gradient, way, strict=True))
        size = sum((np.abs(g * w)).sum() for g, w in zip(gradient, way, strict=True))
        assert (ahead - behind) / (2 * h) == pytest.approx(slope, rel=1e-6, abs=1e-6 * size)


def test_truncation_drops_something() -> None:
    network, inputs, targets = case(5, steps=20)
    full = full_gradient(network, inputs, targets)
    truncated = truncated_gradient(network, inputs, targets)
    gap = np.abs(full.hidden - truncated.hidden).max() / np.abs(full.hidden).max()
    assert 0.01 < gap < 1
    np.testing.assert_allclose(full.output, truncated.output, rtol=1e-12)


def test_truncation_drops_something_through_peepholes_alone() -> None:
    """Even where no cell output is read, error could go from a gate back into what it saw."""
    found = 0
    for seed in SEEDS:
        network, inputs, targets = case(seed, steps=20)
        hidden = network.hidden.copy()
        hidden[:, network.topology.cell_sources] = 0
        network = Network(network.topology, hidden, network.output)
        full = full_gradient(network, inputs, targets)
        truncated = truncated_gradient(network, inputs, targets)
        gap = np.abs(full.hidden - truncated.hidden).max() / np.abs(full.hidden).max()
        assert gap > 1e-3 if network.topology.peepholes else gap < 1e-10
        found += network.topology.peepholes
    assert 5 < found < len(SEEDS) - 5


def test_truncation_drops_nothing_where_no_cell_output_or_state_is_read() -> None:
    for seed in SEEDS:
        network, inputs, targets = case(seed, steps=20)
        hidden = network.hidden.copy()
        hidden[:, network.topology.cell_sources] = 0
        hidden[:, network.topology.state_sources] = 0
        network = Network(network.topology, hidden, network.output)
        full = full_gradient(network, inputs, targets)
        assert_same(truncated_gradient(network, inputs, targets), full, rtol=1e-10)


def test_the_gradient_of_one_step_is_exact_when_only_that_step_is_asked() -> None:
    # Not a sum over steps: the error of the last step alone, after a past of eleven.
    network, inputs, targets = case(8, steps=12)
    frozen = met_by(network, inputs)
    partials, state = no_partials(network.topology), cleared(network.topology)
    for heard in inputs:
        step = forward(network, state, heard)
        partials, state = advance(network, partials, state, step), step.state
    upto = [oracle_gradient(network, inputs[:n], targets[:n], frozen[:n]) for n in (11, 12)]
    expected = Gradient(*(late - early for early, late in zip(*upto, strict=True)))
    assert_same(step_gradient(network, partials, step, targets[-1]), expected, rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_small_step_against_the_gradient_lowers_the_error(seed: int) -> None:
    network, inputs, targets = case(seed, steps=6)
    gradient = truncated_gradient(network, inputs, targets)
    rate = 1e-4

    def error(sign: int) -> float:
        hidden = network.hidden + sign * rate * gradient.hidden
        output = network.output + sign * rate * gradient.output
        heard = listen(Network(network.topology, hidden, output), inputs)
        return sum(
            error_of(network.topology, s.prediction, d) for s, d in zip(heard, targets, strict=True)
        )

    assert error(-1) < error(0) < error(+1)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_weight_learns_where_there_is_no_connection(seed: int) -> None:
    network, inputs, targets = case(seed, steps=11)
    t = network.topology
    for gradient in (
        truncated_gradient(network, inputs, targets),
        full_gradient(network, inputs, targets),
    ):
        assert not gradient.hidden[~t.hidden_mask].any()
        assert not gradient.output[~t.output_mask].any()
        assert gradient.hidden[t.hidden_mask].all(), "and every other weight does learn"
        # A network that has learned is still a network.
        Network(t, network.hidden - gradient.hidden, network.output - gradient.output)


def test_a_voice_that_is_read_does_not_learn_from_its_reader() -> None:
    chords = Voice("chords", 4, (2, 1), g=(-1.0, 1.5))
    melody = Voice("melody", 3, (1, 2), reads=("chords",), h=(-0.5, 1.0))
    both = Topology((chords, melody))
    rng = np.random.default_rng(11)
    network = random_network(both, rng)
    inputs, targets = random_song(both, 30, rng)
    other = targets.copy()
    other[:, 4:] = 1 - other[:, 4:]
    one, two = (truncated_gradient(network, inputs, d) for d in (targets, other))
    rows, melody_rows = both.rows("chords"), both.rows("melody")
    np.testing.assert_array_equal(one.hidden[rows], two.hidden[rows])
    np.testing.assert_array_equal(one.output[:4], two.output[:4])
    assert (one.hidden[melody_rows] != two.hidden[melody_rows]).any()

    # It learns what it learns alone.
    columns = np.r_[0:4, 7 : 7 + chords.cells, both.sources - 1]
    alone = Network(
        Topology((chords,)), network.hidden[np.ix_(rows, columns)], network.output[:4, columns]
    )
    by_itself = truncated_gradient(alone, inputs[:, :4], targets[:, :4])
    together = Gradient(one.hidden[np.ix_(rows, columns)], one.output[:4, columns])
    assert_same(together, by_itself, rtol=1e-12)

    # By the full gradient the reader's error does reach it.
    full = [full_gradient(network, inputs, d).hidden[rows] for d in (targets, other)]
    assert (full[0] != full[1]).any()


def test_partials_begin_at_zero_and_go_as_the_forget_gate_lets_them() -> None:
    network, inputs, _ = case(2, steps=3)
    t = network.topology
    nothing = no_partials(t)
    assert [p.shape for p in nothing] == [(t.cells, t.sources)] * 3
    assert not any(p.any() for p in nothing)

    # What a partial held before a step survives it by the factor f, whatever else comes in.
    state = cleared(t)
    step = forward(network, state, inputs[0])
    first = advance(network, nothing, state, step)
    copies = [p.copy() for p in first]
    later = forward(network, step.state, inputs[1])
    with_past = advance(network, first, step.state, later)
    without = advance(network, nothing, step.state, later)
    kept = later.forget_gate[t.block_of_cell][:, None]
    for past, one, other in zip(first, with_past, without, strict=True):
        np.testing.assert_allclose(one - other, kept * past, atol=1e-14)
    for before, after in zip(copies, first, strict=True):
        np.testing.assert_array_equal(before, after)  # nothing is changed in place


def test_cross_entropy_is_the_papers_formula() -> None:
    y = np.array([0.9, 0.2, 0.5, 0.999])
    t = np.array([1.0, 0.0, 1.0, 0.0])
    formula = sum(
        -target * np.log(output) - (1 - target) * np.log(1 - output)
        for output, target in zip(y, t, strict=True)
    )
    assert cross_entropy(y, t) == pytest.approx(formula, rel=1e-15)
    assert cross_entropy(np.full(12, 0.5), np.zeros(12)) == pytest.approx(12 * np.log(2))
    assert cross_entropy(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0
    assert isinstance(cross_entropy(y, t), float)
    between = -0.25 * np.log(0.9) - 0.75 * np.log(0.1)
    assert cross_entropy(np.array([0.9]), np.array([0.25])) == pytest.approx(between, rel=1e-14)
    assert cross_entropy(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == np.inf
    # Where one unit of all is on, its own probability is the whole error.
    assert cross_entropy([0.7, 0.2, 0.1], [0, 1, 0], "softmax") == pytest.approx(-np.log(0.2))
    assert cross_entropy([0.5, 0.5], [0.25, 0.75], "softmax") == pytest.approx(np.log(2))
    assert cross_entropy([1.0, 0.0], [1, 0], "softmax") == 0
    assert cross_entropy([1.0, 0.0], [0, 1], "softmax") == np.inf
    with pytest.raises(ValueError, match=r"shapes differ: \(4,\) predicted, target \(1,\)"):
        cross_entropy(y, t[:1])
    with pytest.raises(ValueError, match=r"shapes differ: \(1,\) predicted, target \(4,\)"):
        cross_entropy(y[:1], t)


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), ()])
def test_a_target_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    topology = Topology((Voice("v", 3, (2,)),))
    network = random_network(topology, np.random.default_rng(0))
    step = forward(network, cleared(topology), np.zeros(3))
    wanted = r"shape \(3,\)" if shape else "numbers"
    with pytest.raises(ValueError, match=f"target: expected {wanted}, got"):
        step_gradient(network, no_partials(topology), step, np.zeros(shape))


def test_targets_that_are_no_distribution_are_refused_where_outputs_are_one() -> None:
    topology = Topology(
        (Voice("v", 2, (2,)), Voice("one", 3, (1,), choice="sample", activation="softmax"))
    )
    network = random_network(topology, np.random.default_rng(0))
    step = forward(network, cleared(topology), np.zeros(5))
    good = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    step_gradient(network, no_partials(topology), step, good)
    message = "voice 'one' has softmax outputs: its targets must sum to 1"
    for wrong in ([1.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.0], [0, 0, np.nan, 0, 0]):
        with pytest.raises(ValueError, match=message):
            step_gradient(network, no_partials(topology), step, np.array(wrong))
        with pytest.raises(ValueError, match=message):
            full_gradient(network, np.zeros((2, 5)), np.array([good, wrong]))


def test_a_song_of_another_shape_is_refused() -> None:
    topology = Topology((Voice("v", 3, (2,)),))
    network = random_network(topology, np.random.default_rng(0))
    song = np.zeros((5, 3))
    with pytest.raises(ValueError, match=r"inputs: expected shape \(steps, 3\), got \(5, 2\)"):
        full_gradient(network, song[:, :2], song)
    with pytest.raises(ValueError, match=r"targets: expected shape \(steps, 3\), got \(3,\)"):
        full_gradient(network, song, song[0])
    with pytest.raises(ValueError, match="inputs: expected shape"):
        full_gradient(network, song[:0], song[:0])
    with pytest.raises(ValueError, match="5 steps of inputs, but 4 of targets"):
        full_gradient(network, song, song[:4])
