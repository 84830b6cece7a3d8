"""Words for PostgreSQL's full-text index, made by SQLite's FTS5: both find and rank the same.

[(vector, length)] = vectors([("Ferry fire", "Nobody was hurt.")])   # a tsvector, and its words
parsed('"ferry" OR "port ansel"').expression                         # a tsquery
"""

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

TOKENIZER = "porter unicode61 remove_diacritics 2"
# PostgreSQL's own bounds: the last place, bytes of a word, and (with room) of a vector, of 1 MiB.
_LAST, _LONGEST_WORD, _LARGEST = 16_383, 2_046, 1_000_000
_BODY = 1_000  # its first place, so that no phrase runs from a headline into it
_PART = re.compile(r'"([^"]*)"|(title\s*:|\(|\)|OR\b|AND\b|NOT\b)|([^\s()":]+)')
_SIGNS = {"OR": "|", "AND": "&", "NOT": "& !"}
_MADE = f"""
CREATE VIRTUAL TABLE text USING fts5(title, body, content='', tokenize='{TOKENIZER}');
CREATE VIRTUAL TABLE word USING fts5vocab(text, 'instance');
"""
_VECTORS = f"""
SELECT doc, coalesce(group_concat('''' || term || ''':' || places, ' ') FILTER (
  WHERE length(CAST(term AS BLOB)) <= {_LONGEST_WORD}), ''), sum(times) FROM (
  SELECT doc, term, count(*) AS times, group_concat(
    CASE col WHEN 'title' THEN min(offset + 1, {_BODY - 2}) || 'A'
    ELSE min(offset + {_BODY}, {_LAST}) END) AS places
  FROM word GROUP BY doc, term
) GROUP BY doc
"""
_local = threading.local()


def _read(rows: Sequence[tuple[str, str]], query: str) -> Iterator[tuple[Any, ...]]:
    """What a query finds in a full-text table of these rows, counted from 0."""
    if not hasattr(_local, "database"):
        _local.database = sqlite3.connect(":memory:", isolation_level=None)
        _local.database.executescript(_MADE)
    database: sqlite3.Connection = _local.database
    database.execute("INSERT INTO text (text) VALUES ('delete-all')")
    database.executemany(
        "INSERT INTO text (rowid, title, body) VALUES (?, ?, ?)",
        ((at, *row) for at, row in enumerate(rows)),
    )
    yield from database.execute(query)


def vectors(rows: Sequence[tuple[str, str]]) -> list[tuple[str, int]]:
    """The tsvector of each headline and body, and how many words it has.

    Places above 16,383 count as that one, and what is over a megabyte is left out: a text so long
    is found by its passages.
    """
    found = {row: (vector, length) for row, vector, length in _read(rows, _VECTORS)}
    return [_bounded(*found.get(at, ("", 0))) for at in range(len(rows))]


def _bounded(vector: str, length: int) -> tuple[str, int]:
    if len(held := vector.encode()) > _LARGEST:
        vector = held[:_LARGEST].rpartition(b" ")[0].decode()
    return vector, length


@dataclass(frozen=True, slots=True)
class Parsed:
    """An FTS5 expression as PostgreSQL takes it."""

    expression: str
    "a tsquery; empty where it can match nothing"
    phrases: tuple[str, ...]
    "the tsquery of each phrase"

    @property
    def is_any(self) -> bool:
        """Whether one of the phrases is enough."""
        return self.expression == " | ".join(f"({phrase})" for phrase in self.phrases)


@lru_cache(maxsize=2_000)
def parsed(query: str) -> Parsed:
    """An FTS5 expression: words, phrases in quotes, OR, AND, NOT, brackets, `title : (...)`."""
    parts, phrases, weight = list[str](), list[str](), ""
    for quoted, sign, bare in _PART.findall(query):
        if sign.startswith("title"):
            weight = ":A"
            continue
        if sign:
            parts.append(_SIGNS.get(sign, sign))
            continue
        found = list(_read([("", quoted or bare)], "SELECT term FROM word ORDER BY offset"))
        if not found:
            parts.append("")
            continue
        if parts and parts[-1] not in (*_SIGNS.values(), "("):
            parts.append("&")
        phrases.append(" <-> ".join(f"'{word}'{weight}" for (word,) in found))
        parts.append(f"({phrases[-1]})")
    return Parsed(_without_gaps(parts), tuple(phrases))


def _without_gaps(parts: list[str]) -> str:
    """The expression, phrases without a word left out with the sign beside them."""
    kept: list[str] = []
    for part in parts:
        if part in ("", ")") and kept and kept[-1] in _SIGNS.values():
            kept.pop()
        if part == ")" and kept[-1:] == ["("]:
            kept.pop()
        elif part and not (part in _SIGNS.values() and (not kept or kept[-1] == "(")):
            kept.append(part)
    return " ".join(kept)
