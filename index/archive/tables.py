"""The archive's tables, and articles as their rows.

An article's facts are one JSON text; what is filtered by stands in columns too.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.schema import CreateIndex, CreateTable

from ..article import MOMENTS, Article, Mark, day_end, day_start, from_iso, isoformat
from ..notices import standing
from .sql import NUMBER, TEXT

METADATA = sa.MetaData()

meta = sa.Table(
    "meta",
    METADATA,
    sa.Column("key", TEXT, primary_key=True),
    sa.Column("value", TEXT, nullable=False),
)
articles = sa.Table(
    "articles",
    METADATA,
    sa.Column("pk", NUMBER, primary_key=True),
    sa.Column("id", TEXT, nullable=False, unique=True),
    sa.Column("version", TEXT),  # the published one; null until then
    sa.Column("pending", TEXT),  # the accepted one that is not yet published
    sa.Column("passages", sa.Integer, nullable=False, default=0),
    sa.Column("added_at", sa.Float, nullable=False),
    sa.Column("published_at", sa.Float, index=True),
    sa.Column("updated_at", sa.Float),
    sa.Column("embargo_at", sa.Float),
    sa.Column("expires_at", sa.Float),
    sa.Column("outlet", TEXT, index=True),
    sa.Column("status", TEXT),
    sa.Column("section", TEXT),
    sa.Column("origin_pk", NUMBER, index=True),  # whose text this one runs; null: its own
    sa.Column("retracted_at", sa.Float),
    sa.Column("notice", TEXT),  # JSON: what was said of the article by hand or by a feed
    sqlite_autoincrement=True,
)
_IS_PENDING = articles.c.pending.is_not(None)
sa.Index(  # few: without it each batch that is added would read every article
    "ix_articles_pending",
    articles.c.pending,
    sqlite_where=_IS_PENDING,
    postgresql_where=_IS_PENDING,
)
versions = sa.Table(
    "versions",
    METADATA,
    sa.Column("article_pk", sa.ForeignKey("articles.pk"), primary_key=True),
    sa.Column("version", TEXT, primary_key=True),
    sa.Column("text", TEXT, nullable=False),
    sa.Column("facts", TEXT, nullable=False),  # JSON of an Article's other fields
    sa.Column("seen_at", sa.Float, nullable=False),
)
passages = sa.Table(
    "passages",
    METADATA,
    sa.Column("pk", NUMBER, primary_key=True),
    sa.Column("article_pk", sa.ForeignKey("articles.pk"), nullable=False, index=True),
    sa.Column("version", TEXT, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sqlite_autoincrement=True,  # a number is never used again, so a stale vector finds no passage
)
vectors = sa.Table(  # apart from passages, so that reading spans does not read vectors
    "vectors",
    METADATA,
    sa.Column("passage_pk", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("vector", sa.LargeBinary, nullable=False),  # float16; float32 by older releases
)
sources = sa.Table(
    "sources",
    METADATA,
    sa.Column("fingerprint", sa.LargeBinary, primary_key=True),
    sa.Column("article_pk", sa.ForeignKey("articles.pk"), nullable=False, index=True),
)
doomed = sa.Table(  # passages that are gone here and still to be deleted from the vector store
    "doomed",
    METADATA,
    sa.Column("passage_pk", NUMBER, primary_key=True, autoincrement=False),
)
bands = sa.Table(  # of the text's signature: articles that share one may be copies
    "bands",
    METADATA,
    sa.Column("band", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("article_pk", sa.ForeignKey("articles.pk"), primary_key=True, index=True),
    sqlite_with_rowid=False,  # else each row is stored twice
)
tombstones = sa.Table(  # what was erased, without content: hashes of its id and address
    "tombstones",
    METADATA,
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("erased_at", sa.Float, nullable=False),
)
rulings = sa.Table(  # what people ruled of articles that are not there now
    "rulings",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("killed", sa.Boolean, nullable=False),
    sa.Column("hand", sa.JSON(none_as_null=True)),  # as in `articles.notice`
)
feeds = sa.Table(
    "feeds",
    METADATA,
    sa.Column("pk", NUMBER, primary_key=True),
    sa.Column("url", TEXT, nullable=False, unique=True),
    sa.Column("title", TEXT),
    sa.Column("outlet", TEXT),
    sa.Column("etag", TEXT),
    sa.Column("last_modified", TEXT),
    sa.Column("interval_seconds", sa.Integer, nullable=False),
    sa.Column("checked_at", sa.Float),
    sa.Column("next_at", sa.Float, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("error", TEXT),
)
feed_items = sa.Table(
    "feed_items",
    METADATA,
    sa.Column("feed_pk", sa.ForeignKey("feeds.pk", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True),  # a hash of the item as it was listed
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, default=0),
    sa.Column("error", TEXT),  # null: it was added
)
api_keys = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),  # SHA-256 of the secret part
    sa.Column("scope", TEXT, nullable=False),
    sa.Column("rate", TEXT),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float),
    sa.Column("revoked_at", sa.Float),
)
conversations = sa.Table(
    "conversations",
    METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("title", TEXT, nullable=False),
)
turns = sa.Table(
    "turns",
    METADATA,
    sa.Column(
        "conversation_id", sa.ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("filters", TEXT, nullable=False),  # JSON of what was in force
    sa.Column("answer", TEXT, nullable=False),  # JSON of a whole Answer
)
feedback = sa.Table(  # a reader's verdict on a turn; the last one counts
    "feedback",
    METADATA,
    sa.Column(
        "conversation_id", sa.ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("given_at", sa.Float, nullable=False),
    sa.Column("thumb", TEXT, nullable=False),
    sa.Column("reason", TEXT),
    sa.Column("statement", sa.Integer),  # which sentence is meant, from 1
)
jobs = sa.Table(  # articles that are to be added in the background (jobs.py)
    "jobs",
    METADATA,
    sa.Column("pk", NUMBER, primary_key=True),
    sa.Column("id", TEXT, nullable=False, unique=True),
    sa.Column("state", TEXT, nullable=False),
    sa.Column("parts", sa.Integer, nullable=False),  # files of what was given
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("runs", sa.Integer, nullable=False, server_default="0"),
    sa.Column("report", TEXT, nullable=False),  # JSON: counts, and the first failures
    sa.Column("error", TEXT),
)
job_parts = sa.Table(  # what they were given, where processes on several machines do them
    "job_parts",
    METADATA,
    sa.Column("job_id", TEXT, primary_key=True),
    sa.Column("file", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # of a piece of the file
    sa.Column("name", TEXT, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
# The columns from which `_article` makes an Article.
ARTICLE = (articles.c.id, articles.c.notice, versions.c.text, versions.c.facts)

IS_PUBLISHED = (versions.c.article_pk == articles.c.pk) & (versions.c.version == articles.c.version)
IS_OF_PUBLISHED = (passages.c.article_pk == articles.c.pk) & (
    passages.c.version == articles.c.version
)
PUBLISHED_PASSAGES = passages.join(articles, IS_OF_PUBLISHED).join(versions, IS_PUBLISHED)
MATCHING_PASSAGES = sa.select(passages.c.pk).join(articles, IS_OF_PUBLISHED)
MATCHING_ARTICLES = sa.select(articles.c.pk).where(articles.c.version.is_not(None))


def statements() -> Iterator[sa.Executable]:
    """Statements that make what is missing; several processes may open a new index at once."""
    for table in METADATA.sorted_tables:
        yield CreateTable(table, if_not_exists=True)
        yield from (CreateIndex(index, if_not_exists=True) for index in table.indexes)


def seconds(moment: datetime) -> float:
    """A moment as seconds since 1970."""
    return moment.timestamp()


def columns(article: Article) -> dict[str, Any]:
    """What of an article is filtered by."""

    def first(value: datetime | date | None) -> float | None:
        return None if value is None else seconds(day_start(value))

    return {
        "published_at": first(article.published),
        "updated_at": first(article.updated),
        "embargo_at": first(article.embargo_until),
        "expires_at": seconds(day_end(article.expires)) if article.expires else None,
        "outlet": article.outlet,
        "section": article.section,
        # As IPTC's catalogue has it: "stat:withheld".
        "status": article.status.casefold().split(":")[-1].strip() if article.status else None,
    }


_STORED_APART = ("id", "text", "notice")


def facts_of(article: Article) -> str:
    """An article's fields that have no column of versions, as JSON."""
    facts = {f.name: getattr(article, f.name) for f in fields(article)}
    for name in _STORED_APART:
        del facts[name]
    facts |= {name: isoformat(facts[name]) for name in MOMENTS}
    facts["marks"] = [[mark.start, mark.end, mark.kind] for mark in article.marks]
    facts["extra"] = dict(article.extra)
    return json.dumps({name: value for name, value in facts.items() if value not in (None, [], {})})


def marks_of(facts: dict[str, Any]) -> tuple[Mark, ...]:
    """The marks that are among an article's facts."""
    return tuple(Mark(*mark) for mark in facts.get("marks", ()))


def article_of(row: Any) -> Article:
    """The article of a row with ARTICLE's columns."""
    return _article(row.id, row.text, row.facts, row.notice)


def remembered(row: Any) -> Article:
    """As `article_of`, and the same object for the same row: to be read, not changed."""
    expires = row.notice and '"until"' in row.notice
    return (_article if expires else _remembered)(row.id, row.text, row.facts, row.notice)


def _article(article_id: str, text: str, told: str, noticed: str | None) -> Article:
    facts = json.loads(told)
    facts |= {name: from_iso(facts[name]) for name in MOMENTS if name in facts}
    facts["marks"] = marks_of(facts)
    facts["authors"] = tuple(facts.get("authors", ()))
    article = Article(id=article_id, text=text, **facts)
    notice = standing(article, noticed)
    return replace(article, notice=notice) if notice else article


_remembered = lru_cache(maxsize=1_000)(_article)


def vector_bytes(vector: NDArray[np.float32]) -> bytes:
    """A vector as it is stored: what the vector store is made of, so a rebuild loses nothing."""
    return vector.astype(np.float16).tobytes()


def vectors_of(stored: Sequence[bytes], dimension: int) -> NDArray[np.float32]:
    """Stored vectors, one a row; an older release stored twice as many bytes a number."""
    kinds = (np.float32 if len(one) == 4 * dimension else np.float16 for one in stored)
    rows = [np.frombuffer(one, kind) for one, kind in zip(stored, kinds, strict=True)]
    return np.array(rows, np.float32)
