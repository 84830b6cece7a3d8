"""The connection to a language model: its address, calls whole and in pieces, retries.

    llm = openai_llm("gpt-5-mini", None, key, **limits)
    said = chat(llm, messages, Deadline(60))    # said.text, said.usage

Every call of one ask is given the same Deadline; its own time limit is what is left of it.
"""

import gc
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..errors import ModelUnavailable, SettingsError
from ..index.address import listed, shown
from ..index.embed import endpoint_errors
from .budget import Deadline, Usage, price
from .trace import Span, note, span, stepping

if TYPE_CHECKING:
    import httpx
    from llama_index.core.base.llms.types import ChatMessage, ChatResponse
    from llama_index.core.llms import LLM
    from tenacity import Retrying

T = TypeVar("T")

LLM_SETTINGS = "BYLINE_LLM, BYLINE_LLM_BASE_URL and BYLINE_LLM_API_KEY"
_ATTEMPTS = 4
_CONNECT_SECONDS = 5.0  # as the openai client has it


@dataclass(frozen=True, slots=True)
class Said:
    """What a model wrote in one call, and what it took."""

    text: str
    usage: Usage
    is_whole: bool = True
    "False where the endpoint cut it off, at its limit or in mid-stream"


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

    Several addresses, parted by commas, stand in for each other (`index/endpoints.py`). It does not
    retry by itself: `chat` and `stream_chat` do, within the deadline. Raises SettingsError where
    neither an address nor a key is given.
    """
    from llama_index.llms.openai_like import OpenAILike

    from ..index.endpoints import client_of

    if base_url is None and api_key is None:
        raise SettingsError(
            f"Model {name} needs a key: set BYLINE_LLM_API_KEY or OPENAI_API_KEY, "
            "or BYLINE_LLM_BASE_URL for an endpoint without one."
        )
    addresses = listed(base_url) or ["https://api.openai.com/v1"]
    llm: LLM = OpenAILike(
        model=name,
        api_base=addresses[0],
        http_client=client_of(addresses),
        api_key=api_key or "none",
        is_chat_model=True,
        context_window=context_window,
        max_tokens=max_tokens,
        temperature=0,
        timeout=timeout_seconds,
        max_retries=0,
    )
    return llm


def chat(llm: "LLM", messages: Sequence["ChatMessage"], deadline: Deadline, **options: Any) -> Said:
    """One reply of the model; `options` go to an OpenAI-compatible endpoint, to others not.

    Raises ModelUnavailable or ModelError.
    """
    response = reply(llm, messages, deadline, **options)
    is_whole = _finish(response.raw) in (None, "stop")
    return Said(response.message.content or "", _usage(llm, *usage_of(response.raw)), is_whole)


def reply(
    llm: "LLM", messages: Sequence["ChatMessage"], deadline: Deadline, **options: Any
) -> "ChatResponse":
    """As `chat`, as LlamaIndex has it."""
    what, (name, told) = endpoint_of(llm), _told(llm)
    with span(name, "LLM", told) as opened, _errors(what, deadline):
        for attempt in retrying(deadline, llm):
            with attempt:
                deadline.check(what)
                response = llm.chat(messages, **_options(llm, deadline, **options))
        note(opened, _took(*usage_of(response.raw)))
    return response


def stream_chat(
    llm: "LLM", messages: Sequence["ChatMessage"], deadline: Deadline, **options: Any
) -> Generator[str, None, Said]:
    """One reply in pieces as they come; returns it whole.

    A call that fails is made again only while nothing has come. Closing the generator frees the
    model. Raises ModelUnavailable or ModelError.
    """
    began, (name, told) = time.monotonic(), _told(llm)

    def tell(opened: Span, got: str | Said) -> None:
        nonlocal began
        if isinstance(got, Said):
            note(opened, _took(got.usage.input_tokens, got.usage.output_tokens))
        elif began:
            waited, began = time.monotonic() - began, 0.0
            note(opened, {"gen_ai.response.time_to_first_chunk": waited})

    return (yield from stepping(_said(llm, messages, deadline, options), name, "LLM", told, tell))


def _said(
    llm: "LLM", messages: Sequence["ChatMessage"], deadline: Deadline, options: dict[str, Any]
) -> Generator[str, None, Said]:
    text, read, written, finish = "", None, None, None
    options |= STREAM_USAGE if is_openai(llm) else {}
    is_ours = type(llm).__name__ == "OpenAILike" and getattr(llm, "is_chat_model", False)
    pieces = _direct if is_ours else _by_llamaindex
    with closing(pieces(llm, messages, deadline, options)) as found:
        for piece in found:
            read, written = piece.read or read, piece.written or written
            finish = piece.finish or finish
            if piece.text:
                # A lone surrogate, as JSON can hold it, fits in no answer.
                said = piece.text.encode("utf-8", "replace").decode()
                text += said
                yield said
    is_whole = finish == "stop" or (finish is None and not is_openai(llm))
    return Said(text, _usage(llm, read, written), is_whole)


class _Piece(NamedTuple):
    """What came at once: text, and where it is said what the call took and why it ended."""

    text: str
    read: int | None = None
    written: int | None = None
    finish: str | None = None
    is_last: bool = False


def _by_llamaindex(
    llm: "LLM", messages: Sequence["ChatMessage"], deadline: Deadline, options: dict[str, Any]
) -> Generator[_Piece, None, None]:
    with closing(responses(llm, messages, deadline, **options)) as found:
        for response in found:
            yield _Piece(response.delta or "", *usage_of(response.raw), _finish(response.raw))


def _direct(
    llm: Any, messages: Sequence["ChatMessage"], deadline: Deadline, options: dict[str, Any]
) -> Generator[_Piece, None, None]:
    """The same of a model of `openai_llm`, without an object for every token.

    What came while nobody read is one piece.
    """
    from llama_index.llms.openai.utils import to_openai_message_dicts

    asked = to_openai_message_dicts(messages, model=llm.model)

    def begun() -> Generator[_Piece, None, None]:
        given = llm._get_model_kwargs(stream=True, **_options(llm, deadline, **options))
        create = llm._get_client().chat.completions.with_streaming_response.create
        with create(messages=asked, **given) as response:
            rest = b""
            for raw in response.iter_bytes():
                deadline.check(endpoint_of(llm))  # comments alone keep a connection alive
                *lines, rest = (rest + raw).replace(b"\r", b"\n").split(b"\n")
                piece = _piece(lines, response.http_request)
                if any(piece):
                    yield piece
                if piece.is_last:  # some endpoints keep the connection open
                    return
            with suppress(ValueError):  # cut off in mid-line
                yield _piece([rest], response.http_request)

    return _retried(llm, deadline, begun)


def _piece(lines: Iterable[bytes], request: "httpx.Request") -> _Piece:
    """What lines of server-sent events of a chat completion say. Raises APIError, as they may."""
    text, read, written, finish = "", None, None, None
    for line in lines:
        if not line.startswith(b"data:"):
            continue
        if line[5:].lstrip().startswith(b"[DONE]"):
            return _Piece(text, read, written, finish, is_last=True)
        chunk = json.loads(line[5:])
        # vLLM and gateways have sent errors without the key, too.
        if error := chunk.get("error") or ("choices" not in chunk and chunk.get("message")):
            from openai import APIError

            said = error.get("message") if isinstance(error, dict) else error
            raise APIError(str(said or "an error in mid-stream"), request, body=error)
        for choice in (chunk.get("choices") or ())[:1]:
            text += (choice.get("delta") or {}).get("content") or ""
            finish = choice.get("finish_reason") or finish
        if isinstance(usage := chunk.get("usage"), dict):
            read = _count(usage.get("prompt_tokens"))
            written = _count(usage.get("completion_tokens"))
    return _Piece(text, read, written, finish)


def responses(
    llm: "LLM", messages: Sequence["ChatMessage"], deadline: Deadline, **options: Any
) -> Generator["ChatResponse", None, None]:
    """As `stream_chat`, as LlamaIndex has it."""

    def begun() -> Generator["ChatResponse", None, None]:
        yield from llm.stream_chat(messages, **_options(llm, deadline, **options))

    try:
        yield from _retried(llm, deadline, begun)
    except BaseException:  # nobody listens any more, or it took too long
        # LlamaIndex's stream is part of a cycle: until it is collected the connection stays
        # open, and the model goes on writing.
        gc.collect()
        raise


def _retried(
    llm: "LLM", deadline: Deadline, begun: Callable[[], Generator[T, None, None]]
) -> Generator[T, None, None]:
    """What a call gives, made again only while nothing has come; closing it closes the call."""
    what = endpoint_of(llm)
    with _errors(what, deadline):
        for attempt in retrying(deadline, llm):
            with attempt:
                deadline.check(what)
                found = begun()
                given = next(found, None)
        with closing(found):
            while given is not None:
                deadline.check(what)
                yield given
                given = next(found, None)


def endpoint_of(llm: "LLM") -> str:
    """What a model is called in messages: its name and, where it has one, its address."""
    sent = getattr(getattr(llm, "_http_client", None), "_transport", None)
    where = " or ".join(getattr(sent, "addresses", ())) or getattr(llm, "api_base", None)
    return f"The model {llm.metadata.model_name}{f' at {shown(where)}' if where else ''}"


def usage_of(raw: Any) -> tuple[int | None, int | None]:
    """Tokens read and written, as an endpoint's raw reply states them."""
    usage = raw.get("usage") if isinstance(raw, dict) else getattr(raw, "usage", None)
    read, written = (getattr(usage, f"{name}_tokens", None) for name in ("prompt", "completion"))
    return _count(read), _count(written)


def _count(tokens: Any) -> int | None:
    """A number of tokens, or None where an endpoint says what can be none."""
    return tokens if isinstance(tokens, int) and 0 <= tokens < 2**53 else None


def _finish(raw: Any) -> str | None:
    """Why an endpoint stopped writing: stop, length, content_filter."""
    choices = getattr(raw, "choices", None) or [None]
    reason: str | None = getattr(choices[0], "finish_reason", None)
    return reason


def close_client(model: object) -> None:
    """Let go of the connections that a LlamaIndex model of OpenAI's API holds open."""
    client = getattr(model, "_client", None)
    if client is not None:
        client.close()


def is_openai(llm: "LLM") -> bool:
    """Whether it is reached by OpenAI's API, whose options it takes."""
    return any(kind.__name__ == "OpenAI" for kind in type(llm).__mro__)


def json_schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The option of `chat` that holds a reply to a JSON schema."""
    form = {"name": name, "strict": True, "schema": schema | {"additionalProperties": False}}
    return {"response_format": {"type": "json_schema", "json_schema": form}}


STREAM_USAGE = {"stream_options": {"include_usage": True}}


def _options(llm: "LLM", deadline: Deadline, **options: Any) -> dict[str, Any]:
    if not is_openai(llm):
        return {}
    import httpx

    left = max(deadline.left, 0.001)
    return {"timeout": httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS)), **options}


@contextmanager
def _errors(what: str, deadline: Deadline) -> Iterator[None]:
    try:
        with endpoint_errors(what, LLM_SETTINGS):
            yield
    except ModelUnavailable:
        deadline.check(what)  # says so where that is why
        raise


def retrying(deadline: Deadline, llm: "LLM | None" = None) -> "Retrying":
    """Attempts while time is left for them; one for a model that retries by itself."""
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay

    from ..index.endpoints import may_pass, wait

    most = 1 if getattr(llm, "max_retries", 0) else _ATTEMPTS
    return Retrying(
        retry=retry_if_exception(may_pass),
        stop=stop_after_attempt(most) | stop_before_delay(deadline.left),
        wait=wait,
        reraise=True,
    )


def _usage(llm: "LLM", read: int | None, written: int | None) -> Usage:
    spent = Usage(read, written)
    address = getattr(llm, "api_base", None)
    return replace(spent, cost=price(llm.metadata.model_name, spent, address))


def _told(llm: "LLM") -> tuple[str, dict[str, Any]]:
    """What the span of a call is named, and says: the names of OpenTelemetry and OpenInference."""
    name = llm.metadata.model_name
    return f"chat {name}", {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai" if is_openai(llm) else llm.class_name(),
        "gen_ai.request.model": name,
        "llm.model_name": name,
    }


def _took(read: int | None, written: int | None) -> dict[str, int | None]:
    return {
        "gen_ai.usage.input_tokens": read,
        "gen_ai.usage.output_tokens": written,
        "llm.token_count.prompt": read,
        "llm.token_count.completion": written,
    }
