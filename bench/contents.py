"""What an index holds, a hash a table: two that are the same in all of them are the same index.

    contents(desk.folder / "archive.db") == contents(other.folder / "archive.db")

Left out are times of day, the index's own name, and how often it was written to. The full-text
tables are compared word by word: which word stands where in which article and passage.
"""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

_TIMES = {"added_at", "seen_at", "updated_at"}
_OWN = ("uuid", "generation")
_WORDS = ("articles_text", "passages_text")


def contents(archive: Path) -> dict[str, str]:
    """The tables of an archive, each with a hash of its rows in order of their numbers."""
    with closing(sqlite3.connect(archive)) as database:
        named = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        tables = [name for (name,) in database.execute(named)]
        plain = [t for t in tables if not t.startswith((*_WORDS, "sqlite_"))]
        found = {table: _hashed(database, f"SELECT {_columns(database, table)}") for table in plain}
        for table in _WORDS:
            words = (
                f"CREATE VIRTUAL TABLE temp.{table}_words USING fts5vocab(main, {table}, instance)"
            )
            database.execute(words)
            found[table] = _hashed(database, f"SELECT * FROM temp.{table}_words")
        return found


def _columns(database: sqlite3.Connection, table: str) -> str:
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    kept = ", ".join(f'"{column}"' for column in columns if column not in _TIMES)
    where = f" WHERE key NOT IN {_OWN}" if table == "meta" else ""
    return f"{kept} FROM {table}{where}"


def _hashed(database: sqlite3.Connection, query: str) -> str:
    digest = hashlib.sha256()
    for row in sorted(database.execute(query), key=repr):
        digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
