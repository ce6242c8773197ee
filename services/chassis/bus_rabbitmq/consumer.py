"""Consuming: one event after the other, tried in place, set aside when it cannot be handled.

Owns the connection of each consuming thread, and its return after a loss. Refuses to requeue: an event that is tried
again behind its successors would break the order that followers of a feed rely on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from .. import logs
from ..bus import BusUnavailableError, Subscription, attempt
from ..event import Event
from .topology import Topology

# Unacknowledged events that the broker may send ahead: enough to keep a handler busy, few enough to hand over quickly.
PREFETCH = 64
RECONNECT_SECONDS = 0.5
LOOK_AT_STOP_SECONDS = 0.2


@dataclass(frozen=True)
class Handlers:
    """What handles an event, and perhaps several at once."""

    one: Callable[[Event], None]
    several: Callable[[Sequence[Event]], None] | None

    def together(self, bodies: Sequence[bytes]) -> bool:
        """Whether all of them were handled at once; otherwise none was."""
        if self.several is None:
            return False
        try:
            self.several([Event.decode(body) for body in bodies])
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
                with pika.BlockingConnection(self._parameters) as connection:
                    self._consume(connection.channel(), subscription, handlers, stop)
            except (AMQPError, OSError) as error:
                logs.logger("bus").warning("connection lost", queue=subscription.queue, error=type(error).__name__)
                stop.wait(RECONNECT_SECONDS)

    def _consume(
        self, channel: BlockingChannel, subscription: Subscription, handlers: Handlers, stop: threading.Event
    ) -> None:
        self._topology.declare(channel, subscription)
        channel.basic_qos(prefetch_count=PREFETCH)
        delivered = channel.consume(self._topology.queue(subscription.queue), inactivity_timeout=LOOK_AT_STOP_SECONDS)
        for method, _, body in delivered:
            if stop.is_set():
                return  # what was sent ahead goes back to the queue when the connection closes
            if method is None:
                continue
            messages = [(method.delivery_tag, body)]
            while channel.get_waiting_message_count():
                further, _, more = next(delivered)
                messages.append((further.delivery_tag, more))
            _settle(channel, messages, handlers, stop)


def _settle(
    channel: BlockingChannel, messages: list[tuple[int, bytes]], handlers: Handlers, stop: threading.Event
) -> None:
    """Handle what waits together, or one by one where that fails."""
    if len(messages) > 1 and handlers.together([body for _, body in messages]):
        channel.basic_ack(messages[-1][0], multiple=True)
        return
    for tag, body in messages:
        if attempt(body, handlers.one, lambda seconds: _pause(channel, seconds, stop)):
            channel.basic_ack(tag)
        elif stop.is_set():
            return
        else:
            channel.basic_reject(tag, requeue=False)  # to the dead-letter exchange


def _pause(channel: BlockingChannel, seconds: float, stop: threading.Event) -> bool:
    """Wait, with the heart of the connection beating; whether it is time to stop."""
    channel.connection.sleep(seconds)
    return stop.is_set()
