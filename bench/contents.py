"""What an index holds, a hash a table: two that are the same in all of them are the same index.

    contents(desk.archive) == contents(other.archive)

Left out are times of day, the index's own name, and how often it was written to. The full-text
tables are compared word by word: which word stands where in which article and passage.
"""

import hashlib
from typing import Any

import sqlalchemy as sa
from byline.index.archive import Archive, tables

_TIMES = {"added_at", "seen_at", "updated_at"}
_OWN = ("uuid", "generation")
_WORDS = ("articles_text", "passages_text")


def contents(archive: Archive) -> dict[str, str]:
    """The tables of an archive, each with a hash of its rows; other on another kind of database."""
    with archive.engine.connect() as connection:
        found = {t.name: _hashed(connection, _rows(t)) for t in tables.METADATA.sorted_tables}
        return found | {name: _hashed(connection, _words(connection, name)) for name in _WORDS}


def _rows(table: sa.Table) -> sa.Select[Any]:
    query = sa.select(*(column for column in table.columns if column.name not in _TIMES))
    return query.where(table.c.key.not_in(_OWN)) if table is tables.meta else query


def _words(connection: sa.Connection, table: str) -> sa.TextClause:
    if connection.dialect.name == "postgresql":
        return sa.text(f"SELECT pk, length, CAST(words AS text) FROM {table}")
    connection.exec_driver_sql(
        f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{table}_words "
        f"USING fts5vocab(main, {table}, instance)"
    )
    return sa.text(f"SELECT * FROM temp.{table}_words")


def _hashed(connection: sa.Connection, query: sa.Executable) -> str:
    digest = hashlib.sha256()
    for row in sorted(map(tuple, connection.execute(query)), key=repr):
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
