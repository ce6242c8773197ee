"""Messaging's tables.

Owns their shape: letters and deliveries, what is staged or held, what is followed of the other services. Refuses
behaviour. A letter has one delivery a recipient, ever, by its primary key.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, Text, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.chassis.db import naming
from services.chassis.tables import Counter, FeedPositionRow, OutboxRow, UtcDateTime

_KEPT = text("deleted_at IS NULL")
_FOR = text("on_behalf_of IS NOT NULL")
_TEAM = text("team_place IS NOT NULL")


class Base(DeclarativeBase):
    """Messaging's tables."""

    metadata = naming()


class Outbox(OutboxRow, Base):
    """Events that wait for the broker."""


class FeedPosition(FeedPositionRow, Base):
    """How far each followed feed has been applied."""


class EnforcementPoint(Base):
    """This database's own id, by which the authorities know it: one row."""

    __tablename__ = "enforcement_point"

    single: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(Uuid)

    __table_args__ = (CheckConstraint("single = 1", name="single"),)


class KnownConsent(Base):
    """A consent as followed.

    `parties` and `grants` are JSON texts: they are read whole, by one reader, and never searched.
    """

    __tablename__ = "known_consent"

    consent: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    status: Mapped[str] = mapped_column(String(16))
    patient: Mapped[str] = mapped_column(String(40))
    parties: Mapped[str] = mapped_column(Text)
    grants: Mapped[str] = mapped_column(Text)


class KnownPractitioner(Base):
    """A practitioner as followed."""

    __tablename__ = "known_practitioner"

    practitioner: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organization: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(String(16))


class KnownDevice(Base):
    """A device as followed."""

    __tablename__ = "known_device"

    device: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    practitioner: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(String(16))


class KnownMember(Base):
    """A member of a team as followed, and the organization whose team it is."""

    __tablename__ = "known_member"

    team: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    practitioner: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    organization: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(String(16))


class KnownDelegation(Base):
    """A delegation as followed. `terms` is a JSON text, read whole; there is none of one that was revoked unheard."""

    __tablename__ = "known_delegation"

    delegation: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    delegator: Mapped[UUID | None] = mapped_column(Uuid)
    delegate: Mapped[UUID | None] = mapped_column(Uuid)
    terms: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))


class LetterRow(Base):
    """One accepted letter: the exact bytes of its address, and what was read from them that a query needs.

    `digest` is the SHA-256 of the whole body as it came (address, line feed, age file), `size` its length in bytes.
    `upload` names its chunks, which hold the age file alone; after `deleted_at` there are none. `team_place` is its
    number in the inbox of its team, given at the release.
    """

    __tablename__ = "letter"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    sender: Mapped[UUID] = mapped_column(Uuid)
    address: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    upload: Mapped[UUID] = mapped_column(Uuid)
    thread: Mapped[UUID] = mapped_column(Uuid)
    accepted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    on_behalf_of: Mapped[UUID | None] = mapped_column(Uuid)
    team: Mapped[UUID | None] = mapped_column(Uuid)
    team_place: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        Index("ix_letter_sent", "sender", "accepted_at", "id"),
        Index("ix_letter_kept", "accepted_at", postgresql_where=_KEPT, sqlite_where=_KEPT),
        Index("ix_letter_for", "on_behalf_of", "accepted_at", "id", postgresql_where=_FOR, sqlite_where=_FOR),
        Index("ix_letter_team", "team", "team_place", postgresql_where=_TEAM, sqlite_where=_TEAM),
    )


class ChunkRow(Base):
    """At most 1 MiB of an age file.

    A letter's own chunk is made with it; a large one's are staged before, under an upload.
    """

    __tablename__ = "letter_chunk"

    upload: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class UploadRow(Base):
    """A large body on its way in.

    The transaction that accepts the letter takes this row away; the sweeper takes it with its chunks.
    """

    __tablename__ = "upload"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class DeliveryRow(Base):
    """One letter to one recipient.

    `place` is its number in the recipient's mailbox, given at the release and not before.
    """

    __tablename__ = "delivery"

    letter: Mapped[UUID] = mapped_column(ForeignKey("letter.id"), primary_key=True)
    recipient: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(32))
    place: Mapped[int | None] = mapped_column(BigInteger)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fetched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    receipt: Mapped[bytes | None] = mapped_column(LargeBinary)
    receipt_signature: Mapped[bytes | None] = mapped_column(LargeBinary)

    __table_args__ = (
        CheckConstraint("state IN ('released', 'held', 'refused', 'expired')", name="state"),
        CheckConstraint("(state = 'released') = (place IS NOT NULL)", name="released"),
        Index("uq_delivery_place", "recipient", "place", unique=True),
    )


class MailboxRow(Base):
    """The number of the last letter released to a recipient, or to a team: gap-free, and taken in the order of the
    commits.
    """

    __tablename__ = "mailbox"

    recipient: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class PatientAccount(Base):
    """The number of the last line of a patient's account: gap-free, and taken in the order of the commits."""

    __tablename__ = "patient_account"

    patient: Mapped[str] = mapped_column(String(40), primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class DisclosureRow(Base):
    """One line of a patient's account: the exact bytes of the event that told it. Never changed, never deleted."""

    __tablename__ = "disclosure"

    patient: Mapped[str] = mapped_column(String(40), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class HeldRow(Base):
    """A letter that waits for the gate to open; `n` is its turn."""

    __tablename__ = "held"

    n: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    letter: Mapped[UUID] = mapped_column(ForeignKey("letter.id"), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RefusalRow(Base):
    """A letter that the gate refused, at the send (then nothing else of it is kept) or at a hand-out."""

    __tablename__ = "refusal"

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    letter: Mapped[UUID] = mapped_column(Uuid)
    sender: Mapped[UUID] = mapped_column(Uuid)
    recipient: Mapped[UUID] = mapped_column(Uuid)
    consent: Mapped[UUID] = mapped_column(Uuid)
    reason: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Of the bytes that were sent; none of a hand-out.
    digest: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (Index("ix_refusal_letter", "letter", "recipient"),)
