"""The command line: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import soundfile

from lstm_from_scratch import commands
from lstm_from_scratch.machine import training
from lstm_from_scratch.music import midi
from lstm_from_scratch.studies.questions import STUDIES


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    """The command, as a person gives it."""
    return subprocess.run(
        [sys.executable, "-m", "lstm_from_scratch", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_without_an_argument_it_says_what_can_be_done(arguments: tuple, tmp_path: Path) -> None:
    done = run(*arguments, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "compose -o blues.mid" in done.stdout and "study --list" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 90


def test_what_is_taught_works(tmp_path: Path) -> None:
    training.save(training.stored("experiment_2"), tmp_path / "mine.npz")
    taught = [
        line.split()[3:]
        for line in run(folder=tmp_path).stdout.splitlines()
        if line.startswith("  python -m lstm_from_scratch compose")
    ]
    assert len(taught) == 3
    for arguments in taught:
        done = run(*arguments, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        file = arguments[arguments.index("-o") + 1]
        assert done.stdout.startswith(f"{file}: ") and (tmp_path / file).stat().st_size > 1000
    assert (tmp_path / "blues.mid").read_bytes() == (tmp_path / "mine.mid").read_bytes()
    assert soundfile.info(tmp_path / "wild.mp3").duration == pytest.approx(2 * 24, abs=2)


def test_it_says_what_it_wrote_and_the_seed_decides(tmp_path: Path) -> None:
    options = ("compose", "--choruses", "1", "--cold", "-o")
    done = run(*options, "a.mid", "--seed", "5", folder=tmp_path)
    assert done.stdout == "a.mid: 1 chorus, 96 steps, by experiment_2, seed 5\n"
    run(*options, "b.mid", "--seed", "5", folder=tmp_path)
    run(*options, "c.mid", "--seed", "6", folder=tmp_path)
    a, b, c = (midi.read_midi(tmp_path / f"{name}.mid") for name in "abc")
    assert a == b != c
    assert max(note.onset + note.duration for note in a) == 96


def test_the_ending_says_what_is_written(tmp_path: Path) -> None:
    for name in ("a.musicxml", "a.WAV"):
        done = run("compose", "--choruses", "1", "-o", name, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    assert ElementTree.parse(tmp_path / "a.musicxml").getroot().tag == "score-partwise"
    assert soundfile.info(tmp_path / "a.WAV").format == "WAV"


def test_a_network_of_chords_alone_plays_them(tmp_path: Path) -> None:
    done = run("compose", "--network", "experiment_1", "-o", "a.mid", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(midi.read_tracks(tmp_path / "a.mid")) == {"chords"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("play",), 2, "no command 'play': there are compose, learn, improvise, live and study"),
        (("compose",), 2, "required: -o/--output"),
        (("compose", "-o", "a.txt"), 2, "'a.txt': expected a name that ends in .mid, .mp3, .wav"),
        (("compose", "-o", "no/a.mid"), 2, "there is no folder 'no'; make it first"),
        (("compose", "-o", "folder.mid"), 2, "'folder.mid' is a folder"),
        (("compose", "-o", "a.mid", "--loud"), 2, "unrecognized arguments: --loud"),
        (("compose", "-o", "a.mid", "--see", "3"), 2, "unrecognized arguments: --see 3"),
        (("compose", "-o", "a.mid", "--choruses", "0"), 2, "'0': expected a whole number, at lea"),
        (("compose", "-o", "a.mid", "--seed", "x"), 2, "'x': expected a whole number"),
        (("compose", "-o", "a.mid", "--temperature", "nan"), 2, "'nan': expected a number of at"),
        (("compose", "-o", "a.mid", "--network", "b"), 1, "compose: no stored network 'b'"),
        (("compose", "-o", "a.mid", "--network", "b.npz"), 1, "compose: there is no file 'b.npz'"),
        (("compose", "-o", "a.mid", "--given", "97"), 1, "compose: given must be 1 to 96"),
        (("compose", "-o", "a.mid", "--chorus", "4096"), 1, "compose: no chorus 4096"),
        (("live",), 2, "--in and --out are needed, or --virtual, or --list"),
        (("study", "nonsense"), 1, "study: unknown study 'nonsense'"),
        (("study", "--loud"), 2, "unrecognized arguments: --loud"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_written(
    arguments: tuple, code: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.mid").mkdir()
    done = run(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["folder.mid"]


def test_study_is_the_command_that_it_was(tmp_path: Path) -> None:
    one, other = (
        subprocess.run(
            [sys.executable, "-m", *module, "--list"], cwd=tmp_path, capture_output=True, text=True
        )
        for module in (("lstm_from_scratch", "study"), ("lstm_from_scratch.study",))
    )
    assert one.stdout == other.stdout and one.stdout.count("\n") == len(STUDIES)


# ---- Whoever reads it, or does not -------------------------------------------------------------


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command", [("lstm_from_scratch.study", "--list"), ("lstm_from_scratch", "--help")]
)
def test_a_command_that_nobody_reads_ends_without_a_word(command: tuple, unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (commands.NOBODY_READS, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
def test_a_command_whose_output_has_no_room_says_so_in_a_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lstm_from_scratch", "study", "--list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    said = "the output could not be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_a_command_ends_with_the_code_that_it_gives(capfd: pytest.CaptureFixture[str]) -> None:
    def refused() -> None:
        sys.exit("no")

    for main, code in ((lambda: 3, 3), (lambda: None, None), (refused, "no")):
        with pytest.raises(SystemExit) as ended:
            commands.run(main)
        assert ended.value.code == code
    with pytest.raises(FileNotFoundError):  # an error of ours is no matter of the output
        commands.run(lambda: os.stat("/nowhere/at/all"))
    assert capfd.readouterr() == ("", "")


def test_every_command_ends_so(root: Path) -> None:
    for folder in (root / "tools", Path(commands.__file__).parent):
        for path in folder.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if '__name__ == "__main__"' in text:
                assert text.endswith('if __name__ == "__main__":\n    commands.run(main)\n'), path
