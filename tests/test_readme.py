"""The README's example works as printed."""

import re
import subprocess
import sys
from pathlib import Path

from lstm_from_scratch.music import midi

ROOT = Path(__file__).parent.parent


def test_the_example_makes_music(tmp_path):
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    assert len(code.strip().splitlines()) <= 12
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    notes = midi.read_midi(tmp_path / "blues.mid")
    assert {note.pitch for note in notes} <= set(range(48, 73))
    assert max(note.onset + note.duration for note in notes) == 4 * 96
    assert (tmp_path / "blues.mp3").stat().st_size > 100_000
