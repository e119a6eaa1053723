"""Every public signature of the module, with an example for each argument, and wrong ones.

What is public is found by looking: classes and functions of every room whose names have no
underscore in front. So what is new is in the sweep of `tests/test_arguments.py` and in
``tools/fuzz.py`` by itself; where an argument has a name and a type that nothing here knows, the
sweep says that an example is missing.

Left out is what takes no arguments from outside: named tuples, which are records and hold whatever
they are handed; exceptions and protocols; what exists inside compiled code alone.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import linecache
import math
import pkgutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import lstm_from_scratch
from lstm_from_scratch import briefly

HOUSE = lstm_from_scratch.__name__
SECONDS = 90
"""How long a call may take before it counts as a hang; all that is sensible takes far less.

A first call may have to be compiled, on a machine that is busy with other things."""

CELLAR = ("arguments", "arrays", "briefly", "commands", "files", "kinds", "lazily", "limits")
"""Rooms below all wings, which others knock at for."""


class Signature(NamedTuple):
    """A public function, method or constructor: its name, what is called, its parameters."""

    name: str
    function: Callable[..., Any]
    parameters: dict[str, inspect.Parameter]


def rooms() -> list[str]:
    """The modules of the package that are looked into."""
    found = pkgutil.walk_packages(lstm_from_scratch.__path__, f"{HOUSE}.")
    names = (it.name for it in found)
    return sorted(
        name
        for name in names
        if name.split(".")[1]
        not in (*CELLAR, "__main__", "live", "results", "study", "tune_commands")
        and not name.endswith(("machine.compiling", "machine.caching"))
    )


def signatures() -> dict[str, Signature]:
    """All that is public and takes an argument, by its name without that of the package."""
    return {it.name: it for room in rooms() for it in _in(importlib.import_module(room))}


def _in(module: Any) -> Iterator[Signature]:
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        full = f"{module.__name__.removeprefix(HOUSE + '.')}.{name}"
        if inspect.isclass(thing):
            yield from _of_class(full, thing)
        elif callable(thing) and not _inside_compiled_code(thing):
            yield from _signature(full, thing)


def _of_class(full: str, thing: type) -> Iterator[Signature]:
    record = issubclass(thing, tuple) and hasattr(thing, "_fields")
    if issubclass(thing, BaseException) or getattr(thing, "_is_protocol", False):
        return
    if any(base.__module__.startswith("numba") for base in thing.__mro__):
        return
    if not record:
        yield from _signature(full, thing)
    for name, method in vars(thing).items():
        if not name.startswith("_") and inspect.isfunction(method):
            yield from _signature(f"{full}.{name}", method)


def _signature(full: str, thing: Callable[..., Any]) -> Iterator[Signature]:
    plain = getattr(thing, "py_func", thing)
    try:
        parameters = dict(inspect.signature(plain).parameters)
    except ValueError:  # a tuple under another name
        return
    plain_kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    parameters = {n: p for n, p in parameters.items() if p.kind in plain_kinds and n != "self"}
    if parameters:
        yield Signature(full, thing, parameters)


def _inside_compiled_code(thing: Any) -> bool:
    """Is it an intrinsic of Numba, or a stub that compiled code fills?"""
    module = type(thing).__module__
    if module.startswith("numba.core.extending") or hasattr(thing, "_defn"):
        return True
    return list(inspect.signature(getattr(thing, "py_func", thing)).parameters) == ["_", "__"]


# ---- Examples ------------------------------------------------------------------------------------


def _folder() -> Path:
    return Path(tempfile.gettempdir())


@functools.cache
def _things() -> dict[str, Any]:
    """Small things of every kind that arguments are made of."""
    import matplotlib.pyplot as plt

    from lstm_from_scratch import machine, music, playing, rivals, showing, studies
    from lstm_from_scratch.judging import measures
    from lstm_from_scratch.machine import gradient, kernel, layout, network
    from lstm_from_scratch.music.score import rhythm

    chords = machine.Topology((machine.Voice("chords", 12, (2, 1)),))
    melody = machine.Voice("melody", 13, (1, 2), reads=("chords",), choice="sample")
    both = machine.Topology((*chords.voices, melody))
    learning = machine.Learning(
        input_gate_bias=-0.5, forget_gate_bias=1.0, output_gate_bias=0.0, learning_rate=1e-3
    )
    small = machine.Recipe(
        chords, (learning,), give_up_after=192, test_every=96, choruses=5, window=96
    )
    roll = music.CHORDS_AND_MELODY.encode(music.chorus(7).notes, 96)
    heard = roll[:, :12].copy()

    def made(topology: Any) -> Any:
        rng = np.random.default_rng(1)
        draw = functools.partial(rng.uniform, -0.1, 0.1)
        t = topology
        return machine.Network(
            t, draw(size=t.hidden_mask.shape) * t.hidden_mask,
            draw(size=t.output_mask.shape) * t.output_mask,
        )  # fmt: skip

    plain = made(chords)
    state = network.cleared(chords)
    step = network.forward(plain, state, heard[0])
    simple = rivals.simple_rnn.random_network(12, 4, 1)
    simple_record = rivals.simple_rnn.listen(simple, heard[:5])
    lines = measures.chorus_lines((7, 9))
    rules = layout.rooms(chords, 1)
    result = machine.train(small, heard, lambda network: 0, progress=False)
    arena = kernel.Arena(chords)
    arena.set_weights(plain)
    table = rivals.transition_table.fit(np.stack([roll, roll]), 1)
    method = rivals.simple_rnn.Method(max_steps=96, test_every=96, units=4)
    return {
        "axes": plt.figure().add_subplot(),
        "arena": arena,
        "both": made(both),
        "chords": chords,
        "choruses": studies.experiments.Choruses((1, 2, 3), (4, 5)),
        "form": music.TWELVE_BAR,
        "forward_roll": heard,
        "kind_of_row": NamedTuple("Seed", [("seed", int)]),
        "heads": rhythm.noteheads(music.chorus(7).melody, 12, 8)[0],
        "learning": learning,
        "lines": lines,
        "method": method,
        "music": music.chorus(7),
        "network": plain,
        "partials": gradient.no_partials(chords),
        "performance": showing.player.watch(roll[:16]),
        "recipe": small,
        "recorded": network.record(plain, heard),
        "result": result,
        "roll": roll,
        "room": rules[0],
        "rooms": rules,
        "simple": simple,
        "simple_record": simple_record,
        "simple_step": simple_record[-1],
        "state": state,
        "step": step,
        "table": table,
        "tables": rivals.transition_table.fit_two(np.stack([roll, roll]), 1, 1),
        "feed": rivals.feed_forward.random_network(25, 1, 3, 1),
        "todd": rivals.todd.random_network(1, 26, 3, 1),
        "concert": _improviser(roll),
        "simple25": rivals.simple_rnn.random_network(25, 4, 1),
        "voice": chords.voices[0],
        "soloist": playing.Soloist(made(both)),
    }


def _thing(name: str) -> Callable[[], Any]:
    return lambda: _things()[name]


def _of(name: str, attribute: str) -> Callable[[], Any]:
    return lambda: getattr(_things()[name], attribute)


def _value(value: Any) -> Callable[[], Any]:
    return lambda: value


def _zeros(*shape: int, kind: type = float) -> Callable[[], Any]:
    return lambda: np.zeros(shape, dtype=kind)


def _path(name: str) -> Callable[[], Any]:
    return lambda: f"a_file_of_the_sweep{name}"


def _nothing(*_: Any) -> int:
    return 0


def _reber_stream() -> Any:
    from lstm_from_scratch.machine import tasks

    return tasks.reber_stream(20, 1)


def _duet() -> Any:
    of = importlib.import_module(f"{HOUSE}.playing.duets").Duet
    things = _things()
    return of(things["soloist"].network, things["roll"][0], 1, encoding=INSTANCES["Encoding"]())


def _port() -> Any:
    """A port of mido that gives back what it is sent."""
    return importlib.import_module("mido.ports").EchoPort("echo")


def _network_again() -> Any:
    return _things()["network"]


EXAMPLES: dict[str, Callable[[], Any]] = {
    # By the name of the parameter ...
    "name": _value("chords"),
    "title": _value("A title"),
    "text": _value("words"),
    "description": _value("what is seen"),
    "rng": _value(1),
    "seed": _value(1),
    "form": _thing("form"),
    "network": _thing("network"),
    "topology": _thing("chords"),
    "recipe": _thing("recipe"),
    "result": _thing("result"),
    "method": _thing("method"),
    "state": _thing("state"),
    "step": _thing("step"),
    "partials": _thing("partials"),
    "composer": _thing("soloist"),
    "music": _thing("music"),
    "notes": lambda: _things()["music"].notes,
    "roll": _thing("forward_roll"),
    "rolls": lambda: np.stack([_things()["forward_roll"]] * 2),
    "lines": _thing("lines"),
    "originals": _thing("lines"),
    "numbers": _value((7, 9)),
    "number": _value(7),
    "symbol": _value("F#dim7"),
    "pitch": _value(60),
    "choruses": _value(2),
    "steps": _value(5),
    "test": _value(_nothing),
    "heard": _thing("forward_roll"),
    "path": _path(""),
    "lane": _value(0),
    "rooms": _thing("rooms"),
    "room": _thing("room"),
    "arena": lambda: _things()["arena"].data.copy(),
    "voice": _value("chords"),
    "cells": _value((0, 1)),
    "block": _value(0),
    "x": _zeros(3),
    "y": _zeros(4),
    "seen": _zeros(5, 25),
    "values": _value([1.0, 2.0, 4.0]),
    "signal": lambda: np.sin(np.arange(2205) / 9).astype(np.float32),
    "learned": _value([1, 0, 1]),
    "symbols": _value(("C7",)),
    "chord_staff": _value(True),
    "colour": _value("black"),
    "ax": _thing("axes"),
    "about": _value("a study"),
    "rows": _value(["one", "two"]),
    "duration": _value(1.0),
    "mp3": _value(b"sound"),
    "window": _value(2),
    "units": _value(4),
    "inputs": _value(12),
    "hidden": _of("network", "hidden"),
    "output": _of("network", "output"),
    "table": _thing("table"),
    "given": _value(2),
    "length": _value(8),
    "onward": _value(_nothing),
    "rate": _value(0.01),
    "momentum": _value(0.5),
    "learning_rate": _value(0.01),
    "clip": _value(1.0),
    "temperature": _value(1.0),
    "rule": _value("bptt"),
    "optimiser": _value("adam"),
    "cell": _value("lstm"),
    "outputs": _value("softmax"),
    # ... or, where that says too little, of room and function before it.
    "anatomy.entropy:labels": _value([0, 0, 1]),
    "anatomy.mutual_information:labels": _value([0, 0, 1]),
    "anatomy.knowledge:values": lambda: np.random.default_rng(1).random((2, 96, 3)),
    "anatomy.knowledge:labels": lambda: np.arange(96) // 8,
    "anatomy.freeze:gate": _value("input_gate"),
    "anatomy.freeze:value": _value(0.5),
    "anatomy.place:form": _thing("forward_roll"),
    "anatomy.disturb:form": _thing("forward_roll"),
    "anatomy.disturb:size": _value(0.5),
    "measures.wrong_steps:form": _thing("forward_roll"),
    "measures.in_form:form": _thing("forward_roll"),
    "measures.in_own_chord:roll": _thing("roll"),
    "measures.melody_lines:roll": _thing("roll"),
    "measures.surprise:rolls": lambda: np.stack([_things()["roll"]] * 2),
    "statistics.interval:successes": _value(1),
    "statistics.interval:trials": _value(3),
    "statistics.fisher:successes": _value(1),
    "statistics.fisher:trials": _value(3),
    "statistics.fisher:others": _value(2),
    "statistics.fisher:of": _value(4),
    "statistics.sign:one": _value(3),
    "statistics.sign:other": _value(1),
    "statistics.holm:p_values": _value([0.1, 0.2]),
    "statistics.survival:steps": _value([1.0, 2.0, 3.0]),
    "statistics.median_time:steps": _value([1.0, 2.0, 3.0]),
    "statistics.summary:rows": lambda: [{"learned": "1", "steps": "5"}],
    "bptt.full_gradient:inputs": _thing("forward_roll"),
    "bptt.full_gradient:targets": _thing("forward_roll"),
    "bptt.backward:inputs": _thing("forward_roll"),
    "bptt.backward:targets": _thing("forward_roll"),
    "bptt.backward:truncated": _value(True),
    "bptt.clip_norm:limit": _value(1.0),
    "bptt:gradient": _zeros(2, 3),
    "bptt:weights": _zeros(2, 3),
    "bptt:velocity": _zeros(2, 3),
    "bptt:mean": _zeros(2, 3),
    "bptt:square": _zeros(2, 3),
    "bptt:memory": _zeros(2, 2, 3),
    "bptt:updates": _value(0),
    "bptt:adam": _value(True),
    "compiling.overload:stub": _value(_nothing),
    "episodes.from_rolls:rolls": lambda: np.stack([_things()["forward_roll"]] * 2),
    "episodes.from_episodes:episodes": lambda: _episodes(),
    "episodes.Lessons:rolls": lambda: _episodes(),
    "episodes.Lessons.begin:arena": _thing("arena"),
    "episodes.Lessons.learn:arena": _thing("arena"),
    "episodes.Lessons:rng": lambda: np.random.default_rng(0),
    "episodes.Lessons.learn:fresh": lambda: np.full(1, 1, dtype=np.int64),
    "episodes.Lessons.learn:forgiven": lambda: np.full(1, 9, dtype=np.int64),
    "episodes.Lessons.learn:steps": _value(5),
    "training.train:rolls": _thing("forward_roll"),
    "batches.side_by_side:episodes": lambda: _episodes(),
    "batches.side_by_side:dtype": _value("float32"),
    "machine.batches:batch": lambda: _batch(),
    "plan": lambda: _plan(),
    "fitting.Plan:learning": lambda: _plan().learning,
    "fitting.Fitted:epoch": _value(1),
    "fitting.Fitted:course": _zeros(1, 2),
    "fitting.Fitted:seconds": _value(1.0),
    "fitting.nats:episodes": lambda: _episodes(),
    "fitting.fit:train": lambda: _episodes(),
    "fitting.fit:valid": lambda: _episodes(),
    "corpora:corpus": lambda: _corpus(),
    "corpora.Corpus:train": lambda: _corpus().train,
    "corpora.Corpus:valid": lambda: _corpus().train,
    "corpora.Corpus:test": lambda: _corpus().train,
    "corpora.read:path": lambda: _corpus_file(),
    "corpora.write:path": _path(".npz"),
    "playing.corpora:roll": lambda: _corpus().train[0],
    "corpora.transposed:by": _value(1),
    "corpora.roll_of:frames": _value([(60, 64), (62,)]),
    "foreign.plain_pickle:data": _value(b"]."),
    "foreign.matlab_cells:data": _value(b"MATLAB 5.0".ljust(126) + b"IM"),
    "chorales.play:given": lambda: _things()["forward_roll"][:1],
    "chorales.play:frames": _value(3),
    "chorales.draw_units:chances": _value([0.25, 0.5]),
    "chorales.save:learned": lambda: _learned(),
    "chorales.save:path": _path(".npz"),
    "chorales.load:path": lambda: _learned_file(),
    "chorales.stored:name": _value("jsb_chorales"),
    "questions.corpora:name": _value("jsb_chorales"),
    "questions.corpora:voices": _value(1),
    "questions.corpora:frames": _value(9),
    "questions.corpora:epochs": _value(2),
    "questions.corpora:rule": _value("bptt"),
    "questions.corpora:sets": lambda: [_episodes()] * 3,
    "questions.corpora:batch": lambda: _batch(),
    "extensions.extended_forward:inputs": lambda: _things()["forward_roll"][0],
    "extensions.extended_forward:onward": lambda: lambda *_: _things()["step"],
    "extensions.extended_step_gradient:onward": lambda: lambda *_: None,
    "extensions.late_sources:sources": lambda: _things()["step"].sources,
    "extensions.late_sources:cell_state": lambda: _things()["step"].cell_state,
    "extensions:prediction": _value([0.5, 0.25]),
    "extensions:target": _value([1.0, 0.0]),
    "extensions.extended_step_gradient:target": lambda: _things()["forward_roll"][1],
    "extensions.check_one_unit_on:targets": _thing("forward_roll"),
    "gradient.cross_entropy:prediction": _value([0.5, 0.25]),
    "gradient.cross_entropy:target": _value([1.0, 0.0]),
    "gradient.step_gradient:target": lambda: _things()["forward_roll"][1],
    "interop.from_parameters:parameters": lambda: _parameters(),
    "interop:network": lambda: _one_cell(),
    "interop.from_torch:lstm": lambda: _torch()[0],
    "interop.from_torch:linear": lambda: _torch()[1],
    "kernel.draw_unit:outputs": _value([0.25, 0.5]),
    "kernel:draw": _value(0.5),
    "kernel.Arena.set_learning:voice": _value(0),
    "kernel.Arena.train:orders": _zeros(1, 9, kind=np.int64),
    "kernel.Arena.train:forgiven": lambda: np.full(1, 9, dtype=np.int64),
    "kernel.Arena.begin:episode": _value(0),
    "kernel.Arena.train:rolls": lambda: np.stack([_things()["forward_roll"]] * 2),
    "layout.Room:lanes": _value(1),
    "layout.Room:start": _value(0),
    "layout.Room:first": _value(0),
    "layout.Room:outputs": _value(3),
    "layout.Room:blocks": _value(2),
    "layout.Room:cells": _value(2),
    "layout.Room:heard": _value(((0, 4),)),
    "layout.Room:at": _value(0),
    "layout.Room:softmax": _value(False),
    "layout.Room:rule": _value("at once"),
    "layout.Room:peepholes": _value(False),
    "layout.Room.place:name": _value("hidden"),
    "layout.Room.view:name": _value("hidden"),
    "layout.heard_by:voice": _thing("voice"),
    "layout.rooms:lanes": _value(1),
    "layout.zeros:count": _value(9),
    "machine.storing.json_object:text": _value("{}"),
    "machine.storing:values": lambda: {"chords": 1},
    "machine.storing.entry:key": _value("chords"),
    "machine.storing.listed:values": _value([1]),
    "machine.storing.made:kind": lambda: importlib.import_module(f"{HOUSE}.machine").Learning,
    "machine.storing.made:values": _value({}),
    "machine.storing.shipped:place": lambda: _stored("machine", "experiment_1").parent,
    "machine.storing.shipped:name": _value("experiment_1"),
    "machine.storing.shipped:load": _value(str),
    "machine.storing.shipped:missing": _value("no stored network"),
    "machine.storing.Archive:path": lambda: str(_stored("machine", "experiment_1")),
    "machine.storing.Archive.header:name": _value("hidden"),
    "machine.storing.Archive.array:name": _value("hidden"),
    "machine.storing.Archive.array:kind": _value("f"),
    "machine.storing.Archive.array:shape": _value((20, 21)),
    "machine.storing.Archive.text:name": _value("about"),
    "network.Voice:blocks": _value((2, 1)),
    "network.Topology:voices": lambda: (_things()["voice"],),
    "network.Topology.cell_range:which": _value("g"),
    "network.forward:inputs": lambda: _things()["forward_roll"][0],
    "packing.matrix:name": _value("hidden"),
    "recipes.Recipe:voices": lambda: (_things()["learning"],),
    "recipes.Recipe.anew_after:learned_at": _value(0),
    "squashing:low": _value(-1.0),
    "squashing:high": _value(1.0),
    "training.Curve:steps": _value([1]),
    "training.Curve:cross_entropy": _value([[1.0]]),
    "training.Curve:gross_errors": _value([1]),
    "training.Curve:resets": _value([1]),
    "training.Curve:choruses": _value([1]),
    "training.Result:learned_at": _value(0),
    "training.Result:steps": _value(9),
    "training.Result:seconds": _value(1.0),
    "training.Result:curve": _of("result", "curve"),
    "training.initial_network:rngs": lambda: [np.random.default_rng(1)],
    "training.load:path": lambda: str(_stored("machine", "experiment_1")),
    "training.stored:name": _value("experiment_1"),
    "audio.seconds:step": _value(3),
    "audio.write_audio:path": _path(".wav"),
    "audio.Choice:players": lambda: {"one": _player()},
    "blues.Form:chords": _value(("C7", "F7")),
    "blues.split:size": _value(3),
    "encoding.Encoding.encode:steps": _value(96),
    "encoding.Encoding:roll": _thing("roll"),
    "encoding.Encoding.decode:roll": _thing("roll"),
    "encoding.Encoding.check:roll": _thing("roll"),
    "articulation:steps": _value(192),
    "articulation:grid": _value(8),
    "articulation:onto": _value(16),
    "articulation:wanted": _value(16),
    "articulation.Ends.decode:roll": _thing("roll"),
    "articulation.Begins.decode:roll": _zeros(5, 50),
    "midi.write_midi:path": _path(".mid"),
    "midi.read_midi:path": lambda: str(_midi()),
    "midi.read_tracks:path": lambda: str(_midi()),
    "encoding.Encoding.voices:roll": _thing("roll"),
    "tune": lambda: _tune(),
    "tunes": lambda: [_tune()],
    "where": _value("a file"),
    "division": _value(480),
    "metres": lambda: _tune().metres,
    "tick": _value(480),
    "paths": lambda: [str(_midi())],
    "material": lambda: _material(),
    "piece": lambda: _improvised(),
    "source.Remarks.add:what": _value("A note was dropped"),
    "tunes.source.bar_at:pickup": _value(0),
    "tunes.source.bar_at:ticks_to_a_whole_note": _value(1920),
    "tunes.smf.from_midi:data": lambda: _midi().read_bytes(),
    "tunes.unpacking:data": lambda: _sheet().encode(),
    "tunes.repeats:parts": lambda: _score_parts(),
    "tunes.repeats:count": _value(4),
    "tunes.repeats:remarks": lambda: _remarks(),
    "tunes.musicxml:data": lambda: _sheet().encode(),
    "symbols.among_texts:texts": lambda: {"marker": [(0, "C7")]},
    "symbols.sounding:low": _value(48),
    "symbols.sounding:symbols": _value(((0, "C7"),)),
    "tunes.grid:notes": _value([(60, 0, 480)]),
    "tunes.grid:found": lambda: _fitted(),
    "tunes.grid:remarks": lambda: _remarks(),
    "tunes.grid.rounded:step": _value(2.4),
    "tunes.voices:parts": lambda: _tune().parts,
    "tunes.voices:wanted": _value("melody"),
    "tunes.voices:what": _value("melody"),
    "tunes.voices:melody": _value(None),
    "tunes.voices:chords": _value(None),
    "tunes.voices:from_symbols": _value(None),
    "tunes.tune:symbols": _value(((0, "C7"),)),
    "tunes.tune:grid": _value(8),
    "tunes.tune:pickup": _value(0),
    "tunes.tune.Tune:steps": _value(96),
    "tunes.tune.bar_lines:steps": _value(96),
    "tunes.tune:semitones": _value(2),
    "tunes.tune:low": _value(40),
    "tunes.tune:high": _value(90),
    "tunes.reading.read:path": lambda: str(_midi()),
    "tunes.writing.write:path": _path(".mid"),
    "tunes.sheet.write_musicxml:path": _path(".musicxml"),
    "tunes.sheet.pdf:path": _path(".pdf"),
    "drawing.in_page:sheet": lambda: _sheet(),
    "drawing.on_paper:sheet": lambda: _sheet(),
    "drawing.on_paper:path": _path(".pdf"),
    "playing.material.Material:form": lambda: _tune(),
    "playing.material.Material:way": _value("bars"),
    "playing.material:encoding": lambda: _tune().encoding,
    "playing.material.Material:choices": lambda: _material().choices,
    "playing.material.Material:own": lambda: _material().own,
    "playing.material.Material.lines:count": _value(2),
    "playing.players.stored:name": _value("by-heart"),
    "playing.material.Material.rolls:lines": lambda: _material().own,
    "playing.material.bars_of:rows": lambda: _material().own[0],
    "playing.learning.recipe_for:encoding": lambda: _tune().encoding,
    "playing.learning.recipe_for:form": lambda: _tune(),
    "playing.players.as_json:of": lambda: _material(),
    "playing.players.Piece:player": lambda: _improvised().player,
    "playing.players.Piece:roll": lambda: _improvised().roll,
    "playing.players.Player:result": lambda: _improvised().player.result,
    "playing.players.Player.save:path": _path(".npz"),
    "playing.duets.Hands:single": _value(True),
    "playing.duets:unit": _value(3),
    "playing.duets:time": _value(1.5),
    "playing.duets:until": _value(1.5),
    "playing.duets.Duet:network": lambda: _things()["soloist"].network,
    "playing.duets.Duet:first": lambda: _things()["roll"][0],
    "playing.duets.Duet:encoding": lambda: INSTANCES["Encoding"](),
    "playing.duets.Duet.go_on:heard": _value((1,)),
    "playing.live:duet": lambda: _duet(),
    "playing.live:encoding": lambda: INSTANCES["Encoding"](),
    "playing.live:source": lambda: _port(),
    "playing.live:sink": lambda: _port(),
    "playing.live.MachineClock.wait:until": _value(0.0),
    "playing.ports.open_port:kind": _value("input"),
    "playing.ports:port": lambda: _port(),
    "playing.ports:channel": _value(1),
    "playing.ports:program": _value(4),
    "playing.ports:velocity": _value(80),
    "playing.players.load:path": lambda: str(_player_file()),
    "playing.saving.save:paths": lambda: ["a_file_of_the_sweep.mid"],
    "training.carried:path": lambda: str(_player_file()),
    "drawing.Sheet:svg": _value("<svg/>"),
    "drawing.Sheet.save:path": _path(".svg"),
    "drawing.Undrawn.save:path": _path(".svg"),
    "drawing.pdf:path": _path(".pdf"),
    "engraving.Shape.patch:height": _value(10.0),
    "engraving.Shape.patch:scale": _value(1.0),
    "engraving.engrave:sheet": lambda: _sheet(),
    "engraving.engrave:options": lambda: {"pageWidth": 1400, "pageHeight": 60000},
    "engraving.lettering:x": _value(1.0),
    "engraving.lettering:y": _value(1.0),
    "engraving.lettering:size": _value(9.0),
    "rhythm.sliced:cuts": _value((0, 8)),
    "rhythm.noteheads:bars": _value(12),
    "rhythm.noteheads:notes": lambda: _things()["music"].melody,
    "rhythm.beamed:heads": _thing("heads"),
    "spelling.spell:note": lambda: _things()["music"].melody[0],
    "spelling.spell:names": lambda: {n: (7 * n + 5) % 12 - 5 for n in range(12)},
    "spelling.names_at:step": _value(3),
    "staves.struck:notes": lambda: _things()["music"].chords,
    "staves.kind_of:parts": _value(("chords", "melody")),
    "writing.write_musicxml:path": _path(".musicxml"),
    "composing.Soloist.predict:roll": _thing("roll"),
    "composing.Soloist.go_on:seed": lambda: _things()["roll"][:2],
    "composing.choose:outputs": _value([0.25, 0.75, 0.5, 0.5]),
    "composing.choose:chords": _value(2),
    "composing.choose:draw": _value(0.5),
    "composing.choose:chosen": _zeros(4),
    "composing.checked_seed:seed": lambda: _things()["roll"][:2],
    "composing.free_run:seed": lambda: _things()["forward_roll"][:2],
    "composing.compose:network": _thing("both"),
    "composing.play_along:voices": _value(("chords",)),
    "feed_forward.FeedForward:hidden": _of("feed", "hidden"),
    "feed_forward.FeedForward:output": _of("feed", "output"),
    "feed_forward.FeedForward.predict:roll": _thing("roll"),
    "feed_forward.FeedForward.go_on:seed": lambda: _things()["roll"][:2],
    "feed_forward:network": _thing("feed"),
    "feed_forward.gradient:targets": _zeros(5, 25),
    "feed_forward.train:method": lambda: _feed_method(),
    "todd.SequentialNetwork:hidden": _of("todd", "hidden"),
    "todd.SequentialNetwork:output": _of("todd", "output"),
    "todd.SequentialNetwork:decay": _value(0.5),
    "todd.SequentialNetwork.predict:roll": _thing("roll"),
    "todd.SequentialNetwork.go_on:seed": lambda: _things()["roll"][:2],
    "todd:network": _thing("todd"),
    "todd:notes": _value([(60, 0, 2)]),
    "todd:played": _zeros(4, 14),
    "todd:lines": _zeros(4, 26),
    "todd:decay": _value(0.5),
    "todd:seen": _zeros(5, 27),
    "todd:targets": _zeros(5, 26),
    "todd:plan": _zeros(1),
    "todd:outputs": _value(14),
    "todd:units": _value(3),
    "todd:pitches": _value(tuple(range(60, 73))),
    "concert:events": _value(2),
    "note_table.NoteTable:order": _value(1),
    "older:key": _value(3),
    "older:pieces": _value(4),
    "todd:plans": _value(1),
    "todd.with_begins:roll": _thing("roll"),
    "todd.train:method": lambda: _todd_method(),
    "todd.train:pieces": _zeros(2, 96, 26),
    "todd.train:plans": _zeros(2, 1),
    "concert.Concert:hidden": lambda: _things()["concert"].network.hidden,
    "concert.Concert:output": lambda: _things()["concert"].network.output,
    "concert:keeps": _zeros(3),
    "concert:codes": lambda: _things()["concert"].network.codes,
    "concert:network": lambda: _things()["concert"].network,
    "concert:chords": lambda: _things()["concert"].chords,
    "concert:event": _zeros(3, kind=int),
    "concert:before": _zeros(3),
    "concert:context": _zeros(3),
    "concert:piece": _zeros(2, 3, kind=int),
    "concert:given": _zeros(2, 3, kind=int),
    "concert.Improviser.predict:roll": _thing("roll"),
    "concert.Improviser.go_on:seed": lambda: _things()["roll"][:2],
    "concert.pieces_of:rolls": lambda: _things()["roll"][None],
    "concert.train:method": lambda: _concert_method(),
    "concert.train:pieces": lambda: [np.zeros((2, 3), dtype=int)],
    "codes:pitches": _value((60, 64)),
    "codes:durations": _value((1, 2)),
    "codes:chords": _zeros(2, 12),
    "codes:steps_per_beat": _value(2),
    "events:rolls": lambda: _things()["roll"][None],
    "events:roll": _thing("roll"),
    "events:chords": lambda: _things()["concert"].chords,
    "events:played": lambda: [_event()],
    "note_table.NoteTable:chords": lambda: _things()["concert"].chords,
    "note_table.NoteTable:counts": _value({}),
    "note_table.NoteTable.predict:roll": _thing("roll"),
    "note_table.NoteTable.go_on:seed": lambda: _things()["roll"][:2],
    "note_table.NoteTable.following:past": _value(()),
    "note_table.fit:rolls": lambda: _things()["roll"][None],
    "older:who": _value("table-3"),
    "older.make:who": _value("note-table-3"),
    "older.composed:who": _value("note-table-3"),
    "older:music": _zeros(2, 8, kind=int),
    "older:asked": _zeros(2, 8, kind=int),
    "layers:weights": _zeros(3, 8),
    "layers:across": _zeros(8, 3),
    "layers:first": _value(0),
    "layers:count": _value(3),
    "layers:net": _zeros(8),
    "layers:stretch": _value(1.0),
    "layers:deltas": _zeros(3),
    "layers:gradient": _zeros(3, 8),
    "layers.back_across:gradient": _zeros(8, 3),
    "layers:p": _zeros(4),
    "layers:target": _zeros(3),
    "layers:into": _zeros(4),
    "random_walk.Walk.predict:roll": _thing("roll"),
    "random_walk.Walk.go_on:seed": lambda: _things()["roll"][:2],
    "rehearsal.Result:learned": _value(True),
    "rehearsal.Result:steps": _value(9),
    "rehearsal.Result:seconds": _value(1.0),
    "rehearsal.Result:curve": lambda: _curve(),
    "rehearsal:weights": _zeros(3, 4),
    "rehearsal.rehearse:network": _value(_network_again),
    "rehearsal.stream:network": _value(_network_again),
    "rehearsal.rehearse:learn": lambda: lambda steps: _lesson(),
    "rehearsal.stream:learn": lambda: lambda order, share: 0.0,
    "simple_rnn.SimpleNetwork:hidden": _of("simple", "hidden"),
    "simple_rnn.SimpleNetwork:output": _of("simple", "output"),
    "simple_rnn.SimpleNetwork.predict:roll": _thing("roll"),
    "simple_rnn.SimpleNetwork.go_on:seed": lambda: _things()["roll"][:2],
    "simple_rnn:network": _thing("simple"),
    "simple_rnn.forward:before": _zeros(4),
    "simple_rnn.forward:inputs": _zeros(12),
    "simple_rnn.listen:inputs": _zeros(5, 12),
    "simple_rnn.error_flow:steps": _thing("simple_record"),
    "simple_rnn.error_flow:target": _zeros(12),
    "simple_rnn.full_gradient:steps": _thing("simple_record"),
    "simple_rnn.full_gradient:targets": _zeros(5, 12),
    "simple_rnn:influence": _zeros(4, 4, 17),
    "simple_rnn:step": _thing("simple_step"),
    "simple_rnn.step_gradient:target": _zeros(12),
    "simple_rnn.free_run:seed": _zeros(2, 12),
    "simple_rnn.train_stream:strict": _value(12),
    "simple_rnn_compiled:weights": _zeros(16, 17),
    "simple_rnn_compiled:memory": _zeros(2, 16, 17),
    "simple_rnn_compiled:y": _zeros(4),
    "simple_rnn_compiled:counts": _zeros(5, kind=np.int64),
    "simple_rnn_compiled:order": _zeros(2, kind=np.int64),
    "simple_rnn_compiled:strict": _value(12),
    "simple_rnn_compiled:forgiven": _value(8),
    "simple_rnn_compiled:fresh": _value(8),
    "simple_rnn_compiled:adam": _value(True),
    "simple_rnn_compiled:influence": _zeros(4, 96),
    "simple_rnn_compiled:chords": _value(12),
    "simple_rnn_compiled.play:draws": _zeros(96),
    "simple_rnn_compiled.play:predictions": _zeros(96, 12),
    "simple_rnn_compiled.play:roll": lambda: np.zeros((96, 12)),
    "simple_rnn_compiled.play:chords": _value(6),
    "storing.save:network": _thing("simple"),
    "storing.save:path": _path(".npz"),
    "storing.load:path": lambda: str(_stored("rivals", "simple-network")),
    "storing.stored:name": _value("simple-network"),
    "transition_table.TransitionTable:steps": _of("table", "steps"),
    "transition_table.TransitionTable:order": _value(1),
    "transition_table.TransitionTable:counts": _of("table", "counts"),
    "transition_table.TransitionTable.following:context": _value((0,)),
    "transition_table.TransitionTable.predict:roll": _thing("roll"),
    "transition_table.TransitionTable.go_on:seed": lambda: _things()["roll"][:2],
    "transition_table.TwoTables:chords": _of("tables", "chords"),
    "transition_table.TwoTables:melody": _of("tables", "melody"),
    "transition_table.TwoTables.predict:roll": _thing("roll"),
    "transition_table.TwoTables.go_on:seed": lambda: _things()["roll"][:2],
    "transition_table.fit:music": _thing("lines"),
    "transition_table.fit_two:music": lambda: np.stack([_things()["roll"]] * 2),
    "transition_table.fit_two:chords": _value(1),
    "transition_table.fit_two:melody": _value(1),
    "displays.chorus:chorus": _thing("music"),
    "cells.activations:steps": _thing("recorded"),
    "curves.learning_curve:steps": _value([1.0, 2.0, 3.0]),
    "curves.survival_curve:times": _value([0.0, 2.0, 3.0]),
    "curves.survival_curve:share": _value([1.0, 0.5, 0.25]),
    "curves.learning_times:groups": lambda: {"one": ([1.0, 2.0], [True, False])},
    "curves.number_table:values": _value([[1.0, 2.0], [3.0, 4.0]]),
    "curves.number_table:columns": _value(["one", "two"]),
    "look.label_bars:steps": _value(96),
    "look.label_bars:bar": _value(8),
    "look.label_bars:first_bar": _value(1),
    "look.name_at_right:pitch": _value(60.0),
    "rolls.form_map:shares": _zeros(2, 96),
    "listening.equally_loud:signals": lambda: [np.sin(np.arange(2205) / 9)] * 2,
    "listening.gap_by_dice:sources": _value(2),
    "listening.gap_by_dice:each": _value(2),
    "listening.BlindTest:sources": _value(("one", "two")),
    "listening.BlindTest:samples": _value(()),
    "listening.BlindTest:bar": _value(2.0),
    "listening.BlindTest:bars": _value(12),
    "listening.BlindTest:last": _value(11),
    "listening.blind_test:music": lambda: dict.fromkeys("ab", (_things()["music"],)),
    "player.bars:count": _value(20),
    "performing.Performance:steps": _value(16),
    "performing.Performance:markup": _value(("<p>", "</p>")),
    "performing.Performance.save:path": _path(".html"),
    "performing.watch:roll": lambda: _things()["roll"][:8],
    "performing.hear:music": _thing("music"),
    "movable.decay.error_left:left": lambda: 0.5 ** np.ones((2, 20)),
    "movable.decay.error_left:weight": _value(0.5),
    "movable.latch.memory_block:network": lambda: _one_cell((1,)),
    "movable.latch.memory_block:roll": _zeros(9, 3),
    "movable.online.online_step:network": lambda: _one_cell(),
    "movable.online.online_step:inputs": _zeros(9, 3),
    "movable.online.online_step:targets": _zeros(9, 3),
    "movable.online.online_step:first": _value(1),
    "movable.online.online_step:source": _value(0),
    "movable.online.online_step:output": _value(0),
    "movable.page.figure:kind": _value("decay"),
    "movable.page.figure:picture": _value("<svg></svg>"),
    "movable.page.figure:controls": _value(""),
    "movable.page.figure:caption": _value("what is seen"),
    "movable.page.figure:data": _value({}),
    "movable.page.svg:width": _value(10),
    "movable.page.svg:height": _value(10),
    "movable.page.svg:parts": _value(["<path/>"]),
    "movable.page.words:x": _value(1.0),
    "movable.page.words:y": _value(1.0),
    "movable.page.words:said": _value("words"),
    "movable.page.words:kind": _value("end"),
    "movable.page.number:value": _value(0.5),
    "movable.page.power:exponent": _value(-3),
    "scenes.Scene:markup": _value("<p></p>"),
    "scenes.play_with_it:beginning": lambda: _things()["roll"][:1],
    "scenes.play_with_it:network": lambda: _things()["soloist"].network,
    "scenes.endless:beginning": lambda: _things()["roll"][:2],
    "scenes.endless:network": lambda: _things()["soloist"].network,
    "source.Source:code": _value("x = 1"),
    "source.show:thing": lambda: importlib.import_module(f"{HOUSE}.music.midi").tracks,
    "checking.cost:row": lambda: {"seconds": "1.5", "steps": "5"},
    "checking.draw:rows": lambda: {"cycles": [{"seed": "7", "seconds": "1.5"}]},
    "checking.draw:budget": _value(1.0),
    "checking.report:results": _value([]),
    "experiments.judge:seed": _value(1),
    "experiments.Study:run": _value(_nothing),
    "experiments.Study:row": _thing("kind_of_row"),
    "experiments.Study:seeds": _value(range(2)),
    "experiments.wrong_chords:roll": _thing("roll"),
    "parallel.duration:seconds": _value(5.0),
    "parallel.reported:results": _value([]),
    "parallel.reported:total": _value(0),
    "composers:composer": _value("random-walk"),
    "kernel.predict:inputs": lambda: _things()["forward_roll"],
    "tasks.reber_follows:string": _value("BTBPVVETE"),
    "tasks.reber_stream:symbols": _value(30),
    "tasks.follows_grammar:stream": lambda: _reber_stream(),
    "tasks.counted:n": _value(3),
    "tasks.spikes:interval": _value(10),
    "tasks:forget": _value("none"),
    "tasks:cleared": _value("error"),
    "tasks.follows_grammar:cleared": _value(True),
    "tasks:peepholes": _value(1),
    "controls:forget": _value("open"),
    "controls:g": _value(1.0),
    "controls:reach": _value(0.1),
    "controls:blocks": _value(2),
    "controls:cells": _value(2),
    "controls:form": _value("our blues"),
    "controls.own_form:recipe": _value("recommended"),
    "crossed.best:rows": _value([]),
    "improvising:network": _thing("both"),
    "improvising.ends:music": _thing("choruses"),
    "improvising.cause:reads": _value(1),
    "improvising.of_size:size": _value(16),
    "learning.ingredient:change": _value("none"),
    "learning.of_form:name": _value("our blues"),
    "learning.restarts:forgiven": _value(8),
    "learning.restarts:restart": _value(10),
    "study.run:name": lambda: _study(),
    "study.header:name": _value("starts"),
    "study": lambda: _study(),
    "tables.stored:name": _value("experiment-1"),
    "tables:row": lambda: {"seed": "1"},
    "tables.append:row": _value((1, 2)),
    "tables.as_text:value": _value(2.5),
    "tables.column:rows": lambda: [{"chords": "1"}],
    "tables:file": lambda: _file(),
    "tables:comments": _value(["# one"]),
    "tables.comment:text": _value("# one"),
    "tables:columns": _value(["seed"]),
    "rhythms:rhythm": _value("111131224"),
    "rhythms:beat": _value(4),
    "rhythms:repetitions": _value(2),
    "rhythms:noise": lambda: _noise(),
    "rhythms.onsets_of:music": lambda: {"melody": _things()["music"].melody},
    "rhythms.together:times": lambda: np.array([0.0, 0.01, 0.5]),
    "oscillator:pulses": _zeros(5, 3),
    "oscillator:epsilon": lambda: np.full(3, 0.002),
    "oscillator:v": _zeros(3),
    "oscillator:w": _zeros(3),
    "oscillator.firings:heard": lambda: [(np.arange(4) / 2, np.ones(4))] * 2,
    "oscillator.firings:periods": lambda: np.full(2, 0.6),
    "oscillator.firings:strengths": lambda: np.full(2, 0.2),
    "oscillator:seconds": _value(0.8),
    "beats:onsets": lambda: np.arange(6) / 2,
    "finding:onsets": lambda: np.arange(6) / 2,
    "finding:beats": lambda: np.arange(6) / 2,
    "finding:truth": lambda: np.arange(6) / 2,
    "finding.loudness:notes": _value(None),
    "finding:beat": _value(0.5),
    "finding:seconds": _value(0.5),
    "finding.oscillators:rhythms": lambda: [np.arange(6) / 2],
    "finding.best:found": lambda: [np.arange(6) / 2],
    "finding.banks:rhythms": lambda: [np.arange(6) / 2],
    "finding.banks:usual": _value([0.5]),
    "path.by_path:onsets": lambda: np.arange(6) / 2,
    "timing.on_beats:source": lambda: _source(),
    "timing.on_beats:beat": _value("follow"),
    "timing.on_beats:remarks": lambda: _remarks(),
    "questions.finer:way": _value("ends"),
    "questions.finer:form": _value("our blues in sixteenths"),
    "questions.finer:inputs": _value("around zero"),
    "questions.finer:time_as": _value("notes"),
    "questions.finer:forgiven": _value(8),
    "questions.finer:mean": _zeros(12),
    "questions.finer:deviation": lambda: np.ones(12),
    "questions.beats:kind": _value("jitter"),
    "questions.beats:amount": _value(0.02),
    "questions.beats:reading": _value("follow"),
    "questions.beats:beat": _value("follow"),
    "questions.beats:beats": lambda: np.arange(6) / 2,
    "questions.beats:rhythm": _value("111131224"),
    "questions.beats:played": lambda: _performed(),
    "questions.beats:music": lambda: {"melody": _things()["music"].melody},
    "kalman:grouping": _value("unit"),
    "kalman:task": _value("counting"),
    "kalman:filtering": lambda: _filtering(),
    "kalman:row": _zeros(672),
    "kalman.uncertain:filtering": lambda: _filtering(),
    "kalman.measured:row": _zeros(3),
    "kalman.measured:covariances": lambda: (np.eye(1), np.eye(2)),
    "kalman.measured:derivatives": _zeros(2, 3),
    "kalman.measured:error": _zeros(2),
    "kalman.measured:measurement": _value(1.0),
    "kalman.expect_covariance:covariance": lambda: np.eye(2),
    "kalman.expect_covariance:group": _value(0),
    "kalman.rmsprop:row": _zeros(3),
    "kalman.rmsprop:square": _zeros(3),
    "kalman.rmsprop:gradient": _zeros(3),
    "kalman.rmsprop:how": lambda: _rmsprop(),
    "kalman.learn:mind": lambda: _mind(),
    "kalman.learn:inputs": _zeros(12),
    "kalman.learn:target": _zeros(12),
    "kalman_training:how": lambda: _rmsprop(),
    "kalman_training.named:group": _value(0),
    "kalman_training:packed": lambda: _packed_roll(),
    "kalman_training:orders": _zeros(1, 6, kind=int),
    "kalman_training:forgiven": lambda: np.array([8]),
    "kalman_training:episode": _value(0),
    "kalman_training.train:rolls": _thing("forward_roll"),
    "questions.kalman:restart": _value(2),
    "questions.kalman:rule": _value("filter"),
    "questions.kalman.flops:rule": _value("filter"),
    "questions.kalman:blocks": _value(1),
}


def _kalman() -> Any:
    return importlib.import_module(f"{HOUSE}.machine.kalman")


def _filtering() -> Any:
    return _kalman().Filtering()


def _rmsprop() -> Any:
    return _kalman().RMSProp()


def _mind() -> Any:
    return _kalman().beginning(_things()["network"], _filtering())


def _packed_roll() -> Any:
    packing = importlib.import_module(f"{HOUSE}.machine.episodes")
    return packing.from_rolls(_things()["forward_roll"][None])


def _learner() -> Any:
    training = importlib.import_module(f"{HOUSE}.machine.kalman_training")
    return training.Learner(_things()["network"], _rmsprop())


def _parameters() -> Any:
    from lstm_from_scratch.machine import interop

    return interop.to_parameters(_one_cell())


def _episodes() -> Any:
    """Two episodes of music, as a list."""
    from lstm_from_scratch.machine.episodes import Episode

    roll = _things()["forward_roll"]
    return [Episode(roll[:-1], roll[1:])] * 2


def _batch() -> Any:
    from lstm_from_scratch.machine import batches

    return batches.side_by_side(_things()["chords"], _episodes())


def _plan() -> Any:
    from lstm_from_scratch.machine import fitting

    return fitting.Plan(_things()["chords"], epochs=1)


@functools.cache
def _corpus() -> Any:
    from lstm_from_scratch.playing import corpora

    piece = corpora.roll_of([(60,), (60, 64), (72,)])
    return corpora.Corpus("of the sweep", (piece,), (piece,), (piece,))


@functools.cache
def _corpus_file() -> str:
    from lstm_from_scratch.playing import corpora

    return str(corpora.write(_corpus(), _folder() / "a_corpus_of_the_sweep.npz"))


def _learned() -> Any:
    from lstm_from_scratch.playing import chorales

    return chorales.Learned(_things()["network"], "of the sweep", "", 1.0, "by hand")


@functools.cache
def _learned_file() -> str:
    from lstm_from_scratch.playing import chorales

    path = _folder() / "a_network_of_the_sweep.npz"
    chorales.save(_learned(), path)
    return str(path)


def _lessons() -> Any:
    from lstm_from_scratch.machine.episodes import Lessons

    return Lessons(_things()["chords"], _episodes(), np.random.default_rng(0))


def _one_cell(blocks: tuple[int, ...] = (1, 1)) -> Any:
    from lstm_from_scratch import machine

    t = machine.Topology((machine.Voice("one", 3, blocks),))
    return machine.Network(t, np.zeros(t.hidden_mask.shape), np.zeros(t.output_mask.shape))


def _torch() -> Any:
    """Two modules as those of PyTorch, which need not be installed."""

    class Tensor(np.ndarray):
        def detach(self) -> Any:
            return self

        cpu = detach

        def numpy(self) -> np.ndarray:
            return np.asarray(self)

    class LSTM:
        num_layers, bidirectional, bias, proj_size = 1, False, True, 0

    class Linear:
        pass

    lstm, linear = LSTM(), Linear()
    for name, array in _parameters()._asdict().items():
        setattr(linear if name in ("weight", "bias") else lstm, name, array.view(Tensor))
    return lstm, linear


def _stored(wing: str, name: str) -> Path:
    return Path(lstm_from_scratch.__path__[0]) / wing / "trained" / f"{name}.npz"


def _player() -> Any:
    from lstm_from_scratch.music import audio

    return audio.Player("one", 1.0, b"sound")


@functools.cache
def _midi() -> Path:
    from lstm_from_scratch import music

    return music.write_midi(music.chorus(7), _folder() / "a_file_to_read.mid")


@functools.cache
def _tune() -> Any:
    from lstm_from_scratch.music import tunes

    return tunes.read(_midi(), bars=(1, 2))


def _fitted() -> Any:
    from lstm_from_scratch.music.tunes import grid

    return grid.Fit(8, "exactly")


def _noise() -> Any:
    from lstm_from_scratch.music.beats import rhythms

    return rhythms.Noise(0.01, 0.1, 0.1)


def _performed() -> Any:
    from lstm_from_scratch.music.beats import rhythms

    return rhythms.perform("111131224", 8, _noise(), 1)


def _source() -> Any:
    from lstm_from_scratch.music.tunes import smf

    return smf.from_midi(_midi().read_bytes(), "a file")


def _remarks() -> Any:
    from lstm_from_scratch.music.tunes import source

    return source.Remarks()


@functools.cache
def _material() -> Any:
    from lstm_from_scratch.playing import material

    return material.material([_tune()])


@functools.cache
def _improvised() -> Any:
    """A piece of a player that has not learned much."""
    from lstm_from_scratch.playing import learning

    player = learning.learn(_tune(), give_up_after=96, progress=False)
    return player.improvise(1, 1)


@functools.cache
def _player_file() -> Path:
    path = _folder() / "a_player_to_read.npz"
    _improvised().player.save(path)
    return path


def _score_parts() -> list[Any]:
    from lstm_from_scratch.music.tunes.unpacking import root_of

    return root_of(_sheet().encode(), "a file").findall("part")


@functools.cache
def _sheet() -> str:
    from lstm_from_scratch.music import score

    return score.musicxml(_things()["music"])


def _feed_method() -> Any:
    from lstm_from_scratch.rivals import feed_forward

    return feed_forward.Method(max_steps=96, test_every=96, units=3)


def _todd_method() -> Any:
    from lstm_from_scratch.rivals import todd

    return todd.Method(max_steps=96, test_every=96, units=3)


def _concert_method() -> Any:
    from lstm_from_scratch.rivals import concert

    return concert.Method(max_steps=1, test_every=1, keeps=(0.0, 0.5))


def _event() -> Any:
    from lstm_from_scratch.rivals import events

    return events.Event(0, 2, 0)


def _note_table() -> Any:
    from lstm_from_scratch.rivals import note_table

    return note_table.fit(_things()["roll"][None], 1)


def _improviser(roll: np.ndarray) -> Any:
    """CONCERT with three context units, for the chords of a roll."""
    from lstm_from_scratch.rivals import concert, events

    chords = events.chords_in(roll[None])
    network = concert.random_network(concert.blues_codes(chords), np.zeros(3), 1)
    return concert.Improviser(network, chords)


def _curve() -> Any:
    from lstm_from_scratch.rivals import rehearsal

    return rehearsal.Curve(*np.zeros((5, 1)))


def _lesson() -> Any:
    from lstm_from_scratch.rivals import rehearsal

    return rehearsal.Lesson(0.0, 0, 0)


def _study() -> Any:
    from lstm_from_scratch.studies import experiments

    row = _things()["kind_of_row"]
    return experiments.Study("a study of the sweep", row, row, range(2), name="a_study")


@functools.cache
def _file() -> Any:
    return open(_folder() / "a_table_of_the_sweep.csv", "ab", buffering=0)


INSTANCES: dict[str, Callable[[], Any]] = {
    "Duet": lambda: _duet(),
    "Hands": lambda: importlib.import_module(f"{HOUSE}.playing.duets").Hands(True),
    "MachineClock": lambda: importlib.import_module(f"{HOUSE}.playing.live").MachineClock(),
    "Notes": lambda: importlib.import_module(f"{HOUSE}.playing.ports").Notes(_port()),
    "Archive": lambda: importlib.import_module(f"{HOUSE}.machine.storing").Archive(
        _stored("machine", "experiment_1")
    ),
    "Arena": _thing("arena"),
    "Lessons": lambda: _lessons(),
    "Learner": lambda: _learner(),
    "Filtering": lambda: _filtering(),
    "Room": _thing("room"),
    "Recipe": _thing("recipe"),
    "Topology": _thing("chords"),
    "Encoding": lambda: importlib.import_module(f"{HOUSE}.music").CHORDS_AND_MELODY,
    "Ends": lambda: importlib.import_module(f"{HOUSE}.music").Ends(),
    "Begins": lambda: importlib.import_module(f"{HOUSE}.music").Begins(),
    "Sheet": lambda: importlib.import_module(f"{HOUSE}.music.score").Sheet("a", "b", "<svg/>"),
    "Undrawn": lambda: importlib.import_module(f"{HOUSE}.music.score").Undrawn("a", "b"),
    "Shape": lambda: importlib.import_module(f"{HOUSE}.music.score.engraving").Shape(
        "path", "M0 0L1 1Z"
    ),
    "Soloist": _thing("soloist"),
    "Remarks": lambda: _remarks(),
    "Tune": lambda: _tune(),
    "Material": lambda: _material(),
    "Piece": lambda: _improvised(),
    "Player": lambda: _improvised().player,
    "FeedForward": _thing("feed"),
    "SequentialNetwork": _thing("todd"),
    "Improviser": _thing("concert"),
    "NoteTable": lambda: _note_table(),
    "SimpleNetwork": _thing("simple25"),
    "Walk": lambda: importlib.import_module(f"{HOUSE}.rivals.random_walk").Walk(),
    "TransitionTable": _thing("table"),
    "TwoTables": _thing("tables"),
    "Performance": _thing("performance"),
}
"""For each class with public methods, one whose methods are called."""

LONG = (
    "playing.live.play",
    "playing.ports.open_port",
    "playing.learning.learn",
    "showing.listening.pieces",
    "studies.checking.check",
    "studies.experiments.",
    "studies.questions.",
    "studies.study.main",
)
"""What takes long with good arguments: here only what must be refused at the door is tried."""


def example(signature: Signature, parameter: str) -> Any:
    """A good value for a parameter.

    Raises
    ------
    LookupError : if there is none: then it is to be added to `EXAMPLES`.
    """
    parts = signature.name.split(".")
    module = [part for part in parts[:-1] if part.islower()]
    for key in (
        *(f"{'.'.join(parts[n:])}:{parameter}" for n in range(len(parts))),
        *(f"{'.'.join(module[n:])}:{parameter}" for n in range(len(module))),
        parameter,
    ):
        if key in EXAMPLES:
            return EXAMPLES[key]()
    raise LookupError(f"no example for {parameter!r} of {signature.name}: add one to EXAMPLES")


def good(signature: Signature) -> dict[str, Any]:
    """Good values for all parameters that need one."""
    needed = [n for n, p in signature.parameters.items() if p.default is p.empty]
    return {name: example(signature, name) for name in needed}


# ---- Wrong ones ----------------------------------------------------------------------------------


class Odd:
    """An object of which nobody has heard."""


WRONG: dict[str, Callable[[], Any]] = {
    "None": _value(None),
    "True": _value(True),
    "minus one": _value(-1),
    "zero": _value(0),
    "a half": _value(2.5),
    "huge": _value(10**30),
    "endless": _value(10**5000),
    "1e308": _value(1e308),
    "nan": _value(math.nan),
    "infinity": _value(math.inf),
    "complex": _value(1j),
    "digits": _value("7"),
    "empty text": _value(""),
    "bytes": _value(b"x"),
    "a date": lambda: np.datetime64("2002-01-01"),
    "an object": Odd,
    "a class": _value(Odd),
    "empty tuple": _value(()),
    "a tuple of text": _value(("a", "b")),
    "uneven rows": _value([[1.0], [1.0, 2.0]]),
    "a mapping": lambda: {"a": 1},
    "a set": lambda: {1},
    "a function": _value(_nothing),
    "an array of nan": lambda: np.full((2, 2), math.nan),
    "an array of text": lambda: np.array(["a", "b"]),
    "an array of objects": lambda: np.array([None, 1], dtype=object),
    "a complex array": lambda: np.ones((2, 2), dtype=complex),
    "an empty array": lambda: np.zeros((0, 0)),
    "an array of four axes": lambda: np.zeros((1, 2, 1, 2)),
}
"""Values that few arguments may be, each made anew for every call."""


def bent(value: Any) -> dict[str, Any]:
    """What is nearly right: an array of numbers with something wrong, a number out of range."""
    found: dict[str, Any] = {}
    if isinstance(value, np.ndarray) and value.size and value.dtype.kind == "f":
        spoilt = value.copy()
        spoilt.flat[0] = math.nan
        found["nan within"] = spoilt
        spoilt = value.copy()
        spoilt.flat[-1] = 0.5
        found["a half within"] = spoilt
    if isinstance(value, np.ndarray) and value.ndim:
        found["one axis more"] = value[None]
        found["one row too few"] = value[1:]
        found["turned over"] = value.T.copy() if value.ndim > 1 else value[::2]
        found["no row"] = value[:0]
        found["as text"] = value.astype(str)
    if isinstance(value, int) and not isinstance(value, bool):
        found |= {"as a float": float(value) + 0.25, "10**12": 10**12}
    return found


def must_be_refused(annotation: Any, value: Any) -> bool:
    """Does the annotation alone say that a value is wrong?"""
    wanted = {part.strip() for part in str(annotation).split("|")}
    if not wanted <= {"int", "float", "bool", "str", "None"}:
        return False
    if isinstance(value, (np.ndarray, np.number)) and not np.ndim(value):
        value = value.item()
    if value is None:
        return "None" not in wanted
    if isinstance(value, bool):
        return "bool" not in wanted
    if isinstance(value, str):
        return "str" not in wanted
    if isinstance(value, int):
        return not wanted & {"int", "float"} or (wanted == {"float"} and value > 10**308)
    if isinstance(value, float):
        return "float" not in wanted or math.isnan(value)
    return True


# ---- Calling -------------------------------------------------------------------------------------


class TooLong(BaseException):
    """A call that took longer than `SECONDS`."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `TooLong` after so many seconds, where the system can (not on Windows)."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def call(signature: Signature, arguments: dict[str, Any]) -> Any:
    """Call with these arguments; a generator is asked for its first value."""
    function = signature.function
    parts = signature.name.split(".")
    given = []
    if parts[-2][0].isupper():
        given = [INSTANCES[parts[-2]]()]
    result = function(*given, **arguments)
    return next(result, None) if inspect.isgenerator(result) else result


def fault(
    signature: Signature,
    parameter: str,
    value: Any,
    seconds: float = SECONDS,
    *,
    words: bool = True,
) -> str:
    """What is wrong with how a call with a wrong value ends; empty if nothing is.

    With ``words`` the message has to name the argument and say what came; without, any error that
    is raised in the package will do.
    """
    if "Callable" in str(signature.parameters[parameter].annotation) and callable(value):
        return ""  # what it does is its own
    arguments = good(signature) | {parameter: value}
    refused = must_be_refused(signature.parameters[parameter].annotation, value)
    if signature.name.startswith(LONG):
        if not refused:
            return ""
        seconds = 3
    try:
        with within(seconds):
            call(signature, arguments)
    except TooLong:
        return "was accepted" if refused else f"took longer than {seconds} s"
    except (ValueError, TypeError, ModuleNotFoundError, OSError) as error:
        return _not_ours(error, parameter, value, words)
    except Exception as error:
        return f"ended in {type(error).__name__}: {error}"
    return "was accepted" if refused else ""


def _not_ours(error: Exception, parameter: str, value: Any, words: bool) -> str:
    """Why an error is none that a user should see; empty if it is one of ours."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    where = trace.tb_frame.f_code.co_filename
    line = linecache.getline(where, trace.tb_lineno).strip()
    said = f"{type(error).__name__}: {error}"
    if HOUSE not in where or not line.startswith("raise"):
        return f"ended in a bare {said}"
    if "Exceeds the limit" in said:
        return f"speaks of Python: {said}"
    if not words:
        return ""
    nouns = parameter, parameter.replace("_", " "), *NOUNS.get(parameter, ())
    if not any(noun in str(error) for noun in nouns):
        return f"does not name the argument: {said}"
    if not any(word in str(error) for word in _words(value)):
        return f"does not say what came: {said}"
    return ""


def _words(value: Any) -> set[str]:
    """Ways in which a message may say what came: itself, its type, its size, what is in it."""
    if isinstance(value, int) and value.bit_length() > 80:
        return {"10^", f"{value:g}", str(value)} if value.bit_length() < 999 else {"10^"}
    words = {type(value).__name__, briefly.came(value), str(np.shape(value) if _even(value) else 0)}
    if isinstance(value, (int, float)):
        words |= {f"{value:g}", f"{value:,}", f"{value:.0f}"}
    if isinstance(value, type):
        words.add(value.__name__)
    if isinstance(value, str):
        words |= {value} if value else {"an empty name", "missing"}
    if isinstance(value, (tuple, list, set, dict, str)):
        words |= {str(len(value)), "None", "got a power of 0", "missing", "there is no"}
    if isinstance(value, (tuple, list, set, dict, str, np.ndarray)) and not np.size(
        value if isinstance(value, np.ndarray) else [0] * len(value)
    ):
        words |= {"no ", "()", "[]", "{}"}
    if isinstance(value, (tuple, list, set, dict)):
        words |= {briefly.came(one) for one in value}
        for one in value:
            words |= _words(one)
    if isinstance(value, np.ndarray) and value.ndim:
        words |= {str(value.shape[1:]), *map(str, value.shape), str(sum(value.shape) - 1)}
        words |= {"nan", "0.5", "not finite", "exactly one", *map(repr, value.flat[:3])}
        words |= {briefly.came(value[0])} if len(value) else set()
    return words


def _even(value: Any) -> bool:
    """Can its shape be known?"""
    return isinstance(value, (np.ndarray, int, float, complex, str, bytes, type(None)))


NOUNS: dict[str, tuple[str, ...]] = {
    "data": ("MIDI", "XML"),
    "path": ("file", "MIDI", "network", "table"),
    "paths": ("file", "MIDI"),
    "parts": ("a part",),
    "wanted": ("a part",),
    "music": ("note", "track", "pitch", "piece", "rolls", "roll", "source"),
    "notes": ("Note",),
    "symbol": ("chord",),
    "segments": ("segment", "bar "),
    "lines": ("choruses",),
    "name": (
        "voice",
        "stored network",
        "stored table",
        "study",
        "column",
        "missing",
        "JSON",
        "a list",
    ),
    "voices": ("voice",),
    "rules": ("a rule ",),
    "number": ("no chorus",),
    "numbers": ("no chorus",),
    "size": ("training set",),
    "rolls": ("choruses", "roll", "strict", "note at each"),
    "seed": ("roll",),
    "roll": ("choruses of", "inputs"),
    "text": ("JSON",),
    "values": ("JSON", "a list", "missing", "there is no"),
    "key": ("missing", "JSON"),
    "melody": ("order",),
    "output": ("hidden",),
    "across": ("sources",),
    "to": ("voice",),
    "by": ("column",),
    "rows": ("row", "shares"),
    "signals": ("signal", "sound"),
    "thing": ("is not from", "source"),
    "others": ("successes",),
    "of": ("trials",),
    "steps": ("orders",),
    "clip": ("limited to",),
    "chord_pitches": ("pitches",),
    "chords": ("chord", "order", "bar", "form needs"),
}
"""Other words by which a message may call an argument."""
