"""`concord consent accept`, `show`, `list`, `end`, `revoke`, `disclosures`.

Owns the commands about a consent that is on record; `consent_draft` makes one. Refuses a patient's name: a patient
is an alias of one's own or a token.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import typer
from concord_formats.vocabulary import ExpiryEvent, PartyKind

from ..api import Consent, ConsentVersion, Party
from ..client import Client
from ..forms import days_of
from .output import Json, show, show_rows
from .session import Home, PassphraseFile, unlock

app = typer.Typer(help="What a patient allowed, and its end.", no_args_is_help=True)
ConsentId = Annotated[UUID, typer.Argument(help="The consent's id.")]


@app.command()
def accept(consent: ConsentId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Accept, for your side, what the signed form lets you disclose; a draft comes into force by it."""
    with unlock(home, passphrase_file) as client:
        show_consent_whole(client, client.consents.accept(consent), json)


@app.command("show")
def show_consent(
    consent: ConsentId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False
) -> None:
    """Show a consent and its versions."""
    with unlock(home, passphrase_file) as client:
        show_consent_whole(client, client.consents.show(consent), json)


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
def end(consent: ConsentId, home: Home = None, passphrase_file: PassphraseFile = None, json: Json = False) -> None:
    """Record that the event came on which a consent expires, such as the end of treatment."""
    with unlock(home, passphrase_file) as client:
        show_consent_whole(client, client.consents.end(consent), json)


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


def show_consent_whole(client: Client, consent: Consent, as_json: bool) -> None:
    """Print a consent with all its versions."""
    versions = "\n".join(_version(client, version) for version in consent.versions)
    alias = client.address_book.alias(consent.patient) or "a patient not in your address book"
    show(
        consent.model_dump(mode="json"),
        f"Consent {consent.id}\n  patient      {alias} ({consent.patient})\n{versions}",
        as_json=as_json,
    )


def _version(client: Client, version: ConsentVersion) -> str:
    event = f" or {version.expires_on}" if version.expires_on not in (None, ExpiryEvent.NONE) else ""
    lines = [f"  version {version.version}    {version.status}, through {last_day(version)}{event}"]
    lines.append(f"    type         {version.type}")
    for direction in version.directions:
        accepted = "accepted" if direction.accepted_at else "not accepted yet by its discloser"
        names = f"{name_of(client, direction.discloser)} to {name_of(client, direction.recipient)}"
        lines.append(f"    {names}: {accepted}")
    lines.append(f"    purposes     {', '.join(version.purposes)}")
    lines.append(f"    information  {', '.join(version.information)}")
    lines.append(f"    sensitivity  {', '.join(version.sensitivity)}")
    if version.status in ("draft", "deficient"):
        lines += [f"    lacks        {each.element} ({each.citation})" for each in version.missing]
    return "\n".join(lines)


def last_day(version: ConsentVersion) -> date:
    """The last day of a version, as a form has it: its window ends with that day on this machine's calendar."""
    return days_of(version.valid_from, version.valid_until)[1]


def name_of(client: Client, party: Party) -> str:
    """A party's name; that of a person as it stands in the key log, for a consent is where people are chosen."""
    if party.kind is PartyKind.PRACTITIONER:
        return client.colleagues.name(party.id)
    return client.directory.organization(party.id).name


def _row(client: Client, consent: Consent) -> dict[str, Any]:
    latest = consent.latest
    return {
        "id": str(consent.id),
        "patient": client.address_book.alias(consent.patient) or consent.patient,
        "version": latest.version,
        "type": latest.type.value,
        "status": latest.status,
        "through": f"{last_day(latest)}",
    }
