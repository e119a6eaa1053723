"""Rehearsal: one chorus, over and over, until the free run holds or the steps are used up; or
many choruses as one stream.

How a network learns, and what kind of network it is, is the caller's; here is what all such
trainings share: when they are tested, when they stop, and what is told of them.

Chapter 3 (Why networks forget) rehearses, chapter 10 (Is it any good?) learns from streams, and
chapter 11 (How sure are we?) compares what comes of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from .. import arguments, briefly, limits
from ..arguments import array, instance, real, whole
from ..arrays import regular
from ..machine.training import ANSWER, Diverged

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


def _streamed(value: Any) -> Any:
    if not (hasattr(value, "max_steps") and hasattr(value, "test_every")):
        raise arguments.Unfit
    return value


_STREAMED = arguments.Kind("a method with max_steps and test_every", _streamed)


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

    __repr__ = briefly.shapes


@arguments.checked(steps=whole(0), seconds=real(0))
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

    def __repr__(self) -> str:
        after = briefly.counted(self.steps, "step")
        return f"Result({'' if self.learned else 'not '}learned after {after}, {self.network!r})"

    def __getattr__(self, name: str) -> Any:  # asked for what there is not
        raise AttributeError(
            f"a Result has no {name!r}: where a network is wanted, use result.network"
        )


@arguments.checked(method=instance(Budget), roll=array("steps", "inputs", some=True))
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
    _expect_whole_choruses(method, len(roll))
    rows, done, learned, started = [], 0, False, time.perf_counter()
    now = network()
    while not learned and done < method.max_steps:
        steps = min(method.test_every, method.max_steps - done)
        lesson = learn(steps)
        done += steps
        _expect_finite(weights, done, now)
        now = network()
        if look is not None:
            look(now)
        choruses = arguments.check("test, what it returns", test(now), ANSWER)
        learned = choruses >= method.choruses
        rows.append(
            (done, lesson.cross_entropy / steps, lesson.gross_errors, lesson.resets, choruses)
        )
    seconds = time.perf_counter() - started
    curve = Curve(*(np.array(column) for column in zip(*rows, strict=True)))
    return Result(now, method, learned, done, seconds, curve)


@arguments.checked(method=_STREAMED, rolls=array("choruses", "steps", "inputs", some=True))
def stream(
    method: M,
    rolls: np.ndarray,
    weights: np.ndarray,
    network: Callable[[], N],
    learn: Callable[[np.ndarray, float], float],
    rng: np.random.Generator | int,
) -> tuple[N, np.ndarray]:
    """Train on choruses in random order, each leading to the next, until the steps are used up.

    In the second half the learning rate falls to 0 in a straight line, in steps of ``test_every``:
    with a rate that stays, networks now and then lose in a moment much of what they have learned,
    and it would be luck whether training ends in one of these moments.

    Parameters
    ----------
    method : how; here only ``max_steps`` and ``test_every`` count.
    rolls : the choruses, shape ``(choruses, steps, inputs)``.
    weights, network : as for `rehearse`.
    learn : trains on choruses of these numbers, int, shape ``(choruses + 1,)``: the last is only
        where the one before it leads. The second argument is the share of the learning rate.
        Returns nats in all.
    rng : draws the order; an int is a seed.

    Returns
    -------
    The network, and the cross-entropy of each ``test_every`` steps in nats a step.

    Raises
    ------
    ValueError, Diverged : as `rehearse`.

    Section 4.2; chapter 10.
    """
    _expect_whole_choruses(method, rolls.shape[1])
    rng = np.random.default_rng(rng)
    now, errors, following = network(), [], rng.integers(len(rolls))
    for done in range(0, method.max_steps, method.test_every):
        steps = min(method.test_every, method.max_steps - done)
        drawn = rng.integers(len(rolls), size=steps // rolls.shape[1])
        error = learn(np.append(following, drawn), min(1.0, 2.0 * (1.0 - done / method.max_steps)))
        following = drawn[-1]
        _expect_finite(weights, done + steps, now)
        now = network()
        errors.append(error / steps)
    return now, np.array(errors)


def _expect_whole_choruses(method: Budget, length: int) -> None:
    if method.test_every % length or method.max_steps % length:
        raise ValueError(
            f"test_every {method.test_every} and max_steps {method.max_steps} should be whole "
            f"choruses of {length} steps"
        )


def _expect_finite(weights: np.ndarray, step: int, before: object) -> None:
    """Refuse weights that are not finite after a step; ``before`` is the last network that was."""
    if not np.isfinite(weights).all():
        raise Diverged(
            f"training diverged: after step {step} the weights are not finite; a smaller "
            "learning rate or a limit to the gradient's norm helps",
            step,
            before,
        )


@arguments.checked
def checked_choruses(rolls: np.ndarray) -> np.ndarray:
    """Choruses as float64, shape ``(choruses, steps, inputs)``.

    Raises
    ------
    ValueError : for another shape, or numbers other than 0 and 1.

    Chapter 10.
    """
    rolls = regular(rolls, "choruses of shape (choruses, steps, inputs)")
    if rolls.ndim != 3 or not rolls.size:
        raise ValueError(f"expected choruses of shape (choruses, steps, inputs), got {rolls.shape}")
    return checked(rolls.reshape(-1, rolls.shape[2])).reshape(rolls.shape)


@arguments.checked(inputs=arguments.either(whole(1, limits.UNITS), arguments.none()))
def checked(roll: np.ndarray, inputs: int | None = None) -> np.ndarray:
    """A chorus as float64, shape ``(steps, inputs)``, if it is one of ``inputs`` units.

    Raises
    ------
    ValueError : for another shape, or numbers other than 0 and 1.

    Chapter 3.
    """
    expected = f"a roll of shape (steps, {inputs or 'inputs'})"
    roll = np.ascontiguousarray(regular(roll, expected))
    if roll.ndim != 2 or not roll.size or roll.shape[1] != (inputs or roll.shape[1]):
        raise ValueError(f"expected {expected}, got {roll.shape}")
    if not np.isin(roll, (0.0, 1.0)).all():
        strange = roll[~np.isin(roll, (0.0, 1.0))][0]
        raise ValueError(f"a roll holds 0.0 and 1.0 only, got {strange:g}")
    return roll
