"""The published passages as a process that is asked holds them in memory: numbers and vectors.

shelf = read_shelf(connection, None); where = shelf.likely(vector, np.flatnonzero(passing))
shelf.nearness(vector, where)

Vectors are held as the signs of their numbers, a bit each, and as bytes (decisions 0016 and 0024).
Signs choose a fiftieth, bytes of these the best; the archive's own put them in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from . import tables
from .dialects import of

# Vectors of so many passages are held: 900 MB at 384 dimensions, where Chroma's own index would
# take 4 GB; comparing them all takes 40 ms.
HELD_IN_MEMORY = 2_000_000
_AT_ONCE = 512  # rows that stay in the processor's cache while they become floats
_WORDS_AT_ONCE = 16_384  # of signs, likewise
# Signs let so many through at least: of MiniLM's vectors and of harder ones the first ten of exact
# search were all among 2,000 of 114,000, of the first hundred .998 among 4,000.
_LIKELY, _LIKELY_SHARE = 8_000, 50


@dataclass(frozen=True, slots=True)
class Shelf:
    """Every published passage at one generation, in order of its number.

    What may not be shown is among them: `Archive.matching_articles` says which count.
    """

    generation: int
    made: str
    "with which embedder, and by which restore: else its numbers mean something else"
    keys: NDArray[np.int64]
    articles: NDArray[np.int64]
    "the number of each passage's article"
    codes: NDArray[np.int8] | None
    "a vector a passage, scaled to -127..127; None where there are more than are held in memory"
    scales: NDArray[np.float32]
    signs: NDArray[np.uint64]
    "which numbers of a vector are positive: a column a passage, as `codes`"

    def among(self, articles: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each passage is of one of these articles."""
        highest = max(self.articles.max(initial=0), articles.max(initial=0))
        wanted = np.zeros(highest + 1, np.bool_)
        wanted[articles] = True
        return wanted[self.articles]

    def places(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """Where each of these passages stands; -1 where it is not published."""
        wanted = np.asarray(keys, np.int64)
        at = np.searchsorted(self.keys, wanted)
        at[at == len(self.keys)] = -1
        return np.where(self.keys[at] == wanted, at, -1) if len(self.keys) else at

    def likely(self, vector: NDArray[np.float32], where: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the passages that stand there which may be nearest, all of some thousands."""
        count = max(_LIKELY, len(where) // _LIKELY_SHARE)
        if len(where) <= 2 * count:
            return where
        asked, apart = _signs(vector[None, :])[:, 0], np.empty(len(self.keys), np.uint16)
        for at in range(0, len(apart), _WORDS_AT_ONCE):
            some = slice(at, at + _WORDS_AT_ONCE)
            apart[some] = 0
            for row, word in zip(self.signs, asked, strict=True):
                apart[some] += np.bitwise_count(row[some] ^ word)
        return np.sort(where[np.argpartition(apart[where], count)[:count]])

    def nearness(
        self, vector: NDArray[np.float32], where: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """About the cosine (to a few thousandths) of the passages that stand there, in order."""
        assert self.codes is not None
        found = np.empty(len(where), np.float32)
        rows = np.empty((_AT_ONCE, self.codes.shape[1]), np.float32)
        is_all = len(where) == len(self.codes)
        for at in range(0, len(where), _AT_ONCE):
            some = slice(at, min(at + _AT_ONCE, len(where)))
            size = some.stop - at
            rows[:size] = self.codes[some] if is_all else self.codes[where[some]]
            np.dot(rows[:size], vector, out=found[some])
        return found * self.scales[where]


def read_shelf(connection: sa.Connection, before: Shelf | None) -> Shelf:
    """The shelf as it is now; of one from before, only what has changed since is read.

    Passages that are published later have greater numbers, which are never used again.
    """
    of(connection).snapshot(connection)
    meta = {row.key: row.value for row in connection.execute(sa.select(tables.meta))}
    generation = int(meta.get("generation", 0))
    made = f"{meta.get('embedder')} {meta.get('restored')}"
    if before is None or before.made != made or before.generation > generation:
        none = np.zeros(0, np.int64)
        codes, scales = _NONE, np.zeros(0, np.float32)
        before = Shelf(generation, made, none, none, codes, scales, _signs(codes))
    count = sa.select(sa.func.coalesce(sa.func.sum(tables.articles.c.passages), 0)).where(
        tables.articles.c.version.is_not(None)
    )
    total = connection.scalar(count) or 0
    published = sa.select(tables.passages.c.pk, tables.passages.c.article_pk)
    published = published.join(tables.articles, tables.IS_OF_PUBLISHED)
    published = published.order_by(tables.passages.c.pk)
    last = int(before.keys[-1]) if len(before.keys) else 0
    new = _pairs(connection, published.where(tables.passages.c.pk > last))
    if len(before.keys) + len(new) != total:  # something was withdrawn
        left = _pairs(connection, published.where(tables.passages.c.pk <= last))
        before = _only(before, np.isin(before.keys, left[:, 0], assume_unique=True))
    keys = np.concatenate((before.keys, new[:, 0]))
    articles = np.concatenate((before.articles, new[:, 1]))
    if len(keys) > HELD_IN_MEMORY or before.codes is None:
        return Shelf(generation, made, keys, articles, None, before.scales[:0], _signs(_NONE))
    codes, scales = _coded(connection, new[:, 0], int(meta.get("dimension", 0)))
    signs = _signs(codes)
    if len(before.codes):
        signs = np.concatenate((before.signs, signs), axis=1) if len(new) else before.signs
        codes = np.concatenate((before.codes, codes)) if len(new) else before.codes
        scales = np.concatenate((before.scales, scales))
    return Shelf(generation, made, keys, articles, codes, scales, signs)


_NONE = np.zeros((0, 0), np.int8)


def _signs(vectors: NDArray[Any]) -> NDArray[np.uint64]:
    """The signs of vectors, a column each."""
    bits = np.packbits(vectors > 0, axis=1)
    whole = np.pad(bits, ((0, 0), (0, -bits.shape[1] % 8)))
    return np.ascontiguousarray(whole.view(np.uint64).T)


def _pairs(connection: sa.Connection, query: sa.Select[tuple[int, int]]) -> NDArray[np.int64]:
    rows: Any = connection.execute(query).cursor  # its rows as they are: a third of the time
    flat = np.fromiter(chain.from_iterable(rows), np.int64)
    return flat.reshape(-1, 2)


def _only(shelf: Shelf, kept: NDArray[np.bool_]) -> Shelf:
    codes = None if shelf.codes is None else shelf.codes[kept]
    return replace(
        shelf,
        keys=shelf.keys[kept],
        articles=shelf.articles[kept],
        codes=codes,
        scales=shelf.scales[kept] if codes is not None else shelf.scales,
        signs=shelf.signs[:, kept] if codes is not None else shelf.signs,
    )


def _coded(
    connection: sa.Connection, keys: NDArray[np.int64], dimension: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """The vectors of these passages as bytes, and what each is scaled by."""
    if not len(keys):
        return np.zeros((0, dimension), np.int8), np.zeros(0, np.float32)
    codes, scales = np.zeros((len(keys), dimension), np.int8), np.zeros(len(keys), np.float32)
    query = sa.select(tables.vectors).where(
        tables.vectors.c.passage_pk.between(int(keys[0]), int(keys[-1]))
    )
    query = query.order_by(tables.vectors.c.passage_pk).execution_options(stream_results=True)
    for rows in connection.execute(query).partitions(2000):
        read = np.array([row.passage_pk for row in rows], np.int64)
        vectors = tables.vectors_of([row.vector for row in rows], dimension)
        at = np.minimum(np.searchsorted(keys, read), len(keys) - 1)
        wanted = keys[at] == read
        at, vectors = at[wanted], vectors[wanted]
        largest = np.maximum(np.abs(vectors).max(axis=1, initial=0), 1e-12)
        codes[at] = np.rint(vectors * (127 / largest)[:, None])
        scales[at] = largest / 127
    return codes, scales
