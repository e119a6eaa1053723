"""Links to chapters by number: ``{chapter}`7` `` in a page, ``:chapter:`7` `` in a docstring.

The text may say more than the number, as in ``{chapter}`chapter 7` ``; the first number in it says
which one. An appendix has a capital letter in place of a number: ``{chapter}`appendix A` ``.
What is not in the book (yet) is named and not linked.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxRole

NUMBERED = re.compile(r"(?:^|/)(\d\d|[A-Z])_[^/]*$")
"""How a file's name begins: with a chapter's number, in two digits, or an appendix's letter."""

NUMBER = re.compile(r"\d+|\b[A-Z]\b")
"""The number of a chapter, or the letter of an appendix, in a text that names one."""


def chapters(environment: BuildEnvironment) -> dict[str, str]:
    """The chapters of the book and its appendices: the name of the document by its number."""
    found = {}
    for name in sorted(environment.found_docs):
        if match := NUMBERED.search(name):
            found[match[1].lstrip("0")] = name
    return found


class Chapter(SphinxRole):
    """The role; its text holds the number of a chapter or the letter of an appendix."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Write the link."""
        number = NUMBER.search(self.text)
        if number is None:
            message = self.inliner.reporter.error(f"no chapter has the number {self.text!r}")
            return [], [message]
        words = nodes.inline(self.text, self.text)
        document = chapters(self.env).get(number[0].lstrip("0"))
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
