"""Write the files beside this one, in an environment that has the programs; no test runs it.

    python -m venv other && other/bin/pip install music21==10.5.1 pretty_midi==0.2.11
    other/bin/python make.py

and, for those of MuseScore (here 3.2.3, Debian's ``musescore3``), from this folder:

    export QT_QPA_PLATFORM=offscreen
    cp ../../../lstm_from_scratch/music/tunes/examples/last_bus.musicxml .
    for kind in mxl mid; do
        musescore3 -o musescore_round.$kind round.musicxml
        musescore3 -o musescore_last_bus.$kind last_bus.musicxml
    done
    rm last_bus.musicxml

``round.musicxml`` was written by hand.
"""

from fractions import Fraction
from pathlib import Path

import pretty_midi
from music21 import bar, converter, harmony, metadata, meter, note, repeat, spanner, stream, tempo
from music21 import tie as ties

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "lstm_from_scratch" / "music" / "tunes" / "examples"

BARS = (  # notes and quarters, chord symbols and where they stand
    ("C5 1/3 D5 1/3 E5 1/3", {}),
    ("E5 2 r 1 G5 1", {0: "Cmaj7"}),
    ("A5 4", {0: "Am7"}),
    ("A5 2 F5 2", {0: "Dm7", 2: "G7"}),
    ("C6 4", {0: "F/C"}),
    ("D5 2 B-4 2", {0: "Gsus4"}),
)


def round_the_corner() -> stream.Score:
    """A pickup, a repeat with two endings, a tie over a bar line, a D.S. al Fine."""
    part = stream.Part()
    part.partName = "Flute"
    for number, (notes, symbols) in enumerate(BARS):
        measure = stream.Measure(number=number)
        words = notes.split()
        for name, length in zip(words[::2], words[1::2], strict=True):
            one = note.Rest() if name == "r" else note.Note(name)
            one.quarterLength = Fraction(length)
            measure.append(one)
        for at, symbol in symbols.items():
            measure.insert(at, harmony.ChordSymbol(symbol))
        part.append(measure)
    pickup, first, second, third, fourth, fifth = part.getElementsByClass(stream.Measure)
    pickup.insert(0, meter.TimeSignature("4/4"))
    pickup.insert(0, tempo.MetronomeMark(number=90))
    first.leftBarline = bar.Repeat(direction="start")
    second.insert(0, repeat.Segno())
    second.notes[-1].tie, third.notes[1].tie = ties.Tie("start"), ties.Tie("stop")
    third.rightBarline = bar.Repeat(direction="end")
    fourth.append(repeat.Fine())
    fifth.append(repeat.DalSegnoAlFine())
    for number, measure in enumerate((third, fourth), start=1):
        part.insert(0, spanner.RepeatBracket(measure, number=number))
    score = stream.Score([part])
    score.metadata = metadata.Metadata(title="Round the Corner")
    return score


def waltz() -> pretty_midi.PrettyMIDI:
    """Four bars in F: a flute, a guitar and drums."""
    piece = pretty_midi.PrettyMIDI(resolution=220, initial_tempo=100)
    piece.time_signature_changes.append(pretty_midi.TimeSignature(3, 4, 0))
    piece.key_signature_changes.append(pretty_midi.KeySignature(5, 0))
    flute = pretty_midi.Instrument(73, name="flute")
    guitar = pretty_midi.Instrument(24, name="guitar")
    drums = pretty_midi.Instrument(0, is_drum=True, name="drums")
    at, beat = 0.0, 0.6
    for pitch, beats in (
        (65, 1), (69, 1), (72, 1), (70, 1.5), (69, 0.5), (67, 1),
        (65, 2), (None, 1), (67, 1), (67, 0.5), (69, 0.5), (65, 1),
    ):  # fmt: skip
        if pitch is not None:
            flute.notes.append(pretty_midi.Note(100, pitch, at * beat, (at + beats) * beat))
        at += beats
    for number, pitches in enumerate([(53, 57, 60), (48, 52, 58)] * 2):
        start = 3 * number * beat
        guitar.notes += [pretty_midi.Note(80, it, start, start + 3 * beat) for it in pitches]
        drums.notes += [pretty_midi.Note(80, 42, start, start + 0.1)]
    flute.pitch_bends.append(pretty_midi.PitchBend(300, 0.5))
    guitar.control_changes.append(pretty_midi.ControlChange(7, 90, 0.0))
    piece.lyrics.append(pretty_midi.Lyric("la", 0))
    piece.instruments = [flute, guitar, drums]
    return piece


if __name__ == "__main__":
    round_the_corner().write("mxl", HERE / "music21_round.mxl")
    last_bus = converter.parse(EXAMPLES / "last_bus.musicxml")
    last_bus.write("midi", HERE / "music21_last_bus.mid")
    last_bus.write("mxl", HERE / "music21_last_bus.mxl")
    waltz().write(str(HERE / "pretty_midi_waltz.mid"))
