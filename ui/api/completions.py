"""The shape of OpenAI's API: any client or chat front end that speaks it can ask.

OpenAI(base_url="http://127.0.0.1:8000/v1", api_key="-").chat.completions.create(
    model="byline", messages=[{"role": "user", "content": "Who resigned?"}])

The message's content is the checked answer, also streamed; what a model drafts before the check
streams as `reasoning_content` (docs/decisions/0019).
"""

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

from fastapi import APIRouter, Depends, Response
from fastapi import Request as HTTPRequest
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import JSONResponse, StreamingResponse

from ...desk import Desk, in_own_thread
from ...errors import BylineError, InputError, NotFound
from ...qa.events import Answer, Event
from .asks import EVENT_STREAM, counted, last_of
from .models import Filters, json_only
from .problems import INDEX, problem, responses
from .queue import in_line, unless_gone

MODELS: dict[str, dict[str, str]] = {
    "byline": {},
    "byline-strict": {"policy": "strict"},
    "byline-quotes": {"style": "quotes"},
}
"What a front end can choose between, with what each asks for."
_MOST_MESSAGES = 1000
_LOOKED_BACK = 20  # turns before, in which follow-ups find what they speak of
_AS_JSON = ("byline_outlets", "byline_sections", "byline_retracted")
_PREFIX = "byline_"  # of keys in `metadata`, which clients use for their own ends too


class Extension(Filters):
    """What Byline is asked with beyond OpenAI's parameters."""

    policy: Literal["flag", "strict", "off"] | None = None
    style: Literal["sentences", "quotes"] | None = None


class Part(BaseModel):
    """A part of a message; text is the only kind that can be asked."""

    type: str
    text: str | None = None


class Message(BaseModel):
    """A turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def said(self) -> str:
        """Its text."""
        if not isinstance(self.content, list):
            return self.content or ""
        return " ".join(part.text or "" for part in self.content)

    def check(self) -> None:
        """Raises InputError where there is more to it than text."""
        for part in self.content if isinstance(self.content, list) else ():
            if part.type != "text":
                raise InputError(f"A message has a part of type '{part.type}': ask in text.")


class StreamOptions(BaseModel):
    """What a stream ends with."""

    include_usage: bool | None = False


class ResponseFormat(BaseModel):
    """What an answer is: text with its citations, which no schema can hold."""

    type: Literal["text"] = "text"


class CompletionRequest(BaseModel):
    """OpenAI's parameters; those that only steer a model's wording are ignored."""

    model_config = ConfigDict(extra="ignore")

    model: str = Field(examples=["byline"])
    messages: list[Message] = Field(
        min_length=1,
        max_length=_MOST_MESSAGES,
        description="The last must be the user's; the ones before make follow-ups understood and "
        "are never evidence. Instructions to a system are ignored.",
    )
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(1, description="There is one answer to a question.", ge=1, le=1)
    response_format: ResponseFormat | None = None
    metadata: dict[str, str] | None = Field(
        None,
        description="byline_since, byline_until, byline_as_of, byline_outlets and byline_sections "
        "(JSON lists), byline_retracted (true), byline_policy, byline_style; other keys are the "
        "client's own.",
    )
    byline: Extension | None = Field(None, description="The same, typed, as `extra_body`.")


def completions(desk: Desk) -> APIRouter:
    """`/v1/chat/completions` and `/v1/models` of a desk."""
    router = APIRouter(prefix="/v1", tags=["OpenAI-shaped"], dependencies=[Depends(json_only)])
    began = int(time.time())
    answered: dict[int | str, dict[str, Any]] = {
        200: {
            "description": "A chat completion, or its chunks as server-sent events. `byline` holds "
            "the whole answer; annotations name for each statement the citations it stands on.",
            "content": {EVENT_STREAM: {"schema": {"type": "string"}}},
        }
    }

    @router.post(
        "/chat/completions",
        responses=answered | responses(400, 404, 415, 422, 502, *INDEX),
        summary="Ask as of a chat model",
        operation_id="create_chat_completion",
        dependencies=[Depends(in_line)],
    )
    async def complete(asked: CompletionRequest, request: HTTPRequest) -> Response:
        events = counted(request, _asked(desk, asked))
        shape = _Shape(asked.model, str(request.base_url))
        if asked.stream:
            with_usage = bool(asked.stream_options and asked.stream_options.include_usage)
            first = await anext(events)
            return StreamingResponse(
                _chunks(
                    first, events, shape, usage=with_usage, draft=_options(asked)[1] != "strict"
                ),
                media_type=EVENT_STREAM,
                headers={"Cache-Control": "no-store"},
            )
        return JSONResponse(shape.completion(await unless_gone(request, last_of(events))))

    @router.get(
        "/models",
        summary="What can be asked",
        responses=responses(500),
        operation_id="list_models",
    )
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [_model(name, began) for name in MODELS]}

    @router.get(
        "/models/{name}",
        summary="One of them",
        responses=responses(404, 422, 500),
        operation_id="get_model",
    )
    async def model(name: str) -> dict[str, Any]:
        return _model(_known(name), began)

    return router


def _asked(desk: Desk, asked: CompletionRequest) -> AsyncGenerator[Event]:
    """The events of the last message, understood by the ones before it."""
    options, policy = _options(asked)
    asked.messages[-1].check()  # a picture that was sent before ends no conversation
    said = [(message.role, message.said) for message in asked.messages]
    role, question = said.pop()
    if role != "user":
        raise InputError(f"The last message is of role '{role}': let it be the user's question.")
    before = _turns(said)
    if not before:
        return desk.astream(question, policy=policy, **options)
    chat = desk.chat(private=True)
    chat.recall(before)
    del options["retracted"]
    return in_own_thread(lambda: chat.stream(question, policy=policy, **options))


def _turns(said: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each question with what was answered; what a system or a tool says is left out."""
    turns: list[tuple[str, str]] = []
    for role, text in said:
        if role == "user" and text.strip():
            turns.append((text, ""))
        elif role == "assistant" and turns:
            turns[-1] = (turns[-1][0], text)
    return turns[-_LOOKED_BACK:]


def _options(asked: CompletionRequest) -> tuple[dict[str, Any], str]:
    """The options of the ask, and its policy: of the model's name, of the metadata, typed."""
    preset = MODELS[_known(asked.model)]
    given = asked.byline or Extension()
    try:
        told = {
            name.removeprefix(_PREFIX): json.loads(value) if name in _AS_JSON else value
            for name, value in (asked.metadata or {}).items()
            if name.startswith(_PREFIX)
        }
        metadata = Extension.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise InputError(f"metadata: {_PREFIX}{where}: {first['msg']}.") from None
    except (ValueError, RecursionError):
        raise InputError(f"metadata: {' and '.join(_AS_JSON)} are JSON.") from None
    found = preset | metadata.model_dump(exclude_unset=True) | given.model_dump(exclude_unset=True)
    policy = found.pop("policy", None) or "flag"
    return Filters().options | found, policy


def _known(name: str) -> str:
    if name not in MODELS:
        raise NotFound(f"There is no model '{name}': there are {', '.join(MODELS)}.")
    return name


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "byline"}


class _Shape:
    """Answers as completions of one model at one address."""

    def __init__(self, model: str, base_url: str) -> None:
        self._address = base_url.rstrip("/")
        self._head = {
            "id": f"chatcmpl-{uuid4().hex}",
            "created": int(time.time()),
            "model": model,
        }

    def completion(self, answer: Answer) -> dict[str, Any]:
        """The answer as one completion."""
        message = {
            "role": "assistant",
            "content": answer.text,
            "refusal": None,
            "annotations": self._annotations(answer),
        }
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return self._head | {
            "object": "chat.completion",
            "choices": [choice],
            "usage": _usage(answer),
            "byline": answer.to_dict(),
        }

    def chunk(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        """A piece of a completion."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return self._event([choice], **more)

    def last(self, answer: Answer) -> bytes:
        """The end of a completion, with all that the answer stands on."""
        delta = {"annotations": self._annotations(answer)}
        return self.chunk(delta, "stop", byline=answer.to_dict())

    def usage(self, answer: Answer) -> bytes:
        """What the model took."""
        return self._event([], usage=_usage(answer))

    def _event(self, choices: list[Any], **more: Any) -> bytes:
        chunk = self._head | {"object": "chat.completion.chunk", "choices": choices} | more
        return format_sse_event(data_str=json.dumps(chunk, ensure_ascii=False))

    def _annotations(self, answer: Answer) -> list[dict[str, Any]]:
        """For each statement the citations that it stands on, at its place in the content."""
        cited = {one.number: one for one in answer.citations}
        return [
            {
                "type": "url_citation",
                "url_citation": {
                    "start_index": statement.start,
                    "end_index": statement.end,
                    "title": cited[number].title or cited[number].outlet or "",
                    "url": cited[number].link or self._article(cited[number].article_id),
                },
                "citation": number,
            }
            for statement in answer.statements
            for number in statement.citations
        ]

    def _article(self, article_id: str) -> str:
        return f"{self._address}/v1/articles/{quote(article_id, safe='')}"


def _usage(answer: Answer) -> dict[str, int]:
    asked, written = answer.usage.input_tokens or 0, answer.usage.output_tokens or 0
    return {
        "prompt_tokens": asked,
        "completion_tokens": written,
        "total_tokens": asked + written,
    }


async def _chunks(
    first: Event, events: AsyncGenerator[Event], shape: _Shape, *, usage: bool, draft: bool
) -> AsyncIterator[bytes]:
    """The chunks of a completion: a draft while it is written, then the checked answer."""
    yield shape.chunk({"role": "assistant", "content": ""})
    try:
        async with aclosing(events):
            event = first
            async for event in events:
                if draft and isinstance(event, str):
                    yield shape.chunk({"reasoning_content": event})
        assert isinstance(event, Answer)
        for piece in _pieces(event):
            yield shape.chunk({"content": piece})
        yield shape.last(event)
        if usage:
            yield shape.usage(event)
        yield format_sse_event(data_str="[DONE]")
    except BylineError as error:
        yield format_sse_event(data_str=bytes(problem(error, openai=True).body).decode())


def _pieces(answer: Answer) -> Iterator[str]:
    """The answer's text, a statement at a time."""
    start = 0
    for statement in answer.statements:
        yield answer.text[start : statement.end]
        start = statement.end
    if start < len(answer.text):
        yield answer.text[start:]
