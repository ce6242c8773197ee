"""The inbox: an event that comes twice is handled once.

Owns the table of handlers' lookup and the transaction around a handler. Refuses events that no handler is registered
for: a queue is bound to the registered types only, so such an event is a mistake worth setting aside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from . import tracing
from .clock import Clock
from .db import Database
from .event import Event
from .failpoints import reach
from .tables import InboxRow

Handler = Callable[[Session, Event], None]
# Longer than any broker keeps an event, dead letters that a person replays included.
REMEMBERED_DAYS = 14


class UnexpectedEventError(RuntimeError):
    """An event of a type that this service does not handle."""


class Inbox:
    """Handles events of one service's queue."""

    def __init__(
        self, database: Database, clock: Clock, handlers: Mapping[str, Handler], model: type[InboxRow]
    ) -> None:
        self._database = database
        self._clock = clock
        self._handlers = handlers
        self._model = model

    @property
    def types(self) -> frozenset[str]:
        """The types of events that are handled."""
        return frozenset(self._handlers)

    def handle(self, event: Event) -> None:
        """Handle an event, unless it was handled before, in one transaction. Raises `UnexpectedEventError`."""
        self.handle_all([event])

    def handle_all(self, events: Sequence[Event]) -> None:
        """Handle several events in one transaction: all of them, or none. Raises `UnexpectedEventError`."""
        with self._database.transaction() as session:
            new = self._new(session, events)
            for event in events:
                if event.id in new:
                    new.discard(event.id)  # the same event may stand in one batch twice
                    with tracing.span(f"handle {event.type}", "consumer", _about(event), event.traceparent):
                        self._handler(event)(session, event)
            reach("inbox.before_commit")
        reach("inbox.after_commit")

    def prune(self) -> None:
        """Forget events that can come no more."""
        before = self._clock.now() - timedelta(days=REMEMBERED_DAYS)
        with self._database.transaction() as session:
            session.execute(delete(self._model).where(self._model.handled_at < before))

    def _handler(self, event: Event) -> Handler:
        try:
            return self._handlers[event.type]
        except KeyError:
            raise UnexpectedEventError(event.type) from None

    def _new(self, session: Session, events: Sequence[Event]) -> set[UUID]:
        """Remember the events; the ids of those that were not known."""
        insert = postgresql_insert if self._database.is_postgresql else sqlite_insert
        now = self._clock.now()
        # In one order everywhere: two processes that remember the same events then wait for each other in turn.
        ids = sorted({event.id for event in events})
        rows = [{"event_id": event_id, "handled_at": now} for event_id in ids]
        statement = insert(self._model).values(rows).on_conflict_do_nothing().returning(self._model.event_id)
        return set(session.scalars(statement))


def _about(event: Event) -> dict[str, str]:
    return {"messaging.message.id": str(event.id), "messaging.destination.name": event.type}
