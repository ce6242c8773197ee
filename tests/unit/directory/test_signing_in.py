"""Signing in: who holds a device's key gets a token for five minutes, once for every assertion."""

from __future__ import annotations

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey, RSAKey
from sqlalchemy import func, select

from services.chassis.auth import verify_token
from services.directory import models
from services.directory.signing_in import forget_used_assertions
from tests.unit.directory.account import TestDevice, body_of
from tests.unit.directory.house import ASSERTION_TYPE, ISSUER, House, Person, problem


@pytest.fixture
def person(house: House) -> Person:
    return house.practitioner(house.administrator())


def refused(answer: Any) -> tuple[int, str]:
    """Status and OAuth error of a refusal, which is also a problem."""
    members = answer.get_json()
    assert members["type"] == "urn:concord:problem:" + members["error"].replace("_", "-")
    assert members["error_description"] == members["detail"]
    return answer.status_code, members["error"]


def test_a_token_says_who_and_is_bound_to_the_device(house: House, person: Person) -> None:
    answer = person.ask_token().get_json()
    assert (answer["token_type"], answer["expires_in"]) == ("DPoP", 300)
    keys = KeySet.import_key_set(house.client.get("/.well-known/jwks.json").get_json())
    token = jwt.decode(answer["access_token"], keys, algorithms=["Ed25519"])
    assert token.header["typ"] == "at+jwt"
    assert token.claims == {
        "iss": ISSUER,
        "sub": str(person.id),
        "client_id": str(person.device.id),
        "aud": "concord",
        "org": str(person.organization),
        "role": "practitioner",
        "cnf": {"jkt": person.device.authentication.thumbprint()},
        "iat": person.now(),
        "exp": person.now() + 300,
        "jti": token.claims["jti"],
    }


def test_every_service_accepts_the_token(house: House, person: Person) -> None:
    token = verify_token(person.sign_in(), issuer=ISSUER, keys=house.keys, now=person.now())
    assert (token.caller.practitioner, token.caller.device) == (person.id, person.device.id)


def test_an_assertion_counts_once(person: Person) -> None:
    assertion = person.assertion()
    assert person.ask_token(assertion=assertion).status_code == 200
    assert refused(person.ask_token(assertion=assertion)) == (401, "invalid_client")


def test_an_assertion_counts_once_in_all_processes_together(house: House, person: Person) -> None:
    assertion = person.assertion()
    assert person.ask_token(assertion=assertion).status_code == 200
    other = house.another_process().test_client()
    assert refused(person.ask_token(other, assertion=assertion)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "http://elsewhere.test/directory"},
        {"aud": ISSUER + "/v1/token"},
        {"aud": [ISSUER, "http://elsewhere.test"]},
        {"sub": str(uuid4())},
        {"iss": "not-a-uuid", "sub": "not-a-uuid"},
        {"iss": 5, "sub": 5},
        {"jti": None},
        {"jti": "short"},
        {"jti": "x" * 200},
        {"iat": "now"},
        {"iat": True},
        {"exp": float("nan")},
        {"exp": 10**300},
        {"exp": None},
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(person: Person, changed: dict[str, Any]) -> None:
    assert refused(person.ask_token(assertion=person.assertion(**changed))) == (401, "invalid_client")


@pytest.mark.parametrize(("issued", "lasts"), [(-120, 60), (-60, 60), (120, 60), (0, 301), (0, 0), (0, -5)])
def test_an_assertion_that_is_old_or_lasts_long_is_refused(person: Person, issued: int, lasts: int) -> None:
    begin = person.now() + issued
    assertion = person.assertion(iat=begin, exp=begin + lasts)
    assert refused(person.ask_token(assertion=assertion)) == (401, "invalid_client")


def test_an_assertion_by_another_key_is_refused_like_an_unknown_device(person: Person) -> None:
    foreign = person.ask_token(assertion=person.assertion(key=OKPKey.generate_key("Ed25519")))
    nobody = str(uuid4())
    unknown = person.ask_token(assertion=person.assertion(iss=nobody, sub=nobody))
    assert refused(foreign) == refused(unknown) == (401, "invalid_client")
    assert foreign.get_json() == unknown.get_json()


@pytest.mark.parametrize("algorithm", ["none", "RS256", "HS256", "EdDSA"])
def test_an_assertion_of_another_algorithm_is_refused(person: Person, algorithm: str) -> None:
    claims = json.loads(base64.urlsafe_b64decode(person.assertion().split(".")[1] + "=="))
    x = str(person.device.authentication.as_dict(private=False)["x"])
    keys: dict[str, Any] = {
        "RS256": RSAKey.generate_key(2048),
        "HS256": OctKey.import_key(x),
        "EdDSA": person.device.authentication,
    }
    if algorithm == "none":
        head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
        assertion = f"{head}.{person.assertion().split('.')[1]}."
    else:
        assertion = jwt.encode({"alg": algorithm}, claims, keys[algorithm], algorithms=[algorithm])
    assert refused(person.ask_token(assertion=assertion)) == (401, "invalid_client")


@pytest.mark.parametrize("text", ["x", "a.b.c", "é", "e30.e30.e30", "x" * 9000, "W10.W10.W10"])
def test_rubbish_is_no_assertion(person: Person, text: str) -> None:
    assert refused(person.ask_token(assertion=text)) == (401, "invalid_client")


def test_the_proof_must_be_by_the_devices_key(person: Person) -> None:
    """Else a stolen assertion would give a token bound to the thief's key."""
    proof = person.proof("POST", "/v1/token", key=OKPKey.generate_key("Ed25519"))
    assert refused(person.ask_token(proof=proof)) == (401, "invalid_client")


@pytest.mark.parametrize(
    "changed", [{"htm": "GET"}, {"htu": "http://elsewhere.test/v1/token"}, {"iat": 5}, {"jti": ""}]
)
def test_the_proof_must_be_for_this_request(person: Person, changed: dict[str, Any]) -> None:
    answer = person.ask_token(proof=person.proof("POST", "/v1/token", **changed))
    assert refused(answer) == (400, "invalid_dpop_proof")


def test_a_proof_is_needed_and_counts_once(house: House, person: Person) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": person.assertion(),
    }
    assert refused(house.client.post("/v1/token", data=form)) == (400, "invalid_dpop_proof")
    proof = person.proof("POST", "/v1/token")
    assert person.ask_token(proof=proof).status_code == 200
    assert refused(person.ask_token(proof=proof)) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, "invalid_request"),
        ({"client_assertion_type": "urn:other"}, "invalid_request"),
        ({"client_assertion": None}, "invalid_request"),
    ],
)
def test_a_malformed_token_request_is_named(house: House, person: Person, changed: dict[str, Any], error: str) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": person.assertion(),
    } | changed
    given = {name: value for name, value in form.items() if value is not None}
    answer = house.client.post("/v1/token", data=given, headers={"DPoP": person.proof("POST", "/v1/token")})
    assert refused(answer) == (400, error)


def test_a_token_request_is_a_form_and_nothing_else(house: House) -> None:
    assert refused(house.client.post("/v1/token", json={})) == (400, "invalid_request")
    assert refused(house.client.post("/v1/token")) == (400, "invalid_request")


def test_the_suspended_cannot_sign_in(house: House) -> None:
    admin = house.administrator()
    person = house.practitioner(admin)
    admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    answer = person.ask_token()
    assert refused(answer) == (401, "invalid_client")
    assert "suspended" in answer.get_json()["detail"]
    admin.request("DELETE", f"/v1/practitioners/{person.id}/suspension")
    assert person.ask_token().status_code == 200


def test_a_revoked_device_cannot_sign_in(person: Person) -> None:
    person.request("POST", f"/v1/devices/{person.device.id}/revocation")
    answer = person.ask_token()
    assert refused(answer) == (401, "invalid_client")
    assert "revoked" in answer.get_json()["detail"]


def test_suspension_is_told_only_to_the_holder_of_the_key(house: House) -> None:
    admin = house.administrator()
    person = house.practitioner(admin)
    admin.request("POST", f"/v1/practitioners/{person.id}/suspension")
    answer = person.ask_token(assertion=person.assertion(key=OKPKey.generate_key("Ed25519")))
    assert "suspended" not in answer.get_json()["detail"]


def test_used_assertions_are_remembered_until_they_expire_and_no_longer(house: House, person: Person) -> None:
    person.ask_token()
    count = select(func.count()).select_from(models.UsedAssertion)
    with house.database.transaction() as session:
        assert forget_used_assertions(session, house.clock.now()) == 0
        assert session.scalar(count) == 1
    house.clock.pass_(61)
    with house.database.transaction() as session:
        assert forget_used_assertions(session, house.clock.now()) == 1
        assert session.scalar(count) == 0


def test_the_metadata_says_what_the_token_endpoint_does(house: House) -> None:
    """RFC 8414, section 2."""
    members = house.client.get("/.well-known/oauth-authorization-server").get_json()
    assert members["issuer"] == ISSUER
    assert members["token_endpoint"] == ISSUER + "/v1/token"
    assert members["jwks_uri"] == ISSUER + "/.well-known/jwks.json"
    assert members["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert members["dpop_signing_alg_values_supported"] == ["Ed25519"]


def test_the_key_set_shows_no_private_key_and_may_be_cached(house: House, person: Person) -> None:
    person.sign_in()
    answer = house.client.get("/.well-known/jwks.json")
    assert "max-age=300" in answer.headers["Cache-Control"]
    for key in answer.get_json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_tokens_of_an_older_key_hold_until_they_expire_and_the_key_then_goes(house: House, person: Person) -> None:
    person.sign_in()
    (first,) = house.keys.public_set()
    house.clock.pass_(30 * 86400 - 600)
    house.keys.rotate()
    house.clock.pass_(599)
    old = person.sign_in()
    assert jwt_kid(old) == first["kid"], "a key signs only ten minutes after it was published"
    house.clock.pass_(2)
    new = person.sign_in()
    assert jwt_kid(new) != first["kid"]
    house.clock.pass_(290)
    house.keys.rotate()
    assert verify_token(old, issuer=ISSUER, keys=house.keys, now=person.now()), "its five minutes are not over"
    house.clock.pass_(110)
    house.keys.rotate()
    assert first["kid"] not in [key["kid"] for key in house.keys.public_set()]


def test_a_new_device_signs_in_as_soon_as_it_is_in_the_history(person: Person) -> None:
    second = TestDevice()
    answer = person.request("POST", f"/v1/practitioners/{person.id}/keys", json=body_of(person.account.adding(second)))
    assert answer.status_code == 201, answer.data
    elsewhere = Person(person.house, person.account, second, person.organization)
    assert elsewhere.ask_token().status_code == 200


def jwt_kid(token: str) -> str:
    """The key id in a token's header."""
    head = token.split(".", maxsplit=1)[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])


def test_problem_types_of_the_token_endpoint_are_the_oauth_errors(person: Person) -> None:
    assert problem(person.ask_token(assertion="x")) == (401, "invalid-client")
