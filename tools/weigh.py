"""How heavy the pages of the built book are, and how soon they are calm on a slow phone.

    python tools/weigh.py [PAGE ...]

Pages are served as any host would, uncompressed, to Chromium (or Chrome) at 1.6 megabits and 150
milliseconds, with a processor that is four times slower than this one. A page is calm when it has
loaded everything and neither a request nor a task of more than 50 milliseconds has come for half a
second. Kilobytes are the same on every machine; seconds are not, and are those of a machine that
has nothing else to do.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO, NamedTuple

from fingerprint import BUILD
from playwright.sync_api import Browser, sync_playwright
from print_book import FLAGS, PATIENCE, find_browser

from lstm_from_scratch import commands

HTML = BUILD / "html"
RATE, LATENCY, SLOWER = 1_600_000 / 8, 0.15, 4  # bytes a second, seconds, times
WIDTH, HEIGHT = 360, 740  # of a phone
GOALS = {"book/welcome": 600}
"""Kilobytes that a page may weigh; others 2,500."""
GOAL = 2_500

# Runs before anything of a page: when its last long task ended.
WATCH = """
    window.lastTask = 0;
    new PerformanceObserver((list) => {
        for (const task of list.getEntries()) lastTask = task.startTime + task.duration;
    }).observe({ type: "longtask", buffered: true });
"""
# When all was loaded and the last long task had ended, in milliseconds; null if it is too soon.
CALM = """() => {
    const entries = [...performance.getEntriesByType("resource"),
        ...performance.getEntriesByType("navigation")];
    const ends = entries.map((entry) => entry.loadEventEnd || entry.responseEnd);
    const last = Math.max(window.lastTask, ...ends);
    return document.readyState === "complete" && performance.now() > last + 500 ? last : null;
}"""


class Weight(NamedTuple):
    """A page: its name, what it loads in kilobytes, and after how many seconds it is calm."""

    name: str
    kilobytes: float
    seconds: float

    @property
    def goal(self) -> int:
        """How many kilobytes it may have."""
        return GOALS.get(self.name, GOAL)


class Line(SimpleHTTPRequestHandler):
    """A server at the end of a slow line, through which all goes that it sends, one by one."""

    protocol_version = "HTTP/1.1"
    busy = threading.Lock()
    sent = 0  # bytes, of all requests so far

    def log_message(self, *_: object) -> None:
        """Tell nothing."""

    def do_GET(self) -> None:
        """Answer, as late as a phone's network does."""
        time.sleep(LATENCY)
        super().do_GET()

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:
        """Send a file, as slowly as the line is."""
        while chunk := source.read(4096):
            with self.busy:
                time.sleep(len(chunk) / RATE)
                Line.sent += len(chunk)
            outputfile.write(chunk)


@contextmanager
def served() -> Iterator[str]:
    """The book at an address of this machine."""
    handler = partial(Line, directory=str(HTML))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def weigh(browser: Browser, address: str, name: str) -> Weight:
    """Open a page as a slow phone does, and wait until it is calm."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
    context.set_default_timeout(PATIENCE)
    page, before = context.new_page(), Line.sent
    phone = context.new_cdp_session(page)
    phone.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(WATCH)
    page.goto(f"{address}/{name}.html", wait_until="load")
    milliseconds = page.wait_for_function(CALM, polling=100).json_value()
    context.close()
    return Weight(name, (Line.sent - before) / 1000, milliseconds / 1000)


def pages() -> list[str]:
    """Every page of the book but those of source code, without the ending."""
    folders = HTML / "book", HTML / "notebooks"
    return sorted(
        path.relative_to(HTML).with_suffix("").as_posix()
        for folder in folders
        for path in folder.rglob("*.html")
    )


def main(arguments: list[str] | None = None) -> int:
    """Weigh the named pages, or all; 1 if one is heavier than it may be."""
    parser = argparse.ArgumentParser(description="Weigh the pages of the built book.")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="such as book/welcome")
    chosen = parser.parse_args(arguments).pages
    known = pages()
    if lost := sorted(set(chosen) - set(known)):
        parser.error(f"there is no page {lost[0]}: run `make book`, or name one as book/welcome")
    if not (path := find_browser()):
        print("no Chromium or Chrome on this machine", file=sys.stderr)
        return 2
    heavy = 0
    with sync_playwright() as playwright, served() as address:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        print(f"{'page':45} {'kB':>6} {'calm after':>12}")
        for name in chosen or known:
            found = weigh(browser, address, name)
            heavy += found.kilobytes > found.goal
            over = f"  over {found.goal:,} kB" if found.kilobytes > found.goal else ""
            print(f"{name:45} {found.kilobytes:6,.0f} {found.seconds:10.1f} s{over}", flush=True)
        browser.close()
    return int(heavy > 0)


if __name__ == "__main__":
    commands.run(main)
