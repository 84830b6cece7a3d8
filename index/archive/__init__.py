"""The source of truth of an index: articles, their versions, passages, vectors, lexical index.

One database through SQLAlchemy Core: a SQLite file, or a schema in PostgreSQL. An article is
accepted (its text is durable, its passages wait for the vector store) and then published (readers
find it):

    archive.accept([accession]); store.add(archive.pending()); archive.publish()
"""

import json
import math
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from cachetools import LRUCache
from numpy.typing import NDArray

from ...errors import IndexMismatch, InputError
from ..article import Article
from ..history import Version
from . import (
    origins,
    publishing,
    reads,
    soundness,
    standing,
    tables,
    tombstones,
    withheld,
    writes,
)
from .address import address
from .conversations import Conversations
from .dialects import of
from .filter import Filter, conditions
from .followed import Followed
from .inventory import Inventory, inventory
from .keys import Keys
from .origins import Copy
from .postgres import Postgres
from .reads import SHOWN, StoredPassage, published
from .shelf import Shelf, read_shelf
from .sql import as_list, ignoring, listed, listed_ids
from .sqlite import SQLite, read_only
from .writes import Accession

_REMEDIES = {"embedder": ", or run `byline check --rebuild` to embed everything again"}
_FILTERS_REMEMBERED = 16  # 8 bytes an article each


class Archive:
    """An open archive; safe to read from several threads, written by one process at a time."""

    def __init__(self, path: Path, url: str | None = None, *, connections: int = 20) -> None:
        """Open the archive of the index in `path`'s folder: that file, or a schema of a database.

        `connections` is how many this process may have to a database, at least 5.
        """
        self.path = path
        self._database = database(path, url, connections)
        self._shelf: Shelf | None = None
        self._shelving, self._remembering = threading.Lock(), threading.Lock()
        self._matching: LRUCache[tuple[int, Filter], tuple[float, NDArray[np.int64]]]
        self._matching = LRUCache(_FILTERS_REMEMBERED)
        self._database.open()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @property
    def conversations(self) -> Conversations:
        """The conversations that are stored beside the articles."""
        return Conversations(self.engine)

    @property
    def followed(self) -> Followed:
        """The feeds that are followed, and what became of their items."""
        return Followed(self.engine)

    @property
    def keys(self) -> Keys:
        """The API keys of the index."""
        return Keys(self.engine)

    @property
    def engine(self) -> sa.Engine:
        """The database, for the modules of index/ that keep tables of their own."""
        return self._database.engine

    @property
    def url(self) -> str | None:
        """The address of the database and of the schema there, with its password; None: a file."""
        return self._database.url

    def writing(self, lock_file: Path, wait_seconds: float = 30.0) -> AbstractContextManager[None]:
        """Hold one of the locks of the index, here or in the database; as `lock.writing`."""
        return self._database.writing(lock_file, wait_seconds)

    def _scalars(self, query: sa.Select[tuple[Any]]) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    # What the index was built with

    def claim(self, **built_with: str) -> None:
        """Note what the index is built with; raise IndexMismatch where it was another."""
        self.require(**built_with)
        for key, value in built_with.items():
            if self.built_with(key) is None:
                self._set_meta(key, value)

    def require(self, **built_with: str) -> None:
        """Raise IndexMismatch where the index was built with something else."""
        for key, value in built_with.items():
            stored = self.built_with(key)
            if stored not in (None, value):
                raise IndexMismatch(
                    f"Index '{self.path.parent.name}' was built with {key} {stored}; settings ask "
                    f"for {value}. Set it back or choose another index with --index"
                    f"{_REMEDIES.get(key, '')}."
                )

    @property
    def uuid(self) -> str:
        """What no other index is called, on a vector store that several share."""
        if not (found := self.built_with("uuid")):
            new = {"key": "uuid", "value": uuid.uuid4().hex}
            with self.engine.begin() as connection:
                connection.execute(ignoring(connection, tables.meta), new)
        return found or self.built_with("uuid") or ""

    @property
    def generation(self) -> int:
        """A number that grows whenever what readers can find has changed."""
        return int(self.built_with("generation") or 0)

    @property
    def local_only(self) -> bool:
        """Whether no model elsewhere may be called for this index; read anew each time."""
        return self.built_with("local_only") == "on"

    def keep_local(self, wanted: bool) -> None:
        """Mark the index `local_only`, or take the mark away."""
        self._set_meta("local_only", "on" if wanted else "off")

    def built_with(self, key: str) -> str | None:
        """The embedder, passage_chars or schema of the index; None until it is first written to."""
        with self.engine.connect() as connection:
            value: str | None = connection.scalar(
                sa.select(tables.meta.c.value).where(tables.meta.c.key == key)
            )
            return value

    def _set_meta(self, key: str, value: str) -> None:
        with self.engine.begin() as connection:
            writes.note(connection, key, value)

    # Articles in

    def known(self, fingerprints: Iterable[bytes]) -> dict[bytes, str]:
        """Ids of articles that are published as they were read from these sources."""
        query = (
            sa.select(tables.sources.c.fingerprint, tables.articles.c.id)
            .join(tables.articles, tables.articles.c.pk == tables.sources.c.article_pk)
            .where(
                tables.sources.c.fingerprint.in_(list(fingerprints)),
                tables.articles.c.pending.is_(None),
            )
        )
        with self.engine.connect() as connection:
            return {
                fingerprint: article_id for fingerprint, article_id in connection.execute(query)
            }

    def accept(self, accessions: Sequence[Accession]) -> dict[str, str]:
        """Make articles durable; readers find them, or their new version, once published.

        An article whose version is stored already only gets its facts renewed. Each is given once.
        What was erased meanwhile does not come back: why, by id.
        """
        with self.engine.begin() as connection:
            return publishing.accept(connection, accessions)

    def published(self, ids: Sequence[str]) -> dict[str, str]:
        """The published versions of those of the articles that have one."""
        query = sa.select(tables.articles.c.id, tables.articles.c.version).where(
            tables.articles.c.id.in_(listed_ids(ids)), tables.articles.c.version.is_not(None)
        )
        with self.engine.connect() as connection:
            return {article_id: version for article_id, version in connection.execute(query)}

    def refusal(self, article: Article) -> str | None:
        """Why an article may not be added, as it was erased; None: it may."""
        with self.engine.connect() as connection:
            return tombstones.refusal(connection, article)

    def inventory(self, *, erased: bool = True) -> Inventory:
        """What is held, to tell elsewhere what need not be made again; as `inventory.inventory`."""
        with self.engine.connect() as connection:
            return inventory(connection, erased=erased)

    def lift_tombstones(self, articles: Iterable[Article]) -> None:
        """Let these be added though they were erased."""
        with self.engine.begin() as connection:
            keys = (tombstones.keys_of_article(connection, article) for article in articles)
            tombstones.lift(connection, [key for some in keys for key in some])

    def pending(self) -> list[int] | None:
        """Passages of articles that are accepted and not yet published; None: no such article."""
        waiting = sa.select(tables.articles.c.pk).where(tables.articles.c.pending.is_not(None))
        own = tables.articles.c.pk == tables.passages.c.article_pk
        query = (
            sa.select(tables.passages.c.pk)
            .join(tables.articles, own)
            .where(tables.passages.c.article_pk.in_(waiting))  # else all passages are read
            .where(tables.articles.c.pending == tables.passages.c.version)
        )
        with self.engine.connect() as connection:
            if connection.scalar(waiting.limit(1)) is None:
                return None
            return list(connection.scalars(query))

    def publish(self) -> dict[str, str]:
        """Let readers find what is pending, in place of the versions before.

        An article that the database does not take stands as it was: why, by id.
        """
        try:
            self._publish()
        except InputError:
            return self._publish_each()
        return {}

    def _publish_each(self) -> dict[str, str]:
        with self.engine.connect() as connection:
            waiting = publishing.waiting(connection)
        refused = {}
        for row in waiting:
            try:
                self._publish(tables.articles.c.pk == row.pk)
            except InputError as error:
                refused[row.id] = str(error)
                with self.engine.begin() as connection:
                    publishing.give_up(connection, row)
        return refused

    def _publish(self, *those: sa.ColumnElement[bool]) -> None:
        with self.engine.begin() as connection:
            publishing.publish(connection, *those)

    def remove(self, article_id: str) -> bool:
        """Take an article out with all its versions; whether there was one.

        What a person ruled of it, that it is killed or retracted, waits for it to come back.
        """
        with self.engine.begin() as connection:
            return publishing.remove(connection, article_id)

    def kill(self, article_ids: Sequence[str], *, undo: bool = False) -> int:
        """Show articles nowhere from now on, or again; how many there were."""
        with self.engine.begin() as connection:
            return publishing.kill(connection, article_ids, undo=undo)

    def doomed(self) -> list[int]:
        """Numbers of passages to delete from the vector store."""
        return self._scalars(sa.select(tables.doomed.c.passage_pk))

    def forget_doomed(self, pks: Sequence[int]) -> None:
        """Note that the vector store has deleted these."""
        with self.engine.begin() as connection:
            connection.execute(
                tables.doomed.delete().where(tables.doomed.c.passage_pk.in_(listed(pks)))
            )

    def find_copies(self) -> None:
        """Place the articles of an index that an older release made; nothing where that is done."""
        while (noted := self.built_with("copies")) != origins.placed_all():
            with self.engine.begin() as connection:
                noted = origins.place_more(connection, noted)
                writes.note(connection, "copies", noted)
                if noted != origins.placed_all():
                    writes.grow(connection)

    # Articles out

    def article(self, article_id: str) -> Article | None:
        """The published article with this id, if it may be shown."""
        named = tables.articles.c.id.in_(listed_ids([article_id]))
        query = sa.select(*tables.ARTICLE).where(named, tables.IS_PUBLISHED, *conditions(SHOWN))
        with self.engine.connect() as connection:
            row = connection.execute(query).first()
            return tables.article_of(row) if row else None

    def articles(self, ids: Sequence[str]) -> list[Article]:
        """The published articles with these ids, also those that may not be shown; unordered."""
        with self.engine.connect() as connection:
            return reads.articles(connection, ids)

    def withheld(self) -> list[Article]:
        """What may not be shown now: nothing of it but id, outlet, date and what keeps it back."""
        with self.engine.connect() as connection:
            return withheld.articles(connection)

    def killed(self) -> list[Article]:
        """What was killed by hand: nothing of it but id and, where it is there, outlet and date."""
        with self.engine.connect() as connection:
            return withheld.killed(connection)

    def versions(self, article_id: str) -> list[Version]:
        """The history of an article, the oldest version first; none if it may not be shown."""
        with self.engine.connect() as connection:
            return reads.history(connection, article_id, self._database.in_turn)

    def has_retracted(self) -> bool:
        """Whether any article is retracted."""
        query = sa.select(tables.articles.c.pk).where(tables.articles.c.retracted_at.is_not(None))
        return bool(self._scalars(query.limit(1)))

    def retract(self, article_id: str, reason: str | None) -> bool | None:
        """Retract an article by hand, or (None) let it stand again, as `standing.by_hand`."""
        with self.engine.begin() as connection:
            done = standing.by_hand(connection, article_id, reason)
            writes.grow(connection)
            return done

    def showable(self, ids: Iterable[str]) -> set[str]:
        """Those of the articles that are published and may be shown now."""
        named = tables.articles.c.id.in_(listed_ids(list(ids)))
        return set(self._scalars(sa.select(tables.articles.c.id).where(named, *published())))

    def next_turn(self) -> float:
        """When an embargo or the right to show an article ends next, in seconds since 1970."""
        columns, now = tables.articles.c, time.time()
        ends = [
            sa.select(sa.func.min(column)).where(column > now).scalar_subquery()
            for column in (columns.embargo_at, columns.expires_at)
        ]
        with self.engine.connect() as connection:
            found = connection.execute(sa.select(*ends)).one()
        return min((end for end in found if end is not None), default=math.inf)

    def ids(self) -> list[str]:
        """The ids of all published articles that may be shown."""
        query = sa.select(tables.articles.c.id).where(*published())
        return self._scalars(query.order_by(tables.articles.c.pk))

    def list_articles(
        self,
        matching: Filter | None = None,
        limit: int = 100,
        *,
        words: str | None = None,
        after: tuple[float | None, str] | None = None,
    ) -> list[Article]:
        """Published articles, the newest first, the undated last.

        `words`: an FTS5 expression that they match. `after`: when the last one of the list before
        was published, in seconds since 1970, and its id.
        """
        with self.engine.connect() as connection:
            return reads.newest(connection, matching or SHOWN, limit, words, after)

    def outlets(self) -> dict[str, int]:
        """Names of the outlets and how many published articles each has, most first."""
        return self._counted(tables.articles.c.outlet)

    def sections(self) -> dict[str, int]:
        """Names of the sections and how many published articles each has, most first."""
        return self._counted(tables.articles.c.section)

    def _counted(self, column: sa.Column[str]) -> dict[str, int]:
        with self.engine.connect() as connection:
            return reads.counted(connection, column)

    def days(self) -> "list[date]":
        """The day in UTC of each published article that is dated and may be shown."""
        at = tables.articles.c.published_at
        found = self._scalars(sa.select(at).where(at.is_not(None), *published()))
        return [datetime.fromtimestamp(seconds, UTC).date() for seconds in found]

    def count(self, matching: Filter | None = None) -> tuple[int, int]:
        """How many published articles, and passages of theirs, match."""
        query = sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(tables.articles.c.passages), 0)
        )
        with self.engine.connect() as connection:
            articles, passages = connection.execute(query.where(*published(matching))).one()
        return articles, passages

    def totals(self) -> tuple[int, int]:
        """How many articles and passages are published, also those that may not be shown now."""
        query = sa.select(sa.func.count()).where(tables.articles.c.version.is_not(None))
        with self.engine.connect() as connection:
            return connection.scalar(query) or 0, len(self.all_passages())

    def passages(
        self, pks: Sequence[int], matching: Filter | None = None, *, hidden: bool = False
    ) -> list[StoredPassage]:
        """Those of the passages that are published and match, in the order given.

        `hidden` lets through what may not be shown: to embed it, not for readers.
        """
        passing = None if hidden else matching or Filter()
        with self.engine.connect() as connection:
            return reads.passages(connection, pks, passing)

    def match_passages(
        self, query: str, matching: Filter | None, limit: int
    ) -> list[tuple[int, float]]:
        """Passages by BM25 (headline and body), best first: (number, score), higher is better.

        `query` is an FTS5 expression. Without a filter what may not be shown is among them.
        """
        with self.engine.connect() as connection:
            return of(connection).match(connection, "passages_text", query, matching, limit)

    def match_articles(
        self, query: str, matching: Filter | None, limit: int
    ) -> list[tuple[int, float]]:
        """Whole articles by BM25, as `match_passages`; the numbers are article keys."""
        with self.engine.connect() as connection:
            return of(connection).match(connection, "articles_text", query, matching, limit)

    def frequencies(self, terms: Sequence[str]) -> tuple[dict[str, int], int]:
        """In how many passages each word occurs, in any form; and how many passages there are."""
        with self.engine.connect() as connection:
            counts = of(connection).frequencies(connection, terms)
        return counts, self.count()[1]

    def matching_articles(self, matching: Filter) -> NDArray[np.int64]:
        """Numbers of all published articles that match and may be shown now; not to be changed.

        Remembered until something was written, or an embargo or a right to show has ended.
        """
        key = self.generation, matching
        with self._remembering:
            until, known = self._matching.get(key, (0.0, None))
        if known is not None and time.time() < until:
            return known
        until = self.next_turn()
        inside = tables.MATCHING_ARTICLES.where(*conditions(matching)).subquery()
        with self.engine.connect() as connection:  # one text: rows take Python ten times longer
            found = connection.scalar(sa.select(as_list(inside.c.pk)))
        known = np.array(json.loads(found or "[]"), np.int64)
        with self._remembering:
            self._matching[key] = until, known
        return known

    def shelf(self) -> Shelf:
        """The published passages as they are now; what is new is read when the generation moves."""
        with self._shelving:
            if self._shelf is None or self._shelf.generation != self.generation:
                with self.engine.connect() as connection:
                    self._shelf = read_shelf(connection, self._shelf)
            return self._shelf

    def origins(self, pks: Sequence[int]) -> dict[int, int]:
        """The number of the article whose text each of these runs: its own, or its origin's."""
        with self.engine.connect() as connection:
            found = origins.origins_of(connection, listed(pks))
        return {pk: found.get(pk, pk) for pk in pks}  # one that was removed meanwhile has its own

    def copies(self, ids: Sequence[str], matching: Filter | None = None) -> dict[str, list[Copy]]:
        """Other articles that run the text of these, where there are some that match."""
        with self.engine.connect() as connection:
            return origins.copies_of(connection, ids, matching or Filter())

    def same_text(self, ids: Sequence[str], *, answering: bool = False) -> list[str]:
        """Ids of the other articles that run the text of these; `answering`: as evidence, now."""
        shown = conditions(Filter()) if answering else ()
        with self.engine.connect() as connection:
            named = sa.select(tables.articles.c.pk).where(tables.articles.c.id.in_(ids))
            return origins.same_text(connection, connection.scalars(named).all(), *shown)

    def all_passages(self) -> list[int]:
        """Numbers of all published passages, also of those that may not be shown now."""
        return self._scalars(tables.MATCHING_PASSAGES)

    def vectors(self, pks: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of these passages, shape (len(pks), dimension)."""
        query = sa.select(tables.vectors).where(tables.vectors.c.passage_pk.in_(listed(pks)))
        with self.engine.connect() as connection:
            found = {pk: vector for pk, vector in connection.execute(query)}
        if not pks:
            return np.zeros((0, 0), np.float32)
        blank = bytes(len(next(iter(found.values()), b"")))  # one that was removed meanwhile
        dimension = int(self.built_with("dimension") or 0)
        return tables.vectors_of([found.get(pk, blank) for pk in pks], dimension)

    def replace_vectors(
        self, pks: Sequence[int], vectors: NDArray[np.float32], **built_with: str
    ) -> None:
        """Store new vectors for passages, and what made them, at once."""
        rows = [
            {"pk": pk, "new": tables.vector_bytes(v)} for pk, v in zip(pks, vectors, strict=True)
        ]
        statement = (
            tables.vectors.update()
            .where(tables.vectors.c.passage_pk == sa.bindparam("pk"))
            .values(vector=sa.bindparam("new"))
        )
        with self.engine.begin() as connection:
            if rows:
                connection.execute(statement, rows)
            for key, value in built_with.items():
                writes.note(connection, key, value)
            writes.grow(connection)

    def grow(self) -> None:
        """Tell readers and other writers that what they hold open is stale."""
        with self.engine.begin() as connection:
            writes.grow(connection)

    def forget_traces(self) -> bool:
        """Leave no words of what was removed in the files; see `empty_log` for what it returns.

        Merging the full-text tables may keep words that were deleted (FTS5 drops its marks of them
        only where it takes a merge for the oldest), and secure_delete leaves copies where SQLite
        moved rows between pages (docs/decisions/0014): the tables and the file are written anew.
        """
        if self._database.keeps_words:
            with self.engine.begin() as connection:
                soundness.index_again(connection)
        self._database.compact()
        return self.empty_log()

    def merge_words(self) -> None:
        """Merge the full-text tables, which else keep most words of what was removed."""
        with self.engine.begin() as connection:
            soundness.merge(connection)

    def empty_log(self) -> bool:
        """Empty the write-ahead log of the pages of before; False where one is still read."""
        return self._database.empty_log()

    def problems(self) -> list[str]:
        """What is wrong with the file, its rows and its full-text tables; empty when sound."""
        with self.engine.begin() as connection:
            return soundness.problems(connection)

    def mend(self) -> None:
        """Delete rows that belong to nothing; make full-text tables that disagree anew."""
        with self.engine.begin() as connection:
            soundness.mend(connection)


@contextmanager
def reading(path: Path, url: str | None) -> Iterator[sa.Connection]:
    """The database of an archive that is there, to look at it."""
    engine = database(path, url, 5).engine if url else read_only(path)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def indexes(home: Path, url: str | None) -> list[str]:
    """The names of the indexes that there are, in order."""
    if url:
        return Postgres(home / "any" / "archive.db", url, 5).indexes()
    return sorted(found.parent.name for found in home.glob("*/archive.db"))


def has_index(home: Path, name: str, url: str | None) -> bool:
    """Whether there is an index of that name: in a database, one in the schema that it would have.

    Raises SettingsError where `url` is no address.
    """
    return (address(url, name)[1] if url else name) in indexes(home, url)


def database(path: Path, url: str | None, connections: int) -> SQLite | Postgres:
    """The database of the index in a path's folder."""
    return Postgres(path, url, connections) if url else SQLite(path)
