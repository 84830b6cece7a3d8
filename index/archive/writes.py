"""Articles on their way into the archive: the statements that store, publish and withdraw them.

Each function runs inside the transaction of the connection that it is given (`Archive`).
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from ..article import Article
from ..chunk import Passage
from . import rulings, standing, tables
from .dialects import of
from .filter import KILLED_HERE
from .sql import replacing


@dataclass(frozen=True, slots=True)
class Accession:
    """An article on its way into the archive, with what was made of it."""

    article: Article
    fingerprints: Sequence[bytes]
    "of every source that gave it in this run, also where a later one won"
    passages: Sequence[Passage]
    vectors: Sequence[NDArray[np.float32]]
    "one a passage; none of either where only the facts are new"


UPDATE = tables.articles.update().where(tables.articles.c.pk == sa.bindparam("key"))


def numbered(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Insert rows; the numbers that they are given, in order."""
    if not rows:
        return []
    statement = table.insert().returning(table.c.pk, sort_by_parameter_order=True)
    return list(connection.scalars(statement, rows))


def insert(
    connection: sa.Connection, statement: sa.Insert, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows; none is no statement."""
    if rows:
        connection.execute(statement, rows)


def keys(
    connection: sa.Connection, ids: Sequence[str]
) -> tuple[dict[str, int], dict[int, str | None]]:
    """The articles' numbers, new ones made; the published version of those that were held."""
    query = sa.select(tables.articles.c.id, tables.articles.c.pk, tables.articles.c.version)
    held = connection.execute(query.where(tables.articles.c.id.in_(ids))).all()
    keys = {row.id: row.pk for row in held}
    ruled = rulings.taken(connection, [name for name in ids if name not in keys])
    new = [{"id": name, "added_at": time.time(), **ruling} for name, ruling in ruled.items()]
    given = numbered(connection, tables.articles, new)
    keys |= {row["id"]: pk for row, pk in zip(new, given, strict=True)}
    return keys, {row.pk: row.version for row in held}


def renew(connection: sa.Connection, pk: int, version: str, article: Article) -> None:
    """Give a published version the facts that are known now."""
    is_this = is_version(pk, version)
    held = connection.execute(sa.select(tables.versions).where(*is_this)).one()
    if held.text != article.text:  # a re-flowed copy: its marks are not those of the stored text
        article = replace(article, marks=tables.marks_of(json.loads(held.facts)))
    connection.execute(
        tables.versions.update().where(*is_this).values(facts=tables.facts_of(article))
    )
    now = tables.columns(article)
    query = sa.select(tables.articles.c.updated_at).where(tables.articles.c.pk == pk)
    if (now["updated_at"] or 0) <= (connection.scalar(query) or 0):
        del now["updated_at"]  # when its text was last seen to change is still true
    change(connection, [{"key": pk, "pending": None, **now}])
    standing.reconsider(connection, [pk])
    grow(connection)


def change(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what is known now of articles; the status of one that was killed by hand stays."""
    held = tables.articles.c.status
    status = sa.case((held == KILLED_HERE, held), else_=sa.bindparam("now_status"))
    named = [{"now_status" if k == "status" else k: v for k, v in row.items()} for row in rows]
    if named:
        connection.execute(UPDATE.values(status=status), named)


def is_version(pk: int, version: str) -> tuple[sa.ColumnElement[bool], ...]:
    """The condition that a row of versions is this one."""
    return tables.versions.c.article_pk == pk, tables.versions.c.version == version


def store_versions(connection: sa.Connection, staged: Sequence[tuple[int, str, Accession]]) -> None:
    """Store new versions of articles, (number, version, accession) each; they are pending then."""
    versions, spans, vectors = [], [], []
    for pk, version, accession in staged:
        key = {"article_pk": pk, "version": version}
        article, now = accession.article, time.time()
        versions.append(
            {**key, "text": article.text, "facts": tables.facts_of(article), "seen_at": now}
        )
        for passage, vector in zip(accession.passages, accession.vectors, strict=True):
            spans.append({**key, "start": passage.start, "end": passage.end})
            vectors.append(tables.vector_bytes(vector))
    insert(connection, tables.versions.insert(), versions)
    rows = zip(numbered(connection, tables.passages, spans), vectors, strict=True)
    of_passages = [{"passage_pk": pk, "vector": vector} for pk, vector in rows]
    insert(connection, tables.vectors.insert(), of_passages)
    if staged:
        pending = [{"key": pk, "pending": version} for pk, version, _ in staged]
        connection.execute(UPDATE, pending)


def put_aside(connection: sa.Connection, pk: int, version: str) -> None:
    """Drop the version of an article that is pending, so that its source is read again."""
    connection.execute(tables.versions.delete().where(*is_version(pk, version)))
    connection.execute(tables.sources.delete().where(tables.sources.c.article_pk == pk))
    drop_passages(connection, pk, version)
    connection.execute(UPDATE, {"key": pk, "pending": None})


def note(connection: sa.Connection, key: str, value: str) -> None:
    """Note what the index is built with."""
    row = {"key": key, "value": value}
    connection.execute(replacing(connection, tables.meta, row), row)


def grow(connection: sa.Connection) -> None:
    """Move the generation on: what readers can find has changed."""
    more = "CAST(CAST(meta.value AS bigint) + 1 AS text)"
    first = "INSERT INTO meta VALUES ('generation', '1') ON CONFLICT (key) DO UPDATE SET value = "
    connection.execute(sa.text(first + more))


def index(
    connection: sa.Connection, whole: Sequence[dict[str, Any]], passages: Sequence[dict[str, Any]]
) -> None:
    """Put articles and their passages into the full-text tables."""
    database = of(connection)
    database.index(connection, "articles_text", whole)
    database.index(connection, "passages_text", passages)


def withdraw(connection: sa.Connection, pk: int, version: str) -> None:
    """Take a published version out of the full-text tables; doom its passages."""
    of_article = tables.versions.c.article_pk == tables.articles.c.pk
    query = (
        sa.select(*tables.ARTICLE)
        .join(tables.versions, of_article)
        .where(tables.articles.c.pk == pk, tables.versions.c.version == version)
    )
    article = tables.article_of(connection.execute(query).one())
    whole, passages = text_rows(connection, pk, version, article)
    database = of(connection)
    database.forget(connection, "articles_text", [whole])
    database.forget(connection, "passages_text", passages)
    drop_passages(connection, pk, version)


def text_rows(
    connection: sa.Connection, pk: int, version: str, article: Article
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the full-text tables hold of an article and of its passages."""
    spans = connection.execute(
        sa.select(tables.passages.c.pk, tables.passages.c.start, tables.passages.c.end).where(
            tables.passages.c.article_pk == pk, tables.passages.c.version == version
        )
    )
    title = article.title or ""
    passages = [
        {"key": span.pk, "title": title, "body": article.text[span.start : span.end]}
        for span in spans
    ]
    return {"key": pk, "title": title, "body": article.text}, passages


def drop_passages(connection: sa.Connection, pk: int, version: str | None = None) -> None:
    """Delete an article's passages, of one version or all; doom their vectors in the store."""
    doomed = tables.passages.c.article_pk == pk
    if version is not None:
        doomed &= tables.passages.c.version == version
    keys = sa.select(tables.passages.c.pk).where(doomed)
    connection.execute(tables.doomed.insert().from_select(["passage_pk"], keys))
    connection.execute(tables.vectors.delete().where(tables.vectors.c.passage_pk.in_(keys)))
    connection.execute(tables.passages.delete().where(doomed))
