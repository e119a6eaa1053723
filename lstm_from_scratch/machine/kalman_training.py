"""Training by the Kalman filter: as `training` does it, but for what a step teaches.

The same episodes in the same order, the same resets, the same test. What differs is the `Learner`,
which stands where the `kernel.Arena` does and runs the steps of `kalman_compiled`.

Chapter 16 (The Kalman filter) compares the two.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tqdm import tqdm

from .. import briefly, limits
from ..arguments import anything, array, check, checked, either, expect_shape, none, real, whole
from .episodes import Lessons, Packed
from .kalman import Filtering, Lost, RMSProp, expect_covariance, expect_logistic
from .kalman_compiled import (
    COVARIANCE_LOST,
    FINE,
    SONG,
    SPREAD_LOST,
    STEP,
    USED,
    WEIGHTS_LOST,
    _train_steps,
    wiring,
)
from .kernel import Tally
from .network import Network, State, Topology
from .recipes import Recipe
from .training import ANSWER, Curve, Diverged, Result, initial_network

WHY = {
    SPREAD_LOST: "of the outputs is not positive, or not finite",
    COVARIANCE_LOST: "is not positive, or not finite",
    WEIGHTS_LOST: "leads to a weight that is not finite",
}
"""How steps end that don't end well."""


@checked(wrong=real(0))
class Learner:
    """A network that learns by the filter, compiled; for `Lessons` it is what an `Arena` is.

    Parameters
    ----------
    network : it begins with. how : what it learns by; groups are those of a unit each.
    wrong : an output that is farther than this from its target makes the step a gross error.

    Raises
    ------
    ValueError : for another grouping, or a voice with softmax outputs.

    Chapter 16.
    """

    def __init__(self, network: Network, how: Filtering | RMSProp, wrong: float = 0.5) -> None:
        expect_logistic(network.topology)
        if isinstance(how, Filtering) and how.grouping != "unit":
            raise ValueError(
                f"how: compiled steps know groups of a unit each, got grouping={how.grouping!r}"
            )
        self.topology, self.how, self.wrong = network.topology, how, float(wrong)
        self.wiring = wiring(network.topology)
        self.across = np.ascontiguousarray(np.concatenate([network.hidden, network.output]).T)
        self.steps = 0
        self.cursors = np.zeros(5, dtype=np.int64)
        self._state, self._output = np.zeros((2, self.topology.cells))
        self._partials = np.zeros((3, self.topology.cells, self.topology.sources))
        if isinstance(how, Filtering):
            self._memory = np.zeros(self.wiring.places[-1])
            for group in range(len(self.wiring.starts) - 1):
                np.fill_diagonal(self._covariance(group), how.variance)
        else:
            self._memory = np.zeros(self.wiring.starts[-1])

    def __repr__(self) -> str:
        after = briefly.counted(self.steps, "step")
        return f"Learner({briefly.voices(self.topology.voices)}; {after})"

    def _covariance(self, group: int) -> np.ndarray:
        """One group's covariance, sharing memory."""
        first, last = self.wiring.places[group : group + 2]
        size = self.wiring.starts[group + 1] - self.wiring.starts[group]
        return self._memory[first:last].reshape(size, -1)[:, :size]

    def covariances(self) -> tuple[np.ndarray, ...]:
        """A copy of the covariance of each group; of RMSProp, which has none, no matrix at all."""
        groups = len(self.wiring.starts) - 1 if isinstance(self.how, Filtering) else 0
        return tuple(self._covariance(group).copy() for group in range(groups))

    def network(self) -> Network:
        """A copy of the network as it is now."""
        rows = self.across.T.copy()
        hidden = self.topology.hidden_units
        return Network(self.topology, rows[:hidden], rows[hidden:])

    def state(self) -> State:
        """A copy of the state that the network is in."""
        return State(self._state.copy(), self._output.copy())

    @property
    def used(self) -> int:
        """How many of the episodes ordered the last training used up."""
        return int(self.cursors[USED])

    @property
    def through(self) -> bool:
        """Has it heard all that was ordered?"""
        return bool(self.cursors[SONG] < 0)

    @checked(episode=whole(0, limits.TRAINING))
    def begin(self, episode: int) -> None:
        """Go on at the beginning of an episode, in whatever state it is."""
        self.cursors[[SONG, STEP]] = episode, 0

    @checked(
        orders=array(1, "drawn", whole=True, dtype=np.int64),
        forgiven=array(1, whole=True, dtype=np.int64),
        steps=whole(0, limits.BETWEEN_TESTS),
        fresh=either(array(1, whole=True, dtype=np.int64), none()),
    )
    def train(
        self,
        packed: Packed,
        orders: np.ndarray,
        forgiven: np.ndarray,
        steps: int,
        fresh: np.ndarray | None = None,
    ) -> Tally:
        """Learn online for some steps, going on where the last call stopped; see `Arena.train`.

        Raises
        ------
        ValueError : for episodes that don't fit the network, or an order that is too short.
        Lost : if a covariance is none any more, or a weight would not be finite; `network` is then
            the last good one, and ``steps`` says how many it has learned from.
        """
        self._expect_order(packed, orders, steps)
        tally = np.zeros(2, dtype=np.int64)
        done, ended, group, nats = _train_steps(
            self.wiring, self.across, self._memory, self._state, self._output, self._partials,
            tuple(packed), orders[0], self.cursors, isinstance(self.how, Filtering),
            self._numbers(steps), self.wrong, int(forgiven[0]),
            np.iinfo(np.int64).max if fresh is None else int(fresh[0]), tally, steps,
        )  # fmt: skip
        self.steps += done
        if ended != FINE:
            raise Lost(int(group), WHY[ended])
        return Tally(tally[:1], tally[1:], np.array([[nats]]), int(done))

    def _numbers(self, steps: int) -> np.ndarray:
        """What the steps to come are told: both noises, or the learning rate and what is kept."""
        if isinstance(self.how, Filtering):
            told = [self.how.noise(self.steps + step) for step in range(steps)]
            return np.array(told).reshape(-1, 2)
        return np.tile([self.how.learning_rate, self.how.decay], (steps, 1))

    def _expect_order(self, packed: Packed, orders: np.ndarray, steps: int) -> None:
        """See that compiled code, which does not look, finds every episode that it goes for."""
        rows, episodes = len(packed.inputs), len(packed.starts) - 1
        expect_shape("packed, inputs", packed.inputs, (rows, self.topology.inputs))
        expect_shape("packed, targets", packed.targets, (rows, self.topology.outputs))
        if packed.ahead and orders.shape[1] <= steps:
            raise ValueError(
                f"orders: expected more than {steps} choruses, got shape {orders.shape}"
            )
        if orders.size and not 0 <= orders.min() <= orders.max() < episodes:
            raise ValueError(
                f"orders: expected numbers of episodes from 0 to {episodes - 1}, got "
                f"{orders.min()} to {orders.max()}"
            )


@checked(group=whole(0))
def named(topology: Topology, group: int) -> str:
    """The unit whose weights are a group, in words. Chapter 16."""
    blocks = topology.blocks
    kinds = ("input gate of block", "forget gate of block", "output gate of block")
    if group < 3 * blocks:
        return f"{kinds[group // blocks]} {group % blocks}"
    if group < topology.hidden_units:
        return f"cell {group - 3 * blocks}"
    return f"output {group - topology.hidden_units}"


@checked(rolls=anything())
def train(
    recipe: Recipe,
    how: Filtering | RMSProp,
    rolls: Any,
    test: Callable[[Network], int],
    *,
    watch: Callable[[int, Learner], object] | None = None,
    progress: bool | None = None,
) -> Result:
    """Train a network of one voice online, as `training.train` does, by the filter or by RMSProp.

    Parameters
    ----------
    recipe : all but the rule: its learning rate, momentum and optimiser are not asked. The same
        seed begins with the same weights and hears the same episodes as in `training.train`.
    how : the rule.
    rolls, test, progress : as for `training.train`.
    watch : called after each test with the steps trained and the `Learner`.

    Returns
    -------
    Result : with ``learned`` False if ``recipe.give_up_after`` steps were not enough.

    Raises
    ------
    ValueError : for several voices, or one that learns on after the test; for rolls that don't fit.
    Diverged : if a covariance is none any more, or a weight would not be finite. It says which and
        after which step, and has the last good network.

    Chapter 16.
    """
    if len(recipe.voices) != 1 or recipe.voices[0].until != "test":
        raise ValueError("recipe: expected one voice, which stops learning when its test is passed")
    order_rng, *voice_rngs = np.random.default_rng(recipe.seed).spawn(2)
    lessons = Lessons(recipe.topology, rolls, order_rng)
    learner = Learner(initial_network(recipe, voice_rngs), how, recipe.voices[0].wrong)
    lessons.begin(learner)
    rows, done, choruses, started = [], 0, 0, time.perf_counter()
    bar = tqdm(
        total=recipe.give_up_after,
        disable=None if progress is None else not progress,
        unit=" steps",
        unit_scale=True,
        desc="training",
    )
    with bar:
        while done < recipe.give_up_after and choruses < recipe.choruses:
            steps = min(recipe.test_every, recipe.give_up_after - done)
            tallies = _taught(lessons, learner, recipe, steps)
            taken = sum(tally.steps for tally in tallies)
            if not taken:  # a generator has come to its end
                break
            done += taken
            choruses = check("test, what it returns", test(learner.network()), ANSWER)
            nats = sum(tally.cross_entropy[0] for tally in tallies) / taken
            errors = int(sum(tally.gross_errors[0] for tally in tallies))
            resets = int(sum(tally.resets[0] for tally in tallies))
            rows.append((done, nats, errors, resets, choruses))
            if watch is not None:
                watch(done, learner)
            bar.update(taken)
    if not rows:
        raise ValueError("rolls: expected at least one episode, got an iterator that yields none")
    curve = Curve(*(np.array(column) for column in zip(*rows, strict=True)))
    learned_at = done if choruses >= recipe.choruses else 0
    seconds = time.perf_counter() - started
    return Result(learner.network(), recipe, learned_at, done, seconds, curve)


def _taught(lessons: Lessons, learner: Learner, recipe: Recipe, steps: int) -> list[Tally]:
    """Let a network learn for some steps, and see that every covariance still is one."""
    forgiven, every = np.array([recipe.forgiven or np.iinfo(np.int64).max]), recipe.anew_after()
    try:
        tallies = lessons.learn(learner, forgiven, np.array([every]) if every else None, steps)
        for group, covariance in enumerate(learner.covariances()):
            expect_covariance(covariance, group)
    except Lost as lost:
        of = f"of the weights of {named(learner.topology, lost.group)} " if lost.group >= 0 else ""
        raise Diverged(
            f"training diverged: after step {learner.steps:,} the covariance {of}{lost.why}; more "
            "measurement noise helps",
            learner.steps,
            learner.network(),
        ) from lost
    return tallies
