"""What an ask may take and what it took: its deadline, its tokens, their price.

deadline = Deadline(60); deadline.left
usage = first.usage + second.usage; price("gpt-5-mini", usage)
"""

import time
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ..errors import ModelUnavailable

N = TypeVar("N", int, float)


class _Tokens(Protocol):
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def output_tokens(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Usage:
    """What a model took; None where it does not say, or where there is none."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    "US dollars by the list price of the model"

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            _sum(self.input_tokens, other.input_tokens),
            _sum(self.output_tokens, other.output_tokens),
            _sum(self.cost, other.cost),
        )


class Deadline:
    """The moment at which a whole ask must be done, whatever number of calls it takes."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds, never below zero."""
        return max(0.0, self._end - time.monotonic())

    def check(self, what: str) -> None:
        """Raises ModelUnavailable, one line that names `what`, once the moment is past."""
        if not self.left:
            raise ModelUnavailable(
                f"{what} was not done within {self.seconds:g} seconds. "
                "Ask again, or raise BYLINE_ASK_TIMEOUT_SECONDS."
            )


def price(model: str | None, usage: _Tokens, address: str | None = None) -> float | None:
    """What a call costs in dollars by the list price of the model; None where that is unknown.

    With an address it is the price of the provider there: a model at home costs nothing known.
    """
    if model is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    try:
        from genai_prices import Usage as Tokens
        from genai_prices import calc_price

        tokens = Tokens(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
        return float(calc_price(tokens, model_ref=model, provider_api_url=address).total_price)
    except (ImportError, LookupError):
        return None


def _sum(one: N | None, other: N | None) -> N | None:
    return other if one is None else one if other is None else one + other
