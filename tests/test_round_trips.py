"""Every tune of a folder there and back: what the tool counts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import round_trips

from lstm_from_scratch.music import tunes

FILES = Path(__file__).parent / "data" / "tunes"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Our tunes, those that other programs wrote, and one that is cut short."""
    for path in (*tunes.EXAMPLES.iterdir(), *FILES.glob("m*"), *FILES.glob("pretty*")):
        if path.suffix != ".py":
            shutil.copy(path, tmp_path)
    below = tmp_path / "below"
    below.mkdir()
    (below / "cut.mid").write_bytes((FILES / "pretty_midi_waltz.mid").read_bytes()[:100])
    (below / "notes.txt").write_text("no tune")
    return tmp_path


def test_all_that_is_read_comes_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert round_trips.main([str(folder)]) == 0
    said = capsys.readouterr().out
    assert "12 files: 11 read, 1 refused" in said
    assert "refused, 1: track N: cut short" in said
    assert "MIDI: 11 of 11 came back as they went" in said
    assert "MusicXML: 11 of 11 came back as they went" in said


def test_what_comes_back_otherwise_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = tunes.write

    def higher(tune, path, **how):
        return write(tune.transposed(1), path, **how)

    monkeypatch.setattr(tunes, "write", higher)
    assert round_trips.main([str(folder), "--most", "3"]) == 1
    out, err = capsys.readouterr()
    assert "MIDI: 0 of 2 came back as they went" in out and "key, parts" in out
    assert "came back otherwise" in err


def test_a_folder_without_a_tune_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        round_trips.main([str(tmp_path)])
    assert "no tune in" in capsys.readouterr().err
