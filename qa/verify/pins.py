"""Whether a number of a statement is pinned to the year, or the name, that its passage pins it to.

>>> said = Held.of("It sold 4.1 million in 2024 and 5.2 million in 2025.", "[1]")
>>> [one.why for one in pins(Case(facts("It sold 5.2 million in 2024."), [said], [said], [said]))]
["'5.2 million' in [1] is not of '2024'; [1] says 'It sold 4.1 million in 2024'"]

A sentence is cut into clauses. A number is wrongly pinned where each clause that has it has another
anchor, and the statement's own anchor stands beside another number of the same kind.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...index.words import fold
from .facts import Facts, Quantity, facts
from .held import Case, Finding, Held

_CUT = re.compile(
    r"(?:[,;:](?!\d)|\s[-–—]\s"
    r"|\b(?:and|but|while|whereas|against|than|versus|(?:up |down )?from|to)\b)\s*"
)
_COMPARES = re.compile(r"\b(?:from|against|than|versus)\s*\Z")


@dataclass(frozen=True, slots=True)
class _Clause:
    """A part of a sentence with what stands in it."""

    text: str
    read: Facts
    years: frozenset[str]
    "words of its dates"
    names: frozenset[str]
    is_compared: bool
    "whether it is what the clause before is measured against"


@lru_cache(maxsize=4_000)
def _clauses(read: Facts) -> tuple[_Clause, ...]:
    found, start = list[_Clause](), 0
    cuts = [match.span() for match in _CUT.finditer(read.text)]
    for end, after in [*cuts, (len(read.text), 0)]:
        text = read.text[start:end]
        own = facts(text)
        names = {fold(name.shown) for name in read.names if name.is_certain and name.shown in text}
        years = {period.words for period in read.periods if period.words in text}
        names = names or {*(found[-1].names if found else ())}  # of the one named before it
        compared = bool(_COMPARES.search(read.text[:start]))
        found.append(_Clause(text.strip(), own, frozenset(years), frozenset(names), compared))
        start = after
    return tuple(found)


def pins(case: Case) -> Iterator[Finding]:
    """A number that belongs to another date or name of the same passage."""
    mine_all = _clauses(case.claim) if case.claim.numbers else ()
    anchored = [mine for mine in mine_all if mine.years or mine.names]
    counting = [one for one in case.near if one.read.numbers and anchored]
    clauses = [(one, clause) for one in counting for clause in _clauses(one.read)]
    for mine in anchored:
        numbers = [n for n in mine.read.numbers if not n.is_ordinal]
        if len(numbers) == 1:
            yield from _mispinned(numbers[0], mine, case, clauses)


def _mispinned(
    number: Quantity, mine: _Clause, case: Case, clauses: Sequence[tuple[Held, _Clause]]
) -> Iterator[Finding]:
    having = [pair for pair in clauses if any(_same(number, n) for n in pair[1].read.numbers)]
    if not having:
        return
    for words in mine.years:
        period = next(p for p in case.claim.periods if p.words == words)
        alike = {p.words for one in case.near for p in one.read.periods if period.holds(p)}
        alike |= {p.words for one in case.near for p in one.read.periods if p.words == words}
        yield from _torn(number, words, frozenset(alike), "years", having, clauses)
    for name in mine.names:
        known = {n for _, c in clauses for n in c.names if set(name.split()) & set(n.split())}
        yield from _torn(number, name, frozenset(known), "names", having, clauses)


def _torn(
    number: Quantity,
    shown: str,
    alike: frozenset[str],
    kind: str,
    having: Sequence[tuple[Held, _Clause]],
    clauses: Sequence[tuple[Held, _Clause]],
) -> Iterator[Finding]:
    """The finding where number and anchor stand in different clauses, each with its own partner."""
    anchored = [(one, clause) for one, clause in clauses if getattr(clause, kind) & alike]
    if any(clause is other for _, clause in having for _, other in anchored):
        return
    for one, clause in anchored:
        beside = [n for n in clause.read.numbers if _rivals(number, n)]
        is_elsewhere = clause.is_compared or all(getattr(other, kind) for _, other in having)
        same = all(other is one for other, _ in having)
        if len(beside) == 1 and is_elsewhere and (same or kind == "years"):
            why = f"'{number.shown}' in {one.label} is not of '{shown}'"
            yield Finding("contradicted", f"{why}; {one.label} says '{clause.text}'")
            return


def _same(number: Quantity, other: Quantity) -> bool:
    return number.same_unit(other) and number.value == other.in_unit_of(number)


def _rivals(number: Quantity, other: Quantity) -> bool:
    """Whether the other says another figure for what may be the same thing."""
    things = not number.things or not other.things or bool({*number.things} & {*other.things})
    alike = number.unit == other.unit and number.is_ordinal == other.is_ordinal
    return alike and things and other.value != number.value
