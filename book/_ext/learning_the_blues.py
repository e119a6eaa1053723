"""What the built book needs beyond Jupyter Book itself: equations without a network.

MathJax comes from the pip package ``sphinx-mathjax-offline``. One file of it is enough (every TeX
package, equations drawn as SVG, no fonts to load), so that one is copied into the built book and
nothing of MathJax is kept in the repository.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

PACKAGE = "sphinx-mathjax-offline"
SCRIPT = "tex-svg-full.js"


def mathjax_script() -> Path:
    """The path of the installed MathJax script.

    Raises
    ------
    ExtensionError
        If the package is not installed or does not hold the script.
    """
    try:
        found = [entry for entry in files(PACKAGE) or () if entry.name == SCRIPT]
    except PackageNotFoundError:
        found = []
    if not found:
        raise ExtensionError(f"{PACKAGE} with its {SCRIPT} is not installed: run `make book`")
    return Path(found[0].locate())


def make_self_contained(app: Sphinx, config: Config) -> None:
    """Copy MathJax into the built book's _static, load it from there, and use our templates."""
    config.html_static_path.append(str(mathjax_script()))
    config.mathjax_path = SCRIPT
    config.templates_path.append(str(Path(__file__).parent / "templates"))


def leave_out_mathjax(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load MathJax on no page without an equation.

    Sphinx looks through all pages below one, and so finds equations on the first page of a book.
    """
    if not app.env.get_domain("math").data["has_equations"].get(page):
        context["script_files"] = [
            script for script in context["script_files"] if SCRIPT not in str(script.filename)
        ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    # Jupyter Book sets this for sphinx_comments, which this book leaves out.
    app.add_config_value("comments_config", {}, "html", types=[dict])
    app.connect("config-inited", make_self_contained)
    app.connect("html-page-context", leave_out_mathjax, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
