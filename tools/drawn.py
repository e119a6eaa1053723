"""Figures as drawings that belong to the page: SVG in the page's own ink, on its own ground.

Matplotlib's SVG is made for a file of its own. Here it becomes a part of a page, light or dark:

- what is white takes the page's ground, greys a share of its ink; other colours have a lighter
  twin for dark pages, the one that turned pictures have too (see ``blues.css``);
- no style reaches out of it, and no name in it is used twice in a page;
- words stay words; numbers have two decimals; groups that say nothing are gone.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from nbformat import NotebookNode

HEAVIEST = 45_000
"""Bytes; a drawing of more has so many marks that it is better as a picture."""

OPTIONS = (
    "--InlineBackend.figure_formats={'png', 'svg'}",
    '--InlineBackend.rc={"svg.fonttype": "none", "svg.hashsalt": "learning-the-blues"}',
)
"""With these a kernel shows each figure twice: as a picture and as a drawing."""

SVG = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"
SCALE = 150 / 72
"""Dots of the page for one of Matplotlib's points, as in the pictures."""

GROUND = "var(--pst-color-background)"
INK = 0x33 / 255
"""What the figures call ink; greys as dark as that and darker are the colour of the words."""

COLOUR = re.compile(r"#[0-9a-f]{6}\b")
NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
LETTER = re.compile(r" ?([MLQCz]) ?")
REFERENCE = re.compile(r"#([\w.-]+)")


def draw(notebook: NotebookNode) -> None:
    """Make the drawings among the outputs of a notebook fit for a page; drop those too heavy.

    Each has its picture beside it, which is shown where the drawing has gone.
    """
    number = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data and "image/svg+xml" in data:
                number += 1
                drawing = of_the_page(data.pop("image/svg+xml"), number)
                if len(drawing.encode()) <= HEAVIEST:
                    data["image/svg+xml"] = drawing


def of_the_page(svg: str, number: int = 1) -> str:
    """Matplotlib's SVG as an element of a page: its first drawing, second and so on, by number.

    The number is in the names of its parts: two drawings of a page may be the same.
    """
    root = _plain(ET.fromstring(svg))
    name = f"drawing-{number}-"
    used = {found for part in root.iter() for found in _references(part)}
    for part in root.iter():
        for key, value in list(part.attrib.items()):
            if key == "id":
                if value in used:
                    part.set("id", name + value)
                else:
                    del part.attrib["id"]
            elif key == LINK:
                del part.attrib[key]
                part.set("href", f"#{name}{value[1:]}" if value.startswith("#") else value)
            elif key == "clip-path":
                part.set(key, value.replace("(#", f"(#{name}"))
            elif key == "style":
                part.set(key, _style(value))
            elif key == "transform" and value.startswith("rotate(-0 "):
                del part.attrib[key]
            elif key in ("d", "x", "y", "width", "height", "points"):
                short = " ".join(NUMBER.sub(_rounded, value).split())
                part.set(key, LETTER.sub(r"\1", short))
    _flatten(root)
    # The first thing drawn is the ground of the whole figure, which is the page's.
    root.remove(next(part for part in root if part.tag == "path"))
    width, height = (float(size) for size in root.get("viewBox", "").split()[2:])
    root.attrib = {
        "class": "drawn",
        "viewBox": f"0 0 {width:.2f} {height:.2f}",
        "width": f"{width * SCALE:.0f}",
        "height": f"{height * SCALE:.0f}",
        "xmlns": SVG,
    }
    return ET.tostring(root, encoding="unicode")


def turned(colour: str) -> str:
    """What a colour, ``#rrggbb``, is on a dark page: light for dark, of the same hue."""
    red, green, blue = (0.93 - 0.86 * part for part in _parts(colour))
    grey = 2 * (0.213 * red + 0.715 * green + 0.072 * blue)
    parts = (min(1.0, max(0.0, grey - part)) for part in (red, green, blue))
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def themed(colour: str) -> str:
    """A colour of a figure as CSS, for pages of both themes."""
    parts = _parts(colour)
    if max(parts) - min(parts) > 0.03:
        return f"light-dark({colour},{turned(colour)})"
    share = (1 - parts[1]) / (1 - INK)
    if share < 0.01:
        return GROUND
    if share > 0.99:
        return "currentColor"
    return f"color-mix(in srgb,currentColor {100 * share:.0f}%,{GROUND})"


def _parts(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _references(part: ET.Element) -> Iterator[str]:
    for key in (LINK, "clip-path"):
        if "#" in (value := part.get(key, "")) and not value.startswith("data:"):
            yield from REFERENCE.findall(value)


def _style(style: str) -> str:
    """A style attribute in the page's colours, and in the plain one before it for old browsers."""
    said = []
    for name, value in (it.split(":", 1) for it in style.split(";") if ":" in it):
        name, value = name.strip(), value.strip()
        if name == "font-family":
            continue
        if COLOUR.fullmatch(value):
            theirs = themed(value)
            if "(" in theirs and theirs != GROUND:
                said.append(f"{name}:{value}")
            value = theirs
        said.append(f"{name}:{value}")
    return ";".join(said)


def _plain(element: ET.Element) -> ET.Element:
    """An element without a namespace, what is told about its file, and its style sheet."""
    copy = ET.Element(element.tag.rpartition("}")[2], element.attrib)
    keeps_space = copy.tag in ("text", "tspan")
    copy.text = element.text if keeps_space and (element.text or "").strip() else None
    for child in element:
        kind = child.tag.rpartition("}")[2]
        if kind not in ("metadata", "style"):
            copy.append(_plain(child))
    return copy


def _flatten(element: ET.Element) -> None:
    """Put in place of groups that say nothing what is in them, and drop what is empty."""
    children = []
    for child in element:
        _flatten(child)
        if child.tag == "g" and not child.attrib:
            children += list(child)
        elif len(child) or child.tag not in ("g", "defs"):
            children.append(child)
    element[:] = children
