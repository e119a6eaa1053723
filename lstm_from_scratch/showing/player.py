"""The player: hear the music while a playhead moves over the roll, the gates and the cell states.

Everything is drawn here, as one inline SVG in which a step is a column and every unit, gate and
cell is a row; the sound is an MP3 with the chords left and the melody right. ``player.js`` adds
what moves, ``player.css`` what it looks like in light and dark. Without a script the picture and
the sound are still there.

Chapter 9 (Inside the cells) watches a network with it.
"""

from __future__ import annotations

import base64
import html
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np

from .. import briefly, limits
from ..arguments import array, checked, exactly, real, text, whole
from ..files import write_whole
from ..machine.network import Step, Topology
from ..music import audio
from ..music.blues import TWELVE_BAR, Form, chord_tones
from ..music.encoding import CHORDS_AND_MELODY, Encoding
from ..music.score import struck
from .figures import COLOURS, chord_label, pitch_label

GATES = ("input_gate", "forget_gate", "output_gate")
"""The rows of a block above its cells."""

# The picture, in pixels from the top; across, one unit is one step.
_HEADER, _FOOT, _KEY, _GATE, _CELL, _HEADING, _GAP = 34, 4, 12, 12, 16, 22, 7
_WIDTH = 144  # of the labels at the left
_LABEL, _VALUE = 98, 137  # where row labels and values end
_LEAST = 0.05  # a unit expected with less than this is not shaded
_LOUD = 0.05  # where the sound begins: its first sample above this
_COMPACT = 0.38  # how high a compact roll is, beside a full one


class Row(NamedTuple):
    """One gate or one cell of the picture.

    kind: a name of `figures.COLOURS`. label: what stands at its left. top, height: pixels.
    scale: the largest absolute value that fits. values: shape ``(steps,)``.
    """

    kind: str
    label: str
    top: int
    height: int
    scale: float
    values: np.ndarray

    def __repr__(self) -> str:
        return f"Row({self.label!r}, {briefly.counted(len(self.values), 'step')})"

    @property
    def base(self) -> float:
        """Where 0 is, in pixels: at the foot for a gate, in the middle for a cell."""
        return self.top + (self.height / 2 if self.kind == "cell_state" else self.height) - 0.5

    @property
    def heights(self) -> np.ndarray:
        """How far each value reaches up from `base`, in pixels, shape ``(steps,)``."""
        room = (self.height - 1) / (2 if self.kind == "cell_state" else 1)
        return room * self.values / self.scale


class Heading(NamedTuple):
    """The name of a block, beside it; or that of a voice over its blocks, with ``bottom == top``.

    voice: whose it is. top, bottom: pixels.
    """

    label: str
    voice: str
    top: int
    bottom: int


@checked(steps=whole(0), duration=real(0), markup=exactly(text(), text()))
@dataclass(frozen=True)
class Performance:
    """Music to be heard and watched, for a notebook or the book; needs no kernel and no network.

    Attributes
    ----------
    title : what is played; also what a screen reader calls the player.
    steps : its length.
    duration : of the sound, in seconds.
    mp3 : the sound, chords in the left channel, melody in the right one.
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

    sound = _sound(roll, encoding, tempo, swing)
    rows, headings, bottom = _layout(steps, topology, _roll_bottom(encoding))
    chords = [_chord(roll, encoding, form, step) for step in range(len(roll))]
    notes = [_sounding(roll[step], encoding, encoding.melody) for step in range(len(roll))]
    data = {
        "rate": audio.RATE,
        "begins": int(np.argmax(np.abs(sound.sum(axis=1)) > _LOUD)),
        "times": [round(audio.seconds(s, tempo, swing), 6) for s in range(len(roll) + 1)],
        "tempo": tempo,
        "bar": form.steps_per_bar,
        "where": [_where(step, len(roll), form) for step in range(len(roll))],
        "chord": chords,
        "note": notes,
        "keys": ["".join("01"[int(on)] for on in roll[:, unit]) for unit in _order(encoding)],
        "rows": [[round(float(value), 2) for value in row.values] for row in rows],
    }
    height = bottom + _FOOT
    markup = _page(
        title=title,
        caption=_caption(encoding, steps),
        labels="" if compact else _labels(encoding, rows, headings, height),
        picture=_picture(roll, encoding, form, steps, rows, height, compact),
        data=data,
        melody=bool(encoding.melody),
        chords=bool(encoding.chords),
        compact=compact,
    )
    return Performance(title, len(roll), len(sound) / audio.RATE, audio.encode_mp3(sound), markup)


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


# ---- Sound ---------------------------------------------------------------------------------------


def _sound(roll: np.ndarray, encoding: Encoding, tempo: float, swing: float) -> np.ndarray:
    """Chords and melody apart, shape ``(samples, 2)``, each as loud as in their mixture.

    A mixture is brought to the common loudness as a whole. The weights that come nearest to it
    bring the parts, which were levelled one by one, to where they are in it. Chords are struck anew
    when they change: a note that several of them share would else fade away under the others.
    """
    notes = encoding.decode(roll)
    low = set(encoding.chords)
    parts = {
        "chords": struck(note for note in notes if note.pitch in low),
        "melody": tuple(note for note in notes if note.pitch not in low),
    }
    mixture = audio.synthesise(parts, tempo=tempo, swing=swing)
    sound = np.zeros((_samples(len(roll), tempo, swing), 2), dtype=np.float32)
    for channel, (name, notes) in enumerate(parts.items()):
        signal = audio.synthesise({name: notes}, tempo=tempo, swing=swing)
        if notes:
            sound[: len(signal), channel] = signal
    weights, *_ = np.linalg.lstsq(sound[: len(mixture)], mixture, rcond=None)
    return (sound * weights).astype(np.float32)


def _samples(steps: int, tempo: float, swing: float) -> int:
    """Length of the sound: rests at the end count as well."""
    return round((audio.seconds(steps, tempo, swing) + audio.TAIL) * audio.RATE)


# ---- Words ---------------------------------------------------------------------------------------


def _where(step: int, steps: int, form: Form) -> str:
    """The place of a step, such as ``"bar 5, beat 2"``; in longer music with the chorus."""
    chorus, within = divmod(step, form.steps)
    bar, rest = divmod(within, form.steps_per_bar)
    beat, half = divmod(rest, 2)
    place = f"bar {bar + 1}, beat {beat + 1}{'½' * half}"
    return f"chorus {chorus + 1}, {place}" if steps > form.steps else place


def _symbol(step: int, form: Form) -> str:
    """The chord symbol of the form at a step."""
    return form.chords[step // form.steps_per_bar % form.bars]


def _chord(roll: np.ndarray, encoding: Encoding, form: Form, step: int) -> str:
    """Name the chord that sounds: by its symbol if the form has it, else by its notes."""
    sounding = {p for p, on in zip(encoding.pitches, roll[step], strict=True) if on}
    sounding &= set(encoding.chords)
    for symbol in (_symbol(step, form), *dict.fromkeys(form.chords)):
        if sounding == set(chord_tones(symbol, form.chord_pitches)):
            return chord_label(symbol)
    return _sounding(roll[step], encoding, encoding.chords)


def _sounding(vector: np.ndarray, encoding: Encoding, among: Sequence[int]) -> str:
    """The names of the pitches that sound among some; empty if none does."""
    sounding = [p for p, on in zip(encoding.pitches, vector, strict=True) if on and p in among]
    return " ".join(pitch_label(pitch) for pitch in sorted(sounding))


def _caption(encoding: Encoding, steps: Step | None) -> str:
    parts = [name for name in ("melody", "chords") if getattr(encoding, name)]
    text = f"From the top: the chord symbols of the form and the {' and the '.join(parts)} as notes"
    if steps is None:
        return f"{text}. A column is a step, an eighth note."
    return (
        f"{text}; then, for each memory block, how far its gates are open (from 0 to 1) and what "
        f"its cells hold (above and below 0, each on its own scale). A column is a step, an eighth "
        f"note. The paler shade among the notes is what the network expected: the stronger, the "
        f"likelier."
    )


# ---- The picture ---------------------------------------------------------------------------------


def _order(encoding: Encoding) -> list[int]:
    """The units from the top of the picture down: melody, then chords, high notes first."""
    by_pitch = [sorted(part, reverse=True) for part in (encoding.melody, encoding.chords) if part]
    return [encoding.pitches.index(pitch) for part in by_pitch for pitch in part]


def _key_tops(encoding: Encoding) -> dict[int, int]:
    """Where the row of each unit begins, in pixels."""
    tops = {}
    for place, unit in enumerate(_order(encoding)):
        below = encoding.melody and unit < len(encoding.chords)  # a chord under a melody
        tops[unit] = _HEADER + place * _KEY + (_GAP if below else 0)
    return tops


def _roll_bottom(encoding: Encoding) -> int:
    return max(_key_tops(encoding).values()) + _KEY


def _layout(
    steps: Step | None, topology: Topology | None, top: int
) -> tuple[list[Row], list[Heading], int]:
    """The rows of all blocks from a height down, what names them, and where the last one ends."""
    rows: list[Row] = []
    headings: list[Heading] = []
    if steps is None or topology is None:
        return rows, headings, top
    for voice in topology.voices:
        _, blocks, _ = topology.parts(voice.name)
        first, last = blocks.start + 1, blocks.stop
        numbers = f"blocks {first} to {last}" if first < last else f"block {first}"
        headings.append(Heading(f"{voice.name}: {numbers}", voice.name, top, top))
        top += _HEADING
        for block in range(blocks.start, blocks.stop):
            begins = top
            for gate in GATES:
                values = np.asarray(getattr(steps, gate))[:, block]
                rows.append(Row(gate, gate.replace("_", " "), top, _GATE, 1.0, values))
                top += _GATE
            for number, cell in enumerate(np.flatnonzero(topology.block_of_cell == block), start=1):
                values = np.asarray(steps.cell_state)[:, cell]
                scale = float(np.abs(values).max())
                label = f"cell {number} (±{scale:.2g})"
                rows.append(Row("cell_state", label, top, _CELL, scale or 1.0, values))
                top += _CELL
            headings.append(Heading(f"block {block + 1}", voice.name, begins, top))
            top += _GAP
    return rows, headings, top - _GAP


def _picture(
    roll: np.ndarray,
    encoding: Encoding,
    form: Form,
    steps: Step | None,
    rows: list[Row],
    height: int,
    compact: bool,
) -> str:
    """What scrolls: one column a step, stretched to the width there is; words are not stretched.

    A compact one is pressed together below the words.
    """
    count = len(roll)
    tops = _key_tops(encoding)
    shapes = [*_ground(encoding, rows, count, tops)]
    shapes.append(_lines("beat", range(0, count, 2), _HEADER, height))
    if steps is not None:
        shapes += _expected(np.asarray(steps.prediction), encoding, tops)
    for name, part in (("chords", encoding.chords), ("melody", encoding.melody)):
        path = "".join(
            f"M{note.onset} {tops[encoding.pitches.index(note.pitch)] + 1}"
            f"h{note.duration - 0.14:g}v{_KEY - 2}h-{note.duration - 0.14:g}z"
            for note in encoding.decode(roll)
            if note.pitch in part
        )
        shapes.append(f'<path class="notes {name}" d="{path}"/>')
    shapes += [f'<path class="row {row.kind}" d="{_area(row)}"/>' for row in rows]
    shapes.append(_lines("bar", range(0, count, form.steps_per_bar), 4, height))
    words = []
    for step in range(0, count, form.steps_per_bar):
        at = f'x="{100 * step / count:.6g}%" dx="3"'
        number = step // form.steps_per_bar % form.bars + 1
        words.append(f'<text class="number" {at} y="13">{number}</text>')
        words.append(f'<text class="symbol" {at} y="28">{chord_label(_symbol(step, form))}</text>')
    described = html.escape(_described(roll, encoding, form, rows))
    top = _HEADER if compact else 0
    room = round(_COMPACT * (height - top)) if compact else height
    return (
        f'<svg class="steps" role="img" aria-label="{described}" height="{top + room}">'
        f'<svg viewBox="0 {top} {count} {height - top}" y="{top}" width="100%" height="{room}" '
        f'preserveAspectRatio="none">{"".join(shapes)}</svg>{"".join(words)}</svg>'
    )


def _lines(kind: str, steps: range, top: int, height: int) -> str:
    """Upright lines at some steps."""
    path = "".join(f"M{step} {top}V{height - _FOOT}" for step in steps)
    return f'<path class="line {kind}" d="{path}"/>'


def _described(roll: np.ndarray, encoding: Encoding, form: Form, rows: list[Row]) -> str:
    """The picture for who can't see it."""
    bars = -(-len(roll) // form.steps_per_bar)
    network = f", and below them {len(rows)} rows of gates and cell states" if rows else ""
    return (
        f"Piano roll of {len(roll)} steps in {bars} bar{'s' * (bars > 1)} over "
        f"{encoding.units} pitches{network}"
    )


def _ground(encoding: Encoding, rows: list[Row], count: int, tops: dict[int, int]) -> Iterator[str]:
    """Behind everything: the rows of black keys, the room of each gate, the 0 of each cell."""
    black = "".join(
        f"M0 {tops[unit]}h{count}v{_KEY}h-{count}z"
        for unit, pitch in enumerate(encoding.pitches)
        if _is_black(pitch)
    )
    yield f'<path class="ground black" d="{black}"/>'
    for kind in ("gate", "cell"):
        mine = [row for row in rows if (row.kind == "cell_state") == (kind == "cell")]
        path = "".join(f"M0 {row.top}h{count}v{row.height - 1}h-{count}z" for row in mine)
        yield f'<path class="ground" d="{path}"/>'
        if kind == "cell":
            zeros = "".join(f"M0 {row.base:g}h{count}" for row in mine)
            yield f'<path class="line zero" d="{zeros}"/>'


def _expected(prediction: np.ndarray, encoding: Encoding, tops: dict[int, int]) -> Iterator[str]:
    """Shades of what the step before expected, in tenths, one path for each voice and tenth."""
    tenths = np.where(prediction[:-1] < _LEAST, 0, np.clip(np.rint(10 * prediction[:-1]), 1, 10))
    voices = (("chords", encoding.chord_units), ("melody", encoding.melody_units))
    for name, units in voices:
        for tenth in range(1, 11):
            path = "".join(
                f"M{step + 1} {tops[units.start + unit]}h1v{_KEY}h-1z"
                for step, unit in np.argwhere(tenths[:, units] == tenth)
            )
            if path:
                yield f'<path class="expected {name}" opacity="{tenth / 20:g}" d="{path}"/>'


def _area(row: Row) -> str:
    """A staircase with one stair a step, closed along 0."""
    tops = [f"{row.base - height:.2f}".rstrip("0").rstrip(".") for height in row.heights]
    stairs = "".join(f"V{top}H{step}" for step, top in enumerate(tops, start=1))
    return f"M0 {row.base:g}{stairs}V{row.base:g}z"


def _is_black(pitch: int) -> bool:
    return pitch % 12 in (1, 3, 6, 8, 10)


def _labels(encoding: Encoding, rows: list[Row], headings: list[Heading], height: int) -> str:
    """What stands still at the left: a keyboard, the names of the rows, room for their values."""
    words = []
    tops = _key_tops(encoding)
    keyboard = _VALUE - _LABEL - 5
    for unit in _order(encoding):
        top, pitch = tops[unit], encoding.pitches[unit]
        part = "chords" if unit < len(encoding.chords) else "melody"
        black = _is_black(pitch)
        words.append(
            f'<text x="{_LABEL}" y="{top + _KEY - 2:g}">{pitch_label(pitch)}</text>'
            f'<rect class="under" x="{_LABEL + 5}" y="{top}" width="{keyboard}" height="{_KEY}"/>'
            f'<rect class="key {part}{" black" * black}" x="{_LABEL + 5}" y="{top}" '
            f'width="{22 if black else keyboard}" height="{_KEY}"/>'
        )
    for name, units in (("melody", encoding.melody_units), ("chords", encoding.chord_units)):
        mine = [tops[unit] for unit in range(units.start, units.stop)]
        if mine:
            words.append(_upright(name, min(mine), max(mine) + _KEY, name))
    for row in rows:
        y = row.top + row.height / 2 + 3.5
        words.append(
            f'<text x="{_LABEL}" y="{y:g}">{row.label}</text>'
            f'<rect class="mark {row.kind}" x="{_WIDTH - 3}" y="{row.top}" width="3" '
            f'height="{row.height - 1}"/>'
            f'<text class="value" x="{_VALUE - 2}" y="{y:g}"></text>'
        )
    for label, voice, top, bottom in headings:
        if top < bottom:
            words.append(_upright(label, top, bottom, voice))
        else:
            words.append(f'<text class="heading" x="0" y="{top + 16}">{html.escape(label)}</text>')
    return (
        f'<svg class="labels" role="group" aria-label="Rows and their values" width="{_WIDTH}" '
        f'height="{height}">{"".join(words)}</svg>'
    )


def _upright(label: str, top: float, bottom: float, voice: str) -> str:
    """A label that reads upwards, beside a line as long as what it names."""
    kind = f" {voice}" if voice in COLOURS else ""
    return (
        f'<rect class="side{kind}" x="14" y="{top:g}" width="2" height="{bottom - top - 1:g}"/>'
        f'<text class="upright" transform="translate(10 {(top + bottom) / 2:g}) rotate(-90)">'
        f"{label}</text>"
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
    style = here.joinpath("player.css").read_text(encoding="utf-8")
    script = here.joinpath("player.js").read_text(encoding="utf-8")
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
<audio controls preload="metadata" aria-label="{named}" src=\""""
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
