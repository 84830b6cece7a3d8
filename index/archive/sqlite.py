"""The archive on SQLite: one file, full-text search by FTS5 (lexical.py), a lock file."""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock

from ...errors import BylineError, IndexDamaged, IndexMismatch
from ..disk import reason_of, told
from ..lock import writing
from . import tables
from .lexical import frequencies, match
from .migrate import SCHEMA, migrate
from .tokens import TOKENIZER

__all__ = ["SQLite", "frequencies", "match", "read_only"]

_TABLES = ("passages_text", "articles_text")
_FULL_TEXT = [
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5(\n"
    f"    title, body, content='', tokenize='{TOKENIZER}')"
    for table in _TABLES
]
_PRAGMAS = (
    "busy_timeout=10000",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",  # what is removed is overwritten
)
_STRUCTURE = 10  # the row of a full-text table that says where its words are
_VERSION_2 = b"\xff\x00\x00\x01"  # of that row, in releases that do not pile up levels
_MOST_LEVELS = 1000


class SQLite:
    """The file of an archive."""

    url = None
    keeps_words = True  # in its full-text tables, of what was removed
    in_turn = "versions.rowid"  # the order in which they came

    def __init__(self, path: Path) -> None:
        self.path = path
        # As many connections as threads ask for: one that waits may hold what another waits for.
        self.engine = sa.create_engine(f"sqlite:///{path}", max_overflow=-1)
        sa.event.listen(self.engine, "connect", _on_connect)
        sa.event.listen(self.engine, "handle_error", self._on_error)

    def open(self) -> None:
        """Make or migrate the file; one that cannot be written to is opened to read."""
        path = self.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and not path.stat().st_size and path.with_name("chroma").exists():
                raise sqlite3.DatabaseError("it is empty, and its vector store is not")
            # SQLite does not wait its turn when two processes make a new file a WAL one.
            opening = FileLock(path.with_name("lock.open"), timeout=30)
            with opening, self.engine.begin() as connection:
                migrate(connection)
                for statement in (*tables.statements(), *map(sa.text, _FULL_TEXT)):
                    connection.execute(statement)
        except (sa.exc.DatabaseError, sqlite3.DatabaseError, OSError) as error:
            if path.exists() and not os.access(path.parent, os.W_OK):
                self._open_to_read()
                return
            raise told(error, path) or IndexDamaged(
                f"The archive {path} cannot be opened: {reason_of(error)}. "
                "Check that the folder is writable and is an index, or choose another with --index."
            ) from None

    def _open_to_read(self) -> None:
        """Open a database that cannot be written to: what changes it raises DiskError."""
        self.engine.dispose()
        self.engine = read_only(self.path)
        sa.event.listen(self.engine, "handle_error", self._on_error)
        query = sa.select(tables.meta.c.value).where(tables.meta.c.key == "schema")
        with self.engine.connect() as connection:
            found = connection.scalar(query)
        if found != str(SCHEMA):
            raise IndexMismatch(
                f"The index has schema {found}, this release of Byline knows {SCHEMA}, and "
                f"{self.path.parent} cannot be written to: make it writable and open it once."
            )

    def _on_error(self, context: sa.engine.ExceptionContext) -> BylineError | None:
        return told(context.original_exception, self.path)

    def writing(self, lock_file: Path, wait_seconds: float) -> AbstractContextManager[None]:
        """As `lock.writing`."""
        return writing(lock_file, wait_seconds)

    def compact(self) -> None:
        """Write the file anew, without the pages that hold what was removed."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
            plain.execute(sa.text("VACUUM"))

    def empty_log(self) -> bool:
        """Empty the write-ahead log of the pages of before; False where one is still read."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
            return not plain.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0]


def _on_connect(connection: sqlite3.Connection, _: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def read_only(path: Path) -> sa.Engine:
    """A database on a disk that cannot be written to, as it is at each statement's begin.

    SQLite reads a WAL database there only with its log's files, or told that nobody writes it.
    """
    log = path.with_name(f"{path.name}-wal")

    def connect() -> sqlite3.Connection:
        how = "mode=ro" if log.exists() else "immutable=1"
        return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)


# What `Dialect` says of each


def with_words(table: str, query: str) -> sa.Select[Any]:
    matches = sa.text(f"{table} MATCH :words").bindparams(words=query)
    rowid: sa.ColumnElement[int] = sa.column("rowid", sa.Integer)
    return sa.select(rowid).select_from(sa.table(table)).where(matches)


def index(connection: sa.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    statement = f"INSERT INTO {table} (rowid, title, body) VALUES (:key, :title, :body)"
    if rows:
        connection.execute(sa.text(statement), rows)


def forget(connection: sa.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    # A table without content is told what to forget.
    statement = (
        f"INSERT INTO {table} ({table}, rowid, title, body) VALUES ('delete', :key, :title, :body)"
    )
    if rows:
        connection.execute(sa.text(statement), rows)


def empty(connection: sa.Connection, table: str) -> None:
    # A table whose structure cannot be read could not even be emptied.
    structure = f"REPLACE INTO {table}_data (id, block) VALUES ({_STRUCTURE}, zeroblob(7))"
    connection.execute(sa.text(structure))
    connection.execute(sa.text(f"INSERT INTO {table} ({table}) VALUES ('delete-all')"))


def held(table: str) -> str:
    return f"SELECT id FROM {table}_docsize"


def damage(connection: sa.Connection) -> list[str]:
    return [row for row in connection.scalars(sa.text("PRAGMA quick_check")) if row != "ok"]


def flaw(connection: sa.Connection, table: str) -> str | None:
    try:
        connection.execute(sa.text(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')"))
    except Exception as error:  # its index is inconsistent; the file itself need not be
        return str(error).splitlines()[0][:99]
    return None


def merge(connection: sa.Connection) -> bool:
    """As `Dialect`.

    SQLite before 3.41 puts what it merges on a level above all others, each time, and reads no
    table of more than 2,000 levels (`FTS5_MAX_SEGMENT`): long before, the tables are made anew.
    """
    if any(_levels(connection, table) >= _MOST_LEVELS for table in _TABLES):
        return False
    for table in _TABLES:
        connection.execute(sa.text(f"INSERT INTO {table} ({table}) VALUES ('optimize')"))
    return True


def _levels(connection: sa.Connection, table: str) -> int:
    """How many levels a full-text table has: the number behind the cookie of its structure."""
    block: bytes | None = connection.scalar(
        sa.text(f"SELECT block FROM {table}_data WHERE id = {_STRUCTURE}")
    )
    if not block or block[4:8] == _VERSION_2:
        return 0
    low, high = block[5], block[4]
    return (high & 0x7F) << 7 | low & 0x7F if high & 0x80 else high


def snapshot(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def go_on_counting(connection: sa.Connection) -> None:
    """It does."""


def hold_still(connection: sa.Connection, table: sa.Table) -> None:
    """Who has begun to write is the only one."""
