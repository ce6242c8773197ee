"""Tables and events for the tests of outbox, inbox and migrations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event as Flag
from threading import Thread

from sqlalchemy import delete, func, select
from sqlalchemy.orm import DeclarativeBase

from services.chassis.db import Database, create_all, naming
from services.chassis.event import Event
from services.chassis.outbox import record
from services.chassis.tables import InboxRow, OutboxRow

TYPE = "care.concord.test.happened.v1"
STRAY = "care.concord.test.unwanted.v1"
SECONDS = 15.0
# Until something has come about on a machine that does other things besides; less than any pause that a test sets.
UNTIL_SECONDS = 40.0


class Base(DeclarativeBase):
    """The tables of a service that has nothing else."""

    metadata = naming()


class Outbox(OutboxRow, Base):
    """Its outbox."""


class Inbox(InboxRow, Base):
    """Its inbox."""


def emptied(database: Database) -> Database:
    """A database with empty tables: for hypothesis, whose examples share one."""
    create_all(database, Base)
    with database.transaction() as session:
        for model in (Outbox, Inbox):
            session.execute(delete(model))
    return database


def happened(number: int = 0, type_: str = TYPE) -> Event:
    """An event that can be told from the others."""
    return Event.create("test", type_, {"n": number}, time=datetime.now(UTC))


def recorded(database: Database, *events: Event) -> None:
    """Events, in the outbox."""
    with database.transaction() as session:
        for event in events:
            record(session, Outbox, event)


def waiting(database: Database) -> int:
    """How many rows the outbox has."""
    with database.transaction() as session:
        return session.scalar(select(func.count()).select_from(Outbox)) or 0


def until(condition: Callable[[], object], seconds: float = UNTIL_SECONDS) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


@contextmanager
def running(*loops: Callable[[Flag], None]) -> Iterator[Flag]:
    """Loops in threads, for the block."""
    stop = Flag()
    threads = [Thread(target=loop, args=(stop,), daemon=True) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "a loop ends when it is told to"
