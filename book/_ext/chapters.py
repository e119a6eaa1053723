"""Links to chapters by number: ``{chapter}`7` `` in a page, ``:chapter:`7` `` in a docstring.

The text may say more than the number, as in ``{chapter}`chapter 7` ``; the first number in it says
which one. A chapter that is not in the book (yet) is named and not linked.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxRole

NUMBERED = re.compile(r"(?:^|/)(\d\d)_[^/]*$")
"""How the name of a chapter's file begins: with its number, in two digits."""


def chapters(environment: BuildEnvironment) -> dict[int, str]:
    """The chapters of the book: the name of the document by its number."""
    found = {}
    for name in sorted(environment.found_docs):
        if match := NUMBERED.search(name):
            found[int(match[1])] = name
    return found


class Chapter(SphinxRole):
    """The role; its text holds the number of a chapter."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Write the link."""
        number = re.search(r"\d+", self.text)
        if number is None:
            message = self.inliner.reporter.error(f"no chapter has the number {self.text!r}")
            return [], [message]
        words = nodes.inline(self.text, self.text)
        document = chapters(self.env).get(int(number[0]))
        if document is None:
            return [words], []
        link = pending_xref(
            self.rawtext,
            words,
            refdomain="std",
            reftype="doc",
            reftarget=f"/{document}",
            refexplicit=True,
            refdoc=self.env.docname,
            refwarn=True,
        )
        return [link], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the role with Sphinx."""
    app.add_role("chapter", Chapter())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
