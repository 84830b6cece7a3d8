"""What every peer is served on loopback: the same embedder and model, and a count of their use.

    with served(vectors, "http://127.0.0.1:8080/v1") as at: at.address, at.usage()

Texts that were embedded before are remembered in the file `vectors`.
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

    def __init__(self, address: str, vectors: Path) -> None:
        self.address, self.vectors, self.under_way = address, vectors, 0
        self.begin(0)

    def begin(self, seconds: float) -> None:
        """Start to count; the model answers no longer than this."""
        self.deadline, self.replies = time.monotonic() + seconds, list[str]()

    def usage(self) -> dict[str, int]:
        """By the harness's names, when all replies have been passed on; empty without a call."""
        while self.under_way:
            time.sleep(0.02)
        if not self.replies:
            return {}
        read, written = map(sum, zip(*map(_tokens, self.replies), strict=True))
        return {"input_tokens": read, "output_tokens": written, "calls": len(self.replies)}


def _tokens(reply: str) -> tuple[int, int]:
    for keys in _COUNTS:
        found = [re.findall(rf'"{key}":\s*(\d+)', reply) for key in keys]
        if all(found):
            return int(found[0][-1]), int(found[1][-1])
    return 0, 0


@contextmanager
def served(
    vectors: Path, llm: str | None = None, model: str | None = None, key: str | None = None
) -> Iterator[Served]:
    """The service until the end of the block; without `llm` there is no model.

    Without a key it is llama.cpp. It is to keep no prompt: who asks second would be served sooner.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    at = Served(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", vectors)
    app, bare, one_at_a_time = FastAPI(), MiniLM(), threading.Lock()
    remembering = Remembering(vectors)

    @app.post("/v1/embeddings")
    def embeddings(body: dict) -> dict:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        is_question = len(texts) == 1 and len(texts[0]) <= _QUESTION
        with one_at_a_time:
            found = (bare if is_question else remembering).embed(texts).tolist()
        data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(found)]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        return {"object": "list", "model": "minilm", "data": data, "usage": usage}

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = json.loads(await request.body())
        if llm is None or time.monotonic() > at.deadline:
            why = "there is no model" if llm is None else "the time for this question is over"
            return JSONResponse({"error": {"message": why, "type": "bench"}}, 400)
        most = body.pop("max_completion_tokens", None) or body.get("max_tokens") or _MOST_TOKENS
        body |= {"model": model, "max_tokens": min(most, _MOST_TOKENS)}
        body |= {} if key else {"cache_prompt": False}
        body |= {"stream_options": {"include_usage": True}} if body.get("stream") else {}
        client = httpx.AsyncClient(timeout=900, headers={"Authorization": f"Bearer {key}"})
        asked = client.build_request("POST", f"{llm}/chat/completions", json=body)
        reply = await client.send(asked, stream=True)
        at.under_way += 1
        return StreamingResponse(
            _passed(client, reply, at), reply.status_code, media_type=reply.headers["content-type"]
        )

    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_keep_alive=900))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield at
    finally:
        server.should_exit = True
        thread.join(10)


async def _passed(
    client: httpx.AsyncClient, reply: httpx.Response, at: Served
) -> AsyncIterator[bytes]:
    """The model's reply as it comes; its end, which tells the tokens, is kept."""
    end = b""
    try:
        async for piece in reply.aiter_bytes():
            end = (end + piece)[-4000:]
            yield piece
    finally:
        at.replies.append(end.decode("utf-8", "replace"))
        at.under_way -= 1
        await client.aclose()
