"""All lost: from an administrator's code to an announcement that everybody sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from concord_formats.attestations import SignedAttestation
from concord_formats.key_entries import EntryKind
from concord_formats.signatures import HybridPublicKey, to_base64url

from services.directory.rules.recovery_cases import OPEN_FOR
from tests.unit.directory.account import Account, TestDevice, body_of, tampered
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.lost import Case, anew, attestation, bindings, on_a_copy, steps, wait


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
def case(ada: Person, person: Person) -> Case:
    return Case.open(ada, person)


def listed(by: Person) -> list[Any]:
    answer = by.request("GET", "/v1/recovery-cases")
    assert answer.status_code == 200
    return list(answer.get_json()["cases"])


def state(by: Person) -> str:
    return str(listed(by)[0]["state"])


def test_the_code_opens_the_history_that_the_new_keys_go_on_from(case: Case, person: Person) -> None:
    answer = case.by_code("history")
    assert (answer.status_code, answer.get_json()["state"]) == (200, "opened")
    assert answer.get_json()["entries"] == [body_of(signed) for signed in person.account.entries]


@pytest.mark.parametrize("what", ["history", "entry", "completion"])
def test_no_other_secret_opens_it_and_an_unknown_case_reads_the_same(case: Case, what: str) -> None:
    more = body_of(case.signed) if what == "entry" else {}
    wrong = case.by_code(what, "x" * 43, **more)
    case.id = str(uuid4())
    unknown = case.by_code(what, **more)
    assert problem(wrong) == (403, "case-code-refused")
    assert wrong.get_json() == unknown.get_json()


def test_new_keys_wait_and_their_fingerprint_is_told(case: Case, ada: Person) -> None:
    answer = case.enter()
    fingerprint = HybridPublicKey.decode(case.account.identity.public).fingerprint()
    assert (answer.status_code, answer.get_json()) == (200, {"fingerprint": fingerprint, "state": "entered"})
    assert case.enter().get_json() == answer.get_json(), "the answer may get lost: once more changes nothing"
    [shown] = listed(ada)
    assert (shown["state"], shown["entry"]) == ("entered", to_base64url(case.signed.entry))


def test_a_case_takes_one_set_of_keys_and_a_code_used_by_somebody_else_gains_nothing(
    case: Case, person: Person, ada: Person
) -> None:
    case.enter()
    other, _ = anew(person)
    assert problem(case.enter(other.entries[-1])) == (409, "recovery-entry-taken")
    assert listed(ada)[0]["entry"] == to_base64url(case.signed.entry)


def test_what_may_wait_is_a_recovered_entry_that_follows_the_history(case: Case, person: Person) -> None:
    stranger = Account(uuid4())
    wrong = [
        tampered(case.signed),
        person.account.rotating(),
        stranger.first_entry(TestDevice()),
        anew(person, devices=(person.device.public,))[0].entries[-1],  # a device that may be in a thief's hands
        anew(person, previous="0" * 64)[0].entries[-1],
    ]
    for signed in wrong:
        assert problem(case.enter(signed)) in {(422, "invalid-key-entry"), (409, "key-entry-conflict")}
    del person.account.entries[1:]
    assert case.enter().status_code == 200


def test_a_signed_in_device_records_no_new_identity_by_itself(person: Person) -> None:
    """Whoever has a stolen device can sign in, and lacks the identity key."""
    account, _ = anew(person)
    path = f"/v1/practitioners/{person.id}/keys"
    answer = person.request("POST", path, json=body_of(account.entries[-1]))
    assert problem(answer) == (422, "invalid-key-entry")
    assert person.request("POST", path, json=body_of(person.account.rotating())).status_code == 201


def test_a_case_is_opened_by_an_administrator_of_the_organization_for_somebody_else(
    house: House, ada: Person, bo: Person, person: Person
) -> None:
    elsewhere = house.administrator()

    def opening(by: Person, whom: Person) -> Any:
        return problem(by.request("POST", "/v1/recovery-cases", json={"practitioner": str(whom.id)}))

    assert opening(person, person) == (409, "not-yourself")
    assert opening(house.practitioner(ada), person) == (403, "administrator-only")
    assert opening(elsewhere, person) == (403, "administrator-only")
    assert opening(ada, ada) == (409, "not-yourself")
    Case.open(ada, bo)


def test_nobody_who_never_enrolled_or_is_suspended_is_recovered(ada: Person, person: Person) -> None:
    invited = ada.invites("Not Yet").practitioner
    answer = ada.request("POST", "/v1/recovery-cases", json={"practitioner": str(invited)})
    assert problem(answer) == (409, "not-enrolled")
    ada.request("POST", f"/v1/practitioners/{person.id}/suspension")
    answer = ada.request("POST", "/v1/recovery-cases", json={"practitioner": str(person.id)})
    assert problem(answer) == (403, "account-suspended")


def test_an_account_has_one_case_at_a_time(case: Case, ada: Person, bo: Person, person: Person) -> None:
    answer = bo.request("POST", "/v1/recovery-cases", json={"practitioner": str(person.id)})
    assert problem(answer) == (409, "recovery-case-open")
    assert case.refuse(bo).status_code == 200
    Case.open(ada, person)


def test_a_code_is_good_for_a_week_and_an_old_case_makes_room(
    house: House, case: Case, ada: Person, person: Person
) -> None:
    house.clock.pass_(OPEN_FOR.total_seconds())
    ada.token = person.token = None
    assert problem(case.by_code("history")) == (403, "case-code-refused")
    house.clock.pass_(-OPEN_FOR.total_seconds())
    assert problem(case.by_code("history")) == (403, "case-code-refused"), (
        "a clock that is set back opens nothing again"
    )
    Case.open(ada, person)
    assert steps(house, person) == ["enrolled"], "what was never announced is not taken back in the log"


def test_two_administrators_set_off_the_delay_and_a_conspicuous_entry_of_the_log(
    house: House, case: Case, ada: Person, bo: Person, person: Person
) -> None:
    case.enter()
    words = [attestation(ada, case.signed), attestation(bo, case.signed)]
    assert case.attest(ada, words[0]).get_json()["state"] == "attested"
    assert steps(house, person) == ["enrolled"]
    answer = case.attest(bo, words[1]).get_json()
    announced = bindings(house, person)[-1]
    effective = house.clock.now() + timedelta(hours=1)
    assert (answer["state"], announced.kind, announced.n) == ("announced", "recovery-announced", 2)
    assert (announced.entry, announced.effective_from) == (case.signed.digest, effective)
    assert announced.attestations == tuple(sorted(word.digest for word in words))
    assert (announced.name, announced.role, announced.organization) == (
        "Pia Practice",
        "practitioner",
        person.organization,
    )
    assert case.attest(bo, words[1]).status_code == 200, "once more changes nothing"
    assert steps(house, person) == ["enrolled", "recovery-announced"]


def test_one_administrator_counts_once(case: Case, house: House, ada: Person, person: Person) -> None:
    case.enter()
    assert case.attest(ada).status_code == 200
    house.clock.pass_(1)
    assert problem(case.attest(ada)) == (409, "already-attested")
    second = TestDevice()
    ada.request("POST", f"/v1/practitioners/{ada.id}/keys", json=body_of(ada.account.adding(second)))
    again = Person(house, ada.account, second, ada.organization)
    assert problem(case.attest(again)) == (409, "already-attested"), "nor with another device"
    assert state(ada) == "attested"


def test_who_may_not_attest(house: House, case: Case, ada: Person, bo: Person, person: Person) -> None:
    case.enter()
    assert problem(case.attest(house.practitioner(ada))) == (403, "administrator-only")
    assert problem(case.attest(house.administrator())) == (403, "administrator-only")
    himself = attestation(ada, case.signed)  # who they are is asked before what they say
    assert problem(case.attest(person, himself)) == (409, "not-yourself")
    bo.sign_in()
    bo.request("GET", "/v1/recovery-cases")
    ada.request("POST", f"/v1/practitioners/{bo.id}/suspension")
    assert problem(case.attest(bo)) == (403, "account-suspended")
    own = Case.open(ada, second := house.administrator(ada.organization))
    own.enter()
    assert problem(own.attest(second, himself)) == (409, "not-yourself")
    assert state(ada) == "entered"


def test_attestations_that_say_something_else_are_refused(
    house: House, case: Case, ada: Person, bo: Person, person: Person
) -> None:
    case.enter()
    other, _ = anew(person)
    good = attestation(ada, case.signed)
    wrong = [
        SignedAttestation(good.line, good.signature[:-1] + bytes([good.signature[-1] ^ 1])),
        SignedAttestation(b"{}", good.signature),
        attestation(bo, case.signed),  # another's word
        attestation(ada, case.signed, device=uuid4()),
        attestation(ada, case.signed, attestor=bo.id),
        attestation(ada, other.entries[-1]),  # over another entry
        attestation(ada, case.signed, account=bo.id),
        attestation(ada, case.signed, at=house.clock.now() - timedelta(days=1)),
        attestation(ada, case.signed, at=house.clock.now() + timedelta(days=1)),
    ]
    for word in wrong:
        assert problem(case.attest(ada, word)) == (422, "invalid-attestation")
    assert case.attest(ada, good).status_code == 200


def test_there_is_nothing_to_attest_to_before_the_person_came(case: Case, ada: Person) -> None:
    assert problem(case.attest(ada)) == (409, "recovery-not-entered")


def test_the_word_of_an_administrator_who_was_suspended_since_makes_room_for_another(
    house: House, case: Case, ada: Person, bo: Person, person: Person
) -> None:
    third = house.administrator(ada.organization)
    case.enter()
    assert case.attest(bo).status_code == 200
    ada.request("POST", f"/v1/practitioners/{bo.id}/suspension")
    assert case.attest(ada).get_json()["state"] == "attested"
    assert case.attest(third).get_json()["state"] == "announced"
    assert [each["line"] for each in listed(ada)[0]["attestations"]] != []
    assert steps(house, person) == ["enrolled", "recovery-announced"]


@pytest.mark.parametrize("by", ["owner", "administrator"])
def test_the_owner_from_an_old_device_or_an_administrator_stops_it(
    house: House, case: Case, ada: Person, bo: Person, person: Person, by: str
) -> None:
    case.announced(ada, bo)
    answer = case.refuse(person if by == "owner" else ada)
    assert (answer.status_code, answer.get_json()["state"], answer.get_json()["ending"]) == (200, "refused", "objected")
    refused = bindings(house, person)[-1]
    assert (refused.kind, refused.n, refused.entry) == ("recovery-refused", 2, case.signed.digest)
    assert case.refuse(ada).get_json()["state"] == "refused"
    wait(house)
    assert problem(case.complete()) == (409, "recovery-case-stopped")
    assert problem(case.enter()) == (409, "recovery-case-stopped")
    ada.token = None
    assert problem(case.attest(ada)) == (409, "recovery-case-stopped")
    assert steps(house, person) == ["enrolled", "recovery-announced", "recovery-refused"]
    person.token = None
    assert person.request("GET", "/v1/recovery-cases").status_code == 200, "the old device works on"


def test_a_case_that_was_not_announced_is_refused_without_a_line_in_the_log(
    house: House, case: Case, bo: Person, person: Person
) -> None:
    case.enter()
    assert case.refuse(bo).status_code == 200
    assert steps(house, person) == ["enrolled"]


def test_a_case_is_the_business_of_its_owner_and_their_administrators(
    house: House, case: Case, ada: Person, person: Person
) -> None:
    colleague, elsewhere = house.practitioner(ada), house.administrator()
    assert (len(listed(ada)), len(listed(person))) == (1, 1)
    assert (listed(colleague), listed(elsewhere)) == ([], [])
    assert problem(case.refuse(colleague)) == (404, "not-found")
    assert problem(case.refuse(elsewhere)) == (404, "not-found")
    ada.request("POST", f"/v1/devices/{person.device.id}/revocation")
    assert problem(case.refuse(person)) == (403, "device-revoked"), "a thief's device refuses nothing"


@pytest.mark.parametrize("kind", [EntryKind.KEYS_CHANGED, EntryKind.DEVICE_ADDED])
def test_keys_that_the_owner_changed_meanwhile_overtake_the_case(
    house: House, case: Case, ada: Person, bo: Person, person: Person, kind: EntryKind
) -> None:
    case.announced(ada, bo)
    account = person.account
    signed = account.rotating() if kind is EntryKind.KEYS_CHANGED else account.adding(TestDevice())
    assert person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(signed)).status_code == 201
    wait(house)
    assert problem(case.complete()) == (409, "recovery-case-overtaken")
    assert steps(house, person)[-3:] == ["recovery-announced", kind.value, "recovery-refused"]
    ada.token = None
    assert (state(ada), listed(ada)[0]["ending"]) == ("refused", "overtaken")


def test_a_code_that_the_history_overtook_before_it_was_used_takes_keys_that_follow(case: Case, person: Person) -> None:
    signed = person.account.rotating()
    person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(signed))
    assert problem(case.enter()) == (409, "key-entry-conflict")
    case.account, case.device = anew(person)
    assert case.enter().status_code == 200
