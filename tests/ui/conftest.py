"""A real browser, a page of a desk, and what a reader does with it."""

import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from byline import Desk
from byline.index.embed import MiniLM
from byline.tests.conftest import ARTICLES
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

expect.set_options(timeout=20_000)  # milliseconds: the machine of a test may be busy


@pytest.fixture(scope="module")
def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        why = f"the page is tested in a browser, and none of {', '.join(names)} is installed"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


_PAGES: list[Page] = []  # those that are open


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The page of a desk on a free port; its address."""
    from byline.ui.page import site

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(site(desk), log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for page in _PAGES:  # what still reads from the server would be an error there
                assert page.evaluate("window.pwned") is None
                page.goto("about:blank")
            server.should_exit = True
            thread.join()


@pytest.fixture
def desk(home: Path, folder: Path, minilm: MiniLM) -> Iterator[Desk]:
    with Desk(home, "default", embedder=minilm) as desk:
        assert desk.add(folder).added == len(ARTICLES)
        yield desk


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    with served(desk) as address:
        yield address


# What Gradio says of its own streams when the reader goes to another page, or the server is gone,
# and (422) when an answer is stopped before it has told the browser the event's number.
_LEFT = re.compile(
    r"AbortError: (signal is aborted without reason|BodyStreamBuffer was aborted)\n"
    r"|.*Connection errored out\. $|Failed to load resource: .* status of 422 ",
    re.DOTALL,
)


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser's page that fails the test where article text ran or anything left the machine."""
    if "address" in request.fixturenames:  # so that the page is closed before its server
        request.getfixturevalue("address")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    errors: list[str] = []
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda sent: asked.append(sent.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    _PAGES.append(page)
    yield page
    _PAGES.remove(page)
    assert page.evaluate("window.pwned") is None
    page.close()
    assert dialogs == []
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:"))] == []
    found = [error for error in errors if not _LEFT.match(error)]
    assert found == [], "\n".join(found)


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
