"""How often each has asked, counted together by all processes over one PostgreSQL.

counts = Counts(archive.engine)
counts.take("1f0c", most=600, seconds=60)     # Count(granted=True, left=599, wait_seconds=...)

By a sliding window's two counters, as the `limits` package does in memory, by the server's clock.
The table is unlogged: a crash of the server forgets it.
"""

import math
import random
from dataclasses import dataclass

import sqlalchemy as sa

_SWEEP_EVERY = 1000  # takes, about
_TABLE = """
CREATE UNLOGGED TABLE request_counts (
    whose text PRIMARY KEY, slot bigint NOT NULL, earlier integer NOT NULL,
    now integer NOT NULL, granted boolean NOT NULL, until double precision NOT NULL)
"""
# What is left of the window before counts in part, and a request that is refused does not. One that
# read the clock before the window turned, and comes behind one that is of the new, is of that (-1).
_TAKE = """
WITH clock AS MATERIALIZED (SELECT extract(epoch FROM clock_timestamp())::double precision AS t),
given AS (
    SELECT t, floor(t / :seconds)::bigint AS slot, 1 - t / :seconds + floor(t / :seconds) AS share
    FROM clock)
INSERT INTO request_counts AS held (whose, slot, earlier, now, granted, until)
SELECT :whose, slot, 0, 1, true, t + 2 * :seconds FROM given
ON CONFLICT (whose) DO UPDATE SET
    slot = CASE excluded.slot - held.slot WHEN -1 THEN held.slot ELSE excluded.slot END,
    until = excluded.until,
    (earlier, now, granted) = (
        SELECT e, n + CASE WHEN fits THEN 1 ELSE 0 END, fits FROM (
            SELECT e, n, floor(e * part + n) < :most AS fits FROM (SELECT
                CASE WHEN moved IN (0, -1) THEN held.earlier WHEN moved = 1 THEN held.now
                    ELSE 0 END AS e,
                CASE WHEN moved IN (0, -1) THEN held.now ELSE 0 END AS n,
                CASE moved WHEN -1 THEN 1 ELSE share END AS part
                FROM given, (SELECT excluded.slot - held.slot AS moved) AS by
            ) AS weighed
        ) AS counted)
RETURNING granted, earlier, now,
    (SELECT CASE WHEN given.slot < held.slot THEN 1 ELSE share END FROM given) AS share
"""


@dataclass(frozen=True, slots=True)
class Count:
    """What became of a request that was counted."""

    granted: bool
    left: int
    "requests that are granted now"
    wait_seconds: float
    "until more are"


class Counts:
    """The counts of an index; safe to use from several threads and processes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.begin() as connection:  # two that make it at once trip over each other
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('request_counts'))"))
            if connection.scalar(sa.text("SELECT to_regclass('request_counts')")) is None:
                connection.execute(sa.text(_TABLE))

    def take(self, whose: str, *, most: int, seconds: int) -> Count:
        """Count a request of one who may send so many in so many seconds; one round trip."""
        with self._engine.connect() as connection:
            given = {"whose": f"{whose} {most}/{seconds}", "most": most, "seconds": seconds}
            row = connection.execute(sa.text(_TAKE), given).one()
            if random.random() < 1 / _SWEEP_EVERY:
                old = "until < extract(epoch FROM clock_timestamp())"
                connection.execute(sa.text(f"DELETE FROM request_counts WHERE {old}"))
        left = max(0, most - math.floor(row.earlier * row.share + row.now))
        rest = row.share * seconds
        wait = rest % (seconds / row.earlier) if row.earlier else rest
        return Count(row.granted, left, wait)
