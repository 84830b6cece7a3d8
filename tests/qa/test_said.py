"""Who said what about something: attributed sentences alone, or nothing."""

from datetime import date, datetime

import pytest
from byline.index.article import Article
from byline.qa.retrieve import Hit
from byline.qa.said import said_about
from byline.qa.when import asked

TREATY = "“The treaty gives away our rivers,” Dorte Vansittart said. "
REPLY = "Prime Minister Ilse Brandvold said that the treaty was fair. "
TEXT = f"The treaty was signed on Monday. {TREATY}{REPLY}Ms Brandvold said that it rained."


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Who said what about the treaty?", [TREATY, REPLY]),
        ("What did Ilse Brandvold say about the treaty?", [REPLY]),
        ("What did Brandvold say about the treaty?", [REPLY]),
        ("What does Brandvold think of the treaty?", [REPLY]),
        ("How did Brandvold respond to the treaty?", [REPLY]),
        ("What did Brandvold tell the Assembly about the treaty?", [REPLY]),
        ("What did they say about the treaty?", [TREATY, REPLY]),
        ("What did Tomas Rehn say about the treaty?", []),
        ("Who said what about the budget?", []),
        ("Who said what about?", []),
        ("Who signed the treaty?", []),
    ],
)
def test_only_attributed_sentences_on_the_matter_are_quoted(question: str, said: list[str]) -> None:
    article = Article(id="a", text=TEXT)
    hit = Hit(article, 0, len(TEXT), TEXT, 0.1)
    found = said_about(question, [hit])
    assert [one.text for one in found] == [one.strip() for one in said]
    for one in found:
        (source,) = one.sources
        assert TEXT[source.start : source.end].strip() == one.text


OWN = "“It is a road with a gate on it,” said Prime Minister Ilse Brandvold. "
OTHER = "“It is a gift,” said Dorte Vansittart. "


@pytest.mark.parametrize(
    ("title", "text", "said"),
    [
        (None, f"The treaty passed. {OWN}", [OWN]),
        ("Assembly ratifies treaty", f"It rained. {OWN}", [OWN]),
        ("Assembly ratifies treaty", f"It rained. {OTHER}", []),
        ("It rained", f"It was late. {OWN}", []),
        (
            "Assembly ratifies treaty",
            f"The treaty passed. {OWN}It rained. Then snow. {OWN[1:]}",
            [OWN],
        ),
    ],
)
def test_words_beside_the_matter_count_where_none_name_it(
    title: str | None, text: str, said: list[str]
) -> None:
    hit = Hit(Article(id="a", title=title, text=text), 0, len(text), text, 0.1)
    found = said_about("What did Brandvold say about the treaty?", [hit])
    assert [one.text for one in found] == [one.strip() for one in said]
    assert said_about("Who said what about the treaty?", [hit]) == []


@pytest.mark.parametrize(
    ("published", "is_of_it"),
    [("2026-03-15", False), ("2026-03-16", True), ("2026-03-23", True), ("2026-03-24", False)],
)
def test_of_a_period_only_what_was_published_then_is_quoted(published: str, is_of_it: bool) -> None:
    article = Article(id="a", text=TEXT, published=datetime.fromisoformat(f"{published}T09:00Z"))
    question = "What did Brandvold say about the treaty last week?"
    period = asked(question, date(2026, 3, 27))
    found = said_about(question, [Hit(article, 0, len(TEXT), TEXT, 0.1)], period)
    assert [one.text for one in found] == [REPLY.strip()] * is_of_it


@pytest.mark.parametrize("words", ["since 2026", "before 2027", "in March"])
def test_the_words_of_a_period_are_no_part_of_the_matter(words: str) -> None:
    article = Article(id="a", text=TEXT, published=date(2026, 3, 15))
    question = f"What did Brandvold say about the treaty {words}?"
    found = said_about(
        question, [Hit(article, 0, len(TEXT), TEXT, 0.1)], asked(question, date(2026, 3, 27))
    )
    assert [one.text for one in found] == [REPLY.strip()]
