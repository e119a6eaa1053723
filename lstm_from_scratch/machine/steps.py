"""One step of one voice, compiled: it listens, its cells change, it predicts.

These are the equations of `network` once more, written for the `Room` of a voice: they differ in
layout, not in arithmetic. A function without a body is a name for what the ``overload`` below it
builds, for each room another; what is known of the room is a constant there. Nothing may be
reordered by the compiler: every sum is made from its first term to its last. How the weights learn
from the step stands in `updates`.

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
    register_model,
    typeof_impl,
    unbox,
)

from .compiling import overload
from .layout import CLEARED, Room
from .vectors import (
    exp,
    fold_maximum,
    fold_sum,
    load,
    logistic,
    resized,
    splat,
    store,
    tile,
)

COMPILED = ("kernel.py", "steps.py", "updates.py", "layout.py", "vectors.py", "bptt.py")
"""The files that machine code comes from; the places that `layout` finds are constants in it."""

# A compiled function is cached on disk under the types of its arguments. This digest is part of
# them, so that a change in any of these files is a change of type.
_DIGEST = hashlib.sha256(
    b"".join(Path(__file__).with_name(name).read_bytes() for name in COMPILED)
).hexdigest()[:12]


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


def present(room, arena, lane, inputs, targets, judged):
    """Put one lane's inputs and targets in place, and whether it will be judged by them."""


@overload(present, jit_options={"forceinline": True})
def _(room, arena, lane, inputs, targets, judged):
    r = room.room
    lanes, count, start, outputs, first = r.lanes, r.inputs, r.start, r.outputs, r.first
    source, target, judged_at = map(r.place, ("source", "target", "judged"))

    def present(room, arena, lane, inputs, targets, judged):
        for unit in range(count):
            arena[source + unit * lanes + lane] = inputs[start + unit]
        for unit in range(outputs):
            arena[target + unit * lanes + lane] = targets[first + unit]
        arena[judged_at + lane] = judged
        return False

    return present


def _respond(room, net):
    """The outputs of one voice, of their net inputs."""


@overload(_respond, jit_options={"forceinline": True})
def _(room, net):
    outputs = room.room.outputs
    if not room.room.softmax:
        return lambda room, net: logistic(net)

    def respond(room, net):
        powers = exp(net - tile(fold_maximum(net, outputs), outputs))
        return powers / tile(fold_sum(powers, outputs), outputs)

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


def _net_inputs(room, arena):
    """What reaches the hidden units of one voice: input, forget and output gates, cells."""


@overload(_net_inputs, jit_options={"forceinline": True})
def _(room, arena):
    r = room.room
    lanes, blocks, units, sources = r.lanes, r.blocks, r.units, r.sources
    gate_width, cell_width = blocks * lanes, units * lanes
    hidden_width = 3 * gate_width + cell_width
    source, hidden = r.place("source"), r.place("hidden")

    def net_inputs(room, arena):
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
        return input_net, forget_net, output_net, cell_net

    return net_inputs


def read(room, arena, s):
    """What output units read from their source s: an input, one of the voice's cells, or 1."""


@overload(read, jit_options={"forceinline": True})
def _(room, arena, s):
    r = room.room
    lanes, inputs, last = r.lanes, r.inputs, r.output_sources - 1
    source, cells = r.place("source"), r.place("cell_output")
    bias = source + (r.sources - 1) * lanes

    def read(room, arena, s):
        place = source + s * lanes
        if s >= inputs:
            place = cells + (s - inputs) * lanes
        if s == last:
            place = bias
        return load(arena, place, lanes)

    return read


def _predict(room, arena):
    """The outputs of one voice, of its inputs and what its cells let out now."""


@overload(_predict, jit_options={"forceinline": True})
def _(room, arena):
    r = room.room
    wide, sources, width, row = r.wide, r.output_sources, r.outputs * r.lanes, r.wide * r.lanes
    output, prediction_at = r.place("output"), r.place("prediction")

    def predict(room, arena):
        net = splat(0.0, row)
        for s in range(sources):
            x = read(room, arena, s)
            net = net + load(arena, output + s * row, row) * tile(x, wide)
        prediction = _respond(room, resized(net, width))
        store(arena, prediction_at, prediction)
        return prediction

    return predict


def activate(room, arena):
    """The forward pass of one voice; returns what learning needs of it."""


@overload(activate, jit_options={"forceinline": True})
def _(room, arena):
    r = room.room
    lanes, cells, units, cell_width = r.lanes, r.cells, r.units, r.units * r.lanes
    state_at, output_at, audible = map(r.place, ("cell_state", "cell_output", "audible"))
    g_low, g_width, h_low, h_width = map(r.place, ("g_low", "g_width", "h_low", "h_width"))

    def activate(room, arena):
        input_net, forget_net, output_net, cell_net = _net_inputs(room, arena)
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

        prediction = _predict(room, arena)
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


def hear(room, arena):
    """One step of one voice without learning."""


@overload(hear, jit_options={"forceinline": True})
def _(room, arena):
    def hear(room, arena):
        activate(room, arena)
        return False

    return hear


def recalled(room, arena, out, at):
    """Write a voice's predictions (one lane) to row ``at``; is one on the wrong side of 0.5?"""


@overload(recalled, jit_options={"forceinline": True})
def _(room, arena, out, at):
    r = room.room
    outputs, first, prediction, target = (
        r.outputs,
        r.first,
        r.place("prediction"),
        r.place("target"),
    )

    def recalled(room, arena, out, at):
        wrong = False
        for unit in range(outputs):
            p = arena[prediction + unit]
            out[at, first + unit] = p
            wrong = wrong or (p > 0.5) != (arena[target + unit] > 0.5)
        return wrong

    return recalled


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
