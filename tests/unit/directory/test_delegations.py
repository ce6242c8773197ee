"""Delegations: given by a signature, shown to those who need them, taken back for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from concord_formats.delegations import Delegation, SignedDelegation, read_delegation
from concord_formats.signatures import HybridPublicKey, SignedKind, from_base64url
from concord_formats.vocabulary import Information, Purpose, Sensitivity
from hypothesis import given as for_all
from hypothesis import strategies as st
from sqlalchemy import select

from services.chassis.pages import encode_cursor
from services.directory import models
from services.directory.rules import delegations as rules
from services.directory.rules.people import Member, Role
from tests.unit.directory.account import TestDevice, body_of
from tests.unit.directory.delegating import body, delegation, give, given, members, signed
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.told import facts, pages, rings, told


@pytest.fixture
def house(kept_house: House) -> House:
    return kept_house


def refusal(answer: Any) -> tuple[int, str]:
    assert answer.get_json().get("field") in {None, "line"}
    return problem(answer)


def test_what_was_given_is_kept_exactly_as_signed(house: House, ana: Person, bo: Person, stranger: Person) -> None:
    said = delegation(ana, bo.id)
    answer = give(ana, said)
    assert answer.status_code == 201
    shown_at_first = answer.get_json()
    assert shown_at_first == {
        "id": json.loads(said.line)["delegation"],
        "delegator": str(ana.id),
        "delegate": str(bo.id),
        **body(said),
        "status": "active",
        "effective_at": None,
    }
    shown = stranger.request("GET", f"/v1/delegations/{shown_at_first['id']}").get_json()
    assert shown == shown_at_first, "a reader of another organization checks it"
    kept = SignedDelegation(from_base64url(shown["line"]), from_base64url(shown["signature"]))
    assert read_delegation(kept, HybridPublicKey.decode(ana.device.signing.public)).delegate == bo.id


def test_messaging_is_told_the_right_and_no_name(house: House, ana: Person, bo: Person) -> None:
    begins = house.clock.now() + timedelta(hours=1)
    line = members(ana, bo.id, valid_from=begins.isoformat().replace("+00:00", "Z"))
    give(ana, signed(ana.device, line))
    event = house.events()[-1]
    assert event.type == "care.concord.directory.delegation-given.v1"
    assert event.subject == line["delegation"]
    assert event.data == {
        "delegation": line["delegation"],
        "delegator": str(ana.id),
        "delegate": str(bo.id),
        "purposes": ["care-coordination", "treatment"],
        "information": ["diagnoses", "medications"],
        "sensitivity": ["general"],
        "valid_from": begins.isoformat(),
        "valid_until": (house.clock.now() + timedelta(days=90)).isoformat(),
    }


def test_moments_of_another_zone_are_told_in_utc(house: House, ana: Person, bo: Person) -> None:
    at = house.clock.now()
    said = delegation(ana, bo.id, valid_from=at.replace(tzinfo=None).isoformat() + "-05:00")
    assert give(ana, said).status_code == 201
    assert house.events()[-1].data["valid_from"] == (at + timedelta(hours=5)).isoformat()


def test_the_same_line_again_changes_nothing(house: House, ana: Person, bo: Person) -> None:
    said = delegation(ana, bo.id)
    first, before = give(ana, said).get_json(), house.spoken()
    again = give(ana, said)
    assert (again.status_code, again.get_json()) == (201, first)
    assert house.spoken() == before


def test_a_revocation_is_done_once_the_barrier_is_passed(house: House, ana: Person, bo: Person) -> None:
    id_ = given(ana, bo.id)
    answer = ana.request("DELETE", f"/v1/delegations/{id_}")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "revoked")
    revoked = house.events()[-1]
    assert (revoked.type, revoked.data) == ("care.concord.directory.delegation-revoked.v1", {"delegation": id_})
    assert house.barrier.asked == [revoked.sequence]
    shown = bo.request("GET", f"/v1/delegations/{id_}").get_json()
    assert (shown["status"], shown["effective_at"]) == ("revoked", answer.get_json()["effective_at"])


def test_a_revocation_is_not_called_done_before(house: House, ana: Person, bo: Person) -> None:
    id_ = given(ana, bo.id)
    house.barrier.open = False
    answer = ana.request("DELETE", f"/v1/delegations/{id_}")
    assert (answer.status_code, answer.get_json()) == (202, {"status": "revoking", "effective_at": None})
    shown = ana.request("GET", f"/v1/delegations/{id_}").get_json()
    assert (shown["status"], shown["effective_at"]) == ("revoked", None)
    before = house.spoken()
    house.barrier.open = True
    assert ana.request("DELETE", f"/v1/delegations/{id_}").get_json()["status"] == "revoked"
    assert house.spoken() == before
    assert house.barrier.asked[0] == house.barrier.asked[1]


def test_a_revocation_of_before_a_fail_over_is_not_taken_for_a_later_change(
    house: House, ana: Person, bo: Person
) -> None:
    """The numbers of a feed begin anew in another epoch."""
    id_ = given(ana, bo.id)
    house.barrier.open = False
    ana.request("DELETE", f"/v1/delegations/{id_}")
    with house.database.transaction() as session:
        last = session.scalars(select(models.FeedEvent).order_by(models.FeedEvent.seq.desc()).limit(1)).one()
        now = house.clock.now()
        session.add(models.FeedEvent(epoch=uuid4(), seq=last.seq, body=last.body, committed_at=now, effective_at=now))
    shown = ana.request("GET", f"/v1/delegations/{id_}")
    assert (shown.status_code, shown.get_json()["effective_at"]) == (200, None)


def test_a_line_that_was_revoked_brings_nothing_back(house: House, ana: Person, bo: Person) -> None:
    said = delegation(ana, bo.id)
    id_ = give(ana, said).get_json()["id"]
    bo.request("DELETE", f"/v1/delegations/{id_}")
    before = house.spoken()
    assert refusal(give(ana, said)) == (409, "delegation-known")
    longer = delegation(ana, bo.id, delegation=id_, sensitivity=["general", "hiv"])
    assert refusal(give(ana, longer)) == (409, "delegation-known")
    assert house.spoken() == before
    assert ana.request("GET", f"/v1/delegations/{id_}").get_json()["status"] == "revoked"


def test_an_id_stands_for_one_line_whoever_signs_the_other(
    house: House, admin: Person, ana: Person, bo: Person
) -> None:
    id_ = given(ana, bo.id)
    assert refusal(give(ana, delegation(ana, bo.id, delegation=id_, purposes=["payment"]))) == (409, "delegation-known")
    assert refusal(give(bo, delegation(bo, ana.id, delegation=id_))) == (409, "delegation-known")


def test_either_side_or_an_administrator_revokes(admin: Person, ana: Person, bo: Person) -> None:
    for caller in (ana, bo, admin):
        assert caller.request("DELETE", f"/v1/delegations/{given(ana, bo.id)}").status_code == 200


def test_a_delegation_that_nobody_gave_is_not_found(ana: Person) -> None:
    assert problem(ana.request("GET", f"/v1/delegations/{uuid4()}")) == (404, "not-found")


def test_nobody_else_revokes(house: House, admin: Person, ana: Person, bo: Person, stranger: Person) -> None:
    id_ = given(ana, bo.id)
    for caller in (house.practitioner(admin, name="Olu Other"), stranger):
        assert problem(caller.request("DELETE", f"/v1/delegations/{id_}")) == (403, "not-yours")
    assert problem(ana.request("DELETE", f"/v1/delegations/{uuid4()}")) == (404, "not-found")
    assert told(house, "delegation-revoked", delegation=id_) == []


def test_a_delegate_gives_nothing_on(house: House, admin: Person, ana: Person, bo: Person) -> None:
    """In another's name neither by another's line nor by one of their own making."""
    given(ana, bo.id)
    third = house.practitioner(admin, name="Olu Other")
    passed_on = members(ana, third.id)
    for device_id in (ana.device.id, bo.device.id):
        line = signed(bo.device, passed_on | {"device": str(device_id)})
        assert refusal(give(bo, line)) == (422, "invalid-delegation")
    assert len(told(house, "delegation-given", delegator=ana.id)) == 1


def test_a_line_that_another_sends_is_refused(house: House, admin: Person, ana: Person, bo: Person) -> None:
    said = delegation(ana, bo.id)
    for sender in (bo, admin):
        assert refusal(give(sender, said)) == (422, "invalid-delegation")


def test_an_administrator_does_not_give_in_a_practitioners_name(
    house: House, admin: Person, ana: Person, bo: Person
) -> None:
    forged = members(ana, bo.id, device=str(admin.device.id))
    assert refusal(give(admin, signed(admin.device, forged))) == (422, "invalid-delegation")


def test_a_signature_by_another_device_of_the_account_is_refused(house: House, ana: Person, bo: Person) -> None:
    second = TestDevice()
    path = f"/v1/practitioners/{ana.id}/keys"
    assert ana.request("POST", path, json=body_of(ana.account.adding(second))).status_code == 201
    theirs = members(ana, bo.id, device=str(second.id))
    assert refusal(give(ana, signed(second, theirs))) == (422, "invalid-delegation"), "that device sends it itself"
    assert refusal(give(ana, signed(second, members(ana, bo.id)))) == (422, "invalid-delegation")
    other = Person(house, ana.account, second, ana.organization)
    assert give(other, signed(second, theirs)).status_code == 201


def test_a_device_that_the_newest_entry_does_not_list_gives_nothing(house: House, ana: Person, bo: Person) -> None:
    second = TestDevice()
    path = f"/v1/practitioners/{ana.id}/keys"
    ana.request("POST", path, json=body_of(ana.account.adding(second)))
    lost = Person(house, ana.account, ana.device, ana.organization, ana.sign_in())
    other = Person(house, ana.account, second, ana.organization)
    said = delegation(ana, bo.id)
    other.request("POST", path, json=body_of(ana.account.removing(ana.device)))
    assert refusal(give(lost, said)) == (422, "invalid-delegation")


def test_a_device_that_was_revoked_a_moment_ago_gives_nothing(
    house: House, admin: Person, ana: Person, bo: Person
) -> None:
    said = delegation(ana, bo.id)
    ana.sign_in()
    ana.request("GET", "/v1/teams")
    admin.request("POST", f"/v1/devices/{ana.device.id}/revocation")
    assert refusal(give(ana, said)) == (403, "device-revoked")
    assert told(house, "delegation-given", delegator=ana.id) == []


def test_what_was_signed_as_something_else_gives_nothing(ana: Person, bo: Person) -> None:
    line = members(ana, bo.id)
    assert refusal(give(ana, signed(ana.device, line, SignedKind.ATTESTATION))) == (422, "invalid-delegation")


def test_a_line_that_was_changed_after_it_was_signed_gives_nothing(ana: Person, bo: Person) -> None:
    said = delegation(ana, bo.id)
    more = SignedDelegation(said.line.replace(b'["general"]', b'["general", "hiv"]'), said.signature)
    assert more.line != said.line
    assert refusal(give(ana, more)) == (422, "invalid-delegation")


def test_a_malformed_line_is_refused_by_its_field(ana: Person, bo: Person) -> None:
    for changed in ({"purposes": []}, {"purposes": ["emergency"]}, {"delegate": str(ana.id)}, {"more": True}):
        answer = give(ana, delegation(ana, bo.id, **changed))
        assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-delegation"), "line")


def test_an_old_line_that_lies_about_gives_nothing(house: House, ana: Person, bo: Person) -> None:
    said = delegation(ana, bo.id)
    house.clock.pass_(rules.SKEW.total_seconds() + 1)
    ana.token = None  # which has run out as well
    assert refusal(give(ana, said)) == (422, "invalid-delegation")


def test_a_delegate_is_an_active_colleague_of_the_same_organization(
    house: House, admin: Person, ana: Person, bo: Person, stranger: Person
) -> None:
    admin.request("POST", f"/v1/practitioners/{bo.id}/suspension")
    for nobody in (bo, stranger):
        assert problem(give(ana, delegation(ana, nobody.id))) == (409, "not-a-colleague")
    assert problem(give(ana, delegation(ana, uuid4()))) == (404, "not-found")


def test_nobody_gives_without_end(house: House, ana: Person, bo: Person) -> None:
    first = given(ana, bo.id)
    soon = house.clock.now() + timedelta(minutes=5)
    given(ana, bo.id, valid_until=soon.isoformat())
    for _ in range(rules.MOST_GIVEN - 2):
        given(ana, bo.id)
    assert problem(give(ana, delegation(ana, bo.id))) == (409, "too-many-delegations")
    assert give(bo, delegation(bo, ana.id)).status_code == 201, "each has their own"
    ana.request("DELETE", f"/v1/delegations/{first}")
    given(ana, bo.id)
    house.clock.pass_(301)
    ana.token = None  # which has run out as well
    given(ana, bo.id)
    assert problem(give(ana, delegation(ana, bo.id))) == (409, "too-many-delegations")


def test_the_relay_is_told_at_once(house: House, ana: Person, bo: Person) -> None:
    said = delegation(ana, bo.id)
    assert rings(house, lambda: give(ana, said))
    path = f"/v1/delegations/{json.loads(said.line)['delegation']}"
    assert rings(house, lambda: ana.request("DELETE", path))


def listed(by: Person, **query: Any) -> list[str]:
    answer = by.request("GET", "/v1/delegations", query_string=query)
    assert answer.status_code == 200, answer.data
    return [each["id"] for each in answer.get_json()["delegations"]]


def test_each_sees_what_they_gave_and_got_and_an_administrator_all_of_the_organization(
    house: House, admin: Person, ana: Person, bo: Person, stranger: Person
) -> None:
    other = house.practitioner(admin, name="Olu Other")
    one = given(ana, bo.id)
    house.clock.pass_(1)
    two = given(bo, other.id)
    assert listed(ana) == [one]
    assert listed(bo) == [two, one]
    assert listed(bo, delegator=bo.id) == [two]
    assert listed(bo, delegate=bo.id) == [one]
    assert listed(admin) == [two, one]
    assert listed(admin, delegator=ana.id, delegate=bo.id) == [one]
    assert listed(ana, delegator=bo.id) == []
    assert listed(stranger) == []


def test_a_long_list_comes_in_pages_the_newest_first(house: House, ana: Person, bo: Person) -> None:
    made = []
    for n in range(5):
        made.append(given(ana, bo.id))
        house.clock.pass_(n % 2)  # two of one moment among them
    seen = [each["id"] for page in pages(ana, "/v1/delegations", "delegations", limit=2) for each in page]
    assert sorted(seen) == sorted(made)
    assert len(seen) == 5
    assert seen[0] == made[4]


def test_a_cursor_that_is_none_is_refused(ana: Person) -> None:
    moments = ("2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
    for cursor in ("AAAA", "W10", "WyJhIiwiYiJd", *(encode_cursor([each, str(uuid4())]) for each in moments)):
        answer = ana.request("GET", "/v1/delegations", query_string={"cursor": cursor})
        assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "cursor")


def test_the_snapshot_says_what_the_events_came_to(house: House, ana: Person, bo: Person) -> None:
    ids = [given(ana, bo.id), given(bo, ana.id), given(ana, bo.id, purposes=["payment"])]
    ana.request("DELETE", f"/v1/delegations/{ids[0]}")
    state: dict[str, dict[str, Any]] = {}
    for event in house.events():
        if event.type.endswith("delegation-given.v1"):
            state[event.data["delegation"]] = {"kind": "delegation", **event.data, "status": "active"}
        if event.type.endswith("delegation-revoked.v1"):
            state[event.data["delegation"]]["status"] = "revoked"
    said = facts(house, "delegation")
    assert sorted(said, key=str) == sorted(state.values(), key=str)
    assert {fact["status"] for fact in said} == {"active", "revoked"}


NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ANA, HER_DEVICE = UUID(int=1), UUID(int=4)
DAY = 1440


def why_not(delegator: UUID = ANA, device: UUID = HER_DEVICE, **minutes: float) -> str | None:
    """What the rule says of a delegation of a day, some of its moments at so many minutes from now."""
    moments = {"valid_from": 0, "valid_until": DAY, "at": 0} | minutes
    said = Delegation(
        v=1,
        delegation=UUID(int=2),
        delegator=ANA,
        delegate=UUID(int=3),
        device=HER_DEVICE,
        purposes=frozenset({Purpose.TREATMENT}),
        information=frozenset({Information.DIAGNOSES}),
        sensitivity=frozenset({Sensitivity.GENERAL}),
        **{name: NOW + timedelta(minutes=at) for name, at in moments.items()},
    )
    return rules.why_not(said, delegator, device, NOW)


@pytest.mark.parametrize(
    ("minutes", "word"),
    [
        ({"at": -10}, None),
        ({"at": 10}, None),
        ({"at": -10.1}, "clock"),
        ({"at": 10.1}, "clock"),
        ({"valid_from": -100, "valid_until": 0, "at": -5}, "run out"),
        ({"valid_from": -100, "valid_until": 0.1}, None),
        ({"valid_from": 366 * DAY, "valid_until": 367 * DAY}, None),
        ({"valid_from": 366.1 * DAY, "valid_until": 367 * DAY}, "begins"),
    ],
    ids=["behind", "ahead", "old", "far-ahead", "over", "nearly-over", "in-a-year", "in-more-than-a-year"],
)
def test_a_word_is_taken_when_it_is_of_now(minutes: dict[str, float], word: str | None) -> None:
    why = why_not(**minutes)
    assert (why is None) if word is None else (why is not None and word in why)


def test_a_word_is_its_delegators_and_of_the_device_that_sends_it() -> None:
    assert why_not() is None
    assert why_not(delegator=UUID(int=3)) is not None
    assert why_not(device=UUID(int=5)) is not None


IDS = st.sampled_from([UUID(int=n) for n in range(1, 4)])
PLACES = st.sampled_from([UUID(int=n) for n in range(10, 12)])


@for_all(st.builds(Member, IDS, PLACES, st.sampled_from(Role)), IDS, IDS, PLACES)
def test_who_may_revoke_is_a_side_or_administers_that_organization(
    caller: Member, delegator: UUID, delegate: UUID, organization: UUID
) -> None:
    may = rules.may_revoke(caller, delegator, delegate, organization)
    one_of_them = caller.id in {delegator, delegate}
    administrator = caller.role is Role.ADMINISTRATOR and caller.organization == organization
    assert may == (one_of_them or administrator)
