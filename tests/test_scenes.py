"""The scenes of the stage in a real browser, each on a page of its own that is opened from disk.

What sounds is held against Python's rolls note by note; the sound itself is rendered into an array
and measured. Without a browser these tests are skipped (in CI they fail), as in `test_book`.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import NARROW
from playwright.sync_api import Page
from test_book_axe import AXE, RUN
from test_stage import HERE, digest_of, study_rows, taught

from lstm_from_scratch.judging import measures
from lstm_from_scratch.machine import training
from lstm_from_scratch.machine.network import Network, State, record
from lstm_from_scratch.machine.recipes import RECOMMENDED, STAIRCASE
from lstm_from_scratch.music import audio, blues, midi, score
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from lstm_from_scratch.playing import composing
from lstm_from_scratch.showing import stage
from lstm_from_scratch.showing.stage.scenes import Scene, _timbres
from lstm_from_scratch.studies import experiments

FORM = CHORDS_ONLY.form_roll(TWELVE_BAR)
HOUR = 150  # choruses at 120 beats a minute

# Notes as they are struck and ended, in place of sound: for hours of music in a moment.
SILENT = """() => {
    const root = document.querySelector(".stage"), { sound } = root.stage;
    root.notes = [];
    root.open = 0;
    sound.strike = (part, pitch, when) => {
        const note = [part, pitch, when, null];
        root.notes.push(note);
        root.open++;
        return { end(at) { if (note[3] === null) root.open--; note[3] = at; } };
    };
}"""
# Play so many steps, one a second, as fast as it goes.
RUSH = """async (steps) => {
    const { stage } = document.querySelector(".stage");
    await stage.sound.start();
    for (let step = 0; step < steps; step++) {
        if (!stage.next(stage.at())) return step;
    }
    return steps;
}"""


@pytest.fixture(scope="module")
def played() -> tuple[Network, State, np.ndarray]:
    """The stored network of Experiment 2, its state after four choruses, the beginning."""
    music, network = experiments.choruses(), training.stored("experiment_2").network
    heard = np.concatenate(experiments.rolls(music.training[:4]))
    beginning = experiments.rolls(music.training[:1])[0, :2]
    return network, composing.hear(network, heard), beginning


@pytest.fixture(scope="module")
def endless(played: tuple) -> Scene:
    network, state, beginning = played
    return stage.endless(network, beginning, state=state, seed=5)


@pytest.fixture(scope="module")
def learning() -> Scene:
    return stage.learn_it_now()


@pytest.fixture(scope="module")
def duet(played: tuple) -> Scene:
    network, state, beginning = played
    return stage.play_with_it(network, beginning, state=state, seed=5)


def at_stage(page: Page, expression: str) -> Any:
    """What an expression is, in which ``root`` is the scene and ``stage`` what it lends out."""
    return page.evaluate(
        "(text) => { const root = document.querySelector('.stage');"
        "return new Function('root', 'stage', `return ${text}`)(root, root.stage); }",
        expression,
    )


def until(page: Page, condition: str) -> None:
    page.wait_for_function(
        "(text) => { const root = document.querySelector('.stage');"
        "return new Function('root', 'stage', `return ${text}`)(root, root.stage); }",
        arg=condition,
    )


def said(page: Page) -> str:
    return page.locator(".said").inner_text()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def expected_notes(roll: np.ndarray) -> list[list]:
    """The part, pitch and onset of each note that is to be struck."""
    parts = score.played(CHORDS_AND_MELODY.decode(roll))
    notes = [[name, note.pitch, note.onset] for name, part in parts.items() for note in part]
    return sorted(notes, key=str)


# ---- Endless blues: what sounds ------------------------------------------------------------------


def test_it_is_heard_at_one_press_and_falls_silent_at_the_next(
    show: Callable, endless: Scene
) -> None:
    page = show(endless)
    press(page, "Play")
    until(page, "Number(root.dataset.step) > 3")
    loud = """async () => {
        const { analyser } = document.querySelector(".stage").stage.sound;
        const samples = new Float32Array(2048);
        let loudest = 0;
        for (let i = 0; i < 40; i++) {
            await new Promise((resolve) => setTimeout(resolve, 25));
            analyser.getFloatTimeDomainData(samples);
            loudest = Math.max(loudest, ...samples.map(Math.abs));
        }
        return loudest;
    }"""
    assert 0.02 < page.evaluate(loud) < 1.0
    assert page.locator(".now .where").inner_text().startswith("chorus 1, bar ")
    press(page, "Stop")
    until(page, "stage.sound.sounding === 0")
    assert page.evaluate(loud) < 1e-3


def test_an_hour_is_pythons_hour_without_a_wrong_chord(
    show: Callable, endless: Scene, played: tuple
) -> None:
    network, state, beginning = played
    page = show(endless)
    page.evaluate(SILENT)
    steps = HOUR * TWELVE_BAR.steps
    assert page.evaluate(RUSH, steps) == steps
    roll = composing.free_run(network, beginning, steps, 5, state=state)
    assert sorted((note[:3] for note in at_stage(page, "root.notes")), key=str) == expected_notes(
        roll
    )
    assert not experiments.wrong_chords(roll).any()
    assert 1 <= at_stage(page, "root.open") <= 5, "four notes of a chord and one of the melody"


def test_the_page_says_how_python_plays_the_same(played: tuple, root: Path) -> None:
    network, state, beginning = played
    text = root.joinpath("book", "endless.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    assert "96_000" in code
    found: dict[str, Any] = {}
    exec(code.replace("96_000", "960"), found)
    roll = composing.free_run(network, beginning, 960, rng=1, state=state)
    assert np.array_equal(found["roll"], roll)


def test_memory_does_not_grow_with_the_hours(show: Callable, endless: Scene) -> None:
    page = show(endless)
    page.evaluate(SILENT)
    session = page.context.new_cdp_session(page)
    sizes = []
    for _ in range(3):
        page.evaluate(RUSH, HOUR * TWELVE_BAR.steps)
        at_stage(page, "root.notes = []")
        session.send("HeapProfiler.collectGarbage")
        sizes.append(session.send("Runtime.getHeapUsage")["usedSize"])
    assert sizes[2] - sizes[1] < 200_000, sizes


def test_another_seed_begins_another_piece(show: Callable, endless: Scene, played: tuple) -> None:
    network, state, beginning = played
    page = show(endless)
    page.evaluate(SILENT)
    page.evaluate(RUSH, 30)
    page.get_by_label("Seed", exact=True).fill("77")
    page.keyboard.press("Tab")
    at_stage(page, "root.notes = []")
    page.evaluate(RUSH, 96)
    roll = composing.free_run(network, beginning, 96, 77, state=state)
    assert sorted((note[:3] for note in at_stage(page, "root.notes")), key=str) == expected_notes(
        roll
    )
    page.get_by_label("Seed", exact=True).fill("-3.5")
    page.keyboard.press("Tab")
    assert "whole number from 0 to 4294967295; taken is 0" in said(page)
    press(page, "Play")
    until(page, "Number(root.dataset.step) > 1")
    press(page, "Stop")
    press(page, "New seed")
    drawn = int(page.get_by_label("Seed", exact=True).input_value())
    assert 0 <= drawn < 1_000_000
    assert said(page) == f"From the beginning, with seed {drawn}."
    assert page.locator(".now").inner_text().strip() == "\N{EN DASH}", (
        "nothing is left of the piece before"
    )
    assert page.locator(".counts b").all_inner_texts() == ["0", "\N{EN DASH}", "0"]


def test_what_was_played_is_saved(
    show: Callable, endless: Scene, played: tuple, tmp_path: Path
) -> None:
    network, state, beginning = played
    page = show(endless)
    assert page.get_by_role("button", name="Save as MIDI").is_disabled()
    page.get_by_label("Tempo").fill("240")
    press(page, "Play")
    until(page, "Number(root.dataset.step) > 10")
    press(page, "Stop")
    with page.expect_download() as waiting:
        press(page, "Save as MIDI")
    assert waiting.value.suggested_filename == "blues-5.mid"
    waiting.value.save_as(tmp_path / "saved.mid")
    steps = at_stage(page, "stage.rows().length")
    roll = composing.free_run(network, beginning, max(steps, 3), 5, state=state)[:steps]
    assert steps > 10
    assert midi.read_tracks(tmp_path / "saved.mid") == score.played(CHORDS_AND_MELODY.decode(roll))


def test_steps_come_when_tempo_and_swing_say(show: Callable, endless: Scene) -> None:
    page = show(endless)
    page.evaluate(SILENT)
    page.get_by_label("Tempo").fill("200")
    page.get_by_label("Swing").fill("0.66")
    whens = page.evaluate(
        """async () => {
            const whens = [];
            const context = { currentTime: 5, state: "running" };
            const sound = { context, start: async () => {}, hush() {} };
            const { at, tempo, swing } = document.querySelector(".stage").stage;
            const transport = stageSound.makeTransport({ sound, tempo, swing,
                at: () => whens.length, next: (when) => Boolean(whens.push(when)) });
            await transport.play();
            for (let i = 0; i < 120; i++) {
                context.currentTime += 0.03;
                await new Promise((resolve) => setTimeout(resolve, 1));
                transport.tick();
            }
            transport.stop();
            return whens;
        }"""
    )
    assert len(whens) > 20
    expected = [audio.seconds(step, 200, 0.66) for step in range(len(whens))]
    np.testing.assert_allclose(np.array(whens) - whens[0], expected, atol=1e-9)


def test_time_does_not_pile_up(show: Callable, endless: Scene) -> None:
    """A tab that slept for ten hours plays on; it does not play what it has missed."""
    counts = show(endless).evaluate(
        """async () => {
            const whens = [];
            const context = { currentTime: 1, state: "running" };
            const sound = { context, start: async () => {}, hush() {} };
            const transport = stageSound.makeTransport({ sound, tempo: () => 120,
                swing: () => 0.5, at: () => whens.length,
                next: (when) => Boolean(whens.push(when)) });
            await transport.play();
            const before = whens.length;
            context.currentTime = 36000;
            transport.tick();
            transport.tick();
            const after = whens.length;
            context.state = "suspended";
            context.currentTime = 72000;
            transport.tick();
            transport.stop();
            return [before, after, whens.length, Math.min(...whens.slice(before))];
        }"""
    )
    before, after, suspended, first = counts
    assert before >= 1 and 1 <= after - before <= 2 and suspended == after
    assert first >= 36_000


def test_a_sound_that_is_stopped_from_outside_is_named_and_goes_on(
    show: Callable, endless: Scene
) -> None:
    page = show(endless)
    press(page, "Play")
    until(page, "Number(root.dataset.step) > 1")
    page.evaluate("document.querySelector('.stage').stage.sound.context.suspend()")
    until(page, "root.dataset.playing === 'false'")
    assert said(page) == "The browser has stopped the sound. Press Play to go on."
    before = at_stage(page, "Number(root.dataset.step)")
    press(page, "Play")
    until(page, f"Number(root.dataset.step) > {before + 2}")
    assert at_stage(page, "Number(root.dataset.step)") < before + 40


NO_AUDIO = "delete window.AudioContext; delete window.webkitAudioContext;"
NO_DEVICE = """AudioContext.prototype.resume = () => new Promise(() => {});
    Object.defineProperty(BaseAudioContext.prototype, "state", { get: () => "suspended" });"""


@pytest.mark.parametrize("script", [NO_AUDIO, NO_DEVICE], ids=["no-web-audio", "no-device"])
def test_where_nothing_can_sound_it_says_so_and_shows_the_music(
    show: Callable, endless: Scene, script: str
) -> None:
    page = show(endless, script=script)
    press(page, "Play")
    until(page, "Number(root.dataset.step) > 2")
    assert said(page).endswith("the music is shown without it.")
    press(page, "Stop")
    assert page.get_by_role("button", name="Play", exact=True).is_visible()


SLOW = """let awake = false;
    const { resume } = AudioContext.prototype;
    const { get } = Object.getOwnPropertyDescriptor(BaseAudioContext.prototype, "state");
    Object.defineProperty(BaseAudioContext.prototype, "state",
        { get() { return awake ? get.call(this) : "suspended"; } });
    AudioContext.prototype.resume = async function () {
        await new Promise((go) => (window.wake = go));
        awake = true;
        return resume.call(this);
    };"""


def test_presses_while_the_sound_wakes_begin_and_stop_in_turn(
    show: Callable, endless: Scene, played: tuple
) -> None:
    """Twenty quick presses end in silence, and one more plays each step once."""
    network, state, beginning = played
    page = show(endless, script=SLOW)
    page.evaluate(SILENT)
    presses = """(count) => {
        for (let i = 0; i < count; i++) document.querySelector(".play-pause").click();
        wake();
    }"""
    page.evaluate(presses, 20)
    page.wait_for_timeout(300)
    assert at_stage(page, "root.notes.length") == 0
    assert at_stage(page, "root.dataset.playing") == "false"
    assert page.get_by_role("button", name="Play", exact=True).is_visible()
    page.evaluate("(presses) => eval(presses)(21)", presses)
    assert page.get_by_role("button", name="Stop", exact=True).is_visible()
    until(page, "Number(root.dataset.step) > 3")
    press(page, "Stop")
    steps = at_stage(page, "stage.at()")
    roll = composing.free_run(network, beginning, steps, 5, state=state)
    assert sorted((note[:2] for note in at_stage(page, "root.notes")), key=str) == sorted(
        (note[:2] for note in expected_notes(roll)), key=str
    )
    whens = [note[2] for note in at_stage(page, "root.notes")]
    gaps = np.diff(sorted(set(whens)))
    assert gaps.min() > 0.15, "no step beside another"


def test_of_two_that_wait_for_the_sound_the_last_plays(show: Callable, duet: Scene) -> None:
    page = show(Scene("two", duet.markup + duet.markup), script=SLOW)
    page.evaluate("document.querySelectorAll('.play-pause').forEach((it) => it.click())")
    found = page.locator(".stage").evaluate_all("all => all.map((it) => it.dataset.playing)")
    assert found == ["false", "true"]


RENDER = """async ([rows, pitches, chords, timbres, times, muted]) => {
    const rate = 22050, end = times[rows.length] + 1;
    const context = new OfflineAudioContext(1, Math.ceil(rate * end), rate);
    const sound = stageSound.makeSound(timbres, context);
    for (const name of muted) sound.mute(name, true);
    const performer = stageSound.makePerformer(sound, pitches, chords);
    rows.forEach((row, step) => performer.perform(row, times[step]));
    performer.rest(times[rows.length]);
    const { buffer } = (await context.startRendering()).getChannelData(0);
    return stageEngine.text(new Float64Array(new Float32Array(buffer)));
}"""


def rendered(page: Page, roll: np.ndarray, times: list[float], muted: tuple = ()) -> np.ndarray:
    """The sound of a roll, at 22,050 samples a second."""
    given = [
        roll.astype(int).tolist(),
        CHORDS_AND_MELODY.pitches,
        len(CHORDS_AND_MELODY.chords),
        _timbres(),
        times,
        list(muted),
    ]
    return np.frombuffer(base64.b64decode(page.evaluate(RENDER, given)), dtype="<f8")


def test_the_sound_has_every_onset_and_no_clipping_and_no_gap(
    show: Callable, endless: Scene, played: tuple
) -> None:
    network, state, beginning = played
    roll = composing.free_run(network, beginning, 96, 5, state=state)
    times = [0.1 + audio.seconds(step, 120, 0.6) for step in range(97)]
    page = show(endless)
    sound = rendered(page, roll, times)
    assert 0.05 < np.abs(sound).max() < 0.95
    assert np.abs(sound[-2000:]).max() < 1e-4, "nothing sounds on"
    window = 22050 // 50  # 20 ms
    music = sound[int(0.12 * 22050) : int(times[-1] * 22050)]
    power = (music[: len(music) // window * window].reshape(-1, window) ** 2).mean(axis=1)
    assert power.min() > 1e-7, "no gap of 20 ms"
    melody = rendered(page, roll, times, muted=("chords",))
    lines = measures.melody_lines(roll)[0]
    onsets = [0, *(1 + np.flatnonzero(np.diff(lines)))]
    for step in onsets:  # a new pitch is louder than what is left of the one before
        at = int(times[step] * 22050)
        fresh = 440 * 2 ** ((lines[step] - 69) / 12)
        wave = np.exp(-2j * np.pi * fresh * np.arange(882) / 22050)
        before = abs(melody[at - 900 : at - 18] @ wave)
        after = abs(melody[at + 100 : at + 982] @ wave)
        assert after > 2 * before, step


def test_a_note_that_nobody_ends_is_over_in_the_end(show: Callable, endless: Scene) -> None:
    sound = show(endless).evaluate(
        """async (timbres) => {
            const context = new OfflineAudioContext(1, 22050 * 14, 22050);
            stageSound.makeSound(timbres, context).strike("chords", 48, 0.1);
            const { buffer } = (await context.startRendering()).getChannelData(0);
            return stageEngine.text(new Float64Array(new Float32Array(buffer)));
        }""",
        _timbres(),
    )
    samples = np.frombuffer(base64.b64decode(sound), dtype="<f8")
    assert np.abs(samples[:22050]).max() > 0.01
    assert np.abs(samples[-22050:]).max() == 0


# ---- Endless blues: pushing ----------------------------------------------------------------------


def test_a_cell_is_pushed_by_mouse_and_by_key(show: Callable, endless: Scene) -> None:
    page = show(endless)
    cell = page.get_by_role("button", name="Push cell 2 of block 3, chords")
    cell.click()
    assert said(page) == "Press Play first: then there is something to push."
    page.evaluate(SILENT)
    page.evaluate(RUSH, 20)
    spread = at_stage(page, "JSON.parse(root.querySelector('script').textContent).spread[5]")
    # Cells stand in the page as in a room: the first cells of all blocks first.
    value = "stage.network.voices[0].state[4 + 2]"
    box = cell.bounding_box()
    moves: list[tuple[Callable, float]] = [
        (lambda: cell.click(position={"x": 5, "y": 5}), 1.0),
        (lambda: cell.click(position={"x": 5, "y": box["height"] - 6}), -1.0),
        (lambda: cell.press("ArrowUp"), 1.0),
        (lambda: cell.press("ArrowDown"), -1.0),
        (lambda: cell.press("Enter"), 1.0),
    ]
    for move, direction in moves:
        before = at_stage(page, value)
        move()
        assert at_stage(page, value) - before == pytest.approx(direction * spread)
        assert said(page) == f"Pushed cell 2 of block 3 {'up' if direction > 0 else 'down'}."
    page.get_by_label("How hard").select_option("a hundredth of its own movement")
    before = at_stage(page, value)
    cell.press("ArrowUp")
    assert at_stage(page, value) - before == pytest.approx(spread / 100)


def test_it_says_when_it_is_lost_and_when_it_is_in_the_form_at_another_place(
    show: Callable, endless: Scene, played: tuple
) -> None:
    """The chord voice is put into another bar: it plays the form from there."""
    network, state, beginning = played
    page = show(endless)
    page.evaluate(SILENT)
    page.evaluate(RUSH, 96 * 3 + 8)  # as the first bar of the fourth chorus is over
    roll = composing.free_run(network, beginning, 96 * 4, 5, state=state)
    there = record(network, roll, state).state
    at = 96 * 3 + 39  # the last step of bar 5: four bars further on
    page.evaluate(
        """([state, output, row]) => {
            const { stage } = document.querySelector(".stage");
            stage.network.setState(state, output);
            row.forEach((on, unit) => (stage.player.sounding[unit] = on));
        }""",
        [there.cell_state[at].tolist(), there.cell_output[at].tolist(), roll[at + 1].tolist()],
    )
    news = page.evaluate(
        """async (steps) => {
            const { stage } = document.querySelector(".stage"), news = [];
            for (let step = 0; step < steps; step++) {
                stage.next(0);
                const last = stage.last();
                if (last.news) news.push([step, last.news, last.place]);
            }
            return news;
        }""",
        96 * 2,
    )
    assert news[0] == [0, "A wrong chord in bar 2.", 8]
    assert news[1][1] == (
        "It plays the whole form again, but 4 bars too early. From now on its bars are counted "
        "from there."
    )
    assert news[1][0] == 95 and len(news) == 2
    assert news[1][2] == (96 * 3 + 8 + 95 + 32) % 96


def test_bars_are_taught_ones_as_measures_has_them(
    show: Callable, endless: Scene, played: tuple
) -> None:
    network, state, beginning = played
    page = show(endless)
    page.evaluate(SILENT)
    roll = composing.free_run(network, beginning, 96 * 6, 5, state=state)
    exact = measures.exact_bars(measures.melody_lines(roll)).ravel()
    for chorus in range(1, 7):
        page.evaluate(RUSH, 96)
        last = at_stage(page, "({ ...stage.last(), gates: 0, states: 0 })")
        assert last["fits"] == exact[12 * (chorus - 1) : 12 * chorus].sum()
        assert (last["bars"], last["clean"]) == (12, 96 * chorus)


# ---- Learn it now --------------------------------------------------------------------------------


def weights_of(page: Page) -> dict[str, Any]:
    """Steps and weights of the network in the worker, as it is."""
    return page.evaluate(
        """() => new Promise((resolve) => {
            const root = document.querySelector(".stage");
            root.addEventListener("weights", ({ detail }) => resolve(detail), { once: true });
            root.stage.send({ kind: "weights" });
        })"""
    )


@pytest.mark.parametrize("script", ["", "delete window.Worker;"], ids=["worker", "no-worker"])
def test_it_learns_what_python_learns(show: Callable, learning: Scene, script: str) -> None:
    page = show(learning, script=script)
    page.get_by_label("Seed", exact=True).fill("186")
    page.keyboard.press("Tab")
    press(page, "Learn")
    until(page, "root.dataset.running === 'false' && Number(root.dataset.steps) > 0")
    (row,) = [row for row in study_rows() if row["seed"] == "186"]
    steps = int(row["steps"])
    assert said(page) == (
        f"Learned after {steps:,} steps, and will play it for ever: its whole state comes back bit "
        "for bit."
    )
    found = weights_of(page)
    assert (found["steps"], digest_of(found["weights"])) == (steps, row["weights"])
    assert page.locator(".bars li.right").count() == 12
    assert f"{steps:,} steps" in page.locator(".curve").get_attribute("aria-label")
    assert page.get_by_role("button", name="Learn anew").is_visible()


def test_it_can_be_paused_heard_and_begun_again(show: Callable, learning: Scene) -> None:
    page = show(learning)
    page.evaluate(SILENT)
    press(page, "Learn")
    until(page, "Number(root.dataset.steps) >= 9600")
    press(page, "Pause")
    found = weights_of(page)
    expected = taught(replace(RECOMMENDED, seed=0), FORM, found["steps"]).network
    assert digest_of(found["weights"]) == experiments.digest(expected)
    press(page, "Hear it now")
    until(page, "root.dataset.playing === 'true' && root.notes.length >= 4")
    assert page.locator(".bars li.sounds").count() <= 1
    press(page, "Stop")
    until(page, "root.open === 0")
    heard = at_stage(page, "root.notes.length")
    roll = composing.free_run(expected, FORM[:1], 97)
    strikes = [p for _, p, _ in expected_chords(roll)]
    assert [note[1] for note in at_stage(page, "root.notes")] == strikes[:heard]
    press(page, "Start again")
    assert page.locator(".counts .steps").inner_text() == "0"
    assert said(page) == "Begun again from random weights."


def expected_chords(roll: np.ndarray) -> list[tuple[str, int, int]]:
    """Chords as they are struck: all notes anew when one changes, low notes first."""
    notes = score.struck(CHORDS_ONLY.decode(roll))
    ordered = sorted(notes, key=lambda note: (note.onset, note.pitch))
    return [("chords", note.pitch, note.onset) for note in ordered]


def test_settings_do_what_they_say(show: Callable, learning: Scene) -> None:
    page = show(learning)
    page.get_by_label("Forget gates begin").select_option("as printed: −0.5, −1, −1.5, −2")
    page.get_by_label("Reset after").uncheck()
    assert page.get_by_label("gross errors").is_disabled()
    page.get_by_label("Learning rate").press("ArrowRight")
    page.get_by_label("Momentum").fill("0.5")
    press(page, "Start again")
    press(page, "Learn")
    until(page, "Number(root.dataset.steps) >= 4800")
    press(page, "Pause")
    found = weights_of(page)
    voice = replace(
        RECOMMENDED.voices[0], learning_rate=3e-4, momentum=0.5, forget_gate_bias=STAIRCASE
    )
    recipe = replace(RECOMMENDED, voices=(voice,), forgiven=0)
    expected = taught(recipe, FORM, found["steps"]).network
    assert digest_of(found["weights"]) == experiments.digest(expected)
    assert page.locator(".counts .resets").inner_text() == "0"


def test_a_recipe_of_an_unusual_rate_is_learned_with_it(show: Callable) -> None:
    voice = replace(RECOMMENDED.voices[0], learning_rate=1.5e-4)
    page = show(stage.learn_it_now(replace(RECOMMENDED, voices=(voice,), forgiven=2000)))
    assert page.get_by_label("Learning rate").get_attribute("aria-valuetext") == "0.00015"
    recipe = at_stage(page, "stage.recipe()")
    assert (recipe["voices"][0]["learning_rate"], recipe["forgiven"]) == (1.5e-4, 2000)


def test_crosses_are_of_what_was_heard_and_not_of_what_is_learned(
    show: Callable, learning: Scene
) -> None:
    page = show(learning)
    page.evaluate(SILENT)
    page.get_by_label("gross errors").fill("1")
    page.get_by_label("Chords, one for each bar").fill("C7 G7")
    crosses, ticks = page.locator(".bars li.wrong"), page.locator(".bars li.right")
    press(page, "Learn this form")
    press(page, "Pause")
    press(page, "Hear it now")
    until(page, "root.querySelectorAll('.bars li.wrong').length > 0")
    press(page, "Start again")
    assert crosses.count() == 0 and at_stage(page, "root.dataset.playing") == "false"
    press(page, "Hear it now")
    until(page, "root.querySelectorAll('.bars li.wrong').length > 0")
    press(page, "Stop")
    assert crosses.count() > 0
    press(page, "Learn")
    until(page, "root.dataset.running === 'false' && Number(root.dataset.steps) > 0")
    assert (crosses.count(), ticks.count()) == (0, 2)


@pytest.mark.parametrize(
    ("typed", "taken", "words"),
    [
        ("1e2", "100", ""),
        ("", "1", "Expected was a whole number from 1 to 1000; taken is 1."),
        ("-3", "1", "Expected was a whole number from 1 to 1000; taken is 1."),
        ("2.7", "2", "Expected was a whole number from 1 to 1000; taken is 2."),
        ("99999999999", "1000", "Expected was a whole number from 1 to 1000; taken is 1000."),
    ],
)
def test_a_number_that_is_typed_is_taken_or_put_right(
    show: Callable, learning: Scene, typed: str, taken: str, words: str
) -> None:
    page = show(learning)
    field = page.get_by_label("gross errors")
    field.fill(typed)
    page.keyboard.press("Tab")
    assert (field.input_value(), said(page)) == (taken, words)


def test_a_form_is_typed(show: Callable, learning: Scene) -> None:
    page = show(learning)
    field = page.get_by_label("Chords, one for each bar")
    for text, words in {
        "C7 H7": "Bar 2: “H7” is no chord that the network knows. A chord is a root from A to G",
        "": "There are no chords: type one for each bar.",
        " | , ": "There are no chords: type one for each bar.",
        "C7 " * 33: "There are 33 bars: at most 32 can be learned here.",
        "C7 <b>x</b>": "Bar 2: “<b>x</b>” is no chord",
        "constructor": "Bar 1: “constructor” is no chord",
        "C7 c7": "Bar 2: “c7” is no chord that the network knows. Did you mean C7? A chord is",
        "ebm7b5": "“ebm7b5” is no chord that the network knows. Did you mean Ebm7b5? A chord is",
        "h7": "Bar 1: “h7” is no chord that the network knows. A chord is",
    }.items():
        field.fill(text)
        press(page, "Learn this form")
        assert words in said(page)
        assert field.get_attribute("aria-invalid") == "true"
        assert at_stage(page, "root.dataset.running") == "false"
    field.fill("C7 | G7,\tE♭m7b5")
    field.press("Enter")
    assert said(page) == "A form of 3 bars, from random weights."
    assert field.get_attribute("aria-invalid") is None
    assert page.locator(".bars li").all_inner_texts() == ["C7", "G7", "E♭m7♭5"]
    until(page, "Number(root.dataset.steps) >= 4800")
    press(page, "Pause")
    form = blues.Form("typed", ("C7", "G7", "Ebm7b5"))
    found = weights_of(page)
    expected = taught(RECOMMENDED, CHORDS_ONLY.form_roll(form), found["steps"]).network
    assert digest_of(found["weights"]) == experiments.digest(expected)
    press(page, "Our blues")
    assert page.locator(".bars li").count() == 12


def test_a_short_form_needs_fewer_forgiven_errors(show: Callable, learning: Scene) -> None:
    page = show(learning)
    page.get_by_label("gross errors").fill("1")
    page.keyboard.press("Tab")
    field = page.get_by_label("Chords, one for each bar")
    field.fill("C7 G7")
    field.press("Enter")
    until(page, "root.dataset.running === 'false' && Number(root.dataset.steps) > 0")
    assert said(page).startswith("Learned after ")
    assert page.locator(".bars li.right").count() == 2


def test_every_chord_of_the_module_is_known(show: Callable, learning: Scene) -> None:
    table = at_stage(show(learning), "JSON.parse(root.querySelector('script').textContent).table")
    assert len(table) == 7 * 3 * 9
    for symbol, units in table.items():
        assert [CHORDS_ONLY.pitches[unit] for unit in units] == [*blues.chord_tones(symbol)]


def test_weights_that_run_away_are_named(show: Callable, learning: Scene) -> None:
    page = show(learning)
    press(page, "Learn")
    until(page, "Number(root.dataset.steps) >= 4800")
    at_stage(
        page,
        "stage.send({ kind: 'change', learning_rate: 1e308, momentum: 0.9, wrong: 0.5, "
        "forgiven: 8 })",
    )
    until(page, "root.dataset.running === 'false'")
    assert "The weights have run away" in said(page)
    assert page.get_by_role("button", name="Hear it now").is_disabled()
    press(page, "Start again")
    assert page.get_by_role("button", name="Hear it now").is_enabled()


# ---- All ----------------------------------------------------------------------------------------


@pytest.fixture(params=["endless", "learning", "duet"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_no_barrier(show: Callable, scene: Scene, dark: bool) -> None:
    page = show(scene, color_scheme="dark" if dark else "light")
    ground = page.locator(".stage").evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == ("rgb(21, 24, 28)" if dark else "rgb(255, 255, 255)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(RUN, {}) == []


def test_it_fits_a_phone_and_a_finger(show: Callable, scene: Scene) -> None:
    page = show(scene, viewport=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    controls = page.locator(".stage :is(button, select, input):visible")
    for control in controls.all():
        box = control.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"]
        if control.get_attribute("type") != "checkbox":
            assert min(box["width"], box["height"]) >= 24


def test_the_keyboard_reaches_everything(show: Callable, scene: Scene) -> None:
    page = show(scene)
    wanted = page.locator(".stage :is(button, select, input):enabled:visible").count()
    reached = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
        )
    assert len(reached) == wanted


def test_without_a_script_it_says_what_it_would_do(show: Callable, scene: Scene) -> None:
    page = show(scene, java_script_enabled=False)
    text = page.locator(".stage").inner_text()
    assert text.startswith("Your browser runs no script here") and "With a script" in text
    assert page.locator("button:visible").count() == 0


def test_two_of_them_take_turns(show: Callable, endless: Scene, learning: Scene) -> None:
    both = Scene("both", endless.markup + learning.markup.replace("<style>", "<style> "))
    page = show(both)
    first, second = page.locator(".endless"), page.locator(".learning")
    first.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("document.querySelector('.endless').dataset.playing === 'true'")
    second.get_by_role("button", name="Hear it now").click()
    page.wait_for_function("document.querySelector('.learning').dataset.playing === 'true'")
    assert first.get_attribute("data-playing") == "false"
    page.evaluate("document.body.append(new Audio())")
    page.evaluate("document.querySelector('audio').dispatchEvent(new Event('play'))")
    page.wait_for_function("document.querySelector('.learning').dataset.playing === 'false'")


def test_a_scene_is_short_as_text_and_escapes_words(played: tuple) -> None:
    network, _, beginning = played
    scene = stage.endless(network, beginning, title="<b>Mine</b>")
    assert repr(scene).startswith("Scene('<b>Mine</b>', ") and len(repr(scene)) < 60
    assert "<b>Mine</b>" not in scene._repr_html_()
    assert len(io.StringIO(scene.markup).read()) < 120_000
    assert HERE.joinpath("engine.js").read_text("utf-8") in scene.markup
    assert stage.endless(network, beginning, title="<b>Mine</b>").markup == scene.markup
