"""A recipient's mailbox: what was released to them, in order, and the wait for what comes next.

Owns the reading of mailboxes and the cap of waiting polls. Refuses to hand out letters: the list shows addresses,
never sealed bytes.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, select

from services.chassis.clock import Clock
from services.chassis.db import Database
from services.chassis.wake import Notifier

from .models import DeliveryRow, LetterRow


@dataclass(frozen=True)
class Entry:
    """A released letter as its recipient sees it.

    `place` is its number in the mailbox, `line` the exact bytes of its address.
    """

    place: int
    letter: UUID
    line: bytes
    size: int
    released_at: datetime
    fetched_at: datetime | None
    opened_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class Page:
    """Entries after a place; `crowded` when the answer came without waiting because too many wait already."""

    entries: list[Entry]
    crowded: bool = False


class Mailbox:
    """Reads mailboxes. `most_waiting` polls wait at once in this process, each at most `longest_wait` seconds."""

    def __init__(
        self, database: Database, clock: Clock, notifier: Notifier, *, most_waiting: int, longest_wait: float
    ) -> None:
        self._database = database
        self._clock = clock
        self._notifier = notifier
        self._seats = threading.BoundedSemaphore(most_waiting) if most_waiting else None
        self._longest_wait = longest_wait

    def page(self, recipient: UUID, after: int, limit: int, wait: float) -> Page:
        """At most `limit` entries after the place `after`; waits up to `wait` seconds for the first one."""
        entries = self._read(recipient, after, limit)
        if entries or wait <= 0:
            return Page(entries)
        with ExitStack() as seat:
            if self._seats is None or not self._seats.acquire(blocking=False):
                return Page([], crowded=True)
            seat.callback(self._seats.release)
            return Page(self._await(recipient, after, limit, min(wait, self._longest_wait)))

    def _await(self, recipient: UUID, after: int, limit: int, wait: float) -> list[Entry]:
        ends = self._clock.boottime() + wait
        # The bell is there before the mailbox is looked at: what comes between the look and the wait has rung it.
        with self._notifier.listening("mailbox", str(recipient)) as bell:
            while True:
                entries = self._read(recipient, after, limit)
                left = ends - self._clock.boottime()
                if entries or left <= 0:
                    return entries
                if not bell.wait(left):
                    return self._read(recipient, after, limit)

    def _read(self, recipient: UUID, after: int, limit: int) -> list[Entry]:
        values = {"reader": recipient, "after": after, "at_most": limit}
        with self._database.transaction() as session:
            rows = session.connection().execute(_PAGE, values).all()
        return [_entry(row) for row in rows]


def _entry(row: Any) -> Entry:
    return Entry(*row)


def _page_statement() -> Any:
    columns = (
        DeliveryRow.place,
        LetterRow.id,
        LetterRow.address,
        LetterRow.size,
        DeliveryRow.released_at,
        DeliveryRow.fetched_at,
        DeliveryRow.opened_at,
        LetterRow.deleted_at,
    )
    return (
        select(*columns)
        .join(LetterRow, LetterRow.id == DeliveryRow.letter)
        .where(DeliveryRow.recipient == bindparam("reader", type_=Uuid()))
        .where(DeliveryRow.place > bindparam("after", type_=BigInteger()))
        .order_by(DeliveryRow.place)
        .limit(bindparam("at_most"))
    )


_PAGE = _page_statement()
