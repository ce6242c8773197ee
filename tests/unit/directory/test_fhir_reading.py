"""People, roles, organizations and endpoints in FHIR: what each says, and to whom it is shown."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.fhir_consent.moments import written
from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from services.chassis.db import Database
from services.directory import models
from tests.unit.directory.fhir_answers import (
    ADDICTION,
    CLINIC_NPI,
    FHIR,
    NPI,
    PSYCHOLOGIST,
    listed,
    outcome,
    page,
    pages,
    read,
    search,
)
from tests.unit.directory.house import ISSUER, House, Person

TYPES = ["Practitioner", "PractitionerRole", "Organization", "Endpoint"]
OF_PEOPLE = ["Practitioner", "PractitionerRole", "Endpoint"]


@pytest.fixture(scope="module")
def place(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A directory in which each test has people of its own."""
    path = tmp_path_factory.mktemp("place") / "directory.db"
    shutil.copyfile(migrated, path)
    database = Database(f"sqlite:///{path}")
    yield House(database)
    database.dispose()


@pytest.fixture(scope="module")
def admin(place: House) -> Person:
    return place.administrator()


@pytest.fixture(scope="module")
def stranger(place: House) -> Person:
    """An administrator of another organization."""
    return place.administrator()


@pytest.fixture
def pia(place: House, admin: Person) -> Person:
    return place.practitioner(admin, "Pia Practice")


def get(person: Person, type_: str, id_: UUID) -> dict[str, Any]:
    return read(person.request("GET", f"/fhir/{type_}/{id_}"))


def keep(person: Person, **said: Any) -> None:
    answer = person.request("PUT", f"/v1/practitioners/{person.id}/listing", json=said)
    assert answer.status_code == 200, answer.data


def extensions(resource: dict[str, Any]) -> dict[str, list[Any]]:
    """The values of each extension of ours."""
    found: dict[str, list[Any]] = {}
    for each in resource.get("extension", []):
        if (name := each["url"].removeprefix("urn:concord:fhir:")) != each["url"]:
            (value,) = [value for member, value in each.items() if member != "url"]
            found.setdefault(name, []).append(value)
    return found


def test_somebody_enrolled_is_read_by_the_id_of_their_account(place: House, admin: Person, stranger: Person) -> None:
    """So that the actor of a Consent is found here: it names the account."""
    pia = place.practitioner(admin, "Pia Practice", NPI)
    told = get(stranger, "Practitioner", pia.id)
    assert told["id"] == str(pia.id)
    assert told["identifier"] == [{"system": "http://hl7.org/fhir/sid/us-npi", "value": NPI}]
    assert told["active"] is True
    assert [name["text"] for name in told["name"]] == ["Pia Practice"]


def test_a_family_name_that_nobody_asked_for_is_not_made_up(admin: Person, pia: Person) -> None:
    (name,) = get(admin, "Practitioner", pia.id)["name"]
    assert "family" not in name
    assert name["_family"]["extension"][0]["valueCode"] == "not-asked"


def test_a_role_says_what_its_owner_says(stranger: Person, pia: Person) -> None:
    keep(
        pia,
        specialties=[PSYCHOLOGIST],
        languages=["Spanish"],
        telehealth=False,
        accepting=True,
        ages=["child"],
        plans=["Blue Cross"],
        line="12 Main St",
        city="Springfield",
        state="MA",
        postal_code="01103",
        phone="413-555-0100",
    )
    told = get(stranger, "PractitionerRole", pia.id)
    assert told["practitioner"] == {"reference": f"Practitioner/{pia.id}", "display": "Pia Practice"}
    assert told["organization"] == {"reference": f"Organization/{pia.organization}", "display": "North Clinic"}
    (coding,) = told["specialty"][0]["coding"]
    assert (coding["system"], coding["code"]) == ("http://nucc.org/provider-taxonomy", PSYCHOLOGIST)
    (place,) = told["contained"]
    assert told["location"] == [{"reference": f"#{place['id']}"}]
    assert place["address"] == {
        "use": "work",
        "line": ["12 Main St"],
        "city": "Springfield",
        "state": "MA",
        "postalCode": "01103",
    }
    assert told["telecom"] == [{"system": "phone", "value": "413-555-0100", "use": "work"}]
    assert told["endpoint"] == [{"reference": f"Endpoint/{pia.id}"}]
    said = extensions(told)
    assert (said["telehealth"], said["age-group"], said["plan"], said["stale"]) == (
        [False],
        ["child"],
        ["Blue Cross"],
        [False],
    )
    (accepting,) = [each for each in told["extension"] if each["url"].endswith("/newpatients")]
    assert accepting["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "newpt"
    (language,) = get(stranger, "Practitioner", pia.id)["communication"]
    assert language["coding"] == [{"system": "urn:ietf:bcp:47", "code": "es", "display": "Spanish"}]


def test_what_nobody_said_is_absent(stranger: Person, pia: Person) -> None:
    told = get(stranger, "PractitionerRole", pia.id)
    assert not {"contained", "location", "telecom", "specialty", "notAvailable"} & set(told)
    assert extensions(told).keys() <= {"stale", "confirmed-at"}


def test_a_role_that_nobody_confirmed_for_ninety_days_is_stale(house: House) -> None:
    admin = house.administrator()
    pia = house.practitioner(admin, "Pia Practice")
    keep(pia)
    assert extensions(get(admin, "PractitionerRole", pia.id))["stale"] == [False]
    house.clock.pass_(timedelta(days=91).total_seconds())
    admin.token = None
    assert extensions(get(admin, "PractitionerRole", pia.id))["stale"] == [True]


def test_who_does_not_accept_new_patients_says_so(admin: Person, pia: Person) -> None:
    keep(pia, accepting=False)
    (said,) = [
        each for each in get(admin, "PractitionerRole", pia.id)["extension"] if each["url"].endswith("newpatients")
    ]
    assert said["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "nopt"


def test_an_absence_names_who_covers_until_its_last_moment(place: House, admin: Person, pia: Person) -> None:
    bo = place.practitioner(admin, "Bo Park")
    now = place.clock.now()
    ends = now + timedelta(days=2)
    with place.database.transaction() as session:
        session.add(models.Coverage(practitioner_id=pia.id, covering_id=bo.id, starts_at=now, ends_at=ends))
    (away,) = get(admin, "PractitionerRole", pia.id)["notAvailable"]
    assert "Bo Park" in away["description"]
    assert away["during"] == {"start": written(now), "end": written(ends - timedelta(microseconds=1))}


def test_somebody_of_the_national_list_is_a_practitioner_without_an_endpoint(place: House, admin: Person) -> None:
    ana = listed(place, "Ana Whitfield", city="Springfield", specialties=[ADDICTION], organization_name="Hill Group")
    assert get(admin, "Practitioner", ana)["name"][0]["text"] == "Ana Whitfield"
    role = get(admin, "PractitionerRole", ana)
    assert role["organization"] == {"display": "Hill Group"}
    assert "endpoint" not in role
    assert outcome(admin.request("GET", f"/fhir/Endpoint/{ana}"), 404) == ("not-found", None)


def test_an_endpoint_is_where_letters_for_somebody_go(stranger: Person, pia: Person) -> None:
    told = get(stranger, "Endpoint", pia.id)
    assert told["status"] == "active"
    assert told["address"] == f"{ISSUER}/v1/practitioners/{pia.id}"
    assert told["managingOrganization"]["reference"] == f"Organization/{pia.organization}"
    shown = stranger.request("GET", told["address"].removeprefix(ISSUER))
    assert shown.get_json()["id"] == str(pia.id)


@pytest.mark.parametrize("type_", OF_PEOPLE)
def test_who_hides_is_shown_to_their_own_organization_alone(
    place: House, admin: Person, stranger: Person, pia: Person, type_: str
) -> None:
    keep(pia, hidden=True)
    assert get(admin, type_, pia.id)["id"] == str(pia.id)
    assert outcome(stranger.request("GET", f"/fhir/{type_}/{pia.id}"), 404) == ("not-found", None)


def test_a_hidden_person_reads_like_nobody(stranger: Person, pia: Person) -> None:
    keep(pia, hidden=True)
    answers = [stranger.request("GET", f"/fhir/Practitioner/{id_}") for id_ in (pia.id, uuid4())]
    assert answers[0].data == answers[1].data


def test_the_suspended_are_out_of_use_and_no_letter_goes_to_them(admin: Person, stranger: Person, pia: Person) -> None:
    assert admin.request("POST", f"/v1/practitioners/{pia.id}/suspension").status_code == 200
    assert get(admin, "Practitioner", pia.id)["active"] is False
    role = get(admin, "PractitionerRole", pia.id)
    assert (role["active"], "endpoint" in role) == (False, False)
    assert outcome(admin.request("GET", f"/fhir/Endpoint/{pia.id}"), 404) == ("not-found", None)
    for type_ in OF_PEOPLE:
        assert outcome(stranger.request("GET", f"/fhir/{type_}/{pia.id}"), 404) == ("not-found", None)


def test_an_entry_of_the_list_that_an_account_took_over_is_shown_to_nobody(place: House, admin: Person) -> None:
    taken = listed(place, "Pia Practice", npi=NPI)
    assert get(admin, "Practitioner", taken)["id"] == str(taken)
    place.practitioner(place.administrator(), "Pia Practice", NPI)
    assert outcome(admin.request("GET", f"/fhir/Practitioner/{taken}"), 404) == ("not-found", None)


def test_the_listing_of_an_account_is_no_second_practitioner(place: House, admin: Person, pia: Person) -> None:
    with place.database.transaction() as session:
        (row,) = session.query(models.Listing).filter_by(practitioner_id=pia.id)
    for other in {row.id} - {pia.id}:
        assert outcome(admin.request("GET", f"/fhir/Practitioner/{other}"), 404) == ("not-found", None)
    assert [each["id"] for each in search(admin, "Practitioner", _id=f"{row.id},{pia.id}")] == [str(pia.id)]


def test_organizations_are_the_enrolled_their_departments_and_the_listed(place: House, admin: Person) -> None:
    department = admin.request("POST", "/v1/departments", json={"name": "Intake"}).get_json()["id"]
    clinic = listed(place, "Hill Clinic", kind="organization", npi=CLINIC_NPI, city="Springfield", phone="413-555-0199")
    assert get(admin, "Organization", admin.organization)["name"] == "North Clinic"
    assert get(admin, "Organization", department)["partOf"] == {
        "reference": f"Organization/{admin.organization}",
        "display": "North Clinic",
    }
    told = get(admin, "Organization", clinic)
    assert told["identifier"] == [{"system": "http://hl7.org/fhir/sid/us-npi", "value": CLINIC_NPI}]
    assert (told["address"][0]["city"], told["telecom"][0]["value"]) == ("Springfield", "413-555-0199")


def test_a_person_is_no_organization_and_an_organization_no_person(place: House, admin: Person) -> None:
    person, clinic = listed(place, "Ana Whitfield"), listed(place, "Hill Clinic", kind="organization")
    assert outcome(admin.request("GET", f"/fhir/Organization/{person}"), 404) == ("not-found", None)
    assert outcome(admin.request("GET", f"/fhir/Practitioner/{clinic}"), 404) == ("not-found", None)
    gone = listed(place, "Gone Clinic", kind="organization", shown=False)
    assert outcome(admin.request("GET", f"/fhir/Organization/{gone}"), 404) == ("not-found", None)


@pytest.mark.parametrize("type_", TYPES)
def test_a_stranger_without_an_account_learns_nothing(place: House, pia: Person, type_: str) -> None:
    for path in (f"/fhir/{type_}/{pia.id}", f"/fhir/{type_}?name=Pia", f"/fhir/{type_}?unknown=1", f"/fhir/{type_}/x"):
        assert outcome(place.client.get(path), 401) == ("unauthenticated", None)
    posted = place.client.post(f"/fhir/{type_}/_search", data={"name": "Pia"})
    assert outcome(posted, 401) == ("unauthenticated", None)


def test_what_the_server_can_do_is_public_and_true(place: House, admin: Person) -> None:
    told = read(place.client.get("/fhir/metadata"))
    CapabilityStatement.model_validate(told)
    offered = {each["type"]: each for each in told["rest"][0]["resource"]}
    assert sorted(offered) == sorted(TYPES)
    assert told["implementation"]["url"] == FHIR
    values = {
        "location.near": "42.1|-72.6",
        "identifier": NPI,
        "specialty": PSYCHOLOGIST,
        "active": "true",
        "status": "active",
    }
    for type_, each in offered.items():
        assert [done["code"] for done in each["interaction"]] == ["read", "search-type"]
        for parameter in each["searchParam"]:
            ids = {"_id", "practitioner", "organization", "partof"}
            value = str(uuid4()) if parameter["name"] in ids else values.get(parameter["name"], "Ana")
            said = {"_id": str(uuid4()), parameter["name"]: value}
            assert pages(admin, type_, **said)
        for include in each.get("searchInclude", []):
            page(admin, f"/fhir/{type_}?_id={uuid4()}&_include={include}")


def test_every_answer_of_the_document_is_fhir(place: House) -> None:
    document = place.client.get("/openapi.json").get_json()
    ours = {path: item for path, item in document["paths"].items() if path.startswith("/fhir/")}
    assert len(ours) == 13
    for item in ours.values():
        for operation in item.values():
            kinds = {kind for each in operation["responses"].values() for kind in each["content"]}
            assert kinds == {"application/fhir+json"}
