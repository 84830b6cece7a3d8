"""What people ruled of articles, killed or retracted by hand, kept while an article is not there.

    rulings.keep(connection, rulings.in_force(connection, tables.articles.c.pk == 17))
    rulings.taken(connection, ["ledger-17"])   # the columns of its row when it is added again

Each function runs inside the transaction of the connection that it is given.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from . import tables
from .filter import KILLED_HERE
from .sql import replacing
from .tombstones import own_keys

Ruling = Mapping[str, Any]
"A row of the table: id, whether it was killed, and what a person said of it (`articles.notice`)."


def in_force(connection: sa.Connection, *those: sa.ColumnElement[bool]) -> list[Ruling]:
    """What was ruled of those of the articles that are there."""
    given = tables.articles.c
    is_ruled = (given.status == KILLED_HERE) | given.notice.contains('"hand"')
    query = sa.select(given.id, given.status, given.notice).where(is_ruled, *those)
    return [
        {
            "id": row.id,
            "killed": row.status == KILLED_HERE,
            "hand": json.loads(row.notice or "{}").get("hand"),
        }
        for row in connection.execute(query)
    ]


def waiting(connection: sa.Connection) -> list[Ruling]:
    """What was ruled of articles that were removed since."""
    return [dict(row._mapping) for row in connection.execute(sa.select(tables.rulings))]


def keep(connection: sa.Connection, rulings: Iterable[Ruling]) -> None:
    """Keep these for when their articles are added again."""
    if rows := list(rulings):
        connection.execute(replacing(connection, tables.rulings, rows[0]), rows)


def taken(connection: sa.Connection, ids: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """Status and notice of each of these articles, whose row holds them from now on."""
    found: dict[str, dict[str, str | None]] = {
        name: {"status": None, "notice": None} for name in ids
    }
    for one in waiting(connection):
        if one["id"] in found:
            found[one["id"]] = {
                "status": KILLED_HERE if one["killed"] else None,
                "notice": json.dumps({"hand": one["hand"]}) if one["hand"] else None,
            }
            connection.execute(tables.rulings.delete().where(tables.rulings.c.id == one["id"]))
    return found


def lift_kills(connection: sa.Connection, ids: Sequence[str]) -> None:
    """Let these be shown when they are added again."""
    lifted = tables.rulings.update().where(tables.rulings.c.id.in_(ids))
    connection.execute(lifted.values(killed=False))


def forget(connection: sa.Connection, stones: Mapping[bytes, float]) -> None:
    """Drop what was ruled of articles that are erased: an id may be words of theirs."""
    for one in waiting(connection):
        if not stones.keys().isdisjoint(own_keys(one["id"], None)):
            connection.execute(tables.rulings.delete().where(tables.rulings.c.id == one["id"]))
