"""The scene *Play with it* in a real browser: hands on the grid, the network's answers, and faults.

What every scene must do (fit a phone, be used by keyboard alone, pass axe) is tested in
`test_scenes`.
"""

# ruff: noqa: F401, F811 (fixtures of other files)
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page
from test_book_axe import AXE, RUN
from test_scenes import SILENT, at_stage, duet, played, press, said, until
from test_stage import Place, place

from lstm_from_scratch.music import midi
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY
from lstm_from_scratch.playing.duets import Duet, Hands
from lstm_from_scratch.showing import stage
from lstm_from_scratch.showing.figures import chord_label
from lstm_from_scratch.showing.stage.scenes import CLICK, Scene, _timbres

Strokes = list[tuple[float, int, bool]]


def strokes(rng: np.random.Generator, units: int, until: float) -> Strokes:
    """A person's notes at any time: when, which unit, whether it begins; a few never end."""
    found = []
    for when in np.sort(rng.uniform(-0.5, until, size=60)):
        unit = int(rng.integers(units))
        found.append((float(when), unit, True))
        if rng.random() < 0.9:
            found.append((float(when + rng.uniform(0.05, 1.5)), unit, False))
    return sorted(found)


# ---- The grid ------------------------------------------------------------------------------------


@pytest.mark.parametrize("single", [True, False], ids=["line", "chords"])
def test_hands_are_put_onto_the_grid_as_in_python(place: Place, single: bool) -> None:
    events = strokes(np.random.default_rng(3), 12, 30.0)
    ends = np.arange(0.15, 30, 0.3).tolist()
    got = place.ask(
        """(single, events, ends) => {
            const grid = stageHands.makeGrid(single);
            for (const [when, unit, on] of events) {
                on ? grid.press(unit, when) : grid.lift(unit, when);
            }
            return ends.map((end) => grid.close(end));
        }""",
        single,
        events,
        ends,
    )
    hands = Hands(single)
    for when, unit, on in events:
        (hands.press if on else hands.lift)(unit, when)
    assert len(got) == 100
    for end, found in zip(ends, got, strict=True):
        expected = hands.close(end)
        assert found["sounding"] == list(expected.sounding)
        assert found["heard"] == (None if expected.heard is None else list(expected.heard))
        assert [(it["unit"], it["time"]) for it in found["struck"]] == list(expected.struck)


# ---- What the network answers --------------------------------------------------------------------

# Play steps of 0.3 s by a clock that stands still, with strokes on the way.
TOGETHER = """async ([events, steps]) => {
    const { stage } = document.querySelector(".stage");
    await stage.sound.start();
    for (const [when, unit, on] of events) {
        on ? stage.grid.press(unit, when) : stage.grid.lift(unit, when);
    }
    for (let step = 0; step <= steps; step++) stage.next(0.3 * step, 0.3);
    return Array.from({ length: steps }, (_, step) => stage.roll.at(step));
}"""


@pytest.mark.parametrize("you", ["melody", "chords"])
@pytest.mark.parametrize("fours", [False, True], ids=["together", "fours"])
def test_it_answers_as_python_does(
    show: Callable,
    duet: Scene,
    played: tuple,
    you: str,
    fours: bool,
) -> None:
    network, state, beginning = played
    steps, encoding = 192, CHORDS_AND_MELODY
    mine = encoding.chord_units if you == "chords" else encoding.melody_units
    events = strokes(np.random.default_rng(4), mine.stop - mine.start, 0.3 * steps)
    page = show(duet)
    page.get_by_label("You play").select_option(you)
    page.get_by_label("Trade fours").set_checked(fours)
    page.evaluate(SILENT)
    got = page.evaluate(TOGETHER, [events, steps])

    together = Duet(network, beginning[0], 5, encoding=encoding, you=you, state=state, fours=fours)
    hands = Hands(single=you == "melody")
    for when, unit, on in events:
        (hands.press if on else hands.lift)(unit, when)
    for step in range(steps):
        row = together.row.copy()
        heard = hands.close((0.3 * step + 0.3 * (step + 1)) / 2)
        if together.yours():
            row[[mine.start + unit for unit in heard.sounding]] = 1
        assert got[step] == int(sum(1 << unit for unit in np.flatnonzero(row))), step
        together.go_on(heard.heard)
        if together.new_turn:
            hands.forget()


def test_it_counts_in_clicks_and_says_whose_turn_it_is(show: Callable, duet: Scene) -> None:
    page = show(duet)
    page.evaluate(SILENT)
    page.get_by_label("Trade fours").check()
    page.get_by_label("Tempo").fill("180")
    press(page, "Play")
    until(page, "root.querySelector('.turn').textContent.startsWith('Count in: ')")
    until(page, "Number(root.dataset.step) > 1")
    # Asked at once: on a busy machine bars go by between two questions.
    turn, sounds, step = at_stage(
        page,
        "[root.querySelector('.turn').textContent, "
        "root.querySelector('.bars .sounds').textContent, Number(root.dataset.step)]",
    )
    assert turn == ("Your turn" if step // 32 % 2 == 0 else "The network's turn")
    assert sounds == chord_label(TWELVE_BAR.chords[step // 8 % 12])
    notes = at_stage(page, "root.notes")
    clicks = [(pitch, when) for part, pitch, when, _ in notes if part == "click"]
    first = min(when for part, _, when, _ in notes if part == "chords")
    before = [pitch for pitch, when in clicks if when < first - 1e-6]
    assert before == [88, 81, 81, 81], "a bar, its first beat higher"
    press(page, "Stop")
    assert at_stage(page, "root.open") == 0
    page.evaluate(
        "() => { const { stage } = document.querySelector('.stage');"
        "for (let i = stage.at(); i < 33; i++) stage.next(stage.sound.context.currentTime, 0.1); }"
    )
    press(page, "Play")
    until(page, "Number(root.dataset.step) > 32")
    assert page.locator(".turn").inner_text() == "The network's turn"


def test_what_was_played_is_saved(show: Callable, duet: Scene, tmp_path: Path) -> None:
    page = show(duet)
    assert page.get_by_role("button", name="Save as MIDI").is_disabled()
    page.get_by_label("Tempo").fill("180")
    press(page, "Play")
    page.keyboard.down("d")
    until(page, "Number(root.dataset.step) > 8")
    page.keyboard.up("d")
    press(page, "Stop")
    with page.expect_download() as waiting:
        press(page, "Save as MIDI")
    waiting.value.save_as(tmp_path / "duet.mid")
    saved = midi.read_tracks(tmp_path / "duet.mid")
    assert saved["melody"][0][:2] == (64, 0), "held since before the first step"
    assert len(saved["chords"]) >= 4


def test_memory_does_not_grow_with_the_hours(show: Callable, duet: Scene) -> None:
    """An hour of choruses, with a note on every other step, thrice."""
    page = show(duet)
    page.evaluate(SILENT)
    session = page.context.new_cdp_session(page)
    sizes = []
    for _ in range(3):
        page.evaluate(
            """async (steps) => {
                const root = document.querySelector(".stage"), { stage } = root;
                await stage.sound.start();
                for (let step = 0; step < steps; step++) {
                    const when = 0.3 * stage.at();
                    if (step % 2) stage.grid.press(step % 13, when);
                    else stage.grid.lift((step - 1) % 13, when);
                    stage.next(when, 0.3);
                }
                root.notes = [];
            }""",
            150 * 96,
        )
        session.send("HeapProfiler.collectGarbage")
        sizes.append(session.send("Runtime.getHeapUsage")["usedSize"])
    assert sizes[2] - sizes[1] < 200_000, sizes


# ---- Keys and fingers ----------------------------------------------------------------------------


def sounding(page: Page) -> list[int]:
    """The pitches that a person holds."""
    return at_stage(page, "root.notes.filter((it) => it[3] === null).map((it) => it[1])")


def test_a_key_sounds_at_once_and_once_for_as_long_as_it_is_held(
    show: Callable, duet: Scene
) -> None:
    page = show(duet)
    assert at_stage(page, "stage.sound.context") is None, "no sound before a press"
    page.evaluate(SILENT)
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.down("a")
    page.keyboard.down("a")  # as a keyboard does that repeats
    page.keyboard.down("t")
    assert sounding(page) == [60, 66]
    assert page.locator(".pad.down").all_inner_texts() == ["C4\nA", "F♯4\nT"]
    page.keyboard.up("a")
    assert sounding(page) == [66]
    page.keyboard.up("t")
    assert sounding(page) == [] and at_stage(page, "root.notes.length") == 2


def test_keys_play_only_where_the_focus_is_and_no_field_needs_them(
    show: Callable,
    duet: Scene,
) -> None:
    page = show(duet)
    page.evaluate(SILENT)
    page.keyboard.press("a")
    page.get_by_label("Seed").press("1")
    page.get_by_label("You play").press("d")
    page.get_by_role("button", name="Play", exact=True).press("Control+a")
    assert at_stage(page, "root.notes.length") == 0
    page.get_by_label("Tempo").press("a")
    assert at_stage(page, "root.notes.length") == 1


def test_keys_are_named_as_this_keyboard_has_them(show: Callable, duet: Scene) -> None:
    """By their place they are the same; on a German keyboard there is a Z where others have Y."""
    page = show(duet)
    page.evaluate(SILENT)
    page.evaluate(
        """() => document.querySelector(".play-pause").dispatchEvent(
            new KeyboardEvent("keydown", { code: "KeyY", key: "z", bubbles: true }))"""
    )
    assert sounding(page) == [68]
    assert page.get_by_role("button", name="A♭4").inner_text() == "A♭4\nZ"
    page.get_by_label("You play").select_option("chords")
    pad = page.get_by_role("button", name="A♭3")
    assert pad.inner_text() == "A♭3\nZ" and pad.get_attribute("aria-keyshortcuts") == "Z"


@pytest.mark.parametrize(
    "leave",
    [
        "document.activeElement.blur()",
        "window.dispatchEvent(new Event('blur'))",
        "document.dispatchEvent(new Event('visibilitychange'))",
    ],
    ids=["focus", "window", "tab"],
)
def test_keys_that_are_held_when_the_page_is_left_are_let_go(
    show: Callable,
    duet: Scene,
    leave: str,
) -> None:
    page = show(duet)
    page.evaluate(SILENT)
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.down("a")
    assert sounding(page) == [60]
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    page.evaluate(leave)
    assert sounding(page) == [] and at_stage(page, "stage.hands.held.size") == 0


def test_chords_have_keys_of_their_own(show: Callable, duet: Scene) -> None:
    page = show(duet)
    page.evaluate(SILENT)
    page.get_by_label("You play").select_option("chords")
    labels = page.locator(".chosen .pad").all_inner_texts()
    assert labels == ["C7\n1", "F7\n2", "F♯dim7\n3", "A7\n4", "Dm7\n5", "G7\n6"]
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.down("2")
    assert sounding(page) == [48, 51, 53, 57]
    page.keyboard.down("a")  # the same C by another finger: it stays when that one is lifted
    page.keyboard.up("a")
    assert sounding(page) == [48, 51, 53, 57]
    assert at_stage(page, "stage.grid.close(Infinity).sounding") == [0, 3, 5, 9]
    page.keyboard.up("2")
    assert sounding(page) == []


def test_a_button_plays_by_mouse_by_touch_by_enter_and_by_a_screen_reader(
    show: Callable,
    duet: Scene,
) -> None:
    page = show(duet, has_touch=True)
    page.evaluate(SILENT)
    pad = page.get_by_role("button", name="E♭4")
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 9, box["y"] + 9)
    page.mouse.down()
    assert sounding(page) == [63]
    page.mouse.move(5, 5)
    page.mouse.up()
    assert sounding(page) == [], "also where it is let go elsewhere"
    pad.tap()
    until(page, "root.notes.length === 2 && root.open === 0")
    for key in ("Enter", " "):
        pad.focus()
        page.keyboard.down(key)
        assert sounding(page) == [63]
        page.keyboard.up(key)
        assert sounding(page) == []
    assert at_stage(page, "root.notes.length") == 4
    pad.evaluate("pad => pad.click()")
    assert sounding(page) == [63]
    until(page, "root.notes.length === 5 && root.open === 0")


# ---- A MIDI keyboard -----------------------------------------------------------------------------

FAKE_MIDI = """
window.asked = 0;
window.keyboard = { id: "k1", name: "Grand 88", type: "input", state: "connected" };
window.access = { inputs: new Map([["k1", keyboard]]), onstatechange: null };
navigator.requestMIDIAccess = async () => (window.asked++, access);
window.send = (...data) => keyboard.onmidimessage({ data, timeStamp: performance.now() });
window.plug = (state) => { keyboard.state = state; access.onstatechange({ port: keyboard }); };
"""


def with_keyboard(show: Callable, duet: Scene) -> Page:
    page = show(duet, script=FAKE_MIDI)
    page.evaluate(SILENT)
    assert page.evaluate("asked") == 0, "nothing is asked before a press"
    press(page, "Use a MIDI keyboard")
    assert said(page) == "Grand 88 plays now." and page.evaluate("asked") == 1
    return page


def test_a_midi_keyboard_plays(show: Callable, duet: Scene) -> None:
    page = with_keyboard(show, duet)
    page.evaluate("send(0x90, 67, 90)")
    page.evaluate("send(0x99, 38, 90)")  # a drum
    page.evaluate("send(0x90, 27, 90)")  # another octave: the E flat that it has
    page.evaluate("send(0xfe)")
    assert sounding(page) == [67, 63]
    page.evaluate("send(0x80, 67, 0)")
    page.evaluate("send(0x90, 27, 0)")
    assert sounding(page) == []


def test_an_end_that_is_lost_does_not_hang(show: Callable, duet: Scene) -> None:
    page = with_keyboard(show, duet)
    page.evaluate("send(0x90, 67, 90)")
    page.evaluate("send(0x90, 67, 90)")
    assert sounding(page) == [67] and at_stage(page, "root.notes.length") == 2
    page.evaluate("send(0xb0, 123, 0)")
    assert sounding(page) == []


def test_a_note_that_is_held_too_long_is_ended(show: Callable, duet: Scene) -> None:
    script = """const now = performance.now.bind(performance);
        window.later = 0;
        performance.now = () => now() + window.later;
        delete window.AudioContext;"""
    page = show(duet, script=FAKE_MIDI + script)
    page.evaluate(SILENT)
    press(page, "Use a MIDI keyboard")
    page.evaluate("send(0x90, 67, 90)")
    page.wait_for_timeout(100)
    assert sounding(page) == [67]
    page.evaluate("window.later = 12_100")
    until(page, "root.open === 0")
    assert said(page) == "A note was held for 12 seconds, as if its end were lost: it was ended."


def test_a_keyboard_that_is_unplugged_leaves_no_note_and_comes_back(
    show: Callable,
    duet: Scene,
) -> None:
    page = with_keyboard(show, duet)
    page.evaluate("send(0x90, 67, 90)")
    page.evaluate("plug('disconnected')")
    assert sounding(page) == []
    assert said(page) == "Grand 88 is gone, and its notes were ended. Keys and buttons play on."
    page.evaluate("plug('connected')")
    assert said(page) == "Grand 88 plays now."
    page.evaluate("send(0x90, 60, 90)")
    assert sounding(page) == [60]


def test_a_flood_of_notes_is_held_back(show: Callable, duet: Scene) -> None:
    page = with_keyboard(show, duet)
    page.evaluate("for (let note = 0; note < 128; note++) send(0x90, note, 127)")
    assert len(sounding(page)) == 16
    assert said(page) == "Too many notes at once: some are left out."
    struck = page.evaluate(
        """() => {
            let struck = 0;
            const grid = stageHands.makeGrid(true);
            const hands = stageHands.makeHands({ grid: () => grid, clock: () => 0, say: () => {},
                crowd: () => 49, sounds: () => struck++ });
            hands.press("a", [0]);
            return struck;
        }"""
    )
    assert struck == 0, "nor does it begin more than fade away"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("navigator.requestMIDIAccess = undefined;", "This browser has no Web MIDI."),
        (
            "navigator.requestMIDIAccess = () => Promise.reject(new DOMException('no'));",
            "The browser does not allow MIDI here.",
        ),
        (
            FAKE_MIDI + "access.inputs.clear();",
            "No MIDI keyboard is there. Plug one in: it plays at once.",
        ),
    ],
    ids=["none", "refused", "empty"],
)
def test_without_a_midi_keyboard_it_says_so(
    show: Callable,
    duet: Scene,
    script: str,
    words: str,
) -> None:
    page = show(duet, script=script)
    press(page, "Use a MIDI keyboard")
    assert said(page).startswith(words)


# ---- From the beginning --------------------------------------------------------------------------


def test_another_seed_begins_another_piece(show: Callable, duet: Scene) -> None:
    page = show(duet)
    press(page, "Play")
    until(page, "Number(root.dataset.step) > 1")
    page.get_by_label("Seed").fill("8")
    page.keyboard.press("Tab")
    assert said(page) == "From the beginning, with seed 8."
    assert at_stage(page, "root.dataset.playing") == "false"
    assert page.locator(".now").inner_text().strip() == "\N{EN DASH}", (
        "nothing is left of the piece before"
    )
    assert page.locator(".bars .sounds").count() == 0
    assert page.get_by_role("button", name="Save as MIDI").is_disabled()


def test_a_key_where_nothing_can_sound_says_so(show: Callable, duet: Scene) -> None:
    page = show(duet, script="delete window.AudioContext; delete window.webkitAudioContext;")
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.press("a")
    until(page, "root.querySelector('.said').textContent.length > 0")
    assert said(page) == "This browser has no Web Audio: the music is shown without it."


# ---- Time and sound ------------------------------------------------------------------------------


def test_latency_is_measured_shown_and_taken_into_account(show: Callable, duet: Scene) -> None:
    """What is heard at a time was made earlier: who plays in time with it is on time."""
    script = """for (const [name, value] of [["outputLatency", 0.2], ["baseLatency", 0.01]]) {
        Object.defineProperty(AudioContext.prototype, name, { get: () => value });
    }"""
    page = show(duet, script=script + FAKE_MIDI)
    press(page, "Use a MIDI keyboard")
    found = page.evaluate(
        """async () => {
            const { stage } = document.querySelector(".stage");
            await stage.sound.start();
            const event = { data: [0x90, 60, 90], timeStamp: performance.now() - 40 };
            let time = null;
            stage.grid.press = (unit, when) => (time = when);
            const before = stage.sound.context.currentTime;
            keyboard.onmidimessage(event);
            return [before, time, stage.sound.context.currentTime];
        }"""
    )
    before, time, after = found
    assert before - 0.24 - 0.5 <= time <= after - 0.24 + 1e-6
    assert 250 <= int(page.locator(".latency").inner_text()) < 1300
    lead = at_stage(page, "(stage.next(5, 0.3), stage.ahead())")
    assert lead == pytest.approx(0.03), "with so much latency a step can't wait for its middle"


def test_a_step_waits_for_its_middle(show: Callable, duet: Scene) -> None:
    page = show(duet, script="delete window.AudioContext;")
    at_stage(page, "stage.sound.start()")
    assert at_stage(page, "(stage.next(5, 0.3), stage.ahead())") == pytest.approx(0.15)


def test_it_stops_when_it_is_out_of_sight_and_goes_on_where_it_was(
    show: Callable, duet: Scene
) -> None:
    page = show(duet)
    press(page, "Play")
    until(page, "Number(root.dataset.step) > 1")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })"
    )
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert at_stage(page, "root.dataset.playing") == "false"
    assert said(page) == "It stopped when the page went out of sight. Press Play to go on."
    step = at_stage(page, "stage.at()")
    page.evaluate("delete document.hidden")
    press(page, "Play")
    until(page, f"Number(root.dataset.step) > {step}")
    assert at_stage(page, "Number(root.dataset.step)") < step + 20


def test_a_sound_that_is_stopped_from_outside_is_named(show: Callable, duet: Scene) -> None:
    page = show(duet)
    press(page, "Play")
    until(page, "Number(root.dataset.step) > 1")
    page.evaluate("document.querySelector('.stage').stage.sound.context.suspend()")
    until(page, "root.dataset.playing === 'false'")
    assert said(page) == "The browser has stopped the sound. Press Play to go on."


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("AAAAAAAAAAA=", "hidden: expected "),
        ("AAAA", "expected numbers of 8 bytes each, got 3 bytes: they are damaged"),
    ],
    ids=["others", "damaged"],
)
def test_weights_that_do_not_fit_are_named(
    show: Callable, duet: Scene, weights: str, words: str
) -> None:
    mark = '<script type="application/json">'
    before, _, after = duet.markup.partition(mark)
    data, end, after = after.partition("</script>")
    changed = json.loads(data)
    changed["weights"]["hidden"] = weights
    page = show(Scene("wrong", before + mark + json.dumps(changed) + end + after))
    assert page.locator(".stage").inner_text().startswith(f"This scene can't begin. {words}")
    assert page.locator("button:visible").count() == 0


def test_the_loudest_that_hands_can_play_does_not_clip(show: Callable, duet: Scene) -> None:
    timbres = _timbres() | {"click": CLICK._asdict()}
    loudest = show(duet).evaluate(
        """async (timbres) => {
            const context = new OfflineAudioContext(1, 22050 * 3, 22050);
            const sound = stageSound.makeSound(timbres, context);
            for (let n = 0; n < 16; n++) sound.strike(n % 2 ? "melody" : "chords", 48 + n, 0.5);
            for (let n = 0; n < 5; n++) sound.strike("melody", 60 + 3 * n, 0.5);
            sound.strike("click", 88, 0.5);
            return Math.max(...(await context.startRendering()).getChannelData(0).map(Math.abs));
        }""",
        timbres,
    )
    assert 0.1 < loudest < 1.0


# ---- The page ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_barrier_with_chords_and_a_key_that_is_down(
    show: Callable,
    duet: Scene,
    dark: bool,
) -> None:
    page = show(duet, color_scheme="dark" if dark else "light")
    page.get_by_label("You play").select_option("chords")
    page.get_by_role("button", name="Play", exact=True).focus()
    page.keyboard.down("1")
    assert page.locator(".chosen .pad.down").count() == 1
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(RUN, {}) == []


def test_a_network_or_a_form_that_does_not_fit_is_refused(played: tuple) -> None:
    from lstm_from_scratch.machine import training
    from lstm_from_scratch.music.blues import Form

    network, _, beginning = played
    alone = training.stored("experiment_1").network
    with pytest.raises(ValueError, match="network: expected the voices 'chords' and 'melody'"):
        stage.play_with_it(alone, beginning)
    many = Form("many", tuple(f"{root}{kind}" for root in "CDEFG" for kind in ("", "m")))
    with pytest.raises(ValueError, match="form: expected at most 9 chords, got 10"):
        stage.play_with_it(network, beginning, form=many)
