"""The compiled steps: equal to the readable ones, and the same bits wherever and however they run.

Trajectories of training are chaotic: two programs that round differently can't be compared after
thousands of steps. Single steps can: each one here begins from the state that the kernel is in.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from lstm_from_scratch.machine import kernel, updates
from lstm_from_scratch.machine.bptt import adam_update, clip_norm, momentum_update
from lstm_from_scratch.machine.gradient import Partials, advance, cross_entropy, step_gradient
from lstm_from_scratch.machine.kernel import Arena, draw_unit
from lstm_from_scratch.machine.network import Network, Topology, Voice, forward
from lstm_from_scratch.machine.steps import COMPILED
from lstm_from_scratch.machine.training import RECOMMENDED_2, Learning, Recipe, train
from lstm_from_scratch.machine.vectors import flush, load, store

CHORDS = Voice("chords", 4, (2, 1, 3))
MELODY = Voice("melody", 5, (1, 2), reads=("chords",), choice="sample", g=(-1.0, 1.0))
SOFTMAX = Voice("softmax", 4, (2, 1), choice="sample", activation="softmax", peepholes=True)

TOPOLOGIES = {
    "one voice": Topology((CHORDS,)),
    "chords and melody": Topology((CHORDS, MELODY)),
    "softmax and peepholes": Topology((SOFTMAX,)),
    "five blocks": Topology((Voice("many", 3, (1, 4, 2, 3, 1), g=(-3.0, 1.0), h=(0.0, 1.0)),)),
}


def random_topology(blocks: int, voices: int, seed: int) -> Topology:
    """Blocks of 1 to 4 cells dealt out to voices, who read whom they like; any ranges.

    About every third voice has softmax outputs, and about every second one peepholes.
    """
    rng = np.random.default_rng(seed)
    hands: list[list[int]] = [[] for _ in range(voices)]
    for block in range(blocks):
        hands[block % voices].append(int(rng.integers(1, 5)))
    names = [str(name) for name in rng.permutation(["bass", "chords", "melody"])[:voices]]
    low = rng.uniform(-2.5, 0.0, size=(voices, 2))
    high = low + rng.uniform(0.5, 4.0, size=(voices, 2))
    softmax = [(blocks + n) % 3 == 0 for n in range(voices)]
    return Topology(
        tuple(
            Voice(
                name,
                int(rng.integers(1, 6)) + softmax[n],
                tuple(hands[n]),
                reads=tuple(other for other in names if other != name and rng.random() < 0.6),
                g=(float(low[n, 0]), float(high[n, 0])),
                h=(float(low[n, 1]), float(high[n, 1])),
                **({"choice": "sample", "activation": "softmax"} if softmax[n] else {}),
                peepholes=(blocks + 2 * n) % 3 != 1,
            )
            for n, name in enumerate(names)
        )
    )


# 1 to 5 blocks in one voice (every unit reads every source) and in several (many connections are
# masked out). Each topology is compiled for itself, which takes a few seconds.
DRAWN = {
    f"{blocks} blocks, {voices} voices": random_topology(blocks, voices, seed=blocks)
    for blocks, voices in ((1, 1), (2, 2), (3, 3), (4, 1), (4, 2), (5, 3))
}

# How the voices of each of these learn: in half of them all at once, in the others by all rules.
RULES = {
    topology: tuple(
        ("at once", "adam", "momentum")[(topology.blocks + n) % 3] for n in range(voices)
    )
    for topology in DRAWN.values()
    if (voices := len(topology.voices)) > 1 and topology.blocks != 4
}

# Different for each voice: learning rate, momentum, what is a gross error, how long a gradient may
# be. The third stands still. Adam's rate is a small share of it: it goes that far at every step.
LEARNING = ((0.02, 0.9, 0.6, 0.8), (0.1, 0.3, 0.7, np.inf), (0.0, 0.9, 0.75, 0.5))
OF_ADAM = 0.02

every_topology = pytest.mark.parametrize("topology", DRAWN.values(), ids=DRAWN.keys())


def random_network(topology: Topology, rng: np.random.Generator) -> Network:
    """Weights that keep every unit between saturation and sleep; no bias is zero."""
    masks = topology.hidden_mask, topology.output_mask
    weights = [np.where(mask, rng.normal(scale=0.7, size=mask.shape), 0.0) for mask in masks]
    return Network(topology, *weights)


def prepared(topology: Topology, seed: int, lanes: int = 1, scale: float = 1.0) -> Arena:
    """An arena with a random network in each lane, learning at rates of its own."""
    arena = Arena(topology, lanes, RULES.get(topology) if lanes == 1 else None)
    for lane in range(lanes):
        arena.set_weights(random_network(topology, np.random.default_rng(seed + lane)), lane)
        set_learning(arena, scale * (1 + lane), lane)
    return arena


def set_learning(arena: Arena, scale: float, lane: int = 0, turn: int = 0) -> None:
    """Give each voice the next of `LEARNING`, from the first or another on."""
    for voice, room in enumerate(arena.rooms):
        rate, momentum, wrong, clip = LEARNING[(voice + turn) % 3]
        arena.set_learning(
            voice,
            learning_rate=scale * rate * (OF_ADAM if room.rule == "adam" else 1.0),
            momentum=momentum,
            wrong=wrong,
            clip=np.inf if room.rule == "at once" else clip,
            lane=lane,
        )


def random_rolls(topology: Topology, rng: np.random.Generator) -> np.ndarray:
    """Four choruses of nine steps in which the next step is not always a surprise.

    A voice with softmax outputs has one unit on.
    """
    notes = rng.integers(2, size=(4, 3, topology.inputs)).astype(float)
    for voice in topology.voices:
        if voice.activation == "softmax":
            own = topology.parts(voice.name)[0]
            notes[..., own] = np.eye(voice.inputs)[rng.integers(voice.inputs, size=(4, 3))]
    return np.repeat(notes, 3, axis=1)


def everything(arena: Arena, lane: int = 0) -> bytes:
    """All that a lane has become, to the bit."""
    return b"".join(
        np.asarray(part).tobytes()
        for part in (
            *arena.weights(lane),
            *arena.velocity(lane),
            *arena.square(lane),
            *arena.state(lane),
            arena.partials(lane),
        )
    )


def unpacked(arena: Arena) -> tuple:
    """Weights, velocity, square, state and partials of the first lane, in arrays of their own."""
    return arena.weights(), arena.velocity(), arena.square(), arena.state(), arena.partials()


def learned(
    room: kernel.Room, turn: int, updates: int, gradient: np.ndarray, *tables: np.ndarray
) -> tuple[np.ndarray, ...]:
    """What a voice's weights, velocity and square become, and the norm that its gradient had."""
    rate, momentum, _, clip = LEARNING[turn % 3]
    weights, velocity, square = (table.copy() for table in tables)
    gradient = gradient.copy()
    norm = clip_norm(gradient, np.inf if room.rule == "at once" else clip)
    if rate and room.rule == "adam":
        adam_update(weights, velocity, square, gradient, rate * OF_ADAM, updates)
    elif rate:
        momentum_update(weights, velocity, gradient, rate, momentum)
    return weights, velocity, square, norm


def assert_close(got: np.ndarray, expected: np.ndarray, what: str) -> None:
    near = np.abs(got - expected) <= 1e-12 + 1e-12 * np.abs(expected)
    if got.shape != expected.shape or not near.all():  # NumPy says it well, and takes its time
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12, err_msg=what)
        raise AssertionError(what)


def test_what_is_drawn_is_of_every_kind():
    blocks = [topology.blocks for topology in DRAWN.values()]
    cells = [n for t in DRAWN.values() for voice in t.voices for n in voice.blocks]
    masked = [not topology.hidden_mask.all() for topology in DRAWN.values()]
    assert set(blocks) == {1, 2, 3, 4, 5} and set(cells) == {1, 2, 3, 4}
    assert any(masked) and not all(masked)
    voices = [voice for topology in DRAWN.values() for voice in topology.voices]
    assert {voice.activation for voice in voices} == {"logistic", "softmax"}
    assert {t.peepholes for t in DRAWN.values()} == {True, False}
    seeing = {
        (rule, voice.peepholes)
        for topology, rules in RULES.items()
        for rule, voice in zip(rules, topology.voices, strict=True)
    }
    assert {(rule, True) for rule in ("at once", "momentum", "adam")} <= seeing
    assert len(RULES) == len(DRAWN) / 2
    assert any(voice.reads for topology in DRAWN.values() for voice in topology.voices)


@every_topology
def test_each_step_is_that_of_network_and_gradient(topology):
    """Three times 700 steps; each voice learns in two of these turns and rests in one.

    Three gross errors clear the state, in the last turn forty; and so do two choruses in a row
    without a reset, which there are then. What a voice remembers of its weights' changes outlives
    all that, until it rests.
    """
    rng = np.random.default_rng(seed=11)
    rolls, fresh, turns = random_rolls(topology, rng), 2, 700
    arena = prepared(topology, seed=12)
    orders = rng.integers(len(rolls), size=(1, 6 * turns))
    rows = [topology.rows(voice.name) for voice in topology.voices]
    outputs = [np.r_[topology.parts(voice.name)[0]] for voice in topology.voices]
    every = [
        np.concatenate([own, topology.hidden_units + out])
        for own, out in zip(rows, outputs, strict=True)
    ]
    cells = [topology.parts(voice.name)[2] for voice in topology.voices]
    gates = topology.hidden_mask[topology.input_gates][topology.block_of_cell]
    there = np.array([topology.hidden_mask[topology.cell_rows], gates, gates])
    resting = np.zeros(len(topology.voices), dtype=bool)

    song = now = errors = used = resets = wraps = whole = anew = 0
    updates, clipped = [0] * len(topology.voices), []
    for step in range(3 * turns):
        if step % turns == 0:
            set_learning(arena, 1.0, turn=step // turns)
            forgiven = (3, 3, 40)[step // turns]
            wrong = np.zeros(topology.inputs)
            updates = [0 if resting[k] else updates[k] for k in range(len(topology.voices))]
            for voice in range(len(topology.voices)):
                rate, _, wrong[outputs[voice]], _ = LEARNING[(voice + step // turns) % 3]
                resting[voice] = rate == 0.0
            found = unpacked(arena)
        network, state, partials = Network(topology, *found[0]), *found[3:]
        tables = [np.concatenate(of) for of in found[:3]]
        for voice in np.flatnonzero(resting):
            remembered = [table[every[voice]] for table in tables[1:]]
            assert not np.any(remembered), "who rests has no momentum and no means"
        tally = arena.train(
            rolls, orders[:, used:], np.array([forgiven]), 1, fresh=np.array([fresh])
        )

        # Where the music goes on: in the chorus, or with the next one that was drawn.
        inputs = rolls[song, now]
        now += 1
        if now == rolls.shape[1]:
            song, now, used, wraps = orders[0, used], 0, used + 1, wraps + 1
            whole += 1
        target = rolls[song, now]

        record = forward(network, state, inputs)
        advanced = advance(network, Partials(*partials), state, record)
        gained = np.concatenate(step_gradient(network, advanced, record, target))
        for k, room in enumerate(arena.rooms):
            *became, norm = learned(
                room,
                k + step // turns,
                updates[k],
                gained[every[k]],
                *(table[every[k]] for table in tables),
            )
            for table, values in zip(tables, became, strict=True):
                table[every[k]] = values
            limit = LEARNING[(k + step // turns) % 3][3]
            clipped += [bool(norm > limit)] if limit < np.inf and not resting[k] else []
            updates[k] += 1
        # `gradient` keeps partials of connections that don't exist too; no weight ever sees them.
        # The kernel lets those of a voice that rests stand still.
        advanced = there * advanced
        for voice in np.flatnonzero(resting):
            advanced[:, cells[voice]] = partials[:, cells[voice]]
        gross = bool((np.abs(record.prediction - target) > wrong).any())
        errors += gross
        reset = errors >= forgiven
        if reset:
            song, now, used, errors, resets = orders[0, used], 0, used + 1, 0, resets + 1
            whole = 0
        begins = now == 0 and whole >= fresh
        if begins:
            whole, anew = 0, anew + 1

        assert tally.gross_errors[0] == gross and tally.resets[0] == reset
        assert arena.cursors[0].tolist()[:2] == [song, now] and arena.cursors[0, 3] == errors
        found = unpacked(arena)  # from which the next step begins
        for what, got, expected in zip(
            ("weights", "velocity", "square"), found[:3], tables, strict=True
        ):
            assert_close(np.concatenate(got), expected, f"{what}, step {step}")
        kept = 0.0 if reset or begins else 1.0
        assert_close(found[3].cell_state, kept * record.cell_state, f"state, step {step}")
        assert_close(found[3].cell_output, kept * record.cell_output, f"output, step {step}")
        assert_close(found[4], kept * advanced, f"partials, step {step}")
        for k, own in enumerate(outputs):
            kind = topology.voices[k].activation
            expected = cross_entropy(record.prediction[own], target[own], kind)
            assert tally.cross_entropy[0, k] == pytest.approx(expected, rel=1e-9)
    assert resets > 20 and wraps > 50, "resets and chorus ends were hardly tried"
    assert anew > 5, "beginnings from a cleared state were hardly tried"
    assert 20 < sum(clipped) < len(clipped) - 20, "some gradients should be too long, and some not"


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
        for name in room.weights()
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


def test_a_voice_forgets_what_adam_kept_of_it_when_it_stops_and_when_it_gets_weights():
    topology, rng = TOPOLOGIES["one voice"], np.random.default_rng(seed=39)
    rolls, orders = random_rolls(topology, rng), rng.integers(4, size=(1, 600))
    arena = Arena(topology, rules=("adam",))
    network = random_network(topology, rng)
    for forget in (
        lambda: arena.set_learning(0, learning_rate=0.0, momentum=0.0),
        lambda: arena.set_weights(network),
    ):
        arena.set_weights(network)
        arena.set_learning(0, learning_rate=0.001, momentum=0.0, clip=1.0)
        arena.train(rolls, orders, np.array([3]), 100)
        updates = arena.rooms[0].view(arena.data, "updates")
        assert updates[0, 0] == 100, "resets, of which there are some, keep the means"
        assert all(table.all() for table in (*arena.velocity(), *arena.square()))
        forget()
        assert updates[0, 0] == 0
        assert not any(table.any() for table in (*arena.velocity(), *arena.square()))


def test_rules_that_do_not_fit_are_refused():
    topology = TOPOLOGIES["chords and melody"]
    for rules in ((), ("adam",), ("adam", "at once", "at once"), ("at once", "kalman")):
        with pytest.raises(ValueError, match=r"a rule for each of 2 voices, each one of|rules: "):
            Arena(topology, rules=rules)
    with pytest.raises(ValueError, match="2 lanes: only the rule 'at once' learns in several"):
        Arena(topology, lanes=2, rules=("at once", "adam"))
    arena = Arena(topology, lanes=2, rules=("at once", "at once"))
    with pytest.raises(ValueError, match=r"where weights learn at once it can't be limited to 0.5"):
        arena.set_learning(1, learning_rate=0.1, momentum=0.0, clip=0.5)


@pytest.mark.parametrize("peepholes", [False, True])
def test_a_voice_that_rests_is_heard_and_judged_and_learns_on_from_nothing(peepholes):
    topology = Topology((replace(CHORDS, peepholes=peepholes), MELODY))
    rng = np.random.default_rng(seed=28)
    rolls, orders = random_rolls(topology, rng), rng.integers(4, size=(1, 3_000))
    never = np.array([np.iinfo(np.int64).max])
    arena = prepared(topology, seed=29)
    arena.train(rolls, orders, never, 300)
    outputs, _, cells = topology.parts("chords")

    arena.set_learning(0, learning_rate=0.0, momentum=0.9, wrong=0.6)
    arena.set_learning(1, learning_rate=0.1, momentum=0.3, wrong=1.0)
    before = arena.partials()[:, cells]
    network, state, expected, errors = arena.network(), arena.state(), 0.0, 0
    song, now = arena.cursors[0, :2]
    heard = np.concatenate([rolls[song, now:], *rolls[orders[0]]])[:201]
    for inputs, target in pairwise(heard):
        step = forward(network, state, inputs)
        state = step.state
        expected += cross_entropy(step.prediction[outputs], target[outputs])
        errors += (np.abs(step.prediction[outputs] - target[outputs]) > 0.6).any()
    tally = arena.train(rolls, orders, never, 200)
    np.testing.assert_allclose(arena.state().cell_state[cells], state.cell_state[cells], rtol=1e-9)
    assert tally.cross_entropy[0, 0] == pytest.approx(expected, rel=1e-9)
    assert tally.gross_errors[0] == errors > 20
    assert before.any() and arena.partials()[:, cells].tobytes() == before.tobytes()

    others = arena.partials()[:, cells.stop :]
    arena.set_learning(0, learning_rate=0.02, momentum=0.9, wrong=0.6)
    assert not arena.partials()[:, cells].any()
    assert others.any() and arena.partials()[:, cells.stop :].tobytes() == others.tobytes()
    assert not arena.velocity()[0][topology.rows("chords")].any()
    network = arena.network()
    arena.train(rolls, orders, never, 1)
    moved = arena.network().hidden - network.hidden
    assert moved[topology.rows("chords")][:, -1].all(), "it learns on"


def test_setting_how_a_voice_learns_keeps_its_partials_and_momentum():
    """A rate that falls step by step must not make the voice forget what it is about to learn."""
    topology = TOPOLOGIES["chords and melody"]
    rng = np.random.default_rng(seed=30)
    rolls, orders = random_rolls(topology, rng), rng.integers(4, size=(1, 3_000))
    plain, touched = prepared(topology, seed=31), prepared(topology, seed=31)
    for arena in (plain, touched):
        arena.train(rolls, orders, np.array([5]), 301)
    before = everything(touched)
    set_learning(touched, scale=0.5)
    assert everything(touched) == before
    set_learning(touched, scale=1.0)
    for arena in (plain, touched):
        arena.train(rolls, orders, np.array([5]), 301)
    assert everything(plain) == everything(touched)


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


# Compiled code in the cache.


def test_the_digest_covers_every_file_whose_code_is_compiled_in():
    folder, reached, coming = Path(kernel.__file__).parent, {}, {"kernel"}
    while coming:
        name = coming.pop()
        reached[name] = (folder / f"{name}.py").read_text(encoding="utf-8")
        named = re.findall(r"^from \.(\w+) import", reached[name], flags=re.MULTILINE)
        coming |= set(named) - set(reached)
    handed_over = re.compile(r"^@(njit|overload|intrinsic)\b", flags=re.MULTILINE)
    compiled = {name for name, text in reached.items() if handed_over.search(text)}
    assert set(COMPILED) == {f"{name}.py" for name in compiled | {"layout"}}


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


def test_softmax_outputs_and_peepholes_beside_others_give_the_same_bits():
    """Each lane has a largest net input, a sum, and states of its own."""
    topology, lanes, steps = TOPOLOGIES["softmax and peepholes"], 2, 500
    rng = np.random.default_rng(seed=37)
    rolls, orders = random_rolls(topology, rng), rng.integers(4, size=(lanes, 2 * steps))
    beside = prepared(topology, seed=38, lanes=lanes)
    together = beside.train(rolls, orders, np.array([3, 5]), steps)
    for lane in range(lanes):
        alone = prepared(topology, seed=38 + lane, scale=1.0 + lane)
        own = slice(lane, lane + 1)
        tally = alone.train(rolls, orders[own], np.array([3, 5])[own], steps)
        assert everything(alone) == everything(beside, lane)
        assert together.cross_entropy[lane].tobytes() == tally.cross_entropy[0].tobytes()


@pytest.mark.parametrize("size", [30.0, 200.0])
def test_softmax_outputs_far_apart_are_still_probabilities(size):
    """An unlikely target costs what its probability says, not what is left of 1 beside another."""
    topology = Topology((replace(SOFTMAX, inputs=3),))
    arrays = np.zeros(topology.hidden_mask.shape), np.zeros(topology.output_mask.shape)
    arrays[1][:, -1] = [1e4 + size, 1e4, 1e4 - size]  # what they share is no matter
    arena = Arena(topology)
    arena.set_weights(Network(topology, *arrays))
    rolls = np.eye(3)[None, [0, 1, 2]]
    orders, never = np.zeros((1, 9), dtype=np.int64), np.array([9])
    nats = [arena.train(rolls, orders, never, 1).cross_entropy[0, 0] for _ in range(3)]
    assert nats == pytest.approx([size, 2 * size, 0.0], rel=1e-12, abs=1e-12)
    _, predictions = arena.run(rolls[0], 3)
    expected = np.exp([0.0, -size, -2 * size])
    expected = np.tile(expected / expected.sum(), (3, 1))
    np.testing.assert_allclose(predictions, expected, rtol=1e-12)


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
    forgiven, fresh = np.array([3, 1, 5]), np.array([2, 7, 1])
    beside = prepared(topology, seed=25, lanes=lanes)
    beside.cursors[:, 0] = [2, 0, 3]
    together = beside.train(rolls, orders, forgiven, STEPS, fresh)
    assert len(set(together.resets)) == lanes, "the lanes should have come apart"
    for lane in range(lanes):
        alone = prepared(topology, seed=25 + lane, scale=1.0 + lane)
        alone.cursors[0, 0] = [2, 0, 3][lane]
        own = slice(lane, lane + 1)
        tally = alone.train(rolls, orders[own], forgiven[own], STEPS, fresh[own])
        assert everything(alone) == everything(beside, lane)
        assert alone.cursors[0].tobytes() == beside.cursors[lane].tobytes()
        for got, expected in zip(together[:3], tally[:3], strict=True):
            assert got[lane].tobytes() == expected[0].tobytes()


def test_a_voice_that_rests_beside_one_that_learns_gives_the_same_bits():
    """In one lane of three the voice rests for a while, which spares it nothing there."""
    topology, lanes = TOPOLOGIES["one voice"], 3
    rng = np.random.default_rng(seed=32)
    rolls, orders = random_rolls(topology, rng), rng.integers(4, size=(lanes, 2 * STEPS))
    forgiven = np.array([3, 4, 5])
    beside, alone = prepared(topology, seed=33, lanes=lanes), prepared(topology, seed=34, scale=2.0)
    for rate, steps in ((0.04, 500), (0.0, 500), (0.03, 500)):
        for arena, lane in ((beside, 1), (alone, 0)):
            arena.set_learning(0, learning_rate=rate, momentum=0.9, wrong=0.6, lane=lane)
        together = beside.train(rolls, orders, forgiven, steps)
        tally = alone.train(rolls, orders[1:2], forgiven[1:2], steps)
        for got, expected in zip(together[:3], tally[:3], strict=True):
            assert got[1].tobytes() == expected[0].tobytes()
        for got, expected in zip(beside.weights(1), alone.weights(), strict=True):
            assert got.tobytes() == expected.tobytes()
        for got, expected in zip(beside.velocity(1), alone.velocity(), strict=True):
            assert got.tobytes() == expected.tobytes()
    assert everything(beside, 1) == everything(alone)


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
        TOPOLOGIES["one voice"],
        (learning,),
        forgiven=4,
        seed=27,
        give_up_after=6_000,
        test_every=1_500,
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


# One note is drawn


def numpy_draws(probabilities: np.ndarray, draw: float) -> int:
    """The unit that numpy's own `Generator.choice` takes: where the sums first exceed the draw."""
    sums = np.cumsum(probabilities)
    return int(np.searchsorted(sums / sums[-1], draw, side="right"))


def test_a_unit_is_drawn_as_numpy_draws_it():
    rng = np.random.default_rng(seed=35)
    for seed in range(500):
        outputs = rng.random(int(rng.integers(1, 14)))
        probabilities = outputs / outputs.sum()
        expected = np.random.default_rng(seed).choice(len(outputs), p=probabilities)
        drawn = draw_unit(outputs, np.random.default_rng(seed).random(), 1.0)
        assert drawn == expected == numpy_draws(outputs, np.random.default_rng(seed).random())


@pytest.mark.parametrize("temperature", [0.3, 0.5, 1.0, 2.0, 10.0])
def test_temperature_raises_the_outputs_to_a_power(temperature):
    rng = np.random.default_rng(seed=36)
    outputs = rng.random(13) + 0.01
    probabilities = outputs ** (1 / temperature) / (outputs ** (1 / temperature)).sum()
    # The borders between units, found from both sides.
    borders = np.cumsum(probabilities)[:-1]
    for unit, border in enumerate(borders):
        assert draw_unit(outputs, border - 1e-12, temperature) == unit
        assert draw_unit(outputs, border + 1e-12, temperature) == unit + 1
    drawn = [draw_unit(outputs, draw, temperature) for draw in rng.random(100_000)]
    counts = np.bincount(drawn, minlength=13)
    # How far the counts are from what is expected: chi squared of 12 degrees of freedom exceeds
    # 42.9 in one of fifty thousand cases.
    assert ((counts - 1e5 * probabilities) ** 2 / (1e5 * probabilities)).sum() < 42.9


def test_temperature_zero_takes_the_likeliest_and_of_equals_the_first():
    for draw in (0.0, 0.5, 1 - 2**-53):
        assert draw_unit(np.array([0.1, 0.7, 0.3, 0.7]), draw, 0.0) == 1
        assert draw_unit(np.array([0.0, 0.0, 1e-300]), draw, 0.0) == 2
        # Close to 0 it is the same, and no power of an output vanishes or overflows.
        assert draw_unit(np.array([1e-200, 3e-200, 2e-200]), draw, 1e-3) == 1
        assert draw_unit(np.array([1e200, 3e200, 2e200]), draw, 1e-3) == 1


def test_a_unit_that_is_off_is_never_drawn():
    outputs = np.array([0.0, 0.0, 0.2, 0.0, 0.6, 0.0])
    for temperature in (0.5, 1.0, 3.0):
        drawn = [draw_unit(outputs, draw, temperature) for draw in np.linspace(0, 1 - 2**-53, 997)]
        assert set(drawn) == {2, 4} and drawn == sorted(drawn)
    assert draw_unit(np.array([0.4]), 1 - 2**-53, 1.0) == 0


@pytest.mark.parametrize(
    "outputs",
    [[0.0, 0.0], [0.5, np.nan], [np.nan, 0.5], [0.5, np.inf], [-0.1, 0.5], [0.5, -np.inf], [0.0]],
)
@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_nothing_is_drawn_from_outputs_that_are_no_probabilities(outputs, temperature):
    for draw in (0.0, 0.3, 0.99):
        assert draw_unit(np.array(outputs), draw, temperature) == -1


@pytest.mark.parametrize(
    ("lanes", "rules"), [(1, None), (2, None), (3, None), (1, ("momentum", "adam"))]
)
def test_every_part_begins_where_a_line_of_the_cache_does(lanes, rules):
    arena = Arena(RECOMMENDED_2.topology, lanes, rules)
    seen = np.zeros(arena.data.size, dtype=int)
    for room in arena.rooms:
        for name, shape in room.shapes().items():
            part = room.view(arena.data, name)
            assert part.shape == shape
            in_a_row = rules and name.startswith("hidden")  # right after the outputs' table
            address = part.__array_interface__["data"][0]
            assert in_a_row or address % 64 == 0
            start = (address - arena.data.__array_interface__["data"][0]) // 8
            seen[start : start + part.size] += 1
    assert seen.max() == 1  # no part overlaps another


# ---- Numbers that fade ---------------------------------------------------------------------------


def faded_arena(rule: str, state: float, partial: float, velocity: float) -> Arena:
    """One voice in mid-training whose partials, and what is kept of its weights, are this small."""
    rng = np.random.default_rng(11)
    topology = Topology((Voice("chords", 3, (2, 1), peepholes=True),))
    arena = Arena(topology, rules=(rule,))
    arena.set_weights(
        Network(
            topology,
            np.where(topology.hidden_mask, rng.normal(size=topology.hidden_mask.shape), 0.0),
            np.where(topology.output_mask, rng.normal(size=topology.output_mask.shape), 0.0),
        )
    )
    arena.set_learning(0, learning_rate=0.01, momentum=0.9)
    (room,) = arena.rooms
    for name in room.shapes():
        if name.endswith("partials"):
            room.view(arena.data, name)[:] = partial
        if name.endswith(("_velocity", "_square")):
            room.view(arena.data, name)[:] = velocity
    room.view(arena.data, "cell_state")[:] = state
    return arena


@pytest.mark.parametrize("rule", ["at once", "momentum", "adam", "rmsprop"])
def test_what_has_faded_changes_no_weight(rule):
    rolls = np.random.default_rng(3).integers(0, 2, size=(1, 16, 3)).astype(float)
    orders, never = np.zeros((1, 600), dtype=np.int64), np.array([10**9])
    tiny = updates.FADED / 2
    faded, zeroed = (faded_arena(rule, 0.0, small, small) for small in (tiny, 0.0))
    for _ in range(3):
        for arena in (faded, zeroed):
            arena.train(rolls, orders, never, 100)
        for one, other in zip(faded.weights(), zeroed.weights(), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rule", ["at once", "momentum", "adam", "rmsprop"])
def test_nothing_stays_subnormal(rule):
    # A state of -800 lets no error through, so that all that is kept of the weights fades.
    rolls = np.random.default_rng(3).integers(0, 2, size=(1, 16, 3)).astype(float)
    orders, never = np.zeros((1, 600), dtype=np.int64), np.array([10**9])
    arena = faded_arena(rule, -800.0, 1e-310, 1e-310)
    arena.train(rolls, orders, never, updates.SWEPT_EVERY)
    (room,) = arena.rooms
    for name in room.shapes():
        if name.endswith(("partials", "_velocity", "_square")):
            values = np.abs(room.view(arena.data, name))
            assert not ((values > 0) & (values < np.finfo(float).tiny)).any(), name


def test_flushing_leaves_what_is_not_small_and_nan():
    @njit
    def flushed(numbers, least):
        store(numbers, 0, flush(load(numbers, 0, 6), least))

    numbers = np.array([1.0, -1e-3, 2e-3, -0.0, np.nan, -np.inf])
    flushed(numbers, 2e-3)
    np.testing.assert_array_equal(numbers, [1.0, 0.0, 2e-3, 0.0, np.nan, -np.inf])
