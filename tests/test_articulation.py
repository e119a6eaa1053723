"""Ends and beginnings of notes: what is written comes back, and what can't be held is refused."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_from_scratch.music.articulation import Begins, Ends, nearest_grid, regrid
from lstm_from_scratch.music.blues import TWELVE_BAR, Note, chord_notes, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY, Encoding

PIECES = 10_000


def random_encoding(rng: np.random.Generator) -> Encoding:
    pitches = list(map(int, rng.permutation(128)[: rng.integers(1, 5)]))
    cut = int(rng.integers(len(pitches) + 1))
    chords, melody = tuple(pitches[:cut]), tuple(pitches[cut:])
    return Encoding(chords, melody, rest=bool(melody) and bool(rng.integers(2)))


def random_piece(
    rng: np.random.Generator, pitches: tuple[int, ...], steps: int, shortest: int
) -> tuple[Note, ...]:
    """Notes of one pitch may touch (repeated) or not; those of several overlap as they like."""
    notes = []
    for pitch in pitches:
        at = int(rng.integers(3))
        while at + shortest <= steps:
            duration = int(min(rng.integers(shortest, shortest + 6), steps - at))
            notes.append(Note(pitch, at, duration))
            at += duration + int(rng.integers(4)) * int(rng.integers(2))
    return tuple(sorted(notes, key=lambda note: (note.onset, note.pitch)))


def together(rng: np.random.Generator, encoding: Encoding, steps: int) -> tuple[Note, ...]:
    """Chords of notes that begin together, perhaps before others end, and a melody of such."""
    notes = []
    for voice in (encoding.chords, encoding.melody):
        at = int(rng.integers(3))
        while voice and at < steps:
            until = int(min(at + rng.integers(1, 6), steps))
            for pitch in rng.permutation(voice)[: rng.integers(1, len(voice) + 1)]:
                notes.append(Note(int(pitch), at, int(rng.integers(1, until - at + 1))))
            at = until + int(rng.integers(3)) * int(rng.integers(2))
    return tuple(sorted(notes, key=lambda note: (note.onset, note.pitch)))


def test_ten_thousand_pieces_come_back_by_either_way() -> None:
    rng, repeated, tied = np.random.default_rng(13), 0, 0
    for _ in range(PIECES):
        encoding, steps = random_encoding(rng), int(rng.integers(2, 20))
        notes = random_piece(rng, encoding.pitches, steps, 2)
        ends = Ends(encoding)
        roll = ends.encode(notes, steps)
        assert ends.decode(roll) == notes
        assert not roll[-1, : len(encoding.pitches)].any()
        begins = Begins(encoding)
        short = random_piece(rng, encoding.pitches, steps, 1)
        assert begins.decode(begins.encode(short, steps)) == short
        begins = Begins(encoding, each="voice")
        chords = together(rng, encoding, steps)
        assert begins.decode(begins.encode(chords, steps)) == chords
        stops = {(note.pitch, note.onset + note.duration) for note in notes}
        repeated += any((note.pitch, note.onset) in stops for note in notes)
        tied += any(
            one.onset < other.onset < one.onset + one.duration for one in notes for other in notes
        )
    assert min(repeated, tied) > PIECES / 3


def test_any_roll_without_a_last_note_comes_back() -> None:
    rng = np.random.default_rng(14)
    for _ in range(PIECES // 10):
        encoding, steps = random_encoding(rng), int(rng.integers(1, 20))
        roll = (rng.random((steps, encoding.units)) < rng.random()).astype(float)
        roll[-1] = 0.0
        if encoding.rest:
            sounds = roll[:, encoding.melody_units][:, :-1].any(axis=1)
            roll[:, -1] = ~sounds
        ends = Ends(encoding)
        assert np.array_equal(ends.encode(ends.decode(roll), steps), roll)


def test_a_roll_of_both_says_of_each_step_what_it_should() -> None:
    rng = np.random.default_rng(15)
    for _ in range(50):
        encoding, steps = random_encoding(rng), 24
        notes = random_piece(rng, encoding.pitches, steps, 2)
        ends, begins = Ends(encoding), Begins(encoding)
        short, marked = ends.encode(notes, steps), begins.encode(notes, steps)
        units = np.r_[begins.chord_units, begins.melody_units]
        marks = np.r_[begins.chord_begins, begins.melody_begins]
        for unit, pitch in enumerate(encoding.pitches):
            own = [note for note in notes if note.pitch == pitch]
            for step in range(steps):
                on = [it for it in own if it.onset <= step < it.onset + it.duration]
                assert marked[step, units[unit]] == bool(on)
                assert marked[step, marks[unit]] == any(it.onset == step for it in on)
                last = any(it.onset + it.duration - 1 == step for it in on)
                assert short[step, unit] == (bool(on) and not last)


def test_three_tunes_that_sounded_alike_no_longer_do() -> None:
    tunes = {
        "eighths": [Note(60, step, 1) for step in range(8)],
        "quarters": [Note(60, 2 * step, 2) for step in range(4)],
        "whole": [Note(60, 0, 8)],
    }
    for way, steps in ((Ends(), 16), (Begins(), 8), (Begins(each="voice"), 8)):
        rolls = {name: way.encode(notes, steps, grid=8) for name, notes in tunes.items()}
        assert len({roll.tobytes() for roll in rolls.values()}) == 3
        for name, notes in tunes.items():
            assert way.decode(rolls[name], grid=8) == tuple(notes)


def test_units_of_the_blues() -> None:
    notes = chorus(2002).notes
    assert Ends().units == 25
    assert Begins().units == 50 and Begins(each="voice").units == 27
    assert Begins(CHORDS_ONLY, each="voice").units == 13
    ends = Ends().encode(notes, 192, grid=8)
    plain = CHORDS_AND_MELODY.encode(notes, 96).repeat(2, axis=0)
    assert (plain - ends).sum() == len(notes)
    assert Ends().decode(ends, grid=8) == notes
    marked = Begins(grid=16, each="voice").encode(notes, 192, grid=8)
    begins = Begins(grid=16, each="voice")
    assert np.array_equal(marked[:, begins.chord_units], plain[:, :12])
    assert np.array_equal(marked[:, begins.melody_units], plain[:, 12:])
    assert marked[:, begins.melody_begins].sum() == 48
    assert marked[:, begins.chord_begins].sum() == len({it.onset for it in chord_notes(TWELVE_BAR)})


def test_a_note_that_was_cut_off_ends_with_the_roll() -> None:
    roll = np.zeros((6, 25))
    roll[2:, 12] = 1.0
    assert Ends().decode(roll) == (Note(60, 2, 4),)
    roll[5:, 12] = 0.0
    assert Ends().decode(roll) == (Note(60, 2, 4),)


def test_a_unit_that_goes_on_begins_a_note_marked_or_not() -> None:
    begins = Begins(Encoding((), (60, 62)), each="voice")
    roll = np.array([[1, 0, 1], [1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]], float)
    assert begins.decode(roll) == (Note(60, 0, 2), Note(62, 2, 1), Note(62, 3, 1))


def test_notes_keep_their_time_on_another_grid() -> None:
    rng = np.random.default_rng(16)
    for _ in range(100):
        grid, factor = int(rng.integers(1, 100)), int(rng.integers(1, 9))
        notes = random_piece(rng, (60, 64), 30, 1)
        finer = regrid(notes, grid, grid * factor)
        assert [note.onset for note in finer] == [factor * note.onset for note in notes]
        assert regrid(finer, grid * factor, grid) == notes


@pytest.mark.parametrize(
    ("notes", "grid", "wanted", "nearest"),
    [
        ([Note(60, 0, 1), Note(60, 1, 1)], 12, 16, 12),
        ([Note(60, 0, 1), Note(60, 1, 1)], 12, 20, 24),
        ([Note(60, 0, 1), Note(60, 1, 1)], 12, 18, 24),
        ([Note(60, 1, 1)], 24, 16, 24),
        ([Note(60, 2, 2), Note(62, 3, 3)], 24, 16, 24),
        ([Note(60, 2, 2)], 24, 16, 12),
        ([Note(60, 1, 2)], 32, 8, 32),
        ([Note(60, 0, 8)], 8, 8, 8),
        ([], 8, 5, 5),
    ],
)
def test_the_nearest_grid_is_named(notes: list[Note], grid: int, wanted: int, nearest: int) -> None:
    assert nearest_grid(notes, grid, wanted) == nearest
    regrid(notes, grid, nearest)
    assert (
        nearest_grid(notes, grid, wanted, 2) * min((note.duration for note in notes), default=grid)
        >= 2 * grid
    )


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (
            lambda: Ends().encode([Note(60, 2, 2), Note(62, 4, 2)], 96, grid=24),
            r"Note\(pitch=60, onset=2, duration=2\), in steps of 1/24: does not go onto a grid "
            r"of 1/16, where it begins at step 4/3; the nearest grid that holds every note has "
            r"steps of 1/12",
        ),
        (
            lambda: Begins().encode([Note(60, 0, 3)], 8, grid=16),
            r"onto a grid of 1/8, where it ends at step 3/2; .* steps of 1/16",
        ),
        (
            lambda: Ends().encode([Note(60, 0, 4), Note(61, 4, 1)], 16),
            r"pitch=61.*lasts one step, and its end takes that; .* has steps of 1/32",
        ),
        (
            lambda: Ends(grid=8),
            "grid, shortest: notes of 1/8 that end .* 1/16, .* 1/8",
        ),
        (
            lambda: Ends(grid=16, shortest=16),
            "notes of 1/16 .* need steps of 1/32, .* a grid of 1/16",
        ),
        (lambda: Ends(grid=20, shortest=8), "need steps of 1/16, .* a grid of 1/20"),
        (lambda: Ends().encode([Note(60, 0, 4), Note(60, 3, 4)], 16), "overlaps another note"),
        (lambda: Begins().encode([Note(60, 0, 4), Note(60, 3, 4)], 16), "overlaps another note"),
        (lambda: Ends().encode([Note(60, 14, 4)], 16), "ends at step 18, the roll has 16"),
        (lambda: Begins().encode([Note(30, 0, 4)], 16), "pitch 30 has no unit"),
        (
            lambda: Begins(each="voice").encode([Note(48, 0, 8), Note(52, 4, 2)], 8),
            r"pitch=48, onset=0, duration=8\): sounds on where .*pitch=52, onset=4.* each='pitch'",
        ),
        (lambda: Begins().decode(np.zeros((8, 25))), r"shape \(steps, 50\), got \(8, 25\)"),
        (lambda: Begins().decode(np.full((8, 50), 0.5)), "0.0 and 1.0 only, got 0.5"),
        (lambda: Begins(each="note"), "each: expected 'pitch' or 'voice', got 'note'"),
        (lambda: Ends(grid=0), "grid: expected a whole number"),
    ],
)
def test_what_can_not_be_held_is_refused(refused, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        refused()
