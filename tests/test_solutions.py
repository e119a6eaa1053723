"""The book without solutions: what is left out of a page and of the notebook to download."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

EXERCISES = """\
## Exercises

**1. Twice.** What is twice 21?

:::{dropdown} Hint
Add it to itself.
:::
"""
COMMENT = """\
:::{dropdown} What it means
The solution was a comment.
:::

**2. Thrice.** And three times?
"""


@pytest.fixture(scope="module")
def solutions(root: Path) -> ModuleType:
    """The extension of Sphinx that leaves solutions out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "book" / "_ext"))
        import solutions

        return solutions


def notebook() -> nbformat.NotebookNode:
    """A chapter in small: a cell, an exercise, its folded solution, a comment on it."""
    answer = new_output("stream", name="stdout", text="the answer is 42\n")
    hidden = {"tags": ["hide-cell", "solution"]}
    return new_notebook(
        cells=[
            new_markdown_cell("# A chapter\n"),
            new_code_cell("n = 21", execution_count=1),
            new_markdown_cell(EXERCISES),
            new_code_cell("print(2 * n)", execution_count=2, metadata=hidden, outputs=[answer]),
            new_markdown_cell(COMMENT),
            new_code_cell("print(3 * n)", execution_count=3, metadata=hidden),
        ],
        metadata={"language_info": {"name": "python", "pygments_lexer": "ipython3"}},
    )


def build(folder: Path, extension: Path, with_solutions: bool) -> tuple[str, str]:
    """Build a book of that one chapter; its page and the notebook it offers, as text."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    source = folder / "source"
    source.mkdir(parents=True)
    nbformat.write(notebook(), source / "index.ipynb")
    (source / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(extension)!r})\n"
        "extensions = ['myst_nb', 'sphinx_design', 'solutions']\n"
        "myst_enable_extensions = ['colon_fence']\n"
        "nb_execution_mode = 'off'\n"
        "html_sourcelink_suffix = ''\n"  # as Jupyter Book has it: a notebook is offered as one
        f"solutions = {with_solutions}\n",
        encoding="utf-8",
    )
    with patch_docutils(str(source)), docutils_namespace():
        app = Sphinx(source, source, folder / "html", folder / "trees", "html", status=None)
        app.build()
        assert app.statuscode == 0
    downloads = list((folder / "html" / "_sources").rglob("*.ipynb"))
    assert len(downloads) == 1
    page = (folder / "html" / "index.html").read_text(encoding="utf-8")
    return page, downloads[0].read_text(encoding="utf-8")


def test_a_small_book_with_and_without(tmp_path: Path, root: Path) -> None:
    extension = root / "book" / "_ext"
    whole, whole_notebook = build(tmp_path / "with", extension, True)
    page, offered = build(tmp_path / "without", extension, False)
    secrets = ("the answer is 42", "The solution was a comment", "What it means")
    for secret in secrets:
        assert secret in whole and secret in whole_notebook
        assert secret not in page and secret not in offered
    for kept in ("What is twice 21?", "Add it to itself", "And three times?"):
        assert kept in page and kept in offered
    assert "tag_solution" in whole and "tag_solution" not in page
    left = nbformat.reads(offered, as_version=4)
    nbformat.validate(left)
    assert [cell.source for cell in left.cells if cell.cell_type == "code"] == ["n = 21"]


def test_the_chapters_lose_their_solutions_and_nothing_else(
    root: Path, solutions: ModuleType
) -> None:
    chapters = sorted((root / "notebooks").glob("*.ipynb"))
    assert chapters
    for path in chapters:
        chapter = json.loads(path.read_text(encoding="utf-8"))
        left = solutions.without_solutions(chapter)
        tagged = [c for c in chapter["cells"] if "solution" in c["metadata"].get("tags", ())]
        assert tagged, f"{path.name} has no solution"
        kept = [c for c in chapter["cells"] if c not in tagged]
        text = "\n".join("".join(c["source"]) for c in left["cells"])
        words = [c for c in kept if c["cell_type"] == "code"]
        assert [c for c in left["cells"] if c["cell_type"] == "code"] == words
        assert "{dropdown} What it means" not in text
        before = "\n".join("".join(c["source"]) for c in kept)
        folds = before.count("{dropdown} What it means")
        assert text.count("{dropdown}") == before.count("{dropdown}") - folds
        assert text.count("{dropdown} Hint") == before.count("{dropdown} Hint") > 0
