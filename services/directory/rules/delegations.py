"""Whether a delegation may be recorded now, and who may end it.

Owns the words of its standing. Refuses the line's own bounds: those are of `concord_formats.delegations`, the same that
every client and the gate apply.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from concord_formats.delegations import LONGEST_DELEGATION, Delegation

from .people import Member, administers

# The device dates its word, and a reader looks up who was in force then. Clocks differ by less.
SKEW = timedelta(minutes=10)
# What one person has given and what still holds; nobody has that many colleagues who write for them.
MOST_GIVEN = 50


class DelegationStatus(StrEnum):
    """Where a delegation stands. One that has run out is still active, and allows nothing."""

    ACTIVE = "active"
    REVOKED = "revoked"


def why_not(said: Delegation, delegator: UUID, device: UUID, now: datetime) -> str | None:
    """Why this word of `delegator`, sent from `device`, is not recorded at `now`; None: it is."""
    if (said.delegator, said.device) != (delegator, device):
        return "delegator and device must be those that send it"
    if abs(said.at - now) > SKEW:
        return "it is dated at another time; check the clock of this machine"
    if said.valid_until <= now:
        return "it has run out"
    if said.valid_from > now + LONGEST_DELEGATION:
        return "it begins in more than a year"
    return None


def may_revoke(caller: Member, delegator: UUID, delegate: UUID, organization: UUID) -> bool:
    """Either side ends a delegation, or an administrator of the organization."""
    return caller.id in (delegator, delegate) or administers(caller, organization)
