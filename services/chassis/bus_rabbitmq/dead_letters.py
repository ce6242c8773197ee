"""Looking at dead letters, and putting them back.

Owns the two operations an operator has. Refuses to drop any: a dead letter leaves its queue only when its own queue
has confirmed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from ..bus import BusUnavailableError
from .topology import Topology


class DeadLetters:
    """The dead letters of every queue of a deployment."""

    def __init__(self, parameters: pika.URLParameters, topology: Topology) -> None:
        self._parameters = parameters
        self._topology = topology

    def peek(self, queue: str, limit: int) -> list[bytes]:
        """Up to `limit` dead letters, oldest first; they go back when the channel closes."""
        with self._channel() as channel:
            bodies: list[bytes] = []
            while len(bodies) < limit:
                method, _, body = channel.basic_get(self._topology.dead_queue(queue))
                if method is None:
                    break
                bodies.append(body)
            return bodies

    def replay(self, queue: str) -> int:
        """Put every dead letter back into its queue; how many."""
        with self._channel() as channel:
            channel.confirm_delivery()
            count = 0
            while True:
                method, properties, body = channel.basic_get(self._topology.dead_queue(queue))
                if method is None:
                    return count
                again = pika.BasicProperties(
                    message_id=properties.message_id, content_type=properties.content_type, delivery_mode=2
                )
                channel.basic_publish("", self._topology.queue(queue), body, again, mandatory=True)
                channel.basic_ack(method.delivery_tag)
                count += 1

    @contextmanager
    def _channel(self) -> Iterator[BlockingChannel]:
        try:
            with pika.BlockingConnection(self._parameters) as connection:
                yield connection.channel()
        except (AMQPError, OSError):
            raise BusUnavailableError("the broker does not answer") from None
