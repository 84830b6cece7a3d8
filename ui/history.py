"""What the command line shows of versions: what each changed, and answers that no longer hold.

show_history(desk.articles.history("ledger-17"))
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

from rich.text import Text

from ..index.archive.conversations import Conversation
from ..index.article import isoformat
from ..index.history import Change, Version
from ..index.rights import UNSAID, within
from ..qa.events import to_json
from .terminal import console, indented, noticed


def show_history(found: Sequence[Version]) -> None:
    """Each version with its dates and what it changed of the one before."""
    out = console()
    for number, (whole, one) in enumerate(zip(found, _within(found), strict=True), 1):
        line = Text(f"{number}. ", style="cyan")
        line.append(f"seen {one.seen.astimezone(UTC):%Y-%m-%d %H:%M} UTC", style="bold")
        line.append(f"  {one.version}", style="dim")
        line.append("  (published)" if one.is_published else "", style="dim")
        out.print(line)
        dates = [("published", one.article.published), ("updated", one.article.updated)]
        said = [f"{name} {isoformat(value)}" for name, value in dates if value]
        out.print(indented("; ".join(said) or "undated", "dim"))
        if one.change and whole.change:
            summary = replace(whole.change, numbers=one.change.numbers).summary
            out.print(indented(f"{summary[:1].upper()}{summary[1:]}."))
            for text, style in _changes(one.change):
                out.print(indented(text, style))
        if one.article.notice:
            out.print(indented(noticed(one.article.notice), "yellow"))
    if len(found) == 1:
        out.print("It has one version: it has not changed since it was first seen.")


def history_json(found: Sequence[Version]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    versions: list[dict[str, Any]] = to_json(_within(found))
    return versions


def _within(found: Sequence[Version]) -> list[Version]:
    """The versions with no more of their texts than may be quoted now; no sentence of a change."""
    now = next((one.article.excerpt_limit for one in found if one.is_published), None)
    articles = []
    for one in found:
        limits = [n for n in (now, one.article.excerpt_limit) if n is not None]
        articles.append(within(replace(one.article, excerpt_limit=min(limits, default=None))))
    pairs = list(zip(found, articles, strict=True))
    # A version carries the notice of a later one too.
    told = [one.article.notice for one, article in pairs if article.notice != one.article.notice]
    unsaid = {notice.text for notice in told if notice}
    shown: list[Version] = []
    was_whole = True
    for one, article in pairs:
        notice, change, is_whole = article.notice, one.change, article.text == one.article.text
        if notice and notice.text in unsaid:
            notice = replace(notice, text=UNSAID)
        if change and not (was_whole and is_whole):
            own = notice if change.notice else None
            change = replace(change, numbers=(), changed=(), added=(), removed=(), notice=own)
        shown.append(replace(one, article=replace(article, notice=notice), change=change))
        was_whole = is_whole
    return shown


def _changes(change: Change) -> Iterator[tuple[str, str]]:
    if change.headline:
        yield f"headline: {change.headline[0]} → {change.headline[1]}", ""
    for old, new in change.changed:
        yield f"- {old}", "red"
        yield f"+ {new}", "green"
    for sentence in change.removed:
        yield f"- {sentence}", "red"
    for sentence in change.added:
        yield f"+ {sentence}", "green"


def show_stale(found: Iterable[Conversation]) -> None:
    """The answers that no longer hold, by conversation and turn."""
    out, total = console(), 0
    for conversation in found:
        for number, turn in enumerate(conversation.turns, 1):
            if not turn.stale:
                continue
            total += 1
            line = Text(f"{conversation.id}, turn {number}: ", style="cyan")
            out.print(line.append(turn.question, style="bold"), soft_wrap=True)
            for one in turn.stale:
                out.print(indented(f"{one.summary} · {one.article_id}", "yellow"))
    cite = "answers cite" if total > 1 else "answer cites"
    out.print(f"{total or 'No'} stored {cite} what has changed since.")


def stale_json(found: Iterable[Conversation]) -> list[dict[str, Any]]:
    """The same as JSON values, one a citation."""
    return [
        {"conversation": conversation.id, "turn": number, "question": turn.question} | to_json(one)
        for conversation in found
        for number, turn in enumerate(conversation.turns, 1)
        for one in turn.stale
    ]
