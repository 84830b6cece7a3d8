"""What the pages share: their own parts as Gradio components, and the head of each."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components.navbar import Navbar

_HERE = Path(__file__).parent
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"how an event is wired that is no part of an API"


def own(name: str, template: str, script: str | None = None) -> gr.HTML:
    """A part of our own: a fixed template, filled by a script with text nodes.

    Values never meet the template, which Gradio would evaluate.
    """
    shared = (_HERE / "shared.js").read_text("utf-8")
    js = shared + (_HERE / script).read_text("utf-8") if script else None
    return gr.HTML(html_template=template, js_on_load=js, elem_id=name, apply_default_css=False)


def masthead() -> None:
    """The head of a page."""
    Navbar(main_page_name="Ask")
    own(
        "masthead",
        "<header><h1>Byline</h1><p>Answers from the articles, sentence by sentence</p></header>",
    )
