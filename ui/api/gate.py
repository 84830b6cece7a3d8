"""Who may do what: every request is let in by a key, a session of the page, or as this machine's.

app = Gate(app, desk.archive.keys, Rates("600/minute"), sessions)

A route that the table does not name takes the scope admin.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, NoReturn
from urllib.parse import SplitResult, quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import BylineError
from ...index.archive.keys import Key, Keys
from .problems import is_openai, problem, problem_response, responses
from .rates import Rates
from .signin import PATHS, Sessions

OPEN = "open"
EVENT = "event"  # of the page: the scope is that of the function which it calls
# Methods (none: any), path (where it ends with *, all that begin so), scope. The first that fits.
_RULES: tuple[tuple[str, str, str], ...] = (
    *(("GET HEAD", path, OPEN) for path in ("/healthz", "/readyz")),
    *(("", path, OPEN) for path in PATHS),
    *(("GET HEAD", path, "read") for path in ("/metrics", "/openapi.json", "/v1/collection")),
    *(("POST", f"/v1/{path}", "read") for path in ("ask", "search", "verify", "feedback")),
    ("POST", "/v1/chat/completions", "read"),
    ("GET HEAD", "/v1/models*", "read"),
    ("", "/mcp*", "read"),
    ("GET HEAD", "/v1/articles*", "read"),
    ("DELETE", "/v1/articles*", "admin"),
    ("", "/v1/articles*", "write"),
    ("", "/v1/jobs*", "write"),
    ("POST", "/v1/conversations", "read"),
    ("", "/v1/conversations/*", "read"),  # by ids that cannot be guessed
    # Those of all readers.
    *(("GET HEAD", f"/v1/{path}", "admin") for path in ("conversations", "feedback")),
    *(("GET HEAD", path, "read") for path in ("/", "/collection*", "/settings*")),
    *(("GET HEAD", path, "write") for path in ("/evals*", "/reports")),
    ("GET HEAD", "/conversations/*", "read"),
    *(
        ("GET HEAD", path, "read")
        for path in (
            *("/config*", "/assets/*", "/static/*", "/svelte/*", "/custom_component/*"),
            *("/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json", "/pwa_icon*"),
            *(
                f"/gradio_api/{name}"
                for name in (
                    *("info*", "theme.css", "startup-events", "app_id*", "login_check*"),
                    *("heartbeat/*", "queue/data", "file=*", "custom_component/*", "user*"),
                )
            ),
        )
    ),
    ("POST", "/gradio_api/queue/join", EVENT),
    *(("POST", f"/gradio_api/{name}", "read") for name in ("cancel", "reset*")),
    ("POST", "/gradio_api/upload", "write"),
    ("GET", "/gradio_api/upload_progress", "write"),
)
_SAFE = ("GET", "HEAD", "OPTIONS")
_COUNTED = re.compile(r"/v1/|/mcp|/gradio_api/(queue/join|upload$)")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_WRONG_KEYS = "30/minute"  # of an address
_NO_KEY = "While no key exists, only this machine is served: make one with `byline keys add NAME`."


@dataclass(frozen=True, slots=True)
class _Caller:
    whose: str
    "a key's id, or an address: for limits"
    key: Key | None
    by_header: bool


def scope_of(method: str, path: str) -> str:
    """The scope that a route takes: open, read, write, admin, or event."""
    return rule_of(method, path)[2]


def rule_of(method: str, path: str) -> tuple[str, str, str]:
    """The row of the table that a route falls under."""
    for rule in _RULES:
        methods, shown, _ = rule
        fits = path.startswith(shown[:-1]) if shown.endswith("*") else path == shown
        if fits and (not methods or method in methods.split()):
            return rule
    return "", "(unknown)", "admin"


def describe(schema: dict[str, Any]) -> None:
    """Have a description of the API name the keys, and what this and other guards answer."""
    schema["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            scope = scope_of(method.upper(), path)
            if scope != OPEN:
                route["security"] = [{"bearer": []}, {"header": []}]
                route["description"] = f"{route.get('description', '')}\n\nScope: {scope}.".strip()
            statuses = (503,) if scope == OPEN else (401, 403, 408, 413, 429, 503)
            for status, told in responses(*statuses).items():
                route["responses"].setdefault(str(status), told)


class Gate:
    """An application that is reached only by who may; `events` are the scopes of the page's."""

    def __init__(
        self,
        app: ASGIApp,
        keys: Keys,
        rates: Rates,
        sessions: Sessions,
        events: Mapping[int, str] | None = None,
    ) -> None:
        self._app, self._keys, self._rates, self._sessions = app, keys, rates, sessions
        self._events = events or {}
        # Neither a busy disk nor questions that hold all threads stop the event loop.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="byline-keys")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
        else:
            request = Request(scope, receive)
            try:
                headers, receive = await self._admit(request)
            except HTTPException as error:
                await _refusal(request, error)(scope, receive, send)
            except BylineError as error:  # the archive cannot be read now
                await problem(error, openai=is_openai(request))(scope, receive, send)
            else:
                await self._app(scope, receive, _with(headers, send))

    async def _admit(self, request: Request) -> tuple[dict[str, str], Receive]:
        """Headers of the answer to a request that may go on, and its body. Raises HTTPException."""
        # Of `request.url` the Host header would be part.
        _, request.state.route, needed = rule_of(request.method, request.scope["path"])
        if needed == OPEN:
            if request.method == "POST":
                _check_origin(request, None)
                await _count_wrong(request, self._rates)
            return {}, request.receive
        loop = asyncio.get_running_loop()
        caller = await loop.run_in_executor(
            self._thread, _caller, request, self._keys, self._sessions
        )
        if caller is None:
            await _refuse(request, self._rates)
        request.state.whose, request.state.key_id = caller.whose, caller.key and caller.key.id
        _check_origin(request, caller)
        receive = request.receive
        if needed == EVENT:
            body = await request.body()
            needed, receive = _event_scope(body, self._events), _again(body, receive)
        if caller.key and not caller.key.allows(needed):
            raise HTTPException(403, f"This key may {caller.key.scope}; this takes {needed}.")
        return await _take(request, caller, self._rates), receive


def _caller(request: Request, keys: Keys, sessions: Sessions) -> _Caller | None:
    """Who asks; None where a key is needed. Raises HTTPException where no key would help."""
    host = request.client.host if request.client else ""
    shown = _shown(request)
    if shown and (key := keys.find(shown)):
        return _Caller(key.id, key, True)
    if not shown and (key := sessions.key(request)):
        return _Caller(key.id, key, False)
    if keys.in_force():
        return None
    if not is_loopback(host) or any(name in request.headers for name in _FORWARDED):
        raise HTTPException(403, _NO_KEY)
    named = _split(f"//{request.headers.get('host', '')}").hostname or ""
    if not (named == "localhost" or named.endswith(".localhost") or is_loopback(named)):
        raise HTTPException(403, f"{_NO_KEY} It is not known as '{named}'.")
    return _Caller(host, None, False)


def _shown(request: Request) -> str:
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    return given.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key", "")


async def _take(request: Request, caller: _Caller, rates: Rates) -> dict[str, str]:
    if not _COUNTED.match(request.scope["path"]):
        return {}
    taken = await rates.take(caller.whose, caller.key.rate if caller.key else None)
    if not taken.granted:
        wait = taken.headers["Retry-After"]
        told = f"Too many requests: ask again in {wait} seconds."
        raise HTTPException(429, told, taken.headers)
    return taken.headers


async def _count_wrong(request: Request, rates: Rates) -> None:
    """Count a wrong key, or a sign-in; raise HTTPException 429 where they are many."""
    taken = await rates.take(f"wrong {request.client.host if request.client else ''}", _WRONG_KEYS)
    if not taken.granted:
        wait = taken.headers["Retry-After"]
        told = f"Too many wrong keys: try again in {wait} seconds."
        raise HTTPException(429, told, {"Retry-After": wait})


async def _refuse(request: Request, rates: Rates) -> NoReturn:
    told = "A key is needed: send it as `Authorization: Bearer KEY`."
    if _shown(request):
        await _count_wrong(request, rates)
        told = "This key is not known, expired or revoked."
    raise HTTPException(401, told, {"WWW-Authenticate": 'Bearer realm="byline"'})


def _refusal(request: Request, error: HTTPException) -> Response:
    """A problem document; a browser that has no session is sent to the sign-in."""
    is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if error.status_code == 401 and is_page:
        query = request.scope["query_string"].decode("latin-1")
        wanted = quote(request.scope["path"]) + (f"?{query}" if query else "")
        return RedirectResponse(f"/signin?next={quote(wanted, safe='')}", 303)
    openai = is_openai(request)
    return problem_response(error.status_code, error.detail, headers=error.headers, openai=openai)


def _check_origin(request: Request, caller: _Caller | None) -> None:
    """Raise HTTPException where another site has a browser send this, with its cookie or from here.

    Who sends a key by a header is no browser that was led astray.
    """
    if request.method in _SAFE or (caller and caller.by_header):
        return
    fetched = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if fetched is not None:
        is_own = fetched in ("same-origin", "none")
    elif origin is not None:
        is_own = _split(origin).netloc == request.headers.get("host")
    else:
        is_own = caller is not None and caller.key is None  # no browser, and nothing to steal
    if not is_own:
        raise HTTPException(403, "This was sent from another site than this page: it is refused.")


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:  # half an IPv6 address, for instance
        return urlsplit("")


def _event_scope(body: bytes, events: Mapping[int, str]) -> str:
    try:
        number = json.loads(body)["fn_index"]
    except (ValueError, KeyError, TypeError):
        return "admin"
    return events.get(number, "admin") if isinstance(number, int) else "admin"


def _again(body: bytes, receive: Receive) -> Receive:
    """What was read of a request, to be read once more."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


def _with(headers: Mapping[str, str], send: Send) -> Send:
    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start" and headers:
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return send_with


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
