"""The authority's side of a feed: numbered changes, and leases on them.

Owns the numbers, the epoch and the record of who follows. Refuses to acknowledge anything: that is `barrier.py`'s.
Specified in `spec/feeds.md`.

Numbers are gap-free and in the order of the commits, because the row that counts them stays locked until the change
commits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol
from uuid import UUID, uuid4

from sqlalchemy import Select, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from . import incarnation, logs, outbox
from .clock import Clock
from .config import Settings
from .db import Database
from .enforcement_points import EnforcementPoints
from .event import Event
from .failpoints import reach
from .feed_messages import LeaseAnswer, LeaseRequest
from .tables import EnforcementPointRow, FeedEventRow, FeedRow, OutboxRow
from .wake import Notifier

CHANNEL = "feed"
# An answer of this many events is a few hundred KiB; who lacks more asks again.
EVENTS_IN_AN_ANSWER = 200


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


class Number(NamedTuple):
    """Which change of a feed: its epoch, and its number in that."""

    epoch: UUID
    seq: int

    @classmethod
    def of(cls, event: Event) -> Number:
        """The number of an event that a feed has appended."""
        assert event.epoch is not None and event.sequence is not None  # noqa: S101 - a feed numbers what it appends
        return cls(event.epoch, event.sequence)

    @classmethod
    def known(cls, epoch: UUID | None, seq: int | None) -> Number | None:
        """The number that a row holds; None when it was never told."""
        return None if epoch is None or seq is None else cls(epoch, seq)


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
        self._points = EnforcementPoints(clock, tables.EnforcementPoint)

    def append(self, session: Session, event_type: str, subject: str, data: dict[str, Any]) -> Event:
        """Number a change and record its event, in the caller's transaction.

        Do it last: the feed's row stays locked.
        """
        feed = self.tables.Feed
        number = update(feed).values(seq=feed.seq + 1).returning(feed.epoch, feed.seq, feed.incarnation)
        row = session.execute(number).first() or self._first(session, number)
        epoch = self._epoch_here(session, row.epoch, row.incarnation)
        now = self._clock.now()
        event = Event.create(self._source, event_type, data, time=now, subject=subject, epoch=epoch, sequence=row.seq)
        values = {"epoch": epoch, "seq": row.seq, "body": event.encode(), "committed_at": now}
        session.execute(insert(self.tables.FeedEvent).values(values))
        outbox.record(session, self.tables.Outbox, event)
        reach("feed.after_append")
        return event

    def grant(self, request: LeaseRequest) -> LeaseAnswer:
        """Record the report and grant a lease; answered after the commit.

        Whoever follows another epoch gets no lease, and is told to take a snapshot.
        """
        with self.database.transaction() as session:
            row = self._locked(session)
            self._begin_epoch_if_commits_were_lost(row, request)
            live = request.epoch == row.epoch
            news = live and self._points.record(session, request, row.seq)
            answer = LeaseAnswer(
                epoch=row.epoch,
                seq=row.seq,
                lease_seconds=self.lease_seconds if live else None,
                snapshot_required=not live,
                events=self._after(session, row, request.applied) if live else [],
            )
            reach("feed.before_grant_commit")
        reach("feed.after_grant_commit")
        if news:
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
        """Begin a new epoch: after a restore from a backup, or on a standby that may have lagged. Numbers go on.

        Only once the former authority is stopped for good: leases that it still grants are known to nobody here.
        """
        with self.database.transaction() as session:
            row = self._locked(session)
            self._begin_epoch(row)
            return row.epoch

    def forget_the_gone(self) -> None:
        """Forget enforcement points that were not heard of for long, where time bounds what they may do."""
        with self.database.transaction() as session:
            self._locked(session)
            self._points.forget_silent(session)

    def forget(self, enforcement_point: UUID) -> bool:
        """Forget one enforcement point whose database is gone for good: an operator's word, never a guess.

        Whether there was such a one.
        """
        with self.database.transaction() as session:
            self._locked(session)
            return self._points.forget(session, enforcement_point)

    def _locked(self, session: Session) -> FeedRow:
        query = select(self.tables.Feed).with_for_update()
        row: FeedRow = session.scalars(query).first() or self._first(session, query)
        if row.incarnation != (here := incarnation.of(session)):
            self._moved(row.seq, known=row.incarnation)
            self._begin_epoch(row)
            row.incarnation = here
        return row

    def _epoch_here(self, session: Session, epoch: UUID, known: str | None) -> UUID:
        """The epoch in which this database may number: another one if it was restored or failed over to since.

        Its first number would else mean two changes: this one, and one that only followers remember.
        """
        here = incarnation.of(session)
        if known == here:
            return epoch
        epoch = uuid4()
        session.execute(update(self.tables.Feed).values(epoch=epoch, restored=True, incarnation=here))
        self._moved(None, known=known)
        return epoch

    @staticmethod
    def _moved(seq: int | None, *, known: str | None) -> None:
        if known is None:  # a version that knew nothing of it wrote the row: here, or before a restore
            logs.logger("feed").warning("the database was not known; a new epoch begins", sequence=seq)
        else:
            logs.logger("feed").error("the database was restored or failed over; a new epoch begins", sequence=seq)

    def _first(self, session: Session, then: Any) -> Any:
        """Make the feed's row, unless somebody else just did, and do what was to be done with it."""
        try:
            with session.begin_nested():
                here = incarnation.of(session)
                first = {"single": 1, "epoch": uuid4(), "seq": 0, "restored": False, "incarnation": here}
                session.execute(insert(self.tables.Feed).values(first))
        except IntegrityError:
            pass
        result = session.execute(then)
        return result.scalars().one() if isinstance(then, Select) else result.one()

    def _begin_epoch_if_commits_were_lost(self, row: FeedRow, request: LeaseRequest) -> None:
        """A follower that is ahead has seen commits which this database has lost.

        Its numbers would soon mean other changes.
        """
        if request.epoch == row.epoch and request.applied > row.seq:
            logs.logger("feed").error("the feed went back; a new epoch begins", sequence=row.seq)
            self._begin_epoch(row)

    @staticmethod
    def _begin_epoch(row: FeedRow) -> None:
        row.epoch, row.restored = uuid4(), True

    def _after(self, session: Session, row: FeedRow, applied: int) -> list[Event]:
        if applied == row.seq:
            return []  # the usual case, asked by every process several times a lease
        event = self.tables.FeedEvent
        query = select(event.body).where(event.epoch == row.epoch, event.seq > applied).order_by(event.seq)
        return [Event.decode(body) for body in session.scalars(query.limit(EVENTS_IN_AN_ANSWER))]
