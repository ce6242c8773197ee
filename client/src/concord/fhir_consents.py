"""FHIR R4 `Consent` on the clinician's own device: drafts from another system's resource, and one's own as a resource.

Owns the way from a file to a draft: what was replaced, what was left out, what begins anew, all of it listed. Refuses
to drop anything in silence, to send a name, and to make a consent of what was revoked or is over: a draft allows
nothing until the signed form is attached and its discloser has accepted it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from concord_formats.fhir_consent import (
    ConsentRecord,
    ForeignPatient,
    NamedByNpi,
    NotRepresentableError,
    Place,
    Standing,
    read_consent,
)
from concord_formats.fhir_consent import Party as RecordParty
from concord_formats.fhir_consent.codes import Extension
from concord_formats.fhir_consent.walk import shown
from concord_formats.vocabulary import PartyKind

from .address_book import AddressBook
from .api import Consent, Party, Terms
from .api.fhir import FhirApi
from .colleagues import Colleagues
from .consents import Consents
from .errors import ConsentResourceError

# A consent is a page of JSON; what is larger is something else.
MAX_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Imported:
    """The draft that was made, and every place of the resource that stands otherwise in it.

    `replaced`: by a token or a directory's id. `ignored`: left out, as was asked. `anew`: a draft begins without it.
    """

    consent: Consent
    replaced: tuple[Place, ...]
    ignored: tuple[Place, ...]
    anew: tuple[Place, ...]


class FhirConsents:
    """Consents that come from, or go to, another system."""

    def __init__(self, api: FhirApi, consents: Consents, colleagues: Colleagues, book: AddressBook) -> None:
        self._api = api
        self._consents = consents
        self._colleagues = colleagues
        self._book = book

    def draft_from(
        self,
        content: bytes,
        patient: str,
        *,
        patient_reference: str | None = None,
        ignoring: bool = False,
        version_of: UUID | None = None,
    ) -> Imported:
        """Draft what a resource says, about the patient of an alias or token.

        `patient_reference` is the resource's own reference to that patient, which the token replaces: it must be the
        one that stands there. Raises `ConsentResourceError` with every place that is in the way, `AddressBookError`,
        `ServiceError`.
        """
        token = self._book.token(patient)
        resource = _resource(content)
        check(resource)
        try:
            reading = read_consent(resource, ignoring=ignoring, midnight=_midnight)
        except NotRepresentableError as error:
            raise ConsentResourceError.of(error.places) from None
        terms, replaced = self._terms(reading.record, token, patient_reference)
        drafted = self._consents.draft(terms, version_of)
        return Imported(drafted, replaced, reading.ignored, tuple(_anew(resource, reading.ignored)))

    def resource(self, consent: UUID, *, patient_reference: str | None = None) -> dict[str, Any]:
        """One consent as FHIR R4, checked: it reads back whole.

        With `patient_reference`, such as `Patient/f001`, the patient stands under it instead of the token.
        """
        resource = self._api.consent(consent)
        check(resource)
        try:
            read_consent(resource)
        except NotRepresentableError as error:
            raise ConsentResourceError.of(error.places) from None
        if patient_reference is None:
            return resource
        patient = {"reference": patient_reference}
        return resource | {name: [patient] if name == "performer" else patient for name in _PATIENTS & set(resource)}

    def _terms(self, record: ConsentRecord, token: str, reference: str | None) -> tuple[Terms, tuple[Place, ...]]:
        refused: list[Place] = []
        replaced = list(_patient(record, token, reference, refused))
        sides = {name: self._party(getattr(record, name), refused, replaced) for name in ("discloser", "recipient")}
        if record.status not in (Standing.DRAFT, Standing.ACTIVE):
            refused.append(Place("status", f"it is {record.status}: a new consent takes a new signature"))
        if refused:
            raise ConsentResourceError.of(refused)
        words = {name: sorted(getattr(record, name)) for name in ("purposes", "information", "sensitivity")}
        same = {name: getattr(record, name) for name in ("type", "mutual", "valid_from", "valid_until", "expires_on")}
        return Terms(patient=token, **sides, **words, **same), tuple(replaced)

    def _party(self, named: RecordParty | NamedByNpi, refused: list[Place], replaced: list[Place]) -> Party | None:
        if isinstance(named, RecordParty):
            return Party(kind=named.kind, id=named.id)
        found = [each for each in self._colleagues.find(named.npi) if each.status == "active"]
        if len(found) != 1:
            detail = "the directory knows nobody" if not found else "the directory knows more than one"
            refused.append(Place(named.path, f"{detail} by this National Provider Identifier"))
            return None
        replaced.append(Place(named.path, f"Practitioner/{found[0].id}"))
        return Party(kind=PartyKind.PRACTITIONER, id=found[0].id)


_PATIENTS = {"patient", "performer"}
_ANEW = {
    "id": "the draft has an id of its own",
    "status": "a draft, until the form is attached and the discloser has accepted it",
    "dateTime": "drafted now",
    "performer": "who signed is attested when the form is attached",
    "sourceAttachment": "attach the signed form to the draft, and attest it",
}
_BEGUN = "what happened to the consent, and its version, begin anew"


def check(resource: Mapping[str, Any]) -> None:
    """Validate against FHIR R4. Raises `ConsentResourceError` with every place that is wrong."""
    from fhir.resources.R4B.consent import Consent as Model  # noqa: PLC0415 - slow to load; most commands need none
    from pydantic import ValidationError  # noqa: PLC0415 - beside it

    if resource.get("resourceType") != "Consent":
        raise ConsentResourceError.of([Place("resourceType", "must be Consent")])
    try:
        Model.model_validate(resource)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise ConsentResourceError.of(Place(_path(each["loc"]), "is not valid in FHIR R4") for each in found) from None
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError):
        raise ConsentResourceError.of([Place("Consent", "does not follow FHIR R4")]) from None


def _path(location: Iterable[str | int]) -> str:
    """`root` is the models' own word for an element as a whole."""
    return shown(tuple(step for step in location if step != "root"))


def _resource(content: bytes) -> dict[str, Any]:
    """One JSON object, each member once. Raises `ConsentResourceError`."""
    try:
        if len(content) > MAX_BYTES:
            raise ValueError("too large")
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ConsentResourceError.of([Place("resourceType", "must be one JSON object of at most 1 MiB")])
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _no_number(_: str) -> Any:
    raise ValueError("no JSON")


def _patient(record: ConsentRecord, token: str, reference: str | None, refused: list[Place]) -> Iterable[Place]:
    """The patient's reference as it was replaced; refused unless it is the one that the caller named."""
    if isinstance(record.patient, ForeignPatient):
        if reference == record.patient.reference:
            yield Place("patient.reference", token)
        elif reference is None:
            refused.append(Place("patient.reference", "name it, once you know that it is this patient's"))
        else:
            refused.append(Place("patient.reference", "is not the reference that was named"))
    elif record.patient != token or reference is not None:
        refused.append(
            Place("patient.identifier", "is a token, of another patient or beside a reference that was named")
        )


def _anew(resource: Mapping[str, Any], ignored: Iterable[Place]) -> Iterable[Place]:
    """What the resource says of the consent's life so far: a draft begins its own."""
    gone = {place.path.partition("[")[0].partition(".")[0] for place in ignored}
    yield from (Place(name, why) for name, why in _ANEW.items() if name in resource and name not in gone)
    if "extension" in resource:
        yield Place("extension", _BEGUN)
    provision = resource["provision"]
    rules = [(f"provision.provision[{place}]", rule) for place, rule in enumerate(provision.get("provision", []))]
    for path, rule in [("provision", provision), *rules]:
        if any(each["url"] == Extension.ACCEPTED for each in rule.get("extension", [])):
            yield Place(f"{path}.extension", "the discloser accepts the draft anew")


def _midnight(day: date) -> datetime:
    """A form says a day, and means its people's: this machine's zone."""
    return datetime.combine(day, time.min).astimezone()


__all__ = ["MAX_BYTES", "FhirConsents", "Imported", "check"]
