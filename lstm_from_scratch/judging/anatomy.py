"""Anatomy: what the cells of a trained network do, by measurement and not by eye.

Three ways to ask. *Listen*: how much does a cell's state tell about the bar, the beat, the chord
(mutual information)? *Cut*: silence cells, freeze a gate, and see where the music breaks.
*Disturb*: change what the cells hold while the network plays, and see whether it finds its way
back.

Cells and blocks are counted from 0 over all voices, as in the topology; `cell_names` says what
people call them.

Chapter 9 (Inside the cells).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np

from .. import briefly, limits
from ..arguments import Kind, Unfit, array, checked, expect_shape, real, whole
from ..machine.network import Network, State, Topology, record
from ..music.blues import Form
from ..playing.composing import free_run


def _labels(value: Any) -> np.ndarray:
    """Numbers, texts or dates in a row."""
    if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, (str, bytes)):
        raise Unfit
    try:
        found = np.asarray(value)
    except ValueError:
        raise Unfit from None
    if found.ndim != 1 or found.dtype.kind not in "biufSUM":
        raise Unfit
    if not len(found):
        raise Unfit
    return found


SETTLED = 40
"""Choruses after which a network that keeps the form is taken to have settled."""


# ---- Listen --------------------------------------------------------------------------------------


@checked
def landmarks(form: Form) -> dict[str, np.ndarray]:
    """What there is to know about each step of a form, as whole numbers of shape ``(steps,)``.

    ``"position"`` counts the steps of the form, ``"bar"`` its bars, ``"step"`` the steps and
    ``"beat"`` the beats (two steps each) within a bar, ``"chord"`` the different chord symbols in
    the order in which they come; all from 0. Chapter 9.
    """
    position = np.arange(form.steps)
    bar, step = np.divmod(position, form.steps_per_bar)
    symbols = list(dict.fromkeys(form.chords))
    chord = np.array([symbols.index(symbol) for symbol in form.chords])[bar]
    return {"bar": bar, "beat": step // 2, "step": step, "chord": chord, "position": position}


_LABELS = Kind("labels that can be sorted, shape (samples,)", _labels, ("samples",))
_BINS = whole(2, 10_000)


@checked(labels=_LABELS)
def entropy(labels: np.ndarray) -> float:
    """How uncertain a label is for someone who knows how often each comes, in bits. Chapter 9.

    Parameters
    ----------
    labels : anything that can be sorted, shape ``(samples,)``.

    Raises
    ------
    ValueError : for an array of another shape, or an empty one.
    """
    return _entropy(np.bincount(_numbered(labels)))


@checked(values=array("samples", finite=True, dtype=float), labels=_LABELS, bins=_BINS)
def mutual_information(values: np.ndarray, labels: np.ndarray, *, bins: int = 16) -> float:
    """How much a value, read with limited precision, tells about a label, in bits.

    Values are sorted into ``bins`` classes of equally many samples (equal values share a class).
    So only their order matters: a cell state tells as much as its squashed state.

    A table of counts from few samples shows some information even where there is none. What chance
    alone would show is subtracted (Miller and Madow): (entries of the table that are not 0, less
    rows, less columns, plus 1) / (2 ln 2 samples). So the result can be a little below 0.

    Parameters
    ----------
    values : finite numbers, shape ``(samples,)``.
    labels : anything that can be sorted, shape ``(samples,)``.
    bins : classes of values; with 16 no value tells more than 4 bits.

    Raises
    ------
    ValueError : for arrays of other shapes or empty ones, values that are not finite, fewer than
        two bins.

    Chapter 9.
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or values.shape != np.shape(labels):
        raise ValueError(
            f"expected a value and a label for each sample, got {values.shape} and "
            f"{np.shape(labels)}"
        )
    return _information(_classes(values, bins), _numbered(labels))


class Knowledge(NamedTuple):
    """What each cell tells about a label.

    bits : mutual information, shape ``(cells,)``.
    chance : the mean of the same for labels that were shuffled over the form, shape ``(cells,)``.
    reached : the share of the shuffles that told as much or more, shape ``(cells,)``.
    """

    bits: np.ndarray
    chance: np.ndarray
    reached: np.ndarray

    __repr__ = briefly.shapes


@checked(
    values=array("choruses", "steps", "cells", finite=True, some=True, dtype=float),
    labels=replace(_LABELS, axes=("steps",)),
    bins=_BINS,
    shuffles=whole(1, limits.TRIALS),
)
def knowledge(
    values: np.ndarray,
    labels: np.ndarray,
    rng: np.random.Generator | int,
    *,
    bins: int = 16,
    shuffles: int = 40,
) -> Knowledge:
    """How much each cell tells about a label of the form, and how much of that is chance.

    A network plays the same form again and again, so each cell has a value of its own at each
    position. Whatever these values are, they tell something about anything else that depends on
    the position. So the labels are shuffled over the positions, in all choruses alike: what is
    found then is what *any* numbers would tell.

    Parameters
    ----------
    values : of each cell in several choruses, shape ``(choruses, steps, cells)``.
    labels : of the steps of one chorus, such as one of `landmarks`, shape ``(steps,)``.
    rng : of the shuffles; an int is a seed.
    bins : see `mutual_information`.
    shuffles : how often labels are shuffled, at least 1.

    Raises
    ------
    ValueError : for values of another shape or not finite, more or fewer labels than steps, or no
        shuffle.

    Chapter 9.
    """
    values, labels = np.asarray(values, dtype=float), np.asarray(labels)
    if values.ndim != 3 or labels.shape != values.shape[1:2]:
        raise ValueError(
            "expected values of shape (choruses, steps, cells) and a label for each step, got "
            f"{values.shape} and {labels.shape}"
        )
    if shuffles < 1:
        raise ValueError(f"shuffles must be at least 1, got {shuffles}")
    choruses, steps, cells = values.shape
    classes = [_classes(values[:, :, cell].ravel(), bins) for cell in range(cells)]
    numbered = _numbered(labels)
    rng = np.random.default_rng(rng)
    orders = [np.arange(steps), *(rng.permutation(steps) for _ in range(shuffles))]
    bits = np.array(
        [
            [_information(one, np.tile(numbered[order], choruses)) for one in classes]
            for order in orders
        ]
    )
    return Knowledge(bits[0], bits[1:].mean(axis=0), (bits[1:] >= bits[0]).mean(axis=0))


@checked
def cell_names(topology: Topology) -> list[str]:
    """What people call each cell: its block and its number in it, both from 1. Chapter 9.

    ``"3.2"`` is the second cell of block 3. In the code blocks and cells are counted from 0, and
    the cells of all blocks in one row.
    """
    return [
        f"{block + 1}.{number}"
        for block in range(topology.blocks)
        for number, _ in enumerate(cells_of(topology, block), start=1)
    ]


# ---- Cut -----------------------------------------------------------------------------------------


@checked(block=whole(0))
def cells_of(topology: Topology, block: int) -> np.ndarray:
    """The cells of a block, as whole numbers. Chapter 9.

    Raises
    ------
    ValueError : if there is no such block.
    """
    if not 0 <= block < topology.blocks:
        raise ValueError(f"no block {block}: there are 0 to {topology.blocks - 1}")
    return np.flatnonzero(topology.block_of_cell == block)


_CELLS = array(single=True, whole=True)


@checked(cells=_CELLS, at=array(single=True, finite=True, dtype=float))
def silence(
    network: Network,
    cells: np.ndarray,
    *,
    at: np.ndarray | float = 0.0,
    to: str | None = None,
) -> Network:
    """Stop cells from being heard: every unit that read their outputs reads a constant instead.

    The weights from these cells become 0, and what the constant adds goes into the bias of each
    unit that read them.

    Parameters
    ----------
    network : it stays as it is.
    cells : which ones, such as `cells_of` a block.
    at : what is heard in their place, one number for all or one for each. 0 is silence; with the
        mean output of a cell, its readers get what they got on average.
    to : the voice that no longer hears them. Unless it is given, no voice does.

    Returns
    -------
    A network with the wounds.

    Raises
    ------
    ValueError : for a cell or a voice that isn't there, or a constant that is not finite.

    Chapter 9.
    """
    t = network.topology
    cells = np.atleast_1d(np.asarray(cells))
    if cells.ndim > 1:
        raise ValueError(f"cells: expected a row of numbers of cells, got shape {cells.shape}")
    if not np.isin(cells, np.arange(t.cells)).all():
        raise ValueError(f"cells {cells.tolist()}: there are 0 to {t.cells - 1}")
    at = np.asarray(at, dtype=float)
    if at.shape not in ((), cells.shape) or not np.isfinite(at).all():
        raise ValueError(
            f"at: expected one finite number, or one for each of {len(cells)} cells, got shape "
            f"{at.shape}"
        )
    hidden, output = network.hidden.copy(), network.output.copy()
    hidden_rows = np.arange(t.hidden_units) if to is None else t.rows(to)
    output_rows = np.arange(t.outputs) if to is None else np.r_[t.outputs_of(to)]
    for matrix, rows in ((hidden, hidden_rows), (output, output_rows)):
        heard = np.ix_(rows, t.inputs + cells.astype(int))
        matrix[rows, -1] += matrix[heard] @ np.broadcast_to(at, cells.shape)
        matrix[heard] = 0.0
    return Network(t, hidden, output)


@checked(block=whole(0), value=real(above=0, below=1))
def freeze(
    network: Network,
    gate: Literal["input_gate", "forget_gate", "output_gate"],
    block: int,
    value: float,
) -> Network:
    """Hold a gate still: it no longer reads anything and always has the same value.

    Parameters
    ----------
    network : it stays as it is.
    gate : which of the three.
    block : whose.
    value : between 0 and 1, such as its mean while the network plays.

    Raises
    ------
    ValueError : for a gate or a block that isn't there, or a value that no gate can have.

    Chapter 9.
    """
    t = network.topology
    rows = {
        "input_gate": t.input_gates,
        "forget_gate": t.forget_gates,
        "output_gate": t.output_gates,
    }
    if gate not in rows:
        raise ValueError(f"no gate {gate!r}: there are {list(rows)}")
    if not 0 <= block < t.blocks:
        raise ValueError(f"no block {block}: there are 0 to {t.blocks - 1}")
    if not 0 < value < 1:
        raise ValueError(f"a gate stands between 0 and 1, got {value}")
    hidden = network.hidden.copy()
    row = rows[gate].start + block
    hidden[row] = 0.0
    hidden[row, -1] = np.log(value / (1 - value))
    return Network(t, hidden, network.output)


# ---- Disturb -------------------------------------------------------------------------------------


@checked(roll=array("played", "units", some=True), form=array("steps", "units", some=True))
def place(roll: np.ndarray, form: np.ndarray) -> tuple[int, float]:
    """Where in the form is this music? The position that fits best, and how well it fits.

    Parameters
    ----------
    roll : what was played, shape ``(played, units)``.
    form : one chorus, shape ``(steps, units)``; it goes on from the beginning after its end.

    Returns
    -------
    position, agreement : the position of the form from which on most steps of the roll agree with
        it (the first, if there are several), and the share of steps that do.

    Raises
    ------
    ValueError : for rolls of other shapes, or empty ones.

    Chapter 9.
    """
    roll, form = np.asarray(roll), np.asarray(form)
    if roll.ndim != 2 or form.ndim != 2 or roll.shape[1] != form.shape[1]:
        raise ValueError(
            f"expected two rolls of the same units, got shapes {roll.shape} and {form.shape}"
        )
    if not len(roll) or not len(form):
        raise ValueError("a roll without a step is nowhere")
    same = (roll[:, None] == form[None]).all(axis=2)  # (played, steps)
    positions, steps = np.arange(len(form)), np.arange(len(roll))
    agreement = same[steps[:, None], (steps[:, None] + positions) % len(form)].mean(axis=0)
    best = int(agreement.argmax())
    return best, float(agreement[best])


class Outcome(NamedTuple):
    """What became of networks that were disturbed, one entry for each; shapes ``(trials,)``.

    at : the position of the form after which it was disturbed.
    slipped : whether any wrong step followed.
    displaced : by how many steps the last chorus lies ahead of where it should be, 0 if it is in
        its place; modulo the length of the form.
    agreement : the share of its steps that are right at that place, 1 if the form is found again.
    """

    at: np.ndarray
    slipped: np.ndarray
    displaced: np.ndarray
    agreement: np.ndarray

    __repr__ = briefly.shapes


def _expect_playable(network: Network, form: np.ndarray, choruses: int = 12, **_: object) -> None:
    """See that the form is one of the network's inputs, and what is played no longer than a run."""
    if all(voice.choice == "threshold" for voice in network.topology.voices):
        expect_shape("form", form, (len(form), network.topology.inputs))
    limits.expect_steps(f"choruses, {choruses:,}", choruses * len(form), limits.RUN)


@checked(
    form=array("steps", "inputs", finite=True, some=True, dtype=float),
    size=real(0),
    trials=whole(1, limits.TRIALS),
    choruses=whole(2, limits.CHORUSES),
    also=_expect_playable,
)
def disturb(
    network: Network,
    form: np.ndarray,
    size: float,
    rng: np.random.Generator | int,
    *,
    trials: int = 100,
    choruses: int = 12,
    cells: np.ndarray | None = None,
) -> Outcome:
    """Push the cell states of a network that plays the form, and let it go on by itself.

    In each trial it is pushed once, at a position drawn at random: normal noise is added to the
    cell states, ``size`` times as large as a cell's own standard deviation over the form.

    Parameters
    ----------
    network : with voices that choose by threshold, such as the chord voice alone.
    form : one chorus, shape ``(steps, inputs)``.
    size : of the noise; 1 is as much as the states move by themselves.
    rng : of positions and noise; an int is a seed.
    trials : how often.
    choruses : how many it plays after the push; the last one is judged.
    cells : which ones are pushed; all of them, unless given.

    Raises
    ------
    ValueError : for a network that draws its notes, a form that is not of its inputs, a size that
        is negative or not finite, fewer than one trial or two choruses, or a cell that isn't there.

    Chapter 9.
    """
    t = network.topology
    if any(voice.choice != "threshold" for voice in t.voices):
        raise ValueError("this network draws notes at random: disturb needs threshold voices")
    if not (np.isfinite(size) and size >= 0):
        raise ValueError(f"size must be a number of at least 0, got {size}")
    if trials < 1 or choruses < 2:
        raise ValueError(f"expected a trial and two choruses at least: {trials} and {choruses}")
    pushed = np.arange(t.cells) if cells is None else np.asarray(cells)
    if not np.isin(pushed, np.arange(t.cells)).all():
        raise ValueError(f"cells {pushed.tolist()}: there are 0 to {t.cells - 1}")
    form = np.asarray(form, dtype=float)
    steps = len(form)
    stride = record(network, np.tile(form, (SETTLED, 1)))
    states, outputs = stride.cell_state[-steps:], stride.cell_output[-steps:]
    spread = states.std(axis=0) * np.isin(np.arange(t.cells), pushed)

    rng, outcomes = np.random.default_rng(rng), []
    for _ in range(trials):
        at = int(rng.integers(steps))
        noise = size * spread * rng.standard_normal(t.cells)
        state = State(states[at] + noise, outputs[at])
        expected = np.roll(form, -(at + 1), axis=0)
        played = free_run(network, expected[:1], choruses * steps, state=state)
        slipped = not np.array_equal(played, np.tile(expected, (choruses, 1)))
        outcomes.append((at, slipped, *place(played[-steps:], expected)))
    return Outcome(*map(np.array, zip(*outcomes, strict=True)))


# ---- Counting ------------------------------------------------------------------------------------


def _numbered(labels: np.ndarray) -> np.ndarray:
    """Labels as whole numbers from 0, in their order."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels):
        raise ValueError(f"expected labels of shape (samples,), got {labels.shape}")
    return np.unique(labels, return_inverse=True)[1]


def _classes(values: np.ndarray, bins: int) -> np.ndarray:
    """Sort values into classes of as many samples each, as whole numbers from 0."""
    if not len(values):
        raise ValueError("expected at least one value")
    if bins < 2:
        raise ValueError(f"bins must be at least 2, got {bins}")
    if not np.isfinite(values).all():
        raise ValueError("values must be finite")
    _, number, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2  # of the ranks that equal values take up
    return _numbered((middle * bins / len(values)).astype(int)[number])


def _information(one: np.ndarray, other: np.ndarray) -> float:
    """Mutual information of two rows of whole numbers, corrected; see `mutual_information`."""
    width = other.max() + 1
    table = np.bincount(one * width + other, minlength=(one.max() + 1) * width)
    rows, columns = np.bincount(one), np.bincount(other)
    excess = (table > 0).sum() - (rows > 0).sum() - (columns > 0).sum() + 1
    plain = _entropy(rows) + _entropy(columns) - _entropy(table)
    return float(plain - excess / (2 * np.log(2) * len(one)))


def _entropy(counts: np.ndarray) -> float:
    """Entropy in bits of what was counted."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # no -0.0
