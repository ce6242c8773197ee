"""When somebody may be away, and who may say so.

Owns the bounds. Refuses to say who could cover: that is in the tables.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from .people import Member, administers

# Longer is no absence: the account is to be suspended, or somebody named anew.
LONGEST = timedelta(days=366)


class Wrong(NamedTuple):
    """Which member of an absence is wrong, and how to mend it."""

    field: str
    mend: str


def why_not(starts_at: datetime, ends_at: datetime, now: datetime) -> Wrong | None:
    """What speaks against an absence from `starts_at` until before `ends_at` (aware), said at `now`; None: nothing."""
    if ends_at <= starts_at:
        return Wrong("ends_at", "must be later than starts_at")
    if ends_at <= now:
        return Wrong("ends_at", "must lie in the future")
    if ends_at - starts_at > LONGEST:
        return Wrong("ends_at", f"must be at most {LONGEST.days} days after starts_at")
    if starts_at > now + LONGEST:
        return Wrong("starts_at", f"must be within {LONGEST.days} days")
    return None


def may_say(caller: Member, practitioner: UUID, organization: UUID) -> bool:
    """Who is away says so themselves, or an administrator of their organization does."""
    return caller.id == practitioner or administers(caller, organization)
