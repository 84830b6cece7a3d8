"""Numbers and dates that a text states, read the one way for answers and for evaluation.

>>> tokens("The £1.5m deal, 4 per cent")
(Number(value=1500000.0), 'pound', 'deal', Number(value=4.0), 'percent')
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from text_to_num import alpha2digit

from .words import fold

# Numbers

MULTIPLIERS = {"k": 3, "thousand": 3, "1000": 3, "m": 6, "mn": 6, "mln": 6, "million": 6}
MULTIPLIERS |= {"1000000": 6, "bn": 9, "b": 9, "billion": 9, "1000000000": 9}
MULTIPLIERS |= {"tn": 12, "trn": 12, "trillion": 12, "1000000000000": 12}
_CURRENCIES = {"USD": "$", "US$": "$", "GBP": "£", "EUR": "€"}
SYMBOLS = {"$": "dollar", "£": "pound", "€": "euro", "¥": "yen", "%": "percent"}
UNITS = {"tonne": "ton", "tonnes": "ton", "tons": "ton", "kilometers": "kilometres"}
UNITS |= {"dollars": "dollar", "pounds": "pound", "euros": "euro", "percent": "percent"}
NUMBER = re.compile(
    r"(?P<symbol>[$£€¥])?\s?(?P<sign>(?<![\w.)])[-−–](?=\d))?(?P<digits>\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:[\s-]?(?P<scale>1000000000000|1000000000|1000000|1000(?!\d)|thousand|million|billion"
    r"|trillion|mln|mn|bn|tn|trn|[kmb])\b)?(?P<percent>\s?%|\s?per\s?cent\b|\s?pc\b)?",
    re.I,
)
TOKEN = re.compile(rf"{NUMBER.pattern}|\w+(?:['’]\w+)*", re.I)
_ARTICLES = {"a", "an", "the"}
_BETWEEN_DIGITS = re.compile(r"(?<=\d)\s?[-–—]\s?(?=\d)")


@dataclass(frozen=True, slots=True)
class Number:
    """A number by its value."""

    value: float


Token = str | Number


@lru_cache(maxsize=20_000)
def tokens(text: str) -> tuple[Token, ...]:
    """Words folded, without articles and possessives; numbers by value, units behind them."""
    found: list[Token] = []
    for match in TOKEN.finditer(fold(in_digits(text))):
        if match["digits"]:
            found.append(Number(value_of(match)))
            found += [SYMBOLS[match["symbol"]]] if match["symbol"] else []
            found += ["percent"] if match["percent"] else []
        else:
            word = re.sub(r"['’]s$", "", match[0]).replace("’", "'")
            found += [] if word in _ARTICLES else [UNITS.get(word, word)]
    return tuple(found)


def value_of(match: re.Match[str]) -> float:
    """The value of a match of NUMBER: 4.2 million is 4200000, not 4199999.9."""
    scale = MULTIPLIERS.get((match["scale"] or "").lower(), 0)
    size = float(f"{match['digits'].replace(',', '')[:300]}e{scale}")
    return -size if match["sign"] else size


_PLURAL = re.compile(r"\b(hundreds|thousands|millions|billions|dozens)\b", re.I)
_CODE = re.compile(r"\b(?:USD|GBP|EUR)\s?(?=\d)|\bUS\$")
_HALF_MORE = re.compile(r"(?<![\d.])(\d+) and a half(?: (1(?:000)+)\b)?", re.I)
_HALF_OF = re.compile(r"\bhalf an? (1(?:000)+)\b", re.I)


def in_digits(text: str) -> str:
    """A text with its numbers in digits, currencies by their sign, and U.S. without points."""
    text = text.encode("utf-8", "replace").decode()  # lone surrogates stop alpha2digit
    text = re.sub(r"\bU\.\s?([SK])\.(?:A\.)?", r"U\1", text)
    text = _CODE.sub(lambda code: _CURRENCIES[code[0].strip()], text)
    # "no one" is not 1, "thousands of people" are not 1,000.
    text = _PLURAL.sub(r"_\1", re.sub(r"\bno one\b", "noone", text, flags=re.I))
    spelled = alpha2digit(_BETWEEN_DIGITS.sub(" to ", text), "en", 0.0)
    spelled = _HALF_OF.sub(lambda of: str(int(of[1]) // 2), spelled)
    return str(_HALF_MORE.sub(lambda more: f"{more[1]}.5 {more[2] or ''}", spelled))


# Dates

_MONTHS = {
    name.lower(): number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(names)
    if name
} | {"sept": 9}
# With a capital: "you may 3 times" is no date.
_WRITTEN = [form for name in _MONTHS for form in (name.capitalize(), name.upper())]
_MONTH = rf"(?P<month>{'|'.join(sorted(_WRITTEN, key=len, reverse=True))})\b\.?"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:1[5-9]|20)\d\d)"
_DATES = [
    re.compile(pattern)
    for pattern in (
        r"(?<!\d)(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)",
        rf"(?<!\d){_DAY}\s(?:of\s)?{_MONTH}(?:,?\s{_YEAR})?(?!\d)",
        rf"\b{_MONTH}\s{_DAY}\b(?:,?\s{_YEAR})?(?!\d)",
        rf"\b{_MONTH},?\s(?:of\s)?{_YEAR}(?!\d)",
        rf"(?<![\d.,$£€]){_YEAR}(?![\d%]|[.,]\d|s\b)",
    )
]


@dataclass(frozen=True, slots=True)
class Day:
    """A date as far as it is stated."""

    year: int | None
    month: int | None
    day: int | None

    def is_stated_by(self, other: "Day", days: int = 0) -> bool:
        """Whether the other states this date: as exactly or more so, `days` off at most."""
        one, two = self.calendar, other.calendar
        if days and one and two:
            return abs((one - two).days) <= days
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(mine is None or mine == theirs for mine, theirs in pairs)

    @property
    def calendar(self) -> date | None:
        """The date where it is whole and there is such a day."""
        try:
            return date(self.year or 0, self.month or 0, self.day or 0)
        except ValueError:
            return None


@lru_cache(maxsize=20_000)
def dates_at(text: str) -> tuple[tuple[int, int, Day], ...]:
    """The dates that a text states with a month or a year, with their spans, in no order."""
    found, left = [], text
    for pattern in _DATES:
        for match in pattern.finditer(left):
            groups = match.groupdict()
            month = groups.get("month")
            number = int(month) if month and month.isdigit() else _MONTHS.get((month or "").lower())
            year, day = groups.get("year"), groups.get("day")
            stated = Day(int(year) if year else None, number, int(day) if day else None)
            found.append((*match.span(), stated))
        left = pattern.sub(lambda match: " " * len(match[0]), left)
    return tuple(found)


def dates(text: str) -> tuple[Day, ...]:
    """The dates that a text states with a month or a year, in no order.

    >>> dates("Between 3 March and Dec. 10, 2025")
    (Day(year=None, month=3, day=3), Day(year=2025, month=12, day=10))
    """
    return tuple(day for _, _, day in dates_at(text))


def without_dates(text: str) -> str:
    """The text with the dates that it states blanked out."""
    for pattern in _DATES:
        text = pattern.sub(" ", text)
    return text
