"""One step of online learning, line by line: what each line makes, and of what.

Chapter 5 (Learning without looking back) has the lines in its box.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...arguments import array, checked, text, whole
from ...machine.gradient import advance, no_partials, step_gradient
from ...machine.network import Network, cleared, forward
from ..stage.scenes import Scene
from .page import figure, svg, words

SHOWN = 3
"""How many steps one can go through."""

_WIDTH, _HEIGHT, _BOX, _TALL = 560, 508, 80, 46
# Where each number stands: at the left what was kept from the step before; then, upwards, what the
# step makes; at the right what errors make. A prime marks the step before.
_PLACES: dict[str, tuple[int, int]] = {
    "p": (330, 32),
    "δ": (424, 32),
    "y": (330, 98),
    "ε": (424, 98),
    "s′": (48, 164),
    "s": (236, 164),
    "e": (424, 164),
    "i": (142, 230),
    "f": (236, 230),
    "s̃": (330, 230),
    "o": (424, 230),
    "u": (236, 296),
    "Pc′": (48, 366),
    "Pc": (236, 366),
    "Gc": (512, 366),
    "Pi′": (48, 422),
    "Pi": (236, 422),
    "Gi": (512, 422),
    "Pf′": (48, 478),
    "Pf": (236, 478),
    "Gf": (512, 478),
    "Go": (512, 230),
    "GV": (512, 65),
}
_COLOURS = {"i": "input_gate", "f": "forget_gate", "o": "output_gate", "s": "cell_state"}
_COLOURS |= {"s′": "cell_state"}


class Line(NamedTuple):
    """A line of the box.

    number : which. makes : each number that it makes, with those that it is made of. said : a
    sentence, with names of numbers to fill in.
    """

    number: str
    makes: dict[str, tuple[str, ...]]
    said: str


LINES = (
    Line("1", {"u": ()}, "The source is u = {u}."),
    Line(
        "2",
        {"i": ("u",), "f": ("u",), "s̃": ("u",), "o": ("u",)},
        "Gates and candidate, from this source and all others: i = {i}, f = {f}, o = {o}, s̃ = {s̃}.",
    ),
    Line(
        "3",
        {"s": ("f", "s′", "i", "s̃")},
        "The state is s = f s′ + i s̃ = {f} × {s′} + {i} × {s̃} = {s}.",
    ),
    Line(
        "4",
        {"y": ("o", "s"), "p": ("y",)},
        "The output of the cell is y = o h(s) = {y}. The prediction, from this cell and all other "
        "sources, is p = {p}.",
    ),
    Line(
        "5",
        {"Pc": ("f", "Pc′", "i", "s̃", "u")},
        "The partial for the weight into the cell is f P′ + i g′ u = {f} × {Pc′} + {Ac} = {Pc}.",
    ),
    Line(
        "6",
        {"Pi": ("f", "Pi′", "s̃", "i", "u")},
        "The partial for the weight into the input gate is f P′ + s̃ i (1 − i) u = {f} × {Pi′} + "
        "{Ai} = {Pi}.",
    ),
    Line(
        "7",
        {"Pf": ("f", "Pf′", "s′", "u")},
        "The partial for the weight into the forget gate is f P′ + s′ f (1 − f) u = {f} × {Pf′} + "
        "{Af} = {Pf}.",
    ),
    Line(
        "8",
        {"δ": ("p",), "ε": ("δ",), "e": ("ε", "o", "s")},
        "The errors: δ = p − d = {δ} at this output. From all outputs ε = {ε} arrives at y, and "
        "e = ε o h′ = {e} at s.",
    ),
    Line("9", {"GV": ("δ", "y")}, "The gradient of the output weight is δ y = {GV}."),
    Line(
        "10",
        {"Gc": ("e", "Pc"), "Gi": ("e", "Pi"), "Gf": ("e", "Pf"), "Go": ("ε", "o", "s", "u")},
        "The gradients of the weights into the cell, {Gc}, the input gate, {Gi}, and the forget "
        "gate, {Gf}, are e times a partial. That into the output gate, {Go}, needs no partial.",
    ),
)
"""Lines 1 to 10 of the box, as the figure shows them."""


@checked(
    inputs=array("steps", "inputs", some=True, dtype=float),
    targets=array("steps", "outputs", some=True, dtype=float),
    first=whole(0),
    source=whole(0),
    output=whole(0),
    title=text(some=True),
)
def online_step(
    network: Network,
    inputs: np.ndarray,
    targets: np.ndarray,
    *,
    first: int,
    source: int,
    output: int,
    title: str = "One online step, line by line",
) -> Scene:
    """Go through three steps of the learning rule, line by line, forward and back.

    The numbers are those of the first cell, of one source of its block and of one output; they are
    what `forward`, `advance` and `step_gradient` say. The weights don't move.

    Parameters
    ----------
    network : whose first block has one cell, so that no gradient is a sum over cells.
    inputs, targets : of a song, shapes ``(steps, inputs)`` and ``(steps, outputs)``, heard from a
        cleared state.
    first : the first of the three steps that are shown, counted from 0.
    source, output : which column of ``hidden``, and which output.
    title : what it is called.

    Raises
    ------
    ValueError : if the song is too short, if there is no such source or output, or if the first
        block has several cells.

    Chapter 5.
    """
    t = network.topology
    if (t.block_of_cell == 0).sum() != 1:
        raise ValueError(f"network: expected one cell in the first block, got {network!r}")
    ends = {"first": len(inputs) - SHOWN, "source": t.sources - 1, "output": t.outputs - 1}
    for (name, most), came in zip(ends.items(), (first, source, output), strict=True):
        if came > most:
            raise ValueError(f"{name}: expected at most {most}, got {came}")
    steps = _numbers(network, inputs, targets, first, source, output)
    told = [{name: _written(value) for name, value in it.items()} for it in steps]
    data = {
        "first": first,
        "numbers": steps,
        "told": told,
        "lines": [{"number": it.number, "makes": it.makes} for it in LINES],
        "said": [[line.said.format_map(it) for line in LINES] for it in told],
    }
    picture = svg(_WIDTH, _HEIGHT, _SEEN, _picture(told[0]))
    return figure("online", title, picture, _CONTROLS, _CAPTION, data)


def _numbers(
    network: Network, inputs: np.ndarray, targets: np.ndarray, first: int, source: int, output: int
) -> list[dict[str, float]]:
    """The numbers of the picture at each step that is shown."""
    t = network.topology
    state, partials, found = cleared(t), no_partials(t), []
    for heard, target in zip(inputs[: first + SHOWN], targets, strict=False):
        step = forward(network, state, heard)
        after = advance(network, partials, state, step)
        gradient = step_gradient(network, after, step, target)
        delta = step.prediction - target
        epsilon = network.output[:, t.inputs] @ delta
        low, high = (float(end[0]) for end in t.cell_range("h"))
        h = step.squashed_state[0]
        values = {
            "u": step.sources[source],
            "i": step.input_gate[0],
            "f": step.forget_gate[0],
            "s̃": step.candidate[0],
            "o": step.output_gate[0],
            "s′": state.cell_state[0],
            "s": step.cell_state[0],
            "y": step.cell_output[0],
            "p": step.prediction[output],
            "δ": delta[output],
            "ε": epsilon,
            "e": epsilon * step.output_gate[0] * (h - low) * (high - h) / (high - low),
            "GV": gradient.output[output, t.inputs],
            "Go": gradient.hidden[t.output_gates][0, source],
        }
        parts = zip(
            "cif", partials, after, (t.cell_rows, t.input_gates, t.forget_gates), strict=True
        )
        for kind, before, now, rows in parts:
            kept, is_now = before[0, source], now[0, source]
            values |= {f"P{kind}′": kept, f"P{kind}": is_now}
            values[f"A{kind}"] = is_now - values["f"] * kept
            values[f"G{kind}"] = gradient.hidden[rows][0, source]
        found.append({name: float(value) for name, value in values.items()})
        state, partials = step.state, after
    return found[first:]


def _written(value: float) -> str:
    """A number with three digits behind the point, or one if it is tiny."""
    text = (
        f"{value:.3f}" if value == 0 or abs(value) >= 5e-4 else f"{value:.0e}".replace("e-0", "e-")
    )
    return text.replace("-", "\N{MINUS SIGN}")


def _picture(told: dict[str, str]) -> list[str]:
    """All boxes, and from each a line to those that are made of it."""
    parts = [
        words(8, 132, "kept", "start quiet"),
        words(_WIDTH - 8, 334, "gradients", "end quiet"),
    ]
    for line in LINES:
        for made, of in line.makes.items():
            x, y = _PLACES[made]
            for read in of:
                x0, y0 = _PLACES[read]
                parts.append(
                    f'<path class="feeds" data-from="{read}" data-to="{made}" '
                    f'd="M{x0} {y0}L{x} {y}"/>'
                )
    for name, (x, y) in _PLACES.items():
        kind = f"box {_COLOURS.get(name, '')}"
        parts.append(
            f'<g data-name="{name}"><rect class="{kind}" x="{x - _BOX / 2:g}" '
            f'y="{y - _TALL / 2:g}" width="{_BOX}" height="{_TALL}" rx="7"/>'
            f'<text x="{x}" y="{y - 3}" class="middle name">{_symbol(name)}</text>'
            f'<text x="{x}" y="{y + 17}" class="middle value">{told[name]}</text></g>'
        )
    return parts


def _symbol(name: str) -> str:
    """A name as it is drawn: the kind of a partial or of a gradient stands raised."""
    if name[0] in "PG" and len(name) > 1:
        sign = {"P": "P", "G": "∂"}[name[0]]
        return f'{sign}<tspan class="raised" dy="-5">{name[1]}</tspan>' + (
            '<tspan dy="5">′</tspan>' if name.endswith("′") else ""
        )
    return name


_SEEN = (
    "The numbers of one step of learning, in boxes with lines between them. At the left what was "
    "kept: the state and three partials. In the middle, upwards, the source, three gates and the "
    "candidate, the state, the output, the prediction; below, the three partials of this step. At "
    "the right the errors and, below, the gradients."
)
_CONTROLS = (
    '<div class="together"><button type="button" class="back">Back</button>'
    '<button type="button" class="on">Forward</button>'
    '<button type="button" class="again">From the start</button></div>'
    '<p class="said" role="status"></p>'
)
_CAPTION = (
    "One online step for one cell, one source <i>u</i> and one output. At the left is what the "
    "step before has left; it has a prime. Lines lead to each box from those it is made of. "
    "<i>P</i> are the partials with respect to the weights from <i>u</i> into the cell, the input "
    "gate and the forget gate. ∂ are the gradients of these weights, of the one into the output "
    "gate, and of the output weight <i>V</i>."
)
