"""Proofs of possession: the assertion that signs a device in, and the DPoP proof on every request.

Owns the two JWTs that a device's authentication key signs. Refuses other algorithms than Ed25519.
Sources: RFC 7523 section 3 (client assertion), RFC 9449 section 4.2 (DPoP proof), RFC 7638 (thumbprint).
"""

from __future__ import annotations

import base64
import hashlib
import time
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OKPKey

ALGORITHM = "Ed25519"  # RFC 9864: the fully specified name
# A proof of who signs in is worth stealing only while it lasts: one minute covers a slow network and a clock a little
# off.
ASSERTION_SECONDS = 60


class AuthenticationKey:
    """A device's Ed25519 authentication key."""

    def __init__(self, seed: bytes) -> None:
        private = Ed25519PrivateKey.from_private_bytes(seed)
        self._key = OKPKey.import_key(
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": _base64url(private.public_key().public_bytes_raw()),
                "d": _base64url(seed),
            }
        )
        self._public = self._key.as_dict(private=False)

    def assertion(self, device: UUID, audience: str) -> str:
        """A `client_assertion` for the token endpoint of `audience` (the issuer's URL), good for one use."""
        now = int(time.time())
        claims = {
            "iss": str(device),
            "sub": str(device),
            "aud": audience,
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, claims, self._key, algorithms=[ALGORITHM])

    def proof(self, method: str, url: str, access_token: str | None = None) -> str:
        """A DPoP proof for one request: `url` without query and fragment; `ath` binds it to the access token."""
        claims: dict[str, str | int] = {"jti": str(uuid4()), "htm": method, "htu": url, "iat": int(time.time())}
        if access_token is not None:
            claims["ath"] = _base64url(hashlib.sha256(access_token.encode("ascii")).digest())
        header = {"alg": ALGORITHM, "typ": "dpop+jwt", "jwk": self._public}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
