"""Finding people and organizations, page by page; and what services ask."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.directory import enrolment
from tests.unit.directory.house import House, Person, problem

NPI = "1234567893"


def add(house: House, admin: Person, *names: str) -> None:
    for name in names:
        admin.invites(name)


def names(answer: Any) -> list[str]:
    return [each["name"] for each in answer.get_json()["practitioners"]]


def test_a_name_is_found_by_a_part_of_it_without_its_case(house: House, admin: Person) -> None:
    add(house, admin, "Zoë ÅNGSTRÖM", "Bob Stone")
    assert names(admin.request("GET", "/v1/practitioners", query_string={"name": "ångström"})) == ["Zoë ÅNGSTRÖM"]
    assert names(admin.request("GET", "/v1/practitioners", query_string={"name": "STON"})) == ["Bob Stone"]


def test_signs_of_the_query_language_are_only_letters(house: House, admin: Person) -> None:
    add(house, admin, "Bob Stone")
    for sign in ("%", "_", "\\", "'"):
        assert names(admin.request("GET", "/v1/practitioners", query_string={"name": f"B{sign}b"})) == []


def test_an_npi_is_found_whole(house: House, admin: Person) -> None:
    person = house.practitioner(admin, npi=NPI)
    found = admin.request("GET", f"/v1/practitioners?npi={NPI}").get_json()["practitioners"]
    assert [each["id"] for each in found] == [str(person.id)]


def test_an_npi_with_a_wrong_check_digit_is_told_as_a_typing_error(admin: Person) -> None:
    answer = admin.request("GET", "/v1/practitioners?npi=1234567890")
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "npi")


def test_an_organizations_people_are_found(house: House, admin: Person) -> None:
    other = house.administrator(enrolment.add_organization(house.deps, "South Clinic"))
    found = admin.request("GET", f"/v1/practitioners?organization={other.organization}").get_json()
    assert [each["id"] for each in found["practitioners"]] == [str(other.id)]


def test_pages_hold_everybody_once_in_a_stable_order_also_when_names_repeat(house: House, admin: Person) -> None:
    add(house, admin, *(["Same Name"] * 7), *(f"Person {n}" for n in range(8)))
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = admin.request("GET", "/v1/practitioners", query_string=query).get_json()
        seen += [each["id"] for each in page["practitioners"]]
        if page["next"] is None:
            break
        if len(seen) == 6:
            add(house, admin, "Aaron Early")  # comes before the cursor: it shifts nothing
        query["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) == 16


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"limit": "x"}, {"cursor": "W10"}, {"cursor": "!"}])
def test_a_wrong_page_is_named(admin: Person, query: dict[str, Any]) -> None:
    answer = admin.request("GET", "/v1/practitioners", query_string=query)
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), next(iter(query)))


def test_a_cursor_of_another_list_does_no_harm(admin: Person) -> None:
    answer = admin.request("GET", "/v1/practitioners?cursor=WyJhIiwibm90LWEtdXVpZCJd")
    assert problem(answer) == (422, "invalid-field")


def test_organizations_are_found_by_name_and_by_id(house: House, admin: Person) -> None:
    enrolment.add_organization(house.deps, "South Clinic")
    found = admin.request("GET", "/v1/organizations?name=SOUTH").get_json()
    assert [each["name"] for each in found["organizations"]] == ["South Clinic"]
    shown = admin.request("GET", f"/v1/organizations/{found['organizations'][0]['id']}").get_json()
    assert shown == found["organizations"][0]


@pytest.mark.parametrize("kind", ["practitioners", "organizations"])
def test_what_does_not_exist_is_not_found(admin: Person, kind: str) -> None:
    assert problem(admin.request("GET", f"/v1/{kind}/{uuid4()}")) == (404, "not-found")
    assert problem(admin.request("GET", f"/v1/{kind}/not-an-id"))[0] == 422


@pytest.mark.parametrize(
    "path", ["/v1/practitioners", "/v1/organizations", f"/v1/practitioners/{UUID(int=1)}", "/v1/practitioners?limit=x"]
)
def test_a_stranger_finds_nobody_and_learns_nothing_of_the_form(house: House, path: str) -> None:
    assert problem(house.client.get(path)) == (401, "unauthenticated")


def ask_party(house: House, kind: str, party: Any, service: str = "consent") -> Any:
    headers = {"Authorization": house.signer(service).authorization("directory")}
    return house.client.get(f"/v1/parties/{kind}/{party}", headers=headers)


def test_a_service_learns_where_a_party_stands(house: House, admin: Person) -> None:
    person = house.practitioner(admin)
    told = ask_party(house, "practitioner", person.id).get_json()
    assert (told["kind"], told["id"], told["status"]) == ("practitioner", str(person.id), "active")
    assert told["organization"]["id"] == str(admin.organization)
    assert told["name"]
    assert ask_party(house, "organization", admin.organization, "messaging").get_json()["status"] == "active"
    admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    assert ask_party(house, "practitioner", person.id).get_json()["status"] == "suspended"


def test_an_unknown_party_is_not_found(house: House, admin: Person) -> None:
    assert ask_party(house, "practitioner", admin.organization).status_code == 404
    assert ask_party(house, "organization", admin.id).status_code == 404
    assert ask_party(house, "team", admin.id).status_code == 422


def test_a_persons_token_opens_no_door_between_services(house: House, admin: Person) -> None:
    answer = admin.request("GET", f"/v1/parties/practitioner/{admin.id}")
    assert problem(answer) == (401, "service-unauthenticated")


def test_a_services_token_opens_none_of_a_persons(house: House, admin: Person) -> None:
    headers = {"Authorization": house.signer("consent").authorization("directory")}
    assert problem(house.client.get("/v1/practitioners", headers=headers)) == (401, "unauthenticated")
