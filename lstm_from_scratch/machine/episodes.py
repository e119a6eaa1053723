"""What a network learns from: episodes of inputs and targets, each as long as it is.

An `Episode` says what is heard at each step, what should be predicted there, and which of the steps
are judged. Music is the case in which each step's target is the next step's inputs: then a roll
says it all. However it is handed in, the compiled steps get it `Packed`: all episodes one after
another.

Chapter 6 (One step at a time) trains on music.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import briefly, limits
from ..arguments import anything, array, check, checked, either, none, several, whole
from ..arrays import regular
from .extensions import check_one_unit_on
from .network import Network, Topology

if TYPE_CHECKING:
    from .kalman_compiled import Learner
    from .kernel import Arena, Tally

BUFFERED = 4_096
"""Steps of what a generator yields that are packed at a time, at the least."""


class Episode(NamedTuple):
    """One sequence to learn: what is heard, and what should be predicted at each step.

    inputs : any finite numbers, shape ``(steps, inputs)``. targets : probabilities, 0 or 1 as a
    rule, shape ``(steps, outputs)``; those of a voice with softmax outputs sum to 1. judged : at
    which steps the prediction is held against the target, shape ``(steps,)``; ``None``: at all.
    Elsewhere the error is 0 whatever is predicted. Chapter 6.
    """

    inputs: np.ndarray
    targets: np.ndarray
    judged: np.ndarray | None = None

    __repr__ = briefly.shapes


class Packed(NamedTuple):
    """Episodes one after another, float64.

    inputs, targets : shapes ``(all steps, inputs)`` and ``(all steps, outputs)``. judged : 1.0 or
    0.0 for each step. starts : where each episode begins, and where the last one ends, shape
    ``(episodes + 1,)``. ahead : 0; or 1 where the target of a step stands in the row after it, and
    that of an episode's last step is the first row of the next episode.
    """

    inputs: np.ndarray
    targets: np.ndarray
    judged: np.ndarray
    starts: np.ndarray
    ahead: int

    __repr__ = briefly.shapes


@checked(rolls=anything())
def from_rolls(rolls: np.ndarray | Sequence[np.ndarray]) -> Packed:
    """Pack music: rolls, each of shape ``(steps, inputs)``, whose next step is the target.

    The last step of each is asked for the first of the one that follows.

    Raises
    ------
    ValueError : for what is no array of three axes, and no list of arrays of as many columns.

    Chapter 6.
    """
    if not (isinstance(rolls, np.ndarray) and rolls.ndim == 3 and rolls.dtype.kind in "biuf"):
        rolls = check("rolls", rolls, several(array("steps", "inputs", some=True), some=True))
        if len({roll.shape[1] for roll in rolls}) > 1:
            raise ValueError(
                "rolls: expected as many inputs in each, got "
                f"{sorted({roll.shape[1] for roll in rolls})}"
            )
    if not len(rolls) or not rolls[0].size:
        raise ValueError(f"rolls: expected at least one step, got shape {np.shape(rolls)}")
    return _music(rolls)


def _music(rolls: Iterable[np.ndarray]) -> Packed:
    """Rolls that were looked at, one after another."""
    inputs = np.ascontiguousarray(np.concatenate([*rolls]), dtype=float)
    return Packed(inputs, inputs, np.ones(len(inputs)), _starts(rolls), 1)


def _together(episodes: Sequence[Episode]) -> Packed:
    """Episodes that were looked at, one after another."""
    parts = (np.concatenate(of_one_kind) for of_one_kind in zip(*episodes, strict=True))
    return Packed(*parts, _starts([episode.inputs for episode in episodes]), 0)


def _starts(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Where each of some arrays begins when they are joined, and where the last ends."""
    return np.concatenate([[0], np.cumsum([len(part) for part in parts])])


@checked(episodes=anything())
def from_episodes(topology: Topology, episodes: Iterable[Episode]) -> Packed:
    """Pack episodes, and see that they fit the topology.

    Raises
    ------
    ValueError : for an episode without a step, of other shapes than the topology wants, or with
        numbers that are not finite; for targets that are no probabilities, or don't sum to 1 where
        a voice has softmax outputs; if no step of an episode is judged.

    Chapter 6.
    """
    if not isinstance(episodes, Iterable) or isinstance(episodes, (str, bytes)):
        raise ValueError(f"episodes: expected several, got {briefly.came(episodes)}")
    whole = [_checked(topology, number, episode) for number, episode in enumerate(episodes)]
    if not whole:
        raise ValueError(f"episodes: expected at least one, got {briefly.came(episodes)}")
    return _together(whole)


def _checked(topology: Topology, number: int, episode: Episode) -> Episode:
    """An episode as float64 arrays, if it fits."""
    where = f"episodes: episode {number}"
    if not isinstance(episode, tuple) or len(episode) not in (2, 3):
        raise ValueError(
            f"{where}: expected Episode(inputs, targets) or Episode(inputs, targets, judged), got "
            f"{briefly.came(episode)}"
        )
    episode = Episode(*episode)
    wanted = {"inputs": topology.inputs, "targets": topology.outputs}
    given = {}
    for name, units in wanted.items():
        values = regular(getattr(episode, name), f"{name} of shape (steps, {units})")
        if values.ndim != 2 or values.shape[1] != units or not len(values):
            raise ValueError(
                f"{where}: expected {name} of shape (at least 1, {units}), got {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{where}: {name} must be finite")
        given[name] = values
    inputs, targets = given.values()
    if len(inputs) != len(targets):
        raise ValueError(f"{where}: {len(inputs)} steps of inputs, but {len(targets)} of targets")
    judged = np.ones(len(inputs)) if episode.judged is None else np.asarray(episode.judged)
    if judged.shape != (len(inputs),) or not np.isin(judged, (0, 1)).all():
        raise ValueError(
            f"{where}: expected judged as {len(inputs)} times True or False, got shape "
            f"{judged.shape}"
        )
    if not judged.any():
        raise ValueError(f"{where}: no step of it is judged, so nothing can be learned from it")
    of_judged = targets[judged.astype(bool)]
    if not ((of_judged >= 0.0) & (of_judged <= 1.0)).all():
        raise ValueError(f"{where}: targets are probabilities, from 0 to 1")
    check_one_unit_on(topology, of_judged)
    return Episode(inputs, targets, judged.astype(float))


def _checked_rolls(topology: Topology, rolls: Any) -> list[np.ndarray]:
    """Choruses as float64 arrays of two axes, if they fit."""
    if not topology.predicts_inputs:
        raise ValueError(
            "a roll is learned by predicting each next row, so every voice needs as many outputs "
            f"as inputs; this topology has {topology.inputs} and {topology.outputs}: hand in "
            "episodes"
        )
    wanted = f"choruses of shape (choruses, steps, {topology.inputs})"
    if not isinstance(rolls, (list, tuple, np.ndarray)):
        raise ValueError(f"expected {wanted}, got {briefly.came(rolls)}")
    several = isinstance(rolls, (list, tuple)) and all(isinstance(it, np.ndarray) for it in rolls)
    if several and len({it.shape for it in rolls}) > 1:
        pieces = [regular(roll, wanted) for roll in rolls]
    else:
        rolls = regular(rolls, wanted)
        rolls = rolls[None] if rolls.ndim == 2 else rolls
        if rolls.ndim != 3 or not rolls.size:
            raise ValueError(f"expected {wanted}, got {rolls.shape}")
        pieces = list(rolls)
    for roll in pieces:
        if roll.ndim != 2 or roll.shape[1] != topology.inputs:
            got = rolls.shape if isinstance(rolls, np.ndarray) else roll.shape
            raise ValueError(f"expected {wanted}, got {got}")
        if len(roll) < 2:
            raise ValueError(f"a chorus needs at least two steps, got {len(roll)}")
        strange = roll[~np.isin(roll, (0.0, 1.0))]
        if len(strange):
            raise ValueError(f"choruses hold 0.0 and 1.0 only, got {strange[0]:g}")
        check_one_unit_on(topology, roll)
    return pieces


def _are_episodes(rolls: Any) -> bool:
    """Is it a list of episodes? Rows of rolls may be tuples too, but hold no arrays."""
    return isinstance(rolls, (list, tuple)) and any(
        isinstance(it, Episode)
        or (isinstance(it, tuple) and any(isinstance(part, np.ndarray) for part in it))
        for it in rolls
    )


# ---- What is heard next --------------------------------------------------------------------------


class BrokenOff(ValueError):
    """What was to be learned from could not be had any more.

    Attributes
    ----------
    step : how many steps had been trained.
    network : as it was then.
    """

    def __init__(self, message: str, step: int, network: Network) -> None:
        super().__init__(message)
        self.step, self.network = step, network


@checked(rolls=anything())
class Lessons:
    """What an arena of one lane, or a Kalman filter, hears, piece by piece.

    Parameters
    ----------
    topology : of the network that learns.
    rolls : see `training.train`: rolls; a list of episodes; or an iterator over episodes.
    rng : draws which of the rolls, or of the listed episodes, is heard next.

    Raises
    ------
    ValueError : for what does not fit the topology.
    """

    def __init__(self, topology: Topology, rolls: Any, rng: np.random.Generator) -> None:
        self.topology, self.rng = topology, rng
        self.source = rolls if isinstance(rolls, Iterator) else None
        self.packed: Packed | None = None
        self.order = np.zeros((1, 0), dtype=np.int64)
        self.pieces: list[tuple[Packed, np.ndarray]] = []
        self.tallies: list[Tally] = []
        self.failure: Exception | None = None
        self.taken = 0
        if self.source is not None:
            return
        try:
            if _are_episodes(rolls):
                self.packed = from_episodes(topology, rolls)
            else:
                self.packed = _music(_checked_rolls(topology, rolls))
        except ValueError as error:
            raise ValueError(f"rolls: {error}") from None

    @property
    def episodes(self) -> int:
        """How many are packed at the moment."""
        return 0 if self.packed is None else len(self.packed.starts) - 1

    def begin(self, arena: Arena | Learner) -> None:
        """Choose what is heard first."""
        if self.source is None:
            arena.begin(int(self.rng.integers(self.episodes)))

    @checked(
        forgiven=array("lanes", whole=True),
        fresh=either(array("lanes", whole=True), none()),
        steps=whole(1, limits.BETWEEN_TESTS),
    )
    def learn(
        self, arena: Arena | Learner, forgiven: np.ndarray, fresh: np.ndarray | None, steps: int
    ) -> list[Tally]:
        """Let an arena learn for some steps, for fewer if a generator ends before.

        Returns
        -------
        What happened, in one part or in several. These, and the pieces that were heard, are kept in
        ``tallies`` and ``pieces`` until the next call: a generator may fail in between.
        """
        self.pieces, self.tallies = [], []
        while steps:
            if self.source is not None and not self._refilled(arena):
                break
            self._draw(steps)
            self.pieces.append((self.packed, self.order))
            tally = arena.train(self.packed, self.order, forgiven, steps, fresh)
            self.order = self.order[:, arena.used :]
            steps -= tally.steps
            self.tallies.append(tally)
        return self.tallies

    def _draw(self, steps: int) -> None:
        """Have enough of an order for so many steps; one more, since an end looks ahead.

        What is not used up is kept: how often one looks must not change what is heard.
        """
        if self.source is None:
            missing = max(0, steps + 1 - self.order.shape[1])
            drawn = self.rng.integers(self.episodes, size=(1, missing))
            self.order = np.concatenate([self.order, drawn], axis=1)

    def _refilled(self, arena: Arena | Learner) -> bool:
        """Is there something to hear? If all is heard, take the next episodes of the generator."""
        if self.packed is not None and not arena.through:
            return True
        taken: list[Episode] = []
        missing = BUFFERED
        try:
            while self.failure is None and missing > 0:
                taken.append(_checked(self.topology, self.taken + len(taken), next(self.source)))
                missing -= len(taken[-1].inputs)
        except StopIteration:
            pass
        except Exception as error:  # what was yielded before it is heard first
            self.failure = error
        if not taken:
            if self.failure is not None:
                raise self.failure
            return False
        self.taken += len(taken)
        self.packed = _together(taken)
        self.order = np.arange(1, len(taken), dtype=np.int64)[None]
        arena.begin(0)
        return True
