"""`concord department list`, `show`, `create`, `add`, `remove`.

Owns the commands about departments. Refuses to give anybody a right by them: a department says where somebody works.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from .output import Json, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="The departments of an organization.", no_args_is_help=True)
DepartmentId = Annotated[UUID, typer.Argument(help="The department's id.")]


@app.command("list")
def list_departments(
    organization: Annotated[UUID | None, typer.Option(help="Of this organization [default: yours].")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """List the departments of an organization."""
    with unlock(home, passphrase_file) as client:
        rows = [{"id": str(each.id), "name": each.name} for each in client.teams.departments(organization)]
    show_rows(rows, empty="No departments.", as_json=json)


@app.command("show")
def show_department(
    department: DepartmentId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False
) -> None:
    """List who works in a department, as they stand in the key log."""
    with unlock(home, passphrase_file) as client:
        people = [client.colleagues.known(each) for each in client.teams.api.department_members(department)]
    rows = [{"id": str(each.id), "name": each.name, "role": each.role, "status": each.status} for each in people]
    show_rows(rows, empty="Nobody.", as_json=json)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the department is called.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """As an administrator: make a department of your organization."""
    with unlock(home, passphrase_file) as client:
        made = client.teams.api.create_department(name)
    show(made.model_dump(mode="json"), f"{made.name}\n  id  {made.id}", as_json=json)


@app.command()
def add(
    department: DepartmentId,
    practitioner: Annotated[UUID, typer.Argument(help="Somebody of your organization.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """As an administrator: say that somebody works in a department."""
    with unlock(home, passphrase_file) as client:
        client.teams.api.place(department, practitioner)
    show({"department": department, "practitioner": practitioner}, "Added.", as_json=json)


@app.command()
def remove(
    department: DepartmentId,
    practitioner: Annotated[
        UUID | None, typer.Argument(help="Who works there no more [default: end the department].")
    ] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """As an administrator: take somebody out of a department, or end it. Its teams go on without one."""
    with unlock(home, passphrase_file) as client:
        if practitioner is None:
            client.teams.api.remove_department(department)
        else:
            client.teams.api.displace(department, practitioner)
    show({"department": department, "practitioner": practitioner}, "Removed.", as_json=json)
