"""Corpora: three layouts of file read with care, and a piece parted into two voices."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstm_from_scratch.playing import corpora, foreign
from lstm_from_scratch.playing.corpora import Corpus


def piece(rng: np.random.Generator, frames: int) -> np.ndarray:
    return (rng.random((frames, 88)) < 0.05).astype(np.uint8)


@pytest.fixture
def corpus() -> Corpus:
    rng = np.random.default_rng(1)
    sets = [tuple(piece(rng, int(n)) for n in rng.integers(2, 30, size=size)) for size in (5, 3, 2)]
    return Corpus("made up", *sets)


def same(one: Corpus, other: Corpus) -> bool:
    return all(
        len(getattr(one, part)) == len(getattr(other, part))
        and all(map(np.array_equal, getattr(one, part), getattr(other, part)))
        for part in corpora.PARTS
    )


# ---- Files of all three layouts ------------------------------------------------------------------


def notes_of(corpus: Corpus) -> dict[str, list[list[tuple[int, ...]]]]:
    """As the first pickles have it: lists of tuples of MIDI notes."""
    return {
        part: [
            [tuple(int(key) + 21 for key in np.flatnonzero(frame)) for frame in roll]
            for roll in getattr(corpus, part)
        ]
        for part in corpora.PARTS
    }


def element(kind: int, body: bytes, order: str) -> bytes:
    return struct.pack(f"{order}II", kind, len(body)) + body + b"\0" * (-len(body) % 8)


def matrix(roll: np.ndarray, order: str, name: str = "") -> bytes:
    flags = element(6, struct.pack(f"{order}II", 9, 0), order)  # class 9: uint8
    sizes = element(5, struct.pack(f"{order}ii", *roll.shape), order)
    numbers = element(2, roll.T.tobytes(), order)
    return element(14, flags + sizes + element(1, name.encode(), order) + numbers, order)


def matlab(corpus: Corpus, order: str = "<", packed: bool = True) -> bytes:
    """A file of MATLAB 5 as its documentation lays it out: rows of cells, one for each set."""
    version = struct.pack(f"{order}H", 0x0100) + (b"IM" if order == "<" else b"MI")
    data = b"MATLAB 5.0 MAT-file".ljust(124) + version
    for part in corpora.PARTS:
        rolls = getattr(corpus, part)
        flags = element(6, struct.pack(f"{order}II", 1, 0), order)  # class 1: cells
        sizes = element(5, struct.pack(f"{order}ii", 1, len(rolls)), order)
        name = element(1, f"{part}data".encode(), order)
        inside = b"".join(matrix(roll, order) for roll in rolls)
        whole = element(14, flags + sizes + name + inside, order)
        if packed:
            squeezed = zlib.compress(whole)
            whole = struct.pack(f"{order}II", 15, len(squeezed)) + squeezed
        data += whole
    return data


WRITERS: dict[str, Callable[[Corpus, Path], object]] = {
    "made.npz": corpora.write,
    "little.mat": lambda corpus, path: path.write_bytes(matlab(corpus)),
    "big.mat": lambda corpus, path: path.write_bytes(matlab(corpus, ">")),
    "open.mat": lambda corpus, path: path.write_bytes(matlab(corpus, packed=False)),
    **{
        f"protocol{n}.pickle": lambda corpus, path, n=n: path.write_bytes(
            pickle.dumps(notes_of(corpus), n)
        )
        for n in range(pickle.HIGHEST_PROTOCOL + 1)
    },
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_layout_is_read_as_the_same_music(name: str, corpus: Corpus, tmp_path: Path) -> None:
    WRITERS[name](corpus, tmp_path / name)
    found = corpora.read(tmp_path / name)
    assert same(found, corpus)
    assert found.digest == corpus.digest
    assert found.name == Path(name).stem
    assert corpora.read(tmp_path / name, "chosen").name == "chosen"


def test_a_digest_is_of_the_music(corpus: Corpus) -> None:
    turned = corpus.train[0].copy()
    turned[1, 7] ^= 1
    one_key = Corpus("other", (turned, *corpus.train[1:]), corpus.valid, corpus.test)
    # The same frames, but parted otherwise.
    joined = Corpus("other", (np.concatenate(corpus.train),), corpus.valid, corpus.test)
    assert len({corpus.digest, one_key.digest, joined.digest}) == 3


@pytest.mark.parametrize("name", ["made.npz", "little.mat", "open.mat", "protocol2.pickle"])
def test_a_damaged_file_is_refused_in_a_sentence(name: str, corpus: Corpus, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](corpus, path)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(2), 0
    for _ in range(150):
        data = bytearray(whole)
        if rng.random() < 0.3:
            del data[rng.integers(len(data)) :]
        else:
            for at in rng.integers(len(data), size=4):
                data[at] = rng.integers(256)
        path.write_bytes(data)
        try:
            corpora.read(path)  # what is changed may be a note, and no damage
        except ValueError as error:
            assert str(error).startswith(str(path))
            refused += 1
    assert refused > 30


class Harmful:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("it was run"),))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_in_a_pickle_is_run(
    protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "harmful.pickle"
    path.write_bytes(pickle.dumps({"train": Harmful()}, protocol))
    with pytest.raises(ValueError, match="is not followed"):
        corpora.read(path)
    assert not Path("it was run").exists()


def test_plain_values_come_out_of_a_pickle_as_they_went_in() -> None:
    again = [1, 2]
    value = {"a": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], "b": again, "c": [again, {}, "text"],
             5: [-1, 255, 256, 65_536, -(2**31), 2**40], "d": list(range(1_500))}  # fmt: skip
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert foreign.plain_pickle(pickle.dumps(value, protocol)) == value
    with pytest.raises(ValueError, match=r"cut short|damaged|exhausted|no newline"):
        foreign.plain_pickle(pickle.dumps(value)[:-3])


def test_a_small_file_makes_no_large_one(corpus: Corpus, tmp_path: Path) -> None:
    """Headers that promise more than there is, and packed zeros without end."""
    bomb = zlib.compress(b"\0" * 150_000_000, 9)
    header = matlab(corpus)[:128]
    path = tmp_path / "bomb.mat"
    path.write_bytes(header + struct.pack("<II", 15, len(bomb)) + bomb)
    with pytest.raises(ValueError, match="unpacks to more than"):
        corpora.read(path)

    frame = [tuple(range(21, 29))]
    often = {part: [frame * 1_000] * 5_000 for part in corpora.PARTS}
    path = tmp_path / "often.pickle"
    path.write_bytes(pickle.dumps(often))
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match="at most 100,000 pieces, 1,000,000 frames"):
        corpora.read(path)


def test_what_does_not_fit_is_named(corpus: Corpus, tmp_path: Path) -> None:
    def npz(**changed: np.ndarray) -> Path:
        file = io.BytesIO()
        corpora.write(corpus, tmp_path / "whole.npz")
        with np.load(tmp_path / "whole.npz") as arrays:
            np.savez(file, **{**arrays, **changed})
        (tmp_path / "changed.npz").write_bytes(file.getvalue())
        return tmp_path / "changed.npz"

    frames = sum(map(len, corpus.train))
    cases = {
        "train: expected whole numbers": {"train": np.zeros((frames, 10), np.uint8)},
        "train: expected uint8": {"train": np.zeros((frames, 11), np.int64)},
        "train_lengths: expected frames of pieces that sum": {"train_lengths": np.array([2, 2])},
        "piece 0 has 1 frame": {"train_lengths": np.array([1, frames - 1])},
    }
    for said, changed in cases.items():
        with pytest.raises(ValueError, match=said):
            corpora.read(npz(**changed))
    with pytest.raises(ValueError, match=r"ends in \.npz, \.mat, \.pickle, got"):
        corpora.read(tmp_path / "music.mid")
    with pytest.raises(FileNotFoundError):
        corpora.read(tmp_path / "nowhere.npz")
    path = tmp_path / "notes.pickle"
    path.write_bytes(pickle.dumps({part: [[(60,), (20,)]] for part in corpora.PARTS}))
    with pytest.raises(
        ValueError, match="train, piece 0: expected MIDI notes from 21 to 108, got 20"
    ):
        corpora.read(path)


def test_a_corpus_is_looked_for_and_its_absence_explained(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(corpora.PLACES, str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no file music\.npz.*layout is described"):
        corpora.find("music")
    corpora.write(corpus, tmp_path / "music.npz")
    assert corpora.find("music") == tmp_path / "music.npz"


# ---- Pieces --------------------------------------------------------------------------------------


def test_a_piece_moves_as_far_as_there_are_keys() -> None:
    roll = corpora.roll_of([(22, 60), (105,)])
    assert corpora.room_to_move(roll) == (-1, 3)
    assert np.array_equal(corpora.transposed(roll, 3), corpora.roll_of([(25, 63), (108,)]))
    with pytest.raises(ValueError, match="expected -1 to 3 semitones, got 4"):
        corpora.transposed(roll, 4)


def parts_of(frames: list[tuple[int, ...]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    both = corpora.parted(corpora.roll_of(frames))
    return [
        tuple(tuple(int(key) + 21 for key in np.flatnonzero(row)) for row in rows)
        for rows in zip(*both, strict=True)
    ]


def test_the_highest_key_is_the_melody_unless_the_chord_stands_alone() -> None:
    chord = (60, 64, 67)
    over = [((60, 64, 67), (72,)), ((60, 64, 67), ()), ((60, 64, 67), ()), ((60, 64, 67), (74,))]
    assert parts_of([(*chord, 72), chord, chord, (*chord, 74)]) == over
    # The chord before its melody; and one that nothing else tells apart.
    assert parts_of([chord, (*chord, 76)]) == [(chord, ()), (chord, (76,))]
    assert parts_of([chord, (65, 69, 72)]) == [((60, 64), (67,)), ((65, 69), (72,))]
    assert parts_of([(72,), (), (36, 72)]) == [((), (72,)), ((), ()), ((36,), (72,))]
    assert parts_of([(36, 72), (36,)]) == [((36,), (72,)), ((36,), ())]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_parted_is_the_piece(seed: int) -> None:
    roll = piece(np.random.default_rng(seed), 60)
    chords, melody = corpora.parted(roll)
    assert np.array_equal(chords | melody, roll) and not (chords & melody).any()
    assert (melody.sum(axis=1) <= 1).all()
    both = corpora.two_voices(roll)
    t = corpora.TWO_VOICES
    assert both.shape == (60, 54) and (both[:, t.melody_units].sum(axis=1) == 1).all()
    assert np.array_equal(both[:, -1] == 1, ~melody.any(axis=1))
    for frame in range(60):
        classes = {(int(key) + 21) % 12 for key in np.flatnonzero(chords[frame])}
        assert {t.chords[unit] % 12 for unit in np.flatnonzero(both[frame, :12])} == classes


def test_a_melody_beyond_its_keys_is_moved_by_octaves() -> None:
    both = corpora.two_voices(corpora.roll_of([(36, 40), (36, 108)]))
    pitches = [corpora.TWO_VOICES.pitches[unit] for unit in both[:, :-1].argmax(axis=1)]
    melody = [corpora.TWO_VOICES.melody[unit] for unit in both[:, 12:-1].argmax(axis=1)]
    assert melody == [64, 84] and pitches == [48, 48]


def test_notes_are_as_long_as_their_frames() -> None:
    roll = corpora.roll_of([(60,), (60, 64), (64,)])
    assert corpora.notes(roll, 2) == ((60, 0, 4), (64, 2, 4))


# ---- The two that are public ---------------------------------------------------------------------

DIGESTS = {
    "jsb_chorales": "b82beeb058953fd20b7e68052066d5c32f757b81cdc4e9f9ee3276c4cbf13909",
    "nottingham": "e895683535307fcf73a1aa9b654c5c62822eb509b7c24abe441cb6a264694635",
}
FRAMES = {"jsb_chorales": (13_807, 4_602, 4_725), "nottingham": (176_561, 45_513, 44_463)}


@pytest.mark.parametrize("name", DIGESTS)
def test_the_public_corpora_are_those_that_were_published(name: str, root: Path) -> None:
    path = root.parent / "shared" / "data" / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"there is no file {path}: the corpus is not read")
    found = corpora.read(path)
    assert found.digest == DIGESTS[name]
    sets = [getattr(found, part) for part in corpora.PARTS]
    assert tuple(sum(map(len, pieces)) for pieces in sets) == FRAMES[name]
