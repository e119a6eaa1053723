"""Figures as drawings in a page: in its colours, alone with their names, and light."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

import drawn
import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex, to_rgb
from nbformat.v4 import new_code_cell, new_notebook, new_output

from lstm_from_scratch.showing import figures

GROUNDS = ("#ffffff", "#14181e")
"""Of the theme, light and dark."""


def matplotlib_svg(marks: int = 30) -> str:
    with figures.style(), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "x"}):
        fig, ax = plt.subplots()
        ax.plot(range(marks), [i * 7 % 11 for i in range(marks)], "o", color="#0072B2", label="all")
        ax.axvspan(1, 2, color=figures.COLOURS["wrong"])
        ax.grid()
        ax.set_xlabel("steps < 5 & more")
        ax.legend()
        file = io.StringIO()
        fig.savefig(file, format="svg")
        plt.close(fig)
    return file.getvalue()


def luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.05 + sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.fixture(scope="module")
def drawing() -> str:
    return drawn.of_the_page(matplotlib_svg())


def test_a_drawing_has_the_colours_of_the_page(drawing: str) -> None:
    styles = [part.get("style", "") for part in ET.fromstring(drawing).iter()]
    said = {it.split(":")[1] for style in styles for it in style.split(";") if it}
    assert "currentColor" in said and drawn.GROUND in said
    assert not {"#333333", "#ffffff", "black"} & said
    assert "fill:#0072b2;fill:light-dark(#0072b2,#" in drawing
    assert "fill:light-dark(#f0e442," in drawing


@pytest.mark.parametrize("kind", sorted(set(figures.COLOURS) - {"faint", "wrong"}))
def test_what_is_drawn_stands_out_from_both_grounds(kind: str) -> None:
    colour = to_hex(figures.COLOURS[kind])
    theirs = drawn.themed(colour)
    if theirs == "currentColor":
        return
    light, dark = re.fullmatch(r"light-dark\((#\w{6}),(#\w{6})\)", theirs).groups()
    assert light == colour
    assert luminance(GROUNDS[0]) / luminance(light) >= 3
    assert luminance(dark) / luminance(GROUNDS[1]) >= 3


def test_greys_are_shares_of_the_ink() -> None:
    assert drawn.themed("#ffffff") == drawn.GROUND
    assert drawn.themed("#333333") == drawn.themed("#000000") == "currentColor"
    assert f"currentColor 33%,{drawn.GROUND}" in drawn.themed("#bbbbbb")


def test_names_are_those_of_one_drawing_alone(drawing: str) -> None:
    root, other = ET.fromstring(drawing), drawn.of_the_page(matplotlib_svg(), 2)
    names = {part.get("id") for part in root.iter()} - {None}
    assert names and all(f"#{name}" in drawing for name in names)
    assert not names & {part.get("id") for part in ET.fromstring(other).iter()}
    referred = set(re.findall(r'(?:href="|url\()#([\w-]+)', drawing))
    assert referred == names


def test_it_reaches_out_of_itself_nowhere(drawing: str) -> None:
    for word in ("<style", "<metadata", "<?xml", "<!", "xlink", "font-family"):
        assert word not in drawing
    assert drawing.startswith('<svg class="drawn"')
    assert "steps &lt; 5 &amp; more" in drawing, "words stay words"


def test_the_same_figure_is_the_same_drawing_and_lighter(drawing: str) -> None:
    before = matplotlib_svg()
    assert drawn.of_the_page(before) == drawing
    assert len(drawing) < 0.9 * len(before)


def test_drawings_stay_beside_their_pictures_and_heavy_ones_go() -> None:
    light, heavy = matplotlib_svg(), matplotlib_svg(2000)
    data = [{"image/png": "x", "image/svg+xml": svg, "text/plain": "t"} for svg in (light, heavy)]
    lone = {"image/svg+xml": "<svg/>"}
    shown = [new_output("display_data", data=it) for it in (*data, lone)]
    notebook = new_notebook(cells=[new_code_cell("draw()", outputs=shown)])
    drawn.draw(notebook)
    first, second, third = (output.data for output in notebook.cells[0].outputs)
    assert first["image/png"] == "x" and first["image/svg+xml"] == drawn.of_the_page(light)
    assert dict(second) == {"image/png": "x", "text/plain": "t"}
    assert dict(third) == lone, "what is no figure is left alone"
