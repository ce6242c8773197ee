"""The directory read as FHIR R4: from a colleague's number to where a letter goes, and from a Consent to its people."""

from __future__ import annotations

from typing import Any

from concord.client import Client
from fhir.resources.R4B.bundle import Bundle

from tests.journeys.world import EmbeddedWorld, World
from tests.people import NPIS, active_consent


def get(client: Client, path: str, **parameters: str) -> dict[str, Any]:
    return dict(client.transport.json("GET", f"/directory/fhir/{path}", params=parameters or None))


def found(client: Client, type_: str, **parameters: str) -> list[dict[str, Any]]:
    """The resources of a page that is a valid Bundle."""
    bundle = get(client, type_, **parameters)
    Bundle.model_validate(bundle)
    return [entry["resource"] for entry in bundle.get("entry", [])]


def test_a_number_leads_to_where_a_letter_goes(world: World) -> None:
    physician, psychologist = world.people.physician, world.people.psychologist
    npi = f"http://hl7.org/fhir/sid/us-npi|{NPIS['Dr. Noor Haddad']}"
    (person,) = found(physician, "Practitioner", identifier=npi)
    role, endpoint = found(
        physician, "PractitionerRole", practitioner=person["id"], _include="PractitionerRole:endpoint"
    )
    assert role["endpoint"] == [{"reference": f"Endpoint/{endpoint['id']}"}]
    assert endpoint["address"] == f"{world.base_url}/directory/v1/practitioners/{psychologist.practitioner}"


def test_the_people_of_a_consent_are_found_by_their_references(embedded: EmbeddedWorld) -> None:
    physician = embedded.people.physician
    consent = physician.fhir_consents.resource(active_consent(embedded.people).id)
    actors = [actor["reference"]["reference"] for actor in consent["provision"]["provision"][0]["actor"]]
    names = {get(physician, actor)["name"][0]["text"] for actor in actors}
    assert names == set(NPIS)


def test_pages_of_a_specialty_hold_both_colleagues(embedded: EmbeddedWorld) -> None:
    physician = embedded.people.physician
    path, seen = "/directory/fhir/PractitionerRole?specialty=207Q00000X&_count=1", []
    while path:
        bundle = physician.transport.json("GET", path)
        seen += [entry["resource"]["practitioner"]["display"] for entry in bundle.get("entry", [])]
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        path = links.get("next", "").removeprefix(embedded.base_url)
    assert set(NPIS) <= set(seen)
    assert len(seen) == len(set(seen))
