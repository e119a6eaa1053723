"""What verovio draws, taken apart into shapes that look the same everywhere.

MusicXML goes in; pages come out, each a list of outlines. These become paths of an SVG drawing in
the page, or patches of Matplotlib, which writes them into a PDF. Needs verovio (the extra ``score``
of this package).

Chapter 1 (Twelve bars) shows the first score.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import matplotlib as mpl
import numpy as np
from fontTools.pens.recordingPen import RecordingPen
from fontTools.svgLib.path.parser import parse_path
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.textpath import TextPath
from matplotlib.transforms import IdentityTransform

from ... import briefly
from ...arguments import check, checked, one_of, real, text

NEEDS_VEROVIO = (
    "drawing a score needs verovio: pip install 'lstm-from-scratch[score]'. "
    "MusicXML, MIDI and sound do without"
)
"""What is said where verovio is missing."""

_ENGRAVING = {
    "footer": "none",
    "header": "none",
    "minLastJustification": 0.5,  # a line at least half full is as wide as the others
    "smuflTextFont": "none",  # words become outlines
}
_LOOSE = {
    "adjustPageHeight": True,
    "adjustPageWidth": True,
    "breaks": "encoded",
    "noJustification": True,
    "pageWidth": 100_000,
    "pageHeight": 60_000,
}
_TIGHT = 0.9  # how far notes may be pushed together
_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
# What verovio takes from its music font within words.
_SYMBOLS = {"\uea64": "♭", "\uea65": "♮", "\uea66": "♯"}
_PATH = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}  # Matplotlib's codes in SVG's letters
_PEN = {"moveTo": 1, "lineTo": 2, "qCurveTo": 3, "curveTo": 4, "closePath": 79}


@checked
class Shape(NamedTuple):
    """Something that is drawn: an SVG path in its own coordinates, moved and stretched.

    A line has a width, a filled shape has none, in units of the page (a thousandth of a cm).
    """

    kind: str
    outline: str
    x: float = 0
    y: float = 0
    stretch: tuple[float, float] = (1, 1)
    width: float = 0

    def element(self) -> ET.Element:
        """The shape in SVG."""
        attributes = {"class": self.kind, "d": self.outline}
        if (self.x, self.y, self.stretch) != (0, 0, (1, 1)):
            across, up = self.stretch
            attributes["transform"] = f"translate({self.x:g} {self.y:g}) scale({across:g} {up:g})"
        if self.width:
            attributes["stroke-width"] = f"{self.width:g}"
        return ET.Element("path", attributes)

    def patch(self, height: float, scale: float) -> PathPatch:
        """The shape for Matplotlib, counted from the lower left corner of a page of that height."""
        pen = RecordingPen()
        parse_path(self.outline, pen)
        points, codes = [], []
        for command, places in pen.value:
            if command in _PEN:
                places = places or points[-1:]  # closing needs a point, whichever
                points += places
                codes += [_PEN[command]] * len(places)
        place = np.array(points) * self.stretch + (self.x, self.y)
        place = (place * (1, -1) + (0, height)) * scale
        return PathPatch(
            mpl.path.Path(place, codes),
            facecolor="black",
            edgecolor="black",
            linewidth=self.width * scale,
            capstyle="butt",
            transform=IdentityTransform(),
        )


Page: TypeAlias = tuple[float, float, list[Shape]]  # width, height, and what is drawn on it


@checked
def engrave(sheet: str, options: dict[str, Any]) -> list[Page]:
    """Let verovio set a sheet of MusicXML, and take its pages apart into shapes."""
    for name in ("pageWidth", "pageHeight"):
        check(f"options, {name}", options.get(name), real(above=0))
    try:
        import verovio
    except ImportError:
        raise ModuleNotFoundError(NEEDS_VEROVIO, name="verovio") from None
    toolkit = verovio.toolkit()
    breaks = {} if "<print " in sheet else {"breaks": "none"}  # a single line has none

    def pages(**more: Any) -> list[Page]:
        toolkit.setOptions(_ENGRAVING | options | more | breaks)
        if not toolkit.loadData(sheet):
            raise ValueError(f"sheet: expected MusicXML, got {briefly.came(sheet)}")
        return [_page(toolkit.renderToSVG(page + 1)) for page in range(toolkit.getPageCount())]

    # Where notes are many, the page is made larger (and shown as large as any other).
    loose = pages(**_LOOSE)
    larger = max(1.0, _TIGHT * max(width for width, _, _ in loose) / 10 / options["pageWidth"])
    return pages(
        pageWidth=round(larger * options["pageWidth"]),
        pageHeight=min(round(larger * options["pageHeight"]), _LOOSE["pageHeight"]),
        adjustPageWidth=False,
        noJustification=False,
    )


def _page(drawing: str) -> Page:
    """Size and shapes of a page that verovio has drawn."""
    root = ET.fromstring(drawing)
    glyphs = {g.get("id"): g[0].get("d") for g in root.iterfind(f"{_SVG}defs/{_SVG}g")}
    scaled = root.find(f"{_SVG}svg")
    margin = scaled.find(f"{_SVG}g")
    x, y = _numbers(margin.get("transform"))
    _, _, width, height = _numbers(scaled.get("viewBox"))
    shapes = [shape._replace(x=shape.x + x, y=shape.y + y) for shape in _shapes(margin, "", glyphs)]
    return width, height, shapes


def _shapes(element: ET.Element, kind: str, glyphs: dict[str, str]) -> Iterator[Shape]:
    """What an element of verovio's drawing and those inside it draw, each as one shape.

    Glyphs are named by ids there, which two drawings in one page would share; words are set in a
    font that every machine has another of. As outlines both look the same everywhere.
    """
    classes = element.get("class", "").split()
    if "placeholder" in classes:
        return
    kind = classes[0] if classes else kind
    tag = element.tag.removeprefix(_SVG)
    width = float(element.get("stroke-width", 0))
    if tag == "path":
        yield Shape(kind, element.get("d"), width=width)
    elif tag == "polygon":
        yield Shape(kind, f"M{element.get('points')}Z", width=width)
    elif tag == "ellipse":
        x, y, rx, ry = (float(element.get(name)) for name in ("cx", "cy", "rx", "ry"))
        half = f"a{rx:g} {ry:g} 0 1 0"
        yield Shape(kind, f"M{-rx:g} 0{half} {2 * rx:g} 0{half} {-2 * rx:g} 0Z", x, y)
    elif tag == "use":
        x, y, across, up = _numbers(element.get("transform"))
        yield Shape(kind, glyphs[element.get(_LINK)[1:]], x, y, (across, -up))
    elif tag == "text":
        words = "".join(_SYMBOLS.get(sign, sign) for sign in "".join(element.itertext()))
        sizes = [
            _numbers(part.get("font-size", "0"))[0]
            for part in element.iter()
            if not part.get("font-family")
        ]
        if kind == "harm":
            words = words.replace("b", "♭")
        if words.strip():
            place = float(element.get("x", 0)), float(element.get("y", 0))
            anchor = element.get("text-anchor", "start")
            yield lettering("".join(words.split()), *place, max(sizes), anchor=anchor, kind=kind)
    else:
        for inner in element:
            yield from _shapes(inner, kind, glyphs)


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in re.findall(r"-?[\d.]+", text))


@checked(anchor=one_of("start", "middle", "end"), size=real(above=0), text=text(some=True))
def lettering(
    text: str,
    x: float,
    y: float,
    size: float,
    *,
    anchor: str = "start",
    kind: str = "words",
    room: float = math.inf,
) -> Shape:
    """A line of text as an outline, in the font that comes with Matplotlib."""
    font = FontProperties(family="DejaVu Sans")
    path = TextPath((0, 0), text.replace("$", r"\$"), size=size, prop=font)  # $ begins a formula
    outline = "".join(
        _PATH[code] + " ".join(f"{value:.0f}" for value in places if _PATH[code] != "Z")
        for places, code in path.iter_segments(simplify=False)
    )
    length = path.get_extents().x1
    narrow = min(1.0, room / length)
    x -= {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * length * narrow
    return Shape(kind, outline, x, y, (narrow, -narrow))
