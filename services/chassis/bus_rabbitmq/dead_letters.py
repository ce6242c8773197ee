"""Looking at queues and dead letters, and putting dead letters back.

Owns the operations an operator has. Refuses to drop any: a dead letter leaves its queue only when its own queue
has confirmed it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError, ChannelClosedByBroker

from ..bus import BusUnavailableError, Depth
from .publisher import PERSISTENT
from .topology import Topology


class DeadLetters:
    """The dead letters of every queue of a deployment."""

    def __init__(self, parameters: pika.URLParameters, topology: Topology) -> None:
        self._parameters = parameters
        self._topology = topology

    def depths(self, queues: Sequence[str]) -> Mapping[str, Depth]:
        """How full these queues are, without those that are not there."""
        with self._connection() as connection:
            found = {queue: self._depth(connection, queue) for queue in queues}
        return {queue: depth for queue, depth in found.items() if depth is not None}

    def _depth(self, connection: pika.BlockingConnection, queue: str) -> Depth | None:
        names = (self._topology.queue(queue), self._topology.dead_queue(queue))
        try:
            with connection.channel() as channel:
                waiting, dead = (channel.queue_declare(name, passive=True).method.message_count for name in names)
                return Depth(waiting, dead)
        except ChannelClosedByBroker:  # no such queue: the broker closes the channel over the question
            return None

    def peek(self, queue: str, limit: int) -> list[bytes]:
        """Up to `limit` dead letters; they go back when the channel closes."""
        with self._channel() as channel:
            bodies: list[bytes] = []
            while len(bodies) < limit:
                method, _, body = channel.basic_get(self._topology.dead_queue(queue))
                if method is None:
                    break
                bodies.append(body)
            return bodies

    def replay(self, queue: str) -> int:
        """Put every dead letter back into its queue; how many.

        Those that are set aside again meanwhile stay: a letter that nobody can handle would else go round for ever.
        """
        with self._channel() as channel:
            channel.confirm_delivery()
            waiting = channel.queue_declare(self._topology.dead_queue(queue), passive=True).method.message_count
            again = self._topology.again(channel, queue)
            for count in range(waiting):
                if not self._put_back(channel, queue, again):
                    return count
            return int(waiting)

    def _put_back(self, channel: BlockingChannel, queue: str, exchange: str) -> bool:
        method, properties, body = channel.basic_get(self._topology.dead_queue(queue))
        if method is None:
            return False
        same = pika.BasicProperties(
            message_id=properties.message_id, content_type=properties.content_type, delivery_mode=PERSISTENT
        )
        channel.basic_publish(exchange, self._topology.queue(queue), body, same, mandatory=True)  # until confirmed
        channel.basic_ack(method.delivery_tag)
        return True

    @contextmanager
    def _channel(self) -> Iterator[BlockingChannel]:
        with self._connection() as connection:
            yield connection.channel()

    @contextmanager
    def _connection(self) -> Iterator[pika.BlockingConnection]:
        try:
            with pika.BlockingConnection(self._parameters) as connection:
                yield connection
        except ChannelClosedByBroker as error:  # such as a user without the permission
            raise BusUnavailableError(f"the broker refuses: {error.reply_text}") from None
        except (AMQPError, OSError):
            raise BusUnavailableError("the broker does not answer") from None
