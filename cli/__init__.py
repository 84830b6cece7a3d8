"""The command line: parses, calls one function of a Desk, prints.

    byline add articles/ && byline ask "Who resigned on Monday?"

Standard output is the answer (with --json exactly one JSON document), standard error everything
else. Exit codes: 0 done (an answer may be declined), 2 wrong usage, 3 `verify` found a statement
that did not pass, 1 anything else.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import BylineError, InputError
from .articles import articles_app
from .conversations import conversations_app
from .eval import eval_app
from .follow import follow_app
from .keys import keys_app
from .parts import (
    SAMPLE,
    AsOfOption,
    IndexOption,
    JsonOption,
    OutletOption,
    PolicyOption,
    RetractedOption,
    SectionOption,
    SinceOption,
    StyleOption,
    UntilOption,
    add_paths,
    opened_desk,
    print_json,
    say,
)

app = typer.Typer(
    name="byline",
    help="Ask questions of news articles; every sentence of an answer cites where it stands.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(articles_app, name="articles")
index_app = typer.Typer(help="Say how an index may be used.", no_args_is_help=True)
app.add_typer(index_app, name="index")
app.add_typer(conversations_app, name="conversations")
app.add_typer(eval_app, name="eval")
app.add_typer(follow_app, name="follow")
app.add_typer(keys_app, name="keys")


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


DEMO_QUESTIONS = (
    ("How many turbines did Skerrow Wind get a licence for?", "2026-04-10"),
    ("When was the road bridge at Skellow Ford reopened?", "2026-04-10"),
    ("What did the new ferry terminal in Port Ansel cost?", "2026-04-10"),
)


@app.command()
def add(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, patterns, web and s3:// addresses, `-` (standard input)."
        ),
    ],
    erased_too: Annotated[
        bool, typer.Option("--erased-too", help="Add also what was erased before.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            help="Read and embed files on a Ray cluster: local, auto, HOST:PORT, ray://HOST:PORT.",
            metavar="ADDRESS",
        ),
    ] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add articles, or folders of them.

    Read are .txt, .md, .html, .jsonl and .csv; .xml and .nitf (NewsML-G2, NITF), .json (ninjs, or
    one record or an array of them), .mbox and .eml, and the web pages of .warc and .warc.gz.
    """
    from ..ui.terminal import report_json, show_report

    with opened_desk(index, new=True) as desk:
        report = add_paths(desk, paths, erased_too=erased_too, ray=ray)
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
    from ..desk import server_in
    from ..index.backup import restore as restore_index
    from ..settings import load_settings

    settings = load_settings(index=index)
    manifest = restore_index(
        file,
        settings.home / settings.index,
        force=force,
        server=server_in(settings),
        archive_url=settings.archive_url,
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
