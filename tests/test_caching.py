"""Where compiled code is kept when nothing can be written where it usually is."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lstm_from_scratch
from lstm_from_scratch.machine import caching
from lstm_from_scratch.music import tunes

PACKAGE = Path(lstm_from_scratch.__file__).parent


def obey_modes() -> None:
    """Make the process that is begun one that modes of files hold for, though it may be root."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(24, 1)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE; for all others it changes nothing


ROOMS = """
import lstm_from_scratch.playing.composing, lstm_from_scratch.rivals.layers
import lstm_from_scratch.machine.probe as probe
print(probe.doubled(21))
"""
PROBE = """
from .caching import njit
@njit(cache=True)
def doubled(number): return 2 * number
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="modes say little on Windows")


class Installed:
    """A copy of the module that nobody may write to, and a folder for temporary files."""

    def __init__(self, folder: Path) -> None:
        self.site, self.home = folder / "site", folder / "home"
        self.temporary = folder / "temporary"
        place = self.site / PACKAGE.name
        shutil.copytree(PACKAGE, place, ignore=shutil.ignore_patterns("__pycache__"))
        (place / "machine" / "probe.py").write_text(PROBE)
        self.temporary.mkdir()
        self.home.mkdir()
        for path in (*self.site.rglob("*"), self.site, self.home):
            path.chmod(0o555 if path.is_dir() else 0o444)
        if self.run(f"import os; print(os.access({str(self.site)!r}, os.W_OK))") != ["False"]:
            pytest.skip("nothing can be protected from this user")

    def run(self, program: str = ROOMS) -> list[str]:
        """Run a program as somebody without a home; what it says, both outputs."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("NUMBA_", "XDG_", "PYTHON", "IPYTHON", caching.SAID))
        }
        done = subprocess.run(
            [sys.executable, "-B", "-c", program],
            env=environment
            | {"HOME": str(self.home), "TMPDIR": str(self.temporary), "PYTHONPATH": str(self.site)},
            cwd="/",
            capture_output=True,
            text=True,
            preexec_fn=obey_modes,
        )
        assert done.returncode == 0, done.stderr
        return [*done.stdout.splitlines(), *done.stderr.splitlines()]

    def kept(self) -> list[str]:
        """The names of the functions that are kept in the temporary folder."""
        return sorted(path.name.split("-")[0] for path in self.temporary.rglob("*.nbc"))


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    made = Installed(tmp_path)
    yield made
    for path in (*made.site.rglob("*"), made.site, made.home):
        path.chmod(0o755)


def test_where_nothing_can_be_written_a_temporary_folder_keeps_it(installed: Installed) -> None:
    answer, said = installed.run()
    assert answer == "42"
    assert said.startswith("compiling: neither ")
    assert str(installed.site) in said and str(installed.temporary) in said
    assert "NUMBA_CACHE_DIR" in said
    assert installed.kept() == ["probe.doubled"]
    (place,) = installed.temporary.iterdir()
    assert place.stat().st_mode & 0o077 == 0  # what is in it will be run

    # And what is not its own it does not use: others could have put something there.
    shutil.rmtree(place)
    place.mkdir()
    place.chmod(0o777)
    answer, said = installed.run()
    assert answer == "42" and "compiled anew each time" in said
    assert installed.kept() == []


def test_there_too_a_tune_is_read_and_a_player_improvises(installed: Installed) -> None:
    out = str(installed.temporary / "out.mid")
    said = installed.run(
        "from lstm_from_scratch import playing\n"
        "from lstm_from_scratch.music import tunes\n"
        "print(tunes.read(tunes.EXAMPLES / 'last_bus.musicxml'))\n"
        f"playing.stored('by-heart').improvise(1).save({out!r})\n"
    )
    assert said[0].startswith("Tune('Last Bus', 8 bars of 4/4")
    assert sum(line.startswith("compiling: ") for line in said) == 1
    assert tunes.read(out, grid=12).steps == 96


def test_where_there_is_no_temporary_folder_nothing_is_kept(installed: Installed) -> None:
    nowhere = "import tempfile; tempfile.tempdir = '/nonexistent'\n"
    answer, said = installed.run(nowhere + ROOMS)
    assert answer == "42" and "compiled anew each time" in said
    assert list(installed.temporary.iterdir()) == []


def test_the_processes_that_one_begins_do_not_say_it_again(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(caching.SAID, "")
    caching._say(Path("/a/folder"))
    caching._say(None)
    assert capfd.readouterr().err.count("\n") == 1
    assert subprocess.run(["printenv", caching.SAID], capture_output=True).stdout == b"yes\n"


def test_where_it_can_be_kept_nothing_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    function = caching.njit(cache=True, nogil=True)(PROBE_FUNCTION)
    assert function.targetoptions["nogil"] and function.py_func is PROBE_FUNCTION
    assert type(function._cache).__name__ == "FunctionCache"
    assert capfd.readouterr() == ("", "")


def PROBE_FUNCTION(number: int) -> int:
    return number
