"""The authority's side of a feed: numbered changes, and leases on them.

Owns the numbers, the epoch and the record of who follows. Refuses to acknowledge anything: that is `barrier.py`'s.
Specified in `spec/feeds.md`.

Numbers are gap-free and in the order of the commits, because the row that counts them stays locked until the change
commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from . import logs, outbox
from .clock import Clock
from .config import Settings
from .db import Database
from .event import Event
from .failpoints import reach
from .tables import EnforcementPointRow, FeedEventRow, FeedRow, OutboxRow
from .wake import Notifier

CHANNEL = "feed"
# An answer of this many events is a few hundred KiB; who lacks more asks again.
EVENTS_IN_AN_ANSWER = 200
# Its leases ended thousands of lease times ago; what it applied since is asked anew when it comes back.
FORGOTTEN_AFTER = timedelta(hours=24)


class FeedTables(Protocol):
    """The tables of one service's feed, as its `models` module has them."""

    @property
    def Feed(self) -> type[FeedRow]:  # noqa: N802 - the name of a table
        """The feed's one row."""

    @property
    def FeedEvent(self) -> type[FeedEventRow]:  # noqa: N802
        """The numbered changes."""

    @property
    def EnforcementPoint(self) -> type[EnforcementPointRow]:  # noqa: N802
        """Who follows."""

    @property
    def Outbox(self) -> type[OutboxRow]:  # noqa: N802
        """Events that wait for the bus."""


class LeaseRequest(BaseModel):
    """An enforcement point reports how far it has applied the feed, and asks for a lease."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    enforcement_point: UUID
    epoch: UUID | None = None
    applied: int = Field(ge=0, le=2**53)
    time_bounded: bool


class LeaseAnswer(BaseModel):
    """A lease on everything up to `seq`, or, with `snapshot_required`, none. `events` are the ones after `applied`."""

    model_config = ConfigDict(frozen=True)
    epoch: UUID
    seq: int
    lease_seconds: float | None
    snapshot_required: bool
    events: list[Event]


class Feed:
    """One authority's feed. Thread-safe; the row in the database is the only state."""

    def __init__(
        self, database: Database, notifier: Notifier, clock: Clock, settings: Settings, tables: FeedTables
    ) -> None:
        self.database = database
        self.notifier = notifier
        self.tables = tables
        self.lease_seconds = settings.lease_seconds
        self.deadline_seconds = settings.gate_deadline_seconds
        self._clock = clock
        self._source = settings.service

    def append(self, session: Session, event_type: str, subject: str, data: dict[str, Any]) -> Event:
        """Number a change and record its event, in the caller's transaction.

        Do it last: the feed's row stays locked.
        """
        feed = self.tables.Feed
        number = update(feed).values(seq=feed.seq + 1).returning(feed.epoch, feed.seq)
        row = session.execute(number).first() or self._first(session, number)
        now = self._clock.now()
        event = Event.create(
            self._source, event_type, data, time=now, subject=subject, epoch=row.epoch, sequence=row.seq
        )
        values = {"epoch": row.epoch, "seq": row.seq, "body": event.encode(), "committed_at": now}
        session.execute(insert(self.tables.FeedEvent).values(values))
        outbox.record(session, self.tables.Outbox, event)
        reach("feed.after_append")
        return event

    def grant(self, request: LeaseRequest) -> LeaseAnswer:
        """Record the report and grant a lease; answered after the commit."""
        with self.database.transaction() as session:
            row = self._locked(session)
            if request.epoch == row.epoch and request.applied > row.seq:
                # This database has lost commits that a follower has seen: its numbers would soon mean other changes.
                logs.logger("feed").error("the feed went back; a new epoch begins", sequence=row.seq)
                self._begin_epoch(row)
            if request.epoch != row.epoch:
                return LeaseAnswer(epoch=row.epoch, seq=row.seq, lease_seconds=None, snapshot_required=True, events=[])
            self._record(session, request, row.seq)
            answer = LeaseAnswer(
                epoch=row.epoch,
                seq=row.seq,
                lease_seconds=self.lease_seconds,
                snapshot_required=False,
                events=self._after(session, row.epoch, request.applied),
            )
            reach("feed.before_grant_commit")
        reach("feed.after_grant_commit")
        self.notifier.notify(CHANNEL)
        return answer

    @contextmanager
    def snapshot(
        self, facts: Callable[[Session], Iterator[dict[str, Any]]]
    ) -> Iterator[tuple[UUID, int, Iterator[dict[str, Any]]]]:
        """Epoch, number and every fact, all of one instant; the transaction is open for the block."""
        engine = self.database.engine
        if self.database.is_postgresql:
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with self.database.transaction() as session:
            self._locked(session)  # make the row, if this is the beginning
        with Session(engine) as session, session.begin():
            row = session.scalars(select(self.tables.Feed)).one()
            yield row.epoch, row.seq, facts(session)

    def new_epoch(self) -> UUID:
        """Begin a new epoch: after a restore from a backup, or on a standby that may have lagged. Numbers go on."""
        with self.database.transaction() as session:
            row = self._locked(session)
            self._begin_epoch(row)
            return row.epoch

    def forget_the_gone(self) -> None:
        """Forget enforcement points that were not heard of for long, where time bounds what they may do."""
        point = self.tables.EnforcementPoint
        before = self._clock.now() - FORGOTTEN_AFTER
        with self.database.transaction() as session:
            session.execute(delete(point).where(point.time_bounded, point.seen_at < before))

    def _locked(self, session: Session) -> FeedRow:
        query = select(self.tables.Feed).with_for_update()
        return session.scalars(query).first() or self._first(session, query)

    def _first(self, session: Session, then: Any) -> Any:
        """Make the feed's row, unless somebody else just did, and do what was to be done with it."""
        try:
            with session.begin_nested():
                first = {"single": 1, "epoch": uuid4(), "seq": 0, "restored": False}
                session.execute(insert(self.tables.Feed).values(first))
        except IntegrityError:
            pass
        result = session.execute(then)
        return result.scalars().one() if isinstance(then, Select) else result.one()

    @staticmethod
    def _begin_epoch(row: FeedRow) -> None:
        row.epoch, row.restored = uuid4(), True

    def _record(self, session: Session, request: LeaseRequest, seq: int) -> None:
        """The report, and that a lease carrying `seq` is granted. A report never goes back within an epoch."""
        table = self.tables.EnforcementPoint
        point = session.get(table, request.enforcement_point)
        report = {"time_bounded": request.time_bounded, "seen_at": self._clock.now()}
        begun = {"epoch": request.epoch, "applied": request.applied, "first_granted": seq}
        if point is None:
            session.execute(insert(table).values(id=request.enforcement_point, **begun, **report))
            return
        if point.epoch == request.epoch:
            begun = {"applied": max(point.applied, request.applied)}
        session.execute(update(table).where(table.id == request.enforcement_point).values(**begun, **report))

    def _after(self, session: Session, epoch: UUID, applied: int) -> list[Event]:
        event = self.tables.FeedEvent
        query = select(event.body).where(event.epoch == epoch, event.seq > applied).order_by(event.seq)
        return [Event.decode(body) for body in session.scalars(query.limit(EVENTS_IN_AN_ANSWER))]
