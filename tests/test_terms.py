"""Words of the glossary in the chapters: which become links, and which do not."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from docutils import nodes
from docutils.core import publish_doctree

GLOSSARY = """
Glossary
========

gate
    A unit that says *how much*.

output gate
    The gate behind a cell.

beat
    A quarter note.

state
    An everyday word.
"""


@pytest.fixture(scope="module")
def terms(root: Path):
    """The extension of Sphinx that links them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "book" / "_ext"))
        import terms

        yield terms


def linked(terms: ModuleType, page: str, name: str = "notebooks/04_name") -> list[tuple[str, str]]:
    """What is a link on a page, and where to."""
    words = ("gate", "output gate", "beat", "state")
    anchors = {("term", word): (terms.GLOSSARY, f"term-{word}") for word in words}
    environment = SimpleNamespace(
        get_doctree=lambda name: publish_doctree(GLOSSARY),
        get_domain=lambda name: SimpleNamespace(objects=anchors),
    )
    builder = SimpleNamespace(get_relative_uri=lambda here, there: f"../{there}.html")
    doctree = publish_doctree(page, settings_overrides={"report_level": 5})
    before = doctree.astext()
    terms.link(SimpleNamespace(env=environment, builder=builder), doctree, name)
    assert doctree.astext() == before
    return [
        (reference.astext(), reference["refuri"].partition("#")[2])
        for reference in doctree.findall(nodes.reference)
    ]


def test_the_first_use_of_a_term_is_a_link_and_the_longest_term_counts(terms):
    page = "An output gate and two gates; a gate again, the output gate, the BEATS."
    expected = [("output gate", "term-output gate"), ("gates", "term-gate"), ("BEATS", "term-beat")]
    assert linked(terms, page) == expected


def test_parts_of_words_and_everyday_words_are_left_alone(terms):
    assert linked(terms, "Upbeat, beaten, gate-like and off-beat: a state of affairs.") == []


@pytest.mark.parametrize(
    "page",
    [
        "A gate\n======\n\nNothing.",
        "In code: ``gate``.",
        "::\n\n    gate = 1",
        "A `gate <https://example.org>`_.",
        ".. math:: gate",
        ".. class:: from-the-paper\n\n    The gate of the paper.",
        ".. raw:: html\n\n    <p>gate</p>",
    ],
)
def test_headings_code_links_formulas_and_quotations_stay_as_they_are(terms, page):
    assert all(anchor != "term-gate" for _, anchor in linked(terms, page))


def test_a_term_that_a_page_links_itself_is_not_linked_again(terms):
    page = "See `the gate <../glossary.html#term-gate>`_. This gate is plain, this beat is not."
    expected = [("the gate", "term-gate"), ("beat", "term-beat")]
    assert linked(terms, page) == expected


def test_only_chapters_are_linked(terms):
    assert linked(terms, "A gate.", "book/welcome") == []


def test_a_link_says_what_the_word_means(terms):
    meanings = terms.explained(publish_doctree(GLOSSARY))
    assert meanings["gate"] == "A unit that says how much."
    assert set(meanings) == {"gate", "output gate", "beat", "state"}
