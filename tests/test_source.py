"""Showing source: what a reader sees is what runs."""

import inspect
import json
import sys

import pytest

from lstm_from_scratch import blues, encoding, source
from lstm_from_scratch.source import show


def test_a_function_is_shown_as_it_is_written():
    shown = show(blues.chord_notes)
    assert shown.name == "lstm_from_scratch.blues.chord_notes"
    assert shown.code == inspect.getsource(blues.chord_notes)
    assert repr(shown) == f"# {shown.name}\n{shown.code}"


def test_methods_and_properties_are_set_flush_left_and_still_run():
    for thing, name in [(encoding.Encoding.units, "units"), (encoding.Encoding.decode, "decode")]:
        shown = show(thing)
        assert shown.name == f"lstm_from_scratch.encoding.Encoding.{name}"
        assert not shown.code.startswith(" ")
        compile(shown.code, name, "exec")
    assert show(encoding.CHORDS_ONLY.decode).code == show(encoding.Encoding.decode).code


def test_classes_and_modules_are_shown():
    assert show(blues.Note).code.startswith("class Note(NamedTuple):")
    assert show(blues).code == inspect.getsource(blues)
    assert show(blues).name == "lstm_from_scratch.blues"


def test_a_wrapped_or_compiled_function_is_shown_by_its_own_source():
    from lstm_from_scratch import figures

    assert "def piano_roll(" in show(figures.piano_roll).code

    class Compiled:
        py_func = staticmethod(blues.chorus)

    assert show(Compiled()).name == "lstm_from_scratch.blues.chorus"


def test_the_page_gets_classes_and_no_colours():
    page = show(blues.pitch_name)._repr_html_()
    assert "<code>lstm_from_scratch.blues.pitch_name</code>" in page
    assert '<div class="highlight"><pre>' in page
    assert '<span class="k">def</span>' in page
    assert "style=" not in page
    assert "color" not in page


def test_without_pygments_the_source_is_plain(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygments", None)
    shown = show(source.show)
    page = shown._repr_html_()
    assert '<div class="highlight"><pre>def show(' in page
    assert "-&gt; Source" in page
    assert "<span" not in page


@pytest.mark.parametrize(
    "thing", [len, json.dumps, json, pytest.raises, 5, "blues", None, [blues.chorus]]
)
def test_what_is_not_ours_is_refused(thing):
    with pytest.raises(ValueError, match="is not from lstm_from_scratch"):
        show(thing)


def test_a_value_has_no_source():
    with pytest.raises(ValueError, match="no source of its own"):
        show(blues.TWELVE_BAR)
