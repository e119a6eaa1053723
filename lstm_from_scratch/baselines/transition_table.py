"""A transition table: the next note depends on the last few and nothing else (Mozer's baseline).

Counted from the training set, one step an eighth note, as the network hears it.

Chapter 8 (Experiment 2) hears it, chapter 10 measures it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TransitionTable:
    """How often each note followed each context.

    Attributes
    ----------
    pitches : the notes that occur, rising, int, shape ``(notes,)``.
    counts : how often a note came after ``order`` others, shape ``(notes,) * (order + 1)``, the
        oldest first.
    """

    pitches: np.ndarray
    counts: np.ndarray

    @property
    def order(self) -> int:
        """How many notes of the past the next one depends on."""
        return self.counts.ndim - 1


def fit(lines: np.ndarray, order: int = 1) -> TransitionTable:
    """Count the transitions of melodies; each melody is a round, its end leads to its beginning.

    Parameters
    ----------
    lines : the pitch at each step, shape ``(choruses, steps)``.
    order : how many steps of the past to look at, 1 to 3.

    Raises
    ------
    ValueError : for an order out of range, or lines that are no table of whole numbers.

    Chapters 8 and 10.
    """
    lines = np.asarray(lines)
    if lines.ndim != 2 or not lines.size or not np.issubdtype(lines.dtype, np.integer):
        raise ValueError(f"expected pitches of shape (choruses, steps), got {lines.shape}")
    if order not in (1, 2, 3):
        raise ValueError(f"order must be 1, 2 or 3, got {order}")
    pitches, notes = np.unique(lines, return_inverse=True)
    notes = notes.reshape(lines.shape)
    counts = np.zeros((len(pitches),) * (order + 1))
    np.add.at(counts, tuple(np.roll(notes, order - age, axis=1) for age in range(order + 1)), 1)
    return TransitionTable(pitches, counts)


def compose(
    table: TransitionTable, choruses: int, steps: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw note after note, each as often as it followed the same context in the training set.

    Parameters
    ----------
    table : from `fit`.
    choruses, steps : how many choruses of how many steps, without a break.
    rng : the only source of randomness.

    Returns
    -------
    Melody lines, the pitch at each step: int, shape ``(choruses, steps)``.

    Raises
    ------
    ValueError : for no chorus or no step.

    Chapters 8 and 10.
    """
    if choruses < 1 or steps < 1:
        raise ValueError(f"expected at least one chorus and one step, got {choruses} and {steps}")
    length = choruses * steps
    contexts = table.counts.sum(axis=-1)
    drawn = rng.choice(contexts.size, p=contexts.ravel() / contexts.sum())
    past = list(np.unravel_index(drawn, contexts.shape))
    draws, notes = rng.random(length), []
    for draw in draws:
        passed = np.cumsum(table.counts[tuple(past)])
        note = int(np.searchsorted(passed, draw * passed[-1], side="right"))
        notes.append(note)
        past = [*past[1:], note]
    return table.pitches[notes].reshape(choruses, steps)
