"""Rehearsal: one chorus, over and over, until the free run holds or the steps are used up.

How a network learns, and what kind of network it is, is the caller's; here is what all such
trainings share: when they are tested, when they stop, and what is told of them.

Chapter 3 (Why networks forget) rehearses, chapter 11 (How sure are we?) compares what comes of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from ..training import Diverged

N = TypeVar("N")
"""A kind of network: `network.Network` or `simple_rnn.SimpleNetwork`."""

M = TypeVar("M", bound="Budget")
"""How one is trained: `training.Recipe` or `simple_rnn.Method`."""


class Budget(Protocol):
    """What a rehearsal needs to know of how to train.

    max_steps : give up after this many. test_every : steps between two tests; both whole choruses.
    choruses : a network has learned when it plays this many without a wrong note.
    """

    @property
    def max_steps(self) -> int: ...

    @property
    def test_every(self) -> int: ...

    @property
    def choruses(self) -> int: ...


class Lesson(NamedTuple):
    """What happened in some steps of training.

    cross_entropy : nats in all. gross_errors, resets : counts.
    """

    cross_entropy: float
    gross_errors: int
    resets: int


class Curve(NamedTuple):
    """How a training went: one entry for each test, all of shape ``(tests,)``.

    steps : trained when the test was made. cross_entropy : nats a step since the test before.
    gross_errors, resets : since the test before. choruses : played without a wrong note.
    """

    steps: np.ndarray
    cross_entropy: np.ndarray
    gross_errors: np.ndarray
    resets: np.ndarray
    choruses: np.ndarray


@dataclass(frozen=True)
class Result(Generic[N, M]):
    """A trained network and how it came about; see `training.Result`.

    network : as it was when training stopped. method : how it was trained. learned : whether it
    passed its test. steps : trained. seconds : that it took here. curve : how it went.
    """

    network: N
    method: M
    learned: bool
    steps: int
    seconds: float = field(compare=False)
    curve: Curve = field(compare=False)


def rehearse(
    method: M,
    roll: np.ndarray,
    weights: np.ndarray,
    network: Callable[[], N],
    learn: Callable[[int], Lesson],
    test: Callable[[N], int],
    look: Callable[[N], object] | None = None,
) -> Result[N, M]:
    """Train on one chorus until the test is passed or the steps are used up.

    Parameters
    ----------
    method : how; here only its `Budget` counts.
    roll : the chorus, shape ``(steps, inputs)``.
    weights : all weights, which ``learn`` changes in place. network : makes a network of a copy of
        them.
    learn : trains for so many steps, going on where it stopped.
    test : how many choruses a network plays without a wrong note.
    look : called with the network at each test, if given.

    Raises
    ------
    ValueError : for tests that don't fall between two choruses.
    Diverged : if a weight is not finite any more; it has the network of the last test, and its
        ``step`` is the first test at which that was seen.

    Section 3.2; chapter 3.
    """
    length = len(roll)
    if method.test_every % length or method.max_steps % length:
        raise ValueError(
            f"test_every {method.test_every} and max_steps {method.max_steps} should be whole "
            f"choruses of {length} steps"
        )
    rows, done, learned, started = [], 0, False, time.perf_counter()
    now = network()
    while not learned and done < method.max_steps:
        steps = min(method.test_every, method.max_steps - done)
        lesson = learn(steps)
        done += steps
        if not np.isfinite(weights).all():
            raise Diverged(
                f"training diverged: after step {done} the weights are not finite; a smaller "
                "learning rate or a limit to the gradient's norm helps",
                done,
                now,
            )
        now = network()
        if look is not None:
            look(now)
        choruses = test(now)
        learned = choruses >= method.choruses
        rows.append(
            (done, lesson.cross_entropy / steps, lesson.gross_errors, lesson.resets, choruses)
        )
    seconds = time.perf_counter() - started
    curve = Curve(*(np.array(column) for column in zip(*rows, strict=True)))
    return Result(now, method, learned, done, seconds, curve)


def checked(roll: np.ndarray, inputs: int | None = None) -> np.ndarray:
    """A chorus as float64, shape ``(steps, inputs)``, if it is one of ``inputs`` units.

    Raises
    ------
    ValueError : for another shape, or numbers other than 0 and 1.

    Chapter 3.
    """
    roll = np.ascontiguousarray(roll, dtype=float)
    if roll.ndim != 2 or not roll.size or roll.shape[1] != (inputs or roll.shape[1]):
        raise ValueError(
            f"expected a roll of shape (steps, {inputs or 'inputs'}), got {roll.shape}"
        )
    if not np.isin(roll, (0.0, 1.0)).all():
        raise ValueError("a roll holds 0.0 and 1.0 only")
    return roll
