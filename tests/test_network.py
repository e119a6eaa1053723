"""The forward pass against loops written from the equations, on topologies of every shape."""

import dataclasses
import math
import warnings

import numpy as np
import pytest

from lstm_from_scratch.machine.extensions import softmax
from lstm_from_scratch.machine.network import (
    Network,
    State,
    Step,
    Topology,
    Voice,
    cleared,
    forward,
    logistic,
    record,
    solo,
    squash,
)

EXPERIMENT_1 = Topology((Voice("chords", 12, (2, 2, 2, 2)),))
EXPERIMENT_2 = Topology(
    (Voice("chords", 12, (2, 2, 2, 2)), Voice("melody", 13, (2, 2, 2, 2), reads=("chords",)))
)
SEEDS = range(40)


# ---- Oracles ------------------------------------------------------------------------------------
# They take nothing from the topology but its voices: units are named here, not numbered.


def hidden_units(topology):
    """(voice, kind, block, cell) of each row: all input, forget, output gates, then all cells."""
    rows = []
    for kind in ("input_gate", "forget_gate", "output_gate"):
        for voice in topology.voices:
            rows += [(voice.name, kind, block, None) for block in range(len(voice.blocks))]
    for voice in topology.voices:
        for block, cells in enumerate(voice.blocks):
            rows += [(voice.name, "cell", block, cell) for cell in range(cells)]
    return rows


def sources(topology):
    """(voice, kind, number) of each column: all inputs, all cells, the constant.

    Where gates have peepholes, the states of all cells come before the constant, each with the
    number of its block.
    """
    columns = []
    for voice in topology.voices:
        columns += [(voice.name, "input", number) for number in range(voice.inputs)]
    for voice in topology.voices:
        columns += [(voice.name, "cell", number) for number in range(sum(voice.blocks))]
    if any(voice.peepholes for voice in topology.voices):
        for voice in topology.voices:
            columns += [
                (voice.name, "state", block)
                for block, cells in enumerate(voice.blocks)
                for _ in range(cells)
            ]
    return [*columns, (None, "one", 0)]


def reads(unit, source, topology, *, as_output):
    """Does this unit, a row of `hidden_units` or (voice,) of an output, read this source?"""
    reader, (whose, kind, number) = unit[0], source
    if kind == "one":
        return True
    if kind == "state":
        peepholes = next(voice.peepholes for voice in topology.voices if voice.name == reader)
        gate = not as_output and unit[1] != "cell"
        return peepholes and whose == reader and gate and unit[2] == number
    if whose == reader:
        return True
    named = next(voice.reads for voice in topology.voices if voice.name == reader)
    return kind == "cell" and whose in named and not as_output


def sigma(z):
    return 1 / (1 + math.exp(-z))


def ranged(z, low_high):
    low, high = low_high
    return low + (high - low) * sigma(z)


def step_by_loops(network, state, inputs):
    """One step, unit by unit: a dictionary of every activation, in the order of the units."""
    topology = network.topology
    rows, columns = hidden_units(topology), sources(topology)
    voices = {voice.name: voice for voice in topology.voices}
    every_cell = [row for row in rows if row[1] == "cell"]

    def net(weights, values):
        return sum(float(w) * float(value) for w, value in zip(weights, values, strict=True))

    def to_read(states, outputs):
        peepholes = any(voice.peepholes for voice in topology.voices)
        return [*inputs, *outputs, *(states if peepholes else []), 1.0]

    read = to_read(state.cell_state, state.cell_output)
    assert len(read) == len(columns)
    z = {row: net(network.hidden[i], read) for i, row in enumerate(rows)}

    def gates(kind):
        return {(row[0], row[2]): sigma(z[row]) for row in rows if row[1] == kind}

    input_gate, forget_gate = map(gates, ("input_gate", "forget_gate"))
    found = {
        "input_gate": list(input_gate.values()),
        "forget_gate": list(forget_gate.values()),
        "candidate": [],
        "cell_state": [],
        "squashed_state": [],
        "cell_output": [],
    }
    for before, row in zip(state.cell_state, every_cell, strict=True):
        voice, b = voices[row[0]], (row[0], row[2])
        candidate = ranged(z[row], voice.g)
        s = forget_gate[b] * before + input_gate[b] * candidate
        found["candidate"].append(candidate)
        found["cell_state"].append(s)
        found["squashed_state"].append(ranged(s, voice.h))
    # Output gates come last: through peepholes they see what the cells hold now.
    late = to_read(found["cell_state"], state.cell_output)
    z |= {row: net(network.hidden[i], late) for i, row in enumerate(rows)}
    output_gate = gates("output_gate")
    found["output_gate"] = list(output_gate.values())
    for squashed, row in zip(found["squashed_state"], every_cell, strict=True):
        found["cell_output"].append(output_gate[row[0], row[2]] * squashed)

    heard = to_read(found["cell_state"], found["cell_output"])
    z_out = [net(weights, heard) for weights in network.output]
    found["prediction"] = [sigma(z) for z in z_out]
    start = 0
    for voice in topology.voices:
        if voice.activation == "softmax":
            powers = [math.exp(z) for z in z_out[start : start + voice.outputs]]
            found["prediction"][start : start + voice.outputs] = [p / sum(powers) for p in powers]
        start += voice.outputs
    found["sources"], found["output_sources"] = read, heard
    return found


# ---- Random networks ----------------------------------------------------------------------------


def random_topology(rng):
    """1 to 3 voices of 1 to 5 blocks of 1 to 4 cells each, ranges that are not symmetric."""
    names = [str(name) for name in rng.permutation(["bass", "chords", "melody"])]
    names = names[: rng.integers(1, 4)]
    voices = []
    for name in names:
        g, h = ((float(rng.uniform(-3, -0.2)), float(rng.uniform(0.3, 2.5))) for _ in range(2))
        others = [other for other in names if other != name and rng.random() < 0.5]
        blocks = tuple(int(n) for n in rng.integers(1, 5, size=rng.integers(1, 6)))
        more = {"choice": "sample", "activation": "softmax"} if rng.random() < 0.3 else {}
        if rng.random() < 0.5:
            more["outputs"] = int(rng.integers(1, 6))
        more["peepholes"] = bool(rng.random() < 0.3)
        voices.append(Voice(name, int(rng.integers(1, 6)), blocks, tuple(others), g=g, h=h, **more))
    return Topology(tuple(voices))


def random_network(rng, topology):
    """Weights of every size, biases not zero, 0 only where a voice doesn't read."""
    columns = sources(topology)
    hidden = np.array(
        [
            [reads(row, c, topology, as_output=False) * rng.normal() for c in columns]
            for row in hidden_units(topology)
        ]
    )
    readers = [voice.name for voice in topology.voices for _ in range(voice.outputs)]
    output = np.array(
        [
            [reads((reader,), c, topology, as_output=True) * rng.normal() for c in columns]
            for reader in readers
        ]
    )
    return Network(topology, hidden, output)


def random_state(rng, topology):
    return State(3 * rng.normal(size=topology.cells), rng.normal(size=topology.cells))


# ---- One step -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_step_is_what_the_equations_say(seed):
    rng = np.random.default_rng(seed)
    topology = random_topology(rng)
    network = random_network(rng, topology)
    state = random_state(rng, topology)
    for _ in range(3):
        inputs = rng.normal(size=topology.inputs)
        step = forward(network, state, inputs)
        expected = step_by_loops(network, state, inputs)
        assert set(step._fields) == set(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(
                getattr(step, name), values, rtol=1e-12, atol=1e-13, err_msg=name
            )
        state = step.state


def test_a_step_worked_out_on_paper():
    # Logistic functions of whole logarithms are fractions: sigma(ln 3) = 3/4.
    topology = Topology((Voice("one", 1, (1,)),))
    ln3 = math.log(3)
    network = Network(
        topology,
        #  x     y     1
        [
            [ln3, 0.0, 0.0],  # input gate 3/4
            [0.0, 0.0, ln3],  # forget gate 3/4
            [0.0, ln3, 0.0],  # output gate: y was -1, so 1/4
            [-ln3, 0.0, 0.0],  # cell: -2 + 4/4 = -1
        ],
        [[0.0, 8 * ln3, 0.0]],
    )
    step = forward(network, State(np.array([1.0 + math.log(9) * 4 / 3]), np.array([-1.0])), [1.0])
    assert step.input_gate == pytest.approx(3 / 4)
    assert step.forget_gate == pytest.approx(3 / 4)
    assert step.output_gate == pytest.approx(1 / 4)
    assert step.candidate == pytest.approx(-1)
    assert step.cell_state == pytest.approx(math.log(9))  # 3/4 (1 + 4/3 ln 9) - 3/4
    assert step.squashed_state == pytest.approx(-1 + 2 * 9 / 10)
    assert step.cell_output == pytest.approx(1 / 5)
    assert step.prediction == pytest.approx(1 / (1 + 3**-1.6))


@pytest.mark.parametrize("gate", ["input_gate", "forget_gate", "output_gate"])
def test_a_bias_moves_the_gate_of_its_block_and_no_other(gate):
    blocks = (1, 3, 2)
    topology = Topology((Voice("chords", 2, blocks),))
    rows = {
        "input_gate": topology.input_gates,
        "forget_gate": topology.forget_gates,
        "output_gate": topology.output_gates,
    }
    state = State(np.ones(6), np.zeros(6))
    for block in range(3):
        hidden = np.zeros((15, 9))
        hidden[rows[gate], -1][block] = math.log(4)
        step = forward(Network(topology, hidden, np.zeros((2, 9))), state, np.zeros(2))
        for name in rows:
            expected = np.full(3, 0.5)
            if name == gate:
                expected[block] = 0.8
            np.testing.assert_allclose(getattr(step, name), expected)
        # and the cells of that block, with nothing offered to them (g(0) = 0), feel it:
        kept = np.repeat(np.where(np.arange(3) == block, 0.8, 0.5), blocks)
        expected = kept if gate == "forget_gate" else np.full(6, 0.5)
        np.testing.assert_allclose(step.cell_state, expected)


def test_a_closed_block_holds_its_content_for_a_chorus():
    topology = Topology((Voice("latch", 1, (2,)),))
    hidden = np.zeros((5, 4))
    hidden[:, -1] = [-60, 60, 0, 5, -5]  # input gate shut, forget gate open
    network = Network(topology, hidden, np.zeros((1, 4)))
    state = State(np.array([0.7, -1.3]), np.zeros(2))
    for _ in range(96):
        state = forward(network, state, [1.0]).state
    np.testing.assert_allclose(state.cell_state, [0.7, -1.3], rtol=1e-12)


def test_what_a_step_hands_on_and_what_it_leaves_alone():
    rng = np.random.default_rng(5)
    network = random_network(rng, EXPERIMENT_2)
    state, inputs = random_state(rng, EXPERIMENT_2), rng.normal(size=25)
    before = [array.copy() for array in (network.hidden, network.output, *state, inputs)]
    step = forward(network, state, inputs)
    for now, then in zip((network.hidden, network.output, *state, inputs), before, strict=True):
        assert np.array_equal(now, then)
    assert step.state.cell_state is step.cell_state
    assert step.state.cell_output is step.cell_output
    assert all(array.dtype == np.float64 for array in step)
    assert {name: getattr(step, name).shape for name in step._fields} == {
        "sources": (42,),
        "input_gate": (8,),
        "forget_gate": (8,),
        "output_gate": (8,),
        "candidate": (16,),
        "cell_state": (16,),
        "squashed_state": (16,),
        "cell_output": (16,),
        "output_sources": (42,),
        "prediction": (25,),
    }


def test_a_cleared_state_is_all_zeros_and_has_a_number_for_each_cell():
    state = cleared(Topology((Voice("a", 3, (1, 4)), Voice("b", 2, (2,)))))
    assert np.array_equal(state.cell_state, np.zeros(7))
    assert np.array_equal(state.cell_output, np.zeros(7))


# ---- Many steps ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_record_keeps_every_activation_of_every_step(seed):
    rng = np.random.default_rng(seed)
    topology = random_topology(rng)
    network = random_network(rng, topology)
    roll = rng.normal(size=(int(rng.integers(1, 9)), topology.inputs))
    begun = random_state(rng, topology)
    for given, state in ((None, cleared(topology)), (begun, begun)):
        found = record(network, roll) if given is None else record(network, roll, given)
        assert isinstance(found, Step)
        for now, inputs in enumerate(roll):
            expected = step_by_loops(network, state, inputs)
            for name, values in expected.items():
                part = getattr(found, name)
                assert part.shape == (len(roll), len(values))
                np.testing.assert_allclose(part[now], values, rtol=1e-11, atol=1e-12, err_msg=name)
            state = State(np.array(expected["cell_state"]), np.array(expected["cell_output"]))


def test_a_record_goes_on_from_where_another_ended_and_changes_nothing():
    rng = np.random.default_rng(10)
    network = random_network(rng, EXPERIMENT_2)
    roll = rng.integers(2, size=(20, 25))
    roll.setflags(write=False)
    whole = record(network, roll)
    first = record(network, roll[:7])
    ended = State(first.cell_state[-1], first.cell_output[-1])
    before = [part.copy() for part in ended]
    second = record(network, roll[7:], ended)
    for part, one, other in zip(whole, first, second, strict=True):
        np.testing.assert_array_equal(part, np.concatenate([one, other]))
    for now, then in zip(ended, before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize(
    ("roll", "message"),
    [
        (np.zeros(12), r"a roll of shape \(steps, 12\), got \(12,\)"),
        (np.zeros((0, 12)), r"a roll of shape \(steps, 12\), got \(0, 12\)"),
        (np.zeros((2, 3, 12)), r"a roll of shape \(steps, 12\), got \(2, 3, 12\)"),
        (np.zeros((3, 11)), r"expected a roll of shape \(steps, 12\), got \(3, 11\)"),
        (np.full((3, 12), np.nan), "inputs must be finite"),
    ],
)
def test_what_is_no_roll_is_not_recorded(roll, message):
    with pytest.raises(ValueError, match=message):
        record(Network(EXPERIMENT_1, **arrays(EXPERIMENT_1)), roll)


# ---- One voice alone ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_a_voice_alone_does_what_it_does_among_others(seed):
    rng = np.random.default_rng(seed)
    topology = random_topology(rng)
    network = random_network(rng, topology)
    roll = rng.normal(size=(6, topology.inputs))
    together = record(network, roll)
    for voice in topology.voices:
        if voice.reads:
            with pytest.raises(ValueError, match=f"{voice.name!r} reads .* it can't play alone"):
                solo(network, voice.name)
            continue
        inputs, blocks, cells = topology.parts(voice.name)
        alone = solo(network, voice.name)
        assert alone.topology == Topology((voice,))
        assert np.count_nonzero(alone.hidden) == np.count_nonzero(
            network.hidden[topology.rows(voice.name)]
        )
        step = record(alone, roll[:, inputs])
        places = {
            "prediction": topology.outputs_of(voice.name),
            "cell_state": cells,
            "cell_output": cells,
        }
        places |= {"candidate": cells, "squashed_state": cells}
        places |= dict.fromkeys(("input_gate", "forget_gate", "output_gate"), blocks)
        for name, place in places.items():
            expected = getattr(together, name)[:, place]
            np.testing.assert_allclose(getattr(step, name), expected, rtol=1e-12, atol=1e-13)


def test_some_of_these_voices_can_play_alone():
    topologies = [random_topology(np.random.default_rng(seed)) for seed in SEEDS]
    among_others = [v for t in topologies for v in t.voices[1:] if not v.reads]
    assert len(among_others) > 10


def test_a_voice_taken_out_is_a_copy():
    network = random_network(np.random.default_rng(11), EXPERIMENT_2)
    alone = solo(network, "chords")
    before = network.hidden.copy(), network.output.copy()
    alone.hidden[:] = 0.0
    alone.output[:] = 0.0
    np.testing.assert_array_equal(network.hidden, before[0])
    np.testing.assert_array_equal(network.output, before[1])


# ---- Squashing functions ------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-1.0, 1.0), (0.0, 1.0), (-0.3, 5.0)])
def test_a_squashing_function_fills_its_range(low, high):
    x = np.linspace(-30, 30, 601)
    y = squash(x, low, high)
    assert (np.diff(y) >= 0).all()
    assert y[[0, -1]] == pytest.approx([low, high], abs=1e-11)
    assert y[300] == pytest.approx((low + high) / 2)
    # the chord over a short way about 0 is as steep as a stretched logistic: a quarter of the range
    slope = (squash(1e-4, low, high) - squash(-1e-4, low, high)) / 2e-4
    assert slope == pytest.approx((high - low) / 4, rel=1e-6)


def test_the_default_ranges_are_those_of_gers_and_colleagues():
    x = np.linspace(-6, 6, 25)
    voice = Voice("chords", 1, (1,))
    np.testing.assert_allclose(squash(x, *voice.h), np.tanh(x / 2), atol=1e-15)
    np.testing.assert_allclose(squash(x, *voice.g), 2 * np.tanh(x / 2), atol=1e-15)


def test_each_cell_has_the_ranges_of_its_voice():
    topology = Topology(
        (Voice("a", 1, (2, 1), g=(-3, 1)), Voice("b", 1, (2,), g=(0, 2), h=(-5, -4)))
    )
    low, high = topology.cell_range("g")
    assert low.tolist() == [-3, -3, -3, 0, 0]
    assert high.tolist() == [1, 1, 1, 2, 2]
    low, high = topology.cell_range("h")
    assert low.tolist() == [-1, -1, -1, -5, -5]
    assert high.tolist() == [1, 1, 1, -4, -4]


def test_the_logistic_function():
    assert logistic(np.log([1.0, 3.0, 1 / 9])) == pytest.approx([1 / 2, 3 / 4, 1 / 10])


def test_the_softmax_function():
    assert softmax(np.log([1.0, 3.0, 6.0])) == pytest.approx([1 / 10, 3 / 10, 6 / 10])
    # What all net inputs share is no matter, however large it is.
    assert softmax(1e4 + np.log([1.0, 3.0, 6.0])) == pytest.approx([1 / 10, 3 / 10, 6 / 10])
    assert softmax(np.array([-1e308, 0.0, -800.0])).tolist() == [0.0, 1.0, 0.0]
    assert softmax(np.array([-3.0])).tolist() == [1.0]


# ---- Who reads whom -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_masks_say_who_reads_whom(seed):
    topology = random_topology(np.random.default_rng(seed))
    rows, columns = hidden_units(topology), sources(topology)
    expected = [[reads(row, c, topology, as_output=False) for c in columns] for row in rows]
    assert topology.hidden_mask.dtype == bool
    assert topology.hidden_mask.tolist() == expected
    readers = [voice.name for voice in topology.voices for _ in range(voice.outputs)]
    expected = [
        [reads((reader,), c, topology, as_output=True) for c in columns] for reader in readers
    ]
    assert topology.output_mask.dtype == bool
    assert topology.output_mask.tolist() == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_sizes_and_places_follow_from_the_voices(seed):
    topology = random_topology(np.random.default_rng(seed))
    rows, columns = hidden_units(topology), sources(topology)
    kinds = [row[1] for row in rows]
    assert topology.inputs == sum(c[1] == "input" for c in columns)
    assert topology.cells == kinds.count("cell") == sum(c[1] == "cell" for c in columns)
    assert topology.blocks == kinds.count("input_gate")
    assert topology.hidden_units == len(rows)
    assert topology.sources == len(columns)
    for kind, place in (
        ("input_gate", topology.input_gates),
        ("forget_gate", topology.forget_gates),
        ("output_gate", topology.output_gates),
        ("cell", topology.cell_rows),
    ):
        assert set(kinds[place]) == {kind}
        assert kinds.count(kind) == len(kinds[place])
    assert {c[1] for c in columns[topology.cell_sources]} == {"cell"}
    assert len(columns[topology.cell_sources]) == topology.cells
    states = columns[topology.state_sources]
    assert topology.peepholes == any(voice.peepholes for voice in topology.voices)
    assert len(states) == (topology.cells if topology.peepholes else 0)
    assert {c[1] for c in states} == ({"state"} if states else set())

    blocks = [row[:1] + row[2:3] for row in rows if row[1] == "input_gate"]
    cells = [row[:1] + row[2:3] for row in rows if row[1] == "cell"]
    assert topology.block_of_cell.tolist() == [blocks.index(cell) for cell in cells]

    for voice in topology.voices:
        at_inputs, at_blocks, at_cells = topology.parts(voice.name)
        assert {c[:2] for c in columns[: topology.inputs][at_inputs]} == {(voice.name, "input")}
        assert {c[:2] for c in columns[topology.cell_sources][at_cells]} == {(voice.name, "cell")}
        assert blocks[at_blocks] == [(voice.name, block) for block in range(len(voice.blocks))]
        own = [i for i, row in enumerate(rows) if row[0] == voice.name]
        assert topology.rows(voice.name).tolist() == own


@pytest.mark.parametrize(
    ("topology", "hidden", "output"),
    [
        (EXPERIMENT_1, 20 * 21, 12 * 21),
        (EXPERIMENT_2, 20 * 21 + 20 * 30, 12 * 21 + 13 * 22),
        (Topology((Voice("a", 1, (1,)),)), 4 * 3, 1 * 3),
        (Topology((Voice("a", 2, (3, 1)),)), 10 * 7, 2 * 7),
        # Each gate of a block reads as many states as the block has cells.
        (Topology((Voice("a", 2, (3, 1), peepholes=True),)), 10 * 7 + 3 * (3 + 1), 2 * 7),
    ],
    ids=["experiment 1", "experiment 2", "smallest", "mixed", "peepholes"],
)
def test_weights_are_counted(topology, hidden, output):
    network = Network(
        topology, np.zeros(topology.hidden_mask.shape), np.zeros(topology.output_mask.shape)
    )
    assert topology.hidden_mask.sum() == hidden
    assert topology.output_mask.sum() == output
    assert network.weights == hidden + output


def test_experiment_1_has_672_weights():
    assert EXPERIMENT_1.hidden_mask.all() and EXPERIMENT_1.output_mask.all()
    assert EXPERIMENT_1.hidden_mask.size + EXPERIMENT_1.output_mask.size == 672


def test_melody_never_reaches_chords():
    rng = np.random.default_rng(8)
    network, state = random_network(rng, EXPERIMENT_2), random_state(rng, EXPERIMENT_2)
    inputs, cells = EXPERIMENT_2.parts("chords")[0], EXPERIMENT_2.parts("chords")[2]
    other = State(*(array.copy() for array in state))
    for array in other:
        array[EXPERIMENT_2.parts("melody")[2]] += 1.0
    for _ in range(4):
        heard = rng.normal(size=25)
        changed = heard.copy()
        changed[EXPERIMENT_2.parts("melody")[0]] += 1.0
        step, twin = forward(network, state, heard), forward(network, other, changed)
        np.testing.assert_allclose(step.prediction[inputs], twin.prediction[inputs], atol=1e-15)
        np.testing.assert_allclose(step.cell_state[cells], twin.cell_state[cells], atol=1e-15)
        assert not np.allclose(step.prediction[12:], twin.prediction[12:])
        state, other = step.state, twin.state


def test_chords_reach_the_melody_one_step_later():
    rng = np.random.default_rng(9)
    network, state = random_network(rng, EXPERIMENT_2), cleared(EXPERIMENT_2)
    first, second = rng.normal(size=25), rng.normal(size=25)
    changed = first.copy()
    changed[:12] += 1.0
    steps = []
    for heard in (first, changed):
        one = forward(network, state, heard)
        steps.append((one, forward(network, one.state, second)))
    (one, two), (other_one, other_two) = steps
    np.testing.assert_allclose(one.prediction[12:], other_one.prediction[12:], atol=1e-15)
    assert not np.allclose(one.prediction[:12], other_one.prediction[:12])
    assert not np.allclose(two.prediction[12:], other_two.prediction[12:])


# ---- Bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"inputs": 0}, "inputs: expected a whole number from 1 to 4,096, got 0"),
        ({"inputs": -3}, "inputs: expected a whole number from 1 to 4,096, got -3"),
        ({"blocks": ()}, r"blocks: expected a tuple of how many cells each has, got \(\)"),
        (
            {"blocks": (2, 0, 2)},
            "blocks: expected a tuple of how many cells each has, got 0 at place 1",
        ),
        ({"choice": "loudest"}, "choice: expected 'threshold' or 'sample', got 'loudest'"),
        ({"g": (2.0, -2.0)}, r"voice 'chords': g needs a finite range, got 2.0 to -2.0"),
        ({"g": (0.0, 0.0)}, r"g needs a finite range, got 0.0 to 0.0"),
        (
            {"h": (-1.0, np.inf)},
            r"h: expected a tuple of 2, each a finite number, got \(-1\.0, inf\)",
        ),
        (
            {"h": (np.nan, 1.0)},
            r"h: expected a tuple of 2, each a finite number, got \(nan, 1\.0\)",
        ),
        (
            {"g": (-1.0, 0.0, 1.0)},
            r"g: expected a tuple of 2, each a finite number, got \(-1\.0, 0\.0, 1\.0\)",
        ),
        ({"h": (1.0,)}, r"h: expected a tuple of 2, each a finite number, got \(1\.0,\)"),
        ({"inputs": 2.5}, r"inputs: expected a whole number from 1 to 4,096, got 2\.5"),
        (
            {"blocks": (2, 1.0)},
            r"blocks: expected a tuple of how many cells each has, got 1\.0 at place 1",
        ),
        ({"peepholes": 1}, "peepholes: expected True or False, got 1"),
        ({"activation": "linear"}, "activation: expected 'logistic' or 'softmax', got 'linear'"),
        ({"outputs": -1}, "outputs: expected a whole number from 0 to 4,096, got -1"),
        ({"outputs": "softmax"}, r"'chords': softmax outputs .* got choice='threshold'"),
        ({"reads": "melody"}, "reads: expected a tuple of names, got 'melody'"),
    ],
)
def test_a_voice_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Voice(**({"name": "chords", "inputs": 12, "blocks": (2, 2)} | fields))


@pytest.mark.parametrize(
    ("voices", "message"),
    [
        ((), r"voices: expected a tuple of one voice at least, got \(\)"),
        (
            (Voice("chords", 1, (1,)), Voice("chords", 2, (1,))),
            r"voices need different names, got \['chords', 'chords'\]",
        ),
        (
            (Voice("chords", 1, (1,)), Voice("melody", 1, (1,), reads=("bass",))),
            r"voice 'melody' reads 'bass': expected another of \['chords', 'melody'\]",
        ),
        (
            (Voice("chords", 1, (1,), reads=("chords",)),),
            r"voice 'chords' reads 'chords': expected another of \['chords'\]",
        ),
    ],
    ids=["none", "duplicate", "unknown", "itself"],
)
def test_voices_that_do_not_fit_together_are_refused(voices, message):
    with pytest.raises(ValueError, match=message):
        Topology(voices)


def test_a_voice_that_is_not_there_can_not_be_taken_out():
    with pytest.raises(ValueError, match=r"no voice 'bass': there are \['chords', 'melody'\]"):
        solo(random_network(np.random.default_rng(12), EXPERIMENT_2), "bass")


@pytest.mark.parametrize("name", ["parts", "rows"])
def test_a_voice_that_is_not_there_has_no_place(name):
    with pytest.raises(ValueError, match=r"no voice 'bass': there are \['chords', 'melody'\]"):
        getattr(EXPERIMENT_2, name)("bass")


def arrays(topology):
    return {
        "hidden": np.zeros((topology.hidden_units, topology.sources)),
        "output": np.zeros((topology.inputs, topology.sources)),
    }


@pytest.mark.parametrize(
    ("name", "shape"), [("hidden", (20, 21)), ("output", (12, 21))], ids=["hidden", "output"]
)
def test_weights_of_another_shape_are_refused(name, shape):
    good = arrays(EXPERIMENT_1)
    for wrong in (good[name].T, good[name][:-1], good[name][:, :-1], good[name].ravel()):
        message = rf"{name}: expected shape \({shape[0]}, {shape[1]}\), got "
        with pytest.raises(ValueError, match=message) as caught:
            Network(EXPERIMENT_1, **(good | {name: wrong}))
        assert str(wrong.shape) in str(caught.value)


@pytest.mark.parametrize("name", ["hidden", "output"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(name, number):
    weights = arrays(EXPERIMENT_2)
    weights[name][3, -1] = number
    with pytest.raises(ValueError, match=f"{name}: weights must be finite"):
        Network(EXPERIMENT_2, **weights)


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [
        ("hidden", 0, 12),  # a chord gate that would read a melody input
        ("hidden", 24, 40),  # a chord cell that would read a melody cell
        ("hidden", 39, 0),  # a melody cell that would read a chord input
        ("output", 11, 40),  # a chord output that would read a melody cell
        ("output", 24, 25),  # a melody output that would read a chord cell
    ],
)
def test_a_weight_without_a_connection_is_refused(name, row, column):
    weights = arrays(EXPERIMENT_2)
    weights[name][row, column] = 1e-300
    message = f"{name}: a weight stands where the topology has no connection"
    with pytest.raises(ValueError, match=message):
        Network(EXPERIMENT_2, **weights)


def test_weights_where_voices_do_read_are_welcome():
    weights = arrays(EXPERIMENT_2)
    weights["hidden"][39, 25] = 1.0  # a melody cell reads a chord cell
    weights["output"][24, 33] = 1.0  # a melody output reads a melody cell
    assert Network(EXPERIMENT_2, **weights).hidden[39, 25] == 1.0


@pytest.mark.parametrize("inputs", [np.zeros(11), np.zeros((1, 12)), np.zeros(13), 1.0, []])
def test_inputs_of_another_shape_are_refused(inputs):
    network = Network(EXPERIMENT_1, **arrays(EXPERIMENT_1))
    wanted = r"shape \(12,\)" if np.ndim(inputs) else "numbers"
    with pytest.raises(ValueError, match=f"inputs: expected {wanted}, got") as caught:
        forward(network, cleared(EXPERIMENT_1), inputs)
    assert str(np.shape(inputs) or inputs) in str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_not_finite_are_refused(bad):
    inputs = np.zeros(12)
    inputs[7] = bad
    with pytest.raises(ValueError, match="inputs must be finite"):
        forward(Network(EXPERIMENT_1, **arrays(EXPERIMENT_1)), cleared(EXPERIMENT_1), inputs)


@pytest.mark.parametrize("name", ["cell_state", "cell_output"])
@pytest.mark.parametrize("shape", [(1,), (9,), (8, 1)])
def test_a_state_of_another_shape_is_refused(name, shape):
    state = cleared(EXPERIMENT_1)._replace(**{name: np.zeros(shape)})
    with pytest.raises(ValueError, match=rf"{name}: expected shape \(8,\), got "):
        forward(Network(EXPERIMENT_1, **arrays(EXPERIMENT_1)), state, np.zeros(12))


def test_whole_numbers_are_as_good_as_fractions():
    rng = np.random.default_rng(3)
    hidden, output = rng.integers(-2, 3, size=(20, 21)), rng.integers(-2, 3, size=(12, 21))
    bits = rng.integers(0, 2, size=12)
    whole = forward(Network(EXPERIMENT_1, hidden, output), cleared(EXPERIMENT_1), bits)
    broken = forward(
        Network(EXPERIMENT_1, hidden.astype(float), output.astype(float)),
        cleared(EXPERIMENT_1),
        bits.astype(float),
    )
    for one, other in zip(whole, broken, strict=True):
        assert one.dtype == float
        assert np.array_equal(one, other)


def test_what_describes_a_network_cannot_be_changed_by_accident():
    network = Network(EXPERIMENT_1, **arrays(EXPERIMENT_1))
    for thing, name in ((network, "hidden"), (EXPERIMENT_1, "voices"), (Voice("a", 1, (1,)), "g")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, None)


def test_a_network_is_equal_to_itself_alone_and_may_be_a_key():
    one, other = (Network(EXPERIMENT_1, **arrays(EXPERIMENT_1)) for _ in range(2))
    assert one != other and len({one: 1, other: 2}) == 2


def test_voices_go_by_their_names_wherever_these_come_from():
    """Two strings of the same letters are one name, though they may be two things in memory."""
    chords, melody = "".join(["cho", "rds"]), "".join(["mel", "ody"])
    assert EXPERIMENT_2.parts(chords) == EXPERIMENT_2.parts("chords")
    network = random_network(np.random.default_rng(13), EXPERIMENT_2)
    assert solo(network, chords).topology == EXPERIMENT_1
    voices = EXPERIMENT_2.voices[0], dataclasses.replace(EXPERIMENT_2.voices[1], reads=(chords,))
    assert np.array_equal(Topology(voices).hidden_mask, EXPERIMENT_2.hidden_mask)
    with pytest.raises(ValueError, match="voice 'melody' reads 'melody'"):
        Topology((voices[0], dataclasses.replace(voices[1], reads=(melody,))))


def test_large_net_inputs_saturate():
    hidden = np.zeros((20, 21))
    hidden[:4, -1], hidden[4:8, -1] = 500.0, -500.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step = forward(
            Network(EXPERIMENT_1, hidden, np.zeros((12, 21))), cleared(EXPERIMENT_1), np.ones(12)
        )
    assert (step.input_gate == 1.0).all()
    assert (step.forget_gate < 1e-200).all()


def test_outputs_follow_the_inputs_unless_they_were_given():
    voice = Voice("any", 12, (2, 2))
    assert voice.outputs == 12 and dataclasses.replace(voice, inputs=5).outputs == 5
    given = Voice("any", 12, (2, 2), outputs=12)
    assert given == voice and dataclasses.replace(given, inputs=5).outputs == 12
    assert "outputs" not in repr(voice) and "outputs=3" in repr(
        dataclasses.replace(voice, outputs=3)
    )


def test_a_complex_step_finds_the_slope_of_the_squashing_functions():
    # Chapter 5 checks its derivatives so: the imaginary part of f(x + ih) is h f'(x).
    x, h = np.linspace(-3, 3, 7), 1e-30
    y = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(logistic(x + 1j * h).imag / h, y * (1 - y), rtol=1e-14)
    np.testing.assert_allclose(squash(x + 1j * h, -2.0, 2.0).imag / h, 4 * y * (1 - y), rtol=1e-14)
