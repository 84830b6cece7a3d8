"""What a system under test gave for a question: Byline's answer record, and how it came about.

>>> response_of({"text": "Rates rose [1].", "citations": [{"number": 1, "quote": "Rates rose."}]})
... # doctest: +ELLIPSIS
Response(text='Rates rose [1].', status=None, ...)

Every key but `text` may be missing: what a system does not give is not scored. A list that is
there and empty says that there is none.
"""

import json
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ..errors import InputError
from ..index.dates import parse_moment
from .case import wrong_key

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of an answer and the numbers of what it cites."""

    __pydantic_config__ = _STRICT

    text: str
    start: int | None = None
    end: int | None = None
    citations: tuple[int, ...] = ()
    verdict: str | None = None
    score: float | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Noticed:
    """A correction or retraction that a citation carries."""

    __pydantic_config__ = _STRICT

    kind: str
    text: str | None = None
    date: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation: at least its number; offsets count code points of the stored article."""

    __pydantic_config__ = _STRICT

    number: int
    article_id: str | None = None
    version: str | None = None
    outlet: str | None = None
    title: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    updated: str | None = None
    url: str | None = None
    kind: str | None = None
    start: int | None = None
    end: int | None = None
    quote: str | None = None
    speaker: str | None = None
    link: str | None = None
    copies: tuple[str, ...] = ()
    notice: Noticed | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that was found for the question."""

    __pydantic_config__ = _STRICT

    text: str
    article_id: str | None = None
    version: str | None = None
    outlet: str | None = None
    title: str | None = None
    published: str | None = None
    url: str | None = None
    start: int | None = None
    end: int | None = None
    score: float | None = None
    notice: Noticed | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What the answer took; None where the system does not say."""

    __pydantic_config__ = _STRICT

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    "US dollars"
    calls: int | None = None
    "of a language model"


@dataclass(frozen=True, slots=True)
class Response:
    """One answer of one system, or its failure."""

    __pydantic_config__ = _STRICT

    text: str = ""
    status: Literal["answered", "declined"] | None = None
    "answered | declined; None: told by the text (match.reads_as_declined)"
    reason: str | None = None
    question: str | None = None
    standalone_question: str | None = None
    statements: tuple[Said, ...] | None = None
    citations: tuple[Cited, ...] | None = None
    disagreements: tuple[Any, ...] | None = None
    nearest: tuple[Cited, ...] | None = None
    as_of: str | None = None
    newest_evidence: str | None = None
    notes: tuple[str, ...] = ()
    model: str | None = None
    style: str | None = None
    "sentences as the model wrote them, or quotes"
    prompt_version: str | None = None
    checked_by: str | None = None
    policy: str | None = None
    index_version: int | None = None
    usage: Spent = field(default_factory=Spent)
    timings: dict[str, float] = field(default_factory=dict)
    "seconds: first_token, total, and a system's own"
    confidence: float | None = None
    "the higher, the surer; comparable within one system"
    hits: tuple[Passage, ...] | None = None
    "what retrieval found, best first"
    handed: int | None = None
    "how many of the first hits the answer was written from"
    error: str | None = None
    "why there is no answer: then nothing else counts"


_ADAPTER = TypeAdapter(Response)


def response_of(record: dict[str, Any]) -> Response:
    """The response of a JSON object. Raises InputError that names the key and what is wrong."""
    try:
        return _ADAPTER.validate_python(record)
    except ValidationError as error:
        raise InputError(wrong_key(error, [f.name for f in fields(Response)])) from None


def whole(response: Response) -> Response:
    """The response without half characters (lone surrogates), which no file can hold."""
    line = json.dumps(to_record(response), ensure_ascii=False)
    clean = line.encode("utf-8", "replace").decode()
    return response if clean == line else response_of(json.loads(clean))


def to_record(response: Response) -> dict[str, Any]:
    """The response as a JSON object without what is empty."""
    plain: dict[str, Any] = _ADAPTER.dump_python(response, mode="json", exclude_defaults=True)
    return plain


def moment(text: str | None) -> datetime | None:
    """The first instant of a date that a response states, in UTC; None where it is none."""
    from ..index.article import day_start

    found = parse_moment(text) if text else None
    return day_start(found) if found else None
