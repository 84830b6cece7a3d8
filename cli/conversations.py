"""`byline conversations ...`: lists, exports and deletes what was asked in conversations.

byline conversations export ID > conversation.md
"""

from typing import Annotated

import typer

from .parts import IndexOption, JsonOption, opened_desk, print_json

conversations_app = typer.Typer(help="List, export and delete conversations.", no_args_is_help=True)


@conversations_app.command("list")
def list_conversations(
    limit: Annotated[int, typer.Option(min=1, help="Conversations to show at most.")] = 100,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """List conversations, the one asked last first."""
    from ..qa.events import to_json
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
