"""The source of truth of an index: articles, their versions, passages, vectors, lexical index.

One SQLite database through SQLAlchemy Core. An article is accepted (its text is durable, its
passages wait for the vector store) and then published (readers find it):

    archive.accept([accession]); store.add(archive.pending()); archive.publish()
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from filelock import FileLock
from numpy.typing import NDArray
from sqlalchemy.schema import CreateIndex, CreateTable

from ..errors import IndexDamaged, IndexMismatch
from .article import Article, Mark, day_end, day_start, from_iso, isoformat
from .chunk import Passage

SCHEMA = "1"
_metadata = sa.MetaData()

_meta = sa.Table(
    "meta",
    _metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_articles = sa.Table(
    "articles",
    _metadata,
    sa.Column("pk", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("version", sa.Text),  # the published one; null until then
    sa.Column("pending", sa.Text),  # the accepted one that is not yet published
    sa.Column("passages", sa.Integer, nullable=False, default=0),
    sa.Column("added_at", sa.Float, nullable=False),
    sa.Column("published_at", sa.Float, index=True),
    sa.Column("updated_at", sa.Float),
    sa.Column("embargo_at", sa.Float),
    sa.Column("expires_at", sa.Float),
    sa.Column("outlet", sa.Text, index=True),
    sa.Column("status", sa.Text),
    sqlite_autoincrement=True,
)
_versions = sa.Table(
    "versions",
    _metadata,
    sa.Column("article_pk", sa.ForeignKey("articles.pk"), primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),  # JSON of an Article's other fields
    sa.Column("seen_at", sa.Float, nullable=False),
)
_passages = sa.Table(
    "passages",
    _metadata,
    sa.Column("pk", sa.Integer, primary_key=True),
    sa.Column("article_pk", sa.ForeignKey("articles.pk"), nullable=False, index=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sqlite_autoincrement=True,  # a number is never used again, so a stale vector finds no passage
)
_vectors = sa.Table(  # apart from passages, so that reading spans does not read vectors
    "vectors",
    _metadata,
    sa.Column("passage_pk", sa.Integer, primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),
)
_sources = sa.Table(
    "sources",
    _metadata,
    sa.Column("fingerprint", sa.LargeBinary, primary_key=True),
    sa.Column("article_pk", sa.ForeignKey("articles.pk"), nullable=False, index=True),
)
_doomed = sa.Table(  # passages that are gone here and still to be deleted from the vector store
    "doomed",
    _metadata,
    sa.Column("passage_pk", sa.Integer, primary_key=True),
)
_TOKENIZER = "porter unicode61 remove_diacritics 2"
_FULL_TEXT = (
    f"""CREATE VIRTUAL TABLE IF NOT EXISTS passages_text USING fts5(
    title, body, content='', tokenize='{_TOKENIZER}')""",
    f"""CREATE VIRTUAL TABLE IF NOT EXISTS articles_text USING fts5(
    title, body, content='', tokenize='{_TOKENIZER}')""",
)
# The columns from which `_article` makes an Article.
_ARTICLE = (_articles.c.id, _versions.c.text, _versions.c.facts)
_REMEDIES = {"embedder": ", or run `byline check --rebuild` to embed everything again"}
# Vectors of so many passages are held by a process that is asked: 77 MB at 384 dimensions.
# Comparing them all takes 8 ms, and is exact.
_HELD_IN_MEMORY = 50_000
_WITHHELD = ("withheld", "killed", "canceled", "cancelled")


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

    @property
    def is_open(self) -> bool:
        """Whether nothing but visibility is asked for."""
        return self == Filter()


@dataclass(frozen=True, slots=True)
class Accession:
    """An article on its way into the archive, with what was made of it."""

    article: Article
    fingerprints: Sequence[bytes]
    "of every source that gave it in this run, also where a later one won"
    passages: Sequence[Passage]
    vectors: Sequence[NDArray[np.float32]]
    "one a passage; none of either where only the facts are new"


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A published passage and the article that it is a span of."""

    pk: int
    start: int
    end: int
    text: str
    article: Article


@dataclass(frozen=True, slots=True)
class Shelf:
    """Every published passage at one generation, held in memory, in order of its number.

    What may not be shown is among them: `Archive.matching_articles` says which count.
    """

    generation: int
    keys: NDArray[np.int64]
    articles: NDArray[np.int64]
    "the number of each passage's article"
    vectors: NDArray[np.float32] | None
    "one a passage; None where there are more passages than are held in memory"


class Archive:
    """An open archive; safe to read from several threads, written by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = sa.create_engine(f"sqlite:///{path}")
        self._shelf: Shelf | None = None
        self._shelving = threading.Lock()
        sa.event.listen(self._engine, "connect", _on_connect)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite does not wait its turn when two processes make a new file a WAL one.
            opening = FileLock(path.with_name("lock.open"), timeout=30)
            with opening, self._engine.begin() as connection:
                for statement in _schema():
                    connection.execute(statement)
        except (sa.exc.DatabaseError, sqlite3.DatabaseError, OSError) as error:
            reason = str(getattr(error, "orig", error)).splitlines()[0]
            raise IndexDamaged(
                f"The archive {path} cannot be opened: {reason}. "
                "Check that the folder is writable and is an index, or choose another with --index."
            ) from None
        self.claim(schema=SCHEMA)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

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

    def claim_anew(self, **built_with: str) -> None:
        """Note what the index has been rebuilt with."""
        for key, value in built_with.items():
            self._set_meta(key, value)

    @property
    def generation(self) -> int:
        """A number that grows whenever what readers can find has changed."""
        return int(self.built_with("generation") or 0)

    def built_with(self, key: str) -> str | None:
        """The embedder, passage_chars or schema of the index; None until it is first written to."""
        with self._engine.connect() as connection:
            value: str | None = connection.scalar(
                sa.select(_meta.c.value).where(_meta.c.key == key)
            )
            return value

    def _set_meta(self, key: str, value: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(_meta.delete().where(_meta.c.key == key))
            connection.execute(_meta.insert().values(key=key, value=value))

    # Articles in

    def known(self, fingerprints: Iterable[bytes]) -> dict[bytes, str]:
        """Ids of articles that are published as they were read from these sources."""
        query = (
            sa.select(_sources.c.fingerprint, _articles.c.id)
            .join(_articles, _articles.c.pk == _sources.c.article_pk)
            .where(_sources.c.fingerprint.in_(list(fingerprints)), _articles.c.pending.is_(None))
        )
        with self._engine.connect() as connection:
            return {
                fingerprint: article_id for fingerprint, article_id in connection.execute(query)
            }

    def accept(self, accessions: Sequence[Accession]) -> None:
        """Make articles durable; readers find them, or their new version, once published.

        An article whose version is stored already only gets its facts renewed. Each is given once.
        """
        with self._engine.begin() as connection:
            keys, published = _keys(connection, [a.article.id for a in accessions])
            of_these = _sources.c.article_pk.in_(keys.values())
            connection.execute(_sources.delete().where(of_these))
            sources = [
                {"fingerprint": fingerprint, "article_pk": keys[accession.article.id]}
                for accession in accessions
                for fingerprint in accession.fingerprints
            ]
            _insert(connection, _sources.insert().prefix_with("OR REPLACE"), sources)
            fresh = []
            for accession in accessions:
                pk, version = keys[accession.article.id], accession.article.version
                if pk in published and published[pk] == version:
                    _renew(connection, pk, version, accession.article)
                    continue
                if pk in published:  # what is left of an acceptance that was not published
                    connection.execute(_versions.delete().where(*_is_version(pk, version)))
                    _drop_passages(connection, pk, version)
                fresh.append((pk, version, accession))
            _store_versions(connection, fresh)

    def pending(self) -> list[int] | None:
        """Passages of articles that are accepted and not yet published; None: no such article."""
        waiting = sa.select(_articles.c.pk).where(_articles.c.pending.is_not(None))
        query = (
            sa.select(_passages.c.pk)
            .join(_articles, _articles.c.pk == _passages.c.article_pk)
            .where(_articles.c.pending == _passages.c.version)
        )
        with self._engine.connect() as connection:
            if connection.scalar(waiting.limit(1)) is None:
                return None
            return list(connection.scalars(query))

    def publish(self) -> None:
        """Let readers find what is pending, in place of the versions before."""
        query = (
            sa.select(_articles.c.pk, _articles.c.version, _articles.c.pending, *_ARTICLE)
            .join(_versions, _versions.c.article_pk == _articles.c.pk)
            .where(_versions.c.version == _articles.c.pending)
        )
        with self._engine.begin() as connection:
            whole, passages, changes = [], [], []
            for row in connection.execute(query).all():
                if row.version is not None:
                    _withdraw(connection, row.pk, row.version)
                article = _article(row)
                entry, spans = _text_rows(connection, row.pk, row.pending, article)
                whole.append(entry)
                passages += spans
                now = {"version": row.pending, "pending": None, "passages": len(spans)}
                changes.append({"key": row.pk, **now, **_columns(article)})
            _index(connection, whole, passages)
            if changes:
                connection.execute(_UPDATE, changes)
            _grow(connection)

    def remove(self, article_id: str) -> bool:
        """Take an article out with all its versions; whether there was one."""
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.select(_articles.c.pk, _articles.c.version).where(_articles.c.id == article_id)
            ).first()
            if row is None:
                return False
            if row.version is not None:
                _withdraw(connection, row.pk, row.version)
            _drop_passages(connection, row.pk)
            for table in (_sources, _versions):
                connection.execute(table.delete().where(table.c.article_pk == row.pk))
            connection.execute(_articles.delete().where(_articles.c.pk == row.pk))
            _grow(connection)
        return True

    def doomed(self) -> list[int]:
        """Numbers of passages to delete from the vector store."""
        with self._engine.connect() as connection:
            return list(connection.scalars(sa.select(_doomed.c.passage_pk)))

    def forget_doomed(self, pks: Sequence[int]) -> None:
        """Note that the vector store has deleted these."""
        with self._engine.begin() as connection:
            connection.execute(_doomed.delete().where(_doomed.c.passage_pk.in_(_listed(pks))))

    # Articles out

    def article(self, article_id: str) -> Article | None:
        """The published article with this id, if it may be shown."""
        query = sa.select(*_ARTICLE).where(
            _articles.c.id == article_id, _IS_PUBLISHED, *_conditions(Filter())
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
            return _article(row) if row else None

    def articles(self, ids: Sequence[str]) -> list[Article]:
        """The published articles with these ids, also those that may not be shown; unordered."""
        query = sa.select(*_ARTICLE).where(_articles.c.id.in_(ids), _IS_PUBLISHED)
        with self._engine.connect() as connection:
            return [_article(row) for row in connection.execute(query)]

    def list_articles(self, matching: Filter | None = None, limit: int = 100) -> list[Article]:
        """Published articles, the newest first, the undated last."""
        query = (
            sa.select(*_ARTICLE)
            .where(_IS_PUBLISHED, *_conditions(matching or Filter()))
            .order_by(_articles.c.published_at.desc().nulls_last(), _articles.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [_article(row) for row in connection.execute(query)]

    def outlets(self) -> dict[str, int]:
        """Names of the outlets and how many published articles each has, most first."""
        count = sa.func.count()
        query = (
            sa.select(_articles.c.outlet, count)
            .where(_articles.c.version.is_not(None), _articles.c.outlet.is_not(None))
            .group_by(_articles.c.outlet)
            .order_by(count.desc())
        )
        with self._engine.connect() as connection:
            return {name: number for name, number in connection.execute(query)}

    def count(self, matching: Filter | None = None) -> tuple[int, int]:
        """How many published articles, and passages of theirs, match."""
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_articles.c.passages), 0))
        query = query.where(_articles.c.version.is_not(None), *_conditions(matching or Filter()))
        with self._engine.connect() as connection:
            articles, passages = connection.execute(query).one()
        return articles, passages

    def totals(self) -> tuple[int, int]:
        """How many articles and passages are published, also those that may not be shown now."""
        query = sa.select(sa.func.count()).where(_articles.c.version.is_not(None))
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0, len(self.all_passages())

    def passages(
        self, pks: Sequence[int], matching: Filter | None = None, *, hidden: bool = False
    ) -> list[StoredPassage]:
        """Those of the passages that are published and match, in the order given.

        `hidden` lets through what may not be shown: to embed it, not for readers.
        """
        query = (
            sa.select(_passages.c.pk, _passages.c.start, _passages.c.end, *_ARTICLE)
            .select_from(_PUBLISHED_PASSAGES)
            .where(_passages.c.pk.in_(_listed(pks)))
        )
        if not hidden:
            query = query.where(*_conditions(matching or Filter()))
        known: dict[str, Article] = {}
        found = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                if row.id not in known:
                    known[row.id] = _article(row)
                article = known[row.id]
                text = article.text[row.start : row.end]
                found[row.pk] = StoredPassage(row.pk, row.start, row.end, text, article)
        return [found[pk] for pk in pks if pk in found]

    def match_passages(self, query: str, matching: Filter, limit: int) -> list[tuple[int, float]]:
        """Passages by BM25 (headline and body), best first: (number, score), higher is better.

        `query` is an FTS5 expression.
        """
        return self._match("passages_text", query, matching, limit)

    def match_articles(self, query: str, matching: Filter, limit: int) -> list[tuple[int, float]]:
        """Whole articles by BM25, as `match_passages`; the numbers are article keys."""
        return self._match("articles_text", query, matching, limit)

    def _match(
        self, table: str, query: str, matching: Filter, limit: int
    ) -> list[tuple[int, float]]:
        if not query:
            return []
        # bm25() sorts the same and takes two thirds of the time of FTS5's own `rank`.
        score = sa.literal_column(f"bm25({table})", sa.Float).label("score")
        statement = (
            sa.select(sa.column("rowid", sa.Integer), score)
            .select_from(sa.table(table))
            .where(sa.text(f"{table} MATCH :query"))
            .order_by(score)
            .limit(limit)
        )
        if not matching.is_open:
            # What is only hidden is dropped when passages are looked up. The plus keeps
            # SQLite from driving by the filter, which took a hundred times longer.
            inside = _MATCHING_ARTICLES.where(*_conditions(matching))
            if table == "passages_text":
                inside = sa.select(_passages.c.pk).where(_passages.c.article_pk.in_(inside))
            statement = statement.where(sa.literal_column("+rowid").in_(inside))
        with self._engine.connect() as connection:
            return [(pk, -rank) for pk, rank in connection.execute(statement, {"query": query})]

    def frequencies(self, terms: Sequence[str]) -> tuple[dict[str, int], int]:
        """In how many passages each word occurs, in any form; and how many passages there are."""
        statement = sa.text("SELECT count(*) FROM passages_text WHERE passages_text MATCH :term")
        with self._engine.connect() as connection:
            counts = {
                term: connection.scalar(statement, {"term": f'"{term}"'}) or 0 for term in terms
            }
        return counts, self.count()[1]

    def matching_articles(self, matching: Filter) -> NDArray[np.int64]:
        """Numbers of all published articles that match and may be shown now."""
        with self._engine.connect() as connection:
            found = connection.scalars(_MATCHING_ARTICLES.where(*_conditions(matching))).all()
            return np.array(found, np.int64)

    def shelf(self) -> Shelf:
        """The published passages as they are now; read again only when the generation has moved."""
        with self._shelving:
            generation = self.generation
            if self._shelf is None or self._shelf.generation != generation:
                self._shelf = self._read_shelf(generation)
            return self._shelf

    def _read_shelf(self, generation: int) -> Shelf:
        query = sa.select(_passages.c.pk, _passages.c.article_pk).join(_articles, _IS_OF_PUBLISHED)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(_passages.c.pk)).all()
            vectors = None
            if len(rows) <= _HELD_IN_MEMORY:
                query = query.join(_vectors, _vectors.c.passage_pk == _passages.c.pk)
                query = query.add_columns(_vectors.c.vector).order_by(_passages.c.pk)
                rows = connection.execute(query).all()
                joined = b"".join(row.vector for row in rows)
                vectors = np.frombuffer(joined, np.float32).reshape(len(rows), -1 if rows else 0)
        numbers = np.array([row[:2] for row in rows], np.int64).reshape(-1, 2)
        return Shelf(generation, numbers[:, 0].copy(), numbers[:, 1].copy(), vectors)

    def all_passages(self) -> list[int]:
        """Numbers of all published passages, also of those that may not be shown now."""
        with self._engine.connect() as connection:
            return list(connection.scalars(_MATCHING_PASSAGES))

    def vectors(self, pks: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of these passages, shape (len(pks), dimension)."""
        query = sa.select(_vectors).where(_vectors.c.passage_pk.in_(_listed(pks)))
        with self._engine.connect() as connection:
            found = {pk: vector for pk, vector in connection.execute(query)}
        if not pks:
            return np.zeros((0, 0), np.float32)
        joined = b"".join(found[pk] for pk in pks)
        return np.frombuffer(joined, np.float32).reshape(len(pks), -1)

    def replace_vectors(self, pks: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Store new vectors for passages, as another embedder makes them."""
        rows = [{"pk": pk, "new": v.tobytes()} for pk, v in zip(pks, vectors, strict=True)]
        statement = (
            _vectors.update()
            .where(_vectors.c.passage_pk == sa.bindparam("pk"))
            .values(vector=sa.bindparam("new"))
        )
        with self._engine.begin() as connection:
            connection.execute(statement, rows)
            _grow(connection)

    def problems(self) -> list[str]:
        """What SQLite and the full-text tables say is wrong with the file; empty when sound."""
        with self._engine.begin() as connection:
            found = [
                row for row in connection.scalars(sa.text("PRAGMA quick_check")) if row != "ok"
            ]
            texts, passages = (
                connection.scalar(sa.text(f"SELECT count(*) FROM {table}_docsize"))
                for table in ("articles_text", "passages_text")
            )
        if (texts, passages) != self.totals():
            found.append(f"the lexical index has {texts} articles and {passages} passages")
        return found


_IS_PUBLISHED = (_versions.c.article_pk == _articles.c.pk) & (
    _versions.c.version == _articles.c.version
)
_IS_OF_PUBLISHED = (_passages.c.article_pk == _articles.c.pk) & (
    _passages.c.version == _articles.c.version
)
_PUBLISHED_PASSAGES = _passages.join(_articles, _IS_OF_PUBLISHED).join(_versions, _IS_PUBLISHED)
_MATCHING_PASSAGES = sa.select(_passages.c.pk).join(_articles, _IS_OF_PUBLISHED)
_MATCHING_ARTICLES = sa.select(_articles.c.pk).where(_articles.c.version.is_not(None))


_PRAGMAS = (
    "busy_timeout=10000",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",  # what is removed is overwritten
)


def _schema() -> Iterator[sa.Executable]:
    """Statements that make what is missing; several processes may open a new index at once."""
    for table in _metadata.sorted_tables:
        yield CreateTable(table, if_not_exists=True)
        yield from (CreateIndex(index, if_not_exists=True) for index in table.indexes)
    yield from map(sa.text, _FULL_TEXT)


def _on_connect(connection: sqlite3.Connection, _: object) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _conditions(matching: Filter) -> list[sa.ColumnElement[bool]]:
    """A filter as SQL; what may not be shown now is left out whatever the date of asking."""
    columns, now = _articles.c, time.time()
    asked = _seconds(day_end(matching.as_of)) if matching.as_of else now
    found: list[sa.ColumnElement[bool]] = [
        columns.embargo_at.is_(None) | (columns.embargo_at <= min(asked, now)),
        columns.expires_at.is_(None) | (columns.expires_at > now),
        columns.status.is_(None) | columns.status.not_in(_WITHHELD),
    ]
    if matching.since:
        found.append(columns.published_at >= _seconds(day_start(matching.since)))
    if matching.until:
        found.append(columns.published_at <= _seconds(day_end(matching.until)))
    if matching.outlets:
        found.append(columns.outlet.in_(matching.outlets))
    if matching.as_of:
        found.append(sa.func.coalesce(columns.published_at, columns.added_at) <= asked)
        found.append(sa.func.coalesce(columns.updated_at, 0) <= asked)
    return found


def _listed(pks: Sequence[int]) -> sa.Select[Any]:
    """Numbers as a table: SQLite takes 32,766 values at most, and thousands of them slowly."""
    return sa.select(sa.func.json_each(json.dumps(pks)).table_valued("value").c.value)


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _columns(article: Article) -> dict[str, Any]:
    """What of an article is filtered by."""

    def first(value: datetime | date | None) -> float | None:
        return None if value is None else _seconds(day_start(value))

    return {
        "published_at": first(article.published),
        "updated_at": first(article.updated),
        "embargo_at": first(article.embargo_until),
        "expires_at": first(article.expires),
        "outlet": article.outlet,
        "status": article.status.casefold() if article.status else None,
    }


_MOMENTS = ("published", "updated", "embargo_until", "expires")
_STORED_APART = ("id", "text")


def _facts(article: Article) -> str:
    facts = {f.name: getattr(article, f.name) for f in fields(article)}
    for name in _STORED_APART:
        del facts[name]
    facts |= {name: isoformat(facts[name]) for name in _MOMENTS}
    facts["marks"] = [[mark.start, mark.end, mark.kind] for mark in article.marks]
    facts["extra"] = dict(article.extra)
    return json.dumps({name: value for name, value in facts.items() if value not in (None, [], {})})


def _article(row: Any) -> Article:
    facts = json.loads(row.facts)
    facts |= {name: from_iso(facts[name]) for name in _MOMENTS if name in facts}
    facts["marks"] = tuple(Mark(*mark) for mark in facts.get("marks", ()))
    facts["authors"] = tuple(facts.get("authors", ()))
    return Article(id=row.id, text=row.text, **facts)


_UPDATE = _articles.update().where(_articles.c.pk == sa.bindparam("key"))


def _numbered(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Insert rows; the numbers that they are given, in order."""
    if not rows:
        return []
    statement = table.insert().returning(table.c.pk, sort_by_parameter_order=True)
    return list(connection.scalars(statement, rows))


def _insert(
    connection: sa.Connection, statement: sa.Insert, rows: Sequence[Mapping[str, Any]]
) -> None:
    if rows:
        connection.execute(statement, rows)


def _keys(
    connection: sa.Connection, ids: Sequence[str]
) -> tuple[dict[str, int], dict[int, str | None]]:
    """The articles' numbers, new ones made; the published version of those that were held."""
    query = sa.select(_articles.c.id, _articles.c.pk, _articles.c.version)
    held = connection.execute(query.where(_articles.c.id.in_(ids))).all()
    keys = {row.id: row.pk for row in held}
    new = [{"id": name, "added_at": time.time()} for name in ids if name not in keys]
    given = _numbered(connection, _articles, new)
    keys |= {row["id"]: pk for row, pk in zip(new, given, strict=True)}
    return keys, {row.pk: row.version for row in held}


def _renew(connection: sa.Connection, pk: int, version: str, article: Article) -> None:
    """Give a published version the facts that are known now."""
    is_this = _is_version(pk, version)
    connection.execute(_versions.update().where(*is_this).values(facts=_facts(article)))
    connection.execute(_UPDATE, {"key": pk, "pending": None, **_columns(article)})
    _grow(connection)


def _is_version(pk: int, version: str) -> tuple[sa.ColumnElement[bool], ...]:
    return _versions.c.article_pk == pk, _versions.c.version == version


def _store_versions(
    connection: sa.Connection, staged: Sequence[tuple[int, str, Accession]]
) -> None:
    """Store new versions of articles, (number, version, accession) each; they are pending then."""
    versions, spans, vectors = [], [], []
    for pk, version, accession in staged:
        key = {"article_pk": pk, "version": version}
        article, now = accession.article, time.time()
        versions.append({**key, "text": article.text, "facts": _facts(article), "seen_at": now})
        for passage, vector in zip(accession.passages, accession.vectors, strict=True):
            spans.append({**key, "start": passage.start, "end": passage.end})
            vectors.append(vector.tobytes())
    _insert(connection, _versions.insert(), versions)
    rows = zip(_numbered(connection, _passages, spans), vectors, strict=True)
    of_passages = [{"passage_pk": pk, "vector": vector} for pk, vector in rows]
    _insert(connection, _vectors.insert(), of_passages)
    if staged:
        pending = [{"key": pk, "pending": version} for pk, version, _ in staged]
        connection.execute(_UPDATE, pending)


def _grow(connection: sa.Connection) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO meta VALUES ('generation', '1') "
            "ON CONFLICT (key) DO UPDATE SET value = value + 1"
        )
    )


def _index(
    connection: sa.Connection, whole: Sequence[dict[str, Any]], passages: Sequence[dict[str, Any]]
) -> None:
    """Put articles and their passages into the full-text tables."""
    for table, rows in (("articles_text", whole), ("passages_text", passages)):
        statement = f"INSERT INTO {table} (rowid, title, body) VALUES (:key, :title, :body)"
        if rows:
            connection.execute(sa.text(statement), rows)


def _withdraw(connection: sa.Connection, pk: int, version: str) -> None:
    """Take a published version out of the full-text tables; doom its passages."""
    of_article = _versions.c.article_pk == _articles.c.pk
    query = (
        sa.select(*_ARTICLE)
        .join(_versions, of_article)
        .where(_articles.c.pk == pk, _versions.c.version == version)
    )
    article = _article(connection.execute(query).one())
    whole, passages = _text_rows(connection, pk, version, article)
    for table, rows in (("articles_text", [whole]), ("passages_text", passages)):
        # A table without content is told what to forget.
        statement = (
            f"INSERT INTO {table} ({table}, rowid, title, body) "
            "VALUES ('delete', :key, :title, :body)"
        )
        if rows:
            connection.execute(sa.text(statement), rows)
    _drop_passages(connection, pk, version)


def _text_rows(
    connection: sa.Connection, pk: int, version: str, article: Article
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the full-text tables hold of an article and of its passages."""
    spans = connection.execute(
        sa.select(_passages.c.pk, _passages.c.start, _passages.c.end).where(
            _passages.c.article_pk == pk, _passages.c.version == version
        )
    )
    title = article.title or ""
    passages = [
        {"key": span.pk, "title": title, "body": article.text[span.start : span.end]}
        for span in spans
    ]
    return {"key": pk, "title": title, "body": article.text}, passages


def _drop_passages(connection: sa.Connection, pk: int, version: str | None = None) -> None:
    doomed = _passages.c.article_pk == pk
    if version is not None:
        doomed &= _passages.c.version == version
    keys = sa.select(_passages.c.pk).where(doomed)
    connection.execute(_doomed.insert().from_select(["passage_pk"], keys))
    connection.execute(_vectors.delete().where(_vectors.c.passage_pk.in_(keys)))
    connection.execute(_passages.delete().where(doomed))
