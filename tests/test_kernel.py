"""The compiled steps: equal to the readable ones, and the same bits wherever and however they run.

Trajectories of training are chaotic: two programs that round differently can't be compared after
thousands of steps. Single steps can: each one here begins from the state that the kernel is in.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch import kernel
from lstm_from_scratch.gradient import Partials, advance, cross_entropy, step_gradient
from lstm_from_scratch.kernel import Arena
from lstm_from_scratch.network import Network, Topology, Voice, forward
from lstm_from_scratch.training import Learning, Recipe, train

CHORDS = Voice("chords", 4, (2, 1, 3))
MELODY = Voice("melody", 5, (1, 2), reads=("chords",), choice="sample", g=(-1.0, 1.0))

TOPOLOGIES = {
    "one voice": Topology((CHORDS,)),
    "chords and melody": Topology((CHORDS, MELODY)),
    "five blocks": Topology((Voice("many", 3, (1, 4, 2, 3, 1), g=(-3.0, 1.0), h=(0.0, 1.0)),)),
    "a ring of voices": Topology(
        (
            Voice("a", 2, (2,), reads=("c",), g=(0.0, 1.0)),
            Voice("b", 3, (1, 2), reads=("a",), h=(-2.0, 0.5)),
            Voice("c", 1, (1,), reads=("b", "a"), g=(-1.0, 3.0), h=(-0.25, 2.0)),
        )
    ),
}

# Different for each voice: learning rate, momentum, what is a gross error. The third stands still.
LEARNING = ((0.02, 0.9, 0.6), (0.1, 0.3, 0.7), (0.0, 0.9, 0.75))

every_topology = pytest.mark.parametrize("topology", TOPOLOGIES.values(), ids=TOPOLOGIES.keys())


def random_network(topology: Topology, rng: np.random.Generator) -> Network:
    """Weights that keep every unit between saturation and sleep; no bias is zero."""
    masks = topology.hidden_mask, topology.output_mask
    weights = [np.where(mask, rng.normal(scale=0.7, size=mask.shape), 0.0) for mask in masks]
    return Network(topology, *weights)


def prepared(topology: Topology, seed: int, lanes: int = 1, scale: float = 1.0) -> Arena:
    """An arena with a random network in each lane, learning at rates of its own."""
    arena = Arena(topology, lanes)
    for lane in range(lanes):
        arena.set_weights(random_network(topology, np.random.default_rng(seed + lane)), lane)
        set_learning(arena, scale * (1 + lane), lane)
    return arena


def set_learning(arena: Arena, scale: float, lane: int = 0) -> None:
    for voice, (rate, momentum, wrong) in zip(range(len(arena.rooms)), LEARNING, strict=False):
        arena.set_learning(
            voice, learning_rate=scale * rate, momentum=momentum, wrong=wrong, lane=lane
        )


def random_rolls(topology: Topology, rng: np.random.Generator) -> np.ndarray:
    """Four choruses of nine steps in which the next step is not always a surprise."""
    return np.repeat(rng.integers(2, size=(4, 3, topology.inputs)), 3, axis=1).astype(float)


def everything(arena: Arena, lane: int = 0) -> bytes:
    """All that a lane has become, to the bit."""
    return b"".join(
        np.asarray(part).tobytes()
        for part in (
            *arena.weights(lane),
            *arena.velocity(lane),
            *arena.state(lane),
            arena.partials(lane),
        )
    )


def assert_close(got: np.ndarray, expected: np.ndarray, what: str) -> None:
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12, err_msg=what)


@every_topology
def test_each_step_is_that_of_network_and_gradient(topology):
    rng = np.random.default_rng(seed=11)
    rolls, forgiven, steps = random_rolls(topology, rng), 3, 2_000
    arena = prepared(topology, seed=12)
    orders = rng.integers(len(rolls), size=(1, 2 * steps))
    rates, momenta, wrong = {}, {}, np.zeros(topology.inputs)
    rates["hidden"], rates["output"] = np.zeros((2, 1000, 1))
    momenta["hidden"], momenta["output"] = np.zeros((2, 1000, 1))
    for voice, (rate, momentum, limit) in zip(topology.voices, LEARNING, strict=False):
        rows = {"hidden": topology.rows(voice.name), "output": np.r_[topology.parts(voice.name)[0]]}
        for name, at in rows.items():
            rates[name][at], momenta[name][at] = rate, momentum if rate else 0.0
        wrong[topology.parts(voice.name)[0]] = limit

    song = now = errors = used = resets = wraps = 0
    for step in range(steps):
        network, state = Network(topology, *arena.weights()), arena.state()
        velocity, partials = arena.velocity(), Partials(*arena.partials())
        tally = arena.train(rolls, orders[:, used:], np.array([forgiven]), 1)

        # Where the music goes on: in the chorus, or with the next one that was drawn.
        inputs = rolls[song, now]
        now += 1
        if now == rolls.shape[1]:
            song, now, used, wraps = orders[0, used], 0, used + 1, wraps + 1
        target = rolls[song, now]

        record = forward(network, state, inputs)
        partials = advance(network, partials, state, record)
        gradient = step_gradient(network, partials, record, target)
        after = {}
        for name, before, gained in zip(
            ("hidden", "output"), velocity, (gradient.hidden, gradient.output), strict=True
        ):
            rows = len(before)
            after[name] = momenta[name][:rows] * before - rates[name][:rows] * gained
        gross = bool((np.abs(record.prediction - target) > wrong).any())
        errors += gross
        reset = errors >= forgiven
        if reset:
            song, now, used, errors, resets = orders[0, used], 0, used + 1, 0, resets + 1

        assert tally.gross_errors[0] == gross and tally.resets[0] == reset
        assert arena.cursors[0].tolist()[:2] == [song, now] and arena.cursors[0, 3] == errors
        for name, weights, got in zip(after, arena.weights(), arena.velocity(), strict=True):
            assert_close(got, after[name], f"{name} velocity, step {step}")
            expected = getattr(network, name) + after[name]
            assert_close(weights, expected, f"{name} weights, step {step}")
        kept = 0.0 if reset else 1.0
        assert_close(arena.state().cell_state, kept * record.cell_state, f"state, step {step}")
        assert_close(arena.state().cell_output, kept * record.cell_output, f"output, step {step}")
        # `gradient` keeps partials of connections that don't exist too; no weight ever sees them.
        there = kept * topology.hidden_mask[topology.cell_rows]
        assert_close(arena.partials(), there * np.array(partials), f"partials, step {step}")
        for k, voice in enumerate(topology.voices):
            own = topology.parts(voice.name)[0]
            expected = cross_entropy(record.prediction[own], target[own])
            assert tally.cross_entropy[0, k] == pytest.approx(expected, rel=1e-9)
    assert resets > 20 and wraps > 50, "resets and chorus ends were hardly tried"


@every_topology
def test_steps_at_once_are_steps_one_by_one(topology):
    rng = np.random.default_rng(seed=13)
    rolls, forgiven, steps = random_rolls(topology, rng), np.array([4]), 3_000
    orders = rng.integers(len(rolls), size=(1, 2 * steps))
    at_once, singly = prepared(topology, seed=14), prepared(topology, seed=14)
    tally = at_once.train(rolls, orders, forgiven, steps)
    used, total = 0, np.zeros(len(topology.voices))
    gross = resets = 0
    for _ in range(steps):
        one = singly.train(rolls, orders[:, used:], forgiven, 1)
        used += singly.cursors[0, 2]
        total += one.cross_entropy[0]
        gross, resets = gross + one.gross_errors[0], resets + one.resets[0]
    assert everything(at_once) == everything(singly)
    assert (tally.gross_errors[0], tally.resets[0]) == (gross, resets)
    # The likelihood of all these steps is smaller than any float64.
    assert total.max() > 745
    np.testing.assert_allclose(tally.cross_entropy[0], total, rtol=1e-9)


@every_topology
def test_what_does_not_exist_stays_zero(topology):
    """Blocks smaller than their room's largest are filled up with cells that nobody hears."""
    rng = np.random.default_rng(seed=15)
    arena = prepared(topology, seed=16)
    orders = rng.integers(4, size=(1, 3_000))
    arena.train(random_rolls(topology, rng), orders, np.array([5]), 1_000)
    network = arena.network()
    assert not network.hidden[~topology.hidden_mask].any()
    assert not network.output[~topology.output_mask].any()
    numbers = sum(
        np.count_nonzero(room.view(arena.data, name))
        for room in arena.rooms
        for name in ("hidden", "output")
    )
    assert numbers == np.count_nonzero(network.hidden) + np.count_nonzero(network.output)
    for room in arena.rooms:
        silent = room.view(arena.data, "audible") == 0.0
        assert not room.view(arena.data, "cell_output")[silent].any()


def test_a_network_goes_in_and_comes_out_unchanged():
    for topology in TOPOLOGIES.values():
        network = random_network(topology, np.random.default_rng(17))
        arena = Arena(topology, lanes=2)
        arena.set_weights(network, lane=1)
        for got, expected in zip(arena.weights(1), (network.hidden, network.output), strict=True):
            assert got.tobytes() == expected.tobytes()
        assert not np.any(arena.weights(0)[0])


def test_a_voice_that_stops_learning_loses_its_momentum_and_keeps_its_weights():
    topology = TOPOLOGIES["chords and melody"]
    rng = np.random.default_rng(seed=18)
    rolls, orders = random_rolls(topology, rng), rng.integers(4, size=(1, 3_000))
    arena = prepared(topology, seed=19)
    arena.train(rolls, orders, np.array([3]), 300)
    before = arena.network()
    arena.set_learning(0, learning_rate=0.0, momentum=0.9)
    arena.train(rolls, orders, np.array([3]), 300)
    after, rows = arena.network(), topology.rows("chords")
    assert after.hidden[rows].tobytes() == before.hidden[rows].tobytes()
    assert not arena.velocity()[0][rows].any()
    others = topology.rows("melody")
    assert (after.hidden[others] != before.hidden[others])[topology.hidden_mask[others]].any()


def test_clearing_forgets_the_music_and_keeps_what_was_learned():
    topology = TOPOLOGIES["five blocks"]
    rng = np.random.default_rng(seed=20)
    arena = prepared(topology, seed=21)
    never = np.array([np.iinfo(np.int64).max])
    arena.train(random_rolls(topology, rng), rng.integers(4, size=(1, 600)), never, 200)
    weights, velocity = arena.weights(), arena.velocity()
    assert arena.partials().any() and arena.state().cell_state.any()
    arena.clear()
    assert not arena.partials().any()
    assert not arena.state().cell_state.any() and not arena.state().cell_output.any()
    for got, kept in zip(arena.weights() + arena.velocity(), weights + velocity, strict=True):
        assert got.tobytes() == kept.tobytes()


# The same seed, the same bits.

STEPS = 3_000


def digest_of_a_training() -> str:
    """A short training of the voice alone, as a digest of all its bits."""
    topology = TOPOLOGIES["one voice"]
    rng = np.random.default_rng(seed=22)
    rolls, orders = random_rolls(topology, rng), rng.integers(4, size=(1, 2 * STEPS))
    arena = prepared(topology, seed=23)
    arena.train(rolls, orders, np.array([4]), STEPS)
    return hashlib.sha256(everything(arena)).hexdigest()


def registers_used() -> str:
    """How wide the vector registers are in the machine code that has been compiled."""
    code = "".join(kernel._train.inspect_asm().values())
    return "zmm" if "%zmm" in code else "ymm" if "%ymm" in code else "narrow"


IN_ANOTHER_PROCESS = """
import test_kernel
print(test_kernel.digest_of_a_training(), test_kernel.registers_used())
"""


def in_another_process(**settings: str) -> list[str]:
    here = os.path.dirname(__file__)
    path = os.pathsep.join([here, os.path.dirname(here)])
    run = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        env=os.environ | {"PYTHONPATH": path} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_another_process_gives_the_same_bits():
    assert in_another_process()[0] == digest_of_a_training()


def test_another_processor_gives_the_same_bits(tmp_path):
    """Compiled for the plainest processor of this family, without wide registers or FMA."""
    digest, registers = in_another_process(
        NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="", NUMBA_CACHE_DIR=str(tmp_path)
    )
    assert digest == digest_of_a_training()
    assert registers == "narrow", "the setting had no effect: both ran the same machine code"


def test_two_threads_give_the_same_bits():
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: digest_of_a_training(), range(2)))
    assert both == [digest_of_a_training()] * 2


def test_a_lane_beside_others_gives_the_same_bits():
    topology, lanes = TOPOLOGIES["one voice"], 3
    rng = np.random.default_rng(seed=24)
    rolls, orders = random_rolls(topology, rng), rng.integers(4, size=(lanes, 2 * STEPS))
    forgiven = np.array([3, 1, 5])
    beside = prepared(topology, seed=25, lanes=lanes)
    beside.cursors[:, 0] = [2, 0, 3]
    together = beside.train(rolls, orders, forgiven, STEPS)
    assert len(set(together.resets)) == lanes, "the lanes should have come apart"
    for lane in range(lanes):
        alone = prepared(topology, seed=25 + lane, scale=1.0 + lane)
        alone.cursors[0, 0] = [2, 0, 3][lane]
        tally = alone.train(rolls, orders[lane : lane + 1], forgiven[lane : lane + 1], STEPS)
        assert everything(alone) == everything(beside, lane)
        assert alone.cursors[0].tobytes() == beside.cursors[lane].tobytes()
        for got, expected in zip(together, tally, strict=True):
            assert got[lane].tobytes() == expected[0].tobytes()


def test_the_chord_voice_is_the_same_with_a_melody_beside_it():
    """Experiment 2's chord voice is Experiment 1: nothing of the melody reaches it."""
    rng = np.random.default_rng(seed=26)
    chords = np.repeat(rng.integers(2, size=(8, 4)), 3, axis=0).astype(float)
    melodies = rng.integers(2, size=(5, len(chords), 5)).astype(float)
    both = np.concatenate([np.tile(chords, (5, 1, 1)), melodies], axis=2)
    biases = (-0.5, -1.0, -1.5)
    learning = Learning(0.02, 0.9, 0.3, biases, (1.0, 2.0, 3.0), biases, wrong=0.5)
    # An output is never off by more than 1: the melody alone causes no reset.
    other = Learning(0.1, 0.5, 0.2, biases[:2], biases[:2], biases[:2], output_bias=0.1, wrong=1.0)
    alone = Recipe(
        TOPOLOGIES["one voice"], (learning,), forgiven=4, seed=27, max_steps=6_000, test_every=1_500
    )
    pair = replace(alone, topology=TOPOLOGIES["chords and melody"], voices=(learning, other))
    one, two = (
        train(recipe, rolls, lambda network: 0, progress=False)
        for recipe, rolls in ((alone, chords), (pair, both))
    )
    topology = pair.topology
    own = topology.hidden_mask[topology.rows("chords")[0]]
    found = two.network.hidden[np.ix_(topology.rows("chords"), own)]
    assert found.tobytes() == one.network.hidden.tobytes()
    inputs = topology.parts("chords")[0]
    found = two.network.output[inputs][:, topology.output_mask[0]]
    assert found.tobytes() == one.network.output.tobytes()
    assert two.curve.resets.tolist() == one.curve.resets.tolist() and one.curve.resets.sum() > 5
    np.testing.assert_array_equal(two.curve.cross_entropy[:, 0], one.curve.cross_entropy[:, 0])
