"""A relaxation oscillator that onsets push: FitzHugh and Nagumo's, as Eck (2002) used it.

Two numbers make it. The voltage v is fast: it sits on one of two branches, low or high, and jumps
between them. The recovery w is slow: it rises while v is high and falls while it is low::

    dv/dt = -v (v - theta) (v - 1) - w + pulse
    dw/dt = epsilon (v - gamma w)

A jump up is a firing. Left alone the oscillator fires at its own period. An onset is a pulse that
lasts one time step; shortly before the oscillator would fire anyhow a small pulse makes it fire at
once, earlier it changes nothing. So it waits for notes where it expects a beat.

The equations and the strengths of the pulses are Eck's, as a public summary of his paper gives
them; of the paper itself we could read the beginning alone. The values of theta, gamma and epsilon,
the natural period and the strengths used here are a reconstruction.

Chapter 18 (Finding the beat).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arguments import Kind, Unfit, anything, array, checked, real, several, whole
from .rhythms import ONSETS

THETA, GAMMA = -0.05, 0.5
"""Theta below 0, so that it oscillates by itself; how w pulls itself back."""

STEP = 0.0016
"""Seconds of a time step: 125 to a unit of 0.2 s, as in Eck (2002)."""

SLOWER = 1.08
"""How much longer the oscillator's own period is than the beat that it is to find."""

STRENGTHS = (0.16, 0.20)
"""From where to where the strengths of pulses are drawn, an oscillator one."""

_EPSILONS = np.geomspace(0.0004, 0.008, 24)  # natural periods from 0.25 to 3.6 seconds
_UP, _DOWN = 0.5, 0.1  # it has fired when v rises above the one, and can again below the other
_MOST = 3_600  # seconds that are run at once


class Run(NamedTuple):
    """What oscillators did. v, w : of each at each time step. fired : at which they fired.

    Shapes ``(steps, oscillators)``.
    """

    v: np.ndarray
    w: np.ndarray
    fired: np.ndarray


@checked(
    pulses=array("steps", "oscillators", dtype=float),
    epsilon=array("oscillators", dtype=float),
    v=array("oscillators", dtype=float),
    w=array("oscillators", dtype=float),
)
def run(pulses: np.ndarray, epsilon: np.ndarray, v: np.ndarray, w: np.ndarray) -> Run:
    """Let oscillators run, a time step a row of pulses, and keep all they do. Chapter 18.

    Parameters
    ----------
    pulses : to be added to v, mostly 0. epsilon : how fast each recovers. v, w : where they begin.
    """
    vs, ws = np.zeros((2, *pulses.shape))
    fired, armed = np.zeros(pulses.shape, dtype=bool), v < _UP
    for now, pulse in enumerate(pulses):
        v, w, fired[now], armed = _step(v + pulse, w, epsilon, armed)
        vs[now], ws[now] = v, w
    return Run(vs, ws, fired)


def _step(
    v: np.ndarray, w: np.ndarray, epsilon: np.ndarray, armed: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One step of Euler's method: v, w, who fired, and who can fire next."""
    faster = v - v * (v - THETA) * (v - 1.0) - w
    slower = w + epsilon * (v - GAMMA * w)
    fired = armed & (faster > _UP)
    return faster, slower, fired, (armed | (faster < _DOWN)) & ~fired


@functools.cache
def _periods() -> np.ndarray:
    """The natural period of each of `_EPSILONS`, in seconds."""
    many = len(_EPSILONS)
    longest = int(6 / STEP)
    still = run(np.zeros((longest, many)), _EPSILONS, np.full(many, 0.3), np.zeros(many))
    return np.array([np.diff(np.flatnonzero(it))[-1] * STEP for it in still.fired.T])


@checked(seconds=real(0.25, 2.5, of="seconds"))
def epsilon_for(seconds: float) -> float:
    """The epsilon of an oscillator with a natural period of so many seconds. Chapter 18."""
    periods = np.log(_periods()[::-1])
    return float(np.exp(np.interp(np.log(seconds), periods, np.log(_EPSILONS[::-1]))))


def _heard(value: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """What each oscillator hears: pairs of onsets and how loud they are."""
    found = several(anything()).take(value)
    if not all(isinstance(one, tuple) and len(one) == 2 for one in found):
        raise Unfit
    numbers = array("onsets", dtype=float)
    pairs = [(ONSETS.take(onsets), numbers.take(loud)) for onsets, loud in found]
    if any(len(onsets) != len(loud) for onsets, loud in pairs):
        raise Unfit
    return pairs


@checked(
    heard=Kind(
        "a pair for each oscillator: onsets in seconds, in order, and how loud each is", _heard
    ),
    periods=array("oscillators", dtype=float),
    strengths=array("oscillators", dtype=float),
)
def firings(
    heard: Sequence[tuple[np.ndarray, np.ndarray]],
    periods: np.ndarray,
    strengths: np.ndarray,
    rng: np.random.Generator | int,
) -> list[np.ndarray]:
    """When each of some oscillators fires as it hears onsets, in seconds. Chapter 18.

    A pulse takes up to a twentieth of a second to lift v: a firing is counted to the onset that
    caused it, the last one before it within `LIFT` seconds.

    Parameters
    ----------
    heard : of each oscillator the onsets, in order and none below 0, and what the strength of its
        pulses is multiplied by at each.
    periods : natural periods in seconds, 0.25 to 2.5. strengths : of a pulse of loudness 1.
    rng : where the oscillators begin; an int is a seed.

    Raises
    ------
    ValueError : for more than an hour of onsets, a period out of range, or other
        numbers of periods or strengths than of what is heard.
    """
    if len(heard) != len(periods):
        raise ValueError(
            f"heard: expected a pair for each of {len(periods)} periods, got {len(heard)}"
        )
    if not ((periods >= 0.25) & (periods <= 2.5)).all():
        raise ValueError(f"periods: expected 0.25 to 2.5 seconds each, got {periods}")
    pushes, steps = _pushes(heard, strengths)
    epsilon = np.array([epsilon_for(float(it)) for it in periods])
    rng = np.random.default_rng(rng)
    v, w = rng.uniform(-0.3, 1.0, len(periods)), rng.uniform(0.0, 0.15, len(periods))
    armed, found = v < _UP, [[] for _ in periods]
    for now in range(steps):
        if now in pushes:
            v = v + pushes[now]
        v, w, fired, armed = _step(v, w, epsilon, armed)
        if fired.any():
            for number in np.flatnonzero(fired):
                found[number].append(now * STEP)
    return [
        _caused(np.array(times), onsets) for times, (onsets, _) in zip(found, heard, strict=True)
    ]


def _pushes(
    heard: Sequence[tuple[np.ndarray, np.ndarray]], strengths: np.ndarray
) -> tuple[dict[int, np.ndarray], int]:
    """At which time steps pulses come, with what strength for each oscillator; and all steps."""
    pushes: dict[int, np.ndarray] = {}
    steps = 1
    for number, (onsets, loud) in enumerate(heard):
        if len(onsets) and onsets[-1] > _MOST:
            raise ValueError(
                f"heard: expected at most {_MOST:,} s of onsets, got {onsets[-1]:,.0f}"
            )
        for step, weight in zip((onsets / STEP).astype(int), loud, strict=True):
            push = pushes.setdefault(int(step), np.zeros(len(heard)))
            push[number] += strengths[number] * weight
        steps = max(steps, int(onsets[-1] / STEP) + 2 if len(onsets) else 1)
    return pushes, steps


LIFT = 0.08
"""Seconds within which a pulse makes an oscillator fire, if it does."""


def _caused(times: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Firings, each moved to the onset that caused it."""
    if not len(times) or not len(onsets):
        return times
    before = np.clip(np.searchsorted(onsets, times + STEP, side="right") - 1, 0, None)
    late = times - onsets[before]
    return np.where((late >= -STEP) & (late <= LIFT), onsets[before], times)


@checked(phases=whole(2, 1000), seconds=real(0.25, 2.5, of="seconds"))
def thresholds(phases: int = 40, seconds: float = 0.864) -> tuple[np.ndarray, np.ndarray]:
    """How strong a pulse must be to make the oscillator fire at once, over one cycle. Chapter 18.

    Parameters
    ----------
    phases : how many moments of the cycle are tried. seconds : its natural period.

    Returns
    -------
    Two arrays of shape ``(phases,)``: the phases, from 0, where it fires by itself, up to 1; and
    the least of 60 strengths up to 0.6 that makes it fire within `LIFT`, infinite where none does.
    """
    tried, epsilon = np.arange(1, 61) / 100, epsilon_for(seconds)
    one = np.array([epsilon])
    cycle = run(np.zeros((int(4 * seconds / STEP), 1)), one, np.array([0.3]), np.array([0.0]))
    start, stop = np.flatnonzero(cycle.fired[:, 0])[-2:]
    at = np.linspace(start, stop, phases, endpoint=False).astype(int)
    shape = phases, len(tried)
    v = np.broadcast_to(cycle.v[at], shape).ravel() + np.broadcast_to(tried, shape).ravel()
    w = np.broadcast_to(cycle.w[at], shape).ravel()
    armed = np.broadcast_to(cycle.v[at] < _DOWN, shape).ravel()
    fired = np.zeros(v.shape, dtype=bool)
    for _ in range(int(LIFT / STEP)):
        v, w, now, armed = _step(v, w, np.full(v.shape, epsilon), armed)
        fired |= now
    fired = fired.reshape(shape)
    least = np.where(fired.any(axis=1), tried[fired.argmax(axis=1)], np.inf)
    return (at - start) / (stop - start), least
