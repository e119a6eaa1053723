"""Playing together through MIDI ports: in time, onto the grid, and never a note that hangs."""

from __future__ import annotations

import heapq
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_midi
import mido
import numpy as np
import pytest

from lstm_from_scratch import live as command
from lstm_from_scratch.machine import training
from lstm_from_scratch.music import audio, midi, score
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from lstm_from_scratch.playing import composing, live, ports
from lstm_from_scratch.playing.duets import Duet
from lstm_from_scratch.studies import experiments

FORM = CHORDS_ONLY.form_roll(TWELVE_BAR)
CHORDS, MELODY = CHORDS_AND_MELODY.chord_units, CHORDS_AND_MELODY.melody_units
BEGINS = 1000.0  # by the clock of these tests


class Clock:
    """A clock that jumps to where it is waited for, and now and then beyond."""

    def __init__(self, late: float = 0.0) -> None:
        self.time, self.late, self.rng = BEGINS, late, np.random.default_rng(1)

    def now(self) -> float:
        return self.time

    def wait(self, until: float) -> None:
        self.time = max(until, self.time) + self.late * self.rng.random()


class Keys:
    """A person who plays when they mean to: messages by the time at which they come."""

    name = "keys"

    def __init__(self, clock: Clock, *messages: tuple[float, str, int]) -> None:
        self.clock, self.coming = clock, []
        for place, (when, kind, *what) in enumerate(messages):
            heapq.heappush(self.coming, (BEGINS + when, place, kind, what))

    def iter_pending(self) -> Iterator[mido.Message]:
        while self.coming and self.coming[0][0] <= self.clock.now():
            _, _, kind, what = heapq.heappop(self.coming)
            if kind == "break":
                raise RuntimeError("cable")
            if kind == "control_change":
                yield mido.Message(kind, control=what[0])
            else:
                channel = what[1] if len(what) > 1 else 0
                yield mido.Message(kind, note=what[0], channel=channel)


class Sink:
    """Keeps what it is sent, and when; breaks after so many messages, if asked to."""

    name = "sink"

    def __init__(self, clock: Clock, breaks: int = 10**9) -> None:
        self.clock, self.sent, self.breaks = clock, [], breaks

    def send(self, message: mido.Message) -> None:
        if len(self.sent) >= self.breaks:
            raise RuntimeError("unplugged")
        self.sent.append((self.clock.now() - BEGINS, message))

    def notes(self, channel: int) -> list[tuple[float, int]]:
        return [
            (when, it.note)
            for when, it in self.sent
            if it.type == "note_on" and it.channel == channel
        ]


def hanging(messages: list[mido.Message]) -> set[tuple[int, int]]:
    """The notes that were begun and never ended."""
    sounding: set[tuple[int, int]] = set()
    for it in messages:
        if it.type == "note_on":
            sounding.add((it.channel, it.note))
        elif it.type == "note_off":
            sounding.discard((it.channel, it.note))
    return sounding


@pytest.fixture(scope="module")
def make() -> Callable[..., Duet]:
    network, heard = training.stored("experiment_2").network, experiments.rolls((77, 1234))
    state = composing.hear(network, np.concatenate(heard))

    def made(**more: Any) -> Duet:
        return Duet(network, heard[0, 0], 5, encoding=CHORDS_AND_MELODY, state=state, **more)

    return made


def jam(duet: Duet, *messages: tuple, late: float = 0.0, **how: Any) -> tuple[live.Jam, Sink]:
    """Play together by a clock that takes no time."""
    clock = how.pop("clock", None) or Clock(late)
    sink = how.pop("sink", None) or Sink(clock)
    source = Keys(clock, *messages)
    return live.play(duet, CHORDS_AND_MELODY, source, sink, clock=clock, **how), sink


def at(step: float, tempo: float = 100.0) -> float:
    """When a step begins, from the first click on: a bar of clicks comes before."""
    return (step + 8) * 30 / tempo


# ---- Time ----------------------------------------------------------------------------------------


def test_times_do_not_drift(make: Callable) -> None:
    """Each wait ends up to 3 ms late: the last beat of half an hour is as late as the first."""
    _, sink = jam(make(), late=0.003, tempo=200, swing=0.62, steps=12_000)
    clicks = np.array([when for when, _ in sink.notes(9)])
    assert len(clicks) == (12_000 + 8) // 2
    expected = np.array([audio.seconds(2 * beat, 200, 0.62) for beat in range(len(clicks))])
    late = clicks - expected
    assert late.min() >= 0 and late.max() < 0.003
    assert abs(late[-500:].mean() - late[:500].mean()) < 5e-4


def test_an_hour_of_the_networks_chords_and_every_note_is_ended(make: Callable) -> None:
    together, sink = jam(make(), tempo=240, steps=96 * 300)
    assert np.array_equal(together.roll[:, CHORDS], np.tile(FORM, (300, 1)))
    assert hanging([message for _, message in sink.sent]) == set()
    begins = [pitch for _, pitch in sink.notes(0)]
    struck = score.struck(CHORDS_ONLY.decode(np.tile(FORM, (300, 1))))
    assert begins == [it.pitch for it in sorted(struck, key=lambda it: (it.onset, it.pitch))]
    assert together.why == "It ended" and together.lost == 0


def test_notes_go_out_when_their_step_begins(make: Callable) -> None:
    together, sink = jam(make(you="chords"), tempo=120, swing=0.6, steps=48)
    line = together.roll[:, MELODY].argmax(axis=1)
    onsets = [0, *(1 + np.flatnonzero(np.diff(line)))]
    expected = [(audio.seconds(step + 8, 120, 0.6), 60 + line[step]) for step in onsets]
    assert [pitch for _, pitch in sink.notes(1)] == [pitch for _, pitch in expected]
    found = [when for when, _ in sink.notes(1)]
    np.testing.assert_allclose(found, [when for when, _ in expected], atol=1e-9)


def test_time_that_was_missed_is_not_caught_up_with(make: Callable) -> None:
    clock = Clock()
    slept = []

    def sleep() -> bool:
        if clock.now() > BEGINS + 10 and not slept:
            slept.append(clock.now())
            clock.time += 36_000
        return False

    together, sink = jam(make(), clock=clock, stop=sleep, steps=96)
    clicks = np.array([when for when, _ in sink.notes(9)])
    gaps = np.diff(clicks)
    assert (gaps > 1).sum() == 1
    np.testing.assert_allclose(gaps[gaps < 1], 0.6, atol=1e-9)
    assert together.lost == pytest.approx(36_000, abs=1) and len(together.roll) == 96
    assert together.report().endswith("s were missed and not caught up with.")


# ---- Onto the grid -------------------------------------------------------------------------------


def test_what_comes_a_little_early_or_late_is_on_its_step(make: Callable) -> None:
    """At 100 beats a minute a step has 300 ms, and half of it lies on either side."""
    notes, offs = [], []
    for step, (pitch, off) in enumerate([(60, -0.14), (63, 0.12), (67, 0.0), (72, 0.08)]):
        notes += [(at(4 * step) + off, "note_on", pitch), (at(4 * step + 3), "note_off", pitch)]
        offs.append(off)
    together, _ = jam(make(), *notes, steps=16)
    played = CHORDS_AND_MELODY.voices(together.roll)["melody"]
    assert [(it.pitch, it.onset, it.duration) for it in played] == [
        (60, 0, 3),
        (63, 4, 3),
        (67, 8, 3),
        (72, 12, 3),
    ]
    np.testing.assert_allclose(together.offs, offs, atol=live.POLL)
    assert "You played 4 notes, the median of them" in together.report()


def test_the_network_hears_it(make: Callable) -> None:
    chords = [(at(16 * n) + 0.02, "note_on", p) for n in range(2) for p in (53, 57, 60, 63)]
    ends = [(at(16 * n + 15), "note_off", p) for n in range(2) for p in (53, 57, 60, 63)]
    together, _ = jam(make(you="chords"), *chords, *ends, steps=32)
    heard = tuple(sorted({53 % 12, 57 % 12, 60 % 12, 63 % 12}))
    alone = make(you="chords")
    rows = [alone.row, *(alone.go_on(heard) for _ in range(31))]
    assert np.array_equal(together.roll[:, MELODY], np.array(rows)[:, MELODY])
    assert together.roll[5, CHORDS].nonzero()[0].tolist() == list(heard)


def test_whose_turn_it_is(make: Callable) -> None:
    notes = [(at(step), "note_on", 72) for step in range(0, 64, 2)]
    notes += [(at(step + 1), "note_off", 72) for step in range(0, 64, 2)]
    together, sink = jam(make(fours=True), *notes, steps=64)
    mine = together.roll[:32, MELODY]
    assert mine[:, -1].tolist() == [1, 0] * 16 and mine[:, :-1].sum() == 0
    assert (together.roll[32:, MELODY].sum(axis=1) == 1).all()
    assert len(together.offs) == 16
    assert min(when for when, _ in sink.notes(1)) == pytest.approx(at(32))


def test_every_key_has_a_unit_and_the_drums_have_none(make: Callable) -> None:
    notes = [(at(0), "note_on", 24), (at(1), "note_off", 24), (at(2), "note_on", 99)]
    notes += [(at(3), "note_off", 99), (at(4), "note_on", 61, 9)]
    together, _ = jam(make(), *notes, steps=8)
    played = CHORDS_AND_MELODY.voices(together.roll)["melody"]
    assert [(it.pitch, it.onset) for it in played] == [(60, 0), (63, 2)]


# ---- Notes that get stuck ------------------------------------------------------------------------


def test_a_lost_end_a_flood_and_a_panic_button(make: Callable) -> None:
    lost = [(at(0), "note_on", 60)]
    together, _ = jam(make(), *lost, steps=96)
    (note,) = CHORDS_AND_MELODY.voices(together.roll)["melody"]
    assert note.duration * 0.3 == pytest.approx(live.LONGEST, abs=1.5)

    twice = [(at(0), "note_on", 60), (at(8), "note_on", 60), (at(10), "note_off", 60)]
    together, sink = jam(make(), *twice, steps=16, thru=True)
    assert together.roll[:, MELODY.start].sum() == 10
    assert [pitch for _, pitch in sink.notes(2)] == [60, 60]

    flood = [(at(0), "note_on", pitch) for pitch in range(128)]
    together, sink = jam(make(you="chords"), *flood, steps=8, thru=True)
    assert len(sink.notes(2)) == live.MOST
    assert hanging([message for _, message in sink.sent]) == set()

    panic = [(at(0), "note_on", 60), (at(4), "control_change", 123)]
    together, _ = jam(make(), *panic, steps=16)
    assert together.roll[:, MELODY.start].sum() == 4


def test_thru_sends_what_is_played_as_it_is(make: Callable) -> None:
    notes = [(1.234, "note_on", 45), (1.5, "note_off", 45)]
    for thru, expected in ((True, [(1.234, 45)]), (False, [])):
        _, sink = jam(make(), *notes, steps=8, thru=thru)
        assert [pitch for _, pitch in sink.notes(2)] == [pitch for _, pitch in expected]
        for (found, _), (when, _) in zip(sink.notes(2), expected, strict=True):
            assert 0 <= found - when <= live.POLL + 1e-9


# ---- How it ends ---------------------------------------------------------------------------------


def ways_to_end(make: Callable) -> Iterator[tuple[live.Jam, Sink]]:
    def stop_after(clock: Clock) -> dict[str, Any]:
        return {"clock": clock, "stop": lambda: clock.now() > BEGINS + 7.77}

    yield jam(make(), (2.6, "note_on", 60), thru=True, **stop_after(Clock()))
    yield jam(make(), (2.6, "note_on", 60), (7.0, "break", 0), thru=True)
    clock = Clock()
    gone = lambda: "the input 'keys' is gone" if clock.now() > BEGINS + 5 else ""  # noqa: E731 (short)
    yield jam(make(), (2.6, "note_on", 60), clock=clock, there=gone, thru=True)


def test_however_it_ends_no_note_hangs(make: Callable) -> None:
    said = []
    for together, sink in ways_to_end(make):
        messages = [message for _, message in sink.sent]
        assert {it.channel for it in messages if it.type == "note_on"} == {0, 2, 9}
        assert hanging(messages) == set()
        ends = {it.channel for it in messages if it.is_cc(123)}
        assert ends == {0, 2, 9}, "and all notes off, for what forgets single ends"
        said.append(together.why)
    assert said == [
        "It was stopped",
        "It ended, because the input 'keys' gives no more notes: cable,",
        "It ended, because the input 'keys' is gone,",
    ]


def test_an_output_that_breaks_ends_it(make: Callable) -> None:
    clock = Clock()
    sink = Sink(clock, breaks=20)
    together, _ = jam(make(), clock=clock, sink=sink)
    assert together.why == "It ended, because the output 'sink' takes no more notes: unplugged,"


def test_a_network_that_fails_leaves_nothing_hanging(
    make: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    duet, sinks = make(), []

    def fails(*_: object) -> None:
        raise ValueError("no note can be drawn")

    monkeypatch.setattr(duet, "go_on", fails)
    clock = Clock()
    sinks.append(Sink(clock))
    with pytest.raises(ValueError, match="no note can be drawn"):
        jam(duet, clock=clock, sink=sinks[0])
    assert sinks[0].notes(0) and hanging([message for _, message in sinks[0].sent]) == set()


def test_through_a_port_that_echoes(make: Callable) -> None:
    """mido's own loopback: what is sent into it comes out of it."""
    echo = mido.ports.EchoPort()
    clock = Clock()
    live.play(make(), CHORDS_AND_MELODY, Keys(clock), echo, clock=clock, steps=32)
    back = list(echo.iter_pending())
    assert sum(it.type == "note_on" and it.channel == 0 for it in back) >= 8
    assert hanging(back) == set()


# ---- Ports and the command -----------------------------------------------------------------------


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ports that are files."""
    monkeypatch.setenv("FAKE_MIDI", str(tmp_path))
    monkeypatch.setenv("MIDO_BACKEND", "fake_midi")
    before = os.environ.get("PYTHONPATH", "")
    here = str(Path(__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [here, before])))
    (tmp_path / "in.json").write_text("[]")
    mido.set_backend("fake_midi")
    yield tmp_path
    mido.set_backend()


def test_a_port_is_found_by_part_of_its_name(fake: Path) -> None:
    assert ports.names() == ((fake_midi.KEYS,), (fake_midi.SOUND,))
    with ports.open_port("input", "KEYS") as port:
        assert port.name == fake_midi.KEYS
    with pytest.raises(OSError, match="no port with 'piano' in the name: the output ports are 'Fa"):
        ports.open_port("output", "piano")
    (fake / "unplugged").touch()
    with pytest.raises(OSError, match="no port with 'keys' in the name: the input ports are none"):
        ports.open_port("input", "keys")


def test_a_name_that_several_ports_have_is_refused(
    fake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [{"name": f"Piano {n}", "is_input": True, "is_output": False} for n in (1, 12)]
    monkeypatch.setattr(fake_midi, "get_devices", lambda **_: both)
    with pytest.raises(OSError, match="several ports with 'piano' in the name"):
        ports.open_port("input", "piano")
    assert ports.open_port("input", "Piano 1").name == "Piano 1"


def test_without_rtmidi_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIDO_BACKEND", raising=False)
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    monkeypatch.delitem(sys.modules, "mido.backends.rtmidi", raising=False)
    mido.set_backend()
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'lstm-from-scratch\[live\]'"):
        ports.names()
    with pytest.raises(SystemExit, match="live: playing through MIDI ports needs python-rtmidi"):
        command.main(["--list"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--in and --out are needed, or --virtual, or --list"),
        (["--in", "x"], "--in and --out are needed"),
        (["--virtual", "--in", "x"], "--virtual takes the place of --in and --out"),
        (["--virtual", "--bars", "0"], "argument --bars: expected 1 to 12,000, got 0"),
        (["--virtual", "-o", "jam.mp3"], "expected a name in .mid, got 'jam.mp3'"),
        (["--virtual", "-o", ".mid"], "expected a name in .mid, got '.mid'"),
        (["--virtual", "-o", "nowhere/jam.mid"], "there is no folder 'nowhere'; make it first"),
        (["--virtual", "--you", "drums"], "invalid choice: 'drums'"),
        (["--virtual", "--tempo", "400"], "--tempo: '400': expected a number from 30 to 240"),
        (["--virtual", "--tempo", "nan"], "--tempo: 'nan': expected a number from 30 to 240"),
        (["--virtual", "--tempo", ""], "--tempo: '': expected a number from 30 to 240"),
        (["--virtual", "--swing", "1"], "--swing: '1': expected a number from 0.5 to 0.75"),
        (["--virtual", "--temperature", "-1"], "expected a number of at least 0"),
        (["--virtual", "--temperature", "inf"], "expected a number of at least 0"),
        (["--virtual", "--seed", "-1"], "--seed: expected a whole number of at least 0, got -1"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_the_ports_are_listed(fake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--list"])
    assert capsys.readouterr().out == f"--in:\n  {fake_midi.KEYS}\n--out:\n  {fake_midi.SOUND}\n"


def test_it_can_be_stopped_before_it_begins(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_duet", interrupted)
    with pytest.raises(SystemExit) as ended:
        command.main(IN_AND_OUT)
    assert ended.value.code == "live: stopped"


IN_AND_OUT = ["--in", "keys", "--out", "sound"]


def test_settings_that_cannot_be_are_named(fake: Path) -> None:
    for arguments, said in (
        (["--network", "experiment_1"], "live: experiment_1 has 12 inputs; this command plays"),
        (["--network", "nowhere.npz"], "live: there is no file 'nowhere.npz'"),
    ):
        with pytest.raises(SystemExit) as ended:
            command.main([*IN_AND_OUT, *arguments])
        assert str(ended.value.code).startswith(said)


def begin(fake: Path, *more: str) -> subprocess.Popen:
    arguments = [*IN_AND_OUT, "--tempo", "240", "--thru", *more]
    return subprocess.Popen(
        [sys.executable, "-m", "lstm_from_scratch.live", *arguments],
        cwd=fake,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def sent(fake: Path) -> list[mido.Message]:
    path = fake / "out.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return [mido.Message.from_str(line) for line in lines]


def test_the_command_plays_and_writes_what_was_played(fake: Path) -> None:
    (fake / "in.json").write_text(json.dumps([[0.5, [0x90, 67, 90]], [900, [0x80, 67, 0]]]))
    done = begin(fake, "--bars", "2", "-o", "jam.mid")
    out, err = done.communicate(timeout=300)
    assert done.returncode == 0, err
    assert out.startswith(f"In: {fake_midi.KEYS}. Out: {fake_midi.SOUND}. Ctrl-C ends it.\n")
    assert "It ended after 2 bars." in out and out.endswith("jam.mid: written\n")
    tracks = midi.read_tracks(fake / "jam.mid")
    assert tracks["chords"] == score.struck(CHORDS_ONLY.decode(FORM[:16]))
    assert hanging(sent(fake)) == set()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_no_note_hangs(fake: Path, number: int) -> None:
    (fake / "in.json").write_text(json.dumps([[0.0, [0x90, 67, 90]]]))
    done = begin(fake)
    deadline = time.monotonic() + 300
    while not any(it.type == "note_on" and it.channel == 0 for it in sent(fake)[:-1]):
        assert done.poll() is None and time.monotonic() < deadline, done.communicate()
        time.sleep(0.05)
    done.send_signal(number)
    out, err = done.communicate(timeout=300)
    assert (done.returncode, err) == (0, "")
    assert "It was stopped after" in out
    messages = sent(fake)
    assert hanging(messages) == set() and any(it.is_cc(123) for it in messages)


def test_a_keyboard_that_is_unplugged_ends_it(fake: Path) -> None:
    done = begin(fake)
    deadline = time.monotonic() + 300
    while len(sent(fake)) < 5:
        assert done.poll() is None and time.monotonic() < deadline, done.communicate()
        time.sleep(0.05)
    (fake / "unplugged").touch()
    out, err = done.communicate(timeout=300)
    assert (done.returncode, err) == (0, "")
    assert f"It ended, because the input '{fake_midi.KEYS}' is gone, after" in out
    assert hanging(sent(fake)) == set()


def test_through_virtual_ports_of_the_system() -> None:
    """With real ports of ALSA (or of a Mac); what goes out of one comes into the other."""
    pytest.importorskip("rtmidi", reason="no python-rtmidi here: no real port is tested")
    mido.set_backend("mido.backends.rtmidi")
    try:
        out = mido.open_output("test keys", virtual=True)
    except Exception as error:
        pytest.skip(f"no virtual MIDI port on this machine: {error}")
    finally:
        mido.set_backend()
    with out, ports.open_port("input", "test keys") as source:
        out.send(mido.Message("note_on", note=60))
        deadline = time.monotonic() + 20
        found: list[mido.Message] = []
        while not found and time.monotonic() < deadline:
            found += source.iter_pending()
            time.sleep(0.01)
        assert found == [mido.Message("note_on", note=60)]
