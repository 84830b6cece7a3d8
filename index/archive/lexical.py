"""Ranks SQLite's full-text tables (FTS5) by BM25, and counts words in them.

    match(connection, "passages_text", '"ferry" OR "fire"', None, 100)   # [(number, score)]

Each function reads with the connection that it is given (`Archive`).
"""

import json
import re
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from . import tables
from .filter import Filter, conditions

# FTS5 takes a microsecond to rank a passage and a tenth of that to find it, so of a question's
# words the rarest choose up to so many, and all words rank those (decision 0016).
_RANKED = 15_000
_WORDS = re.compile(r'"[^"]*"(?: OR "[^"]*")+')
_FEW = 100  # hidden passages


def match(
    connection: sa.Connection, table: str, query: str, matching: Filter | None, limit: int
) -> list[tuple[int, float]]:
    """Rows of a full-text table that match, best first: number and score, higher is better."""
    if not query:
        return []
    # bm25() sorts the same and takes two thirds of the time of FTS5's own `rank`.
    score = sa.literal_column(f"bm25({table})", sa.Float).label("score")
    statement = (
        sa.select(sa.column("rowid", sa.Integer), score)
        .select_from(sa.table(table))
        .where(sa.text(f"{table} MATCH :query"))
        .order_by(score)
        .limit(limit)
    )
    # The plus keeps SQLite from driving by the filter, which took a hundred times longer.
    rowid: sa.ColumnElement[int] = sa.literal_column("+rowid", sa.Integer)
    if matching is not None:
        inside = tables.MATCHING_ARTICLES.where(*conditions(matching))
        if table == "passages_text":
            inside = sa.select(tables.passages.c.pk).where(tables.passages.c.article_pk.in_(inside))
        statement = statement.where(rowid.in_(inside))

    def counted(words: Sequence[str]) -> Sequence[int]:
        some = f"SELECT 1 FROM {table} WHERE {table} MATCH each.value LIMIT {_RANKED}"
        count = f"SELECT (SELECT count(*) FROM ({some})) FROM json_each(:words) AS each"
        statement = sa.text(f"{count} ORDER BY each.key")
        return connection.scalars(statement, {"words": json.dumps(words)}).all()

    some = None if matching else rarest(query, limit, counted)
    if some:
        among = f"SELECT rowid FROM {table} WHERE {table} MATCH :rarest"
        chosen = statement.where(sa.text(f"+rowid IN ({among})"))
        found = connection.execute(chosen, {"query": query, "rarest": some}).all()
        if len(found) == limit:
            return [(pk, -rank) for pk, rank in found]
    return [(pk, -rank) for pk, rank in connection.execute(statement, {"query": query})]


def frequencies(connection: sa.Connection, terms: Sequence[str]) -> dict[str, int]:
    """In how many passages that may be shown each word occurs, in any form."""
    count = "SELECT count(*) FROM passages_text WHERE passages_text MATCH each.value"
    given = {"terms": json.dumps([f'"{term}"' for term in terms])}
    if hidden := hidden_passages(connection):
        # Few are driven by, of many each match is looked up in them: at 20,000 passages 7
        # and 60 ms, and with many driven by 10 seconds.
        plus = "+" if len(hidden) > _FEW else ""
        among = f"AND {plus}rowid IN (SELECT value FROM json_each(:hidden))"
        count, given = f"({count}) - ({count} {among})", given | {"hidden": json.dumps(hidden)}
    statement = sa.text(f"SELECT ({count}) FROM json_each(:terms) AS each ORDER BY each.key")
    return dict(zip(terms, connection.scalars(statement, given), strict=True))


def hidden_passages(connection: sa.Connection) -> list[int]:
    """Numbers of the published passages that may not be shown now."""
    hidden = tables.MATCHING_ARTICLES.where(sa.not_(sa.and_(*conditions(Filter()))))
    query = sa.select(tables.passages.c.pk).where(tables.passages.c.article_pk.in_(hidden))
    return list(connection.scalars(query))


def rarest(query: str, limit: int, counted: Callable[[Sequence[str]], Sequence[int]]) -> str | None:
    """The rarest words of a query that is words alone, as a query; None where all should choose."""
    if limit * 10 > _RANKED or not _WORDS.fullmatch(query):
        return None
    words = query.split(" OR ")
    some: list[str] = []
    total = 0
    for number, word in sorted(zip(counted(words), words, strict=True)):
        if total >= 3 * limit and total + number > _RANKED:
            return " OR ".join(some)
        some.append(word)
        total += min(number, _RANKED)
    return None
