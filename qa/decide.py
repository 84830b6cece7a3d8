"""Whether to answer, and how sure: one decision for quoted and for written answers.

    decision = decide(question, ranked, asked=when.asked(question.text, question.as_of))
    decision.answer, decision.reason, decision.confidence

It weighs how likely the best sentence answers (qa/extract.py), what verification says of the
statements and whether the model refuses. docs/log.md has what it was measured at.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from ..index.words import stems
from . import when
from .asked import is_yes_or_no
from .question import Question


class Scored(Protocol):
    """A sentence with the log-odds that it answers."""

    score: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an answer is given."""

    answer: bool
    reason: str | None
    "no_evidence | unsupported | evidence_too_old, where none is"
    confidence: float
    "how likely the answer is right, 0 to 1, also where it is not given"


# Log-odds that what is quoted is right, from those that its best sentence answers: a logistic
# regression, fitted by bench/fit_extract.py. No one sentence says as large a share of a long
# question as of a short one, and no quote says yes or no.
SLOPE, LENGTH, YES_OR_NO, SHIFT = 0.62, 0.63, -1.52, -0.9
MARGIN = 3.0  # log-odds ahead of the second-best sentence beyond which more tell nothing
LEAST = 0.37  # likelihood of being right from which sentences are quoted
# A written answer: these are not fitted, since that takes runs of the model.
WRITTEN_LEAST = 0.2
SUPPORT_WEIGHT = 3.0  # log-odds between statements that nothing supports and those all supported
REFUSED_SHIFT = -4.0  # log-odds that the model's own refusal is worth


def likelihood(question: str, score: float) -> float:
    """How likely quotes are right of which the best has these log-odds, 0 to 1."""
    return _sigmoid(_odds(question, score))


def decide(
    question: Question,
    ranked: Sequence[Scored],
    support: Sequence[float] | None = None,
    reply_refused: bool | None = None,
    newest: date | None = None,
    asked: when.Asked | None = None,
) -> Decision:
    """Whether to answer from the ranked sentences, best first.

    `support` has what verification gives each statement of a written answer, 0 to 1; it is None
    for quotes, as is `reply_refused`. `newest` is the day of the newest evidence. An overview is
    given wherever there is anything.
    """
    asked = asked or when.asked(question.text, question.as_of)
    if not ranked:
        return Decision(False, "no_evidence", 0.0)
    odds = _odds(question.text, ranked[0].score)
    if support is not None:
        mean = sum(support) / len(support) if support else 0.0
        odds += SUPPORT_WEIGHT * (mean - 0.5)
    if reply_refused:
        odds += REFUSED_SHIFT
    sure = _sigmoid(odds)
    if when.too_old(asked, newest, question.as_of):
        return Decision(False, "evidence_too_old", sure)
    if asked.is_overview and not reply_refused:
        return Decision(True, None, sure)
    if support is not None and not any(support):
        return Decision(False, "unsupported", sure)
    if sure < (LEAST if support is None and reply_refused is None else WRITTEN_LEAST):
        return Decision(False, "no_evidence", sure)
    return Decision(True, None, sure)


def _odds(question: str, score: float) -> float:
    length = math.log(max(1, len(set(stems(question)))))
    return SLOPE * score + LENGTH * length + YES_OR_NO * is_yes_or_no(question) + SHIFT


def _sigmoid(odds: float) -> float:
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
