"""Small repairs of what Sphinx and its theme write, for readers who hear or tab through a page.

Screen readers are told what is not so, or nothing at all, in a few places that no style sheet
reaches: the fold in the list of pages has no name; a long signature is set as a list of definitions
that define nothing; the bibliography calls itself a list and has no items; the list of sources
nests lists outside of their items. Each is put right in the finished HTML of the page. A test runs
axe-core on every page, and will say so when a new release makes one of these needless or vain.

A table of three columns or more does not fit a phone. `blues.css` turns its rows into cards there,
for which each cell is told here what the head of its column says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx

SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', flags=re.S)
LISTS = re.compile(r"</li>(\s*<ul>.*?</ul>)", flags=re.S)
TABLE = re.compile(r'<table class="table">.*?</table>', flags=re.S)
ROLES = {
    "table": "table",
    "thead": "rowgroup",
    "tbody": "rowgroup",
    "tr": "row",
    "th": "columnheader",
    "td": "cell",
}
FOLD = re.compile(r"(<a [^>]*>)([^<]+)(</a>\s*<details[^>]*>\s*<summary)(?=>)")


def name_folds(html: str) -> str:
    """Say of each fold in the list of pages what it shows."""
    return FOLD.sub(r'\1\2\3 aria-label="Pages of: \2"', html)


def list_parameters(html: str) -> str:
    """Make lists of long signatures, in place of definitions without a term."""

    def rewrite(match: re.Match[str]) -> str:
        signature = match[0].replace("<dl>", '<ul class="sig-params">').replace("</dl>", "</ul>")
        return signature.replace("<dd>", "<li>").replace("</dd>", "</li>")

    return SIGNATURE.sub(rewrite, html)


def no_empty_roles(html: str) -> str:
    """Take roles away from the bibliography that its markup doesn't bear out."""
    html = html.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    return html.replace(' role="doc-biblioentry"', "")


def nest_lists(html: str) -> str:
    """Put the lists of the index of sources into the items that they belong to."""
    return LISTS.sub(r"\1</li>", html)


def make_cards(html: str) -> str:
    """Prepare tables of three columns or more for phones.

    A table that is not laid out as one is none for a screen reader either, unless it says so.
    """

    def rewrite(match: re.Match[str]) -> str:
        table = BeautifulSoup(match[0], "html.parser").table
        heads = [head.get_text(" ", strip=True) for head in table.select("thead th")]
        if len(heads) < 3:
            return match[0]
        table["class"] = [*table["class"], "cards"]
        for row in table.select("tbody tr"):
            for head, cell in zip(heads[1:], row.find_all("td", recursive=False)[1:], strict=True):
                cell["data-head"] = head
        for part in [table, *table.find_all(list(ROLES))]:
            part["role"] = ROLES[part.name]
        return str(table)

    return TABLE.sub(rewrite, html)


def repair(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Repair the parts of a page before its template puts them together."""
    if "body" in context:
        body = make_cards(no_empty_roles(list_parameters(context["body"])))
        context["body"] = nest_lists(body) if page == "_modules/index" else body
    if write := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = _named(write)


def _named(write: Callable[..., Any]) -> Callable[..., str]:
    return lambda *args, **kwargs: name_folds(str(write(*args, **kwargs)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after the theme."""
    app.connect("html-page-context", repair, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
