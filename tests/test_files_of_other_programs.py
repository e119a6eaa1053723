"""Files that other programs wrote, as `data/tunes/make.py` says, are read as they were meant."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from lstm_from_scratch.music import tunes
from lstm_from_scratch.music.tunes.source import Metre

FILES = Path(__file__).parent / "data" / "tunes"
ROUND = "Cmaj7 Am7 Dm7 G7(b9) Cmaj7 Am7 F/C Gsus4 Am7 F/C C6"


@pytest.mark.parametrize("name", ["musescore_last_bus.mxl", "music21_last_bus.mxl"])
def test_a_lead_sheet_that_went_through_another_program_is_the_same(name: str) -> None:
    known = tunes.read(tunes.EXAMPLES / "last_bus.musicxml")
    again = tunes.read(FILES / name)
    assert (again.melody, again.chords, again.symbols) == (
        known.melody,
        known.chords,
        known.symbols,
    )
    assert (again.pickup, again.steps, again.metres) == (3, 96, (Metre(0, 4, 4),))
    assert (again.tempo, again.key) == (known.tempo, known.key)


def test_midi_of_a_notation_program_has_the_melody_and_the_pickup() -> None:
    known = tunes.read(tunes.EXAMPLES / "last_bus.musicxml")
    again = tunes.read(FILES / "musescore_last_bus.mid")
    assert (again.melody, again.pickup, again.steps) == (known.melody, 3, 96)
    assert again.metres == (Metre(0, 4, 4),)  # the last bar's 3/4 is completed by the pickup


def test_repeats_are_played_as_the_notation_program_plays_them() -> None:
    """MuseScore's MIDI file has them written out; its MusicXML has the signs."""
    by_hand, signs = (tunes.read(FILES / it) for it in ("round.musicxml", "musescore_round.mxl"))
    midi = tunes.read(FILES / "musescore_round.mid")
    for tune in (by_hand, signs):
        assert " ".join(said for _, said in tune.symbols) == ROUND
        assert tune.melody == midi.melody
        assert (tune.pickup, tune.steps) == (midi.pickup, midi.steps) == (3, 120)
        assert "7 bars as 11: D.S. al Coda after bar 5, To Coda after bar 4" in tune.report()


def test_what_music21_writes_as_words_is_followed() -> None:
    tune = tunes.read(FILES / "music21_round.mxl")
    assert "6 bars as 10: D.S. al Fine after bar 5, Fine after bar 4" in tune.report()
    assert tune.symbols[3][1] == "G7" and tune.tempo == 90


def test_symbols_without_length_are_no_notes() -> None:
    """In MIDI music21 ends the notes of a chord symbol at the tick they begin at, and before."""
    tune = tunes.read(FILES / "music21_last_bus.mid", pickup=1)
    known = tunes.read(tunes.EXAMPLES / "last_bus.musicxml")
    assert (tune.melody, tune.chords, tune.pickup) == (known.melody, (), 3)
    assert "A note that ends where it begins was dropped, 30 times" in tune.report()


def test_an_end_before_each_note_does_no_harm(tmp_path: Path) -> None:
    """Some programs send an end before each note, to be sure; its own end comes later."""
    track, now = mido.MidiTrack(), 0
    for kind, tick in [
        ("off", 0),
        ("on", 0),
        ("off", 480),
        ("off", 960),
        ("on", 960),
        ("off", 1440),
    ]:
        track.append(mido.Message(f"note_{kind}", note=60, time=tick - now))
        now = tick
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(track)
    file.save(tmp_path / "a.mid")
    assert tunes.read(tmp_path / "a.mid").melody == ((60, 0, 2), (60, 4, 2))


def test_pretty_midi_s_times_come_out_on_the_grid() -> None:
    tune = tunes.read(FILES / "pretty_midi_waltz.mid")
    assert (tune.grid, tune.metres, tune.steps) == (8, (Metre(0, 3, 4),), 24)
    assert tune.tempo == pytest.approx(100) and tune.key == -1
    assert [(n.onset, n.duration) for n in tune.melody[:5]] == [
        (0, 2), (2, 2), (4, 2), (6, 3), (9, 1)
    ]  # fmt: skip
    assert [part.program for part in tune.parts] == [73, 24]
    report = tune.report()
    assert "no note moved" in report and "4 notes of drums were left out" in report
    assert "The melody is from 'flute', the chords from the notes of 'guitar'" in report
