"""A person and a network play together: notes onto the grid, and who plays what, step by step.

`Hands` takes a person's notes as they come and says, when a step is over, what was played on it. A
`Duet` lets a network hear that, and play the other voice, or both in its turn. Nothing here knows
of ports or clocks: `live` does. ``hands.js`` and ``play.js`` of `showing.stage` do the same in the
page, and tests compare them.

The paper wishes for "a tool for interactive improvisation" (section 5.1). Chapter 8 (Experiment 2)
has the network that plays.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from .. import briefly
from ..arguments import array, checked, flag, real, whole
from ..machine.kernel import draw_unit
from ..machine.network import Network, State
from ..music.encoding import Encoding
from .composing import alone

FOUR = 4
"""Bars that one plays before the other does, where they trade fours."""


class Stroke(NamedTuple):
    """A note that began: its unit, counted from the first of the voice, and when."""

    unit: int
    time: float


class Played(NamedTuple):
    """What a person played on one step.

    struck : the notes that began. sounding : the units that sound, those too that ended in it.
    heard : the units that the network hears; None before the first note.
    """

    struck: tuple[Stroke, ...]
    sounding: tuple[int, ...]
    heard: tuple[int, ...] | None


@checked(single=flag())
class Hands:
    """A person's notes, put onto the grid.

    Only a new note changes what the network hears: all that sounds then or, of a single line, the
    note that began last. The network has never heard a rest, so it hears none.

    Parameters
    ----------
    single : whether they play one line, such as a melody, of which one note is heard at a time.

    Chapter 8.
    """

    def __init__(self, single: bool) -> None:
        self.single = single
        self._events: list[tuple[float, int, bool]] = []
        self._down: set[int] = set()
        self._heard: tuple[int, ...] | None = None

    @checked(unit=whole(0), time=real())
    def press(self, unit: int, time: float) -> None:
        """A note begins. Chapter 8."""
        self._events.append((time, unit, True))

    @checked(unit=whole(0), time=real())
    def lift(self, unit: int, time: float) -> None:
        """A note ends. Chapter 8."""
        self._events.append((time, unit, False))

    def forget(self) -> None:
        """As before the first note, for what the network hears. Chapter 8."""
        self._heard = None

    @checked(until=real(finite=False))
    def close(self, until: float) -> Played:
        """End a step: what came before ``until`` belongs to it, the rest to the next. Chapter 8."""
        struck: list[Stroke] = []
        later = []
        for time, unit, begins in self._events:
            if time >= until:
                later.append((time, unit, begins))
            elif begins:
                struck.append(Stroke(unit, time))
                self._down.add(unit)
            else:
                self._down.discard(unit)
        self._events = later
        sounding = tuple(sorted(self._down | {it.unit for it in struck}))
        if struck:
            self._heard = (struck[-1].unit,) if self.single else sounding
        return Played(tuple(struck), sounding, self._heard)


@checked(first=array("inputs", dtype=float), temperature=real(0), fours=flag(), bar=whole(1))
class Duet:
    """A network that plays while it hears a person.

    A voice that a person plays is chosen by the network all the same, and heard by it as long as
    the person has played nothing. What it chooses is what `composing.free_run` chooses of the same
    seed, until a person's note differs.

    Attributes
    ----------
    step : the number of the step that sounds, from 0.
    row : what sounds on it, shape ``(inputs,)``, zeros and ones; the voice of a person whose turn
        it is is silent in it.

    Parameters
    ----------
    network : with a voice of `encoding`'s chords and one of its melody, in this order.
    first : the first step, shape ``(inputs,)``; what is a person's in it is heard by the network.
    rng : where its notes are drawn from; an int is a seed.
    you : what the person plays. encoding : of the network.
    state : what the network brings along, see `composing.hear`; cleared unless given.
    temperature : see `composing.free_run`.
    fours : whether they trade fours: four bars the person, four bars the network, which plays both
        voices then. bar : steps in a bar.

    Raises
    ------
    ValueError : for a network of other voices, or a first step that is no row of zeros and ones.

    Chapter 8.
    """

    def __init__(
        self,
        network: Network,
        first: np.ndarray,
        rng: np.random.Generator | int,
        *,
        encoding: Encoding,
        you: Literal["melody", "chords"] = "melody",
        state: State | None = None,
        temperature: float = 1.0,
        fours: bool = False,
        bar: int = 8,
    ) -> None:
        chords, units = len(encoding.chords), encoding.units
        found = [voice.inputs for voice in network.topology.voices]
        if found != [chords, units - chords]:
            raise ValueError(
                f"network: expected voices of {chords} and {units - chords} units, the chords and "
                f"the melody; got {' and '.join(map(str, found))}"
            )
        if first.shape != (units,) or not np.isin(first, (0.0, 1.0)).all():
            raise ValueError(
                f"first: expected a row of {units} zeros and ones, got {briefly.came(first)}"
            )
        self._heard = first.copy()
        self.mine = encoding.chord_units if you == "chords" else encoding.melody_units
        self.fours, self.bar, self.temperature = fours, bar, temperature
        self._arena = alone(network, state)
        self._voices = network.topology.voices
        self._rng = np.random.default_rng(rng)
        self._draws()  # of the first step, on which nothing is drawn: as in a free run
        self.step = 0
        self.row = self._shown()

    def yours(self, step: int | None = None) -> bool:
        """Is it the person's turn on a step, on the one that sounds unless it is given?

        Chapter 8.
        """
        step = self.step if step is None else step
        return not self.fours or step // (FOUR * self.bar) % 2 == 0

    @property
    def new_turn(self) -> bool:
        """Has the turn changed with the step that sounds?"""
        return self.fours and self.step % (FOUR * self.bar) == 0

    def go_on(self, heard: tuple[int, ...] | None) -> np.ndarray:
        """End the step that sounds, and begin the next.

        Parameters
        ----------
        heard : the units that a person plays, counted from the first of the voice; None if nothing
            was played, and the network hears its own.

        Returns
        -------
        The `row` of the next step.

        Raises
        ------
        ValueError : for a unit that the voice does not have; outputs of which no note can be drawn.

        Chapter 8.
        """
        if heard is not None and self.yours():
            own = np.zeros(self.mine.stop - self.mine.start)
            strange = [unit for unit in heard if not 0 <= unit < len(own)]
            if strange:
                raise ValueError(
                    f"heard: expected units from 0 to {len(own) - 1}, got {strange[0]}"
                )
            own[list(heard)] = 1.0
            self._heard[self.mine] = own
        _, predictions = self._arena.run(self._heard[None], 1)
        self._choose(predictions[0])
        self.step += 1
        self.row = self._shown()
        return self.row

    def _choose(self, prediction: np.ndarray) -> None:
        """What the network would play next, in all voices."""
        start = 0
        for voice, draw in zip(self._voices, self._draws(), strict=True):
            units = slice(start, start + voice.inputs)
            start += voice.inputs
            if voice.choice == "threshold":
                self._heard[units] = prediction[units] > 0.5
                continue
            unit = draw_unit(prediction[units], draw, self.temperature)
            if unit < 0:
                raise ValueError(f"step {self.step}: no note can be drawn from {voice.name!r}")
            self._heard[units] = 0.0
            self._heard[units.start + unit] = 1.0

    def _draws(self) -> np.ndarray:
        return self._rng.random(len(self._voices))

    def _shown(self) -> np.ndarray:
        row = self._heard.copy()
        if self.yours():
            row[self.mine] = 0.0
        return row
