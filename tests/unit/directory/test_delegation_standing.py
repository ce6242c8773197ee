"""Whether a delegation holds now, as the consent service asks before it shows a delegate somebody else's consent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.directory import enrolment
from services.directory.models import Practitioner
from tests.unit.directory.delegating import given
from tests.unit.directory.house import House, Person, problem


@pytest.fixture
def house(kept_house: House) -> House:
    return kept_house


def ask(house: House, delegation: Any, service: str = "consent") -> Any:
    headers = {"Authorization": house.signer(service).authorization("directory")}
    return house.client.get(f"/v1/service/delegations/{delegation}", headers=headers)


def holds(house: House, delegation: Any) -> bool:
    answer = ask(house, delegation)
    assert answer.status_code == 200, answer.data
    return bool(answer.get_json()["holds"])


def test_it_says_who_let_whom_and_that_it_holds(house: House, ana: Person, bo: Person) -> None:
    told = ask(house, given(ana, bo.id)).get_json()
    assert told == {
        "delegator": str(ana.id),
        "delegate": str(bo.id),
        "organization": str(ana.organization),
        "holds": True,
    }


def test_what_was_revoked_holds_no_more(house: House, ana: Person, bo: Person) -> None:
    delegation = given(ana, bo.id)
    ana.request("DELETE", f"/v1/delegations/{delegation}")
    assert not holds(house, delegation)


def test_it_holds_within_its_days_alone(house: House, ana: Person, bo: Person) -> None:
    begins = house.clock.now() + timedelta(hours=1)
    delegation = given(ana, bo.id, valid_from=begins.isoformat())
    assert not holds(house, delegation)
    house.clock.pass_(3600)
    assert holds(house, delegation)
    house.clock.pass_(91 * 86400)
    assert not holds(house, delegation)


@pytest.mark.parametrize("who", ["ana", "bo"])
def test_where_one_of_the_two_is_suspended_it_does_not_hold(
    house: House, admin: Person, ana: Person, bo: Person, who: str
) -> None:
    delegation = given(ana, bo.id)
    person = {"ana": ana, "bo": bo}[who]
    admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    assert not holds(house, delegation)
    admin.request("DELETE", f"/v1/practitioners/{person.id}/suspension")
    assert holds(house, delegation)


@pytest.mark.parametrize("who", ["ana", "bo"])
def test_where_one_of_the_two_is_of_another_organization_by_now_it_does_not_hold(
    house: House, ana: Person, bo: Person, who: str
) -> None:
    """Nothing moves an account today; what will one day must not carry a right along."""
    delegation = given(ana, bo.id)
    elsewhere = enrolment.add_organization(house.deps, f"Harbor {uuid4()}")
    with house.deps.database.transaction() as session:
        session.get_one(Practitioner, {"ana": ana, "bo": bo}[who].id).organization_id = elsewhere
    assert not holds(house, delegation)


def test_one_that_nobody_gave_is_not_found(house: House) -> None:
    assert problem(ask(house, uuid4())) == (404, "not-found")


def test_nobody_but_the_consent_service_asks(house: House, ana: Person, bo: Person) -> None:
    delegation = given(ana, bo.id)
    assert ask(house, delegation, "messaging").status_code == 403
    answer = bo.request("GET", f"/v1/service/delegations/{delegation}")
    assert problem(answer) == (401, "service-unauthenticated")
