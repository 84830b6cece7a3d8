"""What answers take, and how often there is none at all.

Times of answers that come from the cache do not count (run.py leaves them out).
"""

from .registry import metric
from .seen import Seen


@metric("failed", family="cost", better="lower", source="Byline")
def failed(seen: Seen) -> float | None:
    """Share of the cases with no answer at all: an error, a time-out, an empty text."""
    return float(seen.failed)


@metric("input_tokens", family="cost", better="lower", unit="tokens", source="the endpoint's count")
def input_tokens(seen: Seen) -> float | None:
    """Tokens that the model read."""
    return seen.response.usage.input_tokens


@metric(
    "output_tokens", family="cost", better="lower", unit="tokens", source="the endpoint's count"
)
def output_tokens(seen: Seen) -> float | None:
    """Tokens that the model wrote."""
    return seen.response.usage.output_tokens


@metric("dollars", family="cost", better="lower", unit="dollars", source="genai-prices, or given")
def dollars(seen: Seen) -> float | None:
    """What the model's endpoint charges, by its list price."""
    return seen.response.usage.cost


@metric("calls", family="cost", better="lower", unit="calls", source="Byline")
def calls(seen: Seen) -> float | None:
    """Calls of a language model."""
    return seen.response.usage.calls


@metric(
    "first_token_seconds",
    family="cost",
    better="lower",
    unit="seconds",
    statistic="median",
    source="wall clock",
)
def first_token_seconds(seen: Seen) -> float | None:
    """From asking to the first piece of text (median)."""
    return None if seen.response.error else seen.response.timings.get("first_token")


@metric(
    "total_seconds",
    family="cost",
    better="lower",
    unit="seconds",
    statistic="median",
    source="wall clock",
)
def total_seconds(seen: Seen) -> float | None:
    """From asking to the whole answer (median)."""
    return None if seen.response.error else seen.response.timings.get("total")
