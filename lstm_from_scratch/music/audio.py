"""Sound from notes: a small electric piano written with NumPy, and a player for the page.

Every note is a sum of a few sine partials, each with a decay of its own, under a short attack and
release; partials that the sample rate can't carry are left out. The same notes give the same sound.
Time is the score's: step ``s`` sounds at ``seconds(s, tempo, swing)``.

Chapter 1 (Twelve bars) uses it; chapter 2 explains what of it is in the notes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import io
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import soundfile

from .. import limits
from ..arguments import array, check, checked, either, instance, real, text, whole
from ..files import write_whole
from .blues import Chorus
from .midi import TICKS_PER_WHOLE, Music, tracks

RATE = 22050
"""Samples a second."""

PEAK = 0.8
"""Largest absolute sample of any piece."""

LOUDNESS = 0.2
"""Root mean square of any piece while it sounds."""

TAIL = 0.4
"""Seconds from the end of the last note to the end of the sound: a short fade, then silence."""

# Variable rate: the header then says how much silence the encoder put in front, and decoders take
# it away; with a constant rate every onset would come 50 ms late.
_MP3 = {
    "format": "MP3",
    "subtype": "MPEG_LAYER_III",
    "bitrate_mode": "VARIABLE",
    "compression_level": 0.5,
}
_BLOCK = RATE // 100  # the limiter looks at hundredths of a second
_STRETCH = 6000 * _BLOCK  # a minute, which is mixed at once
_LOUDEST = 8.0  # a sample that is only clipped
_HIGHEST = 0.45 * RATE  # Hz; no partial goes above


class Timbre(NamedTuple):
    """How a voice sounds: its partials and its envelope.

    level: amplitude of a note. partials: (multiple of the fundamental, amplitude, seconds in which
    it falls to 1/e). attack, release: seconds.
    """

    level: float
    partials: tuple[tuple[int, float, float], ...]
    attack: float
    release: float


LEAD = Timbre(
    level=1.0,
    partials=((1, 1.0, 1.0), (2, 0.45, 0.5), (3, 0.15, 0.35), (4, 0.06, 0.25), (7, 0.12, 0.05)),
    attack=0.004,
    release=0.06,
)
"""The melody: a bright electric piano; the short high partial is the hammer on the tine."""

PAD = Timbre(
    level=0.27,
    partials=((1, 1.0, 2.6), (2, 0.55, 1.8), (3, 0.25, 1.2), (4, 0.12, 0.9), (5, 0.05, 0.6)),
    attack=0.012,
    release=0.12,
)
"""The chords: softer, rounder and longer."""


TEMPO, SWING = real(*limits.TEMPO, of="beats a minute"), real(0.5, 0.8)
"""What a tempo and a swing may be, everywhere."""


@checked(step=whole(0, limits.RUN), tempo=TEMPO, swing=SWING)
def seconds(step: int, tempo: float = 120.0, swing: float = 0.5) -> float:
    """When a step sounds, in seconds from the beginning.

    Parameters
    ----------
    step : counted from 0, an eighth note each; two make a beat.
    tempo : beats a minute, from 4 to 1000 (`limits.TEMPO`).
    swing : where in its beat the second eighth note comes, 0.5 (straight) up to 0.8; about 0.6 is
        a bebop player's feel, 2/3 a shuffle. The notes themselves never change.

    Raises
    ------
    ValueError : for a tempo or a swing out of range.
    """
    beat, second_half = divmod(step, 2)
    return (beat + swing * second_half) * 60 / tempo


@checked(pitch=whole(0, 127))
def frequency(pitch: int) -> float:
    """The fundamental of a MIDI note number in Hz: 440 for 69, equal temperament. Chapter 1."""
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


_GRID = whole(1, TICKS_PER_WHOLE)


@checked(tempo=TEMPO, swing=SWING, grid=_GRID)
def synthesise(
    music: Music,
    *,
    tempo: float = 120.0,
    swing: float = 0.5,
    brush: bool = False,
    grid: int = 8,
) -> np.ndarray:
    """Turn music into sound. Chapter 1.

    Parameters
    ----------
    music : a chorus, named tracks or plain notes (see `midi.tracks`); the track ``"chords"`` is
        played softly, every other one as melody.
    tempo, swing : see `seconds`.
    brush : add a quiet brush on a snare drum on the second and fourth beat of every four, which is
        not in the notes; off unless asked for.
    grid : steps a whole note; 8 for eighth notes. Only these have swing and brush.

    Returns
    -------
    float32 array of shape ``(samples,)`` at `RATE`, never beyond `PEAK`, equally loud for every
    piece, `TAIL` seconds longer than the notes.

    Raises
    ------
    ValueError : for what is not a note, a note too high to be heard, a tempo or swing out of range,
        more than an hour of sound (`limits.SOUND`), swing or brush on another grid.
    """
    if grid != 8 and (swing != 0.5 or brush):
        raise ValueError(f"grid: expected 8 with swing or brush, got {grid}")
    parts = tracks(music)
    notes = [
        (note, PAD if name == "chords" else LEAD) for name, part in parts.items() for note in part
    ]
    last = max((note.onset + note.duration for note, _ in notes), default=0)

    def when(step: int) -> float:
        return seconds(step, tempo, swing) if grid == 8 else step * 240 / (tempo * grid)

    limits.expect_sound("music", when(last))

    def at(step: int) -> int:
        return _samples(when(step))

    keys = [
        _Key(note.pitch, timbre, at(note.onset), at(note.onset + note.duration))
        for note, timbre in notes
    ]
    brushes = [at(step) for step in range(2, last, 4)] if brush else []
    return _levelled(_mixer(keys, brushes), _samples(when(last) + TAIL))


class _Key(NamedTuple):
    """A note in samples: when its key goes down and up."""

    pitch: int
    timbre: Timbre
    down: int
    up: int


def _samples(duration: float) -> int:
    return round(duration * RATE)


def _fade(samples: int) -> np.ndarray:
    """From 1 to 0 along half a cosine, shape ``(samples,)``."""
    return 0.5 + 0.5 * np.cos(np.pi * (np.arange(samples) + 1) / samples)


def _tone(pitch: int, timbre: Timbre, samples: int) -> np.ndarray:
    """One note held for so many samples, or until it is no longer heard."""
    fundamental = frequency(pitch)
    if fundamental > _HIGHEST:
        raise ValueError(
            f"music: pitch {pitch} sounds at {fundamental:.0f} Hz: too high for {RATE} "
            "samples a second"
        )
    audible = [_samples(8 * decay) for _, _, decay in timbre.partials]  # below 0.04 % after that
    time = np.arange(min(samples, max(audible))) / RATE
    tone = np.zeros(len(time))
    for (multiple, amplitude, decay), end in zip(timbre.partials, audible, strict=True):
        if multiple * fundamental < _HIGHEST:
            t = time[:end]
            tone[:end] += (
                amplitude * np.exp(-t / decay) * np.sin(2 * np.pi * multiple * fundamental * t)
            )
    attack = min(samples, _samples(timbre.attack))
    tone[:attack] *= 1 - _fade(attack)
    return timbre.level * tone


def _released(tone: np.ndarray, timbre: Timbre, held: int) -> np.ndarray:
    """A tone whose key goes up after so many samples."""
    release = _samples(timbre.release)
    sound = tone[: held + release].copy()
    sound[held:] *= _fade(release)[: max(0, len(sound) - held)]
    return sound


def _brush() -> np.ndarray:
    """A soft burst of noise."""
    n = np.arange(_samples(0.09))
    # Squares times an irrational number never repeat modulo 1: noise that needs no random numbers.
    noise = np.diff(np.modf(n**2 * ((math.sqrt(5) - 1) / 2))[0] - 0.5, append=0.0)
    return 0.12 * noise * np.exp(-n / (0.025 * RATE)) * (1 - np.exp(-n / (0.004 * RATE)))


def _mixer(keys: list[_Key], brushes: list[int]) -> Callable[[int, int], np.ndarray]:
    """A function that mixes what sounds from one sample to another.

    An hour of samples takes 635 MB, so nobody holds them all at once in this precision.
    """
    longest: dict[tuple[int, Timbre], int] = {}
    for pitch, timbre, down, up in keys:
        held = up - down + _samples(timbre.release)
        longest[pitch, timbre] = max(longest.get((pitch, timbre), 0), held)
    tones = {key: _tone(*key, samples) for key, samples in longest.items()}
    burst = _brush()
    begins = np.array([key.down for key in keys] + brushes, dtype=np.int64)
    ends = np.array(
        [up + _samples(timbre.release) for _, timbre, _, up in keys]
        + [start + len(burst) for start in brushes],
        dtype=np.int64,
    )

    def mix(first: int, last: int) -> np.ndarray:
        signal = np.zeros(last - first)
        for number in np.flatnonzero((begins < last) & (ends > first)):
            sound = burst
            if number < len(keys):
                pitch, timbre, down, up = keys[number]
                sound = _released(tones[pitch, timbre], timbre, up - down)
            begin = int(begins[number]) - first
            start, stop = max(begin, 0), min(begin + len(sound), len(signal))
            if start < stop:
                signal[start:stop] += sound[start - begin : stop - begin]
        return signal

    return mix


def _levelled(mix: Callable[[int, int], np.ndarray], samples: int) -> np.ndarray:
    """What is mixed, brought to the common loudness, its peaks held below the limit; float32.

    The gain changes slowly (over hundredths of a second), so that nothing is clipped or distorted.
    It depends on the whole piece: a long one is mixed twice, a stretch at a time.
    """
    mix = functools.lru_cache(maxsize=1)(mix)
    stretches = [(it, min(it + _STRETCH, samples)) for it in range(0, samples, _STRETCH)]
    sound = np.zeros(samples, dtype=np.float32)
    powers, peaks = [], []
    for stretch in stretches:
        table = _in_blocks(mix(*stretch))
        powers.append((table**2).mean(axis=1))
        peaks.append(np.abs(table).max(axis=1))
    power = np.concatenate(powers)
    if power.max() == 0:
        return sound
    factor = LOUDNESS / math.sqrt(power[power > 1e-4 * power.max()].mean())
    highest = np.pad(factor * np.concatenate(peaks), 1)
    around = np.maximum(np.maximum(highest[:-2], highest[1:-1]), highest[2:])
    gain = factor * np.minimum(1.0, PEAK / np.maximum(around, PEAK))
    centres = (np.arange(len(gain)) + 0.5) * _BLOCK
    for first, last in stretches:
        gains = np.interp(np.arange(first, last), centres, gain)
        sound[first:last] = mix(first, last) * gains
    return sound


def _in_blocks(signal: np.ndarray) -> np.ndarray:
    """A signal in rows of `_BLOCK` samples, the last filled up with silence."""
    return np.pad(signal, (0, -len(signal) % _BLOCK)).reshape(-1, _BLOCK)


@checked(
    signal=either(
        array("samples", finite=True, some=True), array("samples", "channels", finite=True)
    )
)
def encode_mp3(signal: np.ndarray) -> bytes:
    """Compress a signal of shape ``(samples,)`` at `RATE` to MP3; the same bytes each time.

    ``(samples, 2)`` are two channels, left and right. Chapter 1.

    Raises
    ------
    ValueError : for a signal of another shape, or with samples that are not finite or far beyond 1:
        the encoder ends the whole interpreter on some of these.
    """
    if _highest(signal) > _LOUDEST:
        raise ValueError(
            f"signal: expected samples between -1 and 1, got {_highest(signal):g} among them"
        )
    if not signal.size or signal.shape[1:] > (2,):
        raise ValueError(
            f"signal: expected shape (samples,) or (samples, 2), got shape {signal.shape}"
        )
    buffer = io.BytesIO()
    soundfile.write(buffer, signal, RATE, **_MP3)
    return buffer.getvalue()


def _highest(signal: np.ndarray) -> float:
    """The largest absolute sample, without a second signal of absolute ones."""
    return float(max(signal.max(initial=0), -signal.min(initial=0)))


@checked(signal=array("samples"))
def write_audio(signal: np.ndarray, path: str | os.PathLike[str]) -> Path:
    """Write a signal of shape ``(samples,)`` at `RATE` to an ``.mp3`` or ``.wav`` file. Chapter 1.

    Raises
    ------
    ValueError : for another kind of file, or a signal that is not one row of samples within ±1.
    """
    signal = np.asarray(signal, dtype=np.float32)
    if signal.ndim != 1 or not signal.size or not _highest(signal) <= 1:
        raise ValueError(
            "signal: expected one row of samples between -1 and 1, got shape "
            f"{signal.shape} with "
            f"{np.count_nonzero(~(np.abs(signal) <= 1))} samples out of range"
        )
    kind = Path(path).suffix.lower()
    if kind == ".mp3":
        return write_whole(path, encode_mp3(signal))
    if kind == ".wav":
        buffer = io.BytesIO()
        soundfile.write(buffer, signal, RATE, format="WAV", subtype="PCM_16")
        return write_whole(path, buffer.getvalue())
    raise ValueError(f"path: can't write {str(path)!r}: expected a name that ends in .mp3 or .wav")


@checked(duration=real(0))
@dataclass(frozen=True)
class Player:
    """Sound that a notebook or the book shows as an audio element; needs no network and no script.

    Attributes
    ----------
    title : what is heard; also the label that a screen reader says.
    duration : in seconds.
    mp3 : the sound itself.
    """

    title: str
    duration: float
    mp3: bytes

    def __repr__(self) -> str:
        return f"Player({self.title!r}, {self.duration:.1f} s)"

    def _repr_html_(self) -> str:
        title = html.escape(self.title)
        data = base64.b64encode(self.mp3).decode("ascii")
        return (
            f'<figure class="player" style="margin: 0.5em 0">'
            f"<figcaption>{title} ({self.duration:.0f} s)</figcaption>"
            f'<audio controls preload="metadata" aria-label="{title}" '
            f'style="width: 100%; max-width: 36em" src="data:audio/mpeg;base64,{data}"></audio>'
            f"</figure>"
        )


@checked(tempo=TEMPO, swing=SWING, grid=_GRID)
def player(
    music: Music,
    title: str | None = None,
    *,
    tempo: float = 120.0,
    swing: float = 0.5,
    brush: bool = False,
    grid: int = 8,
) -> Player:
    """Let music be heard in the page. Chapter 1.

    Parameters
    ----------
    music, tempo, swing, brush, grid : see `synthesise`; one chorus is 24 seconds and about 110 kB.
    title : what is heard; by default a chorus is called by its number.

    Raises
    ------
    ValueError : as `synthesise`.
    """
    if title is None:
        title = f"Chorus {music.number}" if isinstance(music, Chorus) else "Sound"
    signal = synthesise(music, tempo=tempo, swing=swing, brush=brush, grid=grid)
    return Player(title, len(signal) / RATE, encode_mp3(signal))


class Sounding(Protocol):
    """What has a sound and can be shown in a page, such as a `Player`. Chapter 8."""

    @property
    def mp3(self) -> bytes:
        """The sound itself. Chapter 8."""
        ...

    def _repr_html_(self) -> str: ...


# What is no longer in view must not sound on, where nobody could stop it.
_STILL = "this.parentElement.querySelectorAll('audio').forEach((sound) => sound.pause())"


@checked
@dataclass(frozen=True)
class Choice:
    """Several sounds of which the page shows the one that is chosen; needs no script.

    Attributes
    ----------
    title : what there is to choose.
    players : by what they are called in the choice; the first is shown at the beginning.

    Raises
    ------
    ValueError : if there is nothing to choose from.

    Chapter 8.
    """

    title: str
    players: Mapping[str, Sounding]

    def __post_init__(self) -> None:
        if not self.players:
            raise ValueError(f"players: expected one at least, got {self.players}")
        for label, one in self.players.items():
            check("name of one of the players", label, text())
            check(f"players, {label!r}", one, instance(Sounding))

    def _repr_html_(self) -> str:
        sounds = b"".join(player.mp3 for player in self.players.values())
        group = "choice-" + hashlib.sha256(self.title.encode() + sounds).hexdigest()[:12]
        # Radio buttons are siblings of the sounds, so that style alone can show the chosen one.
        buttons, figures, rules = [], [], []
        for number, (label, player) in enumerate(self.players.items()):
            name = f"{group}-{number}"
            checked = " checked" if number == 0 else ""
            buttons.append(
                f'<input type="radio" name="{group}" id="{name}"{checked} onchange="{_STILL}">'
                f'<label for="{name}" style="margin: 0 1em 0 0.3em">{html.escape(label)}</label>'
            )
            figures.append(f'<div class="sound-{number}">{player._repr_html_()}</div>')
            rules.append(f"#{name}:checked ~ .sound-{number}")
        return (
            f"<style>.{group} > div {{ display: none }} {', '.join(rules)} {{ display: block }}"
            f"</style>"
            f'<fieldset class="choice {group}" style="border: 0; margin: 0.5em 0; padding: 0">'
            f"<legend>{html.escape(self.title)}</legend>{''.join(buttons)}{''.join(figures)}"
            f"</fieldset>"
        )
