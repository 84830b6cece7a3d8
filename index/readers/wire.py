r"""Makes an article of what the formats of news agencies say, each in its own words.

A kill needs no text, and what an editor's note says of a correction becomes part of the article.

>>> wire_article({"id": "u:1", "status": "stat:canceled", "note": "KILL: wrong ferry"}, "a").status
'canceled'
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import InputError
from ..article import Article
from ..clean import marks
from ..dates import parse_moment
from .records import to_article

# https://cv.iptc.org/newscodes/pubstatusg2/ has three; NITF adds `embargoed`, without an end here
_STATUS = {
    "cancelled": "canceled",
    "canceled": "canceled",
    "withheld": "withheld",
    "embargoed": "withheld",
}
_KILL = re.compile(r"kill|withdraw|retract|cancel", re.I)
_KILL_NOTE = re.compile(
    r"\W*(?:(?:attention|editors?|advisory|mandatory|bulletin)\W+)*(?:kill|withdraw(?:al|n)?)\b",
    re.I,
)
_CORRECTION = re.compile(r"correct|clarif", re.I)
_CORRECTION_NOTE = re.compile(r"\W*(?:correct(?:ion|ed|s|ing)?|clarif\w+|retract\w*)\b", re.I)
_KINDS = {  # by what genres (https://cv.iptc.org/newscodes/genre/) are called
    "opinion": "opinion",
    "editorial": "opinion",
    "column": "opinion",
    "commentary": "opinion",
    "analysis": "analysis",
    "press release": "release",
    "pressrelease": "release",
    "press-release": "release",
    "advertorial": "advertorial",
    "advisory": "note",
    "current": "news",
    "actuality": "news",
}
_FROM = re.compile(r"(?:von|par|por|av|fra|di|door) (?=\w+ \w)", re.I)
_WORD = re.compile(r"\w\w")


def wire_article(facts: Mapping[str, Any], fallback_id: str) -> Article:
    """The article of an item.

    Facts are those of `to_article`, and besides them: `created` and `changed` (dates, of which
    the first given counts), `genres`, `signals` and `note` (what the editors say of it), and
    `summary`, which stands in for a text that is not there.
    InputError: it has no text and is no kill, or see `to_article`.
    """
    given = {key: value for key, value in facts.items() if value}
    status, note = _status(given), given.get("note")
    text, completeness = given.get("text"), given.get("completeness")
    if not _WORD.search(text or "") and _WORD.search(given.get("summary") or ""):
        text, completeness = given["summary"], "teaser"
    if status in _STATUS or status == "killed":  # nothing else in it may keep it from being read
        text = text or note or given.get("title") or f"Status: {status}"
        given = {key: given[key] for key in _OF_KILL if key in given}
    if not _WORD.search(text or ""):
        raise InputError(given.get("reason") or "it has no text of its own")
    is_corrected = any(map(_CORRECTION.search, given.get("signals", ())))
    if note and (is_corrected or _CORRECTION_NOTE.match(note)):
        text = f"{text}\n\n{note if marks(note) else f'Correction: {note}'}"
    published, updated = _moments(given.get("created", ()), given.get("changed", ()))
    named = (_KINDS.get(name.lower()) for name in given.get("genres", ()))
    record = {
        **{key: value for key, value in given.items() if key not in _OWN},
        **{"text": text, "status": status, "published": published, "updated": updated},
        **{"kind": next(filter(None, named), None), "completeness": completeness},
        "authors": _without_outlet(given.get("authors"), given.get("outlet")),
    }
    return to_article(record, fallback_id)


_OWN = ("created", "changed", "genres", "summary", "reason")
_OF_KILL = ("id", "title", "outlet", "url", "note", "signals")


def code(value: str | None) -> str | None:
    """The value of a code, without its scheme: `usable` of `stat:usable`.

    >>> code("http://cv.iptc.org/newscodes/pubstatusg2/canceled")
    'canceled'
    """
    return re.split(r"[:/]", value.strip())[-1] or None if value else None


def _status(given: Mapping[str, Any]) -> str | None:
    """As the source gives it, save that what may not be shown has one of three names."""
    status = code(given.get("status"))
    known = _STATUS.get((status or "").lower())
    is_killed = any(map(_KILL.search, given.get("signals", ())))
    if known or not (is_killed or _KILL_NOTE.match(given.get("note") or "")):
        if known is None and any(map(_CORRECTION.search, given.get("signals", ()))):
            return "corrected"
        return known or status
    return "killed"


def _without_outlet(authors: object, outlet: str | None) -> object:
    """A line of names as `to_article` splits it: "Von Eva Roth, dpa" of dpa is "Eva Roth"."""
    if not isinstance(authors, str):
        return authors
    names = authors.removesuffix(outlet).rstrip(" ,/") if outlet else authors
    return _FROM.sub("", names)


def _moments(
    created: Iterable[str | None], changed: Iterable[str | None]
) -> tuple[str | None, str | None]:
    """When it was published, and when updated: None where that is no later."""
    updated = next(filter(None, changed), None)
    published = next(filter(None, created), None) or updated
    same = parse_moment(updated or "") == parse_moment(published or "")
    return published, None if same else updated
