"""Batches: the full gradient of many episodes at once, against the readable form and PyTorch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_gradient import error_of, listen, random_network, random_song, random_topology

from lstm_from_scratch.machine import batches
from lstm_from_scratch.machine.bptt import full_gradient
from lstm_from_scratch.machine.episodes import Episode
from lstm_from_scratch.machine.interop import to_torch
from lstm_from_scratch.machine.network import Network, Topology, Voice


def plain(topology: Topology) -> Topology:
    return Topology(tuple(replace(voice, peepholes=False) for voice in topology.voices))


def case(seed: int) -> tuple[Network, list[Episode]]:
    """A network without peepholes, and one to six episodes of up to forty steps."""
    rng = np.random.default_rng(seed)
    topology = plain(random_topology(rng))
    lengths = rng.integers(1, 41, size=rng.integers(1, 7))
    episodes = [Episode(*random_song(topology, int(steps), rng)) for steps in lengths]
    return random_network(topology, rng), episodes


@pytest.mark.parametrize("seed", range(24))
def test_a_batch_has_the_gradient_of_its_episodes_one_by_one(seed: int) -> None:
    network, episodes = case(seed)
    batch = batches.side_by_side(network.topology, episodes)
    error, gradient = batches.batch_gradient(network, batch)
    one_by_one = [full_gradient(network, *episode[:2]) for episode in episodes]
    for name in ("hidden", "output"):
        together = sum(getattr(one, name) for one in one_by_one)
        np.testing.assert_allclose(getattr(gradient, name), together, rtol=0, atol=1e-11)
    by_steps = sum(
        error_of(network.topology, step.prediction, target)
        for episode in episodes
        for step, target in zip(listen(network, episode.inputs), episode.targets, strict=True)
    )
    assert error == pytest.approx(by_steps, abs=1e-9)
    steps = sum(len(episode.inputs) for episode in episodes)
    assert batches.batch_error(network, batch) == (pytest.approx(error, abs=1e-9), steps)


@pytest.mark.parametrize("seed", range(4))
def test_only_what_is_judged_counts(seed: int) -> None:
    """Against differences of the error, which know nothing of any gradient."""
    network, episodes = case(seed)
    rng = np.random.default_rng(seed)
    judged = [rng.random(len(it.inputs)) < 0.5 for it in episodes]
    for some in judged:
        some[0] = True
    episodes = [it._replace(judged=some) for it, some in zip(episodes, judged, strict=True)]
    batch = batches.side_by_side(network.topology, episodes)
    _, gradient = batches.batch_gradient(network, batch)
    for name in ("hidden", "output"):
        weights, mask = getattr(network, name), getattr(network.topology, f"{name}_mask")
        for row, column in rng.permutation(np.argwhere(mask))[:12]:
            moved = []
            for by in (1e-5, -1e-5):
                other = weights.copy()
                other[row, column] += by
                changed = Network(**{**vars_of(network), name: other})
                moved.append(batches.batch_gradient(changed, batch)[0])
            slope = (moved[0] - moved[1]) / 2e-5
            assert getattr(gradient, name)[row, column] == pytest.approx(slope, abs=1e-6)


def vars_of(network: Network) -> dict:
    return {name: getattr(network, name) for name in ("topology", "hidden", "output")}


def test_pytorch_has_the_same_error_and_the_same_gradient() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    topology = Topology((Voice("only", 9, (1,) * 11),))
    network = random_network(topology, rng, 0.5)
    episodes = [Episode(*random_song(topology, steps, rng)) for steps in (12, 30, 7)]
    error, gradient = batches.batch_gradient(network, batches.side_by_side(topology, episodes))
    theirs_error, theirs = gradient_of_pytorch(torch, network, episodes)
    assert error == pytest.approx(theirs_error, rel=1e-13)
    np.testing.assert_allclose(gradient.output, theirs[1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(gradient.hidden, theirs[0], rtol=0, atol=1e-12)


def gradient_of_pytorch(torch, network, episodes):  # type: ignore[no-untyped-def]
    """By autograd, laid out as ours: input, forget, output gates, cells, whose rows are halved."""
    lstm, linear = to_torch(network)
    total = 0.0
    for episode in episodes:
        roll, target = map(torch.from_numpy, episode[:2])
        heard, _ = lstm(roll)
        net = linear(torch.cat([roll, heard], dim=-1))
        entropy = torch.nn.functional.binary_cross_entropy_with_logits
        total = total + entropy(net, target, reduction="sum")
    total.backward()
    rows = torch.cat(
        [lstm.weight_ih_l0.grad, lstm.weight_hh_l0.grad, lstm.bias_ih_l0.grad[:, None]], dim=1
    ).numpy()
    into, forget, cell, out = rows.reshape(4, network.topology.cells, -1)
    output = torch.cat([linear.weight.grad, linear.bias.grad[:, None]], dim=1).numpy()
    return total.item(), (np.concatenate([into, forget, out, cell / 2]), output)


def test_single_precision_is_the_same_but_for_rounding() -> None:
    network, episodes = case(3)
    pair = [
        batches.batch_gradient(network, batches.side_by_side(network.topology, episodes, dtype))
        for dtype in ("float64", "float32")
    ]
    assert pair[1][0] == pytest.approx(pair[0][0], rel=1e-5)
    assert 0 < np.abs(pair[0][1].hidden - pair[1][1].hidden).max() < 1e-3


def test_what_does_not_fit_is_refused() -> None:
    network, episodes = case(5)
    t = network.topology
    batch = batches.side_by_side(t, episodes)
    with pytest.raises(ValueError, match="batch: expected inputs of shape"):
        batches.listen(network, batch._replace(inputs=batch.inputs[..., :-1]))
    with pytest.raises(ValueError, match="batch: expected targets"):
        batches.listen(network, batch._replace(targets=batch.targets[1:]))
    peeping = Topology((Voice("only", 2, (1,), peepholes=True),))
    there = Network(peeping, np.zeros(peeping.hidden_mask.shape), np.zeros((2, peeping.sources)))
    with pytest.raises(ValueError, match="without peepholes"):
        batches.listen(there, batch)
