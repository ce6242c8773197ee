"""`concord consent create`, `print`, `attach`, `form`: from a patient's wish to a signed form on record.

Owns the commands up to the signature. Refuses a patient's name as an argument: it is taken from the sealed address
book, or asked for.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from concord_formats.vocabulary import (
    ConsentType,
    ExpiryEvent,
    FormLanguage,
    Information,
    PartyKind,
    Purpose,
    Sensitivity,
)

from ..api import Consent, Party, Terms
from ..client import Client
from ..consents import MAX_DAYS, Form
from ..printing import printed_form
from ..private_files import replacing
from .attestation import (
    Authority,
    CopyGiven,
    Language,
    Method,
    OwnForm,
    SignedOn,
    Witness,
    attestation,
)
from .choices import party, words
from .consent import ConsentId, app, show_consent_whole
from .days import end_of
from .declined import note_declined
from .output import Json, note
from .session import Home, PassphraseFile, unlock


@app.command()
def create(  # noqa: PLR0913, PLR0917 - the options of a consent's form
    patient: Annotated[str, typer.Option(help="Alias or token of the patient.")],
    to: Annotated[str, typer.Option(help="The other party: practitioner:ID or organization:ID.")],
    information: Annotated[str, typer.Option(help=f"Kinds of information, with commas: {', '.join(Information)}.")],
    type_: Annotated[
        ConsentType, typer.Option("--type", help="Under which law it is written.")
    ] = ConsentType.HIPAA_AUTHORIZATION,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day of the consent.")] = None,
    expires_on: Annotated[
        ExpiryEvent | None, typer.Option(help="An event that ends it, at most five years from now.")
    ] = None,
    purpose: Annotated[str, typer.Option(help=f"Purposes, with commas: {', '.join(Purpose)}.")] = "treatment",
    sensitivity: Annotated[str, typer.Option(help=f"With commas: {', '.join(Sensitivity)}.")] = "general",
    mutual: Annotated[bool, typer.Option(help="The other party may disclose to you as well.")] = False,
    as_organization: Annotated[bool, typer.Option(help="Your organization is the party, not you alone.")] = False,
    version_of: Annotated[UUID | None, typer.Option(help="Make the next version of this consent.")] = None,
    form: Annotated[
        Path | None, typer.Option(help="The signed form, if it is signed already; - for standard input.")
    ] = None,
    signed_on: SignedOn = None,
    method: Method = "ink",
    own_form_states: OwnForm = None,
    language: Language = FormLanguage.ENGLISH,
    authority: Authority = None,
    witness: Witness = None,
    copy_given: CopyGiven = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Draft a consent. It allows nothing until a signed form is attached and its discloser has accepted it."""
    with unlock(home, passphrase_file) as client:
        start, end = _window(until, expires_on)
        terms = Terms(
            type=type_,
            patient=client.address_book.token(patient),
            discloser=_self(client, as_organization),
            recipient=party(to, "--to"),
            mutual=mutual,
            purposes=words(Purpose, purpose, "--purpose"),
            information=words(Information, information, "--information"),
            sensitivity=words(Sensitivity, sensitivity, "--sensitivity"),
            valid_from=start,
            valid_until=end,
            expires_on=expires_on,
        )
        if form is None:
            consent = client.consents.draft(terms, version_of)
            follow = f"Print its form: concord consent print {consent.id} --output FORM.pdf"
        else:
            said = attestation(type_, signed_on, method, own_form_states, language, authority, witness, copy_given)
            consent = client.consents.create(terms, Form(_read(form), said), version_of)
            follow = _next(consent)
        show_consent_whole(client, consent, json)
        note_declined(client, consent.patient)
    note(f"This is a draft. {follow}")


@app.command("print")
def print_form(  # noqa: PLR0913, PLR0917 - what is filled in by hand otherwise
    consent: ConsentId,
    output: Annotated[Path, typer.Option("--output", "-o", help="FILE.pdf or FILE.txt; - prints the text.")],
    practice_address: Annotated[str, typer.Option(help="Where the patient cancels in writing.")],
    practice_phone: Annotated[str | None, typer.Option(help="A telephone number for questions.")] = None,
    birth_date: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The patient's birth date.")] = None,
    language: Annotated[FormLanguage, typer.Option(help="en or es.")] = FormLanguage.ENGLISH,
    authority: Authority = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Print a draft's form in plain language, for the patient to read and sign.

    The patient's name is filled in here; a representative's name is asked for.
    """
    with unlock(home, passphrase_file) as client:
        representative = (_asked("Representative's name"), authority) if authority else None
        content = printed_form(
            client,
            consent,
            as_pdf=output.suffix.lower() == ".pdf",
            language=language.value,
            practice=(practice_address, practice_phone),
            birth_date=birth_date.date() if birth_date else None,
            representative=representative,
        )
    _write(content, output)
    options = f"--signed-on DAY --language {language} --copy-given{f' --authority {authority}' if authority else ''}"
    note(f"Once it is signed, and the signer has a copy: concord consent attach {consent} --form SCAN {options}")


@app.command()
def attach(  # noqa: PLR0913, PLR0917 - what is attested of a form
    consent: ConsentId,
    form: Annotated[Path, typer.Option(help="The signed form (PDF, scan or text); - for standard input.")],
    signed_on: SignedOn,
    method: Method = "ink",
    own_form_states: OwnForm = None,
    language: Language = FormLanguage.ENGLISH,
    authority: Authority = None,
    witness: Witness = None,
    copy_given: CopyGiven = False,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Attach the signed form to a draft, sealed to both parties, with what you attest of it."""
    with unlock(home, passphrase_file) as client:
        type_ = client.consents.show(consent).latest.type
        said = attestation(type_, signed_on, method, own_form_states, language, authority, witness, copy_given)
        attached = client.consents.attach(consent, Form(_read(form), said))
        show_consent_whole(client, attached, json)
    note(_next(attached))


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
    _write(content, output)


def _next(attached: Consent) -> str:
    """What is to be done with a draft that has a form."""
    if any(each.element != "acceptance" for each in attached.latest.missing):
        return f"Have what it lacks put right, and attach the form again: concord consent attach {attached.id}"
    return f"Put it in force with: concord consent accept {attached.id}"


def _self(client: Client, as_organization: bool) -> Party:
    if as_organization:
        return Party(kind=PartyKind.ORGANIZATION, id=client.colleagues.organization)
    return Party(kind=PartyKind.PRACTITIONER, id=client.practitioner)


def _window(until: datetime | None, expires_on: ExpiryEvent | None) -> tuple[datetime, datetime]:
    start = datetime.now(UTC)
    if until is not None:
        return start, end_of(until.date())
    if expires_on is None:
        raise typer.BadParameter("name the last day, or --expires-on", param_hint="--until")
    return start, start + timedelta(days=MAX_DAYS)


def _asked(what: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(what))
    return sys.stdin.readline().strip()


def _read(path: Path) -> bytes:
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def _write(content: bytes, output: Path) -> None:
    if str(output) == "-":
        sys.stdout.buffer.write(content)
        return
    with replacing(output) as target:
        target.write(content)


__all__ = ["app"]
