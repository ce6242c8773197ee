"""Proofs of possession: a request was made by the holder of the key that the token names (RFC 9449).

Owns the checks of one DPoP proof and the memory of proofs already seen. Refuses every algorithm but Ed25519 (RFC 9864),
and the host that a request claims to be for: a proof is compared with the address this service is known under.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from .clock import Clock
from .problems import Problem, unavailable

ALGORITHM = "Ed25519"
ALGORITHMS = [ALGORITHM]
# How far a client's clock may be off, in seconds: RFC 9449 section 11.1 asks for "a relatively brief period".
WINDOW_SECONDS = 60
MAX_PROOF_BYTES = 4096
# About 24 MiB; 2,000 requests a second for the two windows in which a proof could come again.
MAX_REMEMBERED = 256 * 1024


class ProofError(ValueError):
    """A proof is malformed, or is not of this request."""


@dataclass(frozen=True)
class Proof:
    """A verified proof: the thumbprint of its key (RFC 7638), its id, and the token digest it names, if any."""

    thumbprint: str
    jti: str
    ath: str | None


class SeenProofs:
    """The proofs this process has accepted within the window.

    Each process remembers its own: a proof that is replayed within a minute at another process of the same service
    would pass there, and still needs the access token it names. What must never happen twice (a letter, a token) is
    made so by the database.
    """

    def __init__(self, clock: Clock, limit: int = MAX_REMEMBERED) -> None:
        self._clock = clock
        self._limit = limit
        self._lock = threading.Lock()
        self._seen: set[bytes] = set()
        self._order: deque[tuple[float, bytes]] = deque()

    def remember(self, proof: Proof) -> None:
        """Record one proof. Raises `ProofError` when it was here before, problem 503 when the memory is full."""
        key = hashlib.sha256(f"{proof.thumbprint} {proof.jti}".encode()).digest()[:16]
        now = self._clock.boottime()
        with self._lock:
            self._forget(now)
            if key in self._seen:
                raise ProofError("the proof was used before; sign a new one for every request")
            if len(self._seen) >= self._limit:
                # Forgetting early would let a proof be replayed: better to answer nothing for a moment.
                raise unavailable("busy", "Too many requests", "This service cannot take more requests just now.")
            self._seen.add(key)
            # `iat` may lie one window ahead and is accepted for one window after it.
            self._order.append((now + 2 * WINDOW_SECONDS, key))

    def _forget(self, now: float) -> None:
        while self._order and self._order[0][0] < now:
            self._seen.discard(self._order.popleft()[1])


def verify(text: str, *, method: str, url: str, now: float) -> Proof:
    """Check one proof for a request of `method` to `url` at `now` (seconds since 1970). Raises `ProofError`.

    Checks the list of RFC 9449 section 4.3 but the last two items: `ath` and the thumbprint are for whoever holds the
    token.
    """
    key, thumbprint = _key_of(text)
    try:
        claims = jwt.decode(text, key, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError, UnicodeError):
        raise ProofError("the proof is not signed by the key it names") from None
    if claims.get("htm") != method:
        raise ProofError("the proof is for another method")
    if normalised(claims.get("htu")) != normalised(url):
        raise ProofError("the proof is for another address")
    issued = claims.get("iat")
    if not isinstance(issued, int | float) or isinstance(issued, bool) or not abs(now - issued) <= WINDOW_SECONDS:
        raise ProofError("the proof is too old or from the future; check the clock of this machine")
    return Proof(thumbprint, _text(claims, "jti"), claims.get("ath"))


def normalised(url: object) -> str | None:
    """An address without query and fragment, normal by RFC 3986 sections 6.2.2 and 6.2.3; None if it is none."""
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").lower()
    if port is not None and port != {"http": 80, "https": 443}.get(parts.scheme):
        host = f"{host}:{port}"
    return f"{parts.scheme}://{host}{quote(unquote(parts.path)) or '/'}"


def digest(token: str) -> str:
    """What `ath` must be for this access token: base64url of its SHA-256."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode("ascii", "replace")).digest()).rstrip(b"=").decode()


def _key_of(text: str) -> tuple[OKPKey, str]:
    """The public key in the proof's header and its thumbprint, after every check of that header."""
    header = _header(text)
    jwk = header.get("jwk")
    if header.get("typ") != "dpop+jwt" or header.get("alg") != ALGORITHM or not isinstance(jwk, dict):
        raise ProofError("the proof must be a dpop+jwt, signed with Ed25519, that carries its key")
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or "d" in jwk or not isinstance(jwk.get("x"), str):
        raise ProofError("the proof must carry a public Ed25519 key, and only that")
    try:
        return _imported(jwk["x"])
    except (JoseError, ValueError):
        raise ProofError("the proof's key is malformed") from None


@functools.lru_cache(maxsize=8192)  # as many devices as have a cached token (`auth.CACHED_TOKENS`)
def _imported(x: str) -> tuple[OKPKey, str]:
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
    return key, str(key.thumbprint())


def _header(text: str) -> dict[str, Any]:
    if len(text) > MAX_PROOF_BYTES:
        raise ProofError("the proof is too long")
    try:
        head = text.split(".", 1)[0]
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        raise ProofError("the proof is no JWT") from None
    if not isinstance(header, dict):
        raise ProofError("the proof is no JWT")
    return header


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 8 <= len(value) <= 128:
        raise ProofError(f"the proof's {name} must be a text of 8 to 128 characters")
    return value


def proof_problem(error: ProofError) -> Problem:
    """The problem for a proof that does not hold (RFC 9449, section 7.1)."""
    challenge = f'DPoP error="invalid_dpop_proof", algs="{ALGORITHM}"'
    problem = Problem(401, "invalid-dpop-proof", "Proof of possession not accepted", f"{str(error).capitalize()}.")
    return problem.with_header("WWW-Authenticate", challenge)
