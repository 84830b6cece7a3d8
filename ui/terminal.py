"""What the command line shows: answers, hits, reports and articles, in colour on a terminal.

show_answer(desk.stream("Who resigned?"))
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ..index.archive.conversations import Summary
from ..index.archive.origins import Copy
from ..index.article import Article, Notice, isoformat
from ..index.build import Report
from ..index.erase import Erasure
from ..index.rights import excerpt
from ..qa.cite import Citation, Statement
from ..qa.draft import DraftReport
from ..qa.events import Answer, Event
from ..qa.retrieve import Hit
from .render import MARKS

_WIDEST = 100
_FAILURES_SHOWN = 20


def show_answer(events: Iterable[Event]) -> Answer:
    """Statements as they arrive, one a line, weak ones marked; then the citations with quotes.

    Returns the answer, which is the last event.
    """
    out, shown = console(), list[str]()
    answer: Answer | None = None
    for event in events:
        if isinstance(event, Statement):
            out.print(_stated(event))
            shown.append(event.text)
        elif isinstance(event, Answer):
            answer = event
    assert answer is not None
    if shown and [statement.text for statement in answer.statements] != shown:
        out.print(Text("\nAfter the check, the answer is:", style="yellow"))
    if [statement.text for statement in answer.statements] != shown or answer.declined:
        out.print(Text(answer.text, style="bold"))
    _show_sources(out, answer)
    return answer


def _stated(statement: Statement) -> Text:
    """A statement, with what the check found behind it."""
    mark = MARKS.get(statement.verdict)
    if mark is None:
        return Text(statement.text, style="bold")
    why = f": {statement.why}" if statement.why else ""
    return Text(f"{statement.text} ({mark}{why})", style="yellow")


def _show_sources(out: Console, answer: Answer) -> None:
    cited: Sequence[Citation] = answer.citations or answer.nearest
    if answer.declined and cited:
        out.print(Text("\nThe nearest that they say:", style="dim"))
    _show_citations(out, cited, answer.notes)
    for why in (s.why for s in answer.statements if s.why and s.verdict not in MARKS):
        out.print(Text(f"\n{why[0].upper()}{why[1:]}.", style="dim"))
    if ends := list(_ends(answer)):
        said = "; ".join(ends)
        out.print(Text(f"\n{said[0].upper()}{said[1:]}.", style="dim"))


def _show_citations(out: Console, cited: Sequence[Citation], notes: Sequence[str]) -> None:
    for citation in cited:
        out.print()
        out.print(_source_line(citation))
        out.print(_quote(citation.quote))
        if citation.speaker:
            out.print(indented(f"said by {citation.speaker}", "dim"))
        if citation.notice:
            out.print(indented(noticed(citation.notice), "yellow"))
        if citation.warning:
            out.print(indented(citation.warning, "yellow"))
    for note in notes:
        out.print(Text(f"\n{note}", style="yellow"))


def show_draft(report: DraftReport) -> None:
    """Each statement of a text with its verdict and the reason; then the citations, and counts."""
    out = console()
    for one in report.statements:
        words = "".join(char if char.isprintable() else " " for char in one.text)
        numbers = "".join(f"[{number}]" for number in one.citations)
        style = (
            "yellow" if one.verdict in MARKS else "dim" if one.verdict == "unchecked" else "bold"
        )
        out.print(Text(f"{one.verdict}: {' '.join(words.split())} {numbers}".rstrip(), style=style))
        if one.why:
            out.print(indented(one.why, "dim"))
    _show_citations(out, report.citations, report.notes)
    told = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items() if count)
    out.print(Text(f"\n{told or 'No statement'}; checked by {report.checked_by}.", style="dim"))


def _ends(answer: Answer) -> Iterator[str]:
    """How new its evidence is, who wrote it, and what checked it."""
    if answer.newest_evidence:
        yield f"newest evidence: {_day(answer.newest_evidence)}"
    if answer.model:
        yield f"{'chosen' if answer.style == 'quotes' else 'written'} by {answer.model}"
    elif not answer.declined:
        yield "quoted word for word, no language model took part"
    if answer.checked_by and not answer.declined:
        yield f"checked by {answer.checked_by}"


def show_conversations(found: Sequence[Summary]) -> None:
    """One line a conversation."""
    out = console()
    for one in found:
        line = Text(f"{one.changed:%Y-%m-%d %H:%M}  ", style="cyan")
        line.append(f"{one.id}  ", style="dim")
        line.append(f"{one.title} ({one.turns} question{'' if one.turns == 1 else 's'})")
        out.print(line, soft_wrap=True)
    if not found:
        out.print("There are no conversations yet: `byline chat` begins one.")


def show_hits(hits: Sequence[Hit]) -> None:
    """Each passage with where it stands."""
    out = console()
    if not hits:
        out.print("Nothing was found.")
    for number, hit in enumerate(hits, 1):
        line = Text(f"{number:2}. ", style="cyan")
        line.append(hit.title or hit.article_id, style="bold")
        out.print(line)
        out.print(Text(f"    {_where(hit.outlet, hit.published)} · {hit.article_id}", style="dim"))
        if hit.article.notice:
            out.print(indented(noticed(hit.article.notice), "yellow"))
        out.print(indented(textwrap.shorten(hit.text, 280, placeholder=" …")))


def copy_of(origin: Copy | None) -> dict[str, str | None]:
    """Whose text an article runs, as a JSON key."""
    return {"copy_of": origin.id if origin else None}


def _copied(origin: Copy) -> str:
    return f"copy of {origin.id} ({origin.outlet or 'unnamed outlet'})"


def show_articles(
    articles: Sequence[Article],
    total: int,
    origins: Mapping[str, Copy] = MappingProxyType({}),
    held: int = 0,
) -> None:
    """One line an article; how many others are held back."""
    out = console()
    for article in articles:
        line = Text(f"{_day(article.published):10}  ", style="cyan")
        line.append(f"{article.outlet or '-'}: ", style="dim")
        opening = article.text[:60].replace("\n", " ")
        line.append(article.title or opening or held_back(article))
        if article.notice:
            line.append(f"  {article.notice.kind}", style="yellow")
        line.append(f"  {article.id}", style="dim")
        if article.id in origins:
            line.append(f"  {_copied(origins[article.id])}", style="yellow")
        if article.completeness == "teaser":
            line.append("  (teaser)", style="yellow")
        out.print(line, soft_wrap=True)
    others = f"; {held} that may not be shown now: --withheld" if held else ""
    out.print(Text(f"{len(articles)} of {total} articles{others}", style="dim"))


def held_back(article: Article) -> str:
    """What keeps an article from being shown, as `Archive.withheld` gives it."""
    now = datetime.now(UTC)
    for said, at, is_past in (
        ("under embargo until", article.embargo_until, False),
        ("expired", article.expires, True),
    ):
        if isinstance(at, datetime) and (at <= now) == is_past:
            return f"{said} {at:%Y-%m-%d %H:%M} UTC"
    return article.status or ""


def show_article(article: Article, origin: Copy | None = None) -> None:
    """The article's facts and its text as stored."""
    out = console()
    if origin:
        out.print(Text(_copied(origin), style="yellow"), soft_wrap=True)
    facts = article.to_dict(with_text=False)
    extra = facts.pop("extra")
    if article.notice:
        facts["notice"] = noticed(article.notice)
    for name, value in (facts | extra).items():
        if value not in (None, [], {}):
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            out.print(Text.assemble((f"{name:10} ", "cyan"), shown), soft_wrap=True)
    out.print()
    shown = excerpt(article)
    out.print(Text(shown), soft_wrap=True)
    if shown != article.text:
        where = f": the rest is at {article.url}" if article.url else ""
        out.print(Text(f"\nNo more of it may be quoted{where}", style="yellow"), soft_wrap=True)


def show_erasure(erased: Erasure) -> None:
    """What was erased, and what was not."""
    out = console()
    out.print(f"{len(erased.ids)} erased, {erased.answers} stored answers that cited them redacted")
    for file in erased.files:
        out.print(Text(f"  deleted, as it held the text: {file}", style="yellow"), soft_wrap=True)
    for article_id in erased.copies:
        said = f"  not erased, though it runs the same text: {article_id}"
        out.print(Text(said, style="yellow"), soft_wrap=True)


def show_report(report: Report) -> None:
    """What became of what was to be added."""
    out = console()
    counts = f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged"
    failed = f", {len(report.failed)} failed" if report.failed else ""
    speed = f" in {report.seconds:.1f} s ({report.articles_per_second} articles per second)"
    out.print(Text(f"{counts}{failed}{speed}"))
    if passed := ", ".join(f"{n} {kind}" for kind, n in report.passed_over.most_common(5)):
        total = report.passed_over.total()
        out.print(Text(f"  {total} records passed over, as they are no articles: {passed}"))
    for failure in report.failed[:_FAILURES_SHOWN]:
        where = failure.path if failure.line is None else f"{failure.path}, line {failure.line}"
        out.print(Text(f"  {where}: {failure.reason}", style="yellow"), soft_wrap=True)
    if len(report.failed) > _FAILURES_SHOWN:
        out.print(f"  … and {len(report.failed) - _FAILURES_SHOWN} more (--json lists all)")


def report_json(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "passed_over": dict(report.passed_over),
        "failed": [
            {"path": failure.path, "line": failure.line, "reason": failure.reason}
            for failure in report.failed
        ],
        "articles_per_second": report.articles_per_second,
        "seconds": round(report.seconds, 3),
        "interrupted": report.interrupted,
    }


@contextmanager
def adding(total: int, file: TextIO | None = None) -> Iterator[Callable[[Report], None]]:
    """A progress bar on standard error (or `file`); it is fed the report after each batch."""
    console = Console(file=file, stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=not file,
        redirect_stderr=not file,
    ) as p:
        task = p.add_task("Adding", total=total or None)

        def show(report: Report) -> None:
            done = report.accepted + len(report.failed)
            p.update(task, completed=done, total=max(total, done))

        yield show


def console() -> Console:
    """Standard output, with colour on a terminal, in lines of a readable width."""
    found = Console()
    return Console(
        highlight=False,
        markup=False,
        emoji=False,
        width=min(found.width, _WIDEST),
        color_system=None if found.no_color else "auto",  # NO_COLOR: no bold or dim either
    )


def _source_line(citation: Citation) -> Text:
    line = Text(f"[{citation.number}] ", style="cyan")
    line.append(_where(citation.outlet, citation.published))
    line.append(f" · {citation.title or citation.article_id.rsplit('/')[-1]}", style="dim")
    if citation.copies:
        line.append(f" · also in {', '.join(citation.copies)}", style="dim")
    return line


def _where(outlet: str | None, published: datetime | date | None) -> str:
    return f"{outlet or 'unnamed outlet'}, {_day(published)}"


def _day(moment: datetime | date | None) -> str:
    return (isoformat(moment) or "undated")[:10]


def noticed(notice: Notice) -> str:
    """A notice in a line."""
    when = f" {_day(notice.date)}" if notice.date else ""
    where = f" ({notice.link})" if notice.link else ""
    return f"{notice.kind}{when}: {notice.text}{where}"


def _quote(text: str) -> Text:
    return indented(f"“{' '.join(text.split())}”", "italic")


def indented(text: str, style: str = "") -> Text:
    """A text filled to the width, four characters in."""
    width = console().width
    filled = textwrap.fill(text, width, initial_indent="    ", subsequent_indent="    ")
    return Text(filled, style=style)
