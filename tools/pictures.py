"""Pictures of executed cells in a third of their bytes: PNG files of at most 256 colours.

A figure has a handful of colours, and their shades where lines and letters end. 256 of them look as
all do, and a page or a notebook that has twenty figures is a megabyte lighter.
"""

from __future__ import annotations

import base64
import io

from nbformat import NotebookNode
from PIL import Image

COLOURS = 256
"""As many as a byte for each dot can tell."""


def lighten(notebook: NotebookNode) -> None:
    """Give every PNG picture among the outputs of a notebook a palette, if that makes it smaller.

    A picture that has one is left as it is, so that a second time changes nothing.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                png = base64.b64decode(data["image/png"])
                lighter = of_few_colours(png)
                if lighter is not png:
                    data["image/png"] = base64.b64encode(lighter).decode() + "\n"


def of_few_colours(png: bytes) -> bytes:
    """A PNG file's picture with a palette; the file itself if it has one, or would not be smaller.

    Colours are chosen without dither, which would put dots of others into plain grounds.
    """
    image = Image.open(io.BytesIO(png))
    if image.mode == "P":
        return png
    opaque = "A" not in image.getbands() or image.getchannel("A").getextrema()[0] == 255
    if opaque:
        few = image.convert("RGB").quantize(
            COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
    else:
        few = image.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    told = {"dpi": image.info["dpi"]} if "dpi" in image.info else {}
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True, **told)
    lighter = file.getvalue()
    return lighter if len(lighter) < len(png) else png
