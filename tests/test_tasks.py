"""Tasks from the literature: strings against a second grammar, tests against plain loops."""

import re
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from lstm_from_scratch.machine import kernel, tasks, training
from lstm_from_scratch.machine.network import Network, Topology, Voice, record
from lstm_from_scratch.studies import study
from lstm_from_scratch.studies.questions import tasks as questions

ROOT = Path(__file__).parent.parent

# Written down from Reber's diagram a second time, as expressions: each node's way to the end.
GRAMMAR = re.compile(r"B([TP])B(?:TS*X(?:S|X(?:T*VPX)*T*V(?:V|PS))|P(?:T*VPX)*T*V(?:V|PS))E\1E")


def is_in_grammar(string):
    return GRAMMAR.fullmatch(string) is not None


def test_strings_are_of_the_grammar_and_all_short_ones_come():
    drawn = {tasks.reber_string(seed) for seed in range(3_000)}
    assert all(map(is_in_grammar, drawn))
    inner = ("".join(it) for n in range(2, 5) for it in product("TSXPV", repeat=n))
    short = {f"B{o}B{i}E{o}E" for i in inner for o in "TP" if is_in_grammar(f"B{o}B{i}E{o}E")}
    assert len(short) > 8
    assert short == {string for string in drawn if len(string) <= 10}


def test_what_follows_is_what_some_string_goes_on_with():
    drawn = [tasks.reber_string(seed) for seed in range(4_000)]
    seen = {}
    for string in drawn:
        for stop in range(1, len(string)):
            seen.setdefault(string[:stop], []).append(string[stop])
    looked_at = 0
    for string in drawn[:300]:
        follows = tasks.reber_follows(string)
        assert len(follows) == len(string) and follows[-1] == "B"
        for stop in range(1, len(string)):
            came = seen[string[:stop]]
            assert set(came) <= set(follows[stop - 1])
            if len(came) > 40:
                assert set(came) == set(follows[stop - 1])
                looked_at += 1
    assert looked_at > 1_000


@pytest.mark.parametrize(
    "string",
    ["", "B", "BTBPVVEPE", "BTBTXXVVET", "XTBPVVETE", "BTBPVVETEE", "BTBTTETE", "BSBPVVESE"],
)
def test_other_strings_are_refused(string):
    with pytest.raises(ValueError, match=r"string: .* is not of the embedded Reber grammar"):
        tasks.reber_follows(string)


def test_a_stream_is_its_strings_and_asks_for_the_next_symbol():
    stream = tasks.reber_stream(500, 3)
    symbols = "".join(tasks.SYMBOLS[unit] for unit in stream.inputs.argmax(axis=1))
    parts = [part for part in re.split(r"(?<=E)(?=B[TP]B)", symbols) if part]
    assert all(map(is_in_grammar, parts)) and 500 <= len(symbols) < 600
    assert (
        np.flatnonzero(stream.ends).tolist() == (np.cumsum([len(it) for it in parts]) - 1).tolist()
    )
    inputs, targets, judged = stream.episode
    assert judged is None
    np.testing.assert_array_equal(targets[:-1], inputs[1:])
    np.testing.assert_array_equal(targets[-1], np.eye(7)[tasks.SYMBOLS.index("B")])
    assert (stream.follows[:-1] * inputs[1:]).sum() == len(inputs) - 1


def random_network(topology, rng):
    return Network(
        topology,
        rng.normal(size=topology.hidden_mask.shape) * topology.hidden_mask,
        rng.normal(size=topology.output_mask.shape) * topology.output_mask,
    )


@pytest.mark.parametrize("peepholes", [False, True])
def test_predict_is_what_a_record_has(peepholes):
    rng = np.random.default_rng(4)
    voices = (
        Voice("a", 3, (1, 2), outputs=2, peepholes=peepholes),
        Voice("b", 2, (2,), reads=("a",), outputs=4, activation="softmax", choice="sample"),
    )
    network = random_network(Topology(voices), rng)
    inputs = rng.normal(size=(40, 5))
    np.testing.assert_allclose(
        kernel.predict(network, inputs), record(network, inputs).prediction, atol=1e-12
    )


@pytest.mark.parametrize("cleared", [False, True])
def test_the_first_error_is_where_it_is(cleared):
    """Against a plain loop over the predictions of `network.record`."""
    rng = np.random.default_rng(8)
    streams = [tasks.reber_stream(2_000, rng).episode for _ in range(60)]
    stream = tasks.reber_stream(3_000, rng)
    found = set()
    for steps in (20_000, 60_000, 140_000):
        recipe = replace(tasks.REBER, seed=1, give_up_after=steps)
        network = training.train(recipe, streams, lambda _: 0, progress=False).network
        if cleared:
            stops = [*(np.flatnonzero(stream.ends) + 1)]
            parts = np.split(stream.inputs, stops[:-1])
            said = np.concatenate([record(network, part).prediction for part in parts])
        else:
            said = record(network, stream.inputs).prediction
        wrong = len(said)
        for at, (row, allowed) in enumerate(zip(said, stream.follows, strict=True)):
            best = set(np.argsort(-row)[: int(allowed.sum())])
            if best != set(np.flatnonzero(allowed)):
                wrong = at
                break
        assert tasks.follows_grammar(stream, cleared=cleared)(network) == wrong
        later = tasks.follows_grammar(stream, cleared=cleared, unjudged=wrong + 1)(network)
        assert later > wrong or wrong == len(said)
        found.add(wrong)
    assert len(found) > 1


@pytest.mark.parametrize("n", [1, 2, 7])
def test_counted_says_what_may_come(n):
    string = "|" + "a" * n + "b" * n + "c" * n
    inputs, targets, _ = tasks.counted(n)
    assert "".join("|abc"[unit] for unit in inputs.argmax(axis=1)) == string
    for at, target in enumerate(targets):
        allowed = {
            longer[at + 1]
            for m in range(1, n + 3)
            if (longer := "|" + "a" * m + "b" * m + "c" * m + "|").startswith(string[: at + 1])
        }
        assert {"|abc"[unit] for unit in np.flatnonzero(target)} == allowed


def test_counts_to_stops_at_the_first_wrong_string():
    """A network that says what may follow each letter, and never that a letter is the last."""
    voice = Voice("letters", 4, (1,))
    network = Network(Topology((voice,)), np.zeros((4, 6)), np.zeros((4, 6)))
    assert tasks.counts_to(5)(network) == 0
    output = np.zeros((4, 6))
    output[:, -1] = -10
    for heard, may in (("|", "a"), ("a", "ab"), ("b", "c"), ("c", "|")):
        for letter in may:
            output["|abc".index(letter), "|abc".index(heard)] = 20
    assert tasks.counts_to(5)(Network(network.topology, network.hidden, output)) == 1


def test_a_gate_that_never_forgets_stays_one_and_learns_nothing():
    recipe = replace(tasks.without_forget_gates(tasks.REBER), give_up_after=2_000)
    stream = tasks.reber_stream(500, 0)
    network = training.train(recipe, [stream.episode], lambda _: 0, progress=False).network
    assert (record(network, stream.inputs).forget_gate == 1.0).all()
    rows = network.topology.forget_gates
    assert (network.hidden[rows, -1] == tasks.NEVER).all()
    before = training.initial_network(recipe, np.random.default_rng(0).spawn(2)[1:])
    np.testing.assert_array_equal(network.hidden[rows], before.hidden[rows])
    assert not np.array_equal(network.hidden, before.hidden)


def test_spikes_are_a_spike_and_silence():
    assert tasks.spikes(4).tolist() == [[1.0], [0.0], [0.0], [0.0]]
    assert not any(it.peepholes for it in tasks.without_peepholes(tasks.SPIKES).topology.voices)


def test_rows_come_again():
    """A quick row of each study, trained again."""
    stored = study.stored("counting")
    row = next(it for it in stored if it["peepholes"] == "0")
    assert questions.counting(0, int(row["seed"])).weights == row["weights"]
    row = min(study.stored("spikes"), key=lambda it: int(it["steps"]))
    again = questions.spikes(int(row["interval"]), int(row["peepholes"]), int(row["seed"]))
    assert (again.weights, again.held) == (row["weights"], int(row["held"]))


def test_a_reber_recipe_is_its_setting():
    seen = {questions.reber_recipe(*setting) for setting in questions.STUDIES["reber"].settings}
    assert len(seen) == 5
    assert questions.reber_recipe("learned", "never").forgiven == 0
    assert questions.reber_recipe("none", "string").at_end == "clear"


def test_the_page_of_ones_own_task_works_as_printed(tmp_path):
    page = (ROOT / "book" / "your_own_task.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout.startswith("Result(learned after ")
