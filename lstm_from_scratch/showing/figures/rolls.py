"""Music over time: the roll, the form, and where in the form something happens.

Chapter 2 (Notes as numbers) introduces the roll; every later chapter uses it.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from ... import limits
from ...arguments import array, checked, either, none, several, text, whole
from ...music.blues import STEPS_PER_BAR, Form, Note
from ...music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY, Encoding
from ...music.midi import Music, tracks
from ...music.tunes.tune import Tune
from .look import (
    COLOUR,
    COLOURS,
    ROOMY,
    WIDTH,
    chord_label,
    label_bars,
    name_at_right,
    pitch_label,
    style,
)


@checked(wrong=either(array("steps"), none()), first_bar=whole(1, limits.RUN))
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
        encoding = _encoding_of(music) if encoding is None else encoding
        parts, steps = _parts_of(music, encoding), len(music)
    else:
        parts = tracks(music)
        steps = max((n.onset + n.duration for part in parts.values() for n in part), default=1)
    limits.expect_steps("music", steps, limits.PAGE)
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
        if part:
            _draw_notes(ax, name, part)
    if marked.any():
        _mark_steps(ax, np.flatnonzero(marked), low - 1.0)
    ax.set(xlim=(0, steps), ylim=(low - (1.7 if marked.any() else 0.7), high + 0.7))
    _label_pitches(ax, sorted(sounding or shown))
    label_bars(ax, steps, bar, form, first_bar)
    if title:
        above = 0 if form is None else 14 if steps // bar <= ROOMY else 44  # the chord symbols
        ax.set_title(title, loc="left", pad=6 + above)
    return ax


@checked(title=either(text(), none()))
@style()
def tune_roll(tune: Tune, ax: Axes | None = None, *, title: str | None = None) -> Axes:
    """Draw a tune of one's own: its chords and its melody, bar lines and chord symbols. Chapter 2.

    Parameters
    ----------
    title : the tune's name unless given.

    Raises
    ------
    ValueError : for more than a figure shows (`limits.PAGE`), or a tune without a note.
    """
    limits.expect_steps("tune", tune.steps, limits.PAGE)
    parts = tune.music
    if not parts:
        raise ValueError("tune: expected at least one note, got none")
    pitches = {note.pitch for part in parts.values() for note in part}
    low, high = min(pitches), max(pitches)
    if ax is None:
        height = 1.2 + 0.155 * max(12, high - low + 1)
        ax = plt.figure(figsize=(WIDTH, height)).add_subplot()
    lines = tune.bar_lines
    for line in (*lines, tune.steps):
        ax.axvline(line, color=COLOURS["faint"], linewidth=0.8, zorder=0)
    for name, part in parts.items():
        _draw_notes(ax, name, part)
    ax.set(xlim=(0, tune.steps), ylim=(low - 0.7, high + 0.7))
    _label_pitches(ax, sorted(pitches))
    every = -(-len(lines) // 24)
    ax.set_xticks(lines[::every], [str(1 + bar) for bar in range(0, len(lines), every)], fontsize=9)
    ax.set_xlabel(f"bar of {tune.metres[0]} ({tune.grid} steps a whole note)", fontsize=10)
    crowded = len(tune.symbols) > ROOMY
    for at, symbol in tune.symbols if len(tune.symbols) <= 4 * ROOMY else ():
        ax.annotate(
            chord_label(symbol),
            (at, 1.0),
            (0, 4),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            rotation=90 if crowded else 0,
            ha="left",
            va="bottom",
            fontsize=9,
        )
    above = 0 if not tune.symbols else 44 if crowded else 14
    ax.set_title(tune.name if title is None else title, loc="left", pad=6 + above)
    return ax


def _encoding_of(roll: np.ndarray) -> Encoding:
    """That of the book which has so many units; of other rolls the larger, which will refuse."""
    by_units = {e.units: e for e in (CHORDS_ONLY, CHORDS_AND_MELODY)}
    return by_units.get(roll.shape[-1] if roll.ndim else 0, CHORDS_AND_MELODY)


def _parts_of(roll: np.ndarray, encoding: Encoding) -> dict[str, list[Note]]:
    """The notes of a roll, those on the units of the chords and the others."""
    notes, chords = encoding.decode(roll), set(encoding.chords)
    return {
        "chords": [note for note in notes if note.pitch in chords],
        "melody": [note for note in notes if note.pitch not in chords],
    }


def _draw_notes(ax: Axes, name: str, notes: Sequence[Note]) -> None:
    """Draw the notes of one part, and its name beside them."""
    pitch, onset, duration = np.array(notes).T
    colour = COLOURS["chords" if name == "chords" else "melody"]
    ax.barh(pitch, duration - 0.15, left=onset, height=0.84, align="center", color=colour)
    name_at_right(ax, name, colour, (pitch.min() + pitch.max()) / 2)


def _mark_steps(ax: Axes, steps: np.ndarray, foot: float) -> None:
    """Mark steps by a background and by a cross at the foot."""
    for step in steps:
        ax.axvspan(step, step + 1, color=COLOURS["wrong"], alpha=0.7, linewidth=0, zorder=-1)
    ax.plot(steps + 0.5, np.full(len(steps), foot), "x", color=COLOURS["ink"], markersize=3.5)


@checked(columns=whole(1, 100))
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


@checked(shares=array("rows", "steps", dtype=float), rows=several(text()), colour=COLOUR)
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
    outside = shares[~((shares >= 0) & (shares <= 1))]
    if len(outside):
        raise ValueError(f"shares go from 0 to 1, got {outside[0]:g}")
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
    label_bars(ax, form.steps, form.steps_per_bar, form, 1)
    if title:
        ax.set_title(title, loc="left", pad=20)
    return ax


def _label_pitches(ax: Axes, pitches: Sequence[int]) -> None:
    """Name the pitches that sound, or only the Cs where there is no room for all of them."""
    figure = ax.figure
    low, high = ax.get_ylim()
    points = ax.get_position().height * figure.get_figheight() * 72 / (high - low)
    shown = pitches if points >= 8.5 else [p for p in pitches if p % 12 == 0] or pitches[:1]
    ax.set_yticks(shown, [pitch_label(pitch) for pitch in shown], fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel("pitch", fontsize=10)
