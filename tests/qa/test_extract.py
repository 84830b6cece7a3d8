"""What is answered without a language model: sentences word for word, or nothing."""

import json
import re
from pathlib import Path

import pytest
from byline import Desk
from byline.evals import __file__ as evals_file
from byline.qa.events import Answer

CASES = [
    json.loads(line)
    for line in (Path(evals_file).parent / "cases" / "sample.jsonl").read_text().splitlines()
]


def hold(desk: Desk, answer: Answer) -> None:
    """An answer's numbers resolve, its quotes are spans, and its words are the articles'."""
    numbers = {int(number) for number in re.findall(r"\[(\d+)\]", answer.text)}
    assert [c.number for c in answer.citations] == list(range(1, len(answer.citations) + 1))
    assert numbers == {citation.number for citation in answer.citations}
    for citation in (*answer.citations, *answer.nearest):
        article = desk.articles.get(citation.article_id)
        assert article.text[citation.start : citation.end] == citation.quote
        assert article.version == citation.version
    for statement in answer.statements:
        assert answer.text[statement.start : statement.end] == statement.text
        assert statement.citations
    assert answer.declined == (not answer.citations) == (answer.reason is not None)
    assert not (answer.nearest and answer.citations)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("How many workers replaced the cables?", "the 43 workers who had replaced the cables"),
        ("What will the repair of the ferry cost?", "The repair will cost 4.2 million crowns"),
        ("Who resigned on Thursday?", "Mayor Tomas Rehn resigned on Thursday"),
    ],
)
def test_the_sentence_that_answers_is_quoted(desk: Desk, question: str, said: str) -> None:
    answer = desk.ask(question)
    assert said in answer.text
    assert said in " ".join(answer.citations[0].quote.split())
    assert (answer.model, answer.prompt_version) == (None, None)
    hold(desk, answer)


@pytest.mark.parametrize(
    "question",
    [
        "What is the capital of Peru?",
        "Who won the tennis final in Melbourne?",
        "How many planets circle the star Vega?",
        "😀",
        "AND OR NOT",
        "\u202eאבג",
    ],
)
def test_what_the_articles_do_not_say_is_declined_with_what_comes_nearest(
    desk: Desk, question: str
) -> None:
    answer = desk.ask(question)
    assert (answer.status, answer.reason) == ("declined", "no_evidence")
    assert answer.text == "The articles do not answer this."
    assert answer.nearest
    hold(desk, answer)


def test_a_relative_date_is_said_to_be_counted_from_the_articles_date(desk: Desk) -> None:
    answer = desk.ask("When did the road bridge reopen?", as_of="2026-04-01")
    (statement,) = (s for s in answer.statements if "reopened" in s.text)
    assert "“Tuesday” is 10 March 2026" in statement.text
    hold(desk, answer)


def test_a_date_is_explained_only_where_a_time_is_asked_for(desk: Desk) -> None:
    answer = desk.ask("How many weeks of repairs did the bridge take?")
    assert "10 March" not in answer.text
    assert all(statement.why is None for statement in answer.statements)


def test_the_newest_evidence_is_dated(desk: Desk) -> None:
    answer = desk.ask("Who resigned on Thursday?")
    assert answer.to_dict()["newest_evidence"] == "2026-03-12"


def test_no_article_is_told_from_no_answer(desk: Desk) -> None:
    answer = desk.ask("Who resigned?", until="1999-12-31")
    assert answer.text == "No article matches the question and its filters."
    assert (answer.declined, answer.nearest) == (True, ())


@pytest.mark.parametrize("case", CASES[::18], ids=lambda case: case["id"])
def test_every_answer_of_the_sample_holds(sample_desk: Desk, case: dict[str, str]) -> None:
    answer = sample_desk.ask(case["question"], as_of=case["as_of"])
    hold(sample_desk, answer)
    for citation in answer.citations:
        published = sample_desk.articles.get(citation.article_id).published
        assert published is None or str(published)[:10] <= case["as_of"]


def test_the_same_question_has_the_same_answer(sample_desk: Desk) -> None:
    asked = [sample_desk.ask(CASES[0]["question"], as_of=CASES[0]["as_of"]) for _ in range(2)]
    assert asked[0].text == asked[1].text
    assert asked[0].citations == asked[1].citations
