"""Training by epochs: batches, the full gradient, Adam, and the stop that validation chooses.

This is how networks were fitted after the paper: whole episodes by back-propagation through time,
some of them in a batch, one update after each (Williams and Zipser, 1995; Kingma and Ba, 2015).
After each epoch, once through all that is learned from, the network predicts episodes that it never
learns from. Where it predicts them no better for a while, the learning rate falls; after some falls
training ends, and the network that predicted them best is kept.

`training` has the paper's own rule; the study ``chorales`` sets both beside published figures.
Chapter 17 (Your own music) has a network that was fitted so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from tqdm import tqdm

from .. import briefly, limits
from ..arguments import anything, checked, either, function, instance, none, real, several, whole
from .batches import Batch, batch_error, batch_gradient, side_by_side
from .bptt import update
from .episodes import Episode, from_episodes
from .gradient import Gradient
from .network import Network, Topology
from .recipes import Learning, Recipe
from .training import Diverged, initial_network

ADAM_BEGINS = Learning(
    learning_rate=3e-3,
    initial_range=0.07,
    input_gate_bias=0.0,
    forget_gate_bias=1.0,
    output_gate_bias=0.0,
    output_bias=0.0,
    optimiser="adam",
    clip=1.0,
)
"""How each voice of a `Plan` begins and learns, unless it says otherwise."""


@checked(
    batch=whole(1, limits.TRIALS),
    dropped=real(0, below=1),
    patience=whole(1, limits.TRIALS),
    fall=real(above=0, below=1),
    falls=whole(0, limits.TRIALS),
    epochs=whole(1, limits.TRIALS),
    seed=whole(0),
)
@dataclass(frozen=True)
class Plan:
    """Everything that a training by epochs depends on, apart from the episodes.

    Attributes
    ----------
    topology : the network, without peepholes.
    learning : how the weights begin, the learning rate of Adam at the start, and ``clip``, the
        largest norm of the gradient of all weights together, in nats a judged step.
    batch : episodes an update; the last of an epoch may have fewer.
    dropped : the share of cells that are left out in a batch, other ones in each: nobody reads what
        they let out, and what the others do counts for as much more (Gal and Ghahramani, 2016).
    patience : after so many epochs in a row without a better validation the learning rate falls.
    fall : the share of the learning rate that is left then.
    falls : training ends where there would be one more of them than this.
    epochs : at most.
    seed : of all randomness: first weights, order, what is varied, which cells are left out.
    dtype : of what a batch is computed with; weights and updates are float64.

    Raises
    ------
    ValueError : for a number out of its range, or another optimiser than Adam.

    Chapter 17.
    """

    topology: Topology
    learning: Learning = field(default=ADAM_BEGINS)
    batch: int = 4
    dropped: float = 0.0
    patience: int = 5
    fall: float = 0.4
    falls: int = 3
    epochs: int = 200
    seed: int = 0
    dtype: Literal["float64", "float32"] = "float64"

    def __post_init__(self) -> None:
        if self.learning.optimiser != "adam":
            raise ValueError(
                f"learning: expected the optimiser adam, got {self.learning.optimiser}"
            )

    def __repr__(self) -> str:
        apart = briefly.set_apart(self, known=("topology",))
        return f"Plan({', '.join((briefly.voices(self.topology.voices), *apart))})"

    @property
    def recipe(self) -> Recipe:
        """The first weights, as `training.initial_network` draws them."""
        return Recipe(self.topology, (self.learning,) * len(self.topology.voices), seed=self.seed)


@checked(course=anything(), seconds=real(0), epoch=whole(0))
@dataclass(frozen=True, eq=False)
class Fitted:
    """A network fitted by epochs, and how it came about.

    network : that predicted the validation episodes best. plan : that made it. epoch : after which
    it was so, counted from 1. course : nats a step for each epoch, in training, with what was left
    out and varied, and in validation; shape ``(epochs, 2)``. seconds : of processor time.
    Chapter 17.
    """

    network: Network
    plan: Plan
    epoch: int
    course: np.ndarray
    seconds: float

    def __repr__(self) -> str:
        epochs = briefly.counted(len(self.course), "epoch")
        return f"Fitted({self.course[:, 1].min():.3f} nats a step in validation, {epochs})"


_EPISODES = several(instance(Episode), some=True)


@checked(episodes=_EPISODES, batch=whole(1))
def nats(
    network: Network,
    episodes: Sequence[Episode],
    *,
    batch: int = 16,
    dtype: Literal["float64", "float32"] = "float64",
) -> float:
    """How well a network predicts episodes, each from a cleared state: cross-entropy a step.

    The sum over all outputs and all judged steps of all episodes, in nats, divided by the number of
    these steps: long episodes count for more than short ones.

    Parameters
    ----------
    batch : how many are heard side by side, which changes nothing but the time it takes.
    dtype : computed with.

    Raises
    ------
    ValueError : for episodes that don't fit the network, or a network with peepholes.

    Chapter 17.
    """
    ordered, error, steps = sorted(episodes, key=lambda it: len(it[0])), 0.0, 0
    for start in range(0, len(ordered), batch):
        together = side_by_side(network.topology, ordered[start : start + batch], dtype)
        more, judged = batch_error(network, together)
        error, steps = error + more, steps + judged
    return error / steps


@checked
def first_network(plan: Plan) -> Network:
    """The network that `fit` begins with; `training.train` begins with the same from this seed.

    Chapter 17.
    """
    return initial_network(plan.recipe, _parted(plan)[-1])


def _parted(plan: Plan) -> tuple[np.random.Generator, ...]:
    """Sources of randomness: what comes first is parted as in `training.train`."""
    rng = np.random.default_rng(plan.seed)
    order_rng, *rngs = rng.spawn(1 + len(plan.topology.voices))
    return order_rng, *rng.spawn(2), rngs


@checked(
    train=_EPISODES,
    valid=_EPISODES,
    vary=either(function(), none()),
    gradient=function(),
    watch=either(function(), none()),
)
def fit(
    plan: Plan,
    train: Sequence[Episode],
    valid: Sequence[Episode],
    *,
    vary: Callable[[Episode, np.random.Generator], Episode] | None = None,
    gradient: Callable[[Network, Batch], tuple[float, Gradient]] = batch_gradient,
    watch: Callable[[int, np.ndarray], object] | None = None,
    progress: bool | None = None,
) -> Fitted:
    """Train a network by epochs until validation finds it no better.

    Parameters
    ----------
    plan : what to train, and how. train, valid : episodes to learn from and to choose by; every one
        begins from a cleared state.
    vary : called with each episode, and a generator, whenever it is learned from; returns what is
        learned in its place, such as the same transposed.
    gradient : of a batch; any other function that finds the same, such as PyTorch's, will do.
    watch : called after each epoch with its number and its row of `Fitted.course`.
    progress : show a progress bar; ``None`` shows one only on a terminal.

    Raises
    ------
    ValueError : for episodes that don't fit the topology.
    Diverged : if a weight is not finite any more; its ``step`` counts updates.

    Chapter 17.
    """
    for name, episodes in (("train", train), ("valid", valid)):
        _expect_fitting(plan.topology, name, episodes)
    order_rng, vary_rng, drop_rng, rngs = _parted(plan)
    weights = _Weights(plan, initial_network(plan.recipe, rngs))
    rate, since, falls, best, kept = plan.learning.learning_rate, 0, 0, np.inf, 0
    network, course, started = weights.network(), [], time.process_time()
    bar = tqdm(
        total=plan.epochs, disable=None if progress is None else not progress, unit=" epochs"
    )
    with bar:
        while len(course) < plan.epochs and falls <= plan.falls:
            error, steps = 0.0, 0
            for some in _batches(train, plan.batch, order_rng):
                episodes = [train[n] if vary is None else vary(train[n], vary_rng) for n in some]
                batch = side_by_side(plan.topology, episodes, plan.dtype)
                more, judged = weights.learn(batch, gradient, rate, drop_rng)
                error, steps = error + more, steps + judged
            tested = weights.network()
            course.append((error / steps, nats(tested, valid, dtype=plan.dtype)))
            since += 1
            if course[-1][1] < best:
                network, best, kept, since = tested, course[-1][1], len(course), 0
            if since == plan.patience:
                rate, since, falls = rate * plan.fall, 0, falls + 1
            bar.update()
            if watch is not None:
                watch(len(course), np.array(course[-1]))
    return Fitted(network, plan, kept, np.array(course), time.process_time() - started)


def _expect_fitting(topology: Topology, name: str, episodes: Sequence[Episode]) -> None:
    """See that episodes fit, before an epoch has gone by."""
    for number, episode in enumerate(episodes):
        try:
            from_episodes(topology, [episode])
        except ValueError as error:
            raise ValueError(f"{name}, episode {number}: {error}") from None


def _batches(episodes: Sequence[Episode], size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The numbers of all episodes in a random order of batches, whose episodes are alike in length.

    They are shuffled, and of every eight batches those of similar length are put together, or most
    of a batch would be steps that nobody judges.
    """
    order, found = rng.permutation(len(episodes)), []
    for start in range(0, len(order), 8 * size):
        some = order[start : start + 8 * size]
        some = some[np.argsort([len(episodes[n][0]) for n in some], kind="stable")]
        found += [some[first : first + size] for first in range(0, len(some), size)]
    return [found[n] for n in rng.permutation(len(found))]


class _Weights:
    """The weights of a network in one row, with what Adam remembers of them."""

    def __init__(self, plan: Plan, start: Network) -> None:
        self.plan, self.topology, self.updates = plan, start.topology, 0
        self.flat = np.concatenate([start.hidden.ravel(), start.output.ravel()])
        self.memory = np.zeros((2, self.flat.size))

    def network(self) -> Network:
        """As it is now; what is learned later does not change it."""
        t, flat = self.topology, self.flat.copy()
        hidden = t.hidden_units * t.sources
        return Network(
            t, flat[:hidden].reshape(-1, t.sources), flat[hidden:].reshape(-1, t.sources)
        )

    def learn(
        self, batch: Batch, gradient: Callable[..., Any], rate: float, rng: np.random.Generator
    ) -> tuple[float, int]:
        """One update: the error before it, in nats, and of how many steps."""
        t, before = self.topology, self.network()
        columns = np.ones(t.sources)
        if self.plan.dropped:
            kept = rng.random(t.cells) >= self.plan.dropped
            columns[t.cell_sources] = kept / (1 - self.plan.dropped)
        thinned = Network(t, before.hidden * columns, before.output * columns)
        error, found = gradient(thinned, batch)
        steps = int(batch.judged.sum())
        whole = np.concatenate([(of * columns).ravel() for of in found]) / steps
        clip = self.plan.learning.clip
        update(self.flat, whole, self.memory, True, rate, 0.0, clip, self.updates)
        self.updates += 1
        if not np.isfinite(self.flat).all():
            raise Diverged(
                f"training diverged: after update {self.updates} weights are not finite; a smaller "
                "learning rate helps",
                self.updates,
                before,
            )
        return error, steps
