"""Sound, players and movable figures of a page, stored once.

A player that a cell shows is whole: it carries its sound, its style and its script, so that it
works in any notebook. In the book each sound becomes a file that is named by its content. So the
same music is one file wherever it is heard; and since the page makes the sound of a player itself,
from notes, the file is loaded only where no script runs. Players bring one style and one script,
movable figures of a kind another, and a page has each of them once.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

FOLDER = "sounds"
STORED = re.compile(r'"data:audio/mpeg;base64,([A-Za-z0-9+/=]+)"')
STYLE = re.compile(r"<style>.*?</style>", flags=re.S)
SCRIPT = re.compile(r"<script>.*?</script>", flags=re.S)


def store(html: str, folder: Path, top: str) -> str:
    """Write the sounds of a page into a folder at the ``top`` of the book, and refer to them."""

    def rewrite(match: re.Match[str]) -> str:
        sound = base64.b64decode(match[1])
        name = f"{hashlib.sha256(sound).hexdigest()[:16]}.mp3"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(sound)
        return f'"{top}{FOLDER}/{name}"'

    html = STORED.sub(rewrite, html)
    # Nothing is asked for before somebody plays it.
    return html.replace('<audio controls preload="metadata"', '<audio controls preload="none"')


def once(html: str) -> str:
    """Of equal styles keep the first; of equal scripts, which start all that is there, the last."""
    for style in dict.fromkeys(STYLE.findall(html)):
        head, mark, tail = html.partition(style)
        html = head + mark + tail.replace(style, "")
    for script in dict.fromkeys(SCRIPT.findall(html)):
        head, mark, tail = html.rpartition(script)
        html = head.replace(script, "") + mark + tail
    return html


def lighten(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Take out of a page what need not stand in it, before its template is filled."""
    if doctree is not None and "body" in context:  # pages of source have players in words only
        top = "../" * page.count("/")
        context["body"] = once(store(context["body"], Path(app.outdir) / FOLDER, top))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after the theme."""
    app.connect("html-page-context", lighten, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
