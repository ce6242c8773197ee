"""What messaging follows of teams and of delegations: each change, and what a snapshot lists.

Owns the rows that `claims.py` reads. Refuses to forget, as `projections.py` does: a delegation once revoked stays
revoked, and no snapshot makes a member of somebody who was removed.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.event import Event

from .claims import terms_text
from .models import KnownDelegation, KnownMember
from .rules import Status


def team_member_added(session: Session, event: Event) -> None:
    """A practitioner is a member of a team, maybe again."""
    row = _member(session, event.data)
    row.organization, row.status = UUID(event.data["organization"]), Status.ACTIVE.value


def team_member_removed(session: Session, event: Event) -> None:
    """A practitioner is handed out nothing more as a member of a team."""
    _member(session, event.data).status = Status.REVOKED.value


def delegation_given(session: Session, event: Event) -> None:
    """A practitioner lets another send in their name."""
    put_delegation(session, event.data | {"status": Status.ACTIVE.value})


def delegation_revoked(session: Session, event: Event) -> None:
    """A delegation lets nobody do anything any more."""
    _delegation(session, UUID(event.data["delegation"])).status = Status.REVOKED.value


def put_member(session: Session, fact: dict[str, Any]) -> None:
    """A member as a snapshot tells. A removal that was applied stays until an event adds the member again: a directory
    that was restored may have forgotten it, and whoever was removed opens nothing meanwhile.
    """
    row = _member(session, fact)
    if row.status != Status.REVOKED.value:
        row.organization, row.status = UUID(fact["organization"]), Status.ACTIVE.value


def _member(session: Session, fact: dict[str, Any]) -> KnownMember:
    team, practitioner = UUID(fact["team"]), UUID(fact["practitioner"])
    row = session.get(KnownMember, (team, practitioner), with_for_update=True, populate_existing=True)
    if row is None:
        row = KnownMember(team=team, practitioner=practitioner, status=Status.UNKNOWN.value)
        session.add(row)
    return row


def put_delegation(session: Session, fact: dict[str, Any]) -> None:
    """A delegation as its giving or a snapshot tells: one that was revoked stays so."""
    row = _delegation(session, UUID(fact["delegation"]))
    if row.status != Status.REVOKED.value:
        row.status = Status(fact["status"]).value
    row.delegator, row.delegate, row.terms = UUID(fact["delegator"]), UUID(fact["delegate"]), terms_text(fact)


def _delegation(session: Session, delegation: UUID) -> KnownDelegation:
    row = session.get(KnownDelegation, delegation, with_for_update=True, populate_existing=True)
    if row is None:
        row = KnownDelegation(delegation=delegation, status=Status.UNKNOWN.value)
        session.add(row)
    return row
