"""Studies: every seed exactly once, also after a stop; tables that can't be misread."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from lstm_from_scratch import experiments, study
from lstm_from_scratch.training import RECOMMENDED

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
from lstm_from_scratch import experiments, study
from lstm_from_scratch.training import RECOMMENDED
study.STUDIES["squares"] = study.Study("squares", test_study._square, test_study.Square, range(12))
study.run("squares", {folder!r}, jobs=2)
"""


def test_a_killed_study_goes_on_where_it_stopped(tmp_path):
    program = PROGRAM.format(tests=str(ROOT / "tests"), folder=str(tmp_path))
    environment = os.environ | {"SLOW": "1", "PYTHONPATH": str(ROOT)}
    first = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, start_new_session=True
    )
    path = tmp_path / "squares.csv"
    deadline = time.monotonic() + 60
    while not (path.exists() and path.read_text().count("\n") >= 5 + 3):
        assert time.monotonic() < deadline, "the study did not begin"
        assert first.poll() is None, "the study ended before it could be killed"
        time.sleep(0.01)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    before = _seeds(path)
    assert 3 <= len(before) < 12
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert _seeds(path) == list(range(12))


def test_an_unknown_study_is_named_with_those_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"unknown study 'nonsense'.*experiment-1"):
        study.run("nonsense", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace("# format: 1", "# format: 99"), "format 1"),
        (lambda text: text[:-3], "broken off"),
        (lambda text: text + "3\n", "not whole"),
        (lambda text: text.replace("seed,square", "seed,cube"), "columns"),
        (lambda text: "seed,square\n1,1\n", "format 1"),
    ],
)
def test_a_damaged_table_is_left_as_it_is(tmp_path, squares, damage, message):
    path = study.run("squares", tmp_path, seeds=range(3))
    path.write_text(damage(path.read_text()))
    damaged = path.read_text()
    with pytest.raises(ValueError, match=message):
        study.run("squares", tmp_path)
    assert path.read_text() == damaged


def test_the_interval_is_wilsons():
    # Values from the closed form, worked out by hand for 8 of 10 and for 0 of 10.
    assert study.interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert study.interval(0, 10) == pytest.approx((0.0, 0.2775328), abs=1e-6)
    for successes in range(1, 30):
        low, high = study.interval(successes, 30)
        assert low < successes / 30 < high
    with pytest.raises(ValueError, match="can't be"):
        study.interval(3, 2)


def test_a_row_of_experiment_1_tells_what_happened():
    recipe = replace(RECOMMENDED, max_steps=2 * RECOMMENDED.test_every)
    row = experiments.experiment_1(recipe, 7)
    assert row == experiments.experiment_1(recipe, 7)._replace(seconds=row.seconds)
    assert (row.seed, row.learned, row.steps) == (7, 0, recipe.max_steps)
    assert (row.first_cycle, row.period) == (0, 0)


def test_the_command_line_lists_and_refuses(capsys):
    study.main(["--list"])
    assert "experiment-1-paper" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="unknown study"):
        study.main(["nonsense"])
