"""Who said what about something: attributed sentences alone, or nothing."""

import pytest
from byline.index.article import Article
from byline.qa.retrieve import Hit
from byline.qa.said import said_about

TREATY = "“The treaty gives away our rivers,” Dorte Vansittart said. "
REPLY = "Prime Minister Ilse Brandvold said that the treaty was fair. "
TEXT = f"The treaty was signed on Monday. {TREATY}{REPLY}Ms Brandvold said that it rained."


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Who said what about the treaty?", [TREATY, REPLY]),
        ("What did Ilse Brandvold say about the treaty?", [REPLY]),
        ("What did Brandvold say about the treaty?", [REPLY]),
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
