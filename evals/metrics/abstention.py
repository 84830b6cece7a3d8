"""Saying nothing: where the articles do not answer, and only there.

The risk-coverage curve over a whole run, its area and the coverage at 5 % risk are computed from
all records together: `evals.summary`.
"""

from .registry import metric
from .seen import Seen

_CRAG = "as in SQuAD 2.0, Rajpurkar et al. 2018"


@metric("declining_precision", family="abstention", source=_CRAG)
def declining_precision(seen: Seen) -> float | None:
    """Share of the declined cases that are unanswerable."""
    return float(not seen.case.answerable) if seen.grade == "declined" else None


@metric("declining_recall", family="abstention", source=_CRAG)
def declining_recall(seen: Seen) -> float | None:
    """Share of the unanswerable cases that are declined; a failure is no answer and no refusal."""
    return None if seen.case.answerable else float(seen.grade == "declined")


@metric("declining_reason", family="abstention", source="Byline")
def declining_reason(seen: Seen) -> float | None:
    """Where the case says with which reason it should be declined: that is the one given."""
    if seen.grade != "declined" or seen.case.reason is None or seen.response.status is None:
        return None
    return float(seen.response.reason == seen.case.reason)


@metric("coverage", family="abstention", better="neither", source="answered / all")
def coverage(seen: Seen) -> float | None:
    """Share of all cases that are answered, rightly or wrongly."""
    return float(seen.answered)
