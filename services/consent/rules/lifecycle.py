"""How the versions of a consent live: draft, then active, then revoked, expired, deficient or superseded.

Owns the table of what each deed makes of each status. Refuses a way out of revoked: a patient who allows again signs
a new consent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from .elements import missing_elements
from .terms import Direction, Text
from .window import has_ended


class Status(StrEnum):
    """Where a version stands.

    `expired` and `deficient` are never stored: they are what an active one is called once its window or its event has
    come to an end, or once it lacks what the law's present table asks for (42 CFR 2.31(c)).
    """

    DRAFT = "draft"
    ACTIVE = "active"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    DEFICIENT = "deficient"


STORED = (Status.DRAFT, Status.ACTIVE, Status.REVOKED, Status.SUPERSEDED)


class Deed(StrEnum):
    """What someone does to a consent or a version of it."""

    READ = "read"
    DRAFT = "draft"
    ATTACH = "attach"
    ACCEPT = "accept"
    ACTIVATE = "activate"
    SUPERSEDE = "supersede"
    REVOKE = "revoke"
    EXPIRE = "expire"
    EXPLAIN = "explain"
    ACCOUNT = "account"
    ISSUE_CODE = "issue-code"


# What is not in the table is refused. A deed that leaves the status as it is may be repeated: it answers the same
# again.
TRANSITIONS: Mapping[tuple[Status, Deed], Status] = {
    (Status.DRAFT, Deed.ATTACH): Status.DRAFT,
    (Status.DRAFT, Deed.ACCEPT): Status.DRAFT,
    (Status.DRAFT, Deed.ACTIVATE): Status.ACTIVE,
    (Status.DRAFT, Deed.REVOKE): Status.REVOKED,
    (Status.ACTIVE, Deed.ACCEPT): Status.ACTIVE,
    (Status.ACTIVE, Deed.ACTIVATE): Status.ACTIVE,
    (Status.ACTIVE, Deed.SUPERSEDE): Status.SUPERSEDED,
    (Status.ACTIVE, Deed.REVOKE): Status.REVOKED,
    (Status.ACTIVE, Deed.EXPIRE): Status.EXPIRED,
    (Status.DEFICIENT, Deed.SUPERSEDE): Status.SUPERSEDED,
    (Status.DEFICIENT, Deed.REVOKE): Status.REVOKED,
    (Status.DEFICIENT, Deed.EXPIRE): Status.EXPIRED,
    (Status.EXPIRED, Deed.EXPIRE): Status.EXPIRED,
    (Status.EXPIRED, Deed.SUPERSEDE): Status.SUPERSEDED,
    (Status.EXPIRED, Deed.REVOKE): Status.REVOKED,
    (Status.SUPERSEDED, Deed.REVOKE): Status.SUPERSEDED,
    (Status.REVOKED, Deed.REVOKE): Status.REVOKED,
}


class LifecycleError(ValueError):
    """A version in this status does not allow this deed."""

    def __init__(self, status: Status, deed: Deed) -> None:
        super().__init__(f"a version that is {status} does not allow: {deed}")
        self.status = status
        self.deed = deed


def shown(status: Status, text: Text, now: datetime) -> Status:
    """The status as a reader sees it: an active version that came to its end is expired, one that lacks something is
    deficient.
    """
    if status is not Status.ACTIVE:
        return status
    if text.ended_at is not None or has_ended(text.terms, now):
        return Status.EXPIRED
    return Status.DEFICIENT if missing_elements(text) else Status.ACTIVE


def after(status: Status, deed: Deed) -> Status:
    """What `deed` makes of `status`. Raises `LifecycleError`."""
    try:
        return TRANSITIONS[status, deed]
    except KeyError:
        raise LifecycleError(status, deed) from None


def is_settled(directions: tuple[Direction, ...]) -> bool:
    """Whether someone has accepted already: from then on the evidence may not change under the acceptance."""
    return any(direction.acceptance is not None for direction in directions)
