"""From TeX to MathML: the equations of the book, in the form that browsers draw by themselves.

What is known is what the book writes: letters and numbers, sums, fractions, accents, brackets of
every size, words, and equations in several lines. Whatever else comes is an error that says so, and
the book is not built.
"""

# ruff: noqa: RUF001 (letters and signs of equations)

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from string import printable

LETTERS = {
    "alpha": "α", "gamma": "γ", "delta": "δ", "varepsilon": "ε", "eta": "η", "theta": "θ",
    "mu": "μ", "pi": "π", "sigma": "σ", "tau": "τ", "partial": "∂",
}  # fmt: skip
UPRIGHT = {"Delta": "Δ", "Omega": "Ω", "top": "⊤", "dots": "…", "cdots": "⋯"}
FUNCTIONS = {"ln", "exp", "tanh", "max", "min", "log"}
SUMS = {"sum": "∑", "prod": "∏"}
BETWEEN = {
    "cdot": "⋅", "times": "×", "in": "∈", "le": "≤", "ge": "≥", "approx": "≈", "leftarrow": "←",
    "+": "+", "-": "−", "=": "=", "<": "<", ">": ">",
}  # fmt: skip
SIGNS = {"+", "-"}
"""What is a sign where nothing stands before it that it could join to the next."""
OPEN = {"(": "(", "[": "[", r"\{": "{", r"\lVert": "‖"}
CLOSE = {")": ")", "]": "]", r"\}": "}", r"\rVert": "‖"}
SPACES = {",": "0.167em", ":": "0.222em", ";": "0.278em", "!": "-0.167em", "quad": "1em"}
SPACES |= {"qquad": "2em", " ": "0.25em"}
ACCENTS = {"hat": "ˆ", "tilde": "˜", "bar": "¯"}
SIZES = {"big": "1.2em", "Big": "1.8em", "bigg": "2.4em", "Bigg": "3em"}
TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", flags=re.DOTALL)


def glyphs() -> str:
    """Every character that an equation may be drawn with.

    A single letter is drawn from among the slanted ones that Unicode has for mathematics.
    """
    drawn = [LETTERS, UPRIGHT, SUMS, BETWEEN, OPEN, CLOSE, ACCENTS]
    signs = "".join(sign for table in drawn for sign in table.values())
    slanted = "".join(map(chr, [0x210E, *range(0x1D434, 0x1D468), *range(0x1D6FC, 0x1D71C)]))
    return f"{signs}{slanted}{printable}⏟|/.,;:′\N{NO-BREAK SPACE}"


class UnknownTeX(ValueError):
    """TeX that the book has not written so far."""


def mathml(tex: str, *, display: bool = False) -> str:
    """An equation as a ``<math>`` element; its TeX stays beside it, for those who can't see it.

    Raises
    ------
    UnknownTeX : for what is not known, or brackets that don't match.
    """
    kind = ' display="block"' if display else ""
    return f'<math{kind} alttext="{escape(" ".join(tex.split()))}">{Reader(tex).whole()}</math>'


class Reader:
    """Reads TeX from the left to the right.

    Each method that begins with ``read`` takes something from what is left and returns its MathML.
    """

    def __init__(self, tex: str) -> None:
        self.tex = tex
        self.left = TOKEN.findall(tex)[::-1]

    def whole(self) -> str:
        """All of it."""
        found = self.read_until(lambda: not self.left)
        return found

    # ---- Tokens ----------------------------------------------------------------------------------

    def wrong(self, what: str) -> UnknownTeX:
        return UnknownTeX(f"{what} in the equation {' '.join(self.tex.split())}")

    def skip_space(self) -> None:
        while self.left and self.left[-1].isspace():
            self.left.pop()

    def next(self) -> str:
        """The next token that is no white space; nothing is taken. Empty at the end."""
        self.skip_space()
        return self.left[-1] if self.left else ""

    def take(self, *expected: str) -> str:
        """The next token, which must be one of those expected, if any are named."""
        if not (token := self.next()):
            raise self.wrong("it ends too soon")
        if expected and token not in expected:
            raise self.wrong(f"expected {' or '.join(expected)}, got {token}")
        return self.left.pop()

    def take_words(self) -> str:
        """What stands in braces, as it is."""
        self.take("{")
        words = ""
        while self.left and self.left[-1] != "}":
            words += self.left.pop()
        self.take("}")
        return words

    # ---- Rows ------------------------------------------------------------------------------------

    def read_until(self, ends: Callable[[], bool]) -> str:
        """A row of parts, each with what stands below and above it, up to an end."""
        parts: list[str] = []
        opened: list[int] = []  # where each bracket stands that is not closed yet
        before = "begin"  # what kind of part came last
        while self.next() and not ends():
            kind = self.kind_of(before)
            if kind == "function" and before in ("part", "close"):
                parts.append(space("0.167em"))
            name = self.next()
            base = self.read_part(kind)
            if kind == "open":
                opened.append(len(parts))
            if kind == "close" and opened:
                since = opened.pop()
                if name.startswith("\\") and self.next() in ("_", "^"):
                    # Beside a bracket of another height nothing is raised well, beside a row it is.
                    base = f"<mrow>{''.join(parts[since:])}{base}</mrow>"
                    del parts[since:]
            parts.append(self.read_scripts(base, name.removeprefix("\\")))
            if kind == "function" and self.next() not in ("(", r"\big", r"\Big", r"\left", ""):
                parts.append(space("0.167em"))
            before = before if kind == "space" else kind
        return "".join(parts)

    def kind_of(self, before: str) -> str:
        """What comes next, which decides about the space around it."""
        token = self.next()
        name = token.removeprefix("\\")
        if token[1:] and name.rstrip("lr") in SIZES:  # what matters is the bracket after it
            token = next((it for it in self.left[-2::-1] if not it.isspace()), "")
        if token in OPEN:
            return "open"
        if token in CLOSE:
            return "close"
        if token[:1] == "\\" and name in SPACES:
            return "space"
        if token in SIGNS and before in ("begin", "open", "between", "comma"):
            return "sign"
        if token in BETWEEN or (token[:1] == "\\" and name in BETWEEN):
            return "between"
        if token in (",", ";", ":"):
            return "comma"
        return "function" if token[:1] == "\\" and name in FUNCTIONS else "part"

    def read_group(self) -> str:
        """What stands in braces, or a single part, as one element; of a number, its first digit."""
        if self.next()[:1].isdigit():
            first, *others = self.take()
            self.left += others[::-1]
            return f"<mn>{first}</mn>"
        if self.next() != "{":
            return self.read_part("part")
        self.take("{")
        found = self.read_until(lambda: self.next() == "}")
        self.take("}")
        return f"<mrow>{found}</mrow>"

    def read_scripts(self, base: str, name: str) -> str:
        """What is raised or lowered beside a part, or above and below a sum."""
        below, raised, powers = "", [], 0
        while self.next() in ("_", "^", "'"):
            mark = self.take()
            if (mark == "_" and below) or (mark == "^" and powers):
                raise self.wrong(f"{mark} twice")
            if mark == "_":
                below = self.read_group()
            elif mark == "^":
                powers += 1
                raised.append(self.read_group())
            else:
                raised.append('<mo lspace="0" rspace="0">′</mo>')
        above = "".join(raised) if len(raised) < 2 else f"<mrow>{''.join(raised)}</mrow>"
        beside = ("munder", "mover", "munderover") if name in (*SUMS, "underbrace") else ()
        under, over, both = beside or ("msub", "msup", "msubsup")
        if below and above:
            return f"<{both}>{base}{below}{above}</{both}>"
        if below or above:
            tag = under if below else over
            return f"<{tag}>{base}{below or above}</{tag}>"
        return base

    # ---- Parts -----------------------------------------------------------------------------------

    def read_part(self, kind: str) -> str:
        """The next part, without what is raised or lowered beside it."""
        if self.next() == "{":
            return self.read_group()
        token = self.take()
        name = token.removeprefix("\\")
        if token in OPEN | CLOSE:
            return fence((OPEN | CLOSE)[token], token in OPEN)
        if token == "|":
            return '<mo stretchy="false" lspace="0" rspace="0">|</mo>'
        if token in BETWEEN or (token.startswith("\\") and name in BETWEEN):
            form = "prefix" if kind == "sign" else "infix"
            return f'<mo form="{form}">{escape(BETWEEN[name])}</mo>'
        if token.startswith("\\"):
            return self.read_command(name)
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token in (",", ";", ":"):
            return f'<mo form="infix" separator="true" lspace="0" rspace="0.167em">{token}</mo>'
        if token in (".", "/"):
            return f'<mo lspace="0" rspace="0">{token}</mo>'
        raise self.wrong(f"{token} is not known")

    def read_command(self, name: str) -> str:
        """What a command stands for, with what belongs to it."""
        if name in LETTERS:
            return f"<mi>{LETTERS[name]}</mi>"
        if name in UPRIGHT:
            return f'<mi mathvariant="normal">{UPRIGHT[name]}</mi>'
        if name in FUNCTIONS:
            return f"<mi>{name}</mi>"
        if name in SUMS:
            return f"<mo>{SUMS[name]}</mo>"
        if name in SPACES:
            return space(SPACES[name])
        if name in ACCENTS:
            mark = f'<mo stretchy="false">{ACCENTS[name]}</mo>'
            return f'<mover accent="true">{self.read_group()}{mark}</mover>'
        if name.rstrip("lr") in SIZES:
            return self.read_sized(SIZES[name.rstrip("lr")])
        if name not in COMMANDS:
            raise self.wrong(f"\\{name} is not known")
        return COMMANDS[name](self)

    def read_sized(self, size: str) -> str:
        """A bracket of a given height."""
        token = self.take(*OPEN, *CLOSE)
        return fence((OPEN | CLOSE)[token], token in OPEN, f'minsize="{size}" maxsize="{size}"')

    def read_left(self) -> str:
        """Brackets that are as high as what stands between them."""
        before = fence(OPEN[self.take(*OPEN)], True, "")
        inside = self.read_until(lambda: self.next() == r"\right")
        self.take(r"\right")
        return f"<mrow>{before}{inside}{fence(CLOSE[self.take(*CLOSE)], False, '')}</mrow>"

    def read_frac(self) -> str:
        return f"<mfrac>{self.read_group()}{self.read_group()}</mfrac>"

    def read_tfrac(self) -> str:
        return f'<mstyle displaystyle="false" scriptlevel="0">{self.read_frac()}</mstyle>'

    def read_dfrac(self) -> str:
        return f'<mstyle displaystyle="true" scriptlevel="0">{self.read_frac()}</mstyle>'

    def read_text(self) -> str:
        return f"<mtext>{escape(self.take_words()).replace(' ', '&nbsp;')}</mtext>"

    def read_mathrm(self) -> str:
        return f'<mi mathvariant="normal">{escape(self.take_words())}</mi>'

    def read_underbrace(self) -> str:
        return f'<munder accentunder="true">{self.read_group()}<mo stretchy="true">⏟</mo></munder>'

    def read_begin(self) -> str:
        """Lines below each other: ``aligned``, ``split`` and ``cases``."""
        kind = self.take_words()
        if kind not in ("aligned", "split", "cases"):
            raise self.wrong(f"\\begin{{{kind}}} is not known")
        rows, cells = [], []
        while True:
            cells.append(self.read_until(lambda: self.next() in ("&", r"\\", r"\end")))
            mark = self.take("&", r"\\", r"\end")
            if mark != "&":
                rows.append(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in cells)}</mtr>")
                cells = []
            if mark == r"\end":
                break
        if (end := self.take_words()) != kind:
            raise self.wrong(f"\\begin{{{kind}}} ends with \\end{{{end}}}")
        style = ' displaystyle="true"' if kind != "cases" else ""
        table = f'<mtable class="{kind}"{style}>{"".join(rows)}</mtable>'
        return f"<mrow>{fence('{', True, '')}{table}</mrow>" if kind == "cases" else table


COMMANDS = {
    "frac": Reader.read_frac,
    "tfrac": Reader.read_tfrac,
    "dfrac": Reader.read_dfrac,
    "text": Reader.read_text,
    "mathrm": Reader.read_mathrm,
    "left": Reader.read_left,
    "underbrace": Reader.read_underbrace,
    "begin": Reader.read_begin,
}
"""Commands that take what comes after them."""


def space(width: str) -> str:
    return f'<mspace width="{width}"/>'


def fence(sign: str, opens: bool, size: str | None = None) -> str:
    """A bracket; unless a size is given, even an empty one, it is as high as a letter."""
    form = "prefix" if opens else "postfix"
    size = 'stretchy="false"' if size is None else f'stretchy="true" symmetric="true" {size}'
    return f'<mo form="{form}" {size.strip()} lspace="0" rspace="0">{sign}</mo>'
