"""The wheel: what is in it, and the module as it works from there, with no extra installed.

The chapters are run in such an environment too, by ``tools/execute.py``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import zipfile
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from lstm_from_scratch import music
from lstm_from_scratch.music import tunes
from lstm_from_scratch.music.blues import Note
from lstm_from_scratch.music.blues import chord_tones as tones
from lstm_from_scratch.studies import checking, study

EXTRAS = ("verovio", "joblib", "dask", "distributed")


class Installed(NamedTuple):
    """The wheel, and the Python of an environment in which it is installed."""

    wheel: Path
    python: Path

    def run(
        self, *arguments: str, folder: Path, home: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run that Python in a folder, and as a reader would: with no path into the checkout."""
        command = [self.python, "-E", *arguments]
        environment = None
        if home is not None:
            kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "NUMBA_"))}
            environment = kept | {"HOME": str(home), "USERPROFILE": str(home)}
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def tool(root: Path) -> ModuleType:
    """The tool that builds and installs the wheel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "tools")
        spec = importlib.util.spec_from_file_location(
            "downloaded", root / "tools" / "downloaded.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def installed(tool: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    wheel = tool.build_wheel(folder / "wheel")
    return Installed(wheel, tool.make_environment(folder / "environment", wheel))


@pytest.fixture(scope="module")
def chapters(tool: ModuleType) -> Installed:
    """The environment in which the chapters run: what they need is compiled there already."""
    folder, wheel = tool.kernel()
    specification = (folder / "kernels" / tool.KERNEL / "kernel.json").read_text(encoding="utf-8")
    return Installed(wheel, Path(json.loads(specification)["argv"][0]))


def test_the_wheel_holds_the_whole_module_and_every_table(installed: Installed, root: Path) -> None:
    module = root / "lstm_from_scratch"
    wanted = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in module.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    } | {
        f"lstm_from_scratch/results/{path.name}": path.read_bytes()
        for path in (root / "results").glob("*.csv")
    }
    with zipfile.ZipFile(installed.wheel) as wheel:
        held = {name: wheel.read(name) for name in wheel.namelist() if ".dist-info/" not in name}
    assert held.keys() == wanted.keys()
    assert [name for name in wanted if held[name] != wanted[name]] == []


def test_every_module_is_imported_with_no_extra_installed(
    installed: Installed, tmp_path: Path
) -> None:
    program = f"""
import importlib, importlib.util, json, pkgutil, lstm_from_scratch
for module in pkgutil.walk_packages(lstm_from_scratch.__path__, "lstm_from_scratch."):
    importlib.import_module(module.name)
def there(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
print(json.dumps([lstm_from_scratch.__file__, [name for name in {EXTRAS} if there(name)]]))
"""
    done = installed.run("-c", program, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    place, extras = json.loads(done.stdout)
    assert Path(place).is_relative_to(installed.python.parent.parent)
    assert extras == []


def test_the_tables_are_read_wherever_one_is(
    installed: Installed, root: Path, tmp_path: Path
) -> None:
    program = (
        "import json; from lstm_from_scratch.studies import tables;"
        "print(json.dumps(tables.stored({})))"
    )
    done = installed.run("-c", program.format("'resets'"), folder=tmp_path)
    assert json.loads(done.stdout) == study.read(root / "results" / "resets.csv")
    done = installed.run("-c", program.format("'reset'"), folder=tmp_path)
    assert "no stored table 'reset': there are" in done.stderr and "resets" in done.stderr


def test_the_command_line_names_the_extra_that_is_missing(
    installed: Installed, tmp_path: Path
) -> None:
    command = ("-m", "lstm_from_scratch.studies.study", "experiment-1")
    for more, extra in [((), "study"), (("--scheduler", "tcp://127.0.0.1:9"), "cluster")]:
        done = installed.run(*command, *more, folder=tmp_path)
        assert done.returncode == 1
        assert f"pip install 'lstm-from-scratch[{extra}]'" in done.stderr
        assert done.stderr.startswith("study: ") and len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


FIVE_LINES = """\
from lstm_from_scratch import playing; from lstm_from_scratch.music import tunes
tune = tunes.read("mine.mid")
player = playing.learn(tune)
piece = player.improvise(choruses=4, seed=1)
piece.save("out.mid", "out.mp3", "out.musicxml")
"""


def test_five_lines_and_two_commands_take_a_tune_to_an_improvisation(
    chapters: Installed, tmp_path: Path
) -> None:
    melody = [(72, 0, 2), (71, 2, 1), (67, 3, 3), (74, 8, 4), (71, 12, 2)]
    chords = [(pitch, 8 * bar, 8) for bar, of in enumerate(("C7", "G7")) for pitch in tones(of)]
    loop = {"melody": [Note(*it) for it in melody], "chords": [Note(*it) for it in chords]}
    music.write_midi(loop, tmp_path / "mine.mid")
    home = tmp_path / "empty"
    home.mkdir()

    done = chapters.run("-c", FIVE_LINES, folder=tmp_path, home=home)
    assert done.returncode == 0, done.stderr
    assert "learned by heart after" in done.stdout
    assert {"out.mid", "out.mp3", "out.musicxml"} <= {it.name for it in tmp_path.iterdir()}

    command = ("-m", "lstm_from_scratch")
    done = chapters.run(*command, "learn", "mine.mid", folder=tmp_path, home=home)
    assert done.returncode == 0, done.stderr
    assert "The melody is from 'melody', the chords from the notes of 'chords'" in done.stdout
    assert "mine.npz: written" in done.stdout
    more = ("mine.npz", "--choruses", "4", "-o", "again.mid")
    done = chapters.run(*command, "improvise", *more, folder=tmp_path, home=home)
    assert done.returncode == 0, done.stderr
    assert "again.mid: 4 choruses, 64 steps, by mine.npz, seed 1" in done.stdout
    assert re.search(r"Of the bars of 4 choruses, \d+% are the tune's own", done.stdout)

    # The commands do what the lines do.
    assert (tmp_path / "again.mid").read_bytes() == (tmp_path / "out.mid").read_bytes()
    assert tunes.read(tmp_path / "out.mid", grid=8).steps == 64


def test_outside_a_checkout_the_tables_of_the_package_are_checked(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(checking, "check", lambda names, folder, **_: asked.append(folder) or [])
    monkeypatch.setattr(checking, "report", lambda results: "")
    monkeypatch.chdir(tmp_path)
    for make in (False, True):
        if make:
            (tmp_path / "results").mkdir()
        with pytest.raises(SystemExit):
            study.main(["--check"])
    assert asked == [root / "results", study.RESULTS]


def test_what_a_requirement_brings_along_is_found(tool: ModuleType) -> None:
    plain = tool.asked_for(["matplotlib>=3"])
    assert {"matplotlib", "numpy", "fonttools"} <= plain
    assert "joblib" not in plain
    assert "joblib" not in tool.asked_for(['joblib; extra == "study"'])
    hidden = tool.not_asked_for(["numpy"])
    assert {"matplotlib", "verovio", "pytest"} <= set(hidden)
    assert not {"numpy", "lstm_from_scratch"} & set(hidden)
