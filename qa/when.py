"""When a question's answer lies: the period that it states, and whether it is about now.

>>> asked("What did the League's council decide last month?", date(2026, 3, 6)).first.isoformat()
'2026-02-01'
>>> stamped("The council voted last month.", date(2026, 3, 5))
'The council voted last month ‹February 2026›.'
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ..index.article import day_of
from ..index.dates import parse_moment, resolve

# Evidence for a question about now that is older than this is too old. A choice, not a measurement:
# no case is labelled for it. A story that is still open is reported on again within weeks; the
# sample's questions about now are answered from articles up to 27 days old, a news quiz's up to 3.
EVENT_DAYS = 60
_MONTHS = "January February March April May June July August September October November December"
_MONTH_NUMBER = {name[:3].lower(): number for number, name in enumerate(_MONTHS.split(), 1)}
_MONTH = rf"(?:{_MONTHS.replace(' ', '|')}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b\.?)"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
# Dates that state their year: `index.dates.resolve` leaves them out.
_STATED = re.compile(
    rf"\b(?P<whole>{_DAY}\s+(?:of\s+)?{_MONTH},?\s+\d{{4}}|{_MONTH}\s+{_DAY},?\s+\d{{4}}"
    rf"|\d{{4}}-\d\d-\d\d)\b|\b(?P<month>{_MONTH}),?\s+(?:of\s+)?(?P<of_month>\d{{4}})\b"
    r"|\b(?:in|of|during|for|from|since|to|until|before|after|and|by)\s+(?P<year>(?:19|20)\d\d)\b"
)
_BOUND = re.compile(r"\b(before|until|till|by|since|after|from)\s+(?:the\s+)?(?:\w+\s+)?\Z", re.I)


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


_NOW = _any(
    "now|nowadays|currently|current|at present|at the moment|presently|today(?!['’]s)|tonight",
    "still|latest|newest|most recent|so far|up to date|to date|these days|any ?more|yet",
)
_HOLDER = _any(r"who(?:['’]s|\s+is|\s+are)\s+(?:the|in\s+charge|leading|running|heading)")
# What has been replaced since is asked for.
_EARLIER = _any(
    r"first(?!\s+(?:half|quarter|minister|lady|name|aid))|initial|initially|original|originally",
    "earlier|earliest|at the time|back then|previous|previously|used to|at first|opening",
    r"before\s+(?:\w+\s+){0,3}(?:correct|revis|updat|retract|withdr|amend)\w*",
    r"how\s+(?:did|has|have)\b.*\bchanged?|trace|over time|successive|superseded|uncorrected",
)
_TENSE = re.compile(
    r"\b(?:(?P<present>is|are|has|have|does|do|can)|was|were|did|had|would|could|will)\b|['’]s\b",
    re.I,
)
_PAPERS = r"(?:papers?|newspapers?|press|outlets?|media|journalists?|columnists?|reporters?)"
_PIECES = r"(?:articles?|stories|story|pieces?|reports?|columns?|coverage|headlines?|editorials?)"
_PUBLICATION = _any(
    rf"{_PAPERS}\b.*\b(?:writ(?:e|ing|ten)|wrote|report(?:ed|ing)?|say|said|r[au]n|print(?:ed)?"
    r"|cover(?:ed)?|publish(?:ed)?|lead|led)",
    rf"published|{_PIECES}\s+(?:from|of|on|in|dated|that\s+(?:appeared|ran))",
    rf"(?:in|from)\s+the\s+{_PAPERS}",
)
_OVERVIEW = _any(
    r"what\s+(?:(?:has|have|else)\s+)*happened\b(?!\s+(?:to|when|after|with|at|if|between|before|as))",
    r"what(?:['’]s|\s+is|\s+was|\s+are|\s+were)\s+(?:happening|going\s+on|new|the\s+(?:top\s+|main\s+"
    r"|latest\s+|big(?:gest)?\s+)*(?:news|headlines|stories)|in\s+the\s+news|the\s+latest\b(?=\s*(?:on"
    r"\b|about\b|from\b|\?|$)))",
    r"summari[sz]e|(?:give|get)\s+(?:me|us)\s+(?:an?\s+)?(?:\w+\s+)?(?:overview|summary|digest|round-?up)",
    r"(?<!\w\s)(?:overview|summary|round-?up)\s+of|catch\s+me\s+up|brief\s+me|tell\s+me\s+about",
    r"what\s+do\s+we\s+know\s+about",
)
_LISTING = _any(
    rf"how\s+many\s+(?:{_PIECES}|{_PAPERS})",
    r"how\s+(?:often|many\s+times)\b.*\b(?:mention|report|nam|quot|cit|cover|discuss|writ)\w*",
    rf"(?:list|name|find|show|give|what\s+are)\s+(?:me\s+|us\s+)?(?:all|every|each)|all\s+(?:the\s+)?{_PIECES}",
    rf"(?:which|what)\s+(?:of\s+the\s+)?(?:{_PIECES}|{_PAPERS})\s+(?:mention|report|cover|say|talk|deal"
    r"|discuss|quote|name|are|have|were|from)\w*",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question says of time and of how much it wants."""

    first: date | None = None
    "first day of the period that it is about; None where none is stated or it is open"
    last: date | None = None
    words: str | None = None
    "the expression that states it: 'last month'"
    is_now: bool = False
    "asks for the present state of something"
    says_now: bool = False
    "does so with a word of its own: now, still, latest"
    wants_latest: bool = True
    "newer reports outrank older ones"
    is_publication: bool = False
    "the period is that of the articles, not of what happened"
    is_overview: bool = False
    "asks what there is, not for one thing"
    is_listing: bool = False
    "asks how often, or for everything that there is"


def asked(text: str, as_of: date) -> Asked:
    """What a question's words say of time, read against the day of asking. Never raises."""
    as_of = day_of(as_of)
    first, last, words = _period(text, as_of)
    says_now = bool(_NOW.search(text))
    is_now = says_now or bool(_HOLDER.search(text))
    tense = _TENSE.search(text)
    is_present = tense is not None and tense["present"] is not None
    is_past = last is not None and last < as_of
    return Asked(
        first,
        last,
        words,
        is_now,
        says_now,
        not _EARLIER.search(text) and (is_now or is_present or not is_past),
        words is not None and bool(_PUBLICATION.search(text)),
        bool(_OVERVIEW.search(text)),
        bool(_LISTING.search(text)),
    )


def _period(text: str, as_of: date) -> tuple[date | None, date | None, str | None]:
    """First and last day of all dates of a question together, and the words of the first one."""
    dates = sorted(
        [*_stated(text), *((w.start, w.end, w.first, w.last) for w in resolve(text, as_of))]
    )
    firsts: list[date | None] = []
    lasts: list[date] = []
    for start, _, first, last in dates:
        bound = _BOUND.search(text, max(0, start - 30), start)
        side = bound[1].lower() if bound else ""
        if side in ("before", "until", "till", "by"):
            firsts.append(None)
            lasts.append(
                first - timedelta(days=1) if side == "before" and first > date.min else last
            )
        else:
            firsts.append(first)
            lasts.append(max(last, as_of) if side in ("since", "after") else last)
    if not dates:
        return None, None, None
    start, end, *_ = dates[0]
    earliest = None if None in firsts else min(day for day in firsts if day)
    return earliest, max(lasts), text[start:end]


def _stated(text: str) -> Iterator[tuple[int, int, date, date]]:
    """The dates that state their year, each with its place."""
    for match in _STATED.finditer(text):
        if match["whole"]:
            day = parse_moment(re.sub(r"(?<=\d)(?:st|nd|rd|th)\b|\bof\b", "", match["whole"]))
            if day:
                yield *match.span("whole"), day, day
        elif (year := int(match["of_month"] or match["year"])) > 0:
            month = _MONTH_NUMBER[match["month"][:3].lower()] if match["month"] else None
            first, last = date(year, month or 1, 1), date(year, month or 12, 1)
            at = match.span("year") if match["year"] else match.span()
            yield *at, first, last.replace(day=monthrange(year, last.month)[1])


def too_old(asked: Asked, newest: date | None, as_of: date, event_days: int = EVENT_DAYS) -> bool:
    """Whether evidence is too old for a question about now.

    `newest` is the day of the newest evidence; of undated evidence nothing is known. Where the
    question names a period that is not over ("this week"), what is older than the period and two
    days is too old.
    """
    if newest is None or not (asked.says_now or asked.is_overview):
        return False
    newest, as_of = day_of(newest), day_of(as_of)
    if asked.first and asked.last and asked.first <= as_of <= asked.last:
        return (asked.first - newest).days > 2
    return asked.says_now and (as_of - newest).days > event_days


_STAMP = re.compile(r" ‹[^‹›]*›")


def stamped(text: str, written: date | None) -> str:
    """A text with the days that each relative expression means beside it, for the model to read.

    "last month" becomes "last month ‹February 2026›": square brackets are citations, round ones
    may be the article's own. `unstamped` takes them out. Never raises.
    """
    if written is None:
        return text
    parts, at = [], 0
    for when in resolve(text, written):
        parts += [text[at : when.end], f" ‹{when.label}›"]
        at = when.end
    return "".join([*parts, text[at:]])


def unstamped(text: str) -> str:
    """A text without what `stamped` added."""
    return _STAMP.sub("", text)
