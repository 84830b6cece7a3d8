"""The line before the model: so many questions at work, so many waiting, none beyond that.

queue = Queue(at_once=32, waiting=96)
async with queue.place("who asks"): ...      # or, of a route, Depends(in_line)

Whose turn it is goes round among those who wait (a key, or an address), so that who asks a hundred
questions at once does not hold up who asks one.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

_RETRY_SECONDS = 5
_T = TypeVar("_T")


class Queue:
    """Places at work; to be used from one event loop."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free, self._most = at_once, waiting
        self._lines: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._lines.values()))

    @asynccontextmanager
    async def place(self, whose: str) -> AsyncIterator[None]:
        """A place at work, once it is one's turn. Raises HTTPException 429 where too many wait."""
        await self._turn(whose)
        try:
            yield
        finally:
            self._leave()

    async def _turn(self, whose: str) -> None:
        if self._free:
            self._free -= 1
            return
        if self.waiting >= self._most:
            raise HTTPException(
                429,
                f"{self._most} questions wait already: ask again in {_RETRY_SECONDS} seconds.",
                {"Retry-After": str(_RETRY_SECONDS)},
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(whose, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came in the moment of leaving
                self._leave()
            elif turn in self._lines.get(whose, ()):
                self._lines[whose].remove(turn)
                if not self._lines[whose]:
                    del self._lines[whose]
            raise

    def _leave(self) -> None:
        while self._lines:
            whose, line = next(iter(self._lines.items()))
            turn = line.popleft()
            del self._lines[whose]
            if line:
                self._lines[whose] = line  # behind the others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


async def in_line(request: Request) -> AsyncIterator[None]:
    """A dependency of FastAPI: a place of `app.state.queue` until the response has ended.

    Of a stream too; who leaves meanwhile leaves the line.
    """
    queue: Queue = request.app.state.queue
    async with AsyncExitStack() as held:
        await unless_gone(request, held.enter_async_context(queue.place(whose(request))))
        yield


async def unless_gone(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """What work gives; it is cancelled, and ClientDisconnect raised, once the client has gone."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for one in (task, gone):
            one.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await one


def whose(request: Request) -> str:
    """Who asks, for limits: the id of a key, or an address."""
    known: str | None = getattr(request.state, "whose", None)
    return known or (request.client.host if request.client else "")


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
