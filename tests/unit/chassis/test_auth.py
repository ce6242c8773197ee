"""Sign-in checks: a request counts only with a token of the directory and a proof by the key that the token names."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey, RSAKey

from services.chassis import auth, dpop, problems
from services.chassis.clock import SystemClock
from services.directory.rules.people import Role
from tests.unit.chassis.hand_clock import HandClock
from tests.unit.chassis.visitor import IssuerKeys, Visitor

URL = "http://concord.test/messaging/v1/thing"
# Parameters are made when the tests are collected, which may be minutes before they run: far enough then as well.
TOMORROW = int(time.time()) + 86_400


@pytest.fixture
def visitor() -> Visitor:
    return Visitor(IssuerKeys())


@pytest.fixture
def client(visitor: Visitor) -> Iterator[FlaskClient]:
    """A client of an app with one route that tells who calls."""
    app = Flask("test")
    problems.install(app)
    app.extensions["concord.authenticator"] = auth.Authenticator(
        issuer="http://concord.test/directory",
        public_url="http://concord.test/messaging",
        keys=visitor.issuer,
        clock=SystemClock(),
    )

    @app.get("/v1/thing")
    @auth.authenticated
    def thing() -> dict[str, str]:
        caller = auth.caller()
        return {"practitioner": str(caller.practitioner), "device": str(caller.device), "role": caller.role}

    with app.test_client() as opened:
        yield opened


def refused(client: FlaskClient, headers: dict[str, str]) -> str:
    """The last part of the problem type of a refused request, which must be a 401 that names the scheme."""
    answer = client.get("/v1/thing", headers=headers)
    assert answer.status_code == 401, answer.data
    assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
    assert answer.content_type == problems.CONTENT_TYPE
    return str(answer.get_json()["type"]).removeprefix(problems.TYPE_PREFIX)


def signed(visitor: Visitor, token: str, **proof: object) -> dict[str, str]:
    return {"Authorization": f"DPoP {token}", "DPoP": visitor.proof("GET", URL, token, **proof)}  # type: ignore[arg-type]


def forged(header: dict[str, object], claims: dict[str, object]) -> str:
    """A JWT without a signature."""
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


def test_a_signed_in_caller_is_known(client: FlaskClient, visitor: Visitor) -> None:
    answer = client.get("/v1/thing", headers=visitor.headers("GET", URL))
    assert answer.status_code == 200
    assert answer.get_json() == {
        "practitioner": str(visitor.practitioner),
        "device": str(visitor.device),
        "role": "practitioner",
    }


def test_one_token_serves_many_requests_each_with_its_own_proof(client: FlaskClient, visitor: Visitor) -> None:
    token = visitor.token()
    for _ in range(3):
        assert client.get("/v1/thing", headers=signed(visitor, token)).status_code == 200


def test_a_request_without_a_token_is_told_to_sign_in(client: FlaskClient) -> None:
    assert refused(client, {}) == "unauthenticated"


def test_a_bearer_token_is_no_proof(client: FlaskClient, visitor: Visitor) -> None:
    assert refused(client, {"Authorization": f"Bearer {visitor.token()}"}) == "unauthenticated"


def test_a_token_without_a_proof_is_refused(client: FlaskClient, visitor: Visitor) -> None:
    assert refused(client, {"Authorization": f"DPoP {visitor.token()}"}) == "invalid-dpop-proof"


def test_two_proofs_are_one_too_many(client: FlaskClient, visitor: Visitor) -> None:
    token = visitor.token()
    headers = [("Authorization", f"DPoP {token}")] + [("DPoP", visitor.proof("GET", URL, token)) for _ in range(2)]
    assert client.get("/v1/thing", headers=headers).status_code == 401


@pytest.mark.parametrize("role", Role)
def test_every_role_that_the_directory_gives_is_let_in(client: FlaskClient, visitor: Visitor, role: Role) -> None:
    answer = client.get("/v1/thing", headers=signed(visitor, visitor.token(role=role.value)))
    assert answer.status_code == 200
    assert answer.get_json()["role"] == role


def test_the_roles_are_those_of_the_directory() -> None:
    assert {role.value for role in Role} == auth.ROLES


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another"},
        {"aud": ["concord", "another"]},
        {"iss": "http://elsewhere.test/directory"},
        {"exp": int(time.time()) - 1},
        {"iat": TOMORROW, "exp": TOMORROW + 3600},
        {"role": "operator"},
        {"sub": "not-a-uuid"},
        {"cnf": {}},
        {"cnf": None},
        {"exp": "tomorrow"},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    client: FlaskClient, visitor: Visitor, changed: dict[str, object]
) -> None:
    assert refused(client, signed(visitor, visitor.token(**changed))) == "invalid-token"


def test_a_token_of_an_unknown_key_is_refused(client: FlaskClient, visitor: Visitor) -> None:
    token = visitor.issuer.token(visitor.claims(), header={"kid": "somebody-else"})
    assert refused(client, signed(visitor, token)) == "invalid-token"


def test_a_token_signed_by_another_key_under_our_key_id_is_refused(client: FlaskClient, visitor: Visitor) -> None:
    token = visitor.issuer.token(visitor.claims(), key=OKPKey.generate_key("Ed25519"))
    assert refused(client, signed(visitor, token)) == "invalid-token"


def test_an_identity_token_is_no_access_token(client: FlaskClient, visitor: Visitor) -> None:
    """Another JWT of the same issuer must not pass for an access token (RFC 9068, section 4)."""
    token = visitor.issuer.token(visitor.claims(), header={"typ": "JWT"})
    assert refused(client, signed(visitor, token)) == "invalid-token"


def test_a_token_without_a_signature_is_refused(client: FlaskClient, visitor: Visitor) -> None:
    token = forged({"alg": "none", "typ": "at+jwt", "kid": visitor.issuer.kid}, visitor.claims())
    assert refused(client, signed(visitor, token)) == "invalid-token"


@pytest.mark.parametrize("algorithm", ["RS256", "HS256", "EdDSA"])
def test_a_token_of_another_algorithm_is_refused(client: FlaskClient, visitor: Visitor, algorithm: str) -> None:
    """HS256 with the public key as its secret is the classic confusion."""
    public = visitor.issuer.key.as_dict(private=False)["x"]
    keys: dict[str, Any] = {
        "RS256": RSAKey.generate_key(2048),
        "HS256": OctKey.import_key(str(public)),
        "EdDSA": visitor.issuer.key,
    }
    header = {"alg": algorithm, "typ": "at+jwt", "kid": visitor.issuer.kid}
    token = jwt.encode(header, visitor.claims(), keys[algorithm], algorithms=[algorithm])
    assert refused(client, signed(visitor, token)) == "invalid-token"


@pytest.mark.parametrize("text", ["x", "a.b.c", "....", "é" * 10, "x" * 5000, "e30.e30.e30"])
def test_rubbish_is_no_token(client: FlaskClient, visitor: Visitor, text: str) -> None:
    headers = {"Authorization": f"DPoP {text}".encode().decode("latin-1"), "DPoP": visitor.proof("GET", URL, "x")}
    assert refused(client, headers) == "invalid-token"


@pytest.mark.parametrize(
    "changed",
    [
        {"htm": "POST"},
        {"htu": "http://concord.test/messaging/v1/other"},
        {"htu": "http://elsewhere.test/messaging/v1/thing"},
        {"htu": "http://concord.test:8080/messaging/v1/thing"},
        {"htu": "https://concord.test/messaging/v1/thing"},
        {"htu": "http://concord.test:notaport/messaging/v1/thing"},
        {"htu": 7},
        {"ath": "A" * 43},
        {"ath": None},
        {"iat": int(time.time()) - 300},
        {"iat": TOMORROW},
        {"iat": "now"},
        {"iat": True},
        {"iat": float("nan")},
        {"jti": ""},
        {"jti": "j" * 500},
        {"jti": 12345678},
        {"header": {"typ": "JWT"}},
        {"header": {"jwk": None}},
        {"header": {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}},
        {"header": {"jwk": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}}},
        {"header": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}}},
        {"header": {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}}},
    ],
)
def test_a_proof_of_another_request_is_refused(
    client: FlaskClient, visitor: Visitor, changed: dict[str, object]
) -> None:
    assert refused(client, signed(visitor, visitor.token(), **changed)) == "invalid-dpop-proof"


def test_a_proof_that_shows_its_private_key_is_refused(client: FlaskClient, visitor: Visitor) -> None:
    """Whoever sends a private key has lost it: RFC 9449, section 4.3, item 7."""
    private = visitor.key.as_dict(private=True)
    token = visitor.token()
    assert refused(client, signed(visitor, token, header={"jwk": private})) == "invalid-dpop-proof"


def test_a_proof_by_another_key_is_refused(client: FlaskClient, visitor: Visitor) -> None:
    """A stolen token is worth nothing without the device's key."""
    assert refused(client, signed(visitor, visitor.token(), key=OKPKey.generate_key("Ed25519"))) == "invalid-dpop-proof"


def test_a_token_of_another_device_is_refused(client: FlaskClient, visitor: Visitor) -> None:
    other = Visitor(visitor.issuer)
    assert refused(client, signed(visitor, other.token())) == "invalid-dpop-proof"


def test_a_proof_counts_once(client: FlaskClient, visitor: Visitor) -> None:
    headers = visitor.headers("GET", URL)
    assert client.get("/v1/thing", headers=headers).status_code == 200
    assert refused(client, headers) == "invalid-dpop-proof"


def test_a_proof_without_a_signature_is_refused(client: FlaskClient, visitor: Visitor) -> None:
    token = visitor.token()
    head: dict[str, object] = {"alg": "none", "typ": "dpop+jwt", "jwk": visitor.key.as_dict(private=False)}
    claims: dict[str, object] = {"jti": str(uuid4()), "htm": "GET", "htu": URL, "iat": int(time.time())}
    headers = {"Authorization": f"DPoP {token}", "DPoP": forged(head, claims | {"ath": dpop.digest(token)})}
    assert refused(client, headers) == "invalid-dpop-proof"


def test_the_address_is_compared_in_its_normal_form(client: FlaskClient, visitor: Visitor) -> None:
    """Host in capitals, the port spelt out, a query, an escaped letter: the same address by RFC 9449 section 4.3."""
    token = visitor.token()
    proof = visitor.proof("GET", "http://CONCORD.test:80/messaging/v1/%74hing?x=1#y", token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    assert client.get("/v1/thing", headers=headers).status_code == 200


def test_the_host_header_decides_nothing(client: FlaskClient, visitor: Visitor) -> None:
    """A proof made for another host is refused, whatever host the request claims."""
    token = visitor.token()
    proof = visitor.proof("GET", "http://evil.test/messaging/v1/thing", token)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof, "Host": "evil.test", "X-Forwarded-Host": "evil.test"}
    assert refused(client, headers) == "invalid-dpop-proof"


def test_a_cached_token_still_expires(visitor: Visitor) -> None:
    clock = HandClock()
    authenticator = auth.Authenticator(
        issuer="http://concord.test/directory", public_url="http://concord.test/m", keys=visitor.issuer, clock=clock
    )
    now = int(clock.now().timestamp())
    token = visitor.token(iat=now, exp=now + 300)

    def request() -> Request:
        proof = visitor.proof("GET", "http://concord.test/m/x", token, iat=int(clock.now().timestamp()))
        return Request(
            {"REQUEST_METHOD": "GET", "PATH_INFO": "/x", "HTTP_AUTHORIZATION": f"DPoP {token}", "HTTP_DPOP": proof}
        )

    assert authenticator.authenticate(request()).caller.device == visitor.device
    clock.pass_(301)
    with pytest.raises(problems.Problem, match="invalid-token"):
        authenticator.authenticate(request())


def test_seen_proofs_are_forgotten_only_when_they_could_not_come_again() -> None:
    clock = HandClock()
    seen = dpop.SeenProofs(clock)
    proof = dpop.Proof("thumbprint", "identifier", None)
    seen.remember(proof)
    clock.pass_(2 * dpop.WINDOW_SECONDS - 1)
    with pytest.raises(dpop.ProofError):
        seen.remember(proof)
    clock.pass_(2)
    seen.remember(proof)


def test_a_full_memory_refuses_rather_than_forgets() -> None:
    seen = dpop.SeenProofs(HandClock(), limit=2)
    for number in range(2):
        seen.remember(dpop.Proof("thumbprint", f"identifier-{number}", None))
    with pytest.raises(problems.Problem) as refusal:
        seen.remember(dpop.Proof("thumbprint", "identifier-3", None))
    assert refusal.value.status == 503
    with pytest.raises(dpop.ProofError):
        seen.remember(dpop.Proof("thumbprint", "identifier-0", None))
