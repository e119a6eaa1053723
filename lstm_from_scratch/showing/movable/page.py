"""What every movable figure has: a picture, controls that wait for a script, and a caption.

Chapters 3 to 6 each have one.
"""

from __future__ import annotations

import html
import json
from importlib.resources import files
from typing import Any

from ...arguments import checked, one_of, real, text
from ..figures import COLOURS
from ..palette import palette
from ..stage.scenes import Scene

KINDS = ("decay", "latch", "online", "outcomes")
"""The kinds of figures, each with a script of that name."""

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@checked(kind=one_of(*KINDS), title=text(some=True))
def figure(
    kind: str, title: str, picture: str, controls: str, caption: str, data: dict[str, Any]
) -> Scene:
    """Put a movable figure together.

    Parameters
    ----------
    kind : one of `KINDS`.
    title : what it is; also what a screen reader calls it.
    picture : an SVG that can be read as it is.
    controls : HTML of what moves it; hidden where no script runs.
    caption : HTML; what is seen, with a script or without.
    data : what the script needs.

    Chapter 3.
    """
    here = files(__package__)

    def read(file: str) -> str:
        return here.joinpath(file).read_text(encoding="utf-8")

    colours = "; ".join(f"--{kind.replace('_', '-')}: {it}" for kind, it in COLOURS.items())
    stored = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    script = read("movable.js").replace("// <figure>", read(f"{kind}.js"))
    return Scene(
        title,
        f'<figure class="movable {kind}" role="group" aria-label="{html.escape(title)}" '
        f'style="{colours}"><style>{palette()}{read("movable.css")}</style>'
        f'{picture}<div class="controls" hidden>{controls}</div>'
        f"<figcaption>{caption}</figcaption>"
        f'<script type="application/json">{stored}</script><script>{script}</script></figure>',
    )


@checked
def svg(width: int, height: int, description: str, parts: list[str]) -> str:
    """An SVG of parts, which says to a screen reader what is seen.

    Parameters
    ----------
    width, height : of the picture in its own units; on the page it is as wide as its column.
    description : what is seen.
    parts : its elements, in the order in which they are drawn.

    Chapter 3.
    """
    said = html.escape(description)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{said}">{"".join(parts)}</svg>'
    )


@checked
def words(x: float, y: float, said: str, kind: str = "") -> str:
    """Words in a picture, as an element of an SVG.

    Parameters
    ----------
    x, y : where they stand. said : the words. kind : names of classes, see ``movable.css``.

    Chapter 3.
    """
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{html.escape(said)}</text>'


@checked(value=real())
def number(value: float) -> str:
    """A number as it is read: two digits, and powers of ten where there are many zeros.

    Chapter 3.
    """
    size = abs(value)
    if size == 0 or 1e-3 <= size < 1e4:
        digits = f"{value:.2g}" if size < 100 else f"{value:.0f}"
        return digits.replace("-", "\N{MINUS SIGN}")
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits} × {power(int(exponent))}".replace("-", "\N{MINUS SIGN}")


@checked
def power(exponent: int) -> str:
    """A power of ten as it is written: 10⁻⁷. Chapter 3."""
    return f"10{str(exponent).translate(_RAISED)}"
