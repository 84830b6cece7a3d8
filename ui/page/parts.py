"""What the pages share: their own parts as Gradio components, and the head of each."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.navbar import Navbar

from ...errors import BylineError

HERE = Path(__file__).parent
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"how an event is wired that is no part of an API"
Tell = Callable[[dict[str, Any]], None]
_log = logging.getLogger(__name__)


def own(name: str, template: str, script: str | None = None) -> gr.HTML:
    """A part of our own: a fixed template, filled by a script with text nodes.

    Values never meet the template, which Gradio would evaluate.
    """
    shared = (HERE / "shared.js").read_text("utf-8")
    js = shared + (HERE / script).read_text("utf-8") if script else None
    return gr.HTML(html_template=template, js_on_load=js, elem_id=name, apply_default_css=False)


def masthead() -> None:
    """The head of a page."""
    Navbar(main_page_name="Ask")
    own(
        "masthead",
        "<header><h1>Byline</h1><p>Answers from the articles, sentence by sentence</p></header>",
    )


def working(work: Callable[[Tell], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What work tells while it is done in a thread, and at last what it returns, to be shown.

    Never raises: what goes wrong is the last, an error. Who leaves does not stop the work.
    """
    told: queue.SimpleQueue[tuple[bool, dict[str, Any]]] = queue.SimpleQueue()

    def run() -> None:
        try:
            last = work(lambda news: told.put((False, news)))
        except BylineError as error:
            last = {"error": str(error)}
        except Exception as error:
            _log.exception("The page could not do its work")
            name = type(error).__name__
            last = {"error": f"Unexpected {name}: it was not done. The server's log says more."}
        told.put((True, last))

    threading.Thread(target=run, daemon=True).start()
    is_last = False
    while not is_last:
        is_last, news = told.get()
        yield news
