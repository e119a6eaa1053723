"""What is taken out of the finished book's style sheets and fonts, and what stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def lighter(root: Path) -> Iterator[ModuleType]:
    """The extension of the book that makes it lighter."""
    pytest.importorskip("sphinx")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "book" / "_ext"))
        import lighter

        yield lighter


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".there { color: red }", ".there{color: red}"),
        (".not-there { color: red }", ""),
        ("#there .not-there { color: red }", ""),
        ("#not-there { color: red }", ""),
        (".there, .not-there > p, a { color: red }", ".there,a{color: red}"),
        ("p:not(.not-there) { color: red }", "p:not(.not-there){color: red}"),
        (":is(.not-there, p) { color: red }", ":is(.not-there, p){color: red}"),
        ("a[href='.not-there'] { color: #abc }", "a[href='.not-there']{color: #abc}"),
        ("/* words */ a { /* more */ color: red; }", "a{color: red;}"),
        ("@media print { .not-there { color: red } }", ""),
        ("@media print { a { color: red } }", "@media print {a{color: red}}"),
        ("@font-face { font-family: A }", "@font-face { font-family: A }"),
        ('.there::before { content: "\\201c" }', '.there::before{content: "\u201c"}'),
    ],
)
def test_rules_that_could_match_nothing_go(lighter: ModuleType, css: str, kept: str) -> None:
    found = lighter.purge(css, {"there"})
    assert "".join(found.split("\n")).replace('"', "'") == kept.replace('"', "'")


def test_names_stand_in_pages_and_in_scripts(lighter: ModuleType, tmp_path: Path) -> None:
    static = tmp_path / "_static"
    (static / "fontawesome").mkdir(parents=True)
    (tmp_path / "page.html").write_text('<p class="one two" id="three">four</p>')
    (static / "some.js").write_text('part.classList.add("five");')
    (static / "fontawesome" / "all.js").write_text('"six"')
    assert {"one", "two", "three", "five"} <= lighter.names_in(tmp_path)
    assert not {"four", "six"} & lighter.names_in(tmp_path)


def test_icons_that_a_sheet_names_are_found(lighter: ModuleType) -> None:
    css = '.a::before{content:"\\f15c"} .b{--icon: "\\F12E"} .c::after{content:"\uf105"}'
    assert lighter.glyphs_in(css) == {0xF15C, 0xF12E, 0xF105}
    assert lighter.glyphs_in('.a{color:#f15}.b::before{content:"a"}') == set()


def test_a_sheet_asks_for_the_smaller_font(lighter: ModuleType) -> None:
    css = (
        '@font-face{src:url(../webfonts/fa-solid-900.woff2) format("woff2"),'
        'url(../webfonts/fa-solid-900.ttf) format("truetype");font-weight:900}'
    )
    found = lighter.SOURCES.sub(lighter.SMALLER, css)
    assert found == (
        '@font-face{src:url(../webfonts/fa-solid-900.woff) format("woff");font-weight:900}'
    )
