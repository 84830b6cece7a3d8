"""Lets a language model answer from numbered passages, and reads what it replied.

reply = write(question, hits, llm)
sentences, notes = read_reply(reply.text, hits)
"""

import gc
import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, SettingsError
from ..index.article import isoformat
from ..index.chunk import sentence_spans
from ..index.clean import tidy
from ..index.embed import endpoint_errors
from ..index.words import stems
from ..prompts import fence, load
from .cite import Sentence, Source
from .question import Question
from .retrieve import Hit

if TYPE_CHECKING:
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse
    from llama_index.core.llms import LLM

_LLM_SETTINGS = "BYLINE_LLM, BYLINE_LLM_BASE_URL and BYLINE_LLM_API_KEY"
# English takes four characters a token; three leaves room for names, numbers and other scripts.
_CHARS_PER_TOKEN = 3
_NO_ANSWER = re.compile(
    r"\W*(?:NO[ _]ANSWER\b.*|(?i:no[ _]answer)\W*)", re.S
)  # not "No answer came"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model wrote, and what it took."""

    text: str
    model: str
    prompt_version: str
    input_tokens: int | None = None
    output_tokens: int | None = None


def openai_llm(
    name: str,
    base_url: str | None,
    api_key: str | None,
    *,
    context_window: int,
    max_tokens: int,
    timeout_seconds: float,
) -> "LLM":
    """A model behind an OpenAI-compatible endpoint (`base_url` None: OpenAI itself).

    Raises SettingsError where neither an address nor a key is given.
    """
    from llama_index.llms.openai_like import OpenAILike

    if base_url is None and api_key is None:
        raise SettingsError(
            f"Model {name} needs a key: set BYLINE_LLM_API_KEY or OPENAI_API_KEY, "
            "or BYLINE_LLM_BASE_URL for an endpoint without one."
        )
    llm: LLM = OpenAILike(
        model=name,
        api_base=base_url or "https://api.openai.com/v1",
        api_key=api_key or "none",
        is_chat_model=True,
        context_window=context_window,
        max_tokens=max_tokens,
        temperature=0,
        timeout=timeout_seconds,
        max_retries=1,
    )
    return llm


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


def write(question: Question, hits: Sequence[Hit], llm: "LLM") -> Reply:
    """Ask the model. Raises ModelUnavailable or ModelError."""
    messages, version = _messages(question, hits)
    with endpoint_errors(endpoint_of(llm), _LLM_SETTINGS):
        response = llm.chat(messages)
    return _reply(response.message.content or "", llm, version, *usage_of(response.raw))


def write_stream(
    question: Question, hits: Sequence[Hit], llm: "LLM"
) -> Generator[str, None, Reply]:
    """Ask the model: pieces of text as they come; returns the whole reply."""
    messages, version = _messages(question, hits)
    text = ""
    read: int | None = None
    written: int | None = None
    with endpoint_errors(endpoint_of(llm), _LLM_SETTINGS):
        responses = _responses(llm, messages)
        for response in responses:
            if response.delta:
                text += response.delta
                try:
                    yield response.delta
                except GeneratorExit:  # nobody listens any more
                    # LlamaIndex's stream is part of a cycle: until it is collected the
                    # connection stays open, and the model goes on writing.
                    responses.close()
                    gc.collect()
                    raise
            now_read, now_written = usage_of(response.raw)
            read, written = now_read or read, now_written or written
    return _reply(text, llm, version, read, written)


def _responses(llm: "LLM", messages: list["ChatMessage"]) -> Generator["ChatResponse", None, None]:
    yield from llm.stream_chat(messages, **_stream_usage(llm))


def _reply(text: str, llm: "LLM", version: str, read: int | None, written: int | None) -> Reply:
    """The reply; ModelError where it is empty, which says nothing about the articles."""
    if not text.strip():  # all tokens spent on reasoning, a filter, or no such API at all
        raise ModelError(
            f"{endpoint_of(llm)} replied with nothing after {written or 'an unknown number of'} "
            f"tokens. Check {_LLM_SETTINGS}, or raise BYLINE_LLM_MAX_TOKENS."
        )
    return Reply(text, llm.metadata.model_name, version, read, written)


def _stream_usage(llm: "LLM") -> dict[str, Any]:
    is_openai = any(kind.__name__ == "OpenAI" for kind in type(llm).__mro__)
    return {"stream_options": {"include_usage": True}} if is_openai else {}


def endpoint_of(llm: "LLM") -> str:
    """What a model is called in messages: its name and, where it has one, its address."""
    where = getattr(llm, "api_base", None)
    return f"The model {llm.metadata.model_name}{f' at {where}' if where else ''}"


def usage_of(raw: Any) -> tuple[int | None, int | None]:
    """Tokens read and written, as an endpoint's raw reply states them."""
    usage = raw.get("usage") if isinstance(raw, dict) else getattr(raw, "usage", None)
    return getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)


def _messages(question: Question, hits: Sequence[Hit]) -> tuple[list["ChatMessage"], str]:
    from llama_index.core.llms import ChatMessage

    prompt = load("answer")
    system, user = prompt.fill(
        as_of=str(isoformat(question.as_of))[:10],
        passages="\n\n".join(_shown(number, hit) for number, hit in enumerate(hits, 1)),
        question=question.text,
    )
    return [
        ChatMessage(role="system", content=system),
        ChatMessage(role="user", content=user),
    ], prompt.version


def _shown(number: int, hit: Hit) -> str:
    """A passage as the model sees it: number, outlet, date, headline and the fenced text."""
    when = (isoformat(hit.published) or "undated")[:10]
    facts = " | ".join((hit.outlet or "unnamed outlet", when, hit.title or "no headline"))
    return fence(f"[{number}] {facts}\n{hit.text}", "passage")


# [3], [1, 2], [1][2], [1-3], [Passage 2], and the brackets of some models.
_NUMBERS = re.compile(
    r"\s*[\[【](?:(?:passages?|sources?|no\.?)\s*)?(\d+(?:\s*(?:[,;&–-]|and)\s*\d+)*)[^\]】\d]{0,10}[\]】]",
    re.I,
)
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.S)  # of models that reason aloud
_LABEL = re.compile(r"^\W*answer\s*:\s*", re.I)
_BULLET = re.compile(r"^[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t]+", re.MULTILINE)
_LONGEST_RANGE = 10


def read_reply(text: str, hits: Sequence[Hit]) -> tuple[list[Sentence], list[str]]:
    """The sentences of a reply with their sources (none where it says that there is no answer).

    Also notes of what was mended: a number beyond the passages, or a missing one, is replaced by
    the passage that holds most of the sentence's words, where there is one, else it is left out.
    Sources are narrowed to the sentences of the passage that carry the statement.
    """
    text = _LABEL.sub("", tidy(_THOUGHTS.sub("", text)))
    if _NO_ANSWER.fullmatch(text):
        return [], []
    sentences: list[Sentence] = []
    repaired = removed = bare = 0
    for said, numbers, gap in cited_sentences(text):
        valid = [n for n in numbers if 1 <= n <= len(hits)]
        astray = len(numbers) - len(valid)
        if not valid and (found := _carrier(said, hits)):
            valid, repaired = [found], repaired + 1
        else:
            removed += astray
        bare += not valid
        sources = [source for n in dict.fromkeys(valid) for source in narrow(said, hits[n - 1])]
        sentences.append(Sentence(said, tuple(sources), gap=gap))
    counted = (
        (repaired, "without a valid citation now cites the passage that holds its words"),
        (removed, "citation that pointed to no passage was removed"),
        (bare, "sentence cites no passage"),
    )
    return sentences, [f"{number} × {what}" for number, what in counted if number]


def cited_sentences(text: str) -> Iterator[tuple[str, list[int], str]]:
    """Sentences without their numbers, the numbers, and the gap in front of each."""
    text = _BULLET.sub("", text)
    # A number that follows a full stop belongs to the sentence before it.
    text = re.sub(rf"([.!?][\"”’')]*)((?:{_NUMBERS.pattern})+)", r"\2\1", text, flags=re.I)
    end_before = 0
    for start, end in sentence_spans(text, 0, len(text)):
        shown = text[start:end]
        numbers = [n for found in _NUMBERS.finditer(shown) for n in _expand(found[1])]
        said = _NUMBERS.sub("", shown).strip()
        if re.search(r"\w", said) and not _NO_ANSWER.fullmatch(said):
            yield said, numbers, "\n" if "\n" in text[end_before:start] else " "
        end_before = end


def _expand(numbers: str) -> list[int]:
    found = [int(digits[:6]) for digits in re.findall(r"\d+", numbers)]
    is_range = re.fullmatch(r"\d+\s*[–-]\s*\d+", numbers)
    if is_range and 0 < found[1] - found[0] <= _LONGEST_RANGE:
        return list(range(found[0], found[1] + 1))
    return found


# A passage carries a sentence when it holds all its numbers and this share of its words; where
# there are numbers, less will do.
_CARRIES, _CARRIES_NUMBERS = 0.7, 0.5
_NARROWED_TO = 2  # sentences of a passage that one statement may need


def _carrier(said: str, hits: Sequence[Hit]) -> int | None:
    wanted = set(stems(said))
    digits = set(re.findall(r"\d+", said))
    shares = {
        number: len(wanted & set(stems(hit.text))) / len(wanted)
        for number, hit in enumerate(hits, 1)
        if wanted and digits <= set(re.findall(r"\d+", hit.text))
    }
    best = max(shares, key=lambda number: (shares[number], -number), default=None)
    enough = _CARRIES_NUMBERS if digits else _CARRIES
    return best if best is not None and shares[best] >= enough else None


def narrow(said: str, hit: Hit) -> list[Source]:
    """The sentences of a passage that share most words with a statement, at most two."""
    article = hit.article
    spans = sentence_spans(article.text, hit.start, hit.end, article.language)
    wanted = set(stems(said))
    held = {span: wanted & set(stems(article.text[slice(*span)])) for span in spans}
    chosen: list[tuple[int, int]] = []
    covered: set[str] = set()
    for _ in range(_NARROWED_TO):
        best = max(spans, key=lambda span: (len(held[span] - covered), -span[0]))
        gained = held[best] - covered
        if chosen and len(gained) < max(2, len(wanted) / 4):
            break
        chosen.append(best)
        covered |= gained
    return [Source(hit, *span) for span in sorted(chosen)]
