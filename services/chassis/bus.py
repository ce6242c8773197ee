"""The bus between services: what it promises, and the in-process one that keeps the same promises.

Owns the contract (at least once, in order for each queue, dead letters) and `LocalBus`. Refuses AMQP: that is
`bus_rabbitmq`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from .delivery import attempt
from .event import Event


class BusUnavailableError(RuntimeError):
    """The broker did not confirm: the events may or may not be there, and must be published again."""


class UnroutableError(RuntimeError):
    """No queue is bound for some events; all others of the batch were confirmed."""

    def __init__(self, event_ids: frozenset[UUID]) -> None:
        super().__init__(f"{len(event_ids)} events have no queue")
        self.event_ids = event_ids


@dataclass(frozen=True)
class Depth:
    """How many events wait in a queue, and how many of it were set aside."""

    waiting: int
    dead: int


@dataclass(frozen=True)
class Subscription:
    """A queue, and the types of events that go into it."""

    queue: str
    types: frozenset[str]


class Bus(Protocol):
    """Publishing and consuming. Thread-safe; never shared over a fork."""

    def declare(self, subscription: Subscription) -> None:
        """Make the queue and its bindings, if they are not there. Raises `BusUnavailableError`."""

    def publish(self, events: Sequence[Event]) -> None:
        """Return when every event is stored in each of its queues. Raises `BusUnavailableError`, `UnroutableError`."""

    def consume(
        self,
        subscription: Subscription,
        handler: Callable[[Event], None],
        stop: threading.Event,
        *,
        several: Callable[[Sequence[Event]], None] | None = None,
    ) -> None:
        """Hand events to `handler`, one after the other, until `stop` is set.

        `several` may take those that wait together, all or none of them; when it raises, they go to `handler` one by
        one.

        An event is done with when the handler returns. When it raises, the event is tried again, and set aside in the
        end, as `delivery` says. One consumer of a queue is active at a time.
        """

    def depths(self, queues: Sequence[str]) -> Mapping[str, Depth]:
        """How full these queues are; one that nobody has declared yet is left out. Raises `BusUnavailableError`."""

    def dead_letters(self, queue: str, limit: int = 100) -> list[bytes]:
        """The events that were set aside, left where they are; looking may change their order, and nothing else."""

    def replay_dead_letters(self, queue: str) -> int:
        """Put the dead letters back into their queue; how many."""

    def close(self) -> None:
        """Give up connections."""


class LocalBus:
    """A bus within one process: encoded bytes, at least once, dead letters.

    Its queues are in a SQLite file, or in memory.
    """

    def __init__(self, path: str = ":memory:") -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.executescript(_SCHEMA)
        self._changed = threading.Condition()
        self._consuming: dict[str, threading.Lock] = {}

    def declare(self, subscription: Subscription) -> None:
        """Bind the queue to its types; types that are bound already stay so."""
        with self._changed:
            self._consuming.setdefault(subscription.queue, threading.Lock())
            rows = [(subscription.queue, type_) for type_ in sorted(subscription.types)]
            self._connection.executemany("INSERT OR IGNORE INTO binding (queue, type) VALUES (?, ?)", rows)

    def publish(self, events: Sequence[Event]) -> None:
        """Store each event in every queue bound to its type: all of them, or none."""
        try:
            unroutable = self._store(events)
        except sqlite3.Error:  # a full disk, a file that is gone
            raise BusUnavailableError("the bus cannot write its file") from None
        if unroutable:
            raise UnroutableError(unroutable)

    def put_raw(self, queue: str, body: bytes) -> None:
        """Put bytes into a queue as they are, event or not."""
        with self._changed:
            self._connection.execute("INSERT INTO message (queue, body) VALUES (?, ?)", (queue, body))
            self._changed.notify_all()

    def consume(
        self,
        subscription: Subscription,
        handler: Callable[[Event], None],
        stop: threading.Event,
        *,
        several: Callable[[Sequence[Event]], None] | None = None,
    ) -> None:
        """See `Bus.consume`. Takes events one by one: within a process nothing is gained by taking several."""
        self.declare(subscription)
        turn = self._consuming[subscription.queue]
        while not stop.is_set():
            if turn.acquire(timeout=0.2):  # a second consumer waits until the first is gone
                try:
                    self._consume(subscription.queue, handler, stop)
                finally:
                    turn.release()

    def depths(self, queues: Sequence[str]) -> Mapping[str, Depth]:
        """See `Bus.depths`."""
        query = (
            "SELECT queue, count(*) FILTER (WHERE NOT dead), count(*) FILTER (WHERE dead) FROM message GROUP BY queue"
        )
        with self._changed:
            found = {queue: Depth(waiting, dead) for queue, waiting, dead in self._connection.execute(query)}
            known = {queue for (queue,) in self._connection.execute("SELECT DISTINCT queue FROM binding")}
        return {queue: found.get(queue, Depth(0, 0)) for queue in queues if queue in known}

    def dead_letters(self, queue: str, limit: int = 100) -> list[bytes]:
        """See `Bus.dead_letters`."""
        query = "SELECT body FROM message WHERE queue = ? AND dead ORDER BY n LIMIT ?"
        with self._changed:
            return [body for (body,) in self._connection.execute(query, (queue, limit))]

    def replay_dead_letters(self, queue: str) -> int:
        """See `Bus.replay_dead_letters`."""
        with self._changed:
            count = self._connection.execute("UPDATE message SET dead = 0 WHERE queue = ? AND dead", (queue,)).rowcount
            self._changed.notify_all()
        return count

    def close(self) -> None:
        """Close the file."""
        with self._changed:
            self._connection.close()

    def _store(self, events: Sequence[Event]) -> frozenset[UUID]:
        """Store events; the ids of those that no queue takes."""
        query = "INSERT INTO message (queue, body) SELECT queue, ? FROM binding WHERE type = ?"
        with self._changed, self._connection:  # the connection's block commits, or rolls back
            self._connection.execute("BEGIN")
            stored = {e.id: self._connection.execute(query, (e.encode(), e.type)).rowcount for e in events}
            self._changed.notify_all()
        return frozenset(event_id for event_id, queues in stored.items() if not queues)

    def _consume(self, queue: str, handler: Callable[[Event], None], stop: threading.Event) -> None:
        while not stop.is_set():
            message = self._next(queue)
            if message is not None:
                dead = not attempt(message[1], handler, stop.wait)
                self._settle(message[0], dead=dead, stop=stop)

    def _next(self, queue: str) -> tuple[int, bytes] | None:
        query = "SELECT n, body FROM message WHERE queue = ? AND NOT dead ORDER BY n LIMIT 1"
        with self._changed:
            row: tuple[int, bytes] | None = self._connection.execute(query, (queue,)).fetchone()
            if row is None:
                self._changed.wait(0.2)
            return row

    def _settle(self, n: int, *, dead: bool, stop: threading.Event) -> None:
        with self._changed:
            if dead and not stop.is_set():
                self._connection.execute("UPDATE message SET dead = 1 WHERE n = ?", (n,))
            elif not dead:
                self._connection.execute("DELETE FROM message WHERE n = ?", (n,))


_SCHEMA = """
CREATE TABLE IF NOT EXISTS binding (queue TEXT, type TEXT, PRIMARY KEY (queue, type));
CREATE TABLE IF NOT EXISTS message (n INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT, body BLOB, dead INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS message_queue ON message (queue, dead, n);
"""
