"""What a language model judges, where one is configured: counted apart, and never instead.

A judgement without a verdict is left out of the mean and counted in `judge_unusable`.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .registry import metric
from .seen import Seen

if TYPE_CHECKING:
    from ..judge import Judge, Judgement

_ANSWER, _SENTENCE = "answer", "sentence "


def questions(seen: Seen) -> Iterator[tuple[str, Callable[["Judge"], "Judgement"]]]:
    """What there is to ask of an answer: whether it is right, and each sentence in its quotes."""
    expected = [" or ".join(group) for group in seen.case.wanted]
    if seen.answered and expected and seen.case.answerable:
        yield _ANSWER, lambda judge: judge.right(seen.case.question, expected, seen.said)
    for at, statement in enumerate(seen.statements, 1):
        cited = [(seen.citations or {}).get(number) for number in statement.citations]
        quotes = "\n".join(one.quote for one in cited if one and one.quote)
        if quotes:
            yield f"{_SENTENCE}{at}", _support(quotes, statement.text)


def _support(quotes: str, said: str) -> Callable[["Judge"], "Judgement"]:
    return lambda judge: judge.supports(quotes, said)


@metric("judge_right", family="answers", source="judge.py, prompts/judge_answer.md")
def judge_right(seen: Seen) -> float | None:
    """Share of the answers to answerable cases that the judge holds to be right."""
    verdict = seen.judged.get(_ANSWER, {}).get("verdict")
    return None if verdict is None else float(verdict == "RIGHT")


@metric("judge_support", family="citations", source="judge.py, prompts/judge_support.md")
def judge_support(seen: Seen) -> float | None:
    """Share of the sentences that the judge finds in what they cite, of those it has judged."""
    verdicts = [j["verdict"] for name, j in seen.judged.items() if name.startswith(_SENTENCE)]
    known = [verdict == "SUPPORTED" for verdict in verdicts if verdict is not None]
    return sum(known) / len(known) if known else None


@metric("judge_unusable", family="cost", better="lower", source="judge.py")
def judge_unusable(seen: Seen) -> float | None:
    """Share of the judge's replies that give no verdict; they count in no other number."""
    verdicts = [judgement["verdict"] for judgement in seen.judged.values()]
    return sum(verdict is None for verdict in verdicts) / len(verdicts) if verdicts else None
