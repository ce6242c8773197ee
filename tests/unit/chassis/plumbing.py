"""Tables and a bus for the tests of outbox and inbox.

Owns the smallest service that could use them. Refuses to be a mock: the tables are real, and the bus keeps what it
confirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import DeclarativeBase

from services.chassis.bus import BusUnavailableError, LocalBus, UnroutableError
from services.chassis.db import naming
from services.chassis.event import Event
from services.chassis.tables import InboxRow, OutboxRow

TYPE = "care.concord.test.happened.v1"


class Base(DeclarativeBase):
    """The tables of no service."""

    metadata = naming()


class Outbox(OutboxRow, Base):
    """Events that wait."""


class Inbox(InboxRow, Base):
    """Events that were handled."""


class ShelfBus(LocalBus):
    """Keeps what it confirmed on a shelf; can be away, and can have no queue for some events."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf: list[Event] = []
        self.away = False
        self.homeless: set[int] = set()

    def publish(self, events: Sequence[Event]) -> None:
        """Shelve every event that has a home."""
        if self.away:
            raise BusUnavailableError("away")
        self.shelf += [event for event in events if event.data["n"] not in self.homeless]
        stray = frozenset(event.id for event in events if event.data["n"] in self.homeless)
        if stray:
            raise UnroutableError(stray)

    def numbers(self) -> list[int]:
        """The events on the shelf, by number."""
        return [event.data["n"] for event in self.shelf]


def happened(number: int, type_: str = TYPE) -> Event:
    """An event with a number."""
    return Event.create("test", type_, {"n": number}, time=datetime.now(UTC))
