"""Conversations in the archive's database: what was asked, the whole answers, filters in force.

store = archive.conversations
store.append("k3J9…", Turn(answer.to_dict(), Filter(outlets=("The Ledger",)), datetime.now(UTC)))
store.load("k3J9…").turns[0].answer["citations"]

A turn is one short transaction of its own: it neither takes the index's writer lock nor moves its
generation. SQLite lets one write at a time: while an `add` commits a batch, a turn waits for it.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ...errors import IndexLocked, InputError, NotFound
from ..article import from_iso, isoformat
from ..clean import tidy
from . import tombstones, withheld
from .dialects import of
from .filter import Filter
from .sql import ignoring, replacing
from .stale import Stale, stale_citations, standings
from .tables import conversations, feedback, turns
from .tables import tombstones as tombstones_table

MOST_TURNS = 500  # of one conversation
_LONGEST_TITLE = 120  # characters
_LONGEST_REASON = 1000  # characters


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer, as they were given."""

    answer: Mapping[str, Any]
    "`Answer.to_dict()`: all of it, so that a reload shows the same citations"
    filters: Filter
    "in force for this turn, also where carried over"
    asked_at: datetime
    stale: tuple[Stale, ...] = field(default=(), compare=False)
    "the citations that no longer hold, as reckoned when the turn was loaded"

    @property
    def question(self) -> str:
        """What the person typed."""
        return str(self.answer["question"])

    @property
    def standalone_question(self) -> str:
        """What was looked for."""
        return str(self.answer["standalone_question"])


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns in the order in which they were asked."""

    id: str
    title: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list."""

    id: str
    title: str
    turns: int
    started: datetime
    changed: datetime
    "when its last question was asked"


class Conversations:
    """The stored conversations; safe to use from several threads and processes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def begin(self, conversation_id: str) -> None:
        """Store a conversation in which nothing was asked yet."""
        with self._writing() as connection:
            connection.execute(conversations.insert(), {"id": conversation_id, "title": ""})

    def append(self, conversation_id: str, turn: Turn) -> None:
        """Store a turn; the first one makes the conversation and its question the title.

        Raises InputError where the conversation is full, IndexLocked where an `add` holds the
        database for longer than SQLite's busy timeout.
        """
        # One statement finds the number and inserts: two processes cannot take the same one.
        last = sa.select(sa.func.coalesce(sa.func.max(turns.c.number), 0))
        last_number = last.where(turns.c.conversation_id == conversation_id).scalar_subquery()
        values = {
            "conversation_id": sa.literal(conversation_id),
            "number": last_number + 1,
            "asked_at": sa.literal(turn.asked_at.timestamp()),
            "filters": sa.literal(_filters_out(turn.filters)),
            "answer": sa.literal(json.dumps(turn.answer)),
        }
        row = sa.select(*values.values()).where(last_number < MOST_TURNS)
        with self._writing() as connection:
            head = {"id": conversation_id, "title": shortened(turn.question)}
            connection.execute(ignoring(connection, conversations), head)
            title = conversations.c.title
            named = sa.case((title == "", head["title"]), else_=title)
            this = conversations.update().where(conversations.c.id == conversation_id)
            connection.execute(this.values(title=named))  # until then nobody else has its row
            # Nothing else is written meanwhile: what was erased by now does not come back here.
            of(connection).hold_still(connection, tombstones_table)
            if (at := _erased_at(connection, turn.answer)) is not None:
                redacted = withheld.redacted(turn.answer, withheld.erased(at))
                values["answer"] = sa.literal(json.dumps(redacted))
                row = sa.select(*values.values()).where(last_number < MOST_TURNS)
            new = turns.insert().from_select([*values], row)
            if not connection.execute(new.execution_options(preserve_rowcount=True)).rowcount:
                raise full(conversation_id)

    def shown(self, held: Sequence[Turn]) -> "list[Turn]":
        """The turns as they may be shown now: without what cites an article that may not."""
        with self._engine.connect() as connection:
            return _shown(connection, held)

    def expire(self, days: int) -> int:
        """Delete conversations in which nothing was asked for so many days (0: none); how many."""
        if not days:
            return 0
        last = sa.select(turns.c.conversation_id).group_by(turns.c.conversation_id)
        old = last.having(sa.func.max(turns.c.asked_at) < time.time() - days * 86400)
        with self._engine.connect() as connection:
            ids = list(connection.scalars(old))
        if ids:  # so that looking needs no turn to write
            with self._writing() as connection:
                gone = conversations.delete().where(
                    conversations.c.id.in_(ids), conversations.c.id.in_(old)
                )
                return connection.execute(gone).rowcount
        return 0

    def has(self, conversation_id: str) -> bool:
        """Whether it was begun and not deleted."""
        with self._engine.connect() as connection:
            found = sa.select(conversations.c.id).where(conversations.c.id == conversation_id)
            return connection.scalar(found) is not None

    def find(self, conversation_id: str) -> Conversation | None:
        """A conversation with all its turns; None where there is none."""
        named = sa.select(conversations).where(conversations.c.id == conversation_id)
        query = sa.select(turns).where(turns.c.conversation_id == conversation_id)
        with self._engine.connect() as connection:
            head = connection.execute(named).first()
            rows = connection.execute(query.order_by(turns.c.number)).all()
            held = _shown(connection, list(map(_turn, rows)))
            now = standings(connection, (turn.answer for turn in held))
        told = (replace(one, stale=tuple(stale_citations(one.answer, now))) for one in held)
        return Conversation(head.id, head.title, tuple(told)) if head else None

    def load(self, conversation_id: str) -> Conversation:
        """As `find`. Raises InputError where there is none."""
        found = self.find(conversation_id)
        if found is None:
            raise _missing(conversation_id)
        return found

    def list(self, limit: int | None = 100) -> "list[Summary]":
        """Conversations, the one that was asked last first."""
        return [*self._summaries(sa.true(), limit)]

    def _summaries(self, matching: sa.ColumnElement[bool], limit: int | None) -> Iterator[Summary]:
        first, last = sa.func.min(turns.c.asked_at), sa.func.max(turns.c.asked_at)
        query = (
            sa.select(conversations.c.id, conversations.c.title, sa.func.count(), first, last)
            .join(turns, turns.c.conversation_id == conversations.c.id)
            .where(matching)
            .group_by(conversations.c.id)
            .order_by(last.desc(), conversations.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield Summary(*row[:3], *(datetime.fromtimestamp(at, UTC) for at in row[3:]))

    def summaries(self, ids: Sequence[str]) -> tuple[Summary, ...]:
        """Those of the conversations that are there, in the order given."""
        known = {one.id: one for one in self._summaries(conversations.c.id.in_(ids), len(ids))}
        return tuple(known[one] for one in ids if one in known)

    def rate(
        self,
        conversation_id: str,
        number: int,
        thumb: str,
        reason: str | None = None,
        statement: int | None = None,
    ) -> None:
        """Keep a reader's verdict on a turn, in place of an earlier one.

        `thumb` is up or down, `number` the turn's and `statement` the sentence's meant, from 1.
        Raises InputError where there is no such turn or thumb.
        """
        if thumb not in ("up", "down"):
            raise InputError(f"The thumb is '{thumb}': give up or down.")
        if statement is not None and (not isinstance(statement, int) or statement < 1):
            raise InputError(f"The statement is {statement!r}: give its number, from 1.")
        turn = (turns.c.conversation_id == conversation_id) & (turns.c.number == number)
        key = {"conversation_id": conversation_id, "number": number}
        said = (reason or "").strip()[:_LONGEST_REASON]
        given = {"thumb": thumb, "reason": said or None, "statement": statement}
        with self._writing() as connection:
            if connection.scalar(sa.select(turns.c.number).where(turn)) is None:
                raise NotFound(f"Conversation '{conversation_id}' has no turn {number}.")
            row = {**key, "given_at": datetime.now(UTC).timestamp(), **given}
            connection.execute(replacing(connection, feedback, row), row)

    def feedback(self) -> Iterator[dict[str, Any]]:
        """Every verdict as `byline eval import feedback` reads it, the oldest first."""
        both = (turns.c.conversation_id == feedback.c.conversation_id) & (
            turns.c.number == feedback.c.number
        )
        query = sa.select(feedback, turns.c.answer).join(turns, both)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(feedback.c.given_at)).all()
            answers = [json.loads(row.answer) for row in rows]
            reasons = withheld.reasons(connection, answers)
        for row, answer, why in zip(rows, answers, reasons, strict=True):
            answer = withheld.redacted(answer, why) if why else answer
            said = [statement["text"] for statement in answer["statements"]]
            meant = said[row.statement - 1 : row.statement] if row.statement else []
            yield {
                "id": f"{row.conversation_id}-{row.number}",
                "question": answer["question"],
                "as_of": answer["as_of"],
                "answer": answer,
                "thumb": row.thumb,
                "reason": row.reason,
                "statement": meant[0] if meant else None,
            }

    def with_stale(self) -> "Iterator[Conversation]":
        """The conversations with an answer that no longer holds, the one asked last first."""
        for summary in self.list(limit=None):
            found = self.find(summary.id)
            if found and any(turn.stale for turn in found.turns):
                yield found

    def rename(self, conversation_id: str, title: str) -> None:
        """Give it another title. Raises InputError where there is none, or the title is empty."""
        if not title.strip():
            raise InputError("The title is empty: give the conversation a name.")
        self._change(conversations.update().values(title=shortened(title)), conversation_id)

    def delete(self, conversation_id: str) -> None:
        """Delete it with all its turns. Raises InputError where there is none."""
        self._change(conversations.delete(), conversation_id)

    def _change(self, statement: "sa.Update | sa.Delete", conversation_id: str) -> None:
        with self._writing() as connection:
            named = statement.where(conversations.c.id == conversation_id)
            if connection.execute(named).rowcount == 0:
                raise _missing(conversation_id)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except IndexLocked:
            message = "Articles are being added: this turn of the conversation was not stored."
            raise IndexLocked(message) from None


def _shown(connection: sa.Connection, held: Sequence[Turn]) -> list[Turn]:
    reasons = withheld.reasons(connection, [turn.answer for turn in held])
    return [
        replace(turn, answer=withheld.redacted(turn.answer, why)) if why else turn
        for turn, why in zip(held, reasons, strict=True)
    ]


def _erased_at(connection: sa.Connection, answer: Mapping[str, Any]) -> float | None:
    cited = withheld.quoted(answer)
    keys = [key for article_id in cited for key in tombstones.keys_of(article_id, None)]
    return tombstones.erased_at(connection, keys) if keys else None


def shortened(title: str) -> str:
    """A title on one line, without control characters, cut where it is long."""
    title = " ".join(tidy(title).split())
    return title if len(title) <= _LONGEST_TITLE else f"{title[: _LONGEST_TITLE - 1]}…"


def full(conversation_id: str) -> InputError:
    """What a conversation without room says."""
    return InputError(
        f"Conversation '{conversation_id}' has {MOST_TURNS} turns, the most that one may have: "
        "start a new one."
    )


def _missing(conversation_id: str) -> NotFound:
    return NotFound(f"There is no conversation '{conversation_id}' in this index.")


def _filters_out(filters: Filter) -> str:
    dates = {name: isoformat(getattr(filters, name)) for name in ("since", "until", "as_of")}
    return json.dumps(dates | {"outlets": filters.outlets, "sections": filters.sections})


def _turn(row: Any) -> Turn:
    held = json.loads(row.filters)
    since, until, as_of = (from_iso(held[name]) for name in ("since", "until", "as_of"))
    sections = tuple(held.get("sections", ()))  # older releases had none
    filters = Filter(since, until, tuple(held["outlets"]), as_of, sections=sections)
    return Turn(json.loads(row.answer), filters, datetime.fromtimestamp(row.asked_at, UTC))
