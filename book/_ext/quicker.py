"""The sidebar of each page is made from the titles of all pages, and not from all their headings.

Sphinx copies the headings of all pages, and in the reference every name, once for each page and
then drops all but the titles; that took a third of the time in which pages are written. Here they
are dropped once. The pages come out the same, byte for byte.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders import Builder, html
from sphinx.environment import BuildEnvironment
from sphinx.environment.adapters.toctree import global_toctree_for_doc

_kept: WeakKeyDictionary[BuildEnvironment, dict[str, nodes.bullet_list]] = WeakKeyDictionary()


def title(toc: nodes.bullet_list) -> nodes.bullet_list:
    """A page's table of contents without its headings: its title, and the pages below it."""
    short = toc.deepcopy()
    for entry in short.children:
        if len(entry) > 1:
            below = list(entry.findall(addnodes.toctree))
            if below:
                entry[1][:] = below
            else:
                entry.pop(1)
    return short


def sidebar(
    env: BuildEnvironment, docname: str, builder: Builder, **how: Any
) -> nodes.Element | None:
    """In place of Sphinx's function of that purpose, from which it differs in time only."""
    if not how.get("titles_only"):
        return global_toctree_for_doc(env, docname, builder, **how)
    if env not in _kept:
        _kept[env] = {name: title(toc) for name, toc in env.tocs.items()}
    whole, env.tocs = env.tocs, _kept[env]
    try:
        return global_toctree_for_doc(env, docname, builder, **how)
    finally:
        env.tocs = whole


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    html.global_toctree_for_doc = sidebar
    return {"parallel_read_safe": True, "parallel_write_safe": True}
