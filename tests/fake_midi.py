"""A backend of mido without a device, for ``MIDO_BACKEND=fake_midi``: notes come and go in files.

The folder that ``FAKE_MIDI`` names has ``in.json``, a list of seconds since the port was opened and
bytes; what is sent is written into ``out.txt``. Where there is a file ``unplugged``, the input is
gone.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from mido import Message, ports

KEYS, SOUND = "Fake keys 20:0", "Fake sound 28:0"


def _folder() -> Path:
    return Path(os.environ["FAKE_MIDI"])


def get_devices(**_: object) -> list[dict[str, object]]:
    keys = {"name": KEYS, "is_input": True, "is_output": False}
    sound = {"name": SOUND, "is_input": False, "is_output": True}
    return [sound] if (_folder() / "unplugged").exists() else [keys, sound]


class Input(ports.BaseInput):
    """Plays what stands in the file."""

    def _open(self, **_: object) -> None:
        self.opened = time.monotonic()
        self.coming = json.loads((_folder() / "in.json").read_text())

    def _receive(self, block: bool = True) -> None:
        while self.coming and time.monotonic() - self.opened >= self.coming[0][0]:
            self._messages.append(Message.from_bytes(self.coming.pop(0)[1]))


class Output(ports.BaseOutput):
    """Keeps what it is sent."""

    def _send(self, message: Message) -> None:
        with (_folder() / "out.txt").open("a") as file:
            print(message, file=file)
