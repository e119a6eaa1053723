"""A few hundred runs of each way to feed what nobody meant; `make fuzz` does more."""

from __future__ import annotations

import fuzz
import numpy as np
import pytest

RUNS = {
    **{"midi": 600, "tunes": 500, "networks": 250, "rivals": 150, "corpora": 250, "pickles": 400},
    **{"tables": 60, "calls": 500},
}


@pytest.mark.parametrize("target", RUNS)
def test_nothing_that_nobody_meant_ends_in_an_error_of_others(target: str) -> None:
    wrong = fuzz.fuzz(target, seed=14, runs=RUNS[target])
    assert not wrong, "\n".join(wrong[:10])


def test_every_target_is_run_here() -> None:
    assert RUNS.keys() == fuzz.TARGETS.keys()


def test_a_run_can_be_made_again_and_what_goes_wrong_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once, again = (fuzz.mutated(b"M" * 99, np.random.default_rng([3, 7])) for _ in range(2))
    assert once == again != b"M" * 99

    def broken(path: object) -> None:
        raise KeyError("a bare one")

    from lstm_from_scratch import music

    monkeypatch.setattr(music, "read_tracks", broken)
    wrong = fuzz.fuzz("midi", seed=1, runs=3)
    assert wrong == [f"midi, seed 1, run {n}: KeyError: 'a bare one'" for n in range(3)]


def test_what_goes_wrong_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(fuzz.TARGETS, "midi", lambda runs: (f"run {n}" for n, _ in enumerate(runs)))
    with pytest.raises(SystemExit) as ended:
        fuzz.main(["midi", "--seconds", "0.01"])
    assert ended.value.code == 1 and "midi, seed 0, run 0: run 0" in capsys.readouterr().out
