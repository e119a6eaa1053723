"""Which recipe for a form of one's own: what it changes, and that it does what it is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch import playing
from lstm_from_scratch.machine.training import RECOMMENDED, train
from lstm_from_scratch.music.blues import FORMS, Form
from lstm_from_scratch.music.encoding import CHORDS_ONLY
from lstm_from_scratch.playing.composing import keeps_form, predict
from lstm_from_scratch.studies.questions import controls

SHORT = Form("two bars", ("C7", "G7"))


def test_it_differs_from_the_recipe_of_the_blues_in_shape_and_resets_alone():
    recipe = playing.recommend(SHORT)
    (voice,), (learns,) = recipe.topology.voices, recipe.voices
    assert voice.blocks == (1,) * 16
    for name in ("input_gate_bias", "forget_gate_bias", "output_gate_bias"):
        assert getattr(learns, name) == getattr(RECOMMENDED.voices[0], name) * 4
    again = replace(
        recipe,
        topology=RECOMMENDED.topology,
        voices=RECOMMENDED.voices,
        forgiven=RECOMMENDED.forgiven,
        restart=RECOMMENDED.restart,
    )
    assert again == RECOMMENDED


@pytest.mark.parametrize("name", controls.OWN_FORMS)
def test_a_form_is_begun_anew_every_960_steps_or_once_a_chorus(name):
    form = controls.OWN_FORMS[name]
    again = playing.recommend(form).restart * form.steps
    assert 960 - form.steps < again <= 960
    long = Form("long", ("C7", "F7") * 61)
    assert long.steps > 960 and playing.recommend(long).restart == 1


def test_what_is_no_form_is_refused():
    with pytest.raises(ValueError, match="form: expected a Form, got 'C7 G7'"):
        playing.recommend("C7 G7")


def test_a_network_that_is_never_reset_learns_to_go_on_and_not_to_begin():
    roll = CHORDS_ONLY.form_roll(SHORT)
    recipe = replace(playing.recommend(SHORT), seed=10_002, give_up_after=1_000_000)
    test = keeps_form(roll, recipe.choruses)
    again = train(recipe, roll, test, progress=False)
    assert again.learned
    never = train(replace(recipe, restart=0), roll, test, progress=False)
    assert not never.learned
    assert never.curve.resets[-50:].sum() == never.curve.gross_errors[-50:].sum() == 0
    predicted = predict(never.network, np.tile(roll, (2, 1)))
    wrong = np.abs(predicted - np.roll(np.tile(roll, (2, 1)), -1, axis=0)) > 0.5
    assert wrong[: len(roll)].any()  # from a cleared state


def test_the_study_asks_for_forms_of_one_bar_to_thirty_two():
    bars = sorted({form.bars for form in controls.OWN_FORMS.values()})
    assert bars == [1, 2, 3, 4, 8, 12, 16, 32]
    assert controls.OWN_FORMS["song with bridge"] == FORMS["song with bridge"]
    for form in controls.OWN_FORMS.values():
        assert controls.OWN_RECIPES["recommended"](form) == RECOMMENDED
        never = controls.OWN_RECIPES["never restarted"](form)
        assert replace(never, restart=playing.recommend(form).restart) == playing.recommend(form)
