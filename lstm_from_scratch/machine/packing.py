"""Networks into the arena and out of it again: which weight stands where.

A `Network` has two matrices whose rows and columns are ordered by kind, for all voices together; a
room has tables of its own voice alone, turned so that what is computed at once lies side by side.

Appendix A (The engine room) shows the tables.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from ..arguments import buffer, check, checked, whole
from .layout import MEMORY, Room, heard_by
from .network import Network, State, Topology, Voice

# ---- Which stands where --------------------------------------------------------------------------


class Wiring(NamedTuple):
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


@checked
@cache
def wirings(topology: Topology) -> tuple[Wiring, ...]:
    """Match rooms with matrices, for each voice."""
    found = []
    for voice in topology.voices:
        inputs, blocks, _ = topology.parts(voice.name)
        inputs, blocks = np.r_[inputs], np.r_[blocks]
        outputs = np.r_[topology.outputs_of(voice.name)]
        cells = _cells(topology, voice)
        heard = np.concatenate([_cells(topology, v) for v in heard_by(topology, voice)])
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
        output = outputs, np.concatenate([inputs, after(cells, topology.inputs), last])
        grids = _grids(*hidden), _grids(*output)
        found.append(Wiring(*hidden, *output, cells, *peepholes, *grids))
    return tuple(found)


def _expect_room(
    arena: np.ndarray,
    rooms: tuple[Room, ...] = (),
    room: Room | None = None,
    lane: int = 0,
    topology: Topology | None = None,
    network: Network | None = None,
    **_: object,
) -> None:
    """See that an arena has these rooms and this lane, and that they are of the topology."""
    rooms = rooms if room is None else (room,)
    for one in rooms:
        if one.at + one.size > len(arena):
            raise ValueError(
                f"arena: expected at least {one.at + one.size} numbers, got {len(arena)}"
            )
        check("lane", lane, whole(0, one.lanes - 1))
    if topology is not None and len(rooms) != len(topology.voices):
        raise ValueError(
            f"rooms: expected one for each of {len(topology.voices)} voices, got {len(rooms)}"
        )
    if network is not None and network.topology != topology:
        raise ValueError(f"network: expected one of {topology!r}, got {network!r}")


# ---- In ------------------------------------------------------------------------------------------


@checked(arena=buffer("numbers"), also=_expect_room)
def furnish(rooms: tuple[Room, ...], arena: np.ndarray, topology: Topology) -> None:
    """Put into empty rooms what no training changes: the constant 1, which cells are heard, ranges.

    The running product of probabilities begins at 1, too.
    """
    for room, voice, wiring in zip(rooms, topology.voices, wirings(topology), strict=True):
        room.view(arena, "source")[-1] = 1.0
        room.view(arena, "audible")[wiring.cells >= 0] = 1.0
        room.view(arena, "likelihood")[:] = 1.0
        for name in "gh":
            low, high = getattr(voice, name)
            room.view(arena, f"{name}_low")[:] = low
            room.view(arena, f"{name}_width")[:] = high - low


@checked(arena=buffer("numbers"), lane=whole(0), also=_expect_room)
def put_weights(
    rooms: tuple[Room, ...], arena: np.ndarray, lane: int, topology: Topology, network: Network
) -> None:
    """Put the weights of a network into a lane; cells that only fill up their block get none."""
    for room, wiring in zip(rooms, wirings(topology), strict=True):
        for name in ("hidden", "output"):
            there, at = getattr(wiring, name)
            weights = room.view(arena, name)[..., lane].T
            weights[...] = 0.0
            weights[there] = getattr(network, name)[at]
        if room.peepholes:
            there = wiring.peephole_columns >= 0
            room.view(arena, "peephole")[there, lane] = network.hidden[
                wiring.peephole_rows[there], wiring.peephole_columns[there]
            ]


@checked(arena=buffer("numbers"), lane=whole(0), also=_expect_room)
def put_state(
    rooms: tuple[Room, ...], arena: np.ndarray, lane: int, topology: Topology, state: State
) -> None:
    """Put a state into a lane."""
    for room, wiring in zip(rooms, wirings(topology), strict=True):
        there = wiring.cells >= 0
        for name, values in zip(State._fields, state, strict=True):
            room.view(arena, name)[there, lane] = values[wiring.cells[there]]


@checked(arena=buffer("numbers"), lane=whole(0), also=_expect_room)
def forget(room: Room, arena: np.ndarray, lane: int) -> None:
    """Clear what a room remembers of how its weights changed."""
    for name in room.shapes():
        if name == "updates" or name.endswith(MEMORY[room.rule]):
            room.view(arena, name)[..., lane] = 0.0


# ---- Out -----------------------------------------------------------------------------------------


@checked(arena=buffer("numbers"), lane=whole(0), also=_expect_room)
def matrix(
    rooms: tuple[Room, ...], arena: np.ndarray, lane: int, topology: Topology, name: str
) -> np.ndarray:
    """A table of all rooms, such as ``hidden`` or ``output_velocity``, as a matrix of a `Network`.

    It is 0 where a room has no such table.
    """
    hidden = name.startswith("hidden")
    found = np.zeros((topology.hidden_units if hidden else topology.outputs, topology.sources))
    for room, wiring in zip(rooms, wirings(topology), strict=True):
        if name not in room.shapes():
            continue
        there, at = wiring.hidden if hidden else wiring.output
        found[at] = room.view(arena, name)[..., lane].T[there]
        if hidden and room.peepholes:
            there = wiring.peephole_columns >= 0
            values = room.view(arena, name.replace("hidden", "peephole"))[..., lane]
            found[wiring.peephole_rows[there], wiring.peephole_columns[there]] = values[there]
    return found


@checked(arena=buffer("numbers"), lane=whole(0), also=_expect_room)
def state(rooms: tuple[Room, ...], arena: np.ndarray, lane: int, topology: Topology) -> State:
    """A copy of the state in a lane."""
    found = State(*np.zeros((2, topology.cells)))
    for room, wiring in zip(rooms, wirings(topology), strict=True):
        there = wiring.cells >= 0
        for name, values in zip(State._fields, found, strict=True):
            values[wiring.cells[there]] = room.view(arena, name)[there, lane]
    return found


@checked(arena=buffer("numbers"), lane=whole(0), also=_expect_room)
def partials(
    rooms: tuple[Room, ...], arena: np.ndarray, lane: int, topology: Topology
) -> np.ndarray:
    """The partials of a lane, of cell, input gate and forget gate: ``(3, cells, sources)``."""
    found = np.zeros((3, topology.cells, topology.sources))
    for room, w in zip(rooms, wirings(topology), strict=True):
        rows, columns = w.cells >= 0, w.hidden_columns >= 0
        values = room.view(arena, "partials")[..., lane].transpose(1, 2, 0)
        for kind in range(3):
            found[kind][np.ix_(w.cells[rows], w.hidden_columns[columns])] = values[kind][
                np.ix_(rows, columns)
            ]
        if room.peepholes:
            values = room.view(arena, "peephole_partials")[..., lane]
            for kind in range(2):  # of input and forget gates; each cell has all its block's
                columns = np.tile(w.peephole_columns[:, kind], (1, room.cells))
                there = (columns >= 0) & rows
                of = np.broadcast_to(w.cells, there.shape)[there], columns[there]
                found[1 + kind][of] = values[:, kind][there]
    return found
