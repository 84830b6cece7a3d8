"""Makes an article of a record: a JSONL line, a CSV row, or what another reader found in a file.

>>> read_json(b'{"headline": "Ferry burns", "body": "Nobody was hurt."}', "wire.jsonl#1").title
'Ferry burns'
"""

import csv
import json
import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any, NoReturn
from urllib.parse import urlsplit

from ...errors import InputError
from ..article import KINDS, Article, Mark, day_start, isoformat
from ..clean import clean, decode, language, marks, tidy
from ..dates import parse_moment
from ..head import head

# The one table of the names under which sources give a field; of several the first wins and the
# others are kept in Article.extra. Case does not matter, and "published-at" is "published_at".
NAMES = {
    "id": ("id",),
    "title": ("title", "headline"),
    "text": ("text", "body", "content"),
    "published": ("published", "date", "published_at", "date_published"),
    "updated": ("updated", "modified", "updated_at", "date_modified", "lastmod"),
    "outlet": ("outlet", "source", "publisher", "site"),
    "authors": ("authors", "author", "byline"),
    "url": ("url", "link", "canonical"),
    "language": ("language", "lang"),
    "section": ("section", "category"),
    "kind": ("kind", "type"),
    "status": ("status",),
    "embargo_until": ("embargo_until", "embargo"),
    "expires": ("expires",),
    "rights": ("rights",),
    "excerpt_limit": ("excerpt_limit",),
    "completeness": ("completeness",),
}
_COPYRIGHT = re.compile(
    r"^\W*(?:©|\(c\)|copyright)[\s©]*\d{4},?\s(?:by\s)?(?P<holder>(?:[A-Z&][\w&’'-]*\s|of\s|and\s)*?"
    r"(?!Inc|Ltd|LLC|Corp|Company|Group|plc|All)[A-Z][\w&’'-]*)\s*(?:[.,|·]|$|All rights)",
    re.MULTILINE,
)
_BETWEEN_NAMES = re.compile(r"\s*;\s*|\s*,\s+(?:and\s+)?|\s+(?:and|&)\s+")
_BY = re.compile(r"^by:?\s+", re.I)
_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_].*)?", re.I)
_DEEPEST = 100  # levels of a value that is kept as it is
_LATEST = timedelta(hours=24)


def read_json(raw: bytes, fallback_id: str) -> Article:
    """The article of one line of a JSONL file. InputError: it is no JSON object, or see below."""
    record = parsed(raw)
    if not isinstance(record, Mapping):
        raise InputError(f"a JSON object is expected, not {_called(record)}")
    return to_article(record, fallback_id)


def parsed(raw: bytes) -> Any:
    """The value of a JSON text. InputError: it is none."""
    try:
        return json.loads(decode(raw), parse_constant=_refuse_constant)
    except RecursionError:
        raise InputError("not valid JSON: it is nested too deeply") from None
    except ValueError as error:
        raise InputError(f"not valid JSON: {error}") from error


def read_csv(raw: bytes, fallback_id: str, header: bytes) -> Article:
    """The article of one row of a CSV file. InputError: the row does not fit the header."""
    names, values = _values(header, header), _values(raw, header)
    if len(names) != len(values):
        raise InputError(
            f"the row has {len(values)} values, the header {len(names)}: quote values that hold "
            "commas, quotes or line breaks"
        )
    return to_article(dict(zip(names, values, strict=True)), fallback_id)


def checked_header(raw: bytes) -> bytes:
    """The first row of a CSV file. InputError: it names no column for the text."""
    names = {_normal(name) for name in _values(raw, raw)}
    if names.isdisjoint(NAMES["text"]):
        expected = ", ".join(NAMES["text"])
        raise InputError(f"its first row names no column for the text: call one of them {expected}")
    return raw


def _values(raw: bytes, header: bytes) -> list[str]:
    """The values of a row; the separator is that of the header: comma, semicolon or tab."""
    delimiter = max(",;\t", key=lambda mark: header.count(mark.encode()))
    text = decode(raw).rstrip("\r\n")
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    try:
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError(f"not a row of CSV: {error}") from error
    if len(rows) != 1:
        raise InputError("not a row of CSV: there is a quotation mark too many or too few")
    return rows[0]


def to_article(record: Mapping[str, Any], fallback_id: str) -> Article:
    """The article that a mapping of a source's own keys describes.

    What it does not say is read from the head of its text. Unknown keys, and values that their
    field has no place for, are kept in `extra`. InputError: no text, a value of the wrong type,
    or a date that cannot be read or lies in the future.
    """
    given, extra = _by_field(record)
    raw_text = _text(*given["text"])
    if raw_text is None:
        raise InputError("it has no text")
    text = clean(raw_text)
    if not text:
        raise InputError("nothing is left of its text when boilerplate is removed")
    found = head(text)
    title = _line(*given["title"]) or found.title
    body = _without_headline(text, title)
    removed = len(text) - len(body)
    head_marks = (Mark(m.start - removed, m.end - removed, m.kind) for m in found.marks)
    url = _kept_if(_is_web_address, given["url"], extra)
    return Article(
        id=_line(*given["id"]) or url or fallback_id,
        text=body,
        title=title,
        outlet=_line(*given["outlet"]) or _holder(raw_text, found.outlet) or found.outlet,
        authors=_authors(*given["authors"]) or found.authors,
        published=_past("published", _moment(*given["published"]) or found.published),
        updated=_past("updated", _moment(*given["updated"]) or found.updated),
        url=url,
        language=_language(_line(*given["language"]), body),
        section=_line(*given["section"]),
        kind=_kept_if(KINDS.__contains__, given["kind"], extra),
        status=_line(*given["status"]),
        embargo_until=_moment(*given["embargo_until"]),
        expires=_moment(*given["expires"]),
        rights=_line(*given["rights"]),
        excerpt_limit=_count(*given["excerpt_limit"]),
        completeness=_kept_if(("full", "teaser").__contains__, given["completeness"], extra),
        marks=tuple(sorted((*head_marks, *marks(body)), key=lambda mark: mark.start)),
        extra=extra,
    )


_Given = tuple[str, Any]  # a key as the source wrote it, and its value


def _by_field(record: Mapping[str, Any]) -> tuple[dict[str, _Given], dict[str, Any]]:
    """The value of each field under the first of its names that has one, and all other keys."""
    named = {_normal(key): key for key in record}
    given: dict[str, _Given] = {}
    for field, names in NAMES.items():
        keys = (named[name] for name in names if name in named)
        key = next((key for key in keys if not _is_empty(record[key])), None)
        given[field] = (field, None) if key is None else (key, record[key])
    used = {key for key, _ in given.values()}
    extra = {
        str(key): _as_json(value)
        for key, value in record.items()
        if key not in used and not _is_empty(value)
    }
    return given, extra


def _normal(key: object) -> str:
    return re.sub(r"[\s-]", "_", str(key).strip().lower())


def _is_empty(value: object) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def _without_headline(text: str, title: str | None) -> str:
    first, _, rest = text.partition("\n")
    same = title and rest and first.strip("*_ ").casefold() == title.casefold()
    return rest.lstrip("\n") if same else text


def _holder(raw_text: str, outlet: str | None) -> str | None:
    """Whose copyright the text says it is, where that is the outlet or a longer name of it."""
    holder = next((match["holder"] for match in _COPYRIGHT.finditer(raw_text)), None)
    return holder if holder and (outlet or "").lower() in holder.lower() else None


def _text(key: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InputError(f"'{key}' must be a text, not {_called(value)}")


def _line(key: str, value: object) -> str | None:
    """A value of one line; the name of a source that is given as an object with a name."""
    if isinstance(value, Mapping) and "name" in value:
        value = value["name"]
    if key.lower() == "id" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return " ".join(tidy(_text(key, value) or "").split()) or None


def _authors(key: str, value: object) -> tuple[str, ...]:
    """The names of a list, or of a line that lists whole names."""
    if isinstance(value, list | tuple):
        names = [_line(key, name) or "" for name in value]
    else:
        line = _BY.sub("", _line(key, value) or "", count=1)
        parts = _BETWEEN_NAMES.split(line)
        names = parts if all(map(_is_whole_name, parts)) else line.split("; ")
    return tuple(dict.fromkeys(name for name in names if name))


def _is_whole_name(name: str) -> bool:
    words = name.split()
    return len(words) > 1 and words[0][0].isupper() and words[-1][0].isupper()


def _moment(key: str, value: object) -> datetime | date | None:
    moment: datetime | date | None = None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | date):
        raise InputError(f"'{key}' must be a date, not {_called(value)}")
    if isinstance(value, str | int):
        moment = parse_moment(str(value))
    elif not isinstance(value, datetime):
        moment = value
    else:  # YAML gives a datetime, without zone where none is written
        with suppress(OverflowError):  # the first and last hours of all dates
            moment = value.astimezone(UTC) if value.tzinfo else value.date()
    if moment is None:
        shown = " ".join(str(value).split())[:60]
        raise InputError(f"{key} '{shown}' is ambiguous or no date: write it as 2026-04-03")
    return moment


def _past(field: str, moment: datetime | date | None) -> datetime | date | None:
    if moment and day_start(moment) > datetime.now(UTC) + _LATEST:
        raise InputError(f"{field} {isoformat(moment)} lies in the future: correct the date")
    return moment


def _count(key: str, value: object) -> int | None:
    digits = str(value).strip()
    if value is None or (not isinstance(value, bool) and re.fullmatch(r"\d{1,9}", digits)):
        return None if value is None else int(digits)
    raise InputError(f"'{key}' must be a whole number of characters, not {_called(value)}")


def _kept_if(fits: Callable[[str], bool], given: _Given, extra: dict[str, Any]) -> str | None:
    """The value where it fits; else None, and it is kept in `extra`."""
    value = _line(*given)
    if value is None or fits(value):
        return value
    extra[given[0]] = value
    return None


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and " " not in url


def _language(given: str | None, text: str) -> str | None:
    code = _LANGUAGE.fullmatch(given or "")
    return code[1].lower() if code else language(text)


def _as_json(value: object, depth: int = 0) -> object:
    """The value as JSON can hold it; what it has no type for as text."""
    if depth > _DEEPEST:
        raise InputError("it is nested too deeply")
    if isinstance(value, Mapping):
        return {str(key): _as_json(held, depth + 1) for key, held in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(held, depth + 1) for held in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    return tidy(isoformat(value) or "" if isinstance(value, date) else str(value))


def _called(value: object) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text"}
    return names.get(type(value), "a list" if isinstance(value, list | tuple) else "an object")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
