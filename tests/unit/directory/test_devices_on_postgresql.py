"""Devices, pairings, backups and recoveries: what only two at once, and only PostgreSQL, can show."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from services.chassis import migrate
from services.chassis.db import Database
from services.directory import models
from services.directory.rules.backups import GUESSES
from services.directory.rules.pairings import OPEN_AT_ONCE
from services.directory.standing import revoke_in_force
from tests.unit.directory.account import Account, TestDevice, body_of, read_code
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.own_devices import (
    RIGHT,
    WRONG,
    another_device,
    answer_to,
    ask_to_join,
    back_up,
    leave,
    open_pairing,
    recover,
    take,
)
from tests.unit.directory.test_on_postgresql import AT_ONCE, at_once

pytestmark = pytest.mark.real


@pytest.fixture
def place(postgresql: Database) -> House:
    """A directory on PostgreSQL."""
    migrate.upgrade(postgresql, "directory")
    return House(postgresql)


@pytest.fixture
def person(place: House) -> Person:
    """Somebody signed in."""
    made = place.administrator()
    made.request("GET", "/v1/devices")
    return made


def outcomes(answers: list[Any]) -> list[int]:
    """The statuses, in order."""
    return sorted(answer.status_code for answer in answers)


def test_of_devices_that_join_at_once_one_does(place: House, person: Person) -> None:
    pairing = open_pairing(person).get_json()["pairing"]
    calls = [
        lambda n=n: ask_to_join(place.app.test_client(), pairing, sealed=f"device {n}".encode()) for n in range(AT_ONCE)
    ]
    answers = at_once(*calls)
    assert outcomes(answers) == [204] + [409] * (AT_ONCE - 1)
    assert {problem(answer) for answer in answers if answer.status_code == 409} == {(409, "pairing-taken")}
    assert answer_to(person, pairing).status_code == 204
    assert take(place.client, pairing).status_code == 200


def test_of_pairings_opened_at_once_no_more_wait_than_may(place: House, person: Person) -> None:
    answers = at_once(*(lambda: open_pairing(person, client=place.app.test_client()) for _ in range(AT_ONCE)))
    assert outcomes(answers) == [201] * OPEN_AT_ONCE + [409] * (AT_ONCE - OPEN_AT_ONCE)


@pytest.mark.parametrize("stored", [0, 1])
def test_of_two_backups_of_one_generation_one_stands(place: House, person: Person, stored: int) -> None:
    people = [person, another_device(person)]
    for each in people:
        each.request("GET", "/v1/devices")
    if stored:
        assert back_up(person, stored).status_code == 200

    def call(n: int) -> Any:
        return back_up(people[n % 2], stored + 1, sealed=f"keyring {n}".encode(), client=place.app.test_client())

    answers = at_once(*(lambda n=n: call(n) for n in range(AT_ONCE)))
    assert outcomes(answers) == [200] + [409] * (AT_ONCE - 1)
    assert person.request("GET", "/v1/backup").get_json()["generation"] == stored + 1


def test_of_generations_that_come_at_once_the_highest_stands(place: House, person: Person) -> None:
    calls = [lambda n=n: back_up(person, n, client=place.app.test_client()) for n in range(1, AT_ONCE + 1)]
    assert set(outcomes(at_once(*calls))) <= {200, 409}
    assert person.request("GET", "/v1/backup").get_json()["generation"] == AT_ONCE


def test_guesses_made_at_once_are_counted_one_after_the_other(place: House, person: Person) -> None:
    back_up(person, 1)
    answers = at_once(*(lambda: recover(place.app.test_client(), person.id, WRONG) for _ in range(GUESSES + 4)))
    assert outcomes(answers) == [403] * GUESSES + [429] * 4
    assert person.request("GET", "/v1/backup").get_json()["failed"] == GUESSES


def test_guesses_from_everywhere_at_once_are_told_to_the_last(place: House, person: Person) -> None:
    back_up(person, 1)
    calls = [
        lambda n=n: recover(place.app.test_client(), person.id, WRONG, f"198.51.100.{n}") for n in range(GUESSES + 4)
    ]
    assert outcomes(at_once(*calls)) == [403] * GUESSES + [429] * 4
    assert person.request("GET", "/v1/backup").get_json()["failed"] == GUESSES + 4


def test_one_entry_recorded_at_once_by_the_code_stands_once(place: House, person: Person) -> None:
    back_up(person, 1)
    entry = body_of(person.account.adding(TestDevice()))
    calls = [lambda: recover(place.app.test_client(), person.id, RIGHT, **entry) for _ in range(AT_ONCE)]
    assert set(outcomes(at_once(*calls))) <= {201, 409}
    assert recover(place.client, person.id, RIGHT, **entry).status_code == 201
    with place.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(models.KeyEntryRow)) == 2
    assert place.spoken().count("device-registered") == 2


def test_a_device_and_a_code_that_go_on_at_once_make_no_fork(place: House, person: Person) -> None:
    back_up(person, 1)
    entries = [body_of(person.account.adding(TestDevice())), None]
    person.account.entries.pop()
    entries[1] = body_of(person.account.rotating())
    answers = at_once(
        lambda: recover(place.app.test_client(), person.id, RIGHT, **entries[0]),
        lambda: person.request(
            "POST", f"/v1/practitioners/{person.id}/keys", client=place.app.test_client(), json=entries[1]
        ),
    )
    assert outcomes(answers) == [201, 409]


@pytest.mark.parametrize("act", ["transfer", "backup", "pairing"])
def test_what_a_device_does_while_it_is_revoked_does_not_stay(place: House, person: Person, act: str) -> None:
    """It has passed every check of its token, and comes to the database a moment too late."""
    lost = another_device(person)
    lost.request("GET", "/v1/devices")
    acts = {
        "transfer": lambda: leave(lost, person.device.id, b"sealed", client=place.app.test_client()),
        "backup": lambda: back_up(lost, 1, client=place.app.test_client()),
        "pairing": lambda: open_pairing(lost, client=place.app.test_client()),
    }
    with ThreadPoolExecutor(1) as pool:
        with place.database.transaction() as session:
            row = session.get_one(models.Device, lost.device.id, with_for_update={"of": models.Device})
            revoke_in_force(place.deps, session, row)
            session.flush()
            late = pool.submit(acts[act])
            assert not wait([late], timeout=0.3).done, "who revokes is first"
        assert problem(late.result(timeout=10)) == (403, "device-revoked")


def test_an_account_that_is_suspended_while_it_recovers_does_not(place: House, person: Person) -> None:
    stopped = place.practitioner(person)
    stopped.request("GET", "/v1/devices")
    assert back_up(stopped, 1).status_code == 200
    entry = body_of(stopped.account.adding(TestDevice()))
    with ThreadPoolExecutor(1) as pool:
        with place.database.transaction() as session:
            row = session.get_one(models.Practitioner, stopped.id, with_for_update={"of": models.Practitioner})
            row.status = "suspended"
            session.flush()
            late = pool.submit(lambda: recover(place.app.test_client(), stopped.id, RIGHT, **entry))
            assert not wait([late], timeout=0.3).done, "who suspends is first"
        assert problem(late.result(timeout=10)) == (403, "account-suspended")
    with place.database.transaction() as session:
        assert session.get(models.KeyEntryRow, (stopped.id, 2)) is None


def test_nothing_is_left_for_a_device_while_it_is_revoked(place: House, person: Person) -> None:
    lost = another_device(person)
    with ThreadPoolExecutor(1) as pool:
        with place.database.transaction() as session:
            row = session.get_one(models.Device, lost.device.id, with_for_update={"of": models.Device})
            revoke_in_force(place.deps, session, row)
            session.flush()
            late = pool.submit(lambda: leave(person, lost.device.id, b"sealed", client=place.app.test_client()))
            assert not wait([late], timeout=0.3).done
        assert problem(late.result(timeout=10)) == (404, "not-found")


def test_two_devices_that_leave_something_for_each_other_at_once_both_do(place: House, person: Person) -> None:
    second = another_device(person)
    second.request("GET", "/v1/devices")
    pair = [(person, second), (second, person)] * 3
    calls = [lambda a=a, b=b: leave(a, b.device.id, b"sealed", client=place.app.test_client()) for a, b in pair]
    assert outcomes(at_once(*calls)) == [204] * 6


def test_a_transfer_and_a_recovery_that_stops_every_device_do_not_wait_in_a_circle(
    place: House, person: Person
) -> None:
    first, second = sorted([person, another_device(person)], key=lambda each: each.device.id)
    second.request("GET", "/v1/devices")
    with ThreadPoolExecutor(1) as pool:
        with place.database.transaction() as session:
            session.get_one(models.Device, first.device.id, with_for_update={"of": models.Device})
            late = pool.submit(lambda: leave(second, first.device.id, b"sealed", client=place.app.test_client()))
            assert not wait([late], timeout=0.3).done
            session.execute(text("SET LOCAL lock_timeout = '500ms'"))
            session.get_one(models.Device, second.device.id, with_for_update={"of": models.Device})
        assert late.result(timeout=10).status_code == 204


def test_of_two_accounts_that_enrol_one_device_key_at_once_one_does(place: House, person: Person) -> None:
    device = TestDevice()

    def enrol(name: str) -> Any:
        made = person.invites(name)
        account = Account(UUID(str(made.practitioner)))
        body = {"practitioner": str(account.id), "secret": read_code(made.code)["secret"]}
        body |= body_of(account.first_entry(device))
        return lambda: place.app.test_client().post("/v1/enrolments", json=body)

    answers = at_once(enrol("Pia Practice"), enrol("Paul Practice"))
    assert outcomes(answers) == [201, 409]
    assert [problem(answer) for answer in answers if answer.status_code == 409] == [(409, "key-entry-conflict")]
    with place.database.transaction() as session:
        rows = session.scalars(select(models.Practitioner.status).where(models.Practitioner.id != person.id)).all()
    assert sorted(rows) == ["active", "invited"], "who lost can still enrol, with a key of their own"
