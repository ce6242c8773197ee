"""Consents, their versions and directions.

Owns what is stored of them and under which constraints. Refuses to decide: the rules do, on values that `records.py`
makes of these rows.
"""

from __future__ import annotations

from datetime import date, datetime
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
    String,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.chassis.feed import Number
from services.chassis.tables import UtcDateTime

from .base import Base, only


class PatientRow(Base):
    """One patient token.

    Whoever changes what may be disclosed of a patient locks this row first: a restriction and an activation have one
    order by it.
    """

    __tablename__ = "patient"

    token: Mapped[str] = mapped_column(String(40), primary_key=True)


class ConsentRow(Base):
    """One consent, or the record of an emergency: then `letter` is the one letter that it is about.

    The patient token and the two parties, the same in all its versions. Whoever changes a version locks this row.
    """

    __tablename__ = "consent"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    patient: Mapped[str] = mapped_column(ForeignKey("patient.token"))
    letter: Mapped[UUID | None] = mapped_column(Uuid)
    discloser_kind: Mapped[str] = mapped_column(String(16))
    discloser_id: Mapped[UUID] = mapped_column(Uuid)
    recipient_kind: Mapped[str] = mapped_column(String(16))
    recipient_id: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[UUID | None] = mapped_column(Uuid)
    revoked_as: Mapped[str | None] = mapped_column(String(16))
    versions: Mapped[list[VersionRow]] = relationship(order_by="VersionRow.number", lazy="selectin")

    __table_args__ = (
        Index("ix_consent_discloser", "discloser_id", "created_at", "id"),
        Index("ix_consent_recipient", "recipient_id", "created_at", "id"),
        Index("ix_consent_patient", "patient", "created_at", "id"),
    )


class VersionRow(Base):
    """One version of a consent. `feed_epoch` and `feed_seq` name the last change of it that messaging follows.

    `law` is the table of elements by which it was judged when its grants were last told; `reminded` the days before its
    end of the last reminder that was sent.
    """

    __tablename__ = "consent_version"

    consent: Mapped[UUID] = mapped_column(ForeignKey("consent.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    status: Mapped[str] = mapped_column(String(16))
    type: Mapped[str] = mapped_column(String(32))
    mutual: Mapped[bool]
    purposes: Mapped[list[str]] = mapped_column(JSON)
    information: Mapped[list[str]] = mapped_column(JSON)
    sensitivity: Mapped[list[str]] = mapped_column(JSON)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)
    valid_until: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_on: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    evidence_upload: Mapped[UUID | None] = mapped_column(Uuid)
    evidence_sha256: Mapped[str | None] = mapped_column(String(64))
    evidence_size: Mapped[int | None] = mapped_column(Integer)
    evidence_signed_on: Mapped[date | None] = mapped_column(Date)
    evidence_method: Mapped[str | None] = mapped_column(String(16))
    evidence_form: Mapped[str | None] = mapped_column(String(16))
    evidence_language: Mapped[str | None] = mapped_column(String(16))
    evidence_statements: Mapped[list[str] | None] = mapped_column(JSON)
    evidence_signer: Mapped[str | None] = mapped_column(String(16))
    evidence_authority: Mapped[str | None] = mapped_column(String(32))
    evidence_witness: Mapped[UUID | None] = mapped_column(Uuid)
    evidence_copy_given: Mapped[bool | None]
    evidence_by: Mapped[UUID | None] = mapped_column(Uuid)
    activated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    activated_by: Mapped[UUID | None] = mapped_column(Uuid)
    superseded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[UUID | None] = mapped_column(Uuid)
    law: Mapped[str | None] = mapped_column(String(16))
    reminded: Mapped[int | None] = mapped_column(Integer)
    feed_epoch: Mapped[UUID | None] = mapped_column(Uuid)
    feed_seq: Mapped[int | None] = mapped_column(BigInteger)
    directions: Mapped[list[DirectionRow]] = relationship(order_by="DirectionRow.place", lazy="selectin")

    __table_args__ = (
        CheckConstraint("status IN ('draft', 'active', 'revoked', 'superseded')", name="status"),
        CheckConstraint("valid_until > valid_from", name="window"),
        # At most one of each: the lock on the consent sees to it, and this sees to the lock.
        Index("uq_consent_version_draft", "consent", unique=True, **only("status = 'draft'")),
        Index("uq_consent_version_active", "consent", unique=True, **only("status = 'active'")),
        # For reminders and for judging anew: what is in force, by when it ends.
        Index("ix_consent_version_ends", "valid_until", **only("status = 'active'")),
    )

    @property
    def told(self) -> Number | None:
        """The last change of it that messaging follows; None when there was none."""
        return Number.known(self.feed_epoch, self.feed_seq)


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
