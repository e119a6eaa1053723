"""Studies: every seed exactly once, also after a stop; tables that can't be misread."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from lstm_from_scratch.machine.training import RECOMMENDED
from lstm_from_scratch.studies import experiments, study, tables

ROOT = Path(__file__).parent.parent


class Square(NamedTuple):
    """A row of a study that is quick."""

    seed: int
    square: int


def _square(seed: int) -> Square:
    if os.environ.get("SLOW"):
        time.sleep(0.15)
    return Square(seed, seed * seed)


@pytest.fixture
def squares(monkeypatch):
    """A study of twenty seeds that takes no time, and the seeds that were run."""
    ran = []

    def run(seed: int) -> Square:
        ran.append(seed)
        return _square(seed)

    monkeypatch.setitem(study.STUDIES, "squares", study.Study("squares", run, Square, range(20)))
    return ran


def _seeds(path: Path) -> list[int]:
    return sorted(int(row["seed"]) for row in study.read(path))


def test_a_table_says_what_made_it_and_holds_every_seed(tmp_path, squares):
    path = study.run("squares", tmp_path)
    text = path.read_text()
    assert "# command: python -m lstm_from_scratch.study squares" in text
    assert f"numpy {np.__version__}" in text
    rows = study.read(path)
    assert [int(row["seed"]) for row in rows] == list(range(20))
    np.testing.assert_array_equal(study.column(rows, "square"), np.arange(20.0) ** 2)


def test_what_is_in_the_table_is_not_done_again(tmp_path, squares):
    study.run("squares", tmp_path, seeds=range(5, 12))
    del squares[:]
    path = study.run("squares", tmp_path)
    assert sorted(squares) == [*range(5), *range(12, 20)]
    assert _seeds(path) == list(range(20))
    assert path.read_text().count("seed,square") == 1


class Power(NamedTuple):
    """A row of a study that varies something besides the seed."""

    base: str
    exponent: float
    seed: int
    value: float


def test_settings_are_crossed_with_seeds(tmp_path, monkeypatch):
    settings = (("two", 0.5), ("two", 3.0), ("ten", 0.5))
    crossed = study.Study(
        "powers",
        lambda base, exponent, seed: Power(base, exponent, seed, exponent * seed),
        Power,
        range(3),
        settings,
    )
    monkeypatch.setitem(study.STUDIES, "powers", crossed)
    study.run("powers", tmp_path, seeds=range(1))
    path = study.run("powers", tmp_path)
    cases = [(row["base"], float(row["exponent"]), int(row["seed"])) for row in study.read(path)]
    assert cases == [(*setting, seed) for seed in range(3) for setting in settings]


def test_a_run_is_made_once_even_if_it_is_asked_for_twice(tmp_path, monkeypatch):
    settings = (("two", 0.5), ("two", 0.5))
    twice = study.Study("", lambda *case: Power(*case, 1.0), Power, range(2), settings)
    monkeypatch.setitem(study.STUDIES, "twice", twice)
    assert len(study.read(study.run("twice", tmp_path))) == 2


def test_a_row_of_another_run_than_was_asked_for_is_not_written(tmp_path, monkeypatch):
    wrong = study.Study("", lambda seed: Square(seed + seed // 3, 0), Square, range(5))
    monkeypatch.setitem(study.STUDIES, "wrong", wrong)
    with pytest.raises(TypeError, match=r"\(3,\).*begins otherwise"):
        study.run("wrong", tmp_path)
    assert _seeds(tmp_path / "wrong.csv") == [0, 1, 2]


def test_several_processes_give_the_same_rows(tmp_path, monkeypatch):
    quick = study.Study("squares", _square, Square, range(9))
    monkeypatch.setitem(study.STUDIES, "squares", quick)
    path = study.run("squares", tmp_path, jobs=2)
    assert _seeds(path) == list(range(9))


# A study in a process of its own, so that it can be killed.
PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
import test_study
from lstm_from_scratch.studies import experiments, study
from lstm_from_scratch.machine.training import RECOMMENDED
study.STUDIES["squares"] = study.Study("squares", test_study._square, test_study.Square, range(12))
study.run("squares", {folder!r}, jobs=2)
"""


def test_a_killed_study_goes_on_where_it_stopped(tmp_path):
    program = PROGRAM.format(tests=str(ROOT / "tests"), folder=str(tmp_path))
    environment = os.environ | {"SLOW": "1", "PYTHONPATH": str(ROOT)}
    first = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, start_new_session=True
    )
    try:
        path = tmp_path / "squares.csv"
        deadline = time.monotonic() + 90
        while not (path.exists() and path.read_text().count("\n") >= 5 + 3):
            assert time.monotonic() < deadline, "the study did not begin"
            assert first.poll() is None, "the study ended before it could be killed"
            time.sleep(0.01)
        # The parent alone, so that its workers are orphans: they must not keep the table locked.
        first.kill()
        first.wait()
        before = _seeds(path)
        assert 3 <= len(before) < 12
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
        assert _seeds(path) == list(range(12))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(first.pid, signal.SIGKILL)


def test_two_studies_never_write_to_one_table(tmp_path, squares):
    path = study.run("squares", tmp_path, seeds=range(3))
    before = path.read_bytes()
    with tables.opened(path), pytest.raises(study.StudyError, match="another process is at work"):
        study.run("squares", tmp_path)
    assert path.read_bytes() == before
    study.run("squares", tmp_path)
    assert _seeds(path) == list(range(20))


def _killed_once(note: Path, seed: int) -> Square:
    """A run that kills its process, but for the first time only."""
    if seed == 3 and not note.exists():
        note.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Square(seed, seed * seed)


def test_a_process_that_is_killed_at_work_costs_only_what_it_held(tmp_path, monkeypatch):
    fatal = study.Study("squares", partial(_killed_once, tmp_path / "note"), Square, range(9))
    monkeypatch.setitem(study.STUDIES, "squares", fatal)
    with pytest.raises(study.StudyError, match=r"killed.*same command goes on"):
        study.run("squares", tmp_path, jobs=2)
    path = study.run("squares", tmp_path, jobs=2)
    assert _seeds(path) == list(range(9))


def test_an_unknown_study_is_named_with_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"unknown study 'nonsense'.*experiment-1"):
        study.run("nonsense", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace("# format: 1", "# format: 99"), "format 1 but of format 99"),
        (lambda text: text[:-3], "line 8, the last, is broken off"),
        (lambda text: text[:-1], "line 8, the last, is broken off"),
        (lambda text: text + "\0" * 20, "line 9, the last, is broken off"),
        (lambda text: text + "3\n", "line 9 is not whole"),
        (lambda text: text + "3,9,27\n", "line 9 is not whole"),
        (lambda text: text.replace("seed,square", "seed,cube"), "columns seed,cube"),
        (lambda text: text.replace("seed,square", "square,seed"), "columns square,seed"),
        (lambda text: text.replace("seed,square\n", "") + "3,9\n", "columns 0,0"),
        (lambda text: text[: text.index("seed,")], "names the columns"),
        (lambda text: text + "1,1\n", "lines 7 and 9 are of the same run"),
        (lambda text: "seed,square\n1,1\n", "format 1 since"),
        (lambda text: text.replace(_version(), "lstm_from_scratch 0.0.1"), "with lstm_.* 0.0.1,"),
    ],
)
def test_a_damaged_table_is_left_as_it_is(tmp_path, squares, damage, message):
    path = study.run("squares", tmp_path, seeds=range(3))
    whole = path.read_text()
    path.write_text(damage(whole))
    damaged = path.read_bytes()
    assert damaged != whole.encode()
    with pytest.raises(study.StudyError, match=message) as refused:
        study.run("squares", tmp_path)
    assert str(path) in str(refused.value)
    assert path.read_bytes() == damaged
    assert len(squares) == 3


def _version() -> str:
    return study.versions().split(",")[0]


def test_what_is_no_text_is_no_table(tmp_path, squares):
    (tmp_path / "squares.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(study.StudyError, match="no text"):
        study.run("squares", tmp_path)
    assert (tmp_path / "squares.csv").read_bytes() == b"\xff\xfe\x00"


def test_what_was_stopped_before_its_first_line_begins_anew(tmp_path, squares):
    (tmp_path / "squares.csv").touch()
    path = study.run("squares", tmp_path)
    assert _seeds(path) == list(range(20))


def test_rows_that_were_made_with_something_else_are_told_apart(tmp_path, squares, monkeypatch):
    path = study.run("squares", tmp_path, seeds=range(3))
    first = path.read_text()
    monkeypatch.setattr(study, "versions", lambda: f"{_versions}, another processor")
    study.run("squares", tmp_path, seeds=range(5))
    study.run("squares", tmp_path, seeds=range(7))
    note = f"# made with: {_versions}, another processor\n"
    assert path.read_text() == f"{first}{note}3,9\n4,16\n5,25\n6,36\n"
    assert tables.parse(path).lines == [6, 7, 8, 10, 11, 12, 13]


_versions = study.versions()


def test_a_finished_table_of_another_version_is_no_fault(tmp_path, squares):
    path = study.run("squares", tmp_path)
    path.write_text(path.read_text().replace(_version(), "lstm_from_scratch 0.0.1"))
    finished = path.read_bytes()
    study.run("squares", tmp_path)
    assert path.read_bytes() == finished


def test_the_tables_of_the_checkout_are_those_that_chapters_read():
    for path in (ROOT / "results").glob("*.csv"):
        assert study.stored(path.stem) == study.read(path)
    with pytest.raises(ValueError, match=r"no stored table 'experiment-3': there are .*resets"):
        study.stored("experiment-3")


def test_a_copy_without_tables_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "folder", lambda: tmp_path / "results")
    with pytest.raises(ValueError, match="came without results/"):
        study.stored("experiment-1")


def test_a_row_of_experiment_1_tells_what_happened():
    recipe = replace(RECOMMENDED, give_up_after=2 * RECOMMENDED.test_every)
    row = experiments.experiment_1(recipe, 7)
    assert row == experiments.experiment_1(recipe, 7)._replace(seconds=row.seconds)
    assert (row.seed, row.learned, row.steps) == (7, 0, recipe.give_up_after)
    assert (row.first_cycle, row.period) == (0, 0)


def test_the_command_line_lists_and_refuses(capsys):
    study.main(["--list"])
    assert "experiment-1-paper" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="unknown study"):
        study.main(["nonsense"])


def test_the_command_line_runs(tmp_path, squares, capsys):
    study.main(["squares", "--folder", str(tmp_path), "--seeds", "4:9", "--jobs", "1"])
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'squares.csv'}\n"
    assert _seeds(tmp_path / "squares.csv") == [4, 5, 6, 7, 8]
    assert "squares: 5 of 5 runs" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "3"], "'3': expected FIRST:LAST"),
        (["--seeds", "a:b"], "'a:b': expected FIRST:LAST"),
        (["--seeds", "5:5"], "'5:5': expected FIRST:LAST"),
        (["--seeds=-2:5"], "'-2:5': expected FIRST:LAST"),
        (["--jobs", "0"], "'0': expected 1 or more"),
        (["--jobs", "-3"], "'-3': expected 1 or more"),
        (["--jobs", "many"], "'many': expected 1 or more"),
        (["--budget", "0", "--check"], "'0': expected a number of seconds"),
        (["--budget", "nan", "--check"], "'nan': expected a number of seconds"),
        (["--budget", "5"], "--budget is for --check"),
        (["--all"], "not both"),
        (["--check", "--all"], "not both"),
        (["--check", "--seeds", "0:3"], "--check takes its seeds from the tables"),
        (["--jobs", "2", "--scheduler", "tcp://127.0.0.1:8786"], "--jobs is for this machine"),
    ],
)
def test_the_command_line_says_what_it_can_not_read(tmp_path, squares, capsys, arguments, message):
    with pytest.raises(SystemExit) as refused:
        study.main(["squares", "--folder", str(tmp_path), *arguments])
    assert refused.value.code == 2
    assert message in capsys.readouterr().err
    assert not squares and not list(tmp_path.iterdir())


def test_the_command_line_can_be_interrupted(tmp_path, monkeypatch):
    def run(seed: int) -> Square:
        if seed == 2:
            raise KeyboardInterrupt
        return Square(seed, seed * seed)

    monkeypatch.setitem(study.STUDIES, "squares", study.Study("squares", run, Square, range(20)))
    with pytest.raises(SystemExit, match=r"stopped\. What came is in the table"):
        study.main(["squares", "--folder", str(tmp_path), "--jobs", "1"])
    assert _seeds(tmp_path / "squares.csv") == [0, 1]


# ---- A study of one's own ----------------------------------------------------------------------


def _power(exponent: int, seed: int) -> Square:
    return Square(seed, seed**exponent)


def _mine(name: str = "mine", **others: object) -> study.Study:
    return study.Study("squares of mine", _square, Square, range(5), name=name, **others)


def test_a_study_of_ones_own_is_run_without_being_entered_anywhere(tmp_path):
    before = dict(study.STUDIES)
    path = study.run(_mine(), tmp_path, progress=False)
    assert path == tmp_path / "mine.csv"
    assert dict(study.STUDIES) == before
    assert [int(row["square"]) for row in study.read(path)] == [0, 1, 4, 9, 16]
    text = path.read_text()
    assert "python -m" not in text  # no command that can't run
    assert f"# no command: a study of one's own, {__name__}._square\n" in text
    assert len(tables.of(path, _mine()).rows) == 5
    assert tables.parse(path).made_with == study.versions()


def test_a_study_of_ones_own_goes_on_and_in_several_processes(tmp_path):
    study.run(_mine(), tmp_path, seeds=range(2), progress=False)
    path = study.run(_mine(), tmp_path, jobs=2, progress=False)
    assert _seeds(path) == list(range(5))


def test_a_study_of_ones_own_may_be_of_a_partial_function(tmp_path):
    one = study.Study("cubes", partial(_power, 3), Square, range(2), name="cubes")
    text = study.run(one, tmp_path, progress=False).read_text()
    assert f"{__name__}._power\n" in text and "\n1,1\n" in text


@pytest.mark.parametrize("name", ["", "a/b", "..", "two words"])
def test_a_study_of_ones_own_needs_a_name(tmp_path, name):
    with pytest.raises(study.StudyError, match=r"needs a name of letters.*name='mine'"):
        study.run(_mine(name), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_study_of_ones_own_takes_nobodys_name(tmp_path):
    with pytest.raises(study.StudyError, match="there is a study 'experiment-1' already"):
        study.run(_mine("experiment-1"), tmp_path)


def test_rows_of_two_versions_are_not_mixed_in_a_study_of_ones_own(tmp_path):
    path = study.run(_mine(), tmp_path, seeds=range(2), progress=False)
    path.write_text(path.read_text().replace("lstm_from_scratch 0", "lstm_from_scratch 9"))
    with pytest.raises(study.StudyError, match="See with some runs whether they agree"):
        study.run(_mine(), tmp_path, progress=False)
