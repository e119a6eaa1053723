"""The engine in the page, held against Python: the same bits in three browsers and under Node.

What a machine does not have is skipped. How fast it is, is printed and not judged: see it with
``pytest -s``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import engines
import mido
import numpy as np
import pytest
from browsing import PATIENCE
from playwright.sync_api import Browser
from test_vectors import each, numbers

import lstm_from_scratch.showing.stage as stage
from lstm_from_scratch.judging.measures import wrong_steps
from lstm_from_scratch.machine import recipes, training
from lstm_from_scratch.machine.network import Network, Topology, Voice
from lstm_from_scratch.machine.recipes import PAPER, RECOMMENDED, RECOMMENDED_2, Learning, Recipe
from lstm_from_scratch.machine.vectors import exp, logistic
from lstm_from_scratch.music import midi, score
from lstm_from_scratch.music.blues import TWELVE_BAR
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from lstm_from_scratch.playing import composing
from lstm_from_scratch.showing.stage import plans
from lstm_from_scratch.studies import experiments

HERE = Path(stage.__file__).parent
FORM = CHORDS_ONLY.form_roll(TWELVE_BAR)
CHORUS = experiments.rolls((1234,))[0]


class Place(NamedTuple):
    """Where the engine runs: its name, and how it is asked; see `place`."""

    name: str
    ask: Callable[..., Any]


@pytest.fixture(scope="module", params=["node", "chromium", "firefox", "webkit"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """The engine in one of four places: ``ask`` calls a function there, of JSON."""
    names = ("engine.js", "sound.js", "hands.js")
    source = "\n".join((HERE / name).read_text("utf-8") for name in names)
    folder = tmp_path_factory.mktemp(request.param)

    def under_node(function: str, *data: object) -> Any:
        program = folder / "program.js"
        given = ", ".join(map(json.dumps, data))
        program.write_text(f"{source}\nconsole.log(JSON.stringify(({function})({given})));")
        done = subprocess.run(
            ["node", str(program)], capture_output=True, text=True, timeout=PATIENCE / 1000
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    if request.param == "node":
        if not shutil.which("node"):
            pytest.skip("no node on this machine: the engine is not tested under it")
        yield Place("node", under_node)
        return
    with ExitStack() as stack:
        if request.param == "chromium":
            page = request.getfixturevalue("browser").new_page()
            page.set_default_timeout(PATIENCE)
            page.add_script_tag(content=source)
            yield Place(
                "chromium", lambda function, *data: page.evaluate(f"d => ({function})(...d)", data)
            )
            return
        if lacking := engines.missing(request.param):
            pytest.skip(f"no {lacking} on this machine: the engine is not tested in it")
        engine = stack.enter_context(engines.running(request.param, folder))
        path = folder / "engine.html"
        # Not in the sandbox of its driver, which has other arrays than the page.
        run = "const run = (text, data) => JSON.stringify(eval(text)(...JSON.parse(data)));"
        source += f"\n{run}\nwindow.run = run;"
        path.write_text(f"<!doctype html><title>Engine</title><script>{source}</script>")
        engine.open(path)

        def in_page(function: str, *data: object) -> Any:
            given = json.dumps(f"({function})"), json.dumps(json.dumps(data))
            return json.loads(engine.ask(f"window.run({', '.join(given)})"))

        yield Place(request.param, in_page)


def numbers_of(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f8")


def digest_of(matrices: dict[str, str]) -> str:
    """As `experiments.digest`, of what came back from the page."""
    together = b"".join(base64.b64decode(matrices[name]) for name in ("hidden", "output"))
    return hashlib.sha256(together).hexdigest()[:16]


# ---- Numbers -------------------------------------------------------------------------------------


def test_random_numbers_are_numpys(place: Place) -> None:
    seeds = [*range(120), 2**31, 2**32 - 1, 2**32, 2**53 + 2, 2**64 + 5, 2**127, 2**160 + 7]
    found = place.ask(
        """(seeds) => seeds.map((seed) => [undefined, 0, 1, 2].map((key) => {
            const { random, uniform } = stageEngine.generator(BigInt(seed), key);
            return [random(), random(), random(), uniform(-0.02, 0.02)];
        }))""",
        [str(seed) for seed in seeds],
    )
    for seed, by_key in zip(seeds, found, strict=True):
        whole = np.random.default_rng(seed)
        for rng, got in zip([whole, *np.random.default_rng(seed).spawn(3)], by_key, strict=True):
            assert got == [*rng.random(3), rng.uniform(-0.02, 0.02)], seed


def test_exp_and_logistic_are_the_compiled_ones(place: Place) -> None:
    values = np.concatenate([numbers(40), [-1e300, -701.0, -700.0, 700.0, 701.0, 1e300, -0.0]])
    given = base64.b64encode(values.tobytes()).decode()
    for name, function in (("exp", exp), ("logistic", logistic)):
        got = place.ask(
            "(name, given) => stageEngine.text(stageEngine.floats(given).map(stageEngine[name]))",
            name,
            given,
        )
        assert numbers_of(got).tobytes() == each(function, 4)(values).tobytes()


# ---- Training ------------------------------------------------------------------------------------

TRAIN = """(plan, recipe, roll, steps) => {
    const training = stageEngine.makeTraining(plan, recipe, Float64Array.from(roll));
    const started = performance.now();
    const { grossErrors, resets, crossEntropy } = training.learn(steps);
    const seconds = (performance.now() - started) / 1000;
    const { hidden, output } = training.network.weights();
    const matrices = { hidden: stageEngine.text(hidden), output: stageEngine.text(output) };
    return { matrices, grossErrors, resets, crossEntropy, seconds };
}"""

UNEQUAL = Recipe(
    Topology(
        (
            Voice("low", 12, (2, 1, 3), g=(-1.5, 2.0), h=(-0.5, 1.0)),
            Voice("high", 13, (1, 2), reads=("low",), choice="sample"),
        )
    ),
    (
        Learning(1e-3, 0.9, 0.1, (-1.0, 0.0, 0.5), (1.0, 2.0, -0.5), (0.0, -1.0, -2.0)),
        Learning(1e-2, 0.5, 0.2, (0.0, -1.0), (1.0, 0.5), (-1.0, 0.5), wrong=0.9),
    ),
    forgiven=5,
)
"""Blocks of unequal size, which are filled up with cells that are never heard."""


def taught(recipe: Recipe, roll: np.ndarray, steps: int) -> training.Result:
    short = replace(recipe, give_up_after=steps, test_every=steps)
    still = tuple(replace(voice, until="test") for voice in recipe.voices)
    return training.train(replace(short, voices=still), roll, lambda _: 0, progress=False)


@pytest.mark.parametrize(
    ("recipe", "roll", "steps"),
    [
        (replace(RECOMMENDED, seed=1), FORM, 1_000),
        (replace(RECOMMENDED, seed=1), FORM, 100_000),
        (replace(RECOMMENDED, seed=1029), FORM, 100_000),  # had subnormal numbers once
        (replace(PAPER, seed=3), FORM, 20_000),
        (replace(RECOMMENDED_2, seed=2), CHORUS, 10_000),
        (replace(UNEQUAL, seed=4), CHORUS, 10_000),
        (replace(RECOMMENDED, seed=5, forgiven=400, restart=2), FORM, 20_000),
    ],
    ids=["short", "long", "subnormal", "paper", "two-voices", "unequal", "restarted"],
)
def test_a_seed_gives_the_same_weights(
    place: Place, recipe: Recipe, roll: np.ndarray, steps: int
) -> None:
    expected = taught(recipe, roll, steps)
    got = place.ask(
        TRAIN, plans.plan(recipe.topology), plans.learning(recipe), roll.ravel().tolist(), steps
    )
    assert digest_of(got["matrices"]) == experiments.digest(expected.network)
    curve = expected.curve
    assert (got["grossErrors"], got["resets"]) == (curve.gross_errors[0], curve.resets[0])
    np.testing.assert_allclose(
        np.array(got["crossEntropy"]) / steps, curve.cross_entropy[0], rtol=1e-12
    )
    if steps >= 100_000:
        speed = steps / got["seconds"]
        print(f"\n{place.name}: {speed:,.0f} training steps a second, whatever else was running")


def test_what_has_faded_is_swept_away(place: Place) -> None:
    """No weight would differ, but numbers that are left to fade make a processor slow."""
    after = place.ask(
        """(plan, recipe, roll) => {
            const training = stageEngine.makeTraining(plan, recipe, Float64Array.from(roll));
            training.set(0, { learning_rate: 0, momentum: 0 });
            const [{ hiddenVelocity }] = training.network.voices;
            hiddenVelocity.set([2 ** -301, -(2 ** -301), 2 ** -299]);
            return [255, 1].map((steps) => {
                training.learn(steps, Infinity);
                return [...hiddenVelocity.slice(0, 3)].map((it) => it === 0);
            });
        }""",
        plans.plan(RECOMMENDED.topology),
        plans.learning(RECOMMENDED),
        FORM.ravel().tolist(),
    )
    assert after == [[False, False, False], [True, True, False]]


def test_how_fast_it_learns_in_chromium(browser: Browser) -> None:
    """Steps a second of processor time are printed, and not judged."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.add_script_tag(content=(HERE / "engine.js").read_text("utf-8"))
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def processor_time() -> float:
        found = session.send("Performance.getMetrics")["metrics"]
        return next(it["value"] for it in found if it["name"] == "ThreadTime")

    page.evaluate(
        "(d) => (window.t = stageEngine.makeTraining(d[0], d[1], Float64Array.from(d[2])))"
        ".learn(50_000)",
        [plans.plan(RECOMMENDED.topology), plans.learning(RECOMMENDED), FORM.ravel().tolist()],
    )
    before = processor_time()
    assert page.evaluate("() => t.learn(300_000).steps") == 300_000
    speed = 300_000 / (processor_time() - before)
    print(f"\nchromium {browser.version}: {speed:,.0f} steps a second of processor time")


def test_a_bit_that_differs_would_be_seen(place: Place) -> None:
    plan, recipe = plans.plan(RECOMMENDED.topology), plans.learning(replace(RECOMMENDED, seed=1))
    recipe["voices"][0]["momentum"] = np.nextafter(0.9, 1)
    got = place.ask(TRAIN, plan, recipe, FORM.ravel().tolist(), 1_000)
    expected = taught(replace(RECOMMENDED, seed=1), FORM, 1_000).network
    assert digest_of(got["matrices"]) != experiments.digest(expected)


def test_it_learns_when_the_table_of_results_says(place: Place) -> None:
    """As the worker does it: the same test as often, the same end."""
    recipe = replace(RECOMMENDED, seed=186)
    got = place.ask(
        """(plan, recipe, roll, every, choruses) => {
            const training = stageEngine.makeTraining(plan, recipe, Float64Array.from(roll));
            const tested = stageEngine.makeNetwork(plan);
            let kept = { steps: 0, period: 0 };
            while (!kept.period && kept.steps < choruses * training.length) {
                training.learn(every);
                tested.setWeights(training.network.weights());
                kept = stageEngine.recall(tested, training.roll, choruses);
            }
            const { hidden, output } = training.network.weights();
            const matrices = { hidden: stageEngine.text(hidden), output: stageEngine.text(output) };
            return { steps: training.steps, matrices, ...kept, steps: training.steps };
        }""",
        plans.plan(recipe.topology),
        plans.learning(recipe),
        FORM.ravel().tolist(),
        recipe.test_every,
        recipe.choruses,
    )
    (row,) = [row for row in study_rows() if row["seed"] == "186"]
    assert (got["steps"], got["period"]) == (int(row["steps"]), int(row["period"]))
    assert digest_of(got["matrices"]) == row["weights"]


def study_rows() -> list[dict[str, str]]:
    """The stored table of Experiment 1."""
    path = Path(__file__).parent.parent / "results" / "experiment-1.csv"
    lines = [it for it in path.read_text("utf-8").splitlines() if not it.startswith("#")]
    return [dict(zip(lines[0].split(","), it.split(","), strict=True)) for it in lines[1:]]


# ---- Playing -------------------------------------------------------------------------------------

PLAY = """(plan, weights, state, given, seed, steps, temperature) => {
    const network = stageEngine.makeNetwork(plan, weights);
    network.setState(stageEngine.floats(state.cell_state), stageEngine.floats(state.cell_output));
    const player = stageEngine.makePlayer(network, seed, Float64Array.from(given));
    let rows = "";
    for (let step = 0; step < steps; step++) {
        rows += player.sounding.join("");
        if (!player.step(temperature)) return "no note can be drawn";
    }
    return rows;
}"""


@pytest.fixture(scope="module")
def improviser() -> tuple[Network, Any, np.ndarray]:
    """The stored network of Experiment 2, its state after four choruses, the beginning."""
    music, network = experiments.choruses(), training.stored("experiment_2").network
    heard = np.concatenate(experiments.rolls(music.training[:4]))
    beginning = experiments.rolls(music.training[:1])[0, :2]
    return network, composing.hear(network, heard), beginning


@pytest.mark.parametrize(
    ("seed", "choruses", "temperature"), [(1, 1_000, 1.0), (7, 20, 0.0), (8, 20, 0.6), (9, 20, 1.7)]
)
def test_a_seed_gives_the_same_music(
    place: Place, improviser: tuple, seed: int, choruses: int, temperature: float
) -> None:
    network, state, beginning = improviser
    steps = choruses * TWELVE_BAR.steps
    got = place.ask(
        PLAY,
        plans.plan(network.topology),
        plans.weights(network),
        plans.state(state),
        beginning.ravel().tolist(),
        seed,
        steps,
        temperature,
    )
    expected = composing.free_run(
        network, beginning, steps, seed, temperature=temperature, state=state
    )
    roll = np.array(list(got), dtype=float).reshape(expected.shape)
    assert hashlib.sha256(roll.tobytes()).digest() == hashlib.sha256(expected.tobytes()).digest()
    if choruses == 1_000:
        assert not wrong_steps(roll[:, CHORDS_AND_MELODY.chord_units], FORM).any()


def test_a_free_run_ends_where_it_does_in_python(place: Place) -> None:
    learned = training.stored("experiment_1").network
    hidden = learned.hidden.copy()
    hidden[0, 0] += 0.05
    networks = [learned, Network(learned.topology, hidden, learned.output)]
    networks.append(taught(replace(RECOMMENDED, seed=0), FORM, 800_000).network)
    for network in networks:
        got = place.ask(
            """(plan, weights, roll) => stageEngine.recall(
                stageEngine.makeNetwork(plan, weights), Float64Array.from(roll), 1000)""",
            plans.plan(network.topology),
            plans.weights(network),
            FORM.ravel().tolist(),
        )
        expected = composing.recall(network, FORM, 1_000)
        assert (got["steps"], got["period"]) == tuple(expected)


def test_weights_that_do_not_match_are_named(place: Place) -> None:
    one, two = (training.stored(f"experiment_{n}").network for n in (1, 2))
    try_it = """(plan, weights) => {
        try { stageEngine.makeNetwork(plan, weights); } catch (error) { return error.message; }
    }"""
    said = place.ask(try_it, plans.plan(one.topology), plans.weights(two))
    assert said == (
        "hidden: expected 20 rows of 21 finite numbers, got 1680 numbers: these weights are not "
        "of this network"
    )
    values = one.output.copy()
    values[0, 0] = np.nan
    broken = plans.weights(one) | {"output": base64.b64encode(values.tobytes()).decode()}
    assert "output: expected 12 rows" in place.ask(try_it, plans.plan(one.topology), broken)


# ---- MIDI ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["chorus", "noise", "silence"])
def test_a_file_saved_in_the_page_holds_what_was_played(
    place: Place, tmp_path: Path, kind: str
) -> None:
    rng = np.random.default_rng(3)
    roll = {
        "chorus": CHORUS,
        "noise": (rng.random((300, 25)) < 0.3) * np.repeat(rng.random(10) < 0.5, 30)[:, None],
        "silence": np.zeros((40, 25)),
    }[kind].astype(float)
    got = place.ask(
        """(rows, pitches, chords, tempo) => {
            const units = pitches.map((_, unit) => unit);
            const parts = [
                { name: "chords", program: 4, velocity: 56, units: units.slice(0, chords),
                  struck: true },
                { name: "melody", program: 4, velocity: 88, units: units.slice(chords) },
            ];
            return Array.from(stageSound.midiFile(rows, pitches, parts, tempo));
        }""",
        roll.astype(int).tolist(),
        CHORDS_AND_MELODY.pitches,
        len(CHORDS_AND_MELODY.chords),
        132,
    )
    path = tmp_path / "saved.mid"
    path.write_bytes(bytes(got))
    piece = score.played(CHORDS_AND_MELODY.decode(roll))
    assert midi.read_tracks(path) == piece
    if kind != "silence":
        midi.write_midi(piece, tmp_path / "written.mid", tempo=132)
        files = mido.MidiFile(path), mido.MidiFile(tmp_path / "written.mid")
        assert files[0].ticks_per_beat == files[1].ticks_per_beat
        saved, written = ([list(track) for track in file.tracks] for file in files)
        assert saved == written


# ---- At the door ---------------------------------------------------------------------------------


def test_what_the_page_has_not_is_refused() -> None:
    peeping = Topology((Voice("chords", 12, (2, 2), peepholes=True),))
    soft = Topology((Voice("melody", 13, (2, 2), choice="sample", outputs="softmax"),))
    for topology in (peeping, soft):
        with pytest.raises(ValueError, match="without peepholes or softmax"):
            plans.plan(topology)
    by_adam = replace(RECOMMENDED, voices=(Learning(optimiser="adam"),))
    with pytest.raises(ValueError, match="learn at once"):
        plans.learning(by_adam)
    with pytest.raises(ValueError, match="forgiven errors"):
        plans.learning(replace(RECOMMENDED, forgiven=0))
    with pytest.raises(ValueError, match="states that flow on, got at_end='clear'"):
        plans.learning(replace(RECOMMENDED, at_end="clear"))
    with pytest.raises(ValueError, match="one voice of 12 inputs"):
        stage.learn_it_now(recipes.RECOMMENDED_2)
    fine = replace(RECOMMENDED.voices[0], momentum=0.995)
    with pytest.raises(ValueError, match=r"a momentum of 0, 0\.01 to 0\.99, got 0\.995"):
        stage.learn_it_now(replace(RECOMMENDED, voices=(fine,)))
    with pytest.raises(ValueError, match="one of 25 inputs, got 12"):
        stage.endless(training.stored("experiment_1").network, CHORUS[:2])
