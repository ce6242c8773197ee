"""Publishing with pipelined confirms: a batch is sent at once, and the broker's word for each event is awaited
together.

Owns one connection and the thread that drives it. Refuses to confirm what the broker did not: a lost connection fails
the whole batch, which is then published again (at least once).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pika
from pika.adapters.select_connection import SelectConnection
from pika.exceptions import AMQPError

from .. import tracing
from ..bus import BusUnavailableError, UnroutableError
from ..event import Event
from .topology import Topology

CONNECT_SECONDS = 5.0
# Quorum queues write to disk before they confirm; a batch that takes longer is taken for lost.
CONFIRM_SECONDS = 10.0
PERSISTENT = 2


class _Batch:
    """Events on their way, and what the broker said of them."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = [(event, event.encode()) for event in events]
        self.unconfirmed: set[int] = set()
        self.returned: set[UUID] = set()
        self.refused = False
        self.settled = threading.Event()

    def settle(self, tag: int, *, multiple: bool) -> None:
        """The broker has spoken about one event, or about all up to it."""
        self.unconfirmed = {t for t in self.unconfirmed if t > tag} if multiple else self.unconfirmed - {tag}
        if not self.unconfirmed:
            self.settled.set()

    def refuse(self) -> None:
        """The broker will say no more."""
        self.refused = True
        self.settled.set()


class Publisher:
    """Publishes batches, one at a time. Thread-safe."""

    def __init__(self, parameters: pika.URLParameters, topology: Topology) -> None:
        self._parameters = parameters
        self._topology = topology
        self._lock = threading.Lock()
        self._session: _Session | None = None

    def publish(self, events: Sequence[Event]) -> None:
        """See `Bus.publish`."""
        if not events:
            return
        with self._lock:
            batch = _Batch(events)
            try:
                self._connected().send(batch)
            except BusUnavailableError:
                self._drop()
                raise
        if batch.returned:
            raise UnroutableError(frozenset(batch.returned))

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._drop()

    def _connected(self) -> _Session:
        if self._session is None or not self._session.usable:
            self._drop()
            self._session = _Session(self._parameters, self._topology)
        return self._session

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


class _Session:
    """One connection with one confirming channel, on a thread of its own."""

    def __init__(self, parameters: pika.URLParameters, topology: Topology) -> None:
        self._topology = topology
        self._channel: Any = None
        self._batch: _Batch | None = None
        self._next_tag = 1
        self._ready = threading.Event()
        self.usable = True
        self._connection = SelectConnection(
            parameters,
            on_open_callback=self._on_open,
            on_open_error_callback=self._on_lost,
            on_close_callback=self._on_lost,
        )
        threading.Thread(target=self._drive, name="publisher", daemon=True).start()
        if not self._ready.wait(CONNECT_SECONDS) or not self.usable:
            self.close()
            raise BusUnavailableError("the broker does not answer")

    def send(self, batch: _Batch) -> None:
        """Send a batch and wait for the broker's word. Raises `BusUnavailableError`."""
        self._batch = batch
        if not self.usable:  # asked after the batch is in place: a loss from here on finds it there, and refuses it
            batch.refuse()
        self._connection.ioloop.add_callback_threadsafe(lambda: self._send(batch))
        if not batch.settled.wait(CONFIRM_SECONDS) or batch.refused:
            raise BusUnavailableError("the broker did not confirm")

    def close(self) -> None:
        """End the connection and its thread."""
        self.usable = False
        with contextlib.suppress(AMQPError, RuntimeError):
            self._connection.ioloop.add_callback_threadsafe(self._stop)

    def _drive(self) -> None:
        loop = self._connection.ioloop
        try:
            loop.start()
        except Exception:  # whatever ends the loop, the batch in flight is unconfirmed
            self._on_lost()
        loop.close()  # its files: a broker that is away for an hour would else cost thousands of them

    def _stop(self) -> None:
        if self._connection.is_open:
            self._connection.close()
        else:
            self._connection.ioloop.stop()

    def _on_open(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._on_lost)
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=lambda _: self._declare(channel))

    def _declare(self, channel: Any) -> None:
        events = self._topology.events
        channel.exchange_declare(events, exchange_type="topic", durable=True, callback=lambda _: self._ready.set())

    def _send(self, batch: _Batch) -> None:
        if not self.usable:
            batch.refuse()
            return
        batch.unconfirmed = set(range(self._next_tag, self._next_tag + len(batch.events)))
        self._next_tag += len(batch.events)
        for event, body in batch.events:
            self._channel.basic_publish(self._topology.events, event.type, body, _properties(event), mandatory=True)

    def _on_return(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        if self._batch is not None:  # a returned event is confirmed as well, right after
            self._batch.returned.add(UUID(properties.message_id))

    def _on_confirm(self, frame: Any) -> None:
        if self._batch is None:
            return
        if isinstance(frame.method, pika.spec.Basic.Nack):
            self._batch.refused = True
        self._batch.settle(frame.method.delivery_tag, multiple=frame.method.multiple)

    def _on_lost(self, *_: Any) -> None:
        self.usable = False
        self._ready.set()
        if self._batch is not None and not self._batch.settled.is_set():
            self._batch.refuse()
        self._connection.ioloop.stop()


def _properties(event: Event) -> pika.BasicProperties:
    """What stands around an event; its trace, if it has one, goes on from the moment at which it is sent."""
    attributes = {"messaging.system": "rabbitmq", "messaging.message.id": str(event.id)}
    headers = None
    if event.traceparent is not None:
        with tracing.span(f"send {event.type}", "producer", attributes, event.traceparent):
            headers = {"traceparent": tracing.current() or event.traceparent}
    return pika.BasicProperties(
        message_id=str(event.id),
        content_type="application/cloudevents+json",
        delivery_mode=PERSISTENT,
        headers=headers,
    )
