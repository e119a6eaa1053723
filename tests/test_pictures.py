"""Pictures of executed cells: smaller, and the same to look at."""

from __future__ import annotations

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pictures
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from lstm_from_scratch.showing import figures


def drawn(*, transparent: bool = False) -> bytes:
    """A figure as chapters have them: dots, lines, letters, a table of shades."""
    with figures.style():
        fig, (left, right) = plt.subplots(1, 2, figsize=(7, 3))
    rng = np.random.default_rng(3)
    for colour in ("chords", "melody", "output_gate", "cell_state"):
        left.plot(rng.random(40), rng.random(40), "o", alpha=0.6, color=figures.COLOURS[colour])
    figures.number_table(rng.random((4, 3)), list("abcd"), list("xyz"), right)
    file = io.BytesIO()
    fig.savefig(file, format="png", transparent=transparent)
    plt.close(fig)
    return file.getvalue()


def dots(png: bytes, mode: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert(mode)).astype(int)


def test_a_figure_takes_half_the_bytes_and_looks_the_same() -> None:
    before = drawn()
    after = pictures.of_few_colours(before)
    assert len(after) < len(before) / 2
    apart = np.abs(dots(before, "RGB") - dots(after, "RGB"))
    assert apart.max() < 64 and apart.mean() < 0.25
    ground = (dots(before, "RGB") == 255).all(axis=2)
    assert ground.mean() > 0.3 and (dots(after, "RGB")[ground] == 255).all()
    assert Image.open(io.BytesIO(after)).info["dpi"] == Image.open(io.BytesIO(before)).info["dpi"]
    assert pictures.of_few_colours(after) is after


def test_what_is_transparent_stays_so() -> None:
    before = drawn(transparent=True)
    after = pictures.of_few_colours(before)
    clear = dots(before, "RGBA")[..., 3] == 0
    assert clear.mean() > 0.3 and (dots(after, "RGBA")[..., 3][clear] == 0).all()
    assert (dots(after, "RGBA")[..., 3][dots(before, "RGBA")[..., 3] == 255] > 200).all()


def test_a_picture_that_would_grow_is_left_as_it_is() -> None:
    file = io.BytesIO()
    Image.new("L", (3, 3), 7).save(file, "PNG")
    assert pictures.of_few_colours(file.getvalue()) == file.getvalue()


def test_pictures_of_a_notebook_and_nothing_else_become_lighter() -> None:
    png, html = base64.b64encode(drawn()).decode() + "\n", "<b>1</b>"
    data = {"image/png": png, "text/plain": "a figure"}
    shown = [new_output("display_data", data=data), new_output("stream", text="said\n")]
    notebook = new_notebook(
        cells=[
            new_code_cell("draw()", outputs=shown),
            new_code_cell("1", outputs=[new_output("execute_result", data={"text/html": html})]),
        ]
    )
    pictures.lighten(notebook)
    picture, said = notebook.cells[0].outputs
    assert len(picture.data["image/png"]) < len(png) / 2
    assert (picture.data["text/plain"], said.text) == ("a figure", "said\n")
    assert notebook.cells[1].outputs[0].data == {"text/html": html}
    again = picture.data["image/png"]
    pictures.lighten(notebook)
    assert notebook.cells[0].outputs[0].data["image/png"] == again
