"""Other engines than Chromium, driven by what they bring along: no package, no download.

Firefox listens to WebDriver's commands on a socket of its own (Marionette), WebKitGTK through the
small server WebKitWebDriver. Where a machine has neither, what needs them is skipped, and says so.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, Protocol

PATIENCE = 120.0  # seconds that anything may take on a machine that is busy with other things
FIREFOX = ("firefox-esr", "firefox")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver's name for "this is an element"
WIDTH, HEIGHT = 1280, 900

# Sound may start without a press, nothing is fetched, and nothing asks whether it may.
PREFERENCES: dict[str, object] = {
    "marionette.port": 0,
    "media.autoplay.default": 0,
    "media.default_volume": "0.0",  # or it gives up where there is nothing to sound from
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
}

# Comes before anything else of a page: what goes wrong there is kept.
NOTING = """<script>
window.problems = [];
addEventListener("error", (event) =>
    problems.push(event.message || "not loaded: " + (event.target.src || event.target.href)), true);
addEventListener("unhandledrejection", (event) => problems.push("rejected: " + event.reason));
console.error = (...words) => problems.push("console: " + words.join(" "));
</script>"""
OUTSIDE = """return performance.getEntriesByType("resource").map((entry) => entry.name)
    .filter((name) => !/^(file|data|blob|about):/.test(name));"""


def found_by(selector: str) -> str:
    """The expression for the first element that a selector of CSS finds."""
    return f"document.querySelector({json.dumps(selector)})"


class Driver(Protocol):
    """Passes a command of WebDriver on to a browser and returns what it answers."""

    def send(self, command: str, **arguments: object) -> Any: ...


class Marionette:
    """Firefox's own socket: a length, a colon, and a list as JSON, in both directions."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.numbers = itertools.count(1)
        self.read()  # it begins by saying what it speaks
        self.send("NewSession", capabilities={"alwaysMatch": {"pageLoadStrategy": "normal"}})

    def read(self) -> Any:
        length = b""
        while (character := self.socket.recv(1)) != b":":
            if not character:
                raise ConnectionError("Firefox has closed the connection")
            length += character
        text = b""
        while len(text) < int(length):
            text += self.socket.recv(int(length) - len(text))
        return json.loads(text)

    def send(self, command: str, **arguments: object) -> Any:
        message = json.dumps([0, next(self.numbers), f"WebDriver:{command}", arguments]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        _, _, error, answer = self.read()
        if error:
            raise RuntimeError(f"{command}: {error['error']}: {error['message']}")
        return answer.get("value", answer) if isinstance(answer, dict) else answer


class Server:
    """A server that speaks WebDriver over HTTP, such as WebKitWebDriver."""

    PATHS: ClassVar[dict[str, str]] = {
        "Navigate": "url",
        "ExecuteScript": "execute/sync",
        "ExecuteAsyncScript": "execute/async",
        "FindElement": "element",
        "ElementClick": "element/{id}/click",
        "PerformActions": "actions",
        "SetTimeouts": "timeouts",
        "SetWindowRect": "window/rect",
    }

    def __init__(self, port: int, capabilities: dict[str, object]) -> None:
        self.address = f"http://127.0.0.1:{port}/session"
        wanted = {"capabilities": {"alwaysMatch": capabilities}}
        self.address += "/" + self.ask("POST", "", wanted)["sessionId"]

    def ask(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            said = error.read().decode()[:500]
            kind = Crashed if "crash" in said else RuntimeError
            raise kind(f"{path}: {said}") from None
        except ConnectionError as error:
            raise Crashed(f"{path}: {error}") from None

    def send(self, command: str, **arguments: object) -> Any:
        if command == "TakeScreenshot":
            return self.ask("GET", "/screenshot")
        path = self.PATHS[command].format(**arguments)
        return self.ask("POST", f"/{path}", arguments)


class Crashed(RuntimeError):
    """The browser has lost its page, or itself."""


class Engine:
    """A running browser that looks at one page at a time.

    name : of the engine. start : starts it. folder : where the pages are put that it opens.
    """

    def __init__(self, name: str, start: Callable[[], Driver], folder: Path) -> None:
        self.name, self.start, self.folder = name, start, folder
        self.begin()

    def begin(self) -> None:
        """Start the browser, or another where one has crashed."""
        self.driver = self.start()
        self.driver.send("SetWindowRect", width=WIDTH, height=HEIGHT)

    def open(self, path: Path, before: str = "") -> None:
        """Open a page from disk, as it is but for a script in front that notes what goes wrong.

        before : another script, such as one that takes something away from the page.
        """
        page = path.read_text(encoding="utf-8")
        base = f'<base href="{path.resolve().as_uri()}">'
        begins = page.index("<head>") + len("<head>") if "<head>" in page else 0
        noted = f"{page[:begins]}{base}{NOTING}<script>{before}</script>{page[begins:]}"
        copy = self.folder / f"{self.name}-{path.name}"
        copy.write_text(noted, encoding="utf-8")
        self.driver.send("Navigate", url=copy.as_uri())

    def ask(self, expression: str) -> Any:
        """What an expression is in the page."""
        return self.driver.send("ExecuteScript", script=f"return {expression};", args=[])

    def until(self, condition: str) -> None:
        """Wait until something is true in the page."""
        end = time.monotonic() + PATIENCE
        while not self.ask(f"Boolean({condition})"):
            assert time.monotonic() < end, f"{self.name}: in vain waited for {condition}"
            time.sleep(0.05)

    def press(self, selector: str) -> None:
        """Click on what a selector finds, as a mouse would, once it has come to rest in view."""
        self.ask(f"{found_by(selector)}.scrollIntoView({{ behavior: 'instant', block: 'center' }})")
        found = self.driver.send("FindElement", using="css selector", value=selector)
        self.driver.send("ElementClick", id=found[ELEMENT])

    def problems(self) -> list[str]:
        """What went wrong in the page, and what it asked the network for."""
        return [*self.ask("window.problems"), *self.driver.send(
            "ExecuteScript", script=OUTSIDE, args=[]
        )]  # fmt: skip

    def picture(self, path: Path) -> None:
        """Keep what the window shows, as PNG."""
        path.write_bytes(base64.b64decode(self.driver.send("TakeScreenshot")))


def missing(name: str) -> str:
    """What this machine lacks to run an engine; empty if nothing."""
    if name == "firefox":
        return "" if any(map(shutil.which, FIREFOX)) else " or ".join(FIREFOX)
    return " and no ".join(name for name in ("WebKitWebDriver", "Xvfb") if not shutil.which(name))


@contextmanager
def running(name: str, folder: Path) -> Iterator[Engine]:
    """Start ``"firefox"`` or ``"webkit"``, and end it."""
    start = {"firefox": _firefox, "webkit": _webkit}[name]
    started: list[subprocess.Popen] = []
    try:
        yield Engine(name, lambda: start(folder, started), folder)
    finally:
        for process in reversed(started):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _start(
    started: list[subprocess.Popen], command: list[str], folder: Path, **options: Any
) -> None:
    """Start a program in a group and a home of its own; what it says goes into a file."""
    environment = os.environ | {"HOME": str(folder)} | options.pop("environment", {})
    with (folder / f"{Path(command[0]).name}.log").open("w") as log:
        started.append(
            subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **options,
            )
        )


def _wait(ready: Callable[[], Any], started: list[subprocess.Popen]) -> Any:
    """Ask again and again until there is an answer, or the program has ended."""
    end = time.monotonic() + PATIENCE
    while True:
        if answer := ready():
            return answer
        if started[-1].poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{started[-1].args[0]} does not start")
        time.sleep(0.1)


def _firefox(folder: Path, started: list[subprocess.Popen]) -> Driver:
    profile = folder / "profile"
    profile.mkdir(exist_ok=True)
    lines = (f'user_pref("{name}", {json.dumps(value)});\n' for name, value in PREFERENCES.items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    program = next(filter(None, map(shutil.which, FIREFOX)))
    command = [program, "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    _start(started, command, folder)
    port = profile / "MarionetteActivePort"
    return Marionette(int(_wait(lambda: port.exists() and port.read_text(), started)))


def _webkit(folder: Path, started: list[subprocess.Popen]) -> Driver:
    reading, writing = os.pipe()
    screen = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{WIDTH}x{HEIGHT}x24"]
    _start(started, [*screen, "-nolisten", "tcp"], folder, pass_fds=(writing,))
    os.close(writing)
    with os.fdopen(reading) as answer:
        display = answer.readline().strip()  # which screen it has found free
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "DISPLAY": f":{display}",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",  # as root, in a container
    }
    _start(started, ["WebKitWebDriver", f"--port={port}"], folder, environment=environment)

    def open_door() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    _wait(open_door, started)
    return Server(port, {})
