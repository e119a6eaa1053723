"""Which steps of which chorus are wrong: against a count by hand."""

import numpy as np
import pytest

from lstm_from_scratch.measures import wrong_steps


def test_finds_each_changed_step_and_no_other():
    rng = np.random.default_rng(4)
    for _ in range(20):
        choruses, steps, units = rng.integers(1, 6, size=3)
        form = rng.integers(0, 2, size=(steps, units)).astype(float)
        roll = np.tile(form, (choruses, 1))
        expected = np.zeros((choruses, steps), dtype=bool)
        for _ in range(rng.integers(0, 4)):
            chorus, step, unit = rng.integers(choruses), rng.integers(steps), rng.integers(units)
            if not expected[chorus, step]:
                row = chorus * steps + step
                roll[row, unit] = 1 - roll[row, unit]
                expected[chorus, step] = True
        np.testing.assert_array_equal(wrong_steps(roll, form), expected)


@pytest.mark.parametrize("shape", [(0, 3), (5, 3), (4, 2), (4,)])
def test_refuses_anything_but_whole_choruses_of_the_same_units(shape):
    with pytest.raises(ValueError, match="expected whole choruses"):
        wrong_steps(np.zeros(shape), np.zeros((4, 3)))


def test_refuses_a_form_without_steps():
    with pytest.raises(ValueError, match="form: expected shape"):
        wrong_steps(np.zeros((4, 3)), np.zeros((0, 3)))
