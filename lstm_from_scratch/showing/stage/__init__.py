"""The stage: a network that plays and learns in the page itself, by the same steps as here.

``engine.js`` is the machine once more, in JavaScript and with the same bits.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from ...machine.layout import heard_by, rooms
from ...machine.network import Network, Topology, Voice
from ...machine.packing import wirings
from ...machine.recipes import Recipe


_LEARNING = (
    "learning_rate",
    "momentum",
    "initial_range",
    "input_gate_bias",
    "forget_gate_bias",
    "output_gate_bias",
    "output_bias",
    "wrong",
)


def plan(topology: Topology) -> dict[str, Any]:
    names = [voice.name for voice in topology.voices]
    voices = []
    for voice, room, wiring in zip(
        topology.voices, rooms(topology, 1), wirings(topology), strict=True
    ):
        hidden_mask = topology.hidden_mask & ~topology.peephole_mask
        rows = {"hidden": topology.rows(voice.name), "output": np.r_[topology.outputs_of(voice.name)]}
        masks = {"hidden": hidden_mask, "output": topology.output_mask}
        voices.append(
            {
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
                    "heard": [names.index(v.name) for v in heard_by(topology, voice)],
                    "audible": [int(cell >= 0) for cell in wiring.cells],
                    "g": list(voice.g),
                    "h": list(voice.h),
                    "samples": voice.choice == "sample",
                },
                "hidden": {"rows": wiring.hidden_rows.tolist(), "columns": wiring.hidden_columns.tolist()},
                "output": {"rows": wiring.output_rows.tolist(), "columns": wiring.output_columns.tolist()},
                "drawn": {
                    name: {
                        "rows": [int(row) for row in rows[name]],
                        "columns": np.flatnonzero(masks[name][rows[name][0]]).tolist(),
                    }
                    for name in rows
                },
            }
        )
    return {
        "inputs": topology.inputs,
        "sources": topology.sources,
        "hidden": topology.hidden_units,
        "output": topology.outputs,
        "voices": voices,
    }


def weights(network: Network) -> dict[str, str]:
    return {
        name: base64.b64encode(np.ascontiguousarray(getattr(network, name)).tobytes()).decode()
        for name in ("hidden", "output")
    }


def recipe(given: Recipe) -> dict[str, Any]:
    return {
        "seed": given.seed,
        "forgiven": given.forgiven,
        "voices": [{name: getattr(it, name) for name in _LEARNING} for it in given.voices],
    }
