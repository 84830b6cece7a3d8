"""Stand-ins that can be read by eye: an embedder that counts letters, a model that says a text.

embedder = Letters(); llm = saying("Rates rose [1].")
with scripted(Refused(429), "Rates rose [1].") as endpoint: ...   # over HTTP
"""

import json
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from string import ascii_lowercase
from typing import Any

import numpy as np
from byline.index.article import Article
from byline.index.embed import Vectors
from byline.qa.retrieve import Hit
from byline.tests.servers import Silent, answering

TEXTS = (
    "Mayor Tomas Rehn resigned on Thursday. His deputy takes over until May.",
    "The water contract was worth 4.2 million crowns. Auditors found 17 errors in it.",
    "Ilse Kamp is the deputy mayor of Castrine.",
)
HITS = [
    Hit(Article(id=str(n), text=text, url=f"https://a.example/{n}"), 0, len(text), text, 1 / n)
    for n, text in enumerate(TEXTS, 1)
]


class Letters:
    """Counts the letters a to z of a text; `asked` holds every text that was embedded."""

    def __init__(self, name: str = "letters", alphabet: str = ascii_lowercase) -> None:
        self.name, self._alphabet = name, alphabet
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        counts = np.array([self._counts(text) for text in texts], np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)

    def embed_question(self, text: str) -> Vectors:
        return self.embed([text])[0]

    def _counts(self, text: str) -> list[float]:
        folded = text.lower()
        return [1.0, *(float(folded.count(letter)) for letter in self._alphabet)]


class Broken(Letters):
    """An embedder that must not be asked."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError(f"{len(texts)} texts were embedded again")


def saying(*replies: str, window: int = 4096) -> Any:
    """A LlamaIndex LLM that gives the replies in turn, the last one for ever.

    `prompts` holds what it was asked; streamed, it gives a word at a time.
    """
    asked = 0

    def reply(_: str) -> Generator[str]:
        nonlocal asked
        asked += 1
        first, *rest = replies[min(asked, len(replies)) - 1].split(" ")
        yield first
        yield from (f" {word}" for word in rest)

    return telling(reply, window=window)


def telling(told: Callable[[str], Generator[str]], *, window: int = 4096) -> Any:
    """A LlamaIndex LLM that says the pieces that `told` makes of a prompt; `prompts` has all."""
    from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
    from pydantic import PrivateAttr

    class Parrot(CustomLLM):
        _prompts: list[str] = PrivateAttr(default_factory=list)

        @property
        def prompts(self) -> list[str]:
            return self._prompts

        @property
        def metadata(self) -> LLMMetadata:
            return LLMMetadata(context_window=window, num_output=64, model_name="parrot")

        def complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
            self._prompts.append(prompt)
            return CompletionResponse(text="".join(told(prompt)))

        def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> Any:
            self._prompts.append(prompt)
            said = ""
            with closing(told(prompt)) as pieces:
                for delta in pieces:
                    said += delta
                    yield CompletionResponse(text=said, delta=delta)

    return Parrot()


@dataclass(frozen=True)
class Refused:
    """A turn of a scripted endpoint: an HTTP status that is an error, and headers with it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Slow:
    """A turn of a scripted endpoint: a word each `seconds`."""

    text: str
    seconds: float


@dataclass(frozen=True)
class Cut:
    """A turn of a scripted endpoint that ends for another reason; None: without one."""

    text: str
    finish: str | None = "length"


Turn = str | Refused | Slow | Cut | Callable[[dict[str, Any]], "str | Refused"]


@dataclass
class Scripted:
    """A chat endpoint: where it is, and what it was asked, when (`time.monotonic`)."""

    address: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    "set where the reader of a stream has gone"


@contextmanager
def scripted(*turns: Turn) -> Iterator[Scripted]:
    """An endpoint of OpenAI's shape that gives the turns in order, the last one for ever.

    A turn that is a function is given the request. A streamed reply comes a word at a time.
    """
    script = Scripted()

    handler = type("Player", (_Player,), {"script": script, "turns": turns})
    with answering(handler) as address:
        script.address = f"{address}/v1"
        yield script


class _Player(Silent):
    script: Scripted
    turns: tuple[Turn, ...]

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.script.requests.append(asked)
        self.script.times.append(time.monotonic())
        turn: Any = self.turns[min(len(self.script.requests), len(self.turns)) - 1]
        turn = turn(asked) if callable(turn) else turn
        pause = turn.seconds if isinstance(turn, Slow) else 0.0
        text = turn.text if isinstance(turn, (Slow, Cut)) else turn
        finish = turn.finish if isinstance(turn, Cut) else "stop"
        if isinstance(turn, Refused):
            _send(self, turn.status, {"error": {"message": "no"}}, turn.headers)
        elif asked.get("stream"):
            self._stream(text, pause, asked, finish)
        else:
            time.sleep(pause * len(text.split(" ")))
            _send(self, 200, _completion(text, finish))

    def _stream(self, text: str, pause: float, asked: dict[str, Any], end: str | None) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        try:
            for piece in re.findall(r"\S*\s*", text):
                time.sleep(pause)
                self._event([{"index": 0, "delta": {"content": piece}}])
            if end:
                self._event([{"index": 0, "delta": {}, "finish_reason": end}])
            if "stream_options" in asked:
                self._event([], usage=_USED)
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.script.left.set()

    def _event(self, choices: list[Any], **more: Any) -> None:
        chunk = _SHAPE | {"object": "chat.completion.chunk", "choices": choices} | more
        self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        self.wfile.flush()


def _send(
    to: BaseHTTPRequestHandler, status: int, body: Any, headers: Mapping[str, str] = {}
) -> None:
    raw = json.dumps(body).encode()
    to.send_response(status)
    for name, value in {"content-type": "application/json", **headers}.items():
        to.send_header(name, value)
    to.send_header("content-length", str(len(raw)))
    to.end_headers()
    with suppress(OSError):  # who asked may have gone
        to.wfile.write(raw)


_SHAPE = {"id": "x", "created": 1, "model": "scripted"}
_USED = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def _completion(text: str, finish: str | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": finish}]
    return _SHAPE | {"object": "chat.completion", "choices": choices, "usage": _USED}


@dataclass
class Embedding:
    """An embeddings endpoint: where it is, and how many texts each request had that it answered."""

    address: str = ""
    sizes: list[int] = field(default_factory=list)
    most: int = 0
    "requests at the same time, at most"
    open: int = 0


@contextmanager
def embedding(
    *refusals: Refused, largest: int = 2048, seconds: float = 0.0, dimension: int = 3
) -> Iterator[Embedding]:
    """An endpoint that refuses at first, then takes `seconds` a request of up to `largest` texts.

    A text's vector tells how long it is, and its first letter.
    """
    script, waiting = Embedding(), list(refusals)

    class Player(Silent):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["input"]
            texts = [asked] if isinstance(asked, str) else asked
            script.open += 1
            script.most = max(script.most, script.open)
            time.sleep(seconds)
            script.open -= 1
            if waiting or len(texts) > largest:
                turn = waiting.pop(0) if waiting else Refused(413)
                _send(self, turn.status, {"error": {"message": "no"}}, turn.headers)
                return
            script.sizes.append(len(texts))
            ones = [1.0] * (dimension - 2)
            rows = [[float(len(text)), float(ord(text[0])), *ones] for text in texts]
            data = [{"object": "embedding", "index": n, "embedding": r} for n, r in enumerate(rows)]
            _send(self, 200, {"object": "list", "model": "tiny", "data": data, "usage": _USED})

    with answering(Player) as address:
        script.address = f"{address}/v1"
        yield script
