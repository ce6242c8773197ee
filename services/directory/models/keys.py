"""Key histories and the devices they name.

Owns the exact bytes that owners signed. Refuses changes to the past: key entries are only ever added, which the
database itself enforces.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import DDL, ForeignKey, Integer, LargeBinary, String, Uuid, event
from sqlalchemy import BigInteger as Big
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.chassis.tables import UtcDateTime

from ..rules.people import DeviceStatus
from .base import Base, one_of
from .people import Practitioner


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
    last_signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    practitioner: Mapped[Practitioner] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (one_of("status", DeviceStatus),)


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
