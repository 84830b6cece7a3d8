"""Whether an answer is given, and with which reason none is."""

from dataclasses import dataclass
from datetime import date

import pytest
from byline.qa.decide import LEAST, decide, likelihood
from byline.qa.question import Question, question

SURE, UNSURE = 4.0, -4.0


@dataclass
class Ranked:
    score: float


def asking(text: str = "Who resigned in Saltmere?") -> Question:
    return question(text, as_of="2026-04-06")


def test_a_likely_sentence_is_quoted() -> None:
    decision = decide(asking(), [Ranked(SURE), Ranked(UNSURE)])
    assert (decision.answer, decision.reason) == (True, None)
    assert decision.confidence >= LEAST


@pytest.mark.parametrize("ranked", [[], [Ranked(UNSURE)]])
def test_without_a_likely_sentence_there_is_no_evidence(ranked: list[Ranked]) -> None:
    decision = decide(asking(), ranked)
    assert (decision.answer, decision.reason) == (False, "no_evidence")
    assert decision.confidence < LEAST


def test_the_likelihood_rises_with_the_score_and_stays_between_0_and_1() -> None:
    text = "Who resigned in Saltmere?"
    found = [likelihood(text, score) for score in (-1000.0, -2.0, 0.0, 2.0, 1000.0)]
    assert found == sorted(found)
    assert 0.0 <= found[0] < 0.001
    assert 0.999 < found[-1] <= 1.0


def test_a_quote_is_less_likely_to_say_yes_or_no() -> None:
    yes_or_no = likelihood("Did the mayor of Saltmere resign?", SURE)
    assert yes_or_no < likelihood("Why did the mayor of Saltmere resign?", SURE)


def test_what_nothing_supports_is_declined_as_such() -> None:
    decision = decide(asking(), [Ranked(SURE)], support=[0.0, 0.0], reply_refused=False)
    assert (decision.answer, decision.reason) == (False, "unsupported")


def test_support_and_a_refusal_move_the_confidence() -> None:
    def sure(support: float, *, refused: bool) -> float:
        ranked = [Ranked(0.0)]
        return decide(asking(), ranked, support=[support], reply_refused=refused).confidence

    assert sure(0.2, refused=False) < sure(0.9, refused=False)
    assert sure(0.9, refused=True) < sure(0.9, refused=False)


def test_a_question_about_now_is_not_answered_from_old_evidence() -> None:
    now = asking("Who is the mayor of Saltmere now?")
    decision = decide(now, [Ranked(SURE)], newest=date(2025, 1, 1))
    assert (decision.answer, decision.reason) == (False, "evidence_too_old")
    assert decide(now, [Ranked(SURE)], newest=date(2026, 4, 1)).answer


def test_an_overview_is_given_where_there_is_anything() -> None:
    overview = asking("What happened this week?")
    assert decide(overview, [Ranked(UNSURE)]).answer
    assert decide(overview, []).reason == "no_evidence"
