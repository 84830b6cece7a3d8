"""Several OpenAI-compatible endpoints of one model: where one fails the next is asked.

>>> client_of(["http://a.example/v1", "http://b.example/v1"]).is_closed
False
"""

import email.utils
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from .address import shown

if TYPE_CHECKING:
    from tenacity import RetryCallState

_LOG = logging.getLogger(__name__)
_PASSING = (408, 409, 429)  # and 500 and above: the same request may succeed later
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0  # seconds, as the openai client has them
# Seconds that an endpoint which failed is left alone: twice as long each time that it fails again.
_REST, _LONGEST_REST = 10.0, 300.0
_NO_LIMIT = 600.0  # seconds, as the openai client has it


def client_of(addresses: Sequence[str]) -> httpx.Client | None:
    """What the openai client is to send with; None for one address: its own client does."""
    return httpx.Client(transport=Endpoints(addresses)) if len(addresses) > 1 else None


@dataclass(slots=True)
class _Endpoint:
    address: httpx.URL
    busy: int = 0
    "calls under way"
    failures: int = 0
    "since it last answered"
    until: float = 0.0
    "by the monotonic clock: it is left alone until then"


class Endpoints(httpx.BaseTransport):
    """Sends each call to the endpoint with the fewest under way, the first of equals.

    The next one is asked where that cannot be reached, answers 408, 409, 429 or 5xx, or sends
    nothing within its share of the time that is left; what has begun to answer is not left. Who
    failed is passed over for a while, then one call tries it. Where all rest, all are asked.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        import openai

        self.addresses = tuple(addresses)
        self._endpoints = [_Endpoint(httpx.URL(address)) for address in addresses]
        self._client = openai.DefaultHttpxClient(follow_redirects=False)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of all connections."""
        self._client.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx.BaseTransport; what the last of the endpoints said where all have failed."""
        request.read()
        given = request.extensions.get("timeout", {}).get("read") or _NO_LIMIT
        end, tried = time.monotonic() + given, self._order()
        for at, endpoint in enumerate(tried, 1):
            share = max(0.001, (end - time.monotonic()) / (len(tried) - at + 1))
            with self._lock:
                endpoint.busy += 1
            done = self._freed(endpoint)
            try:
                response = self._begun(endpoint, request, share, done)
            except httpx.TransportError as error:
                done()
                self._rest(endpoint, f"{type(error).__name__}: {error}", 0.0)
                if at == len(tried):
                    raise
                continue
            except BaseException:
                done()
                raise
            if not _is_passing(response.status_code):
                endpoint.failures, endpoint.until = 0, 0.0
                return response
            asked = retry_after(response.headers.get("retry-after", "")) or 0.0
            self._rest(endpoint, f"HTTP {response.status_code}", asked)
            if at == len(tried):
                return response
            response.close()
        raise AssertionError("there are no endpoints")

    def _order(self) -> list[_Endpoint]:
        with self._lock:
            now = time.monotonic()
            ready = [e for e in self._endpoints if e.until <= now] or self._endpoints
            tried = sorted(ready, key=lambda endpoint: endpoint.busy)
            if tried[0].failures:  # this call finds out whether it is back; others pass it over
                tried[0].until = now + _REST
            return tried

    def _begun(
        self, endpoint: _Endpoint, request: httpx.Request, seconds: float, done: Callable[[], None]
    ) -> httpx.Response:
        """The endpoint's reply once something of its body has come, comments left out."""
        own, first = endpoint.address, self._endpoints[0].address
        path = own.raw_path.rstrip(b"/") + request.url.raw_path[len(first.raw_path.rstrip(b"/")) :]
        headers = [(k, v) for k, v in request.headers.raw if k.lower() != b"host"]
        limits = request.extensions.get("timeout", {})
        connect = min(seconds, limits.get("connect") or seconds)
        response = self._client.send(
            httpx.Request(
                request.method,
                own.copy_with(raw_path=path),
                headers=headers,
                content=request.content,
                extensions={"timeout": {**limits, "read": seconds, "connect": connect}},
            ),
            stream=True,
        )
        body = _Body(response, done)
        body.read_first(time.monotonic() + seconds)
        return httpx.Response(
            response.status_code, headers=response.headers, stream=body, request=request
        )

    def _freed(self, endpoint: _Endpoint) -> Callable[[], None]:
        open_calls = [endpoint]

        def done() -> None:
            with self._lock:
                if open_calls:
                    open_calls.pop().busy -= 1

        return done

    def _rest(self, endpoint: _Endpoint, why: str, asked: float) -> None:
        with self._lock:
            own = min(_REST * 2**endpoint.failures, _LONGEST_REST)
            seconds = min(max(asked, own), _LONGEST_REST)
            endpoint.failures += 1
            endpoint.until = time.monotonic() + seconds
        where = shown(str(endpoint.address))
        _LOG.warning("%s: %s; left alone for %.0f s", where, why.rstrip(": "), seconds)


class _Body(httpx.SyncByteStream):
    """The body of a reply, of which the first part was waited for."""

    def __init__(self, response: httpx.Response, done: Callable[[], None]) -> None:
        self._response, self._done = response, done
        self._rest: Iterator[bytes] = iter(response.stream)  # type: ignore[arg-type]
        self._first: list[bytes] = []

    def read_first(self, until: float) -> None:
        try:
            for piece in self._rest:
                self._first.append(piece)
                if not piece.lstrip().startswith(b":"):  # a comment keeps a connection alive
                    return
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("nothing but comments")
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        yield from self._first
        yield from self._rest

    def close(self) -> None:
        """Free the connection and the endpoint."""
        self._response.close()
        self._done()


def may_pass(error: BaseException) -> bool:
    """Whether the same call to an endpoint may succeed later."""
    import openai

    lost = isinstance(error, (openai.APIConnectionError, httpx.HTTPError))
    status = getattr(error, "status_code", 0)
    return lost or (isinstance(status, int) and _is_passing(status))


def wait(state: "RetryCallState") -> float:
    """Seconds: what Retry-After says, else from half a second on twice as long each time."""
    error = state.outcome.exception() if state.outcome else None
    said = getattr(getattr(error, "response", None), "headers", {}).get("retry-after", "")
    if (asked := retry_after(said)) is not None:
        return asked
    longest: float = min(_FIRST_WAIT * 2 ** (state.attempt_number - 1), _LONGEST_WAIT)
    return longest * random.uniform(0.75, 1)


def retry_after(said: str) -> float | None:
    """Seconds that a Retry-After header asks for; None where it asks for none."""
    with suppress(ValueError):
        return max(0.0, float(said))
    moment = email.utils.parsedate_tz(said)
    return max(0.0, email.utils.mktime_tz(moment) - time.time()) if moment else None


def _is_passing(status: int) -> bool:
    return status in _PASSING or status >= 500
