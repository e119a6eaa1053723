"""In which order the bars of a score are played: repeats, endings and jumps, written out.

* A repeat goes back to its beginning: the nearest one that is still open, else the bar behind the
  last repeat, else the first bar. So repeats may stand within one another.
* An ending is played in the turns that its number names. Several endings in a row belong together.
* *D.C.* and *D.S.* are followed once each, after the repeats of their bar. What was played before a
  jump is not repeated behind it, and of its endings the last one is taken, unless the file says
  ``after-jump``. Behind a jump, and only there, *Fine* ends the piece and *To Coda* leads on.

Chapter 1 (Twelve bars) has a form that goes round as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree.ElementTree import Element

from ... import briefly, limits
from ...arguments import checked, instance, several, whole
from .source import Remarks

_WORDS = (
    (r"(d\. ?[cs]\.).*|(d[cs]|da capo|dal segno)( .*)?", "jump"),
    (r"(al |il )?fine\.?", "fine"),
    (r"(to|al|alla|go to) (the )?coda", "leaves"),
    (r"coda", "coda"),
    (r"segno", "segno"),
)
_TIMES = 64  # that a repeat may be played


class _Jump(NamedTuple):
    """Back to the beginning, or to a segno of some name; until a Fine, a To Coda, or either."""

    said: str
    segno: str | None
    until: str | None


@dataclass
class _Marks:
    """What stands at a bar: what begins and ends there, and where it leads.

    back : how often what ends here is played, 0 where nothing ends. endings : the turns in which
    the bar is played, none where it always is. segno, coda, leaves : the names they have there;
    leaves : to which coda, before the bar is played if `early`.
    """

    forward: bool = False
    back: int = 0
    after_jump: bool = False
    endings: frozenset[int] = frozenset()
    segno: str | None = None
    coda: str | None = None
    leaves: str | None = None
    early: bool = False
    fine: bool = False
    jump: _Jump | None = None

    @property
    def any(self) -> bool:
        """Does anything stand here?"""
        return self != _Marks()


@checked(parts=several(instance(Element)), count=whole(0, limits.PIECE))
def order_of(parts: Sequence[Element], count: int, where: str, remarks: Remarks) -> list[int]:
    """The numbers of the bars, from 0, in the order in which they are played. Chapter 1.

    Parameters
    ----------
    parts : the elements of the parts; what stands in the first one that has any repeat or jump
        holds for all. count : how many bars there are. where : what errors call the file. remarks :
        is told what was written out, and what could not be followed.

    Raises
    ------
    ValueError : if the repeats make more bars than a piece may have steps.
    """
    for part in parts:
        measures = part.findall("measure")[:count]
        said = Remarks()
        marks = _read(measures, said)
        if any(mark.any for mark in marks):
            break
    else:
        return list(range(count))
    for sentence in said.said():
        remarks.add(sentence)
    names = [measure.get("number", str(at))[:20] for at, measure in enumerate(measures, start=1)]
    rest = range(len(marks), count)
    walk = _Walk([*marks, *(_Marks() for _ in rest)], [*names, *(str(at + 1) for at in rest)])
    return walk.order(where, remarks)


# ---- What stands at the bars ---------------------------------------------------------------------


def _read(measures: list[Element], remarks: Remarks) -> list[_Marks]:
    """The marks of each bar."""
    found, inside, unsure = [], frozenset[int](), []
    for measure in measures:
        mark, place = _Marks(), f"bar {measure.get('number', '?')[:20]}"
        stops, began = False, False
        for element in measure:
            if element.tag == "note":
                began = True
            elif element.tag == "barline":
                numbers, ends = _barline(element, mark, remarks, place)
                if mark.forward and element.find("repeat[@direction='forward']") is not None:
                    inside = frozenset()  # one that was never ended
                inside, stops = numbers or inside, stops or ends
            elif element.tag in ("direction", "sound") and _direction(element, mark, began):
                unsure.append(mark)
        mark.endings = inside
        if stops or mark.back:
            inside = frozenset()
        found.append(mark)
    # A sign of a coda with no word beside it: the first leads there, the last stands there.
    if len(unsure) > 1 and not any(mark.leaves for mark in found):
        unsure.pop(0).leaves = "coda"
    for mark in unsure[-1:]:
        mark.coda = mark.coda or "coda"
    return found


def _barline(
    line: Element, mark: _Marks, remarks: Remarks, place: str
) -> tuple[frozenset[int], bool]:
    """Take what stands at a bar line; the numbers of an ending that begins, whether one ends."""
    repeat, ending = line.find("repeat"), line.find("ending")
    for name in ("segno", "coda"):
        if line.get(name) or line.find(name) is not None:
            setattr(mark, name, line.get(name) or name)
    if repeat is not None and repeat.get("direction") == "forward":
        mark.forward = True
    elif repeat is not None:
        times = repeat.get("times", "2")
        mark.back = int(times) if times.isdecimal() and len(times) < 4 else 0
        mark.after_jump = repeat.get("after-jump") == "yes"
        if not 1 <= mark.back <= _TIMES:
            remarks.add(f"A repeat to be played {times[:9]!r} times was played twice", place)
            mark.back = 2
    if ending is None:
        return frozenset(), False
    numbers = frozenset[int]()
    if ending.get("type") == "start":
        text = ending.get("number") or "".join(ending.itertext())
        numbers = _numbers(text)
        if not numbers:
            remarks.add(f"An ending of the number {text[:9]!r} was not understood", place)
    return numbers, ending.get("type") in ("stop", "discontinue")


def _numbers(text: str) -> frozenset[int]:
    """The turns that an ending is for: ``1``, ``1, 2``, ``1.-3.``."""
    found: set[int] = set()
    for one in re.split(r"[,;\s]+", re.sub(r"\s*-\s*", "-", text[:99]).strip()):
        match = re.fullmatch(r"(\d{1,2})\.?(?:-(\d{1,2})\.?)?", one)
        if match is not None:
            found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(found - {0})


def _direction(element: Element, mark: _Marks, began: bool) -> bool:
    """Take signs and words, and what they sound as; True for a coda's sign that says no more."""
    sound = element if element.tag == "sound" else element.find("sound")
    says = {} if sound is None else sound.attrib
    words = " ".join(it.text or "" for it in element.findall("direction-type/words"))
    words = " ".join(words.lower().split())[: limits.NAME]
    kinds = {kind for pattern, kind in _WORDS if re.fullmatch(pattern, words)}
    signs = {it for it in ("segno", "coda") if element.find(f"direction-type/{it}") is not None}
    meant = {"segno", "coda", "tocoda", "fine", "dacapo", "dalsegno"} & says.keys()
    if says.get("segno") or (not meant and "segno" in signs | kinds):
        mark.segno = says.get("segno") or "segno"
    if says.get("tocoda") or (not meant and "leaves" in kinds):
        mark.leaves, mark.early = says.get("tocoda") or "coda", not began
    if says.get("coda") or (not meant and "coda" in kinds):
        mark.coda = says.get("coda") or "coda"
    if says.get("fine", "no") != "no" or (not meant and "fine" in kinds):
        mark.fine = True
    capo, segno = says.get("dacapo") == "yes", says.get("dalsegno")
    if not meant and "jump" in kinds:
        capo = re.sub("[^a-z]", "", words).startswith(("dc", "dacapo"))
        segno = None if capo else "segno"
    if capo or segno:
        until = next((it for it in ("fine", "coda") if it in words), None)
        said = ("D.C." if capo else "D.S.") + (f" al {until.title()}" if until else "")
        mark.jump = _Jump(said, None if capo else segno, until)
    return "coda" in signs and not (meant or kinds)


# ---- From bar to bar -----------------------------------------------------------------------------


class _Walk:
    """Goes through the bars as a player does, and notes them down."""

    def __init__(self, marks: list[_Marks], names: list[str]) -> None:
        self.marks, self.names = marks, names
        self.groups = _groups(marks)
        self.played: list[int] = []
        self.before: set[int] = set()  # bars that were played before the last jump
        self.open = [(0, 1)]  # where a section began, repeats in it, and in which turn they are
        self.jump: _Jump | None = None
        self.taken: list[int] = []  # bars whose jumps were followed
        self.said: list[str] = []
        self.nested = self.spared = False

    def order(self, where: str, remarks: Remarks) -> list[int]:
        """The order of the bars."""
        at: int | None = 0
        while at is not None and at < len(self.marks):
            at = self._from(at, remarks)
            if len(self.played) > limits.PIECE:
                raise ValueError(f"{where}: its repeats make more than {limits.PIECE:,} bars")
        self._report(remarks)
        return self.played

    def _from(self, at: int, remarks: Remarks) -> int | None:
        """Play a bar, or skip it: the next one, None at the end."""
        mark = self.marks[at]
        if mark.forward and not (len(self.open) > 1 and self.open[-1][0] == at):
            self.nested |= len(self.open) > 1
            self.open.append((at, 1))
        if mark.early and (coda := self._coda(at, remarks)) is not None:
            return coda
        if self._is_played(at):
            self.played.append(at)
            again = self._again(at)
            if again is not None:
                return again
            if self.jump and self.jump.until != "coda" and mark.fine:
                self.said.append(f"Fine after bar {self.names[at]}")
                self.jump = None
                return None
            if mark.leaves and not mark.early and (coda := self._coda(at, remarks)) is not None:
                return coda
            if mark.jump and at not in self.taken:
                to = self._jumped(at, mark.jump, remarks)
                if to is not None:
                    return to
        if mark.back or (at in self.groups and at == self.groups[at][-1]):
            self._close(at)
        return at + 1

    def _is_played(self, at: int) -> bool:
        """Is this the turn of a bar that may be in an ending?"""
        if at not in self.groups:
            return True
        group = self.groups[at]
        if self.before.intersection(group) and not any(self.marks[it].after_jump for it in group):
            return self._last(group) in self.marks[at].endings
        return self.open[-1][1] in self.marks[at].endings

    def _last(self, group: range) -> int:
        return max(max(self.marks[it].endings) for it in group)

    def _again(self, at: int) -> int | None:
        """Where a repeat that ends here leads back to, if it is not done yet."""
        mark, (start, turn) = self.marks[at], self.open[-1]
        if not mark.back:
            return None
        if at in self.before and not mark.after_jump:
            self.spared = True
            return None
        turns = mark.back
        if at in self.groups:
            group = self.groups[at]
            alone = all(self.marks[it].endings == mark.endings for it in group)
            turns = max(self._last(group) + alone, turns if alone else 0)
        if turn >= turns:
            return None
        self.open[-1] = start, turn + 1
        return start

    def _close(self, at: int) -> None:
        """A repeat is done, and its endings are: what follows is a new section."""
        group = self.groups.get(at)
        if group is not None and at != group[-1]:
            return
        if len(self.open) > 1:
            self.open.pop()
        if len(self.open) == 1:
            self.open = [(at + 1, 1)]

    def _coda(self, at: int, remarks: Remarks) -> int | None:
        """The bar of the coda, if a jump was taken that leads there."""
        if self.jump is None or self.jump.until == "fine":
            return None
        codas = [it for it in range(at + 1, len(self.marks)) if self.marks[it].coda]
        named = [it for it in codas if self.marks[it].coda == self.marks[at].leaves]
        if not codas:
            remarks.add("A To Coda without a coda behind it was passed over", self._bar(at))
            return None
        to = (named or codas)[0]
        self.said.append(f"To Coda {'before' if self.marks[at].early else 'after'} {self._bar(at)}")
        self.jump, self.open = None, [(to, 1)]
        return to

    def _jumped(self, at: int, jump: _Jump, remarks: Remarks) -> int | None:
        """The bar that a D.C. or D.S. leads back to."""
        to = 0
        if jump.segno is not None:
            segnos = [it for it in range(at + 1) if self.marks[it].segno]
            named = [it for it in segnos if self.marks[it].segno == jump.segno]
            if not segnos:
                remarks.add(f"A {jump.said} without a segno before it was passed over",
                            self._bar(at))  # fmt: skip
                self.taken.append(at)
                return None
            to = (named or segnos)[-1]
        self._missed(remarks)
        self.said.append(f"{jump.said} after {self._bar(at)}")
        self.taken.append(at)
        self.before = set(self.played)
        self.jump, self.open = jump, [(to, 1)]
        return to

    # ---- What is to be said ----

    def _bar(self, at: int) -> str:
        return f"bar {self.names[at]}"

    def _missed(self, remarks: Remarks) -> None:
        """Say that a jump did not come to where it is to end."""
        if self.jump is not None and self.jump.until is not None:
            what = {"fine": "Fine", "coda": "To Coda"}[self.jump.until]
            remarks.add(f"A {self.jump.said} met no {what} and went on to the end")

    def _report(self, remarks: Remarks) -> None:
        count = len(self.marks)
        self._missed(remarks)
        if self.played != list(range(count)):
            jumps = f": {', '.join(self.said)}" if self.said else ""
            bars = f"{briefly.counted(count, 'bar')} as {len(self.played)}"
            remarks.add(f"Repeats were written out: {bars}{jumps}")
        if self.spared:
            remarks.add("What was played before a jump was not repeated after it")
        if self.nested:
            remarks.add("A repeat begins within another: the inner one is played in each turn")
        if not self.taken:
            for at, mark in enumerate(self.marks):
                if mark.leaves or (mark.fine and at + 1 < count):
                    what = "To Coda" if mark.leaves else "Fine"
                    remarks.add(f"A {what} that no D.C. or D.S. leads to was passed over",
                                self._bar(at))  # fmt: skip
        for at in sorted(set(range(count)) - set(self.played)):
            remarks.add("A bar is never played, as repeats and endings stand", self._bar(at))


def _groups(marks: list[_Marks]) -> dict[int, range]:
    """For each bar in an ending, the bars of all endings that stand in a row with it."""
    found: dict[int, range] = {}
    at = 0
    while at < len(marks):
        end = at
        while end < len(marks) and marks[end].endings and not (end > at and marks[end].forward):
            end += 1
        found.update(dict.fromkeys(range(at, end), range(at, end)))
        at = max(end, at + 1)
    return found
