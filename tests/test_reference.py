"""The reference pages: every public name is there, with its chapter, and says what it says.

The pages are made by `book/_ext/api.py` from docstrings; what is public is found here in another
way, by reading the sources without running them. Built pages are looked at in `test_book.py`.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import lstm_from_scratch
from lstm_from_scratch.machine import gradient
from lstm_from_scratch.music import blues
from lstm_from_scratch.playing import composing

CHAPTERS = {*map(str, range(1, 19)), "A"}  # of the design; later ones may be named already
MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(lstm_from_scratch.__path__, f"{lstm_from_scratch.__name__}.")
)


def public_names(source: str) -> list[str]:
    """The classes and functions that a module defines at its top level for others."""
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        node.name
        for node in ast.parse(source).body
        if isinstance(node, definitions) and not node.name.startswith("_")
    ]


@pytest.fixture(scope="module")
def api(root: Path) -> Iterator[ModuleType]:
    """The extension of Sphinx that writes the reference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "book" / "_ext"))
        import api

        yield api


@pytest.fixture(scope="module")
def pages(root: Path) -> dict[str, str]:
    """The sources of the reference's pages by the name of their file."""
    return {p.name: p.read_text(encoding="utf-8") for p in (root / "book" / "api").glob("*.md")}


def test_every_module_stands_in_one_page_and_in_the_table(root: Path, pages: dict) -> None:
    text = "\n".join(pages.values())
    found = re.findall(r"^\.\. automodule:: (\S+)\n((?:   .*\n)*)", text, flags=re.M)
    assert sorted(name for name, _ in found) == MODULES
    for name, options in found:
        assert ":members:" in options, f"{name}: its members are left out"
    table = (root / "book" / "api.md").read_text(encoding="utf-8")
    for name in MODULES:
        places = f"<{name}>", f"<{name}.", f"<{name.rpartition('.')[0]}>"
        assert any(place in table for place in places), f"{name} is not in the table"


def test_every_page_of_the_reference_is_in_the_book(root: Path, pages: dict) -> None:
    contents = (root / "_toc.yml").read_text(encoding="utf-8")
    assert pages and yaml.safe_load(contents)
    for page in pages:
        assert f"book/api/{page.removesuffix('.md')}\n" in contents


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_has_a_docstring_and_a_chapter(name: str, api: ModuleType) -> None:
    module = importlib.import_module(name)
    found = api.public(module)
    for public in public_names(Path(module.__file__).read_text(encoding="utf-8")):
        assert public in found, f"{name}.{public} has no docstring"
    for public, thing in found.items():
        chapters = api.chapters_of(thing, module)
        assert chapters, f"neither {name}.{public} nor its module names a chapter"
        assert set(chapters) <= CHAPTERS


@pytest.mark.parametrize("name", MODULES)
def test_no_word_of_a_docstring_is_lost(name: str, api: ModuleType) -> None:
    module = importlib.import_module(name)
    for public, thing in api.public(module).items():
        docstring = api.own_docstring(thing, module)
        fields = getattr(thing, "_fields", ())
        written = "\n".join(api.rewrite(docstring.splitlines(), module, names=fields))
        plain = re.sub(r":(?:py:obj|chapter):`([^`<]+?)(?: <[^`]*>)?`", r"\1", written)
        assert words(plain) == words(docstring), public


def words(text: str) -> list[str]:
    """The words of a text in their order, titles of sections apart."""
    titles = ("Attributes", "Parameters", "Returns", "returns", "Raises")
    return [word for word in re.findall(r"\w+", text) if word not in titles]


def test_chapters_become_links(api: ModuleType) -> None:
    for plain, linked in {
        "Section 3.2; chapter 7.": "Section 3.2; :chapter:`chapter 7`.",
        "Chapters 7 and 8, with a state chapter 9.": (
            ":chapter:`Chapters 7` and :chapter:`8`, with a state :chapter:`chapter 9`."
        ),
        "Chapters 7 (one) and 8 (two) build": (
            ":chapter:`Chapters 7` (one) and :chapter:`8` (two) build"
        ),
        "(chapters 3,\n6 and 7)": "(:chapter:`chapters 3`,\n:chapter:`6` and :chapter:`7`)",
        "equations 3.9 to 3.11": "equations 3.9 to 3.11",
        "chapter 5 and 3 more": ":chapter:`chapter 5` and 3 more",
        "Appendix A (The engine room)": ":chapter:`Appendix A` (The engine room)",
        "chapters 10, 11 and appendix A do": (
            ":chapter:`chapters 10`, :chapter:`11` and :chapter:`appendix A` do"
        ),
        "an appendix An appendix": "an appendix An appendix",
    }.items():
        assert api.link_chapters(plain) == linked
    assert api.numbers("Chapters 7, 8 and 11; section 4.") == ["7", "8", "11"]
    assert api.numbers("Appendix A and chapters 11 and 7.") == ["7", "11", "A"]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ([], ""),
        (["7"], ":chapter:`Chapter 7`."),
        (["7", "8", "11"], ":chapter:`Chapters 7`, :chapter:`8` and :chapter:`11`."),
        (["A"], ":chapter:`Appendix A`."),
        (["6", "A"], ":chapter:`Chapter 6` and :chapter:`appendix A`."),
    ],
)
def test_what_names_no_chapter_is_given_those_of_its_module(
    api: ModuleType, found: list[str], line: str
) -> None:
    assert api._chapter_line(found) == line


def test_names_become_links_where_they_lead_somewhere(api: ModuleType) -> None:
    machine = f"{lstm_from_scratch.__name__}.machine"
    assert api.full_name("forward", gradient) == f"{machine}.network.forward"  # imported there
    assert api.full_name("kernel", gradient) == f"{machine}.kernel"
    assert api.full_name("draw_unit", composing) == f"{machine}.kernel.draw_unit"
    assert api.full_name("Network.hidden", composing) == f"{machine}.network.Network"
    assert (
        api.full_name("CHORDS_AND_MELODY", composing)
        == f"{lstm_from_scratch.__name__}.music.encoding.CHORDS_AND_MELODY"
    )
    assert api.full_name("Step.state", gradient) == f"{machine}.network.Step.state"  # a property
    assert api.full_name("_checked", composing) is None
    assert api.full_name("no_such_thing", gradient) is None
    assert api.full_name("numpy", gradient) is None
    written = api.link_names("see `advance` and ``steps``, not `nowhere`", gradient)
    target = f"{machine}.gradient.advance"
    assert written == f"see :py:obj:`advance <{target}>` and ``steps``, not ``nowhere``"


def test_sections_become_lists(api: ModuleType) -> None:
    docstring = """\
Do it.

Parameters
----------
one, two : what is added,
    on two lines. three : in the same row.
four : `advance`.

Returns
-------
The sum of
all.

Raises
------
ValueError : for nothing.

Section 1; chapter 5."""
    assert api.rewrite(docstring.splitlines(), gradient) == [
        "Do it.",
        "",
        ":Parameters:",
        "    * **one, two**: what is added, on two lines.",
        "    * **three**: in the same row.",
        "    * **four**: :py:obj:`advance <lstm_from_scratch.machine.gradient.advance>`.",
        "",
        ":returns: The sum of all.",
        "",
        ":Raises:",
        "    * ``ValueError``: for nothing.",
        "",
        "Section 1; :chapter:`chapter 5`.",
    ]
    fields = api.rewrite(
        ["A pair.", "", "left: one. right, up : others."], gradient, names=["left", "right", "up"]
    )
    assert fields[2:5] == [":Attributes:", "    * **left**: one.", "    * **right, up**: others."]


def test_constants_that_fields_take_are_shown_by_their_names(api: ModuleType) -> None:
    scale, steps = f"scale: tuple = {blues.PENTATONIC}", "steps_per_bar: int = 8"
    shown = api.name_defaults(f"(name: str, {scale}, {steps}, a: int = 8)", blues.Form)
    assert "scale: tuple = PENTATONIC, steps_per_bar: int = STEPS_PER_BAR, a: int = 8" in shown
    assert api.name_defaults("(a: int = 8)", list) == "(a: int = 8)"
