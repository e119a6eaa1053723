"""The controls: what each of them changes, and that it changes nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.machine.training import PAPER, RECOMMENDED
from lstm_from_scratch.music.blues import FORMS, chord_notes
from lstm_from_scratch.studies.experiments import digest
from lstm_from_scratch.studies.questions import controls, crossed


def parts(recipe):
    (voice,), (learns,) = recipe.topology.voices, recipe.voices
    return {**vars(voice), **vars(learns), "steps": recipe.max_steps, "forgiven": recipe.forgiven}


def test_a_start_changes_what_it_names_and_nothing_else():
    assert controls.begun("printed", 2.0, 0.1) == PAPER
    before = parts(PAPER)
    names = {0: "forget_gate_bias", 1: "g", 2: "initial_range"}
    printed = ("printed", 2.0, 0.1)
    for start in controls.STARTS:
        now = parts(controls.begun(*start))
        changed = {name for name, value in now.items() if value != before[name]}
        assert changed == {names[k] for k in range(3) if start[k] != printed[k]}, start
    # Each of the three is turned alone, and each pair of them.
    alone = {(f != "printed", g != 2.0, r != 0.1) for f, g, r in controls.STARTS if f != "open"}
    assert alone == {(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)} - {(0, 0, 0)}
    assert controls.FORGET_BIASES["turned"] == (0.5, 1.0, 1.5, 2.0)
    # At the paper's rate, the last of the open starts is the recommended recipe's.
    best = parts(controls.begun("open", 1.0, 0.02))
    ours = parts(RECOMMENDED)
    assert {name for name in ours if ours[name] != best[name]} == {"learning_rate", "steps"}


def test_shapes_have_the_recommended_stairs_and_about_equal_weights():
    assert controls.shaped(4, 2) == RECOMMENDED
    weights = {}
    for blocks, cells in controls.SHAPES:
        recipe = controls.shaped(blocks, cells)
        (voice,), (learns,) = recipe.topology.voices, recipe.voices
        assert voice.blocks == (cells,) * blocks
        t = recipe.topology
        weights[blocks, cells] = int(t.hidden_mask.sum() + t.output_mask.sum())
        for biases, ends in (
            (learns.forget_gate_bias, (1, 4)),
            (learns.input_gate_bias, (-2, -0.5)),
        ):
            assert len(biases) == blocks and set(biases) <= {
                *np.arange(1, 4.5, 0.5),
                *np.arange(-2, 0, 0.25),
            }
            assert blocks == 1 or (min(biases), max(biases)) == ends
        same = replace(RECOMMENDED, topology=recipe.topology, voices=recipe.voices)
        assert same == recipe
    assert controls.shaped(8, 1).voices[0].forget_gate_bias == (1, 2, 3, 4, 1, 2, 3, 4)
    assert controls.shaped(1, 8).voices[0].forget_gate_bias == (2.5,)
    equal = [weights[shape] for shape in ((8, 1), (1, 16), (2, 7), (4, 3))]
    assert (min(equal), max(equal)) == (864, 924)
    assert {blocks * cells for blocks, cells in controls.SHAPES[:4]} == {8}
    assert set(controls.SHAPED_FORMS) <= set(FORMS)


def test_long_holds_are_long_and_learners_learn_at_their_best_rates():
    for name in controls.HOLD_FORMS:
        assert max(note.duration for note in chord_notes(FORMS[name])) == 32
    for form, *learner, rate in controls.STUDIES["holds"].settings:
        assert form in controls.HOLD_FORMS
        assert (*learner, rate) in crossed.CHOSEN


@pytest.mark.parametrize("learner", controls.HOLD_LEARNERS[:4:3])
def test_a_learner_of_a_form_is_given_that_form(learner, monkeypatch):
    monkeypatch.setattr(controls, "HOLD_STEPS", 9_600)
    rate = 0.01
    rows = [controls.hold(form, *learner, rate, 7) for form in controls.HOLD_FORMS]
    assert [row[:7] for row in rows] == [(form, *learner, rate, 7) for form in controls.HOLD_FORMS]
    assert all(row.steps == 9_600 and row.learned == 0 for row in rows)
    assert rows[0].weights != rows[1].weights
    again = crossed.learn(*learner, rate, 7, 9_600, FORMS["plain blues"])
    assert digest(again.network) == rows[1].weights
