"""An authority and a follower of the smallest kind: consents that are given and revoked, and nothing else.

Owns their tables and the short words that tests of feeds, barriers and leases use. Refuses mocks: both sides are real
and on real databases; only the way between them is played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import String, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from services.chassis.barrier import Barrier
from services.chassis.clock import Clock
from services.chassis.config import Settings
from services.chassis.db import Database, create_all, naming
from services.chassis.event import Event
from services.chassis.feed import Feed, FeedTables, Number
from services.chassis.feed_messages import LeaseAnswer, LeaseRequest
from services.chassis.lease import LeaseHolder
from services.chassis.peer_http import PeerUnavailableError
from services.chassis.projection import Position, Projection
from services.chassis.tables import EnforcementPointRow, FeedEventRow, FeedPositionRow, FeedRow, OutboxRow
from services.chassis.wake import LocalNotifier
from tests.fakes import FakeClock

GIVEN = "care.concord.consent.given.v1"
REVOKED = "care.concord.consent.revoked.v1"
LEASE_SECONDS = 5.0
DEADLINE_SECONDS = 1.0
# L + M and 5 %: how long an authority waits for somebody who reports nothing; a millisecond more than that.
LONGEST = 6.301


class AuthorityBase(DeclarativeBase):
    metadata = naming()


class Outbox(OutboxRow, AuthorityBase):
    pass


class FeedTable(FeedRow, AuthorityBase):
    pass


class FeedEvent(FeedEventRow, AuthorityBase):
    pass


class EnforcementPoint(EnforcementPointRow, AuthorityBase):
    pass


class Consent(AuthorityBase):
    __tablename__ = "consent"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    status: Mapped[str] = mapped_column(String(10))


class FollowerBase(DeclarativeBase):
    metadata = naming()


class FeedPosition(FeedPositionRow, FollowerBase):
    pass


class Known(FollowerBase):
    __tablename__ = "known"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    status: Mapped[str] = mapped_column(String(10))


TABLES = cast(
    "FeedTables",
    SimpleNamespace(Feed=FeedTable, FeedEvent=FeedEvent, EnforcementPoint=EnforcementPoint, Outbox=Outbox),
)


class Bell(LocalNotifier):
    """Keeps count of what it was told to ring."""

    def __init__(self) -> None:
        super().__init__()
        self.rung = 0

    def notify(self, channel: str, key: str = "") -> None:
        self.rung += 1
        super().notify(channel, key)


class Authority:
    """The side that numbers: its database, its feed, and the barrier of one of its processes."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        create_all(database, AuthorityBase)
        self.database = database
        self.clock = clock or FakeClock()
        self.bell = Bell()
        self.start()

    def start(self) -> None:
        """A process starts afresh: nothing that it had in memory is left."""
        self.feed = Feed(self.database, self.bell, self.clock, SETTINGS, TABLES)
        self.barrier = Barrier(self.feed, self.clock)

    def give(self, consent: str) -> int:
        """A consent comes into force; its number."""
        with self.database.transaction() as session:
            session.merge(Consent(id=consent, status="active"))
            return number_of(self.feed.append(session, GIVEN, consent, {"consent": consent}))

    def revoke(self, consent: str) -> int:
        """A consent is revoked; its number."""
        with self.database.transaction() as session:
            session.execute(update(Consent).where(Consent.id == consent).values(status="revoked"))
            return number_of(self.feed.append(session, REVOKED, consent, {"consent": consent}))

    def change(self, seq: int) -> Number:
        """Which change has this number, in whatever epoch."""
        with self.database.transaction() as session:
            epoch = session.scalar(select(FeedEvent.epoch).where(FeedEvent.seq == seq))
        return Number(epoch or self.mark()[0], seq)

    def holds(self, seq: int) -> bool:
        """Whether the barrier says that the change of this number holds everywhere."""
        return self.barrier.effective(self.change(seq))

    def events(self) -> list[Event]:
        """Everything ever numbered, in order."""
        with self.database.transaction() as session:
            return [Event.decode(body) for body in session.scalars(select(FeedEvent.body).order_by(FeedEvent.seq))]

    def last(self) -> Event:
        """The latest event."""
        with self.database.transaction() as session:
            return Event.decode(session.scalars(select(FeedEvent.body).order_by(FeedEvent.seq.desc())).first() or b"")

    def effective(self) -> list[int]:
        """The numbers that are written down as effective."""
        query = select(FeedEvent.seq).where(FeedEvent.effective_at.is_not(None)).order_by(FeedEvent.seq)
        with self.database.transaction() as session:
            return list(session.scalars(query))

    def mark(self) -> tuple[UUID, int]:
        """Epoch and last number."""
        with self.database.transaction() as session:
            row = session.scalars(select(FeedTable)).one()
            return row.epoch, row.seq

    def points(self) -> dict[UUID, EnforcementPoint]:
        """What is recorded of those who follow."""
        with self.database.transaction() as session:
            return {row.id: row for row in session.scalars(select(EnforcementPoint))}

    def report(self, point: UUID, applied: int, *, epoch: UUID | None = None, bounded: bool = True) -> LeaseAnswer:
        """An enforcement point reports, in the feed's own epoch unless told otherwise, and is answered."""
        request = LeaseRequest(
            enforcement_point=point, epoch=epoch or self.mark()[0], applied=applied, time_bounded=bounded
        )
        return self.feed.grant(request)


def facts(session: Session) -> Iterator[dict[str, Any]]:
    """What a snapshot of the authority lists."""
    for row in session.scalars(select(Consent).order_by(Consent.id)):
        yield {"kind": "consent", "consent": row.id, "status": row.status}


def number_of(event: Event) -> int:
    """The number of a feed's event."""
    assert event.sequence is not None
    return event.sequence


class Way:
    """The way to the authority: real questions and answers, which a test can cut, or stretch by doing things on it."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.cut = False
        self.before: Callable[[], object] = _nothing
        self.after: Callable[[], object] = _nothing
        self.requests: list[LeaseRequest] = []
        self.snapshots = 0

    def lease(self, request: LeaseRequest) -> LeaseAnswer:
        self._check()
        self.requests.append(request)
        self.before()
        answer = LeaseAnswer.model_validate_json(self.authority.feed.grant(request).model_dump_json())
        self.after()
        self._check()
        return answer

    @contextmanager
    def snapshot(self) -> Iterator[Iterator[dict[str, Any]]]:
        self._check()
        self.snapshots += 1
        yield iter(lines(self.authority))

    def _check(self) -> None:
        if self.cut:
            raise PeerUnavailableError("consent")


def lines(authority: Authority) -> list[dict[str, Any]]:
    """A whole snapshot, as it goes over the wire."""
    with authority.feed.snapshot(facts) as (epoch, seq, listed):
        told = list(listed)
    return [{"epoch": str(epoch), "seq": seq}, *told, {"end": len(told)}]


class Follower:
    """The side that applies: its database and projection; each process of it has a clock and leases of its own."""

    def __init__(self, database: Database, *, time_bounded: bool = True) -> None:
        create_all(database, FollowerBase)
        self.database = database
        self.time_bounded = time_bounded
        self.point = uuid4()
        self.refused: set[str] = set()
        handlers = {GIVEN: self._given, REVOKED: self._revoked}
        self.projection = Projection("consent", database, handlers, load, FeedPosition)

    def process(self, way: Way, clock: Clock) -> LeaseHolder:
        """A process starts."""
        return LeaseHolder(self.projection, way, clock, self.point, time_bounded=self.time_bounded)

    def known(self) -> dict[str, str]:
        """The status of every consent, as applied."""
        with self.database.transaction() as session:
            return {row.id: row.status for row in session.scalars(select(Known))}

    def mark(self) -> tuple[UUID | None, int]:
        """Epoch and number that are applied."""
        position = self.projection.position()
        return position.epoch, position.applied

    def take(self, *events: Event) -> Position:
        """Events come from the bus."""
        return self.projection.offer(events)

    def _given(self, session: Session, event: Event) -> None:
        self._check(event)
        put(session, event.data["consent"], "active")

    def _revoked(self, session: Session, event: Event) -> None:
        self._check(event)
        put(session, event.data["consent"], "revoked")

    def _check(self, event: Event) -> None:
        """An open gate shares the consent's row: the change has to wait."""
        if event.data["consent"] in self.refused:
            raise RowSharedError(event.data["consent"])


class RowSharedError(RuntimeError):
    """A change could not be applied just now."""


def load(session: Session, snapshot: Iterator[dict[str, Any]]) -> None:
    """Take over a snapshot: what it does not list counts for nothing, what was revoked stays so."""
    session.execute(
        update(Known)
        .where(Known.status != "revoked")
        .values(status="unknown")
        .execution_options(synchronize_session=False)
    )
    for fact in snapshot:
        put(session, fact["consent"], fact["status"])


def put(session: Session, consent: str, status: str) -> None:
    """Write a status down, unless the consent is revoked already."""
    row = session.get(Known, consent, populate_existing=True)
    if row is None:
        session.add(Known(id=consent, status=status))
    elif row.status != "revoked":
        row.status = status


def _nothing() -> None:
    pass


SETTINGS = Settings(
    service="consent",
    database_url="unused",
    base_url="http://concord.test",
    service_key_file=Path("unused"),
    service_keys_file=Path("unused"),
    lease_seconds=LEASE_SECONDS,
    gate_deadline_seconds=DEADLINE_SECONDS,
)
