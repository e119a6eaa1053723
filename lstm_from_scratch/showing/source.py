"""Showing the package's own source in a chapter, so that no definition is written twice.

``show(network.forward)`` at the end of a notebook cell displays the function as it runs: what it
does is in plain view, and of a docstring of several lines the first, which unfolds the others. That
needs no script. What checks arguments in front of it (`arguments.checked`) is left out. The colours
come from the page: the markup carries Pygments *classes*, which the book's theme and JupyterLab
style in light and in dark.

Used from chapter 1 on.
"""

from __future__ import annotations

import ast
import html
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from .. import briefly
from ..arguments import checked

PACKAGE = __name__.partition(".")[0]


@checked
@dataclass(frozen=True)
class Source:
    """A piece of the package's source, ready to be displayed.

    Attributes
    ----------
    name : where it lives, such as ``"lstm_from_scratch.music.encoding.Encoding.encode"``.
    code : its source as written.

    As text it stands without its docstrings of several lines; in place of each there is a comment
    with the call of `help` that prints it. As a page each is folded.
    """

    name: str
    code: str

    def __repr__(self) -> str:
        lines = self.code.split("\n")
        for place in reversed(_docstrings(self.code, self.name)):
            indent = lines[place.first][: -len(lines[place.first].lstrip())]
            lines[place.first : place.end] = [f'{indent}# docstring: help("{place.name}")']
        return "\n".join([f"# {self.name}", *lines])

    def _repr_html_(self) -> str:
        """A caption and the code, with Pygments classes if Pygments is installed."""
        lines, parts, end = _highlighted(self.code), [], 0
        for place in _docstrings(self.code, self.name):
            parts += [_block(lines[end : place.first]), _fold(lines[place.first : place.end])]
            end = place.end
        return (
            f'<div class="package-source"><p class="package-source-name">'
            f"<code>{html.escape(self.name)}</code></p>{''.join(parts)}{_block(lines[end:])}</div>"
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
        raise ValueError(
            f"{briefly.came(thing)} is not from {PACKAGE}: show() displays this package's source"
        )
    try:
        code = inspect.getsource(found)
    except (TypeError, OSError) as error:
        raise ValueError(
            f"{briefly.came(thing)} has no source of its own: expected a function, class or module"
        ) from error
    return Source(name, _without_doors(textwrap.dedent(code)))


def _without_doors(code: str) -> str:
    """Source without the lines of ``@checked``: what they ask is in the docstring, in words."""
    lines = code.split("\n")
    for node in reversed(list(ast.walk(ast.parse(code)))):
        for decorator in reversed(getattr(node, "decorator_list", [])):
            asked = decorator.func if isinstance(decorator, ast.Call) else decorator
            if ast.unparse(asked).rpartition(".")[2] == "checked":
                for line in range(decorator.lineno - 1, decorator.end_lineno):
                    lines[line] = None
    return "\n".join(line for line in lines if line is not None)


@dataclass(frozen=True)
class _Docstring:
    """Where a docstring stands: its lines from ``first`` up to ``end``, and whose it is."""

    first: int
    end: int
    name: str


def _docstrings(code: str, name: str) -> list[_Docstring]:
    """The docstrings of several lines, from top to bottom, of what is more than a docstring."""
    whole = ast.parse(code)
    alone = len(whole.body) == 1 and getattr(whole.body[0], "name", "") == name.rpartition(".")[2]
    return list(_in_body(whole.body[0] if alone else whole, name))


def _in_body(node: ast.AST, name: str) -> Iterator[_Docstring]:
    first, *others = node.body
    if others and ast.get_docstring(node) and first.end_lineno > first.lineno:
        yield _Docstring(first.lineno - 1, first.end_lineno, name)
    for inner in others:
        if isinstance(inner, ast.ClassDef | ast.FunctionDef):
            yield from _in_body(inner, f"{name}.{inner.name}")


def _highlighted(code: str) -> list[str]:
    """Each line as HTML; a token that goes over several begins anew in each."""
    try:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer
    except ImportError:  # only notebooks need it
        return html.escape(code).split("\n")
    return highlight(code, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).split("\n")


def _block(lines: list[str]) -> str:
    """Lines that are in plain view, without empty ones at their ends."""
    text = "\n".join(lines).strip("\n")
    return f'<div class="highlight"><pre>{text}\n</pre></div>' if text else ""


def _fold(lines: list[str]) -> str:
    """A docstring, of which the first line is in view and unfolds the others."""
    first, *others = lines
    first = re.sub(r'^(<span class="w">)?\s+(?(1)</span>)', "", first)
    rest = "\n".join(others).strip("\n")
    return (
        f'<details class="highlight"><summary><code>{first}</code></summary>'
        f"<pre>{rest}\n</pre></details>"
    )
