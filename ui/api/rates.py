"""Rates: how many requests a key, or an address without one, may send.

rates = Rates("600/minute")
taken = await rates.take("key or address")      # taken.headers; not taken.granted: 429
"""

import asyncio
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from ...index.archive.counts import Counts

_JUMP_SECONDS = 2.0  # clocks are slewed by less between two requests


@dataclass(frozen=True, slots=True)
class Taken:
    """What a request took of a rate."""

    granted: bool
    headers: dict[str, str]
    "RateLimit and RateLimit-Policy, by draft-ietf-httpapi-ratelimit-headers-10; Retry-After"


class Rates:
    """What was taken by whom: in this process, or in all that share these counts."""

    def __init__(self, rate: str, counts: Counts | None = None) -> None:
        self._rate, self._counts = rate, counts
        # Not asyncio's own threads: questions may hold them all.
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="byline-rates")
        self._kept = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._kept)
        self._apart = time.time() - time.monotonic()

    async def take(self, whose: str, rate: str | None = None) -> Taken:
        """Count a request; `rate` is this one's own, where it has one."""
        rate = rate or self._rate
        if rate == "off":
            return Taken(True, {})
        item: RateLimitItem = parse(rate)
        window = item.get_expiry()
        if self._counts is not None:
            count = partial(self._counts.take, whose, most=item.amount, seconds=window)
            found = await asyncio.get_running_loop().run_in_executor(self._threads, count)
            granted, remaining, seconds = found.granted, found.left, found.wait_seconds
        else:
            await self._forget_after_a_jump()
            granted = await self._limiter.hit(item, whose)
            reset, remaining = await self._limiter.get_window_stats(item, whose)
            seconds = reset - time.time()
        wait = min(max(1, math.ceil(seconds)), window)
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
