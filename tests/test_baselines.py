"""What melodies are compared with: the random walk and the transition tables."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.music.blues import TWELVE_BAR, Form
from lstm_from_scratch.rivals import random_walk, transition_table

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


def full_contexts(table: transition_table.TransitionTable) -> dict[tuple, np.ndarray]:
    """Counts after contexts of the table's order that a piece in full swing has."""
    return {
        context: counts
        for context, counts in table.counts.items()
        if len(context) == table.order and transition_table.SILENCE not in context
    }


@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_a_table_counts_what_follows_what(order):
    lines = random_lines(order)
    table = transition_table.fit(lines, order)
    assert table.order == order
    pitch = table.steps.tolist()
    for length in range(order + 1):
        expected = Counter()
        for line in lines.tolist():
            for now in range(len(line)):
                expected[tuple(line[now - age] for age in range(length, -1, -1))] += 1
        found = Counter()
        for context, counts in table.counts.items():
            if len(context) == length and transition_table.SILENCE not in context:
                for following, count in enumerate(counts.tolist()):
                    found[(*(pitch[n] for n in context), pitch[following])] = count
        assert +found == expected


def test_a_table_counts_how_pieces_begin():
    lines = random_lines(4)
    table = transition_table.fit(lines, 3)
    pitch, silence = table.steps.tolist(), transition_table.SILENCE
    for known in (1, 2):
        expected = Counter(tuple(line[: known + 1]) for line in lines.tolist())
        found = Counter()
        for context, counts in table.counts.items():
            if context[: 3 - known] == (silence,) * (3 - known) and silence not in context[-known:]:
                for following, count in enumerate(counts.tolist()):
                    found[(*(pitch[n] for n in context[-known:]), pitch[following])] = count
        assert +found == expected


@pytest.mark.parametrize("order", [1, 2])
def test_a_composition_has_the_tables_frequencies(order):
    table = transition_table.fit(random_lines(9), order)
    lines = transition_table.compose(table, 1, 60_000, np.random.default_rng(3))
    composed = transition_table.fit(lines, order)
    assert (composed.steps == table.steps).all()
    known, found = full_contexts(table), full_contexts(composed)
    # Nothing is played that was never heard, and each context is followed as it was. Where the end
    # of a composition meets its beginning there may be something new.
    new = sum(
        counts[known.get(context, np.zeros(4)) == 0].sum() for context, counts in found.items()
    )
    assert new <= order
    for context, counts in known.items():
        if counts.sum() > 20:
            share = found[context] / found[context].sum()
            assert np.abs(counts / counts.sum() - share).max() < 0.05


def test_a_context_that_was_never_heard_is_shortened_until_it_was():
    #  0 1 2 0 1 3: after 0 1 comes 2 or 3; nobody heard 3 1, but after 1 come 2 and 3.
    table = transition_table.fit(np.array([[60, 61, 62, 60, 61, 63]]), 2)
    np.testing.assert_array_equal(table.following((0, 1)), [0, 0, 1, 1])
    np.testing.assert_array_equal(table.following((2, 0)), [0, 1, 0, 0])
    np.testing.assert_array_equal(table.following((3, 1)), [0, 0, 1, 1])
    np.testing.assert_array_equal(table.following((1, transition_table.STRANGE)), [2, 2, 1, 1])


def test_a_table_predicts_by_its_counts():
    """Two units for chords and three for notes would do; the encoding has 12 and 13."""
    rng = np.random.default_rng(12)
    kinds = np.zeros((5, 25))
    kinds[:, :12] = rng.integers(2, size=(5, 12))
    kinds[np.arange(5), 12 + rng.choice(13, size=5)] = 1
    music = kinds[rng.integers(5, size=(8, 10))]
    table = transition_table.fit(music, 2)
    roll = np.concatenate(music[:2])
    roll[7] = 0.0
    roll[7, 12] = roll[7, 0] = roll[7, 1] = 1.0
    assert not (kinds == roll[7]).all(axis=1).any()
    found = table.predict(roll)
    for now in range(len(roll)):
        followers = []
        for chorus in music:
            for at in range(10):
                if now == 0:  # the first step after silence
                    heard = at == 0 and (chorus[0] == roll[0]).all()
                elif now == 7:  # nothing is known of a strange step: how often each occurs
                    heard = True
                elif now == 8:  # what came before the strange step does not count
                    heard = (chorus[at] == roll[8]).all()
                else:
                    heard = (chorus[[at - 1, at]] == roll[now - 1 : now + 1]).all()
                if heard:
                    followers.append(chorus[(at + 1) % 10])
        np.testing.assert_allclose(found[now], np.mean(followers, axis=0), err_msg=str(now))


def test_a_table_of_melodies_can_not_hear_chords():
    table = transition_table.fit(random_lines(1))
    with pytest.raises(ValueError, match="can't hear a roll of 25 units"):
        table.predict(np.eye(25))


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
        (
            lambda: random_walk.compose(0, np.random.default_rng(0)),
            "choruses: expected a whole number from 1 to .*, got 0",
        ),
        (
            lambda: random_walk.compose(
                1, np.random.default_rng(0), Form("odd", ("C",), steps_per_bar=7)
            ),
            "whole beats",
        ),
        (lambda: transition_table.fit(np.zeros((2, 3))), "expected pitches"),
        (lambda: transition_table.fit(np.zeros(3, int)), "expected pitches"),
        (lambda: transition_table.fit(np.full((2, 3, 2), 0.5)), "rolls of zeros and ones"),
        (
            lambda: transition_table.fit(np.zeros((2, 3), int), 0),
            "order: expected a whole number of at least 1, got 0",
        ),
        (lambda: transition_table.fit(np.zeros((2, 3), int), 3), "order must be 1 to 2, got 3"),
        (
            lambda: transition_table.compose(
                transition_table.fit(np.array([[1, 2]])), 0, 1, np.random.default_rng(0)
            ),
            "choruses: expected a whole number from 1 to",
        ),
    ],
)
def test_what_makes_no_music_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
