"""Words for PostgreSQL's full-text index, made by SQLite's FTS5: both find and rank the same.

[(vector, length)] = vectors([("Ferry fire", "Nobody was hurt.")])   # a tsvector, and its words
parsed('"ferry" OR "port ansel"').expression                         # a tsquery
"""

import re
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

TOKENIZER = "porter unicode61 remove_diacritics 2"
# PostgreSQL's own bounds: the last position, bytes of a word, bytes of a vector (1 MiB) with room.
_LAST, _LONGEST_WORD, _LARGEST = 16_383, 2_046, 1_000_000
_GAP = 2  # between headline and body, so that no phrase runs from one into the other
_PART = re.compile(r'"([^"]*)"|(title\s*:|\(|\)|OR\b|AND\b|NOT\b)|([^\s()":]+)')
_SIGNS = {"OR": "|", "AND": "&", "NOT": "& !"}
_local = threading.local()


def _tokens(rows: Sequence[tuple[str, str]]) -> Iterator[tuple[int, str, str, int]]:
    """Row, word, column and place of each word."""
    if not hasattr(_local, "database"):
        _local.database = sqlite3.connect(":memory:", isolation_level=None)
        _local.database.executescript(
            "CREATE VIRTUAL TABLE text USING fts5(title, body, content='', "
            f"tokenize='{TOKENIZER}'); CREATE VIRTUAL TABLE word USING fts5vocab(text, 'instance')"
        )
    database: sqlite3.Connection = _local.database
    database.execute("INSERT INTO text (text) VALUES ('delete-all')")
    database.executemany(
        "INSERT INTO text (rowid, title, body) VALUES (?, ?, ?)",
        ((at, *row) for at, row in enumerate(rows)),
    )
    yield from database.execute("SELECT doc, term, col, offset FROM word")


def vectors(rows: Sequence[tuple[str, str]]) -> list[tuple[str, int]]:
    """The tsvector of each headline and body, and how many words it has.

    Places above 16,383 count as that one, and what is over a megabyte is left out: a text so long
    is found by its passages.
    """
    words: list[dict[str, list[tuple[str, int]]]] = [defaultdict(list) for _ in rows]
    for at, word, column, place in _tokens(rows):
        words[at][word].append((column, place))
    return [(_vector(of_row), sum(map(len, of_row.values()))) for of_row in words]


def _vector(words: dict[str, list[tuple[str, int]]]) -> str:
    title = sum(column == "title" for places in words.values() for column, _ in places)
    written, size = list[str](), 0
    for word, places in words.items():
        size += len(word.encode()) + 4 + 2 * len(places)
        if len(word.encode()) > _LONGEST_WORD or size > _LARGEST:
            continue
        marks = (
            f"{place + 1}A" if column == "title" else str(min(title + _GAP + place, _LAST))
            for column, place in places
        )
        written.append(f"'{word}':{','.join(marks)}")
    return " ".join(written)


@dataclass(frozen=True, slots=True)
class Parsed:
    """An FTS5 expression as PostgreSQL takes it."""

    expression: str
    "a tsquery; empty where it can match nothing"
    phrases: tuple[str, ...]
    "the tsquery of each phrase"


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
        found = sorted((place, word) for _, word, _, place in _tokens([("", quoted or bare)]))
        if not found:
            parts.append("")
            continue
        if parts and parts[-1] not in (*_SIGNS.values(), "("):
            parts.append("&")
        phrases.append(" <-> ".join(f"'{word}'{weight}" for _, word in found))
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
