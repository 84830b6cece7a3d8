"""What was erased, without content: hashes of ids, addresses and texts, which nothing brings back.

keys_of("https://ledger.example/a?utm_source=x", None)   # two hashes: of the id, of the address
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import sqlalchemy as sa

from ..address import unmarked, without_front
from ..article import Article
from . import tables
from .sql import ignoring

_LEAST_TEXT = 200  # characters: a shorter one may be a form that others fill in too


def keys_of(article_id: str, url: str | None) -> list[bytes]:
    """The hashes by any of which an article is known as one that was erased.

    An entry of a page is known by the page too, so that no `#top` brings a page back.
    """
    page, of_page = article_id.partition("#")[0], (url or "").partition("#")[0]
    return [*own_keys(article_id, url), *_hashes(_addresses(page, of_page))]


def own_keys(article_id: str, url: str | None) -> list[bytes]:
    """The hashes that are kept of an article that is erased: of an entry not its page's."""
    return _hashes({f"id:{article_id}"} | _addresses(article_id, url))


def text_keys(
    secrets: Iterable[str], outlet: str | None, title: str | None, text: str
) -> list[bytes]:
    """The keyed hashes of an article's words and outlet, by which it is known under another id.

    Without outlet and headline they would be those of a copy too, which nobody erased.
    """
    said = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    if len(said) < _LEAST_TEXT:
        return []
    named = f"text:{outlet}\0{title}\0{said}".encode("utf-8", "surrogatepass")
    return [blake2b(named, key=one.encode(), digest_size=16).digest() for one in secrets]


def secrets(connection: sa.Connection) -> list[str]:
    """The keys of the index's hashes of texts: its own uuid, and those of indexes restored here."""
    named = tables.meta.c.key.in_(("uuid", "erased_with"))
    found = connection.scalars(sa.select(tables.meta.c.value).where(named))
    return sorted(set(" ".join(found).split()))


def keys_of_article(connection: sa.Connection, article: Article) -> list[bytes]:
    """All hashes by any of which an article is known as one that was erased."""
    of_text = text_keys(secrets(connection), article.outlet, article.title, article.text)
    return keys_of(article.id, article.url) + of_text


def _addresses(*given: str | None) -> set[str]:
    return {f"address:{_address(one)}" for one in given if one and "://" in one}


def _hashes(names: Iterable[str]) -> list[bytes]:
    return [
        blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for name in sorted(names)
    ]


def _address(url: str) -> str:
    """An address without what changes from link to link of one page."""
    try:
        parts = urlsplit(unmarked(url.strip()))
    except ValueError:
        return url
    query = urlencode(sorted(parse_qsl(parts.query, True)))
    fragment = parts.fragment and f"#{parts.fragment}"
    return f"{without_front(parts.hostname or '')}{parts.path.rstrip('/')}?{query}{fragment}"


def erased_at(connection: sa.Connection, keys: Iterable[bytes]) -> float | None:
    """When what one of the keys names was erased, in seconds since 1970; None: it was not."""
    named = tables.tombstones.c.key.in_(list(keys))
    query = sa.select(sa.func.max(tables.tombstones.c.erased_at)).where(named)
    last: float | None = connection.scalar(query)
    return last


def refusal(connection: sa.Connection, article: Article) -> str | None:
    """Why an article may not be added; None: it may."""
    at = erased_at(connection, keys_of_article(connection, article))
    if at is None:
        return None
    day = datetime.fromtimestamp(at, UTC)
    return (
        f"it was erased on {day.day} {day:%B %Y}, and nothing brings it back by itself: "
        "`byline add --erased-too` adds it again"
    )


def stored(connection: sa.Connection) -> list[tuple[bytes, float]]:
    """All tombstones: key and seconds since 1970."""
    return [(key, at) for key, at in connection.execute(sa.select(tables.tombstones))]


def keep(connection: sa.Connection, rows: Sequence[tuple[bytes, float]]) -> None:
    """Add tombstones; of those that are there the older date stays."""
    new: list[dict[str, Any]] = [{"key": key, "erased_at": at} for key, at in rows]
    if new:
        connection.execute(ignoring(connection, tables.tombstones), new)


def lift(connection: sa.Connection, keys: Iterable[bytes]) -> None:
    """Let what was erased be added again."""
    connection.execute(tables.tombstones.delete().where(tables.tombstones.c.key.in_(list(keys))))
