"""How long a page takes to read, and which packages the book names: the extension by itself."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from docutils import nodes


@pytest.fixture(scope="module")
def times(root: Path) -> ModuleType:
    """The extension of Sphinx that fills times in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "book" / "_ext"))
        import times

        return times


def paragraph(words: int) -> nodes.paragraph:
    return nodes.paragraph("", " ".join(["word"] * words))


def cell(*children: nodes.Node, tag: str = "") -> nodes.container:
    """A cell of a notebook with its input and, below it, what it puts out."""
    source = nodes.container("", nodes.literal_block("", "for x in y: pass"))
    output = nodes.container("", *children, nb_element="cell_code_output")
    return nodes.container("", source, output, classes=["cell", tag])


def test_words_are_read_and_cells_are_stopped_at(times: ModuleType) -> None:
    assert times.reading(nodes.section("", paragraph(400))) == 2
    text = nodes.section("", paragraph(200), cell(nodes.literal_block("", "many " * 900)))
    assert times.reading(text) == 1.25, "what a cell prints is not read word by word"
    picture = nodes.container("", nodes.image(uri="roll.png", alt="a roll of many notes"))
    assert times.reading(nodes.section("", cell(picture))) == 0.5
    formula = nodes.section("", nodes.math_block("", r"a = b + c"), nodes.raw("", "x " * 900))
    assert times.reading(formula) == 0.25


def test_solutions_take_no_time(times: ModuleType) -> None:
    page = nodes.section("", paragraph(200), cell(tag="tag_solution"))
    assert times.reading(page) == 1


def test_lengths_are_said_as_one_says_them(times: ModuleType) -> None:
    said = [
        times.minutes(0.2), times.minutes(59.6), times.minutes(200),
        times.seconds(0.2), times.seconds(99.4), times.seconds(99.6), times.seconds(310),
    ]  # fmt: skip
    expected = ["1 min", "1 h", "3 h 20 min", "1 s", "99 s", "2 min", "5 min"]
    assert [words.replace("\u00a0", " ") for words in said] == expected
    assert " " not in times.minutes(200), "a line must not break in it"
    assert str(times.Times(12, None)).replace("\u00a0", " ") == "read 12 min"
    assert str(times.Times(12, 8.2)).replace("\u00a0", " ") == "read 12 min, run 8 s"


def test_packages_are_those_that_are_named_by_themselves(times: ModuleType, root: Path) -> None:
    found = list(times.pinned((root / "requirements.txt").read_text(encoding="utf-8")))
    assert ("The module", "numpy") in [(block, name) for block, name, _ in found]
    assert "mdurl" not in [name for _, name, _ in found], "it is brought along"


def test_another_version_than_the_pinned_one_is_told(
    times: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "version", {"mido": "1.3.4"}.__getitem__)
    assert times.installed("mido", "1.3.4") == "1.3.4"
    assert times.installed("mido", "1.3.3") == "1.3.4 (tested with 1.3.3)"
    monkeypatch.undo()
    assert times.installed("no-such-package", "1") == "not installed (tested with 1)"
