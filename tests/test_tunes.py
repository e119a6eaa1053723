"""Tunes of one's own: what comes in is what was meant, whatever wrote the file."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
from signatures import within

from lstm_from_scratch import limits, music
from lstm_from_scratch.music import score, tunes
from lstm_from_scratch.music.blues import TWELVE_BAR, Note, chord_tones, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, Encoding
from lstm_from_scratch.music.tunes import grid, sheet, symbols, voices
from lstm_from_scratch.music.tunes.source import Metre, Played, Remarks, Tempo, bar_at
from lstm_from_scratch.music.tunes.tune import Tune
from lstm_from_scratch.music.tunes.voices import Part


@pytest.fixture
def cases(root: Path) -> Path:
    """Small MIDI files that people really have; they stand beside the checkout, not in it."""
    folder = root.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip(f"there is no folder {folder}: the files of other programs are not tried")
    return folder


def midi(path: Path, *tracks: list, division: int = 480, kind: int = 1) -> Path:
    """A MIDI file of mido's, each track a list of (tick, message)."""
    file = mido.MidiFile(type=kind, ticks_per_beat=division)
    for events in tracks:
        now, track = 0, mido.MidiTrack()
        for tick, message in sorted(events, key=lambda it: it[0]):
            track.append(message.copy(time=tick - now))
            now = tick
        file.tracks.append(track)
    file.save(path)
    return path


def struck(notes: list, channel: int = 0) -> list:
    """Events of notes given as pitch, first tick, last tick."""
    events = []
    for pitch, start, end in notes:
        events.append((start, mido.Message("note_on", note=pitch, channel=channel)))
        events.append((end, mido.Message("note_off", note=pitch, channel=channel)))
    return sorted(events, key=lambda it: (it[0], it[1].type == "note_on"))


def named(name: str, events: list) -> list:
    return [(0, mido.MetaMessage("track_name", name=name)), *events]


# ---- Every case does what its line says ----------------------------------------------------------

READ = {
    "ok_plain": "no note moved",
    "one_tick_early": "ends by 0.00",
    "played_by_hand": "beginnings moved by 0.01 steps in the mean, at most 0.01",
    "triplets": "Grid: 12 steps a whole note (triplets of eighth notes)",
    "sixteenths": "Grid: 16 steps a whole note (sixteenth notes)",
    "odd_division_97": "Grid: 8 steps a whole note (eighth notes)",
    "key_8_sharps": "A key signature that can't be (+8 sharps, mode 0) was left out",
    "key_mode_255": "A key signature that can't be (-2 sharps, mode 255) was left out",
    "track_length_too_long": "A track claims 27 bytes and ends after 22 (track 0)",
    "alien_chunk_between": "A chunk b'XFIH' that is no track was passed over",
    "running_status": "no note moved",
    "running_status_over_sysex": "running status was kept over a system message",
    "zero_length_note": "dropped (pitch 72, track 0, bar 1, tick 0)",
    "overlap_same_pitch": "struck again while it sounds ends there (pitch 60, track 0, bar 1",
    "on_before_off_same_tick": "struck again before its end was written, at one tick (pitch 60",
    "two_channels_one_track": "The melody is from 'channel 1', the chords from the notes of "
    "'channel 2'",
    "unison_in_two_tracks": "The melody is from 'right', the chords from the notes of 'left'",
    "sustain_pedal": "The pedal lengthened a note (track 0, bar 1, tick 0)",
    "tempo_90_waltz": "1 bar of 3/4, 90 quarter notes a minute",
    "name_shift_jis": "The melody is from 'メロディ'",
}
REFUSED = {
    "drums_only": "no notes to play in it but 1 note of drums",
    "no_notes": "no notes to play in it",
    "empty_file": "the file is empty",
    "smpte_25fps": "film frames .25 a second.*save it again in ticks",
    "format_2": "independent patterns.*save one of them",
    "division_0": "0 ticks to a quarter note.*save it again",
    "cut_short": "track 0: cut short: the file ends within an event, after 35 bytes",
}


@pytest.mark.parametrize("name", READ)
def test_a_case_is_read_and_what_was_done_is_said(name: str, cases: Path) -> None:
    report = tunes.read(cases / f"{name}.mid").report()
    assert READ[name] in report, report


@pytest.mark.parametrize("name", REFUSED)
def test_a_case_is_refused_with_the_reason_and_the_file(name: str, cases: Path) -> None:
    with pytest.raises(ValueError, match=REFUSED[name]) as refused:
        tunes.read(cases / f"{name}.mid")
    assert f"{name}.mid" in str(refused.value)
    assert ("cut short" in str(refused.value)) == (name == "cut_short")


def test_no_case_is_left_out(cases: Path) -> None:
    assert {path.stem for path in cases.glob("*.mid")} == READ.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", READ)
def test_a_case_is_written_back_with_its_parts_metre_tempo_and_programs(
    name: str, cases: Path, tmp_path: Path
) -> None:
    tune = tunes.read(cases / f"{name}.mid")
    path = tunes.write(tune, tmp_path / "again.mid", all_parts=True)
    again = tunes.read(path, grid=tune.grid)
    assert [part[1:] for part in again.parts] == [part[1:] for part in tune.parts]
    assert (again.metres, again.tempo) == (tune.metres, pytest.approx(tune.tempo, abs=1e-3))


def test_a_case_gives_the_notes_that_are_in_it(cases: Path) -> None:
    def melody(name: str) -> tuple:
        return tunes.read(cases / f"{name}.mid").melody

    assert melody("ok_plain") == ((60, 0, 2), (63, 2, 2))
    assert (
        melody("running_status_over_sysex")
        == melody("track_length_too_long")
        == (
            (60, 0, 2),
            (63, 2, 2),
        )
    )
    assert melody("on_before_off_same_tick") == ((60, 0, 2), (60, 2, 2))
    assert melody("overlap_same_pitch") == ((60, 0, 1), (60, 1, 2))
    assert melody("sustain_pedal") == ((60, 0, 4),)
    assert melody("triplets") == ((60, 0, 1), (63, 1, 1), (65, 2, 1))


# ---- MIDI ----------------------------------------------------------------------------------------


def random_tune(seed: int) -> Tune:
    """A tune on any grid, in any metre, with rests, repeated notes, perhaps a pickup."""
    rng = np.random.default_rng(seed)
    steps_a_whole = int(rng.choice([8, 12, 16, 24, 32, 48]))
    metres = [(4, 4), (3, 4), (6, 8), (2, 4), (5, 4)]
    metres = [(b, u) for b, u in metres if steps_a_whole * b % u == 0]
    beats, unit = metres[rng.integers(len(metres))]
    bar = steps_a_whole * beats // unit
    bars = int(rng.integers(2, 6))
    steps = bar * bars
    at, melody = 0, []
    while at < steps:
        duration = min(int(rng.integers(1, max(2, bar // 2))), steps - at)
        if rng.random() < 0.75:
            melody.append(Note(int(rng.integers(60, 80)), at, duration))
        at += duration
    pitches = [sorted({int(it) for it in rng.integers(36, 58, size=3)}) for _ in range(bars)]
    chords = tuple(Note(p, n * bar, bar) for n, tones in enumerate(pitches) for p in tones)
    return Tune(
        "a tune",
        steps_a_whole,
        steps,
        (Metre(0, beats, unit),),
        (Tempo(0, float(rng.integers(40, 240))),),
        tuple(melody) or (Note(60, 0, 1),),
        chords,
        pickup=steps_a_whole // 4 if rng.random() < 0.4 and bar > steps_a_whole // 4 else 0,
        key=int(rng.integers(-7, 8)),
    )


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("suffix", ["mid", "musicxml"])
def test_a_random_tune_comes_back(seed: int, suffix: str, tmp_path: Path) -> None:
    tune = random_tune(seed)
    write = tunes.write if suffix == "mid" else sheet.write_musicxml
    path = write(tune, tmp_path / f"a.{suffix}")
    again = tunes.read(path, grid=tune.grid, harmony="as played", name=tune.name)
    assert again.music == tune.music
    assert (again.metres, again.steps, again.pickup) == (tune.metres, tune.steps, tune.pickup)
    assert again.tempo == pytest.approx(tune.tempo, abs=1e-3)
    assert again.key == tune.key
    assert (again.roll() == tune.roll()).all()


@pytest.mark.parametrize("number", [0, 1234, 4095])
def test_a_chorus_of_the_book_is_heard_as_the_book_hears_it(number: int, tmp_path: Path) -> None:
    piece = chorus(number)
    for path in (
        music.write_midi(piece, tmp_path / "a.mid"),
        score.write_musicxml(piece, tmp_path / "a.musicxml"),
    ):
        tune = tunes.read(path)
        expected = CHORDS_AND_MELODY.encode(piece.notes, 96)
        assert (tune.roll(CHORDS_AND_MELODY) == expected).all(), path
        assert (tune.bars, tune.grid, tune.metres) == (12, 8, (Metre(0, 4, 4),))


def test_tempo_and_metre_may_change(tmp_path: Path) -> None:
    conductor = [
        (0, mido.MetaMessage("time_signature", numerator=3, denominator=4)),
        (2880, mido.MetaMessage("time_signature", numerator=4, denominator=4)),
        (0, mido.MetaMessage("set_tempo", tempo=500_000)),
        (2880, mido.MetaMessage("set_tempo", tempo=1_000_000)),
    ]
    notes = struck([(60 + n, 480 * n, 480 * n + 480) for n in range(10)])
    path = midi(tmp_path / "a.mid", conductor, notes)
    tune = tunes.read(path)
    assert tune.metres == (Metre(0, 3, 4), Metre(12, 4, 4))
    assert tune.tempi == (Tempo(0, 120.0), Tempo(12, 60.0))
    assert tune.bar_lines == (0, 6, 12) and tune.steps == 20
    again = tunes.read(tunes.write(tune, tmp_path / "b.mid"))
    assert (again.metres, again.tempi, again.melody) == (tune.metres, tune.tempi, tune.melody)
    both = {"melody": tuple(n._replace(onset=n.onset + a) for a in (0, 20) for n in tune.melody)}
    twice = tunes.read(tunes.write(tune, tmp_path / "c.mid", music=both, choruses=2))
    assert twice.metres == (Metre(0, 3, 4), Metre(12, 4, 4), Metre(20, 3, 4), Metre(32, 4, 4))


def test_a_short_first_bar_is_a_pickup_and_one_can_be_named(tmp_path: Path) -> None:
    melody = [(67, 0, 480), *((60 + n, 480 * n, 480 * n + 480) for n in range(1, 8))]
    conductor = [
        (0, mido.MetaMessage("time_signature", numerator=1, denominator=4)),
        (480, mido.MetaMessage("time_signature", numerator=4, denominator=4)),
    ]
    tune = tunes.read(midi(tmp_path / "a.mid", conductor, struck(melody)))
    assert (tune.pickup, tune.steps, tune.bar_lines) == (2, 16, (2, 10))
    assert "Pickup: 2 steps before the first bar line" in tune.report()
    plain = tunes.read(midi(tmp_path / "b.mid", struck(melody)), pickup=1)
    assert (plain.pickup, plain.steps, plain.melody) == (2, 16, tune.melody)
    full = [*melody, (72, 480 * 8, 480 * 9)]  # the last bar is whole: no room for the pickup
    long = tunes.read(midi(tmp_path / "c.mid", struck(full)), pickup=1)
    assert (long.pickup, long.steps, long.melody[0]) == (0, 24, Note(67, 6, 2))
    assert "no room for the pickup" in long.report()


def test_silent_bars_in_front_are_left_out_and_drums_told_apart(tmp_path: Path) -> None:
    notes = struck([(60, 3840, 4320)]) + struck([(36, 0, 480)], channel=9)
    tune = tunes.read(midi(tmp_path / "a.mid", notes))
    assert tune.melody == (Note(60, 0, 2),)
    assert "2 silent bars at the beginning left out" in tune.report()
    assert "1 note of drums was left out" in tune.report()


@pytest.mark.parametrize("seed", range(5))
def test_a_performance_is_put_on_the_grid_that_was_played(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    for steps, hits in (
        (8, [0, 2, 3, 4, 6, 7]),
        (12, [0, 1, 2, 3, 6, 8]),
        (16, [0, 1, 2, 4, 7, 8]),
    ):
        notes, expected = [], []
        for bar in range(4):
            for n, hit in enumerate(hits):
                at = (bar * steps + hit) * 1920 / steps
                start = max(0, round(at + rng.normal(0, 9)))  # ticks of a millisecond or so
                notes.append((60 + (n * 5 + bar) % 12, start, start + 70))
                expected.append(bar * steps + hit)
        tune = tunes.read(midi(tmp_path / "a.mid", struck(notes)))
        assert tune.grid == steps
        assert [note.onset for note in tune.melody] == expected
        assert "is the coarsest that fits a performance" in tune.report()


def test_a_few_short_notes_are_enough_for_a_finer_grid(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    steps = [2 * n for n in range(60)] + [31, 67, 95]  # sixteenths, of which few are off the beat
    starts = sorted(max(0, round(120 * step + rng.normal(0, 9))) for step in steps)
    notes = [(60 + n % 12, start, start + 60) for n, start in enumerate(starts)]
    tune = tunes.read(midi(tmp_path / "a.mid", struck(notes)))
    assert tune.grid == 16 and [note.onset for note in tune.melody] == sorted(steps)


def test_swung_eighths_are_eighths_and_the_swing_is_kept(tmp_path: Path) -> None:
    notes = []
    for beat in range(16):
        notes += [(60 + beat % 5, 480 * beat, 480 * beat + 300)]
        notes += [(67 + beat % 3, 480 * beat + 317, 480 * beat + 470)]
    tune = tunes.read(midi(tmp_path / "a.mid", struck(notes)))
    assert tune.grid == 8
    assert [note.onset for note in tune.melody] == list(range(32))
    assert tune.swing == pytest.approx(0.66, abs=0.005)
    assert "Swing: the second eighth note comes at 0.66" in tune.report()


def test_what_is_not_in_the_melody_or_the_chords_is_said(tmp_path: Path) -> None:
    path = midi(
        tmp_path / "a.mid",
        named("strings", struck([(55, 0, 960), (59, 0, 960), (62, 0, 960)])),
        named("sax solo", struck([(72, 0, 480), (74, 480, 960)])),
        named("bass", struck([(36, 0, 480), (43, 480, 960)])),
    )
    tune = tunes.read(path)
    assert "The melody is from 'sax solo', the chords from the notes of 'strings'" in tune.report()
    assert "2 notes of 'bass' were left out" in tune.report()
    asked = tunes.read(path, melody="bass", chords="1")
    assert [note.pitch for note in asked.melody] == [36, 43]
    with pytest.raises(ValueError, match=r"a\.mid: melody: expected a part.*got 'flute'.*3 'bass'"):
        tunes.read(path, melody="flute")


def test_chords_that_change_often_are_taken_by_the_half_bar(tmp_path: Path) -> None:
    broken = [(48 + (0, 4, 7, 4)[n % 4], 240 * n, 240 * n + 240) for n in range(16)]
    path = midi(
        tmp_path / "a.mid",
        named("melody", struck([(72, 0, 3840)])),
        named("guitar", struck(broken)),
    )
    tune = tunes.read(path)
    assert tune.chords == (Note(52, 0, 16),)  # E sounds for half of each half bar, C, G a quarter
    assert "that sound for a third of each half bar or more" in tune.report()
    assert len(tunes.read(path, harmony="as played").chords) == 16


def test_bars_can_be_taken_out(tmp_path: Path) -> None:
    notes = struck([(60 + n, 1920 * n, 1920 * n + 2400) for n in range(4)])
    path = midi(tmp_path / "a.mid", notes)
    tune = tunes.read(path, bars=(2, 3))
    assert tune.steps == 16 and tune.melody == (Note(61, 0, 8), Note(62, 8, 8))
    assert "Bars 2 to 3 of 5 were taken" in tune.report()
    with pytest.raises(ValueError, match=r"bars: expected a first and a last of the 5 bars"):
        tunes.read(path, bars=(4, 9))


def test_symbols_in_a_midi_file_are_the_chords(tmp_path: Path) -> None:
    marks = [(1920 * n, mido.MetaMessage("marker", text=s)) for n, s in enumerate(("Am7", "D9"))]
    path = midi(tmp_path / "a.mid", marks, struck([(72, 0, 3840)]))
    tune = tunes.read(path)
    assert tune.symbols == ((0, "Am7"), (8, "D9"))
    assert {note.pitch % 12 for note in tune.chords if note.onset == 8} == {2, 6, 9, 0, 4}
    sections = [
        (0, mido.MetaMessage("marker", text="A")),
        (1920, mido.MetaMessage("marker", text="B")),
    ]
    assert tunes.read(midi(tmp_path / "b.mid", sections, struck([(72, 0, 3840)]))).symbols == ()


# ---- Bounded time and memory ---------------------------------------------------------------------


def header(tracks: int = 1, division: int = 480) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, 1, tracks, division)


def track(data: bytes) -> bytes:
    return b"MTrk" + struct.pack(">I", len(data)) + data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            header(division=1) + track(b"\x00\x90\x3c\x50" + b"\xff\xff\xff\x7f\x80\x3c\x00" * 3),
            "expected at most 96,000 steps",
        ),
        (header() + track(b"\x00\x90\x3c\x50\x01\x80\x3c\x00" * 150_000), "at most 100,000 notes"),
        (header() + track(b"\x00\xb0\x01\x01" * 1_100_000), "at most 1,000,000 events"),
        (b"MThd" + b"\0" * (limits.FILE + 1), "expected a file of at most 10,000,000 bytes"),
        (
            header() + track(b"\x00\x3c\x50"),
            "damaged at byte 24, tick 0: expected an event, got 60",
        ),
        (header() + track(b"\xff\xff\xff\xff\xff\x90"), "a number of over four bytes"),
        (header()[:9], "cut short within its header"),
        (b"not music", "expected a MIDI file, which begins with b'MThd', or MusicXML"),
    ],
)
def test_a_hostile_file_is_refused_soon(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(data)
    with within(30), pytest.raises(ValueError, match=message) as refused:
        tunes.read(tmp_path / "a.mid")
    assert "a.mid" in str(refused.value)


def test_a_tempo_of_zero_is_left_out(tmp_path: Path) -> None:
    data = b"\x00\xff\x51\x03\x00\x00\x00" + b"\x00\x90\x3c\x50\x83\x60\x80\x3c\x00\x00\xff\x2f\x00"
    (tmp_path / "a.mid").write_bytes(header() + track(data))
    tune = tunes.read(tmp_path / "a.mid")
    assert tune.tempo == 120 and "A tempo of 0 beats a minute was left out" in tune.report()


def test_no_truncated_file_is_read_but_at_the_end_of_an_event(tmp_path: Path) -> None:
    whole = music.write_midi(chorus(9), tmp_path / "a.mid").read_bytes()
    part = tmp_path / "part.mid"
    for length in [*range(0, 120), *range(120, len(whole), 13), len(whole) - 1]:
        part.write_bytes(whole[:length])
        try:
            report = tunes.read(part).report()
        except ValueError as error:
            assert "part.mid" in str(error)
        else:
            assert "does not say where it ends" in report or "is none" in report


# ---- MusicXML ------------------------------------------------------------------------------------

PAGE = """<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1">
<part-name>Voice</part-name></score-part></part-list><part id="P1">{}</part></score-partwise>"""
ATTRIBUTES = """<attributes><divisions>{}</divisions><key><fifths>-2</fifths></key><time><beats>{}
</beats><beat-type>4</beat-type></time></attributes>"""


def note(step: str, duration: int, more: str = "", octave: int = 4, after: str = "") -> str:
    pitch = f"<pitch><step>{step}</step><octave>{octave}</octave></pitch>"
    return f"<note>{more}{pitch}<duration>{duration}</duration>{after}</note>"


def page(tmp_path: Path, *measures: str, divisions: int = 2, beats: int = 4) -> Path:
    attributes = ATTRIBUTES.format(divisions, beats)
    bars = [
        f'<measure number="{n}">{attributes if n == 1 else ""}{it}</measure>'
        for n, it in enumerate(measures, start=1)
    ]
    path = tmp_path / "a.musicxml"
    path.write_text(PAGE.format("".join(bars)), encoding="utf-8")
    return path


def test_ties_chords_voices_and_rests_are_read(tmp_path: Path) -> None:
    low = note("C", 8, octave=3, after="<voice>2</voice>")
    tune = tunes.read(
        page(
            tmp_path,
            note("C", 4, after='<tie type="start"/>')
            + "<note><rest/><duration>2</duration></note>"
            + note("E", 2)
            + "<backup><duration>8</duration></backup>"
            + low,
            note("E", 2, after="")
            + note("G", 2, "<chord/>")
            + "<forward><duration>6</duration></forward>",
        )
    )
    assert [part.name for part in tune.parts] == ["Voice, voice 1", "Voice, voice 2"]
    assert tune.parts[0].notes == ((60, 0, 4), (64, 6, 2), (64, 8, 2), (67, 8, 2))
    assert tune.melody == ((60, 0, 4), (64, 6, 2), (67, 8, 2))
    assert tune.parts[1].notes == ((48, 0, 8),) and tune.key == -2


def test_a_tie_over_the_bar_line_is_one_note(tmp_path: Path) -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    tune = tunes.read(page(tmp_path, note("C", 8, after=start), note("C", 8, after=stop)))
    assert tune.melody == ((60, 0, 16),)
    apart = tunes.read(page(tmp_path, note("C", 8), note("C", 8)))
    assert apart.melody == ((60, 0, 8), (60, 8, 8))


def test_repeats_and_endings_are_written_out(tmp_path: Path) -> None:
    def bar(step: str, left: str = "", right: str = "") -> str:
        return f"{left}{note(step, 8)}{right}"

    start = '<barline location="left"><repeat direction="forward"/></barline>'
    first = '<barline location="left"><ending number="1" type="start"/></barline>'
    back = (
        '<barline location="right"><ending number="1" type="stop"/>'
        '<repeat direction="backward"/></barline>'
    )
    second = '<barline location="left"><ending number="2" type="start"/></barline>'
    done = '<barline location="right"><ending number="2" type="discontinue"/></barline>'
    tune = tunes.read(
        page(
            tmp_path,
            bar("C"),
            bar("D", start),
            bar("E", first, back),
            bar("F", second, done),
            bar("G", right='<barline location="right"><repeat direction="backward"/></barline>'),
        )
    )
    letters = {60: "C", 62: "D", 64: "E", 65: "F", 67: "G"}
    assert "".join(letters[n.pitch] for n in tune.melody) == "CDEDFGG"
    assert "Repeats were written out: 5 bars as 7" in tune.report()


def test_harmony_is_read_with_alterations_and_bass(tmp_path: Path) -> None:
    def harmony(root: str, kind: str, more: str = "") -> str:
        return f"<harmony><root><root-step>{root}</root-step></root>{kind}{more}</harmony>"

    flat = (
        "<degree><degree-value>9</degree-value><degree-alter>-1</degree-alter>"
        "<degree-type>add</degree-type></degree>"
    )
    tune = tunes.read(
        page(
            tmp_path,
            harmony("C", "<kind>dominant</kind>", flat) + note("C", 8),
            harmony("F", "<kind>minor-seventh</kind>", "<bass><bass-step>C</bass-step></bass>")
            + note("C", 8),
            harmony("G", '<kind text="zz">other</kind>') + note("C", 8),
            "<harmony><kind>none</kind></harmony>" + note("C", 8),
        )
    )
    assert [said for _, said in tune.symbols] == ["C7(b9)", "Fm7/C", "Gzz", "N.C."]
    by_bar = [{n.pitch % 12 for n in tune.chords if n.onset == 8 * bar} for bar in range(4)]
    assert by_bar == [{0, 4, 7, 10, 1}, {5, 8, 0, 3}, set(), set()]
    assert "'Gzz' was not understood as a chord symbol: silence there" in tune.report()


def test_an_archive_is_read_even_if_its_container_is_damaged(tmp_path: Path) -> None:
    plain = page(tmp_path, note("C", 8)).read_bytes()
    for container in (
        b'<container><rootfiles><rootfile full-path="a.xml"/></rootfiles></container>',
        b"<",
    ):
        with zipfile.ZipFile(tmp_path / "a.mxl", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("META-INF/container.xml", container)
            archive.writestr("a.xml", plain)
        assert tunes.read(tmp_path / "a.mxl").melody == ((60, 0, 8),)


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", b"<score-partwise>" + b" " * 50_000_000)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a/>', "entities of its own"),
        (bomb(), "expected at most 10,000,000 bytes in it, a.xml has more"),
        (b"<a>" * 1000, "60 within one another"),
        (b"<score-partwise><part>", "damaged XML or cut short"),
        (b"<score-timewise/>", "timewise: save it partwise"),
        (b"<html/>", "expected MusicXML, a score-partwise, got <html>"),
        (b"<score-partwise/>", "there are no bars in it"),
        (b"PK\x03\x04 and no archive", "a damaged archive"),
        (PAGE.format("<measure number='7'>" + note("H", 1) + "</measure>").encode(),
         "part 'Voice', bar 7: a note: expected a letter A to G, got 'H'"),
        (PAGE.format("<measure number='7'>" + note("C", 10**9) + "</measure>").encode(),
         "part 'Voice', bar 7: expected at most 96,000 steps"),
        (PAGE.format("<measure>" + note("C", 1).replace(">1<", ">many<") + "</measure>").encode(),
         "bar 1: duration: expected a number, got 'many'"),
    ],
)  # fmt: skip
def test_a_hostile_score_is_refused_soon(data: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(data)
    with within(30), pytest.raises(ValueError, match=message) as refused:
        tunes.read(tmp_path / "a.xml")
    assert "a.xml" in str(refused.value)


# ---- Chord symbols, voices, encodings ------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "tones"),
    {
        "C9": (0, 2, 4, 7, 10), "Cmin7": (0, 3, 7, 10), "C-7": (0, 3, 7, 10), "CΔ": (0, 4, 7, 11),
        "C7(b9,#11)": (0, 1, 4, 6, 7, 10), "C6/9": (0, 2, 4, 7, 9), "Cø": (0, 3, 6, 10),
        "C+": (0, 4, 8), "C9+": (0, 2, 4, 8, 10), "C7sus4": (0, 5, 7, 10), "CmM7": (0, 3, 7, 11),
        "Csus2": (0, 2, 7), "Cmadd9": (0, 2, 3, 7), "C5": (0, 7), "C13": (0, 2, 4, 7, 9, 10),
        "C7alt": (0, 1, 3, 4, 8, 10), "C°7": (0, 3, 6, 9), "C7no3": (0, 7, 10),
        "C7#9b9": (0, 1, 3, 4, 7, 10),
    }.items(),
)  # fmt: skip
def test_chord_symbols_of_lead_sheets_are_understood(symbol: str, tones: tuple) -> None:
    assert symbols.understood(symbol).tones == tones


@pytest.mark.parametrize("symbol", ["", "H7", "Cfoo", "Intro", "C7//", "c7", "Cadd99", "verse 1"])
def test_what_is_no_chord_symbol_is_not_understood(symbol: str) -> None:
    assert symbols.understood(symbol) is None


def test_the_symbols_of_the_book_mean_what_the_book_says() -> None:
    qualities = ("", "m", "7", "m7", "maj7", "6", "m6", "dim7", "m7b5")
    for root in ("C", "Eb", "F#", "B"):
        for quality in qualities:
            expected = {pitch % 12 for pitch in chord_tones(root + quality)}
            assert symbols.understood(root + quality).classes == expected
    assert symbols.understood("Bb/D").bass == 2 and 2 in symbols.understood("C/D").classes


def test_the_top_line_is_what_is_highest() -> None:
    notes = [Note(60, 0, 4), Note(64, 0, 2), Note(67, 2, 2), Note(50, 2, 1), Note(65, 3, 3)]
    line, others = voices.top_line(notes)
    assert line == (Note(64, 0, 2), Note(67, 2, 2))
    assert others == (Note(60, 0, 4), Note(50, 2, 1), Note(65, 3, 3))


def test_rests_have_a_unit_and_the_blues_is_as_it_was() -> None:
    encoding = Encoding((48,), (60, 62), rest=True)
    roll = encoding.encode([Note(60, 0, 1), Note(48, 0, 3), Note(62, 2, 1)], 4)
    assert roll.tolist() == [[1, 1, 0, 0], [1, 0, 0, 1], [1, 0, 1, 0], [0, 0, 0, 1]]
    assert encoding.decode(roll) == (Note(48, 0, 3), Note(60, 0, 1), Note(62, 2, 1))
    assert encoding.voices(roll) == {
        "chords": (Note(48, 0, 3),),
        "melody": (Note(60, 0, 1), Note(62, 2, 1)),
    }
    assert CHORDS_AND_MELODY.units == 25 and not CHORDS_AND_MELODY.rest
    with pytest.raises(ValueError, match="rest: expected False where there is no melody"):
        Encoding((48,), (), rest=True)


def test_notes_that_repeat_are_parted_by_a_rest() -> None:
    tune = Tune("a", 8, 8, melody=(Note(60, 0, 4), Note(60, 4, 1), Note(60, 5, 3)))
    assert tune.encoding == Encoding((), (60,), rest=True)
    assert tune.roll()[:, 0].tolist() == [1, 1, 1, 0, 1, 1, 1, 1]
    assert "2 notes of the melody repeat the one before" in tune.report()


def test_a_low_melody_has_its_chords_below_it() -> None:
    tune = Tune("a", 8, 8, melody=(Note(50, 0, 8),), chords=(Note(48, 0, 8), Note(64, 0, 8)))
    assert tune.encoding.chords == tuple(range(38, 50))
    assert np.flatnonzero(tune.roll()[0]).tolist() == [2, 10, 12]  # E, C, and the melody


def test_a_tune_can_be_moved(tmp_path: Path) -> None:
    tune = random_tune(3)
    up = tune.transposed(2)
    assert [n.pitch for n in up.melody] == [n.pitch + 2 for n in tune.melody]
    assert up.transposed(-2).melody == tune.melody
    low = tune.within(40, 62)
    assert max(n.pitch for n in low.melody) <= 62
    octaves = low.melody[0].pitch - tune.melody[0].pitch
    assert octaves % 12 == 0 or max(n.pitch for n in tune.melody) - 12 > 62
    with pytest.raises(ValueError, match="does not fit into 60 to 60"):
        tune.within(60, 60)
    symbol = Tune("a", 8, 8, melody=(Note(60, 0, 8),), symbols=((0, "Bb7/D"),), key=-2)
    assert symbol.transposed(2).symbols == ((0, "C7/E"),) and symbol.transposed(2).key == 0


def test_bars_are_counted_with_pickup_and_changes_of_metre() -> None:
    metres = (Metre(0, 4, 4), Metre(4320, 3, 4))
    ticks = [0, 479, 480, 2399, 2400, 4319, 4320, 5759, 5760, 7200]
    assert [bar_at(metres, 480, 1920, it) for it in ticks] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 5]


def test_a_tune_that_can_not_be_is_refused() -> None:
    for changed, message in (
        ({"melody": (Note(60, 0, 2), Note(62, 1, 2))}, "melody: .*one at a time"),
        ({"melody": (Note(60, 7, 2),)}, "melody: .*ends after the last step, 8"),
        ({"grid": 7}, "grid: expected one of"),
        ({"metres": (Metre(0, 7, 64),)}, "metres: a bar of 7/64 is no whole number"),
        ({"metres": (Metre(1, 4, 4),)}, "metres: expected the first at step 0"),
        ({"pickup": 8}, "pickup: expected less than a bar"),
        ({"parts": ((1, 2, 3),)}, "parts, name: expected text"),
        ({"symbols": ((9, "C"),)}, "symbols, step: expected"),
    ):
        with pytest.raises(ValueError, match=message):
            Tune(**({"name": "a", "grid": 8, "steps": 8} | changed))


def test_quantising_says_how_far_and_what_it_changed() -> None:
    remarks = Remarks()
    notes = [Played(60, 0, 10), Played(60, 100, 480), Played(64, 470, 490)]
    put, moved = grid.quantised(notes, 480, grid.Fit(8, "as asked"), remarks, "'piano'")
    assert put == (Note(60, 0, 2), Note(64, 2, 1))
    assert moved.merged == 1 and moved.lengthened == 2 and moved.at == 100
    assert moved.largest == pytest.approx(100 / 240)
    assert any("1 notes of 'piano' were merged" in it for it in remarks.said())


def test_parts_keep_their_names_and_programs(tmp_path: Path) -> None:
    parts = (Part("rechte Hand ♭", 40, (Note(72, 0, 4),)), Part("bass", 32, (Note(40, 0, 8),)))
    tune = Tune("a", 8, 8, melody=parts[0].notes, chords=parts[1].notes, parts=parts)
    again = tunes.read(tunes.write(tune, tmp_path / "a.mid", all_parts=True))
    assert again.parts == parts
    assert TWELVE_BAR.steps == 96


# ---- Examples, and a tune in the page ------------------------------------------------------------


def test_the_examples_are_what_is_said_of_them() -> None:
    last, tram, train = (tunes.read(it) for it in sorted(tunes.EXAMPLES.iterdir()))
    assert [it.name for it in (last, tram, train)] == ["Last Bus", "Night Tram", "Slow Train"]
    assert {(it.grid, it.bars, it.metres) for it in (last, tram, train)} == {
        (12, 8, (Metre(0, 4, 4),))
    }
    assert last.chords == tram.chords and last.pickup == tram.pickup == 3
    assert {said for _, said in train.symbols} == {said for _, said in last.symbols}
    assert all("no note moved" in it.report() for it in (last, tram, train))


def test_a_tune_is_drawn_in_the_page_with_a_description() -> None:
    tune = tunes.read(tunes.EXAMPLES / "last_bus.musicxml")
    sheet_of = sheet.svg(tune, music={"melody": tune.melody})
    assert sheet_of.title == "Last Bus"
    assert sheet_of.description.startswith(
        "A score of 8 bars, 37 notes on the melody staff. The chord symbols read A7, Dm, Gm"
    )
    twice = {"melody": tuple(Note(60, at, 96) for at in (0, 96))}
    assert "16 bars" in sheet.svg(tune, music=twice, choruses=2, title="Twice").description
    pytest.importorskip("verovio")
    assert sheet_of.svg.count('class="notehead"') == 37
