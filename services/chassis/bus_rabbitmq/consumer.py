"""Consuming: one event after the other, tried in place, set aside when it cannot be handled.

Owns the connection of each consuming thread, and its return after a loss. Refuses to requeue: an event that is tried
again behind its successors would break the order that followers of a feed rely on. Handlers work in a thread beside
the connection's, which keeps its heart beating however long they take: a broker that hears nothing would count the
event as one more that its consumer died over.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from .. import logs
from ..bus import BusUnavailableError, Subscription
from ..delivery import attempt
from ..event import Event
from .topology import Topology

# Unacknowledged events that the broker may send ahead: enough to keep a handler busy, few enough to hand over quickly.
PREFETCH = 64
RECONNECT_SECONDS = 0.5
LOOK_AT_STOP_SECONDS = 0.2
Result = TypeVar("Result")


@dataclass(frozen=True)
class Message:
    """What the broker delivered: the event's bytes, and the trace that goes along with it."""

    tag: int
    body: bytes
    traceparent: str | None


def _message(method: Any, properties: Any, body: bytes) -> Message:
    given = (properties.headers or {}).get("traceparent")
    return Message(method.delivery_tag, body, given if isinstance(given, str) else None)


@dataclass(frozen=True)
class Handlers:
    """What handles an event, and perhaps several at once."""

    one: Callable[[Event], None]
    several: Callable[[Sequence[Event]], None] | None

    def together(self, messages: Sequence[Message]) -> bool:
        """Whether all of them were handled at once; otherwise none was."""
        if self.several is None:
            return False
        try:
            self.several([Event.decode(each.body).traced(each.traceparent) for each in messages])
        except Exception:  # one of them may be at fault: each is then tried by itself, and set aside by itself
            return False
        return True


class Consumer:
    """Makes consuming loops; each `consume` has a connection of its own."""

    def __init__(self, parameters: pika.URLParameters, topology: Topology) -> None:
        self._parameters = parameters
        self._topology = topology

    def declare(self, subscription: Subscription) -> None:
        """See `Bus.declare`."""
        try:
            with pika.BlockingConnection(self._parameters) as connection:
                self._topology.declare(connection.channel(), subscription)
        except (AMQPError, OSError):
            raise BusUnavailableError("the broker does not answer") from None

    def consume(self, subscription: Subscription, handlers: Handlers, stop: threading.Event) -> None:
        """See `Bus.consume`."""
        while not stop.is_set():
            try:
                # In this order: after a lost connection the executor's end waits for a handler that is still at work,
                # so that no other event is handled beside it.
                with (
                    ThreadPoolExecutor(1, f"{subscription.queue} handler") as hands,
                    pika.BlockingConnection(self._parameters) as connection,
                ):
                    self._consume(_Line(connection.channel(), handlers, hands, stop), subscription)
            except (AMQPError, OSError) as error:
                logs.logger("bus").warning("connection lost", queue=subscription.queue, error=type(error).__name__)
                stop.wait(RECONNECT_SECONDS)

    def _consume(self, line: _Line, subscription: Subscription) -> None:
        channel = line.channel
        self._topology.declare(channel, subscription)
        channel.basic_qos(prefetch_count=PREFETCH)
        delivered = channel.consume(self._topology.queue(subscription.queue), inactivity_timeout=LOOK_AT_STOP_SECONDS)
        for method, properties, body in delivered:
            if line.stop.is_set():
                return  # what was sent ahead goes back to the queue when the connection closes
            if method is None:
                continue
            messages = [_message(method, properties, body)]
            while channel.get_waiting_message_count():
                messages.append(_message(*next(delivered)))
            line.settle(messages)


@dataclass(frozen=True)
class _Line:
    """One connection's channel, and the hands that work on what it brings."""

    channel: BlockingChannel
    handlers: Handlers
    hands: Executor
    stop: threading.Event

    def settle(self, messages: list[Message]) -> None:
        """Handle what waits together, or one by one where that fails."""
        if len(messages) > 1 and self._beside(lambda: self.handlers.together(messages)):
            self.channel.basic_ack(messages[-1].tag, multiple=True)
            return
        for each in messages:
            if self._tried(each):
                self.channel.basic_ack(each.tag)
            elif self.stop.is_set():
                return
            else:
                self.channel.basic_reject(each.tag, requeue=False)  # to the dead-letter exchange

    def _tried(self, message: Message) -> bool:
        return self._beside(lambda: attempt(message.body, self.handlers.one, self.stop.wait, message.traceparent))

    def _beside(self, work: Callable[[], Result]) -> Result:
        """Have `work` done in the other thread while this one minds the connection. Raises `AMQPError`."""
        done = self.hands.submit(work)
        done.add_done_callback(self._wake)
        while not done.done():
            self.channel.connection.process_data_events(time_limit=LOOK_AT_STOP_SECONDS)
        return done.result()

    def _wake(self, _: Future[Result]) -> None:
        with contextlib.suppress(AMQPError):  # the connection is gone, and nobody waits
            self.channel.connection.add_callback_threadsafe(lambda: None)
