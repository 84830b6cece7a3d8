"""Finds the passages that may answer a question: dense, lexical by passage, lexical by article.

hits = retrieve("Who resigned?", Filter(), archive, store, embedder, limit=10)
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DiskError, IndexDamaged, IndexLocked
from ..index.archive import Archive
from ..index.archive.filter import Filter
from ..index.archive.reads import StoredPassage
from ..index.archive.shelf import Shelf
from ..index.article import Article, day_of, isoformat
from ..index.chunk import sentence_spans
from ..index.embed import Embedder, Vectors
from ..index.rights import Excerpts, cut
from ..index.store import Store
from ..index.words import STOP_WORDS, stems, words
from .stand_in import in_place_of
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
_OUTLET_NAMED = 0.3  # of an outlet that the question names; chosen on even questions of multihop
_REVISED_AMONG = 10
_SAME_MATTER = 0.7  # cosine
_NOTICES = ("correction", "retraction")
# In an index of more passages than the shelf holds, the vectors that the filter lets through are
# read and compared one by one up to here, which is exact; above it the vector index is asked for
# more than is needed and the filter drops the rest.
_EXACT_UP_TO = 5000
# Where a filter lets more through than this share it is cheaper to rank all and to drop some than
# to let SQLite look up each (decision 0016).
_DROPPED_ABOVE = 0.3
Ranking = list[int]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found: `article.text[start:end] == text`."""

    article: Article
    start: int
    end: int
    text: str
    score: float
    "of reciprocal rank fusion: comparable within one search only"
    origin: int | None = None
    "the same number for articles that run one text; None where that was not looked up"
    instructs: bool = False
    "whether its passage instructs a machine that reads; that part is left out of it"

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
            "notice": self.article.notice and self.article.notice.to_dict(),
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

    Of articles that run one text one is shown.

    Articles of outlets that the text names come higher. With what a question says of time (`when`,
    read against `as_of`) those of its period and of the days before the asking do, too, and what a
    later hit revises comes below it; a search has neither.
    """
    depth = max(_DEPTH, limit)
    scores, origin = _scores(text, matching, archive, store, embedder, depth, signals, limit=limit)
    best = sorted(scores, key=lambda pk: (-scores[pk], pk))
    found = archive.passages(best[:depth], matching)
    for passage in found:
        article = passage.article
        if when and as_of:
            scores[passage.pk] *= timeliness(when, as_of, article.published)
        scores[passage.pk] *= 1 + _OUTLET_NAMED * is_named(article.outlet, text)
    found = sorted(found, key=lambda passage: (-scores[passage.pk], passage.pk))[:limit]
    if when and when.wants_latest:
        _lower_revised(found, scores, archive, when, origin)
        found.sort(key=lambda passage: (-scores[passage.pk], passage.pk))
    hits = [Hit(p.article, p.start, p.end, p.text, scores[p.pk], origin[p.pk]) for p in found]
    return within_rights(hits, text)


def within_rights(hits: Iterable[Hit], text: str) -> list[Hit]:
    """Hits cut to what may be quoted of their articles in all, where most words of a text are.

    Of an article that may not be quoted any further, no hit is left but the first, without text.
    """
    wanted, excerpts, found = set(stems(text)), Excerpts(), dict[tuple[str, int, int], Hit]()
    for hit in hits:
        article, start, end = hit.article, hit.start, hit.end
        if article.excerpt_limit is not None and end - start > (room := excerpts.room(article)):
            spans = sentence_spans(article.text, start, end, article.language)
            windows = [(left, cut(article, left, end, room, whole=True)) for left, _ in spans]
            start, end = max(
                windows, key=lambda w: len(wanted & set(stems(article.text[slice(*w)])))
            )
        start, end = excerpts.take(article, start, end)
        if start < end or all(other.article_id != hit.article_id for other in found.values()):
            cut_hit = replace(hit, start=start, end=end, text=article.text[start:end])
            found[hit.article_id, start, end] = cut_hit
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Scope:
    """What of the index counts for a search."""

    matching: Filter
    shelf: Shelf
    articles: NDArray[np.int64]
    passing: NDArray[np.bool_]
    "of the shelf's passages"
    spent: frozenset[int]
    "articles that are left out: copies, where they took the ranks of others"

    def passages(self, keys: Sequence[int]) -> NDArray[np.bool_]:
        """Which of the passages count."""
        at = self.shelf.places(keys)
        return (at >= 0) & self.passing[at] if len(self.passing) else at >= 0

    def ranked(
        self,
        match: Callable[..., list[tuple[int, float]]],
        query: str,
        counts: Callable[..., Any],
        depth: int,
    ) -> Ranking:
        """The first that count of a full-text ranking."""
        share = float(self.passing.mean()) if len(self.passing) else 1.0
        if share > _DROPPED_ABOVE:
            reach = int(2 * depth / share)
            found = np.array([key for key, _ in match(query, None, reach)], np.int64)
            kept: Ranking = found[counts(found)][:depth].tolist()
            if len(kept) == depth or len(found) < reach:
                return kept
        if not self.spent:
            return [key for key, _ in match(query, self.matching, depth)]
        found = np.array([key for key, _ in match(query, self.matching, 3 * depth)], np.int64)
        kept = found[counts(found)][:depth].tolist()
        return kept


def _scores(
    text: str,
    matching: Filter,
    archive: Archive,
    store: Store,
    embedder: Embedder,
    depth: int,
    signals: Sequence[str],
    *,
    limit: int,
    spent: frozenset[int] = frozenset(),
) -> tuple[dict[int, float], dict[int, int]]:
    """Passages that some signal ranks, with their fused scores, and the origin of each's article.

    `spent` are articles that are left out.
    """
    shelf, allowed = archive.shelf(), archive.matching_articles(matching)
    allowed = allowed[~np.isin(allowed, list(spent))] if spent else allowed
    scope = _Scope(matching, shelf, allowed, shelf.among(allowed), spent)
    by_article, rankings = _rankings(text, scope, archive, store, embedder, depth, signals)
    article_of = _articles_of(sorted(set().union(*rankings)), scope)
    rankings = [[pk for pk in ranking if pk in article_of][:depth] for ranking in rankings]
    group_of = archive.origins([*article_of.values(), *by_article])
    all_groups = np.array(sorted({*group_of.values()}), np.int64)
    among = set(all_groups[np.isin(all_groups, allowed)].tolist())
    same = in_place_of(text, rankings, article_of, group_of, shelf, among, archive)
    origin = {pk: group_of[article] for pk, article in article_of.items()}
    origin |= {shown: origin[pk] for pk, shown in same.items()}
    scores = fuse(list(dict.fromkeys(same.get(pk, pk) for pk in ranking)) for ranking in rankings)
    is_cut = any(len(ranking) == depth for ranking in rankings)
    if same and not spent and is_cut and len(scores) < limit:  # once more, without the copies
        article_of |= _articles_of(sorted(set(same.values())), scope)
        shown, groups = {article_of.get(pk) for pk in scores}, {origin[pk] for pk in same}
        members = archive.origins(allowed.tolist()).items()
        copies = frozenset(pk for pk, group in members if group in groups) - shown
        parts = (text, matching, archive, store, embedder, depth, signals)
        return _scores(*parts, limit=limit, spent=copies)
    of_article = fuse([list(dict.fromkeys(group_of[pk] for pk in by_article))])
    for pk in scores:
        scores[pk] += of_article.get(origin[pk], 0.0)
    return scores, origin


def _rankings(
    text: str,
    scope: _Scope,
    archive: Archive,
    store: Store,
    embedder: Embedder,
    depth: int,
    signals: Sequence[str],
) -> tuple[Ranking, list[Ranking]]:
    """The ranking of articles, and those of passages; an empty one for a signal that is off."""
    query = full_text_query(text)

    def dense() -> Ranking:
        vector = embedder.embed_question(text)
        archive.require(dimension=str(vector.size))
        return nearest(vector, scope.shelf, scope.passing, archive, store, depth)

    def whole() -> Ranking:
        def counts(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
            return np.isin(keys, scope.articles)

        return scope.ranked(archive.match_articles, query, counts, depth)

    with ThreadPoolExecutor(2) as aside:  # SQLite, numpy and the embedder work beside each other
        by_vector = aside.submit(dense) if "dense" in signals else None
        articles = aside.submit(whole) if "articles" in signals else None
        by_passage = (
            scope.ranked(archive.match_passages, query, scope.passages, depth)
            if "passages" in signals
            else []
        )
        by_article = articles.result() if articles else []
    return by_article, [by_passage, *([by_vector.result()] if by_vector else [])]


def _articles_of(keys: Sequence[int], scope: _Scope) -> dict[int, int]:
    """The article of each passage that counts."""
    shelf = scope.shelf
    kept = zip(keys, scope.passages(keys), shelf.places(keys), strict=True)
    return {pk: int(shelf.articles[at]) for pk, good, at in kept if good}


def is_named(outlet: str | None, text: str) -> bool:
    """Whether a text names an outlet, its article aside: "as the Ledger reported"."""
    name = re.escape((outlet or "").removeprefix("The "))
    return bool(name and re.search(rf"(?<!\w){name}(?!\w)", text))


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
    found: list[StoredPassage],
    scores: dict[int, float],
    archive: Archive,
    when: Asked,
    origin: dict[int, int],
) -> None:
    """Give each passage that a later one among the first ten revises a score just below that.

    A later passage of the same matter does so where the question is about now; else only one of an
    article that carries a correction or retraction: what its outlet said, or ran the same text.
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
            is_its_own = new.article.outlet == old.article.outlet or (
                origin[new.pk] == origin[old.pk]
            )
            is_notice = any(mark.kind in _NOTICES for mark in new.article.marks)
            revises = when.is_now or (is_notice and is_its_own)
            if later > day and revises and near[at, other] >= _SAME_MATTER:
                scores[old.pk] = min(scores[old.pk], scores[new.pk] * (1 - 1e-6))


def nearest(
    vector: Vectors,
    shelf: Shelf,
    passing: NDArray[np.bool_],
    archive: Archive,
    store: Store,
    depth: int,
) -> Ranking:
    """Numbers of the passages nearest to a vector among those that pass, best first."""
    where = np.flatnonzero(passing)
    if shelf.codes is None and len(where) > _EXACT_UP_TO:
        every = len(shelf.keys)
        # A store that a dead process left unreadable is mended by the next writer.
        with suppress(IndexDamaged, IndexLocked, DiskError):
            wanted = min(every, int(depth * 1.5 * every / len(where)))
            if found := store.nearest(vector, wanted):  # none: it is being made anew
                return found
    if shelf.codes is not None and len(where) > 2 * depth:
        where = shelf.likely(vector, where)
        about = shelf.nearness(vector, where)
        where = np.sort(where[np.argpartition(-about, 2 * depth)[: 2 * depth]])
    if not len(where):
        return []
    keys = shelf.keys[where]
    exact = archive.vectors(keys.tolist()) @ vector
    best: Ranking = keys[np.lexsort((keys, -exact))][:depth].tolist()
    return best


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
