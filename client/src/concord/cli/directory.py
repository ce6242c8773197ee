"""`concord directory show`, `trust`; the other commands of the group stand in `find` and `listing`.

Owns the commands about a colleague's keys. Refuses to trust changed keys without a fingerprint that was compared.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from ..api import Practitioner
from ..client import Client
from ..errors import PinError, UncheckedIdentityError
from . import listing
from .find import find
from .output import Json, note, show
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="Find colleagues and check their keys; keep your own entry.", no_args_is_help=True)
app.command()(find)


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
        identity, checked = _identity(client, person)
    value = person.model_dump(mode="json") | {"fingerprint": fingerprint, "first_use": pinned.first_use}
    value["identity"] = identity
    text = f"{person.name}, {person.organization.name} ({person.status})\n  fingerprint  {fingerprint}\n  {checked}"
    show(value, text, as_json=json)
    if pinned.first_use:
        note("First use: these keys are now pinned. Compare the fingerprint with your colleague, by voice.")


def _identity(client: Client, person: Practitioner) -> tuple[dict[str, Any] | None, str]:
    """How a colleague's identity was checked, for a program and for a person. Raises `UncheckedIdentityError`."""
    try:
        known = client.identities.of(person)
    except UncheckedIdentityError:
        raise
    except PinError as error:  # about whoever checked, not about the colleague
        return None, f"Who checked their identity cannot be verified: {error.message}"
    if known is None:
        return None, "No identity check is recorded: they were invited before there were any"
    attestor = known.attestor and str(known.attestor)
    value = {"how": str(known.how), "checked_on": str(known.checked_on), "attestor": attestor}
    if known.attestor is None:
        return value, known.words("the directory's operator, by its word alone")
    return value, known.words(client.colleagues.name(known.attestor))


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


listing.register(app)
