"""The compiler: where it is switched off nothing answers falsely, where it works it is said."""

from __future__ import annotations

import ast
import importlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lstm_from_scratch
from lstm_from_scratch.machine import kernel, vectors

PACKAGE = Path(lstm_from_scratch.__file__).parent
NEED_NO_KERNEL = (
    *("music.blues", "music.encoding", "music.midi", "music.audio", "music.score"),
    *("machine.squashing", "machine.network", "machine.gradient", "machine.bptt"),
    *("machine.caching", "machine.extensions", "judging.statistics", "files", "lazily"),
)


def run(program: str, **environment: str) -> subprocess.CompletedProcess:
    """Run a program with more in its environment."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "program",
    [
        "from lstm_from_scratch.machine import kernel",
        "from lstm_from_scratch.machine import vectors",
        "from lstm_from_scratch import machine; machine.stored('experiment_1')",
        "from lstm_from_scratch.rivals import layers",
        "from lstm_from_scratch.rivals import simple_rnn",
        "from lstm_from_scratch.machine.training import RECOMMENDED\n"
        "from lstm_from_scratch.studies.experiments import experiment_1\n"
        "print(experiment_1(RECOMMENDED, 29))",
    ],
)
def test_without_a_compiler_the_import_says_that_it_cannot_work(program: str) -> None:
    done = run(program, NUMBA_DISABLE_JIT="1")
    assert done.returncode == 1
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("RuntimeError: NUMBA_DISABLE_JIT is set")
    assert "Unset it" in last and "machine.gradient" in last


def test_what_needs_no_kernel_works_without_a_compiler() -> None:
    names = [f"lstm_from_scratch.{name}" for name in NEED_NO_KERNEL]
    program = (
        f"import importlib\nfor name in {names}: importlib.import_module(name)\n"
        "import numpy as np\n"
        "from lstm_from_scratch.machine.network import *\n"
        "t = Topology((Voice('a', 2, (1,)),))\n"
        "n = Network(t, np.zeros(t.hidden_mask.shape), np.zeros(t.output_mask.shape))\n"
        "print(forward(n, cleared(t), np.ones(2)).prediction)"
    )
    done = run(program, NUMBA_DISABLE_JIT="1")
    assert (done.returncode, done.stdout) == (0, "[0.5 0.5]\n"), done.stderr


def stubs() -> list[tuple[str, str, int]]:
    """Module, name and number of arguments of each function without a body."""
    found = []
    for path in sorted((PACKAGE / "machine").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in tree.body:
            for call in getattr(node, "decorator_list", ()):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "overload":
                    name = ast.unparse(call.args[0])
                    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
                    if name in defined:
                        found.append((module, name, len(defined[name].args.args)))
    return found


def test_no_function_without_a_body_answers_as_python() -> None:
    assert len(stubs()) >= 16
    for module, name, count in stubs():
        function = getattr(importlib.import_module(f"{lstm_from_scratch.__name__}.{module}"), name)
        with pytest.raises(RuntimeError, match="compiled form alone"):
            function(*[None] * count)
    with pytest.raises(RuntimeError, match="compiled form alone"):
        kernel._recalled_all((), None, None, 0)
    with pytest.raises(NotImplementedError):
        vectors.load(np.zeros(8), 0, 4)


def test_no_loop_of_the_kernel_answers_as_python() -> None:
    roll = np.eye(2)
    with pytest.raises(RuntimeError, match="compiled form alone"):
        kernel._recall.py_func((), np.zeros(8), roll, 10, np.zeros(8), np.zeros((1, 2)))


COMPILES = """
from numba import njit
import lstm_from_scratch.machine.compiling
@njit
def ours(x): return x
@njit
def more(x): return x
ours.py_func.__module__ = more.py_func.__module__ = {module!r}
ours(1); more(1)
"""


def on_a_terminal(program: str) -> str:
    """What a program says to standard error if that is a terminal."""
    ours, theirs = pty.openpty()
    done = subprocess.run([sys.executable, "-c", program], stderr=theirs)
    os.close(theirs)
    said = b""
    try:
        while more := os.read(ours, 4096):
            said += more
    except OSError:  # nothing more to read
        pass
    os.close(ours)
    assert done.returncode == 0, said
    return said.decode()


def test_a_first_compile_is_said_once_and_on_a_terminal_alone() -> None:
    ours, other = (COMPILES.format(module=name) for name in ("lstm_from_scratch.x", "another"))
    assert on_a_terminal(ours).count("compiling") == 1
    assert on_a_terminal(other) == ""
    done = run(ours)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
