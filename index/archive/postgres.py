"""The archive on PostgreSQL: a schema for each index, full-text search by its GIN index.

The words are those of SQLite's FTS5 (tokens.py), and so is the ranking: BM25 with its constants,
reckoned from the tsvectors of the rows that the index finds.
"""

import math
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ...errors import (
    ArchiveUnavailable,
    BylineError,
    DiskError,
    IndexLocked,
    SettingsError,
)
from ..disk import reason_of
from ..lock import locked
from . import tables
from .filter import Filter, conditions
from .lexical import hidden_passages, rarest
from .migrate import SCHEMA, migrate
from .sql import NUMBER, listed
from .tokens import Parsed, parsed, vectors

_OLDEST = 14
_MOST_CHARACTERS = 63  # of a schema's name
_CONNECT_SECONDS, _LOCKED_SECONDS, _WAIT_SECONDS = 10, 10, 30.0
_SEARCH_PATH = re.compile(r"-c ?search_path=([\w-]+)")
_LEAST_IDF = 1e-6  # as FTS5's bm25(), with k1 1.2 and b .75
_TABLES = ("passages_text", "articles_text")
# Lexemes of a passage are read where they stand, not fetched from a table beside. PostgreSQL keeps
# samples of columns in its statistics: of these none, so that what is erased is not among them.
_FULL_TEXT = [
    statement
    for table in _TABLES
    for statement in (
        f"CREATE TABLE {table} (pk bigint PRIMARY KEY, length integer NOT NULL, "
        "words tsvector NOT NULL) WITH (toast_tuple_target = 8160)",
        f"CREATE INDEX {table}_words ON {table} USING gin (words)",
    )
]
_FULL_TEXT += [
    "CREATE TABLE full_text (name text PRIMARY KEY, rows bigint NOT NULL, tokens bigint NOT NULL)",
    f"INSERT INTO full_text SELECT unnest(ARRAY{list(_TABLES)}), 0, 0",
]


class _Pool(sa.QueuePool):
    def _do_get(self) -> Any:
        try:
            return super()._do_get()
        except sa.exc.TimeoutError:
            raise ArchiveUnavailable(
                f"All connections to the database are in use, for {self.timeout():g} seconds: try "
                "again in a moment, or raise BYLINE_ARCHIVE_CONNECTIONS."
            ) from None


class Postgres:
    """The database of an archive, and the schema there that is named after the index."""

    keeps_words = False
    in_turn = "versions.ctid"  # where they lie: mostly in the order in which they came

    def __init__(self, path: Path, url: str, connections: int) -> None:
        self.name = path.parent.name
        self._url, self.schema = address(url, self.name)
        with_schema = {"options": f"-csearch_path={self.schema}"}
        full = self._url.update_query_dict(with_schema)
        self.url = full.render_as_string(hide_password=False)
        is_too_long = len(self.schema.encode()) > _MOST_CHARACTERS
        if is_too_long or self.schema.startswith("pg_") or self.schema == "information_schema":
            raise SettingsError(
                f"PostgreSQL takes no index of the name '{self.schema}': choose one of at most "
                f"{_MOST_CHARACTERS} characters, which does not begin with pg_, with --index."
            )
        self.engine = self._engine(
            poolclass=_Pool,
            pool_size=5,
            max_overflow=connections - 5,
            pool_timeout=_WAIT_SECONDS,
            pool_pre_ping=True,
        )

    def _engine(self, **options: Any) -> sa.Engine:
        told = {"application_name": _this_process(), "connect_timeout": _CONNECT_SECONDS}
        try:
            engine = sa.create_engine(self._url, connect_args=told, **options)
        except ImportError:
            raise SettingsError(
                "An archive in PostgreSQL needs psycopg: pip install 'byline[postgres]'."
            ) from None
        sa.event.listen(engine, "connect", self._on_connect)
        sa.event.listen(engine, "handle_error", self._on_error)
        return engine

    def _on_connect(self, connection: Any, _: object) -> None:
        was, connection.autocommit = connection.autocommit, True
        connection.execute(f'SET search_path TO "{self.schema}"')
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
                    f"The database {_place(self._url)} is PostgreSQL {release} with encoding "
                    f"{encoding}: Byline needs release {_OLDEST} or newer, and UTF8."
                )
            if self._is_made(connection):
                return
            key = {"key": _key(self.schema, "open")}
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), key)
            there = sa.text("SELECT true FROM pg_namespace WHERE nspname = :schema")
            if not connection.scalar(there, {"schema": self.schema}):
                connection.exec_driver_sql(f'CREATE SCHEMA "{self.schema}"')
            migrate(connection)
            if not self._is_made(connection):
                self._make(connection)

    def _is_made(self, connection: sa.Connection) -> bool:
        there = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = :schema")
        held = connection.scalars(there, {"schema": self.schema})
        if not {*tables.METADATA.tables, "full_text"} <= {*held}:
            return False
        query = sa.select(tables.meta.c.value).where(tables.meta.c.key == "schema")
        return connection.scalar(query) == str(SCHEMA)

    def _make(self, connection: sa.Connection) -> None:
        for statement in tables.statements():
            connection.execute(statement)
        if connection.scalar(sa.text("SELECT to_regclass('full_text')")) is None:
            for ddl in _FULL_TEXT:
                connection.exec_driver_sql(ddl)
        for table in tables.METADATA.sorted_tables:
            for column in table.columns:
                is_given = column is tables.job_parts.c.body
                if is_given or isinstance(column.type, sa.Text | sa.JSON):
                    connection.exec_driver_sql(_UNSAMPLED.format(table.name, column.name))
        for name in _TABLES:
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
            yield

    def compact(self) -> None:
        """`empty_log` does."""

    def empty_log(self) -> bool:
        """Write the tables anew, without the rows that were removed; False where one is read.

        The server's log, its replicas and backups hold them until they are recycled.
        """
        engine = self._engine(poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as plain:
                plain.exec_driver_sql(f"SET lock_timeout = {_LOCKED_SECONDS}000")
                for table in (*tables.METADATA.tables, *_TABLES):
                    plain.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table}")
        except IndexLocked:
            return False
        return True


_UNSAMPLED = 'ALTER TABLE {} ALTER COLUMN "{}" SET STATISTICS 0'


def address(url: str, index: str) -> tuple[sa.URL, str]:
    """A database, and the schema there: that of `?options=-csearch_path=NAME`, else the index's.

    Raises SettingsError, which does not tell the password, where it is no address.
    """
    try:
        found = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        found = None
    if found is None or found.drivername not in ("postgresql", "postgresql+psycopg"):
        raise SettingsError(
            "Setting archive is not the address of a database: give "
            "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE, or nothing for SQLite."
        )
    found = found.set(drivername="postgresql+psycopg")
    named = _SEARCH_PATH.fullmatch(str(found.query.get("options", "")))
    if named is None:
        return found, index
    return found.difference_update_query(["options"]), named[1]


def _place(url: sa.URL) -> str:
    port = f":{url.port}" if url.port else ""
    return f"{url.host or 'localhost'}{port}/{url.database or url.username or ''}"


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
        "'YYYY-MM-DD HH24:MI:SS') FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
        "AND (classid::bigint << 32 | objid::bigint) = :key"
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


_REFUSED = (
    *("password", "authentication", "pg_hba", "does not exist", "no password", "role "),
    *("translate host name", "resolve", "not known", "invalid"),
)


def told(error: BaseException, url: sa.URL) -> BylineError | None:
    """What is to be told of an error of a database; None: it is another matter."""
    state, said = getattr(error, "sqlstate", None) or "", _reason(error)
    place = _place(url)
    is_operational = type(error).__name__ == "OperationalError" or state[:2] in ("08", "57")
    if not state and not is_operational:
        return None
    if state == "42501":
        return SettingsError(
            f"The role '{url.username}' lacks a right in database {place}: {said}. Grant it CREATE "
            "on the database, or make it the owner of the index's schema."
        )
    if state in ("55P03", "40P01", "40001"):
        return IndexLocked(
            f"The archive {place} is being written to for too long. Try again in a moment."
        )
    if state in ("53100", "25006"):
        remedy = "Free some space" if state == "53100" else "Make it writable"
        return DiskError(
            f"The database {place} refuses what it is given: {said}. {remedy} and run it again: "
            "what was accepted is kept."
        )
    if state in ("28P01", "28000", "3D000") or (
        is_operational and not state and any(sign in said for sign in _REFUSED)
    ):
        return SettingsError(
            f"The database {place} cannot be opened: {said}. Correct BYLINE_ARCHIVE."
        )
    if is_operational or state[:2] == "53":
        return ArchiveUnavailable(
            f"The database {place} does not answer: {said}. Try again in a moment, or see that it "
            "runs."
        )
    return None


def _reason(error: BaseException) -> str:
    """The last of its own words: those before are the addresses that were tried."""
    said = reason_of(error).removeprefix("connection failed: ")
    return said.rpartition("FATAL: ")[2].strip() or said


# What `Dialect` says of each


class _Tsquery(sa.types.UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "tsquery"


def _rows(table: str) -> sa.TableClause:
    columns: Sequence[sa.ColumnClause[Any]] = (
        sa.column("pk", NUMBER),
        sa.column("length", sa.Integer),
        sa.column("words"),
    )
    return sa.table(table, *columns)


def _query(expression: str) -> sa.ColumnElement[str]:
    return sa.cast(sa.literal(expression), _Tsquery)


def _holds(rows: sa.TableClause, expression: str) -> sa.ColumnElement[bool]:
    return rows.c.words.bool_op("@@")(_query(expression))


def match(  # noqa: D103
    connection: sa.Connection, table: str, query: str, matching: Filter | None, limit: int
) -> list[tuple[int, float]]:
    asked, rows = parsed(query), _rows(table)
    if not asked.expression:
        return []
    counts = _counts(connection, rows, asked.phrases)

    def counted(words: Sequence[str]) -> list[int]:
        return [sum(counts[phrase] for phrase in parsed(word).phrases) for word in words]

    some = None if matching else rarest(query, limit, counted)
    each = [(phrase, counts[phrase]) for phrase in asked.phrases]
    found = _ranked(connection, table, each, parsed(some), matching, limit) if some else []
    return (
        found if len(found) == limit else _ranked(connection, table, each, asked, matching, limit)
    )


def _counts(
    connection: sa.Connection, rows: sa.TableClause, phrases: Sequence[str]
) -> dict[str, int]:
    """In how many rows each phrase stands."""
    each = [
        sa.select(sa.func.count()).select_from(rows).where(_holds(rows, phrase)).scalar_subquery()
        for phrase in phrases
    ]
    return dict(zip(phrases, connection.execute(sa.select(*each)).one(), strict=True))


def _ranked(
    connection: sa.Connection,
    table: str,
    counts: Sequence[tuple[str, int]],
    wanted: Parsed,
    matching: Filter | None,
    limit: int,
) -> list[tuple[int, float]]:
    """Rows that match what is wanted, best first by BM25 of all phrases, with FTS5's arithmetic.

    Each phrase is looked up by itself, so that a row is read for those alone that it has. Where all
    weights are 1, ts_rank_cd() of a word or phrase is how often it stands in a row.
    """
    size = f"SELECT rows, tokens FROM full_text WHERE name = '{table}'"
    total, tokens = connection.exec_driver_sql(size).one()
    values: dict[str, Any] = {"mean": tokens / total if tokens else 1.0, "limit": limit}
    values["wanted"] = wanted.expression
    given, among = "", ""
    if matching is not None:
        inside = tables.MATCHING_ARTICLES.where(*conditions(matching))
        if table == "passages_text":
            inside = sa.select(tables.passages.c.pk).where(tables.passages.c.article_pk.in_(inside))
        written = inside.compile(
            dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
        )
        given, values = f"WITH inside AS MATERIALIZED ({written})", values | written.params
        among = "AND pk IN (SELECT pk FROM inside)"
    each = []
    for at, (phrase, count) in enumerate(counts):
        values[f"phrase{at}"] = phrase
        idf = math.log((total - count + 0.5) / (count + 0.5))
        values[f"idf{at}"] = max(idf, _LEAST_IDF)
        is_wanted = wanted.is_any and phrase in wanted.phrases
        also = among if is_wanted else f"{among} AND words @@ %(wanted)s::tsquery"
        each.append(_OF_PHRASE.format(at=at, table=table, also=also))
    statement = (
        f"{given} SELECT pk, sum(score) AS score FROM ({' UNION ALL '.join(each)}) AS scored "
        "GROUP BY pk ORDER BY score DESC, pk LIMIT %(limit)s"
    )
    return [(pk, score) for pk, score in connection.exec_driver_sql(statement, values)]


_OF_PHRASE = (
    "SELECT pk, %(idf{at})s * (times * 2.2) / (times + 1.2 * (.25 + .75 * length / %(mean)s)) "
    "AS score FROM (SELECT pk, length, CAST(ts_rank_cd('{{1,1,1,1}}', words, "
    "%(phrase{at})s::tsquery) AS float8) AS times FROM {table} "
    "WHERE words @@ %(phrase{at})s::tsquery {also} OFFSET 0) AS of{at}"
)


def frequencies(connection: sa.Connection, terms: Sequence[str]) -> dict[str, int]:  # noqa: D103
    rows, hidden = _rows("passages_text"), hidden_passages(connection)
    asked = {term: "".join(parsed(f'"{term}"').phrases) for term in terms}
    phrases = [phrase for phrase in asked.values() if phrase]
    counts = _counts(connection, rows, phrases) if phrases else {}
    if hidden:
        for phrase in counts:
            of_hidden = sa.select(sa.func.count()).select_from(rows)
            of_hidden = of_hidden.where(_holds(rows, phrase), rows.c.pk.in_(listed(hidden)))
            counts[phrase] -= connection.scalar(of_hidden) or 0
    return {term: counts.get(phrase, 0) for term, phrase in asked.items()}


def with_words(table: str, query: str) -> sa.Select[Any]:  # noqa: D103
    rows, asked = _rows(table), parsed(query).expression
    return sa.select(rows.c.pk).where(_holds(rows, asked) if asked else sa.false())


def index(  # noqa: D103
    connection: sa.Connection, table: str, given: Sequence[Mapping[str, Any]]
) -> None:
    if not given:
        return
    made = vectors([(row["title"], row["body"]) for row in given])
    new = [
        {"pk": row["key"], "words": words, "length": length}
        for row, (words, length) in zip(given, made, strict=True)
    ]
    insert = f"INSERT INTO {table} VALUES (:pk, :length, CAST(:words AS tsvector))"
    connection.execute(sa.text(insert), new)
    # Many rows' words enter the index at a time: a quarter of the work.
    connection.exec_driver_sql(f"SELECT gin_clean_pending_list('{table}_words')")
    _resize(connection, table, [length for _, length in made], "+")


def forget(  # noqa: D103
    connection: sa.Connection, table: str, given: Sequence[Mapping[str, Any]]
) -> None:
    rows = _rows(table)
    these = rows.c.pk.in_(listed([row["key"] for row in given]))
    gone = connection.scalars(sa.delete(rows).where(these).returning(rows.c.length))
    _resize(connection, table, list(gone), "-")


def _resize(connection: sa.Connection, table: str, lengths: Sequence[int], sign: str) -> None:
    change = f"rows = rows {sign} :rows, tokens = tokens {sign} :tokens WHERE name = :name"
    values = {"rows": len(lengths), "tokens": sum(lengths), "name": table}
    connection.execute(sa.text(f"UPDATE full_text SET {change}"), values)


def empty(connection: sa.Connection, table: str) -> None:  # noqa: D103
    connection.execute(sa.text(f"DELETE FROM {table}"))
    none = sa.text("UPDATE full_text SET rows = 0, tokens = 0 WHERE name = :name")
    connection.execute(none, {"name": table})


def held(table: str) -> str:  # noqa: D103
    return f"SELECT pk FROM {table}"


def damage(connection: sa.Connection) -> list[str]:
    """PostgreSQL sees to its own files: pg_amcheck looks into them."""
    return []


def flaw(connection: sa.Connection, table: str) -> str | None:  # noqa: D103
    size = f"(SELECT count(*), coalesce(sum(length), 0) FROM {table})"
    noted = sa.text(f"SELECT (rows, tokens) = {size} FROM full_text WHERE name = :name")
    is_so = connection.scalar(noted, {"name": table})
    return None if is_so else "its size is not the one that is noted"


def merge(connection: sa.Connection) -> bool:
    """Nothing: what is removed is vacuumed by PostgreSQL itself, and by `compact`."""
    return True


def snapshot(connection: sa.Connection) -> None:  # noqa: D103
    connection.execution_options(isolation_level="REPEATABLE READ")


def go_on_counting(connection: sa.Connection) -> None:  # noqa: D103
    for table in tables.METADATA.sorted_tables:
        key = table.autoincrement_column
        if key is None:
            continue
        sequence = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
        last = f"greatest(nextval({sequence}), (SELECT max({key.name}) FROM {table.name}))"
        connection.exec_driver_sql(f"SELECT setval({sequence}, {last})")


def hold_still(connection: sa.Connection, table: sa.Table) -> None:  # noqa: D103
    connection.execute(sa.text(f"LOCK TABLE {table.name} IN SHARE MODE"))
