"""How services know each other."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from services.chassis import problems
from services.chassis.service_auth import ServiceSigner, ServiceVerifier, make_keys, read_public_keys, require_service
from tests.unit.chassis.visitor import sign_anything

# Parameters are made when the tests are collected, which may be minutes before they run: far enough then as well.
TOMORROW = int(time.time()) + 86_400


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_keys(tmp_path, ("consent", "messaging", "directory"))
    return tmp_path


def signer(folder: Path, service: str) -> ServiceSigner:
    return ServiceSigner(service, private(folder, service))


def private(folder: Path, service: str) -> OKPKey:
    return OKPKey.import_key(json.loads((folder / f"{service}.jwk").read_text()))


@pytest.fixture
def client(folder: Path) -> FlaskClient:
    app = Flask("test")
    problems.install(app)
    app.extensions["concord.services"] = ServiceVerifier("consent", read_public_keys(folder / "services.jwks"))

    @app.get("/")
    @require_service("messaging")
    def inside() -> dict[str, bool]:
        return {"inside": True}

    return app.test_client()


def asked(client: FlaskClient, authorization: str) -> tuple[int, str]:
    answer = client.get("/", headers={"Authorization": authorization})
    return answer.status_code, str(answer.get_json().get("type", "")).removeprefix(problems.TYPE_PREFIX)


def test_the_named_service_is_let_in(client: FlaskClient, folder: Path) -> None:
    assert asked(client, signer(folder, "messaging").authorization("consent")) == (200, "")


def test_another_service_is_not(client: FlaskClient, folder: Path) -> None:
    authorization = signer(folder, "directory").authorization("consent")
    assert asked(client, authorization) == (403, "service-not-allowed")


def test_a_token_for_another_service_is_refused(client: FlaskClient, folder: Path) -> None:
    authorization = signer(folder, "messaging").authorization("directory")
    assert asked(client, authorization) == (401, "service-unauthenticated")


def token(key: OKPKey, header: dict[str, Any] | None = None, **changed: Any) -> str:
    now = int(time.time())
    claims = {"iss": "messaging", "aud": "consent", "iat": now, "exp": now + 60, "jti": "x"}
    head = {"alg": "Ed25519", "typ": "concord-service+jwt", "kid": "messaging"} | (header or {})
    return "Bearer " + sign_anything(head, claims | changed, key)


def test_the_forged_tokens_below_differ_from_a_good_one_in_one_thing_only(client: FlaskClient, folder: Path) -> None:
    assert asked(client, token(private(folder, "messaging"))) == (200, "")


@pytest.mark.parametrize(
    ("header", "changed"),
    [
        ({}, {"exp": int(time.time()) - 1}),
        ({}, {"exp": TOMORROW}),
        ({}, {"iat": TOMORROW, "exp": TOMORROW + 60}),
        ({}, {"iss": "directory"}),
        ({}, {"aud": ["consent", "directory"]}),
        ({}, {"exp": None}),
        ({"kid": "directory"}, {}),
        ({"kid": "nobody"}, {}),
        ({"kid": None}, {}),
        ({"typ": "at+jwt"}, {}),
        ({"alg": "none"}, {}),
        ({"alg": "EdDSA"}, {}),
        ({"alg": "HS256"}, {}),
    ],
)
def test_a_forged_token_is_refused(
    client: FlaskClient, folder: Path, header: dict[str, Any], changed: dict[str, Any]
) -> None:
    authorization = token(private(folder, "messaging"), header, **changed)
    assert asked(client, authorization) == (401, "service-unauthenticated")


def test_the_public_key_is_no_secret_to_sign_with(client: FlaskClient, folder: Path) -> None:

    x = str(private(folder, "messaging").as_dict(private=False)["x"])
    now = int(time.time())
    claims = {"iss": "messaging", "aud": "consent", "iat": now, "exp": now + 60}
    header = {"alg": "HS256", "typ": "concord-service+jwt", "kid": "messaging"}
    text = jwt.encode(header, claims, OctKey.import_key(x), algorithms=["HS256"])
    assert asked(client, f"Bearer {text}") == (401, "service-unauthenticated")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Bearer a.b.c", "DPoP x", "Basic eDp4"])
def test_rubbish_is_refused(client: FlaskClient, authorization: str) -> None:
    assert asked(client, authorization) == (401, "service-unauthenticated")


def test_a_token_is_used_again_for_half_its_life(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    messaging = signer(folder, "messaging")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    first = messaging.authorization("consent")
    assert messaging.authorization("consent") == first
    assert messaging.authorization("directory") != first
    monkeypatch.setattr(time, "time", lambda: now + 31)
    assert messaging.authorization("consent") != first


def test_private_keys_are_for_their_owner_alone_and_are_made_once(folder: Path) -> None:
    before = (folder / "consent.jwk").read_text()
    assert stat.S_IMODE((folder / "consent.jwk").stat().st_mode) == 0o600
    make_keys(folder, ("consent", "messaging", "directory"))
    assert (folder / "consent.jwk").read_text() == before
    published = json.loads((folder / "services.jwks").read_text())
    assert {key["kid"] for key in published["keys"]} == {"consent", "messaging", "directory"}
    assert all("d" not in key for key in published["keys"])
