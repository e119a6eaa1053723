"""Chorales and tunes from a network that has learned a corpus, and the networks that come along.

The outputs of such a network are the keys of a piano, each by itself: `play` draws them so, or as
many as a chorale has parts. What a voice with softmax outputs plays is one unit, as in `composing`.

A corpus does not come with the package, but a network that has learned one does: `stored`.

Chapter 8 (Experiment 2) lets a network improvise; chapter 17 (Your own music) has this one.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import asdict
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from .. import briefly, limits
from ..arguments import array, check, checked, either, instance, none, real, text, whole
from ..files import write_whole
from ..machine.kernel import draw_unit
from ..machine.network import Network, Topology, Voice, cleared, forward
from ..machine.squashing import logistic
from ..machine.storing import Archive, entry, json_object, listed, made, shipped

FORMAT = 1
"""Version of the files that `save` writes."""


class Learned(NamedTuple):
    """A network that has learned a corpus, and how it came about. Chapter 17.

    network : with weights of half precision, eleven bits each. corpus : its name. data : its
    SHA-256, see `corpora.Corpus.digest`. test : nats a frame of the test set, by these weights.
    made : the command that made it.
    """

    network: Network
    corpus: str
    data: str
    test: float
    made: str

    def __repr__(self) -> str:
        return f"Learned({self.corpus!r}, {self.test:.2f} nats a frame of the test set)"


# ---- Playing -------------------------------------------------------------------------------------


@checked(
    given=array("frames", "inputs", some=True, dtype=float),
    frames=whole(1, limits.PIECE),
    temperature=real(0),
    keys=either(whole(1), none()),
)
def play(
    network: Network,
    given: np.ndarray,
    frames: int,
    rng: np.random.Generator | int,
    *,
    temperature: float = 1.0,
    keys: int | None = None,
) -> np.ndarray:
    """Let a network go on from a beginning, each of its choices drawn.

    Parameters
    ----------
    network : whose outputs predict its inputs. A voice with softmax outputs has one unit on at each
        step, any other has each unit on by itself, as likely as its output says.
    given : the beginning, zeros and ones of shape ``(at least 1, inputs)``.
    frames : how many in all, the beginning among them.
    rng : where the choices come from; an int is a seed.
    temperature : the odds of every choice are raised to 1 / temperature. 1 leaves them as they are,
        and 0 takes what is likelier.
    keys : of voices whose units are on each by itself, have exactly so many on: drawn from the same
        odds, as what is left of all choices if the others are thrown away. ``None``: any number.

    Returns
    -------
    A roll of shape ``(frames, inputs)`` that begins with what was given.

    Raises
    ------
    ValueError : for a beginning of another width, longer than ``frames`` or with other numbers than
        0 and 1; for a network that does not predict its inputs; for more keys than a voice has.

    Chapter 8.
    """
    t = network.topology
    if not t.predicts_inputs:
        raise ValueError("network: expected one that predicts its inputs, to go on by itself")
    if given.shape[1] != t.inputs or len(given) > frames or not np.isin(given, (0, 1)).all():
        raise ValueError(
            f"given: expected zeros and ones of shape (1 to {frames}, {t.inputs}), got "
            f"{briefly.came(given)}"
        )
    for voice in t.voices:
        if keys is not None and voice.activation == "logistic" and keys > voice.outputs:
            raise ValueError(f"keys: expected at most {voice.outputs}, got {keys}")
    rng, roll, state = np.random.default_rng(rng), np.zeros((frames, t.inputs)), cleared(t)
    roll[: len(given)] = given
    for frame in range(frames - 1):
        step = forward(network, state, roll[frame])
        state = step.state
        if frame + 1 < len(given):
            continue
        for voice in t.voices:
            own = t.outputs_of(voice.name)
            chances = step.prediction[own]
            if voice.activation == "softmax":
                roll[frame + 1, own.start + draw_unit(chances, rng.random(), temperature)] = 1.0
            else:
                roll[frame + 1, own] = draw_units(chances, rng, temperature, keys)
    return roll


@checked(
    chances=array("units", some=True, finite=True, dtype=float),
    temperature=real(0),
    count=either(whole(0), none()),
)
def draw_units(
    chances: np.ndarray,
    rng: np.random.Generator | int,
    temperature: float = 1.0,
    count: int | None = None,
) -> np.ndarray:
    """Draw units that are on each by itself, or exactly so many of them.

    Parameters
    ----------
    chances : how likely each is to be on, from 0 to 1.
    rng, temperature : as for `play`.
    count : of the units that are on. Every choice of so many is as likely as among all independent
        draws with so many on: in proportion to the product of the odds of its units.

    Returns
    -------
    Zeros and ones, shape ``(units,)``.

    Raises
    ------
    ValueError : for a chance that is none, or more units than there are.

    Chapter 8.
    """
    if chances.min() < 0 or chances.max() > 1:
        raise ValueError(f"chances: expected numbers from 0 to 1, got {chances}")
    if count is not None and count > len(chances):
        raise ValueError(f"count: expected at most {len(chances)}, got {count}")
    rng = np.random.default_rng(rng)
    if temperature == 0:
        order = np.argsort(-chances, kind="stable")
        on = chances > 0.5 if count is None else np.isin(np.arange(len(chances)), order[:count])
        return on.astype(float)
    sure = np.clip(chances, 1e-15, 1 - 1e-15)
    odds = (np.log(sure) - np.log1p(-sure)) / temperature
    if count is None:
        return (rng.random(len(odds)) < logistic(odds)).astype(float)
    return _so_many(odds, count, rng.random(len(odds)))


def _so_many(odds: np.ndarray, count: int, draws: np.ndarray) -> np.ndarray:
    """Draw exactly so many units, given the logarithms of their odds and a draw for each.

    ``ways[unit, k]`` is the logarithm of a sum over all choices of k units, from this one on, of
    the products of their odds: a unit is on with the share of those choices that it is in.
    """
    units = len(odds)
    ways = np.full((units + 1, count + 1), -np.inf)
    ways[:, 0] = 0.0
    for unit in reversed(range(units)):
        ways[unit, 1:] = np.logaddexp(ways[unit + 1, 1:], odds[unit] + ways[unit + 1, :-1])
    on = np.zeros(units)
    for unit in range(units):
        if not count:
            break
        share = np.exp(odds[unit] + ways[unit + 1, count - 1] - ways[unit, count])
        if draws[unit] < share:
            on[unit], count = 1.0, count - 1
    return on


# ---- Networks that come along --------------------------------------------------------------------


@checked(learned=instance(Learned))
def save(learned: Learned, path: str | os.PathLike[str]) -> None:
    """Write a network of a corpus to an ``.npz`` file, whole or not at all.

    Weights are written in half precision, which `halved` has made of them. Chapter 17.
    """
    about = {"format": FORMAT, **learned._asdict()}
    about["network"] = [asdict(voice) for voice in learned.network.topology.voices]
    file = io.BytesIO()
    np.savez_compressed(
        file,
        about=json.dumps(about),
        hidden=learned.network.hidden.astype(np.float16),
        output=learned.network.output.astype(np.float16),
    )
    write_whole(path, file.getvalue())


@checked
def halved(network: Network) -> Network:
    """A network whose weights were rounded to half precision, eleven bits each. Chapter 17.

    Raises
    ------
    ValueError : for a weight beyond 65,504, which is the largest.
    """
    with np.errstate(over="ignore"):
        rounded = (it.astype(np.float16).astype(float) for it in (network.hidden, network.output))
        return Network(network.topology, *rounded)


@checked
def load(path: str | os.PathLike[str]) -> Learned:
    """Read a file that `save` wrote. Nothing in it is executed. Chapter 17.

    Raises
    ------
    ValueError : if the file is truncated, is something else, or comes from another version.
    FileNotFoundError : if there is none.
    """
    try:
        with Archive(path) as archive:
            return _read(archive)
    except FileNotFoundError:
        raise
    # A damaged archive fails in many ways; whatever it is, it is not a file of ours.
    except Exception as error:
        raise ValueError(f"{os.fspath(path)}: not a network of a corpus: {error}") from error


def _read(archive: Archive) -> Learned:
    about = json_object("about", archive.text("about"))
    if (version := entry("about", about, "format")) != FORMAT:
        raise ValueError(f"it has format {briefly.came(version)}, expected {FORMAT}")
    voices = listed("network", entry("about", about, "network"))
    t = Topology(tuple(made(Voice, f"voice {n}", it) for n, it in enumerate(voices, start=1)))
    hidden = archive.array("hidden", "f", (t.hidden_units, t.sources))
    output = archive.array("output", "f", (t.outputs, t.sources))
    kinds = {"corpus": text(some=True), "data": text(), "test": real(0), "made": text()}
    rest = {name: check(name, entry("about", about, name), kind) for name, kind in kinds.items()}
    return Learned(Network(t, hidden, output), **rest)


@checked
def stored(name: str) -> Learned:
    """A network of a corpus that comes with the package, such as ``"jsb_chorales"``.

    ``tools/train_stored.py`` made it, where the corpus was. Chapter 17.

    Raises
    ------
    ValueError : if there is none of that name.
    """
    return shipped(files(__package__) / "trained" / "corpora", name, load)
