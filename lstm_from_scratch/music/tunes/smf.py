"""Standard MIDI files, byte by byte, as forgiving as players are.

mido, which `midi` reads our own files with, refuses a file for a key signature that can't be, a
track that claims to be longer than it is, a foreign chunk between tracks, or a running status kept
over a system message: 5 of 26 small files that people really have. None of these touches a note. So
tunes are read here, by the standard (MIDI 1.0, RP-001), and each thing that is put right is said.

Chapter 1 (Twelve bars) says what a MIDI file is.
"""

from __future__ import annotations

import functools
import struct
from collections import defaultdict, deque
from typing import NamedTuple

from ... import limits
from ...arguments import checked
from .source import WHOLE, Heard, Metre, Played, Remarks, Source, Tempo, bar_at
from .symbols import among_texts

DRUMS = 9
"""The channel of the drums, counted from 0."""

_SUSTAIN = 64
_CHANNEL_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_SYSTEM_BYTES = {0xF1: 1, 0xF2: 2, 0xF3: 1}
_TEXTS = {1: "text", 5: "lyric", 6: "marker"}
_END = 0x2F


class _Event(NamedTuple):
    tick: int
    status: int  # of a channel message, or 0xFF
    first: int  # its data, or the kind of a meta event
    second: int
    data: bytes


@checked
def from_midi(data: bytes, where: str) -> Source:
    """Read the bytes of a MIDI file of type 0 or 1. Chapter 1.

    Parameters
    ----------
    where : what errors call the file.

    Raises
    ------
    ValueError : for what is no MIDI file, is cut short, counts time in film frames, holds patterns
        that don't belong together (type 2), or is larger than `limits` allow.
    """
    data = _without_riff(data, where)
    kind, division = _header(data, where)
    remarks = Remarks()
    tracks = _tracks(data, where, remarks)
    whole = _Collected(division, where, remarks)
    for number, events in enumerate(tracks):
        whole.take(number, events, alone=len(tracks) == 1)
    return whole.source(f"MIDI type {kind}")


# ---- Chunks --------------------------------------------------------------------------------------


def _without_riff(data: bytes, where: str) -> bytes:
    """The MIDI file inside a RIFF file (.rmi), or the data as they are."""
    if not data:
        raise ValueError(f"{where}: the file is empty (0 bytes)")
    if data[:4] == b"RIFF" and data[8:12] == b"RMID" and b"MThd" in data[:64]:
        return data[data.index(b"MThd") :]
    return data


def _header(data: bytes, where: str) -> tuple[int, int]:
    """Type and ticks to a quarter note, if they are such as can be read."""
    if data[:4] != b"MThd":
        raise ValueError(
            f"{where}: expected a MIDI file, which begins with b'MThd', or MusicXML; got "
            f"{len(data):,} bytes that begin with {data[:4]!r}"
        )
    if len(data) < 14:
        raise ValueError(f"{where}: cut short within its header ({len(data)} bytes)")
    kind, _, division = struct.unpack(">HHH", data[8:14])
    if kind == 2:
        raise ValueError(
            f"{where}: MIDI type 2 holds independent patterns, and nothing says which of them is "
            "the tune: save one of them as type 0 or 1"
        )
    if kind > 2:
        raise ValueError(f"{where}: expected MIDI type 0 or 1, got type {kind}")
    if division & 0x8000:
        frames, per = 256 - (division >> 8), division & 0xFF
        raise ValueError(
            f"{where}: time is counted in film frames ({frames} a second, {per} ticks each), so "
            "there are no beats to find: save it again in ticks to a quarter note"
        )
    if division == 0:
        raise ValueError(
            f"{where}: its header gives 0 ticks to a quarter note, so nothing says how long a note "
            "is: save it again from the program that made it"
        )
    return kind, division


def _tracks(data: bytes, where: str, remarks: Remarks) -> list[list[_Event]]:
    """The events of each track. Foreign chunks are passed over."""
    at = 8 + struct.unpack(">I", data[4:8])[0]
    tracks: list[list[_Event]] = []
    left = limits.EVENTS
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], struct.unpack(">I", data[at + 4 : at + 8])[0]
        at += 8
        if kind != b"MTrk":
            if at + length > len(data):
                remarks.add(f"What follows the last track, {len(data) - at + 8:,} bytes, is none")
                break
            remarks.add(f"A chunk {kind!r} that is no track was passed over")
            at += length
            continue
        track = _Track(data, at, at + length, f"{where}, track {len(tracks)}", left, remarks)
        tracks.append(track.events)
        left -= len(track.events)
        at = track.next
    if not tracks:
        raise ValueError(f"{where}: cut short: there is no whole track in its {len(data):,} bytes")
    return tracks


class _Track:
    """The events of one track, and where the next chunk begins."""

    def __init__(
        self, data: bytes, start: int, end: int, where: str, most: int, remarks: Remarks
    ) -> None:
        self.data, self.at, self.end, self.where = data, start, end, where
        self.name = where.rpartition(", ")[2]
        self.remarks, self.tick, self.events = remarks, 0, []
        status, kept = 0, False
        while True:
            if self.at == end and data[end : end + 4] in (b"MTrk", b""):
                remarks.add("A track does not say where it ends", self.name)
                break
            if len(self.events) >= most:
                raise ValueError(f"{where}: expected at most {limits.EVENTS:,} events in a file")
            self.tick += self._number()
            status, kept, ended = self._event(status, kept)
            if ended:
                break
        self.next = self._behind(start)

    def _behind(self, start: int) -> int:
        """Where the next chunk begins: the track's length says it, unless it is wrong."""
        if self.at == self.end:
            return self.at
        by_length = self.data[self.end : self.end + 4]
        if self.end > len(self.data) or (by_length and not by_length.isalnum()):
            self.remarks.add(
                f"A track claims {self.end - start:,} bytes and ends after {self.at - start:,}",
                self.name,
            )
            return self.at
        return self.end

    def _byte(self) -> int:
        if self.at >= len(self.data):
            raise ValueError(
                f"{self.where}: cut short: the file ends within an event, after {self.at:,} bytes "
                f"at tick {self.tick:,}: get a whole copy of it"
            )
        self.at += 1
        return self.data[self.at - 1]

    def _number(self) -> int:
        """A number of seven bits a byte."""
        value = 0
        for _ in range(4):
            byte = self._byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise ValueError(f"{self.where}: damaged at byte {self.at:,}: a number of over four bytes")

    def _bytes(self) -> bytes:
        length = self._number()
        if self.at + length > len(self.data):
            self.at = len(self.data)
            self._byte()
        self.at += length
        return self.data[self.at - length : self.at]

    def _event(self, running: int, kept: bool) -> tuple[int, bool, bool]:
        """Read an event; the status that runs on, whether it did over a system message, the end."""
        first = self._byte()
        if first == 0xFF:
            kind, data = self._byte(), self._bytes()
            self.events.append(_Event(self.tick, 0xFF, kind, 0, data))
            return running, True, kind == _END
        if first in (0xF0, 0xF7):
            self._bytes()
            return running, True, False
        if first > 0xF0:
            for _ in range(_SYSTEM_BYTES.get(first, 0)):
                self._byte()
            return running, kept, False
        if first < 0x80:
            if not running:
                raise ValueError(
                    f"{self.where}: damaged at byte {self.at:,}, tick {self.tick:,}: expected an "
                    f"event, got {first}"
                )
            if kept:
                self.remarks.add(
                    "A running status was kept over a system message, which the standard forbids",
                    self.name,
                    self.tick,
                )
            status = running
        else:
            status, first = first, self._byte()
        second = self._byte() if _CHANNEL_BYTES[status & 0xF0] == 2 else 0
        self.events.append(_Event(self.tick, status, first & 0x7F, second & 0x7F, b""))
        return status, False, False


# ---- What the events mean ------------------------------------------------------------------------


class _Collected:
    """What the tracks of a file say, taken one after another."""

    def __init__(self, division: int, where: str, remarks: Remarks) -> None:
        self.division, self.where, self.remarks = division, where, remarks
        self.title = ""
        self.parts: list[Heard] = []
        self.drums = self.notes = self.end = 0
        self.tempi: list[Tempo] = []
        self.metres: list[Metre] = []
        self.texts: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.key: int | None = None

    def take(self, number: int, events: list[_Event], *, alone: bool) -> None:
        """Take the events of a track; if it is ``alone``, its name is that of the piece."""
        notes, programs = _Notes(f"track {number}", self.division, self.remarks), {}
        name = ""
        for event in events:
            kind, channel = event.status & 0xF0, event.status & 0x0F
            if event.status == 0xFF:
                name = self._meta(event, name, f"track {number}")
            elif kind == 0xC0:
                programs.setdefault(channel, event.first)
            else:
                notes.take(event.tick, kind, channel, event.first, event.second)
        last = events[-1].tick if events else 0
        self.end = max(self.end, last)
        by_channel = notes.finished(last)
        self.drums += len(by_channel.pop(DRUMS, ()))
        self.notes += sum(map(len, by_channel.values()))
        limits.expect_notes(self.where, self.notes)
        if not by_channel and name and number == 0:
            self.title = name
        if alone and name:
            self.title = name
        for channel, found in sorted(by_channel.items()):
            called = name or f"track {number}"
            if len(by_channel) > 1 or (alone and name == ""):
                called = f"{name}, channel {channel + 1}" if name else f"channel {channel + 1}"
            known = {part.name for part in self.parts}
            if called in known:
                called = f"{called} (track {number})"
            self.parts.append(Heard(called, programs.get(channel, 0), tuple(found)))

    def _meta(self, event: _Event, name: str, where: str) -> str:
        """Take what is no note; the name of the track, if this is it."""
        tick, data, place = event.tick, event.data, (where, event.tick)
        if event.first == 3 and not name:
            return _decoded(data)
        if event.first in _TEXTS:
            said = _decoded(data)
            if said:
                self.texts[_TEXTS[event.first]].append((tick, said))
        elif event.first == 0x51:
            micro = int.from_bytes(data[:3], "big")
            quarters = 60e6 / micro if micro else 0.0
            if not limits.TEMPO[0] <= quarters <= limits.TEMPO[1]:
                self.remarks.add(f"A tempo of {quarters:.0f} beats a minute was left out", *place)
            else:
                self.tempi.append(Tempo(tick, quarters))
        elif event.first == 0x58:
            beats, power = data[0] if data else 0, data[1] if len(data) > 1 else 99
            if not beats or power > 6:
                self.remarks.add("A time signature that can't be was left out", *place)
            else:
                self.metres.append(Metre(tick, beats, 2**power))
        elif event.first == 0x59:
            sharps = int.from_bytes(data[:1], "big", signed=True)
            if len(data) < 2 or abs(sharps) > 7 or data[1] > 1:
                self.remarks.add(
                    f"A key signature that can't be ({sharps:+d} sharps, mode "
                    f"{data[1] if len(data) > 1 else 'none'}) was left out",
                    *place,
                )
            elif self.key is None:
                self.key = sharps
        return name

    def source(self, kind: str) -> Source:
        """All of it together."""
        symbols, kept_out = among_texts(self.texts)
        for said in kept_out:
            self.remarks.add(f"{said!r} was not understood as a chord symbol")
        metres = _in_order(self.metres) or [Metre(0, 4, 4)]
        pickup = 0
        if len(metres) > 1 and metres[0].at == 0:
            first, then = metres[:2]
            short = WHOLE * self.division * first.beats // first.unit
            if then.at == short and first.beats * then.unit < then.beats * first.unit:
                pickup, metres = short, [Metre(0, then.beats, then.unit), *metres[2:]]
        if metres[0].at:
            metres = [Metre(0, 4, 4), *metres]
        whole = WHOLE * self.division
        bar = functools.partial(bar_at, tuple(metres), pickup, whole)
        tempi = _in_order(self.tempi)
        if not tempi or tempi[0].at:
            tempi = [Tempo(0, 120.0), *tempi]
        return Source(
            kind,
            self.title,
            self.division,
            tuple(self.parts),
            self.drums,
            tuple(tempi),
            tuple(metres),
            symbols,
            self.key,
            pickup,
            self.end,
            self.remarks.said(bar),
        )


def _in_order(changes: list) -> list:
    """Changes by their ticks, the last of those at one tick, none that changes nothing."""
    at_tick = {change.at: change for change in sorted(changes, key=lambda it: it.at)}
    found: list = []
    for change in at_tick.values():
        if not found or change[1:] != found[-1][1:]:
            found.append(change)
    return found


class _Notes:
    """Note-ons and note-offs of one track, paired; the pedal holds what was let go under it."""

    def __init__(self, where: str, division: int, remarks: Remarks) -> None:
        self.where, self.division, self.remarks = where, division, remarks
        self.open: dict[tuple[int, int], deque[int]] = defaultdict(deque)
        self.held: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        self.down: set[int] = set()
        self.found: dict[int, list[Played]] = defaultdict(list)
        self.struck: dict[tuple[int, int], list[int]] = defaultdict(list)
        self.early: dict[tuple[int, int], list[int]] = {}  # of keys whose first message is an end

    def take(self, tick: int, kind: int, channel: int, first: int, second: int) -> None:
        """Take a channel message."""
        if kind == 0x90 and second:
            self._let_go(channel, tick, first)
            self.open[channel, first].append(tick)
            self.struck[channel, first].append(tick)
        elif kind in (0x80, 0x90):
            waiting = self.open[channel, first]
            if not self.struck[channel, first]:
                self.early.setdefault((channel, first), [])
            if (channel, first) in self.early:
                self.early[channel, first].append(tick)
            if not waiting:
                self.remarks.add("An end without a note was passed over", self.where, tick)
                return
            start = waiting.popleft()
            if waiting and waiting[0] == tick and start < tick:
                self.remarks.add(
                    "A note was struck again before its end was written, at one tick",
                    f"pitch {first}, {self.where}",
                    tick,
                )
            if channel in self.down and channel != DRUMS:
                self.held[channel].append((first, start, tick))
            else:
                self._note(channel, first, start, tick)
        elif kind == 0xB0 and first == _SUSTAIN:
            if second >= 64:
                self.down.add(channel)
            else:
                self.down.discard(channel)
                self._let_go(channel, tick)

    def _let_go(self, channel: int, tick: int, pitch: int | None = None) -> None:
        """End what the pedal holds: all of it, or the one key that is struck again."""
        kept = []
        for held in self.held[channel]:
            if pitch is not None and held[0] != pitch:
                kept.append(held)
                continue
            note, start, end = held
            if tick > end:
                self.remarks.add("The pedal lengthened a note", self.where, start)
            self._note(channel, note, start, max(tick, end))
        self.held[channel] = kept

    def _note(self, channel: int, pitch: int, start: int, end: int) -> None:
        if end <= start:
            what = "A note that ends where it begins was dropped"
            self.remarks.add(what, f"pitch {pitch}, {self.where}", start)
        else:
            self.found[channel].append(Played(pitch, start, end))

    def finished(self, last: int) -> dict[int, list[Played]]:
        """The notes by channel, in order; one without an end lasts until the track ends."""
        for channel in list(self.held):
            self._let_go(channel, last)
        for key, ends in self.early.items():
            if self.open[key] and ends == self.struck[key]:
                self._without_length(*key)
        for (channel, pitch), starts in self.open.items():
            for start in starts:
                over = [it for it in self.found[channel] if it.pitch == pitch and it.end > start]
                if over:  # one end for two that overlap: it is the later one's
                    self.found[channel].append(Played(pitch, start, over[0].end))
                    continue
                what = "A note that never ends was ended with its track"
                self.remarks.add(what, f"pitch {pitch}, {self.where}", start)
                end = last if last > start else start + self.division
                self.found[channel].append(Played(pitch, start, end))
        return {
            channel: self._apart(notes) for channel, notes in sorted(self.found.items()) if notes
        }

    def _without_length(self, channel: int, pitch: int) -> None:
        """Drop the notes of a key each of whose ends was written before its note, at one tick.

        So music21 writes chord symbols, which have no length.
        """
        self.found[channel] = [note for note in self.found[channel] if note.pitch != pitch]
        self.open[channel, pitch].clear()
        for tick in self.struck[channel, pitch]:
            what = "A note that ends where it begins was dropped"
            self.remarks.add(what, f"pitch {pitch}, {self.where}", tick)

    def _apart(self, notes: list[Played]) -> list[Played]:
        """One key strikes one note at a time: one that is struck again ends there."""
        notes = sorted(notes, key=lambda note: (note.start, note.pitch, note.end))
        latest: dict[int, int] = {}
        found: list[Played] = []
        for note in notes:
            before = latest.get(note.pitch)
            if before is not None and found[before].end > note.start:
                if found[before].start == note.start:
                    self.remarks.add("A note struck twice at once was kept once", *self._at(note))
                    found[before] = note
                    continue
                self.remarks.add("A note struck again while it sounds ends there", *self._at(note))
                found[before] = found[before]._replace(end=note.start)
            latest[note.pitch] = len(found)
            found.append(note)
        return found

    def _at(self, note: Played) -> tuple[str, int]:
        return f"pitch {note.pitch}, {self.where}", note.start


def _decoded(data: bytes) -> str:
    """Text of a file: UTF-8 if it is that; Shift-JIS if that makes most of it Japanese; Latin-1."""
    try:
        found = data.decode()
    except UnicodeDecodeError:
        found = data.decode("latin-1")
        try:
            japanese = data.decode("shift_jis")
            signs = sum("\u3040" <= sign <= "\u9fff" or sign >= "\uff66" for sign in japanese)
            found = japanese if 2 * signs >= len(japanese) else found
        except UnicodeDecodeError:
            pass
    return "".join(sign for sign in found if sign.isprintable()).strip()[: limits.NAME]
