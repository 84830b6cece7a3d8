"""Follows feeds: reads their listings, fetches what is new or changed, and adds it to the index.

desk.follow.add("https://herald.example/feed", outlet="Castrine Herald", every_seconds=900)
for visit in desk.follow.run():
    print(visit.name, visit.report.added)
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout

from ...errors import FetchError, FetchLater, IndexLocked, InputError
from ..archive import Archive, tables
from ..archive.filter import KILLED_HERE
from ..archive.followed import MOST_TRIES, FollowedFeed, Tried
from ..archive.writes import is_version
from ..article import Article
from ..build import Report
from ..disk import refused
from ..read import Entry, Failure
from .client import PAGE, Reply, checked, gunzip
from .feed import FEED, Feed, Item, read_feed
from .page import item_article, place
from .web import Web

_LISTING_BYTES = 10_000_000
_MOST_PARTS = 20  # sitemaps of an index that are read, the newest first
_AT_ONCE = 4  # feeds
_ITEMS_AT_ONCE = 16  # that are fetched before they are added
_MOST_TROUBLE = 3  # pages of a feed that fail in a row before the rest is left for another time
_RETRY_SECONDS = 300.0  # after the first failure of an item; then twice as long each time
_EARLY_SECONDS = 5.0  # a feed that is due once a minute is not passed over by who looks so often
_LONGEST_BACKOFF = 86_400.0
SHORTEST_INTERVAL, LONGEST_INTERVAL = 60, 30 * 86_400  # seconds

Page = Reply | FetchError | None  # None: there is none to fetch
Fetched = tuple[Item, Page]


@dataclass(slots=True)
class Visit:
    """What one look at a feed found."""

    feed: FollowedFeed
    title: str | None
    kind: str | None = None
    "None: nothing has changed since the last look, or it could not be read"
    listed: int = 0
    report: Report = field(default_factory=Report)
    left: int = 0
    "items that wait for another run"
    error: str | None = None

    @property
    def name(self) -> str:
        """What a person calls the feed."""
        return self.feed.outlet or self.title or self.feed.url

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        shown = {n: getattr(self, n) for n in ("title", "kind", "listed", "left", "error")}
        counts = {n: getattr(self.report, n) for n in ("added", "updated", "unchanged")}
        failed = [asdict(failure) for failure in self.report.failed]
        return {"url": self.feed.url, **shown, **counts, "failed": failed}


@dataclass(slots=True)
class _Look:
    """A visit under way."""

    visit: Visit
    refresh: bool
    began: float
    items: deque[Item] = field(default_factory=deque)
    tried: dict[bytes, Tried] = field(default_factory=dict)
    validators: dict[str, str | None] = field(default_factory=dict)
    wait_seconds: float = 0.0


class Follow:
    """The feeds of an index: add, list, run, remove.

    One process runs them at a time. Articles go through `add`, the same way as all others.
    """

    def __init__(
        self,
        archive: Archive,
        web: Web,
        add: Callable[[Iterable[Entry | Failure]], Report],
        remove: Callable[[Sequence[str]], int],
        *,
        lock_file: Path,
        max_article_bytes: int,
    ) -> None:
        self._archive = archive
        self._followed = archive.followed
        self._web = web
        self._add = add
        self._remove = remove
        self._lock_file = lock_file
        self._max_bytes = max_article_bytes

    def add(self, url: str, *, outlet: str | None = None, every_seconds: int = 900) -> Feed:
        """Follow a feed from now on; what it lists now. Raises FetchError where it is no feed.

        `outlet` goes before the name that pages give. A feed that is followed already gets these.
        """
        if not SHORTEST_INTERVAL <= every_seconds <= LONGEST_INTERVAL:
            raise InputError(f"A feed is read every minute at most, not every {every_seconds} s.")
        url = str(checked(url))
        feed = _listing(self._get(url))
        self._followed.add(url, title=feed.title, outlet=outlet, every_seconds=every_seconds)
        return feed

    def list(self) -> Sequence[FollowedFeed]:
        """The feeds that are followed, in the order in which they were added."""
        return self._followed.list()

    def remove(self, url: str) -> None:
        """Follow a feed no more; its articles stay. Raises InputError where it is not followed."""
        if not self._followed.remove(url) and not self._followed.remove(str(checked(url))):
            raise InputError(f"{url} is not followed: `byline follow list` shows what is.")

    def run(
        self,
        *,
        only_due: bool = False,
        refresh: bool = False,
        progress: Callable[[Visit], None] = lambda visit: None,
    ) -> Sequence[Visit]:
        """Look at every feed once and add what is new; what failed is in the visits.

        `only_due`: only those whose interval has passed; a feed that failed is left alone until
        its backoff has. `refresh`: fetch every listed item again, as pages change where feeds do
        not say so. `progress` is called when articles of a visit have been added, and at its
        end. An interrupt keeps what was added. Raises IndexLocked where another process follows.
        """
        now = time.time()
        looks = [
            _Look(Visit(feed, feed.title), refresh, now)
            for feed in self._followed.list()
            if feed.next_at <= now + _EARLY_SECONDS or not (only_due or feed.failures)
        ]
        with self._alone(), ThreadPoolExecutor(_AT_ONCE, "byline-follow") as pool:
            try:
                waiting = {pool.submit(self._look, look): look for look in looks}
                while waiting:
                    for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                        look = waiting.pop(done)
                        self._keep(look, done.result())
                        if look.items:
                            waiting[pool.submit(self._fetch, look)] = look
                        else:
                            self._finish(look)
                        progress(look.visit)
            except BaseException:
                self._web.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [look.visit for look in looks]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with ExitStack() as held:
            try:
                if self._archive.engine.dialect.name == "postgresql":
                    held.enter_context(self._archive.writing(self._lock_file, 0))
                else:
                    held.enter_context(FileLock(self._lock_file, timeout=0))
            except (Timeout, IndexLocked):
                raise IndexLocked(
                    f"Another process follows the feeds of index '{self._lock_file.parent.name}': "
                    "stop it, or let it do the work."
                ) from None
            except OSError as error:
                raise refused(error, self._lock_file.parent) from None
            yield

    # In threads, one a feed

    def _look(self, look: _Look) -> Sequence[Fetched]:
        """Read a listing, and note which of its items are to be fetched."""
        feed, visit = look.visit.feed, look.visit
        try:
            validators = (None, None) if look.refresh else (feed.etag, feed.last_modified)
            reply = self._get(feed.url, *validators)
            if reply.status == 304:
                return ()
            listing = _listing(reply)
            visit.title, visit.kind = listing.title or visit.title, listing.kind
            items = [*listing.items, *self._parts(listing, visit)]
        except FetchError as error:
            visit.error = str(error)
            look.wait_seconds = getattr(error, "wait_seconds", None) or 0.0
            return ()
        listed = {item.key: item for item in items}
        visit.listed = len(listed)
        look.tried = self._followed.tried(feed.pk, [*listed])
        due = {key: look.refresh or _is_due(look.tried.get(key)) for key in listed}
        look.items.extend(listed[key] for key in listed if due[key])
        visit.left = sum(not due[k] and 0 < t.failures < MOST_TRIES for k, t in look.tried.items())
        look.validators["etag"] = reply.headers.get("etag")
        look.validators["last_modified"] = reply.headers.get("last-modified")
        return ()

    def _parts(self, listing: Feed, visit: Visit) -> Iterator[Item]:
        for part in listing.parts[:_MOST_PARTS]:
            try:
                yield from _listing(self._get(part)).items
            except FetchError as error:
                visit.error = f"{part}: {error}"

    def _get(self, url: str, etag: str | None = None, last_modified: str | None = None) -> Reply:
        return self._web.get(
            url, FEED, max_bytes=_LISTING_BYTES, etag=etag, last_modified=last_modified
        )

    def _fetch(self, look: _Look) -> Sequence[Fetched]:
        """Fetch the pages of the next items; where the server is in trouble, leave the rest."""
        fetched: deque[Fetched] = deque()
        trouble = 0
        while look.items and len(fetched) < _ITEMS_AT_ONCE:
            item = look.items.popleft()
            page: Page = None
            try:
                if item.url:
                    page = self._web.get(item.url, PAGE, max_bytes=self._max_bytes)
                trouble = 0
            except FetchError as error:
                page = error
                if isinstance(error, FetchLater):
                    trouble += 1
                    look.wait_seconds = max(look.wait_seconds, error.wait_seconds or 0.0)
            fetched.append((item, page))
            if trouble == _MOST_TROUBLE or look.wait_seconds:
                look.visit.left += len(look.items)
                look.items.clear()
        return fetched

    # In the thread that runs

    def _keep(self, look: _Look, fetched: Sequence[Fetched]) -> None:
        """Add what was fetched, and note what became of each item."""
        if not fetched:
            return
        feed, made = look.visit.feed, dict[bytes, str]()
        report = self._add([self._entry(item, page, feed.outlet, made) for item, page in fetched])
        if report.interrupted:
            raise KeyboardInterrupt
        look.visit.report.include(report)
        failed = {failure.path: failure.reason for failure in report.failed}
        tried = {}
        for item, page in fetched:
            error, failures = failed.get(_named(item)), MOST_TRIES
            if isinstance(page, FetchLater):
                before = look.tried.get(item.key)
                error, failures = error or str(page), 1 + (before.failures if before else 0)
                look.visit.left += failures < MOST_TRIES
            tried[item.key] = Tried(time.time(), failures if error else 0, error)
        self._followed.note(feed.pk, tried)
        self._forget_teasers(fetched, made)

    def _entry(self, item: Item, page: Page, outlet: str | None, made: dict[bytes, str]) -> Entry:
        body = page.body if isinstance(page, Reply) else b""
        given = (item.key, (outlet or item.outlet or "").encode(), body)
        fingerprint = blake2b(b"\0".join(given), digest_size=16).digest()
        return Entry(_named(item), None, fingerprint, partial(self._load, item, page, outlet, made))

    def _load(self, item: Item, page: Page, outlet: str | None, made: dict[bytes, str]) -> Article:
        def fetch() -> Reply:
            if isinstance(page, Reply):
                return page
            raise page or FetchError("the feed gives it no address and no text")

        try:
            article = item_article(item, outlet, fetch)
        except InputError:
            raise
        except Exception as error:  # no item may stop a run, whatever the parsers stumble over
            raise InputError(f"it cannot be read: {type(error).__name__}") from error
        if article.completeness == "teaser" or not isinstance(page, Reply):
            held = self._archive.articles([article.id])
            if held and len(held[0].text) > len(article.text):
                raise InputError("there is less of it now than the index holds, which is kept")
        made[item.key] = article.id
        return replace(article, status=KILLED_HERE) if self._is_killed(item, article) else article

    def _is_killed(self, item: Item, article: Article) -> bool:
        """Whether a person killed what the feed said of an article, which is now under its own id.

        It is hidden from the moment in which it is added.
        """
        old = place(item.url) if item.url else article.id
        query = sa.select(tables.articles.c.pk).where(
            tables.articles.c.id == old, tables.articles.c.status == KILLED_HERE
        )
        with self._archive.engine.connect() as connection:
            return old != article.id and connection.scalar(query) is not None

    def _forget_teasers(self, fetched: Sequence[Fetched], made: dict[bytes, str]) -> None:
        """Remove what the feed said of articles that now stand under their own addresses."""
        old = {
            place(item.url): made[item.key]
            for item, page in fetched
            if item.url and isinstance(page, Reply) and item.key in made
        }
        held = self._archive.articles([given for given, now in old.items() if given != now])
        teasers = [article.id for article in held if article.completeness == "teaser"]
        if held:
            self._carry({article.id: old[article.id] for article in held}, teasers)
        if teasers:
            self._remove(teasers)

    def _carry(self, moved: dict[str, str], teasers: Sequence[str]) -> None:
        """Say of articles under their own ids what a person said of them under the old ones."""
        articles, versions = tables.articles.c, tables.versions.c
        said = sa.select(articles.id, articles.notice).where(articles.id.in_(list(moved)))
        facts = sa.select(versions.article_pk, versions.version, versions.facts).where(
            versions.article_pk == articles.pk, articles.id.in_(list(moved.values()))
        )
        with self._archive.engine.begin() as connection:
            for row in connection.execute(facts).all():
                given = json.loads(row.facts)
                if given.get("status") == KILLED_HERE:  # no fact of its source: it can be undone
                    del given["status"]
                    is_this = is_version(row.article_pk, row.version)
                    kept = tables.versions.update().where(*is_this)
                    connection.execute(kept.values(facts=json.dumps(given)))
            notices = connection.execute(said).all()
        for old, held in notices:
            hand = json.loads(held or "{}").get("hand") or {}
            if old in teasers and hand.get("kind") == "retracted":
                self._archive.retract(moved[old], hand["text"])

    def _finish(self, look: _Look) -> None:
        """Note when the feed is read again, and whether only if it changes."""
        visit, now = look.visit, time.time()
        feed = visit.feed
        interval = max(feed.interval_seconds, look.wait_seconds)
        if visit.error:
            backoff = max(min(interval * 2**feed.failures, _LONGEST_BACKOFF), look.wait_seconds)
            self._followed.update(
                feed.pk,
                checked_at=now,
                next_at=now + backoff,
                failures=feed.failures + 1,
                error=visit.error,
            )
            return
        values: dict[str, Any] = {"failures": 0, "error": None, "title": visit.title}
        if visit.kind:
            # while items wait, all that is listed is to be seen again
            values |= dict.fromkeys(look.validators) if visit.left else look.validators
        self._followed.update(feed.pk, checked_at=now, next_at=look.began + interval, **values)
        self._followed.forget_old(feed.pk)


def _listing(reply: Reply) -> Feed:
    if reply.body.startswith(b"\x1f\x8b"):
        reply = replace(reply, body=gunzip(reply.body, _LISTING_BYTES))
    return read_feed(reply.text, reply.url)


def _is_due(tried: Tried | None) -> bool:
    """Whether an item is to be fetched: it is new, or failed some time ago and not too often."""
    if tried is None:
        return True
    pause = _RETRY_SECONDS * 2 ** (tried.failures - 1)
    return 0 < tried.failures < MOST_TRIES and tried.seen_at + pause <= time.time()


def _named(item: Item) -> str:
    return item.url or item.id or item.title or "an item without a name"
