"""A memory block of one cell to play by hand: a slider at each of its units, and its traces.

Chapter 4 (The memory block).
"""

from __future__ import annotations

import numpy as np

from ... import limits
from ...arguments import array, checked, text
from ...machine import network as machine
from ...machine.network import Network
from ..stage.scenes import Scene
from .page import figure, svg, words

REACH = 10.0
"""How far the sliders go: net inputs from -10 to 10."""

TOUCHES: dict[str, tuple[float, float, float, float]] = {
    "Write": (REACH, -REACH, -REACH, 5.0),
    "Hold": (-REACH, REACH, -REACH, 0.0),
    "Read": (-REACH, REACH, REACH, 0.0),
    "Forget": (-REACH, -REACH, -REACH, 0.0),
}
"""What each button sets: net inputs of the input, forget and output gate and of the cell."""

_UNITS = ("input gate", "forget gate", "output gate", "cell")
_ROWS = {
    "input_gate": "input gate",
    "forget_gate": "forget gate",
    "output_gate": "output gate",
    "cell_state": "content s",
    "cell_output": "output y",
}
_WIDTH, _BLOCK, _ROW = 560, 190, 62  # of the picture; how high the block is, and each trace
_LEFT, _RIGHT = 150, 8  # of the traces
_LINE = 118  # how far down the block's line of work lies
_STATIONS = {
    "net": 34,
    "candidate": 110,
    "cell_state": 310,
    "squashed_state": 400,
    "cell_output": 530,
}
_GATES = {"input_gate": 190, "forget_gate": 310, "output_gate": 460}
_GATE = 112  # how wide a gate is
_BAR, _NUMBERED = 8, 4  # steps of a bar; every fourth bar has its number


@checked(roll=array("steps", "inputs", some=True, dtype=float), title=text(some=True))
def memory_block(network: Network, roll: np.ndarray, *, title: str = "A latch to play") -> Scene:
    """Draw what a block of one cell does with its inputs, and let the reader play it by hand.

    By hand, a slider is what the unit's sources would sum up to. From there on the block takes the
    steps that `network.forward` takes.

    Parameters
    ----------
    network : with one block of one cell.
    roll : the inputs of each step of what is drawn at first, shape ``(steps, inputs)``.
    title : what it is called.

    Raises
    ------
    ValueError : for a network with more than one cell, or as `network.record`.

    Chapter 4.
    """
    if network.topology.cells != 1:
        raise ValueError(f"network: expected one with one cell, got {network!r}")
    limits.expect_steps("roll", len(roll), limits.PAGE)
    played = machine.record(network, roll)
    traces = {name: getattr(played, name)[:, 0] for name in _ROWS}
    parts = _block() + _traces(traces)
    seen = "; ".join(
        f"{_ROWS[name]} from {it.min():.2f} to {it.max():.2f}" for name, it in traces.items()
    )
    picture = svg(
        _WIDTH,
        _BLOCK + len(_ROWS) * _ROW + 22,
        f"A memory block with one cell, and below it its traces over {len(roll)} steps: {seen}.",
        parts,
    )
    data = {
        "g": network.topology.voices[0].g,
        "h": network.topology.voices[0].h,
        "touches": TOUCHES,
        "rows": list(_ROWS),
        "plane": {"left": _LEFT, "right": _WIDTH - _RIGHT, "top": _BLOCK, "row": _ROW},
        "steps": len(roll),
        "bar": _BAR,
        "numbered": _NUMBERED,
        "gate": _GATE,
    }
    return figure("latch", title, picture, _controls(), _CAPTION, data)


def _block() -> list[str]:
    """The block, from left to right: what is offered, what is held, what is let out."""
    y, gates, places = _LINE, _GATES, _STATIONS
    parts = [f'<path class="way" d="M{places["net"] + 18} {y}H{places["cell_output"] - 18}"/>']
    x = gates["forget_gate"]  # the loop goes out of the cell, past the forget gate, and in again
    parts.append(f'<path class="way" d="M{x + 20} {y - 14}V{y - 42}H{x - 20}V{y - 14}"/>')
    for kind, x in gates.items():
        end, left = y - 42 if kind == "forget_gate" else y, x - _GATE / 2
        name = f'<tspan class="name">{kind[0]}</tspan> <tspan class="value"></tspan>'
        parts.append(
            f'<path class="arm {kind}" d="M{x} 44V{end - 11}"/>'
            f'<rect class="box {kind}" x="{left:g}" y="8" width="{_GATE}" height="36" rx="8"/>'
            f'<rect class="open {kind}" x="{left:g}" y="8" width="0" height="36" rx="8"/>'
            f'<text x="{x}" y="32" class="middle {kind}">{name}</text>'
            f'<circle class="box" cx="{x}" cy="{end}" r="11"/>'
            f'<path class="way" d="M{x - 5} {end - 5}l10 10m0 -10l-10 10"/>'
        )
    for name, label in (("candidate", "g"), ("squashed_state", "h")):
        x = places[name]
        parts.append(f'<rect class="box" x="{x - 17}" y="{y - 17}" width="34" height="34"/>')
        parts.append(words(x, y + 6, label, "middle name"))
    x = places["cell_state"]
    parts.append(f'<circle class="box cell" cx="{x}" cy="{y}" r="21"/>')
    for name, label in (("net", "z"), ("cell_state", "s"), ("cell_output", "y")):
        parts.append(words(places[name], y + 6, label, "middle name"))
    parts += [words(x, y + 50, "", f"middle value {name}") for name, x in places.items()]
    return parts


def _traces(traces: dict[str, np.ndarray]) -> list[str]:
    """A row for each gate, for the content and for the output, and the bars below."""
    steps = len(next(iter(traces.values())))
    across = (_WIDTH - _RIGHT - _LEFT) / steps
    foot = _BLOCK + len(traces) * _ROW
    parts = [
        f'<path class="rule" d="M{_LEFT + across * step:.1f} {_BLOCK}V{foot - 8}"/>'
        for step in range(0, steps + 1, _BAR)
    ]
    for row, (name, values) in enumerate(traces.items()):
        base = _BLOCK + row * _ROW + _ROW - 16
        most = max(1.0, float(np.abs(values).max()))
        heights = base - (_ROW - 26) * values / most
        path = "".join(
            f"{'M' if step == 0 else 'L'}{_LEFT + across * step:.1f} {y:.1f}h{across:.1f}"
            for step, y in enumerate(heights)
        )
        parts.append(f'<path class="rule" d="M{_LEFT} {base}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<path class="trace {name}" d="{path}"/>')
        parts.append(words(_LEFT - 10, base - 8, _ROWS[name], "end"))
    parts.append(words(_LEFT - 10, foot + 14, "bar", "end"))
    for bar in range(0, steps // _BAR, _NUMBERED):
        x = _LEFT + across * _BAR * bar
        parts.append(words(x + 3, foot + 14, str(bar + 1), "start bar-number"))
    return parts


def _controls() -> str:
    buttons = "".join(f'<button type="button" class="touch">{name}</button>' for name in TOUCHES)
    sliders = "".join(
        f'<label>{name} <input type="range" min="{-REACH:g}" max="{REACH:g}" step="0.5" value="'
        f'{TOUCHES["Hold"][unit]:g}"><output></output></label>'
        for unit, name in enumerate(_UNITS)
    )
    return (
        f'<div class="together">{buttons}<button type="button" class="once">One step</button>'
        '<button type="button" class="bar">Eight steps</button>'
        '<button type="button" class="again">Clear</button></div>'
        f'<fieldset class="sliders"><legend>What each unit reads, summed up</legend>{sliders}'
        '</fieldset><p class="said" role="status"></p>'
    )


_CAPTION = (
    "Above, the block at work: what it is offered passes the input gate <i>i</i>, the forget gate "
    "<i>f</i> multiplies what it holds, and the output gate <i>o</i> lets it out. Below, what its "
    "parts did at each step."
)
