"""Dates in articles: when one was published, and which days its relative words mean.

>>> parse_moment("Wed, 04 Feb 2026 14:32:00 +0100").isoformat()
'2026-02-04T13:32:00+00:00'
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from dateutil import parser, tz
from dateutil.relativedelta import relativedelta

# Zones that RFC 822 (section 5) defines, the names that newsrooms write for them, and those of
# Europe. Names with two meanings in the press (BST, IST) are left out: without them a date stays.
_ZONES: dict[str, str | int] = {
    **{"Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2},
    **{"EET": 2, "EEST": 3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6},
    **{"PST": -8, "PDT": -7, "ET": "America/New_York", "CT": "America/Chicago"},
    **{"MT": "America/Denver", "PT": "America/Los_Angeles"},
}
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_YEAR_FIRST = re.compile(r"\d{4}[-/.]\d")
_BREAKS = re.compile(r"\s[-–—|·•@]+\s|[–—|·•]+|\s+")
_TIDY = (
    (re.compile(r"(?<![+-]\d{4}\s)\(([A-Z]{2,4})\)"), r"\1"),
    (re.compile(r"\b(?:UTC|GMT)\s?(?=[+-]\d)"), " "),  # dateutil gives "GMT+3" the sign of POSIX
    (re.compile(r"\b([ap])\.\s?m\b\.?", re.I), r"\1m"),
    # "14.05 GMT", as British papers write the time
    (re.compile(r"(?<![\d.])([01]?\d|2[0-3])\.([0-5]\d)(?=\s*([ap]m\b|[A-Z]{2,4}\b|$))"), r"\1:\2"),
)
_LONGEST_MOMENT = 80


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    if offset is not None:
        return tz.tzoffset(name, offset)
    known = _ZONES.get((name or "").upper())
    if isinstance(known, str):
        return tz.gettz(known)
    return None if known is None else tz.tzoffset(name, known * 3600)


def _known(value: datetime, *, has_time: bool = True) -> datetime | date:
    """An aware moment in UTC when time and zone are known, else the bare date."""
    return value.astimezone(UTC) if has_time and value.tzinfo else value.date()


def _parse_digits(text: str) -> datetime | date | None:
    if len(text) in (8, 14):
        form = "%Y%m%d%H%M%S"[: 6 if len(text) == 8 else None]
        return datetime.strptime(text, form).date()  # noqa: DTZ007 (no zone is known)
    if len(text) in (10, 13):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    return None


def _parse_words(text: str) -> datetime | date | None:
    """What dateutil reads, kept only where year, month, day and order are all stated."""
    readings = set()
    for day_first in (False,) if _YEAR_FIRST.match(text) else (False, True):
        # dateutil fills what is missing from a default: two defaults that share no field show it
        first, second = (
            parser.parse(text, default=default, dayfirst=day_first, tzinfos=_zone)
            for default in (datetime(2000, 1, 1), datetime(2004, 12, 28, 1, 1, 1, 1))  # noqa: DTZ001
        )
        if first.date() != second.date():
            return None
        readings.add(_known(first, has_time=first.hour == second.hour))
    return readings.pop() if len(readings) == 1 else None


def parse_moment(text: str) -> datetime | date | None:
    """The moment that a text states: an aware datetime in UTC, a bare date, or None.

    Reads ISO 8601, RFC 822, written English dates and epoch seconds or milliseconds. A time
    without a known zone gives the bare date. None when it is not a date, when the year, month
    or day is missing, or when day and month could be exchanged ("03/04/2026"). Never raises.
    """
    text = _BREAKS.sub(" ", text[: _LONGEST_MOMENT + 1]).strip(" ,;:.-")
    if len(text) > _LONGEST_MOMENT or not re.search(r"\d{4}", text):
        return None
    try:
        if text.isascii() and text.isdigit():
            return _parse_digits(text)
        if _ISO.match(text):
            with suppress(ValueError):
                return _known(datetime.fromisoformat(text))
        for pattern, replacement in _TIDY:
            text = pattern.sub(replacement, text)
        return _parse_words(text)
    except (ValueError, OverflowError, TypeError, AttributeError, IndexError):
        return None  # dateutil raises any of these on texts that are not dates


_LABEL = re.compile(
    r"^\W*(?:(?:first|last|originally|article)\s+)?(?:published|posted|updated|modified|issued|"
    r"released|filed|dated?)\b(?:\s+(?:on|at))?[\s:]*",
    re.I,
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_WRITTEN = rf"(?:{_DAY}\s+[A-Z][a-z]{{2,8}}\.?|[A-Z][a-z]{{2,8}}\.?\s+{_DAY}),?\s+\d{{4}}"
_PLACE = r"[A-Z][\w.'’-]*(?:,?\s(?:[A-Z][\w.'’-]*|[a-z]{2,3})){0,6}(?:,|\s[-–—])\s"
_AFTER_PLACE = re.compile(rf"{_PLACE}(.+)")
# "CASTRINE, March 9, 2026 (Meridian Wire) —": capitals and the dash tell it from a sentence
_BEFORE_STORY = re.compile(
    rf"(?:(?=[A-Z]{{2}}|[A-Z]\.){_PLACE})?({_WRITTEN})\s*"
    r"(?:\([^()]{2,60}\)|/[^/]{2,60}/)?\s*(?:[–—]|-{1,2}\s)"
)
_FIELD = re.compile(r"[|·•]")


def find_dateline(line: str) -> datetime | date | None:
    """The moment of a line that is a dateline; None for any other line. Never raises.

    A dateline is a line that holds nothing but a date with its year, with or without a label
    ("Published:"), a place or name, or other fields set off by "|" or "·"; or the place, date
    and dash that open a wire story, whatever follows. A sentence that holds a date is none.
    """
    line = line.strip(" \t\r\n*_")
    if line[:1] in ("(", "["):
        line = line[1:].rstrip(")]")
    if opening := _BEFORE_STORY.match(line):
        return parse_moment(opening[1])
    if line.replace(" ", "").isdigit():
        return None  # a number alone on its line is a count or a code
    for field in (line, *_FIELD.split(line)):
        field = _LABEL.sub("", field.strip(), count=1)
        after_place = _AFTER_PLACE.fullmatch(field)
        if moment := parse_moment(field) or (after_place and parse_moment(after_place[1])):
            return moment
    return None


_MONTHS = ["January", "February", "March", "April", "May", "June"]
_MONTHS += ["July", "August", "September", "October", "November", "December"]
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_COUNTS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
_COUNTS += " fifteen sixteen seventeen eighteen nineteen twenty"
_MONTH_NUMBER = {m[:n].lower(): i for i, m in enumerate(_MONTHS, 1) for n in (3, 4, 9)}
_WEEKDAY_NUMBER = {name.lower(): number for number, name in enumerate(_WEEKDAYS.split())}
_COUNT = {name: number for number, name in enumerate(_COUNTS.split(), 1)} | {"a": 1, "an": 1}
_COUNT |= {str(number): number for number in range(1000)}
_ORDINAL = {"first": 0, "second": 1, "third": 2, "fourth": 3}
_NTH = "|".join(_ORDINAL)
_AT = _ORDINAL | {"early": 0, "mid": 1, "middle": 1, "late": 2}
_CYCLES = ("day", "month", "weekday", "weekend", "quarter")
_DIRECTION = {"last": -1, "past": -1, "next": 1, "coming": 1, "this": 0}
_UNIT = {"day": relativedelta(days=1), "week": relativedelta(weeks=1)}
_UNIT |= {"fortnight": relativedelta(weeks=2), "month": relativedelta(months=1)}
_UNIT |= {"quarter": relativedelta(months=3), "year": relativedelta(years=1)}
_UNIT |= {"decade": relativedelta(years=10), "hour": relativedelta(hours=1)}

Period = tuple[date, date]

# Each named group is a rule; "known" and "elsewhere" are there to be left out. A month that is also
# a name, a verb or a modal needs a word in front of it that asks for a date.
_EXPRESSION = re.compile(
    r"""\b
    (?:(?P<preposition>(?i:in|on|by|since|until|till|from|for|through|during|before|after|of|to
        |between|and|early|late|mid))[\s-]+
      |(?P<determiner>(?i:the|a|an|its|his|her|their|our|my|your|upcoming))\s+)?
    (?:
      (?P<known>(?:WEEKDAY,?\s+)?(?:DAYS\s+(?:of\s+)?MONTH|MONTH(?:\s+DAYS)?),?\s+(?:of\s+)?\d{4}
        |\d{4}-\d\d-\d\d)\b
      |(?P<elsewhere>(?i:every|each|any|that|same|following|previous|prior)\s+(?:WEEKDAY|MONTH)
        |(?:Good|Black|Ash|Super|Bloody|Easter|Cyber|Palm|Giving)\s+WEEKDAY
        |(?(determiner)|(?<=['’])s\s+)(?i:last|next)\s+UNIT
        |(?<=\b[Oo]n\sa\s)WEEKDAY(?=[,.;]|\s+(?:in|when|and|night|morning|afternoon|evening)\b)
        |(?i:more\ than|less\ than|over|under|nearly|almost|about|around|some|roughly|at\ least
          |half)\s+COUNT\s+\w+\s+ago)\b
      |(?P<part>(?i:(?:beginning|start|middle|end|(?:first|second)\s+half
          |ORDINAL\s+quarter)\s+of\s+the\s+UNIT|mid-(?:month|year)|turn\s+of\s+the\s+year)\b
        (?!\s+of\b|['’]))
      |(?P<span>(?i:(?:(?:past|last|next|coming)\s+COUNT|past)\s+SPANs?)\b(?!\s+of\b))
      |(?P<quarter>(?i:ORDINAL[\s-]quarter)\b
        (?:\s+of\s+TOWARD\s+year\b|(?!\s+(?:of\s+)?(?:the\b|fiscal\b|\d{4}))))
      |(?P<weekend>(?:TOWARD|(?(determiner)|(?!)))\s*weekend\b(?!\s+(?:of|before|after)\b))
      |(?P<hence>(?i:COUNT\s+AGEs?(?:['’]\s+time|\s+from\s+(?:now|today))\b
        |COUNT\s+weeks?\s+from\s+WEEKDAY\b)|WEEKDAY\s+week\b(?!-|\s+of\b))
      |(?P<day>(?<=\bon\s)the\s+\d{1,2}(?:st|nd|rd|th)
          (?=[,.;:!?)]|\s+(?:and|but|to|at|in|when|after|before)\b)
        |(?:TOWARD\s+)?(?:WEEKDAY,?\s+)?(?:MONTH\s+DAYS|DAYS\s+(?:of\s+)?MONTH)\b
        (?![,.:/]?\d|%)(?:,?\s+(?:of\s+)?TOWARD\s+year\b)?)
      |(?P<month>NAME_OF_MONTH,?\s+(?:of\s+)?(?:TOWARD\s+year|the\s+year\s+before\s+last
          |(?i:COUNT\s+years?\s+ago))\b
        |TOWARD\s+NAME_OF_MONTH\b
        |(?(preposition)NAME_OF_MONTH|(?(determiner)NAME_OF_MONTH(?=\s+[a-z]{4})|
          (?!March|April|May|June)NAME_OF_MONTH(?!\s+[A-Z])))\b)
      |(?P<weekday>WEEKDAY,?\s+(?:of\s+)?TOWARD\s+week\b|TOWARD\s+WEEKDAY\b
        |(?(preposition)WEEKDAY|WEEKDAY(?!\s+[A-Z]))\b)
      |(?P<date>day\s+(?:before\s+yesterday|after\s+tomorrow)
        |(?:(?<!\w\s)[YT]|[yt])(?:esterday|oday|onight|omorrow)
        |(?i:last\s+night|this\s+(?:morning|afternoon|evening)))\b
      |(?P<period>(?i:(?:earlier|later)\s+)?TOWARD\s+(?:UNIT|quarter)\b
        |(?(determiner)(?:UNIT\s+(?:before\s+last|after\s+next))|(?!))\b)
      |(?P<ago>(?i:COUNT\s+AGEs?\s+ago|(?:COUNT\s+)?hours?\s+(?:ago|earlier)))\b
    )""".replace("TOWARD", r"(?i:this\s+(?:past|coming)|last|this|next)")
    .replace("SPAN", r"(?:hour|decade|AGE)")
    .replace("AGE", r"(?:day|fortnight|UNIT)")
    .replace("UNIT", r"(?i:week|month|year)")
    .replace("ORDINAL", f"(?:{_NTH})")
    .replace("COUNT", rf"(?:(?<!\d[,.])\d{{1,3}}|an?|{_COUNTS.replace(' ', '|')})")
    .replace("NAME_OF_MONTH", f"(?:{'|'.join(_MONTHS)})")
    .replace("WEEKDAY", f"(?:{_WEEKDAYS.replace(' ', '|')})")
    .replace("MONTH", rf"(?:{'|'.join(_MONTHS)}|(?:Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)\b\.?)")
    .replace("DAYS", rf"{_DAY}(?:\s?[-–]\s?{_DAY})?"),
    re.VERBOSE,
)

# The verb nearest to an expression tells which way it looks. "be held", "been said" and the like
# take the tense of the verb before them.
_TENSE = re.compile(
    r"""\b(?:
    (?P<ahead>will|must|won['’]t|would|shall|should|could|may|might|upcoming|coming|next|ahead
      |scheduled|expect(?:s|ed)|forecast\s+(?:to|for)|planned|planning|slated|due|set\s+(?:to|for)
      |(?:is|are|going|plans?|hopes?|aims?|wants?|intends?|vow(?:s|ed)|agreed|about)\s+to
      |(?:is|are)\s+[a-z]+ed\s+(?:[^.;,]{0,30}\s)?(?:until|till)
      |(?:(?:is|are)\s+[a-z]+|ask|order|demand|promis|requir|urg)ed\s+[^.;,]{0,50}?by(?=\s+
        (?:the\s+(?:end|start|middle)\s+of\s+)?\Z)
      |(?:remand|adjourn|postpon|suspend|extend|delay|cancell|defer)\w*\s+(?:[^.;,]{0,30}\s)?until
      # the present of a timetable
      |(?:goes|go|takes?|comes?)\s+(?:out|effect|into\s+(?:effect|force)|on\s+sale|up|to\s+the\s+polls)
      |(?:begin|start|open|reopen|resume|close|end|expire|lapse)s|continues?(?=\s+on\b)
      |(?<=s\s)(?:begin|start|(?:re)?open|resume|close|end|return)(?=\s+(?:on|in|from)\b))
    |(?<!\bbe\ )(?P<back>[a-z]+(?<!e)ed|after\s+[a-z]+ing|agreed|since|was|were|had|did
      |(?:was|were|had|did|would|could)n['’]t|said|told|went|came|took|gave
      |got|made|held|met|began|won|lost|left|sent|found|fell|rose|saw|kept|led|ran|spoke|wrote
      |struck|shot|stood|sold|paid|brought|thought|became|drew|broke|grew|heard|built|bought|caught
      |chose|fought|laid|threw|withdrew|sought|taught|known|taken|given|seen|done|gone|written)
    )\b|['’](?P<contracted>ll)\b""",
    re.VERBOSE,
)
# "between 20 March and 17 April last year": the year is that of both.
_SHARED = re.compile(r"\s(?:and|to)\s(?:\d\w*\s)?[A-Z]\w+(?:\s\d\w*)?\s((?:last|next)\syear)\b")
# What narrows the period that follows it.
_NARROWED = rf"early|mid|late|(?:beginning|start|middle|end|(?:{_NTH})\s(?:half|quarter))\sof"
_PART = re.compile(rf"\b({_NARROWED})[\s-]+\Z", re.I)
# "is closed until the election in May": the end of something may lie on either side.
_UNTIL = re.compile(r"\b(?:until|till)\b[^.;]{0,40}\Z")
_SENTENCE_END = re.compile(r"""(?<![A-Z])[.!?]["”’)]*\s|\n|;\s""")
_CLAUSE_START = re.compile(rf"{_SENTENCE_END.pattern}|,\s(?:but|while)\s")


@dataclass(frozen=True, slots=True)
class When:
    """An expression of an article, `text[start:end] == words`, and the days that it means."""

    start: int
    end: int
    words: str
    first: date
    last: date
    "the last day of the period, inclusive"
    rule: str
    "day | month | weekday | weekend | quarter | period, before | at | after, the dateline"

    @property
    def label(self) -> str:
        """The period in words: "2025", "July 2025", "4 February 2026" or "2–8 March 2026"."""
        days = (self.first, self.last)
        start, end = ([str(day.day), _MONTHS[day.month - 1], str(day.year)] for day in days)
        if start == end:
            return " ".join(end)
        if days == _period("year", self.first):
            return end[2]
        if days == _period("month", self.first):
            return " ".join(end[1:])
        if start[1:] == end[1:]:
            return f"{start[0]}–{' '.join(end)}"
        return f"{' '.join(start[: 2 if start[2] == end[2] else 3])} – {' '.join(end)}"


def _period(unit: str, day: date) -> Period:
    """The calendar day, week (Monday to Sunday), month, quarter or year that holds a day."""
    if unit == "day":
        return day, day
    if unit in ("week", "fortnight"):
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    month = {"month": day.month, "quarter": day.month - (day.month - 1) % 3}.get(unit, 1)
    first = day.replace(day=1, month=month)
    return first, first + _UNIT[unit] - _UNIT["day"]


def _part(name: str, period: Period) -> Period:
    """A named part: "early" is four months of a year, ten days of a month, Monday to Wednesday."""
    first, last = period
    words, days = name.lower().split(), (last - first).days + 1
    if words[0] in ("start", "beginning", "end"):
        return (last, last) if words[0] == "end" else (first, first)
    at, is_share = _AT[words[0]], "half" in words or "quarter" in words
    if days > 100:
        months = {"half": 6, "quarter": 3}.get(words[1] if is_share else "", 4)
        start = first + relativedelta(months=months * at)
        return start, start + relativedelta(months=months, days=-1)
    if days > 31 or days == 1 or is_share:
        return period
    cuts = (0, 3, 3, 7) if days == 7 else (0, 10, 20, days)
    start, end = (first + timedelta(days=day) for day in cuts[at : at + 2])
    return (start, end - timedelta(days=1)) if start < end else period


def _first(words: Iterable[str], table: Mapping[str, int]) -> int | None:
    return next((table[word] for word in words if word in table), None)


def _cycle(rule: str, words: list[str], written: date) -> dict[int, Period]:
    """The named days before, of (0) and after the dateline; a day with weekday where both agree."""
    weekday = 5 if rule == "weekend" else _first(words, _WEEKDAY_NUMBER)
    if rule in ("weekend", "weekday") and weekday is not None:
        day = written + timedelta(days=weekday - written.weekday())
        length = timedelta(days=rule == "weekend")
        firsts = {n: day + timedelta(weeks=n) for n in (-1, 0, 1)}
        return {n: (first, first + length) for n, first in firsts.items()}
    unit = "quarter" if rule == "quarter" else "month"
    month = _first(words, _MONTH_NUMBER) or 3 * (_first(words, _ORDINAL) or 0) + (unit == "quarter")
    days = [int(digits) for digits in re.findall(r"\d+", " ".join(words))] if rule == "day" else []
    found = {}
    for n in (-1, 0, 1):
        with suppress(ValueError):  # 29 February, 31 June
            start = written + relativedelta(years=n) if month else written + relativedelta(months=n)
            first = date(start.year, month or start.month, days[0] if days else 1)
            last = first.replace(day=days[-1]) if days else _period(unit, first)[1]
            if weekday in (None, first.weekday()):
                found[n] = (first, last)
    return found


def _named(rule: str, words: list[str], written: date, ahead: bool | None) -> Period | None:
    """The occurrence meant: by its own "last", "this" or "next", else by the tense around it.

    Without either a day is the nearest one (the AP Stylebook gives the year of any other), and
    a month or weekday is past. "This weekend" is past where the verb is.
    """
    if "ago" in words or "before" in words:  # "the year before last"
        years = 2 if "before" in words else _first(words, _COUNT) or 1
        written = written.replace(day=1) - years * _UNIT["year"]
        return _cycle(rule, words, written).get(0)
    cycle, toward = _cycle(rule, words, written), _first(reversed(words), _DIRECTION)
    if rule == "weekend" and toward == 0:
        toward, ahead = None, ahead is not False
    if toward == 0 or "year" in words or "week" in words or (rule, toward) == ("weekend", 1):
        return cycle.get(toward or 0)
    if toward is None and ahead is None and rule == "day":
        return min(cycle.values(), key=lambda period: abs(period[0] - written), default=None)
    if toward == 1 or (toward is None and ahead):
        coming = (p for p in cycle.values() if (p[0] > written if toward else p[1] >= written))
        return next(coming, None)
    back = (p for p in reversed(cycle.values()) if (p[1] < written if toward else p[0] <= written))
    return next(back, None)


def _counted(rule: str, words: list[str], written: date) -> Period:
    """A period that lies a stated number of units from the dateline, or reaches that far."""
    if rule == "date":
        days = _first(words, {"yesterday": -1, "last": -1, "tomorrow": 1}) or 0
        return _period("day", written + timedelta(days=2 * days if words[0] == "day" else days))
    weekday, count = _first(words, _WEEKDAY_NUMBER), _first(words, _COUNT)
    toward, count = _first(reversed(words), _DIRECTION), 1 if count is None else count
    if weekday is not None:  # "Friday week", "two weeks from Friday"
        ahead = (weekday - written.weekday() - 1) % 7 + 1
        return _period("day", written + timedelta(days=ahead, weeks=count))
    unit = next(word.rstrip("s") for word in reversed(words) if word.rstrip("s") in _UNIT)
    if words[0] == "turn":  # the nearest one
        first = (written + relativedelta(months=6)).replace(month=1, day=1)
        return first - _UNIT["day"], first
    if rule == "part":
        return _part(" ".join(words[:2]), _period(unit, written))
    if rule == "period":
        steps = (toward or 0) * (2 if {"before", "after"} & {*words} else 1)
        first, last = _period(unit, written + steps * _UNIT[unit])
        if words[0] == "earlier":
            return first, min(last, written)
        return (max(first, written), last) if words[0] == "later" else (first, last)
    if rule == "span":
        reach = count * _UNIT[unit] if unit != "hour" else timedelta(days=-(-count // 24))
        return (written, written + reach) if toward == 1 else (written - reach, written)
    if unit == "hour":  # the dateline has no hour: they may reach into the day before
        return written - timedelta(days=-(-count // 24)), written - timedelta(days=count // 24)
    return _period(unit, written + (count if rule == "hence" else -count) * _UNIT[unit])


def _looks_ahead(text: str, start: int, end: int) -> bool | None:
    """Whether the verb before an expression in its sentence, else the one after, is of the future.

    Before, because "said on Monday that it will" dates the saying. None: no verb tells.
    """
    before = _CLAUSE_START.split(text[max(0, start - 300) : start])[-1]
    after = _SENTENCE_END.split(text[end : end + 300], maxsplit=1)[0]
    verb = (*_TENSE.finditer(before), None)[-2:][0] or _TENSE.search(after)
    return None if verb is None else verb.lastgroup != "back"


def _expressions(text: str) -> Iterator[re.Match[str]]:
    """As `finditer`, which is four times slower because it tries every character."""
    at = 0
    for word in re.finditer(r"\b\w", text):
        if word.start() >= at and (match := _EXPRESSION.match(text, word.start())):
            at = match.end()
            if match.lastgroup not in ("known", "elsewhere"):
                yield match


def resolve(text: str, written: date) -> list[When]:
    """The relative and incomplete dates of a text, resolved against the day it was written.

    In order, without overlaps. Left out: dates that state their year ("May 2025"), what hangs on
    another event ("the day before", "until May"), approximations ("nearly two years
    ago") and seasons. "two years ago" is that calendar year, "a week ago" that Monday to Sunday,
    "hours earlier" the day and the one before. Tense decides between past and coming. Never raises.
    """
    return list(_resolved(text, written.date() if isinstance(written, datetime) else written))


@lru_cache(maxsize=4_000)
def _resolved(text: str, written: date) -> tuple[When, ...]:
    found = []
    for match in _expressions(text):
        rule = match.lastgroup or ""
        start, end = match.span(rule)
        words = re.findall(r"[a-z]+|\d+", match[rule].lower())
        try:
            if rule in _CYCLES:
                ahead = _looks_ahead(text, start, end)
                if not ahead and _UNTIL.search(text[max(0, start - 60) : start]):
                    continue
                if rule == "day" and (shared := _SHARED.match(text, end)):
                    words += shared[1].lower().split()
                period = _named(rule, words, written, ahead)
            else:
                period = _counted(rule, words, written)
            part = _PART.search(text, max(0, start - 30), start) if period else None
            if part and period and _part(part[1], period) != period:
                start, period = part.start(), _part(part[1], period)
        except (ValueError, OverflowError):
            continue  # before the year 1 or after 9999
        if period:
            side = "before" if period[1] < written else "after" if period[0] > written else "at"
            kind = rule if rule in _CYCLES else "period"
            found.append(When(start, end, text[start:end], *period, f"{kind} {side} the dateline"))
    return tuple(_joined(text, found, written))


def _joined(text: str, found: list[When], written: date) -> list[When]:
    """With `fifteen years ago this October` as one date, and not as a year and a month to come."""
    for at in range(len(found) - 1, 0, -1):
        one, two = found[at - 1 : at + 1]
        is_ago = re.fullmatch(r"(?:\w+-)?\w+ years? ago", one.words, re.I)
        if is_ago and re.match(r"this|today", two.words) and not text[one.end : two.start].strip():
            ago = relativedelta(years=one.first.year - written.year)
            with suppress(ValueError, OverflowError):
                period = two.first + ago, two.last + ago
                words = text[one.start : two.end]
                whole = When(one.start, two.end, words, *period, "period before the dateline")
                found[at - 1 : at + 1] = [whole]
    return found
