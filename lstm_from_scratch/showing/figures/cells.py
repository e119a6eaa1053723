"""What gates and cells do while the music plays, a strip for each.

Chapter 9 (Inside the cells) looks at them.
"""

from __future__ import annotations

from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from ...arguments import checked
from ...machine.network import Step, Topology
from ...music.blues import STEPS_PER_BAR, Form
from .look import COLOURS, WIDTH, label_bars, name_at_right, style

_STRIP_GAP = 0.25  # between strips of gates and cells; a gate's strip is 1 high


@checked
@style()
def activations(
    steps: Step,
    topology: Topology,
    voice: str,
    ax: Axes | None = None,
    *,
    form: Form | None = None,
    title: str | None = None,
) -> Axes:
    """Draw what the gates and cells of a voice do, a strip each, block below block. Chapter 9.

    A gate's strip is filled as high as the gate is open. A cell's state is drawn up or down from
    the middle of its strip; the largest, which fills it, stands beside its name. Blocks and their
    cells are counted from 1, blocks over all voices.

    Parameters
    ----------
    steps : what `network.record` returns.
    topology : of that network.
    voice : whose blocks.
    form : bar length and the chord symbols above.

    Raises
    ------
    ValueError : if there is no such voice, or the steps are not of this topology.
    """
    _, blocks, _ = topology.parts(voice)
    count = len(steps.input_gate)
    for name, units in (("input_gate", topology.blocks), ("cell_state", topology.cells)):
        shape = np.shape(getattr(steps, name))
        if shape != (count, units):
            raise ValueError(f"{name}: expected shape ({count}, {units}), got {shape}")
    strips, names, foot = _strips(steps, topology, blocks)
    if ax is None:
        ax = plt.figure(figsize=(WIDTH, 1.0 - 0.155 * foot)).add_subplot()
    bar = form.steps_per_bar if form else STEPS_PER_BAR
    for start in range(0, count + 1, bar):
        ax.axvline(start, color=COLOURS["faint"], linewidth=0.8, zorder=0)
    for strip in strips:
        _draw_strip(ax, strip)
    middles = [strip.foot + strip.height / 2 for strip in strips]
    ax.set_yticks(middles, [strip.label for strip in strips], fontsize=9)
    ax.tick_params(axis="y", length=0)
    for text, middle in names:
        name_at_right(ax, text, COLOURS.get(voice, COLOURS["ink"]), middle)
    ax.set(xlim=(0, count), ylim=(foot + 0.5, 0.1))
    ax.spines["left"].set_visible(False)
    label_bars(ax, count, bar, form, 1)
    if title:
        ax.set_title(title, loc="left", pad=6 + (14 if form else 0))
    return ax


class _Strip(NamedTuple):
    """A strip and what is drawn in it: values up to 1, those of a cell's state from -1 to 1."""

    foot: float
    height: float
    kind: str
    label: str
    values: np.ndarray


def _strips(
    steps: Step, topology: Topology, blocks: slice
) -> tuple[list[_Strip], list[tuple[str, float]], float]:
    """The strips of some blocks from 0 down, each block's name with its middle, and the foot."""
    strips: list[_Strip] = []
    names: list[tuple[str, float]] = []
    top = 0.0

    def add(height: float, kind: str, label: str, values: np.ndarray) -> None:
        nonlocal top
        top -= height + _STRIP_GAP
        strips.append(_Strip(top, height, kind, label, values))

    for block in range(blocks.start, blocks.stop):
        begins = top
        for gate in ("input_gate", "forget_gate", "output_gate"):
            values = np.asarray(getattr(steps, gate))[:, block]
            add(1.0, gate, gate.removesuffix("_gate"), values)
        for number, cell in enumerate(np.flatnonzero(topology.block_of_cell == block), start=1):
            values = np.asarray(steps.cell_state)[:, cell]
            largest = float(np.abs(values).max())
            add(1.8, "cell_state", f"cell {number} ±{largest:.2g}", values / (largest or 1.0))
        names.append((f"block {block + 1}", (begins + top) / 2))
        top -= 0.6
    return strips, names, top


def _draw_strip(ax: Axes, strip: _Strip) -> None:
    """Fill a strip from its line of 0 to its values."""
    share = 0.5 if strip.kind == "cell_state" else 0.0  # of the strip below the line of 0
    zero = strip.foot + share * strip.height
    ends = zero + (1 - share) * strip.height * strip.values
    colour = COLOURS[strip.kind]
    ax.axhline(zero, color=colour, linewidth=0.5, alpha=0.6, zorder=0)
    ax.stairs(ends, np.arange(len(ends) + 1), baseline=zero, fill=True, color=colour, linewidth=0)
