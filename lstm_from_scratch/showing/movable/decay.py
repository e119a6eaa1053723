"""What is left of an error that goes back: the flow of whole networks, and one weight to move.

Chapter 3 (Why networks forget) measures the flow.
"""

from __future__ import annotations

import numpy as np

from ... import limits
from ...arguments import array, checked, real, text
from ..stage.scenes import Scene
from .page import figure, number, power, svg, words

MOST = 1.25
"""The largest weight that the slider has."""

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560, 330, 74, 8, 12, 272
_HIGHEST, _LOWEST = 10, -30  # powers of ten
_DECADE = (_BOTTOM - _TOP) / (_HIGHEST - _LOWEST)


@checked(
    left=array("networks", "steps", some=True, dtype=float),
    weight=real(0, MOST),
    title=text(some=True),
)
def error_left(
    left: np.ndarray, weight: float, *, title: str = "What is left of an error"
) -> Scene:
    """Draw how errors shrink on their way back, and a unit whose weight the reader moves.

    The unit reads its own output with that weight. One step back multiplies an error by the weight
    and by the slope of tanh at the unit's output, as `simple_rnn.error_flow` does.

    Parameters
    ----------
    left : for each network, what is left of an error 0, 1, 2, ... steps back, as a share.
    weight : where the slider stands at first.
    title : what it is called.

    Raises
    ------
    ValueError : for fewer than 17 steps, as the figure tells what is left after 16; for shares that
        are below 0.

    Chapter 3.
    """
    networks, steps = left.shape
    limits.expect_steps("left", steps, limits.PAGE)
    if steps < 17:
        raise ValueError(f"left: expected at least 17 steps, got {steps}")
    if (left < 0).any():
        raise ValueError(f"left: expected shares of at least 0, got {left.min():g}")
    weight = round(weight, 2)  # as fine as the slider
    across = (_WIDTH - _LEFT - _RIGHT) / (steps - 1)
    own = weight ** np.arange(steps)
    parts = [*_axes(steps, across)]
    parts += [f'<path class="measured" d="{_line(curve, across)}"/>' for curve in left]
    parts.append(f'<path class="line" d="{_line(own, across)}"/>')
    last = left[:, -1]
    seen = (
        f"On a logarithmic axis, what is left of an error up to {steps - 1} steps back. In "
        f"{networks} networks it falls to between {number(last.min())} and {number(last.max())}."
    )
    inside = f'<g clip-path="inset(0)">{"".join(parts)}</g>'
    picture = svg(
        _WIDTH, _HEIGHT, f"{seen} A line to move begins with weight {weight:.2f}.", [inside]
    )
    data = {
        "seen": seen,
        "width": _WIDTH,
        "plane": {
            "left": _LEFT,
            "top": _TOP,
            "across": across,
            "decade": _DECADE,
            "highest": _HIGHEST,
            "steps": steps,
        },
    }
    return figure("decay", title, picture, _controls(weight, own), _caption(networks, weight), data)


def _line(shares: np.ndarray, across: float) -> str:
    """A curve as the path of an SVG; what is 0 lies far below the picture."""
    powers = np.log10(np.maximum(shares, 1e-300))
    places = [
        f"{_LEFT + across * step:.1f} {_TOP + _DECADE * (_HIGHEST - at):.1f}"
        for step, at in enumerate(powers)
    ]
    return f"M{'L'.join(places)}"


def _axes(steps: int, across: float) -> list[str]:
    right = _WIDTH - _RIGHT
    parts = []
    for exponent in range(_LOWEST, _HIGHEST + 1, 10):
        y = _TOP + _DECADE * (_HIGHEST - exponent)
        kind = "rule" if exponent else "one"
        parts.append(f'<path class="{kind}" d="M{_LEFT} {y:.1f}H{right}"/>')
        parts.append(words(_LEFT - 8, y + 5, power(exponent) if exponent else "1", "end"))
    for step in range(0, steps, 16):
        x = _LEFT + across * step
        kind = "mark" if step == 16 else "rule"
        parts.append(f'<path class="{kind}" d="M{x:.1f} {_TOP}V{_BOTTOM}"/>')
        parts.append(words(x, _BOTTOM + 22, str(step), "middle"))
    parts.append(words((_LEFT + right) / 2, _BOTTOM + 48, "steps back", "middle"))
    return parts


def _controls(weight: float, own: np.ndarray) -> str:
    told = "".join(
        f'<li>left after {back} steps: <b data-back="{back}">{number(own[back])}</b></li>'
        for back in (8, 16, len(own) - 1)
    )
    return (
        f'<label>Weight <i>w</i> <input type="range" class="weight" min="0" max="{MOST:g}" '
        f'step="0.01" value="{weight:.2f}"><output></output></label>'
        '<label>Output <i>y</i> of the unit <input type="range" class="held" min="0" max="0.95" '
        'step="0.05" value="0"><output></output></label>'
        f'<ul class="told"><li>factor a step, <i>w</i> (1 − <i>y</i>²): '
        f'<b class="factor">{weight:.2f}</b></li>{told}</ul>'
    )


def _caption(networks: int, weight: float) -> str:
    return (
        f"Thin lines: {networks} networks. Thick line: one unit that reads its own output with the "
        f"weight <i>w</i>, at first {weight:.2f}; an error that goes a step back is multiplied by "
        "<i>w</i> and by the slope of tanh."
    )
