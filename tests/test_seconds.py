"""The seconds of a row are those of its steps: nothing is compiled while they are counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNTED = """
import time
from dataclasses import replace
from numba.core import event

class Compiles(event.Listener):
    count = 0
    def on_start(self, event):
        Compiles.count += 1
    def on_end(self, event):
        pass

event.register("numba:compile", Compiles())
asked, process_time = [], time.process_time

def counting():
    asked.append(Compiles.count)
    return process_time()

time.process_time = counting
"""

ROWS = {
    "experiment_1": """
from lstm_from_scratch.studies import experiments
experiments.experiment_1(replace(RECOMMENDED, give_up_after=96), 0)
""",
    "simple network": """
from lstm_from_scratch.studies.questions import first
first.SIMPLE_STEPS = {"bptt": 4_800, "rtrl": 4_800}
first.simple_network("bptt", "adam", 1.0, 1e-3, 0)
""",
    "feed-forward": """
from lstm_from_scratch.studies.questions import composers
composers.FEED_FORWARD = replace(composers.FEED_FORWARD, max_steps=96, test_every=96)
made = []
composers.judge_all = lambda network, *_: made.append(network) or 1 / 0
try:
    composers.composed("feed-forward-1", 0)
except ZeroDivisionError:
    pass
""",
}


@pytest.mark.parametrize("row", ROWS)
def test_nothing_is_compiled_while_seconds_are_counted(row: str, tmp_path: Path) -> None:
    program = (
        f"{COUNTED}\nfrom lstm_from_scratch.machine.training import RECOMMENDED\n"
        f"{ROWS[row]}\n"
        "assert len(asked) == 2, asked\n"
        "print(Compiles.count > 0, asked[1] - asked[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "True 0\n", done.stdout + done.stderr
