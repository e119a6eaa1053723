"""A chapter that was only begun has the form of the others and its places in the book."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import new_chapter
import pytest
import test_notebooks
import yaml

EVERY_FORM = [
    test_notebooks.test_it_has_the_sections_of_a_chapter_in_order,
    test_notebooks.test_its_title_carries_its_number,
    test_notebooks.test_it_opens_with_three_things_to_learn,
    test_notebooks.test_its_checks_assert_something,
    test_notebooks.test_each_exercise_has_a_hint_and_a_folded_solution,
    test_notebooks.test_code_fits_the_column_and_is_seen_at_once,
    test_notebooks.test_it_opens_with_something_to_hear_or_see,
]


@pytest.fixture
def book(root: Path, tmp_path: Path) -> Path:
    """As much of the book as a new chapter touches."""
    for name in ("_toc.yml", "book/welcome.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "07_experiment_1.ipynb").touch()
    return tmp_path


def test_a_new_chapter_has_the_form_of_the_others(book: Path) -> None:
    path = new_chapter.begin(book, "13", "tasks_of_old", "Tasks of old", "what came before")
    nbformat.validate(nbformat.read(path, as_version=4))
    for test in EVERY_FORM:
        test(path)
    test_notebooks.test_it_is_stored_in_the_one_form(path, new_chapter.store_notebooks)


def test_it_stands_after_the_last_chapter(book: Path) -> None:
    there = re.findall(r"file: (notebooks/\d+_\w+)", (book / "_toc.yml").read_text())
    new_chapter.begin(book, "99", "tasks_of_old", "Tasks of old", "what came before")
    parts = yaml.safe_load((book / "_toc.yml").read_text())["parts"]
    names = [entry["file"] for part in parts for entry in part["chapters"]]
    at = names.index("notebooks/99_tasks_of_old")
    assert names[at - 1] == there[-1] and "notebooks/" not in names[at + 1][:10]
    rows = (book / "book" / "welcome.md").read_text().split("* - {doc}`../notebooks/")
    numbered = [row for row in rows[1:] if row[:2].isdecimal()]
    assert [row[:2] for row in numbered] == [*(name[10:12] for name in there), "99"]
    assert "{times}`/notebooks/99_tasks_of_old`\n  - what came before\n" in numbered[-1]


@pytest.mark.parametrize(
    ("number", "name", "title", "message"),
    [
        ("7", "again", "Again", "chapter 7 is there already: 07_experiment_1.ipynb"),
        ("zero", "it", "It", "number is 1 to 99, got 'zero'"),
        ("12", "Not So", "It", "lower-case words joined by _, got 'Not So'"),
        ("12", "it", " ", "a title is one line"),
    ],
)
def test_what_can_t_be_begun_is_refused_and_nothing_written(
    number: str, name: str, title: str, message: str, book: Path
) -> None:
    before = {path: path.read_bytes() for path in book.rglob("*") if path.is_file()}
    with pytest.raises(ValueError, match=message):
        new_chapter.begin(book, number, name, title, "")
    assert {path: path.read_bytes() for path in book.rglob("*") if path.is_file()} == before
