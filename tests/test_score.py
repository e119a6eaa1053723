"""Scores: what is written can be read back, by a musician's rules and by other programs."""

from __future__ import annotations

import base64
import io
import re
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise

import mido
import numpy as np
import pytest
from fontTools.pens.boundsPen import BoundsPen
from fontTools.svgLib.path.parser import parse_path

from lstm_from_scratch.music import score
from lstm_from_scratch.music.blues import (
    CHORD_PITCHES,
    MELODY_PITCHES,
    PENTATONIC,
    TWELVE_BAR,
    Form,
    Note,
    chord_notes,
    chord_tones,
    chorus,
    segment_choices,
)
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.music.midi import tracks
from lstm_from_scratch.music.score import engraving

ROOTS = [letter + sign for letter in "CDEFGAB" for sign in ("", "#", "b")]
QUALITIES = {
    "": "major",
    "m": "minor",
    "7": "dominant",
    "m7": "minor-seventh",
    "maj7": "major-seventh",
    "6": "major-sixth",
    "m6": "minor-sixth",
    "dim7": "diminished-seventh",
    "m7b5": "half-diminished",
}
SEMITONES = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
SIGNS = {"sharp": 1, "natural": 0, "flat": -1}
HEADS = {"eighth": 1, "quarter": 2, "half": 4, "whole": 8}


# ---- A reader of its own: it knows MusicXML and how music is read, and nothing of `score` -------


def key_of(fifths):
    """The letters that a key signature alters."""
    order = "FCGDAEB"
    sharp, flat = order[: max(fifths, 0)], order[::-1][: max(-fifths, 0)]
    return {letter: (letter in sharp) - (letter in flat) for letter in order}


def read(sheet):
    """The notes of each part; on the way, every rule that a bar has to keep is looked at."""
    root = ET.fromstring(sheet)
    names = {p.get("id"): p.findtext("part-name") for p in root.iterfind("part-list/score-part")}
    return {names[part.get("id")]: read_part(part) for part in root.iterfind("part")}


def read_part(part):
    found, held, now = [], {}, 0
    for bar in part.iterfind("measure"):
        if (attributes := bar.find("attributes")) is not None:
            assert attributes.findtext("divisions") == "2"
            key = key_of(int(attributes.findtext("key/fifths")))
            beats, unit = (int(attributes.findtext(f"time/{x}")) for x in ("beats", "beat-type"))
            length = beats * 8 // unit
        begin, in_force, in_doubt = now, {}, set()
        notes = list(bar.iterfind("note"))
        for i, element in enumerate(notes):
            duration = int(element.findtext("duration"))
            if element.find("chord") is not None:
                now -= duration
            check_value(element, duration, now - begin, length)
            if element.find("rest") is None:
                fellows = same_stem(notes, i)
                pitch = sounding(element, key, in_force, in_doubt, fellows, held)
                assert pitch not in [p for p, onset, _ in found if onset == now], "twice"
                ties = {tie.get("type") for tie in element.iterfind("tie")}
                assert ties == {tie.get("type") for tie in element.iterfind("notations/tied")}
                onset = now
                if "stop" in ties:
                    onset, until = held.pop(pitch)
                    assert until == now, "a tie that leads nowhere"
                if "start" in ties:
                    assert pitch not in held
                    held[pitch] = onset, now + duration
                else:
                    found.append((pitch, onset, now + duration - onset))
            now += duration
        assert now - begin == length, f"bar {bar.get('number')} is {now - begin} steps long"
    assert not held, "a tie without an end"
    return tuple(sorted((Note(*note) for note in found), key=lambda n: (n.onset, n.pitch)))


def same_stem(notes, i):
    first = i
    while notes[first].find("chord") is not None:
        first -= 1
    rest = [n.find("chord") is not None for n in notes[first + 1 :]]
    last = first + 1 + (rest.index(False) if False in rest else len(rest))
    return notes[first:last]


def line_of(element):
    return element.findtext("pitch/step"), int(element.findtext("pitch/octave"))


def sounding(element, key, in_force, in_doubt, fellows, held):
    """The pitch that a musician reads, from line, signature and accidentals; never from <alter>."""
    line = letter, octave = line_of(element)
    assert 0 <= octave <= 9
    natural = SEMITONES[letter] + 12 * (octave + 1)
    alter = int(element.findtext("pitch/alter", "0"))
    sign = element.findtext("accidental")
    tied = any(tie.get("type") == "stop" for tie in element.iterfind("tie"))
    shared = [line_of(fellow) for fellow in fellows].count(line) > 1
    if tied:
        assert sign is None, "a tied note with an accidental"
        assert natural + alter in held, "a tie to another pitch"
        if line not in in_force and alter != key[letter]:
            in_doubt.add(line)
        return natural + alter
    if sign is None:
        assert not shared and line not in in_doubt, "an accidental is missing where two are meant"
        read_as = in_force.get(line, key[letter])
    else:
        read_as = SIGNS[sign]
        needed = read_as != in_force.get(line, key[letter])
        assert needed or shared or line in in_doubt, "an accidental too many"
        in_force[line] = read_as
        in_doubt.discard(line)
        if shared:
            in_doubt.add(line)
    assert read_as == alter, f"reads {read_as}, means {alter}"
    return natural + read_as


def check_value(element, duration, at, length):
    """That a notehead or rest lasts as long as it looks and stands where it may."""
    rest = element.find("rest")
    if rest is not None and rest.get("measure") == "yes":
        assert (at, duration) == (0, length)
        return
    dots = len(element.findall("dot"))
    assert duration == HEADS[element.findtext("type")] * (2 - 2**-dots)
    if rest is not None:
        assert dots == 0 and at % duration == 0
    elif at // 4 != (at + duration - 1) // 4:
        assert at % 2 == duration % 2 == 0, "it hides the middle of the bar"


# ---- Music to write ------------------------------------------------------------------------------


def any_notes(rng, low, high, steps):
    """Notes that may touch and sound together, but never twice at once on one pitch."""
    notes = []
    for pitch in map(int, rng.permutation(np.arange(low, high))[: rng.integers(1, 9)]):
        at = int(rng.integers(12))
        while at < steps:
            duration = int(rng.integers(1, 20))
            notes.append(Note(pitch, at, duration))
            at += duration + int(rng.integers(12))
    return tuple(notes[i] for i in rng.permutation(len(notes)))


def any_form(rng):
    symbols = [
        str(rng.choice(ROOTS)) + str(rng.choice(list(QUALITIES))) for _ in range(rng.integers(1, 9))
    ]
    return Form("any", tuple(symbols), steps_per_bar=int(rng.integers(2, 14)))


def improvisation(rng, choruses=2):
    """A melody off the beat, with rests and held notes, from all thirteen pitches."""
    melody, at = [], 0
    while at < 96 * choruses:
        duration = int(min(rng.integers(1, 11), 96 * choruses - at))
        if rng.random() < 0.8:
            melody.append(Note(int(rng.choice(MELODY_PITCHES)), at, duration))
        at += duration
    chords = [
        Note(p, o + 96 * k, d) for k in range(choruses) for p, o, d in chord_notes(TWELVE_BAR)
    ]
    return {"melody": melody, "chords": chords}


def in_order(notes):
    return tuple(sorted(notes, key=lambda n: (n.onset, n.pitch)))


def elements(sheet, path):
    return ET.fromstring(sheet).findall(path)


# ---- Notes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1234, 4095])
def test_choruses_are_read_back(number):
    piece = chorus(number)
    assert read(score.musicxml(piece)) == {
        "Melody": piece.melody,
        "Chords": in_order(piece.chords),
    }


@pytest.mark.parametrize("seed", range(10))
def test_an_improvisation_is_read_back(seed):
    music = improvisation(np.random.default_rng(seed))
    found = read(score.musicxml(music))
    assert found == {"Melody": in_order(music["melody"]), "Chords": in_order(music["chords"])}


@pytest.mark.parametrize("seed", range(30))
def test_any_music_over_any_form_is_read_back(seed):
    rng = np.random.default_rng(seed)
    form = any_form(rng)
    music = {"high": any_notes(rng, 58, 80, 150), "chords": any_notes(rng, 24, 60, 150)}
    found = read(score.musicxml(music, form=form))
    assert found == {name.capitalize(): in_order(notes) for name, notes in music.items()}


def test_the_lowest_and_the_highest_pitch_can_be_written():
    notes = tuple(Note(pitch, i, 1) for i, pitch in enumerate((13, 127)))
    assert read(score.musicxml({"melody": notes})) == {"Melody": notes}


def test_plain_notes_are_parted_and_end_with_their_last_bar():
    sheet = score.musicxml([Note(60, 0, 1), Note(59, 8, 9)])
    assert read(sheet) == {"Melody": (Note(60, 0, 1),), "Chords": (Note(59, 8, 9),)}
    assert [len(part) for part in elements(sheet, "part")] == [3, 3]
    styles = [e.text for e in elements(sheet, "part[1]/measure/barline/bar-style")]
    assert styles == ["light-heavy"]


def test_each_chorus_ends_with_a_double_bar():
    music = improvisation(np.random.default_rng(1), choruses=3)
    for part in elements(score.musicxml(music), "part"):
        lines = {bar.get("number"): bar.findtext("barline/bar-style") for bar in part}
        assert {n: s for n, s in lines.items() if s} == {
            "12": "light-light",
            "24": "light-light",
            "36": "light-heavy",
        }


@pytest.mark.parametrize(
    ("note", "heads"),
    [
        (Note(60, 0, 8), ["whole"]),
        (Note(60, 0, 6), ["half."]),
        (Note(60, 2, 6), ["half."]),
        (Note(60, 2, 4), ["half"]),
        (Note(60, 1, 2), ["quarter"]),
        (Note(60, 1, 3), ["quarter."]),
        (Note(60, 3, 2), ["eighth", "eighth"]),
        (Note(60, 0, 5), ["half", "eighth"]),
        (Note(60, 1, 7), ["quarter.", "half"]),
        (Note(60, 7, 3), ["eighth", "quarter"]),
        (Note(60, 4, 20), ["half", "whole", "whole"]),
    ],
)
def test_durations_are_written_as_musicians_write_them(note, heads):
    sheet = score.musicxml([note])
    notes = [e for e in elements(sheet, "part/measure/note") if e.find("rest") is None]
    assert [e.findtext("type") + "." * len(e.findall("dot")) for e in notes] == heads


def test_eighth_notes_of_half_a_bar_are_beamed():
    notes = [Note(60, t, 1) for t in (0, 1, 2, 3, 4, 5)] + [Note(60, 6, 2), Note(60, 8, 1)]
    beams = [
        e.findtext("beam") for e in elements(score.musicxml(notes), "part/measure/note[pitch]")
    ]
    half = ["begin", "continue", "continue", "end"]
    assert beams == [*half, "begin", "end", None, None]


# ---- Spelling ----------------------------------------------------------------------------------


def spelled(sheet, path="part/measure/note/pitch"):
    found = elements(sheet, path)
    return [p.findtext("step") + {0: "", 1: "#", -1: "b"}[int(p.findtext("alter", "0"))]
            for p in found]  # fmt: skip


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("quality", QUALITIES)
def test_a_chord_is_spelled_in_thirds(root, quality):
    """Letters are two apart above the root, but for a double accidental, which nobody reads."""
    symbol = root + quality
    form = Form(symbol, (symbol,))
    found = spelled(score.musicxml({"chords": chord_notes(form)}, form=form))
    base = SEMITONES[root[0]] + {"": 0, "#": 1, "b": -1}[root[1:]]
    for distance, third in zip(
        sorted((tone - base) % 12 for tone in chord_tones(symbol)),
        (0, 2, 4, 5 if quality.endswith("6") else 6),
        strict=False,
    ):
        letter = "CDEFGAB"[("CDEFGAB".index(root[0]) + third) % 7]
        alter = (base + distance - SEMITONES[letter] + 6) % 12 - 6
        if abs(alter) < 2:
            assert letter + {0: "", 1: "#", -1: "b"}[alter] in found, symbol


@pytest.mark.parametrize(
    ("symbol", "tones"),
    [
        ("C7", "C E G Bb"),
        ("F#dim7", "C Eb F# A"),
        ("A7", "C# E G A"),
        ("Cdim7", "C Eb Gb A"),
        ("Abm6", "Cb Eb F Ab"),
    ],
)
def test_chords_that_are_often_misspelled(symbol, tones):
    form = Form(symbol, (symbol, "C7", "F7"))
    first = [note for note in chord_notes(form) if note.onset == 0]
    assert set(spelled(score.musicxml({"chords": first}, form=form))) == set(tones.split())


def test_a_blues_in_c_has_no_key_signature_and_a_sign_wherever_one_is_needed():
    for number in (0, 4095):
        sheet = score.musicxml(chorus(number))
        assert [e.text for e in elements(sheet, "part/measure/attributes/key/fifths")] == ["0"] * 2
        # In the melody, the first B flat and the first E flat of each bar.
        for bar, segment in enumerate(chosen(number)):
            signs = [e.text for e in elements(sheet, f"part[1]/measure[{bar + 1}]/note/accidental")]
            assert signs == ["flat"] * len({pitch for pitch in segment if pitch in (63, 70)})
        # B flat in C7, E flat in F7, both signs of F#dim7, C sharp in A7; Dm7 and G7 have none.
        signs = [
            (bar.get("number"), [e.text for e in bar.iterfind("note/accidental")])
            for bar in elements(sheet, "part[2]/measure")
        ]
        assert [(n, s) for n, s in signs if s] == [
            ("1", ["flat"]), ("2", ["flat"]), ("3", ["flat"]), ("5", ["flat"]),
            ("6", ["flat", "sharp"]), ("7", ["flat"]), ("8", ["sharp"]), ("11", ["flat"]),
        ]  # fmt: skip


def chosen(number):
    """The segments of a chorus, bar by bar."""
    choices = segment_choices(number, TWELVE_BAR)
    return [TWELVE_BAR.segments[bar][choice] for bar, choice in enumerate(choices)]


@pytest.mark.parametrize("key", range(-7, 8))
def test_another_key_signature_changes_the_signs_and_nothing_else(key):
    music = improvisation(np.random.default_rng(4))
    plain, other = score.musicxml(music), score.musicxml(music, key=key)
    found = elements(other, "part/measure/attributes/key/fifths")
    assert [e.text for e in found] == [str(key)] * 2
    assert read(other) == read(plain)
    assert spelled(other) == spelled(plain)
    if key == -2:  # the scale needs no other sign then
        assert elements(score.musicxml(chorus(9), key=key), "part[1]//accidental") == []


@pytest.mark.parametrize("up", range(12))
def test_the_signature_moves_with_the_music(up):
    names = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

    def moved(symbol):
        root, quality = re.fullmatch(r"([A-G][#b]?)(.*)", symbol).groups()
        pitch = SEMITONES[root[0]] + {"": 0, "#": 1, "b": -1}[root[1:]]
        return names[(pitch + up) % 12] + quality

    form = Form("moved", tuple(map(moved, TWELVE_BAR.chords)), scale=tuple(
        pitch + up for pitch in PENTATONIC))  # fmt: skip
    sheet = score.musicxml({"chords": chord_notes(form)}, form=form)
    fifths = int(elements(sheet, "part/measure/attributes/key/fifths")[0].text)
    assert -7 <= fifths <= 7
    assert (fifths - 7 * up) % 12 == 0


@pytest.mark.parametrize(
    ("symbol", "fifths"),
    [
        ("C7", 0), ("Cm7", -3), ("F7", -1), ("Am", 0), ("Bb6", -2), ("F#m7b5", 3),
        ("C#", 7), ("Cb", -7), ("G#m", 5), ("G#", -4), ("Abm7", -7), ("Dbm", 4), ("Fb7", 4),
        ("B#", 0),
    ],
)  # fmt: skip
def test_the_key_is_that_of_the_first_chord(symbol, fifths):
    form = Form("two", (symbol, "E7"))
    sheet = score.musicxml([Note(60, 0, 8)], form=form)
    found = elements(sheet, "part/measure/attributes/key/fifths")
    assert [e.text for e in found] == [str(fifths)]


def test_a_melody_outside_the_scale_is_spelled_near_the_key():
    sheet = score.musicxml([Note(pitch, i, 1) for i, pitch in enumerate(range(60, 72))])
    assert " ".join(spelled(sheet)) == "C Db D Eb E F F# G Ab A Bb B"


def test_a_note_that_is_tied_into_the_next_chord_keeps_its_name():
    form = Form("two", ("F#7", "Bb7"))
    sheet = score.musicxml([Note(70, 4, 8), Note(70, 12, 4)], form=form)
    assert spelled(sheet) == ["A#", "A#", "Bb"]


# ---- With and without the staff of the chords ---------------------------------------------------


def test_a_lead_sheet_is_the_melody_with_the_symbols(tmp_path):
    piece = chorus(9)
    whole, lead = (score.musicxml(piece, chord_staff=shown) for shown in (True, False))
    assert read(lead) == {"Melody": piece.melody}
    assert len(elements(lead, ".//harmony")) == len(elements(whole, ".//harmony")) > 0
    assert elements(lead, ".//group-symbol") == [] != elements(whole, ".//group-symbol")
    drawn = score.svg(piece, chord_staff=False)
    assert drawn.description.startswith("A lead sheet of 12 bars, 48 notes on the melody staff. ")
    assert len(shapes(drawn, "clef")) == 3
    path = score.write_musicxml(piece, tmp_path / "a.musicxml", chord_staff=False)
    assert path.read_text(encoding="utf-8") == lead
    pages = [
        score.pdf(piece, tmp_path / "a.pdf", chord_staff=c).read_bytes() for c in (True, False)
    ]
    assert len(pages[1]) < len(pages[0])


def test_a_sheet_is_called_what_musicians_call_it():
    piece = chorus(9)
    melody, chords = {"melody": piece.melody}, {"chords": piece.chords}
    for music, shown, kind in (
        (melody | chords, True, "Piano score"),
        (melody | chords, False, "Lead sheet"),
        (melody, True, "Lead sheet"),
        (chords, True, "Piano score"),
    ):
        sheet = score.musicxml(music, chord_staff=shown)
        assert [e.text for e in elements(sheet, "work/work-title")] == [kind]
        drawn = score.svg(music, chord_staff=shown)
        assert drawn.title == kind and drawn.description.startswith(f"A {kind.lower()} of 12 bars")


def test_a_lead_sheet_is_as_long_as_its_chords():
    music = {"melody": [Note(60, 0, 4)], "chords": chord_notes(TWELVE_BAR)}
    sheet = score.musicxml(music, chord_staff=False)
    assert [len(part.findall("measure")) for part in elements(sheet, "part")] == [12]


def test_chords_alone_have_no_lead_sheet():
    with pytest.raises(ValueError, match="a lead sheet needs a melody"):
        score.musicxml({"chords": chord_notes(TWELVE_BAR)}, chord_staff=False)


# ---- What programs need ------------------------------------------------------------------------


def test_the_symbols_are_those_of_the_form():
    rng = np.random.default_rng(5)
    for _ in range(30):
        form = any_form(rng)
        sheet = score.musicxml([Note(60, 0, 3 * form.steps + 1)], form=form)
        shown = None
        for number, bar in enumerate(elements(sheet, "part[1]/measure")):
            found = bar.findall("harmony")
            if number % 4 == 0:
                assert len(found) == 1, "a line begins with a symbol"
            for harmony in found:
                alter = int(harmony.findtext("root/root-alter", "0"))
                root = harmony.findtext("root/root-step") + {0: "", 1: "#", -1: "b"}[alter]
                kind = harmony.find("kind")
                assert QUALITIES[kind.get("text")] == kind.text
                shown = root + kind.get("text")
                assert list(bar).index(harmony) < list(bar).index(bar.find("note"))
            assert shown == form.chords[number % form.bars]


def test_there_are_four_bars_a_line():
    for part in elements(score.musicxml(chorus(9)), "part"):
        new = [
            bar.get("number") for bar in part if bar.find("print[@new-system='yes']") is not None
        ]
        assert new == ["5", "9"]


def test_each_part_has_a_clef_and_an_electric_piano():
    sheet = score.musicxml(chorus(9), tempo=96)
    assert [e.text for e in elements(sheet, "part/measure/attributes/clef/sign")] == ["G", "F"]
    assert [e.get("tempo") for e in elements(sheet, ".//sound")] == ["96"]
    for part in elements(sheet, "part-list/score-part"):
        assert part.findtext("score-instrument/instrument-sound") == "keyboard.piano.electric"
        assert part.findtext("midi-instrument/midi-program") == "5"
        assert part.find("score-instrument").get("id") == part.find("midi-instrument").get("id")
    many = score.musicxml({str(i): [Note(60, 0, 1)] for i in range(12)})
    channels = [e.text for e in elements(many, ".//midi-channel")]
    assert "10" not in channels and len(set(channels)) == 12


def test_titles_are_written_as_they_are():
    title, composer = 'Blues & "roots" <♭>', "A & B"
    sheet = score.musicxml(chorus(9), title=title, composer=composer)
    assert [e.text for e in elements(sheet, "work/work-title")] == [title]
    assert [e.text for e in elements(sheet, "identification/creator")] == [composer]
    assert [e.text for e in elements(score.musicxml(chorus(9)), "work/work-title")] == ["Chorus 9"]


@pytest.mark.parametrize("seed", range(6))
def test_another_program_plays_the_same_notes(seed):
    """Verovio reads the sheet by rules of its own and plays it into a MIDI file."""
    import verovio

    rng = np.random.default_rng(seed)
    music = improvisation(rng) if seed % 2 else chorus(int(rng.integers(4096)))
    toolkit = verovio.toolkit()
    assert toolkit.loadData(score.musicxml(music))
    data = base64.b64decode(toolkit.renderToMIDI())
    file = mido.MidiFile(file=io.BytesIO(data))
    played = []
    for track in file.tracks[1:]:
        began, notes, now = {}, [], 0
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                began[message.note] = now
            elif message.type in ("note_on", "note_off"):
                onset = began.pop(message.note)
                # It lets go of each note a tick early.
                step, length = onset * 2, (now + 1 - onset) * 2
                assert step % file.ticks_per_beat == length % file.ticks_per_beat == 0
                notes.append(
                    Note(message.note, step // file.ticks_per_beat, length // file.ticks_per_beat)
                )
        played.append(in_order(notes))
    parts = tracks(music)
    assert played == [parts["melody"], parts["chords"]]


# ---- Striking chords anew ------------------------------------------------------------------------


def test_a_roll_of_the_form_is_struck_as_the_form_has_it():
    decoded = CHORDS_ONLY.decode(CHORDS_ONLY.form_roll(TWELVE_BAR))
    assert score.struck(decoded) == in_order(chord_notes(TWELVE_BAR))
    assert len(decoded) < len(chord_notes(TWELVE_BAR)), "nothing was held: this tests nothing"


@pytest.mark.parametrize("seed", range(5))
def test_striking_changes_what_begins_and_not_what_sounds(seed):
    notes = any_notes(np.random.default_rng(seed), CHORD_PITCHES[0], CHORD_PITCHES[-1] + 1, 80)
    again = score.struck(notes)
    steps = max(n.onset + n.duration for n in notes)
    roll = CHORDS_ONLY.encode(notes, steps)
    assert (CHORDS_ONLY.encode(again, steps) == roll).all()
    for one, other in pairwise(again):
        together = one.onset == other.onset and one.duration == other.duration
        assert together or one.onset + one.duration <= other.onset
    changes = {0, *(n.onset for n in notes), *(n.onset + n.duration for n in notes)}
    assert {n.onset for n in again} <= changes
    assert score.struck([]) == ()


# ---- Drawings ----------------------------------------------------------------------------------

NAME = "{http://www.w3.org/2000/svg}"


def box(shape):
    """Left, top, right and bottom of a shape of a drawing."""
    pen = BoundsPen(None)
    parse_path(shape.get("d"), pen)
    x0, y0, x1, y1 = pen.bounds
    x, y, a, b = map(float, re.findall(r"-?[\d.]+", shape.get("transform")))
    return x + a * x0, min(y + b * y0, y + b * y1), x + a * x1, max(y + b * y0, y + b * y1)


def shapes(sheet, kind):
    return [e for e in ET.fromstring(sheet.svg).iter() if e.get("class") == kind]


def dense(rng):
    melody = [Note(int(rng.choice(MELODY_PITCHES)), step, 1) for step in range(96)]
    return {"melody": melody, "chords": chord_notes(TWELVE_BAR)}


@pytest.mark.parametrize(
    "music",
    [
        chorus(1234),
        improvisation(np.random.default_rng(3), 3),
        {"chords": chord_notes(TWELVE_BAR)},
        [Note(61, 3, 6)],
    ],
)
def test_what_is_written_is_drawn_without_a_warning(music, capfd):
    import verovio

    verovio.enableLog(verovio.LOG_WARNING)
    drawing = score.svg(music)
    assert capfd.readouterr() == ("", "")
    written = ET.fromstring(score.musicxml(music))
    assert len(shapes(drawing, "notehead")) == len(written.findall(".//pitch"))
    assert len(shapes(drawing, "accid")) == len(written.findall(".//accidental"))
    assert len(shapes(drawing, "harm")) == len(written.findall(".//harmony"))
    rests = len(written.findall(".//rest"))
    assert len(shapes(drawing, "rest")) + len(shapes(drawing, "mRest")) == rests


def test_a_drawing_is_self_contained_and_has_the_colour_of_the_page():
    drawing = score.svg(chorus(1234), "Chorus <1234>")
    image = ET.fromstring(drawing.svg)
    assert {e.tag for e in image.iter()} == {f"{NAME}svg", f"{NAME}path"}
    assert not [e for e in image.iter() if {"id", "href"} & set(e.attrib)]
    assert "url(" not in drawing.svg and "font" not in drawing.svg
    assert image.get("fill") == image.get("stroke") == "currentColor"
    assert not [e for e in image.iter(f"{NAME}path") if {"fill", "stroke", "color"} & set(e.attrib)]
    assert image.get("role") == "img"
    for word in ("12 bars", "48 notes", "44 notes", "F sharp dim7"):
        assert word in image.get("aria-label")
    page = drawing._repr_html_()
    assert "<figcaption>Chorus &lt;1234&gt;</figcaption>" in page
    ET.fromstring(page)  # what is cut in the middle would break the page
    assert len(page) < 100_000
    assert repr(drawing) == "Sheet('Chorus <1234>')"


def test_a_drawing_is_the_same_each_time():
    assert score.svg(chorus(7)) == score.svg(chorus(7))
    assert score.svg(chorus(7)).svg != score.svg(chorus(8)).svg
    assert score.svg(chorus(7), description="Seen").description == "Seen"


@pytest.mark.parametrize("seed", range(3))
def test_no_accidental_touches_a_notehead_however_many_there_are(seed):
    drawing = score.svg(dense(np.random.default_rng(seed)))
    heads = [box(shape) for shape in shapes(drawing, "notehead")]
    signs = [box(shape) for shape in shapes(drawing, "accid")]
    assert len(signs) > 20
    for left, top, right, bottom in signs:
        for x0, y0, x1, y1 in heads:
            assert right <= x0 or x1 <= left or bottom <= y0 or y1 <= top


@pytest.mark.parametrize("music", [chorus(5), {"chords": chord_notes(TWELVE_BAR)}])
def test_a_chorus_is_three_lines_that_fill_the_width(music):
    drawing = score.svg(music)
    width, height = map(float, ET.fromstring(drawing.svg).get("viewBox").split()[2:])
    clefs = sorted((box(shape) for shape in shapes(drawing, "clef")), key=lambda clef: clef[1])
    staves = len(tracks(music))
    assert len(clefs) == 3 * staves
    assert max(right for _, _, right, _ in clefs) < 0.15 * width
    bars = [box(shape) for shape in shapes(drawing, "barLine")]
    for clef in clefs:
        ends = [right for _, top, right, bottom in bars if top < clef[3] and clef[1] < bottom]
        assert max(ends) > 0.98 * width
    assert 0.2 * staves * width < height < width


def test_glyphs_stand_upright():
    flats = shapes(score.svg(chorus(5), key=-2), "keyAccid")
    assert len(flats) == 2 * 6
    for flat in flats:
        _, top, _, bottom = box(flat)
        line = float(re.findall(r"-?[\d.]+", flat.get("transform"))[1])
        assert line - top > 2 * (bottom - line), "a flat's stem goes up"


@pytest.fixture
def words(monkeypatch):
    """What is drawn as words, with the shape that each has become."""
    drawn, draw = {}, engraving.lettering

    def spy(text, *args, **options):
        drawn[text] = draw(text, *args, **options)
        return drawn[text]

    monkeypatch.setattr(engraving, "lettering", spy)
    return drawn


def test_chord_symbols_are_drawn_with_real_accidentals(words):
    form = Form("four", ("F7", "F#dim7", "Bbm7b5", "C"))
    drawing = score.svg([Note(60, 0, 40)], form=form)
    assert set(words) == {"F7", "F♯dim7", "B♭m7♭5", "C", "5"}  # and the number of a bar
    assert len(shapes(drawing, "harm")) == 5


# ---- Files -------------------------------------------------------------------------------------


def test_pdf_pages_are_a4_and_the_same_each_time(tmp_path):
    for choruses, pages in ((1, 1), (3, 2)):
        music = improvisation(np.random.default_rng(0), choruses)
        path = score.pdf(music, tmp_path / "a.pdf", title="Öffnen $x$", composer="♭")
        data = path.read_bytes()
        assert data.startswith(b"%PDF") and data.rstrip().endswith(b"%%EOF")
        assert len(re.findall(rb"/Type /Page\b", data)) == pages
        for size in re.findall(rb"/MediaBox \[ ([^\]]+) \]", data):
            assert list(map(float, size.split())) == pytest.approx([0, 0, 595.3, 841.9], abs=0.2)
        assert b"/FontFile" not in data and b"/BaseFont" not in data
        assert b"CreationDate" not in data
        assert score.pdf(music, path, title="Öffnen $x$", composer="♭").read_bytes() == data


@pytest.mark.parametrize("title", ["", " ", "x" * 400, "$\\nothing$"])
def test_any_title_fits_the_paper(title, words, tmp_path):
    score.pdf([Note(60, 0, 2)], tmp_path / "a.pdf", title=title, composer="y" * 300)
    assert (title in words) == bool(title.strip())
    for shape in words.values():
        left, _, right, _ = box(shape.element())
        assert 0 < left < right < 21000


def test_musicxml_is_written_whole(tmp_path):
    path = score.write_musicxml(chorus(3), tmp_path / "a.musicxml", title="♭", tempo=90)
    assert path.read_text(encoding="utf-8") == score.musicxml(chorus(3), title="♭", tempo=90)
    assert ET.parse(path).getroot().tag == "score-partwise"


@pytest.mark.parametrize(
    ("music", "options", "message"),
    [
        ([], {}, "no notes"),
        ({"melody": ()}, {}, "no notes"),
        ([Note(60, 0, 4), Note(60, 3, 1)], {}, "before the note of the same pitch ends"),
        ([Note(60, 0, 0)], {}, "duration above 0"),
        ([Note(11, 0, 1)], {}, "pitch above 12"),
        ([Note(60, 0, 1)], {"title": "a\0b"}, "control characters"),
        ([Note(60, 0, 1)], {"composer": "\x1b"}, "control characters"),
        ({"a\0b": [Note(60, 0, 1)]}, {}, "control characters"),
    ],
)
def test_what_can_not_be_written_is_refused_and_leaves_the_old_file(
    music, options, message, tmp_path
):
    for write in (score.write_musicxml, score.pdf):
        path = write(chorus(1), tmp_path / "a")
        before = path.read_bytes()
        with pytest.raises(ValueError, match=message):
            write(music, path, **options)
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["a"]
    with pytest.raises(ValueError, match=message):
        score.musicxml(music, **options)


@pytest.mark.parametrize("key", [-8, 8, 0.5, "C"])
def test_a_key_has_up_to_seven_signs(key):
    with pytest.raises(ValueError, match="key: expected a whole number of sharps from -7 to"):
        score.musicxml(chorus(1), key=key)


@pytest.mark.parametrize("tempo", [0, -1, float("nan"), float("inf")])
def test_a_tempo_is_a_number_above_0(tempo):
    with pytest.raises(ValueError, match="tempo"):
        score.musicxml(chorus(1), tempo=tempo)


def test_a_sheet_is_saved_as_the_drawing_that_it_is(tmp_path):
    sheet = score.svg(chorus(7))
    for name in ("a.svg", "B.SVG"):
        path = sheet.save(tmp_path / name)
        assert path == tmp_path / name and path.read_text(encoding="utf-8") == sheet.svg
    assert sheet.save(str(tmp_path / "c.svg")).exists()
    root = ET.fromstring((tmp_path / "a.svg").read_bytes())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label") == sheet.description


@pytest.mark.parametrize("name", ["a.png", "a.pdf", "a", "svg", "a.svg.gz"])
def test_a_sheet_is_saved_under_no_other_suffix(name, tmp_path):
    (tmp_path / name).write_text("before")
    with pytest.raises(ValueError, match=rf"{re.escape(name)}'.*ends in \.svg; score\.pdf writes"):
        score.svg(chorus(7)).save(tmp_path / name)
    assert (tmp_path / name).read_text() == "before"


def test_a_sheet_is_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    def full(file):
        raise OSError("no space left on device")

    path = score.svg(chorus(7)).save(tmp_path / "a.svg")
    before = path.read_bytes()
    monkeypatch.setattr("lstm_from_scratch.files.os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        score.svg(chorus(8)).save(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_without_verovio_there_is_no_drawing_to_save(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "verovio", None)
    with pytest.raises(ModuleNotFoundError, match="needs verovio"):
        score.svg(chorus(7)).save(tmp_path / "a.svg")
    with pytest.raises(ValueError, match=r"ends in \.svg"):
        score.svg(chorus(7)).save(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_without_verovio_there_is_still_musicxml(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "verovio", None)
    assert read(score.musicxml(chorus(1)))
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'lstm-from-scratch\[score\]'"):
        score.pdf(chorus(1), tmp_path / "a.pdf")
    assert list(tmp_path.iterdir()) == []


def test_without_verovio_a_notebook_shows_a_note_in_the_place_of_the_score(monkeypatch):
    drawn = score.svg(chorus(1234), "Chorus <1234>")
    monkeypatch.setitem(sys.modules, "verovio", None)
    note = score.svg(chorus(1234), "Chorus <1234>")
    assert (note.title, note.description) == (drawn.title, drawn.description)
    shown = ET.fromstring(note._repr_html_())
    words = "".join(shown.itertext())
    assert "pip install 'lstm-from-scratch[score]'" in words and "Chorus <1234>" in words
    assert drawn.description in words
    assert "pip install" in repr(note)
    with pytest.raises(ModuleNotFoundError, match="needs verovio"):
        note.svg  # noqa: B018 - asking for it is what fails
    with pytest.raises(ValueError, match="note"):
        score.svg(["no note"])


def test_what_is_played_strikes_its_chords_and_leaves_its_melody_alone():
    melody = [Note(60, 0, 3), Note(62, 3, 5)]
    chords = [Note(48, 0, 8), Note(52, 0, 4), Note(53, 4, 4)]
    parts = score.played([*melody, *chords])
    assert parts["melody"] == tuple(melody)
    assert parts["chords"] == score.struck(chords)
    assert set(parts["chords"]) == {Note(48, 0, 4), Note(52, 0, 4), Note(48, 4, 4), Note(53, 4, 4)}
    assert score.played(melody) == {"melody": tuple(melody)}
