"""An article's way into the archive and out of it: accepted, published, removed, killed.

Each function runs inside the transaction of the connection that it is given (`Archive`).
"""

import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from . import origins, reads, rulings, standing, tables, tombstones, writes
from .filter import KILLED_HERE
from .sql import replacing
from .writes import Accession


def accept(connection: sa.Connection, accessions: Sequence[Accession]) -> dict[str, str]:
    """Make articles durable, not yet found by readers; why those are refused that were erased."""
    asked = {a.article.id: tombstones.refusal(connection, a.article) for a in accessions}
    refused = {article_id: why for article_id, why in asked.items() if why}
    accessions = [a for a in accessions if a.article.id not in refused]
    keys, published = writes.keys(connection, [a.article.id for a in accessions])
    of_these = tables.sources.c.article_pk.in_(keys.values())
    connection.execute(tables.sources.delete().where(of_these))
    sources = [
        {"fingerprint": fingerprint, "article_pk": keys[accession.article.id]}
        for accession in accessions
        for fingerprint in accession.fingerprints
    ]
    if sources:
        connection.execute(replacing(connection, tables.sources, sources[0]), sources)
    fresh, renewed = [], []
    for accession in accessions:
        pk, version = keys[accession.article.id], accession.article.version
        if pk in published and published[pk] == version:
            writes.renew(connection, pk, version, accession.article)
            renewed.append(pk)
            continue
        if pk in published:  # what is left of an acceptance that was not published
            connection.execute(tables.versions.delete().where(*writes.is_version(pk, version)))
            writes.drop_passages(connection, pk, version)
        fresh.append((pk, version, accession))
    writes.store_versions(connection, fresh)
    origins.place(connection, renewed)
    return refused


def waiting(connection: sa.Connection) -> Sequence[sa.Row[Any, Any, Any, Any]]:
    """Articles that are accepted and not yet published: pk, id, version, pending."""
    columns = tables.articles.c
    query = sa.select(columns.pk, columns.id, columns.version, columns.pending)
    return connection.execute(query.where(columns.pending.is_not(None))).all()


def publish(connection: sa.Connection, *those: sa.ColumnElement[bool]) -> None:
    """Let readers find what is pending, in place of the versions before."""
    query = (
        sa.select(
            tables.articles.c.pk,
            tables.articles.c.version,
            tables.articles.c.pending,
            tables.articles.c.updated_at,
            *tables.ARTICLE,
        )
        .join(tables.versions, tables.versions.c.article_pk == tables.articles.c.pk)
        .where(tables.versions.c.version == tables.articles.c.pending, *those)
    )
    whole, passages, changes = [], [], []
    for row in connection.execute(query).all():
        if row.version is not None:
            writes.withdraw(connection, row.pk, row.version)
        article = tables.article_of(row)
        entry, spans = writes.text_rows(connection, row.pk, row.pending, article)
        whole.append(entry)
        passages += spans
        now = {"version": row.pending, "pending": None, "passages": len(spans)}
        now |= tables.columns(article)
        dated = (now["updated_at"] or 0) > (row.updated_at or 0)
        if row.version is not None and not dated:
            now["updated_at"] = time.time()  # its new text was first seen now
        changes.append({"key": row.pk, **now})
    writes.index(connection, whole, passages)
    writes.change(connection, changes)
    keys = [change["key"] for change in changes]
    standing.reconsider(connection, keys)
    standing.link(connection, keys)
    origins.place(connection, keys)
    writes.grow(connection)


def give_up(connection: sa.Connection, row: sa.Row[Any, Any, Any, Any]) -> None:
    """Leave one of `waiting` as it was before it was accepted."""
    if row.version is None:
        remove(connection, row.id)
    else:
        writes.put_aside(connection, row.pk, row.pending)


def remove(connection: sa.Connection, article_id: str) -> bool:
    """Take an article out with all its versions; whether there was one."""
    own = sa.select(tables.articles.c.pk, tables.articles.c.version)
    row = connection.execute(own.where(tables.articles.c.id == article_id)).first()
    if row is None:
        return False
    if row.version is not None:
        writes.withdraw(connection, row.pk, row.version)
    writes.drop_passages(connection, row.pk)
    rulings.keep(connection, rulings.in_force(connection, tables.articles.c.pk == row.pk))
    standing.forget(connection, row.pk)
    origins.leave(connection, [row.pk])
    for table in (tables.sources, tables.versions):
        connection.execute(table.delete().where(table.c.article_pk == row.pk))
    connection.execute(tables.articles.delete().where(tables.articles.c.pk == row.pk))
    writes.grow(connection)
    return True


def kill(connection: sa.Connection, article_ids: Sequence[str], *, undo: bool) -> int:
    """Show articles nowhere from now on, or again; how many there were."""
    named = tables.articles.c.id.in_(article_ids)
    undone = reads.articles(connection, article_ids) if undo else ()
    killed = tables.articles.update().where(named).values(status=KILLED_HERE)
    count = connection.execute(killed).rowcount
    for article in undone:
        status = tables.columns(article)["status"]
        own = tables.articles.update().where(tables.articles.c.id == article.id)
        connection.execute(own.values(status=status))
    if undo:
        rulings.lift_kills(connection, article_ids)
    of_these = connection.scalars(sa.select(tables.articles.c.pk).where(named))
    standing.reconsider(connection, list(of_these))
    writes.grow(connection)
    return count
