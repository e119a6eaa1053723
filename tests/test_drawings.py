"""Drawings of the machine show the masks as they are and name every part."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from lstm_from_scratch.machine.network import Topology, Voice
from lstm_from_scratch.showing.drawings import memory_block, wiring
from lstm_from_scratch.showing.figures import COLOURS


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


TWO_VOICES = Topology((Voice("chords", 4, (2, 1)), Voice("melody", 3, (3,), reads=("chords",))))


def test_a_square_is_coloured_where_there_is_a_weight():
    picture = np.asarray(wiring(TWO_VOICES).images[0].get_array())
    masks = (TWO_VOICES.hidden_mask, TWO_VOICES.output_mask)
    hidden, output = picture[: len(masks[0])], picture[-len(masks[1]) :]
    empty = hidden[0, 4]  # a chord gate and a melody input
    for drawn, mask in zip((hidden, output), masks, strict=True):
        assert np.array_equal((drawn != empty).any(axis=2), mask)
    # in the colour of the voice that is read
    assert np.allclose(hidden[0, 0], to_rgb(COLOURS["chords"]))
    assert np.allclose(hidden[-1, 7], to_rgb(COLOURS["chords"]))
    assert np.allclose(hidden[-1, 12], to_rgb(COLOURS["melody"]))


def test_rows_and_columns_are_named():
    ax = wiring(TWO_VOICES)
    columns = {t.get_text(): x for t, x in zip(ax.get_xticklabels(), ax.get_xticks(), strict=True)}
    assert columns == {
        "inputs\nchords": 1.5,
        "inputs\nmelody": 5,
        "cells\nchords": 8,
        "cells\nmelody": 11,
        "1": 13,
    }
    rows = [t.get_text() for t in ax.get_yticklabels()]
    assert rows == ["input gates", "forget gates", "output gates", "cells", "outputs"]
    alone = wiring(Topology((Voice("chords", 2, (1,)),)))
    assert {t.get_text() for t in alone.get_xticklabels()} == {"inputs", "cells", "1"}


def test_a_block_names_its_gates_in_their_colours():
    ax = memory_block()
    words = " ".join(text.get_text() for text in ax.texts)
    for part in ("input\ngate", "forget\ngate", "output\ngate", "$g$", "$h$", "$s_1$", "$y_2$"):
        assert part in words
    edges = {tuple(patch.get_edgecolor()[:3]) for patch in ax.patches}
    for gate in ("input_gate", "forget_gate", "output_gate"):
        assert to_rgb(COLOURS[gate]) in edges


@pytest.mark.parametrize("draw", [memory_block, lambda ax: wiring(TWO_VOICES, ax)])
def test_drawings_go_where_they_are_told(draw):
    ax = plt.figure().add_subplot()
    assert draw(ax) is ax
