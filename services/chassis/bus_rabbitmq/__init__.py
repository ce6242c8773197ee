"""The bus over RabbitMQ (AMQP 0-9-1): the only room that imports pika.

Owns exchanges, queues, confirms and reconnection. Refuses a web worker: publishing is the relay's work, in a worker
process. A connection is never shared over a fork: publisher and consumers open theirs in the thread that uses them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import pika

from ..bus import Depth, Subscription
from ..event import Event
from .consumer import Consumer, Handlers
from .dead_letters import DeadLetters
from .publisher import Publisher
from .topology import Topology


class RabbitBus:
    """See `services.chassis.bus.Bus`. `prefix` keeps several deployments apart on one broker."""

    def __init__(self, url: str, *, prefix: str = "concord") -> None:
        parameters = pika.URLParameters(url)
        # A broker that is silent for this long is gone. Handlers may take longer: see `consumer`.
        parameters.heartbeat = 30
        parameters.blocked_connection_timeout = 10
        parameters.socket_timeout = 5
        topology = Topology(prefix)
        self._publisher = Publisher(parameters, topology)
        self._consumer = Consumer(parameters, topology)
        self._dead_letters = DeadLetters(parameters, topology)

    def declare(self, subscription: Subscription) -> None:
        """See `Bus.declare`."""
        self._consumer.declare(subscription)

    def publish(self, events: Sequence[Event]) -> None:
        """See `Bus.publish`."""
        self._publisher.publish(events)

    def consume(
        self,
        subscription: Subscription,
        handler: Callable[[Event], None],
        stop: threading.Event,
        *,
        several: Callable[[Sequence[Event]], None] | None = None,
    ) -> None:
        """See `Bus.consume`."""
        self._consumer.consume(subscription, Handlers(handler, several), stop)

    def depths(self, queues: Sequence[str]) -> Mapping[str, Depth]:
        """See `Bus.depths`."""
        return self._dead_letters.depths(queues)

    def dead_letters(self, queue: str, limit: int = 100) -> list[bytes]:
        """See `Bus.dead_letters`."""
        return self._dead_letters.peek(queue, limit)

    def replay_dead_letters(self, queue: str) -> int:
        """See `Bus.replay_dead_letters`."""
        return self._dead_letters.replay(queue)

    def close(self) -> None:
        """Close the publisher's connection; consumers end by their stop event."""
        self._publisher.close()


__all__ = ["RabbitBus"]
