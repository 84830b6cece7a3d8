"""Whether an archive agrees with itself, and its mending: rows, and the full-text tables.

Each function runs inside the transaction of the connection that it is given (`Archive`).
"""

from collections.abc import Iterator

import sqlalchemy as sa

from . import tables, writes
from .dialects import of

_AT_ONCE = 200  # articles
_OF_ARTICLE = "FROM passages p LEFT JOIN articles a ON a.pk = p.article_pk"
# What belongs to nothing, as SQL conditions on the table that is named first.
_ORPHANS = {
    ("passages", "pk"): f"SELECT p.pk {_OF_ARTICLE} "
    "WHERE a.pk IS NULL OR p.version NOT IN (coalesce(a.version, ''), coalesce(a.pending, ''))",
    ("vectors", "passage_pk"): "SELECT passage_pk FROM vectors EXCEPT SELECT pk FROM passages",
    ("sources", "article_pk"): "SELECT article_pk FROM sources EXCEPT SELECT pk FROM articles",
    ("versions", "article_pk"): "SELECT article_pk FROM versions EXCEPT SELECT pk FROM articles",
}
_EXPECTED = {
    "articles_text": "SELECT pk FROM articles WHERE version IS NOT NULL",
    "passages_text": f"SELECT p.pk {_OF_ARTICLE} WHERE p.version = a.version",
}
_WITHOUT_VECTOR = "SELECT count(*) FROM passages WHERE pk NOT IN (SELECT passage_pk FROM vectors)"
_WITHOUT_TEXT = (
    "SELECT count(*) FROM articles a WHERE a.version IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM versions v WHERE v.article_pk = a.pk AND v.version = a.version)"
)


def problems(connection: sa.Connection) -> list[str]:
    """What is wrong with the file, its rows and its full-text tables; empty when sound."""
    found = of(connection).damage(connection)
    for (table, key), orphans in _ORPHANS.items():
        number = _count(connection, f"SELECT count(*) FROM {table} WHERE {key} IN ({orphans})")
        if number:
            found.append(f"{number} rows of {table} belong to nothing")
    for query, what in (
        (_WITHOUT_VECTOR, "passages have no vector in the archive"),
        (_WITHOUT_TEXT, "articles have no text"),
    ):
        number = _count(connection, query)
        if number:
            found.append(f"{number} {what}")
    return found + list(_of_full_text(connection))


def _of_full_text(connection: sa.Connection) -> Iterator[str]:
    for table, expected in _EXPECTED.items():
        held = of(connection).held(table)
        missing, stray = (
            _count(connection, f"SELECT count(*) FROM ({one} EXCEPT {other}) AS apart")
            for one, other in ((expected, held), (held, expected))
        )
        if missing or stray:
            yield f"the full-text table {table} misses {missing} and has {stray} too many"
            continue
        if flaw := of(connection).flaw(connection, table):
            yield f"the full-text table {table} is inconsistent: {flaw}"


def mend(connection: sa.Connection) -> None:
    """Delete what belongs to nothing, and make the full-text tables anew where they disagree."""
    for (table, key), orphans in _ORPHANS.items():
        connection.execute(sa.text(f"DELETE FROM {table} WHERE {key} IN ({orphans})"))
    if any(_of_full_text(connection)):
        index_again(connection)


def merge(connection: sa.Connection) -> None:
    """Merge the full-text tables, which else keep most words of what was removed."""
    if not of(connection).merge(connection):
        index_again(connection)


def index_again(connection: sa.Connection) -> None:
    """Make the full-text tables anew from the published texts."""
    for table in _EXPECTED:
        of(connection).empty(connection, table)
    published = (
        sa.select(tables.articles.c.pk, tables.articles.c.version, *tables.ARTICLE)
        .join(tables.versions, tables.IS_PUBLISHED)
        .order_by(tables.articles.c.pk)
        .limit(_AT_ONCE)
    )
    last = -1
    while rows := connection.execute(published.where(tables.articles.c.pk > last)).all():
        last = rows[-1].pk
        for row in rows:
            article = tables.article_of(row)
            whole, passages = writes.text_rows(connection, row.pk, row.version, article)
            writes.index(connection, [whole], passages)


def _count(connection: sa.Connection, query: str) -> int:
    return connection.scalar(sa.text(query)) or 0
