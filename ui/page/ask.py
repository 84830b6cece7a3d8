"""Where one asks: the conversation, the filters, the source beside it, and earlier conversations.

A browser keeps the ids of its own conversations (they cannot be guessed) and of the one that is
open; the conversations themselves are in the archive.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import gradio as gr

from ...desk import Desk
from ...errors import InputError
from ...index.archive.conversations import Conversation
from ...index.archive.filter import Filter
from ...index.article import Article, isoformat
from ...qa.question import LONGEST_QUESTION
from ..render import day, shown_filters, stored, turns, welcome
from .parts import HERE, QUIET, masthead, own
from .suggest import suggestions

_AT_ONCE = 8  # questions that are answered at the same time; others wait in line
_MOST_KEPT = 100  # conversations that a browser remembers
_CONVERSATION = """
<div class="intro"></div>
<div class="turns" role="log" aria-label="Conversation" aria-live="off"></div>
<div class="spoken" role="status" aria-live="polite"></div>"""
_SOURCE = """
<aside aria-label="Source">
  <div class="shown"></div>
  <p class="placeholder">
    The passage behind a sentence is shown here, where it stands in its article.
  </p>
</aside>"""
_INFORCE = '<div class="inforce" role="group" aria-label="Filters in force"></div>'
_OFFERED = '<div class="suggestions" role="group" aria-label="Suggestions"></div>'
_HISTORY = '<nav aria-label="Your conversations"><ul></ul></nav>'
_PERIODS = {"Any time": None, "Last 7 days": 7, "Last 30 days": 30, "Last 12 months": 365}

_BUSY: dict[str, Any] = {"submit_btn": False, "stop_btn": "Stop"}
_READY: dict[str, Any] = {"submit_btn": "Ask", "stop_btn": False}

Kept = Mapping[str, Any]
"what a browser remembers: `ids` of conversations, the newest first, and the `current` one"


def ask_page(desk: Desk, blocks: gr.Blocks) -> None:
    """The parts of the page and what they do."""
    does = _Asking(desk)
    kept = gr.BrowserState(
        {"current": None, "ids": []},
        storage_key=f"byline-{desk.settings.index}",
        secret=desk.archive.uuid,
    )
    masthead()
    with gr.Sidebar(open=False, width=300, elem_id="history"):
        new = gr.Button("New conversation", size="sm", elem_id="new")
        listed = own("conversations", _HISTORY, "history.js")
    with gr.Row(elem_id="desk", equal_height=False):
        with gr.Column(elem_id="talk"):
            conversation = own("conversation", _CONVERSATION, "ask.js")
            offered = own("offered", _OFFERED, "suggest.js")
            question, filters, period, inforce = _inputs()
        own("source", _SOURCE)
    parts = [conversation, question, kept, listed, *filters]
    wiring: dict[str, Any] = {"concurrency_limit": _AT_ONCE, **QUIET}
    # One event, since Gradio stops several one after the other, and by then the next question, too.
    events = [question.submit, conversation.retry, offered.retry]
    asking = gr.on(events, does.ask, [question, kept, *filters], parts, **wiring)
    asking.failure(does.stopped, None, [conversation, question], **QUIET)  # also once it is stopped
    stopping = "() => ({ stopping: true })"
    question.stop(None, None, conversation, js=stopping, cancels=[asking], **QUIET)
    conversation.rate(does.rate, None, None, **QUIET)
    shown = [conversation, listed, *filters]
    others = (HERE / "others.js").read_text("utf-8").replace("INDEX", desk.settings.index)
    kept.change(None, kept, None, js=others, **QUIET)
    left: dict[str, Any] = {"cancels": [asking], **QUIET}
    for changed in (
        blocks.load(None, kept, kept, js=others, **QUIET),
        listed.open(does.open, kept, kept, **left),
        listed.remove(does.remove, kept, kept, **left),
        new.click(lambda kept: {**kept, "current": None}, kept, kept, **left),
    ):
        changed.then(does.show, kept, shown, **QUIET).then(does.suggest, kept, offered, **QUIET)
    listed.rename(does.rename, kept, listed, **QUIET)
    period.input(_since, period, filters[0], **QUIET)
    gr.on([box.change for box in filters], _inforce, filters, inforce, **QUIET)
    inforce.drop(_dropped, filters, filters, **QUIET)


class _Asking:
    """What the page does when something is clicked; it holds nothing of any reader."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._suggested: tuple[int, list[str]] | None = None  # as of which generation

    def ask(
        self, event: gr.EventData, text: str, kept: Kept, *given: Any
    ) -> Iterator[tuple[Any, ...]]:
        """Ask in the open conversation, or in a new one; `given` are the filters' boxes.

        What a button in the conversation says, `free` of all filters where it says so, else `text`.
        """
        said = dict(event._data or {})
        text = str(said.get("question", text))
        given = ("", "", "", [], []) if said.get("free") else given
        if not text.strip():
            return
        same: Any = gr.skip()
        # Twice: on a busy machine a browser was seen without the button after the first.
        boxes: Iterator[Any] = iter((gr.Textbox("", **_BUSY), gr.Textbox(**_BUSY)))
        chat = self._desk.chat(self._current(kept))
        changed = _changed(chat.filters, given)
        for turn in turns(
            chat.stream, text, self._desk.archive.count()[1], self._version, **changed
        ):
            if turn["status"] in ("answered", "declined"):
                kept = {"current": chat.id, "ids": _first(chat.id, kept["ids"])}
                turn |= {
                    "conversation": chat.id,
                    "number": len(chat.turns),
                    "filters": shown_filters(chat.filters),
                }
                ready = gr.Textbox(**_READY)  # the next question may be there already
                yield turn, ready, kept, self._listed(kept), *_boxes(chat.filters)
            elif turn["status"] == "failed":  # what failed is given back, to be put right
                yield turn, gr.Textbox(text, **_READY), *[same] * 7
            else:
                yield turn, next(boxes, same), *[same] * 7

    def stopped(self) -> tuple[Any, ...]:
        """What is shown once the answer under way was stopped."""
        return {"stopped": True}, gr.Textbox(**_READY)

    def rate(self, event: gr.EventData) -> None:
        """Keep a thumb."""
        with suppress(InputError):  # the conversation was deleted meanwhile
            self._desk.conversations.rate(
                event.conversation, event.number, event.thumb, event.reason, event.statement
            )

    def show(self, kept: Kept) -> tuple[Any, ...]:
        """The page as it opens: the greeting, or the open conversation with its filters."""
        desk, held = self._desk, self._held(kept)
        greeting = welcome(desk) | {"turns": stored(held, self._version) if held else []}
        current = held.turns[-1].filters if held else Filter()
        lists = (
            gr.Dropdown(
                choices=[(f"{name} ({count})", name) for name, count in known.items()],
                value=list(chosen),
            )
            for known, chosen in (
                (desk.archive.outlets(), current.outlets),
                (desk.archive.sections(), current.sections),
            )
        )
        return greeting, self._listed(kept), *_boxes(current)[:3], *lists

    def suggest(self, kept: Kept) -> list[str]:
        """Questions to begin with; they take longer than the page may."""
        if self._held(kept):
            return []
        generation = self._desk.archive.generation
        if self._suggested is None or self._suggested[0] != generation:
            self._suggested = generation, suggestions(self._desk)
        return self._suggested[1]

    def open(self, kept: Kept, event: gr.EventData) -> Kept:
        """Go on with an earlier conversation."""
        return {**kept, "current": event.id}

    def remove(self, kept: Kept, event: gr.EventData) -> Kept:
        """Delete a conversation."""
        with suppress(InputError):  # deleted meanwhile, in another window
            self._desk.conversations.delete(event.id)
        ids = [one for one in kept["ids"] if one != event.id]
        return {"current": kept["current"] if kept["current"] in ids else None, "ids": ids}

    def rename(self, kept: Kept, event: gr.EventData) -> dict[str, Any]:
        """Give a conversation another name; an empty one changes nothing."""
        with suppress(InputError):
            self._desk.conversations.rename(event.id, str(event.title))
        return self._listed(kept)

    def _held(self, kept: Kept) -> Conversation | None:
        return self._desk.conversations.find(kept["current"]) if kept["current"] else None

    def _current(self, kept: Kept) -> str | None:
        """The id of the open conversation; None where it was deleted meanwhile."""
        return kept["current"] if self._held(kept) else None

    def _version(self, article_id: str, version: str) -> Article | None:
        try:
            return self._desk.articles.get(article_id, version)
        except InputError:  # removed, killed or erased since
            return None

    def _listed(self, kept: Kept) -> dict[str, Any]:
        """The conversations of a browser that are still there."""
        found = self._desk.conversations.summaries(kept["ids"])
        listed = [{"id": one.id, "title": one.title, "day": day(one.changed)} for one in found]
        return {"current": kept["current"], "conversations": listed}


def _inputs() -> tuple[gr.Textbox, list[Any], gr.Dropdown, gr.HTML]:
    """The question, the filters in the order that `ask` takes them, periods, what is in force."""
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
        inforce = own("inforce", _INFORCE, "inforce.js")
        with gr.Accordion("Filters", open=False, elem_id="filters"):
            with gr.Row():
                period = gr.Dropdown(list(_PERIODS), label="Published", min_width=140)
                dates = [
                    gr.Textbox(label=label, placeholder="YYYY-MM-DD", min_width=120)
                    for label in ("Published since", "Published until", "Asked as of")
                ]
            with gr.Row():
                # One that came or went since the page was opened is the engine's to refuse.
                names = [
                    gr.Dropdown(label=label, multiselect=True, allow_custom_value=True)
                    for label in ("Outlets", "Sections")
                ]
    return question, [*dates, *names], period, inforce


_CHIPS = ("since", "until", "as of", "outlet", "section")  # as the boxes stand


def _inforce(*given: Any) -> list[dict[str, str]]:
    """What the boxes ask for, a chip each."""
    return [
        {"of": of, "name": one, "text": one if of == "outlet" else f"{of} {one}"}
        for of, box in zip(_CHIPS, given, strict=True)
        for one in _listed(box)
    ]


def _dropped(event: gr.EventData, *given: Any) -> list[Any]:
    """The boxes without the filter whose chip was taken away."""
    kept = [
        [one for one in _listed(box) if (of, one) != (event.of, event.name)]
        for of, box in zip(_CHIPS, given, strict=True)
    ]
    return ["".join(box) for box in kept[:3]] + kept[3:]


def _listed(box: Any) -> list[str]:
    return box if isinstance(box, list) else [box] if box else []


def _since(period: str) -> str:
    days = _PERIODS[period]
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat() if days else ""


def _boxes(filters: Filter) -> tuple[Any, ...]:
    """The filters in force, as the boxes hold them."""
    dates = (filters.since, filters.until, filters.as_of)
    said = (isoformat(value) or "" for value in dates)
    return *said, list(filters.outlets), list(filters.sections)


def _changed(before: Filter, given: tuple[Any, ...]) -> dict[str, Any]:
    """The boxes that the reader has changed; what is as it was is carried over, or not, by words.

    An emptied box drops its filter.
    """
    names = ("since", "until", "as_of", "outlets", "sections")
    now = (*(str(value or "").strip() for value in given[:3]), *(one or [] for one in given[3:]))
    return {
        name: value
        for name, value, was in zip(names, now, _boxes(before), strict=True)
        if value != was
    }


def _first(one: str, ids: list[str]) -> list[str]:
    return [one, *(other for other in ids if other != one)][:_MOST_KEPT]
