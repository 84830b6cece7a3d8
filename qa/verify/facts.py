"""What a sentence states that can be checked: numbers, dates, names, quotations, negations.

>>> facts("Nearly 30 million people did not vote, Hale said.").numbers[0].shown
'nearly 30 million'

One reading for claims and evidence alike; evidence is read a sentence at a time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import takewhile

from ...index.dates import resolve
from ...index.numbers import SYMBOLS, TOKEN, Day, dates_at, in_digits, value_of
from ...index.words import STOP_WORDS, fold, stem

# Words


@dataclass(frozen=True, slots=True)
class Word:
    """A word in its place."""

    text: str
    "as written, without a possessive ending"
    stem: str
    negated: bool
    "whether a negation stands close before it and denies it"
    is_content: bool
    "whether it carries sense: neither a function word nor a negation"


_NEGATING = """not no never none nobody nothing neither nor without cannot fail deny refuse unable
lack nowhere hardly barely rarely"""
_NEGATIONS = frozenset(map(stem, _NEGATING.split()))
_NOT = re.compile(r"n['’]t$", re.I)
_NO_NEGATION = re.compile(
    r"\s+(?:only|just|least|doubt|matter|surprise|wonder|(?:more|less|fewer|later|longer) than)\b",
    re.I,
)
_REACH = 4  # words within which a negation finds the one that it denies

# Numbers

_WORDED = tuple(
    (re.compile(pattern, re.I), value)
    for pattern, value in (
        (r"\b(?:a )?quarter (?:of a percentage )?point\b", "0.25 percentage point"),
        (r"\bhalf a (?:percentage )?point\b", "0.5 percentage point"),
        (r"\bof a percentage point\b", "percentage point"),
        (r"\b(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)-(?=[a-z]{3})", r"\1 "),
        (r"\b(?:three[- ]quarters)\b(?= of)", "75%"),
        (
            r"\b(?:(?:a|one)[- ])?(?<!last )(?<!st )(?<!nd )(?<!rd )(?<!th )quarter\b"
            r"(?= of (?!20|19|the year))",
            "25%",
        ),
        (r"\btwo[- ]thirds\b", "67%"),
        (r"\b(?:a|one)[- ]third\b(?= of)", "33%"),
        (r"\b(?:one|a) in (?:four|4)\b", "25%"),
        (r"\b(?:one|a) in (?:five|5)\b", "20%"),
        (r"\b(?:one|a) in (?:ten|10)\b", "10%"),
        (r"\bhalf\b(?= (?:of|the)\b)", "50%"),
        (r"\bhalf a dozen\b", "6"),
        (r"\b(?:a|one) dozen\b", "12"),
        (r"\btwo dozen\b", "24"),
        (r"\btwice\b", "2 times"),
        (r"\bper cent\b", "percent"),
    )
)
_COUNTS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "seven": 7, "nine": 9}
_NTHS = {"fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10}
_NTHS |= {"twentieth": 20}
_FRACTION = re.compile(rf"\b({'|'.join(_COUNTS)})[- ]({'|'.join(_NTHS)})s?\b(?= of)", re.I)
# "It first came out" is no ordinal: one stands behind such a word, or ends what is said.
_FIRST = re.compile(
    r"(?P<ahead>[\w'’]+ )?(?<![\w-])first(?= (?!(?:in|at|on|by|to|with|among)\b)[a-z])", re.I
)
_RANKING = {"the", "a", "his", "her", "its", "their", "our", "my", "this", "that", "very", "and"}
_RANKING |= {"for", "in", "at", "on", "to", "of", "or"}
_UNITS = {
    "km": ("m", 1000.0), "kilometre": ("m", 1000.0), "kilometer": ("m", 1000.0),
    "mile": ("m", 1609.344), "metre": ("m", 1.0), "meter": ("m", 1.0), "ft": ("m", 0.3048),
    "feet": ("m", 0.3048), "foot": ("m", 0.3048), "yard": ("m", 0.9144), "inch": ("m", 0.0254),
    "cm": ("m", 0.01), "mm": ("m", 0.001), "centimetre": ("m", 0.01), "centimeter": ("m", 0.01),
    "millimetre": ("m", 0.001), "millimeter": ("m", 0.001), "point": ("point", 1.0),
    "basis": ("point", 0.01), "kg": ("kg", 1.0), "kilo": ("kg", 1.0), "kilogram": ("kg", 1.0),
    "lb": ("kg", 0.45359237), "tonne": ("kg", 1000.0), "gram": ("kg", 0.001),
    "acre": ("m2", 4046.856), "hectare": ("m2", 10000.0), "litre": ("l", 1.0), "liter": ("l", 1.0),
    "hour": ("h", 1.0), "minute": ("h", 1 / 60), "day": ("h", 24.0), "week": ("h", 168.0),
}  # fmt: skip
_MONEY = {"dollar": "dollar", "pound": "pound", "euro": "euro", "yen": "yen"}
_HEDGES = {
    "nearly": "under", "almost": "under", "under": "under", "up to": "under", "less than": "under",
    "fewer than": "under", "no more than": "under", "no less than": "over",
    "no fewer than": "over", "below": "under", "just under": "under", "at most": "under",
    "more than": "over", "over": "over", "above": "over", "at least": "over", "exceeding": "over",
    "about": "about", "around": "about", "roughly": "about", "some": "about", "estimated": "about",
    "approximately": "about", "an estimated": "about", "circa": "about",
}  # fmt: skip
_HEDGE = re.compile(
    rf"\b({'|'.join(sorted(_HEDGES, key=len, reverse=True))})\s*(?:an?\s+)?\Z", re.I
)
_REACHED = re.compile(
    r"\b(?:go(?:es|ing|ne)?|went|r[io]s(?:es?|en|ing)|climb\w*)\s+up to\s*\Z", re.I
)
_WITHIN = {"days", "weeks", "months", "years"}  # "over three years" is the span, not more than it
_CONVERTED = 0.05  # units are converted to round numbers: 30 km are 19 miles
_MEANT = {"about": (0.9, 1.1), "under": (0.9, 1.0), "over": (1.0, 1.25)}
_NOT_COUNTED = STOP_WORDS | {"st", "nd", "rd", "th"}
_THING = re.compile(r"[\s-]*((?:[A-Za-z'’-]+[\s-]*){0,4})")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with what it counts."""

    value: float
    unit: str
    "percent, point (of a percentage), a currency, a physical unit in the singular, or empty"
    things: tuple[str, ...]
    "stems of the content words right behind it, the nearest first"
    hedge: str
    "under | over | about | (empty)"
    is_ordinal: bool
    shown: str
    "in words: nearly 30 million"
    at: int
    "the number of words before it"

    @property
    def kind(self) -> str:
        """What the unit measures: metres for miles."""
        return _UNITS.get(self.unit, (self.unit,))[0]

    def same_unit(self, other: "Quantity") -> bool:
        """Whether the two can be compared: of one kind of unit, or one says none."""
        bare, measured = (self, other) if not self.unit else (other, self)
        is_bare = not bare.unit and not (bare.things and measured.unit in _UNITS)
        alike = self.kind == other.kind or is_bare
        return alike and self.is_ordinal == other.is_ordinal

    def in_unit_of(self, other: "Quantity") -> float:
        """The value in the other's unit, where both are of one kind."""
        if self.unit != other.unit and self.unit in _UNITS and other.unit in _UNITS:
            return self.value * _UNITS[self.unit][1] / _UNITS[other.unit][1]
        return self.value

    def matches(self, other: "Quantity") -> bool:
        """Whether the other says this one: its value, in its unit or one that it converts to."""
        if not self.same_unit(other):
            return False
        value = other.in_unit_of(self)
        is_converted = self.unit != other.unit and value != other.value
        slack = abs(self.value) * (_CONVERTED if is_converted else 1e-9)
        if abs(value - self.value) <= slack:
            return {self.hedge, other.hedge} != {"over", "under"}
        low, high = _MEANT.get(self.hedge, (1.0, 1.0))
        alike = self.kind == other.kind and bool(self.value) and not other.hedge
        alike = alike and _digits(self.value) <= _digits(value)  # "about 14,546" is not of 16,000
        return alike and low <= value / self.value <= high


def _digits(value: float) -> int:
    """How many digits a number has that are not zeros at its end."""
    return len(f"{value:.11e}".partition("e")[0].replace(".", "").strip("-0"))


@dataclass(frozen=True, slots=True)
class Period:
    """A date or period: whole days, or as far as it is stated."""

    words: str
    first: date | None
    last: date | None
    day: Day | None
    "where it is stated rather than resolved"

    def holds(self, other: "Period") -> bool:
        """Whether the other, stated more exactly or as exactly, lies within this one."""
        if self.day and other.day:
            return self.day.is_stated_by(other.day)
        mine, theirs = self.days(other), other.days(self)
        return bool(mine and theirs and mine[0] <= theirs[0] and theirs[1] <= mine[1])

    def is_like(self, other: "Period") -> bool:
        """Whether both are days, months or years."""
        if self.day and other.day and not (self.day.year and other.day.year):
            pairs = ((self.day.month, other.day.month), (self.day.day, other.day.day))
            return all((mine is None) == (theirs is None) for mine, theirs in pairs)
        lengths = [
            (days[1] - days[0]).days for days in (self.days(other), other.days(self)) if days
        ]
        return len(lengths) == 2 and abs(lengths[0] - lengths[1]) <= _SAME_LENGTH

    def days(self, other: "Period | None" = None) -> tuple[date, date] | None:
        """The first and last day; a missing year is taken from the other."""
        if self.first and self.last:
            return self.first, self.last
        if self.day is None:
            return None
        year = self.day.year or (other.first.year if other and other.first else None)
        if year is None:
            return None
        try:
            first = date(year, self.day.month or 1, self.day.day or 1)
            if self.day.day:
                return first, first
            months = 1 if self.day.month else 12
            after = date(year + (first.month + months > 12), (first.month + months - 1) % 12 + 1, 1)
            return first, after - timedelta(days=1)
        except ValueError:
            return None


_SAME_LENGTH = 3  # days by which months differ


@dataclass(frozen=True, slots=True)
class Name:
    """A run of capitalised words."""

    words: tuple[str, ...]
    "folded"
    shown: str
    at: int
    "the number of words before it"
    is_certain: bool
    "not only capitalised because it opens the sentence"


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What a text states."""

    text: str
    words: tuple[Word, ...]
    numbers: tuple[Quantity, ...]
    periods: tuple[Period, ...]
    names: tuple[Name, ...]
    quotes: tuple[str, ...]
    modality: frozenset[str]
    "alleged | planned | possible"
    content: tuple[Word, ...]
    "the words that carry sense, numbers among them"
    keys: frozenset[str]
    "what it is found by: the stems of its content words, and its dates with an @"

    @property
    def denies(self) -> bool:
        """Whether a negation, or a word such as fail, stands in it."""
        return any(word.stem in _NEGATIONS or _NOT.search(word.text) for word in self.words)


_MODALITY = {
    "alleged": "alleged allegedly suspected reportedly accused claims claimed alleges purportedly",
    "planned": "plans planned planning intends expected proposed will aims hopes wants due "
    "scheduled set considering",
    "possible": "may might possibly perhaps potentially likely",
}
MODE_OF = {word: mode for mode, words in _MODALITY.items() for word in words.split()}


@lru_cache(maxsize=20_000)
def facts(text: str, written: date | None = None) -> Facts:
    """The facts of a text; its relative dates are resolved against the day it was written."""
    text = re.sub(r"(?<!\d)(\d{1,3}), (?=0\d\d(?!\d))", r"\1,", text)  # of detokenised text
    text = text.replace("``", '"').replace("''", '"').replace("`", "'")
    bare, periods = _periods(text, written)
    for pattern, value in _WORDED:
        bare = pattern.sub(value, bare)
    bare = _FIRST.sub(_firstly, _FRACTION.sub(_percent, bare))
    bare = in_digits(bare)
    words, numbers, offsets = _words(bare)
    modes = frozenset(MODE_OF[fold(w.text)] for w in words if fold(w.text) in MODE_OF)
    names = tuple(_names(bare, words, offsets))
    content = tuple(word for word in words if word.is_content)
    keys = frozenset([word.stem for word in content] + [f"@{fold(p.words)}" for p in periods])
    return Facts(text, words, numbers, periods, names, tuple(_quotes(text)), modes, content, keys)


def stems_of(words: str) -> frozenset[str]:
    """The stems of words."""
    return frozenset(map(stem, words.split()))


def _percent(fraction: re.Match[str]) -> str:
    return f"{100 * _COUNTS[fraction[1].lower()] / _NTHS[fraction[2].lower()]:.3g}%"


def _firstly(match: re.Match[str]) -> str:
    ahead = (match["ahead"] or "").rstrip()
    is_ranking = fold(ahead) in _RANKING or ahead.endswith(("'s", "’s", "s'", "s’"))
    return match[0] if is_ranking else f"{match['ahead'] or ''}firstly"


_OF_YEAR = re.compile(r"\s+of\s+\d{4}")  # "the last quarter of 2025" is no relative date
_SOME_DAY = date(2000, 6, 15)  # where no date is known, relative words still compare


def _periods(text: str, written: date | None) -> tuple[str, tuple[Period, ...]]:
    """The text with stated dates blanked, and all its dates."""
    whens = [w for w in resolve(text, written or _SOME_DAY) if not _OF_YEAR.match(text, w.end)]
    found = [(when.start, Period(when.words, when.first, when.last, None)) for when in whens]
    bare = text
    for start, end, day in dates_at(text):
        if not any(when.start < end and start < when.end for when in whens):
            found.append((start, Period(text[start:end].strip(" ,."), None, None, day)))
        bare = bare[:start] + " " * (end - start) + bare[end:]
    for start, period in list(found):  # "from 3 to 10 March": the third is a date too
        days, short = period.days(), _SHORT.search(bare, 0, start)
        if days and days[0] == days[1] and short and 0 < int(short[1]) < days[0].day:
            first = days[0].replace(day=int(short[1]))
            words = text[short.start() : start] + period.words
            found.append((short.start(), Period(words, first, first, None)))
            bare = bare[: short.start()] + " " * (start - short.start()) + bare[start:]
    return bare, tuple(period for _, period in found)


_SHORT = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?\s*(?:to|until|till|and|[-–—])\s*\Z")


def _words(bare: str) -> tuple[tuple[Word, ...], tuple[Quantity, ...], tuple[tuple[int, int], ...]]:
    words: list[Word] = []
    numbers: list[Quantity] = []
    offsets: list[tuple[int, int]] = []
    last_negation, end_before = -9, 0  # a negation denies the first content word behind it
    for match in TOKEN.finditer(bare):
        if re.search(r"[.,;:!?]", bare[end_before : match.start()]):
            last_negation = -9
        if match["digits"]:
            numbers.append(_quantity(match, bare, len(words)))
            text = f"{numbers[-1].value:g}"
            denied = len(words) - last_negation <= _REACH
            last_negation = -9 if denied else last_negation
            word = Word(text, text, denied, True)
        else:
            text = re.sub(r"['’]s$|['’]$", "", match[0])
            folded = fold(text)
            stemmed = stem(folded)
            is_not = stemmed in _NEGATIONS or bool(_NOT.search(folded))
            is_content = not is_not and folded not in STOP_WORDS
            denied = is_content and folded != "longer" and len(words) - last_negation <= _REACH
            word = Word(text, stemmed, denied, is_content)
            if denied:
                last_negation = -9
            elif is_not and not _NO_NEGATION.match(bare, match.end()):
                last_negation = len(words)
        words.append(word)
        offsets.append(match.span())
        end_before = match.end()
    return tuple(words), tuple(numbers), tuple(offsets)


def _quantity(match: re.Match[str], bare: str, at: int) -> Quantity:
    behind = bare[match.end() :]
    follows = _THING.match(behind)
    next_words = re.findall(r"[a-z]+", fold(follows[1] if follows else ""))
    hedge = _HEDGE.search(bare[max(0, match.start() - 20) : match.start()])
    unit = SYMBOLS.get(match["symbol"] or "", "") or ("percent" if match["percent"] else "")
    is_ordinal = bool(re.match(r"(?:st|nd|rd|th)\b", behind))
    singular = [word.removesuffix("s") if word.removesuffix("s") in {*_UNITS, *_MONEY} else word
                for word in next_words]  # fmt: skip
    if not unit and singular and singular[0] in {*_UNITS, *_MONEY} - {"point"}:
        unit = singular[0]
    if "percent" in next_words[:1]:
        unit = "percent"
    if next_words[:2] in (["percentage", "point"], ["percentage", "points"]):
        unit = "point"
    own = takewhile(lambda word: word not in ("last", "next"), next_words)  # "24,100 last year"
    counted = (word for word in own if word not in _NOT_COUNTED and len(word) > 1)
    things = tuple(map(stem, counted))
    shown = _shown(value_of(match), unit, is_ordinal)
    said_hedge = f"{fold(hedge[1])} " if hedge else ""
    kind = _HEDGES[fold(hedge[1])] if hedge else ""
    is_reached = said_hedge == "up to " and _REACHED.search(bare, 0, match.start())
    if is_reached or said_hedge == "over " and next_words[:1] and next_words[0] in _WITHIN:
        said_hedge = kind = ""
    return Quantity(value_of(match), unit, things, kind, is_ordinal, said_hedge + shown, at)


_SIGNS = {name: sign for sign, name in SYMBOLS.items()}


def _shown(value: float, unit: str, is_ordinal: bool) -> str:
    size, name = next(
        ((s, f" {n}") for s, n in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
         if abs(value) >= s), (1.0, ""))  # fmt: skip
    digits = f"{value / size:,.10g}"
    if is_ordinal:
        teen = 10 <= value % 100 <= 20
        return digits + ("th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(int(value % 10), "th"))
    if unit in _MONEY:
        return f"{_SIGNS[unit]}{digits}{name}"
    behind = {"percent": "%", "point": " percentage points", "basis": " basis points"}.get(
        unit, f" {unit}" if unit else ""
    )
    return f"{digits}{name}{behind}"


# Names

_CAPITAL = re.compile(r"[A-ZÀ-Þ]")
_OPENING = """mr mrs ms miss dr sir monday tuesday wednesday thursday friday saturday sunday january
february march april may june july august september october november december today yesterday
tomorrow yes no not never none nobody nothing however meanwhile one two according nearly almost"""
_NO_NAME = STOP_WORDS | set(_OPENING.split())


def _names(
    bare: str, words: tuple[Word, ...], offsets: tuple[tuple[int, int], ...]
) -> Iterator[Name]:
    """Runs of capitalised words; a comma, a full stop or a lower-case word ends one."""
    run: list[int] = []
    for at, word in enumerate((*words, Word("", "", False, False))):
        is_capital = bool(_CAPITAL.match(word.text)) and fold(word.text) not in _NO_NAME
        touches = at < len(offsets) and (not run or _touch(bare, offsets, run[-1], at))
        if is_capital and touches:
            run.append(at)
            continue
        if run:
            opens = _opens(bare, offsets[run[0]][0])
            shown = bare[offsets[run[0]][0] : offsets[run[-1]][1]]
            shown = re.sub(r"['’]s?$", "", shown)
            yield Name(
                tuple(fold(words[n].text) for n in run), shown, run[0], not opens or len(run) > 1
            )
        run = [at] if is_capital else []


def _touch(bare: str, offsets: tuple[tuple[int, int], ...], one: int, two: int) -> bool:
    gap = bare[offsets[one][1] : offsets[two][0]]
    possessive = bare[offsets[one][0] : offsets[one][1]].endswith(("'s", "’s"))
    return one + 1 == two and not possessive and bool(re.fullmatch(r"[.\s-]{1,2}", gap))


def _opens(bare: str, start: int) -> bool:
    before = bare[:start].rstrip(" \"'“‘([")
    return not before or before[-1] in ".!?:\n"


# Quotations

_QUOTE = re.compile(
    r"“(?P<a>[^“”]+)[”\"]|\"(?P<b>[^\"]+)\"|«(?P<c>[^«»]+)»|„(?P<d>[^„“”]+)[“”]"
    r"|(?<!\w)[‘'](?P<e>(?:[^‘’'\n]|(?<=\w)['’](?=\w))+)['’](?!\w)"
)
_CUT = re.compile(r"\s*(?:\[?(?:\.\s?\.\s?\.|…)\]?|\[[^\]]*\])\s*")


def _quotes(text: str) -> Iterator[str]:
    """What stands in quotation marks, cut where an ellipsis or a bracket marks an edit."""
    for match in _QUOTE.finditer(text):
        for part in _CUT.split(next(group for group in match.groups() if group is not None)):
            if re.search(r"\w", part):
                yield part.strip()
