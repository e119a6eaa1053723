"""The notebooks as they are stored: executed, small, in one form, and built like every chapter.

That their outputs are still true is checked elsewhere, by running them (nbval). That check passes
on a notebook without outputs, so what is stored is looked at here.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST_OUTPUT = 400_000  # characters of JSON; a figure is some 40,000
COLUMN = 79  # characters of code that fit beside the list of pages; see notebooks/ruff.toml
LONGEST = 25  # lines of a cell; imports, which are folded, may be longer
SECTIONS = (
    "What you will learn and hear",
    "Checks",
    "Summary",
    "Exercises",
    "Where this differs from the paper",
)
# Places that differ from machine to machine and have no business in a page.
HERE = [folder for folder in (ROOT, Path.home()) if folder != Path(folder.anchor)]
LOCAL_PATH = re.compile(
    "|".join(
        [r"/home/\w", r"/Users/\w", "/tmp/", r"[A-Z]:\\\\", "site-packages"]
        + [re.escape(f"{folder}/") for folder in HERE]
    )
)

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def mime_types(cell: nbformat.NotebookNode) -> set[str]:
    return {mime for output in cell.outputs for mime in output.get("data", {})}


def is_imports(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell does nothing but import."""
    statements = ast.parse(cell.source).body
    return all(isinstance(one, ast.Import | ast.ImportFrom) for one in statements)


def toc_files(entry: Any) -> list[str]:
    """Every file that is named anywhere in the table of contents, in order."""
    if isinstance(entry, list):
        return [name for item in entry for name in toc_files(item)]
    if isinstance(entry, dict):
        here = [entry[key] for key in ("root", "file") if key in entry]
        return here + [name for value in entry.values() for name in toc_files(value)]
    return []


def section(path: Path, title: str) -> list[nbformat.NotebookNode]:
    """The cells of a second-level section; of a cell with other sections too, its part of it."""
    found, inside = [], False
    for cell in read(path).cells:
        if cell.cell_type != "markdown":
            found += [cell] if inside else []
            continue
        for text in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
            inside = text.split("\n")[0].strip() == f"## {title}" if text[:3] == "## " else inside
            if inside and text:
                found.append(nbformat.v4.new_markdown_cell(text))
    return found


@pytest.fixture(scope="module")
def store() -> ModuleType:
    """The tool that stores notebooks."""
    place = ROOT / "tools" / "store_notebooks.py"
    spec = importlib.util.spec_from_file_location("store_notebooks", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_contents_and_the_folders_agree() -> None:
    listed = toc_files(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    assert len(listed) == len(set(listed)), "a page is listed twice"
    pages = [path for path in ROOT.glob("book/**/*.md")] + NOTEBOOKS
    present = {path.relative_to(ROOT).with_suffix("").as_posix() for path in pages}
    assert set(listed) == present


@every_notebook
def test_it_is_stored_executed_from_top_to_bottom(path: Path) -> None:
    cells = code_cells(path)
    counts = [cell.execution_count for cell in cells]
    assert counts == list(range(1, len(cells) + 1)), "run `make notebooks`"


@every_notebook
def test_no_cell_failed_or_warned(path: Path) -> None:
    for cell in code_cells(path):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            if "nbval-ignore-output" not in tags(cell):
                assert output.get("name") != "stderr", f"{cell.source}\nprints {output.text}"


@every_notebook
def test_every_figure_has_alt_text(path: Path) -> None:
    for cell in code_cells(path):
        if any(mime.startswith("image/") for mime in mime_types(cell)):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 4, f"no alt text that says what is seen:\n{cell.source}"


@every_notebook
def test_sound_and_what_moves_is_made_by_the_build_and_not_stored(path: Path) -> None:
    for cell in code_cells(path):
        if {"audio", "movable"} & set(tags(cell)):
            assert cell.outputs == [], cell.source
            assert "nbval-ignore-output" in tags(cell), cell.source
        else:
            stored = json.dumps(cell.outputs)
            assert "<audio" not in stored, f"a player in a cell not tagged audio:\n{cell.source}"
            assert "data:audio" not in stored, cell.source
            assert "<script" not in stored, f"what moves is tagged movable:\n{cell.source}"


@every_notebook
def test_shown_source_is_not_compared(path: Path) -> None:
    for cell in code_cells(path):
        if re.search(r"^show\(", cell.source, flags=re.MULTILINE):
            assert "nbval-ignore-output" in tags(cell), cell.source


@every_notebook
def test_no_cell_hides_its_value_behind_a_semicolon(path: Path) -> None:
    # nbval runs cells without a history, and without one IPython shows the value all the same.
    for cell in code_cells(path):
        assert not cell.source.rstrip().endswith(";"), f"write `_ = ...` instead:\n{cell.source}"


@every_notebook
def test_code_fits_the_column_and_is_seen_at_once(path: Path) -> None:
    for cell in code_cells(path):
        lines = cell.source.split("\n")
        wide = [line for line in lines if len(line) > COLUMN]
        assert wide == [], f"over {COLUMN} characters: run `make lint`"
        assert len(lines) <= LONGEST or is_imports(cell), f"{len(lines)} lines:\n{cell.source}"


def folded(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell's code is not in view."""
    return bool({"hide-input", "hide-cell", "remove-cell", "remove-input"} & set(tags(cell)))


def heard_or_seen(cell: nbformat.NotebookNode) -> bool:
    """Whether a player or a picture stands below a cell."""
    pictures = {"image/png", "image/svg+xml"} & mime_types(cell)
    found = pictures | {"audio", "movable"} & set(tags(cell))
    return "hide-cell" not in tags(cell) and bool(found)


@every_notebook
def test_it_opens_with_something_to_hear_or_see(path: Path) -> None:
    cells = code_cells(path)
    visible = [place for place, cell in enumerate(cells) if not folded(cell)]
    assert not any(is_imports(cells[place]) for place in visible), "imports are folded"
    assert cells[0].source.startswith(("import ", "from ")) and folded(cells[0])
    third = visible[:3][-1]
    assert any(heard_or_seen(cell) for cell in cells[: third + 1]), (
        f"there are three cells of code to read before there is anything:\n{cells[third].source}"
    )


@every_notebook
def test_what_only_plots_is_folded(path: Path) -> None:
    for cell in code_cells(path):
        plots = {"image/png"} & mime_types(cell) and len(cell.source.split("\n")) > 5
        assert not plots or folded(cell) or "print(" in cell.source, (
            f"tag it hide-input, or part what the chapter is about from its picture:\n{cell.source}"
        )


@every_notebook
def test_outputs_are_small_and_name_no_place_of_a_machine(path: Path) -> None:
    for cell in code_cells(path):
        for output in cell.outputs:
            size = len(json.dumps(output))
            assert size <= LARGEST_OUTPUT, f"{size} characters of output:\n{cell.source}"
            texts = {
                mime: text
                for mime, text in output.get("data", {}).items()
                if not mime.startswith("image/") or mime == "image/svg+xml"
            } | {"stream": output.get("text", "")}
            for mime, text in texts.items():
                found = LOCAL_PATH.search(text if isinstance(text, str) else json.dumps(text))
                assert not found, f"{found[0]!r} in the {mime} of\n{cell.source}"


@every_notebook
def test_it_is_stored_in_the_one_form(path: Path, store: ModuleType) -> None:
    notebook = store.read(path)
    store.prepare(notebook)
    store.normalise(notebook)
    text = nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"
    assert text == path.read_text(encoding="utf-8"), "run `make notebooks`"


@every_notebook
def test_it_has_the_sections_of_a_chapter_in_order(path: Path) -> None:
    prose = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    titles = re.findall(r"^## +(.+?) *$", "\n\n".join(prose), flags=re.MULTILINE)
    found = [title for title in titles if title in SECTIONS]
    assert found == list(SECTIONS), f"a chapter has the sections {SECTIONS}, this one {found}"
    assert titles[0] == SECTIONS[0], f"it begins with {titles[0]!r}, not {SECTIONS[0]!r}"
    assert titles[-1] == SECTIONS[-1], f"it ends with {titles[-1]!r}, not {SECTIONS[-1]!r}"


@every_notebook
def test_its_title_carries_its_number(path: Path) -> None:
    number = path.name.split("_")[0].lstrip("0")  # or the letter of an appendix
    title = read(path).cells[0].source.splitlines()[0]
    assert re.match(rf"# {number} \S", title), f"{title!r} should begin with '# {number}'"


@every_notebook
def test_it_opens_with_three_things_to_learn(path: Path) -> None:
    text = "\n".join(cell.source for cell in section(path, SECTIONS[0]))
    _, found, text = text.partition(f"## {SECTIONS[0]}")
    assert found, f"there is no section {SECTIONS[0]!r}"
    points = re.findall(r"^[-*] ", text.partition("\n## ")[0], flags=re.MULTILINE)
    assert len(points) == 3, f"{SECTIONS[0]}: three points are wanted, there are {len(points)}"


@every_notebook
def test_its_checks_assert_something(path: Path) -> None:
    code = [cell.source for cell in section(path, "Checks") if cell.cell_type == "code"]
    asserted = any(re.search(r"\bassert\b|\.testing\.assert_", source) for source in code)
    assert asserted, "no cell of the section Checks asserts anything"


@every_notebook
def test_each_exercise_has_a_hint_and_a_folded_solution(path: Path) -> None:
    exercises: list[list[str]] = []  # of each, its text, and then the tags of its cells of code
    for cell in section(path, "Exercises"):
        if cell.cell_type == "code":
            assert exercises, f"a cell of code before the first exercise:\n{cell.source}"
            exercises[-1].append(" ".join(tags(cell)))
            continue
        begun = re.split(r"^(?=\*\*\d\. )", cell.source, flags=re.MULTILINE)
        if exercises:
            exercises[-1][0] += begun[0]
        exercises += [[text] for text in begun[1:]]
    assert 3 <= len(exercises) <= 5, f"3 to 5 exercises are wanted, there are {len(exercises)}"
    for number, (text, *solutions) in enumerate(exercises, 1):
        assert text.startswith(f"**{number}. "), text
        assert len(re.findall(r"\{dropdown\} *Hint", text)) == 1, text
        assert solutions, f"no solution:\n{text}"
        assert all("solution" in found for found in solutions), f"not folded:\n{text}"
