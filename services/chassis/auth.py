"""Sign-in checks: who makes this request (RFC 9068 access tokens, bound to a key by RFC 9449).

Owns the verification of an access token and of the proof beside it, and the cache of tokens already verified. Refuses
to ask the directory about every request: a token holds for its five minutes, and what must stop sooner is stopped at
the gate.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar, cast
from uuid import UUID

from flask import Request, current_app, request
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from . import dpop
from .clock import Clock
from .problems import Problem

# Whom the directory gives tokens to; a test holds this to its own list.
ROLES = frozenset({"practitioner", "administrator", "privacy-officer"})
AUDIENCE = "concord"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type, RFC 9068 section 2.1
# Clocks of machines in one deployment differ by less; a client's clock plays no part in an access token.
SKEW_SECONDS = 5
MAX_TOKEN_BYTES = 4096
# As many devices as sign in within five minutes; beyond it the oldest is simply verified again.
CACHED_TOKENS = 8192


@dataclass(frozen=True)
class Caller:
    """Who makes the request: a practitioner, on one of their devices, in their organization."""

    practitioner: UUID
    organization: UUID
    device: UUID
    role: str


@dataclass(frozen=True)
class AccessToken:
    """A verified access token: its caller, the thumbprint of its key, and when it ends (seconds since 1970)."""

    caller: Caller
    thumbprint: str
    expires: float


class KeySource(Protocol):
    """Where the directory's public token keys come from."""

    def find(self, kid: str) -> OKPKey | None:
        """The key of that id, or None. Raises problem 503 when nobody can say."""


class Authenticator:
    """Verifies requests for the service known as `public_url`. Thread-safe; one a process."""

    def __init__(self, *, issuer: str, public_url: str, keys: KeySource, clock: Clock) -> None:
        self._issuer = issuer
        self._public_url = public_url
        self._keys = keys
        self._clock = clock
        self._seen = dpop.SeenProofs(clock)
        self._tokens: OrderedDict[bytes, AccessToken] = OrderedDict()
        self._lock = threading.Lock()

    def authenticate(self, incoming: Request) -> AccessToken:
        """The caller of a request. Raises problem 401 `unauthenticated`, `invalid-token` or `invalid-dpop-proof`."""
        text = _presented(incoming)
        token = self._verified(text)
        try:
            self._check_proof(incoming, text, token)
        except dpop.ProofError as error:
            raise dpop.proof_problem(error) from None
        return token

    def _check_proof(self, incoming: Request, text: str, token: AccessToken) -> None:
        proofs = incoming.headers.getlist("DPoP")
        if len(proofs) != 1:
            raise dpop.ProofError("the request must carry exactly one DPoP proof")
        url = self._public_url + incoming.path
        proof = dpop.verify(proofs[0], method=incoming.method, url=url, now=self._clock.now().timestamp())
        if not isinstance(proof.ath, str) or not hmac.compare_digest(proof.ath.encode(), dpop.digest(text).encode()):
            raise dpop.ProofError("the proof is for another access token")
        if not hmac.compare_digest(proof.thumbprint, token.thumbprint):
            raise dpop.ProofError("the proof is signed by another key than the token is bound to")
        self._seen.remember(proof)

    def _verified(self, text: str) -> AccessToken:
        key = hashlib.sha256(text.encode("utf-8", "replace")).digest()
        now = self._clock.now().timestamp()
        with self._lock:
            if (known := self._tokens.get(key)) and known.expires > now:
                self._tokens.move_to_end(key)
                return known
        token = verify_token(text, issuer=self._issuer, keys=self._keys, now=now)
        with self._lock:
            self._tokens[key] = token
            while len(self._tokens) > CACHED_TOKENS:
                self._tokens.popitem(last=False)
        return token


def verify_token(text: str, *, issuer: str, keys: KeySource, now: float) -> AccessToken:
    """Check an access token by RFC 9068 section 4. Raises problem 401 `invalid-token`."""
    try:
        header = jws.extract_compact(text.encode("ascii")).headers()
        if header.get("typ") != TOKEN_TYPE or header.get("alg") != dpop.ALGORITHM or len(text) > MAX_TOKEN_BYTES:
            raise ValueError("not one of our access tokens")
        key = keys.find(str(header.get("kid")))
        if key is None:
            raise ValueError("signed by an unknown key")
        claims = jwt.decode(text, key, algorithms=dpop.ALGORITHMS).claims
        return _read_claims(claims, issuer, now)
    except (JoseError, ValueError, KeyError, TypeError):
        raise invalid_token() from None


def _read_claims(claims: dict[str, Any], issuer: str, now: float) -> AccessToken:
    if claims["iss"] != issuer or claims["aud"] not in (AUDIENCE, [AUDIENCE]):
        raise ValueError("issued by or for somebody else")
    if not claims["iat"] - SKEW_SECONDS <= now < claims["exp"]:
        raise ValueError("not in force now")
    if claims["role"] not in ROLES:
        raise ValueError("of no role we know")
    caller = Caller(UUID(claims["sub"]), UUID(claims["org"]), UUID(claims["client_id"]), claims["role"])
    return AccessToken(caller, str(claims["cnf"]["jkt"]), float(claims["exp"]))


def invalid_token() -> Problem:
    """The token cannot be accepted; why is not told, for it makes no difference to what its owner must do."""
    detail = "The access token is not valid here, or has expired. Sign in again."
    problem = Problem(401, "invalid-token", "Access token not accepted", detail)
    return problem.with_header("WWW-Authenticate", f'DPoP error="invalid_token", algs="{dpop.ALGORITHM}"')


def _presented(incoming: Request) -> str:
    scheme, _, text = incoming.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "dpop" or not text:
        detail = "Sign in at the directory, and send the access token with a DPoP proof."
        problem = Problem(401, "unauthenticated", "Not signed in", detail)
        raise problem.with_header("WWW-Authenticate", f'DPoP algs="{dpop.ALGORITHM}"')
    return text.strip()


# Not in `g`, which may outlive a request. No header can set this name: those all begin with HTTP_.
_CALLER = "concord.caller"
P = ParamSpec("P")
R = TypeVar("R")


def authenticated(route: Callable[P, R]) -> Callable[P, R]:
    """Let only a signed-in caller reach the route. Stands below the route's own decorator; once a request is enough."""

    @functools.wraps(route)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        if _CALLER not in request.environ:
            authenticator = cast(Authenticator, current_app.extensions["concord.authenticator"])
            request.environ[_CALLER] = authenticator.authenticate(request).caller
        return route(*args, **kwargs)

    return checked


def caller() -> Caller:
    """Who makes the current request; only within a route that is `authenticated`."""
    return cast(Caller, request.environ[_CALLER])
