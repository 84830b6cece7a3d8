"""Pictures of the page for the README and for a look at it: `make screenshots`.

    python -m byline.tests.ui.screenshots FOLDER

The bundled articles, answered by quoting; one answer is streamed by a model that reads its words
from a script, so that the picture of a half-written answer is always the same.
"""

import shutil
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

from byline import Desk
from byline.index.embed import MiniLM
from byline.tests.conftest import SAMPLE
from byline.tests.fakes import telling
from byline.tests.ui.reader import ask, served
from playwright.sync_api import Browser, expect, sync_playwright

ANSWERED = "How many turbines did Skerrow Wind get a licence for?"
DISPUTED = "How many people were hurt in the Ansel Marigold fire?"
DECLINED = "What did the opera house in Castrine cost?"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}


def writing(letting: threading.Event) -> Any:
    """A LlamaIndex LLM that stops in the middle of its answer until it is let go on."""

    def told(_: str) -> Generator[str]:
        yield "Skerrow Wind got a licence for 48 turbines [1]. "
        yield "They will stand on"
        letting.wait(20)

    return telling(told)


def taken(browser: Browser, home: Path, folder: Path, size: str, scheme: str) -> None:
    """The pictures of one size and one scheme."""
    width, height = SIZES[size]

    def shot(page: Any, name: str) -> None:
        page.mouse.move(0, 0)
        page.wait_for_timeout(700)
        page.screenshot(path=folder / f"{name}-{size}-{scheme}.png")

    def new(address: str) -> Any:
        page = browser.new_context(viewport={"width": width, "height": height}).new_page()
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.goto(address)
        expect(page.locator(".intro h2")).to_be_visible()
        return page

    embedder = MiniLM()
    with Desk(home, "demo", embedder=embedder) as desk, served(desk) as address:
        page = new(address)
        expect(page.locator(".suggested").first).to_be_visible(timeout=60_000)
        shot(page, "empty")
        for name, question in (
            ("answered", ANSWERED),
            ("disagreement", DISPUTED),
            ("declined", DECLINED),
        ):
            ask(page, question)
            shot(page, name)
        page.goto(f"{address}/collection")
        page.locator("#articles .open").first.click()
        shot(page, "collection")
        page.context.close()
    letting = threading.Event()
    with (
        Desk(home, "demo", llm=writing(letting), embedder=embedder) as desk,
        served(desk) as address,
    ):
        page = new(address)
        page.get_by_label("Question").fill(ANSWERED)
        page.get_by_label("Question").press("Enter")
        expect(page.locator(".draft")).to_contain_text("They will stand on", timeout=60_000)
        shot(page, "streaming")
        letting.set()
        page.context.close()


def main(folder: Path) -> None:
    """Take every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        with Desk(home, "demo") as desk:
            desk.add(SAMPLE)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for size in SIZES:
            for scheme in ("light", "dark"):
                taken(browser, Path(home), folder, size, scheme)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
