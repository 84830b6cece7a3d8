"""Asking over HTTP: one answer as JSON, or its events as they come, by what is accepted.

curl -N 127.0.0.1:8000/v1/ask -H 'Accept: text/event-stream' --json '{"question": "Who resigned?"}'
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.sse import format_sse_event
from starlette.responses import JSONResponse, StreamingResponse

from ...desk import Desk
from ...errors import BylineError
from ...qa.draft import DraftReport
from ...qa.events import Answer, Event, event_record
from .models import CHECKS, AskRequest, SearchRequest, VerifyRequest
from .problems import INDEX, problem, responses
from .queue import in_line, unless_gone
from .records import Hits, given

EVENT_STREAM = "text/event-stream"
_as_json = json.JSONEncoder(ensure_ascii=False).encode  # dumps() makes one for each token
ANSWERED = responses(502) | {
    200: {
        "description": "The answer; with `Accept: text/event-stream` its events: hits, token, "
        "statement, answer, or error with a problem document.",
        "model": Answer,
        "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
    }
}
_ASKED = responses(400, 415, 422, 502, *INDEX)


def asks(desk: Desk) -> APIRouter:
    """`/v1/ask`, `/v1/search` and `/v1/verify` of a desk."""
    router = APIRouter(prefix="/v1", tags=["Ask"], dependencies=CHECKS)
    verified: dict[int | str, dict[str, Any]] = {
        200: {"description": "Each statement with its verdict and citations.", "model": DraftReport}
    }

    @router.post(
        "/ask",
        responses=ANSWERED | _ASKED,
        summary="Ask a question of the articles",
        dependencies=[Depends(in_line)],
    )
    async def ask(asked: AskRequest, request: Request) -> Response:
        request.state.question = asked.question
        options = asked.options | {"policy": asked.policy, "style": asked.style}
        return await reply(request, desk.astream(asked.question, **options))

    @router.post("/search", responses=given(Hits) | _ASKED, summary="Search the articles' passages")
    async def search(wanted: SearchRequest) -> Response:
        found = await asyncio.to_thread(desk.search, wanted.query, wanted.limit, **wanted.options)
        return JSONResponse({"hits": [hit.to_dict() for hit in found]})

    @router.post(
        "/verify",
        responses=verified | _ASKED,
        summary="Check a text by the articles",
        dependencies=[Depends(in_line)],
    )
    async def verify(draft: VerifyRequest) -> Response:
        report = await asyncio.to_thread(desk.verify, draft.text, **draft.options)
        return JSONResponse(report.to_dict())

    return router


def accepts_events(request: Request) -> bool:
    """Whether the client would rather have events than one JSON document."""
    accepted = request.headers.get("accept", "").lower()
    return (
        EVENT_STREAM in accepted and "application/json" not in accepted.partition(EVENT_STREAM)[0]
    )


async def reply(request: Request, events: AsyncGenerator[Event]) -> Response:
    """The events of an ask as they come, or the answer that they end with, by what is accepted."""
    told = counted(request, events)
    if accepts_events(request):
        return await streamed(told)
    answer = await unless_gone(request, last_of(told))
    return JSONResponse(answer.to_dict())


async def counted(request: Request, events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
    """The events of an ask, whose answer goes into the metrics."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                request.app.state.meter.answered(event)
            yield event


async def last_of(events: AsyncGenerator[Event]) -> Answer:
    """The answer that events end with; cancelled, it stops the model."""
    async with aclosing(events):
        last = [event async for event in events][-1]
    assert isinstance(last, Answer)
    return last


async def streamed(events: AsyncGenerator[Event]) -> Response:
    """Events as server-sent ones; what is wrong with the question is an error, not a stream."""
    first = await anext(events)
    return StreamingResponse(
        _written(first, events), media_type=EVENT_STREAM, headers={"Cache-Control": "no-store"}
    )


async def _written(first: Event, events: AsyncGenerator[Event]) -> AsyncIterator[bytes]:
    try:
        yield _as_sse(first)
        async for event in events:
            yield _as_sse(event)
    except BylineError as error:
        yield format_sse_event(event="error", data_str=bytes(problem(error).body).decode())
    finally:
        await events.aclose()


def _as_sse(event: Event) -> bytes:
    name, data = event_record(event)
    return format_sse_event(event=name, data_str=_as_json(data))
