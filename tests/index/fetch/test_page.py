"""Articles of pages and of what a feed says of them."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from byline.errors import FetchError, InputError
from byline.index.article import Article
from byline.index.fetch.client import Reply
from byline.index.fetch.feed import Item
from byline.index.fetch.page import item_article, page_article, place
from byline.tests.index.fetch.conftest import page

URL = "https://herald.example/2026/bridge"
LEAD = "The road bridge at Skellow Ford reopened on Tuesday after eleven weeks of repairs."
MORE = (
    "Councillor Petra Hale thanked the 43 workers who had replaced the cables in the storms. "
    "The work cost 2.1 million crowns, and a second span is to follow next autumn. "
) * 8
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
ITEM = Item(
    url=f"{URL}?utm_source=rss#top",
    title="Bridge reopens",
    published=NOON,
    authors=("Jonas Brill",),
    outlet="Herald, local news",
    rights="© Herald",
    summary=LEAD,
)


def reply(*paragraphs: str, url: str = URL, head: str = "") -> Reply:
    return Reply(url, 200, {}, page("Road bridge open again", *paragraphs, head=head))


def of_item(item: Item, answer: Reply | FetchError, outlet: str | None = None) -> Article:
    def fetch() -> Reply:
        if isinstance(answer, FetchError):
            raise answer
        return answer

    return item_article(item, outlet, fetch)


GONE = FetchError("the server answers 404")


def test_a_feeds_facts_fill_what_the_page_does_not_say() -> None:
    article = of_item(ITEM, reply(LEAD, MORE))
    assert article.id == article.url == URL
    assert (article.title, article.outlet) == ("Road bridge open again", "Castrine Herald")
    assert (article.published, article.authors) == (NOON, ("Jonas Brill",))
    assert (article.rights, article.completeness) == ("© Herald", None)
    assert of_item(ITEM, reply(LEAD, MORE), "The Herald").outlet == "The Herald"


@pytest.mark.parametrize(
    ("said", "expected"),
    [("2026-03-10", NOON), ("2026-03-09", date(2026, 3, 9))],
)
def test_a_day_gets_the_feeds_time_where_it_is_the_same_day(said: str, expected: object) -> None:
    head = f'<meta property="article:published_time" content="{said}">'
    assert of_item(ITEM, reply(LEAD, MORE, head=head)).published == expected


def test_an_id_is_the_canonical_address_of_ones_own_site_only() -> None:
    for canonical, expected in (
        (f"https://www.herald.example/{'bridge'}", "https://www.herald.example/bridge"),
        ("https://ledger.example/other", URL),
        ("https://herald.example/", URL),
    ):
        head = f'<link rel="canonical" href="{canonical}">'
        article = page_article(reply(LEAD, MORE, head=head))
        assert article.id == article.url == expected
    assert page_article(reply(LEAD, MORE, url=f"{URL}?utm_medium=rss")).id == URL
    assert place(f"{URL}?id=3&fbclid=x#c") == f"{URL}?id=3"


def test_a_page_that_cannot_be_read_leaves_a_teaser() -> None:
    nothing = Reply(URL, 200, {}, b"<html><body><script>app()</script>")
    for answer in (GONE, nothing):
        article = of_item(ITEM, answer)
        assert (article.id, article.text, article.completeness) == (URL, LEAD, "teaser")
        assert (article.published, article.outlet) == (NOON, "Herald, local news")


def test_a_feed_that_gives_the_whole_text_is_no_teaser() -> None:
    article = of_item(replace(ITEM, content=LEAD + "\n\n" + MORE), GONE)
    assert article.completeness is None
    assert article.text.startswith(LEAD)


def test_a_page_that_says_no_more_than_the_summary_is_a_teaser() -> None:
    article = of_item(ITEM, reply(LEAD))
    assert (article.text, article.completeness) == (LEAD, "teaser")
    other = "A fire in the engine room of the ferry closed the terminal of Port Ansel on Monday."
    assert of_item(ITEM, reply(other)).completeness is None


@pytest.mark.parametrize("value", ["false", '"False"', '"http://schema.org/False"'])
def test_a_page_that_is_not_free_is_a_teaser(value: str) -> None:
    data = f'{{"@type": "NewsArticle", "isAccessibleForFree": {value}}}'
    head = f'<script type="application/ld+json">{data}</script>'
    article = of_item(ITEM, reply(LEAD, MORE, head=head))
    assert article.completeness == "teaser"
    assert "Petra Hale" in article.text
    assert of_item(ITEM, reply(LEAD, MORE, head=head.replace(value, "true"))).completeness is None


def test_a_summary_that_is_none_is_no_article() -> None:
    with pytest.raises(FetchError, match="404"):
        of_item(replace(ITEM, summary="Comments"), GONE)
    with pytest.raises(InputError, match="neither an address nor an id"):
        of_item(replace(ITEM, url=None), GONE)
    assert of_item(replace(ITEM, url=None, id="b-1"), GONE).id == "b-1"


def test_what_a_feed_has_said_stays_when_the_page_is_added_by_hand() -> None:
    held = replace(of_item(ITEM, reply(LEAD, MORE)), embargo_until=date(2099, 1, 1))
    article = page_article(reply(LEAD, MORE), lambda ids: [held] if ids == [URL] else [])
    assert article == held
