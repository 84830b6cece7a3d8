"""From scores to estimates: means and medians with 95 % intervals, and what was left out.

>>> estimate([1.0, 1.0, 0.0, None]).scored, estimate([1.0, 1.0, 0.0, None]).unscored
(3, 1)
"""

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .case import Case
from .metrics import METRICS
from .record import Record, Run

Floats = NDArray[np.float64]
_RESAMPLES = 5000
_AT_ONCE = 4_000_000  # numbers in memory
_SEED = 20261124
CONFIDENCE = 0.95
HEADLINE = (
    "precision",
    "accuracy",
    "right_minus_wrong",
    "citation_precision",
    "citation_recall",
    "quote_fidelity",
    "span_validity",
    "declining_precision",
    "declining_recall",
    "answer_in_passages",
    "failed",
    "total_seconds",
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric over cases, with its interval; None where not one case could be scored."""

    value: float | None
    low: float | None
    high: float | None
    scored: int
    "cases"
    unscored: int
    "cases of which the metric cannot tell: they do not count in the value"


def estimate(
    values: Sequence[float | None],
    statistic: Literal["mean", "median"] = "mean",
    *,
    is_share: bool = True,
) -> Estimate:
    """The statistic of what is scored, with a 95 % interval.

    Of shares that are all 0 or 1: Wilson's interval (1927), which does not close at the ends;
    else percentiles of 5,000 bootstrap resamples of the cases. One case has no interval.
    """
    known = np.array([value for value in values if value is not None], float)
    if not len(known):
        return Estimate(None, None, None, 0, len(values))
    of = np.mean if statistic == "mean" else np.median
    value, low, high = float(of(known)), None, None
    if is_share and statistic == "mean" and set(known.tolist()) <= {0.0, 1.0}:
        interval = stats.binomtest(int(known.sum()), len(known)).proportion_ci(
            CONFIDENCE, method="wilson"
        )
        low, high = float(interval.low), float(interval.high)
    elif len(known) > 1:
        low, high = percentiles(bootstrap(known, statistic))
    return Estimate(value, low, high, len(known), len(values) - len(known))


def bootstrap(values: Floats, statistic: Literal["mean", "median"] = "mean") -> Floats:
    """The statistic of 5,000 resamples of the rows, the same each time; NaN counts for nothing.

    Of a table the columns stand for themselves: their rows are drawn together.
    """
    chance = np.random.default_rng(_SEED)
    of = np.nanmean if statistic == "mean" else np.nanmedian
    at_once = max(1, _AT_ONCE // len(values))
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a resample may hold nothing but NaN
        for left in range(_RESAMPLES, 0, -at_once):
            drawn = chance.integers(0, len(values), (min(at_once, left), len(values)))
            found.append(of(values[drawn], axis=1))
    resamples: Floats = np.concatenate(found)
    return resamples


def percentiles(values: Floats) -> tuple[float, float]:
    """The bounds that hold the middle 95 %."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.nanpercentile(values, (tail, 100 - tail))
    return float(low), float(high)


def per_case(records: Iterable[Record], metric: str) -> dict[str, float | None]:
    """A metric of each case: the mean of its repeats that could be scored."""
    found: dict[str, list[float]] = {}
    for record in records:
        values = found.setdefault(record.case, [])
        if metric in record.scores:
            values.append(record.scores[metric])
    return {case: math.fsum(v) / len(v) if v else None for case, v in found.items()}


def summarise(records: Sequence[Record]) -> dict[str, Estimate]:
    """Every metric over the records; a case that is repeated counts once."""
    return {
        name: estimate(
            list(per_case(records, name).values()),
            metric.statistic,
            is_share=metric.unit == "share",
        )
        for name, metric in METRICS.items()
    }


def grades(records: Iterable[Record]) -> Counter[str]:
    """How many records are right, partly right, wrong, declined, failed."""
    return Counter(record.grade for record in records)


def tagged(run: Run) -> dict[str, list[Record]]:
    """The records of each tag, of answerable and of unanswerable cases; the largest first."""
    found: dict[str, list[Record]] = defaultdict(list)
    cases = run.by_id
    for record in run.records:
        for tag in tags(cases[record.case]):
            found[tag].append(record)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def tags(case: Case) -> list[str]:
    """A case's tags, and whether it can be answered."""
    kind = "answerable" if case.answerable else "unanswerable"
    return list(dict.fromkeys((kind, *case.tags)))


def risk_coverage(records: Sequence[Record]) -> list[tuple[float, float]]:
    """Coverage and risk when only the surest answers are given: a point an answer, surest first.

    Coverage is the share of all records that are answered so far, risk the share of these that are
    not right (El-Yaniv and Wiener 2010). Empty where an answer has no confidence.
    """
    records = [record for record in records if record.grade != "unjudged"]
    answered = [r for r in records if r.grade in ("right", "partly", "wrong")]
    if not answered or any(r.response.confidence is None for r in answered):
        return []
    surest = sorted(answered, key=lambda r: -(r.response.confidence or 0.0))
    points, wrong = [], 0
    for count, record in enumerate(surest, 1):
        wrong += record.grade != "right"
        is_tie = (
            count < len(surest) and surest[count].response.confidence == record.response.confidence
        )
        if not is_tie:  # equally sure answers are given together
            points.append((count / len(records), wrong / count))
    return points


def area(points: Sequence[tuple[float, float]]) -> float | None:
    """The area under the risk-coverage curve over the coverage reached, 0 the best (AURC)."""
    if not points:
        return None
    total, before = 0.0, 0.0
    for coverage, risk in points:
        total += (coverage - before) * risk
        before = coverage
    return total / before


def coverage_at(points: Sequence[tuple[float, float]], risk: float = 0.05) -> float | None:
    """The largest coverage with at most this risk; 0 where there is none, None without a curve."""
    if not points:
        return None
    return max((coverage for coverage, at in points if at <= risk), default=0.0)


def reasons(run: Run) -> Mapping[tuple[str, bool], int]:
    """How often it was declined, by the reason given and whether the case is answerable."""
    cases = run.by_id
    return Counter(
        (record.response.reason or "none given", cases[record.case].answerable)
        for record in run.records
        if record.grade == "declined"
    )
