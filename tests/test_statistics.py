"""Statistics against closed forms, published numbers and second ways to compute them."""

import itertools

import numpy as np
import pytest

from lstm_from_scratch.judging import statistics
from lstm_from_scratch.judging.statistics import (
    fisher,
    holm,
    interval,
    mean_interval,
    median_time,
    survival,
)
from lstm_from_scratch.studies import study

# Weeks of remission of 21 patients with 6-mercaptopurine; 9 relapsed, 12 were still well when last
# seen (Freireich et al. 1963, the example of the textbooks).
WEEKS = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [1] * 9 + [0] * 12


def test_the_interval_of_a_share_is_wilsons():
    # Values from the closed form, worked out by hand for 8 of 10 and for 0 of 10.
    assert interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)
    assert interval(0, 10) == pytest.approx((0.0, 0.2775328), abs=1e-6)
    for successes in range(1, 30):
        low, high = interval(successes, 30)
        assert low < successes / 30 < high
        # Its ends are the shares from which what was seen is z standard deviations away.
        for end in (low, high):
            away = abs(successes / 30 - end) / np.sqrt(end * (1 - end) / 30)
            assert away == pytest.approx(1.959964)
    with pytest.raises(ValueError, match="can't be"):
        interval(3, 2)
    assert study.interval is interval


def test_survival_is_as_published():
    curve = survival(WEEKS, RELAPSED)
    at = dict(zip(curve.times, zip(*curve[1:], strict=True), strict=True))
    published = {
        6: (0.8571, 0.6197, 0.9516, 21),
        7: (0.8067, 0.5631, 0.9228, 17),
        10: (0.7529, 0.5032, 0.8894, 15),
        13: (0.6902, 0.4316, 0.8491, 12),
        16: (0.6275, 0.3675, 0.8049, 11),
        22: (0.5378, 0.2678, 0.7468, 7),
        23: (0.4482, 0.1881, 0.6801, 6),
    }
    for week, values in published.items():
        assert at[week] == pytest.approx(values, abs=5e-5)
    assert median_time(WEEKS, RELAPSED) == 23


def redistributed(steps: np.ndarray, learned: np.ndarray, time: float) -> float:
    """The same estimate by Efron's other way (1967): one that is given up hands on its weight.

    Each run weighs the same; from left to right, a run that was given up shares its weight out
    among those still in the race. What weighs beyond a time has not learned by then.
    """
    order = np.lexsort((~learned, steps))  # of equal steps, those that learned come first
    steps, learned = steps[order], learned[order]
    weight = np.full(len(steps), 1 / len(steps))
    for number in range(len(steps) - 1):
        if not learned[number]:
            weight[number + 1 :] += weight[number] / (len(steps) - number - 1)
            weight[number] = 0
    return weight[(steps > time) | ((steps == time) & ~learned)].sum()


@pytest.mark.parametrize("seed", range(8))
def test_survival_agrees_with_another_way_to_compute_it(seed):
    rng = np.random.default_rng(seed)
    steps = rng.integers(1, 15, size=rng.integers(2, 40)).astype(float)
    learned = rng.random(len(steps)) < 0.6
    curve = survival(steps, learned)
    for time, share in zip(curve.times, curve.share, strict=True):
        assert share == pytest.approx(redistributed(steps, learned, time), abs=1e-12)
    np.testing.assert_array_equal(curve.at_risk[1:], [(steps >= t).sum() for t in curve.times[1:]])


def test_with_nobody_given_up_survival_counts_and_the_median_is_the_median():
    for seed, runs in enumerate((1, 2, 9, 10, 33, 50)):
        steps = np.random.default_rng(seed).permutation(1000)[:runs] + 1.0
        curve = survival(steps, np.ones(runs))
        counted = [(steps > time).mean() for time in curve.times]
        np.testing.assert_allclose(curve.share, counted, atol=1e-12)
        assert median_time(steps, np.ones(runs)) == pytest.approx(np.median(steps))
        assert np.isnan([curve.low[0], curve.high[0], curve.low[-1], curve.high[-1]]).all()


def test_the_median_is_not_invented():
    assert np.isnan(median_time([3, 4, 5, 9], [1, 0, 0, 0]))
    assert np.isnan(median_time([3, 4, 5], [0, 0, 0]))
    # Half have learned by 4 and the others never: 4, not the time at which they were given up.
    assert median_time([3, 4, 9, 9], [1, 1, 0, 0]) == 4
    # Given up early is not the same as learned late: of the two left in the race, one learns at 8.
    assert median_time([2, 2, 8, 9], [0, 0, 1, 1]) == 8.5


def test_the_interval_of_survival_holds_the_truth_in_95_of_100_tables():
    rng, inside, tables, time = np.random.default_rng(5), 0, 800, 0.8
    for _ in range(tables):
        ends, given_up = rng.exponential(1.0, size=(2, 60)) * [[1.0], [2.0]]
        curve = survival(np.minimum(ends, given_up), ends <= given_up)
        place = np.searchsorted(curve.times, time, side="right") - 1
        inside += curve.low[place] <= np.exp(-time) <= curve.high[place]
    assert 0.93 < inside / tables < 0.97


@pytest.mark.parametrize(
    ("steps", "learned", "message"),
    [
        ([], [], r"shape \(runs,\)"),
        ([1, 2], [1], r"shape \(runs,\)"),
        ([[1, 2]], [[1, 1]], r"shape \(runs,\)"),
        ([0, 2], [1, 1], "above 0"),
        ([np.nan, 2], [1, 1], "finite"),
        ([1, 2], [1, 2], "0 or 1"),
        ([1, 2], [np.nan, 1], "0 or 1"),
    ],
)
def test_survival_refuses_what_is_no_table(steps, learned, message):
    with pytest.raises(ValueError, match=message):
        survival(steps, learned)


def test_the_bootstrap_draws_from_all_tables_alike():
    # Of four values there are 256 tables, so that the distribution that is drawn from is known.
    values = np.array([1.0, 2.0, 4.5, 11.0])
    means = np.sort([np.mean(table) for table in itertools.product(values, repeat=4)])
    found = mean_interval(values, np.random.default_rng(0))
    assert found.mean == values.mean()
    # The ends lie where the known distribution has 2.5 % of its tables outside, give or take what
    # 10,000 draws can't tell.
    for end, share in ((found.low, 0.025), (found.high, 0.975)):
        assert (means < end - 1e-9).mean() <= share + 0.006
        assert (means <= end + 1e-9).mean() >= share - 0.006


def test_of_many_values_the_interval_is_that_of_the_normal_distribution():
    rng = np.random.default_rng(1)
    values = rng.gamma(2.0, size=400)
    mean, low, high = mean_interval(values, rng)
    error = values.std() / np.sqrt(400)
    assert (low, high) == pytest.approx((mean - 1.96 * error, mean + 1.96 * error), abs=0.1 * error)
    again = [mean_interval(values, np.random.default_rng(7)) for _ in range(2)]
    assert again[0] == again[1] != (mean, low, high)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "expected two or more finite values, got"),
        ([1.0], "expected two or more finite values, got"),
        ([1.0, np.nan], r"values: expected finite numbers .*, got nan among them"),
        ([[1.0, 2.0]], r"values: expected finite numbers .*, got shape \(1, 2\)"),
    ],
)
def test_a_mean_of_too_little_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        mean_interval(values, np.random.default_rng(0))


def test_what_is_said_about_the_bootstrap_of_ten_values_is_so(monkeypatch):
    monkeypatch.setattr(statistics, "DRAWS", 1000)
    rng = np.random.default_rng(3)
    found = [mean_interval(rng.normal(size=10), rng) for _ in range(500)]
    assert 0.87 < np.mean([one.low <= 0 <= one.high for one in found]) < 0.93


def test_an_interval_never_leaves_what_a_share_can_be():
    for trials in (1, 3, 20, 35, 231):
        for successes in (0, trials):
            low, high = interval(successes, trials)
            assert 0.0 <= low < high <= 1.0
            assert (low == 0.0) == (successes == 0) and (high == 1.0) == (successes == trials)
    for wrong in ((2.5, 5), (1, 2.5), ("1", 2), (None, 2), (np.nan, 2), (np.inf, 2)):
        with pytest.raises(ValueError, match=r"(successes|trials): expected a whole number"):
            interval(*wrong)
    with pytest.raises(ValueError, match="0 successes of 0 trials: that can't be"):
        interval(0, 0)
    assert interval(np.int64(3), 5.0) == interval(3, 5)


def test_fishers_test_is_as_published_and_as_counted_out():
    # The lady tasting tea (Fisher 1935): 3 of 4 cups told apart, two-sided 0.4857.
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)
    assert fisher(4, 4, 0, 4) == pytest.approx(2 / 70)
    assert fisher(16, 16, 14, 16) == pytest.approx(0.4839, abs=5e-5)
    rng = np.random.default_rng(3)
    for _ in range(30):
        n, m = rng.integers(1, 8, size=2).tolist()
        a, b = int(rng.integers(n + 1)), int(rng.integers(m + 1))
        # Deal the successes to all n + m places in every way, and see how often the two groups
        # come out as a table that is no likelier than the one that was seen.
        dealt = [sum(p < n for p in it) for it in itertools.combinations(range(n + m), a + b)]
        times = {here: dealt.count(here) for here in set(dealt)}
        rare = sum(count for count in times.values() if count <= times[a])
        assert fisher(a, n, b, m) == pytest.approx(rare / len(dealt))
        assert fisher(a, n, b, m) == fisher(b, m, a, n)
    with pytest.raises(ValueError, match="can't be"):
        fisher(3, 2, 1, 2)


def test_holm_keeps_the_chance_of_any_false_alarm_below_five_percent():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])
    rng = np.random.default_rng(4)
    alarms = [(holm(rng.random(20)) < 0.05).any() for _ in range(4000)]
    assert 0.03 < np.mean(alarms) < 0.065
    # It is never kinder than no correction and never harsher than Bonferroni's.
    values = rng.random(9) ** 3
    assert (holm(values) >= values).all() and (holm(values) <= np.minimum(9 * values, 1)).all()
    for wrong in ([0.5, 1.5], [np.nan]):
        with pytest.raises(ValueError, match="expected p-values from 0 to 1"):
            holm(wrong)
    for wrong in ([], [[0.1]]):
        with pytest.raises(ValueError, match=r"p_values: expected numbers of shape \(tests,\)"):
            holm(wrong)


# ---- A summary ---------------------------------------------------------------------------------


def _row(kind: str, learned: int, steps: int, rate: float = 0.1) -> dict[str, str]:
    return {"kind": kind, "rate": str(rate), "learned": str(learned), "steps": str(steps)}


ROWS = [
    *(_row("a", 1, steps) for steps in (1_000, 2_000, 3_000)),
    _row("b", 1, 4_000),
    *(_row("b", 0, 9_000) for _ in range(3)),
]


def test_a_summary_says_of_each_setting_what_the_functions_say():
    first, second = statistics.summary(ROWS, by="kind")
    assert first[:4] == ({"kind": "a"}, 3, 3, 1.0)
    assert (first.low, first.high) == statistics.interval(3, 3)
    assert first.median == 2_000.0
    assert second[:4] == ({"kind": "b"}, 4, 1, 0.25)
    assert (second.low, second.high) == statistics.interval(1, 4)
    assert np.isnan(second.median)
    (together,) = statistics.summary(ROWS)
    assert (together.setting, together.n, together.learned) == ({}, 7, 4)
    assert len(statistics.summary(ROWS, by=("kind", "rate"))) == 2


def test_a_summary_is_printed_as_a_table():
    assert repr(statistics.summary(ROWS, by=["kind", "rate"])) == (
        "kind  rate  n  learned  share  95 % interval  median steps\n"
        "a     0.1   3        3   1.00   0.44 to 1.00         2,000\n"
        "b     0.1   4        1   0.25   0.05 to 0.70       unknown"
    )
    assert repr(statistics.summary(ROWS)).startswith("n  learned")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"learned": "yes", "steps": "5"}, "expected 0 or 1 as learned, got 'yes'"),
        ({"learned": 2, "steps": 5}, "expected 0 or 1 as learned, got 2"),
        ({"learned": 0.5, "steps": 5}, "expected 0 or 1 as learned, got 0.5"),
        ({"learned": 10**5000, "steps": 5}, r"0 or 1 as learned, got some 10\^5000"),
        ({"learned": "1" * 5000, "steps": 5}, "0 or 1 as learned, got '1{50}' and so on"),
        ({"learned": 1, "steps": "nan"}, "expected a number of at least 0 as steps, got 'nan'"),
        ({"learned": 1, "steps": None}, "expected a number of at least 0 as steps, got None"),
        ({"learned": 0, "steps": -1}, "expected a number of at least 0 as steps, got -1"),
    ],
)
def test_a_summary_of_what_is_no_row_is_refused(row, said):
    with pytest.raises(ValueError, match=f"rows: .*{said}"):
        statistics.summary([row])
    (one,) = statistics.summary([{"learned": "1", "steps": "5", "kind": 10**5000}], by="kind")
    assert one.setting == {"kind": "some 10^5000"}


def test_a_summary_of_a_training_that_goes_on_takes_the_steps_to_the_test():
    rows = [
        {"learned": 1, "learned_at": 100, "steps": 900},
        {"learned": 0, "learned_at": 0, "steps": 500},
    ]
    (one,) = statistics.summary(rows, steps="learned_at")
    assert one.median == statistics.median_time([100, 500], [1, 0])


def test_a_summary_of_a_stored_table():
    from lstm_from_scratch.studies import tables

    rows = tables.stored("resets")
    found = statistics.summary(rows, by="forgiven")
    assert sum(one.n for one in found) == len(rows)
    assert sum(one.learned for one in found) == tables.column(rows, "learned").sum()


@pytest.mark.parametrize(
    ("rows", "by", "message"),
    [
        ([], (), "no row"),
        (ROWS, "king", "no column 'king': there are kind, rate, learned, steps"),
        ([{"seed": "1"}], (), "no column 'learned'"),
    ],
)
def test_a_summary_of_nothing_is_refused(rows, by, message):
    with pytest.raises(ValueError, match=message):
        statistics.summary(rows, by)


def test_the_sign_test_counts_the_ways_of_a_fair_coin():
    assert statistics.sign(8, 0) == statistics.sign(0, 8) == 2 / 2**8
    assert statistics.sign(3, 1) == 2 * (4 + 1) / 2**4
    assert statistics.sign(2, 2) == statistics.sign(0, 0) == 1.0
    flips = np.random.default_rng(0).integers(2, size=(20_000, 11)).sum(axis=1)
    as_far = (np.maximum(flips, 11 - flips) >= 9).mean()
    assert statistics.sign(9, 2) == pytest.approx(as_far, abs=0.005)
