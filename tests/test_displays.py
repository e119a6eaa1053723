"""What a notebook shows of a chorus, a network, a result; and that no chapter is changed by it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lstm_from_scratch import music
from lstm_from_scratch.machine import training
from lstm_from_scratch.machine.network import Topology, Voice
from lstm_from_scratch.showing import displays

RESULT = training.stored("experiment_2")


def test_a_network_is_the_table_of_its_voices() -> None:
    shown = displays.network(RESULT.network)
    table = ElementTree.fromstring(f"<div>{shown}</div>")
    rows = [["".join(cell.itertext()) for cell in row] for row in table.iter("tr")]
    assert rows[1:] == [
        ["chords", "12", "4 × 2 cells", "itself", "all above 0.5"],
        ["melody", "13", "4 × 2 cells", "itself, chords", "one, drawn"],
    ]
    assert f"{RESULT.network.weights:,} weights" in shown
    strange = displays.topology(Topology((Voice("<b>", 2, (1, 2), peepholes=True),)))
    assert "&lt;b&gt;" in strange and "blocks of 1, 2 cells, peepholes" in strange


def test_a_result_says_what_came_of_it() -> None:
    shown = displays.result(RESULT)
    assert "<p>Learned after 1,344,000 of 37,344,000 steps, seed 0</p>" in shown
    assert displays.network(RESULT.network) in shown


@pytest.mark.parametrize("form", [music.TWELVE_BAR, music.blues.SHARED])
def test_a_chorus_is_a_small_player(form: music.Form) -> None:
    shown = displays.chorus(music.chorus(1234, form))
    assert 'class="performance compact"' in shown and "Chorus 1234" in shown


def test_a_chorus_of_another_form_is_heard() -> None:
    form = music.Form("short", ("C7",), (((60,),),), steps_per_bar=2)
    shown = displays.chorus(music.chorus(0, form))
    assert 'class="performance compact"' in shown and 'class="symbol"' not in shown


PROGRAM = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import {imported}
from lstm_from_scratch import machine, music
network = machine.stored("experiment_1").network
print([sorted(shell.display_formatter.format(it)[0]) for it in (network, music.chorus(0), [1])])
"""


@pytest.mark.parametrize(
    ("imported", "shown"),
    [
        ("lstm_from_scratch.showing", ["text/html", "text/plain"]),
        ("lstm_from_scratch", ["text/plain"]),
    ],
)
def test_ipython_is_told_where_showing_is_imported(imported: str, shown: list[str]) -> None:
    pytest.importorskip("IPython")
    program = PROGRAM.format(imported=imported)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == str([shown, shown, ["text/plain"]]), done.stderr


def test_nothing_is_told_and_nothing_imported_where_there_is_no_ipython() -> None:
    program = (
        "import sys; from lstm_from_scratch.showing import displays; print(displays.switch_on(),"
        "sorted({'IPython', 'matplotlib', 'numba', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "False []\n" or done.stdout == "False ['numpy']\n", done.stderr


def test_no_stored_output_of_a_chapter_is_one_of_these(root: Path) -> None:
    """Else it would be another where `showing` is imported."""
    names = tuple(f"{name}(" for _, name in displays.SHOWN)
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", ()):
                plain = "".join(output.get("data", {}).get("text/plain", ""))
                assert not plain.startswith(names), f"{path.name}: {plain[:60]}"
