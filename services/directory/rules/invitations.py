"""An invitation: one line of text that lets one person enrol, once.

Owns its form and when it is good. Refuses to remember its secret: the digest is all that is stored.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from concord_formats.signatures import to_base64url

PREFIX = "concord-invitation:"
# Long enough for a holiday, short enough that a forgotten mail is worth nothing.
VALID_FOR = timedelta(days=7)
SECRET_BYTES = 32


@dataclass(frozen=True)
class Invitation:
    """A stored invitation, as the rules see it."""

    secret_sha256: str
    expires_at: datetime
    used: bool


def code(base_url: str, practitioner: UUID, secret: str) -> str:
    """The line that the invited person gives to their client."""
    members = {"base_url": base_url, "practitioner": str(practitioner), "secret": secret}
    return PREFIX + to_base64url(json.dumps(members, separators=(",", ":")).encode("utf-8"))


def secret_digest(secret: str) -> str:
    """What is stored of a secret: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode("utf-8")).hexdigest()


def opens(invitation: Invitation | None, secret: str) -> bool:
    """Whether the secret is that of the invitation, used or not; takes as long when there is no invitation."""
    expected = invitation.secret_sha256 if invitation else "0" * 64
    same = hmac.compare_digest(expected, secret_digest(secret))
    return same and invitation is not None


def is_good(invitation: Invitation, now: datetime) -> bool:
    """Whether it may still be used."""
    return not invitation.used and now < invitation.expires_at
