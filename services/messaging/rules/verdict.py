"""What a judgement on a letter comes to: a permit, or a refusal with its reason.

Owns these values and their names. Refuses to judge: that is `decision`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .known import Grant


class Reason(StrEnum):
    """Why a letter may not go; each is the last part of a problem type."""

    NO_ACTIVE_CONSENT = "no-active-consent"
    CONSENT_REVOKED = "consent-revoked"
    CONSENT_EXPIRED = "consent-expired"
    CONSENT_NOT_YET_VALID = "consent-not-yet-valid"
    CONSENT_SUPERSEDED = "consent-superseded"
    RESTRICTED = "restricted"
    RECIPIENT_NOT_COVERED = "recipient-not-covered"
    PURPOSE_NOT_COVERED = "purpose-not-covered"
    LABEL_NOT_COVERED = "label-not-covered"
    NOTES_ONLY = "notes-only"
    SENDER_SUSPENDED = "sender-suspended"
    RECIPIENT_SUSPENDED = "recipient-suspended"
    UNKNOWN_RECIPIENT = "unknown-recipient"
    DEVICE_REVOKED = "device-revoked"
    NOT_DELEGATED = "not-delegated"
    BEYOND_DELEGATION = "beyond-delegation"
    NOT_A_MEMBER = "not-a-member"


class State(StrEnum):
    """Where a delivery stands. Only a held one ever changes."""

    RELEASED = "released"
    HELD = "held"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Permit:
    """The letter may go, under this grant."""

    grant: Grant


@dataclass(frozen=True)
class Refusal:
    """The letter may not go. `labels` are those not covered; `version` is the one to seal again under.

    `unheard`: for want of a fact that the directory may have told by now, and not because of one that it has told.
    """

    reason: Reason
    labels: frozenset[str] = frozenset()
    version: int | None = None
    unheard: bool = field(default=False, compare=False)
