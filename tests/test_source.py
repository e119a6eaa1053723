"""Showing source: what a reader sees is what runs."""

import html
import inspect
import json
import pydoc
import re
import sys

import pytest

from lstm_from_scratch.machine import gradient, network
from lstm_from_scratch.music import blues, encoding
from lstm_from_scratch.playing import composing
from lstm_from_scratch.rivals import simple_rnn
from lstm_from_scratch.showing import source
from lstm_from_scratch.showing.source import show


def test_a_function_is_shown_as_it_is_written():
    shown = show(blues.chord_notes)
    assert shown.name == "lstm_from_scratch.music.blues.chord_notes"
    assert f"@checked\n{shown.code}" == inspect.getsource(blues.chord_notes), "but for its door"


def test_methods_and_properties_are_set_flush_left_and_still_run():
    for thing, name in [(encoding.Encoding.units, "units"), (encoding.Encoding.decode, "decode")]:
        shown = show(thing)
        assert shown.name == f"lstm_from_scratch.music.encoding.Encoding.{name}"
        assert not shown.code.startswith(" ")
        compile(shown.code, name, "exec")
    assert show(encoding.CHORDS_ONLY.decode).code == show(encoding.Encoding.decode).code


def test_classes_and_modules_are_shown():
    assert show(blues.Note).code.startswith("class Note(NamedTuple):")
    written = show(blues).code
    assert "checked(" not in written and "def check_notes(" in written
    lines = inspect.getsource(blues).split("\n")
    assert [line for line in lines if line in set(written.split("\n"))][:40] == lines[:40]
    compile(written, "blues", "exec")
    assert show(blues).name == "lstm_from_scratch.music.blues"


def test_a_wrapped_or_compiled_function_is_shown_by_its_own_source():
    from lstm_from_scratch.showing import figures

    assert "def piano_roll(" in show(figures.piano_roll).code

    class Compiled:
        py_func = staticmethod(blues.chorus)

    assert show(Compiled()).name == "lstm_from_scratch.music.blues.chorus"


SHOWN = [
    network.forward,
    gradient.step_gradient,
    encoding.Encoding.encode,
    blues.Note,
    simple_rnn.Method,
    composing.Composer,
    network.squash,
    network.cleared,
    blues,
]
every_kind = pytest.mark.parametrize("thing", SHOWN, ids=lambda thing: thing.__name__)


def folds(page: str) -> list[str]:
    """What is folded on a page, each with the line that is in view."""
    return re.findall(r"<details.*?</details>", page, flags=re.S)


def as_read(page: str) -> str:
    """The text of a page, without its tags."""
    return html.unescape(re.sub("<[^>]+>", "", page))


@every_kind
def test_a_page_says_all_that_is_written_in_its_order(thing):
    shown = show(thing)
    read = as_read(shown._repr_html_())
    assert "".join(read.split()) == "".join(f"{shown.name}{shown.code}".split())


@every_kind
def test_a_docstring_of_several_lines_is_folded_and_the_rest_is_not(thing):
    shown = show(thing)
    page, folded = shown._repr_html_(), folds(shown._repr_html_())
    in_view = as_read(re.sub(r"<details.*?</details>", "", page, flags=re.S))
    assert "    Parameters\n" not in in_view and "    Attributes\n" not in in_view
    for fold in folded:
        assert as_read(fold).count('"""') == 2
        summary = re.search("<summary>(.*?)</summary>", fold, flags=re.S)[1]
        assert as_read(summary).startswith('"""') and "\n" not in summary
        assert "<details open" not in fold
    assert page.count("<details") == page.count("<summary") == len(folded)


@pytest.mark.parametrize(
    ("thing", "first", "then"),
    [
        (network.forward, "def forward(", "t = network.topology"),
        (blues.Note, "class Note(", "pitch: int"),
        (simple_rnn.Method, "class Method:", "rule: Literal"),
    ],
)
def test_it_reads_signature_then_docstring_then_body(thing, first, then):
    page = show(thing)._repr_html_()
    before, after = (as_read(part) for part in page.split(folds(page)[0]))
    assert first in before and then not in before
    assert after.lstrip().startswith(then)


def test_what_has_nothing_but_a_docstring_is_in_plain_view():
    shown = show(composing.Composer)
    page = shown._repr_html_()
    assert len(folds(page)) == 1, "that of the class; its methods are docstrings alone"
    assert "How likely each unit is to be on" in as_read(page.replace(folds(page)[0], ""))
    assert "How likely each unit is to be on" in repr(shown)
    assert folds(show(composing.Composer.predict)._repr_html_()) == []


def test_a_docstring_of_one_line_stays_where_it_is():
    shown = show(network.cleared)
    assert folds(shown._repr_html_()) == []
    assert repr(shown) == f"# {shown.name}\n{shown.code}"


@every_kind
def test_as_text_it_says_where_the_docstrings_are(thing):
    text = repr(show(thing))
    compile(text, "shown", "exec")
    assert "    ----------\n" not in text
    helps = re.findall(r'^ *# docstring: help\("(.*)"\)$', text, flags=re.M)
    assert len(helps) == len(folds(show(thing)._repr_html_()))
    for name in helps:
        assert pydoc.locate(name).__doc__, name


def test_each_docstring_goes_by_its_own_name():
    helps = re.findall(
        r'docstring: help\("(.*)"\)', repr(show(blues)) + repr(show(network.Topology))
    )
    own = {"music.blues", "music.blues.Note", "music.blues.chorus"}
    own |= {"machine.network.Topology", "machine.network.Topology.parts"}
    assert {f"lstm_from_scratch.{name}" for name in own} <= set(helps)
    assert len(set(helps)) == len(helps)


def test_a_line_stands_in_the_docstrings_place():
    lines = repr(show(network.forward)).split("\n")
    at = lines.index('    # docstring: help("lstm_from_scratch.machine.network.forward")')
    assert lines[at - 1].startswith("def forward(")
    assert lines[at + 1] == "    t = network.topology"


def test_the_page_gets_classes_and_no_colours():
    page = show(blues.pitch_name)._repr_html_()
    assert "<code>lstm_from_scratch.music.blues.pitch_name</code>" in page
    assert '<div class="highlight"><pre>' in page
    assert '<span class="k">def</span>' in page
    assert '<details class="highlight"><summary>' in show(network.forward)._repr_html_()
    assert "style=" not in page
    assert "color" not in page


def test_without_pygments_the_source_is_plain(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygments", None)
    shown = show(source.show)
    page = shown._repr_html_()
    assert '<div class="highlight"><pre>def show(' in page
    assert "-&gt; Source" in page
    assert "<span" not in page
    assert "<code>&quot;&quot;&quot;Show the source" in page


@pytest.mark.parametrize(
    "thing", [len, json.dumps, json, pytest.raises, 5, "blues", None, [blues.chorus]]
)
def test_what_is_not_ours_is_refused(thing):
    with pytest.raises(ValueError, match="is not from lstm_from_scratch"):
        show(thing)


def test_a_value_has_no_source():
    with pytest.raises(ValueError, match="no source of its own"):
        show(blues.TWELVE_BAR)
