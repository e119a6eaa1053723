"""Music in and out of MIDI files, exactly: what is written is what is read back.

One step is an eighth note. Chords and melody go to tracks of their own, each with its instrument.
Swing is a matter of sound (`audio`), never of the file's grid.

Chapter 1 (Twelve bars).
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import mido

from .. import limits
from ..arguments import anything, check, checked, exactly, real, several, text, whole
from ..files import read_whole, write_whole
from .blues import MELODY_PITCHES, Chorus, Note, check_notes

Music: TypeAlias = Chorus | Mapping[str, Iterable[Note]] | Iterable[Note]
"""What can be written, heard or drawn: a chorus, named tracks of notes, or plain notes."""

INSTRUMENTS: dict[str, int] = {"chords": 4, "melody": 4}
"""General MIDI program of each track (counted from 0; 4 is an electric piano)."""

VELOCITIES = {"chords": 56}
"""How hard the notes of a track are struck, from 1 to 127, where not with `VELOCITY`."""

VELOCITY = 88
"""How hard all other notes are struck."""

TICKS_PER_WHOLE = 1920
"""Ticks of a whole note in the files that are written: 240 for a step of an eighth note."""

_DRUMS = 9  # the percussion channel, counted from 0
_CHANNELS = tuple(channel for channel in range(16) if channel != _DRUMS)


@checked
def tracks(music: Music) -> dict[str, tuple[Note, ...]]:
    """Take music apart into named tracks of checked notes, in order of onset and pitch.

    Plain notes are parted at middle C into ``"chords"`` below and ``"melody"`` from there up, as
    the paper parts them (Figure 1). Tracks without notes are left out. Chapter 1.

    Raises
    ------
    ValueError : for anything that is not a note, with the reason (see `blues.check_notes`).
    """
    if isinstance(music, Chorus):
        parts = {"chords": music.chords, "melody": music.melody}
    elif isinstance(music, Mapping):
        parts = {
            check("name of a track of the music", name, text()): it for name, it in music.items()
        }
    else:
        notes = check_notes(music)
        parts = {
            "chords": [note for note in notes if note.pitch < MELODY_PITCHES[0]],
            "melody": [note for note in notes if note.pitch >= MELODY_PITCHES[0]],
        }
    found = {name: check_notes(notes) for name, notes in parts.items()}
    for notes in found.values():
        ends = max((note.onset + note.duration for note in notes), default=0)
        limits.expect_steps("music", ends, limits.PIECE)
    return {name: notes for name, notes in found.items() if notes}


@checked(
    tempo=real(*limits.TEMPO, of="beats a minute"),
    grid=whole(1, TICKS_PER_WHOLE),
    conductor=several(exactly(whole(0, limits.PIECE), anything())),
)
def write_midi(
    music: Music,
    path: str | os.PathLike[str],
    *,
    tempo: float = 120.0,
    instruments: Mapping[str, int] | None = None,
    grid: int = 8,
    conductor: Sequence[tuple[int, mido.MetaMessage]] = (),
) -> Path:
    """Write music into a MIDI file, one track for each of its `tracks`. Chapter 1.

    Parameters
    ----------
    tempo : beats (quarter notes, two steps on the book's grid) a minute, 4 to 1000.
    instruments : General MIDI program, 0 to 127, by name of the track; what is not named sounds
        as in `INSTRUMENTS`, or as an acoustic piano.
    grid : steps a whole note, a divisor of 1920; 8 for eighth notes.
    conductor : steps and what is said there in the first track, beside the tempo: other tempi,
        time signatures, texts.

    Raises
    ------
    ValueError : for a note that can't be written, two notes of one pitch that overlap in one track,
        more than 15 tracks, a tempo or an instrument out of range, a grid that does not divide
        1920, a piece of more than 1,000 choruses (`limits.PIECE`).
    """
    parts = tracks(music)
    if len(parts) > len(_CHANNELS):
        raise ValueError(f"{len(parts)} tracks: a MIDI file has channels for {len(_CHANNELS)}")
    programs = INSTRUMENTS | dict(instruments or {})
    for name in parts:
        check(f"instruments of {name!r}", programs.get(name, 0), whole(0, 127))

    if TICKS_PER_WHOLE % grid:
        raise ValueError(f"grid: expected a divisor of {TICKS_PER_WHOLE} steps, got {grid}")
    ticks = TICKS_PER_WHOLE // grid
    first = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))])
    now = 0
    for step, message in sorted(conductor, key=lambda it: it[0]):
        first.append(message.copy(time=(step - now) * ticks))
        now = step
    written = [first]
    for channel, (name, notes) in zip(_CHANNELS, parts.items(), strict=False):
        head = [
            # Names are stored as UTF-8; mido takes one character a byte.
            mido.MetaMessage("track_name", name=name.encode().decode("latin-1")),
            mido.Message("program_change", channel=channel, program=programs.get(name, 0)),
        ]
        velocity = VELOCITIES.get(name, VELOCITY)
        written.append(mido.MidiTrack(head + _messages(name, notes, channel, velocity, ticks)))
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_WHOLE // 4, tracks=written)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return write_whole(path, buffer.getvalue())


def _messages(
    name: str, notes: tuple[Note, ...], channel: int, velocity: int, ticks: int
) -> list[mido.Message]:
    """Turn notes into note-on and note-off messages with delta times."""
    sounding_until: dict[int, int] = {}
    events = []
    for pitch, onset, duration in notes:
        if onset < sounding_until.get(pitch, 0):
            raise ValueError(
                f"track {name!r}: {Note(pitch, onset, duration)} begins before the note of the "
                f"same pitch ends; a MIDI track can't hold both"
            )
        sounding_until[pitch] = onset + duration
        events += [(onset, "note_on", pitch), (onset + duration, "note_off", pitch)]
    messages, now = [], 0
    for step, kind, pitch in sorted(events):  # at one step ends come before beginnings
        delta = (step - now) * ticks
        loudness = velocity if kind == "note_on" else 0
        messages.append(
            mido.Message(kind, channel=channel, note=pitch, velocity=loudness, time=delta)
        )
        now = step
    return messages


@checked
def read_midi(path: str | os.PathLike[str]) -> tuple[Note, ...]:
    """Read all notes of a MIDI file, in order of onset and pitch. Chapter 1.

    Raises
    ------
    ValueError : as `read_tracks`.
    """
    return check_notes(note for notes in read_tracks(path).values() for note in notes)


@checked
def read_tracks(path: str | os.PathLike[str]) -> dict[str, tuple[Note, ...]]:
    """Read the notes of a MIDI file by track; drums (channel 10) and empty tracks are left out.

    Raises
    ------
    ValueError : for a file that is not MIDI, is cut short, counts time in film frames, or holds a
        note that does not begin and end on a step, never ends, or begins twice; for a piece of
        more than 1,000 choruses (`limits.PIECE`).
    FileNotFoundError : if there is no such file.
    """
    data = read_whole(path, limits.FILE)
    try:
        file = mido.MidiFile(file=io.BytesIO(data))
    except Exception as error:  # mido answers bad bytes with whatever broke: OSError, EOFError, …
        what = "is cut short" if data[:4] == b"MThd" else "is not a MIDI file"
        raise ValueError(
            f"{path} {what} or damaged ({len(data)} bytes that begin with {data[:4]!r}): "
            f"expected a whole MIDI file, which begins with b'MThd'"
        ) from error
    if file.type == 2 or not 0 < file.ticks_per_beat < 0x8000:
        raise ValueError(
            f"{path}: MIDI type {file.type} with division {file.ticks_per_beat}; expected type 0 "
            f"or 1, timed in ticks to a quarter note"
        )
    found: dict[str, tuple[Note, ...]] = {}
    for number, track in enumerate(file.tracks):
        notes = _notes(track, file.ticks_per_beat, f"{path}, track {number}")
        if notes:
            name = _text(track.name) or f"track {number}"
            found[name if name not in found else f"{name} ({number})"] = notes
    return found


def _notes(track: mido.MidiTrack, ticks_per_beat: int, where: str) -> tuple[Note, ...]:
    """Pair the note-ons and note-offs of one track."""

    def step(tick: int) -> int:
        whole, rest = divmod(2 * tick, ticks_per_beat)
        limits.expect_steps(where, whole, limits.PIECE)
        if rest:
            raise ValueError(
                f"{where}: tick {tick} falls between two steps; expected whole eighth notes, "
                f"{ticks_per_beat / 2:g} ticks each"
            )
        return whole

    began: dict[tuple[int, int], int] = {}
    notes, now = [], 0
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off") or message.channel == _DRUMS:
            continue
        key = (message.channel, message.note)
        if message.type == "note_on" and message.velocity > 0:
            if key in began:
                raise ValueError(f"{where}: pitch {message.note} begins twice without an end")
            began[key] = now
        elif key in began:
            onset = began.pop(key)
            notes.append(Note(message.note, step(onset), step(now) - step(onset)))
    if began:
        raise ValueError(f"{where}: pitch {min(began)[1]} never ends")
    return check_notes(notes)


def _text(name: str) -> str:
    """Undo mido's one character a byte where the bytes are UTF-8, as ours are."""
    try:
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name
