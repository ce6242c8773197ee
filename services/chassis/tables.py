"""The tables that every service has for its outbox, its inbox, its feed, the feeds it follows, and a log it keeps.

Owns their columns, as mixins: each service makes its own tables of them on its own `Base`. Refuses anything of the
domain.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

# SQLite counts up only what it calls INTEGER.
Counter = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its zone: stored in UTC on both databases, refused when the zone is missing."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC. Raises ValueError for a moment without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From UTC: SQLite keeps no zone."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class OutboxRow:
    """An event, encoded, that waits for the broker.

    `traceparent` (W3C Trace Context) is of the request that recorded it, when that was traced.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(Counter, primary_key=True, autoincrement=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    traceparent: Mapped[str | None] = mapped_column(String(64))


class InboxRow:
    """The id of an event that was handled, so that its repetition changes nothing."""

    __tablename__ = "inbox"

    event_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    handled_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class FeedRow:
    """The one row of an authority's feed: its epoch, and the number of its last change.

    `restored` says that this epoch began with a restored database, which may have forgotten who holds leases.
    `incarnation` tells that database from what a restore or a fail-over makes of it (`incarnation.py`).
    """

    __tablename__ = "feed"

    single: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    epoch: Mapped[UUID] = mapped_column(Uuid)
    seq: Mapped[int] = mapped_column(BigInteger)
    restored: Mapped[bool] = mapped_column(Boolean)
    incarnation: Mapped[str | None] = mapped_column(String(80))


class FeedEventRow:
    """One numbered change. `effective_at` is set once it is known to hold at every enforcement point."""

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Index, ...]:  # noqa: N805 - SQLAlchemy hands it the class
        """What is pending is asked for all the time, among a history that only grows."""
        still = text("effective_at IS NULL")
        return (Index("ix_feed_event_pending", "seq", postgresql_where=still, sqlite_where=still),)

    __tablename__ = "feed_event"

    epoch: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    committed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    effective_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class GuessesRow:
    """How many guesses came from one source since `since`; of the source there is a digest (`guesses.py`)."""

    source_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    count: Mapped[int] = mapped_column(Integer)


class EnforcementPointRow:
    """One messaging database that follows the feed.

    `epoch` and `applied` are its last report. `first_granted` is the number carried by the first lease it was granted
    in that epoch: changes up to there it could never have acted against.
    """

    __tablename__ = "enforcement_point"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    epoch: Mapped[UUID] = mapped_column(Uuid)
    applied: Mapped[int] = mapped_column(BigInteger)
    first_granted: Mapped[int] = mapped_column(BigInteger)
    time_bounded: Mapped[bool] = mapped_column(Boolean)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FeedPositionRow:
    """How far a followed feed has been applied to this database."""

    __tablename__ = "feed_position"

    feed: Mapped[str] = mapped_column(String(32), primary_key=True)
    epoch: Mapped[UUID | None] = mapped_column(Uuid)
    applied: Mapped[int] = mapped_column(BigInteger)


class LogRow:
    """The one row of a Merkle log: how many leaves it has, and the hashes of its largest complete subtrees, one after
    the other. Whoever appends locks it.
    """

    @declared_attr.directive
    def __table_args__(cls) -> tuple[CheckConstraint, ...]:  # noqa: N805 - SQLAlchemy hands it the class
        """One row, ever: a second one would be a second log."""
        return (CheckConstraint("single = 1", name="single"),)

    __tablename__: str

    single: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger)
    peaks: Mapped[bytes] = mapped_column(LargeBinary)


class LogLeafRow:
    """One leaf of a Merkle log: `data` is what is hashed."""

    __tablename__: str

    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class LogNodeRow:
    """One complete subtree of a Merkle log, of 2^level leaves; level 0 are the leaves themselves."""

    __tablename__: str

    level: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    place: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class LogCheckpointRow:
    """A checkpoint that was given out. What it says is never changed: whoever has it holds us to it."""

    __tablename__: str

    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    note: Mapped[str] = mapped_column(Text)
