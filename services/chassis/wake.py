"""Waking those who wait: a long poll when a letter comes, a relay when an event is recorded, a barrier when a report
arrives.

Owns bells, and the way they ring in other processes (LISTEN and NOTIFY on PostgreSQL). Refuses to carry facts: a bell
says "look again", and whoever waits also looks now and then without it, so a lost ring costs time and nothing else.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import psycopg

from .db import CONNECTING, Database

# One channel of PostgreSQL for all: our own channel and key travel in the payload.
_POSTGRESQL_CHANNEL = "concord"
# How long a listener waits before it looks whether it is to stop.
LOOK_SECONDS = 1.0
# Rings leave at least this long apart, those between them together: a hundredth of what a reader would notice. The
# first after a quiet time leaves at once.
GATHER_SECONDS = 0.002
_RECONNECT_SECONDS = 1.0


class Bell:
    """What one waiter holds. A ring between two waits is not lost."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        """Wake the waiter, now or at its next wait."""
        self._rung.set()

    def wait(self, timeout: float) -> bool:
        """Whether it rang within `timeout` seconds, or since the last wait."""
        rung = self._rung.wait(max(timeout, 0))
        self._rung.clear()
        return rung


class Notifier(Protocol):
    """Rings bells by channel and key."""

    def notify(self, channel: str, key: str = "") -> None:
        """Ring every bell of that channel and key, in every process. Called after the commit; never blocks."""

    def listening(self, channel: str, key: str = "") -> AbstractContextManager[Bell]:
        """A bell for the block. Take it before looking, so that nothing falls between looking and waiting."""

    def close(self) -> None:
        """Stop the threads."""


class LocalNotifier:
    """Rings the bells of this process."""

    def __init__(self) -> None:
        self._bells: dict[tuple[str, str], set[Bell]] = defaultdict(set)
        self._lock = threading.Lock()

    def notify(self, channel: str, key: str = "") -> None:
        """Ring every bell of that channel and key."""
        with self._lock:
            bells = tuple(self._bells.get((channel, key), ()))
        for bell in bells:
            bell.ring()

    @contextmanager
    def listening(self, channel: str, key: str = "") -> Iterator[Bell]:
        """A bell for the block."""
        bell = Bell()
        with self._lock:
            self._bells[channel, key].add(bell)
        try:
            yield bell
        finally:
            with self._lock:
                self._bells[channel, key].discard(bell)
                if not self._bells[channel, key]:
                    del self._bells[channel, key]

    def ring_all(self) -> None:
        """Ring every bell: something may have been missed."""
        with self._lock:
            bells = [bell for group in self._bells.values() for bell in group]
        for bell in bells:
            bell.ring()

    def close(self) -> None:
        """Nothing to stop."""


class PostgresNotifier:
    """Rings bells in every process of one database, by one listening and one notifying connection a process.

    A NOTIFY inside the business transaction would take a lock of the whole database at its commit, and letters would
    queue for it. Here it is sent right after, by a thread of its own that joins what came meanwhile.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._local = LocalNotifier()
        self._outgoing: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._unsent: set[str] = set()
        self._stop = threading.Event()
        self._started = 0
        self._lock = threading.Lock()

    def notify(self, channel: str, key: str = "") -> None:
        """Ring here at once, and elsewhere as soon as the thread has sent it."""
        self._start()
        self._local.notify(channel, key)
        self._outgoing.put(f"{channel} {key}")

    @contextmanager
    def listening(self, channel: str, key: str = "") -> Iterator[Bell]:
        """A bell for the block."""
        self._start()
        with self._local.listening(channel, key) as bell:
            yield bell

    def close(self) -> None:
        """Stop both threads."""
        self._stop.set()
        self._outgoing.put(None)

    def _start(self) -> None:
        if self._started == os.getpid():  # threads do not survive a fork: each process starts its own
            return
        with self._lock:
            if self._started != os.getpid():
                for loop in (self._listen, self._send):
                    threading.Thread(
                        target=self._again, args=(loop,), name=f"wake-{loop.__name__}", daemon=True
                    ).start()
                self._started = os.getpid()

    def _again(self, loop: Callable[[psycopg.Connection], None]) -> None:
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, **CONNECTING) as connection:
                    loop(connection)
            except psycopg.Error:
                self._stop.wait(_RECONNECT_SECONDS)

    def _listen(self, connection: psycopg.Connection) -> None:
        connection.execute(f"LISTEN {_POSTGRESQL_CHANNEL}")
        self._local.ring_all()  # what rang before this moment was not heard
        while not self._stop.is_set():
            for notice in connection.notifies(timeout=LOOK_SECONDS):
                channel, _, key = notice.payload.partition(" ")
                self._local.notify(channel, key)

    def _send(self, connection: psycopg.Connection) -> None:
        # A NOTIFY is a commit, and holds a lock of the whole database until it is flushed to the disk. A ring is no
        # fact and may be lost with the machine: whoever waited begins anew then and looks.
        connection.execute("SET synchronous_commit = off")
        earliest = time.monotonic()
        while not self._stop.is_set():
            self._gather(earliest)
            if self._unsent:
                connection.execute(_NOTIFY, (_POSTGRESQL_CHANNEL, list(self._unsent)))
                self._unsent.clear()  # only now: what a lost connection swallowed is sent on the next one
                earliest = time.monotonic() + GATHER_SECONDS

    def _gather(self, earliest: float) -> None:
        """Wait for something to send, and for the instant at which it may go; join what came meanwhile."""
        if not self._unsent:
            self._add(self._outgoing.get())
            if (left := earliest - time.monotonic()) > 0:
                self._stop.wait(left)
        while not self._outgoing.empty():
            self._add(self._outgoing.get_nowait())

    def _add(self, message: str | None) -> None:
        if message is not None:
            self._unsent.add(message)


_NOTIFY = "SELECT pg_notify(%s, message) FROM unnest(%s::text[]) message"


def start_notifier(database: Database) -> Notifier:
    """The notifier that fits a database."""
    if database.is_postgresql:
        url = database.url.set(drivername="postgresql")
        return PostgresNotifier(url.render_as_string(hide_password=False))
    return LocalNotifier()
