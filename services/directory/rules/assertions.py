"""The assertion by which a device signs in (RFC 7523 section 3, `private_key_jwt`).

Owns what its claims must say. Refuses signatures: those are checked with the device's key before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

# An assertion is made for one request: five minutes forgive a slow network and a clock that is off.
MAX_SECONDS = 300
SKEW_SECONDS = 60


class UnacceptableAssertionError(ValueError):
    """The assertion cannot be accepted; the message says why, for its owner."""


@dataclass(frozen=True)
class Assertion:
    """A valid assertion: its device, its id, and until when the id must be remembered."""

    device: UUID
    jti: str
    expires_at: datetime


def device_of(claims: Mapping[str, Any]) -> UUID:
    """The device that an assertion, not yet verified, says it is of. Raises `UnacceptableAssertionError`."""
    try:
        if not isinstance(claims["iss"], str) or claims["iss"] != claims["sub"]:
            raise ValueError
        return UUID(claims["iss"])
    except (KeyError, ValueError):
        raise UnacceptableAssertionError("iss and sub must both be the device's id") from None


def check(claims: Mapping[str, Any], *, audience: str, now: float) -> Assertion:
    """Check the claims of a signed assertion; `now` in seconds since 1970. Raises `UnacceptableAssertionError`."""
    device = device_of(claims)
    if claims.get("aud") not in (audience, [audience]):
        raise UnacceptableAssertionError("aud must be the issuer's address")
    issued, expires = _instant(claims, "iat"), _instant(claims, "exp")
    if not issued < expires <= issued + MAX_SECONDS:
        raise UnacceptableAssertionError(f"exp must be at most {MAX_SECONDS} seconds after iat")
    if issued > now + SKEW_SECONDS or expires <= now:
        raise UnacceptableAssertionError("the assertion is not in force now; check the clock of this machine")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 8 <= len(jti) <= 128:
        raise UnacceptableAssertionError("jti must be a text of 8 to 128 characters")
    return Assertion(device, jti, datetime.fromtimestamp(expires, UTC))


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # Written so that neither a truth value nor NaN nor a year beyond the calendar passes.
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**11:
        raise UnacceptableAssertionError(f"{name} must be a number of seconds since 1970")
    return float(value)
