"""A question with its date of asking and its filters, checked once where it comes in.

>>> question("When did rates rise?", as_of="2026-03-05").as_of
datetime.date(2026, 3, 5)
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from ..errors import InputError
from ..index.archive import Archive
from ..index.archive.filter import Filter
from ..index.article import day_end, day_start
from ..index.dates import parse_moment

Moment = datetime | date | str | None
LONGEST_QUESTION = 2000  # characters


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, when, and of which articles."""

    text: str
    as_of: datetime | date
    "the date of asking: nothing newer is used, and relative dates are read against it"
    filter: Filter


def question(text: str, wanted: Filter | None = None, *, as_of: Moment = None) -> Question:
    """Check a question. Raises InputError for an empty or over-long text."""
    if not isinstance(text, str):
        raise InputError(f"The question is {text!r}: ask in words.")
    # A shell's argument that is not valid UTF-8 arrives with lone surrogates.
    text = " ".join(text.encode("utf-8", "replace").decode().split())
    if not text:
        raise InputError("The question is empty: ask something.")
    if len(text) > LONGEST_QUESTION:
        raise InputError(
            f"The question has {len(text)} characters; {LONGEST_QUESTION} is the most. Shorten it."
        )
    found = wanted or matching(as_of)
    return Question(text, found.as_of or datetime.now(UTC), found)


def filter_of(
    archive: Archive,
    as_of: Moment,
    since: Moment,
    until: Moment,
    outlets: Sequence[str],
    sections: Sequence[str],
    retracted: bool,
) -> Filter:
    """`matching` among the outlets and sections of an archive."""
    known = archive.outlets() if outlets else None, archive.sections() if sections else None
    found = matching(as_of, since, until, outlets, sections, *known)
    return replace(found, retracted=retracted)


def matching(
    as_of: Moment = None,
    since: Moment = None,
    until: Moment = None,
    outlets: Sequence[str] = (),
    sections: Sequence[str] = (),
    known_outlets: Mapping[str, int] | None = None,
    known_sections: Mapping[str, int] | None = None,
) -> Filter:
    """Check filters; dates may be ISO 8601 strings.

    Raises InputError for a date that is none or lies in the future, `since` after `until`, and an
    outlet or section that no article has (the nearest names are offered).
    """
    asked, first, last = (
        _moment(name, value)
        for name, value in (("as_of", as_of), ("since", since), ("until", until))
    )
    for name, value in (("as_of", asked), ("since", first)):
        if value and day_start(value) > datetime.now(UTC) + timedelta(days=1):
            raise InputError(f"{name} {value} lies in the future: give a date that has been.")
    if first and last and day_start(first) > day_end(last):
        raise InputError(f"since {first} is after until {last}: swap them.")
    return Filter(
        first,
        last,
        _known("outlet", outlets, known_outlets),
        asked,
        sections=_known("section", sections, known_sections),
    )


def _moment(name: str, value: Moment) -> datetime | date | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        parsed = parse_moment(value)
        if parsed is None:
            raise InputError(f"{name} '{value}' is not a date: write it as 2026-02-04.")
        return parsed
    if not isinstance(value, date):
        raise InputError(f"{name} {value!r} is not a date: write it as 2026-02-04.")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise InputError(f"{name} {value} has no time zone: give an aware datetime or a date.")
    return value


def _known(what: str, given: Sequence[str], known: Mapping[str, int] | None) -> tuple[str, ...]:
    listed = (given,) if isinstance(given, str) else given
    return tuple(_spelt(what, name, known) for name in listed)


def _spelt(what: str, name: str, known: Mapping[str, int] | None) -> str:
    if known is None or name in known:
        return name
    folded = {one.casefold(): one for one in known}
    if name.casefold() in folded:
        return folded[name.casefold()]
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.4)
    offer = [folded[one] for one in near] or list(known)[:5]
    hint = f"known are {', '.join(offer)}" if offer else f"no article names its {what}"
    raise InputError(f"There is no {what} '{name}' in this index: {hint}.")
