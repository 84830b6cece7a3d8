"""The command line: parses, calls one function of a Desk, prints.

    byline add articles/ && byline ask "Who resigned on Monday?"

Standard output is the answer (with --json exactly one JSON document), standard error everything
else. Exit codes: 0 done (an answer may be declined), 2 wrong usage, 3 `verify` found a statement
that did not pass, 1 anything else.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import BylineError, InputError
from .eval import eval_app
from .follow import follow_app
from .keys import keys_app

if TYPE_CHECKING:
    from ..desk import Desk
    from ..index.archive.origins import Reach
    from ..index.build import Report

app = typer.Typer(
    name="byline",
    help="Ask questions of news articles; every sentence of an answer cites where it stands.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
articles_app = typer.Typer(help="List, show and remove articles.", no_args_is_help=True)
app.add_typer(articles_app, name="articles")
index_app = typer.Typer(help="Say how an index may be used.", no_args_is_help=True)
app.add_typer(index_app, name="index")
conversations_app = typer.Typer(help="List, export and delete conversations.", no_args_is_help=True)
app.add_typer(conversations_app, name="conversations")
app.add_typer(eval_app, name="eval")
app.add_typer(follow_app, name="follow")
app.add_typer(keys_app, name="keys")

_AN_ID = "As `articles list` shows it, or the file that it was added from."
RetractedOption = Annotated[
    bool, typer.Option("--retracted", help="Use retracted articles too; their notice is shown.")
]
CopiesOption = Annotated[
    bool, typer.Option("--copies", help="Also all other articles that run the same text.")
]
IndexOption = Annotated[
    str | None, typer.Option("--index", help="Index to use (BYLINE_INDEX).", metavar="NAME")
]


def _article_id(given: str) -> str:
    """What an article is called: of a file that is there its whole path, as `add` names it."""
    return os.path.realpath(given) if os.path.isfile(given) else given


ArticleId = Annotated[str, typer.Argument(metavar="ID", parser=_article_id, help=_AN_ID)]
ArticleIds = Annotated[list[str], typer.Argument(metavar="ID...", parser=_article_id, help=_AN_ID)]
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


def _show_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"byline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@app.command()
def demo(index: Annotated[str, typer.Option("--index", metavar="NAME")] = "demo") -> None:
    """Index the bundled articles and ask three questions of different kinds."""
    from ..ui.terminal import show_answer, show_report

    with opened_desk(index, new=True) as desk:
        say(f"Adding the bundled articles to index '{index}'")
        show_report(add_paths(desk, [SAMPLE]))
        for question, as_of in DEMO_QUESTIONS:
            typer.echo(f"\n? {question}  (asked on {as_of})\n")
            show_answer(desk.stream(question, as_of=as_of))
    typer.echo("\nNow try")
    is_module = Path(sys.argv[0]).name == "__main__.py"
    script = "python -m byline" if is_module else os.path.relpath(sys.argv[0])
    command = "byline" if shutil.which("byline") else script
    for what, how in (
        (
            f'{command} ask --index {index} "How many turbines will stand on Gannet Bank?"',
            "ask your own question",
        ),
        (f"{command} articles list --index {index}", "see what is in there"),
        (f"{command} serve --index {index}", "open the page"),
        (f"{command} add FOLDER", "index your own articles"),
    ):
        typer.echo(f"  {how + ':':26} {what}")


SAMPLE = Path(__file__).parent.parent / "index" / "sample"
DEMO_QUESTIONS = (
    ("How many turbines did Skerrow Wind get a licence for?", "2026-04-10"),
    ("When was the road bridge at Skellow Ford reopened?", "2026-04-10"),
    ("What did the new ferry terminal in Port Ansel cost?", "2026-04-10"),
)


@app.command()
def add(
    paths: Annotated[
        list[str],
        typer.Argument(help="Files, folders, patterns, web addresses, `-` (standard input)."),
    ],
    erased_too: Annotated[
        bool, typer.Option("--erased-too", help="Add also what was erased before.")
    ] = False,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add articles, or folders of them.

    Read are .txt, .md, .html, .jsonl and .csv; .xml and .nitf (NewsML-G2, NITF), .json (ninjs, or
    one record or an array of them), and the web pages of .warc and .warc.gz.
    """
    from ..ui.terminal import report_json, show_report

    with opened_desk(index, new=True) as desk:
        report = add_paths(desk, paths, erased_too=erased_too)
    if not report.accepted and report.failed:
        first = report.failed[0]
        more = f" ({len(report.failed) - 1} more failed)" if len(report.failed) > 1 else ""
        where = first.path if first.line is None else f"{first.path}, line {first.line}"
        raise BylineError(f"Nothing was added. {where}: {first.reason}{more}")
    if as_json:
        print_json(report_json(report))
    else:
        show_report(report)
    if report.interrupted:
        raise BylineError("Interrupted: what was accepted is kept. Run it again to go on.")


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


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotation marks.")],
    since: SinceOption = None,
    until: UntilOption = None,
    outlet: OutletOption = None,
    section: SectionOption = None,
    as_of: AsOfOption = None,
    policy: PolicyOption = "flag",
    style: StyleOption = None,
    retracted: RetractedOption = False,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the articles, with citations, or say that they do not answer it."""
    from ..ui.terminal import show_answer

    options: dict[str, Any] = {
        "since": since,
        "until": until,
        "outlets": outlet or (),
        "sections": section or (),
        "as_of": as_of,
        "policy": policy,
        "style": style,
        "retracted": retracted,
    }
    with opened_desk(index) as desk:
        if as_json:
            print_json(desk.ask(question, **options).to_dict())
        else:
            show_answer(desk.stream(question, **options))


@app.command()
def verify(
    file: Annotated[str, typer.Argument(help="A text, plain or Markdown; `-`: standard input.")],
    since: SinceOption = None,
    until: UntilOption = None,
    outlet: OutletOption = None,
    as_of: AsOfOption = None,
    retracted: RetractedOption = False,
    fail_on: Annotated[
        str,
        typer.Option(
            help="Exit with 3 at this verdict or a worse one: contradicted, unsupported, partial, "
            "unchecked; never."
        ),
    ] = "unsupported",
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a text against the articles, sentence by sentence; exit code 3 where one fails."""
    from ..qa.draft import VERDICTS, read_draft
    from ..ui.terminal import show_draft

    levels = ("never", *VERDICTS[:-1])
    if fail_on not in levels:
        raise InputError(f"There is no --fail-on '{fail_on}': use {', '.join(levels)}.")
    text = read_draft(file)
    options: dict[str, Any] = {"since": since, "until": until, "outlets": outlet or ()}
    with opened_desk(index) as desk:
        report = desk.verify(text, as_of=as_of, retracted=retracted, **options)
    if as_json:
        print_json(report.to_dict())
    else:
        show_draft(report)
    if any(report.counts[verdict] for verdict in VERDICTS[: levels.index(fail_on)]):
        raise typer.Exit(3)


@app.command()
def chat(
    conversation: Annotated[
        str | None, typer.Argument(help="Id of a conversation to go on with.", metavar="[ID]")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Store nothing of it.")] = False,
    as_of: AsOfOption = None,
    policy: PolicyOption = "flag",
    style: StyleOption = None,
    index: IndexOption = None,
) -> None:
    """Ask in a conversation: follow-ups are understood, filters stay until dropped."""
    from ..ui.terminal import show_answer

    with opened_desk(index) as desk:
        talk = desk.chat(conversation, private=private)
        kept = "nothing of it is stored" if private else "it is kept"
        name = "A private conversation" if private else f"Conversation {talk.id}"
        say(f"{name}. An empty line or Ctrl-D ends it; {kept}.")
        for turn in talk.turns:
            for one in turn.stale:
                say(f"No longer holds, in the answer to “{turn.question}”: {one.summary}")
        while question := _typed():
            try:
                answer = show_answer(talk.stream(question, as_of=as_of, policy=policy, style=style))
            except BylineError as error:  # what is wrong with one question ends no conversation
                say(str(error))
                continue
            if answer.standalone_question != answer.question:
                say(f"Understood as: {answer.standalone_question}")
        if talk.turns and not private:
            where = f" --index {index}" if index else ""
            say(f"Go on with `byline chat {talk.id}{where}`.")


def _typed() -> str:
    """The next question; empty where there is none any more."""
    try:
        return str(typer.prompt("\n?", default="", show_default=False, prompt_suffix=" ", err=True))
    except (typer.Abort, EOFError):
        say("")
        return ""


@conversations_app.command("list")
def list_conversations(
    limit: Annotated[int, typer.Option(min=1, help="Conversations to show at most.")] = 100,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """List conversations, the one asked last first."""
    from ..qa.ask import to_json
    from ..ui.terminal import show_conversations

    with opened_desk(index) as desk:
        found = desk.conversations.list(limit)
    if as_json:
        print_json({"conversations": to_json(found)})
    else:
        show_conversations(found)


@conversations_app.command("export")
def export_conversation(
    conversation: Annotated[str, typer.Argument(metavar="ID")],
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a conversation with all its citations, as Markdown or JSON."""
    from ..ui.export import to_json, to_markdown

    with opened_desk(index) as desk:
        held = desk.conversations.load(conversation)
    typer.echo(to_json(held) if as_json else to_markdown(held))


@conversations_app.command("delete")
def delete_conversation(
    conversation: Annotated[str, typer.Argument(metavar="ID")],
    index: IndexOption = None,
) -> None:
    """Delete a conversation."""
    with opened_desk(index) as desk:
        desk.conversations.delete(conversation)
    typer.echo("1 deleted")


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="What to look for.")],
    limit: Annotated[int, typer.Option(help="Passages to show at most.")] = 10,
    since: SinceOption = None,
    until: UntilOption = None,
    outlet: OutletOption = None,
    section: SectionOption = None,
    as_of: AsOfOption = None,
    retracted: RetractedOption = False,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find passages."""
    from ..ui.terminal import show_hits

    with opened_desk(index) as desk:
        hits = desk.search(text, limit, since, until, outlet or (), as_of, retracted, section or ())
    if as_json:
        print_json({"hits": [hit.to_dict() for hit in hits]})
    else:
        show_hits(hits)


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


@index_app.command("local-only")
def local_only(
    wanted: Annotated[
        str | None, typer.Argument(help="on or off; without it, what it is.", metavar="[on|off]")
    ] = None,
    index: IndexOption = None,
) -> None:
    """Never send anything of an index to a model that is not on this machine."""
    if wanted not in (None, "on", "off"):
        raise InputError(f"'{wanted}' is neither on nor off: write `byline index local-only on`.")
    with opened_desk(index) as desk:
        if wanted:
            desk.local_only = wanted == "on"
        name, is_on = desk.settings.index, desk.local_only
    typer.echo(f"Index '{name}' is {'local_only' if is_on else 'not local_only'}")


@app.command()
def check(
    repair: Annotated[
        bool, typer.Option("--repair", help="First mend what does not agree; nothing is embedded.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First make the vector store anew from the archive.")
    ] = False,
    answers: Annotated[
        bool,
        typer.Option("--answers", help="List the stored answers that no longer hold instead."),
    ] = False,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that archive and vector store agree."""
    if answers:
        _check_answers(index, as_json)
        return
    with opened_desk(index) as desk:
        health = desk.check(rebuild=rebuild, repair=repair)
        name = desk.settings.index
    if as_json:
        print_json(health.to_dict())
    else:
        typer.echo(
            f"Index '{name}': {health.articles} articles, {health.passages} passages, "
            f"{health.vectors} vectors"
        )
    if health.problems:
        raise BylineError(
            f"{'; '.join(health.problems)}. Run `byline check --repair --index {name}`."
        )


def _check_answers(index: str | None, as_json: bool) -> None:
    from ..ui import history

    with opened_desk(index) as desk:
        found = list(desk.conversations.with_stale())
    if as_json:
        print_json({"stale": history.stale_json(found)})
    else:
        history.show_stale(found)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy an index into one file, also while it is written to and asked."""
    with opened_desk(index) as desk:
        manifest = desk.backup(file)
    if as_json:
        print_json(manifest.to_dict())
    else:
        typer.echo(f"{file}: {manifest}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `byline backup` made.")],
    force: Annotated[
        bool, typer.Option("--force", help="In place of what the index holds now.")
    ] = False,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an index from a backup; what was erased since stays erased."""
    from ..index.backup import restore as restore_index
    from ..settings import load_settings

    settings = load_settings(index=index)
    manifest = restore_index(
        file, settings.home / settings.index, force=force, chroma_url=settings.chroma_url
    )
    if as_json:
        print_json(manifest.to_dict())
    else:
        typer.echo(f"Index '{settings.index}': {manifest}")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    index: IndexOption = None,
) -> None:
    """Open the page and the HTTP API on this machine."""
    with opened_desk(index, new=True) as desk:
        try:
            from ..ui.api import serve as serve_desk
        except ModuleNotFoundError as error:
            if error.name not in ("fastapi", "uvicorn", "prometheus_client", "asgi_correlation_id"):
                raise
            raise BylineError(
                "The service needs the extra `page` (or `api` without the page): run "
                "`pip install 'byline[page]'`."
            ) from None
        serve_desk(desk, host, port)


@app.command("mcp")
def serve_mcp(index: IndexOption = None) -> None:
    """Serve the articles to a program that speaks MCP, over standard input and output."""
    with opened_desk(index) as desk:
        try:
            from ..ui.mcp import serve_stdio
        except ModuleNotFoundError as error:
            if error.name not in ("mcp", "mcp_types"):
                raise
            raise BylineError(
                "MCP needs the extra `mcp`: run `pip install 'byline[mcp]'`."
            ) from None
        serve_stdio(desk)


def say(text: str) -> None:
    """A line for the person, not for the program that reads standard output."""
    typer.echo(text, err=True)


@contextmanager
def opened_desk(index: str | None, *, new: bool = False, **changed: Any) -> Iterator["Desk"]:
    """The desk of an index, with some settings changed; `new`: one that is not there will do."""
    from ..desk import Desk
    from ..settings import load_settings

    settings = load_settings(**{"index": index, **changed})
    if not new and not (settings.home / settings.index / "archive.db").exists():
        there = sorted(found.parent.name for found in settings.home.glob("*/archive.db"))
        known = f" There are {', '.join(there)}." if there else ""
        raise BylineError(
            f"There is no index '{settings.index}' in {settings.home}.{known} "
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

    with adding(estimate(paths)) as show:

        def progress(report: "Report") -> None:
            show(report)
            if interrupted:  # Python drops what is raised while it collects garbage
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            return desk.add(paths, progress=progress, **options)
        finally:
            signal.signal(signal.SIGINT, before)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def main() -> None:
    """The command `byline`: one line on standard error where something is wrong."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        status = app(standalone_mode=False)
    except InputError as error:
        say(str(error))
        status = 2
    except BylineError as error:
        say(str(error))
        status = 1
    except typer.Abort:
        say("Interrupted.")
        status = 1
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except typer.TyperException as error:  # wrong usage
        command, context = "", getattr(error, "ctx", None)
        while context and context.parent:
            command, context = f" {context.info_name}{command}", context.parent
        say(f"{error.format_message()} `byline{command} --help` shows what there is.")
        status = 2
    except Exception as error:  # a bug: still one line, unless developing (python -X dev)
        if sys.flags.dev_mode:
            raise
        say(f"Unexpected {type(error).__name__}: {error}. Please report this.")
        status = 1
    sys.exit(status or 0)
