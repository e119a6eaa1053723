"""How pages are executed, and that what is stored is compared with what came out."""

from __future__ import annotations

import copy
import os
from pathlib import Path

import execute
import nbformat
import pytest
from nbformat import NotebookNode, v4

pytest_plugins = "pytester"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    """A notebook that was executed: it prints, shows a value, and says where it ran."""
    sources = ("a = 6\nprint('six')", "import os; os.getcwd()", "a * 7")
    notebook = v4.new_notebook(
        cells=[v4.new_markdown_cell("Text."), *map(v4.new_code_cell, sources)]
    )
    folder = tmp_path_factory.mktemp("elsewhere")
    done = execute.run(notebook, "python3", str(folder))
    assert done.problem == "" and 0 < done.seconds < 60
    outputs = [cell.outputs for cell in done.notebook.cells if cell.cell_type == "code"]
    assert outputs[0][0].text == "six\n"
    assert outputs[1][0].data["text/plain"] == repr(os.fspath(folder))
    return done.notebook


def test_a_failing_cell_is_told_and_not_raised(tmp_path: Path) -> None:
    notebook = v4.new_notebook(cells=[v4.new_code_cell("1 / 0")])
    done = execute.run(notebook, "python3", str(tmp_path))
    assert done.notebook is None and "ZeroDivisionError" in done.problem


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_kernel_that_does_not_start_gets_another_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    begun = []

    class Client(execute.NotebookClient):
        def execute(self) -> object:
            begun.append(self)
            if len(begun) <= deaths:
                raise RuntimeError("Kernel died before replying to kernel_info")
            return super().execute()

    monkeypatch.setattr(execute, "NotebookClient", Client)
    notebook = v4.new_notebook(cells=[v4.new_code_cell("6 * 7")])
    done = execute.run(notebook, "python3", str(tmp_path))
    assert len(begun) == 2
    if deaths == 1:
        assert done.notebook.cells[0].outputs[0].data["text/plain"] == "42"
    else:
        assert done.notebook is None and "died before replying" in done.problem


def compared(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, stored: object, now: object
) -> pytest.RunResult:
    """Let nbval compare a stored notebook with an execution of it."""
    path = pytester.path / "stored.ipynb"
    nbformat.write(stored, path)
    monkeypatch.setattr(execute, "executed", lambda _: copy.deepcopy(now))
    return pytester.runpytest_inprocess("-p", "replay", "--replay", "-p", "no:xdist", path)


def test_what_came_out_again_passes(
    ran: NotebookNode, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared(pytester, monkeypatch, ran, ran).assert_outcomes(passed=3)


@pytest.mark.parametrize("change", ["text", "value", "more", "nothing"])
def test_what_came_out_otherwise_fails(
    ran: NotebookNode, change: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = copy.deepcopy(ran)
    if change == "text":
        stored.cells[1].outputs[0].text = "seven\n"
    elif change == "value":
        stored.cells[3].outputs[0].data["text/plain"] = "43"
    elif change == "more":
        stored.cells[3].outputs.append(v4.new_output("stream", text="and more\n"))
    else:
        stored.cells[1].outputs = []
    compared(pytester, monkeypatch, stored, ran).assert_outcomes(passed=2, failed=1)


def test_an_execution_of_other_cells_is_none(
    ran: NotebookNode, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = copy.deepcopy(ran)
    stored.cells[3].source = "a * 8"
    compared(pytester, monkeypatch, stored, ran).assert_outcomes(passed=2, failed=1)


def test_every_page_with_cells_is_executed_and_read_as_it_will_be_shown(root: Path) -> None:
    pages = execute.pages()
    names = [path.relative_to(root).as_posix() for path in pages]
    assert set((root / "notebooks").glob("*.ipynb")) == {p for p in pages if execute.chapter(p)}
    assert {"book/welcome.md", "book/claims.md"} <= set(names)
    assert "book/notation.md" not in names, "it has no cells"
    for path in pages:
        cells = [cell for cell in execute.parse(path).cells if cell.cell_type == "code"]
        assert cells, path
        if not execute.chapter(path):
            assert path.read_text(encoding="utf-8").count("```{code-cell}") == len(cells)
