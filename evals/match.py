"""Whether a text says an expected answer: numbers, dates and names compared by what they mean.

>>> says("It will cost twenty-five million dollars.", "$25m")
True
>>> says("It was signed on December 10, 2025.", "10 December 2025")
True
>>> says("Melania Trump spoke.", "Donald Trump", context="Donald Trump won.")
False

There is no sharing of single words: every word, number and unit of the expected answer must be
said. What stays hidden from it are negations ("not on Monday") and paraphrases: give alternatives,
and `must_not_say`.
"""

import calendar
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import takewhile

from text_to_num import alpha2digit

from ..index.words import STOP_WORDS, fold, stem
from .case import Tolerance

_EXACT = Tolerance()

# Numbers

_MULTIPLIERS = {"k": 3, "thousand": 3, "1000": 3, "m": 6, "mn": 6, "mln": 6, "million": 6}
_MULTIPLIERS |= {"1000000": 6, "bn": 9, "b": 9, "billion": 9, "1000000000": 9}
_MULTIPLIERS |= {"tn": 12, "trn": 12, "trillion": 12, "1000000000000": 12}
_CURRENCIES = {"USD": "$", "US$": "$", "GBP": "£", "EUR": "€"}
_SYMBOLS = {"$": "dollar", "£": "pound", "€": "euro", "¥": "yen", "%": "percent"}
_UNITS = {"tonne": "ton", "tonnes": "ton", "tons": "ton", "kilometers": "kilometres"}
_UNITS |= {"dollars": "dollar", "pounds": "pound", "euros": "euro", "percent": "percent"}
_NUMBER = re.compile(
    r"(?P<symbol>[$£€¥])?\s?(?P<sign>(?<![\w.)])[-−–](?=\d))?(?P<digits>\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:[\s-]?(?P<scale>1000000000000|1000000000|1000000|1000(?!\d)|thousand|million|billion"
    r"|trillion|mln|mn|bn|tn|trn|[kmb])\b)?(?P<percent>\s?%|\s?per\s?cent\b|\s?pc\b)?",
    re.I,
)
_TOKEN = re.compile(rf"{_NUMBER.pattern}|\w+(?:['’]\w+)*", re.I)
_ARTICLES = {"a", "an", "the"}
_BETWEEN_DIGITS = re.compile(r"(?<=\d)\s?[-–—]\s?(?=\d)")


@dataclass(frozen=True, slots=True)
class Number:
    """A number by its value."""

    value: float


Token = str | Number


@lru_cache(maxsize=20_000)
def tokens(text: str) -> tuple[Token, ...]:
    """Words folded, without articles and possessives; numbers by value, units behind them.

    >>> tokens("The £1.5m deal, 4 per cent")
    (Number(value=1500000.0), 'pound', 'deal', Number(value=4.0), 'percent')
    """
    found: list[Token] = []
    for match in _TOKEN.finditer(fold(_in_digits(text))):
        if match["digits"]:
            scale = _MULTIPLIERS.get((match["scale"] or "").lower(), 0)
            # By powers of ten of the digits as written: 4.2 million is 4200000, not 4199999.9.
            size = float(f"{match['digits'].replace(',', '')[:300]}e{scale}")
            found.append(Number(-size if match["sign"] else size))
            found += [_SYMBOLS[match["symbol"]]] if match["symbol"] else []
            found += ["percent"] if match["percent"] else []
        else:
            word = re.sub(r"['’]s$", "", match[0]).replace("’", "'")
            found += [] if word in _ARTICLES else [_UNITS.get(word, word)]
    return tuple(found)


_PLURAL = re.compile(r"\b(hundreds|thousands|millions|billions|dozens)\b", re.I)
_CODE = re.compile(r"\b(?:USD|GBP|EUR)\s?(?=\d)|\bUS\$")
_HALF_MORE = re.compile(r"(?<![\d.])(\d+) and a half(?: (1(?:000)+)\b)?", re.I)
_HALF_OF = re.compile(r"\bhalf an? (1(?:000)+)\b", re.I)


def _in_digits(text: str) -> str:
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
def dates(text: str) -> tuple[Day, ...]:
    """The dates that a text states with a month or a year, in no order.

    >>> dates("Between 3 March and Dec. 10, 2025")
    (Day(year=None, month=3, day=3), Day(year=2025, month=12, day=10))
    """
    found, left = [], text
    for pattern in _DATES:
        for match in pattern.finditer(left):
            groups = match.groupdict()
            month = groups.get("month")
            number = int(month) if month and month.isdigit() else _MONTHS.get((month or "").lower())
            year, day = groups.get("year"), groups.get("day")
            found.append(Day(int(year) if year else None, number, int(day) if day else None))
        left = pattern.sub(lambda match: " " * len(match[0]), left)
    return tuple(found)


def without_dates(text: str) -> str:
    """The text with the dates that it states blanked out."""
    for pattern in _DATES:
        text = pattern.sub(" ", text)
    return text


def as_date(expected: str) -> Day | None:
    """The date that an expected answer is, where it is nothing else."""
    stated = dates(expected)
    is_all = not re.sub(r"\b(?:on|in|the|of|at)\b|[\W_]", "", without_dates(expected), flags=re.I)
    return stated[0] if len(stated) == 1 and is_all else None


# Names

_FORMS = "mr mrs ms miss dr sir dame lord lady prof professor former ex deputy vice acting"
_OFFICES = """president senator sen rep representative governor gov minister chancellor king queen
prince princess pope judge justice chief prime secretary mayor ceo chairman chairwoman captain
general col gen sgt councillor spokesman spokeswoman spokesperson commissioner ambassador director
inspector detective coach economist lawyer"""
_TITLES = frozenset(f"{_FORMS} {_OFFICES}".split())
_DETERMINERS = {"the", "a", "an", "this", "that", "its", "their", "his", "her", "our"}
_PARTICLES = "de|del|della|der|den|di|da|du|la|le|van|von|bin|ibn|al|el"
_NAME = re.compile(r"[A-ZÀ-Þ][\w’'.-]*(?:\s+[A-ZÀ-Þ][\w’'.-]*){1,3}")


def _person(expected: str) -> list[str] | None:
    """The words of a name of two to four capitalised words, without titles."""
    kept = [word for word in expected.split() if fold(word).strip(".") not in _TITLES]
    name = " ".join(kept)
    return kept if _NAME.fullmatch(name) else None


def _names(text: str, name: Sequence[str], context: str) -> bool:
    """Whether a text names the bearer: in full, first and last name, or by surname.

    The surname alone counts where the context has the full name, and neither a determiner, nor
    another name, nor a capital after it makes it something else ("the House", "Melania Trump").
    """
    first, last = re.escape(name[0]), re.escape(name[-1])
    between = rf"(?:\s+(?:[A-ZÀ-Þ][\w’'.-]*|{_PARTICLES})){{0,2}}?"
    whole = re.compile(rf"(?<!\w){first}{between}\s+{last}(?!\w)")
    if whole.search(text):
        return True
    if not whole.search(context):
        return False
    for match in re.finditer(rf"(?:(?P<before>[\w.’'-]+)\s+)?(?<!\w){last}(?!\w)", text):
        before = match["before"] or ""
        is_title = fold(before).strip(".") in _TITLES
        is_other = before[:1].isupper() and not is_title and fold(before) not in STOP_WORDS
        goes_on = re.match(r"\s+[A-ZÀ-Þ]", text[match.end() :])
        if fold(before) not in _DETERMINERS and not is_other and not goes_on:
            return True
    return False


# Answers

_POLARITY = {"yes": "yes", "no": "no", "true": "yes", "false": "no"}
_OPENING = re.compile(
    r"\W*(?:the\s+answer\s+is\s+)?(yes|no|true|false)"
    r"(?:\s*(?:[^\w\s]|$)|\s+(?:it|he|she|they|there|we|that|this)\s)",  # not "No longer"
    re.I,
)


def is_polarity(expected: str) -> bool:
    """Whether an expected answer is yes or no: an answer says it, no passage does."""
    return fold(expected).strip(" .") in _POLARITY


def says(text: str, expected: str, tolerance: Tolerance = _EXACT, context: str = "") -> bool:
    """Whether a text states an expected answer, whole.

    "Yes" and "no" must open the text. A date counts as exactly stated as expected, or more so. A
    number counts by its value, with the expected unit near it. A name counts by its first and last
    word, or by the surname where `context` has it in full. Anything else must stand there word for
    word, in order, articles and case aside.
    """
    if (expected_word := fold(expected).strip(" .")) in _POLARITY:
        opening = _OPENING.match(text)
        return opening is not None and _POLARITY[opening[1].lower()] == _POLARITY[expected_word]
    if re.fullmatch(r"[A-Z]{2,4}", expected):  # "told us" does not say US
        return re.search(rf"(?<!\w){expected}(?!\w)", _in_digits(text)) is not None
    if (day := as_date(expected)) is not None:
        return any(day.is_stated_by(stated, tolerance.days) for stated in dates(text))
    wanted, said = tokens(expected), tokens(text)
    if not wanted:
        return False
    if _stands(wanted, said) or _counted(wanted, said, tolerance):
        return True
    name = _person(expected)
    return name is not None and _names(text, name, context)


def _stands(wanted: Sequence[Token], said: Sequence[Token]) -> bool:
    length = len(wanted)
    return any(said[at : at + length] == wanted for at in range(len(said) - length + 1))


_NEAR = 4  # words behind a number in which its unit is looked for


def _counted(wanted: Sequence[Token], said: Sequence[Token], tolerance: Tolerance) -> bool:
    """Whether one number is said within its tolerance, with every word of its unit near it."""
    numbers = [token for token in wanted if isinstance(token, Number)]
    if len(numbers) != 1:
        return False
    units = {stem(token) for token in wanted if isinstance(token, str)}
    reach = abs(numbers[0].value) * tolerance.number + 1e-9
    for at, token in enumerate(said):
        if isinstance(token, Number) and abs(token.value - numbers[0].value) <= reach:
            after = takewhile(_is_word, said[at + 1 : at + 1 + _NEAR])  # up to the next number
            near = filter(_is_word, (*said[max(0, at - 1) : at], *after))
            if units <= set(map(stem, map(str, near))):
                return True
    return False


def _is_word(token: Token) -> bool:
    return isinstance(token, str)


def groups_said(
    text: str, wanted: Iterable[Iterable[str]], tolerance: Tolerance, context: str = ""
) -> list[bool]:
    """For each group of alternatives, whether the text says one of them."""
    return [any(says(text, said, tolerance, context) for said in group) for group in wanted]


# As SQuAD's own script compares (Rajpurkar et al. 2016)

_PUNCTUATION = re.compile(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]")


def squad_words(text: str) -> list[str]:
    """Lower case, without ASCII punctuation and articles.

    >>> squad_words("The U.S. grew, 3%")
    ['us', 'grew', '3']
    """
    bare = _PUNCTUATION.sub("", text.lower())
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


_SOURCES = r"(?:articles?|passages?|sources?|context|documents?|texts?|information|evidence)"
_DECLINES = re.compile(
    rf"""\W*(?:answer:\s*)?(?:unfortunately,?\s+|(?:i['’]m\s+|i\s+am\s+)?sorry,?\s+(?:but\s+)?)?(?:based\s+on\s+.{{0,60}}?,\s*)?(?:
      no[\s_]answer\W*$
      |(?:n/a|unknown|not\s+(?:mentioned|stated|specified|known))\W*$
      |there\s+is\s+no\s+mention\b
      |(?:the|this)\s+question\s+can(?:not|['’]t)\s+be\s+answered\b
      |it\s+is\s+(?:unclear|not\s+clear)\s+from\s+(?:the|these)\s+\w*\s?{_SOURCES}
      |empty\s+response\W*$
      |(?:(?:the|these|those|any\s+of\s+the)\s+)?(?:(?:given|provided|available|retrieved)\s+)?{_SOURCES}
        (?:\s+(?:given|provided|above|available))?\s+(?:do(?:es)?\s+not|don['’]t|doesn['’]t|did\s+not)\s
        (?:\w+\s+)?(?:say|mention|contain|provide|answer|state|specify|include|give|support|indicate)
      |none\s+of\s+the\s+(?:\w+\s+)?{_SOURCES}\s
      |i\s+(?:do\s+not|don['’]t)\s+(?:have|know)(?:\W*$|\s+(?:the|enough|any|if|whether|based|from)\b)
      |i(?:['’]m|\s+am|\s+was)?\s+(?:cannot|can['’]t|could\s+not|couldn['’]t|unable\s+to)\s
        (?:answer|find|determine|provide|tell)
      |(?:there\s+is\s+)?(?:no|not\s+enough|insufficient)\s+(?:\w+\s+)?(?:information|context)
        (?:\W*$|\s+(?:to\s+answer|to\s+determine|in\s+the\s+\w*\s?{_SOURCES})\b)
      |there\s+is\s+(?:no|not\s+enough|insufficient)\s+(?:\w+\s+)?information\b
      |it\s+is\s+not\s+(?:possible\s+to\s+(?:answer|determine|say)|stated|mentioned|specified)\b
      |unable\s+to\s+(?:answer|determine)
    )""",
    re.I | re.X,
)
# What may follow a refusal: what the sources hold instead.
_INSTEAD = re.compile(
    rf"\W*(?:they|it|(?:the|these|those)\s+(?:\w+\s+)?{_SOURCES})\s+(?:only\s+|mainly\s+|instead\s+)?"
    r"(?:speaks?|discuss(?:es)?|mentions?|describes?|focus(?:es)?|talks?|covers?|deals?)\b",
    re.I,
)
_ANYWAY = re.compile(
    r"(?<!sorry, )(?<!sorry )\b(?:but|yet|however|although|though|nevertheless)\b", re.I
)
_BORDER = re.compile(r"(?<=[.!?])\s+")


def reads_as_declined(text: str) -> bool:
    """Whether a text refuses to answer, for systems that do not say so themselves.

    Its first sentence must open with a refusal, and what follows must not answer after all.

    >>> reads_as_declined("The articles do not say."), reads_as_declined("Nobody does not say so.")
    (True, False)
    """
    sentences = _BORDER.split(text.strip())
    if not _DECLINES.match(sentences[0]) or _ANYWAY.search(text):
        return False
    return all(_DECLINES.match(said) or _INSTEAD.match(said) for said in sentences)
