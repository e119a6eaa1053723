"""How long each chapter takes to read and to run, and what the book was made with.

``{times}`/notebooks/01_twelve_bars` `` in a page becomes "read 12 min, run 8 s"; a page that runs
nothing has only the first, and ``{times}`all` `` is the sum over the chapters, without
appendices. ``{run-times}`` is a table of every page that was executed, ``{versions}`` one of the
packages that requirements.txt names by themselves, as they are installed.

Reading is computed: `WORDS` words a minute, `STOP` seconds for each cell of code, figure and
displayed equation; solutions are left out. Running was measured when the page was last executed.
Pages are read one after another and executed as they are read, so places are held in each page and
filled when all have been read, as the table of MyST-NB (``{nb-exec-table}``) does it.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from chapters import chapters
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective, SphinxRole

from lstm_from_scratch.studies.tables import processor

WORDS = 200
"""Words that are read in a minute."""

STOP = 15
"""Seconds that a cell of code, a figure or a displayed equation takes."""

ALL = "all"
"""Stands for all chapters together, without appendices."""

BROUGHT_ALONG = "What the packages above bring along"
"""How requirements.txt heads the packages that nothing here names by itself."""


class Times(NamedTuple):
    """How long a page takes: to read, in minutes, and to run, in seconds; None if nothing runs."""

    read: float
    run: float | None

    def __str__(self) -> str:
        said = f"read\u00a0{minutes(self.read)}"
        return said if self.run is None else f"{said}, run\u00a0{seconds(self.run)}"


def minutes(count: float) -> str:
    """Minutes as one says them, at least one: ``"12 min"``, ``"3 h 20 min"``."""
    hours, rest = divmod(max(1, round(count)), 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{rest} min"] * (rest > 0)
    return " ".join(parts).replace(" ", "\u00a0")  # that no line may break


def seconds(count: float) -> str:
    """Seconds as one says them, in minutes if they are many: ``"80 s"``, ``"5 min"``."""
    return f"{max(1, round(count))}\u00a0s" if round(count) < 100 else minutes(count / 60)


# ---- Reading and running -------------------------------------------------------------------------


def reading(doctree: nodes.Node) -> float:
    """Minutes that a page takes to read."""
    words = stops = 0
    for node in outside_solutions(doctree):
        if isinstance(node, nodes.Text):
            words += len(node.astext().split())
        elif isinstance(node, nodes.image | nodes.math_block | nodes.literal_block):
            stops += 1
    return words / WORDS + stops * STOP / 60


def outside_solutions(node: nodes.Node) -> Iterator[nodes.Node]:
    """What a reader meets in a page, in order: not solutions, outputs as text, nor what is hidden.

    Of an image, an equation and a cell the node itself is given, and not what is in it.
    """
    if isinstance(node, nodes.Element):
        if "tag_solution" in node["classes"] or isinstance(node, nodes.comment | nodes.raw):
            return
        if node.get("nb_element") == "cell_code_output":
            yield from node.findall(nodes.image)
            return
    yield node
    if not isinstance(node, nodes.literal_block | nodes.math_block | nodes.math | nodes.image):
        for child in node.children:
            yield from outside_solutions(child)


def times(environment: BuildEnvironment, document: str) -> Times:
    """How long a page, or `ALL` chapters, take; to be asked when every page has been read."""
    if document == ALL:
        numbered = [name for mark, name in chapters(environment).items() if mark.isdigit()]
        each = [times(environment, name) for name in numbered]
        return Times(sum(t.read for t in each), sum(t.run or 0.0 for t in each))
    executed = getattr(environment, "nb_metadata", {}).get(document, {}).get("exec_data") or {}
    return Times(reading(environment.get_doctree(document)), executed.get("runtime"))


class TimesNode(nodes.Inline, nodes.Element):
    """Holds the place of a page's times."""


class TimesRole(SphinxRole):
    """The role; its text is the name of a page, from the top of the book, or `ALL`."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Hold the place."""
        document = self.text.removeprefix("/")
        if document != ALL and document not in self.env.found_docs:
            return [], [self.inliner.reporter.error(f"no page is called {self.text!r}")]
        return [TimesNode(document=document)], []


class RunTimesNode(nodes.General, nodes.Element):
    """Holds the place of the table of times."""


class RunTimes(SphinxDirective):
    """The directive for that table."""

    def run(self) -> list[nodes.Node]:
        """Hold the place."""
        return [RunTimesNode()]


class FillIn(SphinxPostTransform):
    """Puts the times where their places are, before links are resolved."""

    default_priority = 8

    def run(self, **options: object) -> None:
        """Fill in one page."""
        for node in list(self.document.findall(TimesNode)):
            said = str(times(self.env, node["document"]))
            node.replace_self(nodes.inline(said, said, classes=["times"]))
        for node in list(self.document.findall(RunTimesNode)):
            node.replace_self(self.table())

    def table(self) -> nodes.table:
        """Every page that was executed, in the order of the book, and the sum."""
        rows, total = [], 0.0
        for name in listed(self.env):
            took = times(self.env, name)
            if took.run is not None:
                total += took.run
                link = pending_xref(
                    refdoc=self.env.docname,
                    refdomain="std",
                    reftype="doc",
                    reftarget=f"/{name}",
                    refexplicit=False,
                    refwarn=True,
                )
                link += nodes.inline(text=self.env.titles[name].astext())
                rows.append((link, minutes(took.read), f"{took.run:.1f}\u00a0s"))
        rows.append((nodes.strong(text="All of them"), "", f"{total:.1f}\u00a0s"))
        return table(("Page", "Read", "Run"), rows)


def listed(environment: BuildEnvironment) -> Iterator[str]:
    """Every page, in the order of the table of contents."""
    waiting = [environment.config.root_doc]
    while waiting:
        name = waiting.pop(0)
        yield name
        waiting = [*environment.toctree_includes.get(name, ()), *waiting]


def table(head: Iterable[str], rows: Iterable[Iterable[nodes.Node | str]]) -> nodes.table:
    """A table of words and links."""

    def row(cells: Iterable[nodes.Node | str]) -> nodes.row:
        entries = [
            nodes.entry("", nodes.paragraph("", "", nodes.Text(c) if isinstance(c, str) else c))
            for c in cells
        ]
        return nodes.row("", *entries)

    head = tuple(head)
    columns = [nodes.colspec(colwidth=100 // len(head)) for _ in head]
    body = nodes.tbody("", *(row(cells) for cells in rows))
    group = nodes.tgroup("", *columns, nodes.thead("", row(head)), body, cols=len(head))
    return nodes.table("", group, classes=["colwidths-auto", "fits"])


# ---- What the book was made with -----------------------------------------------------------------


def pinned(requirements: str) -> Iterator[tuple[str, str, str]]:
    """Of each package that is named by itself: the block it stands in, its name, its version."""
    block = ""
    for line in requirements.splitlines():
        if line.startswith(f"# {BROUGHT_ALONG}"):
            return
        if line.startswith("# "):
            block = line.removeprefix("# ")
        elif match := re.fullmatch(r"([\w.-]+)==(\S+)", line.strip()):
            yield block, match[1], match[2]


def installed(package: str, wanted: str) -> str:
    """The version that is installed, and the one that was wanted if it is another."""
    try:
        found = version(package)
    except PackageNotFoundError:
        found = "not installed"
    return found if found == wanted else f"{found} (tested with {wanted})"


class Versions(SphinxDirective):
    """The directive for the table of packages."""

    def run(self) -> list[nodes.Node]:
        """Write the table: the machine, Python, then the packages."""
        text = Path(self.env.srcdir, "requirements.txt").read_text(encoding="utf-8")
        rows = [
            ("Processor", f"{processor()}, {os.cpu_count()} cores", "The machine"),
            ("System", f"{platform.system()}, {platform.machine()}", "The machine"),
            ("Python", platform.python_version(), "The machine"),
        ]
        rows += [(name, installed(name, wanted), block) for block, name, wanted in pinned(text)]
        return [table(("What", "Version", "For"), rows)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the role and the directives with Sphinx."""
    app.add_node(TimesNode)
    app.add_node(RunTimesNode)
    app.add_role("times", TimesRole())
    app.add_directive("run-times", RunTimes)
    app.add_directive("versions", Versions)
    app.add_post_transform(FillIn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
