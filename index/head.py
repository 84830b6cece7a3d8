r"""Reads the lines that stand at the head of an article: headline, byline and dateline.

>>> head("Ferry burns\nBy Mara Tenholt\nNobody was hurt when the ferry burned.").authors
('Mara Tenholt',)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from .article import Mark
from .dates import find_dateline

_LONGEST_HEADLINE, _LONGEST_LINE = 160, 140  # characters
_LINES = 8  # that can hold headline, standfirst, byline and dateline
_SENTENCE_END = re.compile(r"(?<!\b[JS]r)[.!?…][”\"’')\]*_]*$")
_UPDATED = re.compile(r"\W*(?:last )?(?:updated|modified)\b", re.I)

_CAPITAL = r"(?:[A-Z&À-ÖØ-Þ][\w.’'&-]*)"
_CREW = (
    r"(?:staff(?: (?:writer|reporter|correspondent)s?)?|reporters?|correspondents?|newsroom|desk)"
)
_BY = re.compile(r"(?:(?:written|reported|words|text|story)\s+)?by:?\s+(?=\S)", re.I)
_OF_CREW = re.compile(
    rf"(?P<outlet>{_CAPITAL}(?:\s{_CAPITAL}){{0,4}}?)\s(?i:{_CREW})\b[:,]?\s*(?:and\s)?"
)
_DATE_AFTER_NAME = re.compile(
    r"[\s,|·–—-]+(?:[A-Z][a-z]+day,?\s)?(?:\d{1,2}\s[A-Z][a-z]+|[A-Z][a-z]+\s\d{1,2}),?\s\d{4}\b.*"
)
_DESK = re.compile(r"(?:\s[a-z]+)+$")
_FIELD = re.compile(r"\s*[|·•]\s*|\s+[–—-]+\s+")
_ELSEWHERE = re.compile(r"\s+(?:(?P<for>for|of)|at|in|from)\s+(?P<place>.+)$")
_AND = re.compile(r"\s+(?:and|&|with)\s+", re.I)
_PARTICLES = "(?:de|da|del|della|di|du|van|von|der|den|bin|ibn|al|el|la|le|ter|zu|y)"
_PERSON = re.compile(
    rf"{_CAPITAL}(?:\s(?:{_CAPITAL}|{_PARTICLES})){{0,3}}(?:,? [JS]r\.?|\s{_CAPITAL})"
)
_OUTLET = re.compile(rf"(?:the\s)?{_CAPITAL}(?:\s(?:{_CAPITAL}|of|and|the)){{0,5}}", re.I)
_ROLE = re.compile(
    r"\b(?:correspondents?|reporters?|editors?|writers?|columnists?|chief|analyst|critic|staff|"
    r"contributor|producer)$",
    re.I,
)
# "CASTRINE, March 5 (Meridian Wire) — The council ..."
_OPENING = re.compile(r"(?P<place>[^—–\n]{2,80}?|\([^()]+\))\s*(?:—|–|\s-{1,2})\s*(?=\S)")
_AGENCY = re.compile(r"(?:^|\s)\((?P<agency>[A-Z][^()]{1,60})\)$")
_CAPITALS = re.compile(r"(?:[^\Wa-z\d_][^\Wa-z\d_.’'-]*\.?)(?:\s[^\Wa-z\d_][^\Wa-z\d_.’'-]*){0,2}")


@dataclass(frozen=True, slots=True)
class Head:
    """What the first lines of a text say; what they do not say is None."""

    title: str | None = None
    authors: tuple[str, ...] = ()
    outlet: str | None = None
    "from the byline (`By Mara Tenholt, Northern Standard`), else the agency of the dateline"
    published: datetime | date | None = None
    updated: datetime | date | None = None
    marks: tuple[Mark, ...] = field(default=())


def head(text: str) -> Head:
    """The headline, byline and dateline of a cleaned text, with marks for the latter two.

    Reading stops at the first line of the story. A headline is a short first line without a full
    stop that something follows; where the text opens otherwise the title is None.
    """
    found = Head()
    for number, (start, line) in enumerate(_first_lines(text)):
        end = start + len(line)
        if opening := _read_opening(line, found):
            length, found = opening
            return _marked(found, start, start + length, "dateline")
        is_short = len(line) <= _LONGEST_LINE
        if is_short and (credit := _read_byline(_DATE_AFTER_NAME.sub("", line))):
            authors, outlet = credit
            dated = _DATE_AFTER_NAME.search(line)
            moment = find_dateline(dated[0]) if dated else None
            found = replace(found, published=found.published or moment)
            if not found.authors:
                found = replace(found, authors=authors, outlet=outlet or found.outlet)
            found = _marked(found, start, end, "byline")
        elif is_short and (moment := find_dateline(line)):
            if _UPDATED.match(line):
                found = replace(found, updated=found.updated or moment)
            else:
                found = replace(found, published=found.published or moment)
            found = _marked(found, start, end, "dateline")
        elif number == 0 and _is_headline(text, line, end):
            found = replace(found, title=line.strip("*_ "))
        elif not is_short or _SENTENCE_END.search(line):
            break
    return found


def _first_lines(text: str) -> Iterator[tuple[int, str]]:
    start = count = 0
    while start < len(text) and count < _LINES:
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if line := text[start:end].strip():
            yield text.index(line, start), line
            count += 1
        start = end + 1


def _marked(found: Head, start: int, end: int, kind: str) -> Head:
    return replace(found, marks=(*found.marks, Mark(start, end, kind)))


def _is_headline(text: str, line: str, end: int) -> bool:
    """A following line that goes on in lower case tells wrapped prose from a headline."""
    rest = text[end:].lstrip("\n")
    first, last = line.lstrip("“\"'‘*_ ")[:1], line[-1]
    opens = not first.islower() and first.isalnum()
    goes_on = text[end:].startswith("\n") and rest[:1].islower()
    full_stop = last in ".,;:" or line.endswith((".”", '."', ".’"))
    return bool(rest) and opens and not goes_on and not full_stop and len(line) <= _LONGEST_HEADLINE


def _read_opening(line: str, found: Head) -> tuple[int, Head] | None:
    """The length of a dateline that opens a story on its own line, and what it says."""
    opening = _OPENING.match(line)
    if not opening:
        return None
    place, rest = opening["place"].strip(), line[opening.end() :]
    moment = find_dateline(opening[0] + rest) if find_dateline(line) else None
    agency = _AGENCY.search(place)
    if find_dateline(rest) or (moment and not find_dateline(_AGENCY.sub("", place))):
        return None  # "2:32 PM – Wednesday, February 4, 2026": the whole line is the dateline
    is_place = _CAPITALS.fullmatch(place) and len(rest) >= _LONGEST_LINE / 2
    if not (agency or moment or is_place):
        return None
    outlet = found.outlet or (agency["agency"] if agency else None)
    found = replace(found, published=found.published or moment, outlet=outlet)
    return len(opening[0].rstrip()), found


def _read_byline(line: str) -> tuple[tuple[str, ...], str | None] | None:
    """Authors and outlet of a byline; None for any other line."""
    line = line.strip("*_ ")
    by = _BY.match(line)
    names, *others = _FIELD.split(line[by.end() :] if by else line)
    outlet = None
    if crew := _OF_CREW.match(names):
        outlet, names = crew["outlet"], names[crew.end() :]
        if not names:
            return (), outlet
    if not (by or crew) or _SENTENCE_END.search(names):
        return None
    if place := _ELSEWHERE.search(names):
        names = names[: place.start()]
        others += [place["place"]] if place["for"] else []
    *more, last = _AND.split(names)
    last, _, affiliation = last.partition(",")
    authors = tuple(n.strip() for part in (*more, last) for n in part.split(",") if n.strip())
    if len(authors) == 1 and not affiliation and not _PERSON.fullmatch(authors[0]):
        return ((), authors[0]) if by and _OUTLET.fullmatch(authors[0]) else None
    if not authors or not all(map(_PERSON.fullmatch, authors)):
        return None
    for other in (affiliation.strip(), *others):
        if not outlet and _OUTLET.fullmatch(other) and not _ROLE.search(other):
            outlet = None if find_dateline(other) else _DESK.sub("", other)
    return authors, outlet
