"""Where a bus of each kind lives, so that a test can open it again, from another process too.

Owns the names on a shared broker, and their removal. Refuses to know what a bus promises: that is the suite's.
"""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pika
from pika.exceptions import AMQPError

from services.chassis.bus import Bus, LocalBus, Subscription
from services.chassis.bus_rabbitmq import RabbitBus
from services.chassis.bus_rabbitmq.topology import Topology

TYPE = "care.concord.test.happened.v1"
OTHER = "care.concord.test.ignored.v1"
QUEUE, SECOND_QUEUE = "tested", "tested-too"
SUBSCRIPTION = Subscription(QUEUE, frozenset({TYPE}))
ROOT = Path(__file__).resolve().parents[2]


class Place(Protocol):
    """One bus, which any number of processes may open."""

    @property
    def address(self) -> tuple[str, str, str]:
        """Kind and two more words: what `opened` takes."""

    def open(self) -> Bus:
        """The bus, once more."""

    def put_raw(self, body: bytes, queue: str = QUEUE) -> None:
        """Put bytes into a queue as they are, past the envelope."""


class LocalPlace:
    """A file."""

    def __init__(self, path: str) -> None:
        self.address = ("local", path, "")

    def open(self) -> LocalBus:
        return LocalBus(self.address[1])

    def put_raw(self, body: bytes, queue: str = QUEUE) -> None:
        with contextlib.closing(sqlite3.connect(self.address[1], isolation_level=None)) as connection:
            connection.execute("INSERT INTO message (queue, body) VALUES (?, ?)", (queue, body))


class RabbitPlace:
    """A prefix on a broker. `url` may lead there by another way, such as a cable that can be cut."""

    def __init__(self, url: str, prefix: str | None = None) -> None:
        self.url = url
        self.topology = Topology(prefix or f"concord_test_{uuid4().hex[:8]}")
        self.address = ("rabbitmq", url, self.topology.events.removesuffix(".events"))

    def open(self, url: str | None = None) -> RabbitBus:
        return RabbitBus(url or self.url, prefix=self.address[2])

    def put_raw(self, body: bytes, queue: str = QUEUE) -> None:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            channel.basic_publish("", self.topology.queue(queue), body, mandatory=True)

    def remove(self) -> None:
        """Delete everything of this prefix."""
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            for queue in (QUEUE, SECOND_QUEUE, "messaging"):
                for name in (self.topology.queue(queue), self.topology.dead_queue(queue)):
                    with contextlib.suppress(AMQPError):
                        connection.channel().queue_delete(name)
            queues = [self.topology.queue(queue) for queue in (QUEUE, SECOND_QUEUE, "messaging")]
            for name in (self.topology.events, *(f"{queue}.{end}" for queue in queues for end in ("dead", "again"))):
                with contextlib.suppress(AMQPError):
                    connection.channel().exchange_delete(name)


def opened(kind: str, location: str, prefix: str) -> Bus:
    """The bus at an address."""
    return LocalPlace(location).open() if kind == "local" else RabbitPlace(location, prefix).open()


def in_a_process_that_dies(place: Place, what: str) -> None:
    """Have `tests/contract/dying.py` do something with the bus and die of it; it must get that far."""
    command = [sys.executable, "-m", "tests.contract.dying", what, *place.address]
    died = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert died.returncode == 86, died.stderr.decode()
