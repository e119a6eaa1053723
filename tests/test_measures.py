"""What music and networks are worth, in numbers: against slow counts, note by note."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lstm_from_scratch.judging import measures
from lstm_from_scratch.judging.measures import (
    chorus_lines,
    chorus_numbers,
    exact_bars,
    held_beats,
    in_chord,
    in_form,
    in_own_chord,
    in_scale,
    longest_copy,
    melody_lines,
    source_surprise,
    surprise,
    wrong_steps,
)
from lstm_from_scratch.machine.network import Network, Topology, Voice, cleared, forward
from lstm_from_scratch.music.blues import TWELVE_BAR, Form, Note, chord_tones, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, Encoding
from lstm_from_scratch.studies import experiments

# Bars with one, two and three melodies, of notes of different lengths; two begin alike.
ODD = Form(
    "odd",
    ("C", "F7", "Am"),
    (
        ((60, 60, 63), (60, 60, 65), (72, 60, 72)),
        ((63, 65, 67, 70, 72, 60),),
        ((60,), (63, 65)),
    ),
    steps_per_bar=6,
)
FORMS = {"blues": TWELVE_BAR, "odd": ODD}
EVERY = range(4096)

every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())


@cache
def sounding(number: int, form: Form) -> tuple[int, ...]:
    """The pitch at each step of a chorus, from the notes that `blues` writes."""
    line = [0] * form.steps
    for note in chorus(number, form).melody:
        line[note.onset : note.onset + note.duration] = [note.pitch] * note.duration
    return tuple(line)


def random_lines(rng: np.random.Generator, form: Form, choruses: int = 30) -> np.ndarray:
    """Melodies that are right here and there: choruses with some steps changed, and rests."""
    lines = np.array([sounding(int(n), form) for n in rng.integers(form.choruses, size=choruses)])
    changed = rng.random(lines.shape) < rng.choice([0.0, 0.02, 0.2, 1.0], size=(choruses, 1))
    return np.where(changed, rng.choice([0, *range(60, 73)], size=lines.shape), lines)


# Whole rolls


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


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((0, 3), r"roll: .* got shape \(0, 3\)"),
        ((5, 3), r"roll: expected whole choruses of the form, .* got \(5, 3\)"),
        ((4, 2), r"form: .* as roll has units 2, got shape \(4, 3\)"),
        ((4,), r"roll: .* got shape \(4,\)"),
    ],
)
def test_refuses_anything_but_whole_choruses_of_the_same_units(shape, message):
    with pytest.raises(ValueError, match=message):
        wrong_steps(np.zeros(shape), np.zeros((4, 3)))


def test_refuses_a_form_without_steps():
    with pytest.raises(ValueError, match=r"form: .* got shape \(0, 3\)"):
        wrong_steps(np.zeros((4, 3)), np.zeros((0, 3)))


@pytest.mark.parametrize("length", [1, 2, 5, 9])
def test_a_stretch_of_the_form_is_found_wherever_it_stands(length):
    rng = np.random.default_rng(length)
    for _ in range(30):
        steps, units = int(rng.integers(1, 7)), int(rng.integers(1, 3))
        form = rng.integers(2, size=(steps, units))
        # Long pieces of the form, from anywhere, some notes of them wrong.
        roll = np.concatenate(
            [np.roll(np.tile(form, (4, 1)), -int(rng.integers(steps)), axis=0) for _ in range(3)]
        )
        roll = np.where(rng.random(roll.shape) < 0.05, 1 - roll, roll)
        endless = np.tile(form, (length + 2, 1))
        expected = [
            any(
                (roll[end - length : end] == endless[start : start + length]).all()
                for start in range(steps)
            )
            for end in range(length, len(roll) + 1)
        ]
        assert in_form(roll, form, length).tolist() == expected


@pytest.mark.parametrize(
    ("roll", "form", "length", "message"),
    [
        (np.zeros((5, 2)), np.zeros((0, 2)), 1, r"form: .* got shape \(0, 2\)"),
        (np.zeros((5, 3)), np.zeros((4, 2)), 1, "form: .* as roll has units 3"),
        (np.zeros(5), np.zeros((4, 2)), 1, r"roll: .* got shape \(5,\)"),
        (
            np.zeros((5, 2)),
            np.zeros((4, 2)),
            6,
            r"length must be 1 to 5, .* got 6",
        ),
        (
            np.zeros((5, 2)),
            np.zeros((4, 2)),
            0,
            r"length: .* at least 1, got 0",
        ),
    ],
)
def test_stretches_are_looked_for_in_rolls_of_the_forms_units(roll, form, length, message):
    with pytest.raises(ValueError, match=message):
        in_form(roll, form, length)


def test_a_note_belongs_to_the_chord_that_sounds_with_it():
    rng = np.random.default_rng(6)
    roll = rng.integers(2, size=(200, 25)).astype(float)
    roll[:, 12:] = np.eye(13)[rng.integers(13, size=200)]
    roll[::7, 12:] = 0.0
    pitches = np.array(CHORDS_AND_MELODY.pitches)
    for row, found in zip(roll, in_own_chord(roll), strict=True):
        chord, note = pitches[:12][row[:12] == 1], pitches[12:][row[12:] == 1]
        assert found == any(n % 12 == c % 12 for n in note for c in chord)


def test_over_the_forms_chords_the_own_chord_is_that_of_the_bar():
    roll = np.concatenate([CHORDS_AND_MELODY.encode(chorus(n).notes, 96) for n in (5, 600, 4095)])
    expected = in_chord(melody_lines(roll)).ravel()
    np.testing.assert_array_equal(in_own_chord(roll), expected)
    with pytest.raises(ValueError, match=r"shape \(steps, 25\)"):
        in_own_chord(roll[:, 1:])


# From rolls to lines


def test_a_line_is_the_pitch_at_each_step_and_zero_in_a_rest():
    rng = np.random.default_rng(5)
    for _ in range(10):
        choruses = int(rng.integers(1, 5))
        pitches = rng.choice([0, *range(60, 73)], size=(choruses, 96))
        roll = np.zeros((choruses * 96, 25))
        roll[:, :12] = rng.integers(2, size=(choruses * 96, 12))
        for step, pitch in enumerate(pitches.ravel()):
            if pitch:
                roll[step, 12 + pitch - 60] = 1.0
        found = melody_lines(roll)
        assert found.dtype == int
        np.testing.assert_array_equal(found, pitches)
        np.testing.assert_array_equal(melody_lines(roll.astype(bool)), pitches)


def test_lines_of_another_form_and_encoding():
    encoding = Encoding(chords=(40, 41), melody=(72, 60, 63, 65, 67, 70))
    roll = encoding.encode(chorus(3, ODD).melody, 18)
    np.testing.assert_array_equal(melody_lines(roll, ODD, encoding), [sounding(3, ODD)])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((96, 12), r"a roll of shape \(steps, 25\), got \(96, 12\)"),
        ((0, 25), "whole choruses of 96 steps, got 0 steps"),
        ((95, 25), "whole choruses of 96 steps, got 95 steps"),
        ((100, 25), "whole choruses of 96 steps, got 100 steps"),
    ],
)
def test_lines_are_read_from_whole_choruses_alone(shape, message):
    with pytest.raises(ValueError, match=message):
        melody_lines(np.zeros(shape))


def test_two_notes_at_once_are_no_line():
    roll = CHORDS_AND_MELODY.encode([Note(60, 0, 3), Note(67, 2, 1)], 96)
    with pytest.raises(ValueError, match="two melody notes at once"):
        melody_lines(roll)
    roll[2, 12] = 0.0
    assert melody_lines(roll)[0, :4].tolist() == [60, 60, 67, 0]


# Choruses and their numbers


@every_form
def test_numbers_and_lines_of_choruses_belong_together(form):
    numbers = range(form.choruses)
    lines = chorus_lines(numbers, form)
    assert lines.shape == (form.choruses, form.steps)
    assert chorus_numbers(lines, form).tolist() == list(numbers)
    for number in {0, form.choruses - 1, form.choruses // 3}:
        assert tuple(lines[number]) == sounding(number, form)


def test_lines_of_choruses_are_those_of_their_rolls():
    numbers = [4095, 0, 1234, 1234]
    roll = np.concatenate([CHORDS_AND_MELODY.encode(chorus(n).notes, 96) for n in numbers])
    np.testing.assert_array_equal(chorus_lines(numbers), melody_lines(roll))
    assert chorus_lines([]).shape == (0, 96)


@every_form
def test_a_melody_that_is_no_chorus_has_no_number(form):
    rng = np.random.default_rng(6)
    known = {sounding(number, form): number for number in range(form.choruses)}
    lines = random_lines(rng, form)
    expected = [known.get(tuple(map(int, line)), -1) for line in lines]
    assert 0 < expected.count(-1) < len(expected)
    assert chorus_numbers(lines, form).tolist() == expected


@every_form
def test_one_wrong_step_anywhere_takes_the_number_away(form):
    last = form.choruses - 1
    lines = np.tile(sounding(last, form), (form.steps, 1))
    lines[np.arange(form.steps), np.arange(form.steps)] = 61
    assert (chorus_numbers(lines, form) == -1).all()
    expected = np.ones((form.steps, form.bars), dtype=bool)
    expected[np.arange(form.steps), np.arange(form.steps) // form.steps_per_bar] = False
    np.testing.assert_array_equal(exact_bars(lines, form), expected)


@pytest.mark.parametrize("function", [chorus_lines, source_surprise])
def test_a_chorus_that_is_not_there_has_no_line(function):
    for number in (-1, 4096):
        with pytest.raises(ValueError, match=f"no chorus {number}: .* has numbers 0 to 4095"):
            function([0, number])


# Bars, beats and notes


@every_form
def test_exact_bars_are_found_one_by_one(form):
    rng = np.random.default_rng(7)
    lines = random_lines(rng, form)
    expected = []
    for line in lines.tolist():
        row = []
        for bar, choices in enumerate(form.segments):
            played = line[bar * form.steps_per_bar : (bar + 1) * form.steps_per_bar]
            spelled = [[p for p in one for _ in range(len(played) // len(one))] for one in choices]
            row.append(played in spelled)
        expected.append(row)
    assert 0.1 < np.mean(expected) < 0.9
    found = exact_bars(lines, form)
    assert found.dtype == bool and found.tolist() == expected


def test_a_segment_in_another_bar_is_not_exact():
    """The melodies of the second bar in the first: none of the blues' bars is both."""
    lines = chorus_lines([0])
    moved = np.roll(lines, 8, axis=1)
    assert not exact_bars(moved).any()


def test_beats_are_held_when_both_of_their_steps_sound_alike():
    rng = np.random.default_rng(8)
    lines = rng.integers(60, 63, size=(20, 24))
    expected = [[row[2 * k] == row[2 * k + 1] for k in range(12)] for row in lines]
    found = held_beats(lines)
    assert found.shape == (20, 12) and found.tolist() == expected
    assert held_beats(chorus_lines(EVERY)).all()
    # A note that is held over the beat is not held within one.
    assert held_beats(np.array([[60, 63, 63, 65]])).tolist() == [[False, False]]


@every_form
def test_notes_are_in_the_scale_or_not(form):
    lines = random_lines(np.random.default_rng(9), form)
    expected = [[pitch in form.scale for pitch in line] for line in lines.tolist()]
    assert in_scale(lines, form).tolist() == expected
    assert in_scale(chorus_lines(range(form.choruses), form), form).all()
    pitches = np.arange(60, 73)
    assert pitches[in_scale(pitches[None])[0]].tolist() == [60, 63, 65, 67, 70, 72]
    other = replace(TWELVE_BAR, segments=(), scale=(61, 0))
    assert in_scale(np.array([[60, 61, 63]]), other).tolist() == [[False, True, False]]


@every_form
def test_notes_belong_to_the_chord_of_their_bar_in_any_octave(form):
    lines = random_lines(np.random.default_rng(10), form)
    expected = []
    for line in lines.tolist():
        row = []
        for step, pitch in enumerate(line):
            tones = chord_tones(form.chords[step // form.steps_per_bar], form.chord_pitches)
            row.append(pitch > 0 and any((pitch - tone) % 12 == 0 for tone in tones))
        expected.append(row)
    assert 0.2 < np.mean(expected) < 0.8
    found = in_chord(lines, form)
    assert found.dtype == bool and found.tolist() == expected


def test_a_rest_is_in_no_scale_and_no_chord():
    rests = np.zeros((1, 96), dtype=int)
    assert not in_scale(rests).any()
    assert "C7" in TWELVE_BAR.chords and not in_chord(rests).any()


@pytest.mark.parametrize("measure", [chorus_numbers, exact_bars, in_chord])
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((3, 95), r"lines of shape \(choruses, 96\), got \(3, 95\)"),
        ((0, 0), r"lines of shape \(choruses, 96\), got \(0, 0\)"),
        ((96,), r"lines: .* shape \(choruses, steps\), got shape \(96,\)"),
        ((2, 12, 8), r"lines: .* shape \(choruses, steps\), got shape \(2, 12, 8\)"),
    ],
)
def test_lines_of_another_length_are_refused(measure, shape, message):
    with pytest.raises(ValueError, match=message):
        measure(np.full(shape, 60))


@pytest.mark.parametrize(
    "function",
    [
        lambda form: chorus_lines([0], form),
        lambda form: chorus_numbers(np.zeros((1, form.steps)), form),
        lambda form: exact_bars(np.zeros((1, form.steps)), form),
        lambda form: source_surprise([0], form),
    ],
)
def test_a_form_without_melody_has_no_melodies_to_compare_with(function):
    bare = Form("bare", ("C", "F"))
    with pytest.raises(ValueError, match="bare has no melody"):
        function(bare)


# Copies


def test_the_longest_copy_is_found_by_trying_every_stretch():
    rng = np.random.default_rng(11)
    for _ in range(20):
        steps, choices = int(rng.integers(1, 20)), int(rng.integers(2, 5))
        lines = rng.integers(choices, size=(6, steps))
        originals = rng.integers(choices, size=(int(rng.integers(1, 6)), steps))
        expected = []
        for line in lines.tolist():
            lengths = [
                stop - start
                for other in originals.tolist()
                for start, stop in itertools.combinations(range(steps + 1), 2)
                if line[start:stop] == other[start:stop]
            ]
            expected.append(max(lengths, default=0))
        assert longest_copy(lines, originals).tolist() == expected


def test_a_copy_is_of_one_original_at_its_own_place():
    originals = np.array([[1, 1, 1, 0, 0, 0], [0, 0, 0, 2, 2, 2]])
    lines = np.array([[1, 1, 1, 2, 2, 2], [9, 1, 1, 1, 9, 9], [0, 0, 0, 2, 2, 2], [9] * 6])
    assert longest_copy(lines, originals).tolist() == [3, 2, 6, 0]
    assert longest_copy(lines, originals[:0]).tolist() == [0, 0, 0, 0]
    assert longest_copy(lines[:0], originals).shape == (0,)


# What was to be expected


def random_network(topology: Topology, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    masks = topology.hidden_mask, topology.output_mask
    return Network(topology, *(np.where(m, rng.normal(size=m.shape), 0.0) for m in masks))


MELODIC = random_network(
    Topology(
        (
            Voice("chords", 3, (2, 1)),
            Voice("melody", 4, (1, 2), reads=("chords",), choice="sample"),
        )
    ),
    seed=12,
)


def random_choruses(rng: np.random.Generator, choruses: int, steps: int) -> np.ndarray:
    """Rolls with any chords and one melody note at each step."""
    chords = rng.integers(2, size=(choruses, steps, 3))
    melody = np.eye(4)[rng.integers(4, size=(choruses, steps))]
    return np.concatenate([chords, melody], axis=2)


@pytest.mark.parametrize(("choruses", "steps"), [(2, 2), (2, 9), (5, 7)])
def test_surprise_is_minus_the_logarithm_of_the_share_of_the_note_that_came(choruses, steps):
    rolls = random_choruses(np.random.default_rng(13), choruses, steps)
    heard = rolls.reshape(-1, 7)
    state, nats = cleared(MELODIC.topology), []
    for now in range(len(heard) - 1):
        step = forward(MELODIC, state, heard[now])
        state = step.state
        outputs = step.prediction[3:]
        nats.append(-np.log(outputs[heard[now + 1, 3:] == 1] / outputs.sum())[0])
    # The first chorus only prepares: what is counted begins with the first step of the second.
    expected = np.array(nats[steps - 1 :]).reshape(choruses - 1, steps)
    np.testing.assert_allclose(surprise(MELODIC, rolls), expected, rtol=1e-9)


def test_surprise_of_another_voice():
    """Any voice that plays one note at a time may be asked for, by its name."""
    voices = (replace(v, name=n) for v, n in zip(MELODIC.topology.voices, "ab", strict=True))
    topology = Topology(tuple(replace(v, reads=("a",) if v.reads else ()) for v in voices))
    renamed = replace(MELODIC, topology=topology)
    rolls = random_choruses(np.random.default_rng(14), 3, 5)
    np.testing.assert_array_equal(surprise(renamed, rolls, "b"), surprise(MELODIC, rolls))
    with pytest.raises(ValueError, match="no voice 'melody'"):
        surprise(renamed, rolls)


def test_a_network_that_knows_nothing_is_surprised_by_every_note():
    topology = MELODIC.topology
    blank = Network(
        topology, np.zeros(topology.hidden_mask.shape), np.zeros(topology.output_mask.shape)
    )
    nats = surprise(blank, random_choruses(np.random.default_rng(15), 4, 6))
    np.testing.assert_allclose(nats, np.full((3, 6), np.log(4)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda rolls: rolls[0],
            r"rolls: expected numbers of shape \(choruses, steps, units\), got shape \(4, 7\)",
        ),
        (lambda rolls: rolls[:1], r"at least two choruses, .* got \(1, 4, 7\)"),
        (lambda rolls: rolls * (np.arange(7) != 3), "exactly one note at each step"),
        (lambda rolls: np.maximum(rolls, np.arange(7) == 3), "exactly one note at each step"),
        (lambda rolls: rolls[..., [*range(7), 0]], r"shape \(steps, 7\), got \(8, 8\)"),
        (lambda rolls: np.where(rolls == 1, rolls, 0.5), "exactly one note at each step"),
    ],
)
def test_surprise_is_asked_of_one_note_at_a_time(change, message):
    rolls = random_choruses(np.random.default_rng(16), 2, 4)
    rolls[0, 2, 3:], rolls[1, 1, 3:] = np.eye(4)[0], np.eye(4)[2]
    with pytest.raises(ValueError, match=message):
        surprise(MELODIC, change(rolls))


def test_a_chorus_of_the_blues_is_a_surprise_of_twelve_choices():
    nats = source_surprise(EVERY)
    assert nats.shape == (4096, 96)
    np.testing.assert_allclose(nats.sum(axis=1), 12 * np.log(2), rtol=1e-12)
    np.testing.assert_allclose(nats.reshape(4096, 12, 8).sum(axis=2), np.log(2), rtol=1e-12)
    assert (nats >= 0).all()


def test_a_surprise_comes_where_two_melodies_part():
    nats = source_surprise([0, 1, 2, 3, 4, 5], ODD).reshape(6, 3, 6)
    # First bar: C C Eb, C C F or c C c. One of three begins high; the others part at the third.
    first = {0: [np.log(3 / 2), 0, 0, 0, np.log(2), 0], 4: [np.log(3), 0, 0, 0, 0, 0]}
    np.testing.assert_allclose(nats[0, 0], first[0], atol=1e-15)
    np.testing.assert_allclose(nats[3, 0], first[0], atol=1e-15)
    np.testing.assert_allclose(nats[4, 0], first[4], atol=1e-15)
    assert not nats[:, 1].any(), "one melody is no choice"
    np.testing.assert_allclose(nats[:, 2], np.tile([np.log(2), 0, 0, 0, 0, 0], (6, 1)), atol=1e-15)


@every_form
def test_the_surprise_of_a_step_is_its_conditional_entropy(form):
    """Over all choruses, each as likely: H(first t + 1 notes) - H(first t notes), by counting."""
    lines = [bytes(sounding(number, form)) for number in range(form.choruses)]

    def entropy(steps: int) -> float:
        counts = np.array(list(Counter(line[:steps] for line in lines).values()))
        return float(-(counts / len(lines) * np.log(counts / len(lines))).sum())

    entropies = [0.0] + [entropy(steps) for steps in range(1, form.steps + 1)]
    mean = source_surprise(range(form.choruses), form).mean(axis=0)
    np.testing.assert_allclose(mean, np.diff(entropies), atol=1e-12)


def test_source_surprise_has_a_row_for_each_number_in_their_order():
    nats = source_surprise(EVERY)
    numbers = [7, 4000, 7, 0]
    np.testing.assert_array_equal(source_surprise(numbers), nats[numbers])


def test_who_can_only_predict_can_be_surprised():
    class Even:
        def predict(self, roll: np.ndarray) -> np.ndarray:
            return np.full(roll.shape, 0.5)

    rolls = np.stack([CHORDS_AND_MELODY.encode(chorus(7).notes, 96)] * 2)
    np.testing.assert_allclose(surprise(Even(), rolls), np.log(13))


class Stubborn:
    """A composer that predicts and plays what it likes."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def predict(self, roll: np.ndarray) -> object:
        return self.answer

    def go_on(self, seed: np.ndarray, steps: int, rng: np.random.Generator) -> object:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("x", "got 'x'"),
        (None, "got None"),
        (np.zeros((1, 1)), r"got shape \(1, 1\)"),
        (np.zeros(25), r"got shape \(25,\)"),
    ],
)
def test_what_another_composer_answers_is_looked_at(answer: object, said: str) -> None:
    rolls = experiments.rolls((7, 9))
    with pytest.raises(ValueError, match=rf"composer, what it predicts: .*\(192, 25\), {said}"):
        measures.surprise(Stubborn(answer), rolls)
    composer = Stubborn(answer)
    composer.predict = np.ones_like
    music = experiments.Choruses((1, 2), (3, 4))
    with pytest.raises(ValueError, match=rf"composer, what it plays: .*\(96000, 25\), {said}"):
        experiments.judge(composer, 1, music)
