"""A book without solutions, for a class that is to find them itself.

Cells tagged ``solution`` and the folds that comment on them are left out of the pages and of the
notebooks that the pages offer, if the config value ``solutions`` is False. It follows the variable
``SOLUTIONS`` of the environment, which ``tools/build_book.py --without-solutions`` sets to ``no``.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

TAG = "solution"
COMMENT = "What it means"
"""The title of a fold that says what a solution has shown."""

FOLD = re.compile(rf"^(:::+)\{{dropdown\}} {COMMENT}\n.*?^\1 *(?:\n|\Z)", flags=re.M | re.S)


def without_solutions(notebook: dict) -> dict:
    """A notebook without its solutions: the cells, and the folds that comment on them."""
    cells = []
    for cell in notebook["cells"]:
        if TAG in cell["metadata"].get("tags", ()):
            continue
        if cell["cell_type"] == "markdown":
            source = FOLD.sub("", "".join(cell["source"])).strip("\n")
            if not source:
                continue
            cell = cell | {"source": source.splitlines(keepends=True)}
        cells.append(cell)
    return notebook | {"cells": cells}


def _is_solution(node: nodes.Node) -> bool:
    if not isinstance(node, nodes.container):
        return False
    if f"tag_{TAG}" in node["classes"]:
        return True
    fold = node.get("design_component") == "dropdown"
    return fold and bool(node.children) and node.children[0].astext() == COMMENT


def drop_from_page(app: Sphinx, doctree: nodes.document) -> None:
    """Take the solutions out of a page, before its headings and pictures are looked at."""
    if not app.config.solutions:
        for node in list(doctree.findall(_is_solution)):
            node.parent.remove(node)


def drop_from_downloads(app: Sphinx, error: Exception | None) -> None:
    """Take them out of the notebooks that pages offer."""
    if app.config.solutions or error:
        return
    for path in Path(app.outdir, "_sources").rglob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        text = json.dumps(without_solutions(notebook), ensure_ascii=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.add_config_value("solutions", os.environ.get("SOLUTIONS") != "no", "env", types=[bool])
    app.connect("doctree-read", drop_from_page, priority=1)
    app.connect("build-finished", drop_from_downloads)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
