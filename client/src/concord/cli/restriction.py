"""`concord restriction agree`, `refuse`, `end`, `list`.

Owns the commands about what a patient asked to withhold (45 CFR 164.522(a), 42 CFR 2.26). Refuses to end one without
the patient's word.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer
from concord_formats.vocabulary import Information, Sensitivity

from ..api.restrictions import Restriction, Withholding
from ..client import Client
from .choices import party, words
from .consent import name_of
from .output import Json, note, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="What a patient asked you to withhold; it outweighs any consent.", no_args_is_help=True)


class How(StrEnum):
    """By whose word a restriction ends."""

    PATIENT_AGREED = "patient-agreed"
    PATIENT_REQUESTED = "patient-requested"


Patient = Annotated[str, typer.Option(help="Alias or token of the patient.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from", help="From whom: practitioner:ID or organization:ID [default: from anybody].", show_default=False
    ),
]
Labels = Annotated[str | None, typer.Option(help=f"With commas: {', '.join(Information)}.", show_default=False)]
Sensitivities = Annotated[str | None, typer.Option(help=f"With commas: {', '.join(Sensitivity)}.", show_default=False)]
Everything = Annotated[bool, typer.Option("--everything", help="Whatever its labels.")]
RequestedOn = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The day of the request [default: today].", show_default=False),
]
OnlyMe = Annotated[bool, typer.Option("--only-me", help="You alone withhold it, not your whole organization.")]


@app.command()
def agree(  # noqa: PLR0913, PLR0917 - what a patient can ask for
    patient: Patient,
    from_: From = None,
    information: Labels = None,
    sensitivity: Sensitivities = None,
    everything: Everything = False,
    requested_on: RequestedOn = None,
    only_me: OnlyMe = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Agree to withhold what a patient asked for, and wait until no letter can carry it any more."""
    with unlock(home, passphrase_file) as client:
        asked = _asked(client, patient, from_, information, sensitivity, everything, requested_on, only_me)
        made = client.restrictions.agree(asked)
        _show(client, made, f"Withheld. In effect everywhere since {made.effective_at:%Y-%m-%d %H:%M:%S} UTC.", json)


@app.command()
def refuse(  # noqa: PLR0913, PLR0917 - what a patient can ask for
    patient: Patient,
    from_: From = None,
    information: Labels = None,
    sensitivity: Sensitivities = None,
    everything: Everything = False,
    requested_on: RequestedOn = None,
    only_me: OnlyMe = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Put on record that a patient asked, and that you did not agree. Nothing is withheld by it."""
    with unlock(home, passphrase_file) as client:
        asked = _asked(client, patient, from_, information, sensitivity, everything, requested_on, only_me)
        _show(client, client.restrictions.refuse(asked), "On record. Nothing is withheld by it.", json)


@app.command()
def end(
    restriction: Annotated[UUID, typer.Argument(help="The restriction's id.")],
    how: Annotated[How, typer.Option(help="By the patient's agreement, or at their request.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """End a restriction by the patient's word."""
    with unlock(home, passphrase_file) as client:
        made = client.restrictions.end(restriction, how.value)
        _show(client, made, "Ended. What was withheld goes again wherever a consent covers it.", json)


@app.command("list")
def list_restrictions(
    patient: Patient, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False
) -> None:
    """List what you, or your organization, were asked to withhold of a patient."""
    with unlock(home, passphrase_file) as client:
        rows = [
            {
                "id": str(each.id),
                "status": each.status,
                "from": name_of(client, each.recipient) if each.recipient else "anybody",
                "withheld": _labels(each),
                "requested": f"{each.requested_on:%Y-%m-%d}",
            }
            for each in client.restrictions.list(patient)
        ]
    show_rows(rows, empty="No restrictions.", as_json=json)


def _asked(
    client: Client,
    patient: str,
    from_: str | None,
    information: str | None,
    sensitivity: str | None,
    everything: bool,
    requested_on: datetime | None,
    only_me: bool,
) -> Withholding:
    # What withholds everything is said in so many words: a forgotten option must not do it.
    if everything == bool(information or sensitivity):
        raise typer.BadParameter("name labels with --information or --sensitivity, or say --everything")
    return client.restrictions.asked(
        patient,
        (requested_on or datetime.now(UTC).astimezone()).date(),
        recipient=party(from_, "--from") if from_ else None,
        information=words(Information, information, "--information") if information else None,
        sensitivity=words(Sensitivity, sensitivity, "--sensitivity") if sensitivity else None,
        only_me=only_me,
    )


def _labels(made: Restriction) -> str:
    return ", ".join([*made.information, *made.sensitivity]) or "everything"


def _show(client: Client, made: Restriction, said: str, as_json: bool) -> None:
    recipient = name_of(client, made.recipient) if made.recipient else "anybody"
    text = f"{said}\nRestriction {made.id}\n  withheld     {_labels(made)}\n  from         {recipient}"
    show(made.model_dump(mode="json"), text, as_json=as_json)
    if made.status == "ended" and made.effective_at is None:
        note("It is not confirmed everywhere yet; until then a letter may still be refused.")
