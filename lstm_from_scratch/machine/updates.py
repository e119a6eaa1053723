"""How one voice learns from a step, compiled: errors, partials, and the change of every weight.

These are the equations of `gradient` once more, in the form of `steps`, which makes the step itself
and says how such functions are to be read. What a weight does with its gradient depends on the rule
of its voice: it changes at once, or the gradient is put by until the step is over.

Appendix A (The engine room) tells why.
"""

from __future__ import annotations

import math

from numba.extending import register_jitable

from .bptt import adam_update, clip_norm, momentum_update, rmsprop_update
from .compiling import overload
from .layout import Room
from .steps import activate, read
from .vectors import (
    absolute,
    flush,
    fold_maximum,
    fold_product,
    fold_sum,
    load,
    resized,
    store,
    tile,
)

LEAST, RESCALE = 2.0**-60, 2.0**-600
"""The running product of probabilities is kept from underflow: when it falls below ``RESCALE`` it
is divided by that, and what is smaller than ``LEAST`` then counts as that in the reported error."""


FADED, SWEPT_EVERY = 2.0**-300, 256
"""Partials and what a rule remembers of a weight fade while gates are closed. What is smaller than
the first is made 0, once in so many steps. It could change no weight: 2 to the -500 is lost in the
rounding of any number above 2 to the -447. Left alone it would fade to a subnormal number, with
which a processor computes many times slower, and stay there."""


# ---- What was predicted, and what came -----------------------------------------------------------


def _right(room, prediction, target, off):
    """How likely the targets were by a prediction that is so far off."""


@overload(_right, jit_options={"forceinline": True})
def _(room, prediction, target, off):
    outputs = room.room.outputs
    if not room.room.softmax:
        return lambda room, prediction, target, off: fold_product(1.0 - off, outputs)
    # One unit is on, and its probability is all that counts: the others share what it lacks.
    return lambda room, prediction, target, off: fold_sum(prediction * target, outputs)


def _compare(room, arena, prediction):
    """Hold a prediction against the targets: how far off, how likely; returns the errors."""


@overload(_compare, jit_options={"forceinline": True})
def _(room, arena, prediction):
    r = room.room
    lanes, outputs, output_width = r.lanes, r.outputs, r.outputs * r.lanes
    target_at, judged_at, worst = map(r.place, ("target", "judged", "worst"))
    likelihood = r.place("likelihood")

    def compare(room, arena, prediction):
        target, judged = load(arena, target_at, output_width), load(arena, judged_at, lanes)
        # A step that is not judged has no error: all is multiplied by 1.0, or by 0.0.
        delta = tile(judged, outputs) * (prediction - target)
        off = absolute(delta)
        store(arena, worst, fold_maximum(off, outputs))
        right = judged * _right(room, prediction, target, off) + (1.0 - judged)
        store(arena, likelihood, load(arena, likelihood, lanes) * right)
        return delta

    return compare


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


# ---- What a weight does with its gradient --------------------------------------------------------


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


def _written(r: Room) -> str:
    """What `_change` writes beside weights of a room: their velocity, or the gradient put by."""
    return "velocity" if r.rule == "at once" else "gradient"


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

    @register_jitable
    def slope_of(arena):
        slope = arena[gradient : gradient + count]
        if arena[clip] < math.inf:
            clip_norm(slope, arena[clip])
        return slope

    if r.rule == "rmsprop":
        square = r.place("output_square")

        def by_rmsprop(room, arena):
            rmsprop_update(
                arena[weights : weights + count],
                arena[square : square + count],
                slope_of(arena),
                arena[rate],
            )

        return by_rmsprop
    velocity, momentum = r.place("output_velocity"), r.place("momentum")

    def by_momentum(room, arena):
        momentum_update(
            arena[weights : weights + count],
            arena[velocity : velocity + count],
            slope_of(arena),
            arena[rate],
            arena[momentum],
        )

    if r.rule == "momentum":
        return by_momentum
    square = r.place("output_square")

    def by_adam(room, arena):
        adam_update(
            arena[weights : weights + count],
            arena[velocity : velocity + count],
            arena[square : square + count],
            slope_of(arena),
            arena[rate],
            int(arena[updates]),
        )
        arena[updates] += 1.0

    return by_adam


# ---- The gradient of a step ----------------------------------------------------------------------


def _into_states(room, arena, delta, output_gate, squashed, heard):
    """Follow the outputs' errors back: what reaches output gates, and what reaches states."""


@overload(_into_states, jit_options={"forceinline": True})
def _(room, arena, delta, output_gate, squashed, heard):
    r = room.room
    lanes, cells, units, inputs, outputs = r.lanes, r.cells, r.units, r.inputs, r.outputs
    cell_width, width, row = units * lanes, outputs * lanes, r.wide * lanes
    output, into_cell, audible = map(r.place, ("output", "into_cell", "audible"))
    h_width = r.place("h_width")

    def into_states(room, arena, delta, output_gate, squashed, heard):
        delta = resized(delta, row)
        for c in range(units):
            back = load(arena, output + (inputs + c) * row, row) * delta
            store(arena, into_cell + c * lanes, fold_sum(resized(back, width), outputs))
        error = load(arena, into_cell, cell_width)
        gate_error = fold_sum(error * heard, cells) * (output_gate * (1.0 - output_gate))
        h_slope = tile(load(arena, h_width, lanes), units) * (squashed * (1.0 - squashed))
        audible_error = error * load(arena, audible, cell_width)
        return gate_error, audible_error * tile(output_gate, cells) * h_slope

    return into_states


def _learn_outputs(room, arena, step, keep):
    """Change the weights into the outputs, whose errors times the rate are ``step``."""


@overload(_learn_outputs, jit_options={"forceinline": True})
def _(room, arena, step, keep):
    r = room.room
    wide, sources, row = r.wide, r.output_sources, r.wide * r.lanes
    output, memory = r.place("output"), r.place(f"output_{_written(r)}")

    def learn_outputs(room, arena, step, keep):
        step = resized(step, row)
        for s in range(sources):
            x = tile(read(room, arena, s), wide)
            _change(room, arena, output + s * row, memory + s * row, keep, step * x)
        return False

    return learn_outputs


def _learn_hidden(room, arena, kept, gains, step_cell, step_gate, keep_cell, keep_gate):
    """Carry the partials over the step, and change the weights into gates and cells.

    ``kept`` and ``gains`` say what becomes of the partials of cell, input gate and forget gate, the
    steps are errors times the rate, and what is kept is the momentum.
    """


@overload(_learn_hidden, jit_options={"forceinline": True})
def _(room, arena, kept, gains, step_cell, step_gate, keep_cell, keep_gate):
    r = room.room
    lanes, blocks, cells, units, sources = r.lanes, r.blocks, r.cells, r.units, r.sources
    gate_width, cell_width = blocks * lanes, units * lanes
    hidden_width, partial_width = 3 * gate_width + cell_width, 3 * cell_width
    source, partials = r.place("source"), r.place("partials")
    hidden, memory = r.place("hidden"), r.place(f"hidden_{_written(r)}")

    def learn_hidden(room, arena, kept, gains, step_cell, step_gate, keep_cell, keep_gate):
        gain_cell, gain_input, gain_forget = gains
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

            w, m = hidden + s * hidden_width, memory + s * hidden_width
            _change(room, arena, w, m, keep_gate, fold_sum(step_cell * by_input, cells))
            w, m = w + gate_width, m + gate_width
            _change(room, arena, w, m, keep_gate, fold_sum(step_cell * by_forget, cells))
            w, m = w + gate_width, m + gate_width
            _change(room, arena, w, m, keep_gate, step_gate * tile(x, blocks))
            w, m = w + gate_width, m + gate_width
            _change(room, arena, w, m, keep_cell, step_cell * cell)
        return False

    return learn_hidden


def _learn_peepholes(room, arena, kept, gain_input, gain_forget, step_cell, step_gate, keep):
    """What `_learn_hidden` does, for the states that gates read through peepholes.

    The vectors are those of `_learn`; ``keep`` is the momentum of gates.
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
    memory = r.place(f"peephole_{_written(r)}")

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
    """One online update of one voice from the record of its step and its outputs' errors."""


@overload(_learn, jit_options={"forceinline": True})
def _(room, arena, record, delta):
    r = room.room
    lanes, blocks, cells, units, outputs = r.lanes, r.blocks, r.cells, r.units, r.outputs
    wide = r.wide
    rate_at, momentum_at, g_width = r.place("rate"), r.place("momentum"), r.place("g_width")
    if r.rule != "at once":  # what is put by is the gradient itself, times the bias's source, 1
        rate_at = r.place("source") + (r.sources - 1) * lanes

    def learn(room, arena, record, delta):
        (i, f, o, offered, candidate, before, squashed, heard, _) = record
        rate, momentum = load(arena, rate_at, lanes), load(arena, momentum_at, lanes)
        gate_error, error = _into_states(room, arena, delta, o, squashed, heard)
        _learn_outputs(room, arena, tile(rate, outputs) * delta, tile(momentum, wide))

        # What one unit of each source adds to the partials of cell, input gate and forget gate.
        g_slope = tile(load(arena, g_width, lanes), units) * (offered * (1.0 - offered))
        kept = tile(f, cells)
        gain_cell = tile(i, cells) * g_slope
        gain_input = candidate * tile(i * (1.0 - i), cells)
        gain_forget = before * tile(f * (1.0 - f), cells)

        step_gate = flush(tile(rate, blocks) * gate_error, FADED)
        step_cell = flush(tile(rate, units) * error, FADED)
        keep_gate, keep_cell = tile(momentum, blocks), tile(momentum, units)
        gains = gain_cell, gain_input, gain_forget
        _learn_hidden(room, arena, kept, gains, step_cell, step_gate, keep_cell, keep_gate)
        _learn_peepholes(
            room, arena, kept, gain_input, gain_forget, step_cell, step_gate, keep_gate
        )

    return learn


def practise(room, arena):
    """One step of one voice with learning; one that stands still in all lanes is spared it."""


@overload(practise, jit_options={"forceinline": True})
def _(room, arena):
    r = room.room
    lanes, rate = r.lanes, r.place("rate")

    def practise(room, arena):
        record = activate(room, arena)
        delta = _compare(room, arena, record[8])
        for lane in range(lanes):
            if arena[rate + lane] != 0.0:
                _learn(room, arena, record, delta)
                _apply(room, arena)
                break
        return False

    return practise


def sweep(room, arena, lane):
    """Make zeros of what has faded in one lane: partials, and what is remembered of weights."""


@overload(sweep, jit_options={"forceinline": True})
def _(room, arena, lane):
    r = room.room
    lanes, shapes = r.lanes, r.shapes()
    parts = tuple(
        (r.place(name), math.prod(shape) // lanes)
        for name, shape in shapes.items()
        if name.endswith(("partials", "_velocity", "_square"))
    )

    def sweep(room, arena, lane):
        for part in range(len(parts)):
            place, count = parts[part]
            for k in range(count):
                value = arena[place + k * lanes + lane]
                arena[place + k * lanes + lane] = 0.0 if abs(value) < FADED else value
        return False

    return sweep
