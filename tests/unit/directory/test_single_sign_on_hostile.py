"""A provider that lies, or somebody between: what is not signed for this very sign-on lets nobody in."""

from __future__ import annotations

import base64
import gzip
import hashlib
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from services.chassis.db import Database
from services.chassis.problems import Problem
from services.commands import single_sign_on as command
from services.directory.openid import oidc, single_sign_on, single_sign_on_requirement
from services.directory.rules.single_sign_on import VALID_FOR, is_issuer, is_provider_url
from tests.unit.directory.house import House, problem
from tests.unit.directory.signing_on import CLIENT_ID, Newcomer, code_in, confirm, status

ISSUER = "https://login.example"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
SECRET = "s" * 40


@dataclass
class Liar:
    """A provider in the place of the network. What it says is changed by hand; `seen` is what it was asked."""

    house: House
    key: Any = field(default_factory=lambda: KEY)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    keys: Any = None
    answers: dict[str, Callable[[], httpx.Response]] = field(default_factory=dict)
    seen: list[httpx.Request] = field(default_factory=list)
    nonce: str = ""
    challenge: str = ""

    def honest(self) -> None:
        """From now on it says what is true."""
        self.key, self.header, self.keys = KEY, {"alg": "RS256", "kid": "one"}, None
        for changed in (self.claims, self.metadata, self.answers, self.seen):
            changed.clear()

    def __post_init__(self) -> None:
        self.house.deps = replace(self.house.deps, web=httpx.MockTransport(self._answer))
        self.administrator = self.house.administrator()
        provider = single_sign_on_requirement.Provider(ISSUER, CLIENT_ID, SECRET)
        single_sign_on_requirement.require(self.house.deps, self.administrator.organization, provider)
        self.newcomer = Newcomer.of(self.administrator)

    @property
    def callback(self) -> str:
        """Where it sends people back to."""
        return f"/v1/single-sign-on/callback/{self.administrator.organization}"

    def begin(self) -> tuple[str, str]:
        """A session is begun; its id and its state."""
        begun = self.newcomer.begin().get_json()
        asked = parse_qs(urlsplit(begun["authorization_url"]).query)
        self.nonce, self.challenge = asked["nonce"][0], asked["code_challenge"][0]
        return begun["session"], asked["state"][0]

    def comes_back(self, **more: str) -> dict[str, Any]:
        """Somebody signs on; what the session says then."""
        session, state = self.begin()
        query = {"state": state, "code": "a code"} | more
        shown = self.house.client.get(self.callback, query_string=query)
        if shown.status_code == 200:
            confirm(self.house, session, code_in(shown.text))
        return status(self.house, session)

    def token(self) -> str:
        """The ID token that it gives out."""
        now = int(self.house.clock.now().timestamp())
        said = {"iss": ISSUER, "aud": CLIENT_ID, "sub": "pia", "iat": now, "exp": now + 300, "nonce": self.nonce}
        claims = {name: value for name, value in (said | self.claims).items() if value is not None}
        if self.header["alg"] == "none":
            parts = (self.header, claims)
            return (
                ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts)
                + "."
            )
        return jwt.encode(self.header, claims, self.key, algorithms=[self.header["alg"]])

    def _answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.seen.append(request)
        if (made := self.answers.get(request.url.path)) is not None:
            return made()
        if request.url.path == "/.well-known/openid-configuration":
            said = {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize"}
            said |= {"token_endpoint": f"{ISSUER}/token", "jwks_uri": f"{ISSUER}/keys"}
            return httpx.Response(200, json=said | self.metadata)
        if request.url.path == "/keys":
            return httpx.Response(200, json=self.keys or KeySet([KEY]).as_dict(private=False))
        assert request.url.path == "/token"
        return httpx.Response(200, json={"access_token": "at", "token_type": "Bearer", "id_token": self.token()})


@pytest.fixture(scope="module")
def lying(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Liar]:
    """One for all: nobody enrols by what it says."""
    path = tmp_path_factory.mktemp("lying") / "directory.db"
    shutil.copyfile(migrated, path)
    database = Database(f"sqlite:///{path}")
    yield Liar(House(database))
    database.dispose()


@pytest.fixture
def liar(lying: Liar) -> Liar:
    lying.honest()
    return lying


INVALID = {"status": "failed", "reason": "invalid-answer"}
DONE = {"status": "done", "reason": None}


def test_an_honest_answer_passes_and_carries_what_it_must(liar: Liar) -> None:
    liar.newcomer, before = Newcomer.of(liar.administrator, "Ina Invited"), liar.newcomer
    liar.claims = {"sub": "ina"}
    assert liar.comes_back() == DONE
    assert liar.newcomer.enrol().status_code == 201
    liar.newcomer = before
    asked = next(each for each in liar.seen if each.url.path == "/token")
    form = parse_qs(asked.content.decode())
    verifier = form["code_verifier"][0]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert challenge == liar.challenge, "PKCE: who stole the code has not the verifier"
    assert form["redirect_uri"] == [f"http://concord.test/directory{liar.callback}"]
    assert asked.headers["Authorization"] == "Basic " + base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-on"},
        {"nonce": None},
        {"aud": "another client"},
        {"aud": [CLIENT_ID, "another client"]},
        {"aud": [CLIENT_ID, "another client"], "azp": "another client"},
        {"aud": None},
        {"azp": "another client"},
        {"iss": "https://login.example.evil"},
        {"iss": "https://login.example/"},
        {"iss": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": 99999999999},
        {"iat": None},
        {"nbf": 99999999999},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": ["pia"]},
        {"at_hash": "of another token"},
    ],
    ids=lambda claims: ",".join(f"{name}={str(value)[:20]}" for name, value in claims.items()),
)
def test_a_token_that_says_otherwise_lets_nobody_in(liar: Liar, claims: dict[str, Any]) -> None:
    liar.claims = claims
    assert liar.comes_back() == INVALID
    assert problem(liar.newcomer.enrol()) == (403, "single-sign-on-required")


def test_a_second_audience_is_fine_where_we_are_who_it_was_issued_to(liar: Liar) -> None:
    liar.claims = {"aud": [CLIENT_ID, "another client"], "azp": CLIENT_ID}
    assert liar.comes_back() == DONE


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"alg": "none"}, None),
        ({"alg": "HS256", "kid": "one"}, OctKey.import_key(SECRET)),
        (
            {"alg": "HS256", "kid": "one"},
            OctKey.import_key(str(KEY.as_dict(private=False)["n"])),
        ),
        ({"alg": "RS256", "kid": "one"}, RSAKey.generate_key(2048)),
        ({"alg": "RS256", "kid": "another"}, KEY),
        ({"alg": "RS384", "kid": "one"}, KEY),
        ({"alg": "ES256", "kid": "one"}, ECKey.generate_key("P-256")),
    ],
    ids=[
        "none",
        "client-secret",
        "public-key-as-secret",
        "another-key",
        "unknown-kid",
        "other-algorithm",
        "other-kind",
    ],
)
def test_a_token_that_no_key_of_the_provider_signed_lets_nobody_in(
    liar: Liar, header: dict[str, Any], key: Any
) -> None:
    liar.header, liar.key = header, key
    assert liar.comes_back() == INVALID


def test_a_key_in_the_token_itself_signs_nothing(liar: Liar) -> None:
    own = RSAKey.generate_key(2048)
    liar.key, liar.header = own, {"alg": "RS256", "kid": "one", "jwk": own.as_dict(private=False)}
    assert liar.comes_back() == INVALID


def test_a_key_for_encryption_signs_nothing(liar: Liar) -> None:
    liar.keys = {"keys": [KEY.as_dict(private=False) | {"use": "enc"}]}
    assert liar.comes_back() == INVALID


@pytest.mark.parametrize("keys", [{"keys": "none"}, {"keys": []}, {"keys": [{"kty": "RSA"}]}, {"keys": ["x"]}], ids=str)
def test_keys_that_are_none_let_nobody_in(liar: Liar, keys: Any) -> None:
    liar.keys = keys
    assert liar.comes_back() == INVALID


def test_keys_that_nobody_can_read_bar_no_good_one(liar: Liar) -> None:
    odd = [7, {"kty": "RSA", "n": 1}, {"kty": "EC", "crv": "P-1", "x": "A", "y": "A"}, {"kty": "AKP", "alg": "x"}]
    liar.keys = {"keys": [*odd, KEY.as_dict(private=False)]}
    assert liar.comes_back() == DONE


def _broken() -> httpx.Response:
    raise httpx.ConnectError("nobody there")


ANSWERS: dict[str, tuple[Callable[[], httpx.Response], str]] = {
    "down": (_broken, "provider-unreachable"),
    "failing": (lambda: httpx.Response(503), "provider-unreachable"),
    "refusing": (lambda: httpx.Response(400, json={"error": "invalid_grant"}), "invalid-answer"),
    "elsewhere": (lambda: httpx.Response(302, headers={"Location": "http://10.0.0.1/"}), "invalid-answer"),
    "no-json": (lambda: httpx.Response(200, text="<html>"), "invalid-answer"),
    "a-list": (lambda: httpx.Response(200, json=[]), "invalid-answer"),
    "deep": (lambda: httpx.Response(200, content=b"[" * 100_000), "invalid-answer"),
    "endless": (lambda: httpx.Response(200, content=b" " * 300_000), "invalid-answer"),
    "no-token": (lambda: httpx.Response(200, json={"access_token": "at"}), "invalid-answer"),
    "no-text": (lambda: httpx.Response(200, json={"id_token": 7}), "invalid-answer"),
    "rubbish": (lambda: httpx.Response(200, json={"id_token": "a.b.c"}), "invalid-answer"),
}


@pytest.mark.parametrize("how", ANSWERS)
def test_a_token_endpoint_that_answers_otherwise_lets_nobody_in(liar: Liar, how: str) -> None:
    made, reason = ANSWERS[how]
    liar.answers["/token"] = made
    assert liar.comes_back() == {"status": "failed", "reason": reason}
    liar.answers.clear()
    assert liar.comes_back() == DONE, "it can be done again"


@pytest.mark.parametrize("how", ["down", "failing", "elsewhere", "no-json", "endless"])
def test_without_its_discovery_nothing_is_begun_and_the_why_is_told(liar: Liar, how: str) -> None:
    liar.answers["/.well-known/openid-configuration"] = ANSWERS[how][0]
    answer = liar.newcomer.begin()
    assert problem(answer) == (502, "provider-unreliable")
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://login.example.evil"},
        {"token_endpoint": "http://login.example/token"},
        {"token_endpoint": "http://169.254.169.254/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"token_endpoint": "http://127.0.0.1:8001/token"},
        {"jwks_uri": "https://localhost/keys"},
        {"authorization_endpoint": "http://[::1]/authorize"},
    ],
    ids=lambda each: next(f"{name}={value}" for name, value in each.items()),
)
def test_a_discovery_that_points_elsewhere_is_refused(liar: Liar, metadata: dict[str, Any]) -> None:
    liar.metadata = metadata
    assert problem(liar.newcomer.begin()) == (502, "provider-unreliable")
    with pytest.raises(Problem, match="provider-unreliable"):
        single_sign_on_requirement.require(
            liar.house.deps, liar.administrator.organization, single_sign_on_requirement.Provider(ISSUER, CLIENT_ID)
        )


def test_an_answer_that_is_packed_is_not_unpacked(liar: Liar) -> None:
    """However good: a small one unpacks to gibibytes before anybody counts."""

    def packed() -> httpx.Response:
        said = json.dumps({"id_token": liar.token()}).encode()
        return httpx.Response(200, content=gzip.compress(said), headers={"Content-Encoding": "gzip"})

    liar.answers["/token"] = packed
    assert liar.comes_back() == INVALID
    assert {each.headers["Accept-Encoding"] for each in liar.seen} == {"identity"}


def test_a_shared_secret_among_the_providers_keys_signs_nothing(liar: Liar) -> None:
    liar.key = OctKey.import_key(SECRET, {"kid": "two"})
    liar.header = {"alg": "HS256", "kid": "two"}
    liar.keys = {"keys": [KEY.as_dict(private=False), liar.key.as_dict(private=True)]}
    assert liar.comes_back() == INVALID


def test_an_answer_that_never_ends_holds_nobody(liar: Liar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece comes in time, the whole does not."""
    pieces = iter(range(1000))
    seconds = itertools.count(0.0, 4.0)
    monkeypatch.setattr(oidc, "monotonic", lambda: next(seconds))

    def slow() -> httpx.Response:
        return httpx.Response(200, content=(b" " for _ in pieces))

    liar.answers["/token"] = slow
    assert liar.comes_back() == {"status": "failed", "reason": "provider-unreachable"}
    assert next(pieces) < 10


def test_a_provider_that_answers_when_all_is_over_is_no_failure(liar: Liar) -> None:
    """The session is swept while its provider is being asked."""
    session, state = liar.begin()
    good = liar.token()

    def late() -> httpx.Response:
        with liar.house.database.transaction() as rows:
            single_sign_on.sweep(rows, liar.house.clock.now() + VALID_FOR)
        return httpx.Response(200, json={"id_token": good})

    liar.answers["/token"] = late
    shown = liar.house.client.get(liar.callback, query_string={"state": state, "code": "a code"})
    assert (shown.status_code, "is over" in shown.text) == (400, True)
    assert problem(liar.house.client.get(f"/v1/single-sign-on/{session}")) == (404, "not-found")


def test_what_is_printed_of_a_sign_on_by_mistake_holds_no_secret() -> None:
    said = [
        oidc.Client(ISSUER, CLIENT_ID, SECRET, "https://concord.test"),
        oidc.Asked("the-state", "the-nonce", "the-verifier"),
        single_sign_on_requirement.Provider(ISSUER, CLIENT_ID, SECRET),
    ]
    assert not any(each in repr(said) for each in (SECRET, "the-state", "the-nonce", "the-verifier"))


@pytest.mark.parametrize(
    "holds", [b"", b"\xffsecret", b"a\nsecret", b"s" * 1001], ids=["nothing", "bytes", "lines", "more"]
)
def test_a_file_that_holds_no_client_secret_is_told_by_its_name_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], holds: bytes
) -> None:
    file = tmp_path / "client"
    file.write_bytes(holds)
    with pytest.raises(SystemExit):
        command._secret(file)
    told = capsys.readouterr().err
    assert (told.startswith("error: client holds no client secret"), "ssss" in told, "xff" in told) == (
        True,
        False,
        False,
    )


def test_an_error_beside_a_code_is_an_error(liar: Liar) -> None:
    assert liar.comes_back(error="access_denied") == {"status": "failed", "reason": "refused-by-provider"}


def test_a_page_repeats_nothing_of_the_address(liar: Liar) -> None:
    query = {"state": "<script>alert(1)</script>", "code": "c", "error": "<b>", "error_description": "<i>"}
    shown = liar.house.client.get(liar.callback, query_string=query)
    assert (shown.status_code, "script" in shown.text, "<b>" in shown.text) == (400, False, False)
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (shown.headers["Referrer-Policy"], shown.headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_a_provider_that_takes_the_secret_in_the_form_gets_it_there(liar: Liar) -> None:
    liar.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert liar.comes_back() == DONE
    asked = next(each for each in liar.seen if each.url.path == "/token")
    assert parse_qs(asked.content.decode())["client_secret"] == [SECRET]
    assert "Authorization" not in asked.headers


def test_a_provider_that_takes_it_both_ways_gets_it_in_the_header(liar: Liar) -> None:
    """Forms are what a proxy or a provider writes down."""
    liar.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"]}
    assert liar.comes_back() == DONE
    asked = next(each for each in liar.seen if each.url.path == "/token")
    assert ("Authorization" in asked.headers, SECRET in asked.content.decode()) == (True, False)


def test_without_a_secret_we_are_a_public_client(liar: Liar) -> None:
    organization, deps = liar.administrator.organization, liar.house.deps
    single_sign_on_requirement.require(deps, organization, single_sign_on_requirement.Provider(ISSUER, CLIENT_ID))
    assert liar.comes_back() == DONE
    asked = next(each for each in liar.seen if each.url.path == "/token")
    assert parse_qs(asked.content.decode())["client_id"] == [CLIENT_ID]
    assert "Authorization" not in asked.headers
    single_sign_on_requirement.require(
        deps, organization, single_sign_on_requirement.Provider(ISSUER, CLIENT_ID, SECRET)
    )


def test_what_the_log_says_of_it_holds_no_token(liar: Liar, capsys: pytest.CaptureFixture[str]) -> None:
    liar.claims = {"nonce": "of another sign-on"}
    liar.comes_back()
    told = capsys.readouterr().err
    assert "not signed on" in told
    assert "InvalidClaimError" in told
    assert not any(each in told for each in ("eyJ", "pia", SECRET, liar.nonce, "a code"))


def test_no_session_keeps_a_token_or_the_state(liar: Liar) -> None:
    _, state = liar.begin()
    query = {"state": state, "code": "a code"}
    shown = liar.house.client.get(liar.callback, query_string=query)
    with liar.house.database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM sign_on_session").all()
    assert rows
    assert state not in repr(rows)
    assert code_in(shown.text) not in repr(rows)
    assert "eyJ" not in repr(rows)


@pytest.mark.parametrize(
    "address",
    [
        "http://login.example",
        "https://",
        "https://login.example/#x",
        "https://me@login.example",
        "https://login.exämple",
        "ftp://login.example",
        "login.example",
        "http://10.0.0.1",
        "http://localhost.example",
        "https://login.example:port",
        "https://login.example/ x",
        "https://login.example/" + "x" * 2000,
        "file:///etc/passwd",
    ],
    ids=lambda each: each[:26],
)
def test_a_provider_is_at_https(address: str) -> None:
    assert not is_provider_url(address)


def test_or_on_this_very_machine() -> None:
    for address in ("https://login.example/realms/x", "http://localhost:9400", "http://127.0.0.1", "http://[::1]:80/x"):
        assert is_provider_url(address)
    assert is_provider_url("https://login.example/authorize?tenant=x")
    assert not is_issuer("https://login.example/?tenant=x")
