"""What a sentence that says the same has where a statement has a number, a date or a name.

>>> from . import Evidence, verify
>>> paper = Evidence("Hale spoke on Monday. Farmers came to the gates on Friday.", label="[1]")
>>> verify("Farmers came to the gates on Monday.", [paper]).why
"[1] says 'Friday' where the statement says 'Monday'"

So what stands elsewhere in the passage, of something else, is seen too.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product, takewhile

from ...index.words import stem, words
from .derive import derived, shares
from .facts import Facts, Name, Period, Quantity
from .held import Case, Finding, Held

ALIKE = 0.7  # of a statement's other words: so much of them shows that a sentence says the same
_BESIDE = 3  # words on either side that are compared
_PASSED_OVER = frozenset({"the", "a", "an", "mr", "ms", "mrs", "dr"})
_APPOSED = re.compile(r",(?:\s[^\s,.;]+){1,8},")
_JOINED = frozenset({"and", "or", "nor", "with"})
Thing = Quantity | Period | Name


@dataclass(frozen=True, slots=True)
class _Placed:
    """A thing with the words before it, the nearest first, and behind it."""

    thing: Thing
    shown: str
    before: tuple[str, ...]
    behind: tuple[str, ...]

    def fit(self, other: "_Placed") -> int:
        """How many words in a row both have on either side."""
        return _alike(self.before, other.before) + _alike(self.behind, other.behind)


def _alike(one: Iterable[str], other: Iterable[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@lru_cache(maxsize=8_000)
def _placed(read: Facts) -> tuple[_Placed, ...]:
    found = []
    for number in read.numbers:
        sides = read.words[: number.at][::-1], read.words[number.at + 1 :]
        found.append(_Placed(number, number.shown, *(_near(w.stem for w in s) for s in sides)))
    for name in read.names:
        ahead, _, rest = read.text.partition(name.shown)
        apposed = _APPOSED.match(rest)  # what stands behind is said of the name before it
        rest = rest[apposed.end() :] if apposed else "" if rest.startswith(",") else rest
        before, behind = ([*map(stem, words(side))] for side in (ahead, rest))
        found.append(_Placed(name, name.shown, _near(before[::-1]), _near(behind)))
    for period in read.periods:
        ahead, _, rest = read.text.partition(period.words)
        before, behind = ([*map(stem, words(side))] for side in (ahead, rest))
        found.append(_Placed(period, period.words, _near(before[::-1]), _near(behind)))
    return tuple(found)


def _near(stems: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in stems if one not in _PASSED_OVER)[:_BESIDE]


def places(case: Case) -> Iterator[Finding]:
    """A number, date or name in whose place the sentences that say the rest have another one."""
    checked = " ".join([m.words for m in case.claim.periods] + [m.shown for m in case.claim.names])
    others = frozenset(map(stem, words(checked)))
    alike = [one for one in case.held if shares(case, one, others) >= ALIKE]
    held = [placed.thing for one in case.held if alike for placed in _placed(one.read)]
    for mine in _placed(case.claim):
        if not any(_same(mine.thing, thing) for thing in held):
            continue  # names and numbers that stand nowhere have checks of their own
        there = [(one, placed) for one in alike for placed in _placed(one.read)]
        own = [placed for _, placed in there if _same(mine.thing, placed.thing)]
        rivals = [pair for pair in there if _rivals(mine.thing, pair[1].thing, case)]
        if not rivals or (own and not isinstance(mine.thing, Name)):
            continue
        one, best = max(rivals, key=lambda pair: mine.fit(pair[1]))
        known = max(map(mine.fit, own), default=1)
        if mine.fit(best) <= known or _is_joined(best, mine, one.read):
            continue
        if not (isinstance(mine.thing, Quantity) and derived(mine.thing, case)):
            why = f"{one.label} says '{best.shown}' where the statement says '{mine.shown}'"
            yield Finding("contradicted", why)
            return
    yield from _turned(case.claim, alike)


def _turned(claim: Facts, alike: Iterable[Held]) -> Iterator[Finding]:
    """Two things of one kind that a sentence has too, each where it has the other."""
    for (a, b), one in product(combinations(_placed(claim), 2), alike):
        if type(a.thing) is not type(b.thing) or _same(a.thing, b.thing):
            continue
        there = _placed(one.read)
        own = [[its for its in there if _same(mine.thing, its.thing)] for mine in (a, b)]
        if len(own[0]) != 1 or len(own[1]) != 1:
            continue
        (its_a,), (its_b,) = own
        crossed = a.fit(its_b), b.fit(its_a)  # one alone: "sold by Brenik" of "Brenik sold"
        if all(crossed) and sum(crossed) > 2 + a.fit(its_a) + b.fit(its_b):
            why = f"'{a.shown}' and '{b.shown}' stand the other way round in {one.label}"
            yield Finding("contradicted", why)
            return


def _same(one: Thing, other: Thing) -> bool:
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return one.matches(other)
    if isinstance(one, Name) and isinstance(other, Name):
        return bool({*one.words} & {*other.words})
    if isinstance(one, Period) and isinstance(other, Period):
        return one.words == other.words or one.holds(other) or other.holds(one)
    return False


def _rivals(one: Thing, other: Thing, case: Case) -> bool:
    """Whether the other may stand in its place, and the statement does not say it elsewhere."""
    if any(_same(mine.thing, other) for mine in _placed(case.claim)):
        return False
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return one.kind == other.kind and one.is_ordinal == other.is_ordinal
    if isinstance(one, Period) and isinstance(other, Period):
        return one.is_like(other)
    both = isinstance(one, Name) and isinstance(other, Name)
    return both and all(_is_known(name, case) for name in (one, other) if isinstance(name, Name))


def _is_known(name: Name, case: Case) -> bool:
    """Whether it is a name, and not only the first word of a sentence."""
    return name.is_certain or any(
        other.is_certain and {*name.words} <= {*other.words}
        for one in case.held
        for other in one.read.names
    )


def _is_joined(best: _Placed, mine: _Placed, read: Facts) -> bool:
    """Whether it is named in one breath with the statement's own: "Ash and Birk"."""
    named = {n for name in read.names for n in range(name.at, name.at + len(name.words))}
    for name in read.names:
        if isinstance(best.thing, Name) and _same(name, mine.thing):
            first, last = sorted((best.thing.at, name.at))
            between = [
                w.stem for n, w in enumerate(read.words) if first < n < last and n not in named
            ]
            if _JOINED.issuperset(between):
                return True
    return False
