"""The end of a service: answers under way are finished, new questions refused, then it is over.

drain = Drain(seconds=25); app = draining(app, drain)
DrainingServer(config, drain).run()      # SIGTERM and SIGINT begin it; a second one ends at once

The socket stays open meanwhile, so that a load balancer sees /readyz fail and sends no more.
"""

import asyncio
import logging
import re
import time
from functools import partial
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import is_openai, problem_response

_log = logging.getLogger(__name__)
# Streams that end only when the reader leaves: they are no work.
_KEPT_OPEN = re.compile(r"GET (/gradio_api/heartbeat/|/mcp)")
_STILL_TAKEN = re.compile(r"/healthz$|/gradio_api/(cancel|queue/data)$")
_closing = partial(
    problem_response, 503, "The service is shutting down: ask again in a moment.", "closing"
)
_RETRY = {"Retry-After": "5", "Connection": "close"}


class Drain:
    """How far the end of a service is; nothing happens until it has begun."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._ends = seconds, 0.0
        self.running = 0
        self.begun, self.cut = asyncio.Event(), asyncio.Event()

    def begin(self) -> None:
        """Refuse new requests from now on."""
        if not self.begun.is_set():
            self._ends = time.monotonic() + self._seconds
            self.begun.set()

    @property
    def is_late(self) -> bool:
        """Whether the time that answers had is over."""
        return self.begun.is_set() and time.monotonic() >= self._ends

    @property
    def is_over(self) -> bool:
        """Whether nothing is under way that is still waited for."""
        return self.begun.is_set() and (self.is_late or not self.running)


class DrainingServer(uvicorn.Server):
    """A server that drains before it ends, and then has ended as asked: without a signal."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain, self._signals = drain, 0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; what follows is done in `on_tick`, within the event loop."""
        self._signals += 1

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second."""
        if self._signals:
            self._drain.begin()
        if self._drain.is_over or self._signals > 1:
            self._drain.cut.set()
            self.should_exit = True
        return await super().on_tick(counter)


def draining(app: ASGIApp, drain: Drain) -> ASGIApp:
    """An application that takes part in a drain."""

    async def drained(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
        elif drain.begun.is_set() and not _STILL_TAKEN.match(scope["path"]):
            refused = _closing(headers=_RETRY, openai=is_openai(scope))
            await refused(scope, receive, send)
        elif _KEPT_OPEN.match(f"{scope['method']} {scope['path']}"):
            await _until(drain.begun, app, scope, receive, send)
        else:
            drain.running += 1
            try:
                await _until(drain.cut, app, scope, receive, send)
            finally:
                drain.running -= 1

    return drained


async def _until(
    end: asyncio.Event, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """Run an application that is told, once an event is set, that its client has gone.

    A stream that was cut so is ended in order, one of the API with an event that says why.
    """
    kind, open_ended = b"", False

    async def receive_or_end() -> Message:
        message, ended = asyncio.ensure_future(receive()), asyncio.ensure_future(end.wait())
        try:
            await asyncio.wait({message, ended}, return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else {"type": "http.disconnect"}
        finally:
            message.cancel()
            ended.cancel()

    async def send_and_note(message: Message) -> None:
        nonlocal kind, open_ended
        if message["type"] == "http.response.start":
            kind = dict(message["headers"]).get(b"content-type", b"")
        open_ended = message["type"] == "http.response.start" or message.get("more_body", False)
        await send(message)

    await app(scope, receive_or_end, send_and_note)
    if open_ended and end.is_set():
        is_answer = kind.startswith(b"text/event-stream") and scope["path"].startswith("/v1/")
        await send({"type": "http.response.body", "body": _last_event() if is_answer else b""})


def _last_event() -> bytes:
    """A problem document as the last event, one that OpenAI's clients know, too."""
    return b"event: error\ndata: " + bytes(_closing(openai=True).body) + b"\n\n"
