"""Rates: how many requests a key, or an address without one, may send.

rates = Rates("600/minute")
taken = await rates.take("key or address")      # taken.headers; not taken.granted: 429
"""

import math
import time
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

_JUMP_SECONDS = 2.0  # clocks are slewed by less between two requests


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request took of a rate."""

    granted: bool
    headers: dict[str, str]
    "RateLimit and RateLimit-Policy, by draft-ietf-httpapi-ratelimit-headers-10; Retry-After"


class Rates:
    """What was taken by whom, in this process."""

    def __init__(self, rate: str) -> None:
        self._rate = rate
        self._kept = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._kept)
        self._apart = time.time() - time.monotonic()

    async def take(self, whose: str, rate: str | None = None) -> Taken:
        """Count a request; `rate` is this one's own, where it has one."""
        rate = rate or self._rate
        if rate == "off":
            return Taken(True, {})
        await self._forget_after_a_jump()
        item: RateLimitItem = parse(rate)
        granted = await self._limiter.hit(item, whose)
        reset, remaining = await self._limiter.get_window_stats(item, whose)
        window = item.get_expiry()
        wait = min(max(1, math.ceil(reset - time.time())), window)
        headers = {
            "RateLimit-Policy": f'"default";q={item.amount};w={window}',
            "RateLimit": f'"default";r={remaining};t={wait}',
        }
        return Taken(granted, headers if granted else headers | {"Retry-After": str(wait)})

    async def _forget_after_a_jump(self) -> None:
        """`limits` reckons by the wall clock: one set back would refuse everybody for as long."""
        apart = time.time() - time.monotonic()
        if abs(apart - self._apart) > _JUMP_SECONDS:
            await self._kept.reset()
        self._apart = apart
