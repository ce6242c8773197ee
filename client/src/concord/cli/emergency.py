"""`concord emergency send`, `list`, `show`, `review`, and `concord notices`.

Owns the commands about releases without consent. Refuses the nature of an emergency as an argument: it is clinical, and
is asked for or read from standard input.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from concord_formats.vocabulary import Information, LabelReason, Purpose, Sensitivity
from rich.prompt import Prompt

from ..client import Client
from ..documents import check
from ..letters import Draft
from .choices import words
from .output import Json, note, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="Releases without consent in a medical emergency (42 CFR 2.51).", no_args_is_help=True)

NO_CONSENT_YET = UUID(int=0)


class Outcome(StrEnum):
    """What a reviewer found."""

    JUSTIFIED = "justified"
    NOT_JUSTIFIED = "not-justified"
    FOLLOW_UP = "follow-up"


@app.command()
def send(  # noqa: PLR0913, PLR0917 - the options of a letter
    document: Annotated[Path, typer.Argument(help="FHIR Bundle, C-CDA, PDF or text.")],
    patient: Annotated[str, typer.Option(help="Alias or token of the patient.")],
    to: Annotated[UUID, typer.Option(help="The practitioner who treats the emergency.")],
    information: Annotated[str, typer.Option(help=f"What is in it, with commas: {', '.join(Information)}.")],
    sensitivity: Annotated[str, typer.Option(help=f"With commas: {', '.join(Sensitivity)}.")] = "general",
    label_reason: Annotated[LabelReason | None, typer.Option(help="Why labels that were found are left out.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Send one letter without consent, in an emergency. Asks for its nature; your privacy officer is told."""
    with unlock(home, passphrase_file) as client, document.open("rb") as body:
        media_type = check(body)
        nature = Prompt.ask("Nature of the emergency") if sys.stdin.isatty() else sys.stdin.read().strip()
        kinds = frozenset(words(Information, information, "--information"))
        sensitive = frozenset(words(Sensitivity, sensitivity, "--sensitivity"))
        draft = Draft(
            body=body,
            media_type=media_type,
            consent=NO_CONSENT_YET,
            purpose=Purpose.EMERGENCY,
            information=kinds,
            sensitivity=sensitive,
            recipients=(to,),
            label_reason=label_reason,
        )
        client.letters.check_labels(draft)  # before anything is on record
        record = client.emergencies.declare(client.address_book.token(patient), to, kinds, sensitive, nature)
        sent = client.letters.send(replace(draft, consent=record.id))
        name = client.colleagues.name(to)
    value = {"emergency": str(record.id), **sent.answer}
    show(value, f"Letter {sent.letter}\n{sent.answer['state'].capitalize()} to {name}, as an emergency.", as_json=json)
    note("It is in the account of disclosures, and your privacy officer reviews it.")


@app.command("list")
def list_emergencies(
    every: Annotated[bool, typer.Option("--all", help="Also those that were reviewed.")] = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """As a privacy officer or administrator: the releases of your organization that wait for a review."""
    with unlock(home, passphrase_file) as client:
        found = client.emergencies.all() if every else client.emergencies.waiting()
        rows = [
            {
                "emergency": str(each.consent),
                "declared": f"{each.declared_at:%Y-%m-%d %H:%M}",
                "by": client.colleagues.name(each.declared_by),
                "to": client.colleagues.name(each.recipient),
                "information": ", ".join(each.information),
                "sensitivity": ", ".join(each.sensitivity),
                "outcome": each.outcome or "waits",
            }
            for each in found
        ]
    show_rows(rows, empty="No emergencies wait for a review.", as_json=json)


@app.command("show")
def show_emergency(
    emergency: Annotated[UUID, typer.Argument(help="The emergency's id.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Open the documentation of an emergency."""
    with unlock(home, passphrase_file) as client:
        found = client.emergencies.documentation(emergency)
    text = "\n".join(f"{name:<12} {value}" for name, value in found.items() if name != "v")
    show(found, text, as_json=json)


@app.command()
def review(
    emergency: Annotated[UUID, typer.Argument(help="The emergency's id.")],
    outcome: Annotated[Outcome, typer.Option(help="What you found.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """As a privacy officer or administrator: note what you found."""
    with unlock(home, passphrase_file) as client:
        found = client.emergencies.review(emergency, outcome.value)
    show(found.model_dump(mode="json"), f"Reviewed: {found.outcome}", as_json=json)


def notices(home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """What you should know: consents that end soon, emergencies that wait for your review."""
    with unlock(home, passphrase_file) as client:
        rows = [
            {
                "at": f"{each.at:%Y-%m-%d %H:%M}",
                "notice": each.kind,
                "patient": _patient(client, each.patient),
                "consent": str(each.consent),
                "facts": ", ".join(f"{name} {value}" for name, value in each.facts.items()),
            }
            for each in client.emergencies.notices()
        ]
    show_rows(rows, empty="Nothing to know.", as_json=json)


def _patient(client: Client, token: str) -> str:
    return client.address_book.alias(token) or token
