"""What a reader does with the page of a desk.

Apart from conftest.py, which pytest loads beside what tests import: two lists of pages would be.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from byline import Desk
from byline.tests.servers import serving
from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=20_000)  # milliseconds: the machine of a test may be busy

PAGES: list[Page] = []  # those that are open


@contextmanager
def served(desk: Desk, around: Callable[[Any], Any] = lambda app: app) -> Iterator[str]:
    """The page of a desk on a free port, with something `around` the application; its address."""
    from byline.ui.page import site

    with serving(around(site(desk)), log_level="warning") as address:
        try:
            yield address
        finally:
            for page in PAGES:  # what still reads from the server would be an error there
                assert page.evaluate("window.pwned") is None
                page.goto("about:blank")


def visit(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator(".intro h2")).to_be_visible()


def ask(page: Page, question: str) -> None:
    before = page.locator(".turn").count()
    page.get_by_label("Question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".turn")).to_have_count(before + 1)
    newest = page.locator(".turn").last
    expect(newest.locator(".question")).to_have_text(question)
    expect(newest).to_have_attribute("aria-busy", "false", timeout=20_000)


def chip(page: Page, outlet: str) -> Locator:
    return page.locator(".answer").get_by_role("button", name=outlet)


def marked(page: Page) -> str:
    return "\n".join(page.locator("#source mark").all_text_contents())
