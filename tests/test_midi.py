"""MIDI files: what is written is what is read, and what is not MIDI is refused."""

import mido
import numpy as np
import pytest

from lstm_from_scratch import files
from lstm_from_scratch.music.blues import Note, chorus
from lstm_from_scratch.music.midi import read_midi, read_tracks, tracks, write_midi


def random_notes(rng, size):
    """Notes that may touch and sound together, but never twice at once on one pitch."""
    notes = []
    for pitch in map(int, rng.permutation(128)[: rng.integers(1, 40)]):
        at = int(rng.integers(6))
        for _ in range(rng.integers(1, size)):
            duration = int(rng.integers(1, 30))
            notes.append(Note(pitch, at, duration))
            at += duration + int(rng.integers(3))
    return [notes[i] for i in rng.permutation(len(notes))]


def in_order(notes):
    return tuple(sorted(notes, key=lambda n: (n.onset, n.pitch)))


@pytest.mark.parametrize("seed", range(12))
def test_random_music_comes_back(seed, tmp_path):
    notes = random_notes(np.random.default_rng(seed), 12)
    assert read_midi(write_midi(notes, tmp_path / "a.mid", tempo=90 + 13.7 * seed)) == in_order(
        notes
    )


def test_choruses_come_back_in_two_tracks(tmp_path):
    for number in (0, 1234, 4095):
        piece = chorus(number)
        path = write_midi(piece, tmp_path / "chorus.mid")
        assert read_midi(path) == piece.notes
        assert read_tracks(path) == {"chords": in_order(piece.chords), "melody": piece.melody}


def test_repeated_and_simultaneous_notes_stay_apart(tmp_path):
    notes = (Note(60, 0, 2), Note(64, 0, 2), Note(60, 2, 1), Note(60, 3, 1))
    assert read_midi(write_midi(notes, tmp_path / "a.mid")) == notes


def test_two_tracks_may_share_a_pitch(tmp_path):
    parts = {"left": (Note(60, 0, 8),), "rechte Hand ♭": (Note(60, 2, 1),)}
    path = write_midi(parts, tmp_path / "a.mid", instruments={"left": 11})
    assert read_tracks(path) == parts
    assert read_midi(path) == (Note(60, 0, 8), Note(60, 2, 1))


def test_silence_comes_back(tmp_path):
    assert read_midi(write_midi([], tmp_path / "a.mid")) == ()


def test_another_program_finds_what_it_expects(tmp_path):
    path = write_midi(chorus(5), tmp_path / "a.mid", tempo=150, instruments={"melody": 11})
    file = mido.MidiFile(path)
    assert file.type == 1
    assert [m.tempo for m in file.tracks[0] if m.type == "set_tempo"] == [400_000]
    programs = {m.channel: m.program for t in file.tracks for m in t if m.type == "program_change"}
    assert programs == {0: 4, 1: 11}
    assert file.length == pytest.approx(96 / 2 * 60 / 150)
    onsets, now = [], 0
    for message in file.tracks[2]:
        now += message.time
        if message.type == "note_on":
            onsets.append(now / file.ticks_per_beat)
    assert onsets == list(range(48))


def test_plain_notes_are_parted_at_middle_c():
    assert tracks([Note(60, 0, 1), Note(59, 0, 1)]) == {
        "chords": (Note(59, 0, 1),),
        "melody": (Note(60, 0, 1),),
    }
    assert tracks([]) == {}
    assert tracks({"silent": ()}) == {}


def test_files_of_other_programs_are_read(tmp_path):
    """Type 0, another division, velocity 0 for an end, drums and stray ends: all common."""
    track = mido.MidiTrack(
        [
            mido.Message("note_off", note=50, time=0),
            mido.Message("note_on", note=61, velocity=1, time=96),
            mido.Message("note_on", note=36, channel=9, velocity=99, time=5),
            mido.Message("note_on", note=61, velocity=0, time=43),
            mido.Message("note_on", note=61, velocity=80, channel=3, time=0),
            mido.Message("note_off", note=61, velocity=64, channel=3, time=144),
        ]
    )
    mido.MidiFile(type=0, ticks_per_beat=96, tracks=[track]).save(tmp_path / "a.mid")
    assert read_midi(tmp_path / "a.mid") == (Note(61, 2, 1), Note(61, 3, 3))


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([("note_on", 3), ("note_off", 480)], "tick 3 falls between two steps"),
        ([("note_on", 240), ("note_off", 230)], "tick 470 falls between two steps"),
        ([("note_on", 0)], "pitch 60 never ends"),
        ([("note_on", 0), ("note_on", 240), ("note_off", 240)], "begins twice"),
        ([("note_on", 0), ("note_off", 0)], "duration above 0"),
    ],
)
def test_notes_that_are_not_on_steps_are_refused(messages, message, tmp_path):
    track = mido.MidiTrack(mido.Message(kind, note=60, time=time) for kind, time in messages)
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(tmp_path / "a.mid")
    with pytest.raises(ValueError, match=message):
        read_midi(tmp_path / "a.mid")


def test_no_truncated_file_is_read(tmp_path):
    whole = write_midi(chorus(9), tmp_path / "a.mid").read_bytes()
    part = tmp_path / "part.mid"
    for length in [*range(0, 120), *range(120, len(whole), 17), len(whole) - 1]:
        part.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=f"{length} bytes"):
            read_midi(part)


@pytest.mark.parametrize("seed", range(4))
def test_damage_is_an_error_that_says_so_or_harmless(seed, tmp_path):
    rng = np.random.default_rng(seed)
    whole = np.frombuffer(write_midi(chorus(9), tmp_path / "a.mid").read_bytes(), np.uint8)
    for _ in range(100):
        damaged = whole.copy()
        damaged[rng.integers(len(whole), size=3)] = rng.integers(256, size=3)
        (tmp_path / "b.mid").write_bytes(damaged.tobytes())
        try:
            notes = read_midi(tmp_path / "b.mid")
        except ValueError:
            continue
        assert all(isinstance(note, Note) for note in notes)


@pytest.mark.parametrize("data", [b"", b"RIFF\0\0\0\0WAVE", b"not music", bytes(range(64))])
def test_what_is_not_midi_is_refused(data, tmp_path):
    (tmp_path / "a.mid").write_bytes(data)
    with pytest.raises(ValueError, match="is not a MIDI file"):
        read_midi(tmp_path / "a.mid")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.mid"):
        read_midi(tmp_path / "nothing.mid")


@pytest.mark.parametrize(
    ("music", "options", "message"),
    [
        ([Note(60, 0, 4), Note(60, 3, 1)], {}, "before the note of the same pitch ends"),
        ([Note(60, 0, 4)] * 2, {}, "before the note of the same pitch ends"),
        ([Note(128, 0, 1)], {}, "0 to 127"),
        ([Note(60, 0.25, 1)], {}, "whole numbers"),
        (
            [Note(60, 0, 1)],
            {"tempo": 0},
            "tempo: expected a number of beats a minute from 4 to 1,000, got 0",
        ),
        (
            [Note(60, 0, 1)],
            {"tempo": float("nan")},
            "tempo: expected a number of beats a minute from 4 to 1,000, got nan",
        ),
        (
            [Note(60, 0, 1)],
            {"instruments": {"melody": 128}},
            "instruments of 'melody': expected a whole number from 0 to 127, got 128",
        ),
        ({str(i): [Note(60, 0, 1)] for i in range(16)}, {}, "16 tracks"),
    ],
)
def test_what_can_not_be_written_is_refused_and_leaves_the_old_file(
    music, options, message, tmp_path
):
    path = write_midi([Note(60, 0, 1)], tmp_path / "a.mid")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=message):
        write_midi(music, path, **options)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mid"]


def test_an_interrupted_write_leaves_the_old_file_whole(tmp_path, monkeypatch):
    path = write_midi(chorus(1), tmp_path / "a.mid")
    before = path.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_midi(chorus(2), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.mid"]


def test_fifteen_tracks_avoid_the_drums(tmp_path):
    parts = {f"voice {i}": (Note(60 + i, 0, 1),) for i in range(15)}
    assert read_tracks(write_midi(parts, tmp_path / "a.mid")) == parts
