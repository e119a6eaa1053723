"""From notes to vectors and back, on random music of random shapes."""

import dataclasses

import numpy as np
import pytest

from lstm_from_scratch.music.blues import TWELVE_BAR, Note, chord_tones, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY, Encoding


def random_encoding(rng):
    pitches = rng.permutation(128)[: rng.integers(1, 30)]
    cut = rng.integers(len(pitches) + 1)
    return Encoding(tuple(map(int, pitches[:cut])), tuple(map(int, pitches[cut:])))


def random_notes(rng, encoding, steps):
    """Notes that never touch: between two of one pitch there is at least one step."""
    notes = []
    for pitch in encoding.pitches:
        at = int(rng.integers(4))
        while at < steps:
            duration = int(min(rng.integers(1, 9), steps - at))
            notes.append(Note(pitch, at, duration))
            at += duration + int(rng.integers(1, 6))
    return notes


@pytest.mark.parametrize("seed", range(20))
def test_rolls_come_back_as_they_were(seed):
    rng = np.random.default_rng(seed)
    encoding = random_encoding(rng)
    steps = int(rng.integers(1, 200))
    roll = (rng.random((steps, encoding.units)) < rng.random()).astype(float)
    assert np.array_equal(encoding.encode(encoding.decode(roll), steps), roll)


@pytest.mark.parametrize("seed", range(20))
def test_notes_that_do_not_touch_come_back_as_they_were(seed):
    rng = np.random.default_rng(seed)
    encoding = random_encoding(rng)
    steps = int(rng.integers(1, 200))
    notes = random_notes(rng, encoding, steps)
    shuffled = [notes[i] for i in rng.permutation(len(notes))]
    decoded = encoding.decode(encoding.encode(shuffled, steps))
    assert decoded == tuple(sorted(notes, key=lambda n: (n.onset, n.pitch)))


@pytest.mark.parametrize("seed", range(5))
def test_a_unit_is_on_while_its_pitch_sounds_and_at_no_other_step(seed):
    rng = np.random.default_rng(seed)
    encoding = random_encoding(rng)
    notes = random_notes(rng, encoding, 50)
    roll = encoding.encode(notes, 50)
    assert roll.dtype == np.float64
    for step in range(50):
        sounding = {n.pitch for n in notes if n.onset <= step < n.onset + n.duration}
        on = {encoding.pitches[unit] for unit in np.flatnonzero(roll[step])}
        assert on == sounding


def test_chorus_of_the_blues():
    roll = CHORDS_AND_MELODY.encode(chorus(2002).notes, 96)
    assert roll.shape == (96, 25)
    chords, melody = roll[:, CHORDS_AND_MELODY.chord_units], roll[:, CHORDS_AND_MELODY.melody_units]
    assert chords.shape == (96, 12)
    assert melody.shape == (96, 13)
    assert (chords.sum(axis=1) == 4).all()
    assert (melody.sum(axis=1) == 1).all()
    assert np.array_equal(chords, CHORDS_ONLY.form_roll(TWELVE_BAR))
    for bar, symbol in enumerate(TWELVE_BAR.chords):
        assert set(48 + np.flatnonzero(chords[8 * bar])) == set(chord_tones(symbol))


def test_the_melody_is_silent_in_the_roll_of_a_form():
    roll = CHORDS_AND_MELODY.form_roll(TWELVE_BAR)
    assert not roll[:, 12:].any()
    assert np.array_equal(roll[:, :12], CHORDS_ONLY.form_roll(TWELVE_BAR))


def test_repeated_notes_and_a_held_one_look_alike():
    quarters = [Note(60, 2 * i, 2) for i in range(4)]
    eighths = [Note(60, i, 1) for i in range(8)]
    whole = [Note(60, 0, 8)]
    rolls = [CHORDS_AND_MELODY.encode(notes, 8) for notes in (quarters, eighths, whole)]
    assert np.array_equal(rolls[0], rolls[1])
    assert np.array_equal(rolls[0], rolls[2])
    assert CHORDS_AND_MELODY.decode(rolls[0]) == (Note(60, 0, 8),)


def test_a_gap_of_one_step_keeps_them_apart():
    notes = (Note(60, 0, 3), Note(60, 4, 4))
    assert CHORDS_AND_MELODY.decode(CHORDS_AND_MELODY.encode(notes, 8)) == notes


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (Note(47, 0, 1), r"pitch 47 has no unit \(they are 48 to 72\)"),
        (Note(73, 0, 1), "pitch 73 has no unit"),
        (Note(60, -1, 2), "onset of at least 0"),
        (Note(60, 0, 0), "duration above 0"),
        (Note(60, 0.5, 1), "three whole numbers"),
        (Note(60, 6, 3), "ends at step 9, the roll has 8"),
        (Note(60, 8, 1), "ends at step 9"),
        (Note(62, 3, 1), "overlaps another note of the same pitch"),
    ],
)
def test_a_note_that_does_not_fit_is_refused(note, message):
    with pytest.raises(ValueError, match=message):
        CHORDS_AND_MELODY.encode([Note(62, 1, 3), note], 8)


def test_a_roll_of_one_step_is_enough():
    roll = CHORDS_ONLY.encode([Note(50, 0, 1)], 1)
    assert roll.shape == (1, 12) and np.flatnonzero(roll).tolist() == [2]


def test_an_encoding_can_not_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        CHORDS_ONLY.melody = (60,)


def test_a_roll_needs_a_step():
    with pytest.raises(
        ValueError, match="steps: expected a whole number from 1 to 4,000,000, got 0"
    ):
        CHORDS_ONLY.encode([], 0)


@pytest.mark.parametrize(
    ("roll", "message"),
    [
        (np.zeros((8, 12)), r"expected a roll of shape \(steps, 25\), got \(8, 12\)"),
        (np.zeros(25), r"roll: expected numbers of shape \(steps, units\), got shape \(25,\)"),
        (np.zeros((8, 26)), r"got \(8, 26\)"),
        (
            np.zeros((2, 25, 25)),
            r"roll: expected numbers of shape \(steps, units\), got shape \(2, 25, 25\)",
        ),
        (np.full((8, 25), 0.5), "0.0 and 1.0 only"),
        (np.full((8, 25), np.nan), "0.0 and 1.0 only"),
    ],
)
def test_what_is_not_a_roll_is_refused(roll, message):
    with pytest.raises(ValueError, match=message):
        CHORDS_AND_MELODY.decode(roll)


def test_a_roll_may_be_given_as_booleans_or_whole_numbers():
    roll = CHORDS_ONLY.form_roll(TWELVE_BAR)
    for kind in (bool, int, np.float32):
        assert CHORDS_ONLY.decode(roll.astype(kind)) == CHORDS_ONLY.decode(roll)


@pytest.mark.parametrize(
    ("chords", "melody", "message"),
    [((), (), "at least one pitch"), ((60,), (60, 61), "a unit of its own"), ((5, 5), (), "unit")],
)
def test_a_bad_encoding_is_refused(chords, melody, message):
    with pytest.raises(ValueError, match=message):
        Encoding(chords, melody)
