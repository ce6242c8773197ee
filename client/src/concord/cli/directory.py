"""`concord directory find`, `show`, `trust`.

Owns the commands about colleagues. Refuses to trust changed keys without a fingerprint that was compared.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from .output import Json, note, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="Find colleagues and check their keys.", no_args_is_help=True)


@app.command()
def find(
    text: Annotated[str, typer.Argument(help="A name or an NPI.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Find colleagues by name or NPI."""
    with unlock(home, passphrase_file) as client:
        rows = [
            {
                "id": str(person.id),
                "name": person.name,
                "npi": person.npi,
                "taxonomy": person.taxonomy,
                "organization": person.organization.name,
                "organization_id": str(person.organization.id),
                "status": person.status,
            }
            for person in client.colleagues.find(text)
        ]
    show_rows(rows, empty="Nobody by that name or NPI.", as_json=json)


@app.command("show")
def show_colleague(
    practitioner: Annotated[UUID, typer.Argument(help="The colleague's id.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Show a colleague and the fingerprint of their keys; the first time, their keys are pinned."""
    with unlock(home, passphrase_file) as client:
        person = client.colleagues.person(practitioner)
        pinned = client.colleagues.keys(practitioner)
        fingerprint = client.colleagues.fingerprint(practitioner)
    value = person.model_dump(mode="json") | {"fingerprint": fingerprint, "first_use": pinned.first_use}
    text = f"{person.name}, {person.organization.name} ({person.status})\n  fingerprint  {fingerprint}"
    show(value, text, as_json=json)
    if pinned.first_use:
        note("First use: these keys are now pinned. Compare the fingerprint with your colleague, by voice.")


@app.command()
def trust(
    practitioner: Annotated[UUID, typer.Argument(help="The colleague's id.")],
    fingerprint: Annotated[str, typer.Option(help="The fingerprint that your colleague read to you.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Accept a colleague's new keys after comparing the fingerprint with them."""
    with unlock(home, passphrase_file) as client:
        client.colleagues.trust(practitioner, fingerprint)
    show({"practitioner": practitioner, "trusted": True}, "The new keys are pinned.", as_json=json)
