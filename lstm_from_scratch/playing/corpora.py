"""Real music to learn from: piano rolls in the split of Boulanger-Lewandowski et al. (2012).

A corpus is three sets of pieces, to train on, to choose by, and to test with; a piece is a roll of
the 88 keys of a piano. None comes with the package. `read` takes a file that you have, in one of
three layouts, and executes nothing in it:

* ``.npz``: for each of ``train``, ``valid`` and ``test`` one array of that name, the frames of all
  pieces one after another, eight keys a byte as ``numpy.packbits(roll, axis=1)`` makes them, uint8
  of shape ``(frames, 11)``; and one called ``train_lengths`` and so on, the frames of each piece,
  whole numbers of shape ``(pieces,)``. Column 0 is MIDI note 21. `write` makes such a file;
* ``.mat`` of MATLAB 5, as Bai, Kolter and Koltun (2018) read it: ``traindata``, ``validdata`` and
  ``testdata`` are rows of cells, each a matrix of zeros and ones, a row a frame and a column a key;
* ``.pickle``, as the corpora were first given out: a dictionary of ``train``, ``valid`` and
  ``test``, each a list of pieces, a piece a list of frames, a frame a tuple of MIDI notes.

`find` says where a file is looked for. A frame of the chorales is a quarter note, one of the
Nottingham tunes an eighth.

`two_voices` parts a frame into chords and melody, the paper's own setting.

Folders of MIDI and MusicXML files are read by `learning.read`; `studies.questions.corpora` has the
studies. Chapter 17 (Your own music) plays from what one of them learned.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import briefly, limits
from ..arguments import array, checked, several, text, whole
from ..files import read_whole, write_whole
from ..machine.episodes import Episode
from ..machine.storing import Archive
from ..music.blues import Note
from ..music.encoding import Encoding
from . import foreign

PARTS = ("train", "valid", "test")
"""The sets of a corpus: to train on, to choose by, to test with."""

KEYS = Encoding(tuple(range(21, 109)), ())
"""A roll of a corpus: a unit for each key of a piano."""

TWO_VOICES = Encoding(tuple(range(41, 53)), tuple(range(53, 94)), rest=True)
"""The two voices of a roll: twelve chord notes, a key for each pitch class, and the melody."""

PLACES = "LSTM_CORPORA"
"""The environment variable that names a folder with corpora."""

PIECES, FRAMES = 100_000, 1_000_000
"""Pieces in a set, at most, and frames in all of them; Nottingham has 694 and 176,561."""

_PIECES = several(array("frames", len(KEYS.pitches)), some=True, expected="a tuple of piano rolls")


@checked(name=text(some=True), train=_PIECES, valid=_PIECES, test=_PIECES)
@dataclass(frozen=True, eq=False)
class Corpus:
    """Pieces in three sets, each a roll of zeros and ones, uint8 of shape ``(frames, 88)``.

    Attributes
    ----------
    name : what it is called. train, valid, test : its sets.

    Raises
    ------
    ValueError : for a piece of fewer than two frames, or with other numbers.

    Chapter 17.
    """

    name: str
    train: tuple[np.ndarray, ...]
    valid: tuple[np.ndarray, ...]
    test: tuple[np.ndarray, ...]

    def __post_init__(self) -> None:
        for part in PARTS:
            pieces = getattr(self, part)
            if len(pieces) > PIECES:
                raise ValueError(f"{part}: expected at most {PIECES:,} pieces, got {len(pieces):,}")
            for number, piece in enumerate(pieces):
                if len(piece) < 2:
                    raise ValueError(
                        f"{part}: piece {number} has {briefly.counted(len(piece), 'frame')}, "
                        "expected at least 2: one to hear, one to predict"
                    )
                if not np.isin(piece, (0, 1)).all():
                    raise ValueError(f"{part}: piece {number} holds more than zeros and ones")
            object.__setattr__(self, part, tuple(piece.astype(np.uint8) for piece in pieces))

    def __repr__(self) -> str:
        sizes = ", ".join(f"{part} {len(getattr(self, part)):,}" for part in PARTS)
        return f"Corpus({self.name!r}, pieces: {sizes})"

    @property
    def digest(self) -> str:
        """The SHA-256 of the music, the same whatever file it came in.

        Of each set in turn: the frames of its pieces, eight bytes each with the lowest first, then
        the frames themselves, eleven bytes each as ``numpy.packbits`` makes them.
        """
        found = hashlib.sha256()
        for lengths, packed in map(_packed, _sets(self)):
            found.update(lengths.astype("<i8").tobytes())
            found.update(packed.tobytes())
        return found.hexdigest()


def _sets(corpus: Corpus) -> Iterator[tuple[np.ndarray, ...]]:
    return (getattr(corpus, part) for part in PARTS)


def _packed(pieces: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
    """How many frames each piece has, and all frames, eight keys a byte."""
    lengths = np.array([len(piece) for piece in pieces], dtype=np.int64)
    return lengths, np.packbits(np.concatenate(pieces), axis=1)


# ---- Files ---------------------------------------------------------------------------------------


@checked
def write(corpus: Corpus, path: str | os.PathLike[str]) -> Path:
    """Write a corpus to an ``.npz`` file, whole or not at all; see the room for its layout.

    Chapter 17.
    """
    arrays = {}
    for part, pieces in zip(PARTS, _sets(corpus), strict=True):
        arrays[f"{part}_lengths"], arrays[part] = _packed(pieces)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return write_whole(path, file.getvalue())


@checked
def read(path: str | os.PathLike[str], name: str = "") -> Corpus:
    """Read a corpus from a file in one of the layouts that the room describes; its end says which.

    ``name`` is what it is called; unless given, as the file is. Nothing in the file is executed,
    and no array is made before what its header says has been looked at.

    Raises
    ------
    FileNotFoundError : if there is none.
    ValueError : for a name that ends otherwise, a file that is larger than `limits.FILE`, damaged
        or of another layout; the message names the file, what was expected and what came.

    Chapter 17.
    """
    where = Path(path)
    readers = {".npz": _from_archive, ".mat": _from_matlab, ".pickle": _from_pickle}
    reader = readers.get(where.suffix)
    if reader is None:
        raise ValueError(
            f"path: expected a name that ends in {', '.join(readers)}, got "
            f"{briefly.came(os.fspath(path))}"
        )
    data = read_whole(where, limits.FILE)
    try:
        return Corpus(name or where.stem, *reader(data))
    # What is damaged fails in many ways: bad sums, unknown compression, a size that no array has.
    except Exception as error:
        raise ValueError(f"{os.fspath(path)}: not a corpus of piano rolls: {error}") from error


def _from_archive(data: bytes) -> Iterator[tuple[np.ndarray, ...]]:
    width = KEYS.units // 8
    with Archive(io.BytesIO(data)) as archive:
        for part in PARTS:
            lengths = archive.array(f"{part}_lengths", "i", (None,), PIECES)
            packed = archive.array(part, "i", (None, width), FRAMES * width)
            if packed.dtype != np.uint8:
                raise ValueError(f"{part}: expected uint8, got {packed.dtype}")
            if (
                not len(lengths)
                or lengths.min() < 1
                or int(lengths.sum(dtype=float)) != len(packed)
            ):
                raise ValueError(
                    f"{part}_lengths: expected frames of pieces that sum to {len(packed):,}, the "
                    f"frames of {part}, got {briefly.counted(len(lengths), 'piece')}"
                )
            yield _split(np.unpackbits(packed, axis=1), lengths)


def _split(rolls: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.split(rolls, np.cumsum(lengths)[:-1]))


def _from_matlab(data: bytes) -> Iterator[tuple[np.ndarray, ...]]:
    found = foreign.matlab_cells(data)
    for part in PARTS:
        if f"{part}data" not in found:
            raise ValueError(f"{part}data: missing, there are {', '.join(found) or 'no cells'}")
        yield found[f"{part}data"]


def _from_pickle(data: bytes) -> Iterator[tuple[np.ndarray, ...]]:
    found = foreign.plain_pickle(data)
    if not isinstance(found, dict):
        raise ValueError(f"expected a dictionary of sets, got {briefly.came(found)}")
    for part in PARTS:
        if not isinstance(found.get(part), list):
            raise ValueError(
                f"{part}: expected a list of pieces, got {briefly.came(found.get(part))}"
            )
        frames = sum(len(piece) for piece in found[part] if isinstance(piece, list))
        if len(found[part]) > PIECES or frames > FRAMES:
            raise ValueError(f"{part}: expected at most {PIECES:,} pieces, {FRAMES:,} frames")
        yield tuple(_roll(f"{part}, piece {n}", piece) for n, piece in enumerate(found[part]))


def _roll(where: str, piece: object) -> np.ndarray:
    """The roll of a piece that is told as its frames' notes."""
    if not isinstance(piece, list):
        raise ValueError(f"{where}: expected a list of frames, got {briefly.came(piece)}")
    roll = np.zeros((len(piece), KEYS.units), dtype=np.uint8)
    for step, frame in enumerate(piece):
        if not isinstance(frame, (tuple, list)) or len(frame) > KEYS.units:
            raise ValueError(
                f"{where}: expected frames, tuples of notes, got {briefly.came(frame)}"
            )
        for note in frame:
            if type(note) is not int or note not in KEYS.pitches:
                raise ValueError(
                    f"{where}: expected MIDI notes from {KEYS.pitches[0]} to {KEYS.pitches[-1]}, "
                    f"got {briefly.came(note)}"
                )
            roll[step, note - KEYS.pitches[0]] = 1
    return roll


@checked(name=text(some=True))
def find(name: str) -> Path:
    """The file of a corpus, such as ``"jsb_chorales"``.

    It is looked for in the folder that the environment variable ``LSTM_CORPORA`` names; without
    one, in ``data`` and in ``../shared/data``.

    Raises
    ------
    FileNotFoundError : if it is in none of them; the message says where it was looked for, and
        where the layout of such a file is described.

    Chapter 17.
    """
    named = os.environ.get(PLACES)
    folders = [Path(named)] if named else [Path("data"), Path("..", "shared", "data")]
    for folder in folders:
        for suffix in (".npz", ".mat", ".pickle"):
            path = folder / f"{name}{suffix}"
            if path.is_file():
                return path
    raise FileNotFoundError(
        f"there is no corpus by the name {name!r}: no file {name}.npz, .mat or .pickle in "
        f"{' or '.join(map(str, folders))}; it does not come with the package. Name a folder with "
        f"it in {PLACES}; the layout is described in lstm_from_scratch.playing.corpora"
    )


# ---- What is learned from them -------------------------------------------------------------------


@checked(roll=array("frames", "units", some=True))
def episode(roll: np.ndarray) -> Episode:
    """A piece to learn: each frame but the last is heard, and the one after it predicted.

    Chapter 6.
    """
    if len(roll) < 2:
        raise ValueError(f"roll: expected at least 2 frames, got {len(roll)}")
    roll = roll.astype(float)
    return Episode(roll[:-1], roll[1:])


_ROLL = array("frames", len(KEYS.pitches), some=True)


@checked(roll=_ROLL, by=whole(-128, 128))
def transposed(roll: np.ndarray, by: int) -> np.ndarray:
    """A piece so many semitones higher, or lower with a number below 0. Chapter 17.

    Raises
    ------
    ValueError : if a note would lie beyond the keys; `room_to_move` says how far there is.
    """
    down, up = room_to_move(roll)
    if not down <= by <= up:
        raise ValueError(f"by: expected {down} to {up} semitones, got {by}")
    return np.roll(roll, by, axis=1)


@checked(roll=_ROLL)
def room_to_move(roll: np.ndarray) -> tuple[int, int]:
    """How many semitones lower and higher a piece can be, as a number from 0 down and one up.

    Chapter 17.
    """
    sounding = np.flatnonzero(roll.any(axis=0))
    if not len(sounding):
        return 0, 0
    return -int(sounding[0]), int(roll.shape[1] - 1 - sounding[-1])


@checked(roll=_ROLL)
def parted(roll: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A piece parted into chords and melody, by a rule that needs no other knowledge.

    The highest key of a frame is the melody, the others are the chords. But if all keys of the
    frame are together what lies below the highest key of the last other frame before it, or of the
    next other frame after it, then they are that chord, and the melody is silent. A piano roll
    can't tell a melody that doubles the top of its chord from a rest; it counts as one.

    Returns
    -------
    Two rolls of the shape that came in; one or the other is on wherever the piece is.

    Section 2.3 has both voices; chapter 17.
    """
    on = roll != 0
    rows = np.arange(len(on))
    highest = on.shape[1] - 1 - on[:, ::-1].argmax(axis=1)
    melody = np.zeros_like(on)
    melody[rows, highest] = on.any(axis=1)
    below = on & ~melody
    # Frames that go on are one: what counts is the last other frame, and the next other one.
    new = np.flatnonzero(np.r_[True, (on[1:] != on[:-1]).any(axis=1)])
    run = np.searchsorted(new, rows, side="right") - 1
    silent = np.zeros(len(on), dtype=bool)
    for other in (run - 1, run + 1):
        there = (other >= 0) & (other < len(new))
        neighbour = below[new[np.where(there, other, 0)]]
        silent |= there & (on == neighbour).all(axis=1)
    melody[silent] = False
    return (on & ~melody).astype(roll.dtype), melody.astype(roll.dtype)


@checked(roll=_ROLL)
def two_voices(roll: np.ndarray) -> np.ndarray:
    """A piece as a roll of `TWO_VOICES`: chords as pitch classes, and the melody, note by note.

    It is `parted` first. What lies beyond the melody's keys is moved there by octaves. Shape
    ``(frames, 54)``, float64: twelve chord units, 41 of the melody and its rest.

    Chapter 17.
    """
    chords, melody = parted(roll)
    found = np.zeros((len(roll), TWO_VOICES.units))
    low, high = TWO_VOICES.melody[0], TWO_VOICES.melody[-1]
    for key, pitch in enumerate(KEYS.pitches):
        unit = TWO_VOICES.chord_units.start + (pitch - TWO_VOICES.chords[0]) % 12
        found[chords[:, key] != 0, unit] = 1.0
        while pitch < low:
            pitch += 12
        while pitch > high:
            pitch -= 12
        found[melody[:, key] != 0, TWO_VOICES.melody_units.start + pitch - low] = 1.0
    found[:, -1] = ~found[:, TWO_VOICES.melody_units].any(axis=1)
    return found


@checked(roll=_ROLL, steps=whole(1, limits.PIECE))
def notes(roll: np.ndarray, steps: int = 1) -> tuple[Note, ...]:
    """The notes of a piece, each frame as many steps long: 2 for a chorale, in eighths.

    A key that stays on is one long note. Chapter 2.
    """
    return KEYS.decode(np.repeat(roll, steps, axis=0))


@checked(frames=several(several(whole()), some=True))
def roll_of(frames: Sequence[Sequence[int]]) -> np.ndarray:
    """A roll of the pitches of each frame, such as ``[(48, 55, 64, 72)] * 4``, uint8. Chapter 2.

    Raises
    ------
    ValueError : for a pitch that no key has.
    """
    return _roll("frames", [*frames])
