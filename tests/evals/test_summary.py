"""Estimates have intervals, say what they leave out, and never make something of nothing."""

import numpy as np
import pytest
from byline.evals.record import Record
from byline.evals.response import Response
from byline.evals.summary import (
    area,
    coverage_at,
    estimate,
    per_case,
    risk_coverage,
    summarise,
)
from scipy import stats
from sklearn.metrics import auc


def record(case: str, grade: str, confidence: float | None = None, **scores: float) -> Record:
    return Record(case, 0, Response("x", confidence=confidence), grade, scores)


def test_a_share_has_wilsons_interval() -> None:
    found = estimate([1.0] * 8 + [0.0] * 2)
    # By hand: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n) with p = .8, n = 10, z = 1.96.
    assert found.value == 0.8
    assert (found.low, found.high) == (
        pytest.approx(0.4902, abs=1e-4),
        pytest.approx(0.9433, abs=1e-4),
    )


def test_a_perfect_score_of_few_cases_is_not_sure() -> None:
    found = estimate([1.0] * 5)
    assert found.value == found.high == 1.0
    assert found.low == pytest.approx(0.5655, abs=1e-4)


def test_what_may_be_negative_has_no_interval_of_a_share() -> None:
    found = summarise([record(str(at), "declined", right_minus_wrong=0.0) for at in range(5)])
    assert found["right_minus_wrong"].high == 0.0
    mixed = [record(str(at), "right", right_minus_wrong=float(at < 3)) for at in range(5)]
    assert summarise(mixed)["right_minus_wrong"].low < 0.23


def test_a_mean_has_a_bootstrap_interval_like_scipys() -> None:
    values = list(np.random.default_rng(7).normal(3.0, 1.0, 200))
    found = estimate(values)
    theirs = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(1))
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.03)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.03)


def test_a_median_is_one() -> None:
    assert estimate([1.0, 2.0, 50.0], "median").value == 2.0


def test_what_could_not_be_scored_is_counted_and_not_averaged() -> None:
    found = estimate([1.0, None, 1.0, None])
    assert (found.value, found.scored, found.unscored) == (1.0, 2, 2)


@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_scored_is_no_number(values: list[float | None]) -> None:
    found = estimate(values)
    assert (found.value, found.low, found.high) == (None, None, None)


def test_one_case_has_no_bootstrap_interval() -> None:
    assert estimate([0.5]).low is None


def test_repeats_of_a_case_count_as_one() -> None:
    records = [record("a", "right", precision=1.0), record("a", "wrong", precision=0.0)]
    assert per_case([*records, record("b", "right", precision=1.0)], "precision") == {
        "a": 0.5,
        "b": 1.0,
    }
    assert summarise(records)["precision"].scored == 1


CURVE = [
    record("a", "right", 0.9),
    record("b", "wrong", 0.7),
    record("c", "right", 0.8),
    record("d", "declined"),
]


def test_the_surest_answers_come_first_in_the_risk_coverage_curve() -> None:
    assert risk_coverage(CURVE) == [(0.25, 0.0), (0.5, 0.0), (0.75, pytest.approx(1 / 3))]


def test_equally_sure_answers_are_given_together() -> None:
    tied = [record("a", "right", 0.9), record("b", "wrong", 0.9)]
    assert risk_coverage(tied) == [(1.0, 0.5)]


def test_without_confidence_there_is_no_curve() -> None:
    points = risk_coverage([*CURVE, record("e", "right")])
    assert points == []
    assert area(points) is None
    assert coverage_at(points) is None


def test_the_area_is_the_mean_risk_over_the_coverage() -> None:
    points = risk_coverage(CURVE)
    assert area(points) == pytest.approx((0 + 0 + 1 / 3) / 3)
    steps = [(0.0, 0.0), (0.5, 0.0), (0.5, 1 / 3), (0.75, 1 / 3)]
    assert area(points) == pytest.approx(auc(*zip(*steps, strict=True)) / 0.75, abs=1e-9)


def test_coverage_at_a_risk_is_the_largest_that_keeps_it() -> None:
    points = risk_coverage(CURVE)
    assert coverage_at(points, 0.05) == 0.5
    assert coverage_at(points, 0.5) == 0.75
    assert coverage_at([(0.5, 1.0)], 0.05) == 0.0
