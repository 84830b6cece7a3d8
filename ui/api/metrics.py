"""What an operator's Prometheus reads at `/metrics`: requests, asks, tokens, jobs, articles.

No label holds anything that a user or an article wrote. Each application has a registry of its own.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...desk import Desk
from ...errors import BylineError
from ...index.jobs import jobs_of
from ...qa.events import Answer
from .problems import METHODS, responses

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Meter:
    """The counters of one application."""

    def __init__(self, desk: Desk) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        kept: Any = {"registry": self.registry}
        timed: Any = kept | {"buckets": _SECONDS}
        self._requests = Counter(
            "byline_requests", "Requests answered.", ("method", "route", "status"), **kept
        )
        told = "Seconds from a request to the end of its answer."
        self._request_seconds = Histogram(
            "byline_request_seconds", told, ("method", "route"), **timed
        )
        self._asks = Counter("byline_asks", "Questions answered.", ("status", "reason"), **kept)
        told = "Seconds of the parts of an answer: retrieve, answer, total."
        self._ask_seconds = Histogram("byline_ask_seconds", told, ("part",), **timed)
        self._tokens = Counter("byline_tokens", "Tokens of models.", ("direction",), **kept)
        self.registry.register(_Holdings(desk))

    def requested(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def answered(self, answer: Answer) -> None:
        """Count an answer."""
        self._asks.labels(answer.status, answer.reason or "").inc()
        for part, seconds in answer.timings.items():
            self._ask_seconds.labels(part).observe(seconds)
        self._tokens.labels("input").inc(answer.usage.input_tokens or 0)
        self._tokens.labels("output").inc(answer.usage.output_tokens or 0)


class _Holdings:
    """What the index holds, counted when it is asked for."""

    def __init__(self, desk: Desk) -> None:
        self._archive = desk.archive
        self._jobs = jobs_of(desk.archive)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            articles, passages = self._archive.count()
            states = self._jobs.counts()
        except BylineError:  # a damaged index is told by /readyz
            return
        yield GaugeMetricFamily("byline_articles", "Articles that may be shown.", articles)
        yield GaugeMetricFamily("byline_passages", "Passages of these.", passages)
        jobs = GaugeMetricFamily("byline_jobs", "Jobs that add articles.", labels=("state",))
        for state, count in states.items():
            jobs.add_metric((state,), count)
        yield jobs


class Measured:
    """Counts the requests of an application by the route that took them."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app, self._meter = app, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it when it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "page")
            self._meter.requested(scope["method"], route, status, time.perf_counter() - began)


def metrics(meter: Meter) -> APIRouter:
    """`/metrics` of an application."""
    router = APIRouter(tags=["Status"])
    text: dict[int | str, Any] = {
        200: {"description": "In Prometheus' text format.", "content": {"text/plain": {}}}
    }

    @router.get("/metrics", responses=text | responses(500))
    async def get_metrics() -> Response:
        """What a Prometheus reads."""
        found = await asyncio.to_thread(generate_latest, meter.registry)
        return Response(found, media_type=CONTENT_TYPE_LATEST)

    return router
