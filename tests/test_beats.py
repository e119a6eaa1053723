"""Beats in performances: rhythms of the literature, the oscillator, those who look for the beat."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from lstm_from_scratch import music, tune_commands
from lstm_from_scratch.music import tunes
from lstm_from_scratch.music.beats import finding, oscillator, path, rhythms
from lstm_from_scratch.music.beats.rhythms import Noise
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY
from lstm_from_scratch.studies.questions import beats as questions

# ---- Rhythms -------------------------------------------------------------------------------------


def test_the_rhythms_are_those_of_povel_and_essens() -> None:
    """They were copied from copies; the model of the paper says whether these are right.

    Each of the paper's seven categories has five, and a clock of four units has as many points
    against it as its category says: no other 35 of the 168 possible rhythms need come out so.
    """
    assert len(set(rhythms.RHYTHMS)) == 35
    assert all(sorted(it) == sorted("111112234") and it[-1] == "4" for it in rhythms.RHYTHMS)
    least = [int(rhythms.against(it).min()) for it in rhythms.RHYTHMS]
    assert least == [category for category in range(7) for _ in range(5)]


WORKED = (  # worked examples of the paper, as another implementation tests them
    ("11231314", [0, 2, 4, 8, 12], 0),
    ("21113314", [0, 2, 5, 8, 12], 1),
    ("12113314", [1, 3, 5, 8, 12], 2),
    ("12113134", None, 3),
    ("11112334", None, 4),
    ("31123114", None, 5),
    ("11131234", None, 8),
)


@pytest.mark.parametrize(("rhythm", "accented", "points"), WORKED)
def test_accents_and_clocks_come_out_as_in_the_paper(
    rhythm: str, accented: list | None, points: int
) -> None:
    if accented is not None:
        assert np.flatnonzero(rhythms.accents(rhythm) == 2).tolist() == accented
    assert rhythms.against(rhythm)[0] == points


def test_a_clock_must_come_out_even() -> None:
    with pytest.raises(ValueError, match="got one of 3 and one of 16 units"):
        rhythms.against(rhythms.RHYTHMS[0], 3)
    with pytest.raises(ValueError, match="rhythm: expected a rhythm"):
        rhythms.accents("120")


def test_a_performance_without_noise_is_the_rhythm() -> None:
    played = rhythms.perform("2114", 3, Noise(), 1)
    expected = [0, 2, 3, 4, 8, 10, 11, 12, 16, 18, 19, 20]
    np.testing.assert_allclose(played.onsets, 0.2 * np.array(expected))
    np.testing.assert_allclose(played.clock, 0.2 * np.arange(25))


def test_each_kind_of_noise_does_what_it_says() -> None:
    def play(**noise: float) -> rhythms.Performance:
        return rhythms.perform("1111", 500, Noise(**noise), 3)

    still = play()
    assert np.std(play(jitter=0.01).onsets - still.onsets) == pytest.approx(0.01, rel=0.1)
    assert len(play(missing=0.25).onsets) == pytest.approx(1500, rel=0.05)
    paces = 0.2 / np.diff(play(drift=0.1).clock)
    assert paces.min() == pytest.approx(0.9, abs=0.002)
    assert paces.max() == pytest.approx(1.1, abs=0.002)
    np.testing.assert_array_equal(play(jitter=0.01).onsets, play(jitter=0.01).onsets)
    with pytest.raises(ValueError, match="noise: expected a Noise"):
        play(missing=1.0)


def test_what_is_struck_together_is_one_onset() -> None:
    times, notes = rhythms.together(np.array([0.0, 0.01, 0.03, 0.5, 0.9, 0.93, 0.95]))
    np.testing.assert_allclose(times, [0.04 / 3, 0.5, 0.915, 0.95])
    assert notes.tolist() == [3, 1, 2, 1]


def test_a_performed_chorus_can_be_written_and_heard() -> None:
    chorus = music.chorus(1234)
    played = rhythms.play(chorus, Noise(0.05, 0.2, 0.2), 5)
    notes = sum(map(len, played.values()))
    assert 60 < notes < len(chorus.notes)
    for part in played.values():
        for pitch in {note.pitch for note in part}:
            mine = [note for note in part if note.pitch == pitch]
            assert all(a[1] + a[2] <= b[1] for a, b in itertools.pairwise(mine))
    exact = rhythms.play(chorus, Noise(), 5, tempo=60)["melody"]
    assert [note.onset for note in exact] == [480 * note.onset for note in chorus.melody]
    onsets, struck = rhythms.onsets_of(rhythms.play(chorus, Noise(), 5))
    np.testing.assert_allclose(onsets, 0.5 * np.arange(48), atol=1e-3)
    assert struck[0] == 5  # four notes of the chord and one of the melody


# ---- The oscillator ------------------------------------------------------------------------------


def period_by_runge_kutta(epsilon: float, step: float = 0.25) -> float:
    """The natural period in seconds, another way: plain floats, fourth order, a quarter step."""
    theta, gamma = oscillator.THETA, oscillator.GAMMA

    def slope(v: float, w: float) -> tuple[float, float]:
        return -v * (v - theta) * (v - 1) - w, epsilon * (v - gamma * w)

    v, w, now, fired, low = 0.3, 0.0, 0.0, [], True
    while len(fired) < 3:
        a = slope(v, w)
        b = slope(v + step / 2 * a[0], w + step / 2 * a[1])
        c = slope(v + step / 2 * b[0], w + step / 2 * b[1])
        d = slope(v + step * c[0], w + step * c[1])
        v += step / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0])
        w += step / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])
        now += step
        if low and v > 0.5:
            fired.append(now)
        low = v < 0.1 or (low and v <= 0.5)
    return (fired[2] - fired[1]) * oscillator.STEP


@pytest.mark.parametrize("seconds", [0.4, 0.864, 1.5])
def test_left_alone_it_fires_at_its_own_period(seconds: float) -> None:
    epsilon = oscillator.epsilon_for(seconds)
    assert period_by_runge_kutta(epsilon) == pytest.approx(seconds, rel=0.02)
    still = [(np.array([0.0, 9.0]), np.zeros(2))]
    (fired,) = oscillator.firings(still, np.array([seconds]), np.array([0.2]), 1)
    np.testing.assert_allclose(np.diff(fired), seconds, rtol=0.02)


def test_a_pulse_makes_it_fire_late_in_its_cycle_and_not_early() -> None:
    phases, least = oscillator.thresholds(20)
    assert np.isinf(least[phases < 0.4]).all()
    late = least[phases > 0.5]
    assert (np.diff(late) <= 0).all() and late[0] > 0.4 and late[-1] < 0.05
    # What the thresholds say is what a pulse does.
    (alone,) = oscillator.firings(
        [(np.array([0.0, 5.0]), np.zeros(2))], np.array([0.864]), np.array([0.18]), 2
    )
    for after, answered in ((0.95, True), (0.5, False)):
        pulse = alone[2] + after * 0.864
        (fired,) = oscillator.firings(
            [(np.array([pulse, 5.0]), np.array([1.0, 0.0]))],
            np.array([0.864]),
            np.array([0.18]),
            2,
        )
        assert (np.abs(fired - pulse).min() < 1e-9) == answered


def test_oscillators_take_what_goes_together_only() -> None:
    one = [(np.array([0.0, 1.0]), np.ones(2))]
    with pytest.raises(ValueError, match="a pair for each of 2 periods, got 1"):
        oscillator.firings(one, np.full(2, 0.6), np.full(2, 0.2), 1)
    with pytest.raises(ValueError, match="strengths: expected"):
        oscillator.firings(one, np.full(1, 0.6), np.full(2, 0.2), 1)
    with pytest.raises(ValueError, match="heard: expected a pair for each oscillator"):
        oscillator.firings([(np.array([1.0, 0.5]), np.ones(2))], np.ones(1), np.ones(1), 1)


# ---- Finding -------------------------------------------------------------------------------------

TRUE = 0.5 * np.arange(60)


def test_agreement_asks_for_all_true_beats_and_no_others() -> None:
    assert finding.agree(TRUE, TRUE) == 1.0
    assert finding.agree(TRUE + 0.04, TRUE) >= 0.98  # the last is after the last true one
    assert finding.agree(TRUE + 0.25, TRUE) == 0.0
    assert finding.agree(TRUE[::2], TRUE) == 0.5
    halves = np.sort(np.concatenate([TRUE, TRUE + 0.25]))
    assert finding.agree(halves, TRUE) == pytest.approx(0.5, abs=0.01)
    assert finding.agree(np.array([99.0]), TRUE) == 0.0


def test_beats_fit_where_onsets_are() -> None:
    assert finding.fits(TRUE, TRUE) == 1.0
    assert finding.fits(TRUE + 0.25, TRUE) == 0.0
    assert finding.fits(TRUE, TRUE[::2]) == pytest.approx(2 / 3, abs=0.02)
    assert finding.fits(TRUE[:1], TRUE) == finding.fits(TRUE, TRUE[:0]) == 0.0


FINDERS = {
    "bank": finding.by_bank,
    "path": path.by_path,
    "autocorrelation": finding.by_autocorrelation,
    "histogram": finding.by_histogram,
}


@pytest.mark.parametrize("name", FINDERS)
def test_everyone_finds_an_even_beat(name: str) -> None:
    found = FINDERS[name](TRUE[:30], usual=0.55)
    assert finding.agree(found, TRUE[4:28]) > 0.95  # the last may be found after the last true one


@pytest.mark.parametrize("name", FINDERS)
def test_nothing_and_little_are_taken(name: str) -> None:
    assert len(FINDERS[name](np.zeros(0))) == 0
    assert len(FINDERS[name](np.array([0.3]))) <= 1
    assert len(FINDERS[name](np.array([0.0, 0.5]))) >= 1


def test_an_oscillator_that_is_told_the_tempo_finds_most_downbeats_of_the_easy_rhythms() -> None:
    easy = rhythms.RHYTHMS[:10]
    found = [
        finding.by_oscillator(rhythms.perform(it, 6, Noise(), 1).onsets, 0.8, 1) for it in easy
    ]
    truth = 0.8 * np.arange(16, 24)
    assert sum(finding.agree(it, truth) >= 0.75 for it in found) >= 8


def test_the_path_follows_a_drifting_tempo_and_one_clock_does_not() -> None:
    played = rhythms.perform("2222", 12, Noise(0.015, 0.2, 0.1), 4)
    truth = played.clock[8:88:2]
    onsets = np.clip(played.onsets, 0, None)
    assert finding.agree(path.by_path(onsets, usual=0.45), truth) > 0.9
    assert finding.agree(finding.by_autocorrelation(onsets, usual=0.45), truth) < 0.5


# ---- Coupled to the grid -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def performed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chorus at 100 beats a minute in the mean, wandering by a tenth, in a file that says 120."""
    played = rhythms.play(music.chorus(77), Noise(0.02, 0.1), 3, tempo=100)
    return music.write_midi(played, tmp_path_factory.mktemp("played") / "a.mid", grid=1920)


def at_their_steps(tune: tunes.Tune) -> float:
    """The share of the chorus's melody notes that a tune has where they belong."""
    wanted = {(note.pitch, note.onset) for note in music.chorus(77).melody}
    return len(wanted & {(note.pitch, note.onset) for note in tune.melody}) / len(wanted)


def test_a_performance_comes_in_on_its_beats(performed: Path) -> None:
    followed = tunes.read(performed, grid=8, beat="follow", harmony="as played")
    assert at_their_steps(followed) == 1.0 and followed.bars == 12
    assert followed.tempo == pytest.approx(100, rel=0.03)
    assert "The beats were followed, 48 of them, from 9" in followed.report()
    as_written = tunes.read(performed, grid=8, harmony="as played")
    assert at_their_steps(as_written) < 0.5
    assert "beats were" not in as_written.report()


def test_the_command_line_follows_too(performed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tune_commands.learn([str(performed), "--only-read", "--grid", "8", "--beat", "follow"])
    assert "The beats were followed, 48 of them" in capsys.readouterr().out


def test_the_oscillators_may_be_asked_too(performed: Path) -> None:
    found = tunes.read(performed, grid=8, beat="oscillator", harmony="as played")
    assert at_their_steps(found) > at_their_steps(tunes.read(performed, grid=8))
    assert "The beats were found by oscillators" in found.report()


def test_what_is_not_performed_is_left_as_it_is(root: Path, tmp_path: Path) -> None:
    chorus = music.chorus(5)
    file = music.write_midi(chorus, tmp_path / "a.mid")
    assert tunes.read(file, beat="follow").melody == tunes.read(file).melody
    sheet = music.score.write_musicxml(chorus, tmp_path / "a.musicxml")
    assert "its beats were left as written" in tunes.read(sheet, beat="follow").report()
    short = {"melody": (music.Note(60, 3, 471), music.Note(63, 482, 466))}  # two notes by hand
    file = music.write_midi(short, tmp_path / "b.mid", grid=1920)
    assert "2 onsets, too few to find a beat in" in tunes.read(file, beat="follow").report()
    with pytest.raises(ValueError, match="beat: expected"):
        tunes.read(file, beat="guess")
    case = root.parent / "shared" / "cases" / "played_by_hand.mid"
    if case.exists():
        assert [note.onset for note in tunes.read(case, beat="follow").melody] == [0, 2]


def test_an_upbeat_stands_before_the_first_beat(tmp_path: Path) -> None:
    notes = [music.Note(72, 180, 200)]  # a quarter before the beats that follow
    notes += [music.Note(60 + n % 5, 420 + 480 * n, 400) for n in range(24)]
    file = music.write_midi({"melody": tuple(notes)}, tmp_path / "a.mid", grid=1920)
    tune = tunes.read(file, grid=8, beat="follow")
    assert [note.onset for note in tune.melody][:4] == [1, 2, 4, 6]


# ---- The studies ---------------------------------------------------------------------------------


def test_what_is_read_is_heard_as_the_music_is_encoded() -> None:
    piece = questions.piece((7, 4_000))
    tune = questions.read_back(rhythms.play(piece, Noise(), 1), "as written")
    notes = [note for part in piece.values() for note in part]
    np.testing.assert_array_equal(questions.as_heard(tune), CHORDS_AND_MELODY.encode(notes, 192))
    assert questions.on_step(tune, piece) == len(notes)


def test_any_of_the_best_clocks_counts_as_found() -> None:
    rhythm = "113121124"  # two clocks have four points against them each
    assert rhythms.downbeats(rhythm) == (0, 2)
    played = rhythms.perform(rhythm, 8, Noise(), 1)
    assert questions.is_found(0.8 * np.arange(33), rhythm, played)
    assert questions.is_found(0.4 + 0.8 * np.arange(33), rhythm, played)
    assert not questions.is_found(0.2 + 0.8 * np.arange(33), rhythm, played)


def test_a_row_of_the_study_is_made_again() -> None:
    row = questions.stood("none", 0.0, "as written", 1_800)
    assert (row.on_step, row.steps, row.in_place, row.returned) == (row.played, 192, 1.0, 1)
