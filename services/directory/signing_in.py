"""Signing in: a device shows that it holds its key, and gets a token for five minutes (RFC 6749, RFC 7523, RFC 9449).

Owns who gets a token. Refuses an assertion twice, whichever process sees it: its id is kept in the database until it
expires.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, cast

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from sqlalchemy import CursorResult, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.chassis import dpop
from services.chassis.auth import Caller
from services.chassis.problems import Problem

from .deps import Deps
from .models import Device, UsedAssertion
from .rules import assertions
from .rules.people import DeviceStatus, Status
from .tokens import TokenKeys

MAX_ASSERTION_BYTES = 4096


def sign_in(deps: Deps, keys: TokenKeys, assertion: str, proof: dpop.Proof) -> str:
    """An access token for the device that signed both. Raises problem 401 `invalid-client`."""
    try:
        with deps.database.transaction() as session:
            caller = _admitted(deps, session, assertion, proof)
    except IntegrityError:
        raise invalid_client("The assertion was used before. Sign a new one for every sign-in.") from None
    except assertions.UnacceptableAssertionError as error:
        raise invalid_client(f"{str(error).capitalize()}.") from None
    return keys.issue(caller, issuer=deps.settings.issuer, thumbprint=proof.thumbprint)


def forget_used_assertions(session: Session, now: datetime) -> int:
    """Forget the ids of assertions that have expired: they could not be used again anyway. Returns how many."""
    result = session.execute(delete(UsedAssertion).where(UsedAssertion.expires_at < now))
    return cast(CursorResult[Any], result).rowcount


def _admitted(deps: Deps, session: Session, text: str, proof: dpop.Proof) -> Caller:
    device = session.get(Device, assertions.device_of(_unverified(text)))
    if device is None:
        raise _unknown()
    now = deps.clock.now().timestamp()
    assertion = assertions.check(_verified(text, device), audience=deps.settings.issuer, now=now)
    if proof.thumbprint != device.thumbprint:
        raise invalid_client("The DPoP proof must be signed by the device's authentication key.")
    _check_standing(device)
    device.last_signed_in_at = deps.clock.now()
    session.add(UsedAssertion(device_id=device.id, jti=assertion.jti, expires_at=assertion.expires_at))
    session.flush()
    person = device.practitioner
    return Caller(person.id, person.organization_id, device.id, person.role)


def _check_standing(device: Device) -> None:
    """Told only to whoever holds the device's key."""
    if device.status != DeviceStatus.ACTIVE:
        raise invalid_client("This device was revoked. Use another one.")
    if device.practitioner.status != Status.ACTIVE:
        raise invalid_client("This account is suspended. Ask the administrator of your organization.")


def _unverified(text: str) -> dict[str, Any]:
    """The claims before the signature is checked: only to learn whose key to check it with."""
    try:
        if len(text) > MAX_ASSERTION_BYTES:
            raise ValueError("too long")
        token = jws.extract_compact(text.encode("ascii"))
        if token.headers().get("alg") != dpop.ALGORITHM:
            raise ValueError("another algorithm")
        claims = json.loads(token.payload or b"")
    except (JoseError, ValueError, RecursionError):
        raise _unknown() from None
    if not isinstance(claims, dict):
        raise _unknown()
    return claims


def _verified(text: str, device: Device) -> dict[str, Any]:
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": device.authentication})
    try:
        return jwt.decode(text, key, algorithms=dpop.ALGORITHMS).claims
    except (JoseError, ValueError):
        raise _unknown() from None


def _unknown() -> Problem:
    """A device that does not exist and a signature that does not hold read the same."""
    return invalid_client("The client assertion is not signed by a device of this directory.")


def invalid_client(description: str) -> Problem:
    """Client authentication failed (RFC 6749, section 5.2)."""
    problem = token_problem(401, "invalid-client", "Sign-in refused", description)
    return problem.with_header("WWW-Authenticate", f'DPoP error="invalid_client", algs="{dpop.ALGORITHM}"')


def token_problem(status: int, type_: str, title: str, description: str) -> Problem:
    """A refusal of the token endpoint: the members of RFC 6749 section 5.2 beside those of a problem."""
    return Problem(status, type_, title, description, error=type_.replace("-", "_"), error_description=description)
