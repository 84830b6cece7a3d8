"""The service under load: many streams at once beside the bare model, and search beside Chroma.

    python bench/load.py [--full]
    python bench/load.py --model-url http://127.0.0.1:8000/v1 --model qwen3 --clients 1 4 16

A scripted model, in a process of its own, streams 40 tokens a second: the question's own mark, and
then the first sentence of the first passage, again and again. The service runs in another process.
Each client asks, reads to the end and asks again, the first time at a moment of its own within the
length of one reply; one more client asks the bare model meanwhile.
Added is what the service's first token takes longer than the bare model's, p95 against p50 in the
same minute. Every answer must carry the mark of its own question, and every stream must end with
it. Search is asked in turns with a plain FastAPI handler over Chroma that embeds with the same
model and holds the same passages. `--full`: 25, 50 and 100 clients for two minutes each.

With `--model-url` it is your endpoint (or several, parted by commas) that answers, and what is
measured is what readers wait for: the first words, the whole answer, answers a minute. Its key is
BYLINE_LLM_API_KEY.
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import sets

_TOKENS_PER_SECOND = 40
_TOKENS = 160  # of a reply
_SEARCHING = 8  # clients at once
_FILE = Path(__file__)
_MARK = re.compile(rb"#(\d+)q")


def main() -> None:
    """Print two tables."""
    parser = sets.parser(__doc__)
    parser.add_argument("--full", action="store_true", help="two minutes each")
    parser.add_argument("--seconds", type=float, help="of each round, in place of these")
    parser.add_argument("--clients", type=int, nargs="+", help="at once, of each round")
    parser.add_argument("--model-url", metavar="URL", help="of a real endpoint, ending in /v1")
    parser.add_argument("--model", metavar="NAME", help="of the model there")
    parser.add_argument("--serve", choices=("model", "chroma"), help="for this script's own use")
    parser.add_argument("--home", type=Path, help="for this script's own use")
    parser.add_argument("--socket", type=int, help="for this script's own use")
    given = parser.parse_args()
    if given.serve:
        _serve(given.serve, given.socket, given.home)
        return
    clients, seconds = ((25, 50, 100), 120) if given.full else ((5,), 5)
    clients, seconds = given.clients or clients, given.seconds or seconds
    questions = [case.question for case in sets.cases("sample", given.data)]
    with tempfile.TemporaryDirectory(prefix="byline-bench-") as folder:
        home = Path(folder)
        with sets.new_desk(home) as desk:
            desk.add(sets.SAMPLE)
        print("## Service under load\n")
        if given.model_url:
            with running("service", home, at=(given.model_url, given.model)) as service:
                rows = [asyncio.run(_read(service, questions, n, seconds)) for n in clients]
            head = ("clients", "answers", "a minute", "first token p50 s", "p95 s", "whole p50 s")
            print(sets.markdown((*head, "p95 s", "failed"), rows))
            return
        with running("model") as model, running("service", home, model) as service:
            asyncio.run(_one_ask(service, f"{questions[0]} (#0q)", 0, _Seen()))
            rows = [
                asyncio.run(_asked(service, model, questions, number, seconds))
                for number in clients
            ]
            head = ("clients", "asks", "bare p50 ms", "first token p50 ms", "p95 ms")
            more = ("added p95 ms", "failed", "of another", "longest gap ms")
            more += ("processor ms an ask", "memory MB")
            print(sets.markdown((*head, *more), rows))
            wrong = sum(int(str(cell)) for row in rows for cell in row[6:8])
        with running("service", home) as service, running("chroma", home) as chroma:
            rows = asyncio.run(_searched(service, chroma, questions, seconds))
            print()
            print(sets.markdown(("search", "requests a second", "p50 ms", "p95 ms"), rows))
    sys.exit(wrong > 0)


@dataclass
class _Seen:
    """What clients saw in one round."""

    first: list[float] = field(default_factory=list)
    "seconds to the first token, an ask each"
    bare: list[float] = field(default_factory=list)
    gap: float = 0.0
    "the longest that a stream which had begun stood still, seconds"
    failed: int = 0
    swapped: int = 0
    "streams with the mark of another question"


async def _asked(
    service: "Server", model: "Server", questions: Sequence[str], clients: int, seconds: float
) -> list[object]:
    """A round: one row of the table."""
    seen, numbers, end = _Seen(), count(), time.monotonic() + seconds
    before, worked = service.memory(), service.worked()

    async def client(at: float) -> None:
        await asyncio.sleep(at * _TOKENS / _TOKENS_PER_SECOND)
        while time.monotonic() < end:
            number = next(numbers)
            text = f"{questions[number % len(questions)]} (#{number}q)"
            await _one_ask(service, text, number, seen)

    async def bare() -> None:
        while time.monotonic() < end:
            body = {"messages": [{"role": "user", "content": "Question: #0q"}], "stream": True}
            began, first = time.monotonic(), 0.0
            async for _ in _events(model, "/v1/chat/completions", body):
                first = first or time.monotonic() - began
            seen.bare.append(first)

    async with asyncio.TaskGroup() as group:
        group.create_task(bare())
        for number in range(clients):
            group.create_task(client(number / clients))
    first, own = np.array(seen.first) * 1000, float(np.median(seen.bare)) * 1000
    p50, p95 = np.percentile(first, (50, 95))
    times = [f"{value:.0f}" for value in (own, p50, p95, p95 - own)]
    memory = f"{before:.0f} → {service.memory():.0f}"
    worked = (service.worked() - worked) / len(first) * 1000
    gap = f"{seen.gap * 1000:.0f}"
    return [clients, len(first), *times, seen.failed, seen.swapped, gap, f"{worked:.0f}", memory]


async def _read(
    service: "Server", questions: Sequence[str], clients: int, seconds: float
) -> list[object]:
    """A round of a real model: what readers wait for."""
    seen, whole, numbers, began = _Seen(), list[float](), count(), time.monotonic()

    async def client() -> None:
        while time.monotonic() < began + seconds:
            number, asked = next(numbers), time.monotonic()
            text = f"{questions[number % len(questions)]} (#{time.time_ns()}q)"
            await _one_ask(service, text, number, seen)
            whole.append(time.monotonic() - asked)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(client())
    a_minute = (len(whole) - seen.failed) / (time.monotonic() - began) * 60
    times = [f"{p:.1f}" for of in (seen.first or [0.0], whole) for p in _p50_p95(of)]
    return [clients, len(whole), f"{a_minute:.1f}", *times, seen.failed]


async def _one_ask(service: "Server", text: str, number: int, seen: _Seen) -> None:
    began, last, marks, ended = time.monotonic(), 0.0, set[int](), False
    async for block in _events(service, "/v1/ask", {"question": text}):
        now = time.monotonic()
        if b"event: token" in block:
            if not last:
                seen.first.append(now - began)
            seen.gap, last = max(seen.gap, now - (last or now)), now
        marks |= {int(mark) for mark in _MARK.findall(block)}
        ended |= b"event: answer" in block
    seen.failed += not ended
    seen.swapped += bool(marks - {number})


async def _searched(
    service: "Server", chroma: "Server", questions: Sequence[str], seconds: float
) -> list[list[object]]:
    """Both searches by turns, so that whatever else the machine does falls on both."""
    took: dict[str, list[float]] = {"Byline": [], "FastAPI over Chroma": []}
    spent = dict.fromkeys(took, 0.0)
    turns = count()
    while sum(spent.values()) < seconds:
        for name, server, path in (
            ("Byline", service, "/v1/search"),
            ("FastAPI over Chroma", chroma, "/search"),
        ):
            began = time.monotonic()
            end = began + seconds / 10

            async def client(server: Server, path: str, end: float, times: list[float]) -> None:
                while time.monotonic() < end:
                    asked = time.monotonic()
                    query = questions[next(turns) % len(questions)]
                    [reply] = [b async for b in _events(server, path, {"query": query})]
                    assert reply.count(b'"text"') or reply.count(b'"hits":[]'), reply[:200]
                    times.append(time.monotonic() - asked)

            async with asyncio.TaskGroup() as group:
                for _ in range(_SEARCHING):
                    group.create_task(client(server, path, end, took[name]))
            spent[name] += time.monotonic() - began
    return [
        [name, f"{len(times) / spent[name]:.0f}", *(f"{p * 1000:.0f}" for p in _p50_p95(times))]
        for name, times in took.items()
    ]


def _p50_p95(times: Sequence[float]) -> tuple[float, float]:
    p50, p95 = np.percentile(times, (50, 95))
    return float(p50), float(p95)


async def _events(server: "Server", path: str, body: dict[str, Any] | None) -> AsyncIterator[bytes]:
    """The blocks of a reply, parted by empty lines; read with as little work as can be."""
    raw = json.dumps(body).encode() if body else b""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 24)
    try:
        accept = "text/event-stream" if path != "/v1/search" else "application/json"
        writer.write(
            f"{'POST' if raw else 'GET'} {path} HTTP/1.0\r\n"
            f"Host: 127.0.0.1:{server.port}\r\nAccept: {accept}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n".encode()
            + raw
        )
        await reader.readuntil(b"\r\n\r\n")
        rest = b""
        while piece := await reader.read(1 << 16):
            *blocks, rest = (rest + piece).split(b"\n\n")
            for block in blocks:
                yield block
        if rest.strip():
            yield rest
    finally:
        writer.close()


@dataclass
class Server:
    """A process that answers at a port."""

    port: int
    pid: int

    def memory(self) -> float:
        """Its resident memory in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0

    def worked(self) -> float:
        """The processor time that it has taken, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    kind: str,
    home: Path | None = None,
    model: Server | None = None,
    at: tuple[str, str] | None = None,
) -> Iterator[Server]:
    """The scripted model, the service, or a plain handler, stopped at the end."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BYLINE_")}  # noqa: TID251
    environment |= {"BYLINE_INDEX": "bench", "BYLINE_HOME": str(home)}
    environment |= {"BYLINE_RATE_LIMIT": "off", "BYLINE_ASKS_AT_ONCE": "100"}
    environment |= {"BYLINE_LOG_LEVEL": "warning"}
    if model:
        address = f"http://127.0.0.1:{model.port}/v1"
        environment |= {"BYLINE_LLM": "scripted", "BYLINE_LLM_BASE_URL": address}
        environment |= {"BYLINE_LLM_API_KEY": "none"}
    if at:
        environment |= {"BYLINE_LLM_BASE_URL": at[0], "BYLINE_LLM": at[1]}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if kind == "service":
            listener.close()
            command = [sys.executable, "-m", "byline", "serve", "--port", str(port)]
            process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        else:
            command = [sys.executable, str(_FILE), "--serve", kind, "--home", str(home)]
            command += ["--socket", str(listener.fileno())]
            process = subprocess.Popen(command, env=environment, pass_fds=[listener.fileno()])
        try:
            server = Server(port, process.pid)
            asyncio.run(_ready(server, "/readyz" if kind == "service" else "/openapi.json"))
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


async def _ready(server: Server, path: str) -> None:
    """Wait until it answers."""
    for _ in range(600):
        with suppress(OSError, asyncio.IncompleteReadError):
            if [block async for block in _events(server, path, None)]:
                return
        await asyncio.sleep(0.1)
    raise SystemExit("The server did not start.")


def _serve(kind: str, listener: int, home: Path) -> None:
    """The processes beside the service."""
    import uvicorn
    from fastapi import FastAPI

    app = FastAPI()
    if kind == "model":
        _add_model(app)
    else:
        _add_chroma(app, home)
    uvicorn.run(app, fd=listener, log_level="error")


def _add_model(app: Any) -> None:
    from fastapi.responses import JSONResponse, Response, StreamingResponse

    def reply(prompt: str) -> list[str]:
        mark = _MARK.search(prompt.rpartition("Question:")[2].encode())
        asked = f"(#{int(mark[1])}q) " if mark else ""
        first = re.search(r"<passage[^>]*>\s*(.+?[.!?])\s", prompt, re.S)
        said = f"{first[1] if first else 'Nothing is known.'} [1] {asked}".split()
        return [f"{said[number % len(said)]} " for number in range(_TOKENS if asked else len(said))]

    async def streamed(words: Sequence[str]) -> AsyncIterator[str]:
        for word in words:
            yield _sse({"delta": {"content": word}})
            await asyncio.sleep(1 / _TOKENS_PER_SECOND)
        yield _sse({"delta": {}, "finish_reason": "stop"})
        yield "data: [DONE]\n\n"

    @app.post("/v1/chat/completions")
    async def complete(body: dict[str, Any]) -> Response:
        words = reply("\n".join(message["content"] for message in body["messages"]))
        if body.get("stream"):
            return StreamingResponse(streamed(words), media_type="text/event-stream")
        message = {"role": "assistant", "content": "".join(words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse(_SHAPE | {"object": "chat.completion", "choices": [choice]})


_SHAPE = {"id": "x", "created": 1, "model": "scripted"}


def _sse(choice: dict[str, Any]) -> str:
    chunk = _SHAPE | {"object": "chat.completion.chunk", "choices": [{"index": 0} | choice]}
    return f"data: {json.dumps(chunk)}\n\n"


def _add_chroma(app: Any, home: Path) -> None:
    """What a developer writes in ten lines: embed, query, return documents and metadata."""
    import chromadb
    from byline.index.embed import MiniLM

    embedder, passages = MiniLM(), chromadb.EphemeralClient().create_collection("passages")
    with sets.new_desk(home) as desk:
        held = desk.archive.passages(desk.archive.all_passages())
    texts = [passage.text for passage in held]
    about = [{"title": p.article.title or "", "outlet": p.article.outlet or ""} for p in held]
    ids, vectors = [str(passage.pk) for passage in held], embedder.embed(texts)
    passages.add(ids=ids, embeddings=vectors, documents=texts, metadatas=about)

    @app.post("/search")
    def search(body: dict[str, str]) -> dict[str, Any]:
        found = passages.query(query_embeddings=[embedder.embed_question(body["query"])])
        rows = zip(found["documents"][0], found["metadatas"][0], strict=True)  # type: ignore[index]
        return {"hits": [{"text": text, **about} for text, about in rows]}


if __name__ == "__main__":
    main()
