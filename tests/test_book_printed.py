"""The book away from the browser's window: on paper, and unpacked from its archive.

The whole book is printed once, as `make pdf` does it, and looked at from several sides.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from browsing import HTML, open_page
from playwright.sync_api import Browser
from pypdf import PdfReader
from pypdf.generic import Destination, IndirectObject

CHAPTER = re.compile(r"\d+ \S")
# What the page has for a screen, and paper has no use for.
FOR_SCREENS = re.compile(r"Skip to main|Ctrl\+K|Search this book|Back to top|Previous|MusicXML for")


@pytest.fixture(scope="module")
def printing() -> ModuleType:
    """The tool that prints the book."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HTML.parent.parent / "tools"))
        import print_book

        return print_book


@pytest.fixture(scope="module")
def paper(printing: ModuleType, browser: Browser) -> PdfReader:
    """The printed book, as a reader opens it."""
    file = io.BytesIO()
    printing.print_book(browser).write(file)
    return PdfReader(file)


@pytest.fixture(scope="module")
def texts(paper: PdfReader) -> list[str]:
    """What each page says."""
    return [page.extract_text() for page in paper.pages]


def bookmarks(paper: PdfReader) -> list[tuple[int, str, int]]:
    """The bookmarks in order: how deep, what they say, and the index of their page."""
    found = []

    def walk(items: list, depth: int) -> None:
        for item in items:
            if isinstance(item, Destination):
                found.append((depth, item.title, paper.get_destination_page_number(item)))
            else:
                walk(item, depth + 1)

    walk(paper.outline, 0)
    return found


def squeezed(text: str) -> str:
    """A text without its spaces, in which letters that are set as one are several again."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def chapters(paper: PdfReader, printing: ModuleType) -> list[tuple[str, int]]:
    """The documents in the order of the bookmarks: what each is called, the index of its page."""
    captions = {part.caption for part in printing.parts()}
    inside, found = False, []
    for depth, words, page in bookmarks(paper):
        if depth == 0:
            inside = words in captions
        if depth == (1 if inside else 0):
            found.append((words, page))
    return found


def test_every_document_is_printed_in_order(paper: PdfReader, printing: ModuleType) -> None:
    expected = []
    for document in (document for part in printing.parts() for document in part.documents):
        page = (HTML / f"{document}.html").read_text(encoding="utf-8")
        expected.append(squeezed(re.search(r"<title>(.*?) &#8212;|<title>(.*?)</title>", page)[0]))
    found = chapters(paper, printing)
    assert len(found) == len(expected)
    for (title, _), tag in zip(found, expected, strict=True):
        assert squeezed(title) in tag
    pages = [page for _, _, page in bookmarks(paper)]
    assert pages == sorted(pages)


def test_each_bookmark_leads_to_the_page_with_its_heading(
    paper: PdfReader, texts: list[str], printing: ModuleType
) -> None:
    captions = {(0, part.caption) for part in printing.parts()}
    marks = [mark for mark in bookmarks(paper) if mark[:2] not in captions]
    headings = [(words, page) for _, words, page in marks]
    plain = [(words, page) for words, page in headings if re.fullmatch(r"[\w ,.:?()-]+", words)]
    assert len(plain) > 150
    lost = [words for words, page in plain if squeezed(words) not in squeezed(texts[page])]
    assert lost == []


def test_a_chapter_takes_a_sane_number_of_pages_and_none_is_blank(
    paper: PdfReader, texts: list[str], printing: ModuleType
) -> None:
    found = chapters(paper, printing)
    ends = [start for _, start in found[1:]] + [len(paper.pages)]
    for (title, start), end in zip(found, ends, strict=True):
        assert 1 <= end - start <= 50, title
        assert squeezed(texts[start]).startswith(squeezed(title))
        assert not CHAPTER.match(title) or end - start >= 5, title
    blank = [
        number
        for number, (page, text) in enumerate(zip(paper.pages, texts, strict=True), start=1)
        if len(text.split()) < 3 and not has_picture(page)
    ]
    assert blank == []


def has_picture(page: object) -> bool:
    """Whether a page shows more than its text."""
    return "/XObject" in page["/Resources"] or len(page.get_contents().get_data()) > 5_000


def test_pages_carry_their_numbers(texts: list[str]) -> None:
    for number, text in enumerate(texts, start=1):
        assert text.strip().split()[-1] == str(number)
    contents = texts[0].split("\n")
    named = [int(match[1]) for line in contents if (match := re.search(r"(\d+)$", line.strip()))]
    assert len(named) > 20


def test_paper_has_no_bars_and_no_buttons_and_says_where_sound_is(texts: list[str]) -> None:
    for number, text in enumerate(texts, start=1):
        assert not FOR_SCREENS.search(text), f"page {number}: {FOR_SCREENS.search(text)[0]}"
    pages = sorted((HTML / "notebooks").glob("*.html"))
    figures = sum(
        len(re.findall(r'<figure[^>]* class="(?:player|performance)', page.read_text("utf-8")))
        for page in pages
    )
    assert "".join(texts).count("To be heard in the book") >= figures > 20


def test_solutions_are_printed(texts: list[str]) -> None:
    whole = squeezed("".join(texts))
    notebook = (HTML / "_sources/notebooks/07_experiment_1.ipynb").read_text(encoding="utf-8")
    assert '"solution"' in notebook
    assert whole.count("Hint") >= 11


def test_links_lead_to_pages_of_the_same_file(paper: PdfReader) -> None:
    inside, outside = 0, set()
    for page in paper.pages:
        for reference in page.get("/Annots", ()):
            note = reference.get_object()
            if "/Dest" in note:
                target = note["/Dest"][0]
                assert isinstance(target, IndirectObject)
                assert target.get_object()["/Type"] == "/Page"
                inside += 1
            else:
                outside.add(str(note["/A"]["/URI"]))
    assert inside > 500
    assert [address for address in outside if not address.startswith("http")] == []


def test_what_is_opened_for_the_printer_is_there_at_once(browser: Browser) -> None:
    """Folds fade in on a screen; a printer does not wait, and would leave a white box."""
    page = open_page(browser, "notebooks/03_why_networks_forget.html").page
    page.emulate_media(media="print")
    faint = page.evaluate(
        """() => {
            dispatchEvent(new Event("beforeprint"));
            const inside = [...document.querySelectorAll(".bd-article details[open] > *")];
            const faint = inside.filter((e) => getComputedStyle(e).opacity !== "1");
            return [inside.length, faint.length];
        }"""
    )
    assert faint[0] > 10 and faint[1] == 0
    page.context.close()


def test_code_may_go_on_overleaf(browser: Browser) -> None:
    """Kept whole, a long cell leaves the page before it half empty."""
    page = open_page(browser, "notebooks/03_why_networks_forget.html").page
    page.emulate_media(media="print")
    whole = page.locator(".cell_input pre").evaluate_all(
        """all => all.filter((pre) => {
            for (let up = pre; !up.matches(".cell"); up = up.parentElement) {
                const { breakInside, display } = getComputedStyle(up);
                if (breakInside !== "auto" || display === "flex") return true;
            }
            return false;
        }).length"""
    )
    assert whole == 0
    page.context.close()


def test_a_dark_page_is_printed_light(browser: Browser, tmp_path: Path) -> None:
    visit = open_page(browser, "book/claims.html", color_scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert visit.page.evaluate(theme) == "dark"
    dark = PdfReader(io.BytesIO(visit.page.pdf(prefer_css_page_size=True)))
    assert visit.page.evaluate(theme) == "dark"
    visit.page.emulate_media(color_scheme="light")
    light = PdfReader(io.BytesIO(visit.page.pdf(prefer_css_page_size=True)))
    for one, other in zip(dark.pages, light.pages, strict=True):
        assert one.get_contents().get_data() == other.get_contents().get_data()
    visit.page.context.close()


def test_without_a_browser_there_is_a_clear_message(
    printing: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert printing.main([]) == 2
    message = capsys.readouterr().err
    assert "No browser" in message and "chromium" in message and "make pdf" in message


# ---- The archive ---------------------------------------------------------------------------------


def test_the_archive_opened_elsewhere_is_the_book(browser: Browser, tmp_path: Path) -> None:
    with zipfile.ZipFile(HTML / "learning-the-blues.zip") as archive:
        archive.extractall(tmp_path)
    top = tmp_path / "learning-the-blues"
    files = {path.relative_to(HTML) for path in HTML.rglob("*") if path.is_file()}
    files = {path for path in files if not any(part.startswith(".") for part in path.parts)}
    unpacked = {path.relative_to(top) for path in top.rglob("*") if path.is_file()}
    assert unpacked == files - {Path("learning-the-blues.zip")}
    for name in ("book/welcome.html", "notebooks/08_experiment_2.html", "book/offline.html"):
        visit = open_page(browser, name, folder=top)
        visit.page.wait_for_selector("article h1")
        assert visit.problems == []
        links = visit.page.locator("a[href]").evaluate_all("all => all.map(a => a.href)")
        inside = [link for link in links if link.startswith("file:")]
        assert inside
        assert [link for link in inside if not link.startswith(top.as_uri())] == []
        assert not any(link.endswith(".zip") for link in links)
        for player in visit.page.locator("audio").all()[:2]:
            player.evaluate("player => { player.preload = 'auto'; player.load(); }")
            visit.page.wait_for_function(
                "player => player.duration > 1", arg=player.element_handle()
            )
        visit.page.context.close()


def test_the_archive_is_the_same_each_time(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HTML.parent.parent / "tools"))
        import build_book
    again = build_book.archive(HTML, tmp_path / "again.zip")
    assert again.read_bytes() == (HTML / "learning-the-blues.zip").read_bytes()
