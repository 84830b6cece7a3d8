"""A stored conversation as Markdown, to read or publish, or as JSON, complete.

print(to_markdown(desk.conversations.load("k3J9…")))
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt

from ..index.archive.conversations import Conversation, Turn
from ..index.archive.filter import Filter
from ..index.article import from_iso, isoformat
from ..qa.events import to_json as as_json
from .render import day, moment

# What Markdown (CommonMark and GitHub's) may read as more than text. A backslash in front of ASCII
# punctuation makes it text: https://spec.commonmark.org/0.31.2/#backslash-escapes
_MARKUP = re.compile(r"[\\`*_{}\[\]()<>#|~&$!@]|(?<=\w):(?=//)|(?<=www)\.", re.I)
_BLOCK_START = re.compile(r"^(\d{1,9})?([-+=.])")
# Characters that turn the direction of the text around them, also beyond their own line.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def to_json(conversation: Conversation) -> str:
    """Everything that is stored, the answers with the keys of `Answer.to_dict`."""
    turns = [
        {
            "asked_at": isoformat(turn.asked_at),
            "filters": _filters(turn.filters),
            "answer": turn.answer,
            "stale": as_json(turn.stale),
        }
        for turn in conversation.turns
    ]
    whole = {"id": conversation.id, "title": conversation.title, "turns": turns}
    return json.dumps(whole, ensure_ascii=False, indent=2)


def to_markdown(conversation: Conversation) -> str:
    """Questions, answers and numbered sources; text of articles and models is only ever text."""
    blocks = [f"# {plain(conversation.title)}"]
    for number, turn in enumerate(conversation.turns, 1):
        blocks += _turn(number, turn)
    return "\n\n".join(blocks) + "\n"


def to_html(conversation: Conversation) -> str:
    """The Markdown as a page by itself, without scripts; raw HTML in it is only ever text."""
    body = MarkdownIt("commonmark", {"html": False}).render(to_markdown(conversation))
    title = escape(conversation.title)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" '
        f'content="light dark"><title>{title}</title><style>body{{max-width:42rem;margin:2rem auto;'
        "padding:0 1rem;font:1rem/1.6 Georgia,serif}blockquote{margin:0;padding-left:1rem;"
        f"border-left:3px solid #8a1f1f}}</style>{body}</html>\n"
    )


def plain(text: str) -> str:
    r"""A text on one line as Markdown that shows it as it is.

    >>> print(plain("*Hi* <b>"))
    \*Hi\* \<b\>
    """
    shown = (" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in text if c not in _BIDI)
    escaped = _MARKUP.sub(r"\\\g<0>", " ".join("".join(shown).split()))
    return _BLOCK_START.sub(r"\1\\\2", escaped)


def _turn(number: int, turn: Turn) -> Iterator[str]:
    answer = turn.answer
    declined = answer["status"] == "declined"
    yield f"## {number}. {plain(turn.question)}"
    if turn.standalone_question != turn.question:
        yield f"Looked for: {plain(turn.standalone_question)}"
    yield from (plain(line) for line in str(answer["text"]).splitlines() if line.strip())
    for statement in answer["statements"]:
        if statement["verdict"] in ("partial", "unsupported", "contradicted"):
            why = f": {statement['why']}" if statement["why"] else ""
            yield f"{statement['verdict'].capitalize()} – {plain(statement['text'] + why)}"
    cited = answer["nearest"] if declined else answer["citations"]
    if cited:
        yield "### Nearest passages" if declined else "### Sources"
        yield from map(_source, cited)
    if turn.stale:
        yield "### No longer holds"
        yield "\n".join(f"- {plain(one.summary)}" for one in turn.stale)
    yield "\n".join(f"- {name}: {plain(value)}" for name, value in _facts(turn) if value)


def _source(citation: Mapping[str, Any]) -> str:
    said = [citation["outlet"], citation["title"], day(from_iso(citation["published"]))]
    head = ", ".join(plain(str(part)) for part in said if part)
    link = citation["link"] or citation["url"]
    if link and link.startswith(("http://", "https://")):
        # All that could end the address is percent-encoded.
        head += f", [link](<{quote(link, safe='/:?#@!$&*+,;=~%-._')}>)"
    if citation["speaker"]:
        head += f", {plain(str(citation['speaker']))} speaking"
    if notice := citation["notice"]:
        head += f", {notice['kind']}: {plain(notice['text'])}"
    if warning := citation.get("warning"):  # none in answers of older versions
        head += f", {warning}"
    return f"\\[{citation['number']}\\] {head}\n\n> {plain(citation['quote'])}"


def _facts(turn: Turn) -> Iterator[tuple[str, str]]:
    answer, filters = turn.answer, _filters(turn.filters)
    outlets = ", ".join(filters.pop("outlets"))
    sections = [f"section {name}" for name in filters.pop("sections")]
    dates = [f"{name} {value}" for name, value in filters.items() if value and name != "as_of"]
    only = [f"only {outlets}"] if outlets else []
    yield "Filters", "; ".join([*only, *sections, *dates])
    yield "As of", moment(from_iso(answer["as_of"])) or ""
    yield "Newest evidence", moment(from_iso(answer["newest_evidence"])) or ""
    yield "Reason", (answer["reason"] or "").replace("_", " ")
    yield "Notes", "; ".join(answer["notes"])
    how = "Chosen by" if answer["model"] and answer.get("style") == "quotes" else "Written by"
    yield how, answer["model"] or "no model: sentences are quoted"
    yield "Checked by", answer["checked_by"] or ""
    yield "Policy", answer["policy"]


def _filters(filters: Filter) -> dict[str, Any]:
    dates = {name: isoformat(getattr(filters, name)) for name in ("since", "until", "as_of")}
    return {**dates, "outlets": list(filters.outlets), "sections": list(filters.sections)}


EXPORTS: dict[str, tuple[Callable[[Conversation], str], str]] = {
    "md": (to_markdown, "text/markdown; charset=utf-8"),
    "html": (to_html, "text/html; charset=utf-8"),
    "json": (to_json, "application/json"),
}
"how a conversation is written, and its media type, by the ending of a file"
