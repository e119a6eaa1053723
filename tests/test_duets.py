"""A person and a network together: the grid, whose turn it is, and what the network hears."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_from_scratch.machine import training
from lstm_from_scratch.machine.kernel import draw_unit
from lstm_from_scratch.machine.network import Network, State, forward
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from lstm_from_scratch.playing import composing, duets
from lstm_from_scratch.playing.duets import Duet, Hands
from lstm_from_scratch.studies import experiments

CHORDS, MELODY = CHORDS_AND_MELODY.chord_units, CHORDS_AND_MELODY.melody_units
FORM = CHORDS_ONLY.form_roll(TWELVE_BAR)


@pytest.fixture(scope="module")
def played() -> tuple[Network, State, np.ndarray]:
    """The stored network of Experiment 2, its state after four choruses, the first step."""
    music, network = experiments.choruses(), training.stored("experiment_2").network
    heard = experiments.rolls(music.training[:4])
    return network, composing.hear(network, np.concatenate(heard)), heard[0, 0]


def duet(played: tuple, **more: object) -> Duet:
    network, state, first = played
    return Duet(network, first, 5, encoding=CHORDS_AND_MELODY, state=state, **more)


# ---- Hands ---------------------------------------------------------------------------------------


def test_a_note_belongs_to_the_step_in_whose_time_it_begins_and_ends() -> None:
    hands = Hands(single=True)
    hands.press(3, 0.9)
    hands.press(5, 1.0)
    hands.lift(3, 1.2)
    hands.lift(5, 2.5)
    steps = [hands.close(until) for until in (1.0, 2.0, 3.0)]
    assert [it.sounding for it in steps] == [(3,), (5,), ()]
    assert [[stroke.time for stroke in it.struck] for it in steps] == [[0.9], [1.0], []]
    assert [it.heard for it in steps] == [(3,), (5,), (5,)]


def test_a_note_within_one_step_sounds_on_it() -> None:
    hands = Hands(single=True)
    hands.press(3, 0.2)
    hands.lift(3, 0.3)
    assert hands.close(1.0).sounding == (3,)
    assert hands.close(2.0).sounding == ()


def test_fingers_that_leave_a_chord_one_by_one_do_not_change_what_is_heard() -> None:
    hands = Hands(single=False)
    for unit in (0, 4, 7, 10):
        hands.press(unit, 0.1 + unit / 100)
    assert hands.close(1.0).heard == (0, 4, 7, 10)
    hands.lift(0, 1.5)
    hands.lift(4, 1.6)
    assert hands.close(2.0) == ((), (7, 10), (0, 4, 7, 10))
    hands.press(5, 2.5)
    assert hands.close(3.0).heard == (5, 7, 10)


def test_of_a_single_line_the_last_note_is_heard_and_nothing_before_the_first() -> None:
    hands = Hands(single=True)
    assert hands.close(1.0) == ((), (), None)
    for unit in (7, 2):
        hands.press(unit, 1.5)
    assert hands.close(2.0)[1:] == ((2, 7), (2,))
    hands.forget()
    assert hands.close(3.0)[1:] == ((2, 7), None)


# ---- A duet --------------------------------------------------------------------------------------


def test_where_nobody_plays_it_is_a_free_run_of_which_one_voice_is_silent(played: tuple) -> None:
    network, state, first = played
    expected = composing.free_run(network, first[None], 192, 5, state=state)
    for you, silent in (("melody", MELODY), ("chords", CHORDS)):
        together = duet(played, you=you)
        rows = np.array([together.row, *(together.go_on(None) for _ in range(191))])
        heard = expected.copy()
        heard[:, silent] = 0
        assert np.array_equal(rows, heard)
    by_turns = duet(played, you="melody", fours=True)
    rows = np.array([by_turns.row, *(by_turns.go_on(None) for _ in range(191))])
    heard = expected.copy()
    yours = np.arange(192) // 32 % 2 == 0
    heard[np.ix_(yours, range(MELODY.start, MELODY.stop))] = 0
    assert np.array_equal(rows, heard)


@pytest.mark.parametrize("you", ["melody", "chords"])
def test_what_a_person_plays_is_heard_in_place_of_its_own(played: tuple, you: str) -> None:
    """Held against the readable network, step by step, with the same numbers drawn."""
    network, state, first = played
    rng, notes = np.random.default_rng(5), np.random.default_rng(6)
    together = duet(played, you=you)
    mine = CHORDS if you == "chords" else MELODY
    rng.random(2)
    heard, now = first.copy(), state
    for _ in range(120):
        size = int(notes.integers(1, 5)) if you == "chords" else 1
        units = tuple(map(int, notes.choice(mine.stop - mine.start, size, replace=False)))
        heard[mine] = 0
        heard[[mine.start + unit for unit in units]] = 1
        step = forward(network, now, heard)
        now = step.state
        draw = rng.random(2)[1]
        heard = (step.prediction > 0.5).astype(float)
        heard[MELODY] = 0
        heard[MELODY.start + draw_unit(step.prediction[MELODY], draw, 1.0)] = 1
        row = together.go_on(units)
        other = MELODY if you == "chords" else CHORDS
        assert np.array_equal(row[other], heard[other]) and not row[mine].any()


def test_the_chords_go_their_own_way_whatever_the_melody_is(played: tuple) -> None:
    together, notes = duet(played, you="melody"), np.random.default_rng(7)
    rows = [together.row]
    for _ in range(96 * 20 - 1):
        rows.append(together.go_on((int(notes.integers(13)),)))
    assert np.array_equal(np.array(rows)[:, CHORDS], np.tile(FORM, (20, 1)))


def test_in_the_networks_turn_nothing_is_heard_of_a_person(played: tuple) -> None:
    one, other = (duet(played, you="chords", fours=True) for _ in range(2))
    for step in range(64):
        assert one.yours() == (step < 32) and one.new_turn == (step % 32 == 0)
        mine = (0, 4, 7) if step < 32 else (1, 2)
        assert np.array_equal(one.go_on(mine), other.go_on((0, 4, 7) if step < 32 else None))


def test_what_does_not_fit_is_refused(played: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    network, _, first = played
    with pytest.raises(ValueError, match="heard: expected units from 0 to 12, got 13"):
        duet(played).go_on((13,))
    with pytest.raises(ValueError, match="heard: expected units from 0 to 11, got -1"):
        duet(played, you="chords").go_on((-1,))
    with pytest.raises(ValueError, match="you: expected"):
        duet(played, you="drums")
    with pytest.raises(ValueError, match="first: expected a row of 25 zeros and ones"):
        Duet(network, first / 2, 1, encoding=CHORDS_AND_MELODY)
    alone = training.stored("experiment_1").network
    with pytest.raises(ValueError, match="network: expected voices of 12 and 13 units"):
        Duet(alone, first, 1, encoding=CHORDS_AND_MELODY)
    monkeypatch.setattr(duets, "draw_unit", lambda *_: -1)
    with pytest.raises(ValueError, match="step 0: no note can be drawn from 'melody'"):
        duet(played).go_on(None)
