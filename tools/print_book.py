"""Print the whole book into one file, _build/learning-the-blues.pdf.

    python tools/print_book.py

Every page of the table of contents is printed by Chromium (or Chrome) from the built book, as
blues.css and print.js set it on paper, with folded solutions open. The pages are joined behind a
table of contents, numbered, and given bookmarks; links between them lead to the printed page. This
is the one tool that needs a browser: without one it says so and ends with exit code 2.
"""

from __future__ import annotations

import argparse
import html
import io
import re
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import yaml
from fingerprint import BUILD, ROOT
from playwright.sync_api import Browser, sync_playwright
from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    Destination,
    DictionaryObject,
    Fit,
    NameObject,
    NullObject,
)

from lstm_from_scratch import commands

HTML = BUILD / "html"
PDF = BUILD / "learning-the-blues.pdf"
TITLE = "Learning the Blues"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
CONTENTS = "https://contents.invalid/"
"""How links of the table of contents begin, until they lead to pages."""
PATIENCE = 300_000  # milliseconds that a page may take on a machine that is busy with other things
NUMBER_SIZE, NUMBER_HEIGHT = 9, 28  # points: of a page number, and above the edge of the paper

# Runs in the page. Chromium writes a destination for a place only if the page itself links to it,
# so it does, out of sight. A section may begin at the foot of a page and its heading on the next
# one: the place is the heading's. Returns the headings: how deep, what they say, where they stand.
PREPARE = """(places) => {
    const article = document.querySelector("article.bd-article");
    const headings = [...article.querySelectorAll("section > :is(h1, h2)")].map((heading) => {
        const text = heading.cloneNode(true);
        text.querySelectorAll(".headerlink").forEach((part) => part.remove());
        heading.id = heading.parentElement.id;
        heading.parentElement.removeAttribute("id");
        return [Number(heading.localName[1]), text.textContent.trim(), heading.id];
    });
    const links = document.createElement("div");
    links.hidden = true;
    for (const place of [...places, ...headings.map((heading) => heading[2])]) {
        const link = document.createElement("a");
        link.href = `#${place}`;
        links.append(link);
    }
    document.body.append(links);
    for (const image of document.images) image.loading = "eager";
    return headings;
}"""


class Part(NamedTuple):
    """A part of the table of contents: its caption, and its documents in order."""

    caption: str
    documents: list[str]


class Printed(NamedTuple):
    """A document on paper. Each heading: how deep it is, what it says, the id of its place."""

    document: str
    headings: list[tuple[int, str, str]]
    reader: PdfReader


Found = dict[tuple[str, str], tuple[int, Destination]]
"""Of a document and a place in it: the index of the page, and the destination on it."""


def find_browser() -> str | None:
    """The path of an installed Chromium or Chrome; None if there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def parts() -> list[Part]:
    """The table of contents, the first page as a part without a caption."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = [Part("", [contents["root"]])]
    for part in contents["parts"]:
        documents: list[str] = []
        for chapter in part["chapters"]:
            documents += [chapter["file"], *(s["file"] for s in chapter.get("sections", ()))]
        found.append(Part(part["caption"], documents))
    return found


def places(documents: Iterable[str], folder: Path) -> dict[str, set[str]]:
    """Which places of each document the pages of the book link to."""
    found: dict[str, set[str]] = {document: set() for document in documents}
    for document in list(found):
        path = folder / f"{document}.html"
        for link in re.findall(r'href="([^"]*#[^"]+)"', path.read_text(encoding="utf-8")):
            target = target_of(
                (path.parent.as_uri() + "/" if link[0] != "#" else "") + link, folder
            )
            if link[0] == "#":
                found[document].add(html.unescape(unquote(link[1:])))
            elif target and target[0] in found:
                found[target[0]].add(html.unescape(target[1]))
    return found


def target_of(address: str, folder: Path) -> tuple[str, str] | None:
    """The document of the book and the place in it that an address leads to; None if outside."""
    parts = urlsplit(address)
    path = Path(unquote(parts.path)).resolve() if parts.scheme == "file" else None
    if path is None or path.suffix != ".html" or not path.is_relative_to(folder):
        return None
    return path.relative_to(folder).with_suffix("").as_posix(), unquote(parts.fragment)


def print_pages(browser: Browser, documents: Iterable[str], folder: Path) -> list[Printed]:
    """Print each document of the built book in a folder."""
    printed = []
    for document, linked in places(documents, folder).items():
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto((folder / f"{document}.html").as_uri(), wait_until="load")
        page.evaluate("() => document.fonts.ready.then(() => true)")
        headings = page.evaluate(PREPARE, sorted(linked))
        reader = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
        printed.append(Printed(document, [tuple(heading) for heading in headings], reader))
        page.close()
    return printed


def contents_page(parts: Sequence[Part], titles: dict[str, str], starts: dict[str, int]) -> str:
    """The HTML of the title and the table of contents, with the numbers of pages."""
    rows = []
    for part in parts:
        rows.append(f"<h2>{html.escape(part.caption)}</h2>" if part.caption else "")
        rows += [
            f'<p><a href="{CONTENTS}{document}">{html.escape(titles[document])}</a>'
            f"<i></i><b>{starts[document] + 1}</b></p>"
            for document in part.documents
        ]
    return f"""<!doctype html><html lang="en"><title>{TITLE}</title><style>
        @page {{ size: A4; margin: 25mm 25mm 20mm }}
        body {{ font: 11pt/1.3 system-ui, sans-serif }}
        h1 {{ margin: 20mm 0 5mm; font-size: 32pt }}
        h2 {{ margin: 5mm 0 1mm; font-size: 13pt; break-after: avoid }}
        p {{ display: flex; margin: 0.6mm 0 }}
        i {{ flex: 1; margin: 0 2mm 1.2mm; border-bottom: 1px dotted #999 }}
        a {{ color: inherit; text-decoration: none }}
        b {{ font-weight: normal }}
        </style><h1>{TITLE}</h1><p>A book to read, to hear and to run. This is it on paper; the
        music sounds in the book on a screen.</p>{"".join(rows)}</html>"""


def front_pages(
    browser: Browser, parts: Sequence[Part], printed: Sequence[Printed]
) -> tuple[PdfReader, dict[str, int]]:
    """The table of contents on paper, and the index of the page that each document begins on."""
    titles = {one.document: one.headings[0][1] for one in printed}
    length = 1
    while True:  # the numbers that it names depend on how long it is
        starts, start = {}, length
        for one in printed:
            starts[one.document] = start
            start += len(one.reader.pages)
        page = browser.new_page()
        page.set_content(contents_page(parts, titles, starts))
        front = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
        page.close()
        if len(front.pages) == length:
            return front, starts
        length = len(front.pages)


def join(browser: Browser, parts: Sequence[Part], printed: Sequence[Printed]) -> PdfWriter:
    """Join printed documents behind their table of contents; number, bookmark and link them."""
    front, starts = front_pages(browser, parts, printed)
    writer = PdfWriter()
    for reader in (front, *(one.reader for one in printed)):
        for sheet in reader.pages:
            writer.add_page(sheet)
    found = {
        (one.document, name.removeprefix("/")): (
            starts[one.document] + one.reader.get_destination_page_number(to),
            to,
        )
        for one in printed
        for name, to in one.reader.named_destinations.items()
    }
    ends = {one.document: starts[one.document] + len(one.reader.pages) for one in printed}
    for index, sheet in enumerate(writer.pages):
        here = next((d for d, start in starts.items() if start <= index < ends[d]), "")
        link(writer, sheet, here, starts, found)
        write_number(writer, sheet, index + 1)
    bookmark(writer, parts, printed, starts, found)
    writer.add_metadata({"/Title": TITLE, "/Author": f"the developers of {TITLE}"})
    writer.page_mode = "/UseOutlines"
    return writer


def link(
    writer: PdfWriter, sheet: PageObject, here: str, starts: dict[str, int], found: Found
) -> None:
    """Let the links of a page that lead into the book lead to its pages on paper."""
    kept = ArrayObject()
    for reference in sheet.get("/Annots", ()):
        note = reference.get_object()
        address = str(note.get("/A", {}).get("/URI", ""))
        if "/Dest" in note:
            target = here, str(note["/Dest"]).removeprefix("/")
        elif address.startswith(CONTENTS):
            target = unquote(address.removeprefix(CONTENTS)), ""
        else:
            target = target_of(address, HTML)
        if target and target[0] in starts:
            index, to = found.get(target, (starts[target[0]], None))
            place = [writer.pages[index].indirect_reference, NameObject("/XYZ")]
            place += [to["/Left"], to["/Top"], NullObject()] if to else [NullObject()] * 3
            note.pop("/A", None)
            note[NameObject("/Dest")] = ArrayObject(place)
        elif address.startswith("file:") or "/Dest" in note:
            continue  # to a source or a download, which are not on paper
        kept.append(reference)
    if "/Annots" in sheet:
        sheet[NameObject("/Annots")] = kept


def write_number(writer: PdfWriter, sheet: PageObject, number: int) -> None:
    """Write the number of a page at its foot, in the middle."""
    left = float(sheet.mediabox.width) / 2 - NUMBER_SIZE * 0.278 * len(str(number))
    text = f"Q BT /Number {NUMBER_SIZE} Tf 0.35 g {left:.1f} {NUMBER_HEIGHT} Td ({number}) Tj ET"
    before, after = DecodedStreamObject(), DecodedStreamObject()
    before.set_data(b"q\n")
    after.set_data(f"\n{text}\n".encode())
    content = sheet.get("/Contents", ArrayObject())
    inner = list(content) if isinstance(content, ArrayObject) else [sheet.raw_get("/Contents")]
    whole = [writer._add_object(before), *inner, writer._add_object(after)]
    sheet[NameObject("/Contents")] = ArrayObject(whole)
    resources = sheet["/Resources"].get_object()
    fonts = resources.setdefault(NameObject("/Font"), DictionaryObject()).get_object()
    kind = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    named = {NameObject(key): NameObject(value) for key, value in kind.items()}
    fonts[NameObject("/Number")] = DictionaryObject(named)


def bookmark(
    writer: PdfWriter,
    parts: Sequence[Part],
    printed: Sequence[Printed],
    starts: dict[str, int],
    found: Found,
) -> None:
    """Add bookmarks: parts, in them chapters, in those sections."""
    by_name = {one.document: one for one in printed}
    for part in parts:
        above = None
        if part.caption:
            above = writer.add_outline_item(
                title=part.caption, page_number=starts[part.documents[0]]
            )
        for document in part.documents:
            (_, title, _), *sections = by_name[document].headings
            chapter = writer.add_outline_item(
                title=title, page_number=starts[document], parent=above
            )
            for _, words, place in sections:
                index, to = found[document, place]
                fit = Fit.xyz(to["/Left"], to["/Top"])
                writer.add_outline_item(title=words, page_number=index, parent=chapter, fit=fit)


def print_book(browser: Browser, folder: Path = HTML) -> PdfWriter:
    """Print the built book in a folder with a running browser."""
    contents = parts()
    printed = print_pages(browser, (d for part in contents for d in part.documents), folder)
    return join(browser, contents, printed)


def main(arguments: list[str] | None = None) -> int:
    """Print the book and say where it is; the exit code."""
    argparse.ArgumentParser(description="Print the built book into one PDF.").parse_args(arguments)
    if not (HTML / "index.html").exists():
        print("The book is not built. Build it first: make book", file=sys.stderr)
        return 1
    program = find_browser()
    if program is None:
        print(f"No browser to print with. Looked for: {', '.join(BROWSERS)}.", file=sys.stderr)
        print("Install Chromium or Chrome and run `make pdf` again.", file=sys.stderr)
        return 2
    start = time.monotonic()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        joined = print_book(browser)
        browser.close()
    unfinished = PDF.with_suffix(".part")
    joined.write(unfinished)
    unfinished.replace(PDF)
    seconds, name = time.monotonic() - start, PDF.relative_to(ROOT).as_posix()
    print(f"{len(joined.pages)} pages were printed in {seconds:.0f} s. Open {name}")
    return 0


if __name__ == "__main__":
    commands.run(main)
