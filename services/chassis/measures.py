"""What an operator's dashboard reads from a database and a broker, at the moment somebody looks.

Owns the collector, and the facts that every service has: its database, its outbox, its queues, its pending changes.
Refuses to fail the page or to hold it up: what cannot be read in time is absent, and `concord_database_up` or
`concord_broker_up` says so. Each query is bounded, whatever has piled up. Shown by workers alone; of several workers of
a service each shows the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from . import health, logs
from .bus import Bus, BusUnavailableError
from .clock import Clock
from .db import Database, DatabaseUnavailableError, DeadlineExceededError
from .event import Event, EventError
from .questions import Question, answers
from .tables import FeedEventRow, OutboxRow

# A pile of more than this is counted as this: the alarm has long been raised, and counting on would make it worse.
COUNTED_AT_MOST = 10_000
# A database in trouble is not asked for more after this; one statement may take as long.
DEADLINE_SECONDS = 3.0
# Prometheus gives a page up after ten seconds and is told before that: connecting alone may take longer, and packets
# that are swallowed for ever.
PAGE_SECONDS = 5.0
_UNAVAILABLE = (DatabaseUnavailableError, DeadlineExceededError)

Measure = Callable[[Session, datetime], Iterable[Metric]]


class Measures(Collector):
    """Reads a service's facts when somebody looks."""

    def __init__(
        self,
        service: str,
        database: Database,
        clock: Clock,
        measures: Sequence[Measure],
        bus: Bus,
        queues: Sequence[str],
    ) -> None:
        self._service = service
        self._database = database
        self._clock = clock
        self._measures = measures
        self._bus = bus
        self._queues = queues
        self._facts = Question(self._of_database)
        self._depths = Question(self._of_broker)
        self._ready = health.in_time(
            {"database": lambda: health.database_answers(database), "broker": self._broker_answers}
        )

    def registry(self) -> CollectorRegistry:
        """A registry of these alone."""
        registry = CollectorRegistry()
        registry.register(self)
        return registry

    def ready(self) -> Mapping[str, bool]:
        """Whether the database and the broker answer now, and soon."""
        return self._ready()

    def describe(self) -> list[Metric]:
        """Nothing: it would be read here, before there is a table."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every fact that can be read now."""
        database, broker = answers([self._facts, self._depths], PAGE_SECONDS)
        yield from database or [self._database_up(0)]
        yield from broker or [self._broker_up(0)]

    def _database_up(self, up: int) -> Metric:
        return gauge("concord_database_up", "Whether the database answers (1) or not (0)", up, service=self._service)

    def _broker_up(self, up: int) -> Metric:
        return gauge("concord_broker_up", "Whether the broker answers (1) or not (0)", up, service=self._service)

    def _of_database(self) -> list[Metric]:
        try:
            return [self._database_up(1), *self._read()]
        except _UNAVAILABLE:
            return [self._database_up(0)]
        except SQLAlchemyError as error:  # it answers, and lacks what was asked for: it is not migrated yet
            logs.logger("measures").error("facts not read", error=type(error).__name__)
            return [self._database_up(1)]

    def _read(self) -> list[Metric]:
        read: list[Metric] = []
        ends = time.monotonic() + DEADLINE_SECONDS
        with self._database.transaction(deadline=DEADLINE_SECONDS) as session:
            for measure in self._measures:
                if time.monotonic() >= ends:
                    raise DeadlineExceededError("the facts took longer than a page may wait for them")
                read += measure(session, self._clock.now())
        return read

    def _broker_answers(self) -> bool:
        try:
            self._bus.depths(())
        except BusUnavailableError:
            return False
        return True

    def _of_broker(self) -> list[Metric]:
        try:
            depths = self._bus.depths(self._queues)
        except BusUnavailableError:
            return [self._broker_up(0)]
        waiting = GaugeMetricFamily("concord_queue_depth", "Events that wait in a queue", labels=["queue"])
        dead = GaugeMetricFamily("concord_dead_letters", "Events that were set aside, by their queue", labels=["queue"])
        for queue, depth in depths.items():
            waiting.add_metric([queue], depth.waiting)
            dead.add_metric([queue], depth.dead)
        return [self._broker_up(1), waiting, dead]


def gauge(name: str, help_: str, value: float, **labels: str) -> Metric:
    """One number."""
    family = GaugeMetricFamily(name, help_, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def outbox(service: str, model: type[OutboxRow]) -> Measure:
    """How many events wait for the broker, and how old the first one is."""

    def measure(session: Session, now: datetime) -> Iterator[Metric]:
        oldest = session.scalar(select(model.body).order_by(model.id).limit(1))
        some = select(model.id).limit(COUNTED_AT_MOST).subquery()
        depth = session.scalar(select(func.count()).select_from(some)) or 0
        yield gauge("concord_outbox_depth", "Events that wait for the broker", depth, service=service)
        age = 0.0 if oldest is None else _age(oldest, now)
        yield gauge("concord_outbox_oldest_seconds", "Age of the first of them", age, service=service)

    return measure


def pending(service: str, model: type[FeedEventRow]) -> Measure:
    """How many changes do not hold everywhere yet, and how old the first one is."""

    def measure(session: Session, now: datetime) -> Iterator[Metric]:
        still = select(model.committed_at).where(model.effective_at.is_(None)).order_by(model.seq)
        times = session.scalars(still.limit(COUNTED_AT_MOST)).all()
        help_ = "Numbered changes that are not known to hold everywhere yet"
        yield gauge("concord_changes_pending", help_, len(times), service=service)
        age = max((now - times[0]).total_seconds(), 0.0) if times else 0.0
        yield gauge("concord_changes_pending_oldest_seconds", "Age of the first of them", age, service=service)

    return measure


def _age(body: bytes, now: datetime) -> float:
    try:
        return max((now - Event.decode(body).time).total_seconds(), 0.0)
    except EventError:  # a later version wrote it; the relay passes over it
        return 0.0
