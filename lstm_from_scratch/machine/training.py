"""Training: a recipe, the online updates it asks for, and when to stop; saving and loading.

A `Recipe` says everything that a training depends on, as data; a `Result` carries the recipe that
made it. The stopping test is handed in as a function, so that this module knows nothing of music.
The steps themselves are those of `gradient`, run by `kernel`.

Chapter 6 (One step at a time) builds this module up.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.resources import as_file, files
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from .. import briefly
from ..arrays import regular
from ..files import write_whole
from .extensions import check_one_unit_on
from .kernel import Arena, Rule
from .network import Network, Topology, Voice

FORMAT = 3
"""Version of the files that `save` writes. Those of version 2, which `load` reads too, called
`Recipe.give_up_after` max_steps."""

STAIRCASE = (-0.5, -1.0, -1.5, -2.0)
"""The paper's gate biases (section 3.1): they let the blocks come online one by one."""


_GATE_BIASES = ("input_gate_bias", "forget_gate_bias", "output_gate_bias")


def _expect(name: str, value: float, least: float, below: float) -> None:
    """Check that a number is finite, at least ``least`` and smaller than ``below``."""
    if not (np.isfinite(value) and least <= value < below):
        raise ValueError(f"{name}: expected a number from {least} to below {below}, got {value}")


@dataclass(frozen=True)
class Learning:
    """How one voice learns. The defaults are the paper's, where it gives one (section 3.1).

    Attributes
    ----------
    learning_rate : step against the gradient, after every time step.
    momentum : share of the last change of a weight that is made again, 0 up to (not with) 1.
    initial_range : weights begin uniform in plus or minus this (not given in the paper).
    input_gate_bias, forget_gate_bias, output_gate_bias : one for each block, at the start; or one
        number for all, of which a `Recipe`, which knows the blocks, makes as many as there are.
    output_bias : of every output unit, at the start.
    wrong : an output that is farther than this from its target makes the step a gross error; with
        1 or more none ever is. 0.5 means: on the wrong side of the threshold.
    until : when the voice stops learning, its momentum (or Adam's means) cleared: ``"test"``, when
        the network first passes its test, or ``"plateau"``, when after that its cross-entropy falls
        no more.
    decay : how fast the learning rate falls after the test is passed: after so many more steps t,
        it is ``learning_rate / (1 + decay * t)``, set anew after each test. 0: it stays.
    optimiser : what is made of the gradient of a step: ``"momentum"``, as in the paper, or
        ``"adam"`` (Kingma and Ba, 2015; `bptt.adam_update`), which has no use for ``momentum``.
    clip : the largest norm of the voice's gradient of a step, over all of its weights; a longer one
        is shortened. Infinity: none is.

    Raises
    ------
    ValueError : for a number that is not finite or out of its range.
    """

    learning_rate: float = 1e-5
    momentum: float = 0.9
    initial_range: float = 0.1
    input_gate_bias: tuple[float, ...] | float = STAIRCASE
    forget_gate_bias: tuple[float, ...] | float = STAIRCASE
    output_gate_bias: tuple[float, ...] | float = STAIRCASE
    output_bias: float = 0.5
    wrong: float = 0.5
    until: Literal["test", "plateau"] = "test"
    decay: float = 0.0
    optimiser: Literal["momentum", "adam"] = "momentum"
    clip: float = np.inf

    def __post_init__(self) -> None:
        if self.optimiser not in ("momentum", "adam"):
            raise ValueError(f"optimiser is 'momentum' or 'adam', got {self.optimiser!r}")
        if not self.clip > 0.0:
            raise ValueError(f"clip: expected a number above 0, infinity if none, got {self.clip}")
        if self.until not in ("test", "plateau"):
            raise ValueError(f"until is 'test' or 'plateau', got {self.until!r}")
        _expect("decay", self.decay, 0.0, np.inf)
        _expect("learning_rate", self.learning_rate, 0.0, np.inf)
        _expect("momentum", self.momentum, 0.0, 1.0)
        _expect("initial_range", self.initial_range, 0.0, np.inf)
        _expect("wrong", self.wrong, 0.0, np.inf)
        for name in (*_GATE_BIASES, "output_bias"):
            biases = np.atleast_1d(np.asarray(getattr(self, name), dtype=float))
            if not np.isfinite(biases).all():
                raise ValueError("biases must be finite")

    __repr__ = briefly.differing

    @property
    def rule(self) -> Rule:
        """How the kernel's weights learn: at once where nothing needs the whole gradient."""
        whole = self.optimiser != "momentum" or self.clip < np.inf
        return self.optimiser if whole else "at once"


def _for_each_block(voice: Voice, learning: Learning) -> Learning:
    """How a voice learns, with a bias of each kind of gate for each of its blocks."""
    blocks, given = len(voice.blocks), {}
    for name in _GATE_BIASES:
        biases = getattr(learning, name)
        given[name] = biases if np.ndim(biases) else (float(biases),) * blocks
        if len(given[name]) != blocks:
            raise ValueError(
                f"voice {voice.name!r}: {len(given[name])} {name.replace('_', ' ')}es for {blocks} "
                "blocks"
            )
    return replace(learning, **given)


@dataclass(frozen=True)
class Recipe:
    """Everything a training depends on, apart from the music.

    Attributes
    ----------
    topology : the network to train.
    voices : how each of its voices learns, in the same order.
    forgiven : the gross error of this number since the last reset causes the next one: 1 resets at
        each, 8 forgives seven. 0: never reset.
    seed : of all randomness: initial weights, and which chorus is heard when.
    give_up_after : training ends after so many steps if the test is not passed by then. Once it is,
        ``windows`` is the bound; `max_steps` is that of all steps together.
    test_every : steps between two tests.
    choruses : a network has learned when it plays this many without one wrong note.
    window, gain, patience : the rule for a plateau, looked for once the test is passed.
        Cross-entropy, summed over the voices that go on, is averaged over windows of so many steps.
        Where none of the last ``patience`` windows was lower than the best one before them by more
        than the share ``gain``, training ends.
    windows : training ends after this many of them even if there is no plateau.
    fresh : once the test is passed, and with it the last reset, each chorus of this number begins
        from a cleared state, as a performance does. 0: none does.

    Raises
    ------
    ValueError : if the voices don't match the topology, or for a number out of its range.
    """

    topology: Topology
    voices: tuple[Learning, ...]
    forgiven: int = 8
    seed: int = 0
    give_up_after: int = 25_000_000
    test_every: int = 4_800
    choruses: int = 1_000
    window: int = 2_400_000
    gain: float = 0.002
    patience: int = 5
    windows: int = 20
    fresh: int = 0

    def __post_init__(self) -> None:
        _expect("gain", self.gain, -np.inf, 1.0)
        if len(self.voices) != len(self.topology.voices):
            raise ValueError(
                f"{len(self.voices)} voices learn, the topology has {len(self.topology.voices)}"
            )
        learning = map(_for_each_block, self.topology.voices, self.voices)
        object.__setattr__(self, "voices", tuple(learning))
        wholes = {"forgiven": 0, "seed": 0, "give_up_after": 1, "test_every": 1, "choruses": 1}
        wholes |= {"window": 1, "patience": 1, "windows": 1, "fresh": 0}
        for name, least in wholes.items():
            value = getattr(self, name)
            if not isinstance(value, int):
                raise ValueError(f"{name} must be an int, got {value!r}")
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        if self.window % self.test_every and any(it.until == "plateau" for it in self.voices):
            raise ValueError(
                f"a window of {self.window} steps is not some whole times {self.test_every}, "
                "the steps between two tests"
            )

    def __repr__(self) -> str:
        parts = []
        for voice, learning in zip(self.topology.voices, self.voices, strict=True):
            apart = briefly.set_apart(voice, known=("name", "inputs", "blocks"))
            apart += briefly.set_apart(learning)
            parts.append(", ".join((briefly.voices([voice]), *apart)))
        parts.append(", ".join(briefly.set_apart(self, known=("topology", "voices"))))
        return f"Recipe({'; '.join(filter(None, parts))})"

    @property
    def max_steps(self) -> int:
        """The most steps that training can take, up to the test and after it."""
        goes_on = any(learning.until == "plateau" for learning in self.voices)
        return self.give_up_after + goes_on * self.windows * self.window


PAPER = Recipe(
    Topology((Voice("chords", 12, (2, 2, 2, 2)),)),
    (Learning(),),
    give_up_after=400_000_000,
    test_every=19_200,
)
"""Experiment 1 as printed. What the paper leaves open is filled in: see the Reconstruction page."""

RECOMMENDED = Recipe(
    Topology((Voice("chords", 12, (2, 2, 2, 2), g=(-1.0, 1.0)),)),
    (Learning(learning_rate=2e-4, initial_range=0.02, forget_gate_bias=(1.0, 2.0, 3.0, 4.0)),),
)
"""Experiment 1 as we recommend it: the same rule, a larger rate, forget gates that begin open."""

_MELODY = Voice("melody", 13, (2, 2, 2, 2), reads=("chords",), choice="sample")

PAPER_2 = replace(
    PAPER,
    topology=Topology((*PAPER.topology.voices, _MELODY)),
    voices=(
        replace(PAPER.voices[0], until="plateau"),
        Learning(wrong=1.0, until="plateau"),
    ),
    window=24_000_000,
    windows=5,
)
"""Experiment 2 as printed: the melody as the chords, and both learn on, for five windows at most.

A melody's choices are no errors, so only those of the chords count as gross (``wrong``)."""

RECOMMENDED_2 = replace(
    RECOMMENDED,
    topology=Topology((*RECOMMENDED.topology.voices, _MELODY)),
    voices=(
        *RECOMMENDED.voices,
        Learning(learning_rate=3e-3, wrong=1.0, until="plateau", decay=1e-7),
    ),
)
"""Experiment 2 as we recommend it: chords as in `RECOMMENDED`, which stop learning when they have
passed their test; the melody's gates begin as printed, with a larger rate that falls."""


@dataclass(frozen=True, eq=False)
class Curve:
    """How a training went: one entry for each test.

    steps : steps trained when the test was made, shape ``(tests,)``.
    cross_entropy : nats a step since the test before, shape ``(tests, voices)``.
    gross_errors, resets : how many since the test before, shape ``(tests,)``.
    choruses : what the stopping test returned, or the last time that it was asked; shape
    ``(tests,)``.
    """

    steps: np.ndarray
    cross_entropy: np.ndarray
    gross_errors: np.ndarray
    resets: np.ndarray
    choruses: np.ndarray

    def __repr__(self) -> str:
        last = f" up to step {self.steps[-1]:,}" if len(self.steps) else ""
        return f"Curve({briefly.counted(len(self.steps), 'test')}{last})"


@dataclass(frozen=True, eq=False)
class Result:
    """A trained network and how it came about.

    network : as it was when training stopped. recipe : that made it. learned_at : after how
    many steps it first passed the test, 0 if it never did. steps : that it trained in all.
    seconds : that it took here. curve : how it went.
    """

    network: Network
    recipe: Recipe
    learned_at: int
    steps: int
    seconds: float
    curve: Curve

    @property
    def learned(self) -> bool:
        """Did it pass the test?"""
        return self.learned_at > 0

    def __repr__(self) -> str:
        after = briefly.counted(self.steps, "step")
        if self.learned and self.steps > self.learned_at:
            after = f"{self.learned_at:,} of {after}"
        no = "" if self.learned else "not "
        return f"Result({no}learned after {after}, seed {self.recipe.seed})"

    def __getattr__(self, name: str) -> Any:  # asked for what there is not
        raise AttributeError(
            f"a Result has no {name!r}: where a Network is wanted, use result.network"
        )


class Diverged(ValueError):
    """Training ran into numbers that are not finite.

    Attributes
    ----------
    step : the first step after which a weight was not finite, counted from 1.
    network : the last network that was.
    """

    def __init__(self, message: str, step: int, network: Network) -> None:
        super().__init__(message)
        self.step, self.network = step, network


def initial_network(recipe: Recipe, rngs: list[np.random.Generator]) -> Network:
    """Draw the network that training begins with.

    Parameters
    ----------
    recipe : topology, range of the weights, biases.
    rngs : a source of randomness for each voice, so that a voice begins the same with or without
        others beside it.

    Weights are uniform, cells' biases among them; gates' and outputs' biases are as the recipe
    says. Peepholes are drawn last: the other weights are what they are without them. Section 3.1;
    chapter 6.
    """
    t = recipe.topology
    hidden, output = np.zeros(t.hidden_mask.shape), np.zeros(t.output_mask.shape)
    for voice, learning, rng in zip(t.voices, recipe.voices, rngs, strict=True):
        inputs, blocks, _ = t.parts(voice.name)
        rows, reach = t.rows(voice.name), learning.initial_range
        for weights, mask, at in (
            (hidden, t.hidden_mask & ~t.peephole_mask, rows),
            (output, t.output_mask, np.r_[inputs]),
        ):
            own = np.ix_(at, np.flatnonzero(mask[at[0]]))
            weights[own] = rng.uniform(-reach, reach, size=weights[own].shape)
        own = t.peephole_mask & np.isin(np.arange(t.hidden_units), rows)[:, None]
        hidden[own] = rng.uniform(-reach, reach, size=own.sum())
        for kind, gate in enumerate(("input", "forget", "output")):
            at = slice(kind * t.blocks + blocks.start, kind * t.blocks + blocks.stop)
            hidden[at, -1] = getattr(learning, f"{gate}_gate_bias")
        output[inputs, -1] = learning.output_bias
    return Network(t, hidden, output)


def train(
    recipe: Recipe,
    rolls: np.ndarray,
    test: Callable[[Network], int],
    *,
    watch: Callable[[int, Network], object] | None = None,
    progress: bool | None = None,
) -> Result:
    """Train a network online: one update after every step, until it passes the test.

    The choruses follow one another in random order without a break; the state flows on from each
    into the next, and the last step of a chorus is asked for the first of the next one. At the
    gross error that is not forgiven any more, states, outputs and partials are cleared and the
    next chorus begins; weights, momentum and Adam's means stay (section 3.1). Voices that learn
    until a plateau go on after the test is passed (section 4.2).

    Parameters
    ----------
    recipe : what to train, and how.
    rolls : choruses to learn, shape ``(choruses, steps, inputs)``, or one of shape ``(steps,
        inputs)``.
    test : called with the network every ``recipe.test_every`` steps; returns how many choruses it
        plays without a wrong note. It is passed with ``recipe.choruses`` or more. After that it is
        asked again only if every voice goes on learning.
    watch : called after each test with the steps trained and the network, to keep or to look at.
    progress : show a progress bar; ``None`` shows one only on a terminal.

    Returns
    -------
    Result : with ``learned`` False if ``recipe.give_up_after`` steps were not enough.

    Raises
    ------
    ValueError : for choruses of another shape than the topology wants, or not of zeros and ones;
        for a step at which a voice with softmax outputs has not exactly one unit on.
    Diverged : if a weight is not finite any more; it names the step and has the last good network.

    Chapters 6, 7 and 8.
    """
    rolls = _checked(rolls, recipe.topology)
    order_rng, *voice_rngs = np.random.default_rng(recipe.seed).spawn(len(recipe.voices) + 1)
    arena = Arena(recipe.topology, rules=tuple(learning.rule for learning in recipe.voices))
    arena.set_weights(initial_network(recipe, voice_rngs))
    _set_learning(arena, recipe)
    forgiven = np.array([recipe.forgiven or np.iinfo(np.int64).max])
    arena.cursors[0, 0] = order_rng.integers(len(rolls))
    order = np.zeros((1, 0), dtype=np.int64)

    rows, done, learned_at, started = [], 0, 0, time.perf_counter()
    with tqdm(
        total=recipe.give_up_after,
        disable=None if progress is None else not progress,
        unit=" steps",
        unit_scale=True,
        desc="training",
    ) as bar:
        while not _finished(recipe, rows, learned_at):
            steps = recipe.test_every
            if not learned_at:
                steps = min(steps, recipe.give_up_after - done)
            # What is not used up is kept: how often one looks must not change what is heard.
            drawn = order_rng.integers(len(rolls), size=(1, max(0, steps + 1 - order.shape[1])))
            order = np.concatenate([order, drawn], axis=1)
            before = arena.data.copy(), arena.cursors.copy()
            fresh = np.array([recipe.fresh]) if learned_at and recipe.fresh else None
            tally = arena.train(rolls, order, forgiven, steps, fresh)
            weights = arena.weights()
            if not all(np.isfinite(matrix).all() for matrix in weights):
                arena.data[:], arena.cursors[:] = before
                raise _diverged(arena, rolls, order, forgiven, fresh, done)
            order = order[:, arena.cursors[0, 2] :]
            done += steps
            network = Network(recipe.topology, *weights)
            if not learned_at or _all_go_on(recipe):
                choruses = test(network)
            rows.append(
                (
                    done,
                    tally.cross_entropy[0] / steps,
                    int(tally.gross_errors[0]),
                    int(tally.resets[0]),
                    choruses,
                )
            )
            if watch is not None:
                watch(done, network)
            if choruses >= recipe.choruses and not learned_at:
                learned_at = done
            if learned_at:
                _set_learning(arena, recipe, done - learned_at)
            bar.update(steps)
    columns = zip(*rows, strict=True)
    return Result(
        arena.network(),
        recipe,
        learned_at,
        done,
        time.perf_counter() - started,
        Curve(*(np.array(column) for column in columns)),
    )


def _set_learning(arena: Arena, recipe: Recipe, since: int | None = None) -> None:
    """Set how each voice learns, so many steps after the test was passed (``None``: before)."""
    for voice, learning in enumerate(recipe.voices):
        rate = learning.learning_rate
        if since is not None:
            rate = 0.0 if learning.until == "test" else rate / (1 + learning.decay * since)
        arena.set_learning(
            voice,
            learning_rate=rate,
            momentum=learning.momentum,
            wrong=learning.wrong,
            clip=learning.clip,
        )


def _all_go_on(recipe: Recipe) -> bool:
    """Do all voices learn on after the test is passed, so that it might fail again?"""
    return all(learning.until == "plateau" for learning in recipe.voices)


def _finished(recipe: Recipe, rows: list[tuple], learned_at: int) -> bool:
    """Is training over after these entries of the curve?"""
    if not learned_at:
        return bool(rows) and rows[-1][0] >= recipe.give_up_after
    going_on = [voice for voice, it in enumerate(recipe.voices) if it.until == "plateau"]
    if not going_on:
        return True
    since = rows[-1][0] - learned_at
    if since == 0 or since % recipe.window:
        return False
    tests = recipe.window // recipe.test_every
    later = rows[len(rows) - since // recipe.test_every :]
    errors = np.array([row[1][going_on].sum() for row in later]).reshape(-1, tests).mean(axis=1)
    if len(errors) >= recipe.windows:
        return True
    before, last = errors[: -recipe.patience], errors[-recipe.patience :]
    return bool(len(before) and last.min() >= (1 - recipe.gain) * before.min())


def _checked(rolls: np.ndarray, topology: Topology) -> np.ndarray:
    """The choruses as a float64 array of three axes."""
    rolls = regular(rolls, f"choruses of shape (choruses, steps, {topology.inputs})")
    rolls = rolls[None] if rolls.ndim == 2 else rolls
    if rolls.ndim != 3 or not rolls.size or rolls.shape[2] != topology.inputs:
        raise ValueError(
            f"expected choruses of shape (choruses, steps, {topology.inputs}), got {rolls.shape}"
        )
    if rolls.shape[1] < 2:
        raise ValueError("a chorus needs at least two steps, got 1")
    if not np.isin(rolls, (0.0, 1.0)).all():
        raise ValueError("choruses hold 0.0 and 1.0 only")
    check_one_unit_on(topology, rolls)
    return np.ascontiguousarray(rolls)


def _diverged(
    arena: Arena,
    rolls: np.ndarray,
    orders: np.ndarray,
    forgiven: np.ndarray,
    fresh: np.ndarray | None,
    done: int,
) -> Diverged:
    """Go again, step by step, over steps that ended in weights which are not finite."""
    used = 0
    while True:
        network, done = arena.network(), done + 1
        arena.train(rolls, orders[:, used:], forgiven, 1, fresh)
        used += int(arena.cursors[0, 2])
        for name, weights in zip(("hidden", "output"), arena.weights(), strict=True):
            if not np.isfinite(weights).all():
                return Diverged(
                    f"training diverged: after step {done} the {name} weights are not finite; "
                    "a smaller learning rate helps",
                    done,
                    network,
                )


def save(result: Result, path: str | os.PathLike[str]) -> None:
    """Write a trained network with its recipe and curve to an ``.npz`` file.

    The file is written beside its place and then renamed: an interrupted save leaves an old file
    whole. Appendix A.
    """
    about = {
        "format": FORMAT,
        "recipe": asdict(result.recipe),
        "learned_at": result.learned_at,
        "steps": result.steps,
        "seconds": result.seconds,
    }
    curve = {f"curve_{name}": value for name, value in vars(result.curve).items()}
    file = io.BytesIO()
    np.savez_compressed(
        file,
        about=json.dumps(about),
        hidden=result.network.hidden,
        output=result.network.output,
        **curve,
    )
    write_whole(path, file.getvalue())


def load(path: str | os.PathLike[str]) -> Result:
    """Read a file that `save` wrote. Nothing in it is executed. Appendix A.

    Raises
    ------
    ValueError : if the file is truncated, is something else, or comes from another version.
    FileNotFoundError : if there is none.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            if "about" not in getattr(archive, "files", ()):
                raise ValueError("it holds no trained network")
            about = json.loads(str(archive["about"]))
            if about["format"] == 2:
                about["recipe"]["give_up_after"] = about["recipe"].pop("max_steps")
            elif about["format"] != FORMAT:
                raise ValueError(f"it has format {about['format']}, expected {FORMAT}")
            recipe = _recipe(about["recipe"])
            curve = Curve(*(archive[f"curve_{name}"] for name in Curve.__dataclass_fields__))
            network = Network(recipe.topology, archive["hidden"], archive["output"])
            return Result(
                network, recipe, about["learned_at"], about["steps"], about["seconds"], curve
            )
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"there is no file {os.fspath(path)!r}; what comes with the package is "
            "got by name, as in training.stored('experiment_1')"
        ) from error
    # A damaged archive fails in many ways: bad sums, unknown compression, a password asked for, an
    # array of impossible size. Whatever it is, it is not a file of ours.
    except Exception as error:
        raise ValueError(f"{os.fspath(path)}: not a trained network of ours: {error}") from error


def _recipe(data: dict) -> Recipe:
    """Make a recipe of what JSON left of it."""

    def tuples(value: object) -> object:
        return tuple(map(tuples, value)) if isinstance(value, list) else value

    def fields(values: dict) -> dict:
        return {name: tuples(value) for name, value in values.items()}

    voices = tuple(Voice(**fields(voice)) for voice in data["topology"]["voices"])
    learning = tuple(Learning(**fields(voice)) for voice in data["voices"])
    return Recipe(**{**data, "topology": Topology(voices), "voices": learning})


def stored(name: str) -> Result:
    """A trained network that comes with the package, such as ``"experiment_1"``.

    Raises
    ------
    ValueError : if there is none of that name.
    """
    folder = files(__package__) / "trained"
    names = sorted(p.name.removesuffix(".npz") for p in folder.iterdir() if p.name.endswith(".npz"))
    if name not in names:
        raise ValueError(f"no stored network {name!r}: there are {names}")
    with as_file(folder / f"{name}.npz") as path:
        return load(path)
