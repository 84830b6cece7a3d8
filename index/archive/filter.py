"""Which articles count: a filter, and the same as SQL.

>>> Filter(outlets=("The Ledger",)).is_open
False
"""

import time
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from ..article import day_end, day_start
from . import tables
from .sql import unindexed

KILLED_HERE = "killed by hand"  # which no source undoes
_WITHHELD = (KILLED_HERE, "withheld", "killed", "kill", "canceled", "cancelled", "spiked", "draft")
_STATUS = tables.articles.c.status
_BY_STATUS = (
    _STATUS.is_(None) | _STATUS.not_in(_WITHHELD),
    # Under embargo until who knows when.
    _STATUS.is_distinct_from("embargoed") | tables.articles.c.embargo_at.is_not(None),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles count. `since` and `until` are inclusive, a bare date is the day in UTC.

    An undated article fails any date filter. With `as_of`, what was published, updated or (where
    undated) added after it does not count.
    """

    since: datetime | date | None = None
    until: datetime | date | None = None
    outlets: tuple[str, ...] = ()
    as_of: datetime | date | None = None
    retracted: bool = False
    "whether articles that were retracted count: in lists, and as evidence only when asked for"
    sections: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether nothing but visibility is asked for."""
        return self == Filter()


def conditions(matching: Filter, *, by_index: bool = True) -> list[sa.ColumnElement[bool]]:
    """A filter as SQL; what may not be shown now is left out whatever the date of asking.

    `by_index` false: for a few rows, where SQLite would else read all of a large outlet.
    """
    columns, now = tables.articles.c, time.time()
    asked = tables.seconds(day_end(matching.as_of)) if matching.as_of else now
    found: list[sa.ColumnElement[bool]] = [
        columns.embargo_at.is_(None) | (columns.embargo_at <= min(asked, now)),
        columns.expires_at.is_(None) | (columns.expires_at > now),
        *_BY_STATUS,
    ]
    if not matching.retracted:  # whatever the date of asking: what is wrong was wrong then too
        found.append(columns.retracted_at.is_(None))
    if matching.since:
        found.append(columns.published_at >= tables.seconds(day_start(matching.since)))
    if matching.until:
        found.append(columns.published_at <= tables.seconds(day_end(matching.until)))
    if matching.outlets:
        outlet = columns.outlet if by_index else unindexed(columns.outlet)
        found.append(outlet.in_(matching.outlets))
    if matching.sections:
        found.append(columns.section.in_(matching.sections))
    if matching.as_of:
        found.append(sa.func.coalesce(columns.published_at, columns.added_at) <= asked)
        found.append(sa.func.coalesce(columns.updated_at, 0) <= asked)
    return found
