"""The page: ask, read the answer, and see each of its sentences where it stands in its article.

serve(desk, "127.0.0.1", 8000)   # until Ctrl-C

Gradio brings inputs, queue and streaming. What an article or a model wrote goes to the browser as
JSON and is put there as text nodes (page.js): it never meets a template, Markdown or innerHTML.
"""

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..desk import Desk
from ..errors import BylineError
from ..qa.question import LONGEST_QUESTION
from .render import turns, welcome

_HERE = Path(__file__).parent
_AT_ONCE = 8  # questions that are answered at the same time; others wait in line
# A second wall behind the text nodes: whatever got into the page could reach nobody else. Gradio
# itself needs inline scripts and eval.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "base-uri 'self'; form-action 'none'; object-src 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_MASTHEAD = "<header><h1>Byline</h1><p>Answers from the articles, sentence by sentence</p></header>"
_CONVERSATION = """
<div class="intro"></div>
<div class="turns" role="log" aria-label="Conversation"></div>"""
_SOURCE = """
<aside aria-label="Source">
  <div class="shown"></div>
  <p class="placeholder">
    The passage behind a sentence is shown here, where it stands in its article.
  </p>
</aside>"""
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
    # Browsers keep streams open, which would hold up the end.
    config = uvicorn.Config(site(desk), log_level="warning", timeout_graceful_shutdown=1)
    sys.stderr.write(f"Byline is open at http://{shown}:{taken} (Ctrl-C closes it)\n")
    sys.stderr.flush()
    with listener, suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def site(desk: Desk) -> ASGIApp:
    """The page as a web application."""
    app = FastAPI(openapi_url=None)
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
        head=_ICON,
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        max_file_size=1,  # the page takes no files, though Gradio has a route for them
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
    )
    return _with_headers(app)


def page(desk: Desk) -> gr.Blocks:
    """The page's parts and what they do."""
    blocks = gr.Blocks(title="Byline", analytics_enabled=False, fill_width=True)
    with blocks:
        gr.HTML(
            html_template=_MASTHEAD, js_on_load=None, elem_id="masthead", apply_default_css=False
        )
        with gr.Row(elem_id="desk", equal_height=False):
            with gr.Column(elem_id="talk"):
                conversation = gr.HTML(
                    html_template=_CONVERSATION,
                    js_on_load=(_HERE / "page.js").read_text("utf-8"),
                    elem_id="conversation",
                    apply_default_css=False,
                )
                question, filters = _inputs()
            gr.HTML(
                html_template=_SOURCE,
                js_on_load=None,
                elem_id="source",
                apply_default_css=False,
            )

        def ask(text: str, *given: Any) -> Iterator[tuple[Any, Any]]:
            since, until, as_of, outlets = given
            if not text.strip():
                return
            box: Any = ""
            for turn in turns(
                desk, text, since=since, until=until, as_of=as_of, outlets=outlets or ()
            ):
                # What failed is given back, to be put right.
                yield turn, text if turn["status"] == "failed" else box
                box = gr.update()  # the next question may be there already

        question.submit(
            ask,
            [question, *filters],
            [conversation, question],
            show_progress="hidden",
            concurrency_limit=_AT_ONCE,
            api_visibility="private",
        )
        blocks.load(
            lambda: (welcome(desk), gr.Dropdown(choices=_outlets(desk))),
            None,
            [conversation, filters[-1]],
            show_progress="hidden",
            api_visibility="private",
        )
    return blocks


def _inputs() -> tuple[gr.Textbox, list[Any]]:
    """The question, and the filters in the order that `ask` takes them."""
    with gr.Column(elem_id="ask"):
        question = gr.Textbox(
            label="Question",
            show_label=False,
            container=False,
            placeholder="Ask about the articles",
            max_lines=5,
            max_length=LONGEST_QUESTION,
            submit_btn="Ask",
            autofocus=True,
            elem_id="question",
        )
        with gr.Accordion("Filters", open=False, elem_id="filters"):
            with gr.Row():
                dates = [
                    gr.Textbox(label=label, placeholder="YYYY-MM-DD", min_width=120)
                    for label in ("Published since", "Published until", "Asked as of")
                ]
            outlets = gr.Dropdown(
                label="Outlets",
                multiselect=True,
                # An outlet that came or went since the page was opened is the engine's to refuse.
                allow_custom_value=True,
            )
    return question, [*dates, outlets]


def _outlets(desk: Desk) -> list[tuple[str, str]]:
    return [(f"{name} ({count})", name) for name, count in desk.archive.outlets().items()]


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
