"""What every peer is served on loopback: the same embedder and model, and a count of their use.

    with served(vectors, "http://127.0.0.1:8080/v1") as at: at.embeddings, at.llm, at.usage()

Below `embeddings` texts that were embedded before are remembered, below `bare` none are.
"""

import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from byline.index.embed import MiniLM
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from vectors import Remembering

_MOST_TOKENS = 512  # that one reply may have, whoever asks
_QUESTION = 300  # a single text up to so many characters may be a question: it is embedded anew
# OpenAI's usage, else llama.cpp's timings; the last of a reply counts.
_COUNTS = (("prompt_tokens", "completion_tokens"), ("prompt_n", "predicted_n"))


class Served:
    """Where it stands, and what of the model was used since `begin`."""

    def __init__(self, address: str) -> None:
        self.llm = self.embeddings = f"{address}/v1"
        self.bare = f"{address}/bare/v1"
        self._lock = threading.Lock()
        self.begin(0)

    def begin(self, seconds: float) -> None:
        """Start to count; the model answers no longer than this."""
        self.deadline, self.calls, self._tokens = time.monotonic() + seconds, 0, [0, 0]

    def usage(self) -> dict[str, int]:
        """By the harness's names."""
        read, written = self._tokens
        return {"input_tokens": read, "output_tokens": written, "calls": self.calls}

    def count(self, reply: bytes) -> None:
        """Add what the end of a reply says."""
        text = reply.decode("utf-8", "replace")
        for keys in _COUNTS:
            found = [re.findall(rf'"{key}":\s*(\d+)', text) for key in keys]
            if all(found):
                break
        with self._lock:
            self.calls += 1
            if all(found):
                self._tokens = [n + int(f[-1]) for n, f in zip(self._tokens, found, strict=True)]


@contextmanager
def served(
    vectors: Path, llm: str | None = None, model: str | None = None, key: str | None = None
) -> Iterator[Served]:
    """The service until the end of the block; without `llm` there is no model."""
    listener = socket.create_server(("127.0.0.1", 0))
    at = Served(f"http://127.0.0.1:{listener.getsockname()[1]}")
    app = FastAPI()
    _add_embedder(app, Remembering(MiniLM(), vectors))
    _add_model(app, at, llm, model, key)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_keep_alive=600))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield at
    finally:
        server.should_exit = True
        thread.join(10)


def _add_embedder(app: FastAPI, remembering: Remembering) -> None:
    bare, one_at_a_time = MiniLM(), threading.Lock()

    @app.post("/v1/embeddings")
    @app.post("/bare/v1/embeddings")
    def embeddings(body: dict, request: Request) -> dict:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        is_question = len(texts) == 1 and len(texts[0]) <= _QUESTION
        is_bare = is_question or request.url.path.startswith("/bare")
        with one_at_a_time:
            found = (bare if is_bare else remembering).embed(texts).tolist()
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(found)]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return {"object": "list", "model": "minilm", "data": data, "usage": usage}


def _add_model(
    app: FastAPI, at: Served, llm: str | None, model: str | None, key: str | None
) -> None:
    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = json.loads(await request.body())
        if llm is None or time.monotonic() > at.deadline:
            why = "there is no model" if llm is None else "the time for this question is over"
            return JSONResponse({"error": {"message": why, "type": "bench"}}, 400)
        most = body.pop("max_completion_tokens", None) or body.get("max_tokens") or _MOST_TOKENS
        body |= {"model": model, "max_tokens": min(most, _MOST_TOKENS)}
        if body.get("stream"):
            body["stream_options"] = {"include_usage": True}
        client = httpx.AsyncClient(timeout=900, headers={"Authorization": f"Bearer {key}"})
        asked = client.build_request("POST", f"{llm}/chat/completions", json=body)
        reply = await client.send(asked, stream=True)

        async def passed() -> AsyncIterator[bytes]:
            end = b""
            try:
                async for piece in reply.aiter_bytes():
                    end = (end + piece)[-4000:]
                    yield piece
            finally:
                at.count(end)
                await client.aclose()

        kind = reply.headers.get("content-type")
        return StreamingResponse(passed(), reply.status_code, media_type=kind)
