"""Work in parallel: what it says while it goes on, and what it needs."""

import io
import sys

import pytest

from lstm_from_scratch.studies import parallel
from lstm_from_scratch.studies.parallel import Call, duration, reported
from lstm_from_scratch.studies.tables import StudyError


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def lines_of(seconds: list[float], before: int = 0, more: int = 0) -> list[str]:
    """What is said of runs that take so long, one after the other, with some more to come."""
    clock, stream = Clock(), io.StringIO()

    def runs():
        for number, took in enumerate(seconds):
            clock.now += took
            yield number

    total = before + len(seconds) + more
    results = reported(runs(), total, name="x", before=before, stream=stream, clock=clock)
    assert list(results) == list(range(len(seconds)))
    return stream.getvalue().splitlines()


def test_progress_tells_the_time_left_from_the_runs_that_came():
    # Three runs in 300 s are 100 s each, and 5 of 10 are left; the two of before do not count.
    assert lines_of([60, 60, 180], before=2, more=5) == [
        "x: 2 of 10 runs",
        "x: 3 of 10 runs, about 7 min left",
        "x: 4 of 10 runs, about 6 min left",
        "x: 5 of 10 runs, about 8 min left",
    ]


def test_progress_is_said_now_and_then():
    said = lines_of([10.0] * 12, more=1)
    assert [line.split(" of ")[0] for line in said] == ["x: 0", "x: 3", "x: 6", "x: 9", "x: 12"]
    assert said[1] == "x: 3 of 13 runs, about 100 s left".replace("100 s", "2 min")


def test_the_last_run_is_always_told_and_how_long_all_took():
    assert lines_of([1, 2, 4]) == ["x: 0 of 3 runs", "x: 3 of 3 runs, in 7 s"]
    assert lines_of([], before=3) == ["x: 3 of 3 runs"]


def test_a_run_counts_when_it_is_written():
    clock, stream = Clock(), io.StringIO()
    results = reported(iter("ab"), 2, name="x", stream=stream, clock=clock)
    next(results)
    clock.now += 100
    assert stream.getvalue() == "x: 0 of 2 runs\n"
    next(results)
    assert stream.getvalue().splitlines()[1] == "x: 1 of 2 runs, about 2 min left"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (40, "40 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (480, "8 min"),
        (99.4 * 60, "99 min"),
        (100 * 60, "1 h 40 min"),
        (3 * 3600 + 20 * 60, "3 h 20 min"),
        (2 * 86400 + 4 * 3600, "2 d 4 h"),
    ],
)
def test_times_are_told_as_one_says_them(seconds, text):
    assert duration(seconds) == text


def test_on_a_terminal_there_is_a_bar_and_silence_where_asked():
    terminal, file = Terminal(), io.StringIO()
    assert list(reported(iter("ab"), 8, name="x", before=6, stream=terminal)) == ["a", "b"]
    assert "8/8" in terminal.getvalue() and "6/8" in terminal.getvalue()
    assert list(reported(iter("ab"), 2, name="x", progress=True, stream=file)) == ["a", "b"]
    assert "2/2" in file.getvalue()
    silent = Terminal()
    assert list(reported(iter("ab"), 2, name="x", progress=False, stream=silent)) == ["a", "b"]
    assert silent.getvalue() == ""


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_call_is_made_once_and_numbered(jobs):
    calls = [Call(pow, (number, 2)) for number in range(7)]
    with parallel.workers(jobs) as work:
        assert sorted(work(calls)) == [(number, number**2) for number in range(7)]


@pytest.mark.parametrize("jobs", [0, -2, 1_025, 10**30, True, 2.5, "2", None])
def test_a_number_of_jobs_that_is_none_is_refused(jobs):
    with pytest.raises(ValueError, match="jobs: expected 1 to 1,024 processes, or -1 for one a"):
        parallel.workers(jobs)


def test_more_results_than_were_counted_are_handed_on():
    clock, stream = Clock(), io.StringIO()

    def runs():
        for number in range(3):
            clock.now += 100
            yield number

    assert list(reported(runs(), 1, name="x", stream=stream, clock=clock)) == [0, 1, 2]
    assert stream.getvalue().splitlines()[1:] == [
        "x: 1 of 1 runs, in 2 min",
        "x: 2 of 1 runs, about 0 s left",
        "x: 3 of 1 runs, about 0 s left",
    ]


def test_without_joblib_the_message_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    missing = pytest.raises(ModuleNotFoundError, match=r"'lstm-from-scratch\[study\]'.*--jobs 1")
    with missing as caught, parallel.workers(2):
        pass
    assert caught.value.name == "joblib"
    assert isinstance(caught.value, StudyError)  # so the command line says it without a traceback
    with parallel.workers(1) as work:
        assert list(work([Call(pow, (2, 3))])) == [(0, 8)]


@pytest.mark.parametrize("package", ["joblib", "distributed"])
def test_without_dask_the_message_names_what_to_install(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    missing = pytest.raises(ModuleNotFoundError, match=r"'lstm-from-scratch\[cluster\]'.*machine")
    with missing as caught, parallel.workers(scheduler="tcp://127.0.0.1:8786"):
        pass
    assert caught.value.name == package
