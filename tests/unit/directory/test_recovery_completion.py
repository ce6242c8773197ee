"""The delay of a recovery, and the end of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from concord_formats.key_entries import KeyEntry

from services.directory import models
from services.directory.rules.recovery_cases import COMPLETE_WITHIN, MOST_AT_ONCE
from tests.unit.directory.account import TestDevice, body_of
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.lost import Case, anew, bindings, on_a_copy, steps, wait


@pytest.fixture(scope="module")
def house(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all of these."""
    yield from on_a_copy(migrated, tmp_path_factory.mktemp("house"))


@pytest.fixture
def ada(house: House) -> Person:
    return house.administrator()


@pytest.fixture
def bo(house: House, ada: Person) -> Person:
    return house.administrator(ada.organization)


@pytest.fixture
def person(house: House, ada: Person) -> Person:
    return house.practitioner(ada)


@pytest.fixture
def case(ada: Person, bo: Person, person: Person) -> Case:
    """Announced."""
    return Case.open(ada, person).announced(ada, bo)


def history(by: Person, of: Person) -> Any:
    return by.request("GET", f"/v1/practitioners/{of.id}/keys").get_json()


def test_after_the_delay_the_new_keys_are_in_force_and_every_old_device_is_stopped(
    house: House, case: Case, ada: Person, person: Person
) -> None:
    second = TestDevice()
    wait(house)
    told = len(house.spoken())
    answer = case.complete()
    assert (answer.status_code, answer.get_json()["state"], answer.get_json()["entry"]) == (200, "completed", 2)
    assert answer.get_json()["effective_at"] is not None
    assert house.spoken()[told:] == ["device-registered", "device-revoked", "keys-changed"]
    recovered = bindings(house, person)[-1]
    assert (recovered.kind, recovered.n, recovered.entry) == ("recovered", 2, case.signed.digest)
    assert recovered.attestations == bindings(house, person)[-2].attestations
    assert person.ask_token().status_code == 401, "the old device is a stranger"
    new = case.recovered()
    assert new.request("GET", "/v1/recovery-cases").get_json()["cases"][0]["state"] == "completed"
    signed = new.account.adding(second)
    assert new.request("POST", f"/v1/practitioners/{new.id}/keys", json=body_of(signed)).status_code == 201


def test_who_attested_stands_beside_the_history(house: House, case: Case, ada: Person, person: Person) -> None:
    assert history(ada, person)["attestations"] == {}
    announced = ada.request("GET", "/v1/recovery-cases").get_json()["cases"][0]["attestations"]
    wait(house)
    case.complete()
    ada.token = None
    shown = history(ada, person)
    assert shown["attestations"] == {"2": announced}
    assert len(shown["entries"]) == len(shown["bindings"]) == 2


def test_completion_waits_and_says_until_when(house: House, case: Case, person: Person) -> None:
    wait(house, 0.5)
    answer = case.complete()
    assert (answer.status_code, answer.get_json()["state"]) == (202, "announced")
    assert answer.get_json()["effective_from"] == bindings(house, person)[-1].effective_from.isoformat().replace(  # type: ignore[union-attr]
        "+00:00", "Z"
    )
    assert person.ask_token().status_code == 200
    wait(house, 0.5)
    assert case.complete().status_code == 200


def test_a_clock_that_jumps_forward_shortens_nothing_beyond_one_count(house: House, case: Case) -> None:
    house.clock.pass_(7200)
    answer = case.complete()
    assert (answer.status_code, answer.get_json()["state"]) == (202, "announced")
    wait(house, 1 - MOST_AT_ONCE.total_seconds() / 3600)
    assert case.complete().status_code == 200


def test_asking_often_after_a_jump_shortens_nothing(house: House, case: Case) -> None:
    house.clock.pass_(7200)
    for _ in range(10):
        assert case.complete().status_code == 202
        house.clock.pass_(1)


def test_a_clock_that_is_set_back_shortens_nothing(house: House, case: Case) -> None:
    wait(house, 0.5)
    house.clock.pass_(-600)
    for _ in range(3):
        assert case.complete().status_code == 202
    wait(house, 0.5)
    assert case.complete().status_code == 202, "ten minutes are counted once"
    wait(house, 0.5)
    assert case.complete().status_code == 200


def test_time_in_which_the_owner_could_not_object_does_not_count(
    house: House, case: Case, ada: Person, person: Person
) -> None:
    """Two administrators who suspend the account for the three days would else have their way unseen."""
    ada.request("POST", f"/v1/practitioners/{person.id}/suspension")
    wait(house)
    assert case.complete().status_code == 202
    ada.token = None
    ada.request("DELETE", f"/v1/practitioners/{person.id}/suspension")
    assert case.complete().status_code == 202
    wait(house)
    assert case.complete().status_code == 200


def test_a_suspended_account_is_not_recovered_until_it_is_reinstated(
    house: House, case: Case, ada: Person, person: Person
) -> None:
    wait(house)
    ada.token = None
    ada.request("POST", f"/v1/practitioners/{person.id}/suspension")
    assert problem(case.complete()) == (403, "account-suspended")
    ada.request("DELETE", f"/v1/practitioners/{person.id}/suspension")
    assert case.complete().status_code == 200


def test_the_word_of_an_administrator_who_was_suspended_completes_nothing(
    house: House, case: Case, ada: Person, bo: Person, person: Person
) -> None:
    ada.request("POST", f"/v1/practitioners/{bo.id}/suspension")
    wait(house)
    assert problem(case.complete()) == (409, "attestation-lapsed")
    assert person.ask_token().status_code == 200


def test_nor_does_one_from_a_device_that_was_revoked_since(house: House, case: Case, ada: Person, bo: Person) -> None:
    """What a thief attested with an administrator's device is undone with the device."""
    ada.request("POST", f"/v1/devices/{bo.device.id}/revocation")
    wait(house)
    assert problem(case.complete()) == (409, "attestation-lapsed")


def test_a_case_without_two_attestations_is_never_complete(house: House, ada: Person, person: Person) -> None:
    case = Case.open(ada, person)
    assert (case.complete().status_code, case.complete().get_json()["state"]) == (202, "opened")
    case.enter()
    case.attest(ada)
    wait(house, 2)
    assert (case.complete().status_code, case.complete().get_json()["state"]) == (202, "attested")
    assert steps(house, person) == ["enrolled"]


def test_a_completion_that_was_interrupted_is_told_again_and_waits_for_the_barrier(
    house: House, case: Case, person: Person
) -> None:
    wait(house)
    house.barrier.open = False
    answer = case.complete()
    assert (answer.status_code, answer.get_json()["state"], answer.get_json()["entry"]) == (202, "revoking", 2)
    told = house.spoken()
    house.barrier.open = True
    assert case.complete().status_code == 200
    assert case.complete().status_code == 200
    assert house.spoken() == told
    assert steps(house, person)[-1] == "recovered"
    assert case.enter().get_json()["state"] == "completed", "the same keys again change nothing"
    assert problem(case.enter(anew(person)[0].entries[-1])) == (409, "recovery-entry-taken")


def test_a_completed_case_is_not_refused_any_more(house: House, case: Case, ada: Person) -> None:
    wait(house)
    case.complete()
    ada.token = None
    assert problem(case.refuse(ada)) == (409, "recovery-case-over")
    assert problem(case.attest(ada)) == (409, "recovery-case-over")


def test_a_recovery_that_nobody_completes_is_taken_back(house: House, case: Case, person: Person) -> None:
    house.clock.pass_(COMPLETE_WITHIN.total_seconds() + 3600)
    wait(house, 1)
    assert problem(case.complete()) == (403, "case-code-refused")
    assert steps(house, person)[-1] == "recovery-refused"


def test_an_account_is_recovered_a_second_time(
    house: House, case: Case, ada: Person, bo: Person, person: Person
) -> None:
    wait(house)
    case.complete()
    ada.token = bo.token = None
    again = Case.open(ada, case.recovered()).announced(ada, bo)
    wait(house)
    assert again.complete().get_json()["entry"] == 3
    ada.token = None
    assert set(history(ada, person)["attestations"]) == {"2", "3"}


def test_an_administrator_is_recovered_by_two_others(house: House, ada: Person, bo: Person) -> None:
    third = house.administrator(ada.organization)
    case = Case.open(ada, third).announced(ada, bo)
    wait(house)
    case.complete()
    new = case.recovered()
    assert new.request("POST", "/v1/invitations", json=new.invitation(name="Pia")).status_code == 201


def test_the_backup_that_the_lost_code_opens_is_gone(house: House, case: Case, person: Person) -> None:
    backup = {"backup": "AAAA", "verifier": "0" * 64, "generation": 1}
    assert person.request("PUT", "/v1/backup", json=backup).status_code == 200
    wait(house)
    case.complete()
    with house.database.transaction() as session:
        assert session.get(models.Backup, person.id) is None


def test_the_old_identity_adds_nothing_any_more(house: House, case: Case, person: Person) -> None:
    """A thief with the identity key, on a device that signed in a moment before."""
    wait(house)
    old = person.account.adding(TestDevice())
    person.request("GET", "/v1/recovery-cases")
    case.complete()
    answer = person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(old))
    assert problem(answer) == (409, "key-entry-conflict")
    behind = case.account.adding(TestDevice())
    followed = {"n": 3, "previous": case.account.entries[1].digest}
    forged = person.account.signed(KeyEntry.model_validate_json(behind.entry).model_copy(update=followed))
    answer = person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(forged))
    assert problem(answer) == (422, "invalid-key-entry")
    assert problem(person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(behind))) == (
        403,
        "device-revoked",
    )
    assert steps(house, person)[-1] == "recovered"
