"""Three scenes for a page: a network plays on and on, learns while you watch, and plays with you.

All carry everything they need: the engine, the sound, the network. They ask for nothing, no kernel
and no network, and run from a file. Without a script they say what they would do.

Chapters 6 (One step at a time) and 8 (Experiment 2) explain what is seen.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from string import Template
from typing import Any

import numpy as np

from ... import limits
from ...arguments import array, checked, real, text, whole
from ...machine.network import Network, State, cleared, record
from ...machine.recipes import RECOMMENDED, STAIRCASE, Recipe
from ...music import audio, midi
from ...music.blues import NATURALS, QUALITIES, TWELVE_BAR, Form, chord_tones
from ...music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from ...playing import composing
from ..figures import COLOURS, chord_label, pitch_label
from ..palette import palette
from . import plans

_SEED = whole(0, 2**32 - 1)
_DIGITS = 9  # keys that chords are played with
CLICK = audio.Timbre(0.5, ((1, 1.0, 0.015), (3, 0.5, 0.008)), attack=0.001, release=0.02)
"""What keeps time: a short tick."""

_MOMENTA = tuple(step / 100 for step in range(100))
"""What the slider of the momentum can show."""

_MEASURED = 8  # choruses over which the movement of the cells is measured


@checked(markup=text())
@dataclass(frozen=True)
class Scene:
    """A scene for a notebook or the book; needs no kernel and no network.

    Attributes
    ----------
    title : what it is; also what a screen reader calls it.
    markup : its HTML.

    Chapter 8.
    """

    title: str
    markup: str

    def __repr__(self) -> str:
        return f"Scene({self.title!r}, {len(self.markup) / 1000:.0f} kB)"

    def _repr_html_(self) -> str:
        return self.markup


@checked(
    beginning=array("steps", CHORDS_AND_MELODY.units, some=True, dtype=float),
    seed=_SEED,
    tempo=real(60, 240, of="beats a minute"),
    swing=real(0.5, 0.75),
    title=text(some=True),
)
def endless(
    network: Network,
    beginning: np.ndarray,
    *,
    state: State | None = None,
    form: Form = TWELVE_BAR,
    seed: int = 1,
    tempo: float = 120.0,
    swing: float = 0.6,
    title: str = "Endless blues",
) -> Scene:
    """Let a network play in the page, on and on, with cells that can be pushed.

    At temperature 1, and as long as nobody pushes, a seed plays what
    ``free_run(network, beginning, steps, seed, state=state)`` does.

    Parameters
    ----------
    network : of Experiment 2, with the units of `CHORDS_AND_MELODY`.
    beginning : the steps that are given, shape ``(steps, 25)``.
    state : what the network brings along, see `composing.hear`; cleared unless given.
    form : whose chords and melodies it was taught.
    seed : of the notes that are drawn, until the reader chooses another.
    tempo, swing : at the beginning, see `audio.seconds`.
    title : what it is called.

    Returns
    -------
    What a notebook cell shows if it ends in it.

    Raises
    ------
    ValueError : for a network of other units, or of parts that the page does not have, see
        `plans.plan`; for a beginning that is no roll of zeros and ones.

    Chapter 8; chapter 9 for the cells.
    """
    state = cleared(network.topology) if state is None else state
    music = _playing(network, beginning, state, form, seed)
    length = _MEASURED * form.steps
    played = composing.free_run(network, beginning[:1], length, seed, state=state)
    states = record(network, played, state).cell_state
    data = music | {
        "segments": [[_units(line, form) for line in bar] for bar in form.segments],
        "spread": states.std(axis=0).tolist(),
        "reach": np.maximum(np.abs(states).max(axis=0), 1e-6).tolist(),
        "firstBlock": [
            network.topology.parts(voice.name)[1].start + 1 for voice in network.topology.voices
        ],
    }
    return _scene("endless", title, data, tempo=f"{tempo:g}", swing=f"{swing:g}")


@checked(
    beginning=array("steps", CHORDS_AND_MELODY.units, some=True, dtype=float),
    seed=_SEED,
    tempo=real(60, 180, of="beats a minute"),
    swing=real(0.5, 0.75),
    title=text(some=True),
)
def play_with_it(
    network: Network,
    beginning: np.ndarray,
    *,
    state: State | None = None,
    form: Form = TWELVE_BAR,
    seed: int = 1,
    tempo: float = 100.0,
    swing: float = 0.6,
    title: str = "Play with it",
) -> Scene:
    """Let a reader play one voice in the page, and a network the other, together or in turn.

    What a reader plays, by keys, buttons or a MIDI keyboard, is put onto the grid of eighth notes
    as `duets.Hands` does it; what the network answers is what a `duets.Duet` of the same seed does.

    Parameters
    ----------
    network : of Experiment 2, with the units of `CHORDS_AND_MELODY` and voices ``"chords"`` and
        ``"melody"``.
    beginning, state, form, seed, tempo, swing, title : see `endless`; only the first step is given.

    Raises
    ------
    ValueError : as `endless`, for other voices, or for a form of more than nine different chords.

    Chapter 8.
    """
    voices = tuple(voice.name for voice in network.topology.voices)
    if voices != ("chords", "melody"):
        raise ValueError(f"network: expected the voices 'chords' and 'melody', got {voices}")
    different = tuple(dict.fromkeys(form.chords))
    if len(different) > _DIGITS:
        raise ValueError(f"form: expected at most {_DIGITS} chords, got {len(different)}")
    place = CHORDS_AND_MELODY.chords.index
    state = cleared(network.topology) if state is None else state
    data = _playing(network, beginning[:1], state, form, seed) | {
        "spelled": {
            chord_label(symbol): [place(it) for it in chord_tones(symbol, form.chord_pitches)]
            for symbol in different
        },
        "scale": form.scale,
        "timbres": _timbres() | {"click": CLICK._asdict()},
    }
    return _scene("play", title, data, tempo=f"{tempo:g}", swing=f"{swing:g}")


@checked(title=text(some=True))
def learn_it_now(
    recipe: Recipe = RECOMMENDED, *, form: Form = TWELVE_BAR, title: str = "Learn it now"
) -> Scene:
    """Let a network learn the chords of a form in the page, from random weights.

    As long as nothing is changed on the way, a seed learns what `train` learns with the recipe, up
    to the first test that it passes.

    Parameters
    ----------
    recipe : of Experiment 1, with one voice of the units of `CHORDS_ONLY`; its seed is what the
        reader begins with.
    form : whose chords are learned, until the reader types others.
    title : what it is called.

    Returns
    -------
    What a notebook cell shows if it ends in it.

    Raises
    ------
    ValueError : for a recipe of other units or several voices, of parts that the page does not
        have, see `plans.plan` and `plans.learning`, or of a momentum that its slider can't show.

    Chapter 6; chapter 7 for the experiment.
    """
    if len(recipe.voices) != 1 or recipe.topology.inputs != CHORDS_ONLY.units:
        raise ValueError(
            f"recipe: expected one voice of {CHORDS_ONLY.units} inputs, got {recipe!r}"
        )
    blocks = len(recipe.topology.voices[0].blocks)
    printed = tuple(np.resize(STAIRCASE, blocks).tolist())
    own, momentum = recipe.voices[0].forget_gate_bias, recipe.voices[0].momentum
    if momentum not in _MOMENTA:
        raise ValueError(f"recipe: expected a momentum of 0, 0.01 to 0.99, got {momentum:g}")
    known = ", ".join(quality for quality in QUALITIES if quality)
    known = f"A chord is a root from A to G, perhaps with # or b, and nothing more or {known}."
    data = {
        "plan": plans.plan(recipe.topology),
        "recipe": plans.learning(recipe),
        "every": recipe.test_every,
        "choruses": recipe.choruses,
        "pitches": CHORDS_ONLY.pitches,
        "bar": form.steps_per_bar,
        "symbols": form.chords,
        "table": _chords(form.chord_pitches),
        "known": known,
        "biases": [
            {"name": f"open: {_listed(own)}", "values": own},
            {"name": f"as printed: {_listed(printed)}", "values": printed},
        ],
        "timbres": _timbres(),
    }
    return _scene("learn", title, data, known=f"{known} Up to 32 bars.")


# ---- What the page is told -----------------------------------------------------------------------


def _playing(
    network: Network, beginning: np.ndarray, state: State, form: Form, seed: int
) -> dict[str, Any]:
    """A network that plays, where it begins, and the form that it was taught."""
    encoding = CHORDS_AND_MELODY
    if network.topology.inputs != encoding.units:
        raise ValueError(
            f"network: expected one of {encoding.units} inputs, got {network.topology.inputs}"
        )
    limits.expect_steps("form", form.steps, limits.PAGE)
    strange = beginning[~np.isin(beginning, (0.0, 1.0))]
    if len(strange):
        raise ValueError(f"beginning: a roll holds 0.0 and 1.0 only, got {strange[0]:g}")
    return {
        "plan": plans.plan(network.topology),
        "weights": plans.weights(network),
        "state": plans.state(state),
        "given": beginning.astype(int).ravel().tolist(),
        "seed": seed,
        "pitches": encoding.pitches,
        "names": [pitch_label(pitch) for pitch in encoding.pitches],
        "chords": len(encoding.chords),
        "bar": form.steps_per_bar,
        "symbols": [chord_label(symbol) for symbol in form.chords],
        "form": [_bits(row) for row in encoding.form_roll(form)[:, encoding.chord_units]],
        "timbres": _timbres(),
        "parts": [
            {
                "name": name,
                "program": midi.INSTRUMENTS[name],
                "velocity": midi.VELOCITIES.get(name, midi.VELOCITY),
            }
            for name in ("chords", "melody")
        ],
    }


def _bits(row: np.ndarray) -> int:
    """The units that are on, as the bits of a number."""
    return int(sum(1 << unit for unit, on in enumerate(row) if on))


def _units(line: tuple[int, ...], form: Form) -> list[int]:
    """One bar of melody as the unit that is on at each step, from 0 for the first melody note."""
    pitches = np.repeat(line, form.steps_per_bar // len(line))
    return [CHORDS_AND_MELODY.melody.index(int(pitch)) for pitch in pitches]


def _timbres() -> dict[str, Any]:
    return {"chords": audio.PAD._asdict(), "melody": audio.LEAD._asdict()}


def _chords(pitches: tuple[int, ...]) -> dict[str, list[int]]:
    """The units of every chord that `blues.chord_tones` can spell, by its symbol."""
    symbols = ("".join(parts) for parts in product(NATURALS, ("", "#", "b"), QUALITIES))
    place = CHORDS_ONLY.pitches.index
    return {symbol: [place(p) for p in chord_tones(symbol, pitches)] for symbol in symbols}


def _listed(biases: tuple[float, ...]) -> str:
    return ", ".join(f"{bias:+g}" for bias in biases).replace("-", "\N{MINUS SIGN}")


# ---- The page ------------------------------------------------------------------------------------


def _scene(name: str, title: str, data: Mapping[str, Any], **words: str) -> Scene:
    """Fill in the page of a scene; its scripts and its style stand in it."""
    here = files(__package__)

    def read(file: str) -> str:
        return here.joinpath(file).read_text(encoding="utf-8")

    stored = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    markup = Template(read(f"{name}.html")).substitute(
        title=html.escape(title),
        style=palette() + read("stage.css"),
        colours="; ".join(f"--{kind.replace('_', '-')}: {it}" for kind, it in COLOURS.items()),
        data=stored.replace("<", "\\u003c"),
        engine=read("engine.js"),
        sound=read("sound.js"),
        shared=read("page.js"),
        hands=read("hands.js"),
        learner=read("learner.js"),
        scene=read(f"{name}.js"),
        **{key: html.escape(value) for key, value in words.items()},
    )
    return Scene(title, markup)
