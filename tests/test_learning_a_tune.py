"""From a tune to an improvisation: what is learned from, what is learned, what is played."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from lstm_from_scratch import music, playing
from lstm_from_scratch.judging import novelty
from lstm_from_scratch.machine import training
from lstm_from_scratch.machine.recipes import RECOMMENDED, RECOMMENDED_2
from lstm_from_scratch.music import tunes
from lstm_from_scratch.music.blues import TWELVE_BAR, Note, chord_notes, chord_tones, chorus
from lstm_from_scratch.music.encoding import CHORDS_AND_MELODY
from lstm_from_scratch.music.tunes.source import Metre, Tempo
from lstm_from_scratch.music.tunes.tune import Tune
from lstm_from_scratch.playing import learning, players
from lstm_from_scratch.playing.material import bars_of, form_of, material

LINE = (
    *((72, 0, 2), (71, 2, 1), (67, 3, 3)),  # and a rest of two steps
    *((74, 8, 4), (71, 12, 2)),
)


def over(symbols: str, melody: tuple = LINE, **more: object) -> Tune:
    """A tune of one chord a bar."""
    chords = [
        Note(pitch, 8 * bar, 8)
        for bar, symbol in enumerate(symbols.split())
        for pitch in chord_tones(symbol)
    ]
    steps = 8 * len(symbols.split())
    kept = tuple(Note(*it) for it in melody)
    return Tune("loop", 8, steps, melody=kept, chords=tuple(chords), **more)


@pytest.fixture(scope="module")
def player() -> players.Player:
    """A network that has learned a loop of two bars, its melody in variations."""
    return playing.learn(over("C7 G7"), melody="variations", seed=1, progress=False)


# ---- What is learned from ------------------------------------------------------------------------


def test_bars_are_those_over_the_same_chords() -> None:
    melody = [(60, 0, 8), (62, 8, 8), (64, 16, 8), (60, 24, 4)]
    known = material([over("C F C G", melody)])
    rows = [[bar.tolist() for bar in choices] for choices in known.choices]
    c, e = [60] * 8, [64] * 8
    assert rows == [[c, e], [[62] * 8], [c, e], [[60] * 4 + [0] * 4]]
    assert known.count == 4 and "2 of 4 bars have more than one melody" in known.report()
    lines = {tuple(line) for line in known.lines(200, 1)}
    assert len(lines) == 4 and {line[:8] for line in lines} == {tuple(c), tuple(e)}


def test_other_tunes_lend_their_bars_and_their_choruses() -> None:
    one, other = over("C G", [(60, 0, 8), (62, 8, 8)]), over("C G", [(64, 0, 8), (65, 8, 8)])
    elsewhere = over("G Am", [(67, 0, 8), (69, 8, 8)])
    known = material([one, other, elsewhere])
    assert [len(bar) for bar in known.choices] == [2, 3]
    assert len(known.own) == 2  # elsewhere is as long, but over other chords
    assert known.encoding.melody == (60, 62, 64, 65, 67, 69)
    heart = material([one, other], "by heart")
    assert {tuple(line) for line in heart.lines(50, 1)} == {tuple(line) for line in heart.own}
    assert "By heart: 2 choruses; learning it is memorising it." in heart.report()
    with pytest.raises(ValueError, match="expected one grid, got 8, 16"):
        material([one, Tune("a", 16, 16, melody=(Note(60, 0, 16),))])


def test_variations_are_what_is_said_of_them() -> None:
    known = material([over("C G", [(60, 0, 2), (62, 2, 4), (65, 8, 8)])], "variations")
    rows = [bar.tolist() for bar in known.choices[0]]
    assert rows == [
        [60, 60, 62, 62, 62, 62, 0, 0],
        [62, 62, 60, 60, 60, 60, 0, 0],  # reversed over the same rhythm
        [62, 62, 65, 65, 65, 65, 0, 0],  # a step up in the tune's row of pitches
        [60, 60, 60, 60, 60, 60, 0, 0],  # a step down: 60 is its lowest
    ]
    assert "reversed bars and bars a step up or down" in known.report()


def test_chords_that_come_round_are_the_form() -> None:
    melody = [(60 + bar, 8 * bar, 8) for bar in range(6)]
    tune = over("C F G C F G", melody)
    assert form_of(tune) == 24 and form_of(over("C F G C F C", melody)) == 48
    known = material([tune])
    assert known.form.steps == 24 and known.own.shape == (2, 24)
    assert [len(bar) for bar in known.choices] == [2, 2, 2]
    assert "The chords come round after 3 bars" in known.form.report()
    assert form_of(over("C C C C", melody[:4])) == 32  # one chord has no round of its own


def test_a_pickup_belongs_to_the_last_bar() -> None:
    tune = over("C G", [(72, 0, 2), (60, 2, 8), (62, 10, 6)], pickup=2)
    known = material([tune])
    bars = bars_of(tune, known.own[0])
    assert [bar.tolist() for bar in bars] == [[60] * 8, [62] * 6 + [72] * 2]
    assert known.lines(1, 1).tolist() == known.own.tolist()


@pytest.mark.parametrize("way", ["by heart", "bars", "variations"])
def test_what_is_trained_on_is_made_of_what_is_said(way: str) -> None:
    known = material([over("C7 F7 C7 G7", [*LINE, *((p, o + 16, d) for p, o, d in LINE)])], way)
    rolls = known.training(np.random.default_rng(1))
    assert len(np.unique(rolls, axis=0)) == len(rolls) <= 1024
    assert (rolls[:, :, known.encoding.melody_units].sum(axis=2) == 1).all()
    assert (rolls[:, :, known.encoding.chord_units] == known.chord_roll[:, :12]).all()
    pitches = np.array([*known.encoding.melody, 0])
    lines = (rolls[:, :, known.encoding.melody_units] @ pitches).astype(int)
    assert (known.rolls(lines) == rolls).all()
    for line in lines:
        for bar, choices in zip(bars_of(known.form, line), known.choices, strict=True):
            assert way == "by heart" or any((bar == one).all() for one in choices)


def test_the_recipe_is_the_one_we_recommend_with_errors_forgiven_by_length() -> None:
    for steps, forgiven in ((16, 1), (32, 2), (96, 8), (384, 32)):
        tune = Tune("a", 8, steps, melody=(Note(60, 0, steps),), chords=(Note(48, 0, steps),))
        recipe = learning.recipe_for(tune.encoding, tune)
        assert recipe.forgiven == forgiven and recipe.test_every % steps == 0
        assert recipe.voices == RECOMMENDED_2.voices
    blues = Tune("blues", 8, 96, melody=chorus(7).melody, chords=chord_notes(TWELVE_BAR))
    assert learning.recipe_for(CHORDS_AND_MELODY, blues).topology == RECOMMENDED_2.topology
    alone = Tune("chords", 8, 96, chords=chord_notes(TWELVE_BAR))
    assert learning.recipe_for(alone.encoding, alone).topology == RECOMMENDED.topology


# ---- What is learned and played ------------------------------------------------------------------


def test_a_loop_is_learned_and_its_form_is_kept(player: players.Player) -> None:
    assert player.learned and "alone, it plays them for ever" in player.report()
    piece = player.improvise(50, seed=3)
    roll = piece.roll.reshape(50, 16, -1)
    assert piece.own_chords
    assert (roll[:, :, :12] == player.material.chord_roll[:, :12]).all()
    assert (roll[:, :, 12:].sum(axis=2) == 1).all()
    assert len(np.unique(piece.lines, axis=0)) > 5
    rests = (piece.lines == 0).mean()
    assert 0.05 < rests < 0.5  # a quarter of the loop is silent, and it has learned to be


def test_the_same_seed_plays_the_same_and_another_does_not(player: players.Player) -> None:
    one, again, other = (player.improvise(4, seed=seed).roll for seed in (1, 1, 2))
    assert (one == again).all() and (one != other).any()
    cold = [player.improvise(4, seed=seed, temperature=0.0).lines for seed in (1, 1)]
    assert (cold[0] == cold[1]).all()


def test_a_piece_is_written_as_its_names_end(player: players.Player, tmp_path: Path) -> None:
    piece = player.improvise(3, seed=2)
    paths = [tmp_path / f"out.{it}" for it in ("mid", "musicxml", "mp3", "wav")]
    assert list(piece.save(*paths)) == paths
    for path in paths[:2]:
        again = tunes.read(path, grid=8, harmony="as played")
        assert (again.melody, again.steps) == (piece.music["melody"], 48)
        assert {n.pitch % 12 for n in again.chords} == {n.pitch % 12 for n in piece.music["chords"]}
    assert soundfile.info(paths[3]).duration == pytest.approx(3 * 2 * 2, abs=0.5)
    with pytest.raises(ValueError, match=r"expected names that end in .mid.*got '.*b.xyz'"):
        piece.save(tmp_path / "a.mid", tmp_path / "b.xyz")
    assert not (tmp_path / "a.mid").exists()


def test_a_piece_is_printed_on_paper(player: players.Player, tmp_path: Path) -> None:
    pytest.importorskip("verovio")
    (path,) = player.improvise(2).save(tmp_path / "out.pdf")
    assert path.read_bytes().startswith(b"%PDF")


def test_metre_tempo_and_grid_come_along(tmp_path: Path) -> None:
    chords = tuple(Note(pitch, 0, 9) for pitch in (48, 52, 55))
    melody = tuple(Note(60 + n % 3, 3 * n, 3) for n in range(6))
    waltz = Tune("waltz", 12, 18, (Metre(0, 3, 4),), (Tempo(0, 90.0),), melody, chords)
    piece = playing.learn(waltz, give_up_after=18, progress=False).improvise(2)
    path, sound = piece.save(tmp_path / "a.mid", tmp_path / "a.wav")
    file = mido.MidiFile(path)
    said = {m.type: m for m in file.tracks[0]}
    assert (said["time_signature"].numerator, said["time_signature"].denominator) == (3, 4)
    assert mido.tempo2bpm(said["set_tempo"].tempo) == pytest.approx(90)
    assert soundfile.info(sound).duration == pytest.approx(4 * 3 * 60 / 90, abs=0.6)


def test_chords_that_are_not_learned_are_lent_and_it_is_said() -> None:
    unlearned = playing.learn(over("C7 F7 G7 C7"), give_up_after=96, progress=False)
    assert not unlearned.learned
    assert "The chords: not learned. When it improvises" in unlearned.report()
    piece = unlearned.improvise(3, seed=1)
    assert not piece.own_chords
    form = np.tile(unlearned.material.chord_roll[:, :12], (3, 1))
    assert (piece.roll[:, :12] == form).all()
    assert (piece.roll[:, 12:].sum(axis=1) == 1).all()
    own = unlearned.improvise(3, seed=1, own_chords=True)
    assert own.own_chords and (own.roll[1:, :12] != form[1:]).any()


def test_a_tune_without_chords_or_without_a_melody_is_learned(tmp_path: Path) -> None:
    sung = Tune("sung", 8, 16, melody=tuple(Note(*it) for it in LINE))
    alone = playing.learn(sung, melody="by heart", progress=False)
    assert alone.learned and alone.material.encoding.chords == ()
    assert set(alone.improvise(8, temperature=0.5).music) == {"melody"}
    comped = playing.learn(Tune("comped", 8, 16, chords=over("C7 G7").chords), progress=False)
    piece = comped.improvise(2)
    assert comped.learned and set(piece.music) == {"chords"}
    assert "There is no melody" in comped.report()
    assert novelty.judge(piece).wrong_chords == 0.0
    comped.save(tmp_path / "a.npz")
    assert (playing.load(tmp_path / "a.npz").improvise(2).roll == piece.roll).all()


def test_learning_says_what_it_learned_and_is_silent_where_asked(
    capsys: pytest.CaptureFixture,
) -> None:
    learned = playing.learn(over("C7 G7"), give_up_after=32)
    assert learned.report() in capsys.readouterr().out
    playing.learn(over("C7 G7"), give_up_after=32, progress=False)
    assert capsys.readouterr().out == ""


def test_a_seed_is_learned_from_again_to_the_bit(player: players.Player) -> None:
    again = playing.learn(over("C7 G7"), melody="variations", seed=1, progress=False)
    assert (again.result.network.hidden == player.result.network.hidden).all()


# ---- Files ---------------------------------------------------------------------------------------


def test_a_player_is_kept_with_all_it_knows(player: players.Player, tmp_path: Path) -> None:
    player.save(tmp_path / "mine.npz")
    again = playing.load(tmp_path / "mine.npz")
    assert again.material.form == player.material.form
    assert again.material.form.remarks == player.material.form.remarks
    assert again.encoding == player.encoding and again.report() == player.report()
    assert (again.improvise(4, 9).roll == player.improvise(4, 9).roll).all()
    assert training.load(tmp_path / "mine.npz").steps == player.result.steps
    assert set(training.carried(tmp_path / "mine.npz")) == {"player"}


def test_networks_without_a_tune_load_as_before_and_are_no_players(tmp_path: Path) -> None:
    training.save(training.stored("experiment_1"), tmp_path / "a.npz")
    assert training.load(tmp_path / "a.npz").learned
    with pytest.raises(ValueError, match=r"a\.npz: not a player of ours: .*carries nothing"):
        playing.load(tmp_path / "a.npz")
    with pytest.raises(FileNotFoundError):
        playing.load(tmp_path / "b.npz")
    with pytest.raises(ValueError, match="carries: expected what JSON can hold"):
        training.save(training.stored("experiment_1"), tmp_path / "c.npz", {"a": object()})


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.pop("form"),
        lambda it: it.update(version=99),
        lambda it: it["form"].update(grid=7),
        lambda it: it["form"].update(melody=[[1, 2]]),
        lambda it: it["form"].update(parts=[1]),
        lambda it: it["form"].update(metres="a"),
        lambda it: it.update(own=[[1, 2], [3]]),
        lambda it: it.update(own="text"),
        lambda it: it.update(choices=[]),
        lambda it: it.update(choices=[["a"], [0]]),
        lambda it: it.update(choices=[[0], [99]]),
        lambda it: it.update(bars=[[1, 2]]),
        lambda it: it.update(way="otherwise"),
        lambda it: it.update(encoding={"chords": [1]}),
        lambda it: it["encoding"].update(rest="yes"),
    ],
)
def test_a_file_that_says_what_can_not_be_is_refused(
    change, player: players.Player, tmp_path: Path
) -> None:
    about = players.as_json(player.material)
    change(about)
    training.save(player.result, tmp_path / "a.npz", {"player": about})
    with pytest.raises(ValueError, match=r"a\.npz: not a player of ours: "):
        playing.load(tmp_path / "a.npz")


def test_the_players_that_come_along_know_the_tunes_that_come_along() -> None:
    last_bus = tunes.read(tunes.EXAMPLES / "last_bus.musicxml")
    for name, tunes_of_it, way in (
        ("by-heart", [last_bus], "by heart"),
        ("variations", [last_bus], "variations"),
        ("folder", learning.tunes_of([tunes.EXAMPLES]), "bars"),
    ):
        known, made = playing.stored(name).material, material(tunes_of_it, way)
        assert known.form.chords == made.form.chords and known.way == made.way == way
        assert (known.own == made.own).all() and known.encoding == made.encoding
        for one, other in zip(known.choices, made.choices, strict=True):
            assert (one == other).all()
        assert playing.stored(name).learned
    with pytest.raises(
        ValueError,
        match=r"no stored player 'bars': there are \['by-heart', 'folder', 'variations'\]",
    ):
        playing.stored("bars")


# ---- Memorising and novelty ----------------------------------------------------------------------


def test_what_is_copied_and_what_is_new_is_counted() -> None:
    known = material([over("C G", [(60, 0, 8), (62, 8, 8)])], "variations")
    network = playing.learn(known.form, give_up_after=16, progress=False).result
    who = players.Player(known, network)
    own = known.own[0]
    varied = np.array([62] * 8 + [62] * 8)  # a step up: heard there, not the tune's
    swapped = np.array([60] * 8 + [60] * 4 + [62] * 4)
    piece = players.Piece(who, 1, known.rolls(np.array([own, varied, swapped])).reshape(48, -1))
    judged = novelty.judge(piece)
    assert judged.own_bars == pytest.approx(4 / 6)  # two of the first, one of each other
    assert judged.known_bars == pytest.approx(5 / 6)
    assert (judged.elsewhere, judged.new_bars) == (0.0, pytest.approx(1 / 6))
    assert judged.own_choruses == pytest.approx(1 / 3)
    assert judged.longest_copy == pytest.approx((16 + 8 + 8) / 48)
    assert judged.wrong_chords == 0.0
    assert "67% are the tune's own at their place" in judged.report()


def test_by_heart_is_memorising() -> None:
    heart = playing.learn(over("C7 G7"), melody="by heart", progress=False)
    judged = novelty.judge(heart.improvise(20, temperature=0.0))
    assert judged.own_bars > 0.9 and judged.longest_copy > 0.9


def test_variations_stray_further(player: players.Player) -> None:
    judged = novelty.judge(player.improvise(50))
    assert judged.own_bars < 0.8 < judged.known_bars + judged.elsewhere + judged.new_bars
    parts = judged.known_bars + judged.elsewhere + judged.new_bars
    assert parts == pytest.approx(1.0)


# ---- Commands; `test_wheel` tries the five lines and both of them --------------------------------


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a loop of two bars."""
    return tunes.write(over("C7 G7"), tmp_path_factory.mktemp("tunes") / "mine.mid")


def command(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "lstm_from_scratch", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_command_reads_and_says_so(loop: Path, tmp_path: Path) -> None:
    done = command("learn", str(loop), "--only-read", "--bars", "1-1", folder=tmp_path)
    assert done.returncode == 0 and "Bars 1 to 1 of 2 were taken" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("learn", "nothing.mid"), "learn: there is no file 'nothing.mid' to read"),
        (("learn", "."), "learn: .: expected a folder with tunes"),
        (("learn", "a.mid", "-o", "a.txt"), "expected a name in .npz, got 'a.txt'"),
        (("learn", "a.mid", "-o", "no/a.npz"), "there is no folder 'no'"),
        (("learn", "a.mid", "--bars", "x"), "expected two numbers, such as 1-12"),
        (("improvise", "nothing.npz", "-o", "a.mid"), "improvise: there is no file 'nothing.npz'"),
        (("improvise", "a.npz", "-o", "a.mid", "--choruses", "0"), "expected at least 1, got 0"),
    ],
)
def test_what_a_command_can_not_do_is_said_in_a_line(
    arguments: tuple, message: str, tmp_path: Path
) -> None:
    done = command(*arguments, folder=tmp_path)
    assert done.returncode != 0 and message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_teaches(tmp_path: Path) -> None:
    for name in ("learn", "improvise"):
        done = command(name, "--help", folder=tmp_path)
        assert done.returncode == 0
        assert "examples:" in done.stdout and f"lstm_from_scratch {name} " in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 100


def test_a_folder_of_tunes_is_learned_from_on_one_grid(tmp_path: Path) -> None:
    tunes.write(over("C7 G7"), tmp_path / "a.mid")
    chords = tuple(Note(n.pitch, 2 * n.onset, 16) for n in over("C7 G7").chords)
    line = tuple(Note(60 + n, n, 1) for n in range(32))
    fine = Tune("fine", 16, 32, melody=line, chords=chords)
    tunes.write(fine, tmp_path / "b.mid")
    (tmp_path / "notes.txt").write_text("no tune")
    found = learning.tunes_of([tmp_path])
    assert [tune.grid for tune in found] == [16, 16]
    assert [len(bar) for bar in material(found).choices] == [2, 2]
    assert all(a < b for a, b in pairwise(found[0].bar_lines))
    assert music.tunes is tunes
