"""Releases in an emergency, and notices to people.

Owns their rows. Refuses the nature of an emergency: that stands in the sealed documentation.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.tables import Counter, UtcDateTime

from .base import Base, only


class EmergencyRow(Base):
    """One release without consent. Its parties, letter and labels stand with the consent row of the same id."""

    __tablename__ = "emergency"

    consent: Mapped[UUID] = mapped_column(ForeignKey("consent.id"), primary_key=True)
    organization: Mapped[UUID] = mapped_column(Uuid)
    declared_by: Mapped[UUID] = mapped_column(Uuid)
    declared_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reviewed_by: Mapped[UUID | None] = mapped_column(Uuid)
    outcome: Mapped[str | None] = mapped_column(String(16))

    __table_args__ = (
        Index("ix_emergency_organization", "organization", "declared_at", "consent"),
        Index("ix_emergency_declared", "declared_by", "declared_at"),
        Index("ix_emergency_waiting", "declared_by", **only("reviewed_at IS NULL")),
    )


class NoticeRow(Base):
    """Something that a party, or those of one role in an organization, should know: one an event and addressee."""

    __tablename__ = "notice"

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(String(32))
    party_kind: Mapped[str] = mapped_column(String(16))
    party_id: Mapped[UUID] = mapped_column(Uuid)
    role: Mapped[str | None] = mapped_column(String(16))
    consent: Mapped[UUID] = mapped_column(Uuid)
    patient: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)

    __table_args__ = (
        Index("uq_notice_addressee", "event_id", "party_kind", "party_id", unique=True),
        Index("ix_notice_party", "party_id", "id"),
    )
