"""Finds the passages that may answer a question: dense, lexical by passage, lexical by article.

hits = retrieve("Who resigned?", Filter(), archive, store, embedder, limit=10)
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DiskError, IndexDamaged, IndexLocked
from ..index.archive import Archive, Shelf, StoredPassage
from ..index.article import Article, day_of, isoformat
from ..index.embed import Embedder, Vectors
from ..index.filter import Filter
from ..index.store import Store
from ..index.words import STOP_WORDS, words
from .when import Asked

SIGNALS = ("dense", "passages", "articles")
# Cormack, Clarke and Büttcher (SIGIR 2009) found 60 and flat around it.
RRF_K = 60
_DEPTH = 100  # ranks of each signal that count, or as many as are asked for
# Shares of its score that an article in the question's period gains, that one of the day of asking
# gains where the question is about now, and where it just wants the newest; for an article that is
# dated by the question itself, a share that outweighs one signal's first rank. Chosen on the even
# questions of a news quiz and of the sample (docs/log.md).
_STATED, _NOW, _RECENT, _DATED = 0.1, 0.2, 0.05, 0.5
_FADING_DAYS = 10
_REVISED_AMONG = 10
_SAME_MATTER = 0.7  # cosine
_NOTICES = ("correction", "retraction")
# In an index of more passages than the shelf holds, the vectors that the filter lets through are
# read and compared one by one up to here, which is exact; above it the vector index is asked for
# more than is needed and the filter drops the rest.
_EXACT_UP_TO = 5000


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found: `article.text[start:end] == text`."""

    article: Article
    start: int
    end: int
    text: str
    score: float
    "of reciprocal rank fusion: comparable within one search only"

    @property
    def article_id(self) -> str:
        """The article's id."""
        return self.article.id

    @property
    def outlet(self) -> str | None:
        """Who published the article."""
        return self.article.outlet

    @property
    def title(self) -> str | None:
        """The article's headline."""
        return self.article.title

    @property
    def published(self) -> datetime | date | None:
        """When the article was published."""
        return self.article.published

    @property
    def url(self) -> str | None:
        """Where the article stands."""
        return self.article.url

    def to_dict(self) -> dict[str, Any]:
        """The hit as JSON values, dates in ISO 8601."""
        return {
            "article_id": self.article_id,
            "version": self.article.version,
            "outlet": self.outlet,
            "title": self.title,
            "published": isoformat(self.published),
            "url": self.url,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "score": self.score,
        }


def retrieve(
    text: str,
    matching: Filter,
    archive: Archive,
    store: Store,
    embedder: Embedder,
    *,
    limit: int = 10,
    signals: Sequence[str] = SIGNALS,
    when: Asked | None = None,
    as_of: datetime | date | None = None,
) -> list[Hit]:
    """The best passages for a text, best first, by reciprocal rank fusion of the signals.

    With what a question says of time (`when`, read against `as_of`), articles of its period or of
    the days before the asking come a little higher, and what a later hit revises below it. A search
    is not a question: without `when` dates count for nothing.
    """
    query, depth = full_text_query(text), max(_DEPTH, limit)
    shelf, allowed = archive.shelf(), archive.matching_articles(matching)
    passing = np.isin(shelf.articles, allowed)
    may_count = (set(shelf.keys[passing].tolist()), set(allowed.tolist()))
    # Where a filter lets most through it is cheaper to drop a few of the best than to ask for it.
    is_wide = not len(passing) or float(passing.mean()) > 0.5

    def lexical(match: Callable[..., list[tuple[int, float]]], counting: set[int]) -> list[int]:
        if is_wide:
            reach = 3 * depth
            found = [key for key, _ in match(query, None, reach)]
            kept = [key for key in found if key in counting][:depth]
            if len(kept) == depth or len(found) < reach:
                return kept
        return [key for key, _ in match(query, matching, depth)]

    with ThreadPoolExecutor(2) as aside:  # SQLite and the embedder work beside each other
        vector = aside.submit(embedder.embed_question, text) if "dense" in signals else None
        articles = aside.submit(lexical, archive.match_articles, may_count[1])
        by_passage = lexical(archive.match_passages, may_count[0]) if "passages" in signals else []
        by_article = articles.result() if "articles" in signals else []
    rankings = [by_passage]
    if vector is not None:
        archive.require(dimension=str(vector.result().size))
        rankings.append(nearest(vector.result(), shelf, passing, archive, store, depth))
    article_of = dict(_articles_of(sorted(set().union(*rankings)), shelf, passing))
    scores = fuse([[pk for pk in ranking if pk in article_of][:depth] for ranking in rankings])
    of_article = fuse([by_article])
    for pk, article_pk in article_of.items():
        if pk in scores:
            scores[pk] += of_article.get(article_pk, 0.0)
    best = sorted(scores, key=lambda pk: (-scores[pk], pk))
    if when is None or as_of is None:
        found = archive.passages(best[:limit], matching)
    else:
        found = archive.passages(best[: max(_DEPTH, limit)], matching)
        for passage in found:
            scores[passage.pk] *= timeliness(when, as_of, passage.article.published)
        found = sorted(found, key=lambda passage: (-scores[passage.pk], passage.pk))[:limit]
        if when.wants_latest:
            _lower_revised(found, scores, archive, when)
            found.sort(key=lambda passage: (-scores[passage.pk], passage.pk))
    return [Hit(p.article, p.start, p.end, p.text, scores[p.pk]) for p in found]


def timeliness(when: Asked, as_of: datetime | date, published: datetime | date | None) -> float:
    """The factor, from 1 up, of an article's score for a question.

    It fades by e in ten days: from the period that the question states, in which an event is
    reported, else back from the day of asking.
    """
    if published is None:
        return 1.0
    day, today = day_of(published), day_of(as_of)
    first, last = when.first, when.last
    covers_today = bool(first and last and first <= today <= last)
    if first and last and first <= today and (covers_today or not when.is_now):
        weight = _DATED if when.is_publication or when.is_overview else _STATED
        days = max((first - day).days, (day - last).days, 0)
    else:
        weight = _NOW if when.is_now else _RECENT if when.wants_latest else 0.0
        days = max((today - day).days, 0)
    return 1 + weight * math.exp(-days / _FADING_DAYS)


def _lower_revised(
    found: list[StoredPassage], scores: dict[int, float], archive: Archive, when: Asked
) -> None:
    """Give each passage that a later one among the first ten revises a score just below that.

    A later passage of the same matter does so where the question is about now; else only one of an
    article that carries a correction or retraction.
    """
    dated = [
        (p, day_of(p.article.published)) for p in found[:_REVISED_AMONG] if p.article.published
    ]
    dated.sort(key=lambda pair: pair[1], reverse=True)  # the newest first: what it lowers stays so
    if not dated:
        return
    vectors = archive.vectors([passage.pk for passage, _ in dated])
    near = vectors @ vectors.T
    for at, (old, day) in enumerate(dated):
        for other, (new, later) in enumerate(dated[:at]):
            revises = when.is_now or any(mark.kind in _NOTICES for mark in new.article.marks)
            if later > day and revises and near[at, other] >= _SAME_MATTER:
                scores[old.pk] = min(scores[old.pk], scores[new.pk] * (1 - 1e-6))


def nearest(
    vector: Vectors,
    shelf: Shelf,
    passing: NDArray[np.bool_],
    archive: Archive,
    store: Store,
    depth: int,
) -> list[int]:
    """Numbers of the passages nearest to a vector among those that pass, best first."""
    keys = shelf.keys[passing]
    if shelf.vectors is None and len(keys) > _EXACT_UP_TO:
        every = len(shelf.keys)
        # A store that a dead process left unreadable is mended by the next writer.
        with suppress(IndexDamaged, IndexLocked, DiskError):
            return store.nearest(vector, min(every, int(depth * 1.5 * every / len(keys))))
    if not len(keys):
        return []
    if shelf.vectors is None:
        nearness = archive.vectors(keys.tolist()) @ vector
    else:
        nearness = (shelf.vectors @ vector)[passing]
    first = np.argpartition(-nearness, depth)[:depth] if depth < len(keys) else np.arange(len(keys))
    order = first[np.lexsort((keys[first], -nearness[first]))]
    best: list[int] = keys[order].tolist()
    return best


def _articles_of(
    keys: Sequence[int], shelf: Shelf, passing: NDArray[np.bool_]
) -> Iterator[tuple[int, int]]:
    """The article of each passage that passes."""
    for key, at in zip(keys, np.searchsorted(shelf.keys, keys), strict=True):
        if at < len(shelf.keys) and shelf.keys[at] == key and passing[at]:
            yield key, int(shelf.articles[at])


def fuse(rankings: Iterable[Sequence[int]]) -> dict[int, float]:
    """Reciprocal rank fusion: the sum of 1 / (60 + rank) over the rankings, rank from 1."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, key in enumerate(ranking, 1):
            scores[key] += 1 / (RRF_K + rank)
    return scores


def full_text_query(text: str) -> str:
    """An FTS5 expression that any content word of a text satisfies.

    >>> full_text_query('Who "resigned" in Brenik?')
    '"resigned" OR "brenik"'
    """
    found = words(text)
    content = [word for word in found if word not in STOP_WORDS] or found
    return " OR ".join(f'"{word}"' for word in dict.fromkeys(content))
