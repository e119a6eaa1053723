"""Change a room in one place, many times, and count how often its tests notice.

    .venv/bin/python tools/mutants.py rivals/codes.py tests/test_concert.py
    .venv/bin/python tools/mutants.py machine/kalman.py tests/test_kalman.py --number 60 --seed 3

Each *mutant* has one small mistake: another operator, a boundary that is off by one, a number that
is one more, a sign that is lost, a condition turned round, a statement left out. The tests run on
it in a copy of the checkout; they should fail. Those that live are printed: each is a test that is
missing, or a change that makes no difference. What `checked` says of arguments is left alone, for
`tests/test_arguments.py` looks at that, and so are annotations, docstrings and what errors say.

A row for each is written as it comes, to a file if `--rows` names one.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lstm_from_scratch import commands

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lstm_from_scratch"

BINARY = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
LEFT_OUT = (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break)

Change = Callable[[Any], ast.AST | None]
"""What becomes of a copy of a node; None if it is changed in place."""


def in_place(name: str, value: Any) -> Change:
    """A change of one field of a node."""
    return lambda node: setattr(node, name, value)


def in_list(name: str, at: int, value: Any) -> Change:
    """A change of one place in a list of a node's."""
    return lambda node: getattr(node, name).__setitem__(at, value)


def changes_of(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """What can be changed in one node, each with a word for it."""
    kind = type(getattr(node, "op", None))
    if isinstance(node, ast.BinOp | ast.AugAssign) and kind in BINARY:
        yield f"{kind.__name__} to {BINARY[kind].__name__}", in_place("op", BINARY[kind]())
    elif isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            other = COMPARED[type(op)]
            yield f"{type(op).__name__} to {other.__name__}", in_list("ops", at, other())
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if kind is ast.And else ast.And
        yield f"{kind.__name__} to {other.__name__}", in_place("op", other())
    elif isinstance(node, ast.UnaryOp) and kind in (ast.USub, ast.Not):
        yield f"{kind.__name__} lost", lambda it: it.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "turned round", in_place("value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "one more", in_place("value", node.value + 1)
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield (
            "condition turned round",
            lambda it: it.__setattr__("test", ast.UnaryOp(ast.Not(), it.test)),
        )
    if isinstance(node, LEFT_OUT) or (
        isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple)
    ):
        yield "left out", lambda it: ast.Pass()


def parts(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """All nodes that may be changed below a node: parent, field, place in it, and the node."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "exc", "type_params"):
            continue
        whole = isinstance(value, list)
        for at, child in enumerate(value if whole else [value]):
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue  # a docstring
            if isinstance(node, ast.Module) and ast.unparse(child).startswith("_"):
                continue  # a kind of argument that `checked` is told of
            yield node, name, at if whole else None, child
            yield from parts(child)


def mutants(source: str) -> list[tuple[int, str, str]]:
    """Every mutant of a room: the line, what was done, and the source that it has then."""
    tree = ast.parse(source)
    found = []
    for parent, name, at, node in parts(tree):
        for what, change in changes_of(node):
            new = copy.deepcopy(node)
            new = change(new) or new
            holder = getattr(parent, name)
            if at is None:
                setattr(parent, name, new)
            else:
                holder[at] = new
            found.append((node.lineno, what, ast.unparse(ast.fix_missing_locations(tree))))
            if at is None:
                setattr(parent, name, node)
            else:
                holder[at] = node
    return found


def imported(path: Path) -> Iterator[Path]:
    """The rooms that a room imports from."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            there = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            yield there.with_suffix(".py")
            yield from (there / f"{alias.name}.py" for alias in node.names)


def readers(room: Path) -> set[Path]:
    """The rooms that compiled code of a room may have gone into: itself and who imports it."""
    compiling = [path for path in PACKAGE.rglob("*.py") if "njit" in path.read_text()]
    imports = {path: set(imported(path)) for path in compiling}
    known, more = set[Path](), {room}
    while more:
        known |= more
        more = {path for path, rooms in imports.items() if rooms & known} - known
    return known


def tested(copied: Path, tests: list[str], compiled: Path, seconds: float) -> str:
    """Run tests in a copy: ``lived``, ``killed``, or ``hung``."""
    environment = os.environ | {"PYTHONPATH": str(copied), "NUMBA_CACHE_DIR": str(compiled)}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=copied, env=environment, timeout=seconds, capture_output=True
        )
    except subprocess.TimeoutExpired:
        return "hung"
    return "killed" if done.returncode else "lived"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make mutants, run the tests on each, and say how many lived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("room", help="a file of the package, such as rivals/codes.py")
    parser.add_argument("tests", nargs="+", help="the test files that should notice")
    parser.add_argument("--number", type=int, default=60, help="how many, drawn from all")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing")
    parser.add_argument("--seconds", type=float, default=300.0, help="after which a run has hung")
    parser.add_argument("--rows", type=Path, help="a file to which a row for each is added")
    asked = parser.parse_args(arguments)

    source = (PACKAGE / asked.room).read_text()
    every = mutants(source)
    drawn = random.Random(asked.seed).sample(every, min(asked.number, len(every)))
    with tempfile.TemporaryDirectory() as folder:
        copied, compiled = Path(folder, "copy"), Path(folder, "compiled")
        leave = shutil.ignore_patterns(".git", ".venv", "_build", "__pycache__", "*.ipynb")
        shutil.copytree(ROOT, copied, ignore=leave)
        changed = copied / PACKAGE.name / asked.room
        if tested(copied, asked.tests, compiled, 4 * asked.seconds) != "lived":
            print("the tests fail on the room as it is")
            return 2
        stale = [f"{path.stem}.*" for path in readers(PACKAGE / asked.room)]
        lived = 0
        for number, (line, what, mutant) in enumerate(drawn):
            changed.write_text(mutant)
            for pattern in stale:
                for kept in compiled.rglob(pattern):
                    kept.unlink()
            ended = tested(copied, asked.tests, compiled, asked.seconds)
            lived += ended == "lived"
            row = f"{asked.room}:{line} {what}: {ended}"
            print(f"{number + 1:3} of {len(drawn)}, {lived} lived; {row}", flush=True)
            if asked.rows:
                with asked.rows.open("a") as rows:
                    rows.write(row + "\n")
    print(f"{asked.room}: {len(drawn) - lived} of {len(drawn)} noticed, {len(every)} possible")
    return 0


if __name__ == "__main__":
    commands.run(main)
