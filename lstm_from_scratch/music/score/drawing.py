"""A score as a picture in the page, and on paper.

Both need verovio (the extra ``score`` of this package). A notebook that runs without it shows a
note in the place of each picture.

Chapter 1 (Twelve bars) shows the first score.
"""

from __future__ import annotations

import html
import io
import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure

from ...arguments import checked, either, none, whole
from ...files import write_whole
from ..blues import TWELVE_BAR, Form
from ..midi import Music
from . import engraving
from .engraving import NEEDS_VEROVIO
from .staves import describe, printable, titled
from .writing import musicxml

_A4 = 210  # width of the paper in millimetres
_SCREEN = {
    "adjustPageHeight": True,
    "breaks": "encoded",
    "pageWidth": 1400,  # narrow, so that notes are large enough on a phone
    "pageHeight": 60000,
    "pageMarginLeft": 45,
    "pageMarginRight": 5,
    "pageMarginTop": 5,
    "pageMarginBottom": 5,
}
_PAPER = {
    "adjustPageHeight": False,
    "breaks": "line",  # lines as written, pages as they fit
    "pageWidth": 2100,
    "pageHeight": 2970,
    "pageMarginLeft": 170,
    "pageMarginRight": 150,
    "pageMarginTop": 300,
    "pageMarginBottom": 200,
}


@checked
@dataclass(frozen=True)
class Sheet:
    """A score that a notebook or the book shows as a drawing in the page.

    The drawing is made of shapes alone (no fonts, no ids, no scripts), is as wide as the page lets
    it be, and has the colour of the words around it.

    Attributes
    ----------
    title : what it is called.
    description : what is to be seen; what a screen reader says.
    svg : the drawing.
    """

    title: str
    description: str
    svg: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing into an SVG file: all of it or nothing. On paper, see `pdf`.

        Raises
        ------
        ValueError : for a name that does not end in ``.svg``.
        """
        return _save(self, path)

    def __repr__(self) -> str:
        return f"Sheet({self.title!r})"

    def _repr_html_(self) -> str:
        return (
            f'<figure class="score" style="margin: 0.5em 0">'
            f"<figcaption>{html.escape(self.title)}</figcaption>{self.svg}</figure>"
        )


@checked
@dataclass(frozen=True)
class Undrawn:
    """What a notebook shows in the place of a `Sheet` where verovio is missing: a note.

    Attributes
    ----------
    title, description : as those of a sheet.
    svg : not there; asking for it raises `ModuleNotFoundError`.
    """

    title: str
    description: str

    @property
    def svg(self) -> str:
        """The drawing that there is not."""
        raise ModuleNotFoundError(NEEDS_VEROVIO, name="verovio")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Raise the same errors as `Sheet.save`, and else that there is no drawing to save."""
        return _save(self, path)

    def __repr__(self) -> str:
        return f"Undrawn({self.title!r}): {NEEDS_VEROVIO}."

    def _repr_html_(self) -> str:
        return (
            f'<figure class="score" style="margin: 0.5em 0">'
            f"<figcaption>{html.escape(self.title)}</figcaption>"
            f"<p><em>Not drawn here: {html.escape(NEEDS_VEROVIO, quote=False)}.</em></p>"
            f"<p>{html.escape(self.description)}</p></figure>"
        )


def _save(sheet: Sheet | Undrawn, path: str | os.PathLike[str]) -> Path:
    """See `Sheet.save`."""
    if Path(path).suffix.lower() != ".svg":
        raise ValueError(
            f"path {os.fspath(path)!r}: a sheet is saved as a drawing, expected a name that ends "
            "in .svg; score.pdf writes PDF"
        )
    return write_whole(path, sheet.svg.encode())


@checked(key=either(whole(-7, 7), none()))
def svg(
    music: Music,
    title: str | None = None,
    *,
    form: Form = TWELVE_BAR,
    description: str | None = None,
    key: int | None = None,
    chord_staff: bool = True,
) -> Sheet | Undrawn:
    """Draw music as a score in the page; without verovio, put a note there. Chapter 1.

    Parameters
    ----------
    music, form, key, chord_staff : see `musicxml`.
    title : what is written above; by default a chorus is called by its number.
    description : what a screen reader says; by default the number of bars, the staves and the chord
        symbols.

    Raises
    ------
    ValueError : as `musicxml`.
    """
    title = titled(music, title, chord_staff)
    if description is None:
        description = describe(music, form, chord_staff)
    description = printable(description)
    sheet = musicxml(music, form=form, title=title, key=key, chord_staff=chord_staff)
    return in_page(sheet, title, description)


@checked
def in_page(sheet: str, title: str, description: str) -> Sheet | Undrawn:
    """Draw a score in MusicXML as a picture in the page; without verovio, a note. Chapter 1.

    Raises
    ------
    ValueError : for what is no score.
    """
    try:
        ((width, height, shapes),) = engraving.engrave(sheet, _SCREEN)
    except ModuleNotFoundError:
        return Undrawn(title, description)
    image = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width:g} {height:g}",
            "role": "img",
            "aria-label": description,
            "fill": "currentColor",
            "stroke": "currentColor",
            "stroke-width": "0",
            "style": "display: block; width: 100%; height: auto",
        },
    )
    image.extend(shape.element() for shape in shapes)
    return Sheet(title, description, ET.tostring(image, encoding="unicode"))


@checked(key=either(whole(-7, 7), none()))
def pdf(
    music: Music,
    path: str | os.PathLike[str],
    *,
    form: Form = TWELVE_BAR,
    title: str | None = None,
    composer: str | None = None,
    key: int | None = None,
    chord_staff: bool = True,
) -> Path:
    """Write music as a score on A4 pages into a PDF file; the same bytes each time. Chapter 1.

    Parameters
    ----------
    music, form, title, composer, key, chord_staff : see `musicxml`.

    Raises
    ------
    ValueError : as `musicxml`.
    ModuleNotFoundError : without verovio.
    """
    title = titled(music, title, chord_staff)
    sheet = musicxml(
        music, form=form, title=title, composer=composer, key=key, chord_staff=chord_staff
    )
    return on_paper(sheet, path, title, composer)


@checked
def on_paper(
    sheet: str, path: str | os.PathLike[str], title: str, composer: str | None = None
) -> Path:
    """Engrave a score in MusicXML on A4 pages of a PDF file; the same bytes each time. Chapter 1.

    Raises
    ------
    ValueError : for what is no score.
    ModuleNotFoundError : without verovio.
    """
    pages = engraving.engrave(sheet, _PAPER)
    # Matplotlib would write the time into the file.
    about = {"Title": title, "Author": composer, "Creator": None, "CreationDate": None}
    buffer = io.BytesIO()
    with PdfPages(buffer, metadata=about) as document:
        for number, (width, height, shapes) in enumerate(pages, start=1):
            middle, right, room = width / 2, 0.93 * width, 0.86 * width
            words = [
                (title, middle, 0.055, 0.03, "middle"),
                (composer or "", right, 0.078, 0.016, "end"),
                (f"{number} of {len(pages)}", middle, 0.97, 0.014, "middle"),
            ]
            shapes += [
                engraving.lettering(text, x, down * height, size * width, anchor=anchor, room=room)
                for text, x, down, size, anchor in words[: 3 if len(pages) > 1 else 2]
                if text.strip()
            ]
            figure = Figure(figsize=(_A4 / 25.4, _A4 / 25.4 * height / width))
            for shape in shapes:
                figure.add_artist(shape.patch(height, _A4 / 25.4 * 72 / width))
            FigureCanvasPdf(figure).print_pdf(document)
    return write_whole(path, buffer.getvalue())
