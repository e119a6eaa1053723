"""What is heard and watched: a performance, and the page around its picture and its sound.

Chapter 1 (Twelve bars) listens, chapter 9 (Inside the cells) watches a network.
"""

from __future__ import annotations

import base64
import html
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np

from ... import limits
from ...arguments import array, checked, exactly, real, text, whole
from ...files import write_whole
from ...machine.network import Step, Topology
from ...music import audio
from ...music.blues import (
    CHORD_PITCHES,
    MELODY_PITCHES,
    TWELVE_BAR,
    Chorus,
    Form,
    Note,
)
from ...music.encoding import CHORDS_AND_MELODY, Encoding
from ...music.midi import Music, tracks
from ...music.score import struck
from ...music.tunes.tune import Tune
from ..figures import COLOURS, chord_label, pitch_label
from ..palette import palette
from .bars import Bars, of_form, of_tune
from .picture import (
    _FOOT,
    GATES,
    Keys,
    _labels,
    _layout,
    _order,
    _picture,
    _roll_bottom,
)


@checked(steps=whole(0), duration=real(0), markup=exactly(text(), text()))
@dataclass(frozen=True)
class Performance:
    """Music to be heard and watched, for a notebook or the book; needs no kernel and no network.

    Attributes
    ----------
    title : what is played; also what a screen reader calls the player.
    steps : its length.
    duration : of the sound, in seconds.
    mp3 : the sound, as `audio.encode_mp3` packs it; where a script runs, it is made of the notes.
    markup : the HTML before and after the address of the sound.
    """

    title: str
    steps: int
    duration: float
    mp3: bytes
    markup: tuple[str, str]

    def __repr__(self) -> str:
        return f"Performance({self.title!r}, {self.steps} steps, {self.duration:.1f} s)"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.mp3).decode("ascii")
        return f"data:audio/mpeg;base64,{data}".join(self.markup)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a page of its own, which needs no other file and no network. Chapter 9.

        Parameters
        ----------
        path : that ends in ``.html``; the file is there whole or not at all.

        Raises
        ------
        ValueError : for another ending.
        FileNotFoundError : if there is no folder for it.
        """
        if Path(path).suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"path {os.fspath(path)!r}: expected a name that ends in .html")
        page = Template(files(__package__).joinpath("player.html").read_text(encoding="utf-8"))
        filled = page.substitute(title=html.escape(self.title), player=self._repr_html_())
        return write_whole(path, filled.encode())


@checked(roll=array("steps", "units"), tempo=audio.TEMPO, swing=audio.SWING)
def watch(
    roll: np.ndarray,
    *,
    encoding: Encoding = CHORDS_AND_MELODY,
    form: Form = TWELVE_BAR,
    steps: Step | None = None,
    topology: Topology | None = None,
    title: str | None = None,
    tempo: float = 120.0,
    swing: float = 0.5,
    compact: bool = False,
) -> Performance:
    """Let a roll be heard, and what a network does in each of its steps be seen. Chapter 9.

    Parameters
    ----------
    roll : shape ``(steps, units)``, as many steps as you like.
    encoding : which pitch belongs to which unit.
    form : bar length and the chord symbols above; begins anew each chorus.
    steps : the activations as `network.record` returns them for this roll; the roll alone is shown
        without them.
    topology : of the network that made them: which cell belongs to which block and voice.
    title : what is played.
    tempo, swing : see `audio.seconds`.
    compact : a play button and a low roll, as wide as the page: for several players in a row.

    Returns
    -------
    What a notebook cell shows if it ends in it.

    Raises
    ------
    ValueError : for a roll that is not one of the encoding or has no step, activations without a
        topology or that don't fit it, the roll or the encoding, values that are not finite, gates
        outside 0 to 1, a tempo or swing out of range, activations for a compact player.
    """
    roll = encoding.check(roll)
    if not len(roll):
        raise ValueError("the roll has no step: there is nothing to play")
    limits.expect_steps("roll", len(roll), limits.PAGE)
    if steps is not None:
        if compact:
            raise ValueError("a compact player has no room for activations: leave steps out")
        _check(steps, topology, roll, encoding)
    limits.expect_sound("roll", audio.seconds(len(roll), tempo, swing))
    if title is None:
        title = "The music, step by step" if steps is None else "The music and the network"
    notes = {
        name: tuple(note for note in encoding.decode(roll) if note.pitch in part)
        for name, part in (("chords", encoding.chords), ("melody", encoding.melody))
    }
    # What is decoded holds a note through several chords: it would fade away under the others.
    sounding = notes | {"chords": struck(notes["chords"])}
    return _perform(
        _Score(
            notes,
            sounding,
            roll,
            Keys(encoding.chords, encoding.melody),
            of_form(form, len(roll)),
            True,
        ),
        title=title,
        steps=steps,
        topology=topology,
        tempo=tempo,
        swing=swing,
        compact=compact,
    )


@checked(title=text(), tempo=audio.TEMPO, swing=audio.SWING)
def hear(
    music: Music,
    title: str | None = None,
    *,
    form: Form | Tune | None = TWELVE_BAR,
    tempo: float | None = None,
    swing: float = 0.5,
    brush: bool = False,
) -> Performance:
    """Let music be heard in a small player, with its notes as they are written. Chapter 1.

    Parameters
    ----------
    music : a chorus, named tracks or plain notes (see `midi.tracks`); the track ``"chords"`` is
        played softly, every other one as melody.
    title : what is heard; by default a chorus is called by its number.
    form : the chord symbols above, and the length of a bar; a tune, over whose form the music goes,
        on its grid; None for music without a form, in bars of eight steps.
    tempo : beats a minute, of two steps; over a tune, quarter notes a minute. 120, or the tune's
        own, unless given. swing, brush : see `audio.synthesise`.

    Returns
    -------
    What a notebook cell shows if it ends in it.

    Raises
    ------
    ValueError : for music that has no note, or more than a page can hold, and as
        `audio.synthesise`.
    """
    if title is None:
        title = f"Chorus {music.number}" if isinstance(music, Chorus) else "Sound"
    parts = {"chords": (), "melody": ()}
    for name, notes in tracks(music).items():
        parts["chords" if name == "chords" else "melody"] += notes
    count = max((note.onset + note.duration for part in parts.values() for note in part), default=0)
    if not count:
        raise ValueError("music: expected a note at least, got none: there is nothing to play")
    limits.expect_steps("music", count, limits.PAGE)
    tune = form if isinstance(form, Tune) else None
    if tempo is None:
        tempo = 120.0 if tune is None else tune.tempo
    pace = tempo if tune is None else tempo * tune.grid / 8
    limits.expect_sound("music", audio.seconds(count, pace, swing))
    ranges = (("chords", CHORD_PITCHES), ("melody", MELODY_PITCHES))
    keys = Keys(*(_range({note.pitch for note in parts[name]}, usual) for name, usual in ranges))
    roll = np.zeros((count, len(keys.pitches)))
    for name, units in keys.units.items():
        for pitch, onset, duration in parts[name]:
            roll[onset : onset + duration, units][:, getattr(keys, name).index(pitch)] = 1.0
    bars = of_form(form or TWELVE_BAR, count) if tune is None else of_tune(tune, count)
    return _perform(
        _Score(parts, parts, roll, keys, bars, form is not None),
        title=title,
        tempo=pace,
        shown=tempo,
        swing=swing,
        brush=brush,
        compact=True,
    )


def _range(pitches: set[int], usual: tuple[int, ...]) -> tuple[int, ...]:
    """The rows for some pitches: the book's own, or as many as these need."""
    if not pitches or pitches <= set(usual):
        return usual if pitches else ()
    return tuple(range(min(pitches), max(pitches) + 1))


def _check(steps: Step, topology: Topology | None, roll: np.ndarray, encoding: Encoding) -> None:
    """Raise ValueError unless the activations belong to this roll, encoding and topology."""
    if topology is None:
        raise ValueError("activations need the topology of their network: pass topology=")
    if topology.inputs != encoding.units:
        raise ValueError(
            f"a topology of {topology.inputs} inputs does not match an encoding of "
            f"{encoding.units} units"
        )
    sizes = dict.fromkeys(GATES, topology.blocks)
    sizes |= {"cell_state": topology.cells, "prediction": topology.inputs}
    for name, size in sizes.items():
        values = np.asarray(getattr(steps, name))
        if values.shape != (len(roll), size):
            raise ValueError(
                f"{name}: expected shape ({len(roll)}, {size}) for this roll and topology, "
                f"got {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"{name}: every activation must be finite")
        if name != "cell_state" and (values.min() < 0 or values.max() > 1):
            raise ValueError(
                f"{name}: expected activations from 0 to 1, got {values.min():g} to "
                f"{values.max():g}"
            )


class _Score(NamedTuple):
    """Music as it is drawn and as it sounds, and the roll of both, shape ``(steps, rows)``."""

    drawn: Mapping[str, tuple[Note, ...]]
    sounding: Mapping[str, tuple[Note, ...]]
    roll: np.ndarray
    keys: Keys
    bars: Bars
    symbols: bool  # whether the chord symbols stand above


def _perform(
    score: _Score,
    *,
    title: str,
    tempo: float,
    swing: float,
    compact: bool,
    steps: Step | None = None,
    topology: Topology | None = None,
    brush: bool = False,
    shown: float | None = None,
) -> Performance:
    """Put picture, sound and numbers together; ``shown`` is the tempo that is named."""
    roll, keys, bars = score.roll, score.keys, score.bars
    count = len(roll)
    times = [audio.seconds(step, tempo, swing) for step in range(count + 1)]
    rows, headings, bottom = _layout(steps, topology, _roll_bottom(keys))
    data = {
        "times": [round(time, 6) for time in times],
        "tempo": tempo if shown is None else shown,
        "bar": bars.bar,
        "where": bars.places,
        "chord": [_chord(roll, keys, bars, step) for step in range(count)],
        "note": [_sounding(roll[step], keys, "melody") for step in range(count)],
        "keys": ["".join("01"[int(on)] for on in roll[:, unit]) for unit in _order(keys)],
        "rows": [[round(float(value), 2) for value in row.values] for row in rows],
        "sound": _sound(score, brush),
    }
    height = bottom + _FOOT
    symbols = score.symbols and (count <= bars.once or not compact)  # else they lie on each other
    markup = _page(
        title=title,
        caption=_caption(keys, steps),
        labels="" if compact else _labels(keys, rows, headings, height),
        picture=_picture(score.drawn, count, keys, bars, symbols, steps, rows, height, compact),
        data=data,
        melody=bool(keys.melody),
        chords=bool(keys.chords),
        compact=compact,
    )
    signal = audio.synthesise(score.sounding, tempo=tempo, swing=swing, brush=brush)
    # Rests at the end count as well.
    sound = np.zeros(round((times[-1] + audio.TAIL) * audio.RATE), dtype=np.float32)
    sound[: len(signal)] = signal[: len(sound)]
    return Performance(title, count, len(sound) / audio.RATE, audio.encode_mp3(sound), markup)


def _sound(score: _Score, brush: bool) -> dict[str, Any]:
    """What ``sound.js`` makes the sound of: notes, timbres and the numbers of `audio`."""
    parts = (("chords", audio.PAD), ("melody", audio.LEAD))
    return {
        "rate": audio.RATE,
        "tail": audio.TAIL,
        "peak": audio.PEAK,
        "loudness": audio.LOUDNESS,
        "brush": brush,
        "parts": [
            timbre._asdict() | {"notes": [tuple(note) for note in score.sounding.get(name, ())]}
            for name, timbre in parts
        ],
    }


# ---- Words ---------------------------------------------------------------------------------------


def _chord(roll: np.ndarray, keys: Keys, bars: Bars, step: int) -> str:
    """Name the chord that sounds: by its symbol if the form has it, else by its notes."""
    on = roll[step, keys.units["chords"]]
    sounding = {pitch % 12 for pitch, one in zip(keys.chords, on, strict=True) if one}
    for symbol in filter(None, (bars.current[step], *bars.spelled)):
        if sounding == bars.spelled.get(symbol):
            return chord_label(symbol)
    return _sounding(roll[step], keys, "chords")


def _sounding(vector: np.ndarray, keys: Keys, part: str) -> str:
    """The names of the pitches of a part that sound; empty if none does."""
    pitches = zip(getattr(keys, part), vector[keys.units[part]], strict=True)
    return " ".join(pitch_label(pitch) for pitch in sorted(p for p, on in pitches if on))


def _caption(keys: Keys, steps: Step | None) -> str:
    parts = [name for name in ("melody", "chords") if getattr(keys, name)]
    text = f"From the top: the chord symbols of the form and the {' and the '.join(parts)} as notes"
    if steps is None:
        return f"{text}. A column is a step, an eighth note."
    return (
        f"{text}; then, for each memory block, how far its gates are open (from 0 to 1) and what "
        f"its cells hold (above and below 0, each on its own scale). A column is a step, an eighth "
        f"note. The paler shade among the notes is what the network expected: the stronger, the "
        f"likelier."
    )


# ---- The page ------------------------------------------------------------------------------------

_ICONS = {
    "play": "M3 1.5v13l11-6.5z",
    "pause": "M3 1.5h3.6v13H3zM9.4 1.5H13v13H9.4z",
    "loop": "M11 10a4 4 0 0 0 3.5-4A3.5 3.5 0 0 0 11 3H5a4 4 0 0 0 0 10.5h3M5 10.5l3.3 3-3.3 3",
}
_HELP = """<span class="help" hidden>Click the picture to jump; space plays and pauses,
← and → move by a step, ↑ and ↓ by a bar.</span>"""


def _page(
    *,
    title: str,
    caption: str,
    labels: str,
    picture: str,
    data: dict[str, Any],
    melody: bool,
    chords: bool,
    compact: bool,
) -> tuple[str, str]:
    """What stands before and after the sound; what needs a script is hidden until it runs."""
    named = html.escape(title)
    stored = json.dumps(data, ensure_ascii=False, separators=(",", ":"))  # words made here, no "<"
    colours = "".join(f"--{name.replace('_', '-')}:{value};" for name, value in COLOURS.items())
    here = files(__package__)
    style = palette() + here.joinpath("player.css").read_text(encoding="utf-8")
    script = "\n".join(
        here.joinpath(name).read_text(encoding="utf-8") for name in ("sound.js", "player.js")
    )
    parts = "".join(
        f'<button type="button" class="part {name}" data-part="{channel}" aria-pressed="true">'
        f"<i></i>{name.capitalize()}</button>"
        for channel, (name, there) in enumerate((("chords", chords), ("melody", melody)))
        if there
    )
    icons = "".join(
        f'<svg class="{name}" viewBox="0 0 16 16" aria-hidden="true"><path d="{path}"/></svg>'
        for name, path in _ICONS.items()
        if name != "loop"
    )
    tempo = data["tempo"]
    last = len(data["where"]) - 1
    kind = "performance compact" if compact else "performance"
    focus = "" if compact else ' tabindex="0"'  # nothing to scroll: no stop for the keyboard
    words = "" if compact else f"{caption} {_HELP}"
    before = f"""<figure class="{kind}" aria-label="{named}" style="{colours}">
<style>{style}</style>
<p class="title">{named}</p>
<audio controls preload="none" aria-label="{named}" src=\""""
    after = f"""\"></audio>
<div class="controls" hidden>
<button type="button" class="play-pause">{icons}<b>Play</b></button>
<button type="button" class="loop" aria-pressed="false"><svg viewBox="0 0 16 17" aria-hidden="true">
<path d="{_ICONS["loop"]}"/></svg>Loop</button>
{parts}
<label class="tempo">Tempo <input type="range" min="0.5" max="1.5" step="0.05" value="1">
<output>{tempo:g}</output></label>
</div>
<div class="now" hidden><span class="chord"></span><span class="pitch"></span>
<span class="where"></span></div>
<div class="seek" hidden><i></i><input type="range" min="0" max="{last}" value="0"
 aria-label="Position"></div>
<div class="view">{labels}<div class="scroll"{focus} role="group" aria-label="Picture">
<div class="across" style="--steps:{last + 1}">{picture}<div class="head" hidden><i></i></div></div>
</div></div>
<figcaption>{words}
<script type="application/json">{stored}</script><script>{script}</script></figcaption></figure>"""
    return before, after
