"""Coverage: who is away, and who covers meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.directory import models
from services.directory.rules import coverage as rules
from services.directory.worker import sweep
from tests.unit.directory.house import House, Person, problem


@pytest.fixture
def house(kept_house: House) -> House:
    return kept_house


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def away(by: Person, who: Person, covering: Any, begins: float = 0, ends: float = 14) -> Any:
    """The answer to somebody who says that `who` is away, from and until so many days from now."""
    now = by.house.clock.now()
    moments = {"starts_at": text(now + timedelta(days=begins)), "ends_at": text(now + timedelta(days=ends))}
    return by.request("PUT", f"/v1/practitioners/{who.id}/coverage", json={"covering": str(covering), **moments})


def test_who_is_away_says_who_covers_and_everybody_sees_it(
    house: House, ana: Person, bo: Person, stranger: Person
) -> None:
    answer = away(ana, ana, bo.id)
    assert answer.status_code == 200
    assert answer.get_json() == {
        "practitioner": str(ana.id),
        "covering": {
            "id": str(bo.id),
            "name": "Bo Park",
            "organization": {"id": str(ana.organization), "name": "North Clinic"},
            "status": "active",
        },
        "starts_at": text(house.clock.now()),
        "ends_at": text(house.clock.now() + timedelta(days=14)),
    }
    assert stranger.request("GET", f"/v1/practitioners/{ana.id}/coverage").get_json() == answer.get_json()


def test_who_looks_for_somebody_is_sent_to_who_covers_and_to_nobody_who_was_suspended(
    admin: Person, ana: Person, bo: Person, stranger: Person
) -> None:
    away(ana, ana, bo.id)
    path = f"/v1/practitioners/{ana.id}/listing"

    def shown() -> Any:
        found = stranger.request("GET", "/v1/listings?name=Ana").get_json()["listings"]
        return [each["coverage"] for each in found if each["practitioner"] == str(ana.id)]

    assert ana.request("GET", path).status_code == 200
    assert [each["covering"]["id"] for each in shown()] == [str(bo.id)]
    admin.request("POST", f"/v1/practitioners/{bo.id}/suspension")
    assert shown() == [None]


def test_saying_it_again_takes_the_place_of_what_was_said(ana: Person, bo: Person, stranger: Person) -> None:
    away(ana, ana, bo.id)
    assert away(ana, ana, stranger.id, ends=3).status_code == 200, "a colleague of another organization covers as well"
    shown = ana.request("GET", f"/v1/practitioners/{ana.id}/coverage").get_json()
    assert shown["covering"]["organization"]["name"] == "South Clinic"


def test_who_is_back_is_covered_by_nobody(ana: Person, bo: Person) -> None:
    away(ana, ana, bo.id)
    path = f"/v1/practitioners/{ana.id}/coverage"
    for _ in range(2):
        assert ana.request("DELETE", path).status_code == 204
    assert problem(ana.request("GET", path)) == (404, "not-found")


def test_an_administrator_says_it_for_who_cannot(admin: Person, ana: Person, bo: Person) -> None:
    assert away(admin, ana, bo.id).status_code == 200
    assert admin.request("DELETE", f"/v1/practitioners/{ana.id}/coverage").status_code == 204


def test_nobody_else_says_who_is_away(ana: Person, bo: Person, stranger: Person) -> None:
    away(ana, ana, bo.id)
    for caller in (bo, stranger):
        assert problem(away(caller, ana, caller.id)) == (403, "not-yours")
        assert problem(caller.request("DELETE", f"/v1/practitioners/{ana.id}/coverage")) == (403, "not-yours")
    assert ana.request("GET", f"/v1/practitioners/{ana.id}/coverage").get_json()["covering"]["id"] == str(bo.id)


def test_who_covers_is_somebody_else_who_is_active(admin: Person, ana: Person, bo: Person) -> None:
    admin.request("POST", f"/v1/practitioners/{bo.id}/suspension")
    for nobody in (ana.id, bo.id, uuid4()):
        answer = away(ana, ana, nobody)
        assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "covering")


def test_an_absence_of_nobody_is_not_found(admin: Person, bo: Person) -> None:
    path = f"/v1/practitioners/{uuid4()}/coverage"
    now = admin.house.clock.now()
    body = {"covering": str(bo.id), "starts_at": text(now), "ends_at": text(now + timedelta(days=1))}
    assert problem(admin.request("PUT", path, json=body)) == (404, "not-found")
    assert problem(admin.request("DELETE", path)) == (404, "not-found")
    assert problem(admin.request("GET", path)) == (404, "not-found")


@pytest.mark.parametrize(
    ("begins", "ends", "field"),
    [
        (0, 366, None),
        (366, 367, None),
        (-300, 1, None),
        (0, 0, "ends_at"),
        (2, 1, "ends_at"),
        (-2, 0, "ends_at"),
        (-2, -1, "ends_at"),
        (0, 366.001, "ends_at"),
        (366.001, 367, "starts_at"),
    ],
)
def test_an_absence_has_an_end_within_reason(begins: float, ends: float, field: str | None) -> None:
    now = datetime(2026, 11, 28, tzinfo=UTC)
    wrong = rules.why_not(now + timedelta(days=begins), now + timedelta(days=ends), now)
    assert (wrong.field if wrong else None) == field


def test_an_absence_without_an_end_is_refused_by_its_field(ana: Person, bo: Person) -> None:
    answer = away(ana, ana, bo.id, begins=2, ends=1)
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "ends_at")
    path = f"/v1/practitioners/{ana.id}/coverage"
    starts_at = text(ana.house.clock.now())
    for wrong in ("2026-12-01", "2026-12-01T00:00:00", "tomorrow", 1764892800, "9999-12-31T00:00:00Z"):
        answer = ana.request("PUT", path, json={"covering": str(bo.id), "starts_at": starts_at, "ends_at": wrong})
        assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "ends_at")


def test_what_is_over_is_not_shown_and_swept(house: House, ana: Person, bo: Person) -> None:
    away(ana, ana, bo.id, ends=1)
    away(bo, bo, ana.id, ends=2)
    house.clock.pass_(86400)
    for person in (ana, bo):
        person.token = None  # which has run out as well
    assert problem(bo.request("GET", f"/v1/practitioners/{ana.id}/coverage")) == (404, "not-found")
    assert bo.request("GET", f"/v1/practitioners/{bo.id}/coverage").status_code == 200
    sweep(house.deps)
    with house.database.transaction() as session:
        assert session.get(models.Coverage, ana.id) is None
        assert session.get(models.Coverage, bo.id) is not None


def test_a_colleague_who_was_suspended_since_is_shown_as_one(admin: Person, ana: Person, bo: Person) -> None:
    away(ana, ana, bo.id)
    admin.request("POST", f"/v1/practitioners/{bo.id}/suspension")
    shown = ana.request("GET", f"/v1/practitioners/{ana.id}/coverage").get_json()
    assert shown["covering"]["status"] == "suspended"


def test_messaging_is_told_nothing_of_an_absence(house: House, ana: Person, bo: Person) -> None:
    told = house.spoken()
    away(ana, ana, bo.id)
    assert house.spoken() == told
