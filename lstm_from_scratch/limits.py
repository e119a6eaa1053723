"""How large a piece may be: stated once, asked at every door.

A file of 40 bytes can ask for a note a week long, and one digit too many for a roll that no memory
holds. What is larger than these limits is refused before anything is made of it; they lie far above
what the book does, whose longest piece has 12 choruses and whose longest run 10,000.

Chapter 1 (Twelve bars) has pieces of one chorus, 96 steps.
"""

from __future__ import annotations

from . import briefly

RUN = 4_000_000
"""Steps of a roll: 10,000 choruses of our blues in thirty-seconds, 800 MB for 25 units."""

PIECE = 96_000
"""Steps of a piece that is written to a file or read from one: 1,000 choruses, 6 hours and more."""

NOTES = 2_000_000
"""Notes of a piece: twice those of 10,000 choruses."""

PAGE = 9_600
"""Steps of music that a page or a sheet shows: 100 choruses, 1,200 bars."""

SHEET = 20_000
"""Notes on a sheet: twice those of 100 choruses, which take half a minute to draw."""

STAVES = 15
"""Staves of a sheet: as many as a MIDI file has tracks."""

SOUND = 3_600
"""Seconds of a sound: an hour, whose making takes half a gigabyte."""

TEMPO = (4, 1000)
"""Beats a minute: the slowest is the slowest that a MIDI file can hold, and the fastest has long
ceased to be music."""

CHORUSES = 1_000_000
"""Choruses that a network is asked for, or that a form's training set is drawn from."""

BETWEEN_TESTS = 10_000_000
"""Steps of training between two tests: the order of as many choruses is drawn in advance."""

TRAINING = 10**12
"""Steps of a training in all: some months."""

TRIALS = 100_000
"""Times that something is drawn or tried at random."""

UNITS = 4_096
"""Inputs, blocks, cells or hidden units of a network, each."""


def expect_steps(name: str, steps: int, most: int) -> None:
    """See that music is no longer than a limit of this room. Chapter 1.

    Raises
    ------
    ValueError : if it is; the message names the argument, what came and the limit.
    """
    if steps > most:
        raise ValueError(
            f"{name}: expected at most {most:,} steps, got {briefly.large(steps)}: "
            "play or write it in parts"
        )


def expect_sound(name: str, seconds: float) -> None:
    """See that a sound is no longer than `SOUND`. Chapter 1.

    Raises
    ------
    ValueError : if it is.
    """
    if seconds > SOUND:
        raise ValueError(
            f"{name}: expected at most {SOUND:,} seconds of sound, got {seconds:,.0f}: play it "
            "faster or in parts"
        )


FILE = 10_000_000
"""Bytes of a music file that is read, and of what is packed in one: far more than a long piece."""

TABLE = 300_000_000
"""Bytes of a table of a study that is read: a million runs."""

PROCESSES = 1_024
"""Processes that work at once."""

EVENTS = 1_000_000
"""Events of a MIDI file, or elements of MusicXML."""

TUNE = 100_000
"""Notes of a tune: a symphony has fewer."""

NAME = 200
"""Characters of a name or a text that is taken from a music file."""


def expect_notes(name: str, notes: int) -> None:
    """See that a tune has no more notes than `TUNE`. Chapter 1.

    Raises
    ------
    ValueError : if it has.
    """
    if notes > TUNE:
        raise ValueError(
            f"{name}: expected at most {TUNE:,} notes, got {briefly.large(notes)}: take a part"
        )


WEIGHTS = 10_000_000
"""Numbers in a matrix of weights: 80 MB."""

TESTS = 1_000_000
"""Tests of a training whose curve is kept."""
