"""What a file says of itself is compared before anything is made of it."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_from_scratch import limits
from lstm_from_scratch.machine import storing, training
from lstm_from_scratch.rivals import storing as rivals

STORED = Path(training.__file__).parent / "trained" / "experiment_1.npz"
RIVAL = Path(rivals.__file__).parent / "trained" / "simple-network.npz"


def parts(path: Path = STORED) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a stored network says of itself, and its arrays."""
    with np.load(path) as archive:
        arrays = dict(archive)
    return json.loads(str(arrays.pop("about", '""'))), arrays


def written(path: Path, about: Any, arrays: dict[str, Any]) -> Path:
    text = about if isinstance(about, str) else json.dumps(about)
    np.savez_compressed(path, about=text, **arrays)
    return path


def changed(about: Any, way: tuple[str | int, ...], value: Any) -> None:
    """Put a value where a way leads."""
    for step in way[:-1]:
        about = about[step]
    about[way[-1]] = value


def member(name: str, dtype: str, shape: tuple[int, ...]) -> tuple[str, bytes]:
    """An array of which there is the header alone."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return f"{name}.npy", file.getvalue()


RECIPE = ("recipe",)
VOICE = ("recipe", "topology", "voices", 0)
LEARNING = ("recipe", "voices", 0)


@pytest.mark.parametrize(
    ("way", "value", "said"),
    [
        (("format",), "2", "it has format '2', expected 4"),
        (("format",), True, "it has format True, expected 4"),
        (("format",), 10**30, "it has format 1000"),
        (("learned_at",), "yes", "learned_at: expected a whole number of at least 0, got 'yes'"),
        (("learned_at",), -5, "learned_at: expected a whole number of at least 0, got -5"),
        (("learned_at",), True, "learned_at: expected a whole number of at least 0, got True"),
        (("steps",), 1.5, "steps: expected a whole number of at least 0, got 1.5"),
        (("seconds",), float("nan"), "seconds: expected a number of at least 0, got nan"),
        (("seconds",), [1], r"seconds: expected a number of at least 0, got \[1\]"),
        (RECIPE, None, "recipe: expected a JSON object, got None"),
        ((*RECIPE, "seed"), -1, "recipe, seed: expected a whole number of at least 0, got -1"),
        ((*RECIPE, "seed"), True, "recipe, seed: expected a whole number of at least 0, got True"),
        ((*RECIPE, "test_every"), 10**12, "recipe, test_every: expected a whole number from 1 to"),
        ((*RECIPE, "colour"), "blue", "recipe: there is no colour, expected topology, voices"),
        ((*RECIPE, "voices"), {}, "recipe, voices: expected a list, got a dict"),
        ((*VOICE, "name"), 7, "voice 1, name: expected text, got 7"),
        ((*VOICE, "name"), None, "voice 1, name: expected text, got None"),
        ((*VOICE, "inputs"), 60_000_000, "voice 1, inputs: .* from 1 to 4,096, got 60000000"),
        ((*VOICE, "inputs"), True, "voice 1, inputs: .*got True"),
        ((*VOICE, "inputs"), "12", "voice 1, inputs: .*got '12'"),
        ((*VOICE, "blocks"), 8, "voice 1, blocks: expected a tuple .*got 8"),
        ((*VOICE, "g"), [-1e308, 1e308], "g needs a finite range"),
        ((*VOICE, "peepholes"), 1, "voice 1, peepholes: expected True or False, got 1"),
        ((*LEARNING, "momentum"), "fast", "learning of voice 1, momentum: .*got 'fast'"),
        ((*LEARNING, "output_bias"), None, "learning of voice 1, output_bias: .*got None"),
        ((*LEARNING, "until"), "later", "until: expected 'test' or 'plateau', got 'later'"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_its_name(
    way: tuple[str | int, ...], value: Any, said: str, tmp_path: Path
) -> None:
    about, arrays = parts()
    changed(about, way, value)
    path = written(tmp_path / "other.npz", about, arrays)
    with pytest.raises(ValueError, match=f"not a trained network of ours: .*{said}"):
        training.load(path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("curve_steps", np.array(["a"] * 280), "curve_steps: expected whole numbers, .*got <U1"),
        ("curve_steps", np.zeros(280), "curve_steps: expected whole numbers, .*got float64"),
        ("curve_resets", np.zeros(3, int), r"curve_resets: .* shape \(280,\), got int64 of shape"),
        ("curve_cross_entropy", np.full((280, 1), np.nan), "curve_cross_entropy: .*got nan"),
        ("curve_cross_entropy", np.zeros((280, 2)), r"shape \(280, 1\), got float64 of shape"),
        ("curve_choruses", np.zeros((280, 1), int), r"curve_choruses: .*shape \(280,\)"),
        ("hidden", np.zeros((20, 21), complex), "hidden: expected real numbers.*got complex128"),
        ("hidden", np.zeros((20, 21), "M8[s]"), "hidden: expected real numbers.*got datetime64"),
        ("hidden", np.full((20, 21), "1"), "hidden: expected real numbers.*got <U1"),
        ("hidden", np.full((20, 21), True), "hidden: expected real numbers.*got bool"),
        ("output", np.zeros((12, 20)), r"output: .*shape \(12, 21\), got float64 of shape"),
        ("output", np.full((12, 21), np.inf), "output: expected finite numbers"),
    ],
)
def test_an_array_of_another_kind_is_refused_by_its_name(
    name: str, value: np.ndarray, said: str, tmp_path: Path
) -> None:
    about, arrays = parts()
    path = written(tmp_path / "other.npz", about, arrays | {name: value})
    with pytest.raises(ValueError, match=said):
        training.load(path)


@pytest.mark.parametrize(
    ("name", "dtype", "shape", "said"),
    [
        ("hidden", "<f8", (60_000_000, 21), r"hidden: .*shape \(60,000,000, 21\)"),
        ("curve_steps", "<i8", (100_000_000,), "curve_steps: .*1,000,000 at most"),
        ("curve_resets", "<i8", (10**30,), r"curve_resets: .*some 10\^30"),
        ("about", "<U400000000", (), "about: expected a text of at most 1,000,000 signs"),
    ],
)
def test_what_a_header_asks_for_is_refused_before_it_is_made(
    name: str, dtype: str, shape: tuple[int, ...], said: str, tmp_path: Path
) -> None:
    """The arrays aren't there: who made room for them would ask for gigabytes."""
    path = tmp_path / "asking.npz"
    with zipfile.ZipFile(STORED) as whole, zipfile.ZipFile(path, "w") as file:
        for each in whole.namelist():
            if each != f"{name}.npy":
                file.writestr(each, whole.read(each))
        file.writestr(*member(name, dtype, shape))
    tracemalloc.start()
    with pytest.raises(ValueError, match=said):
        training.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def grown(name: str, data: bytes, folder: Path) -> Path:
    """A stored network of which one array is something else, packed tightly."""
    path = folder / "grown.npz"
    with (
        zipfile.ZipFile(STORED) as whole,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        for each in whole.namelist():
            file.writestr(each, data if each == f"{name}.npy" else whole.read(each))
    return path


@pytest.mark.parametrize("name", ["about", "hidden", "curve_steps"])
def test_what_is_packed_tightly_is_not_unpacked_unasked(name: str, tmp_path: Path) -> None:
    """A file of some 50 kB whose arrays go on for tens of megabytes, or whose headers do."""
    with zipfile.ZipFile(STORED) as whole:
        array = whole.read(f"{name}.npy")
    endless = b"\x93NUMPY\x02\x00" + (40_000_000).to_bytes(4, "little") + b" " * 40_000_000
    for data, said in (
        (array + bytes(40_000_000), f"{name}: expected .* got 40,00.* bytes"),
        (endless, f"{name}: expected a header of at most 10,000 bytes"),
        (array[:-1], f"{name}: expected .* got .* bytes"),
    ):
        path = grown(name, data, tmp_path)
        tracemalloc.start()
        with pytest.raises(ValueError, match=f"grown.npz: not a trained network of ours: {said}"):
            training.load(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5_000_000


@pytest.mark.parametrize("load", [training.load, rivals.load])
def test_an_array_alone_is_no_archive_whatever_it_asks_for(load, tmp_path: Path) -> None:
    path = tmp_path / "alone.npz"
    path.write_bytes(member("", "<f8", (10**9,))[1] + bytes(64))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"alone\.npz: not a .*expected an archive of arrays"):
        load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    with zipfile.ZipFile(path, "w") as file:
        for number in range(1_001):
            file.writestr(f"{number}.npy", b"")
    with pytest.raises(ValueError, match="at most 1,000 arrays, got 1,001"):
        load(path)


def test_a_recipe_of_many_units_asks_for_nothing_before_its_weights_are_seen(
    tmp_path: Path,
) -> None:
    about, arrays = parts()
    about["recipe"]["topology"]["voices"][0] |= {"inputs": 4_096, "blocks": [1] * 500}
    for gate in ("input", "forget", "output"):
        about["recipe"]["voices"][0][f"{gate}_gate_bias"] = -1.0
    path = written(tmp_path / "wide.npz", about, arrays)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"hidden: .*shape \(2000, 4597\), got float64 of shape"):
        training.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '"text"', "[" * 100_000, '{"format": 1' + "0" * 5000 + "}"]
)
def test_what_is_no_description_is_refused_in_our_words(text: str, tmp_path: Path) -> None:
    path = written(tmp_path / "other.npz", text, parts()[1])
    with pytest.raises(ValueError, match=r"about: expected (a )?JSON") as refused:
        training.load(path)
    assert "4300" not in str(refused.value) and "recursion" not in str(refused.value)


def test_fields_that_came_later_may_be_missing_and_others_not(tmp_path: Path) -> None:
    about, arrays = parts()
    assert "fresh" not in about["recipe"]
    assert training.load(written(tmp_path / "a.npz", about, arrays)).recipe.fresh == 0
    del about["recipe"]["topology"]["voices"][0]["inputs"]
    with pytest.raises(ValueError, match="voice 1: inputs is missing, there are name, blocks"):
        training.load(written(tmp_path / "b.npz", about, arrays))


def test_a_curve_that_would_not_be_read_again_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = training.stored("experiment_1")
    monkeypatch.setattr(limits, "TESTS", 279)
    with pytest.raises(ValueError, match="a curve of at most 279 tests, got 280"):
        training.save(kept, tmp_path / "long.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "1"}, "format: expected whole numbers"),
        ({"format": 2}, "it has format 2, expected 1"),
        (
            {"kind": "Unheard"},
            "kind: expected 'FeedForward' or 'SimpleNetwork' or 'SequentialNetwork', got 'Unheard'",
        ),
        ({"kind": 7}, "kind: expected a text"),
        ({"hidden": np.zeros((14, 40), complex)}, "hidden: expected real numbers"),
        ({"hidden": np.zeros((14, 39))}, "columns"),
        ({"output": np.zeros(3)}, "output: expected real numbers"),
    ],
)
def test_a_rival_in_a_file_is_looked_at_as_closely(
    changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    _, arrays = parts(RIVAL)
    path = tmp_path / "rival.npz"
    np.savez(path, **arrays | changes)
    with pytest.raises(ValueError, match=f"not a network of ours: .*{said}"):
        rivals.load(path)


def test_an_archive_says_what_it_has_and_what_not(tmp_path: Path) -> None:
    with storing.Archive(STORED) as archive:
        assert archive.header("hidden") == storing.Header(np.dtype(float), (20, 21))
        with pytest.raises(ValueError, match="nothing: missing, there are about, hidden"):
            archive.header("nothing")
