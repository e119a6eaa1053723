"""Training by epochs: what is measured, what is left out, and when it stops."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from test_batches import gradient_of_pytorch

from lstm_from_scratch.machine import batches, fitting
from lstm_from_scratch.machine.episodes import Episode
from lstm_from_scratch.machine.fitting import Plan, first_network, fit, nats
from lstm_from_scratch.machine.gradient import Gradient, cross_entropy
from lstm_from_scratch.machine.network import Network, Topology, Voice, record
from lstm_from_scratch.machine.recipes import Learning
from lstm_from_scratch.machine.training import Diverged, train

PLAN = Plan(Topology((Voice("keys", 3, (1,) * 5),)), batch=2, epochs=40, seed=4)


def rounds(count: int, seed: int = 0) -> list[Episode]:
    """Three keys one after another, over and over, from any of them on; of unequal lengths."""
    rng, found = np.random.default_rng(seed), []
    for length in rng.integers(5, 14, size=count):
        roll = np.eye(3)[(np.arange(length) + rng.integers(3)) % 3]
        found.append(Episode(roll[:-1], roll[1:]))
    return found


def test_a_pattern_is_learned_and_the_best_network_is_kept() -> None:
    plan = replace(PLAN, learning=replace(PLAN.learning, learning_rate=0.03))
    learned = fit(plan, rounds(20), rounds(5, 1), progress=False)
    assert learned.course[0, 1] > 1.5 and learned.course[:, 1].min() < 0.05
    assert learned.epoch == learned.course[:, 1].argmin() + 1
    assert nats(learned.network, rounds(5, 1)) == learned.course[:, 1].min()
    again = fit(plan, rounds(20), rounds(5, 1), progress=False)
    assert np.array_equal(again.network.hidden, learned.network.hidden)


def test_nats_are_summed_over_keys_and_steps_and_divided_by_the_steps() -> None:
    """Long episodes count for more: no mean of means."""
    network, episodes = first_network(PLAN), rounds(7)
    errors, steps = 0.0, 0
    for inputs, targets, _ in episodes:
        predicted = record(network, inputs).prediction
        errors += sum(map(cross_entropy, predicted, targets))
        steps += len(targets)
    assert nats(network, episodes) == pytest.approx(errors / steps, rel=1e-13)
    assert nats(network, episodes, batch=2) == pytest.approx(errors / steps, rel=1e-13)
    assert nats(network, episodes, dtype="float32") == pytest.approx(errors / steps, rel=1e-5)


def test_training_ends_when_the_rate_has_fallen_often_enough() -> None:
    """With a rate of 0 no epoch but the first is better than all before it."""
    still = replace(PLAN, learning=replace(PLAN.learning, learning_rate=0.0), patience=3, falls=2)
    seen = []
    done = fit(
        still, rounds(4), rounds(2), progress=False, watch=lambda n, row: seen.append((n, *row))
    )
    assert done.epoch == 1 and len(done.course) == 1 + 3 * (2 + 1)
    assert np.array_equal(done.network.hidden, first_network(still).hidden)
    assert [n for n, *_ in seen] == list(range(1, 11)) and np.ptp([v for *_, v in seen]) == 0


def test_the_rate_falls_only_after_epochs_without_a_better_validation() -> None:
    """Steps of Adam against a gradient of ones are as long as the rate."""
    rates, best = [], iter([5.0, 4.0, 4.5, 4.2, 3.0, 3.5, 3.6, 3.7])
    weights: list[np.ndarray] = []

    def ones(network: Network, batch: batches.Batch) -> tuple[float, Gradient]:
        weights.append(network.hidden.copy())
        return 1.0, Gradient(network.topology.hidden_mask * 1.0, network.topology.output_mask * 1.0)

    plan = replace(PLAN, batch=4, patience=2, fall=0.5, falls=1, epochs=8,
                   learning=replace(PLAN.learning, learning_rate=0.01))  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "nats", lambda *_, **__: next(best))
        done = fit(plan, rounds(4), rounds(2), gradient=ones, progress=False)
    for before, after in pairwise(weights):
        rates.append(round(float((before - after)[0, 0]), 6))
    # Updates 2 to 7 go at the rates of epochs 1 to 6: it has fallen after two that were no better.
    assert rates == [0.01, 0.01, 0.01, 0.01, 0.005, 0.005]
    assert done.epoch == 5 and len(done.course) == 7


def test_cells_that_are_left_out_are_read_by_nobody_and_learn_nothing_there() -> None:
    seen: list[Network] = []

    def spying(network: Network, batch: batches.Batch) -> tuple[float, Gradient]:
        seen.append(network)
        return batches.batch_gradient(network, batch)

    plan = replace(PLAN, dropped=0.4, epochs=6)
    fit(plan, rounds(8), rounds(2), gradient=spying, progress=False)
    first, t = first_network(plan), plan.topology
    out = [(network.output[:, t.cell_sources] == 0).all(axis=0) for network in seen]
    shares = np.mean(out)
    assert 0.2 < shares < 0.6 and len({tuple(one) for one in out}) > 5
    kept = ~out[0]
    whole, thinned = first.output[:, t.cell_sources], seen[0].output[:, t.cell_sources]
    np.testing.assert_allclose(thinned[:, kept], whole[:, kept] / 0.6, rtol=1e-14)
    recurrent = seen[0].hidden[:, t.cell_sources]
    assert (recurrent[:, ~kept] == 0).all() and (recurrent[:, kept] != 0).all()
    # The input weights of all are as they were.
    assert np.array_equal(seen[0].hidden[:, : t.inputs], first.hidden[:, : t.inputs])


def test_the_gradient_of_thinned_weights_is_that_of_the_weights() -> None:
    """The chain rule: what a thinned weight gains, its weight gains times the same factor."""
    plan, updates = replace(PLAN, dropped=0.5, epochs=1, batch=8, learning=replace(
        PLAN.learning, learning_rate=1.0, clip=np.inf)), []  # fmt: skip

    def remember(flat, gradient, *rest):  # type: ignore[no-untyped-def]
        updates.append(gradient.copy())

    thinned: list[tuple[Network, batches.Batch]] = []

    def spying(network: Network, batch: batches.Batch) -> tuple[float, Gradient]:
        thinned.append((network, batch))
        return batches.batch_gradient(network, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "update", remember)
        fit(plan, rounds(8), rounds(2), gradient=spying, progress=False)
    network, batch = thinned[0]
    first, t = first_network(plan), plan.topology
    factors = np.ones(t.sources)
    cells = network.output[:, t.cell_sources] / first.output[:, t.cell_sources]
    factors[t.cell_sources] = cells[0]
    found, steps = updates[0][: first.hidden.size].reshape(first.hidden.shape), batch.judged.sum()
    for row, column in np.random.default_rng(0).permutation(np.argwhere(t.hidden_mask))[:20]:
        errors = []
        for by in (1e-5, -1e-5):
            hidden = first.hidden.copy()
            hidden[row, column] += by
            moved = Network(t, hidden * factors, first.output * factors)
            errors.append(batches.batch_error(moved, batch)[0] / steps)
        assert found[row, column] == pytest.approx((errors[0] - errors[1]) / 2e-5, abs=1e-8)


def test_all_rules_begin_with_the_same_weights() -> None:
    heard = []
    train(replace(PLAN.recipe, give_up_after=1, test_every=1, voices=(
        replace(PLAN.learning, optimiser="momentum", learning_rate=0.0, clip=np.inf),)),
        rounds(2), lambda network: heard.append(network) or 0, progress=False)  # fmt: skip
    assert np.array_equal(heard[0].hidden, first_network(PLAN).hidden)
    assert np.array_equal(heard[0].output, first_network(PLAN).output)


def test_what_is_learned_from_can_be_varied() -> None:
    def silence(episode: Episode, rng: np.random.Generator) -> Episode:
        return Episode(episode.inputs * 0, episode.targets * 0)

    learned = fit(
        replace(PLAN, epochs=15, learning=replace(PLAN.learning, learning_rate=0.1)),
        rounds(10), rounds(2), vary=silence, progress=False,
    )  # fmt: skip
    assert learned.course[-1, 0] < 0.1 < learned.course[-1, 1]


def test_what_does_not_fit_is_named_before_an_epoch_goes_by() -> None:
    wide = Episode(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"valid, episode 1: .*expected inputs of shape"):
        fit(PLAN, rounds(4), [rounds(1)[0], wide], progress=False)
    with pytest.raises(ValueError, match="train: expected"):
        fit(PLAN, [(1, 2)], rounds(2), progress=False)


def test_what_diverges_says_after_which_update() -> None:
    def bad(network: Network, batch: batches.Batch) -> tuple[float, Gradient]:
        return 1.0, Gradient(network.hidden * np.nan, network.output * np.nan)

    with pytest.raises(Diverged, match="after update 1 weights are not finite"):
        fit(PLAN, rounds(4), rounds(2), gradient=bad, progress=False)


def test_a_plan_says_what_it_does_not_do() -> None:
    with pytest.raises(ValueError, match="expected the optimiser adam, got momentum"):
        Plan(PLAN.topology, Learning(input_gate_bias=0, forget_gate_bias=0, output_gate_bias=0))
    assert repr(PLAN) == "Plan(keys: 3 in, 5 × 1 cell, batch=2, epochs=40, seed=4)"


def test_pytorch_with_its_own_adam_goes_the_same_way() -> None:
    """Ten updates with its autograd through nn.LSTM, its clipping and its Adam, against ours."""
    torch = pytest.importorskip("torch")
    plan, episodes = replace(PLAN, batch=3, epochs=10), rounds(3)
    ours = fit(plan, episodes, rounds(2), progress=False)
    batch = batches.side_by_side(plan.topology, episodes)
    first = first_network(plan)
    weights = [torch.tensor(of) for of in (first.hidden, first.output)]
    adam = torch.optim.Adam(weights, lr=plan.learning.learning_rate)
    for _ in range(plan.epochs):
        network = Network(plan.topology, *(of.numpy() for of in weights))
        _, gradient = gradient_of_pytorch(torch, network, episodes)
        for weight, part in zip(weights, gradient, strict=True):
            weight.grad = torch.from_numpy(part / batch.judged.sum())
        torch.nn.utils.clip_grad_norm_(weights, plan.learning.clip)
        adam.step()
    assert ours.epoch == plan.epochs  # so that the last network is the one that is kept
    np.testing.assert_allclose(ours.network.hidden, weights[0].numpy(), rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.network.output, weights[1].numpy(), rtol=0, atol=1e-9)
