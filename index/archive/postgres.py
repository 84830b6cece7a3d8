"""The archive on PostgreSQL: a schema for each index, and its locks in the server."""

import os
import platform
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from ...errors import ArchiveUnavailable, BylineError, IndexLocked, SettingsError
from ..lock import locked
from . import tables
from .address import address, place, told
from .migrate import SCHEMA, migrate
from .tsvectors import DDL, TABLES

_OLDEST = 14
_MOST_CHARACTERS = 63  # of a schema's name
_CONNECT_SECONDS, _LOCKED_SECONDS, _WAIT_SECONDS = 10, 10, 30.0
# A server that is gone is given up in half a minute, whether it is asked or waited for.
_GIVEN_UP = {"keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3"}
_GIVEN_UP |= {"tcp_user_timeout": "30000"}  # milliseconds
_OF_LOCK = (
    "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted "
    "AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = :key"
)
_USABLE = "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = :schema"
_UNSAMPLED = 'ALTER TABLE {} ALTER COLUMN "{}" SET STATISTICS 0'


class _Pool(sa.QueuePool):
    def _do_get(self) -> Any:
        try:
            return super()._do_get()
        except sa.exc.TimeoutError:
            raise ArchiveUnavailable(
                f"All connections to the database are in use, for {self.timeout():g} seconds: try "
                "again in a moment, or raise BYLINE_ARCHIVE_CONNECTIONS."
            ) from None


class _Locks(threading.local):
    """Those that a thread holds: the number of each, and the server's process that has it."""

    held: Mapping[int, int] = MappingProxyType({})


class Postgres:
    """The database of an archive, and the schema there that is named after the index."""

    keeps_words = False
    in_turn = "versions.ctid"  # where they lie: mostly in the order in which they came

    def __init__(self, path: Path, url: str, connections: int) -> None:
        self.name = path.parent.name
        given, self.schema = address(url, self.name)
        self._url = given.update_query_dict({**_GIVEN_UP, **given.query})
        with_schema = {"options": f"-csearch_path={self.schema}"}
        full = self._url.update_query_dict(with_schema)
        self.url = full.render_as_string(hide_password=False)
        is_too_long = len(self.schema.encode()) > _MOST_CHARACTERS
        if is_too_long or self.schema.startswith("pg_") or self.schema == "information_schema":
            raise SettingsError(
                f"PostgreSQL takes no index of the name '{self.schema}': choose one of at most "
                f"{_MOST_CHARACTERS} characters, which does not begin with pg_, with --index."
            )
        self._locks = _Locks()
        self.engine = self._engine(
            poolclass=_Pool,
            pool_size=5,
            max_overflow=connections - 5,
            pool_timeout=_WAIT_SECONDS,
            pool_pre_ping=True,
        )
        sa.event.listen(self.engine, "commit", self._before_commit)

    def _engine(self, **options: Any) -> sa.Engine:
        given = {"application_name": _this_process(), "connect_timeout": _CONNECT_SECONDS}
        try:
            engine = sa.create_engine(self._url, connect_args=given, **options)
        except ImportError:
            raise SettingsError(
                "An archive in PostgreSQL needs psycopg: pip install 'byline[postgres]'."
            ) from None
        sa.event.listen(engine, "connect", self._on_connect)
        sa.event.listen(engine, "handle_error", self._on_error)
        return engine

    def _on_connect(self, connection: Any, _: object) -> None:
        was, connection.autocommit = connection.autocommit, True
        limit = f"SET lock_timeout = '{_LOCKED_SECONDS}s'"
        connection.execute(f'SET search_path TO "{self.schema}"; {limit}')
        connection.autocommit = was
        connection.adapters.register_dumper(str, _dumper())

    def _on_error(self, context: sa.engine.ExceptionContext) -> BylineError | None:
        if context.is_pre_ping:  # the pool makes a new connection in place of a dead one
            return None
        return told(context.original_exception, self._url)

    def open(self) -> None:
        """Make the schema, or migrate it. A role that may only read can open one that is there."""
        with self.engine.begin() as connection:
            shown = "current_setting('server_version'), current_setting('server_encoding')"
            release, encoding = connection.execute(sa.text(f"SELECT {shown}")).one()
            if int(release.partition(".")[0].partition(" ")[0]) < _OLDEST or encoding != "UTF8":
                raise SettingsError(
                    f"The database {place(self._url)} is PostgreSQL {release} with encoding "
                    f"{encoding}: Byline needs release {_OLDEST} or newer, and UTF8."
                )
            is_usable = connection.scalar(sa.text(_USABLE), {"schema": self.schema})
            if is_usable is False:
                raise SettingsError(
                    f"The role '{self._url.username}' may not use schema '{self.schema}' of "
                    f"{place(self._url)}: grant it USAGE on the schema."
                )
            if self._is_made(connection):
                return
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")  # it may be migrated meanwhile
            key = {"key": _key(self.schema, "open")}
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), key)
            if is_usable is None:
                connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"')
            held = self._tables(connection)
            if held and "full_text" not in held:
                raise SettingsError(
                    f"Schema '{self.schema}' of {place(self._url)} holds tables that are not "
                    "Byline's: choose another name with --index."
                )
            migrate(connection)
            if not self._is_made(connection):
                self._make(connection)

    def _tables(self, connection: sa.Connection) -> set[str]:
        there = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = :schema")
        return {*connection.scalars(there, {"schema": self.schema})}

    def _is_made(self, connection: sa.Connection) -> bool:
        if not {*tables.METADATA.tables, "full_text"} <= self._tables(connection):
            return False
        query = sa.select(tables.meta.c.value).where(tables.meta.c.key == "schema")
        return connection.scalar(query) == str(SCHEMA)

    def _make(self, connection: sa.Connection) -> None:
        for statement in tables.statements():
            connection.execute(statement)
        if connection.scalar(sa.text("SELECT to_regclass('full_text')")) is None:
            for ddl in DDL:
                connection.exec_driver_sql(ddl)
        for table in tables.METADATA.sorted_tables:
            for column in table.columns:
                is_given = column is tables.job_parts.c.body
                if is_given or isinstance(column.type, sa.Text | sa.JSON):
                    connection.exec_driver_sql(_UNSAMPLED.format(table.name, column.name))
        for name in TABLES:
            connection.exec_driver_sql(_UNSAMPLED.format(name, "words"))

    def indexes(self) -> list[str]:
        """The names of the indexes that the database holds, in order."""
        query = "SELECT schemaname FROM pg_tables WHERE tablename = 'full_text' ORDER BY 1"
        with closing(self), self.engine.connect() as connection:
            return list(connection.scalars(sa.text(query)))

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    # One writer at a time

    @contextmanager
    def writing(self, lock_file: Path, wait_seconds: float) -> Iterator[None]:
        """As `lock.writing`, for all machines: an advisory lock that its connection holds.

        The name of the file is the lock's.
        """
        key = _key(self.schema, lock_file.name)
        engine = self._engine(poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            # A holder whose machine is gone is given up after a minute.
            for name, value in (("idle", 30), ("interval", 10), ("count", 3)):
                connection.exec_driver_sql(f"SET tcp_keepalives_{name} = {value}")
            connection.exec_driver_sql("SET idle_session_timeout = 0")
            connection.exec_driver_sql(f"SET lock_timeout = {max(1, int(wait_seconds * 1000))}")
            try:
                connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": key})
            except IndexLocked:
                raise locked(self.name, _holder(connection, key)) from None
            backend = connection.scalar(sa.text("SELECT pg_backend_pid()"))
            before, self._locks.held = self._locks.held, {**self._locks.held, key: backend}
            try:
                yield
            finally:
                self._locks.held = before
                with suppress(BylineError):  # of a connection that was lost it is let go already
                    connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": key})

    def _before_commit(self, connection: sa.Connection) -> None:
        """Nothing is written on the strength of a lock that went with its connection."""
        for key, backend in self._locks.held.items():
            still = sa.text(f"SELECT true {_OF_LOCK} AND pid = :backend")
            if not connection.scalar(still, {"key": key, "backend": backend}):
                raise ArchiveUnavailable(
                    f"The connection to {place(self._url)} that held the writer's lock of index "
                    f"'{self.name}' was lost: nothing more is written. Run it again: what was "
                    "accepted is kept."
                )

    def compact(self) -> None:
        """`empty_log` does."""

    def empty_log(self) -> bool:
        """Write the tables anew, without the rows that were removed; False where one is read.

        It is false, too, where a transaction elsewhere in the database may still see them. The
        server's log, its replicas and backups hold them until they are recycled. Raises
        SettingsError where the role does not own the tables.
        """
        engine = self._engine(poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        left, until = [*tables.METADATA.tables, *TABLES], time.monotonic() + _LOCKED_SECONDS
        try:
            with engine.connect() as plain:
                while left := [table for table in left if self._keeps_removed(plain, table)]:
                    if time.monotonic() > until:
                        return False
                    time.sleep(0.5)
        except IndexLocked:
            return False
        return True

    def _keeps_removed(self, plain: sa.Connection, table: str) -> bool:
        """Write a table anew; whether rows that were removed had to be kept.

        The server only tells that: `9 dead row versions cannot be removed yet`, in its language.
        """
        told, driver = list[str](), plain.connection.driver_connection
        assert driver is not None

        def hear(about: Any) -> None:
            told.extend(re.findall(r"\d+", about.message_detail or "")[:1])

        driver.add_notice_handler(hear)
        plain.exec_driver_sql(f"VACUUM (FULL, VERBOSE, ANALYZE) {table}")
        driver.remove_notice_handler(hear)
        if not told:
            raise SettingsError(
                f"The role '{self._url.username}' does not own table {table} in schema "
                f"'{self.schema}' of {place(self._url)}, which keeps the bytes of what was "
                "removed: make it the owner of all, and run `byline check --repair`."
            )
        return told[0] != "0"


def _key(schema: str, name: str) -> int:
    """The number of an advisory lock: 64 bits with a sign."""
    digest = blake2b(f"byline {schema} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _this_process() -> str:
    """As the server shows it: no more than the command's name."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])
    return f"{os.getpid()} {platform.node()[:20]} {command}"[:_MOST_CHARACTERS]


def _holder(connection: sa.Connection, key: int) -> str:
    query = (
        "SELECT application_name, to_char(state_change AT TIME ZONE 'UTC', "
        f"'YYYY-MM-DD HH24:MI:SS') {_OF_LOCK}"
    )
    row = connection.execute(sa.text(query), {"key": key}).first()
    pid, _, rest = (row[0] if row else "").partition(" ")
    host, _, command = rest.partition(" ")
    if not (row and pid.isdigit()):
        return "another process"
    where = "" if host == platform.node()[:20] else f" on {host}"
    since = f", since {row[1]} UTC" if row[1] else ""
    return f"process {pid}{where} (`{command}`{since})"


def _dumper() -> Any:
    """Text on its way in: PostgreSQL takes no NUL, so it is written as what stands for one."""
    from psycopg.types.string import StrDumper

    class WithoutNul(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    return WithoutNul
