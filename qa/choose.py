"""Lets a language model choose the sentences that answer: it gives numbers, never words.

    sentences, reply = choose(question, rank(...), llm, Deadline(60))

What is chosen is a sentence of an article, word for word. Where the endpoint holds replies to a
JSON schema (`model.capabilities`), no other number can be written; else the whole numbers of the
reply are read.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..index.article import isoformat
from ..prompts import fence, load
from .answer import Reply, reply_of
from .budget import Deadline
from .capabilities import capabilities
from .cite import Sentence
from .extract import Candidate
from .model import chat, json_schema
from .question import Question
from .trace import span

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

_SHOWN = 8  # of the ranked sentences: see docs/log.md
_MOST = 3  # sentences that are chosen
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.S)
_WHOLE = re.compile(r"(?<![\w.,-])\d{1,4}(?!\s?%|\w|[.,]\d)")
_LONGEST = 600  # characters of a sentence that are shown


def choose(
    question: Question, ranked: Sequence[Candidate], llm: "LLM", deadline: Deadline
) -> tuple[list[Sentence], Reply | None]:
    """The sentences that answer, best first, at most three; none where the articles do not say.

    `ranked` is what `extract.rank` gives; where it is empty, the model is not asked. Raises
    ModelUnavailable or ModelError.
    """
    from llama_index.core.llms import ChatMessage

    shown = ranked[:_SHOWN]
    if not shown:
        return [], None
    prompt = load("choose")
    told = {"gen_ai.prompt.name": "choose", "byline.prompt_version": prompt.version}
    with span("prompt", "PROMPT", told | {"byline.sentences": len(shown)}):
        system, user = prompt.fill(
            as_of=str(isoformat(question.as_of))[:10],
            sentences=fence("\n".join(map(_line, range(1, len(shown) + 1), shown)), "sentences"),
            question=question.text,
        )
    messages = [
        ChatMessage(role="system", content=system),
        ChatMessage(role="user", content=user),
    ]
    options = _schema(len(shown)) if capabilities(llm, deadline).json_schema else {}
    said = chat(llm, messages, deadline, **options)
    chosen = [shown[number - 1] for number in read_numbers(said.text, len(shown))]
    reply = reply_of(said, llm, prompt.version)
    return [Sentence(" ".join(c.text.split()), (c.source,)) for c in chosen], reply


def read_numbers(text: str, most: int) -> list[int]:
    """The whole numbers from 1 to `most` in a reply, in order, each once, at most three.

    >>> read_numbers('{"sentences": [3, 1, 3, 40]}', 8), read_numbers("none of the 8.5", 8)
    ([3, 1], [])
    """
    text = _THOUGHTS.sub("", text)
    listed = re.findall(r"\[([\d,\s]*)", text)
    found = [int(digits) for digits in _WHOLE.findall(" ".join(listed) if listed else text)]
    return list(dict.fromkeys(n for n in found if 1 <= n <= most))[:_MOST]


def _line(number: int, candidate: Candidate) -> str:
    hit = candidate.hit
    when = (isoformat(hit.published) or "undated")[:10]
    text = " ".join(candidate.text.split())[:_LONGEST]
    return f"{number}. {text} ({hit.outlet or 'unnamed outlet'}, {when})"


def _schema(shown: int) -> dict[str, object]:
    numbers = {
        "type": "array",
        "items": {"type": "integer", "enum": list(range(1, shown + 1))},
        "maxItems": _MOST,
    }
    found = {"type": "object", "properties": {"sentences": numbers}, "required": ["sentences"]}
    return json_schema("chosen", found)
