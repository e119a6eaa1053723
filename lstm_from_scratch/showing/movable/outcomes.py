"""Stored runs as dots: when each learned, by one setting; another one is chosen with buttons.

Chapter 6 (One step at a time).
"""

from __future__ import annotations

import html
import math
from typing import NamedTuple

import numpy as np

from ... import briefly
from ...arguments import checked, text
from ...judging.statistics import median_time
from ...studies import tables
from ..stage.scenes import Scene
from .page import figure, power, svg, words

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560, 330, 74, 8, 44, 272
_GIVEN_UP = 20  # how far down the crosses stand


class Column(NamedTuple):
    """Runs with one setting: what it is, in the picture and in words, and what came of them.

    steps : how many each took, shape ``(runs,)``. learned : whether it learned, shape ``(runs,)``.
    """

    label: str
    said: str
    steps: np.ndarray
    learned: np.ndarray

    def __repr__(self) -> str:
        return f"Column({self.label!r}, {self.learned.sum():.0f} of {len(self.learned)})"

    def in_words(self) -> str:
        """What came of the runs."""
        count, runs = int(self.learned.sum()), len(self.learned)
        median = median_time(self.steps, self.learned)
        half = (
            f"half of the {runs} had learned within {median / 1e6:.1f} million steps"
            if math.isfinite(median)
            else f"within {self.steps.max() / 1e6:.0f} million steps not half of them did"
        )
        return f"{self.said}: {count} of {runs} networks learned; {half}."


@checked(title=text(some=True))
def resets(*, title: str = "Gross errors until a reset") -> Scene:
    """Draw the stored runs of ``results/resets.csv``, by how many gross errors make a reset.

    Parameters
    ----------
    title : what it is called.

    Chapter 6.
    """
    rows = tables.stored("resets")
    forgiven = tables.column(rows, "forgiven")
    choices = [*sorted(set(forgiven) - {0.0}), 0.0]
    columns = [
        _column(
            [row for row, it in zip(rows, forgiven, strict=True) if it == choice],
            f"{choice:.0f}" if choice else "never",
            f"A reset after {briefly.counted(int(choice), 'gross error')}"
            if choice
            else "No reset",
        )
        for choice in choices
    ]
    seen = "how many steps each of 112 trainings took, by the number of gross errors until a reset"
    return _outcomes(title, {"": columns}, "gross errors until a reset", "", seen)


@checked(title=text(some=True))
def rates(*, title: str = "Learning rate and momentum") -> Scene:
    """Draw the stored runs of ``results/rates.csv``, by learning rate, for each momentum.

    Parameters
    ----------
    title : what it is called.

    Chapter 6.
    """
    rows = tables.stored("rates")
    rate, momentum = tables.column(rows, "learning_rate"), tables.column(rows, "momentum")
    panels = {
        f"{of:g}": [
            _column(
                [row for row, *it in zip(rows, rate, momentum, strict=True) if it == [at, of]],
                _short(at),
                f"Learning rate {_plain(at)}, momentum {of:g}",
            )
            for at in sorted(set(rate))
        ]
        for of in sorted(set(momentum))
    }
    seen = "how many steps each of 140 trainings took, by learning rate; those of one momentum"
    return _outcomes(title, panels, "learning rate", "Momentum", seen, chosen="0.9")


def _column(rows: list[dict[str, str]], label: str, said: str) -> Column:
    return Column(label, said, tables.column(rows, "steps"), tables.column(rows, "learned"))


def _plain(rate: float) -> str:
    return np.format_float_positional(rate)


def _short(rate: float) -> str:
    """A learning rate as it fits below a column: 1e-5, 3e-5."""
    return f"{rate:.0e}".replace("e-0", "e-")


# ---- The picture ---------------------------------------------------------------------------------


def _outcomes(
    title: str,
    panels: dict[str, list[Column]],
    across: str,
    choice: str,
    seen: str,
    chosen: str = "",
) -> Scene:
    every = [column for panel in panels.values() for column in panel]
    first, last = _decades(every)
    chosen = chosen or next(iter(panels))
    columns = panels[chosen]
    parts = _axes(first, last, columns, across)
    for name, panel in panels.items():
        shown = "" if name == chosen else ' style="display: none"'
        groups = "".join(_dots(panel, place, first, last) for place in range(len(panel)))
        parts.append(f'<g class="panel" data-name="{html.escape(name)}"{shown}>{groups}</g>')
    words_of = {name: [it.in_words() for it in panel] for name, panel in panels.items()}
    described = f"A dot for each training: {seen}. {' '.join(words_of[chosen])}"
    picture = svg(_WIDTH, _HEIGHT, described, parts)
    width = (_WIDTH - _LEFT - _RIGHT) / len(columns)
    data = {
        "said": words_of,
        "labels": [column.label for column in columns],
        "chosen": chosen,
        "place": {"left": _LEFT, "width": width, "whole": _WIDTH},
    }
    controls = _controls(list(panels), chosen, choice, across, len(columns))
    caption = (
        "A dot is a training, at the step at which it had learned; a cross at the top one that was "
        f"given up. {choice and f'Momentum {chosen}, until you choose another.'}"
    )
    return figure("outcomes", title, picture, controls, caption.strip(), data)


def _decades(columns: list[Column]) -> tuple[int, int]:
    """The powers of ten between which all runs that learned lie."""
    steps = np.concatenate([column.steps[column.learned == 1] for column in columns])
    return math.floor(math.log10(steps.min())), math.ceil(math.log10(steps.max()))


def _axes(first: int, last: int, columns: list[Column], across: str) -> list[str]:
    width = (_WIDTH - _LEFT - _RIGHT) / len(columns)
    parts = [
        f'<rect class="column" x="{_LEFT + width * place:.1f}" y="4" width="{width:.1f}" '
        f'height="{_BOTTOM - 4}"/>'
        for place in range(len(columns))
    ]
    for decade in range(first, last + 1):
        y = _BOTTOM - (_BOTTOM - _TOP) * (decade - first) / (last - first)
        parts.append(f'<path class="rule" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(words(_LEFT - 8, y + 5, power(decade), "end"))
    parts.append(words(_LEFT - 8, _GIVEN_UP + 5, "given up", "end small"))
    for place, column in enumerate(columns):
        x = _LEFT + width * (place + 0.5)
        parts.append(words(x, _BOTTOM + 22, column.label, "middle"))
    parts.append(words((_LEFT + _WIDTH) / 2, _BOTTOM + 48, across, "middle"))
    return parts


def _dots(panel: list[Column], place: int, first: int, last: int) -> str:
    column, width = panel[place], (_WIDTH - _LEFT - _RIGHT) / len(panel)
    parts = []
    for run, (steps, learned) in enumerate(zip(column.steps, column.learned, strict=True)):
        x = _LEFT + width * (place + 0.12 + 0.76 * (run + 0.5) / len(column.steps))
        if learned:
            share = (math.log10(steps) - first) / (last - first)
            y = _BOTTOM - (_BOTTOM - _TOP) * share
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
        else:
            parts.append(f'<path d="M{x - 3:.1f} {_GIVEN_UP - 3}l6 6m0 -6l-6 6"/>')
    return f'<g class="runs">{"".join(parts)}</g>'


def _controls(panels: list[str], chosen: str, choice: str, across: str, columns: int) -> str:
    buttons = "".join(
        f'<label><input type="radio" class="panel-choice" value="{name}"'
        f"{' checked' if name == chosen else ''}> {name}</label>"
        for name in panels
    )
    fieldset = (
        f'<fieldset class="together"><legend>{choice}</legend>{buttons}</fieldset>'
        if choice
        else ""
    )
    return (
        f'{fieldset}<label>{across.capitalize()} <input type="range" class="which" min="0" '
        f'max="{columns - 1}" step="1" value="{columns // 2}"><output></output></label>'
        '<p class="said"></p>'
    )
