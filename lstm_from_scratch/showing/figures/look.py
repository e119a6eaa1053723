"""How every figure of the book looks: colours, sizes, names of chords and pitches, bar numbers.

Chapter 2 (Notes as numbers) introduces the roll; every later chapter uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter

from ... import limits
from ...arguments import Kind, Unfit, checked, whole
from ...music.blues import Form, pitch_name

COLOURS: dict[str, str] = {
    "chords": "#0072B2",
    "melody": "#D55E00",
    "input_gate": "#009E73",
    "forget_gate": "#CC79A7",
    "output_gate": "#C88700",
    "cell_state": "#3A98D6",
    "cell_output": "#000000",
    "wrong": "#F0E442",
    "ink": "#333333",
    "faint": "#BBBBBB",
}
"""What each colour means; the palette of Okabe and Ito, which colour-blind readers can tell apart.

Two are darker than theirs, orange and sky blue, so that each kind stands out from white by 3 to 1.

``wrong`` is a background and always comes with a mark; ``ink`` is for lines and words, ``faint``
for bar lines and grids.
"""

WIDTH = 7.0
"""Width of a figure in inches; with 9 point letters it can still be read on a phone."""

STYLE: dict[str, Any] = {
    "figure.figsize": (WIDTH, 3.0),
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.edgecolor": COLOURS["ink"],
    "axes.labelcolor": COLOURS["ink"],
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["ink"],
    "ytick.color": COLOURS["ink"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": COLOURS["faint"],
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
}
"""Sizes, fonts and lines of every figure, as Matplotlib's rcParams."""


def _colour(value: Any) -> Any:
    if not (isinstance(value, str) and mpl.colors.is_color_like(value)):
        raise Unfit
    return value


COLOUR = Kind("a colour of Matplotlib", _colour)
"""What may be handed in as a colour."""

ROOMY = 14
"""Up to so many bars, chord symbols stand upright side by side."""


@contextmanager
def style() -> Iterator[None]:
    """Draw in the book's style: ``with figures.style(): fig, ax = plt.subplots()``. Chapter 1.

    Only what `STYLE` names is put back afterwards. Matplotlib's own ``rc_context`` would also undo
    that a notebook became interactive with its first figure, and no later one would be shown.
    """
    before = {name: mpl.rcParams[name] for name in STYLE}
    mpl.rcParams.update(STYLE)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


@checked
def chord_label(symbol: str) -> str:
    """Write a chord symbol with real accidentals: ``"F#dim7"`` becomes ``"F♯dim7"``. Chapter 1."""
    return symbol.replace("#", "♯").replace("b", "♭")


@checked(pitch=whole(0, 127))
def pitch_label(pitch: int) -> str:
    """Name a pitch with a real accidental: 63 is ``"E♭4"``. Chapter 1."""
    return pitch_name(pitch).replace("#", "♯").replace("b", "♭")


@checked(colour=COLOUR)
def name_at_right(ax: Axes, name: str, colour: str, pitch: float) -> None:
    """Write a name upright beside the right edge of the axes, at that height."""
    ax.annotate(
        name,
        (1.0, pitch),
        (6, 0),
        xycoords=ax.get_yaxis_transform(),
        textcoords="offset points",
        rotation=90,
        color=colour,
        ha="left",
        va="center",
    )


@checked(steps=whole(1, limits.PAGE), bar=whole(1, limits.PAGE), first_bar=whole(1, limits.RUN))
def label_bars(ax: Axes, steps: int, bar: int, form: Form | None, first_bar: int) -> None:
    """Number the bars below and, with a form, write their chords above."""
    starts = np.arange(0, steps, bar)
    ax.xaxis.set_major_locator(FixedLocator(list(starts)))
    every = 1 if len(starts) <= 24 else 12
    numbers = [str(first_bar + i) if i % every == 0 else "" for i in range(len(starts))]
    ax.set_xticklabels(numbers, fontsize=9, ha="left")
    ax.xaxis.set_minor_locator(FixedLocator(list(range(0, steps, 2)) if len(starts) <= 24 else []))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(f"bar ({bar} steps of an eighth note each)", fontsize=10)
    if form is None or len(starts) > 48:
        return
    crowded = len(starts) > ROOMY
    for i, start in enumerate(starts):
        symbol = form.chords[(first_bar - 1 + i) % form.bars]
        ax.annotate(
            chord_label(symbol),
            (start, 1.0),
            (1 if crowded else 0, 4),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            rotation=90 if crowded else 0,
            ha="left",
            va="bottom",
            fontsize=9,
        )
