"""A draft's form, filled in with the names that only this device knows.

Owns the way from a consent on record to `concord.forms`. Refuses to send or keep what it fills in.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from concord_formats.vocabulary import PartyKind, SignerAuthority

from .api import Party
from .client import Client
from .errors import AddressBookError
from .forms import Form, FormParty, Practice, Representative, days_of, render_pdf, render_text


def printed_form(
    client: Client,
    consent: UUID,
    *,
    as_pdf: bool,
    language: str,
    practice: tuple[str, str | None],
    birth_date: date | None = None,
    representative: tuple[str, SignerAuthority] | None = None,
) -> bytes:
    """The form of the newest version of a consent, as PDF or as UTF-8 text.

    `practice` is the address where the patient cancels in writing, and a telephone number. Raises `AddressBookError`
    for a patient whose name is not in the address book, `FormError` for what cannot be printed.
    """
    found = client.consents.show(consent)
    version, patient = found.latest, client.address_book.find(found.patient)
    if patient is None:
        raise AddressBookError("this patient's name is not in your address book", "Add it: concord patient add --token")
    first, last = days_of(version.valid_from, version.valid_until)
    form = Form(
        type=version.type,
        language=language,
        patient_name=patient.name,
        birth_date=birth_date,
        discloser=_party(client, version.discloser),
        recipient=_party(client, version.recipient),
        mutual=version.mutual,
        purposes=frozenset(version.purposes),
        information=frozenset(version.information),
        sensitivity=frozenset(version.sensitivity),
        valid_from=first,
        valid_until=last,
        expires_on=version.expires_on,
        practice=Practice(client.whoami().organization.name, *practice),
        representative=Representative(*representative) if representative else None,
        consent=found.id,
        version=version.version,
    )
    return render_pdf(form) if as_pdf else render_text(form).encode()


def _party(client: Client, party: Party) -> FormParty:
    if party.kind is PartyKind.ORGANIZATION:
        return FormParty(client.directory.organization(party.id).name)
    found = client.colleagues.person(party.id, fresh=False)
    return FormParty(found.name, found.organization.name)


__all__ = ["printed_form"]
