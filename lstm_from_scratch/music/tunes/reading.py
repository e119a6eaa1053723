"""From a file to a `Tune`: read, put on a grid, the voices chosen, the bars made whole.

Chapter 1 (Twelve bars) reads MIDI files of our own.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from ... import briefly, limits
from ...arguments import checked, either, exactly, none, real, text, whole
from ..blues import Note
from .grid import KNOWN, NAMES, Fit, Moved, fit, quantised, rounded, step_of
from .musicxml import from_musicxml, is_musicxml
from .smf import from_midi
from .source import WHOLE, Metre, Remarks, Source, Tempo, bar_at
from .symbols import is_none, understood
from .timing import Beat, on_beats
from .tune import Tune, bar_lines, chords_of
from .voices import Part, choose

SUFFIXES = (".mid", ".midi", ".rmi", ".kar", ".musicxml", ".mxl", ".xml")
"""What the names of files end in that `read` knows; what is inside decides."""

EXAMPLES = Path(__file__).parent / "examples"
"""A folder with three tunes of ours, lead sheets of eight bars: *Last Bus*, *Night Tram* over the
same chords, and *Slow Train* over the same chords in another order."""

_BUSY = 4.0  # changes of the sounding chord a bar, beyond which it is taken by the half bar
_SHARE = 1 / 3  # of a stretch that a pitch class must sound in to belong to its chord
_TONES = 4  # pitch classes of a chord that is taken so, at most


@checked(
    grid=either(whole(min(KNOWN), max(KNOWN)), none()),
    bars=either(exactly(whole(1), whole(1)), none()),
    pickup=either(real(0, 64, of="quarter notes"), none()),
    name=either(text(), none()),
)
def read(
    path: str | os.PathLike[str],
    *,
    grid: int | None = None,
    melody: str | None = None,
    chords: str | None = None,
    harmony: Literal["as played", "a bar", "half a bar", "a beat"] | None = None,
    bars: tuple[int, int] | None = None,
    pickup: float | None = None,
    beat: Beat = "as written",
    name: str | None = None,
) -> Tune:
    """Read a MIDI or MusicXML file as a tune. What was done to it, `Tune.report` says.

    Parameters
    ----------
    path : of a MIDI file of type 0 or 1, of MusicXML, or of compressed MusicXML (``.mxl``).
    grid : steps a whole note, 8 for eighth notes; unless given the coarsest that fits, see `grid`.
    melody, chords : the part that each is taken from, by its name, a piece of it, or its number
        from 1; ``""`` for none. Unless given they are chosen as `voices` says.
    harmony : how chords are taken from notes: ``"as played"``, or for each bar, half a bar or beat
        the pitch classes, four at most, that sound for a third of it or more. Unless given as
        played, and by the half bar where the chord changes more than four times a bar.
    bars : the first and the last bar to take, counted from 1; all unless given.
    pickup : quarter notes before the first bar line, where the file doesn't say so.
    beat : of a performance to which nobody clicked, ``"follow"`` finds the beats, see `timing`, and
        makes each a quarter note; ``"oscillator"`` does so by a bank of oscillators.
    name : of the tune; the title in the file, or the file's own name, unless given.

    Raises
    ------
    ValueError : for a file that can't be read, see `smf` and `musicxml`; has nothing to play; does
        not go with the arguments; or is larger than `limits` allow.
    FileNotFoundError : if there is no such file.

    Chapter 1.
    """
    where = os.fspath(path)
    source = _source(path, where)
    if not source.parts and not source.symbols:
        drums = f" but {briefly.counted(source.drums, 'note')} of drums" if source.drums else ""
        raise ValueError(f"{where}: there are no notes to play in it{drums}")
    remarks = Remarks()
    for said in source.remarks:
        remarks.add(said)
    if source.drums:
        drums = briefly.counted(source.drums, "note")
        remarks.add(f"{drums} of drums {'was' if source.drums == 1 else 'were'} left out")
    source = on_beats(source, beat, remarks)
    if pickup is not None:
        source = source._replace(pickup=round(pickup * source.division))
    found = _grid(source, grid, where)
    _expect_short(source, found, where)
    parts, said = _parts(source, found, remarks)
    laid = _Laid(source, found, parts, where, remarks)
    if bars is not None:
        laid.cut(bars)
    laid.close()
    return laid.tune(name or source.title or Path(where).stem, said, melody, chords, harmony)


def _source(path: str | os.PathLike[str], where: str) -> Source:
    """What stands in the file, whichever kind it is."""
    try:
        size = os.stat(path).st_size
        if size > limits.FILE:
            raise ValueError(
                f"{where}: expected a file of at most {limits.FILE:,} bytes, got {size:,}"
            )
        with open(path, "rb") as file:
            data = file.read(limits.FILE + 1)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"there is no file {where!r} to read") from error
    except IsADirectoryError as error:
        raise ValueError(f"{where}: expected a file, got a folder") from error
    if len(data) > limits.FILE:
        raise ValueError(f"{where}: expected a file of at most {limits.FILE:,} bytes")
    return from_musicxml(data, where) if is_musicxml(data) else from_midi(data, where)


# ---- The grid ------------------------------------------------------------------------------------


def _grid(source: Source, asked: int | None, where: str) -> Fit:
    """The grid: as asked, or the coarsest that fits the notes and whose bars are whole steps."""
    if asked is not None:
        if asked not in KNOWN:
            raise ValueError(
                f"grid: expected one of {', '.join(map(str, KNOWN))} steps a whole note, got "
                f"{asked}"
            )
        found = Fit(asked, "as asked")
    else:
        notes = [note for part in source.parts for note in part.notes]
        found = fit(notes, source.division)
    odd = [metre for metre in source.metres if found.grid * metre.beats % metre.unit]
    if odd and asked is not None:
        raise ValueError(
            f"grid: in {where} there are bars of {odd[0]}, which {asked} steps a whole note don't "
            "divide"
        )
    for metre in odd:
        found = found._replace(grid=math.lcm(found.grid, metre.unit))
    if found.grid not in KNOWN:
        raise ValueError(
            f"{where}: its bars of {odd[0]} ask for {found.grid} steps a whole note; expected one "
            f"of {', '.join(map(str, KNOWN))}: ask for one by grid="
        )
    return found


def _expect_short(source: Source, found: Fit, where: str) -> None:
    """See that the piece is no longer than `limits` allow, before anything is made of it."""
    last = [(part.notes[-1].end, part.name) for part in source.parts]
    tick, part = max(last, default=(source.end, ""))
    steps = rounded(step_of(tick, source.division, found))
    limits.expect_steps(f"{where}, {part!r}", steps, limits.PIECE)


def _parts(source: Source, found: Fit, remarks: Remarks) -> tuple[list[Part], str]:
    """All parts on the grid, and how far their notes moved, in a sentence."""
    parts, moves = [], []
    for heard in source.parts:
        notes, moved = quantised(heard.notes, source.division, found, remarks, f"{heard.name!r}")
        parts.append(Part(heard.name, heard.program, notes))
        moves.append((len(heard.notes), moved, heard.name))
    return parts, _moved(source, found, moves)


def _moved(source: Source, found: Fit, moves: list[tuple[int, Moved, str]]) -> str:
    """How well the grid fits, in a sentence."""
    notes = sum(count for count, _, _ in moves)
    if not notes:
        return ""
    mean = sum(count * moved.mean for count, moved, _ in moves) / notes
    ends = sum(count * moved.ends for count, moved, _ in moves) / notes
    _, most, part = max(moves, key=lambda it: it[1].largest)
    how = {
        "exactly": "is the coarsest that fits exactly",
        "loosely": "is the coarsest that fits a performance",
        "badly": "is taken for want of a better: none fits, perhaps no beat was kept",
        "as asked": "is as asked",
    }[found.how]
    if not most.largest and not ends:
        return f"The grid of {NAMES[found.grid]} {how}; no note moved"
    far = f", at most {most.largest:.2f} ({part!r}, bar {_bar(source, most.at)})"
    return (
        f"The grid of {NAMES[found.grid]} {how}; beginnings moved by {mean:.2f} steps in the mean"
        f"{far if most.largest else ''}, ends by {ends:.2f}"
    )


def _bar(source: Source, tick: int) -> int:
    return bar_at(source.metres, source.pickup, WHOLE * source.division, tick)


# ---- Bars ----------------------------------------------------------------------------------------


class _Laid:
    """Parts on the grid, with metres, tempi and symbols; to be cut and made whole."""

    def __init__(
        self, source: Source, found: Fit, parts: list[Part], where: str, remarks: Remarks
    ) -> None:
        self.where, self.remarks, self.key, self.found = where, remarks, source.key, found
        self.grid, self.parts = found.grid, parts

        def step(tick: int) -> int:
            return min(rounded(step_of(tick, source.division, found)), limits.PIECE)

        self.pickup = step(source.pickup)
        self.metres = _distinct([Metre(step(at), *it) for at, *it in source.metres])
        self.tempi = _distinct([Tempo(step(at), *it) for at, *it in source.tempi])
        self.symbols = _distinct([(step(at), said) for at, said in source.symbols])
        ends = [note.onset + note.duration for part in parts for note in part.notes]
        if source.symbols:
            ends.append(step(source.end))
        self.end = max(ends, default=0)
        if not self.end:
            raise ValueError(f"{where}: there are no notes to play in it")
        self.pickup %= max(1, self.grid * self.metres[0].beats // self.metres[0].unit)

    def cut(self, bars: tuple[int, int]) -> None:
        """Take some bars, counted from 1; a pickup goes with the first."""
        lines = [*bar_lines(self.metres, self.grid, self.pickup, self.end)]
        first, last = bars
        if not first <= last <= len(lines):
            raise ValueError(
                f"bars: expected a first and a last of the {len(lines)} bars of {self.where}, got "
                f"{first} and {last}"
            )
        start = 0 if first == 1 else lines[first - 1]
        end = lines[last] if last < len(lines) else self.end
        before = sum(len(part.notes) for part in self.parts)
        self._keep(start, end)
        after = sum(len(part.notes) for part in self.parts)
        self.remarks.add(
            f"Bars {first} to {last} of {len(lines)} were taken, {after:,} of {before:,} notes"
        )

    def _keep(self, start: int, end: int) -> None:
        """Keep what sounds between two steps."""
        if start:
            self.pickup = 0
        self.parts = [
            part._replace(notes=tuple(_inside(part.notes, start, end))) for part in self.parts
        ]
        self.metres = _from(self.metres, start, end)
        self.tempi = _from(self.tempi, start, end)
        self.symbols = _from(self.symbols, start, end)
        self.end = end - start

    def close(self) -> None:
        """Leave out silent bars at the beginning, and make the end a whole bar.

        A pickup is completed by the last bar if there is room in it; else it gets a bar of its own.
        """
        onsets = [note.onset for part in self.parts for note in part.notes]
        onsets += [at for at, said in self.symbols if not is_none(said)]
        if not onsets:
            raise ValueError(f"{self.where}: there are no notes in these bars")
        lines = bar_lines(self.metres, self.grid, self.pickup, self.end)
        silent = [line for line in lines if line <= min(onsets)]
        if (len(silent) > 1 or (silent and self.pickup)) and silent[-1]:
            count = briefly.counted(max(1, len(silent) - 1), "silent bar")
            self.remarks.add(f"{count} at the beginning left out")
            self._keep(silent[-1], self.end)
        self._complete()
        lines = bar_lines(self.metres, self.grid, self.pickup, self.end)
        metre = [it for it in self.metres if it.at <= lines[-1]][-1]
        whole = lines[-1] + self.grid * metre.beats // metre.unit
        if not self.pickup:
            self.end = whole
        elif self.end <= whole - self.pickup:
            self.end = whole - self.pickup
        else:
            bar = self.grid * self.metres[0].beats // self.metres[0].unit
            self._shift(bar - self.pickup)
            self.end = whole + bar - self.pickup
            self.pickup = 0
            self.remarks.add(
                "The last bar has no room for the pickup, which was given a bar of its own"
            )
        limits.expect_steps(self.where, self.end, limits.PIECE)

    def _complete(self) -> None:
        """Take back the metre of a last bar that is shorter by the pickup, as programs write it."""
        if not self.pickup or len(self.metres) < 2:
            return
        before, last = self.metres[-2:]
        whole, short = (self.grid * it.beats // it.unit for it in (before, last))
        if short + self.pickup == whole and self.end <= last.at + short:
            self.metres = self.metres[:-1]

    def _shift(self, by: int) -> None:
        self.parts = [
            part._replace(notes=tuple(n._replace(onset=n.onset + by) for n in part.notes))
            for part in self.parts
        ]
        for name in ("metres", "tempi"):
            changes = [it._replace(at=it.at + by if it.at else 0) for it in getattr(self, name)]
            setattr(self, name, changes)
        self.symbols = [(at + by, said) for at, said in self.symbols]

    def tune(
        self,
        name: str,
        moved: str,
        melody: str | None,
        chords: str | None,
        harmony: str | None,
    ) -> Tune:
        """The tune, with its voices chosen."""
        parts = [part for part in self.parts if part.notes]
        known = tuple((at, said) for at, said in self.symbols if at < self.end)
        for _, said in known:
            if not is_none(said) and understood(said) is None:
                self.remarks.add(f"{said!r} was not understood as a chord symbol: silence there")
        chosen = choose(parts, chords_of(known, self.end) or None, melody, chords, self.where)
        remarks = Remarks()
        if moved:
            remarks.add(moved)
        remarks.add(
            f"The melody is from {chosen.melody_from}, the chords from {chosen.chords_from}"
        )
        for said in (*self.remarks.said(), *chosen.left):
            remarks.add(said)
        heard = chosen.chords
        if chosen.chords_from != "the chord symbols":
            heard = self._harmony(heard, harmony, remarks)
        if not (chosen.melody or heard):
            raise ValueError(f"{self.where}: there are no notes to play in the parts taken")
        return Tune(
            name,
            self.grid,
            self.end,
            tuple(it for it in self.metres if it.at < self.end),
            tuple(it for it in self.tempi if it.at < self.end),
            chosen.melody,
            heard,
            known,
            tuple(parts),
            self.pickup,
            self.key,
            self.found.swing,
            remarks.said(),
        )

    def _harmony(
        self, notes: Sequence[Note], asked: str | None, remarks: Remarks
    ) -> tuple[Note, ...]:
        """Chords as played, or what sounds for a good part of each stretch."""
        if not notes:
            return ()
        lines = bar_lines(self.metres, self.grid, self.pickup, self.end)
        if asked is None:
            sounding = np.zeros((self.end, 12), dtype=bool)
            for note in notes:
                sounding[note.onset : note.onset + note.duration, note.pitch % 12] = True
            changes = (sounding[1:] != sounding[:-1]).any(axis=1).sum() / len(lines)
            asked = "half a bar" if changes > _BUSY else "as played"
        if asked == "as played":
            return tuple(notes)
        bar = self.grid * self.metres[0].beats // self.metres[0].unit
        beat = max(1, self.grid // self.metres[0].unit)
        stretch = {"a bar": bar, "half a bar": max(1, bar // 2), "a beat": beat}[asked]
        if asked == "half a bar" and bar % 2:
            stretch = bar
        remarks.add(
            f"The chords are the pitch classes, {_TONES} at most, that sound for a third of each "
            f"{asked.replace('a ', '')} or more"
        )
        cuts = [0, *range(self.pickup, self.end, stretch), self.end]
        return _by_stretch(notes, sorted(set(cuts)))


def _by_stretch(notes: Sequence[Note], cuts: list[int]) -> tuple[Note, ...]:
    """The pitch classes that sound for long enough between two cuts, in the octave of C3."""
    found: list[Note] = []
    open_at: dict[int, int] = {}  # pitch: where in found its note stands that may go on
    sounding = np.zeros((cuts[-1], 12))
    for note in notes:
        sounding[note.onset : note.onset + note.duration, note.pitch % 12] += 1.0
    for a, b in pairwise(cuts):
        shares = sounding[a:b].sum(axis=0) / (b - a)
        enough = [it for it in enumerate(shares) if it[1] >= _SHARE]
        best = sorted(enough, key=lambda it: (-it[1], it[0]))[:_TONES]
        chord = {48 + one for one, _ in best}
        for pitch in sorted(chord):
            if pitch in open_at:
                before = found[open_at[pitch]]
                found[open_at[pitch]] = before._replace(duration=before.duration + b - a)
            else:
                open_at[pitch] = len(found)
                found.append(Note(pitch, a, b - a))
        open_at = {pitch: at for pitch, at in open_at.items() if pitch in chord}
    return tuple(sorted(found, key=lambda it: (it.onset, it.pitch)))


def _inside(notes: Sequence[Note], start: int, end: int) -> list[Note]:
    """What of some notes sounds between two steps, counted from the first of them."""
    kept = []
    for pitch, onset, duration in notes:
        a, b = max(onset, start), min(onset + duration, end)
        if b > a:
            kept.append(Note(pitch, a - start, b - a))
    return kept


def _distinct(changes: list) -> list:
    """Of changes that came to stand at one step, the last."""
    return list({change[0]: change for change in changes}.values())


def _from(changes: list, start: int, end: int) -> list:
    """Changes between two steps, counted from the first, which what was in force before opens."""
    before = [it for it in changes if it[0] <= start]
    after = [it for it in changes if start < it[0] < end]
    moved = [(type(it), it) for it in (before[-1:] + after)]
    return [
        kind(max(0, it[0] - start), *it[1:])
        if kind is not tuple
        else (max(0, it[0] - start), it[1])
        for kind, it in moved
    ]
