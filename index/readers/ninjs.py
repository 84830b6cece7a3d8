r"""Reads an article from ninjs, the JSON of news agencies (1.x to 3.x).

>>> read_ninjs({"uri": "u:1", "type": "text", "body_text": "Nobody was hurt."}, "a.json").text
'Nobody was hurt.'
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from ...errors import InputError
from ..article import Article
from .nitf import nitf_facts
from .records import NAMES
from .wire import wire_article
from .xml import parse, text_of_markup

_TEXT_TYPES = (None, "text", "composite")
_BODIES = ("", "text/plain", "text/html", "application/xhtml+xml", "text/vnd.iptc.nitf")
_WHOLE = (None, "", "complete", "full")


def is_ninjs(record: Mapping[str, Any]) -> bool:
    """Whether an object is ninjs: it names itself by a uri, and has no text as records have it."""
    names = {str(key).lower() for key in record}
    return "uri" in names and names.isdisjoint(NAMES["text"])


def read_ninjs(record: Mapping[str, Any], fallback_id: str) -> Article:
    """The article of a ninjs object. InputError: it is a picture, event or the like, or no text."""
    item = _lower(record)
    for name in ("uri", "pubstatus", "embargoed", "expires"):  # what may hide it must be understood
        if not isinstance(item.get(name), str | None):
            raise InputError(f"its '{name}' must be a text")
    said = {name: held for name, held in item.items() if isinstance(held, str)}
    kind = item.get("type") or ("event" if "eventdetails" in item else None)
    if kind not in _TEXT_TYPES:
        raise InputError(f"it is a ninjs item of type '{kind}'; only text is read")
    uri = item.get("uri") or ""
    facts = {
        "id": uri,
        "url": uri if uri.startswith(("https://", "http://")) else None,
        "title": next(map(_plain, _values(item, "headline")), said.get("title")),
        "text": max(map(_plain, _values(item, "bod")), key=_words, default=""),
        "summary": next(map(_plain, _values(item, "description")), None),
        "authors": said.get("by") or said.get("byline") or list(_names(item, "bylines")),
        "outlet": next(_names(item, "provider"), None)
        or said.get("copyrightholder")
        or next(_names(item, "infosource"), None),
        "created": [said.get("firstcreated"), said.get("contentcreated")],
        "changed": [said.get("versioncreated")],
        "embargo_until": item.get("embargoed"),
        "expires": item.get("expires"),
        "excerpt_limit": item.get("excerpt_limit"),
        "rights": _rights(said, item.get("rightsinfo")),
        "status": item.get("pubstatus"),
        "note": said.get("ednote"),
        "signals": list(_names(item, "signal")),
        "genres": list(_names(item, "genre")),
        "subjects": list(_names(item, "subject")),
        "completeness": None if item.get("representationtype") in _WHOLE else "teaser",
        "language": said.get("language"),
        "slugline": said.get("slugline"),
        "located": said.get("located"),
        "item_version": said.get("version"),
    }
    return wire_article(facts, fallback_id)


def _lower(value: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key).lower(): held for key, held in value.items()}


def _values(item: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Texts of the keys that begin so: `headline`, `headline_main`, the values of `headlines`.

    Of bodies, those of a type that is read; others hold the same story for other machines.
    """
    for key, held in item.items():
        if key.startswith(prefix) and isinstance(held, str):
            yield held
        elif key.startswith(prefix) and isinstance(held, list):
            for part in held:
                given = _lower(part) if isinstance(part, Mapping) else {}
                media_type = str(given.get("contenttype") or "").partition(";")[0].strip().lower()
                if media_type in _BODIES and isinstance(given.get("value"), str):
                    yield given["value"]


def _names(item: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Names of the objects under a key or its plural, else the ends of their codes."""
    for key in (prefix, f"{prefix}s"):
        held = item.get(key)
        for part in held if isinstance(held, list) else [held]:
            if isinstance(part, str) and part:
                yield part
            elif isinstance(part, Mapping):
                given = _lower(part)
                name = given.get("name") or given.get("literal") or given.get("code")
                name = name or str(given.get("uri") or "").rsplit("/")[-1]
                if isinstance(name, str) and name:
                    yield name


def _words(text: str) -> int:
    return len(text.split())


def _plain(body: str) -> str:
    """A body as text: that of NITF, of markup, or the body itself."""
    opening = body.lstrip()[:200]
    if opening.startswith(("<?xml", "<nitf")):
        with suppress(InputError):
            return str(nitf_facts(parse(body.encode("utf-8", "replace")))["text"])
    return text_of_markup(body) if "</" in body or "/>" in body else body


def _rights(said: Mapping[str, str], info: object) -> str | None:
    stated = [said.get("copyrightnotice"), said.get("usageterms")]
    if isinstance(info, Mapping):
        given = _lower(info)
        stated += [given.get("linkedrights"), given.get("encodedrights")]
    return "; ".join(s for s in stated if isinstance(s, str) and s.strip()) or None
