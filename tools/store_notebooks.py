"""Execute notebooks and store them the way the repository keeps them.

    python tools/store_notebooks.py notebooks/07_experiment_1.ipynb ...

Stored notebooks hold their outputs, so that they can be read without running anything and so that
the tests can compare a new run with them. To keep a second run from making a difference where
nothing has changed, whatever is of no interest to a reader is put into one fixed form:

- outputs of cells tagged ``audio`` or ``movable`` are removed (the build makes them anew);
- pictures have a palette of 256 colours, which takes a third of the bytes;
- cell ids are made from the cells' contents, metadata is reduced to what the book uses;
- a hidden code cell among the exercises is tagged ``solution`` and says so on its button;
- code cells are formatted with ruff.

A notebook whose cell fails is left as it was, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
import pictures
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from lstm_from_scratch import commands
from lstm_from_scratch.files import write_whole

SECONDS_PER_CELL = 600
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "name": "python", "pygments_lexer": "ipython3"}
SOLUTION_BUTTON = {"code_prompt_show": "Show the solution", "code_prompt_hide": "Hide the solution"}
MADE_ANEW = {"audio", "movable"}
HIDING_TAGS = {"hide-input", "hide-output", "hide-cell"}


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def add_tags(cell: NotebookNode, *names: str) -> None:
    """Tag a cell, leaving the order of the tags that it has."""
    cell.metadata["tags"] = list(dict.fromkeys([*tags(cell), *names]))


def with_sections(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """Each cell with the title of the second-level section that it stands in (or begins)."""
    section = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            titles = re.findall(r"^## +(.+?) *$", cell.source, flags=re.MULTILINE)
            section = titles[-1] if titles else section
        yield section, cell


def prepare(notebook: NotebookNode) -> None:
    """Add the tags and buttons that follow from where a cell stands and what it is."""
    for section, cell in with_sections(notebook):
        if cell.cell_type != "code":
            continue
        if MADE_ANEW.intersection(tags(cell)):
            add_tags(cell, "nbval-ignore-output")
        if section == "Exercises" and HIDING_TAGS.intersection(tags(cell)):
            add_tags(cell, "solution")
        if "solution" in tags(cell):
            if not HIDING_TAGS.intersection(tags(cell)):
                add_tags(cell, "hide-cell")
            cell.metadata.setdefault("mystnb", {}).update(SOLUTION_BUTTON)


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run every cell in a new kernel, in the folder that the notebook stands in."""
    NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name=KERNEL["name"],
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    ).execute()


def normalise(notebook: NotebookNode) -> None:
    """Bring a notebook into the one form in which it is stored."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        cell.source = cell.source.rstrip()
        kept = {name: cell.metadata[name] for name in ("tags", "mystnb") if name in cell.metadata}
        cell.metadata = nbformat.from_dict(kept)
        key = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[key] = seen.get(key, 0) + 1
        cell["id"] = key if seen[key] == 1 else f"{key}-{seen[key]}"
        if cell.cell_type == "code" and MADE_ANEW.intersection(tags(cell)):
            cell.outputs = []
    pictures.lighten(notebook)


def read(path: Path) -> NotebookNode:
    """Read a notebook, whatever minor version it was written in."""
    return nbformat.read(path, as_version=4)


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook, all of it or nothing: an interrupted run leaves the old file."""
    text = nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"
    write_whole(path, text.encode())


def format_code(path: Path) -> None:
    """Format the code cells of a stored notebook."""
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(path)], check=True)


def store(path: Path) -> bool:
    """Execute one notebook and store it; False if a cell failed."""
    start = time.monotonic()
    before = path.read_bytes()
    format_code(path)
    notebook = read(path)
    prepare(notebook)
    try:
        execute(notebook, path.parent)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        path.write_bytes(before)
        print(f"{path.name}: failed after {time.monotonic() - start:.1f} s\n{error}")
        return False
    normalise(notebook)
    nbformat.validate(notebook)
    write(notebook, path)
    change = "no change" if path.read_bytes() == before else "stored"
    print(f"{path.name}: {change}, {time.monotonic() - start:.1f} s", flush=True)
    return True


def main(arguments: list[str] | None = None) -> int:
    """Store the named notebooks, side by side on all cores."""
    parser = argparse.ArgumentParser(description="Execute notebooks and store them.")
    parser.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", help="which")
    paths = [Path(name) for name in parser.parse_args(arguments).notebooks]
    for path in paths:
        if not path.is_file() or path.suffix != ".ipynb":
            parser.error(f"there is no notebook {path}")
    # The last chapters are the longest: they are begun first.
    paths.sort(key=lambda path: path.name, reverse=True)
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        return 0 if all(list(pool.map(store, paths))) else 1


if __name__ == "__main__":
    commands.run(main)
