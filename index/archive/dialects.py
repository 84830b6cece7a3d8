"""What the two databases do each in their own way: full-text search, checks, compaction.

of(connection).match(connection, "passages_text", '"ferry" OR "fire"', None, 100)
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from . import sqlite, tsvectors
from .filter import Filter

Rows = Sequence[Mapping[str, Any]]
"of a full-text table: key, title, body"


class Dialect(Protocol):
    """One database. A full-text table is passages_text or articles_text."""

    def match(
        self,
        connection: sa.Connection,
        table: str,
        query: str,
        matching: Filter | None,
        limit: int,
    ) -> list[tuple[int, float]]:
        """Rows that match, best first by BM25: number and score, higher is better."""

    def frequencies(self, connection: sa.Connection, terms: Sequence[str]) -> dict[str, int]:
        """In how many passages that may be shown each word occurs, in any form."""

    def with_words(self, table: str, query: str) -> sa.Select[Any]:
        """The numbers of the rows that match, as a table."""

    def index(self, connection: sa.Connection, table: str, rows: Rows) -> None:
        """Put texts into a full-text table."""

    def forget(self, connection: sa.Connection, table: str, rows: Rows) -> None:
        """Take texts out of a full-text table, as they were put in."""

    def empty(self, connection: sa.Connection, table: str) -> None:
        """Take all texts out of a full-text table, in whatever state it is."""

    def held(self, table: str) -> str:
        """A query for the numbers of all rows of a full-text table."""

    def damage(self, connection: sa.Connection) -> list[str]:
        """What is wrong with the database itself."""

    def flaw(self, connection: sa.Connection, table: str) -> str | None:
        """What is wrong with a full-text table whose rows are all there."""

    def merge(self, connection: sa.Connection) -> bool:
        """Drop from the full-text tables what was removed; False: they have to be made anew."""

    def snapshot(self, connection: sa.Connection) -> None:
        """Let all that the connection reads from now on be of one moment."""

    def go_on_counting(self, connection: sa.Connection) -> None:
        """Let new rows have numbers above all that are there."""

    def hold_still(self, connection: sa.Connection, table: sa.Table) -> None:
        """Let nobody write to a table until the transaction ends."""


def of(connection: sa.Connection) -> Dialect:
    """The database of a connection."""
    return tsvectors if connection.dialect.name == "postgresql" else sqlite
