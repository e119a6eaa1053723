"""What stands in a file, before anything is put on a grid: the same for MIDI and MusicXML.

Times are ticks, of which a quarter note has `Source.division`. Nothing is rounded here. What a
reader repaired or left out stands in `Source.remarks`, a sentence each.

Chapter 1 (Twelve bars) says what a MIDI file is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from ... import briefly
from ...arguments import checked, instance, several, whole

WHOLE = 4
"""Quarter notes in a whole note."""


class Played(NamedTuple):
    """A note as it stands in a file: MIDI note number, first tick, tick after its last."""

    pitch: int
    start: int
    end: int


class Heard(NamedTuple):
    """The notes of one part, in order: of one channel of a track, or of one voice of a staff.

    name : what the file calls it. program : General MIDI, from 0. notes : in order of start and
    pitch.
    """

    name: str
    program: int
    notes: tuple[Played, ...]


class Metre(NamedTuple):
    """A time signature: from which tick (in a `Tune`: step) on, how many beats of which kind.

    unit : 4 is a quarter note, 8 an eighth.
    """

    at: int
    beats: int
    unit: int

    def __str__(self) -> str:
        return f"{self.beats}/{self.unit}"


class Tempo(NamedTuple):
    """From which tick (in a `Tune`: step) on how many quarter notes a minute are played."""

    at: int
    quarters: float


class Source(NamedTuple):
    """What a reader found in a file.

    kind : ``"MIDI type 1"`` and the like. title : empty where there is none. division : ticks to a
    quarter note. parts : those with pitches. drums : how many notes were left out as drums. tempi,
    metres : as they follow one another, the first at tick 0. symbols : chord symbols as written,
    with their ticks; ``"N.C."`` ends one. key : sharps, flats negative; None where not said.
    pickup : ticks before the first bar line. end : the tick at which the file ends. remarks : what
    was repaired, dropped or not understood.
    """

    kind: str
    title: str
    division: int
    parts: tuple[Heard, ...]
    drums: int
    tempi: tuple[Tempo, ...]
    metres: tuple[Metre, ...]
    symbols: tuple[tuple[int, str], ...]
    key: int | None
    pickup: int
    end: int
    remarks: tuple[str, ...]

    __repr__ = briefly.shapes


_TICK = whole(0)


@checked(
    pickup=_TICK,
    ticks_to_a_whole_note=whole(1, 10**9),
    tick=whole(0, 10**12),
    metres=several(instance(Metre), some=True),
)
def bar_at(metres: tuple[Metre, ...], pickup: int, ticks_to_a_whole_note: int, tick: int) -> int:
    """The number of the bar in which a tick stands, from 1; a pickup is bar 0. Chapter 1."""
    at, bar, now = pickup, 0, 0
    while at <= tick:
        while now + 1 < len(metres) and metres[now + 1].at <= at:
            now += 1
        length = max(1, ticks_to_a_whole_note * metres[now].beats // metres[now].unit)
        ends = min(metres[now + 1].at, tick + 1) if now + 1 < len(metres) else tick + 1
        bars = max(1, -(-(ends - at) // length))
        at, bar = at + bars * length, bar + bars
    return bar


@checked
class Remarks:
    """Sentences about a file; of a kind that comes often, the first place and a count. Chapter 1.

    `add` takes the kind and the place, `said` gives the sentences in the order of their first.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, tuple[str, int | None]] = {}

    def add(self, what: str, where: str = "", tick: int | None = None) -> None:
        """Note that something was done, where, and at which tick. Chapter 1."""
        self._counts[what] += 1
        self._first.setdefault(what, (where, tick))

    def said(self, bar: Callable[[int], int] | None = None) -> tuple[str, ...]:
        """The sentences; ``bar`` says in which bar a tick stands. Chapter 1."""
        found = []
        for what, count in self._counts.items():
            where, tick = self._first[what]
            if tick is not None and bar is not None:
                where = ", ".join(filter(None, (where, f"bar {bar(tick)}", f"tick {tick:,}")))
            times = f", {count:,} times" if count > 1 else ""
            place = f" ({'first ' if count > 1 else ''}{where})" if where else ""
            found.append(f"{what}{times}{place}")
        return tuple(found)
