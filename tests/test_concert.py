"""CONCERT against derivatives that know nothing of it, and against itself.

The oracle is a forward pass in loops for complex weights; its derivative by a complex step is exact
to machine precision.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from complex_steps import apart, derivative

from lstm_from_scratch.machine.training import Diverged
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.rivals import codes, concert, events, note_table
from lstm_from_scratch.rivals.concert import Concert, Improviser, Method
from lstm_from_scratch.rivals.events import Event
from lstm_from_scratch.studies.experiments import choruses, rolls
from lstm_from_scratch.studies.questions import older


def codes_of(seed: int, *shapes: tuple[int, int]) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape) for shape in shapes)


def network_of(seed: int, units: int, *shapes: tuple[int, int]) -> Concert:
    keeps = np.random.default_rng(seed).random(units)
    return concert.random_network(codes_of(seed, *shapes), keeps, seed, reach=0.6)


def piece_of(seed: int, length: int, *shapes: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(many, size=length) for many, _ in shapes], axis=1)


def blues_network(seed: int) -> Improviser:
    chords = events.chords_in(rolls((0, 4095)))
    tables = concert.blues_codes(chords)
    keeps = np.random.default_rng(seed).random(7)
    return Improviser(concert.random_network(tables, keeps, seed, reach=0.4), chords)


def error(hidden, output, keeps, tables, piece, before=None):
    """The summed surprise of a piece, in loops."""
    context = [0.0] * len(keeps) if before is None else list(before)
    total = 0.0
    for event in piece:
        point = [sum(row[i] * c for i, c in enumerate(context)) + row[-1] for row in output]
        start = 0
        for table, wanted in zip(tables, event, strict=True):
            near = [
                -sum((point[start + n] - number) ** 2 for n, number in enumerate(row))
                for row in table
            ]
            total = total - near[wanted] + np.log(sum(np.exp(it) for it in near))
            start += table.shape[1]
        heard = [number for table, it in zip(tables, event, strict=True) for number in table[it]]
        sources = [*heard, *context, 1.0]
        new = [np.tanh(sum(w * s for w, s in zip(row, sources, strict=True))) for row in hidden]
        both = zip(keeps, context, new, strict=True)
        context = [k * old + (1 - k) * it for k, old, it in both]
    return total


@pytest.mark.parametrize(
    ("units", "length", "shapes"),
    [(4, 6, ((5, 3),)), (3, 4, ((3, 2), (4, 3))), (2, 7, ((2, 1), (3, 2), (2, 4)))],
)
def test_the_gradient_is_that_of_the_forward_pass(units, length, shapes):
    network, piece = network_of(units, units, *shapes), piece_of(length, length, *shapes)
    found = concert.gradient(network, piece)
    for name in ("hidden", "output"):

        def wanted(weights, name=name):
            both = {"hidden": network.hidden, "output": network.output, name: weights}
            return error(both["hidden"], both["output"], network.keeps, network.codes, piece)

        assert apart(getattr(found, name), derivative(wanted, getattr(network, name))) < 1e-11


def test_the_surprise_is_that_of_the_oracle():
    shapes = ((5, 3), (2, 2))
    network, piece = network_of(1, 4, *shapes), piece_of(2, 9, *shapes)
    expected = error(network.hidden, network.output, network.keeps, network.codes, piece)
    np.testing.assert_allclose(concert.surprise(network, piece).sum(), expected, rtol=1e-12)


def test_what_is_told_is_a_softmax_by_distance():
    """Where the point lies on a code, another code is as likely as exp(-distance squared)."""
    tables = (np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]),)
    network = Concert(np.zeros((1, 4)), np.zeros((2, 2)), np.zeros(1), tables)
    (p,) = concert.tell(network, np.zeros(1))
    np.testing.assert_allclose(p / p[0], np.exp([0.0, -1.0, -4.0]), rtol=1e-12)


def test_a_context_unit_keeps_what_it_is_told_to_keep():
    network = network_of(3, 5, (4, 3))
    slow = Concert(network.hidden, network.output, np.full(5, 0.9), network.codes)
    piece = piece_of(4, 3, (4, 3))
    first, second = (concert.contexts(it, piece)[1] for it in (network, slow))
    np.testing.assert_allclose(first / (1 - network.keeps), second / 0.1, rtol=1e-12)


def trained_in_numpy(method: Method, tables, pieces):
    """`concert.train` once more, with the derivative from the oracle."""
    rng = np.random.default_rng(method.seed)
    network = concert.random_network(tables, np.array(method.keeps), rng, method.reach)
    hidden, output, keeps = network.hidden.copy(), network.output.copy(), network.keeps
    memory = [np.zeros_like(w) for w in (hidden, hidden, output, output)]
    now, context, errors, updates = rng.integers(len(pieces)), np.zeros(len(keeps)), [], 0
    turns = method.max_steps // method.test_every
    for turn in range(turns):
        rate, total = method.learning_rate * min(1, 2 * (turns - turn) / turns), 0.0
        for following in rng.integers(len(pieces), size=method.test_every):
            piece = pieces[now]
            if updates % method.fresh == 0:
                context = np.zeros(len(keeps))
            how = (keeps, tables, piece, context)
            total += error(hidden, output, *how)
            found = (
                derivative(lambda w, o=output, how=how: error(w, o, *how), hidden),
                derivative(lambda w, h=hidden, how=how: error(h, w, *how), output),
            )
            for event in piece:
                context = concert.hear(Concert(hidden, output, keeps, tables), event, context)
            norm = np.sqrt(sum((part**2).sum() for part in found))
            updates += 1
            for which, (weights, part) in enumerate(zip((hidden, output), found, strict=True)):
                part = part * min(1.0, method.clip / norm)
                mean, square = memory[2 * which : 2 * which + 2]
                mean[:] = 0.9 * mean + 0.1 * part
                square[:] = 0.999 * square + 0.001 * part**2
                root = np.sqrt(square / (1 - 0.999**updates)) + 1e-8
                weights -= rate * mean / (1 - 0.9**updates) / root
            now = following
        errors.append(total / method.test_every)
    return hidden, output, errors


@pytest.mark.parametrize(("fresh", "clip"), [(1, 1.0), (3, 0.5), (100, 1e9)])
def test_compiled_training_is_what_the_oracle_says(fresh, clip):
    shapes = ((5, 3), (3, 2))
    tables = codes_of(7, *shapes)
    pieces = [piece_of(seed, 3 + seed, *shapes) for seed in range(4)]
    method = Method(keeps=(0.0, 0.5, 0.8), fresh=fresh, clip=clip, max_steps=12, test_every=4)
    network, errors = concert.train(method, tables, pieces)
    hidden, output, expected = trained_in_numpy(method, tables, pieces)
    assert apart(network.hidden, hidden) < 1e-8
    assert apart(network.output, output) < 1e-8
    np.testing.assert_allclose(errors, expected, rtol=1e-9)


def test_the_same_method_gives_the_same_bits():
    tables, pieces = codes_of(1, (5, 3)), [piece_of(1, 6, (5, 3))]
    method = Method(keeps=(0.0, 0.5), max_steps=20, test_every=10)
    first, again = (concert.train(method, tables, pieces)[0] for _ in range(2))
    np.testing.assert_array_equal(first.hidden, again.hidden)
    other = concert.train(replace(method, seed=1), tables, pieces)[0]
    assert (first.hidden != other.hidden).all()


# ---- Codes and events ----------------------------------------------------------------------------


def test_the_circles_bring_together_what_they_should():
    code = codes.of_pitches(range(60, 73))

    def between(a, b, where):
        return np.linalg.norm(code[a, where] - code[b, where])

    steps, fifths = slice(1, 3), slice(3, 5)
    assert between(0, 12, steps) < 1e-9 > between(0, 12, fifths)  # an octave
    assert between(0, 1, steps) < between(0, 2, steps) < between(0, 6, steps)
    assert between(0, 7, fifths) < between(0, 2, fifths) < between(0, 1, fifths)
    np.testing.assert_allclose(between(0, 6, steps), 2, rtol=1e-12)  # across the circle
    np.testing.assert_allclose(np.diff(code[:, 0]), 1 / 6, rtol=1e-12)


def test_whole_beats_stand_at_one_place_of_each_circle():
    code = codes.of_durations((1, 2, 3, 4), 2)
    np.testing.assert_allclose(code[[1, 3], 1:], [[0, 1, 0, 1]] * 2, atol=1e-9)
    np.testing.assert_allclose(code[[0, 2], 1:3], [[0, -1]] * 2, atol=1e-9)
    np.testing.assert_allclose(np.diff(code[:, 0]), codes.LENGTH / 2)
    assert codes.of_durations((1,), 12)[0, 1] == pytest.approx(1)  # a quarter of the way round


def test_a_beat_is_three_long_and_durations_turn_once_in_a_third_and_in_a_quarter_of_it():
    parts = np.arange(1, 25)
    code = codes.of_durations(parts, 12)
    third, quarter = 2 * np.pi * parts / 4, 2 * np.pi * parts / 3
    wanted = (parts / 4, np.sin(third), np.cos(third), np.sin(quarter), np.cos(quarter))
    np.testing.assert_allclose(code, np.transpose(wanted), atol=1e-12)
    np.testing.assert_array_equal(codes.of_durations((1, 3)), codes.of_durations((1, 3), 2))


def test_a_chord_sounds_in_its_notes_and_their_harmonics():
    note = np.eye(12)[:1]  # C: its harmonics are C, C, G, C, E
    expected = np.zeros(12)
    expected[[0, 7, 4]] = 1 + 1 / 2 + 1 / 4, 1 / 3, 1 / 5
    np.testing.assert_allclose(codes.of_chords(note)[0], expected, rtol=1e-12)
    chord = np.eye(12)[[0, 4]].sum(axis=0, keepdims=True)
    both = codes.of_chords(np.eye(12)[[0, 4]]).sum(axis=0)
    np.testing.assert_allclose(codes.of_chords(chord)[0], both, rtol=1e-12)
    np.testing.assert_allclose(codes.of_chords(note, lowest=2)[0], np.roll(expected, 2))


def test_a_roll_and_its_events_say_the_same():
    music = rolls((77, 1234))
    chords = events.chords_in(music)
    assert len(chords) == len(set(TWELVE_BAR.chords))
    for roll in music:
        found = events.events(roll, chords)
        np.testing.assert_array_equal(events.roll_of(found, chords), roll)
        assert sum(it.duration for it in found) == 96
        assert all(a[::2] != b[::2] for a, b in itertools.pairwise(found))


def test_an_unknown_chord_is_taken_for_the_nearest():
    music = rolls((77,))
    chords = events.chords_in(music)
    roll = music[0].copy()
    roll[0, 0] = 1 - roll[0, 0]
    assert events.parts(roll, chords)[1][0] == events.parts(music[0], chords)[1][0]


# ---- Composers -----------------------------------------------------------------------------------


def predicted(network: Concert, chords: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """`Improviser.predict` once more: of each beginning, event by event."""
    rows = []
    for heard in range(1, len(roll) + 1):
        *past, now = events.events(roll[:heard], chords)
        numbers = np.array([(p, d - 1, c) for p, d, c in past]).reshape(-1, 3)
        context = concert.contexts(network, numbers)[-1]
        lasts = concert.tell(network, context)[1][now.duration - 1 :]
        ends = lasts[0] / lasts.sum()
        event = np.array((now.pitch, now.duration - 1, now.chord))
        pitch, _, chord = concert.tell(network, concert.hear(network, event, context))
        rows.append(ends * np.concatenate([chord @ chords, pitch]) + (1 - ends) * roll[heard - 1])
    return np.array(rows)


def test_predictions_of_steps_are_made_of_those_of_notes():
    composer, roll = blues_network(1), rolls((2002,))[0][:40]
    expected = predicted(composer.network, composer.chords, roll)
    np.testing.assert_allclose(composer.predict(roll), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(expected[:, 12:].sum(axis=1), 1, rtol=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_composer_goes_on_from_the_seed(seed):
    composer, given = blues_network(seed), rolls((5,))[0, :3]
    roll = composer.go_on(given, 200, seed)
    assert roll.shape == (200, 25)
    np.testing.assert_array_equal(roll[:3], given)
    assert (roll[:, 12:].sum(axis=1) == 1).all()
    known = {row.tobytes() for row in composer.chords}
    assert {row.tobytes() for row in roll[:, :12]} <= known
    np.testing.assert_array_equal(roll, composer.go_on(given, 200, seed))


def test_notes_that_are_drawn_are_as_likely_as_they_are_told():
    composer, given = blues_network(4), rolls((5,))[0, :1]
    expected = np.zeros(13)
    counted = np.zeros(13)
    for seed in range(3_000):
        roll = composer.go_on(given, 2, seed)
        counted += roll[1, 12:]
    expected = composer.predict(given)[0, 12:]
    np.testing.assert_allclose(counted / 3_000, expected, atol=0.03)


def test_a_table_of_notes_counts_what_followed():
    music = rolls((77, 1234, 2002))
    table = note_table.fit(music, 2)
    heard = [events.events(roll, table.chords) for roll in music]
    run = heard[0][3:5]
    times = {}
    for piece in heard:
        around = piece + piece[:2]
        for place in range(len(piece)):
            if around[place : place + 2] == run:
                times[around[place + 2]] = times.get(around[place + 2], 0) + 1
    assert table.following(run) == times
    strange = Event(0, 7, 0)
    assert table.following((strange, run[1])) == table.following((run[1],))
    longer = table.following((), run[0]._replace(duration=1))
    assert {(it.pitch, it.chord) for it in longer} == {(run[0].pitch, run[0].chord)}


def test_a_table_of_notes_predicts_steps_and_plays():
    music = rolls(choruses().training[:50])
    table = note_table.fit(music, 3)
    predictions = table.predict(music[0])
    np.testing.assert_allclose(predictions[:, 12:].sum(axis=1), 1, rtol=1e-9)
    # Each note of its own music was thought possible; in the middle of a beat it was certain.
    likely = (predictions[:-1, 12:] * music[0][1:, 12:]).sum(axis=1)
    assert (likely > 0).all()
    np.testing.assert_allclose(likely[::2], 1, rtol=1e-12)
    roll = table.go_on(music[1][:1], 500, 3)
    np.testing.assert_array_equal(roll[:1], music[1][:1])
    np.testing.assert_array_equal(roll, table.go_on(music[1][:1], 500, 3))
    assert (np.diff(roll[:, 12:].argmax(axis=1))[::2] == 0).all()  # quarter notes


# ---- His own tests, small ------------------------------------------------------------------------


def test_it_learns_what_is_certain_and_how_likely_the_rest_is():
    """A walk up or down by a half step: ln 2 at each note is all that can be known."""
    rng = np.random.default_rng(8)
    walks = [24 - np.abs(24 - (12 + np.cumsum(rng.choice((-1, 1), 20))) % 48) for _ in range(200)]
    tables = (codes.of_pitches(range(48, 73)),)
    method = Method(keeps=(0.0,) * 8, max_steps=6_000, test_every=600, learning_rate=1e-2)
    network, _ = concert.train(method, tables, [walk[:, None] for walk in walks])
    nats = np.mean([concert.surprise(network, walk[:, None])[1:].mean() for walk in walks[:40]])
    assert np.log(2) - 0.05 < nats < np.log(2) + 0.15


def test_what_does_not_fit_is_refused():
    network = network_of(0, 3, (4, 2))
    with pytest.raises(ValueError, match="codes: expected a table of codes for each feature"):
        Concert(network.hidden, network.output, network.keeps, ())
    with pytest.raises(ValueError, match=r"hidden.*\(3, 6\)"):
        Concert(network.hidden[:, 1:], network.output, network.keeps, network.codes)
    with pytest.raises(ValueError, match="keeps: expected numbers from 0 up to 1"):
        Concert(network.hidden, network.output, np.ones(3), network.codes)
    with pytest.raises(ValueError, match=r"piece: expected numbers of alternatives, below \[4\]"):
        concert.gradient(network, np.array([[4]]))
    with pytest.raises(ValueError, match=r"network: expected \[13, 8, 1\] alternatives, got"):
        Improviser(network, np.zeros((1, 12)))
    with pytest.raises(ValueError, match="one melody note at each step, got none or more at 0"):
        blues_network(0).predict(np.zeros((4, 25)))
    with pytest.raises(ValueError, match="a divisor of 12, got 5"):
        codes.of_durations((1,), 5)
    with pytest.raises(ValueError, match="less than a chorus"):
        note_table.fit(rolls((0,)), 60)


def test_divergence_is_told_with_the_last_good_network():
    method = Method(keeps=(0.0, 0.0), learning_rate=1e308, max_steps=20, test_every=2)
    with pytest.raises(Diverged, match="the weights are not finite") as caught:
        concert.train(method, codes_of(0, (4, 2)), [piece_of(0, 5, (4, 2))])
    assert np.isfinite(caught.value.network.hidden).all()


# ---- The studies ---------------------------------------------------------------------------------


def test_scales_walks_and_phrases_are_what_they_are_called():
    known, new = older.scales(3)
    assert known.shape == (36, 8) and new.shape == (12, 8)
    for line in (*known, *new):
        steps = np.diff(line) * np.sign(line[1] - line[0])
        assert sorted(steps) == [1, 1, 2, 2, 2, 2, 2]
    keys = [{int(line.min()) % 12 for line in some} for some in (known, new)]
    assert len(keys[0]) == 9 and not keys[0] & keys[1]
    walks = older.walks(200, 3)
    assert (np.abs(np.diff(walks, axis=1)) == 1).all()
    assert walks.min() >= 0 and walks.max() <= older.HIGH - older.LOW
    songs = older.phrases(100, 3).reshape(100, 4, 4)
    assert (songs[:, 0] == songs[:, 1]).all() and (songs[:, 0] == songs[:, 3]).all()
    assert len(np.unique(songs.reshape(-1, 4), axis=0)) == 8
    assert len(np.unique(songs[:, :, 0])) == 8  # each phrase is known by its first note
    assert (songs[:, 2, 0] != songs[:, 0, 0]).all()


def test_a_table_is_surprised_by_what_it_counted_as_it_counted_it():
    songs = np.array([[0, 1, 2, 3], [0, 1, 2, 4]])
    nats = older.surprises("table-3", songs, np.array([[0, 1, 2, 3], [0, 1, 2, 9]]), 0)
    np.testing.assert_allclose(nats[0], [np.log(4), 0, 0, np.log(2)], atol=1e-12)
    assert np.isinf(nats[1, 3])
