"""What may not be shown now: articles, and stored answers, with what is shown in their place.

shown = [redacted(a, why) if why else a for a, why in zip(answers, reasons(connection, answers))]
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ..article import Article
from . import rulings, tables, tombstones
from .filter import KILLED_HERE, Filter, conditions
from .sql import listed_ids

Stored = Mapping[str, Any]
"An answer as `Answer.to_dict` gives it."


def articles(connection: sa.Connection) -> list[Article]:
    """Published articles that may not be shown now: id, outlet, date and what keeps them back."""
    given = tables.articles.c
    query = sa.select(
        *(given.id, given.outlet, given.status),
        *(given.published_at, given.embargo_at, given.expires_at),
    ).where(
        given.version.is_not(None) | (given.status == KILLED_HERE),
        ~sa.and_(*conditions(Filter(retracted=True))),
    )
    return [
        Article(
            row.id,
            "",
            outlet=row.outlet,
            status=row.status,
            published=_moment(row.published_at),
            embargo_until=_moment(row.embargo_at),
            expires=_moment(row.expires_at),
        )
        for row in connection.execute(query.order_by(given.pk))
    ]


def _moment(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def killed(connection: sa.Connection) -> list[Article]:
    """What was killed by hand, also what is not here: id, and outlet and date where they are."""
    gone = [one["id"] for one in rulings.waiting(connection) if one["killed"]]
    held = {a.id: a for a in articles(connection) if a.status == KILLED_HERE}
    blank = {name: Article(name, "", status=KILLED_HERE) for name in gone}
    return [*(blank | held).values()]


def reasons(connection: sa.Connection, answers: Sequence[Stored]) -> list[str | None]:
    """Why each of the answers may not be shown now; None: it may. What was removed still may."""
    cited = [quoted(answer) for answer in answers]
    ids = sorted(set().union(*cited))
    query = (
        sa.select(
            tables.articles.c.id,
            sa.and_(*conditions(Filter(retracted=True))).label("is_shown"),
            tables.versions.c.facts,
        )
        .join(tables.versions, tables.IS_PUBLISHED)
        .where(tables.articles.c.id.in_(listed_ids(ids)))
    )
    held = {row.id: row for row in connection.execute(query)}
    found: dict[str, str] = {}
    for article_id in ids:
        row = held.get(article_id)
        if row is None:
            at = tombstones.erased_at(connection, tombstones.keys_of(article_id, None))
            if at is not None:
                found[article_id] = erased(at)
        elif not row.is_shown:
            found[article_id] = "an article that it cites may not be shown (withheld or expired)"
    limits = {key: json.loads(row.facts).get("excerpt_limit") for key, row in held.items()}
    return [_reason(one, found, limits) for one in cited]


def _reason(
    cited: Mapping[str, int], found: Mapping[str, str], limits: Mapping[str, int | None]
) -> str | None:
    for article_id, length in cited.items():
        limit = limits.get(article_id)
        if article_id in found:
            return found[article_id]
        if limit is not None and length > limit:
            return "it quotes more of an article than its rights now allow"
    return None


def erased(at: float) -> str:
    """What is said of an answer that cited an article which was erased then."""
    day = datetime.fromtimestamp(at, UTC)
    return f"an article that it cited was erased on {day.day} {day:%B %Y}"


def quoted(answer: Stored) -> Counter[str]:
    """The articles that an answer stands on, and how many characters of each it quotes."""
    found = Counter[str]()
    for citation in (*answer.get("citations", ()), *answer.get("nearest", ())):
        if "article_id" in citation:
            found[citation["article_id"]] += len(citation["quote"])
    for disagreement in answer.get("disagreements", ()):
        for position in disagreement["positions"]:
            found.update(dict.fromkeys(position["articles"], 0))
    return found


_EMPTY: Stored = {
    "status": "declined",
    "reason": "source_withheld",
    "newest_evidence": None,
    **{name: [] for name in ("statements", "citations", "disagreements", "nearest", "notes")},
}


def redacted(answer: Stored, why: str, question: str | None = None) -> dict[str, Any]:
    """The answer with nothing left of it but what was asked, and why."""
    asked = answer["question"] if question is None else question
    said = {"question": asked, "standalone_question": asked}
    return {**answer, **_EMPTY, **said, "text": f"This answer is not shown: {why}."}
