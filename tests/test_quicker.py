"""The sidebar of the book is Sphinx's own, made in less time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("sphinx")
from sphinx.application import Sphinx
from sphinx.environment.adapters.toctree import global_toctree_for_doc
from sphinx.util.docutils import docutils_namespace

PAGES = {
    "index": "Top\n===\n\n.. toctree::\n   :caption: First\n\n   one\n   api\n\n"
    ".. toctree::\n   :hidden:\n\n   last\n",
    "one": "One\n===\n\nA\n-\n\nB\n-\n\nC\n~\n",
    "api": "Reference\n=========\n\nA heading\n---------\n\n.. toctree::\n\n   below\n   beside\n",
    "below": "Below\n=====\n\nD\n-\n\n.. py:function:: name()\n\n.. toctree::\n\n   deep\n",
    "beside": "Beside\n======\n\nE\n-\n",
    "deep": "Deep\n====\n\nF\n-\n",
    "last": "Last\n====\n\nG\n-\n",
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sphinx]:
    """A small book that has been read."""
    folder = tmp_path_factory.mktemp("book")
    for name, text in PAGES.items():
        (folder / f"{name}.rst").write_text(text)
    (folder / "conf.py").write_text("")
    with docutils_namespace():  # what it registers is gone afterwards
        app = Sphinx(folder, folder, folder / "out", folder / "trees", "html", status=None)
        app.build()
        yield app


@pytest.fixture(scope="module")
def quicker(root: Path) -> Iterator[ModuleType]:
    """The extension of the book that makes sidebars in less time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "book" / "_ext"))
        import quicker

        yield quicker


@pytest.mark.parametrize("titles_only", [True, False])
@pytest.mark.parametrize("collapse", [True, False])
@pytest.mark.parametrize("maxdepth", [0, 1, 2, 4])
def test_the_sidebar_is_sphinxs_own(
    app: Sphinx, quicker: ModuleType, titles_only: bool, collapse: bool, maxdepth: int
) -> None:
    how = {
        "titles_only": titles_only,
        "collapse": collapse,
        "maxdepth": maxdepth,
        "includehidden": True,
    }
    for page in PAGES:
        before = {name: toc.pformat() for name, toc in app.env.tocs.items()}
        expected = global_toctree_for_doc(app.env, page, app.builder, **how).pformat()
        assert quicker.sidebar(app.env, page, app.builder, **how).pformat() == expected, page
        assert {name: toc.pformat() for name, toc in app.env.tocs.items()} == before
