"""Keeps what is said of articles in the archive: by a person, or by another article.

    standing.by_hand(connection, "ledger-17", "The quoted report was forged.")
    standing.link(connection, [17])   # article 17 says "Retraction: ..." and names another

`articles.notice` holds both, apart from the source's facts, so that no re-add undoes them.
Each function runs inside the transaction of the connection that it is given (`Archive`).
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ..article import Article, day_start, isoformat
from ..notices import Announcement, announced, folded
from . import tables
from .dialects import of
from .filter import Filter, conditions

_ROWS = sa.select(tables.articles.c.pk, tables.articles.c.retracted_at, *tables.ARTICLE).where(
    tables.IS_PUBLISHED
)


def reconsider(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Bring what is held of these articles, and by them of others, to what is said now."""
    _reckon(connection, pks)
    here = _read(connection, tables.articles.c.pk.in_(pks))
    # Linking reads all that is held: 0.2 s of 200,000 articles.
    link(connection, [pk for pk, (_, one) in here.items() if announced(one)])


def by_hand(connection: sa.Connection, article_id: str, reason: str | None) -> bool | None:
    """Retract an article for a reason, or let it stand again (None).

    Whether that changed anything; None: there is no such article.
    """
    named = _ROWS.where(tables.articles.c.id == article_id)
    row = connection.execute(named).first()
    if row is None:
        return None
    date = isoformat(datetime.now(UTC).replace(microsecond=0))
    if reason is not None:
        _hold(connection, row.pk, hand={"kind": "retracted", "text": reason, "date": date})
        return True
    if row.retracted_at is None:
        return False
    _hold(connection, row.pk, hand=None)
    row = connection.execute(named).one()
    if row.retracted_at is not None:  # something else retracts it: the person is believed
        _hold(connection, row.pk, hand={"kind": None, "date": date})
    return True


def link(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Mark the articles that these correct or retract, and those of these that others do.

    Both must be of one outlet, the corrected one no younger, and the only one that is named so. One
    that may not be shown marks nothing until it may: then at the next call, for any article.
    """
    key = tables.articles.c.pk
    here = _read(connection, key.in_(pks))
    if not here:
        return
    _hush(connection, pks)
    waiting, due = _waiting(connection, [article for _, article in here.values()])
    earlier = _read(connection, key.in_(waiting | due), key.not_in(pks), *conditions(Filter()))
    shown = set(connection.scalars(sa.select(key).where(key.in_(pks), *conditions(Filter()))))
    told_by = _told_by(connection)
    for row, article in (here | earlier).values():
        said = announced(article)
        if said is None or article.outlet is None:
            _take_back(connection, told_by[row.pk])
            continue
        is_shown = row.pk not in here or row.pk in shown
        known = here if row.pk in waiting - due - here.keys() else _named(connection, article, said)
        meant = [
            target
            for pk, (target, one) in known.items()
            if is_shown and pk != row.pk and said.names(one) and _may_mean(article, one)
        ]
        if is_shown:
            _take_back(connection, told_by[row.pk] - {target.pk for target in meant})
        if len(meant) == 1:
            told = {"kind": said.kind, "text": said.said, "date": isoformat(article.published)}
            told |= {"link": article.url, "until": tables.columns(article)["expires_at"]}
            _hold(connection, meant[0].pk, other=told | {"pk": row.pk})
        names = None if meant else sorted(said.headlines | said.addresses)
        _hold(connection, row.pk, names=names, due=not is_shown)


def forget(connection: sa.Connection, pk: int) -> None:
    """Drop what notices of other articles hold of the text of this one, which is going."""
    notice = tables.articles.c.notice
    for row in connection.execute(_ROWS.where(notice.contains(f'"pk": {pk}}}'))).all():
        other = json.loads(row.notice)["other"]
        _hold(connection, row.pk, other={"kind": other["kind"], "date": other["date"]})


def _hush(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Drop the words of those of these articles that may not be shown from notices of others."""
    key, may_be_shown = tables.articles.c.pk, conditions(Filter(retracted=True))
    query = sa.select(key).where(key.in_(pks))
    hidden = set(connection.scalars(query)) - set(connection.scalars(query.where(*may_be_shown)))
    for pk, notes in _held(connection).items() if hidden else ():
        if (other := notes.get("other", {})).get("pk") in hidden:
            _hold(connection, pk, other={name: other[name] for name in ("kind", "date", "pk")})


def _told_by(connection: sa.Connection) -> defaultdict[int, set[int]]:
    """The articles that others correct or retract, by the number of the one that does."""
    found = defaultdict(set)
    for pk, notes in _held(connection).items():
        if by := notes.get("other", {}).get("pk"):
            found[by].add(pk)
    return found


def _take_back(connection: sa.Connection, pks: Iterable[int]) -> None:
    for pk in pks:
        _hold(connection, pk, other=None)


def _held(connection: sa.Connection) -> dict[int, dict[str, Any]]:
    """What is held, by the number of the article that it is said of."""
    query = sa.select(tables.articles.c.pk, tables.articles.c.notice)
    rows = connection.execute(query.where(tables.articles.c.notice.is_not(None)))
    return {row.pk: json.loads(row.notice) for row in rows}


def _waiting(connection: sa.Connection, given: Sequence[Article]) -> tuple[set[int], set[int]]:
    """Articles that name one of these, and named none of those that were there before.

    And those that named none because they could not be shown.
    """
    names = {name for one in given for name in (folded(one.title or ""), one.id, one.url) if name}
    held = _held(connection)
    waiting = {pk for pk, notes in held.items() if not names.isdisjoint(notes.get("names", ()))}
    return waiting, {pk for pk, notes in held.items() if notes.get("due")}


def _read(
    connection: sa.Connection, *matching: sa.ColumnElement[bool]
) -> dict[int, tuple[Any, Article]]:
    rows = connection.execute(_ROWS.where(*matching)).all()
    return {row.pk: (row, tables.article_of(row)) for row in rows}


def _named(
    connection: sa.Connection, article: Article, said: Announcement
) -> dict[int, tuple[Any, Article]]:
    """Articles that an announcement may mean, by the words of their headline or their address."""
    ways: list[sa.ColumnElement[bool]] = []
    if said.headlines:
        phrases = " OR ".join(f'"{one}"' for one in sorted(said.headlines))
        found = of(connection).with_words("articles_text", f"title : ({phrases})")
        ways.append(tables.articles.c.pk.in_(found))
    for address in said.addresses:
        ways.append(tables.articles.c.id == address)
        told = json.dumps({"url": address})[1:-1]
        ways.append(tables.versions.c.facts.contains(told, autoescape=True))
    if not ways:
        return {}
    return _read(connection, tables.articles.c.outlet == article.outlet, sa.or_(*ways))


def _may_mean(announcing: Article, other: Article) -> bool:
    if announcing.outlet != other.outlet:
        return False
    if not (announcing.published and other.published):
        return True
    return day_start(other.published).date() <= day_start(announcing.published).date()


def _hold(connection: sa.Connection, pk: int, **told: Any) -> None:
    """Hold what was said, in place of what the same voice said before."""
    notice = tables.articles.c.notice
    before = connection.scalar(sa.select(notice).where(tables.articles.c.pk == pk))
    held = (json.loads(before) if before else {}) | told
    held = {voice: said for voice, said in held.items() if said}
    _update(connection, pk, notice=json.dumps(held) if held else None)
    _reckon(connection, [pk])


def _reckon(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Bring `retracted_at` to what is said of these articles now."""
    for row in connection.execute(_ROWS.where(tables.articles.c.pk.in_(pks))).all():
        notice, at = tables.article_of(row).notice, None
        if notice and notice.kind == "retracted":
            at = row.retracted_at or time.time()
            at = tables.seconds(day_start(notice.date)) if notice.date else at
        if at != row.retracted_at:
            _update(connection, row.pk, retracted_at=at)


def _update(connection: sa.Connection, pk: int, **values: Any) -> None:
    connection.execute(tables.articles.update().where(tables.articles.c.pk == pk).values(**values))
