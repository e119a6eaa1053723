"""Networks into the arena and out of it again: which weight stands where.

A `Network` has two matrices whose rows and columns are ordered by kind, for all voices together; a
room has tables of its own voice alone, turned so that what is computed at once lies side by side.

Appendix A (The engine room) shows the tables.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .layout import MEMORY, Room, heard_by
from .network import Topology, Voice


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


@cache
def wirings(topology: Topology) -> tuple[Wiring, ...]:
    """Match rooms with matrices, for each voice."""
    found = []
    for voice in topology.voices:
        inputs, blocks, _ = topology.parts(voice.name)
        inputs, blocks = np.r_[inputs], np.r_[blocks]
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
        output = inputs, np.concatenate([inputs, after(cells, topology.inputs), last])
        grids = _grids(*hidden), _grids(*output)
        found.append(Wiring(*hidden, *output, cells, *peepholes, *grids))
    return tuple(found)


def forget(room: Room, arena: np.ndarray, lane: int) -> None:
    """Clear what a room remembers of how its weights changed."""
    for name in room.shapes():
        if name == "updates" or name.endswith(MEMORY[room.rule]):
            room.view(arena, name)[..., lane] = 0.0
