"""What an ask gives: its events in order, the last of them the Answer, and all of it as JSON.

name, values = event_record(event)      # "hits", "token", "statement" or "answer"
"""

from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from typing import Any

from ..index.article import isoformat
from .budget import Usage
from .cite import Citation, Statement
from .dissent import Disagreement
from .retrieve import Hit


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, or why nothing is, and everything that it stands on."""

    question: str
    standalone_question: str
    "the question after rewriting it with the turns before"
    text: str
    status: str
    "answered | declined"
    reason: str | None
    "no_evidence | evidence_too_old | unsupported | source_incomplete | source_withheld: declined"
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    disagreements: tuple[Disagreement, ...]
    nearest: tuple[Citation, ...]
    "what comes nearest, where declined"
    as_of: datetime | date
    newest_evidence: datetime | date | None
    notes: tuple[str, ...]
    "what was repaired or removed, and warnings"
    model: str | None
    "None: quoted without a language model"
    prompt_version: str | None
    checked_by: str | None
    policy: str
    index_version: int
    usage: Usage
    style: str = "sentences"
    "sentences, as a model wrote them | quotes, word for word, which `model` only chose"
    confidence: float = 0.0
    "how likely an answer from the articles is right, 0 to 1; reckoned where it is declined too"
    timings: dict[str, float] = field(default_factory=dict)
    "seconds: retrieve, answer, total"

    @property
    def declined(self) -> bool:
        """Whether the articles do not answer."""
        return self.status == "declined"

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON values, keys as here, dates in ISO 8601."""
        plain: dict[str, Any] = to_json(self)
        return plain


@dataclass(frozen=True, slots=True)
class Found:
    """The first event of an ask: the passages that the answer is looked for in."""

    hits: tuple[Hit, ...]
    handed: int
    "how many of them, from the first on, the answer is written from"


Event = Found | str | Statement | Answer


def event_record(event: Event) -> tuple[str, dict[str, Any]]:
    """An event's name and its JSON values: hits, token, statement or answer."""
    if isinstance(event, Found):
        return "hits", {"hits": [hit.to_dict() for hit in event.hits], "handed": event.handed}
    if isinstance(event, str):
        return "token", {"text": event}
    return ("answer" if isinstance(event, Answer) else "statement"), to_json(event)


def to_json(value: Any) -> Any:
    """A record as JSON values: dates in ISO 8601, tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, date):
        return isoformat(value)
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return [to_json(item) for item in value] if isinstance(value, (list, tuple)) else value
