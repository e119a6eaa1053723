"""Equations: TeX becomes MathML, all of the book's can be read, and what can't is refused."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import ModuleType

import pytest

DOLLARS = re.compile(r"(?<![\\$])\$(?!\$)([^$\n]+?)(?<!\\)\$(?!\$)|\$\$(.+?)\$\$", flags=re.DOTALL)


@pytest.fixture(scope="module")
def tex(root: Path) -> Iterator[ModuleType]:
    """The converter of the book."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "book" / "_ext"))
        import tex

        yield tex


def tree(found: str) -> ET.Element:
    return ET.fromstring(found.replace("&nbsp;", "\N{NO-BREAK SPACE}"))


def shape(element: ET.Element) -> object:
    """An element as its name and what is in it, as short as it goes."""
    inside = [shape(child) for child in element]
    return [element.tag, *inside] if inside else f"{element.tag} {element.text or ''}".strip()


def equations(root: Path) -> dict[str, bool]:
    """All TeX in the pages and chapters, and whether it stands alone."""
    texts = [path.read_text(encoding="utf-8") for path in root.glob("book/**/*.md")]
    for path in root.glob("notebooks/*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts += ["".join(it["source"]) for it in cells if it["cell_type"] == "markdown"]
    found: dict[str, bool] = {}
    for text in texts:
        prose = re.sub(r"```(?!\{admonition|\{glossary).*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for inline, alone in DOLLARS.findall(prose):
            found[inline or alone] = bool(alone)
    return found


def test_every_equation_of_the_book_is_known(tex: ModuleType, root: Path) -> None:
    found = equations(root)
    assert len(found) > 250 and sum(found.values()) > 30
    for one, alone in found.items():
        drawn = tex.mathml(one, display=alone)
        element = tree(drawn)
        assert element.get("alttext") == " ".join(one.split())
        assert (element.get("display") == "block") == alone
        # Whatever has a fixed number of parts has them.
        for tag, parts in {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munderover": 3}.items():
            assert all(len(it) == parts for it in element.iter(tag)), one
        letters = re.sub(r"\\(text|mathrm|begin|end)\{[^}]*\}|\\[A-Za-z]+", "", one)
        shown = unescape("".join(element.itertext()))
        for letter in set(re.findall(r"[A-Za-z]", letters)):
            assert letter in shown, f"{letter} of {one} is lost"


@pytest.mark.parametrize(
    ("source", "drawn"),
    [
        ("x", ["math", "mi x"]),
        ("3.5", ["math", "mn 3.5"]),
        ("x_c^t", ["math", ["msubsup", "mi x", "mi c", "mi t"]]),
        ("x^t_c", ["math", ["msubsup", "mi x", "mi c", "mi t"]]),
        ("10^{-7}", ["math", ["msup", "mn 10", ["mrow", "mo −", "mn 7"]]]),
        (r"\tfrac12", ["math", ["mstyle", ["mfrac", "mn 1", "mn 2"]]]),
        (r"h'(s)", ["math", ["msup", "mi h", "mo ′"], "mo (", "mi s", "mo )"]),
        (r"\sum_k p_k", ["math", ["munder", "mo ∑", "mi k"], ["msub", "mi p", "mi k"]]),
        (r"2\ln 2", ["math", "mn 2", "mspace", "mi ln", "mspace", "mn 2"]),
        (r"\ln(2)", ["math", "mi ln", "mo (", "mn 2", "mo )"]),
        (r"\tilde s", ["math", ["mover", "mi s", "mo \N{SMALL TILDE}"]]),
        (r"\text{a b}", ["math", "mtext a\N{NO-BREAK SPACE}b"]),
    ],
)
def test_what_tex_is_drawn_as(tex: ModuleType, source: str, drawn: list) -> None:
    assert shape(tree(tex.mathml(source))) == drawn


def test_a_minus_is_a_sign_or_stands_between(tex: ModuleType) -> None:
    forms = {
        "a - b": ["infix"],
        "-b": ["prefix"],
        "a = -b": ["infix", "prefix"],
        "(-b)": ["prefix", "prefix", "postfix"],
        "[-1, 1]": ["prefix", "prefix", "infix", "postfix"],
        "(a) - b": ["prefix", "postfix", "infix"],
    }
    for source, expected in forms.items():
        found = [it.get("form") for it in tree(tex.mathml(source)).iter("mo")]
        assert found == expected, source


def test_brackets_are_as_high_as_they_are_asked_to_be(tex: ModuleType) -> None:
    sizes = [it.get("minsize") for it in tree(tex.mathml(r"\big( \Big[ x \Big] \big)")).iter("mo")]
    assert sizes == ["1.2em", "1.8em", "1.8em", "1.2em"]
    (raised,) = tree(tex.mathml(r"\big(x\big)^t")).iter("msup")
    assert shape(raised) == ["msup", ["mrow", "mo (", "mi x", "mo )"], "mi t"]
    plain = [it.get("stretchy") for it in tree(tex.mathml("(x)")).iter("mo")]
    grown = [it.get("stretchy") for it in tree(tex.mathml(r"\left( x \right)")).iter("mo")]
    assert (plain, grown) == (["false"] * 2, ["true"] * 2)


def test_lines_stand_below_each_other(tex: ModuleType) -> None:
    source = r"\begin{aligned} a &= b \\ c &= d \end{aligned}"
    assert shape(tree(tex.mathml(source))) == [
        "math",
        ["mtable"]
        + [["mtr", ["mtd", f"mi {a}"], ["mtd", "mo =", f"mi {b}"]] for a, b in ("ab", "cd")],
    ]
    (cases,) = tree(tex.mathml(r"\begin{cases} 1 & a \\ 0 & b \end{cases}")).iter("mtable")
    assert cases.get("class") == "cases"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (r"\oint x", r"\oint is not known in the equation \oint x"),
        (r"\frac{1}", "it ends too soon"),
        ("x_", "it ends too soon"),
        ("x_a_b", "_ twice"),
        (r"\left( x", "it ends too soon"),
        (r"\left( x \right y", "expected ) or ]"),
        (r"\left( x \right", "it ends too soon"),
        (r"\big x", "expected"),
        (r"\begin{matrix} a \end{matrix}", r"\begin{matrix} is not known"),
        (r"\begin{cases} a \end{aligned}", r"ends with \end{aligned}"),
        (r"{x", "it ends too soon"),
        ("x}", "} is not known"),
        ("a # b", "# is not known"),
        (r"\command", r"\command is not known"),
    ],
)
def test_what_is_not_known_is_refused_in_words(tex: ModuleType, source: str, problem: str) -> None:
    with pytest.raises(tex.UnknownTeX, match=re.escape(problem)):
        tex.mathml(source)


def test_markup_in_an_equation_is_text(tex: ModuleType) -> None:
    drawn = tex.mathml(r"a < b > \text{<b> & \"}")
    assert "&lt;b&gt;&nbsp;&amp;" in drawn and tree(drawn).get("alttext").startswith("a < b >")


def test_the_font_has_what_equations_are_drawn_with(
    tex: ModuleType, root: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ziamath", reason="the font comes with what the book is built with")
    pytest.importorskip("sphinx")
    import learning_the_blues
    from fontTools.ttLib import TTFont

    learning_the_blues.store_font(tmp_path / "equations.woff")
    learning_the_blues.store_font(tmp_path / "again.woff")
    data = (tmp_path / "equations.woff").read_bytes()
    assert data == (tmp_path / "again.woff").read_bytes() and len(data) < 100_000
    font = TTFont(tmp_path / "equations.woff")
    assert "MATH" in font, "nothing says how brackets stretch"
    there = set(font.getBestCmap())
    for one, alone in equations(root).items():
        for sign in unescape("".join(tree(tex.mathml(one, display=alone)).itertext())):
            assert ord(sign) in there, f"{sign} of {one}"
