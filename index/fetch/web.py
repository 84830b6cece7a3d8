"""Fetches politely: robots.txt is obeyed, a host gets one request at a time, and pauses between.

web = Web(user_agent="Byline/1.1 (news@herald.example)")
page = web.get("https://herald.example/a", PAGE, max_bytes=5_000_000)
"""

import threading
import time
from collections import defaultdict
from collections.abc import Collection
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...errors import FetchError, FetchLater
from .client import Client, Reply, Resolve, checked, resolve

if TYPE_CHECKING:
    from protego import Protego

_MOST_REDIRECTS = 5
_ROBOTS_BYTES = 1_000_000  # twice what RFC 9309 asks for
_ROBOTS_SECONDS, _ROBOTS_FAILED_SECONDS = 3600.0, 300.0  # before robots.txt is read again
_LONGEST_PAUSE = 60.0  # seconds that a request waits for its turn; beyond it is given up


@dataclass(slots=True)
class _Host:
    """A server: who asks it now, how often it may be asked, and when again."""

    pause: float
    turn: threading.Lock = field(default_factory=threading.Lock)
    ready: float = 0.0


@dataclass(frozen=True, slots=True)
class _Robots:
    """What robots.txt says: rules, none, or why it cannot be read."""

    rules: "Protego | FetchError | None"
    until: float


class Web:
    """The web, asked politely; safe in several threads, which wait for each other's hosts."""

    def __init__(
        self,
        *,
        user_agent: str,
        delay_seconds: float = 1.0,
        timeout_seconds: float = 20.0,
        allow_private: bool = False,
        resolve: Resolve = resolve,
    ) -> None:
        self._client = Client(
            user_agent=user_agent,
            timeout_seconds=timeout_seconds,
            allow_private=allow_private,
            resolve=resolve,
        )
        self._agent = user_agent.partition("/")[0]
        self._hosts: defaultdict[str, _Host] = defaultdict(lambda: _Host(delay_seconds))
        self._robots: dict[str, _Robots] = {}
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let nobody wait any more: what has not been sent is not."""
        self._stopped.set()

    def get(
        self,
        url: str,
        kinds: Collection[str],
        *,
        max_bytes: int,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> Reply:
        """The page or feed at an address, after at most five redirects, each checked as the first.

        The reply's status is 304 where nothing has changed since `etag` or `last_modified`.
        Raises FetchError, FetchLater where it may go well another time.
        """
        given = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in given.items() if value}
        return self._follow(url, kinds, max_bytes, headers, ask_robots=True)

    def _follow(
        self,
        url: str,
        kinds: Collection[str],
        max_bytes: int,
        headers: dict[str, str],
        *,
        ask_robots: bool,
    ) -> Reply:
        asked: list[str] = []
        while url not in asked:
            asked.append(url)
            try:
                if len(asked) > _MOST_REDIRECTS + 1:
                    raise FetchError(f"and that is more than {_MOST_REDIRECTS} redirects")
                if ask_robots:
                    self._ask_robots(url)
                reply = self._send(url, kinds, max_bytes, headers)
            except FetchError as error:
                if len(asked) > 1:
                    error.args = (f"it redirects to {url}: {error}",)
                raise
            if reply.location is None:
                return reply
            url = reply.location
        raise FetchError(f"it redirects in a circle, to {url} again")

    def _send(
        self, url: str, kinds: Collection[str], max_bytes: int, headers: dict[str, str]
    ) -> Reply:
        """One request, when it is its turn."""
        host = self._hosts[checked(url).host]
        with host.turn:
            wait = host.ready - time.monotonic()
            if wait > _LONGEST_PAUSE:
                raise FetchLater(
                    f"its server asked to be left alone for {wait:.0f} seconds", wait_seconds=wait
                )
            if self._stopped.wait(max(wait, 0)):
                raise FetchLater("it was not fetched: the run was stopped")
            pause = host.pause
            try:
                return self._client.get(url, kinds, max_bytes=max_bytes, headers=headers)
            except FetchLater as error:
                pause = max(pause, error.wait_seconds or 0)
                raise
            finally:
                host.ready = time.monotonic() + pause

    def _ask_robots(self, url: str) -> None:
        """Raise FetchError where robots.txt does not allow an address (RFC 9309)."""
        parts = checked(url)
        origin = f"{parts.scheme}://{parts.netloc.decode()}"
        robots = self._robots.get(origin)
        if robots is None or robots.until < time.monotonic():
            robots = self._robots[origin] = self._read_robots(origin)
        if isinstance(robots.rules, FetchError):
            raise copy(robots.rules)  # whoever catches it adds to what it says
        if robots.rules is None:
            return
        host = self._hosts[parts.host]
        asked = robots.rules.crawl_delay(self._agent) or 0
        host.pause = max(host.pause, min(asked, _LONGEST_PAUSE))
        if not robots.rules.can_fetch(str(parts), self._agent):
            raise FetchError(
                f"robots.txt of {parts.host} does not allow it to {self._agent}: "
                "ask the outlet for leave"
            )

    def _read_robots(self, origin: str) -> _Robots:
        from protego import Protego

        rules: Protego | FetchError | None = None
        until = time.monotonic() + _ROBOTS_SECONDS
        try:
            address = f"{origin}/robots.txt"
            reply = self._follow(address, (), _ROBOTS_BYTES, {}, ask_robots=False)
            rules = Protego.parse(reply.text)
        except FetchError as error:
            is_later = isinstance(error, FetchLater)
            if is_later or error.status is None:
                rules = error
                until = time.monotonic() + _ROBOTS_FAILED_SECONDS
            if error.status:
                error.args = (f"robots.txt of its server cannot be read: {error}",)
        return _Robots(rules, until)
