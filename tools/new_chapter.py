"""Begin a new chapter: a notebook in the form that the tests expect, and its places in the book.

    python tools/new_chapter.py NUMBER NAME "TITLE" [--about "what it is about"]

For example ``12 the_tasks_it_came_from "The tasks it came from"``. Writes
notebooks/NUMBER_NAME.ipynb, adds it to _toc.yml after the last chapter and to the table of
book/welcome.md, and says what is left to do. Nothing is written if the chapter is there already.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import store_notebooks
from fingerprint import ROOT
from nbformat import v4

from lstm_from_scratch import commands

TEXT = (
    """# {number} {title}

## What you will learn and hear

- first;
- second;
- third.""",
    "## Listen first\n\nSay what is about to be heard; let it sound; then say what is asked.",
    "## Checks\n\nWhat this chapter claims, as assertions.",
    "## Summary\n\n- What was found.",
)
IMPORTS = """import numpy as np

from lstm_from_scratch.music import blues
from lstm_from_scratch.showing import player"""
EXERCISE = """**{number}. A name.** A question.

:::{{dropdown}} Hint
Where to begin.
:::"""
END = "## Where this differs from the paper\n\n- Say where."


def notebook(number: str, title: str) -> store_notebooks.NotebookNode:
    """The cells of a chapter that has yet to be written; not executed."""
    opening, question, checks, summary = TEXT
    cells = [
        v4.new_markdown_cell(opening.format(number=number, title=title)),
        v4.new_code_cell(IMPORTS, metadata={"tags": ["hide-input"]}),
        v4.new_markdown_cell(question),
        v4.new_code_cell("player.hear(blues.chorus(1234))", metadata={"tags": ["audio"]}),
        v4.new_markdown_cell(checks),
        v4.new_code_cell("assert np.isfinite(0.0)"),
        v4.new_markdown_cell(summary),
    ]
    for exercise in (1, 2, 3):
        text = EXERCISE.format(number=exercise)
        cells.append(v4.new_markdown_cell(("## Exercises\n\n" if exercise == 1 else "") + text))
        solution = v4.new_code_cell(f"solution = {exercise}")
        solution.metadata["tags"] = ["hide-cell", "solution"]
        cells.append(solution)
    made = v4.new_notebook(cells=[*cells, v4.new_markdown_cell(END)])
    store_notebooks.prepare(made)
    store_notebooks.normalise(made)
    return made


def listed(contents: str, path: str) -> str:
    """The table of contents with a page after the last numbered chapter."""
    chapters = list(re.finditer(r"^( *- file: )notebooks/\d+\w*\n", contents, flags=re.M))
    last = chapters[-1]
    return f"{contents[: last.end()]}{last[1]}{path}\n{contents[last.end() :]}"


def welcomed(page: str, path: str, about: str) -> str:
    """The welcome page with a row for a chapter after those that are there."""
    row = f"* - {{doc}}`../{path}` \\\n    {{times}}`/{path}`\n  - {about}\n"
    rows = list(
        re.finditer(r"^\* - \{doc\}`\.\./notebooks/\d+\w*`.*\n(?:  .*\n)*", page, flags=re.M)
    )
    end = rows[-1].end()
    return page[:end] + row + page[end:]


def begin(root: Path, number: str, name: str, title: str, about: str) -> Path:
    """Write everything and return the path of the notebook.

    Raises
    ------
    ValueError : for a number or name that can't be, or a chapter that is there.
    """
    if not re.fullmatch(r"[1-9]\d?", number):
        raise ValueError(f"a chapter's number is 1 to 99, got {number!r}")
    if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name):
        raise ValueError(f"a name is lower-case words joined by _, got {name!r}")
    if not title.strip() or "\n" in title:
        raise ValueError(f"a title is one line of text, got {title!r}")
    page = f"notebooks/{int(number):02}_{name}"
    for there in (root / "notebooks").glob(f"{int(number):02}_*.ipynb"):
        raise ValueError(f"chapter {number} is there already: {there.name}")
    contents, welcome = root / "_toc.yml", root / "book" / "welcome.md"
    toc = listed(contents.read_text(encoding="utf-8"), page)
    text = welcomed(welcome.read_text(encoding="utf-8"), page, about)
    path = root / f"{page}.ipynb"
    store_notebooks.write(notebook(number, title), path)
    contents.write_text(toc, encoding="utf-8")
    welcome.write_text(text, encoding="utf-8")
    return path


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Begin a new chapter in the form of the others.")
    parser.add_argument("number", help="of the chapter, like 12")
    parser.add_argument("name", help="of its file, like the_tasks_it_came_from")
    parser.add_argument("title", help='like "The tasks it came from"')
    parser.add_argument("--about", default="to be written", help="for the table of the first page")
    asked = parser.parse_args(arguments)
    try:
        path = begin(ROOT, asked.number, asked.name, asked.title, asked.about)
    except ValueError as error:
        print(f"new_chapter: {error}", file=sys.stderr)
        return 2
    place = path.relative_to(ROOT).as_posix()
    print(f"{place} is begun, and stands in _toc.yml and book/welcome.md. Next:")
    print(f"  write it, then make notebooks NOTEBOOKS={place}")
    print("  new words to book/glossary.md, symbols to book/notation.md, works to references.bib")
    print("  sentences of the paper that it decides to book/claims.md")
    return 0


if __name__ == "__main__":
    commands.run(main)
