"""What the FHIR face of the directory presents: resources as JSON values.

Owns `Practitioner`, `PractitionerRole` and `Endpoint`, after US Core and Da Vinci PDex Plan-Net where those fit.
Refuses to guess: a name is one text here, and which part of it is the family name was never asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from concord_formats.fhir_consent.moments import written, written_end

from services.chassis.fhir import Members

from ..finding.listing_showing import Cover, FoundListing
from ..models import Listing, Practitioner
from ..rules import languages
from ..rules.people import Status
from .fhir_values import NPI_SYSTEM, TAXONOMY_SYSTEM

LANGUAGE_SYSTEM = "urn:ietf:bcp:47"
CONNECTION_SYSTEM = "urn:concord:connection-type"
PAYLOAD_SYSTEM = "urn:concord:payload-type"
CONNECTION, LETTER = "concord-letter", "application/vnd.concord.letter"
_EXTENSION = "urn:concord:fhir:"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_PLAN_NET = "http://hl7.org/fhir/us/davinci-pdex-plan-net"
# Plan-Net's code system AcceptingPatientsCS.
_ACCEPTING = {True: ("newpt", "Accepting"), False: ("nopt", "Not Accepting")}
_PLACE = "place"


def id_of(found: FoundListing) -> UUID:
    """An account's own id, by which consents and letters name it too; that of the listing where nobody is enrolled."""
    return found.row.practitioner_id or found.row.id


def is_active(found: FoundListing) -> bool:
    """Whether this person is at work here: an account that is suspended is not."""
    return found.account is None or found.account.status == Status.ACTIVE


def practitioner(found: FoundListing) -> Members:
    """Who somebody is."""
    account = found.account
    asked = {"extension": [{"url": _ABSENT, "valueCode": "not-asked"}]}
    return {
        "resourceType": "Practitioner",
        "id": str(id_of(found)),
        **identified(account.npi if account else found.row.npi),
        "active": is_active(found),
        "name": [{"text": named(found), "_family": asked}],
        **_some("communication", (_language(code) for code in found.languages)),
    }


def role(found: FoundListing) -> Members:
    """What somebody does, where, and for whom."""
    id_ = str(id_of(found))
    reached = found.account is not None and is_active(found)
    return {
        "resourceType": "PractitionerRole",
        "id": id_,
        **_contained(found.row),
        **_some("extension", _said(found)),
        "active": is_active(found),
        "practitioner": {"reference": f"Practitioner/{id_}", "display": named(found)},
        **_organization(found),
        **_some("specialty", (_specialty(each.code, each.name) for each in found.specialties)),
        **_some("location", [{"reference": f"#{_PLACE}"}] if address_of(found.row) else []),
        **telecom(found.row),
        **(_away(found.coverage) if found.coverage else {}),
        **_some("endpoint", [{"reference": f"Endpoint/{id_}"}] if reached else []),
    }


def endpoint(account: Practitioner, public_url: str) -> Members:
    """Where letters for an account go; `public_url` is the directory's address."""
    theirs = account.organization
    return {
        "resourceType": "Endpoint",
        "id": str(account.id),
        "status": "active",
        "connectionType": {"system": CONNECTION_SYSTEM, "code": CONNECTION},
        "name": account.name,
        "managingOrganization": {"reference": f"Organization/{theirs.id}", "display": theirs.name},
        "payloadType": [{"coding": [{"system": PAYLOAD_SYSTEM, "code": "sealed-letter"}]}],
        "payloadMimeType": [LETTER],
        "address": f"{public_url}/v1/practitioners/{account.id}",
    }


def named(found: FoundListing) -> str:
    """The name of the account, else that of the listing."""
    return found.account.name if found.account else found.row.name


def identified(npi: str | None) -> Members:
    """An NPI as an identifier, if there is one."""
    return _some("identifier", [{"system": NPI_SYSTEM, "value": npi}] if npi else [])


def telecom(row: Listing) -> Members:
    """The telephone at work, if there is one."""
    return _some("telecom", [{"system": "phone", "value": row.phone, "use": "work"}] if row.phone else [])


def address_of(row: Listing) -> Members:
    """The address at work; empty where nothing of it is known."""
    known = {"city": row.city, "state": row.state, "postalCode": row.postal_code}
    return _some("line", [row.line] if row.line else []) | {name: value for name, value in known.items() if value}


def _contained(row: Listing) -> Members:
    """The place of a role stands in the role: it has no life of its own."""
    if not (address := address_of(row)):
        return {}
    return {"contained": [{"resourceType": "Location", "id": _PLACE, "address": {"use": "work"} | address}]}


def _organization(found: FoundListing) -> Members:
    if found.account:
        theirs = found.account.organization
        return {"organization": {"reference": f"Organization/{theirs.id}", "display": theirs.name}}
    name = found.row.organization_name
    return {"organization": {"display": name}} if name else {}


def _said(found: FoundListing) -> Iterable[Members]:
    """What FHIR has no element for."""
    row = found.row
    if row.accepting is not None:
        code, display = _ACCEPTING[row.accepting]
        concept = {
            "coding": [{"system": f"{_PLAN_NET}/CodeSystem/AcceptingPatientsCS", "code": code, "display": display}]
        }
        inner = [{"url": "acceptingPatients", "valueCodeableConcept": concept}]
        yield {"url": f"{_PLAN_NET}/StructureDefinition/newpatients", "extension": inner}
    if row.telehealth is not None:
        yield {"url": f"{_EXTENSION}telehealth", "valueBoolean": row.telehealth}
    for group in found.ages:
        yield {"url": f"{_EXTENSION}age-group", "valueCode": group}
    for plan in found.plans:
        yield {"url": f"{_EXTENSION}plan", "valueString": plan}
    if row.confirmed_at is not None:
        yield {"url": f"{_EXTENSION}confirmed-at", "valueDateTime": written(row.confirmed_at)}
    yield {"url": f"{_EXTENSION}stale", "valueBoolean": found.stale}


def _away(cover: Cover) -> Members:
    during = {"start": written(cover.starts_at), "end": written_end(cover.ends_at)}
    return {"notAvailable": [{"description": f"Away. Covered by {cover.covering.name}.", "during": during}]}


def _specialty(code: str, name: str) -> Members:
    return {"coding": [{"system": TAXONOMY_SYSTEM, "code": code, **({"display": name} if name != code else {})}]}


def _language(code: str) -> Members:
    name = languages.NAMES.get(code)
    return {"coding": [{"system": LANGUAGE_SYSTEM, "code": code, **({"display": name} if name else {})}]}


def _some(member: str, values: Iterable[object]) -> Members:
    """A list, or nothing: an empty one is no FHIR."""
    return {member: listed} if (listed := list(values)) else {}
