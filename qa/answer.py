"""Lets a language model answer from numbered passages.

reply = write(question, hits, llm, Deadline(60))
sentences, notes = read_reply(reply.text, hits)
"""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ..errors import ModelError
from ..index.article import isoformat
from ..prompts import fence, load
from .budget import Deadline, Usage
from .hostile import addresses_machines
from .model import (
    LLM_SETTINGS,
    Said,
    chat,
    endpoint_of,
    openai_llm,
    stream_chat,
    usage_of,
)
from .question import Question
from .reply import cited_sentences, narrow, read_reply
from .retrieve import Hit
from .trace import span
from .when import stamped

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.llms import LLM

__all__ = [
    "Reply",
    "begun",
    "cited_sentences",
    "endpoint_of",
    "narrow",
    "openai_llm",
    "pack",
    "read_reply",
    "repair",
    "usage_of",
    "write",
    "write_stream",
]
# English takes four characters a token; three leaves room for names, numbers and other scripts.
_CHARS_PER_TOKEN = 3
_NUMBERED = re.compile(r"\[(\^?\d[\d,; –-]*)\]")  # as only a passage's own number may be
_ALLOWED_SECONDS = 60.0  # where neither the caller nor the model names a limit


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model wrote, and what it took."""

    text: str
    model: str
    prompt_version: str
    usage: Usage = Usage()
    is_whole: bool = True
    "False where the endpoint cut it off"

    @property
    def input_tokens(self) -> int | None:
        """Tokens read."""
        return self.usage.input_tokens

    @property
    def output_tokens(self) -> int | None:
        """Tokens written."""
        return self.usage.output_tokens


def pack(hits: Sequence[Hit], llm: "LLM", most: int) -> list[Hit]:
    """The first hits, at most `most`, that fit the model's context window; always one."""
    room = llm.metadata.context_window - max(llm.metadata.num_output, 0)
    left = room * _CHARS_PER_TOKEN - len(load("answer").text)
    packed: list[Hit] = []
    for hit in hits[:most]:
        left -= len(hit.text) + len(hit.title or "") + 100
        if packed and left < 0:
            break
        packed.append(hit)
    return packed


def write(
    question: Question, hits: Sequence[Hit], llm: "LLM", deadline: Deadline | None = None
) -> Reply:
    """Ask the model. Raises ModelUnavailable or ModelError."""
    messages, version = _messages("answer", question, hits)
    return reply_of(chat(llm, messages, deadline or _own(llm)), llm, version)


def write_stream(
    question: Question, hits: Sequence[Hit], llm: "LLM", deadline: Deadline | None = None
) -> Generator[str, None, Reply]:
    """Ask the model: pieces of text as they come; returns the whole reply.

    Closing the generator frees the model. Raises ModelUnavailable or ModelError.
    """
    messages, version = _messages("answer", question, hits)
    said = yield from stream_chat(llm, messages, deadline or _own(llm))
    return reply_of(said, llm, version)


def repair(
    question: Question,
    hits: Sequence[Hit],
    failed: Sequence[tuple[str, str]],
    llm: "LLM",
    deadline: Deadline | None = None,
) -> Reply:
    """Let the model write again, once, knowing which of its sentences failed and why.

    `failed` holds each sentence as it was written, numbers and all, and the reason. Raises
    ModelUnavailable or ModelError.
    """
    shown = "\n".join(f"- {' '.join(said.split())}\n  Why: {why}" for said, why in failed)
    messages, version = _messages("repair", question, hits, failed=fence(shown, "failed"))
    return reply_of(chat(llm, messages, deadline or _own(llm)), llm, version)


def _own(llm: "LLM") -> Deadline:
    return Deadline(getattr(llm, "timeout", None) or _ALLOWED_SECONDS)


def reply_of(said: Said, llm: "LLM", version: str) -> Reply:
    """The reply; ModelError where it is empty, which says nothing about the articles."""
    if not said.text.strip():  # all tokens spent on reasoning, a filter, or no such API at all
        written = said.usage.output_tokens or "an unknown number of"
        raise ModelError(
            f"{endpoint_of(llm)} replied with nothing after {written} tokens. "
            f"Check {LLM_SETTINGS}, or raise BYLINE_LLM_MAX_TOKENS."
        )
    return Reply(said.text, llm.metadata.model_name, version, said.usage, said.is_whole)


def begun(llm: "LLM") -> Reply:
    """A reply that is not there yet, and stands where it is not read to its end."""
    return Reply("", llm.metadata.model_name, load("answer").version, is_whole=False)


def _messages(
    name: str, question: Question, hits: Sequence[Hit], **more: str
) -> tuple[list["ChatMessage"], str]:
    from llama_index.core.llms import ChatMessage

    prompt = load(name)
    told = {"gen_ai.prompt.name": name, "byline.prompt_version": prompt.version}
    with span("prompt", "PROMPT", told | {"byline.passages": len(hits)}):
        system, user = prompt.fill(
            as_of=str(isoformat(question.as_of))[:10],
            passages="\n\n".join(_shown(number, hit) for number, hit in enumerate(hits, 1)),
            question=question.text,
            **more,
        )
    return [
        ChatMessage(role="system", content=system),
        ChatMessage(role="user", content=user),
    ], prompt.version


def _shown(number: int, hit: Hit) -> str:
    """A passage as the model sees it: fenced, relative dates with what they mean, one number."""
    when = isoformat(hit.published)
    written = date.fromisoformat(when[:10]) if when else None
    title = None if addresses_machines(hit.title) else hit.title
    facts = (hit.outlet or "unnamed outlet", (when or "undated")[:10], title or "no headline")
    text = _NUMBERED.sub(r"(\1)", f"{' | '.join(facts)}\n{stamped(hit.text, written)}")
    return fence(f"[{number}] {text}", "passage")
