"""What can be learned from a tune, which has but one time through: its choruses, made of its bars.

The paper's network heard 1,024 choruses of one form, each bar of which had two melodies to choose
from (section 2.3). A tune of one's own has one melody a bar. So it is said, by name, where others
come from:

* ``"by heart"``: from nowhere. The choruses are those of the file, and learning is memorising.
* ``"bars"``: from bars of its own. A bar may have the melody of any bar over the same chords, of
  this tune or of others that are given. Where a bar's chords come but once, it keeps its melody.
* ``"variations"``: as ``"bars"``, and besides three changed forms of every bar: its pitches in
  reverse over the same rhythm, and each of its notes a step up, or a step down, in the row of
  pitches that the tune has.

If the chords of a tune go round several times in its file, that is the form, and each time through
is a chorus.

Chapter 8 (Experiment 2) has the choruses of the paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Literal

import numpy as np

from .. import briefly, limits
from ..arguments import array, checked, instance, several, whole
from ..music.blues import Note
from ..music.encoding import Encoding
from ..music.tunes.tune import Tune, encoding_of

Way = Literal["by heart", "bars", "variations"]
"""Where the melodies of a bar come from."""

CHORUSES = 1_024
"""Choruses to train on, at most; as many as in the paper."""

_NUMBERS = 20_000_000  # in all choruses together: 160 MB


@checked(
    choices=several(array("choices", "steps", whole=True)),
    own=array("choruses", "steps", whole=True),
)
@dataclass(frozen=True, eq=False)
class Material:
    """What a network is to learn: a form, and for each bar of it the melodies that it may have.

    Attributes
    ----------
    form : one time through; its melody is that of the first chorus. The parts of its file, which
        nobody needs any more, are left out.
    encoding : the units of chords and melody.
    way : where the melodies come from.
    choices : for each bar the melodies, shape ``(choices, steps)`` each: a pitch at each step, 0
        for a rest; empty where there is no melody. The bars are those of `Tune.bar_lines`; the last
        one goes on in the pickup.
    own : the melodies that came in, a row for each chorus over the form: int, shape ``(choruses,
        steps)``.
    """

    form: Tune
    encoding: Encoding
    way: Way
    choices: tuple[np.ndarray, ...]
    own: np.ndarray

    def __post_init__(self) -> None:
        if self.own.shape[1] != self.form.steps:
            raise ValueError(
                f"own: expected melodies of {self.form.steps} steps, got {self.own.shape}"
            )
        lines = [*self.form.bar_lines, self.form.steps + self.form.pickup]
        lengths = [b - a for a, b in pairwise(lines)] if self.encoding.melody else []
        found = [bar.shape[1] if len(bar) else 0 for bar in self.choices]
        if found != lengths:
            raise ValueError(
                f"choices: expected melodies for bars of {lengths[:8]} steps, got {found[:8]}"
            )

    def __repr__(self) -> str:
        choruses = "1 chorus" if self.count == 1 else f"{briefly.large(self.count)} choruses"
        return f"Material({self.form.name!r}, {self.way}, {choruses})"

    @property
    def count(self) -> int:
        """How many different choruses can be made of the choices."""
        if self.way == "by heart":
            return max(1, len(np.unique(self.own, axis=0)))
        return math.prod(len(bar) for bar in self.choices)

    @property
    def chord_roll(self) -> np.ndarray:
        """The chords of the form, shape ``(steps, units)``, with no melody."""
        return chord_roll(self.form, self.encoding)

    @checked(count=whole(1, limits.CHORUSES))
    def lines(self, count: int, rng: np.random.Generator | int) -> np.ndarray:
        """Draw so many melodies over the form: int, shape ``(count, steps)``. Chapter 8."""
        rng = np.random.default_rng(rng)
        if self.way == "by heart":
            return self.own[rng.integers(len(self.own), size=count)]
        bars = [bar[rng.integers(len(bar), size=count)] for bar in self.choices]
        return np.roll(np.concatenate(bars, axis=1), self.form.pickup, axis=1)

    @checked
    def training(self, rng: np.random.Generator | int) -> np.ndarray:
        """The rolls to train on, all different, 1,024 at most: shape ``(choruses, steps, units)``.

        Chapter 8.
        """
        size = self.form.steps * self.encoding.units
        most = max(1, min(CHORUSES, _NUMBERS // size))
        if not self.encoding.melody:
            return self.chord_roll[None]
        lines = (
            self.own if self.way == "by heart" else self.lines(min(4 * most, self.count * 8), rng)
        )
        _, first = np.unique(lines, axis=0, return_index=True)
        return self.rolls(lines[np.sort(first)[:most]])

    @checked(lines=array("choruses", "steps", whole=True))
    def rolls(self, lines: np.ndarray) -> np.ndarray:
        """Melodies over the chords of the form, shape ``(choruses, steps, units)``. Chapter 8."""
        if lines.shape[1] != self.form.steps:
            raise ValueError(
                f"lines: expected melodies of {self.form.steps} steps, got shape {lines.shape}"
            )
        rolls = np.tile(self.chord_roll, (len(lines), 1, 1))
        pitches = [*self.encoding.melody, *[0] * self.encoding.rest]
        rolls[:, :, self.encoding.melody_units] = lines[..., None] == np.array(pitches)
        return rolls

    def report(self) -> str:
        """Where the melodies come from and how many there are, in a sentence or two. Chapter 8."""
        if not self.encoding.melody:
            return "There is no melody, so the chords alone are learned."
        free = sum(len(bar) > 1 for bar in self.choices)
        bars = f"{free} of {briefly.counted(len(self.choices), 'bar')}"
        heart = "learning it is memorising it"
        if self.way == "by heart":
            return f"By heart: {briefly.counted(len(self.own), 'chorus', 'choruses')}; {heart}."
        if self.count == 1:
            return f"No bar has another melody over the same chords; {heart}."
        what = "bars over the same chords"
        if self.way == "variations":
            what += ", reversed bars and bars a step up or down"
        return (
            f"From {what}: {bars} {'has' if free == 1 else 'have'} more than one melody, "
            f"{briefly.large(self.count)} choruses in all."
        )


@checked(tunes=several(instance(Tune), some=True))
def material(tunes: Sequence[Tune], way: Way = "bars") -> Material:
    """Make of tunes what a network can learn. Chapter 8.

    Parameters
    ----------
    tunes : the first has the form; the others lend their bars, and their choruses if they are of
        the same form. All have one grid.

    Raises
    ------
    ValueError : for tunes of different grids, or if there is none.
    """
    grids = {tune.grid for tune in tunes}
    if len(grids) > 1:
        raise ValueError(
            f"tunes: expected one grid, got {', '.join(map(str, sorted(grids)))} steps a whole "
            "note: read all of them with the finest, by grid="
        )
    with_melody = [tune for tune in tunes if tune.melody] if tunes[0].melody else []
    encoding = encoding_of([tunes[0], *with_melody[:]])
    form = replace(_cut(tunes[0], form_of(tunes[0])), parts=())
    lines = [_line(tune, encoding) for tune in with_melody]
    own = [row for tune, line in zip(with_melody, lines, strict=True)
           for row in _choruses(tune, line, form, encoding)]  # fmt: skip
    if not encoding.melody:
        return Material(form, encoding, way, (), np.zeros((0, form.steps), dtype=int))
    choices = _choices(form, list(zip(with_melody, lines, strict=True)), encoding)
    if way == "variations":
        choices = tuple(_varied(bar, encoding.melody) for bar in choices)
    return Material(form, encoding, way, choices, np.array(own, dtype=int))


@checked
def chord_roll(tune: Tune, encoding: Encoding) -> np.ndarray:
    """The chords of a tune as the network hears them, shape ``(steps, units)``. Chapter 7."""
    roll = np.zeros((tune.steps, encoding.units))
    classes = {pitch % 12: unit for unit, pitch in enumerate(encoding.chords)}
    for pitch, onset, duration in tune.chords:
        if pitch % 12 in classes:
            roll[onset : onset + duration, classes[pitch % 12]] = 1.0
    return roll


@checked
def form_of(tune: Tune) -> int:
    """After how many steps the chords of a tune come round: all of them, if they never do.

    It is some whole bars that divide the tune; of a tune without chords, all. Chapter 7.
    """
    encoding = Encoding(tuple(range(48, 60)), ())
    roll = chord_roll(tune, encoding)
    if not tune.chords or len(tune.metres) > 1:
        return tune.steps
    for bars in range(1, tune.bars // 2 + 1):
        steps = bars * tune.bar_steps
        if tune.bars % bars == 0 and (roll == np.roll(roll, steps, axis=0)).all():
            return steps if len(np.unique(roll[:steps], axis=0)) > 1 else tune.steps
    return tune.steps


def _cut(tune: Tune, steps: int) -> Tune:
    """One time through a tune whose chords come round."""
    if steps == tune.steps:
        return tune

    def kept(notes: tuple[Note, ...]) -> tuple[Note, ...]:
        return tuple(
            note._replace(duration=min(note.duration, steps - note.onset))
            for note in notes
            if note.onset < steps
        )

    said = f"The chords come round after {briefly.counted(steps // tune.bar_steps, 'bar')}"
    return replace(
        tune,
        steps=steps,
        parts=(),
        melody=kept(tune.melody),
        chords=kept(tune.chords),
        symbols=tuple(it for it in tune.symbols if it[0] < steps),
        tempi=tuple(it for it in tune.tempi if it.at < steps),
        remarks=(*tune.remarks, said),
    )


def _line(tune: Tune, encoding: Encoding) -> np.ndarray:
    """The melody of a tune: a pitch at each step, 0 in a rest."""
    roll = Tune.roll(tune, Encoding((), encoding.melody, encoding.rest))
    return (roll[:, : len(encoding.melody)] @ np.array(encoding.melody)).astype(int)


def _choruses(tune: Tune, line: np.ndarray, form: Tune, encoding: Encoding) -> list[np.ndarray]:
    """The melody of a tune, parted into choruses of a form; none if it is of another form."""
    if tune.steps % form.steps or tune.pickup != form.pickup:
        return []
    times = tune.steps // form.steps
    if (chord_roll(tune, encoding) != np.tile(chord_roll(form, encoding), (times, 1))).any():
        return []
    return [line[start : start + form.steps] for start in range(0, tune.steps, form.steps)]


@checked(rows=array(single=True))
def bars_of(tune: Tune, rows: np.ndarray) -> list[np.ndarray]:
    """Rows, one for each step of a tune, parted into its bars; the last goes on in the pickup.

    Chapter 1.
    """
    if not rows.ndim or len(rows) != tune.steps:
        raise ValueError(
            f"rows: expected {tune.steps}, as the tune has steps, got shape {rows.shape}"
        )
    turned = np.roll(rows, -tune.pickup, axis=0)
    lines = [line - tune.pickup for line in tune.bar_lines]
    return [turned[a:b] for a, b in zip(lines, [*lines[1:], len(rows)], strict=True)]


def _choices(
    form: Tune, tunes: list[tuple[Tune, np.ndarray]], encoding: Encoding
) -> tuple[np.ndarray, ...]:
    """For each bar of a form, the different melodies of bars over the same chords."""
    known: dict[tuple[int, bytes], list[np.ndarray]] = {}
    for tune, line in tunes:
        pairs = zip(bars_of(tune, chord_roll(tune, encoding)), bars_of(tune, line), strict=True)
        for chords, melody in pairs:
            known.setdefault((len(chords), chords.tobytes()), []).append(melody)
    found = []
    for number, chords in enumerate(bars_of(form, chord_roll(form, encoding))):
        if form.chords:
            melodies = known[len(chords), chords.tobytes()]
        else:  # nothing tells which bars belong together
            melodies = [bars[number] for bars in (bars_of(form, line[: form.steps])
                        for tune, line in tunes if tune.bar_lines == form.bar_lines)]  # fmt: skip
        _, first = np.unique(np.array(melodies), axis=0, return_index=True)
        found.append(np.array(melodies)[np.sort(first)])
    return tuple(found)


def _varied(bars: np.ndarray, pitches: tuple[int, ...]) -> np.ndarray:
    """The melodies of a bar, and after them the changed forms of each, all different."""
    rows = np.array([0, *sorted(pitches)])
    all_of_them = list(bars)
    for bar in bars:
        runs = [(value, len(list(run))) for value, run in groupby(bar.tolist())]
        turned = iter([value for value, _ in runs if value][::-1])
        reverse = [(next(turned) if value else 0, length) for value, length in runs]
        all_of_them.append(np.repeat(*map(list, zip(*reverse, strict=True))))
        place = np.searchsorted(rows, bar)
        for by in (1, -1):
            moved = np.clip(place + by, 1, len(rows) - 1)
            all_of_them.append(rows[np.where(place > 0, moved, 0)])
    found = np.array(all_of_them)
    _, first = np.unique(found, axis=0, return_index=True)
    return found[np.sort(first)]
