"""Verdicts that are seen at a glance: a mark and a colour for each, a tally, and a choice of rows.

In a table whose last column is called *Verdict*, a row has the verdict that its cell names first,
in bold or as a value that was glued in. The row is marked with it, and the words get a sign in
front. Where the page says ``{tally}``, the rows of all its tables are counted; the counts are
buttons by which a reader looks at one kind alone. That takes style sheets and no script; without
either, every row is in view.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from bs4 import BeautifulSoup, Tag
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

VERDICTS = {
    "holds": ("holds", "\N{CHECK MARK}"),
    "holds with a condition": ("condition", "\N{CIRCLE WITH LEFT HALF BLACK}"),
    "does not hold": ("fails", "\N{BALLOT X}"),
    "not tested": ("untested", "\N{WHITE CIRCLE}"),
}
"""What a verdict is called in style sheets, and the sign in front of it."""

WORDS = re.compile("|".join(sorted(VERDICTS, key=len, reverse=True)))
TABLE = re.compile(r'<table class="table[^"]*".*?</table>', flags=re.S)
HERE = "<!-- tally of verdicts -->"


class UnknownVerdict(ValueError):
    """A row says nothing that can be counted."""


class Tally(SphinxDirective):
    """``{tally}``: how often each verdict was given in the tables of the page."""

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", HERE, format="html")]


def named(cell: Tag) -> tuple[Tag, str]:
    """The words of a cell that give its verdict, and which it is."""
    for words in cell.select("strong, .pasted-text"):
        if found := WORDS.match(words.get_text()):
            return words, found[0]
    raise UnknownVerdict(f"a row without a verdict: {cell.get_text(' ', strip=True)[:80]!r}")


def mark(html: str, tally: Counter[str]) -> str:
    """Mark the rows of the tables that end in verdicts, and count them."""

    def rewrite(match: re.Match[str]) -> str:
        soup = BeautifulSoup(match[0], "html.parser")
        heads = [head.get_text(strip=True) for head in soup.select("thead th")]
        if not heads or heads[-1] != "Verdict":
            return match[0]
        for row in soup.select("tbody tr"):
            words, verdict = named(row.find_all("td", recursive=False)[-1])
            name, sign = VERDICTS[verdict]
            row["data-verdict"] = name
            badge = soup.new_tag("strong", attrs={"class": f"verdict {name}"})
            hidden = soup.new_tag("span", attrs={"aria-hidden": "true"})
            hidden.string = sign
            badge.extend([hidden, f" {verdict}"])
            rest = words.get_text()[len(verdict) :]
            words.replace_with(badge, rest)
            tally[verdict] += 1
        return str(soup)

    return TABLE.sub(rewrite, html)


def written(tally: Counter[str]) -> str:
    """The tally as a group of buttons, with a bar that shows the shares."""
    rows = [("all", "all", "", tally.total())]
    rows += [
        (name, verdict, f'<span aria-hidden="true">{sign}</span>', tally[verdict])
        for verdict, (name, sign) in VERDICTS.items()
    ]
    buttons = "".join(
        f'<label class="verdict {name}"><input type="radio" name="verdict" value="{name}"'
        f"{' checked' if name == 'all' else ''}>{sign} {words} <b>{count}</b></label>"
        for name, words, sign, count in rows
    )
    shares = "".join(f'<i class="{name}" style="flex:{count}"></i>' for name, *_, count in rows[1:])
    return (
        f'<fieldset class="tally"><legend>Rows to look at, by their verdict</legend>'
        f'<div class="shares" aria-hidden="true">{shares}</div>{buttons}</fieldset>'
    )


def show(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Mark the verdicts of a page that asks for their tally."""
    if HERE in context.get("body", ""):
        tally: Counter[str] = Counter()
        body = mark(context["body"], tally)
        context["body"] = body.replace(HERE, written(tally))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after the tables have been made ready for phones."""
    app.add_directive("tally", Tally)
    app.connect("html-page-context", show, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
