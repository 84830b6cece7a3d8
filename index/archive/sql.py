"""Expressions and statements that SQLite and PostgreSQL write differently.

tables.articles.c.pk.in_(listed([1, 2, 3]))   # one value to bind, however many there are
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import sqlalchemy.dialects
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

# As SQLite compares and sorts text: by its bytes.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
# SQLite gives out row numbers itself where a key is called an INTEGER, of 64 bits.
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # NUL, and half of a pair of UTF-16


class _Each(FunctionElement[Any]):
    inherit_cache = True


class _Number(FunctionElement[int]):
    inherit_cache, type = True, NUMBER


class _List(FunctionElement[str]):
    inherit_cache, type = True, sa.Text()


class unindexed(FunctionElement[Any]):
    """A column by whose index SQLite must not look for rows."""

    inherit_cache = True


_WRITTEN = {
    "sqlite": {
        _Each: "json_each({})",
        _Number: "{}",
        _List: "json_group_array({})",
        unindexed: "+{}",
    },
    "postgresql": {
        _Each: "json_array_elements_text(CAST({} AS json))",
        _Number: "CAST({} AS bigint)",
        _List: "CAST(json_agg({}) AS text)",
        unindexed: "{}",
    },
}


def _write(element: FunctionElement[Any], compiler: Any, **kw: Any) -> str:
    form = _WRITTEN[compiler.dialect.name][type(element)]
    return form.format(", ".join(compiler.process(one, **kw) for one in element.clauses))


for _kind in _WRITTEN["sqlite"]:
    compiles(_kind)(_write)


def listed(numbers: Sequence[int]) -> sa.Select[Any]:
    """Numbers as a table: SQLite takes 32,766 values at most, and thousands slowly."""
    return sa.select(_Number(_Each(json.dumps(numbers)).table_valued("value").c.value))


def listed_ids(ids: Sequence[str]) -> sa.Select[Any]:
    """Ids as a table, without those that no article can have: PostgreSQL would refuse them all."""
    possible = [one for one in ids if not _NO_TEXT.search(one)]
    return sa.select(_Each(json.dumps(possible)).table_valued("value").c.value)


def as_list(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """All values of a column in one JSON text; null where there are none."""
    return _List(column)


def ignoring(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    """An insert that leaves rows as they are which are there."""
    inserted: Any = _insert(connection, table)
    found: sa.Insert = inserted.on_conflict_do_nothing()
    return found


def replacing(connection: sa.Connection, table: sa.Table, given: Mapping[str, Any]) -> sa.Insert:
    """An insert of rows with such columns, in place of those that are there."""
    inserted: Any = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    new = {name: inserted.excluded[name] for name in given if name not in keys}
    found: sa.Insert = inserted.on_conflict_do_update(index_elements=keys, set_=new)
    return found


def _insert(connection: sa.Connection, table: sa.Table) -> Any:
    return getattr(sqlalchemy.dialects, connection.dialect.name).insert(table)
