"""Recovery cases raced by two at once, as only PostgreSQL can show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from services.chassis import migrate
from services.chassis.db import Database
from tests.unit.directory.account import body_of
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.lost import Case, anew, attestation, steps, wait
from tests.unit.directory.test_on_postgresql import AT_ONCE, at_once

pytestmark = pytest.mark.real
Call = Callable[[], Any]


@pytest.fixture
def place(postgresql: Database) -> House:
    migrate.upgrade(postgresql, "directory")
    return House(postgresql)


@pytest.fixture
def people(place: House) -> tuple[Person, Person, Person]:
    """Two administrators, and somebody of their organization."""
    ada = place.administrator()
    return ada, place.administrator(ada.organization), place.practitioner(ada)


def signed_in(*people: Person) -> None:
    for each in people:
        each.request("GET", "/v1/recovery-cases")


def posting(place: House, path: str, body: dict[str, str]) -> Call:
    return lambda: place.app.test_client().post(path, json=body)


def test_of_many_keys_posted_at_once_one_waits(place: House, people: tuple[Person, Person, Person]) -> None:
    ada, _, person = people
    case = Case.open(ada, person)
    path = f"/v1/recovery-cases/{case.id}/entry"
    bodies = [{"secret": case.secret} | body_of(anew(person)[0].entries[-1]) for _ in range(AT_ONCE)]
    answers = at_once(*(posting(place, path, body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (AT_ONCE - 1)
    assert {problem(answer)[1] for answer in answers if answer.status_code != 200} == {"recovery-entry-taken"}


def test_of_two_cases_opened_at_once_one_stands(place: House, people: tuple[Person, Person, Person]) -> None:
    ada, bo, person = people
    signed_in(ada, bo)
    body = {"practitioner": str(person.id)}
    calls = [
        lambda by=by: by.request("POST", "/v1/recovery-cases", client=place.app.test_client(), json=body)
        for by in (ada, bo)
    ]
    assert sorted(answer.status_code for answer in at_once(*calls)) == [201, 409]


def test_two_administrators_at_once_announce_once(place: House, people: tuple[Person, Person, Person]) -> None:
    ada, bo, person = people
    case = Case.open(ada, person)
    case.enter()
    signed_in(ada, bo)
    words = {by.id: attestation(by, case.signed) for by in (ada, bo)}
    calls = [lambda by=by: case.attest(by, words[by.id]) for by in (ada, bo)]
    assert {answer.status_code for answer in at_once(*calls)} == {200}
    assert steps(place, person) == ["enrolled", "recovery-announced"]


def test_one_administrator_many_times_at_once_counts_once(place: House, people: tuple[Person, Person, Person]) -> None:
    ada, _, person = people
    case = Case.open(ada, person)
    case.enter()
    signed_in(ada)
    now = place.clock.now()
    words = [attestation(ada, case.signed, at=now + timedelta(seconds=n)) for n in range(AT_ONCE)]
    answers = at_once(*(lambda word=word: case.attest(ada, word) for word in words))
    assert sorted(answer.status_code for answer in answers).count(200) == 1
    assert steps(place, person) == ["enrolled"]


def test_a_completion_asked_for_many_times_at_once_records_one_entry(
    place: House, people: tuple[Person, Person, Person]
) -> None:
    ada, bo, person = people
    case = Case.open(ada, person).announced(ada, bo)
    wait(place)
    told = len(place.spoken())
    path = f"/v1/recovery-cases/{case.id}/completion"
    answers = at_once(*[posting(place, path, {"secret": case.secret})] * AT_ONCE)
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert case.complete().status_code == 200
    assert steps(place, person) == ["enrolled", "recovery-announced", "recovered"]
    assert place.spoken()[told:].count("device-revoked") == 1


@pytest.mark.parametrize("against", ["an objection", "a rotation"])
def test_a_completion_and_its_owner_at_once_have_one_order(
    place: House, people: tuple[Person, Person, Person], against: str
) -> None:
    ada, bo, person = people
    case = Case.open(ada, person).announced(ada, bo)
    wait(place)
    person.token = None
    signed_in(person)
    rotation = body_of(person.account.rotating())

    def object_() -> Any:
        client = place.app.test_client()
        if against == "an objection":
            return person.request("DELETE", f"/v1/recovery-cases/{case.id}", client=client)
        return person.request("POST", f"/v1/practitioners/{person.id}/keys", client=client, json=rotation)

    complete = posting(place, f"/v1/recovery-cases/{case.id}/completion", {"secret": case.secret})
    completed, objected = at_once(complete, object_)
    assert (completed.status_code == 200) is not (objected.status_code in {200, 201})
    again = case.complete()
    told = steps(place, person)
    if completed.status_code == 200:
        assert told == ["enrolled", "recovery-announced", "recovered"]
    else:
        assert again.status_code == 409
        assert told[-1] == "recovery-refused"
        assert "recovered" not in told
