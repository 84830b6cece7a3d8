"""What readers bring along: another script, a large zoom, a screen reader, hostile articles."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.index.embed import MiniLM
from byline.tests.fakes import saying
from byline.tests.ui.reader import ask, marked, served, visit
from playwright.sync_api import Page, expect

PAYLOAD = (
    '<img src=x onerror="alert(1)"> <svg onload=alert(1)> ${alert(1)} {{alert(1)}} '
    "</script><script>window.pwned=1</script> ![x](http://tracker.invalid/x.png) "
    "[x](javascript:alert(1)) <iframe src=//tracker.invalid></iframe>"
)
HEBREW = "נמל חיפה נפתח מחדש ביום שני"
READ = f"Harbour poet Ada Finch read “{HEBREW}” to 40 guests on the quay."
TOWER = f"The lighthouse at Gannet Bank cost {'x' * 10_000} 12 million crowns to paint."
ARTICLES: list[dict[str, Any]] = [
    {
        "id": "poem",
        "title": f"{HEBREW} 2026",
        "outlet": "Bay \u202eNews",
        "section": "Culture",
        "published": "2026-03-05",
        "text": f"{READ}\n\n{HEBREW}, {HEBREW}.\n\nGuests clapped.",
    },
    {
        "id": f"tower {PAYLOAD}",
        "title": f"Lighthouse {PAYLOAD} {'y' * 9_000}",
        "outlet": f"Ledger {PAYLOAD} {'q' * 2_000}",
        "authors": [f"Ann {PAYLOAD} {'z' * 10_000}", *map(str, range(400))],
        "url": "javascript:alert(1)",
        "section": f"News {PAYLOAD}",
        "published": "2026-03-06",
        "text": f"{TOWER}\n\n{PAYLOAD} \u202eTurned\u202c around.",
    },
]
POEM = "To how many guests did Ada Finch read on the quay?"
PAINT = "How many crowns did the lighthouse at Gannet Bank cost to paint?"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, minilm: MiniLM) -> Iterator[str]:
    home = tmp_path_factory.mktemp("reading")
    path = home / "news.jsonl"
    path.write_text("\n".join(map(json.dumps, ARTICLES)))
    with Desk(home, "default", embedder=minilm) as desk:
        assert desk.add(path).added == len(ARTICLES)
        with served(desk) as address:
            yield address


def test_the_page_is_painted_soon(
    page: Page, address: str, record_property: Callable[[str, object], None]
) -> None:
    visit(page, address)
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    record_property("first_contentful_paint_ms", painted)
    print(f"first contentful paint {painted:.0f} ms")  # noqa: T201
    assert painted < 8000  # wanted: 2000 on a machine of its own


def test_text_from_right_to_left_runs_so_and_turns_nothing_else(page: Page, address: str) -> None:
    visit(page, address)
    ask(page, POEM)
    assert marked(page) == READ
    paragraphs = page.locator("#source .text p:not(:empty)")
    directions = paragraphs.evaluate_all("all => all.map((one) => getComputedStyle(one).direction)")
    assert directions == ["ltr", "rtl", "ltr"]
    plaintext = "one => getComputedStyle(one).unicodeBidi"
    for shown in ("#source h2", ".answer .sentence"):
        assert page.locator(shown).first.evaluate(plaintext) == "plaintext"
    facts = page.locator(".turn .sources .facts").first
    left = facts.evaluate(
        """(facts) => [facts.querySelector('b'), facts.childNodes[1]].map((node) => {
          const range = document.createRange();
          range.selectNodeContents(node);
          return range.getBoundingClientRect().left;
        })"""
    )
    assert left[0] < left[1]  # the date stands behind an outlet whose name would turn it round


def test_a_large_zoom_loses_nothing(page: Page, address: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    visit(page, address)
    ask(page, PAINT)
    filled = {"": ".turn", "/collection": "#articles .open", "/evals": "#list h2"}
    for path, part in {**filled, "/settings": "table"}.items():
        if path:
            page.goto(address + path)
        expect(page.locator(part).first).to_be_visible()
        # 200 and 400 percent of 1280 pixels, and 200 of a telephone
        for width, height in ((640, 400), (320, 400), (195, 422)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            for link in page.get_by_role("navigation").first.get_by_role("link").all():
                box = link.bounding_box()
                assert box
                assert box["x"] >= 0, path
                assert box["x"] + box["width"] <= width, path
            if path:
                continue
            page.locator(".answer .chip").first.click()
            expect(page.locator("#source mark").first).to_be_in_viewport()
            page.get_by_role("button", name="Back to the answer").click()
            expect(page.locator(".turn .question")).to_be_in_viewport()


def test_hostile_words_without_end_stay_text_in_an_answer(page: Page, address: str) -> None:
    visit(page, address)
    ask(page, PAINT)
    assert TOWER.endswith(marked(page))
    page.locator(".turn .chip").first.hover()
    expect(page.get_by_role("tooltip")).to_contain_text("Lighthouse <img src=x")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    for part in ("#talk", "#source .head", "#source .text"):
        assert page.locator(part).evaluate("one => one.scrollWidth <= one.clientWidth"), part
    row = page.locator(".turn .sources li").first.bounding_box()
    assert row
    assert row["height"] < 400
    expect(page.locator("#source .facts")).to_contain_text("6 and 393 more")
    made = "#conversation :is(img, svg, script, iframe, a), #source :is(img, svg, script, iframe)"
    expect(page.locator(made)).to_have_count(0)
    page.locator("#filters .label-wrap").click()
    page.get_by_label("Sections").click()
    page.get_by_role("option", name=re.compile("^News <img")).click()
    chip = page.locator(".inforce button")
    expect(chip).to_contain_text("section News <img")
    page.get_by_role("button", name="Something is wrong").click()
    page.get_by_label("What is wrong").fill(PAYLOAD)
    page.get_by_role("button", name="Send").click()
    page.locator(".toggle-button").click()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill(PAYLOAD[:100])
    page.get_by_label("New name").press("Enter")
    expect(page.locator("#conversations .open")).to_have_text(PAYLOAD[:100])
    page.locator("#source").get_by_role("link", name="In the collection").click()
    expect(page.locator("#article h2")).to_contain_text("Lighthouse <img")
    assert page.locator("#holdings").evaluate("one => one.scrollWidth <= one.clientWidth")


def test_a_section_limits_the_answer_until_its_chip_is_taken_away(page: Page, address: str) -> None:
    visit(page, address)
    ask(page, f"Only culture: {POEM}")
    expect(page.locator(".turn .filters .tag")).to_have_text("section Culture")
    assert marked(page) == READ
    ask(page, PAINT)
    expect(page.locator(".turn").last.locator(".declined")).to_be_visible()
    page.get_by_role("button", name="Ask without filters").click()
    expect(page.locator("#source mark")).to_contain_text("12 million", timeout=20_000)
    expect(page.locator(".inforce button")).to_have_count(0)
    ask(page, f"Only culture: {POEM}")
    page.get_by_role("button", name="Without the filter section Culture").click()
    expect(page.locator(".inforce button")).to_have_count(0)
    ask(page, PAINT)
    assert "12 million" in marked(page)


def test_what_is_announced_are_whole_sentences_each_once(
    page: Page, home: Path, folder: Path, minilm: MiniLM
) -> None:
    llm = saying("Mayor Tomas Rehn resigned on Thursday [1]. Ilse Kamp takes over [1].")
    with Desk(home, "default", llm=llm, embedder=minilm) as desk:
        desk.add(folder)
        with served(desk) as address:
            visit(page, address)
            page.evaluate(
                """() => {
                  window.heard = [];
                  const spoken = document.querySelector('.spoken');
                  new MutationObserver((all) => all.forEach((one) => one.addedNodes.forEach(
                    (node) => window.heard.push(node.textContent)))).observe(
                    spoken, { childList: true });
                }"""
            )
            ask(page, "Who resigned as mayor?")
            heard = [one for one in page.evaluate("window.heard") if "…" not in one]
            assert [re.sub(r" \(.*", "", one).rstrip(".") for one in heard] == [
                "Mayor Tomas Rehn resigned on Thursday",
                "Ilse Kamp takes over",
            ]


def test_what_has_the_focus_is_in_view_and_outlined(page: Page, address: str) -> None:
    visit(page, address)
    ask(page, POEM)
    page.evaluate("document.activeElement.blur()")
    for _ in range(16):  # from the pages at the top, past the closed list of conversations
        page.keyboard.press("Tab")
        shown = page.evaluate(
            """() => { let one = document.activeElement; const seen = (e) => {
              const style = getComputedStyle(e);
              return style.outlineStyle !== 'none' || style.boxShadow !== 'none';
            };
            const box = one.getBoundingClientRect();
            return (one === document.body || seen(one) || seen(one.parentElement)
              || seen(one.closest('.input-container, .wrap-inner, .block') || one))
              && box.right > 0 && box.bottom > 0 || one.outerHTML.slice(0, 200); }"""
        )
        assert shown is True
    expect(page.locator(".toggle-button")).to_have_attribute("aria-expanded", "false")
    page.locator(".toggle-button").press("Enter")
    expect(page.locator(".toggle-button")).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("button", name="New conversation")).to_be_visible()
    page.emulate_media(forced_colors="active")
    colour = "one => getComputedStyle(one).backgroundColor"
    chosen = page.locator(".chip[aria-pressed=true]").first.evaluate(colour)
    assert chosen != page.locator("body").evaluate(colour)
    assert chosen == page.locator(".nav-holder [aria-current]").evaluate(colour)
