"""In which order the bars of a score are played: repeats and their endings, written out.

Chapter 1 (Twelve bars) has a form that goes round as a whole.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from ... import limits
from ...arguments import checked, either, instance, none, whole
from .source import Remarks


@checked(part=either(instance(Element), none()), count=whole(0, limits.PIECE))
def order_of(part: Element | None, count: int, where: str, remarks: Remarks) -> list[int]:
    """The numbers of the bars, from 0, in the order in which they are played. Chapter 1.

    Parameters
    ----------
    part : the element of a part; repeats of the first part are those of all. count : how many bars
        there are. where : what errors call the file. remarks : is told if any bar is repeated.

    Raises
    ------
    ValueError : if the repeats make more bars than a piece may have steps.
    """
    measures = part.findall("measure") if part is not None else []
    forward, backward, endings = set(), {}, {}
    inside: set[int] = set()
    for number, measure in enumerate(measures):
        for line in measure.findall("barline"):
            repeat, ending = line.find("repeat"), line.find("ending")
            if repeat is not None and repeat.get("direction") == "forward":
                forward.add(number)
            elif repeat is not None:
                times = repeat.get("times", "2")
                backward[number] = int(times) if times in ("2", "3", "4", "5", "6", "7", "8") else 2
            if ending is not None and ending.get("type") == "start":
                text = ending.get("number", "1").replace(" ", "")
                inside = {int(it) for it in text.split(",") if it.isdecimal() and len(it) < 3}
            if inside:
                endings[number] = set(inside)
            if ending is not None and ending.get("type") in ("stop", "discontinue"):
                inside = set()
        if inside:
            endings[number] = set(inside)
    order: list[int] = []
    at, start, turn = 0, 0, 1
    while at < count:
        behind = at not in endings and at - 1 in endings and at > start
        if (at in forward and at != start) or behind:
            start, turn = at, 1
        if at not in endings or turn in endings[at]:
            order.append(at)
            if len(order) > limits.PIECE:
                raise ValueError(f"{where}: its repeats make more than {limits.PIECE:,} bars")
            again = backward.get(at)
            last = max(endings.get(at, {again or 0}), default=0)
            if again and turn < max(again, last + (at in endings)):
                turn, at = turn + 1, start
                continue
            if again:
                start, turn = at + 1, 1
        at += 1
    if len(order) > count:
        remarks.add(f"Repeats were written out: {count} bars as {len(order)}")
    return order
