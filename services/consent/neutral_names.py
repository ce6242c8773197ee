"""What an organization is called on its patients' pages, where its own name tells too much.

Owns the rows. Refuses anybody but the organization's administrators: a program knows best what its name gives away
(42 CFR 2.13(c): acknowledging a patient's presence).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from . import refusals
from .deps import Collaborators
from .models import NeutralNameRow
from .rules.standing import Member

ADMINISTRATOR = "administrator"


def put(with_: Collaborators, member: Member, role: str, organization: UUID, name: str | None) -> None:
    """Set the neutral name of one's own organization, or (None) take it away. Raises problem 403."""
    if role != ADMINISTRATOR or organization != member.organization:
        raise refusals.not_your_organization()
    with with_.database.transaction() as session:
        session.execute(delete(NeutralNameRow).where(NeutralNameRow.organization == organization))
        if name is not None:
            session.add(
                NeutralNameRow(
                    organization=organization, name=name, set_at=with_.clock.now(), set_by=member.practitioner
                )
            )


def of(session: Session, organizations: Collection[UUID]) -> Mapping[UUID, str]:
    """The neutral names that there are."""
    query = select(NeutralNameRow).where(NeutralNameRow.organization.in_(list(organizations)))
    return {row.organization: row.name for row in session.scalars(query)}
