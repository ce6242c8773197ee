"""No invitation without somebody's word who is invited: signed, about this person, by the administrator who invites."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from concord_formats.identity_checks import Checked, SignedIdentityCheck, read_identity_check
from concord_formats.signatures import HybridPublicKey, from_base64url

from services.chassis.problems import Problem
from services.directory import identity
from services.directory.identity import by_operator
from tests.unit.directory.account import TestDevice, body_of
from tests.unit.directory.house import House, Person, check_body, problem

NPI = "1234567893"
PIA = {"name": "Pia Practice", "npi": NPI}


@pytest.fixture
def ada(house: House) -> Person:
    return house.administrator()


def invite(by: Person, identity: SignedIdentityCheck, **changed: Any) -> Any:
    """The answer to an invitation that carries this check."""
    body = {"role": "practitioner"} | PIA | changed | {"identity": check_body(identity)}
    return by.request("POST", "/v1/invitations", json=body)


def recorded(by: Person, practitioner: object) -> Any:
    return by.request("GET", f"/v1/practitioners/{practitioner}/identity")


def test_who_was_checked_and_how_is_kept_as_it_was_signed(house: House, ada: Person) -> None:
    check = ada.check(**PIA, how=Checked.VIDEO_PHOTO_ID)
    invited = invite(ada, check).get_json()["practitioner"]
    shown = recorded(ada, invited).get_json()
    assert (shown["practitioner"], shown["how"], shown["by"]) == (invited, "video-photo-id", "administrator")
    assert (shown["attestor"], shown["checked_on"]) == (str(ada.id), str(house.clock.now().date()))
    kept = SignedIdentityCheck(from_base64url(shown["line"]), from_base64url(shown["signature"]))
    assert kept == check
    assert read_identity_check(kept, HybridPublicKey.decode(ada.device.signing.public)).name == "Pia Practice"


def test_an_invitation_without_a_check_is_refused(ada: Person) -> None:
    answer = ada.request("POST", "/v1/invitations", json={"role": "practitioner"} | PIA)
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "identity")


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Paul Practice"},
        {"npi": "1245319599"},
        {"npi": None},
        {"role": "administrator"},
        {"organization": uuid4()},
        {"attestor": uuid4()},
        {"device": uuid4()},
    ],
    ids=["name", "npi", "no-npi", "role", "organization", "attestor", "device"],
)
def test_a_check_of_another_person_or_by_another_invites_nobody(ada: Person, changed: dict[str, Any]) -> None:
    answer = invite(ada, ada.check(**PIA | changed))
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-identity-check"), "identity")


def test_a_check_that_another_device_signed_invites_nobody(house: House, ada: Person) -> None:
    bo = house.administrator(ada.organization)
    forged = ada.check(**PIA, by=bo.device)
    assert problem(invite(ada, forged)) == (422, "invalid-identity-check")
    assert problem(invite(bo, ada.check(**PIA))) == (422, "invalid-identity-check"), "nor does somebody else's word"


def test_a_device_that_was_removed_vouches_for_nobody(ada: Person) -> None:
    second = TestDevice()
    keys = f"/v1/practitioners/{ada.id}/keys"
    ada.request("POST", keys, json=body_of(ada.account.adding(second)))
    ada.request("POST", keys, json=body_of(ada.account.removing(second)))
    assert problem(invite(ada, ada.check(**PIA, by=second, device=second.id))) == (422, "invalid-identity-check")


@pytest.mark.parametrize("minutes", [-11, 11])
def test_an_old_word_is_not_used_again(house: House, ada: Person, minutes: int) -> None:
    """Nor one that is dated ahead, to be kept for later."""
    word = ada.check(**PIA, at=house.clock.now() + timedelta(minutes=minutes))
    assert problem(invite(ada, word)) == (422, "invalid-identity-check")
    assert invite(ada, ada.check(**PIA, at=house.clock.now() + timedelta(minutes=minutes // 2))).status_code == 201


def test_a_look_at_somebody_four_years_ago_says_no_more(house: House, ada: Person) -> None:
    then = house.clock.now().date() - timedelta(days=4 * 365)
    assert problem(invite(ada, ada.check(**PIA, checked_on=then))) == (422, "invalid-identity-check")
    assert invite(ada, ada.check(**PIA, checked_on=then + timedelta(days=366))).status_code == 201, "nearly three do"


def test_who_is_invited_again_is_checked_again(ada: Person) -> None:
    """The word of the earlier invitation, perhaps of another name, does not stand behind the later one."""
    first = invite(ada, ada.check(**PIA)).get_json()["practitioner"]
    married = {"name": "Pia Married", "npi": NPI}
    again = ada.check(**married, how=Checked.KNOWN_IN_PERSON)
    assert invite(ada, again, **married).get_json()["practitioner"] == first
    assert recorded(ada, first).get_json()["how"] == "known-in-person"


def test_an_invitation_that_fails_leaves_the_earlier_word(ada: Person) -> None:
    first = invite(ada, ada.check(**PIA)).get_json()["practitioner"]
    assert problem(invite(ada, ada.check(**PIA | {"name": "Mallory"}))) == (422, "invalid-identity-check")
    assert recorded(ada, first).get_json()["how"] == "in-person-photo-id"


def test_who_is_no_administrator_is_told_so_before_their_word_is_read(house: House, ada: Person) -> None:
    pia = house.practitioner(ada)
    assert problem(invite(pia, pia.check(**PIA, by=TestDevice()))) == (403, "administrator-only")


def test_who_is_suspended_while_their_word_is_read_invites_nobody(
    house: House, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its signature is checked outside any transaction."""
    other, word, read = house.administrator(ada.organization), ada.check(**PIA), identity.checked

    def suspended_meanwhile(*given: Any) -> Any:
        other.request("POST", f"/v1/practitioners/{ada.id}/suspension")
        return read(*given)

    monkeypatch.setattr(identity, "checked", suspended_meanwhile)
    assert problem(invite(ada, word)) == (403, "account-suspended")


def test_the_operators_own_word_is_shown_as_that(house: House, ada: Person) -> None:
    shown = recorded(ada, ada.id).get_json()
    assert (shown["by"], shown["how"]) == ("operator", "known-in-person")
    assert (shown["attestor"], shown["line"], shown["signature"]) == (None, None, None)


@pytest.mark.parametrize("days", [-4 * 365, 3])
def test_the_operator_names_a_day_that_can_be(house: House, days: int) -> None:
    day = house.clock.now().date() + timedelta(days=days)
    with pytest.raises(Problem, match="last three years"):
        by_operator(house.deps, Checked.KNOWN_IN_PERSON, day)


def test_of_who_is_not_there_no_check_is_shown_and_a_stranger_sees_none(house: House, ada: Person) -> None:
    assert problem(recorded(ada, uuid4())) == (404, "not-found")
    assert problem(house.client.get(f"/v1/practitioners/{ada.id}/identity")) == (401, "unauthenticated")
