"""Words of the glossary, linked from the chapters where each is first met.

On every page of a chapter the first use of a term in running text becomes a link to the glossary,
and tells what the glossary says when it is pointed at. Headings, code, formulas, links, captions
and the words of the paper are left as they are. The notebooks themselves stay plain: nothing is
marked in them.

Terms that are everyday words too (`EVERYDAY`) are never taken for terms; a chapter that means one
writes ``{term}`state` ``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chapters import NUMBERED
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.environment import BuildEnvironment

GLOSSARY = "book/glossary"

EVERYDAY = {
    "cell",
    "displaced",
    "drift",
    "form",
    "freeze",
    "kernel",
    "mutation",
    "partial",
    "period",
    "phrase",
    "prediction",
    "reset",
    "roll",
    "seed",
    "segment",
    "silence",
    "source",
    "state",
    "step",
    "stream",
    "surprise",
    "target",
    "threshold",
    "unit",
    "voice",
}
"""Terms that a chapter also uses, or may use, as any text does."""

NOT_THERE = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.raw,
    nodes.math,
    nodes.math_block,
    nodes.caption,
    nodes.rubric,
    nodes.term,
    nodes.image,
    nodes.table,
)
"""Where no word becomes a link."""

NOT_IN = {"from-the-paper", "cell", "sd-summary-title"}
"""Classes of parts in which none does: the paper's own words, cells, what opens a fold."""

LONGEST = 300
"""Characters of a definition that are shown when a link is pointed at."""


def explained(glossary: nodes.document) -> dict[str, str]:
    """What the glossary says of each term, as plain text."""
    found = {}
    for entry in glossary.findall(nodes.definition_list_item):
        text = " ".join(entry.next_node(nodes.definition).astext().split())
        found |= {term.astext().lower(): text for term in entry.findall(nodes.term)}
    return found


def pattern(terms: list[str]) -> re.Pattern[str]:
    """Finds any of some terms as a whole word, also with a plural s; the longest that fits."""
    ordered = sorted(terms, key=len, reverse=True)
    words = "|".join(re.escape(term).replace(r"\ ", r"\s+") for term in ordered)
    return re.compile(rf"(?<![\w-])({words})(s?)(?![\w-])", flags=re.IGNORECASE)


def texts(doctree: nodes.document) -> Iterator[nodes.Text]:
    """The running text of a page, piece by piece."""

    def left_alone(node: nodes.Node) -> bool:
        classes = node.get("classes", ()) if isinstance(node, nodes.Element) else ()
        return isinstance(node, NOT_THERE) or bool(NOT_IN & set(classes))

    def walk(node: nodes.Node) -> Iterator[nodes.Text]:
        if isinstance(node, nodes.Text):
            yield node
        elif not left_alone(node):
            for child in node.children:
                yield from walk(child)

    for text in walk(doctree):
        if isinstance(text.parent, nodes.paragraph | nodes.emphasis | nodes.strong):
            yield text


def link(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Link the first use of each term on the page of a chapter."""
    if not NUMBERED.search(name):
        return
    environment: BuildEnvironment = app.env
    builder: Builder = app.builder
    definitions = explained(environment.get_doctree(GLOSSARY))
    places = {
        term.lower(): anchor
        for (kind, term), (page, anchor) in environment.get_domain("std").objects.items()
        if kind == "term" and page == GLOSSARY
    }
    linked = {
        reference["refuri"].rpartition("#")[2]
        for reference in doctree.findall(nodes.reference)
        if "refuri" in reference
    }
    wanted = {term for term in definitions if term not in EVERYDAY and places[term] not in linked}
    glossary = builder.get_relative_uri(name, GLOSSARY)
    for text in list(texts(doctree)):
        pieces: list[nodes.Node] = []
        rest = str(text)
        while wanted and (match := pattern(sorted(wanted)).search(rest)):
            term = " ".join(match[1].lower().split())
            meaning = definitions[term]
            if len(meaning) > LONGEST:
                meaning = meaning[:LONGEST].rsplit(" ", 1)[0] + " …"
            pieces.append(nodes.Text(rest[: match.start()]))
            pieces.append(
                nodes.reference(
                    "",
                    match[0],
                    internal=True,
                    refuri=f"{glossary}#{places[term]}",
                    reftitle=meaning,
                    classes=["term"],
                )
            )
            rest = rest[match.end() :]
            wanted -= {other for other in wanted if places[other] == places[term]}
        if pieces:
            text.parent.replace(text, [*pieces, nodes.Text(rest)])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transformation with Sphinx."""
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
