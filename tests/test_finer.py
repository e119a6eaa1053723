"""What chapter 13 measures: each study hears what it says, and judges what it should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstm_from_scratch.machine import kernel
from lstm_from_scratch.machine.network import Network, Topology, Voice
from lstm_from_scratch.music.blues import FORMS, TWELVE_BAR, Note, chorus
from lstm_from_scratch.studies.questions import controls, crossed, finer


def test_finer_time_changes_the_blocks_and_the_patience_only() -> None:
    recipe = finer.finer_recipe()
    assert replace(recipe, give_up_after=25_000_000) == controls.shaped(16, 1)
    assert recipe.topology.voices[0].blocks == (1,) * 16
    assert [FORMS[form].steps for form in finer.FINER_FORMS] == [192, 384]
    assert finer.PLAIN in crossed.CHOSEN
    assert controls.HOLD_STEPS % FORMS[finer.FINER_FORMS[0]].steps == 0


@pytest.mark.parametrize("way", finer.WAYS)
def test_choruses_are_those_of_the_encoding(way: str) -> None:
    how, numbers = finer.WAYS[way], (0, 2002, 4095)
    rolls = finer.marked_rolls(way, numbers)
    for number, roll in zip(numbers, rolls, strict=True):
        notes = chorus(number).notes
        assert np.array_equal(roll, how.encode(notes, 12 * how.grid, grid=8))
        assert how.decode(roll, grid=8) == notes
    assert np.array_equal(rolls[0][:, : finer.chord_units(way)], finer.marked_form(way))
    topology = finer.marked_recipe(way).topology
    assert topology.inputs == how.units and topology.voices[0].inputs == finer.chord_units(way)
    assert finer.wrong_parts(way, np.concatenate(rolls)) == (0, 0)


@pytest.mark.parametrize("way", finer.WAYS)
def test_what_is_wrong_is_counted(way: str) -> None:
    roll = finer.marked_rolls(way, (7, 8)).reshape(-1, finer.WAYS[way].units)
    steps, chords = finer.WAYS[way].grid, finer.chord_units(way)
    roll[5, chords - 1] = 1 - roll[5, chords - 1]
    roll[13 * steps + 1, chords] = 1 - roll[13 * steps + 1, chords]
    roll[13 * steps + 2, -1] = 1 - roll[13 * steps + 2, -1]
    assert finer.wrong_parts(way, roll) == (1, 1)
    roll[14 * steps : 15 * steps, chords:] = roll[15 * steps : 16 * steps, chords:]
    assert finer.wrong_parts(way, roll) == (1, 2)


def test_a_network_unscaled_does_the_same() -> None:
    rng = np.random.default_rng(13)
    t = Topology((Voice("chords", 5, (2, 1)),))
    network = Network(
        t,
        rng.normal(size=t.hidden_mask.shape) * t.hidden_mask,
        rng.normal(size=t.output_mask.shape) * t.output_mask,
    )
    roll = (rng.random((40, 5)) < 0.4).astype(float)
    mean, deviation = roll.mean(axis=0), roll.std(axis=0)
    said = kernel.predict(network, np.ascontiguousarray((roll - mean) / deviation))
    raw = kernel.predict(finer.unscaled(network, mean, deviation), roll)
    assert np.allclose(said, raw, rtol=0, atol=1e-12)


def test_four_bars_are_the_same_music_either_way() -> None:
    notes = finer.lick_notes()
    slices, events = finer.lick_roll("slices"), finer.lick_roll("notes")
    assert slices.shape == (96, 14) and events.shape == (25, 18)
    assert finer.TRIPLETS.decode(slices) == notes
    assert (slices.sum(axis=1) == 1).all() and (events.sum(axis=1) == 2).all()
    at, heard = 0, []
    for row in events:
        duration = finer.DURATIONS[int(row[14:].argmax())]
        if not row[13]:
            heard.append(Note(60 + int(row[:13].argmax()), at, duration))
        at += duration
    assert at == 96 and tuple(heard) == notes
    assert np.array_equal(slices[:24], slices[48:72]) and not np.array_equal(
        slices[24:48], slices[72:]
    )
    assert TWELVE_BAR.choruses == 4096
