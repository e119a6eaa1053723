"""The inner loops of training and free run, compiled: the same steps as `network` and `gradient`.

Those two modules are written to be read; this one is written to be run. It differs in layout, not
in arithmetic: a network is packed into one flat array, the *arena*, where each voice has a `Room`
whose size and place are known to the compiler. Several networks of one topology may stand side by
side in *lanes*; the ordinary case is one lane. The innermost dimension of everything is the lane,
then the block: that is what a processor works on at once (see `vectors`).

Nothing here may be reordered by the compiler: a seed gives the same weights, bit for bit, on every
machine, alone or in a lane beside others.

Appendix A (The engine room) explains this module.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import (
    NativeValue,
    models,
    register_model,
    typeof_impl,
    unbox,
)

from .. import briefly
from .bptt import adam_update, clip_norm, momentum_update
from .compiling import overload
from .network import Network, State, Topology, Voice
from .vectors import (
    absolute,
    exp,
    fold_maximum,
    fold_product,
    fold_sum,
    load,
    logistic,
    splat,
    store,
    tile,
)

# A compiled function is cached on disk under the types of its arguments. This digest is part of
# them, so that a change in any file that the machine code comes from is a change of type.
_DIGEST = hashlib.sha256(
    b"".join(
        Path(__file__).with_name(name).read_bytes()
        for name in ("kernel.py", "vectors.py", "bptt.py")
    )
).hexdigest()[:12]

Rule = Literal["at once", "momentum", "adam"]
"""How the weights of a voice learn: by momentum, each as soon as its own gradient is known; or when
the gradient of the step is there for all of them, its norm limited, by momentum or by Adam."""

# What each rule remembers of every weight. Adam's running mean has the place of the velocity.
_MEMORY = {
    "at once": ("velocity",),
    "momentum": ("velocity", "gradient"),
    "adam": ("velocity", "square", "gradient"),
}

# Numbers in a line of the cache, 64 bytes. Where each part of the arena begins at a multiple of it,
# no vector lies across two lines, and training is a fifth to a third faster.
ALIGNED = 8

# What is cleared with a state.
_CLEARED = ("cell_state", "cell_output", "partials", "peephole_partials")

# The running product of probabilities is kept from underflow: when it falls below RESCALE it is
# divided by that, and what is smaller than LEAST then counts as LEAST in the reported error.
LEAST, RESCALE = 2.0**-60, 2.0**-600


def _aligned(start: int) -> int:
    """The next multiple of ``ALIGNED``."""
    return -(-start // ALIGNED) * ALIGNED


@dataclass(frozen=True)
class Room:
    """Where one voice stands in the arena, all in float64 numbers; known when compiling.

    Not a named tuple: Numba would take any two of them for the same type, and run code that was
    made for one on the other.

    lanes : networks side by side. start : the voice's first unit in a roll. inputs : input units.
    blocks : memory blocks. cells : cells of its largest block; smaller ones are filled up with
    cells that are never heard. heard : for each voice it reads, itself among them, in the order of
    the topology: the place of its cell outputs and how many there are. at : where the room begins.
    softmax : whether its outputs are probabilities of one unit among all, or each by itself.
    rule : how its weights learn. peepholes : whether gates read the states of their block's cells.
    """

    lanes: int
    start: int
    inputs: int
    blocks: int
    cells: int
    heard: tuple[tuple[int, int], ...]
    at: int
    softmax: bool
    rule: Rule
    peepholes: bool

    @property
    def units(self) -> int:
        """Cells of all blocks, silent ones included."""
        return self.blocks * self.cells

    @property
    def sources(self) -> int:
        """Sources of a hidden unit: inputs, heard cells, 1."""
        return self.inputs + sum(count for _, count in self.heard) // self.lanes + 1

    @property
    def output_sources(self) -> int:
        """Sources of an output unit: inputs, the voice's own cells, 1."""
        return self.inputs + self.units + 1

    @property
    def hidden(self) -> int:
        """Hidden units: three gates a block, and the cells."""
        return 3 * self.blocks + self.units

    def weights(self) -> dict[str, tuple[int, ...]]:
        """The tables of weights that the room holds, in order, each with its shape.

        Peepholes: for each of a block's cells, those to its input, forget and output gate.
        """
        weights = {
            "output": (self.output_sources, self.inputs, self.lanes),
            "hidden": (self.sources, self.hidden, self.lanes),
        }
        if self.peepholes:
            weights["peephole"] = (self.cells, 3, self.blocks, self.lanes)
        return weights

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """What the room holds, in order, each with its shape; the last axis is always the lane."""
        return _shapes(self)

    def _laid_out(self) -> dict[str, tuple[int, ...]]:
        """What `shapes` keeps."""
        lanes, units, inputs = self.lanes, self.units, self.inputs
        weights = self.weights()
        tables = ["", *(f"_{memory}" for memory in _MEMORY[self.rule])]
        order = [(name, table) for name in weights for table in tables]
        if self.rule != "at once":  # all weights in a row, then all that is remembered of one kind
            order.sort(key=lambda it: tables.index(it[1]))
        of_a_step = {} if self.rule == "at once" else {"clip": (1, lanes), "updates": (1, lanes)}
        through_peepholes = (
            {
                "state_before": (units, lanes),
                "peephole_partials": (self.cells, 2, units, lanes),
            }
            if self.peepholes
            else {}
        )
        return {
            "cell_output": (units, lanes),
            "cell_state": (units, lanes),
            "rate": (1, lanes),
            "momentum": (1, lanes),
            "wrong": (1, lanes),
            "g_low": (1, lanes),
            "g_width": (1, lanes),
            "h_low": (1, lanes),
            "h_width": (1, lanes),
            "worst": (1, lanes),
            "likelihood": (1, lanes),
            "rescaled": (1, lanes),
            "audible": (units, lanes),
            "source": (self.sources, lanes),
            "prediction": (inputs, lanes),
            "target": (inputs, lanes),
            "into_cell": (units, lanes),
            **of_a_step,
            **{f"{name}{table}": weights[name] for name, table in order},
            "partials": (self.sources, 3, units, lanes),
            **through_peepholes,
        }

    @property
    def size(self) -> int:
        """Numbers in the room, those between its parts included; a multiple of ``ALIGNED``."""
        return _aligned(max(stop for _, stop, _ in _plan(self).values())) - self.at

    def place(self, name: str) -> int:
        """Where a part of the room begins in the arena."""
        return _plan(self)[name][0]

    def view(self, arena: np.ndarray, name: str) -> np.ndarray:
        """A part of the room as an array of its own shape, sharing memory with the arena."""
        start, stop, shape = _plan(self)[name]
        return arena[start:stop].reshape(shape)


@cache
def _shapes(room: Room) -> Mapping[str, tuple[int, ...]]:
    return MappingProxyType(room._laid_out())


@cache
def _plan(room: Room) -> dict[str, tuple[int, int, tuple[int, ...]]]:
    """Where each part of a room begins and ends, and its shape.

    Each begins where a vector would, but for tables that are gone through in a row.
    """
    plan, start = {}, room.at
    for name, shape in room.shapes().items():
        in_a_row = room.rule != "at once" and name.startswith(("hidden", "peephole"))
        start = start if in_a_row else _aligned(start)
        stop = start + math.prod(shape)
        plan[name] = start, stop, shape
        start = stop
    return plan


class _RoomType(types.Type):
    """A room as a Numba type: a value without content, its numbers known when compiling."""

    def __init__(self, room: Room) -> None:
        self.room = room
        super().__init__(name=f"Room({astuple(room)}, {_DIGEST})")


_room_type = cache(_RoomType)


@register_model(_RoomType)
class _RoomModel(models.OpaqueModel):
    pass


@typeof_impl.register(Room)
def _type_of_room(value: Room, _: Any) -> _RoomType:
    return _room_type(value)


@unbox(_RoomType)
def _unbox_room(_: Any, __: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


# What follows is compiled for each room. The functions without a body are names for what the
# `overload` below them builds; called as Python they raise, see `compiling`.


def _listen(room, arena):
    """Copy what the voices let out at the step before to where this voice's units read it."""


@overload(_listen, jit_options={"forceinline": True})
def _(room, arena):
    r = room.room
    heard, first = r.heard, r.place("source") + r.inputs * r.lanes

    def listen(room, arena):
        at = first
        for voice in range(len(heard)):
            place, count = heard[voice]
            for k in range(count):
                arena[at + k] = arena[place + k]
            at += count
        return False

    return listen


def _respond(room, net):
    """The outputs of one voice, of their net inputs."""


@overload(_respond, jit_options={"forceinline": True})
def _(room, net):
    inputs = room.room.inputs
    if not room.room.softmax:
        return lambda room, net: logistic(net)

    def respond(room, net):
        powers = exp(net - tile(fold_maximum(net, inputs), inputs))
        return powers / tile(fold_sum(powers, inputs), inputs)

    return respond


def _peep(room, arena, net, kind, states):
    """Add to the net inputs of one kind of gates what they see of states through peepholes."""


@overload(_peep, jit_options={"forceinline": True})
def _(room, arena, net, kind, states):
    r = room.room
    if not r.peepholes:
        return lambda room, arena, net, kind, states: net
    cells, width, peephole = r.cells, r.blocks * r.lanes, r.place("peephole")

    def peep(room, arena, net, kind, states):
        for c in range(cells):
            weight = load(arena, peephole + (3 * c + kind) * width, width)
            net = net + weight * load(arena, states + c * width, width)
        return net

    return peep


def _keep_state(room, arena, state):
    """Keep the states before the step, where gates that read them will have to learn."""


@overload(_keep_state, jit_options={"forceinline": True})
def _(room, arena, state):
    if not room.room.peepholes:
        return lambda room, arena, state: None
    at = room.room.place("state_before")
    return lambda room, arena, state: store(arena, at, state)


def _activate(room, arena):
    """The forward pass of one voice; returns what learning needs of it."""


@overload(_activate, jit_options={"forceinline": True})
def _(room, arena):
    r = room.room
    lanes, blocks, cells, units, inputs = r.lanes, r.blocks, r.cells, r.units, r.inputs
    sources, output_sources = r.sources, r.output_sources
    gate_width, cell_width, output_width = blocks * lanes, units * lanes, inputs * lanes
    hidden_width = 3 * gate_width + cell_width
    source, hidden, output = r.place("source"), r.place("hidden"), r.place("output")
    state_at, output_at, audible = r.place("cell_state"), r.place("cell_output"), r.place("audible")
    g_low, g_width, h_low, h_width = map(r.place, ("g_low", "g_width", "h_low", "h_width"))
    prediction_at = r.place("prediction")

    def activate(room, arena):
        input_net = splat(0.0, gate_width)
        forget_net = splat(0.0, gate_width)
        output_net = splat(0.0, gate_width)
        cell_net = splat(0.0, cell_width)
        for s in range(sources):
            x = load(arena, source + s * lanes, lanes)
            w = hidden + s * hidden_width
            to_gate = tile(x, blocks)
            input_net = input_net + load(arena, w, gate_width) * to_gate
            forget_net = forget_net + load(arena, w + gate_width, gate_width) * to_gate
            output_net = output_net + load(arena, w + 2 * gate_width, gate_width) * to_gate
            cell_net = cell_net + load(arena, w + 3 * gate_width, cell_width) * tile(x, units)
        input_gate = logistic(_peep(room, arena, input_net, 0, state_at))
        forget_gate = logistic(_peep(room, arena, forget_net, 1, state_at))
        offered = logistic(cell_net)

        low, width = load(arena, g_low, lanes), load(arena, g_width, lanes)
        candidate = tile(low, units) + tile(width, units) * offered
        before = load(arena, state_at, cell_width)
        _keep_state(room, arena, before)
        state = tile(forget_gate, cells) * before + tile(input_gate, cells) * candidate
        store(arena, state_at, state)
        output_gate = logistic(_peep(room, arena, output_net, 2, state_at))
        low, width = load(arena, h_low, lanes), load(arena, h_width, lanes)
        squashed = logistic(state)
        heard = tile(low, units) + tile(width, units) * squashed
        heard = heard * load(arena, audible, cell_width)
        store(arena, output_at, tile(output_gate, cells) * heard)

        net = splat(0.0, output_width)
        for s in range(output_sources):
            place = source + s * lanes
            if s >= inputs:
                place = output_at + (s - inputs) * lanes
            if s == output_sources - 1:
                place = source + (sources - 1) * lanes
            x = load(arena, place, lanes)
            net = net + load(arena, output + s * output_width, output_width) * tile(x, inputs)
        prediction = _respond(room, net)
        store(arena, prediction_at, prediction)
        return (
            input_gate,
            forget_gate,
            output_gate,
            offered,
            candidate,
            before,
            squashed,
            heard,
            prediction,
        )

    return activate


def _change(room, arena, weight, memory, keep, gradient):
    """Change some weights against their gradient, times the rate; or put it by for `_apply`."""


@overload(_change, jit_options={"forceinline": True})
def _(room, arena, weight, memory, keep, gradient):
    width = gradient.width

    def at_once(room, arena, weight, memory, keep, gradient):
        velocity = keep * load(arena, memory, width) - gradient
        store(arena, memory, velocity)
        store(arena, weight, load(arena, weight, width) + velocity)

    def put_by(room, arena, weight, memory, keep, gradient):
        store(arena, memory, gradient)

    return at_once if room.room.rule == "at once" else put_by


def _apply(room, arena):
    """Change all weights of one voice by the gradient that was put by for the step."""


@overload(_apply, jit_options={"forceinline": True})
def _(room, arena):
    r = room.room
    if r.rule == "at once":
        return lambda room, arena: None
    count = sum(math.prod(shape) for shape in r.weights().values())
    rate, clip, updates = r.place("rate"), r.place("clip"), r.place("updates")
    weights, gradient = r.place("output"), r.place("output_gradient")
    velocity, momentum = r.place("output_velocity"), r.place("momentum")

    def by_momentum(room, arena):
        slope = arena[gradient : gradient + count]
        if arena[clip] < math.inf:
            clip_norm(slope, arena[clip])
        momentum_update(
            arena[weights : weights + count],
            arena[velocity : velocity + count],
            slope,
            arena[rate],
            arena[momentum],
        )

    if r.rule == "momentum":
        return by_momentum
    square = r.place("output_square")

    def by_adam(room, arena):
        slope = arena[gradient : gradient + count]
        if arena[clip] < math.inf:
            clip_norm(slope, arena[clip])
        adam_update(
            arena[weights : weights + count],
            arena[velocity : velocity + count],
            arena[square : square + count],
            slope,
            arena[rate],
            int(arena[updates]),
        )
        arena[updates] += 1.0

    return by_adam


def _learn_peepholes(room, arena, kept, gain_input, gain_forget, step_cell, step_gate, keep):
    """What `_learn` does for the other sources, for the states that gates read through peepholes.

    The vectors are its own, of the same names; ``keep`` is the momentum of gates.
    """


@overload(_learn_peepholes, jit_options={"forceinline": True})
def _(room, arena, kept, gain_input, gain_forget, step_cell, step_gate, keep):
    r = room.room
    if not r.peepholes:

        def learn(room, arena, kept, gain_input, gain_forget, step_cell, step_gate, keep):
            return None

        return learn
    cells, gate_width, cell_width = r.cells, r.blocks * r.lanes, r.units * r.lanes
    state, state_before, audible = map(r.place, ("cell_state", "state_before", "audible"))
    peephole, partials = r.place("peephole"), r.place("peephole_partials")
    memory = r.place("peephole_velocity" if r.rule == "at once" else "peephole_gradient")

    def learn(room, arena, kept, gain_input, gain_forget, step_cell, step_gate, keep):
        for c in range(cells):
            # Cells that only fill up their block have states too, which no gate may read.
            there = load(arena, audible + c * gate_width, gate_width)
            early = tile(load(arena, state_before + c * gate_width, gate_width) * there, cells)
            late = load(arena, state + c * gate_width, gate_width) * there
            p = partials + c * 2 * cell_width
            by_input = kept * load(arena, p, cell_width) + gain_input * early
            store(arena, p, by_input)
            p += cell_width
            by_forget = kept * load(arena, p, cell_width) + gain_forget * early
            store(arena, p, by_forget)

            w, m = peephole + 3 * c * gate_width, memory + 3 * c * gate_width
            _change(room, arena, w, m, keep, fold_sum(step_cell * by_input, cells))
            w, m = w + gate_width, m + gate_width
            _change(room, arena, w, m, keep, fold_sum(step_cell * by_forget, cells))
            w, m = w + gate_width, m + gate_width
            _change(room, arena, w, m, keep, step_gate * late)

    return learn


def _learn(room, arena, record, delta):
    """One online update of one voice from what `_activate` recorded and the outputs' errors."""


@overload(_learn, jit_options={"forceinline": True})
def _(room, arena, record, delta):
    r = room.room
    lanes, blocks, cells, units, inputs = r.lanes, r.blocks, r.cells, r.units, r.inputs
    sources, output_sources = r.sources, r.output_sources
    gate_width, cell_width, output_width = blocks * lanes, units * lanes, inputs * lanes
    hidden_width = 3 * gate_width + cell_width
    partial_width = 3 * cell_width
    source, into_cell = r.place("source"), r.place("into_cell")
    output_at, audible, partials = map(r.place, ("cell_output", "audible", "partials"))
    hidden, output = r.place("hidden"), r.place("output")
    rate_at, momentum_at = r.place("rate"), r.place("momentum")
    g_width, h_width = r.place("g_width"), r.place("h_width")
    memory = "velocity"
    if r.rule != "at once":  # what is put by is the gradient itself, times the bias's source, 1
        memory, rate_at = "gradient", source + (sources - 1) * lanes
    hidden_memory, output_memory = r.place(f"hidden_{memory}"), r.place(f"output_{memory}")

    def learn(room, arena, record, delta):
        (i, f, o, offered, candidate, before, squashed, heard, _) = record
        rate, momentum = load(arena, rate_at, lanes), load(arena, momentum_at, lanes)

        # Through the output weights into the cells, then on to output gates and states.
        for c in range(units):
            back = load(arena, output + (inputs + c) * output_width, output_width) * delta
            store(arena, into_cell + c * lanes, fold_sum(back, inputs))
        error = load(arena, into_cell, cell_width)
        gate_error = fold_sum(error * heard, cells) * (o * (1.0 - o))
        h_slope = tile(load(arena, h_width, lanes), units) * (squashed * (1.0 - squashed))
        error = error * load(arena, audible, cell_width) * tile(o, cells) * h_slope

        # What one unit of each source adds to the partials of cell, input gate and forget gate.
        g_slope = tile(load(arena, g_width, lanes), units) * (offered * (1.0 - offered))
        kept = tile(f, cells)
        gain_cell = tile(i, cells) * g_slope
        gain_input = candidate * tile(i * (1.0 - i), cells)
        gain_forget = before * tile(f * (1.0 - f), cells)

        step = tile(rate, inputs) * delta
        keep = tile(momentum, inputs)
        for s in range(output_sources):
            place = source + s * lanes
            if s >= inputs:
                place = output_at + (s - inputs) * lanes
            if s == output_sources - 1:
                place = source + (sources - 1) * lanes
            x = tile(load(arena, place, lanes), inputs)
            w, m = output + s * output_width, output_memory + s * output_width
            _change(room, arena, w, m, keep, step * x)

        step_gate = tile(rate, blocks) * gate_error
        step_cell = tile(rate, units) * error
        keep_gate, keep_cell = tile(momentum, blocks), tile(momentum, units)
        for s in range(sources):
            x = load(arena, source + s * lanes, lanes)
            to_cell = tile(x, units)
            p = partials + s * partial_width
            cell = kept * load(arena, p, cell_width) + gain_cell * to_cell
            store(arena, p, cell)
            p += cell_width
            by_input = kept * load(arena, p, cell_width) + gain_input * to_cell
            store(arena, p, by_input)
            p += cell_width
            by_forget = kept * load(arena, p, cell_width) + gain_forget * to_cell
            store(arena, p, by_forget)

            w, m = hidden + s * hidden_width, hidden_memory + s * hidden_width
            _change(room, arena, w, m, keep_gate, fold_sum(step_cell * by_input, cells))
            w, m = w + gate_width, m + gate_width
            _change(room, arena, w, m, keep_gate, fold_sum(step_cell * by_forget, cells))
            w, m = w + gate_width, m + gate_width
            _change(room, arena, w, m, keep_gate, step_gate * tile(x, blocks))
            w, m = w + gate_width, m + gate_width
            _change(room, arena, w, m, keep_cell, step_cell * cell)
        _learn_peepholes(
            room, arena, kept, gain_input, gain_forget, step_cell, step_gate, keep_gate
        )

    return learn


def _present(room, arena, lane, inputs, targets):
    """Put one lane's inputs and targets, two rows of a roll, in place."""


@overload(_present, jit_options={"forceinline": True})
def _(room, arena, lane, inputs, targets):
    r = room.room
    lanes, count, start = r.lanes, r.inputs, r.start
    source, target = r.place("source"), r.place("target")

    def present(room, arena, lane, inputs, targets):
        for unit in range(count):
            arena[source + unit * lanes + lane] = inputs[start + unit]
            arena[target + unit * lanes + lane] = targets[start + unit]
        return False

    return present


def _judge(room, arena, lane):
    """Say whether one lane's step was a gross error; keep its likelihood from underflow."""


@overload(_judge, jit_options={"forceinline": True})
def _(room, arena, lane):
    r = room.room
    worst, wrong, likelihood, rescaled = map(r.place, ("worst", "wrong", "likelihood", "rescaled"))

    def judge(room, arena, lane):
        if arena[likelihood + lane] < RESCALE:
            arena[likelihood + lane] = max(arena[likelihood + lane], RESCALE * LEAST) / RESCALE
            arena[rescaled + lane] += 1.0
        return arena[worst + lane] > arena[wrong + lane]

    return judge


def _changed(room, arena, snapshot):
    """Does the state of a voice differ from that in another arena?"""


@overload(_changed, jit_options={"forceinline": True})
def _(room, arena, snapshot):
    r = room.room
    width = r.units * r.lanes
    state, output = r.place("cell_state"), r.place("cell_output")

    def changed(room, arena, snapshot):
        for c in range(width):
            if arena[state + c] != snapshot[state + c] or arena[output + c] != snapshot[output + c]:
                return True
        return False

    return changed


def _clear(room, arena, lane):
    """Clear one lane's cell states, cell outputs and partials."""


@overload(_clear, jit_options={"forceinline": True})
def _(room, arena, lane):
    r = room.room
    lanes, shapes = r.lanes, r.shapes()
    parts = tuple((r.place(n), math.prod(shapes[n]) // lanes) for n in _CLEARED if n in shapes)

    def clear(room, arena, lane):
        for part in range(len(parts)):
            place, count = parts[part]
            for k in range(count):
                arena[place + k * lanes + lane] = 0.0
        return False

    return clear


def _recalled(room, arena, out, at):
    """Write a voice's predictions (one lane) to row ``at``; is one on the wrong side of 0.5?"""


@overload(_recalled, jit_options={"forceinline": True})
def _(room, arena, out, at):
    r = room.room
    inputs, start, prediction, target = r.inputs, r.start, r.place("prediction"), r.place("target")

    def recalled(room, arena, out, at):
        wrong = False
        for unit in range(inputs):
            p = arena[prediction + unit]
            out[at, start + unit] = p
            wrong = wrong or (p > 0.5) != (arena[target + unit] > 0.5)
        return wrong

    return recalled


def _hear(room, arena):
    """One step of one voice without learning."""


@overload(_hear, jit_options={"forceinline": True})
def _(room, arena):
    def hear(room, arena):
        _activate(room, arena)
        return False

    return hear


def _right(room, prediction, target, off):
    """How likely the targets were by a prediction that is so far off."""


@overload(_right, jit_options={"forceinline": True})
def _(room, prediction, target, off):
    inputs = room.room.inputs
    if not room.room.softmax:
        return lambda room, prediction, target, off: fold_product(1.0 - off, inputs)
    # One unit is on, and its probability is all that counts: the others share what it lacks.
    return lambda room, prediction, target, off: fold_sum(prediction * target, inputs)


def _compare(room, arena, prediction):
    """Hold a prediction against the targets: how far off, how likely; returns the errors."""


@overload(_compare, jit_options={"forceinline": True})
def _(room, arena, prediction):
    r = room.room
    lanes, inputs, output_width = r.lanes, r.inputs, r.inputs * r.lanes
    target_at, worst, likelihood = map(r.place, ("target", "worst", "likelihood"))

    def compare(room, arena, prediction):
        target = load(arena, target_at, output_width)
        delta = prediction - target
        off = absolute(delta)
        store(arena, worst, fold_maximum(off, inputs))
        right = _right(room, prediction, target, off)
        store(arena, likelihood, load(arena, likelihood, lanes) * right)
        return delta

    return compare


def _practise(room, arena):
    """One step of one voice with learning; one that stands still in all lanes is spared it."""


@overload(_practise, jit_options={"forceinline": True})
def _(room, arena):
    r = room.room
    lanes, rate = r.lanes, r.place("rate")

    def practise(room, arena):
        record = _activate(room, arena)
        delta = _compare(room, arena, record[8])
        for lane in range(lanes):
            if arena[rate + lane] != 0.0:
                _learn(room, arena, record, delta)
                _apply(room, arena)
                break
        return False

    return practise


def _in_every_room(work: Any) -> Any:
    """Make of a function of one room a function of a tuple of them: did any of them say True?"""

    def every(rooms, *args):
        """Replaced below when compiled."""

    @overload(every, jit_options={"forceinline": True})
    def _(rooms, *args):
        if len(rooms) == 1:
            return lambda rooms, *args: work(rooms[0], *args)

        def both(rooms, *args):
            first = work(rooms[0], *args)
            rest = every(rooms[1:], *args)
            return first or rest

        return both

    return every


_listen_all = _in_every_room(_listen)
_present_all = _in_every_room(_present)
_practise_all = _in_every_room(_practise)
_hear_all = _in_every_room(_hear)
_judge_all = _in_every_room(_judge)
_clear_all = _in_every_room(_clear)
_recalled_all = _in_every_room(_recalled)
_changed_all = _in_every_room(_changed)


# Columns of the cursors that say where each lane is: the chorus it hears, the step it is at, how
# many of the choruses drawn for it are used up, and its gross errors and whole choruses since it
# was last cleared.
_SONG, _STEP, _USED, _ERRORS, _WHOLE = range(5)


@njit(cache=True, error_model="numpy", nogil=True)
def _train(rooms, arena, rolls, orders, cursors, forgiven, fresh, tally, steps):
    """Learn for some steps; see `Arena.train`."""
    lanes, length = len(cursors), rolls.shape[1]
    for lane in range(lanes):
        cursors[lane, _USED] = 0
    for _ in range(steps):
        for lane in range(lanes):
            song, now, used = cursors[lane, _SONG], cursors[lane, _STEP], cursors[lane, _USED]
            inputs = rolls[song, now]
            if now + 1 < length:
                cursors[lane, _STEP] = now + 1
                _present_all(rooms, arena, lane, inputs, rolls[song, now + 1])
            else:
                cursors[lane, _SONG] = orders[lane, used]
                cursors[lane, _STEP] = 0
                cursors[lane, _USED] = used + 1
                cursors[lane, _WHOLE] += 1
                _present_all(rooms, arena, lane, inputs, rolls[orders[lane, used], 0])
        _listen_all(rooms, arena)
        _practise_all(rooms, arena)
        for lane in range(lanes):
            if _judge_all(rooms, arena, lane):
                tally[lane, 0] += 1
                cursors[lane, _ERRORS] += 1
                if cursors[lane, _ERRORS] >= forgiven[lane]:
                    tally[lane, 1] += 1
                    _clear_all(rooms, arena, lane)
                    cursors[lane, _SONG] = orders[lane, cursors[lane, _USED]]
                    cursors[lane, _STEP] = 0
                    cursors[lane, _USED] += 1
                    cursors[lane, _ERRORS] = 0
                    cursors[lane, _WHOLE] = 0
            if cursors[lane, _STEP] == 0 and cursors[lane, _WHOLE] >= fresh[lane]:
                _clear_all(rooms, arena, lane)
                cursors[lane, _WHOLE] = 0


@njit(cache=True, error_model="numpy", nogil=True)
def draw_unit(outputs, draw, temperature):
    """Choose one unit: outputs made to sum to 1 are its probability (section 4.2).

    Parameters
    ----------
    outputs : of one voice, shape ``(units,)``, each at least 0.
    draw : a uniform random number from 0 up to 1.
    temperature : outputs are raised to 1 / temperature first; 1 leaves them as they are, and 0
        takes the largest.

    Returns
    -------
    The number of the unit; -1 if the outputs sum to nothing or are not finite.

    Chapter 8.
    """
    largest = 0
    for unit in range(len(outputs)):
        if not 0.0 <= outputs[unit] < math.inf:
            return -1
        if outputs[unit] > outputs[largest]:
            largest = unit
    if outputs[largest] == 0.0:
        return -1
    if temperature == 0.0:
        return largest
    # Relative to the largest, so that no power of it can vanish or overflow.
    total = 0.0
    for unit in range(len(outputs)):
        total += (outputs[unit] / outputs[largest]) ** (1.0 / temperature)
    passed = 0.0
    for unit in range(len(outputs)):
        passed += (outputs[unit] / outputs[largest]) ** (1.0 / temperature)
        if passed > draw * total:
            return unit
    return largest


@njit(cache=True, error_model="numpy", nogil=True)
def _run(rooms, arena, roll, given, predictions, voices, draws, temperature):
    """Predict without learning, from step ``given`` on with its own choices; see `Arena.run`."""
    for step in range(len(roll)):
        _present_all(rooms, arena, 0, roll[step], roll[step])
        _listen_all(rooms, arena)
        _hear_all(rooms, arena)
        _recalled_all(rooms, arena, predictions, step)
        if not given <= step + 1 < len(roll):
            continue
        for voice in range(len(voices)):
            start, stop, samples = voices[voice]
            for unit in range(start, stop):
                on = predictions[step, unit] > 0.5 and not samples
                roll[step + 1, unit] = 1.0 if on else 0.0
            if samples:
                outputs = predictions[step, start:stop]
                unit = draw_unit(outputs, draws[step + 1, voice], temperature)
                if unit < 0:
                    return step + 1
                roll[step + 1, start + unit] = 1.0
    return 0


@njit(cache=True, error_model="numpy", nogil=True)
def _recall(rooms, arena, roll, choruses, snapshot, prediction):
    """Free run until the first wrong note or the first return of a state; see `Arena.recall`."""
    length = len(roll)
    taken = 0
    for chorus in range(1, choruses + 1):
        for now in range(length):
            # As long as no note was wrong, the network's own output is the form itself.
            _present_all(rooms, arena, 0, roll[now], roll[(now + 1) % length])
            _listen_all(rooms, arena)
            _hear_all(rooms, arena)
            if _recalled_all(rooms, arena, prediction, 0):
                return (chorus - 1) * length + now, 0
        if taken > 0 and not _changed_all(rooms, arena, snapshot):
            return chorus * length, chorus - taken
        if chorus & (chorus - 1) == 0:  # after 1, 2, 4, 8, ... choruses
            snapshot[:] = arena
            taken = chorus
    return choruses * length, 0


class Recall(NamedTuple):
    """How long a free run kept to the form.

    steps : predictions in a row that were right on every unit.
    period : 0, or the number of choruses after which the whole state came back bit for bit: then
        the network goes on in that circle for ever.
    """

    steps: int
    period: int


class Tally(NamedTuple):
    """What happened in some steps of training, for each lane.

    gross_errors, resets : counts, shape ``(lanes,)``.
    cross_entropy : nats in all, shape ``(lanes, voices)``.
    """

    gross_errors: np.ndarray
    resets: np.ndarray
    cross_entropy: np.ndarray


class _Wiring(NamedTuple):
    """Where the rows and columns of one voice's room stand in a network's matrices; -1: nowhere.

    Those of peepholes are places of each weight, of the shape in which they stand in the room.
    Last, of hidden and of output weights, open grids to index with: which weights of the room, rows
    by columns, stand in the matrix, and where.
    """

    hidden_rows: np.ndarray
    hidden_columns: np.ndarray
    output_rows: np.ndarray
    output_columns: np.ndarray
    cells: np.ndarray
    peephole_rows: np.ndarray
    peephole_columns: np.ndarray
    hidden: tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]
    output: tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]


def _grids(rows: np.ndarray, columns: np.ndarray) -> tuple[tuple[np.ndarray, ...], ...]:
    """Which rows and columns are there (not -1), and which these are, as open grids."""
    there = np.flatnonzero(rows >= 0), np.flatnonzero(columns >= 0)
    return np.ix_(*there), np.ix_(rows[there[0]], columns[there[1]])


def _heard(topology: Topology, voice: Voice) -> list[Voice]:
    """The voices that a voice hears, itself among them, in the order of the topology."""
    return [v for v in topology.voices if v.name in (voice.name, *voice.reads)]


@cache
def rooms(
    topology: Topology, lanes: int, rules: tuple[Rule, ...] | None = None
) -> tuple[Room, ...]:
    """Divide an arena among the voices of a topology, which learn by these rules. Appendix A."""
    rules = ("at once",) * len(topology.voices) if rules is None else rules
    made: dict[str, Room] = {}
    places: dict[str, tuple[int, int]] = {}
    at = 0
    for voice, rule in zip(topology.voices, rules, strict=True):
        sizes = [len(v.blocks) * max(v.blocks) * lanes for v in _heard(topology, voice)]
        room = Room(
            lanes=lanes,
            start=topology.parts(voice.name)[0].start,
            inputs=voice.inputs,
            blocks=len(voice.blocks),
            cells=max(voice.blocks),
            heard=tuple((0, size) for size in sizes),
            at=at,
            softmax=voice.outputs == "softmax",
            rule=rule,
            peepholes=voice.peepholes,
        )
        made[voice.name] = room
        places[voice.name] = (room.place("cell_output"), room.units * lanes)
        at += room.size
    return tuple(
        replace(made[voice.name], heard=tuple(places[v.name] for v in _heard(topology, voice)))
        for voice in topology.voices
    )


def _cells(topology: Topology, voice: Voice) -> np.ndarray:
    """The network's number of each cell of a room, or -1; the first cells of all blocks first."""
    first = topology.parts(voice.name)[2].start + np.cumsum((0, *voice.blocks[:-1]))
    return np.array(
        [
            start + k if k < size else -1
            for k in range(max(voice.blocks))
            for start, size in zip(first, voice.blocks, strict=True)
        ]
    )


@cache
def _wiring(topology: Topology) -> tuple[_Wiring, ...]:
    """Match rooms with matrices, for each voice."""
    wirings = []
    for voice in topology.voices:
        inputs, blocks, _ = topology.parts(voice.name)
        inputs, blocks = np.r_[inputs], np.r_[blocks]
        cells = _cells(topology, voice)
        heard = np.concatenate([_cells(topology, v) for v in _heard(topology, voice)])
        gates = [blocks + kind * topology.blocks for kind in range(3)]
        last = [topology.sources - 1]

        def after(numbers: np.ndarray, offset: int) -> np.ndarray:
            return np.where(numbers < 0, -1, numbers + offset)

        # Each cell of a block, seen by each kind of gate.
        states = after(cells, topology.state_sources.start).reshape(-1, 1, len(blocks))
        gates_that_see = np.stack(gates)[None] if voice.peepholes else np.zeros((1, 0, 1), int)
        peepholes = np.broadcast_arrays(gates_that_see, states)

        hidden = (
            np.concatenate([*gates, after(cells, 3 * topology.blocks)]),
            np.concatenate([inputs, after(heard, topology.inputs), last]),
        )
        output = inputs, np.concatenate([inputs, after(cells, topology.inputs), last])
        grids = _grids(*hidden), _grids(*output)
        wirings.append(_Wiring(*hidden, *output, cells, *peepholes, *grids))
    return tuple(wirings)


def _forget(room: Room, arena: np.ndarray, lane: int) -> None:
    """Clear what a room remembers of how its weights changed."""
    for name in room.shapes():
        if name == "updates" or name.endswith(_MEMORY[room.rule]):
            room.view(arena, name)[..., lane] = 0.0


def zeros(count: int) -> np.ndarray:
    """Float64 zeros, shape ``(count,)``, that begin where a line of the cache does. Appendix A."""
    data = np.zeros(count + ALIGNED)
    skipped = -(data.ctypes.data // data.itemsize) % ALIGNED
    return data[skipped : skipped + count]


class Arena:
    """Networks of one topology packed side by side, with all that training needs of them.

    Parameters
    ----------
    topology : of all networks in it.
    lanes : how many stand side by side.
    rules : how the weights of each voice learn, see `Rule`; ``None``: all at once.

    Raises
    ------
    ValueError : for a number of rules that is not that of the voices, a rule that there is not, or
        several lanes with a rule other than at once.
    """

    def __init__(
        self, topology: Topology, lanes: int = 1, rules: tuple[Rule, ...] | None = None
    ) -> None:
        if rules is not None:
            if len(rules) != len(topology.voices) or not set(rules) <= set(_MEMORY):
                raise ValueError(
                    f"expected a rule for each of {len(topology.voices)} voices, each one of "
                    f"{list(_MEMORY)}, got {list(rules)}"
                )
            if lanes > 1 and set(rules) != {"at once"}:
                raise ValueError(
                    f"{lanes} lanes: only the rule 'at once' learns in several, got {list(rules)}"
                )
        self.topology, self.lanes = topology, lanes
        self.rooms = rooms(topology, lanes, rules)
        self.data = zeros(sum(room.size for room in self.rooms))
        self.cursors = np.zeros((lanes, 5), dtype=np.int64)
        for room, voice, wiring in self._voices():
            room.view(self.data, "source")[-1] = 1.0
            room.view(self.data, "audible")[wiring.cells >= 0] = 1.0
            room.view(self.data, "likelihood")[:] = 1.0
            for name in "gh":
                low, high = getattr(voice, name)
                room.view(self.data, f"{name}_low")[:] = low
                room.view(self.data, f"{name}_width")[:] = high - low

    def __repr__(self) -> str:
        lanes = briefly.counted(self.lanes, "lane")
        return f"Arena({briefly.voices(self.topology.voices)}; {lanes})"

    def _voices(self) -> Iterator[tuple[Room, Voice, _Wiring]]:
        return zip(self.rooms, self.topology.voices, _wiring(self.topology), strict=True)

    def set_weights(self, network: Network, lane: int = 0) -> None:
        """Put a network into a lane, cleared and without momentum or running means."""
        for room, _, wiring in self._voices():
            for name in ("hidden", "output"):
                there, at = getattr(wiring, name)
                weights = room.view(self.data, name)[..., lane].T
                weights[...] = 0.0
                weights[there] = getattr(network, name)[at]
            if room.peepholes:
                there = wiring.peephole_columns >= 0
                room.view(self.data, "peephole")[there, lane] = network.hidden[
                    wiring.peephole_rows[there], wiring.peephole_columns[there]
                ]
            _forget(room, self.data, lane)
        self.clear(lane)

    def weights(self, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The matrices ``hidden`` and ``output`` of a lane, as `Network` has them."""
        return self._matrices("hidden", lane), self._matrices("output", lane)

    def velocity(self, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The momentum of each weight of a lane, shaped as the weights are.

        Of a voice that learns by Adam it is the running mean of the gradient.
        """
        return self._matrices("hidden_velocity", lane), self._matrices("output_velocity", lane)

    def square(self, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Adam's running mean of each gradient's square, shaped as the weights are; 0 elsewhere."""
        return self._matrices("hidden_square", lane), self._matrices("output_square", lane)

    def _matrices(self, name: str, lane: int) -> np.ndarray:
        t = self.topology
        hidden = name.startswith("hidden")
        matrix = np.zeros((t.hidden_units if hidden else t.inputs, t.sources))
        for room, _, w in self._voices():
            if name not in room.shapes():
                continue
            there, at = w.hidden if hidden else w.output
            matrix[at] = room.view(self.data, name)[..., lane].T[there]
            if hidden and room.peepholes:
                there = w.peephole_columns >= 0
                values = room.view(self.data, name.replace("hidden", "peephole"))[..., lane]
                matrix[w.peephole_rows[there], w.peephole_columns[there]] = values[there]
        return matrix

    def network(self, lane: int = 0) -> Network:
        """A copy of the network in a lane.

        Raises
        ------
        ValueError : if one of its weights is not finite.
        """
        return Network(self.topology, *self.weights(lane))

    def state(self, lane: int = 0) -> State:
        """A copy of the state of the network in a lane."""
        state, output = np.zeros((2, self.topology.cells))
        for room, _, wiring in self._voices():
            there = wiring.cells >= 0
            state[wiring.cells[there]] = room.view(self.data, "cell_state")[there, lane]
            output[wiring.cells[there]] = room.view(self.data, "cell_output")[there, lane]
        return State(state, output)

    def set_state(self, state: State, lane: int = 0) -> None:
        """Put a state into a lane: the next run goes on from it."""
        for room, _, wiring in self._voices():
            there = wiring.cells >= 0
            for name, values in zip(State._fields, state, strict=True):
                room.view(self.data, name)[there, lane] = values[wiring.cells[there]]

    def partials(self, lane: int = 0) -> np.ndarray:
        """The partials of a lane, shape ``(3, cells, sources)``: cell, input gate, forget gate.

        They are 0 where no weight needs them.
        """
        partials = np.zeros((3, self.topology.cells, self.topology.sources))
        for room, _, w in self._voices():
            rows, columns = w.cells >= 0, w.hidden_columns >= 0
            values = room.view(self.data, "partials")[..., lane].transpose(1, 2, 0)
            for kind in range(3):
                partials[kind][np.ix_(w.cells[rows], w.hidden_columns[columns])] = values[kind][
                    np.ix_(rows, columns)
                ]
            if room.peepholes:
                values = room.view(self.data, "peephole_partials")[..., lane]
                for kind in range(2):  # of input and forget gates; each cell has all its block's
                    columns = np.tile(w.peephole_columns[:, kind], (1, room.cells))
                    there = (columns >= 0) & rows
                    of = np.broadcast_to(w.cells, there.shape)[there], columns[there]
                    partials[1 + kind][of] = values[:, kind][there]
        return partials

    def clear(self, lane: int = 0) -> None:
        """Clear states, cell outputs and partials of a lane; weights and momentum stay."""
        for room in self.rooms:
            for name in _CLEARED:
                if name in room.shapes():
                    room.view(self.data, name)[..., lane] = 0.0

    def set_learning(
        self,
        voice: int,
        *,
        learning_rate: float,
        momentum: float,
        wrong: float = np.inf,
        clip: float = np.inf,
        lane: int = 0,
    ) -> None:
        """Set how a voice learns: how fast, with what momentum, what error of an output is gross.

        With a learning rate of 0 it stops, and its momentum and running means are cleared; its
        partials, which then stand still, are cleared when it goes on. ``clip`` is the largest norm
        of its gradient of a step; a longer one is shortened.

        Raises
        ------
        ValueError : for a limit to the norm where weights learn at once.
        """
        room = self.rooms[voice]
        if room.rule != "at once":
            room.view(self.data, "clip")[0, lane] = clip
        elif clip != np.inf:
            raise ValueError(
                f"a gradient's norm is known when the step is over: where weights learn at once it "
                f"can't be limited to {clip}"
            )
        if room.view(self.data, "rate")[0, lane] == 0.0:
            for name in room.shapes():
                if name.endswith("partials"):
                    room.view(self.data, name)[..., lane] = 0.0
        for name, value in (("rate", learning_rate), ("momentum", momentum), ("wrong", wrong)):
            room.view(self.data, name)[0, lane] = value
        if learning_rate == 0.0:
            room.view(self.data, "momentum")[0, lane] = 0.0
            _forget(room, self.data, lane)

    def train(
        self,
        rolls: np.ndarray,
        orders: np.ndarray,
        forgiven: np.ndarray,
        steps: int,
        fresh: np.ndarray | None = None,
    ) -> Tally:
        """Learn online for some steps, going on where the last call stopped.

        Parameters
        ----------
        rolls : the choruses, shape ``(choruses, steps, inputs)``.
        orders : for each lane the choruses to go on with after the present one, shape
            ``(lanes, more than steps)``; what is not used up is forgotten.
        forgiven : for each lane, how many gross errors cause a reset.
        steps : how many.
        fresh : for each lane, after how many choruses in a row the next begins from a cleared
            state; ``None``: never.
        """
        for room in self.rooms:
            room.view(self.data, "likelihood")[:] = 1.0
            room.view(self.data, "rescaled")[:] = 0.0
        tally = np.zeros((self.lanes, 2), dtype=np.int64)
        fresh = np.full(self.lanes, np.iinfo(np.int64).max) if fresh is None else fresh
        _train(self.rooms, self.data, rolls, orders, self.cursors, forgiven, fresh, tally, steps)
        entropy = [
            -np.log(room.view(self.data, "likelihood")[0])
            - room.view(self.data, "rescaled")[0] * np.log(RESCALE)
            for room in self.rooms
        ]
        return Tally(tally[:, 0], tally[:, 1], np.array(entropy).T)

    def run(
        self,
        roll: np.ndarray,
        given: int,
        draws: np.ndarray | None = None,
        temperature: float = 1.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Hear a roll without learning (one lane), going on from the state it is in.

        Parameters
        ----------
        roll : inputs, shape ``(steps, inputs)``; rows from ``given`` on are replaced by the
            network's own choices, as each voice makes them (see `Voice`).
        given : rows that are not replaced, at least 1.
        draws : uniform random numbers for voices that draw, shape ``(steps, voices)``.
        temperature : of their drawing, see `draw_unit`.

        Returns
        -------
        roll, predictions : what was heard, and the prediction made at each step; both of
        ``roll``'s shape.

        Raises
        ------
        ValueError : if a voice that draws has outputs that can't be probabilities.
        """
        t = self.topology
        heard, predictions = roll.copy(), np.zeros(roll.shape)
        draws = np.zeros((len(roll), len(t.voices))) if draws is None else draws
        voices = np.array(
            [
                (t.parts(v.name)[0].start, t.parts(v.name)[0].stop, v.choice == "sample")
                for v in t.voices
            ]
        )
        failed = _run(self.rooms, self.data, heard, given, predictions, voices, draws, temperature)
        if failed:
            raise ValueError(
                f"step {failed}: the outputs of a voice sum to zero or are not finite; "
                "no note can be drawn from them"
            )
        return heard, predictions

    def recall(self, roll: np.ndarray, choruses: int) -> Recall:
        """Free run from a cleared state until the first wrong note, or the return of a state.

        Parameters
        ----------
        roll : one chorus, shape ``(steps, inputs)``; its first row is given.
        choruses : how many to play at the most.
        """
        self.clear()
        snapshot, predictions = np.zeros(self.data.shape), np.zeros((1, roll.shape[1]))
        return Recall(*_recall(self.rooms, self.data, roll, choruses, snapshot, predictions))
