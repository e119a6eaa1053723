"""To PyTorch and back: where memory blocks of one cell are what ``torch.nn.LSTM`` computes.

A cell of ours squashes what it is offered to the range from -2 to 2 and what it holds to that from
-1 to 1. That is 2 tanh(net / 2) and tanh(s / 2). So a cell that holds c = s / 2 instead, and is
offered tanh of half the net input, is PyTorch's: weights into cells are halved, all others stay,
and the outputs agree but for rounding. What PyTorch does not have stays here: blocks of several
cells, other ranges, peepholes, several voices.

Chapter 4 (The memory block) has the equations of our side.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import briefly
from ..arguments import checked
from .network import Network, Topology, Voice

if TYPE_CHECKING:
    import torch


class Parameters(NamedTuple):
    """A network as PyTorch names and lays out its weights, float64. Chapter 4.

    weight_ih_l0 : from the inputs, shape ``(4 * cells, inputs)``: rows of input gates, forget
    gates, cells, output gates. weight_hh_l0 : from the outputs of the step before, shape ``(4 *
    cells, cells)``. bias_ih_l0, bias_hh_l0 : shape ``(4 * cells,)``, which are added.
    weight, bias : of a linear layer that reads inputs and outputs of the cells, side by side, and
    whose logistic is the prediction: shapes ``(outputs, inputs + cells)`` and
    ``(outputs,)``.
    """

    weight_ih_l0: np.ndarray
    weight_hh_l0: np.ndarray
    bias_ih_l0: np.ndarray
    bias_hh_l0: np.ndarray
    weight: np.ndarray
    bias: np.ndarray

    __repr__ = briefly.shapes


@checked
def to_parameters(network: Network) -> Parameters:
    """The weights of a network for ``torch.nn.LSTM`` and a linear layer behind it.

    Raises
    ------
    ValueError : for a network that is not one voice, with blocks of one cell, the default ranges,
        logistic outputs and no peepholes.

    Chapter 4.
    """
    t = network.topology
    if len(t.voices) != 1:
        raise ValueError(f"nn.LSTM is one voice, the network has {len(t.voices)}: see network.solo")
    (voice,) = t.voices
    like = Voice(
        voice.name,
        voice.inputs,
        (1,) * len(voice.blocks),
        choice=voice.choice,
        outputs=voice.outputs,
    )
    if voice != like:
        raise ValueError(
            "nn.LSTM has blocks of one cell, g from -2 to 2, h from -1 to 1, logistic outputs, no "
            f"peepholes; got {voice!r}"
        )
    blocks = network.hidden.reshape(4, t.cells, t.sources)  # input, forget, output gates; cells
    rows = np.concatenate([blocks[0], blocks[1], blocks[3] / 2, blocks[2]])
    return Parameters(
        rows[:, : t.inputs].copy(),
        rows[:, t.cell_sources].copy(),
        rows[:, -1].copy(),
        np.zeros(len(rows)),
        network.output[:, :-1].copy(),
        network.output[:, -1].copy(),
    )


@checked
def from_parameters(parameters: Parameters, name: str = "voice") -> Network:
    """The network that has these weights; what `to_parameters` made of one comes back bit for bit.

    Its voice is called ``name`` and chooses by threshold.

    Raises
    ------
    ValueError : for arrays that don't fit each other, or a number that is not finite.

    Chapter 4.
    """
    given = Parameters(*(np.asarray(array, dtype=float) for array in parameters))
    inputs, cells = given.weight_ih_l0.shape[-1], given.weight_hh_l0.shape[-1]
    outputs = given.bias.size
    shapes = ((4 * cells, inputs), (4 * cells, cells), (4 * cells,), (4 * cells,))
    shapes = (*shapes, (outputs, inputs + cells), (outputs,))
    if given.bias.ndim != 1 or given.weight_hh_l0.ndim != 2 or given.weight_ih_l0.ndim != 2:
        raise ValueError(f"parameters: expected a bias of one axis, got {parameters!r}")
    for label, array, shape in zip(Parameters._fields, given, shapes, strict=True):
        if array.shape != shape:
            raise ValueError(f"{label}: expected shape {shape}, got {array.shape}")
    biases = given.bias_ih_l0 + given.bias_hh_l0
    rows = np.concatenate([given.weight_ih_l0, given.weight_hh_l0, biases[:, None]], axis=1)
    into, forget, cell, out = rows.reshape(4, cells, -1)
    return Network(
        Topology((Voice(name, inputs, (1,) * cells, outputs=outputs),)),
        np.concatenate([into, forget, out, 2 * cell]),
        np.concatenate([given.weight, given.bias[:, None]], axis=1),
    )


@checked
def to_torch(network: Network) -> tuple[torch.nn.LSTM, torch.nn.Linear]:
    """A network as two modules of PyTorch, in float64.

    The first is handed steps of inputs, shape ``(steps, inputs)``, and returns the outputs of the
    cells and their state; the second reads both, side by side, and its logistic is the prediction::

        lstm, linear = to_torch(network)
        heard, _ = lstm(roll)
        prediction = torch.sigmoid(linear(torch.cat([roll, heard], dim=-1)))

    Raises
    ------
    ValueError : for a network that PyTorch has not, see `to_parameters`.
    ModuleNotFoundError : without PyTorch; `to_parameters` does without.

    Chapter 4.
    """
    parameters = to_parameters(network)
    torch = _torch()
    inputs, cells = network.topology.inputs, network.topology.cells
    lstm = torch.nn.LSTM(inputs, cells, dtype=torch.float64)
    linear = torch.nn.Linear(inputs + cells, network.topology.outputs, dtype=torch.float64)
    with torch.no_grad():
        for name, values in parameters._asdict().items():
            module = linear if name in ("weight", "bias") else lstm
            getattr(module, name).copy_(torch.from_numpy(values))
    return lstm, linear


@checked
def from_torch(lstm: torch.nn.LSTM, linear: torch.nn.Linear, name: str = "voice") -> Network:
    """The network that two modules of PyTorch are, as `to_torch` makes them. Chapter 4.

    Raises
    ------
    ValueError : for an LSTM of several layers or directions, without biases, or with a projection;
        for a linear layer that does not fit it.
    """
    if lstm.num_layers != 1 or lstm.bidirectional or not lstm.bias or lstm.proj_size:
        raise ValueError("expected an LSTM of one layer and one direction, with biases alone")
    if linear.bias is None:
        raise ValueError("expected a linear layer with biases")
    modules = (*(lstm,) * 4, *(linear,) * 2)
    arrays = (
        getattr(module, field).detach().cpu().numpy()
        for module, field in zip(modules, Parameters._fields, strict=True)
    )
    return from_parameters(Parameters(*arrays), name)


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise ModuleNotFoundError(
            "PyTorch is not installed: pip install 'lstm-from-scratch[torch]'; to_parameters gives "
            "the same weights as NumPy arrays",
            name="torch",
        ) from error
    return torch
