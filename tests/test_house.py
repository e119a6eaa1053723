"""The house and its wings: who may import whom, and what the doorplates say."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lstm_from_scratch

PACKAGE = Path(lstm_from_scratch.__file__).parent
WINGS = lstm_from_scratch.__all__
CELLAR = {
    *("arguments", "arrays", "briefly", "commands", "files", "kinds", "lazily", "limits"),
    "__version__",
}
"""What every wing may use."""


def imported(path: Path) -> set[str]:
    """The wings, or rooms of the cellar, that a file of the package imports when it runs."""
    here = path.relative_to(PACKAGE).with_suffix("").parts
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {rest[0] for top, *rest in names if top == PACKAGE.name and rest}
        elif isinstance(node, ast.ImportFrom):
            base = list(here[: -node.level]) if node.level else []
            names = (node.module or "").split(".") if node.module else []
            if not node.level:
                if names[:1] != [PACKAGE.name]:
                    continue
                names = names[1:]
            whole = base + names
            found |= {whole[0]} if whole else {alias.name for alias in node.names}
    return found


def allowed(wing: str) -> set[str]:
    """What a wing may import: itself, those above it in the list; music and machine stay apart."""
    before = set(WINGS[: WINGS.index(wing) + 1]) | CELLAR
    return before - {"music"} if wing == "machine" else before


@pytest.mark.parametrize("wing", WINGS)
def test_imports_run_downwards_only(wing: str) -> None:
    files = sorted((PACKAGE / wing).rglob("*.py"))
    assert len(files) > 1
    for path in files:
        assert imported(path) <= allowed(wing), f"{path.relative_to(PACKAGE)} imports upwards"


@pytest.mark.parametrize("wing", WINGS)
def test_no_file_is_too_long_to_be_looked_through(wing: str) -> None:
    for path in sorted((PACKAGE / wing).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines, first = len(text.splitlines()), text.split('"""')[1]
        assert lines <= 600 or "long because" in first, (
            f"{path.relative_to(PACKAGE)} has {lines} lines: part it, or say in its first lines "
            "that it is long because of something"
        )


def test_an_import_upwards_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "lstm_from_scratch")
    room = tmp_path / "lstm_from_scratch" / "machine" / "room.py"
    room.parent.mkdir(parents=True)
    for text, wing in (
        ("from ..music.blues import Note", "music"),
        ("from .. import judging", "judging"),
        ("from lstm_from_scratch.playing import composing", "playing"),
        ("import lstm_from_scratch.showing.figures", "showing"),
        ("def f():\n    from ..studies import study", "studies"),
    ):
        room.write_text(text)
        assert imported(room) == {wing}
    room.write_text("from .network import Network\nfrom ..files import write_whole\nimport numpy")
    assert imported(room) == {"machine", "files"}


def test_the_table_of_contributing_tells_the_wings_and_their_rooms(root: Path) -> None:
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| ", text, flags=re.MULTILINE)
    told = {wing: set(re.findall(r"`(\w+)`", rooms)) for wing, rooms in rows}
    there = {
        wing: {
            path.stem
            for path in (PACKAGE / wing).iterdir()
            if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
        }
        for wing in WINGS
    }
    assert told == there
    assert list(told) == WINGS


@pytest.mark.parametrize("wing", WINGS)
def test_a_doorplate_names_every_room_and_hands_out_what_is_there(wing: str) -> None:
    package = importlib.import_module(f"lstm_from_scratch.{wing}")
    source = Path(package.__file__).read_text(encoding="utf-8")
    assert len(package.__doc__.splitlines()) <= 12
    rooms = {path.stem for path in (PACKAGE / wing).glob("*.py")} - {"__init__"}
    for room in rooms:
        assert f"`{room}`" in package.__doc__, f"{wing} says nothing of {room}"
    assert rooms <= set(package.__all__) == set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="'no_such_name': it has"):
        _ = package.no_such_name
    assert "hand_out" in source


def test_the_package_is_a_map_and_imports_nothing_in_advance() -> None:
    for wing in WINGS:
        assert re.search(rf"^    {wing} +\w", lstm_from_scratch.__doc__, flags=re.MULTILINE)
    program = (
        "import sys, lstm_from_scratch, lstm_from_scratch.music as m;"
        "m.chorus(0); print(sorted({'numba', 'matplotlib', 'mido'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_the_example_of_the_package_works(tmp_path: Path) -> None:
    lines = lstm_from_scratch.__doc__.split("::\n")[1].split("\n\nThe module")[0]
    code = "\n".join(line.removeprefix("    ") for line in lines.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "blues.mid").stat().st_size > 1000
