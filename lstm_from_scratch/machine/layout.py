"""Where everything stands in the arena: the flat array in which the compiled steps work.

Each voice has a `Room` in it, whose size and place are known when the steps are compiled. Several
networks of one topology may stand side by side in *lanes*; the ordinary case is one lane. The
innermost dimension of everything is the lane, then the block: that is what a processor works on at
once (see `vectors`).

Appendix A (The engine room) looks into a room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

import numpy as np

from .. import limits
from ..arguments import checked, exactly, several, whole
from .network import Topology, Voice

Rule = Literal["at once", "momentum", "adam", "rmsprop"]
"""How the weights of a voice learn: by momentum, each as soon as its own gradient is known; or when
the gradient of the step is there for all, its norm limited, by momentum, Adam or RMSProp."""

MEMORY = {
    "at once": ("velocity",),
    "momentum": ("velocity", "gradient"),
    "adam": ("velocity", "square", "gradient"),
    "rmsprop": ("square", "gradient"),
}
"""What each rule remembers of every weight. Adam's running mean has the place of the velocity."""

ALIGNED = 8
"""Numbers in a line of the cache, 64 bytes. Where each part of the arena begins at a multiple of
it, no vector lies across two lines, and training is a fifth to a third faster."""

CLEARED = ("cell_state", "cell_output", "partials", "peephole_partials")
"""What is cleared with a state."""


def _aligned(start: int) -> int:
    """The next multiple of ``ALIGNED``."""
    return -(-start // ALIGNED) * ALIGNED


@checked(
    lanes=whole(1),
    start=whole(0),
    inputs=whole(1),
    first=whole(0),
    outputs=whole(1),
    blocks=whole(1),
    cells=whole(1),
    heard=several(exactly(whole(0), whole(1))),
    at=whole(0),
)
@dataclass(frozen=True)
class Room:
    """Where one voice stands in the arena, all in float64 numbers; known when compiling.

    Not a named tuple: Numba would take any two of them for the same type, and run code that was
    made for one on the other.

    lanes : networks side by side. start : the voice's first unit in a row of inputs. inputs : input
    units. first : its first unit in a row of targets. outputs : output units. blocks : memory
    blocks. cells : cells of its largest block; smaller ones are filled up with cells that are never
    heard. heard : for each voice it reads, itself among them, in the order of
    the topology: the place of its cell outputs and how many there are. at : where the room begins.
    softmax : whether its outputs are probabilities of one unit among all, or each by itself.
    rule : how its weights learn. peepholes : whether gates read the states of their block's cells.
    """

    lanes: int
    start: int
    inputs: int
    first: int
    outputs: int
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
    def wide(self) -> int:
        """Numbers in a row of weights to the output units: as many, then zeros that stay zeros.

        A row of thirteen numbers would be read in three pieces, one of sixteen is read in two.
        """
        return _aligned(self.outputs)

    @property
    def hidden(self) -> int:
        """Hidden units: three gates a block, and the cells."""
        return 3 * self.blocks + self.units

    def weights(self) -> dict[str, tuple[int, ...]]:
        """The tables of weights that the room holds, in order, each with its shape.

        Peepholes: for each of a block's cells, those to its input, forget and output gate.
        """
        weights = {
            "output": (self.output_sources, self.wide, self.lanes),
            "hidden": (self.sources, self.hidden, self.lanes),
        }
        if self.peepholes:
            weights["peephole"] = (self.cells, 3, self.blocks, self.lanes)
        return weights

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """What the room holds, in order, each with its shape; the last axis is always the lane."""
        return _shapes(self)

    @property
    def size(self) -> int:
        """Numbers in the room, those between its parts included; a multiple of ``ALIGNED``."""
        return _aligned(max(stop for _, stop, _ in _plan(self).values())) - self.at

    def place(self, name: str) -> int:
        """Where a part of the room begins in the arena."""
        return _plan(self)[self._known(name)][0]

    def _known(self, name: str) -> str:
        if name not in self.shapes():
            raise ValueError(f"name: expected one of {list(self.shapes())}, got {name!r}")
        return name

    def view(self, arena: np.ndarray, name: str) -> np.ndarray:
        """A part of the room as an array of its own shape, sharing memory with the arena."""
        start, stop, shape = _plan(self)[self._known(name)]
        if arena.shape < (stop,) or arena.ndim > 1:
            raise ValueError(
                f"arena: expected one row of at least {stop} numbers, got shape {arena.shape}"
            )
        return arena[start:stop].reshape(shape)


@cache
def _shapes(room: Room) -> Mapping[str, tuple[int, ...]]:
    """What a room holds, see `Room.shapes`."""
    lanes, units = room.lanes, room.units
    weights = room.weights()
    tables = ["", *(f"_{memory}" for memory in MEMORY[room.rule])]
    order = [(name, table) for name in weights for table in tables]
    if room.rule != "at once":  # all weights in a row, then all that is remembered of one kind
        order.sort(key=lambda it: tables.index(it[1]))
    of_a_step = {} if room.rule == "at once" else {"clip": (1, lanes), "updates": (1, lanes)}
    through_peepholes = (
        {
            "state_before": (units, lanes),
            "peephole_partials": (room.cells, 2, units, lanes),
        }
        if room.peepholes
        else {}
    )
    return MappingProxyType(
        {
            "cell_output": (units, lanes),
            "cell_state": (units, lanes),
            "rate": (1, lanes),
            "momentum": (1, lanes),
            "wrong": (1, lanes),
            "judged": (1, lanes),
            "g_low": (1, lanes),
            "g_width": (1, lanes),
            "h_low": (1, lanes),
            "h_width": (1, lanes),
            "worst": (1, lanes),
            "likelihood": (1, lanes),
            "rescaled": (1, lanes),
            "audible": (units, lanes),
            "source": (room.sources, lanes),
            "prediction": (room.outputs, lanes),
            "target": (room.outputs, lanes),
            "into_cell": (units, lanes),
            **of_a_step,
            **{f"{name}{table}": weights[name] for name, table in order},
            "partials": (room.sources, 3, units, lanes),
            **through_peepholes,
        }
    )


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


# ---- The rooms of a topology ---------------------------------------------------------------------


@checked
def heard_by(topology: Topology, voice: Voice) -> list[Voice]:
    """The voices that a voice hears, itself among them, in the order of the topology."""
    return [v for v in topology.voices if v.name in (voice.name, *voice.reads)]


@checked(lanes=whole(1, limits.UNITS))
@cache
def rooms(
    topology: Topology, lanes: int, rules: tuple[Rule, ...] | None = None
) -> tuple[Room, ...]:
    """Divide an arena among the voices of a topology, which learn by these rules. Appendix A."""
    rules = ("at once",) * len(topology.voices) if rules is None else rules
    if len(rules) != len(topology.voices):
        raise ValueError(
            f"rules: expected one for each of {len(topology.voices)} voices, got {rules}"
        )
    made: dict[str, Room] = {}
    places: dict[str, tuple[int, int]] = {}
    at = 0
    for voice, rule in zip(topology.voices, rules, strict=True):
        sizes = [len(v.blocks) * max(v.blocks) * lanes for v in heard_by(topology, voice)]
        room = Room(
            lanes=lanes,
            start=topology.parts(voice.name)[0].start,
            inputs=voice.inputs,
            first=topology.outputs_of(voice.name).start,
            outputs=int(voice.outputs),
            blocks=len(voice.blocks),
            cells=max(voice.blocks),
            heard=tuple((0, size) for size in sizes),
            at=at,
            softmax=voice.activation == "softmax",
            rule=rule,
            peepholes=voice.peepholes,
        )
        made[voice.name] = room
        places[voice.name] = (room.place("cell_output"), room.units * lanes)
        at += room.size
    return tuple(
        replace(made[voice.name], heard=tuple(places[v.name] for v in heard_by(topology, voice)))
        for voice in topology.voices
    )


@checked(count=whole(0, 10**9))
def zeros(count: int) -> np.ndarray:
    """Float64 zeros, shape ``(count,)``, that begin where a line of the cache does. Appendix A."""
    data = np.zeros(count + ALIGNED)
    skipped = -(data.ctypes.data // data.itemsize) % ALIGNED
    return data[skipped : skipped + count]
