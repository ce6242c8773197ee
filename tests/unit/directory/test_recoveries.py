"""The sealed backup, and the way back by a recovery code: for its owner, and for those who guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.key_entries import EntryKind, KeyEntry, SignedEntry
from concord_formats.signatures import to_base64url
from sqlalchemy import event, select

from services.directory import keys, models, worker
from services.directory.rules.backups import GUESSES, GUESSING_WINDOW, MAX_GENERATION, MAX_STEP
from tests.unit.directory.account import Account, TestDevice, body_of, recipient, tampered
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.own_devices import RIGHT, WRONG, another_device, back_up, recover, verifier

LAST_DIGITS = range(2, 250)


@pytest.fixture
def person(house: House) -> Person:
    return house.administrator()


@pytest.fixture
def owner(person: Person) -> Person:
    """Somebody with a backup."""
    assert back_up(person, 1).status_code == 200
    return person


def told(person: Person) -> Any:
    """What the owner is told of their backup."""
    return person.request("GET", "/v1/backup").get_json()


def test_a_backup_is_fetched_by_its_code_with_the_history_that_goes_on(house: House, owner: Person) -> None:
    answer = recover(house.client, owner.id)
    assert (answer.status_code, answer.get_json()) == (
        200,
        {"backup": to_base64url(b"sealed"), "generation": 1, "entries": [body_of(owner.account.entries[0])]},
    )


def test_its_owner_sees_all_about_it_but_the_backup(house: House, owner: Person) -> None:
    now = house.clock.now().isoformat().replace("+00:00", "Z")
    fresh = {"generation": 1, "verifier": verifier(RIGHT), "stored_at": now, "failed": 0, "last_failed_at": None}
    assert told(owner) == fresh | {"used_at": None}
    recover(house.client, owner.id)
    assert told(owner) == fresh | {"used_at": now}


def test_without_a_backup_there_is_none(person: Person) -> None:
    assert problem(person.request("GET", "/v1/backup")) == (404, "not-found")
    assert person.request("DELETE", "/v1/backup/failures").status_code == 204


def test_a_newer_backup_takes_the_place_of_an_older_one_and_never_the_other_way(house: House, owner: Person) -> None:
    assert back_up(owner, 2, sealed=b"newer").get_json() == {"generation": 2}
    assert back_up(owner, 2, sealed=b"newer").status_code == 200, "the same again is the same"
    for generation, sealed, credential in [(1, b"sealed", RIGHT), (2, b"other", RIGHT), (2, b"newer", WRONG)]:
        assert problem(back_up(owner, generation, credential, sealed)) == (409, "backup-older")
    assert recover(house.client, owner.id).get_json()["backup"] == to_base64url(b"newer")


def test_a_device_that_was_away_does_not_put_its_older_keyring_back(owner: Person) -> None:
    second = another_device(owner)
    assert back_up(second, 2, sealed=b"newer").status_code == 200
    assert problem(back_up(owner, 2, sealed=b"older")) == (409, "backup-older")


def test_nobody_uses_up_the_generations(owner: Person) -> None:
    """A thief's device, before it is revoked, would else leave its owner no number for a backup of their own."""
    for generation in (1 + MAX_STEP + 1, MAX_GENERATION):
        answer = back_up(owner, generation)
        assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "generation")
    for generation in (0, -1, MAX_GENERATION + 1, True, 2.0, "2"):
        body = {"backup": "AAAA", "verifier": verifier(RIGHT), "generation": generation}
        assert problem(owner.request("PUT", "/v1/backup", json=body)) == (422, "invalid-field")
    assert back_up(owner, 1 + MAX_STEP).status_code == 200


def test_a_new_code_makes_the_old_one_worthless(house: House, owner: Person) -> None:
    back_up(owner, 2, WRONG)
    assert problem(recover(house.client, owner.id, RIGHT)) == (403, "recovery-refused")
    assert recover(house.client, owner.id, WRONG).status_code == 200


def test_a_code_that_is_replaced_while_it_is_used_adds_nothing(
    house: House, owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner makes a new code in the moment in which a finder of the old sheet uses it."""
    read = keys.checked

    def meanwhile(*args: Any) -> KeyEntry:
        assert back_up(owner, 2, WRONG).status_code == 200
        return read(*args)

    monkeypatch.setattr(keys, "checked", meanwhile)
    entry = body_of(owner.account.adding(TestDevice()))
    assert problem(recover(house.client, owner.id, **entry)) == (403, "recovery-refused")
    assert house.spoken().count("device-registered") == 1


def outcomes(house: House, account: UUID, address: str, credential: bytes = WRONG) -> list[tuple[int, str, bytes, Any]]:
    """What somebody sees who guesses until they are stopped, and once more."""
    answers = [recover(house.client, account, credential, address) for _ in range(GUESSES + 2)]
    return [(*problem(answer), answer.data, answer.headers.get("Retry-After")) for answer in answers]


def test_an_account_that_is_not_there_reads_and_counts_like_a_wrong_code(house: House, owner: Person) -> None:
    empty = house.practitioner(owner)
    invited = owner.invites("Ina Invited")
    wrong = outcomes(house, owner.id, "203.0.113.2")
    assert [each[:2] for each in wrong] == [(403, "recovery-refused")] * GUESSES + [(429, "too-many-guesses")] * 2
    assert wrong == outcomes(house, uuid4(), "203.0.113.3")
    assert wrong == outcomes(house, empty.id, "203.0.113.4")
    assert wrong == outcomes(house, invited.practitioner, "203.0.113.5")
    assert wrong == outcomes(house, uuid4(), "203.0.113.6", RIGHT), "the code of another account is a wrong one"


def test_an_account_that_is_not_there_is_counted_from_everywhere_too(house: House, owner: Person) -> None:
    def from_everywhere(account: UUID, net: str) -> list[bytes]:
        return [recover(house.client, account, WRONG, f"{net}.{n}").data for n in range(GUESSES + 2)]

    assert from_everywhere(owner.id, "198.51.100") == from_everywhere(uuid4(), "203.0.113")


def test_what_is_sealed_is_read_for_the_right_code_alone(house: House, owner: Person) -> None:
    """Four megabytes take their time: by that a stranger would know whether there is a backup, and wear the disk."""
    said: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *told: said.append(told[2]))

    def read(credential: bytes) -> bool:
        said.clear()
        recover(house.client, owner.id, credential)
        assert any("FROM backup" in each for each in said)
        return any("backup.backup " in each.replace(",", " ") for each in said)

    assert (read(WRONG), read(RIGHT)) == (False, True)


def test_who_slips_is_told_how_many_tries_are_left(house: House, owner: Person) -> None:
    recover(house.client, owner.id, WRONG, "198.51.100.9")
    left = [recover(house.client, owner.id, WRONG).get_json().get("left") for _ in range(GUESSES)]
    assert left == [*reversed(range(GUESSES - 1)), None], "counted for the account too"


def test_who_guesses_is_stopped_and_the_owner_is_not(house: House, owner: Person) -> None:
    for _ in range(GUESSES):
        recover(house.client, owner.id, WRONG)
    stopped = recover(house.client, owner.id)
    assert problem(stopped) == (429, "too-many-guesses")
    assert stopped.headers["Retry-After"] == str(int(GUESSING_WINDOW.total_seconds()))
    assert recover(house.client, owner.id, address="203.0.113.77").status_code == 200
    house.clock.pass_(GUESSING_WINDOW.total_seconds() - 10)
    assert recover(house.client, owner.id).headers["Retry-After"] == "10"
    house.clock.pass_(10)
    assert recover(house.client, owner.id).status_code == 200


def test_who_guesses_from_everywhere_is_stopped_and_the_owner_is_not(house: House, owner: Person) -> None:
    """Else anybody who knows an account could keep its owner from coming back."""
    answers = [recover(house.client, owner.id, WRONG, f"198.51.100.{n}") for n in LAST_DIGITS[: GUESSES + 5]]
    assert [answer.status_code for answer in answers] == [403] * GUESSES + [429] * 5
    assert recover(house.client, owner.id).status_code == 200


def test_the_owner_is_told_of_every_wrong_try_until_they_have_read_of_it(house: House, owner: Person) -> None:
    house.clock.pass_(60)
    for n in LAST_DIGITS[: GUESSES + 2]:
        recover(house.client, owner.id, WRONG, f"198.51.100.{n}")
    now = house.clock.now().isoformat().replace("+00:00", "Z")
    assert (told(owner)["failed"], told(owner)["last_failed_at"]) == (GUESSES + 2, now)
    back_up(owner, 2)
    assert told(owner)["failed"] == GUESSES + 2, "a new backup hides nothing"
    assert owner.request("DELETE", "/v1/backup/failures").status_code == 204
    assert (told(owner)["failed"], told(owner)["last_failed_at"]) == (0, None)


def test_a_right_code_is_no_guess(house: House, owner: Person) -> None:
    for _ in range(GUESSES * 2):
        assert recover(house.client, owner.id).status_code == 200
    assert told(owner)["failed"] == 0


def test_who_owns_one_account_gets_no_guesses_at_another_for_it(house: House, owner: Person) -> None:
    """A right code takes back its own count and not that of the wrong ones before."""
    other = house.practitioner(owner)
    for _ in range(GUESSES):
        recover(house.client, other.id, WRONG)
        recover(house.client, owner.id)
    assert recover(house.client, other.id, WRONG).status_code == 429


def test_a_network_of_ipv6_is_one_source(house: House, owner: Person) -> None:
    for n in range(GUESSES):
        recover(house.client, owner.id, WRONG, f"2001:db8:0:1:{n}::1")
    assert recover(house.client, owner.id, address="2001:db8:0:1:ffff::").status_code == 429
    assert recover(house.client, owner.id, address="2001:db8:0:2::1").status_code == 200


def test_a_client_cannot_lend_itself_another_address(house: House, owner: Person) -> None:
    body = {"account": str(owner.id), "credential": to_base64url(WRONG)}
    for n in LAST_DIGITS[:GUESSES]:
        house.client.post("/v1/recoveries", json=body, headers={"X-Forwarded-For": f"198.51.100.{n}"})
    last = house.client.post("/v1/recoveries", json=body, headers={"X-Forwarded-For": "198.51.100.251"})
    assert last.status_code == 429


def test_guesses_are_forgotten_and_were_never_kept_in_the_clear(house: House, owner: Person) -> None:
    recover(house.client, owner.id, WRONG, "198.51.100.9")

    def kept() -> str:
        worker.sweep(house.deps)
        with house.database.transaction() as session:
            rows = session.scalars(select(models.RecoveryGuesses)).all()
            return " ".join(row.source_sha256 for row in rows)

    assert len(kept().split()) == 2
    assert "198.51" not in kept()
    assert str(owner.id) not in kept()
    house.clock.pass_(GUESSING_WINDOW.total_seconds())
    assert kept() == ""


def test_a_suspended_account_does_not_recover_and_only_its_owner_is_told_why(house: House, person: Person) -> None:
    stopped = house.practitioner(person)
    back_up(stopped, 1)
    entry = body_of(stopped.account.adding(TestDevice()))
    person.request("POST", f"/v1/practitioners/{stopped.id}/suspension")
    for more in ({}, entry):
        assert problem(recover(house.client, stopped.id, **more)) == (403, "account-suspended")
        assert problem(recover(house.client, stopped.id, WRONG, **more)) == (403, "recovery-refused")
    person.request("DELETE", f"/v1/practitioners/{stopped.id}/suspension")
    assert recover(house.client, stopped.id, **entry).status_code == 201


def test_the_code_adds_a_device_which_signs_in(house: House, owner: Person) -> None:
    new = TestDevice()
    entry = body_of(owner.account.adding(new))
    answer = recover(house.client, owner.id, **entry)
    assert (answer.status_code, answer.get_json()) == (
        201,
        {"entry": 2, "status": "recorded", "effective_at": None},
    )
    here = Person(house, owner.account, new, owner.organization)
    assert here.ask_token().status_code == 200
    assert house.spoken()[-1] == "device-registered"


def test_an_entry_repeated_changes_nothing_even_when_others_came_after(house: House, owner: Person) -> None:
    """The answer may get lost, and another device may go on meanwhile."""
    entry = body_of(owner.account.adding(TestDevice()))
    first = recover(house.client, owner.id, **entry)
    later = owner.request("POST", f"/v1/practitioners/{owner.id}/keys", json=body_of(owner.account.rotating()))
    assert later.status_code == 201
    told_before = house.spoken()
    again = recover(house.client, owner.id, **entry)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert house.spoken() == told_before


def test_the_code_changes_nothing_else(house: House, owner: Person) -> None:
    account, lost = owner.account, another_device(owner).device
    kept = list(account.entries)
    other = Account(owner.id, entries=list(kept))
    wrong: list[Callable[[], SignedEntry]] = [
        account.rotating,
        lambda: account.removing(lost),
        lambda: account.next_entry(EntryKind.DEVICE_ADDED, devices=(TestDevice().public,)),
        lambda: account.adding(TestDevice(), encryption=recipient(), encryption_version=2),
        lambda: tampered(account.adding(TestDevice())),
        lambda: other.adding(TestDevice()),  # another identity key signs
        lambda: kept[0],
    ]
    before = house.spoken()
    for make in wrong:
        refused = recover(house.client, owner.id, **body_of(make()))
        assert problem(refused) == (422, "invalid-key-entry"), make
        account.entries[:] = kept
    assert house.spoken() == before


def test_an_entry_that_follows_an_older_one_conflicts(house: House, owner: Person) -> None:
    stale = owner.account.adding(TestDevice())
    owner.account.entries.pop()
    another_device(owner)
    assert problem(recover(house.client, owner.id, **body_of(stale))) == (409, "key-entry-conflict")


def test_an_entry_of_another_account_is_refused(house: House, owner: Person) -> None:
    other = house.practitioner(owner)
    entry = body_of(other.account.adding(TestDevice()))
    assert problem(recover(house.client, owner.id, **entry)) == (422, "invalid-key-entry")


def test_a_device_key_of_another_account_is_not_added(house: House, owner: Person) -> None:
    other = house.practitioner(owner)
    entry = body_of(owner.account.adding(TestDevice(authentication=other.device.authentication)))
    assert problem(recover(house.client, owner.id, **entry)) == (409, "key-entry-conflict")
    assert other.ask_token().status_code == 200


def test_a_wrong_code_with_an_entry_is_counted_with_the_others(house: House, owner: Person) -> None:
    entry = body_of(owner.account.adding(TestDevice()))
    for n in range(GUESSES):
        refused = recover(house.client, owner.id, WRONG, **(entry if n % 2 else {}))
        assert problem(refused) == (403, "recovery-refused")
    assert problem(recover(house.client, owner.id, **entry)) == (429, "too-many-guesses")
    assert told(owner)["failed"] == GUESSES


def test_no_credential_is_repeated_or_logged(
    house: House, owner: Person, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    too_long = RIGHT + b"!"
    answers = [recover(house.client, owner.id, WRONG), recover(house.client, owner.id, too_long)]
    monkeypatch.setattr(models.Backup, "verifier", property(lambda _: 1 / 0))
    answers.append(recover(house.client, owner.id, RIGHT))
    assert [answer.status_code for answer in answers] == [403, 422, 500]
    written = capsys.readouterr().err + "".join(answer.text for answer in answers)
    assert "unforeseen" in written
    for credential in (RIGHT, WRONG, too_long):
        assert to_base64url(credential) not in written
        assert verifier(credential) not in written
