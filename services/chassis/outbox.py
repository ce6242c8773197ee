"""The outbox: an event is a row of the transaction that it tells of, and goes to the bus afterwards.

Owns recording and relaying. Refuses to lose an event or to drop one that nobody takes: a row goes only after the bus
has confirmed it, so an event may go twice, never not at all.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import delete, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from . import logs
from .bus import Bus, BusUnavailableError, UnroutableError
from .clock import Clock
from .db import Database, DatabaseUnavailableError
from .event import Event
from .failpoints import reach
from .tables import OutboxRow
from .wake import Notifier

CHANNEL = "outbox"
BATCH = 256
# Without a bell, the outbox is looked at this often; also how soon another relay takes over.
LOOK_SECONDS = 1.0
# Under a stream of events each batch waits this long for company; the first event after a quiet time never does.
GATHER_SECONDS = 0.02
# An event that no queue wants waits for its consumer to be deployed.
UNROUTABLE_PAUSE_SECONDS = 5.0


def record(session: Session, model: type[OutboxRow], event: Event) -> None:
    """Put an event into the outbox, in the caller's transaction; `notifier.notify("outbox")` after the commit."""
    session.execute(insert(model).values(body=event.encode()))


class Relay:
    """Takes events from one database's outbox to the bus; of several relays of a database, one works."""

    def __init__(self, database: Database, bus: Bus, notifier: Notifier, clock: Clock, model: type[OutboxRow]) -> None:
        self._database = database
        self._bus = bus
        self._notifier = notifier
        self._clock = clock
        self._model = model
        self._not_before: dict[int, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Relay until told to stop."""
        with self._notifier.listening(CHANNEL) as bell:
            while not stop.is_set():
                with self._alone() as alone:
                    while alone and not stop.is_set() and self._relay():
                        stop.wait(GATHER_SECONDS)
                bell.wait(LOOK_SECONDS)

    def relay_once(self) -> int:
        """Relay one batch, oldest first; how many events went.

        Raises `BusUnavailableError`, `DatabaseUnavailableError`.
        """
        rows = self._due()
        if not rows:
            return 0
        reach("outbox.before_publish")
        events = [Event.decode(body) for _, body in rows]
        unroutable = self._publish(events)
        reach("outbox.after_publish")
        later = self._clock.boottime() + UNROUTABLE_PAUSE_SECONDS
        stay = {row for (row, _), event in zip(rows, events, strict=True) if event.id in unroutable}
        self._not_before |= dict.fromkeys(stay, later)
        gone = [row for row, _ in rows if row not in stay]
        with self._database.transaction() as session:
            session.execute(delete(self._model).where(self._model.id.in_(gone)))
        return len(gone)

    def _relay(self) -> bool:
        """Relay a batch; whether there may be more soon."""
        try:
            return self.relay_once() > 0
        except (BusUnavailableError, DatabaseUnavailableError) as error:
            logs.logger("outbox").warning("relay waits", error=type(error).__name__)
            return False

    def _due(self) -> Sequence[tuple[int, bytes]]:
        now = self._clock.boottime()
        self._not_before = {row: moment for row, moment in self._not_before.items() if moment > now}
        query = select(self._model.id, self._model.body).order_by(self._model.id).limit(BATCH)
        if self._not_before:
            query = query.where(self._model.id.not_in(self._not_before))
        with self._database.transaction() as session:
            return [(row, body) for row, body in session.execute(query)]

    def _publish(self, events: Sequence[Event]) -> frozenset[object]:
        try:
            self._bus.publish(events)
        except UnroutableError as error:
            logs.logger("outbox").warning("nobody takes these events yet", count=len(error.event_ids))
            return frozenset(error.event_ids)
        return frozenset()

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Hold this database's relay lock for the block, if it is free. SQLite has one process, and so one relay."""
        if not self._database.is_postgresql:
            yield True
            return
        try:
            # A lock of the session, not of a transaction: it goes with this connection, also when the process is
            # killed.
            with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                yield bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY}))
                connection.execute(text("SELECT pg_advisory_unlock_all()"))
        except DBAPIError:
            logs.logger("outbox").warning("relay lost its connection")


_LOCK_KEY = int.from_bytes(hashlib.sha256(b"concord outbox relay").digest()[:8], "big", signed=True)
