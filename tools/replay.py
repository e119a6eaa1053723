"""A plugin of pytest: nbval compares what is stored with the last execution, without another one.

    pytest -p replay --replay notebooks/07_experiment_1.ipynb

`execute` has run the cells and kept what they put out. Here nbval gets a kernel that runs nothing:
asked to execute a cell, it says again what the cell's execution said. The comparison is nbval's.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import execute
import pytest
from nbformat import NotebookNode
from nbval.plugin import IPyNbFile


class Replayed:
    """What nbval wants of a kernel, for a notebook that was executed."""

    def __init__(self, notebook: NotebookNode) -> None:
        self.cells = iter([cell for cell in notebook.cells if cell.cell_type == "code"])
        self.messages: deque[dict[str, Any]] = deque()
        self.number = 0

    def execute_cell_input(self, source: str, allow_stdin: bool | None = None) -> str:
        """Take up the next cell, which must be the one that is asked for."""
        cell = next(self.cells)
        assert cell.source == source, "the cell was executed as it was before"
        self.number += 1
        sent = [
            (output.output_type, {k: v for k, v in output.items() if k != "output_type"})
            for output in cell.outputs
        ]
        for _, content in sent:  # drawings are made for the book alone (see drawn)
            if "image/png" in content.get("data", {}):
                content["data"] = dict(content["data"])
                content["data"].pop("image/svg+xml", None)
        header = {"msg_id": str(self.number)}
        self.messages.extend(
            {"msg_type": kind, "content": content, "parent_header": header}
            for kind, content in (*sent, ("status", {"execution_state": "idle"}))
        )
        return str(self.number)

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next of the messages about the cell."""
        return self.messages.popleft()

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """It was executed long ago."""

    await_idle = await_reply

    def is_alive(self) -> bool:
        """It can't die."""
        return True

    def stop(self) -> None:
        """There is nothing to stop."""


class ReplayedFile(IPyNbFile):
    """A notebook whose cells are compared with their last execution."""

    def setup(self) -> None:
        """Find the execution, where nbval would start a kernel."""
        self.kernel = Replayed(execute.executed(Path(self.path)))
        self.setup_sanitize_files()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that turns it on."""
    parser.addoption("--replay", action="store_true", help="compare notebooks as last executed")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ReplayedFile | None:
    """Take notebooks."""
    if parent.config.option.replay and file_path.suffix == ".ipynb":
        return ReplayedFile.from_parent(parent, path=file_path)
    return None
