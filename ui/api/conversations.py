"""Conversations over HTTP, and what readers say of the answers.

curl -X POST 127.0.0.1:8000/v1/conversations      # {"id": "k3J9…", …}
curl 127.0.0.1:8000/v1/conversations/k3J9…/ask --json '{"question": "Who resigned, and why?"}'
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from starlette.responses import JSONResponse

from ...desk import Desk, in_own_thread
from ...errors import Conflict
from ...index.archive.conversations import Conversation
from ...qa.chat import Chat
from ...qa.events import Event, to_json
from ...qa.question import LONGEST_QUESTION
from ..export import EXPORTS
from . import models
from .asks import ANSWERED, reply
from .problems import INDEX, responses
from .queue import in_line
from .records import ConversationList, ConversationRecord, given

_MOST_PRIVATE = 1000  # conversations that are held in memory; the one not used longest goes first
_LINES = (
    "A JSON object a line: id, question, as_of, answer, thumb, reason, statement; oldest first."
)
_JSONL = {"application/jsonl": {"schema": {"type": "string"}}}
_KINDS = {
    media_type.partition(";")[0]: {"schema": {"type": "object" if kind == "json" else "string"}}
    for kind, (_, media_type) in EXPORTS.items()
}
_READ = responses(404, 422, *INDEX)
_WRITE = responses(400, 404, 409, 415, 422, *INDEX)


class NewConversation(models.Request):
    """How a conversation begins."""

    private: bool = Field(
        False,
        description="Store nothing of it: it lives in the memory of this service, and ends with "
        "it.",
    )


class Rename(models.Request):
    """A title."""

    title: str = Field(min_length=1, max_length=1000, examples=["The ferry fire"])


class TurnRequest(models.Request):
    """A question within a conversation; a filter that is absent or null is carried over."""

    question: str = Field(max_length=LONGEST_QUESTION, examples=["And who paid for it?"])
    since: str | None = Field(None, description='Published then or later; "" drops it.')
    until: str | None = Field(None, description='Published then or earlier; "" drops it.')
    outlets: list[str] | None = Field(None, description="Only these outlets; [] drops it.")
    as_of: str | None = Field(None, description='Nothing newer is used; "" drops it.')
    policy: Literal["flag", "strict", "off"] = "flag"
    style: Literal["sentences", "quotes"] | None = None


class Feedback(models.Request):
    """What a reader says of an answer; the last word counts."""

    conversation: str
    turn: int = Field(ge=1, le=1000, description="Its number in the conversation, from 1.")
    thumb: Literal["up", "down"]
    reason: str | None = Field(None, max_length=1000)
    statement: int | None = Field(
        None, ge=1, le=1000, description="Which sentence of the answer is meant, from 1."
    )


class _Talks:
    """The conversations of a desk, private ones in memory, and which are being asked."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._private: OrderedDict[str, Chat] = OrderedDict()
        self._asked: set[str] = set()

    def begin(self, *, private: bool) -> str:
        """A new conversation; its id."""
        chat = self.desk.chat(private=private)
        if private:
            self._private[chat.id] = chat
            while len(self._private) > _MOST_PRIVATE:
                self._private.popitem(last=False)
        else:
            self.desk.conversations.begin(chat.id)
        return chat.id

    def find(self, conversation_id: str) -> Conversation:
        """A conversation, as it may be shown now. Raises NotFound."""
        chat = self._private.get(conversation_id)
        if chat is None:
            return self.desk.conversations.load(conversation_id)
        turns = tuple(self.desk.conversations.shown(chat.turns))
        return Conversation(conversation_id, chat.title or "", turns)

    def record(self, conversation_id: str) -> Any:
        """A conversation as JSON values."""
        return json.loads(EXPORTS["json"][0](self.find(conversation_id)))

    def rename(self, conversation_id: str, title: str) -> None:
        """Give it another title."""
        if chat := self._private.get(conversation_id):
            chat.title = title
        else:
            self.desk.conversations.rename(conversation_id, title)

    def delete(self, conversation_id: str) -> None:
        """Delete it. Raises Conflict where it is being asked."""
        self.require_free(conversation_id)
        if self._private.pop(conversation_id, None) is None:
            self.desk.conversations.delete(conversation_id)

    def require_free(self, conversation_id: str) -> None:
        """Raise Conflict where a question is being answered."""
        if conversation_id in self._asked:
            raise Conflict(f"Conversation '{conversation_id}' is being asked: wait for the answer.")

    async def stream(
        self, conversation_id: str, text: str, options: dict[str, Any]
    ) -> AsyncGenerator[Event]:
        """The events of a question; until they end, no other is taken."""
        self.require_free(conversation_id)
        self._asked.add(conversation_id)
        try:
            chat = self._private.get(conversation_id)
            if chat is None:
                chat = await asyncio.to_thread(self.desk.chat, conversation_id)
            else:
                self._private.move_to_end(conversation_id)
            turn = in_own_thread(partial(chat.stream, text, **options))
            async with aclosing(turn):
                async for event in turn:
                    yield event
        finally:
            self._asked.discard(conversation_id)


def conversations(desk: Desk) -> APIRouter:
    """`/v1/conversations` of a desk."""
    router = APIRouter(
        prefix="/v1/conversations",
        tags=["Conversations"],
        dependencies=models.CHECKS,
    )
    talks = _Talks(desk)

    @router.post(
        "",
        status_code=201,
        responses=given(ConversationRecord, "The conversation, empty.", 201)
        | responses(400, 415, 422, *INDEX),
    )
    async def create_conversation(wanted: NewConversation | None = None) -> Response:
        """Begin a conversation; it is listed once something was asked in it."""
        new = await asyncio.to_thread(talks.begin, private=bool(wanted and wanted.private))
        begun = await asyncio.to_thread(talks.record, new)
        return JSONResponse(begun, 201, {"Location": f"/v1/conversations/{new}"})

    @router.get("", responses=given(ConversationList) | responses(422, *INDEX))
    async def list_conversations(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> Response:
        """The stored ones, the one that was asked last first."""
        found = await asyncio.to_thread(lambda: desk.conversations.list(limit))
        return JSONResponse({"conversations": to_json(found)})

    @router.get("/{conversation_id}", responses=given(ConversationRecord) | _READ)
    async def get_conversation(conversation_id: str) -> Response:
        """A conversation with all its turns, and the citations that no longer hold."""
        return JSONResponse(await asyncio.to_thread(talks.record, conversation_id))

    @router.post(
        "/{conversation_id}/ask", responses=ANSWERED | _WRITE, dependencies=[Depends(in_line)]
    )
    async def ask_in_conversation(
        conversation_id: str, asked: TurnRequest, request: Request
    ) -> Response:
        """As /v1/ask, with follow-ups understood; one question at a time."""
        options = asked.model_dump(exclude={"question"})
        return await reply(request, talks.stream(conversation_id, asked.question, options))

    @router.patch("/{conversation_id}", responses=given(ConversationRecord) | _WRITE)
    async def rename_conversation(conversation_id: str, new: Rename) -> Response:
        """Give it another title."""
        await asyncio.to_thread(talks.rename, conversation_id, new.title)
        return JSONResponse(await asyncio.to_thread(talks.record, conversation_id))

    @router.get(
        "/{conversation_id}/export",
        responses=_READ | {200: {"description": "The conversation as a file.", "content": _KINDS}},
    )
    async def export_conversation(
        conversation_id: str, format: Literal["md", "html", "json"] = "md"
    ) -> Response:
        """A conversation with its sources, to read or publish (md, html), or complete (json)."""
        write, media_type = EXPORTS[format]
        text = await asyncio.to_thread(lambda: write(talks.find(conversation_id)))
        name = f'attachment; filename="byline-{conversation_id}.{format}"'
        return Response(text, media_type=media_type, headers={"Content-Disposition": name})

    @router.delete("/{conversation_id}", status_code=204, responses=_WRITE)
    async def delete_conversation(conversation_id: str) -> None:
        """Delete it with all its turns."""
        await asyncio.to_thread(talks.delete, conversation_id)

    return router


def feedback(desk: Desk) -> APIRouter:
    """`/v1/feedback` of a desk."""
    router = APIRouter(prefix="/v1", tags=["Feedback"], dependencies=models.CHECKS)

    @router.post("/feedback", status_code=204, responses=_WRITE)
    async def give_feedback(said: Feedback) -> None:
        """A thumb for an answer of a stored conversation, in place of an earlier one."""
        rate = desk.conversations.rate
        turn = (said.conversation, said.turn)
        await asyncio.to_thread(rate, *turn, said.thumb, said.reason, said.statement)

    @router.get(
        "/feedback",
        responses=responses(*INDEX) | {200: {"description": _LINES, "content": _JSONL}},
    )
    async def export_feedback() -> Response:
        """Every verdict, as `byline eval import feedback` reads it."""
        found = await asyncio.to_thread(lambda: [*desk.conversations.feedback()])
        lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found)
        return Response(lines, media_type="application/jsonl")

    return router
