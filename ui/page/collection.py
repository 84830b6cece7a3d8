"""What is in the collection: counts, a timeline, the articles, and what may be done with them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd

from ...desk import Desk
from ...errors import BylineError
from ...index.build import Report
from ..render import listed_article, whole_article
from .parts import QUIET, masthead, own

_SHOWN = 50  # articles in the list
_COLLECTION = """
<section class="counts" aria-label="Outlets"></section>
<section class="articles" aria-label="Articles"></section>"""
_ARTICLE = """
<aside aria-label="Article">
  <div class="shown"></div>
  <p class="placeholder">The article that you choose is shown here.</p>
</aside>"""
_REPORT = '<div class="report" role="status" aria-live="polite"></div>'


def collection_page(desk: Desk, blocks: gr.Blocks) -> None:
    """The parts of the page and what they do."""
    masthead()
    with gr.Row(elem_id="collection", equal_height=False):
        with gr.Column(elem_id="holdings"):
            with gr.Accordion("Add articles", open=not len(desk.articles), elem_id="adding"):
                files = gr.File(
                    label="Files: text, Markdown, HTML, JSON, CSV",
                    file_count="multiple",
                    height=140,
                )
                report = own("report", _REPORT, "report.js")
            timeline = gr.BarPlot(
                x="day",
                y="articles",
                label="Articles a day",
                height=160,
                buttons=[],
                elem_id="timeline",
            )
            search = gr.Textbox(
                label="Find an article",
                placeholder="Words, or leave empty for the newest",
                submit_btn="Find",
                elem_id="find",
            )
            articles = own("articles", _COLLECTION, "collection.js")
        own("article", _ARTICLE)

    def show(text: str) -> tuple[Any, Any]:
        return _listed(desk, text), gr.BarPlot(_by_day(desk))

    def add(paths: list[str] | None) -> Iterator[dict[str, Any]]:
        if paths:
            yield {"text": f"Adding {len(paths)} files …"}
            yield _added(desk, paths)

    def chosen(event: gr.EventData) -> dict[str, Any]:
        return {"article": _article(desk, event.id)}

    def remove(event: gr.EventData) -> dict[str, Any]:
        try:
            desk.articles.remove(event.id)
        except BylineError as error:
            return {"failed": str(error)}
        return {"removed": event.id}

    shown = [articles, timeline]
    blocks.load(show, search, shown, **QUIET)
    search.submit(show, search, shown, **QUIET)
    files.upload(add, files, report, **QUIET).then(
        lambda text: (None, *show(text)), search, [files, *shown], **QUIET
    )
    articles.choose(chosen, None, articles, **QUIET)
    articles.remove(remove, None, articles, **QUIET).then(show, search, shown, **QUIET)


def _listed(desk: Desk, text: str) -> dict[str, Any]:
    """The articles that have the words, best first, or the newest; and how many outlets have."""
    if text.strip():
        hits = desk.search(text, 5 * _SHOWN)
        found = list({hit.article_id: hit.article for hit in hits}.values())[:_SHOWN]
    else:
        found = desk.articles.list(_SHOWN)
    return {
        "total": desk.archive.count()[0],
        "outlets": list(desk.archive.outlets().items()),
        "articles": [listed_article(article) for article in found],
        "found": bool(text.strip()),
    }


def _by_day(desk: Desk) -> pd.DataFrame:
    """How many articles were published a day; a month at a time where that is over a year."""
    days = Counter(desk.archive.days())
    return pd.DataFrame({"day": pd.to_datetime(list(days)), "articles": list(days.values())})


def _article(desk: Desk, article_id: str) -> dict[str, Any]:
    try:
        return whole_article(desk.articles.get(article_id))
    except BylineError as error:
        return {"failed": str(error)}


def _added(desk: Desk, paths: Sequence[str]) -> dict[str, Any]:
    try:
        report: Report = desk.add(paths)
    except BylineError as error:
        return {"text": str(error), "failed": []}
    done = [
        f"{number} {what}"
        for number, what in (
            (report.added, "added"),
            (report.updated, "updated"),
            (report.unchanged, "unchanged"),
        )
        if number
    ]
    return {
        "text": ", ".join(done) or "Nothing was added",
        "failed": [f"{Path(failure.path).name}: {failure.reason}" for failure in report.failed],
    }
