"""What melodies are compared with: the random walk and the transition tables."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.baselines import random_walk, transition_table
from lstm_from_scratch.blues import TWELVE_BAR, Form

FIVE = replace(TWELVE_BAR, scale=(*TWELVE_BAR.scale, 74))


@pytest.mark.parametrize("form", [TWELVE_BAR, FIVE, Form("two notes", ("C",) * 2, scale=(60, 62))])
def test_a_walk_goes_to_a_neighbour_at_each_beat(form):
    lines = random_walk.compose(200, np.random.default_rng(1), form)
    assert lines.shape == (200, form.steps)
    beats = lines.ravel().reshape(-1, 2)
    assert (beats[:, 0] == beats[:, 1]).all()
    places = np.searchsorted(form.scale, beats[:, 0])
    assert (np.array(form.scale)[places] == beats[:, 0]).all()
    assert (np.abs(np.diff(places)) == 1).all()


def test_a_walk_turns_back_at_the_ends_and_is_even_handed_between_them():
    lines = random_walk.compose(2000, np.random.default_rng(2))
    places = np.searchsorted(TWELVE_BAR.scale, lines[:, ::2].ravel())
    moves = np.diff(places)
    inside = (places[:-1] > 0) & (places[:-1] < 5)
    assert moves[inside].mean() == pytest.approx(0, abs=0.02)
    # Between two turning points each inner note is visited twice as often as either end.
    visits = np.bincount(places, minlength=6) / len(places)
    assert visits == pytest.approx(np.array([1, 2, 2, 2, 2, 1]) / 10, abs=0.01)


def test_the_same_seed_walks_the_same_way():
    first, again, other = (random_walk.compose(3, np.random.default_rng(n)) for n in (5, 5, 6))
    assert (first == again).all() and (first != other).any()


def random_lines(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.choice((60, 61, 67, 72), p=(0.5, 0.3, 0.15, 0.05), size=(40, 16))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_table_counts_what_follows_what(order):
    lines = random_lines(order)
    table = transition_table.fit(lines, order)
    assert table.order == order
    expected = Counter()
    for line in lines.tolist():
        for now in range(len(line)):
            expected[tuple(line[now - age] for age in range(order, -1, -1))] += 1
    assert table.counts.sum() == lines.size
    for notes, count in expected.items():
        places = tuple(table.pitches.tolist().index(note) for note in notes)
        assert table.counts[places] == count


@pytest.mark.parametrize("order", [1, 2])
def test_a_composition_has_the_tables_frequencies(order):
    table = transition_table.fit(random_lines(9), order)
    lines = transition_table.compose(table, 1, 60_000, np.random.default_rng(3))
    composed = transition_table.fit(lines, order)
    assert (composed.pitches == table.pitches).all()
    # Nothing is played that was never heard, and each context is followed as it was.
    assert not composed.counts[table.counts == 0].sum() > order
    known = table.counts.sum(axis=-1) > 20
    for counts in (table.counts, composed.counts):
        counts /= counts.sum(axis=-1, keepdims=True)
    assert np.abs(table.counts - composed.counts)[known].max() < 0.05


def test_a_table_of_a_round_can_only_play_the_round():
    line = np.array([[60, 62, 64, 65, 67]])
    played = transition_table.compose(
        transition_table.fit(line), 4, 5, np.random.default_rng(0)
    ).ravel()
    start = line[0].tolist().index(played[0])
    assert (played == np.tile(np.roll(line[0], -start), 4)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_walk.compose(0, np.random.default_rng(0)), "at least 1"),
        (
            lambda: random_walk.compose(
                1, np.random.default_rng(0), Form("odd", ("C",), steps_per_bar=7)
            ),
            "whole beats",
        ),
        (lambda: transition_table.fit(np.zeros((2, 3))), "expected pitches"),
        (lambda: transition_table.fit(np.zeros(3, int)), "expected pitches"),
        (lambda: transition_table.fit(np.zeros((2, 3), int), 4), "order must be"),
        (
            lambda: transition_table.compose(
                transition_table.fit(np.array([[1, 2]])), 0, 1, np.random.default_rng(0)
            ),
            "at least one chorus",
        ),
    ],
)
def test_what_makes_no_music_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
