"""Full-text search in PostgreSQL: tsvectors with a GIN index, and what else `Dialect` says.

The words are those of SQLite's FTS5 (tokens.py), and so is the ranking: BM25 with its constants,
reckoned from the tsvectors of the rows that the index finds.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from . import tables
from .filter import Filter, conditions
from .lexical import hidden_passages, rarest
from .sql import NUMBER, listed
from .tokens import Parsed, parsed, vectors

_LEAST_IDF = 1e-6  # as FTS5's bm25(), with k1 1.2 and b .75
TABLES = ("passages_text", "articles_text")
# Lexemes of a passage are read where they stand, not fetched from a table beside. PostgreSQL keeps
# samples of columns in its statistics: of these none, so that what is erased is not among them.
DDL = [
    statement
    for table in TABLES
    for statement in (
        f"CREATE TABLE {table} (pk bigint PRIMARY KEY, length integer NOT NULL, "
        "words tsvector NOT NULL) WITH (toast_tuple_target = 8160)",
        f"CREATE INDEX {table}_words ON {table} USING gin (words)",
    )
]
DDL += [
    "CREATE TABLE full_text (name text PRIMARY KEY, rows bigint NOT NULL, tokens bigint NOT NULL)",
    f"INSERT INTO full_text SELECT unnest(ARRAY{list(TABLES)}), 0, 0",
]


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
