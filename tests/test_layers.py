"""Layers of units, compiled, against matrix products."""

from __future__ import annotations

import numpy as np
import pytest
from complex_steps import apart

from lstm_from_scratch.rivals import layers

SIZES = [(3, 4, 5), (0, 6, 2), (5, 0, 3), (1, 1, 1)]


@pytest.mark.parametrize(("inputs", "units", "outputs"), SIZES)
def test_a_layer_turned_over_goes_back_as_matrices_do(inputs, units, outputs):
    rng = np.random.default_rng([inputs, units, outputs])
    across = rng.normal(size=(inputs + units + 1, outputs))
    deltas, x, y = (rng.normal(size=size) for size in (outputs, inputs, units))
    gradient, into = rng.normal(size=across.shape), rng.normal(size=units)
    sources = np.concatenate([x, y, [1.0]])
    wanted = gradient + np.outer(sources, deltas)
    through = into + across[inputs : inputs + units] @ deltas
    layers.back_across(across, deltas, x, y, gradient, into)
    assert apart(gradient, wanted) < 1e-14
    assert not units or apart(into, through) < 1e-14
    # The same as the layer that is not turned over.
    plain, back_into = np.zeros((outputs, len(sources))), np.zeros(units)
    layers.back(np.ascontiguousarray(across.T), 0, deltas, x, y, plain, back_into)
    again, into_again = np.zeros(across.shape), np.zeros(units)
    layers.back_across(across, deltas, x, y, again, into_again)
    assert (again == plain.T).all() and (into_again == back_into).all()


def test_outputs_are_compared_as_the_cross_entropy_says():
    rng = np.random.default_rng(5)
    p, target, deltas = rng.uniform(0.01, 0.99, 9), rng.integers(0, 2, 7).astype(float), np.zeros(7)
    nats = layers.compare(p, target, deltas)
    likely = np.where(target > 0, p[:7], 1 - p[:7])
    assert nats == pytest.approx(-np.log(likely).sum(), rel=1e-12)
    assert (deltas == p[:7] - target).all()
    assert layers.compare(np.zeros(1), np.ones(1), np.zeros(1)) == pytest.approx(300 * np.log(10))
    with pytest.raises(ValueError, match="one delta for each of 7 targets"):
        layers.compare(p, target, np.zeros(6))
