"""Beats by a search over a whole performance: the best path through time and tempo.

An oscillator hears what has been; a file is there as a whole. Of all rows of beats, each of some
length and nearly as long as the one before, the one is taken whose beats meet most onsets: dynamic
programming, as Ellis (2007) finds beats in recordings, here with a tempo that may wander.

Chapter 18 (Finding the beat).
"""

from __future__ import annotations

import numpy as np

from ... import limits
from ...arguments import array, checked, either, none, real
from .finding import OCTAVE, RANGE, USUAL, loudness
from .rhythms import ONSETS

FRAME = 0.01
"""Seconds between the moments at which a beat may be."""

_BLUR = 0.025  # seconds around an onset in which it still counts, as a standard deviation
_PAYS = 0.35  # what a beat must earn, so that more of them are not better for that alone
_TURN = 60.0  # what a change of the beat's length costs, times its square in natural logarithms


@checked(
    onsets=ONSETS,
    notes=either(array("onsets", dtype=float), none()),
    usual=real(0.15, 2.0, of="seconds"),
)
def by_path(
    onsets: np.ndarray, notes: np.ndarray | None = None, *, usual: float = USUAL
) -> np.ndarray:
    """The beats that meet most onsets, with a tempo that may wander. Chapter 18.

    Parameters
    ----------
    onsets : seconds, in order, none below 0. notes : struck at each; one unless given. usual :
        seconds of the beat that is expected.

    Raises
    ------
    ValueError : for more than an hour of onsets.
    """
    if len(onsets) < 2:
        return np.array(onsets)
    limits.expect_sound("onsets", float(onsets[-1]))
    heard = _heard(onsets, loudness(onsets, notes))
    lags = np.unique(np.rint(np.geomspace(usual / RANGE, usual * RANGE, 48) / FRAME).astype(int))
    before, ends = _paths(heard, lags, usual)
    now, lag = _last(ends, lags, int(onsets[-1] / FRAME))
    beats = [now]
    while before[now, lag] >= 0:
        now, lag = now - lags[lag], before[now, lag]
        beats.append(now)
    return np.array(beats[::-1]) * FRAME


def _heard(onsets: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """How much begins at each frame, onsets blurred; 1 where as loud as the mean."""
    heard = np.zeros(int(onsets[-1] / FRAME) + int(2 * RANGE / FRAME))
    around = np.arange(-8, 9)
    for onset, weight in zip(onsets, loud / loud.mean(), strict=True):
        frames = round(float(onset) / FRAME) + around
        inside = frames[(frames >= 0) & (frames < len(heard))]
        blurred = weight * np.exp(-0.5 * ((inside * FRAME - onset) / _BLUR) ** 2)
        heard[inside] = np.maximum(heard[inside], blurred)
    return heard


def _paths(heard: np.ndarray, lags: np.ndarray, usual: float) -> tuple[np.ndarray, np.ndarray]:
    """For each frame and length of the last beat: the length before, and what the path has earned.

    Shapes ``(frames, lengths)``; -1 where a path begins.
    """
    lengths = np.log2(lags * FRAME / usual)
    liked = np.exp(-0.5 * (lengths / OCTAVE) ** 2)
    cost = _TURN * (np.log(2) * (lengths[:, None] - lengths)) ** 2
    earned = np.zeros((len(heard), len(lags)))
    before = np.full((len(heard), len(lags)), -1, dtype=np.int16)
    row = np.arange(len(lags))
    for now, sound in enumerate(heard):
        earned[now] = sound * liked - _PAYS
        reach = row[lags <= now]
        if len(reach):
            paths = earned[now - lags[reach]] - cost[reach]
            best = paths.argmax(axis=1)
            gain = paths[np.arange(len(reach)), best]
            on = gain > 0
            earned[now, reach[on]] += gain[on]
            before[now, reach[on]] = best[on]
    return before, earned


def _last(earned: np.ndarray, lags: np.ndarray, end: int) -> tuple[int, int]:
    """The frame and the length of the last beat: the best, at most half a beat from the end."""
    best = (-np.inf, 0, 0)
    for lag, frames in enumerate(lags):
        first = max(0, end - frames // 2)
        stretch = earned[first : end + frames // 2 + 1, lag]
        at = int(stretch.argmax())
        best = max(best, (float(stretch[at]), first + at, lag))
    return best[1], best[2]
