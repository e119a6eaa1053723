"""Small inputs that ask for everything are refused at every door, before anything is made."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_from_scratch import __main__ as command
from lstm_from_scratch import limits, machine, music, playing, rivals, showing
from lstm_from_scratch.judging import anatomy
from lstm_from_scratch.music import audio, score
from lstm_from_scratch.rivals import random_walk, transition_table
from lstm_from_scratch.studies import experiments

FAR = [music.Note(60, 140_000 * 8, 1)]
LATE = [music.Note(60, limits.PAGE, 8)]
LONG = np.zeros((limits.PAGE + 1, 25))


@pytest.fixture(scope="module")
def network() -> machine.Network:
    return machine.stored("experiment_2").network


def late_midi() -> bytes:
    """38 bytes with one note, an eighth long, in bar 140,000."""

    def number(value: int) -> bytes:
        digits = [value & 127]
        while value := value >> 7:
            digits.append(value & 127 | 128)
        return bytes(reversed(digits))

    track = number(140_000 * 4) + b"\x90\x3c\x40" + number(1) + b"\x80\x3c\x00"
    track = b"MTrk" + (len(track) + 4).to_bytes(4, "big") + track + b"\x00\xff\x2f\x00"
    return b"MThd\0\0\0\x06\0\0\0\x01\0\x01" + track


ASKING: dict[str, Callable[[machine.Network, Path], object]] = {
    "synthesise": lambda n, p: music.synthesise(FAR),
    "an hour and more": lambda n, p: music.synthesise([music.Note(60, 90_000, 1)]),
    "synthesise slowly": lambda n, p: music.synthesise(LATE, tempo=4),
    "player": lambda n, p: audio.player(FAR),
    "svg": lambda n, p: score.svg(LATE),
    "many staves": lambda n, p: score.svg({f"t{i}": [(60, 0, 1)] for i in range(16)}),
    "many notes": lambda n, p: score.svg([(q, i, 1) for i in range(520) for q in range(40, 80)]),
    "musicxml": lambda n, p: score.musicxml(FAR),
    "describe": lambda n, p: score.staves.bars_of(LATE, music.TWELVE_BAR),
    "write_midi": lambda n, p: music.write_midi([music.Note(60, 10**9, 1)], p / "a.mid"),
    "write_midi, far beyond": lambda n, p: music.write_midi([(60, 10**5000, 1)], p / "a.mid"),
    "watch": lambda n, p: showing.player.watch(LONG),
    "watch slowly": lambda n, p: showing.player.watch(LONG[:-1], tempo=4),
    "piano_roll": lambda n, p: showing.figures.piano_roll(LONG),
    "encode": lambda n, p: music.CHORDS_AND_MELODY.encode([], 10**12),
    "compose": lambda n, p: playing.compose(n, music.chorus(0), 2, 10**9, 1),
    "compose, a run too long": lambda n, p: playing.compose(n, music.chorus(0), 2, 10**6, 1),
    "free_run": lambda n, p: playing.free_run(n, LONG[:1], 10**12, 1),
    "recall": lambda n, p: playing.recall(n, LONG[:96], 10**12),
    "disturb": lambda n, p: anatomy.disturb(
        machine.network.solo(n, "chords"), LONG[:96, :12], 1.0, 1, choruses=10**6
    ),
    "walk": lambda n, p: random_walk.compose(10**6, 1),
    "table": lambda n, p: transition_table.compose(
        transition_table.fit(np.array([[1, 2, 3]])), 10**6, 10**6, 1
    ),
    "go_on": lambda n, p: playing.Soloist(n).go_on(LONG[:1], 10**12, 1),
    "test_every": lambda n, p: replace(machine.RECOMMENDED, test_every=10**12),
    "give_up_after": lambda n, p: replace(machine.RECOMMENDED, give_up_after=10**30),
    "forgiven": lambda n, p: replace(machine.RECOMMENDED, forgiven=10**30),
    "initial_range": lambda n, p: machine.Learning(initial_range=1e308),
    "a rival's tests": lambda n, p: rivals.simple_rnn.Method(test_every=10**12),
    "inputs": lambda n, p: machine.Voice("wide", 60_000_000, (1,)),
    "weights": lambda n, p: machine.Topology((machine.Voice("wide", 4_000, (4,) * 1_000),)),
    "random_network": lambda n, p: rivals.simple_rnn.random_network(10**9, 10**9, 1),
    "a form": lambda n, p: music.Form("long", ("C7",) * 5_000, steps_per_bar=9_600),
    "split": lambda n, p: music.blues.split(
        3, 1, music.Form("many", ("C7",) * 40, (((60,), (63,)),) * 40)
    ),
    "pieces": lambda n, p: showing.listening.gap_by_dice(10**9, 10**9),
    "choruses": lambda n, p: experiments.choruses(10**12),
}


@pytest.mark.parametrize("door", ASKING)
def test_what_asks_for_everything_is_refused_before_it_is_made(
    door: str, network: machine.Network, tmp_path: Path
) -> None:
    tracemalloc.start()
    with pytest.raises(ValueError, match="expected") as refused:
        ASKING[door](network, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50_000_000
    assert "4300" not in str(refused.value) and len(str(refused.value)) < 400
    assert not list(tmp_path.iterdir())


def test_notes_without_end_come_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NOTES", 1_000)
    with pytest.raises(ValueError, match="notes: expected at most 1,000, got more"):
        music.synthesise(music.Note(60, step, 1) for step in itertools.count())


def test_a_small_file_with_a_late_note_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "late.mid"
    path.write_bytes(late_midi())
    assert path.stat().st_size < 40
    with pytest.raises(ValueError, match=r"late\.mid, track 0: expected at most 96,000 steps"):
        music.read_midi(path)


def test_a_time_of_endless_digits_in_a_file_is_said_shortly(tmp_path: Path) -> None:
    """A length of a MIDI file may go on for as many bytes as it likes."""
    delta = b"\xff" * 9000 + b"\x7f"
    track = delta + b"\x90\x3c\x40" + b"\x01\x80\x3c\x00\x00\xff\x2f\x00"
    path = tmp_path / "endless.mid"
    path.write_bytes(b"MThd\0\0\0\x06\0\0\0\x01\0\x02MTrk" + len(track).to_bytes(4, "big") + track)
    with pytest.raises(ValueError, match=r"endless\.mid") as refused:
        music.read_midi(path)
    assert "4300" not in str(refused.value) and len(str(refused.value)) < 300


TEMPI: dict[str, Callable[[float, Path], object]] = {
    "seconds": lambda tempo, p: audio.seconds(3, tempo),
    "synthesise": lambda tempo, p: music.synthesise([(60, 0, 1)], tempo=tempo),
    "player": lambda tempo, p: audio.player([(60, 0, 1)], tempo=tempo),
    "write_midi": lambda tempo, p: music.write_midi([(60, 0, 1)], p / "a.mid", tempo=tempo),
    "musicxml": lambda tempo, p: score.musicxml([(60, 0, 1)], tempo=tempo),
    "watch": lambda tempo, p: showing.player.watch(LONG[:2], tempo=tempo),
    "blind_test": lambda tempo, p: showing.listening.blind_test(
        {"a": ([(60, 0, 4)],), "b": ([(62, 0, 4)],)}, 1, tempo=tempo
    ),
}


@pytest.mark.parametrize("door", TEMPI)
def test_the_limits_of_the_tempo_are_the_same_everywhere(door: str, tmp_path: Path) -> None:
    TEMPI[door](4, tmp_path)
    TEMPI[door](1000.0, tmp_path)
    for tempo in (3.99, 1000.01, 1e-3, 0, -1, np.inf, np.nan, "fast", None):
        with pytest.raises(ValueError, match="tempo: expected a number of beats a min"):
            TEMPI[door](tempo, tmp_path)


def test_what_the_book_does_lies_far_below() -> None:
    assert limits.RUN >= 10_000 * 384 and limits.PIECE >= 80 * 12 * 96
    assert limits.NOTES >= 10_000 * 92 and limits.SHEET >= 100 * 92
    assert limits.PAGE >= 8 * 12 * 96 and limits.SOUND >= 12 * 24
    assert 2 * max(machine.PAPER.give_up_after, machine.PAPER_2.max_steps) < limits.TRAINING
    assert machine.PAPER.test_every < limits.BETWEEN_TESTS
    assert max(machine.PAPER.choruses, 10_000) < limits.CHORUSES


@pytest.mark.parametrize("many", ["1001", "9" * 5000])
def test_the_command_line_says_how_many_choruses_there_may_be(
    many: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["compose", "-o", str(tmp_path / "a.mid"), "--choruses", many])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "a whole number, at least 1, at most 1,000" in said
    assert len(said) < 2_000
