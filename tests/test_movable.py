"""Movable figures: their numbers are the module's, and they can be moved, read and heard of.

Each is opened on a page of its own. Without a browser those tests are skipped (in CI they fail).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from browsing import NARROW
from playwright.sync_api import Page
from test_book_axe import AXE, RUN

from lstm_from_scratch.machine.network import Network, State, Topology, Voice, forward, squash
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.rivals import simple_rnn
from lstm_from_scratch.showing import movable
from lstm_from_scratch.showing.movable import page as around
from lstm_from_scratch.showing.stage.scenes import Scene
from lstm_from_scratch.studies import tables

ROLL = CHORDS_ONLY.form_roll(TWELVE_BAR)
TARGETS = np.roll(ROLL, -1, axis=0)
FIRST, SOURCE, OUTPUT = 31, 0, 3
PAGE = 30_000  # bytes


def latch() -> Network:
    """One cell, which is set by its first input and reset by its second."""
    hidden = np.zeros((4, 4))
    hidden[:, :2] = [[20, 0], [-20, -20], [0, 0], [5, 0]]
    hidden[:3, 3] = [-10, 10, 10]
    topology = Topology((Voice("latch", inputs=2, blocks=(1,), g=(-1.0, 1.0)),))
    return Network(topology, hidden, np.zeros((2, 4)))


def small(blocks: tuple[int, ...] = (1, 2)) -> Network:
    topology = Topology((Voice("chords", 12, blocks),))
    rng = np.random.default_rng(5)
    masks = topology.hidden_mask, topology.output_mask
    return Network(topology, *(rng.uniform(-1, 1, mask.shape) for mask in masks))


def decays() -> np.ndarray:
    return np.array([0.5, 0.6, 0.0])[:, None] ** np.arange(96)


MADE: dict[str, Callable[[], Scene]] = {
    "decay": lambda: movable.error_left(decays(), 0.577),
    "latch": lambda: movable.memory_block(latch(), np.eye(120, 2, k=-8)),
    "online": lambda: movable.online_step(
        small(), ROLL, TARGETS, first=FIRST, source=SOURCE, output=OUTPUT
    ),
    "rates": movable.rates,
    "resets": movable.resets,
}
every = pytest.mark.parametrize("name", MADE)


def stored(scene: Scene) -> dict:
    """What the script of a figure is told."""
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', scene.markup, re.S)
    return json.loads(text)


def slide(page: Page, name: str, value: float) -> None:
    page.get_by_role("slider", name=name).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def said(page: Page) -> str:
    return page.locator(".said").inner_text()


# ---- All of them ---------------------------------------------------------------------------------


@every
def test_it_is_light_and_the_same_each_time(name: str) -> None:
    scene = MADE[name]()
    assert len(scene.markup.encode()) < PAGE
    assert scene.markup == MADE[name]().markup
    assert not re.search(r"https?://(?!www\.w3\.org)", scene.markup)


@every
def test_without_a_script_it_stands_still_and_says_what_it_shows(show: Callable, name: str) -> None:
    page = show(MADE[name](), java_script_enabled=False)
    picture = page.locator(".movable svg")
    assert picture.is_visible() and len(picture.get_attribute("aria-label").split()) > 15
    assert len(page.locator("figcaption").inner_text().split()) > 15
    assert page.locator(".movable :is(button, input)").all() != []
    assert not page.locator(".movable .controls").is_visible()


@every
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_bars_nobody(show: Callable, name: str, theme: str) -> None:
    page = show(MADE[name](), viewport=NARROW, color_scheme=theme)
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    size = page.locator("svg text").first.evaluate(
        "text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a"
    )
    assert size > 10, f"letters of {size:.1f} pixels"
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(RUN, {}) == []


@every
def test_every_control_has_a_name_and_is_reached_by_tab(show: Callable, name: str) -> None:
    page = show(MADE[name]())
    controls = page.locator(".movable :is(button, input):not(:disabled)")
    reached = set()
    for _ in range(controls.count() + 1):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.closest('label, button')?.innerText"))
    radios = page.get_by_role("radio").count()  # of which Tab reaches one
    assert len(reached - {None}) == controls.count() - max(0, radios - 1)


def test_two_of_a_kind_move_each_by_itself(show: Callable) -> None:
    scene = movable.resets()
    page = show(Scene("Two", scene.markup + scene.markup))
    first, second = page.get_by_role("slider").all()
    first.focus()
    page.keyboard.press("Home")
    assert first.get_attribute("aria-valuetext").startswith("A reset after 1 gross error:")
    assert second.get_attribute("aria-valuetext").startswith("A reset after 8 gross errors:")


@pytest.mark.parametrize(
    "value", [0, 1, -0.5, 1 / 3, 12.34, 123.4, 9999, 1e-3, 9.9e-4, 3.4e-23, -2e7]
)
def test_script_and_module_write_numbers_alike(show: Callable, value: float) -> None:
    page = show(movable.error_left(decays(), 0.5))
    source = page.locator("script").last.inner_text()
    (function,) = re.findall(r"  function number\(value\) \{.*?\n  \}\n", source, flags=re.S)
    raised = 'const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";'
    found = page.evaluate(f"value => {{ {raised} {function} return number(value); }}", value)
    assert found == around.number(value)


def test_a_title_is_words_and_no_markup() -> None:
    markup = movable.resets(title='<b>"Resets"').markup
    assert 'aria-label="&lt;b&gt;&quot;Resets&quot;"' in markup


# ---- The decay of an error -----------------------------------------------------------------------


@pytest.mark.parametrize("weight", [0.0, 0.58, 1.0, 1.25])
@pytest.mark.parametrize("output", [0.0, 0.5, 0.95])
def test_an_error_is_left_as_the_module_says(show: Callable, weight: float, output: float) -> None:
    # A plain unit whose output stays what it is: its bias makes up for what its weight takes away.
    bias = np.arctanh(output) - weight * output
    hidden, outgoing = np.array([[0.0, weight, bias]]), np.array([[0.0, 1.0, 0.0]])
    unit = simple_rnn.SimpleNetwork(hidden, outgoing)
    steps, before = [], np.array([output])
    for _ in range(96):
        steps.append(simple_rnn.forward(unit, before, np.zeros(1)))
        before = np.array([output])
    flow = np.abs(simple_rnn.error_flow(unit, steps, np.zeros(1))[:, 0])
    page = show(MADE["decay"]())
    slide(page, "Weight", weight)
    slide(page, "Output", output)
    found = page.evaluate("document.querySelector('.movable').movable.flow()")
    np.testing.assert_allclose(found, flow / flow[0], rtol=1e-12, atol=0)
    told = page.get_by_role("slider", name="Weight").get_attribute("aria-valuetext")
    assert f"after 16 steps {around.number(found[16])} is left" in told


def test_the_line_goes_where_the_mouse_drags_it(show: Callable) -> None:
    page = show(MADE["decay"]())
    box = page.locator(".movable svg").bounding_box()
    assert page.locator(".factor").inner_text() == "0.58"
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    high = float(page.locator(".factor").inner_text())
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"])
    page.mouse.up()
    assert float(page.locator(".factor").inner_text()) < 0.4 < 0.8 < high <= 1.25


@pytest.mark.parametrize(
    ("left", "weight", "problem"),
    [
        (np.ones((2, 16)), 0.5, "left: expected at least 17 steps, got 16"),
        (-np.ones((2, 20)), 0.5, "left: expected shares of at least 0, got -1"),
        (np.ones((2, 20)), 1.3, "weight: expected"),
    ],
)
def test_a_decay_that_can_not_be_drawn(left: np.ndarray, weight: float, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        movable.error_left(left, weight)


# ---- The latch -----------------------------------------------------------------------------------


def test_a_block_steps_as_the_module_does(show: Callable) -> None:
    rng = np.random.default_rng(3)
    page = show(MADE["latch"]())
    topology, held = latch().topology, 0.0
    for nets in rng.uniform(-10, 10, (20, 4)):
        hidden = np.zeros((4, 4))
        hidden[:, 3] = nets  # biases alone: what each unit reads, summed up
        network = Network(topology, hidden, np.zeros((2, 4)))
        step = forward(network, State(np.array([held]), np.zeros(1)), np.zeros(2))
        found = page.evaluate(
            "([nets, held]) => document.querySelector('.movable').movable.forward(nets, held)",
            [nets.tolist(), held],
        )
        for name in ("input_gate", "forget_gate", "output_gate", "candidate"):
            assert found[name] == pytest.approx(getattr(step, name)[0], rel=1e-12)
        for name in ("cell_state", "squashed_state", "cell_output"):
            assert found[name] == pytest.approx(getattr(step, name)[0], rel=0, abs=1e-12)
        held = step.cell_state[0]


def test_a_latch_is_written_held_read_and_emptied(show: Callable) -> None:
    page = show(MADE["latch"]())
    shown = page.locator(".trace.cell_state").get_attribute("d")
    press(page, "Write")
    assert page.locator(".trace.cell_state").get_attribute("d") != shown
    assert "now holds 0.99; it lets out 0.00" in said(page)
    press(page, "Hold")
    assert "step 9." in said(page) and "now holds 0.99; it lets out 0.00" in said(page)
    press(page, "Read")
    assert f"it lets out {squash(0.986, -1, 1):.2f}" in said(page)
    press(page, "Forget")
    assert "now holds 0.00" in said(page)
    press(page, "Clear")
    assert "holds nothing" in said(page)


def test_a_worse_latch_loses_what_the_exercise_says(show: Callable) -> None:
    """A bias of +4 leaves 18 % after a chorus (chapter 4, exercise 1)."""
    page = show(MADE["latch"]())
    press(page, "Write")
    press(page, "Hold")
    slide(page, "forget gate", 4)
    for _ in range(12):
        press(page, "Eight steps")
    assert "now holds 0.17;" in said(page)  # 18 % of 0.99, less the first bar
    assert page.locator(".bar-number").first.text_content() == "1"
    for _ in range(4):
        press(page, "Eight steps")
    assert page.locator(".bar-number").first.text_content() == "4"  # the picture has moved on


def test_a_latch_has_one_cell() -> None:
    with pytest.raises(ValueError, match="network: expected one with one cell"):
        movable.memory_block(small(), ROLL)


# ---- One online step -----------------------------------------------------------------------------


def test_each_number_of_an_online_step_is_made_of_those_that_lead_to_it() -> None:
    network = small()
    numbers = stored(MADE["online"]())["numbers"]
    assert len(numbers) == 3
    for place, it in enumerate(numbers):
        prime = {name.rstrip("′"): value for name, value in it.items() if name.endswith("′")}
        close = lambda value: pytest.approx(value, rel=1e-12, abs=1e-14)  # noqa: E731
        h = squash(it["s"], -1.0, 1.0)
        assert it["u"] == ROLL[FIRST + place, SOURCE]
        assert it["s"] == close(it["f"] * prime["s"] + it["i"] * it["s̃"])
        assert it["y"] == close(it["o"] * h)
        new = it["i"] * (it["s̃"] + 2) * (2 - it["s̃"]) / 4 * it["u"]
        assert it["Pc"] == close(it["f"] * prime["Pc"] + new)
        new = it["s̃"] * it["i"] * (1 - it["i"]) * it["u"]
        assert it["Pi"] == close(it["f"] * prime["Pi"] + new)
        new = prime["s"] * it["f"] * (1 - it["f"]) * it["u"]
        assert it["Pf"] == close(it["f"] * prime["Pf"] + new)
        assert it["δ"] == close(it["p"] - TARGETS[FIRST + place, OUTPUT])
        assert it["e"] == close(it["ε"] * it["o"] * (h + 1) * (1 - h) / 2)
        for kind in "cif":
            assert it[f"G{kind}"] == close(it["e"] * it[f"P{kind}"])
        assert it["Go"] == close(it["ε"] * h * it["o"] * (1 - it["o"]) * it["u"])
        assert it["GV"] == close(it["δ"] * it["y"])
    for before, after in pairwise(numbers):
        for name in ("s", "Pc", "Pi", "Pf"):
            assert after[f"{name}′"] == before[name]
    assert network.topology.blocks == 2


def test_lines_are_lit_forward_and_back_by_keys_alone(show: Callable) -> None:
    page = show(MADE["online"]())
    on = page.get_by_role("button", name="Forward")
    assert said(page).startswith("Step 31, line 1.")
    on.focus()
    for _ in range(2):
        page.keyboard.press("Enter")
    made = page.locator(".made").evaluate_all("all => all.map(it => it.dataset.name)")
    read = page.locator(".read").evaluate_all("all => all.map(it => it.dataset.name)")
    assert made == ["s"] and set(read) == {"f", "s′", "i", "s̃"}
    assert page.locator(".feeds.lit").count() == 4
    assert page.locator("[data-name='p'] .value").text_content() == ""  # comes with line 4
    for _ in range(27):
        page.keyboard.press("Enter")
    assert said(page).startswith("Step 33, line 10.") and on.is_disabled()
    assert page.evaluate("document.activeElement.innerText") == "Back"  # no focus is lost
    page.keyboard.press("Enter")
    assert said(page).startswith("Step 33, line 9.") and on.is_enabled()
    press(page, "From the start")
    assert said(page).startswith("Step 31, line 1.")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"first": 94}, "first: expected at most 93, got 94"),
        ({"source": 99}, "source: expected at most 15, got 99"),
        ({"output": 12}, "output: expected at most 11, got 12"),
        ({"targets": TARGETS[:5]}, "targets: expected numbers of shape"),
        ({"network": small((2, 1))}, "network: expected one cell in the first block"),
    ],
)
def test_a_step_that_can_not_be_shown(change: dict, problem: str) -> None:
    right = {"network": small(), "inputs": ROLL, "targets": TARGETS}
    right |= {"first": FIRST, "source": SOURCE, "output": OUTPUT}
    with pytest.raises(ValueError, match=problem):
        movable.online_step(**right | change)


# ---- Stored runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "runs"), [("resets", 112), ("rates", 140)])
def test_there_is_a_mark_for_each_stored_run(name: str, runs: int) -> None:
    markup, rows = MADE[name]().markup, tables.stored(name)
    learned = sum(row["learned"] == "1" for row in rows)
    assert markup.count("<circle") == learned
    (groups,) = [re.findall(r'<g class="runs">(.*?)</g>', markup)]
    assert sum(group.count("<circle") + group.count("<path") for group in groups) == runs


def test_a_reset_is_told_as_its_table_says(show: Callable) -> None:
    counts = Counter(r["forgiven"] for r in tables.stored("resets") if r["learned"] == "1")
    page = show(movable.resets())
    slider = page.get_by_role("slider", name="Gross errors until a reset")
    slider.focus()
    page.keyboard.press("Home")
    for choice in ("1", "2", "4", "8", "16", "32", "0"):
        assert f": {counts[choice]} of 16 networks learned" in said(page)
        assert said(page).startswith("No reset" if choice == "0" else f"A reset after {choice} ")
        assert slider.get_attribute("aria-valuetext") == said(page)
        assert page.locator(".runs.lit circle").count() == counts[choice]
        page.keyboard.press("ArrowRight")


def test_another_momentum_shows_other_runs(show: Callable) -> None:
    page = show(movable.rates())
    assert "momentum 0.9:" in said(page)
    page.get_by_role("radio", name="0.99").check()
    slide(page, "Learning rate", 0)
    assert said(page).startswith("Learning rate 0.00001, momentum 0.99: 4 of 4 networks learned;")
    shown = page.locator(".panel:visible circle").count()
    wanted = [r for r in tables.stored("rates") if r["momentum"] == "0.99" and r["learned"] == "1"]
    assert shown == len(wanted)
