"""Each metric on something that can be reckoned by hand, and the mistakes that others make."""

import math
from collections.abc import Callable
from typing import Any

import ir_measures
import numpy as np
import pytest
from byline.evals.metrics import METRICS, Seen
from byline.evals.metrics.citations import carries
from byline.evals.metrics.retrieval import count_tokens, ranked
from byline.tests.evals.conftest import COPY, FERRY, MAYOR, cite, hit, value
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

See = Callable[..., Seen]
HURT = {
    "answers": ["11", "eleven"],
    "relevant": ["ferry"],
    "evidence": ["Eleven people were hurt."],
}
UNANSWERABLE = {"answerable": False}
DECLINED = {"text": "The articles do not say.", "status": "declined", "reason": "no_evidence"}


def said(text: str, *cited: dict[str, Any], numbers: list[int] | None = None) -> dict[str, Any]:
    """An answer of one sentence that cites these."""
    own = [c["number"] for c in cited] if numbers is None else numbers
    return {
        "text": text,
        "status": "answered",
        "statements": [{"text": text, "citations": own}],
        "citations": list(cited),
    }


RIGHT = said("Eleven people were hurt [1].", cite(FERRY, "Eleven people were hurt."))
WRONG = said("Twelve people were hurt [1].", cite(FERRY, "Eleven people were hurt."))


# Grades


@pytest.mark.parametrize(
    ("case", "response", "grade"),
    [
        (HURT, RIGHT, "right"),
        (HURT, WRONG, "wrong"),
        (HURT, DECLINED, "declined"),
        (HURT, {"text": "The articles do not say."}, "declined"),
        (HURT, {"text": "", "error": "timed out"}, "failed"),
        (HURT, {"text": "  "}, "failed"),
        (HURT | {"must_not_say": ["people"]}, RIGHT, "wrong"),
        (UNANSWERABLE, RIGHT, "wrong"),
        (UNANSWERABLE, DECLINED, "declined"),
        ({"answers": ["11", "4.2 million"], "need": "all"}, RIGHT, "partly"),
        ({"relevant": ["ferry"]}, RIGHT, "unjudged"),
        (HURT, {"text": f"Eleven people were hurt. {'More was said of it. ' * 40}"}, "partly"),
    ],
)
def test_an_outcome_has_its_grade(
    see: See, case: dict[str, Any], response: dict[str, Any], grade: str
) -> None:
    assert see(case, response).grade == grade


# Answers: name, case, response, value by hand


@pytest.mark.parametrize(
    ("name", "case", "response", "expected"),
    [
        ("precision", HURT, RIGHT, 1.0),
        ("precision", HURT, WRONG, 0.0),
        ("precision", HURT, DECLINED, None),
        ("precision", HURT, {"text": "", "error": "x"}, None),
        ("precision", UNANSWERABLE, RIGHT, 0.0),
        ("precision", {"relevant": ["ferry"]}, RIGHT, None),
        ("accuracy", HURT, RIGHT, 1.0),
        ("accuracy", HURT, DECLINED, 0.0),
        ("accuracy", UNANSWERABLE, DECLINED, 1.0),
        ("accuracy", HURT, {"text": "", "error": "x"}, 0.0),
        ("accuracy", UNANSWERABLE, {"text": "", "error": "x"}, 0.0),
        ("answered_rightly", HURT, DECLINED, 0.0),
        ("answered_rightly", UNANSWERABLE, DECLINED, None),
        ("right_minus_wrong", HURT, RIGHT, 1.0),
        ("right_minus_wrong", HURT, WRONG, -1.0),
        ("right_minus_wrong", HURT, DECLINED, 0.0),
        ("right_minus_wrong", UNANSWERABLE, DECLINED, 1.0),
        ("right_minus_wrong", HURT, {"text": "", "error": "x"}, 0.0),
        ("contains", {"answers": ["11", "12"], "need": "all"}, RIGHT, 0.5),
        ("exact", HURT, {"text": "Eleven."}, 1.0),
        ("exact", HURT, RIGHT, 0.0),
        # One of four words is the expected one: precision 1/4, recall 1.
        ("f1", HURT, RIGHT, 0.4),
        ("f1", HURT, {"text": "eleven"}, 1.0),
        ("says_forbidden", HURT | {"must_not_say": ["twelve"]}, WRONG, 1.0),
        ("says_forbidden", HURT | {"must_not_say": ["twelve"]}, RIGHT, 0.0),
        ("says_forbidden", HURT, RIGHT, None),
        ("is_brief", HURT, RIGHT, 1.0),
        ("is_brief", HURT, {"text": "word " * 131}, 0.0),
        ("is_brief", HURT, {"text": "It was so. " * 6}, 0.0),
        ("is_brief", {"answers": ["a", "b"], "need": "all"}, {"text": "word " * 131}, 1.0),
        # Abstention
        ("declining_precision", HURT, DECLINED, 0.0),
        ("declining_precision", UNANSWERABLE, DECLINED, 1.0),
        ("declining_precision", HURT, RIGHT, None),
        ("declining_recall", UNANSWERABLE, RIGHT, 0.0),
        ("declining_recall", UNANSWERABLE, {"text": "", "error": "x"}, 0.0),
        ("declining_recall", HURT, DECLINED, None),
        ("declining_reason", UNANSWERABLE | {"reason": "no_evidence"}, DECLINED, 1.0),
        ("declining_reason", UNANSWERABLE | {"reason": "unsupported"}, DECLINED, 0.0),
        ("declining_reason", UNANSWERABLE, DECLINED, None),
        ("coverage", HURT, RIGHT, 1.0),
        ("coverage", HURT, DECLINED, 0.0),
        # Cost
        ("failed", HURT, {"text": "", "error": "x"}, 1.0),
        ("failed", HURT, {"text": ""}, 1.0),
        ("failed", HURT, DECLINED, 0.0),
        ("input_tokens", HURT, RIGHT | {"usage": {"input_tokens": 7}}, 7),
        ("input_tokens", HURT, RIGHT, None),
        ("output_tokens", HURT, RIGHT | {"usage": {"output_tokens": 3}}, 3),
        ("dollars", HURT, RIGHT | {"usage": {"cost": 0.5}}, 0.5),
        ("calls", HURT, RIGHT | {"usage": {"calls": 2}}, 2),
        ("first_token_seconds", HURT, RIGHT | {"timings": {"first_token": 0.2}}, 0.2),
        ("total_seconds", HURT, RIGHT | {"timings": {"total": 1.5}}, 1.5),
        ("total_seconds", HURT, {"text": "", "error": "x", "timings": {"total": 9.0}}, None),
    ],
)
def test_answers_abstention_and_cost_are_as_reckoned_by_hand(
    see: See, name: str, case: dict[str, Any], response: dict[str, Any], expected: float | None
) -> None:
    found = value(name, see(case, response))
    assert found == (None if expected is None else pytest.approx(expected))


# Citations

EVIDENT = cite(FERRY, "Eleven people were hurt.")
ELSEWHERE = cite(MAYOR, "Mayor Tomas Rehn resigned on Thursday.")
OF_COPY = cite(COPY, "Eleven people were hurt.", 2)
SECOND = cite(MAYOR, "Mayor Tomas Rehn resigned on Thursday.", 2)


@pytest.mark.parametrize(
    ("name", "response", "expected"),
    [
        ("citation_recall", RIGHT, 1.0),
        ("citation_recall", said("Eleven people were hurt.", EVIDENT, numbers=[]), 0.0),
        ("citation_recall", said("Eleven people were hurt [1].", ELSEWHERE), 0.0),
        ("citation_recall", WRONG, 0.0),
        ("citation_recall", {"text": "Eleven were hurt.", "status": "answered"}, None),
        ("citation_recall", DECLINED, None),
        # The second citation carries nothing: one of two helps.
        ("citation_precision", said("Eleven people were hurt [1][2].", EVIDENT, SECOND), 0.5),
        ("citation_precision", said("Eleven people were hurt.", EVIDENT, numbers=[]), None),
        ("citation_f1", said("Eleven people were hurt [1][2].", EVIDENT, SECOND), 2 / 3),
        ("citation_f1", said("Eleven people were hurt.", EVIDENT, numbers=[]), 0.0),
        ("evidence_recall", RIGHT, 1.0),
        ("evidence_recall", said("Eleven [1].", ELSEWHERE), 0.0),
        ("evidence_precision", said("Eleven [1][2].", EVIDENT, SECOND), 0.5),
        ("quote_fidelity", RIGHT, 1.0),
        ("quote_fidelity", said("Eleven [1].", EVIDENT | {"quote": "Eleven people hurt."}), 0.0),
        ("quote_fidelity", said("Eleven [1].", EVIDENT | {"article_id": "gone"}), 0.0),
        ("quote_fidelity", said("Eleven [1].", EVIDENT | {"start": 0, "end": 5}), 1.0),
        ("span_validity", said("Eleven [1].", EVIDENT | {"start": 0, "end": 5}), 0.0),
        ("span_validity", RIGHT, 1.0),
        ("span_validity", said("Eleven [1].", EVIDENT, {"number": 2, "quote": "x"}), 0.5),
        ("span_validity", said("Eleven [1].", EVIDENT, EVIDENT | {"start": 0}), 0.5),
        ("span_validity", said("Eleven [1].", EVIDENT | {"quote": "", "end": 38}), 0.0),
        ("span_validity", said("Eleven [1].", {"number": 1, "quote": "x"}), None),
        ("citation_recall", said("Eleven.") | {"statements": []}, 0.0),
        ("dangling", said(f"Eleven [{'1' * 5000}].", EVIDENT), 1.0),
        ("wrong_article", said("Eleven [1][2].", EVIDENT, SECOND), 0.5),
        ("dangling", said("Eleven [1][7].", EVIDENT), 0.5),
        ("dangling", RIGHT, 0.0),
        ("unused", said("Eleven [1].", EVIDENT, SECOND, numbers=[1]), 0.5),
        ("right_on_wrong_passage", said("Eleven people were hurt [1].", ELSEWHERE), 1.0),
        ("right_on_wrong_passage", RIGHT, 0.0),
        ("right_on_wrong_passage", WRONG, None),
        ("copies_as_sources", said("Eleven [1][2].", EVIDENT, OF_COPY), 0.5),
        ("copies_as_sources", said("Eleven [1][2].", EVIDENT, SECOND), 0.0),
        ("quotations_verbatim", RIGHT, None),
        (
            "quotations_verbatim",
            said('"We will open in May," she said [1].', cite(FERRY, '"We will open in May," she')),
            1.0,
        ),
        (
            "quotations_verbatim",
            said('"We shall open in May," she said [1].', cite(FERRY, '"We will open in May,"')),
            0.0,
        ),
    ],
)
def test_citations_are_as_reckoned_by_hand(
    see: See, name: str, response: dict[str, Any], expected: float | None
) -> None:
    found = value(name, see(HURT, response))
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    "text", ["Eleven were hurt. [1] He left. [2]", "Eleven were hurt [1]. He left [2]."]
)
def test_a_number_counts_for_its_own_sentence_on_either_side_of_the_full_stop(
    see: See, text: str
) -> None:
    cited = [EVIDENT, cite(MAYOR, "Mayor Tomas Rehn resigned", 2)]
    seen = see(HURT, {"text": text, "citations": cited})
    assert [s.citations for s in seen.statements] == [(1,), (2,)]


def test_a_sentence_is_not_scored_against_the_citation_of_another(see: See) -> None:
    first = {"text": "Eleven people were hurt [1].", "citations": [1]}
    second = {"text": "Mayor Tomas Rehn resigned [2].", "citations": [2]}
    swapped = {
        "text": "Eleven people were hurt [2]. Mayor Tomas Rehn resigned [1].",
        "status": "answered",
        "statements": [first | {"citations": [2]}, second | {"citations": [1]}],
        "citations": [EVIDENT, SECOND],
    }
    straight = swapped | {"statements": [first, second]}
    assert value("citation_recall", see(HURT, straight)) == 1.0
    assert value("citation_recall", see(HURT, swapped)) == 0.0


@pytest.mark.parametrize(
    ("sentence", "is_carried"),
    [
        ("The repair will cost 4.2 million crowns.", True),
        ("The repair will cost 4.3 million crowns.", False),
        ("The repair will cost Odile Farrant 4.2 million crowns.", True),
        ("The repair, said Petra Hale, will cost 4.2 million crowns.", False),
        ("The repair will cost 4.2 million crowns in 2027.", False),
        ("It is about something else altogether, and long.", False),
    ],
)
def test_a_quote_carries_a_sentence_by_numbers_names_dates_and_most_words(
    sentence: str, is_carried: bool
) -> None:
    quote = "The repair will cost 4.2 million crowns, said Odile Farrant."
    assert carries(sentence, [quote]) is is_carried


def test_a_relative_date_is_carried_by_the_date_of_its_article(see: See) -> None:
    quote = cite(FERRY, "A fire closed the terminal on Monday.")
    resolved = said("A fire closed the terminal on 2 March 2026 [1].", quote)
    assert value("citation_recall", see(HURT, resolved)) == 1.0
    other = said("A fire closed the terminal on 9 March 2026 [1].", quote)
    assert value("citation_recall", see(HURT, other)) == 0.0


# News


@pytest.mark.parametrize(
    ("name", "case", "response", "expected"),
    [
        ("date_accuracy", {"answers": ["2 March"]}, said("On March 2, 2026."), 1.0),
        ("date_accuracy", {"answers": ["2 March"]}, said("In March 2026."), 0.0),
        ("date_accuracy", {"answers": ["2 March", "a Monday"]}, said("On a Monday."), None),
        ("speaker_accuracy", {"speaker": "Odile Farrant"}, said("Farrant said so."), 1.0),
        ("speaker_accuracy", {"speaker": "Odile Farrant"}, said("Petra Hale said so."), 0.0),
        (
            "speaker_accuracy",
            {"speaker": "Odile Farrant"},
            said("It costs [1].", EVIDENT | {"speaker": "Odile Farrant"}),
            1.0,
        ),
        ("speaker_accuracy", {}, said("Farrant said so."), None),
        ("correction_respected", HURT | {"superseded": ["twelve"]}, WRONG, 0.0),
        (
            "correction_respected",
            HURT | {"superseded": ["twelve"]},
            said("Eleven people were hurt, not twelve as first reported."),
            1.0,
        ),
        ("correction_respected", HURT, WRONG, None),
        ("freshness", {"relevant": ["copy"]}, said("Eleven [1].", EVIDENT), 0.0),
        ("freshness", {"relevant": ["ferry"]}, said("Eleven [1].", EVIDENT), 1.0),
        ("freshness", {"relevant": ["ferry"]}, said("Eleven [1].", ELSEWHERE), 0.0),
        ("correction_respected", {"superseded": ["twelve"]}, WRONG, 0.0),
        ("after_as_of", {"as_of": "2026-03-03"}, said("It is [1][2].", EVIDENT, SECOND), 0.5),
        ("after_as_of", {"as_of": "2026-03-12"}, said("It is [1][2].", EVIDENT, SECOND), 0.0),
        ("after_as_of", {}, said("It is [1].", EVIDENT), None),
    ],
)
def test_news_is_as_reckoned_by_hand(
    see: See, name: str, case: dict[str, Any], response: dict[str, Any], expected: float | None
) -> None:
    assert value(name, see(case, response)) == expected


TWO_SIDES = {
    "disagreement": [
        {"answers": ["11"], "articles": ["ferry"]},
        {"answers": ["12"], "articles": ["mayor.txt"]},
    ]
}


def sides(*sentences: tuple[str, list[int]]) -> dict[str, Any]:
    text = " ".join(sentence for sentence, _ in sentences)
    statements = [{"text": sentence, "citations": numbers} for sentence, numbers in sentences]
    both = [EVIDENT, SECOND]
    return {"text": text, "status": "answered", "statements": statements, "citations": both}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (sides(("Some say 11 [1].", [1]), ("Others say 12 [2].", [2])), 1.0),
        (sides(("Some say 11 [2].", [2]), ("Others say 12 [1].", [1])), 0.0),
        (sides(("Some say 11 [1].", [1])), 0.5),
    ],
)
def test_a_disagreement_is_described_when_each_position_has_its_own_source(
    see: See, response: dict[str, Any], expected: float
) -> None:
    assert value("disagreement_described", see(TWO_SIDES, response)) == expected


def test_a_disagreement_is_found_or_claimed_by_the_record(see: See) -> None:
    claims, silent = RIGHT | {"disagreements": [{"matter": "x"}]}, RIGHT | {"disagreements": []}
    assert value("disagreement_found", see(TWO_SIDES, claims)) == 1.0
    assert value("disagreement_found", see(TWO_SIDES, silent)) == 0.0
    assert value("disagreement_found", see(TWO_SIDES, RIGHT)) is None
    assert value("disagreement_claimed", see(HURT, claims)) is None  # nobody knows
    assert value("disagreement_claimed", see(HURT | {"disagreement": []}, claims)) == 1.0


# Retrieval

FOUND = {
    **RIGHT,
    "hits": [
        hit(MAYOR, "Mayor Tomas Rehn resigned on Thursday."),
        hit(FERRY, "A fire closed the terminal on Monday."),
        hit(FERRY, "Eleven people were hurt."),
    ],
    "handed": 3,
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hit@1", 0.0),
        ("hit@3", 1.0),
        ("recall@3", 1.0),
        ("mrr", 0.5),
        ("ndcg@10", 1 / math.log2(3)),
        ("span_mrr", 1 / 3),
        ("span_recall@1", 0.0),
        ("span_recall@3", 1.0),
        ("span_ndcg@10", 1 / math.log2(4)),
        ("all_evidence@5", 1.0),
        ("answer_in_passages", 1.0),
        ("chunking_ceiling", 1.0),
    ],
)
def test_retrieval_is_as_reckoned_by_hand(see: See, name: str, expected: float) -> None:
    assert value(name, see(HURT, FOUND)) == pytest.approx(expected)


def test_only_the_passages_handed_to_the_model_count_as_such(see: See) -> None:
    seen = see(HURT, FOUND | {"handed": 2})
    assert value("answer_in_passages", seen) == 0.0
    assert value("tokens_to_answer", seen) is None
    assert value("tokens_handed", seen) == count_tokens([h["text"] for h in FOUND["hits"][:2]])


def test_the_tokens_to_the_answer_are_those_up_to_its_passage(see: See) -> None:
    texts = [h["text"] for h in FOUND["hits"]]
    assert value("tokens_to_answer", see(HURT, FOUND)) == count_tokens(texts)
    first = see(HURT, FOUND | {"hits": FOUND["hits"][::-1]})
    assert value("tokens_to_answer", first) == count_tokens(texts[2:])


def test_more_passages_do_not_lower_what_was_found_by_the_first(see: See) -> None:
    first = hit(FERRY, "Eleven people were hurt.")
    alone, among = (see(HURT, FOUND | {"hits": [first, *more]}) for more in ([], [first] * 3))
    for name in ("span_recall@1", "span_mrr", "span_ndcg@10"):
        assert value(name, alone) == value(name, among) == 1.0


def test_a_letter_of_the_evidence_is_not_the_evidence(see: See) -> None:
    seen = see(HURT, FOUND | {"hits": [hit(FERRY, "closed the terminal on Monday. El")]})
    assert value("span_recall@10", seen) == 0.0


def test_evidence_that_no_passage_meets_counts_as_missed(see: See) -> None:
    case = HURT | {"evidence": ["Eleven people were hurt.", "4.2 million crowns"]}
    seen = see(case, FOUND)
    assert value("span_recall@10", seen) == 0.5
    assert value("all_evidence@10", seen) == 0.0
    assert value("all_evidence@10", see(case | {"evidence_need": "any"}, FOUND)) == 1.0


def test_evidence_across_a_border_of_passages_lowers_the_ceiling(see: See) -> None:
    case = HURT | {"evidence": ["terminal on Monday. Eleven people were hurt. The repair"]}
    assert value("chunking_ceiling", see(case, FOUND)) == 0.0


def test_what_a_system_does_not_give_is_not_scored(see: See) -> None:
    seen = see(HURT, {"text": "Eleven people were hurt."})
    families = {"retrieval", "citations"}
    told = {n for n, m in METRICS.items() if m.family in families and m.score(seen) is not None}
    assert told == {"chunking_ceiling"}


def test_a_judgement_without_a_verdict_is_counted_and_not_scored(see: See) -> None:
    judged = {
        "answer": {"verdict": None},
        "sentence 1": {"verdict": "SUPPORTED"},
        "sentence 2": {"verdict": None},
        "sentence 3": {"verdict": "NOT SUPPORTED"},
    }
    seen = see(HURT, RIGHT, judged=judged)
    assert value("judge_right", seen) is None
    assert value("judge_support", seen) == 0.5
    assert value("judge_unusable", seen) == 0.5


RANKINGS = st.lists(st.integers(0, 30), unique=True, max_size=25)


@given(RANKINGS, st.sets(st.integers(0, 30), min_size=1, max_size=8))
def test_ranking_measures_agree_with_ir_measures_and_scikit_learn(
    found: list[int], relevant: set[int]
) -> None:
    own = ranked(tuple(map(str, sorted(relevant))), tuple(map(str, found)))
    qrels = {"q": {str(name): 1 for name in relevant}}
    run = {"q": {str(name): 100.0 - at for at, name in enumerate(found)}}
    for name, of in own.items():
        theirs = ir_measures.calc_aggregate([ir_measures.parse_measure(name)], qrels, run)
        (aggregate,) = theirs.values()
        assert of == pytest.approx(aggregate, abs=1e-9)
    unranked = [name for name in range(31) if name not in found]
    truth = [name in relevant for name in [*found[:10], *found[10:], *unranked]]
    scores = [*np.arange(len(found), 0, -1), *([-1.0] * len(unranked))]
    gained = sum(t / math.log2(at + 2) for at, t in enumerate(truth[: min(10, len(found))]))
    ideal = sum(1 / math.log2(at + 2) for at in range(min(10, len(relevant))))
    assert own["nDCG@10"] == pytest.approx(gained / ideal, abs=1e-9)
    if len(found) >= 10:  # below it scikit-learn lets unranked ones share what is left
        theirs = ndcg_score([truth], [scores], k=10)
        assert own["nDCG@10"] == pytest.approx(theirs, abs=1e-9)


def test_every_metric_says_what_it_is_and_where_it_comes_from() -> None:
    assert all(m.help.endswith((".", ")")) and m.source for m in METRICS.values())
