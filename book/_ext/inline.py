"""Figures that are drawings stand in the page itself, where its colours reach them.

A cell's figure comes as SVG where it is light enough (see ``tools/drawn.py``), and as a picture
where it is not. A picture is a file beside the page; a drawing becomes part of the page, which
tells screen readers the alt text of the cell.
"""

from __future__ import annotations

import html
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

CLASS = '<svg class="drawn"'
"""How those drawings begin; no other SVG is touched."""


def put_in(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put drawings in place of the references to their files."""
    if app.builder.format != "html":
        return
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir) / image["uri"]
        if path.suffix != ".svg" or not path.is_file():
            continue
        drawing = path.read_text(encoding="utf-8")
        if drawing.startswith(CLASS):
            said = html.escape(image.get("alt", ""), quote=True)
            named = drawing.replace(CLASS, f'{CLASS} role="img" aria-label="{said}"', 1)
            image.replace_self(nodes.raw("", f"{named}\n", format="html"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-resolved", put_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
