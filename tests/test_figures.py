"""Figures show what the data say, are labelled, and share one visual language."""

import itertools

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color, to_rgb

from lstm_from_scratch.machine.network import Network, Topology, Voice, record
from lstm_from_scratch.music.blues import TWELVE_BAR, Form, Note, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY, Encoding
from lstm_from_scratch.showing import figures
from lstm_from_scratch.showing.figures import (
    COLOURS,
    activations,
    form_chart,
    form_map,
    learning_curve,
    learning_times,
    number_table,
    piano_roll,
    survival_curve,
)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def drawn_notes(ax):
    """The notes that the bars of colour stand for, with their colour."""
    found = set()
    for bar in ax.patches:
        if bar.get_height() < 1:  # marks of wrong steps are as high as the axes
            pitch = round(bar.get_y() + bar.get_height() / 2)
            duration = int(np.ceil(bar.get_width()))
            found.add((Note(pitch, round(bar.get_x()), duration), bar.get_facecolor()))
    return found


def texts(ax):
    return [t.get_text() for t in ax.texts]


@pytest.mark.parametrize("seed", range(4))
def test_a_roll_is_drawn_as_its_notes_in_their_colours(seed):
    rng = np.random.default_rng(seed)
    roll = (rng.random((int(rng.integers(1, 90)), 25)) < 0.3).astype(float)
    drawn = drawn_notes(piano_roll(roll))
    assert {note for note, _ in drawn} == set(CHORDS_AND_MELODY.decode(roll))
    for note, colour in drawn:
        assert same_color(colour, COLOURS["chords" if note.pitch < 60 else "melody"])


def test_notes_show_where_each_begins_and_a_roll_does_not():
    repeated = [Note(60, 0, 2), Note(60, 2, 2)]
    assert {note for note, _ in drawn_notes(piano_roll(repeated))} == set(repeated)
    roll = CHORDS_AND_MELODY.encode(repeated, 8)
    assert {note for note, _ in drawn_notes(piano_roll(roll))} == {Note(60, 0, 4)}


def test_chord_symbols_stand_above_their_bars_with_real_accidentals():
    ax = piano_roll(chorus(3), form=TWELVE_BAR)
    symbols = [t for t in ax.texts if t.get_text() not in ("chords", "melody")]
    assert [t.get_text().replace("♯", "#") for t in symbols] == list(TWELVE_BAR.chords)
    assert "F♯dim7" in texts(ax)
    assert [t.xy[0] for t in symbols] == list(range(0, 96, 8))


def test_the_axes_are_labelled():
    ax = piano_roll(chorus(3), form=TWELVE_BAR, title="A chorus")
    assert ax.get_xlabel() == "bar (8 steps of an eighth note each)"
    assert ax.get_ylabel() == "pitch"
    assert [t.get_text() for t in ax.get_xticklabels()] == [str(i + 1) for i in range(12)]
    labels = {t.get_text(): y for t, y in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)}
    assert labels["E♭4"] == 63
    assert labels["C3"] == 48
    assert ax.get_title(loc="left") == "A chorus"
    assert ax.get_xlim() == (0, 96)


def test_the_form_begins_anew_with_each_chorus_and_bars_go_on_counting():
    roll = np.tile(CHORDS_ONLY.form_roll(TWELVE_BAR), (2, 1))
    ax = piano_roll(roll[8:104], form=TWELVE_BAR, first_bar=2)
    symbols = [t.replace("♯", "#") for t in texts(ax) if t != "chords"]
    assert symbols == list(TWELVE_BAR.chords[1:] + TWELVE_BAR.chords[:1])
    assert ax.get_xticklabels()[-1].get_text() == "13"


def test_another_form_has_other_bars():
    form = Form("waltz", ("Bb", "F"), (((60, 63, 65),), ((60, 63, 65),)), steps_per_bar=6)
    ax = piano_roll(chorus(0, form), form=form)
    assert ax.get_xlim() == (0, 12)
    assert "B♭" in texts(ax)
    assert "6 steps" in ax.get_xlabel()


def test_wrong_steps_are_marked_by_a_band_and_a_cross():
    wrong = np.zeros(96, bool)
    wrong[[30, 31, 60]] = True
    ax = piano_roll(CHORDS_ONLY.form_roll(TWELVE_BAR), wrong=wrong)
    bands = [p for p in ax.patches if p.get_height() >= 1]
    assert sorted(p.get_x() for p in bands) == [30, 31, 60]
    assert {p.get_width() for p in bands} == {1}
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert list(crosses[0].get_xdata()) == [30.5, 31.5, 60.5]
    assert not [p for p in piano_roll(chorus(1)).patches if p.get_height() >= 1]


@pytest.mark.parametrize(
    ("music", "options", "message"),
    [
        (np.zeros((8, 7)), {}, r"expected a roll of shape \(steps, 25\), got \(8, 7\)"),
        (np.zeros(()), {}, "music: expected a Chorus"),
        (np.zeros((8, 12)), {"encoding": CHORDS_AND_MELODY}, "expected a roll"),
        (np.full((8, 12), 0.5), {}, "0.0 and 1.0 only"),
        (np.zeros((8, 12)), {"wrong": np.zeros(9, bool)}, r"wrong has shape \(9,\), expected \(8,"),
        ([(60, 0, -1)], {}, "duration above 0"),
    ],
)
def test_what_can_not_be_drawn_is_refused(music, options, message):
    with pytest.raises(ValueError, match=message):
        piano_roll(music, **options)


def test_silence_and_unusual_ranges_can_be_drawn():
    piano_roll(np.zeros((8, 25)))
    piano_roll([])
    ax = piano_roll([Note(0, 0, 1), Note(127, 3, 1)])
    assert len(ax.get_yticks()) < 5  # no room to name every pitch
    ax = piano_roll(np.eye(3), encoding=Encoding((10,), (20, 30)))
    assert {note.pitch for note, _ in drawn_notes(ax)} == {10, 20, 30}


def test_helpers_draw_into_the_axes_they_are_given():
    _, (one, two, three) = plt.subplots(3)
    assert piano_roll(chorus(1), ax=one) is one
    assert learning_curve([1, 2], [3, 4], ax=two) is two
    assert form_chart(TWELVE_BAR, ax=three) is three
    assert len(plt.get_fignums()) == 1


def test_a_learning_curve_shows_its_numbers_and_resets():
    ax = learning_curve([1, 10, 100], [3.0, 2.0, 1.0], log=True, resets=[5, 50], label="seed 1")
    assert ax.get_xscale() == "log"
    curve, ticks = ax.lines
    assert np.array_equal(curve.get_xydata(), [[1, 3], [10, 2], [100, 1]])
    assert list(ticks.get_xdata()) == [5, 50]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["seed 1", "reset"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("training steps", "cross-entropy (nats a step)")


@pytest.mark.parametrize(
    ("steps", "values", "log", "message"),
    [([1, 2], [1], False, "values: .* as steps has points 2"), ([0, 1], [1, 1], True, "above 0")],
)
def test_a_curve_that_can_not_be_drawn_is_refused(steps, values, log, message):
    with pytest.raises(ValueError, match=message):
        learning_curve(steps, values, log=log)


def test_the_chart_has_three_lines_of_four_bars():
    ax = form_chart(TWELVE_BAR, mark="C7")
    boxes = ax.patches
    assert [(b.get_x(), b.get_y()) for b in boxes] == [(c, r) for r in range(3) for c in range(4)]
    filled = [
        i + 1 for i, b in enumerate(boxes) if same_color(b.get_facecolor(), COLOURS["chords"])
    ]
    assert filled == [1, 3, 4, 7, 11]
    numbers = [str(i + 1) for i in range(12)]
    assert texts(ax)[::2] == numbers
    assert [t.replace("♯", "#") for t in texts(ax)[1::2]] == list(TWELVE_BAR.chords)


def inside(seed=0, steps=96):
    """What a random network of two voices does: its topology and the record."""
    rng = np.random.default_rng(seed)
    sizes = [tuple(int(n) for n in rng.integers(1, 4, size=rng.integers(1, 5))) for _ in range(2)]
    t = Topology((Voice("chords", 2, sizes[0]), Voice("melody", 3, sizes[1], reads=("chords",))))
    hidden = rng.normal(0, 2, t.hidden_mask.shape) * t.hidden_mask
    network = Network(t, hidden, np.zeros(t.output_mask.shape))
    return t, record(network, rng.integers(2, size=(steps, 5)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("voice", ["chords", "melody"])
def test_each_gate_and_cell_has_a_strip_that_shows_its_values(seed, voice):
    t, steps = inside(seed, 50)
    ax = activations(steps, t, voice, form=TWELVE_BAR)
    _, blocks, _ = t.parts(voice)
    strips = list(ax.patches)
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert len(strips) == len(labels) == len(ax.get_yticks())
    order = iter(zip(strips, labels, ax.get_yticks(), strict=True))
    lowest = 1.0

    def strip(kind, values, scale):
        nonlocal lowest
        patch, label, middle = next(order)
        assert same_color(patch.get_facecolor(), COLOURS[kind])
        data = patch.get_data()
        zero = np.unique(data.baseline)
        assert len(zero) == 1
        np.testing.assert_allclose(data.values - zero, values * scale, atol=1e-12)
        np.testing.assert_array_equal(data.edges, np.arange(51))
        height = 1.0 if kind != "cell_state" else 1.8
        assert middle + height / 2 < lowest, "strips stand below each other"
        assert data.values.min() >= middle - height / 2 - 1e-9
        assert data.values.max() <= middle + height / 2 + 1e-9
        lowest = middle - height / 2
        return label

    for block in range(blocks.start, blocks.stop):
        for gate in ("input_gate", "forget_gate", "output_gate"):
            assert strip(gate, getattr(steps, gate)[:, block], 1.0) == gate.split("_")[0]
        for number, cell in enumerate(np.flatnonzero(t.block_of_cell == block), start=1):
            state = steps.cell_state[:, cell]
            largest = np.abs(state).max()
            assert strip("cell_state", state, 0.9 / largest) == f"cell {number} ±{largest:.2g}"
    assert ax.get_xlim() == (0, 50)
    low, high = ax.get_ylim()
    assert low < lowest and high >= 0
    assert [x for x in texts(ax) if x.startswith("block")] == [
        f"block {block + 1}" for block in range(blocks.start, blocks.stop)
    ]
    assert [x.replace("♯", "#") for x in texts(ax)[-7:]] == list(TWELVE_BAR.chords[:7])


def test_a_cell_that_holds_nothing_is_drawn_as_a_line():
    t, steps = inside()
    empty = steps._replace(cell_state=np.zeros_like(steps.cell_state))
    ax = activations(empty, t, "chords")
    assert "cell 1 ±0" in [tick.get_text() for tick in ax.get_yticklabels()]


def test_a_table_prints_and_shades_its_numbers():
    values = np.array([[0.5, -1.25], [0.0, 1.25], [0.1, -0.004]])
    bold = values > 1
    ax = number_table(values, ["a", "b", "c"], ["left", "right"], bold=bold, title="A table")
    assert texts(ax) == ["0.50", "\N{MINUS SIGN}1.25", "0.00", "1.25", "0.10", "0.00"]
    assert [t.get_fontweight() == "bold" for t in ax.texts] == bold.ravel().tolist()
    np.testing.assert_array_equal(ax.images[0].get_array(), values)
    shade = ax.images[0].cmap(ax.images[0].norm(values))[..., :3]
    np.testing.assert_allclose(shade[1, 0], 1, atol=0.01)
    assert shade[1, 1, 2] > shade[1, 1, 0], "blue above 0"
    assert shade[0, 1, 2] < shade[0, 1, 0], "orange below"
    assert shade.sum(axis=2)[0, 0] > shade.sum(axis=2)[1, 1], "the larger, the deeper"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["left", "right"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b", "c"]
    assert [(t.get_position()) for t in ax.texts][:3] == [(0, 0), (1, 0), (0, 1)]
    assert texts(number_table(np.zeros((1, 1)), ["a"], ["b"], decimals=0)) == ["0"]


def test_a_table_has_a_dash_where_there_is_no_number():
    ax = number_table(np.array([[np.nan, 2.0]]), ["a"], ["b", "c"], decimals=0)
    assert texts(ax) == ["\N{EN DASH}", "2"]
    image = ax.images[0]
    shade = image.cmap(image.norm(image.get_array()))
    assert shade[0, 0, 3] == 0, "no shade"
    assert shade[0, 1, 2] > shade[0, 1, 0], "the other number keeps its own"
    assert texts(number_table(np.full((1, 1), np.nan), ["a"], ["b"])) == ["\N{EN DASH}"]


def test_a_map_shades_each_step_of_the_form():
    shares = np.zeros((2, 96))
    shares[0, 10], shares[1, 95] = 1, 0.5
    ax = form_map(shares, ["one", "other"], TWELVE_BAR, title="A map", colour="#ff0000")
    image = ax.images[0]
    np.testing.assert_array_equal(image.get_array(), shares)
    assert image.get_extent() == [0, 96, 1.5, -0.5]
    shade = image.cmap(image.norm(shares))[..., :3]
    np.testing.assert_allclose(shade[0, 10], (1, 0, 0))
    np.testing.assert_allclose(shade[0, 0], 1)
    np.testing.assert_allclose(shade[1, 95], (1, 0.5, 0.5), atol=0.01)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["one", "other"]
    assert [t.replace("♯", "#") for t in texts(ax)] == list(TWELVE_BAR.chords)
    assert ax.get_title(loc="left") == "A map"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: activations(inside()[1], inside()[0], "drums"), "no voice 'drums'"),
        (
            lambda: activations(inside(1)[1], inside(2)[0], "chords"),
            r"input_gate: expected shape \(96, ",
        ),
        (lambda: number_table(np.zeros((2, 2)), ["a"], ["b", "c"]), "1 rows and 2 columns"),
        (
            lambda: number_table(np.zeros((1, 2)), ["a"], ["b", "c"], bold=np.zeros(2, bool)),
            r"bold: expected numbers of shape \(rows, columns\), or None, got shape \(2,\)",
        ),
        (lambda: number_table(np.full((1, 1), np.inf), ["a"], ["b"]), "must not be infinite"),
        (lambda: form_map(np.zeros((1, 95)), ["a"], TWELVE_BAR), r"shape \(1, 96\)"),
        (lambda: form_map(np.full((1, 96), 1.1), ["a"], TWELVE_BAR), "from 0 to 1"),
        (lambda: form_map(np.full((1, 96), np.nan), ["a"], TWELVE_BAR), "from 0 to 1"),
    ],
)
def test_what_cells_can_not_do_is_not_drawn(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_letters_are_large_enough_for_a_phone():
    t, steps = inside()
    for ax in (
        activations(steps, t, "melody", form=TWELVE_BAR),
        number_table(np.zeros((1, 1)), ["a"], ["b"]),
        form_map(np.zeros((1, 96)), ["a"], TWELVE_BAR),
        piano_roll(chorus(1), form=TWELVE_BAR),
        learning_curve([1], [1]),
        form_chart(TWELVE_BAR),
    ):
        figure = ax.figure
        figure.canvas.draw()
        assert figure.get_figwidth() == figures.WIDTH
        sizes = [t.get_fontsize() for t in ax.findobj(matplotlib.text.Text) if t.get_text().strip()]
        assert min(sizes) >= 9


def test_nothing_a_helper_draws_falls_outside_its_figure():
    t, steps = inside()
    for ax in (
        activations(steps, t, "melody", form=TWELVE_BAR, title="Title"),
        number_table(np.zeros((1, 1)), ["a"], ["b"], title="Title"),
        form_map(np.zeros((1, 96)), ["a"], TWELVE_BAR, title="Title"),
        piano_roll(chorus(1), form=TWELVE_BAR, title="Title"),
        form_chart(TWELVE_BAR),
    ):
        figure = ax.figure
        figure.canvas.draw()
        tight, whole = figure.get_tightbbox(), figure.bbox_inches
        assert tight.x0 >= -0.02
        assert tight.y0 >= -0.02
        assert tight.x1 <= whole.x1 + 0.02
        assert tight.y1 <= whole.y1 + 0.02


def linear_rgb(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def test_colours_stay_apart_for_colour_blind_readers():
    """Under simulated loss of red or of green cones (Viénot and others, 1999)."""
    to_lms = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    no_red = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
    no_green = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    kinds = [
        np.eye(3),
        *(np.linalg.inv(to_lms) @ loss @ to_lms for loss in (no_red, no_green)),
    ]
    names = ["chords", "melody", "input_gate", "forget_gate", "output_gate", "cell_state"]
    for kind in kinds:
        for one, other in itertools.combinations(names, 2):
            difference = kind @ (linear_rgb(COLOURS[one]) - linear_rgb(COLOURS[other]))
            assert np.abs(difference).max() > 0.06, (one, other)


def test_what_is_drawn_stands_out_from_a_light_and_from_a_dark_page():
    """By 3 to 1 at least, as WCAG 2.2 asks of what is needed to understand a picture (1.4.11)."""

    def luminance(colour):
        return 0.05 + linear_rgb(colour) @ (0.2126, 0.7152, 0.0722)

    for kind in ("chords", "melody", "input_gate", "forget_gate", "output_gate", "cell_state"):
        assert luminance("white") / luminance(COLOURS[kind]) >= 3, kind
        assert luminance(COLOURS[kind]) / luminance("#121212") >= 3, kind


def test_the_style_is_left_as_it_was():
    before = dict(plt.rcParams)
    piano_roll(chorus(1))
    form_chart(TWELVE_BAR)
    with pytest.raises(ValueError, match=r"values: .* as steps has points 1"):
        learning_curve([1], [1, 2])
    assert dict(plt.rcParams) == before
    with figures.style():
        assert plt.rcParams["font.size"] == 10
        assert plt.rcParams["figure.dpi"] == 150
    assert dict(plt.rcParams) == before


def test_what_becomes_interactive_meanwhile_stays_so():
    """A notebook's backend is loaded with its first figure and switches interaction on."""
    plt.ioff()
    try:
        with figures.style():
            plt.ion()
        assert plt.isinteractive()
    finally:
        plt.ioff()


def test_a_survival_curve_goes_through_its_points():
    times, share = np.array([0.0, 2e5, 1e6, 3e6]), np.array([1.0, 0.75, 0.5, 0.5])
    ax = survival_curve(times, share, band=(share - 0.2, share + 0.0), label="sixteen seeds")
    (line,) = ax.lines
    np.testing.assert_array_equal(line.get_xdata()[1:], times[1:])
    np.testing.assert_array_equal(line.get_ydata(), share)
    assert line.get_drawstyle() == "steps-post"
    assert 0 < line.get_xdata()[0] < times[1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["sixteen seeds"]
    with pytest.raises(ValueError, match=r"share: .* as times has points 4"):
        survival_curve(times, share[1:])
    with pytest.raises(ValueError, match="0 to 1"):
        survival_curve(times, share + 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_learning_times_show_each_network_once(seed):
    rng = np.random.default_rng(seed)
    groups = {
        f"group {n}": (rng.integers(1, 10**7, size=n), rng.random(n) < 0.6) for n in (1, 5, 16)
    }
    ax = learning_times(groups)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(groups)
    for row, (times, learned) in enumerate(groups.values()):
        dots, crosses = ax.lines[2 * row : 2 * row + 2]
        assert sorted(dots.get_xdata()) == sorted(times[learned])
        assert sorted(crosses.get_xdata()) == sorted(times[~learned])
        for line in (dots, crosses):
            assert (np.abs(line.get_ydata() - row) < 0.5).all()
        assert f"{learned.sum()} of {len(times)}" in texts(ax)
    top, bottom = ax.get_ylim()[::-1]
    assert top < 0 and bottom > len(groups) - 1


def test_learning_times_refuse_what_can_not_be_drawn():
    with pytest.raises(ValueError, match=r"groups: there is nothing to draw, got \{\}"):
        learning_times({})
    with pytest.raises(ValueError, match="a: "):
        learning_times({"a": (np.ones(3), np.ones(2, bool))})
    with pytest.raises(ValueError, match="above 0"):
        learning_times({"a": (np.zeros(2), np.ones(2, bool))})
