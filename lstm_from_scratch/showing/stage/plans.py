"""What the page is told of a network: its layout, its weights and its recipe, as JSON.

The layout is that of `machine.layout` and `machine.packing`; weights are float64 in base64, so that
no bit of them is lost on the way.

Chapter 6 (One step at a time) explains a recipe; appendix A (The engine room) a layout.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from ...arguments import checked
from ...machine.layout import Room, heard_by, rooms
from ...machine.network import Network, State, Topology, Voice
from ...machine.packing import Wiring, wirings
from ...machine.recipes import Learning, Recipe

LEARNING = (
    "learning_rate",
    "momentum",
    "initial_range",
    "input_gate_bias",
    "forget_gate_bias",
    "output_gate_bias",
    "output_bias",
    "wrong",
)
"""What the page is told of how a voice learns."""


@checked
def plan(topology: Topology) -> dict[str, Any]:
    """Everything about a topology that ``engine.js`` needs, ready for JSON.

    Raises
    ------
    ValueError : for peepholes or softmax outputs, which the page does not have.

    Appendix A.
    """
    for voice in topology.voices:
        if voice.peepholes or voice.activation == "softmax":
            raise ValueError(
                f"topology: expected voices without peepholes or softmax outputs, got {voice!r}"
            )
    parts = zip(topology.voices, rooms(topology, 1), wirings(topology), strict=True)
    return {
        "inputs": topology.inputs,
        "sources": topology.sources,
        "hidden": topology.hidden_units,
        "output": topology.outputs,
        "voices": [_voice(topology, *part) for part in parts],
    }


def _voice(topology: Topology, voice: Voice, room: Room, wiring: Wiring) -> dict[str, Any]:
    """One voice: the shape of its tables, and where their rows and columns stand in a matrix."""
    names = [it.name for it in topology.voices]
    rows = {"hidden": topology.rows(voice.name), "output": np.r_[topology.outputs_of(voice.name)]}
    masks = {"hidden": topology.hidden_mask, "output": topology.output_mask}
    return {
        "name": voice.name,
        "shape": {
            "start": room.start,
            "inputs": room.inputs,
            "first": room.first,
            "outputs": room.outputs,
            "blocks": room.blocks,
            "cells": room.cells,
            "sources": room.sources,
            "outputSources": room.output_sources,
            "heard": [names.index(it.name) for it in heard_by(topology, voice)],
            "audible": [int(cell >= 0) for cell in wiring.cells],
            "g": voice.g,
            "h": voice.h,
            "samples": voice.choice == "sample",
        },
        "cells": wiring.cells.tolist(),
        "hidden": _table(wiring.hidden_rows, wiring.hidden_columns),
        "output": _table(wiring.output_rows, wiring.output_columns),
        # In which order first weights are drawn, as in training.initial_network.
        "drawn": {
            name: _table(rows[name], np.flatnonzero(masks[name][rows[name][0]])) for name in rows
        },
    }


def _table(rows: np.ndarray, columns: np.ndarray) -> dict[str, list[int]]:
    return {"rows": rows.tolist(), "columns": columns.tolist()}


def _packed(numbers: np.ndarray) -> str:
    """Numbers as float64, row by row, in base64."""
    return base64.b64encode(np.ascontiguousarray(numbers, dtype="<f8").tobytes()).decode("ascii")


@checked
def weights(network: Network) -> dict[str, str]:
    """The matrices of a network, row by row. Appendix A."""
    return {name: _packed(getattr(network, name)) for name in ("hidden", "output")}


@checked
def state(state: State) -> dict[str, str]:
    """A state, a number for each cell. Appendix A."""
    return {name: _packed(values) for name, values in zip(State._fields, state, strict=True)}


@checked
def learning(recipe: Recipe) -> dict[str, Any]:
    """What ``engine.js`` needs of a recipe. Chapter 6.

    Raises
    ------
    ValueError : for weights that don't learn at once, gross errors that are never forgiven, or
        states that are cleared where an episode ends.
    """
    for voice in recipe.voices:
        if voice.rule != "at once":
            raise ValueError(f"recipe: expected weights that learn at once, got {voice!r}")
    if not recipe.forgiven:
        raise ValueError("recipe: expected a number of forgiven errors, got none")
    if recipe.at_end != "flow":
        raise ValueError(f"recipe: expected states that flow on, got at_end={recipe.at_end!r}")
    return {
        "seed": recipe.seed,
        "forgiven": recipe.forgiven,
        "restart": recipe.restart,
        "voices": [_learning(voice) for voice in recipe.voices],
    }


def _learning(voice: Learning) -> dict[str, Any]:
    return {name: getattr(voice, name) for name in LEARNING}
