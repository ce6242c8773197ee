"""OpenID Connect, as its relying party: where a provider is, where a person is sent, and who it says came back.

Owns the speech with a provider (OpenID Connect Core 1.0, section 3.1; Discovery 1.0; PKCE, RFC 7636). Refuses an ID
token that is not signed by a key of the provider's own, by an algorithm of ours, for this client and this very sign-on.
Follows no redirect, and reads no answer beyond a quarter of a mebibyte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

from ..rules.single_sign_on import SKEW_SECONDS, is_on_this_machine, is_provider_url

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
# The time-outs are those of one reading: who sends a byte each second would hold a thread for days.
WHOLE_ANSWER_SECONDS = 10.0
MAX_ANSWER_BYTES = 256 * 1024
MAX_SUBJECT = 255  # OpenID Connect Core 1.0, section 2
# Signatures by public keys alone: with a shared secret whoever can check could sign, and `none` is no signature.
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
_PUBLIC = frozenset({"RSA", "EC", "OKP"})
_PLAIN = {"Accept-Encoding": "identity"}
_FORM = "application/x-www-form-urlencoded"


class ProviderError(Exception):
    """A provider cannot be relied on as asked; the message says why, without any token."""


class ProviderUnreachableError(ProviderError):
    """A provider did not answer."""


@dataclass(frozen=True)
class Client:
    """Who we are at a provider; `redirect_uri` is where it sends people back to."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True)
class Asked:
    """What one sign-on was begun with: sent along, and looked for in what comes back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class RelyingParty:
    """One client at one provider. `transport` takes the place of the network."""

    def __init__(self, client: Client, transport: httpx.BaseTransport | None = None) -> None:
        self._client = client
        self._transport = transport
        self._metadata: dict[str, Any] | None = None

    def discover(self) -> dict[str, Any]:
        """What the provider says of itself, checked. Raises `ProviderError`."""
        if self._metadata is None:
            found = self._ask("GET", self._client.issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self._client.issuer:
                raise ProviderError("the provider calls itself by another issuer than the one that is required")
            for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not self._may_be_at(str(found.get(endpoint, ""))):
                    raise ProviderError(f"the provider's {endpoint} is missing, or not https")
            self._metadata = found
        return self._metadata

    def _may_be_at(self, url: str) -> bool:
        """Whether we go there for it: a provider elsewhere sends us to no service of this very machine."""
        return is_provider_url(url) and (is_on_this_machine(self._client.issuer) or not is_on_this_machine(url))

    def address(self, asked: Asked) -> str:
        """Where a person signs on. They are asked for their password also while a session is open there."""
        return str(
            prepare_grant_uri(
                self.discover()["authorization_endpoint"],
                self._client.client_id,
                "code",
                redirect_uri=self._client.redirect_uri,
                scope="openid",
                state=asked.state,
                nonce=asked.nonce,
                prompt="login",
                code_challenge=create_s256_code_challenge(asked.verifier),
                code_challenge_method="S256",
            )
        )

    def subject(self, code: str, asked: Asked, now: float) -> str:
        """Who signed on, by the code that came back; `now` is in seconds since 1970. Raises `ProviderError`."""
        answer = self._exchange(code, asked.verifier)
        text = answer.get("id_token")
        if not isinstance(text, str):
            raise ProviderError("the provider gave no ID token")
        try:
            return self._read(text, asked.nonce, answer.get("access_token"), now)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderError(f"the ID token is not one to rely on ({type(error).__name__})") from None

    def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        redirect = self._client.redirect_uri
        body = prepare_token_request("authorization_code", code=code, redirect_uri=redirect, code_verifier=verifier)
        auth = ClientAuth(self._client.client_id, self._client.client_secret, self._method())
        headers = {"Content-Type": _FORM, "Accept": "application/json"}
        url, headers, body = auth.prepare("POST", self.discover()["token_endpoint"], headers, body)
        return self._ask("POST", url, headers, body)

    def _method(self) -> str:
        """How we sign in there: `client_secret_basic` unless it takes the other form only."""
        if self._client.client_secret is None:
            return "none"
        taken = self.discover().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return "client_secret_basic" if "client_secret_basic" in taken else "client_secret_post"

    def _read(self, text: str, nonce: str, access_token: object, now: float) -> str:
        token = jwt.decode(text, self._keys(), algorithms=list(ALGORITHMS))
        client_id = self._client.client_id
        options: Any = {
            "iss": {"essential": True, "value": self._client.issuer},
            "aud": {"essential": True, "value": client_id},
        }
        params = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
        CodeIDToken(token.claims, token.header, options, params).validate(now=int(now), leeway=SKEW_SECONDS)
        subject = token.claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
            raise ValueError("not a subject")
        return subject

    def _keys(self) -> KeySet:
        """The provider's signature keys; one that is for something else, or that we cannot read, is left out."""
        found = self._ask("GET", self.discover()["jwks_uri"]).get("keys")
        if not isinstance(found, list):
            raise ProviderError("the provider gave no keys")
        keys: list[Key] = []
        for each in found:
            if isinstance(each, dict) and each.get("kty") in _PUBLIC and each.get("use", "sig") == "sig":
                with suppress(JoseError, ValueError, TypeError, KeyError):
                    keys.append(import_key(each))
        return KeySet(keys)

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> dict[str, Any]:
        """One answer that is a JSON object. Raises `ProviderError`."""
        try:
            with (
                httpx.Client(timeout=TIMEOUT, transport=self._transport, follow_redirects=False) as http,
                http.stream(method, url, headers={**(headers or {}), **_PLAIN}, content=body) as response,
            ):
                status, raw = response.status_code, _bounded(response)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise ProviderUnreachableError("the provider did not answer") from None
        if status >= 500:
            raise ProviderUnreachableError(f"the provider answered with status {status}")
        if status != httpx.codes.OK:
            raise ProviderError(f"the provider answered with status {status}")
        return _object(raw)


def _bounded(response: httpx.Response) -> bytes:
    if "Content-Encoding" in response.headers:  # a mebibyte packs a gibibyte, which would be unpacked to be counted
        raise ProviderError("the provider's answer is packed, which was not asked for")
    raw, end = bytearray(), monotonic() + WHOLE_ANSWER_SECONDS
    for piece in response.iter_bytes():
        raw += piece
        if monotonic() > end:
            raise ProviderUnreachableError("the provider did not answer in time")
        if len(raw) > MAX_ANSWER_BYTES:
            raise ProviderError("the provider's answer is too long")
    return bytes(raw)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        raise ProviderError("the provider's answer is no JSON") from None
    if not isinstance(found, dict):
        raise ProviderError("the provider's answer is no JSON object")
    return found
