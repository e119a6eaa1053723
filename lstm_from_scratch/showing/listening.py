"""A blind test by ear: pieces of several composers in random order, equally loud, to be rated.

What is compared is the melody. So all pieces go one way into the sound: a roll, the notes that are
read from it, chords that are struck when they change, one instrument, one tempo; a composer that
plays no chords is lent those of the form. Which pieces are heard follows from a rule (the first
few of a seed), not from taste.

The test runs in the page by itself. ``listening.js`` shuffles, counts and keeps the ratings until
the page is closed, and asks for nothing; ``listening.css`` is what it looks like. Without a script
the pieces stand in a fixed order, mixed once, and the key is folded under them.

The page *By ear* shows it, with the composers of chapter 8 (Experiment 2).
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from ..arguments import anything, array, check, checked, instance, real, several, text, whole
from ..judging import measures
from ..machine import training
from ..music import audio, score
from ..music.blues import TWELVE_BAR, Form, chorus
from ..music.encoding import CHORDS_AND_MELODY, CHORDS_ONLY
from ..music.midi import Music, tracks
from ..playing import composing
from ..rivals import random_walk, transition_table
from ..studies import experiments
from .palette import palette

PIECES = 3
"""Pieces of each source on the page *By ear*."""

HEARD = 4
"""Choruses of the training set that the network hears before it plays, as in chapter 8."""

SCALE = range(1, 6)
"""The ratings that can be given."""

_QUESTIONS = {
    "form": ("Form", "lost", "at home"),
    "pleasure": ("Pleasure", "not at all", "very much"),
}
"""What is rated: the words before the ratings, and what the first and the last rating mean."""

# The K weighting of ITU-R BS.1770-4 (tables 1 and 2): two filters, numerator and denominator, made
# for 48,000 samples a second. The first lifts what the head does, the second takes the bass away.
_WEIGHTING = (
    (
        (1.53512485958697, -2.69169618940638, 1.19839281085285),
        (1, -1.69065929318241, 0.73248077421585),
    ),
    ((1.0, -2.0, 1.0), (1, -1.99004745483398, 0.99007225036621)),
)
_WEIGHTING_RATE = 48_000
_WEIGHTING_OFFSET = -0.691  # dB; makes it nothing at 997 Hz


@checked(each=whole(1), seed=whole(0))
def pieces(each: int = PIECES, seed: int = 0) -> dict[str, tuple[Music, ...]]:
    """The first few choruses of four sources, by a rule that was stated before they were heard.

    - *Training set*: the first choruses, in the order in which they were drawn.
    - *LSTM*: one composition of the stored network of Experiment 2, which has heard the first four
      choruses of the training set and is given the first quarter note of the first one.
    - *Transition table*: of the first order, counted in the whole training set.
    - *Random walk*: in quarter notes on the scale.

    Parameters
    ----------
    each : how many choruses of each source.
    seed : of the notes that the last three draw, for each a generator of its own.

    Returns
    -------
    Named tracks of each chorus, by the name of its source. All have the same chords, if those that
    the network plays are right.

    Raises
    ------
    ValueError : for no chorus, or more than the training set has.

    Section 4.3; page *By ear*.
    """
    music = experiments.choruses()
    if not 1 <= each <= len(music.training):
        raise ValueError(f"each: expected 1 to {len(music.training)} choruses, got {each}")
    network = training.stored("experiment_2").network
    heard = np.concatenate(experiments.rolls(music.training[:HEARD]))
    composed = composing.compose(
        network,
        chorus(music.training[0]),
        2,
        each,
        np.random.default_rng(seed),
        state=composing.hear(network, heard),
    )
    table = transition_table.fit(measures.chorus_lines(music.training))
    drawn = transition_table.compose(table, each, TWELVE_BAR.steps, np.random.default_rng(seed))
    rolls = {
        "Training set": experiments.rolls(music.training[:each]),
        "LSTM": composed.reshape(each, TWELVE_BAR.steps, -1),
        "Transition table": _with_chords(drawn),
        "Random walk": _with_chords(random_walk.compose(each, np.random.default_rng(seed))),
    }
    return {
        source: tuple(score.played(CHORDS_AND_MELODY.decode(roll)) for roll in choruses)
        for source, choruses in rolls.items()
    }


def _with_chords(lines: np.ndarray) -> np.ndarray:
    """Melody lines over the chords of the form, shape ``(choruses, steps, units)``."""
    melody = lines[..., None] == np.array(CHORDS_AND_MELODY.melody)
    chords = np.broadcast_to(CHORDS_ONLY.form_roll(TWELVE_BAR), (*lines.shape, 12))
    return np.concatenate([chords, melody], axis=-1)


# ---- Loudness ------------------------------------------------------------------------------------


@checked(signal=array("samples", finite=True, dtype=float), rate=whole(1, _WEIGHTING_RATE))
def loudness(signal: np.ndarray, rate: int = audio.RATE) -> float:
    """How loud a sound is as a whole, in LUFS: its power, each frequency weighted as the ear does.

    The weighting is that of ITU-R BS.1770-4, by which broadcasters level their programmes; the
    power is that of the whole signal (no gates: music without pauses has nothing to leave out).
    A sine of 997 Hz that uses the full range has -3.01.

    Parameters
    ----------
    signal : shape ``(samples,)``.
    rate : samples a second, at most 48,000.

    Raises
    ------
    ValueError : for a signal of another shape or with values that are not finite, silence, or a
        rate out of range.

    Page *By ear*.
    """
    signal = np.asarray(signal, dtype=float)
    if signal.ndim != 1 or not np.isfinite(signal).all():
        raise ValueError(f"expected one row of finite samples, got shape {signal.shape}")
    if not signal.any():
        raise ValueError("signal: silence has no loudness, got no sample but 0")
    if not 0 < rate <= _WEIGHTING_RATE:
        raise ValueError(f"expected a rate of at most {_WEIGHTING_RATE} samples, got {rate}")
    # The filters' response is known at every frequency, and the power of a sum of sines is the sum
    # of their powers: nothing has to be filtered, and any rate will do.
    frequencies = np.fft.fftfreq(len(signal), 1 / rate)
    delay = np.exp(-2j * np.pi * frequencies / _WEIGHTING_RATE)
    response = np.ones(len(signal), dtype=complex)
    for above, below in _WEIGHTING:
        response *= np.polyval(above[::-1], delay) / np.polyval(below[::-1], delay)
    spectrum = response * np.fft.fft(signal) / len(signal)
    power = (np.abs(spectrum) ** 2).sum()
    if not (np.isfinite(power) and power > 0):
        raise ValueError(f"signal: expected a sound that can be heard, got a power of {power:g}")
    return _WEIGHTING_OFFSET + 10 * math.log10(power)


@checked
def equally_loud(signals: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Turn sounds down to the softest of them, so that none is louder and none can clip.

    Raises
    ------
    ValueError : for no sound, or one that `loudness` refuses.

    Page *By ear*.
    """
    if not len(signals):
        raise ValueError("there is no sound to compare")
    levels = [loudness(signal) for signal in signals]
    softest = min(levels)
    return [
        (10 ** ((softest - level) / 20) * np.asarray(signal)).astype(np.float32)
        for signal, level in zip(signals, levels, strict=True)
    ]


# ---- Chance --------------------------------------------------------------------------------------


class Gap(NamedTuple):
    """How far apart the best and the worst mean of several sources lie.

    mean : on average. rare : a gap that is as large or larger in at most one case of twenty.
    """

    mean: float
    rare: float


@checked(sources=whole(2, 1_000), each=whole(1, 1_000))
def gap_by_dice(sources: int, each: int) -> Gap:
    """The gap between sources if a die with five sides rates them: what to compare a table with.

    Parameters
    ----------
    sources : how many there are, at least 2.
    each : pieces of each, at least 1.

    Returns
    -------
    Gap : exact, in points of the scale; ``rare`` is above the scale's length if no gap is rare.

    Raises
    ------
    ValueError : for fewer sources or pieces.

    Page *By ear*.
    """
    if sources < 2 or each < 1:
        raise ValueError(
            f"expected at least 2 sources and 1 piece of each, got {sources} and {each}"
        )
    sums = np.ones(1)
    for _ in range(each):
        sums = np.convolve(sums, np.full(len(SCALE), 1 / len(SCALE)))
    # All sources lie within `gap` if, for the lowest sum that occurs, all are between it and
    # `gap` above it, but not all are above it.
    up_to = np.concatenate([[0.0], np.cumsum(sums)])
    lowest = np.arange(len(sums))
    within = np.array(
        [
            sum(
                (up_to[min(low + gap + 1, len(sums))] - up_to[low]) ** sources
                - (up_to[min(low + gap + 1, len(sums))] - up_to[low + 1]) ** sources
                for low in lowest
            )
            for gap in lowest
        ]
    )
    beyond = np.append(1 - within, 0.0)  # P(gap > 0), P(gap > 1), ... in sums
    rare = 1 + int(np.argmax(beyond <= 0.05))
    return Gap(float(beyond.sum() / each), rare / each)


# ---- The test ------------------------------------------------------------------------------------


class Sample(NamedTuple):
    """A piece as it is heard: whose it is, the how-manieth of it from 1, and its sound."""

    source: str
    number: int
    mp3: bytes

    def __repr__(self) -> str:
        return f"Sample({self.source!r}, {self.number})"


@checked(
    samples=several(instance(Sample)),
    duration=real(0),
    bar=real(above=0),
    bars=whole(1),
    last=whole(0),
)
@dataclass(frozen=True)
class BlindTest:
    """A blind test for a notebook or the book; needs no kernel and no network.

    Attributes
    ----------
    sources : their names, in the order of the reader's table.
    samples : the pieces as they stand in the page before a script shuffles them.
    duration : of each piece, in seconds.
    bar, bars : how long a bar is, in seconds, and how many make a chorus.
    last : the bar in which the pieces end, from 0; what sounds after it is their echo.
    """

    sources: tuple[str, ...]
    samples: tuple[Sample, ...]
    duration: float
    bar: float
    bars: int
    last: int

    def __repr__(self) -> str:
        return (
            f"BlindTest({len(self.samples)} pieces of {len(self.sources)} sources, "
            f"{self.duration:.1f} s each)"
        )

    def _repr_html_(self) -> str:
        return _page(self)


@checked(tempo=audio.TEMPO, swing=audio.SWING)
def blind_test(
    music: Mapping[str, Sequence[Music]],
    rng: np.random.Generator | int,
    *,
    form: Form = TWELVE_BAR,
    tempo: float = 120.0,
    swing: float = 0.5,
) -> BlindTest:
    """Put pieces of several sources into a page in which they can be heard and rated blindly.

    Parameters
    ----------
    music : the pieces of each source by its name, such as `pieces` returns them or your own: at
        least two sources, all pieces equally long.
    rng : mixes the order for a reader whose browser runs no script; an int is a seed.
    form : says which bar sounds.
    tempo, swing : see `audio.seconds`.

    Returns
    -------
    What a notebook cell shows if it ends in it; 110 kB a chorus.

    Raises
    ------
    ValueError : for fewer sources, one without a name or a piece, pieces that are silent or not
        equally long (their length would tell which is which), or as `audio.synthesise`.

    Section 4.3; page *By ear*.
    """
    if len(music) < 2:
        raise ValueError(f"a blind test needs at least two sources, got {len(music)}")
    for source, own in music.items():
        check("music, the name of a source", source, text(some=True))
        check(f"music, {source}", own, several(anything(), some=True))
    names = [(source, number) for source, own in music.items() for number in range(1, len(own) + 1)]
    signals = [
        audio.synthesise(tracks(piece), tempo=tempo, swing=swing)
        for own in music.values()
        for piece in own
    ]
    for (source, number), signal in zip(names, signals, strict=True):
        if len(signal) != len(signals[0]):
            raise ValueError(
                f"{source} {number}: {len(signal) / audio.RATE:.2f} s long, others "
                f"{len(signals[0]) / audio.RATE:.2f} s; the length would tell which is which"
            )
        if not signal.any():
            raise ValueError(f"{source} {number}: the piece is silent")
    samples = [
        Sample(source, number, audio.encode_mp3(signal))
        for (source, number), signal in zip(names, equally_loud(signals), strict=True)
    ]
    duration = len(signals[0]) / audio.RATE
    bar = audio.seconds(form.steps_per_bar, tempo, swing)
    return BlindTest(
        tuple(music),
        tuple(samples[place] for place in np.random.default_rng(rng).permutation(len(samples))),
        duration,
        bar,
        form.bars,
        max(0, math.ceil((duration - audio.TAIL) / bar - 0.01) - 1),
    )


# ---- The page ------------------------------------------------------------------------------------


def _page(test: BlindTest) -> str:
    """The whole test; what needs a script is hidden until it runs, and what needs none goes."""
    here = files(__package__)
    style = palette() + here.joinpath("listening.css").read_text(encoding="utf-8")
    script = here.joinpath("listening.js").read_text(encoding="utf-8")
    group = hashlib.sha256(b"".join(sample.mp3 for sample in test.samples)).hexdigest()[:8]
    cards = "\n".join(
        _card(number, sample, f"rating-{group}-{number}")
        for number, sample in enumerate(test.samples, start=1)
    )
    scales = "; ".join(
        f"<b>{name}</b> from {SCALE[0]} ({least}) to {SCALE[-1]} ({most})"
        for name, least, most in _QUESTIONS.values()
    )
    key = "\n".join(
        f'<tr><th scope="row">Piece {place}</th><td>{html.escape(sample.source)} '
        f"{sample.number}</td></tr>"
        for place, sample in enumerate(test.samples, start=1)
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name, *_ in _QUESTIONS.values())
    return f"""<div class="listening" role="group" aria-label="Blind test">
<style>{style}</style>
<p class="scales">{scales}.</p>
<ol class="pieces">
{cards}
</ol>
<div class="finish" hidden>
<p class="done" role="status"></p>
<p><button type="button" class="reveal" disabled>Show which was which</button></p>
<p class="hint">You may look before all are rated; what is missing is left out.</p>
</div>
<section class="result" aria-label="Which was which" hidden>
<h3 tabindex="-1">Which was which</h3>
<table class="told"><caption>Your ratings. In bold: the mean of a source.</caption>
<thead><tr><th scope="col">Piece</th>{heads}</tr></thead></table>
<p class="gap"></p>
<label>The same table as text, for a spreadsheet
<textarea readonly rows="5" spellcheck="false"></textarea></label>
<p class="buttons"><button type="button" class="copy">Copy the table</button>
<button type="button" class="again">Start again in a new order</button></p>
<p class="copied" role="status"></p>
</section>
<div class="key">
<p>Your browser runs no script here, so the pieces are not shuffled anew and nothing is added up.
Rate them all before you open the key.</p>
<details><summary>Which was which</summary>
<table class="told"><caption>The key</caption>
<thead><tr><th scope="col">Piece</th><th scope="col">What it is</th></tr></thead>
<tbody>
{key}
</tbody></table></details>
</div>
<script type="application/json">{_data(test)}</script><script>{script}</script></div>"""


def _card(number: int, sample: Sample, group: str) -> str:
    """A piece that can be heard and rated. Its number is that of its place, not of its sound."""
    data = base64.b64encode(sample.mp3).decode("ascii")
    ratings = "".join(
        f'<fieldset data-question="{question}"><legend><span class="unseen">Piece {number}: </span>'
        f"{name}</legend>{_ratings(f'{group}-{question}', least, most)}</fieldset>"
        for question, (name, least, most) in _QUESTIONS.items()
    )
    return (
        f'<li class="piece"><h3 tabindex="-1">Piece {number}</h3><span class="bar" hidden></span>'
        f'<p class="was" hidden></p><audio controls preload="metadata" aria-label="Piece {number}" '
        f'src="data:audio/mpeg;base64,{data}"></audio><div class="ratings">{ratings}</div></li>'
    )


def _ratings(group: str, least: str, most: str) -> str:
    """Five native radio buttons; ``autocomplete`` keeps browsers from restoring old ratings."""
    ends = {SCALE[0]: least, SCALE[-1]: most}
    return "".join(
        f'<label><input type="radio" name="{group}" value="{value}" autocomplete="off">'
        f"<span>{value}{_unseen(ends.get(value))}</span></label>"
        for value in SCALE
    )


def _unseen(words: str | None) -> str:
    """Words for a screen reader."""
    return f'<span class="unseen"> ({words})</span>' if words else ""


def _data(test: BlindTest) -> str:
    """What the script is given, safe inside a script element."""
    each = {sum(sample.source == source for sample in test.samples) for source in test.sources}
    stored = {
        "sources": test.sources,
        "key": [[test.sources.index(sample.source), sample.number] for sample in test.samples],
        "questions": list(_QUESTIONS),
        "bar": test.bar,
        "bars": test.bars,
        "last": test.last,
        # Only sources with equally many pieces can be compared with one die.
        "dice": gap_by_dice(len(test.sources), each.pop()) if len(each) == 1 else None,
    }
    return json.dumps(stored, ensure_ascii=False).replace("<", "\\u003c")
