"""Bounds of a request's body: bytes counted as they come, and the time in which they come.

app = bounded(app, desk.settings)
"""

import asyncio
import time

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ...settings import Settings
from .problems import is_openai, problem_response

_UPLOADS = ("/v1/articles", "/gradio_api/upload")
_SLOWEST = 50_000  # bytes a second, of an upload


def bounded(app: ASGIApp, settings: Settings) -> ASGIApp:
    """An application that never sees more of a body than settings allow (413, 408)."""

    async def within(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        is_upload = scope["path"].startswith(_UPLOADS)
        most = settings.max_upload_bytes if is_upload else settings.max_request_bytes
        body = _Body(receive, most, settings.request_timeout_seconds, is_upload)
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            body.check(_length(scope))
            await app(scope, body.receive, send_and_note)
        except HTTPException as error:
            if started:
                raise
            status, openai = error.status_code, is_openai(scope)
            refused = problem_response(status, error.detail, headers=error.headers, openai=openai)
            await refused(scope, receive, send)

    return within


def protocol(seconds: float) -> type[H11Protocol]:
    """Uvicorn's HTTP by h11, which bounds a head to what is read at once, and here to a time."""

    class Hurried(H11Protocol):
        _waits: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._waits = self.loop.call_later(seconds, self._late)

        def data_received(self, data: bytes) -> None:
            is_idle = self.cycle is None or self.cycle.response_complete
            if is_idle and self._waits is None:
                self._waits = self.loop.call_later(seconds, self._late)
            super().data_received(data)
            if self.cycle and not self.cycle.response_complete and self._waits:
                self._waits.cancel()
                self._waits = None

        def _late(self) -> None:
            self._waits = None
            if self.cycle is None or self.cycle.response_complete:
                self.transport.close()

    return Hurried


class _Body:
    def __init__(self, receive: Receive, most: int, seconds: float, is_upload: bool) -> None:
        self._receive, self._most, self._is_upload = receive, most, is_upload
        self._ends = time.monotonic() + seconds
        self._taken, self._more = 0, True

    def check(self, size: int) -> None:
        if size > self._most:
            told = f"The body is larger than {self._most:,} bytes: send less at once."
            raise HTTPException(413, told, {"Connection": "close"})

    async def receive(self) -> Message:
        if not self._more:
            return await self._receive()
        granted = self._taken / _SLOWEST if self._is_upload else 0
        try:
            async with asyncio.timeout(self._ends + granted - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            told = "The body did not arrive in time: send it again, faster or in parts."
            raise HTTPException(408, told, {"Connection": "close"}) from None
        self._taken += len(message.get("body", b""))
        self._more = message.get("more_body", False)
        self.check(self._taken)
        return message


def _length(scope: Scope) -> int:
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(given) if given.isdigit() else 0
