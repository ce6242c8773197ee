"""An account as FHIR R4: a Bundle of type `collection` with one `AuditEvent` a line.

Owns the mapping. Refuses names of patients, and to hide that lines are missing: a Bundle that the reader may not see
whole carries the tag SUBSETTED. Sources: HL7 FHIR R4, AuditEvent, and its example of an accounting of a disclosure;
DICOM PS3.16 (DCM); ISO 21089 lifecycle events; HL7 v3 ActReason, ActCode, Confidentiality.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from concord_formats.fhir_consent.codes import (
    ACT_REASON,
    OWN_SENSITIVITY,
    PATIENT_TOKEN,
    PURPOSES,
    SENSITIVITIES,
)

from .entries import Entry, Person
from .event import AccountEvent
from .sheet import AccountSheet
from .wording import Wording, wording

DCM = "http://dicom.nema.org/resources/ontology/DCM"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
SOURCE_TYPE = "http://terminology.hl7.org/CodeSystem/security-source-type"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
URI = "urn:ietf:rfc:3986"
# Concord's own words for what happened, which HL7's say less exactly.
EVENT = "urn:concord:event"

_EXPORT = {"system": DCM, "code": "110106", "display": "Export"}
_IMPORT = {"system": DCM, "code": "110107", "display": "Import"}
# By kind: the type, and the event in the life of the record. What is not known is an export of an unknown kind.
_KINDS = {
    "released": (_EXPORT, "disclose"),
    "refused": (_EXPORT, "disclose"),
    "handed-out": (_EXPORT, "transmit"),
    "opened": (_IMPORT, "access"),
}
# FHIR R4, audit-event-outcome: success, and an action that was stopped.
_DONE, _STOPPED = "0", "8"


def as_fhir(sheet: AccountSheet) -> bytes:
    """The Bundle as JSON."""
    words = wording(sheet.language)
    entries = [
        {"fullUrl": f"urn:uuid:{entry.event.id}", "resource": _audit_event(entry, words)} for entry in sheet.entries
    ]
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "identifier": {"system": PATIENT_TOKEN, "value": sheet.account.patient},
        "type": "collection",
        "timestamp": _instant(sheet.made_at),
    }
    if sheet.blinded:
        # FHIR R4, "Resource": what was left out is said. The number of lines stands in the tag's display.
        left_out = f"{len(sheet.blinded)} of {len(sheet.account.lines)} lines are not for this reader"
        bundle["meta"] = {"tag": [{"system": OBSERVATION_VALUE, "code": "SUBSETTED", "display": left_out}]}
    if entries:
        bundle["entry"] = entries
    return (json.dumps(bundle, ensure_ascii=False, indent=2) + "\n").encode()


def _audit_event(entry: Entry, words: Wording) -> dict[str, Any]:
    event = entry.event
    type_, lifecycle = _KINDS.get(event.kind, (_EXPORT, None))
    subtypes = [{"system": LIFECYCLE, "code": lifecycle}] if lifecycle else []
    resource = {
        "resourceType": "AuditEvent",
        "id": str(event.id),
        "type": type_,
        "subtype": [*subtypes, {"system": EVENT, "code": event.kind, "display": words.say("event", event.kind)}],
        "action": "R",
        "recorded": _instant(event.at),
        "outcome": _STOPPED if event.kind == "refused" else _DONE,
        "purposeOfEvent": [_purpose(event, words)],
        "agent": _agents(entry),
        "source": _source(),
        "entity": [_patient(event), _consent(event), _letter(event, words)],
    }
    if remarks := words.remarks(entry):
        resource["outcomeDesc"] = ". ".join(remarks)
    return resource


def _purpose(event: AccountEvent, words: Wording) -> dict[str, Any]:
    codings = [code._asdict() for purpose, code in PURPOSES.items() if purpose == event.purpose]
    # 42 CFR 2.51: without a consent, whatever the purpose is called.
    if event.emergency:
        codings.append({"system": ACT_REASON, "code": "BTG"})
    return {"coding": codings, "text": words.why(event)} if codings else {"text": words.why(event)}


def _agents(entry: Entry) -> list[dict[str, Any]]:
    opened = entry.event.kind == "opened"
    source = {"system": DCM, "code": "110153", "display": "Source Role ID"}
    destination = {"system": DCM, "code": "110152", "display": "Destination Role ID"}
    delegator = {"system": ROLE, "code": "DELEGATOR", "display": "delegator"}
    agents = [
        _agent(entry.sender, source, requestor=not opened),
        _agent(entry.recipient, destination, requestor=opened),
    ]
    return agents + ([_agent(entry.on_behalf_of, delegator, requestor=False)] if entry.on_behalf_of else [])


def _agent(person: Person, role: dict[str, str], *, requestor: bool) -> dict[str, Any]:
    who = {"type": "Practitioner", "identifier": _uuid(person.id), "display": person.whole}
    agent: dict[str, Any] = {"type": {"coding": [role]}, "who": who, "name": person.name, "requestor": requestor}
    return agent | ({"altId": person.npi} if person.npi else {})


def _source() -> dict[str, Any]:
    return {
        "observer": {"type": "Device", "display": "Concord, messaging service"},
        "type": [{"system": SOURCE_TYPE, "code": "4", "display": "Application Server"}],
    }


def _patient(event: AccountEvent) -> dict[str, Any]:
    return {
        "what": {"type": "Patient", "identifier": {"system": PATIENT_TOKEN, "value": event.patient}},
        "type": {"system": ENTITY_TYPE, "code": "1", "display": "Person"},
        "role": {"system": OBJECT_ROLE, "code": "1", "display": "Patient"},
    }


def _consent(event: AccountEvent) -> dict[str, Any]:
    return {
        "what": {"reference": f"Consent/{event.consent}", "type": "Consent", "identifier": _uuid(event.consent)},
        "type": {"system": ENTITY_TYPE, "code": "2", "display": "System Object"},
        "detail": [
            {"type": "version", "valueString": str(event.consent_version)},
            {"type": "basis", "valueString": event.basis},
        ],
    }


def _letter(event: AccountEvent, words: Wording) -> dict[str, Any]:
    details = {
        "information": ",".join(event.information),
        "sensitivity": ",".join(event.sensitivity),
        "line": str(event.n),
        "team": str(event.team) if event.team else None,
        "notice": "42 CFR 2.32" if event.notice else None,
        "reason": event.reason,
        "label-reason": event.label_reason,
    }
    return {
        "what": {"type": "DocumentReference", "identifier": _uuid(event.letter)},
        "type": {"system": ENTITY_TYPE, "code": "2", "display": "System Object"},
        "role": {"system": OBJECT_ROLE, "code": "3", "display": "Report"},
        "securityLabel": [coding for label in event.sensitivity for coding in _label(label)],
        "description": words.what(event),
        "detail": [{"type": name, "valueString": value} for name, value in details.items() if value],
    }


def _label(label: str) -> list[dict[str, str]]:
    """HL7's codes for a label, then Concord's own: HL7 has none for some, and several labels share others."""
    known = next((codes for word, codes in SENSITIVITIES.items() if word == label), ())
    return [*(code._asdict() for code in known), {"system": OWN_SENSITIVITY, "code": label}]


def _uuid(id_: UUID) -> dict[str, str]:
    return {"system": URI, "value": f"urn:uuid:{id_}"}


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


__all__ = ["as_fhir"]
