"""Errors over HTTP: every one a problem document (RFC 9457) of one line that says what to do.

>>> problem(NotFound("There is no article 'x'.")).status_code
404
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from asgi_correlation_id.context import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from ...errors import (
    ArchiveUnavailable,
    BylineError,
    Conflict,
    DiskError,
    IndexDamaged,
    IndexLocked,
    InputError,
    ModelError,
    ModelUnavailable,
    NotFound,
    SettingsError,
    StoreUnavailable,
)

_log = logging.getLogger(__name__)
# The first that fits: what a class is comes before what it is a kind of.
_STATUS: tuple[tuple[type[BylineError], int], ...] = (
    (NotFound, 404),
    (Conflict, 409),
    (InputError, 422),
    (IndexLocked, 503),
    (StoreUnavailable, 503),
    (ArchiveUnavailable, 503),
    (ModelUnavailable, 503),
    (ModelError, 502),
    (DiskError, 507),
    (IndexDamaged, 500),
    (SettingsError, 500),
)
INDEX = (500, 503, 507)  # what any route that reads or writes the index may answer with
_RETRY_SECONDS = 2
_MOST_FAULTS = 20  # of a request that are named
_PARSING = "There was an error parsing the body"  # FastAPI's words for all but bad syntax
_NO_JSON = "The body is no JSON that can be read: it is not in UTF-8, or nested too deeply."
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
REQUEST_ID = "X-Request-ID"


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(examples=["body.question"])
    detail: str = Field(examples=["Field required"])


class Problem(BaseModel):
    """A problem document: media type application/problem+json."""

    type: str = Field(
        description="What kind of problem, as a URN.", examples=["urn:byline:problem:input"]
    )
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(
        description="One line: what was wrong, with what, what to do.",
        examples=["The question is empty: ask something."],
    )
    request_id: str | None = Field(
        None, description=f"The response's {REQUEST_ID}: that of the request, or one of its own."
    )
    errors: list[Fault] | None = Field(None, description="Each fault of a malformed request.")


def problem(error: BylineError, *, openai: bool = False) -> JSONResponse:
    """The response that says what went wrong; `openai`: also in the shape of OpenAI's errors."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    headers = {"Retry-After": str(_RETRY_SECONDS)} if status == 503 else None
    return problem_response(status, str(error), _kind(error), headers=headers, openai=openai)


def problem_response(
    status: int,
    detail: str,
    kind: str = "http",
    *,
    errors: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
    openai: bool = False,
) -> JSONResponse:
    """A problem document as a response."""
    said = Problem(
        type=f"urn:byline:problem:{kind}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        request_id=correlation_id.get(),
        errors=errors,
    )
    body = said.model_dump(exclude_none=True)
    if openai:
        body["error"] = {"message": detail, "type": kind, "param": None, "code": kind}
    return JSONResponse(
        body,
        status,
        dict(headers or {}),
        media_type="application/problem+json",
    )


def handle_problems(app: FastAPI) -> None:
    """Have an application answer every error with a problem document."""

    @app.exception_handler(BylineError)
    async def known(request: Request, error: BylineError) -> JSONResponse:
        return problem(error, openai=is_openai(request))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [
            Fault(where=_where(one["loc"]), detail=one["msg"])
            for one in error.errors()[:_MOST_FAULTS]
        ]
        told = f"{faults[0].where}: {faults[0].detail}"
        openai = is_openai(request)
        return problem_response(422, told, "malformed", errors=faults, openai=openai)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> JSONResponse:
        told = _NO_JSON if error.detail == _PARSING else str(error.detail)
        openai = is_openai(request)
        return problem_response(error.status_code, told, headers=error.headers, openai=openai)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=499)  # as logs of nginx have it; nobody is there to see it

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> JSONResponse:
        _log.error("an unforeseen error", exc_info=error)
        return problem_response(
            500,
            "Something unforeseen went wrong; the server's log has it.",
            "unforeseen",
            headers={REQUEST_ID: correlation_id.get() or ""},  # this passes the middleware by
        )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents of its errors, for OpenAPI."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def is_openai(asked: Request | Scope) -> bool:
    """Whether it is a client of OpenAI's API that asks."""
    path: str = asked["path"]  # of `request.url` the Host header would be part
    return path.startswith(("/v1/chat/", "/v1/models"))


def _where(place: Sequence[str | int]) -> str:
    """Where a fault is; a key that is no text (a lone surrogate) can be named all the same."""
    return ".".join(map(str, place)).encode("utf-8", "replace").decode()[:200]


def _kind(error: BylineError) -> str:
    """`ModelUnavailable` as model-unavailable."""
    name = type(error).__name__.removesuffix("Error")
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
