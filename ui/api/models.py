"""What the HTTP API takes: requests, checked where they come in; unknown keys are refused.

>>> AskRequest(question="Who resigned?").policy
'flag'
"""

import re
from typing import Any, Literal

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request as HTTPRequest

from ...errors import InputError
from ...qa.draft import LONGEST_DRAFT
from ...qa.question import LONGEST_QUESTION

_JSON = re.compile(r"application/([\w.+-]+\+)?json")
_DATE = "ISO 8601: a date (the whole day in UTC) or a time with its offset."


async def json_only(request: HTTPRequest) -> None:
    """Refuse a body that does not say that it is JSON; a route that takes others does without."""
    has_body = request.headers.get("content-length", "0") != "0"
    has_body |= "transfer-encoding" in request.headers
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and request.method != "GET" and not _JSON.fullmatch(kind):
        raise HTTPException(415, "Give a body of JSON, with Content-Type: application/json.")


async def known_query(request: HTTPRequest) -> None:
    """Refuse a parameter that the route does not have: mistyped, it would be left out."""
    known = [one.alias for one in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in known:
            told = f"it has {', '.join(known)}" if known else "it has none"
            raise InputError(f"There is no parameter '{name[:100]}' here: {told}.")


CHECKS = (Depends(json_only), Depends(known_query))
"what the routes of Byline's own refuse; clients of OpenAI's API may add parameters"


class Request(BaseModel):
    """A request body."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Filters(Request):
    """Which articles count."""

    since: str | None = Field(None, description=f"Published then or later. {_DATE}")
    until: str | None = Field(None, description=f"Published then or earlier. {_DATE}")
    outlets: list[str] = Field([], description="Only these outlets, as the collection names them.")
    sections: list[str] = Field([], description="Only these sections, as the collection has them.")
    as_of: str | None = Field(
        None,
        description="The date of asking: nothing newer is used, and relative dates are read "
        f"against it; absent: now. {_DATE}",
    )
    retracted: bool = Field(
        False, description="Use articles that were retracted too; citations carry the notice."
    )

    @property
    def options(self) -> dict[str, Any]:
        """As keyword arguments of `Desk.ask` and `Desk.search`."""
        return {name: getattr(self, name) for name in Filters.model_fields}


class AskRequest(Filters):
    """A question."""

    question: str = Field(
        max_length=LONGEST_QUESTION, examples=["How many homes did the fire destroy?"]
    )
    policy: Literal["flag", "strict", "off"] = Field(
        "flag",
        description="What becomes of sentences that the check does not pass: flag (shown, with "
        "their verdict), strict (left out), off (nothing is checked).",
    )
    style: Literal["sentences", "quotes"] | None = Field(
        None, description="A model's own sentences, or quotes that it chooses; absent: as set."
    )


class SearchRequest(Filters):
    """What to search for."""

    query: str = Field(max_length=LONGEST_QUESTION, examples=["harbour fire"])
    limit: int = Field(10, ge=1, le=100, description="Passages at most.")


class VerifyRequest(Filters):
    """A text to check, whoever wrote it."""

    text: str = Field(
        max_length=LONGEST_DRAFT,
        description="A draft, or what another system answered; numbers and links in it are no "
        "evidence.",
        examples=["The fire destroyed 41 homes. Nobody was hurt."],
    )
