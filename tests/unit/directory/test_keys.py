"""Key histories: signed by their owner, only ever added to, the same for everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from concord_formats.key_entries import EntryKind, SignedEntry, read_history
from concord_formats.signatures import from_base64url
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from tests.unit.directory.account import Account, TestDevice, body_of, recipient, tampered
from tests.unit.directory.house import House, Person, problem


@pytest.fixture
def person(house: House) -> Person:
    return house.practitioner(house.administrator())


def append(person: Person, signed: SignedEntry, whose: Any = None) -> Any:
    """The answer to appending an entry."""
    return person.request("POST", f"/v1/practitioners/{whose or person.id}/keys", json=body_of(signed))


def history(reader: Person, whose: Any) -> list[SignedEntry]:
    """A history as a client reads it."""
    entries = reader.request("GET", f"/v1/practitioners/{whose}/keys").get_json()["entries"]
    return [SignedEntry(from_base64url(e["entry"]), from_base64url(e["signature"])) for e in entries]


def test_a_history_is_read_by_others_byte_for_byte(house: House, person: Person) -> None:
    second = TestDevice()
    assert append(person, person.account.adding(second)).status_code == 201
    assert append(person, person.account.rotating()).status_code == 201
    other = house.practitioner(house.administrator())
    read = history(other, person.id)
    assert read == person.account.entries
    assert read_history(read).encryption_version == 2


def test_each_kind_of_entry_is_told(house: House, person: Person) -> None:
    before = len(house.spoken())
    second = TestDevice()
    append(person, person.account.adding(second))
    append(person, person.account.rotating())
    append(person, person.account.removing(second))
    assert house.spoken()[before:] == ["device-registered", "keys-changed", "device-revoked"]
    changed = house.events()[before + 1]
    assert changed.data == {"practitioner": str(person.id), "entry": 3}


def test_an_entry_repeated_changes_nothing(house: House, person: Person) -> None:
    signed = person.account.adding(TestDevice())
    first = append(person, signed)
    told = house.spoken()
    again = append(person, signed)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert house.spoken() == told


def test_an_entry_that_follows_an_older_one_conflicts(person: Person) -> None:
    """Two devices that change keys at once: the slower one fetches and signs anew."""
    stale = person.account.adding(TestDevice())
    person.account.entries.pop()
    assert append(person, person.account.rotating()).status_code == 201
    assert problem(append(person, stale)) == (409, "key-entry-conflict")


def test_an_entry_from_the_future_conflicts(person: Person) -> None:
    person.account.rotating()
    assert problem(append(person, person.account.rotating())) == (409, "key-entry-conflict")


def test_only_the_owner_changes_keys(house: House, person: Person) -> None:
    admin = house.administrator(person.organization)
    assert problem(append(admin, person.account.rotating(), person.id)) == (403, "not-yours")


def test_entries_that_break_the_rules_are_refused(person: Person) -> None:
    account = person.account
    wrong: list[Callable[[], SignedEntry]] = [
        lambda: tampered(account.rotating()),
        lambda: Account(person.id, entries=list(account.entries)).rotating(),  # another identity key signs
        lambda: account.next_entry(EntryKind.ENROLLED),
        lambda: account.next_entry(EntryKind.KEYS_CHANGED),
        lambda: account.next_entry(EntryKind.KEYS_CHANGED, encryption=recipient(), encryption_version=7),
        lambda: account.next_entry(EntryKind.DEVICE_ADDED, devices=()),
        lambda: account.adding(TestDevice(), previous="0" * 64),
        lambda: account.adding(TestDevice(), encryption=recipient()),
    ]
    for make in wrong:
        assert problem(append(person, make())) == (422, "invalid-key-entry")
        del account.entries[1:]
    assert append(person, account.rotating()).status_code == 201


def test_a_revoked_device_does_not_come_back(person: Person) -> None:
    second = TestDevice()
    append(person, person.account.adding(second))
    append(person, person.account.removing(second))
    assert problem(append(person, person.account.adding(second))) == (422, "invalid-key-entry")


def test_a_device_stopped_in_an_emergency_may_stay_listed_until_an_entry_removes_it(
    house: House, person: Person
) -> None:
    lost = TestDevice()
    append(person, person.account.adding(lost))
    person.request("POST", f"/v1/devices/{lost.id}/revocation")
    before = len(house.spoken())
    assert append(person, person.account.adding(TestDevice())).status_code == 201
    assert append(person, person.account.removing(lost)).status_code == 201
    assert house.spoken()[before:] == ["device-registered"], "the revocation was told when it happened"


def test_an_entry_that_revokes_a_device_waits_for_the_barrier(house: House, person: Person) -> None:
    lost = TestDevice()
    append(person, person.account.adding(lost))
    house.barrier.open = False
    signed = person.account.removing(lost)
    answer = append(person, signed)
    assert (answer.status_code, answer.get_json()["status"]) == (202, "revoking")
    assert house.barrier.asked == [house.events()[-1].sequence]
    house.barrier.open = True
    answer = append(person, signed)
    assert (answer.status_code, answer.get_json()["status"]) == (201, "recorded")
    assert answer.get_json()["effective_at"] is not None


def test_a_suspended_account_changes_no_keys(house: House) -> None:
    """Its token still lasts some minutes; the directory knows better."""
    admin = house.administrator()
    person = house.practitioner(admin)
    person.request("GET", f"/v1/practitioners/{person.id}")
    admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    assert problem(append(person, person.account.rotating())) == (403, "account-suspended")


def test_a_revoked_device_changes_no_keys(person: Person) -> None:
    person.request("POST", f"/v1/devices/{person.device.id}/revocation")
    assert problem(append(person, person.account.rotating())) == (403, "device-revoked")


def test_the_history_of_nobody_is_not_found(person: Person) -> None:
    answer = person.request("GET", f"/v1/practitioners/{uuid4()}/keys")
    assert problem(answer) == (404, "not-found")


@pytest.mark.parametrize("statement", ["UPDATE key_entry SET entry = entry", "DELETE FROM key_entry"])
def test_the_database_itself_keeps_the_past(house: House, person: Person, statement: str) -> None:
    with pytest.raises(DatabaseError, match="never changed"), house.database.engine.begin() as connection:
        connection.execute(text(statement))
    assert history(person, person.id) == person.account.entries


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"entry": "AA", "signature": "*"}, "signature"),
        ({"entry": "AB", "signature": "AA"}, "entry"),
        ({"entry": "A" * 90000, "signature": "AA"}, "entry"),
        ({"entry": "AA", "signature": "A" * 5000}, "signature"),
        ({"entry": "AA"}, "signature"),
    ],
)
def test_a_wrong_member_is_named(person: Person, body: dict[str, str], field: str) -> None:
    answer = person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body)
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), field)
