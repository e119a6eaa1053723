"""Playing together through MIDI ports: a person on one voice, the network on the other, in time.

Every step has a time that is reckoned from the beginning, so no small delay adds up. A step is
complete half a step after it has begun: by then all that a person plays on it, a little early or
late, has come. The network hears it, and its next notes go out when their step begins. If the
machine sleeps, the time that it missed is not caught up with. However it ends, no note hangs.

Clock and ports are handed in; with others in their place an hour takes a moment. The page *Play
with it* does the same in a browser.

Section 5 of the paper wishes for it; chapter 8 (Experiment 2) has the network that plays.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from .. import briefly, limits
from ..arguments import able, checked, either, flag, none, real, whole
from ..machine.kernel import draw_unit
from ..music.audio import seconds
from ..music.encoding import Encoding
from ..music.midi import INSTRUMENTS, VELOCITIES, VELOCITY
from .duets import Duet, Hands
from .ports import Gone, Notes

POLL = 0.002
"""Seconds between two looks at the input: how exactly it is known when a note came."""

LATE = 0.5
"""Seconds behind its time from which a step's delay counts as lost, and moves all that follow."""

LONGEST = 12.0
"""Seconds that a note may be held: after them its end has been lost."""

MOST = 16
"""Notes that may be held at once; what is more is left out."""

CHANNELS = {"chords": 0, "melody": 1, "you": 2, "click": 9}
"""Where notes go out, counted from 0."""

_CLICKS = 76, 77  # high and low wood block of General MIDI
_CLICK_VELOCITY = 70
_DRUMS = 9
_ALL_OFF = 120, 123


class Clock(Protocol):
    """Tells the time in seconds, and waits for one. Chapter 8."""

    def now(self) -> float:
        """The time. Chapter 8."""

    def wait(self, until: float) -> None:
        """Return at a time, or somewhat later; never more than a second from now. Chapter 8."""


class MachineClock:
    """The machine's own clock, which nobody sets. Chapter 8."""

    def now(self) -> float:
        """The time. Chapter 8."""
        return time.monotonic()

    @checked(until=real())
    def wait(self, until: float) -> None:
        """See `Clock.wait`. Chapter 8."""
        time.sleep(min(max(0.0, until - self.now()), 1.0))


class Jam(NamedTuple):
    """What came of playing together.

    roll : what was played, by both, shape ``(steps, units)``. bars : how many whole ones.
    offs : of each note that the person began on a step, seconds after the step (before it: below
        0). lost : seconds that were missed and not caught up with. why : why it ended.
    """

    roll: np.ndarray
    bars: int
    offs: tuple[float, ...]
    lost: float
    why: str

    def report(self) -> str:
        """What happened, in plain sentences, a line each. Chapter 8."""
        lines = [f"{self.why} after {briefly.counted(self.bars, 'bar')}."]
        if self.offs:
            late = round(1000 * statistics.median(self.offs))
            side = "before" if late < 0 else "after"
            lines.append(
                f"You played {briefly.counted(len(self.offs), 'note')}, the median of them "
                f"{abs(late)} ms {side} its step."
            )
        if self.lost:
            lines.append(f"{self.lost:.1f} s were missed and not caught up with.")
        return "\n".join(lines)


@checked(
    source=able("iter_pending"),
    sink=able("send"),
    clock=either(able("now", "wait"), none()),
    tempo=real(30, 240, of="beats a minute"),
    swing=real(0.5, 0.75),
    steps=whole(1, limits.RUN),
    click=flag(),
    thru=flag(),
)
def play(
    duet: Duet,
    encoding: Encoding,
    source: Any,
    sink: Any,
    *,
    clock: Clock | None = None,
    tempo: float = 100.0,
    swing: float = 0.5,
    steps: int = limits.RUN,
    click: bool = True,
    thru: bool = False,
    stop: Callable[[], bool] = lambda: False,
    there: Callable[[], str] = lambda: "",
) -> Jam:
    """Play together, after a bar of clicks, until it is stopped or the steps are over.

    Parameters
    ----------
    duet : who plays what. encoding : of its network.
    source : where the person's notes come from, a port of mido or anything with ``iter_pending``.
    sink : where the network's notes go to, a port of mido or anything with ``send``.
    clock : the machine's unless given.
    tempo, swing : see `audio.seconds`.
    steps : how many to play at the most.
    click : whether beats are heard, on the channel of the drums; the bar that counts in always is.
    thru : whether the person's own notes go to the sink too, for a keyboard without a sound.
    stop : asked again and again whether it should end.
    there : asked once a second what is missing; anything but an empty text ends the music.

    Raises
    ------
    ValueError : for outputs from which no note can be drawn; the notes that sound are ended first.

    Chapter 8.
    """
    clock = MachineClock() if clock is None else clock
    draw_unit(np.ones(2), 0.5, 1.0)  # compiled before the time runs
    session = _Session(
        duet, encoding, source, Notes(sink), clock, tempo, swing, click, thru, stop, there
    )
    try:
        why = session.run(steps)
    except Gone as error:
        why = f"It ended, because {error},"
    finally:
        session.out.silence()
    bars = len(session.rows) // duet.bar
    return Jam(session.roll(), bars, tuple(session.offs), session.lost, why)


class _Stopped(Exception):
    """Somebody wants it to end."""


@dataclass
class _Session:
    """One session: how it is to go, see `play`, and what has happened so far."""

    duet: Duet
    encoding: Encoding
    source: Any
    out: Notes
    clock: Clock
    tempo: float
    swing: float
    click: bool
    thru: bool
    stop: Callable[[], bool]
    there: Callable[[], str]

    def __post_init__(self) -> None:
        mine = self.duet.mine
        self.hands = Hands(single=mine.start > 0)  # the melody stands behind the chords
        self.pitches = self.encoding.pitches[mine]
        self.held: dict[tuple[int, int], tuple[int, float]] = {}
        self.rows: list[np.ndarray] = []
        self.offs: list[float] = []
        self.lost = 0.0
        self.before = np.zeros(self.encoding.units)
        self.asked = self.start = self.clock.now()

    def run(self, steps: int) -> str:
        """All steps, after a bar of clicks; why it ended."""
        try:
            for name in ("chords", "melody"):
                self.out.choose(CHANNELS[name], INSTRUMENTS[name])
            self.out.choose(CHANNELS["you"], INSTRUMENTS["melody"])
            for step in range(-self.duet.bar, steps):
                self._until(self._time, step)
                self._sound(step)
                self._until(self._middle, step)
                self._close(step)
            self._until(self._time, steps)
        except _Stopped:
            return "It was stopped"
        return "It ended"

    # ---- Time ------------------------------------------------------------------------------------

    def _time(self, step: int) -> float:
        """When a step begins: reckoned from the start, never from the step before."""
        return self.start + seconds(step + self.duet.bar, self.tempo, self.swing)

    def _middle(self, step: int) -> float:
        return (self._time(step) + self._time(step + 1)) / 2

    def _until(self, moment: Callable[[int], float], step: int) -> None:
        """Wait for a moment of a step, and listen meanwhile; what is missed by far is lost."""
        end = moment(step)
        while (now := self.clock.now()) < end:
            self._listen(now)
            self.clock.wait(min(end, now + POLL))
        self._listen(now)
        if now - end > LATE:
            self.start += now - end
            self.lost += now - end

    def _look_round(self) -> None:
        """Are the ports still there? Asked once a second, amid a step, where there is time."""
        now = self.clock.now()
        if now - self.asked < 1:
            return
        self.asked = now
        if missing := self.there():
            raise Gone(missing)
        for key, (_, since) in list(self.held.items()):
            if now - since >= LONGEST:
                self._lift(key, now)

    # ---- What the network plays ------------------------------------------------------------------

    def _sound(self, step: int) -> None:
        """Notes that end and begin with a step; chords are struck anew where they change."""
        if (self.click or step < 0) and step % 2 == 0:
            pitch = _CLICKS[0] if step % self.duet.bar == 0 else _CLICKS[1]
            self.out.begin(CHANNELS["click"], pitch, _CLICK_VELOCITY)
        if step < 0:
            return
        row, before = self.duet.row, self.before
        chords = self.encoding.chord_units
        anew = row != before
        if anew[chords].any():
            anew[chords] = True
        for unit in np.flatnonzero(anew[: len(self.encoding.pitches)]):
            name = "chords" if unit < chords.stop else "melody"
            channel, pitch = CHANNELS[name], self.encoding.pitches[unit]
            self.out.end(channel, pitch)
            if row[unit]:
                self.out.begin(channel, pitch, VELOCITIES.get(name, VELOCITY))
        self.before = row

    def _close(self, step: int) -> None:
        """A step is over: the network hears what was played on it."""
        self._look_round()
        played = self.hands.close(self._middle(step))
        for pitch in _CLICKS:
            self.out.end(CHANNELS["click"], pitch)
        if step < 0:
            return
        row = self.duet.row.copy()
        if self.duet.yours():
            row[[self.duet.mine.start + unit for unit in played.sounding]] = 1.0
            self.offs += [it.time - self._time(step) for it in played.struck]
        self.rows.append(row)
        self.duet.go_on(played.heard)
        if self.duet.new_turn:
            self.hands.forget()

    def roll(self) -> np.ndarray:
        return np.array(self.rows).reshape(-1, self.encoding.units)

    # ---- What the person plays -------------------------------------------------------------------

    def _listen(self, now: float) -> None:
        if self.stop():
            raise _Stopped
        for message in self._pending():
            kind, channel = message.type, getattr(message, "channel", _DRUMS)
            if kind == "control_change" and message.control in _ALL_OFF:
                for key in [key for key in self.held if key[0] == channel]:
                    self._lift(key, now)
            if kind not in ("note_on", "note_off") or channel == _DRUMS:
                continue
            key = channel, message.note
            if key in self.held:  # its end, or that end was lost
                self._lift(key, now)
            if kind == "note_on" and message.velocity > 0 and len(self.held) < MOST:
                self._press(key, now, message.velocity)

    def _pending(self) -> Iterator[Any]:
        try:
            yield from self.source.iter_pending()
        except Exception as error:  # as the backend has it
            name = getattr(self.source, "name", None)
            raise Gone(f"the input {name!r} gives no more notes: {error}") from error

    def _press(self, key: tuple[int, int], now: float, velocity: int) -> None:
        unit = self._unit(key[1])
        if unit is None:
            return
        self.held[key] = unit, now
        self.hands.press(unit, now)
        if self.thru:
            self.out.begin(CHANNELS["you"], key[1], velocity)

    def _lift(self, key: tuple[int, int], now: float) -> None:
        unit, _ = self.held.pop(key)
        if unit not in [other for other, _ in self.held.values()]:
            self.hands.lift(unit, now)
        if self.thru:
            self.out.end(CHANNELS["you"], key[1])

    def _unit(self, pitch: int) -> int | None:
        """The unit of a pitch: its own, that of the same note in another octave, or none."""
        if pitch in self.pitches:
            return self.pitches.index(pitch)
        same = [unit for unit, it in enumerate(self.pitches) if it % 12 == pitch % 12]
        return same[0] if same else None
