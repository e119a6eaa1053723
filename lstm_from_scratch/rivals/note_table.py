"""A transition table of notes: the next note depends on the last few, however long they were.

`transition_table` looks at steps, as the network of memory blocks does. Mozer compared his network
of notes with tables of notes, and so does chapter 15.

Chapter 15 (Older composers).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ..arguments import array, checked, whole
from ..music.encoding import CHORDS_AND_MELODY
from ..playing.composing import checked_seed
from .events import LONGEST, Event, chords_in, events, parts, roll_of

_CHORDS = array("chords", 12, some=True, dtype=float)


@checked(chords=_CHORDS, order=whole(1))
@dataclass(frozen=True, eq=False)
class NoteTable:
    """How often each note followed each run of notes: a `composing.Composer`.

    Attributes
    ----------
    chords : those that events number, shape ``(chords, 12)``.
    order : how many events of the past the next one depends on.
    counts : how often each event came after each run of ``order`` events or fewer.

    Chapter 15.
    """

    chords: np.ndarray
    order: int
    counts: dict[tuple[Event, ...], Counter[Event]]
    _rows: dict[tuple, np.ndarray] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        runs = sum(len(run) == self.order for run in self.counts)
        return f"NoteTable(order {self.order}, {runs:,} runs)"

    def following(self, past: tuple[Event, ...], now: Event | None = None) -> Counter[Event]:
        """How often each event came after the longest end of a past that was heard.

        If an event has begun, ``now``, only those that may be it: of its pitch and chord, and at
        least as long. Empty if there never was one.
        """
        for start in range(max(len(past) - self.order, 0), len(past) + 1):
            found = self.counts.get(tuple(past[start:]), Counter())
            if now is not None:
                found = Counter({it: n for it, n in found.items() if _may_be(it, now)})
            if found:
                return found
        return Counter()

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """See `composing.Composer`. Chapter 15."""
        pitch, chord = parts(roll, self.chords)
        rows, past, begun = np.zeros((len(pitch), CHORDS_AND_MELODY.units)), (), 0
        for step in range(len(pitch)):
            if step and (pitch[step], chord[step]) != (pitch[step - 1], chord[step - 1]):
                ended = Event(int(pitch[begun]), step - begun, int(chord[begun]))
                past, begun = (*past, ended)[-self.order :], step
            now = Event(int(pitch[step]), step - begun + 1, int(chord[step]))
            if (past, now) not in self._rows:
                self._rows[past, now] = self._next(past, now)
            rows[step] = self._rows[past, now]
        return rows

    def _next(self, past: tuple[Event, ...], now: Event) -> np.ndarray:
        """How likely each unit is to be on after an event that has lasted so long."""
        lasting = self.following(past, now)
        ends = lasting[now] / lasting.total() if lasting else 1.0
        row = (1 - ends) * roll_of([now._replace(duration=1)], self.chords)[0]
        if ends:
            after = self.following((*past, now))
            kinds = roll_of([it._replace(duration=1) for it in after], self.chords)
            row += ends * np.array(list(after.values())) @ kinds / after.total()
        return row

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """See `composing.Composer`: notes, durations and chords are drawn together. Chapter 15."""
        seed, rng = checked_seed(seed, steps), np.random.default_rng(rng)
        *played, begun = events(seed, self.chords)
        lasting = self.following(tuple(played), begun)
        played.append(_draw(lasting, rng) if lasting else begun)
        length = len(seed) - begun.duration + played[-1].duration
        while length < steps:
            played.append(_draw(self.following(tuple(played[-self.order :])), rng))
            length += played[-1].duration
        roll = roll_of(played, self.chords)[:steps]
        roll[: len(seed)] = seed
        return roll


def _may_be(event: Event, begun: Event) -> bool:
    same = (event.pitch, event.chord) == (begun.pitch, begun.chord)
    return same and event.duration >= begun.duration


def _draw(times: Counter[Event], rng: np.random.Generator) -> Event:
    """One of some events, as likely as it was frequent."""
    known = sorted(times)
    heap = np.cumsum([times[it] for it in known])
    return known[int(np.searchsorted(heap, rng.random() * heap[-1], side="right"))]


@checked(rolls=array("choruses", "steps", CHORDS_AND_MELODY.units, some=True), order=whole(1))
def fit(rolls: np.ndarray, order: int = 3) -> NoteTable:
    """Count what followed what in choruses; each is a round, its end leads to its beginning.

    Parameters
    ----------
    rolls : the choruses, zeros and ones. order : how many events of the past to look at.

    Raises
    ------
    ValueError : for an order of a chorus and more, or what `events` refuses.

    Chapter 15.
    """
    chords = chords_in(rolls)
    counts: dict[tuple[Event, ...], Counter[Event]] = {}
    for roll in rolls:
        heard = [it._replace(duration=min(it.duration, LONGEST)) for it in events(roll, chords)]
        if order >= len(heard):
            raise ValueError(f"order: expected less than a chorus of {len(heard)}, got {order}")
        around = heard[-order:] + heard
        for place in range(order, len(around)):
            for length in range(order + 1):
                run = tuple(around[place - length : place])
                counts.setdefault(run, Counter())[around[place]] += 1
    return NoteTable(chords, order, counts)
