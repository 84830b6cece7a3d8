"""What a passage yields though it does not state it: differences, what is left, spans, lists.

>>> case = Case(facts("The index rose by 15."), *[[Held.of("It rose from 40 to 55.", "[1]")]] * 3)
>>> derived(case.claim.numbers[0], case).why
"'15': [1] says 'from 40 to 55'"

Each rule takes a number of the statement and gives the words of the passage that yield it, where
what is counted, its unit and the statement's own words fit; so no number is made of any two. The
words go into the verdict's `why`. A rule lifts the veto and nothing else: whether the sense is
there is asked as ever.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from ...index.numbers import in_digits
from ...index.words import fold, stem
from .facts import Facts, Period, Quantity, facts, stems_of
from .held import Case, Finding, Held

_UP = stems_of("rise rose risen climb grow grew gain increase raise up more higher lift add jump")
_DOWN = stems_of(
    "fall fell fallen drop decline lose lost decrease cut reduce down fewer less lower"
)
_GAP = _UP | _DOWN | stems_of("difference gap margin lead change spare majority")
_LEFT = stems_of("other others remaining remain rest")
_UNSAID = _LEFT | stems_of("percentage point hour minute day week month year")
_OF, _HAVING = {"of", "among"}, {"the", "its", "their", "his", "her", "our", "all", "those"}
_ROUNDED, _ABOUT = 0.005, 0.1  # of a share; where the statement says "about"
_MOST_LISTED = 20


def derived(number: Quantity, case: Case) -> Finding | None:
    """How the passages yield a number that they do not state; None where no rule gives it."""
    for rule in (_spans, _differences, _parts, _between):
        for one in case.near:
            if words := next(rule(number, case, one), None):
                why = f"'{number.shown}': {one.label} {words}"
                return Finding("supported", why, _UNSAID | {*number.things[:1], stem(number.unit)})
    return _listed(number, case)


def _says(one: Quantity, two: Quantity, joined: str) -> str:
    return f"says '{joined.format(one.shown, two.shown)}'"


def _is(number: Quantity, value: float, slack: float = 1e-6) -> bool:
    """Whether a number says this value, as exactly as it is stated."""
    slack = max(slack, _ABOUT if number.hedge == "about" else 0)
    return abs(number.value - value) <= slack * max(abs(value), abs(number.value))


def _pairs(read: Facts) -> Iterator[tuple[Quantity, Quantity, list[str], str]]:
    """Numbers of one unit that follow each other, the words between, and the word before."""
    for a, b in pairwise(read.numbers):
        words = [fold(word.text) for word in read.words[a.at + 1 : b.at]]
        if not (a.is_ordinal or b.is_ordinal):
            yield a, b, words, fold(read.words[a.at - 1].text) if a.at else ""


def _counts(number: Quantity, *others: Quantity) -> bool:
    """Whether a number counts what the others do, as far as both say what."""
    things = {thing for other in others for thing in other.things[:2]}
    mine = [thing for thing in number.things[:1] if thing not in _GAP | _UNSAID]
    return not mine or not things or mine[0] in things


def shares(case: Case, one: Held, without: frozenset[str] = frozenset()) -> float:
    """The share of the statement's words, numbers apart, that a sentence has."""
    said = {word.stem for word in case.claim.content if not word.text[0].isdigit()} - without
    return len(said & one.read.keys) / len(said) if said else 1.0


# Quantities


def _differences(number: Quantity, case: Case, one: Held) -> Iterator[str]:
    """`from 40 to 55`, `55 from 40`, `55, against 40`: by 15, or by 37.5 percent."""
    words = case.claim.words
    before = [word.stem for word in words[max(0, number.at - 2) : number.at]][::-1]
    behind = {word.stem for word in words[number.at + 1 : number.at + 4]}
    is_gap = before[:1] == ["by"] or set(before[:1]) & _GAP or behind & _GAP
    if not is_gap and not (before[:1] == ["of"] and set(before[1:]) & _GAP):
        return
    said = {word.stem for word in words}
    for a, b, between, ahead in _pairs(one.read):
        is_rising = ahead == "from" and "to" in between
        is_from = between[-1:] in (["from"], ["against"], ["to"])  # "61 votes to 57"
        if a.unit != b.unit or not (is_rising or is_from) or not shares(case, one):
            continue
        old, new = (a, b) if is_rising else (b, a)
        if said & (_DOWN if new.value > old.value else _UP):
            continue
        change = abs(new.value - old.value)
        unit = "point" if a.unit == "percent" else a.unit
        shown = _says(a, b, "from {} to {}" if is_rising else f"{{}} {between[-1]} {{}}")
        if number.unit == unit and _counts(number, a, b) and _is(number, change):
            yield shown
        elif number.unit == "percent" != a.unit and old.value:
            places = len(f"{number.value:g}".partition(".")[2])
            if abs(change / old.value * 100 - number.value) <= 0.5 * 10**-places:
                yield shown


def _parts(number: Quantity, case: Case, one: Held) -> Iterator[str]:
    """`two of the five`: what is left of it, or its percentage; `5% of the 60`: how many."""
    for a, b, between, _ in _pairs(one.read):
        at = next((n for n, word in enumerate(between) if word in _OF), -1)
        if at < 0 or not set(between[at + 1 :]) <= _HAVING or b.unit == "percent":
            continue
        shown = _says(a, b, f"{{}} {' '.join(between)} {{}}")
        if a.unit == "percent":
            alike = number.unit == b.unit and number.things[:1] == b.things[:1]
            if alike and _is(number, a.value * b.value / 100, _ROUNDED):
                yield shown
        elif a.value < b.value and number.unit == "percent":
            share = 100 * a.value / b.value
            if _is(number, round(share, 1)) or _is(number, round(share)):
                yield shown
        elif a.value < b.value and _is(number, b.value - a.value):
            is_whole_said = any(b.value == other.value for other in case.claim.numbers)
            if (is_whole_said or _counts(number, a, b)) and _is_rest(number, case, one):
                yield shown


def _is_rest(number: Quantity, case: Case, one: Held) -> bool:
    """Whether a statement says of a number that it is the others, or denies what the others do."""
    words = case.claim.words
    about = words[max(0, number.at - 2) : number.at + 3]
    said = facts(" ".join(word.text for word in words[number.at :]))
    return bool(_LEFT & {word.stem for word in about}) or said.denies != one.read.denies


def is_rest(case: Case) -> bool:
    """Whether a number of the statement is what is left: then the sentence denies it rightly."""
    return any(
        not any(number.value == other.value for one in case.near for other in one.read.numbers)
        and any(_is_rest(number, case, one) for one in case.near for _ in _parts(number, case, one))
        for number in case.claim.numbers
    )


# Times

_LONG = {"second": ("s", 1), "minute": ("s", 60), "hour": ("s", 3600), "day": ("s", 86_400)}
_LONG |= {"week": ("s", 604_800), "fortnight": ("s", 1_209_600)}
_LONG |= {"month": ("m", 1), "year": ("m", 12), "decade": ("m", 120)}
_LENGTH = re.compile(
    rf"\b(?P<n>\d+(?:\.\d+)?|half an|an?)[\s-](?P<unit>{'|'.join(_LONG)})s?\b"
    r"(?P<half> and a half)?(?P<on>,? (?:and )?(?=(?:\d+|an?)[\s-]))?"
)


@lru_cache(maxsize=20_000)
def _lengths(text: str) -> tuple[tuple[str, str, float, tuple[float, ...]], ...]:
    """The lengths of time of a text: words, kind, value, and the numbers that they are made of.

    >>> _lengths("It took an hour and 25 minutes.")
    (('an hour and 25 minutes', 's', 5100.0, (1, 25.0)),)
    """
    found: list[tuple[str, str, float, tuple[float, ...]]] = []
    is_on = False
    for match in _LENGTH.finditer(in_digits(text)):
        count = {"half an": 0.5}.get(match["n"], 1 if match["n"][0] == "a" else 0)
        count = count or float(match["n"])
        kind, size = _LONG[match["unit"]]
        value = (count + (0.5 if match["half"] else 0)) * size
        shown = match[0].removesuffix(match["on"] or "")
        parts: tuple[float, ...] = (count,)
        if is_on and found[-1][1] == kind:
            before, _, sum_, made = found.pop()
            shown, value, parts = f"{before} and {shown}", sum_ + value, made + parts
        found.append((shown, kind, float(value), parts))
        is_on = bool(match["on"])
    return tuple(found)


def _spans(number: Quantity, case: Case, one: Held) -> Iterator[str]:
    """`an hour and 25 minutes`: 85 minutes."""
    if any((number.value, number.unit) == (n.value, n.unit) for n in one.read.numbers):
        return
    for _, kind, value, parts in _lengths(case.claim.text):
        if number.value in parts:
            for words, other, length, _ in _lengths(one.read.text):
                if other == kind and _is(number, number.value * length / value):
                    yield f"says '{words}'"


def is_part(number: Quantity, one: Held, case: Case) -> bool:
    """Whether a number is part of a length ("an hour and 25 minutes") that the statement lacks."""
    if number.unit not in _LONG:
        return False
    longer = [found for found in _lengths(one.read.text) if number.value in found[3][1:]]
    said = {words for words, *_ in _lengths(case.claim.text)}
    return any(words not in said for words, *_ in longer)


_RANGE = re.compile(r"\s*(?:to|until|till|through|and|[-–—])\s*(?:the\s+)?\Z")
_APART = stems_of("later after before earlier between apart")


def _between(number: Quantity, case: Case, one: Held) -> Iterator[str]:
    """`from 3 to 10 March`: seven days; `from 2019 to 2025`: six years."""
    unit = number.unit or next(iter(number.things), "")
    if unit not in ("day", "week", "month", "year") or not shares(case, one):
        return
    is_apart = bool(_APART & {word.stem for word in case.claim.words})
    for first, last, shown, is_range in _ranges(one.read):
        if not (is_range or is_apart):
            continue
        length = float((last - first).days)
        if unit in ("month", "year"):
            length = (last.year - first.year) * 12 + last.month - first.month
            length = length / 12 if unit == "year" else length
        ends = (0, 1) if unit == "day" and is_range else (0,)  # both days may count
        slack = 1 / 7 if unit == "week" else 0
        for more in ends:
            value = (length + more) / (7 if unit == "week" else 1)
            if value > 0 and (_is(number, value) or abs(number.value - value) <= slack):
                yield f"says '{shown}'"


def _ranges(read: Facts) -> Iterator[tuple[date, date, str, bool]]:
    """Each two days, months or years of a sentence, and whether it says from one to the other."""
    text = read.text
    placed = [(text.find(p.words), p) for p in read.periods if p.words in text]
    placed.sort(key=lambda one: one[0])
    for (at, one), (then, two) in pairwise(placed):
        mine, theirs = one.days(two), two.days(one)
        if not mine or not theirs:
            continue
        is_alike = (mine[1] - mine[0]).days // 28 == (theirs[1] - theirs[0]).days // 28
        if is_alike and mine[0] < theirs[0]:
            between = text[at + len(one.words) : then]
            is_range = then < at + len(one.words) or bool(_RANGE.fullmatch(between))
            yield mine[0], theirs[0], text[at : then + len(two.words)], is_range


# Lists

_CAPITALS = r"[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)*"
_LIST = re.compile(rf"(?:{_CAPITALS}, )*{_CAPITALS},? and {_CAPITALS}")


def _listed(number: Quantity, case: Case) -> Finding | None:
    """`the towns of Ash, Birk and Crewe`: three towns; what they are must be said beside them."""
    if number.unit or number.is_ordinal or not number.things or number.value > _MOST_LISTED:
        return None
    thing = number.things[0]
    for one in case.near:
        if any(thing in other.things[:2] for other in one.read.numbers):
            continue  # it is counted there otherwise
        for match in _LIST.finditer(one.read.text):
            if len(re.split(r",? and |, ", match[0])) != number.value:
                continue
            beside = one.read.text[: match.start()].split()[-4:]
            beside += one.read.text[match.end() :].split()[:2]
            is_said = thing in {stem(fold(word.strip(",.:;–-"))) for word in beside}
            enough = shares(case, one, frozenset({thing})) > (0.0 if is_said else 0.5)
            if enough:
                why = f"'{number.shown}': {one.label} names {match[0]}"
                return Finding("supported" if is_said else "unchecked", why)
    return None


# Dates

_STEP = re.compile(r"\b(an?|\d+) (day|week)s? (before|after)\b", re.I)
_PUBLISHED = stems_of("ran publish print report write wrote say said carried put gave")

_REPORT = stems_of("report publish")


def derived_day(period: Period, case: Case) -> Finding | None:
    """How the passages yield a date: `two days before ... 12 December`, or the article's own."""
    days, said = period.days(), {word.stem for word in case.claim.words}
    for one in case.near if days else ():
        text = in_digits(one.read.text)
        for step in _STEP.finditer(text):
            count = 1 if step[1][0] == "a" else int(step[1])
            reach = timedelta(days=count * (7 if step[2] == "week" else 1))
            behind = next((p for p in one.read.periods if text.find(p.words) > step.end()), None)
            known = behind.days() if behind else None
            if behind is None or known is None or known[0] != known[1]:
                continue
            day = known[0] + (reach if step[3] == "after" else -reach)
            to = text.find(behind.words) + len(behind.words)
            # What happened then is told ahead of these words, what they count from behind them.
            told = (text[: step.start()], text[step.end() :])
            ahead, beyond = (len(said & facts(part).keys) for part in told)
            if days == (day, day) and ahead > beyond:
                why = f"'{text[step.start() : to]}' in {one.label} is {day.day} {day:%B %Y}"
                return Finding("supported", why)
    named = {word for name in case.claim.names for word in name.words}
    for one in case.near if said & _PUBLISHED else ():
        outlet = set(fold(one.beside.replace("|", "\n").split("\n")[0]).split()) - {"the"}
        if days == (one.written, one.written) and (named & outlet or said & _REPORT):
            return Finding("supported", f"{one.label} is of {one.written:%Y-%m-%d}")
    return None
