"""The directory's tables.

Owns what is stored and under which constraints. Refuses changes to the past: key entries are only ever added, which the
database itself enforces.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import DDL, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, Text, Uuid, event
from sqlalchemy import BigInteger as Big
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from services.chassis.db import naming
from services.chassis.tables import EnforcementPointRow, FeedEventRow, FeedRow, OutboxRow, UtcDateTime

from .rules.people import DeviceStatus, Role, Status


def _one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Base(DeclarativeBase):
    """The directory's tables."""

    metadata = naming()


class Outbox(OutboxRow, Base):
    """Events that wait for the broker."""


class Feed(FeedRow, Base):
    """The number of the last change that messaging must follow."""


class FeedEvent(FeedEventRow, Base):
    """The numbered changes themselves."""


class EnforcementPoint(EnforcementPointRow, Base):
    """Who follows the feed, and how far each has come."""


class Organization(Base):
    """A practice, a program, a hospital. `folded` is the name as it is compared: up to three times as long."""

    __tablename__ = "organization"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    folded: Mapped[str] = mapped_column(String(600))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_organization_folded", "folded", "id"),)


class Practitioner(Base):
    """An account. `standing_epoch` and `standing_seq` name the feed's last change of `status`."""

    __tablename__ = "practitioner"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(200))
    folded: Mapped[str] = mapped_column(String(600))
    npi: Mapped[str | None] = mapped_column(String(10), index=True)
    taxonomy: Mapped[str | None] = mapped_column(String(10))
    status: Mapped[str] = mapped_column(String(16))
    standing_epoch: Mapped[UUID | None] = mapped_column(Uuid)
    standing_seq: Mapped[int | None] = mapped_column(Big)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    organization: Mapped[Organization] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (
        _one_of("status", Status),
        _one_of("role", Role),
        Index("uq_practitioner_npi", "organization_id", "npi", unique=True),
        Index("ix_practitioner_folded", "folded", "id"),
    )


class Invitation(Base):
    """The latest invitation of an account that is not enrolled yet, or the one it enrolled with."""

    __tablename__ = "invitation"

    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    secret_sha256: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class KeyEntryRow(Base):
    """One signed entry of an account's key history: the exact bytes."""

    __tablename__ = "key_entry"

    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Device(Base):
    """A device that was ever in a key history. `thumbprint` (RFC 7638) is that of its authentication key.

    `standing_epoch` and `standing_seq` name the feed's last change of `status`.
    """

    __tablename__ = "device"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("practitioner.id"), index=True)
    authentication: Mapped[str] = mapped_column(String(43))
    thumbprint: Mapped[str] = mapped_column(String(43), unique=True)
    status: Mapped[str] = mapped_column(String(16))
    standing_epoch: Mapped[UUID | None] = mapped_column(Uuid)
    standing_seq: Mapped[int | None] = mapped_column(Big)
    practitioner: Mapped[Practitioner] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (_one_of("status", DeviceStatus),)


class UsedAssertion(Base):
    """The id of an assertion that signed a device in, until it expires."""

    __tablename__ = "used_assertion"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    jti: Mapped[str] = mapped_column(String(128), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class TokenKey(Base):
    """A key that signs access tokens: the private JWK (RFC 8037), which only the directory's database holds."""

    __tablename__ = "token_key"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    jwk: Mapped[str] = mapped_column(Text)
    signs_from: Mapped[datetime] = mapped_column(UtcDateTime)


# The past is closed on both databases, also to a hand at the console that means well.
APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER key_entry_no_{verb} BEFORE {verb.upper()} ON key_entry "
        "BEGIN SELECT RAISE(ABORT, 'key entries are never changed'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION key_entry_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'key entries are never changed'; END $$",
        "CREATE TRIGGER key_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON key_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION key_entry_append_only()",
    ],
}
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(KeyEntryRow.__table__, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
