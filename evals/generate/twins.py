"""Unanswerable twins: questions like those of a case that no article answers.

is_gone = without_fact(candidate, day_before(article.published), collection)
question = next(swapped(candidate, others, collection), None)
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from ...index.archive.filter import Filter
from ...index.words import fold, stems
from .checks import Collection
from .page import Candidate

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_MOST_SHARED = 0.6  # of a question's words in an earlier passage that does not answer it
_KNOWN = 2  # passages that must name whom a question is turned to
_IS_OLD = re.compile(r"How old is |(?:When|In which year) was .* born\b")
_EMPLOYS = re.compile(r"\bemploy\b")
# Offices between which a name can be moved, and what in a passage might tell who holds one.
_BOARD = r"chief|boss|\bCEO\b|managing director|\bhead|\bchair|\bpresident|\bfounder"
_TEAM = r"coach|manager|boss|in charge"
_TELLS = {
    "chief executive": _BOARD,
    "chairman": _BOARD.replace("chief|", ""),
    "finance director": r"financ\w+ (?:director|officer|chief)|\bCFO\b",
    "managing director": _BOARD,
    "captain": r"captain|skipper|\bled\b|\blead",
    "coach": _TEAM,
    "head coach": _TEAM,
    "manager": _TEAM,
    "leader": r"lead|\bhead|president|secretary|boss",
    "general secretary": r"secretary|lead|\bhead|boss",
}
_FAMILIES = (
    ("chief executive", "finance director", "managing director", "chairman"),
    ("captain", "coach", "head coach"),
    ("leader", "general secretary"),
)
_FIRMS = ("chief executive", "managing director", "finance director")
_TELLS_AGE = r"\b(?:1[5-9]|[2-9]\d)\b|\bborn\b|\bage[ds]?\b|\bbirthday|year-old"
_TELLS_PLACE = r"\bbased\b|-based|headquarter|\bhome\b|\boffices?\b|\bfrom\b"
_TELLS_STAFF = r"employ|staff|work(?:er|force|s for)|\bjobs?\b|people"


def day_before(published: date | datetime) -> date:
    """The last day on which an article could not be read anywhere."""
    day = published.date() if isinstance(published, datetime) else published
    return day - timedelta(days=1)


def without_fact(candidate: Candidate, asked_on: date, collection: Collection) -> bool:
    """Whether on that day the subject was known and no article told the answer, nor another one.

    Quotations are left out: nobody asks for words that have not been said.
    """
    texts = collection.passages_with(candidate.subject, Filter(as_of=asked_on))
    return (
        candidate.kind != "speaker"
        and bool(texts)
        and not any(_may_answer(candidate, text) for text in texts)
    )


def _may_answer(candidate: Candidate, text: str) -> bool:
    """Whether a passage about the subject holds the answer, or most of the question."""
    wanted = set(stems(candidate.question.replace(candidate.subject, " ")))
    shared = len(wanted & set(stems(text)))
    tells = {"age": _TELLS_AGE, "place": _TELLS_PLACE}.get(candidate.rule)
    tells = tells or _TELLS.get(_office(candidate))
    return (
        any(fold(said) in fold(text) for said in candidate.said)
        or (bool(wanted) and shared >= _MOST_SHARED * len(wanted))
        or bool(tells and re.search(tells, text))
    )


def swapped(
    candidate: Candidate, others: Iterable[Candidate], collection: Collection
) -> Iterator[str]:
    """The question about another year, office or name, of which no passage tells such a thing.

    A name is exchanged only for one of which the same is asked with reason: a person for a person,
    a firm with a board for another.
    """
    yield from _of_another_year(candidate, collection)
    yield from _of_another_office(candidate, collection)
    for name, tells in _peers(candidate, others):
        is_other = name not in candidate.question and candidate.subject not in name
        is_clean = not re.search(r"(?<!\bMc)(?<!\bMac)[a-z][A-Z]", name)
        if (
            is_other
            and is_clean
            and collection.count(name) >= _KNOWN
            and not collection.tells(name, tells)
        ):
            asked = candidate.question.replace(candidate.subject, name)
            yield re.sub(r"(born|employ)\b.*", r"\1?", asked)


def _of_another_year(candidate: Candidate, collection: Collection) -> Iterator[str]:
    """The question with its one year moved to one that no passage names beside the subject."""
    years = _YEAR.findall(candidate.question)
    # What happens once or has one price is not asked of another year.
    is_yearly = candidate.kind in ("number", "money", "percent") and "cost" not in candidate.asks
    if len(years) != 1 or not is_yearly:
        return
    for distance in (-3, -4, -5, -6):
        year = str(int(years[0]) + distance)
        if not collection.holds(candidate.subject, year):
            yield candidate.question.replace(years[0], year)


def _of_another_office(candidate: Candidate, collection: Collection) -> Iterator[str]:
    """The question for another office of the same house, where no passage may tell who holds it."""
    office = _office(candidate)
    for family in _FAMILIES:
        for other in family if office in family else ():
            is_firm = office != "chairman" or other == "chief executive"
            tells = _TELLS[other]
            if other != office and is_firm and not collection.tells(candidate.subject, tells):
                yield candidate.question.replace(office, other)


def _peers(candidate: Candidate, others: Iterable[Candidate]) -> Iterator[tuple[str, str]]:
    """Names that could stand in the subject's place, and what in a passage might tell the fact."""
    for other in others:
        office = _office(other)
        if _IS_OLD.match(candidate.question) and (other.kind == "speaker" or office):
            yield other.answer, _TELLS_AGE
        elif candidate.rule == "place" and office in _FIRMS:
            yield other.subject, _TELLS_PLACE
        elif _EMPLOYS.search(candidate.question) and office in _FIRMS:
            yield other.subject, _TELLS_STAFF


def _office(candidate: Candidate) -> str:
    """The office that is asked for, empty where none is."""
    return (
        candidate.asks.removesuffix(f" {candidate.subject}") if candidate.rule == "office" else ""
    )
