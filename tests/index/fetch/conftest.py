"""A web server that does what a test tells it, at a public address of an internet of its own."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpcore
import pytest
from byline.index.fetch.web import Web
from byline.tests.servers import Silent, answering

PUBLIC = "93.184.216.34"
Answer = bytes | tuple[int, dict[str, str], bytes] | Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Site:
    """What the server answers by path, and what it was asked."""

    port: int
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    busiest: int = 0
    "requests at a time"

    def url(self, path: str, host: str = "herald.example") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """Of what was asked, robots.txt left out."""
        return [path for path, _ in self.asked if path != "/robots.txt"]


@pytest.fixture
def site() -> Iterator[Site]:
    busy: list[str] = []

    class Handler(Silent):
        def do_GET(self) -> None:
            busy.append(self.path)
            site.busiest = max(site.busiest, len(busy))
            site.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            site.times.append(time.monotonic())
            try:
                self._answer(site.answers.get(self.path, (404, {}, b"")))
            except OSError:
                pass  # the client has seen enough
            finally:
                busy.pop()

        def _answer(self, answer: Any) -> None:
            if callable(answer):
                answer(self)
                return
            status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
            self.send_response(status)
            lengths = {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(body)}
            for name, value in {**lengths, **headers}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

    with answering(Handler) as address:
        site = Site(int(address.rpartition(":")[2]))
        yield site


@pytest.fixture(autouse=True)
def internet(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The public address is this machine's server; returns to which addresses is connected."""
    connected: list[str] = []
    real = httpcore.SyncBackend.connect_tcp

    def connect(self: Any, host: str, port: int, **options: Any) -> httpcore.NetworkStream:
        connected.append(host)
        return real(self, "127.0.0.1" if host == PUBLIC else host, port, **options)

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    return connected


@pytest.fixture
def web() -> Callable[..., Web]:
    """Makes a Web that is in no hurry to wait, and to which every name is public."""

    def make(**options: Any) -> Web:
        given = {"user_agent": "Byline/1.1", "delay_seconds": 0, "timeout_seconds": 5}
        return Web(**(given | {"resolve": lambda host, port: [PUBLIC]} | options))

    return make


def page(title: str, *paragraphs: str, head: str = "") -> bytes:
    """A page of the Castrine Herald."""
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    return (
        f'<!doctype html><html lang="en"><head><title>{title}</title>'
        f'<meta property="og:site_name" content="Castrine Herald">{head}</head>'
        f"<body><nav><a href='/'>Home</a></nav><article><h1>{title}</h1>{body}</article></body>"
    ).encode()
