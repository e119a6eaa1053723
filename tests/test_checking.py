"""Checks of stored results: what was tampered with is found and named, and nothing is written."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from lstm_from_scratch.studies import checking, study, tables

ROOT = Path(__file__).parent.parent


class Product(NamedTuple):
    """A row of a study that is quick and says that it is not."""

    factor: float
    seed: int
    seconds: float
    product: float
    name: str


SECONDS = {0: 4.0, 1: 1.0, 2: 9.0, 3: 2.0, 4: 6.0}


@pytest.fixture
def products(monkeypatch):
    """A study of two settings and five seeds, and the runs that were made."""
    made = []

    def run(factor: float, seed: int) -> Product:
        made.append((factor, seed))
        seconds = SECONDS[seed] + factor / 10 + len(made) / 1000  # never the same again
        return Product(factor, seed, seconds, factor * seed, f"x{seed}")

    products = study.Study("products", run, Product, range(5), ((0.5,), (3.0,)))
    monkeypatch.setitem(study.STUDIES, "products", products)
    return made


@pytest.fixture
def folder(tmp_path, products):
    """A folder with the table of that study, and one that belongs to no study."""
    study.run("products", tmp_path)
    (tmp_path / "bench.csv").write_text("what,ever\n")
    products.clear()
    return tmp_path


def tamper(folder: Path, old: str, new: str) -> None:
    path = folder / "products.csv"
    text, changed = re.subn(old, new, path.read_text(), flags=re.MULTILINE)
    assert changed == 1
    path.write_text(text)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*")}


def test_an_honest_table_holds_and_nothing_is_written(folder, products, capsys):
    before = contents(folder)
    with pytest.raises(SystemExit) as ended:
        study.main(["--check", "--folder", str(folder), "--jobs", "1"])
    assert ended.value.code == 0
    assert len(products) == 10
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["study", "rows", "stored", "rows", "redone", "equal", "different"]
    assert out[1].split() == ["products", "10", "10", "10", "0"]
    assert len(out) == 2
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r"^(3\.0,2,.*),6\.0,", r"\1,6.5,", "factor 3.0, seed 2: product was 6.5 and is 6.0 now"),
        (r"^(3\.0,2,.*),6\.0,", r"\1,6,", "factor 3.0, seed 2: product was 6 and is 6.0 now"),
        (r"x4$(?=\n3)", "x5", "factor 0.5, seed 4: name was x5 and is x4 now"),
        (r"^0\.5,1,", "0.5,11,", "factor 0.5, seed 11: "),
    ],
)
def test_a_row_that_was_tampered_with_is_named(folder, capsys, monkeypatch, old, new, said):
    monkeypatch.setitem(SECONDS, 11, 1.0)
    tamper(folder, old, new)
    before = contents(folder)
    with pytest.raises(SystemExit) as ended:
        study.main(["--check", "--folder", str(folder), "--jobs", "1"])
    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert out.splitlines()[1].split() == ["products", "10", "10", "9", "1"]
    assert f"\nproducts, {said}" in out
    assert f"was made with {study.versions()}; here is {study.versions()}" in out
    assert contents(folder) == before


def test_a_row_that_no_run_makes_is_named(folder, capsys):
    tamper(folder, r"^3\.0,2,", "7.0,2,")
    number = next(
        number
        for number, line in enumerate((folder / "products.csv").read_text().splitlines(), start=1)
        if line.startswith("7.0")
    )
    (result,) = checking.check(folder=folder)
    assert not result.holds
    assert (result.stored, result.redone, result.different) == (10, 9, 0)
    assert result.problem == f"the study has no runs like those in lines {number}"


def test_a_table_that_can_not_be_read_is_told_with_the_others(folder, capsys, monkeypatch):
    monkeypatch.setitem(study.STUDIES, "other", study.STUDIES["products"])
    (folder / "other.csv").write_text((folder / "products.csv").read_text()[:-4])
    with pytest.raises(SystemExit) as ended:
        study.main(["--check", "--folder", str(folder), "--jobs", "1"])
    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert "\nproducts           10           10     10          0\n" in out
    assert re.search(r"\nother: .*other\.csv: line 15, the last, is broken off", out)


def test_what_can_not_be_checked_is_refused(tmp_path, products):
    with pytest.raises(study.StudyError, match="there is no table of any study"):
        checking.check(folder=tmp_path)
    with pytest.raises(study.StudyError, match="there is no table of products"):
        checking.check(["products"], tmp_path)
    with pytest.raises(study.StudyError, match=r"unknown study 'nonsense'"):
        checking.check(["nonsense"], tmp_path)
    with pytest.raises(ValueError, match="names: expected names of studies, or None, got 'cycles'"):
        checking.check("cycles", tmp_path)
    for budget in (-1, float("nan"), "5"):
        with pytest.raises(ValueError, match=f"budget: expected .*got {budget!r}"):
            checking.check(["products"], tmp_path, budget=budget)
    with pytest.raises(ValueError, match=r"jobs: expected 1 to 1,024 processes, or -1 .*got 0"):
        checking.check(["products"], tmp_path, jobs=0)
    with pytest.raises(ValueError, match=r"rows: expected .* got one of 'nonsense'"):
        checking.draw({"nonsense": []}, 1.0)
    with pytest.raises(ValueError, match="has 'soon' as seconds, expected a number"):
        checking.cost({"seconds": "soon"})
    assert len(checking.report([]).splitlines()) == 1


def test_a_budget_too_small_is_said(folder, products):
    (result,) = checking.check(["products"], folder, budget=0.5)
    assert result.holds and not products
    assert "nothing was redone, since the cheapest run takes 1 s" in checking.report([result])


def test_a_table_without_rows_is_no_fault(tmp_path, products):
    study.run("products", tmp_path, seeds=range(0))
    (result,) = checking.check(["products"], tmp_path)
    assert result.holds and (result.stored, result.redone) == (0, 0)
    assert "holds no run yet" in checking.report([result])


def rows_of(*runs: tuple[str, int, float]) -> list[dict[str, str]]:
    return [
        {"factor": factor, "seed": str(seed), "seconds": str(seconds)}
        for factor, seed, seconds in runs
    ]


def test_runs_are_drawn_by_the_rule(monkeypatch, products):
    monkeypatch.setitem(study.STUDIES, "other", study.STUDIES["products"])
    stored = {
        "other": rows_of(("0.5", 7, 5), ("0.5", 8, 100), ("0.5", 9, 5.5)),
        "products": rows_of(("0.5", 0, 5), ("0.5", 1, 1), ("0.5", 2, 2), ("3.0", 3, 3)),
    }

    def drawn(budget: float) -> list[tuple[str, int]]:
        return [(name, int(row["seed"])) for name, row in checking.draw(stored, budget)]

    # One of each; then the table with the fewer seconds, and of it each setting once before any
    # setting twice. With the last the seconds are 1 5 4 6 10.5 11 110.5.
    everything = [
        ("products", 1),
        ("other", 7),
        ("products", 3),
        ("products", 2),
        ("other", 9),
        ("products", 0),
        ("other", 8),
    ]
    assert drawn(1000) == everything
    assert drawn(21.5) == everything[:6]
    # What does not fit drops out, and with it the table; the other goes on.
    assert drawn(16.2) == [*everything[:4], ("products", 0)]
    assert drawn(1) == everything[:1]
    assert drawn(0.9) == []


def test_a_run_costs_a_second_at_least_also_where_the_table_does_not_say():
    assert checking.cost({"seconds": "2.5"}) == 2.5
    assert checking.cost({"seconds": "0.0"}) == checking.cost({"seed": "3"}) == 1


def test_two_stored_results_of_experiment_1_hold_on_this_machine():
    (result,) = checking.check(["experiment-1"], ROOT / "results", budget=2)
    assert result.redone == 2 and result.holds, checking.report([result])


@pytest.mark.parametrize("name", study.STUDIES)
def test_what_is_stored_can_be_gone_on_with(name):
    path = ROOT / "results" / f"{name}.csv"
    if path.exists():
        table = tables.of(path, study.STUDIES[name])
        assert table.rows and table.made_with
