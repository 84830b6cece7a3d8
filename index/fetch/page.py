"""Makes articles of fetched pages, and of what a feed says of them.

article = page_article(web.get("https://herald.example/a", PAGE, max_bytes=5_000_000))

>>> place("https://Herald.example/a?id=3&utm_source=rss#top")
'https://herald.example/a?id=3'
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from ...errors import InputError
from ..address import unmarked
from ..article import Article, day_of, day_start
from ..copies import is_copy
from ..readers.html import of_site, read_html
from ..readers.records import to_article
from .client import Reply, checked
from .feed import Item

_FACTS = (
    *("title", "published", "updated", "authors", "outlet", "rights", "embargo_until", "expires"),
)
_NOT_FREE = re.compile(r"\"isAccessibleForFree\"\s*:\s*\"?(?:https?://schema.org/)?false\b", re.I)
_LITTLE = 1000  # characters: a page that gives no more than that may be a teaser
_SAME_LENGTH = 1.5  # so much longer than a summary that says the same is not more
_SHORTEST_TEXT = 40  # characters of a summary that is one, and not "Read more"


def place(url: str) -> str:
    """An address as the id of what stands there: without fragment and marks of campaigns."""
    return unmarked(str(checked(url).copy_with(fragment=None)))


def page_article(
    page: Reply, held: Callable[[Sequence[str]], Sequence[Article]] = lambda ids: ()
) -> Article:
    """The article of a page; its id is its canonical address. InputError: there is none in it.

    What a feed has said of the article that is `held` under its id stays where the page does not
    say it.
    """
    here = place(page.url)
    article = of_site(read_html(page.text.encode("utf-8", "replace"), here), here)
    for known in held([article.id]):
        facts = {name: getattr(known, name) for name in _FACTS}
        article = _filled(article, Item(**facts), None)
    return article


def item_article(
    item: Item,
    outlet: str | None,
    fetch: Callable[[], Reply],
) -> Article:
    """The article that a feed lists: its page, with what the feed knows and the page does not say.

    Where the page cannot be read, or shows no more than the feed does, the feed's own text is
    kept: a summary is a `teaser`. `outlet` goes before the page's own name. InputError: neither
    page nor feed holds a text.
    """
    own = item.content or item.summary or ""
    try:
        page = fetch()
        article = page_article(page)
    except InputError:
        if len(own) < _SHORTEST_TEXT:
            raise
        return _own_article(item, outlet, own)
    text = article.text
    says_no_more = (
        bool(item.summary and not item.content)
        and len(text) <= min(_LITTLE, _SAME_LENGTH * len(own))
        and is_copy(text, own)
    )
    if len(own) > _SAME_LENGTH * len(text) or (says_no_more and len(own) >= len(text)):
        kept = _own_article(item, outlet, own)
        article = replace(kept, id=article.id, url=article.url, language=article.language)
    if says_no_more or _NOT_FREE.search(page.text):
        article = replace(article, completeness="teaser")
    return _filled(article, item, outlet)


def _own_article(item: Item, outlet: str | None, text: str) -> Article:
    here = place(item.url) if item.url else item.id
    if here is None:
        raise InputError("the feed gives it neither an address nor an id")
    facts = {name: getattr(item, name) for name in _FACTS}
    facts |= {"text": text, "url": item.url and here}
    facts |= {"completeness": None if item.content else "teaser"}
    return _filled(to_article(facts, here), item, outlet)


def _filled(article: Article, item: Item, outlet: str | None) -> Article:
    """The article with the feed's facts where it has none, or a date without its time of day."""
    published, listed = article.published, item.published
    is_day = published is not None and not isinstance(published, datetime)
    if published is None or (is_day and listed and day_of(listed) == published):
        published = listed
    updated = article.updated or item.updated
    if updated and published and day_start(updated) <= day_start(published):
        updated = None
    return replace(
        article,
        title=article.title or item.title,
        authors=article.authors or item.authors,
        outlet=outlet or article.outlet or item.outlet,
        published=published,
        updated=updated,
        rights=article.rights or item.rights,
        embargo_until=article.embargo_until or item.embargo_until,
        expires=article.expires or item.expires,
    )
