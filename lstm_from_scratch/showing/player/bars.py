"""Where the bars of music stand, and what the player says of each step: of a form, or of a tune.

Chapter 1 (Twelve bars) has a form, chapter 17 (Your own music) tunes.
"""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from typing import NamedTuple

from ...arguments import checked, whole
from ...music.blues import Form, chord_tones
from ...music.tunes.symbols import understood
from ...music.tunes.tune import Tune

_BEHIND = {
    Fraction(1, 2): "½",
    Fraction(1, 3): "⅓",
    Fraction(2, 3): "⅔",
    Fraction(1, 4): "¼",
    Fraction(3, 4): "¾",
}


class Bars(NamedTuple):
    """The bars of so many steps of music.

    starts, numbers : the step at which each begins, and what it is called. bar, beat : steps of an
    ordinary one. once : steps of one time through. symbols : steps and chord symbols, to be written
    above. places : of each step, in words. current : the chord symbol in force at each step, empty
    where there is none. spelled : pitch classes of each symbol.
    """

    starts: tuple[int, ...]
    numbers: tuple[int, ...]
    bar: int
    beat: int
    once: int
    symbols: tuple[tuple[int, str], ...]
    places: tuple[str, ...]
    current: tuple[str, ...]
    spelled: dict[str, frozenset[int]]


@checked(count=whole(1))
def of_form(form: Form, count: int) -> Bars:
    """The bars of some steps over a form, which begins anew each chorus. Chapter 1."""
    starts = tuple(range(0, count, form.steps_per_bar))
    current = [form.chords[step // form.steps_per_bar % form.bars] for step in range(count)]
    return Bars(
        starts,
        tuple(bar % form.bars + 1 for bar in range(len(starts))),
        form.steps_per_bar,
        2,
        form.steps,
        tuple((start, current[start]) for start in starts),
        tuple(_place(step, starts, form.bars, 2, count > form.steps) for step in range(count)),
        tuple(current),
        {
            symbol: frozenset(pitch % 12 for pitch in chord_tones(symbol, form.chord_pitches))
            for symbol in form.chords
        },
    )


@checked(count=whole(1))
def of_tune(tune: Tune, count: int) -> Bars:
    """The bars of some steps over a tune; a pickup comes before the first. Chapter 17."""
    times = -(-count // tune.steps)
    offsets = [time * tune.steps for time in range(times)]
    starts = tuple(at + line for at in offsets for line in tune.bar_lines if at + line < count)
    symbols = tuple((at + on, s) for at in offsets for on, s in tune.symbols if at + on < count)
    beat = max(1, tune.grid // tune.metres[0].unit)
    marks = [at for at, _ in symbols]
    current = tuple(
        symbols[bisect_right(marks, step) - 1][1] if marks and step >= marks[0] else ""
        for step in range(count)
    )
    known = {said: understood(said) for _, said in tune.symbols}
    return Bars(
        starts,
        tuple(number % tune.bars + 1 for number in range(len(starts))),
        tune.bar_steps,
        beat,
        tune.steps,
        symbols,
        tuple(_place(step, starts, tune.bars, beat, times > 1) for step in range(count)),
        current,
        {said: found.classes for said, found in known.items() if found is not None},
    )


def _place(step: int, starts: tuple[int, ...], bars: int, beat: int, several: bool) -> str:
    """The place of a step, such as ``"bar 5, beat 2"``; in longer music with the chorus."""
    number = bisect_right(starts, step) - 1
    if number < 0:
        return "before bar 1"
    chorus, bar = divmod(number, bars)
    whole_beats, rest = divmod(step - starts[number], beat)
    place = f"bar {bar + 1}, beat {whole_beats + 1}{_BEHIND.get(Fraction(rest, beat), '')}"
    return f"chorus {chorus + 1}, {place}" if several else place
