"""One step of one voice, compiled: what it answers, and how its weights learn from it.

These are the equations of `network` and `gradient` once more, written for the `Room` of a voice:
they differ in layout, not in arithmetic. A function without a body is a name for what the
``overload`` below it builds, for each kind of room another; what is known of the room is a constant
there. Nothing may be reordered by the compiler: every sum is made from its first term to its last.

Appendix A (The engine room) tells why.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

from numba import types
from numba.extending import (
    NativeValue,
    models,
    overload,
    register_model,
    typeof_impl,
    unbox,
)

from .bptt import adam_update, clip_norm, momentum_update
from .layout import CLEARED, Room
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

COMPILED = ("kernel.py", "steps.py", "layout.py", "vectors.py", "bptt.py")
"""The files that machine code comes from; the places that `layout` finds are constants in it."""

# A compiled function is cached on disk under the types of its arguments. This digest is part of
# them, so that a change in any of these files is a change of type.
_DIGEST = hashlib.sha256(
    b"".join(Path(__file__).with_name(name).read_bytes() for name in COMPILED)
).hexdigest()[:12]

LEAST, RESCALE = 2.0**-60, 2.0**-600
"""The running product of probabilities is kept from underflow: when it falls below ``RESCALE`` it
is divided by that, and what is smaller than ``LEAST`` then counts as that in the reported error."""


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


def listen(room, arena):
    """Copy what the voices let out at the step before to where this voice's units read it."""


@overload(listen, jit_options={"forceinline": True})
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


def present(room, arena, lane, inputs, targets):
    """Put one lane's inputs and targets, two rows of a roll, in place."""


@overload(present, jit_options={"forceinline": True})
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


def judge(room, arena, lane):
    """Say whether one lane's step was a gross error; keep its likelihood from underflow."""


@overload(judge, jit_options={"forceinline": True})
def _(room, arena, lane):
    r = room.room
    worst, wrong, likelihood, rescaled = map(r.place, ("worst", "wrong", "likelihood", "rescaled"))

    def judge(room, arena, lane):
        if arena[likelihood + lane] < RESCALE:
            arena[likelihood + lane] = max(arena[likelihood + lane], RESCALE * LEAST) / RESCALE
            arena[rescaled + lane] += 1.0
        return arena[worst + lane] > arena[wrong + lane]

    return judge


def changed(room, arena, snapshot):
    """Does the state of a voice differ from that in another arena?"""


@overload(changed, jit_options={"forceinline": True})
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


def clear(room, arena, lane):
    """Clear one lane's cell states, cell outputs and partials."""


@overload(clear, jit_options={"forceinline": True})
def _(room, arena, lane):
    r = room.room
    lanes, shapes = r.lanes, r.shapes()
    parts = tuple((r.place(n), math.prod(shapes[n]) // lanes) for n in CLEARED if n in shapes)

    def clear(room, arena, lane):
        for part in range(len(parts)):
            place, count = parts[part]
            for k in range(count):
                arena[place + k * lanes + lane] = 0.0
        return False

    return clear


def recalled(room, arena, out, at):
    """Write a voice's predictions (one lane) to row ``at``; is one on the wrong side of 0.5?"""


@overload(recalled, jit_options={"forceinline": True})
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


def hear(room, arena):
    """One step of one voice without learning."""


@overload(hear, jit_options={"forceinline": True})
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


def practise(room, arena):
    """One step of one voice with learning; one that stands still in all lanes is spared it."""


@overload(practise, jit_options={"forceinline": True})
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
