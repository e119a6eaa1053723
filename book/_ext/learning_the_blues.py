"""What the built book needs beyond Jupyter Book itself: equations that need no script, templates.

Each equation becomes MathML when the book is built (see `tex`), which browsers draw by themselves.
How high a bracket is and where a sum's limits stand is told by the font. That comes from the pip
package ``ziamath``, which carries STIX Two Math; the glyphs that equations use are copied into the
built book, and nothing of it is kept in the repository.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util.logging import getLogger
from tex import UnknownTeX, glyphs, mathml

PACKAGE = "ziamath"
FONT = "STIXTwoMath-Regular.ttf"
STORED = "equations.woff"
"""The name of the font in the built book; see ``blues.css``."""

log = getLogger(__name__)


def font() -> Path:
    """The path of the installed font.

    Raises
    ------
    ExtensionError
        If the package is not installed or does not hold the font.
    """
    try:
        found = [entry for entry in files(PACKAGE) or () if entry.name == FONT]
    except PackageNotFoundError:
        found = []
    if not found:
        raise ExtensionError(f"{PACKAGE} with its {FONT} is not installed: run `make book`")
    return Path(found[0].locate())


def store_font(path: Path) -> None:
    """Write those glyphs of the font that equations are drawn with, and how they stretch."""
    from fontTools import subset

    options = subset.Options(flavor="woff", layout_features=["ssty"], recalc_timestamp=False)
    whole = subset.load_font(str(font()), options)
    some = subset.Subsetter(options)
    some.populate(text=glyphs())
    some.subset(whole)
    subset.save_font(whole, str(path), options)


def write_inline(translator: Any, node: nodes.math) -> None:
    """Write an equation in a line."""
    begin = translator.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    translator.body.append(f"{begin}{_drawn(node, display=False)}</span>")
    raise nodes.SkipNode


def write_block(translator: Any, node: nodes.math_block) -> None:
    """Write an equation that stands alone."""
    if node.get("number"):
        log.warning("equations have no numbers in this book", location=node)
    begin = translator.starttag(node, "div", CLASS="math notranslate nohighlight")
    translator.body.append(f"{begin}{_drawn(node, display=True)}</div>\n")
    raise nodes.SkipNode


def _drawn(node: nodes.math | nodes.math_block, *, display: bool) -> str:
    """An equation as MathML; if it is not understood, a warning, and the book is not built."""
    try:
        return mathml(node.astext(), display=display)
    except UnknownTeX as error:
        log.warning("%s", error, location=node)
        return ""


def make_self_contained(app: Sphinx, config: Config) -> None:
    """Use our templates; see that the font is there before anything is built."""
    font()
    config.templates_path.append(str(Path(__file__).parent / "templates"))


def bring_font(app: Sphinx, problem: Exception | None) -> None:
    """Put the font beside the style sheets of a finished book."""
    if problem is None and app.builder.format == "html":
        store_font(Path(app.outdir) / "_static" / STORED)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    # Jupyter Book sets this for sphinx_comments, which this book leaves out.
    app.add_config_value("comments_config", {}, "html", types=[dict])
    app.add_html_math_renderer("mathml", (write_inline, None), (write_block, None))
    app.connect("config-inited", make_self_contained)
    app.connect("build-finished", bring_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
