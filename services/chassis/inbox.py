"""The inbox: an event that comes twice is handled once.

Owns the table of handlers' lookup and the transaction around a handler. Refuses events that no handler is registered
for: a queue is bound to the registered types only, so such an event is a mistake worth setting aside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

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
        handler = self._handlers.get(event.type)
        if handler is None:
            raise UnexpectedEventError(event.type)
        with self._database.transaction() as session:
            if not self._is_new(session, event):
                return
            handler(session, event)
            reach("inbox.before_commit")
        reach("inbox.after_commit")

    def prune(self) -> None:
        """Forget events that can come no more."""
        before = self._clock.now() - timedelta(days=REMEMBERED_DAYS)
        with self._database.transaction() as session:
            session.execute(delete(self._model).where(self._model.handled_at < before))

    def _is_new(self, session: Session, event: Event) -> bool:
        insert = postgresql_insert if self._database.is_postgresql else sqlite_insert
        row = insert(self._model).values(event_id=event.id, handled_at=self._clock.now())
        return session.execute(row.on_conflict_do_nothing().returning(self._model.event_id)).first() is not None
