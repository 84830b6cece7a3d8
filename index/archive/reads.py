"""Articles and passages on their way out of the archive: the statements that read them.

Each function reads with the connection that it is given (`Archive`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from ..article import Article
from ..history import Version, versions
from . import tables
from .dialects import of
from .filter import Filter, conditions
from .sql import listed, listed_ids

SHOWN = Filter(retracted=True)  # every article that may be shown


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A published passage and the article that it is a span of."""

    pk: int
    start: int
    end: int
    text: str
    article: Article


def published(matching: Filter | None = None) -> list[sa.ColumnElement[bool]]:
    """Of articles: published, and those that match, or (None) may be shown."""
    return [tables.articles.c.version.is_not(None), *conditions(matching or SHOWN)]


def articles(connection: sa.Connection, ids: Sequence[str]) -> list[Article]:
    """The published articles with these ids, also those that may not be shown; unordered."""
    named = tables.articles.c.id.in_(listed_ids(ids))
    query = sa.select(*tables.ARTICLE).where(named, tables.IS_PUBLISHED)
    return [tables.article_of(row) for row in connection.execute(query)]


def newest(
    connection: sa.Connection,
    matching: Filter,
    limit: int,
    words: str | None,
    after: tuple[float | None, str] | None,
) -> list[Article]:
    """Published articles, the newest first, the undated last; as `Archive.list_articles`."""
    columns = tables.articles.c
    query = (
        sa.select(*tables.ARTICLE)
        .where(tables.IS_PUBLISHED, *conditions(matching))
        .order_by(columns.published_at.desc().nulls_last(), columns.id)
        .limit(limit)
    )
    if after:
        at, last = after
        rest = columns.published_at.is_not_distinct_from(at) & (columns.id > last)
        if at is not None:
            rest |= (columns.published_at < at) | columns.published_at.is_(None)
        query = query.where(rest)
    if words:
        query = query.where(columns.pk.in_(of(connection).with_words("articles_text", words)))
    return [tables.article_of(row) for row in connection.execute(query)]


def history(connection: sa.Connection, article_id: str, in_turn: str) -> list[Version]:
    """The versions of an article, the oldest first, those of one moment in the order `in_turn`."""
    columns = (tables.versions.c.version, tables.versions.c.seen_at, tables.articles.c.pending)
    query = (
        sa.select(*tables.ARTICLE, tables.articles.c.version.label("published"), *columns)
        .join(tables.versions, tables.versions.c.article_pk == tables.articles.c.pk)
        .where(tables.articles.c.id.in_(listed_ids([article_id])), *published())
        .order_by(tables.versions.c.seen_at, sa.literal_column(in_turn))
    )
    return versions(
        (
            tables.article_of(row),
            datetime.fromtimestamp(row.seen_at, UTC),
            row.version == row.published,
        )
        for row in connection.execute(query)
        if row.version != row.pending
    )


def counted(connection: sa.Connection, column: sa.Column[str]) -> dict[str, int]:
    """Each value of a column and how many articles that may be shown have it, most first."""
    count = sa.func.count()
    query = (
        sa.select(column, count)
        .where(column.is_not(None), *published())
        .group_by(column)
        .order_by(count.desc(), column)
    )
    return {name: number for name, number in connection.execute(query)}


def passages(
    connection: sa.Connection, pks: Sequence[int], matching: Filter | None
) -> list[StoredPassage]:
    """Those of the passages that are published and match (None: all), in the order given."""
    own = tables.passages.c
    query = (
        sa.select(own.pk, own.start, own.end, *tables.ARTICLE)
        .select_from(tables.PUBLISHED_PASSAGES)
        .where(own.pk.in_(listed(pks)))
    )
    if matching is not None:
        query = query.where(*conditions(matching, by_index=False))
    known: dict[str, Article] = {}
    found = {}
    for row in connection.execute(query):
        if row.id not in known:
            known[row.id] = tables.remembered(row)
        article = known[row.id]
        text = article.text[row.start : row.end]
        found[row.pk] = StoredPassage(row.pk, row.start, row.end, text, article)
    return [found[pk] for pk in pks if pk in found]
