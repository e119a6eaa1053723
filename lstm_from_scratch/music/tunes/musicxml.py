"""MusicXML, plain or compressed, read with the standard library.

What a tune needs of it is small: notes, rests, chords, ties, voices, harmony, metre, tempo and the
order of the bars. music21 reads all of it, in a package of 20 MB with a model of music of its own;
partitura and symusic read it too, and bring compiled code. For some five hundred lines none of them
is worth being asked of every user. The score must be partwise, as notation programs export it.

Chapter 1 (Twelve bars) writes MusicXML.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from ... import briefly, limits
from ...arguments import checked
from ..blues import NATURALS
from .repeats import order_of
from .source import WHOLE, Heard, Metre, Played, Remarks, Source, Tempo, bar_at
from .unpacking import PACKED, root_of

_DIVISION = 100_800  # ticks to a quarter note, at most
KINDS = {
    "major": "",
    "minor": "m",
    "augmented": "aug",
    "diminished": "dim",
    "dominant": "7",
    "major-seventh": "maj7",
    "minor-seventh": "m7",
    "diminished-seventh": "dim7",
    "augmented-seventh": "aug7",
    "half-diminished": "m7b5",
    "major-minor": "m(maj7)",
    "major-sixth": "6",
    "minor-sixth": "m6",
    "dominant-ninth": "9",
    "major-ninth": "maj9",
    "minor-ninth": "m9",
    "dominant-11th": "11",
    "major-11th": "maj11",
    "minor-11th": "m11",
    "dominant-13th": "13",
    "major-13th": "maj13",
    "minor-13th": "m13",
    "suspended-second": "sus2",
    "suspended-fourth": "sus4",
    "power": "5",
}
"""How each kind of a chord symbol is called as musicians write it."""

_BEATS = {"whole": 4, "half": 2, "quarter": 1, "eighth": Fraction(1, 2), "16th": Fraction(1, 4)}


@checked
def is_musicxml(data: bytes) -> bool:
    """Do these bytes look like MusicXML, plain or compressed? Chapter 1."""
    start = data[:200].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").replace(b"\0", b"")
    return data[:4] == PACKED or start.startswith(b"<")


@checked
def from_musicxml(data: bytes, where: str) -> Source:
    """Read the bytes of a MusicXML file, plain or compressed (``.mxl``). Chapter 1.

    Parameters
    ----------
    where : what errors call the file.

    Raises
    ------
    ValueError : for what is no MusicXML, or is damaged, timewise, or larger than `limits` allow.
        The message names file, part and bar.
    """
    root = root_of(data, where)
    if root.tag == "score-timewise":
        raise ValueError(f"{where}: the score is timewise: save it partwise, as programs do")
    if root.tag != "score-partwise":
        raise ValueError(f"{where}: expected MusicXML, a score-partwise, got <{root.tag[:40]}>")
    try:
        return _Score(root, where).source()
    except (OverflowError, ZeroDivisionError) as error:
        raise ValueError(f"{where}: a number in it can't be: {error}") from error


# ---- From elements to notes ----------------------------------------------------------------------


class _Bar(NamedTuple):
    """What stands in a bar of one part, in quarter notes from its beginning."""

    notes: list[tuple[str, int, Fraction, Fraction, bool, bool]]  # voice, pitch, start, end, ties
    symbols: list[tuple[Fraction, str]]
    tempi: list[tuple[Fraction, float]]
    metre: tuple[int, int] | None
    length: Fraction


def _text(element: Element, path: str) -> str:
    return (element.findtext(path) or "").strip()[: limits.NAME]


def _number(text: str, where: str, what: str, least: float, most: float) -> Fraction:
    """A number within a range."""
    try:
        if len(text) > 30 or "e" in text.lower():
            raise ValueError
        found = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{where}: {what}: expected a number, got {text[:30]!r}") from None
    if not least <= found <= most:
        raise ValueError(f"{where}: {what}: expected {least:g} to {most:g}, got {float(found):g}")
    return found


class _State:
    """What holds from bar to bar of a part."""

    def __init__(self) -> None:
        self.divisions = Fraction(1)
        self.transpose = 0
        self.metre = (4, 4)
        self.again = 0  # how many bars back stands what is played, where signs say so


class _Score:
    """The parts of a score, read one after another."""

    def __init__(self, root: Element, where: str) -> None:
        self.where, self.root, self.remarks = where, root, Remarks()
        self.key: int | None = None
        self.drums = self.count = 0
        listed = {it.get("id", ""): it for it in root.iter("score-part")}
        self.names = {key: _text(it, "part-name") for key, it in listed.items()}
        self.programs = {key: self._program(it) for key, it in listed.items()}
        self.parts: dict[str, list[_Bar]] = {}
        self.orders: list[tuple[Any, ...]] = []
        for number, part in enumerate(root.findall("part"), start=1):
            key = part.get("id", "")
            name = self.names.get(key) or f"part {number}"
            while name in self.parts:
                name += " (again)"
            self.parts[name] = self._bars(part, name)
            self.programs[name] = self.programs.get(key, 0)
        if len(self.parts) > 200:
            raise ValueError(f"{where}: expected at most 200 parts, got {len(self.parts):,}")
        if not self.parts or not any(self.parts.values()):
            raise ValueError(f"{where}: there are no bars in it")

    def _program(self, listed: Element) -> int:
        text = _text(listed, "midi-instrument/midi-program")
        return min(127, max(0, int(text) - 1)) if text.isdecimal() and len(text) < 5 else 0

    def _bars(self, part: Element, name: str) -> list[_Bar]:
        """All bars of a part, as they are written."""
        state = _State()
        found = []
        for number, measure in enumerate(part.findall("measure"), start=1):
            said = measure.get("number", str(number))[:20]
            where = f"{self.where}, part {name!r}, bar {said}"
            bar = self._bar(measure, state, where, f"{name!r}, bar {said}")
            state.again = 0 if bar.notes else _again(measure, state.again)
            if 0 < state.again <= len(found):
                bar = self._like(found[-state.again], bar, where, f"{name!r}, bar {said}")
            found.append(bar)
        return found

    def _like(self, before: _Bar, bar: _Bar, where: str, place: str) -> _Bar:
        """A bar with nothing but a sign that it is as one before."""
        self.count += len(before.notes)
        limits.expect_notes(where, self.count)
        self.remarks.add("A bar that is written as a repeat of one before was filled in", place)
        return bar._replace(
            notes=before.notes, symbols=bar.symbols or before.symbols, length=before.length
        )

    def _bar(self, measure: Element, state: _State, where: str, place: str) -> _Bar:
        bar = _Bar([], [], [], None, Fraction(0))
        at = longest = last = Fraction(0)
        metre = None
        for element in measure:
            match element.tag:
                case "note":
                    at, last = self._note(element, state, bar, at, last, where, place)
                case "backup":
                    at = max(Fraction(0), at - self._duration(element, state, where))
                case "forward":
                    at += self._duration(element, state, where)
                case "attributes":
                    metre = self._attributes(element, state, where, place) or metre
                case "harmony":
                    self._harmony(element, state, bar, at, where, place)
                case "direction" | "sound":
                    self._direction(element, bar, at, where, place)
            longest = max(longest, at)
        limits.expect_steps(where, int(longest), limits.PIECE)
        nominal = Fraction(WHOLE * state.metre[0], state.metre[1])
        return bar._replace(metre=metre, length=longest or nominal)

    def _duration(self, element: Element, state: _State, where: str) -> Fraction:
        text = _text(element, "duration")
        return _number(text, where, "duration", 0, 1_000_000_000) / state.divisions

    def _note(
        self, element: Element, state: _State, bar: _Bar, at: Fraction, last: Fraction,
        where: str, place: str,
    ) -> tuple[Fraction, Fraction]:  # fmt: skip
        """Take a note; where the next one stands, and where this one does."""
        for kind in ("grace", "cue"):
            if element.find(kind) is not None:
                self.remarks.add(f"A {kind} note was left out", place)
                return at, last
        duration = self._duration(element, state, where)
        together = element.find("chord") is not None
        start = last if together else at
        end = start + duration
        if element.find("unpitched") is not None:
            self.drums += 1
        elif element.find("rest") is None:
            pitch = self._pitch(element, where) + state.transpose
            if not 0 <= pitch <= 127:
                raise ValueError(f"{where}: pitch {pitch} is out of the range 0 to 127")
            if duration == 0:
                self.remarks.add("A note that ends where it begins was dropped", place)
            else:
                voice = f"{_text(element, 'staff') or '1'}:{_text(element, 'voice') or '1'}"
                ties = {tie.get("type") for tie in element.findall("tie")}
                bar.notes.append((voice, pitch, start, end, "stop" in ties, "start" in ties))
                self.count += 1
                limits.expect_notes(where, self.count)
        return (at if together else end), start

    def _pitch(self, element: Element, where: str) -> int:
        step, octave = _text(element, "pitch/step"), _text(element, "pitch/octave")
        alter = _text(element, "pitch/alter") or "0"
        if step not in NATURALS:
            raise ValueError(f"{where}: a note: expected a letter A to G, got {step[:20]!r}")
        high = int(_number(octave, where, "octave", -1, 10))
        exact = _number(alter, where, "alter", -4, 4)
        if exact.denominator > 1:
            self.remarks.add("A quarter tone was rounded to the note below")
        return 12 * (high + 1) + NATURALS[step] + exact.__floor__()

    def _attributes(
        self, element: Element, state: _State, where: str, place: str
    ) -> tuple[int, int] | None:
        divisions = _text(element, "divisions")
        if divisions:
            state.divisions = _number(divisions, where, "divisions", 1e-6, 1e6)
        if element.find("transpose") is not None:
            steps = _number(
                _text(element, "transpose/chromatic") or "0", where, "chromatic", -60, 60
            )
            octaves = _number(
                _text(element, "transpose/octave-change") or "0", where, "octave-change", -5, 5
            )
            state.transpose = int(steps) + 12 * int(octaves)
        fifths = _text(element, "key/fifths")
        if fifths and self.key is None and not state.transpose:
            try:
                self.key = int(_number(fifths, where, "key", -7, 7))
            except ValueError:
                self.remarks.add(
                    f"A key signature that can't be ({fifths[:9]}) was left out", place
                )
        if element.find("time/beats") is None:
            return None
        beats, unit = _text(element, "time/beats"), _text(element, "time/beat-type")
        parts = beats.split("+")
        if not all(it.strip().isdecimal() and len(it) < 4 for it in (*parts, unit)):
            self.remarks.add(f"A time signature {beats[:9]}/{unit[:9]} was not understood", place)
            return None
        total = sum(map(int, parts))
        if not (0 < total < 256 and int(unit) in (1, 2, 4, 8, 16, 32, 64)):
            self.remarks.add(f"A time signature {total}/{unit} that can't be was left out", place)
            return None
        state.metre = (total, int(unit))
        return state.metre

    def _harmony(
        self, element: Element, state: _State, bar: _Bar, at: Fraction, where: str, place: str
    ) -> None:
        offset = _text(element, "offset")
        if offset:
            at += _number(offset, where, "offset", -1e9, 1e9) / state.divisions
        kind = element.find("kind")
        value = (kind.text or "").strip() if kind is not None else ""
        if value == "none":
            bar.symbols.append((at, "N.C."))
            return
        root = self._letter(element, "root", state.transpose)
        if not root:
            self.remarks.add("A chord symbol without a root was left out", place)
            return
        quality = KINDS.get(value)
        if quality is None:
            quality = kind.get("text", value) if kind is not None else ""
        for degree in element.findall("degree"):
            number, how = _text(degree, "degree-value"), _text(degree, "degree-type")
            sign = {"-1": "b", "1": "#"}.get(_text(degree, "degree-alter"), "")
            word = {"add": "" if sign else "add", "alter": "", "subtract": "no"}.get(how, "add")
            quality += f"({word}{sign}{number})"
        bass = self._letter(element, "bass", state.transpose)
        bar.symbols.append((at, f"{root}{quality}{'/' + bass if bass else ''}"[: limits.NAME]))

    def _letter(self, element: Element, what: str, transpose: int) -> str:
        """The name of a root or a bass, as it sounds."""
        step = _text(element, f"{what}/{what}-step")
        if step not in NATURALS:
            return ""
        alter = {"-1": "b", "1": "#", "-2": "bb", "2": "##"}.get(
            _text(element, f"{what}/{what}-alter"), ""
        )
        if not transpose % 12:
            return step + alter
        sounding = NATURALS[step] + alter.count("#") - alter.count("b") + transpose
        return ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")[sounding % 12]

    def _direction(self, element: Element, bar: _Bar, at: Fraction, where: str, place: str) -> None:
        """Take tempi."""
        sound = element if element.tag == "sound" else element.find("sound")
        tempo = sound.get("tempo", "") if sound is not None else ""
        if not tempo:
            metronome = element.find("direction-type/metronome")
            per = _text(metronome, "per-minute") if metronome is not None else ""
            if metronome is None or not per.replace(".", "", 1).isdecimal():
                return
            beat = Fraction(_BEATS.get(_text(metronome, "beat-unit"), 1))
            dots = len(metronome.findall("beat-unit-dot"))
            tempo = str(float(beat * (2 - Fraction(1, 2**dots)) * Fraction(per[:9])))
        try:
            quarters = float(tempo[:20])
        except ValueError:
            quarters = 0.0
        if limits.TEMPO[0] <= quarters <= limits.TEMPO[1]:
            bar.tempi.append((at, quarters))
        else:
            self.remarks.add(f"A tempo of {tempo[:9]} quarter notes a minute was left out", place)

    # ---- The order of the bars ----

    def source(self) -> Source:
        """All of it, with repeats written out, in ticks."""
        count = max(map(len, self.parts.values()))
        order = order_of(self.root.findall("part"), count, self.where, self.remarks)
        lengths = [
            max(bars[it].length for bars in self.parts.values() if it < len(bars))
            for it in range(count)
        ]
        written = [next((bars[it].metre for bars in self.parts.values()
                         if it < len(bars) and bars[it].metre), None)
                   for it in range(count)]  # fmt: skip
        division = self._division()
        starts, pickup, metres = _laid_out(order, lengths, written, self.remarks)
        heard, symbols, tempi = [], {}, {}
        for name, bars in self.parts.items():
            voices = self._voices(bars, order, starts, division)
            for voice, notes in voices.items():
                called = name if len(voices) == 1 else f"{name}, {_called(voice, voices)}"
                heard.append(Heard(called, self.programs[name], notes))
            for place, it in enumerate(order):
                if it < len(bars):
                    for at, said in bars[it].symbols:
                        symbols.setdefault(int((starts[place] + at) * division), said)
                    for at, quarters in bars[it].tempi:
                        tempi.setdefault(int((starts[place] + at) * division), quarters)
        paces = [Tempo(at, tempi[at]) for at in sorted(tempi)]
        changes = [paces[0]._replace(at=0)] if paces else [Tempo(0, 120.0)]
        for pace in paces[1:]:
            if pace.quarters != changes[-1].quarters:
                changes.append(pace)
        in_ticks = tuple(Metre(int(at * division), *of) for at, of in metres)
        bar = functools.partial(bar_at, in_ticks, int(pickup * division), WHOLE * division)
        end = starts[-1] + lengths[order[-1]]
        return Source(
            "MusicXML",
            _text(self.root, "work/work-title") or _text(self.root, "movement-title"),
            division,
            tuple(heard),
            self.drums,
            tuple(changes),
            in_ticks,
            tuple(sorted(symbols.items())),
            self.key,
            int(pickup * division),
            int(end * division),
            self.remarks.said(bar),
        )

    def _division(self) -> int:
        """Ticks to a quarter note in which all of the score is whole."""
        found = 1
        for bars in self.parts.values():
            for bar in bars:
                times = [it for note in bar.notes for it in note[2:4]]
                times += [at for at, _ in (*bar.symbols, *bar.tempi)] + [bar.length]
                for time in times:
                    found = lcm(found, time.denominator)
                if found > _DIVISION:
                    raise ValueError(
                        f"{self.where}: its durations ask for {briefly.large(found)} parts of a "
                        f"quarter note; expected at most {_DIVISION:,}"
                    )
        return found

    def _voices(
        self, bars: list[_Bar], order: list[int], starts: list[Fraction], division: int
    ) -> dict[str, tuple[Played, ...]]:
        """The notes of a part by staff and voice, ties joined."""
        found: dict[str, list[Played]] = defaultdict(list)
        waiting: dict[tuple[str, int], int] = {}
        for place, it in enumerate(order):
            for voice, pitch, start, end, stops, begins in bars[it].notes if it < len(bars) else ():
                a, b = (int((starts[place] + time) * division) for time in (start, end))
                staff = voice.partition(":")[0]
                before = waiting.pop((staff, pitch), None) if stops else None
                home = found[voice]
                if before is not None and before < len(home) and home[before].end == a:
                    home[before] = home[before]._replace(end=b)
                else:
                    before = len(home)
                    home.append(Played(pitch, a, b))
                if begins:
                    waiting[staff, pitch] = before
                limits.expect_notes(self.where, sum(map(len, found.values())))
        return {voice: self._alone(found[voice]) for voice in sorted(found)}

    def _alone(self, notes: list[Played]) -> tuple[Played, ...]:
        """Each pitch once at a time."""
        kept: dict[tuple[int, int], Played] = {}
        for note in sorted(notes, key=lambda it: (it.start, it.pitch, it.end)):
            kept[note.start, note.pitch] = note
        if len(kept) < len(notes):
            self.remarks.add(f"{len(notes) - len(kept)} notes written twice were kept once")
        return tuple(kept.values())


def _again(measure: Element, before: int) -> int:
    """How many bars back stands what a bar is to repeat, 0 where it has no such sign."""
    for sign in measure.findall("attributes/measure-style/measure-repeat"):
        text = (sign.text or "").strip()
        before = int(text) if sign.get("type") == "start" and text in tuple("1248") else 0
    return before


def _called(voice: str, voices: dict[str, Any]) -> str:
    """A voice by staff and number, as far as they tell it apart."""
    staff, _, number = voice.partition(":")
    several_staves = len({it.partition(":")[0] for it in voices}) > 1
    alone = sum(it.startswith(f"{staff}:") for it in voices) == 1
    return " ".join(
        [f"staff {staff}"] * several_staves
        + [f"voice {number}"] * (not alone or not several_staves)
    )


def _laid_out(
    order: list[int],
    lengths: list[Fraction],
    written: list[tuple[int, int] | None],
    remarks: Remarks,
) -> tuple[list[Fraction], Fraction, list[tuple[Fraction, tuple[int, int]]]]:
    """Where each bar begins, the length of a pickup, and the metres.

    A bar that is shorter than its metre has one of its own, unless the next one completes it.
    """
    nominal, now = [], (4, 4)
    for metre in written:
        now = metre or now
        nominal.append(now)
    starts, at = [], Fraction(0)
    for it in order:
        starts.append(at)
        at += lengths[it]
    full = [Fraction(WHOLE * beats, unit) for beats, unit in nominal]
    pickup, first = Fraction(0), 0
    if len(order) > 1 and lengths[order[0]] < full[order[0]]:
        pickup, first = lengths[order[0]], 1
    metres: list[tuple[Fraction, tuple[int, int]]] = [(Fraction(0), nominal[order[0]])]
    place = first
    while place < len(order):
        it = order[place]
        own, step = nominal[it], 1
        if lengths[it] != full[it] and place + 1 < len(order):
            if lengths[it] + lengths[order[place + 1]] == full[it]:
                step = 2  # two halves of a bar, with a repeat or a line between them
            else:
                beats = lengths[it] / 4
                own = (beats.numerator, beats.denominator)
                unit = max(4, own[1])
                own = (own[0] * unit // own[1], unit)
                if unit > 64 or unit & (unit - 1):
                    own = nominal[it]
                else:
                    remarks.add(f"A bar that is {own[0]}/{own[1]} long, whatever its metre says")
        if own != metres[-1][1]:
            metres.append((starts[place], own))
        place += step
    if pickup and len(metres) > 1 and metres[1][0] == pickup:
        metres = [(Fraction(0), metres[1][1]), *metres[2:]]
    return starts, pickup, metres
