"""What clients of the service see when something breaks, and whether it lives afterwards.

    python bench/service_faults.py [--full]

Each fault has a `byline serve` of its own, over one article, with a scripted model. `alive` is a
search and /healthz of the same process after the fault. `--full` takes every fault twenty times in
a row. A full disk needs root, which mounts a small one. Required: no status that is not described,
no stack trace, every answer within the time that settings give it, alive.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from byline import Desk
from byline.tests.fakes import Refused, Slow, scripted

ROOT = Path(__file__).resolve().parent.parent
QUESTION = {"question": "How much will the ferry's repair cost?"}
EVENTS = {"Accept": "text/event-stream"}
TEXT = "The repair will cost 4.2 million crowns [1]."
ARTICLE = """Ferry fire closes Port Ansel terminal
By Mara Tenholt, Port Ansel Courier
March 3, 2026

PORT ANSEL — A fire in the engine room of the ferry Marguerite closed the terminal on Monday.
Nobody was hurt. The repair will cost 4.2 million crowns, said Odile Farrant of the port authority.
"""
_CHUNK = b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":'
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class View:
    """What a client saw of one request."""

    fault: str
    asked: str
    seen: str
    seconds: float


@dataclass
class Service:
    """A `byline serve` that runs."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, fault: str, *, events: bool) -> View:
        """Ask, and say in a line what came."""
        began = time.monotonic()
        headers = EVENTS if events else {}
        try:
            got = httpx.post(f"{self.address}/v1/ask", json=QUESTION, headers=headers, timeout=60)
        except httpx.HTTPError as error:
            seen = f"{type(error).__name__}"
        else:
            seen = seen_of(got)
        asked = "ask, events" if events else "ask, JSON"
        return View(fault, asked, seen, time.monotonic() - began)

    @property
    def is_alive(self) -> bool:
        """Whether it still answers."""
        found = httpx.post(f"{self.address}/v1/search", json={"query": "ferry"}, timeout=30)
        return httpx.get(f"{self.address}/healthz").is_success and found.is_success


def seen_of(got: httpx.Response) -> str:
    """A response in a line: its status, and its problem or the names of its events."""
    if not got.headers["content-type"].startswith("text/event-stream"):
        said = got.json()
        return f"{got.status_code} {said.get('detail') or said.get('status')}"
    blocks = [block.split("\n") for block in got.text.split("\n\n") if block]
    names = [lines[0].removeprefix("event: ") for lines in blocks]
    counted = ", ".join(
        f"{names.count(name)} {name}" for name in dict.fromkeys(names) if name != "error"
    )
    if names[-1] != "error":
        return f"{got.status_code}, {counted}"
    said = httpx.Response(200, text=blocks[-1][1].removeprefix("data: ")).json()
    return f"{got.status_code}, {counted}, error: {said['status']} {said['detail']}"


@contextmanager
def served(home: Path, *arguments: str, **settings: object) -> Iterator[Service]:
    """A service of the index of a home, on a free port; settings are BYLINE_* variables."""
    if not (home / "ferry.txt").exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "ferry.txt").write_text(ARTICLE, "utf-8")
        with Desk(home) as desk:
            desk.add(home / "ferry.txt")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = [f"BYLINE_{name.upper()}={value}" for name, value in settings.items()]
    log = home / "serve.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*_byline(home, *given), "serve", "--port", str(port), *arguments],
            stderr=written,
            cwd=home,
        )
        service = Service(f"http://127.0.0.1:{port}", process, log)
        try:
            _await_open(service)
            yield service
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


def _byline(home: Path, *settings: str) -> list[str]:
    """The command `byline` over a home."""
    return ["env", f"BYLINE_HOME={home}", *settings, sys.executable, "-m", "byline"]


def _await_open(service: Service) -> None:
    ends = time.monotonic() + 180
    while time.monotonic() < ends and service.process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{service.address}/healthz", timeout=5)
            return
        time.sleep(0.1)
    raise RuntimeError(f"The service did not start: {service.log.read_text('utf-8')}")


@contextmanager
def raw_model(reply: bytes, *, hangs: bool = False) -> Iterator[str]:
    """An endpoint that sends bytes to whoever connects, and then hangs up, or does not."""
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            asked = piece = connection.recv(1 << 16)
            while piece and not asked.endswith(b"}"):  # all, or closing would be a reset
                asked += (piece := connection.recv(1 << 16))
            connection.sendall(reply)
            if hangs:
                over.wait(60)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while not over.is_set():
                threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=listen, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        finally:
            over.set()


def half_a_stream() -> bytes:
    """The beginning of a model's streamed reply, in chunks of which the last is missing."""
    piece = _CHUNK + b'[{"index":0,"delta":{"content":"The repair "}}]}\n\n'
    head = _HEAD.replace(b"connection: close", b"transfer-encoding: chunked")
    return head % b"text/event-stream" + b"%x\r\n%b\r\n" % (len(piece), piece) * 3


def both(fault: str, model: str, home: Path, times: int, **settings: object) -> list[View]:
    """A fault of the model as JSON and as events are asked for, and life after it."""
    with served(home, llm="tiny", llm_base_url=model, **settings) as service:
        seen = [service.ask(fault, events=events) for _ in range(times) for events in (False, True)]
        return [*seen, View(fault, "afterwards", "alive" if service.is_alive else "DEAD", 0)]


def model_down(home: Path, times: int = 1) -> list[View]:
    """Nothing listens where the model should be."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"http://127.0.0.1:{gone.getsockname()[1]}/v1"
    return both("model down", address, home, times)


def model_silent(home: Path, times: int = 1) -> list[View]:
    """The model takes the question and says nothing; 3 seconds are allowed."""
    with raw_model(b"", hangs=True) as address:
        return both("model silent (limit 3 s)", address, home, times, ask_timeout_seconds=3)


def model_slow(home: Path, times: int = 1) -> list[View]:
    """A word each second; 3 seconds are allowed."""
    with scripted(Slow(TEXT, 1.0)) as model:
        fault = "a word a second (limit 3 s)"
        return both(fault, model.address, home, times, ask_timeout_seconds=3)


def model_cut(home: Path, times: int = 1) -> list[View]:
    """The connection to the model breaks in mid-stream."""
    with raw_model(half_a_stream()) as address:
        return both("model cut in mid-stream", address, home, times)


def model_garbage(home: Path, times: int = 1) -> list[View]:
    """The model's endpoint answers 200 with what is no JSON."""
    with raw_model(_HEAD % b"application/json" + b"<html>\x00\xff{{{") as address:
        return both("model says garbage", address, home, times)


def model_429(home: Path, times: int = 1) -> list[View]:
    """The endpoint refuses everything, to be asked again in a second."""
    with scripted(Refused(429, {"retry-after": "1"})) as model:
        return both("429 storm (limit 5 s)", model.address, home, times, ask_timeout_seconds=5)


def chroma_gone(home: Path, times: int = 1) -> list[View]:
    """The folder of the vector store is deleted while the service runs, and an article comes."""
    fault = "chroma/ deleted while serving"
    with served(home) as service:
        shutil.rmtree(home / "default" / "chroma")
        seen = [service.ask(fault, events=False) for _ in range(times)]
        (home / "second.txt").write_text(ARTICLE.replace("Ferry", "Second ferry"), "utf-8")
        try:
            with Desk(home) as desk:
                desk.add(home / "second.txt")
        except Exception as error:
            seen.append(View(fault, "add by another process", str(error), 0))
        seen.append(service.ask(f"{fault}, index changed", events=False))
        healthy = httpx.get(f"{service.address}/healthz").status_code
        ready = seen_of(httpx.get(f"{service.address}/readyz", timeout=30))
        return [*seen, View(fault, "afterwards", f"healthz {healthy}, readyz {ready}", 0)]


def disk_full(home: Path, times: int = 1) -> list[View]:
    """The index stands on a disk of 24 MB that is full."""
    disk = home / "disk"
    disk.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=True)
    try:
        with served(disk) as service:
            with (disk / "filler").open("wb") as filler, contextlib.suppress(OSError):
                while True:
                    filler.write(b"x" * 65_536)
            seen = [service.ask("disk full", events=events) for events in (False, True)] * times
            added = subprocess.run(
                [*_byline(disk), "keys", "add", "late"], capture_output=True, text=True
            )
            seen.append(View("disk full", "byline keys add", added.stderr.strip(), 0))
            alive = "alive" if service.is_alive else "DEAD"
            return [*seen, View("disk full", "afterwards", alive, 0)]
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def terminated(home: Path, times: int = 1, *, drain_seconds: float = 20) -> list[View]:
    """SIGTERM while an answer is streamed, as its reader, a new one and a load balancer see it."""
    fault = f"SIGTERM in mid-stream ({drain_seconds:g} s to end)"
    seen: list[View] = []
    with scripted(Slow(TEXT, 0.4)) as model:
        settings = {"llm": "tiny", "llm_base_url": model.address, "drain_seconds": drain_seconds}
        with served(home, **settings) as service:
            reader = threading.Thread(
                target=lambda: seen.append(service.ask(fault, events=True)), daemon=True
            )
            reader.start()
            while not model.requests:
                assert reader.is_alive(), seen
                time.sleep(0.05)
            time.sleep(0.5)
            began = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            seen.append(service.ask(f"{fault}: a new question", events=False))
            ready = httpx.get(f"{service.address}/readyz")
            retry = ready.headers.get("retry-after")
            seen.append(View(fault, "readyz", f"{ready.status_code}, Retry-After {retry}", 0))
            code = service.process.wait(60)
            seen.append(View(fault, "process", f"exit code {code}", time.monotonic() - began))
            reader.join(10)
    return seen


def terminated_late(home: Path, times: int = 1) -> list[View]:
    """As `terminated`, where the answer takes longer than it is given."""
    return terminated(home, times, drain_seconds=1)


FAULTS: tuple[Callable[..., list[View]], ...] = (
    model_down, model_silent, model_slow, model_cut, model_garbage, model_429,
    chroma_gone, disk_full, terminated, terminated_late,
)  # fmt: skip


def main() -> None:
    """Print a table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="every fault twenty times")
    parser.add_argument("--only", metavar="FAULT", help="one of them")
    given = parser.parse_args()
    print("## Faults of the service\n\n| fault | asked | seen | seconds |\n|---|---|---|---|")
    for fault in FAULTS:
        if given.only not in (None, fault.__name__) or fault is disk_full and os.geteuid():
            continue
        with tempfile.TemporaryDirectory() as folder:
            views = fault(Path(folder), 20 if given.full else 1)
        for seen in dict.fromkeys((view.fault, view.asked, view.seen) for view in views):
            taken = [view.seconds for view in views if (view.fault, view.asked, view.seen) == seen]
            print(f"| {' | '.join(seen)} | {max(taken):.1f} |", flush=True)


if __name__ == "__main__":
    main()
