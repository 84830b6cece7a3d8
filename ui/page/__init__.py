"""The page in a browser: ask and read (ask.py), see to the articles (collection.py).

serve(desk, "127.0.0.1", 8000)   # until Ctrl-C

Gradio brings inputs, queue and streaming. What an article or a model wrote goes to the browser as
JSON and is put there as text nodes (ask.js): it never meets a template, Markdown or innerHTML.
"""

import asyncio
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import gradio as gr
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
    "base-uri 'self'; form-action 'none'; object-src 'none'; frame-ancestors 'self'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# By module: the functions that a key of scope read may have called; all others take write.
_READ = {"ask": ("*",), "about": ("*",), "collection": ("list", "choose", "feeds")}
_ICON = (
    '<link rel="icon" href="data:image/svg+xml,<svg xmlns=\'http://www.w3.org/2000/svg\' '
    "viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='%238a1f1f'/><text x='16' y='24' "
    "text-anchor='middle' font-family='serif' font-weight='700' font-size='23' fill='white'>B"
    '</text></svg>">'
)


def site(desk: Desk, app: FastAPI | None = None, events: dict[int, str] | None = None) -> ASGIApp:
    """The page as a web application, at `/` of another one where that is given.

    The scopes that its events take are put into `events`, by Gradio's numbers.
    """
    app = app or FastAPI(openapi_url=None)

    @app.get("/conversations/{conversation_id}.{kind}", include_in_schema=False)
    def exported(conversation_id: str, kind: str) -> Response:
        held = desk.conversations.find(conversation_id)
        if held is None or kind not in EXPORTS:
            return Response("There is no such conversation.", 404, media_type="text/plain")
        write, media_type = EXPORTS[kind]
        name = f"byline-{conversation_id}.{kind}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(write(held), media_type=media_type, headers=headers)

    @app.get("/reports", include_in_schema=False)
    def reported(run: Annotated[list[str], Query()]) -> Response:
        try:
            return Response(report_of(desk, run), media_type="text/html; charset=utf-8")
        except BylineError as error:
            return Response(str(error), 404, media_type="text/plain")

    blocks = _in_loop(lambda: _mounted(app, desk))
    if events is not None:
        events |= {number: event_scope(event.fn) for number, event in blocks.fns.items()}
    return _with_headers(app)


def event_scope(function: Callable[..., Any] | None) -> str:
    """The scope of a key that is needed to have the page call a function: read or write."""
    if function is None:  # the browser's alone
        return "read"
    names = _READ.get(function.__module__.rpartition(".")[2], ())
    return "read" if function.__name__ in names or "*" in names else "write"


def _in_loop(build: Callable[[], gr.Blocks]) -> gr.Blocks:
    """What is built, while an event loop runs.

    Where none does, each lock that Gradio makes begins one and leaves it open, and an interrupt
    that comes when it is collected is lost.
    """

    async def built() -> gr.Blocks:
        return build()

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        with closing(asyncio.new_event_loop()) as loop:
            return loop.run_until_complete(built())
    return build()


def _mounted(app: FastAPI, desk: Desk) -> gr.Blocks:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "SSR mode is not supported")  # it is not asked for
        blocks = page(desk)
        _mount(app, desk, blocks)
    return blocks


def _mount(app: FastAPI, desk: Desk, blocks: gr.Blocks) -> None:
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=gr.themes.Base(
            primary_hue="stone",
            neutral_hue="stone",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        css=(_HERE / "page.css").read_text("utf-8"),
        head=f"{_ICON}<style>{(_HERE / 'head.css').read_text('utf-8')}</style>"
        f"<script>{(_HERE / 'stream.js').read_text('utf-8')}</script>",
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        max_file_size=desk.settings.max_upload_bytes,
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


def _with_headers(app: ASGIApp) -> ASGIApp:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await app(scope, receive, send_with_headers if scope["type"] == "http" else send)

    return guarded
