"""Free run: a trained network hears its own choices and goes on by itself.

The paper's test (section 3.2) gives the first step of the song; from there on the network's own
predictions, each unit on if its output is above 0.5, are its inputs.

Chapter 7 (Experiment 1) builds this module up.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .kernel import Arena, Recall
from .network import Network


def free_run(network: Network, seed: np.ndarray, steps: int) -> np.ndarray:
    """Let a network play.

    Parameters
    ----------
    network : with voices that choose by threshold.
    seed : the steps that are given, shape ``(at least 1, inputs)``, zeros and ones.
    steps : how many steps to play, the seed included.

    Returns
    -------
    A roll of shape ``(steps, inputs)`` that begins with the seed.

    Raises
    ------
    ValueError : for a seed of another shape or longer than ``steps``, or with other numbers.

    Section 3.2; chapter 7.
    """
    seed = _checked(network, seed)
    if steps < len(seed):
        raise ValueError(f"a seed of {len(seed)} steps does not fit into {steps}")
    roll = np.zeros((steps, network.topology.inputs))
    roll[: len(seed)] = seed
    heard, _ = _alone(network).run(roll, len(seed))
    return heard


def predict(network: Network, roll: np.ndarray) -> np.ndarray:
    """What a network predicts at each step of a roll that is given to it (teacher forcing).

    Row ``t`` of the result, of ``roll``'s shape, is the prediction of row ``t + 1``.

    Raises
    ------
    ValueError : for a roll of another shape or with numbers other than 0 and 1.

    Chapter 7.
    """
    roll = _checked(network, roll)
    return _alone(network).run(roll, len(roll))[1]


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
    if choruses < 1:
        raise ValueError(f"choruses must be at least 1, got {choruses}")
    return _alone(network).recall(roll, choruses)


def keeps_form(roll: np.ndarray, choruses: int) -> Callable[[Network], int]:
    """The stopping test of Experiment 1, to be handed to `training.train`.

    The test returns how many choruses in a row a network plays without a wrong note; ``choruses``
    if it is proven to play for ever. Section 3.2; chapter 7.
    """

    def test(network: Network) -> int:
        kept = recall(network, roll, choruses)
        return choruses if kept.period else kept.steps // len(roll)

    return test


def _checked(network: Network, roll: np.ndarray) -> np.ndarray:
    """A roll as float64, if it is one that this network can hear."""
    roll = np.asarray(roll, dtype=float)
    inputs = network.topology.inputs
    if roll.ndim != 2 or not len(roll) or roll.shape[1] != inputs:
        raise ValueError(f"expected a roll of shape (steps, {inputs}), got {roll.shape}")
    if not np.isin(roll, (0.0, 1.0)).all():
        raise ValueError("a roll holds 0.0 and 1.0 only")
    return np.ascontiguousarray(roll)


def _alone(network: Network) -> Arena:
    """A network by itself, cleared."""
    if any(voice.choice != "threshold" for voice in network.topology.voices):
        raise ValueError("this network draws notes at random: a free run needs threshold voices")
    arena = Arena(network.topology)
    arena.set_weights(network)
    return arena
