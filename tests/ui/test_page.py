"""The page in a real browser."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from byline import BylineError, Desk
from byline.index.embed import MiniLM
from byline.tests.fakes import telling
from byline.tests.ui.reader import ask, chip, marked, served, visit
from playwright.sync_api import Browser, Page, expect

PAYLOAD = (
    '<img src=x onerror="window.pwned=1"> ${window.pwned=1} {{window.pwned=1}} '
    "</script><script>window.pwned=1</script> ![x](http://tracker.invalid/x.png) "
    "[x](javascript:window.pwned=1)"
)
BERTHS = f"The port of Tern Bay opened 14 new berths {PAYLOAD} on Monday."
LICENCE = "The licensing office gave Skerrow Wind a licence for 48 turbines on Gannet Bank."
SUIT = "Fishermen asked a court to annul the licence that Skerrow Wind got for 48 turbines."
TURBINES = "How many turbines did Skerrow Wind get a licence for?"
GAZETTE = "Saltmere Gazette"
OPERA = "What did the opera house in Castrine cost?"
ARTICLES = (
    {
        "id": "hostile",
        "title": f"Berths {PAYLOAD}",
        "outlet": f"Bay News {PAYLOAD}",
        "authors": [f"Ann {PAYLOAD}"],
        "url": "javascript:window.pwned=1",
        "published": "2026-03-01",
        "text": f"😀🎉 The harbour was full of flags.\n\n{BERTHS}\n\nA band played.",
    },
    {
        "id": "licence",
        "title": "Smaller wind farm licensed",
        "outlet": "The Ledger",
        "authors": ["Maeve Stallard"],
        "url": "https://ledger.example/wind",
        "published": "2026-03-05T18:52:00Z",
        "text": "The weather over the islands was calm.\n" * 60
        + f"\n🚒🏴 Nobody cheered. {LICENCE} Work begins in May.\n\n"
        + "Snow fell in the hills until the morning.\n" * 60
        + "\nCORRECTION: An earlier version gave the wrong month.",
    },
    {
        "id": "suit",
        "title": "Fishermen go to court",
        "outlet": GAZETTE,
        "url": "http://gazette.example/suit",
        "published": "2026-03-07",
        "text": f"{SUIT} They want the bank for themselves.",
    },
)


WORDS = threading.Semaphore(0)


def pausing() -> Any:
    """A LlamaIndex LLM that waits for each piece of its answer to be let out."""

    def told(_: str) -> Generator[str]:
        for piece in ("It may build 48 ", "[", f"1]. On Gannet Bank {PAYLOAD} [1]."):
            assert WORDS.acquire(timeout=20)
            yield piece

    return telling(told)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, minilm: MiniLM) -> Path:
    """Where an index of the articles is."""
    home = tmp_path_factory.mktemp("home")
    (home / "news.jsonl").write_text("".join(json.dumps(article) + "\n" for article in ARTICLES))
    with Desk(home, "default", embedder=minilm) as desk:
        assert desk.add(home / "news.jsonl").added == len(ARTICLES)
    return home


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[str]]:
    """The hosts that the servers look for."""
    asked: list[str] = []
    look_up = socket.getaddrinfo

    def recorded(host: Any, *args: Any, **options: Any) -> Any:
        asked.append(host)
        return look_up(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", recorded)
        yield asked


@pytest.fixture(scope="module")
def quoting(browser: Browser, home: Path, minilm: MiniLM, hosts: list[str]) -> Iterator[str]:
    """The address of a page that answers in quotes."""
    with Desk(home, "default", embedder=minilm) as desk, served(desk) as address:
        yield address


def in_view(page: Page, inner: str, outer: str) -> bool:
    boxes = [page.locator(selector).first.bounding_box() for selector in (inner, outer)]
    assert boxes[0]
    assert boxes[1]
    top, end = boxes[0]["y"], boxes[0]["y"] + boxes[0]["height"]
    return boxes[1]["y"] <= top and end <= boxes[1]["y"] + boxes[1]["height"]


def test_an_answer_names_its_sources_which_open_by_mouse_and_by_keyboard(
    page: Page, quoting: str
) -> None:
    visit(page, quoting)
    expect(page.locator(".intro")).to_contain_text("Ask about 3 articles from 3 outlets")
    expect(page.locator(".intro")).to_contain_text("set BYLINE_LLM")
    page.get_by_label("Question").press("Enter")
    page.wait_for_timeout(1000)  # the empty event must be through, else it may take the text along
    ask(page, TURBINES)
    expect(page.locator(".turn")).to_have_count(1)
    for sentence in (LICENCE, SUIT):
        expect(page.locator(".answer")).to_contain_text(sentence)
    first = page.locator(".answer .chip").first
    expect(first).to_have_attribute("aria-pressed", "true")
    outlet = "The Ledger" if "The Ledger" in (first.get_attribute("aria-label") or "") else GAZETTE
    assert marked(page) == (SUIT if outlet == GAZETTE else LICENCE)
    expect(page.locator("#source .outlet")).to_have_text(outlet)
    chip(page, GAZETTE).click()
    assert marked(page) == SUIT
    chip(page, "The Ledger").press("Enter")
    assert marked(page) == LICENCE
    chip(page, GAZETTE).press("Space")
    assert marked(page) == SUIT
    expect(chip(page, GAZETTE)).to_have_attribute("aria-pressed", "true")
    expect(chip(page, "The Ledger")).to_have_attribute("aria-pressed", "false")
    chip(page, "The Ledger").click()
    source = page.locator("#source")
    for fact in ("Smaller wind farm", "By Maeve Stallard 5 March 2026, 18:52 UTC Version"):
        expect(source).to_contain_text(fact)
    expect(source.locator(".notice")).to_contain_text("gave the wrong month")
    expect(source.locator(".text")).to_contain_text("🚒🏴 Nobody cheered. The licensing office")
    assert in_view(page, "#source mark", "#source .text")
    original = source.get_by_role("link", name="Read the original")
    assert (original.get_attribute("href") or "").startswith("https://ledger.example/wind#:~:text=")
    expect(original).to_have_attribute("rel", "noopener noreferrer")


def test_a_hostile_article_is_shown_as_the_text_that_it_is(page: Page, quoting: str) -> None:
    visit(page, quoting)
    ask(page, "How many new berths did the port of Tern Bay open?")
    shown = BERTHS.replace("http://tracker.invalid/x.png", "(address left out)")
    expect(page.locator(".answer .sentence").first).to_contain_text(shown)
    assert marked(page) == BERTHS
    expect(page.locator("#source h2")).to_have_text(f"Berths {PAYLOAD}")
    expect(page.locator("#source .facts")).to_contain_text(f"By Ann {PAYLOAD}")
    expect(page.locator(".text p").first).to_have_text("😀🎉 The harbour was full of flags.")
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Outlets").click()
    expect(page.get_by_role("option", name=f"Bay News {PAYLOAD}")).to_be_visible()
    made = "#conversation :is(img, script, a, b), #source :is(img, script, a, b)"
    expect(page.locator(made)).to_have_count(2)  # an outlet in bold, the link to the collection


def test_a_question_that_the_articles_do_not_answer_is_declined_with_what_comes_nearest(
    page: Page, quoting: str
) -> None:
    visit(page, quoting)
    ask(page, OPERA)
    turn = page.locator(".turn")
    expect(turn.locator(".declined")).to_have_text("The articles do not answer this.")
    expect(turn).to_contain_text("The nearest passages, for you to judge")
    expect(turn.locator(".answer")).to_have_count(0)
    expect(page.locator("#source .label")).to_contain_text("it may not answer the question")
    assert marked(page)


def test_a_filter_that_is_none_is_explained_and_can_be_put_right(page: Page, quoting: str) -> None:
    visit(page, quoting)
    page.get_by_role("button", name="Filters").click()
    page.get_by_label("Published since").fill("2026-99-99")
    ask(page, TURBINES)
    failure = page.locator(".failure")
    expect(failure).to_contain_text("since '2026-99-99' is not a date: write it as 2026-02-04.")
    expect(page.get_by_label("Question")).to_have_value(TURBINES)
    page.get_by_label("Published since").fill("2026-03-06")
    ask(page, TURBINES)
    expect(page.locator(".turn").last.locator(".filters")).to_have_text("Only since 6 March 2026")
    assert marked(page) == SUIT


def test_a_models_words_are_shown_as_they_come_and_only_as_text(
    page: Page, home: Path, minilm: MiniLM
) -> None:
    with Desk(home, "default", llm=pausing(), embedder=minilm) as desk, served(desk) as address:
        visit(page, address)
        expect(page.locator(".intro")).not_to_contain_text("BYLINE_LLM")
        page.get_by_label("Question").fill(TURBINES)
        page.get_by_label("Question").press("Enter")
        turn = page.locator(".turn")
        reading = re.compile(r"^Reading \d+ passages from 3 articles …$")
        expect(turn.locator(".progress")).to_have_text(reading, timeout=20_000)
        WORDS.release(2)
        expect(turn.locator(".draft")).to_have_text("It may build 48")
        expect(turn).to_have_attribute("aria-busy", "true")
        page.get_by_label("Question").fill("Who")  # the next question is begun meanwhile
        WORDS.release()
        expect(turn).to_have_attribute("aria-busy", "false")
        # Pictures, tags and addresses of a model's reply are gone; the rest is only ever text.
        expect(turn.locator(".answer")).to_contain_text("${window.pwned=1} {{window.pwned=1}}")
        expect(turn.locator(".answer")).not_to_contain_text("tracker")
        expect(turn.locator(".answer .chip")).to_have_count(2)
        expect(turn.locator(".answer :not(span, button)")).to_have_count(0)
        expect(turn).to_contain_text("Written by parrot")
        expect(page.get_by_label("Question")).to_have_value("Who")


def test_an_empty_index_says_how_to_add_articles(
    page: Page, tmp_path: Path, minilm: MiniLM
) -> None:
    with Desk(tmp_path, "bare", embedder=minilm) as desk, served(desk) as address:
        visit(page, address)
        expect(page.locator(".intro")).to_contain_text("byline add FOLDER --index bare")
        ask(page, TURBINES)
        expect(page.locator(".declined")).to_have_text("There are no articles to answer from.")


def test_no_server_looked_for_another_host(quoting: str, hosts: list[str]) -> None:
    assert set(hosts) <= {"127.0.0.1", "localhost"}


def test_a_port_that_is_taken_is_named_in_one_line(home: Path, minilm: MiniLM) -> None:
    from byline.ui.api import serve

    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        Desk(home, "default", embedder=minilm) as desk,
    ):
        port = taken.getsockname()[1]
        with pytest.raises(BylineError) as refused:
            serve(desk, "127.0.0.1", port)
    assert str(refused.value) == f"Port {port} is in use: choose another with --port."


def test_nobody_can_connect_before_it_answers_and_only_one_listens(
    home: Path, minilm: MiniLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    from byline.ui import api

    def service(*given: object) -> None:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(at)
        other.listen()

    monkeypatch.setattr(api, "service", service)
    with socket.socket() as other, Desk(home, "default", embedder=minilm) as desk:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))
        at = other.getsockname()
        with pytest.raises(BylineError, match=rf"Port {at[1]} is in use"):
            api.serve(desk, *at)


def test_no_event_loop_is_left_open(
    home: Path, minilm: MiniLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    from byline.ui.page import site

    begin, loops = asyncio.new_event_loop, list[asyncio.AbstractEventLoop]()
    monkeypatch.setattr(asyncio, "new_event_loop", lambda: loops.append(begin()) or loops[-1])
    with Desk(home, "default", embedder=minilm) as desk:
        thread = threading.Thread(target=site, args=(desk,))  # where none runs
        thread.start()
        thread.join()
    assert [loop.is_closed() for loop in loops] == [True]


def test_the_command_says_where_the_page_is_and_ends_with_ctrl_c(
    browser: Browser, home: Path
) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "byline", "serve", "--port", "0"],
        env=os.environ | {"BYLINE_HOME": str(home), "BYLINE_LOG_LEVEL": "warning"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+", server.stderr.readline())
        assert address
        with urlopen(address[0]) as response:
            assert b"Byline" in response.read()
        reader = browser.new_page()  # has a stream open, which is no error at the end
        visit(reader, address[0])
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=20)
        reader.close()
    finally:
        server.kill()
    assert (server.returncode, said) == (0, "")


def test_without_gradio_the_import_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "byline.ui.page", raising=False)
    with pytest.raises(ModuleNotFoundError) as missing:
        import_module("byline.ui.page")
    assert missing.value.name == "gradio"
