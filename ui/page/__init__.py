"""The page in a browser: ask and read (ask.py), see to the articles (collection.py).

serve(desk, "127.0.0.1", 8000)   # until Ctrl-C

Gradio brings inputs, queue and streaming. What an article or a model wrote goes to the browser as
JSON and is put there as text nodes (ask.js): it never meets a template, Markdown or innerHTML.
"""

import errno
import logging
import socket
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import gradio as gr
import uvicorn
from fastapi import FastAPI, Query, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...desk import Desk
from ...errors import BylineError
from ..export import EXPORTS
from .about import about_page
from .ask import ask_page
from .collection import collection_page
from .evals import evals_page, report_of

_HERE = Path(__file__).parent
# A second wall behind the text nodes: whatever got into the page could reach nobody else. Gradio
# itself needs inline scripts and eval.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "base-uri 'self'; form-action 'none'; object-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_LARGEST_UPLOAD = "500mb"  # a file of many articles; each of them is held to max_article_bytes
_ICON = (
    '<link rel="icon" href="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\' '
    "viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='%238a1f1f'/><text x='16' y='24' "
    "text-anchor='middle' font-family='serif' font-weight='700' font-size='23' fill='white'>B"
    '</text></svg>">'
)


def serve(desk: Desk, host: str, port: int) -> None:
    """Serve the page until Ctrl-C; port 0 takes a free one.

    Raises BylineError where it cannot listen there, or the index cannot be asked.
    """
    if len(desk.articles):
        desk.search("news", 1)  # loads what the first question would wait for
    listener = _listen(host, port)
    address, taken = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    # Browsers keep streams open, which would hold up the end, and be reported as errors then.
    config = uvicorn.Config(site(desk), log_level="warning", timeout_graceful_shutdown=1)
    logging.getLogger("uvicorn.error").addFilter(lambda _: not server.should_exit)
    server = uvicorn.Server(config)
    sys.stderr.write(f"Byline is open at http://{shown}:{taken} (Ctrl-C closes it)\n")
    sys.stderr.flush()
    with listener, suppress(KeyboardInterrupt):
        server.run(sockets=[listener])


def site(desk: Desk) -> ASGIApp:
    """The page as a web application."""
    app = FastAPI(openapi_url=None)

    @app.get("/conversations/{conversation_id}.{kind}")
    def exported(conversation_id: str, kind: str) -> Response:
        held = desk.conversations.find(conversation_id)
        if held is None or kind not in EXPORTS:
            return Response("There is no such conversation.", 404, media_type="text/plain")
        write, media_type = EXPORTS[kind]
        name = f"byline-{conversation_id}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(write(held), media_type=media_type, headers=headers)

    @app.get("/reports")
    def reported(run: Annotated[list[str], Query()]) -> Response:
        try:
            return Response(report_of(desk, run), media_type="text/html; charset=utf-8")
        except BylineError as error:
            return Response(str(error), 404, media_type="text/plain")

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SSR mode is not supported")  # it is not asked for
        _mount(app, desk)
    return _with_headers(app)


def _mount(app: FastAPI, desk: Desk) -> None:
    gr.mount_gradio_app(
        app,
        page(desk),
        path="/",
        theme=gr.themes.Base(
            primary_hue="stone",
            neutral_hue="stone",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        css=(_HERE / "page.css").read_text("utf-8"),
        head=f"{_ICON}<style>{(_HERE / 'head.css').read_text('utf-8')}</style>",
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        max_file_size=_LARGEST_UPLOAD,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
    )


def page(desk: Desk) -> gr.Blocks:
    """The pages: where one asks, and what is in the collection."""
    blocks = gr.Blocks(title="Byline", analytics_enabled=False, fill_width=True)
    with blocks:
        ask_page(desk, blocks)
    with blocks.route("Collection", "/collection"):
        collection_page(desk, blocks)
    with blocks.route("Evals", "/evals"):
        evals_page(desk, blocks)
    with blocks.route("Settings", "/settings"):
        about_page(desk, blocks)
    return blocks


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BylineError(f"Port {port} is in use: choose another with --port.") from None
        reason = str(error.strerror).partition(" (")[0]  # the rest repeats the address
        raise BylineError(
            f"Cannot listen on {host} port {port} ({reason}): choose others with --host and --port."
        ) from None


def _with_headers(app: ASGIApp) -> ASGIApp:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await app(scope, receive, send_with_headers if scope["type"] == "http" else send)

    return guarded
