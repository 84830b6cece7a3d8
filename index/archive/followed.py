"""The feeds that are followed, in the archive's database: when they were read, and what of them.

archive.followed.add("https://herald.example/feed", title="Herald", outlet=None, every_seconds=900)
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ...errors import IndexLocked
from ..article import isoformat
from .sql import ignoring, replacing
from .tables import feed_items, feeds

MOST_TRIES = 5  # of an item; with so many failures it is given up
_KEPT_SECONDS = 365 * 86_400.0
_KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class FollowedFeed:
    """A feed of the list."""

    pk: int
    url: str
    title: str | None
    outlet: str | None
    "given by hand; goes before what pages say"
    etag: str | None
    last_modified: str | None
    interval_seconds: int
    checked_at: float | None
    next_at: float
    failures: int
    "in a row"
    error: str | None
    added: int = 0
    "items of it that are in the index"
    waiting: int = 0
    "items that failed and are tried again"
    given_up: int = 0

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.outlet or self.title or self.url

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        shown = ("url", "title", "outlet", "interval_seconds", "failures", "error")
        moments = {"checked": self.checked_at, "next": self.next_at}
        return {
            **{name: getattr(self, name) for name in shown},
            **{k: v and isoformat(datetime.fromtimestamp(v, UTC)) for k, v in moments.items()},
            "items": {"added": self.added, "waiting": self.waiting, "given_up": self.given_up},
        }


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an item so far."""

    seen_at: float
    failures: int
    error: str | None
    "None: its article is in the index"


class Followed:
    """The list of feeds; safe to use from several threads and processes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, url: str, *, title: str | None, outlet: str | None, every_seconds: int) -> None:
        """Follow a feed, or change how it is followed; it is read at the next run."""
        values = {"outlet": outlet, "interval_seconds": every_seconds, "next_at": time.time()}
        with self._writing() as connection:
            row = {"url": url, "title": title, "failures": 0, **values}
            connection.execute(ignoring(connection, feeds), row)
            # without an etag all that is listed is looked at again
            connection.execute(feeds.update().where(feeds.c.url == url).values(etag=None, **values))

    def remove(self, url: str) -> bool:
        """Follow a feed no more; whether it was followed. Its articles stay."""
        with self._writing() as connection:
            return connection.execute(feeds.delete().where(feeds.c.url == url)).rowcount > 0

    def list(self) -> list[FollowedFeed]:
        """All feeds in the order in which they were added."""

        def count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
            return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

        failed = feed_items.c.error.is_not(None)
        query = (
            sa.select(
                feeds,
                count(feed_items.c.feed_pk.is_not(None) & ~failed).label("added"),
                count(failed & (feed_items.c.failures < MOST_TRIES)).label("waiting"),
                count(failed & (feed_items.c.failures >= MOST_TRIES)).label("given_up"),
            )
            .join_from(feeds, feed_items, isouter=True)
            .group_by(feeds.c.pk)
            .order_by(feeds.c.pk)
        )
        with self._engine.connect() as connection:
            return [FollowedFeed(**row._mapping) for row in connection.execute(query)]

    def update(self, pk: int, **values: Any) -> None:
        """Note what a look at a feed found."""
        with self._writing() as connection:
            connection.execute(feeds.update().where(feeds.c.pk == pk).values(**values))

    def tried(self, pk: int, keys: Sequence[bytes]) -> dict[bytes, Tried]:
        """What became of these items in this feed; of the others, those that another feed gave."""
        columns, found = feed_items.c, dict[bytes, Tried]()
        with self._engine.connect() as connection:
            for at in range(0, len(keys), _KEYS_AT_ONCE):
                rows = connection.execute(
                    sa.select(feed_items)
                    .where(columns.key.in_(keys[at : at + _KEYS_AT_ONCE]))
                    .where((columns.feed_pk == pk) | columns.error.is_(None))
                    .order_by(columns.feed_pk == pk)  # its own last, so that it counts
                )
                found |= {row.key: Tried(row.seen_at, row.failures, row.error) for row in rows}
        return found

    def note(self, pk: int, tried: Mapping[bytes, Tried]) -> None:
        """Note what became of items."""
        rows = [{"feed_pk": pk, "key": key, **asdict(one)} for key, one in tried.items()]
        if rows:
            with self._writing() as connection:
                connection.execute(replacing(connection, feed_items, rows[0]), rows)

    def forget_old(self, pk: int) -> None:
        """Forget items seen a year ago; one that is still listed is then fetched once more."""
        old = time.time() - _KEPT_SECONDS
        with self._writing() as connection:
            connection.execute(
                feed_items.delete().where(feed_items.c.feed_pk == pk, feed_items.c.seen_at < old)
            )

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except IndexLocked:
            raise IndexLocked("Articles are being added: try again when that is done.") from None
