"""The outbox: an event is a row of the transaction that it tells of, and goes to the bus afterwards.

Owns recording and relaying. Refuses to lose an event or to drop one that nobody takes: a row goes only after the bus
has confirmed it, so an event may go twice, never not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from . import logs, tracing
from .bus import Bus, BusUnavailableError, UnroutableError
from .clock import Clock
from .db import Database, DatabaseUnavailableError
from .event import Event, EventError
from .failpoints import reach
from .tables import OutboxRow
from .turn import Turn
from .wake import Notifier

CHANNEL = "outbox"
BATCH = 256
# Without a bell, the outbox is looked at this often; also how soon another relay takes over.
LOOK_SECONDS = 1.0
# Under a stream of events each batch that is not full waits this long for company; the first event after a quiet time
# never does. A revocation may be among them, and somebody waits for its acknowledgement.
GATHER_SECONDS = 0.02
# An event that no queue wants waits for its consumer to be deployed.
UNROUTABLE_PAUSE_SECONDS = 5.0
Due = tuple[int, bytes, str | None]
"""A row of the outbox: its id, the event, the trace it belongs to."""


def record(session: Session, model: type[OutboxRow], event: Event) -> None:
    """Put an event into the outbox, in the caller's transaction; `notifier.notify("outbox")` after the commit."""
    session.execute(insert(model).values(body=event.encode(), traceparent=tracing.current()))


class Relay:
    """Takes events from one database's outbox to the bus; of several relays of a database, one works.

    `gather` is how long, in seconds, a batch waits for company under a stream of events.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        notifier: Notifier,
        clock: Clock,
        model: type[OutboxRow],
        *,
        gather: float = GATHER_SECONDS,
    ) -> None:
        self._database = database
        self._bus = bus
        self._notifier = notifier
        self._model = model
        self._passed = _Passed(clock)
        self._gather = gather

    def run(self, stop: threading.Event) -> None:
        """Relay until told to stop."""
        turn = Turn(self._database, "outbox relay")
        try:
            with self._notifier.listening(CHANNEL) as bell:
                while not stop.is_set():
                    while turn.mine() and not stop.is_set() and (count := self._relay()):
                        if count < BATCH:
                            stop.wait(self._gather)
                    bell.wait(LOOK_SECONDS)
        finally:
            turn.release()

    def relay_once(self) -> int:
        """Relay one batch, oldest first; how many events went.

        Raises `BusUnavailableError`, `DatabaseUnavailableError`.
        """
        return self._send(self._due())

    def _relay(self) -> int:
        """Relay a batch; how many events were in it, none if they have to wait."""
        try:
            rows = self._due()
            self._send(rows)
        except (BusUnavailableError, DatabaseUnavailableError) as error:
            logs.logger("outbox").warning("relay waits", error=type(error).__name__)
            return 0
        return len(rows)

    def _due(self) -> Sequence[Due]:
        model = self._model
        query = select(model.id, model.body, model.traceparent).where(model.id > self._passed.up_to())
        with self._database.transaction() as session:
            rows = [(row, body, trace) for row, body, trace in session.execute(query.order_by(model.id).limit(BATCH))]
        if len(rows) < BATCH:
            self._passed.end()
        return rows

    def _send(self, rows: Sequence[Due]) -> int:
        if not rows:
            return 0
        reach("outbox.before_publish")
        events = {row: event.traced(trace) for row, body, trace in rows if (event := _read(body)) is not None}
        unroutable = self._publish(list(events.values()))
        reach("outbox.after_publish")
        gone = [row for row, event in events.items() if event.id not in unroutable]
        with self._database.transaction() as session:
            session.execute(delete(self._model).where(self._model.id.in_(gone)))
        self._passed.leave({row for row, *_ in rows}.difference(gone))
        return len(gone)

    def _publish(self, events: Sequence[Event]) -> frozenset[UUID]:
        try:
            self._bus.publish(events)
        except UnroutableError as error:
            logs.logger("outbox").warning("nobody takes these events yet", count=len(error.event_ids))
            return error.event_ids
        return frozenset()


class _Passed:
    """How far the outbox was gone through past rows that had to stay; they are tried again a while after its end.

    Remembering each of those rows would not do: there may be more of them than a query takes parameters, and those
    behind them must get their turn however many they are.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._up_to = 0
        self._again_at: float | None = None

    def up_to(self) -> int:
        """The id after which to look now; from the beginning again once the pause is over."""
        if self._again_at is not None and self._clock.boottime() >= self._again_at:
            self._up_to, self._again_at = 0, None
        return self._up_to

    def leave(self, rows: set[int]) -> None:
        """These rows had to stay."""
        self._up_to = max(rows, default=self._up_to)

    def end(self) -> None:
        """The end of the outbox was reached: if rows stayed, the pause begins."""
        if self._up_to and self._again_at is None:
            self._again_at = self._clock.boottime() + UNROUTABLE_PAUSE_SECONDS


def _read(body: bytes) -> Event | None:
    """The event of a row, or None: one row that a later version wrote must not keep all others back."""
    try:
        return Event.decode(body)
    except EventError:
        logs.logger("outbox").error("a row is no event that this version knows")
        return None
