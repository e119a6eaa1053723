"""Studies on a cluster: a real Dask scheduler and two real workers, one of which is killed."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import IO, NamedTuple

import distributed
import pytest

from lstm_from_scratch.studies import parallel, study

ROOT = Path(__file__).parent.parent
SEEDS, STUCK = 16, 5
PATIENCE = 90
"""Seconds after which something that should have happened has failed; a busy machine needs some."""


class Noted(NamedTuple):
    """A row that says which process made it."""

    seed: int
    process: int


def begun(notes: Path) -> list[tuple[int, int]]:
    """The runs that were begun: seed and process."""
    lines = notes.read_text().splitlines()
    return [(int(seed), int(process)) for seed, process in map(str.split, lines)]


def noted(seed: int) -> Noted:
    """A run that notes that it has begun. One of them does not end when it is made first."""
    notes = Path(os.environ["NOTES"])
    first = seed not in dict(begun(notes))
    with open(notes, "a") as file:
        file.write(f"{seed} {os.getpid()}\n")
    time.sleep(PATIENCE if seed == STUCK and first else 0.02)
    return Noted(seed, os.getpid())


QUIETLY = ("--host", "127.0.0.1", "--no-dashboard")
"""Nothing is to be reached from elsewhere."""

# The command line, with a study added; its function has to be one that workers can import.
PROGRAM = f"""
import os, sys, test_cluster
from lstm_from_scratch.studies import parallel, study
parallel.REPORT_SECONDS = float(os.environ.get("REPORT_SECONDS", parallel.REPORT_SECONDS))
parallel.CONNECT_SECONDS = float(os.environ.get("CONNECT_SECONDS", parallel.CONNECT_SECONDS))
study.STUDIES["noted"] = study.Study(
    "noted", test_cluster.noted, test_cluster.Noted, range({SEEDS})
)
study.main(sys.argv[1:])
"""


def wait_for(condition: Callable[[], object], what: str) -> object:
    """Wait until a condition is true, and return what it is."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.05)
    return found


def error_of(function: Callable[[], object]) -> str:
    """Call a function that should be refused; what it says, in good time."""
    said = []

    def call() -> None:
        with pytest.raises(study.StudyError) as refused:
            function()
        said.append(str(refused.value))

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert said, "not refused" if not thread.is_alive() else "still waiting"
    return said[0]


class Cluster:
    """A scheduler, its workers, and what is needed to use them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.notes = folder / "notes"
        self.notes.write_text("")
        self.table = folder / "results" / "noted.csv"
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
        self.environment = os.environ | {"NOTES": str(self.notes), "PYTHONPATH": path}
        place = folder / "scheduler.json"
        self.scheduler = self.start(
            *("-m", "dask", "scheduler", *QUIETLY),
            *("--port", "0", "--scheduler-file", str(place)),
        )

        def address() -> str:
            try:
                return json.loads(place.read_text())["address"]
            except (OSError, ValueError):
                return ""

        self.address = str(wait_for(address, "the scheduler"))

    def start(self, *arguments: str, **settings) -> subprocess.Popen:
        """Start Python; whatever happens later, the process is ended."""
        with open(self.folder / "log", "a") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment,
                cwd=self.folder,
                **({"stdout": log, "stderr": log} | settings),
            )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def worker(self) -> subprocess.Popen:
        """Start a worker: one process, with no nanny that would start it anew."""
        return self.start(
            *("-m", "dask", "worker", self.address, *QUIETLY, "--nthreads", "1", "--no-nanny"),
            *("--local-directory", str(self.folder / "space")),
        )

    def study(self, stderr: int | IO = subprocess.PIPE) -> subprocess.Popen:
        """Start the study on this cluster."""
        return self.start(
            *("-c", PROGRAM, "noted"),
            *("--folder", str(self.table.parent), "--scheduler", self.address),
            stderr=stderr,
            text=True,
        )

    def rows(self) -> dict[int, int]:
        """What is in the table: processes by seeds, each of which is there once."""
        rows = study.read(self.table)
        found = {int(row["seed"]): int(row["process"]) for row in rows}
        assert len(found) == len(rows), "a seed is there twice"
        return found


def register(monkeypatch, function: Callable[[int], NamedTuple]) -> None:
    """Add the study in this process too."""
    monkeypatch.setitem(study.STUDIES, "noted", study.Study("", function, Noted, range(SEEDS)))


@pytest.fixture
def cluster(tmp_path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        yield Cluster(tmp_path, stack)


def test_a_worker_is_killed_and_every_seed_is_there_once(cluster, tmp_path, monkeypatch):
    workers = {worker.pid: worker for worker in (cluster.worker(), cluster.worker())}
    running = cluster.study()
    victim = wait_for(lambda: dict(begun(cluster.notes)).get(STUCK), "the run that does not end")
    wait_for(lambda: cluster.table.exists() and len(cluster.rows()) > 2, "some rows")
    workers[victim].send_signal(signal.SIGKILL)
    errors = running.communicate(timeout=PATIENCE)[1]
    assert running.returncode == 0, errors
    assert errors.splitlines()[-1].startswith(f"noted: {SEEDS} of {SEEDS} runs")

    # It held work when it was killed, and that was made again by the other.
    (other,) = set(workers) - {victim}
    assert [process for seed, process in begun(cluster.notes) if seed == STUCK] == [victim, other]
    rows = cluster.rows()
    assert set(rows) == set(range(SEEDS))
    assert set(rows.values()) <= {victim, other} and rows[STUCK] == other

    # One worker alone is a cluster too: the work does not come home.
    register(monkeypatch, noted)
    study.run("noted", cluster.table.parent, seeds=range(SEEDS + 4), scheduler=cluster.address)
    assert cluster.rows() == rows | dict.fromkeys(range(SEEDS, SEEDS + 4), other)

    # What the others can't import ends the study; it does not wait for ever.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "here_alone.py").write_text("def run(seed):\n    return seed, 1\n")
    monkeypatch.syspath_prepend(elsewhere)
    register(monkeypatch, importlib.import_module("here_alone").run)
    where = {"seeds": range(50, 55), "scheduler": cluster.address}
    error = error_of(lambda: study.run("noted", cluster.table.parent, **where))
    assert "can't load the work" in error and "same command goes on" in error
    assert len(cluster.rows()) == SEEDS + 4


def test_where_all_workers_are_gone_it_is_said_and_new_ones_go_on(cluster, tmp_path):
    cluster.environment["REPORT_SECONDS"] = "0.2"
    worker, said = cluster.worker(), tmp_path / "said"
    with open(said, "w") as stderr:
        running = cluster.study(stderr)
        wait_for(lambda: dict(begun(cluster.notes)).get(STUCK), "the run that does not end")
        worker.send_signal(signal.SIGKILL)
        lines = wait_for(
            lambda: [line for line in said.read_text().splitlines() if "no workers" in line],
            "a word about it",
        )
        assert f"`dask worker {cluster.address} --nthreads 1`" in lines[0]
        assert running.poll() is None
        new = cluster.worker()
        assert running.wait(PATIENCE) == 0, said.read_text()
    rows = cluster.rows()
    assert set(rows) == set(range(SEEDS)) and rows[STUCK] == new.pid
    assert "Traceback" not in said.read_text()


def test_a_scheduler_that_goes_away_costs_only_what_was_not_done(cluster, monkeypatch):
    folder = cluster.table.parent
    monkeypatch.setattr(parallel, "WORKER_SECONDS", 1)
    with pytest.raises(study.StudyError, match=r"has no workers.*dask worker"):
        study.run("experiment-1", folder, scheduler=cluster.address)
    assert not folder.exists()

    cluster.worker()
    cluster.worker()
    running = cluster.study()
    wait_for(lambda: dict(begun(cluster.notes)).get(STUCK), "the run that does not end")
    wait_for(lambda: cluster.table.exists() and len(cluster.rows()) > 2, "some rows")
    cluster.scheduler.kill()
    errors = running.communicate(timeout=PATIENCE)[1]
    assert running.returncode == 1
    said = errors.splitlines()[-1]
    assert said.startswith(f"study: the scheduler at {cluster.address} is gone")
    assert said.endswith("same command goes on from there")
    before = cluster.rows()
    assert 2 < len(before) < SEEDS

    # Here, with no cluster, it goes on from there.
    monkeypatch.setenv("NOTES", str(cluster.notes))
    register(monkeypatch, noted)
    study.run("noted", folder)
    left = dict.fromkeys(set(range(SEEDS)) - set(before), os.getpid())
    assert cluster.rows() == before | left


class Listener:
    """A place that takes connections: it answers with what it is given, or never."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer, self.taken = answer, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                self.taken.append(self.socket.accept()[0])
                if self.answer is not None:
                    self.taken[-1].sendall(self.answer)
                    self.taken[-1].close()
            except OSError:  # it is closed
                return


@pytest.fixture
def listening() -> Iterator[Callable[[bytes | None], int]]:
    """Begins to listen; gives the port."""
    listeners: list[Listener] = []

    def listen(answer: bytes | None) -> int:
        listeners.append(Listener(answer))
        return listeners[-1].port

    yield listen
    for one in listeners:
        for each in (one.socket, *one.taken):
            each.close()


def _port_of_nobody() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


FORM = "expected an address such as tcp://127.0.0.1:8786"
SILENCE = "said nothing for 1 s"
OTHER = "is no Dask scheduler"


@pytest.mark.parametrize(
    ("address", "answer", "why"),
    [
        ("tcp://127.0.0.1:{nobody}", None, "nothing"),
        ("tcp://127.0.0.1:{port}", None, SILENCE),
        ("127.0.0.1:{port}", None, SILENCE),
        ("tcp://127.0.0.1:{port}", b"", OTHER),
        ("tcp://127.0.0.1:{port}", b"HTTP/1.1 400 Bad Request\r\n\r\n", OTHER),
        ("tcp://127.0.0.1:{port}", bytes(8), OTHER),
        ("tcp://127.0.0.1:{port}", b"\x08" + bytes(15), OTHER),
        ("http://127.0.0.1:{port}", None, "unknown address scheme 'http'"),
        ("nonsense://x", None, FORM),
        ("foo", None, FORM),
        ("", None, FORM),
        (" ", None, FORM),
        ("8786", None, FORM),
        ("tcp://", None, FORM),
        ("tcp://127.0.0.1", None, FORM),
        ("127.0.0.1:0", None, FORM),
        ("127.0.0.1:99999", None, FORM),
        ("127.0.0.1:-5", None, FORM),
    ],
)
def test_what_is_no_scheduler_is_refused_in_good_time(
    tmp_path, monkeypatch, listening, address, answer, why
):
    monkeypatch.setattr(parallel, "CONNECT_SECONDS", 1 if answer is None else 30)
    address = address.format(port=listening(answer), nobody=_port_of_nobody())
    folder = tmp_path / "results"
    said = error_of(lambda: study.run("experiment-1", folder, scheduler=address))
    assert said.startswith(f"no Dask scheduler answers at {address!r}: ") and why in said
    assert said.endswith("workers with `dask worker ADDRESS --nthreads 1`")
    assert not folder.exists()


def test_a_name_that_nobody_has_is_told_from_a_place_where_nothing_is(monkeypatch):
    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(parallel.socket, "getaddrinfo", unknown)
    assert "no machine of that name is known" in error_of(
        lambda: study.run("experiment-1", scheduler="tcp://somewhere:8786")
    )
    assert parallel._why(ConnectionRefusedError(), distributed) == "nothing is there"


def test_a_scheduler_that_is_silent_gets_one_line_and_no_more(tmp_path, listening):
    address = f"tcp://127.0.0.1:{listening(None)}"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "noted", "--folder", str(tmp_path), "--scheduler", address],
        env=os.environ | {"CONNECT_SECONDS": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"study: no Dask scheduler answers at {address!r}: what is there said n")


def test_a_scheduler_that_falls_silent_at_work_is_told_from_one_that_is_gone():
    def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    def answers(count: int) -> Callable:
        return lambda *_, **__: {f"tcp://{number}": 1 for number in range(count)}

    def client(sync: Callable, status: str = "running") -> SimpleNamespace:
        return SimpleNamespace(sync=sync, status=status, scheduler=SimpleNamespace(ncores=None))

    missing = parallel._missing
    assert "tcp://1 says nothing: it may be stopped" in missing(client(silent), "tcp://1")
    assert missing(client(silent, "closed"), "tcp://1") == ""  # the end of the work will say it
    assert "no workers are left at tcp://1" in missing(client(answers(0)), "tcp://1")
    assert missing(client(answers(1)), "tcp://1") == ""


def test_without_dask_the_message_names_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(study.StudyError, match=r"lstm-from-scratch\[cluster\]"):
        study.run("experiment-1", tmp_path / "results", scheduler="tcp://127.0.0.1:8786")
    assert not list(tmp_path.iterdir())


def test_a_worker_works_only_with_what_the_table_is_made_with(monkeypatch):
    worker = SimpleNamespace(state=SimpleNamespace(nthreads=1))
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)
    call = parallel._call_on_worker
    assert call(parallel.software(), 3, pow, (2, 5)) == (3, 32)
    with pytest.raises(parallel.WorkError, match="a worker has lstm_from_scratch"):
        call("lstm_from_scratch 0.0.1", 3, pow, (2, 5))
    worker.state.nthreads = 2
    with pytest.raises(parallel.WorkError, match="--nthreads 1"):
        call(parallel.software(), 3, pow, (2, 5))


def test_a_run_that_kills_its_workers_is_told_from_a_scheduler_that_is_gone():
    killed = distributed.KilledWorker("task", SimpleNamespace(address="tcp://1"), 3)
    assert "each of them died" in str(parallel._trouble(killed, "tcp://2"))
    assert "tcp://2 is gone" in str(parallel._trouble(distributed.CancelledError("x"), "tcp://2"))
