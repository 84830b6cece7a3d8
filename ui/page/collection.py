"""What is in the collection: counts, a timeline, the articles, and what may be done with them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import gradio as gr

from ...desk import Desk
from ...errors import BylineError, NotFound
from ...index.article import Article
from ...index.build import Report
from ...index.read import Entry, Failure, read_upload
from ...qa.retrieve import full_text_query
from ..render import day, listed_article, moment, whole_article
from .parts import QUIET, Tell, masthead, own, working

_SHOWN = 50  # articles in the list
_MOST_DAYS, _MOST_MONTHS, _MOST_YEARS = 366, 120, 200  # bars, before they stand for more
_COLLECTION = """
<section class="counts" aria-label="What is in the collection"></section>
<section class="articles" aria-label="Articles"></section>"""
_ARTICLE = """
<aside aria-label="Article">
  <div class="shown" role="group" aria-label="The chosen article"></div>
  <p class="placeholder">The article that you choose is shown here.</p>
</aside>"""
_NO_ADDRESS = "Give an address that begins with http:// or https://."
_REPORT = '<div class="report" role="status" aria-live="polite"></div>'


def collection_page(desk: Desk, blocks: gr.Blocks) -> None:
    """The parts of the page and what they do."""
    does = _Keeping(desk)
    masthead()
    with gr.Row(elem_id="collection", equal_height=False):
        with gr.Column(elem_id="holdings"):
            with gr.Accordion("Add articles", open=not len(desk.articles), elem_id="adding"):
                files = gr.File(
                    label="Text, HTML, JSON, CSV, …",
                    file_count="multiple",
                    height=140,
                )
                web = gr.Textbox(
                    label="From the web",
                    placeholder="https:// of an article or a feed",
                    elem_id="address",
                )
                with gr.Row():
                    fetch = gr.Button("Add the article", size="sm", min_width=120)
                    follow = gr.Button("Follow the feed", size="sm", min_width=120)
                    look = gr.Button("Look for news in all feeds", size="sm", min_width=120)
                feeds = own("feeds", "<div class='feeds'></div>", "feeds.js")
                report = own("report", _REPORT, "report.js")
            search = gr.Textbox(
                label="Find an article",
                placeholder="Words, or leave empty for the newest",
                submit_btn="Find",
                elem_id="find",
            )
            articles = own("articles", _COLLECTION, "collection.js")
        own("article", _ARTICLE)

    blocks.load(does.list, search, articles, **QUIET)
    blocks.load(does.feeds, None, feeds, **QUIET)
    search.submit(does.list, search, articles, **QUIET)
    for event, add, given in (
        (files.upload, does.add_files, files),
        (fetch.click, does.add_page, web),
        (web.submit, does.add_page, web),
        (follow.click, does.follow, web),
        (look.click, does.look, None),
    ):
        event(add, given, report, **QUIET).then(
            lambda: (None, does.list(""), does.feeds()), None, [files, articles, feeds], **QUIET
        )
    feeds.unfollow(does.unfollow, None, feeds, **QUIET)
    articles.choose(does.choose, None, articles, **QUIET)
    articles.retract(does.retract, None, articles, **QUIET)
    removed = gr.State(None)  # the article that was removed last by this reader, to be put back
    articles.remove(does.remove, search, [articles, removed], **QUIET)
    articles.restore(does.restore, [search, removed], [articles, removed], **QUIET)


class _Keeping:
    """What the page does when something is clicked; it holds nothing of any reader."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def list(self, text: str) -> dict[str, Any]:
        """The articles that have the words, best first, or the newest; and what there is in all."""
        desk = self._desk
        if text.strip():
            hits = desk.search(text, 5 * _SHOWN)
            found = [*{hit.article_id: hit.article for hit in hits}.values()][:_SHOWN]
            says = desk.archive.list_articles(words=full_text_query(text), limit=1)
            label = "The best matches" if says else "No article has these words. Nearest in meaning"
        else:
            found, label = desk.articles.list(_SHOWN), "The newest"
        return {
            "total": desk.archive.count()[0],
            "outlets": list(desk.archive.outlets().items()),
            "timeline": timeline(desk.archive.days()),
            "articles": [listed_article(article) for article in found],
            "label": label,
        }

    def choose(self, event: gr.EventData) -> dict[str, Any]:
        """One article, whole, with its history."""
        return self._shown(event.id)

    def retract(self, event: gr.EventData) -> dict[str, Any]:
        """Retract an article for a reason, or (without one) let it stand again."""
        try:
            self._desk.articles.retract(event.id, event.reason, undo=not event.reason)
        except BylineError as error:
            return self._shown(event.id) | {"failed": str(error)}
        return self._shown(event.id)

    def remove(self, text: str, event: gr.EventData) -> tuple[dict[str, Any], Article | None]:
        """Take an article out; what is left, and the article."""
        try:
            article = self._desk.articles.get(event.id)
            self._desk.articles.remove(event.id)
        except BylineError as error:
            return {"failed": str(error)}, None
        return self.list(text) | {"removed": event.id}, article

    def restore(self, text: str, article: Article | None) -> tuple[dict[str, Any], Article | None]:
        """Put back the last version of the article that was removed, retracted if it was."""
        if article is None:
            return {"failed": "There is nothing to put back any more."}, None
        name = hashlib.blake2b(f"{article.id} {article.version}".encode(), digest_size=16)
        entry = Entry(article.id, None, name.digest(), lambda: article)
        articles, notice = self._desk.articles, article.notice
        try:
            report = self._desk.add([entry])
            if report.failed:
                return {"failed": report.failed[0].reason}, article
            if notice and notice.kind == "retracted" and not articles.get(article.id).notice:
                articles.retract(article.id, notice.text)
        except BylineError as error:
            return {"failed": str(error)}, article
        return self.list(text) | self._shown(article.id), None

    def add_files(self, paths: Sequence[str] | None) -> Iterator[dict[str, Any]]:
        """Add uploaded files, and leave no copy of them behind."""
        if not paths:
            return
        limit = self._desk.settings.max_article_bytes
        named = Counter(Path(path).name for path in paths)
        entries = (
            entry
            for path in map(Path, dict.fromkeys(paths))
            for entry in read_upload(
                path, max_article_bytes=limit, name=_own_name(path) if named[path.name] > 1 else ""
            )
        )
        yield from self._added(entries, f"{len(paths)} file{'s' if len(paths) > 1 else ''}", paths)

    def add_page(self, url: str) -> Iterator[dict[str, Any]]:
        """Fetch a page and add its article."""
        if address := _address(url):
            yield from self._added([address], address)
        else:
            yield {"error": _NO_ADDRESS}

    def follow(self, url: str) -> Iterator[dict[str, Any]]:
        """Follow a feed from now on, and add what it lists now."""
        address = _address(url)
        if not address:
            yield {"error": _NO_ADDRESS}
            return
        yield {"text": f"Reading {address} …"}
        try:
            self._desk.follow.add(address)
        except BylineError as error:
            yield {"error": str(error)}
            return
        yield from self.look(only_due=True)

    def look(self, *, only_due: bool = False) -> Iterator[dict[str, Any]]:
        """Look at every feed that is followed, and add what is new."""
        if not self._desk.follow.list():
            yield {"error": "No feed is followed: give the address of one."}
            return

        def work(tell: Tell) -> dict[str, Any]:
            visits = self._desk.follow.run(
                only_due=only_due,
                progress=lambda visit: tell({"text": f"{visit.name}: {_counts(visit.report)} …"}),
            )
            total = Report()
            for visit in visits:
                total.include(visit.report)
                if visit.error:
                    total.failed.append(Failure(visit.name, None, visit.error))
            return _reported(total)

        yield {"text": "Looking for new articles …"}
        yield from working(work)

    def feeds(self) -> dict[str, Any]:
        """The feeds that are followed."""
        listed = [
            {"url": feed.url, "name": feed.name, "articles": feed.added, "error": feed.error}
            for feed in self._desk.follow.list()
        ]
        return {"feeds": listed}

    def unfollow(self, event: gr.EventData) -> dict[str, Any]:
        """Follow a feed no more."""
        with suppress(BylineError):  # another window was quicker
            self._desk.follow.remove(event.url)
        return self.feeds()

    def _added(
        self, given: Iterable[str | Entry | Failure], what: str, uploaded: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        def work(tell: Tell) -> dict[str, Any]:
            try:
                return _reported(
                    self._desk.add(given, progress=lambda so_far: tell({"text": _counts(so_far)}))
                )
            finally:
                for path in uploaded:
                    Path(path).unlink(missing_ok=True)

        yield {"text": f"Adding {what} …"}
        yield from working(work)

    def _shown(self, article_id: str) -> dict[str, Any]:
        """An article with its history, where it stands and of what it is a copy."""
        articles = self._desk.articles
        try:
            article, history = articles.get(article_id), articles.history(article_id)
        except NotFound:
            return {"failed": "This article is not in the collection any more, or never was."}
        except BylineError as error:
            return {"failed": str(error)}
        versions = [
            {"seen": moment(one.seen), "summary": one.change and one.change.summary}
            for one in history
        ]
        origin = articles.origins([article_id]).get(article_id)
        copy_of = origin and {"id": origin.id, "outlet": origin.outlet}
        return {"article": whole_article(article) | {"versions": versions, "copy_of": copy_of}}


def timeline(days: Sequence[date]) -> dict[str, Any]:
    """How many articles there are of each day, without gaps; of longer times if there are many.

    >>> timeline([date(2026, 3, 1), date(2026, 3, 3), date(2026, 3, 3)])
    {'unit': 'day', 'bars': [('1 March 2026', 1), ('2 March 2026', 0), ('3 March 2026', 2)]}
    """
    if not days:
        return {"unit": "day", "bars": []}
    named: Callable[[date], str | None]
    first, last = min(days), max(days)
    months = 12 * (last.year - first.year) + last.month - first.month + 1
    if (length := (last - first).days + 1) <= _MOST_DAYS:
        unit, named = "day", day
        all_of_them = [first + timedelta(days=number) for number in range(length)]
    elif months <= _MOST_MONTHS:
        unit, named = "month", "{:%B %Y}".format
        at = [first.month - 1 + number for number in range(months)]
        all_of_them = [date(first.year + number // 12, number % 12 + 1, 1) for number in at]
    else:
        step = 1 if last.year - first.year < _MOST_YEARS else 10
        unit, named = ("year", "{:%Y}".format) if step == 1 else ("decade", _decade)
        years = range(first.year - first.year % step, last.year + 1, step)
        all_of_them = [date(max(year, 1), 1, 1) for year in years]
    counts = Counter(map(named, days))
    return {"unit": unit, "bars": [(name, counts[name]) for name in map(named, all_of_them)]}


def _decade(when: date) -> str:
    return f"{when.year // 10 * 10}s"


def _own_name(path: Path) -> str:
    """The name of one of several files that are called the same: one is no version of another."""
    with path.open("rb") as file:
        return f"{path.stem}-{hashlib.file_digest(file, 'sha256').hexdigest()[:8]}{path.suffix}"


def _address(text: str | None) -> str | None:
    found = (text or "").strip()
    return found if found.lower().startswith(("http://", "https://")) else None


def _counts(report: Report) -> str:
    counted = [
        (report.added, "added"),
        (report.updated, "updated"),
        (report.unchanged, "unchanged"),
        (len(report.failed), "not added"),
    ]
    return ", ".join(f"{number:,} {what}" for number, what in counted if number) or "nothing new"


def _reported(report: Report) -> dict[str, Any]:
    """What became of what was to be added; the first failures by name."""
    failed = [
        f"{failure.path}{f', line {failure.line}' if failure.line else ''}: {failure.reason}"
        for failure in report.failed[:_SHOWN]
    ]
    if len(report.failed) > _SHOWN:
        failed.append(f"and {len(report.failed) - _SHOWN:,} more")
    return {"text": _counts(report).capitalize(), "failed": failed}
