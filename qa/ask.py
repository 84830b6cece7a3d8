"""From a question to an answer: retrieve, answer or quote, cite; the one place with the order.

for event in ask(question, library, llm): ...   # Found, str (a token), Answer (the last)
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..index.archive import Archive
from ..index.article import day_start, isoformat
from ..index.embed import Embedder
from ..index.store import Store
from . import answer as written
from .cite import Citation, Statement, citation, cite
from .credits import credit
from .extract import Candidate, extract, nearest, rank
from .question import Question
from .retrieve import SIGNALS, Hit, retrieve

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

POLICIES = ("flag", "strict", "off")
STYLES = ("quotes",)
_NEAREST = 3  # sentences that are offered where the answer is declined
_READ_TO_QUOTE = 12  # passages that the extractive answerer looks at


@dataclass(frozen=True, slots=True)
class Usage:
    """What a model took; None where it does not say, or where there is none."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None


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
    "no_evidence | evidence_too_old | unsupported, where declined"
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    disagreements: tuple[Any, ...]
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
class Library:
    """What is asked: an index that is open, and the model of its vectors."""

    archive: Archive
    store: Store
    embedder: Embedder


@dataclass(frozen=True, slots=True)
class Found:
    """The first event of an ask: the passages that the answer is looked for in."""

    hits: tuple[Hit, ...]
    handed: int
    "how many of them, from the first on, the answer is written from"


def ask(
    question: Question,
    library: Library,
    llm: "LLM | None" = None,
    *,
    policy: str = "flag",
    style: str | None = None,
    max_passages: int = 8,
    signals: Sequence[str] = SIGNALS,
    stream: bool = False,
) -> Iterator[Found | str | Answer]:
    """Events in order: Found, then tokens (with `stream` and a model), then the Answer.

    Raises InputError for an unknown policy or style, ModelError where a model fails.
    """
    for name, value, known in (("policy", policy, POLICIES), ("style", style, (None, *STYLES))):
        if value not in known:
            raise InputError(
                f"There is no {name} '{value}': use {' or '.join(filter(None, known))}."
            )
    began = time.monotonic()
    index_version = library.archive.generation
    hits = retrieve(
        question.text,
        question.filter,
        library.archive,
        library.store,
        library.embedder,
        limit=max(max_passages, _READ_TO_QUOTE),
        signals=signals,
    )
    found = time.monotonic()
    writer = llm if style != "quotes" else None
    shown = written.pack(hits, writer, max_passages) if writer else hits
    yield Found(tuple(hits), len(shown))
    reply: written.Reply | None = None
    notes: list[str] = []
    ranked: list[Candidate] = []
    sentences = credit(question, hits, library.archive.count(question.filter)[0])
    if sentences is None and hits and writer:
        if stream:
            reply = yield from written.write_stream(question, shown, writer)
        else:
            reply = written.write(question, shown, writer)
        sentences, notes = written.read_reply(reply.text, shown)
    elif sentences is None:
        ranked = rank(question.text, hits, library.archive, library.embedder)
        sentences = extract(question, ranked, library.embedder)
    if policy == "strict":
        sentences = [sentence for sentence in sentences if sentence.sources]
    answered = any(sentence.sources for sentence in sentences)
    text, statements, citations = cite(sentences if answered else ())
    if not answered and not ranked:
        ranked = rank(question.text, hits, library.archive, library.embedder)
    offered = () if answered else nearest(ranked, _NEAREST)
    now = time.monotonic()
    yield Answer(
        question=question.text,
        standalone_question=question.text,
        text=text if answered else _declining(question, bool(hits)),
        status="answered" if answered else "declined",
        reason=None if answered else "unsupported" if sentences else "no_evidence",
        statements=statements,
        citations=citations,
        disagreements=(),
        nearest=tuple(citation(source, n) for n, source in enumerate(offered, 1)),
        as_of=question.as_of,
        newest_evidence=max(
            (c.published for c in citations if c.published), key=day_start, default=None
        ),
        notes=tuple(notes),
        model=reply.model if reply else None,
        prompt_version=reply.prompt_version if reply else None,
        checked_by=None,
        policy=policy,
        index_version=index_version,
        usage=Usage(reply.input_tokens, reply.output_tokens) if reply else Usage(),
        timings={
            "retrieve": round(found - began, 4),
            "answer": round(now - found, 4),
            "total": round(now - began, 4),
        },
    )


def _declining(question: Question, found: bool) -> str:
    if not found and not question.filter.is_open:
        return "No article matches the question and its filters."
    return "The articles do not answer this." if found else "There are no articles to answer from."


def to_json(value: Any) -> Any:
    """A record as JSON values: dates in ISO 8601, tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, date):
        return isoformat(value)
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return [to_json(item) for item in value] if isinstance(value, (list, tuple)) else value
