"""What the HTTP API gives, as models for its description; the values are the engine's own.

>>> given(Hits)[200]["model"].__name__
'Hits'
"""

from dataclasses import fields
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field, create_model

from ...index.archive.stale import Stale
from ...index.article import Article, Notice
from ...index.history import Version
from ...index.jobs import Job
from ...qa.events import Answer


def given(model: Any, description: str = "", status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What a route documents of its answer, for OpenAPI."""
    return {status: {"model": model, "description": description or "What was asked for."}}


def _article(name: str, without: tuple[str, ...] = ()) -> Any:
    """A model of an article as JSON values, with its version and whose text it runs."""
    own: dict[str, Any] = {f.name: (f.type, ...) for f in fields(Article) if f.name not in without}
    own |= {"version": (str, ...), "copy_of": (str | None, ...)}
    return create_model(name, __doc__=Article.__doc__, **own)


ArticleRecord = _article("ArticleRecord")
ListedArticle = _article("ListedArticle", ("text", "marks"))


class Articles(BaseModel):
    """A page of a list of articles, the newest first, the undated last."""

    total: int = Field(description="Articles that may be shown now, whatever the filters.")
    articles: list[ListedArticle]  # type: ignore[valid-type]
    next_cursor: str | None = Field(description="For the next page; null: this is the last one.")


class Versions(BaseModel):
    """The versions of an article, the oldest first, each with what it changed of the one before."""

    versions: list[Version]


class Removed(BaseModel):
    """What was taken out of the collection."""

    removed: list[str] = Field(description="Ids; of erased ones also others of the same address.")
    erased: bool
    copies: list[str] = Field([], description="Articles with the same text, which stay.")
    answers: int = Field(0, description="Stored answers of which only the question is left.")
    files: list[str] = Field([], description="Files below the index that held the text.")


class HitRecord(BaseModel):
    """A passage that was found: `text` is the article's from `start` to `end`."""

    article_id: str
    version: str
    outlet: str | None
    title: str | None
    published: datetime | date | None
    url: str | None
    start: int
    end: int
    text: str
    score: float = Field(description="Comparable within one search only.")
    notice: Notice | None


class Hits(BaseModel):
    """Passages, best first."""

    hits: list[HitRecord]


class JobList(BaseModel):
    """Jobs, the newest first."""

    jobs: list[Job]


class TurnRecord(BaseModel):
    """A question and its answer, as they were given."""

    asked_at: datetime
    filters: dict[str, Any] = Field(description="In force for this turn: since, until, outlets ...")
    answer: Answer
    stale: list[Stale] = Field(description="The citations that no longer hold.")


class ConversationRecord(BaseModel):
    """A conversation with all its turns."""

    id: str
    title: str
    turns: list[TurnRecord]


class Summary(BaseModel):
    """A conversation in a list."""

    id: str
    title: str
    turns: int
    started: datetime
    changed: datetime


class ConversationList(BaseModel):
    """Conversations in which something was asked, the one that was asked last first."""

    conversations: list[Summary]


class Collection(BaseModel):
    """What is in the collection now."""

    index: str
    index_version: int = Field(description="Grows with every change of the index.")
    articles: int
    passages: int
    outlets: dict[str, int] = Field(description="Articles of each outlet, most first.")
    days: dict[str, int] = Field(description="Articles of each day in UTC; undated ones are not.")
    embedder: str
    local_only: bool = Field(description="Whether nothing is ever sent to a model elsewhere.")
