"""To PyTorch and back: the same predictions, by its equations and, where it is, by itself."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.machine import interop, training
from lstm_from_scratch.machine.interop import Parameters, from_parameters, to_parameters
from lstm_from_scratch.machine.network import Network, Topology, Voice, record

VOICE = Voice("only", 5, (1,) * 7)


def random_network(*voices: Voice, seed: int = 0) -> Network:
    """Weights as large as those of a trained network, biases among them."""
    t, rng = Topology(voices), np.random.default_rng(seed)
    return Network(
        t,
        rng.normal(0, 1.5, t.hidden_mask.shape) * t.hidden_mask,
        rng.normal(0, 1.5, t.output_mask.shape) * t.output_mask,
    )


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def as_pytorch_says(p: Parameters, roll: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The equations of torch.nn.LSTM's documentation, then a linear layer and the logistic."""
    cells = p.weight_hh_l0.shape[1]
    h, c, heard = np.zeros(cells), np.zeros(cells), []
    for x in roll:
        net = p.weight_ih_l0 @ x + p.bias_ih_l0 + p.weight_hh_l0 @ h + p.bias_hh_l0
        i, f, g, o = net.reshape(4, cells)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        heard.append(h)
    both = np.concatenate([roll, heard], axis=1)
    return np.array(heard), sigmoid(both @ p.weight.T + p.bias)


@pytest.mark.parametrize("seed", range(3))
def test_memory_blocks_of_one_cell_are_the_equations_of_pytorch(seed: int) -> None:
    network = random_network(VOICE, seed=seed)
    roll = np.random.default_rng(seed).integers(2, size=(30, 5)).astype(float)
    ours = record(network, roll)
    heard, prediction = as_pytorch_says(to_parameters(network), roll)
    np.testing.assert_allclose(heard, ours.cell_output, rtol=0, atol=1e-14)
    np.testing.assert_allclose(prediction, ours.prediction, rtol=0, atol=1e-14)
    without_halving = to_parameters(network)._replace(
        weight_ih_l0=to_parameters(network).weight_ih_l0 * np.repeat([1, 1, 2, 1], 7)[:, None]
    )
    assert np.abs(as_pytorch_says(without_halving, roll)[0] - heard).max() > 1e-3


def test_there_and_back_every_bit_is_the_same() -> None:
    network = random_network(VOICE)
    back = from_parameters(to_parameters(network), "only")
    assert back.topology == network.topology
    np.testing.assert_array_equal(back.hidden, network.hidden)
    np.testing.assert_array_equal(back.output, network.output)


def test_both_biases_count() -> None:
    parameters = to_parameters(random_network(VOICE))
    rng = np.random.default_rng(1)
    parameters = parameters._replace(bias_hh_l0=rng.normal(size=28))
    roll = rng.integers(2, size=(9, 5)).astype(float)
    ours = record(from_parameters(parameters), roll).prediction
    np.testing.assert_allclose(ours, as_pytorch_says(parameters, roll)[1], rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "voices",
    [
        (replace(VOICE, blocks=(1, 2)),),
        (replace(VOICE, g=(-1.0, 1.0)),),
        (replace(VOICE, h=(0.0, 1.0)),),
        (replace(VOICE, peepholes=True),),
        (replace(VOICE, activation="softmax", choice="sample"),),
    ],
)
def test_what_pytorch_does_not_have_is_refused(voices: tuple[Voice, ...]) -> None:
    with pytest.raises(ValueError, match=r"nn.LSTM has blocks of one cell.*; got Voice\("):
        to_parameters(random_network(*voices))


def test_several_voices_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one voice, the network has 2: see network\.solo"):
        to_parameters(training.stored("experiment_2").network)


def test_arrays_that_do_not_fit_are_refused() -> None:
    parameters = to_parameters(random_network(VOICE))
    with pytest.raises(ValueError, match=r"weight: expected shape \(5, 12\), got \(5, 5\)"):
        from_parameters(parameters._replace(weight=np.eye(5)))


def test_without_pytorch_it_is_said_what_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"\[torch\]'; to_parameters gives the same"):
        interop.to_torch(random_network(VOICE))


def test_pytorch_itself_agrees_and_comes_back() -> None:
    torch = pytest.importorskip("torch")
    network = random_network(VOICE)
    roll = np.random.default_rng(2).integers(2, size=(30, 5)).astype(float)
    lstm, linear = interop.to_torch(network)
    with torch.no_grad():
        given = torch.from_numpy(roll)
        heard, _ = lstm(given)
        prediction = torch.sigmoid(linear(torch.cat([given, heard], dim=-1))).numpy()
    ours = record(network, roll)
    np.testing.assert_allclose(heard.numpy(), ours.cell_output, rtol=0, atol=1e-14)
    np.testing.assert_allclose(prediction, ours.prediction, rtol=0, atol=1e-14)
    back = interop.from_torch(lstm, linear, "only")
    np.testing.assert_array_equal(back.hidden, network.hidden)
    np.testing.assert_array_equal(back.output, network.output)
    with pytest.raises(ValueError, match="one layer and one direction"):
        interop.from_torch(torch.nn.LSTM(5, 7, num_layers=2), linear)
