"""What is handed in is looked at: every public signature with wrong arguments; the doors."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import signatures
from numba import njit

from lstm_from_scratch import arguments, briefly
from lstm_from_scratch.arguments import (
    able,
    array,
    buffer,
    checked,
    either,
    exactly,
    instance,
    none,
    one_of,
    path,
    randomness,
    real,
    several,
    text,
    whole,
)

ALL = signatures.signatures()
SLOW = (  # where a wrong value that is accepted makes a sound, a picture or a training
    "judging.anatomy.disturb",
    "judging.measures.surprise",
    "machine.kalman_training.train",
    "machine.kernel.Arena.recall",
    "machine.training.train",
    "music.audio.",
    "music.score.drawing.",
    "music.score.writing.",
    "rivals.",
    "showing.",
)
EVERY = 4
"""Of what a slow function may accept, one in so many values is tried here; `make fuzz` does all."""


@pytest.fixture(autouse=True, scope="module")
def _somewhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wrong names of files are written to no checkout."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("sweep"))
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ALL)
def test_a_wrong_argument_is_named_or_taken(name: str) -> None:
    """Each value of a table for each argument, all others right: refused in our words, or taken.

    What the annotation alone forbids must be refused. Ours is a ValueError or TypeError that is
    raised in this package, names the argument and says what came.
    """
    signature = ALL[name]
    faults, number = [], len(name)
    for parameter, about in signature.parameters.items():
        good = about.default if about.default is not about.empty else None
        if good is None and about.default is about.empty:
            good = signatures.example(signature, parameter)
        values = {label: make() for label, make in signatures.WRONG.items()}
        for label, value in (values | signatures.bent(good)).items():
            number += 1
            must = signatures.must_be_refused(about.annotation, value)
            if not must and name.startswith(SLOW) and number % EVERY:
                continue
            wrong = signatures.fault(signature, parameter, value)
            faults += [f"{parameter} = {label}: {wrong}"] * bool(wrong)
    assert not faults, "\n".join(faults)


def test_the_sweep_holds_all_wings_and_would_see_a_bare_error() -> None:
    assert {name.partition(".")[0] for name in ALL} == set(
        ["music", "machine", "playing", "judging", "rivals", "studies", "showing"]
    )
    assert len(ALL) > 300
    assert "music.blues.Form" in ALL and "machine.kernel.Arena.train" in ALL

    def bare(roll: np.ndarray, choruses: int) -> int:
        return roll.shape[0] * choruses

    one = signatures.Signature("room.bare", bare, dict(inspect.signature(bare).parameters))
    assert "bare TypeError" in signatures.fault(one, "choruses", None)
    assert "AttributeError" in signatures.fault(one, "roll", "text")
    assert signatures.fault(one, "choruses", 2.5) == "was accepted"
    assert signatures.fault(one, "choruses", 3) == ""


def test_an_argument_that_nobody_knows_is_missed() -> None:
    def new(unheard_of: int) -> None: ...

    one = signatures.Signature("room.new", new, dict(inspect.signature(new).parameters))
    with pytest.raises(LookupError, match=r"no example for 'unheard_of' of room\.new"):
        signatures.fault(one, "unheard_of", 1)


@pytest.mark.parametrize(
    ("kind", "good", "bad", "said"),
    [
        (whole(), np.int64(-3), 2.5, "a whole number, got 2.5"),
        (whole(1), 1, 0, "a whole number of at least 1, got 0"),
        (whole(1, 9, of="bars"), 9, 10, "a whole number of bars from 1 to 9, got 10"),
        (whole(), 10**30, 10**5000, r"got some 10\^5000, which is beyond all counting"),
        (whole(), 0, True, "a whole number, got True"),
        (real(), 1, float("nan"), "a finite number, got nan"),
        (real(finite=False), np.inf, 1j, "a number, got 1j"),
        (real(0, below=1), np.float32(0.5), 1.0, "a number of at least 0 and below 1, got 1.0"),
        (real(), 10**300, 10**5000, r"a finite number, got some 10\^5000"),
        (real(), np.array(0.5), np.array([0.5]), r"got an array of shape \(1,\)"),
        (text(), "", b"x", "text, got b'x'"),
        (text(), "\U0001f3b7", "\ud83c", r"got '\\ud83c', half of a character"),
        (path(), "\udcff.mid", "\ud800.mid", r"got '\\ud800\.mid', half of a character"),
        (text(some=True), "a", " ", "text that is not empty, got ' '"),
        (one_of("a", "b"), "a", "c", "'a' or 'b', got 'c'"),
        (path(), Path("a"), "a\0b", "a path, got a name with a zero character"),
        (path(), "a", "", "a path, got an empty name"),
        (randomness(), np.random.default_rng(1), None, "a numpy Generator, .*got None"),
        (several(whole()), [1, 2], 8, "a tuple of which each is a whole number, got 8"),
        (several(whole()), np.array([1]), (1, "a"), "got 'a' at place 1"),
        (several(text()), ("a",), "abc", "got 'abc'"),
        (exactly(real(), real()), (1, 2.0), (1, 2, 3), r"a tuple of 2, .*got \(1, 2, 3\)"),
        (either(whole(), none()), None, "a", "a whole number, or None, got 'a'"),
        (array(), [[True, 1.5]], [[1], [1, 2]], "got rows of unequal length: 1 and 2"),
        (array(3), [1, 2, 3], [1, 2], r"numbers of shape \(3,\), got shape \(2,\)"),
        (array(finite=True), [0.0], [np.inf], "finite numbers, got inf among them"),
        (array(), [1.0], ["a"], r"numbers, got \['a'\]"),
        (array(whole=True), [1], [1.5], "whole numbers, got an array of shape .* type float64"),
        (buffer("units"), np.zeros(3), [0.0], "a contiguous float64 array .*in place, got"),
        (buffer(), np.zeros((2, 3)), np.zeros((2, 3)).T, "contiguous"),
        (instance(Path), Path("a"), "a", "a Path, got 'a'"),
        (able("upper", "lower"), "a", 1, "something with upper and lower, got 1"),
    ],
    ids=briefly.came,
)
def test_a_kind_takes_what_fits_and_says_what_does_not(
    kind: arguments.Kind, good: object, bad: object, said: str
) -> None:
    arguments.check("it", good, kind)
    with pytest.raises(ValueError, match=f"^it: expected .*{said}"):
        arguments.check("it", bad, kind)


def test_what_annotations_say_is_asked_at_the_door() -> None:
    @checked(steps=whole(1))
    def play(steps: int, rng: np.random.Generator | int, name: str | None = None) -> tuple:
        """Play."""
        return steps, rng, name

    assert play(np.int64(3), 1) == (3, 1, None) and type(play(np.int64(3), 1)[0]) is int
    assert play.__doc__ == "Play." and next(iter(inspect.signature(play).parameters)) == "steps"
    for wrong, said in (
        ({"steps": 0, "rng": 1}, "steps: expected a whole number of at least 1, got 0"),
        ({"steps": 1, "rng": None}, "rng: expected a numpy Generator"),
        ({"steps": 1, "rng": -1}, "rng: .*got -1"),
        ({"steps": 1, "rng": 1, "name": 3}, "name: expected text, or None, got 3"),
    ):
        with pytest.raises(ValueError, match=said):
            play(**wrong)


def test_axes_of_one_name_are_equally_long() -> None:
    @checked(values=array("samples"), labels=array("samples"))
    def tell(values: np.ndarray, labels: np.ndarray) -> int:
        return len(values)

    assert tell([1, 2], [3, 4]) == 2
    with pytest.raises(ValueError, match=r"labels: expected .*as values has samples 2, got shape"):
        tell([1, 2], [3])


def test_compiled_code_has_a_door_and_goes_past_it() -> None:
    @checked(values=array("samples", dtype=float), factor=real(0, as_float=True))
    @njit
    def scaled(values: np.ndarray, factor: float) -> float:
        return values.sum() * factor

    @njit
    def from_inside(values: np.ndarray) -> float:
        return scaled(values, -2.0)

    assert scaled([1, 2], 2) == 6.0
    assert from_inside(np.array([1.0, 2.0])) == -6.0, "inside nothing is asked"
    with pytest.raises(ValueError, match="factor: expected a number of at least 0, got -2"):
        scaled([1, 2], -2)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (10**5000, "some 10^5000"),
        (-(10**50), "some -10^50"),
        ((1, "a", None, 2.0, 3), "(1, 'a', None, 2.0, …)"),
        ([10**5000], "[some 10^5000]"),
        ("x" * 100, f"'{'x' * 50}' and so on"),
        (np.zeros((2, 3)), "an array of shape (2, 3)"),
        (np.array(["a"]), "an array of shape (1,) and type <U1"),
        (int, "the class int"),
        ({}, "a dict"),
        (Path("a"), f"a {type(Path('a')).__name__}"),
    ],
    ids=briefly.came,
)
def test_what_came_is_said_shortly(value: object, said: str) -> None:
    assert briefly.came(value).startswith(said)
