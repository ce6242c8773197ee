"""`concord consent decline`, `decline-withdraw`, `declined`: coordination that a patient declined.

Owns the commands, and the note of such a record where a consent is drafted. Refuses to stop that: a patient may change
their mind.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from ..api.restrictions import Declined
from ..client import Client
from .choices import party
from .consent import app, name_of
from .output import Json, note, show, show_rows
from .session import Home, PassphraseFile, unlock

Patient = Annotated[str, typer.Option(help="Alias or token of the patient.")]


@app.command()
def decline(
    patient: Patient,
    with_: Annotated[
        str | None,
        typer.Option("--with", help="practitioner:ID or organization:ID [default: anybody].", show_default=False),
    ] = None,
    declined_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day [default: today].", show_default=False)
    ] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Put on record that a patient declined coordination; only your organization sees it."""
    with unlock(home, passphrase_file) as client:
        day = (declined_on or datetime.now(UTC).astimezone()).date()
        made = client.restrictions.decline(patient, party(with_, "--with") if with_ else None, day)
    show(made.model_dump(mode="json", by_alias=True), f"On record: {made.id}", as_json=json)


@app.command("decline-withdraw")
def withdraw(
    record: Annotated[UUID, typer.Argument(help="The record's id.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """The patient changed their mind: the record stays, and counts no more."""
    with unlock(home, passphrase_file) as client:
        made = client.restrictions.withdraw_declined(record)
    show(made.model_dump(mode="json", by_alias=True), f"Withdrawn: {made.id}", as_json=json)


@app.command()
def declined(patient: Patient, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """List what your organization recorded of a patient who declined coordination."""
    with unlock(home, passphrase_file) as client:
        rows = [
            {
                "id": str(each.id),
                "with": _with(client, each),
                "declined": f"{each.declined_on:%Y-%m-%d}",
                "withdrawn": f"{each.withdrawn_at:%Y-%m-%d}" if each.withdrawn_at else None,
            }
            for each in client.restrictions.declined(patient)
        ]
    show_rows(rows, empty="Nothing was declined.", as_json=json)


def note_declined(client: Client, patient: str) -> None:
    """Say of every record that stands that a patient declined, before somebody asks them to sign."""
    for each in client.restrictions.declined(patient):
        if each.stands:
            note(
                f"Your organization has on record that this patient declined coordination with {_with(client, each)}"
                f" on {each.declined_on:%Y-%m-%d}."
                f" If they changed their mind: concord consent decline-withdraw {each.id}"
            )


def _with(client: Client, record: Declined) -> str:
    return name_of(client, record.party) if record.party else "anybody"
