"""Every tool says what it is for and refuses what it does not know."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from conftest import together

TOOLS = sorted(
    path.stem
    for path in (Path(__file__).parent.parent / "tools").glob("*.py")
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
)
every_tool = pytest.mark.parametrize("name", TOOLS)


def test_there_are_tools() -> None:
    assert {"build_book", "execute", "run_tests", "quick", "new_chapter"} <= set(TOOLS)


@every_tool
def test_a_tool_that_is_asked_for_help_gives_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(name).main(["--help"])
    said = capsys.readouterr()
    assert ended.value.code == 0 and said.err == ""
    assert said.out.startswith("usage: ") and len(said.out.splitlines()) >= 4


@every_tool
@pytest.mark.parametrize("wrong", [["--no-such-option"], ["no_such_thing.ipynb"]])
def test_a_tool_refuses_what_it_does_not_know(
    name: str, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(name).main(wrong)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == "" and any(word.strip("-") in said.err for word in (*wrong, "required"))


def test_one_process_takes_all_tests_of_a_page_or_of_a_file() -> None:
    page = "book/welcome.html"
    for test in ("test_book.py::test_it_fits", "test_book_axe.py::test_no_barrier"):
        assert together(f"tests/{test}[{page}]") == page
    assert (
        together("tests/test_kernel.py::test_a_step[4 blocks, 1 voices]") == "tests/test_kernel.py"
    )
    assert together("notebooks/01_twelve_bars.ipynb::Cell 3") == "notebooks/01_twelve_bars.ipynb"
