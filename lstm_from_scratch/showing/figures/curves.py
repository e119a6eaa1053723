"""Numbers: how learning went on, how long it took, and tables with shades.

Chapter 6 (One step at a time) draws the first curve; chapters 9 and 11 the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from ...arguments import (
    anything,
    array,
    check,
    checked,
    either,
    exactly,
    none,
    one_of,
    several,
    text,
    whole,
)
from .look import COLOUR, COLOURS, WIDTH, style

_POINTS = array("points", dtype=float)


@checked(
    steps=_POINTS,
    values=_POINTS,
    resets=either(array("resets", dtype=float), none()),
    colour=COLOUR,
)
@style()
def learning_curve(
    steps: Sequence[float] | np.ndarray,
    values: Sequence[float] | np.ndarray,
    ax: Axes | None = None,
    *,
    label: str | None = None,
    ylabel: str = "cross-entropy (nats a step)",
    log: bool = False,
    resets: Sequence[float] | np.ndarray | None = None,
    colour: str = COLOURS["chords"],
) -> Axes:
    """Draw a measure of learning against training steps. Chapter 6.

    Parameters
    ----------
    steps, values : arrays of shape ``(points,)``.
    label : names the curve in a legend.
    log : count steps on a logarithmic axis.
    resets : steps at which the network was reset, drawn as ticks along the bottom.

    Raises
    ------
    ValueError : if there are not as many values as steps, or steps are not above 0 on a log axis.
    """
    steps, values = np.asarray(steps, float), np.asarray(values, float)
    if steps.shape != values.shape or steps.ndim != 1:
        raise ValueError(f"{steps.shape} steps and {values.shape} values: expected one of each")
    if log and (steps <= 0).any():
        raise ValueError(f"steps: a logarithmic axis needs steps above 0, got {steps.min():g}")
    ax = plt.figure().add_subplot() if ax is None else ax
    ax.plot(steps, values, color=colour, label=label)
    if log:
        ax.set_xscale("log")
    if resets is not None and len(resets):
        at = np.asarray(resets, float)
        ax.plot(
            at,
            np.full(len(at), 0.015),
            "|",
            transform=ax.get_xaxis_transform(),
            color=COLOURS["ink"],
            markersize=6,
            alpha=0.5,
            label="reset",
        )
    ax.set(xlabel="training steps", ylabel=ylabel)
    ax.grid(True, axis="y")
    if label or (resets is not None and len(resets)):
        ax.legend()
    return ax


@checked(
    times=_POINTS,
    share=_POINTS,
    band=either(exactly(_POINTS, _POINTS), none()),
    colour=COLOUR,
    linestyle=one_of("-", "--", "-.", ":"),
)
@style()
def survival_curve(
    times: np.ndarray,
    share: np.ndarray,
    ax: Axes | None = None,
    *,
    band: tuple[np.ndarray, np.ndarray] | None = None,
    label: str | None = None,
    colour: str = COLOURS["chords"],
    linestyle: str = "-",
) -> Axes:
    """Draw the share of networks that have not learned yet, as steps going down. Chapter 11.

    Parameters
    ----------
    times, share : as `statistics.survival` returns them, shape ``(points,)``; times above 0, or 0
        for the first, which is drawn from the left edge on.
    band : lower and upper end of an interval around the share, two of the same shape.
    label : names the curve in a legend.

    Raises
    ------
    ValueError : for arrays of different shapes, or shares outside 0 to 1.
    """
    times, share = np.asarray(times, float), np.asarray(share, float)
    ends = () if band is None else tuple(np.asarray(end, float) for end in band)
    if times.ndim != 1 or any(values.shape != times.shape for values in (share, *ends)):
        shapes = [values.shape for values in (times, share, *ends)]
        raise ValueError(f"times, share and band: expected one shape, got {shapes}")
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"share: shares go from 0 to 1, got {share}")
    ax = plt.figure().add_subplot() if ax is None else ax
    ax.set_xscale("log")
    first = times[times > 0].min(initial=np.inf) / 3
    at = np.where(times > 0, times, first)
    ax.step(at, share, where="post", color=colour, linestyle=linestyle, label=label)
    if ends:
        ax.fill_between(at, *ends, step="post", color=colour, alpha=0.15, linewidth=0)
    ax.set(xlabel="training steps", ylabel="share still learning", ylim=(0, 1.03))
    if label:
        ax.legend(loc="lower left")
    return ax


@checked(colour=COLOUR)
@style()
def learning_times(
    groups: Mapping[str, tuple[np.ndarray, np.ndarray]],
    ax: Axes | None = None,
    *,
    colour: str = COLOURS["chords"],
    xlabel: str = "training steps",
) -> Axes:
    """Draw how long each network took to learn: a row for each group, a dot for each network.

    Networks that were given up stand as crosses where they were given up. At the right is written
    how many of how many learned. Chapter 11.

    Parameters
    ----------
    groups : for each name, from the top down, the times and whether that network learned, two
        arrays of shape ``(networks,)``; times above 0.

    Raises
    ------
    ValueError : for no group, a group whose arrays don't match, or a time that is not above 0.
    """
    if not groups:
        raise ValueError(f"groups: there is nothing to draw, got {groups}")
    if ax is None:
        ax = plt.figure(figsize=(WIDTH, 0.7 + 0.24 * len(groups))).add_subplot()
    for row, (name, group) in enumerate(groups.items()):
        check("groups, their names", name, text())
        times, learned = check(f"groups, {name!r}", group, exactly(anything(), anything()))
        times = check(f"groups, times of {name!r}", times, _POINTS)
        learned = check(f"groups, outcomes of {name!r}", learned, _POINTS).astype(bool)
        if times.shape != learned.shape or times.ndim != 1 or not len(times):
            raise ValueError(f"{name}: {times.shape} times, {learned.shape} outcomes")
        if not (times > 0).all():
            raise ValueError(f"{name}: a logarithmic axis needs times above 0")
        # Dots of one row are spread a little, by their order, so that none hides another.
        at = row + 0.5 * (np.argsort(np.argsort(times, kind="stable")) % 3 - 1) / 3
        ax.plot(times[learned], at[learned], "o", color=colour, markersize=4, alpha=0.65)
        ax.plot(times[~learned], at[~learned], "x", color=COLOURS["ink"], markersize=4, alpha=0.65)
        ax.annotate(
            f"{learned.sum()} of {len(learned)}",
            (1.0, row),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    ax.set_xscale("log")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks(range(len(groups)), list(groups))
    ax.set_ylim(len(groups) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(True, axis="x")
    ax.set_xlabel(xlabel)
    return ax


@checked(
    values=array("rows", "columns", dtype=float),
    rows=several(text()),
    columns=several(text()),
    decimals=whole(0, 15),
    bold=either(array("rows", "columns"), none()),
)
@style()
def number_table(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    ax: Axes | None = None,
    *,
    title: str | None = None,
    decimals: int = 2,
    bold: np.ndarray | None = None,
) -> Axes:
    """Draw a table of numbers with a shade behind each: blue above 0, orange below. Chapter 9.

    Parameters
    ----------
    values : numbers, shape ``(rows, columns)``; the largest has the deepest shade. What is not a
        number is drawn as a dash, without one.
    rows, columns : their names.
    decimals : of the numbers.
    bold : which numbers are printed bold, bool of the same shape.

    Raises
    ------
    ValueError : if names, ``bold`` and values don't match, or a value is infinite.
    """
    values = np.asarray(values, dtype=float)
    bold = np.zeros(values.shape, bool) if bold is None else np.asarray(bold)
    if values.shape != (len(rows), len(columns)) or bold.shape != values.shape:
        raise ValueError(
            f"{len(rows)} rows and {len(columns)} columns are named, values have shape "
            f"{values.shape}, bold {bold.shape}"
        )
    infinite = values[np.isinf(values)]
    if len(infinite):
        raise ValueError(f"values must not be infinite, got {infinite[0]}")
    if ax is None:
        ax = plt.figure(figsize=(WIDTH, 0.6 + 0.24 * len(rows))).add_subplot()
    known = ~np.isnan(values)
    largest = np.abs(values[known]).max(initial=0.0) or 1.0
    shades = mpl.colors.LinearSegmentedColormap.from_list(
        "shades", [COLOURS["melody"], "white", COLOURS["chords"]]
    )
    ax.imshow(values, cmap=shades, vmin=-1.6 * largest, vmax=1.6 * largest, aspect="auto")
    for row, column in np.ndindex(values.shape):
        number = f"{values[row, column].round(decimals) + 0.0:.{decimals}f}"
        ax.text(
            column,
            row,
            number.replace("-", "\N{MINUS SIGN}") if known[row, column] else "\N{EN DASH}",
            ha="center",
            va="center",
            fontsize=9.5,
            fontweight="bold" if bold[row, column] else "normal",
        )
    ax.set_xticks(range(len(columns)), columns, fontsize=9.5)
    ax.set_yticks(range(len(rows)), rows, fontsize=9.5)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    if title:
        ax.set_title(title, loc="left", pad=8)
    return ax
