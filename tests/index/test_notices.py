"""What an article says of itself, and which other article an announcement means."""

from datetime import date

import pytest
from byline.index.article import Article, Mark
from byline.index.clean import marks
from byline.index.notices import announced, own


def article(text: str, **facts: object) -> Article:
    return Article(id="a", text=text, marks=marks(text), **facts)  # type: ignore[arg-type]


def test_a_retraction_goes_before_corrections_of_which_the_last_counts() -> None:
    text = "It rained. Correction: it hailed. Correction: it\nsnowed. Retracted: all of it."
    corrections = (Mark(11, 33, "correction"), Mark(34, 56, "correction"))
    corrected = Article(id="a", text=text, marks=corrections, updated=date(2026, 2, 4))
    found = own(corrected)
    assert found is not None
    assert (found.kind, found.text, found.date) == (
        "corrected",
        "Correction: it snowed.",
        date(2026, 2, 4),
    )
    retracted = Article(id="a", text=text, marks=(*corrections, Mark(57, 78, "retraction")))
    assert own(retracted).kind == "retracted"  # type: ignore[union-attr]
    assert own(Article(id="a", text="It rained.")) is None


@pytest.mark.parametrize(
    ("facts", "kind", "said"),
    [
        ({"status": "Retracted"}, "retracted", "Retracted by its source."),
        ({"title": "RETRACTED: Ferry burns"}, "retracted", "Retracted by its source."),
        ({"extra": {"signals": ["sig:correction"]}}, "corrected", "Corrected by its source."),
        ({"extra": {"signal": {"qcode": "sig:retraction"}}}, "retracted", "Retracted by its s"),
        ({"extra": {"correction": "It was 17, not 71."}}, "corrected", "It was 17, not 71."),
        (
            {"extra": {"correction": [{"text": "It was 17 after all"}]}},
            "corrected",
            "It was 17 after all",
        ),
        ({"extra": {"retracted": True}}, "retracted", "Retracted by its source."),
    ],
)  # fmt: skip
def test_a_source_tells_it_beside_the_text(facts: dict[str, object], kind: str, said: str) -> None:
    found = own(article("It rained.", **facts))
    assert found is not None
    assert (found.kind, found.text[: len(said)]) == (kind, said)


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "usable"},
        {"extra": {"retracted": False, "signals": ["sig:update"], "keywords": ["corrections"]}},
        {"extra": {"correction": None, "signal": {"qcode": None}}},
    ],
)
def test_other_facts_tell_nothing(facts: dict[str, object]) -> None:
    assert own(article("It rained.", **facts)) is None


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("The Post withdraws the article “The day the ferry burned”, published in May.", "Notice"),
        ("Retraction: our report on the ferry was wrong.", "Retraction: The day the ferry burned"),
    ],
)
def test_what_is_said_of_another_article_is_not_its_own(text: str, title: str) -> None:
    assert own(article(text, title=title)) is None


@pytest.mark.parametrize(
    ("title", "text", "names"),
    [
        ("Retraction: The day the ferry burned", "It was wrong.", "The Day the Ferry Burned"),
        ("Correction: our report", "The article “The day the ferry burned” was wrong.",
         "The day the ferry burned"),
        ("Clarification – a report on the ferry", "It stands at https://post.example/ferry.",
         "Something else"),
    ],
)  # fmt: skip
def test_an_announcement_names_its_article(title: str, text: str, names: str) -> None:
    found = announced(article(text, title=title))
    assert found is not None
    assert found.names(Article(id="b", text="", title=names, url="https://post.example/ferry"))
    assert not found.names(Article(id="b", text="", title="Another day"))


@pytest.mark.parametrize(
    "title", ["Officials correct figure: 17 hurt", "Correction facilities are full", None]
)
def test_a_report_announces_nothing(title: str | None) -> None:
    assert announced(article("The article “The day the ferry burned” won.", title=title)) is None


def test_a_quotation_that_is_no_headline_names_nothing() -> None:
    text = "The mayor did not say “the day the ferry burned”, as we reported."
    found = announced(article(text, title="Correction: our report"))
    assert found is not None
    assert not found.names(Article(id="b", text="", title="The day the ferry burned"))
