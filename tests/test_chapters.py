"""Links to chapters by number and to appendices by letter: the extension by itself."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = """\
Links
=====

:chapter:`7`, :chapter:`Chapter 11`, :chapter:`A`, :chapter:`appendix A`; not :chapter:`chapter 12`,
not :chapter:`appendix Z`.

.. toctree::

   notebooks/07_seven
   notebooks/11_eleven
   notebooks/A_first
   notebooks/Another
"""


def test_a_small_book_with_chapters_and_an_appendix(tmp_path: Path, root: Path) -> None:
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    source = tmp_path / "source"
    (source / "notebooks").mkdir(parents=True)
    (source / "index.rst").write_text(PAGE, encoding="utf-8")
    for name in ("07_seven", "11_eleven", "A_first", "Another"):
        (source / "notebooks" / f"{name}.rst").write_text("Page\n====\n", encoding="utf-8")
    (source / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(root / 'book' / '_ext')!r})\n"
        "extensions = ['chapters']\n",
        encoding="utf-8",
    )
    with patch_docutils(str(source)), docutils_namespace():
        app = Sphinx(source, source, tmp_path / "html", tmp_path / "trees", "html", status=None)
        app.build()
        assert app.statuscode == 0
        from chapters import chapters

        found = chapters(app.env)
    assert found == {
        "7": "notebooks/07_seven",
        "11": "notebooks/11_eleven",
        "A": "notebooks/A_first",
    }
    page = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    paragraph = re.search(r"<p>(?=<a).+?</p>", page, flags=re.S)[0]
    links = re.findall(r'href="notebooks/(\w+)\.html"><span class="doc">(.+?)</span>', paragraph)
    assert links == [
        ("07_seven", "7"),
        ("11_eleven", "Chapter 11"),
        ("A_first", "A"),
        ("A_first", "appendix A"),
    ]
    assert "not chapter 12" in re.sub(r"<[^>]+>", "", paragraph)
