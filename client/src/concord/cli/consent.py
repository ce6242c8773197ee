"""`concord consent create`, `accept`, `form`, `show`, `list`, `revoke`, `disclosures`.

Owns the commands about what a patient allowed. Refuses a patient's name: a patient is an alias of one's own or a token.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from concord_formats.vocabulary import Information, PartyKind, Purpose, Sensitivity

from ..api import Consent, ConsentVersion, Party, Terms
from ..client import Client
from ..consents import Form
from .choices import words
from .output import Json, note, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="What a patient allowed, and its end.", no_args_is_help=True)
ConsentId = Annotated[UUID, typer.Argument(help="The consent's id.")]


@app.command()
def create(  # noqa: PLR0913, PLR0917 - the options of a consent's form
    patient: Annotated[str, typer.Option(help="Alias or token of the patient.")],
    to: Annotated[str, typer.Option(help="The other party: practitioner:ID or organization:ID.")],
    information: Annotated[str, typer.Option(help=f"Kinds of information, with commas: {', '.join(Information)}.")],
    form: Annotated[Path, typer.Option(help="The signed form (PDF, scan or text); - for standard input.")],
    signed_on: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day on which the patient signed.")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day of the consent.")],
    purpose: Annotated[str, typer.Option(help=f"Purposes, with commas: {', '.join(Purpose)}.")] = "treatment",
    sensitivity: Annotated[str, typer.Option(help=f"With commas: {', '.join(Sensitivity)}.")] = "general",
    method: Annotated[str, typer.Option(help="How it was signed: ink, electronic or verbal.")] = "ink",
    mutual: Annotated[bool, typer.Option(help="The other party may disclose to you as well.")] = False,
    as_organization: Annotated[bool, typer.Option(help="Your organization is the party, not you alone.")] = False,
    version_of: Annotated[UUID | None, typer.Option(help="Make the next version of this consent.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Draft a consent with the form that the patient signed. It allows nothing until it is accepted."""
    with unlock(home, passphrase_file) as client:
        terms = Terms(
            patient=client.address_book.token(patient),
            discloser=_self(client, as_organization),
            recipient=_party(to),
            mutual=mutual,
            purposes=words(Purpose, purpose, "--purpose"),
            information=words(Information, information, "--information"),
            sensitivity=words(Sensitivity, sensitivity, "--sensitivity"),
            valid_from=datetime.now(UTC),
            valid_until=_end_of(until.date()),
        )
        signed = Form(_read(form), signed_on.date(), method)
        verbs = client.consents
        consent = verbs.create_version(version_of, terms, signed) if version_of else verbs.create(terms, signed)
        _show(client, consent, json)
    note(f"This is a draft. Put it in force with: concord consent accept {consent.id}")


@app.command()
def accept(consent: ConsentId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Accept, for your side, what the signed form lets you disclose; a draft comes into force by it."""
    with unlock(home, passphrase_file) as client:
        _show(client, client.consents.accept(consent), json)


@app.command()
def form(
    consent: ConsentId,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the form; - for standard output.")],
    home: Home = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open the signed form of a consent, to read it before you accept."""
    with unlock(home, passphrase_file) as client:
        content = client.consents.read_form(consent)
    if str(output) == "-":
        sys.stdout.buffer.write(content)
        return
    output.touch(mode=0o600)
    output.write_bytes(content)


@app.command("show")
def show_consent(
    consent: ConsentId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False
) -> None:
    """Show a consent and its versions."""
    with unlock(home, passphrase_file) as client:
        _show(client, client.consents.show(consent), json)


@app.command("list")
def list_consents(
    patient: Annotated[str | None, typer.Option(help="Alias or token of one patient.")] = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """List the consents that you are a party to."""
    with unlock(home, passphrase_file) as client:
        rows = [_row(client, consent) for consent in client.consents.list(patient)]
    show_rows(rows, empty="No consents.", as_json=json)


@app.command()
def revoke(consent: ConsentId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Revoke a consent, and wait until no letter can leave under it any more."""
    with unlock(home, passphrase_file) as client:
        done = client.consents.revoke(consent)
    value = {"consent": done.consent, "revoked_at": done.revoked_at, "effective_at": done.effective_at}
    text = (
        f"Revoked. In effect everywhere since {done.effective_at:%Y-%m-%d %H:%M:%S} UTC; what was opened before stays."
    )
    show(value, text, as_json=json)


@app.command()
def disclosures(
    consent: ConsentId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False
) -> None:
    """The account of a consent: what was released, refused, handed out and opened."""
    with unlock(home, passphrase_file) as client:
        rows = [line.model_dump(mode="json") for line in client.consents.disclosures(consent)]
    show_rows(rows, empty="Nothing was disclosed under this consent.", as_json=json)


def _self(client: Client, as_organization: bool) -> Party:
    if as_organization:
        return Party(kind=PartyKind.ORGANIZATION, id=client.colleagues.organization)
    return Party(kind=PartyKind.PRACTITIONER, id=client.practitioner)


def _party(text: str) -> Party:
    kind, _, identifier = text.rpartition(":")
    try:
        return Party(kind=PartyKind(kind or "practitioner"), id=UUID(identifier))
    except ValueError:
        raise typer.BadParameter("write practitioner:ID or organization:ID", param_hint="--to") from None


def _end_of(day: date) -> datetime:
    """Midnight after the last day, on the signer's own clock: a form says a day, and means its people's."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time()).astimezone()


def _read(path: Path) -> bytes:
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def _show(client: Client, consent: Consent, as_json: bool) -> None:
    versions = "\n".join(_version(client, version) for version in consent.versions)
    alias = client.address_book.alias(consent.patient) or "a patient not in your address book"
    show(
        consent.model_dump(mode="json"),
        f"Consent {consent.id}\n  patient      {alias} ({consent.patient})\n{versions}",
        as_json=as_json,
    )


def _version(client: Client, version: ConsentVersion) -> str:
    lines = [f"  version {version.version}    {version.status}, until {version.valid_until:%Y-%m-%d}"]
    for direction in version.directions:
        accepted = "accepted" if direction.accepted_at else "not accepted yet by its discloser"
        names = f"{_name(client, direction.discloser)} to {_name(client, direction.recipient)}"
        lines.append(f"    {names}: {accepted}")
    lines.append(f"    purposes     {', '.join(version.purposes)}")
    lines.append(f"    information  {', '.join(version.information)}")
    lines.append(f"    sensitivity  {', '.join(version.sensitivity)}")
    return "\n".join(lines)


def _name(client: Client, party: Party) -> str:
    if party.kind is PartyKind.PRACTITIONER:
        return client.directory.practitioner(party.id).name
    return client.directory.organization(party.id).name


def _row(client: Client, consent: Consent) -> dict[str, Any]:
    latest = consent.latest
    return {
        "id": str(consent.id),
        "patient": client.address_book.alias(consent.patient) or consent.patient,
        "version": latest.version,
        "status": latest.status,
        "until": f"{latest.valid_until:%Y-%m-%d}",
    }
