"""The articles that cases and citations speak of: to check spans, passages and copies.

>>> corpus = Corpus([Article(id="a", text="Rates rose. Prices fell.")])
>>> corpus.spans("Prices fell.", ["a"])
[Span(article_id='a', start=12, end=24)]
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from ..index.archive import Archive
from ..index.article import Article
from ..index.chunk import chunk
from .case import is_named


@dataclass(frozen=True, slots=True)
class Span:
    """Code points `start` to `end` of an article's stored text."""

    article_id: str
    start: int
    end: int

    def meets(self, other: "Span") -> bool:
        """Whether they share at least half of the shorter one."""
        shared = min(self.end, other.end) - max(self.start, other.start)
        shorter = min(self.end - self.start, other.end - other.start)
        return self.article_id == other.article_id and 0 < shorter <= 2 * shared


class Corpus:
    """Articles at hand, or those of an open archive; empty where a system keeps its own."""

    def __init__(
        self,
        articles: Iterable[Article] = (),
        *,
        archive: Archive | None = None,
        passage_chars: int = 1000,
    ) -> None:
        self._at_hand = {article.id: article for article in articles}
        self.archive = archive
        self._passage_chars = passage_chars
        self.ids: tuple[str, ...] = (*self._at_hand, *(archive.ids() if archive else ()))
        self.article = cache(self._article)
        self.passages = cache(self._passages)
        self.resolve = cache(self._resolve)

    def _article(self, article_id: str) -> Article | None:
        """The article with this id, if it is there."""
        if article_id in self._at_hand or self.archive is None:
            return self._at_hand.get(article_id)
        return self.archive.article(article_id)

    def origin(self, article_id: str) -> str:
        """The id of the article whose text this one runs, where the archive knows of another."""
        copies = self.archive.copies([article_id]) if self.archive else {}
        return next((c.id for c in copies.get(article_id, ()) if c.is_origin), article_id)

    def _resolve(self, name: str) -> str | None:
        """The id of the article that a case calls by this name."""
        if self.article(name):
            return name
        return next((found for found in self.ids if is_named(found, name)), None)

    def _passages(self, article_id: str) -> tuple[Span, ...]:
        """How the article is cut into passages."""
        article = self.article(article_id)
        found = chunk(article, self._passage_chars) if article else ()
        return tuple(Span(article_id, passage.start, passage.end) for passage in found)

    def spans(self, said: str, names: Sequence[str]) -> list[Span]:
        """Where the articles of these names (all, where none is named) say it word for word.

        Runs of white space count as equal.
        """
        pattern = re.compile(r"\s+".join(map(re.escape, said.split())))
        found = []
        for article_id in [self.resolve(name) for name in names] if names else self.ids:
            article = self.article(article_id) if article_id else None
            for match in pattern.finditer(article.text) if article else ():
                found.append(Span(article.id, *match.span()))  # type: ignore[union-attr]
        return found
