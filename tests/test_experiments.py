"""Experiment 2 as it is put to many seeds: its music, and the row that each seed makes."""

from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.judging import measures
from lstm_from_scratch.machine.training import RECOMMENDED_2
from lstm_from_scratch.music.blues import TWELVE_BAR, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from lstm_from_scratch.playing import composing
from lstm_from_scratch.rivals import random_walk
from lstm_from_scratch.studies import experiments
from lstm_from_scratch.studies.questions import first

QUICK = 10_005
"""A seed that has learned the chords after 940,800 steps."""

SHORT = replace(RECOMMENDED_2, window=48_000, windows=2)


@pytest.fixture(scope="module")
def trained():
    return experiments.train_2(replace(SHORT, seed=QUICK))[0]


def test_choruses_are_parted_once_and_for_all():
    music = experiments.choruses()
    assert music == experiments.choruses()
    assert (len(music.training), len(music.held_out)) == (1024, 3072)
    assert sorted(music.training + music.held_out) == list(range(4096))
    assert list(music.held_out) != sorted(music.held_out)
    assert len(experiments.choruses(16).training) == 16


def test_rolls_are_the_choruses_as_the_network_hears_them():
    numbers = (0, 4095, 1234)
    for number, roll in zip(numbers, experiments.rolls(numbers), strict=True):
        assert (roll == CHORDS_AND_MELODY.encode(chorus(number).notes, 96)).all()


def test_the_training_set_is_all_that_it_should_be():
    music = experiments.choruses()
    lines = measures.chorus_lines(music.training)
    held, scale, exact, chord, known, others, copy = experiments.shares(lines, music)
    assert (held, scale, exact, known, others, copy) == (1, 1, 1, 1, 0, 96)
    assert 0.5 < chord < 1
    held_out = experiments.shares(measures.chorus_lines(music.held_out), music)
    assert held_out[4:6] == (0, 1) and held_out[6] < 96


def test_a_walk_is_in_the_scale_and_nowhere_else():
    held, scale, exact, _, known, others, _ = experiments.shares(
        random_walk.compose(50, np.random.default_rng(0))
    )
    assert (held, scale, known, others) == (1, 1, 0, 0) and exact < 0.1


def test_a_row_of_experiment_2_tells_what_happened(trained):
    row = experiments.experiment_2(SHORT, QUICK)
    assert (row.seed, row.learned, row.learned_at) == (QUICK, 1, 940_800)
    assert row.steps == 940_800 + 2 * 48_000
    assert row.weights == experiments.digest(trained.network)
    assert row.wrong_steps == 0
    assert row.nats == pytest.approx(row.nats_bar + row.nats_beat + row.nats_held, abs=2e-4)
    # So short a training knows something, and not all.
    assert 8.32 < row.nats < 96 * np.log(13)
    assert 0 < row.exact_bars < 1
    judged = experiments.judge(trained.network, QUICK)
    assert judged == row[5:-1]
    assert judged != experiments.judge(trained.network, QUICK + 1)


def test_what_is_judged_is_what_is_played(trained):
    music = experiments.choruses()
    judged = experiments.judge(trained.network, 3)
    roll = composing.compose(
        trained.network, chorus(music.training[0]), 2, 1000, np.random.default_rng((2, 3))
    )
    melody = roll[:, 12:].reshape(-1, 2, 13)
    assert judged.held_beats == pytest.approx(
        (melody[:, 0] == melody[:, 1]).all(1).mean(), abs=1e-4
    )
    in_scale = melody[..., [0, 3, 5, 7, 10, 12]].sum(axis=2).mean()
    assert judged.in_scale == pytest.approx(in_scale, abs=1e-4)
    chords = np.tile(CHORDS_ONLY.form_roll(TWELVE_BAR), (1000, 1))
    assert judged.wrong_steps == (roll[:, :12] != chords).any(axis=1).sum()


def test_chords_that_go_on_are_tested_on():
    row = first.chords_go_on(SHORT, QUICK)
    assert row.learned_at == 940_800
    assert row.tests == 2 * 48_000 // SHORT.test_every
    assert 0 <= row.passed <= row.tests
    assert (row.lost_at == 0) == (row.passed == row.tests)
    assert row.lost_at % SHORT.test_every == 0
