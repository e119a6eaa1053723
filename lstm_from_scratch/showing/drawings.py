"""Drawings of the machine: a memory block, and who reads whom in a topology.

Like `figures`, every helper takes ``ax`` (or makes a figure of its own) and returns it, and colours
mean what `figures.COLOURS` says. Letters are large and figures narrow: they are to be read on a
phone as well.

Chapter 4 (The memory block).
"""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from ..arguments import checked
from ..machine.network import Topology
from .figures import COLOURS, style

_WORDS = 12.5  # points, in figures that are some 5 inches wide
_LINE = {"color": COLOURS["ink"], "linewidth": 1.6, "solid_capstyle": "round"}
# How high the stations of a memory block stand, from what its cells are offered up.
_OFFERED, _ADMITTED, _HELD, _SQUASHED, _LET_OUT, _TOP = 1.25, 2.75, 4.5, 6.2, 7.6, 8.8
_GAP = 2  # empty rows between the two matrices
_BIAS, _NOTHING = "#888888", "#EEEEEE"
_VOICES = (COLOURS["chords"], COLOURS["melody"], COLOURS["input_gate"], COLOURS["forget_gate"])


@checked
@style()
def memory_block(ax: Axes | None = None) -> Axes:
    """Draw a memory block of two cells that share an input, a forget and an output gate. Chapter 4.

    It is read upwards: what is offered to the cells, past the input gate, into the cells with their
    loops past the forget gate, and out past the output gate.
    """
    if ax is None:
        ax = plt.figure(figsize=(5.0, 6.3)).add_subplot()
    ax.add_patch(
        mpl.patches.FancyBboxPatch(
            (-4.0, 0.55),
            8.0,
            7.75,
            boxstyle="round,pad=0,rounding_size=0.4",
            facecolor="#F6F6F6",
            edgecolor=COLOURS["faint"],
            zorder=-2,
        )
    )
    for x, number in ((-3.0, 1), (3.0, 2)):
        _draw_cell(ax, x, number)
    _draw_gate(ax, _ADMITTED, 2.72, "input_gate", "i")
    _draw_gate(ax, _HELD, 1.47, "forget_gate", "f")
    _draw_gate(ax, _LET_OUT, 2.72, "output_gate", "o")

    ax.text(
        0.0,
        -0.2,
        "$u = (x^t,\\; y^{t-1},\\; 1)$",
        ha="center",
        va="top",
        fontsize=_WORDS,
    )
    ax.set(xlim=(-4.1, 4.1), ylim=(-0.85, 9.5), aspect="equal")
    ax.axis("off")
    return ax


def _draw_cell(ax: Axes, x: float, number: int) -> None:
    """Draw one cell of the block, from what it reads below to what it lets out above."""
    inwards = 1 if x < 0 else -1
    for low, high in (
        (-0.15, _OFFERED - 0.38),
        (_OFFERED + 0.38, _ADMITTED - 0.28),
        (_ADMITTED + 0.28, _HELD - 0.5),
        (_HELD + 0.5, _SQUASHED - 0.38),
        (_SQUASHED + 0.38, _LET_OUT - 0.28),
        (_LET_OUT + 0.28, _TOP),
    ):
        _arrow(ax, (x, low), (x, high))
    _box(ax, x, _OFFERED, "$g$")
    _times(ax, x, _ADMITTED)
    _state(ax, x, _HELD, f"$s_{number}$")
    _box(ax, x, _SQUASHED, "$h$")
    _times(ax, x, _LET_OUT)
    ax.text(x, -0.2, "$u$", ha="center", va="top", fontsize=_WORDS + 1)
    ax.text(x, _TOP + 0.08, f"$y_{number}$", ha="center", va="bottom", fontsize=_WORDS + 1)
    for y, symbol in (
        (0.22, f"z_{number}"),
        ((_OFFERED + _ADMITTED) / 2, rf"\tilde{{s}}_{number}"),
    ):
        ax.text(
            x - 0.14 * inwards,
            y,
            f"${symbol}$",
            ha="right" if x < 0 else "left",
            va="center",
            fontsize=_WORDS + 1,
        )
    # The loop: out of the cell, past the forget gate, and in again one step later.
    far = x + 1.25 * inwards
    _arrow(ax, (x + 0.4 * inwards, _HELD + 0.3), (far, _HELD + 0.28), curve=-0.55 * inwards)
    _arrow(ax, (far, _HELD - 0.28), (x + 0.4 * inwards, _HELD - 0.3), curve=-0.55 * inwards)
    _times(ax, far, _HELD)


def _draw_gate(ax: Axes, y: float, reach: float, kind: str, symbol: str) -> None:
    """Draw a gate in the middle of the block, and its arms to both cells, which go so far."""
    colour, wide = COLOURS[kind], 0.78
    for side in (-1, 1):
        _arrow(ax, (0, y), (side * reach, y), colour=colour, width=2.4)
    label = f"{kind.split('_')[0]}\ngate ${symbol}$"
    ax.add_patch(
        mpl.patches.FancyBboxPatch(
            (-wide, y - 0.46),
            2 * wide,
            0.92,
            boxstyle="round,pad=0,rounding_size=0.25",
            facecolor="white",
            edgecolor=colour,
            linewidth=2.4,
            zorder=3,
        )
    )
    ax.text(0.0, y, label, ha="center", va="center", fontsize=_WORDS - 1, zorder=4)
    _arrow(ax, (0, y - 0.86), (0, y - 0.48))
    ax.text(0, y - 0.92, "$u$", ha="center", va="top", fontsize=_WORDS)


@checked
@style()
def wiring(topology: Topology, ax: Axes | None = None) -> Axes:
    """Draw who reads whom: a row for each unit, a column for each source. Chapter 4.

    A coloured square is a weight that can learn; where a voice doesn't read, there is none. The
    colour is that of the voice which is read; the bias is grey. The rows are those of the matrices
    `Network.hidden` and, below the gap, `Network.output`, whose cell outputs are those of the same
    step.

    Parameters
    ----------
    topology : its masks are drawn as they are.
    """
    t = topology
    names = [voice.name for voice in t.voices]
    rows = t.hidden_units + _GAP + t.inputs
    if ax is None:
        ax = plt.figure(figsize=(5.4, 1.0 + 3.4 * rows / t.sources)).add_subplot()

    read = np.tile(mpl.colors.to_rgb(_BIAS), (t.sources, 1))
    for i, name in enumerate(names):
        inputs, _, cells = t.parts(name)
        colour = mpl.colors.to_rgb(COLOURS.get(name, _VOICES[i % len(_VOICES)]))
        read[inputs] = colour
        read[t.cell_sources][cells] = colour
    picture = np.ones((rows, t.sources, 3))
    for top, mask in ((0, t.hidden_mask), (t.hidden_units + _GAP, t.output_mask)):
        here = picture[top : top + len(mask)]
        here[:] = np.where(mask[:, :, None], read, mpl.colors.to_rgb(_NOTHING))
    ax.imshow(picture, interpolation="nearest")
    for row in np.arange(rows + 1) - 0.5:
        ax.axhline(row, color="white", linewidth=0.7)
    for column in np.arange(t.sources + 1) - 0.5:
        ax.axvline(column, color="white", linewidth=0.7)

    kinds = (
        (t.input_gates, "input gates", COLOURS["input_gate"]),
        (t.forget_gates, "forget gates", COLOURS["forget_gate"]),
        (t.output_gates, "output gates", COLOURS["output_gate"]),
        (t.cell_rows, "cells", COLOURS["cell_state"]),
        (slice(t.hidden_units + _GAP, rows), "outputs", COLOURS["ink"]),
    )
    for place, _, colour in kinds:
        ends = [place.start - 0.35, place.stop - 0.65]
        ax.plot([-1.1, -1.1], ends, color=colour, linewidth=4, solid_capstyle="butt")
    ax.set_yticks([_middle(place) for place, *_ in kinds], [label for _, label, _ in kinds])

    columns = [(t.sources - 1, "1")]
    for name in names:
        inputs, _, cells = t.parts(name)
        who = f"\n{name}" if len(names) > 1 else ""
        columns += [
            (_middle(inputs), f"inputs{who}"),
            (t.inputs + _middle(cells), f"cells{who}"),
        ]
    ax.set_xticks([at for at, _ in columns], [label for _, label in columns])
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelsize=_WORDS - 2)
    ax.spines[:].set_visible(False)
    ax.set(xlim=(-1.5, t.sources - 0.4), ylim=(rows - 0.4, -0.6))
    return ax


def _middle(place: slice) -> float:
    return (place.start + place.stop - 1) / 2


def _arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    colour: str = COLOURS["ink"],
    width: float = 1.6,
    curve: float = 0.0,
) -> None:
    ax.annotate(
        "",
        end,
        start,
        arrowprops={
            "arrowstyle": "-|>,head_width=0.22,head_length=0.4",
            "color": colour,
            "linewidth": width,
            "shrinkA": 0,
            "shrinkB": 0,
            "connectionstyle": f"arc3,rad={curve}",
        },
    )


def _box(ax: Axes, x: float, y: float, label: str) -> None:
    ax.add_patch(
        mpl.patches.Rectangle(
            (x - 0.45, y - 0.38), 0.9, 0.76, facecolor="white", edgecolor=COLOURS["ink"], zorder=2
        )
    )
    ax.text(x, y, label, ha="center", va="center", fontsize=_WORDS + 1, zorder=4)


def _times(ax: Axes, x: float, y: float) -> None:
    ax.add_patch(mpl.patches.Circle((x, y), 0.27, facecolor="white", edgecolor=COLOURS["ink"]))
    ax.text(x, y, r"$\times$", ha="center", va="center", fontsize=_WORDS + 1)


def _state(ax: Axes, x: float, y: float, label: str) -> None:
    ax.add_patch(
        mpl.patches.Circle(
            (x, y), 0.5, facecolor=COLOURS["cell_state"], edgecolor=COLOURS["ink"], zorder=2
        )
    )
    ax.text(x, y, label, ha="center", va="center", fontsize=_WORDS + 2, zorder=4)
