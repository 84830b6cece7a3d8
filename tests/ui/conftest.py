"""A page of a desk in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from byline import Desk
from byline.index.embed import MiniLM
from byline.tests.conftest import ARTICLES
from byline.tests.ui.reader import PAGES, served
from playwright.sync_api import Browser, Page


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
    PAGES.append(page)
    yield page
    PAGES.remove(page)
    assert page.evaluate("window.pwned") is None
    page.close()
    assert dialogs == []
    assert [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:"))] == []
    found = [error for error in errors if not _LEFT.match(error)]
    assert found == [], "\n".join(found)
