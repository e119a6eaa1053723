"""Free run: a trained network hears its own choices and goes on by itself.

The paper's test of the chords (section 3.2) gives the first step of the song; from there on the
network's own predictions, each unit on if its output is above 0.5, are its inputs. A melody is
composed in the same way, but one note is drawn at each step (section 4.2).

Chapters 7 (Experiment 1) and 8 (Experiment 2) build this module up; chapter 10 compares a network
with other composers, each of which has the two abilities of a `Composer`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .. import limits
from ..arguments import (
    array,
    buffer,
    checked,
    real,
    several,
    text,
    whole,
)
from ..machine import kernel
from ..machine.caching import njit
from ..machine.kernel import Arena, Recall, draw_unit
from ..machine.network import Network, State, cleared, forward, solo
from ..music.blues import TWELVE_BAR, Form
from ..music.encoding import CHORDS_AND_MELODY, Encoding
from ..music.midi import Music, tracks

_STEPS = whole(1, limits.RUN)
_TEMPERATURE = real(0)
_ROLL = array("steps", "inputs", dtype=float)


class Composer(Protocol):
    """Whoever hears music and says what may come next, and can go on alone. Chapter 10.

    Music is a roll of the 25 units of `CHORDS_AND_MELODY`, with one melody note at each step. A
    composer keeps nothing from one call to the next: each begins from silence.
    """

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """How likely each unit is to be on at the next step, of a roll that is given to it.

        Row ``t`` of the result, of ``roll``'s shape, is about row ``t + 1`` and depends on the rows
        up to ``t`` alone. Melody units are probabilities after they were made to sum to 1.
        """

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """Play: a roll of shape ``(steps, 25)`` that begins with the seed."""


@checked
@dataclass(frozen=True)
class Soloist:
    """A network of memory blocks as a `Composer`: `predict` and `free_run`. Chapter 10."""

    network: Network

    def predict(self, roll: np.ndarray) -> np.ndarray:
        """See `Composer.predict`."""
        return predict(self.network, roll)

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator | int) -> np.ndarray:
        """See `Composer.go_on`."""
        return free_run(self.network, seed, steps, rng)


def _expect_melody(outputs: np.ndarray, chords: int, **_: object) -> None:
    if chords >= len(outputs):
        raise ValueError(f"chords: expected fewer than {len(outputs)} outputs, got {chords}")


@checked(
    outputs=array("units", some=True, dtype=float),
    chords=whole(0),
    draw=real(0, below=1, as_float=True),
    chosen=buffer("units"),
    also=_expect_melody,
)
@njit(cache=True, error_model="numpy", nogil=True)
def choose(outputs, chords, draw, chosen):  # type: ignore[no-untyped-def]
    """Make the next step of outputs: chords by a threshold, one melody note drawn (section 4.2).

    Parameters
    ----------
    outputs : probabilities, shape ``(units,)``. chords : how many of them, the first, are chords.
    draw : a uniform random number from 0 up to 1. chosen : zeros and ones, written in place.

    Chapter 10.
    """
    for unit in range(chosen.size):
        chosen[unit] = 1.0 if unit < chords and outputs[unit] > 0.5 else 0.0
    chosen[chords + draw_unit(outputs[chords : chosen.size], draw, 1.0)] = 1.0


@checked(seed=array("steps", CHORDS_AND_MELODY.units, dtype=float), steps=_STEPS)
def checked_seed(seed: np.ndarray, steps: int) -> np.ndarray:
    """The beginning of a composition as float64, if it is one of `CHORDS_AND_MELODY` and fits.

    Raises
    ------
    ValueError : for a seed of another shape, with other numbers than 0 and 1, empty or longer than
        ``steps``.

    Chapter 10.
    """
    seed = CHORDS_AND_MELODY.check(seed)
    if not 1 <= len(seed) <= steps:
        raise ValueError(f"a seed of {len(seed)} steps for {steps}: expected 1 to {steps}")
    return seed


@checked(seed=_ROLL, steps=_STEPS, temperature=_TEMPERATURE)
def free_run(
    network: Network,
    seed: np.ndarray,
    steps: int,
    rng: np.random.Generator | int | None = None,
    *,
    temperature: float = 1.0,
    state: State | None = None,
) -> np.ndarray:
    """Let a network play.

    Parameters
    ----------
    network : each of its voices chooses by threshold or draws one unit, as its topology says.
    seed : the steps that are given, shape ``(at least 1, inputs)``, zeros and ones.
    steps : how many steps to play, the seed included.
    rng : where voices that draw take their random numbers from, an int for its seed; not
        needed by others.
    temperature : of voices that draw, see `draw_unit`. 1 is the paper's way; below 1 likely notes
        become likelier, and 0 always takes the likeliest.
    state : what the network brings along to the first step, cleared unless given.

    Returns
    -------
    A roll of shape ``(steps, inputs)`` that begins with the seed.

    Raises
    ------
    ValueError : for a seed of another shape or longer than ``steps``, or with other numbers; for a
        voice that draws without ``rng``, a temperature below 0, or outputs that sum to zero; for a
        state that is not one finite number a cell.

    Sections 3.2 and 4.2; chapters 7 and 8, with a state chapter 9.
    """
    seed = _checked(network, seed, "seed")
    if steps < len(seed):
        raise ValueError(f"a seed of {len(seed)} steps does not fit into {steps} steps")
    voices = network.topology.voices
    draws = np.zeros((steps, len(voices)))
    if any(voice.choice == "sample" for voice in voices):
        if rng is None:
            raise ValueError(
                "this network draws notes at random: it needs rng, a numpy Generator or "
                "an int for its seed"
            )
        draws = np.random.default_rng(rng).random((steps, len(voices)))
    roll = np.zeros((steps, network.topology.inputs))
    roll[: len(seed)] = seed
    heard, _ = alone(network, state).run(roll, len(seed), draws, float(temperature))
    return heard


@checked(given=whole(1, limits.RUN), choruses=whole(1, limits.CHORUSES), temperature=_TEMPERATURE)
def compose(
    network: Network,
    music: Music,
    given: int,
    choruses: int,
    rng: np.random.Generator | int,
    *,
    encoding: Encoding = CHORDS_AND_MELODY,
    form: Form = TWELVE_BAR,
    temperature: float = 1.0,
    state: State | None = None,
) -> np.ndarray:
    """Give a network the beginning of a piece, then let it improvise over the form.

    Parameters
    ----------
    network : of Experiment 2, or another that plays this encoding.
    music : a piece, such as `blues.chorus`, whose first steps are given.
    given : how many of its steps: 2 for a single quarter note, up to 48 for 24 notes in the paper.
    choruses : how many to play, the beginning included.
    rng : where the notes are drawn from; an int is a seed.
    encoding, form : of the network and the music; their lengths are those of the roll.
    temperature : see `free_run`.
    state : what the network brings along, see `hear`; cleared unless given.

    Returns
    -------
    A roll of shape ``(choruses * form.steps, units)``.

    Raises
    ------
    ValueError : for a network that does not play this encoding, notes that it has no units for, a
        beginning that is longer than the piece, or no chorus.

    Section 4.2; chapter 8.
    """
    if network.topology.inputs != encoding.units:
        raise ValueError(
            f"the network has {network.topology.inputs} inputs, the encoding {encoding.units} units"
        )
    notes = [note for part in tracks(music).values() for note in part]
    length = max((note.onset + note.duration for note in notes), default=0)
    if not 1 <= given <= length:
        raise ValueError(f"given must be 1 to {length}, the steps of the piece, got {given}")
    steps = choruses * form.steps
    limits.expect_steps(f"choruses, {choruses:,} of {form.steps} steps", steps, limits.RUN)
    if given > steps:
        raise ValueError(f"{given} steps are given, but only {steps} are to be played")
    seed = encoding.encode(notes, length)[:given]
    return free_run(network, seed, steps, rng, temperature=temperature, state=state)


@checked(roll=_ROLL, voices=several(text()), temperature=_TEMPERATURE)
def play_along(
    network: Network,
    roll: np.ndarray,
    voices: tuple[str, ...],
    rng: np.random.Generator | int,
    *,
    temperature: float = 1.0,
) -> np.ndarray:
    """Let some voices improvise over others that are given, from a cleared state.

    In plain NumPy, some thousand steps a second: `free_run` is the compiled way to let all play.

    Parameters
    ----------
    network : topology and weights.
    roll : what is heard, shape ``(steps, inputs)``. Of the voices that play only the first row
        counts.
    voices : names of those that play.
    rng : where the notes of a voice that draws come from; an int is a seed.
    temperature : see `free_run`.

    Returns
    -------
    A roll of the same shape in which the named voices have their own notes.

    Raises
    ------
    ValueError : for a roll of another shape or with numbers other than 0 and 1, an unknown voice,
        or outputs from which no note can be drawn.

    Chapter 11.
    """
    heard, t = _checked(network, roll).copy(), network.topology
    rng = np.random.default_rng(rng)
    parts = {name: t.parts(name)[0] for name in voices}
    playing = [(parts[voice.name], voice) for voice in t.voices if voice.name in parts]
    state = cleared(t)
    for step in range(len(heard) - 1):
        now = forward(network, state, heard[step])
        state = now.state
        for units, voice in playing:
            if voice.choice == "threshold":
                heard[step + 1, units] = now.prediction[units] > 0.5
                continue
            unit = draw_unit(now.prediction[units], rng.random(), temperature)
            if unit < 0:
                raise ValueError(f"step {step}: no note can be drawn from voice {voice.name!r}")
            heard[step + 1, units] = 0.0
            heard[step + 1, units.start + unit] = 1.0
    return heard


@checked(roll=_ROLL)
def hear(network: Network, roll: np.ndarray) -> State:
    """The state in which a network is after a roll that is given to it, from a cleared state.

    A network that was trained on an endless stream of choruses plays better when it has heard some.

    Raises
    ------
    ValueError : for a roll of another shape or with numbers other than 0 and 1.

    Chapter 8.
    """
    roll = _checked(network, roll)
    arena = alone(network)
    arena.run(roll, len(roll))
    return arena.state()


@checked(roll=_ROLL)
def predict(network: Network, roll: np.ndarray) -> np.ndarray:
    """What a network predicts at each step of a roll that is given to it (teacher forcing).

    Row ``t`` of the result, of ``roll``'s shape, is the prediction of row ``t + 1``.

    Raises
    ------
    ValueError : for a roll of another shape or with numbers other than 0 and 1.

    Chapter 7.
    """
    return kernel.predict(network, _checked(network, roll))


@checked(roll=_ROLL, choruses=whole(1, limits.CHORUSES))
def recall(network: Network, roll: np.ndarray, choruses: int) -> Recall:
    """The paper's test, for as many choruses as asked: how long does a free run keep to the form?

    Parameters
    ----------
    network : with voices that choose by threshold.
    roll : one chorus, shape ``(steps, inputs)``. Its first step is given.
    choruses : how many to play at the most.

    Returns
    -------
    Recall : ``steps`` predictions were right in a row. A free run of thresholded outputs is a
        deterministic machine; if its whole state comes back bit for bit at the same place of the
        form, it will play on in that circle for ever. Then ``period`` says after how many choruses
        it came back, and the run stops there: a proof instead of a count.

    Raises
    ------
    ValueError : for a roll of another shape or with numbers other than 0 and 1, or no chorus.

    Section 3.2; chapter 7.
    """
    roll = _checked(network, roll)
    if any(voice.choice != "threshold" for voice in network.topology.voices):
        raise ValueError("this network draws notes at random: recall needs threshold voices")
    return alone(network).recall(roll, choruses)


@checked(roll=_ROLL, choruses=whole(1, limits.CHORUSES))
def keeps_form(
    roll: np.ndarray, choruses: int, voice: str | None = None
) -> Callable[[Network], int]:
    """The stopping test of both experiments, to be handed to `training.train`.

    The test returns how many choruses in a row a network, or one voice of it alone, plays without
    a wrong note; ``choruses`` if it is proven to play for ever. Section 3.2; chapters 7 and 8.
    """

    def test(network: Network) -> int:
        kept = recall(network if voice is None else solo(network, voice), roll, choruses)
        return choruses if kept.period else kept.steps // len(roll)

    return test


def _checked(network: Network, roll: np.ndarray, name: str = "roll") -> np.ndarray:
    """A roll, if it is one that this network can hear."""
    inputs = network.topology.inputs
    if not len(roll) or roll.shape[1] != inputs:
        raise ValueError(f"{name}: expected a roll of shape (steps, {inputs}), got {roll.shape}")
    strange = roll[~np.isin(roll, (0.0, 1.0))]
    if len(strange):
        raise ValueError(f"{name}: a roll holds 0.0 and 1.0 only, got {strange[0]:g}")
    return np.ascontiguousarray(roll)


@checked
def alone(network: Network, state: State | None = None) -> Arena:
    """A network by itself, cleared unless there is a state to go on from.

    Raises
    ------
    ValueError : for a state that is not one finite number a cell.

    Chapter 7.
    """
    arena = Arena(network.topology)
    arena.set_weights(network)
    if state is not None:
        cells = network.topology.cells
        for name, values in zip(State._fields, state, strict=True):
            if np.shape(values) != (cells,) or not np.isfinite(values).all():
                raise ValueError(
                    f"{name}: expected a finite number for each of {cells} cells, got {values}"
                )
        arena.set_state(State(*map(np.asarray, state)))
    return arena
