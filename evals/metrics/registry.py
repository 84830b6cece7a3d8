"""Every metric once: its name, what it is, where it comes from, and the function that computes it.

@metric("exact", family="answers", source="Rajpurkar et al. 2016 (SQuAD), EM")
def exact(seen): ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .seen import Seen

Family = Literal["retrieval", "answers", "citations", "news", "abstention", "cost"]
Score = Callable[[Seen], float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number for one answer to one case; None where it cannot be told: never 0 instead."""

    name: str
    family: Family
    score: Score
    source: str
    better: Literal["higher", "lower", "neither"]
    unit: Literal["share", "ratio", "tokens", "seconds", "dollars", "calls"]
    statistic: Literal["mean", "median"]

    @property
    def help(self) -> str:
        """What it says, in one line."""
        return (self.score.__doc__ or "").strip().splitlines()[0]


METRICS: dict[str, Metric] = {}


def metric(
    name: str,
    *,
    family: Family,
    source: str,
    better: Literal["higher", "lower", "neither"] = "higher",
    unit: Literal["share", "ratio", "tokens", "seconds", "dollars", "calls"] = "share",
    statistic: Literal["mean", "median"] = "mean",
) -> Callable[[Score], Score]:
    """Register a function under a name. Raises ValueError for a name that is taken."""

    def register(score: Score) -> Score:
        if name in METRICS:
            raise ValueError(f"metric {name} is registered twice")
        METRICS[name] = Metric(name, family, score, source, better, unit, statistic)
        return score

    return register


def scored(seen: Seen) -> tuple[dict[str, float], dict[str, str]]:
    """The value of every metric that can be told, and what went wrong in those that broke.

    Metrics that cannot tell are in neither.
    """
    found, broken = {}, {}
    for name, registered in METRICS.items():
        try:
            value = registered.score(seen)
        except Exception as error:  # one odd answer must not cost the run
            broken[name] = f"{type(error).__name__}: {error}"
            continue
        if value is not None:
            found[name] = float(value)
    return found, broken
