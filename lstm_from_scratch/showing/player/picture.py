"""The picture of the player, as one inline SVG: a step is a column, a unit, gate or cell a row.

Chapter 9 (Inside the cells) watches a network with it.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ... import briefly
from ...machine.network import Step, Topology
from ...music.blues import Note
from ..figures import COLOURS, chord_label, pitch_label
from .bars import Bars

GATES = ("input_gate", "forget_gate", "output_gate")
"""The rows of a block above its cells."""

# The picture, in pixels from the top; across, one unit is one step.
_HEADER, _FOOT, _KEY, _GATE, _CELL, _HEADING, _GAP = 34, 4, 12, 12, 16, 22, 7
_WIDTH = 144  # of the labels at the left
_LABEL, _VALUE = 98, 137  # where row labels and values end
_LEAST = 0.05  # a unit expected with less than this is not shaded
_COMPACT = 0.38  # how high a compact roll is, beside a full one


class Keys(NamedTuple):
    """The rows of the roll: the pitches of the chords and those of the melody, a row for each.

    A pitch may be in both. Chapter 9.
    """

    chords: tuple[int, ...]
    melody: tuple[int, ...]

    @property
    def pitches(self) -> tuple[int, ...]:
        """The pitch of each row, chords first."""
        return self.chords + self.melody

    @property
    def units(self) -> dict[str, slice]:
        """Which rows are whose."""
        first = len(self.chords)
        return {"chords": slice(0, first), "melody": slice(first, len(self.pitches))}


class Row(NamedTuple):
    """One gate or one cell of the picture.

    kind: a name of `figures.COLOURS`. label: what stands at its left. top, height: pixels.
    scale: the largest absolute value that fits. values: shape ``(steps,)``.
    """

    kind: str
    label: str
    top: int
    height: int
    scale: float
    values: np.ndarray

    def __repr__(self) -> str:
        return f"Row({self.label!r}, {briefly.counted(len(self.values), 'step')})"

    @property
    def base(self) -> float:
        """Where 0 is, in pixels: at the foot for a gate, in the middle for a cell."""
        return self.top + (self.height / 2 if self.kind == "cell_state" else self.height) - 0.5

    @property
    def heights(self) -> np.ndarray:
        """How far each value reaches up from `base`, in pixels, shape ``(steps,)``."""
        room = (self.height - 1) / (2 if self.kind == "cell_state" else 1)
        return room * self.values / self.scale


class Heading(NamedTuple):
    """The name of a block, beside it; or that of a voice over its blocks, with ``bottom == top``.

    voice: whose it is. top, bottom: pixels.
    """

    label: str
    voice: str
    top: int
    bottom: int


def _order(keys: Keys) -> list[int]:
    """The units from the top of the picture down: melody, then chords, high notes first."""
    chords, melody = range(len(keys.chords)), range(len(keys.chords), len(keys.pitches))
    return [
        unit
        for part in (melody, chords)
        for unit in sorted(part, key=lambda unit: keys.pitches[unit], reverse=True)
    ]


def _key_tops(keys: Keys) -> dict[int, int]:
    """Where the row of each unit begins, in pixels."""
    tops = {}
    for place, unit in enumerate(_order(keys)):
        below = keys.melody and unit < len(keys.chords)  # a chord under a melody
        tops[unit] = _HEADER + place * _KEY + (_GAP if below else 0)
    return tops


def _roll_bottom(keys: Keys) -> int:
    return max(_key_tops(keys).values()) + _KEY


def _layout(
    steps: Step | None, topology: Topology | None, top: int
) -> tuple[list[Row], list[Heading], int]:
    """The rows of all blocks from a height down, what names them, and where the last one ends."""
    rows: list[Row] = []
    headings: list[Heading] = []
    if steps is None or topology is None:
        return rows, headings, top
    for voice in topology.voices:
        _, blocks, _ = topology.parts(voice.name)
        first, last = blocks.start + 1, blocks.stop
        numbers = f"blocks {first} to {last}" if first < last else f"block {first}"
        headings.append(Heading(f"{voice.name}: {numbers}", voice.name, top, top))
        top += _HEADING
        for block in range(blocks.start, blocks.stop):
            begins = top
            for gate in GATES:
                values = np.asarray(getattr(steps, gate))[:, block]
                rows.append(Row(gate, gate.replace("_", " "), top, _GATE, 1.0, values))
                top += _GATE
            for number, cell in enumerate(np.flatnonzero(topology.block_of_cell == block), start=1):
                values = np.asarray(steps.cell_state)[:, cell]
                scale = float(np.abs(values).max())
                label = f"cell {number} (±{scale:.2g})"
                rows.append(Row("cell_state", label, top, _CELL, scale or 1.0, values))
                top += _CELL
            headings.append(Heading(f"block {block + 1}", voice.name, begins, top))
            top += _GAP
    return rows, headings, top - _GAP


def _picture(
    parts: Mapping[str, Sequence[Note]],
    count: int,
    keys: Keys,
    bars: Bars,
    symbols: bool,
    steps: Step | None,
    rows: list[Row],
    height: int,
    compact: bool,
) -> str:
    """What scrolls: one column a step, stretched to the width there is; words are not stretched.

    A compact one is pressed together below the words.
    """
    tops = _key_tops(keys)
    shapes = [*_ground(keys, rows, count, tops)]
    shapes.append(
        _lines(
            "beat",
            range(min(bars.starts, default=0) % bars.beat, count, bars.beat),
            _HEADER,
            height,
        )
    )
    if steps is not None:
        shapes += _expected(np.asarray(steps.prediction), keys, tops)
    for name, part, first in (
        ("chords", keys.chords, 0),
        ("melody", keys.melody, len(keys.chords)),
    ):
        path = "".join(
            f"M{note.onset} {tops[first + part.index(note.pitch)] + 1}"
            f"h{note.duration - 0.14:g}v{_KEY - 2}h-{note.duration - 0.14:g}z"
            for note in parts.get(name, ())
        )
        shapes.append(f'<path class="notes {name}" d="{path}"/>')
    shapes += [f'<path class="row {row.kind}" d="{_area(row)}"/>' for row in rows]
    shapes.append(_lines("bar", bars.starts, 4, height))
    words = [
        f'<text class="number" {_across(step, count)} y="13">{number}</text>'
        for step, number in zip(bars.starts, bars.numbers, strict=True)
    ]
    if symbols:
        words += [
            f'<text class="symbol" {_across(step, count)} y="28">{chord_label(symbol)}</text>'
            for step, symbol in bars.symbols
        ]
    described = html.escape(_described(count, keys, len(bars.starts), rows))
    top = _HEADER if compact else 0
    room = round(_COMPACT * (height - top)) if compact else height
    return (
        f'<svg class="steps" role="img" aria-label="{described}" height="{top + room}">'
        f'<svg viewBox="0 {top} {count} {height - top}" y="{top}" width="100%" height="{room}" '
        f'preserveAspectRatio="none">{"".join(shapes)}</svg>{"".join(words)}</svg>'
    )


def _across(step: int, count: int) -> str:
    """Where words at a step stand."""
    return f'x="{100 * step / count:.6g}%" dx="3"'


def _lines(kind: str, steps: Iterable[int], top: int, height: int) -> str:
    """Upright lines at some steps."""
    path = "".join(f"M{step} {top}V{height - _FOOT}" for step in steps)
    return f'<path class="line {kind}" d="{path}"/>'


def _described(count: int, keys: Keys, bars: int, rows: list[Row]) -> str:
    """The picture for who can't see it."""
    network = f", and below them {len(rows)} rows of gates and cell states" if rows else ""
    return (
        f"Piano roll of {briefly.counted(count, 'step')} in {briefly.counted(bars, 'bar')} over "
        f"{briefly.counted(len(keys.pitches), 'pitch', 'pitches')}{network}"
    )


def _ground(keys: Keys, rows: list[Row], count: int, tops: dict[int, int]) -> Iterator[str]:
    """Behind everything: the rows of black keys, the room of each gate, the 0 of each cell."""
    black = "".join(
        f"M0 {tops[unit]}h{count}v{_KEY}h-{count}z"
        for unit, pitch in enumerate(keys.pitches)
        if _is_black(pitch)
    )
    yield f'<path class="ground black" d="{black}"/>'
    for kind in ("gate", "cell"):
        mine = [row for row in rows if (row.kind == "cell_state") == (kind == "cell")]
        path = "".join(f"M0 {row.top}h{count}v{row.height - 1}h-{count}z" for row in mine)
        yield f'<path class="ground" d="{path}"/>'
        if kind == "cell":
            zeros = "".join(f"M0 {row.base:g}h{count}" for row in mine)
            yield f'<path class="line zero" d="{zeros}"/>'


def _expected(prediction: np.ndarray, keys: Keys, tops: dict[int, int]) -> Iterator[str]:
    """Shades of what the step before expected, in tenths, one path for each voice and tenth."""
    tenths = np.where(prediction[:-1] < _LEAST, 0, np.clip(np.rint(10 * prediction[:-1]), 1, 10))
    for name, units in keys.units.items():
        for tenth in range(1, 11):
            path = "".join(
                f"M{step + 1} {tops[units.start + unit]}h1v{_KEY}h-1z"
                for step, unit in np.argwhere(tenths[:, units] == tenth)
            )
            if path:
                yield f'<path class="expected {name}" opacity="{tenth / 20:g}" d="{path}"/>'


def _area(row: Row) -> str:
    """A staircase with one stair a step, closed along 0."""
    tops = [f"{row.base - height:.2f}".rstrip("0").rstrip(".") for height in row.heights]
    stairs = "".join(f"V{top}H{step}" for step, top in enumerate(tops, start=1))
    return f"M0 {row.base:g}{stairs}V{row.base:g}z"


def _is_black(pitch: int) -> bool:
    return pitch % 12 in (1, 3, 6, 8, 10)


def _labels(keys: Keys, rows: list[Row], headings: list[Heading], height: int) -> str:
    """What stands still at the left: a keyboard, the names of the rows, room for their values."""
    words = []
    tops = _key_tops(keys)
    keyboard = _VALUE - _LABEL - 5
    for unit in _order(keys):
        top, pitch = tops[unit], keys.pitches[unit]
        part = "chords" if unit < len(keys.chords) else "melody"
        black = _is_black(pitch)
        words.append(
            f'<text x="{_LABEL}" y="{top + _KEY - 2:g}">{pitch_label(pitch)}</text>'
            f'<rect class="under" x="{_LABEL + 5}" y="{top}" width="{keyboard}" height="{_KEY}"/>'
            f'<rect class="key {part}{" black" * black}" x="{_LABEL + 5}" y="{top}" '
            f'width="{22 if black else keyboard}" height="{_KEY}"/>'
        )
    for name, units in reversed(keys.units.items()):
        mine = [tops[unit] for unit in range(units.start, units.stop)]
        if mine:
            words.append(_upright(name, min(mine), max(mine) + _KEY, name))
    for row in rows:
        y = row.top + row.height / 2 + 3.5
        words.append(
            f'<text x="{_LABEL}" y="{y:g}">{row.label}</text>'
            f'<rect class="mark {row.kind}" x="{_WIDTH - 3}" y="{row.top}" width="3" '
            f'height="{row.height - 1}"/>'
            f'<text class="value" x="{_VALUE - 2}" y="{y:g}"></text>'
        )
    for label, voice, top, bottom in headings:
        if top < bottom:
            words.append(_upright(label, top, bottom, voice))
        else:
            words.append(f'<text class="heading" x="0" y="{top + 16}">{html.escape(label)}</text>')
    return (
        f'<svg class="labels" role="group" aria-label="Rows and their values" width="{_WIDTH}" '
        f'height="{height}">{"".join(words)}</svg>'
    )


def _upright(label: str, top: float, bottom: float, voice: str) -> str:
    """A label that reads upwards, beside a line as long as what it names."""
    kind = f" {voice}" if voice in COLOURS else ""
    return (
        f'<rect class="side{kind}" x="14" y="{top:g}" width="2" height="{bottom - top - 1:g}"/>'
        f'<text class="upright" transform="translate(10 {(top + bottom) / 2:g}) rotate(-90)">'
        f"{label}</text>"
    )
