"""The entry that an account keeps of itself: made, said, confirmed, hidden, and out of sight while suspended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, update

from services.directory import enrolment, models, worker
from services.directory.rules.people import Status
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.listing_people import PSYCHOLOGIST, found, imported, keeps

NPI = "1234567893"


@pytest.fixture
def ada(house: House) -> Person:
    """An administrator."""
    return house.administrator()


@pytest.fixture
def pia(house: House, ada: Person) -> Person:
    """A practitioner of the same organization."""
    return house.practitioner(ada, "Pia Practice", NPI)


@pytest.fixture
def far(house: House) -> Person:
    """An administrator of another organization."""
    return house.administrator(enrolment.add_organization(house.deps, "South Clinic"))


def path(person: Person) -> str:
    return f"/v1/practitioners/{person.id}/listing"


def own(person: Person, by: Person | None = None) -> Any:
    return (by or person).request("GET", path(person)).get_json()


def test_enrolment_makes_an_entry_that_nobody_has_confirmed(ada: Person, pia: Person, far: Person) -> None:
    shown = own(pia)
    assert (shown["practitioner"], shown["name"], shown["npi"]) == (str(pia.id), "Pia Practice", NPI)
    assert (shown["stale"], shown["confirmed_at"], shown["hidden"], shown["enrolled"]) == (True, None, False, True)
    assert shown["organization"] == {"id": str(ada.organization), "name": "North Clinic"}
    assert found(far, name="practice") == ["Pia Practice"]


def test_an_administrator_has_no_entry(ada: Person) -> None:
    assert problem(ada.request("GET", path(ada))) == (404, "not-found")
    assert problem(ada.request("POST", f"{path(ada)}/confirmation")) == (404, "not-found")


def test_what_an_owner_says_is_shown_and_confirmed(house: House, pia: Person) -> None:
    said = {
        "specialties": [PSYCHOLOGIST],
        "languages": ["Spanish", "es", "en-US"],
        "telehealth": True,
        "accepting": False,
        "ages": ["child", "adolescent"],
        "plans": ["Blue Cross", "Médicaid"],
        "line": "1 Main St",
        "city": "Springfield",
        "state": "MA",
        "postal_code": "01103-1234",
        "phone": "413 555 0100",
    }
    kept = keeps(pia, **said)
    assert kept.status_code == 200
    shown = kept.get_json()
    assert shown == own(pia)
    expected = said | {"languages": ["en", "es"], "ages": ["adolescent", "child"], "stale": False}
    expected["specialties"] = [{"code": PSYCHOLOGIST, "name": "Psychologist"}]
    assert {name: shown[name] for name in expected} == expected
    assert found(pia, near="Springfield, MA", plan="medicaid", language="es") == ["Pia Practice"]


def test_what_is_left_out_is_unsaid(pia: Person) -> None:
    keeps(pia, languages=["es"], telehealth=True, plans=["Aetna"])
    shown = pia.request("PUT", path(pia), json={}).get_json()
    assert (shown["languages"], shown["telehealth"], shown["plans"], shown["postal_code"]) == ([], None, [], None)
    assert own(pia)["specialties"] == []


def test_an_entry_is_stale_after_ninety_days_until_it_is_confirmed(house: House, pia: Person) -> None:
    keeps(pia)
    house.clock.pass_(timedelta(days=90).total_seconds())
    pia.token = None
    assert own(pia)["stale"] is False
    house.clock.pass_(1)
    assert own(pia)["stale"] is True
    confirmed = pia.request("POST", f"{path(pia)}/confirmation").get_json()
    assert confirmed["stale"] is False
    assert confirmed["specialties"] == [{"code": PSYCHOLOGIST, "name": "Psychologist"}]


def test_who_hides_is_found_by_their_own_organization_alone(ada: Person, pia: Person, far: Person) -> None:
    assert keeps(pia, hidden=True).get_json()["hidden"] is True
    assert found(far, name="practice") == found(far, specialty="psychologist") == found(far, near="01103") == []
    assert found(ada, name="practice") == found(ada, specialty="psychologist") == ["Pia Practice"]
    keeps(pia, hidden=False)
    assert found(far, name="practice") == ["Pia Practice"]


def test_who_hides_is_not_looked_up_by_name_or_npi_but_letters_still_reach_them(
    ada: Person, pia: Person, far: Person
) -> None:
    keeps(pia, hidden=True)

    def listed(by: Person, **query: Any) -> list[str]:
        given = by.request("GET", "/v1/practitioners", query_string=query).get_json()
        return [each["name"] for each in given["practitioners"]]

    assert listed(far, name="Pia") == listed(far, npi=NPI) == []
    assert "Pia Practice" not in listed(far)
    assert listed(ada, name="Pia") == listed(ada, npi=NPI) == ["Pia Practice"]
    assert "Pia Practice" in listed(far, organization=str(ada.organization))
    assert far.request("GET", f"/v1/practitioners/{pia.id}").status_code == 200


def test_an_administrator_keeps_the_entries_of_their_own_people_and_nobody_elses(
    house: House, ada: Person, pia: Person, far: Person
) -> None:
    colleague = house.practitioner(ada, "Bo Colleague")
    body = {"phone": "413 555 0100"}
    assert ada.request("PUT", path(pia), json=body).get_json()["phone"] == "413 555 0100"
    for stranger in (far, colleague):
        assert problem(stranger.request("GET", path(pia))) == (404, "not-found")
        assert problem(stranger.request("PUT", path(pia), json={"phone": "900"})) == (404, "not-found")
        assert problem(stranger.request("POST", f"{path(pia)}/confirmation")) == (404, "not-found")
    assert own(pia)["phone"] == "413 555 0100"
    assert problem(house.client.get(path(pia))) == (401, "unauthenticated")


def test_nobody_says_there_who_they_are(pia: Person) -> None:
    for member in ("name", "npi", "organization", "enrolled", "confirmed_at"):
        assert problem(pia.request("PUT", path(pia), json={member: "x"}))[0] == 422
    assert own(pia)["name"] == "Pia Practice"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("specialties", ["psychologist"]),
        ("specialties", [PSYCHOLOGIST] * 21),
        ("languages", ["Klingonese"]),
        ("plans", ["??"]),
        ("plans", ["x" * 201]),
        ("ages", ["old"]),
        ("phone", "x" * 41),
        ("line", "x\ny"),
        ("telehealth", "yes"),
        ("hidden", None),
    ],
)
def test_what_cannot_stand_in_an_entry_is_named(pia: Person, member: str, value: Any) -> None:
    keeps(pia, phone="413 555 0100")
    given = pia.request("PUT", path(pia), json={member: value})
    assert (given.status_code, given.get_json()["field"].split(".")[0]) == (422, member)
    assert own(pia)["phone"] == "413 555 0100"


def test_a_suspended_person_is_found_by_nobody_until_they_are_back(ada: Person, pia: Person, far: Person) -> None:
    keeps(pia)
    ada.request("POST", f"/v1/practitioners/{pia.id}/suspension")
    assert found(far, name="practice") == found(ada, specialty="psychologist") == []
    assert problem(pia.request("PUT", path(pia), json={})) == (403, "account-suspended")
    ada.request("DELETE", f"/v1/practitioners/{pia.id}/suspension")
    assert found(far, specialty="psychologist") == ["Pia Practice"]


def test_a_hidden_person_who_is_reinstated_stays_hidden(ada: Person, pia: Person, far: Person) -> None:
    keeps(pia, hidden=True)
    ada.request("POST", f"/v1/practitioners/{pia.id}/suspension")
    assert found(ada, name="practice") == []
    ada.request("DELETE", f"/v1/practitioners/{pia.id}/suspension")
    assert found(far, name="practice") == []


def test_an_imported_entry_gives_way_to_its_owner_and_stays_away_when_they_hide(
    house: House, ada: Person, far: Person
) -> None:
    imported(house, "PIA PRACTICE", npi=NPI, phone="413 555 0100", city="Springfield")
    assert found(far, npi=NPI) == ["PIA PRACTICE"]
    pia = house.practitioner(ada, "Pia Practice", NPI)
    assert found(far, npi=NPI) == ["Pia Practice"]
    shown = own(pia)
    assert (shown["phone"], shown["city"], shown["stale"]) == ("413 555 0100", "Springfield", True)
    assert shown["specialties"] == [{"code": PSYCHOLOGIST, "name": "Psychologist"}]
    assert found(far, specialty="psychologist", near="01103") == ["Pia Practice"]
    keeps(pia, hidden=True)
    assert found(far, npi=NPI) == []


def test_what_an_older_process_did_meanwhile_is_made_up_for(house: House, ada: Person, pia: Person) -> None:
    bo = house.practitioner(ada, "Bo Behind")
    with house.database.transaction() as session:
        session.execute(delete(models.Listing).where(models.Listing.practitioner_id == pia.id))
        suspended = update(models.Practitioner).where(models.Practitioner.id == bo.id)
        session.execute(suspended.values(status=Status.SUSPENDED))
    assert found(ada, organization="north") == ["Bo Behind"]
    worker.sweep(house.deps)
    assert found(ada, organization="north") == ["Pia Practice"]
    worker.sweep(house.deps)
    with house.database.transaction() as session:
        assert len(session.scalars(select(models.Listing)).all()) == 2


def test_one_who_is_away_is_shown_with_who_covers(house: House, ada: Person, pia: Person, far: Person) -> None:
    bo = house.practitioner(ada, "Bo Cover")
    now = house.clock.now()
    away = models.Coverage(practitioner_id=pia.id, covering_id=bo.id, starts_at=now, ends_at=now + timedelta(days=3))
    with house.database.transaction() as session:
        session.add(away)
    (shown,) = far.request("GET", "/v1/listings?name=practice").get_json()["listings"]
    assert (shown["coverage"]["covering"]["name"], shown["coverage"]["covering"]["id"]) == ("Bo Cover", str(bo.id))
    house.clock.pass_(timedelta(days=3).total_seconds() + 1)
    far.token = None
    assert far.request("GET", "/v1/listings?name=practice").get_json()["listings"][0]["coverage"] is None


def test_the_entry_of_somebody_unknown_is_not_found(ada: Person) -> None:
    assert problem(ada.request("GET", f"/v1/practitioners/{uuid4()}/listing")) == (404, "not-found")
