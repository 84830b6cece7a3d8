"""The service: the HTTP API, and the page where it is installed, as one web application.

app = service(desk)     # any ASGI server runs it; `serve(desk, "127.0.0.1", 8000)` does
"""

import errno
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import Any

import uvicorn
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp

from ... import __version__
from ...desk import Desk
from ...errors import BylineError
from ...index.archive.counts import Counts
from .adding import adding
from .articles import Encoded, articles
from .asks import asks
from .bounds import bounded, protocol
from .completions import completions
from .conversations import conversations, feedback
from .drain import Drain, DrainingServer, draining
from .gate import Gate, describe, is_loopback
from .logs import logged, start_logging
from .metrics import Measured, Meter, metrics
from .problems import METHODS, REQUEST_ID, Problem, handle_problems
from .queue import Queue, whose
from .rates import Rates
from .signin import Sessions, with_sign_in
from .status import status

_MOST_CONNECTIONS = 500  # files are left for the index where a process may have 1,024
_ABOUT = (
    "Answers questions from a collection of news articles; every sentence of an answer names the "
    "passage that it stands on. Offsets count Unicode code points from 0, ends exclusive."
)


def serve(desk: Desk, host: str, port: int) -> None:
    """Serve until Ctrl-C or SIGTERM, then finish what is under way; port 0 takes a free one.

    Raises BylineError where it cannot listen there, others could come without a key, or the index
    cannot be asked.
    """
    given = desk.settings
    desk.keep_answers(given.answer_cache)
    # What the first question would wait for is loaded now.
    _ = desk.llm
    if len(desk.articles):
        desk.search("news", 1)
    listener = _bound(host, port)
    address, taken = listener.getsockname()[:2]
    with listener:
        _require_key(desk, address)
        shown = f"http://{f'[{address}]' if ':' in address else address}:{taken}"
        drain = Drain(given.drain_seconds)
        app = service(desk, drain)
        with _taking(host, port):
            listener.listen()  # not before: who goes round among replicas is refused, and goes on
        sys.stderr.write(f"Byline is open at {shown} (Ctrl-C closes it)\n")
        sys.stderr.flush()
        start_logging(given.log_format, given.log_level, questions=given.log_questions)
        config = uvicorn.Config(
            app,
            http=protocol(given.request_timeout_seconds),
            ws="none",
            access_log=False,
            log_config=None,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=1,  # drained already
        )
        DrainingServer(config, drain).run(sockets=[listener])
    if any(thread.name.startswith("byline-ask") for thread in threading.enumerate()):
        desk.close()  # these wait for a model, which would hold up the end for minutes
        logging.shutdown()
        os._exit(0)


def service(desk: Desk, drain: Drain | None = None) -> ASGIApp:
    """The API of a desk, with the page at `/` where the extra `page` is installed; guarded."""
    given, keys = desk.settings, desk.archive.keys
    drain = drain or Drain(given.drain_seconds)
    routes = api(desk)
    app: ASGIApp = routes
    events: dict[int, str] = {}
    if find_spec("gradio") is not None:
        from ..page import site

        app = site(desk, routes, events)
    sessions = Sessions(keys, desk.archive.uuid, given.session_hours)
    engine = desk.archive.engine
    counts = Counts(engine) if engine.dialect.name == "postgresql" else None
    rates = Rates(given.rate_limit, counts)
    app = Gate(with_sign_in(app, sessions), keys, rates, sessions, events)
    app = draining(bounded(app, given), drain)
    return logged(app, questions=given.log_questions)


def api(desk: Desk) -> FastAPI:
    """The HTTP API of a desk alone."""
    # The interactive documentation of FastAPI fetches its scripts from elsewhere.
    queue = Queue(desk.settings.asks_at_once, desk.settings.asks_waiting)
    mcp = _mcp(desk, queue)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with mcp.router.lifespan_context(mcp) if mcp else nullcontext():
            yield

    app = FastAPI(
        title="Byline",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.router.routes.extend(mcp.routes if mcp else ())
    handle_problems(app)
    app.state.queue = queue
    meter = app.state.meter = Meter(desk)
    for router in (
        asks(desk),
        adding(desk),
        articles(desk),
        completions(desk),
        conversations(desk),
        feedback(desk),
        status(desk),
        metrics(meter),
    ):
        app.include_router(router)
    # The last one is the outermost.
    app.add_middleware(Measured, meter=meter)
    app.add_middleware(Encoded)
    app.add_middleware(CorrelationIdMiddleware, header_name=REQUEST_ID, validator=_is_request_id)
    _describe_problems(app)
    routes = tuple(app.router.routes)

    @app.api_route("/v1/{rest:path}", methods=list(METHODS), include_in_schema=False)
    async def unknown(request: Request) -> None:
        allowed = _allowed(routes, request)
        if allowed:
            told = f"{request.url.path} takes {', '.join(allowed)}."
            raise HTTPException(405, told, {"Allow": ", ".join(allowed)})
        hint = " An id in it is URL-encoded: / is %2F." if "//" in request.url.path else ""
        told = f"There is nothing at {request.url.path}: see /openapi.json.{hint}"
        raise HTTPException(404, told)

    return app


def _is_request_id(given: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9._-]{1,128}", given) is not None


def _mcp(desk: Desk, queue: Queue) -> Starlette | None:
    """The Model Context Protocol at `/mcp`, where its extra is installed.

    Which Host and Origin may call is the gate's to say.
    """
    if find_spec("mcp") is None:
        return None
    from ..mcp import mcp_app

    return mcp_app(desk, hosts=None, place=lambda request: queue.place(whose(request)))


def _allowed(routes: Sequence[BaseRoute], request: Request) -> list[str]:
    """The methods that a path has, where it was asked with another one."""
    return [
        method
        for method in METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] == Match.FULL for route in routes
        )
    ]


def _describe_problems(app: FastAPI) -> None:
    """Have the description of the API name the problem document, which every route refers to."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        model = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(model.pop("$defs", {}))
        schemas["Problem"] = model
        told = {"description": "Of the request, or made here.", "schema": {"type": "string"}}
        for path in schema["paths"].values():
            for operation in path.values():
                for response in operation["responses"].values():
                    response["headers"] = {REQUEST_ID: told} | response.get("headers", {})
        describe(schema)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _require_key(desk: Desk, address: str) -> None:
    if not is_loopback(address) and not any(key.is_live for key in desk.archive.keys.list()):
        raise BylineError(
            f"Whoever reaches {address} could ask and change everything, as no key is in force: "
            "make one with `byline keys add NAME`, or leave out --host."
        )


def _bound(host: str, port: int) -> socket.socket:
    """A socket that has the address; nobody can connect before it listens."""
    with _taking(host, port):
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family)
        try:
            if os.name == "posix":  # elsewhere it would let two have one address
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            taken.bind(address)
        except OSError:
            taken.close()
            raise
        return taken


@contextmanager
def _taking(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BylineError(f"Port {port} is in use: choose another with --port.") from None
        reason = str(error.strerror).partition(" (")[0]  # the rest repeats the address
        raise BylineError(
            f"Cannot listen on {host} port {port} ({reason}): choose others with --host and --port."
        ) from None
