"""Filters and dates in the words of a turn: "only the Ledger", "since March", "the year before".

>>> spoken_filters("only the Ledger", date(2026, 4, 6), ["The Ledger"])
('', {'outlets': ('The Ledger',)})
"""

import re
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from ..index.article import day_of
from ..index.dates import parse_moment, resolve
from ..index.words import words
from .mentions import LEAD, MONTH, WEEKDAY

_TAIL = r"(?:[\s,]*(?:please|again|now|articles?|reports?|says?))*"
_LIFTS = re.compile(
    rf"{LEAD}(?:show |use |search |from |in |of |with )*"
    r"(?:(?:all|any|every)(?: of)?(?: the)?|(?:drop|remove|forget|lift)(?: the| all| any)?) "
    r"(?:(?P<outlets>outlets?|sources?|newspapers?|papers?)|(?P<sections>sections?|desks?)"
    r"|(?:dates?|times?|periods?))"
    rf"(?: filters?)?{_TAIL}",
    re.I,
)
_ONLY = re.compile(
    rf"{LEAD}(?:(?:only|just)(?P<from> (?:from|by|in|according to))?|(?:from|by|in)(?=.* only$)) "
    rf"(?P<those>.+?)(?: only)?{_TAIL}",
    re.I,
)
_BOUND = re.compile(
    rf"{LEAD}(?:only |just )?(?P<side>since|after|from|before|until|till|up to) (?P<when>.+?)"
    rf"(?: on| onwards?| only)?{_TAIL}",
    re.I,
)
_SECTION = re.compile(r"(?:the )?(?P<name>.+?)(?: sections?| desk| pages)?", re.I)
_PIECE = re.compile(r"[,;:.?!]\s+|\s+[–—-]\s+")


def spoken_filters(
    text: str, as_of: date, known: Collection[str], sections: Collection[str] = ()
) -> tuple[str, dict[str, Any]]:
    """What of a turn asks, and the filters that the rest of it sets or lifts.

    since, until, outlets and sections by name; dropped: which are lifted (outlets, sections,
    dates). An outlet that the index does not know stands as it was said. They stand before the
    question ("Only sport: who won?") or behind it ("Who won? Only since March").
    """
    if changes := _filter(text, as_of, known, sections):
        return "", changes
    cuts = list(_PIECE.finditer(text))
    behind = [(text[c.end() :], text[: c.end()].rstrip(" ,;:–—-")) for c in cuts[-1:]]
    before = [(text[: c.start()], text[c.end() :]) for c in cuts[:1]]
    for said, rest in behind + before:
        is_filter = re.match(r"(?:only|just|from all|any)\b", said, re.I)
        if is_filter and (changes := _filter(said, as_of, known, sections)):
            return rest[:1].upper() + rest[1:], changes
    return text, {}


def _filter(
    said: str, as_of: date, known: Collection[str], sections: Collection[str]
) -> dict[str, Any]:
    said = said.strip(" .?!")
    if lifts := _LIFTS.fullmatch(said):
        return {"dropped": (lifts.lastgroup or "dates",)}
    if (bound := _BOUND.fullmatch(said)) and (days := period(bound["when"], as_of)):
        side, day = bound["side"].lower(), timedelta(days=1)
        if side in ("since", "from", "after"):
            return {"since": days[1] + day if side == "after" else days[0]}
        return {"until": days[0] - day if side == "before" else days[1]}
    if only := _ONLY.fullmatch(said):
        if days := period(only["those"], as_of):
            return {"since": days[0], "until": days[1]}
        parts = re.split(r",? and |,? or |, ", only["those"])
        if all(named := [_section(part, sections) for part in parts]):
            return {"sections": tuple(named)}
        names = [_outlet(part, known) or _new_outlet(part, only["from"]) for part in parts]
        if all(names):
            return {"outlets": tuple(names)}
    outlet = _outlet(re.sub(rf"^{LEAD}(?:what about )?", "", said, flags=re.I), known)
    return {"outlets": (outlet,)} if outlet else {}


def _outlet(said: str, known: Collection[str]) -> str | None:
    """The outlet that is meant by its name, the end of its name or its initials."""
    wanted = " ".join(words(re.sub(r"^the ", "", said.strip(), flags=re.I)))
    names = {name: [part for part in words(name) if part != "the"] for name in known}
    for name, parts in names.items():
        if wanted and wanted in (" ".join(parts), "".join(part[0] for part in parts)):
            return name
    ends = [name for name, parts in names.items() if f" {' '.join(parts)}".endswith(f" {wanted}")]
    if not wanted or not ends:
        return None
    return ends[0] if len(ends) == 1 else said  # the index asks back which one is meant


def _section(said: str, sections: Collection[str]) -> str | None:
    found = _SECTION.fullmatch(said.strip())
    wanted = (said.casefold(), found["name"].casefold() if found else None)
    return next((name for name in sections if name.casefold() in wanted), None)


def _new_outlet(said: str, from_: str | None) -> str | None:
    """The name in "only the BBC" or "only from X", also where the index does not know it."""
    name = re.sub(r"^the ", "", said, flags=re.I)
    is_named = from_ or said.startswith("The ")
    is_name = name.isupper() or (is_named and re.fullmatch(r"(?:[A-Z]\S*\s?){1,4}", name))
    return name if is_name else None


_MOST_DAYS_OF_A_MONTH = 31
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
DATE = re.compile(
    r"(?:\b(?:in|on|during|since|by|for)\s)?(?P<date>(?:the \w+ quarter of )?"
    rf"(?:\d{{4}}-\d\d-\d\d|(?:{_DAY} )?\b{MONTH}(?: {_DAY}\b)?(?:,? (?:19|20)\d\d)?"
    r"|\b(?:19|20)\d\d\b|\b(?:last|this|next) (?:year|month|week)\b|\byesterday\b|\btoday\b"
    rf"|\b(?:last )?{WEEKDAY}\b))"
)
SHIFT = re.compile(
    r"(?:in |on )?the (?:(?P<way>previous|next|following) (?P<a>year|month|week|day)"
    r"|(?P<b>year|month|week|day) (?P<side>before|earlier|after|later|prior)(?: that)?)",
    re.I,
)


def period(said: str, as_of: date) -> tuple[date, date] | None:
    """The days that a date in words means, first and last; None where it is no date."""
    said = re.sub(r"^(?:in|on|from|since|the) ", "", said.strip(" ?.!"), flags=re.I)
    if re.fullmatch(r"(?:19|20)\d\d", said):
        return date(int(said), 1, 1), date(int(said), 12, 31)
    if re.fullmatch(rf"{MONTH},? \d{{4}}", said, re.I) and (first := parse_moment(f"1 {said}")):
        return day_of(first), day_of(first) + relativedelta(months=1, days=-1)
    if whole := parse_moment(said):
        return day_of(whole), day_of(whole)
    for phrase in (f"in {said[:1].upper()}{said[1:]}", f"in {said}", said.lower()):
        found = resolve(phrase, as_of)
        if found and len(found[0].words) >= len(said):
            return found[0].first, found[0].last
    return None


def shifted(shift: re.Match[str], question: str, as_of: date) -> str:
    """The period beside the one that a question names (else beside the day of asking), as words."""
    unit = (shift["a"] or shift["b"]).lower()
    back = (shift["way"] or shift["side"]).lower() in ("previous", "before", "earlier", "prior")
    said = DATE.search(question)
    named = period(said["date"].split(" of ")[-1], as_of) if said else None
    step = -1 if back else 1
    there = (named or (as_of, as_of))[0] + {
        "year": relativedelta(years=step),
        "month": relativedelta(months=step),
        "week": relativedelta(weeks=step),
        "day": relativedelta(days=step),
    }[unit]
    days = (named[1] - named[0]).days if named else 366
    if unit == "year" and days > _MOST_DAYS_OF_A_MONTH:
        return there.strftime("in %Y")
    if unit in ("year", "month") and days > 1:
        return there.strftime("in %B %Y")
    return there.strftime(f"{'in the week of' if unit == 'week' else 'on'} {there.day} %B %Y")
