"""`byline follow ...`: keeps a list of feeds and sitemaps, and adds what they bring.

byline follow add https://herald.example/feed --every 30m && byline follow run
"""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ..errors import BylineError, InputError
from .parts import IndexOption, JsonOption, opened_desk, print_json, say

if TYPE_CHECKING:
    from ..index.archive.followed import FollowedFeed
    from ..index.fetch.follow import Follow, Visit

follow_app = typer.Typer(
    help="Follow feeds and sitemaps: what they list is fetched and added.", no_args_is_help=True
)

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_FAILURES_SHOWN = 5  # of a feed

UrlArgument = Annotated[str, typer.Argument(metavar="URL", help="Address of the feed.")]


@follow_app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="RSS, Atom, JSON Feed or sitemap.")],
    outlet: Annotated[
        str | None, typer.Option(metavar="NAME", help="Outlet of its articles.")
    ] = None,
    every: Annotated[
        str, typer.Option(metavar="TIME", help="How often it is read: 90s, 15m, 6h, 1d.")
    ] = "15m",
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a feed from now on; it is read once to see what it is."""
    seconds = _seconds(every)
    with opened_desk(index, new=True) as desk:
        try:
            feed = desk.follow.add(url, outlet=outlet, every_seconds=seconds)
        except InputError as error:
            raise InputError(f"{url} is not followed: {error}.") from None
    if as_json:
        listed = {"listed": len(feed.items), "parts": len(feed.parts)}
        print_json({"url": url, "title": feed.title, "kind": feed.kind, **listed})
        return
    holds = f"{len(feed.parts)} sitemaps" if feed.parts else f"{len(feed.items)} items"
    typer.echo(f"Following {outlet or feed.title or url} ({feed.kind}, {holds}), every {every}.")
    typer.echo(
        "Its articles come with `byline follow run" + (f" --index {index}`." if index else "`.")
    )


@follow_app.command("list")
def list_feeds(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """List the feeds that are followed, and how they do."""
    with opened_desk(index) as desk:
        feeds = desk.follow.list()
    if as_json:
        print_json({"feeds": [feed.to_dict() for feed in feeds]})
        return
    for feed in feeds:
        _show_feed(feed)
    if not feeds:
        typer.echo("No feed is followed yet: `byline follow add URL` begins.")


@follow_app.command()
def run(
    once: Annotated[
        bool,
        typer.Option(
            "--once", help="Read every feed now, but those that failed lately (the default)."
        ),
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Go on until stopped: so often, read what is due."),
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Fetch again all that is listed: pages may change.")
    ] = False,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the feeds, fetch what is new or changed, and add it."""
    if every and (once or as_json):
        raise InputError("--every goes on until stopped: leave out --once and --json.")
    seconds = _seconds(every) if every else None
    with opened_desk(index) as desk:
        follow = desk.follow
        try:
            if seconds:
                _go_on(follow, seconds, refresh)
            visits = _run(follow, only_due=False, refresh=refresh)
            read = {visit.feed.url for visit in visits}
            resting = [feed for feed in follow.list() if feed.url not in read]
        except KeyboardInterrupt:
            raise BylineError("Stopped: what was added is kept.") from None
    if as_json:
        over = [feed.to_dict() for feed in resting]
        print_json({"feeds": [visit.to_dict() for visit in visits], "passed_over": over})
    else:
        _show_visits(visits)
        _show_resting(resting)
        if not visits:
            typer.echo("There is no feed to read: `byline follow list` shows why.")
    if failed := [visit for visit in visits if visit.error]:
        names = ", ".join(visit.name for visit in failed)
        raise BylineError(f"{len(failed)} of {len(visits)} feeds could not be read: {names}.")


@follow_app.command()
def remove(url: UrlArgument, index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Follow a feed no more; its articles stay."""
    with opened_desk(index) as desk:
        desk.follow.remove(url)
    if as_json:
        print_json({"removed": 1})
    else:
        typer.echo("1 removed; its articles stay")


def _go_on(follow: "Follow", seconds: int, refresh: bool) -> NoReturn:
    """Read what is due, so often, until stopped."""
    while True:
        try:
            _show_visits(_run(follow, only_due=True, refresh=refresh))
        except BylineError as error:  # what is wrong now may be right the next time
            say(str(error))
        time.sleep(seconds)


def _run(follow: "Follow", **options: bool) -> "Sequence[Visit]":
    """Run with a count of pages on a terminal."""
    from ..index.build import Report
    from ..ui.terminal import adding

    reports: dict[str, Report] = {}
    with adding(0) as show:

        def progress(visit: "Visit") -> None:
            reports[visit.feed.url] = visit.report
            total = Report()
            for report in reports.values():
                total.include(report)
            show(total)

        return follow.run(progress=progress, **options)


def _show_visits(visits: "Sequence[Visit]") -> None:
    """A line a feed, and what failed."""
    for visit in visits:
        if visit.error:
            typer.echo(f"{visit.name}: not read: {visit.error}")
        elif visit.kind is None:
            typer.echo(f"{visit.name}: nothing new")
        if not visit.error and visit.kind or visit.report.accepted:
            counts = {name: getattr(visit.report, name) for name in ("added", "updated")}
            counts |= {"failed": len(visit.report.failed), "left for another run": visit.left}
            said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
            typer.echo(f"{visit.name}: {visit.listed} listed, {said or 'nothing new'}")
        for failure in visit.report.failed[:_FAILURES_SHOWN]:
            typer.echo(f"  {failure.path}: {failure.reason}")
        if len(visit.report.failed) > _FAILURES_SHOWN:
            typer.echo(f"  … and {len(visit.report.failed) - _FAILURES_SHOWN} more (--json: all)")


def _show_resting(feeds: "Sequence[FollowedFeed]") -> None:
    for feed in feeds:
        typer.echo(f"{feed.name}: passed over until {_minute(feed.next_at)}, as it {_ill(feed)}")


def _show_feed(feed: "FollowedFeed") -> None:
    added = f"items: {feed.added} added"
    given_up = "given up (`follow run --refresh` names and tries them)"
    others = {"waiting": feed.waiting, given_up: feed.given_up}
    counts = ", ".join([added, *(f"{n} {name}" for name, n in others.items() if n)])
    read = _minute(feed.checked_at) if feed.checked_at else "not yet"
    typer.echo(f"{feed.name}  {feed.url}")
    typer.echo(f"  every {_interval(feed.interval_seconds)}, read {read}: {counts}")
    if feed.error:
        typer.echo(f"  {_ill(feed)}")


def _ill(feed: "FollowedFeed") -> str:
    return f"failed {feed.failures} time{'s' if feed.failures > 1 else ''}: {feed.error}"


def _minute(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _seconds(text: str) -> int:
    """A time as seconds: `90s`, `15m`, `6h`, `1d`."""
    given = re.fullmatch(r"(\d{1,6})([smhd])", text.strip().lower())
    seconds = int(given[1]) * _UNITS[given[2]] if given else 0
    if seconds < 60:
        raise InputError(f"'{text}' is no time of a minute or more: write 90s, 15m, 6h or 1d.")
    return seconds


def _interval(seconds: int) -> str:
    size, unit = max((n, unit) for unit, n in _UNITS.items() if seconds % n == 0)
    return f"{seconds // size}{unit}"
