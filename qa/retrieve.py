"""Finds the passages that may answer a question: dense, lexical by passage, lexical by article.

hits = retrieve("Who resigned?", Filter(), archive, store, embedder, limit=10)
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..index.archive import Archive, Shelf
from ..index.article import Article, isoformat
from ..index.embed import Embedder, Vectors
from ..index.filter import Filter
from ..index.store import Store
from ..index.words import STOP_WORDS, words

SIGNALS = ("dense", "passages", "articles")
# Cormack, Clarke and Büttcher (SIGIR 2009) found 60 and flat around it.
RRF_K = 60
_DEPTH = 100  # ranks of each signal that count, or as many as are asked for
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
) -> list[Hit]:
    """The best passages for a text, best first, by reciprocal rank fusion of the signals."""
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
    best = sorted(scores, key=lambda pk: (-scores[pk], pk))[:limit]
    return [
        Hit(p.article, p.start, p.end, p.text, scores[p.pk])
        for p in archive.passages(best, matching)
    ]


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
