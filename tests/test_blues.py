"""The form and its choruses, against music theory and arithmetic done by hand."""

import itertools

import numpy as np
import pytest

from lstm_from_scratch.music.blues import (
    CHORD_PITCHES,
    MELODY_PITCHES,
    PENTATONIC,
    TWELVE_BAR,
    Chorus,
    Form,
    Note,
    check_notes,
    chord_notes,
    chord_tones,
    chorus,
    pitch_name,
    segment_choices,
    split,
)
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY

WALTZ = Form(
    name="eight-bar waltz",
    chords=("Am7", "Dm7", "G7", "Cmaj7", "Fmaj7", "Bm7b5", "E", "Am"),
    segments=(((69, 72, 76), (76, 72, 69), (69, 69, 76)),) * 8,
    scale=(69, 71, 72, 74, 76),
    steps_per_bar=6,
    chord_pitches=tuple(range(40, 64)),
)


# Spelled by hand, as pitch classes.
@pytest.mark.parametrize(
    ("symbol", "spelling"),
    [
        ("C7", "C E G Bb"),
        ("F7", "F A C Eb"),
        ("F#dim7", "F# A C Eb"),
        ("A7", "A C# E G"),
        ("Dm7", "D F A C"),
        ("G7", "G B D F"),
        ("Eb6", "Eb G Bb C"),
        ("Cb", "B Eb F#"),
        ("Bm7b5", "B D F A"),
        ("Bbmaj7", "Bb D F A"),
        ("Gm6", "G Bb D E"),
        ("B#", "C E G"),
    ],
)
def test_a_chord_is_spelled_as_in_a_harmony_book(symbol, spelling):
    tones = chord_tones(symbol)
    assert sorted(pitch_name(p)[:-1] for p in tones) == sorted(spelling.split())
    assert tones == tuple(sorted(tones))
    assert set(tones) <= set(CHORD_PITCHES)


def test_chords_use_the_lowest_place_there_is():
    assert chord_tones("C", range(50, 80)) == (52, 55, 60)


@pytest.mark.parametrize("symbol", ["", "H7", "C9", "c7", "C7 ", "C##", "maj7"])
def test_what_is_not_a_chord_is_refused(symbol):
    with pytest.raises(ValueError, match="unknown chord"):
        chord_tones(symbol)


def test_a_chord_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        chord_tones("C7", range(48, 56))


@pytest.mark.parametrize(
    ("pitch", "name"), [(0, "C-1"), (59, "B3"), (60, "C4"), (63, "Eb4"), (66, "F#4"), (127, "G9")]
)
def test_pitches_are_named(pitch, name):
    assert pitch_name(pitch) == name


def test_the_twelve_bars_have_the_papers_measures():
    assert (TWELVE_BAR.bars, TWELVE_BAR.steps, TWELVE_BAR.choruses) == (12, 96, 4096)
    assert len(CHORD_PITCHES) == 12
    assert len(MELODY_PITCHES) == 13
    assert not set(CHORD_PITCHES) & set(MELODY_PITCHES)
    # C minor pentatonic: a minor third, three more steps and the octave, from middle C.
    assert np.array_equal(np.diff(PENTATONIC), [3, 2, 2, 3, 2])
    assert set(PENTATONIC) <= set(MELODY_PITCHES)
    assert all(len(choices) == 2 for choices in TWELVE_BAR.segments)
    assert all(len(segment) == 4 for choices in TWELVE_BAR.segments for segment in choices)


def test_the_segments_differ_and_half_of_them_already_in_the_first_note():
    pairs = TWELVE_BAR.segments
    assert all(sum(a != b for a, b in zip(*pair, strict=True)) >= 2 for pair in pairs)
    assert sum(first[0] != second[0] for first, second in pairs) == 6


def test_the_4096_choruses_are_4096_different_rolls():
    rolls = {
        CHORDS_AND_MELODY.encode(chorus(n).notes, 96).astype(bool).tobytes() for n in range(4096)
    }
    assert len(rolls) == 4096


def test_a_number_is_its_choices():
    every = [segment_choices(n, TWELVE_BAR) for n in range(4096)]
    assert every == list(itertools.product((0, 1), repeat=12))
    assert segment_choices(0b100000000001, TWELVE_BAR) == (1,) + (0,) * 10 + (1,)


def test_a_chorus_is_made_of_the_segments_it_chose():
    rng = np.random.default_rng(1)
    for form in (TWELVE_BAR, WALTZ):
        for number in rng.integers(form.choruses, size=20):
            piece = chorus(int(number), form)
            assert isinstance(piece, Chorus)
            assert piece.number == number
            length = form.steps_per_bar // len(form.segments[0][0])
            assert [n.onset for n in piece.melody] == list(range(0, form.steps, length))
            assert {n.duration for n in piece.melody} == {length}  # only quarters, no rests
            for bar, choice in enumerate(segment_choices(int(number), form)):
                of_bar = [n.pitch for n in piece.melody if n.onset // form.steps_per_bar == bar]
                assert tuple(of_bar) == form.segments[bar][choice]


def test_the_chords_of_each_step_are_the_bars():
    for form in (TWELVE_BAR, WALTZ):
        notes = chord_notes(form)
        for step in range(form.steps):
            sounding = {n.pitch for n in notes if n.onset <= step < n.onset + n.duration}
            symbol = form.chords[step // form.steps_per_bar]
            assert sounding == set(chord_tones(symbol, form.chord_pitches))


def test_a_chord_over_two_bars_is_one_set_of_long_notes():
    held = [n for n in chord_notes(TWELVE_BAR) if n.onset == 2 * 8]
    assert [n.duration for n in held] == [16] * 4
    assert sum(n.duration for n in chord_notes(TWELVE_BAR)) == 4 * 96


def test_the_notes_of_a_chorus_are_in_order_and_complete():
    piece = chorus(77)
    assert list(piece.notes) == sorted(piece.notes, key=lambda n: (n.onset, n.pitch))
    assert set(piece.notes) == set(piece.chords) | set(piece.melody)
    assert len(piece.notes) == len(piece.chords) + 48


def test_another_form_is_a_value():
    assert (WALTZ.bars, WALTZ.steps, WALTZ.choruses) == (8, 48, 3**8)
    every = {segment_choices(n, WALTZ) for n in range(WALTZ.choruses)}
    assert every == set(itertools.product(range(3), repeat=8))
    mixed = Form("mixed", ("C", "F"), segments=(((60,),), ((60, 63), (65, 67), (70, 72))))
    assert [segment_choices(n, mixed) for n in range(mixed.choruses)] == [(0, 0), (0, 1), (0, 2)]


def test_a_form_without_melody_has_one_chorus():
    plain = Form("plain", ("C7",) * 3)
    assert plain.choruses == 1
    assert chorus(0, plain).melody == ()
    assert [n.duration for n in chorus(0, plain).notes] == [24] * 4


def test_many_choruses_are_counted_exactly():
    long = Form("long", ("C",) * 100, segments=(((60,), (63,)),) * 100)
    assert long.choruses == 2**100
    assert segment_choices(2**100 - 1, long) == (1,) * 100


def test_the_split_is_disjoint_complete_and_reproducible():
    rng = np.random.default_rng(5)
    for form in (TWELVE_BAR, WALTZ):
        for size in [1, form.choruses, *rng.integers(2, form.choruses, size=3)]:
            training, held_out = split(int(size), np.random.default_rng(7), form)
            assert len(training) == len(set(training)) == size
            assert not set(training) & set(held_out)
            assert sorted(training + held_out) == list(range(form.choruses))
            assert (training, held_out) == split(int(size), np.random.default_rng(7), form)
            assert all(type(n) is int for n in training + held_out)


def test_the_split_is_drawn_by_the_generator_it_is_given():
    rng = np.random.default_rng(7)
    first, second = split(1024, rng)[0], split(1024, rng)[0]
    assert first != second
    assert first != tuple(sorted(first))
    # Each half of a chorus's choices is drawn about equally often: 512 give or take 4 sigma.
    counts = np.array([segment_choices(n, TWELVE_BAR) for n in first]).sum(axis=0)
    assert (np.abs(counts - 512) < 4 * 16).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chords": ()}, "at least one bar"),
        ({"steps_per_bar": 0}, "steps_per_bar: expected a whole number from 1 to 9,600, got 0"),
        (
            {"steps_per_bar": 2.5},
            r"steps_per_bar: expected a whole number from 1 to 9,600, got 2\.5",
        ),
        ({"chords": ("C7", "X7") * 6}, "unknown chord 'X7'"),
        ({"chords": ("C7",) * 11}, "segments for 12 bars, but the form has 11"),
        ({"segments": ((),) * 12}, "bar 1 has no melody segment"),
        ({"segments": (((60, 63, 65),),) * 12}, "3 notes does not divide a bar of 8"),
        ({"segments": (((),),) * 12}, "0 notes does not divide"),
        ({"segments": (((60,), (61,)),) * 12}, r"bar 1: \[61\] not in the scale"),
        ({"chord_pitches": (48, 52)}, "does not fit into the pitches"),
    ],
)
def test_a_bad_form_is_refused(change, message):
    fields = {name: getattr(TWELVE_BAR, name) for name in TWELVE_BAR.__dataclass_fields__}
    with pytest.raises(ValueError, match=message):
        Form(**fields | change)


@pytest.mark.parametrize("number", [-1, 4096, 10**9])
def test_there_is_no_such_chorus(number):
    with pytest.raises(ValueError, match=f"no chorus {number}.*0 to 4095"):
        chorus(number)


@pytest.mark.parametrize("size", [-1, 0, 4097])
def test_there_is_no_such_training_set(size):
    with pytest.raises(ValueError, match=f"training set of {size}: expected 1 to 4096"):
        split(size, np.random.default_rng(0))


def test_notes_are_checked_and_put_in_order():
    notes = [Note(60, 4, 2), (48, 0, 8), Note(np.int64(62), 0, 1), Note(60, 4, 1)]
    assert check_notes(notes) == (
        Note(48, 0, 8),
        Note(62, 0, 1),
        Note(60, 4, 1),
        Note(60, 4, 2),
    )
    assert check_notes(iter(())) == ()


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ((60, 0.5, 1), "three whole numbers"),
        (("C4", 0, 1), "three whole numbers"),
        ((60, 0), "three whole numbers"),
        (60, "three whole numbers"),
        (None, "three whole numbers"),
        ((128, 0, 1), "pitch from 0 to 127"),
        ((-1, 0, 1), "pitch from 0 to 127"),
        ((60, -1, 1), "onset of at least 0"),
        ((60, 0, 0), "duration above 0"),
    ],
)
def test_what_is_not_a_note_is_refused(note, message):
    with pytest.raises(ValueError, match=message):
        check_notes([note])
