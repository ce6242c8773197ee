"""`concord coverage set`, `show`, `clear`: who covers while somebody is away.

Owns the commands. Refuses to redirect letters: whoever writes is told who is away and who covers, and decides.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from ..api.coverage import Coverage
from ..client import Client
from .days import Since, Until, end_of, shown, shown_end, start_of
from .output import Json, show
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="Say that you are away, and who covers.", no_args_is_help=True)
Whose = Annotated[UUID | None, typer.Option("--for", help="Who is away, as their administrator [default: you].")]


@app.command("set")
def set_coverage(
    covering: Annotated[UUID, typer.Argument(help="The colleague who covers.")],
    until: Until,
    since: Since = None,
    whose: Whose = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Say who covers while you are away; it takes the place of what you said before."""
    first = start_of(since.date()) if since else None
    with unlock(home, passphrase_file) as client:
        colleague = client.colleagues.person(covering)
        made = client.coverage.set(colleague.id, end_of(until.date()), since=first, practitioner=whose)
        _show(client, made, json)


@app.command("show")
def show_coverage(
    practitioner: Annotated[UUID | None, typer.Argument(help="Somebody [default: you].")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Show who covers for somebody, now or soon."""
    with unlock(home, passphrase_file) as client:
        _show(client, client.coverage.of(practitioner), json)


@app.command()
def clear(whose: Whose = None, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Say that you are back."""
    with unlock(home, passphrase_file) as client:
        client.coverage.clear(whose)
    show({"coverage": None}, "Nobody covers any more.", as_json=json)


def _show(client: Client, found: Coverage | None, as_json: bool) -> None:
    if found is None:
        show({"coverage": None}, "Nobody was named to cover.", as_json=as_json)
        return
    away, covering = (client.colleagues.name(who) for who in (found.practitioner, found.covering.id))
    text = f"{away} is away from {shown(found.starts_at)} until {shown_end(found.ends_at)}. {covering} covers."
    value: dict[str, Any] = found.model_dump(mode="json")
    value["covering"]["name"] = covering
    show({"coverage": value}, text, as_json=as_json)
