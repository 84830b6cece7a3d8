"""What the commands share: their options, the desk that they open, and how they print."""

import json
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from ..errors import BylineError

if TYPE_CHECKING:
    from ..desk import Desk
    from ..index.build import Report

SAMPLE = Path(__file__).parent.parent / "index" / "sample"

RetractedOption = Annotated[
    bool, typer.Option("--retracted", help="Use retracted articles too; their notice is shown.")
]
CopiesOption = Annotated[
    bool, typer.Option("--copies", help="Also all other articles that run the same text.")
]
IndexOption = Annotated[
    str | None, typer.Option("--index", help="Index to use (BYLINE_INDEX).", metavar="NAME")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
SinceOption = Annotated[
    str | None, typer.Option(help="Only articles published on or after it.", metavar="DATE")
]
UntilOption = Annotated[
    str | None, typer.Option(help="Only articles published on or before it.", metavar="DATE")
]
OutletOption = Annotated[
    list[str] | None, typer.Option("--outlet", help="Only this outlet; may be repeated.")
]
SectionOption = Annotated[
    list[str] | None, typer.Option("--section", help="Only this section; may be repeated.")
]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", help="Ask as on this date: nothing newer is used.")
]
PolicyOption = Annotated[
    str,
    typer.Option(
        help="flag (all sentences, weak ones marked), strict (only supported ones) or off."
    ),
]
StyleOption = Annotated[
    str | None,
    typer.Option(help="sentences or quotes: whether a model writes, or chooses what is quoted."),
]


def _article_id(given: str) -> str:
    """What an article is called: of a file that is there its whole path, as `add` names it."""
    return os.path.realpath(given) if os.path.isfile(given) else given


_AN_ID = "As `articles list` shows it, or the file that it was added from."
ArticleId = Annotated[str, typer.Argument(metavar="ID", parser=_article_id, help=_AN_ID)]
ArticleIds = Annotated[list[str], typer.Argument(metavar="ID...", parser=_article_id, help=_AN_ID)]


def say(text: str) -> None:
    """A line for the person, not for the program that reads standard output."""
    typer.echo(text, err=True)


@contextmanager
def opened_desk(index: str | None, *, new: bool = False, **changed: Any) -> Iterator["Desk"]:
    """The desk of an index, with some settings changed; `new`: one that is not there will do."""
    from ..desk import Desk
    from ..index.archive import has_index, indexes
    from ..index.archive.address import address, place
    from ..settings import load_settings

    settings = load_settings(**{"index": index, **changed})
    url = settings.archive_url
    if not new and not has_index(settings.home, settings.index, url):
        there = indexes(settings.home, url)
        known = f" There are {', '.join(there)}." if there else ""
        where = f"database {place(address(url, settings.index)[0])}" if url else settings.home
        raise BylineError(
            f"There is no index '{settings.index}' in {where}.{known} "
            f"Make it with `byline add PATHS --index {settings.index}`."
        )
    with Desk(settings=settings) as desk:
        yield desk


def add_paths(desk: "Desk", paths: list[Any], **options: Any) -> "Report":
    """Add with a progress bar; Ctrl-C keeps what was accepted."""
    from ..index.read import estimate
    from ..ui.terminal import adding

    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    silence = silenced() if options.get("ray") else nullcontext()
    with silence as error, adding(estimate(paths), error) as show:

        def progress(report: "Report") -> None:
            show(report)
            if interrupted:  # Python drops what is raised while it collects garbage
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            return desk.add(paths, progress=progress, **options)
        finally:
            signal.signal(signal.SIGINT, before)


@contextmanager
def silenced() -> Iterator[TextIO]:
    """Standard error for Byline alone: Ray prints, and its core writes there past Python."""
    kept = os.dup(2)
    with (
        open(kept, "w", encoding="utf-8", errors="replace") as ours,
        open(os.devnull, "w") as nowhere,
        warnings.catch_warnings(),
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        warnings.simplefilter("ignore")
        os.dup2(nowhere.fileno(), 2)
        try:
            yield ours
        finally:
            os.dup2(kept, 2)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
