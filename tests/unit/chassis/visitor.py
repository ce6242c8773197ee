"""A signed-in device for tests of any service: it holds a key and a token, and signs a proof for every request.

Owns the forging of both; `claims`, `header` and the like let a test forge them wrongly.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OKPKey

from services.chassis.auth import AccessToken, KeySource, verify_token
from services.chassis.dpop import digest

ALGORITHMS = ["Ed25519"]


def sign_anything(header: dict[str, Any], claims: dict[str, Any], key: OKPKey) -> str:
    """A JWT with an honest Ed25519 signature over any header at all: a library would not make the hostile ones."""
    head, payload = (_base64url(json.dumps(part).encode()) for part in (header, claims))
    signature = Ed25519PrivateKey.from_private_bytes(key.private_key.private_bytes_raw()).sign(  # type: ignore[union-attr]
        f"{head}.{payload}".encode()
    )
    return f"{head}.{payload}.{_base64url(signature)}"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


class IssuerKeys(KeySource):
    """The issuer's keys, private halves included."""

    def __init__(self) -> None:
        self.key = OKPKey.generate_key("Ed25519")
        self.kid = "test-key"

    def find(self, kid: str) -> OKPKey | None:
        """The public key, when the id is ours."""
        return OKPKey.import_key(self.key.as_dict(private=False)) if kid == self.kid else None

    def token(self, claims: dict[str, Any], header: dict[str, Any] | None = None, key: OKPKey | None = None) -> str:
        """An access token with these claims."""
        head = {"alg": "Ed25519", "typ": "at+jwt", "kid": self.kid} | (header or {})
        return jwt.encode(head, claims, key or self.key, algorithms=ALGORITHMS)


@dataclass
class Visitor:
    """One practitioner on one device; `base` is the public origin, such as `http://concord.test`."""

    issuer: IssuerKeys
    base: str = "http://concord.test"
    practitioner: UUID = field(default_factory=uuid4)
    organization: UUID = field(default_factory=uuid4)
    device: UUID = field(default_factory=uuid4)
    role: str = "practitioner"
    key: OKPKey = field(default_factory=lambda: OKPKey.generate_key("Ed25519"))

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of this visitor's access token, some of them changed."""
        now = int(time.time())
        return {
            "iss": f"{self.base}/directory",
            "sub": str(self.practitioner),
            "client_id": str(self.device),
            "aud": "concord",
            "org": str(self.organization),
            "role": self.role,
            "cnf": {"jkt": self.key.thumbprint()},
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid4()),
        } | changed

    def token(self, **changed: Any) -> str:
        """An access token."""
        return self.issuer.token(self.claims(**changed))

    def proof(self, method: str, url: str, token: str | None = None, key: OKPKey | None = None, **changed: Any) -> str:
        """A DPoP proof for one request; `header` in `changed` replaces members of its header."""
        signer = key or self.key
        public = signer.as_dict(private=False)
        head = {"alg": "Ed25519", "typ": "dpop+jwt", "jwk": {name: public[name] for name in ("kty", "crv", "x")}}
        head |= changed.pop("header", {})
        claims = {"jti": str(uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if token is not None:
            claims["ath"] = digest(token)
        return sign_anything(head, claims | changed, signer)

    def headers(self, method: str, url: str, token: str | None = None) -> dict[str, str]:
        """The headers of a well-signed request to the full public `url`."""
        text = token or self.token()
        return {"Authorization": f"DPoP {text}", "DPoP": self.proof(method, url, text)}

    def seen_by_service(self) -> AccessToken:
        """What a service makes of this visitor's token."""
        return verify_token(self.token(), issuer=f"{self.base}/directory", keys=self.issuer, now=time.time())
