"""Showing the package's own source in a chapter, so that no definition is written twice.

``show(network.forward)`` at the end of a notebook cell displays the function as it runs. The
colours come from the page: the markup carries Pygments *classes*, which the book's theme and
JupyterLab style in light and in dark.

Used from chapter 1 on.
"""

from __future__ import annotations

import html
import inspect
import textwrap
from dataclasses import dataclass
from types import ModuleType
from typing import Any

PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class Source:
    """A piece of the package's source, ready to be displayed.

    Attributes
    ----------
    name : where it lives, such as ``"lstm_from_scratch.encoding.Encoding.encode"``.
    code : its source as written.
    """

    name: str
    code: str

    def __repr__(self) -> str:
        return f"# {self.name}\n{self.code}"

    def _repr_html_(self) -> str:
        """A caption and the code, with Pygments classes if Pygments is installed."""
        return (
            f'<div class="package-source"><p class="package-source-name">'
            f"<code>{html.escape(self.name)}</code></p>{_highlighted(self.code)}</div>"
        )


def show(thing: Any) -> Source:
    """Show the source of a function, method, property, class or module of this package.

    Raises
    ------
    ValueError : if it is not from this package, or is something without a source of its own, such
        as a constant.
    """
    found = getattr(thing, "fget", None) or thing  # a property is shown by its getter
    found = getattr(found, "py_func", found)  # a compiled function, by what it was compiled from
    found = inspect.unwrap(found) if callable(found) else found
    if isinstance(found, ModuleType):
        module = name = found.__name__
    else:
        module = getattr(found, "__module__", None) or ""
        name = f"{module}.{getattr(found, '__qualname__', '?')}"
    if module.partition(".")[0] != PACKAGE:
        raise ValueError(f"{thing!r} is not from {PACKAGE}: show() displays this package's source")
    try:
        code = inspect.getsource(found)
    except (TypeError, OSError) as error:
        raise ValueError(
            f"{thing!r} has no source of its own: expected a function, class or module"
        ) from error
    return Source(name, textwrap.dedent(code))


def _highlighted(code: str) -> str:
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer
    except ImportError:  # only notebooks need it
        return f'<div class="highlight"><pre>{html.escape(code)}</pre></div>'
    return highlight(code, PythonLexer(), HtmlFormatter())
