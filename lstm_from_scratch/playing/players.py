"""A player: a network with the form and the encoding that it knows, which improvises pieces.

Chapter 8 (Experiment 2) lets a network improvise over the blues.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from .. import briefly, limits
from ..arguments import anything, array, check, checked, flag, real, several, whole
from ..arguments import path as a_path
from ..machine import training
from ..machine.storing import ABOUT, entry, listed, made, shipped
from ..machine.training import Result
from ..music.blues import Note
from ..music.encoding import Encoding
from ..music.score.staves import struck
from ..music.tunes.source import Metre, Tempo
from ..music.tunes.tune import Tune
from ..music.tunes.voices import Part
from .composing import free_run, hear, play_along, recall
from .material import Material

SUFFIXES = (".mid", ".mp3", ".wav", ".musicxml", ".pdf")
"""What the names of files end in that a piece can be saved as."""

HELD = 1_000
"""Choruses that the chords are tried for, where no proof is found before."""

_LONG = 16  # bars, beyond which few forms have been learned
_HEARD = 4  # choruses that the network hears before it plays
VERSION = 1
"""Of what a player's file carries beside its network."""


@checked(roll=array("steps", "units"), own_chords=flag())
@dataclass(frozen=True, eq=False)
class Piece:
    """What a player improvised.

    Attributes
    ----------
    player : who. seed : of the notes drawn. roll : zeros and ones, shape ``(steps, units)``.
    own_chords : whether the network played the chords; else they were lent to it.
    """

    player: Player
    seed: int
    roll: np.ndarray
    own_chords: bool = True

    def __repr__(self) -> str:
        choruses = briefly.counted(self.choruses, "chorus", "choruses")
        return f"Piece({choruses} of {self.tune.name!r}, seed {self.seed})"

    @property
    def tune(self) -> Tune:
        """The form that it is over."""
        return self.player.material.form

    @property
    def choruses(self) -> int:
        """How often it goes through the form."""
        return len(self.roll) // self.tune.steps

    @property
    def music(self) -> dict[str, tuple[Note, ...]]:
        """Its notes, ``"chords"`` and ``"melody"`` apart; chords are struck where they change."""
        parts = self.player.encoding.voices(self.roll)
        return {name: struck(it) if name == "chords" else it for name, it in parts.items()}

    @property
    def lines(self) -> np.ndarray:
        """The melody: a pitch at each step, 0 in a rest; int, shape ``(choruses, steps)``."""
        encoding = self.player.encoding
        melody = self.roll[:, len(encoding.chords) : len(encoding.pitches)]
        pitches = np.array(encoding.melody, dtype=float)
        return (melody @ pitches).astype(int).reshape(-1, self.tune.steps)

    def save(self, *paths: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write it into files; the ending of each name says as what.

        Parameters
        ----------
        paths : names that end in ``.mid``, ``.mp3``, ``.wav``, ``.musicxml`` or ``.pdf`` (on paper,
            with the extra ``score`` of this package).

        Raises
        ------
        ValueError : for another ending, before anything is written, and as the writers of each.

        Chapter 8.
        """
        from . import saving

        return saving.save(self, [check("paths", it, a_path()) for it in paths])


@checked(material=anything(), result=anything())
@dataclass(frozen=True, eq=False)
class Player:
    """A network and what it knows: form, encoding, the melodies that it learned from.

    Attributes
    ----------
    material : what it was trained on. result : the network, its recipe and how training went.
    """

    material: Material
    result: Result

    def __post_init__(self) -> None:
        if not isinstance(self.material, Material):
            raise ValueError(f"material: expected a Material, got {briefly.came(self.material)}")
        if not isinstance(self.result, Result):
            raise ValueError(f"result: expected a Result, got {briefly.came(self.result)}")
        inputs, units = self.result.network.topology.inputs, self.encoding.units
        if inputs != units:
            raise ValueError(f"the network has {inputs} inputs, the encoding {units} units")

    def __repr__(self) -> str:
        learned = "" if self.learned else ", chords not learned"
        return f"Player({self.material.form.name!r}, {self.material.way}{learned})"

    @property
    def encoding(self) -> Encoding:
        """Which pitch belongs to which unit."""
        return self.material.encoding

    @property
    def learned(self) -> bool:
        """Does it play the chords without a wrong note? True where there are none."""
        return self.result.learned

    @checked(choruses=whole(1, limits.CHORUSES), seed=whole(0), temperature=real(0))
    def improvise(
        self,
        choruses: int = 4,
        seed: int = 1,
        *,
        temperature: float = 1.0,
        own_chords: bool | None = None,
    ) -> Piece:
        """Improvise over the form.

        The network hears some of the choruses it learned from, then it is given the first step of
        the form and plays by itself.

        Parameters
        ----------
        choruses : how many. seed : of the notes drawn; the same seed, the same notes.
        temperature : 1 is the paper's way; below 1 likely notes become likelier, 0 always takes the
            likeliest.
        own_chords : whether the network plays the chords; if not, they are those of the form, and
            it improvises the melody alone. Unless given, it plays them if it has learned them.

        Raises
        ------
        ValueError : for more steps than a roll has (`limits.RUN`).

        Chapter 8.
        """
        form = self.material.form
        steps = choruses * form.steps
        limits.expect_steps(f"choruses, {choruses:,} of {form.steps} steps", steps, limits.PIECE)
        own = self.learned if own_chords is None else bool(own_chords)
        rng = np.random.default_rng((seed, 2))
        if not self.encoding.melody:
            heard = self.material.chord_roll
        else:
            lines = self.material.lines(_HEARD, rng)
            heard = self.material.rolls(lines)
            first = self.material.rolls(lines[:1])[0]
        if not self.encoding.melody or (own and self.encoding.chords) or not self.encoding.chords:
            heard = heard.reshape(-1, self.encoding.units)
            start = heard[: form.steps][:1] if not self.encoding.melody else first[:1]
            state = hear(self.result.network, heard)
            roll = free_run(
                self.result.network, start, steps, rng, temperature=temperature, state=state
            )
            return Piece(self, seed, roll, True)
        lent = np.tile(first, (choruses, 1))
        roll = play_along(self.result.network, lent, ("melody",), rng, temperature=temperature)
        return Piece(self, seed, roll, False)

    def report(self) -> str:
        """What it learned, and what not, in plain sentences, a line each. Chapters 7 and 8."""
        form, result = self.material.form, self.result
        lines = [f"{form.name}: {briefly.counted(form.bars, 'bar')}, {form.steps:,} steps."]
        if self.encoding.chords:
            lines.append(self._form_in_words())
        lines.append(self.material.report())
        if self.encoding.melody:
            nats = float(result.curve.cross_entropy[-1][-1])
            lines.append(
                f"The melody: its notes cost {nats:.2f} nats a step at the end of training, summed "
                f"over {self.encoding.units - len(self.encoding.chords)} units; it draws them, so "
                "each chorus is another; `judging.novelty.judge` says how far a piece strays."
            )
        lines.append(
            f"Trained for {result.steps:,} steps from seed {result.recipe.seed}, "
            f"{result.seconds:.0f} s."
        )
        return "\n".join(lines)

    def _form_in_words(self) -> str:
        form = self.material.form
        if not self.learned:
            return (
                "The chords: not learned. When it improvises, those of the form are lent to it; "
                "another seed or longer training may learn them"
                f"{', and a shorter part of the tune will' if form.bars > _LONG else ''}."
            )
        kept = self._kept()
        if kept.period:
            return (
                f"The chords: learned by heart after {self.result.learned_at:,} steps; alone, it "
                "plays them for ever: its state comes back after "
                f"{briefly.counted(kept.period, 'chorus', 'choruses')}."
            )
        return (
            f"The chords: learned by heart after {self.result.learned_at:,} steps; alone, it plays "
            f"{kept.steps // self.material.form.steps:,} of {HELD:,} choruses without a wrong note."
        )

    def _kept(self):  # type: ignore[no-untyped-def]
        from ..machine.network import solo

        roll = self.material.chord_roll[:, self.encoding.chord_units]
        return recall(solo(self.result.network, "chords"), roll, HELD)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write network, form and encoding into one ``.npz`` file, which `load` reads. Appendix A.

        `training.load` reads the network in it alone.

        Raises
        ------
        ValueError : for a tune that is too long to be kept.
        """
        training.save(self.result, path, {"player": as_json(self.material)})


# ---- Files ---------------------------------------------------------------------------------------


@checked
def as_json(of: Material) -> dict[str, Any]:
    """What a player knows, as JSON can hold it: each melody of a bar stands there once. Appendix A.

    Raises
    ------
    ValueError : for more than a file can carry; asked before a training, not after it.
    """
    bars = {bar.tobytes(): bar.tolist() for choices in of.choices for bar in choices}
    number = {key: place for place, key in enumerate(bars)}
    found = {
        "version": VERSION,
        "form": asdict(of.form),
        "encoding": asdict(of.encoding),
        "way": of.way,
        "bars": list(bars.values()),
        "choices": [[number[bar.tobytes()] for bar in choices] for choices in of.choices],
        "own": of.own.tolist(),
    }
    size = len(json.dumps(found))
    if size > ABOUT - 1000:
        raise ValueError(
            f"of: expected a form and melodies of at most {ABOUT:,} characters in a file, got "
            f"{size:,}: learn from fewer bars or fewer tunes"
        )
    return found


@checked
def load(path: str | os.PathLike[str]) -> Player:
    """Read a file that `Player.save` wrote. Nothing in it is executed. Appendix A.

    Raises
    ------
    ValueError : if it is damaged or something else, such as a network without a tune.
    FileNotFoundError : if there is none.
    """
    result = training.load(path)
    name = os.fspath(path)
    try:
        about = entry("carries", training.carried(path), "player")
        if entry("player", about, "version") != VERSION:
            raise ValueError(f"player: expected version {VERSION}, got {about['version']!r}")
        return Player(_material(about), result)
    except ValueError as error:
        raise ValueError(f"{name}: not a player of ours: {error}") from error


@checked
def stored(name: str) -> Player:
    """A player that comes with the package: ``"by-heart"``, ``"variations"``, ``"folder"``.

    They learned the tunes in `tunes.EXAMPLES`: *Last Bus* alone, or the bars of all three over its
    chords. ``tools/train_stored.py`` made them. Chapter 17.

    Raises
    ------
    ValueError : if there is none of that name.
    """
    return shipped(files(__package__) / "trained", name, load, missing="name: no stored player")


def _material(about: Mapping[str, Any]) -> Material:
    """What a player knows, of what JSON left of it; each door looks at its own."""
    form = dict(entry("player", about, "form"))
    kinds = {"metres": Metre, "tempi": Tempo, "melody": Note, "chords": Note}
    for key, kind in kinds.items():
        form[key] = [_record(key, kind, it) for it in listed(key, entry("form", form, key))]
    form["parts"] = [
        Part(name, program, tuple(_record("parts", Note, it) for it in listed("parts", notes)))
        for name, program, notes in (
            _record("parts", Part, it) for it in listed("parts", entry("form", form, "parts"))
        )
    ]
    tune = made(Tune, "form", form)
    encoding = made(Encoding, "encoding", entry("player", about, "encoding"))
    row = array("steps", whole=True)
    bars = [check("bars", bar, row) for bar in listed("bars", entry("player", about, "bars"))]
    which = several(whole(0, len(bars) - 1), some=True)
    choices = tuple(
        np.array([bars[it] for it in check("choices", given, which)])
        for given in listed("choices", entry("player", about, "choices"))
    )
    own = np.array(listed("own", entry("player", about, "own")), dtype=int)
    own = own.reshape(len(own), tune.steps)
    way = entry("player", about, "way")
    return Material(tune, encoding, way, choices, own)


def _record(name: str, kind: type, values: Any) -> Any:
    """A named tuple of a list of as many values."""
    if len(listed(name, values)) != len(kind._fields):
        raise ValueError(f"{name}: expected {len(kind._fields)} values, got {briefly.came(values)}")
    return kind(*values)
