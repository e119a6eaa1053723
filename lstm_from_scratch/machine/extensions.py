"""What the paper's network does not have: peepholes, and softmax outputs.

Through peepholes, gates read the states of the cells in their own block (Gers and Schmidhuber,
2000). Softmax outputs are the probabilities of units of which exactly one is on. A `Voice` says
whether it has them. The functions of `network` and `gradient` are the paper's equations and know
nothing of either; what changes where a voice has one stands here.

`extended_forward`, `extended_cross_entropy` and `extended_step_gradient` are *doors* in front of
the core, see `through`: each is handed what lies behind it as ``onward``, lets the core do what
stays the same, and puts right what does not. Networks without extensions go through unchanged.

Chapter 11 (How sure are we?) asks what peepholes and softmax outputs are worth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import numpy as np

from ..arguments import array, checked, expect_shape
from ..arguments import function as a_function
from .squashing import logistic

if TYPE_CHECKING:  # what the arguments are; nothing above is needed to run
    import lstm_from_scratch.machine.network  # whose Step is not the only one

    from .gradient import Gradient, Partials
    from .network import Network, State, Topology

Result = TypeVar("Result")


def through(
    *doors: Callable[..., Any],
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Put doors in front of a function: every call goes through them, first to last.

    Parameters
    ----------
    doors : functions that are handed what lies behind them, and then the arguments of the call. One
        may refuse these, or change them or the result; else it returns what lies behind, called.

    Returns
    -------
    A decorator. It leaves a function its name and its docstring, and gives it the arguments that
    the first door has.

    Chapter 4.
    """

    def behind(core: Callable[..., Result]) -> Callable[..., Result]:
        entered: Callable[..., Result] = core
        for door in reversed(doors):
            entered = partial(door, entered)

        @wraps(core)
        def function(*arguments: Any, **named: Any) -> Result:
            return entered(*arguments, **named)

        asked = signature(doors[0])
        own = list(asked.parameters.values())[1:]
        function.__signature__ = asked.replace(parameters=own)
        return function

    return behind


# ---- One step ------------------------------------------------------------------------------------


@checked(x=array("units", finite=True, some=True, dtype=float))
def softmax(x: np.ndarray) -> np.ndarray:
    """Probabilities that sum to 1, each in proportion to the exponential of its element.

    Shape ``(units,)`` in and out. The largest element is taken from all of them first, which
    changes no proportion and keeps every exponential from overflow. Chapter 11.
    """
    powers = np.exp(x - x.max())
    return powers / powers.sum()


@checked(onward=a_function())
def extended_forward(
    onward: Callable[..., lstm_from_scratch.machine.network.Step],
    network: Network,
    state: State,
    inputs: np.ndarray,
) -> lstm_from_scratch.machine.network.Step:
    """Run one step with peepholes or softmax outputs: a door of `network.forward`.

    Parameters
    ----------
    onward : runs a step of a network that has neither.
    network, state, inputs : as for `network.forward`.

    Returns
    -------
    Every activation of the step.

    Gers and Schmidhuber (2000) for peepholes; chapter 11.
    """
    t = network.topology
    step = _peep(onward, network, state, inputs) if t.peepholes else onward(network, state, inputs)
    voices = [voice for voice in t.voices if voice.activation == "softmax"]
    if voices:
        net, prediction = network.output @ step.output_sources, step.prediction.copy()
        for own in (t.outputs_of(voice.name) for voice in voices):
            prediction[own] = softmax(net[own])
        step = step._replace(prediction=prediction)
    return step


class _Weights(NamedTuple):
    """As much of a network as a step needs."""

    topology: Topology
    hidden: np.ndarray
    output: np.ndarray


def _peep(
    onward: Callable[..., lstm_from_scratch.machine.network.Step],
    network: Network,
    state: State,
    inputs: np.ndarray,
) -> lstm_from_scratch.machine.network.Step:
    """One step of a network with peepholes, and with logistic outputs."""
    t = network.topology
    # States stand behind the cell outputs in what gates and cells read, and outputs read none.
    seen = state._replace(cell_output=np.concatenate([state.cell_output, state.cell_state]))
    unread = np.delete(network.output, t.state_sources, axis=1)
    step = onward(_Weights(t, network.hidden, unread), seen, inputs)

    # But output gates come last: they look at what the cells hold by now.
    late = late_sources(t, step.sources, step.cell_state)
    output_gate = logistic(network.hidden[t.output_gates] @ late)
    cell_output = output_gate[t.block_of_cell] * step.squashed_state
    output_sources = np.concatenate([inputs, cell_output, step.cell_state, [1.0]])
    return step._replace(
        output_gate=output_gate,
        cell_output=cell_output,
        output_sources=output_sources,
        prediction=logistic(network.output @ output_sources),
    )


@checked
def late_sources(topology: Topology, sources: np.ndarray, cell_state: np.ndarray) -> np.ndarray:
    """What output gates read: as other hidden units, but with peepholes the states of this step.

    ``sources`` and ``cell_state`` are those of a `Step`. Chapter 11.
    """
    expect_shape("sources", sources, (topology.sources,))
    expect_shape("cell_state", cell_state, (topology.cells,))
    late = sources.copy()
    if topology.peepholes:
        late[topology.state_sources] = cell_state
    return late


# ---- Learning ------------------------------------------------------------------------------------


@checked(onward=a_function())
def extended_cross_entropy(
    onward: Callable[..., float],
    prediction: np.ndarray,
    target: np.ndarray,
    activation: Literal["logistic", "softmax"] = "logistic",
) -> float:
    """The error of a step with softmax outputs, in nats: a door of `gradient.cross_entropy`.

    Parameters
    ----------
    onward : finds the error of outputs that are on or off each by itself.
    prediction, target : of the same shape; both are probabilities.
    activation : of the voice that predicts, see `Voice`. Of units of which one is on the
        probability of that one says everything.

    Chapter 11.
    """
    if activation != "softmax":
        return onward(prediction, target)
    prediction, target = np.asarray(prediction, dtype=float), np.asarray(target, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 log 0 counts as 0
        return float(-np.where(target > 0, target * np.log(prediction), 0.0).sum())


@checked
def check_one_unit_on(topology: Topology, targets: np.ndarray) -> None:
    """See that what voices with softmax outputs are to predict is a distribution.

    ``targets`` has the topology's outputs as its last axis. Without this their error would have
    another gradient than prediction minus target. Chapter 11.

    Raises
    ------
    ValueError : if the targets of such a voice don't sum to 1.
    """
    if targets.shape[-1:] != (topology.outputs,):
        raise ValueError(
            f"targets: expected {topology.outputs} outputs as their last axis, got shape "
            f"{targets.shape}"
        )
    for voice in topology.voices:
        if voice.activation == "softmax":
            sums = np.atleast_1d(targets[..., topology.outputs_of(voice.name)].sum(axis=-1))
            wrong = sums[~np.isclose(sums, 1.0, rtol=0.0, atol=1e-9)]
            if len(wrong):
                raise ValueError(
                    f"voice {voice.name!r} has softmax outputs: its targets must sum to 1, as one "
                    f"unit on does, got {wrong[0]:g}"
                )


@checked(onward=a_function())
def extended_step_gradient(
    onward: Callable[..., Gradient],
    network: Network,
    partials: Partials,
    step: lstm_from_scratch.machine.network.Step,
    target: np.ndarray,
) -> Gradient:
    """The gradient with peepholes or softmax outputs: a door of `gradient.step_gradient`.

    Softmax outputs with the cross-entropy that goes with them leave the plain difference of
    prediction and target, as logistic ones do. What output gates read through peepholes is of this
    step; the partials know what input and forget gates have read before.

    Parameters
    ----------
    onward : finds the gradient of a network that has neither.
    network, partials, step, target : as for `gradient.step_gradient`.

    Returns
    -------
    The derivative for each weight.

    Raises
    ------
    ValueError : if the target of a voice with softmax outputs does not sum to 1.

    Chapter 11.
    """
    t = network.topology
    check_one_unit_on(t, np.asarray(target, dtype=float))
    late = late_sources(t, step.sources, step.cell_state)
    return onward(network, partials, step._replace(sources=late), target)
