"""The tables of the consent service.

Owns what is stored and under which constraints. Refuses to decide: the rules do, on values that `records.py` makes of
these rows. No foreign key leads from the account of disclosures to a consent: what happened is recorded even when the
consent is not known here.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Uuid,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from services.chassis.db import naming
from services.chassis.tables import (
    EnforcementPointRow,
    FeedEventRow,
    FeedRow,
    InboxRow,
    OutboxRow,
    UtcDateTime,
)


def _only(status: str) -> dict[str, Any]:
    """The condition of a partial index, in the dialect of each database."""
    condition = text(f"status = '{status}'")
    return {"postgresql_where": condition, "sqlite_where": condition}


class Base(DeclarativeBase):
    """The consent service's tables."""

    metadata = naming()


class Outbox(OutboxRow, Base):
    """Events that wait for the broker."""


class Inbox(InboxRow, Base):
    """Ids of the events that were handled."""


class Feed(FeedRow, Base):
    """The number of the last change that messaging must follow."""


class FeedEvent(FeedEventRow, Base):
    """The numbered changes themselves."""


class EnforcementPoint(EnforcementPointRow, Base):
    """Who follows the feed, and how far each has come."""


class ConsentRow(Base):
    """One consent.

    The patient token and the two parties, the same in all its versions. Whoever changes a version locks this row.
    """

    __tablename__ = "consent"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient: Mapped[str] = mapped_column(String(40))
    discloser_kind: Mapped[str] = mapped_column(String(16))
    discloser_id: Mapped[UUID] = mapped_column(Uuid)
    recipient_kind: Mapped[str] = mapped_column(String(16))
    recipient_id: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[UUID | None] = mapped_column(Uuid)
    versions: Mapped[list[VersionRow]] = relationship(order_by="VersionRow.number", lazy="selectin")

    __table_args__ = (
        Index("ix_consent_discloser", "discloser_id", "created_at", "id"),
        Index("ix_consent_recipient", "recipient_id", "created_at", "id"),
    )


class VersionRow(Base):
    """One version of a consent. `feed_epoch` and `feed_seq` name the last change of it that messaging follows."""

    __tablename__ = "consent_version"

    consent: Mapped[UUID] = mapped_column(ForeignKey("consent.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    status: Mapped[str] = mapped_column(String(16))
    mutual: Mapped[bool]
    purposes: Mapped[list[str]] = mapped_column(JSON)
    information: Mapped[list[str]] = mapped_column(JSON)
    sensitivity: Mapped[list[str]] = mapped_column(JSON)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    evidence_upload: Mapped[UUID | None] = mapped_column(Uuid)
    evidence_sha256: Mapped[str | None] = mapped_column(String(64))
    evidence_size: Mapped[int | None] = mapped_column(Integer)
    evidence_signed_on: Mapped[date | None] = mapped_column(Date)
    evidence_method: Mapped[str | None] = mapped_column(String(16))
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    activated_by: Mapped[UUID | None] = mapped_column(Uuid)
    superseded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    feed_epoch: Mapped[UUID | None] = mapped_column(Uuid)
    feed_seq: Mapped[int | None] = mapped_column(BigInteger)
    directions: Mapped[list[DirectionRow]] = relationship(order_by="DirectionRow.place", lazy="selectin")

    __table_args__ = (
        CheckConstraint("status IN ('draft', 'active', 'revoked', 'superseded')", name="status"),
        CheckConstraint("valid_until > valid_from", name="window"),
        # At most one of each: the lock on the consent sees to it, and this sees to the lock.
        Index("uq_consent_version_draft", "consent", unique=True, **_only("draft")),
        Index("uq_consent_version_active", "consent", unique=True, **_only("active")),
    )


class DirectionRow(Base):
    """One way of a version; `place` 0 is from the discloser to the recipient, 1 is back."""

    __tablename__ = "consent_direction"

    consent: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_by: Mapped[UUID | None] = mapped_column(Uuid)
    accepted_sha256: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        ForeignKeyConstraint(["consent", "version"], ["consent_version.consent", "consent_version.number"]),
        CheckConstraint("place IN (0, 1)", name="place"),
    )


class EvidenceUpload(Base):
    """Sealed evidence on its way in, or stored: it counts once a version names it, and is swept when none does."""

    __tablename__ = "evidence_upload"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    consent: Mapped[UUID] = mapped_column(Uuid)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class EvidenceChunk(Base):
    """At most 1 MiB of sealed evidence."""

    __tablename__ = "evidence_chunk"

    upload: Mapped[UUID] = mapped_column(ForeignKey("evidence_upload.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class DisclosureRow(Base):
    """One line of a consent's account.

    A letter was released, refused, handed out or opened. Never changed, never deleted.
    """

    __tablename__ = "disclosure"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    event_id: Mapped[UUID] = mapped_column(Uuid, unique=True)
    event: Mapped[str] = mapped_column(String(16))
    consent: Mapped[UUID] = mapped_column(Uuid)
    consent_version: Mapped[int] = mapped_column(Integer)
    letter: Mapped[UUID] = mapped_column(Uuid)
    sender: Mapped[UUID] = mapped_column(Uuid)
    recipient: Mapped[UUID] = mapped_column(Uuid)
    purpose: Mapped[str] = mapped_column(String(32))
    information: Mapped[list[str]] = mapped_column(JSON)
    sensitivity: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (Index("ix_disclosure_consent", "consent", "id"),)
