"""FHIR R4 document Bundles.

Owns their validation (by the models of `fhir.resources`, loaded only when asked for) and what is shown of them.
Refuses other resources than a document: a Bundle of type `document` whose first entry is a Composition (FHIR R4,
Bundle, invariant bdl-11). Terminology and profiles are not validated; the International Patient Summary is recognised
by its LOINC code.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..errors import DocumentError
from .content import Content
from .summary import DocumentSummary, shown, shown_all

_IPS_CODE = "60591-5"  # LOINC "Patient summary Document", fixed by the IPS Composition profile
_MESSAGES = {
    "missing": "is required and missing",
    "extra_forbidden": "is not an element of FHIR R4",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
}


def check(content: Content) -> None:
    """Validate every element. Raises `DocumentError` that names the first wrong one by its path."""
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415 - takes a third of a second; most commands need none
    from pydantic import ValidationError  # noqa: PLC0415 - beside it

    members = _document(content)
    try:
        Bundle.model_validate(members)
    except ValidationError as error:
        raise _problem(error.errors(include_url=False, include_input=False, include_context=False)) from None
    except LookupError:  # how the models say that they do not know a type of resource
        raise DocumentError("it holds a resource of a type that FHIR R4 does not have", "Bundle.entry") from None
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise DocumentError("it does not follow FHIR R4", "Bundle") from None


def describe(content: Content) -> DocumentSummary:
    """Title, patient and sections, read leniently: showing is not validating. Raises `DocumentError`."""
    members = _document(content)
    composition = _members(_resources(members)[0])
    patient = _patient(members, composition)
    codings = _members(composition.get("type")).get("coding")
    is_ips = any(_members(coding).get("code") == _IPS_CODE for coding in _items(codings))
    return DocumentSummary(
        "application/fhir+json",
        shown(composition.get("title")) or "FHIR document",
        content.size,
        patient_name=_name(patient),
        birth_date=shown(patient.get("birthDate")),
        sections=shown_all([_members(section).get("title") for section in _items(composition.get("section"))]),
        profile=f"International Patient Summary (LOINC {_IPS_CODE})" if is_ips else None,
    )


def _document(content: Content) -> dict[str, Any]:
    try:
        members = json.loads(content.whole())
    except (ValueError, RecursionError):
        raise DocumentError("it is not JSON") from None
    if not isinstance(members, dict) or members.get("resourceType") != "Bundle":
        raise DocumentError("must be Bundle: send a FHIR document", "resourceType")
    if members.get("type") != "document":
        raise DocumentError("must be document", "Bundle.type")
    resources = _resources(members)
    if not resources or _members(resources[0]).get("resourceType") != "Composition":
        raise DocumentError("must be a Composition (bdl-11)", "Bundle.entry[0].resource")
    return members


def _problem(errors: list[Any]) -> DocumentError:
    """The deepest of the errors: those above it only say that something below is wrong."""
    worst = max(errors, key=lambda error: len(error["loc"]))
    return DocumentError(_MESSAGES.get(worst["type"], "is not valid in FHIR R4"), _path(worst["loc"]))


def _path(location: Iterable[object]) -> str:
    path = "Bundle"
    for step in location:
        if step == "root":  # the models' own word for an element as a whole
            continue
        path += f"[{step}]" if isinstance(step, int) else f".{shown(str(step)) or '?'}"
    return path


def _resources(members: dict[str, Any]) -> list[Any]:
    return [_members(entry).get("resource") for entry in _items(members.get("entry"))]


def _patient(members: dict[str, Any], composition: dict[str, Any]) -> dict[str, Any]:
    """The subject of the Composition; where the reference leads nowhere, the only Patient in the Bundle."""
    subject = _members(composition.get("subject")).get("reference")
    patients = []
    for entry in map(_members, _items(members.get("entry"))):
        resource = _members(entry.get("resource"))
        if resource.get("resourceType") == "Patient":
            patients.append(resource)
            if isinstance(subject, str) and subject in (entry.get("fullUrl"), f"Patient/{resource.get('id')}"):
                return resource
    return patients[0] if len(patients) == 1 else {}


def _name(patient: dict[str, Any]) -> str | None:
    names = [_members(name) for name in _items(patient.get("name"))]
    name = next((each for each in names if each.get("use") in ("official", "usual")), names[0] if names else {})
    parts = [*_items(name.get("given")), name.get("family")]
    return shown(" ".join(part for part in parts if isinstance(part, str))) or shown(name.get("text"))


def _members(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


__all__ = ["check", "describe"]
