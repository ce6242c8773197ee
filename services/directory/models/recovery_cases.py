"""Recovery cases: an account of which every key is lost, and what two administrators have said of it.

Owns the waiting key entry, the attestations as signed, and the count of the delay. Refuses a second live case of one
account, and the secret itself: its digest is all that is stored.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Float, ForeignKey, Index, Integer, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.chassis.tables import UtcDateTime

from ..rules.recovery_cases import LIVE, Ending, State
from .base import Base, one_of
from .people import Practitioner

_LIVE = text("state IN ({})".format(", ".join(f"'{state}'" for state in LIVE)))


class RecoveryCase(Base):
    """One attempt to give an account new keys.

    `entry` is the key entry that waits, number `entry_n`, of digest `entry_sha256`. `waited_seconds` is how much of the
    delay has been counted, up to `counted_at`: the worker counts, so that a clock that jumps shortens nothing.
    `ended_by` is who refused it; `ending` says why a refused case was refused.
    """

    __tablename__ = "recovery_case"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"))
    secret_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entry: Mapped[bytes | None] = mapped_column(LargeBinary)
    signature: Mapped[bytes | None] = mapped_column(LargeBinary)
    entry_sha256: Mapped[str | None] = mapped_column(String(64))
    entry_n: Mapped[int | None] = mapped_column(Integer)
    effective_from: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waited_seconds: Mapped[float] = mapped_column(Float(53))
    counted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("practitioner.id"))
    ending: Mapped[str | None] = mapped_column(String(16))
    person: Mapped[Practitioner] = relationship(foreign_keys=[practitioner_id], lazy="joined", innerjoin=True)
    attestations: Mapped[list[RecoveryAttestation]] = relationship(
        order_by="RecoveryAttestation.received_at, RecoveryAttestation.attestor_id", cascade="all, delete-orphan"
    )

    __table_args__ = (
        one_of("state", State),
        one_of("ending", Ending),
        Index("uq_recovery_case_live", "practitioner_id", unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE),
    )


class RecoveryAttestation(Base):
    """One administrator's signed word in a case: the exact bytes, their digest, and with which device."""

    __tablename__ = "recovery_attestation"

    case_id: Mapped[UUID] = mapped_column(ForeignKey("recovery_case.id"), primary_key=True)
    attestor_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"))
    line: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
