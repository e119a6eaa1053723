"""Beats of a performance: by oscillators, and by two simple means that know one tempo only.

Each takes onsets in seconds, and how many notes are struck at each, and returns the times of beats.
All but `by_oscillator`, which is told it, look for the beat's length themselves, with the same
preference for a usual one (`preferred`): a rhythm alone does not say whether its beats are the
quarters or the halves.

Chapter 18 (Finding the beat).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...arguments import array, checked, either, none, real, several, whole
from . import oscillator
from .rhythms import ONSETS

USUAL = 0.6
"""Seconds of a beat that is expected where nothing else is known: 100 a minute."""

OCTAVE = 0.5
"""How far beats are expected from the usual one, as a standard deviation in factors of two."""

RANGE = 1.8
"""The longest beat that is looked for, in usual ones, and one over the shortest."""

MANY = 20
"""Oscillators that listen to one rhythm, as in Eck (2002)."""

_NOTES = either(array("onsets", dtype=float), none())
_BEAT = real(0.15, 2.0, of="seconds")


@checked(seconds=_BEAT, usual=_BEAT)
def preferred(seconds: float, usual: float = USUAL) -> float:
    """How much a beat of a length is preferred, 1 for the usual one. Chapter 18."""
    return float(np.exp(-0.5 * (np.log2(seconds / usual) / OCTAVE) ** 2))


@checked(onsets=ONSETS, notes=_NOTES)
def loudness(onsets: np.ndarray, notes: np.ndarray | None) -> np.ndarray:
    """How much each onset counts: a chord of four notes twice as much as a note. Chapter 18.

    Raises
    ------
    ValueError : for other numbers of notes than of onsets, or one that is not above 0.
    """
    if notes is None:
        return np.ones(len(onsets))
    if np.shape(notes) != np.shape(onsets):
        raise ValueError(
            f"notes: expected a number for each of {len(onsets)} onsets, got shape "
            f"{np.shape(notes)}"
        )
    if len(notes) and not np.min(notes) > 0:
        raise ValueError(f"notes: expected numbers above 0, got {np.min(notes):g} among them")
    return np.sqrt(np.asarray(notes, dtype=float))


@checked(beats=array("beats", dtype=float), onsets=ONSETS, notes=_NOTES)
def fits(beats: np.ndarray, onsets: np.ndarray, notes: np.ndarray | None = None) -> float:
    """How well beats go with onsets, from 0 to 1, knowing nothing else. Chapter 18.

    The harmonic mean of two shares: of the onsets, by loudness, that are on a beat, and of the
    beats that have an onset. On a beat is what is nearer to one than a tenth of the way to the
    next.
    """
    if len(beats) < 2 or not len(onsets):
        return 0.0
    loud = loudness(onsets, notes)
    places = np.interp(onsets, beats, np.arange(len(beats)), left=np.nan, right=np.nan)
    near = np.rint(places)
    on = np.abs(places - near) < 0.1  # an onset outside is on none
    taken = len(np.unique(near[on])) / len(beats)
    share = loud[on].sum() / loud.sum()
    return 2 * share * taken / (share + taken) if share + taken else 0.0


# ---- Oscillators ---------------------------------------------------------------------------------


@checked(rhythms=several(ONSETS), beat=_BEAT, many=whole(1, 1000))
def oscillators(
    rhythms: Sequence[np.ndarray], beat: float, rng: np.random.Generator | int, many: int = MANY
) -> list[list[np.ndarray]]:
    """When oscillators fire that are told the length of the beat, for each of some rhythms.

    They differ in where they begin and in how strong their pulses are. Eck (2002); chapter 18.

    Parameters
    ----------
    rhythms : the onsets of each, see `by_oscillator`. many : oscillators for each.
    """
    rng = np.random.default_rng(rng)
    count = len(rhythms) * many
    heard = [(onsets, np.ones(len(onsets))) for onsets in rhythms for _ in range(many)]
    strengths = rng.uniform(*oscillator.STRENGTHS, count)
    periods = np.full(count, max(0.25, beat * oscillator.SLOWER))
    found = oscillator.firings(heard, periods, strengths, rng)
    return [found[first : first + many] for first in range(0, count, many)]


@checked(onsets=ONSETS, beat=_BEAT)
def by_oscillator(
    onsets: np.ndarray, beat: float, rng: np.random.Generator | int = 0
) -> np.ndarray:
    """Beats by `MANY` oscillators that are told how long a beat is: the one that fits best.

    Parameters
    ----------
    onsets : seconds, in order, none below 0. beat : its length in seconds. rng : where the
        oscillators begin, and how strong their pulses are; an int is a seed.

    Chapter 18.
    """
    (found,) = oscillators([onsets], beat, rng)
    return best(found, onsets)


@checked(found=several(ONSETS, some=True), onsets=ONSETS)
def best(found: Sequence[np.ndarray], onsets: np.ndarray) -> np.ndarray:
    """Of several rows of beats the one that fits onsets best, see `fits`. Chapter 18."""
    return max(found, key=lambda beats: fits(beats, onsets))


PERIODS = 24
"""Natural periods in a bank, from the shortest to the longest beat that is looked for."""

PUSHES = (0.14, 0.18, 0.22)
"""Strengths of pulses in a bank, each with each period."""


@checked(onsets=ONSETS, notes=_NOTES, usual=_BEAT)
def by_bank(
    onsets: np.ndarray,
    notes: np.ndarray | None = None,
    *,
    usual: float = USUAL,
    rng: np.random.Generator | int = 0,
) -> np.ndarray:
    """Beats by a bank of oscillators of many periods: the one that fits best, if it is usual.

    The oscillators do not hear one another. (Eck's network of 2001, which we could not read,
    couples them.)

    Parameters
    ----------
    onsets, rng : see `by_oscillator`. notes : struck at each onset; one unless given. usual :
        seconds of the beat that is expected.

    Chapter 18.
    """
    return banks([onsets], None if notes is None else [notes], usual=[usual], rng=rng)[0]


@checked(rhythms=several(ONSETS), usual=several(_BEAT))
def banks(
    rhythms: Sequence[np.ndarray],
    notes: Sequence[np.ndarray] | None = None,
    *,
    usual: Sequence[float],
    rng: np.random.Generator | int = 0,
) -> list[np.ndarray]:
    """As `by_bank`, for several rhythms at once, each with its usual beat. Chapter 18.

    Raises
    ------
    ValueError : for other numbers of notes or of usual beats than of rhythms.
    """
    struck = [None] * len(rhythms) if notes is None else notes
    if not len(rhythms) == len(struck) == len(usual):
        raise ValueError(
            f"rhythms, notes, usual: expected as many of each, got {len(rhythms)}, {len(struck)} "
            f"and {len(usual)}"
        )
    loud = [loudness(onsets, them) for onsets, them in zip(rhythms, struck, strict=True)]
    many = PERIODS * len(PUSHES)
    lengths = [np.geomspace(it / RANGE, it * RANGE, PERIODS) for it in usual]
    periods = [np.repeat(it * oscillator.SLOWER, len(PUSHES)) for it in lengths]
    found = oscillator.firings(
        [(onsets, it) for onsets, it in zip(rhythms, loud, strict=True) for _ in range(many)],
        np.clip(np.concatenate([*periods, np.zeros(0)]), 0.25, 2.5),
        np.tile(PUSHES, PERIODS * len(rhythms)),
        rng,
    )
    return [
        max(found[at * many : (at + 1) * many], key=_worth(onsets, struck[at], usual[at]))
        for at, onsets in enumerate(rhythms)
    ]


def _worth(
    onsets: np.ndarray, notes: np.ndarray | None, usual: float
) -> Callable[[np.ndarray], float]:
    """How good beats are for onsets: how well they fit, times how usual their length is."""

    def worth(beats: np.ndarray) -> float:
        if len(beats) < 2:
            return 0.0
        length = float(np.clip(np.median(np.diff(beats)), 0.15, 2.0))
        return fits(beats, onsets, notes) * preferred(length, usual)

    return worth


# ---- One tempo for all ---------------------------------------------------------------------------

_TRIED = 200  # lengths of a beat that are tried
_PLACES = 64  # first beats that are tried


@checked(onsets=ONSETS, notes=_NOTES, usual=_BEAT)
def by_histogram(
    onsets: np.ndarray, notes: np.ndarray | None = None, *, usual: float = USUAL
) -> np.ndarray:
    """Beats as long as the commonest interval between one onset and the next. Chapter 18.

    Parameters: `by_bank`.
    """
    return _regular(onsets, notes, np.diff(onsets), usual)


@checked(onsets=ONSETS, notes=_NOTES, usual=_BEAT)
def by_autocorrelation(
    onsets: np.ndarray, notes: np.ndarray | None = None, *, usual: float = USUAL
) -> np.ndarray:
    """Beats as long as the shift at which onsets best meet themselves: all intervals count.

    Parameters: `by_bank`. Chapter 18.
    """
    longest = usual * RANGE * 1.2
    apart = [onsets[later:] - onsets[:-later] for later in range(1, min(40, len(onsets)))]
    intervals = np.concatenate([*apart, np.zeros(0)])
    return _regular(onsets, notes, intervals[intervals < longest], usual)


def _regular(
    onsets: np.ndarray, notes: np.ndarray | None, intervals: np.ndarray, usual: float
) -> np.ndarray:
    """A clock of the commonest interval, its first tick where most onsets are on it."""
    loud = loudness(onsets, notes)
    if len(onsets) < 2:
        return np.array(onsets)
    lengths = np.geomspace(usual / RANGE, usual * RANGE, _TRIED)
    off = (intervals[:, None] - lengths) / (0.04 * lengths)
    liked = [preferred(float(np.clip(it, 0.15, 2.0)), usual) for it in lengths]
    beat = lengths[np.argmax(np.exp(-0.5 * off**2).sum(axis=0) * liked)]
    beats = beat * np.linspace(0.99, 1.01, 41)[:, None, None]  # a clock runs for long: exactly
    firsts = onsets[0] + beats * np.arange(_PLACES)[:, None] / _PLACES
    places = (onsets - firsts) / beats
    on = np.exp(-0.5 * ((places - np.rint(places)) / 0.08) ** 2) @ loud
    which, place = np.unravel_index(int(on.argmax()), on.shape)
    beat, first = float(beats[which, 0, 0]), float(firsts[which, place, 0])
    return np.arange(first, onsets[-1] + beat, beat)


# ---- Found or not --------------------------------------------------------------------------------

NEAR = 0.1
"""How far a beat may be from a true one, in beats, and count as it."""


@checked(beats=array("beats", dtype=float), truth=array("true beats", dtype=float))
def agree(beats: np.ndarray, truth: np.ndarray) -> float:
    """The share of true beats that were found, or of found ones that are true: the smaller one.

    Parameters
    ----------
    beats : as found. truth : two at least; what was found before the first or after the last is
        not asked, even if it is near to it.

    Chapter 18.
    """
    if len(truth) < 2:
        raise ValueError(f"truth: expected two beats at least, got {len(truth)}")
    places = np.interp(beats, truth, np.arange(len(truth)), left=np.nan, right=np.nan)
    places = places[np.isfinite(places)]
    if not len(places):
        return 0.0
    right = np.abs(places - np.rint(places)) <= NEAR
    there = len(np.unique(np.rint(places[right])))
    return float(min(there / len(truth), there / len(places)))
