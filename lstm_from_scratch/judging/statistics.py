"""Statistics: what many seeds say, and how surely.

Of seeds one knows a few, drawn at random, and asks about all. Every interval here is one of 95 %:
of a hundred such tables, about ninety-five would give an interval that holds the true value.

Chapter 11 explains them; chapters 3, 7 and 8 use the first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import briefly
from ..arguments import Kind, array, checked, either, real, several, text, whole

Z = 1.959964
"""Standard deviations on either side of the mean that hold 95 % of a normal distribution."""


def _count(value: Any) -> int:
    """A whole number, of whatever type."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return whole(0, _MOST).take(value)


_MOST = 10_000  # trials; the numbers of ways grow with them
_COUNT = Kind(f"a whole number from 0 to {_MOST:,}", _count)


@checked(z=real(above=0), successes=_COUNT, trials=_COUNT)
def interval(successes: int, trials: int, z: float = Z) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson's score interval). Chapters 7 and 11.

    E. B. Wilson, *Probable inference, the law of succession, and statistical inference*, Journal of
    the American Statistical Association 22, 1927: those shares p whose distance from the one that
    was seen is at most z standard deviations, which are those of p.

    Both ends lie between 0 and 1.

    Raises
    ------
    ValueError : unless both are whole numbers, 0 <= successes <= trials, and there was a trial.
    """
    successes, trials = _counts(successes, trials)
    share, factor = successes / trials, z * z / trials
    middle = (share + factor / 2) / (1 + factor)
    half = z * np.sqrt(share * (1 - share) / trials + factor / (4 * trials)) / (1 + factor)
    # Where all or none succeeded an end is 1 or 0, but for rounding.
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))


def _counts(successes: int, trials: int) -> tuple[int, int]:
    """See that what happened in some trials can have happened."""
    if not successes <= trials or trials < 1:
        raise ValueError(f"{successes} successes of {trials} trials: that can't be")
    return successes, trials


@checked(**dict.fromkeys(("successes", "trials", "others", "of"), _COUNT))
def fisher(successes: int, trials: int, others: int, of: int) -> float:
    """How often chance alone would part two groups as far as this: Fisher's exact test, two-sided.

    If both groups succeed equally often, and as many succeed in all as did, every way to divide the
    successes has a known probability (the hypergeometric distribution). Those that are no likelier
    than what was seen are summed (R. A. Fisher, *Statistical Methods for Research Workers*, 1934).

    Parameters
    ----------
    successes, trials : of one group. others, of : successes and trials of the other.

    Returns
    -------
    The p-value, above 0 and at most 1.

    Raises
    ------
    ValueError : for counts that can't be, as `interval`.

    Chapter 11.
    """
    (successes, trials), (others, of) = _counts(successes, trials), _counts(others, of)
    together = successes + others
    ways = {
        here: math.comb(trials, here) * math.comb(of, together - here)
        for here in range(max(0, together - of), min(trials, together) + 1)
    }
    rarer = sum(way for way in ways.values() if way <= ways[successes])
    return rarer / math.comb(trials + of, together)


@checked(one=_COUNT, other=_COUNT)
def sign(one: int, other: int) -> float:
    """How often chance alone would part pairs as far as this: the sign test, two-sided.

    Each pair is decided one way or the other; undecided ones don't count. If chance decides, both
    ways are equally likely (the binomial distribution).

    Parameters
    ----------
    one, other : how many pairs were decided each way.

    Returns
    -------
    The p-value, above 0 and at most 1; 1 without a pair.

    Raises
    ------
    ValueError : for counts that can't be.

    Chapter 11.
    """
    pairs, more = one + other, max(one, other)
    tail = sum(math.comb(pairs, count) for count in range(more, pairs + 1))
    return min(1.0, 2 * tail / 2**pairs)


@checked(p_values=array("tests", some=True, dtype=float))
def holm(p_values: ArrayLike) -> np.ndarray:
    """Raise p-values for there being many of them, so that none is small by luck alone.

    With each compared with 0.05, the chance of even one false alarm among all is at most 5 %,
    however the comparisons depend on one another: of n values in rising order the k-th is
    multiplied by n - k + 1, and none may be smaller than one before it (S. Holm, *A simple
    sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics 6, 1979).

    Parameters
    ----------
    p_values : shape ``(tests,)``, from 0 to 1.

    Returns
    -------
    float64, shape ``(tests,)``, in the order given, at most 1.

    Raises
    ------
    ValueError : for none, or values that are no probabilities.

    Chapter 11.
    """
    p_values = np.asarray(p_values, dtype=float)
    if p_values.ndim != 1 or not p_values.size or not ((p_values >= 0) & (p_values <= 1)).all():
        raise ValueError(f"expected p-values from 0 to 1, shape (tests,), got {p_values}")
    order = np.argsort(p_values, kind="stable")
    raised = p_values[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return adjusted


class Survival(NamedTuple):
    """How the share of runs that have not learned yet goes down as training goes on. Chapter 11.

    All arrays have shape ``(times,)``. times : 0, then each number of steps at which a run learned
    or was given up. share : not learned yet after these steps; it stays the same up to the next.
    low, high : the 95 % interval of each share by itself, NaN where the share is 0 or 1 and the
    formula says nothing. at_risk : runs that had neither learned nor been given up before.
    """

    times: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray
    at_risk: np.ndarray

    def __repr__(self) -> str:
        runs = briefly.counted(int(self.at_risk[0]), "run")
        return f"Survival({runs}, {self.share[-1]:.0%} not learned after {self.times[-1]:,.0f})"


_RUNS = {"steps": array("runs", some=True), "learned": array("runs")}


@checked(**_RUNS)
def survival(steps: ArrayLike, learned: ArrayLike) -> Survival:
    """Estimate what share of runs has not learned after so many steps, if some were given up.

    Parameters
    ----------
    steps : to success or until the run was given up, shape ``(runs,)``.
    learned : 1 or True if it was success, shape ``(runs,)``. Of a run that was given up we know
        only that it takes longer (it is *censored*); one that was given up after as many steps as
        another learned is taken to have been in the race still.

    Raises
    ------
    ValueError : for arrays of other shapes, steps that are not above 0, or ``learned`` that is
        neither 0 nor 1.

    With n_i runs in the race at time t_i, of which d_i learn then, the share after t is the product
    of 1 - d_i / n_i over all t_i <= t (E. L. Kaplan and P. Meier, *Nonparametric estimation from
    incomplete observations*, Journal of the American Statistical Association 53, 1958). The
    variance of its logarithm is the sum of d_i / (n_i (n_i - d_i)) (M. Greenwood, *The natural
    duration of cancer*, 1926); the interval is taken around log(-log share), which keeps it between
    0 and 1 (J. D. Kalbfleisch and R. L. Prentice, *The Statistical Analysis of Failure Time Data*,
    1980).

    Chapter 11.
    """
    steps, learned = _runs(steps, learned)
    times = np.unique(steps)
    at_risk = (steps >= times[:, None]).sum(axis=1)
    events = ((steps == times[:, None]) & learned).sum(axis=1)
    share = np.cumprod((at_risk - events) / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.cumsum(events / (at_risk * (at_risk - events)))
        spread = Z * np.sqrt(variance) / -np.log(share)
        low, high = share ** np.exp(spread), share ** np.exp(-spread)
    inside = (share > 0) & (share < 1)
    return Survival(
        np.concatenate([[0.0], times]),
        np.concatenate([[1.0], share]),
        np.concatenate([[np.nan], np.where(inside, low, np.nan)]),
        np.concatenate([[np.nan], np.where(inside, high, np.nan)]),
        np.concatenate([[len(steps)], at_risk]),
    )


@checked(**_RUNS)
def median_time(steps: ArrayLike, learned: ArrayLike) -> float:
    """After how many steps half of the runs have learned, as `survival` estimates it.

    Where the share stays at one half for a while, the middle of that while, as with the ordinary
    median of an even number of values. NaN if it does not come down to one half: then most runs
    were given up too soon for a median to be known. Parameters and errors are those of `survival`.

    Chapter 11.
    """
    curve = survival(steps, learned)
    # The share is a product of rounded quotients, so one half may be a little more or less.
    half = np.isclose(curve.share, 0.5, rtol=0, atol=1e-9)
    reached = curve.times[half | (curve.share < 0.5)]
    if not len(reached):
        return float("nan")
    below = curve.times[~half & (curve.share < 0.5)]
    if not half.any() or not len(below):
        return float(reached[0])
    return float((reached[0] + below[0]) / 2)


class Group(NamedTuple):
    """What came of some runs that had the same settings. Chapter 11.

    setting : the values they share, by name. n : runs. learned : how many of them did. share : of
    them. low, high : its 95 % interval. median : steps until half have learned, see `median_time`;
    NaN if that can't be known.
    """

    setting: dict[str, str]
    n: int
    learned: int
    share: float
    low: float
    high: float
    median: float


class Summary(tuple[Group, ...]):
    """Groups of runs; its ``repr`` is a table with a line for each. Chapter 11."""

    __slots__ = ()

    def __repr__(self) -> str:
        names = list(self[0].setting) if self else []
        lines = [(*names, "n", "learned", "share", "95 % interval", "median steps")]
        for one in self:
            median = "unknown" if math.isnan(one.median) else f"{one.median:,.0f}"
            between = f"{one.low:.2f} to {one.high:.2f}"
            numbers = str(one.n), str(one.learned), f"{one.share:.2f}", between, median
            lines.append((*one.setting.values(), *numbers))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                text.ljust(width) if place < len(names) else text.rjust(width)
                for place, (text, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )


@checked(by=either(text(), several(text())))
def summary(
    rows: Iterable[Mapping[str, object]], by: str | Sequence[str] = (), steps: str = "steps"
) -> Summary:
    """How often, and how soon, runs have learned: for each setting a line.

    Parameters
    ----------
    rows : of a table, as `tables.read` returns them, with columns ``learned`` and ``steps``; a run
        with 0 in the first was given up after so many steps.
    by : columns that part the runs into groups, in the order in which they come; none: all
        together.
    steps : the column that says when a run learned. Where training goes on after the test this is
        ``"learned_at"``; a run that has not learned counts with its ``steps``.

    Returns
    -------
    A `Group` for each setting. What is printed of it is a table.

    Raises
    ------
    ValueError : for no row, one without a column that is asked for, or with something else there
        than whether and when it learned.

    Chapter 11.
    """
    by = (by,) if isinstance(by, str) else tuple(by)
    groups: dict[tuple[str, ...], list[tuple[float, int]]] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise ValueError(f"rows: expected a mapping by name for each, got {briefly.came(row)}")
        missing = [name for name in dict.fromkeys((*by, "learned", steps)) if name not in row]
        if missing:
            raise ValueError(f"there is no column {missing[0]!r}: there are {', '.join(row)}")
        learned = int(_number(row, "learned", most=1))
        taken = _number(row, steps if learned or "steps" not in row else "steps")
        groups.setdefault(tuple(_text(row[name]) for name in by), []).append((taken, learned))
    if not groups:
        raise ValueError("there is no row to summarise")
    found = []
    for values, runs in groups.items():
        times, successes = zip(*runs, strict=True)
        share = sum(successes) / len(runs), *interval(sum(successes), len(runs))
        setting = dict(zip(by, values, strict=True))
        median = median_time(times, successes)
        found.append(Group(setting, len(runs), sum(successes), *share, median))
    return Summary(found)


def _number(row: Mapping[str, object], name: str, most: float = math.inf) -> float:
    """A value of a row, text or a number, as a number that is whole if it has to be 0 or 1."""
    try:
        found = float(row[name])
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not 0 <= found <= most or math.isinf(found) or (most == 1 and found % 1):
        wanted = "0 or 1" if most == 1 else "a number of at least 0"
        raise ValueError(f"rows: expected {wanted} as {name}, got {briefly.came(row[name])}")
    return found


def _text(value: object) -> str:
    return briefly.came(value) if isinstance(value, int) else str(value)


def _runs(steps: ArrayLike, learned: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Check what `survival` is given; steps as float64 and learned as bool."""
    steps, learned = np.asarray(steps, dtype=float), np.asarray(learned)
    if steps.ndim != 1 or not len(steps) or learned.shape != steps.shape:
        raise ValueError(
            f"expected steps and learned of one shape (runs,), got {steps.shape} and "
            f"{learned.shape}"
        )
    if not ((steps > 0) & np.isfinite(steps)).all():
        raise ValueError("steps must be finite and above 0")
    if not np.isin(learned, (0, 1)).all():
        raise ValueError("learned must be 0 or 1 for each run")
    return steps, learned.astype(bool)


class Mean(NamedTuple):
    """A mean and its 95 % interval. Chapter 11."""

    mean: float
    low: float
    high: float


DRAWS = 10_000
"""Tables that a bootstrap draws: from one Generator to the next the ends of its interval move by a
hundredth of its width or so."""


@checked(values=array("runs", finite=True, dtype=float))
def mean_interval(values: ArrayLike, rng: np.random.Generator | int) -> Mean:
    """The mean of values, and its 95 % interval by the bootstrap (percentiles). Chapter 11.

    From the values as many are drawn as there are, with replacement, and their mean is taken, some
    10,000 times; the interval holds the middle 95 % of these means (B. Efron, *Bootstrap methods:
    another look at the jackknife*, The Annals of Statistics 7, 1979). Nothing is assumed about how
    values are distributed, but of a few values it is a little too narrow: of ten it holds the true
    mean in some 90 of 100 tables.

    Parameters
    ----------
    values : shape ``(runs,)``, two at least. rng : draws; an int is
        a seed.

    Raises
    ------
    ValueError : for fewer than two values, or some that are not finite.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"expected two or more finite values, got {values}")
    means = values[
        np.random.default_rng(rng).integers(len(values), size=(DRAWS, len(values)))
    ].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Mean(float(values.mean()), float(low), float(high))
