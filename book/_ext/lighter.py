"""What the theme brings and no page uses is taken out of the finished book.

Style sheets keep the rules that could match something: all of whose classes and identifiers stand
in some page or in some script. Of the icons' font the glyphs stay that a style sheet names. What
helps only those who change the theme, maps and a script that draws the icons again, goes.

What pages look like is not changed by it; `tests/test_book.py` looks at them afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import tinycss2
from sphinx.application import Sphinx
from tinycss2.ast import Node

ICONS = "fontawesome"
"""The folder of the icons' style sheet and fonts, somewhere in ``_static``."""

NAMES = re.compile(r'\b(?:class|id)="([^"]*)"')
WORD = re.compile(r"[\w-]+")
GLYPH = re.compile(r"\\(f[0-9a-f]{3})\b|([\uf000-\uf8ff])", flags=re.IGNORECASE)
SOURCES = re.compile(r"src:\s*url\(([^)]*/)?(fa-[\w-]+)\.woff2\)[^;}]*")
SMALLER = r'src:url(\1\2.woff) format("woff")'


def names_in(html: Path) -> set[str]:
    """Every class and identifier that a page has, and every word of a script."""
    found: set[str] = set()
    for page in html.rglob("*.html"):
        for words in NAMES.findall(page.read_text(encoding="utf-8")):
            found.update(words.split())
    for script in (html / "_static").rglob("*.js"):
        if ICONS not in script.parts:
            found.update(WORD.findall(script.read_text(encoding="utf-8")))
    return found


def _selectors(prelude: list[Node]) -> Iterator[list[Node]]:
    """The parts of a selector between its commas."""
    part: list[Node] = []
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _could_match(selector: list[Node], names: set[str]) -> bool:
    """Whether its classes and identifiers are there; those in brackets, of :not(), need not be."""
    for before, token in zip([None, *selector], selector, strict=False):
        if token.type == "hash" and token.value not in names:
            return False
        dot = before is not None and before.type == "literal" and before.value == "."
        if dot and token.type == "ident" and token.value not in names:
            return False
    return True


def purge(css: str, names: set[str]) -> str:
    """A style sheet without comments and without the rules that could match nothing."""
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return "".join(_kept(rules, names))


def _kept(rules: list[Node], names: set[str]) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            fitting = [it for it in _selectors(rule.prelude) if _could_match(it, names)]
            if fitting:
                said = ",".join(tinycss2.serialize(it).strip() for it in fitting)
                yield f"{said}{{{_tight(tinycss2.serialize(rule.content))}}}\n"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports", "layer"):
            if rule.content is None:
                yield rule.serialize()
                continue
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if text := "".join(_kept(inner, names)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{text}}}\n"
        else:
            yield rule.serialize() + "\n"


def _tight(declarations: str) -> str:
    """Declarations without comments and without the white space around them."""
    without = re.sub(r"/\*.*?\*/", "", declarations, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", "", without).strip()


def glyphs_in(css: str) -> set[int]:
    """The icons that a style sheet names, as code points."""
    return {int(escaped, 16) if escaped else ord(sign) for escaped, sign in GLYPH.findall(css)}


def store_icons(font: Path, glyphs: set[int]) -> int:
    """Write a font of those glyphs beside the whole one; how many of them it has."""
    from fontTools import subset

    options = subset.Options(flavor="woff", recalc_timestamp=False)
    whole = subset.load_font(str(font), options)
    some = glyphs & set(whole.getBestCmap())
    if some:
        chosen = subset.Subsetter(options)
        chosen.populate(unicodes=some)
        chosen.subset(whole)
        subset.save_font(whole, str(font.with_suffix(".woff")), options)
    return len(some)


def lighten(html: Path) -> None:
    """Take out of a finished book what no page of it uses."""
    static, names = html / "_static", names_in(html)
    sheets = {path: path.read_text(encoding="utf-8") for path in static.rglob("*.css")}
    purged = {path: purge(css, names) for path, css in sheets.items()}
    glyphs = set().union(*map(glyphs_in, purged.values()))
    for path, css in purged.items():
        path.write_text(SOURCES.sub(SMALLER, css), encoding="utf-8")
    for font in sorted(static.rglob("fa-*.ttf")):
        store_icons(font, glyphs)
        font.unlink()
        font.with_suffix(".woff2").unlink(missing_ok=True)
    for path in [*static.rglob("*.map"), *static.rglob(f"{ICONS}/**/*.js")]:
        path.unlink()


def finish(app: Sphinx, problem: Exception | None) -> None:
    """When all pages are written."""
    if problem is None and app.builder.format == "html":
        lighten(Path(app.outdir))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
