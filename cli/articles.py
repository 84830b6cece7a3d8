"""`byline articles ...`: lists, shows, retracts, kills, removes and erases articles.

byline articles list --outlet "The Ledger" && byline articles history ID
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .parts import (
    ArticleId,
    ArticleIds,
    CopiesOption,
    IndexOption,
    JsonOption,
    OutletOption,
    SectionOption,
    SinceOption,
    UntilOption,
    opened_desk,
    print_json,
    say,
)

if TYPE_CHECKING:
    from ..index.archive.origins import Reach

articles_app = typer.Typer(help="List, show and remove articles.", no_args_is_help=True)


@articles_app.command("list")
def list_articles(
    limit: Annotated[int, typer.Option(min=1, help="Articles to show at most.")] = 100,
    since: SinceOption = None,
    until: UntilOption = None,
    outlet: OutletOption = None,
    killed: Annotated[
        bool, typer.Option("--killed", help="Instead what was killed: ids, for `kill --undo`.")
    ] = False,
    withheld: Annotated[
        bool, typer.Option("--withheld", help="Instead what may not be shown now: ids, and why.")
    ] = False,
    section: SectionOption = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """List articles, the newest first."""
    from ..ui.terminal import copy_of, show_articles

    with opened_desk(index) as desk:
        found = desk.articles.list(
            limit,
            since=since,
            until=until,
            outlets=outlet or (),
            sections=section or (),
            killed=killed,
            withheld=withheld,
        )
        is_all = killed or withheld
        total, held = (len(found), 0) if is_all else (len(desk.articles), desk.articles.withheld)
        origins = desk.articles.origins([article.id for article in found])
    if as_json:
        listed = [a.to_dict(with_text=False) | copy_of(origins.get(a.id)) for a in found]
        print_json({"total": total, "articles": listed})
    else:
        show_articles(found, total, origins, held)


@articles_app.command("show")
def show_article(
    article_id: ArticleId,
    version: Annotated[
        str | None, typer.Option(help="An earlier version, as `articles history` lists them.")
    ] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an article as it is stored."""
    from ..index.rights import shown
    from ..ui import terminal

    with opened_desk(index) as desk:
        article = desk.articles.get(article_id, version)
        origin = desk.articles.origins([article_id]).get(article_id)
    if as_json:
        print_json(shown(article) | terminal.copy_of(origin))
    else:
        terminal.show_article(article, origin)


@articles_app.command("remove")
def remove_articles(
    article_ids: ArticleIds,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove articles with all their versions."""
    with opened_desk(index) as desk:
        removed = desk.articles.remove(article_ids)
    if as_json:
        print_json({"removed": removed})
    else:
        typer.echo(f"{removed} removed")


@articles_app.command("history")
def article_history(
    article_id: ArticleId,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the versions of an article and what each changed."""
    from ..ui.history import history_json, show_history

    with opened_desk(index) as desk:
        found = desk.articles.history(article_id)
    if as_json:
        print_json({"versions": history_json(found)})
    else:
        show_history(found)


@articles_app.command("retract")
def retract_article(
    article_id: ArticleId,
    reason: Annotated[str, typer.Option(help="Why; it is shown with every citation.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Let it stand again.")] = False,
    copies: CopiesOption = False,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retract an article: it is kept, and no evidence unless asked for."""
    with opened_desk(index) as desk:
        reach = desk.articles.retract(article_id, reason, undo=undo, copies=copies)
        notice = desk.articles.get(article_id).to_dict(with_text=False)["notice"]
    if as_json:
        print_json({"article_id": article_id, "notice": notice, "copies": [*reach.copies]})
        return
    said = "Stands again." if undo else "Retracted: it is no longer used as evidence."
    also = f" So {'do' if undo else 'are'} {len(reach.ids) - 1} copies."
    typer.echo(said + also * (len(reach.ids) > 1))
    _say_left("retract", reach)


@articles_app.command("kill")
def kill_articles(
    article_ids: ArticleIds,
    undo: Annotated[bool, typer.Option("--undo", help="Let them be shown again.")] = False,
    copies: CopiesOption = False,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show articles nowhere from now on; they stay in the index, and no source revives them."""
    with opened_desk(index) as desk:
        reach = desk.articles.kill(article_ids, undo=undo, copies=copies)
    count = len(reach.ids)
    if as_json:
        print_json({"shown_again" if undo else "killed": count, "copies": [*reach.copies]})
        return
    typer.echo(f"{count} {'shown again' if undo else 'killed: shown nowhere from now on'}")
    _say_left("kill", reach)


def _say_left(how: str, reach: "Reach") -> None:
    for copy in reach.copies:
        typer.echo(f"  goes on answering, though it runs the same text: {copy}")
    if reach.copies:
        typer.echo(f"  `byline articles {how} --copies` takes these too")


@articles_app.command("erase")
def erase_articles(
    article_ids: ArticleIds,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase articles from every file of the index, with the answers that quote them, for good."""
    from ..ui.terminal import show_erasure

    with opened_desk(index) as desk:
        planned = desk.articles.erasure(article_ids)
        if not yes:
            for also in planned.ids:
                if also not in article_ids:
                    say(f"Also, as it has the same address or text: {also}")
            for file in planned.files:
                say(f"Also, as it holds the text: the file {file}")
            if not sys.stdin.isatty():
                raise InputError("Nobody can be asked whether to erase this for good: say --yes.")
            typer.confirm(
                f"Erase {len(set(planned.ids) | set(article_ids))} for good, with stored answers "
                "that cite them?",
                abort=True,
                err=True,
            )
        erased = desk.articles.erase(article_ids)
    if as_json:
        print_json(erased.to_dict())
    else:
        show_erasure(erased)
