"""Many calls at once: on all cores of this machine, or on the workers of a Dask scheduler.

`workers` gives a function that makes calls and hands back what they return, as it comes. Both ways
go through joblib, so `study` need not know which it is. `reported` says how far the work is.

Chapter 11 runs its studies with this.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import multiprocessing
import os
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple, TextIO

from tqdm import tqdm

from .. import limits
from ..arguments import Kind, Unfit, checked, either, none, real, whole
from .tables import StudyError, software

CONNECT_SECONDS = 5
"""How long a scheduler has to answer."""

WORKER_SECONDS = 10
"""How long to wait for the first worker of a scheduler that has none."""

REPORT_SECONDS = 30
"""Time between two lines of progress where there is no terminal for a bar, and between two looks
whether a cluster still has workers."""

NOISY = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")
"""Loggers that a lost connection sets off; those of which Dask sets the level itself by name."""


class WorkError(StudyError):
    """Work that had begun can't be finished; what came of it before holds."""


class MissingPackageError(ModuleNotFoundError, StudyError):
    """A package of an extra is not installed; the message says how to, and what does without."""


class Call(NamedTuple):
    """A function and what to call it with."""

    function: Callable[..., Any]
    arguments: tuple


Work = Callable[[Sequence[Call]], Iterator[tuple[int, Any]]]
"""Makes calls; yields the number of each and what it returned, in the order in which they end."""


def _processes(value: Any) -> int:
    number = whole(-1, limits.PROCESSES).take(value)
    if not number:
        raise Unfit
    return number


JOBS = Kind(f"1 to {limits.PROCESSES:,} processes, or -1 for one a core", _processes)
"""What a number of jobs may be."""


@checked(jobs=JOBS)
@contextmanager
def workers(jobs: int = 1, scheduler: str | None = None) -> Iterator[Work]:
    """Make ready what works: this process, some processes, or the workers of a cluster.

    Parameters
    ----------
    jobs : processes at once on this machine; 1 for this process alone, -1 for one a core.
    scheduler : the address of a Dask scheduler, like ``tcp://127.0.0.1:8786``; then its workers do
        the work, as many as there are at any moment, and ``jobs`` does not count.

    Raises
    ------
    MissingPackageError : if joblib, or for a cluster Dask, is not installed.
    StudyError : if the scheduler does not answer or has no workers.
    WorkError : from the work itself, if workers died of it or the scheduler is gone.

    Chapter 11.
    """
    if scheduler is not None:
        with _client(scheduler) as client:
            yield partial(_on_cluster, client, scheduler)
    elif jobs == 1:
        yield _here
    else:
        joblib = _imported("joblib", "study", "one process at a time does without: --jobs 1")
        yield partial(_in_processes, joblib, jobs)


def _here(calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
    for number, (function, arguments) in enumerate(calls):
        yield number, function(*arguments)


def _call(number: int, function: Callable[..., Any], arguments: tuple) -> tuple[int, Any]:
    return number, function(*arguments)


def _imported(package: str, extra: str, without: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise MissingPackageError(
            f"{package} is not installed: pip install 'lstm-from-scratch[{extra}]'; {without}",
            name=package,
        ) from error


def _in_processes(
    joblib: ModuleType, jobs: int, calls: Sequence[Call]
) -> Iterator[tuple[int, Any]]:
    # No more of them than there are calls, but two, or joblib would do it in this process.
    jobs = max(2, min(joblib.effective_n_jobs(jobs), len(calls)))
    parallel = joblib.Parallel(
        jobs, return_as="generator_unordered", batch_size=1, initializer=_end_with_parent
    )
    try:
        yield from parallel(
            joblib.delayed(_call)(number, *call) for number, call in enumerate(calls)
        )
    except BrokenProcessPool as error:
        raise WorkError("a process that worked was killed, perhaps for want of memory") from error


def _end_with_parent() -> None:
    """Have this process end soon after the one that began it, however that one ended.

    Else the processes of a study that is killed would end only when they have had nothing to do for
    some minutes; on Windows, where a process is not told, they still do.
    """
    parent = multiprocessing.parent_process()
    if parent is None or os.name == "nt":
        return

    def watch() -> None:
        while os.getppid() == parent.pid:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """Connect to a scheduler that has a worker at least."""
    without = "without --scheduler the work is done on this machine"
    _imported("joblib", "cluster", without)
    distributed = _imported("distributed", "cluster", without)
    # What goes wrong is said once, by us; others would log the traceback of every attempt as well.
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield from _connected(distributed, scheduler)
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _connected(distributed: ModuleType, scheduler: str) -> Iterator[Any]:
    _greet(distributed, scheduler)
    try:
        client = distributed.Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise _no_scheduler(scheduler, f"it did not let us in: {_first_line(error)}") from error
    with client:
        deadline = time.monotonic() + WORKER_SECONDS
        try:
            while not _workers_of(client):
                if time.monotonic() > deadline:
                    raise StudyError(
                        f"the scheduler at {scheduler} has no workers. Start some with "
                        f"`dask worker {scheduler} --nthreads 1`"
                    )
                time.sleep(0.1)
        except OSError as error:  # and TimeoutError, which is one
            raise _no_scheduler(scheduler, "it fell silent") from error
        yield client


def _no_scheduler(scheduler: str, why: str) -> StudyError:
    return StudyError(
        f"no Dask scheduler answers at {scheduler!r}: {why}. Start one with `dask scheduler`, "
        "which prints its address, and workers with `dask worker ADDRESS --nthreads 1`"
    )


ADDRESS = re.compile(r"(\w+://)?(?P<host>[^\s/:\[\]]+|\[[^\s/\[\]]+\]):(?P<port>[0-9]{1,5})/?")


def _greet(distributed: ModuleType, scheduler: str) -> None:
    """See that a scheduler is there and speaks, within `CONNECT_SECONDS`.

    A `distributed.Client` waits longer: as of 2026.8 it begins to count when the other side has
    spoken, and one that could not connect tries again when it is thrown away.
    """
    found = ADDRESS.fullmatch(scheduler) if isinstance(scheduler, str) else None
    if found is None or not 0 < int(found["port"]) < 65536:
        raise _no_scheduler(scheduler, "expected an address such as tcp://127.0.0.1:8786")
    told: list[Any] = []

    async def ask() -> Any:
        arguments = distributed.Security().get_connection_args("client")
        brief = CONNECT_SECONDS * 0.8
        async with distributed.rpc(scheduler, timeout=brief, connection_args=arguments) as there:
            return await there.identity()

    def answer() -> None:
        try:
            socket.getaddrinfo(found["host"].strip("[]"), int(found["port"]))
            told.append(asyncio.run(asyncio.wait_for(ask(), CONNECT_SECONDS)))
        except Exception as error:
            told.append(error)

    # In a thread, which has no event loop yet, and so that a slow name server is not waited for.
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    said = told[0] if told else TimeoutError()
    if isinstance(said, dict) and said.get("type") not in ("Worker", "Nanny"):
        return
    cause = said if isinstance(said, Exception) else None
    raise _no_scheduler(scheduler, _why(said, distributed)) from cause


def _why(said: Any, distributed: ModuleType) -> str:
    """What it means that this came instead of a scheduler's word."""
    if isinstance(said, socket.gaierror):
        return "no machine of that name is known"
    if isinstance(said, TimeoutError):
        return f"what is there said nothing for {CONNECT_SECONDS} s"
    if isinstance(said, dict):
        return "what is there is a worker"
    if isinstance(said, OSError) and not isinstance(said, distributed.core.CommClosedError):
        return "nothing is there"
    if isinstance(said, (ValueError, TypeError)):
        return _first_line(said)
    return "what is there is no Dask scheduler"


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


def _workers_of(client: Any) -> int:
    """How many workers a scheduler has; `TimeoutError` if it does not say."""
    return len(client.sync(client.scheduler.ncores, callback_timeout=CONNECT_SECONDS))


@contextmanager
def _watched(client: Any, scheduler: str) -> Iterator[None]:
    """Say now and then that nobody is at work, where that is so."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(REPORT_SECONDS):
            if (line := _missing(client, scheduler)) and not over.is_set():
                tqdm.write(line, file=sys.stderr)  # above a bar, if there is one

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def _missing(client: Any, scheduler: str) -> str:
    """What keeps a cluster from its work; empty if nothing does, or if it is gone for good."""
    try:
        if _workers_of(client):
            return ""
    except Exception:
        if client.status != "running":
            return ""
        return (
            f"the scheduler at {scheduler} says nothing: it may be stopped or cut off. The work "
            f"goes on when it is back; Ctrl-C ends it here"
        )
    return (
        f"no workers are left at {scheduler}. Start some with `dask worker {scheduler} --nthreads "
        f"1`, and the work goes on; Ctrl-C ends it here"
    )


def _on_cluster(client: Any, scheduler: str, calls: Sequence[Call]) -> Iterator[tuple[int, Any]]:
    """Work through joblib's Dask backend: everything is queued at once at the scheduler.

    A worker that is lost costs nothing: the scheduler gives what it held to the others, and joblib
    hands on one result of each call.
    """
    import joblib

    made_with = software()
    with joblib.parallel_config(_backend(client, scheduler)), _watched(client, scheduler):
        parallel = joblib.Parallel(
            return_as="generator_unordered", batch_size=1, pre_dispatch="all"
        )
        yield from parallel(
            joblib.delayed(_call_on_worker)(made_with, number, *call)
            for number, call in enumerate(calls)
        )


def _backend(client: Any, scheduler: str) -> Any:
    """joblib's Dask backend, with two gaps closed.

    It supports ``return_as="generator_unordered"``, but as of joblib 1.6 its generator waits for
    ever for a call that ends without a result (no worker survives it, a worker can't import it, the
    scheduler is gone); and where there is one worker, joblib makes the calls in this process. Only
    methods that joblib documents for backends are overridden.
    """
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):
        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(2, super().effective_n_jobs(n_jobs))

        def submit(self, func: Any, callback: Callable | None = None) -> Any:
            future = super().submit(func, callback)

            def tell(ended: Any) -> None:
                if ended.exception() is not None:
                    callback(ended.exception())

            future.add_done_callback(tell)
            return future

        def retrieve_result_callback(self, out: Any) -> Any:
            # What a call itself raises comes wrapped; a bare error is Dask's.
            if isinstance(out, BaseException):
                raise _trouble(out, scheduler) from out
            return super().retrieve_result_callback(out)

    return Backend(client=client)


def _trouble(error: BaseException, scheduler: str) -> WorkError:
    """What it means that Dask has no result of a call."""
    from distributed import CancelledError, KilledWorker

    if isinstance(error, KilledWorker):
        return WorkError(
            "a run was begun on several workers and each of them died of it, perhaps for want of "
            "memory; their logs may say why"
        )
    if isinstance(error, CancelledError):
        return WorkError(f"the scheduler at {scheduler} is gone")
    return WorkError(
        "the scheduler or a worker can't load the work; both must run where the same is installed "
        f"as here ({software()}). It said: {_first_line(error)}"
    )


def _call_on_worker(
    made_with: str, number: int, function: Callable[..., Any], arguments: tuple
) -> tuple[int, Any]:
    """Call a function on a worker, if what runs there is what runs where the table is written."""
    import distributed

    if software() != made_with:
        raise WorkError(f"a worker has {software()}, but here is {made_with}")
    threads = distributed.get_worker().state.nthreads
    if threads != 1:
        raise WorkError(
            f"a worker has {threads} threads, and the seconds of a run are those of its process: "
            "start workers with --nthreads 1, as many as there are cores"
        )
    return _call(number, function, arguments)


@checked(seconds=real(0))
def duration(seconds: float) -> str:
    """A time as one says it: ``40 s``, ``8 min``, ``3 h 20 min``, ``2 d 4 h``."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"


def _stream(value: Any) -> Any:
    if isinstance(value, type) or not (hasattr(value, "write") and hasattr(value, "isatty")):
        raise Unfit
    return value


@checked(total=whole(0), before=whole(0), stream=either(Kind("a stream of text", _stream), none()))
def reported(
    results: Iterable[Any],
    total: int,
    *,
    name: str,
    before: int = 0,
    progress: bool | None = None,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Any]:
    """Hand results on, and say how many of all runs there are and how long the others may take.

    Parameters
    ----------
    results : what comes now. total : runs in all, of which ``before`` were there before.
    name : of the work. progress : a bar; None: a bar on a terminal and elsewhere a line now and
        then, at most one in half a minute; False: nothing.
    stream : where to say it, standard error unless given. clock : gives seconds.

    A result counts when the next is asked for, so what is said to be done is in the file. The time
    left takes the mean of the runs that came so far for the others.

    Chapter 11.
    """
    stream = sys.stderr if stream is None else stream
    if progress or (progress is None and stream.isatty()):
        bar = {"total": total, "initial": before, "desc": name, "unit": " runs", "smoothing": 0}
        yield from tqdm(results, file=stream, **bar)
        return
    if progress is False:
        yield from results
        return
    began = said = clock()
    print(f"{name}: {before} of {total} runs", file=stream, flush=True)
    for done, result in enumerate(results, start=before + 1):
        yield result
        now = clock()
        if done == total:
            took = duration(now - began)
            print(f"{name}: {total} of {total} runs, in {took}", file=stream, flush=True)
        elif now - said >= REPORT_SECONDS:
            said, left = now, (now - began) / (done - before) * max(0, total - done)
            line = f"{name}: {done} of {total} runs, about {duration(left)} left"
            print(line, file=stream, flush=True)
