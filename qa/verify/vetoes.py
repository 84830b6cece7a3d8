"""What makes a statement wrong whatever else it says: the checks of `verify`, one for each kind.

    findings = [finding for check in CHECKS for finding in check(case)]

A finding is a verdict with its reason in words, or a derivation that was used ("supported").
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from dateutil.relativedelta import relativedelta

from ...index.dates import When
from ...index.words import fold, stem
from ..speakers import Quoted
from ..speakers import quotations as spoken
from .derive import derived, derived_day, is_part, is_rest
from .facts import MODE_OF, Facts, Period, Quantity, Word, facts
from .held import Case, Finding, Held
from .pins import pins
from .places import places


@lru_cache(maxsize=20_000)
def plain(text: str) -> str:
    """A text without typography: its words and signs, folded, with a space around each."""
    words = re.findall(r"[^\W_]+|[$£€¥%]", fold(text))
    return f" {' '.join(words)} "


# Numbers

_ANYBODY = {"peopl", "person"}  # who else may be called passengers


def numbers(case: Case) -> Iterator[Finding]:
    """Each number: there with its thing, converted, rivalled or missing."""
    for number in case.claim.numbers:
        if number.value == 1 and not number.unit and not number.is_ordinal:
            continue  # "one" is mostly no number
        here = [
            (one, other)
            for one in case.near
            for other in one.read.numbers
            if not is_part(other, one, case)
        ]
        same = [(one, other) for one, other in here if number.matches(other)]
        rival = _rival(number, here)
        found = list(_pinned(number, same, here)) if same else []
        is_wrong = not same or any(one.verdict == "contradicted" for one in found)
        if is_wrong and (told := derived(number, case)):
            yield told
        elif same:
            yield from found
        elif rival and not _elsewhere(number, case, set(number.things[:2])):
            one, other = rival
            is_same_thing = set(other.things[:2]) & set(number.things[:2])
            yield Finding(
                "contradicted" if is_same_thing else "unsupported",
                f"'{number.shown}' is not in {one.label}; {one.label} says '{other.shown}'",
            )
        elif not rival and not _elsewhere(number, case, _around(case.claim, number.at)):
            yield Finding("unsupported", f"'{number.shown}' is not in {case.best.label}")


_Placed = tuple[Held, Quantity]


def _pinned(
    number: Quantity, same: Sequence[_Placed], here: Sequence[_Placed]
) -> Iterator[Finding]:
    """The number is there: with another thing, without its hedge, or by a conversion."""
    things = set(number.things[:2])
    fits = [one for one in same if not things or not one[1].things or things & set(one[1].things)]
    if not fits and things and number.unit in ("", "percent"):
        for one, other in here:
            same_thing = 2 if number.things[0] in _ANYBODY and len(number.things) > 1 else 1
            is_rival = other.things[:same_thing] == number.things[:same_thing]
            if is_rival and other.value != number.value:
                why = f"'{number.shown}' in {one.label} is of something else"
                why += f"; {one.label} says '{other.shown}'"
                yield Finding("contradicted", why)
                return
    one, other = (fits or list(same))[0]
    if other.value != number.value:
        yield Finding("supported", f"'{number.shown}': {one.label} says '{other.shown}'")
    elif not number.hedge and all(found.hedge for _, found in same):
        yield Finding("partial", f"{one.label} says '{other.shown}'")


def _rival(number: Quantity, here: Sequence[_Placed]) -> _Placed | None:
    """Another number of the same thing, or else of the same kind of unit."""
    alike = [
        placed
        for placed in here
        if number.kind == placed[1].kind
        and number.is_ordinal == placed[1].is_ordinal
        and not _is_pronoun(*placed)
    ]
    things = set(number.things[:2])
    return next(
        (placed for placed in alike if things & set(placed[1].things[:2])),
        next((placed for placed in alike if number.unit), None),
    )


def _is_pronoun(one: Held, number: Quantity) -> bool:
    """Whether it is a "one" that counts nothing: "one of the nine", "no one"."""
    behind = one.read.words[number.at + 1 : number.at + 2]
    counts = bool(behind) and behind[0].stem in number.things[:1]
    return number.value == 1 and not (number.unit or number.is_ordinal or counts)


def _elsewhere(number: Quantity, case: Case, beside: set[str]) -> bool:
    """Whether it stands farther away beside a word that it has beside it here: an age, a title."""
    return any(
        number.matches(other)
        and beside & _around(one.read, other.at)
        and not is_part(other, one, case)
        for one in case.held
        for other in one.read.numbers
    )


# Dates


def periods(case: Case) -> Iterator[Finding]:
    """Each date: stated, resolved from relative words, or neither."""
    for period in case.claim.periods:
        if any(fold(period.words) in fold(one.read.text) for one in case.near):
            continue
        here = [(one, other) for one in case.near for other in one.read.periods]
        match = next(((one, other) for one, other in here if _holds(period, other)), None)
        if match:
            one, other = match
            if one.written and other.first:
                yield Finding("supported", f"'{other.words}' in {one.label} is {_days(other)}")
            continue
        if any(period.holds(other) for one in case.near for other in facts(one.beside).periods):
            continue
        if told := derived_day(period, case):
            yield told
            continue
        label = case.best.label
        held = [other for one in case.carriers for other in one.read.periods]
        rival = next((other for other in held if period.is_like(other)), None)
        why = f"'{period.words}' is not in {label}"
        if rival:
            yield Finding("contradicted", f"{why}; {label} says '{rival.words}'")
        else:
            yield Finding("unsupported", why)


def _holds(period: Period, other: Period) -> bool:
    """Whether the other lies within a period; "in February", of no year, is that of any."""
    if period.holds(other):
        return True
    is_open = period.first and period.last and not _OF_A_YEAR.search(period.words)
    if not (is_open and period.first and period.last and other.first):
        return False
    years = other.first.year - period.first.year
    first, last = (day + relativedelta(years=years) for day in (period.first, period.last))
    return replace(period, first=first, last=last).holds(other)


_OF_A_YEAR = re.compile(r"\d{4}|last|next|this|ago|year|week|month\b|day\b|morrow|night", re.I)


def _days(period: Period) -> str:
    return When(0, 0, period.words, period.first, period.last, "").label  # type: ignore[arg-type]


# Names and quotations


def names(case: Case) -> Iterator[Finding]:
    """Each name: in the evidence, in full or as a part of a full name there, or spelled out."""
    text = "".join(dict.fromkeys(plain(f"{one.passage} {one.beside}") for one in case.held))
    for name in case.claim.names:
        missing = [word for word in name.words if plain(word) not in text]
        if not name.is_certain or not (missing or not _together(name.words, text)):
            continue
        if missing and all(_acronym(word, case) or _inflected(word, text) for word in missing):
            continue
        yield Finding("unsupported", f"'{name.shown}' is not in {case.best.label}")


def _together(words: Sequence[str], text: str) -> bool:
    """Whether each two words of a name stand close to each other somewhere."""
    parts = [re.escape(plain(word).strip()) for word in words]
    pairs = (rf" {one}(?: [^ ]+){{0,2}} {two} " for one, two in pairwise(parts))
    return all(re.search(pair, text) for pair in pairs)


def _acronym(word: str, case: Case) -> bool:
    """Whether words of the evidence have these initials."""
    letters = [re.escape(letter) for letter in word]
    spelled = r"\b" + r"\w+(?:\s+(?:of|the|and|for))*\s+".join(letters) + r"\w+"
    texts = dict.fromkeys(f"{one.passage} {one.beside}" for one in case.held)
    return 2 <= len(word) <= 6 and any(re.search(spelled, fold(text)) for text in texts)


def _inflected(word: str, text: str) -> bool:
    """Whether the evidence has the word with another ending: Velmora, Velmoran."""
    if f" {word}s " in text:
        return True
    root = re.escape(word[: max(5, len(word) - 3)])
    return len(word) > 5 and re.search(rf" {root}\w{{0,4}} ", text) is not None


def quotations(case: Case) -> Iterator[Finding]:
    """Each quotation: word for word in one passage."""
    texts = dict.fromkeys(plain(one.passage) for one in case.held)
    for quote in case.claim.quotes:
        if not any(plain(quote) in text for text in texts):
            label = case.best.label
            yield Finding("unsupported", f"the quotation '{quote}' is not word for word in {label}")


# Polarity

_OPPOSITES = """\
rise fall|rose fell|increase decrease|increase drop|increase fall|grow shrink|up down|more less
more fewer|most least|before after|won lost|win lose|win defeat|victory defeat|accept reject
agree refuse|allow ban|allow prevent|approve reject|arrest release|arrive leave|begin end
start finish|start end|open close|first last|high low|higher lower|highest lowest|increase cut
raise cut|raise lower|former current|innocent guilty|convict acquit|support oppose
praise criticise|praise criticize|hire fire|join leave|buy sell|bought sold|find lose|found lost
gain lose|regain lose|early late|earlier later|young old|younger older|large small
larger smaller|big small|bigger smaller|better worse|best worst|success failure|succeed fail
public private|publicly privately|accidentally deliberately|accidentally intentionally
male female|man woman|men women|boy girl|son daughter|father mother|brother sister|husband wife
uncle aunt|king queen|north south|east west|northern southern|eastern western|above below
inside outside|include exclude|majority minority|maximum minimum|remember forget|recall forget
encourage discourage|legal illegal|alive dead|survive die|strengthen weaken|tighten loosen
extend shorten|confirm deny|all some|all none|continue stop|always never|day night|climb plunge
soar plunge|widen narrow|import export|profit loss|lift impose|hot cold|rich poor|strong weak
fast slow|left right|maiden final|single double|gold bronze|gold silver|silver bronze
advance retreat|upgrade downgrade|hawkish dovish|resist consider|resume halt"""
_OPPOSITE: dict[str, set[str]] = {}
for _pair in re.split(r"[|\n]", _OPPOSITES):
    _one, _two = (stem(_word) for _word in _pair.split())
    _OPPOSITE.setdefault(_one, set()).add(_two)
    _OPPOSITE.setdefault(_two, set()).add(_one)
_BESIDE = 4  # words around one that show that two stand in the same place
_GENDER = {"she": "she", "her": "she", "he": "he", "his": "he", "him": "he"}


def polarity(case: Case) -> Iterator[Finding]:
    """A negation on one side only, an opposite in a word's place, or he for she."""
    if found := _one_sided(case) or _opposite(case):
        yield found


def _one_sided(case: Case) -> Finding | None:
    claim, best = case.claim, case.best.read
    both = _denied(claim) & _denied(best)
    for at, word in enumerate(claim.words):
        same = [place for place, other in enumerate(best.words) if other.stem == word.stem]
        on_both = any(best.words[place].negated == word.negated for place in same)
        if not word.is_content or not same or on_both:
            continue
        silent = best if word.negated else claim
        is_denied = _alike(claim, at, best, same) and _denied(silent) <= both
        if is_denied and not is_rest(case):
            said = f"{'' if word.negated else 'not '}'{word.text}'"
            return Finding("contradicted", f"{case.best.label} says {said}")
    return None


def _opposite(case: Case) -> Finding | None:
    claim, best = case.claim, case.best.read
    held = {word.stem for one in case.carriers for word in one.read.words}
    for at, word in enumerate(claim.words):
        if word.stem not in _GENDER and (word.stem in held or word.stem not in _OPPOSITE):
            continue
        for place, other in enumerate(best.words):
            if _is_rival(claim, at, best, place):
                said = f"says '{other.text}', not '{word.text}'"
                return Finding("contradicted", f"{case.best.label} {said}")
    return None


def _is_rival(claim: Facts, at: int, best: Facts, place: int) -> bool:
    """Whether a word stands where the other text has its opposite, or he where it has she."""
    word, other = claim.words[at], best.words[place]
    if _GENDER.get(word.stem, word.stem) == _GENDER.get(other.stem):
        return False
    if word.stem in _GENDER and other.stem in _GENDER:
        return _next(claim, at) is not None and _next(claim, at) == _next(best, place)
    return (
        other.stem in _OPPOSITE.get(word.stem, ())
        and other.stem not in {one.stem for one in claim.words}
        and other.negated == word.negated
        and _alike(claim, at, best, [place])
    )


def _denied(read: Facts) -> set[str]:
    return {word.stem for word in read.words if word.negated}


def _alike(one: Facts, at: int, other: Facts, places: Sequence[int]) -> bool:
    """Whether half of the words around a word are around the other too."""
    beside = _around(one, at)
    there = {key for place in places for key in _around(other, place)}
    return len(beside & there) * 2 >= len(beside)


def _around(read: Facts, at: int) -> set[str]:
    words = read.words[max(0, at - _BESIDE) : at + _BESIDE + 1]
    return {word.stem for word in words if word.is_content} - {read.words[at].stem}


def _next(read: Facts, at: int) -> str | None:
    """The stem of the first content word close behind a place."""
    behind = read.words[at + 1 : at + 1 + _BESIDE]
    return next((word.stem for word in behind if word.is_content), None)


# Who did what to whom

_SAID = "said says say told tell added adds claims announced warned"
_SAYING = frozenset(map(stem, _SAID.split()))
_CONTINUING = frozenset(map(stem, ["and", "but", "while", "whereas"]))


def roles(case: Case) -> Iterator[Finding]:
    """The same words around a verb the other way round."""
    read, label = case.best.read, case.best.label
    order = {word.stem: at for at, word in reversed(list(enumerate(read.words)))}
    for at, verb in enumerate(case.claim.words):
        mine = _arguments(case.claim, at)
        if not verb.is_content or verb.text[:1].isupper() or verb.stem in _SAYING:
            continue
        if (
            verb.stem not in order
            or mine is None
            or mine[0] == mine[1]
            or not order.keys() >= set(mine)
        ):
            continue
        there = order[verb.stem]
        theirs = (_arguments(read, there), *_named(read, there))
        is_turned = _is_passive(case.claim, at) != _is_passive(read, there)
        sides = {mine, *_named(case.claim, at)}
        if any((side if is_turned else side[::-1]) in theirs for side in sides):
            yield Finding(
                "contradicted", f"in {label} '{verb.text}' stands between them the other way round"
            )
            return


def _arguments(read: Facts, at: int) -> tuple[str, str] | None:
    """What stands next to a verb on either side: a content word, of a name the surname."""
    surname = {
        name.at + n: stem(name.words[-1]) for name in read.names for n in range(len(name.words))
    }
    beside = [
        [surname.get(n, read.words[n].stem) for n in places if _is_argument(read.words[n])]
        for places in (
            range(at - 1, max(-1, at - 1 - _BESIDE), -1),
            range(at + 1, min(len(read.words), at + 1 + _BESIDE)),
        )
    ]
    return (beside[0][0], beside[1][0]) if all(beside) else None


def _is_argument(word: Word) -> bool:
    return word.is_content and not word.text[0].isdigit()


def _named(read: Facts, at: int) -> list[tuple[str, str]]:
    """The name ahead of a verb with each behind it: "Petra Hale, a baker, sued Tomas Rehn".

    Not in "Hale sold the barn and Rehn a field": behind "and" stands who did the next.
    """
    ahead = [name for name in read.names if name.at < at]
    behind = [name for name in read.names if name.at > at]
    if behind and any(word.stem in _CONTINUING for word in read.words[at : behind[0].at]):
        return []
    return [(stem(ahead[-1].words[-1]), stem(name.words[-1])) for name in behind if ahead]


def _is_passive(read: Facts, at: int) -> bool:
    behind = [word.text for word in read.words[at + 1 : at + 3]]
    return behind[:1] == ["by"] and not behind[-1][0].isdigit()  # "fell by 3" is none


# How sure


def modality(case: Case) -> Iterator[Finding]:
    """What is alleged, planned or possible in the evidence and flat in the statement."""
    said = {word.stem for word in case.claim.content}
    for at, word in enumerate(case.best.read.words):
        mode, about = MODE_OF.get(fold(word.text)), _next(case.best.read, at)
        if mode and mode not in case.claim.modality and about in said:
            yield Finding("partial", f"{case.best.label} says '{word.text}'")
            return


# Who says it


def speakers(case: Case) -> Iterator[Finding]:
    """A person whose words are another person's in the sentence that has them."""
    for mine in _said(case.claim.text):
        name, words = _person(mine.speaker), facts(case.claim.text[mine.start : mine.end]).keys
        one = max(case.near, key=lambda near: len(near.read.keys & words))
        theirs = [q for q in _said(one.passage) if q.start < one.end and q.end > one.start]
        named = [q.speaker for q in theirs if _person(q.speaker)]
        known = {_person(said) for q in theirs for said in (q.speaker, q.reported_by or "")}
        if name and named and name not in known:
            yield Finding("contradicted", f"{one.label} has {named[0]} say it, not {mine.speaker}")
            return


@lru_cache(maxsize=2_000)
def _said(text: str) -> tuple[Quoted, ...]:
    return tuple(spoken(text))


_PERSON = re.compile(r"[A-ZÀ-Þ][\w’'-]+(?: [A-ZÀ-Þ][\w.’'-]*){1,2}")
_NO_PERSON = re.compile(
    r"\b(?:The|Service|Union|Office|Ministry|Party|Council|Court|Bank|Agency|University|Institute|"
    r"Centre|Center|Department|Police|Board|Group|Company|Association|Committee|Network|Authority)\b"
)


def _person(speaker: str) -> str | None:
    """The surname of a full name; None for an organisation, a role or a bare surname."""
    is_person = _PERSON.fullmatch(speaker) and not _NO_PERSON.search(speaker)
    return fold(speaker.split()[-1]) if is_person else None


CHECKS = (numbers, pins, periods, names, places, quotations, polarity, roles, modality, speakers)
