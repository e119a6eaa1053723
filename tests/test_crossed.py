"""The crossed study of chapter 11: every setting is treated alike, and the best rate is by rule."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from lstm_from_scratch.machine.training import RECOMMENDED
from lstm_from_scratch.rivals import simple_rnn
from lstm_from_scratch.studies import study
from lstm_from_scratch.studies.questions import crossed
from lstm_from_scratch.studies.questions.crossed import CHOSEN, LEARNERS, OPTIMISERS, SCREEN

INF = float("inf")


def test_every_learner_and_optimiser_is_screened_alike_and_tried_once():
    settings = {(*learner, *how) for learner in LEARNERS for how in OPTIMISERS}
    assert len(settings) == 16
    assert Counter(setting[:-1] for setting in SCREEN) == dict.fromkeys(settings, 4)
    assert Counter(setting[:-1] for setting in CHOSEN) == dict.fromkeys(settings, 1)
    for one in settings:
        rates = np.array([setting[-1] for setting in SCREEN if setting[:-1] == one])
        assert (rates[1:] / rates[:-1] > 2.9).all() and (rates[1:] / rates[:-1] < 3.4).all()
    assert set(CHOSEN) <= set(SCREEN)
    screen, final = study.STUDIES["crossed-screen"], study.STUDIES["crossed"]
    assert (len(screen.seeds), len(final.seeds)) == (4, 16)
    assert not set(screen.seeds) & set(final.seeds)
    assert crossed.STEPS % RECOMMENDED.test_every == 0


def test_both_networks_have_about_as_many_weights():
    lstm = crossed.learn("lstm", "bptt", "adam", INF, 1e-3, 0, 96).network
    simple = crossed.learn("simple", "bptt", "adam", INF, 1e-3, 0, 96).network
    assert (lstm.weights, simple.weights) == (672, 702)
    assert simple.units == simple_rnn.UNITS


# ---- The rule ------------------------------------------------------------------------------------


def table(**changed: list[tuple[int, int, float]]) -> list[dict[str, str]]:
    """A table of the screen, as it is read, in which nobody learns.

    ``changed`` has for some rates of the LSTM by BPTT with Adam, named ``a`` to ``d``, what came of
    the four seeds: learned, steps, cross-entropy.
    """
    rows = []
    for setting in SCREEN:
        outcomes = [(0, crossed.STEPS, 2.0)] * 4
        if setting[:-1] == ("lstm", "bptt", "adam", INF):
            outcomes = changed.get("abcd"[rates_of_case().index(setting[-1])], outcomes)
        for seed, outcome in enumerate(outcomes):
            row = crossed.Crossed(*setting, seed, *outcome[:2], 1.5, outcome[2], 0, 0, "0")
            rows.append({name: str(value) for name, value in row._asdict().items()})
    return rows


def rates_of_case() -> list[float]:
    return [setting[-1] for setting in SCREEN if setting[:-1] == ("lstm", "bptt", "adam", INF)]


def chosen_of(rows: list[dict[str, str]]) -> str:
    """The name of the rate that the rule takes for the LSTM by BPTT with Adam."""
    (rate,) = (s[-1] for s in crossed.best(rows) if s[:-1] == ("lstm", "bptt", "adam", INF))
    return "abcd"[rates_of_case().index(rate)]


FAIL = (0, crossed.STEPS, 2.0)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        # Most learned, however slowly and with whatever error.
        ({"b": [(1, 9_600, 0.1)] * 2 + [FAIL] * 2, "c": [(1, 2_900_000, 1.9)] * 3 + [FAIL]}, "c"),
        # As many learned: the smaller median of steps, not the smallest.
        (
            {
                "a": [(1, 4_800, 0.5), *[(1, 96_000, 0.5)] * 2, FAIL],
                "d": [*[(1, 48_000, 0.9)] * 3, FAIL],
            },
            "d",
        ),
        # What has not learned counts with the whole budget, wherever it gave up.
        (
            {
                "a": [(1, 9_600, 0.5), *[(0, 100, float("nan"))] * 3],
                "b": [(1, 9_600, 0.4), *[FAIL] * 3],
            },
            "b",
        ),
        # Nobody learned: the lower median of cross-entropy; one that diverged is the worst.
        ({"b": [(0, crossed.STEPS, 1.0)] * 3 + [FAIL], "c": [FAIL] * 4}, "b"),
        ({"a": [(0, 200, float("nan"))] * 4}, "b"),
        ({"d": [(0, crossed.STEPS, 0.1), *[FAIL] * 3]}, "a"),
        # All the same: the smallest rate.
        ({}, "a"),
    ],
)
def test_the_best_rate_is_found_by_rule(changed, expected):
    rows = table(**changed)
    assert chosen_of(rows) == expected
    assert chosen_of(rows[::-1]) == expected
    assert [setting[:-1] for setting in crossed.best(rows)] == [s[:-1] for s in CHOSEN]


def test_a_screen_that_is_not_whole_decides_nothing():
    rows = table()
    for wrong in ([], rows[:-1], rows[4:], [*rows, rows[0] | {"seed": "9"}]):
        with pytest.raises(ValueError, match="all its settings, each tried on the same seeds"):
            crossed.best(wrong)


# ---- The runs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "rule"), LEARNERS)
@pytest.mark.parametrize(("optimiser", "clip"), OPTIMISERS)
def test_a_row_tells_what_happened(cell, rule, optimiser, clip):
    setting = (cell, rule, optimiser, clip, 1e-5)
    row = crossed.crossed(*setting, 3, max_steps=9_600)
    assert row == crossed.crossed(*setting, 3, max_steps=9_600)._replace(seconds=row.seconds)
    assert row[:6] == (*setting, 3)
    assert (row.learned, row.steps, row.period) == (0, 9_600, 0)
    assert 0 < row.cross_entropy < 10


def test_each_part_of_a_setting_matters():
    settings = [(*one, *how, 1e-3) for one in LEARNERS for how in OPTIMISERS]
    settings += [(*one, "adam", INF, 2e-3) for one in LEARNERS]
    digests = {crossed.crossed(*setting, 3, max_steps=4_800).weights for setting in settings}
    assert len(digests) == 20


def test_where_it_overlaps_with_older_studies_it_is_the_same_to_the_bit(root):
    rows = study.read(root / "results" / "simple-network.csv")
    fast = [row for row in rows if row["learned"] == "1" and int(row["steps"]) < 800_000]
    assert fast
    for row in fast[:2]:
        how = row["optimiser"], float(row["clip"]), float(row["learning_rate"])
        ours = crossed.crossed("simple", row["rule"], *how, int(row["seed"]))
        assert (ours.weights, ours.steps) == (row["weights"], int(row["steps"]))
        assert (ours.learned, ours.held_choruses) == (1, int(row["held_choruses"]))
    rows = study.read(root / "results" / "experiment-1.csv")
    row = min((row for row in rows if row["learned"] == "1"), key=lambda row: int(row["steps"]))
    rate = RECOMMENDED.voices[0].learning_rate
    ours = crossed.crossed("lstm", "truncated", "momentum", INF, rate, int(row["seed"]))
    assert (ours.weights, ours.steps) == (row["weights"], int(row["steps"]))
    assert (ours.period, ours.learned) == (int(row["period"]), 1)


@pytest.mark.parametrize(("cell", "rule"), LEARNERS)
def test_a_run_that_diverges_is_a_row_too(cell, rule):
    row = crossed.crossed(cell, rule, "momentum", INF, 1e308, 0, max_steps=9_600)
    assert (row.learned, row.held_choruses) == (0, 0)
    assert 0 < row.steps <= 4_800 and np.isnan(row.cross_entropy)


def test_an_unknown_learner_is_refused():
    with pytest.raises(ValueError, match="no learner 'lstm' by 'rtrl'"):
        crossed.crossed("lstm", "rtrl", "adam", INF, 1e-3, 0)


# ---- The tables ----------------------------------------------------------------------------------


def test_what_was_tried_at_last_is_what_the_screen_says_is_best(root):
    path = root / "results" / "crossed-screen.csv"
    if not path.exists():
        pytest.skip("the screen has not been run")
    best = crossed.best(study.read(path))
    assert best == tuple(it for it in CHOSEN if it[:2] in {setting[:2] for setting in best})
