"""Answers: how many are right, by what they say and not by one word that they share.

What is right, partly right or wrong is decided once, in `Seen.grade`.
"""

from collections import Counter
from functools import partial

from ..match import squad_words
from .registry import metric
from .seen import Seen

_CRAG = "CRAG, Yang et al. 2024"


@metric("precision", family="answers", source="right / answered")
def precision(seen: Seen) -> float | None:
    """Share of the answers given that are right; an answer to an unanswerable case is not."""
    return None if not seen.answered or _is_open(seen) else float(seen.grade == "right")


@metric("accuracy", family="answers", source=f"right / all; {_CRAG}")
def accuracy(seen: Seen) -> float | None:
    """Share of all cases that are answered rightly or rightly declined; a failure is not."""
    return None if _is_open(seen) else float(seen.is_right)


@metric("answered_rightly", family="answers", source="right / answerable")
def answered_rightly(seen: Seen) -> float | None:
    """Share of the answerable cases that are answered rightly; a failure is not."""
    if not seen.case.answerable or _is_open(seen):
        return None
    return float(seen.grade == "right")


@metric("right_minus_wrong", family="answers", unit="ratio", source=f"{_CRAG}, truthfulness")
def right_minus_wrong(seen: Seen) -> float | None:
    """1 for what is right or rightly declined, -1 for what is wrong, 0 for the rest."""
    if _is_open(seen):
        return None
    return 1.0 if seen.is_right else -1.0 if seen.grade == "wrong" else 0.0


@metric("contains", family="answers", source="Byline, match.says")
def contains(seen: Seen) -> float | None:
    """Share of the expected answers that are said, by their meaning, in an answer's length."""
    if not seen.answered or not seen.groups or not seen.case.answerable:
        return None
    return sum(seen.groups) / len(seen.groups) if seen.is_brief else 0.0


@metric("exact", family="answers", source="SQuAD, Rajpurkar et al. 2016, EM")
def exact(seen: Seen) -> float | None:
    """The answer is nothing but the expected one (of one thing), articles and points aside."""
    if not seen.answered or len(seen.case.wanted) != 1:
        return None
    return float(squad_words(seen.said) in map(squad_words, seen.case.wanted[0]))


@metric("f1", family="answers", source="SQuAD, Rajpurkar et al. 2016, F1")
def f1(seen: Seen) -> float | None:
    """Harmonic mean of word precision and recall against the nearest expected answers."""
    if not seen.answered or not seen.case.wanted:
        return None
    said, expected = squad_words(seen.said), list[str]()
    for group in seen.case.wanted:
        alternatives = [squad_words(one) for one in group]
        expected += max(alternatives, key=partial(word_f1, said))
    return word_f1(said, expected)


@metric("says_forbidden", family="answers", better="lower", source="Byline, must_not_say")
def says_forbidden(seen: Seen) -> float | None:
    """States something that a right answer does not."""
    return float(seen.says_forbidden) if seen.answered and seen.case.must_not_say else None


@metric("is_brief", family="answers", source="Byline, Seen.is_brief")
def is_brief(seen: Seen) -> float | None:
    """The answer has the length of one: at most 130 words in 5 sentences for one thing."""
    return float(seen.is_brief) if seen.answered else None


def _is_open(seen: Seen) -> bool:
    """Whether nobody can tell if it is right: the case has an answer and does not say which."""
    return seen.case.answerable and not seen.case.wanted


def word_f1(one: list[str], other: list[str]) -> float:
    """SQuAD's F1 of two lists of words; of two empty ones 1.

    >>> word_f1(["rates", "rose"], ["rates", "fell"])
    0.5
    """
    if not one or not other:
        return float(one == other)
    shared = (Counter(one) & Counter(other)).total()
    return 2 * shared / (len(one) + len(other))
