"""What moves keys between the devices of an account: pairings, transfers, the sealed backup, and who guessed at it.

Owns their rows. Refuses anything in the clear: what is kept was sealed by a client, and of each secret there is a
digest.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from services.chassis.tables import GuessesRow, UtcDateTime

from .base import Base


class Pairing(Base):
    """A device of an account that waits for another one; `device_id` is the one that opened it.

    `request` comes from the device that joins, `answer` from one that approves it: each once.
    """

    __tablename__ = "pairing"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), index=True)
    verifier: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    request: Mapped[bytes | None] = mapped_column(LargeBinary)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)


class Transfer(Base):
    """What another device of the account left for this one: the last of it, sealed."""

    __tablename__ = "transfer"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    transfer: Mapped[bytes] = mapped_column(LargeBinary)
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Backup(Base):
    """An account's sealed keyring: the last of it. `verifier` is the digest of the credential that fetches it.

    `failed` counts wrong credentials since the owner last acknowledged them; `used_at` is when a right one came. The
    sealed keyring itself is read where it is asked for, within the transaction: else the time that a wrong credential
    takes would tell whether there is one, and each would cost four megabytes.
    """

    __tablename__ = "backup"

    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    backup: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    verifier: Mapped[str] = mapped_column(String(64))
    generation: Mapped[int] = mapped_column(BigInteger)
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failed: Mapped[int] = mapped_column(Integer)
    last_failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryGuesses(GuessesRow, Base):
    """Wrong recovery credentials: by the address they came from, and by the account they were for."""

    __tablename__ = "recovery_guesses"
