"""`concord team list`, `show`, `create`, `add`, `remove`, `close`, `inbox`.

Owns the commands about teams. Refuses to show who is in one by the directory's word alone: names are those of the key
log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import typer

from ..api.teams import Team
from ..client import Client
from ..teams import TeamLetter
from .days import shown
from .output import Json, note, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="Teams: a mailbox that each of its members can open.", no_args_is_help=True)
TeamId = Annotated[UUID, typer.Argument(help="The team's id.")]


@app.command("list")
def list_teams(
    organization: Annotated[UUID | None, typer.Option(help="Of this organization [default: yours].")] = None,
    name: Annotated[str | None, typer.Option(help="With this in the name, of any organization.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """List teams that letters can be sent to."""
    with unlock(home, passphrase_file) as client:
        rows = [
            {
                "id": str(team.id),
                "name": team.name,
                "organization": team.organization.name,
                "department": team.department.name if team.department else None,
                "members": len(team.members),
            }
            for team in client.teams.find(organization=organization, name=name)
        ]
    show_rows(rows, empty="No teams.", as_json=json)


@app.command("show")
def show_team(team: TeamId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Show a team and its members, by their names in the key log."""
    with unlock(home, passphrase_file) as client:
        _show(client, client.teams.show(team), json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the team is called.")],
    department: Annotated[UUID | None, typer.Option(help="The department that it belongs to.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """As an administrator: make a team of your organization."""
    with unlock(home, passphrase_file) as client:
        _show(client, client.teams.create(name, department), json)


@app.command()
def add(
    team: TeamId,
    practitioner: Annotated[UUID, typer.Argument(help="Somebody of your organization.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """As an administrator: add a member. What was sent to the team before stays closed to them."""
    with unlock(home, passphrase_file) as client:
        _show(client, client.teams.add(team, practitioner), json)


@app.command()
def remove(
    team: TeamId,
    practitioner: Annotated[UUID | None, typer.Argument(help="The member [default: you]. Who leaves.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """End a membership, and wait until nothing newer can be opened by them."""
    with unlock(home, passphrase_file) as client:
        at = client.teams.remove(team, practitioner or client.practitioner)
    show({"team": team, "effective_at": at}, f"Removed. In effect everywhere since {shown(at)}.", as_json=json)


@app.command()
def close(team: TeamId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """As an administrator: close a team for good, and wait until nothing is sent to it any more."""
    with unlock(home, passphrase_file) as client:
        at = client.teams.close(team)
    show({"team": team, "effective_at": at}, f"Closed. In effect everywhere since {shown(at)}.", as_json=json)


@app.command()
def inbox(team: TeamId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """What was sent to a team of yours, and who has read it. Open one with: concord open LETTER"""
    with unlock(home, passphrase_file) as client:
        rows = [row for letter in client.teams.letters(team) for row in _rows(client, letter)]
    show_rows(rows, empty="Nothing was sent to this team.", as_json=json)
    if not json and any(row["receipt"] not in {"verified", None} for row in rows):
        note("A receipt is checked against your own copy of a letter: open it once, and ask again.")


def _rows(client: Client, letter: TeamLetter) -> Iterator[dict[str, Any]]:
    address = letter.address
    for line in letter.deliveries:
        yield {
            "letter": str(letter.letter),
            "from": client.colleagues.name(address.sender),
            "on_behalf_of": client.colleagues.name(address.on_behalf_of) if address.on_behalf_of else None,
            "patient": client.address_book.alias(address.patient) or address.patient,
            "member": client.colleagues.name(line.recipient),
            "state": line.state,
            "fetched": shown(line.fetched_at) if line.fetched_at else None,
            "opened": shown(line.opened_at) if line.opened_at else None,
            "receipt": "verified" if line.verified else line.doubt,
        }


def _show(client: Client, team: Team, as_json: bool) -> None:
    names = {each.practitioner: client.colleagues.name(each.practitioner) for each in team.members}
    value = team.model_dump(mode="json")
    for each in value["members"]:
        each["name"] = names[UUID(each["practitioner"])]
    within = f", {team.department.name}" if team.department else ""
    lines = [f"{team.name}, {team.organization.name}{within} ({team.status})", f"  id  {team.id}"]
    lines += [f"  {names[each.practitioner]} ({each.status})  {each.practitioner}" for each in team.members]
    show(value, "\n".join(lines), as_json=as_json)
