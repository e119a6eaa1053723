"""Pages of prose, read as text: what they name exists, what they say of sizes is so."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

import lstm_from_scratch
from lstm_from_scratch.machine.training import RECOMMENDED
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.studies import experiments

CITE = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
CHAPTER = re.compile(r"\{chapter\}`([^`]+)`")


def prose(path: Path) -> str:
    """The text of a page, or of a notebook's cells of text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


@pytest.fixture(scope="module")
def book(root: Path) -> dict[str, str]:
    """The text of every page by the name of its file without the ending."""
    paths = [*root.glob("book/**/*.md"), *root.glob("notebooks/*.ipynb")]
    return {path.stem: prose(path) for path in paths}


@pytest.fixture(scope="module")
def chapters(book: dict[str, str]) -> dict[int, str]:
    """The text of every chapter by its number."""
    return {int(name[:2]): text for name, text in book.items() if re.match(r"\d\d_", name)}


@pytest.fixture(scope="module")
def entries(book: dict[str, str]) -> dict[str, str]:
    """What the glossary says, by its terms; terms that share a text each have it."""
    (body,) = re.findall(r"```\{glossary\}\n:sorted:\n(.+?)\n```", book["glossary"], flags=re.S)
    found = {}
    for entry in re.split(r"\n\n(?=\S)", body.strip()):
        lines = entry.splitlines()
        names = [line for line in lines if not line.startswith(" ")]
        text = " ".join(line.strip() for line in lines[len(names) :])
        assert names and text and not set(names) & set(found), entry
        found |= dict.fromkeys(names, text)
    return found


# ---- Chapters and works that are named ---------------------------------------------------------


def test_every_work_is_cited_and_every_citation_is_a_work(root: Path, book: dict[str, str]) -> None:
    source = (root / "book" / "references.bib").read_text(encoding="utf-8")
    works = re.findall(r"^@\w+\{([^,]+),", source, flags=re.M)
    cited = {
        key for text in book.values() for keys in CITE.findall(text) for key in keys.split(",")
    }
    assert len(works) == len(set(works))
    assert cited == set(works)


def test_every_work_says_who_what_where_and_when(root: Path) -> None:
    source = (root / "book" / "references.bib").read_text(encoding="utf-8")
    places = {"journal", "booktitle", "institution", "school", "publisher"}
    for kind, key, body in re.findall(r"^@(\w+)\{([^,]+),\n(.+?)^\}", source, flags=re.M | re.S):
        fields = dict(re.findall(r"^  (\w+) *= \{(.+)\},?$", body, flags=re.M))
        assert {"author", "title", "year"} <= set(fields), key
        assert places & set(fields), key
        assert kind != "article" or {"journal", "volume", "pages"} <= set(fields), key
        assert re.fullmatch(r"(19|20)\d\d", fields["year"]), key
        assert re.fullmatch(r"10\.\d{4,9}/\S+", fields.get("doi", "10.1000/none")), key
        if match := re.fullmatch(r"(\d+)--(\d+)", fields.get("pages", "1--1")):
            assert int(match[1]) <= int(match[2]), key
        else:
            pytest.fail(f"{key}: pages are written 1--9")


def test_chapters_that_are_named_are_in_the_design(book: dict[str, str]) -> None:
    named = {
        re.search(r"\d+|\b[A-Z]\b", words)[0]
        for text in book.values()
        for words in CHAPTER.findall(text)
    }
    assert named and named <= {*map(str, range(1, 19)), "A"}


# ---- The glossary --------------------------------------------------------------------------------


def test_each_term_has_its_chapter_and_stays_short(entries: dict[str, str]) -> None:
    assert len(entries) > 70
    for term, text in entries.items():
        assert CHAPTER.search(text), f"{term}: where is it explained?"
        plain = re.sub(r"\{\w+(?::\w+)?\}`[^`]*`|\$[^$]*\$", "x", text)
        sentences = re.findall(r"[.?!](?= |$)", plain)
        assert 1 < len(sentences) <= 5, f"{term}: one to three sentences, then its chapter"


def test_terms_that_refer_to_each_other_exist(
    book: dict[str, str], entries: dict[str, str]
) -> None:
    known = {term.lower() for term in entries}
    for name, text in book.items():
        for words in re.findall(r"\{term\}`([^`]+)`", text):
            target = re.fullmatch(r".*<(.+)>", words)
            assert (target[1] if target else words).lower() in known, f"{name}: {words}"


def test_the_numbers_of_the_glossary(entries: dict[str, str]) -> None:
    music, network = experiments.choruses(), RECOMMENDED.topology
    weights = int(network.hidden_mask.sum() + network.output_mask.sum())
    assert f"has {weights}" in entries["weight"]
    assert f"{TWELVE_BAR.bars} bars, {TWELVE_BAR.steps} steps" in entries["chorus"]
    assert f"{TWELVE_BAR.choruses:,}" in entries["chorus"]
    held = f"{len(music.held_out):,} of the {TWELVE_BAR.choruses:,}"
    assert held in entries["held-out"]


# ---- For teachers --------------------------------------------------------------------------------


def test_the_syllabus_names_exercises_and_sections_that_exist(
    book: dict[str, str], chapters: dict[int, str]
) -> None:
    page = book["teachers"]
    exercise_number = r"(?<![\d.])(\d{1,2})\.([1-9])(?![\d.])"
    named = {(int(a), int(b)) for a, b in re.findall(exercise_number, page)}
    assert len(named) > 25
    for chapter, exercise in named:
        titles = re.findall(r"^\*\*(\d)\. ", chapters[chapter], flags=re.M)
        assert str(exercise) in titles, f"no exercise {chapter}.{exercise}"
    headings = {h for text in chapters.values() for h in re.findall(r"^#+ (.+)$", text, flags=re.M)}
    rows = [line for line in page.splitlines() if line.startswith("|")]
    sections = {words for row in rows for words in re.findall(r"(?<!\*)\*([^*|]+)\*(?!\*)", row)}
    sections -= {"Learning the Blues"}
    assert sections and sections <= headings


def test_a_whole_term_goes_through_every_chapter_there_is(
    book: dict[str, str], chapters: dict[int, str]
) -> None:
    term = book["teachers"].split("## A term")[1].split("\n## ")[0]
    named = {int(re.search(r"\d+", words)[0]) for words in CHAPTER.findall(term)}
    assert set(chapters) <= named


# ---- Files beside the book -----------------------------------------------------------------------


def test_the_citation_file_agrees_with_the_rest(root: Path) -> None:
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["title"] == config["title"]
    assert citation["authors"][0]["name"].lower() == config["author"].lower()
    assert citation["version"] == lstm_from_scratch.__version__
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{citation['version']}]" in changes
    (paper,) = citation["references"]
    source = (root / "book" / "references.bib").read_text(encoding="utf-8")
    assert paper["number"] in source and paper["title"].replace("LSTM", "{LSTM}") in source


def test_the_commands_that_are_named_exist(root: Path) -> None:
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, flags=re.M))
    pages = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "book/teachers.md", "book/running.md")
    for page in pages:
        text = (root / page).read_text(encoding="utf-8")
        named = set(re.findall(r"(?:^    |`)make ([a-z]+)", text, flags=re.M))
        assert named <= targets, page
        for tool in re.findall(r"tools/\w+\.py", text):
            assert (root / tool).exists(), f"{page}: {tool}"


def test_what_may_be_installed_is_what_there_is(root: Path, book: dict[str, str]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = book["running"]
    extras = set(project["optional-dependencies"])
    assert set(re.findall(r"^\| `(\w+)` \|", page, flags=re.M)) == extras
    named = re.findall(r"\[(\w+(?:,\w+)*)\][\"'`]", page + (root / "README.md").read_text())
    assert named
    assert {extra for names in named for extra in names.split(",")} <= extras
    assert f"lstm_from_scratch-{lstm_from_scratch.__version__}-py3-none-any.whl" in page


def test_the_example_of_the_reference_runs(book: dict[str, str]) -> None:
    (example,) = re.findall(r"```python\n(.+?)```", book["api"], flags=re.S)
    names: dict[str, object] = {}
    exec(example, names)
    assert names["roll"].shape == (TWELVE_BAR.steps, 12)
