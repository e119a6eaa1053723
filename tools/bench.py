"""Measure how fast training is, the forms side by side in one run.

    python tools/bench.py [--store]

Prints a table, and with --store writes it into results/. Every form takes turns with the
others, several rounds, and the median is reported: on a busy machine rates drift, ratios stay.
Rates are steps a second of processor time on one core, but for two processes at once, which are
timed by the clock.
Plain C is used where gcc is found, Node (for the engine of the live pages) where it is there,
PyTorch where it is installed.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lstm_from_scratch import commands
from lstm_from_scratch.files import write_whole
from lstm_from_scratch.machine.gradient import Partials, advance, no_partials, step_gradient
from lstm_from_scratch.machine.kernel import Arena, zeros
from lstm_from_scratch.machine.network import Network, State, Topology, Voice, cleared, forward
from lstm_from_scratch.machine.training import (
    RECOMMENDED,
    Learning,
    Recipe,
    initial_network,
    train,
)
from lstm_from_scratch.music import blues
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from lstm_from_scratch.showing.stage import plans
from lstm_from_scratch.studies import study

ROOT = Path(__file__).parent.parent
RATE, MOMENTUM = 1e-4, 0.9  # small enough that no run leaves the ordinary range of numbers
NEVER = np.iinfo(np.int64).max
ROUNDS = 7

CHORDS = Voice("chords", 12, (2, 2, 2, 2), g=(-1.0, 1.0))
MELODY = Voice("melody", 13, (2, 2, 2, 2), reads=("chords",))


@dataclass(frozen=True)
class Form:
    """One way to run the steps: ``run(n)`` makes n; ``steps`` take some tenths of a second.

    elsewhere : whether another process runs them; ``run`` returns its seconds of processor time.
    """

    name: str
    run: Callable[[int], object]
    steps: int
    elsewhere: bool = False


def network(topology: Topology) -> Network:
    """A network as training begins with it."""
    voices = tuple(Learning(initial_range=0.02) for _ in topology.voices)
    rngs = np.random.default_rng(1).spawn(len(voices))
    return initial_network(Recipe(topology, voices), rngs)


class InNumpy:
    """The readable form: `network` and `gradient`."""

    def __init__(self, start: Network, roll: np.ndarray) -> None:
        self.hidden, self.output = start.hidden.copy(), start.output.copy()
        self.network = Network(start.topology, self.hidden, self.output)
        self.velocity = np.zeros(self.hidden.shape), np.zeros(self.output.shape)
        self.state: State = cleared(start.topology)
        self.partials: Partials = no_partials(start.topology)
        self.roll, self.now = roll, 0

    def run(self, steps: int) -> None:
        """Train online."""
        for _ in range(steps):
            then = (self.now + 1) % len(self.roll)
            step = forward(self.network, self.state, self.roll[self.now])
            self.partials = advance(self.network, self.partials, self.state, step)
            gradient = step_gradient(self.network, self.partials, step, self.roll[then])
            for weights, velocity, slope in zip(
                (self.hidden, self.output), self.velocity, gradient, strict=True
            ):
                velocity *= MOMENTUM
                velocity -= RATE * slope
                weights += velocity
            self.state, self.now = step.state, then


def compiled(start: Network, roll: np.ndarray, lanes: int = 1) -> tuple[Arena, Callable]:
    """The compiled form, and a function that trains it."""
    arena = Arena(start.topology, lanes)
    for lane in range(lanes):
        arena.set_weights(start, lane)
        for voice in range(len(start.topology.voices)):
            arena.set_learning(voice, learning_rate=RATE, momentum=MOMENTUM, lane=lane)
    forgiven = np.full(lanes, NEVER)

    def run(steps: int) -> None:
        orders = np.zeros((lanes, steps + 1), dtype=np.int64)
        arena.train(roll[None], orders, forgiven, steps)

    return arena, run


def playing(arena: Arena, roll: np.ndarray) -> Callable[[int], None]:
    """Free run from the roll's first step, ten choruses at a time."""
    choruses = np.tile(roll, (10, 1))

    def run(steps: int) -> None:
        for _ in range(steps // len(choruses)):
            arena.run(choruses, 1)

    return run


class InC:
    """The straightforward C version, ``bench/plain.c``."""

    SIDE = 64  # MOST_UNITS and MOST_SOURCES

    def __init__(self, start: Network, roll: np.ndarray) -> None:
        source = ROOT / "tools" / "bench" / "plain.c"
        self.folder = tempfile.TemporaryDirectory()
        library = Path(self.folder.name) / "plain.so"
        flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
        subprocess.run(["gcc", *flags, "-o", library, source, "-lm"], check=True)
        self.library = ctypes.CDLL(str(library))
        self.library.size_of_voice.restype = ctypes.c_long
        size = self.library.size_of_voice() // 8
        self.roll, self.voices = np.ascontiguousarray(roll), []
        topology = start.topology
        for voice in topology.voices:
            inputs = topology.parts(voice.name)[0]
            rows = topology.rows(voice.name)
            memory = zeros(size)
            matrices = memory[: 7 * self.SIDE**2].reshape(7, self.SIDE, self.SIDE)
            hidden = start.hidden[np.ix_(rows, np.flatnonzero(topology.hidden_mask[rows[0]]))]
            own = np.flatnonzero(topology.output_mask[inputs.start])
            output = start.output[np.ix_(np.r_[inputs], own)]
            matrices[0, : hidden.shape[0], : hidden.shape[1]] = hidden
            matrices[2, : output.shape[0], : output.shape[1]] = output
            memory[7 * self.SIDE**2 + 2 * self.SIDE :] = (RATE, MOMENTUM, *voice.g, *voice.h)
            self.voices.append(memory)

    def run(self, steps: int) -> None:
        """Train online, from the beginning of a chorus."""
        name = f"experiment_{len(self.voices)}"
        pointers = [v.ctypes.data_as(ctypes.c_void_p) for v in (*self.voices, self.roll)]
        length = ctypes.c_long(len(self.roll))
        getattr(self.library, name)(*pointers, length, ctypes.c_long(steps))

    def chord_output_weights(self) -> np.ndarray:
        """The output weights of the first voice, shape ``(12, 21)``."""
        return self.voices[0][2 * self.SIDE**2 :][: 12 * self.SIDE].reshape(12, -1)[:, :21]


IN_NODE = """
const training = stageEngine.makeTraining({plan}, {recipe}, Float64Array.from({roll}));
require("readline").createInterface({{ input: process.stdin }}).on("line", (steps) => {{
  const before = process.cpuUsage();
  training.learn(Number(steps), Infinity);
  const {{ user, system }} = process.cpuUsage(before);
  console.log((user + system) / 1e6);
}});
"""


class InNode:
    """The engine of the live pages, ``showing/stage/engine.js``, under Node."""

    def __init__(self, topology: Topology, roll: np.ndarray) -> None:
        blocks = len(topology.voices[0].blocks)
        gates = dict.fromkeys(
            ("input_gate_bias", "forget_gate_bias", "output_gate_bias"), (0.0,) * blocks
        )
        learning = Learning(RATE, MOMENTUM, 0.02, **gates)
        recipe = Recipe(topology, (learning,) * len(topology.voices), forgiven=8)
        engine = Path(plans.__file__).with_name("engine.js").read_text("utf-8")
        given = {
            "plan": json.dumps(plans.plan(topology)),
            "recipe": json.dumps(plans.learning(recipe)),
            "roll": json.dumps(roll.ravel().tolist()),
        }
        self.process = subprocess.Popen(
            ["node", "-e", engine + IN_NODE.format(**given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, steps: int) -> float:
        """Train online; returns the seconds of processor time that Node took."""
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def in_torch(inputs: int, cells: int, roll: np.ndarray) -> Callable[[int], None]:
    """PyTorch's own LSTM cell with SGD, one step at a time, the gradient cut after each step."""
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    cell, output = torch.nn.LSTMCell(inputs, cells), torch.nn.Linear(inputs + cells, inputs)
    optimiser = torch.optim.SGD([*cell.parameters(), *output.parameters()], RATE, MOMENTUM)
    loss = torch.nn.BCEWithLogitsLoss(reduction="sum")
    rows = torch.tensor(roll)[:, None]

    def run(steps: int) -> None:
        h, c = torch.zeros(1, cells), torch.zeros(1, cells)
        for step in range(steps):
            x, target = rows[step % len(rows)], rows[(step + 1) % len(rows)]
            h, c = cell(x, (h.detach(), c.detach()))
            optimiser.zero_grad()
            loss(output(torch.cat([x, h], 1)), target).backward()
            optimiser.step()

    return run


def forms(experiment: int) -> list[Form]:
    """All forms that this machine can run of an experiment's network."""
    if experiment == 1:
        topology, roll = Topology((CHORDS,)), CHORDS_ONLY.form_roll(blues.TWELVE_BAR)
    else:
        topology = Topology((CHORDS, MELODY))
        roll = CHORDS_AND_MELODY.encode(blues.chorus(1234).notes, 96)
    start = network(topology)
    arena, run = compiled(start, roll)
    found = [
        Form("NumPy", InNumpy(start, roll).run, 2_000),
        Form("compiled", run, 200_000),
        Form("compiled 2 lanes", compiled(start, roll, 2)[1], 100_000),
        Form("compiled 4 lanes", compiled(start, roll, 4)[1], 50_000),
        Form("free run", playing(arena, roll), 192_000),
    ]
    if shutil.which("gcc"):
        agree(start, roll)
        found.append(Form("plain C", InC(start, roll).run, 200_000))
    else:
        print("no gcc here: plain C is left out", file=sys.stderr)
    if shutil.which("node"):
        found.append(Form("JavaScript", InNode(topology, roll).run, 50_000, elsewhere=True))
    else:
        print("no node here: JavaScript is left out", file=sys.stderr)
    if importlib.util.find_spec("torch"):
        found.append(Form("PyTorch", in_torch(topology.inputs, topology.cells, roll), 500))
    else:
        print("PyTorch is not installed here and is left out", file=sys.stderr)
    return found


def agree(start: Network, roll: np.ndarray) -> None:
    """See that plain C does the same work, before its speed counts."""
    plain, readable = InC(start, roll), InNumpy(start, roll)
    plain.run(300)
    readable.run(300)
    own = np.flatnonzero(start.topology.output_mask[0])
    difference = np.abs(plain.chord_output_weights() - readable.output[:12][:, own]).max()
    if not difference < 1e-9:
        raise SystemExit(f"plain C does something else: weights differ by {difference}")


def measure(found: list[Form]) -> dict[str, float]:
    """Steps a second of each form, the median of rounds in which each has its turn."""
    rates: dict[str, list[float]] = {form.name: [] for form in found}
    for form in found:
        form.run(min(form.steps, 960))  # compile, and warm the caches
    for _ in range(ROUNDS):
        for form in found:
            lanes = int(form.name.split()[1]) if "lanes" in form.name else 1
            start = time.process_time()
            taken = form.run(form.steps)
            seconds = taken if form.elsewhere else time.process_time() - start
            rates[form.name].append(lanes * form.steps / seconds)
    return {name: statistics.median(values) for name, values in rates.items()}


WORKER = """
import sys, time
sys.path.insert(0, {tools!r})
import bench
run = bench.compiled(bench.network(bench.Topology((bench.CHORDS,))),
                     bench.CHORDS_ONLY.form_roll(bench.blues.TWELVE_BAR), 2)[1]
run(1000)
print("ready", flush=True)
sys.stdin.readline()
start = time.perf_counter()
run(1_500_000)
print(2 * 1_500_000 / (time.perf_counter() - start), flush=True)
"""


def throughput(processes: int) -> float:
    """Network-steps a second in all, of some processes that train at once, by the wall clock."""
    program = WORKER.format(tools=str(ROOT / "tools"))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for process in running:
        process.stdout.readline()
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    return sum(float(process.communicate()[0]) for process in running)


def first_and_cached_load() -> tuple[float, float]:
    """Seconds to the first step, with an empty cache of compiled code and with a full one."""
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r})\n"
        "import bench, time\n"
        "start = time.process_time()\n"
        "roll = bench.CHORDS_ONLY.form_roll(bench.blues.TWELVE_BAR)\n"
        "bench.compiled(bench.network(bench.Topology((bench.CHORDS,))), roll)[1](1)\n"
        "print(time.process_time() - start)"
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"NUMBA_CACHE_DIR": folder}
        command = [sys.executable, "-c", program]
        first, second = (
            float(subprocess.check_output(command, env=environment, text=True)) for _ in range(2)
        )
    return first, second


def growth() -> list[tuple[int, int, int, float, int]]:
    """How the cost of a step grows: blocks, steps a song, weights, nanoseconds and bytes."""
    rng = np.random.default_rng(0)
    cases = [(blocks, 96) for blocks in (1, 2, 4, 8, 16, 32, 64)]
    cases += [(4, steps) for steps in (300, 1_000, 3_000, 10_000)]
    rows = []
    for blocks, length in cases:
        topology = Topology((Voice("chords", 12, (2,) * blocks, g=(-1.0, 1.0)),))
        gates = dict.fromkeys(("input_gate_bias", "forget_gate_bias", "output_gate_bias"))
        learning = Learning(initial_range=0.02, **{gate: (-1.0,) * blocks for gate in gates})
        start = initial_network(Recipe(topology, (learning,)), [rng])
        roll = rng.integers(2, size=(length, 12)).astype(float)
        arena, run = compiled(start, roll)
        run(1)
        steps, times = max(20_000, 200_000 * 672 // start.weights // 4), []
        for _ in range(ROUNDS):
            begin = time.process_time()
            run(steps)
            times.append((time.process_time() - begin) / steps * 1e9)
        rows.append((blocks, length, start.weights, statistics.median(times), arena.data.nbytes))
        size = f"{blocks:3} blocks, {length:6} steps a song: {start.weights:6} weights"
        print(f"{size}, {rows[-1][3]:8.0f} ns a step, {arena.data.nbytes:7} bytes")
    return rows


SLOW_SEED, WINDOW, WINDOWS = 1_029, 480_000, 13
"""A seed whose numbers once faded below the normal range after 3.6 million steps, and slowed it."""


def windows() -> list[float]:
    """Steps a second in each window of a training whose numbers fade away, tests left out."""
    roll, times = CHORDS_ONLY.form_roll(blues.TWELVE_BAR), []
    recipe = replace(RECOMMENDED, seed=SLOW_SEED, test_every=WINDOW, give_up_after=WINDOW * WINDOWS)
    train(replace(recipe, give_up_after=1), roll, lambda network: 0, progress=False)

    def watch(network: Network) -> int:
        times.append(time.process_time())
        return 0

    begun = time.process_time()
    train(recipe, roll, watch, progress=False)
    return [WINDOW / taken for taken in np.diff([begun, *times])]


def store(name: str, about: str, table: list[list]) -> None:
    """Write a table into results/, with what it was made with."""
    lines = [f"# {about}", f"# format: {study.FORMAT}", "# command: make bench"]
    lines += [f"# made with: {study.versions()}"]
    lines += [",".join(map(str, row)) for row in table]
    write_whole(ROOT / "results" / f"{name}.csv", ("\n".join(lines) + "\n").encode())


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and store if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--store", action="store_true", help="write results/bench.csv and growth.csv"
    )
    options = parser.parse_args(arguments)
    rows: list[tuple[str, str, float, float | str]] = []
    print(f"{study.processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for experiment in (1, 2):
        rates = measure(forms(experiment))
        for name, rate in rates.items():
            ratio = rate / rates["plain C"] if "plain C" in rates else float("nan")
            rows.append((f"experiment {experiment}", name, rate, round(ratio, 3)))
            print(
                f"experiment {experiment}  {name:18} {rate:12,.0f} steps/s"
                f"  {ratio:7.2f} x C  {rate / rates['NumPy']:7.1f} x NumPy",
                flush=True,
            )
    turns = [(throughput(1), throughput(2)) for _ in range(ROUNDS)]
    alone, together = (statistics.median(rates) for rates in zip(*turns, strict=True))
    print(f"two processes at once: {together:,.0f} steps/s, {together / alone:.2f} x one")
    rows.append(("experiment 1", "two processes", together, ""))
    rows.append(("experiment 1", "two processes over one", together / alone, ""))
    rates = windows()
    slowest = max(rates) / min(rates)
    print(f"seed {SLOW_SEED}, {WINDOWS} windows: the fastest is {slowest:.2f} x the slowest")
    named = f"experiment 1, seed {SLOW_SEED}"
    rows += [(named, "fastest window", max(rates), ""), (named, "slowest window", min(rates), "")]
    first, cached = first_and_cached_load()
    print(f"first compile {first:.1f} s, from the cache {cached:.2f} s")
    rows += [("compile", "first (seconds)", first, ""), ("compile", "cached (seconds)", cached, "")]
    grown = growth()
    if options.store:
        speed = [[a, b, f"{c:.6g}", d] for a, b, c, d in rows]
        store("bench", "speed of training", [["network", "form", "rate", "times_plain_c"], *speed])
        cost = [[*row[:3], round(row[3]), row[4]] for row in grown]
        columns = ["blocks", "song", "weights", "nanoseconds", "bytes"]
        store("growth", "how the cost of a training step grows", [columns, *cost])
    return 0


if __name__ == "__main__":
    commands.run(main)
