"""Organizations, accounts and invitations.

Owns who there is. Refuses keys: those are in `keys.py`.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger as Big
from sqlalchemy import ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.chassis.tables import UtcDateTime

from ..rules.people import Role, Status
from .base import Base, one_of


class Organization(Base):
    """A practice, a program, a hospital. `folded` is the name as it is compared: up to three times as long."""

    __tablename__ = "organization"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    folded: Mapped[str] = mapped_column(String(600))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_organization_folded", "folded", "id"),)


class Practitioner(Base):
    """An account. `standing_epoch` and `standing_seq` name the feed's last change of `status`.

    `skeleton` is what the name looks like; None where a process of an earlier version wrote it.
    """

    __tablename__ = "practitioner"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(200))
    folded: Mapped[str] = mapped_column(String(600))
    skeleton: Mapped[str | None] = mapped_column(String(600))
    npi: Mapped[str | None] = mapped_column(String(10), index=True)
    taxonomy: Mapped[str | None] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(16))
    standing_epoch: Mapped[UUID | None] = mapped_column(Uuid)
    standing_seq: Mapped[int | None] = mapped_column(Big)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    organization: Mapped[Organization] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (
        one_of("status", Status),
        one_of("role", Role),
        Index("uq_practitioner_npi", "organization_id", "npi", unique=True),
        Index("ix_practitioner_folded", "folded", "id"),
        Index("ix_practitioner_skeleton", "skeleton"),
    )


class Invitation(Base):
    """The latest invitation of an account that is not enrolled yet, or the one it enrolled with."""

    __tablename__ = "invitation"

    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    secret_sha256: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
