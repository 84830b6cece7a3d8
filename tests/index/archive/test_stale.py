"""Citations of stored answers that no longer hold."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from byline import Desk
from byline.index.archive.stale import Stale, stale_citations
from byline.index.article import Article, Notice
from byline.tests.fakes import Letters

TEXT = "The fire hurt 11 people, police said. It began at noon."
QUOTE = "The fire hurt 11 people, police said."
CORRECTED = Notice("corrected", "Correction: It was 17.", date(2026, 5, 9))
RETRACTED = Notice("retracted", "Forged.", date(2026, 5, 9))


def article(text: str = TEXT, told: Notice | None = None) -> Article:
    return Article(id="a", text=text, updated=date(2026, 5, 8), notice=told)


def stale(now: Article | None, **cited: Any) -> list[Stale]:
    citation = {"number": 1, "article_id": "a", "quote": QUOTE, "notice": None} | cited
    return list(stale_citations({"citations": [citation]}, {"a": now} if now else {}))


@pytest.mark.parametrize(
    "now",
    [
        article(),
        article(f"Rain fell. {TEXT}"),  # another version, in which the words still stand
        article(TEXT.replace(" ", "\n")),
    ],
)
def test_where_its_words_still_stand_a_citation_holds(now: Article) -> None:
    assert stale(now) == []


def test_a_changed_sentence_is_told_with_what_stands_there_now() -> None:
    (found,) = stale(article(TEXT.replace("11", "17")))
    assert found == Stale(1, "a", "changed", None, date(2026, 5, 8), QUOTE.replace("11", "17"))
    assert found.summary == (
        "[1] its article no longer says this (2026-05-08); now: " + QUOTE.replace("11", "17")
    )


def test_what_is_gone_from_the_text_has_nothing_in_its_place() -> None:
    (found,) = stale(article("A bank was robbed."))
    assert (found.reason, found.now) == ("changed", None)


def test_an_article_that_is_not_there_was_removed() -> None:
    (found,) = stale(None)
    assert (found.reason, found.date, found.now) == ("removed", None, None)


@pytest.mark.parametrize("told", [CORRECTED, RETRACTED])
def test_a_notice_since_is_told(told: Notice) -> None:
    (found,) = stale(article(told=told))
    assert (found.reason, found.said, found.date) == (told.kind, told.text, told.date)


LIMITED = replace(
    article(f"{TEXT} {CORRECTED.text} It ended late.", CORRECTED), excerpt_limit=len(TEXT)
)


def test_a_notice_that_might_not_be_quoted_is_no_news_either() -> None:
    said = {"kind": "corrected", "text": "the article says what", "date": "2026-05-09"}
    assert stale(LIMITED, notice=said) == []
    (found,) = stale(LIMITED, notice=said | {"date": "2026-05-08"})
    assert (found.reason, found.said) == ("corrected", "the article says what")


def test_no_more_is_told_of_an_article_than_may_be_quoted() -> None:
    (found,) = stale(LIMITED, quote="It ended early.")
    assert (found.said, found.now) == ("the article says what", None)
    (found,) = stale(replace(LIMITED, notice=None), quote="It began at ten.")
    assert found.now == "It began at noon."


def test_a_notice_that_the_answer_carried_already_is_no_news() -> None:
    said = {"kind": "corrected", "text": CORRECTED.text, "date": "2026-05-09"}
    assert stale(article(told=CORRECTED), notice=said) == []
    (found,) = stale(article(told=RETRACTED), notice=said)
    assert found.reason == "retracted"


def test_a_retraction_is_told_of_a_stored_answer_that_cites_it(home: Path, folder: Path) -> None:
    with Desk(home, embedder=Letters()) as desk:
        desk.add(folder)
        chat = desk.chat()
        cited = chat.ask("What will the repair of the ferry cost?").citations[0].article_id
        desk.articles.retract(cited, "the figure was made up")
        (turn,) = desk.conversations.load(chat.id).turns
        assert {one.reason for one in turn.stale if one.article_id == cited} == {"retracted"}
        assert [found.id for found in desk.conversations.with_stale()] == [chat.id]
