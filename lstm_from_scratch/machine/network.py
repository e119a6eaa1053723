"""The machine: memory blocks wired into voices, and one step of their forward pass.

A network is a topology (who reads whom) and two matrices of weights. It knows nothing of music:
vectors of numbers go in, predictions come out. Written in plain NumPy, to be read beside the
equations of chapter 4 (The memory block); `kernel` runs the same steps compiled.

Units and sources, in the order in which they stand in the matrices:

* hidden units, the rows of ``hidden``: all input gates, all forget gates, all output gates (one of
  each a block), then all cells;
* sources of a hidden unit, the columns of ``hidden``: the inputs, the cell outputs of the step
  before, and the constant 1 whose weight is the bias;
* sources of an output unit, the columns of ``output``: the inputs, the cell outputs of this step,
  and 1.

Where a voice has peepholes (chapter 11), there is one more kind of source, before the 1: the states
of the cells. Nobody but the gates of a cell's own block reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from .. import briefly, limits
from ..arguments import (
    Kind,
    check,
    checked,
    exactly,
    instance,
    one_of,
    real,
    several,
    text,
    whole,
)
from ..arrays import regular
from .extensions import extended_forward, through
from .squashing import logistic, squash

Range = tuple[float, float]

_RANGE = exactly(real(), real())


class _AsManyAsInputs(int):
    """A number of outputs that nobody gave: it follows the inputs when a voice is replaced."""


def _outputs() -> Kind:
    """A number of outputs; the name of an activation is what it was before it could be counted."""
    number, name = whole(0, limits.UNITS), one_of("logistic", "softmax")

    def take(value: Any) -> Any:
        if isinstance(value, _AsManyAsInputs):
            return value
        return name.take(value) if isinstance(value, str) else number.take(value)

    return Kind(number.expected, take)


@checked(
    name=text(),
    inputs=whole(1, limits.UNITS),
    blocks=several(
        whole(1, limits.UNITS), some=True, expected="a tuple of how many cells each has"
    ),
    reads=several(text(), expected="a tuple of names"),
    g=_RANGE,
    h=_RANGE,
    outputs=_outputs(),
)
@dataclass(frozen=True)
class Voice:
    """A part of the network with inputs, memory blocks and outputs of its own.

    Attributes
    ----------
    name : what other voices call it.
    inputs : number of input units.
    blocks : the number of cells of each memory block, such as ``(2, 2, 2, 2)``.
    reads : names of other voices whose cell outputs (of the step before) reach this one's blocks.
    choice : how its outputs become the next input: ``"threshold"`` turns on every unit above 0.5,
        ``"sample"`` draws one unit with the outputs, made to sum to 1, as probabilities.
    g, h : the ranges of the squashing functions at a cell's input and at its output. The defaults
        are those of Gers, Schmidhuber and Cummins (2000).
    outputs : number of output units; 0, the default, for as many as inputs, one to predict each
        at the next step, as in all of our music. The name of an activation is taken for that.
    peepholes : whether gates also read the states of the cells in their own block: input and
        forget gates those of the step before, output gates those of this step, which the cells have
        by then (Gers and Schmidhuber, 2000).
    activation : what the outputs are of their net inputs: ``"logistic"``, each by itself as in the
        paper, or ``"softmax"``, the probabilities of units of which exactly one is on; a voice
        with these draws its unit.

    Raises
    ------
    ValueError : for a voice without units or cells, a range that is empty or not finite, or
        softmax outputs of a voice that does not draw.
    """

    name: str
    inputs: int
    blocks: tuple[int, ...]
    reads: tuple[str, ...] = ()
    choice: Literal["threshold", "sample"] = "threshold"
    g: Range = (-2.0, 2.0)
    h: Range = (-1.0, 1.0)
    outputs: int = field(default=0, metadata={"as": "inputs"})
    peepholes: bool = False
    activation: Literal["logistic", "softmax"] = "logistic"

    __repr__ = briefly.differing

    def __post_init__(self) -> None:
        if isinstance(self.outputs, str):  # as it was called before outputs could be counted
            object.__setattr__(self, "activation", self.outputs)
            object.__setattr__(self, "outputs", 0)
        if not self.outputs or isinstance(self.outputs, _AsManyAsInputs):
            object.__setattr__(self, "outputs", _AsManyAsInputs(self.inputs))
        if self.activation == "softmax" and self.choice != "sample":
            raise ValueError(
                f"voice {self.name!r}: softmax outputs are probabilities of one unit among all, "
                f"which choice='sample' draws; got choice={self.choice!r}"
            )
        for label, ends in (("g", self.g), ("h", self.h)):
            if not (ends[0] < ends[1] and np.isfinite(ends[1] - ends[0])):
                got = " to ".join(map(str, ends))
                raise ValueError(f"voice {self.name!r}: {label} needs a finite range, got {got}")

    @property
    def cells(self) -> int:
        """Number of memory cells in all blocks."""
        return sum(self.blocks)


@checked(voices=several(instance(Voice), some=True, expected="a tuple of one voice at least"))
@dataclass(frozen=True)
class Topology:
    """Who reads whom: a few voices side by side. Masks and sizes follow from them.

    Raises
    ------
    ValueError : without a voice, with two of one name, or if one reads a voice that isn't there.
    """

    voices: tuple[Voice, ...]

    def __repr__(self) -> str:
        return f"Topology({briefly.voices(self.voices)})"

    def __post_init__(self) -> None:
        _check_voices(self.voices)
        for name in ("inputs", "cells"):
            check(f"voices, their {name} together", getattr(self, name), whole(1, limits.UNITS))
        weights = self.hidden_units * self.sources
        check("voices, the weights of their blocks", weights, whole(1, limits.WEIGHTS))

    @cached_property
    def inputs(self) -> int:
        """Inputs of all voices."""
        return sum(voice.inputs for voice in self.voices)

    @cached_property
    def outputs(self) -> int:
        """Outputs of all voices."""
        return sum(voice.outputs for voice in self.voices)

    @property
    def predicts_inputs(self) -> bool:
        """Has every voice an output for each input, so that it can go on by itself?"""
        return all(voice.outputs == voice.inputs for voice in self.voices)

    @cached_property
    def blocks(self) -> int:
        """Memory blocks of all voices."""
        return sum(len(voice.blocks) for voice in self.voices)

    @cached_property
    def cells(self) -> int:
        """Memory cells of all voices."""
        return sum(voice.cells for voice in self.voices)

    @cached_property
    def block_of_cell(self) -> np.ndarray:
        """The block that each cell belongs to, shape ``(cells,)``."""
        sizes = [cells for voice in self.voices for cells in voice.blocks]
        return np.repeat(np.arange(self.blocks), sizes)

    @cached_property
    def peepholes(self) -> bool:
        """Does any voice have peepholes?"""
        return any(voice.peepholes for voice in self.voices)

    @property
    def sources(self) -> int:
        """Columns of both matrices: inputs, cell outputs, with peepholes cell states, and 1."""
        return self.state_sources.stop + 1

    @property
    def hidden_units(self) -> int:
        """Rows of ``hidden``: three gates a block, and the cells."""
        return 3 * self.blocks + self.cells

    @property
    def input_gates(self) -> slice:
        """Rows of ``hidden`` that belong to input gates."""
        return slice(0, self.blocks)

    @property
    def forget_gates(self) -> slice:
        """Rows of ``hidden`` that belong to forget gates."""
        return slice(self.blocks, 2 * self.blocks)

    @property
    def output_gates(self) -> slice:
        """Rows of ``hidden`` that belong to output gates."""
        return slice(2 * self.blocks, 3 * self.blocks)

    @property
    def cell_rows(self) -> slice:
        """Rows of ``hidden`` that belong to cells."""
        return slice(3 * self.blocks, self.hidden_units)

    @property
    def cell_sources(self) -> slice:
        """Columns of both matrices that carry cell outputs."""
        return slice(self.inputs, self.inputs + self.cells)

    @property
    def state_sources(self) -> slice:
        """Columns of both matrices that carry cell states; none where no voice has peepholes."""
        start = self.inputs + self.cells
        return slice(start, start + self.cells * self.peepholes)

    def parts(self, name: str) -> tuple[slice, slice, slice]:
        """Where a voice stands: its inputs, its blocks, its cells; see also `outputs_of`.

        Raises
        ------
        ValueError : if there is no voice of that name.
        """
        return _parts(self, name)

    def outputs_of(self, name: str) -> slice:
        """Where the outputs of a voice stand; raises as `parts`."""
        start = 0
        for voice in self.voices:
            if voice.name == name:
                return slice(start, start + voice.outputs)
            start += voice.outputs
        raise ValueError(f"no voice {name!r}: there are {[v.name for v in self.voices]}")

    def rows(self, name: str) -> np.ndarray:
        """Rows of ``hidden`` that belong to a voice: its input, forget, output gates, its cells."""
        _, blocks, cells = self.parts(name)
        block, cell = np.r_[blocks], np.r_[cells]
        gates = [block + kind * self.blocks for kind in range(3)]
        return np.concatenate([*gates, 3 * self.blocks + cell])

    @cached_property
    def hidden_mask(self) -> np.ndarray:
        """Which hidden unit reads which source: bool, shape ``(hidden_units, sources)``.

        A voice's gates and cells read its inputs, its own cells, the cells of the voices it names,
        and the bias. With peepholes, its gates read the states of their own block's cells too.
        """
        return _hidden_mask(self) | self.peephole_mask

    @cached_property
    def peephole_mask(self) -> np.ndarray:
        """Which gate reads which cell's state: bool, shape ``(hidden_units, sources)``."""
        return _peephole_mask(self)

    @cached_property
    def output_mask(self) -> np.ndarray:
        """Which output reads which source: bool, shape ``(outputs, sources)``.

        A voice's outputs read its inputs, its own cells, and the bias.
        """
        return _output_mask(self)

    def cell_range(self, which: Literal["g", "h"]) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end of a squashing function for each cell, two of shape ``(cells,)``."""
        ends = [getattr(voice, which) for voice in self.voices for _ in range(voice.cells)]
        low, high = np.array(ends).T
        return low, high


def _check_voices(voices: tuple[Voice, ...]) -> None:
    """See that voices can be told apart, and that each reads others that are there."""
    names = [voice.name for voice in voices]
    if not names:
        raise ValueError("a topology needs at least one voice")
    if len(set(names)) != len(names):
        raise ValueError(f"voices need different names, got {names}")
    for voice in voices:
        for other in voice.reads:
            if other not in names or other == voice.name:
                raise ValueError(
                    f"voice {voice.name!r} reads {other!r}: expected another of {names}"
                )


def _parts(topology: Topology, name: str) -> tuple[slice, slice, slice]:
    """See `Topology.parts`: voices stand one after another, in their order."""
    at_input = at_block = at_cell = 0
    for voice in topology.voices:
        inputs, blocks, cells = voice.inputs, len(voice.blocks), voice.cells
        if voice.name == name:
            return (
                slice(at_input, at_input + inputs),
                slice(at_block, at_block + blocks),
                slice(at_cell, at_cell + cells),
            )
        at_input, at_block, at_cell = at_input + inputs, at_block + blocks, at_cell + cells
    raise ValueError(f"no voice {name!r}: there are {[v.name for v in topology.voices]}")


def _hidden_mask(topology: Topology) -> np.ndarray:
    """See `Topology.hidden_mask`, but for the peepholes."""
    mask = np.zeros((topology.hidden_units, topology.sources), dtype=bool)
    mask[:, -1] = True
    for voice in topology.voices:
        rows = topology.rows(voice.name)
        mask[rows, topology.parts(voice.name)[0]] = True
        for name in (voice.name, *voice.reads):
            read = topology.parts(name)[2]
            mask[rows, topology.inputs + read.start : topology.inputs + read.stop] = True
    return mask


def _peephole_mask(topology: Topology) -> np.ndarray:
    """See `Topology.peephole_mask`."""
    mask = np.zeros((topology.hidden_units, topology.sources), dtype=bool)
    for voice in topology.voices:
        if voice.peepholes:
            cells = np.r_[topology.parts(voice.name)[2]]
            for kind in range(3):
                gates = kind * topology.blocks + topology.block_of_cell[cells]
                mask[gates, topology.state_sources.start + cells] = True
    return mask


def _output_mask(topology: Topology) -> np.ndarray:
    """See `Topology.output_mask`."""
    mask = np.zeros((topology.outputs, topology.sources), dtype=bool)
    mask[:, -1] = True
    for voice in topology.voices:
        inputs, _, cells = topology.parts(voice.name)
        own = topology.outputs_of(voice.name)
        mask[own, inputs] = True
        mask[own, topology.inputs + cells.start : topology.inputs + cells.stop] = True
    return mask


@checked
@dataclass(frozen=True, eq=False)
class Network:
    """A topology and its weights.

    Attributes
    ----------
    topology : who reads whom.
    hidden : weights into gates and cells, shape ``(hidden_units, sources)``.
    output : weights into the output units, shape ``(outputs, sources)``.

    Raises
    ------
    ValueError : for a matrix of the wrong shape, a number that is not finite, or a weight other
        than 0 where the topology has no connection.
    """

    topology: Topology
    hidden: np.ndarray
    output: np.ndarray

    def __repr__(self) -> str:
        return f"Network({briefly.voices(self.topology.voices)})"

    def __post_init__(self) -> None:
        t = self.topology
        for name, mask in (("hidden", t.hidden_mask), ("output", t.output_mask)):
            weights = np.asarray(getattr(self, name), dtype=float)
            object.__setattr__(self, name, weights)
            if weights.shape != mask.shape:
                raise ValueError(f"{name}: expected shape {mask.shape}, got {weights.shape}")
            strange = weights[~np.isfinite(weights)]
            if len(strange):
                raise ValueError(f"{name}: weights must be finite, got {strange[0]} among them")
            if weights[~mask].any():
                raise ValueError(f"{name}: a weight stands where the topology has no connection")

    @property
    def weights(self) -> int:
        """Number of weights that can learn, biases included."""
        return int(self.topology.hidden_mask.sum() + self.topology.output_mask.sum())


class State(NamedTuple):
    """What a network carries from one step to the next.

    cell_state : s, the contents of the cells, shape ``(cells,)``.
    cell_output : y, what the cells let out, shape ``(cells,)``.
    """

    cell_state: np.ndarray
    cell_output: np.ndarray

    __repr__ = briefly.shapes


class Step(NamedTuple):
    """Everything that happens in one step, by name. Gates have shape ``(blocks,)``.

    sources : what hidden units read, shape ``(sources,)``. With peepholes, the cell states among
        them are those of the step before; output gates read those of the step itself.
    input_gate, forget_gate, output_gate : activations in (0, 1).
    candidate : g(net), what the cells are offered, shape ``(cells,)``.
    cell_state, cell_output : s and y after the step, shape ``(cells,)``.
    squashed_state : h(s), shape ``(cells,)``.
    output_sources : what output units read, shape ``(sources,)``; with peepholes, the cell states
        of this step, which they don't read, are among them.
    prediction : of each output, the probability that what it stands for is on, in music at the
        next step; shape ``(outputs,)``.
    """

    sources: np.ndarray
    input_gate: np.ndarray
    forget_gate: np.ndarray
    output_gate: np.ndarray
    candidate: np.ndarray
    cell_state: np.ndarray
    squashed_state: np.ndarray
    cell_output: np.ndarray
    output_sources: np.ndarray
    prediction: np.ndarray

    __repr__ = briefly.shapes

    @property
    def state(self) -> State:
        """What the next step needs of this one."""
        return State(self.cell_state, self.cell_output)


@checked
def cleared(topology: Topology) -> State:
    """The state of a network that has heard nothing: all zeros. Chapter 4."""
    return State(np.zeros(topology.cells), np.zeros(topology.cells))


@checked
def _check_step(
    onward: Callable[..., Step], network: Network, state: State, inputs: np.ndarray
) -> Step:
    """The door that sees whether a step can be run."""
    t = network.topology
    inputs = np.asarray(inputs)
    if inputs.shape != (t.inputs,):
        raise ValueError(f"inputs: expected shape ({t.inputs},), got {inputs.shape}")
    if not np.isfinite(inputs).all():
        raise ValueError(f"inputs must be finite, got {inputs[~np.isfinite(inputs)][0]}")
    for name, values in zip(State._fields, state, strict=True):
        if np.shape(values) != (t.cells,):
            raise ValueError(f"{name}: expected shape ({t.cells},), got {np.shape(values)}")
    return onward(network, state, inputs)


@through(_check_step, extended_forward)
def forward(network: Network, state: State, inputs: np.ndarray) -> Step:
    """Run one step: read the inputs and the state, predict the next inputs.

    Parameters
    ----------
    network : topology and weights.
    state : what the step before left, `cleared` at the start.
    inputs : shape ``(inputs,)``, 0 or 1 each in this book, any numbers in principle.

    Returns
    -------
    Every activation of the step. ``step.state`` is what the next step wants.

    Raises
    ------
    ValueError : if ``inputs`` or the state don't have the topology's shapes, or if an input is not
        finite.

    Gers, Schmidhuber and Cummins (2000), section 3; chapter 4. With peepholes or softmax outputs a
    step goes on in `extended_forward`.
    """
    t = network.topology
    block = t.block_of_cell

    sources = np.concatenate([inputs, state.cell_output, [1.0]])
    net = network.hidden @ sources
    input_gate = logistic(net[t.input_gates])
    forget_gate = logistic(net[t.forget_gates])
    output_gate = logistic(net[t.output_gates])
    candidate = squash(net[t.cell_rows], *t.cell_range("g"))

    cell_state = forget_gate[block] * state.cell_state + input_gate[block] * candidate
    squashed_state = squash(cell_state, *t.cell_range("h"))
    cell_output = output_gate[block] * squashed_state

    output_sources = np.concatenate([inputs, cell_output, [1.0]])
    prediction = logistic(network.output @ output_sources)
    return Step(
        sources,
        input_gate,
        forget_gate,
        output_gate,
        candidate,
        cell_state,
        squashed_state,
        cell_output,
        output_sources,
        prediction,
    )


@checked
def record(network: Network, roll: np.ndarray, state: State | None = None) -> Step:
    """Run a network over a roll that is given to it and keep every activation of every step.

    Parameters
    ----------
    network : topology and weights.
    roll : one row of inputs a step, shape ``(at least 1, inputs)``.
    state : what came before, `cleared` unless given.

    Returns
    -------
    A `Step` whose arrays have the steps as their first axis: ``cell_state`` is of shape
    ``(steps, cells)``, the gates of ``(steps, blocks)``. ``prediction[t]`` is about row ``t + 1``.

    Raises
    ------
    ValueError : for a roll without a step, or a row that `forward` refuses.

    Chapter 9.
    """
    roll = regular(roll, f"a roll of shape (steps, {network.topology.inputs})")
    if roll.ndim != 2 or not len(roll) or roll.shape[1] != network.topology.inputs:
        raise ValueError(
            f"expected a roll of shape (steps, {network.topology.inputs}), got {roll.shape}"
        )
    state = cleared(network.topology) if state is None else state
    steps = []
    for inputs in roll:
        steps.append(forward(network, state, inputs))
        state = steps[-1].state
    return Step(*map(np.array, zip(*steps, strict=True)))


@checked
def solo(network: Network, name: str) -> Network:
    """One voice of a network as a network of its own.

    Raises
    ------
    ValueError : if there is no voice of that name, or if it reads another one.

    Since melody never reaches the chords (section 4.1), what the chord voice of Experiment 2 does
    is what it does alone. Chapter 8.
    """
    t = network.topology
    inputs, _, cells = t.parts(name)
    voice = next(voice for voice in t.voices if voice.name == name)
    if voice.reads:
        raise ValueError(f"voice {name!r} reads {voice.reads}: it can't play alone")
    read = [t.cell_sources, t.state_sources] if voice.peepholes else [t.cell_sources]
    cell_columns = [np.r_[columns][cells] for columns in read]
    columns = np.concatenate([np.r_[inputs], *cell_columns, [t.sources - 1]])
    return Network(
        Topology((voice,)),
        network.hidden[np.ix_(t.rows(name), columns)],
        network.output[np.ix_(np.r_[t.outputs_of(name)], columns)],
    )
