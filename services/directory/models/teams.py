"""Departments, teams, delegations and coverage.

Owns their rows. A membership and a delegation that ended keep theirs: whoever ends it again waits for the same change.
Refuses the letters of a team: those are messaging's.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger as Big
from sqlalchemy import ForeignKey, Index, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.chassis.tables import UtcDateTime

from ..rules.delegations import DelegationStatus
from ..rules.people import MAX_SKELETON
from ..rules.teams import MembershipStatus, TeamStatus
from .base import Base, one_of
from .people import Organization, Practitioner


class Department(Base):
    """A part of an organization. `look` is what its name looks like, once in an organization."""

    __tablename__ = "department"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str] = mapped_column(String(200))
    folded: Mapped[str] = mapped_column(String(600))
    look: Mapped[str] = mapped_column(String(MAX_SKELETON))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    organization: Mapped[Organization] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (Index("uq_department_look", "organization_id", "look", unique=True),)


class DepartmentMember(Base):
    """Who works in a department; somebody may work in several."""

    __tablename__ = "department_member"

    department_id: Mapped[UUID] = mapped_column(ForeignKey("department.id"), primary_key=True)
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True, index=True)


class Team(Base):
    """A functional mailbox. `look` is what its name looks like, once among the active ones of an organization.

    `standing_epoch` and `standing_seq` name the feed's number of the last end of one of its memberships.
    """

    __tablename__ = "team"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    folded: Mapped[str] = mapped_column(String(600))
    look: Mapped[str] = mapped_column(String(MAX_SKELETON))
    status: Mapped[str] = mapped_column(String(16))
    standing_epoch: Mapped[UUID | None] = mapped_column(Uuid)
    standing_seq: Mapped[int | None] = mapped_column(Big)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    organization: Mapped[Organization] = relationship(lazy="joined", innerjoin=True)
    department: Mapped[Department | None] = relationship(lazy="joined")

    __table_args__ = (
        one_of("status", TeamStatus),
        Index("ix_team_folded", "folded", "id"),
        Index(
            "uq_team_look",
            "organization_id",
            "look",
            unique=True,
            postgresql_where=text("status = 'active'"),
            sqlite_where=text("status = 'active'"),
        ),
    )


class TeamMember(Base):
    """Somebody's membership of a team, the last one. `since` is when it began.

    `standing_epoch` and `standing_seq` name the feed's number of its end, or of the end of the one before.
    """

    __tablename__ = "team_member"

    team_id: Mapped[UUID] = mapped_column(ForeignKey("team.id"), primary_key=True)
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True, index=True)
    status: Mapped[str] = mapped_column(String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    standing_epoch: Mapped[UUID | None] = mapped_column(Uuid)
    standing_seq: Mapped[int | None] = mapped_column(Big)

    __table_args__ = (one_of("status", MembershipStatus),)


class DelegationRow(Base):
    """One delegation: the exact bytes that the delegator's device signed, and what is looked for of them.

    `organization_id` is the one that delegator and delegate belong to. `standing_epoch` and `standing_seq` name the
    revocation's number in the feed.
    """

    __tablename__ = "delegation"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    delegator_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    delegate_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    line: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    valid_until: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(String(16))
    standing_epoch: Mapped[UUID | None] = mapped_column(Uuid)
    standing_seq: Mapped[int | None] = mapped_column(Big)
    given_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (one_of("status", DelegationStatus),)


class Coverage(Base):
    """Who covers for somebody who is away, from `starts_at` until before `ends_at`: one each."""

    __tablename__ = "coverage"

    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    covering_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    covering: Mapped[Practitioner] = relationship(foreign_keys=[covering_id], lazy="joined", innerjoin=True)
