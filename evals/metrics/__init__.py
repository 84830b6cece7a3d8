"""Metrics of one answer to one case; importing this registers them all in METRICS.

>>> METRICS["precision"].help
'Share of the answers given that are right; an answer to an unanswerable case is not.'
"""

from . import abstention, answers, citations, cost, judged, news, retrieval
from .registry import METRICS, Metric, metric, scored
from .seen import Seen

__all__ = [
    "METRICS",
    "Metric",
    "Seen",
    "abstention",
    "answers",
    "citations",
    "cost",
    "judged",
    "metric",
    "news",
    "retrieval",
    "scored",
]
