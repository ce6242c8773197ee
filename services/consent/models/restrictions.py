"""Restrictions that a provider agreed to, or did not, and coordination that a patient declined.

Owns their rows. Refuses to delete one: what a patient asked for stays on record (45 CFR 164.522(a)(3), 164.530(j)).
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, Date, ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.feed import Number
from services.chassis.tables import UtcDateTime

from .base import Base


class RestrictionRow(Base):
    """What a patient asked one provider to withhold; without a recipient from anybody, without a label everything.

    `feed_epoch` and `feed_seq` name the last change that told messaging of it; none when no consent was in force.
    """

    __tablename__ = "restriction"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient: Mapped[str] = mapped_column(ForeignKey("patient.token"))
    status: Mapped[str] = mapped_column(String(24))
    discloser_kind: Mapped[str] = mapped_column(String(16))
    discloser_id: Mapped[UUID] = mapped_column(Uuid)
    recipient_kind: Mapped[str | None] = mapped_column(String(16))
    recipient_id: Mapped[UUID | None] = mapped_column(Uuid)
    information: Mapped[list[str]] = mapped_column(JSON)
    sensitivity: Mapped[list[str]] = mapped_column(JSON)
    requested_on: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[UUID | None] = mapped_column(Uuid)
    ended_how: Mapped[str | None] = mapped_column(String(24))
    feed_epoch: Mapped[UUID | None] = mapped_column(Uuid)
    feed_seq: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        CheckConstraint("status IN ('agreed', 'declined-by-provider', 'ended')", name="status"),
        CheckConstraint("(recipient_kind IS NULL) = (recipient_id IS NULL)", name="recipient"),
        Index("ix_restriction_patient", "patient", "created_at", "id"),
    )

    @property
    def told(self) -> Number | None:
        """The last change of it that messaging follows; None when there was none."""
        return Number.known(self.feed_epoch, self.feed_seq)


class DeclinedRow(Base):
    """A patient declined coordination, with one party or, without one, with anybody; `organization` recorded it."""

    __tablename__ = "declined"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient: Mapped[str] = mapped_column(ForeignKey("patient.token"))
    organization: Mapped[UUID] = mapped_column(Uuid)
    party_kind: Mapped[str | None] = mapped_column(String(16))
    party_id: Mapped[UUID | None] = mapped_column(Uuid)
    declined_on: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_by: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (
        CheckConstraint("(party_kind IS NULL) = (party_id IS NULL)", name="party"),
        Index("ix_declined_patient", "patient", "organization", "created_at", "id"),
    )
