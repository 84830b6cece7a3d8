"""Whether an archive agrees with itself, and its mending: rows, and the full-text tables.

Each function runs inside the transaction of the connection that it is given (`Archive`).
"""

from collections.abc import Iterator

import sqlalchemy as sa

from . import tables, writes

_AT_ONCE = 200  # articles
_STRUCTURE = 10  # the row of a full-text table that says where its words are
_VERSION_2 = b"\xff\x00\x00\x01"  # of that row, in releases that do not pile up levels
_MOST_LEVELS = 1000
_OF_ARTICLE = "FROM passages p LEFT JOIN articles a ON a.pk = p.article_pk"
# What belongs to nothing, as SQL conditions on the table that is named first.
_ORPHANS = {
    ("passages", "pk"): f"SELECT p.pk {_OF_ARTICLE} "
    "WHERE a.pk IS NULL OR p.version NOT IN (ifnull(a.version, ''), ifnull(a.pending, ''))",
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
    found = [row for row in connection.scalars(sa.text("PRAGMA quick_check")) if row != "ok"]
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
        held = f"SELECT id FROM {table}_docsize"
        missing, stray = (
            _count(connection, f"SELECT count(*) FROM ({one} EXCEPT {other})")
            for one, other in ((expected, held), (held, expected))
        )
        if missing or stray:
            yield f"the full-text table {table} misses {missing} and has {stray} too many"
            continue
        try:
            connection.execute(sa.text(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')"))
        except Exception as error:  # its index is inconsistent; the file itself need not be
            yield f"the full-text table {table} is inconsistent: {str(error).splitlines()[0][:99]}"


def mend(connection: sa.Connection) -> None:
    """Delete what belongs to nothing, and make the full-text tables anew where they disagree."""
    for (table, key), orphans in _ORPHANS.items():
        connection.execute(sa.text(f"DELETE FROM {table} WHERE {key} IN ({orphans})"))
    if any(_of_full_text(connection)):
        index_again(connection)


def merge(connection: sa.Connection) -> None:
    """Merge the full-text tables, which else keep most words of what was removed.

    SQLite before 3.41 puts what it merges on a level above all others, each time, and reads no
    table of more than 2,000 levels (`FTS5_MAX_SEGMENT`): long before, the tables are made anew.
    """
    if any(_levels(connection, table) >= _MOST_LEVELS for table in _EXPECTED):
        index_again(connection)
        return
    for table in _EXPECTED:
        connection.execute(sa.text(f"INSERT INTO {table} ({table}) VALUES ('optimize')"))


def _levels(connection: sa.Connection, table: str) -> int:
    """How many levels a full-text table has: the number behind the cookie of its structure."""
    block: bytes | None = connection.scalar(
        sa.text(f"SELECT block FROM {table}_data WHERE id = {_STRUCTURE}")
    )
    if not block or block[4:8] == _VERSION_2:
        return 0
    low, high = block[5], block[4]
    return (high & 0x7F) << 7 | low & 0x7F if high & 0x80 else high


def index_again(connection: sa.Connection) -> None:
    """Make the full-text tables anew from the published texts."""
    for table in _EXPECTED:
        # A table whose structure cannot be read could not even be emptied.
        empty = f"REPLACE INTO {table}_data (id, block) VALUES ({_STRUCTURE}, zeroblob(7))"
        connection.execute(sa.text(empty))
        connection.execute(sa.text(f"INSERT INTO {table} ({table}) VALUES ('delete-all')"))
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
