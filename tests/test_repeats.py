"""The order of the bars of a score: repeats, endings, da capo, dal segno, coda and fine."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from lstm_from_scratch.music import tunes
from lstm_from_scratch.music.tunes.repeats import order_of
from lstm_from_scratch.music.tunes.source import Remarks

OPEN = '<barline><repeat direction="forward"/></barline>'
CLOSE = '<barline><repeat direction="backward"/></barline>'
SEGNO = "<direction><direction-type><segno/></direction-type></direction>"
CODA = "<direction><direction-type><coda/></direction-type></direction>"


def times(number: str, more: str = "") -> str:
    return f'<barline><repeat direction="backward" times="{number}"{more}/></barline>'


def ending(number: str, *inside: str) -> str:
    """A bar in an ending: it begins and ends in this bar."""
    start = f'<barline><ending number="{number}" type="start"/></barline>'
    return start + "<note/>" + "".join(inside) + (
        f'<barline><ending number="{number}" type="stop"/></barline>'
    )  # fmt: skip


def sound(**says: str) -> str:
    attributes = " ".join(f'{key}="{value}"' for key, value in says.items())
    return f"<note/><sound {attributes}/>"


def words(said: str) -> str:
    return f"<note/><direction><direction-type><words>{said}</words></direction-type></direction>"


def played(*bars: str, more: tuple[str, ...] = ()) -> tuple[str, str]:
    """The bars as they are played, by letters from A; and what was said."""
    measures = [f'<measure number="{n}">{bar}</measure>' for n, bar in enumerate(bars, start=1)]
    parts = [fromstring(f"<part>{''.join(measures)}</part>")]
    parts += [fromstring(f"<part>{it}</part>") for it in more]
    remarks = Remarks()
    order = order_of(parts, len(bars), "a.musicxml", remarks)
    return "".join(chr(ord("A") + bar) for bar in order), "; ".join(remarks.said())


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        # repeats
        (("", "", ""), "ABC"),
        (("", CLOSE, ""), "ABABC"),
        (("", OPEN, CLOSE, ""), "ABCBCD"),
        (("", CLOSE, "", CLOSE), "ABABCDCD"),
        ((OPEN + CLOSE, "", OPEN + CLOSE), "AABCC"),
        (("", times("3")), "ABABAB"),
        (("", times("1"), ""), "ABC"),
        # one within another
        ((OPEN, OPEN + CLOSE, CLOSE, ""), "ABBCABBCD"),
        (("", OPEN, OPEN + CLOSE, CLOSE, CLOSE), "ABCCDBCCDEE"),
        # endings
        (("", ending("1", CLOSE), ending("2"), ""), "ABACD"),
        (("", ending("1", CLOSE), ""), "ABAC"),
        (("", ending("1", CLOSE), ending("2", CLOSE), ending("3"), ""), "ABACADE"),
        (("", ending("1, 2", CLOSE), ending("3"), ""), "ABABACD"),
        (("", ending("1.-3.", CLOSE), ending("4"), ""), "ABABABACD"),
        (("", ending("1", CLOSE), ending("2", CLOSE), ""), "ABACD"),
        ((OPEN, ending("1", CLOSE), ending("2"), OPEN, ending("1", CLOSE), ending("2")),
         "ABACDEDF"),
        (("", ending("1", CLOSE), ending("2"), "", CLOSE), "ABACDEDE"),
        # a second ending that nobody ended, and a new repeat
        (("", ending("1", CLOSE), '<barline><ending number="2" type="start"/></barline>', OPEN,
          CLOSE), "ABACDEDE"),
        # da capo, dal segno
        (("", "", sound(dacapo="yes")), "ABCABC"),
        (("", sound(fine="yes"), sound(dacapo="yes")), "ABCAB"),
        (("", sound(segno="segno"), "", sound(dalsegno="segno"), ""), "ABCDBCDE"),
        (("", sound(segno="segno"), sound(tocoda="coda"), sound(dalsegno="segno"),
          sound(coda="coda"), ""), "ABCDBCEF"),
        (("", sound(tocoda="coda"), sound(dacapo="yes"), sound(coda="coda")), "ABCABD"),
        (("", '<sound tocoda="coda"/><note/>', sound(dacapo="yes"), sound(coda="coda")), "ABCAD"),
        # two jumps, two signs
        ((sound(segno="1"), sound(segno="2"), sound(dalsegno="2"), sound(dalsegno="1"), ""),
         "ABCBCDABCDE"),
        # what was repeated before a jump is not repeated after it, unless the file says so
        (("", CLOSE, sound(dacapo="yes")), "ABABCABC"),
        (("", times("2", ' after-jump="yes"'), sound(dacapo="yes")), "ABABCABABC"),
        (("", ending("1", CLOSE), ending("2"), sound(dacapo="yes")), "ABACDACD"),
        (("", sound(tocoda="c"), sound(dacapo="yes"), sound(coda="c") + OPEN + CLOSE), "ABCABDD"),
        # the repeats of its bar come before a jump; an ending may hold one
        (("", CLOSE + sound(dacapo="yes"), ""), "ABABABC"),
        (("", ending("1", sound(dacapo="yes")), ending("2"), ""), "ABACD"),
        # words and signs alone
        (("", words("Fine"), words("D.C. al Fine")), "ABCAB"),
        (("", SEGNO, words("To Coda"), words("D. S. al Coda"), CODA), "ABCDBCE"),
        ((SEGNO, "<note/>" + CODA, words("D.S. al Coda"), CODA), "ABCABD"),
        (("", words("da capo")), "ABAB"),
        (("", words("Dal Segno"), ""), "ABC"),
        (("", words("DC to the bridge")), "ABAB"),
        (("", words("Descend"), words("dolce"), words("coda alla fine")), "ABCD"),
        (('<barline segno="segno"/>', "", sound(dalsegno="segno")), "ABCABC"),
    ],
)  # fmt: skip
def test_bars_are_played_in_the_order_that_is_written(bars: tuple[str, ...], expected: str) -> None:
    assert played(*bars)[0] == expected


def test_what_was_written_out_is_said() -> None:
    bars = (SEGNO, CLOSE, sound(tocoda="c"), words("D.S. al Coda"), sound(coda="c"))
    order, said = played(*bars)
    assert order == "ABABCDABCE"
    assert "5 bars as 10: D.S. al Coda after bar 4, To Coda after bar 3" in said
    assert "What was played before a jump was not repeated after it" in said
    assert played("", "")[1] == ""


@pytest.mark.parametrize(
    ("bars", "expected", "sentence"),
    [
        (("", sound(dalsegno="segno")), "AB", "A D.S. without a segno before it was passed over "
         "(bar 2)"),
        ((sound(dalsegno="s"), SEGNO), "AB", "A D.S. without a segno before it"),
        (("", sound(tocoda="c"), sound(dacapo="yes")), "ABCABC",
         "A To Coda without a coda behind it was passed over (bar 2)"),
        ((sound(coda="c"), sound(tocoda="c"), sound(dacapo="yes")), "ABCABC", "without a coda"),
        (("", words("D.C. al Fine")), "ABAB", "A D.C. al Fine met no Fine and went on to the end"),
        (("", words("D.C. al Coda"), ""), "ABABC", "A D.C. al Coda met no To Coda"),
        ((sound(fine="yes"), ""), "AB", "A Fine that no D.C. or D.S. leads to was passed over"),
        ((sound(tocoda="c"), sound(coda="c")), "AB", "A To Coda that no D.C. or D.S. leads to"),
        (("", ending("1"), ending("2"), ""), "ABD", "A bar is never played, as repeats and endings "
         "stand (bar 3)"),
        (("", ending("1", CLOSE), ending("3")), "ABA", "A bar is never played"),
        ((OPEN, OPEN + CLOSE, CLOSE), "ABBCABBC", "A repeat begins within another"),
        (("", times("many")), "ABAB", "A repeat to be played 'many' times was played twice"),
        (("", times("999")), "ABAB", "A repeat to be played '999' times was played twice"),
        (("", ending("x", CLOSE)), "ABAB", "An ending of the number 'x' was not understood"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_named(
    bars: tuple[str, ...], expected: str, sentence: str
) -> None:
    order, said = played(*bars)
    assert (order, sentence in said) == (expected, True), said


def test_marks_may_stand_in_any_part() -> None:
    lower = f"<measure/><measure>{CLOSE}</measure>"
    assert played("", "", "", more=(lower,))[0] == "ABABC"


def test_the_last_bar_of_a_part_that_ends_early_is_followed_by_the_others() -> None:
    remarks = Remarks()
    part = fromstring(f"<part><measure/><measure>{CLOSE}</measure></part>")
    assert order_of([part], 4, "a", remarks) == [0, 1, 0, 1, 2, 3]


def test_repeats_without_an_end_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.musicxml: its repeats make more than 96,000 bars"):
        played(*[OPEN] * 4, *[times("64")] * 4)


def test_a_lead_sheet_with_a_coda_comes_out_as_it_is_played(tmp_path: Path) -> None:
    def bar(number: int, letter: str, beats: int, before: str = "", after: str = "") -> str:
        pitch = f"<pitch><step>{letter}</step><octave>4</octave></pitch>"
        note = f"<note>{pitch}<duration>{beats}</duration></note>"
        return f'<measure number="{number}">{before}{note}{after}</measure>'

    bars = (
        bar(0, "G", 1),
        bar(1, "C", 4, SEGNO),
        bar(2, "D", 4, after='<sound tocoda="coda"/>'),
        bar(3, "E", 4, after='<sound dalsegno="segno"/>'),
        bar(4, "F", 3, '<sound coda="coda"/>'),
    )
    path = tmp_path / "a.musicxml"
    path.write_text(f"<score-partwise><part id='P1'>{''.join(bars)}</part></score-partwise>")
    tune = tunes.read(path)
    letters = {67: "G", 60: "C", 62: "D", 64: "E", 65: "F"}
    assert "".join(letters[note.pitch] for note in tune.melody) == "GCDECDF"
    assert tune.pickup == 2 and "Repeats were written out: 5 bars as 7" in tune.report()


def test_a_bar_that_is_a_sign_is_as_the_one_before(tmp_path: Path) -> None:
    def note(letter: str) -> str:
        pitch = f"<pitch><step>{letter}</step><octave>4</octave></pitch>"
        return f"<note>{pitch}<duration>4</duration></note>"

    rest = "<note><rest/><duration>4</duration></note>"
    sign = "<attributes><measure-style>{}</measure-style></attributes>"
    one = sign.format('<measure-repeat type="start">1</measure-repeat>')
    two = sign.format('<measure-repeat type="start">2</measure-repeat>')
    over = sign.format('<measure-repeat type="stop"/>')
    symbol = "<harmony><root><root-step>{}</root-step></root><kind>major</kind></harmony>"
    bars = (
        symbol.format("C") + note("C"), note("D"), one + rest, rest, over + note("E"),
        two + symbol.format("F") + rest, rest, over + rest,
    )  # fmt: skip
    measures = "".join(f"<measure number='{n}'>{bar}</measure>" for n, bar in enumerate(bars, 1))
    path = tmp_path / "a.musicxml"
    path.write_text(f"<score-partwise><part id='P1'>{measures}</part></score-partwise>")
    tune = tunes.read(path)
    letters = {60: "C", 62: "D", 64: "E"}
    assert "".join(letters[note.pitch] for note in tune.melody) == "CDDDEDE"
    assert tune.steps - sum(note.duration for note in tune.melody) == 8
    assert tune.symbols == ((0, "C"), (40, "F"))
    assert "as a repeat of one before was filled in, 4 times (first 'part 1', bar 3)" in (
        tune.report()
    )
