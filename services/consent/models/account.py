"""The account of disclosures: its lines, and the log that makes an edit or an omission show.

Owns their rows. Refuses a foreign key to a consent: what happened is recorded even when the consent is not known here.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.chassis.tables import Counter, LogCheckpointRow, LogLeafRow, LogNodeRow, LogRow, UtcDateTime

from .base import Base


class DisclosureRow(Base):
    """One line of the account.

    A letter was released, refused, handed out or opened. Never changed; erased only when it need not be kept any more.
    `body` are the exact bytes of the event, `salt` what hides them in the log, `leaf` their place there. A line that
    was told before lines were numbered has none of `n`, `leaf`, `salt` and `body`: it stands outside of the log.
    """

    __tablename__ = "disclosure"

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
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
    patient: Mapped[str | None] = mapped_column(String(40))
    n: Mapped[int | None] = mapped_column(BigInteger)
    basis: Mapped[str | None] = mapped_column(String(16))
    label_reason: Mapped[str | None] = mapped_column(String(32))
    notice: Mapped[bool | None]
    sender_organization: Mapped[UUID | None] = mapped_column(Uuid)
    leaf: Mapped[int | None] = mapped_column(ForeignKey("account_leaf.place"), unique=True)
    salt: Mapped[bytes | None] = mapped_column(LargeBinary)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    # Written first, of the two.
    leaf_row: Mapped[AccountLeafRow | None] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("(n IS NULL) = (leaf IS NULL)", name="numbered"),
        Index("ix_disclosure_consent", "consent", "id"),
        Index("uq_disclosure_patient", "patient", "n", unique=True),
    )


class AccountLeafRow(LogLeafRow, Base):
    """One leaf of the log: `data` is SHA-256 of salt and event. It stays when its line is erased."""

    __tablename__ = "account_leaf"

    patient: Mapped[str] = mapped_column(String(40))
    n: Mapped[int] = mapped_column(BigInteger)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("uq_account_leaf_patient", "patient", "n", unique=True),)


class AccountNodeRow(LogNodeRow, Base):
    """One complete subtree of the log."""

    __tablename__ = "account_node"


class AccountLogRow(LogRow, Base):
    """The log itself."""

    __tablename__ = "account_log"


class AccountCheckpointRow(LogCheckpointRow, Base):
    """A checkpoint of the log."""

    __tablename__ = "account_checkpoint"


class AccountGapRow(Base):
    """A patient of whom a line came before the one in front of it: the missing ones are asked for."""

    __tablename__ = "account_gap"

    patient: Mapped[str] = mapped_column(String(40), primary_key=True)


class AccountAlarmRow(Base):
    """Something that must not be: a person has to look. Each is noted once, and again once it was settled."""

    __tablename__ = "account_alarm"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    subject: Mapped[str] = mapped_column(String(160), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
