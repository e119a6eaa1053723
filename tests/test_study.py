"""Studies: every seed exactly once, also after a stop; tables that can't be misread."""

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
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


def _of_group(leader: int) -> list[int]:
    """The processes of a group, without those that have ended but nobody has asked after."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


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
        # The parent alone, so that its workers are orphans: they must not keep the table locked,
        # and they end with it.
        first.kill()
        first.wait()
        while _of_group(first.pid):
            assert time.monotonic() < deadline, "the workers are still there"
            time.sleep(0.05)
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
        (lambda text: text + "3,9\0\n", r"line 9 holds a character that is no text, '\\x00'"),
        (lambda text: text + "3,\x1b[2J9\n", "line 9 holds a character that is no text"),
        (lambda text: text + f"3,{'9' * 200_000}\n", "line 9 can't be read: field larger"),
        (lambda text: text + f"3,{'9' * 110_000}\n", "line 9 holds a value of 110,000 characters"),
        (lambda text: text + '3,"9\n', "line 9 can't be read: unexpected end of data"),
        (lambda text: text + "3,nan\n", "line 9 has 'nan' as square, expected a whole number"),
        (lambda text: text + "3,inf\n", "line 9 has 'inf' as square, expected a whole number"),
        (lambda text: text + "3,9.0\n", "line 9 has '9.0' as square, expected a whole number"),
        (lambda text: text + "3,\n", "line 9 has '' as square, expected a whole number"),
        (lambda text: text + "03,9\n", "line 9 has '03' as seed, expected a whole number"),
        (lambda text: text + "\u0663,9\n", "as seed, expected a whole number"),
        (lambda text: text + "three,9\n", "line 9 has 'three' as seed, expected a whole number"),
        (lambda text: text + f"{'3' * 5000},9\n", "line 9 has '3{40}…' as seed, expected a whole"),
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


class Timed(NamedTuple):
    """A row with numbers that are not whole."""

    seed: int
    seconds: float
    measured: float


def _timed(seed: int) -> Timed:
    return Timed(seed, 0.5, float("nan") if seed else 1e-7)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("3,nan,1.0", "line 8 has 'nan' as seconds, expected a time of 0 or more"),
        ("3,inf,1.0", "line 8 has 'inf' as seconds, expected a time of 0 or more"),
        ("3,-2.0,1.0", "line 8 has '-2.0' as seconds, expected a time of 0 or more"),
        ("3,2.0,NaN", "line 8 has 'NaN' as measured, expected a number"),
        ("3,2.0,1_0", "line 8 has '1_0' as measured, expected a number"),
        ("3,2.0,", "line 8 has '' as measured, expected a number"),
        ("3,2.0, 1", "line 8 has ' 1' as measured, expected a number"),
    ],
)
def test_a_number_that_is_none_is_refused_but_a_measure_of_what_diverged(tmp_path, row, message):
    timed = study.Study("timed", _timed, Timed, range(2), name="timed")
    path = study.run(timed, tmp_path, progress=False)
    assert [one["measured"] for one in study.read(path)] == ["1e-07", "nan"]
    assert len(tables.of(path, timed).rows) == 2  # what a run may return is read back
    with open(path, "a") as file:
        file.write(row + "\n")
    with pytest.raises(study.StudyError, match=message):
        study.run(timed, tmp_path, progress=False)


def test_the_mark_that_an_editor_puts_first_is_no_fault(tmp_path, squares):
    path = study.run("squares", tmp_path, seeds=range(3))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    study.run("squares", tmp_path, seeds=range(5))
    assert _seeds(path) == list(range(5)) and sorted(squares) == list(range(5))


def test_a_column_is_there_and_holds_numbers():
    rows = [{"seed": "0", "name": "x"}]
    with pytest.raises(study.StudyError, match="no column 'square': there are seed, name"):
        study.column(rows, "square")
    with pytest.raises(study.StudyError, match="row 0 has 'x' as name, expected a number"):
        study.column(rows, "name")
    made = [{"nats": np.float64(8.5)}, {"nats": 9}, {"nats": 1e-7}, {"nats": float("nan")}]
    np.testing.assert_array_equal(study.column(made, "nats"), [8.5, 9.0, 1e-7, np.nan])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0, "9\n"), r"a character that is no text, '\\n'"),
        ((0, "9" * 100_001), "a value of 100,001 characters"),
        (("#0", 9), "a row that would be a comment: '#0'"),
        ((0, "\ud800"), r"a character that is no text, '\\ud800'"),
        ((0, 10**5000), r"row: expected .* got some 10\^5000 at place 1"),
        ((0, np.zeros(3)), r"row: expected .* got an array of shape \(3,\) at place 1"),
        ((), r"row: expected .* got \(\)"),
    ],
)
def test_a_row_that_could_not_be_read_back_is_not_written(tmp_path, values, message):
    path = tmp_path / "table.csv"
    with tables.opened(path) as file, pytest.raises(ValueError, match=message):
        tables.append(file, values)
    assert path.read_bytes() == b""


def test_a_table_begins_with_comments_and_columns_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    with tables.opened(path) as file:
        for comments in (["no mark"], ["# one\n1,1"], ["# \ud800"]):
            with pytest.raises(ValueError, match=r"comments: expected .*a line of comment"):
                tables.begin(file, comments, ["seed"])
        for columns in ([], ["a,b"], ["a\n"], "seed"):
            with pytest.raises(ValueError, match=r"columns: expected .*name of a column"):
                tables.begin(file, ["# one"], columns)
        with pytest.raises(ValueError, match="text: expected a line of comment"):
            tables.comment(file, "3,9")
    with open(path, "ab") as file, pytest.raises(ValueError, match="`opened` has opened"):
        tables.append(file, (1, 2))  # this one would write once more what could not be written
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (Square(0, 2.5), "returned '2.5' as square, expected a whole number"),
        (Square(0, True), "returned 'True' as square, expected a whole number"),
        (Square(0, 10**5000), r"returned 'some 10\^5000' as square, expected a whole number"),
        ((0, 0, 0), "returned 3 values for 2 columns"),
        (None, "returned None, expected a Square"),
    ],
)
def test_a_row_of_other_values_than_its_columns_is_not_written(tmp_path, row, message):
    wrong = study.Study("wrong", lambda seed: row, Square, range(5), name="wrong")
    with pytest.raises(TypeError, match=message):
        study.run(wrong, tmp_path, progress=False)
    assert study.read(tmp_path / "wrong.csv") == []


@contextmanager
def _room_for(path: Path, more: int):
    """The disk takes so many bytes more of a file."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_no_row_and_leaves_no_half_of_one(tmp_path, squares):
    path = study.run("squares", tmp_path, seeds=range(1))
    for more in (0, 1, 5, 6):
        before = path.read_bytes()
        with _room_for(path, more), pytest.raises(study.StudyError) as refused:
            study.run("squares", tmp_path)
        said = str(refused.value)
        assert str(path) in said and "File too large" in said and "same command goes on" in said
        kept = path.read_bytes()
        assert kept.startswith(before) and kept.endswith(b"\n")
        assert len(kept) - len(before) in (0, 4)  # 1,1 or 2,4 and so on, or nothing
    study.run("squares", tmp_path)
    assert _seeds(path) == list(range(20))


def test_a_disk_that_is_full_at_the_first_line_leaves_nothing(tmp_path, squares):
    path = tmp_path / "squares.csv"
    path.touch()
    with _room_for(path, 30), pytest.raises(study.StudyError, match="can't be written"):
        study.run("squares", tmp_path)
    assert path.read_bytes() == b"" and not squares
    study.run("squares", tmp_path)
    assert _seeds(path) == list(range(20))


# On a disk of its own, which is really full: 16 kB, of which another file takes what is left.
FULL_DISK = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_study
from lstm_from_scratch.files import write_whole
from lstm_from_scratch.studies import study
disk = Path({disk!r})
long = study.Study("long", test_study._long, test_study.Long, range(40), name="long")
write_whole(disk / "old", b"old")
try:
    study.run(long, disk, progress=False)
except study.StudyError as error:
    assert "No space left on device" in str(error) and "same command" in str(error), error
else:
    raise AssertionError("the disk took it all")
rows = study.read(disk / "long.csv")
assert 0 < len(rows) < 40, len(rows)
try:
    write_whole(disk / "old", b"n" * 9000)
except OSError as error:
    assert str(disk / "old") in str(error), error
assert (disk / "old").read_bytes() == b"old"
assert {{path.name for path in disk.iterdir()}} == {{"old", "long.csv"}}
path = study.run(long, Path({disk!r}).parent / "roomy", progress=False)
(path.parent / "long.csv").write_bytes((disk / "long.csv").read_bytes())
study.run(long, path.parent, progress=False)
assert len(study.read(path)) == 40
print("held")
"""


class Long(NamedTuple):
    """A row that takes room."""

    seed: int
    text: str


def _long(seed: int) -> Long:
    return Long(seed, "x" * 700)


def test_a_disk_that_is_really_full(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f"mount -t tmpfs -o size=16k none {shlex.quote(str(disk))}"
    alone = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    try:
        if subprocess.run([*alone, mount], capture_output=True).returncode:
            pytest.skip("this user may not mount a small file system; limits stand in for it")
    except FileNotFoundError:
        pytest.skip("there is no unshare here, to mount a small file system with")
    program = FULL_DISK.format(tests=str(ROOT / "tests"), disk=str(disk))
    done = subprocess.run(
        [*alone, f'{mount} && exec "$0" -c "$1"', sys.executable, program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr


def test_seeds_without_number_are_refused_before_anything_is_made(tmp_path, squares):
    with pytest.raises(study.StudyError, match="more than 1,000,000 runs"):
        study.run("squares", tmp_path, seeds=range(10**30))
    with pytest.raises(ValueError, match=r"seeds: expected seeds such as range\(8\).*got 8"):
        study.run("squares", tmp_path, seeds=8)
    with pytest.raises(NotADirectoryError, match=r"folder: expected a folder .*is a file"):
        study.run("squares", __file__)
    assert not list(tmp_path.iterdir())


def test_stored_tables_hold_what_their_columns_say():
    for path in (ROOT / "results").glob("*.csv"):
        if path.stem in study.STUDIES:
            one = study.STUDIES[path.stem]
            for row in tables.of(path, one).rows:
                unknown = [name for name, text in row.items() if text == "nan"]
                assert not unknown or "NaN" in one.row.__doc__, (path.stem, unknown)


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
        (["--seeds", f"0:{'9' * 5000}"], ": expected FIRST:LAST"),
        (["--seeds", "5:5"], "'5:5': expected FIRST:LAST"),
        (["--seeds=-2:5"], "'-2:5': expected FIRST:LAST"),
        (["--jobs", "0"], "'0': expected 1 to 1,024, or -1"),
        (["--jobs", "-3"], "'-3': expected 1 to 1,024, or -1"),
        (["--jobs", "1025"], "'1025': expected 1 to 1,024, or -1"),
        (["--jobs", "many"], "'many': expected 1 to 1,024, or -1"),
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


def test_a_study_of_ones_own_may_be_about_several_lines_and_leave_values_out(tmp_path):
    class Partly(NamedTuple):
        seed: int
        found: int | None

    one = study.Study(
        "one\nseed,square", lambda seed: Partly(seed, None), Partly, range(2), name="n"
    )
    path = study.run(one, tmp_path, progress=False)
    assert study.run(one, tmp_path, progress=False) == path
    assert path.read_text().startswith("# one seed,square\n# format")
    assert study.read(path) == [{"seed": "0", "found": ""}, {"seed": "1", "found": ""}]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((), "settings: expected one at least, .*got no values"),
        (((1,), (1, 2)), "settings: expected .*all of as many values, got 1 and 2 values"),
        (((None,),), "settings: expected"),  # which a table has no text for
        (((1, 2),), "row: expected a column for each of 2 values .*got seed, square"),
        (5, "settings: expected a tuple of which each is a tuple .*got 5"),
    ],
)
def test_a_study_of_ones_own_has_settings_that_a_row_can_tell(settings, message):
    with pytest.raises(ValueError, match=message):
        _mine(settings=settings)


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
