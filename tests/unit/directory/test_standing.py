"""Stopping and letting go."""

from __future__ import annotations

from uuid import uuid4

import pytest

from services.directory import enrolment
from tests.unit.directory.house import House, Person, problem


@pytest.fixture
def person(house: House, admin: Person) -> Person:
    return house.practitioner(admin)


def test_a_suspension_is_done_once_the_barrier_is_passed(house: House, admin: Person, person: Person) -> None:
    answer = admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "suspended"
    assert answer.get_json()["effective_at"] is not None
    suspended = house.events()[-1]
    assert suspended.type == "care.concord.directory.practitioner-suspended.v1"
    assert suspended.data == {"practitioner": str(person.id)}
    assert house.barrier.asked == [suspended.sequence]


def test_a_suspension_is_not_called_done_before(house: House, admin: Person, person: Person) -> None:
    house.barrier.open = False
    path = f"/v1/practitioners/{person.id}/suspension"
    answer = admin.request("POST", path)
    assert (answer.status_code, answer.get_json()) == (202, {"status": "suspending", "effective_at": None})
    told = house.spoken()
    house.barrier.open = True
    assert admin.request("POST", path).status_code == 200, "repeating it waits for the same change"
    assert house.spoken() == told
    assert house.barrier.asked[0] == house.barrier.asked[1]


def test_a_suspension_holds_in_the_directory_at_once_even_while_it_is_suspending(
    house: House, admin: Person, person: Person
) -> None:
    house.barrier.open = False
    admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    assert person.ask_token().status_code == 401


def test_a_reinstated_account_works_again(house: House, admin: Person, person: Person) -> None:
    path = f"/v1/practitioners/{person.id}/suspension"
    admin.request("POST", path)
    answer = admin.request("DELETE", path)
    assert (answer.status_code, answer.get_json()["status"]) == (200, "active")
    assert house.spoken()[-2:] == ["practitioner-suspended", "practitioner-reinstated"]
    told = house.spoken()
    assert admin.request("DELETE", path).status_code == 200
    assert house.spoken() == told
    assert person.ask_token().status_code == 200


def test_a_practitioner_suspends_nobody(house: House, admin: Person, person: Person) -> None:
    other = house.practitioner(admin)
    for method in ("POST", "DELETE"):
        answer = person.request(method, f"/v1/practitioners/{other.id}/suspension")
        assert problem(answer) == (403, "administrator-only")


def test_an_administrator_of_another_organization_suspends_nobody_here(house: House, person: Person) -> None:
    other = house.administrator(enrolment.add_organization(house.deps, "South Clinic"))
    answer = other.request("POST", f"/v1/practitioners/{person.id}/suspension")
    assert problem(answer) == (403, "administrator-only")


def test_an_organization_cannot_lock_itself_out_by_its_only_administrator(admin: Person) -> None:
    answer = admin.request("POST", f"/v1/practitioners/{admin.id}/suspension")
    assert problem(answer) == (409, "not-yourself")


def test_a_suspended_administrator_administers_nothing(house: House, admin: Person, person: Person) -> None:
    second = house.administrator(admin.organization)
    second.request("GET", f"/v1/practitioners/{person.id}")
    admin.request("POST", f"/v1/practitioners/{second.id}/suspension")
    answer = second.request("POST", f"/v1/practitioners/{person.id}/suspension")
    assert problem(answer) == (403, "account-suspended")


def test_an_invited_person_cannot_be_suspended(admin: Person) -> None:
    invited = admin.invites("Pia Practice").practitioner
    assert problem(admin.request("POST", f"/v1/practitioners/{invited}/suspension")) == (409, "not-enrolled")


def test_nobody_cannot_be_suspended(admin: Person) -> None:
    assert problem(admin.request("POST", f"/v1/practitioners/{uuid4()}/suspension")) == (404, "not-found")


@pytest.mark.parametrize("by", ["owner", "administrator"])
def test_a_lost_device_is_stopped_by_its_owner_or_their_administrator(
    house: House, admin: Person, person: Person, by: str
) -> None:
    caller = person if by == "owner" else admin
    answer = caller.request("POST", f"/v1/devices/{person.device.id}/revocation")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "revoked")
    revoked = house.events()[-1]
    assert revoked.type == "care.concord.directory.device-revoked.v1"
    assert revoked.data == {"device": str(person.device.id), "practitioner": str(person.id)}
    assert house.barrier.asked == [revoked.sequence]


def test_a_revocation_of_a_device_waits_for_the_barrier_too(house: House, admin: Person, person: Person) -> None:
    house.barrier.open = False
    path = f"/v1/devices/{person.device.id}/revocation"
    answer = admin.request("POST", path)
    assert (answer.status_code, answer.get_json()["status"]) == (202, "revoking")
    told = house.spoken()
    house.barrier.open = True
    assert admin.request("POST", path).status_code == 200
    assert house.spoken() == told


def test_the_device_of_another_reads_like_no_device(house: House, admin: Person, person: Person) -> None:
    other = house.practitioner(admin)
    mine = other.request("POST", f"/v1/devices/{person.device.id}/revocation")
    none = other.request("POST", f"/v1/devices/{uuid4()}/revocation")
    assert problem(mine) == problem(none) == (404, "not-found")
    assert mine.get_json() == none.get_json()
