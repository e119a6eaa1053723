"""Listening by measuring: what is heard in the decoded sound is what the notes say."""

import base64
import io
import re
import time
import tracemalloc

import numpy as np
import pytest
import soundfile

from lstm_from_scratch import files
from lstm_from_scratch.music import audio
from lstm_from_scratch.music.audio import RATE, player, seconds, synthesise, write_audio
from lstm_from_scratch.music.blues import Note, chorus


def decoded(signal):
    samples, rate = soundfile.read(io.BytesIO(audio.encode_mp3(signal)))
    assert rate == RATE
    return samples


def onsets(signal):
    """Times at which the sound's energy jumps, in seconds, by spectral flux in 5 ms hops."""
    hop, size, lead = RATE // 200, 512, RATE // 10
    padded = np.pad(signal, (lead, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    spectrum = np.log1p(30 * np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)))
    flux = np.maximum(np.diff(spectrum, axis=0), 0).sum(axis=1)
    peaks = [
        i
        for i in range(len(flux))
        if flux[i] == flux[max(0, i - 8) : i + 9].max() and flux[i] > 0.15 * flux.max()
    ]
    # The rise from one frame to the next is steepest when the onset lies in the middle of both.
    return ((np.array(peaks) + 0.5) * hop + size / 2 - lead) / RATE


def loudest(signal, start, end):
    """The frequency of the highest spectral peak between two times, by parabolic interpolation."""
    part = signal[int(start * RATE) : int(end * RATE)]
    size = 1 << 17
    spectrum = np.log(np.abs(np.fft.rfft(part * np.hanning(len(part)), size)) + 1e-12)
    k = int(np.argmax(spectrum))
    a, b, c = spectrum[k - 1 : k + 2]
    return (k + 0.5 * (a - c) / (a - 2 * b + c)) * RATE / size


@pytest.mark.parametrize("swing", [0.5, 0.6])
def test_onsets_in_the_decoded_sound_are_where_the_notes_are(swing):
    rng = np.random.default_rng(3)
    steps = np.flatnonzero(rng.random(64) < 0.6)
    notes = [Note(int(rng.integers(60, 73)), int(step), 1) for step in steps]
    found = onsets(decoded(synthesise(notes, swing=swing)))
    expected = np.array([seconds(int(step), 120, swing) for step in steps])
    distance = np.abs(found[:, None] - expected[None, :])
    assert distance.min(axis=0).max() < 0.020  # every note is heard at its time
    assert distance.min(axis=1).max() < 0.020  # and nothing else is


def test_onsets_of_a_chorus_keep_the_tempo():
    piece = chorus(1234)
    for tempo in (96, 160):
        found = onsets(decoded(synthesise({"melody": piece.melody}, tempo=tempo)))
        expected = np.arange(48) * 60 / tempo
        assert np.abs(found[:, None] - expected).min(axis=0).max() < 0.020


@pytest.mark.parametrize("pitch", [40, 48, 55, 60, 63, 69, 72, 84, 100])
def test_pitches_are_in_tune(pitch):
    signal = decoded(synthesise({"melody": [Note(pitch, 0, 4)]}))
    heard = loudest(signal, 0.1, 0.9)
    assert abs(1200 * np.log2(heard / (440 * 2 ** ((pitch - 69) / 12)))) < 3


def test_a_chord_sounds_all_its_notes_and_no_others():
    signal = decoded(synthesise({"chords": [Note(p, 0, 8) for p in (48, 52, 55, 58)]}))
    spectrum = np.abs(np.fft.rfft(signal[:RATE] * np.hanning(RATE)))  # one bin is one Hz
    level = {p: spectrum[round(audio.frequency(p))] for p in range(48, 60)}
    on = [level[p] for p in (48, 52, 55, 58)]
    off = [level[p] for p in (49, 50, 51, 53, 54, 56, 57, 59)]
    assert min(on) > 10 * max(off)


def test_nothing_aliases():
    """A high note's partials beyond half the sample rate are left out, not folded down."""
    signal = synthesise({"melody": [Note(110, 0, 8)]})[: RATE // 2]
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal))))
    frequencies = np.fft.rfftfreq(len(signal), 1 / RATE)
    below = spectrum[frequencies < audio.frequency(110) - 100]
    assert below.max() < 1e-3 * spectrum.max()


def test_no_piece_clips_and_all_are_equally_loud():
    pieces = [
        chorus(0),
        chorus(4095),
        {"chords": chorus(0).chords},
        {"melody": chorus(0).melody},
        [Note(60, 0, 1)],
        [Note(p, 0, 8) for p in range(48, 73)],
        {f"voice {i}": [Note(60, 0, 2)] for i in range(12)},
    ]
    loudness = []
    for piece in pieces:
        signal = synthesise(piece)
        assert np.abs(signal).max() <= audio.PEAK + 1e-6
        assert np.abs(decoded(signal)).max() < 0.95
        blocks = signal[: len(signal) // 220 * 220].reshape(-1, 220)
        power = (blocks.astype(float) ** 2).mean(axis=1)
        loudness.append(10 * np.log10(power[power > 1e-4 * power.max()].mean()))
    assert np.ptp(loudness[:4]) < 0.5  # dB: choruses, whole or in parts
    assert np.ptp(loudness) < 4


def test_a_sound_is_the_same_in_whatever_stretches_it_is_mixed(monkeypatch):
    chords = [Note(pitch, 4, 7) for pitch in (48, 52, 55)]
    piece = {"chords": chords, "melody": [Note(70, 0, 9), Note(72, 3, 1), Note(36, 5, 1)]}
    whole = synthesise(piece, brush=True, swing=0.6)
    assert len(whole) < audio._STRETCH
    for blocks in (1, 7, 100, 250):
        monkeypatch.setattr(audio, "_STRETCH", blocks * audio._BLOCK)
        np.testing.assert_array_equal(synthesise(piece, brush=True, swing=0.6), whole)


def test_a_long_sound_takes_little_more_room_than_itself():
    notes = [Note(pitch, 0, 2_400) for pitch in range(60, 72)]  # ten minutes, all of them
    tracemalloc.start()
    sound = synthesise(notes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(sound) > 600 * RATE
    assert peak < sound.nbytes + 120_000_000


def test_the_peak_of_a_chorus_uses_the_range():
    assert 0.7 <= np.abs(synthesise(chorus(77))).max() <= 0.9


def test_the_sound_ends_in_silence_without_a_click():
    signal = synthesise(chorus(3))
    assert len(signal) == pytest.approx((24 + audio.TAIL) * RATE, abs=2)
    assert not signal[-int(0.2 * RATE) :].any()
    assert np.abs(np.diff(signal[int(24.05 * RATE) :])).max() < 0.03
    assert np.abs(decoded(signal)[-int(0.1 * RATE) :]).max() < 1e-3


def test_rests_are_silent_and_a_repeated_note_is_struck_again():
    signal = synthesise([Note(60, 0, 2), Note(60, 4, 2)])
    assert not signal[int(0.6 * RATE) : int(0.99 * RATE)].any()
    repeated = synthesise({"melody": [Note(60, 0, 2), Note(60, 2, 2)]})
    held = synthesise({"melody": [Note(60, 0, 4)]})
    assert len(onsets(decoded(repeated))) == 2
    assert len(onsets(decoded(held))) == 1


def test_the_same_notes_give_the_same_bytes():
    piece = chorus(1000)
    shuffled = {"chords": piece.chords[::-1], "melody": piece.melody[::-1]}
    first, second, third = (player(p).mp3 for p in (piece, piece, piece.notes))
    assert first == second == third == player(shuffled).mp3
    assert first != player(chorus(1001)).mp3


def test_silence_is_silent():
    signal = synthesise([])
    assert signal.dtype == np.float32
    assert not signal.any()
    assert "audio" in player([])._repr_html_()


def test_the_brush_plays_on_two_and_four_and_only_if_asked():
    notes = [Note(48, 0, 16)]
    plain, brushed = synthesise(notes), synthesise(notes, brush=True)
    high = []
    for signal in (plain, brushed):
        frames = signal[: 8 * RATE // 2].reshape(8, -1)  # a beat each
        spectrum = np.abs(np.fft.rfft(frames, axis=1)) ** 2
        high.append(spectrum[:, int(3000 / (RATE / frames.shape[1])) :].sum(axis=1))
    gain = high[1] / (high[0] + 1e-3)
    assert (gain[1::2] > 10).all()
    assert (gain[::2] < 2).all()


def test_a_chorus_is_made_in_a_moment():
    synthesise(chorus(1))
    times = []  # of this process alone: others may keep the machine busy
    for _ in range(5):
        began = time.process_time()
        synthesise(chorus(2))
        times.append(time.process_time() - began)
    assert min(times) < 0.3


def test_time_goes_by_beats():
    assert [seconds(s) for s in range(5)] == [0, 0.25, 0.5, 0.75, 1.0]
    assert [seconds(s, 60, 0.6) for s in range(4)] == pytest.approx([0, 0.6, 1, 1.6])


@pytest.mark.parametrize(
    ("music", "options", "message"),
    [
        (
            [Note(60, 0, 1)],
            {"tempo": 0},
            "tempo: expected a number of beats a minute from 4 to 1,000, got 0",
        ),
        (
            [],
            {"tempo": float("inf")},
            "tempo: expected a number of beats a minute from 4 to 1,000, got inf",
        ),
        ([], {"swing": 0.4}, r"swing: expected a number from 0\.5 to 0\.8, got 0\.4"),
        ([], {"swing": float("nan")}, r"swing: expected a number from 0\.5 to 0\.8, got nan"),
        ([(60, 0.5, 1)], {}, "whole numbers"),
        ([Note(127, 0, 1)], {}, "too high"),
    ],
)
def test_bad_input_is_refused(music, options, message):
    with pytest.raises(ValueError, match=message):
        synthesise(music, **options)


def test_the_player_is_one_labelled_audio_element():
    page = player(chorus(1234), "First <try> & more")._repr_html_()
    assert 80_000 < len(page) < 200_000
    label = "First &lt;try&gt; &amp; more"
    found = re.search(
        r'<audio controls preload="metadata" aria-label="([^"]*)" style="[^"]*" '
        r'src="data:audio/mpeg;base64,([^"]*)"></audio>',
        page,
    )
    assert found[1] == label
    assert f"<figcaption>{label} (24 s)</figcaption>" in page
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(found[2])))
    assert len(samples) / rate == pytest.approx(24 + audio.TAIL, abs=0.01)
    assert "http" not in page
    assert "script" not in page


def test_the_player_is_short_as_text():
    assert repr(player([Note(60, 0, 2)], "Middle C")) == "Player('Middle C', 0.9 s)"
    assert player(chorus(7)).title == "Chorus 7"


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.MP3"])
def test_files_hold_the_sound(name, tmp_path):
    signal = synthesise(chorus(4))
    samples, rate = soundfile.read(write_audio(signal, tmp_path / name))
    assert rate == RATE
    assert len(samples) == len(signal)
    difference = np.sqrt(((samples - signal) ** 2).mean())
    assert difference < (1e-4 if name.endswith("wav") else 0.01)


@pytest.mark.parametrize(
    ("signal", "name", "message"),
    [
        (np.zeros(10), "a.ogg", r"ends in \.mp3 or \.wav"),
        (np.zeros((10, 2)), "a.wav", r"got|shape \(10, 2\)"),
        (np.array([0.0, 1.5]), "a.wav", "1 samples out of range"),
        (np.array([0.0, np.nan]), "a.mp3", "1 samples out of range"),
    ],
)
def test_what_is_not_sound_is_not_written(signal, name, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_audio(signal, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_write_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = write_audio(synthesise([Note(60, 0, 1)]), tmp_path / "a.wav")
    before = path.read_bytes()

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        write_audio(synthesise([Note(72, 0, 1)]), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_a_choice_shows_one_sound_at_a_time_and_holds_all_of_them():
    players = {name: player([Note(60 + n, 0, 1)], name) for n, name in enumerate(("a", "<b>", "c"))}
    shown = audio.Choice("Pick & hear", players)._repr_html_()
    assert re.findall(r'<label for="([^"]+)"', shown) == re.findall(
        r'radio" .*?id="([^"]+)"', shown
    )
    assert len(set(re.findall(r'radio" .*?id="([^"]+)"', shown))) == 3
    assert shown.count(" checked") == 1
    assert "Pick &amp; hear" in shown and "&lt;b&gt;" in shown and "<b>" not in shown
    for sound in players.values():
        assert base64.b64encode(sound.mp3).decode() in shown
    # Another choice on the same page has buttons of its own.
    other = audio.Choice("Pick & hear", {"a": players["c"]})._repr_html_()
    assert not set(re.findall(r'id="([^"]+)"', shown)) & set(re.findall(r'id="([^"]+)"', other))
    with pytest.raises(ValueError, match=r"players: expected one at least, got \{\}"):
        audio.Choice("nothing", {})
