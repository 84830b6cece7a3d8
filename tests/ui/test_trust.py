"""What a reader must be able to rely on: stopping, disagreements, answers that are out of date."""

import asyncio
import re
import threading
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

from byline import Desk
from byline.index.embed import MiniLM
from byline.tests.fakes import telling
from byline.tests.ui.reader import ask, marked, served, visit
from playwright.sync_api import Locator, Page, expect

COST = "What will the repair of the ferry cost?"
FIRE = "How many people were hurt in the Ansel Marigold fire?"


def endless(freed: threading.Event) -> Any:
    """A LlamaIndex LLM whose first and third answer have no end; others are short."""
    asked = 0

    def told(_: str) -> Generator[str]:
        nonlocal asked
        asked += 1
        try:
            while asked in (1, 3) and not freed.wait(0.1):
                yield "The repair costs much "
            yield "The repair will cost 4.2 million crowns [1]."
        finally:
            freed.set()

    return telling(told)


def test_to_stop_or_to_leave_frees_the_model_and_what_was_stopped_can_be_asked_again(
    page: Page, desk: Desk, home: Path, minilm: MiniLM
) -> None:
    freed = threading.Event()
    llm = endless(freed)
    with (
        Desk(home, "default", llm=llm, embedder=minilm) as writing,
        served(writing) as address,
    ):
        turn = _stopped(page, address)
        expect(turn).to_have_attribute("aria-busy", "false")
        assert freed.wait(10)
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
        assert writing.conversations.list() == []
        turn.get_by_role("button", name="Ask again").click()
        newest = page.locator(".turn").last
        expect(newest.locator(".answer")).to_contain_text("4.2 million", timeout=20_000)
        expect(newest).to_have_attribute("aria-busy", "false")
        assert len(writing.conversations.list()) == 1
        freed.clear()  # and the same where the reader begins anew meanwhile
        page.get_by_label("Question").fill(f"What does {COST[5:]}")
        page.get_by_label("Question").press("Enter")
        expect(page.locator(".draft")).to_contain_text("costs much", timeout=20_000)
        page.locator(".toggle-button").click()
        page.get_by_role("button", name="New conversation").click()
        assert freed.wait(10)
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
        expect(page.locator(".turn")).to_have_count(0)
        expect(page.locator("#conversations .open")).to_have_count(1)


def test_what_is_asked_as_the_stream_of_events_ends_is_answered(
    page: Page, desk: Desk, home: Path, minilm: MiniLM
) -> None:
    with (
        Desk(home, "default", llm=endless(threading.Event()), embedder=minilm) as writing,
        served(writing, _ending_late) as address,
    ):
        turn = _stopped(page, address)
        turn.get_by_role("button", name="Ask again").click()
        newest = page.locator(".turn").last
        expect(newest.locator(".answer")).to_contain_text("4.2 million", timeout=20_000)


def _stopped(page: Page, address: str) -> Locator:
    """The turn of a question that was stopped while it was answered."""
    visit(page, address)
    page.get_by_label("Question").fill(COST)
    page.get_by_label("Question").press("Enter")
    turn = page.locator(".turn")
    expect(turn.locator(".draft")).to_contain_text("costs much", timeout=20_000)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(turn).to_contain_text("Stopped.")
    return turn


def test_no_stream_stays_open_once_all_is_answered(page: Page, desk: Desk) -> None:
    streams = [0, 0]  # open, begun

    def counted(app: Any) -> Any:
        async def passing(scope: Any, receive: Any, send: Any) -> None:
            is_stream = scope.get("path", "").endswith("/queue/data")
            streams[0] += is_stream
            streams[1] += is_stream
            try:
                await app(scope, receive, send)
            finally:
                streams[0] -= is_stream

        return passing

    with served(desk, counted) as address:
        visit(page, address)
        ask(page, COST)
        for _ in range(100):
            page.wait_for_timeout(100)
            if not streams[0]:
                break
        assert streams[0] == 0 < streams[1]


def _ending_late(app: Any) -> Any:
    """A network on which the end of a stream comes after what the page puts in line next."""
    held = list[asyncio.Event]()

    async def passing(scope: Any, receive: Any, send: Any) -> None:
        async def late(message: Any) -> None:
            if b"close_stream" in message.get("body", b""):
                held.append(asyncio.Event())
                with suppress(TimeoutError):
                    await asyncio.wait_for(held[-1].wait(), 1)
            await send(message)

        await app(scope, receive, late)
        if scope.get("path", "").endswith("/queue/join"):
            await asyncio.sleep(0.1)  # until its answer is in the browser
            for one in held:
                one.set()

    return passing


def test_a_suggestion_is_asked_by_a_click_and_a_disagreement_names_each_position(
    page: Page, sample_desk: Desk
) -> None:
    with served(sample_desk) as address:
        visit(page, address)
        first = page.locator(".suggested").first
        expect(first).to_be_visible(timeout=60_000)
        assert page.locator(".suggested").count() >= 3
        question = first.text_content() or ""
        first.click()
        expect(page.locator(".turn .question")).to_have_text(question)
        expect(page.locator(".turn .answer")).to_be_visible()
        ask(page, FIRE)
        dispute = page.locator(".dispute")
        expect(dispute.locator("strong")).to_have_text("The figure has changed")
        says = [one.text_content() for one in dispute.locator("li b").all()]
        assert says == ["11", "17"]
        expect(dispute.locator("li").first).to_contain_text("Meridian Wire, 7 March 2026")
        expect(dispute.locator("li").last).to_contain_text("replaces what was said before")
        dispute.locator("li").first.locator(".chip").first.click()
        assert re.search(r"\beleven\b|\b11\b", marked(page), re.I)


def test_an_answer_whose_article_is_gone_says_so_after_a_reload(page: Page, desk: Desk) -> None:
    with served(desk) as address:
        visit(page, address)
        ask(page, COST)
        quote = marked(page)
        expect(page.locator(".stale")).to_have_count(0)
        (ferry,) = (one.id for one in desk.articles.list() if "Ferry" in (one.title or ""))
        desk.articles.retract(ferry, "It was made up")
        page.reload()
        expect(page.locator(".stale")).to_contain_text("No longer holds")
        expect(page.locator(".stale")).to_contain_text("retracted")
        assert marked(page) == quote
        desk.articles.remove(ferry)
        page.reload()
        expect(page.locator(".stale")).to_contain_text("no longer there")
        assert marked(page) == quote


def test_an_index_for_this_machine_only_refuses_a_model_elsewhere_and_stores_nothing(
    page: Page, desk: Desk, home: Path, minilm: MiniLM
) -> None:
    from byline.settings import Settings

    desk.local_only = True
    settings = Settings(home=home, llm="gpt-5-mini", llm_api_key="sk-secret")
    with (
        Desk(settings=settings, embedder=minilm, models_stay_here=True) as private,
        served(private) as address,
    ):
        visit(page, address)
        ask(page, COST)
        expect(page.locator(".failure")).to_contain_text("gpt-5-mini")
        expect(page.locator(".failure")).not_to_contain_text("sk-secret")
        assert private.conversations.list() == []
