"""How well does the machine predict real music? Chapter 17.

The same networks, by three rules: the paper's own, one update after each step; full BPTT with Adam,
one after each batch of whole pieces; and the latter with the gradient of PyTorch's own LSTM in
place of ours. The corpora are those of Boulanger-Lewandowski et al. (2012), which do not come with
the package: see `playing.corpora`.

**The measure** is that of Bai, Kolter and Koltun (2018) and of the program that they published.
Every frame of a piece but its first is predicted from all frames before it, each piece from a
cleared state. The error of a frame is the cross-entropy of its 88 keys, summed, in nats. The errors
of all predicted frames of a set are added and divided by the number of these frames, which is the
frames of the set less one for each piece. They report 8.45 for an LSTM on the chorales and 3.29 on
Nottingham; for their own network of convolutions, 8.10 and 3.07.

A run looks at the test set once, with the network that validation has chosen. When the plans were
chosen, on another seed, test figures of three trials were seen too; validation decided.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple

import numpy as np

from ... import limits
from ...arguments import checked, instance, one_of, several, text, whole
from ...machine.batches import Batch, batch_gradient, side_by_side
from ...machine.episodes import Episode
from ...machine.fitting import ADAM_BEGINS, Plan, first_network, fit, nats
from ...machine.gradient import Gradient
from ...machine.interop import to_torch
from ...machine.network import Network, Topology, Voice, solo
from ...machine.recipes import Recipe
from ...machine.training import train
from ...playing import corpora
from ..experiments import Study, compiled, digest

Rule = Literal["bptt", "online"]
"""Full BPTT with Adam, by epochs; or the paper's own, one update after each step."""

CELLS = 200
"""Memory cells, each in a block of its own: as many as one layer of Bai et al. has of its two."""

_BEGINS = replace(ADAM_BEGINS, learning_rate=5e-3, output_bias=-3.0)  # one key in twenty is on

PLANS = {
    "jsb_chorales": Plan(
        Topology((Voice("keys", corpora.KEYS.units, (1,) * CELLS),)),
        _BEGINS,
        batch=4,
        dropped=0.5,
        patience=3,
        dtype="float32",
    ),
    "nottingham": Plan(
        Topology((Voice("keys", corpora.KEYS.units, (1,) * CELLS),)),
        _BEGINS,
        batch=4,
        dropped=0.3,
        patience=2,
        dtype="float32",
    ),
}
"""Full BPTT with Adam on each corpus. That of the chorales was chosen by validation, with the seed
10,000, of seven: batches of 2, 4 and 8; rates of 2e-3 to 7e-3; dropout of 0.2 to 0.5; pieces as
they are, or transposed at random by up to six semitones. Transposed pieces were learned more
slowly, and no such run was trained to its end. Nottingham's training set is 13 times as large; its
plan differs in dropout and patience, and was not chosen among others."""

TWO_VOICES = Plan(
    Topology(
        (
            Voice("chords", len(corpora.TWO_VOICES.chords), (1,) * (CELLS // 2)),
            Voice(
                "melody",
                corpora.TWO_VOICES.units - len(corpora.TWO_VOICES.chords),
                (1,) * (CELLS // 2),
                reads=("chords",),
                choice="sample",
                activation="softmax",
            ),
        )
    ),
    replace(_BEGINS, output_bias=-1.0),  # and three chord units in twelve
    batch=4,
    dropped=0.3,
    patience=2,
    dtype="float32",
)
"""The paper's topology for chords and melody, with more cells: the melody reads the chords. One of
its units is on at each step, so its outputs are the probabilities of one choice."""

ONLINE_RATE = 1e-3
"""Of the paper's rule, with its momentum of 0.9. After three times through a third of the chorales
validation stood at 9.460 nats with it and at 9.464 with 3e-3, and still fell faster with it."""

MOST = {"jsb_chorales": 60, "nottingham": 15}
"""Epochs of the paper's rule, at most."""

WAITS = 4
"""After so many epochs without a better validation, training by the paper's rule ends."""


_SETS = several(several(instance(Episode), some=True), some=True)


@cache
def _corpus(name: str) -> corpora.Corpus:
    """A corpus, read once."""
    return corpora.read(corpora.find(name), name)


@cache
def _parts(name: str, voices: int) -> tuple[tuple[Episode, ...], ...]:
    whole = _corpus(name)
    rolls = corpora.two_voices if voices == 2 else np.asarray
    return tuple(
        tuple(corpora.episode(rolls(piece)) for piece in getattr(whole, part))
        for part in corpora.PARTS
    )


@checked(name=text(some=True), voices=whole(1, 2))
def parts(name: str, voices: int) -> tuple[tuple[Episode, ...], ...]:
    """What is learned from a corpus: episodes of its three sets, of 88 keys or of two voices.

    Raises
    ------
    FileNotFoundError : if the corpus is not here, see `corpora.find`.

    Chapter 17.
    """
    return _parts(name, voices)


# ---- Rules ---------------------------------------------------------------------------------------


class Reached(NamedTuple):
    """A network that validation has chosen. Chapter 17.

    epoch : after which it was, in times through the training set. epochs : that were trained.
    seconds : of processor time.
    """

    network: Network
    epoch: int
    epochs: int
    seconds: float


def _by_epochs(plan: Plan, sets: Sequence[Sequence[Episode]], **how: Any) -> Reached:
    """By full BPTT with Adam."""
    fitted = fit(plan, sets[0], sets[1], progress=False, **how)
    return Reached(fitted.network, fitted.epoch, len(fitted.course), round(fitted.seconds, 2))


def _online(recipe: Recipe, sets: Sequence[Sequence[Episode]]) -> Reached:
    """By the paper's rule, with a test, once an epoch, that is passed when validation stands."""
    heard, valid = list(sets[0]), sets[1]
    best, kept, errors = np.inf, None, []

    def stands_still(network: Network) -> int:
        nonlocal best, kept
        errors.append(nats(network, valid, dtype="float32"))
        if errors[-1] < best:
            best, kept = errors[-1], network
        waited = len(errors) - 1 - int(np.argmin(errors))
        return recipe.choruses if waited >= WAITS else 0

    compiled(recipe, heard, lambda network: 0)
    started = time.process_time()
    train(recipe, heard, stands_still, progress=False)
    seconds = round(time.process_time() - started, 2)
    return Reached(kept, int(np.argmin(errors)) + 1, len(errors), seconds)


@checked(frames=whole(1, limits.BETWEEN_TESTS), epochs=whole(1, limits.TRIALS))
def online_recipe(plan: Plan, frames: int, epochs: int) -> Recipe:
    """The recipe of the paper's rule for the network of a plan, which begins with the same weights.

    Parameters
    ----------
    plan : network and seed. frames : that are predicted in an epoch. epochs : at most.

    A state is cleared where a piece ends and nowhere else: no error is a gross one.

    Chapter 17.
    """
    learning = replace(
        plan.learning, learning_rate=ONLINE_RATE, optimiser="momentum", clip=np.inf, wrong=1.0
    )
    return replace(
        plan.recipe,
        voices=(learning,) * len(plan.topology.voices),
        forgiven=0,
        at_end="clear",
        test_every=frames,
        give_up_after=frames * epochs,
    )


@checked(sets=_SETS, epochs=whole(1, limits.TRIALS))
def reached(plan: Plan, rule: Rule, sets: Sequence[Sequence[Episode]], epochs: int) -> Reached:
    """Train by a rule until validation finds no better network. Chapter 17."""
    if rule == "bptt":
        return _by_epochs(plan, sets)
    frames = sum(len(episode.inputs) for episode in sets[0])
    return _online(online_recipe(plan, frames, epochs), sets)


# ---- 88 keys -------------------------------------------------------------------------------------


class Keys(NamedTuple):
    """A row of a study of 88 keys.

    corpus : which. rule : ``bptt`` or ``online``. seed : of the training. weights : that can learn,
    biases included. valid, test : nats a frame of both sets, in the measure that the room states.
    epoch : after which validation was best. epochs : trained. seconds : of processor time.
    digits : the first of a SHA-256 of the network's weights. data : the SHA-256 of the corpus, see
    `corpora.Corpus.digest`.
    """

    corpus: str
    rule: str
    seed: int
    weights: int
    valid: float
    test: float
    epoch: int
    epochs: int
    seconds: float
    digits: str
    data: str


@checked(name=one_of(*PLANS), seed=whole(0))
def keys(name: str, rule: Rule, seed: int) -> Keys:
    """Learn a corpus, key by key. Bai, Kolter and Koltun (2018), Table 1; chapter 17."""
    sets = parts(name, 1)
    found = reached(replace(PLANS[name], seed=seed), rule, sets, MOST[name])
    network = found.network
    return Keys(
        name,
        rule,
        seed,
        network.weights,
        round(nats(network, sets[1]), 4),
        round(nats(network, sets[2]), 4),
        found.epoch,
        found.epochs,
        found.seconds,
        digest(network),
        _corpus(name).digest,
    )


@checked(sets=_SETS)
def floors(sets: Sequence[Sequence[Episode]]) -> tuple[float, float]:
    """What needs no network: nats a frame of the test set by what was counted in the training set.

    Returns
    -------
    How often each key is on; and how often it is, given whether it was on in the frame before. The
    rates are kept a millionth away from 0 and 1.

    Chapter 17.
    """
    heard, follows = (np.concatenate(of) for of in zip(*(it[:2] for it in sets[0]), strict=True))
    before, target = (np.concatenate(of) for of in zip(*(it[:2] for it in sets[-1]), strict=True))
    on, after = heard > 0, before > 0
    given = [
        (follows * (on == was)).sum(axis=0) / np.maximum((on == was).sum(axis=0), 1)
        for was in (False, True)
    ]
    rates = (follows.mean(axis=0), np.where(after, given[1], given[0]))

    def error(rate: np.ndarray) -> float:
        rate = np.clip(rate, 1e-6, 1 - 1e-6)
        each = target * np.log(rate) + (1 - target) * np.log(1 - rate)
        return float(-each.sum() / len(target))

    return error(rates[0]), error(rates[1])


# ---- PyTorch -------------------------------------------------------------------------------------


@checked(batch=instance(Batch))
def by_pytorch(network: Network, batch: Batch) -> tuple[float, Gradient]:
    """As `batches.batch_gradient`, by ``torch.nn.LSTM`` and PyTorch's automatic differentiation.

    Raises
    ------
    ModuleNotFoundError : without PyTorch.

    Chapter 4 has the equations of ours.
    """
    lstm, linear = to_torch(network)
    import torch

    torch.set_num_threads(1)
    inputs, targets, judged = map(torch.from_numpy, batch)
    lstm, linear = lstm.to(inputs.dtype), linear.to(inputs.dtype)
    net = linear(torch.cat([inputs, lstm(inputs)[0]], dim=-1))
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    error = (entropy(net, targets, reduction="none") * judged[..., None]).sum()
    error.backward()
    columns = (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0[:, None])
    biases = lstm.bias_ih_l0.grad[:, None]
    rows = torch.cat([*(of.grad for of in columns[:2]), biases], dim=1).double().numpy()
    into, forget, cells, out = rows.reshape(4, network.topology.cells, -1)
    output = torch.cat([linear.weight.grad, linear.bias.grad[:, None]], dim=1).double().numpy()
    # Rows of cells went over halved, see `interop`.
    return error.item(), Gradient(np.concatenate([into, forget, out, cells / 2]), output)


class Beside(NamedTuple):
    """A row of a study of PyTorch's LSTM, which is fitted by the same plan from the same weights.

    corpus : which. seed : of the training. error_apart : how far our error of the first batch lies
    from PyTorch's at the first weights, in float64, as a share of it. gradient_apart : the same of
    the gradient: the largest difference, as a share of its largest element. valid, test, epoch,
    epochs, seconds, digits, data : as in `Keys`, of the network with PyTorch's gradient.
    """

    corpus: str
    seed: int
    error_apart: float
    gradient_apart: float
    valid: float
    test: float
    epoch: int
    epochs: int
    seconds: float
    digits: str
    data: str


@checked(network=instance(Network), batch=instance(Batch))
def apart(network: Network, batch: Batch) -> tuple[float, float]:
    """How far our error and gradient of a batch lie from PyTorch's, see `Beside`. Chapter 17."""
    (ours, mine), (theirs, other) = batch_gradient(network, batch), by_pytorch(network, batch)
    pairs = list(zip(mine, other, strict=True))
    largest = max(np.abs(their).max() for _, their in pairs)
    gap = max(np.abs(our - their).max() for our, their in pairs)
    return abs(ours - theirs) / abs(theirs), float(gap / largest)


@checked(name=one_of(*PLANS), seed=whole(0))
def beside(name: str, seed: int) -> Beside:
    """Learn a corpus with PyTorch's LSTM in place of ours. Chapter 17."""
    sets, plan = parts(name, 1), replace(PLANS[name], seed=seed)
    first = first_network(plan)
    gaps = apart(first, side_by_side(plan.topology, sets[0][: plan.batch]))
    found = _by_epochs(plan, sets, gradient=by_pytorch)
    return Beside(
        name,
        seed,
        *(float(f"{gap:.1e}") for gap in gaps),
        round(nats(found.network, sets[1]), 4),
        round(nats(found.network, sets[2]), 4),
        found.epoch,
        found.epochs,
        found.seconds,
        digest(found.network),
        _corpus(name).digest,
    )


# ---- Two voices ----------------------------------------------------------------------------------


class Voices(NamedTuple):
    """A row of the study of chords and melody.

    rule, seed, weights : as in `Keys`. valid : nats a frame of both voices together. chords,
    melody : nats a frame of the test set, of either voice. epoch, epochs, seconds, digits, data :
    as in `Keys`.
    """

    rule: str
    seed: int
    weights: int
    valid: float
    chords: float
    melody: float
    epoch: int
    epochs: int
    seconds: float
    digits: str
    data: str


@checked(seed=whole(0))
def voices(rule: Rule, seed: int) -> Voices:
    """Learn the chords and melodies of Nottingham. Section 4.1 has the topology; chapter 17."""
    sets = parts("nottingham", 2)
    found = reached(replace(TWO_VOICES, seed=seed), rule, sets, MOST["nottingham"])
    network, chords = found.network, corpora.TWO_VOICES.chord_units
    alone = [Episode(*(of[:, chords] for of in episode[:2])) for episode in sets[2]]
    of_chords = nats(solo(network, "chords"), alone)
    return Voices(
        rule,
        seed,
        network.weights,
        round(nats(network, sets[1]), 4),
        round(of_chords, 4),
        round(nats(network, sets[2]) - of_chords, 4),
        found.epoch,
        found.epochs,
        found.seconds,
        digest(network),
        _corpus("nottingham").digest,
    )


NEAR = 0.05
"""Nats by which a run may come out differently where BLAS rounds otherwise. Training makes more of
what is rounded: after six epochs of 60 cells on 60 chorales, validation in float32 and in float64
lay up to 0.0033 apart."""


def _chorales() -> None:
    corpora.find("jsb_chorales")


def _nottingham() -> None:
    corpora.find("nottingham")


def _chorales_and_pytorch() -> None:
    _chorales()
    if find_spec("torch") is None:
        raise ModuleNotFoundError("it needs PyTorch: pip install 'lstm-from-scratch[torch]'")


_RULES = ("bptt", "online")
_SEEDS = range(5)

STUDIES: dict[str, Any] = {
    "chorales": Study(
        "nats a frame of the JSB chorales, by full BPTT with Adam and by the paper's rule",
        keys,
        Keys,
        _SEEDS,
        tuple(("jsb_chorales", rule) for rule in _RULES),
        needs=_chorales,
        near=NEAR,
    ),
    "chorales-pytorch": Study(
        "the same with the gradient of PyTorch's LSTM in place of ours",
        beside,
        Beside,
        _SEEDS,
        (("jsb_chorales",),),
        needs=_chorales_and_pytorch,
        near=NEAR,
    ),
    "nottingham": Study(
        "nats a frame of the Nottingham tunes, by full BPTT with Adam and by the paper's rule",
        keys,
        Keys,
        _SEEDS,
        tuple(("nottingham", rule) for rule in _RULES),
        needs=_nottingham,
        near=NEAR,
    ),
    "nottingham-voices": Study(
        "nats a frame of the chords and of the melody of the Nottingham tunes, by both rules",
        voices,
        Voices,
        _SEEDS,
        tuple((rule,) for rule in _RULES),
        needs=_nottingham,
        near=NEAR,
    ),
}
"""Studies by name."""
