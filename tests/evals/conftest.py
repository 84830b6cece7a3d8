"""Small things that the tests of evals share: an article, and what a system says of it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from byline import Article
from byline.evals.case import case_of
from byline.evals.corpus import Corpus
from byline.evals.metrics import METRICS, Seen
from byline.evals.response import response_of

FERRY = Article(
    id="ferry",
    title="Ferry fire closes terminal",
    outlet="Courier",
    published=date(2026, 3, 3),
    text="A fire closed the terminal on Monday. Eleven people were hurt. "
    'The repair will cost 4.2 million crowns, said Odile Farrant. "We will open in May," she said.',
)
COPY = Article(
    id="copy",
    title="Fire on a ferry",
    outlet="Herald",
    published=date(2026, 3, 4),
    text=f"{FERRY.text} More follows.",
)
MAYOR = Article(
    id="/news/mayor.txt",
    title="Mayor resigns",
    outlet="Standard",
    published=date(2026, 3, 12),
    text="Mayor Tomas Rehn resigned on Thursday. He had signed a contract with his brother.",
)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Three articles, one of them a copy of another."""
    return Corpus([FERRY, COPY, MAYOR], passage_chars=60)


@pytest.fixture(scope="session")
def see(corpus: Corpus) -> Callable[..., Seen]:
    """What metrics see of a case and a response, both given as records."""

    def call(case: dict[str, Any], response: dict[str, Any], **more: Any) -> Seen:
        asked = {"id": "c", "question": "How many people were hurt?", **case}
        return Seen(case_of(asked), response_of(response), corpus, **more)

    return call


def value(name: str, seen: Seen) -> float | None:
    """What a metric says."""
    return METRICS[name].score(seen)


def cite(article: Article, quote: str, number: int = 1) -> dict[str, Any]:
    """A valid citation of words of an article."""
    start = article.text.index(quote)
    return {
        "number": number,
        "article_id": article.id,
        "start": start,
        "end": start + len(quote),
        "quote": quote,
        "outlet": article.outlet,
        "title": article.title,
        "published": str(article.published),
    }


def hit(article: Article, quote: str) -> dict[str, Any]:
    """A passage of an article."""
    cited = cite(article, quote)
    return {key: cited[key] for key in ("article_id", "start", "end")} | {"text": quote}
