"""The built book as a reader meets it: opened from disk in a real browser, with no network.

Each page is visited once and looked at from several sides. Any request that leaves the machine is
refused and counts as a failure. Without a browser these tests are skipped (in CI they fail).
"""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import matplotlib.image as mpimg
import numpy as np
import pytest
import soundfile
import weigh
from browsing import HTML, NARROW, PAGES, WIDE, Visit, open_page
from matplotlib.colors import to_rgb
from playwright.sync_api import Browser
from test_reference import MODULES, public_names

from lstm_from_scratch.music import audio, midi
from lstm_from_scratch.showing.figures import COLOURS
from lstm_from_scratch.showing.player import GATES

# Runs in the page: how long a player says it lasts, and what its sound decodes to.
LISTEN = """async ([player, stored]) => {
    player.preload = "auto";
    player.load();
    const ready = new Promise((resolve, reject) => {
        player.addEventListener("loadedmetadata", resolve);
        player.addEventListener("error", () => reject(new Error("the sound does not load")));
        setTimeout(() => reject(new Error("the player did not load in 60 s")), 60000);
    });
    if (player.readyState < 1) await ready;
    const bytes = stored
        ? Uint8Array.from(atob(stored), (character) => character.charCodeAt(0)).buffer
        : await (await fetch(player.currentSrc)).arrayBuffer();
    const sound = await new OfflineAudioContext(1, 1, 44100).decodeAudioData(bytes);
    const samples = sound.getChannelData(0);
    let peak = 0, power = 0;
    for (const sample of samples) {
        peak = Math.max(peak, Math.abs(sample));
        power += sample * sample;
    }
    return {
        duration: player.duration, decoded: sound.duration,
        peak, rms: Math.sqrt(power / samples.length),
    };
}"""

PLAY = """async (player) => {
    player.muted = true;
    await player.play();
    const start = Date.now();
    while (player.currentTime === 0 && Date.now() - start < 60000) {
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    player.pause();
    return player.currentTime;
}"""

# Gives every control the focus as Tab would; returns those that it can't reach or doesn't mark.
FOCUS = """() => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
    for (const animation of document.getAnimations()) animation.finish();  // folds fade in
    const kinds = "a[href], button, input, select, textarea, summary, audio, [tabindex]";
    const marked = (element) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
        const line = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
        return (line || boxShadow !== "none") && element.checkVisibility({ opacityProperty: true });
    };
    const lost = [];
    let count = 0;
    for (const control of document.querySelectorAll(kinds)) {
        const seen = control.checkVisibility({ visibilityProperty: true });
        if (!seen || control.disabled || control.matches("[tabindex='-1']")) continue;
        const name = control.outerHTML.slice(0, 120);
        count += 1;
        control.focus({ focusVisible: true, preventScroll: true });
        if (control.tabIndex < 0 || document.activeElement !== control) {
            lost.push(`not reached: ${name}`);
        } else {
            const near = [control, control.parentElement, control.nextElementSibling];
            if (!near.some((element) => element && marked(element))) lost.push(`unseen: ${name}`);
        }
        control.blur();
    }
    return [count, lost];
}"""

# What is read in elements with TeX in them. To lay a text out as it is read takes long.
LEFT = r"""(all) => all
    .filter((element) => /\\\(|\\\[|\$\$/.test(element.textContent) && element.checkVisibility())
    .map((element) => element.innerText)
    .filter((text) => /\\\(|\\\[|\$\$/.test(text))"""

# What sticks out of the page at the right, and is not inside something that scrolls.
WIDEST = """() => {
    const scrolls = (element) => getComputedStyle(element).overflowX !== "visible";
    const inside = (element) => {
        for (let up = element.parentElement; up !== document.body; up = up.parentElement)
            if (scrolls(up)) return true;
        return false;
    };
    return [...document.body.querySelectorAll("*")]
        .filter((e) => e instanceof HTMLElement && e.getBoundingClientRect().right > innerWidth + 1)
        .filter((e) => !inside(e))
        .map((e) => `<${e.localName} class="${e.className}">`)
        .slice(0, 5);
}"""


class Anchors(HTMLParser):
    """Collects the places of a page that a link can point to, and where its links point."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found |= {value for name, value in attributes if name in ("id", "name") and value}
        if tag == "a":
            self.links |= {value for name, value in attributes if name == "href" and value}


@cache
def parsed(path: Path) -> Anchors:
    parser = Anchors()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def anchors(path: Path) -> set[str]:
    return parsed(path).found


def test_the_book_is_built() -> None:
    assert (HTML / "index.html").exists(), "the book is not built: run `make book`"
    assert "book/welcome.html" in PAGES


def test_the_index_leads_to_the_welcome_page() -> None:
    index = (HTML / "index.html").read_text(encoding="utf-8")
    target = re.search(r'http-equiv="refresh"\s+content="0;\s*url=([^"]+)"', index, flags=re.I)
    assert (HTML / target[1]).samefile(HTML / "book" / "welcome.html")


def test_it_loads_without_an_error_or_a_network(visit: Visit) -> None:
    assert visit.problems == []


def test_every_equation_is_typeset(visit: Visit) -> None:
    page = visit.page
    equations = page.locator(".math").count()
    assert page.locator(".math > math").count() == page.locator("math").count() == equations
    assert page.locator("math:not([alttext])").count() == page.locator("merror").count() == 0
    if equations:
        assert page.evaluate("document.fonts.load('1rem Equations').then((all) => all.length)") == 1
    prose = page.locator(".bd-article :is(p, li, td, th, dd, h1, h2, h3)")
    assert prose.evaluate_all(LEFT) == [], "TeX that nothing has typeset"


def test_every_player_loads_decodes_and_plays(visit: Visit) -> None:
    players = visit.page.locator("audio").element_handles()
    for number, player in enumerate(players, start=1):
        source = player.evaluate("player => player.currentSrc || player.src")
        stored = None
        if source.startswith("file:"):  # a page opened from disk may play a file, but not read it
            stored = base64.b64encode(Path(unquote(urlsplit(source).path)).read_bytes()).decode()
        sound = visit.page.evaluate(LISTEN, [player, stored])
        where = f"player {number} of {len(players)}: {sound}"
        assert sound["duration"] is not None and 1 < sound["duration"] < 3600, where
        assert sound["decoded"] == pytest.approx(sound["duration"], abs=0.2), where
        assert 0.05 < sound["peak"] <= 1.0, where
        assert sound["rms"] > 0.005, where
    if players:
        assert players[0].evaluate(PLAY) > 0


def test_every_image_has_a_text_for_who_can_not_see_it(visit: Visit) -> None:
    images = visit.page.locator("img").evaluate_all("all => all.map(i => [i.src, i.alt])")
    assert [source[:120] for source, alt in images if not alt.strip()] == []
    drawings = visit.page.locator("svg.drawn").evaluate_all(
        "all => all.map(d => [d.role, (d.ariaLabel ?? '').trim().split(' ').length > 3])"
    )
    assert [one for one in drawings if one != ["img", True]] == []
    names = visit.page.locator("svg.drawn [id]").evaluate_all("all => all.map(part => part.id)")
    assert len(set(names)) == len(names)
    broken = "all => all.filter(i => !i.complete || !i.naturalWidth).map(i => i.src.slice(0, 120))"
    assert visit.page.locator("img:visible").evaluate_all(broken) == []


def test_every_link_leads_somewhere(visit: Visit) -> None:
    lost = []
    for link in visit.page.locator("a[href]").evaluate_all("all => all.map(a => a.href)"):
        parts = urlsplit(link)
        if parts.scheme in ("https", "http", "mailto"):
            continue
        if parts.scheme != "file":
            lost.append(link[:200])
            continue
        path, place = Path(unquote(parts.path)), unquote(parts.fragment)
        inside = path.is_file() and path.is_relative_to(HTML)
        if not inside or (place and place not in anchors(path)):
            lost.append(link)
    assert lost == []


def test_it_fits_a_phone(visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size(NARROW)
    try:
        width = page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= NARROW["width"], f"{width} px wide because of {page.evaluate(WIDEST)}"
        for player in page.locator("audio:visible").all():
            box = player.bounding_box()
            assert box["width"] >= 180, "a player too narrow to use"
            assert box["x"] + box["width"] <= NARROW["width"]
    finally:
        page.set_viewport_size(WIDE)


def test_every_control_can_be_reached_by_keyboard_and_shows_it(visit: Visit) -> None:
    count, lost = visit.page.evaluate(FOCUS)
    assert count > 20
    assert lost == []


def test_a_page_is_read_seen_and_heard_without_javascript(visit: Visit, browser: Browser) -> None:
    shown = """all => all.map(
        (e) => [e.localName, e.currentSrc || e.src, e.getBoundingClientRect().width > 0])"""
    media = ".bd-article :is(img, audio, svg.drawn)"
    plain = open_page(browser, visit.name, java_script_enabled=False)
    assert [problem for problem in plain.problems if "asked the network" in problem] == []
    words = plain.page.locator("main").inner_text().split()
    assert len(words) > (0 if visit.name == "search.html" else 100)
    folded = plain.page.locator(".bd-article details :is(img, audio, svg.drawn)").count()
    found = plain.page.locator(media).evaluate_all(shown)
    assert len(found) == visit.page.locator(media).count()
    assert sum(seen for *_, seen in found) >= len(found) - folded - chosen_between(plain)
    silent = [source for kind, source, _ in found if kind == "audio" and not source]
    assert silent == []
    plain.page.context.close()


def chosen_between(visit: Visit) -> int:
    """How many sounds of a page wait behind another one that can be chosen."""
    choices = visit.page.locator("fieldset.choice").all()
    return sum(choice.locator("audio").count() - 1 for choice in choices)


# Of all code and output in view that is wider than its box: its class, whether the Tab key gets
# there, and whether a shadow at the edge scrolls with what is below it.
CUT = """() => [...document.querySelectorAll(".bd-article pre")]
    .filter((pre) => pre.checkVisibility() && pre.scrollWidth > pre.clientWidth + 1)
    .filter((pre) => getComputedStyle(pre).whiteSpace === "pre")
    .map((pre) => [
        Boolean(pre.closest(".cell_input")), pre.tabIndex,
        getComputedStyle(pre).backgroundAttachment.split(", ")[0],
    ])"""


def test_what_is_wider_than_its_column_can_be_scrolled_and_is_seen_to(visit: Visit) -> None:
    cut = visit.page.evaluate(CUT)
    assert all(tab == 0 and shadow == "local" for _, tab, shadow in cut), cut
    if visit.name.startswith("notebooks/"):
        assert not any(code for code, *_ in cut), "code of a chapter is cut at 1,280 pixels"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_edge_beyond_which_there_is_more_is_shaded(browser: Browser, theme: str) -> None:
    page = open_page(
        browser, "notebooks/09_inside_the_cells.html", color_scheme=theme, viewport=NARROW
    ).page
    code = page.locator(".cell_input pre").filter(has_text="for label").first
    code.scroll_into_view_if_needed()

    def edge() -> float:
        """How far the last three columns of pixels differ from the ground, along one blank line."""
        box = code.bounding_box()
        strip = {"x": box["x"] + box["width"] - 3, "y": box["y"] + 3, "width": 3, "height": 6}
        middle = strip | {"x": box["x"] + box["width"] / 2}
        pixels = [mpimg.imread(io.BytesIO(page.screenshot(clip=c))) for c in (strip, middle)]
        return abs(pixels[0][..., :3].mean() - pixels[1][..., :3].mean())

    assert edge() > 0.1
    code.evaluate("pre => pre.scrollTo({ left: 10_000, behavior: 'instant' })")
    page.wait_for_timeout(200)
    assert edge() < 0.02
    page.context.close()


def test_what_is_drawn_stands_out_in_the_dark_too(browser: Browser) -> None:
    """Figures are turned round there; each colour of a thing must still have 3 to 1 (1.4.11)."""
    page = open_page(browser, "notebooks/04_the_memory_block.html", color_scheme="dark").page
    page.locator(".cell_output").first.evaluate(
        """place => place.insertAdjacentHTML("afterbegin", '<img alt="a figure">')"""
    )
    figure = page.locator(".cell_output img").first
    seen = {}
    for kind in ("ground", "chords", "melody", *GATES, "cell_state", "ink"):
        buffer = io.BytesIO()
        colour = to_rgb("white" if kind == "ground" else COLOURS[kind])
        mpimg.imsave(buffer, np.full((40, 40, 3), colour), format="png")
        data = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        figure.evaluate("async (i, data) => { i.src = data; await i.decode(); }", data)
        pixels = mpimg.imread(io.BytesIO(figure.screenshot()))[..., :3]
        rgb = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].astype(float)
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        seen[kind] = 0.05 + linear @ (0.2126, 0.7152, 0.0722)
    ground = seen.pop("ground")
    assert ground < 0.06, "a light slab on a dark page"
    assert {kind: round(one / ground, 2) for kind, one in seen.items() if one / ground < 3} == {}
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_heavier_than_three_megabytes(name: str) -> None:
    """The page with its own pictures and sounds; what all pages share is loaded once."""
    path = HTML / name
    text = path.read_text(encoding="utf-8")
    own = {
        (path.parent / unquote(link)).resolve()
        for link in re.findall(r'(?:src|poster|data)="([^":]{1,300})"', text)
    }
    shared = HTML / "_static"
    sizes = [file.stat().st_size for file in own if not file.is_relative_to(shared)]
    assert len(text.encode()) + sum(sizes) < 3_000_000


def asked_for(path: Path) -> set[Path]:
    """What a page loads before anything is played: pictures, style sheets, scripts and fonts."""
    text = re.sub(r"<audio\b.*?</audio>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r'<(?:img|script|source)\b[^>]*\bsrc="([^":?]+)', text)
    links += re.findall(r'<link\b[^>]*href="([^":?]+\.css)', text)
    found = {(path.parent / unquote(link)).resolve() for link in links}
    for sheet in [it for it in found if it.suffix == ".css"]:
        fonts = re.findall(r"url\(\"?([^\")]+\.woff2?)", sheet.read_text(encoding="utf-8"))
        found |= {(sheet.parent / font).resolve() for font in fonts}
    drawn = "<math" in text  # a font that no letter needs is not loaded
    return {file for file in found if file.exists() and (drawn or file.stem != "equations")}


@pytest.mark.parametrize("name", PAGES)
def test_no_page_loads_more_than_it_may(name: str) -> None:
    """All that comes with a page, uncompressed; `tools/weigh.py` measures it in a browser."""
    goal = weigh.GOALS.get(name.removesuffix(".html"), weigh.GOAL)
    sizes = {file: file.stat().st_size for file in (HTML / name, *asked_for(HTML / name))}
    heaviest = {it.name: size for it, size in sizes.items() if size > 50_000}
    assert sum(sizes.values()) < 1000 * goal, heaviest


def test_nothing_lies_in_the_book_that_no_page_loads() -> None:
    static = HTML / "_static"
    assert not [
        *static.rglob("*.map"),
        *static.rglob("*.ttf"),
        *static.rglob("fontawesome/**/*.js"),
    ]
    asked = set().union(*(asked_for(HTML / name) for name in PAGES))
    fonts = {file.resolve() for file in static.rglob("*.woff")}
    assert fonts and fonts <= asked


def test_icons_are_drawn(browser: Browser) -> None:
    page = open_page(browser, "notebooks/03_why_networks_forget.html").page
    drawn = page.evaluate(
        """async () => {
            const icons = [...document.querySelectorAll("i[class*='fa-']")];
            const lacking = [];
            for (const icon of icons) {
                const style = getComputedStyle(icon, "::before");
                const sign = style.content.replaceAll('"', "");
                const font = `${style.fontWeight} 16px ${style.fontFamily}`;
                if (!(await document.fonts.load(font, sign)).length) lacking.push(icon.className);
            }
            return [icons.length, lacking];
        }"""
    )
    assert drawn[0] > 5 and drawn[1] == []
    page.context.close()


def test_the_tab_key_walks_through_a_chapter(browser: Browser) -> None:
    visit = open_page(browser, "notebooks/08_experiment_2.html")
    page = visit.page
    walk = "() => { addEventListener('focusin', e => (window.walked ??= []).push(e.target)); }"
    page.evaluate(walk)
    page.locator(".performance").first.scroll_into_view_if_needed()
    page.locator(".performance audio, .performance button").first.focus()
    for _ in range(12):
        page.keyboard.press("Tab")
    kinds = page.evaluate("walked.map(e => e.closest('.performance') && e.localName)")
    assert {"button", "input"} <= set(kinds), kinds
    page.context.close()


def test_a_wide_table_is_a_stack_of_cards_on_a_phone(browser: Browser) -> None:
    page = open_page(browser, "book/claims.html", viewport=NARROW).page
    tables = page.locator("table.cards")
    assert tables.count() >= 5
    for row in tables.first.locator("tbody tr").all():
        cells = row.locator("td").all()
        boxes = [cell.bounding_box() for cell in cells]
        assert all(box["width"] > 280 for box in boxes)
        assert [box["y"] for box in boxes] == sorted({box["y"] for box in boxes})
        heads = [cell.get_attribute("data-head") for cell in cells[1:]]
        assert heads == ["We measured", "Verdict"]
    roles = "table => [table.role, table.tHead.rows[0].cells[1].role]"
    assert tables.first.evaluate(roles) == ["table", "columnheader"]
    page.context.close()


VERDICTS = {
    "holds": "holds",
    "condition": "holds with a condition",
    "fails": "does not hold",
    "untested": "not tested",
}


@pytest.mark.parametrize("script", [True, False])
def test_claims_are_counted_marked_and_chosen_by_keyboard(browser: Browser, script: bool) -> None:
    opened = open_page(browser, "book/claims.html", java_script_enabled=script)
    rows = opened.page.locator("tr[data-verdict]")
    everything = opened.page.locator("table.cards tbody tr")
    assert rows.count() == everything.count() > 40
    said = [
        " ".join(text.split()) for text in opened.page.locator(".tally label").all_inner_texts()
    ]
    total = 0
    for row in rows.all():
        first = row.locator("td").last.locator(".verdict").first
        assert first.inner_text().endswith(VERDICTS[row.get_attribute("data-verdict")])
        assert len(first.inner_text().split()[0]) == 1  # the sign
        assert row.is_visible()
    opened.page.get_by_role("radio", name="all").focus()
    for name, words in VERDICTS.items():
        opened.page.keyboard.press("ArrowRight")
        assert opened.page.get_by_role("radio", checked=True).get_attribute("value") == name
        mine = opened.page.locator(f'tr[data-verdict="{name}"]')
        assert rows.filter(visible=True).count() == mine.count() > 0
        assert mine.filter(visible=True).count() == mine.count()
        assert any(re.fullmatch(rf"\W*{words} {mine.count()}", label) for label in said), said
        total += mine.count()
    assert total == rows.count()
    opened.page.emulate_media(media="print")
    assert rows.filter(visible=True).count() == total
    opened.page.context.close()


def test_verdicts_are_told_apart_without_colour(browser: Browser) -> None:
    page = open_page(browser, "book/claims.html").page
    lines, signs = set(), set()
    for name in VERDICTS:
        cell = page.locator(f'tr[data-verdict="{name}"] > td:last-child').first
        lines.add(cell.evaluate("cell => getComputedStyle(cell).borderLeftStyle"))
        signs.add(cell.locator(".verdict span").first.inner_text())
    assert len(lines) == len(signs) == len(VERDICTS)
    page.context.close()


def test_the_magnifier_does_not_lie_on_what_is_searched_for(browser: Browser) -> None:
    page = open_page(browser, "search.html?q=blues").page
    field = page.locator(".bd-main .bd-search input").first
    icon = page.locator(".bd-main .bd-search svg, .bd-main .bd-search i").first.bounding_box()
    begins = field.evaluate("""field => field.getBoundingClientRect().x
        + parseFloat(getComputedStyle(field).paddingLeft)""")
    assert icon["x"] + icon["width"] <= begins
    page.context.close()


def test_links_to_headings_are_large_enough_to_be_hit(visit: Visit) -> None:
    sizes = visit.page.locator(".bd-article a.headerlink:visible").evaluate_all(
        "all => all.map(a => a.getBoundingClientRect()).map(({width, height}) => [width, height])"
    )
    assert all(min(size) >= 24 for size in sizes), min(sizes)


def test_the_search_finds_a_word_without_a_server(browser: Browser) -> None:
    opened = open_page(browser, "search.html?q=blues")
    opened.page.wait_for_selector("#search-results li a")
    assert opened.problems == []
    opened.page.context.close()


def test_equations_are_drawn_without_javascript(browser: Browser) -> None:
    opened = open_page(browser, "notebooks/03_why_networks_forget.html", java_script_enabled=False)
    equations = opened.page.locator("math").all()
    assert len(equations) > 30
    for equation in equations[:10]:
        box = equation.bounding_box()
        assert box["width"] > 2 and box["height"] > 5
    sums = opened.page.locator("math[display] munder > mo")
    assert sums.first.bounding_box()["height"] > 20, "a sum that is no larger than a letter"
    opened.page.context.close()


def test_each_notebook_can_be_downloaded_as_it_is_stored() -> None:
    notebooks = sorted((HTML.parent.parent / "notebooks").glob("*.ipynb"))
    assert notebooks
    for notebook in notebooks:
        page = HTML / "notebooks" / f"{notebook.stem}.html"
        links = re.findall(r'<a href="([^"]+\.ipynb)"', page.read_text(encoding="utf-8"))
        assert links, f"{page.name} offers no download"
        for link in links:
            assert (page.parent / link).read_bytes() == notebook.read_bytes(), link


def test_pages_of_source_lead_somewhere() -> None:
    sources = sorted((HTML / "_modules").rglob("*.html"))
    assert len(sources) > len(MODULES) / 2
    lost = []
    for source in sources:
        for link in parsed(source).links:
            parts = urlsplit(link)
            if parts.scheme in ("https", "http", "mailto"):
                continue
            path = (source.parent / unquote(parts.path)).resolve() if parts.path else source
            place = unquote(parts.fragment)
            if not path.is_file() or (place and place not in anchors(path)):
                lost.append(f"{source.relative_to(HTML)}: {link}")
    assert lost == []


def test_every_entry_of_the_reference_leads_to_its_source_and_its_chapter() -> None:
    pages = [name for name in PAGES if name.startswith("book/api/")]
    text = "".join((HTML / name).read_text(encoding="utf-8") for name in pages)
    lost = re.findall(r'(?<!">)<code class="xref py py-obj[^>]*>(.*?)</code>', text)
    names = {re.sub(r"<[^>]+>", "", name) for name in lost} - {"Any", "Literal"}  # typing's
    assert not names, f"named in docstrings and described nowhere: {names}"
    parts = re.split(r'<dt class="sig sig-object py" id="([^"]+)">', text)
    entries = dict(zip(parts[1::2], parts[2::2], strict=True))
    root = HTML.parent.parent
    for module in MODULES:
        path = root / module.replace(".", "/")
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for name in public_names(source.read_text(encoding="utf-8")):
            entry = entries[f"{module}.{name}"]
            assert 'class="viewcode-link"' in entry, f"{module}.{name} shows no source"
            words = re.sub(r"<[^>]+>", "", entry)
            chapters = re.findall(r"[Cc]hapters? (\d+)|[Aa]ppendix ([A-Z])\b", words)
            assert chapters, f"{module}.{name} names no chapter"
            for number, letter in chapters:
                mark = letter or f"{int(number):02}"
                if any(page.startswith(f"notebooks/{mark}_") for page in PAGES):
                    assert f"/notebooks/{mark}_" in entry, f"{module}.{name}: {mark}"


@pytest.fixture(scope="module")
def pieces() -> Iterator[ModuleType]:
    """The tool that writes the pieces to download."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HTML.parent.parent / "tools"))
        import pieces

        yield pieces


def test_every_piece_is_offered_in_five_kinds_of_file(pieces: ModuleType) -> None:
    kinds = ("musicxml", "pdf", "mid", "mp3", "wav")
    expected = {f"{name}.{kind}" for name in pieces.PIECES for kind in kinds}
    assert {path.name for path in (HTML / "pieces").iterdir()} == expected
    linked = set()
    for name in PAGES:
        text = (HTML / name).read_text(encoding="utf-8")
        for link, size in re.findall(r'<a href="([^"]*pieces/[^"]+)" download>.*?\((.+?)\)', text):
            file = ((HTML / name).parent / link).resolve()
            assert size == f"{max(1, round(file.stat().st_size / 1000)):,} kB", link
            linked.add(file.name)
    assert linked == expected


def test_the_files_of_a_piece_hold_its_notes(pieces: ModuleType) -> None:
    for name, piece in pieces.PIECES.items():
        path, notes = HTML / "pieces" / name, midi.tracks(piece.music())
        assert notes
        assert midi.read_tracks(path.with_suffix(".mid")) == notes
        sheet = ET.parse(path.with_suffix(".musicxml")).getroot()
        assert sheet.findtext("work/work-title") == piece.title
        begun = [n for n in sheet.iterfind("part/measure/note[pitch]") if not continues(n)]
        assert len(begun) == sum(map(len, notes.values()))
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        last = max(note.onset + note.duration for part in notes.values() for note in part)
        length = audio.seconds(last, pieces.TEMPO) + audio.TAIL
        for kind in (".wav", ".mp3"):
            signal, rate = soundfile.read(path.with_suffix(kind))
            assert len(signal) / rate == pytest.approx(length, abs=0.1)
            assert 0.1 < abs(signal).max() <= 1


def continues(note: ET.Element) -> bool:
    """Whether a written note is tied to one before."""
    return any(tie.get("type") == "stop" for tie in note.iterfind("tie"))


def test_a_score_is_drawn_in_the_colour_of_the_page_and_fits_a_phone(browser: Browser) -> None:
    chapters = [
        name for name in PAGES if 'class="score"' in (HTML / name).read_text(encoding="utf-8")
    ]
    assert "notebooks/01_twelve_bars.html" in chapters
    for name in chapters:
        for theme in ("light", "dark"):
            opened = open_page(browser, name, color_scheme=theme, viewport=NARROW)
            for image in opened.page.locator("figure.score > svg").all():
                assert len(image.get_attribute("aria-label").split()) > 10
                ink, words, card = image.evaluate(
                    """image => [
                        getComputedStyle(image.querySelector("path")).fill,
                        getComputedStyle(document.querySelector(".bd-article p")).color,
                        getComputedStyle(image).backgroundColor,
                    ]"""
                )
                assert ink == words and card == "rgba(0, 0, 0, 0)"
                box = image.bounding_box()
                assert box["width"] > 280 and box["x"] + box["width"] <= NARROW["width"]
            opened.page.context.close()


def test_the_music_can_be_watched_in_the_book(browser: Browser) -> None:
    page = open_page(browser, "notebooks/08_experiment_2.html").page
    player = page.locator(".performance").first
    player.scroll_into_view_if_needed()
    player.get_by_role("button", name="Play").click()
    page.wait_for_function("Number(document.querySelector('.performance').dataset.step) > 2")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('.performance').dataset.playing === 'false'")
    picture = player.locator("svg.steps").bounding_box()
    page.mouse.click(picture["x"] + 0.7 * picture["width"], picture["y"] + 60)
    page.wait_for_function("Number(document.querySelector('.performance').dataset.step) > 40")
    page.context.close()


def test_the_blind_test_can_be_taken_in_the_book(browser: Browser) -> None:
    name = "book/by_ear.html"
    assert (HTML / name).stat().st_size < 3_000_000
    visit = open_page(browser, name, viewport=NARROW)
    test = visit.page.locator(".listening")
    assert test.locator("audio").count() == 12
    assert not re.search("training|LSTM|table|walk", test.inner_text())
    for group in test.get_by_role("group").filter(has=visit.page.locator("legend")).all():
        group.get_by_role("radio", name="4").check()
    test.get_by_role("button", name="Show which was which").click()
    rows = test.locator(".result tbody tr").all_inner_texts()
    assert len(rows) == 16 and sum("4.0" in row for row in rows) == 4
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert visit.problems == []
    visit.page.context.close()


def test_one_of_several_sounds_is_chosen_without_a_script(browser: Browser) -> None:
    visit = open_page(browser, "notebooks/08_experiment_2.html", java_script_enabled=False)
    choices = visit.page.locator("fieldset.choice")
    assert choices.count() >= 2
    for choice in choices.all():
        buttons, sounds = choice.get_by_role("radio"), choice.locator("audio")
        assert buttons.count() == sounds.count() > 1
        for chosen, button in enumerate(buttons.all()):
            button.check()
            shown = [sound.is_visible() for sound in sounds.all()]
            assert shown == [number == chosen for number in range(len(shown))]
    visit.page.context.close()


# ---- Words that the glossary explains ------------------------------------------------------------


def test_each_chapter_links_its_terms_once_and_says_what_they_mean() -> None:
    link = re.compile(r'<a class="term reference internal" href="([^"]+)" title="([^"]+)"')
    glossary = (HTML / "book" / "glossary.html").read_text(encoding="utf-8")
    chapters = [name for name in PAGES if name.startswith("notebooks/")]
    stored = (HTML.parent.parent / "notebooks").glob("*.ipynb")
    assert len(chapters) == len(list(stored)) > 0
    for name in chapters:
        found = link.findall((HTML / name).read_text(encoding="utf-8"))
        targets = [address for address, _ in found]
        assert len(found) >= 8, name
        assert len(set(targets)) == len(targets), name
        for address, meaning in found:
            page, _, anchor = address.partition("#")
            assert page == "../book/glossary.html" and f'id="{anchor}"' in glossary, address
            assert len(meaning) > 20, address


# ---- Tables that cells show ----------------------------------------------------------------------


def test_a_table_that_a_cell_shows_is_a_table() -> None:
    for name in ("06_one_step_at_a_time", "10_is_it_any_good"):
        text = (HTML / "notebooks" / f"{name}.html").read_text(encoding="utf-8")
        assert "<table" in text and "<th" in text, name
    for name in PAGES:
        text = re.sub(r"<pre>.*?</pre>", "", (HTML / name).read_text(encoding="utf-8"), flags=re.S)
        assert "|---" not in text, f"{name}: a table that is not drawn"
