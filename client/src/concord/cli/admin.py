"""`concord admin invite`, `suspend`, `reinstate`, `revoke-device`.

Owns the commands of an organization's administrator. Refuses to print an invitation twice: only its digest is kept.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from concord_formats.identity_checks import Checked

from .output import Json, show
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="For administrators: invite and suspend people of your organization.", no_args_is_help=True)


@app.command()
def invite(  # noqa: PLR0913, PLR0917 - what an invitation says
    name: Annotated[str, typer.Option(help="The person's name.")],
    checked: Annotated[Checked, typer.Option(help="How you made sure who they are.")],
    checked_on: Annotated[
        datetime | None, typer.Option(help="On which day [default: today].", formats=["%Y-%m-%d"])
    ] = None,
    npi: Annotated[str | None, typer.Option(help="National Provider Identifier, ten digits.")] = None,
    taxonomy: Annotated[str | None, typer.Option(help="NUCC taxonomy code, such as 103T00000X.")] = None,
    role: Annotated[str, typer.Option(help="practitioner, administrator or privacy-officer.")] = "practitioner",
    look_alike: Annotated[
        bool, typer.Option("--look-alike", help="Who has a name that looks like this one is somebody else: you asked.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the invitation to a file.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Invite a person whose identity you checked; give them the code on a way that only they can read."""
    day = checked_on.date() if checked_on else None
    with unlock(home, passphrase_file) as client:
        invitation = client.administration.invite(
            name, checked, checked_on=day, role=role, npi=npi, taxonomy=taxonomy, look_alike=look_alike
        )
    if output is None:
        show(invitation.model_dump(mode="json"), invitation.code, as_json=json)
        return
    output.touch(mode=0o600)
    output.write_text(invitation.code + "\n", encoding="utf-8")
    told = {"practitioner": str(invitation.practitioner), "expires_at": invitation.expires_at, "file": str(output)}
    show(told, f"Invitation for {name} written to {output}; good until {invitation.expires_at:%Y-%m-%d}", as_json=json)


@app.command()
def suspend(practitioner: UUID, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Suspend a person: nothing is released to or from them any more."""
    with unlock(home, passphrase_file) as client:
        answer = client.directory.suspend(practitioner)
    show(answer, f"{answer['status']}", as_json=json)


@app.command()
def reinstate(
    practitioner: UUID, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False
) -> None:
    """End a suspension."""
    with unlock(home, passphrase_file) as client:
        answer = client.directory.reinstate(practitioner)
    show(answer, f"{answer['status']}", as_json=json)


@app.command("neutral-name")
def neutral_name(
    name: Annotated[str, typer.Argument(help="What patients see; empty: your organization's own name.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Set what your organization is called on its patients' own pages, where its name tells too much."""
    with unlock(home, passphrase_file) as client:
        client.patient_codes.put_neutral_name(client.colleagues.organization, name.strip() or None)
    show({"name": name.strip() or None}, "Set." if name.strip() else "Its own name is shown.", as_json=json)


@app.command("revoke-device")
def revoke_device(device: UUID, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Stop a lost device: no sign-in, no letters."""
    with unlock(home, passphrase_file) as client:
        answer = client.directory.revoke_device(device)
    show(answer, f"{answer['status']}", as_json=json)
