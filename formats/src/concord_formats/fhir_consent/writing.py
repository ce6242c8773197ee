"""From a record to a FHIR R4 `Consent`.

Owns the shape of what goes out. Refuses what is no consent (the record of an emergency release, 42 CFR 2.51), and what
still waits to be looked up. It writes no narrative and no display: a patient's name has no place in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast
from uuid import UUID

from ..vocabulary import PartyKind
from . import codes
from .codes import Code, Extension
from .moments import written, written_end
from .record import Acceptance, ConsentRecord, Deed, ForeignPatient, History, NamedByNpi, Party, Signed, Standing
from .walk import NotRepresentableError, Place

_STATUSES = {Standing.DRAFT: "draft", Standing.ACTIVE: "active"}
_INACTIVE = "inactive"
_PARTIES = {PartyKind.PRACTITIONER: "Practitioner", PartyKind.ORGANIZATION: "Organization"}
_Members = dict[str, Any]


def write_consent(record: ConsentRecord) -> _Members:
    """The resource, as JSON values. Raises `NotRepresentableError` that lists every element in the way."""
    patient, discloser, recipient = _named(record)
    evidence, deeds = record.evidence, {deed.what: deed for deed in record.deeds}
    drafted = deeds.get(History.DRAFTED)
    members: _Members = {
        "resourceType": "Consent",
        "id": str(record.id) if record.id else None,
        "extension": _extensions(record),
        "status": _STATUSES.get(record.status, _INACTIVE),
        "scope": _concept(codes.SCOPE),
        "category": [_concept(each) for each in codes.CATEGORIES],
        "patient": _patient(patient),
        "dateTime": written(drafted.at) if drafted else None,
        "performer": [_patient(patient)] if evidence and evidence.signer == "patient" else None,
        "organization": [_reference(discloser)] if discloser.kind is PartyKind.ORGANIZATION else None,
        "sourceAttachment": _attachment(evidence) if evidence else None,
        "policyRule": _concept(codes.POLICIES[record.type], Code(codes.OWN_TYPE, record.type.value)),
        "provision": _provision(record, discloser, recipient),
    }
    return {name: value for name, value in members.items() if value}


def _named(record: ConsentRecord) -> tuple[str, Party, Party]:
    """Patient, discloser and recipient. Raises `NotRepresentableError` for these and everything else in the way."""
    places = []
    if record.type not in codes.POLICIES:
        places.append(Place("policyRule", f"{record.type}: a release without consent is none"))
    if isinstance(record.patient, ForeignPatient):
        places.append(Place("patient", "must be a token of Concord's"))
    waiting = [each for each in (record.discloser, record.recipient) if isinstance(each, NamedByNpi)]
    places += [Place(each.path, "must be looked up in the directory first") for each in waiting]
    if places:
        raise NotRepresentableError(tuple(places))
    return cast(tuple[str, Party, Party], (record.patient, record.discloser, record.recipient))


def _extensions(record: ConsentRecord) -> list[_Members]:
    made = [_extension(Extension.VERSION, valuePositiveInt=record.version)] if record.version else []
    if record.status not in _STATUSES:
        made.append(_extension(Extension.STANDING, valueCode=record.status.value))
    return made + [_deed(each) for each in record.deeds if each.by or each.as_ or each.what is not History.DRAFTED]


def _deed(deed: Deed) -> _Members:
    inner = [_extension("what", valueCode=deed.what.value), _extension("at", valueDateTime=written(deed.at))]
    if deed.by:
        inner.append(_extension("by", valueReference=_person(deed.by)))
    if deed.as_:
        inner.append(_extension("as", valueCode=deed.as_))
    return _extension(Extension.DEED, extension=inner)


def _attachment(signed: Signed) -> _Members:
    """The sealed form: an age file. `Attachment.hash` is SHA-1 in R4, so that the digest stands in an extension."""
    inner = [
        _extension("sha256", valueString=signed.sha256),
        _extension("signed-on", valueDate=signed.signed_on.isoformat()),
        _extension("method", valueCode=signed.method),
        _extension("form", valueCode=signed.form),
        _extension("language", valueCode=signed.language.value),
        *(_extension("statement", valueCode=each.value) for each in sorted(signed.statements)),
        _extension("signer", valueCode=signed.signer),
    ]
    if signed.authority:
        inner.append(_extension("authority", valueCode=signed.authority.value))
    if signed.witness:
        inner.append(_extension("witness", valueReference=_person(signed.witness)))
    inner.append(_extension("copy-given", valueBoolean=signed.copy_given))
    extension = [_extension(Extension.EVIDENCE, extension=inner)]
    return {"extension": extension, "contentType": "application/octet-stream", "size": signed.size}


def _provision(record: ConsentRecord, discloser: Party, recipient: Party) -> _Members:
    """The window, and in it one permit for each way: the root rule of R4 has no type, its base is that nothing may be
    disclosed.
    """
    ways = [(discloser, recipient), (recipient, discloser)][: 2 if record.mutual else 1]
    permits = [_permit(record, *way, accepted) for way, accepted in zip(ways, record.accepted, strict=False)]
    period = {"start": written(record.valid_from), "end": written_end(record.valid_until)}
    event = record.expires_on
    extension = {"extension": [_extension(Extension.EXPIRES_ON, valueCode=event.value)]} if event else {}
    return extension | {"period": period, "provision": permits}


def _permit(record: ConsentRecord, discloser: Party, recipient: Party, accepted: Acceptance | None) -> _Members:
    purposes = [_coding(codes.PURPOSES[each]) for each in sorted(record.purposes)]
    labels = [_coding(code) for each in sorted(record.sensitivity) for code in codes.SENSITIVITIES[each]]
    own_labels = [_coding(Code(codes.OWN_SENSITIVITY, each.value)) for each in sorted(record.sensitivity)]
    kinds = [_kind(codes.KINDS[each], each.value) for each in sorted(record.information)]
    return {
        **({"extension": [_accepted(accepted)]} if accepted else {}),
        "type": "permit",
        "actor": [_actor(codes.DISCLOSER, discloser), _actor(codes.RECIPIENT, recipient)],
        "action": [_concept(codes.DISCLOSE)],
        "securityLabel": _some([*labels, *own_labels]),
        "purpose": _some(purposes),
        "code": _some(kinds),
    }


def _some(values: Sequence[_Members]) -> list[_Members]:
    """The values; where a draft says nothing yet, exactly that: in FHIR an absent list allows everything."""
    return list(values) or [{"extension": [_extension(codes.DATA_ABSENT, valueCode="unknown")]}]


def _accepted(accepted: Acceptance) -> _Members:
    at = _extension("at", valueInstant=written(accepted.at))
    return _extension(Extension.ACCEPTED, extension=[at, _extension("by", valueReference=_person(accepted.by))])


def _kind(loinc: Code | None, word: str) -> _Members:
    own = Code(codes.OWN_INFORMATION, word)
    return _concept(loinc, own) if loinc else _concept(own)


def _actor(role: Code, party: Party) -> _Members:
    return {"role": _concept(role), "reference": _reference(party)}


def _patient(token: str) -> _Members:
    """A logical reference: a token has an underscore, which no literal reference may have."""
    return {"type": "Patient", "identifier": {"system": codes.PATIENT_TOKEN, "value": token}}


def _reference(party: Party) -> _Members:
    return {"reference": f"{_PARTIES[party.kind]}/{party.id}"}


def _person(practitioner: UUID) -> _Members:
    return _reference(Party(PartyKind.PRACTITIONER, practitioner))


def _concept(*coded: Code) -> _Members:
    return {"coding": _codings(coded)}


def _codings(coded: Iterable[Code]) -> list[_Members]:
    return [_coding(each) for each in coded]


def _coding(code: Code) -> _Members:
    return {"system": code.system, "code": code.code}


def _extension(url: str, **members: Any) -> _Members:
    return {"url": str(url), **members}
