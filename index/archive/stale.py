"""Which citations of stored answers no longer hold, reckoned when they are looked at.

for one in stale_citations(turn.answer, standings): print(one.number, one.reason, one.now)
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from ..article import Article, Notice, isoformat
from ..history import nearest
from ..rights import UNSAID, within
from . import tables
from .filter import Filter, conditions


@dataclass(frozen=True, slots=True)
class Stale:
    """A citation of a stored answer, and what has become of what it cites."""

    number: int
    article_id: str
    reason: str
    "removed | retracted | corrected | changed"
    said: str | None
    "the notice, where it was retracted or corrected"
    date: datetime | date | None
    "of the notice, else when the article was last updated"
    now: str | None
    "the sentence that stands there now, where it can be found and says something else"

    @property
    def summary(self) -> str:
        """In a line, for a reader."""
        when = f" ({isoformat(self.date)[:10]})" if self.date else ""  # type: ignore[index]
        told = f": {self.said}" if self.said else ""
        now = f"; now: {self.now}" if self.now else ""
        return f"[{self.number}] {_REASONS[self.reason]}{when}{told}{now}"


_REASONS = {
    "removed": "its article is no longer there",
    "retracted": "its article was retracted",
    "corrected": "its article was corrected",
    "changed": "its article no longer says this",
}
Standings = Mapping[str, Article]
"the articles, as they may be shown now, by id"


def standings(connection: sa.Connection, answers: Iterable[Mapping[str, Any]]) -> Standings:
    """What the articles that these answers cite are now, in one query."""
    ids = {one["article_id"] for answer in answers for one in answer.get("citations", ())}
    if not ids:
        return {}
    query = sa.select(*tables.ARTICLE).where(
        tables.articles.c.id.in_(sorted(ids)),
        tables.IS_PUBLISHED,
        *conditions(Filter(retracted=True)),
    )
    return {row.id: tables.article_of(row) for row in connection.execute(query)}


def stale_citations(answer: Mapping[str, Any], now: Standings) -> Iterator[Stale]:
    """The citations of an answer whose article was removed, retracted, corrected or changed since.

    Changed is one only where the words of its quote are no longer in the published version.
    """
    for cited in answer.get("citations", ()):
        number, article_id = cited["number"], cited["article_id"]
        article, told = now.get(article_id), cited.get("notice") or {}
        if article is None:
            yield Stale(number, article_id, "removed", None, None, None)
            continue
        quote = " ".join(cited["quote"].split())
        holds = quote in " ".join(article.text.split())
        shown = within(article)
        stands = None if holds else nearest(quote, shown)
        notice, updated = article.notice, article.updated
        if notice and _is_news(notice, told):
            said = shown.notice.text if shown.notice else None
            when = notice.date or updated
            yield Stale(number, article_id, notice.kind, said, when, stands)
        elif not holds:
            yield Stale(number, article_id, "changed", None, updated, stands)


def _is_news(notice: Notice, told: Mapping[str, Any]) -> bool:
    if told.get("text") == UNSAID:
        return (notice.kind, isoformat(notice.date)) != (told["kind"], told["date"])
    return (notice.kind, notice.text) != (told.get("kind"), told.get("text"))
