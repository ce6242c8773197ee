"""A recovery case: who may do what in it, in which state, and when its delay is over.

Owns the states, the form of its code, and the count of the delay. Refuses to trust one reading of a clock: time is
counted as it passes, in steps that are each worth a few minutes at most.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from concord_formats.signatures import to_base64url

from .people import Member, administers

PREFIX = "concord-recovery:"
SECRET_BYTES = 32
# Two administrators have to meet the person within this: as long as an invitation is good.
OPEN_FOR = timedelta(days=7)
# How long a case whose delay is over may lie about. A fortnight's absence, and no key that waits for a year.
COMPLETE_WITHIN = timedelta(days=14)
# The attestor's device dates its word; a reader looks up who was in force then. Clocks differ by less.
SKEW = timedelta(minutes=10)
# The worker counts each minute. After a pause, or a clock that was set forward by years, this much counts and no more.
MOST_AT_ONCE = timedelta(minutes=10)
ATTESTORS = 2


class State(StrEnum):
    """Where a case stands."""

    OPENED = "opened"
    ENTERED = "entered"  # new keys wait
    ANNOUNCED = "announced"  # attested twice and logged; the delay runs
    REFUSED = "refused"
    COMPLETED = "completed"
    EXPIRED = "expired"


LIVE = (State.OPENED, State.ENTERED, State.ANNOUNCED)
# What is shown of a case with one attestation of two; it follows from the attestations and is not stored.
ATTESTED = "attested"


class Ending(StrEnum):
    """Why a case was refused."""

    OBJECTED = "objected"  # by the owner or an administrator
    OVERTAKEN = "overtaken"  # the account's history has another entry in the place of the one that waited


def code(base_url: str, case: UUID, practitioner: UUID, secret: str) -> str:
    """The line that the person gives to their client."""
    members = {"base_url": base_url, "case": str(case), "practitioner": str(practitioner), "secret": secret}
    return PREFIX + to_base64url(json.dumps(members, separators=(",", ":")).encode("utf-8"))


def may_vouch(caller: Member, account: UUID, organization: UUID) -> bool:
    """Whether the caller may open a case of an account and attest in it: never for themselves."""
    return administers(caller, organization) and caller.id != account


def may_refuse(caller: Member, account: UUID, organization: UUID) -> bool:
    """Whether the caller may stop a case, and see it: its owner, or an administrator of the organization."""
    return caller.id == account or administers(caller, organization)


def shown(state: State, attestations: int) -> str:
    """The state as it is told."""
    return ATTESTED if state is State.ENTERED and attestations else state.value


def is_over(state: State, expires_at: datetime, now: datetime) -> bool:
    """Whether a live case is too old to go on."""
    return state in LIVE and now >= expires_at


def counted(waited: float, since: datetime, now: datetime, *, in_force: bool) -> tuple[float, datetime]:
    """Seconds of the delay that have passed at `now`, and until when they are counted.

    A clock that was set back counts nothing until it has caught up; one that was set forward counts `MOST_AT_ONCE`.
    While the account is suspended nothing counts: its owner could not sign in to object.
    """
    passed = now - since
    if passed <= timedelta():
        return waited, since
    return waited + (min(passed, MOST_AT_ONCE).total_seconds() if in_force else 0.0), now


def remaining(waited: float, delay: timedelta, effective_from: datetime, now: datetime) -> timedelta:
    """How long the delay still takes: by the count, and by the moment that was announced; none when it is over."""
    return max(delay - timedelta(seconds=waited), effective_from - now, timedelta())
