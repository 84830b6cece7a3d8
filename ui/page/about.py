"""What answers, with which settings, and what they mean; never a key."""

from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from ...desk import Desk
from ...settings import Settings
from .parts import QUIET, masthead, own

_SHOWN = (
    "llm", "llm_base_url", "llm_context_window", "judge", "embedder", "style", "repair",
    "max_passages", "signals", "passage_chars", "index", "home",
)  # fmt: skip
_SETTINGS = '<section class="settings" aria-label="Settings"></section>'


def about_page(desk: Desk, blocks: gr.Blocks) -> None:
    """The parts of the page."""
    masthead()
    gr.HTML('<p><a href="/signin">Sign in or out</a></p>', apply_default_css=False)
    with gr.Row(elem_id="about"):
        settings = own("settings", _SETTINGS, "settings.js")
    blocks.load(lambda: _settings(desk), None, settings, **QUIET)


def _settings(desk: Desk) -> dict[str, Any]:
    given = desk.settings.model_dump(mode="json")
    fields = Settings.model_fields
    return {
        "quotes_only": not desk.has_llm,
        "settings": [
            {
                "name": f"BYLINE_{name.upper()}",
                "value": "" if given[name] is None else _without_secrets(str(given[name])),
                "meaning": fields[name].description,
            }
            for name in _SHOWN
        ],
        "policies": [
            ["flag", "All sentences are shown; those that the check does not pass are marked."],
            ["strict", "Only sentences that the check passes are shown."],
            ["off", "Nothing is checked."],
        ],
    }


def _without_secrets(value: str) -> str:
    """An address without user, password, query and fragment; anything else as it is."""
    kind, found, address = value.partition("://")
    parts = urlsplit(f"//{address}")
    return f"{kind}://{parts.netloc.rpartition('@')[2]}{parts.path}" if found else value
