"""A list of links to the files of a piece: ``{downloads} training-chorus`` in a chapter.

The files are those that ``tools/pieces.py`` writes before the pages are built. Links are relative,
so that they work from disk; each says what kind of file it leads to, and its size.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

KINDS = {
    "musicxml": "MusicXML for notation programs",
    "pdf": "PDF to print",
    "mid": "MIDI for sequencers",
    "mp3": "MP3 to listen to",
    "wav": "WAV, uncompressed",
}
"""What each kind of file is for, by the end of its name, in the order of the links."""


class Downloads(SphinxDirective):
    """The directive; its argument is the name of a piece."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write the list."""
        name = self.arguments[0]
        # What stands in html_extra_path is copied to the top of the built book.
        folder = Path(self.env.srcdir) / self.config.html_extra_path[0] / "pieces"
        top = "../" * self.env.docname.count("/")
        items = []
        for kind, words in KINDS.items():
            file = folder / f"{name}.{kind}"
            if not file.exists():
                raise self.error(f"{file.name} is missing: `make book` writes what pieces.py names")
            size = max(1, round(file.stat().st_size / 1000))
            items.append(
                f'<li><a href="{top}pieces/{file.name}" download>{words}</a> ({size:,} kB)</li>'
            )
        return [nodes.raw("", f'<ul class="downloads">{"".join(items)}</ul>', format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive with Sphinx."""
    app.add_directive("downloads", Downloads)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
