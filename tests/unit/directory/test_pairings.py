"""Pairings: a new device asks, one that is in answers, a stranger learns nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.signatures import to_base64url
from sqlalchemy import select

from services.directory import models, worker
from services.directory.rules.pairings import OPEN_AT_ONCE, TOLD_FOR, VALID_FOR
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.own_devices import (
    RIGHT,
    WRONG,
    another_device,
    answer_to,
    ask_to_join,
    open_pairing,
    revoke,
    take,
)


@pytest.fixture
def person(house: House) -> Person:
    return house.administrator()


@pytest.fixture
def pairing(person: Person) -> UUID:
    return UUID(open_pairing(person).get_json()["pairing"])


def shown(person: Person, pairing: UUID) -> Any:
    """What the owner sees."""
    return person.request("GET", f"/v1/pairings/{pairing}").get_json()


def test_a_device_joins(house: House, person: Person) -> None:
    opened = open_pairing(person)
    assert opened.status_code == 201
    pairing = UUID(opened.get_json()["pairing"])
    until = (house.clock.now() + VALID_FOR).isoformat()
    assert opened.get_json()["expires_at"].replace("Z", "+00:00") == until
    assert shown(person, pairing) == {"state": "open", "request": None}
    waits = take(house.client, pairing)
    assert (waits.status_code, waits.get_json()) == (202, {"answer": None})
    assert ask_to_join(house.client, pairing).status_code == 204
    assert shown(person, pairing) == {"state": "requested", "request": to_base64url(b"request")}
    assert take(house.client, pairing).status_code == 202
    assert answer_to(person, pairing).status_code == 204
    assert shown(person, pairing)["state"] == "answered"
    for _ in range(2):  # an answer may get lost
        given = take(house.client, pairing)
        assert (given.status_code, given.get_json()) == (200, {"answer": to_base64url(b"answer")})


def test_any_device_of_the_owner_answers(person: Person, house: House, pairing: UUID) -> None:
    second = another_device(person)
    ask_to_join(house.client, pairing)
    assert shown(second, pairing)["state"] == "requested"
    assert answer_to(second, pairing).status_code == 204


def test_what_the_owner_has_looked_at_stays(house: House, person: Person, pairing: UUID) -> None:
    """Else somebody who saw the code could put another device in the place of the one that was looked at."""
    ask_to_join(house.client, pairing)
    assert ask_to_join(house.client, pairing).status_code == 204
    assert problem(ask_to_join(house.client, pairing, sealed=b"other")) == (409, "pairing-taken")
    answer_to(person, pairing)
    assert problem(ask_to_join(house.client, pairing, sealed=b"other")) == (409, "pairing-taken")
    assert shown(person, pairing)["request"] == to_base64url(b"request")


def test_an_answer_counts_once(house: House, person: Person, pairing: UUID) -> None:
    ask_to_join(house.client, pairing)
    assert [answer_to(person, pairing).status_code for _ in range(2)] == [204, 204]
    assert problem(answer_to(person, pairing, b"other")) == (409, "pairing-taken")
    assert take(house.client, pairing).get_json()["answer"] == to_base64url(b"answer")


def test_there_is_no_answer_before_there_is_a_request(house: House, person: Person, pairing: UUID) -> None:
    assert problem(answer_to(person, pairing)) == (409, "pairing-not-answerable")
    assert take(house.client, pairing).status_code == 202


def test_a_stranger_learns_nothing(house: House, person: Person, pairing: UUID) -> None:
    ask_to_join(house.client, pairing)
    answer_to(person, pairing)
    wrong = [take(house.client, pairing, WRONG), ask_to_join(house.client, pairing, WRONG)]
    unknown = [take(house.client, uuid4()), ask_to_join(house.client, uuid4())]
    house.clock.pass_(VALID_FOR.total_seconds())
    over = [take(house.client, pairing), ask_to_join(house.client, pairing)]
    assert {problem(answer) for answer in wrong + unknown + over} == {(404, "not-found")}
    assert len({answer.data for answer in wrong + unknown + over}) == 1


def test_a_pairing_of_another_reads_like_none(house: House, person: Person, pairing: UUID) -> None:
    other = house.practitioner(person)
    ask_to_join(house.client, pairing)
    mine = [other.request("GET", f"/v1/pairings/{pairing}"), answer_to(other, pairing)]
    none = [other.request("GET", f"/v1/pairings/{uuid4()}"), answer_to(other, uuid4())]
    assert {problem(answer) for answer in mine + none} == {(404, "not-found")}
    assert len({answer.data for answer in mine + none}) == 1
    assert other.request("DELETE", f"/v1/pairings/{pairing}").status_code == 204
    assert shown(person, pairing)["state"] == "requested"


def test_a_pairing_is_over_after_ten_minutes(house: House, person: Person, pairing: UUID) -> None:
    ask_to_join(house.client, pairing)
    house.clock.pass_(VALID_FOR.total_seconds() - 1)
    person.token = None
    assert shown(person, pairing)["state"] == "requested"
    house.clock.pass_(1)
    assert shown(person, pairing) == {"state": "expired", "request": None}
    assert problem(answer_to(person, pairing)) == (409, "pairing-not-answerable")


def test_three_wait_at_once_and_no_more(house: House, person: Person) -> None:
    opened = [open_pairing(person).get_json()["pairing"] for _ in range(OPEN_AT_ONCE)]
    second = another_device(person)
    assert problem(open_pairing(second)) == (409, "too-many-pairings")
    assert open_pairing(house.practitioner(person)).status_code == 201
    assert person.request("DELETE", f"/v1/pairings/{opened[0]}").status_code == 204
    assert problem(take(house.client, opened[0])) == (404, "not-found")
    assert open_pairing(second).status_code == 201
    house.clock.pass_(VALID_FOR.total_seconds())
    person.token = None
    assert open_pairing(person).status_code == 201


def test_a_pairing_ends_with_the_device_that_opened_it(house: House, person: Person) -> None:
    """Whoever has a lost device may have opened it, and wait for an answer by mistake."""
    lost = another_device(person)
    opened = open_pairing(lost).get_json()["pairing"]
    ask_to_join(house.client, opened)
    revoke(person, lost.device)
    assert problem(take(house.client, opened)) == (404, "not-found")
    assert problem(person.request("GET", f"/v1/pairings/{opened}")) == (404, "not-found")


def test_nobody_joins_a_suspended_account(house: House, person: Person) -> None:
    stopped = house.practitioner(person)
    opened = open_pairing(stopped).get_json()["pairing"]
    ask_to_join(house.client, opened)
    answer_to(stopped, opened)
    person.request("POST", f"/v1/practitioners/{stopped.id}/suspension")
    assert problem(take(house.client, opened)) == (404, "not-found")
    assert problem(ask_to_join(house.client, opened)) == (404, "not-found")


def test_what_is_over_is_swept(house: House, person: Person, pairing: UUID) -> None:
    ask_to_join(house.client, pairing)
    answer_to(person, pairing)

    def kept() -> list[tuple[bytes | None, bytes | None]]:
        worker.sweep(house.deps)
        with house.database.transaction() as session:
            return [(row.request, row.answer) for row in session.scalars(select(models.Pairing))]

    assert kept() == [(b"request", b"answer")]
    house.clock.pass_(VALID_FOR.total_seconds())
    assert kept() == [(None, None)], "what was in it goes at once"
    house.clock.pass_(TOLD_FOR.total_seconds())
    assert kept() == []


@pytest.mark.parametrize(
    ("credential", "sealed", "field"),
    [
        (b"short", b"request", "credential"),
        (bytes(33), b"request", "credential"),
        (RIGHT, bytes(16 * 1024 + 1), "request"),
        (RIGHT, b"", "request"),
    ],
)
def test_a_wrong_member_is_named_and_not_repeated(
    house: House, pairing: UUID, credential: bytes, sealed: bytes, field: str
) -> None:
    answer = ask_to_join(house.client, pairing, credential, sealed)
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), field)
    assert to_base64url(credential).encode() not in answer.data


@pytest.mark.parametrize("verifier", ["", "0" * 63, "0" * 65, "Z" * 64, "A" * 64])
def test_a_verifier_is_a_digest(person: Person, verifier: str) -> None:
    answer = person.request("POST", "/v1/pairings", json={"verifier": verifier})
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "verifier")
