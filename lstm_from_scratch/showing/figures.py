"""Pictures: roll, learning curve, form, gates and cells; one visual language for all.

Every helper takes ``ax`` (or makes a figure of the book's width), labels what it draws and returns
the axes. Colours mean the same thing in every figure of the book: see `COLOURS`. A chapter that
draws something of its own makes its axes ``with figures.style():``.

Chapter 2 (Notes as numbers) introduces the roll; every later chapter uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter

from ..machine.network import Step, Topology
from ..music.blues import STEPS_PER_BAR, Form, pitch_name
from ..music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY, Encoding
from ..music.midi import Music, tracks

COLOURS: dict[str, str] = {
    "chords": "#0072B2",
    "melody": "#D55E00",
    "input_gate": "#009E73",
    "forget_gate": "#CC79A7",
    "output_gate": "#E69F00",
    "cell_state": "#56B4E9",
    "cell_output": "#000000",
    "wrong": "#F0E442",
    "ink": "#333333",
    "faint": "#BBBBBB",
}
"""What each colour means; the palette of Okabe and Ito, which colour-blind readers can tell apart.

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


def chord_label(symbol: str) -> str:
    """Write a chord symbol with real accidentals: ``"F#dim7"`` becomes ``"F♯dim7"``. Chapter 1."""
    return symbol.replace("#", "♯").replace("b", "♭")


def pitch_label(pitch: int) -> str:
    """Name a pitch with a real accidental: 63 is ``"E♭4"``. Chapter 1."""
    return pitch_name(pitch).replace("#", "♯").replace("b", "♭")


_STRIP_GAP = 0.25  # between strips of gates and cells; a gate's strip is 1 high
_ROOMY = 14  # up to so many bars, chord symbols stand upright side by side


@style()
def piano_roll(
    music: Music | np.ndarray,
    encoding: Encoding | None = None,
    ax: Axes | None = None,
    *,
    form: Form | None = None,
    wrong: np.ndarray | None = None,
    first_bar: int = 1,
    title: str | None = None,
) -> Axes:
    """Draw music as bars of colour over time and pitch. Chapter 2.

    Parameters
    ----------
    music : a chorus, named tracks or notes (see `midi.tracks`), or a roll of shape
        ``(steps, units)``. Of notes one sees where each begins; in a roll neighbours run together.
    encoding : which pitch belongs to which unit; by default the 12 or 25 units of the book. With
        notes it only sets which pitches are shown.
    form : bar length and the chord symbols above; begins anew each chorus.
    wrong : boolean array of shape ``(steps,)``; steps to mark.
    first_bar : number of the bar at the left.

    Raises
    ------
    ValueError : for a roll that does not fit the encoding, or ``wrong`` of another length than it.
    """
    if isinstance(music, np.ndarray):
        if encoding is None:
            by_units = {e.units: e for e in (CHORDS_ONLY, CHORDS_AND_MELODY)}
            encoding = by_units.get(music.shape[-1] if music.ndim else 0, CHORDS_AND_MELODY)
        notes = encoding.decode(music)
        chords = set(encoding.chords)
        parts = {
            "chords": [note for note in notes if note.pitch in chords],
            "melody": [note for note in notes if note.pitch not in chords],
        }
        steps = len(music)
    else:
        parts = tracks(music)
        steps = max((n.onset + n.duration for part in parts.values() for n in part), default=1)
    bar = form.steps_per_bar if form else STEPS_PER_BAR
    if not isinstance(music, np.ndarray):
        steps = -(-steps // bar) * bar
    marked = np.zeros(steps, bool) if wrong is None else np.asarray(wrong)
    if marked.shape != (steps,):
        raise ValueError(f"wrong has shape {marked.shape}, expected ({steps},): one mark a step")

    sounding = {note.pitch for part in parts.values() for note in part}
    shown = set(encoding.pitches) if encoding else sounding or {60}
    low, high = min(shown | sounding), max(shown | sounding)
    if ax is None:
        height = 1.0 + 0.155 * max(12, high - low + 1)
        ax = plt.figure(figsize=(WIDTH, height)).add_subplot()

    for start in range(0, steps + 1, bar):
        ax.axvline(start, color=COLOURS["faint"], linewidth=0.8, zorder=0)
    for name, part in parts.items():
        if not part:
            continue
        pitch, onset, duration = np.array(part).T
        colour = COLOURS["chords" if name == "chords" else "melody"]
        ax.barh(pitch, duration - 0.15, left=onset, height=0.84, align="center", color=colour)
        _name_at_right(ax, name, colour, (pitch.min() + pitch.max()) / 2)
    for step in np.flatnonzero(marked):
        ax.axvspan(step, step + 1, color=COLOURS["wrong"], alpha=0.7, linewidth=0, zorder=-1)
    if marked.any():
        at = np.flatnonzero(marked) + 0.5
        ax.plot(at, np.full(len(at), low - 1.0), "x", color=COLOURS["ink"], markersize=3.5)
    ax.set(xlim=(0, steps), ylim=(low - (1.7 if marked.any() else 0.7), high + 0.7))
    _label_pitches(ax, sorted(sounding or shown))
    _label_bars(ax, steps, bar, form, first_bar)
    if title:
        above = 0 if form is None else 14 if steps // bar <= _ROOMY else 44  # the chord symbols
        ax.set_title(title, loc="left", pad=6 + above)
    return ax


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
        raise ValueError("a logarithmic axis needs steps above 0")
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


@style()
def form_chart(
    form: Form, ax: Axes | None = None, *, columns: int = 4, mark: str | None = None
) -> Axes:
    """Draw a form the way musicians write it: a chord symbol a bar, four bars a line. Chapter 1.

    Parameters
    ----------
    columns : bars in a line.
    mark : a chord symbol; its bars are filled.
    """
    rows = -(-form.bars // columns)
    if ax is None:
        ax = plt.figure(figsize=(WIDTH, 0.25 + 0.72 * rows)).add_subplot()
    for bar, symbol in enumerate(form.chords):
        row, column = divmod(bar, columns)
        marked = symbol == mark
        ax.add_patch(
            mpl.patches.Rectangle(
                (column, row),
                1,
                1,
                facecolor=COLOURS["chords"] if marked else "white",
                edgecolor=COLOURS["ink"],
                linewidth=1.2,
            )
        )
        ink = "white" if marked else COLOURS["ink"]
        ax.text(column + 0.06, row + 0.1, bar + 1, ha="left", va="top", fontsize=9, color=ink)
        ax.text(
            column + 0.5, row + 0.54, chord_label(symbol), ha="center", va="center", fontsize=16,
            color=ink,
        )  # fmt: skip
    ax.set(xlim=(-0.01, columns + 0.01), ylim=(rows + 0.02, -0.02))
    ax.axis("off")
    return ax


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
    rows = []  # of each strip its foot, its height, its kind, its label, values up to 1 or -1 to 1
    names = []
    top = 0.0

    def add(height: float, *row: Any) -> None:
        nonlocal top
        top -= height + _STRIP_GAP
        rows.append((top, height, *row))

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
    if ax is None:
        ax = plt.figure(figsize=(WIDTH, 1.0 - 0.155 * top)).add_subplot()
    bar = form.steps_per_bar if form else STEPS_PER_BAR
    for start in range(0, count + 1, bar):
        ax.axvline(start, color=COLOURS["faint"], linewidth=0.8, zorder=0)
    for foot, height, kind, _, values in rows:
        share = 0.5 if kind == "cell_state" else 0.0  # of the strip below the line of 0
        zero = foot + share * height
        ends = zero + (1 - share) * height * values
        ax.axhline(zero, color=COLOURS[kind], linewidth=0.5, alpha=0.6, zorder=0)
        ax.stairs(
            ends, np.arange(count + 1), baseline=zero, fill=True, color=COLOURS[kind], linewidth=0
        )
    middles = [foot + height / 2 for foot, height, *_ in rows]
    ax.set_yticks(middles, [label for *_, label, _ in rows], fontsize=9)
    ax.tick_params(axis="y", length=0)
    for text, middle in names:
        _name_at_right(ax, text, COLOURS.get(voice, COLOURS["ink"]), middle)
    ax.set(xlim=(0, count), ylim=(top + 0.5, 0.1))
    ax.spines["left"].set_visible(False)
    _label_bars(ax, count, bar, form, 1)
    if title:
        ax.set_title(title, loc="left", pad=6 + (14 if form else 0))
    return ax


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
    if np.isinf(values).any():
        raise ValueError("values must not be infinite")
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
        raise ValueError(f"{times.shape} times and {share.shape} shares: expected one of each")
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError("shares go from 0 to 1")
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
        raise ValueError("there is nothing to draw: no group")
    if ax is None:
        ax = plt.figure(figsize=(WIDTH, 0.7 + 0.24 * len(groups))).add_subplot()
    for row, (name, (times, learned)) in enumerate(groups.items()):
        times, learned = np.asarray(times, float), np.asarray(learned, bool)
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


@style()
def form_map(
    shares: np.ndarray,
    rows: Sequence[str],
    form: Form,
    ax: Axes | None = None,
    *,
    title: str | None = None,
    colour: str = COLOURS["ink"],
) -> Axes:
    """Draw at which steps of the form something happens, a row for each case. Chapter 9.

    Parameters
    ----------
    shares : from 0 (white) to 1 (the colour), shape ``(rows, form.steps)``.
    rows : names of the rows.
    form : bar lines and chord symbols.

    Raises
    ------
    ValueError : for shares of another shape or outside 0 to 1.
    """
    shares = np.asarray(shares, dtype=float)
    if shares.shape != (len(rows), form.steps):
        raise ValueError(f"expected shares of shape ({len(rows)}, {form.steps}): {shares.shape}")
    if not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError("shares go from 0 to 1")
    if ax is None:
        ax = plt.figure(figsize=(WIDTH, 0.9 + 0.22 * len(rows))).add_subplot()
    shades = mpl.colors.LinearSegmentedColormap.from_list("shades", ["white", colour])
    ax.imshow(
        shares,
        cmap=shades,
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
        extent=(0, form.steps, len(rows) - 0.5, -0.5),
    )
    for start in range(0, form.steps + 1, form.steps_per_bar):
        ax.axvline(start, color=COLOURS["faint"], linewidth=0.8)
    for line in np.arange(len(rows) - 1) + 0.5:
        ax.axhline(line, color=COLOURS["faint"], linewidth=0.5)
    ax.set_yticks(range(len(rows)), rows, fontsize=9)
    ax.tick_params(axis="y", length=0)
    _label_bars(ax, form.steps, form.steps_per_bar, form, 1)
    if title:
        ax.set_title(title, loc="left", pad=20)
    return ax


def _name_at_right(ax: Axes, name: str, colour: str, pitch: float) -> None:
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


def _label_pitches(ax: Axes, pitches: Sequence[int]) -> None:
    """Name the pitches that sound, or only the Cs where there is no room for all of them."""
    figure = ax.figure
    low, high = ax.get_ylim()
    points = ax.get_position().height * figure.get_figheight() * 72 / (high - low)
    shown = pitches if points >= 8.5 else [p for p in pitches if p % 12 == 0] or pitches[:1]
    ax.set_yticks(shown, [pitch_label(pitch) for pitch in shown], fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel("pitch", fontsize=10)


def _label_bars(ax: Axes, steps: int, bar: int, form: Form | None, first_bar: int) -> None:
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
    crowded = len(starts) > _ROOMY
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
