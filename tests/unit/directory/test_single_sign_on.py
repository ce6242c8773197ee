"""Single sign-on against a real provider: no key comes in that its user did not stand behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from concord_formats.signatures import to_base64url
from sqlalchemy import func, select

from services.chassis.problems import Problem
from services.directory import models
from services.directory.openid import single_sign_on_admission, single_sign_on_requirement
from services.directory.worker import sweep
from tests.provider import Provider, query_of
from tests.unit.directory.account import TestDevice, body_of
from tests.unit.directory.house import House, Person, problem
from tests.unit.directory.lost import Case, wait
from tests.unit.directory.own_devices import RIGHT, WRONG, back_up, recover
from tests.unit.directory.signing_on import (
    CLIENT_ID,
    Newcomer,
    came_back,
    came_back_and_confirmed,
    code_in,
    confirm,
    required,
    signed_on,
    status,
)

DONE = {"status": "done", "reason": None}


@pytest.fixture
def ada(house: House, identity_provider: Provider) -> Person:
    """An administrator of an organization that requires single sign-on, enrolled before it did."""
    admin = house.administrator()
    required(house, admin.organization, identity_provider)
    return admin


@pytest.fixture
def pia(ada: Person) -> Newcomer:
    return Newcomer.of(ada)


def add(person: Person, device: TestDevice, **more: Any) -> Any:
    """The answer to an entry that adds a device; the entry stays the account's next until it is recorded."""
    entry = more.get("entry") or person.account.adding(device)
    return person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(entry))


def begin_for(person: Person, digest: str) -> Any:
    """The answer to beginning a sign-on as a device that is signed in."""
    body = {"purpose": "device", "practitioner": str(person.id), "entry_sha256": digest}
    return person.request("POST", "/v1/single-sign-on", json=body)


def test_an_enrolment_waits_for_the_provider_and_then_passes(
    house: House, pia: Newcomer, identity_provider: Provider
) -> None:
    assert problem(pia.enrol()) == (403, "single-sign-on-required")
    begun = pia.begin()
    assert begun.status_code == 201, begun.data
    session = begun.get_json()["session"]
    assert status(house, session) == {"status": "waiting", "reason": None}
    shown = came_back(house.client, identity_provider.sign_on(begun.get_json()["authorization_url"], "pia"))
    assert (shown.status_code, shown.content_type) == (200, "text/html; charset=utf-8")
    assert "give the code to nobody" in shown.text
    assert confirm(house, session, code_in(shown.text)).get_json() == DONE
    assert status(house, session) == DONE
    assert pia.enrol().get_json()["status"] == "active"


def test_the_address_asks_for_a_code_with_pkce_and_shows_no_secret(pia: Newcomer, identity_provider: Provider) -> None:
    address = pia.begin().get_json()["authorization_url"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(identity_provider.issuer)
    assert {name: asked[name] for name in ("response_type", "scope", "prompt", "client_id")} == {
        "response_type": "code",
        "scope": "openid",
        "prompt": "login",
        "client_id": CLIENT_ID,
    }
    assert (asked["code_challenge_method"], asked["redirect_uri"]) == (
        "S256",
        f"http://concord.test/directory/v1/single-sign-on/callback/{pia.organization}",
    )
    assert pia.code["secret"] not in address
    assert pia.entry.digest not in address


def test_a_session_that_let_an_entry_in_is_used_up(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    signed_on(pia, identity_provider, "pia")
    pia.enrolled()
    with house.database.transaction() as session:
        assert session.scalars(select(models.SignOnSession.state)).all() == ["used"]


def test_a_refused_enrolment_uses_up_no_invitation(pia: Newcomer, identity_provider: Provider) -> None:
    for _ in range(2):
        assert problem(pia.enrol()) == (403, "single-sign-on-required")
    signed_on(pia, identity_provider, "pia")
    assert pia.enrol().status_code == 201
    assert pia.enrol().status_code == 201, "the same again, whose answer was lost"


def test_a_session_lets_no_other_device_in(pia: Newcomer, identity_provider: Provider) -> None:
    """Whoever holds the invitation cannot put keys of their own under somebody's sign-on."""
    signed_on(pia, identity_provider, "pia")
    stolen = type(pia.account)(pia.account.id).first_entry(TestDevice())
    assert problem(pia.enrol(stolen)) == (403, "single-sign-on-required")
    assert pia.enrol().status_code == 201


def test_a_session_of_another_account_lets_no_entry_in(
    house: House, ada: Person, pia: Newcomer, identity_provider: Provider
) -> None:
    """Ada found Pia's invitation, and signs on as herself, for her own account and the entry she made for Pia."""
    begun = begin_for(ada, pia.entry.digest).get_json()
    came_back_and_confirmed(house, begun, identity_provider.sign_on(begun["authorization_url"], "ada"))
    assert status(house, begun["session"]) == DONE
    assert problem(pia.enrol()) == (403, "single-sign-on-required")


def test_a_session_is_good_for_ten_minutes(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    begun = pia.begin().get_json()
    address = identity_provider.sign_on(begun["authorization_url"], "pia")
    house.clock.pass_(timedelta(minutes=10).total_seconds())
    assert came_back(house.client, address).status_code == 400
    assert problem(pia.enrol()) == (403, "single-sign-on-required")
    assert problem(house.client.get(f"/v1/single-sign-on/{begun['session']}")) == (404, "not-found")


def test_nor_is_one_that_was_done_good_for_longer(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    assert signed_on(pia, identity_provider, "pia") == DONE
    house.clock.pass_(timedelta(minutes=10).total_seconds())
    assert problem(pia.enrol()) == (403, "single-sign-on-required")


def test_an_answer_that_is_replayed_finds_nothing(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    begun = pia.begin().get_json()
    address = identity_provider.sign_on(begun["authorization_url"], "pia")
    assert [came_back(house.client, address).status_code for _ in range(2)] == [200, 400]
    assert status(house, begun["session"])["status"] == "answered"


def test_an_answer_with_a_foreign_state_finds_nothing(house: House, ada: Person, identity_provider: Provider) -> None:
    pia, mallory = Newcomer.of(ada), Newcomer.of(ada, "Mal Ory")
    begun, others = pia.begin().get_json(), mallory.begin().get_json()
    address = identity_provider.sign_on(others["authorization_url"], "mallory")
    state = parse_qs(query_of(address))["state"][0]
    assert came_back(house.client, address.replace(state, "x" * len(state))).status_code == 400
    assert [status(house, each["session"])["status"] for each in (begun, others)] == ["waiting", "waiting"]


def test_a_code_of_another_sign_on_does_not_pass(house: House, ada: Person, identity_provider: Provider) -> None:
    """Mallory's code under Pia's state: the nonce in the ID token is of another sign-on."""
    pia, mallory = Newcomer.of(ada), Newcomer.of(ada, "Mal Ory")
    begun = pia.begin().get_json()
    theirs = identity_provider.sign_on(mallory.begin().get_json()["authorization_url"], "mallory")
    own_state = parse_qs(urlsplit(begun["authorization_url"]).query)["state"][0]
    state = parse_qs(query_of(theirs))["state"][0]
    shown = came_back(house.client, theirs.replace(state, own_state))
    assert (shown.status_code, "not one to rely on" in shown.text) == (400, True)
    assert status(house, begun["session"]) == {"status": "failed", "reason": "invalid-answer"}


def test_who_says_no_at_the_provider_is_not_signed_on(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    begun = pia.begin().get_json()
    address = identity_provider.deny(begun["authorization_url"])
    state = parse_qs(urlsplit(begun["authorization_url"]).query)["state"][0]
    address = address if "state=" in address else f"{address}&state={state}"  # RFC 6749, 4.1.2.1 wants it there
    assert came_back(house.client, address).status_code == 400
    assert status(house, begun["session"]) == {"status": "failed", "reason": "refused-by-provider"}
    assert problem(pia.enrol()) == (403, "single-sign-on-required")


def test_of_one_organization_each_account_is_somebody_else(
    house: House, ada: Person, identity_provider: Provider
) -> None:
    pia, second = Newcomer.of(ada), Newcomer.of(ada, "Second Account")
    signed_on(pia, identity_provider, "pia")
    pia.enrolled()
    assert signed_on(second, identity_provider, "pia") == {"status": "failed", "reason": "other-person"}
    assert problem(second.enrol()) == (403, "single-sign-on-required")
    assert signed_on(second, identity_provider, "second") == DONE
    assert second.enrol().status_code == 201


def test_of_two_accounts_that_one_person_signed_on_for_the_second_is_refused(
    ada: Person, identity_provider: Provider
) -> None:
    pia, second = Newcomer.of(ada), Newcomer.of(ada, "Second Account")
    assert [signed_on(each, identity_provider, "pia") for each in (pia, second)] == [DONE, DONE]
    assert pia.enrol().status_code == 201
    assert problem(second.enrol()) == (403, "single-sign-on-other-person")


def test_a_further_device_needs_the_person_who_enrolled(
    house: House, pia: Newcomer, identity_provider: Provider
) -> None:
    signed_on(pia, identity_provider, "pia")
    person, device = pia.enrolled(), TestDevice()
    entry = person.account.adding(device)
    assert problem(add(person, device, entry=entry)) == (403, "single-sign-on-required")
    begun = begin_for(person, entry.digest).get_json()
    shown = came_back_and_confirmed(house, begun, identity_provider.sign_on(begun["authorization_url"], "mallory"))
    assert "somebody else" in shown.text
    assert status(house, begun["session"])["reason"] == "other-person"
    assert problem(add(person, device, entry=entry)) == (403, "single-sign-on-required")
    begun = begin_for(person, entry.digest).get_json()
    came_back_and_confirmed(house, begun, identity_provider.sign_on(begun["authorization_url"], "pia"))
    assert add(person, device, entry=entry).status_code == 201
    person.account.removing(device)
    assert add(person, device, entry=person.account.entries[-1]).status_code == 201, "to revoke one needs none"


def test_who_enrolled_before_it_was_required_is_known_from_the_first_sign_on(
    house: House, ada: Person, identity_provider: Provider
) -> None:
    for who, reason in (("ada", None), ("mallory", "other-person")):
        entry = ada.account.adding(TestDevice())
        begun = begin_for(ada, entry.digest).get_json()
        came_back_and_confirmed(house, begun, identity_provider.sign_on(begun["authorization_url"], who))
        assert status(house, begun["session"])["reason"] == reason
        if reason is None:
            assert add(ada, TestDevice(), entry=entry).status_code == 201


def test_a_stranger_begins_nothing(house: House, ada: Person, pia: Newcomer) -> None:
    assert problem(pia.begin(secret="x" * 43)) == (403, "invitation-refused")
    assert problem(pia.begin(practitioner=str(uuid4()))) == (403, "invitation-refused")
    assert problem(pia.begin(purpose="recovery", secret="A" * 43)) == (403, "recovery-refused")
    assert problem(pia.begin(purpose="recovery-case", case=str(uuid4()))) == (403, "case-code-refused")
    assert problem(pia.begin(purpose="device")) == (401, "unauthenticated")
    other = house.administrator()
    body = {"purpose": "device", "practitioner": str(ada.id), "entry_sha256": "0" * 64}
    assert problem(other.request("POST", "/v1/single-sign-on", json=body)) == (403, "not-yours")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"entry_sha256": "E" * 64}, "entry_sha256"),
        ({"purpose": "fun"}, "purpose"),
        ({"secret": None}, "secret"),
        ({"purpose": "recovery", "secret": "A" * 42}, "secret"),
        ({"purpose": "recovery-case"}, "case"),
        ({"issuer": "http://evil.example"}, "issuer"),
    ],
    ids=lambda each: each if isinstance(each, str) else "-".join(each),
)
def test_a_wrong_member_is_named(pia: Newcomer, changed: dict[str, Any], field: str) -> None:
    answer = pia.begin(**changed)
    assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), field)


def test_where_it_is_not_required_nothing_is_begun(house: House, ada: Person) -> None:
    other = house.administrator()
    newcomer = Newcomer.of(other)
    assert problem(newcomer.begin()) == (409, "single-sign-on-not-required")
    assert newcomer.enrol().status_code == 201


def test_once_lifted_it_is_required_no_more(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    assert [single_sign_on_requirement.lift(house.deps, pia.organization) for _ in range(2)] == [True, False]
    assert pia.enrol().status_code == 201


def test_who_was_forgotten_is_known_anew(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    """The person's user was deleted at the provider, and made again."""
    signed_on(pia, identity_provider, "pia")
    person = pia.enrolled()
    assert [single_sign_on_admission.forget(house.deps, person.id) for _ in range(2)] == [True, False]
    entry = person.account.adding(TestDevice())
    begun = begin_for(person, entry.digest).get_json()
    came_back_and_confirmed(house, begun, identity_provider.sign_on(begun["authorization_url"], "pia-again"))
    assert add(person, TestDevice(), entry=entry).status_code == 201


def test_sessions_given_up_make_way_and_others_are_counted(house: House, ada: Person) -> None:
    entries = [ada.account.adding(TestDevice()).digest for _ in range(6)]
    assert [begin_for(ada, entries[0]).status_code for _ in range(7)] == [201] * 7
    assert [begin_for(ada, each).status_code for each in entries[1:5]] == [201] * 4
    assert problem(begin_for(ada, entries[5])) == (409, "too-many-sign-ons")
    house.clock.pass_(timedelta(minutes=11).total_seconds())
    ada.token = None
    assert begin_for(ada, entries[5]).status_code == 201


def test_sessions_that_are_over_are_swept(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    assert signed_on(pia, identity_provider, "pia") == DONE
    pia.begin()
    house.clock.pass_(timedelta(minutes=10).total_seconds())
    sweep(house.deps)
    with house.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(models.SignOnSession)) == 0


def test_another_provider_in_its_place_knows_nobody_of_the_first(
    house: House, pia: Newcomer, identity_provider: Provider
) -> None:
    """Nor does what was begun at the first count any more."""
    begun = pia.begin().get_json()
    address = identity_provider.sign_on(begun["authorization_url"], "pia")
    with house.database.transaction() as session:
        session.get_one(models.IdentityProvider, pia.organization).issuer = "https://login.example"
    assert came_back(house.client, address).status_code == 400
    assert status(house, begun["session"])["reason"] == "provider-changed"
    required(house, pia.organization, identity_provider)
    assert signed_on(pia, identity_provider, "pia") == DONE
    with house.database.transaction() as session:
        session.get_one(models.IdentityProvider, pia.organization).issuer = "https://login.example"
    assert problem(pia.enrol()) == (403, "single-sign-on-required")


def test_who_enrolled_at_an_earlier_provider_is_known_anew_at_this_one(
    house: House, ada: Person, pia: Newcomer, identity_provider: Provider
) -> None:
    """Also where somebody else had there what is theirs here."""
    signed_on(pia, identity_provider, "pia")
    person = pia.enrolled()
    with house.database.transaction() as session:
        known = session.get_one(models.SignOnSubject, person.id)
        before = {"organization_id": person.organization, "issuer": "https://login.example"}
        here, since = known.subject, known.known_since
        known.issuer, known.subject = "https://login.example", "another name there"
        session.add(models.SignOnSubject(practitioner_id=ada.id, subject=here, known_since=since, **before))
    entry = person.account.adding(TestDevice())
    begun = begin_for(person, entry.digest).get_json()
    came_back_and_confirmed(house, begun, identity_provider.sign_on(begun["authorization_url"], "pia"))
    assert add(person, TestDevice(), entry=entry).status_code == 201
    with house.database.transaction() as session:
        assert session.get_one(models.SignOnSubject, person.id).issuer == identity_provider.issuer


def test_what_is_no_provider_is_not_required(house: House, identity_provider: Provider) -> None:
    organization = house.administrator().organization
    for issuer in (f"{identity_provider.issuer}/elsewhere", f"{identity_provider.issuer}/", "http://localhost:9"):
        with pytest.raises(Problem, match="provider-unreliable"):
            single_sign_on_requirement.require(
                house.deps, organization, single_sign_on_requirement.Provider(issuer, CLIENT_ID)
            )
    with pytest.raises(Problem, match="must be an https address"):
        single_sign_on_requirement.require(
            house.deps, organization, single_sign_on_requirement.Provider("http://login.example", CLIENT_ID)
        )
    for client_id in ("", "two\nlines", "x" * 301):
        with pytest.raises(Problem, match="1 to 300 visible characters"):
            single_sign_on_requirement.require(
                house.deps, organization, single_sign_on_requirement.Provider(identity_provider.issuer, client_id)
            )
    with pytest.raises(Problem, match="not-found"):
        single_sign_on_requirement.require(
            house.deps, uuid4(), single_sign_on_requirement.Provider(identity_provider.issuer, CLIENT_ID)
        )
    assert Newcomer.of(house.administrator(organization)).enrol().status_code == 201


def test_who_signed_on_at_an_address_that_somebody_sent_lets_no_device_in(
    house: House, pia: Newcomer, identity_provider: Provider
) -> None:
    """Mallory found the invitation, begins for keys of their own, and sends Pia the address: she signs on."""
    begun = pia.begin().get_json()
    shown = came_back(house.client, identity_provider.sign_on(begun["authorization_url"], "pia"))
    assert shown.status_code == 200
    assert status(house, begun["session"]) == {"status": "answered", "reason": None}
    assert problem(pia.enrol()) == (403, "single-sign-on-required")


def test_five_wrong_codes_end_a_session(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    begun = pia.begin().get_json()
    shown = came_back(house.client, identity_provider.sign_on(begun["authorization_url"], "pia"))
    for _ in range(5):
        assert problem(confirm(house, begun["session"], "0000-000O")) == (403, "sign-on-code-refused")
    assert status(house, begun["session"]) == {"status": "failed", "reason": "wrong-code"}
    assert problem(confirm(house, begun["session"], code_in(shown.text))) == (409, "sign-on-not-answered")
    assert problem(pia.enrol()) == (403, "single-sign-on-required")


def test_a_code_is_taken_as_people_type_it_and_again(house: House, pia: Newcomer, identity_provider: Provider) -> None:
    begun = pia.begin().get_json()
    shown = came_back(house.client, identity_provider.sign_on(begun["authorization_url"], "pia"))
    assert problem(confirm(house, begun["session"], "")) == (403, "sign-on-code-refused")
    code = code_in(shown.text).lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert [confirm(house, begun["session"], code).get_json() for _ in range(2)] == [DONE, DONE]
    assert problem(confirm(house, begun["session"], "0000-0000")) == (403, "sign-on-code-refused")
    assert pia.enrol().status_code == 201
    assert confirm(house, begun["session"], code).get_json() == DONE
    assert problem(confirm(house, begun["session"], "x")) == (403, "sign-on-code-refused")
    assert status(house, begun["session"]) == DONE


def test_a_code_is_of_one_session_and_before_its_answer_there_is_none(
    house: House, ada: Person, identity_provider: Provider
) -> None:
    pia, mallory = Newcomer.of(ada), Newcomer.of(ada, "Mal Ory")
    begun, other = pia.begin().get_json(), mallory.begin().get_json()
    assert problem(confirm(house, begun["session"], "0000-0000")) == (409, "sign-on-not-answered")
    shown = came_back(house.client, identity_provider.sign_on(other["authorization_url"], "mallory"))
    came_back(house.client, identity_provider.sign_on(begun["authorization_url"], "pia"))
    assert problem(confirm(house, begun["session"], code_in(shown.text))) == (403, "sign-on-code-refused")
    assert problem(confirm(house, uuid4(), code_in(shown.text))) == (404, "not-found")
    house.clock.pass_(timedelta(minutes=10).total_seconds())
    assert problem(confirm(house, other["session"], code_in(shown.text))) == (404, "not-found")


def test_what_one_provider_sends_back_is_taken_to_no_other(
    house: House, pia: Newcomer, identity_provider: Provider
) -> None:
    """A provider that is hostile to another organization would get the code of its people (a mix-up)."""
    hostile = house.administrator()
    required(house, hostile.organization, identity_provider)
    begun = begin_for(hostile, "0" * 64).get_json()
    state = parse_qs(urlsplit(begun["authorization_url"]).query)["state"][0]
    theirs = identity_provider.sign_on(pia.begin().get_json()["authorization_url"], "pia")
    own = parse_qs(query_of(theirs))["state"][0]
    assert came_back(house.client, theirs.replace(own, state)).status_code == 400
    assert status(house, begun["session"])["status"] == "waiting", "its token endpoint was told no code"
    assert came_back(house.client, theirs.replace(str(pia.organization), str(uuid4()))).status_code == 400
    assert came_back(house.client, theirs).status_code == 200


def test_a_recovery_code_brings_no_device_in_by_itself(house: House, ada: Person, identity_provider: Provider) -> None:
    assert back_up(ada, 1).status_code == 200
    entry = ada.account.adding(TestDevice())
    assert problem(recover(house.client, ada.id, **body_of(entry))) == (403, "single-sign-on-required")
    asked = {"purpose": "recovery", "practitioner": str(ada.id), "entry_sha256": entry.digest}
    wrong = house.client.post("/v1/single-sign-on", json=asked | {"secret": to_base64url(WRONG)})
    assert problem(wrong) == (403, "recovery-refused")
    begun = house.client.post("/v1/single-sign-on", json=asked | {"secret": to_base64url(RIGHT)}).get_json()
    came_back_and_confirmed(house, begun, identity_provider.sign_on(begun["authorization_url"], "ada"))
    assert recover(house.client, ada.id, **body_of(entry)).status_code in {200, 201}


def test_a_recovery_case_is_signed_on_for_with_the_entry_that_waits_in_it_alone(
    house: House, ada: Person, identity_provider: Provider
) -> None:
    single_sign_on_requirement.lift(house.deps, ada.organization)
    bo, person = house.administrator(ada.organization), house.practitioner(ada)
    required(house, ada.organization, identity_provider)
    case = Case.open(ada, person).announced(ada, bo)
    asked = {"purpose": "recovery-case", "case": case.id, "secret": case.secret}
    right = {"practitioner": str(person.id), "entry_sha256": case.signed.digest}
    for changed in ({"practitioner": str(ada.id)}, {"entry_sha256": "0" * 64}):
        answer = house.client.post("/v1/single-sign-on", json=asked | right | changed)
        assert (problem(answer), answer.get_json()["field"]) == ((422, "invalid-field"), "entry_sha256")
    wait(house)
    assert problem(case.complete()) == (403, "single-sign-on-required")
    begun = house.client.post("/v1/single-sign-on", json=asked | right).get_json()
    came_back_and_confirmed(house, begun, identity_provider.sign_on(begun["authorization_url"], "person"))
    assert case.complete().status_code == 200


def test_a_device_that_was_revoked_begins_nothing(house: House, ada: Person) -> None:
    """Its token outlives it by minutes."""
    assert begin_for(ada, "0" * 64).status_code == 201
    ada.request("POST", f"/v1/devices/{ada.device.id}/revocation")
    assert problem(begin_for(ada, "1" * 64)) == (403, "device-revoked")
