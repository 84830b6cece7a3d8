"""Whose text each article runs: groups of copies, found as articles come, change and go.

    place(connection, [pk])   # after its text was published or its facts were renewed
    leave(connection, [pk])   # before its row is deleted

A group is one origin, whose `origin_pk` is null, and the articles that point to it. Each function
runs inside the transaction of the connection that it is given.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from ..article import Article, day_end
from ..copies import bands, overlap, scheme
from . import tables
from .filter import Filter, conditions
from .sql import ignoring

# A band of a form that is filled in daily, or of a text that everybody runs, has thousands of
# members: the newest are looked at, and the oldest, who hold a group together.
_MANY, _OLDEST, _NEWEST, _COMPARED, _OF_A_GROUP = 1000, 8, 32, 16, 3
_ELECTORATE = 4  # members of a group whose texts are read to choose its origin
_PLACED_AGAIN = 16  # members of a group that is torn up and made anew when one leaves it
_BATCH = 256  # articles
_AGENCIES = (
    "Reuters|Associated Press|AP|Agence France[- ]Presse|AFP|dpa|Deutsche Presse-Agentur|"
    "Press Association|PA Media|PA|UPI|Bloomberg|Xinhua|Tass|ANSA|EFE|Kyodo|Yonhap|APA|PTI|ANP|"
    "Canadian Press|AAP"
)
_IS_AGENCY = re.compile(rf"(?:the )?(?:{_AGENCIES})(?: news)?", re.I)
# Where an agency is named as the author: a dateline, a credit at either end.
_CREDITED = re.compile(
    rf"\((?:{_AGENCIES})\)|(?:©|\(c\)|copyright|source:|reporting by|via|by the|by)\s+"
    rf"(?:\d{{4}} )?(?:the )?(?:{_AGENCIES})\b|^(?:{_AGENCIES})$",
    re.M,
)
_HEAD, _TAIL = 300, 400  # characters where a credit may stand
_TOLD = r"(?:told|by|from|in|via|on|to|©|[Ss]ource:|courtesy of)"


@dataclass(frozen=True, slots=True)
class Copy:
    """Another article that runs the same text."""

    id: str
    outlet: str | None
    is_origin: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """What a kill or a retraction reached, and what it did not."""

    ids: tuple[str, ...]
    copies: tuple[str, ...]
    "other articles that run the same text and go on answering"


_BANDS = tables.bands.c
_ARTICLES = tables.articles.c
_GROUP = sa.func.coalesce(_ARTICLES.origin_pk, _ARTICLES.pk).label("origin")
_PUBLISHED = sa.select(
    _ARTICLES.pk, _GROUP, _ARTICLES.outlet, _ARTICLES.published_at, *tables.ARTICLE
).where(tables.IS_PUBLISHED)
# Statements of every article that comes are made once.
_THESE = _PUBLISHED.where(_ARTICLES.pk.in_(sa.bindparam("pks", expanding=True)))
_ORIGIN = sa.select(_GROUP).where(_ARTICLES.pk == sa.bindparam("pk"))
_IN_GROUPS = _ARTICLES.pk.in_(sa.bindparam("origins", expanding=True)) | _ARTICLES.origin_pk.in_(
    sa.bindparam("origins", expanding=True)
)
_NEAR = (
    sa.select(_BANDS.article_pk)
    .where(_BANDS.band.in_(sa.bindparam("bands", expanding=True)))
    .limit(_MANY)
)
_SOME = sa.select(_ARTICLES.pk).where(_IN_GROUPS).limit(_ELECTORATE)
_MOVE = tables.articles.update().where(_IN_GROUPS).values(origin_pk=sa.bindparam("chosen"))
_ONE, _OTHER = (
    (_ARTICLES.pk == sa.bindparam(name)) | (_ARTICLES.origin_pk == sa.bindparam(name))
    for name in ("one", "other")
)
_SHARED = sa.select(_ARTICLES.pk).where(
    _OTHER, _ARTICLES.outlet.in_(sa.select(_ARTICLES.outlet).where(_ONE).correlate(None))
)


def place(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Find the copies of published articles, and set the origin of everything in their groups."""
    leave(connection, pks)
    for at in range(0, len(pks), _BATCH):
        rows = connection.execute(_PUBLISHED.where(_ARTICLES.pk.in_(pks[at : at + _BATCH]))).all()
        found = {row.pk: bands(row.text) for row in rows}
        members = [{"band": band, "article_pk": pk} for pk in found for band in found[pk]]
        if members:
            connection.execute(ignoring(connection, tables.bands), members)
        for row in sorted(rows, key=lambda row: row.pk):
            _join(connection, row, found[row.pk])


def leave(connection: sa.Connection, pks: Sequence[int]) -> None:
    """Take articles out of their groups; those who stay are grouped anew, without them."""
    going = list(pks)
    connection.execute(tables.bands.delete().where(_BANDS.article_pk.in_(going)))
    origins = connection.scalars(
        sa.select(_ARTICLES.origin_pk).where(
            _ARTICLES.origin_pk.is_not(None)
            & (_ARTICLES.pk.in_(going) | _ARTICLES.origin_pk.in_(going))
        )
    )
    groups = set(origins)
    if not groups:
        return
    staying = {
        origin: list(connection.scalars(_members([origin]).where(_ARTICLES.pk.not_in(going))))
        for origin in sorted(groups)
    }
    _point(connection, _ARTICLES.pk.in_(going), None)
    for origin, members in staying.items():
        if len(members) > _PLACED_AGAIN:
            if origin in going:
                _hand_over(connection, origin)
        elif members != [origin]:
            _point(connection, _ARTICLES.pk.in_(members), None)
            for row in connection.execute(_PUBLISHED.where(_ARTICLES.pk.in_(members))).all():
                _join(connection, row, bands(row.text))


def place_more(connection: sa.Connection, noted: str | None) -> str:
    """One step of placing what an older release left without bands; what to note of it.

    That is `placed_all()` in the end; on the way it begins with the step that comes next.
    """
    done, _, last = (noted or "").partition(" ")
    if done != scheme():
        connection.execute(tables.bands.delete())
        _point(connection, _ARTICLES.origin_pk.is_not(None), None)
        last = "0"
    query = tables.MATCHING_ARTICLES.where(_ARTICLES.pk > int(last)).order_by(_ARTICLES.pk)
    pks = list(connection.scalars(query.limit(_BATCH)))
    place(connection, pks)
    return f"{scheme()} {pks[-1]}" if pks else placed_all()


def placed_all() -> str:
    """What is noted of an index all of whose articles have this release's bands."""
    return f"{scheme()} all"


def origins_of(connection: sa.Connection, pks: sa.Select[Any]) -> dict[int, int]:
    """The origin of each article, itself where its text is its own."""
    query = sa.select(_ARTICLES.pk, _GROUP).where(_ARTICLES.pk.in_(pks))
    return {pk: origin for pk, origin in connection.execute(query)}


def copies_of(
    connection: sa.Connection, ids: Sequence[str], matching: Filter
) -> dict[str, list[Copy]]:
    """The other articles that run the text of each, the earliest first, where they match."""
    asked = tables.articles.alias("asked")
    group = sa.func.coalesce(asked.c.origin_pk, asked.c.pk)
    query = (
        sa.select(asked.c.id.label("of"), _ARTICLES.id, _ARTICLES.outlet, _ARTICLES.origin_pk)
        .join(asked, (_ARTICLES.pk == group) | (_ARTICLES.origin_pk == group))
        .where(asked.c.id.in_(ids), _ARTICLES.pk != asked.c.pk, _ARTICLES.version.is_not(None))
        .where(*conditions(matching))
        .order_by(_ARTICLES.published_at.asc().nulls_last(), _ARTICLES.pk)
    )
    found: dict[str, list[Copy]] = {}
    for row in connection.execute(query):
        found.setdefault(row.of, []).append(Copy(row.id, row.outlet, row.origin_pk is None))
    return found


def same_text(connection: sa.Connection, pks: Sequence[int], *shown: Any) -> list[str]:
    """Ids of all other articles that run the text of these, in whatever version, if `shown`."""
    texts = sa.select(tables.versions.c.text).where(tables.versions.c.article_pk.in_(pks))
    of_text = sa.select(tables.versions.c.article_pk).where(tables.versions.c.text.in_(texts))
    origins = sa.select(_GROUP).where(_ARTICLES.pk.in_(pks))
    is_copy = _ARTICLES.pk.in_(of_text) | _GROUP.in_(origins)
    query = sa.select(_ARTICLES.id).where(is_copy, _ARTICLES.pk.not_in(pks), *shown)
    return list(connection.scalars(query.order_by(_ARTICLES.pk)))


def outlets_of(copies: Iterable[Copy], outlet: str | None) -> tuple[str, ...]:
    """The outlets of copies, each once, but for the one whose article they are copies of."""
    return tuple(dict.fromkeys(c.outlet for c in copies if c.outlet and c.outlet != outlet))


def _join(connection: sa.Connection, row: Any, its_bands: Sequence[int]) -> None:
    """Put an article into the groups of its copies, the most alike first: they become one.

    A group has one article of an outlet: another one there is a version of the story.
    """
    found: dict[int, float] = {}
    compared: Counter[int] = Counter()
    for other in _candidates(connection, row.pk, its_bands):
        is_version = row.outlet is not None and row.outlet == other.outlet
        if not is_version and other.origin not in found and compared[other.origin] < _OF_A_GROUP:
            compared[other.origin] += 1
            if alike := overlap(row.text, other.text):
                found[other.origin] = alike
    if not found:
        return
    joined: int = connection.execute(_ORIGIN, {"pk": row.pk}).scalar_one()
    for origin in sorted(found, key=lambda origin: (-found[origin], origin)):
        if origin == joined:
            continue
        shared = connection.execute(_SHARED, {"one": joined, "other": origin}).first()
        if shared is None:
            joined = _elect(connection, joined, origin)


def _candidates(connection: sa.Connection, pk: int, its_bands: Sequence[int]) -> list[Any]:
    """Published articles that share most bands with one."""
    if not its_bands:
        return []
    near = list(connection.scalars(_NEAR, {"bands": its_bands}))
    if len(near) == _MANY:
        values = {f"b{at}": band for at, band in enumerate(its_bands)}
        near = list(connection.scalars(_sharing(len(its_bands)), values))
    shared = Counter(near)
    del shared[pk]
    if not shared:
        return []
    first = [other for other, _ in sorted(shared.items(), key=lambda o: (-o[1], o[0]))[:_COMPARED]]
    rows = connection.execute(_THESE, {"pks": first})
    return sorted(rows, key=lambda row: first.index(row.pk))


@cache
def _sharing(number: int) -> sa.TextClause:
    """The oldest and the newest members of so many bands: a common one costs no more."""
    each = (
        f"SELECT article_pk FROM (SELECT article_pk FROM bands WHERE band = :b{at} "
        f"ORDER BY article_pk {order} LIMIT {limit}) AS {order}{at}"
        for at in range(number)
        for order, limit in (("ASC", _OLDEST), ("DESC", _NEWEST))
    )
    return sa.text(" UNION ALL ".join(each))


def _members(origins: Sequence[int]) -> sa.Select[Any]:
    return sa.select(_ARTICLES.pk).where(
        _ARTICLES.pk.in_(origins) | _ARTICLES.origin_pk.in_(origins)
    )


def _elect(connection: sa.Connection, one: int, other: int) -> int:
    """Make two groups one; its origin is the article that is named, else the earliest.

    The origins of both stand, and a few of those that ran the text, who may name another.
    """
    some = connection.scalars(_SOME, {"origins": [one, other]})
    chosen = _chosen(connection, list({one, other, *some}))
    moved = [origin for origin in (one, other) if origin != chosen]
    connection.execute(_MOVE, {"origins": moved, "chosen": chosen})
    if chosen not in (one, other):
        _point(connection, _ARTICLES.pk == chosen, None)
    return chosen


def _hand_over(connection: sa.Connection, origin: int) -> None:
    """Give a large group whose origin has left another one."""
    staying = _members([origin]).where(_ARTICLES.pk != origin)
    earliest = staying.order_by(_ARTICLES.published_at.asc().nulls_last(), _ARTICLES.pk)
    chosen = _chosen(connection, list(connection.scalars(earliest.limit(_ELECTORATE))))
    _point(connection, _ARTICLES.origin_pk == origin, chosen)
    _point(connection, _ARTICLES.pk == chosen, None)


def _chosen(connection: sa.Connection, pks: Sequence[int]) -> int:
    rows = connection.execute(_THESE, {"pks": pks}).all()
    articles = {row.pk: tables.article_of(row) for row in rows}

    def order(row: Any) -> tuple[int, float, int]:
        others = [article for pk, article in articles.items() if pk != row.pk]
        published = articles[row.pk].published  # a bare date may be any time of the day
        moment = tables.seconds(day_end(published)) if published else float("inf")
        return -_claim(articles[row.pk], others), moment, row.pk

    chosen: int = min(rows, key=order).pk
    return chosen


def _claim(article: Article, others: Iterable[Article]) -> int:
    """How an article is named as the source: 2 itself or by another, 1 by a credit of its own."""
    outlet = article.outlet or ""
    if _IS_AGENCY.fullmatch(outlet) or any(names(other, outlet) for other in others):
        return 2
    return int(is_credited(article))


def is_credited(article: Article) -> bool:
    """Whether byline, dateline or a line at either end says that an agency wrote it.

    An outlet that puts its own name into the dateline is one.
    """
    if any(_IS_AGENCY.fullmatch(author.strip()) for author in article.authors):
        return True
    marked = [article.text[m.start : m.end] for m in article.marks if m.kind == "byline"]
    head, tail = article.text[:_HEAD], article.text[-_TAIL:]
    signs = bool(article.outlet) and f"({article.outlet})" in head
    return signs or any(map(_CREDITED.search, (head, tail, *marked)))


def names(article: Article, outlet: str) -> bool:
    """Whether an article says that it has something from an outlet.

    >>> names(Article(id="a", text="She told the Castrine Herald that."), "Castrine Herald")
    True
    """
    name = outlet.removeprefix("The ")
    if len(name) < 3:
        return False
    if outlet in article.authors:
        return True
    if name not in article.text:
        return False
    name = re.escape(name)
    told = rf"\b{_TOLD} (?:[Tt]he )?{name}\b|\({name}\)|\b{name} (?:first )?report(?:ed|s)\b"
    return re.search(told, article.text) is not None


def _point(connection: sa.Connection, these: Any, origin: int | None) -> None:
    connection.execute(tables.articles.update().where(these).values(origin_pk=origin))
