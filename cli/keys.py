"""`byline keys ...`: who may use the service, and for what.

byline keys add newsroom --scope write --expires 90d
"""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from .parts import IndexOption, JsonOption, opened_desk, print_json, say

if TYPE_CHECKING:
    from ..index.archive.keys import Key

keys_app = typer.Typer(
    help="Say who may use the service: keys for the API and the page.", no_args_is_help=True
)


@keys_app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, or what for.")],
    scope: Annotated[
        str, typer.Option(help="read (ask and search), write (articles too) or admin (all).")
    ] = "read",
    expires: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="30d, or a date on which it ends; else never."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="RATE", help="Its own limit, as 60/minute, or off.")
    ] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key; it is shown once, and cannot be looked up later."""
    from ..settings import RATE

    if rate is not None and not re.fullmatch(RATE, rate):
        raise InputError(f"'{rate}' is no rate: write 60/minute, or off for none.")
    ends = _moment(expires) if expires else None
    with opened_desk(index, new=True) as desk:
        key, shown = desk.archive.keys.add(name, scope, expires=ends, rate=rate)
    if as_json:
        print_json({**_facts(key), "key": shown})
        return
    typer.echo(shown)
    until = f"until {key.expires:%Y-%m-%d %H:%M} UTC" if key.expires else "until it is revoked"
    say(f"Key {key.id} ({key.name}) may {key.scope} {until}. It is not shown again: keep it safe.")


@keys_app.command("list")
def list_keys(index: IndexOption = None, as_json: JsonOption = False) -> None:
    """List the keys: what they may, and until when."""
    with opened_desk(index) as desk:
        keys = desk.archive.keys.list()
    if as_json:
        print_json({"keys": [_facts(key) for key in keys]})
        return
    for key in keys:
        ends = f", until {key.expires:%Y-%m-%d %H:%M} UTC" if key.expires else ""
        state = "" if key.is_live else ", revoked" if key.revoked else ", expired"
        limit = f", {key.rate}" if key.rate else ""
        typer.echo(f"{key.id}  {key.scope:5}  {key.name}{limit}{ends}{state}")
    if not keys:
        typer.echo("There is no key, so only this machine is served: `byline keys add NAME`.")


@keys_app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `byline keys list` shows it.")],
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key at once, in every running service, with the sessions that it opened."""
    with opened_desk(index) as desk:
        key = desk.archive.keys.revoke(key_id)
        in_force = desk.archive.keys.in_force()
    if as_json:
        print_json(_facts(key))
        return
    typer.echo(f"Key {key.id} ({key.name}) is revoked")
    if not in_force:
        say("No key is left: only this machine is served from now on, and without a key.")


def _facts(key: "Key") -> dict[str, Any]:
    from pydantic import TypeAdapter

    facts: dict[str, Any] = TypeAdapter(type(key)).dump_python(key, mode="json")
    return facts


def _moment(text: str) -> datetime:
    """When a key ends: in so many days (`30d`) or hours (`12h`), or at an ISO date or time."""
    if given := re.fullmatch(r"(\d{1,5})([dh])", text.strip()):
        unit = "days" if given[2] == "d" else "hours"
        return datetime.now(UTC) + timedelta(**{unit: int(given[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"'{text}' is no time: write 30d, 12h, or a date as 2027-01-31.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
