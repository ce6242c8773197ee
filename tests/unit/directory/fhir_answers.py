"""What the FHIR face of a house answers, read as strictly as HL7's models read it; and entries of the national list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.endpoint import Endpoint
from fhir.resources.R4B.operationoutcome import OperationOutcome
from fhir.resources.R4B.organization import Organization
from fhir.resources.R4B.practitioner import Practitioner
from fhir.resources.R4B.practitionerrole import PractitionerRole

from services.directory.rules import places
from tests.unit.directory.house import ISSUER, House, Person
from tests.unit.directory.listing_people import imported

MODELS = {each.__name__: each for each in (Endpoint, Organization, Practitioner, PractitionerRole, OperationOutcome)}
MOST_PAGES = 20
FHIR = f"{ISSUER}/fhir"
NPI = "1234567893"
CLINIC_NPI = "1679576722"
PSYCHOLOGIST, ADDICTION = "103T00000X", "207QA0401X"


def listed(
    house: House,
    name: str,
    *,
    specialties: Iterable[str] = (),
    place: tuple[float, float] | None = None,
    **members: Any,
) -> UUID:
    """An entry as an import makes them, some of it said here; `place` in degrees. Its id."""
    lat, lon = place or (None, None)
    placed = {"lat": lat, "lon": lon, "cell": places.cell(*place) if place else None}
    return imported(house, name, **{"postal_code": None, "specialties": tuple(specialties), **placed, **members})


def read(answer: Any, status: int = 200) -> dict[str, Any]:
    """A resource, held against HL7's model of it."""
    assert (answer.status_code, answer.content_type) == (status, "application/fhir+json"), answer.data
    told = dict(answer.get_json(force=True))
    if told["resourceType"] in MODELS:
        MODELS[told["resourceType"]].model_validate(told)
    return told


def outcome(answer: Any, status: int) -> tuple[str, list[str] | None]:
    """The problem's type in an OperationOutcome, and the fields that it names."""
    issue = read(answer, status)["issue"][0]
    return issue["details"]["coding"][0]["code"], issue.get("expression")


def page(person: Person, path: str) -> dict[str, Any]:
    """One page, every resource of which is a valid one at its address."""
    bundle = read(person.request("GET", path))
    Bundle.model_validate(bundle)
    for entry in bundle.get("entry", []):
        MODELS[entry["resource"]["resourceType"]].model_validate(entry["resource"])
        if entry["search"]["mode"] != "outcome":
            assert entry["fullUrl"] == f"{FHIR}/{entry['resource']['resourceType']}/{entry['resource']['id']}"
    return bundle


def onward(bundle: dict[str, Any]) -> str | None:
    """The path of the next page, as a client follows the link."""
    for link in bundle["link"]:
        assert link["url"].startswith(f"{FHIR}/")
        if link["relation"] == "next":
            split = urlsplit(link["url"])
            return f"{split.path.removeprefix('/directory')}?{split.query}"
    return None


def pages(person: Person, type_: str, **said: Any) -> list[dict[str, Any]]:
    """Every page of a search."""
    found: list[dict[str, Any]] = []
    path: str | None = f"/fhir/{type_}?{urlencode(said, doseq=True)}"
    while path:
        assert len(found) < MOST_PAGES, "the pages go round in a circle"
        found.append(page(person, path))
        path = onward(found[-1])
    return found


def search(person: Person, type_: str, **said: Any) -> list[dict[str, Any]]:
    """Every resource that a search finds."""
    every = [entry for bundle in pages(person, type_, **said) for entry in bundle.get("entry", [])]
    return [entry["resource"] for entry in every if entry["search"]["mode"] == "match"]


def names(person: Person, type_: str, **said: Any) -> list[str]:
    """The names of what a search finds, in the order of the alphabet."""
    return sorted(_name(resource) for resource in search(person, type_, **said))


def _name(resource: dict[str, Any]) -> str:
    if "practitioner" in resource:
        return str(resource["practitioner"]["display"])
    return str(resource["name"] if isinstance(resource["name"], str) else resource["name"][0]["text"])
