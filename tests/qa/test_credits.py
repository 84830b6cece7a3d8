"""Questions about an article itself: who wrote it, when and where it appeared."""

from pathlib import Path

import pytest
from byline import Desk


@pytest.mark.parametrize(
    "question",
    [
        "Who wrote the article about the bridge at Skellow Ford?",
        "Which reporter wrote the story on the Skellow Ford bridge?",
        "Who is the author of the piece about the bridge reopening?",
    ],
)
def test_who_wrote_is_answered_with_the_byline(desk: Desk, question: str) -> None:
    answer = desk.ask(question)
    assert answer.citations[0].quote == "By Jonas Brill, Northern Standard"
    assert answer.text == "By Jonas Brill, Northern Standard [1]"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Who reported for the Northern Standard on the bridge at Skellow Ford?", "Jonas Brill"),
        ("Which two reporters are named on the Northern Standard's report of the bridge at "
         "Skellow Ford?", "Jonas Brill"),
        ("On what date did the Northern Standard run its analysis of the bridge at Skellow Ford?",
         "March 10, 2026"),
    ],
)  # fmt: skip
def test_what_a_named_outlet_ran_is_its_piece(desk: Desk, question: str, text: str) -> None:
    assert text in desk.ask(question).text


@pytest.mark.parametrize(
    "question",
    [
        "When was the report on the bridge at Skellow Ford published?",
        "Who wrote the report that the Northern Standard quotes?",
    ],
)
def test_a_report_in_the_news_is_no_piece_of_an_outlet(desk: Desk, question: str) -> None:
    assert "Jonas Brill" not in desk.ask(question).text
    assert "March 10" not in desk.ask(question).text


def test_when_it_was_published_is_answered_with_the_dateline(desk: Desk) -> None:
    answer = desk.ask("When was the article about the bridge at Skellow Ford published?")
    assert answer.citations[0].quote == "March 10, 2026"


def test_what_only_metadata_says_is_said_to_come_from_there(desk: Desk) -> None:
    answer = desk.ask("When was the article about the mayor's water contract published?")
    assert answer.text == "Published 12 March 2026 [1]"
    assert answer.statements[0].why == "published: not in the article's text but in its metadata"


def test_the_outlet_is_named(desk: Desk) -> None:
    answer = desk.ask("Which newspaper published the story about the ferry fire?")
    assert "Port Ansel Courier" in answer.text


@pytest.mark.parametrize(
    "question", ["Who wrote the article about elephants in Peru?", "Who wrote the article?"]
)
def test_where_it_is_not_clear_which_article_is_meant_it_is_declined(
    desk: Desk, question: str
) -> None:
    assert desk.ask(question).reason == "no_evidence"


def test_the_only_article_needs_no_description(home: Path, folder: Path, minilm: object) -> None:
    with Desk(home, "one", embedder=minilm) as desk:
        desk.add(folder / "ferry.txt")
        assert desk.ask("Who wrote the article?").citations[0].quote == (
            "By Mara Tenholt, Port Ansel Courier"
        )


def test_what_someone_in_the_news_wrote_is_no_question_about_an_article(desk: Desk) -> None:
    answer = desk.ask("Who had signed a water contract?")
    assert "By Lena Voss" not in answer.text
