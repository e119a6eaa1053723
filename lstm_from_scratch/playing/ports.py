"""MIDI ports: which there are, one opened by part of its name, notes that are never left hanging.

The ports are mido's, of python-rtmidi (the extra ``live`` of this package), or of what the variable
``MIDO_BACKEND`` in the environment names.

Chapter 8 (Experiment 2) has the network that plays through them.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal, NamedTuple

import mido

from ..arguments import able, checked, whole

NEEDS_RTMIDI = (
    "playing through MIDI ports needs python-rtmidi: pip install 'lstm-from-scratch[live]'. "
    "Without it, the page Play with it of the book plays in a browser."
)
"""What is said where python-rtmidi is missing."""

VIRTUAL = "Learning the Blues"
"""What a port is called that other programs can connect to."""

_ALL_OFF = 123  # the controller that ends all notes of a channel


class Names(NamedTuple):
    """The ports of this machine, by name: those that can be heard, and those that can be played."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@checked
def names() -> Names:
    """Which ports there are. Chapter 8.

    Raises
    ------
    ModuleNotFoundError : without python-rtmidi.
    OSError : where the system has no MIDI.
    """
    return Names(*(tuple(_ask(it)) for it in (mido.get_input_names, mido.get_output_names)))


def _ask(function: Any, *arguments: Any, **more: Any) -> Any:
    """Ask mido for something; whatever a backend breaks with is said in our words."""
    try:
        return function(*arguments, **more)
    except ModuleNotFoundError as error:
        if error.name != "rtmidi":
            raise
        raise ModuleNotFoundError(NEEDS_RTMIDI, name="rtmidi") from None
    except Exception as error:  # backends have errors of their own
        raise OSError(f"this system gives no MIDI port: {error}") from error


@checked
def open_port(kind: Literal["input", "output"], name: str) -> Any:
    """Open a port whose name contains a text, in large or small letters.

    Parameters
    ----------
    name : part of the name of one port; `VIRTUAL` for a new one that other programs connect to.

    Returns
    -------
    A port of mido.

    Raises
    ------
    ModuleNotFoundError : without python-rtmidi.
    OSError : where there is no such port, or several; the message names those that there are.

    Chapter 8.
    """
    opened = mido.open_input if kind == "input" else mido.open_output
    if name == VIRTUAL:
        return _ask(opened, name, virtual=True)
    there = names().inputs if kind == "input" else names().outputs
    found = [it for it in there if it == name] or [
        it for it in there if name.casefold() in it.casefold()
    ]
    if len(found) != 1:
        listed = ", ".join(map(repr, found or there)) or "none"
        many = "several ports" if found else "no port"
        raise OSError(f"{many} with {name!r} in the name: the {kind} ports are {listed}")
    return _ask(opened, found[0])


class Gone(OSError):
    """A port that was there is not any more."""


@checked(port=able("send"))
class Notes:
    """Notes on their way out of a port. What was begun is ended, whatever happens.

    Parameters
    ----------
    port : of mido, or anything with ``send``.

    Chapter 8.
    """

    def __init__(self, port: Any) -> None:
        self.port = port
        self.sounding: set[tuple[int, int]] = set()
        self._channels: set[int] = set()

    @checked(channel=whole(0, 15), program=whole(0, 127))
    def choose(self, channel: int, program: int) -> None:
        """Choose an instrument of General MIDI for a channel. Chapter 8."""
        self._send("program_change", channel=channel, program=program)

    @checked(channel=whole(0, 15), pitch=whole(0, 127), velocity=whole(1, 127))
    def begin(self, channel: int, pitch: int, velocity: int) -> None:
        """Begin a note; one of the same pitch that sounds is ended first. Chapter 8."""
        self.end(channel, pitch)
        self.sounding.add((channel, pitch))  # before it is sent: if that breaks, it is ended too
        self._channels.add(channel)
        self._send("note_on", channel=channel, note=pitch, velocity=velocity)

    @checked(channel=whole(0, 15), pitch=whole(0, 127))
    def end(self, channel: int, pitch: int) -> None:
        """End a note, if it sounds. Chapter 8."""
        if (channel, pitch) in self.sounding:
            self._send("note_off", channel=channel, note=pitch)
            self.sounding.discard((channel, pitch))

    def silence(self) -> None:
        """End all that sounds; never raises: the port may be gone. Chapter 8."""
        for channel, pitch in sorted(self.sounding):
            with suppress(Exception):
                self.port.send(mido.Message("note_off", channel=channel, note=pitch))
        for channel in sorted(self._channels):
            with suppress(Exception):
                self.port.send(mido.Message("control_change", channel=channel, control=_ALL_OFF))
        self.sounding.clear()

    def _send(self, kind: str, **what: int) -> None:
        try:
            self.port.send(mido.Message(kind, **what))
        except Exception as error:  # as the backend has it
            name = getattr(self.port, "name", None)
            raise Gone(f"the output {name!r} takes no more notes: {error}") from error
