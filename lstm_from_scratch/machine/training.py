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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from .. import briefly, limits
from ..arguments import anything, check, checked, either, flag, real, whole
from ..files import write_whole
from .episodes import BrokenOff, Episode, Lessons
from .kernel import Arena, Tally
from .network import Network, Topology, Voice
from .recipes import (  # handed on: who trains wants them beside `train`
    PAPER,
    PAPER_2,
    RECOMMENDED,
    RECOMMENDED_2,
    STAIRCASE,
    Learning,
    Recipe,
)
from .storing import ABOUT, Archive, entry, json_object, listed, made, shipped

__all__ = [
    "FORMAT",
    "PAPER",
    "PAPER_2",
    "RECOMMENDED",
    "RECOMMENDED_2",
    "STAIRCASE",
    "BrokenOff",
    "Curve",
    "Diverged",
    "Episode",
    "Learning",
    "Recipe",
    "Result",
    "carried",
    "initial_network",
    "load",
    "save",
    "stored",
    "train",
]

FORMAT = 4
"""Version of the files that `save` writes. `load` reads those of versions 2 and 3 too: 2 called
`Recipe.give_up_after` max_steps, and in both the outputs of a voice are an activation."""


@checked
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


@checked(learned_at=whole(0), steps=whole(0), seconds=real(0))
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


def _expect_a_generator_each(recipe: Recipe, rngs: list[np.random.Generator]) -> None:
    if len(rngs) != len(recipe.voices):
        raise ValueError(
            f"rngs: expected one for each of {len(recipe.voices)} voices, got {len(rngs)}"
        )


@checked(also=_expect_a_generator_each)
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
        _, blocks, _ = t.parts(voice.name)
        outputs = t.outputs_of(voice.name)
        rows, reach = t.rows(voice.name), learning.initial_range
        for weights, mask, at in (
            (hidden, t.hidden_mask & ~t.peephole_mask, rows),
            (output, t.output_mask, np.r_[outputs]),
        ):
            own = np.ix_(at, np.flatnonzero(mask[at[0]]))
            weights[own] = rng.uniform(-reach, reach, size=weights[own].shape)
        own = t.peephole_mask & np.isin(np.arange(t.hidden_units), rows)[:, None]
        hidden[own] = rng.uniform(-reach, reach, size=own.sum())
        for kind, gate in enumerate(("input", "forget", "output")):
            at = slice(kind * t.blocks + blocks.start, kind * t.blocks + blocks.stop)
            hidden[at, -1] = getattr(learning, f"{gate}_gate_bias")
        output[outputs, -1] = learning.output_bias
    return Network(t, hidden, output)


@checked(rolls=anything())
def train(
    recipe: Recipe,
    rolls: np.ndarray | Sequence[np.ndarray] | Iterable[Episode],
    test: Callable[[Network], int],
    *,
    watch: Callable[[int, Network], object] | None = None,
    progress: bool | None = None,
    save_to: str | os.PathLike[str] | None = None,
) -> Result:
    """Train a network online: one update after every step, until it passes the test.

    The choruses follow one another in random order without a break; the state flows on from each
    into the next, and the last step of a chorus is asked for the first of the next one. At the
    gross error that is not forgiven any more, states, outputs and partials are cleared and the
    next chorus begins; weights, momentum and Adam's means stay (section 3.1). Voices that learn
    until a plateau go on after the test is passed (section 4.2).

    What is not music comes in episodes: their targets are their own, and an iterator's are heard
    in its order.

    Parameters
    ----------
    recipe : what to train, and how.
    rolls : choruses to learn, shape ``(choruses, steps, inputs)``, or one of shape ``(steps,
        inputs)``, or a list of them of unequal lengths; or a list of episodes, or an iterator over
        such, which may be endless.
    test : called with the network every ``recipe.test_every`` steps; returns how many choruses it
        plays without a wrong note. It is passed with ``recipe.choruses`` or more. After that it is
        asked again only if every voice goes on learning.
    watch : called after each test with the steps trained and the network, to keep or to look at.
    progress : show a progress bar; ``None`` shows one only on a terminal.
    save_to : a file for the result, as `save` writes it. Where training breaks off, by any of the
        errors below, by one in ``test`` or ``watch`` or by hand, what was learned so far is saved,
        and the error says so.

    Returns
    -------
    Result : with ``learned`` False if ``recipe.give_up_after`` steps were not enough, or an
        iterator came to its end.

    Raises
    ------
    ValueError : for choruses of another shape than the topology wants, or not of zeros and ones;
        for a step at which a voice with softmax outputs has not exactly one unit on; for episodes
        as `episodes.from_episodes`.
    BrokenOff : if an iterator fails in mid-training, or yields what does not fit; it has the
        network as it was.
    Diverged : if a weight is not finite any more; it names the step and has the last good network.

    Chapters 6, 7 and 8.
    """
    if save_to is not None and not Path(save_to).absolute().parent.is_dir():
        raise ValueError(f"save_to: expected a path in a folder that is there, got {save_to}")
    order_rng, *voice_rngs = np.random.default_rng(recipe.seed).spawn(len(recipe.voices) + 1)
    lessons = Lessons(recipe.topology, rolls, order_rng)
    arena = Arena(recipe.topology, rules=tuple(learning.rule for learning in recipe.voices))
    arena.set_weights(initial_network(recipe, voice_rngs))
    _set_learning(arena, recipe)
    forgiven = np.array([recipe.forgiven or np.iinfo(np.int64).max])
    lessons.begin(arena)

    rows, done, learned_at, started = [], 0, 0, time.perf_counter()

    def result(network: Network | None) -> Result:
        curve = Curve(*(np.array(column) for column in zip(*rows, strict=True)))
        seconds = time.perf_counter() - started
        return Result(network or tested, recipe, learned_at, done, seconds, curve)

    with (
        _saved_if_it_breaks_off(save_to, lambda network: result(network) if rows else None),
        tqdm(
            total=recipe.give_up_after,
            disable=None if progress is None else not progress,
            unit=" steps",
            unit_scale=True,
            desc="training",
        ) as bar,
    ):
        while not _finished(recipe, rows, learned_at):
            steps = recipe.test_every
            if not learned_at:
                steps = min(steps, recipe.give_up_after - done)
            before = arena.data.copy(), arena.cursors.copy()
            fresh = _fresh(recipe, learned_at)
            tallies = _taught(lessons, arena, forgiven, fresh, steps, done)
            weights = arena.weights()
            if not all(np.isfinite(matrix).all() for matrix in weights):
                arena.data[:], arena.cursors[:] = before
                raise _diverged(arena, lessons, forgiven, fresh, done)
            taken = sum(tally.steps for tally in tallies)
            if not taken:  # a generator has come to its end
                break
            done += taken
            tested = Network(recipe.topology, *weights)
            if not learned_at or _all_go_on(recipe):
                choruses = check("test, what it returns", test(tested), ANSWER)
            rows.append(
                (
                    done,
                    sum(tally.cross_entropy[0] for tally in tallies) / taken,
                    int(sum(tally.gross_errors[0] for tally in tallies)),
                    int(sum(tally.resets[0] for tally in tallies)),
                    choruses,
                )
            )
            if watch is not None:
                watch(done, tested)
            if choruses >= recipe.choruses and not learned_at:
                learned_at = done
            if learned_at:
                _set_learning(arena, recipe, done - learned_at)
            bar.update(taken)
            if taken < steps:
                break
    if not rows:
        raise ValueError("rolls: expected at least one episode, got an iterator that yields none")
    learned = result(arena.network())
    if save_to is not None:
        save(learned, save_to)
    return learned


ANSWER = either(whole(), flag())
"""What a test may say: how many choruses were played, or whether enough were."""


@contextmanager
def _saved_if_it_breaks_off(
    path: str | os.PathLike[str] | None, so_far: Callable[[Network | None], Result | None]
) -> Iterator[None]:
    """Save what was learned so far if an error comes; one that has a network means that one."""
    try:
        yield
    except BaseException as error:  # also whoever stops a training by hand
        kept = None if path is None else so_far(getattr(error, "network", None))
        if kept is not None:
            save(kept, path)
            error.add_note(f"what was learned in {kept.steps:,} steps is in {path}")
        raise


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


def _fresh(recipe: Recipe, learned_at: int) -> np.ndarray | None:
    """After how many episodes in a row the next begins from a cleared state."""
    every = recipe.anew_after(learned_at)
    return np.array([every]) if every else None


def _taught(
    lessons: Lessons,
    arena: Arena,
    forgiven: np.ndarray,
    fresh: np.ndarray | None,
    steps: int,
    done: int,
) -> list[Tally]:
    """Let an arena learn for some steps, ready for a generator that fails in between."""
    try:
        return lessons.learn(arena, forgiven, fresh, steps)
    except Exception as error:
        if lessons.source is None or not (done or lessons.pieces):
            raise
        done += sum(tally.steps for tally in lessons.tallies)
        raise BrokenOff(
            f"the episodes broke off after {done:,} steps: {type(error).__name__}: {error}; the "
            "network as it was then is this error's .network",
            done,
            arena.network(),
        ) from error


def _diverged(
    arena: Arena, lessons: Lessons, forgiven: np.ndarray, fresh: np.ndarray | None, done: int
) -> Diverged:
    """Go again, step by step, over steps that ended in weights which are not finite."""
    for number, (packed, orders) in enumerate(lessons.pieces):
        if number:
            arena.begin(0)
        used = 0
        while True:
            network = arena.network()
            if not arena.train(packed, orders[:, used:], forgiven, 1, fresh).steps:
                break
            used, done = used + arena.used, done + 1
            for name, weights in zip(("hidden", "output"), arena.weights(), strict=True):
                if not np.isfinite(weights).all():
                    return Diverged(
                        f"training diverged: after step {done} the {name} weights are not finite; "
                        "a smaller learning rate helps",
                        done,
                        network,
                    )
    raise AssertionError("steps that diverged did not when they were made again")


@checked
def save(
    result: Result, path: str | os.PathLike[str], carries: Mapping[str, Any] | None = None
) -> None:
    """Write a trained network with its recipe and curve to an ``.npz`` file.

    The file is written beside its place and then renamed: an interrupted save leaves an old file
    whole.

    Parameters
    ----------
    carries : what else goes into the file, as JSON can hold it, such as the music that a network
        was trained on; `carried` reads it, and `load` does without.

    Appendix A.
    """
    about = {
        "format": FORMAT,
        "recipe": asdict(result.recipe),
        "learned_at": result.learned_at,
        "steps": result.steps,
        "seconds": result.seconds,
    }
    if len(result.curve.steps) > limits.TESTS:
        raise ValueError(
            f"result: expected a curve of at most {limits.TESTS:,} tests, got "
            f"{len(result.curve.steps):,}: test less often"
        )
    curve = {f"curve_{name}": value for name, value in vars(result.curve).items()}
    file = io.BytesIO()
    more = {} if carries is None else {"carries": _carried_text(carries)}
    np.savez_compressed(
        file,
        about=json.dumps(about),
        hidden=result.network.hidden,
        output=result.network.output,
        **curve,
        **more,
    )
    write_whole(path, file.getvalue())


def _carried_text(carries: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(dict(carries))
    except (TypeError, ValueError) as error:
        raise ValueError(f"carries: expected what JSON can hold, got {error}") from None
    if len(text) > ABOUT:
        raise ValueError(f"carries: expected at most {ABOUT:,} characters, got {len(text):,}")
    return text


@checked
def carried(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file of `save` carries beside its network; nothing of it is executed. Appendix A.

    It is JSON, and whoever reads it has to look at it.

    Raises
    ------
    ValueError : if the file is something else, is damaged, or carries nothing.
    FileNotFoundError : if there is none.
    """
    name = os.fspath(path)
    try:
        with Archive(path) as archive:
            if "carries" in archive.names:
                return json_object("carries", archive.text("carries"))
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{name}: not a trained network of ours: {error}") from error
    raise ValueError(f"{name}: it carries nothing beside its network")


@checked
def load(path: str | os.PathLike[str]) -> Result:
    """Read a file that `save` wrote. Nothing in it is executed. Appendix A.

    What the file says of types and sizes is compared with what its recipe asks for before an array
    is read; see `storing`.

    Raises
    ------
    ValueError : if the file is truncated, is something else, or comes from another version; the
        message names what is wrong in it, what was expected and what came.
    FileNotFoundError : if there is none.
    """
    try:
        with Archive(path) as archive:
            return _read(archive)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"there is no file {os.fspath(path)!r}; what comes with the package is "
            "got by name, as in training.stored('experiment_1')"
        ) from error
    # A damaged archive fails in many ways: bad sums, unknown compression, a password asked for, an
    # array of impossible size. Whatever it is, it is not a file of ours.
    except Exception as error:
        raise ValueError(f"{os.fspath(path)}: not a trained network of ours: {error}") from error


def _read(archive: Archive) -> Result:
    """The result in an archive, its recipe first: that says how large all else is."""
    if "about" not in archive.names:
        raise ValueError("it holds no trained network")
    about = json_object("about", archive.text("about"))
    version = entry("about", about, "format")
    if type(version) is not int or version not in (2, 3, FORMAT):
        raise ValueError(f"it has format {version!r}, expected {FORMAT}")
    recipe = _recipe(entry("about", about, "recipe"), version)
    counts = {
        name: check(name, entry("about", about, name), kind) for name, kind in _COUNTS.items()
    }
    t, voices = recipe.topology, len(recipe.voices)
    tests = archive.header("curve_steps").shape[:1]
    columns = {name: (*tests, voices)[: 1 + (name == "cross_entropy")] for name in _CURVE}
    curve = Curve(
        *(
            archive.array(
                f"curve_{name}",
                "f" if name in ("cross_entropy", "choruses") else "i",
                shape if tests != (0,) else archive.header(f"curve_{name}").shape,
                limits.TESTS * voices,
            )
            for name, shape in columns.items()
        )
    )
    hidden = archive.array("hidden", "f", (t.hidden_units, t.sources))
    output = archive.array("output", "f", (t.outputs, t.sources))
    return Result(Network(t, hidden, output), recipe, **counts, curve=curve)


_CURVE = tuple(Curve.__dataclass_fields__)
_COUNTS = {"learned_at": whole(0), "steps": whole(0), "seconds": real(0)}


def _recipe(data: Any, version: int) -> Recipe:
    """Make a recipe of what JSON left of it."""
    data = dict(data) if isinstance(data, dict) else data
    voices = listed(
        "recipe, topology", entry("topology", entry("recipe", data, "topology"), "voices")
    )
    learning = listed("recipe, voices", entry("recipe", data, "voices"))
    if version == 2:
        data["give_up_after"] = data.pop("max_steps", None)
    topology = Topology(
        tuple(made(Voice, f"voice {n}", voice) for n, voice in enumerate(voices, start=1))
    )
    each = tuple(made(Learning, f"learning of voice {n}", it) for n, it in enumerate(learning, 1))
    return made(Recipe, "recipe", data, topology=topology, voices=each)


@checked
def stored(name: str) -> Result:
    """A trained network that comes with the package, such as ``"experiment_1"``.

    Raises
    ------
    ValueError : if there is none of that name.
    """
    return shipped(files(__package__) / "trained", name, load)
